/* The comparison: verdicts follow from the numbers, and its three forms are well-formed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include <pclsim/compare.h>

#include "golden.h"
#include "synthetic.h"

static struct pcl_err err;

static const char *const names[] = {"v5.8",
                                    "v5.9-rc1",
                                    "v5.9",
                                    "page-only",
                                    "range-tree:page=handoff",
                                    "v5.9:page.unfairness=100:iolock=interval-tree:page.x=1"};
static const double rates[] = {402e3, 211e3, 399e3, 410e3, 380e3, 400e3};
static const double p99s[] = {18.3e3, 92.1e3, 19e3, 18e3, 20e3, 18.5e3};
static const double waits[] = {41.7e6, 6.2e6, 9.9e6, 40e6, 7e6, 39e6};

/* With 2 tasks all schemes do the same and nothing is contended; with 64 they differ. */
static void fill(struct pcl_dataset *d, size_t n_schemes, uint32_t reps)
{
    static const char *const tasks[] = {"2", "64"};

    pcl_dataset_init(d);
    for (unsigned t = 0; t < 2; t++)
        for (unsigned s = 0; s < n_schemes; s++)
            for (uint32_t r = 0; r < reps; r++) {
                double common = syn_noise(r, 1), own = syn_noise(r, 2 + s);
                unsigned k = t ? s : 0;
                struct syn y;

                syn_init(&y, names[s], "tasks", tasks[t], r);
                if (t == 0)
                    own = 0;
                syn_metrics(&y, rates[k] * (1 + .05 * common + .02 * own),
                            p99s[k] * (1 + .1 * common + .05 * own), waits[k] * (1 + .3 * own),
                            s == 4 ? 40 : 8, t ? 100 + own : 0);
                pcl_dataset_add(d, &y.d, &y.r);
                syn_fini(&y);
            }
}

