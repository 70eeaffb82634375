/*
 * rw-page (idea): a page lock that readers share. Who only looks at a page, such as a fault that
 * maps it, needs nobody else kept out but those who change it; on one hot page that is most of the
 * traffic. The bit is the writer's; beside the flags stand how many readers hold the page and how
 * many tasks sleep for it:
 *
 *   struct page:  | flags: PG_locked, PG_waiters | readers, queued | ...     16 bytes, changed as one
 *
 * The flags word is full, so both counts cost 8 bytes in each page; one compare-and-swap of 16 bytes
 * (as SLUB has used on its pages) changes them together with the bit. Fair: while anybody is queued
 * to have the page, newcomers of both kinds queue behind him, so neither kind starves. An unlock
 * hands the page on under the bucket lock, as atomic-handoff does: to the first writer, or to all
 * readers in front of the first writer.
 */
#include "page_wait.h"

static const struct pcl_lock_param_info params[] = {
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    one atomic: nobody queued, no writer, and for a writer no reader -> it is ours; else
 *          under the bucket lock: set the hint
 *          one more try of the same kind; else count as queued, and queue at the tail
 *          sleep until WOKEN, or until a fatal signal
 *          leave the queue if still in it, and count no more as queued; WOKEN decides
 * wait:    the same, with PG_locked looked at only: readers are in nobody's way who just looks
 * unlock:  writer: hint clear -> clear the bit, in one atomic; else walk the bucket, the bit set
 *          reader: one atomic, one reader less; the last one walks the bucket if the hint is set
 * walk:    writer's entry:  nobody was given the page before and nobody has it -> it is his; stop
 *          reader's entry:  no writer has the page -> one reader more; go on
 *          others' entries: mark, wake, remove; go on
 *          at the end, if a writer's bit has gone to nobody, clear it
 */
enum { TRY, SLOW = 8, HINT, LAST_TRY, LOOK, OVER };

/* credit of an unlock */
enum { OWNED, CLEARED, HANDED_OVER };

enum { COUNT_BYTES = 8 };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[0]);
    if (L->m->state)
        pcl_state_register(L->m->state, (void **)&L->sharers, sizeof(*L->sharers),
                           &L->n_sharers);
}

static struct pcl_page_sharers *sharers_of(struct pcl_page_locks *L, uint32_t folio)
{
    if (folio >= L->n_sharers) {
        uint32_t n = L->n_sharers ? L->n_sharers : 64;

        while (n <= folio)
            n *= 2;
        L->sharers = pcl_xrealloc(L->sharers, n, sizeof(*L->sharers));
        for (uint32_t i = L->n_sharers; i < n; i++)
            L->sharers[i] = (struct pcl_page_sharers){0, 0};
        L->n_sharers = n;
    }
    return &L->sharers[folio];
}

/* Wants to have the page, not only to see a bit clear. */
static bool wants_page(const struct pcl_waiter *w)
{
    return w->kind == PCL_PAGE_LOCK;
}

/* May a task of this kind have the page? Then it has: part of an atomic that the caller makes. */
static bool take(struct pcl_page_locks *L, struct pcl_page_op *op, bool shared)
{
    struct pcl_page_sharers *s = sharers_of(L, op->folio);

    if ((*wt_flags(L, op) & PCL_PG_LOCKED) || (!shared && s->readers))
        return false;
    if (shared)
        s->readers++;
    else
        *wt_flags(L, op) |= PCL_PG_LOCKED;
    return true;
}

static bool satisfied(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (!pw_exclusive(op))
        return pw_satisfied(L, op);
    pcl_rmw(L->m, wt_folio_line(op));
    return sharers_of(L, op->folio)->queued == 0 && take(L, op, op->shared);
}

static enum pcl_more try(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    op->result = PCL_PAGE_GOT;
    if (satisfied(L, op))
        return PCL_DONE;
    if (op->what == PCL_PAGE_TRYLOCK) {
        L->stats.trylock_failures++;
        op->result = PCL_PAGE_BUSY;
        return PCL_DONE;
    }
    op->pc = SLOW;
    return PCL_MORE;
}

static enum pcl_more last_try(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[L->m->cur];

    w->flags = op->shared ? PCL_W_SHARED : 0;
    if (satisfied(L, op)) {
        w->flags |= PCL_W_WOKEN;
    } else {
        sharers_of(L, op->folio)->queued += pw_exclusive(op);
        wt_append(L, op);
    }
    op->pc = PW_SETTLE;
    return PCL_MORE;
}

