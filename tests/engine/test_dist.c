/*
 * Draws follow the law they name, and never change: a golden value that moves means that every
 * stored result was made with other random numbers.
 */
#include "stat.h"

#define N 1000000

static const struct pcl_stream golden = {UINT64_C(0x5EED)};

static void assert_draws(const struct pcl_dist *d, const int64_t want[4])
{
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(pcl_dist_draw(d, golden, i), want[i]);
}

static void draws_never_change(void **unused)
{
    (void)unused;
    assert_draws(&(struct pcl_dist){PCL_DIST_CONST, 5000, 0, 0},
                 (const int64_t[]){5000, 5000, 5000, 5000});
    assert_draws(&(struct pcl_dist){PCL_DIST_UNIFORM, 4096, 16384, 0},
                 (const int64_t[]){5023, 11911, 6463, 4619});
    assert_draws(&(struct pcl_dist){PCL_DIST_EXP, 1000000, 0, 0},
                 (const int64_t[]){2584154, 452627, 1646662, 3154992});
    assert_draws(&(struct pcl_dist){PCL_DIST_EXP, INT64_C(1) << 56, 0, 0},
                 (const int64_t[]){INT64_C(186207899261327902), INT64_C(32615179911866465),
                                   INT64_C(118654496011452905), INT64_C(227341166591080207)});
    assert_draws(&(struct pcl_dist){PCL_DIST_LOGNORMAL, 80000, 0, 0.5},
                 (const int64_t[]){36306, 84326, 47485, 31739});
    assert_draws(&(struct pcl_dist){PCL_DIST_LOGNORMAL, INT64_C(1) << 56, 0, 2},
                 (const int64_t[]){INT64_C(5210194360786496), INT64_C(50089539028279760),
                                   INT64_C(10713952105956528), INT64_C(3631369585741983)});
}

static void a_draw_depends_on_its_index_alone(void **unused)
{
    struct pcl_dist d = {PCL_DIST_EXP, 1000000, 0, 0};
    struct pcl_stream s = pcl_stream(1, 2, 3, PCL_DRAW_THINK);
    int64_t fifth = pcl_dist_draw(&d, s, 5);

    (void)unused;
    for (uint64_t i = 0; i < 10; i++)
        (void)pcl_dist_draw(&d, s, i);
    assert_int_equal(pcl_dist_draw(&d, s, 5), fifth);
}

/* --- uniform ----------------------------------------------------------------------------- */

static void uniform_reaches_both_ends_and_all_between(void **unused)
{
    struct pcl_dist d = {PCL_DIST_UNIFORM, 10, 19, 0};
    struct pcl_stream s = pcl_stream(1, 0, 0, PCL_DRAW_SIZE);
    uint64_t seen[10] = {0};
    double expected[10];

    (void)unused;
    for (size_t i = 0; i < 10; i++)
        expected[i] = N / 10.0;
    for (uint64_t i = 0; i < N; i++) {
        int64_t v = pcl_dist_draw(&d, s, i);

        assert_in_range(v, 10, 19);
        seen[v - 10]++;
    }
    assert_chi_square(seen, expected, 10);
    assert_near(pcl_dist_mean(&d), 14.5, 0);
}

static void uniform_takes_the_widest_range(void **unused)
{
    struct pcl_dist d = {PCL_DIST_UNIFORM, 0, INT64_MAX, 0}, one = {PCL_DIST_UNIFORM, 3, 3, 0};
    struct pcl_stream s = pcl_stream(2, 0, 0, PCL_DRAW_SIZE);
    size_t upper = 0;

    (void)unused;
    for (uint64_t i = 0; i < 10000; i++) {
        int64_t v = pcl_dist_draw(&d, s, i);

        assert_true(v >= 0);
        upper += v > INT64_MAX / 2;
        assert_int_equal(pcl_dist_draw(&one, s, i), 3);
    }
    assert_near(upper, 5000, 4 * 50);
    assert_near(pcl_dist_mean(&d), 0x1p62, 0);
}

