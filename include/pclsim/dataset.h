/*
 * Results as analysis sees them: configurations, and for each the numbers of its replications.
 * A dataset comes from a store or straight from a plan; who reads it cannot tell which.
 *
 *   dataset ── config (workload x parameter point x scheme x machine x model build)
 *                ├── run[i]      one replication: how it ended
 *                └── series[m]   one metric: value[i] belongs to run[i]
 */
#ifndef PCLSIM_DATASET_H
#define PCLSIM_DATASET_H

#include <pclsim/base.h>
#include <pclsim/result.h>

/* What --set, a grid or --clone chose: both as the user would write them. */
struct pcl_param {
    const char *name, *value;
};

/* Everything that runs of one configuration share. Strings are never NULL ("" if not fitting).
 */
struct pcl_config_desc {
    const char *workload; /* short name: "hot-page", "sqlite-insert.strace" */
    const char *kind;     /* "scenario" or "trace" */
    const char *title;    /* one line, what is simulated */
    const char
        *label; /* of the parameter point: "cloned to 64 threads"; "" : the params say it */
    const struct pcl_param *params;
    size_t n_params;
    const char *scheme;      /* as the user wrote it */
    const char *scheme_text; /* canonical */
    const char *machine;
    const char *machine_text;  /* canonical */
    const char *scenario_text; /* effective and canonical; "" for a trace */
    const char *trace_sha256;  /* "" for a scenario */
    const char *replay;        /* options of the replay, canonical; "" for a scenario */
    const char *varies;        /* what differs between replications, for people */
    const char *source; /* SHA-256 of the scenario before a grid or --set chose; "" for a trace. It
                           tells scenarios apart, not configurations */
    const char *build;         /* version of the model */
};

/* The scheme of runs that were not simulated but carried out for real (pclsim/validation.h). */
#define PCL_MEASURED "measured"

/* One run before it has run: what it will be filed under. */
struct pcl_run_desc {
    char key[65]; /* pcl_job_key() */
    struct pcl_config_desc config;
    uint64_t seed;
    uint32_t replication;
};

/* How one run ended. */
struct pcl_run_row {
    char key[65];
    uint64_t seed;
    uint32_t replication;
    bool failed;
    int code;          /* PCL_OK, PCL_ELAW ... */
    const char *error; /* "" when done */
    pcl_ns sim_ns, warmup_ns;
    uint64_t ops, events, fingerprint, violations;
};

/* One metric of one configuration. */
struct pcl_series {
    char name[40], object[40], unit[12];
    enum pcl_better better;
    double *value; /* [n_runs] of the configuration; NaN: this run has none, or failed */
};

struct pcl_config {
    struct pcl_config_desc desc;
    struct pcl_run_row *run; /* in the order in which they were added */
    size_t n_runs, cap_runs;
    struct pcl_series *series;
    size_t n_series;
    uint64_t hash, point_hash; /* of the description, with and without the scheme */
};

struct pcl_dataset {
    struct pcl_arena arena; /* strings */
    struct pcl_config **config;
    size_t n_configs;
    uint64_t *key; /* beginnings of the keys of all runs, a hash table; 0: free */
    size_t n_keys, cap_keys;
};

void pcl_dataset_init(struct pcl_dataset *d);
void pcl_dataset_fini(struct pcl_dataset *d);

/** The configuration of that description, made when missing. Copies the strings. */
struct pcl_config *pcl_dataset_config(struct pcl_dataset *d,
                                      const struct pcl_config_desc *desc);

/** Adds one finished run; copies what it keeps. A run whose key is there already is left out.
 */
void pcl_dataset_add(struct pcl_dataset *d, const struct pcl_run_desc *desc,
                     const struct pcl_result *r);

/** The same where the configuration is at hand: pcl_dataset_config(). */
void pcl_dataset_add_to(struct pcl_dataset *d, struct pcl_config *c,
                        const struct pcl_run_desc *desc, const struct pcl_result *r);

/** The series of a metric, or NULL. */
const struct pcl_series *pcl_config_series(const struct pcl_config *c, const char *name,
                                           const char *object);

/** The value of a parameter, or NULL when this configuration does not name it. */
const char *pcl_config_param(const struct pcl_config *c, const char *name);

/** True when two configurations differ in nothing but the scheme. */
bool pcl_same_point(const struct pcl_config *a, const struct pcl_config *b);

/** Pairs two series by (seed, replication): writes the values of runs that both have, NaN left
 * out, and returns their number. xa and xb have room for ca->n_runs values. */
size_t pcl_series_pairs(const struct pcl_config *ca, const struct pcl_series *sa,
                        const struct pcl_config *cb, const struct pcl_series *sb, double *xa,
                        double *xb);

/** A parameter value or a number in an expression as a number: plain, %, with a unit of time
 * (in ns), or a size when size is true. False when it is a word. */
bool pcl_number_of(const char *text, bool size, double *out);

/* Runs in the set, and how they ended. */
struct pcl_dataset_counts {
    size_t runs, failed, violated; /* violated: done, but the oracle objected */
};
struct pcl_dataset_counts pcl_dataset_count(const struct pcl_dataset *d);

/** SHA-256 over keys and fingerprints of all runs of a dataset, in the order of keys: what a
 * table prints as "result hash". */
void pcl_dataset_hash(const struct pcl_dataset *d, char out[65]);

#endif
