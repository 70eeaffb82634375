/*
 * Range lock on a B-tree under one internal lock, after the prototypes that Dave Chinner tried
 * for the XFS IOLOCK in 2019. The tree holds the ranges that are held, no others, in wide nodes
 * (range_btree.h), so that it is shallow where a binary tree is deep; but every request and
 * every release takes the one lock, for ranges that have nothing to do with each other too.
 *
 * A request that conflicts sleeps in the list of the first holder it meets, in order of place
 * in the file, and tries again when that one is gone: no order of arrival, no chained blocking,
 * and nothing bounds how often it loses.
 *
 *   lock       with the lock: search for a conflict; none: insert. Else join that holder's list
 *   unlock     with the lock: take the range out, tell its waiters; then wake them
 *
 * The prototypes were not published as a whole and the mails on them do not say how requests
 * wait; that part is our own. The internal lock is a spinlock: a mutex whose owner keeps its
 * CPU is spun for in the same way.
 */
#include "range_btree.h"

static const struct pcl_lock_param_info params[] = {
    {"fan_out", BT_FAN_MAX, BT_FAN_MIN, BT_FAN_MAX, "entries of a node"},
    {NULL, 0, 0, 0, NULL},
};

enum bm_pc {
    START,
    ENTER,
    ENTERED,
    WAIT,
    SLEEP,
    ABORT,
    TAKE_OUT,
    DOWNGRADE,
    UNLOCK,
    WAKE,
    OVER = RANGE_PC_OVER
};

struct call {
    struct pcl_range_locks *R;
    struct pcl_range_op *op;
    struct pcl_range_node *n; /* the operation's request */
    struct bt_tree *t;
};

static enum pcl_more go(struct call *c, enum bm_pc pc)
{
    c->op->pc = (uint8_t)pc;
    return pc == OVER ? PCL_DONE : PCL_MORE;
}

static enum pcl_more lock_then(struct call *c, enum bm_pc pc)
{
    go(c, pc);
    pcl_spin_lock(c->R->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), false);
    return PCL_MORE;
}

static void unlock_now(struct call *c)
{
    pcl_spin_unlock(c->R->m, c->R->spin[c->op->inst], pcl_range_line(c->R, c->op->inst), false);
}

static enum pcl_more start(struct call *c)
{
    switch ((enum pcl_range_what)c->op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        return lock_then(c, ENTER);
    case PCL_RANGE_RELEASE:
        return lock_then(c, TAKE_OUT);
    case PCL_RANGE_DOWNGRADE:
        break;
    }
    return lock_then(c, DOWNGRADE);
}

static enum pcl_more enter(struct call *c)
{
    uint32_t holder = bt_conflict(c->R, c->t->root, c->op->node);

    if (holder == PCL_NONE) {
        c->n->held = true;
        bt_insert(c->R, c->t, c->op->node);
        return go(c, UNLOCK);
    }
    if (c->op->what == PCL_RANGE_TRY) {
        c->R->stats.trylock_failures++;
        c->op->result = PCL_RANGE_BUSY;
        pcl_range_end(c->R, c->op->node);
        return go(c, UNLOCK);
    }
    c->op->contended = true;
    holder_wait(c->R, c->op->node, holder);
    return go(c, ENTERED);
}

static enum pcl_more wait(struct call *c)
{
    range_awake(c->R, c->op);
    pcl_set_state(c->R->m, range_wait_state(c->op));
    pcl_load(c->R->m, range_waiter_line(c->R, c->op->node));
    if (waits_for_holder(c->n) && !range_killed(c->R, c->op))
        return go(c, SLEEP);
    wake_list_leave(c->R, c->op->node);
    pcl_set_state(c->R->m, PCL_TASK_RUNNING);
    return lock_then(c, waits_for_holder(c->n) ? ABORT : ENTER);
}

static enum pcl_more abort_wait(struct call *c)
{
    wake_list_leave(c->R, c->op->node);
    holder_wait_end(c->R, c->op->node);
    pcl_range_end(c->R, c->op->node);
    c->op->result = PCL_RANGE_KILLED;
    return go(c, UNLOCK);
}

static enum pcl_more take_out(struct call *c)
{
    bt_remove(c->R, c->t, c->n->start, c->op->node, false);
    holder_tell_all(c->R, c->op, c->op->node);
    pcl_range_end(c->R, c->op->node);
    return go(c, UNLOCK);
}

static enum pcl_more downgrade(struct call *c)
{
    uint32_t leaf = bt_leaf(c->R, c->t, c->n->start, c->op->node);

    bt_downgrade(c->R, leaf, bt_find(bt_at(c->R, leaf), c->n->start, c->op->node));
    c->n->mode = PCL_SHARED;
    holder_tell_all(c->R, c->op, c->op->node);
    return go(c, UNLOCK);
}

static enum pcl_more unlock_and_wake(struct call *c)
{
    if (c->op->pc == UNLOCK)
        unlock_now(c);
    else
        wake_list_wake(c->R, c->op);
    return go(c, wake_list_empty(c->op) ? OVER : WAKE);
}

static enum pcl_more bm_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct call c = {R, op, &R->node[op->node], pcl_range_state(R, op->inst)};

    switch ((enum bm_pc)op->pc) {
    case START:
        return start(&c);
    case ENTER:
        return enter(&c);
    case ENTERED:
        unlock_now(&c);
        return go(&c, WAIT);
    case WAIT:
        return wait(&c);
    case SLEEP:
        go(&c, WAIT);
        range_sleep(R, op);
        return PCL_MORE;
    case ABORT:
        return abort_wait(&c);
    case TAKE_OUT:
        return take_out(&c);
    case DOWNGRADE:
        return downgrade(&c);
    case UNLOCK:
    case WAKE:
        return unlock_and_wake(&c);
    case OVER:
        break;
    }
    PCL_ASSERT(op->pc != OVER);
    return PCL_DONE;
}

static void bm_init(struct pcl_range_locks *R, uint32_t inst)
{
    bt_init(R, pcl_range_state(R, inst));
}

static bool bm_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    return bt_valid(R, inst, pcl_range_state(R, inst), why) &&
           holder_waiters_valid(R, inst, why);
}

/* Per inode the lock, the root's address and an empty root node. Per range the record on its
 * owner's stack (start, last, mode, task, two list heads: 64) and an entry in nodes that are
 * two thirds full (36). */
static void bm_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    int64_t node = (int64_t)bt_offset((uint32_t)R->param[0]);

    *out = (struct pcl_lock_memory){.per_inode = 16 + node,
                                    .per_held = 100,
                                    .per_waiter = 64,
                                    .per_inode_dbg = 80 + node,
                                    .per_held_dbg = 100,
                                    .per_waiter_dbg = 64};
}

const struct pcl_range_lock_ops pcl_lock_btree_mutex = {
    .name = "btree-mutex",
    .summary = "B-tree of held ranges with wide nodes, under one lock",
    .source = "Dave Chinner, XFS prototypes, linux-fsdevel, April 2019; internals unverified",
    .props = PCL_PROP_STEALS | PCL_PROP_SHARED | PCL_PROP_EXACT,
    .params = params,
    .state_size = sizeof(struct bt_tree),
    .cell_size = sizeof(struct bt_node),
    .init = bm_init,
    .step = bm_step,
    .validate = bm_validate,
    .memory = bm_memory,
};
