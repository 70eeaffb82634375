/*
 * mcs-page (idea): a queued lock in each page. Waiters stand in the order of their arrival,
 * each spins on a line of its own, and the unlock hands the page to the first; who has spun
 * long enough, or whose CPU is wanted, sleeps in its place. Nobody steals; a page held across
 * I/O costs each waiter its spinning time, and a hand-off to a sleeper its wake-up.
 *
 *   queue[folio]: owner, head .. tail through the entries; of a page it takes 8 bytes, the tail
 */
#include "page_heads.h"
#include "page_wait.h"

enum { P_SPIN };

static const struct pcl_lock_param_info params[] = {
    {"spin_ns", 20000, 0, 1000000000, "how long a waiter spins before it sleeps in its place"},
    {0},
};

/*
 * lock:    one atomic: bit clear -> set it, done; else join the queue; not preemptible
 *          spin: told -> done. Time over, or CPU wanted -> preemptible again; doze
 *                spin on the own entry; spin again
 *          doze: say in the entry that a wake-up is needed; say that this task sleeps
 *                told -> done; a fatal signal -> leave the queue; else sleep; doze
 * wait:    the same, with the bit looked at; DROP gives its reference away when it has joined
 * unlock:  one atomic: nobody waits -> clear the bit
 *          else first waiter: take it out and tell it in its entry; wake it if it needs that
 *          it wants to own the page -> done, the bit stays set; else go to unlock
 *
 * In a real queue a waiter's swap and its link to its predecessor are two steps, and a killed
 * waiter cannot leave from the middle; here both are one.
 */
enum { START, SPIN, DOZE, LOOK, SLEEP, LEAVE, TELL, WAKE };

enum { NEEDS_WAKE = PCL_W_HANDOFF, MCS_TAIL_BYTES = 8, MCS_NODE_BYTES = 32 };

static void take_out(struct pcl_page_locks *L, struct pcl_page_queue *q, uint32_t e)
{
    head_remove(L, q, e);
    L->waiter[e].queued = 0;
    pcl_note_awake(&L->stats);
}

static enum pcl_more join(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_machine *m = L->m;

    L->waiter[m->cur] =
        (struct pcl_waiter){.folio = op->folio, .bit = op->bit, .kind = op->what, .queued = 1};
    head_append(L, head_of(L, op->folio), m->cur);
    op->contended = 1;
    pcl_note_sleep(&L->stats);
    pcl_transition(&m->eng, PCL_TR_BLOCK, m->cur, op->pfn);
    if (op->what == PCL_PAGE_WAIT_DROP && L->drop)
        L->drop(L->pfn_arg, op->folio);
    pcl_stamp(m);
    m->model[m->cur].spin_depth++; /* preempt_disable() */
    op->pc = SPIN;
    return PCL_MORE;
}

static enum pcl_more spin(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_machine *m = L->m;

    pcl_load(m, PCL_LINE(WAITER, m->cur));
    if (L->waiter[m->cur].flags & PCL_W_WOKEN) {
        m->model[m->cur].spin_depth--;
        return PCL_DONE;
    }
    if (pcl_need_resched(m) || pcl_expired(m, m->cur, L->param[P_SPIN])) {
        m->model[m->cur].spin_depth--; /* preempt_enable() */
        op->pc = DOZE;
    } else {
        pcl_watch(m, PCL_NONE, m->task[m->cur].stamp + L->param[P_SPIN] - pcl_now(m));
    }
    return PCL_MORE;
}

static enum pcl_more doze(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_machine *m = L->m;

    pcl_rmw(m, PCL_LINE(WAITER, m->cur));
    L->waiter[m->cur].flags |= NEEDS_WAKE;
    pcl_set_state(m, op->killable ? PCL_TASK_KILLABLE : PCL_TASK_UNINTERRUPTIBLE);
    op->pc = LOOK;
    return PCL_MORE;
}