static char *text_of(const struct pcl_dataset *d, const struct pcl_compare_opts *o)
{
    struct pcl_comparison *c = NULL;
    char *text = NULL;
    size_t size;
    FILE *f;

    if (pcl_compare(d, o, &c, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    f = open_memstream(&text, &size);
    pcl_compare_text(f, c, d, o);
    (void)fclose(f);
    pcl_comparison_free(c);
    return text;
}

static void a_table_is_ready_for_mail(void **state)
{
    static const struct {
        const char *file;
        size_t schemes;
        uint32_t reps;
        const char *baseline;
    } rows[] = {
        {"compare-1.txt", 1, 10, NULL},   {"compare-2.txt", 2, 10, NULL},
        {"compare-4.txt", 4, 10, "v5.9"}, {"compare-6.txt", 6, 3, "range-tree:page=handoff"},
        {"compare-rep1.txt", 3, 1, NULL}, {"compare-rep2.txt", 3, 2, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pcl_compare_opts o = {
            .baseline = rows[i].baseline, .db = "demo.db", .command = "pclsim compare demo.db"};
        struct pcl_dataset d;
        char *text;

        fill(&d, rows[i].schemes, rows[i].reps);
        text = text_of(&d, &o);
        mail_ready(text);
        golden(rows[i].file, text);
        free(text);
        pcl_dataset_fini(&d);
    }
}

static void a_mail_shows_costs_and_the_worst_whatever_was_chosen(void **state)
{
    const char *metric = "throughput";
    struct pcl_compare_opts o = {
        .metrics = &metric, .n_metrics = 1, .mail = true, .command = "pclsim compare demo.db"};
    struct pcl_dataset d;
    char *text;

    (void)state;
    fill(&d, 3, 10);
    text = text_of(&d, &o);
    mail_ready(text);
    golden("compare-mail.txt", text);
    assert_memory_equal(text, "Simulated", 9);
    assert_non_null(strstr(text, "bytes static"));
    assert_non_null(strstr(text, "latency p50")); /* not chosen, but it got worse */
    free(text);
    pcl_dataset_fini(&d);
}

static void markdown_keeps_to_its_tables(void **state)
{
    struct pcl_compare_opts o = {.command = "pclsim compare demo.db --md"};
    struct pcl_comparison *c = NULL;
    struct pcl_dataset d;
    char *text = NULL;
    size_t size;
    FILE *f;

    (void)state;
    fill(&d, 3, 10);
    for (size_t i = 0; i < d.n_configs; i++)
        if (strcmp(d.config[i]->desc.scheme, "v5.9") == 0)
            d.config[i]->desc.scheme = "a|b*c";
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_OK);
    f = open_memstream(&text, &size);
    pcl_compare_md(f, c, &d, &o);
    (void)fclose(f);
    assert_non_null(strstr(text, "a\\|b\\*c"));
    golden("compare-md.txt", text);
    free(text);
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
}

static void a_regression_has_a_size(void **state)
{
    const char *metric = "throughput";
    struct pcl_compare_opts o = {.metrics = &metric, .n_metrics = 1};
    struct pcl_comparison *c = NULL;
    struct pcl_dataset d;

    (void)state;
    fill(&d, 2, 10); /* 402k to 211k: -47.5 % */
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_OK);
    assert_true(pcl_compare_worse_by(c, 0));
    assert_true(pcl_compare_worse_by(c, 0.45));
    assert_false(pcl_compare_worse_by(c, 0.5));
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
}

static const struct pcl_cell *cell(const struct pcl_comparison *c, size_t block,
                                   const char *metric, size_t scheme)
{
    for (size_t r = 0; r < c->block[block].n_rows; r++)
        if (strcmp(c->block[block].row[r].name, metric) == 0)
            return &c->block[block].row[r].cell[scheme];
    fail_msg("no row %s", metric);
    return NULL;
}

static void verdicts_follow_from_the_numbers(void **state)
{
    struct pcl_compare_opts o = {0};
    struct pcl_comparison *c;
    struct pcl_dataset d;
    const struct pcl_cell *x;

    (void)state;
    fill(&d, 5, 10);
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_OK);
    assert_int_equal(c->n_blocks, 2);
    /* nothing differs: every pair is equal, exactly */
    x = cell(c, 0, "throughput", 1);
    assert_true(x->against.equal && x->mark == PCL_MARK_NOT && !x->worse);
    /* half the throughput */
    x = cell(c, 1, "throughput", 1);
    assert_true(x->mark == PCL_MARK_SIGNIFICANT && x->worse && x->p_holm < 0.05);
    assert_true(x->p_holm >= x->against.p);
    assert_true(x->against.ratio.hi < 0.55 && x->against.ratio.lo > 0.45);
    x = cell(c, 1, "throughput", 2);
    assert_true(x->mark == PCL_MARK_NOT);
    x = cell(c, 1, "longest_wait", 1);
    assert_true(x->mark == PCL_MARK_SIGNIFICANT && !x->worse);
    /* bytes do not vary between replications: exact, and no part of the correction */
    x = cell(c, 1, "bytes_static", 4);
    assert_true(x->mark == PCL_MARK_SIGNIFICANT && x->worse &&
                x->against.ratio.kind == PCL_CI_EXACT && x->against.ratio.mean == 5);
    assert_true(c->any_worse);
    assert_true(c->block[0].no_page_contended && !c->block[1].no_page_contended);
    assert_int_equal(c->n_tests, 4 * 6);
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
}

/* Sampled values that differ by the same step in every pair: a coarse quantile may do that by
 * chance. Bytes are counted, and differ. */
static void a_constant_difference_of_sampled_values_needs_replications(void **state)
{
    (void)state;
    for (uint32_t reps = 3; reps <= 10; reps += 7) {
        struct pcl_compare_opts o = {0};
        struct pcl_comparison *c;
        struct pcl_dataset d;

        pcl_dataset_init(&d);
        for (unsigned s = 0; s < 2; s++)
            for (uint32_t r = 0; r < reps; r++) {
                struct syn y;

                syn_init(&y, names[s], NULL, NULL, r);
                (void)pcl_result_add(&y.r, "latency_p50", "all", "ns", PCL_BETTER_LOWER,
                                     s ? 1051 : 1035);
                (void)pcl_result_add(&y.r, "bytes_static", "all", "B", PCL_BETTER_LOWER,
                                     s ? 40 : 8);
                pcl_dataset_add(&d, &y.d, &y.r);
                syn_fini(&y);
            }
        assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_OK);
        assert_int_equal(cell(c, 0, "latency_p50", 1)->mark,
                         reps == 3 ? PCL_MARK_NOT : PCL_MARK_SIGNIFICANT);
        assert_int_equal(cell(c, 0, "bytes_static", 1)->mark, PCL_MARK_SIGNIFICANT);
        assert_int_equal(c->n_tests, 1);
        pcl_comparison_free(c);
        pcl_dataset_fini(&d);
    }
}

