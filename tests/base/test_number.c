/* Numbers in text: what is accepted is exact, what does not fit is refused and says why. */
#include "cases.h"

#include <locale.h>
#include <math.h>

#define UNTOUCHED INT64_C(-77)

struct number_case {
    const char *text;
    int64_t value;   /* UNTOUCHED: refused */
    const char *why; /* of a refusal */
};

#define WANT_SIZE "want a size such as 4096, 4k or 1G"
#define LARGE_SIZE "size above 2^63 - 1 bytes"
#define SIZE_END "size above 2^63 - 1 bytes; the largest is written max"

static const struct number_case sizes[] = {
    {"0", 0, NULL},
    {"4096", 4096, NULL},
    {"4k", 4096, NULL},
    {"4K", 4096, NULL},
    {"4kB", 4096, NULL},
    {"4KiB", 4096, NULL},
    {"7B", 7, NULL},
    {"1m", 1 << 20, NULL},
    {"3G", INT64_C(3) << 30, NULL},
    {"1t", INT64_C(1) << 40, NULL},
    {"5P", INT64_C(5) << 50, NULL},
    {"7E", INT64_C(7) << 60, NULL},
    {"007k", 7168, NULL},
    {"max", INT64_MAX, NULL},
    {"9223372036854775807", INT64_MAX, NULL},
    {"8191P", INT64_C(8191) << 50, NULL},
    {"9223372036854775808", UNTOUCHED, SIZE_END},
    {"8E", UNTOUCHED, SIZE_END},
    {"8192P", UNTOUCHED, SIZE_END},
    {"9223372036854775809", UNTOUCHED, LARGE_SIZE},
    {"18446744073709551615", UNTOUCHED, LARGE_SIZE},
    {"18446744073709551616", UNTOUCHED, LARGE_SIZE},
    {"99999999999999999999999", UNTOUCHED, LARGE_SIZE},
    {"9E", UNTOUCHED, LARGE_SIZE},
    {"16E", UNTOUCHED, LARGE_SIZE},
    {"18446744073709551615E", UNTOUCHED, LARGE_SIZE},
    {"", UNTOUCHED, WANT_SIZE},
    {"k", UNTOUCHED, WANT_SIZE},
    {"4x", UNTOUCHED, WANT_SIZE},
    {"4 k", UNTOUCHED, WANT_SIZE},
    {" 4k", UNTOUCHED, WANT_SIZE},
    {"4k ", UNTOUCHED, WANT_SIZE},
    {"4kk", UNTOUCHED, WANT_SIZE},
    {"4i", UNTOUCHED, WANT_SIZE},
    {"4kBB", UNTOUCHED, WANT_SIZE},
    {"+4k", UNTOUCHED, WANT_SIZE},
    {"0x10", UNTOUCHED, WANT_SIZE},
    {"maximum", UNTOUCHED, WANT_SIZE},
    {"-1", UNTOUCHED, "want a size of 0 or more"},
    {"1.5G", UNTOUCHED, "want a whole number and a unit, such as 1536M instead of 1.5G"},
};

#define WANT_TIME "want a time such as 250ns, 1.5us, 4ms or 2s"
#define LARGE_TIME "time above 2^63 - 1 ns (292 years)"
#define WHOLE_NS "want a whole number of nanoseconds"

static const struct number_case times[] = {
    {"0", 0, NULL},
    {"0s", 0, NULL},
    {"250ns", 250, NULL},
    {"1.5us", 1500, NULL},
    {".5us", 500, NULL},
    {"0.001us", 1, NULL},
    {"1.000us", 1000, NULL},
    {"4ms", 4000000, NULL},
    {"2s", INT64_C(2000000000), NULL},
    {"1.5m", INT64_C(90000000000), NULL},
    {"1h", INT64_C(3600000000000), NULL},
    {"0.0000000000025h", 9, NULL}, /* 13 digits, still whole */
    {"1.0000000000000000000000000000ns", 1, NULL},
    {"9223372036854775807ns", INT64_MAX, NULL},
    {"9223372036.854775807s", INT64_MAX, NULL},
    {"2562047h", INT64_C(2562047) * 3600 * 1000000000, NULL},
    {"9223372036854775808ns", UNTOUCHED, LARGE_TIME},
    {"9223372036.854775808s", UNTOUCHED, LARGE_TIME},
    {"2562048h", UNTOUCHED, LARGE_TIME},
    {"18446744073709551617ns", UNTOUCHED, LARGE_TIME},
    {"99999999999999999999999999h", UNTOUCHED, LARGE_TIME},
    {"0.5ns", UNTOUCHED, WHOLE_NS},
    {"1.0005us", UNTOUCHED, WHOLE_NS},
    {"0.00000000000025h", UNTOUCHED, WHOLE_NS}, /* 0.9 ns */
    {"1.00000000000001s", UNTOUCHED, WHOLE_NS},
    {"5", UNTOUCHED, "want a unit: ns, us, ms, s, m or h"},
    {"1.5", UNTOUCHED, "want a unit: ns, us, ms, s, m or h"},
    {"", UNTOUCHED, WANT_TIME},
    {"us", UNTOUCHED, WANT_TIME},
    {"5 us", UNTOUCHED, WANT_TIME},
    {"5us ", UNTOUCHED, WANT_TIME},
    {"5.us", UNTOUCHED, WANT_TIME},
    {".us", UNTOUCHED, WANT_TIME},
    {"1..5us", UNTOUCHED, WANT_TIME},
    {"5min", UNTOUCHED, WANT_TIME},
    {"5US", UNTOUCHED, WANT_TIME},
    {"1e3ns", UNTOUCHED, WANT_TIME},
    {"-5us", UNTOUCHED, "want a time of 0 or more"},
};

