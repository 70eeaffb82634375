/*
 * Buckets, entries and visits of the hashed wait table.
 */
#include "wait_table.h"

#include <string.h>

void wt_init(struct pcl_page_locks *L, uint32_t bits)
{
    wt_init_tables(L, 1, bits);
}

static void new_bucket(struct pcl_page_locks *L, uint32_t b)
{
    L->bucket[b] = (struct pcl_bucket){.head = PCL_NONE,
                                       .tail = PCL_NONE,
                                       .spin = pcl_spin_new(L->m),
                                       .line = b * BUCKET_BYTES / 64};
    pcl_spin_kind(L->m, L->bucket[b].spin, PCL_ROLE_PAGE);
}

/* Locks without the row have the kernel's hash. */
static uint8_t hash_of(const struct pcl_page_locks *L)
{
    const struct pcl_lock_param_info *p = L->ops->params;

    for (unsigned i = 0; p && p[i].name; i++)
        if (strcmp(p[i].name, "hash") == 0)
            return (uint8_t)L->param[i];
    return WT_HASH_64;
}

void wt_init_tables(struct pcl_page_locks *L, uint32_t tables, uint32_t bits)
{
    L->hash = hash_of(L);
    L->bucket_bits = bits;
    L->n_buckets = tables << bits;
    L->bucket = pcl_xcalloc(L->n_buckets, sizeof(*L->bucket));
    for (uint32_t b = 0; b < L->n_buckets; b++)
        new_bucket(L, b);
    for (uint32_t i = 0; i < L->n_waiters; i++)
        L->waiter[i] = (struct pcl_waiter){.next = PCL_NONE, .prev = PCL_NONE};
    if (L->m->state)
        pcl_state_register(L->m->state, (void **)&L->bucket, sizeof(*L->bucket), &L->n_buckets);
}

void wt_own_bucket(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->folio >= L->n_buckets) {
        uint32_t b = L->n_buckets, n = b ? b : 64;

        while (n <= op->folio)
            n *= 2;
        L->bucket = pcl_xrealloc(L->bucket, n, sizeof(*L->bucket));
        L->n_buckets = n;
        for (; b < n; b++)
            new_bucket(L, b);
    }
    op->bucket = op->folio;
    L->bucket[op->bucket].line = op->pfn;
}

void wt_memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    *out = (struct pcl_lock_memory){
        .fixed = (int64_t)BUCKET_BYTES * L->n_buckets,
        .per_waiter = WAITER_BYTES,
        .fixed_dbg = (int64_t)BUCKET_BYTES_DBG * L->n_buckets,
        .per_waiter_dbg = WAITER_BYTES,
    };
}

uint32_t wt_bucket(const struct pcl_page_locks *L, uint32_t pfn)
{
    static const uint64_t factor[] = {[WT_HASH_64] = 0x61c8864680b583ebu,
                                      [WT_HASH_OLD] = 0x9e37fffffffc0001u};
    uint64_t address = (uint64_t)pfn * STRUCT_PAGE_BYTES;

    if (L->bucket_bits == 0)
        return 0;
    if (L->hash == WT_HASH_NONE)
        return pfn & ((1u << L->bucket_bits) - 1);
    return (uint32_t)((address * factor[L->hash]) >> (64 - L->bucket_bits));
}

void wt_lock(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->bucket == PCL_NONE)
        op->bucket = wt_bucket(L, op->pfn);
    pcl_spin_lock(L->m, L->bucket[op->bucket].spin, wt_bucket_line(L, op->bucket), true);
}

void wt_unlock(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    pcl_spin_unlock(L->m, L->bucket[op->bucket].spin, wt_bucket_line(L, op->bucket), true);
}

/* A link of the list is written: in an entry, or at the end of the list in its head. */
static void write_link(struct pcl_page_locks *L, uint32_t bucket, uint32_t entry)
{
    if (!L->m->has_lines)
        return; /* for the explorer the bucket's spinlock stands for all of the list */
    if (entry == PCL_NONE)
        pcl_store(L->m, wt_bucket_line(L, bucket));
    else
        pcl_store(L->m, PCL_LINE(WAITER, entry));
}

static void insert_before(struct pcl_page_locks *L, uint32_t bucket, uint32_t entry,
                          uint32_t next)
{
    struct pcl_bucket *b = &L->bucket[bucket];
    uint32_t prev = next == PCL_NONE ? b->tail : L->waiter[next].prev;

    write_link(L, bucket, entry);
    write_link(L, bucket, prev);
    write_link(L, bucket, next);
    L->waiter[entry].next = next;
    L->waiter[entry].prev = prev;
    if (prev == PCL_NONE)
        b->head = entry;
    else
        L->waiter[prev].next = entry;
    if (next == PCL_NONE)
        b->tail = entry;
    else
        L->waiter[next].prev = entry;
    L->waiter[entry].queued = 1;
    b->len++;
}

