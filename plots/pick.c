/*
 * Which results a figure is about. A parameter's value is what --set or a grid chose, or else
 * what the scenario's own text says, so that a run without --set has its place on the axis.
 * "scheme", "machine" and "workload" are parameters like others.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/ini.h>
#include <pclsim/stats.h>

#include "figure.h"

const char *pick_value(struct pick *p, const struct pcl_config *c, const char *name)
{
    const char *v = pcl_config_param(c, name), *key = strrchr(name, '.');
    struct pcl_ini_entry *found = NULL;
    struct pcl_ini *ini = NULL;
    size_t hits = 0;

    if (v)
        return v;
    if (strcmp(name, "machine") == 0)
        return c->desc.machine;
    if (strcmp(name, "scheme") == 0)
        return c->desc.scheme;
    if (strcmp(name, "workload") == 0)
        return c->desc.workload;
    key = key ? key + 1 : name;
    if (pcl_ini_parse("", c->desc.scenario_text, strlen(c->desc.scenario_text), &ini, NULL) !=
        PCL_OK)
        return "unset";
    for (size_t i = 0; i < ini->n_sections; i++) {
        struct pcl_ini_entry *e = pcl_ini_entry(&ini->section[i], key);

        hits += e != NULL;
        found = e ? e : found;
    }
    v = hits == 1 ? pcl_arena_strdup(&p->f->arena, found->value) : "unset";
    pcl_ini_free(ini);
    return v;
}

/* --- --where --------------------------------------------------------------------------------
 */

struct condition {
    char name[128];
    const char *value;
    int want; /* sign of the comparison: bit 0 less, bit 1 equal, bit 2 more */
};

static bool parse_where(const char *text, struct condition *c)
{
    size_t n = strcspn(text, "=!<>");
    const char *op = text + n;
    size_t len = n;

    while (len > 0 && text[len - 1] == ' ')
        len--;
    if (len == 0 || len >= sizeof(c->name) || !*op)
        return false;
    (void)snprintf(c->name, sizeof(c->name), "%.*s", (int)len, text);
    if (op[0] == '!' && op[1] != '=')
        return false;
    c->want = op[0] == '<' ? 1 : op[0] == '>' ? 4 : op[0] == '!' ? 5 : 2;
    op++;
    if (*op == '=') {
        c->want |= c->want == 1 || c->want == 4 ? 2 : 0;
        op++;
    }
    c->value = op + strspn(op, " ");
    return *c->value != '\0';
}

static bool matches(struct pick *p, const struct pcl_config *c, const struct condition *w)
{
    const char *v = pick_value(p, c, w->name);
    double a, b;
    int cmp;

    if (pcl_number_of(v, true, &a) && pcl_number_of(w->value, true, &b))
        cmp = (a > b) - (a < b);
    else if (w->want == 2 || w->want == 5)
        cmp = strcmp(v, w->value);
    else
        return false; /* words have no order */
    return (w->want & (cmp < 0 ? 1 : cmp == 0 ? 2 : 4)) != 0;
}

static void list_add(char *list, size_t size, const char *word)
{
    size_t at = strlen(list), n = strlen(word);

    for (const char *s = list; (s = strstr(s, word)) != NULL; s++)
        if ((s == list || s[-1] == ' ') && (s[n] == ',' || s[n] == '\0'))
            return;
    if (at + n + 3 < size)
        (void)snprintf(list + at, size - at, "%s%s", at ? ", " : "", word);
}

int pick_configs(struct pick *p, struct pcl_err *err)
{
    size_t n_where = p->o->n_where;
    struct condition *w = pcl_xcalloc(n_where + 1, sizeof(*w));
    char seen[400] = "";
    int rc = PCL_OK;

    p->config = pcl_xcalloc(p->d->n_configs + 1, sizeof(struct pcl_config *));
    for (size_t i = 0; i < n_where && rc == PCL_OK; i++)
        if (!parse_where(p->o->where[i], &w[i]))
            rc = pcl_fail(
                err, PCL_EINVAL,
                "--where '%s': want KEY=VALUE, or != < <= > >= in place of =", p->o->where[i]);
    if (rc == PCL_OK && p->d->n_configs == 0)
        rc = pcl_fail(err, PCL_EINVAL, "there are no results to plot");
    for (size_t i = 0; rc == PCL_OK && i < p->d->n_configs; i++) {
        const struct pcl_config *c = p->d->config[i];
        bool take = true;

        for (size_t k = 0; take && k < n_where; k++)
            take = matches(p, c, &w[k]);
        for (size_t k = 0; k < n_where; k++)
            list_add(seen, sizeof(seen),
                     fig_text(p->f, "%s=%s", w[k].name, pick_value(p, c, w[k].name)));
        if (take)
            p->config[p->n++] = c;
    }
    if (rc == PCL_OK && p->n == 0)
        rc = pcl_fail(err, PCL_EINVAL, "no result fits --where; there are: %s", seen);
    free(w);
    return rc;
}