/* Runs of white space become one blank: where lines break is no part of what is said. */
static void unwrap(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++)
        if ((*from != ' ' && *from != '\n') || (to > text && to[-1] != ' '))
            *to++ = *from == '\n' ? ' ' : *from;
    *to = '\0';
}

/* Two schemes, so many replications; put() adds what a run of a scheme has. */
static struct pcl_comparison *
made(struct pcl_dataset *d, uint32_t reps, double practical,
     void (*put)(struct pcl_result *r, unsigned scheme, uint32_t rep), char **text)
{
    struct pcl_compare_opts o = {.practical = practical};
    struct pcl_comparison *c;

    pcl_dataset_init(d);
    for (unsigned s = 0; s < 2; s++)
        for (uint32_t r = 0; r < reps; r++) {
            struct syn y;

            syn_init(&y, names[s], NULL, NULL, r);
            y.d.config.scenario_text = "[scenario]\nwarmup = auto\nduration = 1s\n";
            y.r.warmup_ns += r * 1000000;
            put(&y.r, s, r);
            pcl_dataset_add(d, &y.d, &y.r);
            syn_fini(&y);
        }
    *text = text_of(d, &o);
    mail_ready(*text);
    unwrap(*text);
    assert_int_equal(pcl_compare(d, &o, &c, &err), PCL_OK);
    return c;
}

static void put_throughput(struct pcl_result *r, double v)
{
    (void)pcl_result_add(r, "throughput", "all", "op/s", PCL_BETTER_HIGHER, v);
}

static void a_little_slower(struct pcl_result *r, unsigned scheme, uint32_t rep)
{
    put_throughput(r,
                   1000 + 50 * syn_noise(rep, 1) - (scheme ? 5 + 0.1 * syn_noise(rep, 2) : 0));
    (void)pcl_result_add(r, "steady", "all", "ratio", PCL_BETTER_HIGHER, 1);
}

static void a_star_needs_a_change_that_matters(void **state)
{
    struct pcl_comparison *c;
    struct pcl_dataset d;
    char *text;

    (void)state;
    c = made(&d, 10, 0, a_little_slower, &text);
    assert_true(cell(c, 0, "throughput", 1)->mark == PCL_MARK_SMALL && !c->any_worse);
    assert_true(cell(c, 0, "throughput", 1)->p_holm < 0.001);
    assert_non_null(strstr(text, ". significant but under 1%"));
    assert_non_null(strstr(text, "to 109 ms (MSER-5)"));
    assert_non_null(strstr(text, "times the replications"));
    assert_null(strstr(text, "!"));
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
    c = made(&d, 10, -1, a_little_slower, &text);
    assert_true(cell(c, 0, "throughput", 1)->mark == PCL_MARK_SIGNIFICANT && c->any_worse);
    assert_null(strstr(text, "under"));
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
}

/* Pairs that share all their noise but a 500th of it. */
static void what_pairing_gained_is_shown(void **state)
{
    const struct pcl_paired *p;
    struct pcl_comparison *c;
    struct pcl_dataset d;
    char *text;

    (void)state;
    c = made(&d, 10, 0, a_little_slower, &text);
    p = &cell(c, 0, "throughput", 1)->against;
    assert_true(p->corr > 0.999 && p->gain > 10000);
    assert_true(fabs(p->gain * p->diff.sd * p->diff.sd /
                         (2 * pow(cell(c, 0, "throughput", 0)->value.sd, 2)) -
                     1) < 0.01);
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
}

