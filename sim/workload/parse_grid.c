/*
 * [grid]: axes of a parameter study. A key is what --set takes and must point to a key that one
 * run depends on; each value is checked by that key's own row, so that a sweep does not fail at
 * its hundredth cell. A machine constant takes low, typical or high only: numbers for it belong
 * into a machine profile.
 */
#include "reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MOST_VALUES 1000

/* Keys of [scenario] that no single run depends on. */
static const char *const not_varied[] = {"title", "source", "seed", "reps", "schemes"};

/* What the values of one axis have to pass. */
struct axis {
    struct pcl_grid_axis *g;
    const struct pcl_ini_entry *e;
    const struct pcl_key_table *table; /* NULL: no table's key */
    const struct pcl_key *key;
    bool machine;       /* low, typical, high */
    const char *scheme; /* key of an own scheme: "page.unfairness" */
};

static int check_machine_key(struct pcl_reader *r, const struct pcl_ini_entry *e,
                             const char *key)
{
    const char *const *names;
    size_t n;

    if (pcl_is_machine_constant(key))
        return PCL_OK;
    names = pcl_machine_constants(&n);
    (void)pcl_fail_key(r, e, "there is no machine constant '%s'", key);
    return pcl_hint_nearest(r->err, key, names, n);
}

static int find_key(struct pcl_reader *r, struct axis *a)
{
    const struct pcl_ini_entry *e = a->e;
    const char *machine = pcl_set_machine_key(e->key);
    struct pcl_target t;
    struct pcl_err why;

    if (machine) {
        a->machine = true;
        return check_machine_key(r, e, machine);
    }
    if (pcl_find_target(r, e->key, &t, &why) != PCL_OK) {
        (void)pcl_fail_key(r, e, "%s", why.msg);
        return why.hint[0] ? pcl_hint(r->err, "%s", why.hint) : r->err->code;
    }
    if (strcmp(t.section->kind, "scheme") == 0 && strcmp(t.key, "title") != 0) {
        a->scheme = t.key;
        return PCL_OK;
    }
    a->table = pcl_key_table(t.section->kind);
    a->key = a->table ? pcl_key_find(a->table, t.key) : NULL;
    for (size_t i = 0; a->key && i < sizeof not_varied / sizeof not_varied[0]; i++)
        if (a->table == &pcl_scenario_keys && strcmp(a->key->name, not_varied[i]) == 0)
            a->key = NULL;
    if (!a->key || a->table == &pcl_claim_keys)
        return pcl_fail_key(r, e, "'%s' cannot vary in a grid", e->key);
    return PCL_OK;
}

/* One value, at bytes into the entry's value: is it one that the key takes? */
static int check_value(struct pcl_reader *r, const struct axis *a, const char *value, size_t at)
{
    struct pcl_ini_entry e = *a->e;

    e.value = value;
    if (e.line)
        e.value_col += (unsigned)at;
    if (!*value)
        return pcl_fail_value(r, &e, 0, "%s: want values between commas, found nothing", e.key);
    if (a->machine) {
        if (strcmp(value, "low") == 0 || strcmp(value, "typical") == 0 ||
            strcmp(value, "high") == 0)
            return PCL_OK;
        return pcl_fail_value(
            r, &e, 0,
            "%s: want low, typical or high, found '%s'; a number belongs into a "
            "machine profile",
            e.key, value);
    }
    if (a->scheme) {
        struct pcl_scheme probe = {.title = ""};
        struct pcl_err why;
        bool at_key = false;

        if (pcl_scheme_put(&probe, a->scheme, value, &at_key, &why) == PCL_OK)
            return PCL_OK;
        (void)pcl_fail_value(r, &e, 0, "%s", why.msg);
        return why.hint[0] ? pcl_hint(r->err, "%s", why.hint) : r->err->code;
    }
    return pcl_key_read(r, a->key, &e, pcl_arena_alloc(&r->s->arena, 1, a->table->size));
}

