/*
 * Forms of the result beside table and JSON: lock statistics as the kernel and perf show them.
 */
#include "command.h"

#include <stdlib.h>

static struct said s, t;

static void lockstat_prints_every_run_under_its_name(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--scheme", "v5.8,v5.9", "--reps", "2", "--format",
           "lockstat", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "scheme v5.8, replication 0\nlock_stat version 0.4\n-----");
    assert_says(s.out, "scheme v5.9, replication 1\nlock_stat version 0.4\n-----");
    assert_says(s.out, "class name    con-bounces    contentions   waittime-min");
    assert_says(s.out, " iolock-R:");
}

static void perf_prints_contended_locks(void **state)
{
    (void)state;
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--scheme", "v5.8", "--reps", "1", "--format",
           "perf", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "scheme v5.8, replication 0\n contended   total wait");
    assert_says(s.out, " unfair   page\n");
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--scheme", "v5.8", "--reps", "1", "--format",
           "perf-csv", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "# output: contended, total wait, max wait, avg wait, type, caller\n");
    assert_says(s.out, ", unfair, page\n");
}

static void stored_runs_give_the_same_rows(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--reps", "2", "--db", "forms.db", "--format", "lockstat",
           NULL);
    assert_code(&s, 0);
    pclsim(&t, "run", "tiny.ini", "--reps", "2", "--db", "forms.db", "--format", "lockstat",
           NULL);
    assert_code(&t, 0);
    assert_string_equal(s.out, t.out);
}

static void a_misspelt_lock_is_recognised(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--scheme", "v5.9:page=hybird", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "did you mean 'hybrid'?");
}

static int clean_up(void **state)
{
    forget(&s);
    forget(&t);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lockstat_prints_every_run_under_its_name),
        cmocka_unit_test(perf_prints_contended_locks),
        cmocka_unit_test(stored_runs_give_the_same_rows),
        cmocka_unit_test(a_misspelt_lock_is_recognised),
    };

    return cmocka_run_group_tests_name("forms", tests, make_folder, clean_up);
}
