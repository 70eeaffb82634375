/*
 * Scenarios explored: what races under page locks alone, and is found with its schedule; what is
 * exhausted without anything under the inode's locks; and that the two say the same again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/race.h>
#include <pclsim/source.h>

#define HEAD "[scenario]\ntitle = t\nfs = xfs\nduration = 1ms\nmachine = ideal\n"

/* A punch between two reads of a page that is not cached; the second read must not find the old
 * content. */
static const char absent_page[] = HEAD
    "[file f]\nsize = 16k\n"
    "[group r]\ndo = read 4k 4k; read 4k 4k\n"
    "[group p]\ndo = punch 4k 4k\n";

static const char moving[] = HEAD
    "[file f]\nsize = 20k\ncached = all\n"
    "[group c]\ndo = collapse 4k 4k\n"
    "[group r]\ndo = fault 12k\ntasks_are = processes\n";

static const char crossing[] = HEAD
    "[file f]\nsize = 16k\ncached = all\n"
    "[group a]\ndo = write 0 8k\n"
    "[group b]\ndo = write 4k 8k\n";

struct explored {
    struct pcl_scenario *scenario;
    struct pcl_scheme scheme;
    struct pcl_profile *machine;
    struct pcl_job job;
    struct pcl_race_conf conf;
    struct pcl_race_result r;
};

static void begin(struct explored *x, const char *text, const char *scheme)
{
    struct pcl_schemes known = {0};
    struct pcl_err err = {0};

    *x = (struct explored){.scenario = NULL};
    assert_int_equal(pcl_scenario_parse("t.ini", text, NULL, 0, &x->scenario, &err), PCL_OK);
    assert_int_equal(pcl_schemes_default(&known, &err), PCL_OK);
    assert_int_equal(pcl_scheme_resolve(&known, scheme, &x->scheme, &err), PCL_OK);
    pcl_schemes_fini(&known);
    x->machine = pcl_xcalloc(1, sizeof *x->machine);
    pcl_profile_ideal(x->machine);
    x->job = (struct pcl_job){
        .scenario = x->scenario, .scheme = &x->scheme, .machine = x->machine, .seed = 1};
    x->conf = (struct pcl_race_conf){
        .job = &x->job, .each = 1, .preemptions = 2, .states = 2000000};
}

static void explore(struct explored *x)
{
    struct pcl_err err = {0};

    assert_int_equal(pcl_race_search(&x->conf, &x->r, &err), PCL_OK);
}

static void end(struct explored *x)
{
    pcl_race_fini(&x->r);
    pcl_scenario_free(x->scenario);
    free(x->machine);
}

/* What a search with up to two preemptions says; "": it has exhausted them. */
static void finds(const char *text, const char *scheme, const char *kind)
{
    struct explored x;

    begin(&x, text, scheme);
    explore(&x);
    if (strcmp(x.r.kind, kind) != 0)
        fail_msg("%s: '%s' (%s) instead of '%s'", scheme, x.r.kind, x.r.text, kind);
    if (!*kind)
        assert_int_equal(x.r.exhausted, 2);
    end(&x);
}

static void page_locks_do_not_protect_what_is_absent(void **state)
{
    struct explored x;

    (void)state;
    begin(&x, absent_page, "page-only");
    explore(&x);
    assert_string_equal(x.r.kind, "stale data");
    end(&x);

    begin(&x, absent_page, "v6.7");
    explore(&x);
    assert_string_equal(x.r.kind, "");
    assert_int_equal(x.r.exhausted, 2);
    end(&x);
}

static void a_page_that_moves_is_not_where_it_was(void **state)
{
    struct explored x;

    (void)state;
    begin(&x, moving, "page-only:path.collapse=move:path.recheck=mapping+eof");
    explore(&x);
    assert_string_equal(x.r.kind, "wrong index");
    end(&x);

    begin(&x, moving, "v6.7:path.collapse=move");
    explore(&x);
    assert_string_equal(x.r.kind, "");
    end(&x);
}

