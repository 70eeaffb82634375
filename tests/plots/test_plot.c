/* Figures: files appear whole, equal data give equal bytes, user text does no harm, and without
 * gnuplot the script is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include <pclsim/plot.h>

#include "golden.h"
#include "synthetic.h"

static char dir[] = "/tmp/pclsim-plot-XXXXXX";
static struct pcl_err err;
static char *real_path;

static const char *const forms[] = {"png", "svg", "pdf", "txt"};
static const char *const schemes[] = {
    "v5.8",      "v5.9-rc1",   "v5.9",
    "page-only", "range-tree", "v5.9:page.unfairness=100:iolock=interval-tree"};

static void fill(struct pcl_dataset *d, size_t n_schemes, const char *param,
                 const char *const *values, size_t n_values, uint32_t reps)
{
    pcl_dataset_init(d);
    for (size_t v = 0; v < n_values; v++)
        for (unsigned s = 0; s < n_schemes; s++)
            for (uint32_t r = 0; r < reps; r++) {
                struct syn y;

                syn_init(&y, schemes[s], param, values ? values[v] : NULL, r);
                syn_metrics(&y, 1000.0 * (double)(v + 1) * (1 + .1 * syn_noise(r, s)),
                            1e4 * (double)(s + 1), 1e6 * pow(10, (double)v), 8, 3);
                pcl_dataset_add(d, &y.d, &y.r);
                syn_fini(&y);
            }
}

static const char *const tasks[] = {"1", "2", "4", "64", "8"};
static const char *const words[] = {"none", "voluntary", "full"};

static char *slurp(const char *path, size_t *n)
{
    char *data = NULL;

    if (pcl_read_file(path, 1 << 24, &data, n, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    return data;
}

static const char *in_dir(const char *name)
{
    static char path[4][160];
    static unsigned at;

    at = (at + 1) % 4;
    (void)snprintf(path[at], sizeof(path[at]), "%s/%s", dir, name);
    return path[at];
}

static void plot_ok(const struct pcl_dataset *d, const struct pcl_plot_opts *o)
{
    if (pcl_plot(d, o, &err) != PCL_OK)
        fail_msg("%s", err.msg);
}

static void every_form_is_drawn_and_equal_data_give_equal_bytes(void **state)
{
    static const char *const magic[] = {"\x89PNG", "<?xml", "%PDF", NULL};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (int bars = 0; bars < 2; bars++) {
            char name[32];
            struct pcl_dataset d;
            struct pcl_plot_opts o = {0};
            size_t na, nb;
            char *a, *b;

            fill(&d, 3, bars ? "machine.preempt" : "tasks", bars ? words : tasks, bars ? 3 : 5,
                 4);
            (void)snprintf(name, sizeof(name), "equal.%s", forms[i]);
            o.out = in_dir(name);
            plot_ok(&d, &o);
            a = slurp(o.out, &na);
            plot_ok(&d, &o);
            b = slurp(o.out, &nb);
            assert_int_equal(na, nb);
            assert_memory_equal(a, b, na);
            if (magic[i])
                assert_memory_equal(a, magic[i], strlen(magic[i]));
            else
                mail_ready(a);
            (void)snprintf(name, sizeof(name), "equal.%s.gp", forms[i]);
            assert_int_not_equal(access(in_dir(name), F_OK), 0);
            free(a);
            free(b);
            pcl_dataset_fini(&d);
        }
}

static void a_text_figure_has_letters_and_a_key(void **state)
{
    struct pcl_dataset d;
    struct pcl_plot_opts o = {.out = in_dir("letters.txt")};
    char *text;
    size_t n;

    (void)state;
    fill(&d, 6, "tasks", tasks, 5, 4);
    plot_ok(&d, &o);
    text = slurp(o.out, &n);
    mail_ready(text);
    assert_non_null(strstr(text, "A v5.8   B v5.9-rc1   C v5.9"));
    assert_non_null(strstr(text, "throughput (k op/s), higher is better"));
    assert_non_null(strstr(text, "many readers fault one page"));
    assert_non_null(strstr(text, "4 replications"));
    free(text);
    pcl_dataset_fini(&d);

    /* initials serve where they differ */
    fill(&d, 6, "tasks", tasks, 5, 4);
    for (size_t i = 0; i < d.n_configs; i++)
        if (d.config[i]->desc.scheme[0] == 'v')
            d.config[i]->desc.scheme = "rwsem";
        else if (d.config[i]->desc.scheme[0] == 'r')
            d.config[i]->desc.scheme = "list";
    plot_ok(&d, &o);
    text = slurp(o.out, &n);
    assert_non_null(strstr(text, "R rwsem   P page-only   L list"));
    free(text);
    pcl_dataset_fini(&d);
}

