/*
 * Nodes of list-based range locks, and when one may be used again. A released node stays in the
 * list until a traversal unlinks it, and stays in the hands of traversals that stand on it for
 * longer: so whoever unlinks a node keeps it until every task has been seen outside of the
 * list.
 *
 *   each task   epoch     odd: inside, may stand on nodes that others unlink
 *               free      may be used at once
 *               retired   unlinked by this task; `pool` of them make a batch
 *               aging     the batch that waits: the task goes from one task to the next and
 *                         passes it when it is outside, or has been since it was first looked
 * at
 *
 * The scan goes on whenever the task wants a node, and never waits: while it is stuck, nodes
 * come fresh from the allocator (which costs nothing here but the node's line). The paper waits
 * instead, which deadlocks as soon as a task holds one range while it asks for another. A
 * kernel would leave all of this to RCU.
 *
 * Node and task records are the cells of the role: cell 0 is no node, cells 1 to n_bodies are
 * the tasks' records, the rest are nodes.
 */
#ifndef PCLSIM_LOCKS_LIST_POOL_H
#define PCLSIM_LOCKS_LIST_POOL_H

#include "node_queue.h"
#include "range_common.h"

/* A link: number of a node << 2, and what is the case with the node that the link stands in. */
#define LIST_MARK UINT64_C(1)  /* released; in the head of a list: the only node, held */
#define LIST_SLEEP UINT64_C(2) /* somebody sleeps until the node is released */
#define LIST_BITS (LIST_MARK | LIST_SLEEP)

enum list_use {
    LIST_FREE,
    LIST_OWN, /* a request's own, not in the list yet */
    LIST_IN,  /* in the list */
    LIST_RETIRED
};

struct list_node {
    int64_t start, last;
    uint64_t next;           /* link */
    uint32_t owner;          /* body */
    uint32_t chain;          /* next of a task's free, retired or aging ones */
    struct node_queue sleep; /* requests that sleep until it is released, under the spinlock */
    struct node_queue
        watch; /* those that spin on next: whom the machine must tell of a change */
    uint8_t mode, use, pad[6];
};

struct list_task {
    uint32_t epoch, seen; /* seen: of the task at `at`, when it was first found inside */
    uint32_t free, retired, aging, n_retired;
    uint32_t at;                   /* the scan's place */
    uint8_t stuck, looked, pad[2]; /* found `at` inside; has just looked */
};

union list_cell {
    struct list_node node;
    struct list_task task;
};

enum {
    LIST_EXPLORED = 4
}; /* nodes of a task in the explorer: no more can be made on the way */

static inline struct list_node *list_node(const struct pcl_range_locks *R, uint32_t i)
{
    PCL_ASSERT(i > R->n_bodies && i < R->n_cells);
    return &((union list_cell *)pcl_range_cell(R, i))->node;
}

static inline struct list_task *list_task(const struct pcl_range_locks *R, uint32_t body)
{
    return &((union list_cell *)pcl_range_cell(R, 1 + body))->task;
}

/* Into the list or out of it. It counts to four: one that has come back four steps later is taken
 * for one that has stayed, which delays a batch and harms nobody. */
static inline void list_step_epoch(struct pcl_range_locks *R, uint32_t body)
{
    struct list_task *t = list_task(R, body);

    t->epoch = (t->epoch + 1) % 4;
}

static inline uint32_t list_at(uint64_t link)
{
    return (uint32_t)(link >> 2);
}

static inline pcl_line list_line(const struct pcl_range_locks *R, uint32_t i)
{
    return PCL_LINE(NODE, (uint64_t)R->role << 40 | i);
}

static inline pcl_line list_task_line(const struct pcl_range_locks *R, uint32_t body)
{
    return PCL_LINE(LOCK, UINT64_C(1) << 49 | (uint64_t)R->role << 40 | body);
}

static inline void list_give_back(struct pcl_range_locks *R, uint32_t i)
{
    struct list_task *t = list_task(R, R->m->cur);

    *list_node(R, i) = (struct list_node){.chain = t->free};
    t->free = i;
}

/* The running task has unlinked node i. */
static inline void list_retire(struct pcl_range_locks *R, uint32_t i)
{
    struct list_task *t = list_task(R, R->m->cur);
    struct list_node *n = list_node(R, i);

    PCL_ASSERT(n->use == LIST_IN);
    n->use = LIST_RETIRED;
    n->chain = t->retired;
    t->retired = i;
    t->n_retired++;
}

static inline void list_pool_init(struct pcl_range_locks *R)
{
    if (R->n_cells)
        return; /* another instance of the role was first */
    pcl_range_cells(R, 1 + R->n_bodies);
    for (uint32_t b = 0; b < R->m->n_tasks && R->m->explore; b++) {
        uint32_t first = pcl_range_cells(R, LIST_EXPLORED);

        for (uint32_t i = 0; i < LIST_EXPLORED; i++)
            list_node(R, first + i)->chain = i + 1 < LIST_EXPLORED ? first + i + 1 : 0;
        list_task(R, b)->free = first;
    }
}

/* Goes on with the scan: false after a look at another task, which ends the micro-step; true
 * when there is nothing to look at: no batch, a task just found inside, the end. */
static inline bool list_scan(struct pcl_range_locks *R, uint32_t batch)
{
    uint32_t me = R->m->cur;
    struct list_task *t = list_task(R, me);

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
    while (t->at < R->m->n_tasks && (t->at == me || list_task(R, t->at)->epoch == 0))
        t->at++; /* itself, and who has never been here */
    if (t->at < R->m->n_tasks) {
        uint32_t epoch = list_task(R, t->at)->epoch;

        pcl_load(R->m, list_task_line(R, t->at));
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
        next = list_node(R, i)->chain;
        PCL_ASSERT(list_node(R, i)->sleep.len == 0 && list_node(R, i)->watch.len == 0);
        list_give_back(R, i);
    }
    t->aging = t->at = 0;
    return true;
}

/* A node for a request of the running task, which writes its range into it. */
static inline uint32_t list_take(struct pcl_range_locks *R, const struct pcl_range_node *n)
{
    struct list_task *t = list_task(R, R->m->cur);
    uint32_t i = t->free;

    if (i)
        t->free = list_node(R, i)->chain;
    else
        i = pcl_range_cells(R, 1);
    pcl_store(R->m, list_line(R, i));
    struct list_node *l = list_node(R, i);

    *l = (struct list_node){.start = n->start,
                            .last = n->last,
                            .owner = R->m->cur,
                            .mode = n->mode,
                            .use = LIST_OWN};
    node_queue_init(&l->sleep);
    node_queue_init(&l->watch);
    return i;
}

#endif
