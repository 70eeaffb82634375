/*
 * Where the time of an operation went: for each result one bar, as long as the mean latency, of
 * instructions, cache lines and spinlocks outside of lock waits, devices, run queues, and for
 * each lock the waits by cause. The parts are means over replications of times per operation,
 * so they add up to the bar.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/stats.h>

#include "figure.h"

#define LEAST_PART 0.01 /* of its bar: what is smaller in all bars is "other" */

enum { MAX_PARTS = 64, SHOWN_PARTS = 12 };

struct part {
    char label[96];
    double *of;  /* [n] per result */
    double most; /* share of any result's bar */
};

struct parts {
    struct part v[MAX_PARTS];
    size_t n;
};

/* What an operation's time outside of lock waits was spent on, in the order of the bar. */
static const struct {
    const char *object, *label;
} calls[] = {{"cpu", "cpu"},          {"io", "io"},          {"run-queue", "run queue"},
             {"line", "cache lines"}, {"spin", "spinlocks"}, {"late", "late arrival"}};

static const struct {
    const char *metric, *cause;
} causes[] = {{"wait_conflict", "held by others"}, {"wait_wakeup", "wake-up"},
              {"wait_optimistic", "spinning"},     {"wait_spinlock", "internal lock"},
              {"wait_line", "cache line"},         {"wait_cpu", "cpu"}};

static double value_of(const struct pcl_series *s, size_t run)
{
    return s && isfinite(s->value[run]) ? s->value[run] : 0;
}

/* What a run's waits for a lock are per operation; the flusher's waits belong to none. */
static double wait_per_operation(const struct pcl_config *c, size_t run, double wait,
                                 const char *lock)
{
    double total = value_of(pcl_config_series(c, "wait_total", lock), run);
    double flusher = value_of(pcl_config_series(c, "wait_flusher", lock), run);

    if (total <= 0 || c->run[run].ops == 0)
        return 0;
    return wait * (1 - fmin(flusher / total, 1)) / (double)c->run[run].ops;
}

/* The mean over replications of a metric per operation. */
static double per_operation(const struct pcl_config *c, const char *name, const char *object,
                            bool total)
{
    const struct pcl_series *s = pcl_config_series(c, name, object);
    double sum = 0;
    size_t n = 0;

    for (size_t r = 0; s && r < c->n_runs; r++)
        if (isfinite(s->value[r])) {
            sum += total ? wait_per_operation(c, r, s->value[r], object) : s->value[r];
            n++;
        }
    return n ? sum / (double)n : 0;
}

static double mean_latency(const struct pcl_config *c)
{
    return per_operation(c, "latency_mean", "all", false);
}

static void add_part(struct pick *p, struct parts *ps, const char *label, const char *name,
                     const char *object, bool total)
{
    struct part *t = &ps->v[ps->n];

    if (ps->n == MAX_PARTS)
        return;
    *t = (struct part){0};
    (void)snprintf(t->label, sizeof(t->label), "%s", label);
    t->of = pcl_arena_alloc(&p->f->arena, p->n, sizeof(double));
    for (size_t i = 0; i < p->n; i++) {
        t->of[i] = per_operation(p->config[i], name, object, total);
        t->most = fmax(t->most, t->of[i] / fmax(mean_latency(p->config[i]), 1e-9));
    }
    ps->n += t->most > 0;
}

/* The locks that these results have waits for, each once. */
static void add_locks(struct pick *p, struct parts *ps)
{
    const char *seen[32];
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->config[i]->n_series; k++) {
            const struct pcl_series *s = &p->config[i]->series[k];
            size_t j = 0;

            if (strcmp(s->name, "wait_total") != 0)
                continue;
            while (j < n && strcmp(seen[j], s->object) != 0)
                j++;
            if (j < n || n == sizeof(seen) / sizeof(seen[0]))
                continue;
            seen[n++] = s->object;
            for (size_t a = 0; a < sizeof(causes) / sizeof(causes[0]); a++)
                add_part(p, ps, fig_text(p->f, "%s: %s", s->object, causes[a].cause),
                         causes[a].metric, s->object, true);
        }
}

