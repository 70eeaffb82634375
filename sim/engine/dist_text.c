/*
 * Distributions as text, both ways. What pcl_dist_format writes, pcl_dist_parse reads back to
 * the same distribution: a stored scenario is the canonical text, so the two must be exact
 * inverses.
 */
#include <pclsim/dist.h>

#include <inttypes.h>
#include <string.h>

#define WORD_MAX 64 /* longer than any number with a unit */

/* --- writing ----------------------------------------------------------------------------- */

struct unit {
    int64_t size;
    const char *name;
};

static const struct unit time_units[] = {
    {1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};

static const struct unit size_units[] = {{INT64_C(1) << 60, "E"},
                                         {INT64_C(1) << 50, "P"},
                                         {INT64_C(1) << 40, "T"},
                                         {INT64_C(1) << 30, "G"},
                                         {INT64_C(1) << 20, "M"},
                                         {INT64_C(1) << 10, "k"},
                                         {1, ""}};

/* v in the largest unit that divides it, so that it stays an integer. */
static void write_amount(int64_t v, bool is_time, char out[WORD_MAX])
{
    const struct unit *u = is_time ? time_units : size_units;

    if (v == 0) {
        (void)snprintf(out, WORD_MAX, "0");
        return;
    }
    while (v % u->size != 0)
        u++;
    (void)snprintf(out, WORD_MAX, "%" PRId64 "%s", v / u->size, u->name);
}

/* A C locale may have put another sign where the decimal point belongs. */
static void force_point(char *s)
{
    for (; *s; s++)
        if (!strchr("0123456789%", *s))
            *s = '.';
}

/* The shortest percentage that reads back as s; where none does, the plain number. */
static void write_share(double s, char out[WORD_MAX])
{
    double back = 0;

    for (int decimals = 0; decimals <= 30; decimals++) {
        (void)snprintf(out, WORD_MAX, "%.*f%%", decimals, s * 100);
        force_point(out);
        if (pcl_parse_real(out, &back, NULL) == PCL_OK && !(back < s) && !(back > s))
            return;
    }
    (void)snprintf(out, WORD_MAX, "%.40f", s);
    force_point(out);
}

const char *pcl_dist_format(const struct pcl_dist *d, bool is_time, char *buf, size_t n)
{
    char a[WORD_MAX], b[WORD_MAX];

    write_amount(d->a, is_time, a);
    switch (d->kind) {
    case PCL_DIST_CONST:
        (void)snprintf(buf, n, "%s", a);
        break;
    case PCL_DIST_UNIFORM:
        write_amount(d->b, is_time, b);
        (void)snprintf(buf, n, "%s-%s", a, b);
        break;
    case PCL_DIST_EXP:
        (void)snprintf(buf, n, "exp:%s", a);
        break;
    case PCL_DIST_LOGNORMAL:
        write_share(d->s, b);
        (void)snprintf(buf, n, "lognormal:%s,%s", a, b);
        break;
    }
    return buf;
}

/* --- reading ----------------------------------------------------------------------------- */

/* The first len bytes of s as a time or a size; both parsers refuse negative ones. */
static int read_amount(const char *s, size_t len, bool is_time, int64_t *out, const char **why)
{
    char word[WORD_MAX];

    if (len >= sizeof(word)) {
        *why = is_time ? "want a time such as 5us" : "want a size such as 4k";
        return PCL_EINVAL;
    }
    memcpy(word, s, len);
    word[len] = '\0';
    return is_time ? pcl_parse_time(word, out, why) : pcl_parse_size(word, false, out, why);
}

static int read_mean(const char *s, size_t len, bool is_time, struct pcl_dist *d,
                     const char **why)
{
    int rc = read_amount(s, len, is_time, &d->a, why);

    if (rc == PCL_OK && d->a == 0) {
        *why = "want a mean above 0";
        return PCL_EINVAL;
    }
    return rc;
}

static int read_lognormal(const char *s, bool is_time, struct pcl_dist *d, const char **why)
{
    const char *comma = strchr(s, ',');

    if (!comma) {
        *why = is_time ? "want lognormal:MEAN,CV such as lognormal:80us,50%"
                       : "want lognormal:MEAN,CV such as lognormal:64k,50%";
        return PCL_EINVAL;
    }

    int rc = read_mean(s, (size_t)(comma - s), is_time, d, why);
    if (rc != PCL_OK)
        return rc;
    if (pcl_parse_real(comma + 1, &d->s, NULL) != PCL_OK || d->s < 0 || d->s > 1e6) {
        *why = "want a coefficient of variation such as 50% or 1.5, at most 1000000";
        return PCL_EINVAL;
    }
    return PCL_OK;
}

static int read_range(const char *s, const char *dash, bool is_time, struct pcl_dist *d,
                      const char **why)
{
    int rc = read_amount(s, (size_t)(dash - s), is_time, &d->a, why);

    if (rc == PCL_OK)
        rc = read_amount(dash + 1, strlen(dash + 1), is_time, &d->b, why);
    if (rc == PCL_OK && d->a > d->b) {
        *why = "the range ends before it starts";
        return PCL_EINVAL;
    }
    return rc;
}

static int read_any(const char *s, bool is_time, struct pcl_dist *d, const char **why)
{
    static const struct {
        const char *prefix;
        enum pcl_dist_kind kind;
    } forms[] = {{"const:", PCL_DIST_CONST},
                 {"uniform:", PCL_DIST_UNIFORM},
                 {"exp:", PCL_DIST_EXP},
                 {"lognormal:", PCL_DIST_LOGNORMAL}};
    const char *colon = strchr(s, ':'), *body = colon ? colon + 1 : s, *dash;
    bool known = !colon;

    d->kind = strchr(s[0] == '-' ? s + 1 : s, '-') ? PCL_DIST_UNIFORM : PCL_DIST_CONST;
    for (size_t i = 0; colon && i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strncmp(s, forms[i].prefix, strlen(forms[i].prefix)) == 0) {
            d->kind = forms[i].kind;
            known = true;
        }
    }
    if (!known) {
        *why = "want a distribution: const:, uniform:, exp: or lognormal:";
        return PCL_EINVAL;
    }

    switch (d->kind) {
    case PCL_DIST_CONST:
        return read_amount(body, strlen(body), is_time, &d->a, why);
    case PCL_DIST_UNIFORM:
        dash = strchr(body[0] == '-' ? body + 1 : body, '-');
        if (dash)
            return read_range(body, dash, is_time, d, why);
        *why = is_time ? "want a range such as 2us-8us" : "want a range such as 4k-16k";
        return PCL_EINVAL;
    case PCL_DIST_EXP:
        return read_mean(body, strlen(body), is_time, d, why);
    case PCL_DIST_LOGNORMAL:
        return read_lognormal(body, is_time, d, why);
    }
    return PCL_EINVAL;
}

int pcl_dist_parse(const char *s, bool is_time, struct pcl_dist *out, const char **why)
{
    const char *reason = NULL;
    struct pcl_dist d = {0};
    int rc = read_any(s, is_time, &d, &reason);

    if (rc == PCL_OK)
        *out = d;
    else if (why)
        *why = reason;
    return rc;
}
