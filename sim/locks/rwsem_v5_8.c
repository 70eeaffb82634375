/*
 * The kernel's rw_semaphore of 5.2 to 5.10 (R1), as of 5.8: readers spin too, beside a writer that
 * runs, and a reader that spins takes the lock past whoever sleeps. Words and states that it has
 * in common with today's: rwsem_common.h.
 *
 *   reader, contended       today                        here
 *   a running writer owns   queue                        spin in the queue of spinners
 *   sleepers, no holder     steal it                     queue, or steal it after spinning
 *   readers own, sleepers   queue                        steal it after spinning: a writer that
 *                                                        sleeps may starve until the hand-off
 *   after a spin in vain    -                            join if other readers came meanwhile
 *
 * Spinning readers are stopped by OWNER_NOSPIN_READERS. It is set with OWNER_NOSPIN when a writer
 * has spun its time beside readers; a writer that then had to queue keeps it set through its
 * own turn; any other writer's turn clears it. OWNER_NOSPIN itself goes with the next reader.
 *
 * The hand-off is asked for by a writer that is first, has slept, and has waited long enough; or
 * for a reader that is first (MARK_UNDO). head_run = 1 has the wake-up of 5.2 and the first 5.3
 * candidates: only the readers before the first writer of the list are woken.
 *
 * From memory of kernel/locking/rwsem.c at v5.8 and of the wake-up in v5.2. Two things are not as
 * there. A killed writer took the hand-off bit back without a look at whose it was; here the bit
 * is its first waiter's, as today. And a reader spun on while a hand-off was due: a writer that
 * saw the reader's 256 for an instant, asked for the hand-off and slept was then waited for by
 * the spinner and waited for it, until something else wanted the spinner's CPU. The explorer
 * finds that in 25 micro-steps of two tasks; here the reader queues, which wakes the writer.
 * Not modelled: the guard against 2^55 readers, real-time waiters.
 */
#include "rwsem_common.h"

enum { P_HEAD_RUN = P_OWN };

static const struct pcl_lock_param_info params[] = {
    {"spin", 1, 0, 1, "readers and writers spin before they sleep"},
    {"reader_batch", 256, 1, 1000000, "readers granted by one wake-up"},
    {"handoff_ms", 4, 0, 10000, "wait after which the first waiter ends stealing"},
    {"head_run", 0, 0, 1, "1: a wake-up grants only the readers before the first writer"},
    {NULL, 0, 0, 0, NULL},
};

enum { RD_MAY_SPIN = RW_OWN, RD_UNDO, RD_JOIN, WR_WOKEN };
enum {
    OP_NO_RSPIN = OP_OWN, /* writer: found spinning given up, keeps readers from it */
    OP_ASK = 64           /* writer: first, has slept, and has waited long enough */
};

/* --- shared ------------------------------------------------------------------------------
 *
 *   START        count += 256; nobody holds it exclusive, waits, or hands it off: done
 *   RD_MAY_SPIN  may spin unless the CPU is wanted, readers' spinning was given up, or the owner
 *                is a writer that is off its CPU; if so, RD_UNDO: count -= 256
 *   SPIN_LOOK    no writer and no hand-off: take it, sleepers or not. A writer owns it: watch it
 *                while it is on its CPU
 *   SPIN_LEAVE   got it: take the sleeping readers along
 *   RD_JOIN      other readers own it than when this one came: join them
 *   RD_QUEUE     wait_lock: list empty, no writer, still counted in: done. Else append
 *   RD_QUEUE_ADD  take the 256 back if they are in the count, mark that somebody waits; nobody
 *                 holds the lock, or readers do and this is first: wake the head of the list
 *   RD_WAIT, RD_SLEEP  until granted, or killed */

static enum pcl_more read_fast(struct call *c)
{
    pcl_rmw(c->m, c->line);
    c->s->count += BIAS;
    if (!(c->s->count & (WRITER | WAITERS | HANDOFF))) {
        rw_set_reader_owned(c, c->m->cur);
        return rw_granted(c);
    }
    c->op->contended = true;
    flag(c, OP_BIAS, 0);
    return go(c, RD_MAY_SPIN);
}

/* Remembers who owned the lock: readers (0: none) and whether they might spin. */
static enum pcl_more read_may_spin(struct call *c)
{
    const struct rwsem *s = c->s;
    bool may = !pcl_need_resched(c->m) && !(s->oflags & OWNER_NOSPIN_READERS) && owner_runs(c);