static void check(const char *text, int rc, int64_t got, const char *why, int64_t value,
                  const char *want_why)
{
    if (rc != (value == UNTOUCHED ? PCL_EINVAL : PCL_OK) || got != value)
        fail_msg("'%s': returned %d with %lld, want %lld", text, rc, (long long)got,
                 (long long)value);
    if (want_why) {
        assert_non_null(why);
        assert_string_equal(why, want_why);
    }
}

static void sizes_are_exact_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        const char *why = NULL;
        int64_t v = UNTOUCHED;
        int rc = pcl_parse_size(sizes[i].text, false, &v, &why);

        check(sizes[i].text, rc, v, why, sizes[i].value, sizes[i].why);
    }
}

static void an_end_of_two_to_the_63_is_the_last_byte(void **state)
{
    static const char *const ends[] = {"8E", "8192P", "8EiB", "9223372036854775808", "max"};
    int64_t v;

    (void)state;
    for (size_t i = 0; i < LENGTH(ends); i++) {
        v = UNTOUCHED;
        assert_int_equal(pcl_parse_size(ends[i], true, &v, NULL), PCL_OK);
        assert_true(v == INT64_MAX);
    }
    v = UNTOUCHED;
    assert_int_equal(pcl_parse_size("9223372036854775809", true, &v, NULL), PCL_EINVAL);
    assert_int_equal(pcl_parse_size("9E", true, &v, NULL), PCL_EINVAL);
    assert_true(v == UNTOUCHED);
}

static void times_are_exact_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(times); i++) {
        const char *why = NULL;
        int64_t v = UNTOUCHED;
        int rc = pcl_parse_time(times[i].text, &v, &why);

        check(times[i].text, rc, v, why, times[i].value, times[i].why);
    }
}

static void integers_keep_their_bounds(void **state)
{
    static const struct {
        const char *text;
        int64_t lo, hi, value;
        const char *why;
    } cases[] = {
        {"0", 0, 0, 0, NULL},
        {"-0", 0, 0, 0, NULL},
        {"-5", -5, 5, -5, NULL},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, NULL},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, NULL},
        {"9223372036854775808", INT64_MIN, INT64_MAX, UNTOUCHED, "number too large"},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, UNTOUCHED, "number too small"},
        {"18446744073709551616", INT64_MIN, INT64_MAX, UNTOUCHED, "number too large"},
        {"-18446744073709551616", INT64_MIN, INT64_MAX, UNTOUCHED, "number too small"},
        {"-6", -5, 5, UNTOUCHED, "number too small"},
        {"6", -5, 5, UNTOUCHED, "number too large"},
        {"", 0, 9, UNTOUCHED, "want a whole number"},
        {"-", -9, 9, UNTOUCHED, "want a whole number"},
        {"--1", -9, 9, UNTOUCHED, "want a whole number"},
        {"+1", 0, 9, UNTOUCHED, "want a whole number"},
        {" 1", 0, 9, UNTOUCHED, "want a whole number"},
        {"1k", 0, 9, UNTOUCHED, "want a whole number"},
        {"1.0", 0, 9, UNTOUCHED, "want a whole number"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *why = NULL;
        int64_t v = UNTOUCHED;
        int rc = pcl_parse_int(cases[i].text, cases[i].lo, cases[i].hi, &v, &why);

        check(cases[i].text, rc, v, why, cases[i].value, cases[i].why);
    }
}

static void reals_are_finite_decimal_numbers(void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"-2.5", -2.5},
        {".25", 0.25},
        {"1e3", 1000},
        {"+4", 4},
        {"2.5E-1", 0.25},
        {"50%", 0.5},
        {"12.5%", 0.125},
        {"1e-400", 0},
        {"1.7976931348623157e308", 1.7976931348623157e308},
    };
    static const char *const bad[] = {"",     "x",        "-",     ".",      "1.",     "1.e3",
                                      "e3",   "1e",       "1e+",   "0x1p3",  "inf",    "nan",
                                      "-inf", "infinity", " 1",    "1 ",     "1,5",    "50%%",
                                      "% 5",  "%",        "1e400", "-1e400", "1e308%%"};

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        double v = -77;

        if (pcl_parse_real(good[i].text, &v, NULL) != PCL_OK || v != good[i].value)
            fail_msg("'%s' read as %g", good[i].text, v);
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        const char *why = NULL;
        double v = -77;

        if (pcl_parse_real(bad[i], &v, &why) != PCL_EINVAL || v != -77 || !why)
            fail_msg("'%s' should be refused", bad[i]);
    }
}

static void the_locale_has_no_say(void **state)
{
    static const char *const comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    double v = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(comma); i++)
        (void)setlocale(LC_NUMERIC, comma[i]); /* may be missing; then the test says little */
    assert_int_equal(pcl_parse_real("1.5", &v, NULL), PCL_OK);
    assert_true(v == 1.5);
    (void)setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_exact_or_refused),
        cmocka_unit_test(an_end_of_two_to_the_63_is_the_last_byte),
        cmocka_unit_test(times_are_exact_or_refused),
        cmocka_unit_test(integers_keep_their_bounds),
        cmocka_unit_test(reals_are_finite_decimal_numbers),
        cmocka_unit_test(the_locale_has_no_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
