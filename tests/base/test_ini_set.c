/* Overrides from the command line: which entry is meant, and what an unclear one says. */
#include "cases.h"

#include <pclsim/ini.h>

static const char text[] = "[scenario]\n"
                           "seed = 1\n"
                           "threads = 4\n"
                           "[file hot]\n"
                           "size = 4k\n"
                           "[group hot]\n"
                           "think = 5us\n"
                           "[group cold]\n"
                           "think = 9us\n"
                           "mix = read:1\n"
                           "[v5.9]\n"
                           "page.unfairness = 5\n"
                           "page = handoff\n";

static struct pcl_ini *parsed(void)
{
    struct pcl_ini *ini = NULL;

    assert_int_equal(pcl_ini_parse("t.ini", text, strlen(text), &ini, NULL), PCL_OK);
    return ini;
}

static void an_override_finds_its_entry(void **state)
{
    static const struct {
        const char *set, *kind, *name, *key, *value;
    } cases[] = {
        {"seed=7", "scenario", "", "seed", "7"},
        {" scenario.seed = 7 ", "scenario", "", "seed", "7"},
        {"scenario.title=a = b", "scenario", "", "title", "a = b"}, /* a new key */
        {"scenario.empty=", "scenario", "", "empty", ""},
        {"mix=write:1", "group", "cold", "mix", "write:1"},
        {"cold.think=1us", "group", "cold", "think", "1us"},
        {"group cold.think=1us", "group", "cold", "think", "1us"},
        {"hot.think=1us", "group", "hot", "think", "1us"}, /* [file hot] has no think */
        {"hot.size=8k", "file", "hot", "size", "8k"},
        {"file.size=8k", "file", "hot", "size", "8k"}, /* the only file */
        {"file.cached=all", "file", "hot", "cached", "all"},
        {"page.unfairness=2", "v5.9", "", "page.unfairness", "2"},
        {"v5.9.page.unfairness=2", "v5.9", "", "page.unfairness", "2"},
        {"v5.9.page=bookmark", "v5.9", "", "page", "bookmark"},
        {"v5.9.imap=rwsem", "v5.9", "", "imap", "rwsem"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct pcl_ini *ini = parsed();
        struct pcl_ini_entry *e;
        struct pcl_err err;

        if (pcl_ini_set(ini, cases[i].set, &err) != PCL_OK)
            fail_msg("%s: %s", cases[i].set, err.msg);
        e = pcl_ini_entry(pcl_ini_section(ini, cases[i].kind, cases[i].name), cases[i].key);
        assert_non_null(e);
        assert_string_equal(e->value, cases[i].value);
        assert_int_equal(e->line, 0);
        pcl_ini_free(ini);
    }
}

static void a_second_override_replaces_the_first(void **state)
{
    struct pcl_ini *ini = parsed();
    struct pcl_ini_section *s = pcl_ini_section(ini, "scenario", NULL);

    (void)state;
    assert_int_equal(pcl_ini_set(ini, "scenario.title=a", NULL), PCL_OK);
    assert_int_equal(pcl_ini_set(ini, "title=b", NULL), PCL_OK);
    assert_int_equal(s->n_entries, 3);
    assert_string_equal(pcl_ini_entry(s, "title")->value, "b");
    assert_string_equal(pcl_ini_entry(s, "threads")->value, "4");
    pcl_ini_free(ini);
}

static void an_unclear_override_is_refused(void **state)
{
    static const struct {
        const char *set, *want;
    } cases[] = {
        {"seed", "pclsim: error: --set seed: want [section.]key=value\n"},
        {"=5", "pclsim: error: --set =5: want a key before '='\n"},
        {"seed=a\nb", "pclsim: error: --set seed: want text, found a control character\n"},
        {"sede=5", "pclsim: error: --set sede=5: no such key or section in t.ini\n"
                   "  did you mean 'seed'?\n"},
        {"volume=5", "pclsim: error: --set volume=5: no such key or section in t.ini\n"
                     "  a key that is not in the file needs its section: SECTION.volume=...\n"},
        {"scenaro.seed=5",
         "pclsim: error: --set scenaro.seed=5: no such key or section in t.ini\n"
         "  did you mean 'scenario.seed'?\n"},
        {"think=5us", "pclsim: error: --set think=5us: 2 sections of t.ini fit; say which: "
                      "'group hot.think'\n"},
        {"group.think=5us",
         "pclsim: error: --set group.think=5us: 2 sections of t.ini fit; say which: "
         "'group hot.think'\n"},
        {"hot.new=5", "pclsim: error: --set hot.new=5: 2 sections of t.ini fit; say which: "
                      "'file hot.new'\n"},
        {"scenario.=5", "pclsim: error: --set scenario.=5: no such key or section in t.ini\n"
                        "  did you mean 'scenario.'?\n"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct pcl_ini *ini = parsed();
        struct pcl_err err;

        assert_int_equal(pcl_ini_set(ini, cases[i].set, &err), PCL_EINVAL);
        assert_prints(&err, cases[i].want);
        assert_int_equal(pcl_ini_set(ini, cases[i].set, NULL), PCL_EINVAL);
        pcl_ini_free(ini);
    }
}

static void a_consumer_that_refuses_an_override_says_so(void **state)
{
    struct pcl_ini *ini = parsed();
    struct pcl_err err;

    (void)state;
    assert_int_equal(pcl_ini_set(ini, "seed=x", NULL), PCL_OK);
    (void)pcl_ini_fail(ini, pcl_ini_entry(&ini->section[0], "seed"), false, &err,
                       "seed: want a number, found 'x'");
    assert_prints(&err, "--set seed=x: error: seed: want a number, found 'x'\n");
    pcl_ini_free(ini);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_override_finds_its_entry),
        cmocka_unit_test(a_second_override_replaces_the_first),
        cmocka_unit_test(an_unclear_override_is_refused),
        cmocka_unit_test(a_consumer_that_refuses_an_override_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
