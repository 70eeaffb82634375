/*
 * pclsim workloads: what can be run by name: scenarios and recorded traces, the shipped ones
 * and those in the user's data folders.
 */
#include "cli.h"
#include "input.h"
#include "json.h"

#include <pclsim/scenario.h>

#include <stdlib.h>
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

#define WIDTH 79
#define COLUMN 24

static void print_row(const char *name, const char *text)
{
    int n = printf("%-*s", COLUMN - 1, name);

    if (n < COLUMN)
        n += printf(" ");
    else
        n = printf("\n") - 1;
    cli_wrap(stdout, text, COLUMN, (unsigned)n, WIDTH);
}

static void add(const char *name, const char *kind, const char *title, const char *path,
                int form, json_t *array)
{
    if (form == CLI_JSON)
        json_array_append_new(array, json_pack("{so ss so so}", "name", cli_json_text(name),
                                               "kind", kind, "title", cli_json_text(title),
                                               "file", cli_json_text(path)));
    else
        print_row(name, title);
}

static int add_scenarios(const struct cli_folder *f, int form, json_t *array)
{
    char **paths, name[300];
    size_t n = cli_list_scenarios(f, &paths);
    struct pcl_scenario *s;
    struct pcl_err err = {0};
    int code = CLI_DONE;

    for (size_t i = 0; i < n; i++) {
        if (pcl_scenario_load(paths[i], NULL, 0, &s, &err) != PCL_OK) {
            code = cli_report(&err); /* the others are still of use */
            continue;
        }
        add(cli_name_of(paths[i], f->prefix, ".ini", name, sizeof(name)), "scenario", s->title,
            paths[i], form, array);
        pcl_scenario_free(s);
    }
    pcl_free_list(paths, n);
    return code;
}

static void add_traces(int form, json_t *array)
{
    char **paths, name[300];
    size_t n = cli_list_traces(&paths);

    for (size_t i = 0; i < n; i++)
        add(cli_name_of(paths[i], "", "", name, sizeof(name)), "trace",
            "a recording; see: pclsim trace info", paths[i], form, array);
    pcl_free_list(paths, n);
}

static int list(int form)
{
    json_t *array = json_array();
    int code = CLI_DONE, one;

    for (const struct cli_folder *f = cli_scenario_folders; f->path; f++) {
        one = add_scenarios(f, form, array);
        code = code == CLI_DONE ? one : code;
    }
    add_traces(form, array);
    if (form == CLI_JSON)
        (void)cli_json_print(array);
    else
        json_decref(array);
    return code;
}

/* The effective configuration, which is what a run depends on and what a store keeps. */
static int show(const char *name, int form)
{
    struct pcl_scenario *s;
    struct pcl_err err = {0};

    if (pcl_scenario_load(name, NULL, 0, &s, &err) != PCL_OK)
        return cli_report(&err);
    if (form == CLI_JSON) {
        (void)cli_json_print(json_pack("{so ss so so so so}", "name", cli_json_text(s->name),
                                       "kind", "scenario", "title", cli_json_text(s->title),
                                       "source", cli_json_text(s->source), "file",
                                       cli_json_text(s->path), "text", cli_json_text(s->text)));
    } else {
        printf("# from %s\n%s", s->path, s->text);
    }
    pcl_scenario_free(s);
    return CLI_DONE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.form = CLI_TABLE};
    struct cli_list words = {0};
    int code = cli_parse(verb, argc, argv, &v, &words);

    if (code == CLI_GO)
        code = cli_want_show(verb, &words);
    if (code == CLI_GO)
        code = words.n ? show(words.v[1], v.form) : list(v.form);
    cli_list_fini(&words);
    return code;
}

const struct cli_verb cli_verb_workloads = {
    .name = "workloads",
    .summary = "list and describe scenarios and shipped traces",
    .operands = "[show NAME]",
    .actions = "show",
    .complete = "@workload",
    .about =
        "Lists what 'pclsim run' can run by name: the scenarios and traces that came with "
        "the program, and those in data folders of your own (see pclsim(1), "
        "ENVIRONMENT).\n\n'show NAME' prints a scenario as it would be run: every key with "
        "its value, defaults included.",
    .examples = "pclsim workloads\n"
                "pclsim workloads show hot-page\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
