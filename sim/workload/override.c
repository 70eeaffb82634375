/*
 * --set [section.]key=value, and the keys of a grid, which are written alike. A key without a
 * section means the one section that has it, or, when no section writes it down, the one
 * section that could have it. The [grid] and [claim] never count for that: an axis called tasks
 * is no second place where tasks is set.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

const char *pcl_set_machine_key(const char *set)
{
    static const char prefix[] = "machine.";

    return strncmp(set, prefix, sizeof prefix - 1) == 0 ? set + sizeof prefix - 1 : NULL;
}

static bool is_hidden(const struct pcl_ini_section *s)
{
    return strcmp(s->kind, "grid") == 0 || strcmp(s->kind, "claim") == 0 ||
           strcmp(s->kind, "scheme") == 0;
}

static bool could_have(const struct pcl_ini_section *s, const char *key)
{
    const struct pcl_key_table *t = pcl_key_table(s->kind);

    return t ? pcl_key_find(t, key) != NULL : true;
}

static bool same(const char *a, const char *text, size_t n)
{
    return n > 0 && strlen(a) == n && strncmp(a, text, n) == 0;
}

/* Does the text of n letters mean this section: "kind", "name", "kind name" or, since a key in
 * a file has no blanks, "kind.name"? */
static bool means(const struct pcl_ini_section *s, const char *text, size_t n)
{
    size_t k = strlen(s->kind);

    return same(s->kind, text, n) || same(s->name, text, n) ||
           (n > k + 1 && same(s->kind, text, k) && (text[k] == ' ' || text[k] == '.') &&
            same(s->name, text + k + 1, n - k - 1));
}

struct found {
    struct pcl_ini_section *section[2]; /* the first two, to name them */
    const char *key;
    size_t n;
};

static void found(struct found *f, struct pcl_ini_section *s, const char *key)
{
    if (f->n < 2)
        f->section[f->n] = s;
    f->key = key;
    f->n++;
}

/* "section.key": the longest section text that fits; both may contain dots. */
static struct found dotted(struct pcl_ini *ini, const char *spec)
{
    struct found f = {.n = 0};

    for (const char *dot = spec + strlen(spec); dot > spec && f.n == 0; dot--)
        if (*dot == '.' && dot[1])
            for (size_t i = 0; i < ini->n_sections; i++)
                if (means(&ini->section[i], spec, (size_t)(dot - spec)) &&
                    could_have(&ini->section[i], dot + 1))
                    found(&f, &ini->section[i], dot + 1);
    return f;
}

static struct found bare(struct pcl_ini *ini, const char *key, bool written)
{
    struct found f = {.n = 0};

    for (size_t i = 0; i < ini->n_sections; i++) {
        struct pcl_ini_section *s = &ini->section[i];

        if (!is_hidden(s) && could_have(s, key) && (!written || pcl_ini_entry(s, key)))
            found(&f, s, key);
    }
    return f;
}

static int ambiguous(const char *spec, const struct found *f, struct pcl_err *err)
{
    const struct pcl_ini_section *a = f->section[0], *b = f->section[1];

    (void)pcl_fail(err, PCL_EINVAL, "'%s' is a key of %zu sections", spec, f->n);
    if (strcmp(a->name, b->name) != 0 && *a->name && *b->name)
        return pcl_hint(err, "write %s.%s or %s.%s", a->name, f->key, b->name, f->key);
    return pcl_hint(err, "write %s%s%s.%s or %s%s%s.%s", a->kind, *a->name ? "." : "", a->name,
                    f->key, b->kind, *b->name ? "." : "", b->name, f->key);
}

