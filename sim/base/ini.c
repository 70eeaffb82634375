/*
 * The strict INI reader. Two passes over the text: the first splits it into lines and refuses
 * what is not plain UTF-8 text, the second reads sections and entries. There are never more
 * entries than lines, so one array of that size holds them all, and a section owns a stretch:
 *
 *   entries  [a b c | d e | f g h i ...]
 *   sections  ^0      ^1    ^2
 *
 * Columns count bytes from 1, as editors' jump lists do.
 */
#include <pclsim/ini.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define MAX_BYTES ((size_t)256 << 20)

struct parser {
    struct pcl_ini *ini;
    struct pcl_ini_entry *entry; /* room for one per line */
    size_t n_entries;
    size_t *table; /* open addressing: index + 1 of an entry or section, 0 free */
    size_t table_size;
    struct pcl_err *err;
    unsigned line;    /* from 1 */
    const char *text; /* that line */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int fail_at(struct parser *p, size_t col, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail_at(struct parser *p, size_t col, const char *fmt, ...)
{
    char msg[sizeof p->err->msg];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    (void)pcl_fail_at(p->err, p->ini->file, p->line, (unsigned)col, "%s", msg);
    pcl_err_source(p->err, p->text, strlen(p->text));
    return PCL_EINVAL;
}

/* --- first pass: lines ------------------------------------------------------------------- */

static int check_text(struct parser *p, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        size_t len = pcl_utf8_step(s + i, n - i, &code);
        bool control =
            len != 0 && code != '\t' && (code < ' ' || (code >= 0x7f && code < 0xa0));

        if (len == 0 || control) {
            (void)pcl_fail_at(p->err, p->ini->file, p->line, (unsigned)(i + 1),
                              len == 0 ? "want UTF-8 text, found the byte 0x%02x"
                                       : "want text, found the control character 0x%02x",
                              len == 0 ? (unsigned)(unsigned char)s[i] : (unsigned)code);
            pcl_err_source(p->err, s, n);
            return PCL_EINVAL;
        }
        i += len;
    }
    return PCL_OK;
}

static int split_lines(struct parser *p, const char *text, size_t size)
{
    struct pcl_ini *ini = p->ini;
    const char *end = text + size;
    size_t n = 1;

    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3; /* a byte order mark, as some editors write it */
    for (const char *s = text; s < end; s++)
        n += *s == '\n';
    ini->lines = pcl_arena_alloc(&ini->arena, n, sizeof *ini->lines);
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((stop ? stop : end) - text);
        char *line;

        p->line = (unsigned)(ini->n_lines + 1);
        if (len > 0 && text[len - 1] == '\r')
            len--;
        if (check_text(p, text, len) != PCL_OK)
            return PCL_EINVAL;
        line = pcl_arena_alloc(&ini->arena, len + 1, 1);
        memcpy(line, text, len);
        ini->lines[ini->n_lines++] = line;
        text = stop ? stop + 1 : end;
    }
    return PCL_OK;
}

/* --- second pass: sections and entries ------------------------------------------------------
 */

static size_t hash_of(size_t seed, const char *a, const char *b)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed; /* FNV-1a */

    for (; *a; a++)
        h = (h ^ (unsigned char)*a) * UINT64_C(0x100000001b3);
    h = (h ^ 0xff) * UINT64_C(0x100000001b3);
    for (; *b; b++)
        h = (h ^ (unsigned char)*b) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32);
}

/* Sections and keys share the table; a slot's number tells them apart. */
static size_t entry_slot(const struct parser *p, size_t section, const char *key)
{
    size_t at = hash_of(section + 1, key, "") % p->table_size;

    for (; p->table[at] != 0; at = (at + 1) % p->table_size) {
        size_t i = p->table[at] - 1;
        const struct pcl_ini_section *s = &p->ini->section[section];

        if (i % 2 == 0 && &p->entry[i / 2] >= s->entry && strcmp(p->entry[i / 2].key, key) == 0)
            break;
    }
    return at;
}

static size_t section_slot(const struct parser *p, const char *kind, const char *name)
{
    size_t at = hash_of(0, kind, name) % p->table_size;

    for (; p->table[at] != 0; at = (at + 1) % p->table_size) {
        size_t i = p->table[at] - 1;

        if (i % 2 == 1 && strcmp(p->ini->section[i / 2].kind, kind) == 0 &&
            strcmp(p->ini->section[i / 2].name, name) == 0)
            break;
    }
    return at;
}

/* Length of s without a comment and the blanks before it. A comment begins with # or ; at the
 * start of the line or after blank space, so "a#b" is text. */
static size_t content_length(const char *s)
{
    size_t n = 0;

    while (s[n] && !((s[n] == '#' || s[n] == ';') && (n == 0 || is_blank(s[n - 1]))))
        n++;
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    return n;
}

