/*
 * One round of real probes in a directory of the test's own. Nothing is said about the times:
 * only that a complete machine file comes out, and that the directory is as empty as before.
 */
#include <pclsim/calibrate.h>

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned entries(const char *dir)
{
    DIR *d = opendir(dir);
    unsigned n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2; /* . and .. */
}

static void a_round_gives_a_machine_that_can_be_read_and_leaves_nothing(void **state)
{
    char dir[] = "/tmp/pclsim-calibrate-XXXXXX", file[64];
    struct pcl_calibrate_opts o = {.n_dirs = 1, .rounds = 1, .seconds = 1, .name = "here"};
    struct pcl_calibration c;
    struct pcl_profile p;
    struct pcl_err err = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    o.dir[0] = dir;
    if (pcl_calibrate(&o, &c, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(entries(dir), 0);
    (void)snprintf(file, sizeof(file), "%s/here.ini", dir);
    if (pcl_calibration_write(&c, file, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(entries(dir), 1);
    if (pcl_profile_load(file, &p, &err) != PCL_OK)
        fail_msg("%s:%u: %s", err.file, err.line, err.msg);
    for (int i = 0; i < PCL_N_CONSTS; i++)
        assert_int_equal(pcl_profile_get(&p, (enum pcl_const_id)i),
                         pcl_profile_get(&c.profile, (enum pcl_const_id)i));
    assert_true(p.rmw > 0 && p.syscall > 0);
    assert_int_equal(c.known[PCL_C_syscall], PCL_KNOWN_MEASURED);
    assert_true(c.n_readings > 8);
    pcl_calibration_fini(&c);
    (void)unlink(file);
    assert_int_equal(rmdir(dir), 0);
}

static void what_cannot_be_written_to_is_an_error_with_its_name(void **state)
{
    struct pcl_calibrate_opts o = {.n_dirs = 1, .rounds = 1, .seconds = 1, .name = "here"};
    struct pcl_calibration c;
    struct pcl_err err = {0};

    (void)state;
    o.dir[0] = "/nonexistent/place";
    assert_int_equal(pcl_calibrate(&o, &c, &err), PCL_EIO);
    assert_non_null(strstr(err.msg, "/nonexistent/place"));
    pcl_calibration_fini(&c);
}

static void an_interrupt_ends_it_before_anything_is_written(void **state)
{
    volatile int stop = 1;
    struct pcl_calibrate_opts o = {
        .rounds = 5, .seconds = 100, .name = "here", .cancel = &stop};
    struct pcl_calibration c;
    struct pcl_err err = {0};

    (void)state;
    assert_int_equal(pcl_calibrate(&o, &c, &err), PCL_EINTR);
    assert_int_equal(c.n_readings, 0);
    pcl_calibration_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_gives_a_machine_that_can_be_read_and_leaves_nothing),
        cmocka_unit_test(what_cannot_be_written_to_is_an_error_with_its_name),
        cmocka_unit_test(an_interrupt_ends_it_before_anything_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
