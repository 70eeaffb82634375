/*
 * One simulation from configuration to result, and plans of many. A run is single-threaded and has
 * no global state; parallelism is across runs, and the number of workers changes no result.
 */
#ifndef PCLSIM_RUN_H
#define PCLSIM_RUN_H

#include <pclsim/profile.h>
#include <pclsim/result.h>
#include <pclsim/scenario.h>
#include <pclsim/scheme.h>
#include <pclsim/trace.h>

enum pcl_replay {
    PCL_REPLAY_THINK, /* per-thread order, recorded think time between end and next start */
    PCL_REPLAY_OPEN,  /* recorded start times */
    PCL_REPLAY_ASAP,  /* order only */
    PCL_REPLAY_SCALED /* think divided by a factor */
};

struct pcl_replay_opts {
    enum pcl_replay mode;
    double factor;    /* SCALED: 2 replays twice as fast */
    uint32_t clone;   /* copies of the trace on the same files, >= 1 */
    pcl_ns max_think; /* longer gaps are cut to this */
    enum pcl_fs fs;
};

/* What to run once: everything that the result depends on. */
struct pcl_job {
    const struct pcl_scenario *scenario; /* NULL: a replay */
    const struct pcl_trace *trace;       /* NULL: a scenario */
    struct pcl_replay_opts replay;
    const struct pcl_scheme *scheme;
    const struct pcl_profile *machine;
    uint64_t seed;
    uint32_t replication;
    bool check;      /* check laws and the oracle while running */
    bool no_runahead; /* ablation: same bytes, slower */
    bool explore;     /* look at all interleavings (pclsim/race.h) in place of a timed run */
};

/** Runs one job. A broken law is a result with failed set and code PCL_ELAW, not an error
 * return; errors are wrong configurations. out must be initialised. cancel may be NULL. */
int pcl_run(const struct pcl_job *job, struct pcl_result *out, const volatile int *cancel,
            struct pcl_err *err);

/** Canonical key of a job: SHA-256 over model build, scenario, scheme, machine, trace hash,
 * options, replication, seed (design decision D11). out has room for 65. */
void pcl_job_key(const struct pcl_job *job, char out[65]);

/* The part of it that does not depend on the replication, for many of them. */
struct pcl_key_stem {
    struct pcl_sha256 hash;
};

void pcl_job_key_stem(const struct pcl_job *job, struct pcl_key_stem *out);
void pcl_job_key_at(const struct pcl_key_stem *stem, const struct pcl_job *job, char out[65]);

/** The version of the model: results of other versions never count as done. */
const char *pcl_model_build(void);

/* Many jobs, and what becomes of their results. arg is handed to each function. */
struct pcl_plan {
    size_t n;
    unsigned workers; /* threads; 0: all CPUs */
    /* Job i; called by any thread, the same whenever it is asked. */
    void (*job)(size_t i, struct pcl_job *out, void *arg);
    /* Each result when its run ends, in any order, in the calling thread; may take its contents
     * (re-init it). A job that could not run at all has failed set, and the code and message of the
     * error. A negative return stops the plan with that code. */
    int (*sink)(size_t i, struct pcl_result *r, void *arg);
    /* When no further result waits: the time to write down what came together. May be NULL. */
    int (*rest)(void *arg);
    void *arg;
    const volatile int *cancel; /* stops when it becomes non-zero; may be NULL */
};

/** Runs a plan. At most a bounded number of runs begins before the first one that is not over, so a
 * sink that puts results in order keeps few. PCL_EINTR when cancelled: what had ended went to the
 * sink. Otherwise sink's and rest's codes, and their messages. */
int pcl_run_plan(const struct pcl_plan *p, struct pcl_err *err);

#endif
