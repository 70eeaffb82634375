/*
 * The states that both rw_semaphores have: see rwsem_common.h for the words, rwsem.c and
 * rwsem_v5_8.c for what is each one's own.
 */
#include "rwsem_common.h"

/* The kernel's cap on spinning beside readers: 10 us, and 0.5 us for each of up to 30 of them. */
enum { RSPIN_BASE_NS = 10000, RSPIN_READER_NS = 500, RSPIN_READERS = 30 };

/* --- the words of the lock --------------------------------------------------------------- */

/* Whoever polls the lock looks again: the first spinner, and a first waiter that has asked for
 * the hand-off. */
static void tell_spinners(struct call *c)
{
    const struct pcl_range_node *node = c->R->node;
    const struct rwsem *s = c->s;

    if (s->osq.head != PCL_NONE)
        pcl_notice(c->m, node[s->osq.head].owner);
    if (s->list.head != PCL_NONE && (node[s->list.head].flags & NODE_HANDOFF))
        pcl_notice(c->m, node[s->list.head].owner);
}

void rw_set_count(struct call *c, uint64_t count)
{
    uint64_t gone = c->s->count & ~count;

    c->s->count = count;
    if ((gone & HANDOFF) || ((gone & HELD) && !(count & HELD)))
        tell_spinners(c);
}

void rw_set_owner(struct call *c, uint32_t owner, uint32_t oflags)
{
    bool told = oflags == c->s->oflags && ((oflags & OWNER_READER) || owner == c->s->owner);

    c->s->owner = owner;
    c->s->oflags = oflags;
    if (!told)
        tell_spinners(c);
}

void rw_set_reader_owned(struct call *c, uint32_t owner)
{
    rw_set_owner(c, owner, OWNER_READER | (c->s->oflags & c->keep));
}

void rw_allow_spinning(struct call *c)
{
    rw_set_owner(c, c->s->owner, c->s->oflags & ~(uint32_t)OWNER_NOSPIN);
}

enum pcl_more rw_granted(struct call *c)
{
    c->n->held = true;
    flag(c, 0, OP_BIAS);
    return go(c, OVER);
}

/* --- waiting ----------------------------------------------------------------------------- */

void rw_list_append(struct call *c)
{
    if (c->s->list.tail != PCL_NONE)
        pcl_store(c->m, range_waiter_line(c->R, c->s->list.tail));
    pcl_store(c->m, range_waiter_line(c->R, c->op->node));
    node_queue_add(c->R, &c->s->list, c->op->node);
    pcl_stamp(c->m);
}

void rw_list_remove(struct call *c, uint32_t node)
{
    node_queue_remove(c->R, &c->s->list, node);
    c->R->node[node].flags = 0;
}

bool rw_waited_long(struct call *c, uint32_t node)
{
    return pcl_expired(c->m, c->R->node[node].owner,
                       pcl_jiffies(c->m, c->R->param[P_HANDOFF_MS] * 1000000));
}

enum pcl_more rw_go_to_sleep(struct call *c)
{
    go(c, c->then);
    range_sleep(c->R, c->op);
    return PCL_MORE;
}

enum pcl_more rw_take_lock(struct call *c)
{
    go(c, c->then);
    pcl_spin_lock(c->m, c->R->spin[c->op->inst], c->line, true);
    return PCL_MORE;
}

void rw_unlock_now(struct call *c)
{
    pcl_spin_unlock(c->m, c->R->spin[c->op->inst], c->line, true);
}

/* --- waking ------------------------------------------------------------------------------
 *
 *   with wait_lock held:
 *   MARK          first waiter a writer: put it on the wake list (not granted), unless only
 *                 readers are asked for. A reader: count += 256; a writer was faster: undo,
 *                 and ask for the hand-off when the reader has waited long enough
 *   MARK_GRANT    take readers out of the list (which: each lock's own), count them in, grant,
 *                 put on the wake list
 *   UNLOCK, WAKE  drop wait_lock, then wake one by one
 *
 * op->count names what comes after; OP_READERS and OP_READ_OWNED say who may be woken. */

static enum pcl_more mark_end(struct call *c)
{
    flag(c, 0, OP_READERS | OP_READ_OWNED | OP_MARK_BIAS);
    if (c->op->count == WR_TRY_LOCK && wake_list_empty(c->op))
        return go(c, WR_TRY); /* keeps wait_lock */
    return go(c, UNLOCK);
}

