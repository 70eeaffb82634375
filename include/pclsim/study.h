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
    uint32_t reps; /* exactly so many; 0: the scenario's, for a trace 10 */
    bool has_seed;
    uint64_t seed; /* else the scenario's, for a trace 1 */
    bool no_grid;  /* the scenario as it stands, its [grid] left out */
    bool check, no_runahead;
    bool explore; /* a scenario with [explore] is explored, once: there is nothing to repeat */
};

struct pcl_study {
    struct pcl_job *jobs;
    struct pcl_run_desc *descs; /* descs[i] files jobs[i] */
    size_t n_jobs;
    size_t n_points, n_schemes;
    uint32_t reps;
    uint64_t seed;
    const struct pcl_scheme *schemes;    /* [n_schemes] */
    const struct pcl_scenario *scenario; /* of the first point; NULL for a trace */
    const struct pcl_profile *machine;   /* of the first point */
    struct pcl_study_memory *memory;     /* private */
};

int pcl_study_new(const struct pcl_study_spec *spec, struct pcl_study **out,
                  struct pcl_err *err);
void pcl_study_free(struct pcl_study *s);

struct pcl_study_progress {
    size_t done, total; /* runs; reused ones included */
    size_t reused, failed;
    double seconds; /* since the start */
    const struct pcl_study *study;
};

struct pcl_study_hooks {
    /* After each finished run, in the calling thread. May be NULL. */
    void (*progress)(const struct pcl_study_progress *p, void *arg);
    /* Each result in plan order, those read from the store included; a negative return stops
     * the study with that code. May be NULL. */
    int (*result)(size_t job, const struct pcl_result *r, bool reused, void *arg);
    void *arg;
};

/** Runs what is missing. store may be NULL; if not, finished runs are taken from it and new
 * ones go in, one transaction each. workers 0: all CPUs. hooks, out and cancel may be NULL; out
 * must be initialised. A failed run is a result, not an error: see pcl_dataset_count().
 * PCL_EINTR when cancelled; what finished is stored. */
int pcl_study_run(const struct pcl_study *s, unsigned workers, struct pcl_store *store,
                  const struct pcl_study_hooks *hooks, const volatile int *cancel,
                  struct pcl_dataset *out, struct pcl_err *err);

#endif
