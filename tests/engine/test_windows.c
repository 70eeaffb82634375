/*
 * The series of a run keeps its sums however often it is merged; MSER-5 cuts where a
 * brute-force search does; batch means know when they are too few; modes are found where there
 * are two and rarely where there is one.
 */
#include "stat.h"

#include <pclsim/windows.h>

#include <string.h>

/* --- recording --------------------------------------------------------------------------- */

static void windows_hold_what_was_added_however_long_the_run(void **state)
{
    struct pcl_stream s = pcl_stream(3, 0, 0, PCL_DRAW_ANALYSIS);
    struct pcl_windows w;
    uint64_t ops = 0, tx = 0, time = 0, got[3] = {0, 0, 0};
    pcl_ns at = 1000, half = 0;
    uint64_t before = 0, seen = 0;

    (void)state;
    pcl_windows_init(&w, 1000);
    for (uint64_t i = 0; i < 20000; i++) {
        pcl_ns took = (pcl_ns)pcl_below(s, i, 0, 5000);
        bool last = pcl_below(s, i, 1, 3) == 0;

        at += (pcl_ns)pcl_below(s, i, 2, i < 10000 ? 300 : 300000);
        pcl_windows_add(&w, at, took, last);
        ops++;
        tx += last;
        time += (uint64_t)took;
        if (i == 12345)
            half = at;
        before += half == 0 || at <= half;
    }
    for (size_t i = 0; i < w.n; i++) {
        got[0] += w.w[i].ops;
        got[1] += w.w[i].transactions;
        got[2] += w.w[i].time;
        if ((int64_t)((i + 1) << w.shift) <= half - 1000)
            seen += w.w[i].ops;
    }
    assert_true(got[0] == ops && got[1] == tx && got[2] == time);
    assert_in_range(w.n, PCL_WINDOWS / 2, PCL_WINDOWS);
    assert_in_range(before - seen, 0, 60); /* each lies where its time is */
    pcl_windows_end(&w, 1000 + (INT64_C(10) << w.shift) + 3);
    assert_int_equal(w.n, 10);
    pcl_windows_end(&w, 0);
    assert_int_equal(w.n, 0);
    pcl_windows_fini(&w);
    assert_null(w.w);
}

static void windows_reach_the_end_of_time(void **state)
{
    struct pcl_windows w;

    (void)state;
    pcl_windows_init(&w, 0);
    pcl_windows_add(&w, 0, 1, true);
    pcl_windows_add(&w, PCL_NS_MAX - 1, 2, true);
    assert_int_equal(w.w[0].ops, 1);
    assert_int_equal(w.w[w.n - 1].time, 2);
    pcl_windows_fini(&w);
}

/* --- warm-up ----------------------------------------------------------------------------- */

static double normal(struct pcl_stream s, uint64_t i)
{
    return pcl_normal_quantile((unit(pcl_bits(s, i, 7)) + 0x1p-54) * (1 - 0x1p-53));
}

static size_t brute_force(const double *x, size_t n)
{
    double best = HUGE_VAL;
    size_t at = 0;

    for (size_t d = 0; d + 5 <= n; d++) {
        double mean = 0, score = 0;

        for (size_t j = d; j < n; j++)
            mean += x[j] / (double)(n - d);
        for (size_t j = d; j < n; j++)
            score += (x[j] - mean) * (x[j] - mean);
        score /= (double)(n - d) * (double)(n - d);
        if (score < best * (1 - 1e-12)) {
            best = score;
            at = d;
        }
    }
    return at;
}

static void mser_cuts_where_a_search_by_hand_does(void **state)
{
    enum { N = 120 };
    double x[N];

    (void)state;
    for (uint32_t round = 0; round < 200; round++) {
        struct pcl_stream s = pcl_stream(4, round, 0, PCL_DRAW_ANALYSIS);

        for (uint64_t i = 0; i < N; i++)
            x[i] = 1e6 + normal(s, i) + 30 * exp(-(double)i / (1 + round % 20));
        assert_int_equal(pcl_mser(x, N), brute_force(x, N));
    }
    for (size_t i = 0; i < N; i++)
        x[i] = i < 20 ? 9 : 5;
    assert_int_equal(pcl_mser(x, N), 20);
    for (size_t i = 0; i < N; i++)
        x[i] = 5;
    assert_int_equal(pcl_mser(x, N), 0); /* nothing to gain, nothing cut */
}

