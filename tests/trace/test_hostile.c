/*
 * A hundred malformed recordings, of all formats: each is an error or a trace whose account of
 * lines is complete, and what is good beside the bad is still read. Nothing crashes or hangs, and
 * memory stays in proportion to the input.
 */
#include "render.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define E "gt-7 [000] ..... 1.000001: "
#define G "gt-9 [000] ..... 1.000009: sys_fsync(fd: 3)\ngt-9 [000] ..... 1.000019: sys_fsync -> 0x0\n"

/* Between two good lines of their format; none of them may move a byte. */
static const char *const ftrace_lines[] = {
    E, E ":", E "sys_", E "sys_()", E "sys_read(", E "sys_read()", E "sys_read -> ",
    E "sys_read -> x", E "sys_pread64(fd: 3, buf: 0, count: 1, pos: -1)", E "sys_exit_: 5",
    E "sys_enter_: ", E "sys_pread64(fd: 99999999999999999999, buf, count, pos)",
    E "sys_fallocate(fd: 3, mode: 0, offset: 0x8000000000000000, len: 0xffffffffffffffff)",
    E "sys_pwrite64(fd: 3, buf: \"\\", E "sys_openat(dfd: 0, filename: \"", E "xfs_ilock:",
    E "xfs_ilock: dev", E "xfs_ilock: dev 7", E "xfs_ilock: dev 7: ino 0x flags",
    E "xfs_ilock: dev 7:1 ino zz flags IOLOCK_EXCL", E "xfs_ilock: dev 7:1 ino 0x1 flags",
    E "xfs_ilock: dev 7:1 ino 0x1 flags |||", E "xfs_iunlock: dev 7:1 ino 0x1 flags ILOCK_EXCL",
    E "contention_begin:", E "contention_begin: zz (flags=)", E "contention_begin: 12 (flags=READ",
    E "contention_end: ffffffffffffffffffffff", E "contention_end: 77 (ret=0)",
    E "contention_begin: ffffffffffffffff (flags=READ)", E "mm_filemap_fault:",
    E "mm_filemap_fault: dev=1:2 ino=3 ofs=-5",
    E "mm_filemap_fault: dev=1:2 ino=3 ofs=9223372036854775807",
    E "mm_filemap_map_pages: dev=1:2 ino=3 ofs=-", E "sched_switch:", E "sched_switch: ==> ",
    E "sched_switch: a:1 [1] D ==> b", E "sched_switch: prev_state=D ==> next_pid=99999999999",
    E "task_newtask: pid= clone_flags=", E "task_newtask: pid=7 clone_flags=ffffffff",
    E "sched_process_exit:", "CPU:", "CPU: [LOST EVENTS]", "CPU:99999999999 [LOST 9 EVENTS]",
    " => ", "\tffffffff81 ", "# entries-in-buffer/entries-written:", "-7 [000] 1.0: x: y",
    "gt-99999999999 [000] 1.000001: x: y", "gt-7 [99999999] 1.000001: x: y",
    "gt-7 [000] 99999999999.000001: x: y", "gt-7 [000] 1.0000000001: x: y", "gt-7 [000] 1.: x: y",
    ": : : : :", "1.5: a: b", "[000] 1.000001: a: b"};

static const char *const iolog_lines[] = {
    "x", "1", "1 /f", "1 /f read", "1 /f read 0", "1 /f read 0 0 0", "-1 /f read 0 1",
    "1 /f read 0x 1", "99999999999999999999 /f read 0 1", "1 /f read 0 9223372036854775808",
    "1 /f read 9223372036854775807 1", "1 /f wait 5 0", "1 /f add x", "1 /f read 1.5 1"};

static const char *const fsx_lines[] = {"write", "write 0", "write x y", "skip", "skip skip",
    "write -1 5 0", "write 0x7fffffffffffffff 1 0", "read 0 0xffffffffffffffff 0",
    "mapread 0 0x7fffffffffffffff 0", "write 0 5 0 frob", "truncate 0", "copy_range 0 5",
    "mapwrite 0x7fffffffffffffff 0 0"};

