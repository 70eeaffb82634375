/*
 * Actions that take and give locks, spend CPU time, and steer. A lock action begins an operation
 * of the lock that the scheme put into the role and carries it on, one micro-step a call; here are
 * also the waits and holds measured.
 */
#include "step.h"

/* Marks a label: the interpreter goes on with the step behind it. */
enum pcl_flow act_label(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)k, (void)c, (void)s;
    PCL_NEVER("a label is no step");
    return FLOW_SKIP;
}

enum pcl_flow act_goto(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return flow_to(k, c, s->to[0], FLOW_SKIP);
}

static pcl_ns constant(const struct pcl_kernel *k, uint16_t id)
{
    const char *base = (const char *)k->m->p;
    const void *at = base + pcl_consts[id].offset;

    return *(const int64_t *)at;
}

static enum pcl_flow spend(struct pcl_kernel *k, struct pcl_call *c, pcl_ns ns)
{
    if (ns == 0)
        return flow_next(c, FLOW_SKIP);
    pcl_burn(k->m, ns);
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_enter(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return spend(k, c, constant(k, s->arg));
}

enum pcl_flow act_cpu(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return spend(k, c, constant(k, s->arg));
}

enum pcl_flow act_fs_cpu(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return spend(k, c, pcl_fs_cost(k, (enum pcl_fs_cost)s->arg));
}

enum pcl_flow act_hold(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    return spend(k, c, pcl_times_of(k, k->m->cur)->hold);
}

enum pcl_flow act_exit(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    for (int r = 0; r < PCL_N_ROLES; r++)
        PCL_ASSERT(c->held[r] == 0);
    PCL_ASSERT(c->folio == PCL_NONE && c->other == PCL_NONE && c->outer == PCL_NONE &&
               c->batch == PCL_NONE);
    for (int i = 0; i < PCL_N_PAIRED; i++)
        PCL_ASSERT(c->held2[i] == 0);
    if (c->truth != PCL_NONE)
        pcl_oracle_end(k->cache->oracle, c->truth);
    if (c->truth2 != PCL_NONE)
        pcl_oracle_end(k->cache->oracle, c->truth2);
    c->truth = c->truth2 = PCL_NONE;
    k->failed[c->error]++;
    c->active = 0;
    return FLOW_STEP;
}

/* A fatal signal: whoever sleeps killably wakes. */
enum pcl_flow act_kill(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_machine *m = k->m;
    uint32_t task = c->off < (int64_t)m->n_tasks ? (uint32_t)c->off : PCL_NONE;

    (void)s;
    if (task == PCL_NONE || task == k->flusher)
        return flow_next(c, FLOW_SKIP);
    pcl_touch(m, PCL_LINE(TASK, task));
    if (m->model[task].run != PCL_RUN_DEAD) {
        m->model[task].killed = true;
        if (m->model[task].state == PCL_TASK_KILLABLE)
            pcl_wake(m, task);
    }
    return flow_next(c, FLOW_STEP);
}

/* A nested fault: the folio stays locked, and the path goes on with the other page of its pair. */
enum pcl_flow act_pair_inner(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)k, (void)s;
    c->outer = c->folio;
    c->folio = PCL_NONE;
    c->cur ^= 1;
    return flow_next(c, FLOW_SKIP);
}

enum pcl_flow act_pair_outer(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)k, (void)s;
    c->folio = c->outer;
    c->outer = PCL_NONE;
    c->cur ^= 1;
    return flow_next(c, FLOW_SKIP);
}

enum pcl_flow act_cond_resched(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)k, (void)s;
    return flow_next(c, FLOW_STEP);
}

/* --- range locks --------------------------------------------------------------------------- */

static uint32_t instance(const struct pcl_call *c, enum pcl_role role)
{
    return role == PCL_ROLE_MMAP ? c->mm : c->inode;
}

static uint64_t object(enum pcl_role role, uint32_t inst)
{
    return ((uint64_t)role << 20) | (inst & 0xfffff);
}