    pcl_load(c->m, c->line);
    c->op->word = s->oflags & OWNER_NOSPIN_READERS;
    if (s->oflags & OWNER_READER)
        c->op->word |= ((uint64_t)s->owner + 1) << 8;
    return go(c, may && c->R->param[P_SPIN] ? RD_UNDO : RD_QUEUE_LOCK);
}

static enum pcl_more read_undo(struct call *c)
{
    pcl_rmw(c->m, c->line);
    flag(c, 0, OP_BIAS);
    rw_set_count(c, c->s->count - BIAS);
    return go(c, SPIN_JOIN);
}

static void read_steal(struct call *c)
{
    pcl_rmw(c->m, c->line);
    c->R->stats.steals += (c->s->count & WAITERS) != 0;
    rw_set_count(c, c->s->count + BIAS);
    rw_set_reader_owned(c, c->m->cur);
    c->n->held = true;
}

static enum pcl_more read_look(struct call *c)
{
    enum owner_state os = owner_state(c->s, OWNER_NOSPIN_READERS);

    if (os != OWNED_NOSPIN && os != OWNED_WRITER && !(c->s->count & (WRITER | HANDOFF))) {
        read_steal(c);
        return go(c, SPIN_LEAVE);
    }
    pcl_load(c->m, c->line);
    if (os == OWNED_NOSPIN || (c->s->count & HANDOFF) || pcl_need_resched(c->m) ||
        !owner_runs(c))
        return go(c, SPIN_LEAVE);
    pcl_watch(c->m, os == OWNED_WRITER ? c->s->owner : PCL_NONE, PCL_NS_MAX);
    return PCL_MORE;
}

static enum pcl_more look(struct call *c)
{
    return c->n->mode == PCL_SHARED ? read_look(c) : rw_spin_look(c);
}

static enum pcl_more leave(struct call *c)
{
    uint64_t seen = c->op->word;
    enum pcl_more more = rw_spin_leave(c);

    if (c->n->mode == PCL_EXCLUSIVE)
        return more;
    c->op->word = seen;
    if (!c->n->held)
        return go(c, RD_JOIN);
    if (!(c->s->count & WAITERS))
        return go(c, OVER);
    flag(c, OP_READ_OWNED, 0);
    return go(c, WAKE_LOCK);
}

static enum pcl_more read_join(struct call *c)
{
    const struct rwsem *s = c->s;
    bool others = (s->oflags & OWNER_READER) && c->op->word >> 8 != (uint64_t)s->owner + 1;

    if (others && !(s->count & (WRITER | HANDOFF))) {
        read_steal(c);
        return go(c, OVER);
    }
    pcl_load(c->m, c->line);
    return go(c, RD_QUEUE_LOCK);
}

static enum pcl_more read_queue_add(struct call *c)
{
    bool first = c->s->list.head == c->op->node, biased = c->op->flags & OP_BIAS;

    pcl_rmw(c->m, c->line);
    flag(c, 0, OP_BIAS);
    rw_set_count(c, (c->s->count - (biased ? BIAS : 0)) | WAITERS);
    c->op->count = RD_WAIT;
    if (!(c->s->count & HELD)) {
        rw_allow_spinning(c);
        return go(c, MARK);
    }
    return go(c, !(c->s->count & WRITER) && first ? MARK : UNLOCK);
}

/* Readers from anywhere in the list, or only those before the first writer. The first one's
 * memory that readers should not spin outlives its sleep. */
static enum pcl_more mark_grant(struct call *c)
{
    const struct pcl_range_node *node = c->R->node;
    const struct pcl_range_op *first = &c->R->op[node[c->s->list.head].owner];
    uint64_t woken = 0;

    if ((c->op->flags & OP_MARK_BIAS) && (first->word & OWNER_NOSPIN_READERS))
        rw_set_owner(c, c->s->owner, c->s->oflags | OWNER_NOSPIN_READERS);
    for (uint32_t i = c->s->list.head, next;
         i != PCL_NONE && (int64_t)woken < c->R->param[P_READER_BATCH]; i = next) {
        next = node[i].link[QUEUE_NEXT];
        pcl_store(c->m, range_waiter_line(c->R, i));
        pcl_burn(c->m, c->m->p->list_visit);
        if (node[i].mode == PCL_EXCLUSIVE && c->R->param[P_HEAD_RUN])
            break;
        if (node[i].mode == PCL_EXCLUSIVE)
            continue;
        rw_grant_one(c, i);
        woken++;
    }
    return rw_grant_end(c, woken);
}

