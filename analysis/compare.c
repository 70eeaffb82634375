/*
 * Building a comparison: configurations that differ in the scheme only form a block, a block's
 * metrics are its rows, and each cell is a paired comparison with the block's baseline. Holm's
 * correction runs over all tested cells of the output, since a reader sees them all.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/display.h>

#include "compare_internal.h"

/* What people want to see first. Objects: "all" alone, each operation, or all there are. */
enum objects {
    OBJ_ALL,  /* "all" if there is one, else all */
    OBJ_EACH, /* those that are not "all", if there are 2 or more */
    OBJ_ANY
};

static const struct {
    const char *name;
    enum objects objects;
    bool only_if_nonzero;
} usual[] = {
    {"throughput", OBJ_ALL, false},   {"latency_mean", OBJ_ALL, false},
    {"latency_p50", OBJ_ALL, false},  {"latency_p99", OBJ_ALL, false},
    {"latency_p99", OBJ_EACH, false}, {"latency_max", OBJ_ALL, false},
    {"longest_wait", OBJ_ALL, false}, {"ctx_switches_per_op", OBJ_ALL, false},
    {"irqs_off_max", OBJ_ALL, true},  {"bytes_static", OBJ_ANY, true},
    {"bytes_peak", OBJ_ANY, true},    {"violations", OBJ_ANY, true},
};

struct wanted {
    char name[40], object[40];
};

struct wanted_list {
    struct wanted *v;
    size_t n;
};

static bool listed(const struct wanted_list *l, const char *name, const char *object)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].name, name) == 0 && strcmp(l->v[i].object, object) == 0)
            return true;
    return false;
}

static void want(struct wanted_list *l, const char *name, const char *object)
{
    if (listed(l, name, object))
        return;
    l->v = pcl_xrealloc(l->v, l->n + 1, sizeof(*l->v));
    (void)snprintf(l->v[l->n].name, sizeof(l->v->name), "%s", name);
    (void)snprintf(l->v[l->n].object, sizeof(l->v->object), "%s", object);
    l->n++;
}

static bool all_zero(const struct pcl_dataset *d, const char *name, const char *object)
{
    for (size_t i = 0; i < d->n_configs; i++) {
        const struct pcl_config *c = d->config[i];
        const struct pcl_series *s = pcl_config_series(c, name, object);

        for (size_t k = 0; s && k < c->n_runs; k++)
            if (isfinite(s->value[k]) && s->value[k] != 0)
                return false;
    }
    return true;
}

static int by_name_object(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    if (c != 0)
        return c;
    if ((c = strcmp(x->object, "all") != 0) != (strcmp(y->object, "all") != 0))
        return c ? 1 : -1;
    return strcmp(x->object, y->object);
}

/* Every (name, object) of the dataset, by name, "all" first. */
static struct wanted_list everything(const struct pcl_dataset *d)
{
    struct wanted_list l = {0};

    for (size_t i = 0; i < d->n_configs; i++)
        for (size_t k = 0; k < d->config[i]->n_series; k++)
            want(&l, d->config[i]->series[k].name, d->config[i]->series[k].object);
    if (l.n)
        qsort(l.v, l.n, sizeof(*l.v), by_name_object);
    return l;
}

static void want_usual(const struct pcl_dataset *d, const struct wanted_list *all,
                       struct wanted_list *out)
{
    for (size_t u = 0; u < sizeof(usual) / sizeof(usual[0]); u++) {
        bool has_all = listed(all, usual[u].name, "all");
        size_t n_each = 0;

        for (size_t i = 0; i < all->n; i++)
            n_each += strcmp(all->v[i].name, usual[u].name) == 0 &&
                      strcmp(all->v[i].object, "all") != 0 &&
                      strcmp(all->v[i].object, "syscall") != 0;
        for (size_t i = 0; i < all->n; i++) {
            const struct wanted *w = &all->v[i];
            bool is_all = strcmp(w->object, "all") == 0;

            if (strcmp(w->name, usual[u].name) != 0 ||
                (usual[u].objects == OBJ_ALL && has_all && !is_all) ||
                (usual[u].objects == OBJ_EACH &&
                 (is_all || n_each < 2 || strcmp(w->object, "syscall") == 0)) ||
                (usual[u].only_if_nonzero && all_zero(d, w->name, w->object)))
                continue;
            want(out, w->name, w->object);
        }
    }
    if (out->n > 0)
        return;
    for (size_t i = 0; i < all->n; i++) /* a set of other metrics altogether */
        want(out, all->v[i].name, all->v[i].object);
}

