/*
 * What a good scenario means: values, defaults, overrides, grids; and the canonical text, which
 * has to say the same again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pclsim/scenario.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pcl_scenario *parse_set(const char *text, const char *const *set, size_t n)
{
    struct pcl_scenario *s = NULL;
    struct pcl_err e;

    if (pcl_scenario_parse("dir/some.ini", text, set, n, &s, &e) != PCL_OK) {
        pcl_err_print(stderr, &e);
        fail();
    }
    return s;
}

static struct pcl_scenario *parse(const char *text)
{
    return parse_set(text, NULL, 0);
}

#define SMALL                                                                                  \
    "[scenario]\ntitle = t\nduration = 1ms\n[file f]\nsize = 1M\n[group g]\nmix = read:1\n"

/* Every key, none at its default. */
static const char *const full =
    "# comment\n"
    "[scenario]\n"
    "title = a title: with = signs, \"quotes\" and \xc3\xa9\n"
    "source = somewhere\n"
    "fs = ext4\n"
    "machine = laptop\n"
    "cpus = 7\n"
    "duration = 1.5s ; comment\n"
    "warmup = 250us\n"
    "ops = 1000\n"
    "memory_limit = 3G\n"
    "seed = 9223372036854775807\n"
    "reps = 4\n"
    "schemes = v5.8,  mine:page.spin=3 , v5.9:page=handoff:invalidate=range-list\n"
    "violations = expected\n"
    "[group open]\n" /* before its file: order does not matter */
    "file = big\n"
    "tasks = 3\n"
    "tasks_are = processes\n"
    "files = each\n"
    "mix = write:30 read:70 fsync:1\n"
    "offsets = zipf:1.1\n"
    "region = 4k..8E\n"
    "align = 512\n"
    "size = 512-64k\n"
    "think = lognormal:80us,50%\n"
    "think_on = sleep\n"
    "arrivals = open\n"
    "hold = uniform:1us-2us\n"
    "passes = 4\n"
    "start_jitter = 1ms\n"
    "[file big]\n"
    "size = 8E\n"
    "cached = 12289\n"
    "cached_at = 8k\n"
    "order = 1\n"
    "dirty = yes\n"
    "mapped = no\n"
    "[file small]\n"
    "size = 64k\n"
    "cached = all\n"
    "[group pages]\n"
    "file = small\n"
    "mix = pagelock:1\n"
    "[scheme mine]\n"
    "page.spin = 7\n"
    "title = my own\n"
    "page = hybrid\n"
    "page.unfairness = -1\n"
    "[grid]\n"
    "pages.tasks = 1, 2..4, 8..16 step 4\n"
    "machine.rmw = low, high\n"
    "open.think = exp:1us, 2us\n"
    "fs = xfs, ext4\n"
    "mine.page.unfairness = 0, 5\n"
    "[claim]\n"
    "id = C99\n"
    "proposition = something\n"
    "source = somebody\n"
    "note = a note\n"
    "reps = 12\n"
    "quick_reps = 2\n"
    "expect.one = throughput(v5.9) / throughput(v5.8) at tasks=4 in [0.9, 1.1]\n"
    "expect.two-2 = p99(v5.8, read) < 3ms\n";