static void tell_starved(struct pcl_kernel *k, const struct pcl_lock_notes *N, const char *lock,
                         uint64_t page, uint32_t inst, pcl_ns wait)
{
    if (k->starvation == 0 || wait <= k->starvation)
        return;
    k->starved(k->told_arg, &(struct pcl_starved){.task = k->m->cur,
                                                     .inode = inst,
                                                     .page = page,
                                                     .lock = lock,
                                                     .wait = wait,
                                                     .passed = pcl_lock_notes_passed(N)});
}

void pcl_note_begin(struct pcl_kernel *k)
{
    if (k->m->cur == k->flusher)
        pcl_spent_begin(k->m);
    else
        pcl_spent_outside(k->m);
}

static void count_wait(struct pcl_lock_stats *st, enum pcl_mode mode, bool waited, pcl_ns wait)
{
    st->mode[mode].acquisitions++;
    if (!waited)
        return;
    st->mode[mode].contentions++;
    pcl_hist_add(&st->mode[mode].wait, wait);
    if (wait > st->mode[mode].longest_wait)
        st->mode[mode].longest_wait = wait;
}

/* A wait is over, and has been said what it was spent on. */
static void note_over(struct pcl_kernel *k, struct pcl_lock_stats *st, pcl_ns begin)
{
    struct pcl_machine *m = k->m;

    pcl_spent_begin(m);
    pcl_course_wait(&st->line, begin, m->at, true);
    *(m->cur == k->flusher ? &st->by_flusher : &k->waited) += m->at - begin;
}

void pcl_note_wait(struct pcl_kernel *k, struct pcl_lock_stats *st, bool waited)
{
    pcl_ns wait = k->m->at - pcl_times_of(k, k->m->cur)->lock_begin;

    count_wait(st, PCL_EXCLUSIVE, waited, wait);
    if (!waited)
        return;
    pcl_lock_waited_for(st, k->m, PCL_EXCLUSIVE, wait, PCL_NONE);
    note_over(k, st, pcl_times_of(k, k->m->cur)->lock_begin);
}

static void note_wait(struct pcl_kernel *k, const struct pcl_lock_notes *N,
                      struct pcl_lock_stats *st, enum pcl_mode mode, bool waited, pcl_ns begin)
{
    struct pcl_machine *m = k->m;

    count_wait(st, mode, waited, m->at - begin);
    if (!waited)
        return;
    pcl_lock_notes_waited(N, st, m, mode, m->at - begin);
    note_over(k, st, begin);
}

/* Held by the running body from since until now. */
static void note_hold(struct pcl_lock_stats *st, const struct pcl_machine *m, enum pcl_mode mode,
                      pcl_ns since)
{
    pcl_hist_add(&st->mode[mode].hold, pcl_now(m) - since);
    pcl_course_hold(&st->line, (int)mode, since, pcl_now(m));
}

static void tell_event(struct pcl_kernel *k, enum pcl_lock_event what, enum pcl_role role,
                       uint32_t obj)
{
    if (k->lock_event)
        k->lock_event(k->told_arg, what, role, obj);
}

static void note_held(struct pcl_lock_stats *st)
{
    if (++st->held > st->held_max)
        st->held_max = st->held;
}

/* Begins the acquisition that the call wants of a role; false: none. */
static bool begin_lock(struct pcl_kernel *k, struct pcl_call *c, enum pcl_role role)
{
    struct pcl_range_locks *R = &k->range[role];
    int mode = pcl_call_mode(k, c, role);
    int64_t start, last;

    if (mode < 0 || (R->ops->props & PCL_PROP_NULL) || c->held[role])
        return false;
    pcl_call_range(k, c, role, &start, &last);
    note_site(k, c);
    c->held[role] = 1 + pcl_range_begin(R, PCL_RANGE_ACQUIRE, instance(c, role),
                                        (enum pcl_mode)mode, start, last, false);
    R->node[c->held[role] - 1].class = (uint8_t)pcl_call_class(c);
    return true;
}

enum { TRIES = 5 };

