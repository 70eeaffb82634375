/*
 * ${...} in a scenario: a value that varies, written where it is used.
 *
 *     tasks = ${1,2,4..64}        an axis of the grid, here
 *     think = exp:${gap}          a variable of the grid, which may stand in several places
 *
 * Both become lines of [grid] before anything is understood: the first an axis of that key, the
 * second a binding "group.g.think = exp:${gap}", which is also how the canonical text says it.
 * The key itself gets the first value; --set chooses another.
 */
#include "reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static char *join(struct pcl_reader *r, const char *a, size_t n, const char *b, const char *c)
{
    size_t size = n + strlen(b) + strlen(c) + 1;
    char *out = pcl_arena_alloc(&r->ini->arena, size, 1);

    (void)snprintf(out, size, "%.*s%s%s", (int)n, a, b, c);
    return out;
}

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text))
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '_' && *text != '-')
            return false;
    return true;
}

/* The first "${...}" of a value: its place, its length, what stands in it. */
static bool find(struct pcl_reader *r, const char *value, size_t *at, size_t *n, char **inner)
{
    const char *from = strstr(value, "${"), *to = from ? strchr(from, '}') : NULL;

    if (!to)
        return false;
    *at = (size_t)(from - value);
    *n = (size_t)(to - from) + 1;
    *inner = join(r, from + 2, *n - 3, "", "");
    return true;
}

static struct pcl_ini_entry *grid_entry(struct pcl_reader *r, const char *name)
{
    struct pcl_ini_section *grid = pcl_ini_section(r->ini, "grid", NULL);

    return grid ? pcl_ini_entry(grid, name) : NULL;
}

/* The first value of a list. */
static const char *first_of(struct pcl_reader *r, const char *values)
{
    struct pcl_list l = {.text = values};
    char *dots;

    (void)pcl_list_next(r, &l, ',');
    dots = strstr(l.item, "..");
    if (dots)
        *dots = '\0';
    return l.item;
}

/* What a key is called in [grid]: the shortest name that means this section alone, in the
 * canonical text too, where every key is written down. */
static const char *axis_key(struct pcl_reader *r, const struct pcl_ini_section *sec,
                            const char *key)
{
    const char *named = *sec->name ? sec->name : sec->kind;
    const char *full = join(r, sec->kind, strlen(sec->kind), *sec->name ? "." : "", sec->name);
    const char *tries[] = {key, join(r, named, strlen(named), ".", key),
                           join(r, full, strlen(full), ".", key)};
    struct pcl_target t;
    struct pcl_err err;

    for (size_t i = pcl_only_place(r, key) ? 0 : 1; i < 2; i++)
        if (pcl_find_target(r, tries[i], &t, &err) == PCL_OK && t.section == sec)
            return tries[i];
    return tries[2];
}

/* "exp:${1us,2us}" has the values exp:1us and exp:2us. */
static const char *spread(struct pcl_reader *r, const char *value, size_t at, size_t n,
                          const char *inner)
{
    struct pcl_list l = {.text = inner};
    char *text = NULL;
    size_t size;
    FILE *out;

    if (at == 0 && value[n] == '\0')
        return inner;
    out = open_memstream(&text, &size);
    PCL_ASSERT(out != NULL);
    for (int i = 0; pcl_list_next(r, &l, ','); i++)
        (void)fprintf(out, "%s%.*s%s%s", i ? ", " : "", (int)at, value, l.item, value + at + n);
    (void)fclose(out);
    value = join(r, text, size, "", "");
    free(text);
    return value;
}

/* A list in place: an axis of this key. */
static int make_axis(struct pcl_reader *r, struct pcl_ini_section *sec, struct pcl_ini_entry *e,
                     size_t at, size_t n, const char *inner)
{
    const char *key = axis_key(r, sec, e->key), *values = spread(r, e->value, at, n, inner);
    struct pcl_ini_entry line = *e, *there = grid_entry(r, key);

    if (strstr(e->value + at + n, "${"))
        return pcl_fail_value(r, e, at + n,
                              "%s: want one list in a value, found another; "
                              "name them in [grid] and write ${NAME}",
                              e->key);
    e->value = first_of(r, values);
    if (there && there->line == 0) /* given on the command line */
        return PCL_OK;
    if (there)
        return pcl_fail_value(r, e, at, "%s: it is an axis of [grid] too", e->key);
    line.key = key;
    line.value = values;
    line.value_col = e->value_col + (unsigned)at + 2;
    pcl_grid_add(r, &line);
    return PCL_OK;
}