static char *copy(struct parser *p, const char *s, size_t n)
{
    return memcpy(pcl_arena_alloc(&p->ini->arena, n + 1, 1), s, n);
}

static size_t word_length(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && !is_blank(s[i]))
        i++;
    return i;
}

static size_t skip_blanks(const char *s, size_t at, size_t end)
{
    while (at < end && is_blank(s[at]))
        at++;
    return at;
}

/* text[at] is the opening bracket, end the length of the content. */
static int read_section(struct parser *p, size_t at, size_t end)
{
    struct pcl_ini *ini = p->ini;
    const char *s = p->text;
    size_t first, n_kind, second, n_name, close = end - 1, slot;
    char *kind, *name;

    if (s[close] != ']' || close == at) {
        const char *bracket = memchr(s + at, ']', end - at);

        if (bracket)
            return fail_at(p, (size_t)(bracket - s) + 2,
                           "want nothing after ']', found '%.40s'",
                           s + skip_blanks(s, (size_t)(bracket - s) + 1, end));
        return fail_at(p, end + 1, "want ']' at the end of the section");
    }
    first = skip_blanks(s, at + 1, close);
    n_kind = word_length(s + first, close - first);
    if (n_kind == 0)
        return fail_at(p, first + 1, "want the name of a section, found ']'");
    second = skip_blanks(s, first + n_kind, close);
    n_name = word_length(s + second, close - second);
    if (skip_blanks(s, second + n_name, close) != close)
        return fail_at(p, skip_blanks(s, second + n_name, close) + 1,
                       "want [kind name] with one name, found a third word");
    if (memchr(s + at + 1, '[', close - at - 1) || memchr(s + at + 1, ']', close - at - 1))
        return fail_at(p, at + 1, "want one pair of brackets around a section");

    kind = copy(p, s + first, n_kind);
    name = copy(p, s + second, n_name);
    slot = section_slot(p, kind, name);
    if (p->table[slot] != 0)
        return fail_at(p, at + 1, "section [%s%s%s] appears twice, first in line %u", kind,
                       *name ? " " : "", name, ini->section[p->table[slot] / 2 - 1].line);
    p->table[slot] = 2 * ini->n_sections + 2;
    ini->section[ini->n_sections++] =
        (struct pcl_ini_section){.kind = kind,
                                 .name = name,
                                 .line = p->line,
                                 .col = (unsigned)(at + 1),
                                 .entry = p->entry + p->n_entries};
    return PCL_OK;
}

static int read_entry(struct parser *p, size_t at, size_t end)
{
    struct pcl_ini *ini = p->ini;
    const char *s = p->text;
    const char *equals = memchr(s + at, '=', end - at);
    struct pcl_ini_section *section;
    size_t n_key, value, slot, bad;
    char *key;

    if (!equals)
        return fail_at(p, at + 1, "want [section] or key = value, found '%.*s'",
                       (int)(end - at > 40 ? 40 : end - at), s + at);
    n_key = (size_t)(equals - s) - at;
    while (n_key > 0 && is_blank(s[at + n_key - 1]))
        n_key--;
    if (n_key == 0)
        return fail_at(p, at + 1, "want a key before '='");
    bad = word_length(s + at, n_key);
    for (size_t i = 0; i < bad; i++)
        if (strchr("[]\"'#;", s[at + i]))
            bad = i;
    if (bad < n_key)
        return fail_at(p, at + bad + 1, "want key = value, found '%c' in the key",
                       s[at + bad] == '\t' ? ' ' : s[at + bad]);
    if (ini->n_sections == 0)
        return fail_at(p, at + 1, "want a [section] before the first key");

    key = copy(p, s + at, n_key);
    section = &ini->section[ini->n_sections - 1];
    slot = entry_slot(p, ini->n_sections - 1, key);
    if (p->table[slot] != 0)
        return fail_at(p, at + 1, "key '%s' appears twice in its section, first in line %u",
                       key, p->entry[(p->table[slot] - 1) / 2].line);
    p->table[slot] = 2 * p->n_entries + 1;
    value = skip_blanks(s, (size_t)(equals - s) + 1, end);
    p->entry[p->n_entries++] =
        (struct pcl_ini_entry){.key = key,
                               .value = copy(p, s + value, end > value ? end - value : 0),
                               .line = p->line,
                               .key_col = (unsigned)(at + 1),
                               .value_col = (unsigned)(value + 1)};
    section->n_entries++;
    return PCL_OK;
}

static int read_line(struct parser *p)
{
    size_t end = content_length(p->text), at = skip_blanks(p->text, 0, end);

    if (at >= end)
        return PCL_OK;
    return p->text[at] == '[' ? read_section(p, at, end) : read_entry(p, at, end);
}

