/*
 * Locks as micro-step machines. One lock is one file in sim/locks/ and one line in locks.def. Two
 * interfaces carry all of them: page locks (many tiny ones, one per folio) and range locks (a
 * whole-inode rwsem is a range lock that ignores the range).
 *
 * An operation is a small frame with a program counter. The step function carries out the one
 * micro-step that pc names: at most one access to shared state (one line, or a structure under a
 * modelled lock), declared by the machine primitive that makes it. It returns PCL_MORE until the
 * operation is over and op->result says how. A primitive that ends the micro-step (spin_lock,
 * schedule, watch) must be the last one called; pc must already name the next micro-step.
 *
 * Model state (frames, waiters, nodes, lock words) is made of plain structs with indices and is
 * registered for the explorer; statistics are not part of it.
 */
#ifndef PCLSIM_LOCKS_H
#define PCLSIM_LOCKS_H

#include <pclsim/account.h>
#include <pclsim/machine.h>
#include <pclsim/course.h>
#include <pclsim/scheme.h>

enum pcl_more {
    PCL_DONE,
    PCL_MORE
};

enum pcl_lock_kind {
    PCL_LOCK_PAGE,
    PCL_LOCK_RANGE
};

/* What a lock promises; the contract tests follow from it. */
enum pcl_lock_prop {
    PCL_PROP_FIFO = 1u << 0,         /* sleepers are served in arrival order */
    PCL_PROP_STEALS = 1u << 1,       /* a running task may overtake sleepers */
    PCL_PROP_SPINS = 1u << 2,        /* waiters may spin before they sleep */
    PCL_PROP_SHARED = 1u << 3,       /* readers share */
    PCL_PROP_EXACT = 1u << 4,        /* only overlapping ranges conflict */
    PCL_PROP_TRY_ONLY = 1u << 5,     /* acquire may fail instead of waiting */
    PCL_PROP_NULL = 1u << 6,         /* excludes nobody */
    PCL_PROP_BOUNDED = 1u << 7,      /* a waiter is overtaken a bounded number of times */
    PCL_PROP_CLASSES = 1u << 8,      /* readers of one class share, those of two do not */
    PCL_PROP_COARSE = 1u << 9,       /* ranges apart pass unless they meet in a coarser unit */
    PCL_PROP_RESIDENT = 1u << 10     /* guards only the pages that are present when it is taken */
};

struct pcl_lock_param_info {
    const char *name;
    int64_t def, lo, hi;
    const char *what;
};

/* Who holds a lock or asks for it: where its caller stands (pcl_task.site) and how. */
#define PCL_WHO_EXCLUSIVE 1u
#define PCL_WHO_DEVICE 2u /* a page is locked until a read that this caller began is over */
#define PCL_WHO_SITE 2    /* shift */

/* Waits that were alike: who waited; who had the lock then, in the way or first in the way of those
 * in the way; whose request stood in line before it, PCL_NONE: nobody's. Holder PCL_NONE: unknown. */
struct pcl_blocked {
    uint32_t waiter, holder, behind;
    uint64_t count;
    pcl_ns total, longest;
};

struct pcl_blocked_table {
    struct pcl_blocked *v; /* hashed; count 0: empty */
    uint32_t n, cap, last; /* last: place of the one counted last */
};

/** Counts a wait. */
void pcl_blocked_add(struct pcl_blocked_table *t, uint32_t waiter, uint32_t holder,
                     uint32_t behind, pcl_ns wait);
void pcl_blocked_fini(struct pcl_blocked_table *t);

/* Counters of one role, outside the model state. Waits and holds by mode: [0] shared,
 * [1] exclusive. */
