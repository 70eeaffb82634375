/*
 * pclsim plot: a figure from a store.
 */
#include "cli.h"

#include <pclsim/plot.h>
#include <pclsim/store.h>

struct values {
    const char *out, *metric, *x, *workload;
    struct cli_list at;
    bool keep_script;
};

static const struct cli_option options[] = {
    {"output", 'o', CLI_TEXT, offsetof(struct values, out), "FILE", "@file", 0, 0,
     "write the figure here; the ending says the form: .png, .svg, .pdf, or .txt for mail"},
    {"metric", 0, CLI_TEXT, offsetof(struct values, metric), "METRIC", NULL, 0, 0,
     "draw this metric, as name or name(object); else throughput"},
    {"x", 0, CLI_TEXT, offsetof(struct values, x), "PARAM", NULL, 0, 0,
     "against this parameter; else the one that varies in the store"},
    {"workload", 0, CLI_TEXT, offsetof(struct values, workload), "NAME", "@workload", 0, 0,
     "of this workload, when the store holds several"},
    {"at", 0, CLI_LIST, offsetof(struct values, at), "KEY=VALUE", NULL, 0, 0,
     "only where this parameter has this value; may be given several times"},
    {"keep-script", 0, CLI_FLAG, offsetof(struct values, keep_script), NULL, NULL, 0, 0,
     "leave the gnuplot script beside the figure as FILE.gp"},
};

static int plot(const char *db, const struct values *v)
{
    struct pcl_plot_opts o = {.out = v->out,
                              .metric = v->metric,
                              .x = v->x,
                              .workload = v->workload,
                              .at = cli_words(&v->at),
                              .n_at = v->at.n,
                              .keep_script = v->keep_script};
    struct pcl_dataset d;
    struct pcl_err err = {0};
    int code = CLI_DONE;

    pcl_dataset_init(&d);
    if (pcl_store_read(db, &d, &err) != PCL_OK || pcl_plot(&d, &o, &err) != PCL_OK)
        code = cli_report(&err);
    pcl_dataset_fini(&d);
    return code;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {0};
    struct cli_list files = {0};
    int code = cli_parse(verb, argc, argv, &v, &files);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &files, 1, 1, "the store to read (--db of a run)");
    if (code == CLI_GO && !v.out)
        code = cli_usage(verb, "want -o FILE: where the figure goes");
    if (code == CLI_GO)
        code = plot(files.v[0], &v);
    cli_list_fini(&files);
    cli_list_fini(&v.at);
    return code;
}

const struct cli_verb cli_verb_plot = {
    .name = "plot",
    .summary = "a figure from a store (png, svg, pdf, or text for mail)",
    .operands = "DB",
    .actions = "",
    .complete = "@file",
    .about =
        "Draws one metric of a store with gnuplot: against a parameter as one line per scheme "
        "with confidence intervals, or as one bar per scheme when no parameter varies. When "
        "gnuplot is missing or fails, its script is left as FILE.gp.",
    .examples = "pclsim plot demo.db -o demo.png\n"
                "pclsim plot demo.db -o demo.txt --metric 'latency_p99(write)'\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
