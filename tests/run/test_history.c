/*
 * Known bugs of the kernel's page lock and of direct I/O, as shipped scenarios: each is found in the old
 * form, and what came after it is exhausted without anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/race.h>

/* What a search says: a kind, "" when it has exhausted the bound. */
static void finds(const char *name, const char *spec, int64_t preemptions, const char *kind)
{
    struct pcl_schemes known = {0};
    struct pcl_scheme scheme;
    struct pcl_scenario *scenario;
    struct pcl_profile *machine = pcl_xcalloc(1, sizeof *machine);
    struct pcl_race_result r;
    struct pcl_err err = {0};

    if (pcl_scenario_load(name, NULL, 0, &scenario, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(pcl_schemes_default(&known, &err), PCL_OK);
    for (size_t i = 0; i < scenario->own.n; i++)
        (void)pcl_schemes_add(&known, &scenario->own.v[i]);
    assert_int_equal(pcl_scheme_resolve(&known, spec, &scheme, &err), PCL_OK);
    pcl_profile_ideal(machine);
    struct pcl_job job = {.scenario = scenario, .scheme = &scheme, .machine = machine, .seed = 1};
    struct pcl_race_conf conf = {
        .job = &job, .each = 1, .preemptions = preemptions, .states = 20000000};

    assert_int_equal(pcl_race_search(&conf, &r, &err), PCL_OK);
    if (strcmp(r.kind, kind) != 0)
        fail_msg("%s, %s: '%s' (%s) instead of '%s'", name, spec, r.kind, r.text, kind);
    if (!*kind)
        assert_int_equal(r.exhausted, preemptions);
    pcl_race_fini(&r);
    pcl_schemes_fini(&known);
    pcl_scenario_free(scenario);
    free(machine);
}

/* a8b169afbf06, and the same again since 5.9 in another place. */
static void a_killed_waiter_takes_a_wake_up_along(void **state)
{
    static const char name[] = "explore/killed-waiter";

    (void)state;
    finds(name, "v4.10", 2, "deadlock");
    finds(name, "try-first", 2, "");
    finds(name, "v4.13", 2, "");
    finds(name, "v5.8", 2, "");
    finds(name, "v5.9-rc1", 2, "");
    finds(name, "v5.9", 2, "deadlock");
    finds(name, "v6.7", 2, "deadlock");
}

static void a_count_in_flight_is_no_barrier_by_itself(void **state)
{
    static const char name[] = "explore/dio-count";

    (void)state;
    finds(name, "drain-only", 2, "write to a freed block");
    finds(name, "lock-only", 2, "write to a freed block");
    finds(name, "both", 2, "");
}

static void half_a_write_is_seen_where_buffered_calls_share(void **state)
{
    static const char name[] = "explore/torn-read";

    (void)state;
    finds(name, "v6.7", -1, "");
    finds(name, "range-tree", -1, "");
    finds(name, "two-state", -1, "torn access");
    finds(name, "page-only", -1, "torn access");
}

static void who_may_be_passed_is(void **state)
{
    static const char name[] = "explore/overtaken";

    (void)state;
    finds(name, "v5.8", -1, "starvation");
    finds(name, "v6.7", -1, "starvation");
    finds(name, "v5.9-rc1", -1, "");
}

/* Takes minutes: every interleaving must be at hand before anybody can say "for ever". */
static void a_walk_with_bookmarks_need_not_end(void **state)
{
    static const char name[] = "explore/endless-walk";

    (void)state;
    finds(name, "bookmarks", -1, "livelock");
    finds(name, "no-bookmarks", -1, "");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_waiter_takes_a_wake_up_along),
        cmocka_unit_test(a_count_in_flight_is_no_barrier_by_itself),
        cmocka_unit_test(half_a_write_is_seen_where_buffered_calls_share),
        cmocka_unit_test(who_may_be_passed_is),
    };
    const struct CMUnitTest slow[] = {
        cmocka_unit_test(a_walk_with_bookmarks_need_not_end),
    };

    if (argc > 1 && strcmp(argv[1], "slow") == 0)
        return cmocka_run_group_tests(slow, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
