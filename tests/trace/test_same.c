/*
 * One program recorded by strace and by ftrace: the operations agree, up to what each cannot see.
 * strace sees paths and no faults; ftrace sees inodes and faults.
 *
 * The program: open a file, write it (with and without an offset, appending), read it back, map it and
 * sync the mapping, punch, zero, collapse, insert, truncate, fsync, fdatasync, close.
 */
#include "render.h"

static const char by_strace[] =
    "7 1700000100.000001 openat(AT_FDCWD</d>, \"/d/f\", O_RDWR|O_CREAT, 0644) = 3</d/f> <0.000010>\n"
    "7 1700000100.000020 write(3</d/f>, \"\"..., 8192) = 8192 <0.000005>\n"
    "7 1700000100.000030 write(3</d/f>, \"\"..., 100) = 100 <0.000005>\n"
    "7 1700000100.000040 pwrite64(3</d/f>, \"\"..., 4096, 65536) = 4096 <0.000005>\n"
    "7 1700000100.000050 lseek(3</d/f>, 0, SEEK_SET) = 0 <0.000001>\n"
    "7 1700000100.000060 read(3</d/f>, \"\"..., 4096) = 4096 <0.000005>\n"
    "7 1700000100.000070 pread64(3</d/f>, \"\"..., 4096, 8192) = 4096 <0.000005>\n"
    "7 1700000100.000080 mmap(NULL, 16384, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/f>, 0x1000) = "
    "0x7f0000000000 <0.000005>\n"
    "7 1700000100.000100 madvise(0x7f0000001000, 4096, MADV_DONTNEED) = 0 <0.000005>\n"
    "7 1700000100.000110 msync(0x7f0000000000, 16384, MS_SYNC) = 0 <0.000005>\n"
    "7 1700000100.000120 munmap(0x7f0000000000, 16384) = 0 <0.000005>\n"
    "7 1700000100.000130 fallocate(3</d/f>, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 4096, 8192) = 0 "
    "<0.000005>\n"
    "7 1700000100.000140 fallocate(3</d/f>, FALLOC_FL_ZERO_RANGE, 0, 4096) = 0 <0.000005>\n"
    "7 1700000100.000150 fallocate(3</d/f>, FALLOC_FL_COLLAPSE_RANGE, 0, 4096) = 0 <0.000005>\n"
    "7 1700000100.000160 fallocate(3</d/f>, FALLOC_FL_INSERT_RANGE, 0, 4096) = 0 <0.000005>\n"
    "7 1700000100.000170 fallocate(3</d/f>, 0, 0, 8388608) = 0 <0.000005>\n"
    "7 1700000100.000180 fallocate(3</d/f>, 0, 0, 9223372036854775807) = -1 ENOSPC (No space left) "
    "<0.000005>\n"
    "7 1700000100.000190 ftruncate(3</d/f>, 1048576) = 0 <0.000005>\n"
    "7 1700000100.000200 fsync(3</d/f>) = 0 <0.000050>\n"
    "7 1700000100.000260 fdatasync(3</d/f>) = 0 <0.000050>\n"
    "7 1700000100.000320 close(3</d/f>) = 0 <0.000001>\n";

struct event {
    int t_us, dur_us;
    const char *call, *args, *ret, *inside; /* inside: an event of the file system */
};

#define XFS(mode) "xfs_ilock: dev 7:1 ino 0x83 flags IOLOCK_" mode " caller x"

static const struct event events[] = {
    {1, 10, "openat", "dfd: 0xffffff9c, filename: 0x7ffd \"/d/f\", flags: 0x42, mode: 0x1a4", "0x3",
     NULL},
    {20, 5, "write", "fd: 3, buf: 0x7f, count: 0x2000", "0x2000", XFS("EXCL")},
    {30, 5, "write", "fd: 3, buf: 0x7f, count: 0x64", "0x64", XFS("EXCL")},
    {40, 5, "pwrite64", "fd: 3, buf: 0x7f, count: 0x1000, pos: 0x10000", "0x1000", XFS("EXCL")},
    {50, 1, "lseek", "fd: 3, offset: 0, whence: 0", "0x0", NULL},
    {60, 5, "read", "fd: 3, buf: 0x7f, count: 0x1000", "0x1000", XFS("SHARED")},
    {70, 5, "pread64", "fd: 3, buf: 0x7f, count: 0x1000, pos: 0x2000", "0x1000", XFS("SHARED")},
    {80, 5, "mmap", "addr: 0, len: 0x4000, prot: 3, flags: 1, fd: 3, off: 0x1000", "0x7f0000000000",
     NULL},
    {90, 0, NULL, NULL, NULL, "mm_filemap_fault: dev=7:1 ino=83 ofs=8192"},
    {100, 5, "madvise", "start: 0x7f0000001000, len_in: 0x1000, behavior: 4", "0x0", NULL},
    {110, 5, "msync", "start: 0x7f0000000000, len: 0x4000, flags: 4", "0x0", NULL},
    {120, 5, "munmap", "addr: 0x7f0000000000, len: 0x4000", "0x0", NULL},
    {130, 5, "fallocate", "fd: 3, mode: 3, offset: 0x1000, len: 0x2000", "0x0", XFS("EXCL")},
    {140, 5, "fallocate", "fd: 3, mode: 0x10, offset: 0, len: 0x1000", "0x0", XFS("EXCL")},
    {150, 5, "fallocate", "fd: 3, mode: 8, offset: 0, len: 0x1000", "0x0", XFS("EXCL")},
    {160, 5, "fallocate", "fd: 3, mode: 0x20, offset: 0, len: 0x1000", "0x0", XFS("EXCL")},
    {170, 5, "fallocate", "fd: 3, mode: 0, offset: 0, len: 0x800000", "0x0", XFS("EXCL")},
    {180, 5, "fallocate", "fd: 3, mode: 0, offset: 0, len: 0x7fffffffffffffff",
     "0xffffffffffffffe4", XFS("EXCL")},
    {190, 5, "ftruncate", "fd: 3, length: 0x100000", "0x0", XFS("EXCL")},
    {200, 50, "fsync", "fd: 3", "0x0", "xfs_file_fsync: dev 7:1 ino 0x83 iflags 0x0"},
    {260, 50, "fdatasync", "fd: 3", "0x0", "xfs_file_fsync: dev 7:1 ino 0x83 iflags 0x0"},
    {320, 1, "close", "fd: 3", "0x0", NULL},
};

