/*
 * Deciding claims. Each expect line asks for a quantity, which the replications give with an
 * interval; the line is decided by where the interval lies, so that "true" means shown and not
 * just "it came out so". Where several points are searched (peak, argmax) the level is divided
 * among them (Bonferroni), and argmax keeps every value that the data cannot tell from the
 * best.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/display.h>
#include <pclsim/stats.h>

#include "claims_internal.h"

#define MOST_NAMED 100000 /* replications that an undecided line may take */

const char *pcl_verdict_name(enum pcl_verdict v)
{
    static const char *const names[] = {[PCL_VERDICT_TRUE] = "true",
                                        [PCL_VERDICT_FALSE] = "false",
                                        [PCL_VERDICT_UNDECIDED] = "undecided"};

    return names[v];
}

/* --- finding the numbers
 * ------------------------------------------------------------------------ */

struct data {
    const struct pcl_config *c;
    const struct pcl_series *s;
    bool exact; /* explored: one run says all, nothing in it was drawn */
};

/* The configuration of a factor; along its axis at value, if value is not NULL. */
static struct data find(const struct pcl_dataset *d, const struct claim_factor *f,
                        const char *value)
{
    struct data none = {0};

    for (size_t i = 0; i < d->n_configs; i++) {
        const struct pcl_config *c = d->config[i];
        bool fits = strcmp(c->desc.scheme, f->scheme) == 0;

        for (size_t k = 0; fits && k < f->n_at; k++) {
            const char *v = pcl_config_param(c, f->at[k].axis->key);

            fits = v && strcmp(v, f->at[k].value) == 0;
        }
        if (fits && value) {
            const char *v = pcl_config_param(c, f->axis->key);

            fits = v && strcmp(v, value) == 0;
        }
        if (fits)
            return (struct data){c, pcl_config_series(c, f->metric, f->object), f->exact};
    }
    return none;
}

static void interval(const struct data *x, double level, struct pcl_ci *out)
{
    double *v = pcl_xcalloc((x->c ? x->c->n_runs : 0) + 1, sizeof(*v));
    size_t n = 0;

    for (size_t i = 0; x->s && i < x->c->n_runs; i++)
        if (isfinite(x->s->value[i]))
            v[n++] = x->s->value[i];
    pcl_ci_mean(v, n, level, out);
    if (x->exact && n == 1)
        *out = (struct pcl_ci){.kind = PCL_CI_EXACT, .mean = v[0], .lo = v[0], .hi = v[0], .n = 1};
    free(v);
}

static void compare(const struct data *a, const struct data *b, double level,
                    struct pcl_paired *out)
{
    size_t most = a->c && b->c ? a->c->n_runs : 0, n = 0;
    double *xa = pcl_xcalloc(most + 1, sizeof(*xa)), *xb = pcl_xcalloc(most + 1, sizeof(*xb));

    if (most)
        n = pcl_series_pairs(a->c, a->s, b->c, b->s, xa, xb);
    pcl_paired(xa, xb, n, level, out);
    free(xa);
    free(xb);
}

/* --- a quantity
 * ---------------------------------------------------------------------------------- */

struct quantity {
    struct pcl_ci ci;
    const char *unit;    /* "" for a quotient */
    const char *trouble; /* why there is no number, or NULL */
    /* argmax: which axis values the data cannot tell from the best */
    const struct pcl_grid_axis *axis;
    bool *candidate;
    size_t best;
};

/* The place along the axis where the mean is largest (sign 1) or smallest (-1). */
static bool best_along(const struct pcl_dataset *d, const struct claim_factor *f, double sign,
                       size_t *best)
{
    bool any = false;
    double top = 0;

    for (size_t i = 0; i < f->axis->n_values; i++) {
        struct data x = find(d, f, f->axis->value[i]);
        struct pcl_ci ci;

        interval(&x, PCL_LEVEL, &ci);
        if (ci.n == 0)
            continue;
        if (!any || sign * ci.mean > top) {
            top = sign * ci.mean;
            *best = i;
        }
        any = true;
    }
    return any;
}

