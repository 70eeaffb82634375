/* Memory: zeroed, aligned, apart from each other; the end of it and our own bugs end loudly. */
#include "cases.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void arena_memory_is_zeroed_aligned_and_disjoint(void **state)
{
    static const size_t sizes[] = {1, 16, 17, 100, 4096, 5000, 40, 300000, 3 << 20, 8};
    unsigned char *p[200];
    size_t size[200];
    struct pcl_arena a;

    (void)state;
    pcl_arena_init(&a);
    for (size_t i = 0; i < LENGTH(p); i++) {
        size[i] = sizes[i % LENGTH(sizes)];
        p[i] = pcl_arena_alloc(&a, size[i], 1);
        assert_int_equal((uintptr_t)p[i] % 16, 0);
        for (size_t j = 0; j < size[i]; j += 61)
            assert_int_equal(p[i][j], 0);
        memset(p[i], (int)(i & 0xff), size[i]);
    }
    for (size_t i = 0; i < LENGTH(p); i++)
        for (size_t j = 0; j < size[i]; j += 61)
            assert_int_equal(p[i][j], i & 0xff);
    assert_true(a.total >= 20 * (300000 + (3 << 20)));
    pcl_arena_fini(&a);
    assert_null(a.head);
    assert_int_equal(a.total, 0);
}

static void an_empty_allocation_is_an_object_too(void **state)
{
    struct pcl_arena a;
    void *p;

    (void)state;
    pcl_arena_init(&a);
    assert_non_null(pcl_arena_alloc(&a, 0, 8));
    assert_ptr_not_equal(pcl_arena_alloc(&a, 0, 8), pcl_arena_alloc(&a, 8, 0));
    pcl_arena_fini(&a);
    p = pcl_xcalloc(0, 4);
    assert_non_null(p);
    p = pcl_xrealloc(p, 0, 4);
    assert_non_null(p);
    free(p);
}

static void copies_of_strings_are_equal_and_apart(void **state)
{
    static const char text[] = "iolock";
    struct pcl_arena a;
    char *s = pcl_xstrdup(text);

    (void)state;
    pcl_arena_init(&a);
    assert_string_equal(s, text);
    assert_string_equal(pcl_arena_strdup(&a, text), text);
    assert_string_equal(pcl_arena_strdup(&a, ""), "");
    pcl_arena_fini(&a);
    free(s);
}

/* Runs f in a child; returns its status and the beginning of what it said. */
static int in_child(void (*f)(void), char *said, size_t room)
{
    int fds[2], status;
    size_t n = 0;
    ssize_t got;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(fds[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL); /* CMocka and sanitizers catch it */
        f();
        _exit(99);
    }
    (void)close(fds[1]);
    while (n + 1 < room && (got = read(fds[0], said + n, room - n - 1)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void ask_calloc(void)
{
    (void)pcl_xcalloc(SIZE_MAX / 2, 8);
}

static void ask_realloc(void)
{
    (void)pcl_xrealloc(NULL, SIZE_MAX, 2);
}

static void ask_arena(void)
{
    struct pcl_arena a;

    pcl_arena_init(&a);
    (void)pcl_arena_alloc(&a, PTRDIFF_MAX, 1);
}

static void exhausted_memory_says_how_much_and_exits_with_2(void **state)
{
    static void (*const asks[])(void) = {ask_calloc, ask_realloc, ask_arena};
    static const char *const amount[] = {
        "9223372036854775807 x 8",
        "18446744073709551615 x 2",
        "9223372036854775807 x 1",
    };
    char said[500], want[200];

    (void)state;
    for (size_t i = 0; i < LENGTH(asks); i++) {
        int status = in_child(asks[i], said, sizeof said);

        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 2);
        (void)snprintf(want, sizeof want, "pclsim: error: out of memory: asked for %s bytes\n",
                       amount[i]);
        assert_string_equal(said, want);
    }
}

static void fail_bare(void)
{
    PCL_ASSERT(1 + 1 == 3);
}

static void fail_in_context(void)
{
    static const pcl_ns now = 1234567;
    static const uint32_t task = 7;

    pcl_assert_context(&now, &task, 42);
    PCL_ASSERT(1 + 1 == 3);
}

static void fail_after_context(void)
{
    static const pcl_ns now = 1234567;

    pcl_assert_context(&now, NULL, 42);
    pcl_assert_context(NULL, NULL, 0);
    PCL_ASSERT(1 + 1 == 3);
}

static void a_bug_says_where_and_what_ran(void **state)
{
    static void (*const bugs[])(void) = {fail_bare, fail_in_context, fail_after_context};
    static const char *const end[] = {"", "; simulated time 1234567 ns, seed 42, task 7", ""};
    char want[200];
    char said[1000];

    (void)state;
    for (size_t i = 0; i < LENGTH(bugs); i++) {
        int status = in_child(bugs[i], said, sizeof said);

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
        assert_non_null(strstr(said, "test_memory.c:"));
        (void)snprintf(want, sizeof want, "bug in pclsim: '1 + 1 == 3' does not hold%s\n",
                       end[i]);
        assert_non_null(strstr(said, want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_disjoint),
        cmocka_unit_test(an_empty_allocation_is_an_object_too),
        cmocka_unit_test(copies_of_strings_are_equal_and_apart),
        cmocka_unit_test(exhausted_memory_says_how_much_and_exits_with_2),
        cmocka_unit_test(a_bug_says_where_and_what_ran),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
