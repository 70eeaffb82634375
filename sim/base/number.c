/*
 * Numbers in text, exactly: sizes to 2^63 - 1 bytes, times to 2^63 - 1 ns, integers, reals. A
 * value that does not fit is an error and never wraps; so is a time that is no whole
 * nanosecond.
 */
#include <pclsim/base.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POW63 ((uint64_t)1 << 63)

static int refuse(const char **why, const char *text)
{
    if (why)
        *why = text;
    return PCL_EINVAL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits; a value above 2^64 - 1 sets *over and stays there. */
static const char *digits(const char *s, uint64_t *value, bool *over)
{
    uint64_t v = 0;

    *over = false;
    for (; is_digit(*s); s++) {
        uint64_t d = (uint64_t)(*s - '0');

        if (v > (UINT64_MAX - d) / 10)
            *over = true;
        else
            v = v * 10 + d;
    }
    *value = v;
    return s;
}

int pcl_parse_size(const char *s, bool end, int64_t *out, const char **why)
{
    static const char want[] = "want a size such as 4096, 4k or 1G";
    static const char large[] = "size above 2^63 - 1 bytes";
    static const char letters[] = "kmgtpe";
    unsigned shift = 0;
    uint64_t v;
    bool over;

    if (strcmp(s, "max") == 0) {
        *out = PCL_OFF_MAX;
        return PCL_OK;
    }
    if (*s == '-' && is_digit(s[1]))
        return refuse(why, "want a size of 0 or more");
    if (!is_digit(*s))
        return refuse(why, want);
    s = digits(s, &v, &over);
    if (*s) {
        char lower = (char)(*s | 0x20);
        const char *at = strchr(letters, lower);

        if (at) {
            shift = 10 * (unsigned)(at - letters + 1);
            s++;
            if (*s == 'i' || *s == 'I')
                s++;
        }
    }
    if (*s == 'B' || *s == 'b')
        s++;
    if (*s == '.')
        return refuse(why, "want a whole number and a unit, such as 1536M instead of 1.5G");
    if (*s)
        return refuse(why, want);
    if (over || v > POW63 >> shift)
        return refuse(why, large);
    v <<= shift;
    if (v == POW63) {
        if (!end)
            return refuse(why, "size above 2^63 - 1 bytes; the largest is written max");
        v--;
    }
    *out = (int64_t)v;
    return PCL_OK;
}

static const struct {
    const char *name;
    uint64_t ns;
} time_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", UINT64_C(60) * 1000000000},
    {"h", UINT64_C(3600) * 1000000000},
};

/* No fraction longer than this is a whole number of ns in any unit: an hour, the largest, is
 * 2^13 * 3^2 * 5^11 ns. */
#define FRACTION_DIGITS 13

static uint64_t unit_ns(const char *name)
{
    for (size_t i = 0; i < sizeof time_units / sizeof time_units[0]; i++)
        if (strcmp(time_units[i].name, name) == 0)
            return time_units[i].ns;
    return 0;
}

int pcl_parse_time(const char *s, pcl_ns *out, const char **why)
{
    static const char want[] = "want a time such as 250ns, 1.5us, 4ms or 2s";
    uint64_t whole = 0, fraction = 0, scale = 1, unit;
    size_t n_fraction = 0;
    bool over = false;
    pcl_u128 v;

    if (strcmp(s, "0") == 0) {
        *out = 0;
        return PCL_OK;
    }
    if (*s == '-' && is_digit(s[1]))
        return refuse(why, "want a time of 0 or more");
    if (!is_digit(*s) && !(*s == '.' && is_digit(s[1])))
        return refuse(why, want);
    s = digits(s, &whole, &over);
    if (*s == '.') {
        const char *first = ++s;

        while (is_digit(*s))
            s++;
        n_fraction = (size_t)(s - first);
        if (n_fraction == 0)
            return refuse(why, want);
        while (n_fraction > 0 && first[n_fraction - 1] == '0')
            n_fraction--;
        if (n_fraction <= FRACTION_DIGITS)
            for (size_t i = 0; i < n_fraction; i++) {
                fraction = fraction * 10 + (uint64_t)(first[i] - '0');
                scale *= 10;
            }
    }
    if (!*s)
        return refuse(why, "want a unit: ns, us, ms, s, m or h");
    unit = unit_ns(s);
    if (unit == 0)
        return refuse(why, want);
    if (n_fraction > FRACTION_DIGITS || (pcl_u128)fraction * unit % scale != 0)
        return refuse(why, "want a whole number of nanoseconds");
    v = (pcl_u128)whole * unit + (pcl_u128)fraction * unit / scale;
    if (over || v > (uint64_t)PCL_NS_MAX)
        return refuse(why, "time above 2^63 - 1 ns (292 years)");
    *out = (pcl_ns)v;
    return PCL_OK;
}

int pcl_parse_int(const char *s, int64_t lo, int64_t hi, int64_t *out, const char **why)
{
    bool minus = *s == '-', over;
    uint64_t v;
    int64_t x;

    s += minus;
    if (!is_digit(*s))
        return refuse(why, "want a whole number");
    s = digits(s, &v, &over);
    if (*s)
        return refuse(why, "want a whole number");
    if (over || v > POW63 - !minus)
        return refuse(why, minus ? "number too small" : "number too large");
    x = minus ? (v == POW63 ? INT64_MIN : -(int64_t)v) : (int64_t)v;
    if (x < lo)
        return refuse(why, "number too small");
    if (x > hi)
        return refuse(why, "number too large");
    *out = x;
    return PCL_OK;
}

/* True when s is [-+]digits[.digits][e[-+]digits] up to *end: what strtod takes, without
 * hexadecimal, infinities, NaN and leading blanks. */
static bool is_decimal(const char *s, const char **end)
{
    bool any = false;

    s += *s == '-' || *s == '+';
    for (; is_digit(*s); s++)
        any = true;
    if (*s == '.') {
        if (!is_digit(s[1]))
            return false;
        for (s++; is_digit(*s); s++)
            any = true;
    }
    if (!any)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        if (!is_digit(*s))
            return false;
        while (is_digit(*s))
            s++;
    }
    *end = s;
    return true;
}

int pcl_parse_real(const char *s, double *out, const char **why)
{
    static const char want[] = "want a number such as 0.99 or 5%";
    const char *end;
    locale_t c_locale, before;
    double v;

    if (!is_decimal(s, &end) || strcmp(*end == '%' ? end + 1 : end, "") != 0)
        return refuse(why, want);
    /* strtod takes the decimal separator of the locale that some library may have set */
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        return refuse(why, want);
    before = uselocale(c_locale);
    v = strtod(s, NULL);
    (void)uselocale(before);
    freelocale(c_locale);
    if (*end == '%')
        v /= 100;
    if (!isfinite(v))
        return refuse(why, "number too large");
    *out = v;
    return PCL_OK;
}