static void convoy(struct pcl_result *r, unsigned scheme, uint32_t rep)
{
    bool two = scheme == 1 && rep < 3;

    put_throughput(r, (scheme ? 600 : 1000) + 50 * syn_noise(rep, 1));
    (void)pcl_result_add(r, "modes", "throughput", "count", PCL_BETTER_NONE, two ? 2 : 1);
    if (!two)
        return;
    (void)pcl_result_add(r, "mode_low", "throughput", "op/s", PCL_BETTER_NONE, 211e3);
    (void)pcl_result_add(r, "mode_high", "throughput", "op/s", PCL_BETTER_NONE, 402e3);
    (void)pcl_result_add(r, "mode_low_share", "throughput", "ratio", PCL_BETTER_NONE, 0.31);
    (void)pcl_result_add(r, "mode_low_dwell", "throughput", "ns", PCL_BETTER_NONE, 12e6);
    (void)pcl_result_add(r, "mode_high_dwell", "throughput", "ns", PCL_BETTER_NONE, 27e6);
}

static void one_of_two(struct pcl_result *r, unsigned scheme, uint32_t rep)
{
    put_throughput(r, (scheme && rep % 3 == 0 ? 400 : 1000) + 10 * syn_noise(rep, 1));
}

static void modes_stand_in_place_of_an_interval(void **state)
{
    struct pcl_comparison *c;
    struct pcl_dataset d;
    char *text;

    (void)state;
    c = made(&d, 10, 0, convoy, &text);
    assert_true(cell(c, 0, "throughput", 1)->mark == PCL_MARK_MODES && !c->any_worse);
    assert_true(c->n_tests == 0 && !cell(c, 0, "throughput", 0)->modes);
    assert_non_null(strstr(text, "modes M"));
    assert_non_null(strstr(text, "METASTABLE in 3 of 10 runs: throughput 211k"));
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
    c = made(&d, 20, 0, convoy, &text); /* 3 of 20: chance */
    assert_true(cell(c, 0, "throughput", 1)->mark == PCL_MARK_SIGNIFICANT);
    assert_null(strstr(text, "METASTABLE"));
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
    c = made(&d, 12, 0, one_of_two, &text);
    assert_true(cell(c, 0, "throughput", 1)->mark == PCL_MARK_MODES);
    assert_non_null(strstr(text, "in 4 runs and about"));
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
}

static void restless(struct pcl_result *r, unsigned scheme, uint32_t rep)
{
    put_throughput(r, 1000 + 50 * syn_noise(rep, 1));
    (void)pcl_result_add(r, "steady", "all", "ratio", PCL_BETTER_HIGHER, !(scheme && rep == 2));
}

static void no_steady_state_is_said_loudly(void **state)
{
    struct pcl_comparison *c;
    struct pcl_dataset d;
    char *text;

    (void)state;
    c = made(&d, 10, 0, restless, &text);
    assert_non_null(strstr(text, "NO STEADY STATE in 1 of 10 runs"));
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
}

static void by_itself(struct pcl_result *r, unsigned scheme, uint32_t rep)
{
    (void)rep;
    put_throughput(r, scheme ? 900 : 1000);
    (void)pcl_result_add(r, "latency_p99", "all", "ns", PCL_BETTER_LOWER, 500);
    (void)pcl_result_add(r, "batch_se", "throughput", "op/s", PCL_BETTER_NONE, 10);
    (void)pcl_result_add(r, "batch_count", "throughput", "count", PCL_BETTER_NONE, 30);
    (void)pcl_result_add(r, "latency_p99_lo", "all", "ns", PCL_BETTER_NONE, 480);
    (void)pcl_result_add(r, "latency_p99_hi", "all", "ns", PCL_BETTER_NONE, 530);
}

static void one_run_has_intervals_of_its_own(void **state)
{
    const struct pcl_cell *x;
    struct pcl_comparison *c;
    struct pcl_dataset d;
    char *text;

    (void)state;
    c = made(&d, 1, 0, by_itself, &text);
    x = cell(c, 0, "throughput", 0);
    assert_true(x->one_run && x->value.kind == PCL_CI_INTERVAL);
    assert_true(fabs(x->value.half - 10 * 2.0452296) < 1e-6); /* t of 29 degrees of freedom */
    x = cell(c, 0, "latency_p99", 1);
    assert_true(x->one_run && x->value.lo == 480 && x->value.hi == 530);
    assert_int_equal(x->mark, PCL_MARK_TOO_FEW); /* a difference takes replications */
    assert_non_null(strstr(text, "by itself: throughput +-2%, latency p99 +-6%"));
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
    c = made(&d, 2, 0, by_itself, &text);
    assert_false(cell(c, 0, "throughput", 0)->one_run);
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    free(text);
}