/* A lock that never waits (PCL_PROP_TRY_ONLY) has failed. All paths do what xfs_lock_inodes() does
 * with its trylocks: try again at once, and sleep for a jiffy after every fifth failure. The phase
 * counts. */
static enum pcl_flow try_again(struct pcl_kernel *k, struct pcl_call *c, enum pcl_role role)
{
    struct pcl_machine *m = k->m;

    c->held[role] = 0;
    if (!begin_lock(k, c, role)) /* what it waited for is over: a punch on tmpfs */
        return flow_next(c, FLOW_STEP);
    k->range[role].op[m->cur].contended = true;
    if (c->phase++ < TRIES)
        return FLOW_STEP;
    c->phase = 1;
    pcl_sleep_until(m, pcl_ns_add(m->at, pcl_jiffies(m, 1)));
    return FLOW_STEP;
}

static void note_width(struct pcl_lock_stats *st, const struct pcl_range_node *n, pcl_ns begin,
                       pcl_ns took)
{
    int64_t width = n->last - n->start;

    if (width < st->widest || (width == st->widest && took <= st->widest_time))
        return;
    st->widest = width;
    st->widest_time = took;
    st->widest_begin = begin;
}

enum pcl_flow act_lock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    enum pcl_role role = (enum pcl_role)s->role;
    struct pcl_range_locks *R = &k->range[role];
    struct pcl_machine *m = k->m;
    struct pcl_call_times *t = pcl_times_of(k, m->cur);

    if (c->phase == 0) {
        if (!begin_lock(k, c, role))
            return flow_next(c, FLOW_SKIP);
        t->lock_begin = pcl_now(m);
        pcl_note_begin(k);
        tell_event(k, PCL_LOCK_ASKED, role, instance(c, role));
        c->phase = 1;
    }
    if (pcl_range_step(R) == PCL_MORE)
        return FLOW_STEP;
    if (R->op[m->cur].result == PCL_RANGE_BUSY)
        return try_again(k, c, role);
    const struct pcl_range_op *op = &R->op[m->cur];
    const struct pcl_range_node *n = &R->node[op->node];

    note_wait(k, R->notes, &R->stats, (enum pcl_mode)n->mode, op->contended, t->lock_begin);
    if (op->contended)
        tell_starved(k, R->notes, pcl_role_name(role), PCL_NO_PAGE, op->inst,
                     m->at - t->lock_begin);
    note_held(&R->stats);
    note_width(&R->stats, n, t->lock_begin, m->at - t->lock_begin);
    t->held_since[role] = m->at;
    tell_event(k, PCL_LOCK_GRANTED, role, op->inst);
    pcl_transition(&m->eng, PCL_TR_GRANT, m->cur, object(role, op->inst));
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_unlock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    enum pcl_role role = (enum pcl_role)s->role;
    struct pcl_range_locks *R = &k->range[role];
    struct pcl_machine *m = k->m;

    if (c->phase == 0) {
        if (!c->held[role])
            return flow_next(c, FLOW_SKIP);
        uint32_t node = c->held[role] - 1;

        note_hold(&R->stats, m, (enum pcl_mode)R->node[node].mode,
                  pcl_times_of(k, m->cur)->held_since[role]);
        R->stats.held--;
        pcl_transition(&m->eng, PCL_TR_RELEASE, m->cur, object(role, instance(c, role)));
        pcl_range_begin_release(R, PCL_RANGE_RELEASE, node);
        c->held[role] = 0;
        c->phase = 1;
    }
    if (pcl_range_step(R) == PCL_MORE)
        return FLOW_STEP;
    return flow_next(c, FLOW_STEP);
}

/* From exclusive to shared, as held until now. */
enum pcl_flow act_downgrade(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    enum pcl_role role = (enum pcl_role)s->role;
    struct pcl_range_locks *R = &k->range[role];
    struct pcl_machine *m = k->m;
    pcl_ns *since = &pcl_times_of(k, m->cur)->held_since[role];

    if (c->phase == 0) {
        if (!c->held[role])
            return flow_next(c, FLOW_SKIP);
        uint32_t node = c->held[role] - 1;

        note_hold(&R->stats, m, (enum pcl_mode)R->node[node].mode, *since);
        *since = pcl_now(m);
        pcl_range_begin_release(R, PCL_RANGE_DOWNGRADE, node);
        c->phase = 1;
    }
    if (pcl_range_step(R) == PCL_MORE)
        return FLOW_STEP;
    return flow_next(c, FLOW_STEP);
}