static void one_two_and_six_schemes_one_and_many_points(void **state)
{
    static char text[80][8];
    const char *many[80];

    (void)state;
    for (size_t i = 0; i < 80; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "%zu", 50 * i);
        many[i] = text[i];
    }
    for (size_t s = 1; s <= 6; s += s < 2 ? 1 : 4)
        for (size_t p = 0; p < 3; p++) {
            struct pcl_dataset d;
            struct pcl_plot_opts o = {.out = in_dir("shape.png")};

            fill(&d, s, p ? "tasks" : NULL, p ? many : NULL, p == 2 ? 80 : 1, p == 1 ? 1 : 3);
            plot_ok(&d, &o);
            pcl_dataset_fini(&d);
        }
}

static void refused(const struct pcl_dataset *d, const struct pcl_plot_opts *o,
                    const char *what)
{
    assert_int_equal(pcl_plot(d, o, &err), PCL_EINVAL);
    if (!strstr(err.msg, what))
        fail_msg("want \"%s\" in \"%s\"", what, err.msg);
}

static const char *const nine[] = {"v5.8",
                                   "v5.9-rc1",
                                   "v5.9",
                                   "v5.9:iolock=range-list",
                                   "v5.9:iolock=segments:iolock.words=4096",
                                   "v5.9:iolock=hashed:iolock.slots=16384:page.unfairness=100",
                                   "range-tree",
                                   "range-fifo",
                                   "i-mutex"};

/* Nine schemes; every seventh cell is missing; throughput over nine decades when wide is set.
 */
static void fill_nine(struct pcl_dataset *d, size_t points, bool wide)
{
    static char text[200][8];

    pcl_dataset_init(d);
    for (size_t v = 0; v < points; v++)
        for (unsigned s = 0; s < 9; s++)
            for (uint32_t r = 0; r < 3; r++) {
                struct syn y;
                double x = (double)(v + 1) / (double)points;

                (void)snprintf(text[v], sizeof(text[v]), "%zu", v + 1);
                if ((v * 9 + s) % 7 == 3)
                    continue;
                syn_init(&y, nine[s], "tasks", text[v], r);
                syn_metrics(&y,
                            (wide ? pow(10, 9 * x) : 1e5 * x / (1 + x)) * (1 + 0.1 * s) *
                                (1 + 0.02 * syn_noise(r, s)),
                            1e3 * (s + 1) * exp(3 * x), 1e6, 1000 * (s + 1), 3);
                pcl_dataset_add(d, &y.d, &y.r);
                syn_fini(&y);
            }
}