enum pcl_more rw_mark(struct call *c)
{
    uint32_t first = c->s->list.head;
    uint64_t old = c->s->count;

    if (first == PCL_NONE)
        return mark_end(c);
    pcl_load(c->m, range_waiter_line(c->R, first));
    if (c->R->node[first].mode == PCL_EXCLUSIVE) {
        if (!(c->op->flags & (OP_READERS | OP_READ_OWNED)))
            wake_list_add(c->R, c->op, first);
        return mark_end(c);
    }
    if (c->op->flags & OP_READ_OWNED)
        return go(c, MARK_GRANT);
    pcl_rmw(c->m, c->line);
    flag(c, OP_MARK_BIAS, 0);
    rw_set_count(c, old + BIAS);
    if (old & WRITER)
        return go(c, MARK_UNDO);
    rw_set_reader_owned(c, c->R->node[first].owner);
    return go(c, MARK_GRANT);
}

enum pcl_more rw_mark_undo(struct call *c)
{
    uint32_t first = c->s->list.head;
    uint64_t count = c->s->count - BIAS;

    pcl_rmw(c->m, c->line);
    if (rw_waited_long(c, first)) {
        count |= HANDOFF;
        c->R->node[first].flags |= NODE_HANDOFF;
    }
    rw_set_count(c, count);
    return mark_end(c);
}

void rw_grant_one(struct call *c, uint32_t i)
{
    rw_list_remove(c, i);
    c->R->node[i].held = true;
    wake_list_add(c->R, c->op, i);
}

/* The readers have been taken out of the list: count them in. */
enum pcl_more rw_grant_end(struct call *c, uint64_t readers)
{
    uint64_t count =
        c->s->count + readers * BIAS - (c->op->flags & OP_MARK_BIAS ? BIAS : 0);

    if (count & HANDOFF)
        c->R->stats.handoffs++;
    count &= ~HANDOFF;
    pcl_rmw(c->m, c->line);
    rw_set_count(c, c->s->list.head == PCL_NONE ? count & ~WAITERS : count);
    return mark_end(c);
}

enum pcl_more rw_unlock(struct call *c)
{
    rw_unlock_now(c);
    return go(c, wake_list_empty(c->op) ? c->op->count : WAKE);
}

enum pcl_more rw_wake(struct call *c)
{
    wake_list_wake(c->R, c->op);
    return go(c, wake_list_empty(c->op) ? c->op->count : WAKE);
}

/* Somebody has just queued: whom it should wake. */
enum pcl_more rw_mark_queued(struct call *c, enum rwsem_pc after)
{
    c->op->count = after;
    if (c->s->count & READERS)
        flag(c, OP_READERS, 0);
    else
        rw_allow_spinning(c);
    return go(c, MARK);
}

/* --- readers in the list ----------------------------------------------------------------- */

enum pcl_more rw_read_queue(struct call *c)
{
    pcl_load(c->m, c->line);
    if (c->s->list.head == PCL_NONE && (c->op->flags & OP_BIAS) && !(c->s->count & WRITER)) {
        rw_set_reader_owned(c, c->m->cur);
        rw_granted(c);
        return go(c, UNLOCK);
    }
    rw_list_append(c);
    return go(c, RD_QUEUE_ADD);
}

enum pcl_more rw_read_wait(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, range_waiter_line(c->R, c->op->node));
    if (!c->n->held)
        return go(c, range_killed(c->R, c->op) ? KILL_LOCK : RD_SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    return go(c, OVER);
}

/* --- exclusive ---------------------------------------------------------------------------
 *
 *   START        count 0 -> WRITER: done
 *   WR_MAY_SPIN  may spin unless the CPU is wanted, spinning was given up, or the owner is a
 *                writer that is off its CPU
 *   SPIN_JOIN, SPIN_WAIT  queue of spinners: its head goes on
 *   SPIN_LOOK    a writer owns it: watch it while it is on its CPU
 *   SPIN_TRY     neither held nor handed off: take it, sleepers or not. Readers own it: watch
 *                for a limited time
 *   WR_QUEUE     wait_lock: append; first: mark that somebody waits. Not first: perhaps wake
 *   WR_TRY       wait_lock: fails when a hand-off is on for another, or it is held (who then
 *                asks for the hand-off is each lock's own); else take it
 *   WR_SPIN      hand-off asked for: watch the writer that owns it instead of sleeping
 *   WR_SLEEP     until woken, then WR_TRY again */