struct pcl_lock_stats {
    struct {
        uint64_t acquisitions, contentions, con_bounces, acq_bounces;
        struct pcl_hist wait, hold; /* wait: of contended acquisitions */
        pcl_ns longest_wait;
        pcl_ns spent[PCL_N_SPENT + 1]; /* the waits by what they were spent on; the last: by the
                                          lock's own instructions and interrupts */
    } mode[2];
    struct pcl_blocked_table blocked;
    struct pcl_course line; /* holders and waiters over time */
    pcl_ns by_flusher;        /* waits of the flusher, which belong to no operation */
    uint64_t steals, handoffs, lost_retries, trylock_failures, wasted_wakes;
    uint64_t walks, walk_visits, walk_foreign, walk_max, foreign_max, bookmarks;
    uint64_t sleeps;               /* context switches while an operation was under way */
    uint64_t line_transfers;       /* of cache lines, asked for by operations */
    uint64_t bypass_max;           /* later arrivals that were granted before one waiter */
    uint64_t waiters, waiters_max; /* sleeping now and at most */
    int64_t held, held_max;
    int64_t widest;        /* ranges: bytes of the widest one that was acquired, less 1 */
    pcl_ns widest_time;    /* the longest that such a one took, from asking to having */
    pcl_ns widest_begin;   /* and when it was asked for */
    uint64_t false_conflicts; /* range locks: began to wait while no holder conflicted */
    uint64_t unbalanced; /* waits shorter than what they were spent on: must be 0 */
    uint64_t overlaps; /* page grants while another owner had the page: the lock is broken */
};

/* --- page locks ---------------------------------------------------------------------------- */

/* Bits of a folio's flags byte that locks know: same places as in pclsim/cache.h. */
#define PCL_PG_LOCKED 0x01u
#define PCL_PG_WAITERS 0x02u
#define PCL_PG_WRITEBACK 0x10u

enum pcl_page_what {
    PCL_PAGE_LOCK,     /* own the bit (EXCLUSIVE) */
    PCL_PAGE_TRYLOCK,  /* own it now or fail */
    PCL_PAGE_WAIT,     /* see it clear (SHARED) */
    PCL_PAGE_WAIT_DROP, /* the same without a reference: must not touch the folio afterwards */
    PCL_PAGE_UNLOCK,   /* clear the bit and wake */
    /* Asked for by who is content to share the page: a lock sees the plain one, with op->shared set
     * if it has PCL_PROP_SHARED. */
    PCL_PAGE_LOCK_SHARED,
    PCL_PAGE_TRYLOCK_SHARED,
    PCL_PAGE_UNLOCK_SHARED
};

enum pcl_page_result {
    PCL_PAGE_GOT,    /* lock owned, bit seen clear, or bit cleared */
    PCL_PAGE_BUSY,   /* trylock failed */
    PCL_PAGE_KILLED  /* killable wait ended by a signal */
};

/* A page-lock operation under way: one per task or interrupt context. */
struct pcl_page_op {
    uint8_t what;     /* enum pcl_page_what */
    uint8_t bit;      /* PCL_PG_LOCKED or PCL_PG_WRITEBACK */
    uint8_t killable;
    uint8_t pc;       /* of the lock's own enum; 0 is the first micro-step */
    uint8_t result;
    uint8_t matched;  /* walk: an entry of this folio was met and left in the queue */
    uint8_t contended;
    uint8_t scratch;
    uint8_t shared;
    uint8_t pad[3];
    int32_t credit;   /* hybrid: unfair tries left */
    uint32_t folio;
    uint32_t pfn;     /* number of its struct page: names its cache line and its bucket */
    uint32_t bucket;
    uint32_t cursor;  /* walk: next entry to visit */
    uint32_t visits;  /* walk: since the last break */
    uint32_t walked;  /* walk: in all */
};

/* A wait-queue entry, on its task's stack; entry number = body number. Entries from n_bodies on
 * are bookmarks of walkers. */
struct pcl_waiter {
    uint32_t next, prev; /* in its bucket, PCL_NONE at the ends */
    uint32_t folio;
    uint8_t bit;
    uint8_t kind;        /* enum pcl_page_what of its owner */
    uint8_t flags;       /* enum pcl_waiter_flag */
    uint8_t queued;
};

enum pcl_waiter_flag {
    PCL_W_WOKEN = 1u << 0,
    PCL_W_DONE = 1u << 1,
    PCL_W_HANDOFF = 1u << 2,
    PCL_W_BOOKMARK = 1u << 3,
    PCL_W_SHARED = 1u << 4 /* content to share the page */
};

struct pcl_page_locks;
struct pcl_lock_notes;

