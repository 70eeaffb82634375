/*
 * The modelled kernel: what an operation does, as a table of steps. A task makes a request; then
 * each call of pcl_call_step() carries out one micro-step of its path until the call returns.
 *
 * Paths name roles (iolock, invalidate, page ...); the personality says which mode of which role
 * an operation takes; the scheme says which lock stands in a role; the machine says what
 * everything costs.
 */
#ifndef PCLSIM_PATHS_H
#define PCLSIM_PATHS_H

#include <pclsim/cache.h>
#include <pclsim/locks.h>
#include <pclsim/op.h>
#include <pclsim/oracle.h>
#include <pclsim/pages.h>
#include <pclsim/scenario.h>

/* What a task asks for. */
struct pcl_request {
    uint8_t op;    /* enum pcl_op */
    uint8_t flags; /* enum pcl_op_flag */
    uint32_t inode, mm;
    uint32_t inode2; /* EXCHANGE: the other file */
    int64_t off, len;
    pcl_ns hold;   /* PAGE_LOCK: compute while the page is locked */
};

/* What a call may return instead of its result. */
#define PCL_CALL_ERRORS(X)                                                                      \
    X(NONE, "none")                                                                             \
    X(INVAL, "EINVAL")                                                                          \
    X(FBIG, "EFBIG")                                                                            \
    X(NOTSUPP, "EOPNOTSUPP")                                                                    \
    X(INTR, "EINTR")

enum pcl_call_error {
#define X(id, name) PCL_CALL_E_##id,
    PCL_CALL_ERRORS(X)
#undef X
        PCL_N_CALL_ERRORS
};

const char *pcl_call_error_name(enum pcl_call_error e);

enum pcl_call_vma {
    CALL_VMA_NONE,
    CALL_VMA_LOCKED,
    CALL_VMA_SPECULATES
};

/* Roles that a call on two files takes on both. */
enum {
    PCL_N_PAIRED = 3
};

/* A file in an address space. */
struct pcl_vma {
    uint32_t mm, inode;
    uint32_t readers; /* faults that have its lock */
    uint32_t writer;  /* somebody changes it, under mmap_lock exclusive */
    uint32_t waiter;  /* who waits for the readers, PCL_NONE */
    uint32_t seq;     /* changes so far */
};

/* An operation under way: model state. */
struct pcl_call {
    uint8_t op, flags;
    uint8_t phase;   /* of the present step */
    uint8_t tried;   /* fault: it has dropped mmap_lock once */
    uint8_t skipped; /* invalidation: a folio was left for the second pass */
    uint8_t active;
    uint8_t hole;    /* the pages under way have (or had until now) no blocks */
    uint8_t wrote;   /* it has submitted write-back */
    uint8_t error;   /* enum pcl_call_error */
    uint8_t busy;    /* direct write: the invalidation left a dirty page */
    uint8_t forced;  /* direct write: the iolock must be exclusive */
    uint8_t vma;     /* enum pcl_call_vma: how a fault is kept apart from changes of its VMA */
    uint8_t drains;  /* waits until no direct I/O is in flight */
    uint8_t in_flight; /* counts among the direct I/O of its inode */
    uint8_t slept;   /* DAX: it has waited for the entry's lock */
    uint8_t pad[1];
    uint16_t pc;     /* step of the path */
    uint16_t n;      /* miss: pages under way from ahead on */
    uint32_t inode, mm;
    uint32_t vma_seq;
    uint32_t folio;  /* referenced, PCL_NONE: none */
    uint32_t other;  /* the one that takes its place, PCL_NONE */
    uint32_t batch;  /* folios held locked together, PCL_NONE: none */
    uint32_t later;  /* folios held by references, to be tried again one by one, PCL_NONE: none */
    uint64_t mms;    /* whose TLBs a batch of unmapped folios has yet to flush: one bit each, of 64 */
    uint32_t turn;   /* DAX: place among those who wait for the entry of page cur, 0: does not wait */
    uint32_t awaits; /* DAX: pinned entry + 1 */
    uint32_t pad2;
    uint32_t outer;  /* PAGE_PAIR: the folio that stays locked meanwhile, PCL_NONE: none */
    uint32_t bio;    /* under construction or waited for, PCL_NONE: none */
    uint32_t truth;  /* oracle's handle, PCL_NONE */
    uint32_t inode2, truth2;    /* EXCHANGE: of the file that the path is not at */
    uint32_t held2[PCL_N_PAIRED];
    uint32_t held[PCL_N_ROLES]; /* node of the held request + 1 */
    int64_t off, len;
    uint64_t first, last;       /* pages of the request */
    uint64_t cur;               /* page that the path is at */
    uint64_t ahead, ahead_end;  /* pages that a miss has yet to read, ahead_end excluded */
};

