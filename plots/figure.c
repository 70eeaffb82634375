/*
 * From results to panels: metrics against a parameter, as bars, or one metric against another.
 * Other kinds stand in files of their own.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"

#define LOG_X 8.0      /* x over this factor: logarithmic, as task counts are chosen */
#define LOG_TIME 100.0 /* times over this factor: logarithmic */
#define LOG_Y 1e4      /* other metrics */
#define FEW_POINTS 3   /* fewer values of x: bars */

const char *pcl_plot_kind_name(enum pcl_plot_kind k)
{
    static const char *const names[] = {
#define PCL_PLOT_KIND(id, name, what) [PCL_PLOT_##id] = name,
#include <pclsim/plot_kinds.def>
#undef PCL_PLOT_KIND
    };

    return k < PCL_N_PLOT_KINDS ? names[k] : NULL;
}

const char *pcl_plot_kind_what(enum pcl_plot_kind k)
{
    static const char *const what_of[] = {
#define PCL_PLOT_KIND(id, name, what) [PCL_PLOT_##id] = what,
#include <pclsim/plot_kinds.def>
#undef PCL_PLOT_KIND
    };

    return k < PCL_N_PLOT_KINDS ? what_of[k] : NULL;
}

/* --- building blocks ------------------------------------------------------------------------
 */