enum pcl_more rw_write_fast(struct call *c)
{
    pcl_rmw(c->m, c->line);
    if (c->s->count == 0) {
        rw_set_count(c, WRITER);
        c->n->held = true;
        return go(c, WR_OWN);
    }
    c->op->contended = true;
    return go(c, c->R->param[P_SPIN] ? WR_MAY_SPIN : WR_QUEUE_LOCK);
}

/* The owner word follows the count: between the two, others see a lock without a name on it.
 * The line is still here, so the store costs nothing of its own. */
enum pcl_more rw_write_own(struct call *c)
{
    pcl_touch(c->m, c->line);
    rw_set_owner(c, c->m->cur, 0);
    return go(c, c->n->flags & NODE_SPINS ? SPIN_LEAVE : OVER);
}

enum pcl_more rw_write_may_spin(struct call *c)
{
    pcl_load(c->m, c->line);
    if (pcl_need_resched(c->m) || owner_state(c->s, OWNER_NOSPIN) == OWNED_NOSPIN || !owner_runs(c))
        return go(c, WR_QUEUE_LOCK);
    return go(c, SPIN_JOIN);
}

enum pcl_more rw_spin_join(struct call *c)
{
    c->n->flags |= NODE_SPINS;
    osq_join(c->R, &c->s->osq, c->op->node, c->line);
    return go(c, SPIN_WAIT);
}

enum pcl_more rw_spin_wait(struct call *c)
{
    if (osq_is_first(c->R, &c->s->osq, c->op->node))
        return go(c, SPIN_LOOK);
    if (pcl_need_resched(c->m))
        return go(c, SPIN_LEAVE);
    pcl_watch(c->m, PCL_NONE, PCL_NS_MAX);
    return PCL_MORE;
}

enum pcl_more rw_spin_leave(struct call *c)
{
    osq_leave(c->R, &c->s->osq, c->op->node, c->line);
    c->n->flags = 0;
    c->op->word = 0;
    flag(c, 0, OP_READ_SPIN);
    return go(c, c->n->held ? OVER : WR_QUEUE_LOCK);
}

enum pcl_more rw_spin_look(struct call *c)
{
    enum owner_state os = owner_state(c->s, OWNER_NOSPIN);

    pcl_load(c->m, c->line);
    if (os == OWNED_NULL || os == OWNED_READER)
        return go(c, SPIN_TRY);
    if (os == OWNED_NOSPIN || pcl_need_resched(c->m) || !owner_runs(c))
        return go(c, SPIN_LEAVE);
    flag(c, 0, OP_READ_SPIN);
    pcl_watch(c->m, c->s->owner, PCL_NS_MAX);
    return PCL_MORE;
}

/* Readers own the lock: how long this writer still spins, 0 when its time is up. */
static pcl_ns read_spin_left(struct call *c)
{
    uint64_t readers = c->s->count / BIAS;

    if (!(c->op->flags & OP_READ_SPIN)) {
        flag(c, OP_READ_SPIN, 0);
        c->op->word = RSPIN_BASE_NS +
                      RSPIN_READER_NS * (readers > RSPIN_READERS ? RSPIN_READERS : readers);
        pcl_stamp(c->m);
    } else if (pcl_expired(c->m, c->m->cur, (pcl_ns)c->op->word)) {
        return 0;
    }
    return (pcl_ns)c->op->word - (pcl_now(c->m) - c->m->task[c->m->cur].stamp);
}

static enum pcl_more spin_fail(struct call *c)
{
    enum owner_state os = owner_state(c->s, OWNER_NOSPIN);
    pcl_ns left = os == OWNED_READER ? read_spin_left(c) : PCL_NS_MAX;