struct pcl_page_lock_ops {
    const char *name, *summary, *source;
    unsigned props;
    const struct pcl_lock_param_info *params; /* ends with name NULL; may be NULL */
    void (*init)(struct pcl_page_locks *L);   /* allocates the lock's own state */
    enum pcl_more (*step)(struct pcl_page_locks *L, struct pcl_page_op *op);
    /* False with a reason when the state breaks the lock's own invariants. */
    bool (*validate)(const struct pcl_page_locks *L, const char **why);
    void (*memory)(const struct pcl_page_locks *L, struct pcl_lock_memory *out);
};

/* All page locks of a run: the wait table, the frames and the numbers. */
struct pcl_page_locks {
    const struct pcl_page_lock_ops *ops;
    struct pcl_machine *m;
    int64_t param[PCL_MAX_LOCK_PARAMS]; /* in the order of ops->params */
    uint8_t *const *flags;              /* [folio], the cache's array */
    uint32_t (*pfn)(void *arg, uint32_t folio); /* number of the folio's struct page */
    void *pfn_arg;
    void (*drop)(void *arg, uint32_t folio); /* gives a WAIT_DROP waiter's reference away; may be
                                                NULL; same arg as pfn */
    struct pcl_page_op *op;             /* [n_bodies] */
    struct pcl_waiter *waiter;          /* [2 * n_bodies] */
    uint32_t n_bodies, n_waiters;
    /* hashed wait table, for the locks that have one */
    struct pcl_bucket *bucket;
    uint32_t n_buckets, bucket_bits;
    uint8_t hash; /* of struct page addresses: enum in wait_table.h */
    uint8_t cleared; /* bits that the caller has cleared, with the index's mark, when he unlocks: by then
                        they may be set again, and are not the unlock's to clear */
    /* queue heads per folio, for the locks that have them; grown on demand */
    struct pcl_page_queue *queue;
    uint32_t n_queues;
    /* who shares a folio, for the locks that let them; grown on demand */
    struct pcl_page_sharers *sharers;
    uint32_t n_sharers;
    struct pcl_lock_stats stats;
    struct pcl_lock_notes *notes; /* NULL in the explorer */
};

struct pcl_bucket {
    uint32_t head, tail; /* waiter entries */
    uint32_t spin;
    uint32_t len;
    uint32_t line; /* number of the cache line that the head lies in */
};

struct pcl_page_queue {
    uint32_t owner, head, tail; /* bodies */
};

struct pcl_page_sharers {
    uint32_t readers; /* hold the page */
    uint32_t queued;  /* sleep to own or to share it */
};

/** True when somebody has the bit of a folio, or shares its lock. */
static inline bool pcl_page_taken(const struct pcl_page_locks *L, uint32_t folio, uint8_t bit)
{
    return ((*L->flags)[folio] & bit) ||
           (bit == PCL_PG_LOCKED && folio < L->n_sharers && L->sharers[folio].readers);
}

/** Makes the page locks of a run. choice: lock name and parameters, checked ("" is the default,
 * hybrid). flags/pfn: as in the struct. */
int pcl_page_locks_init(struct pcl_page_locks *L, struct pcl_machine *m,
                        const struct pcl_lock_choice *choice, uint8_t *const *flags,
                        uint32_t (*pfn)(void *arg, uint32_t folio), void *pfn_arg,
                        struct pcl_err *err);
void pcl_page_locks_fini(struct pcl_page_locks *L);

/** Begins an operation of the running body; then call pcl_page_step() once per micro-step. */
void pcl_page_begin(struct pcl_page_locks *L, enum pcl_page_what what, uint32_t folio, uint8_t bit,
                    bool killable);
void pcl_page_note(struct pcl_page_locks *L, const struct pcl_page_op *op, enum pcl_more more);

static inline enum pcl_more pcl_page_step(struct pcl_page_locks *L)
{
    struct pcl_page_op *op = &L->op[L->m->cur];
    uint64_t transfers = L->m->line_transfers;
    enum pcl_more more = L->ops->step(L, op);

    L->stats.line_transfers += L->m->line_transfers - transfers;
    if (L->notes && (more == PCL_DONE ? op->what != PCL_PAGE_UNLOCK : op->contended))
        pcl_page_note(L, op, more);
    return more;
}

/* --- range locks --------------------------------------------------------------------------- */

enum pcl_mode {
    PCL_SHARED,
    PCL_EXCLUSIVE
};

/* What a shared request shares for. A caller that knows it sets it in the node after
 * pcl_range_begin(); locks without PCL_PROP_CLASSES take no notice. */
