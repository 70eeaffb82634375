/*
 * Distributions in text: what is accepted, what is refused and why, and that writing and
 * reading are inverses of each other.
 */
#include "stat.h"

#include <string.h>

#define MAX INT64_MAX

static void accepted_forms_mean_what_they_say(void **unused)
{
    static const struct {
        const char *text;
        bool is_time;
        struct pcl_dist want;
        const char *canonical;
    } cases[] = {
        {"5us", true, {PCL_DIST_CONST, 5000, 0, 0}, "5us"},
        {"0", true, {PCL_DIST_CONST, 0, 0, 0}, "0"},
        {"1.5us", true, {PCL_DIST_CONST, 1500, 0, 0}, "1500ns"},
        {"60s", true, {PCL_DIST_CONST, 60000000000, 0, 0}, "60s"},
        {"1m", true, {PCL_DIST_CONST, 60000000000, 0, 0}, "60s"},
        {"2us-8us", true, {PCL_DIST_UNIFORM, 2000, 8000, 0}, "2us-8us"},
        {"0-1ms", true, {PCL_DIST_UNIFORM, 0, 1000000, 0}, "0-1ms"},
        {"3us-3us", true, {PCL_DIST_UNIFORM, 3000, 3000, 0}, "3us-3us"},
        {"uniform:2us-8us", true, {PCL_DIST_UNIFORM, 2000, 8000, 0}, "2us-8us"},
        {"exp:5us", true, {PCL_DIST_EXP, 5000, 0, 0}, "exp:5us"},
        {"lognormal:80us,50%", true, {PCL_DIST_LOGNORMAL, 80000, 0, 0.5}, "lognormal:80us,50%"},
        {"lognormal:80us,1.5",
         true,
         {PCL_DIST_LOGNORMAL, 80000, 0, 1.5},
         "lognormal:80us,150%"},
        {"lognormal:1s,0", true, {PCL_DIST_LOGNORMAL, 1000000000, 0, 0}, "lognormal:1s,0%"},
        {"const:4k", false, {PCL_DIST_CONST, 4096, 0, 0}, "4k"},
        {"4096", false, {PCL_DIST_CONST, 4096, 0, 0}, "4k"},
        {"1000", false, {PCL_DIST_CONST, 1000, 0, 0}, "1000"},
        {"max", false, {PCL_DIST_CONST, MAX, 0, 0}, "9223372036854775807"},
        {"7E", false, {PCL_DIST_CONST, INT64_C(7) << 60, 0, 0}, "7E"},
        {"4k-16k", false, {PCL_DIST_UNIFORM, 4096, 16384, 0}, "4k-16k"},
        {"uniform:4k-1G", false, {PCL_DIST_UNIFORM, 4096, 1 << 30, 0}, "4k-1G"},
        {"0-max", false, {PCL_DIST_UNIFORM, 0, MAX, 0}, "0-9223372036854775807"},
        {"exp:64k", false, {PCL_DIST_EXP, 65536, 0, 0}, "exp:64k"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pcl_dist d, again;
        const char *why = "";
        char text[128];

        print_message("%s\n", cases[i].text);
        if (pcl_dist_parse(cases[i].text, cases[i].is_time, &d, &why) != PCL_OK)
            fail_msg("refused: %s", why);
        assert_int_equal(d.kind, cases[i].want.kind);
        assert_int_equal(d.a, cases[i].want.a);
        assert_int_equal(d.b, cases[i].want.b);
        assert_near(d.s, cases[i].want.s, 0);
        assert_string_equal(pcl_dist_format(&d, cases[i].is_time, text, sizeof(text)),
                            cases[i].canonical);
        assert_int_equal(pcl_dist_parse(text, cases[i].is_time, &again, NULL), PCL_OK);
        assert_memory_equal(&again, &d, sizeof(d));
    }
}

static void refused_forms_say_why(void **unused)
{
    static const struct {
        const char *text;
        bool is_time;
        const char *why; /* a part of it */
    } cases[] = {
        {"", true, "want a time"},
        {"", false, "want a size"},
        {"5", true, "unit"},
        {"-5us", true, "0 or more"},
        {"-4k", false, "0 or more"},
        {"5us-", true, "want a time"},
        {"-", true, "want a time"},
        {"-5us-8us", true, "0 or more"},
        {"2us--8us", true, "0 or more"},
        {"2us-4us-8us", true, "want a time"},
        {"8us-2us", true, "ends before it starts"},
        {"16k-4k", false, "ends before it starts"},
        {"uniform:4k", false, "want a range such as 4k-16k"},
        {"uniform:5us", true, "want a range such as 2us-8us"},
        {"uniform:", true, "want a range"},
        {"const:2us-8us", true, "want a time"},
        {"exp:", true, "want a time"},
        {"exp:0", true, "mean above 0"},
        {"exp:-5us", true, "0 or more"},
        {"exp:2us-8us", true, "want a time"},
        {"exp: 5us", true, "want a time"},
        {"exp", true, "want a time"},
        {"gauss:5us", true, "want a distribution"},
        {"EXP:5us", true, "want a distribution"},
        {":5us", true, "want a distribution"},
        {"a-b:5us", true, "want a distribution"},
        {"lognormal:80us", true, "lognormal:MEAN,CV"},
        {"lognormal:80us,", true, "coefficient"},
        {"lognormal:80us,-5%", true, "coefficient"},
        {"lognormal:80us,50%,", true, "coefficient"},
        {"lognormal:80us,nan", true, "coefficient"},
        {"lognormal:80us,1e7", true, "coefficient"},
        {"lognormal:,50%", true, "want a time"},
        {"lognormal:0,50%", true, "mean above 0"},
        {"99999999999999999999s", true, "292 years"},
        {"8E", false, "2^63"},
        {"0000000000000000000000000000000000000000000000000000000000000000005us", true,
         "want a time"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pcl_dist d = {PCL_DIST_CONST, -77, 0, 0};
        const char *why = NULL;

        assert_int_equal(pcl_dist_parse(cases[i].text, cases[i].is_time, &d, &why), PCL_EINVAL);
        assert_int_equal(pcl_dist_parse(cases[i].text, cases[i].is_time, &d, NULL), PCL_EINVAL);
        assert_int_equal(d.a, -77);
        assert_non_null(why);
        if (!strstr(why, cases[i].why))
            fail_msg("\"%s\": %s; expected ... %s ...", cases[i].text, why, cases[i].why);
    }
}

static void whatever_is_written_is_read_back(void **unused)
{
    struct pcl_stream s = pcl_stream(1, 0, 0, PCL_DRAW_PICK);

    (void)unused;
    for (uint64_t i = 0; i < 20000; i++) {
        bool is_time = i & 1;
        struct pcl_dist d = {0}, back;
        char text[160];

        d.kind = (enum pcl_dist_kind)(i / 2 % 4);
        d.a = (int64_t)(pcl_bits(s, i, 0) >> (1 + i % 60)) + 1;
        if (d.kind == PCL_DIST_UNIFORM)
            d.b = d.a + (int64_t)pcl_below(s, i, 1, (uint64_t)(INT64_MAX - d.a) + 1);
        if (d.kind == PCL_DIST_LOGNORMAL) /* any double, and round ones */
            d.s = i % 3 ? unit(pcl_bits(s, i, 2)) * 10
                        : (double)pcl_below(s, i, 2, 100000) / 1000;
        assert_int_equal(pcl_dist_parse(pcl_dist_format(&d, is_time, text, sizeof(text)),
                                        is_time, &back, NULL),
                         PCL_OK);
        assert_int_equal(back.kind, d.kind);
        assert_int_equal(back.a, d.a);
        assert_int_equal(back.b, d.b);
        assert_near(back.s, d.s, 0);
    }
}

static void a_short_buffer_cuts_but_holds(void **unused)
{
    struct pcl_dist d = {PCL_DIST_LOGNORMAL, 80000, 0, 0.5};
    char text[8];

    (void)unused;
    assert_string_equal(pcl_dist_format(&d, true, text, sizeof(text)), "lognorm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_forms_mean_what_they_say),
        cmocka_unit_test(refused_forms_say_why),
        cmocka_unit_test(whatever_is_written_is_read_back),
        cmocka_unit_test(a_short_buffer_cuts_but_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
