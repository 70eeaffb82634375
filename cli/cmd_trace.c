/*
 * pclsim trace: what a recording holds. One action so far, info.
 */
#include "cli.h"
#include "input.h"

#include <pclsim/trace_info.h>

#include <string.h>

struct values {
    int form;
};

static const struct cli_option options[] = {
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json", 0, 0,
     "form of the result: table or json"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

static int info(const char *file, int form)
{
    struct cli_input in;
    struct pcl_err err = {0};

    if (cli_trace_load(file, &in, &err) != PCL_OK)
        return cli_report(&err);
    if (form == CLI_JSON)
        (void)pcl_trace_info_json(stdout, in.trace); /* main sees write errors */
    else
        pcl_trace_info_text(stdout, in.trace);
    cli_input_fini(&in);
    return CLI_DONE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.form = CLI_TABLE};
    struct cli_list words = {0};
    int code = cli_parse(verb, argc, argv, &v, &words);

    if (code == CLI_GO && words.n && strcmp(words.v[0], "info") != 0)
        code = cli_usage(verb, "want 'info FILE', found '%s'", words.v[0]);
    if (code == CLI_GO)
        code = cli_want_operands(verb, &words, 2, 2, "'info FILE'");
    if (code == CLI_GO)
        code = info(words.v[1], v.form);
    cli_list_fini(&words);
    return code;
}

const struct cli_verb cli_verb_trace = {
    .name = "trace",
    .summary = "what a recording holds, what is used of it, what is not and why",
    .operands = "info FILE",
    .actions = "info",
    .complete = "@workload",
    .about =
        "'info FILE' prints what a recorded trace holds: lines read, used, and skipped for "
        "which "
        "reason, threads, files, operations, and an estimate of how much the recording tool "
        "slowed the program down. The numbers of lines add up: read is used plus all that was "
        "skipped.\n\nFILE is a path (- is standard input, gzip is unpacked) or a shipped name. "
        "The format is recognised by content. An operation that is not modelled is a counted "
        "skip, never an error.",
    .examples = "strace -f -ttt -T -y -o app.strace ./app\n"
                "pclsim trace info app.strace\n"
                "pclsim trace info fio-falloc.strace.gz --json\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
