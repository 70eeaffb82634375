/*
 * A queue head for each page, for the locks that have one, grown on demand: who owns the page,
 * and a list of bodies that is linked through their wait-queue entries.
 */
#ifndef PCLSIM_LOCKS_PAGE_HEADS_H
#define PCLSIM_LOCKS_PAGE_HEADS_H

#include "wait_table.h"

static inline void heads_init(struct pcl_page_locks *L)
{
    if (L->m->state)
        pcl_state_register(L->m->state, (void **)&L->queue, sizeof(*L->queue), &L->n_queues);
}

static inline struct pcl_page_queue *head_of(struct pcl_page_locks *L, uint32_t folio)
{
    if (folio >= L->n_queues) {
        uint32_t n = L->n_queues ? L->n_queues : 64;

        while (n <= folio)
            n *= 2;
        L->queue = pcl_xrealloc(L->queue, n, sizeof(*L->queue));
        for (uint32_t i = L->n_queues; i < n; i++)
            L->queue[i] = (struct pcl_page_queue){PCL_NONE, PCL_NONE, PCL_NONE};
        L->n_queues = n;
    }
    return &L->queue[folio];
}

/* Puts the entry of a body at the end of a page's list. */
static inline void head_append(struct pcl_page_locks *L, struct pcl_page_queue *q, uint32_t e)
{
    L->waiter[e].next = PCL_NONE;
    L->waiter[e].prev = q->tail;
    *(q->tail == PCL_NONE ? &q->head : &L->waiter[q->tail].next) = e;
    q->tail = e;
}

static inline void head_remove(struct pcl_page_locks *L, struct pcl_page_queue *q, uint32_t e)
{
    uint32_t next = L->waiter[e].next, prev = L->waiter[e].prev;

    *(prev == PCL_NONE ? &q->head : &L->waiter[prev].next) = next;
    *(next == PCL_NONE ? &q->tail : &L->waiter[next].prev) = prev;
    L->waiter[e].next = L->waiter[e].prev = PCL_NONE;
}

/* The law of locks whose unlock serves the queue: nobody waits for a lock bit that is clear. The end of
 * write-back clears its bit a micro-step before it comes here. */
static inline bool heads_validate(const struct pcl_page_locks *L, const char **why)
{
    *why = "waiters on a free page";
    for (uint32_t f = 0; f < L->n_queues; f++)
        for (uint32_t e = L->queue[f].head; e != PCL_NONE; e = L->waiter[e].next)
            if (L->waiter[e].bit == PCL_PG_LOCKED && !((*L->flags)[f] & PCL_PG_LOCKED))
                return false;
    return true;
}

#endif
