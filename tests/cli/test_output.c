/*
 * Standard output that cannot be written: a full disk is a failure, a reader that has gone is
 * none, and neither crashes anything.
 */
#include "command.h"

#include <stdlib.h>
#include <unistd.h>

static struct said s;

static const char *const talkative[][4] = {
    {"schemes", NULL},
    {"schemes", "--locks", "--json", NULL},
    {"machines", "show", "server-2s", NULL},
    {"workloads", "--json", NULL},
    {"trace", "info", "fio-falloc.strace.gz", NULL},
    {"run", "tiny.ini", NULL},
    {"run", "tiny.ini", "--json", NULL},
    {"run", "tiny.ini", "--dump", NULL},
    {"help", "run", NULL},
    {"--version", NULL},
};
#define N_TALKATIVE (sizeof(talkative) / sizeof(talkative[0]))

static void a_full_disk_is_a_failure(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    for (size_t i = 0; i < N_TALKATIVE; i++) {
        pclsim_v(&s, TO_FULL_DISK, talkative[i]);
        assert_code(&s, 2);
        assert_says(s.err, "cannot write standard output");
    }
}

static void a_closed_pipe_is_quiet(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TALKATIVE; i++) {
        pclsim_v(&s, TO_CLOSED_PIPE, talkative[i]);
        assert_code(&s, 0);
        assert_string_equal(s.err, "");
    }
}

static void a_closed_output_is_a_failure(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TALKATIVE; i++) {
        pclsim_v(&s, TO_NOTHING, talkative[i]);
        assert_code(&s, 2);
        assert_says(s.err, "cannot write standard output");
    }
}

/* With descriptor 1 closed the next file that is opened would get number 1, and the table would
 * go into the store. */
static void a_closed_output_does_not_end_in_the_store(void **state)
{
    static const char *const words[] = {"run", "tiny.ini", "--db", "closed.db", NULL};

    (void)state;
    pclsim_v(&s, TO_NOTHING, words);
    assert_code(&s, 2);
    pclsim(&s, "compare", "closed.db", NULL);
    assert_code(&s, 0);
}

static int end(void **state)
{
    forget(&s);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_is_a_failure),
        cmocka_unit_test(a_closed_pipe_is_quiet),
        cmocka_unit_test(a_closed_output_is_a_failure),
        cmocka_unit_test(a_closed_output_does_not_end_in_the_store),
    };

    return cmocka_run_group_tests(tests, make_folder, end);
}