static void every_key_arrives_in_its_field(void **state)
{
    struct pcl_scenario *s = parse(full);
    const struct pcl_group *g = &s->groups[0];

    (void)state;
    assert_string_equal(s->name, "some");
    assert_string_equal(s->path, "dir/some.ini");
    assert_string_equal(s->title, "a title: with = signs, \"quotes\" and \xc3\xa9");
    assert_string_equal(s->source, "somewhere");
    assert_int_equal(s->fs, PCL_FS_EXT4);
    assert_string_equal(s->machine, "laptop");
    assert_int_equal(s->cpus, 7);
    assert_int_equal(s->duration, 1500000000);
    assert_int_equal(s->warmup, 250000);
    assert_int_equal(s->ops, 1000);
    assert_int_equal(s->memory_limit, INT64_C(3) << 30);
    assert_true(s->seed == INT64_MAX);
    assert_int_equal(s->reps, 4);
    assert_true(s->expect_violations);
    assert_int_equal(s->n_schemes, 3);
    assert_string_equal(s->schemes[1], "mine:page.spin=3");

    assert_int_equal(s->n_files, 2);
    assert_true(s->files[0].size == PCL_OFF_MAX);
    assert_int_equal(s->files[0].cached, 12289);
    assert_int_equal(s->files[0].cached_at, 8192);
    assert_int_equal(s->files[0].order, 1);
    assert_true(s->files[0].dirty);
    assert_false(s->files[0].mapped);
    assert_int_equal(s->files[1].cached, 65536);
    assert_true(s->files[1].mapped);

    assert_int_equal(s->n_groups, 2);
    assert_string_equal(g->name, "open");
    assert_int_equal(g->tasks, 3);
    assert_true(g->processes);
    assert_int_equal(g->file, 0);
    assert_true(g->private_files);
    assert_int_equal(g->weight[PCL_OP_READ], 70);
    assert_int_equal(g->weight[PCL_OP_WRITE], 30);
    assert_int_equal(g->weight[PCL_OP_FSYNC], 1);
    assert_int_equal(g->weight[PCL_OP_PUNCH], 0);
    assert_int_equal(g->offsets, PCL_OFF_ZIPF);
    assert_true(g->zipf_s > 1.0999 && g->zipf_s < 1.1001);
    assert_int_equal(g->region_at, 4096);
    assert_true(g->region_len == PCL_OFF_MAX - 4096);
    assert_int_equal(g->align, 512);
    assert_int_equal(g->size.kind, PCL_DIST_UNIFORM);
    assert_int_equal(g->size.b, 65536);
    assert_int_equal(g->think.kind, PCL_DIST_LOGNORMAL);
    assert_false(g->think_on_cpu);
    assert_true(g->open);
    assert_int_equal(g->hold.a, 1000);
    assert_int_equal(g->ops_per_transaction, 4);
    assert_int_equal(g->start_jitter, 1000000);
    assert_int_equal(s->groups[1].file, 1);
    pcl_scenario_free(s);
}

static void absent_keys_have_the_documented_defaults(void **state)
{
    struct pcl_scenario *s = parse(SMALL);
    const struct pcl_group *g = &s->groups[0];

    (void)state;
    assert_int_equal(s->fs, PCL_FS_XFS);
    assert_string_equal(s->machine, "server-2s");
    assert_string_equal(s->source, "");
    assert_int_equal(s->seed, 1);
    assert_int_equal(s->reps, 10);
    assert_int_equal(s->n_schemes, 1);
    assert_string_equal(s->schemes[0], "v5.9");
    assert_string_equal(s->claim.id, "");
    assert_int_equal(s->n_grid, 0);
    assert_int_equal(s->files[0].cached, 0);
    assert_int_equal(g->tasks, 1);
    assert_false(g->processes);
    assert_int_equal(g->region_at, 0);
    assert_int_equal(g->region_len, 1 << 20);
    assert_int_equal(g->align, 4096);
    assert_int_equal(g->size.kind, PCL_DIST_CONST);
    assert_int_equal(g->size.a, 4096);
    assert_int_equal(g->think.a, 0);
    assert_true(g->think_on_cpu);
    assert_int_equal(g->ops_per_transaction, 1);
    pcl_scenario_free(s);
}

static void ops_alone_end_a_run_too(void **state)
{
    struct pcl_scenario *s = parse("[scenario]\ntitle = t\nops = 5\n[file f]\nsize = 8E\n"
                                   "[group g]\nmix = punch:1\noffsets = hot\nsize = region\n");

    (void)state;
    assert_int_equal(s->ops, 5);
    assert_int_equal(s->duration, INT64_C(3600) * 1000000000);
    assert_true(s->groups[0].size.a == PCL_OFF_MAX); /* size = region is exact */
    pcl_scenario_free(s);
}

