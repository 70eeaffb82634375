/*
 * The pages of a range as its lock (suggested by Linus Torvalds, September 2020): a request locks
 * every folio of its range that is present, in rising order, holds them all, and unlocks them in
 * the order in which it came by them. What is absent it cannot lock: such a page may be brought in
 * while the range is held, and two requests share what no page stands for.
 *
 *   absent  [folio]  absent  [folio][folio]        a request holds three locks
 *     ^ comes in later: nobody's                    and guards nothing between them
 *
 * A page lock has one owner, so shared requests exclude each other too: their paths lock single
 * pages of the range to change them (a write fault), and a lock that is shared cannot grow.
 *
 * Rising order keeps requests from deadlock with each other, but not with their own paths, which
 * lock pages that came late, below others that they hold. So no request sleeps for a page with
 * others of its own: it lets go what it has, sleeps for that one page, and starts over with it
 * held, as drm_gem_lock_reservations() does for buffers.
 *
 * The page locks' operation of the body is free for this one's use: a body carries out one
 * operation at a time, and a range is asked for between page operations, never within one.
 */
#include <pclsim/pages.h>

#define PAGE_SHIFT 12

enum {
    R_BEGIN,
    R_NEXT, /* look for the next present folio */
    R_TRY,
    R_TRYING,
    R_CHECK,
    R_LATE, /* locked, but no longer there */
    R_UNLOCKING_LATE,
    R_PUT,
    R_BACK, /* let go what is held, one by one */
    R_UNLOCKING,
    R_PUT_HELD,
    R_SLEEP,
    R_SLEEPING,
    R_PUT_BUSY,
    R_PUT_KILLED
};

/* op->flags */
enum {
    ALONE = 1, /* the folio in hand was slept for: others before it were let go */
    OVER = 2   /* once all is let go the operation ends */
};

static uint64_t first_page(const struct pcl_range_node *n)
{
    return (uint64_t)n->start >> PAGE_SHIFT;
}

static uint64_t last_page(const struct pcl_range_node *n)
{
    return (uint64_t)n->last >> PAGE_SHIFT;
}

static enum pcl_more end(struct pcl_range_locks *R, struct pcl_range_op *op, uint8_t result)
{
    op->result = result;
    if (result != PCL_RANGE_GOT || op->what == PCL_RANGE_RELEASE)
        pcl_range_end(R, op->node);
    return PCL_DONE;
}

static enum pcl_more go(struct pcl_range_op *op, uint8_t pc)
{
    op->pc = pc;
    return PCL_MORE;
}

/* The next folio to lock, or to pass over: it is this body's already, through this request or
 * another. Beyond the last one the request is granted. */
static enum pcl_more look(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_pages *P = R->pages;
    struct pcl_range_node *n = &R->node[op->node];
    uint64_t end_of;

    op->cursor = op->word > last_page(n)
                     ? PCL_NONE
                     : P->next(P->arg, op->inst, op->word, last_page(n));
    if (op->cursor == PCL_NONE) {
        n->held = true;
        return end(R, op, PCL_RANGE_GOT);
    }
    if (!pcl_pages_own(P, op->cursor))
        return go(op, R_TRY);
    (void)P->there(P->arg, op->cursor, op->inst, op->word, last_page(n), &end_of);
    op->word = end_of + 1;
    return go(op, R_PUT);
}

static enum pcl_more tried(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_pages *P = R->pages;

    if (P->lock->op[R->m->cur].result == PCL_PAGE_GOT) {
        P->lock->stats.mode[PCL_EXCLUSIVE].acquisitions++;
        return go(op, R_CHECK);
    }
    op->contended = true;
    if (op->what == PCL_RANGE_TRY) {
        op->flags |= OVER;
        return go(op, R_PUT_BUSY);
    }
    if (R->node[op->node].link[0])
        P->stats.backouts++;
    return go(op, R_BACK);
}

/* Locked: is it still where it was looked for? */
static enum pcl_more check(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_pages *P = R->pages;
    const struct pcl_range_node *n = &R->node[op->node];
    bool alone = op->flags & ALONE;
    uint64_t end_of;

    op->flags &= (uint8_t)~ALONE;
    if (alone)
        op->word = first_page(n);
    if (!P->there(P->arg, op->cursor, op->inst, first_page(n), last_page(n), &end_of))
        return go(op, R_LATE);
    pcl_pages_add(P, R, op->node, op->cursor);
    if (!alone)
        op->word = end_of + 1;
    return go(op, R_NEXT);
}

