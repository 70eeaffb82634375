/*
 * The store: one SQLite file with the results of any number of runs. One writer per file; a run
 * goes in whole, in one transaction, or not at all. Wall times, host and dates stand apart in
 * the table run_host, and everything else is equal byte for byte in a canonical dump. The
 * schema is described in docs/store.md.
 */
#ifndef PCLSIM_STORE_H
#define PCLSIM_STORE_H

#include <pclsim/base.h>
#include <pclsim/dataset.h>
#include <pclsim/result.h>

#define PCL_STORE_APPLICATION_ID 0x50434c53 /* "PCLS" */
#define PCL_STORE_SCHEMA 4                  /* PRAGMA user_version */

enum pcl_store_flags {
    PCL_STORE_READ = 0,        /* must exist; nothing is written */
    PCL_STORE_WRITE = 1u << 0, /* made when missing */
};

struct pcl_store;

/** Opens a store; one of an older schema is brought up to this one when it is opened for writing,
 * and read as if it had been. Refuses, with a message that says what the file is instead: files that are no
 * database, databases of other programs, stores of a newer schema. */
int pcl_store_open(const char *path, unsigned flags, struct pcl_store **out,
                   struct pcl_err *err);

/** Closes; NULL is allowed. After this a written store is a single file. */
void pcl_store_close(struct pcl_store *s);

const char *pcl_store_path(const struct pcl_store *s);

/** Files one run. A run that the store has already stays as it is; when its fingerprint is
 * another one this is an error, since equal keys promise equal results. A run stored as failed
 * is replaced. On failure (disk full ...) the store is as it was before. */
int pcl_store_put(struct pcl_store *s, const struct pcl_run_desc *desc,
                  const struct pcl_result *r, struct pcl_err *err);

/** Between these, what is put goes into one transaction: much faster, and after a crash all of it
 * is there or nothing. A put that fails takes it back. */
int pcl_store_begin(struct pcl_store *s, struct pcl_err *err);
int pcl_store_commit(struct pcl_store *s, struct pcl_err *err);

/** Files a configuration before its runs: their order in the store is that of these calls. */
int pcl_store_announce(struct pcl_store *s, const struct pcl_config_desc *desc,
                       struct pcl_err *err);

/* What the store knows of a run without reading it. */
struct pcl_store_peek {
    bool failed;
    int code;
    uint64_t violations;
    char error[256];
    double value;  /* of the metric that was asked for, NaN: none */
    double wall_s; /* of the host that ran it */
};

/** Looks for a run. metric and object may be NULL. False when there is none. */
bool pcl_store_peek(struct pcl_store *s, const char *key, const char *metric,
                    const char *object, struct pcl_store_peek *out);

/** Reads a run back in full (histograms, locks, violations). out must be initialised.
 * PCL_ENOENT when there is none. */
int pcl_store_get(struct pcl_store *s, const char *key, struct pcl_result *out,
                  struct pcl_err *err);

/** One histogram of one run; *found says whether it has it. h need not be initialised, and is to be
 * finished only when found. */
int pcl_store_hist(struct pcl_store *s, const char *key, const char *name, const char *object,
                   struct pcl_hist *h, bool *found, struct pcl_err *err);

/** The course of a lock in one run, likewise. */
int pcl_store_course(struct pcl_store *s, const char *key, const char *lock,
                       struct pcl_course *t, bool *found, struct pcl_err *err);

/** All runs of the store, configurations in the order in which they were first stored. out must
 * be initialised. */
int pcl_store_load(struct pcl_store *s, struct pcl_dataset *out, struct pcl_err *err);

/** Number of runs, done and failed. */
int64_t pcl_store_runs(struct pcl_store *s);

/** The canonical text of everything but run_host: equal results give equal bytes, whatever the
 * order in which they were stored. */
int pcl_store_dump(struct pcl_store *s, FILE *out, struct pcl_err *err);

struct pcl_store_merged {
    int64_t added, present, replaced; /* runs; replaced: failed there, done here */
};

/** Takes over the runs of the store at path: all of them, or none and an error. Runs that are there
 * already stay, so that merging twice is merging once. Refuses another model build, another
 * scenario under the same name, and runs with equal keys but different results. An empty store
 * takes anything. */
int pcl_store_merge(struct pcl_store *s, const char *path, struct pcl_store_merged *out,
                    struct pcl_err *err);

/** The name of the store that rank number n of a sweep writes beside path. */
void pcl_store_rank_path(const char *path, int n, char *out, size_t size);

/** Merges the stores that the ranks of a sweep have left beside s, and removes them. */
int pcl_store_collect(struct pcl_store *s, struct pcl_err *err);

/** Opens read-only, loads, closes. */
int pcl_store_read(const char *path, struct pcl_dataset *out, struct pcl_err *err);

#endif