static const char *const csv_lines[] = {"", ",", "read", "read,0", "read,0,-1", "read,-1,0", "frob,0,1",
    "read,9223372036854775807,1", "read,1e3,1", "read,1.5.5,1", "\"read\",0,1", "read,0x,1",
    "read,18446744073709551616,1", "read;0;1"};

static const char *const blk_lines[] = {"7,2", "7,2 0 1 0.1 5 D R 1 + 1", ",2 0 1 0.000000001 5 D R 1 + 1",
    "7,2 0 1 0.000000001 5 D R 1 + 0", "7,2 0 1 0.000000001 5 D R -1 + 8",
    "7,2 0 1 0.000000001 5 C R 99 + 8", "7,2 0 1 9999999999.000000001 5 C R 99 + 8",
    "7,2 0 1 0.000000001 5 D R 1 + 99999999999999999999", "7,2 0 1 0.000000001 5 DDD R 1 + 1"};

static const struct {
    const char *name, *head, *good;
    const char *const *lines;
    size_t n, ops; /* operations of two good ones */
} formats[] = {
    {"ftrace", "", G, ftrace_lines, N(ftrace_lines), 2},
    {"iolog", "fio version 3 iolog\n", "5 /g datasync 0 0\n", iolog_lines, N(iolog_lines), 2},
    {"fsx", "", "fsync 0 0 0\n", fsx_lines, N(fsx_lines), 2},
    {"csv", "op,off,len\n", "fsync,0,0\n", csv_lines, N(csv_lines), 2},
    {"blkparse", "",
     "7,2 0 1 0.000000000 5 D R 223490 + 8 [f]\n7,2 0 1 0.000000009 5 C R 223490 + 8 [0]\n", blk_lines,
     N(blk_lines), 0},
};

static void bad_lines_beside_good_ones(void **state)
{
    size_t cases = 0;

    (void)state;
    for (size_t f = 0; f < N(formats); f++) {
        for (size_t i = 0; i < formats[f].n; i++, cases++) {
            char text[2048];
            struct pcl_trace *t;
            size_t good = 0;
            (void)snprintf(text, sizeof(text), "%s%s%s\n%s", formats[f].head, formats[f].good,
                           formats[f].lines[i], formats[f].good);
            t = parse_ok(text, strlen(text));
            for (size_t k = 0; k < t->n_ops; k++) {
                good += t->ops[k].op == PCL_OP_FSYNC;
                if (t->ops[k].op != PCL_OP_FSYNC && t->ops[k].op != PCL_OP_SYSCALL &&
                    t->ops[k].len > 0)
                    fail_msg("%s: %s", formats[f].name, formats[f].lines[i]);
            }
            if (good != formats[f].ops)
                fail_msg("%s: %zu good ones beside: %s", formats[f].name, good,
                         formats[f].lines[i]);
            pcl_trace_free(t);
        }
    }
    assert_true(cases >= 100);
}

/* Each format cut anywhere, with any byte broken, and with each of its bad lines alone. */
static void cut_and_broken(void **state)
{
    static const char bytes[] = {0, '\n', ' ', ',', ':', '-', '9', '"', '\xff'};

    (void)state;
    for (size_t f = 0; f < N(formats); f++) {
        char text[512], copy[512];
        size_t n = (size_t)snprintf(text, sizeof(text), "%s%s", formats[f].head, formats[f].good);
        struct pcl_trace *t;
        for (size_t cut = 0; cut < n; cut++)
            if (pcl_trace_parse("x", text, cut, &t, NULL) == PCL_OK)
                pcl_trace_free(t);
        for (size_t i = 0; i < n * sizeof(bytes); i++) {
            memcpy(copy, text, n);
            copy[i / sizeof(bytes)] = bytes[i % sizeof(bytes)];
            if (pcl_trace_parse("x", copy, n, &t, NULL) == PCL_OK)
                pcl_trace_free(t);
        }
        for (size_t i = 0; i < formats[f].n; i++)
            if (pcl_trace_parse("x", formats[f].lines[i], strlen(formats[f].lines[i]), &t, NULL) ==
                PCL_OK)
                pcl_trace_free(t);
    }
}