static enum pcl_more look(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_machine *m = L->m;

    pcl_load(m, PCL_LINE(WAITER, m->cur));
    op->pc = SLEEP;
    if (L->waiter[m->cur].flags & PCL_W_WOKEN) {
        pcl_set_state(m, PCL_TASK_RUNNING);
        return PCL_DONE;
    }
    if (pw_killed(L, op)) {
        pcl_set_state(m, PCL_TASK_RUNNING);
        op->pc = LEAVE;
    }
    return PCL_MORE;
}

/* A signal: unless it has been told meanwhile, the waiter is not served any more. */
static enum pcl_more leave(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    pcl_rmw(L->m, wt_folio_line(op));
    if (L->waiter[L->m->cur].flags & PCL_W_WOKEN)
        return PCL_DONE;
    take_out(L, head_of(L, op->folio), L->m->cur);
    op->result = PCL_PAGE_KILLED;
    return PCL_DONE;
}

static enum pcl_more unlock(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_page_queue *q = head_of(L, op->folio);

    pcl_rmw(L->m, wt_folio_line(op));
    if (op->bit == PCL_PG_LOCKED)
        q->owner = PCL_NONE;
    for (op->cursor = q->head; op->cursor != PCL_NONE; op->cursor = L->waiter[op->cursor].next)
        if (L->waiter[op->cursor].bit == op->bit) {
            op->pc = TELL;
            return PCL_MORE;
        }
    wt_clear(L, op);
    return PCL_DONE;
}

/* The first waiter may have left meanwhile: then it is somebody else's turn. */
static enum pcl_more tell(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[op->cursor];
    struct pcl_page_queue *q = head_of(L, op->folio);

    op->pc = START;
    if (!w->queued || w->folio != op->folio || w->bit != op->bit)
        return PCL_MORE;
    pcl_rmw(L->m, PCL_LINE(WAITER, op->cursor));
    take_out(L, q, op->cursor);
    if (w->kind == PCL_PAGE_LOCK) {
        q->owner = op->cursor;
        L->stats.handoffs++;
    }
    op->scratch = w->flags & NEEDS_WAKE;
    op->matched = w->kind == PCL_PAGE_LOCK;
    w->flags |= PCL_W_WOKEN;
    pcl_transition(&L->m->eng, PCL_TR_WAKE, op->cursor, op->pfn);
    op->pc = WAKE;
    return PCL_MORE;
}

static enum pcl_more wake(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->scratch)
        pcl_wake(L->m, op->cursor);
    else
        pcl_notice(L->m, op->cursor);
    op->pc = START;
    return op->matched ? PCL_DONE : PCL_MORE;
}

static enum pcl_more start(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_page_queue *q = head_of(L, op->folio);

    if (op->what == PCL_PAGE_UNLOCK)
        return unlock(L, op);
    if (pw_try(L, op, SPIN) == PCL_MORE)
        return join(L, op);
    if (pw_exclusive(op) && op->result == PCL_PAGE_GOT)
        q->owner = L->m->cur;
    return PCL_DONE;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    switch (op->pc) {
    case START:
        return start(L, op);
    case SPIN:
        return spin(L, op);
    case DOZE:
        return doze(L, op);
    case LOOK:
        return look(L, op);
    case SLEEP:
        op->pc = DOZE;
        pcl_schedule(L->m);
        return PCL_MORE;
    case LEAVE:
        return leave(L, op);
    case TELL:
        return tell(L, op);
    default:
        return wake(L, op);
    }
}

static void memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    (void)L;
    *out = (struct pcl_lock_memory){.per_page = MCS_TAIL_BYTES,
                                    .per_waiter = MCS_NODE_BYTES,
                                    .per_page_dbg = MCS_TAIL_BYTES,
                                    .per_waiter_dbg = MCS_NODE_BYTES};
}

const struct pcl_page_lock_ops pcl_lock_mcs_page = {
    .name = "mcs-page",
    .summary = "a queued lock in each page: spin in place, then sleep in place (idea)",
    .source = "idea: Mellor-Crummey and Scott's lock for each page; no kernel",
    .props = PCL_PROP_FIFO | PCL_PROP_SPINS,
    .params = params,
    .init = heads_init,
    .step = step,
    .validate = heads_validate,
    .memory = memory,
};
