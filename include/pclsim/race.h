/*
 * All interleavings of a scenario's tasks: is there one in which somebody sees what he must not, or
 * waits for ever? Each task makes the first few transactions that it would make in a run, and ends.
 * There is no time; costs, schedulers and cache lines do not matter, the order of accesses does.
 */
#ifndef PCLSIM_RACE_H
#define PCLSIM_RACE_H

#include <pclsim/explore.h>
#include <pclsim/paths.h>
#include <pclsim/run.h>

struct pcl_race_conf {
    const struct pcl_job *job; /* scenario, scheme, seed, replication; the machine plays no part */
    int64_t each;              /* transactions of each task, >= 1 */
    int64_t preemptions;       /* at most so many; -1: any number */
    int64_t states;            /* give up beyond that many, of one bound */
    const struct pcl_sample_conf *sample; /* draw schedules in place of a search; NULL: search */
    const char *checkpoint;    /* file to leave one's place in; may be NULL */
    /* Tests: breaks a path before the first step; may be NULL. */
    void (*alter)(struct pcl_kernel *k);
    void (*progress)(void *arg, const struct pcl_explore_progress *p, int64_t preemptions);
    void *arg;
    const volatile int *cancel;
};

/* Bounds of 0 to this many preemptions are searched before all interleavings: what is found then
 * needs as few as possible. */
#define PCL_RACE_FIRST_BOUNDS 3

struct pcl_race_result {
    struct pcl_explore_result found; /* of the last search */
    int64_t preemptions; /* its bound; -1: none */
    int64_t exhausted;   /* largest bound under which everything was looked at: -2 none, -1 all
                            interleavings */
    uint64_t states;     /* of all searches together */
    uint32_t tasks;
    char kind[40];       /* "stale data", "deadlock", "livelock" ...; "" when nothing was found */
    char text[1024];     /* what is wrong, one line */
};

/** Searches with bounds of 0, 1, 2, 3 preemptions, then without (as far as conf->preemptions
 * allows), until something is found. Errors: the scenario does not fit (too many tasks, open
 * arrivals), a wrong checkpoint. Free the result with pcl_race_fini in any case. */
int pcl_race_search(const struct pcl_race_conf *conf, struct pcl_race_result *out,
                    struct pcl_err *err);
void pcl_race_fini(struct pcl_race_result *r);

/** Prints what happens under a schedule as columns, one for each task, in width characters or
 * less. Fails when the text is no schedule of this scenario. */
int pcl_race_print(const struct pcl_race_conf *conf, const char *schedule, FILE *out, int width,
                   struct pcl_err *err);

/** The same search as a result that can be stored and compared: metrics "violations" (of "all"
 * and of the kind found), "states", "preemptions" and "exhausted". */
int pcl_race_run(const struct pcl_job *job, struct pcl_result *out, const volatile int *cancel,
                 struct pcl_err *err);

#endif