/* --- exponential ------------------------------------------------------------------------- */

static double exponential_cdf(double x, const double *mean)
{
    return -expm1(-x / *mean);
}

static void exponential_has_its_mean_variance_tail_and_shape(void **unused)
{
    struct pcl_dist d = {PCL_DIST_EXP, INT64_C(1000000000), 0, 0};
    double mean = 1e9, *x = draws(&d, pcl_stream(3, 0, 0, PCL_DRAW_THINK), N);
    struct moments m = moments_of(x, N);
    size_t beyond5 = 0, below_thousandth = 0;

    (void)unused;
    for (size_t i = 0; i < N; i++) {
        beyond5 += x[i] > 5 * mean;
        below_thousandth += x[i] < mean / 1000;
    }
    assert_near(m.mean / mean, 1, 4 / sqrt(N));
    assert_near(m.var / mean / mean, 1, 4 * sqrt(8.0 / N));
    assert_near(beyond5, N * exp(-5), 4 * sqrt(N * exp(-5)));
    assert_near(below_thousandth, N * 1e-3, 4 * sqrt(N * 1e-3));
    assert_between(0, ks_distance(x, N, exponential_cdf, &mean), ks_bound(N));
    assert_near(pcl_dist_mean(&d), 1e9, 0);
    free(x);
}

/* Not a sample but the function itself, at both ends, at every segment border, and at random.
 */
static void assert_inverse(uint64_t bits)
{
    long double u = (long double)(bits | 1) * 0x1p-64L;
    long double want = -log1pl(u - 1) * 0x1p56L; /* u - 1 is exact */
    long double got = (long double)pcl_exp_from_bits(bits, INT64_C(1) << 56);

    assert_between(-0.6 - (double)want * 2e-8, (double)(got - want), 0.6 + (double)want * 2e-8);
}

static void exponential_is_the_inverse_to_2e_8(void **unused)
{
    struct pcl_stream s = pcl_stream(4, 0, 0, PCL_DRAW_THINK);

    (void)unused;
    for (uint64_t i = 0; i < 512; i++) {
        assert_inverse(i);
        assert_inverse(UINT64_MAX - i);
        assert_inverse(i << 55);
        assert_inverse((i << 55) - 1);
        assert_inverse((i << 55) + 1);
    }
    for (uint64_t i = 0; i < 300000; i++) {
        uint64_t bits = pcl_bits(s, i, 0);

        assert_inverse(bits);
        assert_inverse(bits >> i % 64);    /* the far tail */
        assert_inverse(~(bits >> i % 64)); /* the smallest values */
    }
}

static void exponential_falls_when_the_bits_rise(void **unused)
{
    int64_t last = INT64_MAX;

    (void)unused;
    for (uint64_t i = 0; i < 1 << 16; i++) {
        int64_t v = pcl_exp_from_bits(i << 48, INT64_C(1) << 56);

        assert_true(v < last);
        last = v;
    }
    for (uint64_t segment = 1; segment < 512; segment++) {
        uint64_t edge = segment << 55;

        assert_true(pcl_exp_from_bits(edge - 1, INT64_C(1) << 56) >=
                    pcl_exp_from_bits(edge, INT64_C(1) << 56));
    }
}

/* Rounding to the nearest: a mean of 1 ns gives k with the probability of (k - 1/2, k + 1/2).
 */
static void short_exponentials_are_rounded_fairly(void **unused)
{
    struct pcl_stream s = pcl_stream(5, 0, 0, PCL_DRAW_HOLD);
    uint64_t seen[8] = {0};
    double expected[8] = {0};

    (void)unused;
    for (size_t k = 0; k < 7; k++)
        expected[k] = N * (exp(-fmax((double)k - 0.5, 0)) - exp(-((double)k + 0.5)));
    expected[7] = N * exp(-6.5);
    for (uint64_t i = 0; i < N; i++) {
        int64_t v = pcl_exp_from_bits(pcl_bits(s, i, 0), 1);

        seen[v < 7 ? v : 7]++;
    }
    assert_chi_square(seen, expected, 8);
}