/* --- exclusive: what is not as today ----------------------------------------------------- */

static enum pcl_more write_queue(struct call *c)
{
    if (c->s->oflags & (OWNER_NOSPIN | OWNER_NOSPIN_READERS))
        flag(c, OP_NO_RSPIN, 0);
    return rw_write_queue(c);
}

static enum pcl_more write_woken(struct call *c)
{
    bool first = c->s->list.head == c->op->node, ask = c->op->flags & OP_ASK;

    if (range_awake(c->R, c->op) && (c->s->count & HELD))
        c->R->stats.lost_retries++;
    pcl_load(c->m, c->line);
    pcl_set_state(c->m, range_wait_state(c->op));
    if (ask || !(c->s->count & HELD))
        return go(c, WR_TRY_LOCK);
    if (first && rw_waited_long(c, c->op->node)) {
        flag(c, OP_ASK, 0);
        return go(c, WR_TRY_LOCK);
    }
    return go(c, range_killed(c->R, c->op) ? KILL_LOCK : WR_SLEEP);
}

static enum pcl_more write_try(struct call *c)
{
    bool first = c->s->list.head == c->op->node, handoff = c->s->count & HANDOFF;

    pcl_set_state(c->m, range_wait_state(c->op));
    if (handoff && !first)
        return go(c, WR_FAILED);
    if (!(c->s->count & HELD))
        return rw_write_take(c, first);
    if (handoff || !(c->op->flags & OP_ASK))
        return go(c, WR_FAILED);
    pcl_rmw(c->m, c->line);
    c->n->flags |= NODE_HANDOFF;
    rw_set_count(c, c->s->count | HANDOFF);
    return go(c, WR_FAILED);
}

static enum pcl_more write_got(struct call *c)
{
    enum pcl_more more = rw_write_got(c);

    if (c->op->flags & OP_NO_RSPIN)
        rw_set_owner(c, c->m->cur, OWNER_NOSPIN_READERS);
    return more;
}

static enum pcl_more start(struct call *c)
{
    c->op->count = OVER;
    if (c->op->what == PCL_RANGE_ACQUIRE)
        return c->n->mode == PCL_SHARED ? read_fast(c) : rw_write_fast(c);
    return rw_start(c);
}

/* clang-format off */
static const struct rwsem_state table[] = {
    RWSEM_ROWS,
    [START] = {start, 0},                 [RD_MAY_SPIN] = {read_may_spin, 0},
    [RD_UNDO] = {read_undo, 0},           [RD_JOIN] = {read_join, 0},
    [RD_QUEUE_ADD] = {read_queue_add, 0},
    [SPIN_LOOK] = {look, 0},              [SPIN_LEAVE] = {leave, 0},
    [WR_QUEUE] = {write_queue, 0},        [WR_WOKEN] = {write_woken, 0},
    [WR_TRY] = {write_try, 0},            [WR_GOT] = {write_got, 0},
    [WR_SLEEP] = {rw_go_to_sleep, WR_WOKEN},
    [MARK_GRANT] = {mark_grant, 0},
};
/* clang-format on */

static enum pcl_more rwsem_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    PCL_ASSERT(op->pc != OVER);
    struct call c = {R,
                     R->m,
                     op,
                     &R->node[op->node],
                     pcl_range_state(R, op->inst),
                     pcl_range_line(R, op->inst),
                     table[op->pc].then,
                     OWNER_NOSPIN_READERS,
                     OWNER_NOSPIN | OWNER_NOSPIN_READERS};

    return table[op->pc].step(&c);
}

const struct pcl_range_lock_ops pcl_lock_rwsem_v5_8 = {
    .name = "rwsem-v5.8",
    .summary = "rw_semaphore of 5.2 to 5.10: readers spin too, hand-off after 4 ms",
    .source = "Linux v5.8, kernel/locking/rwsem.c",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_SHARED,
    .params = params,
    .state_size = sizeof(struct rwsem),
    .init = rw_init,
    .step = rwsem_step,
    .validate = rw_validate,
    .memory = rw_memory,
};
