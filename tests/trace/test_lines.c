/*
 * The grammar of lines: what stands before a call, times in all forms, calls in two halves,
 * results, and lines that are no calls.
 */
#include "render.h"

#define CALL "pread64(3</f>, \"x\", 1, 0) = 1 <0.000010>\n"

static void what_stands_before_a_call(void **state)
{
    static const struct {
        const char *prefix;
        int64_t tid;
    } cases[] = {
        {"", -1},
        {"13598 1795356330.634761 ", 13598},
        {"1582  1795356743.057681956 ", 1582},
        {"1795356330.634761 ", -1},
        {"13598 ", 13598},
        {"[pid 13598] ", 13598},
        {"[pid  1359] 1795356330.634761 ", 1359},
        {"[pid 13598<my (prog)>] 16:43:36.5 ", 13598},
        {"13598<mt> 16:43:36.397145 ", 13598},
        {"13598<kworker/0:1> 16:43:36 ", 13598},
        {"16:43:36 ", -1},
        {"16:43:36.123456 ", -1},
        {"     0.000077 ", -1},
        {"10566 16:43:36.344210 (+     0.000077) ", 10566},
        {"10578<mt> 16:43:36.397145 [  17] [00007f24344738d9] ", 10578},
        {"10578 [????????????????] ", 10578},
        {"10626 1795365817 ", 10626},
        {"1795365817 ", -1},
        {"17 /* 5 in strace's PID NS */ 1795356330.634761 ", 17},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct pcl_trace *t;
        (void)snprintf(text, sizeof(text), "%s%s", cases[i].prefix, CALL);
        t = parse_ok(text, strlen(text));
        if (t->n_ops != 1 || t->threads[0].tid != cases[i].tid)
            fail_msg("'%s': %zu operations", cases[i].prefix, t->n_ops);
        assert_true(!(t->evidence & PCL_HAS_THREADS) == (cases[i].tid < 0));
        pcl_trace_free(t);
    }
}