const char *fig_text(struct figure *f, const char *fmt, ...)
{
    char buf[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    return pcl_arena_strdup(&f->arena, buf);
}

struct fig_panel *fig_panel(struct figure *f, const char *title, struct pcl_err *err)
{
    struct fig_panel *q;

    for (size_t i = 0; i < f->n_panels; i++)
        if (strcmp(f->panel[i].title, title) == 0)
            return &f->panel[i];
    if (f->n_panels == FIG_MAX_PANELS) {
        (void)pcl_fail(err, PCL_EINVAL,
                       "more than %d panels: leave some out with --where KEY=VALUE",
                       FIG_MAX_PANELS);
        return NULL;
    }
    q = &f->panel[f->n_panels++];
    (void)snprintf(q->title, sizeof(q->title), "%s", title);
    q->series = pcl_xcalloc(FIG_MAX_NAMES + 1, sizeof(*q->series));
    return q;
}

struct fig_point *fig_add(struct figure *f, struct fig_panel *q, size_t series,
                          struct fig_point pt)
{
    struct fig_series *s = &q->series[series];

    s->point = pcl_xrealloc(s->point, s->n + 1, sizeof(*s->point));
    pt.text = pcl_arena_strdup(&f->arena, pt.text ? pt.text : "");
    s->point[s->n] = pt;
    return &s->point[s->n++];
}

void fig_free(struct figure *f)
{
    for (size_t i = 0; i < f->n_panels; i++)
        for (size_t s = 0; s <= FIG_MAX_NAMES; s++) {
            free(f->panel[i].series[s].point);
            if (f->panel[i].curve)
                free(f->panel[i].curve[s].point);
        }
    for (size_t i = 0; i < f->n_panels; i++) {
        free(f->panel[i].series);
        free(f->panel[i].curve);
    }
    pcl_arena_fini(&f->arena);
    *f = (struct figure){0};
}

/* --- the x axis -----------------------------------------------------------------------------
 */

struct category {
    const char *text; /* the parameter's value as the user wrote it */
    double x;
};

struct categories {
    struct category *v;
    size_t n;
    bool words; /* x is a place in line */
};

static int by_x(const void *a, const void *b)
{
    const struct category *x = a, *y = b;

    return (x->x > y->x) - (x->x < y->x);
}

static void find_categories(struct pick *p, struct categories *c)
{
    c->v = pcl_arena_alloc(&p->f->arena, p->n + 1, sizeof(*c->v));
    for (size_t i = 0; i < p->n; i++) {
        const char *text = p->x ? pick_value(p, p->config[i], p->x) : "";
        size_t k = 0;

        while (k < c->n && strcmp(c->v[k].text, text) != 0)
            k++;
        if (k < c->n)
            continue;
        c->v[k].text = text;
        c->words = c->words || !p->x || !pcl_number_of(text, true, &c->v[k].x);
        c->n++;
    }
    for (size_t k = 0; k < c->n && c->words; k++)
        c->v[k].x = (double)k;
    if (c->n)
        qsort(c->v, c->n, sizeof(*c->v), by_x);
}

static double place(struct pick *p, const struct categories *c, const struct pcl_config *config)
{
    const char *text = p->x ? pick_value(p, config, p->x) : "";
    size_t k = 0;

    while (strcmp(c->v[k].text, text) != 0)
        k++;
    return c->v[k].x;
}

/* The widest gap between neighbours, as a share of the whole: of two scales the one that
 * spreads the points better has the smaller. */
static double widest_gap(const struct categories *c, bool log_scale)
{
    double widest = 0, lo, hi;

    for (size_t i = 0; i + 1 < c->n; i++) {
        lo = log_scale ? log2(c->v[i].x) : c->v[i].x;
        hi = log_scale ? log2(c->v[i + 1].x) : c->v[i + 1].x;
        widest = fmax(widest, hi - lo);
    }
    lo = log_scale ? log2(c->v[0].x) : c->v[0].x;
    hi = log_scale ? log2(c->v[c->n - 1].x) : c->v[c->n - 1].x;
    return hi > lo ? widest / (hi - lo) : 1;
}

static void set_x(struct pick *p, const struct categories *c, struct fig_axis *a)
{
    double lo = c->v[0].x, hi = c->v[c->n - 1].x, room = hi > lo ? 0.06 * (hi - lo) : 1;

    a->log = !c->words && lo > 0 && hi / lo >= LOG_X &&
             widest_gap(c, true) <= widest_gap(c, false) + 1e-9;
    a->lo = a->log ? lo / pow(hi / lo, 0.06) : lo - room;
    a->hi = a->log ? hi * pow(hi / lo, 0.06) : hi + room;
    a->tic = pcl_arena_alloc(&p->f->arena, c->n, sizeof(*a->tic));
    a->n_tics = c->n;
    for (size_t i = 0; i < c->n; i++)
        a->tic[i] = (struct fig_tic){c->v[i].x, c->v[i].text};
    (void)snprintf(a->label, sizeof(a->label), "%s",
                   !p->x                        ? ""
                   : strcmp(p->x, "clone") == 0 ? "copies of the recording"
                                                : p->x);
}

/* --- metrics against a parameter ------------------------------------------------------------
 */

/* A result at its place. Two that differ in nothing known to the figure are versions of one
 * model or text: the later one counts. */
static int put_point(struct pick *p, struct fig_panel *q, const struct pcl_config *c, double x,
                     const struct pcl_ci *ci, struct pcl_err *err)
{
    const char *rest = pick_rest(p, c);
    struct fig_point pt = {
        .x = x, .xlo = x, .xhi = x, .y = ci->mean, .lo = ci->lo, .hi = ci->hi};
    size_t s;
    int rc = pick_series(p, c, &s, err);

    if (rc != PCL_OK)
        return rc;
    pt.text = rest;
    for (size_t i = 0; i < q->series[s].n; i++) {
        struct fig_point *old = &q->series[s].point[i];

        if (old->x > x || old->x < x)
            continue;
        if (strcmp(old->text, rest) != 0)
            return pcl_fail(
                err, PCL_EINVAL,
                "one place for several results (%s; %s): name what varies in --by or "
                "--facet, or choose with --where",
                old->text, rest);
        pt.text = old->text;
        *old = pt;
        return PCL_OK;
    }
    (void)fig_add(p->f, q, s, pt);
    return PCL_OK;
}

static int by_point_x(const void *a, const void *b)
{
    const struct fig_point *x = a, *y = b;

    return (x->x > y->x) - (x->x < y->x);
}

/* A value of x that a series lacks between two that it has: a gap in its line. */
static void sort_and_gap(struct figure *f, struct fig_panel *q, size_t s,
                         const struct categories *c)
{
    struct fig_series *v = &q->series[s];
    size_t have = v->n, k = 0;

    if (have < 2)
        return;
    qsort(v->point, v->n, sizeof(*v->point), by_point_x);
    for (size_t i = 0; i < c->n; i++) {
        double x = c->v[i].x;

        while (k < have && v->point[k].x < x)
            k++;
        if (k > 0 && k < have && v->point[k].x > x)
            (void)fig_add(f, q, s,
                          (struct fig_point){.x = x, .xlo = x, .xhi = x, .y = (double)NAN});
    }
    qsort(v->point, v->n, sizeof(*v->point), by_point_x);
}

/* One unit and one scale for all panels of a metric. */
static void scale_y(struct pick *p, size_t from, const char *name, const char *object,
                    const struct pcl_series *m)
{
    bool time = strcmp(m->unit, "ns") == 0 && m->better != PCL_BETTER_HIGHER;
    struct fig_range r = axis_none();
    struct figure *f = p->f;
    char label[96];
    double div;

    for (size_t i = from; i < f->n_panels; i++)
        for (size_t s = 0; s < f->n_names; s++)
            for (size_t k = 0; k < f->panel[i].series[s].n; k++) {
                axis_see(&r, f->panel[i].series[s].point[k].y);
                r.hi = fmax(r.hi, f->panel[i].series[s].point[k].hi);
            }
    (void)pcl_metric_label(name, object, label, sizeof(label));
    for (size_t i = from; i < f->n_panels; i++) {
        struct fig_axis *y = &f->panel[i].y;

        div = axis_metric(f, y, label, m->unit, m->better, &r, time ? LOG_TIME : LOG_Y);
        if (y->zero && f->n_panels - from > 1 && r.hi > 0) {
            y->lo = 0;
            y->hi = 1.08 * r.hi / div;
        }
        for (size_t s = 0; s < f->n_names; s++)
            for (size_t k = 0; k < f->panel[i].series[s].n; k++) {
                struct fig_point *pt = &f->panel[i].series[s].point[k];

                pt->y /= div;
                pt->hi /= div;
                /* a logarithmic axis has no place for the lower end of a very wide interval */
                pt->lo = y->log ? fmax(pt->lo, y->lo) : pt->lo / div;
            }
    }
}

static const char *panel_title(struct pick *p, const struct pcl_config *c, const char *name,
                               const char *object, size_t n_metrics)
{
    const char *facet = pick_facet(p, c);
    char label[96];

    if (n_metrics < 2)
        return facet;
    (void)pcl_metric_label(name, object, label, sizeof(label));
    return facet[0] ? fig_text(p->f, "%s, %s", label, facet) : fig_text(p->f, "%s", label);
}

static const struct pcl_series *any_series(const struct pick *p, const char *name,
                                           const char *object)
{
    const struct pcl_series *s = NULL;

    for (size_t i = 0; !s && i < p->n; i++)
        s = pcl_config_series(p->config[i], name, object);
    return s;
}

static const char *const usual_y[] = {"throughput", "latency_p99"};

static size_t metrics_of(const struct pick *p, const char *const **y)
{
    *y = p->o->n_y ? p->o->y : usual_y;
    return p->o->n_y                        ? p->o->n_y
           : p->o->kind == PCL_PLOT_SCALING ? 1
                                            : sizeof(usual_y) / sizeof(usual_y[0]);
}

static int fill_metric(struct pick *p, const struct categories *cat, const char *name,
                       const char *object, size_t n_metrics, struct pcl_err *err)
{
    struct figure *f = p->f;
    size_t from = f->n_panels;
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < p->n; i++) {
        const struct pcl_config *c = p->config[i];
        struct fig_panel *q;
        struct pcl_ci ci;

        if (!pick_interval(p, c, name, object, &ci))
            continue;
        q = fig_panel(f, panel_title(p, c, name, object, n_metrics), err);
        rc = q ? put_point(p, q, c, place(p, cat, c), &ci, err) : PCL_EINVAL;
    }
    if (rc == PCL_OK && f->n_panels == from)
        rc = pcl_fail(err, PCL_EINVAL, "no run has a value of %s", name);
    if (rc == PCL_OK)
        scale_y(p, from, name, object, any_series(p, name, object));
    for (size_t i = from; rc == PCL_OK && i < f->n_panels; i++) {
        set_x(p, cat, &f->panel[i].x);
        for (size_t s = 0; s < f->n_names; s++)
            sort_and_gap(f, &f->panel[i], s, cat);
    }
    return rc;
}