/* The longest bar of a panel. */
static double longest(struct pick *p, const char *facet)
{
    double most = 1e-9;

    for (size_t i = 0; i < p->n; i++)
        if (strcmp(pick_facet(p, p->config[i]), facet) == 0)
            most = fmax(most, mean_latency(p->config[i]));
    return most;
}

/* Sums parts that nobody could see, or that are too many, into one. */
static void merge_small(struct pick *p, struct parts *ps)
{
    struct part other = {.label = "other"};
    size_t kept;

    other.of = pcl_arena_alloc(&p->f->arena, p->n, sizeof(double));
    for (;;) {
        size_t smallest = 0;

        for (size_t k = 1; k < ps->n; k++)
            if (ps->v[k].most < ps->v[smallest].most)
                smallest = k;
        kept = ps->n + (other.most > 0);
        if (ps->n == 0 || (ps->v[smallest].most >= LEAST_PART && kept <= SHOWN_PARTS))
            break;
        for (size_t i = 0; i < p->n; i++) {
            other.of[i] += ps->v[smallest].of[i];
            other.most = fmax(other.most, ps->v[smallest].most);
        }
        memmove(&ps->v[smallest], &ps->v[smallest + 1],
                (ps->n - smallest - 1) * sizeof(ps->v[0]));
        ps->n--;
    }
    if (other.most > 0)
        ps->v[ps->n++] = other;
}

/* One bar: its parts one after another, and at the end the mean latency with its interval. */
static void add_bar(struct pick *p, const struct parts *ps, struct fig_panel *q, size_t i,
                    double row, const struct pcl_scale *unit)
{
    struct figure *f = p->f;
    double at = 0;
    struct fig_point whole;
    struct pcl_ci ci;

    for (size_t k = 0; k < ps->n; k++) {
        double end = at + ps->v[k].of[i] / unit->div;

        (void)fig_add(f, q, k,
                      (struct fig_point){
                          .x = row, .y = end, .lo = end, .hi = end, .xlo = at, .xhi = end});
        at = end;
    }
    if (!pick_interval(p, p->config[i], "latency_mean", "all", &ci))
        return;
    whole = (struct fig_point){
        .x = row, .y = ci.mean / unit->div, .lo = ci.lo / unit->div, .hi = ci.hi / unit->div};
    whole.text = fig_number(f, &whole, ci.kind == PCL_CI_INTERVAL);
    (void)fig_add(f, q, ps->n, whole);
}

int fig_time(struct pick *p, struct pcl_err *err)
{
    struct parts *ps = pcl_arena_alloc(&p->f->arena, 1, sizeof(*ps));
    struct figure *f = p->f;
    struct pcl_scale unit;

    f->template = "panel-stack";
    for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
        add_part(p, ps, calls[k].label, "call_time", calls[k].object, false);
    if (ps->n == 0)
        return pcl_fail(
            err, PCL_EINVAL,
            "these results do not say where time went: an older pclsim made them, run "
            "them again");
    add_locks(p, ps);
    merge_small(p, ps);
    for (size_t k = 0; k < ps->n; k++)
        f->name[f->n_names++] = ps->v[k].label;
    for (size_t i = 0; i < p->n; i++) {
        const char *facet = pick_facet(p, p->config[i]);
        struct fig_panel *q = fig_panel(f, facet, err);
        double most = longest(p, facet);

        if (!q)
            return PCL_EINVAL;
        unit = pcl_scale_for("ns", most);
        q->rows++;
        if (!q->y.tic)
            q->y.tic = pcl_arena_alloc(&f->arena, p->n, sizeof(*q->y.tic));
        q->y.tic[q->y.n_tics++] =
            (struct fig_tic){-(double)q->rows, pick_label(p, p->config[i])};
        add_bar(p, ps, q, i, -(double)q->rows, &unit);
        q->y.lo = -(double)q->rows - 1;
        q->x.hi = 1.42 * most / unit.div;
        (void)snprintf(q->x.label, sizeof(q->x.label),
                       "mean time of an operation (%s), lower is better", unit.unit);
    }
    return PCL_OK;
}
