/*
 * fifo: a plain first-come-first-served lock per page, as textbooks have it; no kernel does
 * this. It is the reference of the analytic cases: queue and sleep are one step, the release
 * makes the first waiter the owner.
 *
 *   queue[folio].owner   body that owns the lock bit, PCL_NONE
 *   queue[folio].head    waiters in arrival order, linked through their entries
 */
#include "page_heads.h"

enum { START, GRANTED };

static void append(struct pcl_page_locks *L, struct pcl_page_op *op, struct pcl_page_queue *q)
{
    uint32_t me = L->m->cur;

    L->waiter[me] =
        (struct pcl_waiter){.folio = op->folio, .bit = op->bit, .kind = op->what, .queued = 1};
    head_append(L, q, me);
    op->contended = 1;
    pcl_note_sleep(&L->stats);
    pcl_transition(&L->m->eng, PCL_TR_BLOCK, me, op->pfn);
}

static void take_out(struct pcl_page_locks *L, struct pcl_page_queue *q, uint32_t e)
{
    struct pcl_waiter *w = &L->waiter[e];

    head_remove(L, q, e);
    w->queued = 0;
    w->flags = PCL_W_WOKEN;
    pcl_note_awake(&L->stats);
    pcl_transition(&L->m->eng, PCL_TR_WAKE, e, L->pfn(L->pfn_arg, w->folio));
    pcl_wake(L->m, e);
}

/* Serves the queue from its head: everybody who waits for op's bit to clear, up to and
 * including the first who wants to own it. */
static void serve(struct pcl_page_locks *L, struct pcl_page_op *op, struct pcl_page_queue *q)
{
    for (uint32_t e = q->head, next; e != PCL_NONE; e = next) {
        next = L->waiter[e].next;
        if (L->waiter[e].bit != op->bit)
            continue;
        bool owns = L->waiter[e].kind == PCL_PAGE_LOCK;

        if (owns) {
            *wt_flags(L, op) |= op->bit;
            if (op->bit == PCL_PG_LOCKED)
                q->owner = e;
            L->stats.handoffs++;
        }
        take_out(L, q, e);
        if (owns)
            break;
    }
}

static enum pcl_more start(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_page_queue *q = head_of(L, op->folio);

    pcl_rmw(L->m, wt_folio_line(op));
    op->result = PCL_PAGE_GOT;
    if (op->what == PCL_PAGE_UNLOCK) {
        wt_clear(L, op);
        if (op->bit == PCL_PG_LOCKED)
            q->owner = PCL_NONE;
        if (q->head != PCL_NONE)
            serve(L, op, q);
        return PCL_DONE;
    }
    if (!wt_bit_set(L, op)) {
        if (op->what == PCL_PAGE_LOCK || op->what == PCL_PAGE_TRYLOCK) {
            *wt_flags(L, op) |= op->bit;
            q->owner = L->m->cur;
        }
        return PCL_DONE;
    }
    if (op->what == PCL_PAGE_TRYLOCK) {
        L->stats.trylock_failures++;
        op->result = PCL_PAGE_BUSY;
        return PCL_DONE;
    }
    append(L, op, q);
    if (op->what == PCL_PAGE_WAIT_DROP && L->drop)
        L->drop(L->pfn_arg, op->folio);
    pcl_set_state(L->m, op->killable ? PCL_TASK_KILLABLE : PCL_TASK_UNINTERRUPTIBLE);
    op->pc = GRANTED;
    pcl_schedule(L->m);
    return PCL_MORE;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc == START)
        return start(L, op);
    struct pcl_waiter *w = &L->waiter[L->m->cur];

    if (w->queued) { /* a signal woke it */
        take_out(L, head_of(L, w->folio), L->m->cur);
        op->result = PCL_PAGE_KILLED;
    }
    return PCL_DONE;
}

static void memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    (void)L;
    *out = (struct pcl_lock_memory){
        .per_page = 24, .per_waiter = 56, .per_page_dbg = 80, .per_waiter_dbg = 56};
}

const struct pcl_page_lock_ops pcl_lock_fifo = {
    .name = "fifo",
    .summary = "first come, first served; the textbook's lock",
    .source = "reference for the analytic cases; no kernel",
    .props = PCL_PROP_FIFO,
    .init = heads_init,
    .step = step,
    .validate = heads_validate,
    .memory = memory,
};
