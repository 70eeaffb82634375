/*
 * What a finished simulation amounts to: metrics and histograms of the result; those of the locks
 * stand in collect_locks.c. Times are in ns, throughput per simulated second of the measured
 * interval.
 */
#include <math.h>

#include "sim.h"

#define PCL_NAN ((double)NAN) /* not defined in this run: no sample */

static void add(struct pcl_sim *s, const char *name, const char *object, const char *unit,
                enum pcl_better better, double value)
{
    pcl_result_add(s->out, name, object, unit, better, value);
}

static void latency(struct pcl_sim *s, const char *object, const struct pcl_hist *h)
{
    add(s, "latency_mean", object, "ns", PCL_BETTER_LOWER, h->count ? pcl_hist_mean(h) : PCL_NAN);
    add(s, "latency_p50", object, "ns", PCL_BETTER_LOWER,
        h->count ? (double)pcl_hist_quantile(h, 0.5) : PCL_NAN);
    add(s, "latency_p99", object, "ns", PCL_BETTER_LOWER,
        h->count ? (double)pcl_hist_quantile(h, 0.99) : PCL_NAN);
    add(s, "latency_p999", object, "ns", PCL_BETTER_LOWER,
        h->count ? (double)pcl_hist_quantile(h, 0.999) : PCL_NAN);
    add(s, "latency_max", object, "ns", PCL_BETTER_LOWER, h->count ? (double)h->max : PCL_NAN);
    pcl_hist_merge(pcl_result_add_hist(s->out, "latency", object), h);
}

static void operations(struct pcl_sim *s)
{
    double seconds = (double)s->out->sim_ns / 1e9;
    static const enum pcl_op movers[] = {PCL_OP_READ, PCL_OP_WRITE, PCL_OP_DREAD,
                                         PCL_OP_DWRITE};
    int kinds = 0;

    add(s, "throughput", "all", "op/s", PCL_BETTER_HIGHER,
        seconds > 0 ? (double)s->transactions / seconds : PCL_NAN);
    for (int op = 0; op < PCL_N_OPS; op++)
        kinds += s->latency[op].count > 0;
    for (size_t i = 0; i < sizeof(movers) / sizeof(movers[0]); i++)
        if (s->latency[movers[i]].count)
            add(s, "bandwidth", pcl_op_name(movers[i]), "B/s", PCL_BETTER_HIGHER,
                seconds > 0 ? s->bytes[movers[i]] / seconds : PCL_NAN);
    latency(s, "all", &s->all);
    for (int op = 0; op < PCL_N_OPS && kinds > 1; op++)
        if (s->latency[op].count) {
            add(s, "throughput", pcl_op_name((enum pcl_op)op), "op/s", PCL_BETTER_HIGHER,
                seconds > 0 ? (double)s->latency[op].count / seconds : PCL_NAN);
            latency(s, pcl_op_name((enum pcl_op)op), &s->latency[op]);
        }
}

/* Calls that returned an error, by its name; none: no row. From the start of the run. */
static void failures(struct pcl_sim *s)
{
    for (int e = PCL_CALL_E_NONE + 1; e < PCL_N_CALL_ERRORS; e++)
        if (s->k.failed[e])
            add(s, "failed_calls", pcl_call_error_name((enum pcl_call_error)e), "count",
                PCL_BETTER_LOWER, (double)s->k.failed[e]);
}

/* What memory management did to folios; nothing: no row. From the start of the run. */
static void folios(struct pcl_sim *s)
{
    const struct pcl_kernel *k = &s->k;
    const struct {
        const char *what;
        uint64_t n;
        enum pcl_better better;
    } rows[] = {
        {"migrated", k->migrated, PCL_BETTER_NONE},
        {"not-migrated", k->not_migrated, PCL_BETTER_LOWER},
        {"merged", k->merged, PCL_BETTER_NONE}, /* 2 MiB made of small ones */
        {"split", k->splits, PCL_BETTER_NONE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].n)
            add(s, "folios", rows[i].what, "count", rows[i].better, (double)rows[i].n);
}

/* Faults that did without mmap_lock, and those that tried; from the start of the run. */
static void vma_locks(struct pcl_sim *s)
{
    if (s->k.option[PCL_OPTION_VMA_LOCK] == PCL_VMA_LOCK_NO)
        return;
    add(s, "vma_faults", "done", "count", PCL_BETTER_NONE, (double)s->k.vma_faults);
    add(s, "vma_faults", "abandoned", "count", PCL_BETTER_LOWER, (double)s->k.vma_aborts);
}

/* Jain's index over the tasks' completed transactions: 1 is even, 1/n is one task alone. */
static double fairness(const struct pcl_sim *s)
{
    double sum = 0, squares = 0;

    for (uint32_t b = 0; b < s->n_work; b++) {
        double x = (double)s->body[b].done;

        sum += x;
        squares += x * x;
    }
    return squares > 0 ? sum * sum / (squares * s->n_work) : PCL_NAN;
}