enum pcl_class {
    PCL_CLASS_BUFFERED, /* through the page cache */
    PCL_CLASS_DIRECT    /* past it */
};

enum pcl_range_what {
    PCL_RANGE_ACQUIRE,
    PCL_RANGE_TRY,
    PCL_RANGE_RELEASE,
    PCL_RANGE_DOWNGRADE
};

enum pcl_range_result {
    PCL_RANGE_GOT, /* acquired, released or downgraded */
    PCL_RANGE_BUSY,
    PCL_RANGE_KILLED
};

/* A request, waiting or held. Its node number stays the same until it is released. Algorithms use
 * link and word as they like (tree children, list neighbours, blocking counts). */
struct pcl_range_node {
    int64_t start, last; /* bytes, both included: [0, 2^63 - 2] is a whole file */
    uint32_t owner;      /* body */
    uint32_t inst;       /* lock instance */
    uint8_t mode;        /* enum pcl_mode */
    uint8_t held;        /* granted */
    uint8_t flags;
    uint8_t used;        /* a request is under way or held */
    uint8_t class;       /* enum pcl_class */
    uint8_t pad[3];
    uint32_t link[6];
    uint64_t word[2];
};

struct pcl_range_op {
    uint8_t what;   /* enum pcl_range_what */
    uint8_t pc;
    uint8_t result;
    uint8_t killable;
    uint8_t contended;
    uint8_t flags;
    uint16_t pad;
    uint32_t inst;
    uint32_t node;
    uint32_t cursor, count;
    uint64_t word;
};

/* What locks that go through a range unit by unit have done; outside the model state. */
struct pcl_sweep_stats {
    uint64_t taken, freed;   /* units */
    uint64_t leaps, leapt;   /* and of them, in how many leaps and by leaps */
    uint64_t joint;          /* leaps of several sweeps of one file together */
    uint64_t beside;         /* leaps beside sweeps of other files */
    uint64_t nodes, nodes_max; /* of the lock's own index, all instances */
    pcl_ns memory_end;       /* when they first took more than the machine's memory; -1: never */
    int64_t memory_end_at;   /* and at which byte */
};

/* How far an acquisition unit by unit has come. Costs are those of units that nobody disturbs. */
struct pcl_sweep_progress {
    uint64_t done, total;       /* units */
    double cost_done, cost_all; /* ns */
    uint64_t nodes_all;         /* of the index when all are locked */
    uint64_t fit;               /* units that the machine's memory has room for, total at most */
    double cost_fit;
};

struct pcl_range_locks;
struct pcl_pages;

struct pcl_range_lock_ops {
    const char *name, *summary, *source;
    unsigned props;
    const struct pcl_lock_param_info *params;
    int64_t grain;     /* ranges are widened to multiples of so many bytes; 0: they are not */
    size_t state_size; /* per instance, model state: plain struct with indices */
    size_t cell_size;  /* of a cell, see pcl_range_cells(); 0: the lock has none */
    void (*init)(struct pcl_range_locks *R, uint32_t inst);
    enum pcl_more (*step)(struct pcl_range_locks *R, struct pcl_range_op *op);
    bool (*validate)(const struct pcl_range_locks *R, uint32_t inst, const char **why);
    void (*memory)(const struct pcl_range_locks *R, struct pcl_lock_memory *out);
    /* How far a request has come, under way or held; NULL: it has no such thing. */
    void (*progress)(const struct pcl_range_locks *R, uint32_t node,
                     struct pcl_sweep_progress *out);
    /* Index nodes that its request has when units at such a cost are locked; as progress. */
    double (*nodes_at)(const struct pcl_range_locks *R, uint32_t node, double cost);
};

/* Requests that one body may hold at a time on the locks of one role. */
#define PCL_RANGE_SLOTS 4

