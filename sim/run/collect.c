/*
 * What a finished simulation amounts to: metrics, histograms and lock rows of the result. Times are
 * in ns, throughput per simulated second of the measured interval.
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
    int kinds = 0;

    add(s, "throughput", "all", "op/s", PCL_BETTER_HIGHER,
        seconds > 0 ? (double)s->transactions / seconds : PCL_NAN);
    for (int op = 0; op < PCL_N_OPS; op++)
        kinds += s->latency[op].count > 0;
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

/* What is counted for a class as a whole. */
static void class_counts(struct pcl_lock_row *r, const struct pcl_lock_stats *st)
{
    r->steals = st->steals;
    r->handoffs = st->handoffs;
    r->lost_retries = st->lost_retries;
    r->trylock_failures = st->trylock_failures;
    r->walk_visits = st->walk_visits;
    r->walk_foreign = st->walk_foreign;
    r->walks = st->walks;
    r->walk_max = st->walk_max;
    r->walk_foreign_max = st->foreign_max;
    r->wasted_wakes = st->wasted_wakes;
    r->sleeps = st->sleeps;
    r->line_transfers = st->line_transfers;
    r->bypass_max = st->bypass_max;
}

static void lock_row(struct pcl_sim *s, const char *name, const struct pcl_lock_stats *st, int mode)
{
    const struct pcl_hist *w = &st->mode[mode].wait, *h = &st->mode[mode].hold;

    if (st->mode[mode].acquisitions == 0)
        return;
    struct pcl_lock_row *r = pcl_result_add_lock(s->out, name, mode == PCL_SHARED ? 'S' : 'X');

    r->acquisitions = st->mode[mode].acquisitions;
    r->contentions = st->mode[mode].contentions;
    r->con_bounces = st->mode[mode].con_bounces;
    r->acq_bounces = st->mode[mode].acq_bounces;
    r->wait_min = w->count ? w->min : 0;
    r->wait_max = w->count ? w->max : 0;
    r->wait_total = (pcl_ns)w->sum;
    r->hold_min = h->count ? h->min : 0;
    r->hold_max = h->count ? h->max : 0;
    r->hold_total = (pcl_ns)h->sum;
    if (mode == PCL_EXCLUSIVE || st->mode[PCL_EXCLUSIVE].acquisitions == 0)
        class_counts(r, st);
}

pcl_ns sim_end(const struct pcl_sim *s)
{
    if (s->m.stop || s->end == PCL_NS_MAX - 1)
        return s->last_done;
    return s->job->scenario || s->m.eng.now >= s->end ? s->end : s->last_done;
}

/* The longest wait counts those that were not over at the end. */
static pcl_ns unfinished_wait(const struct pcl_sim *s)
{
    pcl_ns longest = 0, end = sim_end(s) > s->m.eng.now ? sim_end(s) : s->m.eng.now;

    for (uint32_t b = 0; b < s->n_work; b++) {
        const struct pcl_call *c = &s->k.call[b];
        bool waits = s->m.model[b].run == PCL_RUN_ASLEEP && c->active && c->phase;

        if (waits && (s->k.page.waiter[b].queued || c->bio == PCL_NONE) &&
            end - s->k.times[b].lock_begin > longest)
            longest = end - s->k.times[b].lock_begin;
    }
    return longest;
}

/* How the waiters of a class fared. */
static void class_metrics(struct pcl_sim *s, const char *name, const struct pcl_lock_stats *st)
{
    add(s, "bypass_max", name, "count", PCL_BETTER_LOWER, (double)st->bypass_max);
    add(s, "wasted_wakes", name, "count", PCL_BETTER_LOWER, (double)st->wasted_wakes);
    add(s, "steals", name, "count", PCL_BETTER_NONE, (double)st->steals);
    add(s, "handoffs", name, "count", PCL_BETTER_NONE, (double)st->handoffs);
    add(s, "lost_retries", name, "count", PCL_BETTER_LOWER, (double)st->lost_retries);
    add(s, "false_conflicts", name, "count", PCL_BETTER_LOWER, (double)st->false_conflicts);
    add(s, "trylock_failures", name, "count", PCL_BETTER_NONE, (double)st->trylock_failures);
}