static void the_schedule_leads_there_again(void **state)
{
    struct explored x;
    struct pcl_err err = {0};
    char *text = NULL;
    size_t n = 0, width = 0;
    FILE *out;

    (void)state;
    begin(&x, absent_page, "page-only");
    explore(&x);
    out = open_memstream(&text, &n);
    assert_int_equal(pcl_race_print(&x.conf, x.r.found.schedule, out, 72, &err), PCL_OK);
    (void)fclose(out);
    assert_non_null(strstr(text, "CPU0"));
    assert_non_null(strstr(text, "> punch page 1"));
    assert_non_null(strstr(text, "insert-ahead 1"));
    for (const char *p = text; *p; p++, width++)
        if (*p == '\n') {
            assert_true(width <= 72);
            width = SIZE_MAX;
        }
    free(text);

    out = open_memstream(&text, &n);
    assert_int_not_equal(pcl_race_print(&x.conf, "0.0.9", out, 72, &err), PCL_OK);
    (void)fclose(out);
    assert_non_null(strstr(err.msg, "'9'"));
    free(text);
    end(&x);
}

static void the_same_search_gives_the_same_bytes(void **state)
{
    struct explored x, y;

    (void)state;
    begin(&x, moving, "page-only:path.collapse=move");
    begin(&y, moving, "page-only:path.collapse=move");
    explore(&x);
    explore(&y);
    assert_string_equal(x.r.found.schedule, y.r.found.schedule);
    assert_int_equal(x.r.states, y.r.states);
    end(&x);
    end(&y);
}

/* An order of locks that can cross is a deadlock, and says who waits where. */
static void writers_of_one_file_do_not_deadlock(void **state)
{
    struct explored x;

    (void)state;
    begin(&x, crossing, "page-only");
    x.conf.preemptions = -1;
    explore(&x);
    assert_int_equal(x.r.exhausted, -1);
    assert_string_equal(x.r.kind, "");
    end(&x);
}

/* Nobody is left while he can go on: what differs is when the interrupts come. */
static void interrupts_are_no_way_to_another_task(void **state)
{
    static const char direct[] = HEAD "[file f]\nsize = 16k\ncached = all\n"
                                      "[group a]\ndo = read 4k 8k; read 4k 4k\n"
                                      "[group b]\ndo = dwrite 4k 8k\n";
    struct explored x;

    (void)state;
    begin(&x, direct, "v6.7");
    x.conf.preemptions = 0;
    explore(&x);
    assert_int_equal(x.r.exhausted, 0);
    assert_true(x.r.states < 15000);
    end(&x);
}

/* Nested faults take two pages in opposite order. The ring is named as in a timed run. */
static void a_ring_is_named(void **state)
{
    static const char ring[] = HEAD
        "[file f]\nsize = 8k\ncached = all\n"
        "[group a]\ndo = pagepair 0 4k\n"
        "[group b]\ndo = pagepair 4k 4k\n";
    struct explored x;

    (void)state;
    begin(&x, ring, "v5.8");
    explore(&x);
    assert_string_equal(x.r.kind, "deadlock");
    assert_non_null(
        strstr(x.r.text, "task 0 (pagepair) waits for page 1 of inode 0, which task 1 has"));
    assert_non_null(
        strstr(x.r.text, "task 1 (pagepair) waits for page 0 of inode 0, which task 0 has"));
    end(&x);
}

/* XFS promises whole reads and writes, by the iolock; a lock that lets buffered calls share it gives
 * the promise up. ext4 promises nothing. */
static void half_a_write_is_seen_without_the_iolock(void **state)
{
    static const char *const texts[] = {
        HEAD "[file f]\nsize = 8k\ncached = all\n[group r]\ndo = read 0 8k\n"
             "[group w]\ndo = write 0 8k\n",
        HEAD "[file f]\nsize = 8k\ncached = all\n[group v]\ndo = write 0 8k\n"
             "[group w]\ndo = write 0 8k\n"};
    static const char ext4[] = "[scenario]\ntitle = t\nfs = ext4\nduration = 1ms\n"
                               "machine = ideal\n[file f]\nsize = 8k\ncached = all\n"
                               "[group r]\ndo = read 0 8k\n[group w]\ndo = write 0 8k\n";

    (void)state;
    for (int i = 0; i < 2; i++) {
        finds(texts[i], "page-only", "torn access");
        finds(texts[i], "two-state", "torn access");
        finds(texts[i], "v6.7", "");
        finds(texts[i], "range-tree", "");
    }
    finds(ext4, "page-only", "");
}