/* A killed waiter: those behind it are served by whoever has the page now. */
static enum pcl_more leave(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc == PW_LEAVE_LOCKED && L->waiter[L->m->cur].queued && pw_exclusive(op)) {
        pcl_rmw(L->m, wt_folio_line(op));
        sharers_of(L, op->folio)->queued--;
    }
    return pw_leave_for(L, op, OVER);
}

static enum pcl_more wait(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= PW_LEAVE)
        return leave(L, op);
    if (op->pc >= PW_SETTLE)
        return pw_settle(L, op, LOOK);
    switch (op->pc) {
    case SLOW:
        return pw_bucket(L, op, HINT);
    case HINT:
        wt_set_waiters(L, op);
        op->pc = LAST_TRY;
        return PCL_MORE;
    case LAST_TRY:
        return last_try(L, op);
    case LOOK:
        return pw_look(L, op, OVER);
    default:
        return pw_told(L, op, PCL_W_WOKEN);
    }
}

/* Gives the page to the waiter at the cursor; false: it is not to be had. A writer's unlock still
 * has the bit: to the first it goes as it is, or turns into a reader's count. */
static bool give(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    bool shared = L->waiter[op->cursor].flags & PCL_W_SHARED;

    pcl_rmw(L->m, wt_folio_line(op));
    if (op->credit == OWNED)
        wt_clear(L, op);
    if (!take(L, op, shared))
        return false;
    sharers_of(L, op->folio)->queued--;
    op->credit = shared ? CLEARED : HANDED_OVER;
    L->stats.handoffs++;
    return true;
}

/* scratch: 0 give, 1 mark, 2 wake and remove */
static enum wt_verdict match(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    const struct pcl_waiter *w = &L->waiter[op->cursor];

    if (op->scratch == 0) {
        op->scratch = 1;
        if (wants_page(w))
            return give(L, op) ? WT_AGAIN : WT_STOP;
    }
    if (op->scratch++ == 1)
        return pw_mark(L, op, PCL_W_WOKEN);
    wt_wake(L, op);
    return wants_page(w) && !(w->flags & PCL_W_SHARED) ? WT_TAKE_STOP : WT_TAKE;
}

static enum pcl_more unlock(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint8_t hint = *wt_flags(L, op) & PCL_PG_WAITERS;

    if (op->bit != PCL_PG_LOCKED) {
        op->credit = CLEARED;
        return pw_unlock(L, op);
    }
    pcl_rmw(L->m, wt_folio_line(op));
    op->pc = WT_LOCK;
    if (op->shared) {
        op->credit = CLEARED;
        return --sharers_of(L, op->folio)->readers == 0 && hint ? PCL_MORE : PCL_DONE;
    }
    if (hint)
        return PCL_MORE;
    wt_clear(L, op);
    return PCL_DONE;
}

static enum pcl_more walk(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc != WT_CLEAR || op->credit != OWNED)
        return wt_walk(L, op, match, 0);
    pcl_rmw(L->m, wt_folio_line(op)); /* the bit has gone to nobody */
    wt_clear(L, op);
    op->credit = CLEARED;
    return PCL_MORE;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return walk(L, op);
    if (op->pc >= SLOW)
        return wait(L, op);
    return op->what == PCL_PAGE_UNLOCK ? unlock(L, op) : try(L, op);
}

static bool validate(const struct pcl_page_locks *L, const char **why)
{
    uint32_t counted = 0, queued = 0;

    for (uint32_t f = 0; f < L->n_sharers; f++) {
        *why = "readers share a page that a writer has";
        if (L->sharers[f].readers && ((*L->flags)[f] & PCL_PG_LOCKED))
            return false;
        counted += L->sharers[f].queued;
    }
    for (uint32_t b = 0; b < L->n_buckets; b++)
        if (L->m->spin[L->bucket[b].spin].holder != PCL_NONE)
            return wt_validate(L, why);
    for (uint32_t w = 0; w < L->n_bodies; w++)
        queued += L->waiter[w].queued && wants_page(&L->waiter[w]);
    *why = "the pages count other sleepers than are queued";
    return counted == queued && wt_validate(L, why);
}

static void memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    wt_memory(L, out);
    out->per_page = out->per_page_dbg = COUNT_BYTES;
}

const struct pcl_page_lock_ops pcl_lock_rw_page = {
    .name = "rw-page",
    .summary = "readers share the page; fair to both kinds, handed over (idea)",
    .source = "idea: a reader/writer page lock, so that faults on a hot page do not queue",
    .props = PCL_PROP_FIFO | PCL_PROP_SHARED,
    .params = params,
    .init = init,
    .step = step,
    .validate = validate,
    .memory = memory,
};
