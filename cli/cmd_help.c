/*
 * pclsim help: the tables of the verbs in the form that is asked for. The build calls it for
 * the manual pages and the shell completion, the completion calls it for names.
 */
#include "cli.h"
#include "input.h"

#include <pclsim/scheme.h>

#include <string.h>

struct values {
    bool man, completion;
    const char *words;
};

static const struct cli_option options[] = {
    {"man", 0, CLI_FLAG, offsetof(struct values, man), NULL, NULL, 0, 0,
     "write the manual page in mdoc form"},
    {"completion", 0, CLI_FLAG, offsetof(struct values, completion), NULL, NULL, 0, 0,
     "write the completion for bash"},
    {"words", 0, CLI_TEXT, offsetof(struct values, words), "KIND", NULL, 0, 0,
     "list the names of all schemes, workloads or machines, one to a line"},
};

static void print_names(char **paths, size_t n, const char *prefix, const char *ext)
{
    char name[300];

    for (size_t i = 0; i < n; i++)
        puts(cli_name_of(paths[i], prefix, ext, name, sizeof(name)));
    pcl_free_list(paths, n);
}

static void print_workloads(void)
{
    char **paths;
    size_t n;

    for (const struct cli_folder *f = cli_scenario_folders; f->path; f++) {
        n = cli_list_scenarios(f, &paths);
        print_names(paths, n, f->prefix, ".ini");
    }
    n = cli_list_traces(&paths);
    print_names(paths, n, "", "");
}

static void print_machines(void)
{
    char **paths;
    size_t n = pcl_list_data("workloads/machines", ".ini", &paths);

    print_names(paths, n, "", ".ini");
    puts("ideal");
}

static int print_schemes(void)
{
    struct pcl_schemes s = {0};
    struct pcl_err err = {0};

    if (pcl_schemes_default(&s, &err) != PCL_OK)
        return cli_report(&err);
    for (size_t i = 0; i < s.n; i++)
        puts(s.v[i].name);
    pcl_schemes_fini(&s);
    return CLI_DONE;
}

static int print_words(const struct cli_verb *verb, const char *kind)
{
    if (strcmp(kind, "schemes") == 0)
        return print_schemes();
    if (strcmp(kind, "machines") == 0)
        print_machines();
    else if (strcmp(kind, "workloads") == 0)
        print_workloads();
    else
        return cli_usage(verb, "--words: want schemes, workloads or machines, found '%s'",
                         kind);
    return CLI_DONE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {0};
    struct cli_list names = {0};
    const struct cli_verb *about = NULL;
    int code = cli_parse(verb, argc, argv, &v, &names);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &names, 0, 1, "");
    if (code == CLI_GO && names.n && !(about = cli_verb_find(names.v[0])))
        code = cli_usage(verb, "there is no verb '%s'", names.v[0]);
    cli_list_fini(&names);
    if (code != CLI_GO)
        return code;
    if (v.words)
        return print_words(verb, v.words);
    if (v.completion)
        cli_print_completion(stdout);
    else if (v.man)
        cli_print_man(stdout, about);
    else if (about)
        cli_print_help(stdout, about);
    else
        cli_print_overview(stdout);
    return CLI_DONE;
}

const struct cli_verb cli_verb_help = {
    .name = "help",
    .summary = "tell what a verb does",
    .operands = "[VERB]",
    .actions = "",
    .complete = "@verb",
    .about = "Prints the list of verbs, or what one verb does and which options it has.",
    .examples = "pclsim help run\n"
                "pclsim help --man run | man -l -\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
