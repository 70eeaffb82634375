/*
 * Range lock on one list, strict first come first served (FreeBSD's classic kern_rangelock, 2009):
 * a spinning mutex guards the requests of an inode, and a pointer names the first that is blocked.
 *
 *   granted writers | granted readers | waiting, in order of arrival
 *   [0,9]w  [40,49]w  [20,29]r  [20,25]r  [5,14]w  [90,99]r
 *                                         ^ first_blocked
 *
 * A release looks at first_blocked again, and as long as a request conflicts with nothing that
 * is granted it is granted, a writer moving to the front. At the first that still conflicts it
 * stops: [90,99] waits behind [5,14] although nobody is near it. That is the price of a rule
 * that needs no counts, and it is worse than the interval tree's chained blocking.
 *
 * A reader is compared with the granted writers, a writer with everything granted: O(n), all of
 * it with the mutex held. Each thread keeps one entry for its next request, so an entry is on a
 * line of its own. wakeup() is called with the mutex held.
 *
 * The source knows no signals and no downgrade; here a killed waiter leaves and the list is looked
 * at again, and a downgraded writer goes behind the granted ones.
 */
#include "node_queue.h"
#include "wake_list.h"

struct fifo_list {
    struct node_queue list;
    uint32_t first_blocked; /* PCL_NONE: nobody waits */
};

enum fl_pc {
    START,
    ENTER,
    LEAVE,
    DOWNGRADE,
    WAKE_UNLOCK,
    WAIT,
    SLEEP,
    ABORT_LOCK,
    ABORT,
    OVER = RANGE_PC_OVER
};

struct call {
    struct pcl_range_locks *R;
    struct pcl_machine *m;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct fifo_list *s;
};

static enum pcl_more go(struct call *c, enum fl_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static pcl_line entry_line(const struct pcl_range_locks *R, uint32_t node)
{
    return PCL_LINE(NODE, (uint64_t)R->role << 40 | node);
}

static void visit(struct call *c, uint32_t node)
{
    pcl_load(c->m, entry_line(c->R, node));
    pcl_burn(c->m, c->m->p->list_visit);
}

static enum pcl_more lock_then(struct call *c, enum fl_pc pc)
{
    go(c, pc);
    pcl_spin_lock(c->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), false);
    return PCL_MORE;
}

/* --- the list ---------------------------------------------------------------------------- */

/* Does request i, all before it granted, overlap one that it may not overlap? */
static bool blocked(struct call *c, uint32_t i)
{
    const struct pcl_range_node *node = c->R->node;
    bool reads = node[i].mode == PCL_SHARED;

    for (uint32_t k = c->s->list.head; k != i; k = node[k].link[QUEUE_NEXT]) {
        visit(c, k);
        if (reads && node[k].mode == PCL_SHARED)
            return false; /* behind the granted writers */
        if (pcl_range_overlap(&node[k], &node[i]))
            return true;
    }
    return false;
}

static void grant(struct call *c, uint32_t i)
{
    struct pcl_range_node *n = &c->R->node[i];

    pcl_store(c->m, entry_line(c->R, i));
    if (n->mode == PCL_EXCLUSIVE) {
        node_queue_remove(c->R, &c->s->list, i);
        node_queue_add_before(c->R, &c->s->list, i, c->s->list.head);
    }
    n->held = true;
    if (i != c->op->node)
        wake_list_add(c->R, c->op, i);
}

/* Grants from the first that was blocked on, up to the first that still is. */
static void look_again(struct call *c)
{
    uint32_t i = c->s->first_blocked, next;

    for (; i != PCL_NONE; i = next) {
        next = c->R->node[i].link[QUEUE_NEXT];
        visit(c, i);
        if (blocked(c, i))
            break;
        grant(c, i);
    }
    c->s->first_blocked = i;
}

static void take_out(struct call *c)
{
    if (c->s->first_blocked == c->op->node)
        c->s->first_blocked = c->n->link[QUEUE_NEXT];
    node_queue_remove(c->R, &c->s->list, c->op->node);
}

/* --- operations -------------------------------------------------------------------------- */

static enum pcl_more start(struct call *c)
{
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        return lock_then(c, ENTER);
    case PCL_RANGE_RELEASE:
        return lock_then(c, LEAVE);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    return lock_then(c, DOWNGRADE);
}

/* With the mutex: at the tail, then a look whether it, or whoever waits before it, may go. */
static enum pcl_more enter(struct call *c)
{
    if (c->s->list.tail != PCL_NONE)
        pcl_store(c->m, entry_line(c->R, c->s->list.tail));
    node_queue_add(c->R, &c->s->list, c->op->node);
    if (c->s->first_blocked == PCL_NONE)
        c->s->first_blocked = c->op->node;
    look_again(c);
    if (!c->n->held && c->op->what == PCL_RANGE_TRY) {
        take_out(c);
        c->R->stats.trylock_failures++;
        pcl_range_end(c->R, c->op->node);
        c->op->result = PCL_RANGE_BUSY;
    } else {
        c->op->contended = !c->n->held;
    }
    return go(c, WAKE_UNLOCK);
}

