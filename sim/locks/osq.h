/*
 * The queue of optimistic spinners (the kernel's osq_lock): the first in it spins on the lock
 * itself, each other one on a line of its own until its predecessor has left. Joining costs an
 * atomic on the lock's line. Whoever is in it has preemption off, and leaves when its CPU is
 * wanted.
 */
#ifndef PCLSIM_LOCKS_OSQ_H
#define PCLSIM_LOCKS_OSQ_H

#include "node_queue.h"

static inline pcl_line osq_line(const struct pcl_range_locks *R, uint32_t node)
{
    return PCL_LINE(LOCK, UINT64_C(1) << 48 | R->node[node].owner);
}

static inline void osq_join(struct pcl_range_locks *R, struct node_queue *q, uint32_t node,
                            pcl_line line)
{
    R->m->model[R->m->cur].spin_depth++; /* preempt_disable() */
    pcl_rmw(R->m, line);
    node_queue_add(R, q, node);
}

static inline bool osq_is_first(struct pcl_range_locks *R, const struct node_queue *q,
                                uint32_t node)
{
    pcl_load(R->m, osq_line(R, node));
    return q->head == node;
}

static inline void osq_leave(struct pcl_range_locks *R, struct node_queue *q, uint32_t node,
                             pcl_line line)
{
    uint32_t next = R->node[node].link[QUEUE_NEXT];

    if (next == PCL_NONE)
        pcl_rmw(R->m, line);
    else
        pcl_store(R->m, osq_line(R, next));
    node_queue_remove(R, q, node);
    if (next != PCL_NONE && q->head == next)
        pcl_notice(R->m, R->node[next].owner);
    R->m->model[R->m->cur].spin_depth--; /* preempt_enable() */
}

#endif
