/*
 * pclsim compare: the schemes of a store against a baseline.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include <pclsim/compare.h>
#include <pclsim/store.h>

struct values {
    const char *baseline;
    struct cli_list metrics;
    int form;
    const char *practical, *fail_if_worse;
};

/* The forms of --format, in the order of its words; the first are those of all verbs. */
enum form { COMPARE_MAIL = CLI_CSV + 1, COMPARE_MD };

static const struct cli_option options[] = {
    {"baseline", 0, CLI_TEXT, offsetof(struct values, baseline), "SCHEME", "@scheme", 0, 0,
     "compare against this scheme; else against the one that was stored first"},
    {"metric", 0, CLI_COMMAS, offsetof(struct values, metrics), "METRIC", NULL, 0, 0,
     "compare this metric, as name or name(object), for example latency_p99(write); a comma "
     "list, or several times; else the usual ones"},
    {"practical", 0, CLI_TEXT, offsetof(struct values, practical), "PERCENT", NULL, 0, 0,
     "a change that is smaller does not matter and gets no star, nor counts as worse; 0: any "
     "change "
     "matters; else 1%"},
    {"fail-if-worse", 0, CLI_TEXT, offsetof(struct values, fail_if_worse), "PERCENT", NULL, 0,
     0,
     "leave with exit code 5 when some scheme is significantly worse than the baseline, by "
     "this "
     "much at least (5%); 0: by as much as --practical says"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json|csv|mail|md",
     0, 0,
     "form of the result: table, json, csv, md (Markdown), or mail: the table with all that a "
     "reader of a mail must know, memory and the worst regression whatever metrics are chosen"},
    {"mail", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, COMPARE_MAIL, 0,
     "short for --format mail"},
    {"md", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, COMPARE_MD, 0,
     "short for --format md"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
    {"csv", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_CSV, 0,
     "short for --format csv"},
};

static void print(const struct values *v, const struct pcl_comparison *c,
                  const struct pcl_dataset *d, const struct pcl_compare_opts *o)
{
    if (v->form == CLI_JSON)
        pcl_compare_json(stdout, c);
    else if (v->form == CLI_CSV)
        pcl_compare_csv(stdout, c);
    else if (v->form == COMPARE_MD)
        pcl_compare_md(stdout, c, d, o);
    else
        pcl_compare_text(stdout, c, d, o);
}

static int compare(const char *db, const struct values *v, double practical, double worse,
                   const char *command)
{
    struct pcl_compare_opts o = {
        .baseline = v->baseline,
        .metrics = cli_words(&v->metrics),
        .n_metrics = v->metrics.n,
        .practical = practical,
        .mail = v->form == COMPARE_MAIL,
        .command = v->form == COMPARE_MAIL || v->form == COMPARE_MD ? command : NULL,
        .db = db};
    struct pcl_comparison *c = NULL;
    struct pcl_dataset d;
    struct pcl_err err = {0};
    int code = CLI_DONE;

    pcl_dataset_init(&d);
    if (pcl_store_read(db, &d, &err) != PCL_OK || pcl_compare(&d, &o, &c, &err) != PCL_OK)
        code = cli_report(&err);
    else
        print(v, c, &d, &o);
    if (code == CLI_DONE && v->fail_if_worse && pcl_compare_worse_by(c, worse))
        code = CLI_WORSE;
    pcl_comparison_free(c);
    pcl_dataset_fini(&d);
    return code;
}

/* "1%" or "0.01", as an option of the comparison. */
static int read_practical(const struct cli_verb *verb, const char *text, double *out)
{
    *out = 0;
    if (!text)
        return CLI_GO;
    if (pcl_parse_real(text, out, NULL) != PCL_OK || *out < 0 || *out >= 1)
        return cli_usage(verb, "--practical: want a share such as 1%% or 0, found '%s'", text);
    *out = *out > 0 ? *out : -1;
    return CLI_GO;
}

static int read_worse(const struct cli_verb *verb, const char *text, double *out)
{
    *out = 0;
    if (text && (pcl_parse_real(text, out, NULL) != PCL_OK || *out < 0))
        return cli_usage(verb, "--fail-if-worse: want a share such as 5%% or 0, found '%s'",
                         text);
    return CLI_GO;
}

/* The command as it can be given again; malloc'ed. */
static char *command_text(int argc, char **argv)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    PCL_ASSERT(f);
    (void)fputs("pclsim", f);
    for (int i = 0; i < argc; i++) {
        bool plain = argv[i][0] && !argv[i][strcspn(argv[i], " \t\n'\"\\$&|;<>()*?[]#~!{}`")];

        (void)fputs(plain ? " " : " '", f);
        for (const char *s = argv[i]; *s; s++)
            (void)fputs(*s == '\'' ? "'\\''" : (char[]){*s, '\0'}, f);
        (void)fputs(plain ? "" : "'", f);
    }
    (void)fclose(f);
    return text;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    char *command = command_text(argc, argv); /* the parser may move the words */
    struct values v = {.form = CLI_TABLE};
    struct cli_list files = {0};
    double practical, worse;
    int code = cli_parse(verb, argc, argv, &v, &files);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &files, 1, 1, "the store to read (--db of a run)");
    if (code == CLI_GO)
        code = read_practical(verb, v.practical, &practical);
    if (code == CLI_GO)
        code = read_worse(verb, v.fail_if_worse, &worse);
    if (code == CLI_GO)
        code = compare(files.v[0], &v, practical, worse, command);
    free(command);
    cli_list_fini(&files);
    cli_list_fini(&v.metrics);
    return code;
}

const struct cli_verb cli_verb_compare = {
    .name = "compare",
    .summary = "schemes of a store against a baseline",
    .operands = "DB",
    .actions = "",
    .complete = "@file",
    .about =
        "Prints, for each parameter point in the store, every scheme beside the baseline: "
        "means "
        "over replications, the difference with its confidence interval, and a mark: * for a "
        "significant difference, . for one that is too small to matter, ~ for none that could "
        "be "
        "shown, ? for too few replications, M where there are two modes and no interval.\n\n"
        "Replications are compared in pairs, since all schemes of one replication see the same "
        "arrivals, think times and offsets. Holm's correction covers all cells of the table.",
    .examples = "pclsim compare demo.db --baseline v5.9\n"
                "pclsim compare demo.db --metric throughput --csv\n"
                "pclsim compare demo.db --mail --fail-if-worse 5%\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
