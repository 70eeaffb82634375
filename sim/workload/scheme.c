/*
 * A scheme says for each role which lock plays it, with which parameters, and which variants of
 * the code paths run around them. Three things say so in one language: a section of a schemes
 * file, a [scheme NAME] of a scenario, and the overrides in
 * "v5.9:page=handoff:invalidate=range-list". Names and forms are checked here; whether a lock
 * exists and has such a parameter is for the registry to say when the scheme is used.
 */
#include "reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- one assignment ---------------------------------------------------------------------- */

static int unknown_role(const char *name, struct pcl_err *err)
{
    const char *names[PCL_N_ROLES + 2];

    for (int i = 0; i < PCL_N_ROLES; i++)
        names[i] = pcl_role_name((enum pcl_role)i);
    names[PCL_N_ROLES] = "title";
    names[PCL_N_ROLES + 1] = "path";
    (void)pcl_fail(err, PCL_EINVAL, "unknown role '%s'", name);
    if (!pcl_nearest(name, names, PCL_N_ROLES + 2))
        return pcl_hint(err, "roles: mmap, iolock, invalidate, ilock, imap, pte, mapping-tree, "
                             "page, dio");
    return pcl_hint_nearest(err, name, names, PCL_N_ROLES + 2);
}

static int put_lock(struct pcl_lock_choice *c, const char *key, const char *lock,
                    struct pcl_err *err)
{
    if (!pcl_name_ok(lock) || strlen(lock) >= sizeof c->lock)
        return pcl_fail(err, PCL_EINVAL, "%s: want the name of a lock, found %s%s%s", key,
                        *lock ? "'" : "nothing", lock, *lock ? "'" : "");
    /* parameters belong to a lock: another lock has others */
    if (strcmp(c->lock, lock) != 0)
        memset(c, 0, sizeof *c);
    (void)snprintf(c->lock, sizeof c->lock, "%s", lock);
    return PCL_OK;
}

static int put_param(struct pcl_lock_choice *c, const char *key, const char *name,
                     const char *text, bool *at_key, struct pcl_err *err)
{
    const char *why = "";
    unsigned i = 0;
    int64_t v;

    if (!pcl_name_ok(name) || strlen(name) >= sizeof c->param[0].name) {
        *at_key = true;
        return pcl_fail(err, PCL_EINVAL, "want the name of a parameter in '%s'", key);
    }
    if (pcl_parse_int(text, INT64_MIN, INT64_MAX, &v, &why) != PCL_OK)
        return pcl_fail(err, PCL_EINVAL, "%s: %s, found %s%s%s", key, why,
                        *text ? "'" : "nothing", text, *text ? "'" : "");
    while (i < c->n_params && strcmp(c->param[i].name, name) != 0)
        i++;
    if (i == PCL_MAX_LOCK_PARAMS) {
        *at_key = true;
        return pcl_fail(err, PCL_EINVAL, "a lock has at most %d parameters",
                        PCL_MAX_LOCK_PARAMS);
    }
    (void)snprintf(c->param[i].name, sizeof c->param[i].name, "%s", name);
    c->param[i].value = v;
    if (i == c->n_params)
        c->n_params++;
    return PCL_OK;
}

static int put_option(struct pcl_scheme *s, const char *name, const char *value, bool *at_key,
                      struct pcl_err *err)
{
    enum pcl_option o = pcl_option_find(name);
    const char *names[PCL_N_OPTIONS];
    uint8_t v = 0;

    if (o == PCL_N_OPTIONS) {
        for (int i = 0; i < PCL_N_OPTIONS; i++)
            names[i] = pcl_options[i].name;
        *at_key = true;
        (void)pcl_fail(err, PCL_EINVAL, "unknown path option '%s'", name);
        if (!pcl_nearest(name, names, PCL_N_OPTIONS))
            return pcl_hint(err, "`pclsim schemes --options` lists them");
        return pcl_hint_nearest(err, name, names, PCL_N_OPTIONS);
    }
    if (pcl_option_parse(o, value, &v, err) != PCL_OK)
        return PCL_EINVAL;
    s->option[o] = (uint8_t)(v + 1);
    return PCL_OK;
}

int pcl_scheme_put(struct pcl_scheme *s, const char *key, const char *value, bool *at_key,
                   struct pcl_err *err)
{
    char name[PCL_NAME_MAX];
    const char *dot = strchr(key, '.');
    enum pcl_role role;

    *at_key = false;
    if (strcmp(key, "title") == 0) {
        if (strlen(value) >= sizeof s->title)
            return pcl_fail(err, PCL_EINVAL, "title: want at most %zu letters",
                            sizeof s->title - 1);
        if (pcl_is_comment(value))
            return pcl_fail(err, PCL_EINVAL,
                            "title: want text that does not begin as a comment does");
        (void)snprintf(s->title, sizeof s->title, "%s", value);
        return PCL_OK;
    }
    (void)snprintf(name, sizeof name, "%.*s", dot ? (int)(dot - key) : (int)sizeof name - 1,
                   key);
    if (strcmp(name, "path") == 0) {
        if (dot)
            return put_option(s, dot + 1, value, at_key, err);
        *at_key = true;
        return pcl_fail(err, PCL_EINVAL, "want path.OPTION, found '%s'", key);
    }
    role = pcl_role_find(name);
    if (role == PCL_N_ROLES) {
        *at_key = true;
        return unknown_role(name, err);
    }
    if (dot)
        return put_param(&s->role[role], key, dot + 1, value, at_key, err);
    return put_lock(&s->role[role], key, value, err);
}