/* An operation of the given length ends in every 1/20 of a window of 128 ns. */
static void fill(struct pcl_windows *w, size_t n, double (*took)(struct pcl_stream s, size_t i))
{
    struct pcl_stream s = pcl_stream(5, 0, 0, PCL_DRAW_ANALYSIS);

    pcl_windows_init(w, 0);
    for (size_t i = 0; i < n; i++)
        for (pcl_ns k = 0; k < 20; k++)
            pcl_windows_add(w, (pcl_ns)i * 128 + k * 6, (pcl_ns)took(s, i * 20 + (size_t)k),
                            true);
    pcl_windows_end(w, (pcl_ns)n * 128);
}

static double slow_at_first(struct pcl_stream s, size_t i)
{
    return 1000 + 100 * normal(s, i) + 3000 * exp(-(double)i / 1000);
}

static double slower_and_slower(struct pcl_stream s, size_t i)
{
    return 1000 + 100 * normal(s, i) + (double)i;
}

static void a_warm_up_is_found_and_one_without_end_refused(void **state)
{
    struct pcl_warmup up;
    struct pcl_windows w;

    (void)state;
    fill(&w, 1000, slow_at_first);
    pcl_windows_warmup(&w, &up);
    assert_true(up.known && !up.refused);
    assert_int_equal(up.slowest == PCL_OUTPUT_THROUGHPUT, 0); /* the latency is what settles */
    assert_in_range(up.cut, 3 * 50 * 128, 10 * 50 * 128);     /* 3 to 10 time constants of 50 */
    pcl_windows_fini(&w);
    fill(&w, 1000, slower_and_slower);
    pcl_windows_warmup(&w, &up);
    assert_true(up.known && up.refused);
    pcl_windows_end(&w, 128 * 90);
    pcl_windows_warmup(&w, &up);
    assert_false(up.known); /* 18 values */
    pcl_windows_fini(&w);
}

static double ticking(struct pcl_stream s, size_t i)
{
    (void)s;
    return i / 20 % 200 == 0 ? 1020 : 1000; /* the mean: 1000.1 */
}

/* All that follows the last tick is equal: nothing of it is a warm-up. */
static void a_clock_that_ticks_is_steady(void **state)
{
    struct pcl_warmup up;
    struct pcl_windows w;

    (void)state;
    fill(&w, 1000, ticking);
    pcl_windows_warmup(&w, &up);
    assert_true(up.known && !up.refused && up.cut == 0);
    pcl_windows_fini(&w);
}

/* --- batch means ------------------------------------------------------------------------- */

static double plain(struct pcl_stream s, size_t i)
{
    return 1000 + 100 * normal(s, i);
}

static void batches_of_independent_values_know_their_error(void **state)
{
    struct pcl_batches b;
    struct pcl_windows w;

    (void)state;
    fill(&w, 990, plain);
    pcl_windows_batches(&w, PCL_OUTPUT_LATENCY, &b);
    assert_int_equal(b.n, 30);
    assert_near(b.mean, 1000, 3);
    assert_near(b.se, 100 / sqrt(20 * 990), 0.3); /* an estimate with 29 degrees of freedom */
    pcl_windows_batches(&w, PCL_OUTPUT_THROUGHPUT, &b);
    assert_true(b.n == 30 && b.se < b.mean * 1e-9); /* exactly 20 in each window */
    assert_near(b.mean, 20e9 / 128, 1);
    pcl_windows_fini(&w);
}

static double wave(struct pcl_stream s, size_t i)
{
    return 1000 + 100 * normal(s, i) + 500 * sin((double)i / 20 / 1000 * 6.2832);
}

