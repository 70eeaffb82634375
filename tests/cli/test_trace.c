/*
 * pclsim trace from the outside: its actions, their files and their complaints; and a recording's
 * measured locks beside the simulated ones.
 */
#include "command.h"

#include <stdlib.h>

static struct said s, t;

static void locks_are_a_table_for_mail(void **state)
{
    char *rest = NULL;

    (void)state;
    pclsim(&s, "trace", "locks", "fault-punch.trace-cmd.txt.gz", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "invalidate  X       23      11    55.55    107.0   37.26    107.0");
    for (char *l = strtok_r(s.out, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest))
        if (strlen(l) > 72)
            fail_msg("a line of %zu columns: %s", strlen(l), l);
    pclsim(&s, "trace", "locks", "fault-punch.trace-cmd.txt.gz", "--json", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "\"class\": \"invalidate\"");
    pclsim(&s, "trace", "locks", "fault-punch.trace-cmd.txt.gz", "--format", "perf-csv", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "20, 954000, 165000, 47700, rwsem:R, invalidate");
    pclsim(&s, "trace", "info", "cp.strace", "--format", "perf", NULL);
    assert_code(&s, 1);
    pclsim(&s, "trace", "locks", "cp.strace", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "no lock events");
}

static void a_converted_trace_runs_the_same(void **state)
{
    const char *a, *b;

    (void)state;
    pclsim(&s, "trace", "convert", "cp.strace", "--to", "binary", "-o", in_folder(0, "cp.trace"), NULL);
    assert_code(&s, 0);
    pclsim(&s, "run", "cp.strace", "--scheme", "v5.9", "--reps", "1", "--json", NULL);
    pclsim(&t, "run", in_folder(0, "cp.trace"), "--scheme", "v5.9", "--reps", "1", "--json", NULL);
    assert_code(&t, 0);
    a = strstr(s.out, "\"fingerprint\"");
    b = strstr(t.out, "\"fingerprint\"");
    assert_non_null(a);
    assert_non_null(b);
    assert_memory_equal(a, b, 33);
}

static void text_goes_to_standard_output(void **state)
{
    (void)state;
    pclsim(&s, "trace", "merge", "randrw.v2.iolog", "randrw.v3.iolog", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "pclsim trace 1 text\n");
    assert_says(s.out, "\nend 1012\n");
    pclsim(&s, "trace", "scale", "ops.fsx", "--threads", "3", "--files", "own", NULL);
    assert_says(s.out, "file\\040of\\040fsx\\040(copy\\0402)\n");
    assert_says(s.out, "\nend 45\n");
    pclsim(&s, "trace", "slice", "ops.fsx", "--from", "2us", "--until", "3us", NULL);
    assert_says(s.out, "\nend 2\n"); /* both faults of one mapread */
}

static void half_a_trace_never_passes_for_a_whole_one(void **state)
{
    (void)state;
    write_text("cut", "pclsim trace 1 text\nthread 0 1 1\nop 0 0 0 - syscall 0 0 -\n");
    pclsim(&s, "trace", "convert", in_folder(0, "cut"), NULL);
    assert_code(&s, 1);
    assert_says(s.err, "cut short or damaged at record 3");
    assert_says(s.out, "op 0 0 0 - syscall 0 0 -\n");
    assert_null(strstr(s.out, "end"));
}

static void mistakes_are_named(void **state)
{
    (void)state;
    pclsim(&s, "trace", "frob", "cp.strace", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "found 'frob'");
    pclsim(&s, "trace", "convert", "cp.strace", "ops.fsx", NULL);
    assert_code(&s, 1);
    pclsim(&s, "trace", "scale", "cp.strace", "--speed", "0", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--speed: want a factor above 0, found '0'");
    pclsim(&s, "trace", "slice", "cp.strace", "--from", "soon", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--from: ");
    pclsim(&s, "trace", "convert", "cp.strace", "-o", "/nowhere/x", NULL);
    assert_code(&s, 2);
    assert_says(s.err, "/nowhere/x");
    pclsim(&s, "trace", "convert", "hot-page", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "want a trace");
}

static void measured_beside_simulated(void **state)
{
    (void)state;
    pclsim(&s, "run", "fault-punch.trace-cmd.txt.gz", "--scheme", "v5.9", "--reps", "1",
           "--against-trace", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "measured by the recording, and simulated under v5.9");
    assert_says(s.out, "iolock       X    acquired               39          38      -2.6%");
    pclsim(&s, "run", "cp.strace", "--against-trace", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "has no lock events");
    pclsim(&s, "run", "hot-page", "--against-trace", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--against-trace is for traces");
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
        cmocka_unit_test(locks_are_a_table_for_mail),
        cmocka_unit_test(a_converted_trace_runs_the_same),
        cmocka_unit_test(text_goes_to_standard_output),
        cmocka_unit_test(half_a_trace_never_passes_for_a_whole_one),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(measured_beside_simulated),
    };

    return cmocka_run_group_tests(tests, make_folder, end);
}
