/*
 * Input that is no trace, or no longer one: every byte string ends in an error with a position
 * or in a trace whose account is complete. Nothing crashes, nothing hangs.
 */
#include "render.h"

#include <zlib.h>

#define GOOD "1 1700000000.000001 pread64(3</f>, \"\", 1, 0) = 1 <0.000010>\n"
#define KNOWN \
    "pclsim's own, strace text, ftrace, trace-cmd or perf script text, fio iolog, fsx operations, blkparse "       \
    "text, CSV with named columns, MSR Cambridge, Alibaba, Tencent, FIU"
#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Lines that stand between two good ones; none of them may become an operation on data. */
static const char *const odd_lines[] = {
    "(", ")", "()", "= 0", "x(", "x()", "x() =", "x() = ", "x() = ?", "x)= 0", "read", "read(",
    "read(3", "read(3<", "read(3</f", "read(3</f>", "read(3</f>,", "read(3</f>, \"", "read(3</f>, \"\\",
    "read(3</f>, \"abc\", 5", "read(3</f>, \"abc\", 5)", "read(3</f>, \"abc\", 5) ",
    "read(3</f>, \"abc\", 5) =", "read(3</f>, \"abc\", 5) = x", "read(3</f>, \"abc\", 5) = -",
    "read(3</f>, \"abc\", 5) = 0x", "read(3</f>, \"abc\", 5) = 18446744073709551616",
    "read(99999999999999999999</f>, \"abc\", 5) = 5", "read(-3</f>, \"abc\", 5) = 5",
    "read(2147483648</f>, \"abc\", 5) = 5", "read(x</f>, \"\", 5) = 5", "read(, , , ) = 5",
    "pread64(3</f>, \"\", 5, ) = 5", "pread64(3</f>, \"\", 5, 1e3) = 5",
    "pread64(3</f>, \"\", 5, 0x) = 5", "pread64(3</f>, \"\", 5, --1) = 5",
    "pread64(,,,,,,,,,,,,,,,,,,,) = 5", "<", "<...", "<... ", "<... read", "<... read resumed",
    "<... read resumed>", "<... resumed>) = 0", "<...  resumed>) = 0", "<... a b c resumed>) = 0",
    "<unfinished ...>", "( <unfinished ...>", "read( <unfinished ...>) = ?", "---", "--- ---",
    "+++", "+++ +++", "+++ exited with", "+++ superseded by execve in pid +++",
    "+++ superseded by execve in pid 99999999999999999999 +++", "[pid", "[pid ]", "[pid 5",
    "[pid 99999999999999999999] read(3</f>, \"\", 5) = 5", "[", "[]", "1", "1 2", "1 2 3",
    "1 1700000000.", "1 .5 x() = 0", "1 99999999999999999999.5 getpid() = 1", "25:61:61 getpid() = 1",
    "10:00 getpid() = 1", "1 (+ getpid() = 1", "1 [ getpid() = 1", "1<", "1<>", "1<a", "1<a>b",
    "strace", "strace:", "close(3", "dup2(3, ) = x", "mmap() = 0", "mmap(NULL, x, y, z, 3</f>, 0) = 0",
    "mmap(NULL, 18446744073709551615, 0, MAP_SHARED, 3</f>, 0) = 0xffffffffffffffff",
    "munmap(0xffffffffffffffff, 18446744073709551615) = 0", "msync(1, 2) = 0", "madvise(1) = 0",
    "mremap(0, 0, 18446744073709551615, 0) = 0", "lseek(3</f>, 0, SEEK_END) = -5",
    "lseek(3</f>, 9223372036854775807, SEEK_END) = 18446744073709551615",
    "fallocate(3</f>, 0, 9223372036854775807, 9223372036854775807) = 0", "ftruncate(3</f>, x) = 0",
    "copy_file_range(3</f>, [, 4</g>, ], 5, 0) = 5", "copy_file_range() = 5",
    "sendfile(4</g>, 3</f>, [99999999999999999999], 5) = 5", "rename(\"\", \"\") = 0",
    "rename(\"a) = 0", "openat(AT_FDCWD</d>, \"\") = 3", "open(\"x\", O_RDONLY) = 99999999999</x>",
    "open(\"x\", O_RDONLY) = -3</x>", "pipe([) = 0", "pipe([3) = 0", "pipe2() = 0",
    "socketpair(0, 0, 0, [3, ) = 0", "stat(\"/f\", {st_mode=, st_size=}) = 0",
    "stat(\"/f\", {st_mode=S_IFREG|0644, st_size=-5}) = 0", "fcntl(3</f>) = 0",
    "fcntl(3</f>, F_DUPFD, 0) = 99999999999", "clone(flags=) = 0", "clone(CLONE_THREAD) = 1",
    "close_range(5, 3, 0) = 0", "close_range(18446744073709551615, 3, 0) = 0",
    "read(3<<<<<<<<<<, \"\", 5) = 5", "read(3</<<>>, \"\", 5) = 5", "read(3<a[[[[>, \"\", 5) = 5",
};