/* Truncate and fallocate against the order that reads, writes and faults keep. */
enum pcl_flow act_if_wrong_order(struct pcl_kernel *k, struct pcl_call *c,
                                 const struct pcl_step *s)
{
    return k->option[PCL_OPTION_LOCK_ORDER] == PCL_ORDER_INVALIDATE
               ? flow_to(k, c, s->to[0], FLOW_SKIP)
               : flow_next(c, FLOW_SKIP);
}

/* A range lock stays with direct I/O until it is done. So do pages in its place: who waited for
 * direct I/O with pages locked could wait for one that found none and wants them by now. */
static bool holds_range(const struct pcl_kernel *k)
{
    return k->range[PCL_ROLE_IOLOCK].ops->props & (PCL_PROP_EXACT | PCL_PROP_RESIDENT);
}

/* A direct write that changes neither size nor blocks goes on without the iolock. */
enum pcl_flow act_unlock_overwrite(struct pcl_kernel *k, struct pcl_call *c,
                                   const struct pcl_step *s)
{
    if (c->phase == 0 && (holds_range(k) || !pcl_dio_overwrites(k, c)))
        return flow_next(c, FLOW_SKIP);
    return act_unlock(k, c, s);
}

/* A direct read that has been submitted likewise. */
enum pcl_flow act_unlock_submitted(struct pcl_kernel *k, struct pcl_call *c,
                                   const struct pcl_step *s)
{
    return holds_range(k) ? flow_next(c, FLOW_SKIP) : act_unlock(k, c, s);
}

/* -EIOCBQUEUED: who submitted goes on without the iolock, the request counts as in flight. What
 * makes the file longer is waited for under the lock. */
enum pcl_flow act_unlock_async(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool extends = c->op == PCL_OP_DWRITE && c->off + c->len > pcl_inode_size(k->cache, c->inode);

    if (c->phase == 0 && (k->option[PCL_OPTION_DIO] == PCL_DIO_SYNC || holds_range(k) || extends))
        return flow_next(c, FLOW_SKIP);
    return act_unlock(k, c, s);
}

/* Somebody whose direct I/O is in flight. */
static uint32_t in_flight(const struct pcl_kernel *k, uint32_t inode)
{
    for (uint32_t b = 0; b < k->m->n_tasks; b++)
        if (pcl_call_of(k, b)->in_flight && pcl_call_of(k, b)->inode == inode)
            return k->m->task[b].site << PCL_WHO_SITE | PCL_WHO_DEVICE |
                   (pcl_call_of(k, b)->op == PCL_OP_DWRITE ? PCL_WHO_EXCLUSIVE : 0);
    return PCL_NONE;
}

static void note_drained(struct pcl_kernel *k, const struct pcl_call *c)
{
    struct pcl_machine *m = k->m;
    struct pcl_lock_stats *st = &k->drain_stats;
    const struct pcl_call_times *t = pcl_times_of(k, m->cur);

    count_wait(st, PCL_EXCLUSIVE, c->drains, m->at - t->lock_begin);
    if (c->drains)
        pcl_lock_waited_for(st, m, PCL_EXCLUSIVE, m->at - t->lock_begin, t->blame);
    if (c->drains)
        note_over(k, st, t->lock_begin);
    if (c->drains)
        tell_starved(k, NULL, "dio-drain", PCL_NO_PAGE, c->inode, m->at - t->lock_begin);
}

