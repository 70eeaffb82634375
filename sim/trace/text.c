/*
 * Slices: reading numbers, words, descriptors and strings as strace prints them, without
 * copying and without trusting that anything is closed or terminated.
 */
#include "text.h"

#include <string.h>

/* The longest annotation that is no path: two addresses and a name, escaped. The bound keeps a
 * line full of '<' from being searched to its end for each of them. */
#define MAX_KIND 1024

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

struct text text_line(const char **p, const char *end)
{
    const char *nl = memchr(*p, '\n', (size_t)(end - *p));
    struct text line = {*p, (size_t)((nl ? nl : end) - *p)};

    *p = nl ? nl + 1 : end;
    return line;
}

bool text_is(struct text t, const char *word)
{
    return strlen(word) == t.n && memcmp(t.p, word, t.n) == 0;
}

bool text_starts(struct text t, const char *head)
{
    size_t n = strlen(head);

    return t.n >= n && memcmp(t.p, head, n) == 0;
}

bool text_ends(struct text t, const char *tail)
{
    size_t n = strlen(tail);

    return t.n >= n && memcmp(t.p + t.n - n, tail, n) == 0;
}

struct text text_trim(struct text t)
{
    while (t.n > 0 && is_blank(t.p[0])) {
        t.p++;
        t.n--;
    }
    while (t.n > 0 && is_blank(t.p[t.n - 1]))
        t.n--;
    return t;
}

const char *text_find(struct text t, const char *needle)
{
    size_t n = strlen(needle);
    const char *p = t.p, *end = t.p + t.n;

    while ((size_t)(end - p) >= n) {
        const char *hit = memchr(p, needle[0], (size_t)(end - p) - n + 1);
        if (!hit)
            return NULL;
        if (memcmp(hit, needle, n) == 0)
            return hit;
        p = hit + 1;
    }
    return NULL;
}

bool text_has_word(struct text t, const char *word)
{
    size_t n = strlen(word);
    const char *start = t.p, *end = t.p + t.n, *hit;

    while ((hit = text_find(t, word)) != NULL) {
        if ((hit == start || !is_word(hit[-1])) && (hit + n == end || !is_word(hit[n])))
            return true;
        t = (struct text){hit + 1, (size_t)(end - hit - 1)};
    }
    return false;
}

struct text text_field(struct text t, const char *key)
{
    size_t n = strlen(key);
    const char *start = t.p, *end = t.p + t.n, *hit;

    while ((hit = text_find(t, key)) != NULL) {
        const char *v = hit + n;
        if ((hit == start || !is_word(hit[-1])) && v < end && *v == '=') {
            struct text value = {v + 1, 0};
            while (value.p + value.n < end && !strchr(",})]", value.p[value.n]))
                value.n++;
            return value;
        }
        t = (struct text){v, (size_t)(end - v)};
    }
    return (struct text){end, 0};
}

/* Drops blanks and a trailing comment as `-X verbose` prints it. */
static struct text bare(struct text t)
{
    const char *comment = text_find(t, "/*");

    if (comment)
        t.n = (size_t)(comment - t.p);
    return text_trim(t);
}

static enum number magnitude(struct text t, uint64_t *out)
{
    uint64_t v = 0, base = 10;
    bool range = false;

    if (t.n > 2 && t.p[0] == '0' && (t.p[1] == 'x' || t.p[1] == 'X')) {
        base = 16;
        t.p += 2;
        t.n -= 2;
    }
    if (t.n == 0)
        return NUMBER_BAD;
    for (size_t i = 0; i < t.n; i++) {
        int d = hex_value(t.p[i]);
        if (d < 0 || (uint64_t)d >= base)
            return NUMBER_BAD;
        range = range || __builtin_mul_overflow(v, base, &v) ||
                __builtin_add_overflow(v, (uint64_t)d, &v);
    }
    *out = v;
    return range ? NUMBER_RANGE : NUMBER_OK;
}

enum number text_int(struct text t, int64_t *out)
{
    bool negative = false;
    uint64_t v;
    enum number got;

    t = bare(t);
    if (t.n > 0 && (t.p[0] == '-' || t.p[0] == '+')) {
        negative = t.p[0] == '-';
        t.p++;
        t.n--;
    }
    got = magnitude(t, &v);
    if (got != NUMBER_OK)
        return got;
    if (v > (uint64_t)INT64_MAX)
        return NUMBER_RANGE;
    *out = negative ? -(int64_t)v : (int64_t)v;
    return NUMBER_OK;
}

bool text_u64(struct text t, uint64_t *out)
{
    return magnitude(bare(t), out) == NUMBER_OK;
}