/* --- what varies ----------------------------------------------------------------------------
 */

static void consider(struct pick *p, const char *name)
{
    const char *first = pick_value(p, p->config[0], name);
    bool varies = false;

    for (size_t k = 0; k < p->n_params; k++)
        if (strcmp(p->param[k], name) == 0)
            return;
    for (size_t i = 1; i < p->n && !varies; i++)
        varies = strcmp(pick_value(p, p->config[i], name), first) != 0;
    if (!varies)
        return;
    p->param = pcl_xrealloc(p->param, p->n_params + 1, sizeof(*p->param));
    p->param[p->n_params++] = name;
}

static const char *one_of(const struct pick *p, const char *name)
{
    for (size_t k = 0; k < p->n_params; k++)
        if (strcmp(p->param[k], name) == 0)
            return p->param[k];
    return NULL;
}

static bool in_by(const struct pick *p, const char *name)
{
    for (size_t k = 0; k < p->n_by; k++)
        if (strcmp(p->by[k], name) == 0)
            return true;
    return false;
}

static const char *varying(const struct pick *p)
{
    char list[300] = "";

    for (size_t k = 0; k < p->n_params; k++)
        list_add(list, sizeof(list), p->param[k]);
    return fig_text(p->f, "%s", list[0] ? list : "none does");
}

/* A parameter that the user named: one that varies, or that is known at least. */
static int named(struct pick *p, const char *option, const char *name, const char **out,
                 struct pcl_err *err)
{
    const char *near;

    *out = one_of(p, name);
    if (!*out && strcmp(pick_value(p, p->config[0], name), "unset") != 0)
        *out = name; /* the same everywhere */
    if (*out)
        return PCL_OK;
    (void)pcl_fail(err, PCL_EINVAL, "--%s: no parameter '%s' varies in these results (%s)",
                   option, name, varying(p));
    near = pcl_nearest(name, p->param, p->n_params);
    if (near)
        (void)pcl_hint(err, "did you mean '%s'?", near);
    return PCL_EINVAL;
}

/* Parameters that neither --by nor --facet speaks for, the scheme aside. */
static int choose_x(struct pick *p, bool want_x, struct pcl_err *err)
{
    const char *only = NULL;
    size_t n = 0;

    if (p->o->x && p->o->kind != PCL_PLOT_PARETO) /* there it is a metric */
        return named(p, "x", p->o->x, &p->x, err);
    for (size_t k = 0; want_x && k < p->n_params; k++)
        if (!in_by(p, p->param[k]) && strcmp(p->param[k], "scheme") != 0 &&
            (!p->o->facet || strcmp(p->param[k], p->o->facet) != 0)) {
            only = p->param[k];
            n++;
        }
    if (n > 1)
        return pcl_fail(err, PCL_EINVAL,
                        "several parameters vary (%s): choose the x axis with --x", varying(p));
    p->x = only;
    return PCL_OK;
}

static int choose_by(struct pick *p, struct pcl_err *err)
{
    int rc = PCL_OK;

    p->by = pcl_arena_alloc(&p->f->arena, p->n_params + p->o->n_by + 2, sizeof(*p->by));
    for (size_t i = 0; i < p->o->n_by && rc == PCL_OK; i++) {
        rc = named(p, "by", p->o->by[i], &p->by[p->n_by], err);
        p->n_by += rc == PCL_OK;
    }
    return rc;
}

/* Without --by a line is a scheme, with whatever else varies beside x. */
static void complete_by(struct pick *p)
{
    if (p->o->n_by)
        return;
    if (p->x ? strcmp(p->x, "scheme") != 0 : true)
        p->by[p->n_by++] = "scheme";
    for (size_t k = 0; k < p->n_params; k++)
        if (strcmp(p->param[k], "scheme") != 0 && (!p->x || strcmp(p->param[k], p->x) != 0) &&
            (!p->o->facet || strcmp(p->param[k], p->o->facet) != 0))
            p->by[p->n_by++] = p->param[k];
}