static void one_lock(struct pcl_sim *s, const char *name, const struct pcl_lock_stats *st,
                     pcl_ns *longest)
{
    uint64_t acquisitions = st->mode[0].acquisitions + st->mode[1].acquisitions;
    struct pcl_hist wait, *hold;

    if (acquisitions == 0)
        return;
    lock_row(s, name, st, PCL_SHARED);
    lock_row(s, name, st, PCL_EXCLUSIVE);
    pcl_hist_init(&wait);
    pcl_hist_merge(&wait, &st->mode[0].wait);
    pcl_hist_merge(&wait, &st->mode[1].wait);
    add(s, "acquisitions", name, "count", PCL_BETTER_NONE, (double)acquisitions);
    add(s, "contentions", name, "count", PCL_BETTER_LOWER,
        (double)(st->mode[0].contentions + st->mode[1].contentions));
    add(s, "wait_mean", name, "ns", PCL_BETTER_LOWER, wait.count ? pcl_hist_mean(&wait) : PCL_NAN);
    add(s, "wait_p99", name, "ns", PCL_BETTER_LOWER,
        wait.count ? (double)pcl_hist_quantile(&wait, 0.99) : PCL_NAN);
    add(s, "wait_max", name, "ns", PCL_BETTER_LOWER, wait.count ? (double)wait.max : PCL_NAN);
    if (wait.count && wait.max > *longest)
        *longest = wait.max;
    pcl_hist_merge(pcl_result_add_hist(s->out, "wait", name), &wait);
    pcl_hist_fini(&wait);
    hold = pcl_result_add_hist(s->out, "hold", name);
    pcl_hist_merge(hold, &st->mode[0].hold);
    pcl_hist_merge(hold, &st->mode[1].hold);
    add(s, "hold_mean", name, "ns", PCL_BETTER_NONE,
        hold->count ? pcl_hist_mean(hold) : PCL_NAN);
    add(s, "hold_max", name, "ns", PCL_BETTER_NONE, hold->count ? (double)hold->max : PCL_NAN);
    class_metrics(s, name, st);
}

/* A waiter that is still passed by counts as those that were served. */
static void note_bypass(struct pcl_lock_stats *st, const struct pcl_lock_notes *notes,
                        unsigned props)
{
    uint64_t by = pcl_lock_notes_longest_bypass(notes, props & (PCL_PROP_EXACT | PCL_PROP_COARSE));

    if (by > st->bypass_max)
        st->bypass_max = by;
}

static void locks(struct pcl_sim *s)
{
    pcl_ns longest = unfinished_wait(s);
    const struct pcl_lock_stats *page = &s->k.page.stats;

    note_bypass(&s->k.page.stats, s->k.page.notes, 0);
    one_lock(s, "page", &s->k.page.stats, &longest);
    one_lock(s, "writeback", &s->k.writeback_stats, &longest);
    one_lock(s, "dio-drain", &s->k.drain_stats, &longest);
    for (int r = 0; r < PCL_N_ROLES; r++)
        if (s->k.range[r].ops) {
            note_bypass(&s->k.range[r].stats, s->k.range[r].notes, s->k.range[r].ops->props);
            one_lock(s, pcl_role_name((enum pcl_role)r), &s->k.range[r].stats, &longest);
        }
    add(s, "longest_wait", "all", "ns", PCL_BETTER_LOWER, (double)longest);
    add(s, "waiters_max", "page", "count", PCL_BETTER_LOWER, (double)page->waiters_max);
    add(s, "walk_max", "page", "count", PCL_BETTER_LOWER, (double)page->walk_max);
    add(s, "walks", "page", "count", PCL_BETTER_NONE, (double)page->walks);
    add(s, "walk_visits", "page", "count", PCL_BETTER_LOWER, (double)page->walk_visits);
    add(s, "walk_foreign", "page", "count", PCL_BETTER_LOWER, (double)page->walk_foreign);
    add(s, "walk_mean", "page", "count", PCL_BETTER_LOWER,
        page->walks ? (double)page->walk_visits / (double)page->walks : PCL_NAN);
    add(s, "walk_foreign_max", "page", "count", PCL_BETTER_LOWER, (double)page->foreign_max);
    add(s, "walk_foreign_mean", "page", "count", PCL_BETTER_LOWER,
        page->walks ? (double)page->walk_foreign / (double)page->walks : PCL_NAN);
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
    add(s, "irqs_off_max", "all", "ns", PCL_BETTER_LOWER, (double)s->m.irqs_off_max);
    add(s, "line_transfers_per_op", "all", "count", PCL_BETTER_LOWER,
        (double)(s->m.line_transfers - s->transfers0) / ops);
    for (int c = 0; c < PCL_N_CAUSES; c++)
        add(s, "time_per_op", names[c], "ns", PCL_BETTER_NONE,
            (double)(s->m.cause_ns[c] - s->cause0[c]) / ops);
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
    add(s, "fairness", "all", "ratio", PCL_BETTER_HIGHER, fairness(s));
    add(s, "deadlocked", "all", "count", PCL_BETTER_LOWER, (double)s->laws.deadlocked);
    locks(s);
    scheduling(s);
    sim_collect_memory(s);
    sim_collect_sweeps(s);
    if (s->k.cache->oracle)
        add(s, "violations", "all", "count", PCL_BETTER_LOWER, (double)r->total_violations);
    if (s->laws.broken) {
        r->failed = true;
        r->code = PCL_ELAW;
        (void)snprintf(r->error, sizeof(r->error), "%s", s->laws.text);
    }
}
