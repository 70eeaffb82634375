/*
 * One simulation from configuration to result, and plans of many. A run is single-threaded and has
 * no global state; parallelism is across runs. Results reach the caller in plan order whatever
 * the number of workers.
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

/** The version of the model: results of other versions never count as done. */
const char *pcl_model_build(void);

struct pcl_progress {
    size_t done, total;
    double seconds;
};

/** Runs jobs on workers threads (0: all CPUs); sink gets each result in plan order in the calling
 * thread and may take its contents (re-init it). progress may be NULL. Stops early with
 * PCL_EINTR when *cancel becomes non-zero (results of finished runs before the gap were sunk). */
int pcl_run_plan(const struct pcl_job *jobs, size_t n, unsigned workers,
                 int (*sink)(size_t i, struct pcl_result *r, void *arg),
                 void (*progress)(const struct pcl_progress *p, void *arg), void *arg,
                 const volatile int *cancel, struct pcl_err *err);

#endif