static int fill_metrics(struct pick *p, const struct categories *cat, struct pcl_err *err)
{
    const char *const *y;
    size_t n = metrics_of(p, &y);
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < n; i++) {
        char name[40], object[40];

        rc = pick_metric(p, y[i], name, object, err);
        if (rc == PCL_OK)
            rc = fill_metric(p, cat, name, object, n, err);
    }
    /* the y axis says what a panel is about */
    for (size_t i = 0; i < p->f->n_panels && !p->o->facet; i++)
        p->f->panel[i].title[0] = '\0';
    return rc;
}

int fig_lines(struct pick *p, struct pcl_err *err)
{
    struct categories cat = {0};

    find_categories(p, &cat);
    p->f->template = "panel-lines";
    return fill_metrics(p, &cat, err);
}

/* --- bars -----------------------------------------------------------------------------------
 */

const char *fig_number(struct figure *f, const struct fig_point *pt, bool interval)
{
    struct pcl_scale plain = {1, "", fabs(pt->y) >= 10000};
    double half = fmax(pt->hi - pt->y, pt->y - pt->lo), least;
    char value[32];
    int room = 3 - (int)floor(log10(fmax(fabs(pt->y), 1e-9))), digits;

    if (!interval || !(half > 0) || plain.suffix || room > 6) {
        plain.suffix = plain.suffix && !(half > 0);
        return fig_text(f, half > 0 && interval ? "%s +- %.2g" : "%s",
                        pcl_show(pt->y, &plain, value, sizeof(value)), half);
    }
    digits = (int)fmax(0, ceil(-log10(half)));
    digits = digits > room ? room : digits;
    least = pow(10, -digits);
    return fig_text(f, "%.*f +- %s%.*f", digits, pt->y, half < least / 2 ? "<" : "", digits,
                    fmax(half, half < least / 2 ? least : 0));
}

