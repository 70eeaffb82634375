/*
 * The kernel memory that a run reports: rates as the locks' own accounts say, with lockdep and
 * without, and peaks that follow from what was held.
 */
#include "rig.h"

static const char hot_page[] = "[scenario]\ntitle = one page\nfs = page-only\nmachine = laptop\n"
                               "duration = 5ms\n"
                               "[file f]\nsize = 40k\ncached = all\n"
                               "[group g]\ntasks = 20\nmix = pagelock:1\nregion = 0..4k\n"
                               "hold = 20us\n";

static void a_page_costs_what_its_lock_says(void **state)
{
    static const struct {
        const char *scheme;
        double plain, lockdep;
    } locks[] = {{"v5.9", 0, 0}, {"page-queue", 24, 80}, {"lockdep-page", 0, 48}};

    (void)state;
    for (size_t i = 0; i < LENGTH(locks); i++) {
        struct setting s;
        struct pcl_result r;

        setting_text(&s, hot_page, locks[i].scheme, NULL, 0);
        run_ok(&s.job, &r);
        assert_true(metric(&r, "bytes_per_page", "locks") == locks[i].plain);
        assert_true(metric(&r, "bytes_per_page_lockdep", "locks") == locks[i].lockdep);
        assert_true(metric(&r, "bytes_per_inode_lockdep", "locks") == 4 * 144);
        assert_true(metric(&r, "bytes_peak_lockdep", "locks") -
                        metric(&r, "bytes_static_lockdep", "locks") ==
                    10 * locks[i].lockdep +
                        metric(&r, "bytes_per_page_waiter_lockdep", "locks") *
                            metric(&r, "waiters_max", "page"));
        pcl_result_fini(&r);
        setting_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_page_costs_what_its_lock_says)};

    return cmocka_run_group_tests_name("memory of a run", tests, NULL, NULL);
}
