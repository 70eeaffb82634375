/* Statistics against tables, against a textbook's worked example, and by their own coverage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include <pclsim/dist.h>
#include <pclsim/stats.h>

/* "Student" (1908), hours of sleep gained under two drugs: R's t.test(paired = TRUE) gives
 * t = 4.0621, df = 9, p = 0.002833, interval 0.7001142 to 2.4598858. */
static const double sleep_a[10] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
static const double sleep_b[10] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("want %.10g, found %.10g", want, got);
}

static void quantiles_agree_with_the_table(void **state)
{
    static const struct {
        double level, df, t;
    } rows[] = {{0.95, 1, 12.7062047}, {0.95, 4, 2.7764451}, {0.95, 9, 2.2621572},
                {0.95, 29, 2.0452296}, {0.99, 9, 3.2498355}, {0.90, 4, 2.1318468}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        near(pcl_t_quantile(rows[i].level, rows[i].df), rows[i].t, 1e-6);
}

static void an_interval_of_a_mean_is_students(void **state)
{
    static const double x[5] = {10, 12, 9, 11, 13};
    struct pcl_ci ci;

    (void)state;
    pcl_ci_mean(x, 5, 0.95, &ci);
    assert_int_equal(ci.kind, PCL_CI_INTERVAL);
    near(ci.mean, 11, 1e-12);
    near(ci.sd, sqrt(2.5), 1e-12);
    near(ci.half, 2.7764451 * sqrt(2.5 / 5), 1e-6);
    near(ci.hi - ci.mean, ci.half, 1e-12);
}

static void little_data_is_said_and_never_nan(void **state)
{
    static const double same[3] = {4, 4, 4};
    struct pcl_paired p;
    struct pcl_ci ci;

    (void)state;
    pcl_ci_mean(same, 0, 0.95, &ci);
    assert_true(ci.kind == PCL_CI_NONE && ci.n == 0 && ci.mean == 0 && ci.half == 0);
    pcl_ci_mean(same, 1, 0.95, &ci);
    assert_true(ci.kind == PCL_CI_NONE && ci.mean == 4 && ci.lo == 4);
    pcl_ci_mean(same, 3, 0.95, &ci);
    assert_true(ci.kind == PCL_CI_EXACT && ci.lo == 4 && ci.hi == 4 && ci.sd == 0);
    for (size_t n = 0; n < 2; n++) {
        pcl_paired(sleep_a, sleep_b, n, 0.95, &p);
        assert_false(p.tested);
        assert_true(p.p == 1 && !p.has_corr && isfinite(p.ratio.mean));
    }
}

static void the_paired_test_agrees_with_the_worked_example(void **state)
{
    struct pcl_paired p;

    (void)state;
    pcl_paired(sleep_a, sleep_b, 10, 0.95, &p);
    near(p.diff.mean, 1.58, 1e-12);
    near(p.diff.lo, 0.7001142, 1e-7);
    near(p.diff.hi, 2.4598858, 1e-7);
    near(p.p, 0.002833, 5e-7);
    near(p.corr, 0.7951702, 1e-7);
    /* the baseline's mean, 0.75 +- 1.28, cannot be told from 0 */
    assert_int_equal(p.ratio.kind, PCL_CI_UNBOUNDED);
    near(p.ratio.mean, 2.33 / 0.75, 1e-12);
}

static void identical_replications_are_exact(void **state)
{
    static const double a[3] = {40, 40, 40}, b[3] = {8, 8, 8}, zero[3] = {0, 0, 0};
    struct pcl_paired p;

    (void)state;
    pcl_paired(a, b, 3, 0.95, &p);
    assert_true(p.ratio.kind == PCL_CI_EXACT && p.ratio.mean == 0.2 && p.tested && p.p == 0);
    assert_false(p.equal);
    pcl_paired(a, a, 3, 0.95, &p);
    assert_true(p.equal && p.ratio.kind == PCL_CI_EXACT && p.ratio.mean == 1 && p.p == 1);
    pcl_paired(zero, b, 3, 0.95, &p);
    assert_true(p.ratio.kind == PCL_CI_UNBOUNDED && p.ratio.mean == 0 && p.p == 0);
    pcl_paired(sleep_a, sleep_a, 10, 0.95, &p);
    assert_true(p.equal && p.p == 1 && p.diff.kind == PCL_CI_EXACT);
}

/* Something like a normal deviate: the sum of 12 uniforms. */
static double deviate(uint64_t index, uint64_t lane)
{
    struct pcl_stream s = pcl_stream(7, 0, lane, PCL_DRAW_ANALYSIS);
    double sum = -6;

    for (uint64_t k = 0; k < 12; k++)
        sum += (double)(pcl_bits(s, index, k) >> 11) / 9007199254740992.0;
    return sum;
}

enum { ROUNDS = 2000, REPS = 6 };

static void draw_pair(uint64_t round, double ratio, double *a, double *b)
{
    for (uint64_t i = 0; i < REPS; i++) {
        double common = deviate(round * REPS + i, 1);

        a[i] = 100 + 20 * common + 5 * deviate(round * REPS + i, 2);
        b[i] = ratio * (100 + 20 * common) + 5 * deviate(round * REPS + i, 3);
    }
}

static void intervals_cover_what_they_promise(void **state)
{
    unsigned mean = 0, ratio = 0, diff = 0;

    (void)state;
    for (uint64_t r = 0; r < ROUNDS; r++) {
        double a[REPS], b[REPS];
        struct pcl_paired p;
        struct pcl_ci ci;

        draw_pair(r, 0.6, a, b);
        pcl_ci_mean(a, REPS, 0.95, &ci);
        mean += ci.lo <= 100 && 100 <= ci.hi;
        pcl_paired(a, b, REPS, 0.95, &p);
        ratio += p.ratio.lo <= 0.6 && 0.6 <= p.ratio.hi;
        diff += p.diff.lo <= -40 && -40 <= p.diff.hi;
    }
    /* 95 % of 2000 is 1900 with a standard deviation of 9.7 */
    assert_in_range(mean, 1860, 1940);
    assert_in_range(ratio, 1860, 1940);
    assert_in_range(diff, 1860, 1940);
}

static void the_ratio_excludes_1_exactly_when_the_test_rejects(void **state)
{
    unsigned rejected = 0;

    (void)state;
    for (uint64_t r = 0; r < ROUNDS; r++) {
        double a[REPS], b[REPS];
        struct pcl_paired p;

        draw_pair(r, 0.97, a, b);
        pcl_paired(a, b, REPS, 0.95, &p);
        if (p.ratio.kind != PCL_CI_INTERVAL)
            continue;
        assert_int_equal(p.p < 0.05, p.ratio.hi < 1 || p.ratio.lo > 1);
        rejected += p.p < 0.05;
    }
    assert_in_range(rejected, 100, ROUNDS - 100); /* both cases occurred */
}

static void pairing_gains_what_the_correlation_says(void **state)
{
    double a[REPS], b[REPS];
    struct pcl_paired p;
    struct pcl_ci ca;

    (void)state;
    draw_pair(1, 1.0, a, b);
    pcl_paired(a, b, REPS, 0.95, &p);
    pcl_ci_mean(a, REPS, 0.95, &ca);
    assert_true(p.has_corr && p.corr > 0.5);
    assert_true(p.diff.half < ca.half);
}

static void holm_agrees_with_the_worked_example(void **state)
{
    /* R: p.adjust(c(.01, .04, .03, .005), "holm") is .03 .06 .06 .02 */
    double p[5] = {0.01, 0.04, -1, 0.03, 0.005}, one[1] = {0.04}, big[2] = {0.9, 0.8};

    (void)state;
    assert_int_equal(pcl_holm(p, 5), 4);
    near(p[0], 0.03, 1e-12);
    near(p[1], 0.06, 1e-12);
    near(p[2], -1, 0);
    near(p[3], 0.06, 1e-12);
    near(p[4], 0.02, 1e-12);
    assert_int_equal(pcl_holm(one, 1), 1);
    near(one[0], 0.04, 0);
    assert_int_equal(pcl_holm(big, 2), 2);
    near(big[0], 1, 0);
    near(big[1], 1, 0);
    assert_int_equal(pcl_holm(p, 0), 0);
}

/* Values about 100 whose standard deviation is `sd`. */
static void draw(double *x, size_t n, double sd, uint64_t lane)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 100 + sd * deviate(i, lane);
}

