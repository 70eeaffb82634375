/*
 * bit-hash (variant A1, Linux 4.9): the zones' tables are gone; pages share one table of fixed
 * size with all other waits for a bit. As before there is no hint, so every unlock looks at a
 * bucket, now one of few, next to buckets that others write.
 */
#include "page_wait.h"

static const struct pcl_lock_param_info params[] = {
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    try the bit; else
 *          again: under the bucket lock: if not queued, queue at the tail; say that this task
 *                 sleeps
 *          if the bit is set, sleep
 *          try the bit: got it -> leave the queue, done; a fatal signal -> leave, killed
 *          go to again
 * wait:    the same, but queues at the head and looks at the bit instead of taking it;
 *          whoever has no reference to keep gives it away at the end
 * unlock:  clear the bit; look at the bucket without its lock; if somebody is in it, walk it:
 *          matching entry: bit taken again -> pass it over; wake it
 *          it was asleep -> remove it, and stop if it is exclusive
 */
enum { TRY, AGAIN, QUEUE, AWAKE, PEEK };

enum {
    BIT_WAITER_BYTES = 64 /* wait_bit_queue_entry */
};

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[0]);
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, pw_match_or_skip, 0);
    if (op->pc >= PW_AGAIN)
        return pw_trying(L, op, AWAKE);
    switch (op->pc) {
    case TRY:
        return op->what == PCL_PAGE_UNLOCK ? pw_clear(L, op, PEEK) : pw_try(L, op, AGAIN);
    case AGAIN:
        return pw_bucket(L, op, QUEUE);
    case QUEUE:
        if (!L->waiter[L->m->cur].queued)
            pw_queue_by_kind(L, op);
        op->pc = PW_DOZE;
        return PCL_MORE;
    case PEEK:
        return pw_peek(L, op);
    default:
        return pw_retry(L, op, AGAIN);
    }
}

static void memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    wt_memory(L, out);
    out->per_waiter = out->per_waiter_dbg = BIT_WAITER_BYTES;
}

const struct pcl_page_lock_ops pcl_lock_bit_hash = {
    .name = "bit-hash",
    .summary = "one table shared with all bit waits, no hint: every unlock looks (4.9)",
    .source = "Linux mm/filemap.c at 9dcb8b685fc3 (variant A1)",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate_queues,
    .memory = memory,
};
