/*
 * The closed lock model: N tasks think for Exp(1 us), take one of L first-come-first-served
 * locks picked at random, hold it for Exp(0.2 us). It is the shipped scenario closed-lock, run
 * by pcl_run() like any other, so what is measured is what `pclsim run` does: same step tables,
 * queue, locks, draws and fingerprint.
 */
#include "bench.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/run.h>

enum {
    MAX_REPEAT = 101,
    MAX_SETS = 6,
    PAGE = 4096 /* a lock is a page of the scenario's file */
};

struct values {
    int64_t tasks, locks, seed, ops, repeat;
    pcl_ns duration; /* 0: the run ends after ops acquisitions */
    bool null, check, no_run_ahead, json;
};

/* The scenario with the options' overrides, and the same thing said to `pclsim run`. */
struct input {
    char set[MAX_SETS][64];
    const char *sets[MAX_SETS];
    size_t n;
    char command[512];
    struct pcl_scenario *scenario;
    struct pcl_schemes known;
    struct pcl_scheme scheme;
    struct pcl_profile machine;
};

struct measured {
    double seconds[MAX_REPEAT];
    uint64_t acquisitions, events, fingerprint;
    double bytes_per_task;
};

__attribute__((format(printf, 2, 3))) static void override(struct input *in, const char *fmt,
                                                           ...)
{
    size_t used = strlen(in->command);
    va_list ap;

    PCL_ASSERT(in->n < MAX_SETS);
    va_start(ap, fmt);
    (void)vsnprintf(in->set[in->n], sizeof(in->set[in->n]), fmt, ap);
    va_end(ap);
    in->sets[in->n] = in->set[in->n];
    (void)snprintf(in->command + used, sizeof(in->command) - used, " --set %s", in->set[in->n]);
    in->n++;
}

/* What is as in the file is not overridden. */
static void overrides(const struct values *v, struct input *in)
{
    (void)snprintf(in->command, sizeof(in->command),
                   "pclsim run closed-lock --reps 1 --seed %lld", (long long)v->seed);
    override(in, "tasks=%lld", (long long)v->tasks);
    override(in, "locks.size=%lld", (long long)v->locks * PAGE);
    if (v->ops)
        override(in, "ops=%lld", (long long)v->ops);
    if (v->duration) {
        override(in, "duration=%lldns", (long long)v->duration);
        if (!v->ops)
            override(in, "ops=0");
    }
    if (v->null)
        override(in, "mix=syscall:1");
}

static int load(struct input *in, struct pcl_err *err)
{
    int rc = pcl_scenario_load("closed-lock", in->sets, in->n, &in->scenario, err);

    if (rc == PCL_OK)
        rc = pcl_schemes_default(&in->known, err);
    if (rc == PCL_OK)
        rc = pcl_scheme_resolve(&in->known, "fifo", &in->scheme, err);
    if (rc == PCL_OK)
        rc = pcl_profile_load("ideal", &in->machine, err);
    return rc;
}

static void unload(struct input *in)
{
    if (in->scenario)
        pcl_scenario_free(in->scenario);
    pcl_schemes_fini(&in->known);
}

/* --- measuring --------------------------------------------------------------------------- */

static int once(const struct pcl_job *job, struct measured *m, int64_t k)
{
    struct pcl_result r;
    struct pcl_err err = {0};
    int rc, code = BENCH_DONE;

    pcl_result_init(&r);
    double began = bench_seconds();

    rc = pcl_run(job, &r, NULL, &err);
    m->seconds[k] = bench_seconds() - began;
    if (rc != PCL_OK) {
        pcl_err_print(stderr, &err);
        code = BENCH_FAILED;
    } else if (r.failed) {
        fprintf(stderr, "closed-lock: %s\n", r.error);
        code = r.code == PCL_ELAW ? BENCH_BROKEN : BENCH_FAILED;
    } else if (k > 0 && r.fingerprint != m->fingerprint) {
        fprintf(stderr, "closed-lock: equal runs have different fingerprints\n");
        code = BENCH_BROKEN;
    }
    m->acquisitions = r.run_ops;
    m->events = r.events;
    m->fingerprint = r.fingerprint;
    m->bytes_per_task = r.bytes_per_task;
    pcl_result_fini(&r);
    return code;
}

static int measure(const struct values *v, const struct input *in, struct measured *m)
{
    struct pcl_job job = {.scenario = in->scenario,
                          .scheme = &in->scheme,
                          .machine = &in->machine,
                          .seed = (uint64_t)v->seed,
                          .check = v->check,
                          .no_runahead = v->no_run_ahead};
    int code = BENCH_DONE;

    for (int64_t k = 0; k < v->repeat && code == BENCH_DONE; k++)
        code = once(&job, m, k);
    return code;
}

