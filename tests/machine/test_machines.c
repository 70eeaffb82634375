/*
 * The shipped machines: all load, say where their figures come from and stay plausible; and the
 * measured guest's constants add up to what was measured on it (the sums of docs/sources.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/profile.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const struct {
    const char *name;
    int64_t cpus;
    enum pcl_sched sched;
} machines[] = {
    {"cloud-8vcpu", 8, PCL_SCHED_EEVDF},     {"guest-2vcpu", 2, PCL_SCHED_EEVDF},
    {"knl-256", 256, PCL_SCHED_CFS},         {"laptop", 8, PCL_SCHED_EEVDF},
    {"server-2s", 64, PCL_SCHED_CFS},        {"server-2s-eevdf", 64, PCL_SCHED_EEVDF},
    {"server-2s-optane", 32, PCL_SCHED_CFS}, {"server-2s-p3600", 64, PCL_SCHED_CFS},
    {"server-8s", 224, PCL_SCHED_CFS},
};

static void load(const char *name, struct pcl_profile *p)
{
    struct pcl_err err;

    if (pcl_profile_load(name, p, &err) != PCL_OK)
        fail_msg("%s:%u:%u: %s", err.file, err.line, err.col, err.msg);
}

static void every_machine_loads_under_its_own_name(void **state)
{
    char **paths;
    size_t n = pcl_list_data("workloads/machines", ".ini", &paths);

    (void)state;
    assert_int_equal(n, LENGTH(machines)); /* a new file belongs into the table above */
    for (size_t i = 0; i < LENGTH(machines); i++) {
        struct pcl_profile p;

        load(machines[i].name, &p);
        assert_string_equal(p.name, machines[i].name);
        assert_string_equal(p.path, paths[i]);
        assert_int_equal(pcl_profile_cpus(&p), machines[i].cpus);
        assert_int_equal(p.sched, machines[i].sched);
    }
    pcl_free_list(paths, n);
}

static void no_figure_stands_without_source_and_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(machines); i++) {
        struct pcl_profile p;

        load(machines[i].name, &p);
        for (unsigned id = 0; id < PCL_N_CONSTS; id++) {
            int64_t v = pcl_profile_get(&p, (enum pcl_const_id)id);

            assert_true(strlen(p.source[id]) > 3);
            assert_true(p.lo[id] <= v && v <= p.hi[id]);
        }
    }
}

static void costs_are_in_their_natural_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(machines); i++) {
        struct pcl_profile p;

        load(machines[i].name, &p);
        assert_true(p.l1_hit < p.rmw || p.rmw <= 2);
        assert_true(p.rmw < p.line_llc);
        assert_true(p.line_llc <= p.line_socket && p.line_socket <= p.line_remote);
        assert_true(p.wake_idle_shallow < p.wake_idle_deep);
        assert_true(p.node_visit < p.folio_lookup);
        assert_true(p.fault_around < p.fault);
        assert_true(p.dev_write <= p.dev_flush || p.dev_flush < p.dev_read);
        assert_true(p.dirty_background < p.dirty_limit);
    }
}

/* Whole operations on the guest: what the constants add up to against the median measured, less
 * the clock's own 22 ns. within: percent. */
static void the_guest_adds_up_to_what_was_measured(void **state)
{
    struct pcl_profile p;

    load("guest-2vcpu", &p);
    /* look up a folio of a file of 256 pages (two nodes), take and drop a reference */
    const int64_t find = p.folio_lookup + 2 * p.node_visit + 2 * p.rmw;
    const int64_t lock = 2 * p.rmw; /* take and drop any lock without contention */
    const int64_t fault = p.fault + lock + find + lock + p.pte;
    const int64_t absent = p.folio_alloc + p.zero_page + p.folio_insert + lock;
    const int64_t punch = p.syscall + 2 * lock;
    const struct {
        const char *what;
        int64_t sum, measured, within;
    } cases[] = {
        {"xfs pread 4K", p.syscall + lock + p.xfs_read + find + p.copy_page, 789, 2},
        {"xfs pwrite 4K", p.syscall + lock + p.xfs_write + find + lock + p.copy_page, 1410, 2},
        {"ext4 pread 4K", p.syscall + p.ext4_read + find + p.copy_page, 519, 2},
        {"ext4 pwrite 4K", p.syscall + lock + p.ext4_write + find + lock + p.copy_page, 739, 2},
        {"tmpfs pread 4K", p.syscall + p.tmpfs_read + find + p.copy_page, 709, 2},
        {"tmpfs pwrite 4K", p.syscall + lock + p.tmpfs_write + find + lock + p.copy_page, 879,
         2},
        {"xfs dense fault", fault, 2071, 5},
        {"ext4 dense fault", fault, 1961, 5},
        {"tmpfs dense fault", fault, 1921, 5},
        {"xfs fault of 16 pages", fault + 15 * p.fault_around, 3262, 5},
        {"xfs write fault", fault + 2 * lock + p.xfs_mkwrite, 2252, 2},
        {"ext4 write fault", fault + 2 * lock + p.ext4_mkwrite, 2271, 2},
        {"tmpfs fault on an absent page", fault + absent, 3032, 5},
        {"xfs fault on an absent page", fault + lock + p.xfs_read + absent, 4134, 15},
        {"xfs punch of nothing", punch + p.xfs_fallocate, 2001, 3},
        {"ext4 punch of nothing", punch + p.ext4_fallocate, 2723, 5},
        {"tmpfs punch of nothing", punch + p.tmpfs_fallocate, 980, 3},
        {"xfs punch of one clean folio",
         punch + p.xfs_fallocate + p.folio_remove + p.xfs_extent, 18500, 10},
        {"ext4 punch of one clean folio",
         punch + p.ext4_fallocate + p.folio_remove + p.ext4_extent, 18750, 10},
        {"xfs punch of 16384 folios", punch + p.xfs_fallocate + 16384 * p.folio_remove, 6700000,
         5},
        {"xfs punch of 16384 dirty folios",
         punch + p.xfs_fallocate + p.xfs_extent + 16384 * (p.folio_remove + p.folio_write),
         31900000, 5},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int64_t off = cases[i].sum - cases[i].measured;

        if (llabs(off) * 100 > cases[i].measured * cases[i].within)
            fail_msg("%s: adds up to %lld ns, measured %lld ns", cases[i].what,
                     (long long)cases[i].sum, (long long)cases[i].measured);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_loads_under_its_own_name),
        cmocka_unit_test(no_figure_stands_without_source_and_range),
        cmocka_unit_test(costs_are_in_their_natural_order),
        cmocka_unit_test(the_guest_adds_up_to_what_was_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
