/*
 * Every way to get a scenario wrong that we could think of, with the place and the words of the
 * message. Each case is a whole file; most are a good one plus one bad line.
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

#define S "[scenario]\ntitle = t\nduration = 1ms\n" /* lines 1 to 3 */
#define F "[file f]\nsize = 1M\n"                   /* two lines */
#define G "[group g]\nmix = read:1\n"               /* two lines */
#define H "[group h]\nmix = write:1\n"
#define SFG S F G /* lines 1 to 7, the group open */
#define C "[claim]\nid = X1\nproposition = p\n"

struct bad {
    const char *text;
    unsigned line, col;
    const char *msg;  /* a part of the message */
    const char *hint; /* a part of the hint, or NULL: no hint */
};

static const struct bad files[] = {
    /* the form, and which sections there are */
    {"", 1, 1, "no [scenario]", NULL},
    {"title = x\n", 1, 1, "want a [section]", NULL},
    {F G, 1, 1, "no [scenario]", NULL},
    {S G, 1, 1, "no [file NAME]", NULL},
    {S F, 1, 1, "no [group NAME]", NULL},
    {SFG "[scenario]\n", 8, 1, "appears twice", NULL},
    {SFG "[file f]\n", 8, 1, "appears twice", NULL},
    {SFG "[scenario x]\n", 8, 1, "[scenario] has no name", NULL},
    {SFG "[gruop x]\n", 8, 1, "unknown section [gruop x]", "'group'"},
    {SFG "[group]\n", 8, 1, "want [group NAME]", NULL},
    {SFG "[group a/b]\n", 8, 1, "found 'a/b'", NULL},
    {SFG "[group grid]\n", 8, 1, "'grid' has a meaning of its own", NULL},
    {SFG "  [grid]\n", 8, 3, "needs at least one KEY", NULL},
    {SFG "nonsense\n", 8, 1, "want [section] or key = value", NULL},
    {SFG "tasks = 1\ntasks = 2\n", 9, 1, "'tasks' appears twice", NULL},

    /* [scenario] */
    {"[scenario]\nduration = 1ms\n" F G, 1, 1, "needs title", NULL},
    {"[scenario]\ntitle = t\n" F G, 1, 1, "needs duration, or ops", NULL},
    {"[scenario]\ntitle =\nduration = 1ms\n" F G, 2, 8, "title: want text, found nothing",
     NULL},
    {"[scenario]\ntitle = t\nduration = 5\n" F G, 3, 12, "duration: want a unit", NULL},
    {"[scenario]\ntitle = t\nduration = 0s\n" F G, 3, 12, "want more than 0", NULL},
    {"[scenario]\ntitle = t\nduration = 292h ago\n" F G, 3, 12, "found '292h ago'", NULL},
    {"[scenario]\ntitle = t\nduration = 1.5ns\n" F G, 3, 12, "whole number of nanoseconds",
     NULL},
    {"[scenario]\ntitle = t\nduration = 9999999999s\n" F G, 3, 12, "above 2^63 - 1 ns", NULL},
    {"[scenario]\ntitle = t\nduration = 9000000000s\n" F G, 3, 12, "want 0 to 2000000000s",
     NULL},
    {S "cpus = -1\n" F G, 4, 8, "cpus: want a whole number from 0 to 65536, found '-1'", NULL},
    {S "cpus = many\n" F G, 4, 8, "cpus: want a whole number, found 'many'", NULL},
    {S "cpus = 4k\n" F G, 4, 8, "cpus: want a whole number, found '4k'", NULL},
    {S "reps = 0\n" F G, 4, 8, "reps: want a whole number from 1 to", NULL},
    {S "seed = 9223372036854775808\n" F G, 4, 8, "number too large", NULL},
    {S "fs = ext5\n" F G, 4, 6, "fs: want xfs, ext4, tmpfs, page-only, ext4-half-shared or ext4-exclusive-dio, found 'ext5'",
     "'ext4'"},
    {S "machine = a b\n" F G, 4, 11, "want a name", NULL},
    {S "violations = maybe\n" F G, 4, 14, "want never or expected", NULL},
    {S "memory_limit = 10%\n" F G, 4, 16, "want a size", NULL},
    {S "warm_up = 1ms\n" F G, 4, 1, "unknown key 'warm_up'", "'warmup'"},
    {S "tasks = 1\n" F G, 4, 1, "unknown key 'tasks'", NULL},
    {S "schemes = v5.8,\n" F G, 4, 16, "found nothing", NULL},
    {S "schemes = v5.8, v5.9, v5.8\n" F G, 4, 23, "'v5.8' is listed twice", NULL},
    {S "schemes = v5.8, v5.9:pgae=x\n" F G, 4, 22, "unknown role 'pgae'", "'page'"},
    {S "schemes = v5.9:page.unfairness=lots\n" F G, 4, 32, "want a whole number", NULL},
    {S "schemes = v5.9:page\n" F G, 4, 16, "want role=lock", NULL},
    {S "schemes = v5.9 v5.8\n" F G, 4, 11, "want NAME[:role=lock]", NULL},

    /* machine constants */
    {S "rmw = 20ns\n" F G, 4, 1,
     "rmw is a machine constant: it belongs into a machine profile, not into a scenario; vary "
     "it "
     "with --set machine.rmw=... or [grid] machine.rmw = low, typical, high",
     NULL},
    {SFG "  ctx_switch = 2us\n", 8, 3, "ctx_switch is a machine constant", NULL},
    {S F "dev_read = 80us\n" G, 6, 1, "dev_read is a machine constant", NULL},
    {SFG "[scheme mine]\nhz = 1000\n", 9, 1, "hz is a machine constant", NULL},
    {SFG C "rmw = 1ns\n", 11, 1, "rmw is a machine constant", NULL},

    /* [file NAME] */
    {S "[file f]\n" G, 4, 1, "[file f] needs size", NULL},
    {S "[file f]\nsize = 0\n" G, 5, 8, "size: want 1 to max, found '0'", NULL},
    {S "[file f]\nsize = 9E\n" G, 5, 8, "size above 2^63 - 1", NULL},
    {S "[file f]\nsize = 4kangaroo\n" G, 5, 8, "want a size", NULL},
    {S "[file f]\nsize = 1.5G\n" G, 5, 8, "1536M", NULL},
    {S F "cached = 2M\n" G, 6, 10, "cached: ends behind the end of the file", NULL},
    {S F "cached = 1M\ncached_at = 4k\n" G, 6, 10, "ends behind the end", NULL},
    {S F "cached = some\n" G, 6, 10, "or all, found 'some'", NULL},
    {S F "cached_at = 8E\n" G, 6, 13, "size above 2^63 - 1", NULL},
    {S F "cached_at = 1M\n" G, 6, 13, "want less than the size", NULL},
    {S F "cached_at = 6k\n" G, 6, 13, "multiple of the folio size, 4 k", NULL},
    {S F "order = 3\ncached_at = 4k\n" G, 7, 13, "32 k at order 3", NULL},
    {S F "order = 10\n" G, 6, 9, "whole number from 0 to 9", NULL},
    {S F "dirty = true\n" G, 6, 9, "want no or yes", NULL},
    {S "[file f]\nsize = max\ncached = all\n" G, 6, 10, "more than the simulator holds", NULL},

    /* [group NAME] */
    {S F "[group g]\ntasks = 1\n", 6, 1, "or a key do, found nothing", NULL},
    {S F "[group g]\nmix =\n", 7, 6, "found nothing", NULL},
    {S F "[group g]\nmix = read:70 punch\n", 7, 15,
     "want a list of operation:weight, found 'punch'", "'punch:30'"},
    {S F "[group g]\nmix = read\n", 7, 7, "found 'read'", "'read:1'"},
    {S F "[group g]\nmix = read: write:1\n", 7, 7, "found 'read:'", "'read:1'"},
    {S F "[group g]\nmix = raed:1\n", 7, 7, "unknown operation 'raed'", "'read'"},
    {S F "[group g]\nmix = read:0\n", 7, 12, "want a weight from 1", NULL},
    {S F "[group g]\nmix = read:1.5\n", 7, 12, "found '1.5'", NULL},
    {S F "[group g]\nmix = read:1 read:2\n", 7, 14, "'read' is listed twice", NULL},
    {S F "[group g]\nmix = read:1, write:1\n", 7, 13, "want blanks between",
     "read:70 write:30"},
    {SFG "tasks = 0\n", 8, 9, "from 1 to 16777216", NULL},
    {SFG "tasks = 16777217\n", 8, 9, "from 1 to 16777216", NULL},
    {SFG "tasks = 16777216\n" H "tasks = 1\n", 1, 1, "more than 16777216 tasks in all", NULL},
    {SFG "tasks_are = fibers\n", 8, 13, "want threads or processes", NULL},
    {SFG "file = g\n", 8, 8, "there is no [file g]", NULL},
    {S F "[file data]\nsize = 1\n" G "file = dta\n", 10, 8, "there is no [file dta]", "'data'"},
    {S F "[file data]\nsize = 1\n" G, 8, 1, "there are 2 files", NULL},
    {SFG "files = own\n", 8, 9, "want shared or each", NULL},
    {SFG "offsets = random\n", 8, 11, "want uniform, zipf:S", NULL},
    {SFG "offsets = sequental\n", 8, 11, "found 'sequental'", "'sequential'"},
    {SFG "offsets = zipf\n", 8, 11, "found 'zipf'", "zipf:1.1"},
    {SFG "offsets = zipf:-1\n", 8, 16, "want an exponent", NULL},
    {SFG "region = 4k\n", 8, 10, "want FROM..TO", NULL},
    {SFG "region = x..1M\n", 8, 10, "want a size", NULL},
    {SFG "region = 0..1Q\n", 8, 13, "or end, found '1Q'", NULL},
    {SFG "region = 8k..8k\n", 8, 14, "an end behind the start", NULL},
    {SFG "region = 0..2M\n", 8, 10, "region: ends behind the end of file f", NULL},
    {SFG "region = 0..8E\n", 8, 10, "region: ends behind the end of file f", NULL},
    {SFG "region = 8E..end\n", 8, 10, "size above 2^63 - 1", NULL},
    {SFG "region = 1M..end\n", 8, 10, "starts behind the end of file f", NULL},
    {SFG "region = 1k..end\n", 8, 10, "a multiple of align", NULL},
    {SFG "align = 0\n", 8, 9, "align: want 1 to max", NULL},
    {SFG "size = 0\n", 8, 8, "size: want 1 to max", NULL},
    {SFG "size = 2M\n", 8, 8, "size: does not fit the region", NULL},
    {SFG "size = 4k-2M\n", 8, 8, "size: does not fit the region", NULL},
    {SFG "size = 8k-4k\n", 8, 8, "ends before it starts", NULL},
    {SFG "size = gauss:4k\n", 8, 8, "want a distribution", NULL},
    {SFG "offsets = partition\ntasks = 257\n", 8, 11, "less than one align for each of 257",
     NULL},
    {SFG "offsets = partition\ntasks = 256\nsize = 8k\n", 10, 8, "a task's share", NULL},
    {SFG "think = 5\n", 8, 9, "think: want a unit", NULL},
    {SFG "think = exp:5\n", 8, 9, "want a unit", NULL},
    {SFG "think = 25h\n", 8, 9, "think: want 0 to 86400s, found '25h'", NULL},
    {SFG "think_on = gpu\n", 8, 12, "want sleep or cpu", "'cpu'"},
    {SFG "arrivals = open\n", 8, 12, "open needs think", NULL},
    {SFG "hold = 1 us\n", 8, 8, "found '1 us'", NULL},
    {SFG "passes = 0\n", 8, 10, "from 1 to 1000000", NULL},
    {SFG "refault = yes\n", 8, 11, "want a mix of fault and wfault alone", NULL},
    {SFG "start_jitter = exp:1us\n", 8, 16, "want a time", NULL},
    {SFG "thnik = 1us\n", 8, 1, "unknown key 'thnik'", "'think'"},
    {S "[file f]\nsize = 1T\ncached = 128G\n" G "files = each\ntasks = 3\n", 9, 9,
     "3 copies with 33554432 resident folios", NULL},

    /* [scheme NAME] */
    {SFG "[scheme mine]\npage hybrid\n", 9, 1, "want [section] or key", NULL},
    {SFG "[scheme mine]\npgae = hybrid\n", 9, 1, "unknown role 'pgae'", "'page'"},
    {SFG "[scheme mine]\npage =\n", 9, 7, "want the name of a lock, found nothing", NULL},
    {SFG "[scheme mine]\npage = a b\n", 9, 8, "want the name of a lock, found 'a b'", NULL},
    {SFG "[scheme mine]\npage.unfairness = 5us\n", 9, 19, "want a whole number", NULL},
    {SFG "[scheme mine]\npage. = 5\n", 9, 1, "name of a parameter", NULL},

    /* [grid] */
    {SFG "[grid]\ntakss = 1, 2\n", 9, 1, "unknown key 'takss'", "'tasks'"},
    {SFG "[grid]\ntasks =\n", 9, 8, "found nothing", NULL},
    {SFG "[grid]\ntasks = 1, , 2\n", 9, 12, "found nothing", NULL},
    {SFG "[grid]\ntasks = 1, 2, none\n", 9, 15, "tasks: want a whole number, found 'none'",
     NULL},
    {SFG "[grid]\ntasks = 1, 0\n", 9, 12, "from 1 to 16777216, found '0'", NULL},
    {SFG "[grid]\ntasks = 1, 2, 1\n", 9, 15, "'1' is listed twice", NULL},
    {SFG "[grid]\ntasks = 1..4, 3\n", 9, 15, "'3' is listed twice", NULL},
    {SFG "[grid]\ntasks = 8..4\n", 9, 9, "want FROM..TO", NULL},
    {SFG "[grid]\ntasks = 1..8 step 0\n", 9, 9, "want FROM..TO", NULL},
    {SFG "[grid]\ntasks = 1..1000000\n", 9, 9, "at most 1000 values", NULL},
    {SFG "[grid]\ntasks = 1, 3, 4..9\n", 9, 15, "want values that go on adding or doubling", NULL},
    {SFG "[grid]\ntasks = 1, 2, 4..3\n", 9, 15, "want values that go on adding or doubling", NULL},
    {SFG "[grid]\ntasks = 1, 2\nwhere =\n", 10, 8, "want a condition, found nothing", NULL},
    {SFG "[grid]\ntasks = 1, 2\nwhere = tasks < few\n", 10, 15, "'few' is neither a number", NULL},
    {SFG "[grid]\ntasks = 1, 2\nwhere = (tasks < 2\n", 10, 16, "want ')'", NULL},
    {SFG "[grid]\ntasks = 1, 2\nwhere = tasks < 2 3\n", 10, 19, "want 'and', 'or' or the end", NULL},
    {SFG "[grid]\ntasks = 1, 2\nwhere = tasks\n", 10, 14, "found 'the end'", NULL},
    {SFG "[grid]\ntasks = 1, 2\nrepeat = 0\n", 10, 10, "from 1 to 1000000, found '0'", NULL},
    {SFG "think = ${gap}\n", 8, 9, "no variable 'gap' in [grid]", "gap = VALUE"},
    {SFG "think = ${1us,2us\n", 8, 9, "no '}'", NULL},
    {SFG "think = ${}\n", 8, 9, "found nothing", NULL},
    {SFG "think = ${1us,x}\n", 8, 15, "found 'x'", NULL},
    {SFG "[grid]\nseed = 1, 2\n", 9, 1, "'seed' cannot vary", NULL},
    {SFG "[grid]\nrmw = low, high\n", 9, 1, "rmw is a machine constant: write machine.rmw",
     NULL},
    {SFG "[grid]\nmachine.rmw = 20ns\n", 9, 15, "want low, typical or high, found '20ns'",
     NULL},
    {SFG "[grid]\nmachine.ctx_swich = low\n", 9, 1, "no machine constant 'ctx_swich'",
     "'ctx_switch'"},
    {SFG "[grid]\nx.tasks = 1\n", 9, 1, "no section 'x'", NULL},
    {SFG "[grid]\ng.takss = 1\n", 9, 1, "unknown key 'takss' of 'g'", "'tasks'"},
    {SFG H "[grid]\ntasks = 1, 2\n", 11, 1, "'tasks' is a key of 2 sections",
     "g.tasks or h.tasks"},
    {SFG "[grid]\nfs = xfs, zfs\n", 9, 11, "want xfs, ext4, tmpfs, page-only, ext4-half-shared or ext4-exclusive-dio", "'xfs'"},
    {SFG "[grid]\ntasks=1\nthink=1us\nhold=1us\nsize=4k\nalign=4k\npasses=1\ncpus=1\n", 15, 1,
     "at most 6 axes", NULL},

    /* [claim] */
    {SFG "[claim]\nproposition = p\nexpect.a = x < 1\n", 8, 1, "[claim] needs id", NULL},
    {SFG "[claim]\nid = X1\nexpect.a = x < 1\n", 8, 1, "[claim] needs proposition", NULL},
    {SFG C, 8, 1, "at least one expect", NULL},
    {SFG C "expect.a =#1\n", 11, 11, "found a comment", NULL},
    {"[scenario]\ntitle =#1\n" F G, 2, 8, "does not begin as a comment", NULL},
    {SFG "[scheme mine]\ntitle =;\n", 9, 8, "does not begin as a comment", NULL},
    {SFG C "expect.a =\n", 11, 11, "found nothing", NULL},
    {SFG C "expect. = x < 1\n", 11, 1, "want expect.NAME", NULL},
    {SFG C "expcet.a = x < 1\n", 11, 1, "unknown key 'expcet.a'", NULL},
    {SFG C "reps = 1\nexpect.a = x < 1\n", 11, 8, "from 2 to", NULL},
    {SFG "[claim]\nid = a-very-long-name\n", 9, 6, "at most 15 letters", NULL},
};