/* Known keys and sections, for the nearest one. */
static int unknown(struct pcl_reader *r, const char *spec, struct pcl_err *err)
{
    static const char *const kinds[] = {"scenario", "file", "group"};
    const char *names[128], *dot = strchr(spec, '.');
    char word[PCL_NAME_MAX];
    size_t n = 0;

    if (pcl_is_machine_constant(spec))
        return pcl_fail(
            err, PCL_EINVAL,
            "%s is a machine constant: write machine.%s, with --set any value, in a "
            "[grid] low, typical, high",
            spec, spec);
    if (!dot) {
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < pcl_key_table(kinds[i])->n; j++)
                names[n++] = pcl_key_table(kinds[i])->key[j].name;
        (void)pcl_fail(err, PCL_EINVAL, "unknown key '%s'", spec);
        return pcl_hint_nearest(err, spec, names, n);
    }
    (void)snprintf(word, sizeof word, "%.*s", (int)(dot - spec), spec);
    for (size_t i = 0; i < r->ini->n_sections && n + 2 < 128; i++) {
        const struct pcl_ini_section *s = &r->ini->section[i];
        const struct pcl_key_table *t = pcl_key_table(s->kind);

        if (means(s, word, strlen(word)) && t) {
            n = 0;
            for (size_t j = 0; j < t->n; j++)
                names[n++] = t->key[j].name;
            (void)pcl_fail(err, PCL_EINVAL, "unknown key '%s' of '%s'", dot + 1, word);
            return pcl_hint_nearest(err, dot + 1, names, n);
        }
        names[n++] = s->kind;
        if (*s->name)
            names[n++] = s->name;
    }
    names[n++] = "machine";
    (void)pcl_fail(err, PCL_EINVAL, "there is no section '%s'", word);
    return pcl_hint_nearest(err, word, names, n);
}

/* The last part of a key: an axis may be written with its section or without. */
static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');

    return dot ? dot + 1 : key;
}

/* Tasks are often called threads, whatever they share. */
static const char *by_its_name(struct pcl_reader *r, const char *spec)
{
    size_t n = strlen(spec) - strlen("threads");
    char *name = pcl_arena_alloc(&r->s->arena, n + sizeof "tasks", 1);

    (void)snprintf(name, n + sizeof "tasks", "%.*stasks", (int)n, spec);
    return name;
}

int pcl_find_target(struct pcl_reader *r, const char *spec, struct pcl_target *out,
                    struct pcl_err *err)
{
    struct found f = bare(r->ini, spec, true);

    if (f.n == 0)
        f = bare(r->ini, spec, false);
    if (f.n == 0)
        f = dotted(r->ini, spec);
    if (f.n == 0 && strcmp(last_part(spec), "threads") == 0)
        return pcl_find_target(r, by_its_name(r, spec), out, err);
    if (f.n == 0)
        return unknown(r, spec, err);
    if (f.n > 1)
        return ambiguous(spec, &f, err);
    out->section = f.section[0];
    out->key = f.key;
    return PCL_OK;
}

/* What a file could not say, an override must not: the canonical text has to read back. So the
 * line that it stands for is read by the file reader. */
static int check_line(struct pcl_reader *r, const char *key, const char *equals)
{
    size_t n = strlen(equals), room = n + 8;
    char *text = pcl_arena_alloc(&r->s->arena, room, 1);
    struct pcl_ini *one = NULL;
    struct pcl_err why;
    int rc;

    (void)snprintf(text, room, "[a]\nk = %s\n", equals + 1);
    rc = pcl_ini_parse("--set", text, strlen(text), &one, &why);
    if (rc != PCL_OK)
        return pcl_fail_at(r->err, "--set", 0, 0, "%s: %s", key, why.msg);
    n = strlen(one->section[0].entry[0].value);
    for (equals++; *equals == ' ' || *equals == '\t'; equals++)
        ;
    if (strspn(equals + n, " \t") != strlen(equals + n))
        rc = pcl_fail_at(r->err, "--set", 0, 0, "%s: want one value without a comment", key);
    pcl_ini_free(one);
    return rc;
}

bool pcl_same_axis(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    return (!strchr(a, '.') || !strchr(b, '.')) && strcmp(last_part(a), last_part(b)) == 0;
}

static struct pcl_ini_section *grid_of(struct pcl_reader *r)
{
    struct pcl_ini *ini = r->ini;
    struct pcl_ini_section *more, *grid = pcl_ini_section(ini, "grid", NULL);

    if (grid)
        return grid;
    more = pcl_arena_alloc(&ini->arena, ini->n_sections + 1, sizeof *more);
    memcpy(more, ini->section, ini->n_sections * sizeof *more);
    ini->section = more;
    grid = &more[ini->n_sections++];
    *grid = (struct pcl_ini_section){.kind = "grid", .name = ""};
    return grid;
}

