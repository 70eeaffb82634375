/*
 * The result of one run as plain data: what the store keeps and all analysis starts from. It owns
 * all it points to and knows nothing of the simulation that made it.
 */
#ifndef PCLSIM_RESULT_H
#define PCLSIM_RESULT_H

#include <pclsim/base.h>
#include <pclsim/hist.h>

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

/* One lock class in one mode, with the columns of /proc/lock_stat. */
struct pcl_lock_row {
    char name[40]; /* "page", "iolock" ... */
    char mode;     /* 'S' shared, 'X' exclusive */
    uint64_t acquisitions, contentions, con_bounces, acq_bounces;
    pcl_ns wait_min, wait_max, wait_total;
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
};

struct pcl_violation {
    char kind[40]; /* "stale data" ... */
    pcl_ns at;
    char text[512]; /* one line: who, where */
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
    char error[512];
    pcl_ns sim_ns;    /* measured interval of simulated time */
    pcl_ns warmup_ns; /* cut before it */
    uint64_t ops;     /* operations completed in the measured interval */
    uint64_t events;
    uint64_t fingerprint; /* of the semantic transitions of the whole run */
    struct pcl_metric *metrics;
    size_t n_metrics;
    struct pcl_named_hist *hists;
    size_t n_hists;
    struct pcl_lock_row *locks;
    size_t n_locks;
    struct pcl_violation *violations; /* the first 100 */
    size_t n_violations;
    uint64_t total_violations;
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
struct pcl_lock_row *pcl_result_add_lock(struct pcl_result *r, const char *name, char mode);
/** Counts a violation; NULL when it is only counted because 100 are kept already. */
struct pcl_violation *pcl_result_add_violation(struct pcl_result *r);

#endif