static void the_rule_stops_when_the_interval_is_narrow(void **state)
{
    enum { MANY = 400 };
    static double x[MANY];
    struct pcl_precision p = {.relative = 0.01};
    struct pcl_stop s;

    (void)state;
    draw(x, MANY, 5, 40);
    pcl_stop_mean(x, MANY, &p, &s);
    assert_int_equal(s.why, PCL_STOP_REACHED);
    assert_true(s.relative <= 0.01 && s.ci.n == s.at && s.next == s.at);
    /* (1.96 x 5 / 1)^2 is 96 */
    assert_in_range(s.at, 60, 160);
    p.relative = 0.2;
    pcl_stop_mean(x, MANY, &p, &s);
    assert_true(s.why == PCL_STOP_REACHED && s.at == PCL_STOP_LEAST);
}

/* However many values there are already, the same looks are made. */
static void a_stop_does_not_depend_on_when_one_looks(void **state)
{
    enum { MANY = 400 };
    static double x[MANY];
    struct pcl_precision p = {.relative = 0.01};
    struct pcl_stop all, s;
    size_t looks = 0, last = 0;

    (void)state;
    draw(x, MANY, 5, 41);
    pcl_stop_mean(x, MANY, &p, &all);
    for (size_t n = 0; n <= MANY; n++) {
        pcl_stop_mean(x, n, &p, &s);
        if (n < all.at) {
            assert_true(s.why == PCL_STOP_GO_ON && s.next > n && s.next <= all.at);
            looks += s.next != last;
            last = s.next;
        } else {
            assert_true(s.why == PCL_STOP_REACHED && s.at == all.at && s.ci.mean == all.ci.mean);
        }
    }
    assert_in_range(looks, 2, 10);
}