const char *text_annotation_end(const char *p, const char *end)
{
    int depth = 0;

    if (p == end)
        return NULL;
    if (*p == '/' || *p == '\\') { /* a path: '<' and '>' in it are escaped */
        for (bool nested = false; p < end; p++) {
            if (*p == '<' && nested)
                return NULL;
            if (*p == '<')
                nested = true;
            else if (*p == '>' && nested)
                return p + 1 < end && p[1] == '>' ? p + 1 : NULL;
            else if (*p == '>')
                return p;
        }
        return NULL;
    }
    if (!is_word(*p) || is_digit(*p))
        return NULL;
    if (end - p > MAX_KIND)
        end = p + MAX_KIND;
    for (bool quote = false; p < end; p++) {
        if (quote && *p == '\\' && p + 1 < end)
            p++;
        else if (*p == '"')
            quote = !quote;
        else if (!quote && *p == '[')
            depth++;
        else if (!quote && *p == ']')
            depth--;
        else if (!quote && depth <= 0 && *p == '>')
            return p;
    }
    return NULL;
}

struct fdref text_fdref(struct text t)
{
    struct fdref r = {.ok = false};
    const char *end, *close, *comment;
    struct text number;

    t = text_trim(t);
    end = t.p + t.n;
    number = (struct text){t.p, 0};
    while (number.n < t.n && (is_word(number.p[number.n]) || number.p[number.n] == '-'))
        number.n++;
    if (text_is(number, "AT_FDCWD")) {
        r.fd = FD_CWD;
    } else if (text_int(number, &r.fd) != NUMBER_OK) {
        return r;
    } else if (r.fd > INT32_MAX && r.fd <= (int64_t)UINT32_MAX) {
        r.fd -= (int64_t)1 << 32; /* -X raw prints 0xffffff9c */
    }
    if (r.fd < INT32_MIN || r.fd > INT32_MAX)
        return r;
    r.ok = true;
    t.p += number.n;
    t.n -= number.n;
    if (text_starts(t, " /*")) {
        comment = text_find(t, "*/");
        if (!comment)
            return r;
        t = (struct text){comment + 2, (size_t)(end - comment - 2)};
    }
    if (t.n == 0 || t.p[0] == ' ')
        return r;
    close = t.p[0] == '<' ? text_annotation_end(t.p + 1, end) : NULL;
    if (!close) {
        r.ok = false;
        return r;
    }
    r.annotated = true;
    r.path = (struct text){t.p + 1, (size_t)(close - t.p - 1)};
    t = (struct text){close + 1, (size_t)(end - close - 1)};
    if (r.path.n > 0 && (r.path.p[0] == '/' || r.path.p[0] == '\\')) {
        const char *device = memchr(r.path.p, '<', r.path.n);
        if (device) {
            r.device = (struct text){device + 1, (size_t)(close - device - 2)};
            r.path.n = (size_t)(device - r.path.p);
        }
    }
    r.deleted = text_starts(t, "(deleted)") || text_ends(r.path, " (deleted)");
    if (text_ends(r.path, " (deleted)")) /* up to strace 5.x the mark stood inside */
        r.path.n -= strlen(" (deleted)");
    return r;
}

bool text_quoted(struct text t, struct text *inside)
{
    t = text_trim(t);
    if (t.n < 2 || t.p[0] != '"')
        return false;
    for (size_t i = 1; i < t.n; i++) {
        if (t.p[i] == '\\') {
            i++;
        } else if (t.p[i] == '"') {
            *inside = (struct text){t.p + 1, i - 1};
            return true;
        }
    }
    return false;
}

/* One escape behind a backslash at t.p[i]; returns how many bytes of t it took. */
static size_t escape(struct text t, size_t i, char *out)
{
    static const char from[] = "tnvfr", to[] = "\t\n\v\f\r";
    const char *known;
    unsigned v = 0;
    size_t n = 0;

    if (t.p[i] == 'x') {
        while (n < 2 && i + 1 + n < t.n && hex_value(t.p[i + 1 + n]) >= 0)
            v = v * 16 + (unsigned)hex_value(t.p[i + 1 + n++]);
        if (n > 0) {
            *out = (char)v;
            return n + 1;
        }
    }
    while (n < 3 && i + n < t.n && t.p[i + n] >= '0' && t.p[i + n] <= '7')
        v = v * 8 + (unsigned)(t.p[i + n++] - '0');
    if (n > 0) {
        *out = (char)v;
        return n;
    }
    known = t.p[i] ? strchr(from, t.p[i]) : NULL;
    *out = known ? to[known - from] : t.p[i];
    return 1;
}

size_t text_unescape(struct text t, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < t.n;) {
        if (t.p[i] == '\\' && i + 1 < t.n) {
            i++;
            i += escape(t, i, &out[n++]);
        } else {
            out[n++] = t.p[i++];
        }
    }
    return n;
}
