/*
 * Distributions: the histograms of the runs, as quantiles. Each point is a share q: the mean of
 * the replications' quantiles with its t interval, so that the figure's p99 is the p99 of the
 * tables.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/stats.h>

#include "figure.h"

enum { PER_DECADE = 24 }; /* points each time that 1 - q is divided by 10 */

struct hists {
    struct pcl_hist *h; /* one per replication that has samples */
    size_t n;
};

static int read_hists(struct pick *p, const struct pcl_config *c, const char *name,
                      const char *object, struct hists *out, struct pcl_err *err)
{
    int rc = PCL_OK;

    *out = (struct hists){.h = pcl_xcalloc(c->n_runs + 1, sizeof(*out->h))};
    for (size_t r = 0; r < c->n_runs && rc == PCL_OK; r++) {
        bool found;

        rc = pcl_store_hist(p->o->store, c->run[r].key, name, object, &out->h[out->n], &found,
                            err);
        if (rc == PCL_OK && found && out->h[out->n].count > 0)
            out->n++;
        else if (rc == PCL_OK && found)
            pcl_hist_fini(&out->h[out->n]);
    }
    return rc;
}

static void drop_hists(struct hists *v)
{
    for (size_t i = 0; i < v->n; i++)
        pcl_hist_fini(&v->h[i]);
    free(v->h);
}

static void add_quantile(struct pick *p, struct fig_panel *q, size_t s, const struct hists *v,
                         double tail, bool ccdf)
{
    double *x = pcl_xcalloc(v->n + 1, sizeof(*x));
    struct pcl_ci ci;

    for (size_t i = 0; i < v->n; i++)
        x[i] = (double)pcl_hist_quantile(&v->h[i], 1 - tail);
    pcl_ci_mean(x, v->n, p->level, &ci);
    free(x);
    p->varies = p->varies || ci.kind == PCL_CI_INTERVAL;
    if (ccdf)
        (void)fig_add(
            p->f, q, s,
            (struct fig_point){
                .x = ci.mean, .xlo = ci.lo, .xhi = ci.hi, .y = tail, .lo = tail, .hi = tail});
    else
        (void)fig_add(p->f, q, s,
                      (struct fig_point){.x = 1 / tail,
                                         .xlo = 1 / tail,
                                         .xhi = 1 / tail,
                                         .y = ci.mean,
                                         .lo = ci.lo,
                                         .hi = ci.hi});
}

/* Down to the share that one sample of the smallest replication is. */
static void add_curve(struct pick *p, struct fig_panel *q, size_t s, const struct hists *v,
                      bool ccdf)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < v->n; i++)
        least = v->h[i].count < least ? v->h[i].count : least;
    p->least = v->n < p->least ? v->n : p->least;
    p->most = v->n > p->most ? v->n : p->most;
    for (int i = 0;; i++) {
        double tail = pow(10, -(double)i / PER_DECADE);

        if (tail * (double)least < 1 - 1e-9 && i > 0)
            break;
        add_quantile(p, q, s, v, tail, ccdf);
    }
}

/* "0%", "90%", "99%" ... at 1, 10, 100: as the percentile plots of HdrHistogram have it. */
static void percentile_axis(struct figure *f, struct fig_axis *a, double hi)
{
    static const char *const names[] = {"0%",     "90%",     "99%",      "99.9%",
                                        "99.99%", "99.999%", "99.9999%", "99.99999%"};
    int n = (int)ceil(log10(fmax(hi, 10)) - 1e-9);

    a->log = true;
    a->lo = 1;
    a->hi = 1.5 * fmax(hi, 10);
    a->tic = pcl_arena_alloc(&f->arena, (size_t)n + 2, sizeof(*a->tic));
    for (int k = 0; k <= n && pow(10, k) <= a->hi; k++)
        a->tic[a->n_tics++] = (struct fig_tic){pow(10, k), k < 8 ? names[k] : ""};
    (void)snprintf(a->label, sizeof(a->label), "percentile");
}

