/*
 * One simulation under way: the machine, the kernel, the source of operations, the tasks between
 * them, and what is measured. Private to sim/run.
 */
#ifndef PCLSIM_SIM_H
#define PCLSIM_SIM_H

#include <pclsim/run.h>
#include <pclsim/source.h>

enum pcl_body_phase {
    BODY_NEXT,  /* fetch the next action */
    BODY_THINK, /* its think time */
    BODY_CALL   /* inside the operation */
};

struct pcl_body {
    uint64_t i;      /* operation number */
    pcl_ns begin;    /* of the operation; an open arrival's due time */
    pcl_ns called;   /* when the task made the call */
    pcl_ns tx_begin; /* of the transaction */
    pcl_ns arrival;  /* open: the last one's due time */
    uint64_t done;   /* transactions, measured ones */
    uint8_t phase;
    struct pcl_action action;
};

struct pcl_laws {
    bool on;
    bool broken;
    char text[1088];
    uint32_t deadlocked; /* tasks in a ring at the end of the run */
    int64_t credit;      /* visits that are paid for; below 0: the last look took more */
    int64_t looked;      /* micro-steps when it was counted last */
    uint32_t turn[PCL_N_ROLES]; /* the instance whose invariants are looked at next */
    /* Little's law: the area under the number of operations under way, and their times */
    int64_t under_way;
    pcl_ns area_at;
    pcl_u128 area, times;
};

struct pcl_sim {
    const struct pcl_job *job;
    struct pcl_machine m;
    struct pcl_kernel k;
    struct pcl_source src;
    struct pcl_body *body;
    uint32_t n_work;   /* tasks of the workload; the flusher comes after them */
    uint32_t n_alive;  /* of them, those that have not ended */
    pcl_ns measure_from, end;
    bool warmup_found;   /* warmup = auto, and there is a steady state */
    pcl_ns seen; /* the run stopped here: what comes is known; -1: it did not */
    uint64_t stop_after; /* transactions, 0: none */
    bool measuring;
    uint64_t transactions, ops;
    uint64_t run_ops; /* the warm-up's too */
    struct pcl_hist latency[PCL_N_OPS], all, tx;
    struct pcl_windows windows; /* w NULL: a replay, which ends by itself */
    double bytes[PCL_N_OPS]; /* asked for, of those that move data; exact up to 2^53 */
    pcl_ns late; /* open arrivals: from when they were due to the call, of operations that are over */
    pcl_ns last_done;
    struct pcl_result *out;
    struct pcl_laws laws;
    struct pcl_timeline *timeline; /* who watches; NULL: nobody */
    /* counters at the start of the measured interval */
    uint64_t voluntary0, involuntary0, transfers0, wakes0;
    pcl_ns cause0[PCL_N_CAUSES];
    int64_t runnable0;
};

/* run.c */
/** Runs from the start through the warm-up to the end. Errors as of pcl_run(). */
int sim_run(struct pcl_sim *s, const volatile int *cancel, struct pcl_err *err);

/* body.c */
void sim_step(struct pcl_machine *m, uint32_t body);

/* When a run is measured and when it ends. */
struct pcl_span {
    pcl_ns warmup, end;
    uint64_t ops; /* transactions after which it ends, 0: none */
    bool found;   /* warmup = auto, and there is a steady state */
};

/* setup.c */
/** What the scenario says; of a replay: until it ends. */
struct pcl_span sim_span(const struct pcl_job *job);
int sim_init(struct pcl_sim *s, const struct pcl_job *job, const struct pcl_span *span,
             struct pcl_result *out, struct pcl_err *err);
void sim_fini(struct pcl_sim *s);
/** A wait went on for too long: told by the kernel, and for those that have no end. */
void sim_starved(void *arg, const struct pcl_starved *w);
/** Ends the warm-up: what was counted so far is forgotten. */
void sim_measure(struct pcl_sim *s);

/* steady.c */
/** Adds what the run's own series says: whether it was steady, how sure its means are, modes. */
void sim_collect_series(struct pcl_sim *s);

/* collect.c */
void sim_collect(struct pcl_sim *s);

/** When the run ended: at its time limit, or with the operation that ended it. */
pcl_ns sim_end(const struct pcl_sim *s);

/** Nothing but sweeps that will not be through goes on from now to this time. */
bool sim_foresees(const struct pcl_sim *s, pcl_ns end);
/** The request that a task is locking unit by unit; NULL: none of this role. */
const struct pcl_range_node *sim_sweep_of(const struct pcl_sim *s, const struct pcl_range_locks *R,
                                          uint32_t b);
/** Index bytes that sweeps under way will have taken at the end of the run. */
int64_t sim_sweep_bytes(const struct pcl_sim *s, const struct pcl_range_locks *R);

/* collect_locks.c */
/** Adds the lock classes: rows, metrics, histograms, who was in whose way. */
void sim_collect_locks(struct pcl_sim *s);

/* memory.c */
/** Adds the metrics of kernel memory to the result. */
void sim_collect_memory(struct pcl_sim *s);

/* sweep.c */
void sim_collect_sweeps(struct pcl_sim *s);

/* footprint.c */
/** Host bytes of the arrays that grow with the number of tasks. */
size_t sim_task_bytes(const struct pcl_sim *s);

/* laws.c */
void laws_init(struct pcl_sim *s);
void laws_op_begin(struct pcl_sim *s);
void laws_op_end(struct pcl_sim *s);
/** Looks at the whole state, if the micro-steps since the last time have paid for it. */
void laws_look_if_paid(struct pcl_sim *s);
/** The same now, with credit of its own: the last look. */
void laws_look(struct pcl_sim *s);
/** True when every task of the workload that has not ended waits and nothing is under way that could
 * wake it. */
bool laws_stuck(const struct pcl_sim *s);
/** At the end of the run: nobody may be lost. */
void laws_end(struct pcl_sim *s);
void laws_break(struct pcl_sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
