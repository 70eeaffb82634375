/* Numbers for people: three digits, the unit that fits, and rounding that moves to the next. */
#include "cases.h"

#include <math.h>

static void times_have_three_digits(void **state)
{
    static const struct {
        pcl_ns ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {1, "1 ns"},
        {999, "999 ns"},
        {1000, "1.00 us"},
        {18349, "18.3 us"},
        {18350, "18.4 us"},
        {999499, "999 us"},
        {999500, "1.00 ms"},
        {41700000, "41.7 ms"},
        {INT64_C(1000000000), "1.00 s"},
        {INT64_C(119400000000), "119 s"},
        {INT64_C(119999999999), "2.00 min"},
        {INT64_C(18) * 60 * 1000000000, "18.0 min"},
        {INT64_C(2) * 3600 * 1000000000, "2.00 h"},
        {INT64_C(48) * 3600 * 1000000000, "2.00 days"},
        {INT64_MAX, "292 years"},
        {-1500, "-1.50 us"},
        {INT64_MIN, "-292 years"},
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_string_equal(pcl_format_ns(cases[i].ns, buf, sizeof buf), cases[i].text);
}

static void whole_sizes_stay_whole(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {4096, "4 KiB"},
        {1536, "1.50 KiB"},
        {1 << 20, "1 MiB"},
        {(1 << 20) - 1, "1.00 MiB"},
        {1048064, "1.00 MiB"},
        {1047040, "1023 KiB"},
        {INT64_C(256) << 30, "256 GiB"},
        {INT64_C(23193642000000000), "20.6 PiB"},
        {INT64_MAX, "8.00 EiB"},
        {-4096, "-4 KiB"},
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_string_equal(pcl_format_size(cases[i].bytes, buf, sizeof buf), cases[i].text);
}

static void counts_have_three_digits(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0, "0"},         {-0.0, "0"},        {12, "12"},         {999, "999"},
        {-7, "-7"},       {12.04, "12.0"},    {9.999, "10.0"},    {99.96, "100"},
        {999.4, "999"},   {999.6, "1.00k"},   {1000, "1.00k"},    {81234, "81.2k"},
        {9995, "10.0k"},  {999500, "1.00M"},  {2.5e9, "2.50G"},   {7e12, "7.00T"},
        {1e15, "1.00P"},  {9.2e18, "9.20E"},  {0.21, "0.210"},    {0.00123, "0.00123"},
        {0.9999, "1.00"}, {1e-9, "1.00e-09"}, {1e30, "1.00e+30"},
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_string_equal(pcl_format_count(cases[i].v, buf, sizeof buf), cases[i].text);
    assert_string_equal(pcl_format_count((double)INFINITY, buf, sizeof buf), "inf");
}

static void a_short_buffer_is_respected(void **state)
{
    char buf[4];

    (void)state;
    assert_string_equal(pcl_format_ns(18300, buf, sizeof buf), "18.");
    assert_string_equal(pcl_format_size(4096, buf, sizeof buf), "4 K");
    assert_string_equal(pcl_format_count(81234, buf, sizeof buf), "81.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_have_three_digits),
        cmocka_unit_test(whole_sizes_stay_whole),
        cmocka_unit_test(counts_have_three_digits),
        cmocka_unit_test(a_short_buffer_is_respected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
