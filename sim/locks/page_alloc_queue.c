/*
 * page-alloc-queue (idea of 2017): no table of waiters, and no queue head in every page either. The
 * first who has to wait for a page allocates a queue for it, the last one out frees it:
 *
 *   bucket[hash(page)]: spinlock -> queue of page a -> queue of page b       one chain for each value
 *                                   | waiter, waiter   | waiter
 *
 * How is the queue found? A pointer in the page would be best, but a page of the cache has no word
 * to spare while it is in use (mapping, index and private all are). So queues stand in a small hash
 * by page, under the bucket's lock; a chain holds as many as there are pages being waited for with
 * one hash value, seldom more than one, so a tree would gain nothing. Waiters of another page are
 * never visited, but its queue may be, and its walks hold the same spinlock. Whom a walk wakes is
 * decided as in folio.
 */
#include "hybrid.h"
#include "page_heads.h"

enum { P_UNFAIRNESS, P_BITS };

static const struct pcl_lock_param_info params[] = {
    HYBRID_PARAM_UNFAIRNESS,
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * Wherever hybrid takes the bucket's lock, the chain is searched first, a visit each queue:
 *
 * wait:    no queue yet, and none in hand: let go of the bucket, allocate one, take the lock, search
 *          again; whoever queues first puts his in the chain. Not needed after all: freed at the end
 * leave, walk: an empty queue leaves the chain under the lock and is freed behind it
 *
 * In an op: visits is where to go on, cursor the queue under way; scratch, free while no entry of a
 * walk is treated, says that a queue is in hand.
 * queue[folio]: owner is 0 while the page has a queue, head is the next page of its chain.
 */
enum { TRY, FIND, LET_GO, ALLOC, RETAKE, FREE };

enum { SPARE = 1, CHAIN_BYTES = 16, CHAIN_BYTES_DBG = 72, QUEUE_BYTES = 32, ENTRY_BYTES = 48 };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
    heads_init(L);
}

static bool has_queue(struct pcl_page_locks *L, uint32_t folio)
{
    return head_of(L, folio)->owner == 0;
}

/* The page's own list of waiters: behind the chains in the array, with the lock of its chain. */
static void own_list(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint32_t chain = wt_bucket(L, op->pfn), own = (1u << L->bucket_bits) + op->folio;

    if (own >= L->n_buckets) {
        uint32_t n = L->n_buckets;

        while (n <= own)
            n *= 2;
        L->bucket = pcl_xrealloc(L->bucket, n, sizeof(*L->bucket));
        for (uint32_t b = L->n_buckets; b < n; b++)
            L->bucket[b] = (struct pcl_bucket){.head = PCL_NONE, .tail = PCL_NONE};
        L->n_buckets = n;
    }
    if (!has_queue(L, op->folio)) {
        L->bucket[own].spin = L->bucket[chain].spin;
        L->bucket[own].line = L->bucket[chain].line;
    }
    op->bucket = own;
}

static uint32_t *chain_of(struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    return &L->bucket[wt_bucket(L, op->pfn)].head;
}

static enum pcl_more find_first(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t then)
{
    op->visits = then;
    op->cursor = *chain_of(L, op);
    op->pc = FIND;
    return PCL_MORE;
}

/* A waiter goes on at HYBRID_REPEAT + 1, with a queue to stand in or one in hand. */
static enum pcl_more find(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    bool waiter = op->visits == HYBRID_REPEAT + 1;

    if (op->cursor != PCL_NONE) {
        pcl_load(L->m, PCL_LINE(LOCK, op->cursor));
        pcl_burn(L->m, L->m->p->list_visit);
        if (op->cursor != op->folio) {
            op->cursor = head_of(L, op->cursor)->head;
            return PCL_MORE;
        }
    }
    if (op->cursor == PCL_NONE && waiter && !op->scratch)
        op->pc = LET_GO;
    else
        op->pc = (uint8_t)op->visits;
    return PCL_MORE;
}

/* The waiter queued, the first on its page: its queue joins the chain. */
static void link_queue(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_page_queue *q = head_of(L, op->folio);

    q->owner = 0;
    q->head = *chain_of(L, op);
    *chain_of(L, op) = op->folio;
    op->scratch = 0;
}

