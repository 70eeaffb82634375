/*
 * One row per key says its form, range, default and meaning; this file turns rows into a
 * reader, a canonical writer and the tables of the documentation, so that the three cannot
 * differ.
 */
#include "reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct pcl_key_table *const tables[] = {
    &pcl_scenario_keys,
    &pcl_file_keys,
    &pcl_group_keys,
    &pcl_claim_keys,
    &pcl_explore_keys,
};

#define N_TABLES (sizeof tables / sizeof tables[0])

const struct pcl_key_table *pcl_key_table(const char *kind)
{
    for (size_t i = 0; i < N_TABLES; i++)
        if (strcmp(tables[i]->kind, kind) == 0)
            return tables[i];
    return NULL;
}

const struct pcl_key *pcl_key_find(const struct pcl_key_table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->key[i].name, name) == 0)
            return &t->key[i];
    return NULL;
}

/* --- exact numbers ----------------------------------------------------------------------- */

void pcl_write_size(FILE *out, int64_t bytes)
{
    static const char letters[] = "kMGTPE";
    const char *letter = letters;

    if (bytes == PCL_OFF_MAX) {
        (void)fputs("max", out);
        return;
    }
    if (bytes == 0 || bytes % 1024 != 0) {
        (void)fprintf(out, "%" PRId64, bytes);
        return;
    }
    for (bytes /= 1024; bytes % 1024 == 0; bytes /= 1024)
        letter++;
    (void)fprintf(out, "%" PRId64 "%c", bytes, *letter);
}

void pcl_write_time(FILE *out, pcl_ns ns)
{
    static const char *const names[] = {"ns", "us", "ms", "s"};
    size_t i = 0;

    while (i < 3 && ns != 0 && ns % 1000 == 0) {
        ns /= 1000;
        i++;
    }
    (void)fprintf(out, "%" PRId64 "%s", ns, ns ? names[i] : "");
}

void pcl_write_real(FILE *out, double v)
{
    char buf[40];

    for (int digits = 1; digits <= 17; digits++) {
        double back;

        (void)snprintf(buf, sizeof buf, "%.*g", digits, v);
        if (pcl_parse_real(buf, &back, NULL) == PCL_OK && !(back < v) && !(back > v))
            break;
    }
    (void)fputs(buf, out);
}

static void write_dist(FILE *out, const struct pcl_dist *d, bool is_time)
{
    char buf[128];

    (void)fputs(pcl_dist_format(d, is_time, buf, sizeof buf), out);
}

/* --- words and names --------------------------------------------------------------------- */

