/*
 * Our ln, exp and normal quantile against the C library's and GSL's, and their bits against the
 * ones that every machine must give.
 */
#include "stat.h"

/* |x - want| in units of the last place of want */
static double ulps(double x, double want)
{
    double size = fabs(want);

    return fabs(x - want) / (nextafter(size, HUGE_VAL) - size);
}

static void ln_is_right_to_4_ulp(void **unused)
{
    struct pcl_stream s = pcl_stream(1, 0, 0, PCL_DRAW_PICK);

    (void)unused;
    for (uint64_t i = 0; i < 300000; i++) {
        double u = unit(pcl_bits(s, i, 0));
        double near_1 = 0.5 + u, any = ldexp(1 + u, (int)(i % 2098) - 1074);

        assert_between(0, ulps(pcl_ln(near_1), log(near_1)), 4);
        assert_between(0, ulps(pcl_ln(any), log(any)), 4); /* subnormals, too */
        double tiny_step = 1 + (u - 0.5) * 1e-9;
        assert_between(0, ulps(pcl_ln(tiny_step), log(tiny_step)), 4);
    }
    assert_true(pcl_ln(1) == 0);
    assert_between(0, ulps(pcl_ln(1.7976931348623157e308), log(1.7976931348623157e308)), 4);
}

static void exp_is_right_to_4_ulp(void **unused)
{
    struct pcl_stream s = pcl_stream(2, 0, 0, PCL_DRAW_PICK);

    (void)unused;
    for (uint64_t i = 0; i < 300000; i++) {
        double u = unit(pcl_bits(s, i, 0)) - 0.5;

        assert_between(0, ulps(pcl_exp(1399 * u), exp(1399 * u)), 4);
        assert_between(0, ulps(pcl_exp(4 * u), exp(4 * u)), 4);
        assert_between(0, ulps(pcl_exp(1e-9 * u), exp(1e-9 * u)), 4);
    }
    assert_true(pcl_exp(0) == 1);
}

static void quantile_agrees_with_gsl(void **unused)
{
    struct pcl_stream s = pcl_stream(3, 0, 0, PCL_DRAW_PICK);

    (void)unused;
    for (uint64_t i = 0; i < 200000; i++) {
        double p = (double)(pcl_bits(s, i, 0) >> 12 | 1) * 0x1p-52;
        double want = gsl_cdf_ugaussian_Pinv(p);

        assert_near(pcl_normal_quantile(p), want, 1e-14 * fabs(want) + 1e-16);
    }
    for (double p = 0.49; p > 1e-300; p *= 0.9) {
        double want = gsl_cdf_ugaussian_Pinv(p);

        assert_near(pcl_normal_quantile(p), want, 1e-14 * fabs(want));
    }
    assert_true(pcl_normal_quantile(0.5) == 0);
    assert_near(pcl_normal_quantile(0.975), 1.959963984540054, 1e-15);
}

/* Equal to the last bit: compared as numbers, none of them is a zero or NaN. */
static void results_never_change_by_a_bit(void **unused)
{
    static const double x[] = {0.1, 1.5, 2, 10, 1e-300, 1e300};
    static const double ln[] = {-0x1.26bb1bbb55515p+1, 0x1.9f323ecbf984cp-2,
                                0x1.62e42fefa39efp-1,  0x1.26bb1bbb55516p+1,
                                -0x1.5963447f87fb5p+9, 0x1.5963447f87fb5p+9};
    static const double y[] = {-600, -1, 0.1, 1, 2.5, 650};
    static const double e[] = {0x1.4dd4d0d12c071p-866, 0x1.78b56362cef38p-2,
                               0x1.1aec7b35a00d4p+0,   0x1.5bf0a8b14576ap+1,
                               0x1.85d6fd931e0bbp+3,   0x1.af11c8c4dd193p+937};
    static const double p[] = {1e-15, 0.01, 0.3, 0.7, 0.975, 0.9999999};
    static const double q[] = {-0x1.fc3f007789667p+2, -0x1.29c5c4630ff0ep+1,
                               -0x1.0c7e39582c5fap-1, 0x1.0c7e39582c5fap-1,
                               0x1.f5c0331eeff82p+0,  0x1.4cc1f26b3355ap+2};

    (void)unused;
    for (size_t i = 0; i < 6; i++) {
        assert_near(pcl_ln(x[i]), ln[i], 0);
        assert_near(pcl_exp(y[i]), e[i], 0);
        assert_near(pcl_normal_quantile(p[i]), q[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ln_is_right_to_4_ulp),
        cmocka_unit_test(exp_is_right_to_4_ulp),
        cmocka_unit_test(quantile_agrees_with_gsl),
        cmocka_unit_test(results_never_change_by_a_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