static void fail_case(size_t i, const char *text, const struct pcl_err *e)
{
    print_error("case %zu:\n%s--- gave %s:%u:%u: %s (%s)\n", i, text, e->file, e->line, e->col,
                e->msg, e->hint);
    fail();
}

static bool hint_fits(const struct pcl_err *e, const char *want)
{
    return want ? strstr(e->hint, want) != NULL : e->hint[0] == '\0';
}

static void every_mistake_is_shown_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct bad *b = &files[i];
        struct pcl_scenario *s = NULL;
        struct pcl_err e = {.code = PCL_OK};
        int rc = pcl_scenario_parse("bad.ini", b->text, NULL, 0, &s, &e);

        if (rc == PCL_OK)
            pcl_scenario_free(s);
        if (rc != PCL_EINVAL || e.line != b->line || e.col != b->col ||
            strcmp(e.file, "bad.ini") != 0 || !strstr(e.msg, b->msg) || !hint_fits(&e, b->hint))
            fail_case(i, b->text, &e);
    }
}

/* --- overrides --------------------------------------------------------------------------- */

#define TWO SFG H

static const struct {
    const char *text, *set, *msg, *hint;
} sets[] = {
    {SFG, "tasks", "tasks: want [section.]key=value", NULL},
    {SFG, "=1", "unknown key ''", NULL},
    {SFG, "takss=1", "unknown key 'takss'", "'tasks'"},
    {SFG, "g.takss=1", "unknown key 'takss' of 'g'", "'tasks'"},
    {SFG, "q.tasks=1", "no section 'q'", NULL},
    {SFG, "tasks=none", "tasks: want a whole number, found 'none'", NULL},
    {SFG, "tasks=", "tasks: want a whole number, found nothing", NULL},
    {SFG, "title=a # b", "want one value without a comment", NULL},
    {SFG, "title=#", "want one value without a comment", NULL},
    {SFG, "title=a\nfs = xfs", "want one value without a comment", NULL},
    {SFG, "title=\xff", "title: want UTF-8 text", NULL},
    {SFG, "rmw=5ns", "rmw is a machine constant: write machine.rmw", NULL},
    {TWO, "tasks=4", "'tasks' is a key of 2 sections", "g.tasks or h.tasks"},
    {SFG "[grid]\ntasks = 1\n", "grid.group g.tasks=4", "want a key without blanks", NULL},
    {SFG, "f.size=0", "size: want 1 to max", NULL},
};

