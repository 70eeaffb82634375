/*
 * The condition of a grid: which of its points there are.
 *
 *     where = tasks * passes <= 512 and fs == ext4
 *
 * Names are the grid's own axes, as they are written there or without their section. Values
 * that are numbers, times or sizes are compared as numbers, others as words, and those only for
 * equality. "and" binds closer than "or".
 */
#include "reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A value on its way through the expression. */
struct term {
    bool number;
    double v;
    char word[PCL_NAME_MAX]; /* as written: an axis' value, or a word of the condition */
};

struct where {
    const struct pcl_scenario *s;
    const char *const *value; /* by axis */
    const char *text, *at;
    struct pcl_err *err;
    const char *wrong; /* where the first mistake is; NULL: none */
};

static void mistake(struct where *w, const char *at, const char *fmt, const char *what)
{
    char found[PCL_NAME_MAX];

    if (w->wrong)
        return;
    w->wrong = at;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(found, sizeof found, "%s", what);
    (void)pcl_fail(w->err, PCL_EINVAL, fmt, found);
#pragma GCC diagnostic pop
}

static void skip(struct where *w)
{
    while (*w->at == ' ' || *w->at == '\t')
        w->at++;
}

static bool take(struct where *w, const char *token)
{
    size_t n = strlen(token);

    skip(w);
    if (strncmp(w->at, token, n) != 0 ||
        (isalpha((unsigned char)*token) && isalnum((unsigned char)w->at[n])))
        return false;
    w->at += n;
    return true;
}

static bool number_of(const char *text, double *out)
{
    pcl_ns ns;
    int64_t bytes;

    if (pcl_parse_real(text, out, NULL) == PCL_OK)
        return true;
    if (pcl_parse_time(text, &ns, NULL) == PCL_OK) {
        *out = (double)ns;
        return true;
    }
    if (pcl_parse_size(text, true, &bytes, NULL) == PCL_OK) {
        *out = (double)bytes;
        return true;
    }
    return false;
}

static struct term read_word(const char *word)
{
    struct term t = {.number = false};

    t.number = number_of(word, &t.v);
    (void)snprintf(t.word, sizeof t.word, "%s", word);
    return t;
}

/* An axis by its name or the last part of it. */
static const char *axis_value(const struct where *w, const char *name)
{
    for (size_t i = 0; i < w->s->n_grid; i++)
        if (pcl_same_axis(w->s->grid[i].key, name))
            return w->value[i];
    return NULL;
}

static bool word_char(const char *c)
{
    return isalnum((unsigned char)*c) || *c == '_' || *c == '.' || *c == ':' || *c == '%' ||
           (*c == '-' && isalpha((unsigned char)c[1]));
}

static struct term sum(struct where *w);

static struct term factor(struct where *w)
{
    struct term t = {.number = false};
    char word[PCL_NAME_MAX];
    size_t n = 0;
    const char *begin, *value;

    if (take(w, "(")) {
        t = sum(w);
        if (!take(w, ")"))
            mistake(w, w->at, "where: want ')'%.0s", "");
        return t;
    }
    skip(w);
    begin = w->at;
    while (word_char(w->at) && n + 1 < sizeof word)
        word[n++] = *w->at++;
    word[n] = '\0';
    if (n == 0)
        mistake(w, begin, "where: want an axis of the grid or a number, found '%s'", begin);
    value = axis_value(w, word);
    return read_word(value ? value : word);
}

static struct term product(struct where *w)
{
    struct term a = factor(w);

    for (;;) {
        bool times = take(w, "*"), by = !times && take(w, "/");
        struct term b;

        if (!times && !by)
            return a;
        b = factor(w);
        if (!a.number || !b.number)
            mistake(w, w->at, "where: '%s' is no number", a.number ? b.word : a.word);
        a.v = times ? a.v * b.v : a.v / b.v;
    }
}

static struct term sum(struct where *w)
{
    struct term a = product(w);

    for (;;) {
        bool plus = take(w, "+"), minus = !plus && take(w, "-");
        struct term b;

        if (!plus && !minus)
            return a;
        b = product(w);
        if (!a.number || !b.number)
            mistake(w, w->at, "where: '%s' is no number", a.number ? b.word : a.word);
        a.v = plus ? a.v + b.v : a.v - b.v;
    }
}

static bool compare(struct where *w)
{
    static const char *const signs[] = {"<=", ">=", "==", "!=", "<", ">"};
    struct term a = sum(w), b;
    const char *at;
    size_t sign = 0;
    double d;

    skip(w);
    at = w->at;
    while (sign < sizeof signs / sizeof signs[0] && !take(w, signs[sign]))
        sign++;
    if (sign == sizeof signs / sizeof signs[0]) {
        mistake(w, at, "where: want <, <=, ==, !=, >= or >, found '%s'", *at ? at : "the end");
        return false;
    }
    b = sum(w);
    if (!a.number || !b.number) {
        bool same = strcmp(a.word, b.word) == 0;

        if (sign != 2 && sign != 3)
            mistake(w, at, "where: '%s' is neither a number nor an axis of the grid",
                    a.number ? b.word : a.word);
        return sign == 2 ? same : !same;
    }
    d = a.v - b.v;
    return sign == 0   ? d <= 0
           : sign == 1 ? d >= 0
           : sign == 2 ? !(d < 0) && !(d > 0)
           : sign == 3 ? d < 0 || d > 0
           : sign == 4 ? d < 0
                       : d > 0;
}

static bool all_of(struct where *w)
{
    bool yes = compare(w);

    while (take(w, "and"))
        yes = compare(w) && yes; /* the second is read in any case */
    return yes;
}

int pcl_grid_allows(const struct pcl_scenario *s, const char *const *value, bool *allowed,
                    size_t *at, struct pcl_err *err)
{
    struct where w = {.s = s, .value = value, .text = s->where, .at = s->where, .err = err};
    bool yes;

    *allowed = true;
    if (!*s->where)
        return PCL_OK;
    yes = all_of(&w);
    while (take(&w, "or"))
        yes = all_of(&w) || yes;
    skip(&w);
    if (*w.at)
        mistake(&w, w.at, "where: want 'and', 'or' or the end, found '%s'", w.at);
    *allowed = yes;
    if (at && w.wrong)
        *at = (size_t)(w.wrong - w.text);
    return w.wrong ? PCL_EINVAL : PCL_OK;
}
