/*
 * The little language of expect lines (grammar in claims.h): one pass from left to right, and
 * every complaint points at the letter it is about. Names are checked at once against what the
 * scenario runs, before hours are spent on it.
 */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "claims_internal.h"

struct reader {
    const struct pcl_scenario *s;
    const char *name, *expr;
    unsigned line, col;
    const char *p; /* next letter */
    struct pcl_err *err;
};

static int fail(struct reader *r, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A message at a place in the expression, with the line as it stands in the file. */
static int fail(struct reader *r, const char *at, const char *fmt, ...)
{
    unsigned off = (unsigned)(at - r->expr), pad;
    size_t size = strlen(r->expr) + r->col + 80;
    char msg[600], *text;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    if (r->line == 0)
        return pcl_fail_at(r->err, "--set", 0, 0, "expect.%s: %s", r->name, msg);
    (void)pcl_fail_at(r->err, r->s->path, r->line, r->col + off, "expect.%s: %s", r->name, msg);
    pad = r->col > strlen(r->name) + 10 ? r->col - (unsigned)strlen(r->name) - 10 : 0;
    if (pad && r->err) { /* "expect." and name, "= " right before the expression */
        text = pcl_xcalloc(size, 1);
        (void)snprintf(text, size, "expect.%s%*s= %s", r->name, (int)pad, "", r->expr);
        pcl_err_source(r->err, text, strlen(text));
        free(text);
    }
    return PCL_EINVAL;
}

/* What stands there, for "found ...". */
static const char *found(const char *at, char buf[40])
{
    size_t n = strcspn(at, " \t");

    if (!*at)
        return "the end";
    (void)snprintf(buf, 40, "'%.*s'", (int)(n < 30 ? n : 30), at);
    return buf;
}

static void skip(struct reader *r)
{
    while (*r->p == ' ' || *r->p == '\t')
        r->p++;
}

static bool take(struct reader *r, char c)
{
    skip(r);
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);

    skip(r);
    if (strncmp(r->p, word, n) != 0 || isalnum((unsigned char)r->p[n]) || r->p[n] == '_')
        return false;
    r->p += n;
    return true;
}

/* Letters up to one of stop; false when there are none or too many. */
static bool take_text(struct reader *r, const char *stop, char *out, size_t n)
{
    size_t len;

    skip(r);
    len = strcspn(r->p, stop);
    while (len > 0 && (r->p[len - 1] == ' ' || r->p[len - 1] == '\t'))
        len--;
    if (len == 0 || len >= n)
        return false;
    memcpy(out, r->p, len);
    out[len] = '\0';
    r->p += len;
    return true;
}

/* --- names that must be known
 * ----------------------------------------------------------------- */

static void list_axes(const struct pcl_scenario *s, char *buf, size_t n)
{
    size_t at = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < s->n_grid && at < n; i++)
        at += (size_t)snprintf(buf + at, n - at, "%s%s", i ? ", " : "", s->grid[i].key);
}

static int find_axis(struct reader *r, const char *at, const char *key,
                     const struct pcl_grid_axis **out)
{
    char list[300];

    for (size_t i = 0; i < r->s->n_grid; i++)
        if (strcmp(r->s->grid[i].key, key) == 0) {
            *out = &r->s->grid[i];
            return PCL_OK;
        }
    list_axes(r->s, list, sizeof(list));
    return fail(r, at, "'%s' is no axis of the grid (%s)", key,
                r->s->n_grid ? list : "there is no [grid]");
}

static bool same_value(const char *a, const char *b)
{
    double x, y;

    return strcmp(a, b) == 0 ||
           (pcl_number_of(a, true, &x) && pcl_number_of(b, true, &y) && x == y);
}

static int find_value(struct reader *r, const char *at, const struct pcl_grid_axis *axis,
                      const char *value, const char **out)
{
    char list[300] = "";
    size_t n = 0;

    for (size_t i = 0; i < axis->n_values; i++) {
        if (same_value(axis->value[i], value)) {
            *out = axis->value[i];
            return PCL_OK;
        }
        if (n < sizeof(list))
            n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
                                  axis->value[i]);
    }
    return fail(r, at, "'%s' is not on the grid: %s has %s", value, axis->key, list);
}

static int check_scheme(struct reader *r, const char *at, const char *scheme)
{
    const char **names = pcl_xcalloc(r->s->n_schemes + 1, sizeof(*names));
    const char *near;
    int rc = PCL_OK;
    bool known = false;

    for (size_t i = 0; i < r->s->n_schemes; i++) {
        names[i] = r->s->schemes[i];
        known = known || strcmp(names[i], scheme) == 0;
    }
    if (!known) {
        rc = fail(r, at, "scheme '%s' is not among the scenario's schemes", scheme);
        near = pcl_nearest(scheme, names, r->s->n_schemes);
        if (near)
            (void)pcl_hint(r->err, "did you mean '%s'?", near);
    }
    free(names);
    return rc;
}