static void odd_lines_are_accounted_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(odd_lines); i++) {
        char text[1024];
        struct pcl_trace *t;
        (void)snprintf(text, sizeof(text), GOOD "%s\n" GOOD, odd_lines[i]);
        t = parse_ok(text, strlen(text));
        if (t->lines_read != 3)
            fail_msg("%s: %llu lines", odd_lines[i], (unsigned long long)t->lines_read);
        for (size_t k = 0; k < t->n_ops; k++) {
            if (t->ops[k].line == 2 && t->ops[k].len > 0)
                fail_msg("%s: %s %lld+%lld", odd_lines[i], pcl_op_name((enum pcl_op)t->ops[k].op),
                         (long long)t->ops[k].off, (long long)t->ops[k].len);
        }
        pcl_trace_free(t);
    }
}

static void odd_lines_alone_and_all_together(void **state)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    (void)state;
    for (size_t i = 0; i < N(odd_lines); i++) {
        struct pcl_trace *t = NULL;
        struct pcl_err err;
        if (pcl_trace_parse("x", odd_lines[i], strlen(odd_lines[i]), &t, &err) == PCL_OK)
            pcl_trace_free(t);
        else
            assert_non_null(strstr(err.msg, "want a trace"));
        (void)fprintf(f, "%s\n", odd_lines[i]);
    }
    (void)fclose(f);
    pcl_trace_free(parse_ok(text, n));
    free(text);
}

/* Any cut of a good trace is a trace or an error. */
static void every_prefix_and_every_broken_byte(void **state)
{
    static const char text[] =
        "1 1700000000.000001 openat(AT_FDCWD</d>, \"f\", O_RDWR) = 3</d/f> <0.000010>\n"
        "1 1700000000.000002 pwrite64(3</d/f>, \"a\\\"\"..., 4096, 0 <unfinished ...>\n"
        "2 1700000000.000003 mmap(NULL, 8192, PROT_READ, MAP_SHARED, 4</d/f>, 0x1000) = 0x7f000 <0.1>\n"
        "1 1700000000.000004 <... pwrite64 resumed>) = 4096 <0.000293>\n"
        "2 1700000000.000005 +++ exited with 0 +++\n";
    static const char bytes[] = {0, '\n', '"', '<', '>', '(', ')', ',', '=', ' ', '9', '\\', '\xff'};
    char copy[sizeof(text)];
    struct pcl_trace *t;

    (void)state;
    for (size_t n = 0; n < sizeof(text); n++) {
        if (pcl_trace_parse("x", text, n, &t, NULL) == PCL_OK)
            pcl_trace_free(t);
    }
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        for (size_t k = 0; k < sizeof(bytes); k++) {
            memcpy(copy, text, sizeof(text));
            copy[i] = bytes[k];
            pcl_trace_free(parse_ok(copy, sizeof(text) - 1));
        }
    }
}