/* The times of a call, outside the model state. */
struct pcl_call_times {
    pcl_ns lock_begin;
    pcl_ns hold;
    pcl_ns held_since[PCL_N_ROLES];
    pcl_ns held_since2[PCL_N_PAIRED];
    uint32_t blame; /* who the drain waits for (PCL_WHO_...) */
};

#define PCL_BATCH 31 /* folios of a folio_batch */

/* Folios that a call holds locked together. */
struct pcl_batch {
    uint32_t folio[PCL_BATCH];
    uint32_t n;    /* 0: free */
    uint32_t next; /* chunk filled before, PCL_NONE */
};

/* A transfer between folios and the device. */
struct pcl_bio {
    uint8_t kind; /* enum in io.c */
    uint8_t done;
    uint8_t used;
    uint8_t pad;
    uint32_t inode;
    uint32_t task;  /* who waits, PCL_NONE */
    uint32_t next;  /* free list */
    uint64_t first, n;
    uint32_t who; /* write-back: who gathers it (PCL_WHO_...), 0 in the explorer */
    uint32_t pad2;
};

/* Blocks on disk: sorted, disjoint page ranges of an inode. Small arrays, by value per inode. */
struct pcl_extents {
    struct {
        uint64_t first, last;
    } *v;
    uint32_t n, cap;
};

/* What an inode has beside its locks and its cache: model state. */
struct pcl_kinode {
    uint32_t tree_spin;  /* i_pages lock */
    uint32_t punching;   /* tmpfs: punches under way whose range faults must avoid */
    uint64_t punch_first, punch_last;
    uint32_t max_order;  /* of folios that reads and writes make */
    uint32_t lock_order; /* of the largest there is: ranges are whole folios of it */
    pcl_ns dirtied;      /* first dirtied since it was clean, -1 */
    int64_t dio;         /* direct I/O in flight */
};

#define PCL_VISIT_BITS 6

/* Device requests so far, by page: they key their latency, and are no model state. */
struct pcl_visits {
    uint32_t n[1 << PCL_VISIT_BITS];
};

/* pcl_task.site: operation (PCL_N_OPS: the flusher's pass) and step of its path. */
#define PCL_SITE_STEP_BITS 16

/* A step that a task has begun. */
struct pcl_last_step {
    uint64_t seq;        /* order of all tasks' steps, from 1 on */
    pcl_ns at;
    uint64_t page, last; /* that it is about; last: beginning of a call, the request's last one */
    uint32_t inode;
    uint16_t pc;
    uint8_t op;
    uint8_t pad;
};

/* The last steps of each body; no model state. */
struct pcl_last {
    struct pcl_last_step *step;  /* [n_bodies][n] rings, NULL: not noted */
    struct pcl_last_step *begin; /* [n_bodies] of the last call */
    uint64_t *count;             /* [n_bodies] noted so far */
    uint64_t seq;
    uint32_t n;
};

#define PCL_NO_PAGE UINT64_MAX

/* A wait for a lock that went on beyond the bound. */
struct pcl_starved {
    uint32_t task;
    uint32_t inode; /* mmap: address space */
    uint64_t page;  /* of a page's lock, else PCL_NO_PAGE */
    const char *lock;
    pcl_ns wait;
    uint64_t passed; /* later requests that were granted meanwhile */
    bool waits;      /* still */
};

enum pcl_lock_event {
    PCL_LOCK_ASKED,
    PCL_LOCK_GRANTED,
    PCL_LOCK_SEEN_FREE /* waited until it was free, and did not want it */
};

struct pcl_kernel_conf {
    enum pcl_fs fs;
    const struct pcl_scheme *scheme;
    int64_t memory_limit;
    bool oracle;
    void (*violation)(void *arg, const struct pcl_wrong_info *info);
    pcl_ns starvation; /* a longer wait for one lock is told of; 0: none is */
    void (*starved)(void *arg, const struct pcl_starved *s);
    /* Told what the running task does about a lock, of an inode, an address space or (PAGE) a folio;
     * may be NULL. */
    void (*lock_event)(void *arg, enum pcl_lock_event what, enum pcl_role role, uint32_t object);
    void *arg;
};