static void an_uncontended_recording_is_explained_in_one_sentence(void **state)
{
    struct pcl_compare_opts o = {0};
    struct pcl_dataset d;
    char *text;

    (void)state;
    pcl_dataset_init(&d);
    for (unsigned s = 0; s < 3; s++)
        for (uint32_t r = 0; r < 4; r++) {
            struct syn y;

            syn_init(&y, names[s], "clone", "1", r);
            y.d.config.kind = "trace";
            y.d.config.workload = "sqlite-insert.strace";
            y.d.config.title = "";
            y.d.config.label = "as recorded: 2 threads";
            y.d.config.scenario_text = "";
            y.d.config.replay = "think, 1 copy, fs xfs";
            y.d.config.trace_sha256 =
                "1f3a5c00000000000000000000000000000000000000000000000000000000aa";
            y.r.warmup_ns = 0;
            syn_metrics(&y, 81.2e3, 9000, 0, 8, 0);
            (void)pcl_result_add(&y.r, "contentions", "iolock", "count", PCL_BETTER_LOWER, 7);
            pcl_dataset_add(&d, &y.d, &y.r);
            syn_fini(&y);
        }
    text = text_of(&d, &o);
    mail_ready(text);
    assert_non_null(strstr(text,
                           "no page is contended in this recording: the page lock makes no\n"
                           "  difference\n"));
    assert_non_null(strstr(text, "exact"));
    golden("compare-trace.txt", text);
    free(text);
    pcl_dataset_fini(&d);
}

static void a_metric_can_be_chosen(void **state)
{
    static const char *const by_name[] = {"throughput", "contentions(page)"};
    struct pcl_compare_opts o = {.metrics = by_name, .n_metrics = 2, .brief = true};
    struct pcl_comparison *c;
    struct pcl_dataset d;
    const char *bad;

    (void)state;
    fill(&d, 2, 3);
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_OK);
    assert_int_equal(c->block[0].n_rows, 2);
    assert_string_equal(c->block[0].row[1].object, "page");
    pcl_comparison_free(c);

    bad = "througput";
    o = (struct pcl_compare_opts){.metrics = &bad, .n_metrics = 1};
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_EINVAL);
    assert_string_equal(err.hint, "did you mean 'throughput'?");
    assert_non_null(strstr(err.msg, "longest_wait"));
    bad = "contentions(pages)";
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_EINVAL);
    assert_non_null(strstr(err.msg, "is known of page"));
    bad = "contentions(page";
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_EINVAL);
    o = (struct pcl_compare_opts){.baseline = "v5.9-rc"};
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_EINVAL);
    assert_string_equal(err.hint, "did you mean 'v5.9-rc1'?");
    pcl_dataset_fini(&d);
    pcl_dataset_init(&d);
    o = (struct pcl_compare_opts){0};
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_EINVAL);
    pcl_dataset_fini(&d);
}

static void json_is_valid_and_has_the_numbers(void **state)
{
    struct pcl_compare_opts o = {0};
    struct pcl_comparison *c;
    struct pcl_dataset d;
    char *text = NULL;
    size_t size;
    FILE *f;
    json_error_t je;
    json_t *root, *j, *cells;

    (void)state;
    fill(&d, 3, 1);
    d.config[0]->run[0].seed = UINT64_MAX;
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_OK);
    f = open_memstream(&text, &size);
    pcl_compare_json(f, c);
    (void)fclose(f);
    root = json_loads(text, 0, &je);
    if (!root)
        fail_msg("%s", je.text);
    j = json_array_get(json_object_get(root, "blocks"), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(j, "params"), "tasks")), "2");
    assert_string_equal(json_string_value(json_array_get(json_object_get(j, "seeds"), 0)),
                        "18446744073709551615");
    cells = json_object_get(json_array_get(json_object_get(j, "rows"), 0), "cells");
    assert_int_equal(json_array_size(cells), 3);
    assert_true(json_is_null(json_object_get(json_array_get(cells, 1), "p")));
    json_decref(root);
    free(text);
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
}

