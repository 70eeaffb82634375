/*
 * Nodes that others may still look at when they have been unlinked, and when they may be used
 * again: whoever unlinks a node keeps it until every task has been seen outside of the
 * structure.
 *
 *   each task   epoch     odd: inside, may stand on nodes that others unlink
 *               free      may be used at once
 *               retired   unlinked by this task; `batch` of them make a batch
 *               aging     the batch that waits: the task goes from one task to the next and
 *                         passes it when it is outside, or has been since the first look at it
 *
 * The scan goes on whenever the task wants a node, and never waits: while it is stuck, nodes
 * come fresh from the allocator (which costs nothing here but the node's line). The lists'
 * paper waits instead, which deadlocks as soon as a task holds one range while it asks for
 * another. A kernel would leave all of this to RCU.
 *
 * Nodes and task records are the cells of the role: cell 0 is no node, cells 1 to n_bodies are
 * the tasks' records, the rest are nodes, each of which begins with a struct pool_node.
 */
#ifndef PCLSIM_LOCKS_CELL_POOL_H
#define PCLSIM_LOCKS_CELL_POOL_H

#include <string.h>

#include "range_common.h"

enum pool_use {
    POOL_FREE,
    POOL_OWN, /* a request's own, nobody else knows it */
    POOL_IN,  /* in the structure */
    POOL_RETIRED
};

struct pool_node {
    uint32_t chain; /* next of a task's free, retired or aging ones */
    uint8_t use, pad[3];
};

struct pool_task {
    uint32_t epoch, seen; /* seen: of the task at `at`, when it was first found inside */
    uint32_t free, retired, aging, n_retired;
    uint32_t at;                   /* the scan's place */
    uint8_t stuck, looked, pad[2]; /* found `at` inside; has just looked */
};

enum {
    POOL_EXPLORED = 4
}; /* nodes of a task in the explorer: no more can be made on the way */

static inline struct pool_node *pool_node(const struct pcl_range_locks *R, uint32_t i)
{
    PCL_ASSERT(i > R->n_bodies && i < R->n_cells);
    return pcl_range_cell(R, i);
}

static inline struct pool_task *pool_task(const struct pcl_range_locks *R, uint32_t body)
{
    return pcl_range_cell(R, 1 + body);
}

static inline pcl_line pool_line(const struct pcl_range_locks *R, uint32_t i)
{
    return PCL_LINE(NODE, (uint64_t)R->role << 40 | i);
}

static inline pcl_line pool_task_line(const struct pcl_range_locks *R, uint32_t body)
{
    return PCL_LINE(LOCK, UINT64_C(1) << 49 | (uint64_t)R->role << 40 | body);
}

/* Into the structure or out of it. The epoch counts to four: one that has come back four steps
 * later is taken for one that has stayed, which delays a batch and harms nobody. */
static inline void pool_step(struct pcl_range_locks *R)
{
    struct pool_task *t = pool_task(R, R->m->cur);

    t->epoch = (t->epoch + 1) % 4;
}

static inline void pool_enter(struct pcl_range_locks *R)
{
    pcl_rmw(R->m, pool_task_line(R, R->m->cur));
    pool_step(R);
}

static inline void pool_leave(struct pcl_range_locks *R)
{
    pcl_store(R->m, pool_task_line(R, R->m->cur));
    pool_step(R);
}

static inline void pool_give_back(struct pcl_range_locks *R, uint32_t i)
{
    struct pool_task *t = pool_task(R, R->m->cur);

    memset(pool_node(R, i), 0, R->ops->cell_size);
    pool_node(R, i)->chain = t->free;
    t->free = i;
}

/* The running task has unlinked node i. */
static inline void pool_retire(struct pcl_range_locks *R, uint32_t i)
{
    struct pool_task *t = pool_task(R, R->m->cur);
    struct pool_node *n = pool_node(R, i);

    PCL_ASSERT(n->use == POOL_IN);
    n->use = POOL_RETIRED;
    n->chain = t->retired;
    t->retired = i;
    t->n_retired++;
}

static inline void pool_init(struct pcl_range_locks *R)
{
    if (R->n_cells)
        return; /* another instance of the role was first */
    pcl_range_cells(R, 1 + R->n_bodies);
    for (uint32_t b = 0; b < R->m->n_tasks && R->m->explore; b++) {
        uint32_t first = pcl_range_cells(R, POOL_EXPLORED);

        for (uint32_t i = 0; i < POOL_EXPLORED; i++)
            pool_node(R, first + i)->chain = i + 1 < POOL_EXPLORED ? first + i + 1 : 0;
        pool_task(R, b)->free = first;
    }
}

/* Goes on with the scan: false after a look at another task, which ends the micro-step; true
 * when there is nothing to look at: no batch, a task just found inside, the end. */
static inline bool pool_scan(struct pcl_range_locks *R, uint32_t batch)
{
    uint32_t me = R->m->cur;
    struct pool_task *t = pool_task(R, me);

    if (!t->aging) {
        if (t->n_retired < batch)
            return true;
        t->aging = t->retired;
        t->retired = t->n_retired = t->at = 0;
    }
    if (t->looked) {
        t->looked = 0;
        return true;
    }
    while (t->at < R->m->n_tasks && (t->at == me || pool_task(R, t->at)->epoch == 0))
        t->at++; /* itself, and who has never been here */
    if (t->at < R->m->n_tasks) {
        uint32_t epoch = pool_task(R, t->at)->epoch;

        pcl_load(R->m, pool_task_line(R, t->at));
        if (epoch % 2 == 0 || (t->stuck && epoch != t->seen)) {
            t->at++;
            t->stuck = 0;
            t->seen = 0;
            return false;
        }
        t->seen = t->stuck ? t->seen : epoch;
        t->stuck = t->looked = 1;
        return false;
    }
    for (uint32_t i = t->aging, next; i; i = next) {
        next = pool_node(R, i)->chain;
        pool_give_back(R, i);
    }
    t->aging = t->at = 0;
    return true;
}

/* A node for the running task, all zero, which writes into its line. */
static inline uint32_t pool_take(struct pcl_range_locks *R)
{
    struct pool_task *t = pool_task(R, R->m->cur);
    uint32_t i = t->free;

    if (i)
        t->free = pool_node(R, i)->chain;
    else
        i = pcl_range_cells(R, 1);
    pcl_store(R->m, pool_line(R, i));
    memset(pool_node(R, i), 0, R->ops->cell_size);
    pool_node(R, i)->use = POOL_OWN;
    return i;
}

#endif
