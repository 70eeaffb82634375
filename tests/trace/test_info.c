/*
 * The report on a trace: narrow, plain, complete; and the same as JSON.
 */
#include "render.h"

#include <pclsim/trace_info.h>

#include <jansson.h>

#define SAMPLE PCLSIM_SOURCE_DIR "/workloads/traces/fio-falloc.strace.gz"

static char *info(const struct pcl_trace *t, bool json)
{
    char *out = NULL;
    size_t n;
    FILE *f = open_memstream(&out, &n);

    if (json)
        assert_int_equal(pcl_trace_info_json(f, t), PCL_OK);
    else
        pcl_trace_info_text(f, t);
    (void)fclose(f);
    return out;
}

static void check_columns(const char *text)
{
    size_t column = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '\n') {
            column = 0;
            continue;
        }
        if ((unsigned char)*p < 32 || (unsigned char)*p > 126)
            fail_msg("byte %d in:\n%s", *p, text);
        if (++column > 72)
            fail_msg("wide line in:\n%s", text);
    }
}

static void text_fits_72_columns_of_ascii(void **state)
{
    static const char odd[] =
        "1 pread64(3</\\303\\244/\\33[31m/\\n/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaa>, \"\", 1, 9223372036854775000) = 100\n"
        "1 fallocate(3</f>, 0, 0, 9223372036854775807) = 0\n"
        "1 fallocate(3</f>, 0, 0, 9223372036854775807) = 0\n"
        "1 fallocate(3</f>, 0, 0, 9223372036854775807) = 0\n";
    struct pcl_trace *t = parse_ok(odd, strlen(odd));
    char *text = info(t, false);

    (void)state;
    check_columns(text);
    assert_non_null(strstr(text, "8 EiB or more"));
    free(text);
    pcl_trace_free(t);
    assert_int_equal(pcl_trace_read(SAMPLE, &t, NULL), PCL_OK);
    text = info(t, false);
    check_columns(text);
    assert_non_null(strstr(text, "lines       3028 read, 2558 used, 470 skipped\n"));
    assert_non_null(strstr(text, "  287  call without a file\n"));
    assert_non_null(strstr(text, "threads     3 with operations (403 to 1097 each), 3 without\n"));
    assert_non_null(strstr(text, "     1326        3     created  /data/xfs/fiof\n"));
    assert_non_null(strstr(text, "waits for locks, page faults, writeback and readahead"));
    free(text);
    pcl_trace_free(t);
}

static void json_has_the_keys_that_are_promised(void **state)
{
    struct pcl_trace *t;
    char *text;
    json_t *j, *lines, *v;
    json_int_t skipped = 0;
    const char *key;

    (void)state;
    assert_int_equal(pcl_trace_read(SAMPLE, &t, NULL), PCL_OK);
    text = info(t, true);
    j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    lines = json_object_get(j, "lines");
    json_object_foreach(json_object_get(lines, "skipped"), key, v)
    {
        skipped += json_integer_value(v);
    }
    assert_string_equal(json_string_value(json_object_get(j, "format")), "strace");
    assert_string_equal(json_string_value(json_object_get(j, "sha256")), t->sha256);
    assert_int_equal(json_integer_value(json_object_get(lines, "read")), 3028);
    assert_int_equal(json_integer_value(json_object_get(lines, "used")), 2558);
    assert_int_equal(skipped, 470);
    assert_int_equal(json_integer_value(json_object_get(j, "ops")), 1903);
    assert_int_equal(json_integer_value(json_object_get(j, "threads")), 3);
    assert_int_equal(json_integer_value(json_object_get(j, "inodes")), 66);
    assert_int_equal(json_integer_value(json_object_get(j, "span_ns")), t->span_ns);
    v = json_object_get(json_object_get(j, "op_mix"), "allocate");
    assert_int_equal(json_integer_value(json_object_get(v, "bytes")), 2097152);
    assert_int_equal(json_array_size(json_object_get(j, "evidence")), 4);
    json_decref(j);
    free(text);
    pcl_trace_free(t);
}

static void large_integers_are_strings_and_odd_paths_are_escaped(void **state)
{
    static const char odd[] = "1 ftruncate(3</\\377>, 9223372036854775807) = 0\n"
                              "1 ftruncate(4</\\303\\244>, 9007199254740992) = 0\n";
    struct pcl_trace *t = parse_ok(odd, strlen(odd));
    char *text = info(t, true);
    json_t *j = json_loads(text, 0, NULL), *list, *a, *b;

    (void)state;
    assert_non_null(j);
    list = json_object_get(j, "busiest_inodes");
    a = json_array_get(list, 0);
    b = json_array_get(list, 1);
    assert_string_equal(json_string_value(json_object_get(a, "extent")), "9223372036854775807");
    assert_true(json_integer_value(json_object_get(b, "extent")) == 9007199254740992);
    assert_string_equal(json_string_value(json_object_get(a, "path")), "/\\377");
    assert_string_equal(json_string_value(json_object_get(b, "path")), "/\303\244");
    json_decref(j);
    free(text);
    pcl_trace_free(t);
}

static void a_trace_without_operations_is_reported(void **state)
{
    static const char text[] = "1 getpid() = 1\n";
    struct pcl_trace *t = parse_ok(text, strlen(text));
    char *out = info(t, false);

    (void)state;
    check_columns(out);
    assert_true(t->n_ops == 0 && t->n_threads == 0 && t->n_inodes == 0);
    free(out);
    out = info(t, true);
    free(out);
    pcl_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_fits_72_columns_of_ascii),
        cmocka_unit_test(json_has_the_keys_that_are_promised),
        cmocka_unit_test(large_integers_are_strings_and_odd_paths_are_escaped),
        cmocka_unit_test(a_trace_without_operations_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
