/*
 * Throughput with the fitted universal scalability law: the points of a figure of lines, and
 * through them the curve, only as far as the points go. A line below the titles has the
 * coefficients with their standard errors, or why there is no curve.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/usl.h>

#include "figure.h"

enum { CURVE_POINTS = 60 };

static const char *coefficient(struct figure *f, const char *name,
                               const struct pcl_usl_value *v)
{
    return v->at_zero ? fig_text(f, "%s 0 (held: the points would have it negative)", name)
                      : fig_text(f, "%s %.3g +- %.1g", name, v->v, v->se);
}

static const char *peak_text(struct figure *f, const struct pcl_usl *u)
{
    if (u->peak > 1e12)
        return "no peak";
    return fig_text(f, u->peak_inside ? "peak at %.3g" : "peak at %.3g, which is extrapolated",
                    u->peak);
}

static const char *words(struct figure *f, const struct pcl_usl *u)
{
    return fig_text(f, "%s, %s, %s, %s, points off by %.2g%%", coefficient(f, "lambda", &u->lambda),
                    coefficient(f, "sigma", &u->sigma), coefficient(f, "kappa", &u->kappa),
                    peak_text(f, u), 100 * u->residual);
}

static void draw_curve(struct figure *f, struct fig_panel *q, size_t s, const struct pcl_usl *u)
{
    struct fig_series *c = &q->curve[s];

    c->point = pcl_xcalloc(CURVE_POINTS, sizeof(*c->point));
    c->n = CURVE_POINTS;
    for (size_t i = 0; i < CURVE_POINTS; i++) {
        double t = (double)i / (CURVE_POINTS - 1);
        double n =
            q->x.log ? u->n_lo * pow(u->n_hi / u->n_lo, t) : u->n_lo + t * (u->n_hi - u->n_lo);

        c->point[i] = (struct fig_point){.x = n, .xlo = n, .xhi = n, .text = ""};
        c->point[i].y = c->point[i].lo = c->point[i].hi = pcl_usl_at(u, n);
    }
    (void)f;
}

/* Fits one series; the words say how it went. */
static const char *fit_series(struct figure *f, struct fig_panel *q, size_t s)
{
    const struct fig_series *v = &q->series[s];
    double *n = pcl_xcalloc(v->n + 1, sizeof(*n)), *x = pcl_xcalloc(v->n + 1, sizeof(*x));
    struct pcl_err err = {0};
    const char *text = NULL;
    struct pcl_usl u;
    size_t k = 0;

    for (size_t i = 0; i < v->n; i++)
        if (isfinite(v->point[i].y)) {
            n[k] = v->point[i].x;
            x[k++] = v->point[i].y;
        }
    if (k > 0 && pcl_usl_fit(n, x, k, &u, &err) == PCL_OK) {
        draw_curve(f, q, s, &u);
        text = words(f, &u);
    } else if (k > 0) {
        text = fig_text(f, "no curve: %s", err.msg);
    }
    free(n);
    free(x);
    return text;
}

int fig_scaling(struct pick *p, struct pcl_err *err)
{
    struct figure *f = p->f;
    char *note = NULL;
    size_t size;
    FILE *out;
    int rc = fig_lines(p, err);

    if (rc != PCL_OK)
        return rc;
    out = open_memstream(&note, &size);
    PCL_ASSERT(out);
    (void)fputs("curves: X(n) = lambda n / (1 + sigma (n - 1) + kappa n (n - 1));", out);
    for (size_t i = 0; i < f->n_panels; i++) {
        f->panel[i].curve = pcl_xcalloc(FIG_MAX_NAMES + 1, sizeof(*f->panel[i].curve));
        for (size_t s = 0; s < f->n_names; s++) {
            const char *text = fit_series(f, &f->panel[i], s);

            if (text)
                fprintf(out, " %s%s%s: %s;", f->panel[i].title,
                        f->panel[i].title[0] ? ", " : "", f->name[s], text);
        }
    }
    (void)fclose(out);
    note[size - 1] = '\0'; /* the last semicolon */
    f->note = f->text_note = pcl_arena_strdup(&f->arena, note);
    free(note);
    return PCL_OK;
}
