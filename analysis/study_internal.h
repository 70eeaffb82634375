/*
 * What the files of a study share. All texts are malloc'ed.
 */
#ifndef PCLSIM_STUDY_INTERNAL_H
#define PCLSIM_STUDY_INTERNAL_H

#include <pclsim/study.h>

struct pcl_study_memory {
    struct pcl_arena arena; /* texts, parameters, schemes, machines */
    struct pcl_scenario **scenario;
    size_t n_scenarios;
};

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