static int unknown_metric(const char *spec, const struct wanted_list *all, struct pcl_err *err)
{
    const char **names = pcl_xcalloc(all->n + 1, sizeof(*names));
    char name[40], object[40], list[600] = "";
    const char *near;
    size_t n = 0, at = 0;

    for (size_t i = 0; i < all->n; i++) {
        if (n > 0 && strcmp(names[n - 1], all->v[i].name) == 0)
            continue;
        names[n++] = all->v[i].name;
        if (at < sizeof(list))
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "",
                                   all->v[i].name);
    }
    (void)pcl_fail(err, PCL_EINVAL, "metric '%s': these results have %s", spec, list);
    near = pcl_metric_spec(spec, name, object) ? pcl_nearest(name, names, n) : NULL;
    if (near && strcmp(near, name) == 0) {
        at = 0;
        for (size_t i = 0; i < all->n && at < sizeof(list); i++)
            if (strcmp(all->v[i].name, name) == 0)
                at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "",
                                       all->v[i].object);
        (void)pcl_fail(err, PCL_EINVAL, "metric '%s': %s is known of %s", spec, name, list);
    } else if (near) {
        (void)pcl_hint(err, "did you mean '%s'?", near);
    }
    free(names);
    return PCL_EINVAL;
}

static int choose_metrics(const struct pcl_dataset *d, const struct pcl_compare_opts *o,
                          struct wanted_list *out, struct pcl_err *err)
{
    struct wanted_list all = everything(d);
    size_t memory[4], n_memory = 0; /* a name and an object are listed once */
    int rc = PCL_OK;

    if (o->n_metrics == 0)
        want_usual(d, &all, out);
    for (size_t i = 0; o->mail && i < all.n; i++) /* costs beside gains */
        if (o->n_metrics && strncmp(all.v[i].name, "bytes_", 6) == 0 &&
            (strcmp(all.v[i].object, "locks") == 0 || strcmp(all.v[i].object, "all") == 0) &&
            (strcmp(all.v[i].name, "bytes_static") == 0 ||
             strcmp(all.v[i].name, "bytes_peak") == 0))
            memory[n_memory++] = i;
    for (size_t i = 0; rc == PCL_OK && i < o->n_metrics; i++) {
        char name[40], object[40];
        size_t before = out->n;
        bool found = false;

        if (pcl_metric_spec(o->metrics[i], name, object))
            for (size_t k = 0; k < all.n; k++)
                if (strcmp(all.v[k].name, name) == 0 &&
                    (!object[0] || strcmp(all.v[k].object, object) == 0)) {
                    want(out, all.v[k].name, all.v[k].object);
                    found = true;
                }
        if (!found && out->n == before)
            rc = unknown_metric(o->metrics[i], &all, err);
    }
    for (size_t i = 0; i < n_memory; i++)
        want(out, all.v[memory[i]].name, all.v[memory[i]].object);
    free(all.v);
    return rc;
}

/* --- blocks --------------------------------------------------------------------------------
 */

static int no_such_scheme(const struct pcl_dataset *d, const char *name, struct pcl_err *err)
{
    const char **names = pcl_xcalloc(d->n_configs + 1, sizeof(*names));
    char list[600] = "";
    const char *near;
    size_t n = 0, at = 0;

    for (size_t i = 0; i < d->n_configs; i++) {
        size_t k = 0;

        while (k < n && strcmp(names[k], d->config[i]->desc.scheme) != 0)
            k++;
        if (k < n)
            continue;
        names[n++] = d->config[i]->desc.scheme;
        if (at < sizeof(list))
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "",
                                   names[n - 1]);
    }
    (void)pcl_fail(err, PCL_EINVAL, "baseline '%s': these results have %s", name, list);
    near = pcl_nearest(name, names, n);
    if (near)
        (void)pcl_hint(err, "did you mean '%s'?", near);
    free(names);
    return PCL_EINVAL;
}

