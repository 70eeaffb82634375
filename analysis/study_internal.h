/*
 * What the files of a study share. All texts are malloc'ed.
 */
#ifndef PCLSIM_STUDY_INTERNAL_H
#define PCLSIM_STUDY_INTERNAL_H

#include <pclsim/ranks.h>
#include <pclsim/study.h>

/* One way of running: a point of the grid, or a number of clones. */
struct pcl_study_point {
    const struct pcl_scenario *scenario;
    const struct pcl_profile *machine;
    const struct pcl_scheme *scheme; /* [n_schemes] */
    const char *const *scheme_text;
    struct pcl_replay_opts replay;
    struct pcl_config_desc desc; /* without the scheme */
};

struct pcl_study_memory {
    struct pcl_arena arena; /* texts, parameters, schemes, machines */
    struct pcl_study_point *point;
    struct pcl_key_stem *stem; /* by point and scheme */
    const struct pcl_trace *trace;
    bool check, no_runahead, explore;
    struct pcl_scenario **scenario;
    size_t n_scenarios;
};

/** A result in short. p may be NULL. */
struct pcl_study_outcome pcl_study_outcome_of(const struct pcl_result *res,
                                              const struct pcl_study_precision *p);

/** Stores the result of a job. */
int pcl_study_keep(const struct pcl_study *s, size_t job, const struct pcl_result *res,
                   struct pcl_store *store, struct pcl_err *err);

/* --- how precise it is ----------------------------------------------------------------------
 */

/* The values of a study's cells, and what was decided from them. */
struct pcl_goal;

struct pcl_goal *pcl_goal_new(const struct pcl_study *s, const struct pcl_study_exec *e,
                              struct pcl_err *err);
void pcl_goal_free(struct pcl_goal *g);
/** Replications that point is to have, so far; 0 for a point of another shard. */
uint32_t pcl_goal_reps(const struct pcl_goal *g, size_t point);
void pcl_goal_note(struct pcl_goal *g, size_t job, const struct pcl_study_outcome *o);
/** After all runs so far: decides which points get more. False when none does. */
bool pcl_goal_look(struct pcl_goal *g);
/** Relative half-width of the widest interval at the last look. */
double pcl_goal_widest(const struct pcl_goal *g);

/** What differs between the replications of a scenario, in words. */
char *pcl_varies_scenario(const struct pcl_scenario *s, const struct pcl_profile *m);
char *pcl_varies_trace(const struct pcl_profile *m);

/** The last part of the trace's path. */
const char *pcl_trace_name(const struct pcl_trace *t);
/** "strace recording: 2 threads, 3 files, 4112 operations in 1.90 s". */
char *pcl_trace_title(const struct pcl_trace *t);

/** "think", "scaled:2". */
const char *pcl_replay_word(const struct pcl_replay_opts *o, char *buf, size_t n);
/** All options but the number of clones, which is a parameter. */
char *pcl_replay_text(const struct pcl_replay_opts *o);
/** "as recorded: 2 threads", "cloned to 64 threads". */
char *pcl_replay_label(const struct pcl_replay_opts *o, const struct pcl_trace *t);

#endif
