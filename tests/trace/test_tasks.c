/*
 * Threads and processes: who shares descriptors with whom, in every order in which clone and the
 * child's first line can appear.
 */
#include "render.h"

#define WHAT (RENDER_OPS | RENDER_TIDS)
#define THREAD "flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD"
#define FORK "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f)"
#define OPEN3 "1 execve(\"/x\", [\"x\"], 0x7f /* 1 var */) = 0\n" \
              "1 openat(AT_FDCWD, \"/f\", O_RDWR) = 3\n"

static void threads_share_descriptors_forks_copy_them(void **state)
{
    static const struct rule rules[] = {
        {"a thread closes for all",
         OPEN3 "1 clone3({" THREAD ", stack=0x7f}, 88) = 2\n2 write(3, \"\", 5) = 5\n"
               "2 close(3) = 0\n1 openat(AT_FDCWD, \"/g\", O_RDWR) = 3\n2 write(3, \"\", 6) = 6\n",
         "1/1 syscall /f\n2/1 write /f 0+5\n2/1 syscall /f\n1/1 syscall /g\n2/1 write /g 0+6\n"},
        {"a fork shares positions, not the table",
         OPEN3 "1 " FORK " = 2\n2 write(3, \"\", 5) = 5\n1 write(3, \"\", 5) = 5\n2 close(3) = 0\n"
               "1 write(3, \"\", 5) = 5\n",
         "1/1 syscall /f\n2/2 write /f 0+5\n1/1 write /f 5+5\n2/2 syscall /f\n"
         "1/1 write /f 10+5\n"},
        {"vfork and fork",
         OPEN3 "1 vfork( <unfinished ...>\n2 write(3, \"\", 5) = 5\n2 close(3) = 0\n"
               "1 <... vfork resumed>) = 2\n1 write(3, \"\", 5) = 5\n1 fork() = 4\n"
               "4 write(3, \"\", 5) = 5\n",
         "1/1 syscall /f\n2/2 write /f 0+5\n2/2 syscall /f\n1/1 write /f 5+5\n4/4 write /f 10+5\n"},
        {"the child speaks before clone returns",
         OPEN3 "1 clone3({" THREAD "} <unfinished ...>\n2 write(3, \"\", 5) = 5\n"
               "2 openat(AT_FDCWD, \"/g\", O_RDWR) = 4\n"
               "1 <... clone3 resumed> => {parent_tid=[2]}, 88) = 2\n1 write(4, \"\", 6) = 6\n",
         "1/1 syscall /f\n2/1 write /f 0+5\n2/1 syscall /g\n1/1 write /g 0+6\n"},
        {"unshare(CLONE_FILES) parts them",
         OPEN3 "1 clone3({" THREAD "}, 88) = 2\n2 unshare(CLONE_FILES) = 0\n2 close(3) = 0\n"
               "1 write(3, \"\", 5) = 5\n",
         "1/1 syscall /f\n2/1 syscall /f\n1/1 write /f 0+5\n"},
        {"raw flags",
         OPEN3 "1 clone3({flags=0x3d0f00, child_tid=0x7f}, 88) = 2\n2 write(3, \"\", 5) = 5\n",
         "1/1 syscall /f\n2/1 write /f 0+5\n"},
        {"a clone that failed has no child",
         OPEN3 "1 clone3({" THREAD "}, 88) = -1 EAGAIN (Resource temporarily unavailable)\n"
               "2 pwrite64(3</h>, \"\", 5, 0) = 5\n",
         "1/1 syscall /f\n2/-1 write /h 0+5\n"},
    };

    (void)state;
    CHECK_RULES(rules, WHAT);
}

static void exec_closes_and_unmaps(void **state)
{
    static const struct rule rules[] = {
        {"close on exec, by O_CLOEXEC, F_SETFD and dup3",
         OPEN3 "1 openat(AT_FDCWD, \"/c\", O_RDWR|O_CLOEXEC) = 4\n1 dup3(3, 5, O_CLOEXEC) = 5\n"
               "1 dup(4) = 6\n1 fcntl(6, F_SETFD, FD_CLOEXEC) = 0\n1 dup(4) = 7\n"
               "1 execve(\"/y\", [], 0x7f) = 0\n1 write(3, \"\", 1) = 1\n1 write(4, \"\", 1) = 1\n"
               "1 write(5, \"\", 1) = 1\n1 write(6, \"\", 1) = 1\n1 write(7, \"\", 1) = 1\n",
         "1/1 syscall /f\n1/1 syscall /c\n1/1 syscall /f\n1/1 syscall /c\n1/1 syscall /c\n"
         "1/1 syscall /c\n1/1 write /f 0+1\n1/1 write /c 0+1\n"},
        {"mappings are gone",
         OPEN3 "1 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = 0x7f0000000000\n"
               "1 execve(\"/y\", [], 0x7f) = 0\n1 msync(0x7f0000000000, 4096, MS_SYNC) = 0\n",
         "1/1 syscall /f\n1/1 mmap /f 0+4096\n"},
        {"a thread's exec comes back under the leader's number",
         OPEN3 "1 clone3({" THREAD "}, 88) = 2\n"
               "2 execve(\"/y\", [], 0x7f <unfinished ...>\n"
               "1 +++ superseded by execve in pid 2 +++\n1 <... execve resumed>) = 0\n"
               "1 write(3, \"\", 1) = 1\n",
         "1/1 syscall /f\n1/1 write /f 0+1\n"},
        {"close_range",
         OPEN3 "1 openat(AT_FDCWD, \"/c\", O_RDWR) = 4\n1 openat(AT_FDCWD, \"/d\", O_RDWR) = 5\n"
               "1 close_range(4, 4294967295, 0) = 0\n1 write(3, \"\", 1) = 1\n"
               "1 write(5, \"\", 1) = 1\n",
         "1/1 syscall /f\n1/1 syscall /c\n1/1 syscall /d\n1/1 write /f 0+1\n"},
    };

    (void)state;
    CHECK_RULES(rules, WHAT);
}

