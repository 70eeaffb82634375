/*
 * What unit-4k, unit-2m and unit-1g are made of: one algorithm (units.c), its set of locked units
 * (units_set.c), and its leaps (units_leap.c). They differ in the size of a unit alone.
 *
 * Of a request's range, the units that it has locked by now are always one interval, so the set
 * of all locked units of a file is as many intervals as there are requests, however large:
 *
 *     acquire   [ locked ........ | next, still to come      ]      word[LO] .. word[HI] - 1
 *     held      [ locked ....................................]
 *     release   [ free again   | next, locked ...............]
 */
#ifndef PCLSIM_LOCKS_UNITS_H
#define PCLSIM_LOCKS_UNITS_H

#include "range_common.h"

enum { LEFT = 0, RIGHT = 1, NEXT = 2, PREV = 3, BUCKET = 4 }; /* link[] of a request */
enum { LO = 0, HI = 1 };                                      /* word[]; equal: no unit */
enum { LEAP = 0, BITS = 1 };                                  /* param[] */
enum { CROWD = 4096 }; /* tasks among which nobody looks for other sweeps */

/* op->pc */
enum {
    START,
    UNIT,       /* acquire: the next unit */
    LOOK,       /* xa_lock held: take it, or see that it is locked */
    TAKEN,      /* drop xa_lock */
    FAIL,       /* the same for a try that has failed */
    QUEUE_LOCK, /* take the queue's spinlock too */
    QUEUE,
    QUEUED,
    QUEUED_XA,
    SLEEP,
    WOKEN,
    LEAVE_LOCK,
    LEAVE, /* queue locked: off it, or pass on the wake-up that it gave */
    PASS_ON,
    LEFT_IT,
    FREE,  /* release, or undo: the next unit */
    CLEAR, /* xa_lock held: remove the entry */
    CLEARED,
    PEEK, /* does anybody wait in its queue? */
    WAKE, /* queue locked: look for the first who waits for this unit */
    WOKE,
    OVER = RANGE_PC_OVER
};

enum {
    UNIT_TAKE_STEPS = 3, /* micro-steps of a unit: lock, look, unlock */
    UNIT_FREE_STEPS = 4  /* and a look at its queue */
};

#define NO_UNIT UINT64_MAX

/* Model state of an instance. */
struct units {
    uint32_t root; /* of the tree of requests that have locked units, ordered by LO */
    uint32_t len;
};

/* A queue of the wait table, in which requests of all instances wait: a cell. */
struct unit_bucket {
    uint32_t head, tail; /* requests, linked through NEXT and PREV */
    uint32_t len;
    uint32_t spin;
    uint32_t next_busy, prev_busy; /* ring of the buckets with waiters, through the last cell,
                                      which is none */
};

static inline uint64_t unit_of(const struct pcl_range_locks *R, int64_t byte)
{
    return (uint64_t)byte >> __builtin_ctzll((uint64_t)R->ops->grain);
}

/* One behind the last unit of a request. */
static inline uint64_t units_end(const struct pcl_range_locks *R, const struct pcl_range_node *n)
{
    return unit_of(R, n->last) + 1;
}

static inline struct unit_bucket *unit_buckets(const struct pcl_range_locks *R)
{
    return (struct unit_bucket *)(void *)R->cell;
}

/* --- units_set.c --------------------------------------------------------------------------- */

/** A request that has no unit yet gets its first one, or one that had a last one loses it. */
void units_join(struct pcl_range_locks *R, uint32_t inst, uint32_t node);
void units_leave(struct pcl_range_locks *R, uint32_t inst, uint32_t node);

/** The last locked unit before u, the first one from u on, the last of all; NO_UNIT: none. */
uint64_t units_before(const struct pcl_range_locks *R, uint32_t inst, uint64_t u);
uint64_t units_from(const struct pcl_range_locks *R, uint32_t inst, uint64_t u);
uint64_t units_top(const struct pcl_range_locks *R, uint32_t inst);

/** Levels of an index whose last entry is top. */
unsigned units_height(uint64_t top);

/** Index nodes that the entries [a, b) need beside those that are there for others: the entry
 * before a, the first one from b on, and the last one of all, without [a, b) themselves. */
uint64_t units_nodes(uint64_t before, uint64_t after, uint64_t top, uint64_t a, uint64_t b);

/** False with a reason when the tree is not in order; *len counts its requests. */
bool units_valid(const struct pcl_range_locks *R, uint32_t inst, uint32_t *len,
                 const char **why);

/* --- units_leap.c -------------------------------------------------------------------------- */

uint32_t unit_bucket_of(const struct pcl_range_locks *R, uint32_t inst, uint64_t unit);

/** At the beginning of a unit's acquisition or release: takes many, if nobody can tell. True: the
 * micro-step is over, and another one of the same name comes after the leap. */
bool units_leap_take(struct pcl_range_locks *R, struct pcl_range_op *op);
bool units_leap_free(struct pcl_range_locks *R, struct pcl_range_op *op);

/** Who swept a file alone is no longer sure to. */
void units_break_promises(struct pcl_range_locks *R);

/** The first unit from u on in whose queue somebody waits; 0: too many to ask. */
uint64_t units_next_awaited(const struct pcl_range_locks *R, uint32_t inst, uint64_t u);

/** The same for several sweeps of a file that go on side by side (units_period.c). */
void units_leap_together(struct pcl_range_locks *R, const struct pcl_range_op *op);

/** What a new node costs, and what freeing one. */
pcl_ns unit_node_new(const struct pcl_machine *m);
pcl_ns unit_node_free(const struct pcl_machine *m);

/** Counts nodes that the index has got, and looks whether they fit into memory. */
void unit_nodes_got(struct pcl_range_locks *R, uint64_t n, uint64_t unit);

/** Index nodes that the machine's memory has room for. */
uint64_t unit_nodes_limit(const struct pcl_range_locks *R);

/* --- units.c ------------------------------------------------------------------------------- */

extern const struct pcl_lock_param_info units_params[];
void units_init(struct pcl_range_locks *R, uint32_t inst);
enum pcl_more units_step(struct pcl_range_locks *R, struct pcl_range_op *op);
bool units_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why);
void units_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out);
void units_progress(const struct pcl_range_locks *R, uint32_t node,
                    struct pcl_sweep_progress *out);
double units_nodes_at(const struct pcl_range_locks *R, uint32_t node, double cost);

#define UNITS_LOCK(lock_name, bytes, lock_summary)                                             \
    {                                                                                          \
        .name = (lock_name), .summary = (lock_summary),                                        \
        .source = "fs/dax.c at 00c010e130e5: entry locks, here on absent pages too",           \
        .props = PCL_PROP_STEALS | PCL_PROP_EXACT, .params = units_params, .grain = (bytes),   \
        .state_size = sizeof(struct units), .cell_size = sizeof(struct unit_bucket),           \
        .init = units_init, .step = units_step, .validate = units_validate,                    \
        .memory = units_memory, .progress = units_progress,                                    \
        .nodes_at = units_nodes_at                                                             \
    }

#endif