static void csv_has_a_row_per_cell(void **state)
{
    struct pcl_compare_opts o = {0};
    struct pcl_comparison *c;
    struct pcl_dataset d;
    char *text = NULL, *p;
    size_t size, rows = 0, cells = 0;
    FILE *f;

    (void)state;
    fill(&d, 3, 4);
    d.config[0]->desc.workload = "a \"quoted\", name";
    d.config[0]->desc.label = "x";
    assert_int_equal(pcl_compare(&d, &o, &c, &err), PCL_OK);
    f = open_memstream(&text, &size);
    pcl_compare_csv(f, c);
    (void)fclose(f);
    for (size_t b = 0; b < c->n_blocks; b++)
        cells += c->block[b].n_rows * c->block[b].n_schemes;
    for (p = text; (p = strchr(p, '\n')); p++)
        rows++;
    assert_int_equal(rows, cells + 1);
    assert_non_null(
        strstr(text, "\n\"a \"\"quoted\"\", name\",x,tasks = 2,server-2s,throughput,"));
    assert_null(strstr(text, "nan"));
    free(text);
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
}

static void other_metrics_are_shown_generically(void **state)
{
    struct pcl_compare_opts o = {.brief = true};
    struct pcl_dataset d;
    char *text;

    (void)state;
    pcl_dataset_init(&d);
    for (unsigned s = 0; s < 2; s++)
        for (uint32_t r = 0; r < 3; r++) {
            struct syn y;

            syn_init(&y, names[s], NULL, NULL, r);
            (void)pcl_result_add(&y.r, "walk_length", "page", "entries", PCL_BETTER_LOWER,
                                 s ? 3000 + r : 0);
            (void)pcl_result_add(&y.r, "odd", "all", "ratio", PCL_BETTER_NONE, (double)NAN);
            pcl_dataset_add(&d, &y.d, &y.r);
            syn_fini(&y);
        }
    text = text_of(&d, &o);
    mail_ready(text);
    if (!strstr(text, "page walk length"))
        fail_msg("%s", text);
    assert_non_null(strstr(text, "from 0"));
    assert_null(strstr(text, "odd"));
    free(text);
    pcl_dataset_fini(&d);
}

static void names_of_metrics_read_well(void **state)
{
    static const char *const rows[][3] = {{"latency_p99", "write", "write p99"},
                                          {"latency_p99", "all", "latency p99"},
                                          {"ctx_switches_per_op", "all", "ctx switches/op"},
                                          {"wait_p99", "page", "page wait p99"},
                                          {"bytes_static", "locks", "locks static"},
                                          {"throughput", "", "throughput"}};
    char buf[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(pcl_metric_label(rows[i][0], rows[i][1], buf, sizeof(buf)),
                            rows[i][2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_ready_for_mail),
        cmocka_unit_test(a_mail_shows_costs_and_the_worst_whatever_was_chosen),
        cmocka_unit_test(markdown_keeps_to_its_tables),
        cmocka_unit_test(a_regression_has_a_size),
        cmocka_unit_test(verdicts_follow_from_the_numbers),
        cmocka_unit_test(a_constant_difference_of_sampled_values_needs_replications),
        cmocka_unit_test(a_star_needs_a_change_that_matters),
        cmocka_unit_test(what_pairing_gained_is_shown),
        cmocka_unit_test(modes_stand_in_place_of_an_interval),
        cmocka_unit_test(no_steady_state_is_said_loudly),
        cmocka_unit_test(one_run_has_intervals_of_its_own),
        cmocka_unit_test(an_uncontended_recording_is_explained_in_one_sentence),
        cmocka_unit_test(a_metric_can_be_chosen),
        cmocka_unit_test(json_is_valid_and_has_the_numbers),
        cmocka_unit_test(csv_has_a_row_per_cell),
        cmocka_unit_test(other_metrics_are_shown_generically),
        cmocka_unit_test(names_of_metrics_read_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