/* --- the canonical text ------------------------------------------------------------------ */

static void says_the_same_again(const char *text)
{
    struct pcl_scenario *a = parse(text), *b = parse(a->text);

    assert_string_equal(a->text, b->text);
    assert_string_equal(a->run_text, b->run_text);
    assert_int_equal(a->n_groups, b->n_groups);
    for (size_t i = 0; i < a->n_groups; i++) {
        struct pcl_group x = a->groups[i], y = b->groups[i];

        x.line = y.line = 0;
        assert_memory_equal(x.weight, y.weight, sizeof x.weight);
        assert_true(x.region_at == y.region_at && x.region_len == y.region_len);
        assert_memory_equal(&x.size, &y.size, sizeof x.size);
        assert_memory_equal(&x.think, &y.think, sizeof x.think);
        assert_memory_equal(&x.hold, &y.hold, sizeof x.hold);
    }
    pcl_scenario_free(b);
    pcl_scenario_free(a);
}

static void the_canonical_text_reads_back_to_itself(void **state)
{
    (void)state;
    says_the_same_again(full);
    says_the_same_again(SMALL);
    says_the_same_again(SMALL "offsets = zipf:0.3333333333333333\n");
    says_the_same_again(SMALL "think = lognormal:80us,0.1234567890123\n");
    says_the_same_again(SMALL "size = exp:5000\nthink = 86400s\nregion = 12k..1M\n");
}

static void spelling_does_not_change_the_canonical_text(void **state)
{
    struct pcl_scenario *a = parse(SMALL "tasks = 4\nthink = 1000ns\nsize = 4096\n");
    struct pcl_scenario *b =
        parse("[group g]\nsize=4k\nthink=const:0.001ms\ntasks=04\n mix=read:1\n"
              "[file f]\nsize=1024KiB\n[scenario]\nduration=0.001s\ntitle=t\n");

    (void)state;
    assert_string_equal(a->text, b->text);
    pcl_scenario_free(b);
    pcl_scenario_free(a);
}

static void the_run_text_holds_what_one_run_depends_on(void **state)
{
    static const char *const not_of_run[] = {"title=other",    "source=x",    "machine=laptop",
                                             "seed=2",         "reps=3",      "schemes=v5.8",
                                             "grid.f.size=2M", "claim.note=n"};
    static const char *const of_run[] = {
        "fs=tmpfs",  "cpus=2",  "duration=2ms", "warmup=1ms",          "ops=3",
        "f.size=2M", "tasks=2", "think=1us",    "violations=expected", "memory_limit=1G"};
    static const char text[] = SMALL "[grid]\ntasks = 1, 2\nf.size = 1M\n[claim]\nid = X\n"
                                     "proposition = p\nexpect.a = x(v5.9) < 1\n";
    struct pcl_scenario *base = parse(text);

    (void)state;
    for (size_t i = 0; i < sizeof not_of_run / sizeof not_of_run[0]; i++) {
        struct pcl_scenario *s = parse_set(text, &not_of_run[i], 1);

        assert_string_not_equal(s->text, base->text);
        assert_string_equal(s->run_text, base->run_text);
        pcl_scenario_free(s);
    }
    for (size_t i = 0; i < sizeof of_run / sizeof of_run[0]; i++) {
        struct pcl_scenario *s = parse_set(text, &of_run[i], 1);

        assert_string_not_equal(s->run_text, base->run_text);
        pcl_scenario_free(s);
    }
    pcl_scenario_free(base);
}

/* --- overrides --------------------------------------------------------------------------- */

