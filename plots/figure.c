/*
 * From results to a figure: which configurations belong in it, which parameter is x, and what
 * the other differences make of the lines. A configuration is a point; its series is its
 * scheme, with whatever else varies beside x.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/ini.h>
#include <pclsim/stats.h>

#include "figure.h"

#define MAX_SERIES 12 /* more lines than this nobody can tell apart */
#define LOG_X 8.0     /* x over this factor: logarithmic, as task counts are chosen */
#define LOG_Y 100.0   /* times over this factor: logarithmic */

struct pick {
    const struct pcl_config **config;
    size_t n;
    char metric[40], object[40];
    const char **param; /* those that vary */
    size_t n_params;
    const char *x; /* one of them, or NULL */
};

/* --- parameters ----------------------------------------------------------------------------
 */

/* The value of a parameter; where it was not chosen, what the scenario's text says. */
static const char *value_of(struct figure *f, const struct pcl_config *c, const char *name)
{
    const char *v = pcl_config_param(c, name), *key = strrchr(name, '.');
    struct pcl_ini *ini = NULL;
    struct pcl_ini_entry *found = NULL;
    size_t hits = 0;

    if (v)
        return v;
    if (strcmp(name, "machine") == 0)
        return c->desc.machine;
    key = key ? key + 1 : name;
    if (pcl_ini_parse("", c->desc.scenario_text, strlen(c->desc.scenario_text), &ini, NULL) !=
        PCL_OK)
        return "unset";
    for (size_t i = 0; i < ini->n_sections; i++) {
        struct pcl_ini_entry *e = pcl_ini_entry(&ini->section[i], key);

        hits += e != NULL;
        found = e ? e : found;
    }
    v = hits == 1 ? pcl_arena_strdup(&f->arena, found->value) : "unset";
    pcl_ini_free(ini);
    return v;
}

static void consider(struct figure *f, struct pick *p, const char *name)
{
    const char *first = value_of(f, p->config[0], name);
    bool varies = false;

    for (size_t k = 0; k < p->n_params; k++)
        if (strcmp(p->param[k], name) == 0)
            return;
    for (size_t i = 1; i < p->n && !varies; i++)
        varies = strcmp(value_of(f, p->config[i], name), first) != 0;
    if (!varies)
        return;
    p->param = pcl_xrealloc(p->param, p->n_params + 1, sizeof(*p->param));
    p->param[p->n_params++] = name;
}

static int choose_x(struct figure *f, struct pick *p, const struct pcl_plot_opts *o,
                    struct pcl_err *err)
{
    char list[300] = "";
    size_t at = 0;

    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->config[i]->desc.n_params; k++)
            consider(f, p, p->config[i]->desc.params[k].name);
    consider(f, p, "machine");
    for (size_t k = 0; k < p->n_params; k++)
        if (at < sizeof(list))
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", k ? ", " : "",
                                   p->param[k]);
    if (!o->x) {
        if (p->n_params > 1)
            return pcl_fail(err, PCL_EINVAL,
                            "several parameters vary (%s): choose the x axis with --x", list);
        p->x = p->n_params ? p->param[0] : NULL;
        return PCL_OK;
    }
    for (size_t k = 0; k < p->n_params; k++)
        if (strcmp(p->param[k], o->x) == 0)
            p->x = p->param[k];
    if (!p->x && pcl_config_param(p->config[0], o->x))
        p->x = o->x; /* the same everywhere: one group of bars */
    if (p->x)
        return PCL_OK;
    (void)pcl_fail(err, PCL_EINVAL, "no parameter '%s' varies in these results (%s)", o->x,
                   p->n_params ? list : "none does");
    if (pcl_nearest(o->x, p->param, p->n_params))
        (void)pcl_hint(err, "did you mean '%s'?", pcl_nearest(o->x, p->param, p->n_params));
    return PCL_EINVAL;
}

/* --- choosing configurations and the metric --------------------------------------------------
 */

static bool matches(struct figure *f, const struct pcl_config *c, const char *at)
{
    size_t n = strcspn(at, "=");
    char name[128];

    (void)snprintf(name, sizeof(name), "%.*s", (int)n, at);
    return at[n] == '=' && strcmp(value_of(f, c, name), at + n + 1) == 0;
}

