/*
 * A doubly linked queue of requests, through the first two links of their nodes. A request
 * stands in one queue at a time.
 */
#ifndef PCLSIM_LOCKS_NODE_QUEUE_H
#define PCLSIM_LOCKS_NODE_QUEUE_H

#include <pclsim/locks.h>

enum { QUEUE_NEXT = 0, QUEUE_PREV = 1 };

struct node_queue {
    uint32_t head, tail; /* nodes, PCL_NONE: empty */
    uint32_t len;
};

static inline void node_queue_init(struct node_queue *q)
{
    *q = (struct node_queue){PCL_NONE, PCL_NONE, 0};
}

static inline void node_queue_add(struct pcl_range_locks *R, struct node_queue *q,
                                  uint32_t node)
{
    struct pcl_range_node *n = &R->node[node];

    n->link[QUEUE_NEXT] = PCL_NONE;
    n->link[QUEUE_PREV] = q->tail;
    *(q->tail == PCL_NONE ? &q->head : &R->node[q->tail].link[QUEUE_NEXT]) = node;
    q->tail = node;
    q->len++;
}

/* Before another request of the queue; PCL_NONE: at the tail. */
static inline void node_queue_add_before(struct pcl_range_locks *R, struct node_queue *q,
                                         uint32_t node, uint32_t at)
{
    if (at == PCL_NONE) {
        node_queue_add(R, q, node);
        return;
    }
    struct pcl_range_node *n = &R->node[node], *next = &R->node[at];

    n->link[QUEUE_NEXT] = at;
    n->link[QUEUE_PREV] = next->link[QUEUE_PREV];
    *(n->link[QUEUE_PREV] == PCL_NONE ? &q->head : &R->node[n->link[QUEUE_PREV]].link[QUEUE_NEXT]) =
        node;
    next->link[QUEUE_PREV] = node;
    q->len++;
}

static inline void node_queue_remove(struct pcl_range_locks *R, struct node_queue *q,
                                     uint32_t node)
{
    struct pcl_range_node *n = &R->node[node];
    uint32_t next = n->link[QUEUE_NEXT], prev = n->link[QUEUE_PREV];

    *(prev == PCL_NONE ? &q->head : &R->node[prev].link[QUEUE_NEXT]) = next;
    *(next == PCL_NONE ? &q->tail : &R->node[next].link[QUEUE_PREV]) = prev;
    n->link[QUEUE_NEXT] = n->link[QUEUE_PREV] = PCL_NONE;
    q->len--;
}

/* True when the links agree with each other and with the length. */
static inline bool node_queue_valid(const struct pcl_range_locks *R, const struct node_queue *q)
{
    uint32_t prev = PCL_NONE, n = 0;

    for (uint32_t i = q->head; i != PCL_NONE; prev = i, i = R->node[i].link[QUEUE_NEXT])
        if (R->node[i].link[QUEUE_PREV] != prev || ++n > q->len)
            return false;
    return n == q->len && q->tail == prev;
}

#endif
