/*
 * Rings of tasks that wait for each other for ever: whoever takes the locks in the wrong order is
 * told who waits for what, which ranges, and who has them, under every kind of range lock; in the
 * right order nobody is told anything.
 */
#include "rig.h"

#include <pclsim/race.h>

#define READ_AND_PUNCH                                                                          \
    "[scenario]\ntitle = t\nfs = xfs\nmachine = server-2s\nduration = 20ms\n"                  \
    "[file f]\nsize = 1m\n[group r]\ntasks = 2\nmix = read:1\nsize = 16k\n"                     \
    "[group p]\ntasks = 2\nmix = punch:1\nsize = 16k\n"

static const char *const both[] = {"rwsem",      "mutex",         "interval-tree", "fifo-list",
                                   "range-list", "range-list-rw", "segments",      "segment-tree",
                                   "btree-mutex", "btree-olc",    "skip-list",     "unit-4k",
                                   "hashed",     "two-state",     "percpu-rwsem"};

static void run_both(const char *lock, const char *more, struct pcl_result *r)
{
    struct setting s;
    struct pcl_err err;
    char scheme[120];

    (void)snprintf(scheme, sizeof scheme, "v6.7:iolock=%s:invalidate=%s%s", lock, lock, more);
    setting_text(&s, READ_AND_PUNCH, scheme, NULL, 0);
    s.job.check = true;
    pcl_result_init(r);
    must(pcl_run(&s.job, r, NULL, &err), &err);
    setting_fini(&s);
}

static void a_wrong_order_of_two_roles_is_told_under_every_lock(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(both); i++) {
        struct pcl_result r;

        run_both(both[i], ":path.lock-order=invalidate-first", &r);
        if (!strstr(r.error, "deadlock: task ") ||
            !strstr(r.error, "(read) waits for the invalidate lock of inode 0 ") ||
            !strstr(r.error, "(punch) waits for the iolock of inode 0 "))
            fail_msg("%s: %s", both[i], r.error);
        pcl_result_fini(&r);
        run_both(both[i], "", &r);
        assert_string_equal(r.error, "");
        pcl_result_fini(&r);
    }
}

/* Where ranges are what conflicts, they are told: [561152, 577535] and the like. */
static void the_ranges_are_told(void **state)
{
    long long a, b, c, d;
    struct pcl_result r;
    const char *at;

    (void)state;
    run_both("interval-tree", ":path.lock-order=invalidate-first", &r);
    at = strstr(r.error, "invalidate lock of inode 0 [");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "invalidate lock of inode 0 [%lld, %lld] shared, which task %*u has "
                                "[%lld, %lld] exclusive;",
                            &a, &b, &c, &d),
                     4);
    assert_true(a <= d && c <= b);
    assert_true(a % 4096 == 0 && (b + 1) % 4096 == 0);
    pcl_result_fini(&r);
    run_both("rwsem", ":path.lock-order=invalidate-first", &r);
    assert_null(strchr(r.error, '['));
    pcl_result_fini(&r);
}

/* A punch holds the pages of its range and waits for one to be written; the fsync that has marked it
 * sleeps for another of them, with the transfer not yet submitted. */
static void pages_held_over_write_back_make_a_ring(void **state)
{
    static const char text[] =
        "[scenario]\ntitle = t\nfs = ext4\nmachine = guest-2vcpu\nduration = 300ms\n"
        "[file f]\nsize = 64k\ncached = all\ndirty = yes\n"
        "[group c]\ntasks = 2\nmix = collapse:1 punch:1 write:2\nsize = 4k-16k\n"
        "[group s]\ntasks = 2\nmix = fsync:1\n";
    struct setting s;
    struct pcl_result r;
    struct pcl_err err;

    (void)state;
    setting_text(&s, text, "resident", NULL, 0);
    pcl_result_init(&r);
    must(pcl_run(&s.job, &r, NULL, &err), &err);
    assert_non_null(strstr(r.error, "to be written, which task "));
    assert_non_null(strstr(r.error, "has gathered and not submitted"));
    assert_non_null(strstr(r.error, "(fsync) waits for page "));
    pcl_result_fini(&r);
    setting_use(&s, "resident:path.writeback=submit", NULL, 0);
    run_ok(&s.job, &r);
    assert_true(metric(&r, "throughput", "all") > 1000);
    pcl_result_fini(&r);
    setting_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_order_of_two_roles_is_told_under_every_lock),
        cmocka_unit_test(the_ranges_are_told),
        cmocka_unit_test(pages_held_over_write_back_make_a_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
