/* The strict INI form: what is read keeps its place, what is not in the form is refused there.
 */
#include "tmpdir.h"

#include <pclsim/ini.h>

static struct pcl_ini *parse(const char *text)
{
    struct pcl_ini *ini = NULL;
    struct pcl_err err;

    if (pcl_ini_parse("t.ini", text, strlen(text), &ini, &err) != PCL_OK)
        fail_msg("%s:%u:%u: %s", err.file, err.line, err.col, err.msg);
    return ini;
}

static void sections_keys_and_values_keep_their_places(void **state)
{
    struct pcl_ini *ini = parse("# a comment\n"
                                "\n"
                                "[scenario] ; one more\n"
                                "  title = Two words  # said here\n"
                                "empty =\n"
                                "hash=a#b;c\n"
                                "equals = a = b\n"
                                "[group writers]\n"
                                "\tthink_ns\t=\t5us\t; tabs\n"
                                "[ v5.9-rc1 ]\n"
                                "page.unfairness = 1");
    struct pcl_ini_section *s = pcl_ini_section(ini, "scenario", NULL);
    struct pcl_ini_entry *e;

    (void)state;
    assert_int_equal(ini->n_sections, 3);
    assert_int_equal(ini->n_lines, 11);
    assert_non_null(s);
    assert_string_equal(s->name, "");
    assert_int_equal(s->line, 3);
    assert_int_equal(s->col, 1);
    assert_int_equal(s->n_entries, 4);
    e = pcl_ini_entry(s, "title");
    assert_string_equal(e->value, "Two words");
    assert_int_equal(e->line, 4);
    assert_int_equal(e->key_col, 3);
    assert_int_equal(e->value_col, 11);
    assert_false(e->used);
    assert_string_equal(pcl_ini_entry(s, "empty")->value, "");
    assert_int_equal(pcl_ini_entry(s, "empty")->value_col, 8);
    assert_string_equal(pcl_ini_entry(s, "hash")->value, "a#b;c");
    assert_string_equal(pcl_ini_entry(s, "equals")->value, "a = b");

    s = pcl_ini_section(ini, "group", "writers");
    assert_non_null(s);
    e = pcl_ini_entry(s, "think_ns");
    assert_string_equal(e->value, "5us");
    assert_int_equal(e->key_col, 2);
    assert_int_equal(e->value_col, 13);
    s = pcl_ini_section(ini, "v5.9-rc1", "");
    assert_non_null(s);
    assert_string_equal(pcl_ini_entry(s, "page.unfairness")->value, "1");

    assert_null(pcl_ini_section(ini, "group", "readers"));
    assert_null(pcl_ini_section(ini, "Group", NULL));
    assert_null(pcl_ini_entry(s, "page"));
    pcl_ini_free(ini);
    pcl_ini_free(NULL);
}

static void same_key_in_two_sections_and_same_kind_with_two_names_are_fine(void **state)
{
    struct pcl_ini *ini = parse("[group a]\nkey = 1\n[group b]\nkey = 2\n[group]\nkey = 3\n");

    (void)state;
    assert_string_equal(pcl_ini_entry(pcl_ini_section(ini, "group", NULL), "key")->value, "1");
    assert_string_equal(pcl_ini_entry(pcl_ini_section(ini, "group", "b"), "key")->value, "2");
    assert_string_equal(pcl_ini_entry(pcl_ini_section(ini, "group", ""), "key")->value, "3");
    pcl_ini_free(ini);
}

static void windows_line_ends_and_a_byte_order_mark_are_no_matter(void **state)
{
    struct pcl_ini *ini = parse("\xef\xbb\xbf[a]\r\nkey = v\r\nother =\r\nlast = x\r");
    struct pcl_ini_section *s = pcl_ini_section(ini, "a", NULL);

    (void)state;
    assert_int_equal(s->col, 1);
    assert_string_equal(pcl_ini_entry(s, "key")->value, "v");
    assert_string_equal(pcl_ini_entry(s, "other")->value, "");
    assert_string_equal(pcl_ini_entry(s, "last")->value, "x");
    pcl_ini_free(ini);
}

static void text_beyond_ascii_is_kept(void **state)
{
    struct pcl_ini *ini = parse("[a]\ntitle = na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80\n");

    (void)state;
    assert_string_equal(pcl_ini_entry(pcl_ini_section(ini, "a", NULL), "title")->value,
                        "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80");
    pcl_ini_free(ini);
}

static void nothing_is_a_file_too(void **state)
{
    static const char *const empty[] = {"",         "\n",           "\n\n",
                                        "# only\n", "\xef\xbb\xbf", "   \n\t\r\n"};

    (void)state;
    for (size_t i = 0; i < LENGTH(empty); i++) {
        struct pcl_ini *ini = parse(empty[i]);

        assert_int_equal(ini->n_sections, 0);
        pcl_ini_free(ini);
    }
}