static int choose_configs(struct figure *f, struct pick *p, const struct pcl_dataset *d,
                          const struct pcl_plot_opts *o, struct pcl_err *err)
{
    char list[400] = "";
    const char *only = NULL;
    size_t at = 0;
    bool several = false;

    p->config = pcl_xcalloc(d->n_configs + 1, sizeof(struct pcl_config *));
    for (size_t i = 0; i < d->n_configs; i++) {
        const struct pcl_config *c = d->config[i];
        bool take = !o->workload || strcmp(o->workload, c->desc.workload) == 0;

        for (size_t k = 0; take && k < o->n_at; k++)
            take = matches(f, c, o->at[k]);
        if (only && strcmp(only, c->desc.workload) != 0)
            several = true;
        if (!only || strcmp(only, c->desc.workload) != 0)
            at += at < sizeof(list) ? (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
                                                       at ? ", " : "", c->desc.workload)
                                    : 0;
        only = c->desc.workload;
        if (take)
            p->config[p->n++] = c;
    }
    if (d->n_configs == 0)
        return pcl_fail(err, PCL_EINVAL, "there are no results to plot");
    if (p->n == 0)
        return pcl_fail(err, PCL_EINVAL, "no result fits; the workloads here are: %s", list);
    for (size_t i = 1; i < p->n && several; i++)
        if (strcmp(p->config[i]->desc.workload, p->config[0]->desc.workload) != 0)
            return pcl_fail(err, PCL_EINVAL,
                            "these are results of several workloads (%s): choose one with "
                            "--workload",
                            list);
    return PCL_OK;
}

/* Finds the object when the metric was given without, and lists what there is when it is not.
 */
static int choose_metric(struct pick *p, const char *spec, struct pcl_err *err)
{
    char list[500] = "", objects[300] = "";
    size_t at = 0, n = 0, k_at = 0;
    bool found = false, all = false;

    if (!pcl_metric_spec(spec, p->metric, p->object))
        return pcl_fail(err, PCL_EINVAL, "metric '%s': want NAME or NAME(OBJECT)", spec);
    for (size_t k = 0; k < p->config[0]->n_series; k++) {
        const struct pcl_series *s = &p->config[0]->series[k];

        if (at < sizeof(list) && (k == 0 || strcmp(s->name, s[-1].name) != 0))
            at +=
                (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "", s->name);
        if (strcmp(s->name, p->metric) != 0)
            continue;
        n++;
        all = all || strcmp(s->object, "all") == 0;
        found = found || strcmp(s->object, p->object) == 0;
        if (k_at < sizeof(objects))
            k_at += (size_t)snprintf(objects + k_at, sizeof(objects) - k_at, "%s%s",
                                     k_at ? ", " : "", s->object);
    }
    if (n == 0)
        return pcl_fail(err, PCL_EINVAL, "metric '%s': these results have %s", spec, list);
    if (!p->object[0] && (all || n == 1)) {
        (void)snprintf(p->object, sizeof(p->object), "%.39s", all ? "all" : objects);
        found = true;
    }
    if (found)
        return PCL_OK;
    return pcl_fail(err, PCL_EINVAL, "metric '%s': say of what, for example %s(%s)", spec,
                    p->metric, objects);
}

/* --- points --------------------------------------------------------------------------------
 */

static size_t category(struct figure *f, const char *text)
{
    struct fig_cat *c;

    for (size_t i = 0; i < f->n_cats; i++)
        if (strcmp(f->cat[i].text, text) == 0)
            return i;
    f->cat = pcl_xrealloc(f->cat, f->n_cats + 1, sizeof(*f->cat));
    c = &f->cat[f->n_cats];
    c->text = text;
    c->x = (double)f->n_cats;
    return f->n_cats++;
}

static void series_name(struct figure *f, const struct pick *p, const struct pcl_config *c,
                        char *buf, size_t n)
{
    size_t at = (size_t)snprintf(buf, n, "%s", c->desc.scheme);

    for (size_t k = 0; k < p->n_params && at < n; k++)
        if (p->param[k] != p->x)
            at += (size_t)snprintf(buf + at, n - at, ", %s = %s", p->param[k],
                                   value_of(f, c, p->param[k]));
}

static int add_point(struct figure *f, const struct pick *p, const struct pcl_config *c,
                     const struct pcl_ci *ci, struct pcl_err *err)
{
    struct fig_point pt = {.y = ci->mean, .lo = ci->lo, .hi = ci->hi};
    char name[256];
    size_t s = 0;

    pt.cat = category(f, p->x ? value_of(f, c, p->x) : "");
    series_name(f, p, c, name, sizeof(name));
    while (s < f->n_series && strcmp(f->series[s].name, name) != 0)
        s++;
    if (s == MAX_SERIES)
        return pcl_fail(err, PCL_EINVAL,
                        "more than %d lines: fix some of the parameters that vary with "
                        "--at KEY=VALUE",
                        MAX_SERIES);
    if (s == f->n_series) {
        f->series = pcl_xrealloc(f->series, s + 1, sizeof(*f->series));
        f->series[s] = (struct fig_series){0};
        memcpy(f->series[s].name, name, sizeof(name));
        f->n_series++;
    }
    for (size_t i = 0; i < f->series[s].n; i++)
        if (f->series[s].point[i].cat == pt.cat) { /* the latest version of model or text */
            f->series[s].point[i] = pt;
            return PCL_OK;
        }
    f->series[s].point =
        pcl_xrealloc(f->series[s].point, f->series[s].n + 1, sizeof(*f->series[s].point));
    f->series[s].point[f->series[s].n++] = pt;
    return PCL_OK;
}