static void an_override_finds_its_section(void **state)
{
    static const char text[] = SMALL "tasks = 4\n[group h.x]\nmix = write:1\n"
                                     "[scheme v6]\npage = fifo\n[grid]\ng.tasks = 1, 2\n";
    /* tasks: written in one group only; h.x.tasks: a name with a dot; the others as they stand
     */
    static const char *const set[] = {
        "tasks=8",     "h.x.tasks=2",      "group h.x.passes=3", "scenario.cpus=3",
        "reps = 7 ",   "group.g.hold=1us", "machine.rmw=20ns",   "v6.page.depth=3",
        "g.tasks = 9", "f.size=2M",        "grid.g.tasks=3,4,5", "size=4M"};
    struct pcl_scenario *s = parse_set(text, set, sizeof set / sizeof set[0]);

    (void)state;
    assert_int_equal(s->groups[0].tasks, 9); /* the last one wins */
    assert_int_equal(s->groups[0].hold.a, 1000);
    assert_int_equal(s->groups[1].tasks, 2);
    assert_int_equal(s->groups[1].ops_per_transaction, 3);
    assert_int_equal(s->cpus, 3);
    assert_int_equal(s->reps, 7);
    assert_int_equal(s->own.v[0].role[PCL_ROLE_PAGE].param[0].value, 3);
    assert_int_equal(s->grid[0].n_values, 3);
    assert_int_equal(s->files[0].size, 4 << 20);
    assert_int_equal(s->groups[0].region_len, 4 << 20); /* follows the file */
    pcl_scenario_free(s);
}

static void an_axis_of_the_grid_is_no_second_place_for_its_key(void **state)
{
    static const char *const set[] = {"tasks=5"};
    struct pcl_scenario *s = parse_set(SMALL "[grid]\ntasks = 1, 2\n", set, 1);

    (void)state;
    assert_int_equal(s->groups[0].tasks, 5);
    assert_int_equal(s->grid[0].n_values, 2);
    pcl_scenario_free(s);
}

static void machine_keys_are_recognised(void **state)
{
    (void)state;
    assert_string_equal(pcl_set_machine_key("machine.rmw"), "rmw");
    assert_string_equal(pcl_set_machine_key("machine.rmw=5ns"), "rmw=5ns");
    assert_null(pcl_set_machine_key("machine=laptop"));
    assert_null(pcl_set_machine_key("tasks=1"));
}

/* --- grid and claim ---------------------------------------------------------------------- */