static void share_axis(struct figure *f, struct fig_axis *a, double lo)
{
    static const char *const names[] = {"100%",  "10%",    "1%",      "0.1%",
                                        "0.01%", "0.001%", "0.0001%", "1e-5%"};
    int n = (int)ceil(-log10(fmin(lo, 0.1)) - 1e-9);

    a->log = true;
    a->lo = pow(10, -n);
    a->hi = 1;
    a->tic = pcl_arena_alloc(&f->arena, (size_t)n + 2, sizeof(*a->tic));
    for (int k = n; k >= 0; k--)
        a->tic[a->n_tics++] = (struct fig_tic){pow(10, -k), k < 8 ? names[k] : ""};
    (void)snprintf(a->label, sizeof(a->label), "share of operations slower");
}

/* The axis of times and the axis of shares. */
static void set_axes(struct pick *p, const char *label, bool ccdf)
{
    struct fig_range t = axis_none(), s = axis_none();
    struct figure *f = p->f;

    for (size_t i = 0; i < f->n_panels; i++)
        for (size_t n = 0; n < f->n_names; n++)
            for (size_t k = 0; k < f->panel[i].series[n].n; k++) {
                const struct fig_point *pt = &f->panel[i].series[n].point[k];

                axis_see(&t, ccdf ? pt->x : pt->y);
                axis_see(&s, ccdf ? pt->y : pt->x);
            }
    t.lo = t.lo > 0 ? t.lo : t.least < HUGE_VAL ? t.least : 1;
    t.hi = fmax(t.hi, 2 * t.lo);
    for (size_t i = 0; i < f->n_panels; i++) {
        struct fig_axis *time = ccdf ? &f->panel[i].x : &f->panel[i].y;

        axis_decades(f, time, "ns", t.lo, t.hi);
        (void)snprintf(time->label, sizeof(time->label), "%s, lower is better", label);
        for (size_t n = 0; n < f->n_names; n++)
            for (size_t k = 0; k < f->panel[i].series[n].n; k++) {
                struct fig_point *pt = &f->panel[i].series[n].point[k];

                pt->lo = fmax(pt->lo, ccdf ? pt->lo : time->lo);
                pt->xlo = fmax(pt->xlo, ccdf ? time->lo : pt->xlo);
            }
        if (ccdf)
            share_axis(f, &f->panel[i].y, s.lo);
        else
            percentile_axis(f, &f->panel[i].x, s.hi);
    }
}

static int one_config(struct pick *p, const struct pcl_config *c, const char *name,
                      const char *object, bool ccdf, struct pcl_err *err)
{
    struct fig_panel *q = NULL;
    struct hists v;
    size_t s = 0;
    int rc = read_hists(p, c, name, object, &v, err);

    if (rc == PCL_OK && v.n > 0) {
        q = fig_panel(p->f, pick_facet(p, c), err);
        rc = q ? pick_series(p, c, &s, err) : PCL_EINVAL;
    }
    if (rc == PCL_OK && q) {
        q->series[s].n = 0; /* the latest version of model or text */
        add_curve(p, q, s, &v, ccdf);
    }
    drop_hists(&v);
    return rc;
}

int fig_quantiles(struct pick *p, bool ccdf, struct pcl_err *err)
{
    char name[40], object[40], label[96];
    const char *spec = p->o->n_y ? p->o->y[0] : "latency";
    int rc = PCL_OK;

    if (!p->o->store)
        return pcl_fail(err, PCL_EINVAL, "this kind of figure needs the histograms of a store");
    if (p->o->n_y > 1)
        return pcl_fail(err, PCL_EINVAL, "--y: this kind of figure takes one distribution");
    if (!pcl_metric_spec(spec, name, object))
        return pcl_fail(err, PCL_EINVAL, "--y '%s': want NAME or NAME(OBJECT)", spec);
    if (!object[0])
        (void)snprintf(object, sizeof(object), "%s",
                       strcmp(name, "latency") == 0 ? "all" : "page");
    p->f->template = ccdf ? "panel-ccdf" : "panel-lines";
    for (size_t i = 0; rc == PCL_OK && i < p->n; i++)
        rc = one_config(p, p->config[i], name, object, ccdf, err);
    if (rc == PCL_OK && p->f->n_panels == 0)
        rc = pcl_fail(err, PCL_EINVAL,
                      "--y '%s': no run has such a histogram; there are latency(OPERATION), "
                      "wait(LOCK) and hold(LOCK)",
                      spec);
    if (rc != PCL_OK)
        return rc;
    (void)pcl_metric_label(name, object, label, sizeof(label));
    set_axes(p, label, ccdf);
    return PCL_OK;
}