/* Rows from the top: for each value of x, a bar for each series that has one. */
static void lay_rows(struct pick *p, const struct categories *cat, struct fig_panel *q)
{
    struct figure *f = p->f;
    struct fig_axis value = q->y;
    double row = 0;

    q->y = (struct fig_axis){0};
    q->y.tic = pcl_arena_alloc(&f->arena, f->n_names * cat->n + 1, sizeof(*q->y.tic));
    for (size_t i = 0; i < cat->n; i++) {
        bool first = true;

        for (size_t s = 0; s < f->n_names; s++)
            for (size_t k = 0; k < q->series[s].n; k++) {
                struct fig_point *pt = &q->series[s].point[k];

                if (pt->x > cat->v[i].x || pt->x < cat->v[i].x || isnan(pt->y) || pt->xhi < 0)
                    continue;
                row -= first && i > 0 ? 2 : 1;
                q->y.tic[q->y.n_tics++] = (struct fig_tic){
                    row, cat->n > 1 && first
                             ? fig_text(f, "%s = %s: %s", p->x, cat->v[i].text, f->name[s])
                             : f->name[s]};
                first = false;
                pt->text = value.log ? "" : fig_number(f, pt, p->most > 1);
                pt->x = -HUGE_VAL; /* laid: y becomes the length, x the row */
                pt->xlo = row;
            }
    }
    for (size_t s = 0; s < f->n_names; s++)
        for (size_t k = 0; k < q->series[s].n; k++)
            q->series[s].point[k].x = q->series[s].point[k].xlo;
    q->y.lo = row - 1;
    q->y.hi = 0;
    q->rows = (size_t)-row;
    q->x = value;
}

/* Room for the number to the right of the longest bar. */
static void bar_room(struct fig_panel *q, size_t n)
{
    double hi = 0, lo = 0;

    for (size_t s = 0; s < n; s++)
        for (size_t k = 0; k < q->series[s].n; k++) {
            if (isfinite(q->series[s].point[k].hi))
                hi = fmax(hi, q->series[s].point[k].hi);
            lo = fmin(lo, q->series[s].point[k].lo);
        }
    if (q->x.log)
        return;
    q->x.lo = lo;
    q->x.hi = hi > 0 ? hi * 1.42 : 1;
}