static void a_lone_task_bears_no_number(void **state)
{
    static const struct rule rules[] = {
        {"before the first thread and after the last",
         "open(\"/f\", O_RDWR) = 3\n"
         "clone3({" THREAD "}strace: Process 12 attached\n => {parent_tid=[12]}, 88) = 12\n"
         "[pid 12] write(3, \"\", 5) = 5\n[pid 11] write(3, \"\", 5) = 5\n"
         "[pid 12] +++ exited with 0 +++\nwrite(3, \"\", 5) = 5\n",
         "11/-1 syscall /f\n12/-1 write /f 0+5\n11/-1 write /f 5+5\n11/-1 write /f 10+5\n"},
        {"the child may be the one that is left",
         "open(\"/f\", O_RDWR) = 3\n" FORK " = 12\nstrace: Process 12 attached\n"
         "[pid 11] write(3, \"\", 5) = 5\n[pid 11] +++ exited with 0 +++\nwrite(3, \"\", 6) = 6\n",
         "11/-1 syscall /f\n11/-1 write /f 0+5\n12/12 write /f 5+6\n"},
        {"the child's first line comes before the parent's",
         "open(\"/f\", O_RDWR) = 3\n" FORK " <unfinished ...>\n[pid 12] write(3, \"\", 5) = 5\n"
         "[pid 11] <... clone resumed>) = 12\n[pid 11] write(3, \"\", 6) = 6\n",
         "11/-1 syscall /f\n12/12 write /f 0+5\n11/-1 write /f 5+6\n"},
        {"gettid and getpid tell", "gettid() = 77\ngetpid() = 70\nfsync(3</f>) = 0\n",
         "77/70 fsync /f 0+0\n"},
    };

    (void)state;
    CHECK_RULES(rules, WHAT);
}

static void a_number_may_come_back_as_another_thread(void **state)
{
    static const char text[] = "5 1700000000.0 pread64(3</f>, \"\", 1, 0) = 1\n"
                               "5 1700000001.0 +++ exited with 0 +++\n"
                               "5 1700000002.0 pread64(3</f>, \"\", 1, 0) = 1\n"
                               "6 1700000003.0 getpid() = 6\n";
    struct pcl_trace *t = parse_ok(text, strlen(text));

    (void)state;
    assert_true(t->n_threads == 2 && t->idle_threads == 1);
    assert_true(t->inodes[0].n_threads == 2 && t->threads[1].first_ns == 2000000000);
    pcl_trace_free(t);
}

/* Repeats a line many times with a growing number in it; NULL-free and cheap to parse if no
 * table is copied or searched for each line. */
static char *many(const char *head, const char *fmt, unsigned n, size_t *size)
{
    char *out = NULL;
    FILE *f = open_memstream(&out, size);

    (void)fputs(head, f);
    for (unsigned i = 0; i < n; i++) {
        for (const char *p = fmt; *p; p++) {
            if (*p == '#')
                (void)fprintf(f, "%u", i + 10);
            else
                (void)fputc(*p, f);
        }
    }
    (void)fclose(f);
    return out;
}

static void hostile_numbers_of_everything_end_soon(void **state)
{
    static const char *const lines[] = {
        "# fork() = 1#\n",                                     /* chains of forks */
        "1 openat(AT_FDCWD, \"/#\", O_RDWR) = #\n",            /* one big table */
        "1 openat(AT_FDCWD, \"/#\", O_RDWR) = #\n1 fork() = 9#\n9# close(#) = 0\n",
        "1 openat(AT_FDCWD, \"/#\", O_RDWR) = #\n1 execve(\"/x\", [], 0x7f) = 0\n",
        "1 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</f>, 0) = #0000000\n1 fork() = 9#\n",
        "# read(3</f>,  <unfinished ...>\n",                   /* endless halves */
        "# clone(flags=CLONE_VM <unfinished ...>\n",
        "1 rename(\"/a#\", \"/b#\") = 0\n1 openat(AT_FDCWD, \"/b#/c\", O_RDONLY) = 5\n",
        "1 pread64(3</f>, \"\", 1, #) = -1 E#\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        size_t n;
        char *text = many("1 getpid() = 1\n", lines[i], 10000, &n);
        pcl_trace_free(parse_ok(text, n));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_descriptors_forks_copy_them),
        cmocka_unit_test(exec_closes_and_unmaps),
        cmocka_unit_test(a_lone_task_bears_no_number),
        cmocka_unit_test(a_number_may_come_back_as_another_thread),
        cmocka_unit_test(hostile_numbers_of_everything_end_soon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