/* --- schemes files ----------------------------------------------------------------------- */

struct pcl_scheme *pcl_schemes_add(struct pcl_schemes *list, const struct pcl_scheme *s)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i].name, s->name) == 0) {
            list->v[i] = *s;
            return &list->v[i];
        }
    list->v = pcl_xrealloc(list->v, list->n + 1, sizeof *list->v);
    list->v[list->n] = *s;
    return &list->v[list->n++];
}

/* Locks first, parameters after them: a section may write them in any order. */
int pcl_scheme_read_section(struct pcl_reader *r, struct pcl_ini_section *sec, const char *name,
                            struct pcl_scheme *s)
{
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    (void)snprintf(s->path, sizeof s->path, "%s", r->ini->file);
    s->line = sec->line;
    for (int params = 0; params < 2; params++)
        for (size_t i = 0; i < sec->n_entries; i++) {
            struct pcl_ini_entry *e = &sec->entry[i];
            struct pcl_err why;
            bool at_key = false;

            if ((strchr(e->key, '.') != NULL) != params)
                continue;
            if (pcl_is_machine_constant(e->key) && pcl_role_find(e->key) == PCL_N_ROLES)
                return pcl_fail_unknown_key(r, e, NULL, 0);
            if (pcl_scheme_put(s, e->key, e->value, &at_key, &why) != PCL_OK) {
                (void)(at_key ? pcl_fail_key(r, e, "%s", why.msg)
                              : pcl_fail_value(r, e, 0, "%s", why.msg));
                return why.hint[0] ? pcl_hint(r->err, "%s", why.hint) : r->err->code;
            }
            e->used = true;
        }
    return PCL_OK;
}

/* "[v5.9]", or as in a scenario "[scheme v5.9]". */
static int read_file_section(struct pcl_reader *r, struct pcl_ini_section *sec,
                             struct pcl_schemes *list)
{
    const char *name = *sec->name ? sec->name : sec->kind;
    struct pcl_scheme s = {.title = ""};
    int rc;

    if (*sec->name && strcmp(sec->kind, "scheme") != 0)
        return pcl_fail_section(r, sec, "want [NAME], found [%s %s]", sec->kind, sec->name);
    if (!pcl_name_ok(name))
        return pcl_fail_section(r, sec,
                                "want a name of letters, digits and . _ - +, found '%s'", name);
    rc = pcl_scheme_read_section(r, sec, name, &s);
    if (rc == PCL_OK)
        (void)pcl_schemes_add(list, &s);
    return rc;
}

int pcl_schemes_load(const char *path, struct pcl_schemes *s, struct pcl_err *err)
{
    struct pcl_err unseen;
    struct pcl_reader r = {.err = err ? err : &unseen};
    int rc = pcl_ini_load(path, &r.ini, r.err);

    if (rc != PCL_OK)
        return rc;
    for (size_t i = 0; i < r.ini->n_sections && rc == PCL_OK; i++)
        rc = read_file_section(&r, &r.ini->section[i], s);
    pcl_ini_free(r.ini);
    return rc;
}

int pcl_schemes_default(struct pcl_schemes *s, struct pcl_err *err)
{
    char **paths;
    size_t n = pcl_find_all_data("workloads", "schemes.ini", &paths);
    int rc = PCL_OK;

    /* a root that comes first in the lookup has the last word */
    for (size_t i = n; i > 0 && rc == PCL_OK; i--)
        rc = pcl_schemes_load(paths[i - 1], s, err);
    pcl_free_list(paths, n);
    if (n == 0) { /* nowhere: the lookup of one file says where it looked */
        char *path = NULL;

        rc = pcl_find_data("workloads", "schemes", ".ini", &path, err);
        if (rc == PCL_OK)
            rc = pcl_schemes_load(path, s, err);
        free(path);
    }
    return rc;
}

void pcl_schemes_fini(struct pcl_schemes *s)
{
    free(s->v);
    s->v = NULL;
    s->n = 0;
}

const struct pcl_scheme *pcl_schemes_find(const struct pcl_schemes *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i].name, name) == 0)
            return &s->v[i];
    return NULL;
}

/* --- NAME[:role=lock][:role.param=value][:path.option=value]... -----------------------------
 */

static int apply_item(struct pcl_scheme *s, const char *item, size_t n, size_t *at,
                      struct pcl_err *err)
{
    char text[sizeof s->name], *equals;
    bool at_key = false;

