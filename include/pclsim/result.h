/*
 * The result of one run as plain data: what the store keeps and all analysis starts from. It owns
 * all it points to and knows nothing of the simulation that made it.
 */
#ifndef PCLSIM_RESULT_H
#define PCLSIM_RESULT_H

#include <pclsim/base.h>
#include <pclsim/course.h>
#include <pclsim/hist.h>
#include <pclsim/windows.h>

enum pcl_better {
    PCL_BETTER_NONE,
    PCL_BETTER_LOWER,
    PCL_BETTER_HIGHER
};

/* One number. object says of what: "all", an operation ("read"), a lock class ("page"). */
struct pcl_metric {
    char name[40];
    char object[40];
    char unit[12]; /* "op/s", "ns", "B", "count", "ratio" */
    enum pcl_better better;
    double value; /* NaN: not defined in this run (no sample) */
};

struct pcl_named_hist {
    char name[40], object[40]; /* "latency" of "read", "wait" of "page" */
    struct pcl_hist h;         /* ns */
};

struct pcl_named_course {
    char lock[40];
    struct pcl_course t; /* from the begin of the measured interval */
};

/* What waits were spent on; the sum is the waits. */
struct pcl_wait_split {
    pcl_ns line;       /* cache lines on their way */
    pcl_ns spinlock;   /* the lock's internal spinlock */
    pcl_ns optimistic; /* spinning beside a running owner, or for a time */
    pcl_ns conflict;   /* asleep, until chosen to be woken: somebody held it */
    pcl_ns wakeup;     /* from then on, or preempted, until running */
    pcl_ns cpu;        /* instructions of the lock; interrupts meanwhile */
};

/* One lock class in one mode, with the columns of /proc/lock_stat. */
struct pcl_lock_row {
    char name[40]; /* "page", "iolock" ... */
    char mode;     /* 'S' shared, 'X' exclusive */
    uint64_t acquisitions, contentions, con_bounces, acq_bounces;
    pcl_ns wait_min, wait_max, wait_total;
    struct pcl_wait_split split; /* of wait_total */
    pcl_ns hold_min, hold_max, hold_total;
    /* of the class, in the row of its exclusive mode; of the shared one when that is all it has
     */
    uint64_t steals, handoffs, lost_retries, trylock_failures;
    uint64_t walk_visits, walk_foreign, walks; /* entries seen by wake walks, of other pages */
    uint64_t walk_max, walk_foreign_max;       /* in one walk */
    uint64_t wasted_wakes;                     /* wake-ups after which the waiter slept again */
    uint64_t sleeps;                           /* context switches of waiters */
    uint64_t line_transfers;                   /* of cache lines, by operations of the class */
    uint64_t bypass_max; /* most later arrivals that were served before one waiter */
    pcl_ns irqs_off_max; /* under its spinlocks, in tasks and in interrupts */
    pcl_ns irqs_off_in_irq; /* all of them in one interrupt, at most */
};

/* Waits of a class that were alike: what waited, and who was in its way when it began to. */
struct pcl_blocked_row {
    char lock[40];
    char waiter[24], holder[24], behind[24]; /* operations; behind: the request before it in line,
                                                "": none. A page that a read is filling is held by
                                                "read i/o" */
    char waiter_mode, holder_mode, behind_mode; /* 'S', 'X'; '-' beside "" */
    uint64_t count;
    pcl_ns total, longest;
};

/* Where a class was contended: a step of a path, as lock_stat names call sites. */
struct pcl_lock_point {
    char lock[40];
    bool holds;    /* it had the lock; false: it had to wait */
    char at[24];   /* "write.12": operation and number of the step */
    char what[64]; /* "write: lock IOLOCK" */
    uint64_t count;
};

struct pcl_violation {
    char kind[40]; /* "stale data" ... */
    pcl_ns at;
    char text[1024];/* one line: who, where */
    char *steps;    /* the steps that led to it, lines; may be NULL */
};

struct pcl_result {
    /* what was run */
    char scheme[128];
    uint64_t seed;
    uint32_t replication;
    /* how it ended: "done", or "failed" with error set */
    bool failed;
    int code; /* PCL_OK, PCL_ELAW ... */
    char error[1100];
    pcl_ns sim_ns;    /* measured interval of simulated time */
    pcl_ns warmup_ns; /* cut before it */
    uint64_t ops;     /* operations completed in the measured interval */
    uint64_t events;
    uint64_t fingerprint; /* of the semantic transitions of the whole run */
    struct pcl_metric *metrics;
    size_t n_metrics;
    struct pcl_named_hist *hists;
    size_t n_hists;
    struct pcl_named_course *courses;
    size_t n_courses;
    struct pcl_lock_row *locks;
    size_t n_locks;
    struct pcl_blocked_row *blocked; /* by class, the longest total first */
    size_t n_blocked;
    struct pcl_lock_point *points; /* by class, the waiters' first, the most frequent first */
    size_t n_points;
    struct pcl_violation *violations; /* the first 100 */
    size_t n_violations;
    uint64_t total_violations;
    struct pcl_windows windows; /* the measured interval of a run that need not end; not stored */
    /* not part of the canonical result: wall_s goes into run_host, the others are for bench */
    double wall_s;
    uint64_t run_ops;      /* operations completed, the warm-up's included */
    double bytes_per_task; /* host memory of the structures that grow with the tasks */
};

/* What an add function returns is valid until the next add of the same kind. Names are cut to fit
 * and a (name, object) is added once; nobody looks for a double. */
void pcl_result_init(struct pcl_result *r);
void pcl_result_fini(struct pcl_result *r);
struct pcl_metric *pcl_result_add(struct pcl_result *r, const char *name, const char *object,
                                  const char *unit, enum pcl_better better, double value);
/** NULL when absent. */
const struct pcl_metric *pcl_result_find(const struct pcl_result *r, const char *name,
                                         const char *object);
struct pcl_hist *pcl_result_add_hist(struct pcl_result *r, const char *name, const char *object);
struct pcl_course *pcl_result_add_course(struct pcl_result *r, const char *lock);
struct pcl_lock_row *pcl_result_add_lock(struct pcl_result *r, const char *name, char mode);
struct pcl_blocked_row *pcl_result_add_blocked(struct pcl_result *r);
struct pcl_lock_point *pcl_result_add_point(struct pcl_result *r);
/** Counts a violation; NULL when it is only counted because 100 are kept already. */
struct pcl_violation *pcl_result_add_violation(struct pcl_result *r);

#endif