/* inode_dio_wait(), with the iolock held alone: direct I/O in flight need not hold it. */
enum pcl_flow act_dio_drain(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_machine *m = k->m;
    uint8_t option = k->option[PCL_OPTION_DIO_DRAIN];
    bool locked = !(k->range[PCL_ROLE_IOLOCK].ops->props & PCL_PROP_NULL);
    bool wanted = option == PCL_DIO_DRAIN_AUTO ? locked && !holds_range(k)
                                               : option == PCL_DIO_DRAIN_YES;

    (void)s;
    if (!wanted || k->fs == PCL_FS_TMPFS || k->fs == PCL_FS_PAGE_ONLY)
        return flow_next(c, FLOW_SKIP);
    if (c->phase == 1) {
        pcl_set_state(m, PCL_TASK_UNINTERRUPTIBLE);
        c->phase = 2;
        return FLOW_STEP;
    }
    if (c->phase == 0) {
        note_site(k, c);
        pcl_note_begin(k);
    }
    pcl_load(m, PCL_LINE(DIO, c->inode));
    if (k->inode[c->inode].dio == 0) {
        pcl_set_state(m, PCL_TASK_RUNNING);
        note_drained(k, c);
        c->drains = 0;
        return flow_next(c, FLOW_STEP);
    }
    if (c->phase == 0) {
        pcl_times_of(k, m->cur)->lock_begin = pcl_now(m);
        pcl_times_of(k, m->cur)->blame = in_flight(k, c->inode);
        c->drains = 1;
    } else {
        pcl_schedule(m);
    }
    c->phase = 1;
    return FLOW_STEP;
}

static bool holds_alone(const struct pcl_kernel *k, const struct pcl_call *c)
{
    uint32_t held = c->held[PCL_ROLE_IOLOCK];

    return held && k->range[PCL_ROLE_IOLOCK].node[held - 1].mode == PCL_EXCLUSIVE;
}

/* A direct write before it zeroes parts of blocks, or the end of file. */
enum pcl_flow act_drain_alone(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (c->phase == 0 && !(holds_alone(k, c) && pcl_dio_alone(k, c)))
        return flow_next(c, FLOW_SKIP);
    return act_dio_drain(k, c, s);
}

/* A direct write of whole blocks on XFS shares the iolock once the end of file is zeroed. */
enum pcl_flow act_demote(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (c->phase == 0 &&
        !(k->fs == PCL_FS_XFS && holds_alone(k, c) && !pcl_dio_partial(c)))
        return flow_next(c, FLOW_SKIP);
    return act_downgrade(k, c, s);
}

/* --- page locks ---------------------------------------------------------------------------- */

/* Carries a page-lock operation on; true when it is over. */
static bool page_op(struct pcl_kernel *k, struct pcl_call *c, enum pcl_page_what what, uint8_t bit)
{
    bool killable = c->op == PCL_OP_PAGE_LOCK_KILLABLE && what == PCL_PAGE_LOCK;

    if (c->phase == 0) {
        if (what != PCL_PAGE_UNLOCK) {
            note_site(k, c);
            pcl_note_begin(k);
            tell_event(k, PCL_LOCK_ASKED, PCL_ROLE_PAGE, c->folio);
        }
        pcl_page_begin(&k->page, what, c->folio, bit, killable);
        pcl_times_of(k, k->m->cur)->lock_begin = pcl_now(k->m);
        c->phase = 1;
    }
    return pcl_page_step(&k->page) == PCL_DONE;
}

static void page_granted(struct pcl_kernel *k, struct pcl_call *c)
{
    struct pcl_machine *m = k->m;
    struct pcl_call_times *t = pcl_times_of(k, m->cur);

    const struct pcl_page_op *op = &k->page.op[m->cur];

    note_wait(k, k->page.notes, &k->page.stats, op->shared ? PCL_SHARED : PCL_EXCLUSIVE,
              op->contended, t->lock_begin);
    if (op->contended)
        tell_starved(k, k->page.notes, "page", k->cache->folio[c->folio].pgoff, c->inode,
                     m->at - t->lock_begin);
    tell_event(k, PCL_LOCK_GRANTED, PCL_ROLE_PAGE, c->folio);
    pcl_transition(&m->eng, PCL_TR_GRANT, m->cur, object(PCL_ROLE_PAGE, k->cache->folio[c->folio].pfn));
}