static void text_is(const struct pcl_dataset *d, const struct pcl_plot_opts *o,
                    const char *file)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (pcl_plot_print(f, d, o, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    (void)fclose(f);
    mail_ready(text);
    golden(file, text);
    free(text);
}

static void nine_schemes_gaps_and_nine_decades(void **state)
{
    const char *y = "throughput", *bytes = "bytes_static", *at = "tasks=4";
    struct pcl_dataset d;
    struct pcl_plot_opts o = {.y = &y, .n_y = 1};

    (void)state;
    fill_nine(&d, 200, true);
    text_is(&d, &o, "plot-decades.txt");
    o.out = in_dir("decades.png");
    plot_ok(&d, &o);
    pcl_dataset_fini(&d);

    fill_nine(&d, 6, false);
    o = (struct pcl_plot_opts){.y = &y, .n_y = 1, .where = &at, .n_where = 1};
    text_is(&d, &o, "plot-bars.txt");
    o.out = in_dir("bars.png");
    plot_ok(&d, &o);
    o = (struct pcl_plot_opts){.kind = PCL_PLOT_PARETO, .x = bytes, .where = &at, .n_where = 1};
    text_is(&d, &o, "plot-pareto.txt");
    o.out = in_dir("pareto.png");
    plot_ok(&d, &o);
    o = (struct pcl_plot_opts){.facet = "scheme", .by = &bytes};
    o.out = in_dir("facets.png");
    o.y = &y;
    o.n_y = 1;
    plot_ok(&d, &o);
    o = (struct pcl_plot_opts){.out = in_dir("gaps.png")};
    plot_ok(&d, &o);
    pcl_dataset_fini(&d);
}

/* Runs with a distribution, a lock over time, and where time went. */
static void fill_store(struct pcl_store *store, struct pcl_dataset *d)
{
    for (unsigned s = 0; s < 2; s++)
        for (uint32_t r = 0; r < 3; r++) {
            struct pcl_course *c;
            struct pcl_hist *h;
            struct syn y;

            syn_init(&y, schemes[s], NULL, NULL, r);
            syn_metrics(&y, 1e5, 1e5, 1e6, 8, 3);
            h = pcl_result_add_hist(&y.r, "latency", "all");
            for (int i = 1; i <= 2000; i++)
                pcl_hist_add(h, (int64_t)(1000 + 1000 * s) * i / (2001 - i) + r);
            c = pcl_result_add_course(&y.r, "page");
            for (pcl_ns t = 0; t < 1000000000; t += 1000000) {
                pcl_course_hold(c, 1, t, t + 500000);
                pcl_course_wait(c, t, t + 1000 * (1 + t / 10000000) * (1 + 30 * s), true);
            }
            (void)pcl_result_add(&y.r, "latency_mean", "all", "ns", PCL_BETTER_LOWER,
                                 9000 + 10 * r);
            (void)pcl_result_add(&y.r, "call_time", "cpu", "ns", PCL_BETTER_LOWER, 3000);
            (void)pcl_result_add(&y.r, "call_time", "io", "ns", PCL_BETTER_LOWER,
                                 2000 + 10 * r);
            (void)pcl_result_add(&y.r, "wait_total", "page", "ns", PCL_BETTER_LOWER,
                                 4000.0 * (double)y.r.ops);
            (void)pcl_result_add(&y.r, "wait_conflict", "page", "ns", PCL_BETTER_LOWER,
                                 4000.0 * (double)y.r.ops);
            assert_int_equal(pcl_store_put(store, &y.d, &y.r, &err), PCL_OK);
            syn_fini(&y);
        }
    assert_int_equal(pcl_store_load(store, d, &err), PCL_OK);
}

static void what_a_store_has_besides_numbers_is_drawn(void **state)
{
    static const struct {
        enum pcl_plot_kind kind;
        const char *file;
    } rows[] = {{PCL_PLOT_PERCENTILES, "plot-percentiles.txt"},
                {PCL_PLOT_CCDF, "plot-ccdf.txt"},
                {PCL_PLOT_TIME, "plot-time.txt"},
                {PCL_PLOT_HEAT, "plot-heat.txt"},
                {PCL_PLOT_OCCUPANCY, "plot-occupancy.txt"}};
    const char *lock = "iolock";
    struct pcl_plot_opts o = {0};
    struct pcl_dataset d;

    (void)state;
    pcl_dataset_init(&d);
    assert_int_equal(pcl_store_open(in_dir("plot.db"), PCL_STORE_WRITE, &o.store, &err),
                     PCL_OK);
    fill_store(o.store, &d);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        o.kind = rows[i].kind;
        text_is(&d, &o, rows[i].file);
        o.out = in_dir("kind.svg");
        plot_ok(&d, &o);
    }
    o.y = &lock;
    o.n_y = 1;
    refused(&d, &o, "these results have the locks page");
    pcl_dataset_fini(&d);
    pcl_store_close(o.store);
}

