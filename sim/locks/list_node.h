/*
 * The node of a list-based range lock: one cache line with a range, the link to the next node,
 * and what the link says of its own node.
 */
#ifndef PCLSIM_LOCKS_LIST_NODE_H
#define PCLSIM_LOCKS_LIST_NODE_H

#include "cell_pool.h"
#include "node_queue.h"

/* A link: number of a node << 2, and what is the case with the node that the link stands in. */
#define LIST_MARK UINT64_C(1)  /* released; in the head of a list: the only node, held */
#define LIST_SLEEP UINT64_C(2) /* somebody sleeps until the node is released */
#define LIST_BITS (LIST_MARK | LIST_SLEEP)

struct list_node {
    struct pool_node pool;
    int64_t start, last;
    uint64_t next;           /* link */
    uint32_t owner;          /* body */
    struct node_queue sleep; /* requests that sleep until it is released, under the spinlock */
    struct node_queue
        watch; /* those that spin on next: whom the machine must tell of a change */
    uint8_t mode, pad[3];
};

union list_cell {
    struct list_node node;
    struct pool_task task;
};

static inline struct list_node *list_node(const struct pcl_range_locks *R, uint32_t i)
{
    PCL_ASSERT(i > R->n_bodies && i < R->n_cells);
    return pcl_range_cell(R, i);
}

static inline uint32_t list_at(uint64_t link)
{
    return (uint32_t)(link >> 2);
}

#endif
