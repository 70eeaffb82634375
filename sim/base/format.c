/*
 * Numbers for people: three significant digits and a unit. Digits are made with integers, so
 * that the same number is the same text whatever the C library or locale.
 */
#include <pclsim/base.h>

#include <math.h>

struct unit {
    const char *name;
    uint64_t size; /* in base units */
    uint64_t from; /* used from this value on */
};

#define S_NS UINT64_C(1000000000)
#define DAY_NS (86400 * S_NS)

static const struct unit time_units[] = {
    {"ns", 1, 0},
    {"us", 1000, 1000},
    {"ms", 1000000, 1000000},
    {"s", S_NS, S_NS},
    {"min", 60 * S_NS, 120 * S_NS},
    {"h", 3600 * S_NS, 7200 * S_NS},
    {"days", DAY_NS, 2 * DAY_NS},
    {"years", 36525 * (DAY_NS / 100), 2 * (36525 * (DAY_NS / 100))},
};

static const struct unit size_units[] = {
    {"B", 1, 0},
    {"KiB", (uint64_t)1 << 10, (uint64_t)1 << 10},
    {"MiB", (uint64_t)1 << 20, (uint64_t)1 << 20},
    {"GiB", (uint64_t)1 << 30, (uint64_t)1 << 30},
    {"TiB", (uint64_t)1 << 40, (uint64_t)1 << 40},
    {"PiB", (uint64_t)1 << 50, (uint64_t)1 << 50},
    {"EiB", (uint64_t)1 << 60, (uint64_t)1 << 60},
};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* Writes r / 10^decimals. */
static void put(uint64_t r, unsigned decimals, char *buf, size_t n)
{
    char text[32]; /* 20 digits at most, a point, zeros in front of a small r */
    size_t at = sizeof text;

    text[--at] = '\0';
    for (unsigned i = 0; r > 0 || i <= decimals; i++, r /= 10) {
        if (decimals > 0 && i == decimals)
            text[--at] = '.';
        text[--at] = (char)('0' + r % 10);
    }
    (void)snprintf(buf, n, "%s", text + at);
}

/* Writes v / size to three digits; returns the rounded value in base units. */
static pcl_u128 three_digits(uint64_t v, uint64_t size, char *buf, size_t n)
{
    uint64_t scale = 100, r;
    unsigned decimals = 2;

    for (;; decimals--, scale /= 10) {
        r = (uint64_t)(((pcl_u128)v * scale + size / 2) / size);
        if (r < 1000 || decimals == 0)
            break;
    }
    put(r, decimals, buf, n);
    return (pcl_u128)r * size / scale;
}

static const char *scaled(int64_t value, const struct unit *u, size_t n_units, bool whole,
                          char *buf, size_t n)
{
    uint64_t v = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    size_t i = n_units - 1;
    char digits[32];

    while (i > 0 && v < u[i].from)
        i--;
    if (i == 0 || (whole && v % u[i].size == 0))
        put(v / u[i].size, 0, digits, sizeof digits);
    else if (three_digits(v, u[i].size, digits, sizeof digits) >= u[(i + 1) % n_units].from &&
             i + 1 < n_units) /* 999.9 us is 1.00 ms, not 1000 us */
        (void)three_digits(v, u[++i].size, digits, sizeof digits);
    (void)snprintf(buf, n, "%s%s %s", value < 0 ? "-" : "", digits, u[i].name);
    return buf;
}

const char *pcl_format_ns(pcl_ns ns, char *buf, size_t n)
{
    return scaled(ns, time_units, LENGTH(time_units), false, buf, n);
}

const char *pcl_format_size(int64_t bytes, char *buf, size_t n)
{
    return scaled(bytes, size_units, LENGTH(size_units), true, buf, n);
}

const char *pcl_format_count(double v, char *buf, size_t n)
{
    static const char *const suffix[] = {"", "k", "M", "G", "T", "P", "E"};
    double x = fabs(v), unit = 1, scale = 100;
    const char *sign = v < 0 ? "-" : "";
    unsigned decimals = 2;
    size_t i = 0;
    char digits[32];

    if (!isfinite(v) || x >= 999.5e18 || (x > 0 && x < 1e-6)) {
        (void)snprintf(buf, n, "%.2e", v);
        return buf;
    }
    if (x < 1000 && x == floor(x)) {
        (void)snprintf(buf, n, "%s%d", x > 0 ? sign : "", (int)x);
        return buf;
    }
    for (; x >= 999.5 * unit; i++) /* 999.5 is shown as 1.00k */
        unit *= 1000;
    for (; x * scale < 99.5; decimals++)
        scale *= 10;
    /* division by unit / scale, a power of ten, rounds once where two steps would round twice
     */
    while (decimals > 0 && floor(x / (unit / scale) + 0.5) >= 1000) {
        scale /= 10;
        decimals--;
    }
    put((uint64_t)floor(x / (unit / scale) + 0.5), decimals, digits, sizeof digits);
    (void)snprintf(buf, n, "%s%s%s", sign, digits, suffix[i]);
    return buf;
}
