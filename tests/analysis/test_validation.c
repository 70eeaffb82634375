/*
 * Measured against simulated on made-up runs: which rows there are, what the error is, and when
 * it is none that could be seen.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/validation.h>

static const struct pcl_run_desc like = {.key = "k",
                                         .config = {.workload = "w",
                                                    .kind = "scenario",
                                                    .title = "a title",
                                                    .label = "",
                                                    .scheme = "v6.7",
                                                    .scheme_text = "s",
                                                    .machine = "host",
                                                    .machine_text = "m",
                                                    .scenario_text = "t",
                                                    .trace_sha256 = "",
                                                    .replay = "",
                                                    .varies = "",
                                                    .build = "1"}};

static void add(struct pcl_dataset *d, bool measured, uint32_t i, double reads, double p50)
{
    struct pcl_run_desc desc = like;
    struct pcl_result r;

    if (measured)
        pcl_validation_describe(&like, "here", "now", i, &desc);
    else
        desc.key[0] = (char)('a' + i);
    desc.replication = i;
    pcl_result_init(&r);
    pcl_result_add(&r, "throughput", "all", "op/s", PCL_BETTER_HIGHER, reads);
    pcl_result_add(&r, "throughput", "read", "op/s", PCL_BETTER_HIGHER, reads);
    pcl_result_add(&r, "latency_p50", "read", "ns", PCL_BETTER_LOWER, p50);
    if (measured)
        pcl_result_add(&r, "latency_p50", "punch", "ns", PCL_BETTER_LOWER, 5);
    pcl_dataset_add(d, &desc, &r);
    pcl_result_fini(&r);
}

static void rows_are_what_both_have_and_errors_are_relative(void **state)
{
    struct pcl_dataset d;
    struct pcl_validation v;
    struct pcl_err err = {0};

    (void)state;
    pcl_dataset_init(&d);
    for (uint32_t i = 0; i < 5; i++) {
        add(&d, true, i, 1000 + 10 * i, 700 + 100 * i); /* 1020 +- 20; 900 +- 196 */
        add(&d, false, i, 1530, 1000);
    }
    assert_int_equal(d.n_configs, 2);
    assert_int_equal(pcl_validation_make(d.config[0], d.config[1], &v, &err), PCL_OK);
    assert_int_equal(v.n_rows, 2); /* all is read; nobody simulated a punch */
    assert_string_equal(v.row[0].object, "read");
    assert_true(fabs(v.row[0].error - 0.5) < 1e-9);
    assert_false(v.row[0].tie);
    assert_string_equal(v.row[1].name, "latency_p50");
    assert_true(fabs(v.row[1].error - 1.0 / 9) < 1e-9);
    assert_true(v.row[1].tie);
    assert_true(fabs(v.throughput_error - 0.5) < 1e-9);
    pcl_validation_fini(&v);
    pcl_dataset_fini(&d);
}

static void each_measured_run_has_a_key_of_its_own(void **state)
{
    struct pcl_run_desc a, b, c;

    (void)state;
    pcl_validation_describe(&like, "here", "now", 0, &a);
    pcl_validation_describe(&like, "here", "now", 1, &b);
    pcl_validation_describe(&like, "here", "later", 0, &c);
    assert_string_not_equal(a.key, b.key);
    assert_string_not_equal(a.key, c.key);
    assert_string_equal(a.config.scheme, PCL_MEASURED);
    assert_string_equal(a.config.workload, "w");
}

static void nothing_in_common_is_an_error(void **state)
{
    struct pcl_dataset d;
    struct pcl_validation v;
    struct pcl_err err = {0};
    struct pcl_result r;
    struct pcl_run_desc desc = like;

    (void)state;
    pcl_dataset_init(&d);
    add(&d, true, 0, 1000, 1);
    pcl_result_init(&r);
    pcl_dataset_add(&d, &desc, &r);
    assert_int_equal(pcl_validation_make(d.config[0], d.config[1], &v, &err), PCL_ENOENT);
    pcl_validation_fini(&v);
    pcl_result_fini(&r);
    pcl_dataset_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_what_both_have_and_errors_are_relative),
        cmocka_unit_test(each_measured_run_has_a_key_of_its_own),
        cmocka_unit_test(nothing_in_common_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
