/*
 * pclsim machines: the machine profiles, and every constant of one with its plausible range and
 * its source, so that a reader can disagree with a number instead of with a program.
 */
#include "cli.h"
#include "json.h"

#include <pclsim/profile.h>

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

static json_t *value_json(enum pcl_const_id id, int64_t v)
{
    char word[64];

    if (pcl_consts[id].kind != PCL_KIND_WORD)
        return cli_json_i64(v);
    return cli_json_text(pcl_const_format(id, v, word, sizeof(word)));
}

static const char *unit_of(enum pcl_const_id id)
{
    switch (pcl_consts[id].kind) {
    case PCL_KIND_NS:
        return "ns";
    case PCL_KIND_BYTES:
        return "B";
    case PCL_KIND_RATE:
        return "B/s";
    case PCL_KIND_COUNT:
        return "count";
    case PCL_KIND_WORD:
        break;
    }
    return "word";
}

static json_t *profile_json(const struct pcl_profile *p, bool constants)
{
    json_t *o = json_pack("{so so so so so}", "name", cli_json_text(p->name), "title",
                          cli_json_text(p->title), "file", cli_json_text(p->path), "base",
                          cli_json_text(p->base), "cpus", cli_json_i64(pcl_profile_cpus(p)));
    json_t *list = json_array();

    for (int i = 0; constants && i < PCL_N_CONSTS; i++) {
        enum pcl_const_id id = (enum pcl_const_id)i;

        json_array_append_new(
            list, json_pack("{ss so ss so so so ss}", "name", pcl_consts[i].name, "value",
                            value_json(id, pcl_profile_get(p, id)), "unit", unit_of(id), "low",
                            value_json(id, p->lo[i]), "high", value_json(id, p->hi[i]),
                            "source", cli_json_text(p->source[i]), "what", pcl_consts[i].what));
    }
    if (constants)
        json_object_set_new(o, "constants", list);
    else
        json_decref(list);
    return o;
}

static void constant_text(const struct pcl_profile *p, enum pcl_const_id id)
{
    char value[64], lo[64], hi[64];

    (void)pcl_const_format(id, pcl_profile_get(p, id), value, sizeof(value));
    (void)pcl_const_format(id, p->lo[id], lo, sizeof(lo));
    (void)pcl_const_format(id, p->hi[id], hi, sizeof(hi));
    if (pcl_consts[id].kind == PCL_KIND_WORD)
        printf("%-20s%s\n", pcl_consts[id].name, value);
    else
        printf("%-20s%-14s%s to %s\n", pcl_consts[id].name, value, lo, hi);
    cli_wrap(stdout, pcl_consts[id].what, 4, 0, WIDTH);
    if (*p->source[id])
        cli_wrap(stdout, p->source[id], 4, 0, WIDTH);
}

static void show_text(const struct pcl_profile *p)
{
    printf("%s\n", p->name);
    cli_wrap(stdout, p->title, 0, 0, WIDTH);
    if (*p->path)
        printf("from %s\n", p->path);
    if (*p->base)
        printf("derived from %s\n", p->base);
    printf("\n%-20s%-14s%s\n    what it is\n    where the number comes from\n\n", "constant",
           "value", "plausible range");
    for (int i = 0; i < PCL_N_CONSTS; i++)
        constant_text(p, (enum pcl_const_id)i);
}

static int show(const char *name, int form)
{
    struct pcl_profile *p = pcl_xcalloc(1, sizeof(*p));
    struct pcl_err err = {0};
    int code = CLI_DONE;

    if (pcl_profile_load(name, p, &err) != PCL_OK)
        code = cli_report(&err);
    else if (form == CLI_JSON)
        code = cli_json_print(profile_json(p, true));
    else
        show_text(p);
    free(p);
    return code;
}

static void list_one(const struct pcl_profile *p, int form, json_t *array)
{
    char cpus[40];

    if (form == CLI_JSON) {
        json_array_append_new(array, profile_json(p, false));
        return;
    }
    (void)snprintf(cpus, sizeof(cpus), "%lld", (long long)pcl_profile_cpus(p));
    printf("%-16s %5s CPUs  ", p->name, pcl_profile_cpus(p) ? cpus : "any");
    cli_wrap(stdout, p->title, 29, 29, WIDTH);
}

static int list(int form)
{
    struct pcl_profile *p = pcl_xcalloc(1, sizeof(*p));
    json_t *array = json_array();
    struct pcl_err err = {0};
    char **paths;
    size_t n = pcl_list_data("workloads/machines", ".ini", &paths);
    int code = CLI_DONE;

    for (size_t i = 0; i < n; i++) {
        if (pcl_profile_load(paths[i], p, &err) != PCL_OK)
            code = cli_report(&err); /* the others are still of use */
        else
            list_one(p, form, array);
    }
    pcl_profile_ideal(p);
    list_one(p, form, array);
    pcl_free_list(paths, n);
    free(p);
    if (form == CLI_JSON)
        (void)cli_json_print(array);
    else
        json_decref(array);
    return code;
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

const struct cli_verb cli_verb_machines = {
    .name = "machines",
    .summary = "list and describe machine profiles",
    .operands = "[show NAME]",
    .actions = "show",
    .complete = "@machine",
    .about =
        "Lists the machine profiles. A profile says what each kind of event costs: an atomic "
        "operation, a cache-line transfer, a wake-up, a context switch, a device access. Locks "
        "and scenarios contain no such number.\n\n'show NAME' prints every constant with its "
        "value, its plausible range and its source. run --set machine.KEY=VALUE changes one "
        "for "
        "a run; the values low, typical and high take the ends and the middle of the range.",
    .examples = "pclsim machines\n"
                "pclsim machines show server-2s\n"
                "pclsim run hot-page --machine laptop --set machine.wake_call=high\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
