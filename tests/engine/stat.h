/*
 * What the tests of random numbers share: CMocka in its required order, and goodness of fit.
 * All seeds are fixed, so a test that passes once passes always; the bounds are those of a 0.1
 * % test.
 */
#ifndef PCLSIM_TEST_STAT_H
#define PCLSIM_TEST_STAT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include <pclsim/dist.h>

/* A failure shows the value: CMocka 1.1.5 compares floats only. */
#define assert_between(lo, x, hi)                                                              \
    do {                                                                                       \
        double x_ = (double)(x);                                                               \
        if (!((double)(lo) <= x_ && x_ <= (double)(hi)))                                       \
            fail_msg("%s is %.10g, not in [%.10g, %.10g]", #x, x_, (double)(lo),               \
                     (double)(hi));                                                            \
    } while (0)

#define assert_near(x, want, tolerance)                                                        \
    assert_between((want) - (tolerance), (x), (want) + (tolerance))

static inline double unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/* Neither a bad fit nor one too good for chance. */
static inline void assert_chi_square(const uint64_t *seen, const double *expected, size_t n)
{
    double x = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (double)seen[i] - expected[i];
        x += d * d / expected[i];
    }
    assert_between(0.0005, gsl_cdf_chisq_Q(x, (double)n - 1), 0.9995);
}

static inline int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The largest distance of the empirical distribution of x[n], which gets sorted, from cdf. */
static inline double ks_distance(double *x, size_t n,
                                 double (*cdf)(double x, const double *arg), const double *arg)
{
    double d = 0;

    qsort(x, n, sizeof(*x), by_value);
    for (size_t i = 0; i < n; i++) {
        double p = cdf(x[i], arg);

        d = fmax(d, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
    }
    return d;
}

/* P(D > this) = 0.1 %, for large n. */
static inline double ks_bound(size_t n)
{
    return 1.95 / sqrt((double)n);
}

struct moments {
    double mean, var;
};

static inline struct moments moments_of(const double *x, size_t n)
{
    struct moments m = {0, 0};

    for (size_t i = 0; i < n; i++)
        m.mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        m.var += (x[i] - m.mean) * (x[i] - m.mean) / (double)(n - 1);
    return m;
}

static inline double *draws(const struct pcl_dist *d, struct pcl_stream s, size_t n)
{
    double *x = pcl_xcalloc(n, sizeof(*x));

    for (size_t i = 0; i < n; i++)
        x[i] = (double)pcl_dist_draw(d, s, i);
    return x;
}

#endif