/* Lines have no limit, and many keys do not take quadratic time. */
static void large_files_are_read(void **state)
{
    const size_t n_long = 1 << 20, n_keys = 200000;
    char *text = malloc(n_long + n_keys * 24), *at = text;
    struct pcl_ini *ini;

    (void)state;
    assert_non_null(text);
    at += sprintf(at, "[a]\nlong = ");
    memset(at, 'x', n_long);
    at += n_long;
    at += sprintf(at, "\n");
    for (size_t i = 0; i < n_keys; i++)
        at += sprintf(at, "key%zu = 1\n", i);
    ini = parse(text);
    assert_int_equal(strlen(ini->section[0].entry[0].value), n_long);
    assert_int_equal(ini->section[0].n_entries, n_keys + 1);
    pcl_ini_free(ini);
    free(text);
}

struct refusal {
    const char *text, *want;
};

static const struct refusal refusals[] = {
    {"key = 1\n", "t.ini:1:1: error: want a [section] before the first key\n"
                  "    1 | key = 1\n"
                  "      | ^\n"},
    {"[a]\nword\n", "t.ini:2:1: error: want [section] or key = value, found 'word'\n"
                    "    2 | word\n"
                    "      | ^\n"},
    {"[a]\n  word # x\n", "t.ini:2:3: error: want [section] or key = value, found 'word'\n"
                          "    2 |   word # x\n"
                          "      |   ^\n"},
    {"[a]\n = 5\n", "t.ini:2:2: error: want a key before '='\n"
                    "    2 |  = 5\n"
                    "      |  ^\n"},
    {"[a]\nthink ns = 5\n", "t.ini:2:6: error: want key = value, found ' ' in the key\n"
                            "    2 | think ns = 5\n"
                            "      |      ^\n"},
    {"[a]\nthi\"nk = 5\n", "t.ini:2:4: error: want key = value, found '\"' in the key\n"
                           "    2 | thi\"nk = 5\n"
                           "      |    ^\n"},
    {"[a]\nk = 1\nk = 2\n",
     "t.ini:3:1: error: key 'k' appears twice in its section, first in line 2\n"
     "    3 | k = 2\n"
     "      | ^\n"},
    {"[a]\n[b]\n\n[a]\n", "t.ini:4:1: error: section [a] appears twice, first in line 1\n"
                          "    4 | [a]\n"
                          "      | ^\n"},
    {"[a b]\n[ a   b ]\n", "t.ini:2:1: error: section [a b] appears twice, first in line 1\n"
                           "    2 | [ a   b ]\n"
                           "      | ^\n"},
    {"[a\n", "t.ini:1:3: error: want ']' at the end of the section\n"
             "    1 | [a\n"
             "      |   ^\n"},
    {"[", "t.ini:1:2: error: want ']' at the end of the section\n"
          "    1 | [\n"
          "      |  ^\n"},
    {"[]", "t.ini:1:2: error: want the name of a section, found ']'\n"
           "    1 | []\n"
           "      |  ^\n"},
    {"[  ]", "t.ini:1:4: error: want the name of a section, found ']'\n"
             "    1 | [  ]\n"
             "      |    ^\n"},
    {"[a] b = c\n", "t.ini:1:4: error: want nothing after ']', found 'b = c'\n"
                    "    1 | [a] b = c\n"
                    "      |    ^\n"},
    {"[a b c]\n", "t.ini:1:6: error: want [kind name] with one name, found a third word\n"
                  "    1 | [a b c]\n"
                  "      |      ^\n"},
    {"[[a]]\n", "t.ini:1:1: error: want one pair of brackets around a section\n"
                "    1 | [[a]]\n"
                "      | ^\n"},
    {"[a]\nk = \x01\n", "t.ini:2:5: error: want text, found the control character 0x01\n"
                        "    2 | k =  \n"
                        "      |     ^\n"},
    {"[a]\nk = a\rb\n", "t.ini:2:6: error: want text, found the control character 0x0d\n"
                        "    2 | k = a b\n"
                        "      |      ^\n"},
    {"[a]\nk = \x7f", "t.ini:2:5: error: want text, found the control character 0x7f\n"
                      "    2 | k =  \n"
                      "      |     ^\n"},
    {"# \xc2\x80", "t.ini:1:3: error: want text, found the control character 0x80\n"
                   "    1 | #  \n"
                   "      |   ^\n"},
    {"# \xff", "t.ini:1:3: error: want UTF-8 text, found the byte 0xff\n"
               "    1 | # ?\n"
               "      |   ^\n"},
    {"# \xc0\xaf", "t.ini:1:3: error: want UTF-8 text, found the byte 0xc0\n"
                   "    1 | # ??\n"
                   "      |   ^\n"},
    {"# \xe0\x80\xaf", "t.ini:1:3: error: want UTF-8 text, found the byte 0xe0\n"
                       "    1 | # ???\n"
                       "      |   ^\n"},
    {"# \xed\xa0\x80", "t.ini:1:3: error: want UTF-8 text, found the byte 0xed\n"
                       "    1 | # ???\n"
                       "      |   ^\n"},
    {"# \xf4\x90\x80\x80", "t.ini:1:3: error: want UTF-8 text, found the byte 0xf4\n"
                           "    1 | # ????\n"
                           "      |   ^\n"},
    {"# \xe2(\xa1", "t.ini:1:3: error: want UTF-8 text, found the byte 0xe2\n"
                    "    1 | # ?(?\n"
                    "      |   ^\n"},
    {"# \xe2\x82", "t.ini:1:3: error: want UTF-8 text, found the byte 0xe2\n"
                   "    1 | # ??\n"
                   "      |   ^\n"},
};