int pick_axes(struct pick *p, bool want_x, struct pcl_err *err)
{
    const char *facet = NULL;
    int rc;

    consider(p, "scheme");
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->config[i]->desc.n_params; k++)
            consider(p, p->config[i]->desc.params[k].name);
    consider(p, "machine");
    consider(p, "workload");
    rc = choose_by(p, err);
    if (rc == PCL_OK && p->o->facet)
        rc = named(p, "facet", p->o->facet, &facet, err);
    if (rc == PCL_OK && one_of(p, "workload") && !in_by(p, "workload") &&
        (!facet || strcmp(facet, "workload") != 0) &&
        (!p->o->x || strcmp(p->o->x, "workload") != 0)) {
        char list[400] = "";

        for (size_t i = 0; i < p->n; i++)
            list_add(list, sizeof(list), p->config[i]->desc.workload);
        return pcl_fail(err, PCL_EINVAL,
                        "these are results of several workloads (%s): choose one with "
                        "--where workload=NAME, or --facet workload",
                        list);
    }
    if (rc == PCL_OK)
        rc = choose_x(p, want_x, err);
    if (rc == PCL_OK)
        complete_by(p);
    return rc;
}

/* --- metrics --------------------------------------------------------------------------------
 */

int pick_metric(const struct pick *p, const char *spec, char name[40], char object[40],
                struct pcl_err *err)
{
    char names[600] = "", objects[300] = "";
    bool found = false, all = false;
    size_t n = 0;

    if (!pcl_metric_spec(spec, name, object))
        return pcl_fail(err, PCL_EINVAL, "metric '%s': want NAME or NAME(OBJECT)", spec);
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->config[i]->n_series; k++) {
            const struct pcl_series *s = &p->config[i]->series[k];

            list_add(names, sizeof(names), s->name);
            if (strcmp(s->name, name) != 0)
                continue;
            n += !strstr(objects, s->object);
            all = all || strcmp(s->object, "all") == 0;
            found = found || strcmp(s->object, object) == 0;
            list_add(objects, sizeof(objects), s->object);
        }
    if (!objects[0])
        return pcl_fail(err, PCL_EINVAL, "metric '%s': these results have %s", spec, names);
    if (!object[0] && (all || n == 1)) {
        (void)snprintf(object, 40, "%.39s", all ? "all" : objects);
        found = true;
    }
    if (found)
        return PCL_OK;
    return pcl_fail(err, PCL_EINVAL, "metric '%s': say of what, for example %s(%s)", spec, name,
                    objects);
}

bool pick_interval(struct pick *p, const struct pcl_config *c, const char *name,
                   const char *object, struct pcl_ci *out)
{
    const struct pcl_series *s = pcl_config_series(c, name, object);
    double *x = pcl_xcalloc(c->n_runs + 1, sizeof(*x));
    size_t n = 0;

    for (size_t r = 0; s && r < c->n_runs; r++)
        if (isfinite(s->value[r]))
            x[n++] = s->value[r];
    pcl_ci_mean(x, n, p->level, out);
    free(x);
    if (n == 0)
        return false;
    p->least = n < p->least ? n : p->least;
    p->most = n > p->most ? n : p->most;
    p->varies = p->varies || out->kind == PCL_CI_INTERVAL;
    return true;
}

/* --- series and panels ----------------------------------------------------------------------
 */

/* Values of several parameters; a word that is the scheme's or machine's needs no "scheme = ".
 */
static const char *values(struct pick *p, const struct pcl_config *c, const char *const *name,
                          size_t n)
{
    char buf[400] = "";
    size_t at = 0;

    for (size_t k = 0; k < n && at < sizeof(buf); k++) {
        bool bare = strcmp(name[k], "scheme") == 0 || strcmp(name[k], "workload") == 0;

        at +=
            (size_t)snprintf(buf + at, sizeof(buf) - at, "%s%s%s%s", at ? ", " : "",
                             bare ? "" : name[k], bare ? "" : " = ", pick_value(p, c, name[k]));
    }
    return fig_text(p->f, "%s", buf);
}

const char *pick_label(struct pick *p, const struct pcl_config *c)
{
    return values(p, c, p->by, p->n_by);
}