static void exponential_ends_hold(void **unused)
{
    (void)unused;
    assert_int_equal(pcl_exp_from_bits(UINT64_MAX, 1000000), 0);
    assert_int_equal(pcl_exp_from_bits(0, 1000), 44361); /* 64 ln 2 */
    assert_int_equal(pcl_exp_from_bits(0, INT64_MAX), INT64_MAX);
    assert_int_equal(pcl_exp_from_bits(12345, 0), 0);
    assert_int_equal(pcl_exp_from_bits(12345, -5), 0);
}

/* --- lognormal --------------------------------------------------------------------------- */

static double lognormal_cdf(double x, const double *arg)
{
    return gsl_cdf_lognormal_P(x, arg[0], arg[1]);
}

static void lognormal_has_its_mean_and_cv(void **unused)
{
    static const struct {
        double cv, mean_within, cv_within;
    } cases[] = {{0.1, 0.0004, 0.002}, {0.5, 0.002, 0.005}, {1, 0.004, 0.02}, {3, 0.012, 0.15}};

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pcl_dist d = {PCL_DIST_LOGNORMAL, 800000000, 0, cases[i].cv};
        double *x = draws(&d, pcl_stream(7, 0, i, PCL_DRAW_DEVICE), N);
        struct moments m = moments_of(x, N);
        double var = log1p(d.s * d.s), arg[2] = {log(8e8) - var / 2, sqrt(var)};

        assert_near(m.mean / 8e8, 1, cases[i].mean_within);
        assert_near(sqrt(m.var) / m.mean / d.s, 1, cases[i].cv_within);
        assert_between(0, ks_distance(x, N, lognormal_cdf, arg), ks_bound(N));
        assert_near(pcl_dist_mean(&d), 8e8, 0);
        free(x);
    }
}

static void lognormal_without_spread_is_constant(void **unused)
{
    struct pcl_dist d = {PCL_DIST_LOGNORMAL, 80000, 0, 0};

    (void)unused;
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(pcl_dist_draw(&d, golden, i), 80000);
}

/* Neither the widest spread nor the largest mean leaves the 64 bits. */
static void lognormal_stays_in_range(void **unused)
{
    (void)unused;
    for (uint64_t i = 0; i < 100000; i++) {
        struct pcl_dist large = {PCL_DIST_LOGNORMAL, INT64_MAX, 0, 1e6};
        struct pcl_dist wide = {PCL_DIST_LOGNORMAL, 1, 0, 1e150};
        struct pcl_dist none = {PCL_DIST_LOGNORMAL, 0, 0, 0.5};

        assert_true(pcl_dist_draw(&large, golden, i) >= 0);
        assert_true(pcl_dist_draw(&wide, golden, i) >= 0);
        assert_int_equal(pcl_dist_draw(&none, golden, i), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_never_change),
        cmocka_unit_test(a_draw_depends_on_its_index_alone),
        cmocka_unit_test(uniform_reaches_both_ends_and_all_between),
        cmocka_unit_test(uniform_takes_the_widest_range),
        cmocka_unit_test(exponential_has_its_mean_variance_tail_and_shape),
        cmocka_unit_test(exponential_is_the_inverse_to_2e_8),
        cmocka_unit_test(exponential_falls_when_the_bits_rise),
        cmocka_unit_test(short_exponentials_are_rounded_fairly),
        cmocka_unit_test(exponential_ends_hold),
        cmocka_unit_test(lognormal_has_its_mean_and_cv),
        cmocka_unit_test(lognormal_without_spread_is_constant),
        cmocka_unit_test(lognormal_stays_in_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