static void long_lines_are_bounded(void **state)
{
    const size_t n = (17u << 20);
    char *text = malloc(n + 256);
    struct pcl_trace *t;
    size_t used;

    (void)state;
    assert_non_null(text);
    used = (size_t)sprintf(text, GOOD "1 1700000000.1 pwrite64(3</f>, \"");
    memset(text + used, 'x', n);
    used += n;
    used += (size_t)sprintf(text + used, "\", 17825792, 0) = 17825792\n" GOOD);
    t = parse_ok(text, used);
    assert_true(t->n_ops == 2 && t->n_skips == 1);
    assert_string_equal(t->skips[0].reason, "line too long");
    pcl_trace_free(t);
    for (const char *fill = "3<a(\"\\[{<"; *fill; fill++) { /* each nests or restarts a search */
        used = (size_t)sprintf(text, GOOD "read(");
        memset(text + used, *fill, 2u << 20);
        used += 2u << 20;
        text[used++] = '\n';
        pcl_trace_free(parse_ok(text, used));
    }
    used = (size_t)sprintf(text, GOOD "read(");
    for (size_t i = 0; i < (1u << 20); i++)
        used += (size_t)sprintf(text + used, "3<a");
    text[used++] = '\n';
    pcl_trace_free(parse_ok(text, used));
    free(text);
}

static void what_is_no_trace_is_refused(void **state)
{
    static const struct {
        const char *text, *message;
        size_t n; /* 0: a string */
    } cases[] = {
        {"hello\nworld\n", "want a trace (known formats: " KNOWN "), found 'hello'", 0},
        {"\n \n\t\n", "want a trace (known formats: " KNOWN "), found blank lines", 0},
        {"\0\1\2\3\4\5\6\7\0\1\2\3", "want a trace (known formats: " KNOWN "), found binary data",
         12},
        {"[job]\nthreads = 4\n", "want a trace (known formats: " KNOWN "), found an INI file", 0},
        {"; a scenario\nthreads = 4\n",
         "want a trace (known formats: " KNOWN "), found an INI file", 0},
        {"a\tbcdefghijklmnopqrstuv\xff\n",
         "want a trace (known formats: " KNOWN "), found 'a?bcdefghijklmnopqrstuv?'", 0},
        {"% time     seconds  usecs/call     calls    errors syscall\n",
         "want a trace (known formats: " KNOWN "), found '% time     seconds  usecs/call     "
         "calls    errors syscall'", 0},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct pcl_trace *t = NULL;
        struct pcl_err err;
        size_t n = cases[i].n ? cases[i].n : strlen(cases[i].text);
        assert_int_equal(pcl_trace_parse("x.strace", cases[i].text, n, &t, &err), PCL_EINVAL);
        assert_string_equal(err.msg, cases[i].message);
        assert_string_equal(err.file, "x.strace");
        assert_true(err.line == 1 && err.col == 1);
        assert_false(pcl_trace_recognise(cases[i].text, n));
    }
}

static void an_empty_file_is_called_empty(void **state)
{
    struct pcl_trace *t = NULL;
    struct pcl_err err;

    (void)state;
    assert_int_equal(pcl_trace_parse("x", "", 0, &t, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "the trace is empty");
    assert_int_equal(pcl_trace_read("/nonexistent/x.strace", &t, &err), PCL_ENOENT);
    assert_int_equal(pcl_trace_read("/", &t, &err), PCL_EIO);
    assert_false(pcl_trace_recognise("", 0));
}

static void traces_are_told_from_scenarios_by_content(void **state)
{
    static const char *const traces[] = {
        GOOD,
        "[pid 17] close(3) = 0\n",
        "openat(AT_FDCWD, \"x\", O_RDONLY) = 3\n",
        "1 <... read resumed>\"\", 5) = 5\n",
        "some output\nof the program\nread(3, \"\", 1) = 1\n",
        "+++ exited with 0 +++\n",
        "strace: Process 5 attached\n[pid 5] close(3) = 0\n",
        "1 1700000000.000001 pread64(3</f>, \"\", 1, 0) = 1", /* the beginning of a longer file */
    };
    static const char *const others[] = {
        "[workload]\nthreads = 4\n",
        "; 1 close(3) = 0\n[workload]\n",
        "# close(3) = 0\n[job]\nexec = close(3) = 0\n",
        "threads = 4\nclose(3) = 0\n",
        "\n\n[scheme v5.9]\npage = handoff\nclose(3) = 0\n",
        "[pidfile]\nx = 1\n",
        "int main(void)\n{\n    return 0;\n}\n",
        "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n",
    };

    (void)state;
    for (size_t i = 0; i < N(traces); i++) {
        if (!pcl_trace_recognise(traces[i], strlen(traces[i])))
            fail_msg("not recognised: %s", traces[i]);
    }
    for (size_t i = 0; i < N(others); i++) {
        if (pcl_trace_recognise(others[i], strlen(others[i])))
            fail_msg("taken for a trace: %s", others[i]);
    }
}

static void a_trace_may_begin_late(void **state)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    struct pcl_trace *t;

    (void)state;
    for (int i = 0; i < 5000; i++)
        (void)fprintf(f, "output of the program, line %d\n", i);
    (void)fputs(GOOD, f);
    (void)fclose(f);
    t = parse_ok(text, n);
    assert_true(t->n_ops == 1 && t->ops[0].line == 5001);
    pcl_trace_free(t);
    free(text);
}

