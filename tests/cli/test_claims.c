/*
 * Claims from the outside: a verdict is a result whatever it is, and --json has the agreed
 * form.
 */
#include "command.h"

#include <jansson.h>
#include <stdlib.h>

static struct said s;

/* The tiny scenario, stating something that it shows, and something that it does not. */
static const char claim[] = "\n[claim]\n"
                            "id = T1\n"
                            "proposition = two readers of cached pages do work\n"
                            "quick_reps = 2\n"
                            "reps = 3\n"
                            "expect.works = throughput(v5.9) > 0\n";

static void write_claim(const char *name, const char *more)
{
    char text[2048];

    (void)snprintf(text, sizeof(text), "%s%s%s", tiny_scenario, claim, more);
    write_text(name, text);
}

static void a_true_claim(void **state)
{
    (void)state;
    write_claim("true.ini", "");
    pclsim(&s, "claims", "./true.ini", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "T1 true");
    assert_says(s.out, "two readers");
}

static void a_false_claim_is_no_failure(void **state)
{
    (void)state;
    write_claim("false.ini", "expect.stands-still = throughput(v5.8) < 1\n");
    pclsim(&s, "claims", "./false.ini", "--quick", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "T1 false");
}

static void json_has_the_agreed_form(void **state)
{
    json_error_t error;
    json_t *d, *c, *figures;

    (void)state;
    write_claim("json.ini", "");
    pclsim(&s, "claims", "./json.ini", "--json", NULL);
    assert_code(&s, 0);
    d = json_loads(s.out, 0, &error);
    assert_true(json_is_array(d));
    assert_int_equal(json_array_size(d), 1);
    c = json_array_get(d, 0);
    figures = json_object_get(c, "figures");
    assert_string_equal(json_string_value(json_object_get(c, "id")), "T1");
    assert_string_equal(json_string_value(json_object_get(c, "verdict")), "true");
    assert_non_null(json_string_value(json_object_get(c, "proposition")));
    assert_non_null(json_string_value(json_object_get(figures, "works")));
    json_decref(d);
}

static void a_scenario_without_a_claim_is_wrong_input(void **state)
{
    (void)state;
    pclsim(&s, "claims", "./tiny.ini", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "[claim]");
}

static void claims_are_stored_and_reused(void **state)
{
    (void)state;
    write_claim("stored.ini", "");
    pclsim(&s, "claims", "./stored.ini", "--db", "claims.db", NULL);
    assert_code(&s, 0);
    pclsim(&s, "compare", "claims.db", NULL);
    assert_code(&s, 0);
    pclsim(&s, "claims", "./stored.ini", "--db", "claims.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "T1 true");
}

static int end(void **state)
{
    forget(&s);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_claim),
        cmocka_unit_test(a_false_claim_is_no_failure),
        cmocka_unit_test(json_has_the_agreed_form),
        cmocka_unit_test(a_scenario_without_a_claim_is_wrong_input),
        cmocka_unit_test(claims_are_stored_and_reused),
    };

    return cmocka_run_group_tests(tests, make_folder, end);
}