int fig_bars(struct pick *p, struct pcl_err *err)
{
    struct categories cat = {0};
    int rc;

    find_categories(p, &cat);
    p->f->template = "panel-bars";
    p->f->no_key = true;
    rc = fill_metrics(p, &cat, err);
    for (size_t i = 0; rc == PCL_OK && i < p->f->n_panels; i++) {
        lay_rows(p, &cat, &p->f->panel[i]);
        bar_room(&p->f->panel[i], p->f->n_names);
    }
    return rc;
}

/* --- one metric against another --------------------------------------------------------------
 */

/* Which points no other beats in both, x and y lower is better: a staircase. */
static void draw_front(struct figure *f, struct fig_panel *q)
{
    struct fig_series *front = &q->series[f->n_names - 1];
    double best = HUGE_VAL, at = -HUGE_VAL;

    for (;;) {
        const struct fig_point *next = NULL;

        for (size_t s = 0; s + 1 < f->n_names; s++)
            for (size_t k = 0; k < q->series[s].n; k++) {
                const struct fig_point *pt = &q->series[s].point[k];

                if (pt->y < best && pt->x > at &&
                    (!next || pt->x < next->x || (pt->x <= next->x && pt->y < next->y)))
                    next = pt;
            }
        if (!next)
            return;
        if (front->n)
            (void)fig_add(f, q, f->n_names - 1, (struct fig_point){.x = next->x, .y = best});
        best = next->y;
        at = next->x;
        (void)fig_add(f, q, f->n_names - 1, (struct fig_point){.x = at, .y = best});
        front = &q->series[f->n_names - 1];
    }
}

static void pareto_axes(struct pick *p, const struct pcl_series *mx,
                        const struct pcl_series *my)
{
    struct fig_range rx = axis_none(), ry = axis_none();
    struct figure *f = p->f;
    char lx[96], ly[96];

    for (size_t i = 0; i < f->n_panels; i++)
        for (size_t s = 0; s < f->n_names; s++)
            for (size_t k = 0; k < f->panel[i].series[s].n; k++) {
                const struct fig_point *pt = &f->panel[i].series[s].point[k];

                axis_see(&rx, pt->x);
                axis_see(&ry, pt->y);
                rx.hi = fmax(rx.hi, pt->xhi);
                ry.hi = fmax(ry.hi, pt->hi);
            }
    (void)pcl_metric_label(mx->name, mx->object, lx, sizeof(lx));
    (void)pcl_metric_label(my->name, my->object, ly, sizeof(ly));
    for (size_t i = 0; i < f->n_panels; i++) {
        struct fig_panel *q = &f->panel[i];
        double dx = axis_metric(f, &q->x, lx, mx->unit, mx->better, &rx, LOG_Y);
        double dy = axis_metric(f, &q->y, ly, my->unit, my->better, &ry, LOG_TIME);

        for (size_t s = 0; s < f->n_names; s++)
            for (size_t k = 0; k < q->series[s].n; k++) {
                struct fig_point *pt = &q->series[s].point[k];

                pt->x /= dx;
                pt->xhi /= dx;
                pt->xlo = q->x.log ? fmax(pt->xlo, q->x.lo) : pt->xlo / dx;
                pt->y /= dy;
                pt->hi /= dy;
                pt->lo = q->y.log ? fmax(pt->lo, q->y.lo) : pt->lo / dy;
            }
        if (!q->x.log && rx.hi > 0) {
            q->x.lo = 0;
            q->x.hi = 1.1 * rx.hi / dx;
        }
    }
}

static int pareto_points(struct pick *p, const char *xn, const char *xo, const char *yn,
                         const char *yo, struct pcl_err *err)
{
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < p->n; i++) {
        const struct pcl_config *c = p->config[i];
        struct pcl_ci cx, cy;
        struct fig_panel *q;
        size_t s;

        if (!pick_interval(p, c, xn, xo, &cx) || !pick_interval(p, c, yn, yo, &cy))
            continue;
        q = fig_panel(p->f, pick_facet(p, c), err);
        rc = q ? pick_series(p, c, &s, err) : PCL_EINVAL;
        if (rc == PCL_OK)
            (void)fig_add(p->f, q, s,
                          (struct fig_point){.x = cx.mean,
                                             .xlo = cx.lo,
                                             .xhi = cx.hi,
                                             .y = cy.mean,
                                             .lo = cy.lo,
                                             .hi = cy.hi});
    }
    if (rc == PCL_OK && p->f->n_panels == 0)
        rc = pcl_fail(err, PCL_EINVAL, "no run has values of both %s and %s", xn, yn);
    return rc;
}