/* The largest mean: above the largest lower bound, below the largest upper one. */
static void measure_peak(const struct pcl_dataset *d, const struct claim_factor *f,
                         double level, struct quantity *q)
{
    double each = 1 - (1 - level) / (double)f->axis->n_values;
    struct pcl_ci *out = &q->ci;
    bool any = false;

    out->kind = PCL_CI_EXACT;
    for (size_t i = 0; i < f->axis->n_values; i++) {
        struct data x = find(d, f, f->axis->value[i]);
        struct pcl_ci ci;

        interval(&x, each, &ci);
        if (ci.n == 0)
            continue;
        if (x.s)
            q->unit = x.s->unit;
        if (ci.kind == PCL_CI_NONE || out->kind == PCL_CI_NONE)
            out->kind = PCL_CI_NONE;
        else if (ci.kind == PCL_CI_INTERVAL)
            out->kind = PCL_CI_INTERVAL;
        out->mean = any ? fmax(out->mean, ci.mean) : ci.mean;
        out->lo = any ? fmax(out->lo, ci.lo) : ci.lo;
        out->hi = any ? fmax(out->hi, ci.hi) : ci.hi;
        out->n = any && out->n < ci.n ? out->n : ci.n;
        any = true;
    }
    if (!any)
        *out = (struct pcl_ci){.kind = PCL_CI_NONE};
}

static struct data point_of(const struct pcl_dataset *d, const struct claim_factor *f)
{
    size_t best = 0;

    if (!f->peak)
        return find(d, f, NULL);
    return best_along(d, f, 1, &best) ? find(d, f, f->axis->value[best]) : (struct data){0};
}

static void measure_quotient(const struct pcl_dataset *d, const struct claim_line *l,
                             double level, struct quantity *q)
{
    struct data x = point_of(d, &l->factor[0]), y;
    struct pcl_paired p;

    if (l->n_factors == 1 && l->factor[0].peak) {
        measure_peak(d, &l->factor[0], level, q);
    } else if (l->n_factors == 1) {
        interval(&x, level, &q->ci);
        q->unit = x.s ? x.s->unit : "";
    } else {
        y = point_of(d, &l->factor[1]);
        compare(&y, &x, level, &p);
        q->ci = l->kind == CLAIM_DIFFERENCE ? p.diff : p.ratio;
        if (l->kind == CLAIM_DIFFERENCE && x.s)
            q->unit = x.s->unit;
        if (l->kind == CLAIM_QUOTIENT && p.n > 0 && p.mean_a == 0)
            q->trouble = "the divisor is 0";
        if (y.c && !y.s)
            q->trouble = "the second term was not measured";
    }
    if (!x.c)
        q->trouble = "no results";
    else if (!x.s)
        q->trouble = "not measured";
    else if (!q->trouble && q->ci.n == 0)
        q->trouble = "no samples";
}

/* A value stays a candidate unless its mean is significantly worse than the best one's. */
static void measure_argmax(const struct pcl_dataset *d, const struct claim_line *l,
                           double level, struct quantity *q)
{
    const struct claim_factor *f = &l->factor[0];
    double sign = l->kind == CLAIM_ARGMAX ? 1 : -1;
    size_t n = f->axis->n_values;
    double each = n > 1 ? 1 - (1 - level) / (double)(n - 1) : level;
    struct data top;

    q->axis = f->axis;
    q->candidate = pcl_xcalloc(n, sizeof(*q->candidate));
    if (!best_along(d, f, sign, &q->best)) {
        q->trouble = "no samples";
        return;
    }
    top = find(d, f, f->axis->value[q->best]);
    for (size_t i = 0; i < n; i++) {
        struct data x = find(d, f, f->axis->value[i]);
        struct pcl_paired p;

        compare(&top, &x, each, &p);
        q->candidate[i] = i == q->best || !p.tested || p.p >= 1 - each;
        if (!p.tested)
            q->trouble = "fewer than 2 replications";
    }
}

/* --- relation
 * ------------------------------------------------------------------------------------ */

static bool satisfies(const struct claim_line *l, double v)
{
    switch (l->rel) {
    case CLAIM_IN:
        return l->a <= v && v <= l->b;
    case CLAIM_LT:
        return v < l->a;
    case CLAIM_LE:
        return v <= l->a;
    case CLAIM_GT:
        return v > l->a;
    case CLAIM_GE:
        return v >= l->a;
    case CLAIM_EQ:
        break;
    }
    return v == l->a;
}

/* No value of [lo, hi] satisfies it. The relation is an interval too: look at the near end. */
static bool disjoint(const struct claim_line *l, double lo, double hi)
{
    switch (l->rel) {
    case CLAIM_IN:
        return hi < l->a || lo > l->b;
    case CLAIM_LT:
    case CLAIM_LE:
        return !satisfies(l, lo);
    case CLAIM_GT:
    case CLAIM_GE:
        return !satisfies(l, hi);
    case CLAIM_EQ:
        break;
    }
    return l->a < lo || l->a > hi;
}