/* --- printing ---------------------------------------------------------------------------- */

static void print_json(const struct values *v, const struct input *in, const struct measured *m,
                       double seconds)
{
    double n = (double)m->acquisitions;
    struct bench_json j;

    bench_json_begin(&j, stdout);
    bench_json_text(&j, "bench", "closed-lock");
    bench_json_text(&j, "same_as", in->command);
    bench_json_int(&j, "tasks", v->tasks);
    bench_json_int(&j, "locks", v->locks);
    bench_json_int(&j, "seed", v->seed);
    bench_json_bool(&j, "null", v->null);
    bench_json_bool(&j, "check", v->check);
    bench_json_bool(&j, "run_ahead", !v->no_run_ahead);
    bench_json_int(&j, "repeat", v->repeat);
    bench_json_int(&j, "acquisitions", (int64_t)m->acquisitions);
    bench_json_real(&j, "ops_per_s", n / seconds);
    bench_json_real(&j, "ns_per_op", seconds / n * 1e9);
    bench_json_real(&j, "micro_steps_per_op", (double)m->events / n);
    bench_json_real(&j, "bytes_per_task", m->bytes_per_task);
    bench_json_hex(&j, "fingerprint", m->fingerprint);
    bench_json_end(&j);
}

static void print_table(const struct values *v, const struct input *in,
                        const struct measured *m, double seconds)
{
    double n = (double)m->acquisitions, slowest = m->seconds[v->repeat - 1];

    printf("tasks, locks  %lld, %lld%s\n", (long long)v->tasks, (long long)v->locks,
           v->null ? " (null: a call that locks nothing)" : "");
    printf("rate          %.2f million acquisitions a second (median of %lld, least %.2f)\n",
           n / seconds / 1e6, (long long)v->repeat, n / slowest / 1e6);
    printf("acquisition   %.1f ns, %.2f micro-steps, %.1f ns a micro-step\n", seconds / n * 1e9,
           (double)m->events / n, seconds / (double)m->events * 1e9);
    printf("memory        %.0f bytes a task\n", m->bytes_per_task);
    printf("fingerprint   %016llx\n", (unsigned long long)m->fingerprint);
    printf("the same run  %s\n", in->command);
}

int main(int argc, char **argv)
{
    struct values v = {.tasks = 64, .locks = 1, .seed = 1, .repeat = 5};
    const struct bench_option options[] = {
        {"tasks", BENCH_INT, &v.tasks, 1, 1 << 20, "N", "tasks; else 64"},
        {"locks", BENCH_INT, &v.locks, 1, 1 << 24, "L", "locks; else 1"},
        {"seed", BENCH_INT, &v.seed, 0, INT64_MAX, "N", "seed of all draws; else 1"},
        {"ops", BENCH_INT, &v.ops, 1, INT64_C(1000000000000), "N",
         "acquisitions after the warm-up; else the scenario's"},
        {"duration", BENCH_TIME, &v.duration, 1, INT64_C(3600000000000), "TIME",
         "end after this simulated time instead, or whichever comes first with --ops"},
        {"repeat", BENCH_INT, &v.repeat, 1, MAX_REPEAT, "N",
         "runs, all alike; the median time counts; else 5"},
        {"null", BENCH_FLAG, &v.null, 0, 0, NULL,
         "no lock: each operation is a call that does nothing; what the rest costs"},
        {"check", BENCH_FLAG, &v.check, 0, 0, NULL, "check the laws while running"},
        {"no-run-ahead", BENCH_FLAG, &v.no_run_ahead, 0, 0, NULL,
         "pass every event through the queue: slower, same fingerprint"},
        {"json", BENCH_FLAG, &v.json, 0, 0, NULL, "print one flat JSON object"},
        {.name = NULL},
    };
    const struct bench_program program = {
        .name = "closed-lock",
        .summary = "Measures lock acquisitions simulated per second: N tasks think Exp(1 us), "
                   "take one of\n"
                   "L first-come-first-served locks, hold it Exp(0.2 us); machine costs zero.",
        .options = options};
    struct input in = {.n = 0};
    struct measured m = {.acquisitions = 0};
    struct pcl_err err = {0};
    bool help;
    int code = bench_options(&program, argc, argv, &help);

    if (code || help)
        return code;
    overrides(&v, &in);
    if (load(&in, &err) != PCL_OK) {
        pcl_err_print(stderr, &err);
        code = BENCH_USAGE;
        goto out;
    }
    code = measure(&v, &in, &m);
    if (code == BENCH_DONE) {
        double seconds = bench_median(m.seconds, (size_t)v.repeat);

        (v.json ? print_json : print_table)(&v, &in, &m, seconds);
    }
out:
    unload(&in);
    return code;
}