static void user_text_does_no_harm(void **state)
{
    static const char bad[] =
        "it's \"a\" `touch x` \\n $y_{2}^3 @m <b>&amp; \t\x01 K\xc3\xb6ln";
    struct pcl_dataset d;
    char *text;
    size_t n;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        struct pcl_plot_opts o = {0};

        fill(&d, 2, "tasks", tasks, 5, 3);
        for (size_t k = 0; k < d.n_configs; k++) {
            d.config[k]->desc.title = bad;
            d.config[k]->desc.workload = bad;
            d.config[k]->desc.machine = bad;
            if (k % 2)
                d.config[k]->desc.scheme = bad;
        }
        (void)snprintf(name, sizeof(name), "it's \"%s\" a$x.%s", forms[i], forms[i]);
        o.out = in_dir(name);
        plot_ok(&d, &o);
        text = slurp(o.out, &n);
        if (strcmp(forms[i], "svg") == 0) {
            assert_non_null(strstr(text, "&#60;b&#62;&#38;amp;"));
            assert_null(strstr(text, "<b>"));
        }
        if (strcmp(forms[i], "txt") == 0) {
            mail_ready(text);
            assert_non_null(strstr(text, "\\n $y_{2}^3 @m"));
        }
        free(text);
        pcl_dataset_fini(&d);
    }
    assert_int_not_equal(access("x", F_OK), 0);
}

static void the_script_is_the_record(void **state)
{
    struct pcl_dataset d;
    struct pcl_plot_opts o = {.out = in_dir("keep.png"), .script = true};
    char cmd[512], *script = NULL;
    const char *wait = "longest_wait";

    (void)state;
    fill(&d, 2, "tasks", tasks, 5, 3);
    plot_ok(&d, &o);
    (void)snprintf(cmd, sizeof(cmd),
                   "cd %s && rm keep.png && gnuplot -e \"FORM='svg'; "
                   "OUT='again.svg'\" keep.png.gp && test -s again.svg",
                   dir);
    assert_int_equal(system(cmd), 0);
    assert_int_equal(pcl_plot_script(&d, &o, &script, &err), PCL_OK);
    assert_non_null(strstr(script, "$data << EOD"));
    assert_non_null(strstr(script, "set logscale x 10"));
    free(script);
    o.y = &wait;
    o.n_y = 1;
    assert_int_equal(pcl_plot_script(&d, &o, &script, &err), PCL_OK);
    assert_non_null(strstr(script, "set logscale y 10"));
    assert_non_null(strstr(script, "'10 ms'"));
    free(script);
    pcl_dataset_fini(&d);
}

static void without_gnuplot_the_script_is_left(void **state)
{
    struct pcl_dataset d;
    struct pcl_plot_opts o = {.out = in_dir("none.png")};

    (void)state;
    fill(&d, 2, "tasks", tasks, 5, 3);
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    assert_int_equal(pcl_plot(&d, &o, &err), PCL_EFAIL);
    assert_int_equal(setenv("PATH", real_path, 1), 0);
    assert_non_null(strstr(err.msg, "gnuplot was not found"));
    assert_non_null(strstr(err.msg, "none.png.gp"));
    assert_int_equal(access(in_dir("none.png.gp"), R_OK), 0);
    assert_int_not_equal(access(in_dir("none.png"), F_OK), 0);
    pcl_dataset_fini(&d);
}

static void a_failing_gnuplot_leaves_the_old_figure_alone(void **state)
{
    struct pcl_dataset d;
    struct pcl_plot_opts o = {.out = in_dir("old.svg")};
    const char *fake = in_dir("gnuplot");
    char *before, *after;
    size_t nb, na;
    FILE *f;

    (void)state;
    fill(&d, 2, "tasks", tasks, 5, 3);
    plot_ok(&d, &o);
    before = slurp(o.out, &nb);
    f = fopen(fake, "w");
    assert_non_null(f);
    (void)fputs("#!/bin/sh\necho noise >&2\necho 'line 7: unknown terminal' >&2\nexit 1\n", f);
    (void)fclose(f);
    assert_int_equal(chmod(fake, 0755), 0);
    assert_int_equal(setenv("PATH", dir, 1), 0);
    assert_int_equal(pcl_plot(&d, &o, &err), PCL_EFAIL);
    assert_int_equal(setenv("PATH", real_path, 1), 0);
    assert_non_null(strstr(err.msg, "gnuplot failed: line 7: unknown terminal"));
    after = slurp(o.out, &na);
    assert_true(na == nb && memcmp(before, after, na) == 0);
    assert_int_equal(access(in_dir("old.svg.gp"), R_OK), 0);
    assert_int_equal(unlink(fake), 0);
    free(before);
    free(after);
    pcl_dataset_fini(&d);
}

