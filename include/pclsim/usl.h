/*
 * The universal scalability law (Gunther): throughput against the number of threads, processors
 * or clients,
 *
 *     X(n) = lambda n / (1 + sigma (n - 1) + kappa n (n - 1))
 *
 * lambda is one thread's throughput, sigma the share that is done one at a time (contention),
 * kappa the cost of every pair that has to agree (coherency). With kappa above 0 there is a
 * peak at sqrt((1 - sigma) / kappa), beyond which more threads do less.
 */
#ifndef PCLSIM_USL_H
#define PCLSIM_USL_H

#include <pclsim/base.h>

struct pcl_usl_value {
    double v, se; /* se: standard error; 0 when at_zero */
    bool at_zero; /* the data would have it negative, which means nothing: held at 0 */
};

struct pcl_usl {
    struct pcl_usl_value lambda, sigma, kappa;
    size_t n;          /* points */
    double residual;   /* root mean square of the relative residuals */
    double peak;       /* n at the peak; HUGE_VAL: none */
    bool peak_inside;  /* within the points */
    double n_lo, n_hi; /* the points */
};

/** Fits relative residuals by non-linear least squares (GSL, Levenberg-Marquardt). Standard
 * errors come from the scatter about the curve, so they say how well the law describes the
 * points, not how exact the points are. PCL_EINVAL when there are fewer than 4 different n, or
 * values that are not positive. Changes GSL's error handler while it runs: not for several
 * threads at once. */
int pcl_usl_fit(const double *n, const double *x, size_t points, struct pcl_usl *out,
                struct pcl_err *err);

double pcl_usl_at(const struct pcl_usl *u, double n);

#endif
