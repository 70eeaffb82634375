/*
 * Every --json is one document that a strict parser takes, and holds what is promised.
 */
#include "command.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct said s;

/* Runs, and parses all of what was printed. */
static json_t *document(const char *const *words, int code)
{
    json_error_t error;
    json_t *d;

    pclsim_v(&s, TO_MEMORY, words);
    assert_code(&s, code);
    assert_null(strstr(s.out, "NaN"));
    assert_null(strstr(s.out, "nfinity"));
    d = json_loads(s.out, JSON_REJECT_DUPLICATES, &error);
    if (!d)
        fail_msg("line %d: %s\n%s", error.line, error.text, s.out);
    return d;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    if (!text)
        fail_msg("no text '%s'", key);
    return text;
}

/* The entry of an array of objects whose key has this value. */
static const json_t *entry_of(const json_t *array, const char *key, const char *value)
{
    size_t i;
    const json_t *o;

    json_array_foreach(array, i, o)
    {
        const char *text = json_string_value(json_object_get(o, key));

        if (text && strcmp(text, value) == 0)
            return o;
    }
    fail_msg("no entry with %s '%s'", key, value);
    return NULL;
}

static void schemes_name_a_lock_for_each_role(void **state)
{
    static const char *const words[] = {"schemes", "--json", NULL};
    static const char *const names[] = {"v5.8", "v5.9-rc1", "v5.9", "page-only", "range-tree"};
    json_t *d = document(words, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *scheme = entry_of(d, "name", names[i]);
        const json_t *page = json_object_get(json_object_get(scheme, "roles"), "page");

        assert_non_null(page);
        (void)text_of(page, "lock");
        (void)text_of(scheme, "file");
    }
    json_decref(d);
}

static void locks_have_properties_and_sources(void **state)
{
    static const char *const words[] = {"schemes", "--locks", "--json", NULL};
    json_t *d = document(words, 0);
    size_t i;
    const json_t *lock;

    (void)state;
    (void)entry_of(d, "name", "handoff");
    (void)entry_of(d, "name", "interval-tree");
    json_array_foreach(d, i, lock)
    {
        assert_true(*text_of(lock, "summary"));
        assert_true(*text_of(lock, "source"));
        (void)text_of(lock, "properties");
        assert_true(json_is_array(json_object_get(lock, "parameters")));
    }
    json_decref(d);
}

static void machines_have_constants_with_sources(void **state)
{
    static const char *const words[] = {"machines", "show", "server-2s", "--json", NULL};
    static const char *const list[] = {"machines", "--json", NULL};
    json_t *d = document(words, 0);
    const json_t *c;
    size_t i;

    (void)state;
    assert_true(json_array_size(json_object_get(d, "constants")) > 50);
    json_array_foreach(json_object_get(d, "constants"), i, c)
    {
        assert_true(*text_of(c, "name"));
        assert_true(*text_of(c, "source"));
    }
    json_decref(d);
    d = document(list, 0);
    (void)entry_of(d, "name", "server-2s");
    (void)entry_of(d, "name", "laptop");
    (void)entry_of(d, "name", "ideal");
    json_decref(d);
}

static void workloads_are_listed(void **state)
{
    static const char *const words[] = {"workloads", "--json", NULL};
    json_t *d = document(words, 0);

    (void)state;
    assert_string_equal(text_of(entry_of(d, "name", "hot-page"), "kind"), "scenario");
    assert_string_equal(text_of(entry_of(d, "name", "fio-falloc.strace.gz"), "kind"), "trace");
    assert_null(strstr(s.out, "README"));
    json_decref(d);
}

static void trace_info_accounts_for_every_line(void **state)
{
    static const char *const words[] = {"trace", "info", "fio-falloc.strace.gz", "--json",
                                        NULL};
    json_t *d = document(words, 0);
    json_t *lines = json_object_get(d, "lines"), *skip;
    json_int_t sum = json_integer_value(json_object_get(lines, "used"));
    const char *reason;

    (void)state;
    assert_true(sum > 0);
    json_object_foreach(json_object_get(lines, "skipped"), reason, skip) sum +=
        json_integer_value(skip);
    assert_int_equal(sum, json_integer_value(json_object_get(lines, "read")));
    assert_true(json_integer_value(json_object_get(d, "threads")) >= 2);
    assert_true(json_integer_value(json_object_get(d, "ops")) > 0);
    assert_true(json_integer_value(json_object_get(d, "inodes")) > 0);
    assert_true(json_integer_value(json_object_get(d, "span_ns")) > 0);
    json_decref(d);
}

static void a_run_has_all_its_replications(void **state)
{
    static const char *const words[] = {"run",    "tiny.ini", "--scheme", "v5.8,v5.9",
                                        "--reps", "3",        "--json",   NULL};
    json_t *d = document(words, 0);
    const json_t *runs = json_object_get(d, "runs"), *r, *m;
    size_t i, k;

    (void)state;
    assert_int_equal(json_array_size(runs), 6);
    json_array_foreach(runs, i, r)
    {
        assert_string_equal(text_of(r, "state"), "done");
        assert_int_equal(strlen(text_of(r, "fingerprint")), 16);
        assert_true(json_integer_value(json_object_get(r, "ops")) > 0);
        assert_true(json_array_size(json_object_get(r, "locks")) > 0);
        assert_true(json_array_size(json_object_get(r, "metrics")) > 0);
        json_array_foreach(json_object_get(r, "metrics"), k, m)
        {
            const json_t *value = json_object_get(m, "value");

            assert_true(json_is_number(value) || json_is_null(value));
        }
    }
    (void)entry_of(runs, "scheme", "v5.8");
    (void)entry_of(runs, "scheme", "v5.9");
    json_decref(d);
}

static void big_integers_are_strings(void **state)
{
    static const char *const words[] = {"run",    "tiny.ini", "--seed", "9007199254740993",
                                        "--json", NULL};
    json_t *d = document(words, 0);

    (void)state;
    assert_string_equal(text_of(d, "seed"), "9007199254740993");
    json_decref(d);
}

static void comparison_parses(void **state)
{
    static const char *const run[] = {"run", "tiny.ini", "--db", "json.db", "--json", NULL};
    static const char *const compare[] = {"compare", "json.db", "--json", NULL};

    (void)state;
    json_decref(document(run, 0));
    json_decref(document(compare, 0));
    pclsim(&s, "compare", "json.db", "--csv", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "v5.9");
}

static int end(void **state)
{
    forget(&s);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemes_name_a_lock_for_each_role),
        cmocka_unit_test(locks_have_properties_and_sources),
        cmocka_unit_test(machines_have_constants_with_sources),
        cmocka_unit_test(workloads_are_listed),
        cmocka_unit_test(trace_info_accounts_for_every_line),
        cmocka_unit_test(a_run_has_all_its_replications),
        cmocka_unit_test(big_integers_are_strings),
        cmocka_unit_test(comparison_parses),
    };

    return cmocka_run_group_tests(tests, make_folder, end);
}