static void each_fault_is_refused_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(refusals); i++) {
        struct pcl_ini *ini = NULL;
        struct pcl_err err;

        assert_int_equal(
            pcl_ini_parse("t.ini", refusals[i].text, strlen(refusals[i].text), &ini, &err),
            PCL_EINVAL);
        assert_prints(&err, refusals[i].want);
        assert_null(ini);
        assert_int_equal(
            pcl_ini_parse("t.ini", refusals[i].text, strlen(refusals[i].text), &ini, NULL),
            PCL_EINVAL);
    }
}

static void a_zero_byte_is_no_text(void **state)
{
    struct pcl_ini *ini = NULL;
    struct pcl_err err;

    (void)state;
    assert_int_equal(pcl_ini_parse("t.ini", "[a]\nk\0 = 1\n", 11, &ini, &err), PCL_EINVAL);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.col, 2);
    assert_string_equal(err.msg, "want text, found the control character 0x00");
}

static void a_consumer_fails_at_the_key_or_the_value(void **state)
{
    struct pcl_ini *ini = parse("[a]\nthink = -5 # no\n");
    struct pcl_ini_entry *e = &ini->section[0].entry[0];
    struct pcl_err err;

    (void)state;
    assert_int_equal(
        pcl_ini_fail(ini, e, false, &err, "think: want 0 or more, found %s", e->value),
        PCL_EINVAL);
    assert_prints(&err, "t.ini:2:9: error: think: want 0 or more, found -5\n"
                        "    2 | think = -5 # no\n"
                        "      |         ^\n");
    assert_int_equal(pcl_ini_fail(ini, e, true, &err, "no key '%s' here", e->key), PCL_EINVAL);
    assert_prints(&err, "t.ini:2:1: error: no key 'think' here\n"
                        "    2 | think = -5 # no\n"
                        "      | ^\n");
    assert_int_equal(pcl_ini_fail(ini, e, true, NULL, "x"), PCL_EINVAL);
    pcl_ini_free(ini);
}

static void a_file_is_loaded_or_its_fault_named(void **state)
{
    char dir[] = "/tmp/pclsim-test-XXXXXX", path[512];
    struct pcl_ini *ini;
    struct pcl_err err;

    (void)state;
    assert_non_null(mkdtemp(dir));
    tmp_write(dir, "x.ini", "[a]\nk = v\n", 10);
    assert_int_equal(pcl_ini_load(tmp_path(path, sizeof path, dir, "x.ini"), &ini, &err),
                     PCL_OK);
    assert_string_equal(ini->file, path);
    pcl_ini_free(ini);
    assert_int_equal(pcl_ini_load(tmp_path(path, sizeof path, dir, "y.ini"), &ini, &err),
                     PCL_ENOENT);
    tmp_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_keys_and_values_keep_their_places),
        cmocka_unit_test(same_key_in_two_sections_and_same_kind_with_two_names_are_fine),
        cmocka_unit_test(windows_line_ends_and_a_byte_order_mark_are_no_matter),
        cmocka_unit_test(text_beyond_ascii_is_kept),
        cmocka_unit_test(nothing_is_a_file_too),
        cmocka_unit_test(large_files_are_read),
        cmocka_unit_test(each_fault_is_refused_where_it_is),
        cmocka_unit_test(a_zero_byte_is_no_text),
        cmocka_unit_test(a_consumer_fails_at_the_key_or_the_value),
        cmocka_unit_test(a_file_is_loaded_or_its_fault_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
