/*
 * Where runs begin and end: time limits, operation limits, waits that are not over,
 * configurations that cannot run. And what a source of operations promises: the same draws
 * whatever happens.
 */
#include "rig.h"

#include <pclsim/source.h>

#define ONE(lines)                                                                             \
    "[scenario]\ntitle = t\nfs = page-only\nmachine = ideal\nduration = 10ms\n[file f]\n"      \
    "size = 400k\ncached = all\n[group g]\nmix = pagelock:1\n" lines

static struct pcl_result run_text(const char *text, const char *scheme, const char *set)
{
    struct setting s;
    struct pcl_result r;

    setting_text(&s, text, scheme, &set, set ? 1 : 0);
    run_ok(&s.job, &r);
    setting_fini(&s);
    return r;
}

static void the_measured_interval_is_as_long_as_asked(void **unused)
{
    struct pcl_result r = run_text(ONE("hold = 1us\nthink = 1us\n"), "v5.9", NULL);

    (void)unused;
    assert_int_equal(r.sim_ns, 10000000);
    assert_in_range(r.ops, 4999, 5001);
    pcl_result_fini(&r);
    r = run_text(ONE("hold = 1us\nthink = 1us\n"), "v5.9", "warmup=3ms");
    assert_int_equal(r.sim_ns, 10000000);
    assert_int_equal(r.warmup_ns, 3000000);
    assert_in_range(r.ops, 4999, 5001);
    pcl_result_fini(&r);
    r = run_text(ONE("hold = 1us\nthink = 1us\n"), "v5.9", "ops=77");
    assert_int_equal(r.ops, 77);
    assert_int_equal(r.sim_ns, 2 * 77000);
    pcl_result_fini(&r);
    /* nothing happens in the interval: it is as long all the same */
    r = run_text(ONE("hold = 1us\nthink = 1s\n"), "v5.9", NULL);
    assert_int_equal(r.sim_ns, 10000000);
    assert_int_equal(r.ops, 0);
    pcl_result_fini(&r);
}

static void a_wait_that_is_not_over_counts_to_the_end(void **unused)
{
    static const char *const schemes[] = {"v5.8", "v5.9-rc1", "v5.9", "fifo"};

    (void)unused;
    for (size_t i = 0; i < LENGTH(schemes); i++) {
        struct pcl_result r = run_text(
            ONE("tasks = 3\noffsets = hot\nhold = 1s\nstart_jitter = 1us\n"), schemes[i], NULL);

        assert_int_equal(r.ops, 0);
        assert_true(metric(&r, "longest_wait", "all") >= 9999000);
        assert_true(metric(&r, "longest_wait", "all") <= 10000000);
        pcl_result_fini(&r);
    }
}

static void passes_make_one_transaction(void **unused)
{
    struct pcl_result r =
        run_text(ONE("passes = 4\nhold = 1us\nthink = 6us\nthink_on = sleep\n"), "v5.9", NULL);

    (void)unused;
    assert_in_range(r.ops, 3996, 4004);
    assert_true(fabs(metric(&r, "throughput", "all") - 1e5) < 1e3); /* transactions */
    pcl_result_fini(&r);
    /* an open transaction's operations are timed one by one */
    r = run_text(ONE("passes = 4\nhold = 1us\nthink = 10us\narrivals = open\n"), "v5.9", NULL);
    assert_true(metric(&r, "latency_mean", "all") == 1000);
    pcl_result_fini(&r);
}

static void what_cannot_run_is_an_error_and_not_a_crash(void **unused)
{
    struct pcl_err err;
    struct pcl_result r;
    struct pcl_trace empty = {.path = NULL};
    struct setting s;

    (void)unused;
    setting_text(&s, ONE("hold = 1us\n"), "v5.9", NULL, 0);
    (void)snprintf(s.scheme.role[PCL_ROLE_IOLOCK].lock, 32, "no-such-lock");
    pcl_result_init(&r);
    assert_true(pcl_run(&s.job, &r, NULL, &err) < 0);
    pcl_result_fini(&r);
    (void)snprintf(s.scheme.role[PCL_ROLE_IOLOCK].lock, 32, "rwsem");
    (void)snprintf(s.scheme.role[PCL_ROLE_PAGE].lock, 32, "rwsem"); /* no page lock */
    pcl_result_init(&r);
    assert_true(pcl_run(&s.job, &r, NULL, &err) < 0);
    pcl_result_fini(&r);
    s.job.scenario = NULL;
    s.job.trace = &empty;
    pcl_result_init(&r);
    assert_int_equal(pcl_run(&s.job, &r, NULL, &err), PCL_EINVAL);
    pcl_result_fini(&r);
    setting_fini(&s);
}

/* --- sources --------------------------------------------------------------------------------
 */

