/*
 * The kernel's rw_semaphore as it is today (R2): one count word that everybody changes with
 * atomics, a FIFO of sleepers under an internal spinlock, writers that spin before they sleep,
 * and stealing that ends only when a waiter has set the hand-off bit. The range is ignored. Words
 * and states that it has in common with the older one: rwsem_common.h.
 *
 * Not modelled: the guard against 2^55 readers, real-time waiters.
 */
#include "rwsem_common.h"

static const struct pcl_lock_param_info params[] = {
    {"spin", 1, 0, 1, "writers spin before they sleep"},
    {"reader_batch", 256, 1, 1000000, "readers granted by one wake-up"},
    {"handoff_ms", 4, 0, 10000, "wait after which the first waiter ends stealing"},
    {NULL, 0, 0, 0, NULL},
};

enum { RD_SLOW = RW_OWN };

/* --- shared ------------------------------------------------------------------------------
 *
 *   START         count += 256; nobody holds it exclusive, waits, or hands it off: done
 *   RD_SLOW       other readers own it: queue, so that sleepers do not starve. Else, when no
 *                 writer holds it and no hand-off is on, steal it past the sleepers; the first
 *                 reader to do so takes the sleeping readers along
 *   RD_QUEUE      wait_lock: list empty and no writer: done. Else append
 *   RD_QUEUE_ADD  count -= 256, mark that somebody waits; perhaps wake the head of the list
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
    c->op->word = c->s->count;
    flag(c, OP_BIAS, 0);
    return go(c, RD_SLOW);
}

static enum pcl_more read_slow(struct call *c)
{
    uint64_t seen = c->op->word;
    bool alone = seen / BIAS == 1;

    pcl_load(c->m, c->line);
    c->op->word = 0;
    if ((seen & (WRITER | HANDOFF)) || ((c->s->oflags & OWNER_READER) && !alone))
        return go(c, RD_QUEUE_LOCK);
    c->R->stats.steals += (c->s->count & WAITERS) != 0;
    rw_set_reader_owned(c, c->m->cur);
    rw_granted(c);
    if (!alone || !(seen & WAITERS))
        return PCL_DONE;
    flag(c, OP_READ_OWNED, 0);
    return go(c, WAKE_LOCK);
}

static enum pcl_more read_queue_add(struct call *c)
{
    pcl_rmw(c->m, c->line);
    flag(c, 0, OP_BIAS);
    rw_set_count(c, (c->s->count - BIAS) | WAITERS);
    c->op->count = RD_WAIT;
    return c->s->count & WRITER ? go(c, UNLOCK) : rw_mark_queued(c, RD_WAIT);
}

/* --- the choice of readers, and the hand-off ---------------------------------------------- */

/* Readers from anywhere in the list: they pass over writers. */
static enum pcl_more mark_grant(struct call *c)
{
    const struct pcl_range_node *node = c->R->node;
    uint64_t woken = 0;

    for (uint32_t i = c->s->list.head, next;
         i != PCL_NONE && (int64_t)woken < c->R->param[P_READER_BATCH]; i = next) {
        next = node[i].link[QUEUE_NEXT];
        pcl_store(c->m, range_waiter_line(c->R, i));
        pcl_burn(c->m, c->m->p->list_visit);
        if (node[i].mode == PCL_EXCLUSIVE)
            continue;
        rw_grant_one(c, i);
        woken++;
    }
    return rw_grant_end(c, woken);
}

/* Whoever has waited long enough asks for the hand-off, on behalf of the first in the list. */
static enum pcl_more write_try(struct call *c)
{
    struct pcl_range_node *head = &c->R->node[c->s->list.head];
    bool first = head == c->n, handoff = c->s->count & HANDOFF;

    pcl_set_state(c->m, range_wait_state(c->op));
    if (range_awake(c->R, c->op) && (c->s->count & HELD))
        c->R->stats.lost_retries++;
    if (handoff && (head->flags & NODE_HANDOFF) && !first)
        return go(c, WR_FAILED);
    if (!(c->s->count & HELD))
        return rw_write_take(c, first);
    if (handoff || !rw_waited_long(c, c->op->node))
        return go(c, WR_FAILED);
    pcl_rmw(c->m, c->line);
    head->flags |= NODE_HANDOFF;
    rw_set_count(c, c->s->count | HANDOFF);
    return go(c, WR_FAILED);
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
    [START] = {start, 0},                 [RD_SLOW] = {read_slow, 0},
    [RD_QUEUE_ADD] = {read_queue_add, 0},
    [SPIN_LOOK] = {rw_spin_look, 0},      [SPIN_LEAVE] = {rw_spin_leave, 0},
    [WR_QUEUE] = {rw_write_queue, 0},
    [WR_TRY] = {write_try, 0},            [WR_GOT] = {rw_write_got, 0},
    [WR_SLEEP] = {rw_go_to_sleep, WR_TRY_LOCK},
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
                     OWNER_NOSPIN,
                     OWNER_NOSPIN};

    return table[op->pc].step(&c);
}

const struct pcl_range_lock_ops pcl_lock_rwsem = {
    .name = "rwsem",
    .summary = "rw_semaphore: writers spin, readers woken in batches, hand-off after 4 ms",
    .source = "Linux v6.3, kernel/locking/rwsem.c",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_SHARED,
    .params = params,
    .state_size = sizeof(struct rwsem),
    .init = rw_init,
    .step = rwsem_step,
    .validate = rw_validate,
    .memory = rw_memory,
};
