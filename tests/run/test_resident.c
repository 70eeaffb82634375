/*
 * Scenarios explored under the lock that holds a range's present pages: what it does not
 * protect, and that no task waits for itself or in a circle with another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/race.h>

#define HEAD "[scenario]\ntitle = t\nfs = xfs\nduration = 1ms\nmachine = ideal\n"

struct explored {
    struct pcl_scenario *scenario;
    struct pcl_scheme scheme;
    struct pcl_profile *machine;
    struct pcl_job job;
    struct pcl_race_conf conf;
    struct pcl_race_result r;
};

static void explore(struct explored *x, const char *text, const char *scheme, int64_t preemptions)
{
    struct pcl_schemes known = {0};
    struct pcl_err err = {0};

    *x = (struct explored){0};
    assert_int_equal(pcl_scenario_parse("t.ini", text, NULL, 0, &x->scenario, &err), PCL_OK);
    assert_int_equal(pcl_schemes_default(&known, &err), PCL_OK);
    assert_int_equal(pcl_scheme_resolve(&known, scheme, &x->scheme, &err), PCL_OK);
    pcl_schemes_fini(&known);
    x->machine = pcl_xcalloc(1, sizeof *x->machine);
    pcl_profile_ideal(x->machine);
    x->job = (struct pcl_job){
        .scenario = x->scenario, .scheme = &x->scheme, .machine = x->machine, .seed = 1};
    x->conf = (struct pcl_race_conf){
        .job = &x->job, .each = 1, .preemptions = preemptions, .states = 500000};
    assert_int_equal(pcl_race_search(&x->conf, &x->r, &err), PCL_OK);
}

static void expect(const char *text, const char *scheme, int64_t preemptions, const char *kind)
{
    struct explored x;

    explore(&x, text, scheme, preemptions);
    assert_string_equal(x.r.kind, kind);
    if (!kind[0])
        assert_int_equal(x.r.exhausted, preemptions);
    pcl_race_fini(&x.r);
    pcl_scenario_free(x.scenario);
    free(x.machine);
}

#define PUNCH_AND_FAULT                                                                        \
    "[group p]\ndo = punch 4k 4k\n[group f]\ndo = fault 4k\ntasks_are = processes\n"

/* Nothing is there to be locked. */
static void an_absent_page_is_not_protected(void **state)
{
    static const char text[] = HEAD "[file f]\nsize = 16k\n" PUNCH_AND_FAULT;

    (void)state;
    expect(text, "resident", 2, "stale data");
    expect(text, "resident-only", 2, "stale data");
}

/* The punch itself makes the page absent, and with it its own protection, before it frees the
 * blocks. */
static void a_punch_undoes_its_own_protection(void **state)
{
    static const char text[] =
        HEAD "[file f]\nsize = 16k\ncached = 4k\ncached_at = 4k\n" PUNCH_AND_FAULT;

    (void)state;
    expect(text, "resident", 2, "stale data");
    expect(text, "v6.7", -1, "");
}

/* Every page lock of every path meets its own range here once. */
static void nobody_waits_for_himself(void **state)
{
    static const char *const does[] = {
        "write 0 8k", "read 0 8k", "fault 4k", "wfault 4k", "dread 0 8k", "dwrite 0 8k",
        "truncate 4k", "punch 0 8k", "zero 0 4k", "collapse 0 4k", "insert 0 4k",
        "allocate 0 8k", "fsync 0 8k", "migrate 0 8k", "split 0 8k"};
    static const char *const schemes[] = {
        "resident-only", "resident-only:path.collapse=move:path.fault-invalidate=always",
        "resident-only:path.migrate-invalidate=yes:page=rw-page"};
    char text[512];

    (void)state;
    for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++)
        for (size_t i = 0; i < sizeof does / sizeof does[0]; i++)
            for (int order = 0; order < 3; order++) {
                (void)snprintf(text, sizeof text,
                               HEAD "[file f]\nsize = 8k\ncached = %s\norder = %d\ndirty = %s\n"
                                    "[group g]\ndo = %s; %s\n",
                               order == 2 ? "0" : "all", order == 1, order ? "no" : "yes",
                               does[i], does[i]);
                expect(text, schemes[s], 0, "");
            }
}

/* A writer holds page 1 and wants page 0, which came late; a reader that held it while it sleeps
 * for page 1 would never get it. */
static void late_pages_make_no_circle(void **state)
{
    static const char text[] = HEAD
        "[file f]\nsize = 8k\ncached = 4k\ncached_at = 4k\n"
        "[group w]\ndo = write 0 8k\n[group r]\ndo = read 0 8k\n"
        "[group f]\ndo = fault 0\ntasks_are = processes\n";

    (void)state;
    expect(text, "resident-only", 0, "");
}

static void other_roles_have_no_pages(void **state)
{
    static const char text[] = HEAD "[file f]\nsize = 8k\n[group g]\ndo = read 0 8k\n";
    struct pcl_schemes known = {0};
    struct pcl_scenario *scenario;
    struct pcl_scheme scheme;
    struct pcl_profile *machine = pcl_xcalloc(1, sizeof *machine);
    struct pcl_result out;
    struct pcl_err err = {0};

    (void)state;
    assert_int_equal(pcl_scenario_parse("t.ini", text, NULL, 0, &scenario, &err), PCL_OK);
    assert_int_equal(pcl_schemes_default(&known, &err), PCL_OK);
    assert_int_equal(pcl_scheme_resolve(&known, "v6.7:ilock=resident", &scheme, &err), PCL_OK);
    pcl_profile_ideal(machine);
    pcl_result_init(&out);
    struct pcl_job job = {.scenario = scenario, .scheme = &scheme, .machine = machine, .seed = 1};

    assert_int_not_equal(pcl_run(&job, &out, NULL, &err), PCL_OK);
    assert_non_null(strstr(err.msg, "ilock"));
    pcl_result_fini(&out);
    pcl_schemes_fini(&known);
    pcl_scenario_free(scenario);
    free(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absent_page_is_not_protected),
        cmocka_unit_test(a_punch_undoes_its_own_protection),
        cmocka_unit_test(nobody_waits_for_himself),
        cmocka_unit_test(late_pages_make_no_circle),
        cmocka_unit_test(other_roles_have_no_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