static void a_source_gives_the_same_answers_in_any_order(void **unused)
{
    static const char text[] =
        ONE("tasks = 3\nhold = exp:1us\nthink = exp:5us\noffsets = zipf:0.9\nsize = 4k-16k\n");
    struct setting s;
    struct pcl_source a, b, other;
    struct pcl_err err;
    unsigned differ = 0;

    (void)unused;
    setting_text(&s, text, "v5.9", NULL, 0);
    must(pcl_source_scenario(&a, s.scenario, 5, 2, &err), &err);
    must(pcl_source_scenario(&b, s.scenario, 5, 2, &err), &err);
    must(pcl_source_scenario(&other, s.scenario, 5, 3, &err), &err);
    for (uint64_t i = 0; i < 500; i++)
        for (uint32_t t = 0; t < 3; t++) {
            struct pcl_action x, y, z;

            memset(&x, 0, sizeof(x));
            memset(&y, 0, sizeof(y));
            assert_true(a.next(&a, t, i, &x));
            assert_true(b.next(&b, 2 - t, 499 - i, &y)); /* somewhere else first */
            assert_true(b.next(&b, t, i, &y));
            assert_true(other.next(&other, t, i, &z));
            assert_true(x.think == y.think && x.req.off == y.req.off &&
                        x.req.len == y.req.len && x.req.hold == y.req.hold &&
                        x.req.op == y.req.op);
            assert_true(x.req.off >= 0 && x.req.off + x.req.len <= 400 << 10);
            differ += x.think != z.think;
        }
    assert_true(differ > 1400); /* replications are different draws */
    pcl_source_fini(&a);
    pcl_source_fini(&b);
    pcl_source_fini(&other);
    setting_fini(&s);
}

/* Zipf ranks are spread over all places, each place has one. */
static void zipf_reaches_every_place(void **unused)
{
    static const char text[] = ONE("offsets = zipf:0.2\nsize = 4k\n");
    struct setting s;
    struct pcl_source a;
    struct pcl_err err;
    unsigned hits[100] = {0}, most = 0;

    (void)unused;
    setting_text(&s, text, "v5.9", NULL, 0);
    must(pcl_source_scenario(&a, s.scenario, 1, 0, &err), &err);
    for (uint64_t i = 0; i < 20000; i++) {
        struct pcl_action x;

        assert_true(a.next(&a, 0, i, &x));
        assert_true(x.req.off % 4096 == 0 && x.req.off < 400 << 10);
        hits[x.req.off / 4096]++;
    }
    for (int i = 0; i < 100; i++) {
        assert_true(hits[i] > 0);
        most = hits[i] > most ? hits[i] : most;
    }
    assert_int_equal(most, hits[0]); /* rank 0 */
    pcl_source_fini(&a);
    setting_fini(&s);
}

/* On a machine where nothing costs anything a task that does not think would go round for ever. */
static void where_no_time_passes_the_run_says_so(void **unused)
{
    struct pcl_result out;
    struct pcl_err err;
    struct setting s;

    (void)unused;
    setting_text(&s, ONE(""), "v5.9", NULL, 0);
    pcl_result_init(&out);
    assert_int_equal(pcl_run(&s.job, &out, NULL, &err), PCL_EFAIL);
    assert_non_null(strstr(err.msg, "time stands still at 0ns"));
    assert_non_null(strstr(err.msg, "'ideal'"));
    pcl_result_fini(&out);
    setting_fini(&s);
    out = run_text(ONE(""), "v5.9", "ops=100000"); /* it has an end */
    assert_int_equal(out.ops, 100000);
    pcl_result_fini(&out);
}

/* Each fault is preceded by the dropping of its page's mapping, in one transaction with it. */
static void refault_drops_the_page_that_is_faulted_on(void **unused)
{
    static const char text[] = "[scenario]\ntitle = t\nduration = 1ms\n[file f]\nsize = 400k\n"
                               "cached = all\n[group g]\nmix = fault:1 wfault:1\nthink = 3us\n"
                               "refault = yes\npasses = 2\noffsets = uniform\n";
    struct setting s;
    struct pcl_source a;
    struct pcl_err err;

    (void)unused;
    setting_text(&s, text, "v5.9", NULL, 0);
    must(pcl_source_scenario(&a, s.scenario, 1, 0, &err), &err);
    for (uint64_t i = 0; i < 400; i += 2) {
        struct pcl_action drop, fault;

        memset(&drop, 0, sizeof(drop));
        memset(&fault, 0, sizeof(fault));
        assert_true(a.next(&a, 0, i, &drop) && a.next(&a, 0, i + 1, &fault));
        assert_int_equal(drop.req.op, PCL_OP_DONTNEED);
        assert_true(fault.req.op == PCL_OP_FAULT_READ || fault.req.op == PCL_OP_FAULT_WRITE);
        assert_true(drop.req.off == fault.req.off && drop.req.len == 4096);
        assert_int_equal(drop.first, i % 4 == 0);
        assert_int_equal(drop.think, i % 4 == 0 ? 3000 : 0);
        assert_false(drop.last || fault.first || fault.think);
        assert_int_equal(fault.last, i % 4 == 2);
    }
    pcl_source_fini(&a);
    setting_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_measured_interval_is_as_long_as_asked),
        cmocka_unit_test(a_wait_that_is_not_over_counts_to_the_end),
        cmocka_unit_test(passes_make_one_transaction),
        cmocka_unit_test(where_no_time_passes_the_run_says_so),
        cmocka_unit_test(what_cannot_run_is_an_error_and_not_a_crash),
        cmocka_unit_test(a_source_gives_the_same_answers_in_any_order),
        cmocka_unit_test(zipf_reaches_every_place),
        cmocka_unit_test(refault_drops_the_page_that_is_faulted_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