struct seen {
    size_t least, most; /* replications per point */
    enum pcl_better better;
    char unit[12];
    bool varies;
};

static int add_points(struct figure *f, const struct pick *p, double level, struct seen *seen,
                      struct pcl_err *err)
{
    int rc = PCL_OK;

    *seen = (struct seen){.least = SIZE_MAX};
    for (size_t i = 0; rc == PCL_OK && i < p->n; i++) {
        const struct pcl_config *c = p->config[i];
        const struct pcl_series *s = pcl_config_series(c, p->metric, p->object);
        double *x = pcl_xcalloc(c->n_runs + 1, sizeof(*x));
        struct pcl_ci ci;
        size_t n = 0;

        for (size_t r = 0; s && r < c->n_runs; r++)
            if (isfinite(s->value[r]))
                x[n++] = s->value[r];
        pcl_ci_mean(x, n, level, &ci);
        free(x);
        if (n == 0)
            continue;
        seen->least = n < seen->least ? n : seen->least;
        seen->most = n > seen->most ? n : seen->most;
        seen->better = s->better;
        seen->varies = seen->varies || ci.kind == PCL_CI_INTERVAL;
        memcpy(seen->unit, s->unit, sizeof(seen->unit));
        rc = add_point(f, p, c, &ci, err);
    }
    if (rc == PCL_OK && f->n_series == 0)
        rc = pcl_fail(err, PCL_EINVAL, "no run has a value of %s", p->metric);
    return rc;
}

/* --- axes ----------------------------------------------------------------------------------
 */

/* By x; points are few and nearly in order. */
static void sort_points(const struct figure *f, struct fig_series *s)
{
    for (size_t i = 1; i < s->n; i++) {
        struct fig_point p = s->point[i];
        size_t k = i;

        for (; k > 0 && f->cat[s->point[k - 1].cat].x > f->cat[p.cat].x; k--)
            s->point[k] = s->point[k - 1];
        s->point[k] = p;
    }
}

/* The widest gap between neighbours on the x axis, as a share of the whole: of two scales the
 * one that spreads the points better has the smaller. */
static double widest_gap(const struct figure *f, bool log_scale)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL, widest = 0;

    for (size_t i = 0; i < f->n_cats; i++) {
        double x = log_scale ? log2(f->cat[i].x) : f->cat[i].x, next = HUGE_VAL;

        lo = fmin(lo, x);
        hi = fmax(hi, x);
        for (size_t k = 0; k < f->n_cats; k++) {
            double y = log_scale ? log2(f->cat[k].x) : f->cat[k].x;

            if (y > x)
                next = fmin(next, y);
        }
        if (next < HUGE_VAL)
            widest = fmax(widest, next - x);
    }
    return hi > lo ? widest / (hi - lo) : 1;
}

static void set_x(struct figure *f, const struct pick *p)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL;

    f->bars = f->n_cats < 2;
    for (size_t i = 0; i < f->n_cats && !f->bars; i++)
        f->bars = !pcl_number_of(f->cat[i].text, true, &f->cat[i].x);
    for (size_t i = 0; i < f->n_cats; i++) {
        if (f->bars)
            f->cat[i].x = (double)i;
        lo = fmin(lo, f->cat[i].x);
        hi = fmax(hi, f->cat[i].x);
    }
    f->x_log = !f->bars && lo > 0 && hi / lo >= LOG_X &&
               widest_gap(f, true) <= widest_gap(f, false) + 1e-9;
    for (size_t s = 0; s < f->n_series; s++)
        sort_points(f, &f->series[s]);
    (void)snprintf(f->xlabel, sizeof(f->xlabel), "%s",
                   !p->x                        ? ""
                   : strcmp(p->x, "clone") == 0 ? "copies of the recording"
                                                : p->x);
}