/* Read-ahead of one task on one file (file_ra_state). */
struct pcl_ra {
    uint64_t start, prev; /* of the window; page read last */
    uint32_t inode;
    uint32_t size, async; /* pages; async: those behind the marker */
    uint32_t misses;      /* faults that missed, less those that hit */
    uint32_t used;
    uint32_t order; /* of new folios, before the file's max_order */
};

#define PCL_RA_FILES 4 /* windows of a task: a file takes the place of one 4 numbers away */

struct pcl_step;

#define PCL_MAX_LABELS 96

/* A path as the interpreter uses it: the steps, where each label stands, and which step is the first
 * one from each on that is no label. */
struct pcl_path {
    const struct pcl_step *steps;
    uint16_t *next; /* [steps] */
    uint16_t at[PCL_MAX_LABELS];
};

/* The micro-step that was taken last; no model state, for the explorer's reports. */
struct pcl_told {
    const struct pcl_step *step;
    uint16_t pc;
    uint8_t phase;
    uint64_t page;
};

struct pcl_kernel {
    struct pcl_machine *m;
    struct pcl_cache *cache;
    enum pcl_fs fs;
    uint8_t option[PCL_N_OPTIONS]; /* the scheme's path options */
    struct pcl_path path[PCL_N_OPS + 1]; /* the last one: the flusher's pass */
    struct pcl_page_locks page;
    struct pcl_pages pages; /* what range locks that hold pages hold */
    struct pcl_range_locks range[PCL_N_ROLES]; /* those of page, pte, mapping-tree, dio unused */
    /* Frames of the calls under way, taken when a call begins: idle tasks have none. Frame 0 is
     * theirs, in no call; interrupt contexts have one each for ever, in the explorer all bodies. */
    struct pcl_call *calls;            /* [n_frames] */
    struct pcl_call_times *call_times; /* [n_frames] */
    uint32_t *free_frame;              /* [cap_frames] of them, n_free */
    uint32_t *frame;                   /* [n_bodies] */
    uint32_t n_frames, cap_frames, n_free;
    uint32_t n_bodies;
    struct pcl_ra *ra;            /* [n_ra] PCL_RA_FILES per body; NULL until a read or fault */
    uint32_t n_ra;
    struct pcl_kinode *inode;
    struct pcl_extents *ext;   /* [n_inodes] */
    struct pcl_visits *visit;  /* [n_inodes] */
    uint32_t n_inodes, cap_inodes;
    uint32_t *mm_spin;            /* [n_mms][n_pte_locks] page-table locks */
    uint32_t n_pte_locks;         /* of an address space */
    struct pcl_vma *vma;          /* made when first met */
    uint32_t *vma_slot;           /* [n_vma_slots] hash of them: number + 1 */
    uint32_t n_vmas, n_vma_slots;
    uint32_t n_mms, cap_mms;
    struct pcl_bio *bio;
    uint32_t n_bios, cap_bios, free_bio;
    uint64_t dirty_background, dirty_limit; /* pages */
    uint32_t flusher;             /* task that writes back, PCL_NONE */
    pcl_ns waited;                /* by operations, for locks; statistics */
    struct pcl_lock_stats writeback_stats; /* waits for PG_writeback */
    struct pcl_lock_stats drain_stats;     /* waits for direct I/O in flight */
    struct pcl_lock_stats entry_stats;     /* DAX: acquisitions of entry locks */
    struct pcl_batch *batch;      /* [n_batches] chunks */
    uint32_t n_batches, cap_batches;
    struct pcl_told told;
    struct pcl_last last;
    pcl_ns starvation;
    void (*starved)(void *arg, const struct pcl_starved *s);
    void (*lock_event)(void *arg, enum pcl_lock_event what, enum pcl_role role, uint32_t object);
    void *told_arg; /* of both */
    uint64_t page_faults, major_faults, reclaimed, throttled;
    uint64_t vma_faults, vma_aborts; /* without mmap_lock, and those that had to take it */
    uint64_t fallbacks; /* direct writes that went through the cache */
    uint64_t migrated, not_migrated, merged, splits;
    uint64_t failed[PCL_N_CALL_ERRORS]; /* calls by what they returned */
};