static enum pcl_verdict decide_interval(const struct claim_line *l, const struct pcl_ci *ci)
{
    if (ci->kind != PCL_CI_INTERVAL && ci->kind != PCL_CI_EXACT)
        return PCL_VERDICT_UNDECIDED;
    if (satisfies(l, ci->lo) && satisfies(l, ci->hi)) /* relations are convex */
        return PCL_VERDICT_TRUE;
    return disjoint(l, ci->lo, ci->hi) ? PCL_VERDICT_FALSE : PCL_VERDICT_UNDECIDED;
}

static enum pcl_verdict decide_set(const struct claim_line *l, const struct quantity *q)
{
    bool all = true, none = true;

    for (size_t i = 0; i < q->axis->n_values; i++) {
        double v = 0;

        if (!q->candidate[i] || !pcl_number_of(q->axis->value[i], true, &v))
            continue;
        all = all && satisfies(l, v);
        none = none && !satisfies(l, v);
    }
    return all ? PCL_VERDICT_TRUE : none ? PCL_VERDICT_FALSE : PCL_VERDICT_UNDECIDED;
}

/* --- figures in words
 * ------------------------------------------------------------------------------ */

/* A plain number with the digits that its interval supports. */
static const char *plain(double v, double half, char *buf, size_t n)
{
    int d = half > 1e-9 * fabs(v) ? 1 - (int)floor(log10(half)) : 3;

    (void)snprintf(buf, n, "%.*f", d < 0 ? 0 : d > 6 ? 6 : d, v);
    return buf;
}

static void say_interval(const struct quantity *q, char *out, size_t n)
{
    const struct pcl_ci *ci = &q->ci;
    struct pcl_scale s =
        pcl_scale_for(q->unit, ci->kind == PCL_CI_INTERVAL ? ci->hi : ci->mean);
    bool ratio = q->unit[0] == '\0';
    char m[32], lo[32], hi[32];
    const char *gap = s.unit[0] ? " " : "";

    if (ratio) {
        (void)plain(ci->mean, ci->half, m, sizeof(m));
        (void)plain(ci->lo, ci->half, lo, sizeof(lo));
        (void)plain(ci->hi, ci->half, hi, sizeof(hi));
    } else {
        (void)pcl_show(ci->mean, &s, m, sizeof(m));
        (void)pcl_show(ci->lo, &s, lo, sizeof(lo));
        (void)pcl_show(ci->hi, &s, hi, sizeof(hi));
    }
    switch (ci->kind) {
    case PCL_CI_INTERVAL:
        (void)snprintf(out, n, "%s%s%s [%s, %s]", m, gap, s.unit, lo, hi);
        break;
    case PCL_CI_EXACT:
        (void)snprintf(out, n, "%s%s%s exact", m, gap, s.unit);
        break;
    case PCL_CI_UNBOUNDED:
        (void)snprintf(out, n, "%s%s%s, no bounds: the divisor cannot be told from 0", m, gap,
                       s.unit);
        break;
    case PCL_CI_NONE:
        (void)snprintf(out, n, "%s%s%s, fewer than 2 replications", m, gap, s.unit);
        break;
    }
}

static void say_set(const struct quantity *q, char *out, size_t n)
{
    size_t at = (size_t)snprintf(out, n, "%s", q->axis->value[q->best]);
    bool first = true;

    for (size_t i = 0; i < q->axis->n_values && at < n; i++) {
        if (!q->candidate[i] || i == q->best)
            continue;
        at += (size_t)snprintf(out + at, n - at, "%s%s", first ? " [or " : ", ",
                               q->axis->value[i]);
        first = false;
    }
    if (!first && at < n)
        (void)snprintf(out + at, n - at, "]");
}

/* Of an interval that reaches across a bound of the relation: the replications after which it no
 * longer would, if mean and spread stay as they are. 0: nothing can be said. */
static size_t reps_to_decide(const struct claim_line *l, const struct pcl_ci *ci, double level)
{
    double room = fabs(ci->mean - l->a);
    size_t n;

    if (l->rel == CLAIM_IN)
        room = fmin(room, fabs(ci->mean - l->b));
    n = ci->kind == PCL_CI_INTERVAL ? pcl_reps_for(ci, level, room) : SIZE_MAX;
    return n > ci->n && n < SIZE_MAX ? n : 0;
}

