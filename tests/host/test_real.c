/*
 * Scenarios carried out for real, for some milliseconds in a directory of the test's own. How
 * fast they are is not looked at: only that what is asked for is done, counted and cleaned up.
 */
#include <pclsim/calibrate.h>
#include <pclsim/real.h>
#include <pclsim/record.h>

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/pclsim-real-XXXXXX";

static struct pcl_scenario *parse(const char *groups)
{
    struct pcl_scenario *s = NULL;
    struct pcl_err err = {0};
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "[scenario]\ntitle = t\nwarmup = 5ms\nduration = 60ms\n"
                   "[file f]\nsize = 2M\ncached = 1M\n%s",
                   groups);
    if (pcl_scenario_parse("t", text, NULL, 0, &s, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    return s;
}

static unsigned entries(void)
{
    DIR *d = opendir(dir);
    unsigned n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2;
}

static int carry_out(const char *groups, struct pcl_result *r, struct pcl_err *err)
{
    struct pcl_scenario *s = parse(groups);
    struct pcl_real_opts o = {.dir = dir, .scenario = s, .seed = 1, .space = 8 << 20};
    int rc;

    pcl_result_init(r);
    rc = pcl_real_run(&o, r, err);
    assert_int_equal(entries(), 0);
    pcl_scenario_free(s);
    return rc;
}

static double value(const struct pcl_result *r, const char *name, const char *object)
{
    const struct pcl_metric *m = pcl_result_find(r, name, object);

    if (!m)
        fail_msg("no %s of %s", name, object);
    return m->value;
}

static void threads_and_processes_do_what_the_groups_say(void **state)
{
    struct pcl_result r;
    struct pcl_err err = {0};

    (void)state;
    if (carry_out("[group a]\ntasks = 2\nmix = read:1\nregion = 0..1M\n"
                  "[group b]\ntasks = 2\ntasks_are = processes\nmix = fault:1\nrefault = yes\n"
                  "region = 0..1M\n"
                  "[group c]\nmix = write:1 fsync:1\nthink = 2ms\nthink_on = sleep\n",
                  &r, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_true(value(&r, "throughput", "read") > 0);
    assert_true(value(&r, "throughput", "fault") > 0);
    assert_true(value(&r, "latency_p50", "dontneed") > 0);
    assert_true(value(&r, "latency_p50", "read") <= value(&r, "latency_p99", "read"));
    assert_null(pcl_result_find(&r, "throughput", "punch"));
    assert_null(pcl_result_find(&r, "failed_calls", "Bad address"));
    pcl_result_fini(&r);
}

static void a_fault_behind_the_end_of_the_file_is_counted_and_no_death(void **state)
{
    struct pcl_result r;
    struct pcl_err err = {0};

    (void)state;
    if (carry_out("[group a]\ndo = truncate 0; dontneed 512k 4k; fault 512k; write 512k 4k\n",
                  &r, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_true(value(&r, "failed_calls", "Bad address") > 0);
    pcl_result_fini(&r);
}

static void files_that_need_more_than_the_space_are_refused(void **state)
{
    struct pcl_result r;
    struct pcl_err err = {0};

    (void)state;
    assert_int_equal(carry_out("[group a]\ntasks = 5\nfiles = each\nmix = read:1\n", &r, &err),
                     PCL_EINVAL);
    assert_non_null(strstr(err.msg, "8 MiB"));
    pcl_result_fini(&r);
}

static void what_no_program_can_ask_for_is_refused_by_name(void **state)
{
    struct pcl_scenario *s = parse("[group a]\nmix = read:1 migrate:1\n");
    struct pcl_err err = {0};

    (void)state;
    assert_int_equal(pcl_real_can(s, PCL_FS_XFS, &err), PCL_EINVAL);
    assert_non_null(strstr(err.msg, "migrate"));
    pcl_scenario_free(s);
    s = parse("[group a]\nmix = dwrite:1\n");
    assert_int_equal(pcl_real_can(s, PCL_FS_XFS, &err), PCL_OK);
    assert_int_equal(pcl_real_can(s, PCL_FS_TMPFS, &err), PCL_EINVAL);
    pcl_scenario_free(s);
}

static void an_interrupt_ends_it_and_leaves_nothing(void **state)
{
    struct pcl_scenario *s =
        parse("[group a]\ntasks = 2\ntasks_are = processes\nmix = read:1\n");
    volatile int stop = 1;
    struct pcl_real_opts o = {.dir = dir, .scenario = s, .space = 8 << 20, .cancel = &stop};
    struct pcl_result r;
    struct pcl_err err = {0};

    (void)state;
    pcl_result_init(&r);
    assert_int_equal(pcl_real_run(&o, &r, &err), PCL_EINTR);
    assert_int_equal(entries(), 0);
    pcl_result_fini(&r);
    pcl_scenario_free(s);
}

/* Where tracefs may be written, a recording is read back; elsewhere it says why not. */
static void a_recording_is_read_back_or_refused_with_a_reason(void **state)
{
    char instance[96];
    struct pcl_record *r = NULL;
    struct pcl_trace *t = NULL;
    struct pcl_err err = {0};
    int rc = pcl_record_begin(&r, &err);

    (void)state;
    if (rc != PCL_OK) {
        assert_int_equal(rc, PCL_ENOENT);
        assert_non_null(strstr(err.msg, "tracefs"));
        return;
    }
    (void)pcl_record_end(r, &t, &err); /* nothing happened: it may be empty */
    pcl_trace_free(t);
    (void)snprintf(instance, sizeof(instance), "/sys/kernel/tracing/instances/pclsim-%ld",
                   (long)getpid());
    assert_int_not_equal(access(instance, F_OK), 0);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_processes_do_what_the_groups_say),
        cmocka_unit_test(a_fault_behind_the_end_of_the_file_is_counted_and_no_death),
        cmocka_unit_test(files_that_need_more_than_the_space_are_refused),
        cmocka_unit_test(what_no_program_can_ask_for_is_refused_by_name),
        cmocka_unit_test(an_interrupt_ends_it_and_leaves_nothing),
        cmocka_unit_test(a_recording_is_read_back_or_refused_with_a_reason),
    };

    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
