/*
 * spin-sleep (idea): before a task sleeps it spins for a while, looking at the bit. Holds of a
 * few hundred nanoseconds then cost no context switch; holds across I/O waste the time spun. A
 * page lock has no owner to watch; with owner=1 each page records its last locker, and a task
 * spins only while that one is on a CPU. After the spinning as folio.
 */
#include "hybrid.h"
#include "page_heads.h"

enum { P_SPIN, P_OWNER, P_UNFAIRNESS, P_BITS };

static const struct pcl_lock_param_info params[] = {
    {"spin_ns", 10000, 0, 1000000000, "how long a task spins before it sleeps; 0 not at all"},
    {"owner", 0, 0, 1, "1: pages record their locker; spin only while it is on a CPU"},
    {"unfairness", 5, 0, 1000000,
     "races that a sleeper may lose before the lock is handed to it"},
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    try the bit; else note the time, and, not preemptible,
 *          look: the bit is clear -> try; got it -> done; else look again
 *                the time is over, the CPU is wanted, or (owner) the locker is not on a CPU ->
 *                wait as in folio
 *                spin until the page is unlocked or one of these is so; look again
 *          whoever gets the bit writes its name into the page (owner)
 * wait:    as in folio: nobody spins to see a bit clear
 * unlock:  as in folio; those who spin see the bit go, all at once
 */
enum { TRY, LOOK, GRAB };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
    heads_init(L);
}

static enum pcl_more spin(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    L->m->model[L->m->cur].spin_depth++; /* preempt_disable() */
    pcl_stamp(L->m);
    op->contended = 1;
    head_append(L, head_of(L, op->folio), L->m->cur);
    op->pc = LOOK;
    return PCL_MORE;
}

static void spin_no_more(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    head_remove(L, head_of(L, op->folio), L->m->cur);
    L->m->model[L->m->cur].spin_depth--; /* preempt_enable() */
}

static bool worth_it(struct pcl_page_locks *L, uint32_t owner)
{
    if (pcl_need_resched(L->m) || pcl_expired(L->m, L->m->cur, L->param[P_SPIN]))
        return false;
    return !L->param[P_OWNER] || (owner != PCL_NONE && pcl_on_cpu(L->m, owner));
}

static enum pcl_more look(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    uint32_t owner = L->param[P_OWNER] ? head_of(L, op->folio)->owner : PCL_NONE;

    pcl_load(L->m, wt_folio_line(op));
    if (!wt_bit_set(L, op)) {
        op->pc = GRAB;
    } else if (!worth_it(L, owner)) {
        spin_no_more(L, op);
        op->pc = HYBRID_REPEAT;
    } else {
        pcl_watch(L->m, owner, L->m->task[L->m->cur].stamp + L->param[P_SPIN] - pcl_now(L->m));
    }
    return PCL_MORE;
}

static enum pcl_more grab(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    op->pc = LOOK;
    if (!pw_satisfied(L, op))
        return PCL_MORE;
    spin_no_more(L, op);
    return PCL_DONE;
}

/* The bit is clear from here on: nobody's page, and every spinner sees it. */
static enum pcl_more unlock(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_page_queue *q = head_of(L, op->folio);
    enum pcl_more more = pw_unlock(L, op);

    if (op->bit == PCL_PG_LOCKED) {
        q->owner = PCL_NONE;
        for (uint32_t e = q->head; e != PCL_NONE; e = L->waiter[e].next)
            pcl_notice(L->m, e);
    }
    return more;
}

static enum pcl_more lock_step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    switch (op->pc) {
    case TRY:
        if (hybrid_start(L, op, L->param[P_UNFAIRNESS]) == PCL_DONE)
            return PCL_DONE;
        return op->what == PCL_PAGE_LOCK && L->param[P_SPIN] ? spin(L, op) : PCL_MORE;
    case LOOK:
        return look(L, op);
    case GRAB:
        return grab(L, op);
    default:
        return hybrid_wait(L, op);
    }
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, hybrid_match, 0);
    if (op->what == PCL_PAGE_UNLOCK)
        return unlock(L, op);
    struct pcl_page_queue *q = head_of(L, op->folio);

    if (lock_step(L, op) == PCL_MORE)
        return PCL_MORE;
    if (pw_exclusive(op) && op->result == PCL_PAGE_GOT)
        q->owner = L->m->cur; /* on the line that it has just written */
    return PCL_DONE;
}

static void memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    wt_memory(L, out);
    if (L->param[P_OWNER])
        out->per_page = out->per_page_dbg = 8;
}

const struct pcl_page_lock_ops pcl_lock_spin_sleep = {
    .name = "spin-sleep",
    .summary = "as folio, after spinning for a while, beside a running owner or not (idea)",
    .source = "idea: limited optimistic spinning on the page lock; no kernel",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_BOUNDED,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = memory,
};