static void a_wrong_override_is_shown_as_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        struct pcl_scenario *s = NULL;
        struct pcl_err e = {.code = PCL_OK};
        int rc = pcl_scenario_parse("bad.ini", sets[i].text, &sets[i].set, 1, &s, &e);

        if (rc == PCL_OK)
            pcl_scenario_free(s);
        if (rc != PCL_EINVAL || e.line != 0 || strcmp(e.file, "--set") != 0 ||
            !strstr(e.msg, sets[i].msg) || (sets[i].hint && !strstr(e.hint, sets[i].hint)))
            fail_case(i, sets[i].set, &e);
    }
}

static void the_source_line_is_shown(void **state)
{
    struct pcl_scenario *s = NULL;
    struct pcl_err e;

    (void)state;
    assert_int_equal(pcl_scenario_parse("a.ini", SFG "tasks = zero\n", NULL, 0, &s, &e),
                     PCL_EINVAL);
    assert_string_equal(e.text, "tasks = zero");
    /* a caller that wants no message may pass none */
    assert_int_equal(pcl_scenario_parse("a.ini", SFG "tasks = zero\n", NULL, 0, &s, NULL),
                     PCL_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_shown_where_it_is),
        cmocka_unit_test(a_wrong_override_is_shown_as_one),
        cmocka_unit_test(the_source_line_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