/* The first folio that is still held; all let go: on to what the operation wants then. */
static enum pcl_more let_go(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_pages *P = R->pages;
    uint32_t f = R->node[op->node].link[0] - 1;
    uint8_t inner;

    if (R->node[op->node].link[0] == 0) {
        if (op->what == PCL_RANGE_RELEASE)
            return end(R, op, PCL_RANGE_GOT);
        return op->flags & OVER ? end(R, op, PCL_RANGE_BUSY) : go(op, R_SLEEP);
    }
    inner = P->hold[f].inner;
    pcl_pages_remove(P, f);
    op->count = f;
    if (inner != PCL_INNER_NONE) { /* its path has it locked: the lock is the path's from now on */
        PCL_ASSERT(inner == PCL_INNER_LOCK);
        return go(op, R_PUT_HELD);
    }
    pcl_page_begin(P->lock, PCL_PAGE_UNLOCK, f, PCL_PG_LOCKED, false);
    return go(op, R_UNLOCKING);
}

static enum pcl_more slept(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_pages *P = R->pages;

    if (P->lock->op[R->m->cur].result == PCL_PAGE_KILLED)
        return go(op, R_PUT_KILLED);
    P->lock->stats.mode[PCL_EXCLUSIVE].acquisitions++;
    op->flags |= ALONE;
    return go(op, R_CHECK);
}

static enum pcl_more begin(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_range_node *n = &R->node[op->node];

    switch ((enum pcl_range_what)op->what) {
    case PCL_RANGE_RELEASE:
        n->held = false;
        return let_go(R, op);
    case PCL_RANGE_DOWNGRADE: /* the locks have one mode only */
        n->mode = PCL_SHARED;
        return end(R, op, PCL_RANGE_GOT);
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        break;
    }
    n->link[0] = n->link[1] = 0;
    op->word = first_page(n);
    return look(R, op);
}

static enum pcl_more begin_page(struct pcl_range_locks *R, struct pcl_range_op *op,
                                enum pcl_page_what what, uint8_t pc)
{
    pcl_page_begin(R->pages->lock, what, op->cursor, PCL_PG_LOCKED,
                   what == PCL_PAGE_LOCK && op->killable);
    return go(op, pc);
}

static enum pcl_more resident_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_pages *P = R->pages;
    uint32_t f = op->cursor;

    switch (op->pc) {
    case R_BEGIN:
        return begin(R, op);
    case R_NEXT:
        return look(R, op);
    case R_TRY:
        (void)begin_page(R, op, PCL_PAGE_TRYLOCK, R_TRYING);
        /* fall through */
    case R_TRYING:
        return pcl_page_step(P->lock) == PCL_MORE ? PCL_MORE : tried(R, op);
    case R_CHECK:
        return check(R, op);
    case R_LATE:
        (void)begin_page(R, op, PCL_PAGE_UNLOCK, R_UNLOCKING_LATE);
        /* fall through */
    case R_UNLOCKING_LATE:
        return pcl_page_step(P->lock) == PCL_MORE ? PCL_MORE : go(op, R_PUT);
    case R_PUT:
        P->put(P->arg, f);
        return go(op, R_NEXT);
    case R_BACK:
        return let_go(R, op);
    case R_UNLOCKING:
        return pcl_page_step(P->lock) == PCL_MORE ? PCL_MORE : go(op, R_PUT_HELD);
    case R_PUT_HELD:
        P->put(P->arg, op->count);
        return go(op, R_BACK);
    case R_SLEEP:
        (void)begin_page(R, op, PCL_PAGE_LOCK, R_SLEEPING);
        /* fall through */
    case R_SLEEPING:
        return pcl_page_step(P->lock) == PCL_MORE ? PCL_MORE : slept(R, op);
    case R_PUT_BUSY:
        P->put(P->arg, f);
        return go(op, R_BACK);
    case R_PUT_KILLED:
        P->put(P->arg, f);
        return end(R, op, PCL_RANGE_KILLED);
    default:
        PCL_NEVER("no such step");
        return PCL_DONE;
    }
}

/* Whoever holds pages through a request has them locked. */
static bool resident_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct pcl_pages *P = R->pages;

    *why = "a page that a range holds is not locked, or another's";
    for (uint32_t i = 0; i < R->n_nodes; i++) {
        if (!R->node[i].used || R->node[i].inst != inst)
            continue;
        for (uint32_t f = R->node[i].link[0]; f != 0 && f != PCL_NONE; f = P->hold[f - 1].next)
            if (P->hold[f - 1].owner != R->node[i].owner + 1 || P->hold[f - 1].node != i ||
                P->hold[f - 1].role != R->role || !pcl_page_taken(P->lock, f - 1, PCL_PG_LOCKED))
                return false;
    }
    return true;
}

/* Each held folio is remembered by a pointer, in the account of the run (bytes_peak); the locks and
 * the waiters are the pages'. */
static void resident_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){0};
}

const struct pcl_range_lock_ops pcl_lock_resident = {
    .name = "resident",
    .summary = "the locks of all pages of the range that are present, held together",
    .source = "suggested on linux-mm and linux-fsdevel in September 2020 (Torvalds)",
    .props = PCL_PROP_COARSE | PCL_PROP_RESIDENT,
    .step = resident_step,
    .validate = resident_validate,
    .memory = resident_memory,
};