/* --- grammar
 * ---------------------------------------------------------------------------------- */

static int read_key(struct reader *r, const struct pcl_grid_axis **axis)
{
    char key[PCL_NAME_MAX];
    const char *at;

    skip(r);
    at = r->p;
    if (!take_text(r, ",)=<> \t", key, sizeof(key)))
        return fail(r, at, "want an axis of the grid");
    return find_axis(r, at, key, axis);
}

/* METRIC: name "(" scheme [ "," object ] ")" */
static int read_metric(struct reader *r, struct claim_factor *f)
{
    const char *at;
    char seen[40];
    int rc;

    skip(r);
    at = r->p;
    if (!isalpha((unsigned char)*at) ||
        !take_text(r, "( \t,/)<>=", f->metric, sizeof(f->metric)))
        return fail(r, at, "want METRIC(SCHEME), found %s", found(at, seen));
    if (!take(r, '('))
        return fail(r, r->p, "want '(' and a scheme after '%s'", f->metric);
    skip(r);
    at = r->p;
    if (!take_text(r, ",()", f->scheme, sizeof(f->scheme)))
        return fail(r, at, "want a scheme");
    rc = check_scheme(r, at, f->scheme);
    if (rc != PCL_OK)
        return rc;
    (void)snprintf(f->object, sizeof(f->object), "all");
    if (take(r, ',')) {
        skip(r);
        at = r->p;
        if (!take_text(r, ",()<>=", f->object, sizeof(f->object)))
            return fail(r, at, "want an operation or a lock, such as read or page");
    }
    return take(r, ')') ? PCL_OK : fail(r, r->p, "want ')'");
}

/* word "(" METRIC "," key ")" */
static int read_over_axis(struct reader *r, struct claim_factor *f)
{
    int rc = PCL_OK;

    if (!take(r, '('))
        return fail(r, r->p, "want '(' and a metric");
    rc = read_metric(r, f);
    if (rc != PCL_OK)
        return rc;
    if (!take(r, ','))
        return fail(r, r->p, "want ',' and the axis to search along");
    rc = read_key(r, &f->axis);
    if (rc != PCL_OK)
        return rc;
    return take(r, ')') ? PCL_OK : fail(r, r->p, "want ')'");
}

static int read_at(struct reader *r, struct claim_factor *f)
{
    do {
        const struct pcl_grid_axis *axis;
        const char *start;
        char value[128];
        int rc;

        skip(r);
        start = r->p;
        rc = read_key(r, &axis);
        if (rc != PCL_OK)
            return rc;
        for (size_t i = 0; i < f->n_at; i++)
            if (f->at[i].axis == axis)
                return fail(r, start, "%s is given twice", axis->key);
        if (!take(r, '='))
            return fail(r, r->p, "want '=' and a value of %s", axis->key);
        skip(r);
        start = r->p;
        if (!take_text(r, ", \t<>=/", value, sizeof(value)))
            return fail(r, start, "want a value of %s", axis->key);
        f->at[f->n_at].axis = axis;
        rc = find_value(r, start, axis, value, &f->at[f->n_at].value);
        if (rc != PCL_OK)
            return rc;
        f->n_at++;
    } while (take(r, ','));
    return PCL_OK;
}

static int read_factor(struct reader *r, struct claim_factor *f)
{
    int rc;

    skip(r);
    f->pos = (unsigned)(r->p - r->expr);
    f->peak = take_word(r, "peak");
    rc = f->peak ? read_over_axis(r, f) : read_metric(r, f);
    if (rc == PCL_OK && take_word(r, "at"))
        rc = read_at(r, f);
    return rc;
}

static int read_term(struct reader *r, struct claim_line *l)
{
    int rc;

    skip(r);
    l->n_factors = 1;
    l->factor[0].pos = (unsigned)(r->p - r->expr);
    l->kind = take_word(r, "argmax")   ? CLAIM_ARGMAX
              : take_word(r, "argmin") ? CLAIM_ARGMIN
                                       : CLAIM_QUOTIENT;
    if (l->kind != CLAIM_QUOTIENT) {
        rc = read_over_axis(r, &l->factor[0]);
        if (rc == PCL_OK && take_word(r, "at"))
            rc = read_at(r, &l->factor[0]);
        return rc;
    }
    rc = read_factor(r, &l->factor[0]);
    if (rc != PCL_OK)
        return rc;
    if (take(r, '-'))
        l->kind = CLAIM_DIFFERENCE;
    else if (!take(r, '/'))
        return PCL_OK;
    l->n_factors = 2;
    rc = read_factor(r, &l->factor[1]);
    if (rc == PCL_OK && l->factor[0].n_at == 0) /* one `at` at the end is for both */
        for (size_t i = 0; i < l->factor[1].n_at; i++)
            if (l->factor[1].at[i].axis != l->factor[0].axis)
                l->factor[0].at[l->factor[0].n_at++] = l->factor[1].at[i];
    return rc;
}