static enum pcl_more leave(struct call *c)
{
    take_out(c);
    pcl_range_end(c->R, c->op->node);
    look_again(c);
    return go(c, WAKE_UNLOCK);
}

static enum pcl_more downgrade(struct call *c)
{
    node_queue_remove(c->R, &c->s->list, c->op->node);
    node_queue_add_before(c->R, &c->s->list, c->op->node, c->s->first_blocked);
    c->n->mode = PCL_SHARED;
    look_again(c);
    return go(c, WAKE_UNLOCK);
}

static enum pcl_more wake(struct call *c)
{
    wake_list_wake(c->R, c->op);
    return PCL_MORE;
}

static enum pcl_more unlock(struct call *c)
{
    bool waits = c->op->what == PCL_RANGE_ACQUIRE && c->op->contended &&
                 c->op->result == PCL_RANGE_GOT;

    pcl_spin_unlock(c->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), false);
    return go(c, waits ? WAIT : OVER);
}

static enum pcl_more wait(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->m, range_wait_state(c->op));
    pcl_load(c->m, entry_line(c->R, c->op->node));
    if (!c->n->held)
        return go(c, range_killed(c->R, c->op) ? ABORT_LOCK : SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    return go(c, OVER);
}

static enum pcl_more abort_wait(struct call *c)
{
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->m, PCL_TASK_RUNNING);
    if (c->n->held) /* granted meanwhile: WAIT finds that */
        return go(c, WAKE_UNLOCK);
    c->op->result = PCL_RANGE_KILLED;
    return leave(c);
}

static enum pcl_more fl_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct call c = {R, R->m, op, &R->node[op->node], pcl_range_state(R, op->inst)};

    switch ((enum fl_pc)op->pc) {
    case START:
        return start(&c);
    case ENTER:
        return enter(&c);
    case LEAVE:
        return leave(&c);
    case DOWNGRADE:
        return downgrade(&c);
    case WAKE_UNLOCK:
        return wake_list_empty(op) ? unlock(&c) : wake(&c);
    case WAIT:
        return wait(&c);
    case SLEEP:
        go(&c, WAIT);
        range_sleep(R, op);
        return PCL_MORE;
    case ABORT_LOCK:
        return lock_then(&c, ABORT);
    case ABORT:
        return abort_wait(&c);
    case OVER:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

static void fl_init(struct pcl_range_locks *R, uint32_t inst)
{
    struct fifo_list *s = pcl_range_state(R, inst);

    node_queue_init(&s->list);
    s->first_blocked = PCL_NONE;
}

/* --- laws -------------------------------------------------------------------------------- */

static bool fl_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct fifo_list *s = pcl_range_state(R, inst);
    const struct pcl_range_node *node = R->node;
    bool waiting = false, reading = false, stopped = s->first_blocked == PCL_NONE;

    if (!range_law(node_queue_valid(R, &s->list), "the list is broken", why))
        return false;
    for (uint32_t i = s->list.head; i != PCL_NONE; i = node[i].link[QUEUE_NEXT]) {
        waiting |= i == s->first_blocked;
        reading |= node[i].mode == PCL_SHARED;
        if (!range_law(node[i].used && node[i].inst == inst, "an entry is no request", why) ||
            !range_law(node[i].held == !waiting, "first_blocked is not the first", why) ||
            !range_law(waiting || !reading || node[i].mode == PCL_SHARED,
                       "a granted writer stands behind a reader", why))
            return false;
        for (uint32_t k = s->list.head; k != i; k = node[k].link[QUEUE_NEXT]) {
            bool clash = pcl_range_conflict(&node[k], &node[i]);

            if (!range_law(waiting || !clash, "two that conflict are granted", why))
                return false;
            stopped |= i == s->first_blocked && clash;
        }
        bool asleep = R->op[node[i].owner].node == i &&
                      R->m->model[node[i].owner].run == PCL_RUN_ASLEEP;

        if (!range_law(waiting || !asleep || R->op[node[i].owner].pc != WAIT ||
                           wake_list_has(&node[i]),
                       "a granted request sleeps and nobody will wake it", why))
            return false;
    }
    return range_law(stopped, "the first that waits could go", why);
}

static void fl_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){.per_inode = 24,
                                    .per_held = 40,
                                    .per_waiter = 40,
                                    .per_inode_dbg = 24,
                                    .per_held_dbg = 40,
                                    .per_waiter_dbg = 40};
}

const struct pcl_range_lock_ops pcl_lock_fifo_list = {
    .name = "fifo-list",
    .summary = "requests in one list under a mutex, strictly first come first served",
    .source = "FreeBSD, sys/kern/kern_rangelock.c, 2009 design",
    .props = PCL_PROP_FIFO | PCL_PROP_SHARED | PCL_PROP_EXACT | PCL_PROP_BOUNDED,
    .state_size = sizeof(struct fifo_list),
    .init = fl_init,
    .step = fl_step,
    .validate = fl_validate,
    .memory = fl_memory,
};
