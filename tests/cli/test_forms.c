/*
 * Forms of the result beside table and JSON: lock statistics as the kernel and perf show them;
 * and the bill for memory.
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
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--scheme", "v5.8", "--reps", "1",
           "--format", "perf", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "scheme v5.8, replication 0\n contended   total wait");
    assert_says(s.out, " unfair   page\n");
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--scheme", "v5.8", "--reps", "1",
           "--format", "perf-csv", NULL);
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

static void memory_needs_no_run(void **state)
{
    (void)state;
    pclsim(&s, "memory", "--ram", "1T", "--scheme", "v5.9,v5.9:page=fifo", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "1 TiB of RAM in 268435456 pages of 4 KiB");
    assert_says(s.out, "v5.9:page=fifo        24    160");
    assert_says(s.out, "Lower is better");
    pclsim(&t, "memory", "--ram", "1T", "--scheme", "v5.9", "--lockdep", NULL);
    assert_code(&t, 0);
    assert_says(t.out, "lockdep on");
    pclsim(&s, "memory", "--ram", "8E", "--json", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "\"ram\": \"9223372036854775807\"");
}

static void wrong_sizes_and_schemes_are_explained(void **state)
{
    (void)state;
    pclsim(&s, "memory", "--ram", "1X", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--ram: want a size");
    pclsim(&s, "memory", "--scheme", "v5.99", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "unknown scheme 'v5.99'");
    pclsim(&s, "memory", "--inodes", "-1", NULL);
    assert_code(&s, 1);
    pclsim(&s, "memory", "--waiters", "100kB", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--waiters: want a number such as 64, 100k or 1M, found '100kB'");
    pclsim(&s, "memory", "--ranges", "10000000000G", NULL);
    assert_code(&s, 1);
    pclsim(&s, "memory", "--inodes", "2M", "--ranges", "3k", "--scheme", "v5.9", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "2000000");
    assert_says(s.out, "3000 ranges");
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
        cmocka_unit_test(memory_needs_no_run),
        cmocka_unit_test(wrong_sizes_and_schemes_are_explained),
    };

    return cmocka_run_group_tests_name("forms", tests, make_folder, clean_up);
}
