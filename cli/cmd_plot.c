/*
 * pclsim plot: a figure from a store.
 */
#include "cli.h"

#include <string.h>

#include <pclsim/plot.h>

struct values {
    const char *out, *x, *facet;
    struct cli_list y, by, where;
    int kind;
    bool script;
};

#define KINDS "auto|lines|bars|percentiles|ccdf|time|heat|occupancy|scaling|pareto"

static const struct cli_option options[] = {
    {"output", 'o', CLI_TEXT, offsetof(struct values, out), "FILE", "@file", 0, 0,
     "write the figure here; the ending says the form: .png, .svg, .pdf, .txt for mail, or .gp "
     "for "
     "the gnuplot script alone. Else the text form goes to standard output"},
    {"kind", 'k', CLI_CHOICE, offsetof(struct values, kind), "KIND", KINDS, 0, 0,
     "what to draw, see below; auto: lines when a number takes three values or more, else "
     "bars"},
    {"y", 'y', CLI_COMMAS, offsetof(struct values, y), "METRIC", NULL, 0, 0,
     "draw this metric, as name or name(object), each in a panel of its own; a comma list, or "
     "several times. Of percentiles and ccdf latency(OPERATION), wait(LOCK) or "
     "hold(LOCK); of heat and occupancy the lock"},
    {"x", 'x', CLI_TEXT, offsetof(struct values, x), "PARAM", NULL, 0, 0,
     "against this parameter, else the one that varies in the store; of pareto the metric of "
     "bytes"},
    {"by", 0, CLI_COMMAS, offsetof(struct values, by), "PARAM", NULL, 0, 0,
     "a line for each value of these, scheme and machine included; else the scheme, and "
     "whatever "
     "varies beside x"},
    {"facet", 0, CLI_TEXT, offsetof(struct values, facet), "PARAM", NULL, 0, 0,
     "a panel for each value of this parameter"},
    {"where", 0, CLI_LIST, offsetof(struct values, where), "KEY=VALUE", NULL, 0, 0,
     "only where this parameter has this value, also != < <= > >=; scheme, machine and "
     "workload "
     "are parameters too; may be given several times"},
    {"script", 0, CLI_FLAG, offsetof(struct values, script), NULL, NULL, 0, 0,
     "leave the gnuplot script, data inside, beside the figure as FILE.gp"},
};

static int plot(const char *db, const struct values *v)
{
    struct pcl_plot_opts o = {.kind = (enum pcl_plot_kind)v->kind,
                              .out = v->out,
                              .y = cli_words(&v->y),
                              .n_y = v->y.n,
                              .x = v->x,
                              .by = cli_words(&v->by),
                              .n_by = v->by.n,
                              .facet = v->facet,
                              .where = cli_words(&v->where),
                              .n_where = v->where.n,
                              .script = v->script};
    struct pcl_dataset d;
    struct pcl_err err = {0};
    int rc = pcl_store_open(db, PCL_STORE_READ, &o.store, &err);

    pcl_dataset_init(&d);
    if (rc == PCL_OK)
        rc = pcl_store_load(o.store, &d, &err);
    if (rc == PCL_OK)
        rc = v->out ? pcl_plot(&d, &o, &err) : pcl_plot_print(stdout, &d, &o, &err);
    pcl_dataset_fini(&d);
    pcl_store_close(o.store);
    return rc == PCL_OK ? CLI_DONE : cli_report(&err);
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {0};
    struct cli_list files = {0};
    int code = cli_parse(verb, argc, argv, &v, &files);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &files, 1, 1, "the store to read (--db of a run)");
    if (code == CLI_GO && v.script && !v.out)
        code = cli_usage(verb, "--script: want -o FILE, beside which it goes");
    if (code == CLI_GO)
        code = plot(files.v[0], &v);
    cli_list_fini(&files);
    cli_list_fini(&v.y);
    cli_list_fini(&v.by);
    cli_list_fini(&v.where);
    return code;
}

const struct cli_verb cli_verb_plot = {
    .name = "plot",
    .summary = "a figure from a store (png, svg, pdf, or text for mail)",
    .operands = "DB",
    .actions = "",
    .complete = "@file",
    .about =
        "Draws the results of a store with gnuplot, with the intervals of the tables. Kinds: "
        "lines: metrics against a parameter, a line per scheme with its interval band; bars: "
        "of few "
        "points, with numbers; percentiles and ccdf: a distribution by percentile, or the "
        "share "
        "that takes longer; time: where the time of an operation went, in cpu, io, run queue "
        "and each "
        "lock's waits by cause; heat: waits for a lock over simulated time; occupancy: its "
        "holders "
        "and waiters; scaling: throughput with the fitted universal scalability law; pareto: "
        "latency against bytes of lock memory.\n\nWhen gnuplot is "
        "missing or fails, the script with its data is left as FILE.gp, and the exit code is "
        "2.",
    .examples = "pclsim plot demo.db -o demo.png\n"
                "pclsim plot demo.db --y 'latency_p99(write)'\n"
                "pclsim plot demo.db -k ccdf --where clone=16 -o tail.svg\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