bool pcl_name_ok(const char *name)
{
    static const char set[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
    size_t len = strlen(name);

    return len > 0 && len < PCL_NAME_MAX && strspn(name, set) == len;
}

bool pcl_is_comment(const char *value)
{
    return *value == '#' || *value == ';';
}

/* The i-th of "a|b|c" into buf; false when there are fewer. */
static bool word_at(const char *words, size_t i, char *buf, size_t n)
{
    size_t len;

    for (; i > 0; i--) {
        words = strchr(words, '|');
        if (!words)
            return false;
        words++;
    }
    len = strcspn(words, "|");
    if (len >= n)
        len = n - 1;
    memcpy(buf, words, len);
    buf[len] = '\0';
    return true;
}

bool pcl_list_next(struct pcl_reader *r, struct pcl_list *l, char separator)
{
    const char *s = l->text;
    size_t from = l->next, to = from;

    if (l->done)
        return false;
    while (s[to] && s[to] != separator)
        to++;
    l->done = s[to] == '\0';
    l->next = to + 1;
    while (from < to && (s[from] == ' ' || s[from] == '\t'))
        from++;
    while (to > from && (s[to - 1] == ' ' || s[to - 1] == '\t'))
        to--;
    l->start = from;
    l->item = pcl_arena_alloc(&r->s->arena, to - from + 1, 1);
    memcpy(l->item, s + from, to - from);
    return true;
}

/* --- reading ----------------------------------------------------------------------------- */

static void put_int(void *at, size_t width, int64_t v)
{
    uint8_t byte = (uint8_t)v;
    uint32_t word = (uint32_t)v;

    if (width == 1)
        memcpy(at, &byte, 1);
    else if (width == 4)
        memcpy(at, &word, 4);
    else
        memcpy(at, &v, 8);
}

static int64_t get_int(const void *at, size_t width)
{
    uint8_t byte;
    uint32_t word;
    int64_t v;

    if (width == 1) {
        memcpy(&byte, at, 1);
        return byte;
    }
    if (width == 4) {
        memcpy(&word, at, 4);
        return word;
    }
    memcpy(&v, at, 8);
    return v;
}

static int wrong(struct pcl_reader *r, const struct pcl_ini_entry *e, const char *why)
{
    if (e->value[0] == '\0')
        return pcl_fail_value(r, e, 0, "%s: %s, found nothing", e->key, why);
    return pcl_fail_value(r, e, 0, "%s: %s, found '%s'", e->key, why, e->value);
}

/* "want 4k to 1G, found '2G'" in the key's own unit */
static int out_of_range(struct pcl_reader *r, const struct pcl_key *k,
                        const struct pcl_ini_entry *e)
{
    void (*write)(FILE *, int64_t) = NULL;
    char *why = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&why, &n);
    int rc;

    PCL_ASSERT(out != NULL);
    if (k->kind == PCL_KEY_TIME || k->kind == PCL_KEY_TIMES)
        write = pcl_write_time;
    else if (k->kind != PCL_KEY_COUNT)
        write = pcl_write_size;
    (void)fputs("want ", out);
    if (write) {
        write(out, k->lo);
        (void)fputs(" to ", out);
        write(out, k->hi);
    } else {
        (void)fprintf(out, "a whole number from %" PRId64 " to %" PRId64, k->lo, k->hi);
    }
    (void)fclose(out);
    rc = wrong(r, e, why);
    free(why);
    return rc;
}

static int read_text(struct pcl_reader *r, const struct pcl_key *k,
                     const struct pcl_ini_entry *e, char **out)
{
    const char *s = e->value;

    if (!s[0] && !k->fallback)
        return wrong(r, e, "want text");
    if (pcl_is_comment(s))
        return wrong(r, e, "want text that does not begin as a comment does");
    *out = pcl_arena_strdup(&r->s->arena, s);
    return PCL_OK;
}

static int read_name(struct pcl_reader *r, const struct pcl_ini_entry *e, char *out,
                     size_t width)
{
    if (!pcl_name_ok(e->value))
        return wrong(r, e, "want a name of letters, digits and . _ - +");
    (void)snprintf(out, width, "%s", e->value);
    return PCL_OK;
}

static int read_word(struct pcl_reader *r, const struct pcl_key *k,
                     const struct pcl_ini_entry *e, void *at)
{
    char word[16][PCL_NAME_MAX];
    const char *names[16];
    char want[256];
    size_t n = 0, len;

    for (; n < 16 && word_at(k->words, n, word[n], sizeof word[n]); n++) {
        names[n] = word[n];
        if (strcmp(word[n], e->value) == 0) {
            put_int(at, k->width, (int64_t)n);
            return PCL_OK;
        }
    }
    len = (size_t)snprintf(want, sizeof want, "want %s", word[0]);
    for (size_t i = 1; i < n; i++)
        len += (size_t)snprintf(want + len, sizeof want - len, "%s%s",
                                i + 1 < n ? ", " : " or ", word[i]);
    (void)wrong(r, e, want);
    return pcl_hint_nearest(r->err, e->value, names, n);
}

static int read_int(struct pcl_reader *r, const struct pcl_key *k,
                    const struct pcl_ini_entry *e, void *at)
{
    const char *why = "";
    int64_t v = 0;
    int rc;

    if (k->kind == PCL_KEY_TIME)
        rc = pcl_parse_time(e->value, &v, &why);
    else if (k->kind == PCL_KEY_COUNT)
        rc = pcl_parse_int(e->value, INT64_MIN, INT64_MAX, &v, &why);
    else
        rc = pcl_parse_size(e->value, k->kind == PCL_KEY_LIMIT, &v, &why);
    if (rc != PCL_OK)
        return wrong(r, e, why);
    if (v < k->lo || v > k->hi)
        return out_of_range(r, k, e);
    put_int(at, k->width, v);
    return PCL_OK;
}