int pcl_ini_parse(const char *file, const char *text, size_t size, struct pcl_ini **out,
                  struct pcl_err *err)
{
    struct pcl_ini *ini = pcl_xcalloc(1, sizeof *ini);
    struct parser p = {.ini = ini, .err = err};
    int rc;

    pcl_arena_init(&ini->arena);
    ini->file = pcl_arena_strdup(&ini->arena, file);
    rc = size > MAX_BYTES ? pcl_fail_at(err, file, 0, 0, "the file is larger than 256 MiB")
                          : split_lines(&p, text, size);
    if (rc == PCL_OK) {
        ini->section = pcl_arena_alloc(&ini->arena, ini->n_lines, sizeof *ini->section);
        p.entry = pcl_arena_alloc(&ini->arena, ini->n_lines, sizeof *p.entry);
        p.table_size = 2 * ini->n_lines + 3;
        p.table = pcl_xcalloc(p.table_size, sizeof *p.table);
    }
    for (size_t i = 0; i < ini->n_lines && rc == PCL_OK; i++) {
        p.line = (unsigned)(i + 1);
        p.text = ini->lines[i];
        rc = read_line(&p);
    }
    free(p.table);
    if (rc == PCL_OK)
        *out = ini;
    else
        pcl_ini_free(ini);
    return rc;
}

int pcl_ini_load(const char *path, struct pcl_ini **out, struct pcl_err *err)
{
    char *text;
    size_t size;
    int rc = pcl_read_file(path, MAX_BYTES, &text, &size, err);

    if (rc != PCL_OK)
        return rc;
    rc = pcl_ini_parse(path, text, size, out, err);
    free(text);
    return rc;
}

void pcl_ini_free(struct pcl_ini *ini)
{
    if (!ini)
        return;
    pcl_arena_fini(&ini->arena);
    free(ini);
}

/* --- questions -----------------------------------------------------------------------------
 */

struct pcl_ini_section *pcl_ini_section(struct pcl_ini *ini, const char *kind, const char *name)
{
    for (size_t i = 0; i < ini->n_sections; i++)
        if (strcmp(ini->section[i].kind, kind) == 0 &&
            (!name || strcmp(ini->section[i].name, name) == 0))
            return &ini->section[i];
    return NULL;
}

struct pcl_ini_entry *pcl_ini_entry(struct pcl_ini_section *s, const char *key)
{
    for (size_t i = 0; i < s->n_entries; i++)
        if (strcmp(s->entry[i].key, key) == 0)
            return &s->entry[i];
    return NULL;
}

static int fail_place(const struct pcl_ini *ini, unsigned line, unsigned col,
                      struct pcl_err *err, const char *fmt, va_list ap)
    __attribute__((format(printf, 5, 0)));

static int fail_place(const struct pcl_ini *ini, unsigned line, unsigned col,
                      struct pcl_err *err, const char *fmt, va_list ap)
{
    char msg[sizeof err->msg];

    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    (void)pcl_fail_at(err, ini->file, line, col, "%s", msg);
    pcl_err_source(err, ini->lines[line - 1], strlen(ini->lines[line - 1]));
    return PCL_EINVAL;
}

/* An entry that came from the command line has no line. */
static int fail_entry(const struct pcl_ini *ini, const struct pcl_ini_entry *e, unsigned col,
                      struct pcl_err *err, const char *fmt, va_list ap)
    __attribute__((format(printf, 5, 0)));

static int fail_entry(const struct pcl_ini *ini, const struct pcl_ini_entry *e, unsigned col,
                      struct pcl_err *err, const char *fmt, va_list ap)
{
    char msg[sizeof err->msg], place[sizeof err->file];

    if (e->line != 0)
        return fail_place(ini, e->line, col, err, fmt, ap);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    (void)snprintf(place, sizeof place, "--set %s=%s", e->key, e->value);
    return pcl_fail_at(err, place, 0, 0, "%s", msg);
}

int pcl_ini_fail(const struct pcl_ini *ini, const struct pcl_ini_entry *e, bool at_key,
                 struct pcl_err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fail_entry(ini, e, at_key ? e->key_col : e->value_col, err, fmt, ap);
    va_end(ap);
    return PCL_EINVAL;
}

int pcl_ini_fail_in(const struct pcl_ini *ini, const struct pcl_ini_entry *e, size_t offset,
                    struct pcl_err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fail_entry(ini, e, e->value_col + (unsigned)offset, err, fmt, ap);
    va_end(ap);
    return PCL_EINVAL;
}

int pcl_ini_fail_section(const struct pcl_ini *ini, const struct pcl_ini_section *s,
                         struct pcl_err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fail_place(ini, s->line, s->col, err, fmt, ap);
    va_end(ap);
    return PCL_EINVAL;
}