/* Measured of every scheme, and 0 in every run? object NULL: of every object. */
static bool uncontended(const struct pcl_compare_block *b, const char *object)
{
    for (size_t i = 0; i < b->n_schemes; i++) {
        const struct pcl_config *c = b->config[i];
        bool measured = false;

        for (size_t k = 0; k < c->n_series; k++) {
            const struct pcl_series *s = &c->series[k];

            if (strcmp(s->name, "contentions") != 0 ||
                (object && strcmp(s->object, object) != 0))
                continue;
            for (size_t r = 0; r < c->n_runs; r++) {
                if (isfinite(s->value[r]) && s->value[r] != 0)
                    return false;
                measured = measured || isfinite(s->value[r]);
            }
        }
        if (!measured)
            return false;
    }
    return true;
}

static void make_blocks(struct pcl_comparison *c, const struct pcl_dataset *d,
                        const char *baseline)
{
    bool *taken = pcl_xcalloc(d->n_configs + 1, sizeof(*taken));

    c->block = pcl_arena_alloc(&c->arena, d->n_configs + 1, sizeof(*c->block));
    for (size_t i = 0; i < d->n_configs; i++) {
        struct pcl_compare_block *b = &c->block[c->n_blocks];

        if (taken[i])
            continue;
        c->n_blocks++;
        b->config = pcl_arena_alloc(&c->arena, d->n_configs - i, sizeof(struct pcl_config *));
        for (size_t k = i; k < d->n_configs; k++) {
            if (taken[k] || !pcl_same_point(d->config[i], d->config[k]))
                continue;
            taken[k] = true;
            b->config[b->n_schemes++] = d->config[k];
            for (size_t r = 0; r < d->config[k]->n_runs; r++)
                b->n_failed += d->config[k]->run[r].failed;
        }
        for (size_t k = 1; baseline && k < b->n_schemes; k++)
            if (strcmp(b->config[k]->desc.scheme, baseline) == 0) {
                const struct pcl_config *base = b->config[k];

                memmove(&b->config[1], &b->config[0], k * sizeof(struct pcl_config *));
                b->config[0] = base;
                break;
            }
        b->no_page_contended = uncontended(b, "page");
        b->no_lock_contended = uncontended(b, NULL);
    }
    free(taken);
}

/* --- cells ---------------------------------------------------------------------------------
 */

static void own_interval(const struct pcl_config *c, const struct pcl_series *s, double level,
                         double *x, struct pcl_ci *out)
{
    size_t n = 0;

    for (size_t i = 0; s && i < c->n_runs; i++)
        if (isfinite(s->value[i]))
            x[n++] = s->value[i];
    pcl_ci_mean(x, n, level, out);
}

static double only_value(const struct pcl_config *c, const char *name, const char *object)
{
    const struct pcl_series *s = pcl_config_series(c, name, object);

    return s && c->n_runs == 1 ? s->value[0] : (double)NAN;
}

/* One run by itself: batch means of the two means that it has them of, at any level; order
 * statistics of quantiles, at 95 %. */
static bool one_run(const struct pcl_config *c, const struct wanted *w, double level,
                    struct pcl_ci *ci)
{
    char lo[48], hi[48];
    double se = only_value(c, "batch_se", w->name), n = only_value(c, "batch_count", w->name);

    if (ci->n != 1 || strcmp(w->object, "all") != 0)
        return false;
    (void)snprintf(lo, sizeof(lo), "%s_lo", w->name);
    (void)snprintf(hi, sizeof(hi), "%s_hi", w->name);
    if (isfinite(se) && n >= 2) {
        ci->half = se * pcl_t_quantile(level, n - 1);
        ci->lo = ci->mean - ci->half;
        ci->hi = ci->mean + ci->half;
    } else if (isfinite(only_value(c, lo, "all")) && fabs(level - PCL_LEVEL) < 1e-9) {
        ci->lo = fmin(only_value(c, lo, "all"), ci->mean);
        ci->hi = fmax(only_value(c, hi, "all"), ci->mean);
        ci->half = fmax(ci->mean - ci->lo, ci->hi - ci->mean);
    } else {
        return false;
    }
    ci->kind = PCL_CI_INTERVAL;
    return true;
}