int pick_series(struct pick *p, const struct pcl_config *c, size_t *out, struct pcl_err *err)
{
    const char *name = pick_label(p, c);
    struct figure *f = p->f;

    for (*out = 0; *out < f->n_names; (*out)++)
        if (strcmp(f->name[*out], name) == 0)
            return PCL_OK;
    if (f->n_names == FIG_MAX_NAMES)
        return pcl_fail(
            err, PCL_EINVAL,
            "more than %d lines: leave some out with --where KEY=VALUE, or give each "
            "value of a parameter a panel with --facet KEY",
            FIG_MAX_NAMES);
    f->name[f->n_names++] = name;
    return PCL_OK;
}

const char *pick_facet(struct pick *p, const struct pcl_config *c)
{
    const char *const one[] = {p->o->facet};

    return p->o->facet ? values(p, c, one, 1) : "";
}

const char *pick_rest(struct pick *p, const struct pcl_config *c)
{
    const char **name = pcl_xcalloc(p->n_params + 1, sizeof(*name)), *text;
    size_t n = 0;

    for (size_t k = 0; k < p->n_params; k++)
        if (!in_by(p, p->param[k]) && (!p->x || strcmp(p->x, p->param[k]) != 0) &&
            (!p->o->facet || strcmp(p->o->facet, p->param[k]) != 0))
            name[n++] = p->param[k];
    text = values(p, c, name, n);
    free(name);
    return text;
}

/* --- titles ---------------------------------------------------------------------------------
 */

static bool same_everywhere(const struct pick *p, const char *(*of)(const struct pcl_config *))
{
    for (size_t i = 1; i < p->n; i++)
        if (strcmp(of(p->config[i]), of(p->config[0])) != 0)
            return false;
    return true;
}

static const char *machine_of(const struct pcl_config *c)
{
    return c->desc.machine;
}

static const char *workload_of(const struct pcl_config *c)
{
    return c->desc.workload;
}

static const char *build_of(const struct pcl_config *c)
{
    return c->desc.build;
}

/* The parameters that were chosen and are the same everywhere. */
static const char *constants(struct pick *p)
{
    const struct pcl_config_desc *d = &p->config[0]->desc;
    char buf[256] = "";
    size_t at = 0;

    for (size_t i = 0; i < d->n_params && at < sizeof(buf); i++)
        if (!one_of(p, d->params[i].name) &&
            (!p->o->facet || strcmp(p->o->facet, d->params[i].name) != 0))
            at += (size_t)snprintf(buf + at, sizeof(buf) - at, ", %s = %s", d->params[i].name,
                                   d->params[i].value);
    return fig_text(p->f, "%s", buf);
}

/* Runs of pclsim validate are beside those of the simulator. */
static bool any_measured(const struct pick *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->config[i]->desc.scheme, PCL_MEASURED) == 0)
            return true;
    return false;
}

void pick_titles(struct pick *p)
{
    const struct pcl_config_desc *d = &p->config[0]->desc;
    bool workload = same_everywhere(p, workload_of), machine = same_everywhere(p, machine_of);
    struct figure *f = p->f;
    const char *reps = fig_text(f, "%zu", p->most), *intervals = "";

    if (p->least != p->most && p->least != SIZE_MAX)
        reps = fig_text(f, "%zu to %zu", p->least, p->most);
    if (p->most > 1 && !p->no_intervals)
        intervals =
            p->varies ? fig_text(f, ", %.4g%% t-intervals", 100 * p->level) : ", all identical";
    (void)snprintf(f->title, sizeof(f->title), "%s: %s",
                   any_measured(p) ? "Measured and simulated" : "Simulated",
                   !workload     ? "several workloads"
                   : d->title[0] ? d->title
                                 : d->workload);
    (void)snprintf(f->subtitle, sizeof(f->subtitle), "%s%s%s%s%s%s, %s replication%s%s",
                   workload ? d->workload : "", constants(p), machine ? ", machine " : "",
                   machine ? d->machine : "", same_everywhere(p, build_of) ? ", model " : "",
                   same_everywhere(p, build_of) ? d->build : "", reps, p->most == 1 ? "" : "s",
                   intervals);
    if (!workload)
        memmove(f->subtitle, f->subtitle + 2, strlen(f->subtitle) - 1);
}

void pick_fini(struct pick *p)
{
    free(p->config);
    free(p->param);
}
