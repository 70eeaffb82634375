/*
 * pclsim schemes: which locking schemes there are, which lock each role has in one of them, and
 * which lock algorithms they are made of.
 */
#include "cli.h"
#include "json.h"

#include <pclsim/locks.h>
#include <pclsim/scheme.h>

#include <stdarg.h>
#include <string.h>

struct values {
    bool locks, options, paths;
    int form;
    const char *file;
};

static const struct cli_option options[] = {
    {"locks", 0, CLI_FLAG, offsetof(struct values, locks), NULL, NULL, 0, 0,
     "list the lock algorithms that schemes can name"},
    {"options", 0, CLI_FLAG, offsetof(struct values, options), NULL, NULL, 0, 0,
     "list the path options that schemes can set"},
    {"paths", 0, CLI_FLAG, offsetof(struct values, paths), NULL, NULL, 0, 0,
     "print the file and line that each scheme comes from"},
    {"schemes", 0, CLI_TEXT, offsetof(struct values, file), "FILE", "@file", 0, 0,
     "add the schemes of this file"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json", 0, 0,
     "form of the result: table or json"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

#define COLUMN 16
#define WIDTH 79

static void entry(const char *name, const char *text)
{
    int n = printf("%-*s", COLUMN, name);

    if (n > COLUMN)
        putchar(' ');
    cli_wrap(stdout, text, COLUMN, (unsigned)n, WIDTH);
}

/* --- lock algorithms -------------------------------------------------------------------------
 */

struct lock_view {
    const char *name, *summary, *source, *kind;
    unsigned props;
    const struct pcl_lock_param_info *params;
};

static struct lock_view view_lock(const struct pcl_lock_entry *e)
{
    if (e->kind == PCL_LOCK_PAGE)
        return (struct lock_view){e->page->name, e->page->summary, e->page->source,
                                  "page",        e->page->props,   e->page->params};
    return (struct lock_view){e->range->name, e->range->summary, e->range->source,
                              "range",        e->range->props,   e->range->params};
}

static json_t *lock_json(const struct lock_view *l)
{
    char props[160];
    json_t *params = json_array();

    for (const struct pcl_lock_param_info *p = l->params; p && p->name; p++)
        json_array_append_new(params,
                              json_pack("{ss so so so ss}", "name", p->name, "default",
                                        cli_json_i64(p->def), "lowest", cli_json_i64(p->lo),
                                        "highest", cli_json_i64(p->hi), "what", p->what));
    return json_pack("{ss ss ss ss ss so}", "name", l->name, "kind", l->kind, "summary",
                     l->summary, "source", l->source, "properties",
                     pcl_lock_props(l->props, props, sizeof(props)), "parameters", params);
}

/* A line below an entry, formed like printf. */
static void below(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void below(const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    cli_wrap(stdout, line, COLUMN, 0, WIDTH);
}

static void lock_text(const struct lock_view *l)
{
    char props[160];

    entry(l->name, l->summary);
    (void)pcl_lock_props(l->props, props, sizeof(props));
    below("for %s locks; %s", l->kind, *props ? props : "promises nothing");
    for (const struct pcl_lock_param_info *p = l->params; p && p->name; p++)
        below("%s = %lld (%lld to %lld): %s", p->name, (long long)p->def, (long long)p->lo,
              (long long)p->hi, p->what);
    below("source: %s", l->source);
}

static int list_locks(int form)
{
    json_t *list = json_array();

    for (size_t i = 0; i < pcl_n_locks; i++) {
        struct lock_view l = view_lock(&pcl_lock_list[i]);

        if (form == CLI_JSON)
            json_array_append_new(list, lock_json(&l));
        else
            lock_text(&l);
    }
    if (form == CLI_JSON)
        return cli_json_print(list);
    json_decref(list);
    return CLI_DONE;
}

/* --- path options ----------------------------------------------------------------------------
 */

static json_t *option_json(enum pcl_option o)
{
    const struct pcl_option_info *i = &pcl_options[o];
    char def[PCL_OPTION_TEXT];

    return json_pack("{ss ss ss ss ss}", "name", i->name, "kind",
                     i->kind == PCL_OPTION_FLAGS ? "flags" : "choice", "words", i->words,
                     "default", pcl_option_text(o, i->def, def, sizeof(def)), "what", i->what);
}

static void option_text(enum pcl_option o)
{
    const struct pcl_option_info *i = &pcl_options[o];
    char def[PCL_OPTION_TEXT];

    printf("path.%s = %s", i->name, i->words);
    printf("%s; default %s\n", i->kind == PCL_OPTION_FLAGS ? " joined by +, or none" : "",
           pcl_option_text(o, i->def, def, sizeof(def)));
    cli_wrap(stdout, i->what, COLUMN, 0, WIDTH);
}

static int list_options(int form)
{
    json_t *list = json_array();

    for (int i = 0; i < PCL_N_OPTIONS; i++)
        if (form == CLI_JSON)
            json_array_append_new(list, option_json((enum pcl_option)i));
        else
            option_text((enum pcl_option)i);
    if (form == CLI_JSON)
        return cli_json_print(list);
    json_decref(list);
    return CLI_DONE;
}

/* --- schemes
 * ---------------------------------------------------------------------------------- */

static json_t *scheme_json(const struct pcl_scheme *s)
{
    json_t *roles = json_object(), *path = json_object();
    char text[PCL_OPTION_TEXT];

    for (int i = 0; i < PCL_N_OPTIONS; i++) {
        enum pcl_option o = (enum pcl_option)i;

        json_object_set_new(
            path, pcl_options[o].name,
            json_string(pcl_option_text(o, pcl_scheme_option(s, o), text, sizeof(text))));
    }
    for (int r = 0; r < PCL_N_ROLES; r++) {
        const struct pcl_lock_choice *c = &s->role[r];
        json_t *params = json_object();

        for (unsigned i = 0; i < c->n_params; i++)
            json_object_set_new(params, c->param[i].name, cli_json_i64(c->param[i].value));
        json_object_set_new(roles, pcl_role_name((enum pcl_role)r),
                            json_pack("{so so}", "lock",
                                      *c->lock ? cli_json_text(c->lock) : json_null(),
                                      "parameters", params));
    }
    return json_pack("{so so so so so so}", "name", cli_json_text(s->name), "title",
                     cli_json_text(s->title), "file", cli_json_text(s->path), "line",
                     cli_json_u64(s->line), "roles", roles, "path", path);
}

static void choice_text(const struct pcl_lock_choice *c, char *buf, size_t n)
{
    int len = snprintf(buf, n, "%s", *c->lock ? c->lock : "(as in Linux)");

    for (unsigned i = 0; i < c->n_params && len > 0 && (size_t)len < n; i++)
        len += snprintf(buf + len, n - (size_t)len, " %s=%lld", c->param[i].name,
                        (long long)c->param[i].value);
}

static void show_text(const struct pcl_scheme *s)
{
    char lock[160], text[PCL_OPTION_TEXT];

    printf("%s\n", s->name);
    cli_wrap(stdout, s->title, 0, 0, WIDTH);
    printf("from %s:%u\n\n", s->path, s->line);
    for (int r = 0; r < PCL_N_ROLES; r++) {
        choice_text(&s->role[r], lock, sizeof(lock));
        printf("%-14s%-20s ", pcl_role_name((enum pcl_role)r), lock);
        cli_wrap(stdout, pcl_role_what((enum pcl_role)r), 35, 35, WIDTH);
    }
    for (int i = 0; i < PCL_N_OPTIONS; i++) {
        enum pcl_option o = (enum pcl_option)i;

        (void)snprintf(lock, sizeof(lock), "path.%s", pcl_options[o].name);
        printf("%-22s %-11s ", lock,
               pcl_option_text(o, pcl_scheme_option(s, o), text, sizeof(text)));
        cli_wrap(stdout, pcl_options[o].what, 35, (unsigned)(strlen(text) > 11 ? 99 : 35),
                 WIDTH);
    }
}

static int show(const struct pcl_schemes *all, const char *spec, int form)
{
    struct pcl_scheme s;
    struct pcl_err err = {0};

    if (pcl_scheme_resolve(all, spec, &s, &err) != PCL_OK)
        return cli_report(&err);
    if (form == CLI_JSON)
        return cli_json_print(scheme_json(&s));
    show_text(&s);
    return CLI_DONE;
}

static int list(const struct pcl_schemes *all, const struct values *v)
{
    json_t *array = json_array();
    char from[600];

    for (size_t i = 0; i < all->n; i++) {
        const struct pcl_scheme *s = &all->v[i];

        (void)snprintf(from, sizeof(from), "%s:%u", s->path, s->line);
        if (v->form == CLI_JSON)
            json_array_append_new(array, scheme_json(s));
        else if (v->paths)
            printf("%-*s %s\n", COLUMN - 1, s->name, from);
        else
            entry(s->name, s->title);
    }
    if (v->form == CLI_JSON)
        return cli_json_print(array);
    json_decref(array);
    return CLI_DONE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.form = CLI_TABLE};
    struct cli_list words = {0};
    struct pcl_schemes all = {0};
    struct pcl_err err = {0};
    int code = cli_parse(verb, argc, argv, &v, &words);

    if (code == CLI_GO)
        code = cli_want_show(verb, &words);
    if (code != CLI_GO)
        goto out;
    if (v.locks || v.options) {
        code = v.locks ? list_locks(v.form) : list_options(v.form);
        goto out;
    }
    if (pcl_schemes_default(&all, &err) != PCL_OK ||
        (v.file && pcl_schemes_load(v.file, &all, &err) != PCL_OK)) {
        code = cli_report(&err);
        goto out;
    }
    code = words.n ? show(&all, words.v[1], v.form) : list(&all, &v);
out:
    pcl_schemes_fini(&all);
    cli_list_fini(&words);
    return code;
}

const struct cli_verb cli_verb_schemes = {
    .name = "schemes",
    .summary = "list and describe locking schemes and lock algorithms",
    .operands = "[show NAME]",
    .actions = "show",
    .complete = "@scheme",
    .about =
        "Lists the locking schemes. A scheme names a lock algorithm, with its parameters, for "
        "each role (page, iolock, invalidate ...); roles that it does not name get what Linux "
        "has. It may also choose variants of the code around the locks (path.NAME = VALUE, see "
        "--options).\n\n'show NAME' prints one scheme role by role. NAME may carry overrides, "
        "as "
        "after "
        "run --scheme: v5.9:page=handoff, v5.9:page.unfairness=1 or "
        "v5.9:path.fault-page-lock=no.\n\nOwn schemes stand in "
        "[scheme NAME] sections of a scenario, in a file given with --schemes, or in "
        "workloads/schemes.ini in a data folder of your own (see pclsim(1), ENVIRONMENT).",
    .examples = "pclsim schemes\n"
                "pclsim schemes show v5.9\n"
                "pclsim schemes --locks\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};