/* A reference: the line stands for each of the variable's values. */
static int bind(struct pcl_reader *r, struct pcl_ini_section *sec, struct pcl_ini_entry *e)
{
    struct pcl_ini_entry line = *e;
    size_t at, n;
    char *inner;

    line.key = axis_key(r, sec, e->key);
    while (find(r, e->value, &at, &n, &inner)) {
        struct pcl_ini_entry *var = grid_entry(r, inner);

        if (!var) {
            (void)pcl_fail_value(r, e, at, "%s: no variable '%s' in [grid]", e->key, inner);
            return pcl_hint(r->err,
                            "[grid] %s = VALUE, VALUE ...; or a list in place: "
                            "${1,2,4..64}",
                            inner);
        }
        e->value = join(r, e->value, at, first_of(r, var->value), e->value + at + n);
    }
    r->s->bind = pcl_xrealloc(r->s->bind, r->s->n_bind + 1, sizeof *r->s->bind);
    r->s->bind[r->s->n_bind].key = pcl_arena_strdup(&r->s->arena, line.key);
    r->s->bind[r->s->n_bind++].value = pcl_arena_strdup(&r->s->arena, line.value);
    return PCL_OK;
}

static int expand(struct pcl_reader *r, struct pcl_ini_section *sec, struct pcl_ini_entry *e)
{
    size_t at, n;
    char *inner;

    if (!find(r, e->value, &at, &n, &inner)) {
        const char *open = strstr(e->value, "${");

        return open ? pcl_fail_value(r, e, (size_t)(open - e->value),
                                     "%s: want ${...}, found "
                                     "no '}'",
                                     e->key)
                    : PCL_OK;
    }
    if (!*inner)
        return pcl_fail_value(r, e, at, "%s: want a list or a name in ${...}, found nothing",
                              e->key);
    return is_name(inner) ? bind(r, sec, e) : make_axis(r, sec, e, at, n, inner);
}

/* Bindings of [grid] go where they belong. */
static int place_bindings(struct pcl_reader *r)
{
    struct pcl_ini_section *grid = pcl_ini_section(r->ini, "grid", NULL);

    for (size_t i = 0; grid && i < grid->n_entries; i++) {
        struct pcl_ini_entry *e = &grid->entry[i];
        struct pcl_target t;
        struct pcl_err why;
        struct pcl_ini_entry *there;

        if (!strstr(e->value, "${"))
            continue;
        if (pcl_find_target(r, e->key, &t, &why) != PCL_OK) {
            (void)pcl_fail_key(r, e, "%s", why.msg);
            return why.hint[0] ? pcl_hint(r->err, "%s", why.hint) : r->err->code;
        }
        there = pcl_ini_entry(t.section, t.key);
        if (!there)
            there = pcl_section_add(r, t.section, &(struct pcl_ini_entry){.key = t.key});
        if (there->line || !there->value) { /* --set keeps what it chose */
            there->value = e->value;
            there->line = e->line;
            there->value_col = e->value_col;
        }
        memmove(e, e + 1, (grid->n_entries - i - 1) * sizeof *e);
        grid->n_entries--;
        i--;
    }
    return PCL_OK;
}

int pcl_expand_varied(struct pcl_reader *r)
{
    int rc = place_bindings(r);

    for (size_t i = 0; rc == PCL_OK && i < r->ini->n_sections; i++) {
        const char *kind = r->ini->section[i].kind;

        if (strcmp(kind, "grid") == 0 || strcmp(kind, "claim") == 0)
            continue;
        for (size_t k = 0; rc == PCL_OK && k < r->ini->section[i].n_entries; k++)
            rc = expand(r, &r->ini->section[i], &r->ini->section[i].entry[k]);
    }
    return rc;
}

/* --- what a file varies, before --set changes it ---------------------------------------------
 */

void pcl_find_variables(struct pcl_reader *r)
{
    struct pcl_scenario *s = r->s;
    size_t room = 0;

    for (size_t i = 0; i < r->ini->n_sections; i++)
        room += r->ini->section[i].n_entries;
    s->var = pcl_arena_alloc(&s->arena, room + 1, sizeof *s->var);
    for (size_t i = 0; i < r->ini->n_sections; i++)
        for (size_t k = 0; k < r->ini->section[i].n_entries; k++) {
            const char *value = r->ini->section[i].entry[k].value;
            size_t at, n;
            char *inner;

            for (; find(r, value, &at, &n, &inner); value += at + n)
                if (is_name(inner) && s->n_var < room)
                    s->var[s->n_var++] = pcl_arena_strdup(&s->arena, inner);
        }
}

bool pcl_is_variable(const struct pcl_scenario *s, const char *name)
{
    for (size_t i = 0; i < s->n_var; i++)
        if (strcmp(s->var[i], name) == 0)
            return true;
    return false;
}

bool pcl_is_bound(const struct pcl_scenario *s, const char *name)
{
    char use[PCL_NAME_MAX + 4];

    (void)snprintf(use, sizeof use, "${%s}", name);
    for (size_t i = 0; i < s->n_bind; i++)
        if (strstr(s->bind[i].value, use))
            return true;
    return false;
}

void pcl_keep_axis(struct pcl_reader *r, const struct pcl_target *t, const char *value)
{
    const struct pcl_ini_entry *e = pcl_ini_entry(t->section, t->key);
    struct pcl_ini_entry line = {.value = value};
    size_t at, n;
    char *inner;

    if (!e || !find(r, e->value, &at, &n, &inner) || is_name(inner))
        return;
    line.key = axis_key(r, t->section, t->key);
    if (!grid_entry(r, line.key))
        pcl_grid_add(r, &line);
}