    (void)snprintf(text, sizeof text, "%.*s", (int)n, item);
    equals = strchr(text, '=');
    if (!equals)
        return pcl_fail(err, PCL_EINVAL,
                        "want role=lock, role.param=value or path.option=value, found %s%s%s",
                        n ? "'" : "nothing", text, n ? "'" : "");
    *equals = '\0';
    if (strcmp(text, "title") == 0)
        return unknown_role(text, err);
    if (pcl_scheme_put(s, text, equals + 1, &at_key, err) == PCL_OK)
        return PCL_OK;
    if (!at_key)
        *at += (size_t)(equals + 1 - text);
    return PCL_EINVAL;
}

int pcl_scheme_apply(struct pcl_scheme *s, const char *spec, size_t *at, struct pcl_err *err)
{
    size_t name = strcspn(spec, ":"), from = name;
    char text[PCL_NAME_MAX];

    *at = 0;
    if (strlen(spec) >= sizeof s->name)
        return pcl_fail(err, PCL_EINVAL, "want a scheme of at most %zu letters",
                        sizeof s->name - 1);
    (void)snprintf(text, sizeof text, "%.*s", (int)(name < sizeof text ? name : 0), spec);
    if (!pcl_name_ok(text))
        return pcl_fail(err, PCL_EINVAL, "want NAME[:role=lock][:role.param=value], found '%s'",
                        spec);
    while (spec[from] == ':') {
        size_t n = strcspn(spec + from + 1, ":");

        *at = from + 1;
        if (apply_item(s, spec + from + 1, n, at, err) != PCL_OK)
            return PCL_EINVAL;
        from += n + 1;
    }
    return PCL_OK;
}

static int unknown_scheme(const struct pcl_schemes *s, const char *name, struct pcl_err *err)
{
    const char **names = pcl_xcalloc(s->n + 1, sizeof *names);
    char known[200] = "";
    size_t len = 0;

    for (size_t i = 0; i < s->n; i++) {
        names[i] = s->v[i].name;
        if (len < sizeof known)
            len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "",
                                    names[i]);
    }
    (void)pcl_fail(err, PCL_EINVAL, "unknown scheme '%s'", name);
    if (pcl_nearest(name, names, s->n))
        (void)pcl_hint_nearest(err, name, names, s->n);
    else
        (void)pcl_hint(err, "schemes: %s", known);
    free(names);
    return PCL_EINVAL;
}

int pcl_scheme_resolve(const struct pcl_schemes *s, const char *spec, struct pcl_scheme *out,
                       struct pcl_err *err)
{
    struct pcl_err why = {.code = PCL_OK};
    struct pcl_scheme made = {.title = ""};
    const struct pcl_scheme *base;
    char name[PCL_NAME_MAX];
    size_t at;
    int rc = pcl_scheme_apply(&made, spec, &at, &why); /* the form first, then the name */

    if (rc == PCL_OK) {
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(spec, ":"), spec);
        base = pcl_schemes_find(s, name);
        if (base) {
            made = *base;
            rc = pcl_scheme_apply(&made, spec, &at, &why);
        } else {
            rc = unknown_scheme(s, name, &why);
        }
    }
    if (rc != PCL_OK) {
        (void)pcl_fail(err, rc, "scheme %s: %s", spec, why.msg);
        return why.hint[0] ? pcl_hint(err, "%s", why.hint) : rc;
    }
    (void)snprintf(made.name, sizeof made.name, "%s", spec);
    *out = made;
    return PCL_OK;
}

/* --- the canonical text ------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    const struct pcl_lock_param *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static void write_choices(FILE *out, const struct pcl_scheme *s)
{
    char text[PCL_OPTION_TEXT];

    for (int i = 0; i < PCL_N_ROLES; i++) {
        struct pcl_lock_choice c = s->role[i];
        const char *role = pcl_role_name((enum pcl_role)i);

        if (c.lock[0])
            (void)fprintf(out, "%s = %s\n", role, c.lock);
        qsort(c.param, c.n_params, sizeof c.param[0], by_name);
        for (unsigned j = 0; j < c.n_params; j++)
            (void)fprintf(out, "%s.%s = %" PRId64 "\n", role, c.param[j].name,
                          c.param[j].value);
    }
    for (int i = 0; i < PCL_N_OPTIONS; i++) {
        enum pcl_option o = (enum pcl_option)i;
        uint8_t v = pcl_scheme_option(s, o);

        if (v != pcl_options[o].def)
            (void)fprintf(out, "path.%s = %s\n", pcl_options[o].name,
                          pcl_option_text(o, v, text, sizeof text));
    }
}

void pcl_scheme_write(FILE *out, const struct pcl_scheme *s)
{
    if (s->title[0])
        (void)fprintf(out, "title = %s\n", s->title);
    write_choices(out, s);
}

char *pcl_scheme_text(const struct pcl_scheme *s)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    PCL_ASSERT(out != NULL);
    write_choices(out, s);
    (void)fclose(out);
    return text;
}