    pcl_load(c->m, c->line);
    if (os == OWNED_NOSPIN || os == OWNED_WRITER)
        return go(c, SPIN_LOOK); /* it has changed since */
    if (left == 0)
        rw_set_owner(c, c->s->owner, c->s->oflags | c->nospin);
    if (left == 0 || pcl_need_resched(c->m))
        return go(c, SPIN_LEAVE);
    go(c, SPIN_LOOK);
    pcl_watch(c->m, PCL_NONE, left);
    return PCL_MORE;
}

enum pcl_more rw_spin_try(struct call *c)
{
    if (c->s->count & (HELD | HANDOFF))
        return spin_fail(c);
    pcl_rmw(c->m, c->line);
    c->R->stats.steals += (c->s->count & WAITERS) != 0;
    rw_set_count(c, c->s->count | WRITER);
    c->n->held = true;
    return go(c, WR_OWN);
}

enum pcl_more rw_write_queue(struct call *c)
{
    bool first = c->s->list.head == PCL_NONE;

    rw_list_append(c);
    if (first) {
        pcl_rmw(c->m, c->line);
        rw_set_count(c, c->s->count | WAITERS);
        return go(c, WR_TRY);
    }
    pcl_load(c->m, c->line);
    return c->s->count & WRITER ? go(c, WR_TRY) : rw_mark_queued(c, WR_TRY_LOCK);
}

enum pcl_more rw_write_take(struct call *c, bool first)
{
    uint64_t count = (c->s->count & ~HANDOFF) | WRITER;

    pcl_rmw(c->m, c->line);
    if (c->s->count & HANDOFF)
        c->R->stats.handoffs++;
    else if (!first)
        c->R->stats.steals++;
    rw_list_remove(c, c->op->node);
    c->n->held = true;
    rw_set_count(c, c->s->list.head == PCL_NONE ? count & ~WAITERS : count);
    return go(c, WR_GOT);
}

/* The name on the lock and the release of wait_lock: same line. */
enum pcl_more rw_write_got(struct call *c)
{
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    rw_set_owner(c, c->m->cur, 0);
    rw_unlock_now(c);
    return go(c, OVER);
}

enum pcl_more rw_write_failed(struct call *c)
{
    rw_unlock_now(c);
    if (range_killed(c->R, c->op))
        return go(c, KILL_LOCK);
    return go(c, c->n->flags & NODE_HANDOFF ? WR_SPIN : WR_SLEEP);
}

/* While nobody's name is on a held lock the kernel tries again and again; here that polling is
 * a watch. */
enum pcl_more rw_write_spin(struct call *c)
{
    enum owner_state os = owner_state(c->s, OWNER_NOSPIN);

    pcl_load(c->m, c->line);
    if (os == OWNED_NULL && !(c->s->count & HELD))
        return go(c, WR_TRY_LOCK);
    if (os == OWNED_READER || os == OWNED_NOSPIN || pcl_need_resched(c->m) || !owner_runs(c))
        return go(c, WR_SLEEP);
    pcl_watch(c->m, os == OWNED_WRITER ? c->s->owner : PCL_NONE, PCL_NS_MAX);
    return PCL_MORE;
}

/* --- a killed waiter ---------------------------------------------------------------------
 *
 *   with wait_lock: granted meanwhile: keep it. Else leave the list; it is empty now: nobody
 *   waits, no hand-off; this was the first: pass its wake on to the next */

enum pcl_more rw_kill(struct call *c)
{
    bool first = c->s->list.head == c->op->node;

    c->op->count = OVER;
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    wake_list_leave(c->R, c->op->node);
    if (c->n->held)
        return go(c, UNLOCK);
    rw_list_remove(c, c->op->node);
    pcl_range_end(c->R, c->op->node);
    c->op->result = PCL_RANGE_KILLED;
    if (c->s->list.head == PCL_NONE) {
        pcl_rmw(c->m, c->line);
        rw_set_count(c, c->s->count & ~(WAITERS | HANDOFF));
        return go(c, UNLOCK);
    }
    return go(c, first ? MARK : UNLOCK);
}

/* --- try, release, downgrade ------------------------------------------------------------- */

static enum pcl_more try_lock(struct call *c)
{
    bool shared = c->n->mode == PCL_SHARED;