static void say_missing(const struct claim_line *l, const struct pcl_ci *ci, double level,
                        struct pcl_claim_figure *f)
{
    size_t at = strlen(f->text);

    f->reps = reps_to_decide(l, ci, level);
    if (f->reps > MOST_NAMED)
        (void)snprintf(f->text + at, sizeof(f->text) - at, "; takes more than %d replications",
                       MOST_NAMED);
    else if (f->reps)
        (void)snprintf(f->text + at, sizeof(f->text) - at, "; takes about %zu replications",
                       f->reps);
}

static void evaluate_line(const struct pcl_dataset *d, const struct claim_line *l, double level,
                          struct pcl_claim_figure *f)
{
    struct quantity q = {.unit = ""};

    f->verdict = PCL_VERDICT_UNDECIDED;
    if (l->kind == CLAIM_QUOTIENT || l->kind == CLAIM_DIFFERENCE)
        measure_quotient(d, l, level, &q);
    else
        measure_argmax(d, l, level, &q);
    if (q.trouble && !(q.candidate && q.candidate[q.best])) {
        (void)snprintf(f->text, sizeof(f->text), "%s", q.trouble);
    } else if (q.candidate) {
        say_set(&q, f->text, sizeof(f->text));
        if (!q.trouble)
            f->verdict = decide_set(l, &q);
    } else {
        say_interval(&q, f->text, sizeof(f->text));
        f->verdict = decide_interval(l, &q.ci);
        if (f->verdict == PCL_VERDICT_UNDECIDED)
            say_missing(l, &q.ci, level, f);
    }
    free(q.candidate);
}

/* --- the whole
 * -------------------------------------------------------------------------------------- */

int pcl_claim_evaluate(const struct pcl_scenario *s, const struct pcl_dataset *d, double level,
                       struct pcl_claim_result *out, struct pcl_err *err)
{
    struct pcl_dataset_counts counts = pcl_dataset_count(d);
    struct claim_line *line = pcl_xcalloc(s->claim.n_expect + 1, sizeof(*line));
    bool any_false = false, all_true = true;
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < s->claim.n_expect; i++)
        rc = pcl_claim_parse(s, i, &line[i], err);
    if (rc != PCL_OK) {
        free(line);
        return rc;
    }
    *out = (struct pcl_claim_result){.runs = counts.runs, .failed = counts.failed};
    pcl_arena_init(&out->arena);
    out->id = pcl_arena_strdup(&out->arena, s->claim.id);
    out->proposition = pcl_arena_strdup(&out->arena, s->claim.proposition);
    out->source = pcl_arena_strdup(&out->arena, s->claim.source ? s->claim.source : "");
    out->note = pcl_arena_strdup(&out->arena, s->claim.note ? s->claim.note : "");
    out->scenario = pcl_arena_strdup(&out->arena, s->name);
    out->figure = pcl_arena_alloc(&out->arena, s->claim.n_expect + 1, sizeof(*out->figure));
    out->n_figures = s->claim.n_expect;
    for (size_t i = 0; i < d->n_configs; i++)
        if (d->config[i]->n_runs > out->reps)
            out->reps = (uint32_t)d->config[i]->n_runs;
    for (size_t i = 0; i < s->claim.n_expect; i++) {
        struct pcl_claim_figure *f = &out->figure[i];

        f->name = pcl_arena_strdup(&out->arena, s->claim.expect[i].name);
        f->expr = pcl_arena_strdup(&out->arena, s->claim.expect[i].expr);
        evaluate_line(d, &line[i], level > 0 ? level : PCL_LEVEL, f);
        any_false = any_false || f->verdict == PCL_VERDICT_FALSE;
        all_true = all_true && f->verdict == PCL_VERDICT_TRUE;
    }
    pcl_claim_front(s->claim.front, d, out);
    if (s->explore.on)
        pcl_claim_explored(d, out);
    out->verdict = any_false                           ? PCL_VERDICT_FALSE
                   : all_true && s->claim.n_expect > 0 ? PCL_VERDICT_TRUE
                                                       : PCL_VERDICT_UNDECIDED;
    free(line);
    return PCL_OK;
}

void pcl_claim_result_fini(struct pcl_claim_result *r)
{
    pcl_arena_fini(&r->arena);
    *r = (struct pcl_claim_result){0};
}
