/*
 * Fitting the universal scalability law. Coefficients below 0 have no meaning, so where the
 * free fit has one it is held at 0 and the others are fitted again; the result says which were
 * held. Inside, sigma and kappa are scaled by the largest n, so that the parameters are of one
 * magnitude.
 */
#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>

#include <pclsim/usl.h>

enum { LAMBDA, SIGMA, KAPPA, N_COEFFICIENTS };

struct problem {
    const double *n, *x;
    size_t points;
    double n_hi, lambda;       /* scales */
    size_t at[N_COEFFICIENTS]; /* place among the free parameters; SIZE_MAX: held at 0 */
    size_t n_free;
};

static double coefficient(const struct problem *p, const gsl_vector *v, int which)
{
    double scale = which == LAMBDA  ? p->lambda
                   : which == SIGMA ? 1 / p->n_hi
                                    : 1 / (p->n_hi * p->n_hi);

    return p->at[which] == SIZE_MAX ? 0 : scale * gsl_vector_get(v, p->at[which]);
}

static double law(double lambda, double sigma, double kappa, double n)
{
    return lambda * n / (1 + sigma * (n - 1) + kappa * n * (n - 1));
}

double pcl_usl_at(const struct pcl_usl *u, double n)
{
    return law(u->lambda.v, u->sigma.v, u->kappa.v, n);
}

/* Relative, so that a point counts by its ratio to the curve, not by its height. */
static int residuals(const gsl_vector *v, void *data, gsl_vector *f)
{
    const struct problem *p = data;
    double lambda = coefficient(p, v, LAMBDA);

    for (size_t i = 0; i < p->points; i++) {
        double x = law(lambda, coefficient(p, v, SIGMA), coefficient(p, v, KAPPA), p->n[i]);

        gsl_vector_set(f, i, isfinite(x) ? x / p->x[i] - 1 : 1e6);
    }
    return GSL_SUCCESS;
}

static void hold(struct problem *p, bool sigma, bool kappa)
{
    p->n_free = 0;
    p->at[LAMBDA] = p->n_free++;
    p->at[SIGMA] = sigma ? SIZE_MAX : p->n_free++;
    p->at[KAPPA] = kappa ? SIZE_MAX : p->n_free++;
}

static struct pcl_usl_value value_of(const struct problem *p, const gsl_vector *v,
                                     const gsl_matrix *cov, double variance, int which)
{
    struct pcl_usl_value out = {.at_zero = p->at[which] == SIZE_MAX};
    double unit;

    if (out.at_zero)
        return out;
    unit = which == LAMBDA ? p->lambda : which == SIGMA ? 1 / p->n_hi : 1 / (p->n_hi * p->n_hi);
    out.v = coefficient(p, v, which);
    out.se = unit * sqrt(fmax(variance * gsl_matrix_get(cov, p->at[which], p->at[which]), 0));
    return out;
}

/* One fit with the coefficients that are free; returns the sum of squares, or HUGE_VAL. */
static double fit(struct problem *p, struct pcl_usl *out)
{
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf fdf = {
        .f = residuals, .n = p->points, .p = p->n_free, .params = p};
    gsl_multifit_nlinear_workspace *w =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, p->points, p->n_free);
    gsl_matrix *cov = gsl_matrix_alloc(p->n_free, p->n_free);
    gsl_vector *start = gsl_vector_alloc(p->n_free);
    double sum = HUGE_VAL, variance;
    int info;

    gsl_vector_set_all(start, 0.1);
    gsl_vector_set(start, p->at[LAMBDA], 1);
    (void)gsl_multifit_nlinear_init(start, &fdf, w);
    if (gsl_multifit_nlinear_driver(500, 1e-12, 1e-12, 0, NULL, NULL, &info, w) ==
            GSL_SUCCESS ||
        info != 0) {
        (void)gsl_blas_ddot(w->f, w->f, &sum);
        (void)gsl_multifit_nlinear_covar(w->J, 0, cov);
        variance = p->points > p->n_free ? sum / (double)(p->points - p->n_free) : 0;
        out->lambda = value_of(p, w->x, cov, variance, LAMBDA);
        out->sigma = value_of(p, w->x, cov, variance, SIGMA);
        out->kappa = value_of(p, w->x, cov, variance, KAPPA);
        out->residual = sqrt(sum / (double)p->points);
    }
    gsl_vector_free(start);
    gsl_matrix_free(cov);
    gsl_multifit_nlinear_free(w);
    return sum;
}

static bool meaningful(const struct pcl_usl *u)
{
    return u->lambda.v > 0 && u->sigma.v >= 0 && u->kappa.v >= 0;
}

/* Of the fits without a negative coefficient the closest. */
static bool fit_bounded(struct problem *p, struct pcl_usl *out)
{
    double best = HUGE_VAL;

    for (int held = 0; held < 4; held++) {
        struct pcl_usl u = *out;
        double sum;

        hold(p, held & 1, held & 2);
        sum = fit(p, &u);
        if (!(sum < best) || !meaningful(&u))
            continue;
        best = sum;
        *out = u;
        if (held == 0)
            break; /* nothing needs to be held */
    }
    return best < HUGE_VAL;
}

static void find_peak(struct pcl_usl *u)
{
    u->peak = HUGE_VAL;
    if (u->kappa.v > 0 && u->sigma.v < 1)
        u->peak = fmax(sqrt((1 - u->sigma.v) / u->kappa.v), 1);
    else if (u->kappa.v > 0)
        u->peak = 1;
    u->peak_inside = u->peak >= u->n_lo && u->peak <= u->n_hi;
}

int pcl_usl_fit(const double *n, const double *x, size_t points, struct pcl_usl *out,
                struct pcl_err *err)
{
    struct problem p = {.n = n, .x = x, .points = points};
    gsl_error_handler_t *old;
    size_t different = 0;
    bool found;

    *out = (struct pcl_usl){.n = points, .n_lo = HUGE_VAL, .n_hi = -HUGE_VAL};
    for (size_t i = 0; i < points; i++) {
        bool seen = false;

        if (!(n[i] > 0) || !(x[i] > 0) || !isfinite(n[i]) || !isfinite(x[i]))
            return pcl_fail(err, PCL_EINVAL,
                            "the scalability law is of positive numbers, found %g at %g", x[i],
                            n[i]);
        for (size_t k = 0; k < i; k++)
            seen = seen || (n[k] <= n[i] && n[k] >= n[i]);
        different += !seen;
        out->n_lo = fmin(out->n_lo, n[i]);
        out->n_hi = fmax(out->n_hi, n[i]);
        p.lambda = fmax(p.lambda, x[i] / n[i]);
    }
    if (different < 4)
        return pcl_fail(err, PCL_EINVAL,
                        "the scalability law has three coefficients: want 4 points or more, "
                        "found %zu",
                        different);
    p.n_hi = out->n_hi;
    old = gsl_set_error_handler_off();
    found = fit_bounded(&p, out);
    (void)gsl_set_error_handler(old);
    if (!found)
        return pcl_fail(err, PCL_EFAIL, "the scalability law does not fit these points");
    find_peak(out);
    return PCL_OK;
}