static void enqueue(struct pcl_page_locks *L, struct pcl_page_op *op, uint32_t next)
{
    uint32_t e = L->m->cur;
    struct pcl_waiter *w = &L->waiter[e];

    w->folio = op->folio;
    w->bit = op->bit;
    w->kind = op->what;
    pcl_touch(L->m, wt_bucket_line(L, op->bucket));
    insert_before(L, op->bucket, e, next);
    op->contended = 1;
    pcl_note_sleep(&L->stats);
    pcl_transition(&L->m->eng, PCL_TR_BLOCK, L->m->cur, op->pfn);
}

void wt_append(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    enqueue(L, op, PCL_NONE);
}

void wt_prepend(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    enqueue(L, op, L->bucket[op->bucket].head);
}

void wt_remove(struct pcl_page_locks *L, uint32_t bucket, uint32_t entry)
{
    struct pcl_bucket *b = &L->bucket[bucket];
    struct pcl_waiter *w = &L->waiter[entry];

    PCL_ASSERT(w->queued);
    write_link(L, bucket, entry);
    write_link(L, bucket, w->prev);
    write_link(L, bucket, w->next);
    if (w->prev == PCL_NONE)
        b->head = w->next;
    else
        L->waiter[w->prev].next = w->next;
    if (w->next == PCL_NONE)
        b->tail = w->prev;
    else
        L->waiter[w->next].prev = w->prev;
    w->next = w->prev = PCL_NONE;
    w->queued = 0;
    b->len--;
    if (entry < L->n_bodies)
        pcl_note_awake(&L->stats);
}

void wt_set_waiters(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint8_t *f = wt_flags(L, op);

    if (*f & PCL_PG_WAITERS) {
        pcl_load(L->m, wt_folio_line(op));
        return;
    }
    pcl_rmw(L->m, wt_folio_line(op));
    *f |= PCL_PG_WAITERS;
}

bool wt_visit(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    const struct pcl_waiter *w = &L->waiter[op->cursor];

    pcl_load(L->m, PCL_LINE(WAITER, op->cursor));
    pcl_burn(L->m, L->m->p->list_visit);
    op->walked++;
    L->stats.walk_visits++;
    if (op->walked > L->stats.walk_max)
        L->stats.walk_max = op->walked;
    if (w->flags & PCL_W_BOOKMARK)
        return false; /* another walker's; it does not count towards a break */
    op->visits++;
    if (w->folio != op->folio) {
        L->stats.walk_foreign++;
        pcl_lock_notes_foreign(L->notes, &L->stats, L->m->cur);
        return false;
    }
    op->matched = 1;
    return w->bit == op->bit; /* another bit of this folio: skipped, but the hint must stay */
}

void wt_bookmark(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint32_t mark = L->n_bodies + L->m->cur;

    L->waiter[mark].flags = PCL_W_BOOKMARK;
    L->waiter[mark].folio = PCL_NONE;
    insert_before(L, op->bucket, mark, op->cursor);
    op->visits = 0;
    L->stats.bookmarks++;
}

bool wt_resume(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint32_t mark = L->n_bodies + L->m->cur;

    op->cursor = L->waiter[mark].next;
    wt_remove(L, op->bucket, mark);
    return op->cursor != PCL_NONE;
}

void wt_clear_waiters(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint8_t *f = wt_flags(L, op);

    if (op->matched && L->bucket[op->bucket].head != PCL_NONE)
        return;
    if (!(*f & PCL_PG_WAITERS))
        return;
    pcl_rmw(L->m, wt_folio_line(op));
    *f &= (uint8_t)~PCL_PG_WAITERS;
}

bool wt_wake(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    pcl_transition(&L->m->eng, PCL_TR_WAKE, op->cursor, op->pfn);
    return pcl_wake(L->m, op->cursor);
}

/* Where a walk goes after an entry: next is what follows it. */
static enum wt_walk_pc advance(struct pcl_page_locks *L, struct pcl_page_op *op, uint32_t next,
                               int64_t break_count)
{
    op->cursor = next;
    if (next == PCL_NONE)
        return WT_CLEAR;
    if (break_count && op->visits > break_count) {
        wt_bookmark(L, op);
        return WT_BREAK_UNLOCK;
    }
    return WT_VISIT;
}