/* n copies of a piece between a head and a tail. */
static struct pcl_trace *many(const char *head, const char *piece, size_t n, const char *tail)
{
    size_t len = strlen(piece), used = strlen(head);
    char *text = malloc(used + len * n + strlen(tail) + 1);
    struct pcl_trace *t;

    assert_non_null(text);
    memcpy(text, head, used);
    for (size_t i = 0; i < n; i++, used += len)
        memcpy(text + used, piece, len);
    memcpy(text + used, tail, strlen(tail) + 1);
    t = parse_ok(text, used + strlen(tail));
    free(text);
    return t;
}

static void long_lines(void **state)
{
    static const char *const pieces[] = {"a", ":", "[0] ", " 1.5", "1", "\"", "(", "|", "fd: 3, "};

    (void)state;
    for (size_t i = 0; i < N(pieces); i++) {
        struct pcl_trace *t = many(G E "sys_pread64(", pieces[i], 200000, ")\n" G);
        assert_true(t->n_ops == 2);
        pcl_trace_free(t);
        t = many("op,off,len\nfsync,0,0\nread,", pieces[i], 200000, "\nfsync,0,0\n");
        assert_true(t->n_ops == 2);
        pcl_trace_free(t);
    }
}

/* Calls, waits and locks that begin and never end, in one thread and in many. */
static void what_never_ends_is_bounded(void **state)
{
    struct pcl_trace *t;

    (void)state;
    t = many(G, E "sys_pread64(fd: 3, buf: 0, count: 1, pos: 0)\n", 20000, G);
    assert_true(t->n_ops == 2 && t->unmatched_unfinished == 20000);
    pcl_trace_free(t);
    t = many(G, E "xfs_ilock: dev 7:1 ino 0x83 flags IOLOCK_EXCL caller x\n", 20000, G);
    assert_true(t->n_locks == 1 && t->locks[0].holds == 0);
    pcl_trace_free(t);
    t = many(G, E "contention_begin: a1 (flags=MUTEX)\n" E "contention_begin: a2 (flags=SPIN)\n", 20000, G);
    assert_true(t->n_locks == 0);
    pcl_trace_free(t);
    t = many(G, E "xfs_read_fault: dev 7:1 ino 0x83 order 0\n", 20000, G);
    assert_true(t->n_ops == 20002);
    pcl_trace_free(t);
    t = many("7,2 0 1 0.000000000 5 D R 1 + 8 [f]\n", "7,2 0 1 0.000000000 5 D R 1 + 8 [f]\n", 20000, "");
    assert_true(t->device_most_open == 1);
    pcl_trace_free(t);
}

static void time_going_backwards(void **state)
{
    static const char ftrace[] = G "gt-9 [000] ..... 0.500000: sys_fsync(fd: 3)\n"
                                   "gt-9 [001] ..... 0.100000: sys_fsync -> 0x0\n",
                      iolog[] = "fio version 3 iolog\n9 /f datasync 0 0\n5 /f datasync 0 0\n";
    struct pcl_trace *t = parse_ok(ftrace, sizeof(ftrace) - 1);

    (void)state;
    assert_true(t->n_ops == 2 && t->time_backwards == 2 && t->ops[1].dur_ns == 0);
    pcl_trace_free(t);
    t = parse_ok(iolog, sizeof(iolog) - 1);
    assert_true(t->n_ops == 2 && t->time_backwards == 1);
    pcl_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lines_beside_good_ones),
        cmocka_unit_test(cut_and_broken),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(what_never_ends_is_bounded),
        cmocka_unit_test(time_going_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