/** A body's call. The pointer is good until the next call begins. */
static inline struct pcl_call *pcl_call_of(const struct pcl_kernel *k, uint32_t body)
{
    return &k->calls[k->frame[body]];
}

static inline struct pcl_call_times *pcl_times_of(const struct pcl_kernel *k, uint32_t body)
{
    return &k->call_times[k->frame[body]];
}

int pcl_kernel_init(struct pcl_kernel *k, struct pcl_machine *m,
                    const struct pcl_kernel_conf *conf, struct pcl_err *err);
void pcl_kernel_fini(struct pcl_kernel *k);

/** Who has marked this folio as under write-back and not yet submitted it: gathers more. PCL_NONE:
 * nobody, it is on its way to the device, or not being written. */
uint32_t pcl_writeback_gatherer(const struct pcl_kernel *k, uint32_t folio);

/** Who writes a folio that is under write-back (PCL_WHO_...); PCL_NONE: nobody knows. */
uint32_t pcl_writeback_who(const struct pcl_kernel *k, uint32_t folio);

/** Another path for an operation (PCL_N_OPS: the flusher's pass), before its first call: how a
 * test sees that a broken one is caught. */
void pcl_kernel_path(struct pcl_kernel *k, enum pcl_op op, const struct pcl_step *steps);

/** A new inode with its locks. mapped: blocks are allocated below size. */
uint32_t pcl_kernel_inode(struct pcl_kernel *k, int64_t size, bool mapped);

/** A new address space. */
uint32_t pcl_kernel_mm(struct pcl_kernel *k);

/** For the explorer: all inodes and address spaces are made; what the kernel keeps becomes model
 * state of the machine. */
void pcl_kernel_register(struct pcl_kernel *k);

/** What a body's call is before its first one, and again when the explorer compares states. */
void pcl_call_forget(struct pcl_kernel *k, uint32_t body);

/** Begins an operation of the running task. */
void pcl_call_begin(struct pcl_kernel *k, const struct pcl_request *r);

/** One micro-step of the running task's operation, and those that may follow it at once
 * (pcl_go_on()); PCL_DONE when it has returned to the user. */
enum pcl_more pcl_call_step(struct pcl_kernel *k);

/** One micro-step of the running interrupt context. */
void pcl_kernel_irq_step(struct pcl_kernel *k);

/** The flusher's own loop, for the task k->flusher: one micro-step. */
void pcl_flusher_step(struct pcl_kernel *k);

/** The mode in which an operation takes a role under a personality, before what the particular
 * call adds (extending writes, aligned direct I/O): 'S', 'X' or '-'. */
char pcl_personality_mode(enum pcl_fs fs, enum pcl_op op, enum pcl_role role);

/** Whether an operation of several pages is one with all others that are: a read sees all or nothing
 * of a write, and of two writes one is the last everywhere. */
bool pcl_personality_whole(enum pcl_fs fs, enum pcl_op op);

/** What stands at a site (pcl_task.site): the name of the path's step ("lock IOLOCK"). */
const char *pcl_site_step(const struct pcl_kernel *k, uint32_t site);

/** Begins to note the last steps of all bodies. */
void pcl_last_init(struct pcl_kernel *k);
/** The last steps of a body, oldest first; out has room for k->last.n. Returns their number. */
uint32_t pcl_last_of(const struct pcl_kernel *k, uint32_t body, const struct pcl_last_step **out);
/** One of them in words, into buf. */
const char *pcl_last_tell(const struct pcl_kernel *k, const struct pcl_last_step *s, char *buf,
                          size_t n);

/** Explorer: what the body's last micro-step was ("page-lock 3", "lookup 2 -> miss"); where its
 * call stands; what a request asks for ("punch pages 1-3"). Into buf. */
const char *pcl_call_told(const struct pcl_kernel *k, uint32_t body, char *buf, size_t n);
const char *pcl_call_stands(const struct pcl_kernel *k, uint32_t body, char *buf, size_t n);
const char *pcl_request_tell(const struct pcl_request *r, char *buf, size_t n);

/** Prints the path of an operation under a personality, one step a line. */
void pcl_path_print(FILE *out, enum pcl_fs fs, enum pcl_op op);

/** The same of a file on DAX (path.dax = yes); false: it is as without. */
bool pcl_path_print_dax(FILE *out, enum pcl_op op);

#endif
