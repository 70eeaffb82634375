/*
 * A lock over simulated time: a panel for each result, all replications together. The heat map
 * counts waits by their end and length, the occupancy shows how many held and how many waited
 * on average.
 */
#include <math.h>
#include <string.h>

#include "figure.h"

enum {
    STEPS = 56,  /* as many as a text figure has columns */
    LENGTHS = 14 /* more lengths than this are joined in pairs: a text figure has few lines */
};

/* The lock that --y names, as LOCK or wait(LOCK), or the one that was waited for most. */
static int choose_lock(struct pick *p, char lock[40], struct pcl_err *err)
{
    char name[40], list[300] = "";
    double most = -1;

    if (p->o->n_y > 1)
        return pcl_fail(err, PCL_EINVAL, "--y: this kind of figure takes one lock");
    if (p->o->n_y && !pcl_metric_spec(p->o->y[0], name, lock))
        return pcl_fail(err, PCL_EINVAL, "--y '%s': want the name of a lock", p->o->y[0]);
    if (p->o->n_y && !lock[0])
        (void)snprintf(lock, 40, "%s", name);
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->config[i]->n_series; k++) {
            const struct pcl_series *s = &p->config[i]->series[k];
            struct pcl_ci ci;

            if (strcmp(s->name, "wait_total") != 0)
                continue;
            if (p->o->n_y && strcmp(s->object, lock) == 0)
                return PCL_OK;
            if (!strstr(list, s->object) && strlen(list) + 44 < sizeof(list))
                (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
                               list[0] ? ", " : "", s->object);
            if (!p->o->n_y && pick_interval(p, p->config[i], s->name, s->object, &ci) &&
                ci.mean > most) {
                most = ci.mean;
                (void)snprintf(lock, 40, "%s", s->object);
            }
        }
    if (!p->o->n_y && most >= 0)
        return PCL_OK;
    return pcl_fail(err, PCL_EINVAL, "--y '%s': these results have the locks %s",
                    p->o->n_y ? lock : "", list[0] ? list : "(none)");
}

/* All replications of a result, added up; reps 0: the store has none. */
static int read_courses(struct pick *p, const struct pcl_config *c, const char *lock,
                        struct pcl_course *sum, size_t *reps, struct pcl_err *err)
{
    int rc = PCL_OK;

    *reps = 0;
    pcl_course_init(sum, 0);
    for (size_t r = 0; r < c->n_runs && rc == PCL_OK; r++) {
        struct pcl_course t;
        bool found;

        rc = pcl_store_course(p->o->store, c->run[r].key, lock, &t, &found, err);
        if (rc != PCL_OK || !found)
            continue;
        pcl_course_add(sum, &t);
        pcl_course_fini(&t);
        (*reps)++;
    }
    pcl_course_limit(sum, STEPS);
    p->least = *reps < p->least ? *reps : p->least;
    p->most = *reps > p->most ? *reps : p->most;
    return rc;
}

typedef void (*panel_fn)(struct pick *p, struct fig_panel *q, const struct pcl_course *t,
                         const struct pcl_config *c);

static int each_config(struct pick *p, panel_fn fn, struct pcl_err *err)
{
    char lock[40] = "";
    int rc = choose_lock(p, lock, err);

    p->no_intervals = true;

    if (rc == PCL_OK && !p->o->store)
        rc = pcl_fail(err, PCL_EINVAL, "this kind of figure needs the courses of a store");
    for (size_t i = 0; rc == PCL_OK && i < p->n; i++) {
        const char *facet = pick_facet(p, p->config[i]), *label = pick_label(p, p->config[i]);
        struct pcl_course t;
        struct fig_panel *q;
        size_t reps;

        rc = read_courses(p, p->config[i], lock, &t, &reps, err);
        if (rc == PCL_OK && reps > 0) {
            q = fig_panel(
                p->f, fig_text(p->f, "%s: %s%s%s", lock, label, facet[0] ? ", " : "", facet),
                err);
            rc = q ? PCL_OK : PCL_EINVAL;
            if (q)
                fn(p, q, &t, p->config[i]);
        }
        pcl_course_fini(&t);
    }
    if (rc == PCL_OK && p->f->n_panels == 0)
        rc =
            pcl_fail(err, PCL_EINVAL,
                     "these results have no courses of %s: an older pclsim made them, run them "
                     "again",
                     lock);
    return rc;
}

/* One unit and one end for the time axes of all panels; data is in ns until here. */
static void time_axis(struct pick *p)
{
    struct figure *f = p->f;
    struct pcl_scale unit;
    double end = 0;

    for (size_t i = 0; i < f->n_panels; i++)
        end = fmax(end, f->panel[i].x.hi);
    unit = pcl_scale_for("ns", end);
    for (size_t i = 0; i < f->n_panels; i++) {
        struct fig_panel *q = &f->panel[i];

        for (size_t s = 0; s < f->n_names; s++)
            for (size_t k = 0; k < q->series[s].n; k++) {
                q->series[s].point[k].x /= unit.div;
                q->series[s].point[k].xlo /= unit.div;
            }
        q->x.lo = 0;
        q->x.hi = end / unit.div;
        (void)snprintf(q->x.label, sizeof(q->x.label), "simulated time since the warm-up (%s)",
                       unit.unit);
    }
}

/* --- heat map -------------------------------------------------------------------------------
 */

static void heat_panel(struct pick *p, struct fig_panel *q, const struct pcl_course *t,
                       const struct pcl_config *c)
{
    double width = ldexp(1, (int)t->shift);

    (void)c;
    q->series[0].n = 0; /* the latest version of model or text */
    q->x.hi = width * t->n;
    for (uint32_t i = 0; i < t->n; i++)
        for (int k = 0; k < PCL_COURSE_LENGTHS; k++)
            if (t->step[i].waits[k])
                (void)fig_add(p->f, q, 0,
                              (struct fig_point){.x = (i + 0.5) * width,
                                                 .y = k,
                                                 .lo = t->step[i].waits[k],
                                                 .xlo = width / 2,
                                                 .xhi = sqrt(2)});
}

