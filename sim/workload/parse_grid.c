/*
 * [grid]: axes of a parameter study. A key is what --set takes and must point to a key that one
 * run depends on; each value is checked by that key's own row, so that a sweep does not fail at
 * its hundredth cell. A condition leaves points out, and repeat says how often each is run. A
 * machine constant takes low, typical or high only: numbers for it belong into a machine
 * profile.
 */
#include "reader.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MOST_VALUES 1000
#define MOST_REPS 1000000

/* Keys of [scenario] that no single run depends on. */
static const char *const not_varied[] = {"title", "source", "seed", "reps", "schemes"};

/* What the values of one axis have to pass. */
struct axis {
    struct pcl_grid_axis *g;
    const struct pcl_ini_entry *e;
    const struct pcl_key_table *table; /* NULL: no table's key */
    const struct pcl_key *key;
    bool machine;       /* low, typical, high */
    bool variable;      /* stands in ${...} */
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

    a->variable = pcl_is_variable(r->s, e->key);
    if (a->variable)
        return PCL_OK;
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
    void *scratch;
    int rc;

    e.value = value;
    if (e.line)
        e.value_col += (unsigned)at;
    if (!*value)
        return pcl_fail_value(r, &e, 0, "%s: want values between commas, found nothing", e.key);
    if (a->variable) /* where it stands tells what it may be; study by study, each point is read
                      */
        return PCL_OK;
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
    scratch = pcl_xcalloc(1, a->table->size);
    rc = pcl_key_read(r, a->key, &e, scratch);
    free(scratch);
    return rc;
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

/* A whole number with an optional unit: "4", "64k", "5us". */
static bool read_number(const char *text, int64_t *v, const char **unit)
{
    char digits[24];
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n >= sizeof digits)
        return false;
    (void)snprintf(digits, sizeof digits, "%.*s", (int)n, text);
    *unit = text + n;
    return pcl_parse_int(digits, 0, INT64_MAX, v, NULL) == PCL_OK;
}

/* "1, 2, 4..64" goes on as it began: doubling here, adding in "10, 20..50". from is the last of
 * the values before the dots and among the axis' values already. 1 when nothing was begun. */
static int go_on(struct pcl_reader *r, const struct axis *a, const char *from, const char *to,
                 size_t at)
{
    struct pcl_grid_axis *g = a->g;
    const char *u0 = "", *u1, *u2, *u3;
    int64_t before[2] = {0, 0}, last, end, next;
    bool three = g->n_values > 2;
    char number[64];

    if (g->n_values < 2 || !read_number(g->value[g->n_values - 2], &before[1], &u1))
        return 1;
    if (three && !read_number(g->value[g->n_values - 3], &before[0], &u0))
        return 1;
    if (!read_number(from, &last, &u2) || !read_number(to, &end, &u3) || last >= end ||
        strcmp(u1, u2) != 0 || strcmp(u2, u3) != 0 || (three && strcmp(u0, u1) != 0))
        return 1;
    bool adds = last > before[1] && (!three || before[1] - before[0] == last - before[1]);
    bool multiplies = three && before[0] > 0 && before[1] > before[0] &&
                      before[1] % before[0] == 0 && last == before[1] * (before[1] / before[0]);
    int64_t step = last - before[1], ratio = multiplies ? before[1] / before[0] : 1;

    if (!adds && !multiplies)
        return 1;
    for (;; last = next) {
        int rc;

        if (multiplies && last > end / ratio)
            return PCL_OK;
        next = multiplies ? last * ratio : last + step;
        if (next > end || next < last)
            return PCL_OK;
        (void)snprintf(number, sizeof number, "%" PRId64 "%s", next, u2);
        rc = add_value(r, a, number, at);
        if (rc != PCL_OK)
            return rc;
    }
}

/* "4..64" after values that it continues; 1 when item is no such thing. */
static int add_progress(struct pcl_reader *r, const struct axis *a, const char *item, size_t at)
{
    const char *dots = strstr(item, ".."), *unit;
    char from[32];
    int64_t number;
    int rc;

    if (!dots || strstr(item, " step ") || a->g->n_values == 0 ||
        (size_t)(dots - item) >= sizeof from)
        return 1;
    (void)snprintf(from, sizeof from, "%.*s", (int)(dots - item), item);
    if (!read_number(from, &number, &unit))
        return 1;
    rc = add_value(r, a, from, at);
    if (rc != PCL_OK)
        return rc;
    rc = go_on(r, a, from, dots + 2, at);
    if (rc == 1)
        return pcl_fail_value(
            r, a->e, at,
            "%s: want values that go on adding or doubling, such as 1,2,4..64 "
            "or 10,20..50, or FROM..TO step N, found '%s'",
            a->g->key, item);
    return rc;
}

