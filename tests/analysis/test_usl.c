/* The scalability law: known coefficients are found again, and what the points cannot say is
 * said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include <pclsim/usl.h>

static struct pcl_err err;
static const double threads[] = {1, 2, 4, 8, 16, 32, 64, 128};

enum { N = sizeof(threads) / sizeof(threads[0]) };

/* Points of the law, with noise of that share whose sign alternates by threes. */
static void points(double lambda, double sigma, double kappa, double noise, double *x)
{
    for (size_t i = 0; i < N; i++) {
        double n = threads[i];

        x[i] = lambda * n / (1 + sigma * (n - 1) + kappa * n * (n - 1));
        x[i] *= 1 + noise * ((double)(i * 5 % 3) - 1);
    }
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("want %g +- %g, found %g", want, tolerance, got);
}

static void known_coefficients_are_found_again(void **state)
{
    static const double rows[][3] = {
        {1000, 0.05, 0.0005}, {7.5, 0.3, 0.01}, {4e6, 0.001, 1e-6}, {120, 0.9, 0.002}};
    struct pcl_usl u;
    double x[N];

    (void)state;
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        points(rows[r][0], rows[r][1], rows[r][2], 0, x);
        assert_int_equal(pcl_usl_fit(threads, x, N, &u, &err), PCL_OK);
        near(u.lambda.v, rows[r][0], 1e-5 * rows[r][0]);
        near(u.sigma.v, rows[r][1], 1e-4 * rows[r][1]);
        near(u.kappa.v, rows[r][2], 1e-4 * rows[r][2]);
        near(u.peak, sqrt((1 - rows[r][1]) / rows[r][2]), 1e-3 * u.peak);
        assert_true(u.peak_inside == (u.peak <= 128));
        assert_false(u.sigma.at_zero || u.kappa.at_zero);
        near(pcl_usl_at(&u, 16), x[4], 1e-6 * x[4]);
    }
}

static void standard_errors_cover_noise(void **state)
{
    struct pcl_usl u;
    double x[N];

    (void)state;
    points(1000, 0.05, 0.0005, 0.02, x);
    assert_int_equal(pcl_usl_fit(threads, x, N, &u, &err), PCL_OK);
    near(u.lambda.v, 1000, 3 * u.lambda.se);
    near(u.sigma.v, 0.05, 3 * u.sigma.se);
    near(u.kappa.v, 0.0005, 3 * u.kappa.se);
    assert_true(u.lambda.se > 1 && u.lambda.se < 100);
    assert_true(u.residual > 0.005 && u.residual < 0.03);
}

static void a_coefficient_that_would_be_negative_is_held_at_zero(void **state)
{
    struct pcl_usl u;
    double x[N];

    (void)state;
    points(1000, 0, 0, 0.001, x); /* a straight line: no peak */
    assert_int_equal(pcl_usl_fit(threads, x, N, &u, &err), PCL_OK);
    assert_true(u.sigma.v >= 0 && u.kappa.v >= 0);
    assert_true(u.sigma.at_zero || u.kappa.at_zero);
    points(1000, 0.1, -0.00005, 0, x); /* better than any contention allows */
    assert_int_equal(pcl_usl_fit(threads, x, N, &u, &err), PCL_OK);
    assert_true(u.kappa.at_zero);
    assert_true(u.kappa.v == 0 && u.kappa.se == 0);
    assert_true(isinf(u.peak) && !u.peak_inside);
}

static void too_few_points_are_refused(void **state)
{
    static const double same[] = {1, 2, 4, 4, 4}, x[] = {1, 2, 3, 3, 3}, zero[] = {1, 0, 3, 4};
    struct pcl_usl u;

    (void)state;
    assert_int_equal(pcl_usl_fit(same, x, 5, &u, &err), PCL_EINVAL);
    assert_non_null(strstr(err.msg, "want 4 points or more, found 3"));
    assert_int_equal(pcl_usl_fit(threads, zero, 4, &u, &err), PCL_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_coefficients_are_found_again),
        cmocka_unit_test(standard_errors_cover_noise),
        cmocka_unit_test(a_coefficient_that_would_be_negative_is_held_at_zero),
        cmocka_unit_test(too_few_points_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
