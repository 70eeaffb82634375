/*
 * Where a task's operations come from: a scenario's groups or a recording. Both answer the same
 * question: what does task t do as its i-th operation, and what does it do before that? The answer
 * depends on (seed, replication, task, i) only, never on the scheme or on time.
 */
#ifndef PCLSIM_SOURCE_H
#define PCLSIM_SOURCE_H

#include <pclsim/big.h>
#include <pclsim/paths.h>
#include <pclsim/run.h>

struct pcl_action {
    pcl_ns think;     /* before the operation */
    bool on_cpu;      /* think computes; else it sleeps */
    bool open;        /* think is the time since the previous arrival, not since its end */
    bool first, last; /* of its transaction */
    struct pcl_request req;
};

/* A file that the run has to set up before it starts. */
struct pcl_source_file {
    int64_t size;
    int64_t cached, cached_at; /* resident bytes */
    int order, max_order;
    bool dirty, mapped;
};

/* What follows from a group alone, worked out once. */
struct pcl_group_plan {
    uint64_t weights;           /* sum of the mix */
    uint64_t places;            /* offsets to pick from, when all operations are of one size */
    enum pcl_op only;           /* the one operation of the mix; PCL_N_OPS: several */
    struct pcl_zipf_law zipf;
    uint64_t scatter;           /* zipf: rank times this, modulo places, is the place */
};

struct pcl_source {
    uint32_t n_tasks, n_mms;
    struct pcl_source_file *files; /* inode i is files[i] */
    uint32_t n_files;
    uint32_t *mm_of;               /* [n_tasks] */
    pcl_ns *start;                 /* [n_tasks] first instant of each task */
    /* False: the task has no i-th operation, it ends. */
    bool (*next)(const struct pcl_source *s, uint32_t task, uint64_t i, struct pcl_action *out);
    /* private */
    const struct pcl_scenario *scenario;
    const struct pcl_trace *trace;
    struct pcl_replay_opts replay;
    uint64_t seed;
    uint32_t replication;
    uint32_t *group_of, *index_in; /* [n_tasks] */
    uint32_t *inode_of;            /* [n_tasks] the file of the task's group */
    struct pcl_group_plan *plan;   /* [n_groups] */
    struct pcl_streams draw[PCL_DRAW_ANALYSIS]; /* by purpose */
    size_t *first_op;              /* replay: [n_threads + 1] into order */
    struct pcl_big order;          /* replay: uint32_t, operations by thread */
};

/** A scenario's tasks; errors: too many tasks or files. */
int pcl_source_scenario(struct pcl_source *s, const struct pcl_scenario *sc, uint64_t seed,
                        uint32_t replication, struct pcl_err *err);

/** A recording's threads, cloned. */
int pcl_source_replay(struct pcl_source *s, const struct pcl_trace *t,
                      const struct pcl_replay_opts *opts, uint64_t seed, uint32_t replication,
                      struct pcl_err *err);

void pcl_source_fini(struct pcl_source *s);

#endif