static enum pcl_flow lock_page(struct pcl_kernel *k, struct pcl_call *c, enum pcl_page_what what)
{
    if (c->phase == 0 && pcl_resident_enter(k, c->folio, what == PCL_PAGE_LOCK_SHARED))
        return flow_next(c, FLOW_SKIP);
    if (!page_op(k, c, what, PCL_PG_LOCKED))
        return FLOW_STEP;
    page_granted(k, c);
    return flow_next(c, FLOW_STEP);
}

/* Busy: to[0]. */
static enum pcl_flow trylock_page(struct pcl_kernel *k, struct pcl_call *c,
                                  const struct pcl_step *s, enum pcl_page_what what)
{
    if (c->phase == 0 && pcl_resident_enter(k, c->folio, what == PCL_PAGE_TRYLOCK_SHARED))
        return flow_next(c, FLOW_SKIP);
    if (!page_op(k, c, what, PCL_PG_LOCKED))
        return FLOW_STEP;
    if (k->page.op[k->m->cur].result == PCL_PAGE_BUSY)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    page_granted(k, c);
    return flow_next(c, FLOW_STEP);
}

static enum pcl_flow unlock_page(struct pcl_kernel *k, struct pcl_call *c,
                                 enum pcl_page_what what)
{
    struct pcl_machine *m = k->m;

    if (c->phase == 0) {
        if (pcl_resident_leave(k, c->folio))
            return flow_next(c, FLOW_SKIP);
        pcl_transition(&m->eng, PCL_TR_RELEASE, m->cur,
                       object(PCL_ROLE_PAGE, k->cache->folio[c->folio].pfn));
    }
    if (!page_op(k, c, what, PCL_PG_LOCKED))
        return FLOW_STEP;
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_page_lock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    return lock_page(k, c, PCL_PAGE_LOCK);
}

enum pcl_flow act_page_trylock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return trylock_page(k, c, s, PCL_PAGE_TRYLOCK);
}

enum pcl_flow act_page_unlock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    return unlock_page(k, c, PCL_PAGE_UNLOCK);
}

/* Killed: to[0], EINTR. */
enum pcl_flow act_page_lock_killable(struct pcl_kernel *k, struct pcl_call *c,
                                     const struct pcl_step *s)
{
    if (!page_op(k, c, PCL_PAGE_LOCK, PCL_PG_LOCKED))
        return FLOW_STEP;
    if (k->page.op[k->m->cur].result != PCL_PAGE_KILLED) {
        page_granted(k, c);
        return flow_next(c, FLOW_STEP);
    }
    tell_event(k, PCL_LOCK_SEEN_FREE, PCL_ROLE_PAGE, c->folio);
    c->error = PCL_CALL_E_INTR;
    return flow_to(k, c, s->to[0], FLOW_STEP);
}

/* Faults lock the folio that they map as the scheme says: or not at all. Who only maps it is
 * content to share it; a write fault changes its state. */
static bool fault_locks(const struct pcl_kernel *k)
{
    return k->option[PCL_OPTION_FAULT_PAGE_LOCK] == PCL_YES;
}

enum pcl_flow act_fault_lock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (!fault_locks(k))
        return flow_next(c, FLOW_SKIP);
    return lock_page(k, c, c->op == PCL_OP_FAULT_READ ? PCL_PAGE_LOCK_SHARED : PCL_PAGE_LOCK);
}

enum pcl_flow act_fault_trylock(struct pcl_kernel *k, struct pcl_call *c,
                                const struct pcl_step *s)
{
    if (!fault_locks(k))
        return flow_next(c, FLOW_SKIP);
    return trylock_page(k, c, s,
                        c->op == PCL_OP_FAULT_READ ? PCL_PAGE_TRYLOCK_SHARED
                                                   : PCL_PAGE_TRYLOCK);
}

enum pcl_flow act_fault_unlock(struct pcl_kernel *k, struct pcl_call *c,
                               const struct pcl_step *s)
{
    (void)s;
    if (!fault_locks(k))
        return flow_next(c, FLOW_SKIP);
    return unlock_page(k, c,
                       c->op == PCL_OP_FAULT_READ ? PCL_PAGE_UNLOCK_SHARED : PCL_PAGE_UNLOCK);
}

