/*
 * A result keeps what is added, finds it by its names, and frees all it owns (the address
 * sanitizer is the judge of that).
 */
#include "stat.h"

#include <pclsim/result.h>

#include <string.h>

static void metrics_are_found_by_both_names(void **unused)
{
    struct pcl_result r;
    char name[16];

    (void)unused;
    pcl_result_init(&r);
    assert_null(pcl_result_find(&r, "throughput", "all"));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "m%d", i);
        struct pcl_metric *m =
            pcl_result_add(&r, name, i & 1 ? "read" : "write", "ns", PCL_BETTER_LOWER, i);
        assert_string_equal(m->name, name);
        assert_string_equal(m->unit, "ns");
        assert_int_equal(m->better, PCL_BETTER_LOWER);
    }
    assert_int_equal(r.n_metrics, 1000);
    assert_near(pcl_result_find(&r, "m7", "read")->value, 7, 0);
    assert_near(pcl_result_find(&r, "m998", "write")->value, 998, 0);
    assert_null(pcl_result_find(&r, "m7", "write"));
    assert_null(pcl_result_find(&r, "m", "read"));
    pcl_result_fini(&r);
    assert_int_equal(r.n_metrics, 0);
    assert_null(r.metrics);
}

static void a_long_name_is_cut_and_still_found(void **unused)
{
    char name[100];
    struct pcl_result r;

    (void)unused;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    pcl_result_init(&r);
    struct pcl_metric *m = pcl_result_add(&r, name, name, name, PCL_BETTER_NONE, 1);
    assert_int_equal(strlen(m->name), sizeof(m->name) - 1);
    assert_int_equal(strlen(m->unit), sizeof(m->unit) - 1);
    assert_ptr_equal(pcl_result_find(&r, name, name), m);
    pcl_result_fini(&r);
}

static void histograms_keep_their_samples_while_the_list_grows(void **unused)
{
    struct pcl_result r;

    (void)unused;
    pcl_result_init(&r);
    for (int i = 0; i < 50; i++)
        pcl_hist_add(pcl_result_add_hist(&r, "wait", "page"), i);
    assert_int_equal(r.n_hists, 50);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(r.hists[i].h.count, 1);
        assert_int_equal(r.hists[i].h.max, i);
        assert_string_equal(r.hists[i].object, "page");
    }
    pcl_result_fini(&r);
}

static void lock_rows_start_at_zero(void **unused)
{
    struct pcl_result r;

    (void)unused;
    pcl_result_init(&r);
    for (int i = 0; i < 20; i++) {
        struct pcl_lock_row *l = pcl_result_add_lock(&r, "iolock", i & 1 ? 'S' : 'X');
        assert_string_equal(l->name, "iolock");
        assert_int_equal(l->mode, i & 1 ? 'S' : 'X');
        assert_int_equal(l->acquisitions, 0);
        assert_int_equal(l->wait_max, 0);
    }
    assert_int_equal(r.n_locks, 20);
    pcl_result_fini(&r);
}

static void the_first_hundred_violations_are_kept_and_all_are_counted(void **unused)
{
    struct pcl_result r;

    (void)unused;
    pcl_result_init(&r);
    for (int i = 0; i < 250; i++) {
        struct pcl_violation *v = pcl_result_add_violation(&r);

        assert_int_equal(v != NULL, i < 100);
        if (v) {
            v->at = i;
            v->steps = pcl_xstrdup("1 fault: look up\n2 punch: remove\n");
        }
    }
    assert_int_equal(r.n_violations, 100);
    assert_int_equal(r.total_violations, 250);
    assert_int_equal(r.violations[99].at, 99);
    pcl_result_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_found_by_both_names),
        cmocka_unit_test(a_long_name_is_cut_and_still_found),
        cmocka_unit_test(histograms_keep_their_samples_while_the_list_grows),
        cmocka_unit_test(lock_rows_start_at_zero),
        cmocka_unit_test(the_first_hundred_violations_are_kept_and_all_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
