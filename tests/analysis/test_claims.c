/* Claims: every mistake in an expect line is pointed at, and verdicts follow from where
 * intervals lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include <pclsim/claims.h>

#include "golden.h"
#include "synthetic.h"

static struct pcl_err err;

static const char head[] =
    "[scenario]\n"
    "title = a test\n"
    "machine = server-2s\n"
    "duration = 10ms\n"
    "schemes = v5.8, v5.9-rc1, v5.9:page.unfairness=1\n"
    "[file f]\n"
    "size = 4k\n"
    "[group users]\n"
    "tasks = 4\n"
    "mix = pagelock:1\n"
    "think = exp:5us\n"
    "[grid]\n"
    "tasks = 1, 8, 64, 200\n"
    "[claim]\n"
    "id = T1\n"
    "proposition = strict hand-off of one hot page lock falls to 0.3 to 0.6 of "
    "the unfair lock at 200 users and equals it at 1\n"
    "source = a test\n"
    "note = nothing of this is real\n";

/* The scenario with these expect lines; their text begins at column 12 of line 19 and later. */
static struct pcl_scenario *scenario_with(const char *const *expr, size_t n)
{
    struct pcl_scenario *s = NULL;
    char text[8192];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", head);

    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "expect.%c = %s\n",
                               (char)('a' + i), expr[i]);
    if (pcl_scenario_parse("t.ini", text, NULL, 0, &s, &err) != PCL_OK)
        fail_msg("%u:%u: %s", err.line, err.col, err.msg);
    return s;
}