static void a_trace_among_garbage_is_read(void **state)
{
    static char text[40000];
    size_t n = (size_t)sprintf(text, GOOD);
    struct pcl_trace *t;

    (void)state;
    for (size_t i = n; i < sizeof(text); i++) /* all bytes, line ends among them */
        text[i] = (char)(i * 2654435761u >> 13);
    t = parse_ok(text, sizeof(text));
    assert_true(t->n_ops == 1 && t->lines_read > 100);
    pcl_trace_free(t);
}

/* --- gzip ------------------------------------------------------------------------------- */

static size_t zip(const char *text, size_t n, char *out, size_t room)
{
    z_stream z = {.next_in = NULL};

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (unsigned)n;
    z.next_out = (unsigned char *)out;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    room -= z.avail_out;
    (void)deflateEnd(&z);
    return room;
}

static void gzip_is_seen_by_its_magic_number(void **state)
{
    static char in[200000], out[100000];
    struct pcl_trace *t = NULL;
    struct pcl_err err;
    size_t n, used = 0;
    char sha[65];

    (void)state;
    while (used + sizeof(GOOD) < sizeof(in))
        used += (size_t)sprintf(in + used, GOOD);
    n = zip(in, used, out, sizeof(out));
    t = parse_ok(out, n);
    assert_true(t->n_ops == used / strlen(GOOD));
    pcl_sha256_hex(out, n, sha); /* of the file as it lies on disk */
    assert_string_equal(t->sha256, sha);
    pcl_trace_free(t);
    assert_true(pcl_trace_recognise(out, n) && pcl_trace_recognise(out, n / 2));

    memcpy(out + n, out, n); /* two members, then something else */
    memcpy(out + 2 * n, "rest", 4);
    t = parse_ok(out, 2 * n + 4);
    assert_true(t->n_ops == 2 * (used / strlen(GOOD)));
    pcl_trace_free(t);

    for (size_t cut = 2; cut < n; cut++) {
        assert_int_equal(pcl_trace_parse("x", out, cut, &t, &err), PCL_EINVAL);
        assert_non_null(strstr(err.msg, "gzip data ends early"));
    }
    out[n - 8] ^= 1; /* the checksum */
    assert_int_equal(pcl_trace_parse("x", out, n, &t, &err), PCL_EINVAL);
    assert_non_null(strstr(err.msg, "damaged gzip data"));
    assert_int_equal(pcl_trace_parse("x", "\x1f\x8bxyzabcdefgh", 13, &t, &err), PCL_EINVAL);
    assert_non_null(strstr(err.msg, "damaged gzip data"));
    assert_false(pcl_trace_recognise("\x1f\x8bxyzabcdefgh", 13));
    n = zip("", 0, out, sizeof(out));
    assert_int_equal(pcl_trace_parse("x", out, n, &t, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "the trace is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_lines_are_accounted_for),
        cmocka_unit_test(odd_lines_alone_and_all_together),
        cmocka_unit_test(every_prefix_and_every_broken_byte),
        cmocka_unit_test(long_lines_are_bounded),
        cmocka_unit_test(what_is_no_trace_is_refused),
        cmocka_unit_test(an_empty_file_is_called_empty),
        cmocka_unit_test(traces_are_told_from_scenarios_by_content),
        cmocka_unit_test(a_trace_may_begin_late),
        cmocka_unit_test(a_trace_among_garbage_is_read),
        cmocka_unit_test(gzip_is_seen_by_its_magic_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