int fig_pareto(struct pick *p, struct pcl_err *err)
{
    char xn[40], xo[40], yn[40], yo[40];
    struct figure *f = p->f;
    int rc;

    if (p->o->n_y > 1)
        return pcl_fail(err, PCL_EINVAL, "--y: this kind of figure takes one metric");
    f->template = "panel-pareto";
    rc = pick_metric(p, p->o->x ? p->o->x : "bytes_peak(locks)", xn, xo, err);
    if (rc == PCL_OK)
        rc = pick_metric(p, p->o->n_y ? p->o->y[0] : "latency_p99", yn, yo, err);
    if (rc == PCL_OK)
        rc = pareto_points(p, xn, xo, yn, yo, err);
    if (rc != PCL_OK)
        return rc;
    if (f->n_names == FIG_MAX_NAMES)
        return pcl_fail(err, PCL_EINVAL, "more than %d points in a panel", FIG_MAX_NAMES - 1);
    f->name[f->n_names++] = "no other is better in both";
    for (size_t i = 0; i < f->n_panels; i++)
        draw_front(f, &f->panel[i]);
    pareto_axes(p, any_series(p, xn, xo), any_series(p, yn, yo));
    return PCL_OK;
}

/* --- the whole ------------------------------------------------------------------------------
 */

static enum pcl_plot_kind kind_of(struct pick *p)
{
    struct categories cat = {0};

    if (p->o->kind != PCL_PLOT_AUTO)
        return p->o->kind;
    find_categories(p, &cat);
    return cat.words || cat.n < FEW_POINTS ? PCL_PLOT_BARS : PCL_PLOT_LINES;
}

static int build(struct pick *p, struct pcl_err *err)
{
    enum pcl_plot_kind k = p->o->kind;
    bool x = k == PCL_PLOT_AUTO || k == PCL_PLOT_LINES || k == PCL_PLOT_BARS ||
             k == PCL_PLOT_SCALING;
    int rc = pick_axes(p, x, err);

    if (rc != PCL_OK)
        return rc;
    switch (kind_of(p)) {
    case PCL_PLOT_BARS:
        return fig_bars(p, err);
    case PCL_PLOT_PERCENTILES:
        return fig_quantiles(p, false, err);
    case PCL_PLOT_CCDF:
        return fig_quantiles(p, true, err);
    case PCL_PLOT_TIME:
        return fig_time(p, err);
    case PCL_PLOT_HEAT:
        return fig_heat(p, err);
    case PCL_PLOT_OCCUPANCY:
        return fig_occupancy(p, err);
    case PCL_PLOT_SCALING:
        return fig_scaling(p, err);
    case PCL_PLOT_PARETO:
        return fig_pareto(p, err);
    case PCL_PLOT_AUTO:
    case PCL_PLOT_LINES:
    case PCL_N_PLOT_KINDS:
        break;
    }
    return fig_lines(p, err);
}

int fig_make(const struct pcl_dataset *d, const struct pcl_plot_opts *o, struct figure *f,
             struct pcl_err *err)
{
    struct pick p = {.f = f,
                     .d = d,
                     .o = o,
                     .level = o->level > 0 ? o->level : PCL_LEVEL,
                     .least = SIZE_MAX};
    int rc;

    *f = (struct figure){.note = "", .text_note = ""};
    pcl_arena_init(&f->arena);
    f->name = pcl_arena_alloc(&f->arena, FIG_MAX_NAMES, sizeof(*f->name));
    f->panel = pcl_arena_alloc(&f->arena, FIG_MAX_PANELS, sizeof(*f->panel));
    rc = pick_configs(&p, err);
    if (rc == PCL_OK)
        rc = build(&p, err);
    if (rc == PCL_OK)
        pick_titles(&p);
    pick_fini(&p);
    if (rc != PCL_OK)
        fig_free(f);
    return rc;
}