static void what_is_not_there_is_refused_with_what_is(void **state)
{
    const char *at = "tasks=8", *none = "tasks=9", *bad = "tasks", *y_ = NULL;
    const char *workload = "workload=other";
    struct pcl_dataset d;
    struct pcl_plot_opts o = {.out = in_dir("refused.png")};
    struct syn y;

    (void)state;
    fill(&d, 2, "tasks", tasks, 5, 3);
    o.out = "fig.jpeg";
    refused(&d, &o, ".png, .svg, .pdf or .txt");
    o.out = in_dir("refused.png");
    o.y = &y_;
    o.n_y = 1;
    y_ = "thruput";
    refused(&d, &o, "these results have throughput, latency_p50");
    y_ = "throughput(";
    refused(&d, &o, "want NAME or NAME(OBJECT)");
    y_ = "throughput(read)";
    refused(&d, &o, "say of what, for example throughput(all)");
    o.n_y = 0;
    o.x = "task";
    refused(&d, &o, "no parameter 'task' varies in these results (scheme, tasks)");
    assert_string_equal(err.hint, "did you mean 'tasks'?");
    o.x = NULL;
    o.where = &none;
    o.n_where = 1;
    refused(&d, &o,
            "no result fits --where; there are: tasks=1, tasks=2, tasks=4, tasks=64, tasks=8");
    o.where = &bad;
    refused(&d, &o, "want KEY=VALUE");
    o.where = &at;
    plot_ok(&d, &o);
    o.n_where = 0;
    o.kind = PCL_PLOT_CCDF;
    refused(&d, &o, "needs the histograms of a store");
    o.kind = PCL_PLOT_AUTO;
    /* a second parameter: which one is x? */
    syn_init(&y, "v5.8", "tasks", "8", 0);
    y.p[1] = (struct pcl_param){"think", "5us"};
    y.d.config.n_params = 2;
    syn_key(&y);
    syn_metrics(&y, 1, 2, 3, 4, 5);
    pcl_dataset_add(&d, &y.d, &y.r);
    refused(&d, &o,
            "several parameters vary (scheme, tasks, think): choose the x axis with --x");
    o.x = "tasks";
    plot_ok(&d, &o);
    y.d.config.workload = "other";
    syn_key(&y);
    pcl_dataset_add(&d, &y.d, &y.r);
    refused(&d, &o, "several workloads (hot-page, other)");
    o.where = &workload;
    o.n_where = 1;
    o.x = NULL;
    plot_ok(&d, &o);
    syn_fini(&y);
    pcl_dataset_fini(&d);
    pcl_dataset_init(&d);
    refused(&d, &o, "no results");
    pcl_dataset_fini(&d);
}

static int set_up(void **state)
{
    (void)state;
    real_path = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    (void)setenv("PCLSIM_DATA", PCLSIM_SOURCE_DIR, 1);
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    char cmd[128];

    (void)state;
    free(real_path);
    (void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    return system(cmd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_drawn_and_equal_data_give_equal_bytes),
        cmocka_unit_test(a_text_figure_has_letters_and_a_key),
        cmocka_unit_test(one_two_and_six_schemes_one_and_many_points),
        cmocka_unit_test(nine_schemes_gaps_and_nine_decades),
        cmocka_unit_test(what_a_store_has_besides_numbers_is_drawn),
        cmocka_unit_test(user_text_does_no_harm),
        cmocka_unit_test(the_script_is_the_record),
        cmocka_unit_test(without_gnuplot_the_script_is_left),
        cmocka_unit_test(a_failing_gnuplot_leaves_the_old_figure_alone),
        cmocka_unit_test(what_is_not_there_is_refused_with_what_is),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