static void the_cap_is_not_passed_and_not_taken_for_success(void **state)
{
    static double x[50], zero[12];
    struct pcl_precision p = {.relative = 0.001, .least = 4, .most = 30};
    struct pcl_stop s;

    (void)state;
    draw(x, 50, 5, 42);
    pcl_stop_mean(x, 50, &p, &s);
    assert_true(s.why == PCL_STOP_CAPPED && s.at == 30 && s.relative > 0.001);
    assert_in_range(s.wanted, 5000, 20000); /* (1.96 x 5 / 0.1)^2 is 9604 */
    pcl_stop_mean(x, 29, &p, &s);
    assert_true(s.why == PCL_STOP_GO_ON && s.next == 30);
    for (size_t i = 0; i < 12; i++)
        zero[i] = i % 2 ? 1 : -1; /* nothing is relative to 0 */
    p.most = 12;
    pcl_stop_mean(zero, 12, &p, &s);
    assert_true(s.why == PCL_STOP_CAPPED && s.relative == HUGE_VAL && s.wanted == SIZE_MAX);
    for (size_t i = 0; i < 12; i++)
        zero[i] = 0;
    pcl_stop_mean(zero, 12, &p, &s);
    assert_true(s.why == PCL_STOP_REACHED && s.at == 4 && s.ci.kind == PCL_CI_EXACT);
}

static void a_change_stops_by_pairs(void **state)
{
    enum { MANY = 300 };
    static double a[MANY], b[MANY];
    struct pcl_precision p = {.relative = 0.01};
    struct pcl_stop pair, mean;

    (void)state;
    for (uint64_t i = 0; i < MANY; i++)
        draw_pair(i / REPS, 0.6, &a[i / REPS * REPS], &b[i / REPS * REPS]);
    pcl_stop_paired(a, b, MANY, &p, &pair);
    pcl_stop_mean(a, MANY, &p, &mean);
    assert_true(pair.why == PCL_STOP_REACHED && pair.ci.half <= 0.01);
    assert_true(pair.ci.lo <= 0.6 + 0.01 && pair.ci.hi >= 0.6 - 0.01);
    assert_true(mean.why == PCL_STOP_GO_ON && mean.wanted > MANY); /* 20 % apart by itself */
}

static void replications_for_a_half_width(void **state)
{
    static const double x[5] = {10, 12, 9, 11, 13};
    struct pcl_ci ci;

    (void)state;
    pcl_ci_mean(x, 5, 0.95, &ci);
    assert_int_equal(pcl_reps_for(&ci, 0.95, ci.half), 5);
    /* 1.5811 qt(.975, n - 1) / sqrt(n) is 0.5057 for n = 40 and 0.4991 for 41 */
    assert_in_range(pcl_reps_for(&ci, 0.95, 0.5), 41, 41);
    assert_true(pcl_reps_for(&ci, 0.95, 0) == SIZE_MAX);
    ci.kind = PCL_CI_UNBOUNDED;
    assert_true(pcl_reps_for(&ci, 0.95, 0.5) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_agree_with_the_table),
        cmocka_unit_test(an_interval_of_a_mean_is_students),
        cmocka_unit_test(little_data_is_said_and_never_nan),
        cmocka_unit_test(the_paired_test_agrees_with_the_worked_example),
        cmocka_unit_test(identical_replications_are_exact),
        cmocka_unit_test(intervals_cover_what_they_promise),
        cmocka_unit_test(the_ratio_excludes_1_exactly_when_the_test_rejects),
        cmocka_unit_test(pairing_gains_what_the_correlation_says),
        cmocka_unit_test(holm_agrees_with_the_worked_example),
        cmocka_unit_test(the_rule_stops_when_the_interval_is_narrow),
        cmocka_unit_test(a_stop_does_not_depend_on_when_one_looks),
        cmocka_unit_test(the_cap_is_not_passed_and_not_taken_for_success),
        cmocka_unit_test(a_change_stops_by_pairs),
        cmocka_unit_test(replications_for_a_half_width),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