static void unlink_queue(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_page_queue *q = head_of(L, op->folio);
    uint32_t *at = chain_of(L, op);

    while (*at != op->folio)
        at = &head_of(L, *at)->head;
    pcl_touch(L->m, wt_bucket_line(L, op->bucket));
    *at = q->head;
    q->owner = q->head = PCL_NONE;
    op->scratch = SPARE;
}

/* Under the bucket's lock, about to let go of it. */
static bool emptied(struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    return (op->pc == PW_LEAVE_UNLOCK || op->pc == WT_UNLOCK) && has_queue(L, op->folio) &&
           L->bucket[op->bucket].head == PCL_NONE;
}

static enum pcl_more start(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    own_list(L, op);
    return hybrid_start(L, op, L->param[P_UNFAIRNESS]);
}

/* What hybrid does, and where it has just taken the lock, the search. */
static enum pcl_more plain(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint8_t at = op->pc;

    if (at >= WT_LOCK) {
        enum pcl_more more = wt_walk(L, op, hybrid_match, 0);

        return at == WT_LOCK ? find_first(L, op, op->pc) : more;
    }
    enum pcl_more more = hybrid_wait(L, op);

    if (at == HYBRID_REPEAT || at == PW_LEAVE)
        return find_first(L, op, op->pc);
    if (op->pc == PW_SETTLE && L->waiter[L->m->cur].queued && !has_queue(L, op->folio))
        link_queue(L, op);
    return more;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    switch (op->pc) {
    case TRY:
        return start(L, op);
    case FIND:
        return find(L, op);
    case LET_GO:
        op->pc = ALLOC;
        wt_unlock(L, op);
        return PCL_MORE;
    case ALLOC:
        pcl_burn(L->m, L->m->p->slab_alloc);
        op->scratch = SPARE;
        op->pc = RETAKE;
        return PCL_MORE;
    case RETAKE:
        wt_lock(L, op);
        return find_first(L, op, HYBRID_REPEAT + 1);
    case FREE:
        pcl_burn(L->m, L->m->p->slab_alloc);
        return PCL_DONE;
    default:
        break;
    }
    if (emptied(L, op)) {
        unlink_queue(L, op);
        return PCL_MORE;
    }
    if (plain(L, op) == PCL_MORE)
        return PCL_MORE;
    if (!op->scratch)
        return PCL_DONE;
    op->pc = FREE;
    return PCL_MORE;
}

static bool validate(const struct pcl_page_locks *L, const char **why)
{
    uint32_t base = 1u << L->bucket_bits;

    *why = "a page that nobody waits for has a queue, or one that is waited for has none";
    for (uint32_t f = 0; f < L->n_queues && base + f < L->n_buckets; f++) {
        const struct pcl_bucket *own = &L->bucket[base + f];
        bool any = own->head != PCL_NONE, has = L->queue[f].owner == 0;

        if (any != has && L->m->spin[own->spin].holder == PCL_NONE)
            return false;
    }
    return wt_validate(L, why);
}

/* A waiter alone on its page; those who join it save the queue. */
static void memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    *out = (struct pcl_lock_memory){.fixed = (int64_t)CHAIN_BYTES << L->bucket_bits,
                                    .per_waiter = ENTRY_BYTES + QUEUE_BYTES,
                                    .fixed_dbg = (int64_t)CHAIN_BYTES_DBG << L->bucket_bits,
                                    .per_waiter_dbg = ENTRY_BYTES + QUEUE_BYTES};
}

const struct pcl_page_lock_ops pcl_lock_page_alloc_queue = {
    .name = "page-alloc-queue",
    .summary = "as folio, with a queue allocated for each page that is waited for (idea)",
    .source = "Linus Torvalds, mail of 2017-08-25 on the lock breaker in wake_up_page_bit",
    .props = PCL_PROP_STEALS | PCL_PROP_BOUNDED,
    .params = params,
    .init = init,
    .step = step,
    .validate = validate,
    .memory = memory,
};