static bool has_modes(const struct pcl_config *c, const struct wanted *w)
{
    struct config_modes m = {0};

    if (strcmp(w->object, "all") == 0 &&
        (strcmp(w->name, "throughput") == 0 || strcmp(w->name, "latency_mean") == 0))
        pcl_config_modes(c, w->name, &m);
    return m.two;
}

/* Do the replications differ, so that a number that is equal in all of them may only be a
 * coarse one? Bytes are counted, not sampled. */
static bool sampled(const struct pcl_config *c, const char *unit)
{
    bool differ = false;

    for (size_t i = 1; i < c->n_runs; i++)
        differ = differ || c->run[i].fingerprint != c->run[0].fingerprint;
    return differ && strcmp(unit, "B") != 0;
}

/* A difference of sampled values that is the same in each pair has no t; but n equal signs by
 * chance have a probability, 2^(1-n). A quantile from a histogram, in steps of 0.8 %, needs
 * this. */
static void sign_test(struct pcl_paired *p)
{
    if (p->diff.kind == PCL_CI_EXACT && p->diff.mean != 0)
        p->p = pow(2, 1 - (double)p->n);
}

static bool fill_row(struct pcl_comparison *c, const struct pcl_compare_block *b,
                     const struct wanted *w, struct pcl_compare_row *row)
{
    size_t most = 1;
    double *xa, *xb;
    bool any = false;

    *row = (struct pcl_compare_row){0};
    memcpy(row->name, w->name, sizeof(row->name));
    memcpy(row->object, w->object, sizeof(row->object));
    row->cell = pcl_arena_alloc(&c->arena, b->n_schemes, sizeof(*row->cell));
    for (size_t i = 0; i < b->n_schemes; i++)
        most = b->config[i]->n_runs > most ? b->config[i]->n_runs : most;
    xa = pcl_xcalloc(most, sizeof(double));
    xb = pcl_xcalloc(most, sizeof(double));
    for (size_t i = 0; i < b->n_schemes; i++) {
        const struct pcl_config *base = b->config[0], *me = b->config[i];
        const struct pcl_series *sb = pcl_config_series(base, w->name, w->object);
        const struct pcl_series *sm = pcl_config_series(me, w->name, w->object);
        struct pcl_cell *cell = &row->cell[i];

        cell->scheme = me->desc.scheme;
        cell->mark = PCL_MARK_NONE;
        cell->p_holm = -1;
        own_interval(me, sm, c->level, xa, &cell->value);
        cell->one_run = one_run(me, w, c->level, &cell->value);
        cell->modes = has_modes(me, w);
        any = any || cell->value.n > 0;
        if (sm) {
            memcpy(row->unit, sm->unit, sizeof(row->unit));
            row->better = sm->better;
        }
        if (i > 0) {
            pcl_paired(xa, xb, pcl_series_pairs(base, sb, me, sm, xa, xb), c->level,
                       &cell->against);
            if (sampled(base, row->unit))
                sign_test(&cell->against);
        }
    }
    free(xa);
    free(xb);
    return any;
}

static void mark_cell(const struct pcl_comparison *c, const struct pcl_compare_row *row,
                      struct pcl_cell *cell)
{
    const struct pcl_paired *p = &cell->against;

    if (!p->tested) {
        cell->mark = p->n > 0 || cell->value.n > 0 ? PCL_MARK_TOO_FEW : PCL_MARK_NONE;
        return;
    }
    if (cell->modes || row->cell[0].modes) {
        cell->mark = PCL_MARK_MODES;
        return;
    }
    if (cell->p_holm >= 1 - c->level) {
        cell->mark = PCL_MARK_NOT;
        return;
    }
    if (p->mean_a != 0 && fabs(p->mean_b - p->mean_a) < c->practical * fabs(p->mean_a)) {
        cell->mark = PCL_MARK_SMALL;
        return;
    }
    cell->mark = PCL_MARK_SIGNIFICANT;
    cell->worse = (row->better == PCL_BETTER_LOWER && p->diff.mean > 0) ||
                  (row->better == PCL_BETTER_HIGHER && p->diff.mean < 0);
}

