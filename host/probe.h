/*
 * What the probes share: the CPUs they may use, the samples of the round under way, and the
 * small arithmetic on samples. A probe measures one group of readings once, in a fraction of a
 * second; rounds of all probes are repeated, so that a disturbance hits one round and not one
 * reading.
 */
#ifndef HOST_PROBE_H
#define HOST_PROBE_H

#include <pclsim/base.h>
#include <pclsim/calibrate.h>

#include "clock.h"

#include <pthread.h>
#include <stdatomic.h>

enum host_scope { HOST_CPU, HOST_DIR };

enum host_reading {
#define HOST_READING(name, scope, what) HOST_R_##name,
#include "readings.def"
#undef HOST_READING
    HOST_N_READINGS
};

struct host_reading_info {
    const char *name;
    enum host_scope scope;
    const char *what;
};

extern const struct host_reading_info host_readings[HOST_N_READINGS];

#define HOST_MAX_CPUS 1024
#define HOST_MAX_ROUNDS 16
#define HOST_PAGE 4096

/* Samples of one reading in one round. */
struct host_samples {
    double *v;
    size_t n, cap;
};

/* One reading over the rounds. */
struct host_series {
    double median[HOST_MAX_ROUNDS], q1[HOST_MAX_ROUNDS], q3[HOST_MAX_ROUNDS];
    unsigned rounds;
    uint64_t samples;
};

struct host_cpu {
    int id;                /* of the kernel */
    int core, llc, socket; /* first CPU of the core, of the cache; package number */
};

/* A pair of CPUs of each distance, -1: there is none. */
struct host_pairs {
    int a[3], b[3]; /* indices into cpu: same cache, same socket, other socket */
};

struct host {
    struct host_cpu cpu[HOST_MAX_CPUS];
    int n_cpus;
    struct host_pairs pairs;
    const volatile int *cancel;
    struct host_samples cur[HOST_N_READINGS];
    int fd;         /* the file of the DIR under way, -1 */
    enum pcl_fs fs; /* of that DIR; PCL_N_FS: one that is not modelled */
};

/** A sample of a reading in this round, in the reading's unit. */
void host_add(struct host *h, enum host_reading r, double v);

/** Whether the user wants to stop. */
static inline bool host_stop(const struct host *h)
{
    return h->cancel && *h->cancel;
}

/** Lets the calling thread run on all of the CPUs again. */
void host_unpin(const struct host *h);

/** Binds the calling thread to a CPU (an index into h->cpu). */
void host_pin(const struct host *h, int cpu);

/** Finds the CPUs that this process may use and how they lie to each other. */
void host_topology(struct host *h);

/** Median, quartiles of the round's samples go into the series; the samples are dropped. */
void host_end_round(struct host *h, struct host_series *series);
void host_drop_samples(struct host *h);

/** Quantile q of n sorted values, n > 0. */
double host_quantile(const double *sorted, size_t n, double q);
void host_sort(double *v, size_t n);

/** Each probes one group of readings. Those that cannot be measured here add no sample. */
void host_probe_core(struct host *h);    /* probe_core.c */
void host_probe_lines(struct host *h);   /* probe_core.c */
void host_probe_sched(struct host *h);   /* probe_sched.c */
void host_probe_wakes(struct host *h);   /* probe_sched.c */
void host_probe_memory(struct host *h);  /* probe_memory.c */
void host_probe_cached(struct host *h);  /* probe_file.c */
void host_probe_punches(struct host *h); /* probe_file.c */
void host_probe_device(struct host *h);  /* probe_device.c */

#endif