static void note_page_wait(struct pcl_kernel *k, struct pcl_lock_stats *st)
{
    struct pcl_machine *m = k->m;

    if (k->page.op[m->cur].contended)
        note_wait(k, k->page.notes, st, PCL_SHARED, true, pcl_times_of(k, m->cur)->lock_begin);
}

static enum pcl_flow page_waited(struct pcl_kernel *k, struct pcl_call *c,
                                 struct pcl_lock_stats *st)
{
    note_page_wait(k, st);
    tell_event(k, PCL_LOCK_SEEN_FREE, PCL_ROLE_PAGE, k->page.op[k->m->cur].folio);
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_page_wait(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->phase == 0 && pcl_pages_own(&k->pages, c->folio)) /* by the call itself */
        return flow_next(c, FLOW_SKIP);
    return page_op(k, c, PCL_PAGE_WAIT, PCL_PG_LOCKED) ? page_waited(k, c, &k->page.stats)
                                                         : FLOW_STEP;
}

/* The reference goes while the waiter is queued: see pcl_kernel's drop hook. */
enum pcl_flow act_page_wait_drop(struct pcl_kernel *k, struct pcl_call *c,
                                 const struct pcl_step *s)
{
    bool fast = c->phase == 0, done;

    (void)s;
    done = page_op(k, c, PCL_PAGE_WAIT_DROP, PCL_PG_LOCKED);
    if (!done)
        return FLOW_STEP;
    if (fast) /* seen clear at once: nothing was dropped */
        pcl_folio_put(k->cache, c->folio);
    c->folio = PCL_NONE;
    return page_waited(k, c, &k->page.stats);
}

enum pcl_flow act_wait_writeback(struct pcl_kernel *k, struct pcl_call *c,
                                 const struct pcl_step *s)
{
    uint32_t who = PCL_NONE;
    bool begins = c->phase == 0, done;

    (void)s;
    if (begins && k->page.notes && (k->cache->flags[c->folio] & PCL_FOLIO_WRITEBACK))
        who = pcl_writeback_who(k, c->folio);
    done = page_op(k, c, PCL_PAGE_WAIT, PCL_PG_WRITEBACK);
    if (begins)
        pcl_lock_notes_blame(k->page.notes, k->m, who);
    if (!done)
        return FLOW_STEP;
    if (!(k->cache->flags[c->folio] & PCL_FOLIO_WRITEBACK))
        return page_waited(k, c, &k->writeback_stats);
    note_page_wait(k, &k->writeback_stats);
    c->phase = 0; /* written again meanwhile: a wake does not say that the bit is clear */
    return FLOW_STEP;
}

/* XFS and ext4 before 5.15: every fault, hit or miss. */
enum pcl_flow act_fault_invalidate(struct pcl_kernel *k, struct pcl_call *c,
                                   const struct pcl_step *s)
{
    static const struct pcl_step invalidate = {.role = PCL_ROLE_INVALIDATE};

    (void)s;
    if (k->option[PCL_OPTION_FAULT_INVALIDATE] != PCL_FAULT_INVALIDATE_ALWAYS ||
        k->fs == PCL_FS_TMPFS) /* there a fault waits for the punch of its page and no other */
        return flow_next(c, FLOW_SKIP);
    return act_lock(k, c, &invalidate);
}

/* tmpfs: waits until a punch that covers page cur has ended; it takes no lock otherwise. */
enum pcl_flow act_await_punch(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    static const struct pcl_step invalidate = {.role = PCL_ROLE_INVALIDATE};

    (void)s;
    if (k->fs != PCL_FS_TMPFS)
        return flow_next(c, FLOW_SKIP);
    if (c->phase == 0 && pcl_call_mode(k, c, PCL_ROLE_INVALIDATE) < 0)
        return flow_next(c, flow_looked(k, inode_line(c)));
    return act_lock(k, c, &invalidate);
}
