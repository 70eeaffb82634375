/*
 * range-list: the exclusive list of Kogan, Dice and Issa (list_lock.h). Held ranges do not
 * overlap, so the list is in order of both ends, and a request that has come in has the lock.
 * Requests for shared use are exclusive like all others.
 *
 * Left out: the write of the own link before the CAS costs nothing, as its line has just been
 * written; nodes that no pool has come from the allocator for free.
 */
#include "list_lock.h"

static const struct pcl_lock_param_info params[] = {
    LIST_PARAMS,
    {NULL, 0, 0, 0, NULL},
};

static enum list_order order(const struct list_node *other, const struct pcl_range_node *mine)
{
    if (other->last < mine->start)
        return LIST_BEHIND;
    return other->start > mine->last ? LIST_BEFORE : LIST_BLOCKS;
}

static enum pcl_more inserted(struct list_call *c)
{
    c->n->held = true;
    return list_go(c, LIST_GRANTED);
}

static enum pcl_more downgrade(struct list_call *c)
{
    c->n->mode = PCL_SHARED; /* for those who count; the list knows no modes */
    return list_go(c, LIST_OVER);
}

static const struct list_rules rules = {
    .order = order, .inserted = inserted, .downgrade = downgrade};

static enum pcl_more range_list_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct list_call c = {R,     R->m, op, &R->node[op->node], pcl_range_state(R, op->inst),
                          &rules};

    return list_step(&c);
}

/* By sizeof: start, last, next 24, rcu_head 16, owner 8, queue of sleepers 16; a waiter has its
 * node and an entry of 40 on its stack. An inode: head and spinlock. */
static void range_list_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){.per_inode = 16,
                                    .per_held = 64,
                                    .per_waiter = 104,
                                    .per_inode_dbg = 72,
                                    .per_held_dbg = 64,
                                    .per_waiter_dbg = 104};
}

const struct pcl_range_lock_ops pcl_lock_range_list = {
    .name = "range-list",
    .summary = "sorted list without a lock: insert by one CAS, release by a mark; exclusive",
    .source = "Kogan, Dice, Issa: Scalable Range Locks, EuroSys 2020 (arXiv 2006.12144)",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_EXACT,
    .params = params,
    .state_size = sizeof(struct list_lock),
    .cell_size = sizeof(union list_cell),
    .init = list_init,
    .step = range_list_step,
    .validate = list_validate,
    .memory = range_list_memory,
};
