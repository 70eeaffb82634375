/*
 * Requests to be woken once the lock's internal spinlock has been dropped: the kernel's wake_q.
 * The list hangs at the waker's frame (op->cursor is its first node, PCL_NONE from the begin of
 * the operation on) and is a ring, so that the last node is the first one's predecessor:
 *
 *   op->cursor --> node <--> node <--> node      link[WAKE_NEXT], link[WAKE_PREV]
 *                    ^-------------------^       link[WAKE_BY]: the waker; PCL_NONE: none
 *
 * A node is on one list at most, as a task has one wake_q link: a second waker leaves it to the
 * first. In the kernel a task that finds itself served before its wake comes stays on the list
 * and is woken for nothing; here it takes itself off, because its node is used again.
 */
#ifndef PCLSIM_LOCKS_WAKE_LIST_H
#define PCLSIM_LOCKS_WAKE_LIST_H

#include "range_common.h"

enum { WAKE_NEXT = 2, WAKE_PREV = 3, WAKE_BY = 4 };

static inline bool wake_list_has(const struct pcl_range_node *n)
{
    return n->link[WAKE_BY] != PCL_NONE;
}

static inline bool wake_list_empty(const struct pcl_range_op *op)
{
    return op->cursor == PCL_NONE;
}

/* Appends a request to the running body's list. */
static inline void wake_list_add(struct pcl_range_locks *R, struct pcl_range_op *op,
                                 uint32_t node)
{
    struct pcl_range_node *n = &R->node[node];

    if (wake_list_has(n))
        return;
    n->link[WAKE_BY] = R->m->cur;
    pcl_chosen(R->m, n->owner);
    if (op->cursor == PCL_NONE) {
        n->link[WAKE_NEXT] = n->link[WAKE_PREV] = node;
        op->cursor = node;
        return;
    }
    struct pcl_range_node *first = &R->node[op->cursor];

    n->link[WAKE_NEXT] = op->cursor;
    n->link[WAKE_PREV] = first->link[WAKE_PREV];
    R->node[first->link[WAKE_PREV]].link[WAKE_NEXT] = node;
    first->link[WAKE_PREV] = node;
}

/* Takes a request off whatever list it is on. */
static inline void wake_list_leave(struct pcl_range_locks *R, uint32_t node)
{
    struct pcl_range_node *n = &R->node[node];

    if (!wake_list_has(n))
        return;
    struct pcl_range_op *op = &R->op[n->link[WAKE_BY]];

    if (op->cursor == node)
        op->cursor = n->link[WAKE_NEXT] == node ? PCL_NONE : n->link[WAKE_NEXT];
    R->node[n->link[WAKE_PREV]].link[WAKE_NEXT] = n->link[WAKE_NEXT];
    R->node[n->link[WAKE_NEXT]].link[WAKE_PREV] = n->link[WAKE_PREV];
    n->link[WAKE_NEXT] = n->link[WAKE_PREV] = 0; /* equal states look equal to the explorer */
    n->link[WAKE_BY] = PCL_NONE;
}

/* One micro-step of waking: the first request of the list, if it has not taken itself off. */
static inline void wake_list_wake(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    uint32_t node = op->cursor, body;

    if (node == PCL_NONE)
        return;
    body = R->node[node].owner;
    wake_list_leave(R, node);
    if (pcl_wake(R->m, body))
        pcl_transition(&R->m->eng, PCL_TR_WAKE, body, range_object(R, op->inst));
}

#endif
