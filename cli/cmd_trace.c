/*
 * pclsim trace: what a recording holds, and what it measured.
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

static int info(const struct pcl_trace *t, const struct values *v)
{
    if (v->form == CLI_JSON)
        (void)pcl_trace_info_json(stdout, t); /* main sees write errors */
    else
        pcl_trace_info_text(stdout, t);
    return CLI_DONE;
}

static int locks(const struct pcl_trace *t, const struct values *v)
{
    if (v->form == CLI_JSON)
        (void)pcl_trace_locks_json(stdout, t);
    else
        pcl_trace_locks_text(stdout, t);
    return CLI_DONE;
}

static const struct {
    const char *name;
    int (*run)(const struct pcl_trace *t, const struct values *v);
} actions[] = {{"info", info}, {"locks", locks}};

static int act(const struct cli_verb *verb, const struct cli_list *words, const struct values *v)
{
    struct cli_input in;
    struct pcl_err err = {0};
    int code;

    for (size_t i = 0; i < CLI_N(actions); i++) {
        if (strcmp(words->v[0], actions[i].name) != 0)
            continue;
        code = cli_want_operands(verb, words, 2, 2, "an action and a FILE");
        if (code != CLI_GO)
            return code;
        if (cli_trace_load(words->v[1], &in, &err) != PCL_OK)
            return cli_report(&err);
        code = actions[i].run(in.trace, v);
        cli_input_fini(&in);
        return code;
    }
    return cli_usage(verb, "want 'info FILE' or 'locks FILE', found '%s'", words->v[0]);
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.form = CLI_TABLE};
    struct cli_list words = {0};
    int code = cli_parse(verb, argc, argv, &v, &words);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &words, 1, 2, "'info FILE' or 'locks FILE'");
    if (code == CLI_GO)
        code = act(verb, &words, &v);
    cli_list_fini(&words);
    return code;
}

const struct cli_verb cli_verb_trace = {
    .name = "trace",
    .summary = "what a recording holds, what is used of it, what is not and why",
    .operands = "ACTION FILE",
    .actions = "info locks",
    .complete = "@workload",
    .about =
        "'info FILE' prints what a recorded trace holds: lines read, used, and skipped for "
        "which reason, threads, files, operations, and an estimate of how much the recording tool "
        "slowed the program down. The numbers of lines add up: read is used plus all that was "
        "skipped.\n\n'locks FILE' prints the waits and holds that the lock events of a recording "
        "(ftrace, trace-cmd or perf script text with lock:contention_* and xfs:xfs_ilock*) "
        "measured, by lock class and mode.\n\nFILE is a path (- is standard input, gzip is unpacked) or a shipped name. "
        "The format is recognised by content. An operation that is not modelled is a counted "
        "skip, never an error.",
    .examples = "strace -f -ttt -T -y -o app.strace ./app\n"
                "pclsim trace info app.strace\n"
                "pclsim trace info fio-falloc.strace.gz --json\n"
                "pclsim trace locks fault-punch.trace-cmd.txt.gz\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