bool pcl_only_place(struct pcl_reader *r, const char *key)
{
    return bare(r->ini, key, false).n == 1;
}

struct pcl_ini_entry *pcl_section_add(struct pcl_reader *r, struct pcl_ini_section *sec,
                                      const struct pcl_ini_entry *e)
{
    struct pcl_ini_entry *more = pcl_arena_alloc(&r->ini->arena, sec->n_entries + 1, sizeof *more);

    if (sec->n_entries)
        memcpy(more, sec->entry, sec->n_entries * sizeof *more);
    more[sec->n_entries] = *e;
    sec->entry = more;
    return &more[sec->n_entries++];
}

void pcl_grid_add(struct pcl_reader *r, const struct pcl_ini_entry *e)
{
    (void)pcl_section_add(r, grid_of(r), e);
}

/* A value as the setter takes it: without the blanks around it. */
static const char *skip_blanks(struct pcl_reader *r, const char *value)
{
    struct pcl_list l = {.text = value};

    (void)pcl_list_next(r, &l, '\0');
    return l.item;
}

/* "grid.KEY=VALUES": an axis in place of the one that the file has of that key, or a new one. */
static int override_grid(struct pcl_reader *r, const char *axis, const char *equals)
{
    struct pcl_ini_section *grid = grid_of(r);
    struct pcl_ini_entry *e = NULL;
    char *key = pcl_arena_alloc(&r->ini->arena, (size_t)(equals - axis) + 1, 1);

    memcpy(key, axis, (size_t)(equals - axis));
    for (size_t i = 0; i < grid->n_entries; i++)
        if (pcl_same_axis(grid->entry[i].key, key))
            e = &grid->entry[i];
    if (!e)
        e = pcl_section_add(r, grid, &(struct pcl_ini_entry){.key = key});
    *e = (struct pcl_ini_entry){.key = key, .value = skip_blanks(r, equals + 1)};
    return PCL_OK;
}

int pcl_apply_override(struct pcl_reader *r, const char *set)
{
    const char *equals = strchr(set, '=');
    struct pcl_target t;
    struct pcl_err why;
    struct pcl_ini view;
    struct pcl_list l = {.text = set};
    char *assignment;
    size_t n;
    int rc;

    if (!equals)
        return pcl_fail_at(r->err, "--set", 0, 0, "%s: want [section.]key=value", set);
    (void)pcl_list_next(r, &l, '=');
    if (pcl_set_machine_key(l.item))
        return PCL_OK;
    if (strncmp(l.item, "grid.", 5) == 0) {
        if (check_line(r, l.item, equals) != PCL_OK)
            return PCL_EINVAL;
        return override_grid(r, set + 5, equals);
    }
    if (pcl_is_variable(r->s, l.item)) {
        if (check_line(r, l.item, equals) != PCL_OK)
            return PCL_EINVAL;
        return override_grid(r, set, equals);
    }
    if (pcl_find_target(r, l.item, &t, &why) != PCL_OK) {
        (void)pcl_fail_at(r->err, "--set", 0, 0, "%s: %s", set, why.msg);
        return why.hint[0] ? pcl_hint(r->err, "%s", why.hint) : r->err->code;
    }
    if (check_line(r, l.item, equals) != PCL_OK)
        return PCL_EINVAL;
    pcl_keep_axis(r, &t, skip_blanks(r, equals + 1));
    /* the section is decided: the setter sees no other, so nothing else can fit better */
    view = *r->ini;
    view.section = t.section;
    view.n_sections = 1;
    n = strlen(t.section->kind) + strlen(t.section->name) + strlen(t.key) + strlen(equals) + 3;
    assignment = pcl_arena_alloc(&r->s->arena, n, 1);
    (void)snprintf(assignment, n, "%s%s%s.%s%s", t.section->kind, *t.section->name ? " " : "",
                   t.section->name, t.key, equals);
    rc = pcl_ini_set(&view, assignment, r->err);
    r->ini->arena = view.arena;
    return rc;
}