/* All locks of one role (iolock, invalidate, ilock ...): one instance per inode or mm. */
struct pcl_range_locks {
    const struct pcl_range_lock_ops *ops;
    struct pcl_machine *m;
    enum pcl_role role;
    int64_t param[PCL_MAX_LOCK_PARAMS];
    uint8_t *state;        /* [n_inst][ops->state_size] */
    uint32_t n_inst, cap_inst;
    uint8_t *cell;         /* [n_cells][ops->cell_size] what the lock has made for itself */
    uint32_t n_cells, cap_cells;
    uint32_t *spin;        /* [n_inst] one spinlock per instance, for those that want one */
    uint8_t line_class;    /* of the instance's lock word: enum pcl_line_class */
    struct pcl_range_node *node; /* [n_nodes], PCL_RANGE_SLOTS per body */
    uint32_t n_nodes;            /* 0 until the first request */
    struct pcl_range_op *op;     /* [n_bodies], NULL until then */
    uint32_t n_bodies;
    struct pcl_lock_stats stats;
    struct pcl_sweep_stats sweep;
    struct pcl_pages *pages; /* of locks that hold present pages (PCL_PROP_RESIDENT) */
    void *memo; /* what a lock remembers outside the model state; freed with the rest */
    struct pcl_lock_notes *notes; /* NULL in the explorer */
};

int pcl_range_locks_init(struct pcl_range_locks *R, struct pcl_machine *m, enum pcl_role role,
                         const struct pcl_lock_choice *choice, struct pcl_err *err);
void pcl_range_locks_fini(struct pcl_range_locks *R);

/** A new instance (for a new inode or mm). */
uint32_t pcl_range_instance(struct pcl_range_locks *R);

static inline void *pcl_range_state(const struct pcl_range_locks *R, uint32_t inst)
{
    return R->state + (size_t)inst * R->ops->state_size;
}

/** Makes n further cells, zeroed model state that a lock has beside its instances (list nodes,
 * tables), and returns the number of the first. Cells may move. In the explorer only while an
 * instance is made. */
uint32_t pcl_range_cells(struct pcl_range_locks *R, uint32_t n);

static inline void *pcl_range_cell(const struct pcl_range_locks *R, uint32_t cell)
{
    return R->cell + (size_t)cell * R->ops->cell_size;
}

/** The line that holds instance inst's lock word. */
static inline pcl_line pcl_range_line(const struct pcl_range_locks *R, uint32_t inst)
{
    return ((pcl_line)R->line_class << 56) | inst;
}

/** Begins an acquisition by the running body; returns the node of the request. last >= start. */
uint32_t pcl_range_begin(struct pcl_range_locks *R, enum pcl_range_what what, uint32_t inst,
                         enum pcl_mode mode, int64_t start, int64_t last, bool killable);
/** Begins the release or downgrade of a held request. */
void pcl_range_begin_release(struct pcl_range_locks *R, enum pcl_range_what what, uint32_t node);

void pcl_range_note(struct pcl_range_locks *R, const struct pcl_range_op *op,
                    enum pcl_more more);

static inline enum pcl_more pcl_range_step(struct pcl_range_locks *R)
{
    struct pcl_range_op *op = &R->op[R->m->cur];
    uint64_t transfers = R->m->line_transfers;
    enum pcl_more more = R->ops->step(R, op);

    R->stats.line_transfers += R->m->line_transfers - transfers;
    if (R->notes && op->what <= PCL_RANGE_TRY && (more == PCL_DONE || op->contended))
        pcl_range_note(R, op, more);
    return more;
}

/** Ends a request: called by a lock when it is released, failed or killed. */
void pcl_range_end(struct pcl_range_locks *R, uint32_t node);

static inline bool pcl_range_overlap(const struct pcl_range_node *a,
                                     const struct pcl_range_node *b)
{
    return a->start <= b->last && b->start <= a->last;
}

static inline bool pcl_range_conflict(const struct pcl_range_node *a,
                                      const struct pcl_range_node *b)
{
    return pcl_range_overlap(a, b) && (a->mode == PCL_EXCLUSIVE || b->mode == PCL_EXCLUSIVE);
}

/* --- the registry --------------------------------------------------------------------------- */

struct pcl_lock_entry {
    enum pcl_lock_kind kind;
    const struct pcl_page_lock_ops *page;
    const struct pcl_range_lock_ops *range;
};

extern const struct pcl_lock_entry pcl_lock_list[];
extern const size_t pcl_n_locks;

const struct pcl_page_lock_ops *pcl_page_lock_find(const char *name);
const struct pcl_range_lock_ops *pcl_range_lock_find(const char *name);

/** Adds to err, which says that there is no lock of this kind and name, what may have been
 * meant. Returns err's code. */
int pcl_lock_suggest(struct pcl_err *err, enum pcl_lock_kind kind, const char *name);