static void batches_that_stay_correlated_say_nothing(void **state)
{
    struct pcl_batches b;
    struct pcl_windows w;

    (void)state;
    fill(&w, 1000, wave);
    pcl_windows_batches(&w, PCL_OUTPUT_LATENCY, &b);
    assert_true(b.n == 0 && b.lag1 > 0.5);
    pcl_windows_end(&w, 128 * 9);
    pcl_windows_batches(&w, PCL_OUTPUT_LATENCY, &b);
    assert_int_equal(b.n, 0); /* fewer windows than batches */
    pcl_windows_fini(&w);
}

/* --- modes ------------------------------------------------------------------------------- */

static double convoys(struct pcl_stream s, size_t i)
{
    size_t window = i / 20;

    return (window % 250 < 150 ? 1000 : 3000) + 100 * normal(s, i);
}

static void a_convoy_that_comes_and_goes_is_two_modes(void **state)
{
    struct pcl_modes m;
    struct pcl_windows w;

    (void)state;
    fill(&w, 1000, convoys);
    pcl_windows_modes(&w, PCL_OUTPUT_LATENCY, &m);
    assert_int_equal(m.n, 2);
    assert_near(m.low, 1000, 60);
    assert_near(m.high, 3000, 200);
    assert_near(m.low_share, 0.6, 0.05);
    assert_int_equal(m.switches, 7);
    assert_near((double)m.low_dwell, 150 * 128, 16 * 128);
    assert_near((double)m.high_dwell, 100 * 128, 16 * 128);
    pcl_windows_modes(&w, PCL_OUTPUT_THROUGHPUT, &m);
    assert_int_equal(m.n, 1);
    pcl_windows_end(&w, 128 * 15);
    pcl_windows_modes(&w, PCL_OUTPUT_LATENCY, &m);
    assert_int_equal(m.n, 0); /* too short to say */
    pcl_windows_fini(&w);
}

/* Each condition by itself: one that does not hold makes it one mode. */
static void modes_are_apart_apart_for_long_and_far_apart(void **state)
{
    enum { N = 64 };
    struct pcl_modes m;
    double x[N];
    bool high[N];

    (void)state;
    for (size_t i = 0; i < N; i++)
        x[i] = 100 + 20 * (i >= 40) + (double)(i * 7 % 5) / 2;
    pcl_modes_of(x, N, high, &m);
    assert_true(m.n == 2 && m.switches == 1 && !high[39] && high[40]);
    for (size_t i = 0; i < N; i++) /* to and fro all the time */
        x[i] = 100 + (i % 2 ? 20 : 0) + (double)(i * 7 % 5) / 2;
    pcl_modes_of(x, N, NULL, &m);
    assert_int_equal(m.n, 1);
    for (size_t i = 0; i < N; i++) /* 5 of 100 do not matter */
        x[i] = 100 + 5 * (i >= 40) + (double)(i * 7 % 5) / 10;
    pcl_modes_of(x, N, NULL, &m);
    assert_int_equal(m.n, 1);
    for (size_t i = 0; i < N; i++) /* 3 of 64 are a hiccup */
        x[i] = 100 + 20 * (i >= 61) + (double)(i * 7 % 5) / 2;
    pcl_modes_of(x, N, NULL, &m);
    assert_int_equal(m.n, 1);
    for (size_t i = 0; i < N; i++) /* from low to high without a gap */
        x[i] = 100 + (double)i;
    pcl_modes_of(x, N, NULL, &m);
    assert_int_equal(m.n, 1);
    for (size_t i = 0; i < N; i++)
        x[i] = 100;
    pcl_modes_of(x, N, NULL, &m);
    assert_int_equal(m.n, 1);
    pcl_modes_of(x, 5, NULL, &m);
    assert_int_equal(m.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_hold_what_was_added_however_long_the_run),
        cmocka_unit_test(windows_reach_the_end_of_time),
        cmocka_unit_test(mser_cuts_where_a_search_by_hand_does),
        cmocka_unit_test(a_warm_up_is_found_and_one_without_end_refused),
        cmocka_unit_test(a_clock_that_ticks_is_steady),
        cmocka_unit_test(batches_of_independent_values_know_their_error),
        cmocka_unit_test(batches_that_stay_correlated_say_nothing),
        cmocka_unit_test(a_convoy_that_comes_and_goes_is_two_modes),
        cmocka_unit_test(modes_are_apart_apart_for_long_and_far_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
