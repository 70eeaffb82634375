/*
 * A run that finds its own warm-up measures exactly what a run with that warm-up in its
 * scenario measures; one that never settles says so.
 */
#include "rig.h"

#include <pclsim/windows.h>

/* An open queue; the load follows. */
#define QUEUE(hold, warmup, duration)                                                          \
    "[scenario]\ntitle = t\nfs = page-only\nmachine = ideal\nwarmup = " warmup                 \
    "\nduration = " duration "\n[file f]\nsize = 4k\ncached = all\n[group g]\ntasks = 100"     \
    "\nmix = pagelock:1\noffsets = hot\nhold = exp:" hold                                      \
    "\nthink = exp:1ms\narrivals = open\n"

static void a_found_warm_up_is_as_good_as_a_given_one(void **unused)
{
    struct setting a, b;
    struct pcl_result found, given;

    (void)unused;
    setting_text(&a, QUEUE("8us", "auto", "300ms"), "fifo", NULL, 0);
    run_ok(&a.job, &found);
    assert_true(found.warmup_ns < 150000000 && found.warmup_ns + found.sim_ns == 300000000);
    assert_true(metric(&found, "steady", "all") == 1);
    assert_in_range(found.windows.n, PCL_WINDOWS / 2 - 1, PCL_WINDOWS);

    setting_text(&b, QUEUE("8us", "1ms", "1ms"), "fifo", NULL, 0);
    b.scenario->warmup = found.warmup_ns;
    b.scenario->duration = found.sim_ns;
    run_ok(&b.job, &given);
    char *x = result_text(&found), *y = result_text(&given);
    assert_string_equal(x, y);
    free(x);
    free(y);
    pcl_result_fini(&found);
    pcl_result_fini(&given);
    setting_fini(&a);
    setting_fini(&b);
}

/* Else a rule would choose the values that it likes. */
static void the_cut_comes_from_other_draws_than_the_run(void **unused)
{
    enum { RUNS = 6 };
    unsigned differ = 0, others = 0;
    pcl_ns first = 0;
    struct setting s;

    (void)unused;
    setting_text(&s, QUEUE("9us", "auto", "100ms"), "fifo", NULL, 0);
    for (uint32_t rep = 0; rep < RUNS; rep++) {
        struct pcl_scenario *sc = s.scenario;
        struct pcl_result found, whole;
        struct pcl_warmup own;

        s.job.replication = rep;
        run_ok(&s.job, &found);
        sc->warmup = 0;
        sc->duration = found.warmup_ns + found.sim_ns;
        run_ok(&s.job, &whole);
        pcl_windows_warmup(&whole.windows, &own);
        differ += own.cut != found.warmup_ns;
        first = rep == 0 ? found.warmup_ns : first;
        others += found.warmup_ns != first;
        sc->warmup = PCL_WARMUP_AUTO;
        sc->duration = 100000000;
        pcl_result_fini(&found);
        pcl_result_fini(&whole);
    }
    assert_true(differ > 0);
    assert_true(others > 0); /* each replication has a pilot of its own */
    setting_fini(&s);
}

static void overload_is_no_steady_state(void **unused)
{
    struct pcl_result r;
    struct setting s;

    (void)unused;
    setting_text(&s, QUEUE("20us", "auto", "20ms"), "fifo", NULL, 0);
    run_ok(&s.job, &r);
    assert_true(metric(&r, "steady", "all") == 0);
    assert_int_equal(r.warmup_ns + r.sim_ns, 8 * 20000000);
    assert_int_equal(r.warmup_ns, r.sim_ns); /* the second half */
    pcl_result_fini(&r);
    setting_fini(&s);
    setting_text(&s, QUEUE("20us", "5ms", "100ms"), "fifo", NULL, 0);
    run_ok(&s.job, &r);
    assert_true(metric(&r, "steady", "all") == 0);
    pcl_result_fini(&r);
    setting_fini(&s);
}

/* The bounds of one run enclose what many runs say. */
static void one_run_knows_how_sure_it_is(void **unused)
{
    struct pcl_result r;
    struct setting s;
    double mean, se;

    (void)unused;
    setting_text(&s, QUEUE("5us", "5ms", "3s"), "fifo", NULL, 0);
    run_ok(&s.job, &r);
    mean = metric(&r, "latency_mean", "all");
    se = metric(&r, "batch_se", "latency_mean");
    assert_true(metric(&r, "batch_count", "latency_mean") >= 10);
    assert_true(se > 0 && se < 0.02 * mean && fabs(mean - 10000) < 4 * se);
    /* quantiles of an exponential of mean 10 us */
    assert_true(metric(&r, "latency_p50_lo", "all") < 10000 * log(2));
    assert_true(metric(&r, "latency_p50_hi", "all") > 10000 * log(2));
    assert_true(metric(&r, "latency_p99_lo", "all") < 10000 * log(100));
    assert_true(metric(&r, "latency_p99_hi", "all") > 10000 * log(100));
    assert_true(metric(&r, "independent_ops", "all") < 0.5 * (double)r.ops);
    assert_true(metric(&r, "modes", "throughput") == 1 &&
                metric(&r, "modes", "latency_mean") == 1);
    pcl_result_fini(&r);
    setting_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_found_warm_up_is_as_good_as_a_given_one),
        cmocka_unit_test(the_cut_comes_from_other_draws_than_the_run),
        cmocka_unit_test(overload_is_no_steady_state),
        cmocka_unit_test(one_run_knows_how_sure_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
