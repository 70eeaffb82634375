/*
 * The main job from the outside: what a run prints, that it repeats itself byte for byte, what
 * it leaves in a store, and that an interruption leaves the store whole.
 */
#include "command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct said s, t;

static void a_run_prints_schemes_side_by_side(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "two tasks and one page");
    assert_says(s.out, "v5.8");
    assert_says(s.out, "v5.9");
    assert_says(s.out, "throughput");
    assert_string_equal(s.err, ""); /* no progress where nobody looks on */
}

static void one_scheme_alone_is_fine(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--scheme", "v5.9", "--reps", "1", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "throughput");
}

static void tables_fit_a_mail(void **state)
{
    char *rest = NULL;

    (void)state;
    pclsim(&s, "run", "tiny.ini", NULL);
    for (char *l = strtok_r(s.out, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest))
        if (strlen(l) > 72)
            fail_msg("a line of %zu columns: %s", strlen(l), l);
}

static void the_number_of_jobs_changes_nothing(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--reps", "4", "--json", "-j", "1", NULL);
    assert_code(&s, 0);
    pclsim(&t, "run", "tiny.ini", "--reps", "4", "--json", "-j", "2", NULL);
    assert_code(&t, 0);
    assert_string_equal(s.out, t.out);
    pclsim(&t, "run", "tiny.ini", "--reps", "4", "--json", "--no-run-ahead", NULL);
    assert_code(&t, 0);
    assert_string_equal(s.out, t.out);
    pclsim(&t, "run", "tiny.ini", "--reps", "4", "--json", "--seed", "2", NULL);
    assert_code(&t, 0);
    assert_string_not_equal(s.out, t.out);
}

static void checking_is_accepted(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--check", NULL);
    assert_code(&s, 0);
}

/* Violations that a scenario does not expect are exit code 4; those that it is about are not. */
static void a_broken_promise_is_exit_code_4(void **state)
{
    (void)state;
    pclsim(&s, "run", "punch-race", "--scheme", "page-only", "--reps", "1", "--check", NULL);
    assert_code(&s, 0);
    pclsim(&s, "run", "punch-race", "--scheme", "page-only", "--reps", "1", "--check", "--set",
           "violations=never", "--set", "duration=100ms", NULL);
    assert_code(&s, 4);
    assert_says(s.err, "stale data");
    pclsim(&s, "run", "punch-race", "--scheme", "v5.9,range-tree", "--reps", "1", "--check", "--set",
           "violations=never", NULL);
    assert_code(&s, 0);
}

static void dump_prints_and_runs_nothing(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--set", "tasks=7", "--dump", "--db", "never.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "tasks = 7");
    assert_says(s.out, "# scheme v5.9");
    assert_says(s.out, "# machine ");
    assert_int_not_equal(access(in_folder(0, "never.db"), F_OK), 0);
}

static void without_db_nothing_is_written(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", NULL);
    assert_code(&s, 0);
    assert_int_not_equal(access(in_folder(0, "pclsim.db"), F_OK), 0);
    assert_null(strstr(s.out, "stored in"));
}

static void a_store_holds_what_ran(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--db", "a.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "stored in a.db");
    pclsim(&s, "compare", "a.db", "--baseline", "v5.9", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "v5.8");
    pclsim(&s, "compare", "a.db", "--baseline", "v9.9", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "v9.9");
    pclsim(&s, "compare", "a.db", "--practical", "5%", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "5%, ~ not");
    pclsim(&s, "compare", "a.db", "--practical", "5", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "such as 1%");
}

static void a_run_finds_its_warm_up_when_asked(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--set", "warmup=auto", "--db", "auto.db", NULL);
    assert_code(&s, 0);
    pclsim(&s, "compare", "auto.db", NULL);
    assert_says(s.out, "(MSER-5)");
    pclsim(&s, "run", "tiny.ini", "--set", "warmup=never", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "want auto, or a time such as 4ms, found 'never'");
}

static void a_second_run_takes_the_first_from_the_store(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--db", "b.db", "--json", NULL);
    assert_code(&s, 0);
    pclsim(&t, "run", "tiny.ini", "--db", "b.db", "--json", NULL);
    assert_code(&t, 0);
    assert_string_equal(s.out, t.out);
}

static void standard_input_is_a_file_too(void **state)
{
    (void)state;
    pclsim(&s, "run", "-", NULL); /* /dev/null */
    assert_code(&s, 1);
    assert_says(s.err, "empty");
}

/* True once the store of a run under way holds something; fails when the run ends before. */
static void wait_for_first_run(pid_t pid, const char *db)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    siginfo_t info;

    do {
        info.si_pid = 0;
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
        if (info.si_pid)
            fail_msg("the run ended by itself with code %d", wait_for(pid));
        (void)nanosleep(&pause, NULL);
        pclsim(&s, "compare", db, "--csv", NULL);
    } while (s.code != 0);
}

static void interrupt_leaves_a_store(int sig, const char *db)
{
    const char *const words[] = {"run", "tiny.ini", "--reps", "20000", "--db", db, NULL};
    const char *const other[] = {"compare", db, NULL};
    pid_t pid = start(words);

    wait_for_first_run(pid, db);
    assert_int_equal(kill(pid, sig), 0);
    assert_int_equal(wait_for(pid), 128 + sig);
    pclsim_v(&s, TO_MEMORY, other);
    assert_code(&s, 0);
}

static void ctrl_c_leaves_a_store_that_opens(void **state)
{
    (void)state;
    interrupt_leaves_a_store(SIGINT, "int.db");
}

static void termination_leaves_a_store_that_opens(void **state)
{
    (void)state;
    interrupt_leaves_a_store(SIGTERM, "term.db");
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
        cmocka_unit_test(a_run_prints_schemes_side_by_side),
        cmocka_unit_test(one_scheme_alone_is_fine),
        cmocka_unit_test(tables_fit_a_mail),
        cmocka_unit_test(the_number_of_jobs_changes_nothing),
        cmocka_unit_test(checking_is_accepted),
        cmocka_unit_test(a_broken_promise_is_exit_code_4),
        cmocka_unit_test(dump_prints_and_runs_nothing),
        cmocka_unit_test(without_db_nothing_is_written),
        cmocka_unit_test(a_store_holds_what_ran),
        cmocka_unit_test(a_run_finds_its_warm_up_when_asked),
        cmocka_unit_test(a_second_run_takes_the_first_from_the_store),
        cmocka_unit_test(standard_input_is_a_file_too),
        cmocka_unit_test(ctrl_c_leaves_a_store_that_opens),
        cmocka_unit_test(termination_leaves_a_store_that_opens),
    };

    return cmocka_run_group_tests(tests, make_folder, end);
}
