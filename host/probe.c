/*
 * Samples and rounds: a reading's value in a round is the median of its samples, and rounds are
 * kept apart, because what disturbs a guest lasts longer than a probe.
 */
#include "probe.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU HOST_CPU
#define DIR HOST_DIR
const struct host_reading_info host_readings[HOST_N_READINGS] = {
#define HOST_READING(name, scope, what) {#name, scope, what},
#include "readings.def"
#undef HOST_READING
};
#undef CPU
#undef DIR

void host_add(struct host *h, enum host_reading r, double v)
{
    struct host_samples *s = &h->cur[r];

    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 256;
        s->v = pcl_xrealloc(s->v, s->cap, sizeof(*s->v));
    }
    s->v[s->n++] = v;
}

void host_sort(double *v, size_t n)
{
    gsl_sort(v, 1, n);
}

double host_quantile(const double *sorted, size_t n, double q)
{
    return gsl_stats_quantile_from_sorted_data(sorted, 1, n, q);
}

void host_end_round(struct host *h, struct host_series *series)
{
    for (int r = 0; r < HOST_N_READINGS; r++) {
        struct host_samples *s = &h->cur[r];
        struct host_series *out = &series[r];

        if (s->n == 0 || out->rounds == HOST_MAX_ROUNDS)
            continue;
        host_sort(s->v, s->n);
        out->median[out->rounds] = host_quantile(s->v, s->n, 0.5);
        out->q1[out->rounds] = host_quantile(s->v, s->n, 0.25);
        out->q3[out->rounds] = host_quantile(s->v, s->n, 0.75);
        out->samples += s->n;
        out->rounds++;
        s->n = 0;
    }
}

void host_drop_samples(struct host *h)
{
    for (int r = 0; r < HOST_N_READINGS; r++) {
        free(h->cur[r].v);
        h->cur[r] = (struct host_samples){0};
    }
}

void host_pin(const struct host *h, int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)h->cpu[cpu].id, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

void host_unpin(const struct host *h)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int i = 0; i < h->n_cpus; i++)
        CPU_SET((size_t)h->cpu[i].id, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

/* --- how the CPUs lie -----------------------------------------------------------------------
 */

/* The first number of a one-line file of sysfs, or fallback. */
static int number_of(const char *path, int fallback)
{
    char line[64] = "";
    FILE *f = fopen(path, "r");
    char *end = line;
    long v = 0;

    if (!f)
        return fallback;
    if (fgets(line, sizeof(line), f))
        v = strtol(line, &end, 10);
    (void)fclose(f);
    return end == line || v < 0 ? fallback : (int)v;
}

/* The first CPU that shares the largest cache of a CPU. */
static int llc_of(int cpu)
{
    char path[128];
    int best = 0, llc = 0;

    for (int i = 0; i < 8; i++) {
        int level;

        (void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cache/index%d/level",
                       cpu, i);
        level = number_of(path, -1);
        if (level <= best)
            continue;
        best = level;
        (void)snprintf(path, sizeof(path),
                       "/sys/devices/system/cpu/cpu%d/cache/index%d/shared_cpu_list", cpu, i);
        llc = number_of(path, 0);
    }
    return llc;
}

static int distance(const struct host_cpu *a, const struct host_cpu *b)
{
    return a->socket != b->socket ? 2 : a->llc != b->llc ? 1 : 0;
}

void host_topology(struct host *h)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    (void)sched_getaffinity(0, sizeof(set), &set);
    for (int i = 0; i < CPU_SETSIZE && h->n_cpus < HOST_MAX_CPUS; i++) {
        char path[128];

        if (!CPU_ISSET((size_t)i, &set))
            continue;
        (void)snprintf(path, sizeof(path),
                       "/sys/devices/system/cpu/cpu%d/topology/physical_package_id", i);
        h->cpu[h->n_cpus] = (struct host_cpu){i, i, llc_of(i), number_of(path, 0)};
        (void)snprintf(path, sizeof(path),
                       "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i);
        h->cpu[h->n_cpus++].core = number_of(path, i);
    }
    for (int d = 0; d < 3; d++)
        h->pairs.a[d] = h->pairs.b[d] = -1;
    for (int i = 0; i < h->n_cpus; i++)
        for (int j = i + 1; j < h->n_cpus; j++) {
            int d = distance(&h->cpu[i], &h->cpu[j]);

            if (h->pairs.a[d] >= 0 && h->cpu[h->pairs.a[d]].core != h->cpu[h->pairs.b[d]].core)
                continue;
            if (h->pairs.a[d] >= 0 && h->cpu[i].core == h->cpu[j].core)
                continue; /* threads of one core share its first cache */
            h->pairs.a[d] = i;
            h->pairs.b[d] = j;
        }
}
