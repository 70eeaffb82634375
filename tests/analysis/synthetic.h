/*
 * Made-up results with known numbers: what the tests of store, comparison, figures and claims
 * start from. No simulation is involved.
 */
#ifndef SYNTHETIC_H
#define SYNTHETIC_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/dataset.h>
#include <pclsim/result.h>

/* One run to be: points into itself and into literals. */
struct syn {
    struct pcl_run_desc d;
    struct pcl_param p[4];
    struct pcl_result r;
};

static inline void syn_key(struct syn *s)
{
    char text[1024];
    int n = snprintf(text, sizeof(text), "%s|%s|%s|%llu|%u", s->d.config.workload,
                     s->d.config.scheme, s->d.config.machine, (unsigned long long)s->d.seed,
                     (unsigned)s->d.replication);

    for (size_t i = 0; i < s->d.config.n_params && n < (int)sizeof(text); i++)
        n +=
            snprintf(text + n, sizeof(text) - (size_t)n, "|%s=%s", s->p[i].name, s->p[i].value);
    pcl_sha256_hex(text, strlen(text), s->d.key);
}

/* A scenario run with up to two parameters (NULL: none). End with pcl_result_fini(&s->r). */
static inline void syn_init(struct syn *s, const char *scheme, const char *name,
                            const char *value, uint32_t rep)
{
    *s = (struct syn){.d = {.config = {.workload = "hot-page",
                                       .kind = "scenario",
                                       .title = "many readers fault one page",
                                       .label = "",
                                       .scheme = scheme,
                                       .scheme_text = scheme,
                                       .machine = "server-2s",
                                       .machine_text = "[machine]\nhz = 250\n",
                                       .scenario_text = "[scenario]\nduration = 1s\n",
                                       .trace_sha256 = "",
                                       .replay = "",
                                       .varies = "think times and page addresses",
                                       .build = "model-1"},
                            .seed = 1,
                            .replication = rep}};
    s->d.config.params = s->p;
    if (name) {
        s->p[0] = (struct pcl_param){name, value};
        s->d.config.n_params = 1;
    }
    syn_key(s);
    pcl_result_init(&s->r);
    s->r.seed = 1;
    s->r.replication = rep;
    s->r.sim_ns = 1000000000;
    s->r.warmup_ns = 100000000;
    s->r.ops = 1000 + rep;
    s->r.events = 10000 + rep;
    s->r.fingerprint = UINT64_C(0xf000000000000000) + rep;
    s->r.wall_s = 0.5;
    (void)snprintf(s->r.scheme, sizeof(s->r.scheme), "%s", scheme);
}

/* Noise in [-1, 1], the same for all schemes of a replication. */
static inline double syn_noise(uint32_t rep, unsigned lane)
{
    uint32_t h = (rep + 1) * 2654435761u + lane * 40503u;

    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    return (double)(h % 2001) / 1000.0 - 1.0;
}

static inline void syn_metrics(struct syn *s, double throughput, double p99_ns, double wait_ns,
                               double bytes, double contentions)
{
    struct pcl_result *r = &s->r;

    (void)pcl_result_add(r, "throughput", "all", "op/s", PCL_BETTER_HIGHER, throughput);
    (void)pcl_result_add(r, "latency_p50", "all", "ns", PCL_BETTER_LOWER, p99_ns / 10);
    (void)pcl_result_add(r, "latency_p99", "all", "ns", PCL_BETTER_LOWER, p99_ns);
    (void)pcl_result_add(r, "latency_max", "all", "ns", PCL_BETTER_LOWER, p99_ns * 3);
    (void)pcl_result_add(r, "longest_wait", "all", "ns", PCL_BETTER_LOWER, wait_ns);
    (void)pcl_result_add(r, "ctx_switches_per_op", "all", "count", PCL_BETTER_LOWER,
                         wait_ns / 1e7);
    (void)pcl_result_add(r, "bytes_static", "all", "B", PCL_BETTER_LOWER, bytes);
    (void)pcl_result_add(r, "contentions", "page", "count", PCL_BETTER_LOWER, contentions);
}

static inline void syn_fini(struct syn *s)
{
    pcl_result_fini(&s->r);
}

#endif
