/*
 * Requests that sleep until one held request is released, downgraded or gone, and then try
 * again: each holder has a list of its own. Whatever guards the holder's place in its structure
 * guards the list.
 *
 *   holder: link[FIRST_WAITER] --> waiter <--> waiter <--> waiter     a ring, in order of
 * arrival:
 *                                    ^-----------------------^        link[WAITER_NEXT,
 * WAITER_PREV] word[WAITS_FOR] of a waiter is the holder's node + 1; 0: it has been told to try
 *
 * All are woken at once and race for the range, so nobody depends on one of them: a waiter that
 * is killed passes nothing on.
 */
#ifndef PCLSIM_LOCKS_HOLDER_WAITERS_H
#define PCLSIM_LOCKS_HOLDER_WAITERS_H

#include "wake_list.h"

enum { WAITER_NEXT = 0, WAITER_PREV = 1, FIRST_WAITER = 5 }; /* wake_list.h has 2 to 4 */
enum { WAITS_FOR = 0 };

static inline bool waits_for_holder(const struct pcl_range_node *n)
{
    return n->word[WAITS_FOR] != 0;
}

static inline void holder_wait(struct pcl_range_locks *R, uint32_t node, uint32_t holder)
{
    struct pcl_range_node *n = &R->node[node];
    uint32_t first = R->node[holder].link[FIRST_WAITER];

    pcl_store(R->m, range_waiter_line(R, node));
    n->word[WAITS_FOR] = holder + UINT64_C(1);
    n->link[WAITER_NEXT] = n->link[WAITER_PREV] = node;
    if (first == PCL_NONE) {
        R->node[holder].link[FIRST_WAITER] = node;
        return;
    }
    n->link[WAITER_NEXT] = first;
    n->link[WAITER_PREV] = R->node[first].link[WAITER_PREV];
    R->node[n->link[WAITER_PREV]].link[WAITER_NEXT] = node;
    R->node[first].link[WAITER_PREV] = node;
}

/* The waiter leaves the list. */
static inline void holder_wait_end(struct pcl_range_locks *R, uint32_t node)
{
    struct pcl_range_node *n = &R->node[node];
    uint32_t next = n->link[WAITER_NEXT], prev = n->link[WAITER_PREV], *first;

    if (!waits_for_holder(n))
        return;
    first = &R->node[n->word[WAITS_FOR] - 1].link[FIRST_WAITER];
    if (*first == node)
        *first = next == node ? PCL_NONE : next;
    R->node[prev].link[WAITER_NEXT] = next;
    R->node[next].link[WAITER_PREV] = prev;
    n->word[WAITS_FOR] = 0;
    n->link[WAITER_NEXT] = n->link[WAITER_PREV] = PCL_NONE;
}

/* Tells all of a holder's waiters to try again; the running body will wake them. */
static inline void holder_tell_all(struct pcl_range_locks *R, struct pcl_range_op *op,
                                   uint32_t holder)
{
    uint32_t node;

    while ((node = R->node[holder].link[FIRST_WAITER]) != PCL_NONE) {
        pcl_store(R->m, range_waiter_line(R, node));
        holder_wait_end(R, node);
        wake_list_add(R, op, node);
    }
}

/* Every waiter stands in the list of somebody who holds; a sleeper that was told is on the way
 * to being woken. */
static inline bool holder_waiters_valid(const struct pcl_range_locks *R, uint32_t inst,
                                        const char **why)
{
    for (uint32_t i = 0; i < R->n_nodes; i++) {
        const struct pcl_range_node *n = &R->node[i];
        uint32_t at;

        if (!n->used || n->inst != inst || n->held)
            continue;
        if (!waits_for_holder(n)) {
            bool asleep = R->op[n->owner].node == i && (R->op[n->owner].flags & RANGE_SLEPT) &&
                          R->m->model[n->owner].run == PCL_RUN_ASLEEP;

            if (!range_law(!asleep || wake_list_has(n),
                           "a request sleeps for nobody and nobody will wake it", why))
                return false;
            continue;
        }
        const struct pcl_range_node *h = &R->node[n->word[WAITS_FOR] - 1];

        at = h->link[FIRST_WAITER];
        while (at != i && at != PCL_NONE) {
            at = R->node[at].link[WAITER_NEXT];
            at = at == h->link[FIRST_WAITER] ? PCL_NONE : at;
        }
        if (!range_law(h->used && h->held && h->inst == inst,
                       "a request waits for a free range", why) ||
            !range_law(at == i, "a waiter is not in its holder's list", why))
            return false;
    }
    return true;
}

#endif