/* Chooses the unit of the y axis and converts all values to it. */
static void set_y(struct figure *f, const struct pick *p, const struct seen *seen)
{
    double lo = HUGE_VAL, hi = 0;
    struct pcl_scale scale;
    char label[96], prefix[2] = "";

    for (size_t s = 0; s < f->n_series; s++)
        for (size_t i = 0; i < f->series[s].n; i++) {
            lo = fmin(lo, f->series[s].point[i].y);
            hi = fmax(hi, f->series[s].point[i].hi);
        }
    scale = pcl_scale_for(seen->unit, hi);
    for (double step = 1e9; scale.suffix && scale.div == 1 && step > 1; step /= 1000)
        if (hi >= step) {
            scale.div = step;
            prefix[0] = step > 1e8 ? 'G' : step > 1e5 ? 'M' : 'k';
        }
    for (size_t s = 0; s < f->n_series; s++)
        for (size_t i = 0; i < f->series[s].n; i++) {
            f->series[s].point[i].y /= scale.div;
            f->series[s].point[i].lo /= scale.div;
            f->series[s].point[i].hi /= scale.div;
        }
    f->y_log = !f->bars && seen->better != PCL_BETTER_HIGHER && strcmp(seen->unit, "ns") == 0 &&
               lo > 0 && hi / lo >= LOG_Y;
    f->y_zero = !f->y_log && lo >= 0;
    /* a logarithmic axis has no place for the lower end of a very wide interval */
    for (size_t s = 0; s < f->n_series && f->y_log; s++)
        for (size_t i = 0; i < f->series[s].n; i++)
            f->series[s].point[i].lo = fmax(f->series[s].point[i].lo, lo / scale.div / 10);
    (void)pcl_metric_label(p->metric, p->object, label, sizeof(label));
    (void)snprintf(f->ylabel, sizeof(f->ylabel), "%s%s%s%s%s%s", label,
                   prefix[0] || scale.unit[0] ? " (" : "", prefix,
                   prefix[0] && scale.unit[0] ? " " : "", scale.unit,
                   prefix[0] || scale.unit[0] ? ")" : "");
    if (seen->better != PCL_BETTER_NONE)
        (void)snprintf(f->ylabel + strlen(f->ylabel), sizeof(f->ylabel) - strlen(f->ylabel),
                       ", %s is better", seen->better == PCL_BETTER_LOWER ? "lower" : "higher");
}

static void set_titles(struct figure *f, const struct pick *p, const struct seen *seen,
                       double level)
{
    const struct pcl_config_desc *d = &p->config[0]->desc;
    char reps[64], point[256] = "", name[256];
    bool one_machine = true;

    for (size_t i = 1; i < p->n; i++)
        one_machine = one_machine && strcmp(p->config[i]->desc.machine, d->machine) == 0;
    (void)snprintf(reps, sizeof(reps), "%zu", seen->most);
    if (seen->least != seen->most)
        (void)snprintf(reps, sizeof(reps), "%zu to %zu", seen->least, seen->most);
    if (!p->x && pcl_point_title(d, name, sizeof(name))[0])
        (void)snprintf(point, sizeof(point), ", %.250s", name);
    (void)snprintf(f->title, sizeof(f->title), "%s", d->title[0] ? d->title : d->workload);
    (void)snprintf(f->subtitle, sizeof(f->subtitle), "simulated: %s%s%s%s, %s replication%s",
                   d->workload, point, one_machine ? ", machine " : "",
                   one_machine ? d->machine : "", reps, seen->most == 1 ? "" : "s");
    if (seen->most > 1)
        (void)snprintf(f->subtitle + strlen(f->subtitle),
                       sizeof(f->subtitle) - strlen(f->subtitle), ", %s",
                       seen->varies ? "" : "all identical");
    if (seen->most > 1 && seen->varies)
        (void)snprintf(f->subtitle + strlen(f->subtitle),
                       sizeof(f->subtitle) - strlen(f->subtitle), "%.4g%% t intervals",
                       100 * level);
}

int fig_make(const struct pcl_dataset *d, const struct pcl_plot_opts *o, struct figure *f,
             struct pcl_err *err)
{
    double level = o->level > 0 ? o->level : PCL_LEVEL;
    struct pick p = {0};
    struct seen seen;
    int rc;

    *f = (struct figure){0};
    pcl_arena_init(&f->arena);
    rc = choose_configs(f, &p, d, o, err);
    if (rc == PCL_OK)
        rc = choose_metric(&p, o->metric ? o->metric : "throughput", err);
    if (rc == PCL_OK)
        rc = choose_x(f, &p, o, err);
    if (rc == PCL_OK)
        rc = add_points(f, &p, level, &seen, err);
    if (rc == PCL_OK) {
        set_x(f, &p);
        set_y(f, &p, &seen);
        set_titles(f, &p, &seen, level);
    }
    free(p.config);
    free(p.param);
    if (rc != PCL_OK)
        fig_free(f);
    return rc;
}

void fig_free(struct figure *f)
{
    for (size_t s = 0; s < f->n_series; s++)
        free(f->series[s].point);
    free(f->series);
    free(f->cat);
    pcl_arena_fini(&f->arena);
    *f = (struct figure){0};
}
