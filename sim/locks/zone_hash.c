/*
 * zone-hash (variant A0, Linux up to 4.8): each memory zone has a wait table of its own, sized
 * by the zone, so collisions are rare on big machines. There is no hint bit: every unlock finds
 * the page's zone and table and looks at a bucket, waiters or not.
 */
#include "page_wait.h"

enum { P_ZONES, P_BITS };

static const struct pcl_lock_param_info params[] = {
    {"zones", 0, 0, 64, "memory zones with a table each; 0 one for each socket"},
    {"bits", -1, -1, 20, "log2 of the buckets of a zone; -1 by the zone's size"},
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    try the bit; else find the table, and
 *          again: under the bucket lock: if not queued, queue at the tail; say that this task
 *                 sleeps
 *          if the bit is set, sleep
 *          try the bit: got it -> leave the queue, done; a fatal signal -> leave, killed
 *          go to again
 * wait:    the same, but queues at the head and looks at the bit instead of taking it;
 *          whoever has no reference to keep gives it away at the end
 * unlock:  clear the bit; find the table; look at the bucket without its lock; if somebody
 *          is in it, walk it:
 *          matching entry: bit taken again -> pass it over; wake it
 *          it was asleep -> remove it, and stop if it is exclusive
 */
enum { TRY, AGAIN, QUEUE, AWAKE, PEEK };

enum {
    PAGES_PER_BUCKET = 256, /* a quarter of a percent of a zone's pages may have waiters */
    MIN_BITS = 2,
    MAX_BITS = 12,
    PAGE_BYTES = 4096,
    BIT_WAITER_BYTES = 64 /* wait_bit_queue_entry */
};

static uint32_t zones(const struct pcl_page_locks *L)
{
    return L->param[P_ZONES] ? (uint32_t)L->param[P_ZONES] : (uint32_t)L->m->p->sockets;
}

static int64_t zone_pages(const struct pcl_page_locks *L)
{
    int64_t n = L->m->p->ram / PAGE_BYTES / zones(L);

    return n ? n : 1;
}

static void init(struct pcl_page_locks *L)
{
    uint32_t bits = MIN_BITS;

    if (L->param[P_BITS] >= 0)
        bits = (uint32_t)L->param[P_BITS];
    else
        while (bits < MAX_BITS && ((int64_t)PAGES_PER_BUCKET << bits) < zone_pages(L))
            bits++;
    wt_init_tables(L, zones(L), bits);
}

/* The page's zone says where its table is. The zone is not written, so reading it is no
 * micro-step of its own. */
static void find_bucket(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint32_t zone = (uint32_t)(op->pfn / zone_pages(L) % zones(L));

    if (L->m->has_lines)
        pcl_load(L->m, PCL_LINE(LOCK, zone));
    op->bucket = (zone << L->bucket_bits) + wt_bucket(L, op->pfn);
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
        find_bucket(L, op);
        return pw_bucket(L, op, QUEUE);
    case QUEUE:
        if (!L->waiter[L->m->cur].queued)
            pw_queue_by_kind(L, op);
        op->pc = PW_DOZE;
        return PCL_MORE;
    case PEEK:
        find_bucket(L, op);
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

const struct pcl_page_lock_ops pcl_lock_zone_hash = {
    .name = "zone-hash",
    .summary = "a wait table for each zone, no hint: every unlock looks (up to 4.8)",
    .source = "Linux mm/filemap.c before 9dcb8b685fc3 (variant A0)",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate_queues,
    .memory = memory,
};