/** Fills param[] from a choice: defaults, then the choice's own, each in its range. */
int pcl_lock_params(const struct pcl_lock_param_info *info, const struct pcl_lock_choice *choice,
                    const char *lock, int64_t *param, struct pcl_err *err);

/** Text of the properties ("fifo, steals"), into buf. */
const char *pcl_lock_props(unsigned props, char *buf, size_t n);

void pcl_lock_stats_init(struct pcl_lock_stats *s);
void pcl_lock_stats_fini(struct pcl_lock_stats *s);

/* --- what the statistics remember of single locks and operations (notes.c) ------------------ */

struct pcl_lock_notes *pcl_lock_notes_new(const struct pcl_machine *m);
void pcl_lock_notes_free(struct pcl_lock_notes *N);

/** The running body begins an operation on the lock of this folio or instance. */
void pcl_lock_notes_begin(struct pcl_lock_notes *N, const struct pcl_machine *m,
                          uint32_t object);

/** A held request is about to be released. */
void pcl_range_let_go(struct pcl_range_locks *R, uint32_t node);

/** The running body's operation, which had to wait, is over after so long: counts the wait, what it
 * was spent on, and who was in the way. N NULL: nobody knows. */
void pcl_lock_notes_waited(const struct pcl_lock_notes *N, struct pcl_lock_stats *st,
                           const struct pcl_machine *m, enum pcl_mode mode, pcl_ns wait);

/** Of the operation that was granted last after a wait: the later ones that were granted before it.
 * 0 with N NULL. */
uint64_t pcl_lock_notes_passed(const struct pcl_lock_notes *N);

/** The same of a body that still waits. */
uint64_t pcl_lock_notes_passing(const struct pcl_lock_notes *N, uint32_t body, bool exact);

/** The same where no notes are kept: the caller knows who was in the way. */
void pcl_lock_waited_for(struct pcl_lock_stats *st, const struct pcl_machine *m,
                         enum pcl_mode mode, pcl_ns wait, uint32_t who);

/** The running body's operation waits for this one (PCL_WHO_...): where the notes cannot know. N may
 * be NULL. */
void pcl_lock_notes_blame(struct pcl_lock_notes *N, const struct pcl_machine *m, uint32_t who);

/** True when this body's operation has begun to wait and is not over. */
bool pcl_lock_notes_waits(const struct pcl_lock_notes *N, uint32_t body);

/** Forgets who was granted how often. */
void pcl_lock_notes_measure(struct pcl_lock_notes *N);

/** Jain's index over the grants of the first n bodies, those that never asked left out; NaN when
 * nobody did. */
double pcl_lock_notes_fairness(const struct pcl_lock_notes *N, uint32_t n);

/** A folio is made, locked by the running body: an acquisition of a lock without a past. by_io:
 * its read will unlock it. */
void pcl_page_fresh(struct pcl_page_locks *L, uint32_t folio, bool by_io);

/** The running body begins to clear a folio's bit; its owner's, or that of one of those who share
 * it, notes how long it was locked. L->notes is not NULL. */
void pcl_page_let_go(struct pcl_page_locks *L, uint32_t folio, uint8_t bit, bool shared);

/** Who has a folio's lock to himself: PCL_NONE when nobody has, or a read, or readers that share. */
uint32_t pcl_page_owner(const struct pcl_page_locks *L, uint32_t folio);

/** A wake walk of this body has visited an entry of another folio. N may be NULL. */
void pcl_lock_notes_foreign(struct pcl_lock_notes *N, struct pcl_lock_stats *st, uint32_t body);

/** The largest bypass of those who still wait; exact: the locks have PCL_PROP_EXACT. */
uint64_t pcl_lock_notes_longest_bypass(const struct pcl_lock_notes *N, bool exact);

/** Host bytes of what grows with the tasks. */
size_t pcl_lock_notes_task_bytes(const struct pcl_lock_notes *N);

/* Notes of the lock algorithms themselves; the waits and holds are recorded by the caller. */
static inline void pcl_note_sleep(struct pcl_lock_stats *s)
{
    if (++s->waiters > s->waiters_max)
        s->waiters_max = s->waiters;
}

static inline void pcl_note_awake(struct pcl_lock_stats *s)
{
    s->waiters--;
}

#endif
