/*
 * A study: a scenario or trace, times its grid, times schemes, times replications, expanded
 * into jobs; and the way to have them run, stored and collected. Schemes of one replication
 * share the seed (common random numbers). Job i belongs to
 *
 *     point = i / (n_schemes * reps),  scheme = i / reps % n_schemes,  replication = i % reps
 */
#ifndef PCLSIM_STUDY_H
#define PCLSIM_STUDY_H

#include <pclsim/base.h>
#include <pclsim/dataset.h>
#include <pclsim/run.h>
#include <pclsim/stats.h>
#include <pclsim/store.h>

/* What the user asked for. All strings are borrowed for the call of pcl_study_new only; the
 * trace is borrowed for the life of the study. */
struct pcl_study_spec {
    const char *scenario;      /* path or shipped name; NULL: a trace is replayed */
    const char *scenario_text; /* if not NULL: the text itself, scenario is its name */
    const struct pcl_trace *trace;
    struct pcl_replay_opts replay; /* clone is taken from clones if there are any */
    const uint32_t *clones;        /* trace: one parameter point per entry */
    size_t n_clones;
    const char *const *schemes; /* specs as --scheme takes them; none: the scenario's own, for a
                                   trace v5.8, v5.9-rc1 and v5.9 */
    size_t n_schemes;
    const struct pcl_schemes
        *known;             /* where names are looked up; NULL: pcl_schemes_default() */
    const char *machine;    /* name or file; NULL: the scenario's, for a trace server-2s */
    const char *const *set; /* [section.]key=value; machine.KEY=value goes to the machine.
                               A key that is an axis of the grid pins that axis */
    size_t n_set;
    const char *const *vary; /* KEY=VALUE,VALUE,...: an axis of the grid, in place of one there */
    size_t n_vary;
    uint32_t reps; /* exactly so many; 0: the scenario's, for a trace 10 */
    uint32_t most; /* with a precision: up to so many; 0: as many as reps */
    bool has_seed;
    uint64_t seed; /* else the scenario's, for a trace 1 */
    bool no_grid;  /* the scenario as it stands, its [grid] left out */
    bool check, no_runahead;
    bool explore; /* a scenario with [explore] is explored, once: there is nothing to repeat */
};

struct pcl_study {
    size_t n_jobs; /* n_points * n_schemes * reps */
    size_t n_points, n_schemes;
    uint32_t reps;  /* of a cell, at most */
    uint32_t least; /* that it always has; the same without a precision */
    uint64_t seed;
    const struct pcl_scheme *schemes;    /* [n_schemes] */
    const struct pcl_scenario *scenario; /* of the first point; NULL for a trace */
    const struct pcl_profile *machine;   /* of the first point */
    struct pcl_study_memory *memory;     /* private */
};

int pcl_study_new(const struct pcl_study_spec *spec, struct pcl_study **out,
                  struct pcl_err *err);
void pcl_study_free(struct pcl_study *s);

/** Job i, what it is filed under, and its key: of the study and i alone, from any thread. They
 * point into the study. */
void pcl_study_job(const struct pcl_study *s, size_t i, struct pcl_job *out);
void pcl_study_desc(const struct pcl_study *s, size_t i, struct pcl_run_desc *out);
void pcl_study_key(const struct pcl_study *s, size_t i, char out[65]);

static inline size_t pcl_study_point_of(const struct pcl_study *s, size_t i)
{
    return i / s->reps / s->n_schemes;
}

static inline size_t pcl_study_scheme_of(const struct pcl_study *s, size_t i)
{
    return i / s->reps % s->n_schemes;
}

static inline uint32_t pcl_study_rep_of(const struct pcl_study *s, size_t i)
{
    return (uint32_t)(i % s->reps);
}

/* How one run ended, in short. */
struct pcl_study_outcome {
    bool failed, violated, reused;
    int code;
    char error[256]; /* of a failed run */
    double value;    /* of the metric whose precision was asked for; NaN */
    double wall_s;
};

struct pcl_study_progress {
    size_t done, total; /* runs, so far; a precision that is not reached adds to total */
    size_t reused, failed;
    double seconds; /* since the start */
    bool looked;    /* the next is set: a precision was asked for, and there was a look */
    double widest;  /* relative half-width of the widest interval at the last look */
    const struct pcl_study *study;
};

struct pcl_study_hooks {
    /* After each finished run, in the calling thread. May be NULL. */
    void (*progress)(const struct pcl_study_progress *p, void *arg);
    /* Each result in plan order, those read from the store included; a negative return stops
     * the study with that code. May be NULL: then nothing is read from the store. */
    int (*result)(size_t job, const struct pcl_result *r, bool reused, void *arg);
    /* Each run that has ended, in any order. May be NULL. */
    void (*ended)(size_t job, const struct pcl_study_outcome *o, void *arg);
    void *arg;
};

/* Replications are added to a point until all its intervals are narrow enough. All schemes of a
 * point get the same ones. What is run follows from the values alone: not from the workers, nor from
 * interruptions. */
struct pcl_study_precision {
    const char *metric, *object;
    bool change;              /* of the ratio to the first scheme, by pairs; else of the means */
    struct pcl_precision rule; /* most is the study's reps */
    size_t budget;            /* runs in all, spent where intervals are widest; 0: no limit */
};

enum pcl_cell_end {
    PCL_CELL_OPEN,
    PCL_CELL_REACHED,
    PCL_CELL_CAPPED, /* as many replications as there may be */
    PCL_CELL_UNPAID, /* the budget is spent */
    PCL_CELL_BROKEN  /* a run failed or does not have the metric */
};

struct pcl_study_cell {
    enum pcl_cell_end end;
    size_t reps;     /* that were run */
    double relative; /* half-width over |mean| at the last look; HUGE_VAL: none */
    size_t wanted;   /* estimate of the replications it takes; SIZE_MAX: none */
};

/* How to have a study run. All may be 0. */
struct pcl_study_exec {
    unsigned workers;        /* threads; 0: all CPUs */
    struct pcl_store *store; /* what it has is taken from it, the rest goes in */
    const struct pcl_study_hooks *hooks;
    const volatile int *cancel;
    struct pcl_dataset *out; /* initialised */
    bool keep_going;         /* a job that cannot run is a failed run, else an error */
    bool retry_failed;       /* runs that the store has as failed are run again */
    uint32_t shard, shards;  /* part number shard, from 0, of shards; 0: the whole */
    const struct pcl_study_precision *precision;
    struct pcl_study_cell *cells; /* with precision: [n_points * n_schemes], is filled */
    struct pcl_ranks *ranks; /* processes that do the work in place of threads; no hooks->result and
                                no out then */
};

/** Runs what is missing. A failed run is a result, not an error, and so is a precision that was not
 * reached. PCL_EINTR when cancelled; what finished is stored. */
int pcl_study_run(const struct pcl_study *s, const struct pcl_study_exec *e,
                  struct pcl_err *err);

/** Does run i belong to the exec's shard? Runs are dealt out one by one; with a precision points
 * are, since their replications are counted together. */
bool pcl_study_in_shard(const struct pcl_study *s, const struct pcl_study_exec *e, size_t i);

#endif