static void grid_axes_keep_order_and_write_ranges_out(void **state)
{
    static const char *const tasks[] = {"1", "2", "3", "4", "8", "12", "16"};
    struct pcl_scenario *s = parse(full);

    (void)state;
    assert_int_equal(s->n_grid, 5);
    assert_string_equal(s->grid[0].key, "pages.tasks");
    assert_int_equal(s->grid[0].n_values, 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(s->grid[0].value[i], tasks[i]);
    assert_string_equal(s->grid[1].key, "machine.rmw");
    assert_string_equal(s->grid[1].value[1], "high");
    assert_string_equal(s->grid[2].value[0], "exp:1us");
    assert_string_equal(s->grid[4].key, "mine.page.unfairness");
    pcl_scenario_free(s);
}

static void assert_axis(const struct pcl_scenario *s, size_t i, const char *key,
                        const char *values)
{
    char text[512] = "";

    assert_true(i < s->n_grid);
    assert_string_equal(s->grid[i].key, key);
    for (size_t j = 0; j < s->grid[i].n_values; j++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", j ? " " : "",
                       s->grid[i].value[j]);
    assert_string_equal(text, values);
}

static void a_list_goes_on_as_it_began(void **state)
{
    struct pcl_scenario *s =
        parse(SMALL "[grid]\ntasks = 1,2,4..64\npasses = 10, 20..50\ncpus = 3..5, 10\n"
                    "size = 4k, 8k, 16k..64k\nf.max_order = 1, 3, 5..9\n");

    (void)state;
    assert_axis(s, 0, "tasks", "1 2 4 8 16 32 64");
    assert_axis(s, 1, "passes", "10 20 30 40 50");
    assert_axis(s, 2, "cpus", "3 4 5 10");
    assert_axis(s, 3, "size", "4k 8k 16k 32k 64k");
    assert_axis(s, 4, "f.max_order", "1 3 5 7 9");
    pcl_scenario_free(s);
}

#define VARIED                                                                                 \
    "[scenario]\ntitle = t\nduration = ${1ms, 2ms}\n[file f]\nsize = 1M\n"                    \
    "[group g]\ntasks = ${n}\nmix = read:1\nthink = exp:${gap}\nsize = ${4k,8k,16k..64k}\n"  \
    "[group h]\ntasks = ${n}\nmix = write:1\n"                                               \
    "[grid]\nn = 1, 2, 4..16\ngap = 1us, 2us\n"

static void what_varies_can_be_written_where_it_is_used(void **state)
{
    struct pcl_scenario *s = parse(VARIED "where = n * g.size <= 64k\nrepeat = 7\n"), *b;

    (void)state;
    assert_int_equal(s->groups[0].tasks, 1);
    assert_int_equal(s->groups[1].tasks, 1);
    assert_true(s->duration == 1000000);
    assert_int_equal(s->n_grid, 4);
    assert_axis(s, 0, "n", "1 2 4 8 16");
    assert_axis(s, 1, "gap", "1us 2us");
    assert_axis(s, 2, "duration", "1ms 2ms");
    assert_axis(s, 3, "g.size", "4k 8k 16k 32k 64k");
    assert_int_equal(s->repeat, 7);
    b = parse(s->text);
    assert_string_equal(s->text, b->text);
    pcl_scenario_free(b);
    pcl_scenario_free(s);
}

static void threads_are_tasks(void **state)
{
    static const char *const set[] = {"threads=5"};
    struct pcl_scenario *s = parse(SMALL "threads = ${2, 4..8}\n");

    (void)state;
    assert_int_equal(s->groups[0].tasks, 2);
    assert_axis(s, 0, "tasks", "2 4 6 8");
    pcl_scenario_free(s);
    s = parse_set(SMALL "[grid]\nthreads = 1, 2\n", set, 1);
    assert_int_equal(s->groups[0].tasks, 5);
    assert_axis(s, 0, "threads", "1 2");
    pcl_scenario_free(s);
}

static void a_variable_is_set_everywhere_at_once(void **state)
{
    static const char *const set[] = {"n=4", "duration=5ms", "gap=3us"};
    static const char *const own[] = {"g.tasks=9", "h.tasks=8"};
    struct pcl_scenario *s = parse_set(VARIED, set, 3);

    (void)state;
    assert_int_equal(s->groups[0].tasks, 4);
    assert_int_equal(s->groups[1].tasks, 4);
    assert_true(s->duration == 5000000 && s->groups[0].think.a == 3000);
    assert_axis(s, 0, "n", "4");
    pcl_scenario_free(s);
    s = parse_set(VARIED, own, 2);
    assert_int_equal(s->groups[0].tasks, 9);
    assert_int_equal(s->groups[1].tasks, 8);
    assert_axis(s, 0, "n", "1"); /* it changes nothing any more */
    pcl_scenario_free(s);
}

static void a_condition_says_which_points_there_are(void **state)
{
    static const struct {
        const char *where, *n, *size, *fs;
        bool allowed;
    } rows[] = {
        {"tasks * size <= 64k", "16", "4k", "xfs", true},
        {"tasks * size <= 64k", "17", "4k", "xfs", false},
        {"(tasks + 1) * 2 == 10", "4", "4k", "xfs", true},
        {"tasks - 1 > 8 / 2", "5", "4k", "xfs", false},
        {"fs == ext4", "5", "4k", "xfs", false},
        {"fs != ext4 and tasks < 3", "2", "4k", "xfs", true},
        {"tasks > 3 or fs == xfs and size >= 8k", "1", "4k", "xfs", false},
        {"tasks > 3 or fs == xfs and size >= 8k", "1", "8k", "xfs", true},
        {"tasks > 3 or fs == xfs and size >= 8k", "4", "4k", "ext4", true},
        {"g.tasks != 4", "4", "4k", "xfs", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *value[] = {rows[i].n, rows[i].size, rows[i].fs};
        struct pcl_scenario *s;
        struct pcl_err why;
        char text[600];
        bool allowed;

        (void)snprintf(text, sizeof text, SMALL "[grid]\ntasks = 1, 2\nsize = 4k, 8k\n"
                                                "fs = xfs, ext4\nwhere = %s\n",
                       rows[i].where);
        s = parse(text);
        assert_int_equal(pcl_grid_allows(s, value, &allowed, NULL, &why), PCL_OK);
        if (allowed != rows[i].allowed)
            fail_msg("%s: %d", rows[i].where, allowed);
        pcl_scenario_free(s);
    }
}

static void every_grid_value_is_a_good_override(void **state)
{
    struct pcl_scenario *s = parse(full);

    (void)state;
    for (size_t i = 0; i < s->n_grid; i++)
        for (size_t j = 0; j < s->grid[i].n_values; j++) {
            char set[256];
            const char *one = set;

            (void)snprintf(set, sizeof set, "%s=%s", s->grid[i].key, s->grid[i].value[j]);
            pcl_scenario_free(parse_set(full, &one, 1));
        }
    pcl_scenario_free(s);
}

static void a_claim_keeps_its_expectations_as_text(void **state)
{
    struct pcl_scenario *s = parse(full);
    const struct pcl_claim *c = &s->claim;

    (void)state;
    assert_string_equal(c->id, "C99");
    assert_string_equal(c->proposition, "something");
    assert_string_equal(c->note, "a note");
    assert_int_equal(c->reps, 12);
    assert_int_equal(c->quick_reps, 2);
    assert_int_equal(c->n_expect, 2);
    assert_string_equal(c->expect[1].name, "two-2");
    assert_string_equal(c->expect[1].expr, "p99(v5.8, read) < 3ms");
    assert_int_equal(c->expect[1].col, 16);
    pcl_scenario_free(s);
}

static void names_of_filesystems_go_both_ways(void **state)
{
    (void)state;
    for (int i = 0; i < PCL_N_FS; i++)
        assert_int_equal(pcl_fs_find(pcl_fs_name((enum pcl_fs)i)), i);
    assert_int_equal(pcl_fs_find("btrfs"), PCL_N_FS);
}

static void nothing_is_something_that_can_be_freed(void **state)
{
    (void)state;
    pcl_scenario_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_arrives_in_its_field),
        cmocka_unit_test(absent_keys_have_the_documented_defaults),
        cmocka_unit_test(ops_alone_end_a_run_too),
        cmocka_unit_test(the_canonical_text_reads_back_to_itself),
        cmocka_unit_test(spelling_does_not_change_the_canonical_text),
        cmocka_unit_test(the_run_text_holds_what_one_run_depends_on),
        cmocka_unit_test(an_override_finds_its_section),
        cmocka_unit_test(an_axis_of_the_grid_is_no_second_place_for_its_key),
        cmocka_unit_test(machine_keys_are_recognised),
        cmocka_unit_test(grid_axes_keep_order_and_write_ranges_out),
        cmocka_unit_test(every_grid_value_is_a_good_override),
        cmocka_unit_test(a_list_goes_on_as_it_began),
        cmocka_unit_test(what_varies_can_be_written_where_it_is_used),
        cmocka_unit_test(threads_are_tasks),
        cmocka_unit_test(a_variable_is_set_everywhere_at_once),
        cmocka_unit_test(a_condition_says_which_points_there_are),
        cmocka_unit_test(a_claim_keeps_its_expectations_as_text),
        cmocka_unit_test(names_of_filesystems_go_both_ways),
        cmocka_unit_test(nothing_is_something_that_can_be_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