static void results_and_durations(void **state)
{
    static const struct {
        const char *tail;
        int64_t dur_ns, len; /* len -1: no operation */
    } cases[] = {
        {" = 7 <0.000243>", 243000, 7},
        {"         = 7 <0.000019179>", 19179, 7},
        {" = 7", -1, 7},
        {" = 0x7 <1.5>", 1500000000, 7},
        {" = 7 <2>", 2000000000, 7},
        {" = 7 <0.0000000019>", 1, 7},
        {" = 7 <99999999999.0>", -1, 7},
        {" = 7 <0.000001> \r", 1000, 7},
        {" = -1 EIO (Input/output error) <0.000009>", 9000, 0},
        {" = -1 EIO (Input/output error) (INJECTED) <0.000009>", 9000, 0},
        {" = ?", -1, -1},
        {" = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.1>", -1, -1},
        {" = seven", -1, -1},
        {" =", -1, -1},
        {"", -1, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct pcl_trace *t;
        (void)snprintf(text, sizeof(text), "7 1700000000.000001 gettid() = 7\n"
                       "7 1700000000.000001 pread64(3</f>, \") = 4 <0.3>\", 1, 0)%s\n",
                       cases[i].tail);
        t = parse_ok(text, strlen(text));
        if (t->n_ops != (cases[i].len >= 0) ||
            (t->n_ops && (t->ops[0].len != cases[i].len || t->ops[0].dur_ns != cases[i].dur_ns)))
            fail_msg("'%s': %zu operations", cases[i].tail, t->n_ops);
        pcl_trace_free(t);
    }
}

static void strings_brackets_and_comments_are_skipped_whole(void **state)
{
    static const struct rule rules[] = {
        {"data that looks like the rest of a call",
         "pwrite64(3</f>, \"\\\", 1, 2) = 3 <unfinished ...>\", 20, 64) = 20\n"
         "pwrite64(3</f>, \"a\\\\\", 2, 100) = 2\npwrite64(3</f>, \"\"..., 2, 200) = 2\n"
         "pwrite64(3</f>, \"+++ exited with 0 +++\", 21, 300) = 21\n",
         "write /f 64+20\nwrite /f 100+2\nwrite /f 200+2\nwrite /f 300+21\n"},
        {"comments and nested structures",
         "execve(\"/bin/x\", [\"x\", \"a)b\"], 0x7ff /* 41 vars */) = 0\n"
         "preadv(3</f>, [{iov_base={a, [b, (c)]}, iov_len=5} /* ), */], 2, 64) = 5\n"
         "capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=1<<CAP_CHOWN|1<<CAP_FOWNER,"
         " permitted=1<<CAP_CHOWN}) = 0\n",
         "read /f 64+5\n2 call without a file\n"},
        {"a line whose brackets do not close is read from its end",
         "prctl(PR_SET_NAME, [[[) = 0\nreadv(3</f>, [{x, 1) = 5\n",
         "1 arguments not understood\n1 call without a file\n"},
    };

    (void)state;
    CHECK_RULES(rules, RENDER_OPS | RENDER_SKIPS);
}

static void halves_join_by_thread(void **state)
{
    static const struct rule rules[] = {
        {"arguments before the cut, behind it, and on both sides",
         "1 1700000000.0 pwrite64(3</f>, \"a\"..., 4096, 100 <unfinished ...>\n"
         "2 1700000000.1 pread64(3</f>,  <unfinished ...>\n"
         "1 1700000000.2 <... pwrite64 resumed>) = 4096 <0.2>\n"
         "3 1700000000.3 fsync(3</f> <unfinished ...>\n"
         "2 1700000000.4 <... pread64 resumed>\"abc\"..., 65536, 7) = 100 <0.3>\n"
         "3 1700000000.5 <... fsync resumed>) = 0 <0.2>\n"
         "1 1700000000.6 fallocate(3</f>, FALLOC_FL_KEEP_SIZE <unfinished ...>\n"
         "1 1700000000.7 <... fallocate resumed>, 5, 6) = 0 <0.1>\n"
         "2 1700000000.8 pread64(3</f>,  <unfinished ...>\n"
         "2 1700000000.9 <... pread64 resumed> \"old form\", 9, 9) = 9 <0.1>\n",
         "0+200000000 1/-1 write /f 100+4096\n100000000+300000000 2/-1 read /f 7+100\n"
         "300000000+200000000 3/-1 fsync /f 0+0\n"
         "600000000+100000000 1/-1 allocate /f 5+6 keepsize\n"
         "800000000+100000000 2/-1 read /f 9+9\n"},
        {"the descriptor means what it meant at the start",
         "1 1700000000.0 openat(AT_FDCWD, \"/a\", O_RDWR) = 3\n"
         "1 1700000000.1 clone(child_stack=0x1, flags=CLONE_VM|CLONE_FILES|CLONE_THREAD) = 2\n"
         "1 1700000000.2 read(3,  <unfinished ...>\n"
         "2 1700000000.3 close(3 <unfinished ...>\n"
         "3 1700000000.3 getpid() = 3\n"
         "1 1700000000.4 <... read resumed>\"\", 5) = 5 <0.1>\n"
         "1 1700000000.5 openat(AT_FDCWD, \"/b\", O_RDWR) = 3 <0.1>\n"
         "2 1700000000.6 <... close resumed>) = 0 <0.1>\n"
         "1 1700000000.7 read(3, \"\", 5) = 5 <0.1>\n",
         "0+-1 1/-1 syscall /a\n200000000+100000000 1/-1 read /a 0+5\n"
         "300000000+100000000 2/-1 syscall /a\n500000000+100000000 1/-1 syscall /b\n"
         "700000000+100000000 1/-1 read /b 0+5\n2 call without a file\n"},
        {"halves without a partner",
         "1 1700000000.0 pread64(3</f>,  <unfinished ...>\n"
         "1 1700000000.1 pread64(3</f>, \"\", 1, 1) = 1\n"
         "1 1700000000.2 <... pread64 resumed>\"\", 1, 2) = 1\n"
         "2 1700000000.3 read(3</f>,  <unfinished ...>\n"
         "2 1700000000.4 <... write resumed>\"\", 1, 2) = 1\n"
         "1 1700000000.5 fsync(3</f> <unfinished ...>\n"
         "1 1700000000.6 exit_group(0 <unfinished ...>\n",
         "100000000+-1 1/-1 read /f 1+1\n3 unfinished without end\n2 resumed without begin\n"
         "1 call without a file\n"},
        {"killed on the way",
         "1 1700000000.0 read(3</f>,  <unfinished ...>) = ?\n"
         "2 1700000000.1 fsync(3</f> <unfinished ...>\n"
         "2 1700000000.2 <... fsync resumed> <unfinished ...>) = ?\n"
         "2 1700000000.3 +++ killed by SIGKILL +++\n"
         "3 1700000000.4 fsync(3</f> <detached ...>\n",
         "4 unfinished without end\n1 exit\n"},
        {"the name may be unknown to the end",
         "1 1700000000.0 fsync(3</f> <unfinished ...>\n1 1700000000.1 <... ???? resumed>) = 0\n"
         "1 1700000000.2 restart_syscall(<... resuming interrupted read ...>) = 0\n",
         "0+-1 1/-1 fsync /f 0+0\n1 call without a file\n"},
    };

    (void)state;
    CHECK_RULES(rules, RENDER_OPS | RENDER_SKIPS | RENDER_TIMES | RENDER_TIDS);
}

static void lines_broken_by_other_output_go_on(void **state)
{
    static const struct rule rules[] = {
        {"strace announces a thread",
         "[pid 10507] pwrite64(3</f>, \"\\0\"..., 512, 64strace: Process 10508 attached\n"
         ") = 512\n"
         "[pid 10507] pread64(3</f>, strace: Process 10509 attached\n"
         "\"\\0\"..., 512, 128) = 512\n"
         "[pid 10507] fsync(3</f>strace: Process 10510 attached\n"
         " <unfinished ...>\n"
         "[pid 10508] fdatasync(3</f>) = 0\n"
         "[pid 10507] <... fsync resumed>) = 0\n",
         "write /f 64+512\nread /f 128+512\nfsync /f 0+0\nfsync /f 0+0 datasync\n"},
        {"the program writes to the same terminal",
         "write(1</dev/pts/0>, \"hello\\nworld\\n\", 12hello\nworld\n) = 12\n"
         "pread64(3</f>, \"\", 1, 0) = 1\n",
         "read /f 0+1\n2 not a regular file: device\n1 not a strace line\n"},
        {"what never goes on is cut short",
         "pread64(3</f>, \"\", 1, 0) = 1\nread(3</f>, \"\", \npread64(3</f>, \"\", 1, 5) = 1\n"
         "write(3</f>, \"abc",
         "read /f 0+1\nread /f 5+1\n2 line cut short\n"},
    };

    (void)state;
    CHECK_RULES(rules, RENDER_OPS | RENDER_SKIPS);
}

static void lines_that_are_no_calls(void **state)
{
    static const struct rule rules[] = {
        {"each kind has its reason",
         "\n   \t\n\r\n"
         "1 1700000000.0 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=5} ---\n"
         "1 1700000000.0 --- stopped by SIGSTOP ---\n"
         "2 1700000000.0 +++ exited with 0 +++\n"
         "3 1700000000.0 +++ killed by SIGSEGV (core dumped) +++\n"
         "strace: Process 17 attached\nProcess 18 attached\n[ Process PID=19 runs in 32 bit mode. ]\n"
         " > /usr/lib/libc.so.6(read+0x229) [0x1098d9]\n"
         "hello, world\n% time     seconds  usecs/call     calls    errors syscall\n"
         "pread64(3</f>, \"\", 1, 0) = 1\n",
         "read /f 0+1\n3 blank\n3 message of strace\n2 exit\n2 not a strace line\n2 signal\n"
         "1 stack trace\n"},
    };

    (void)state;
    CHECK_RULES(rules, RENDER_OPS | RENDER_SKIPS);
}

static void clocks(void **state)
{
    static const struct {
        const char *says, *text;
        pcl_ns last; /* start of the last operation */
        uint64_t back;
        const char *clock;
    } cases[] = {
        {"microseconds", "1 1700000000.000001 getpid() = 1\n1 1700000000.000101 " CALL, 100000, 0,
         "wall clock"},
        {"nanoseconds", "1 1700000000.000000001 getpid() = 1\n1 1700000000.000000008 " CALL, 7, 0,
         "wall clock"},
        {"whole seconds", "1 1700000000 getpid() = 1\n1 1700000002 " CALL, 2000000000, 0,
         "wall clock, whole seconds"},
        {"-tt", "1 10:00:00.5 getpid() = 1\n1 10:00:01.75 " CALL, 1250000000, 0, "time of day"},
        {"-t", "1 10:00:00 getpid() = 1\n1 11:00:01 " CALL, 3601000000000, 0,
         "time of day, whole seconds"},
        {"midnight", "1 23:59:59.5 getpid() = 1\n1 00:00:00.25 " CALL, 750000000, 0, "time of day"},
        {"midnight twice", "1 23:59:59 getpid() = 1\n1 00:00:01 getpid() = 1\n"
         "1 11:00:00 getpid() = 1\n1 22:00:00 getpid() = 1\n1 00:00:00 " CALL, 86401000000000, 0,
         "time of day, whole seconds"},
        {"-r adds up", "     0.000000 getpid() = 1\n     0.000010 getpid() = 1\n     1.000000 "
         CALL, 1000010000, 0, "time since the line before"},
        {"-r with -tt uses the clock", "10:00:00.1 (+     0.0) getpid() = 1\n"
         "10:00:00.3 (+     0.2) " CALL, 200000000, 0, "time of day"},
        {"none: one microsecond a line", "getpid() = 1\ngetpid() = 1\n" CALL, 2000, 0,
         "none, 1 us per line assumed"},
        {"a clock set back is a step that is taken out",
         "1 1700000100.0 getpid() = 1\n1 1700000050.0 getpid() = 1\n1 1700000051.0 " CALL,
         1000000000, 1, "wall clock"},
        {"threads may be out of order among each other",
         "1 1700000100.0 getpid() = 1\n2 1700000099.9 getpid() = 1\n1 1700000100.5 " CALL,
         500000000, 0, "wall clock"},
        {"a line without a time has that of the line before",
         "1 1700000100.0 getpid() = 1\n1 1700000101.0 getpid() = 1\n1 " CALL, 1000000000, 0,
         "wall clock"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pcl_trace *t = parse_ok(cases[i].text, strlen(cases[i].text));
        if (t->n_ops != 1 || t->ops[0].t_ns != cases[i].last || t->time_backwards != cases[i].back ||
            strcmp(t->clock, cases[i].clock) != 0)
            fail_msg("%s: %lld, %llu back, %s", cases[i].says, (long long)t->ops[0].t_ns,
                     (unsigned long long)t->time_backwards, t->clock);
        pcl_trace_free(t);
    }
}

static void a_line_before_the_first_moves_the_beginning(void **state)
{
    static const char text[] = "1 1700000100.0 pread64(3</f>, \"\", 1, 0) = 1 <0.5>\n"
                               "2 1700000099.9 pread64(3</f>, \"\", 1, 5) = 1\n"
                               "1 1700000101.0 +++ exited with 0 +++\n";
    struct pcl_trace *t = parse_ok(text, strlen(text));
    char *got = render(t, RENDER_OPS | RENDER_TIMES);

    (void)state;
    assert_string_equal(got, "0+-1 read /f 5+1\n100000000+500000000 read /f 0+1\n");
    assert_true(t->span_ns == 1100000000);
    free(got);
    pcl_trace_free(t);
}

static void times_of_one_thread_never_go_back(void **state)
{
    static const char text[] = "1 1700000100.0 copy_file_range(3</a>, [0] => [9], 4</b>, [0] => "
                               "[9], 9, 0) = 9 <0.4>\n"
                               "1 1700000100.1 pread64(3</a>, \"\", 1, 0) = 1 <0.1>\n";
    struct pcl_trace *t = parse_ok(text, strlen(text));
    char *got = render(t, RENDER_OPS | RENDER_TIMES);

    (void)state;
    /* a copy is two operations that share its time; what follows does not overtake them */
    assert_string_equal(got, "0+200000000 read /a 0+9\n200000000+200000000 write /b 0+9\n"
                             "200000000+100000000 read /a 0+1\n");
    assert_true(t->time_backwards == 0 && t->lines_used == 2);
    free(got);
    pcl_trace_free(t);
}

static void the_tracer_is_estimated_from_calls_that_do_nothing(void **state)
{
    static const char text[] = "1 1700000000.1 getpid() = 1 <0.000008>\n"
                               "1 1700000000.2 getuid() = 0 <0.000010>\n"
                               "1 1700000000.3 brk(NULL) = 0x5 <0.000500>\n"
                               "1 1700000000.4 pread64(3</f>, \"\", 1, 0) = 1 <0.000100>\n";
    static const char plain[] = "1 1700000000.1 getpid() = 1\n";
    struct pcl_trace *t = parse_ok(text, strlen(text));

    (void)state;
    assert_true(t->tracer_ns_per_call > 9799.0 && t->tracer_ns_per_call < 9801.0);
    pcl_trace_free(t);
    t = parse_ok(plain, strlen(plain));
    assert_true(t->tracer_ns_per_call < 0.0);
    pcl_trace_free(t);
}

static void evidence_is_what_was_recorded(void **state)
{
    static const struct {
        const char *text;
        unsigned evidence;
    } cases[] = {
        {"1 1700000000.0 " CALL, PCL_HAS_THREADS | PCL_HAS_DURATIONS | PCL_HAS_INODES},
        {"1700000000.0 fsync(3</f>) = 0\n", PCL_HAS_INODES},
        {"1 " CALL, PCL_HAS_THREADS | PCL_HAS_INODES}, /* a duration without a time is none */
        {"getpid() = 1\n", 0},
        {"1 1700000000.0 <... read resumed>) = 1\n", PCL_HAS_THREADS | PCL_LOSSY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pcl_trace *t = parse_ok(cases[i].text, strlen(cases[i].text));
        if (t->evidence != cases[i].evidence)
            fail_msg("%s: %#x", cases[i].text, t->evidence);
        pcl_trace_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_before_a_call),
        cmocka_unit_test(results_and_durations),
        cmocka_unit_test(strings_brackets_and_comments_are_skipped_whole),
        cmocka_unit_test(halves_join_by_thread),
        cmocka_unit_test(lines_broken_by_other_output_go_on),
        cmocka_unit_test(lines_that_are_no_calls),
        cmocka_unit_test(clocks),
        cmocka_unit_test(a_line_before_the_first_moves_the_beginning),
        cmocka_unit_test(times_of_one_thread_never_go_back),
        cmocka_unit_test(the_tracer_is_estimated_from_calls_that_do_nothing),
        cmocka_unit_test(evidence_is_what_was_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
