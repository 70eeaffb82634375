/*
 * Locks that go unit by unit over ranges too wide for any run: what the run reports of them. The
 * numbers come from the sizes of an index and from what a longer run saw.
 */
#include "rig.h"

static const char punch[] = "[scenario]\ntitle = a wide punch\nfs = xfs\nmachine = server-2s\n"
                            "duration = 1s\n"
                            "[file f]\nsize = max\nmapped = no\n"
                            "[group g]\ntasks = 1\nmix = punch:1\noffsets = hot\nsize = region\n"
                            "[group h]\ntasks = 2\nmix = fault:1\nregion = 0..64M\n"
                            "think = 1ms\nthink_on = sleep\n";

static void run_sweep(const char *lock, const char *set, struct pcl_result *r)
{
    struct setting s;
    char scheme[80];

    (void)snprintf(scheme, sizeof(scheme), "v5.9:invalidate=%s", lock);
    setting_text(&s, punch, scheme, set ? &set : NULL, set ? 1 : 0);
    run_ok(&s.job, r);
    setting_fini(&s);
}

static double of(const struct pcl_result *r, const char *name)
{
    return metric(r, name, "invalidate");
}

/* An index of n entries: ceil(n / 64) nodes in the lowest level, a 64th of that in the next ... */
static double index_bytes(uint64_t n)
{
    uint64_t nodes = 0;

    do {
        n = (n + 63) / 64;
        nodes += n;
    } while (n > 1);
    return 576.0 * (double)nodes;
}

static void a_range_of_8_EiB_is_counted_to_the_byte(void **state)
{
    static const struct {
        const char *lock;
        uint64_t units;
    } locks[] = {{"unit-4k", UINT64_C(1) << 51},
                 {"unit-2m", UINT64_C(1) << 42},
                 {"unit-1g", UINT64_C(1) << 33}};

    (void)state;
    for (size_t i = 0; i < LENGTH(locks); i++) {
        struct pcl_result r;

        run_sweep(locks[i].lock, NULL, &r);
        assert_true(of(&r, "sweep_bytes") == index_bytes(locks[i].units));
        assert_true(of(&r, "lock_rest") > 0.99 && of(&r, "lock_rest") < 1);
        assert_true(of(&r, "others_wait") > of(&r, "lock_time") * 0.99);
        pcl_result_fini(&r);
    }
}

/* 1 GiB units: extrapolated from 1 s, and seen to the end. */
static void what_is_extrapolated_comes_true(void **state)
{
    struct pcl_result early, late;

    (void)state;
    run_sweep("unit-1g", NULL, &early);
    run_sweep("unit-1g", "duration=400s", &late);
    assert_true(of(&late, "lock_rest") == 0);
    assert_true(of(&late, "sweep_bytes") == of(&early, "sweep_bytes"));
    assert_true(of(&early, "lock_time") > 0.99 * of(&late, "lock_time"));
    assert_true(of(&early, "lock_time") < 1.01 * of(&late, "lock_time"));
    pcl_result_fini(&early);
    pcl_result_fini(&late);
}

/* The machine's memory ends where a small machine sees it end. */
static void the_end_of_memory_is_where_it_was_said_to_be(void **state)
{
    struct pcl_result early, late;
    const struct pcl_metric *none;
    struct setting s;
    const char *ram = "machine.ram=64M", *set[] = {ram, "duration=20ms"};

    (void)state;
    run_sweep("unit-4k", ram, &late);
    setting_text(&s, punch, "v5.9:invalidate=unit-4k", set, 2);
    run_ok(&s.job, &early);
    setting_fini(&s);
    assert_true(of(&late, "memory_end") < 1e9 && of(&early, "memory_end") > 2e7);
    assert_true(of(&late, "memory_end_at") == of(&early, "memory_end_at"));
    assert_true(of(&early, "memory_end") > 0.98 * of(&late, "memory_end"));
    assert_true(of(&early, "memory_end") < 1.02 * of(&late, "memory_end"));
    pcl_result_fini(&early);
    pcl_result_fini(&late);
    run_sweep("unit-1g", NULL, &late); /* 73 GiB fit into 256 */
    none = pcl_result_find(&late, "memory_end", "invalidate");
    assert_null(none);
    pcl_result_fini(&late);
}

/* A run that stops when nobody can meet the sweep any more says what one says that goes on, because
 * somebody wakes up now and then. */
static void what_is_foreseen_is_what_would_be_seen(void **state)
{
    static const char waker[] = "[group w]\ntasks = 1\nmix = syscall:1\nthink = 20s\n"
                                "think_on = sleep\n";
    static const char *const same[] = {"lock_time", "sweep_bytes", "others_wait"};
    struct pcl_result r[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        char text[1200];
        struct setting s;

        (void)snprintf(text, sizeof(text), "%s%s", punch, i ? waker : "");
        setting_text(&s, text, "v5.9:invalidate=unit-1g",
                     (const char *[]){"scenario.duration=200s"}, 1);
        run_ok(&s.job, &r[i]);
        setting_fini(&s);
    }
    assert_true(of(&r[0], "lock_seen") < 3e9);
    assert_true(of(&r[1], "lock_seen") > 199e9);
    for (size_t i = 0; i < LENGTH(same); i++)
        assert_true(of(&r[0], same[i]) > 0.999 * of(&r[1], same[i]) &&
                    of(&r[0], same[i]) < 1.001 * of(&r[1], same[i]));
    double a = metric(&r[0], "bytes_peak", "locks"), b = metric(&r[1], "bytes_peak", "locks");

    if (a < 0.999 * b || a > 1.001 * b)
        fail_msg("%.0f bytes foreseen, %.0f seen", a, b);
    assert_true(metric(&r[0], "longest_wait", "all") == metric(&r[1], "longest_wait", "all"));
    pcl_result_fini(&r[0]);
    pcl_result_fini(&r[1]);
}

/* Where it would be over before the end there is something to be seen. */
static void what_comes_to_its_end_is_not_cut_short(void **state)
{
    struct pcl_result r;

    (void)state;
    run_sweep("unit-1g", "scenario.duration=330s", &r);
    assert_true(of(&r, "lock_rest") == 0);
    pcl_result_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_of_8_EiB_is_counted_to_the_byte),
        cmocka_unit_test(what_is_extrapolated_comes_true),
        cmocka_unit_test(the_end_of_memory_is_where_it_was_said_to_be),
        cmocka_unit_test(what_is_foreseen_is_what_would_be_seen),
        cmocka_unit_test(what_comes_to_its_end_is_not_cut_short),
    };

    return cmocka_run_group_tests_name("sweeps", tests, NULL, NULL);
}
