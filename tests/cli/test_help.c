/*
 * What the command says of itself: verbs, options, version, and what was probably meant.
 */
#include "command.h"

#include <stdlib.h>

static const char *const verbs[] = {"run",     "compare",   "plot",     "claims", "trace",
                                    "schemes", "workloads", "machines", "help"};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static struct said s, t;

static void every_verb_is_listed_and_has_help(void **state)
{
    char usage[64];

    (void)state;
    pclsim(&t, "help", NULL);
    assert_code(&t, 0);
    for (size_t i = 0; i < N_VERBS; i++) {
        assert_says(t.out, verbs[i]);
        pclsim(&s, verbs[i], "--help", NULL);
        assert_code(&s, 0);
        (void)snprintf(usage, sizeof(usage), "usage: pclsim %s ", verbs[i]);
        assert_says(s.out, usage);
        assert_string_equal(s.err, "");
    }
}

/* The words of options="..." for a verb in the completion. */
static char *options_of(const char *completion, const char *verb)
{
    char begin[64], *words;
    const char *at;

    (void)snprintf(begin, sizeof(begin), "            %s) options=\"", verb);
    at = strstr(completion, begin);
    assert_non_null(at);
    at += strlen(begin);
    words = strndup(at, strcspn(at, "\""));
    assert_non_null(words);
    return words;
}

static void help_and_manual_name_every_option(void **state)
{
    struct said completion = {0};
    char in_man[64];

    (void)state;
    pclsim(&completion, "help", "--completion", NULL);
    assert_code(&completion, 0);
    for (size_t i = 0; i < N_VERBS; i++) {
        char *words = options_of(completion.out, verbs[i]), *rest = NULL;

        pclsim(&s, "help", verbs[i], NULL);
        pclsim(&t, "help", "--man", verbs[i], NULL);
        assert_code(&t, 0);
        for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
            assert_says(s.out, w);
            (void)snprintf(in_man, sizeof(in_man), "Fl \\-%s", w + 2);
            assert_says(t.out, in_man);
        }
        free(words);
    }
    forget(&completion);
}

static void help_fits_80_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VERBS; i++) {
        char *rest = NULL;

        pclsim(&s, "help", verbs[i], NULL);
        for (char *l = strtok_r(s.out, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest))
            if (strlen(l) > 80)
                fail_msg("pclsim help %s: a line of %zu columns: %s", verbs[i], strlen(l), l);
    }
}

static void version_names_what_it_was_built_from(void **state)
{
    (void)state;
    pclsim(&s, "--version", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "pclsim ");
    assert_says(s.out, "git revision");
    assert_says(s.out, "compiler");
    assert_says(s.out, "GSL");
    assert_says(s.out, "SQLite");
    assert_says(s.out, "store schema");
}

static void unknown_verb_gets_a_suggestion(void **state)
{
    (void)state;
    pclsim(&s, "comprae", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "did you mean 'compare'?");
    assert_string_equal(s.out, "");
    pclsim(&s, "frobnicate", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "frobnicate");
}

static void no_verb_is_wrong_usage(void **state)
{
    static const char *const words[] = {NULL};

    (void)state;
    pclsim_v(&s, TO_MEMORY, words);
    assert_code(&s, 1);
    assert_says(s.err, "usage: pclsim VERB");
}

static void misspelt_options_get_a_suggestion(void **state)
{
    (void)state;
    pclsim(&s, "run", "--shceme", "v5.9", "tiny.ini", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "did you mean --scheme?");
    pclsim(&s, "run", "--mashine=laptop", "tiny.ini", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "did you mean --machine?");
    pclsim(&s, "schemes", "-x", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "no option -x");
}

static void option_values_are_checked(void **state)
{
    static const struct {
        const char *option, *value, *says;
    } cases[] = {
        {"--reps", "0", "from 1 to"},
        {"--reps", "-1", "from 1 to"},
        {"--reps", "ten", "found 'ten'"},
        {"--reps", "99999999999999999999", "found '99999999999999999999'"},
        {"--seed", "1.5", "found '1.5'"},
        {"--jobs", "0", "from 1 to"},
        {"--fs", "btrfs", "xfs|ext4|tmpfs|page-only|ext4-half-shared|ext4-exclusive-dio"},
        {"--format", "xml", "table|json"},
        {"--scheme", "v5.8,,v5.9", "empty entry"},
        {"--db", "", "found nothing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pclsim(&s, "run", "tiny.ini", cases[i].option, cases[i].value, NULL);
        assert_code(&s, 1);
        assert_says(s.err, cases[i].says);
        assert_says(s.err, "pclsim run --help");
    }
    pclsim(&s, "run", "tiny.ini", "--reps", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--reps: want N");
    pclsim(&s, "run", "tiny.ini", "--json=yes", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--json takes no value");
}

static void operands_are_counted(void **state)
{
    (void)state;
    pclsim(&s, "run", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "want a FILE");
    pclsim(&s, "compare", "a.db", "b.db", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "'b.db' is one argument too many");
    pclsim(&s, "plot", "a.db", "--script", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "-o FILE");
    pclsim(&s, "schemes", "v5.9", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "show NAME");
}

static int end(void **state)
{
    forget(&s);
    forget(&t);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_is_listed_and_has_help),
        cmocka_unit_test(help_and_manual_name_every_option),
        cmocka_unit_test(help_fits_80_columns),
        cmocka_unit_test(version_names_what_it_was_built_from),
        cmocka_unit_test(unknown_verb_gets_a_suggestion),
        cmocka_unit_test(no_verb_is_wrong_usage),
        cmocka_unit_test(misspelt_options_get_a_suggestion),
        cmocka_unit_test(option_values_are_checked),
        cmocka_unit_test(operands_are_counted),
    };

    return cmocka_run_group_tests(tests, make_folder, end);
}