static int add_value(struct pcl_reader *r, const struct axis *a, const char *value, size_t at)
{
    struct pcl_grid_axis *g = a->g;
    int rc = check_value(r, a, value, at);

    if (rc != PCL_OK)
        return rc;
    if (g->n_values == MOST_VALUES)
        return pcl_fail_value(r, a->e, at, "%s: want at most %d values", g->key, MOST_VALUES);
    for (size_t i = 0; i < g->n_values; i++)
        if (strcmp(g->value[i], value) == 0)
            return pcl_fail_value(r, a->e, at, "%s: '%s' is listed twice", g->key, value);
    g->value[g->n_values++] = pcl_arena_strdup(&r->s->arena, value);
    return PCL_OK;
}

/* "16..64 step 16" of a whole number; 1 when item is no such range. */
static int add_range(struct pcl_reader *r, const struct axis *a, char *item, size_t at)
{
    char *dots = strstr(item, ".."), *to, *step = NULL, number[32];
    int64_t lo, hi, by = 1;

    if (!dots || a->machine || (a->key && a->key->kind != PCL_KEY_COUNT))
        return 1;
    *dots = '\0';
    to = dots + 2;
    to[-1] = '\0';
    step = strstr(to, " step ");
    if (step) {
        *step = '\0';
        step += 6;
    }
    if (pcl_parse_int(item, 0, INT64_MAX, &lo, NULL) != PCL_OK ||
        pcl_parse_int(to, 0, INT64_MAX, &hi, NULL) != PCL_OK || lo > hi ||
        (step && pcl_parse_int(step, 1, INT64_MAX, &by, NULL) != PCL_OK))
        return pcl_fail_value(r, a->e, at, "%s: want FROM..TO or FROM..TO step N", a->g->key);
    for (int64_t v = lo;; v += by) {
        int rc;

        (void)snprintf(number, sizeof number, "%" PRId64, v);
        rc = add_value(r, a, number, at);
        if (rc != PCL_OK)
            return rc;
        if (by > hi - v)
            return PCL_OK;
    }
}

static int read_axis(struct pcl_reader *r, const struct pcl_ini_entry *e,
                     struct pcl_grid_axis *g)
{
    struct axis a = {.g = g, .e = e};
    struct pcl_list l = {.text = e->value};
    int rc = find_key(r, &a);

    if (rc != PCL_OK)
        return rc;
    if (strpbrk(e->key, " \t")) /* only an override can say it; a file could not read it back */
        return pcl_fail_key(r, e, "want a key without blanks, such as group.NAME.tasks");
    if (strlen(e->key) >= sizeof g->key)
        return pcl_fail_key(r, e, "want a key of at most %zu letters", sizeof g->key - 1);
    (void)snprintf(g->key, sizeof g->key, "%s", e->key);
    g->line = e->line;
    g->value = pcl_arena_alloc(&r->s->arena, MOST_VALUES, sizeof *g->value);
    while (pcl_list_next(r, &l, ',')) {
        rc = add_range(r, &a, l.item, l.start);
        if (rc == 1)
            rc = add_value(r, &a, l.item, l.start);
        if (rc != PCL_OK)
            return rc;
    }
    return PCL_OK;
}

int pcl_read_grid(struct pcl_reader *r, struct pcl_ini_section *sec)
{
    struct pcl_scenario *s = r->s;

    if (sec->n_entries == 0)
        return pcl_fail_section(r, sec, "[grid] needs at least one KEY = VALUE, VALUE ...");
    for (size_t i = 0; i < sec->n_entries; i++) {
        int rc;

        if (s->n_grid == PCL_GRID_MAX)
            return pcl_fail_key(r, &sec->entry[i], "a grid has at most %d axes", PCL_GRID_MAX);
        rc = read_axis(r, &sec->entry[i], &s->grid[s->n_grid]);
        if (rc != PCL_OK)
            return rc;
        sec->entry[i].used = true;
        s->n_grid++;
    }
    return PCL_OK;
}

void pcl_write_grid(FILE *out, const struct pcl_scenario *s)
{
    (void)fputs("\n[grid]\n", out);
    for (size_t i = 0; i < s->n_grid; i++) {
        (void)fprintf(out, "%s = ", s->grid[i].key);
        for (size_t j = 0; j < s->grid[i].n_values; j++)
            (void)fprintf(out, "%s%s", j ? ", " : "", s->grid[i].value[j]);
        (void)fputc('\n', out);
    }
}