/* "16..64 step 16" of a whole number; 1 when item is no such range. */
static int add_range(struct pcl_reader *r, const struct axis *a, char *item, size_t at)
{
    char *dots = strstr(item, ".."), *to, *step = NULL, number[32];
    int64_t lo, hi, by = 1;

    if (!dots || a->machine || (a->key && a->key->kind != PCL_KEY_COUNT) ||
        !isdigit((unsigned char)*item))
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
    g->value = pcl_xcalloc(MOST_VALUES, sizeof *g->value); /* read_axes keeps what is used */
    while (pcl_list_next(r, &l, ',')) {
        if (a.variable && g->n_values && !pcl_is_bound(r->s, e->key))
            break; /* --set took its place: it changes nothing any more */
        rc = add_progress(r, &a, l.item, l.start);
        if (rc == 1)
            rc = add_range(r, &a, l.item, l.start);
        if (rc == 1)
            rc = add_value(r, &a, l.item, l.start);
        if (rc != PCL_OK)
            return rc;
    }
    return PCL_OK;
}

static int read_repeat(struct pcl_reader *r, const struct pcl_ini_entry *e)
{
    if (pcl_parse_int(e->value, 1, MOST_REPS, &r->s->repeat, NULL) != PCL_OK)
        return pcl_fail_value(r, e, 0, "repeat: want a whole number from 1 to %d, found '%s'",
                              MOST_REPS, e->value);
    return PCL_OK;
}

/* The condition is tried with the first values: what is wrong with it shows. */
static int check_where(struct pcl_reader *r, const struct pcl_ini_entry *e)
{
    const char *first[PCL_GRID_MAX];
    struct pcl_err why;
    bool allowed;
    size_t at = 0;

    if (!*e->value)
        return pcl_fail_value(r, e, 0, "where: want a condition, found nothing");
    r->s->where = pcl_arena_strdup(&r->s->arena, e->value);
    for (size_t i = 0; i < r->s->n_grid; i++)
        first[i] = r->s->grid[i].value[0];
    if (pcl_grid_allows(r->s, first, &allowed, &at, &why) != PCL_OK)
        return pcl_fail_value(r, e, at, "%s", why.msg);
    return PCL_OK;
}

static int read_axes(struct pcl_reader *r, struct pcl_ini_section *sec)
{
    struct pcl_scenario *s = r->s;
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < sec->n_entries; i++) {
        struct pcl_grid_axis *g = &s->grid[s->n_grid];
        char **values;

        sec->entry[i].used = true;
        if (strcmp(sec->entry[i].key, "where") == 0)
            continue;
        if (strcmp(sec->entry[i].key, "repeat") == 0) {
            rc = read_repeat(r, &sec->entry[i]);
            continue;
        }
        if (s->n_grid == PCL_GRID_MAX)
            return pcl_fail_key(r, &sec->entry[i], "a grid has at most %d axes", PCL_GRID_MAX);
        rc = read_axis(r, &sec->entry[i], g);
        values = g->value;
        g->value = pcl_arena_alloc(&s->arena, g->n_values + 1, sizeof *g->value);
        if (g->n_values)
            memcpy(g->value, values, g->n_values * sizeof *g->value);
        free(values);
        s->n_grid++;
    }
    return rc;
}

int pcl_read_grid(struct pcl_reader *r, struct pcl_ini_section *sec)
{
    const struct pcl_ini_entry *where = pcl_ini_entry(sec, "where");
    int rc;

    if (sec->n_entries == 0 && r->s->n_bind == 0)
        return pcl_fail_section(r, sec, "[grid] needs at least one KEY = VALUE, VALUE ...");
    rc = read_axes(r, sec);
    if (rc == PCL_OK && where)
        rc = check_where(r, where);
    return rc;
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
    for (size_t i = 0; i < s->n_bind; i++)
        (void)fprintf(out, "%s = %s\n", s->bind[i].key, s->bind[i].value);
    if (*s->where)
        (void)fprintf(out, "where = %s\n", s->where);
    if (s->repeat)
        (void)fprintf(out, "repeat = %" PRId64 "\n", s->repeat);
}