/* Joins lengths in pairs: both cells of a pair become one. */
static void join_lengths(struct fig_panel *q)
{
    struct fig_series *s = &q->series[0];
    size_t n = 0;

    for (size_t k = 0; k < s->n; k++) {
        struct fig_point pt = s->point[k];

        pt.y = floor(pt.y / 2) * 2;
        pt.xhi = 2;
        if (n > 0 && s->point[n - 1].x >= pt.x && s->point[n - 1].y >= pt.y)
            s->point[n - 1].lo += pt.lo;
        else
            s->point[n++] = pt;
    }
    s->n = n;
}

/* From numbers of a length to times: [k] is from 2^(k-1) to 2^k ns. */
static void heat_lengths(struct pick *p)
{
    struct figure *f = p->f;
    double least = HUGE_VAL, most = 0, top = 1;

    for (size_t i = 0; i < f->n_panels; i++)
        for (size_t k = 0; k < f->panel[i].series[0].n; k++) {
            least = fmin(least, f->panel[i].series[0].point[k].y);
            most = fmax(most, f->panel[i].series[0].point[k].y);
        }
    least = least > most ? 0 : least;
    for (size_t i = 0; i < f->n_panels; i++) {
        struct fig_panel *q = &f->panel[i];
        bool join = most - least > LENGTHS;

        if (join)
            join_lengths(q);
        for (size_t k = 0; k < q->series[0].n; k++) {
            struct fig_point *pt = &q->series[0].point[k];

            top = fmax(top, pt->lo);
            pt->y = exp2(pt->y - (join ? 0 : 0.5));
            pt->hi = 0;
        }
        axis_decades(f, &q->y, "ns", fmax(exp2(least - 1), 1), exp2(most + 1));
        (void)snprintf(q->y.label, sizeof(q->y.label), "length of a wait, lower is better");
    }
    f->top = top;
}

int fig_heat(struct pick *p, struct pcl_err *err)
{
    int rc;

    p->f->template = "panel-heat";
    p->f->no_key = true;
    p->f->name[p->f->n_names++] = "waits";
    rc = each_config(p, heat_panel, err);
    if (rc != PCL_OK)
        return rc;
    heat_lengths(p);
    time_axis(p);
    p->f->note = "number of waits by their end and length, all replications together";
    p->f->text_note =
        "number of waits by their end and length, all replications together, from few to "
        "many: . : - = + o * # % @";
    return PCL_OK;
}

/* --- occupancy ------------------------------------------------------------------------------
 */

/* How much of a step the replications lived through: the last one is cut by their ends. */
static double covered(const struct pcl_config *c, uint32_t step, double width)
{
    double sum = 0;

    for (size_t r = 0; r < c->n_runs; r++)
        if (!c->run[r].failed)
            sum += fmin(fmax((double)c->run[r].sim_ns - step * width, 0), width);
    return fmax(sum, 1);
}

static void occupancy_panel(struct pick *p, struct fig_panel *q, const struct pcl_course *t,
                            const struct pcl_config *c)
{
    double width = ldexp(1, (int)t->shift);

    q->x.hi = width * t->n;
    for (size_t s = 0; s < 3; s++) {
        q->series[s].n = 0; /* the latest version of model or text */
        for (uint32_t i = 0; i < t->n; i++) {
            const struct pcl_course_step *e = &t->step[i];
            double v = (double)(s == 0   ? e->held[1]
                                : s == 1 ? e->held[0]
                                         : e->waited) /
                       covered(c, i, width);

            (void)fig_add(p->f, q, s,
                          (struct fig_point){.x = (i + 0.5) * width, .y = v, .lo = v, .hi = v});
        }
    }
}

/* A logarithmic axis has no place for 0. */
static void drop_zeros(const struct figure *f, struct fig_panel *q)
{
    for (size_t s = 0; s < f->n_names; s++)
        for (size_t k = 0; k < q->series[s].n; k++)
            if (q->series[s].point[k].y < q->y.lo)
                q->series[s].point[k].y = (double)NAN;
}

int fig_occupancy(struct pick *p, struct pcl_err *err)
{
    struct fig_range r = axis_none();
    struct figure *f = p->f;
    int rc;

    f->template = "panel-occupancy";
    f->name[f->n_names++] = "exclusive holders";
    f->name[f->n_names++] = "shared holders";
    f->name[f->n_names++] = "waiters (fewer is better)";
    rc = each_config(p, occupancy_panel, err);
    if (rc != PCL_OK)
        return rc;
    time_axis(p);
    for (size_t i = 0; i < f->n_panels; i++)
        for (size_t s = 0; s < 3; s++)
            for (size_t k = 0; k < f->panel[i].series[s].n; k++)
                axis_see(&r, f->panel[i].series[s].point[k].y);
    r.lo = fmax(r.least < HUGE_VAL ? r.least : 0.01, 0.01);
    for (size_t i = 0; i < f->n_panels; i++) {
        struct fig_axis *y = &f->panel[i].y;

        if (r.hi > 20) { /* one holder beside hundreds of waiters */
            axis_decades(f, y, "count", fmin(r.lo, 1), r.hi);
            drop_zeros(f, &f->panel[i]);
        } else {
            y->hi = 1.1 * fmax(r.hi, 0.1);
        }
        (void)snprintf(y->label, sizeof(y->label), "tasks on average");
    }
    return PCL_OK;
}