static void mistakes_are_pointed_at(void **state)
{
    static const struct {
        const char *expr;
        unsigned col; /* in the expression, from 1 */
        const char *msg, *hint;
    } rows[] = {
        {"throughput", 11, "want '(' and a scheme after 'throughput'", ""},
        {"42 > 1", 1, "want METRIC(SCHEME), found '42'", ""},
        {"throughput() > 1", 12, "want a scheme", ""},
        {"throughput(v5.7) at tasks=1 > 1", 12, "scheme 'v5.7' is not among", "v5.8"},
        {"throughput(v5.8 > 1", 12, "scheme 'v5.8 > 1' is not among", ""},
        {"throughput(v5.8,) > 1", 17, "want an operation or a lock", ""},
        {"throughput(v5.8, all > 1", 22, "want ')'", ""},
        {"throughput(v5.8) at task=1 > 1", 21, "'task' is no axis of the grid (tasks)", ""},
        {"throughput(v5.8) at tasks 1 > 1", 27, "want '=' and a value of tasks", ""},
        {"throughput(v5.8) at tasks=2 > 1", 27,
         "'2' is not on the grid: tasks has 1, 8, 64, 200", ""},
        {"throughput(v5.8) at tasks= > 1", 28, "want a value of tasks", ""},
        {"throughput(v5.8) at tasks=1, tasks=8 > 1", 30, "tasks is given twice", ""},
        {"throughput(v5.8) > 1", 1, "say where: at tasks=1", ""},
        {"throughput(v5.8) at tasks=1", 28, "want at, /, -, in, <, <=, >, >= or ==, found the end",
         ""},
        {"throughput(v5.8) at tasks=1 is 3", 29, "found 'is'", ""},
        {"throughput(v5.8) at tasks=1 > many", 31, "want a number", ""},
        {"throughput(v5.8) at tasks=1 >", 30, "want a number", ""},
        {"throughput(v5.8) at tasks=1 > 4k", 31, "want a number", ""},
        {"throughput(v5.8) at tasks=1 > 3 or so", 33, "want the end of the line, found 'or'",
         ""},
        {"throughput(v5.8) at tasks=1 in 3", 32, "want '[' LOW, HIGH ']' after in", ""},
        {"throughput(v5.8) at tasks=1 in [3]", 34, "want ',' and the upper end", ""},
        {"throughput(v5.8) at tasks=1 in [3, 4", 37, "want ']'", ""},
        {"throughput(v5.8) at tasks=1 in [4, 3]", 33, "the lower end is above the upper", ""},
        {"throughput(v5.8) / at tasks=1 > 3", 23, "want '(' and a scheme after 'at'", ""},
        {"throughput(v5.8) at tasks=1 / throughput(v5.9-rc1) > 3", 31, "say where", ""},
        {"argmax(throughput(v5.8)) > 3", 24, "want ',' and the axis", ""},
        {"argmax(throughput(v5.8), think) > 3", 26, "'think' is no axis", ""},
        {"argmax throughput(v5.8) > 3", 8, "want '(' and a metric", ""},
        {"argmax(throughput(v5.8), tasks) at tasks=1 > 3", 1, "cannot be fixed and searched",
         ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pcl_scenario *s = scenario_with(&rows[i].expr, 1);

        assert_int_equal(pcl_claim_check(s, &err), PCL_EINVAL);
        if (!strstr(err.msg, rows[i].msg) || err.line != 19 || err.col != rows[i].col + 11 ||
            strcmp(err.file, "t.ini") != 0 ||
            (rows[i].hint[0] && !strstr(err.hint, rows[i].hint)))
            fail_msg("'%s': want %u \"%s\", found %s:%u:%u \"%s\" (%s)", rows[i].expr,
                     rows[i].col + 11, rows[i].msg, err.file, err.line, err.col, err.msg,
                     err.hint);
        assert_memory_equal(err.text, "expect.a = ", 11);
        assert_int_equal(err.caret, err.col);
        pcl_scenario_free(s);
    }
}

static void a_mistake_in_an_override_has_no_line(void **state)
{
    static const char *const expr[] = {"throughput(v5.8) at tasks=1 > 1"};
    struct pcl_scenario *s = scenario_with(expr, 1);

    (void)state;
    s->claim.expect[0].line = s->claim.expect[0].col = 0;
    s->claim.expect[0].expr[17] = '!';
    assert_int_equal(pcl_claim_check(s, &err), PCL_EINVAL);
    assert_string_equal(err.file, "--set");
    assert_int_equal(err.line, 0);
    pcl_scenario_free(s);
}

/* v5.8 rises with tasks; v5.9-rc1 is equal at 1 and 8, peaks at 64 and falls; unfairness=1 is
 * equal but for noise of its own. contentions are exact; latency_p99 of v5.9-rc1 has no
 * samples. */
static void fill(struct pcl_dataset *d, uint32_t reps)
{
    static const char *const schemes[] = {"v5.8", "v5.9-rc1", "v5.9:page.unfairness=1"};
    static const char *const tasks[] = {"1", "8", "64", "200"};
    static const double rate[3][4] = {
        {7700, 30000, 48000, 48000}, {7700, 30000, 38000, 20100}, {7700, 30000, 48000, 48000}};

    pcl_dataset_init(d);
    for (unsigned t = 0; t < 4; t++)
        for (unsigned k = 0; k < 3; k++)
            for (uint32_t r = 0; r < reps; r++) {
                struct syn y;
                double v = rate[k][t] * (1 + .02 * syn_noise(r, t));

                syn_init(&y, schemes[k], "tasks", tasks[t], r);
                v *= k == 2 ? 1 + .02 * syn_noise(r, 99) : 1;
                syn_metrics(&y, v, k == 1 ? (double)NAN : 1e5 * (1 + .1 * syn_noise(r, 5)), 1e6,
                            8, t == 3 ? 50 : 0);
                pcl_dataset_add(d, &y.d, &y.r);
                syn_fini(&y);
            }
}

static void verdicts_follow_from_where_intervals_lie(void **state)
{
    static const struct {
        const char *expr;
        enum pcl_verdict verdict;
        const char *text; /* a part of it */
    } rows[] = {
        {"throughput(v5.9-rc1) / throughput(v5.8) at tasks=200 in [0.3, 0.6]", PCL_VERDICT_TRUE,
         "0.419"},
        {"throughput(v5.9-rc1) / throughput(v5.8) at tasks=200 > 0.7", PCL_VERDICT_FALSE,
         "0.419"},
        {"throughput(v5.9-rc1) / throughput(v5.8) at tasks=1 == 1", PCL_VERDICT_TRUE,
         "1.000 exact"},
        {"throughput(v5.9:page.unfairness=1) / throughput(v5.8) at tasks=200 >= 1",
         PCL_VERDICT_UNDECIDED, "["},
        {"throughput(v5.8) at tasks=1 in [7000, 8000]", PCL_VERDICT_TRUE, "7.7"},
        {"throughput(v5.8) at tasks=1 < 7000", PCL_VERDICT_FALSE, "op/s ["},
        {"throughput(v5.8) at tasks=1 == 7700", PCL_VERDICT_UNDECIDED, "op/s ["},
        {"throughput(v5.8) at tasks=1 == 1", PCL_VERDICT_FALSE, "op/s ["},
        {"latency_p99(v5.8) at tasks=1 <= 200us", PCL_VERDICT_TRUE, "us ["},
        {"latency_p99(v5.8) at tasks=1 > 0.2ms", PCL_VERDICT_FALSE, "us ["},
        {"latency_p99(v5.9-rc1) at tasks=1 > 0", PCL_VERDICT_UNDECIDED, "no samples"},
        {"contentions(v5.8, page) at tasks=200 == 50", PCL_VERDICT_TRUE, "50 exact"},
        {"contentions(v5.8, page) at tasks=200 > 50", PCL_VERDICT_FALSE, "50 exact"},
        {"contentions(v5.8, page) at tasks=1 == 0", PCL_VERDICT_TRUE, "0 exact"},
        {"throughput(v5.8) / contentions(v5.8, page) at tasks=1 > 0", PCL_VERDICT_UNDECIDED,
         "the divisor is 0"},
        {"steals(v5.8, page) at tasks=1 > 0", PCL_VERDICT_UNDECIDED, "not measured"},
        {"throughput(v5.8) at tasks=200 / throughput(v5.8) at tasks=1 in [6, 6.5]",
         PCL_VERDICT_TRUE, "6.2"},
        {"throughput(v5.8) - throughput(v5.9-rc1) at tasks=200 > 25000", PCL_VERDICT_TRUE,
         "op/s ["},
        {"throughput(v5.9-rc1) - throughput(v5.8) at tasks=200 > 25000", PCL_VERDICT_FALSE,
         "op/s ["},
        {"throughput(v5.8) - throughput(v5.9-rc1) at tasks=1 == 0", PCL_VERDICT_TRUE,
         "0 op/s exact"},
        {"throughput(v5.8) - steals(v5.8, page) at tasks=1 > 0", PCL_VERDICT_UNDECIDED,
         "was not measured"},
        {"argmax(throughput(v5.9-rc1), tasks) == 64", PCL_VERDICT_TRUE, "64"},
        {"argmax(throughput(v5.9-rc1), tasks) > 100", PCL_VERDICT_FALSE, "64"},
        {"argmax(throughput(v5.8), tasks) in [64, 200]", PCL_VERDICT_TRUE, "[or "},
        {"argmax(throughput(v5.8), tasks) < 100", PCL_VERDICT_UNDECIDED, "[or "},
        {"argmin(throughput(v5.9-rc1), tasks) == 1", PCL_VERDICT_TRUE, "1"},
        {"peak(throughput(v5.9-rc1), tasks) in [30000, 45000]", PCL_VERDICT_TRUE, "op/s ["},
        {"peak(throughput(v5.9-rc1), tasks) / throughput(v5.9-rc1) at tasks=200 > 1.7",
         PCL_VERDICT_TRUE, "1.8"},
        {"throughput(v5.9-rc1) at tasks=200 / peak(throughput(v5.9-rc1), tasks) < 60%",
         PCL_VERDICT_TRUE, "0.5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pcl_scenario *s = scenario_with(&rows[i].expr, 1);
        struct pcl_claim_result r;
        struct pcl_dataset d;

        fill(&d, 10);
        if (pcl_claim_evaluate(s, &d, 0, &r, &err) != PCL_OK)
            fail_msg("'%s': %s", rows[i].expr, err.msg);
        assert_int_equal(r.n_figures, 1);
        if (r.figure[0].verdict != rows[i].verdict || r.verdict != rows[i].verdict ||
            !strstr(r.figure[0].text, rows[i].text))
            fail_msg("'%s': %s, '%s'", rows[i].expr, pcl_verdict_name(r.figure[0].verdict),
                     r.figure[0].text);
        pcl_claim_result_fini(&r);
        pcl_dataset_fini(&d);
        pcl_scenario_free(s);
    }
}

static void one_replication_decides_nothing(void **state)
{
    static const char *const expr[] = {
        "throughput(v5.9-rc1) / throughput(v5.8) at tasks=200 < 0.6",
        "throughput(v5.8) at tasks=200 > 1",
        "argmax(throughput(v5.9-rc1), tasks) == 64",
        "peak(throughput(v5.9-rc1), tasks) > 1",
    };
    struct pcl_scenario *s = scenario_with(expr, 4);
    struct pcl_claim_result r;
    struct pcl_dataset d;

    (void)state;
    fill(&d, 1);
    assert_int_equal(pcl_claim_evaluate(s, &d, 0, &r, &err), PCL_OK);
    assert_int_equal(r.verdict, PCL_VERDICT_UNDECIDED);
    for (size_t i = 0; i < r.n_figures; i++)
        assert_int_equal(r.figure[i].verdict, PCL_VERDICT_UNDECIDED);
    assert_non_null(strstr(r.figure[0].text, "fewer than 2 replications"));
    pcl_claim_result_fini(&r);
    pcl_dataset_fini(&d);
    pcl_dataset_init(&d);
    assert_int_equal(pcl_claim_evaluate(s, &d, 0, &r, &err), PCL_OK);
    assert_int_equal(r.verdict, PCL_VERDICT_UNDECIDED);
    assert_string_equal(r.figure[1].text, "no results");
    pcl_claim_result_fini(&r);
    pcl_dataset_fini(&d);
    pcl_scenario_free(s);
}

static void a_claim_is_as_true_as_its_weakest_line(void **state)
{
    static const char *const expr[] = {
        "throughput(v5.8) at tasks=1 > 1",       /* true */
        "argmax(throughput(v5.8), tasks) < 100", /* undecided */
        "throughput(v5.8) at tasks=1 < 1",       /* false */
    };
    static const enum pcl_verdict want[] = {PCL_VERDICT_TRUE, PCL_VERDICT_UNDECIDED,
                                            PCL_VERDICT_FALSE};
    struct pcl_dataset d;

    (void)state;
    fill(&d, 10);
    for (size_t n = 1; n <= 3; n++) {
        struct pcl_scenario *s = scenario_with(expr, n);
        struct pcl_claim_result r;

        assert_int_equal(pcl_claim_evaluate(s, &d, 0, &r, &err), PCL_OK);
        assert_int_equal(r.verdict, want[n - 1]);
        pcl_claim_result_fini(&r);
        pcl_scenario_free(s);
    }
    pcl_dataset_fini(&d);
}

static char *print(void (*put)(FILE *, const struct pcl_claim_result *, size_t),
                   const struct pcl_claim_result *r, size_t n)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    put(f, r, n);
    (void)fclose(f);
    return text;
}

static void verdicts_are_printed_for_people_and_programs(void **state)
{
    static const char *const expr[] = {
        "throughput(v5.9-rc1) / throughput(v5.8) at tasks=200 in [0.3, 0.6]",
        "throughput(v5.9:page.unfairness=1) / throughput(v5.8) at tasks=200 >= 1",
        "argmax(throughput(v5.8), tasks) < 1"};
    struct pcl_scenario *s = scenario_with(expr, 3);
    struct pcl_claim_result r[2];
    struct pcl_dataset d;
    json_t *j, *o;
    char *text;

    (void)state;
    fill(&d, 10);
    assert_int_equal(pcl_claim_evaluate(s, &d, 0, &r[0], &err), PCL_OK);
    r[1] = r[0];
    r[1].failed = 3;
    text = print(pcl_claims_text, r, 2);
    mail_ready(text);
    golden("claims.txt", text);
    free(text);
    text = print(pcl_claims_json, r, 2);
    j = json_loads(text, 0, NULL);
    assert_non_null(j);
    assert_int_equal(json_array_size(j), 2);
    o = json_array_get(j, 0);
    assert_string_equal(json_string_value(json_object_get(o, "id")), "T1");
    assert_string_equal(json_string_value(json_object_get(o, "verdict")), "false");
    assert_int_equal(strncmp(json_string_value(json_object_get(o, "proposition")), "strict", 6),
                     0);
    assert_int_equal(json_object_size(json_object_get(o, "figures")), 3);
    assert_true(json_is_string(json_object_get(json_object_get(o, "figures"), "a")));
    json_decref(j);
    free(text);
    text = print(pcl_claims_json, r, 0);
    assert_string_equal(text, "[]\n");
    free(text);
    pcl_claim_result_fini(&r[0]);
    pcl_dataset_fini(&d);
    pcl_scenario_free(s);
}

/* cheap: fast and small; fast: faster, larger; dear: slower than fast and larger than cheap. */
static void the_front_is_who_nobody_beats(void **state)
{
    static const struct {
        const char *scheme;
        double latency, bytes;
        bool best;
    } rows[] = {{"v5.8", 200, 10, true}, {"v5.9-rc1", 100, 30, true},
                {"v5.9:page.unfairness=1", 150, 30, false}};
    struct pcl_claim_result out;
    const char *expr[] = {"throughput(v5.8) at tasks=1 > 0"};
    struct pcl_scenario *s = scenario_with(expr, 1);
    struct pcl_dataset d;

    (void)state;
    pcl_dataset_init(&d);
    for (size_t i = 0; i < 3; i++) {
        struct syn x;

        syn_init(&x, rows[i].scheme, "tasks", "1", 0);
        syn_metrics(&x, 1, rows[i].latency, 0, rows[i].bytes, 0);
        pcl_dataset_add(&d, &x.d, &x.r);
        syn_fini(&x);
    }
    s->claim.front = pcl_arena_strdup(&s->arena, "latency_p99, contentions/page , bytes_static/all");
    assert_int_equal(pcl_claim_evaluate(s, &d, 0, &out, &err), PCL_OK);
    assert_int_equal(out.n_columns, 3);
    assert_string_equal(out.column[1].object, "page");
    assert_int_equal(out.n_rows, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(out.row[i].value[0] == rows[i].latency);
        assert_int_equal(out.row[i].best, rows[i].best);
    }
    assert_string_equal(out.row[0].label, "v5.8 at tasks=1");
    pcl_claim_result_fini(&out);
    pcl_dataset_fini(&d);
    pcl_scenario_free(s);
}

/* Of an exploration one run says all: no interval, and a sentence with its bound. */
static void an_explored_claim_needs_one_run(void **state)
{
    struct pcl_claim_result out;
    const char *expr[] = {"violations(v5.8, stale data) at tasks=1 == 1"};
    struct pcl_scenario *s = scenario_with(expr, 1);
    struct pcl_dataset d;

    (void)state;
    s->explore.on = true;
    pcl_dataset_init(&d);
    for (int found = 0; found < 2; found++) {
        struct syn x;

        syn_init(&x, found ? "v5.8" : "v5.9-rc1", "tasks", "1", 0);
        (void)pcl_result_add(&x.r, "violations", "all", "count", PCL_BETTER_LOWER, found);
        (void)pcl_result_add(&x.r, "violations", "stale data", "count", PCL_BETTER_LOWER, found);
        (void)pcl_result_add(&x.r, "exhausted_preemptions", "all", "count", PCL_BETTER_NONE, 3);
        (void)pcl_result_add(&x.r, "states", "all", "count", PCL_BETTER_NONE, 1234);
        pcl_dataset_add(&d, &x.d, &x.r);
        syn_fini(&x);
    }
    assert_int_equal(pcl_claim_evaluate(s, &d, 0, &out, &err), PCL_OK);
    assert_int_equal(out.verdict, PCL_VERDICT_TRUE);
    assert_int_equal(out.n_explored, 2);
    assert_string_equal(out.explored[0],
                        "v5.9-rc1: no violation; exhausted up to 3 preemptions, 1.23k states");
    assert_string_equal(out.explored[1], "v5.8: stale data, after 1.23k states");
    pcl_claim_result_fini(&out);
    s->explore.on = false; /* the same numbers from timed runs decide nothing */
    assert_int_equal(pcl_claim_evaluate(s, &d, 0, &out, &err), PCL_OK);
    assert_int_equal(out.verdict, PCL_VERDICT_UNDECIDED);
    assert_int_equal(out.n_explored, 0);
    pcl_claim_result_fini(&out);
    pcl_dataset_fini(&d);
    pcl_scenario_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_pointed_at),
        cmocka_unit_test(a_mistake_in_an_override_has_no_line),
        cmocka_unit_test(verdicts_follow_from_where_intervals_lie),
        cmocka_unit_test(one_replication_decides_nothing),
        cmocka_unit_test(a_claim_is_as_true_as_its_weakest_line),
        cmocka_unit_test(the_front_is_who_nobody_beats),
        cmocka_unit_test(an_explored_claim_needs_one_run),
        cmocka_unit_test(verdicts_are_printed_for_people_and_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