/* One micro-step of the lock's own treatment of a matching entry. */
static enum wt_walk_pc treat(struct pcl_page_locks *L, struct pcl_page_op *op, wt_match match,
                             int64_t break_count)
{
    uint32_t entry = op->cursor, next;
    enum wt_verdict v = match(L, op);

    if (v == WT_AGAIN)
        return WT_MATCH;
    next = L->waiter[entry].next;
    if (v == WT_TAKE || v == WT_TAKE_STOP)
        wt_remove(L, op->bucket, entry);
    op->scratch = 0;
    if (v == WT_STOP || v == WT_TAKE_STOP)
        return WT_CLEAR;
    return advance(L, op, next, break_count);
}

enum pcl_more wt_walk(struct pcl_page_locks *L, struct pcl_page_op *op, wt_match match,
                      int64_t break_count)
{
    switch ((enum wt_walk_pc)op->pc) {
    case WT_LOCK:
        op->pc = WT_FIRST;
        wt_lock(L, op);
        break;
    case WT_FIRST:
        op->pc = wt_first(L, op) ? WT_VISIT : WT_CLEAR;
        break;
    case WT_VISIT:
        op->pc = (uint8_t)(wt_visit(L, op)
                               ? WT_MATCH
                               : advance(L, op, L->waiter[op->cursor].next, break_count));
        break;
    case WT_MATCH:
        op->pc = (uint8_t)treat(L, op, match, break_count);
        break;
    case WT_BREAK_UNLOCK:
        op->pc = WT_BREAK_LOCK;
        wt_unlock(L, op);
        break;
    case WT_BREAK_LOCK:
        op->pc = WT_RESUME;
        wt_lock(L, op);
        break;
    case WT_RESUME:
        op->pc = wt_resume(L, op) ? WT_VISIT : WT_CLEAR;
        break;
    case WT_CLEAR:
        wt_clear_waiters(L, op);
        op->pc = WT_UNLOCK;
        break;
    case WT_UNLOCK:
        op->pc = WT_DONE;
        wt_unlock(L, op);
        break;
    case WT_DONE:
        return PCL_DONE;
    }
    return op->pc == WT_DONE ? PCL_DONE : PCL_MORE;
}

/* The bucket whose queue begins with this entry, PCL_NONE if none does. */
static uint32_t headed_by(const struct pcl_page_locks *L, uint32_t entry)
{
    uint32_t b = L->op[entry % L->n_bodies].bucket;

    return L->waiter[entry].queued && b < L->n_buckets && L->bucket[b].head == entry ? b
                                                                                     : PCL_NONE;
}

static bool bucket_consistent(const struct pcl_page_locks *L, uint32_t b, const char **why)
{
    const struct pcl_bucket *bk = &L->bucket[b];
    uint32_t prev = PCL_NONE, n = 0;

    *why = "a wait queue's links are broken";
    for (uint32_t e = bk->head; e != PCL_NONE; prev = e, e = L->waiter[e].next, n++)
        if (L->waiter[e].prev != prev || !L->waiter[e].queued || n > L->n_waiters)
            return false;
    *why = "a wait queue's length is wrong";
    return bk->tail == prev && bk->len == n;
}

static bool bucket_hinted(const struct pcl_page_locks *L, uint32_t b, const char **why)
{
    const struct pcl_bucket *bk = &L->bucket[b];

    *why = "a waiter sleeps on a folio whose PG_waiters is clear";
    if (L->m->spin[bk->spin].holder != PCL_NONE)
        return true;
    for (uint32_t e = bk->head; e != PCL_NONE; e = L->waiter[e].next)
        if (!(L->waiter[e].flags & PCL_W_BOOKMARK) &&
            !((*L->flags)[L->waiter[e].folio] & PCL_PG_WAITERS))
            return false;
    return true;
}

/* Tables are large and mostly empty: looks at entries, not at buckets. */
bool wt_validate_queues(const struct pcl_page_locks *L, const char **why)
{
    uint32_t queued = 0, reached = 0;

    for (uint32_t e = 0; e < L->n_waiters; e++) {
        uint32_t b = headed_by(L, e);

        queued += L->waiter[e].queued;
        if (b == PCL_NONE)
            continue;
        if (!bucket_consistent(L, b, why))
            return false;
        reached += L->bucket[b].len;
    }
    *why = "a queued waiter is in no queue";
    return queued == reached;
}

bool wt_validate(const struct pcl_page_locks *L, const char **why)
{
    if (!wt_validate_queues(L, why))
        return false;
    for (uint32_t e = 0; e < L->n_waiters; e++) {
        uint32_t b = headed_by(L, e);

        if (b != PCL_NONE && !bucket_hinted(L, b, why))
            return false;
    }
    return true;
}