static int read_dist(struct pcl_reader *r, const struct pcl_key *k,
                     const struct pcl_ini_entry *e, struct pcl_dist *out)
{
    struct pcl_dist d = {.kind = PCL_DIST_CONST};
    const char *why = "";
    int64_t top;

    if (pcl_dist_parse(e->value, k->kind == PCL_KEY_TIMES, &d, &why) != PCL_OK)
        return wrong(r, e, why);
    top = d.kind == PCL_DIST_UNIFORM ? d.b : d.a;
    if (d.a < k->lo || top > k->hi)
        return out_of_range(r, k, e);
    *out = d;
    return PCL_OK;
}

int pcl_key_read(struct pcl_reader *r, const struct pcl_key *k, const struct pcl_ini_entry *e,
                 void *obj)
{
    void *at = (char *)obj + k->offset;

    switch (k->kind) {
    case PCL_KEY_TEXT:
        return read_text(r, k, e, at);
    case PCL_KEY_NAME:
        return read_name(r, e, at, k->width);
    case PCL_KEY_WORD:
        return read_word(r, k, e, at);
    case PCL_KEY_COUNT:
    case PCL_KEY_SIZE:
    case PCL_KEY_LIMIT:
    case PCL_KEY_TIME:
        return read_int(r, k, e, at);
    case PCL_KEY_SIZES:
    case PCL_KEY_TIMES:
        return read_dist(r, k, e, at);
    case PCL_KEY_OWN:
        break;
    }
    return k->parse(r, e, obj);
}

static int read_default(struct pcl_reader *r, const struct pcl_key_table *t,
                        const struct pcl_key *k, struct pcl_ini_section *sec, void *obj)
{
    struct pcl_ini_entry e = {.key = k->name, .value = k->fallback, .line = sec->line};

    if (!k->fallback)
        return pcl_fail_section(r, sec, "[%s%s%s] needs %s: %s", t->kind, t->named ? " " : "",
                                t->named ? sec->name : "", k->name, k->help);
    e.value_col = sec->col;
    return pcl_key_read(r, k, &e, obj);
}

int pcl_key_read_section(struct pcl_reader *r, const struct pcl_key_table *t,
                         struct pcl_ini_section *sec, void *obj,
                         int (*other)(struct pcl_reader *r, const struct pcl_ini_entry *e))
{
    for (size_t i = 0; i < sec->n_entries; i++) {
        struct pcl_ini_entry *e = &sec->entry[i];
        const struct pcl_key *k = pcl_key_find(t, e->key);
        int rc = k ? pcl_key_read(r, k, e, obj) : other ? other(r, e) : 0;

        if (rc < 0)
            return rc;
        if (!k && rc == 0) {
            const char *names[32];

            for (size_t j = 0; j < t->n; j++)
                names[j] = t->key[j].name;
            return pcl_fail_unknown_key(r, e, names, t->n);
        }
        e->used = true;
    }
    for (size_t i = 0; i < t->n; i++)
        if (!pcl_ini_entry(sec, t->key[i].name)) {
            int rc = read_default(r, t, &t->key[i], sec, obj);

            if (rc != PCL_OK)
                return rc;
        }
    return PCL_OK;
}

/* --- writing ----------------------------------------------------------------------------- */