    if (c->s->count & (shared ? WRITER | WAITERS | HANDOFF : ~UINT64_C(0))) {
        pcl_load(c->m, c->line);
        c->R->stats.trylock_failures++;
        pcl_range_end(c->R, c->op->node);
        c->op->result = PCL_RANGE_BUSY;
        return go(c, OVER);
    }
    pcl_rmw(c->m, c->line);
    rw_set_count(c, c->s->count + (shared ? BIAS : WRITER));
    if (shared)
        rw_set_reader_owned(c, c->m->cur);
    rw_granted(c);
    return go(c, shared ? OVER : WR_OWN);
}

static void let_go(struct call *c, uint64_t count)
{
    pcl_rmw(c->m, c->line);
    c->n->held = false;
    pcl_range_end(c->R, c->op->node);
    rw_set_count(c, count);
}

/* count -= 256; the last reader wakes when somebody waits, and allows spinning again. */
static enum pcl_more read_release(struct call *c)
{
    let_go(c, c->s->count - BIAS);
    if ((c->s->count & (HELD | WAITERS)) != WAITERS)
        return go(c, OVER);
    rw_allow_spinning(c);
    return go(c, WAKE_LOCK);
}

/* The owner first (START), then count -= WRITER; wake when somebody waits. */
static enum pcl_more write_disown(struct call *c)
{
    pcl_touch(c->m, c->line);
    rw_set_owner(c, PCL_NONE, 0);
    return go(c, REL_WRITE);
}

enum pcl_more rw_write_release(struct call *c)
{
    let_go(c, c->s->count & ~WRITER);
    return go(c, c->s->count & WAITERS ? WAKE_LOCK : OVER);
}

/* count += 256 - WRITER; the sleeping readers may join. */
static enum pcl_more downgrade(struct call *c)
{
    pcl_rmw(c->m, c->line);
    c->n->mode = PCL_SHARED;
    rw_set_count(c, (c->s->count & ~WRITER) + BIAS);
    rw_set_reader_owned(c, c->m->cur);
    flag(c, OP_READ_OWNED, 0);
    return go(c, c->s->count & WAITERS ? WAKE_LOCK : OVER);
}

enum pcl_more rw_start(struct call *c)
{
    if (c->op->what == PCL_RANGE_TRY)
        return try_lock(c);
    if (c->op->what == PCL_RANGE_DOWNGRADE)
        return downgrade(c);
    return c->n->mode == PCL_SHARED ? read_release(c) : write_disown(c);
}

void rw_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct rwsem *s = pcl_range_state(R, inst);

    s->owner = PCL_NONE;
    node_queue_init(&s->osq);
    node_queue_init(&s->list);
}

/* --- laws -------------------------------------------------------------------------------- */

bool rw_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct rwsem *s = pcl_range_state(R, inst);
    uint64_t readers, writers, biases = 0;

    range_count_held(R, inst, &readers, &writers);
    for (uint32_t b = 0; b < R->n_bodies; b++)
        if (R->op[b].inst == inst && R->op[b].pc != OVER)
            biases += (R->op[b].flags & OP_BIAS ? 1u : 0u) +
                      (R->op[b].flags & OP_MARK_BIAS ? 1u : 0u);
    bool quiet = R->m->spin[R->spin[inst]].holder == PCL_NONE;

    if (!range_law(writers + (readers > 0) <= 1, "a writer shares the lock", why) ||
        !range_law(s->count / BIAS == readers + biases, "readers and count differ", why) ||
        !range_law((s->count & WRITER) == writers, "writer and count differ", why) ||
        !range_law(node_queue_valid(R, &s->osq), "the queue of spinners is broken", why) ||
        !range_law(node_queue_valid(R, &s->list), "the list of waiters is broken", why) ||
        !range_law(!quiet || !(s->count & WAITERS) == !s->list.len, "the waiters bit is wrong",
                   why))
        return false;
    for (uint32_t i = s->list.head; i != PCL_NONE; i = R->node[i].link[QUEUE_NEXT])
        if (!range_law(R->node[i].used && !R->node[i].held && R->node[i].inst == inst,
                       "a request in the list does not wait", why))
            return false;
    return range_law((s->count & HELD) || !s->list.len || range_somebody_acts(R, inst),
                     "requests sleep before a free lock", why);
}

void rw_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){
        .per_inode = 40, .per_waiter = 48, .per_inode_dbg = 144, .per_waiter_dbg = 48};
}