/* Strict hand-off lets nobody pass; a lock that may be stolen does, as often as somebody comes before
 * the task that has been woken runs. */
static void who_is_overtaken_too_often_starves(void **state)
{
    static const char once[] = HEAD
        "[file f]\nsize = 4k\ncached = all\n[group a]\ndo = pagelock 0 4k\n"
        "[group b]\ndo = pagelock 0 4k; pagelock 0 4k; pagelock 0 4k\n"
        "[explore]\novertaken = 1\n";
    static const char often[] = HEAD
        "[file f]\nsize = 4k\ncached = all\n[group a]\ndo = pagelock 0 4k\n"
        "[group b]\ndo = pagelock 0 4k; pagelock 0 4k; pagelock 0 4k; pagelock 0 4k; "
        "pagelock 0 4k; pagelock 0 4k; pagelock 0 4k; pagelock 0 4k; pagelock 0 4k\n"
        "[explore]\novertaken = 6\n";

    (void)state;
    finds(once, "v5.8", "starvation");
    finds(once, "v5.9-rc1", "");
    finds(often, "v5.8", "starvation");
    finds(often, "v5.9-rc1", "");
}

/* An exchange in a list knows its other file: page 0 of f shows what was page 0 of g. */
static void an_exchange_of_a_list_has_two_files(void **state)
{
    static const char text[] = HEAD
        "[file f]\nsize = 8k\ncached = all\n[file g]\nsize = 8k\ncached = all\n"
        "[group x]\nfile = f\nfile2 = g\ndo = exchange 0 4k\n";
    struct explored x;
    struct pcl_source src;
    struct pcl_action a;
    struct pcl_err err = {0};

    (void)state;
    begin(&x, text, "v6.7");
    assert_int_equal(pcl_source_scenario(&src, x.scenario, 1, 0, &err), PCL_OK);
    assert_true(src.next(&src, 0, 0, &a));
    assert_int_equal(a.req.op, PCL_OP_EXCHANGE);
    assert_int_equal(a.req.inode, 0);
    assert_int_equal(a.req.inode2, 1);
    pcl_source_fini(&src);
    end(&x);
}

static void drawn_schedules_find_the_race(void **state)
{
    (void)state;
    for (int pct = 0; pct < 2; pct++) {
        struct pcl_sample_conf how = {.how = pct ? PCL_SAMPLE_PCT : PCL_SAMPLE_RANDOM,
                                      .runs = 20000,
                                      .depth = pct ? 4 : 1,
                                      .seed = 1};
        struct explored x;

        begin(&x, absent_page, "page-only");
        x.conf.sample = &how;
        explore(&x);
        assert_string_equal(x.r.kind, "stale data");
        assert_int_equal(x.r.exhausted, -2); /* drawing proves nothing */
        end(&x);
    }
}

static void is_a_result_like_others(void **state)
{
    struct explored x;
    struct pcl_result out;
    struct pcl_err err = {0};

    (void)state;
    begin(&x, absent_page, "page-only");
    pcl_result_init(&out);
    assert_int_equal(pcl_race_run(&x.job, &out, NULL, &err), PCL_OK);
    assert_true(pcl_result_find(&out, "violations", "all")->value == 1);
    assert_true(pcl_result_find(&out, "violations", "stale data")->value == 1);
    assert_int_equal(out.n_violations, 1);
    pcl_result_fini(&out);
    end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_locks_do_not_protect_what_is_absent),
        cmocka_unit_test(a_page_that_moves_is_not_where_it_was),
        cmocka_unit_test(the_schedule_leads_there_again),
        cmocka_unit_test(the_same_search_gives_the_same_bytes),
        cmocka_unit_test(writers_of_one_file_do_not_deadlock),
        cmocka_unit_test(interrupts_are_no_way_to_another_task),
        cmocka_unit_test(a_ring_is_named),
        cmocka_unit_test(half_a_write_is_seen_without_the_iolock),
        cmocka_unit_test(who_is_overtaken_too_often_starves),
        cmocka_unit_test(an_exchange_of_a_list_has_two_files),
        cmocka_unit_test(drawn_schedules_find_the_race),
        cmocka_unit_test(is_a_result_like_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