static void write_value(FILE *out, const struct pcl_key *k, const struct pcl_scenario *s,
                        const void *obj)
{
    const void *at = (const char *)obj + k->offset;
    char word[PCL_NAME_MAX] = "";

    switch (k->kind) {
    case PCL_KEY_TEXT:
        (void)fputs(*(char *const *)at, out);
        break;
    case PCL_KEY_NAME:
        (void)fputs(at, out);
        break;
    case PCL_KEY_WORD:
        (void)word_at(k->words, (size_t)get_int(at, k->width), word, sizeof word);
        (void)fputs(word, out);
        break;
    case PCL_KEY_COUNT:
        (void)fprintf(out, "%" PRId64, get_int(at, k->width));
        break;
    case PCL_KEY_SIZE:
    case PCL_KEY_LIMIT:
        pcl_write_size(out, get_int(at, k->width));
        break;
    case PCL_KEY_TIME:
        pcl_write_time(out, get_int(at, k->width));
        break;
    case PCL_KEY_SIZES:
    case PCL_KEY_TIMES:
        write_dist(out, at, k->kind == PCL_KEY_TIMES);
        break;
    case PCL_KEY_OWN:
        k->write(out, s, obj);
        break;
    }
}

/* A key without a value is left out: empty texts, and what is said in another way. */
static void write_line(FILE *out, const struct pcl_key *k, const struct pcl_scenario *s,
                       const void *obj)
{
    char *value = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&value, &n);

    PCL_ASSERT(f != NULL);
    write_value(f, k, s, obj);
    PCL_ASSERT(fclose(f) == 0);
    if (n > 0)
        (void)fprintf(out, "%s = %s\n", k->name, value);
    free(value);
}

void pcl_key_write(FILE *out, const struct pcl_key_table *t, const struct pcl_scenario *s,
                   const void *obj)
{
    for (size_t i = 0; i < t->n; i++)
        write_line(out, &t->key[i], s, obj);
}

void pcl_key_write_one(FILE *out, const struct pcl_key_table *t, const char *name,
                       const struct pcl_scenario *s, const void *obj)
{
    const struct pcl_key *k = pcl_key_find(t, name);

    PCL_ASSERT(k != NULL);
    write_line(out, k, s, obj);
}

/* --- documentation ----------------------------------------------------------------------- */

static void doc_range(FILE *out, const struct pcl_key *k)
{
    static const char *const what[] = {
        [PCL_KEY_TEXT] = "text",   [PCL_KEY_NAME] = "name",  [PCL_KEY_COUNT] = "number",
        [PCL_KEY_SIZE] = "size",   [PCL_KEY_LIMIT] = "size", [PCL_KEY_TIME] = "time",
        [PCL_KEY_SIZES] = "sizes", [PCL_KEY_TIMES] = "times"};
    const char *words = k->words;

    if (words) {
        for (; *words; words += *words == '|') {
            size_t n = strcspn(words, "|");

            (void)fprintf(out, "`%.*s`%s", (int)n, words, words[n] ? ", " : "");
            words += n;
        }
        return;
    }
    (void)fputs(what[k->kind], out);
    if (k->kind == PCL_KEY_COUNT)
        (void)fprintf(out, ", %" PRId64 " to %" PRId64, k->lo, k->hi);
    else if (k->kind == PCL_KEY_TIME || k->kind == PCL_KEY_TIMES) {
        (void)fputs(", to ", out);
        pcl_write_time(out, k->hi);
    } else if (k->kind == PCL_KEY_SIZE || k->kind == PCL_KEY_LIMIT) {
        (void)fputs(k->lo > 0 ? ", 1 to " : ", to ", out);
        pcl_write_size(out, k->hi);
    }
}

char *pcl_scenario_keys_markdown(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    PCL_ASSERT(out != NULL);
    for (size_t i = 0; i < N_TABLES; i++) {
        const struct pcl_key_table *t = tables[i];

        (void)fprintf(out, "### `[%s%s]`\n\n%s\n\n", t->kind, t->named ? " NAME" : "",
                      t->summary);
        (void)fputs("| key | value | default | what |\n|---|---|---|---|\n", out);
        for (size_t j = 0; j < t->n; j++) {
            const struct pcl_key *k = &t->key[j];

            (void)fprintf(out, "| `%s` | ", k->name);
            doc_range(out, k);
            if (!k->fallback)
                (void)fputs(" | required", out);
            else if (k->fallback[0])
                (void)fprintf(out, " | `%s`", k->fallback);
            else
                (void)fputs(" | none", out);
            (void)fprintf(out, " | %s |\n", k->help);
        }
        (void)fputc('\n', out);
    }
    (void)fclose(out);
    return text;
}
