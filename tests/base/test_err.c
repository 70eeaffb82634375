/* Messages: their form, the caret under tabs, wide text and long lines, and "did you mean". */
#include "cases.h"

static void a_message_shows_its_place_and_a_caret(void **state)
{
    struct pcl_err err;

    (void)state;
    assert_int_equal(pcl_fail_at(&err, "mine.ini", 14, 15, "mix: found '%s'", "punch"),
                     PCL_EINVAL);
    pcl_err_source(&err, "mix = read:70 punch", 19);
    assert_int_equal(pcl_hint(&err, "did you mean '%s'?", "punch:30"), PCL_EINVAL);
    assert_prints(&err, "mine.ini:14:15: error: mix: found 'punch'\n"
                        "   14 | mix = read:70 punch\n"
                        "      |               ^ did you mean 'punch:30'?\n");
}

static void what_is_unknown_is_left_out(void **state)
{
    struct pcl_err err;

    (void)state;
    assert_int_equal(pcl_fail(&err, PCL_EIO, "disk full"), PCL_EIO);
    assert_prints(&err, "pclsim: error: disk full\n");
    (void)pcl_hint(&err, "free some");
    assert_prints(&err, "pclsim: error: disk full\n  free some\n");
    (void)pcl_fail_at(&err, "a.ini", 0, 0, "empty");
    assert_prints(&err, "a.ini: error: empty\n");
    (void)pcl_fail_at(&err, "a.ini", 3, 0, "odd");
    pcl_err_source(&err, "x", 1);
    assert_prints(&err, "a.ini:3: error: odd\n    3 | x\n");
    (void)pcl_hint(&err, "remove it");
    assert_prints(&err, "a.ini:3: error: odd\n    3 | x\n      | remove it\n");
}

static void a_later_message_leaves_nothing_of_the_first(void **state)
{
    struct pcl_err err;

    (void)state;
    (void)pcl_fail_at(&err, "a.ini", 3, 2, "first");
    pcl_err_source(&err, "line", 4);
    (void)pcl_hint(&err, "hint");
    (void)pcl_fail(&err, PCL_EFAIL, "second");
    assert_prints(&err, "pclsim: error: second\n");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(pcl_fail(NULL, PCL_ENOENT, "x"), PCL_ENOENT);
    assert_int_equal(pcl_fail_at(NULL, "f", 1, 1, "x"), PCL_EINVAL);
    assert_int_equal(pcl_hint(NULL, "x"), PCL_EINVAL);
    pcl_err_source(NULL, "x", 1);
}

static void the_caret_lines_up_under_tabs_and_wide_text(void **state)
{
    static const char line[] = "\tna\xc3\xafve = x";
    struct pcl_err err;

    (void)state;
    (void)pcl_fail_at(&err, "f", 1, 11, "no");
    pcl_err_source(&err, line, sizeof line - 1);
    assert_prints(&err, "f:1:11: error: no\n"
                        "    1 | \tna\xc3\xafve = x\n"
                        "      | \t        ^\n");
}

static void bytes_that_are_no_text_do_not_reach_the_terminal(void **state)
{
    struct pcl_err err;

    (void)state;
    (void)pcl_fail_at(&err, "f", 1, 2, "no");
    pcl_err_source(&err, "a\x1b[\xff\x7f", 5);
    assert_string_equal(err.text, "a [? ");
}

static void a_long_line_is_shown_around_the_column(void **state)
{
    struct pcl_err err;
    char line[2000];

    (void)state;
    memset(line, 'a', sizeof line);
    for (unsigned col = 1; col <= sizeof line; col++) {
        line[col - 1] = 'X';
        (void)pcl_fail_at(&err, "f", 1, col, "no");
        pcl_err_source(&err, line, sizeof line);
        line[col - 1] = 'a';
        assert_true(err.caret >= 1 && err.caret <= strlen(err.text));
        assert_int_equal(err.text[err.caret - 1], 'X');
    }
    /* behind the last character: where something is missing */
    (void)pcl_fail_at(&err, "f", 1, sizeof line + 1, "no");
    pcl_err_source(&err, line, sizeof line);
    assert_int_equal(err.caret, strlen(err.text) + 1);
    /* only wide characters: the window begins and ends between two of them */
    for (size_t i = 0; i < sizeof line; i++)
        line[i] = i % 2 ? '\xaf' : '\xc3';
    for (unsigned col = 1001; col < 1005; col++) {
        (void)pcl_fail_at(&err, "f", 1, col, "no");
        pcl_err_source(&err, line, sizeof line);
        assert_null(strchr(err.text, '?'));
        assert_int_equal(strlen(err.text) % 2, 1); /* "..." and pairs */
    }
}

static void near_words_are_suggested(void **state)
{
    static const char *const names[] = {"invalidate",   "iolock", "ilock", "imap",
                                        "mapping-tree", "page",   "mmap"};
    static const struct {
        const char *word, *want;
    } cases[] = {
        {"pgae", "page"},
        {"page", "page"},
        {"PAGE", "page"},
        {"mapping_tree", "mapping-tree"},
        {"invaldate", "invalidate"},
        {"inval", "invalidate"},
        {"i", NULL},
        {"iolok", "iolock"},
        {"xyz", NULL},
        {"", NULL},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *got = pcl_nearest(cases[i].word, names, LENGTH(names));

        if (!cases[i].want)
            assert_null(got);
        else
            assert_string_equal(got, cases[i].want);
    }
    assert_null(pcl_nearest("page", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_shows_its_place_and_a_caret),
        cmocka_unit_test(what_is_unknown_is_left_out),
        cmocka_unit_test(a_later_message_leaves_nothing_of_the_first),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(the_caret_lines_up_under_tabs_and_wide_text),
        cmocka_unit_test(bytes_that_are_no_text_do_not_reach_the_terminal),
        cmocka_unit_test(a_long_line_is_shown_around_the_column),
        cmocka_unit_test(near_words_are_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