enum printer { TRACEFS, TRACE_CMD, PERF };

static void one_line(FILE *f, enum printer how, int us, const char *event)
{
    if (how == TRACEFS)
        (void)fprintf(f, "  gt-7  [000] .....  100.%06d: %s\n", us, event);
    else if (how == TRACE_CMD)
        (void)fprintf(f, "  gt-7 [000]  100.%06d: %s\n", us, event);
    else
        (void)fprintf(f, "gt 7 [000] 100.%06d: x:%s\n", us, event);
}

/* What the printer would have made of the events; names: whether openat shows its path. */
static char *by_ftrace(enum printer how, bool names, size_t *n)
{
    char *text = NULL, line[256];
    FILE *f = open_memstream(&text, n);

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        const struct event *e = &events[i];
        const char *quote = e->args ? strchr(e->args, '"') : NULL;
        if (e->call) {
            (void)snprintf(line, sizeof(line), how == TRACEFS ? "sys_%s(%s)" : "sys_enter_%s: %s",
                           e->call, e->args);
            if (quote && !names) { /* older kernels print the pointer only */
                char *from = strchr(line, '"') - 1;
                memmove(from, strchr(from + 2, '"') + 1, strlen(strchr(from + 2, '"')));
            }
            one_line(f, how, e->t_us, line);
        }
        if (e->inside)
            one_line(f, how, e->t_us, e->inside);
        if (e->call) {
            (void)snprintf(line, sizeof(line), how == TRACEFS ? "sys_%s -> %s" : "sys_exit_%s: %s",
                           e->call, e->ret);
            one_line(f, how, e->t_us + e->dur_us, line);
        }
    }
    (void)fclose(f);
    return text;
}

static bool is_fault(const struct pcl_trace_op *op)
{
    return op->op == PCL_OP_FAULT_READ || op->op == PCL_OP_FAULT_WRITE;
}

/* All but faults, and but the open when its path does not show. */
static void assert_same_operations(const struct pcl_trace *a, const struct pcl_trace *b,
                                   bool names)
{
    size_t i = names ? 0 : 1, k = 0;

    for (; k < b->n_ops; k++) {
        struct pcl_trace_op x, y = b->ops[k];
        if (is_fault(&y))
            continue;
        assert_true(i < a->n_ops);
        x = a->ops[i++];
        if (x.op != y.op || x.off != y.off || x.len != y.len || x.dur_ns != y.dur_ns ||
            (!names && y.flags & PCL_OPF_GUESSED ? false : x.flags != y.flags))
            fail_msg("%zu: %s %lld+%lld, %s %lld+%lld", i, pcl_op_name((enum pcl_op)x.op),
                     (long long)x.off, (long long)x.len, pcl_op_name((enum pcl_op)y.op),
                     (long long)y.off, (long long)y.len);
        if (names && x.t_ns != y.t_ns)
            fail_msg("%s at %lld, %s at %lld", pcl_op_name((enum pcl_op)x.op), (long long)x.t_ns,
                     pcl_op_name((enum pcl_op)y.op), (long long)y.t_ns);
    }
    assert_true(i == a->n_ops);
}

static void strace_and_ftrace_agree(void **state)
{
    struct pcl_trace *a = parse_ok(by_strace, sizeof(by_strace) - 1);

    (void)state;
    assert_true(a->n_ops == 21 && a->n_skips == 0);
    for (unsigned how = TRACEFS; how <= PERF; how++) {
        for (unsigned names = 0; names < 2; names++) {
            size_t n, faults = 0;
            char *text = by_ftrace((enum printer)how, names, &n);
            struct pcl_trace *b = parse_ok(text, n);
            for (size_t i = 0; i < b->n_ops; i++)
                faults += is_fault(&b->ops[i]);
            assert_true(faults == 1 && a->n_inodes == 1);
            assert_same_operations(a, b, names);
            /* what strace cannot see, and what one without paths cannot */
            assert_true((b->evidence & PCL_HAS_FAULTS) && !(a->evidence & PCL_HAS_FAULTS));
            assert_string_equal(a->inodes[0].path, "/d/f");
            assert_string_equal(b->inodes[0].path, names ? "/d/f" : "dev 7:1 ino 131");
            assert_true(b->n_inodes == 1);
            pcl_trace_free(b);
            free(text);
        }
    }
    pcl_trace_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(strace_and_ftrace_agree)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
