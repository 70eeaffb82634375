/*
 * How many replications: until the interval is narrow enough, at least so many, at most so
 * many.
 *
 * Stopping when an interval looks narrow enough favours samples whose spread came out small, so
 * a sequential interval covers less than its level. Two things keep that loss small, and its
 * size is measured (docs/statistics.md): no look before a minimum, and few looks, at numbers
 * that grow by a quarter at least and double at most. Chow and Robbins (1965): as the wanted
 * width goes to 0, coverage goes to the level.
 */
#include <math.h>

#include <pclsim/stats.h>

#define MOST_ESTIMATE 1e15

size_t pcl_reps_for(const struct pcl_ci *ci, double level, double half)
{
    double n = (double)ci->n, t0, want;

    if (ci->kind == PCL_CI_EXACT)
        return ci->n;
    if (ci->kind != PCL_CI_INTERVAL || ci->n < 2 || !(half > 0))
        return SIZE_MAX;
    if (ci->half <= half)
        return ci->n;
    t0 = pcl_t_quantile(level, n - 1);
    want = n;
    for (int i = 0; i < 20 && want < MOST_ESTIMATE; i++) { /* t shrinks as n grows */
        double t = pcl_t_quantile(level, want - 1);
        double better = ceil(n * pow(ci->half * t / (t0 * half), 2));

        if (better == want)
            break;
        want = better > n ? better : n + 1;
    }
    return want < MOST_ESTIMATE ? (size_t)want : SIZE_MAX;
}

struct values {
    const double *a, *b; /* b NULL: the mean of a */
};

static void measure(const struct values *v, size_t n, double level, struct pcl_stop *out)
{
    struct pcl_paired pair;

    if (v->b) {
        pcl_paired(v->a, v->b, n, level, &pair);
        out->ci = pair.ratio;
        out->relative = out->ci.half;
    } else {
        pcl_ci_mean(v->a, n, level, &out->ci);
        out->relative = out->ci.half / fabs(out->ci.mean);
    }
    if (out->ci.kind == PCL_CI_EXACT)
        out->relative = 0;
    else if (out->ci.kind != PCL_CI_INTERVAL || !isfinite(out->relative))
        out->relative = HUGE_VAL;
    out->at = n;
}

/* Where to look next after a look at n that saw too wide an interval. */
static size_t next_look(size_t n, size_t wanted, size_t most)
{
    size_t low = n + (n + 3) / 4, next = wanted < 2 * n ? wanted : 2 * n;

    next = next > low ? next : low;
    return next < most ? next : most;
}

static void follow(const struct values *v, size_t n, const struct pcl_precision *p,
                   struct pcl_stop *out)
{
    double level = p->level > 0 ? p->level : PCL_LEVEL;
    double relative = p->relative > 0 ? p->relative : PCL_STOP_RELATIVE;
    size_t most = p->most ? p->most : PCL_STOP_MOST;
    size_t look = p->least ? p->least : PCL_STOP_LEAST;

    most = most < 2 ? 2 : most;
    look = look < 2 ? 2 : look > most ? most : look;
    *out = (struct pcl_stop){.relative = HUGE_VAL, .next = look, .wanted = SIZE_MAX};
    while (look <= n) {
        measure(v, look, level, out);
        out->next = look;
        if (out->relative <= relative) {
            out->wanted = look;
            out->why = PCL_STOP_REACHED;
            return;
        }
        out->wanted =
            pcl_reps_for(&out->ci, level, v->b ? relative : relative * fabs(out->ci.mean));
        if (look == most) {
            out->why = PCL_STOP_CAPPED;
            return;
        }
        out->next = look = next_look(look, out->wanted, most);
    }
}

void pcl_stop_mean(const double *x, size_t n, const struct pcl_precision *p,
                   struct pcl_stop *out)
{
    follow(&(struct values){x, NULL}, n, p, out);
}

void pcl_stop_paired(const double *a, const double *b, size_t n, const struct pcl_precision *p,
                     struct pcl_stop *out)
{
    follow(&(struct values){a, b}, n, p, out);
}