/* Calls a cell's slot for every compared cell, in a fixed order. */
static size_t each_cell(struct pcl_comparison *c, struct pcl_cell **out,
                        struct pcl_compare_row **rows)
{
    size_t n = 0;

    for (size_t b = 0; b < c->n_blocks; b++)
        for (size_t r = 0; r < c->block[b].n_rows; r++)
            for (size_t i = 1; i < c->block[b].n_schemes; i++, n++)
                if (out) {
                    out[n] = &c->block[b].row[r].cell[i];
                    rows[n] = &c->block[b].row[r];
                }
    return n;
}

static void correct(struct pcl_comparison *c)
{
    size_t n = each_cell(c, NULL, NULL);
    struct pcl_cell **cell = pcl_xcalloc(n + 1, sizeof(struct pcl_cell *));
    struct pcl_compare_row **row = pcl_xcalloc(n + 1, sizeof(struct pcl_compare_row *));
    double *p = pcl_xcalloc(n + 1, sizeof(*p));

    (void)each_cell(c, cell, row);
    for (size_t i = 0; i < n; i++) {
        const struct pcl_paired *a = &cell[i]->against;

        /* nothing is tested where nothing varies: it takes no part in the correction */
        p[i] = a->tested && a->p > 0 && !a->equal && !cell[i]->modes && !row[i]->cell[0].modes
                   ? a->p
                   : -1;
    }
    c->n_tests = pcl_holm(p, n);
    for (size_t i = 0; i < n; i++) {
        const struct pcl_paired *a = &cell[i]->against;

        cell[i]->p_holm = a->tested && p[i] < 0 ? a->p : p[i];
        mark_cell(c, row[i], cell[i]);
        c->any_worse = c->any_worse || cell[i]->worse;
    }
    free(cell);
    free(row);
    free(p);
}

int pcl_compare(const struct pcl_dataset *d, const struct pcl_compare_opts *o,
                struct pcl_comparison **out, struct pcl_err *err)
{
    struct wanted_list list = {0};
    struct pcl_comparison *c;
    bool found = !o->baseline;
    int rc;

    if (d->n_configs == 0)
        return pcl_fail(err, PCL_EINVAL, "there are no results to compare");
    for (size_t i = 0; o->baseline && i < d->n_configs; i++)
        found = found || strcmp(d->config[i]->desc.scheme, o->baseline) == 0;
    if (!found)
        return no_such_scheme(d, o->baseline, err);
    rc = choose_metrics(d, o, &list, err);
    if (rc != PCL_OK) {
        free(list.v);
        return rc;
    }
    c = pcl_xcalloc(1, sizeof(*c));
    pcl_arena_init(&c->arena);
    c->level = o->level > 0 ? o->level : PCL_LEVEL;
    c->practical = o->practical == 0 ? PCL_PRACTICAL : fmax(o->practical, 0);
    make_blocks(c, d, o->baseline);
    for (size_t b = 0; b < c->n_blocks; b++) {
        struct pcl_compare_block *block = &c->block[b];

        block->row = pcl_arena_alloc(&c->arena, list.n + 1, sizeof(*block->row));
        for (size_t i = 0; i < list.n; i++)
            if (fill_row(c, block, &list.v[i], &block->row[block->n_rows]))
                block->n_rows++;
    }
    correct(c);
    free(list.v);
    *out = c;
    return PCL_OK;
}

bool pcl_compare_worse_by(const struct pcl_comparison *c, double share)
{
    for (size_t b = 0; b < c->n_blocks; b++)
        for (size_t r = 0; r < c->block[b].n_rows; r++)
            for (size_t i = 1; i < c->block[b].n_schemes; i++) {
                const struct pcl_cell *cell = &c->block[b].row[r].cell[i];
                const struct pcl_paired *p = &cell->against;

                if (cell->worse && fabs(p->mean_b - p->mean_a) >= share * fabs(p->mean_a))
                    return true;
            }
    return false;
}

void pcl_comparison_free(struct pcl_comparison *c)
{
    if (!c)
        return;
    pcl_arena_fini(&c->arena);
    free(c);
}