static int read_number(struct reader *r, const struct claim_line *l, double *out)
{
    char text[64];
    const char *at;

    skip(r);
    at = r->p;
    if (!take_text(r, ",] \t", text, sizeof(text)) ||
        !pcl_number_of(text, l->kind == CLAIM_ARGMAX || l->kind == CLAIM_ARGMIN, out))
        return fail(r, at, "want a number, with %% or a unit of time if need be, found %s",
                    *at ? text : "the end");
    return PCL_OK;
}

static int read_relation(struct reader *r, struct claim_line *l)
{
    static const struct {
        const char *sign;
        enum claim_rel rel;
    } signs[] = {
        {"<=", CLAIM_LE}, {">=", CLAIM_GE}, {"==", CLAIM_EQ}, {"<", CLAIM_LT}, {">", CLAIM_GT}};
    const char *at;
    char seen[40];
    int rc;

    if (take_word(r, "in")) {
        l->rel = CLAIM_IN;
        if (!take(r, '['))
            return fail(r, r->p, "want '[' LOW, HIGH ']' after in");
        skip(r);
        at = r->p;
        rc = read_number(r, l, &l->a);
        if (rc == PCL_OK && !take(r, ','))
            rc = fail(r, r->p, "want ',' and the upper end");
        if (rc == PCL_OK)
            rc = read_number(r, l, &l->b);
        if (rc == PCL_OK && !take(r, ']'))
            rc = fail(r, r->p, "want ']'");
        return rc == PCL_OK && l->a > l->b ? fail(r, at, "the lower end is above the upper")
                                           : rc;
    }
    skip(r);
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (strncmp(r->p, signs[i].sign, strlen(signs[i].sign)) == 0) {
            l->rel = signs[i].rel;
            r->p += strlen(signs[i].sign);
            return read_number(r, l, &l->a);
        }
    return fail(r, r->p, "want at, /, -, in, <, <=, >, >= or ==, found %s", found(r->p, seen));
}

/* --- what a line needs beyond its grammar
 * -------------------------------------------------------- */

/* Every axis must be fixed by an `at`, searched along, or have one value only. */
static int check_point(struct reader *r, const struct claim_factor *f)
{
    for (size_t i = 0; i < r->s->n_grid; i++) {
        const struct pcl_grid_axis *axis = &r->s->grid[i];
        bool fixed = axis->n_values < 2 || f->axis == axis;

        for (size_t k = 0; k < f->n_at; k++) {
            if (f->at[k].axis == f->axis)
                return fail(r, r->expr + f->pos, "%s cannot be fixed and searched along",
                            f->axis->key);
            fixed = fixed || f->at[k].axis == axis;
        }
        if (!fixed)
            return fail(r, r->expr + f->pos, "say where: at %s=%s or another value", axis->key,
                        axis->value[0]);
    }
    return PCL_OK;
}

static int check_line(struct reader *r, const struct claim_line *l)
{
    double v;

    for (size_t i = 0; i < l->n_factors; i++) {
        int rc = check_point(r, &l->factor[i]);

        if (rc != PCL_OK)
            return rc;
    }
    if (l->kind != CLAIM_ARGMAX && l->kind != CLAIM_ARGMIN)
        return PCL_OK;
    for (size_t i = 0; i < l->factor[0].axis->n_values; i++)
        if (!pcl_number_of(l->factor[0].axis->value[i], true, &v))
            return fail(r, r->expr + l->factor[0].pos,
                        "%s has values that are no numbers ('%s')", l->factor[0].axis->key,
                        l->factor[0].axis->value[i]);
    return PCL_OK;
}

int pcl_claim_parse(const struct pcl_scenario *s, size_t i, struct claim_line *out,
                    struct pcl_err *err)
{
    struct reader r = {.s = s,
                       .name = s->claim.expect[i].name,
                       .expr = s->claim.expect[i].expr,
                       .line = s->claim.expect[i].line,
                       .col = s->claim.expect[i].col,
                       .p = s->claim.expect[i].expr,
                       .err = err};
    char seen[40];
    int rc;

    *out = (struct claim_line){.kind = CLAIM_QUOTIENT};
    rc = read_term(&r, out);
    out->factor[0].exact = out->factor[1].exact = s->explore.on;
    if (rc == PCL_OK)
        rc = read_relation(&r, out);
    skip(&r);
    if (rc == PCL_OK && *r.p)
        rc = fail(&r, r.p, "want the end of the line, found %s", found(r.p, seen));
    return rc == PCL_OK ? check_line(&r, out) : rc;
}

int pcl_claim_check(const struct pcl_scenario *s, struct pcl_err *err)
{
    for (size_t i = 0; i < s->claim.n_expect; i++) {
        struct claim_line l;
        int rc = pcl_claim_parse(s, i, &l, err);

        if (rc != PCL_OK)
            return rc;
    }
    return PCL_OK;
}
