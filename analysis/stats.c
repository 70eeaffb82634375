/*
 * A replication is one observation. Intervals use Student's t on replications, never a normal
 * quantile; schemes are compared on the differences within replications, since common random
 * numbers make those vary less than the values themselves.
 *
 * The relative change is a ratio of two correlated means. Its interval is Fieller's: all R for
 * which the paired t test does not reject mean(b) = R mean(a). So it contains 1 exactly when
 * the test of no difference is not significant, and it stays right where the delta method is
 * not (few replications, noisy baseline). Where the baseline cannot be told from 0 there is no
 * bound, and the result says so.
 */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include <pclsim/stats.h>

double pcl_t_quantile(double level, double df)
{
    PCL_ASSERT(level > 0 && level < 1 && df >= 1);
    return gsl_cdf_tdist_Pinv(0.5 + level / 2, df);
}

static bool constant(const double *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (x[i] != x[0])
            return false;
    return true;
}

/* Compensated (Neumaier): right to the last digit or nearly so, in plain double arithmetic. */
struct sum {
    double s, c;
};

static void add(struct sum *t, double x)
{
    double s = t->s + x;

    t->c += fabs(t->s) >= fabs(x) ? (t->s - s) + x : (x - s) + t->s;
    t->s = s;
}

static double mean_of(const double *x, size_t n)
{
    struct sum t = {0, 0};

    for (size_t i = 0; i < n; i++)
        add(&t, x[i]);
    return (t.s + t.c) / (double)n;
}

/* Unbiased covariance; of a series with itself its variance. n >= 2. */
static double covariance(const double *x, double mx, const double *y, double my, size_t n)
{
    struct sum t = {0, 0};

    for (size_t i = 0; i < n; i++)
        add(&t, (x[i] - mx) * (y[i] - my));
    return (t.s + t.c) / (double)(n - 1);
}

static void set_exact(struct pcl_ci *out, double v)
{
    out->kind = PCL_CI_EXACT;
    out->mean = out->lo = out->hi = v;
}

static void set_bounds(struct pcl_ci *out, double lo, double hi)
{
    out->kind = PCL_CI_INTERVAL;
    out->lo = lo;
    out->hi = hi;
    out->half = fmax(out->mean - lo, hi - out->mean);
}

void pcl_ci_mean(const double *x, size_t n, double level, struct pcl_ci *out)
{
    double half;

    *out = (struct pcl_ci){.kind = PCL_CI_NONE, .n = n};
    if (n == 0)
        return;
    out->mean = out->lo = out->hi = x[0];
    if (n == 1)
        return;
    if (constant(x, n)) {
        set_exact(out, x[0]);
        return;
    }
    out->mean = mean_of(x, n);
    out->sd = sqrt(covariance(x, out->mean, x, out->mean, n));
    half = pcl_t_quantile(level, (double)(n - 1)) * out->sd / sqrt((double)n);
    set_bounds(out, out->mean - half, out->mean + half);
}

/* Means and n-fold variances of two series, and of both together. */
struct moments {
    double ma, mb, vaa, vbb, vab; /* variances of the means */
};

static struct moments moments(const double *a, const double *b, size_t n)
{
    struct moments m = {.ma = mean_of(a, n), .mb = mean_of(b, n)};
    double k = (double)n;

    if (n < 2)
        return m;
    m.vaa = covariance(a, m.ma, a, m.ma, n) / k;
    m.vbb = covariance(b, m.mb, b, m.mb, n) / k;
    m.vab = covariance(a, m.ma, b, m.mb, n) / k;
    return m;
}

static void fieller(const struct moments *m, size_t n, double level, struct pcl_ci *out)
{
    double t = pcl_t_quantile(level, (double)(n - 1));
    double a = m->ma * m->ma - t * t * m->vaa;
    double b = m->ma * m->mb - t * t * m->vab;
    double c = m->mb * m->mb - t * t * m->vbb;
    double root;

    if (a <= 0) {
        out->kind = PCL_CI_UNBOUNDED;
        return;
    }
    root = sqrt(fmax(b * b - a * c, 0));
    set_bounds(out, fmin((b - root) / a, out->mean), fmax((b + root) / a, out->mean));
}

static void ratio_of(const double *a, const double *b, size_t n, bool equal,
                     const struct moments *m, double level, struct pcl_ci *out)
{
    *out = (struct pcl_ci){.kind = PCL_CI_NONE, .n = n};
    if (n == 0)
        return;
    if (m->ma == 0) {
        out->kind = PCL_CI_UNBOUNDED;
        return;
    }
    out->mean = out->lo = out->hi = m->mb / m->ma;
    if (n < 2)
        return;
    if (equal)
        set_exact(out, 1); /* not 1 give or take rounding */
    else if (constant(a, n) && constant(b, n))
        set_exact(out, b[0] / a[0]);
    else
        fieller(m, n, level, out);
}

void pcl_paired(const double *a, const double *b, size_t n, double level,
                struct pcl_paired *out)
{
    double *d = pcl_xcalloc(n + 1, sizeof(*d));
    struct moments m = {0};

    *out = (struct pcl_paired){.n = n, .p = 1, .equal = n > 0};
    for (size_t i = 0; i < n; i++) {
        d[i] = b[i] - a[i];
        out->equal = out->equal && a[i] == b[i];
    }
    if (n > 0)
        m = moments(a, b, n);
    out->mean_a = m.ma;
    out->mean_b = m.mb;
    pcl_ci_mean(d, n, level, &out->diff);
    ratio_of(a, b, n, out->equal, &m, level, &out->ratio);
    free(d);
    if (n > 2 && m.vaa > 0 && m.vbb > 0) { /* two pairs always correlate perfectly */
        out->has_corr = true;
        out->corr = m.vab / sqrt(m.vaa * m.vbb);
        if (m.vaa + m.vbb - 2 * m.vab > 1e-12 * (m.vaa + m.vbb))
            out->gain = (m.vaa + m.vbb) / (m.vaa + m.vbb - 2 * m.vab);
    }
    if (out->diff.kind == PCL_CI_EXACT) {
        out->tested = true;
        out->p = out->diff.mean == 0 ? 1 : 0;
    } else if (out->diff.kind == PCL_CI_INTERVAL) {
        double t = fabs(out->diff.mean) / (out->diff.sd / sqrt((double)n));

        out->tested = true;
        out->p = 2 * gsl_cdf_tdist_Q(t, (double)(n - 1));
    }
}

struct rank {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;

    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

size_t pcl_holm(double *p, size_t n)
{
    struct rank *r = pcl_xcalloc(n + 1, sizeof(*r));
    size_t m = 0;
    double least = 0;

    for (size_t i = 0; i < n; i++)
        if (p[i] >= 0)
            r[m++] = (struct rank){p[i], i};
    qsort(r, m, sizeof(*r), by_p);
    for (size_t k = 0; k < m; k++) {
        least = fmax(least, fmin(1, (double)(m - k) * r[k].p));
        p[r[k].at] = least;
    }
    free(r);
    return m;
}