pcl_ns sim_end(const struct pcl_sim *s)
{
    if (s->m.stop || s->end == PCL_NS_MAX - 1)
        return s->last_done;
    return s->job->scenario || s->m.eng.now >= s->end ? s->end : s->last_done;
}

/* Tasks that are not asleep, the flusher included, on average over the measured time. */
static double runnable_mean(const struct pcl_sim *s)
{
    pcl_ns end = sim_end(s), from = s->measure_from;

    if (end <= from)
        return PCL_NAN;
    return (double)(pcl_runnable_area(&s->m, end) - s->runnable0) / (double)(end - from);
}

static void scheduling(struct pcl_sim *s)
{
    uint64_t vol = 0, inv = 0;
    double ops = (double)(s->ops ? s->ops : 1);
    static const char *const names[] = {"user", "kernel", "line", "spin", "queue", "sleep"};

    for (uint32_t b = 0; b < s->n_work; b++) {
        vol += s->m.task[b].voluntary;
        inv += s->m.task[b].involuntary;
    }
    vol -= s->voluntary0;
    inv -= s->involuntary0;
    add(s, "ctx_switches_per_op", "all", "count", PCL_BETTER_LOWER, (double)(vol + inv) / ops);
    add(s, "voluntary", "all", "count", PCL_BETTER_NONE, (double)vol);
    add(s, "involuntary", "all", "count", PCL_BETTER_NONE, (double)inv);
    add(s, "runnable_mean", "all", "count", PCL_BETTER_NONE, runnable_mean(s));
    add(s, "runnable_min", "all", "count", PCL_BETTER_NONE,
        s->m.runnable_min < s->m.runnable ? s->m.runnable_min : s->m.runnable);
    add(s, "irqs_off_max", "all", "ns", PCL_BETTER_LOWER, (double)s->m.irqs_off_max);
    add(s, "line_transfers_per_op", "all", "count", PCL_BETTER_LOWER,
        (double)(s->m.line_transfers - s->transfers0) / ops);
    for (int c = 0; c < PCL_N_CAUSES; c++)
        add(s, "time_per_op", names[c], "ns", PCL_BETTER_NONE,
            (double)(s->m.cause_ns[c] - s->cause0[c]) / ops);
}

/* What operations' time outside of waits for locks was, each on average; with the waits it is the
 * mean latency. */
static void call_time(struct pcl_sim *s)
{
    const pcl_ns *out = s->m.outside;
    double ops = (double)(s->ops ? s->ops : 1), cpu = s->all.sum - (double)(s->k.waited + s->late);
    const struct {
        const char *what;
        pcl_ns ns;
    } rows[] = {{"io", out[PCL_SPENT_SLEEP]},
                {"run-queue", out[PCL_SPENT_QUEUE]},
                {"line", out[PCL_SPENT_LINE]},
                {"spin", out[PCL_SPENT_SPIN] + out[PCL_SPENT_WATCH]},
                {"late", s->late}};

    for (int i = 0; i < PCL_N_SPENT; i++)
        cpu -= (double)out[i];
    add(s, "call_time", "cpu", "ns", PCL_BETTER_LOWER, s->ops ? fmax(cpu, 0) / ops : PCL_NAN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        add(s, "call_time", rows[i].what, "ns", PCL_BETTER_LOWER,
            s->ops ? (double)rows[i].ns / ops : PCL_NAN);
}

void sim_collect(struct pcl_sim *s)
{
    struct pcl_result *r = s->out;
    pcl_ns end = sim_end(s);

    r->seed = s->job->seed;
    r->replication = s->job->replication;
    (void)snprintf(r->scheme, sizeof(r->scheme), "%s", s->job->scheme->name);
    r->warmup_ns = s->measure_from;
    r->sim_ns = end > s->measure_from ? end - s->measure_from : 0;
    r->ops = s->ops;
    r->events = s->m.steps;
    r->fingerprint = pcl_fp_value(&s->m.eng.fp);
    r->run_ops = s->run_ops;
    r->bytes_per_task = (double)sim_task_bytes(s) / (s->n_work ? s->n_work : 1);
    operations(s);
    failures(s);
    vma_locks(s);
    folios(s);
    add(s, "fairness", "all", "ratio", PCL_BETTER_HIGHER, fairness(s));
    add(s, "deadlocked", "all", "count", PCL_BETTER_LOWER, (double)s->laws.deadlocked);
    sim_collect_locks(s);
    call_time(s);
    scheduling(s);
    sim_collect_memory(s);
    sim_collect_sweeps(s);
    sim_collect_series(s);
    if (s->k.cache->oracle || s->k.starvation)
        add(s, "violations", "all", "count", PCL_BETTER_LOWER, (double)r->total_violations);
    if (s->laws.broken) {
        r->failed = true;
        r->code = PCL_ELAW;
        (void)snprintf(r->error, sizeof(r->error), "%s", s->laws.text);
    }
}
