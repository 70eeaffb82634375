/*
 * ftrace text: three printers, the notations of one inode, which file a call is on, page faults
 * told by several events, and the waits and holds that lock events measure.
 */
#include "render.h"

#define FOLDER PCLSIM_SOURCE_DIR "/workloads/traces/"
#define T "  gt-7   [000] .....   1.00000" /* tracefs */
#define P "gt 7 [000]     1.00000"         /* perf */

static struct pcl_trace *read_sample(const char *name)
{
    struct pcl_trace *t = NULL;
    struct pcl_err err;
    char path[4096];

    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    if (pcl_trace_read(path, &t, &err) != PCL_OK)
        fail_msg("%s: %s", path, err.msg);
    return t;
}

static void three_printers_and_many_columns(void **state)
{
    static const char *const lines[][2] = {
        {"gt-7 [000] ..... 1.000001: sys_pread64(fd: 3, buf: 0x7ff, count: 0x1000, pos: 0x2000)\n",
         "gt-7 [000] d..1. 1.000004: sys_pread64 -> 0x1000\n"},
        {"gt-7 ( 5) [000] ..... 1.000001: sys_pread64(fd: 3, buf: 0, count: 9, pos: 0x2000)\n",
         "gt-7 (-------) [000] 1.000004: sys_pread64 -> 0x1000\n"},
        {"a b-c: 1-7  [000]  1.000001: sys_enter_pread64: fd: 0x00000003, buf: 0x0, count: 0x0, "
         "pos: 0x00002000\n",
         "a b-c: 1-7  [000]  1.000004: sys_exit_pread64: 0x1000\r\n"},
        {"gt-7  0d..1.  1.000001000: sys_enter_pread64: fd: 0x3, buf: 0x0, count: 0x0, pos: 8192\n",
         "gt-7  0.....  1.000004000: sys_exit_pread64: 4096\n"},
        {"kworker/0:2-eve 7 [000] 1.000001: syscalls:sys_enter_pread64: fd: 0x3, buf: 0, count: 0, "
         "pos: 0x2000\n",
         "kworker/0:2-eve 7 [000] 1.000004: syscalls:sys_exit_pread64: 0x1000\n"},
        {"gt-7 [000] ..... 1.000001: sys_enter: NR 17 (3, 7ffd01, 1000, 2000, 0, 0)\n",
         "gt-7 [000] ..... 1.000004: sys_exit: NR 17 = 4096\n"},
        {"gt 7 [000] 1.000001: raw_syscalls:sys_enter: NR 17 (3, 7ffd01, 1000, 2000, 0, 0)\n",
         "gt 7 [000] 1.000004: raw_syscalls:sys_exit: NR 17 = 4096\n"},
        {"gt 7 [000] 1.000001:  1 syscalls:sys_enter_pread64: fd: 3, buf: 0, count: 0, pos: 8192\n",
         "gt 7 [000] 1.000004:  1 syscalls:sys_exit_pread64: 0x1000\n"},
        {"7 [000] 1.000001: syscalls:sys_enter_pread64: fd: 3, buf: 0, count: 0, pos: 8192 7f3aa1 "
         "pread+0x1 (/lib/c)\n",
         "7 [000] 1.000004: syscalls:sys_exit_pread64: 0x1000 7f3aa1 pread+0x1 (/lib/c)\n"},
        {" 5/7 [000] 1.000001: syscalls:sys_enter_pread64: fd: 3, buf: 0, count: 0, pos: 8192\n",
         " 5/7 [000] 1.000004: syscalls:sys_exit_pread64: 0x1000\n"},
        {"<...>-7  0d..1. 1000001us : sys_pread64(fd: 3, buf: 0, count: 0, pos: 8192)\n",
         "<...>-7  0..... 1000004us+: sys_pread64 -> 0x1000\n"},
        {"cpus=2\ngt-7  [000]  1.000001: sys_enter_pread64: fd: 3, buf: 0, count: 0, pos: 8192\n",
         "gt-7  [000]  1.000004: sys_exit_pread64: 0x1000\n"},
        {"gt  5/7  1.000001: syscalls:sys_enter_pread64: fd: 3, buf: 0, count: 0, pos: 0x2000\n",
         "gt  5/7  1.000004: syscalls:sys_exit_pread64: 0x1000\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[512], *got;
        struct pcl_trace *t;
        (void)snprintf(text, sizeof(text), "%s%s", lines[i][0], lines[i][1]);
        t = parse_ok(text, strlen(text));
        got = render(t, RENDER_TIMES | RENDER_OPS | RENDER_SKIPS);
        if (!strstr(got, "0+3000 read fd 3 of ") || !strstr(got, " 8192+4096\n") ||
            t->threads[0].tid != 7)
            fail_msg("%s%s", text, got);
        free(got);
        pcl_trace_free(t);
    }
}

static void which_file_a_call_is_on(void **state)
{
    static const struct rule rules[] = {
        {"one inode in three notations",
         T "1: sys_pread64(fd: 3, buf: 0, count: 0x10, pos: 0)\n"
         T "2: xfs_ilock: dev 7:1 ino 0x83 flags IOLOCK_SHARED caller x+0x1/0x2\n"
         T "3: xfs_iunlock: dev 7:1 ino 0x83 flags IOLOCK_SHARED caller x+0x1/0x2\n"
         T "4: sys_pread64 -> 0x10\n"
         T "5: sys_pread64(fd: 4, buf: 0, count: 0x10, pos: 0x10)\n"
         T "6: mm_filemap_add_to_page_cache: dev 7:1 ino 83 pfn=0x19359d ofs=0 order=0\n"
         T "7: sys_pread64 -> 0x10\n"
         T "8: sys_pwrite64(fd: 5, buf: 0, count: 0x10, pos: 0x20)\n"
         T "8: ext4_da_write_begin: dev 7,1 ino 131 pos 32 len 16\n"
         T "9: sys_pwrite64 -> 0x10\n",
         "read dev 7:1 ino 131 0+16\nread dev 7:1 ino 131 16+16\nwrite dev 7:1 ino 131 32+16\n"},
        {"the page cache before large folios printed page= and no order",
         T "1: sys_pread64(fd: 3, buf: 0, count: 0x10, pos: 0)\n"
         T "2: mm_filemap_add_to_page_cache: dev 7:1 ino 83 page=00000000ab pfn=12 ofs=0\n"
         T "3: sys_pread64 -> 0x10\n",
         "read dev 7:1 ino 131 0+16\n"},
        {"a fault on the buffer does not say which file is read",
         T "1: sys_pread64(fd: 3, buf: 0, count: 0x10, pos: 0)\n"
         T "2: mm_filemap_fault: dev=8:1 ino=55 ofs=8192\n"
         T "3: mm_filemap_add_to_page_cache: dev 8:1 ino 55 pfn=0x1 ofs=8192 order=0\n"
         T "4: sys_pread64 -> 0x10\n",
         "read fd 3 of 7 0+16\nfault dev 8:1 ino 85 8192+4096\n"},
        {"page cache evidence speaks for earlier calls on the descriptor as well",
         T "1: sys_pread64(fd: 3, buf: 0, count: 0x10, pos: 0)\n"
         T "2: sys_pread64 -> 0x10\n"
         T "3: sys_pread64(fd: 3, buf: 0, count: 0x10, pos: 0)\n"
         T "4: mm_filemap_add_to_page_cache: dev 8:1 ino 55 pfn=0x1 ofs=8192 order=0\n"
         T "5: sys_pread64 -> 0x10\n",
         "read dev 8:1 ino 85 0+16\nread dev 8:1 ino 85 0+16\n"},
        {"XFS says so in each call: one without was on another file",
         T "1: sys_pread64(fd: 3, buf: 0, count: 0x10, pos: 0)\n"
         T "2: sys_pread64 -> 0x10\n"
         T "3: sys_pread64(fd: 3, buf: 0, count: 0x10, pos: 0)\n"
         T "4: xfs_ilock: dev 7:1 ino 0x83 flags IOLOCK_SHARED caller x\n"
         T "5: sys_pread64 -> 0x10\n",
         "read fd 3 of 7 0+16\nread dev 7:1 ino 131 0+16\n"},
        {"newer kernels print the path",
         T "1: sys_openat(dfd: 0xffffff9c, filename: 0x7ffd \"/data/x, y\", flags: 0x2, mode: 0)\n"
         T "2: sys_openat -> 0x3\n"
         T "3: sys_pwrite64(fd: 3, buf: 0, count: 0x10, pos: 0)\n"
         T "4: xfs_ilock: dev 7:1 ino 0x83 flags IOLOCK_EXCL caller x\n"
         T "5: sys_pwrite64 -> 0x10\n"
         T "6: mm_filemap_fault: dev=7:1 ino=83 ofs=0\n",
         "syscall /data/x, y\nwrite /data/x, y 0+16\nfault /data/x, y 0+4096\n"},
        {"position, O_DIRECT and appends are told by XFS",
         T "1: sys_write(fd: 3, buf: 0, count: 0x10)\n"
         T "2: xfs_ilock: dev 7:1 ino 0x83 flags IOLOCK_EXCL caller x\n"
         T "2: xfs_file_buffered_write: dev 7:1 ino 0x83 disize 0x0 pos 0x800 bytecount 0x10\n"
         T "3: sys_write -> 0x10\n"
         T "4: sys_write(fd: 3, buf: 0, count: 0x10)\n"
         T "5: sys_write -> 0x10\n"
         T "6: sys_pread64(fd: 9, buf: 0, count: 0x1000, pos: 0)\n"
         T "7: xfs_file_direct_read: dev 7:1 ino 0x90 disize 0x0 pos 0x0 bytecount 0x1000\n"
         T "8: sys_pread64 -> 0x1000\n",
         "write dev 7:1 ino 131 2048+16\nwrite dev 7:1 ino 131 2064+16\ndread dev 7:1 ino 144 0+4096\n"},
        {"lengths and offsets up to 2^63-1, modes, errors",
         T "1: sys_fallocate(fd: 3, mode: 3, offset: 0x1000, len: 0x7fffffffffffe000)\n"
         T "2: sys_fallocate -> 0x0\n"
         T "3: sys_ftruncate(fd: 3, length: 0x7fffffffffffffff)\n"
         T "4: sys_ftruncate -> 0xffffffffffffffe4\n"
         T "5: sys_fdatasync(fd: 3)\n"
         T "6: sys_fdatasync -> 0x0\n",
         "punch fd 3 of 7 4096+9223372036854767616\n"
         "truncate fd 3 of 7 9223372036854775807+0 failed\nfsync fd 3 of 7 0+0 datasync\n"},
        {"mappings, by descriptor and address",
         T "1: sys_mmap(addr: 0, len: 0x4000, prot: 3, flags: 1, fd: 3, off: 0x1000)\n"
         T "2: sys_mmap -> 0x7f0000000000\n"
         T "3: sys_madvise(start: 0x7f0000001000, len_in: 0x1000, behavior: 4)\n"
         T "4: sys_madvise -> 0x0\n"
         T "5: sys_msync(start: 0x7f0000000000, len: 0x4000, flags: 4)\n"
         T "6: sys_msync -> 0x0\n",
         "mmap fd 3 of 7 4096+16384\ndontneed fd 3 of 7 8192+4096\nfsync fd 3 of 7 4096+16384\n"},
    };

    (void)state;
    CHECK_RULES(rules, RENDER_OPS);
}

static void faults_are_told_by_several_events(void **state)
{
    static const struct rule rules[] = {
        {"a read fault: the file system first, then the page cache",
         T "1: xfs_read_fault: dev 7:1 ino 0x83 order 0\n"
         T "2: mm_filemap_fault: dev=7:1 ino=83 ofs=12288\n",
         "fault dev 7:1 ino 131 12288+4096\n"},
        {"a write fault makes the page writable behind the read",
         T "1: xfs_read_fault: dev 7:1 ino 0x83 order 0\n"
         T "2: mm_filemap_fault: dev=7:1 ino=83 ofs=12288\n"
         T "3: xfs_write_fault: dev 7:1 ino 0x83 order 0\n",
         "wfault dev 7:1 ino 131 12288+4096\n"},
        {"a write to a page mapped for reading has no offset: the thread's last one there",
         T "1: mm_filemap_fault: dev=7:1 ino=83 ofs=12288\n"
         T "2: sys_getpid()\n" T "3: sys_getpid -> 0x7\n"
         T "4: xfs_write_fault: dev 7:1 ino 0x83 order 0\n",
         "fault dev 7:1 ino 131 12288+4096\nwfault dev 7:1 ino 131 12288+4096 guessed\n"
         "2 call without a file\n"},
        {"older kernels have one event with a flag",
         T "1: xfs_filemap_fault: dev 7:1 ino 0x83 PTE write_fault 1\n"
         T "2: mm_filemap_fault: dev=7:1 ino=83 ofs=0\n",
         "wfault dev 7:1 ino 131 0+4096\n"},
        {"pages mapped around a fault: the range, not the place",
         T "1: mm_filemap_map_pages: dev=7:1 ino=83 ofs=4096-69631\n"
         T "2: mm_filemap_map_pages: dev=7:1 ino=83 ofs=131072-196607\n"
         T "3: mm_filemap_fault: dev=7:1 ino=83 ofs=135168\n",
         "fault dev 7:1 ino 131 4096+4096 guessed\nfault dev 7:1 ino 131 135168+4096\n"},
    };

    (void)state;
    CHECK_RULES(rules, RENDER_OPS | RENDER_SKIPS);
}

#define DROP(a) T "1: sys_madvise(start: " a ", len_in: 0x1000, behavior: 4)\n" \
                T "1: sys_madvise -> 0x0\n"
#define FAULT(ofs) T "2: mm_filemap_fault: dev=7:1 ino=83 ofs=" ofs "\n"

/* Three faults that agree say where a file is mapped; two do not, nor do they speak for addresses
 * beyond those that were seen. */
static void what_is_dropped_shows_in_the_faults(void **state)
{
    static const struct rule rules[] = {
        {"three agree", DROP("0x7f0000001000") FAULT("0") DROP("0x7f0000003000") FAULT("8192")
                        DROP("0x7f0000002000") DROP("0x7f0000005000") FAULT("16384")
                        DROP("0x7f0000006000"),
         "dontneed dev 7:1 ino 131 0+4096 guessed\nfault dev 7:1 ino 131 0+4096\n"
         "dontneed dev 7:1 ino 131 8192+4096 guessed\nfault dev 7:1 ino 131 8192+4096\n"
         "dontneed dev 7:1 ino 131 4096+4096 guessed\n"
         "dontneed dev 7:1 ino 131 16384+4096 guessed\nfault dev 7:1 ino 131 16384+4096\n"
         "2 madvise of memory whose file is not known\n"},
        {"two do not", DROP("0x7f0000001000") FAULT("0") DROP("0x7f0000003000") FAULT("8192"),
         "fault dev 7:1 ino 131 0+4096\nfault dev 7:1 ino 131 8192+4096\n"
         "4 madvise of memory whose file is not known\n"},
    };

    (void)state;
    CHECK_RULES(rules, RENDER_OPS | RENDER_SKIPS);
}

static void every_line_has_a_place(void **state)
{
    static const struct rule rules[] = {
        {"headers, lost events, stacks, schedulers, unknown and foreign lines",
         "# tracer: nop\n#\n" T "1: sys_fsync(fd: 3)\n" T "1: <stack trace>\n => vfs_fsync\n\n"
         "CPU:0 [LOST 12 EVENTS]\n" T "2: sys_fsync -> 0x0\n"
         T "3: sched_wakeup: comm=x pid=5 prio=120 target_cpu=000\n"
         T "4: foo_bar: a=1\n" T "5: writeback_dirty_folio: bdi 7:2: ino=131 index=0\n"
         "hello\n" T "6: mm_filemap_fault: dev=7:1 ino=83 ofs=x\n"
         T "7: sys_fsync(fd: 3)\n",
         "2 header\n2 stack trace\n2 unfinished without end\n1 arguments not understood\n1 blank\n"
         "1 effect, simulated anew: writeback\n1 end of a call without begin\n"
         "1 event not used: foo_bar\n1 events lost here\n1 not an ftrace line\n1 scheduler event\n"},
    };
    struct pcl_trace *t;

    (void)state;
    CHECK_RULES(rules, RENDER_OPS | RENDER_SKIPS);
    t = parse_ok(rules[0].text, strlen(rules[0].text));
    assert_true(t->evidence & PCL_LOSSY);
    pcl_trace_free(t);
}

static const struct pcl_trace_lock *lock_of(const struct pcl_trace *t, const char *name,
                                            char mode)
{
    for (size_t i = 0; i < t->n_locks; i++) {
        if (strcmp(t->locks[i].name, name) == 0 && t->locks[i].mode == mode)
            return &t->locks[i];
    }
    fail_msg("no row %s %c", name, mode);
    return NULL;
}

#define ILOCK(ts, tid, ev, flags)                                                               \
    "gt-" tid " [000] ..... 1.0000" ts ": xfs_" ev ": dev 7:1 ino 0x83 flags " flags " caller x\n"
#define BEGIN(ts, tid, addr, flags)                                                             \
    "gt-" tid " [000] ..... 1.0000" ts ": contention_begin: " addr " (flags=" flags ")\n"
#define END(ts, tid, addr)                                                                      \
    "gt-" tid " [000] ..... 1.0000" ts ": contention_end: " addr " (ret=0)\n"

/* xfs_ilock comes before the lock is taken: a wait is no part of the hold. */
static void a_hold_begins_where_the_wait_ends(void **state)
{
    static const char text[] =
        ILOCK("00", "7", "ilock", "IOLOCK_SHARED") BEGIN("01", "7", "00000000a1", "READ")
        ILOCK("30", "8", "iunlock", "IOLOCK_EXCL") END("31", "7", "00000000a1")
        ILOCK("36", "7", "iunlock", "IOLOCK_SHARED");
    struct pcl_trace *t = parse_ok(text, sizeof(text) - 1);
    const struct pcl_trace_lock *l = lock_of(t, "iolock", 'S');

    (void)state;
    assert_true(t->n_locks == 1 && l->all && l->acquisitions == 1 && l->contentions == 1);
    assert_true(l->wait_total == 30000 && l->wait_max == 30000 && l->wait_min == 30000);
    assert_true(l->holds == 1 && l->hold_total == 5000);
    pcl_trace_free(t);
}

static void one_event_may_take_several_locks(void **state)
{
    static const char text[] =
        ILOCK("00", "7", "ilock", "IOLOCK_EXCL|MMAPLOCK_EXCL|0x5000000")
        BEGIN("00", "7", "a1", "WRITE") END("10", "7", "a1")
        BEGIN("11", "7", "a2", "WRITE") END("31", "7", "a2")
        ILOCK("40", "7", "iunlock", "MMAPLOCK_EXCL") ILOCK("50", "7", "iunlock", "IOLOCK_EXCL");
    struct pcl_trace *t = parse_ok(text, sizeof(text) - 1);

    (void)state;
    assert_true(lock_of(t, "iolock", 'X')->wait_total == 10000);
    assert_true(lock_of(t, "iolock", 'X')->hold_total == 40000);
    assert_true(lock_of(t, "invalidate", 'X')->wait_total == 20000);
    assert_true(lock_of(t, "invalidate", 'X')->hold_total == 9000);
    pcl_trace_free(t);
}

static void tries_mutexes_and_interrupts(void **state)
{
    static const char text[] =
        /* a try, and the blocking request that shows it had failed */
        ILOCK("00", "7", "ilock_nowait", "ILOCK_EXCL") ILOCK("01", "7", "ilock", "ILOCK_EXCL")
        /* an interrupt on top of the wait */
        BEGIN("02", "7", "b1", "WRITE") BEGIN("03", "7", "c1", "SPIN") END("04", "7", "c1")
        END("12", "7", "b1") ILOCK("14", "7", "iunlock", "ILOCK_EXCL")
        /* a mutex spins, then sleeps: one wait with one end */
        BEGIN("20", "7", "d1", "MUTEX|SPIN") BEGIN("22", "7", "d1", "MUTEX") END("29", "7", "d1")
        /* a demoted lock is held on */
        ILOCK("30", "7", "ilock", "IOLOCK_EXCL") ILOCK("33", "7", "ilock_demote", "IOLOCK_EXCL")
        ILOCK("38", "7", "iunlock", "IOLOCK_SHARED");
    struct pcl_trace *t = parse_ok(text, sizeof(text) - 1);
    const struct pcl_trace_lock *l = lock_of(t, "ilock", 'X');

    (void)state;
    assert_true(l->acquisitions == 1 && l->trylock_failures == 1 && l->hold_total == 2000);
    assert_true(l->wait_total == 10000 && lock_of(t, "spinlock", 'X')->wait_total == 1000);
    assert_true(lock_of(t, "mutex", 'X')->contentions == 1);
    assert_true(lock_of(t, "mutex", 'X')->wait_total == 9000);
    assert_true(lock_of(t, "iolock", 'X')->hold_total == 3000);
    assert_true(lock_of(t, "iolock", 'S')->hold_total == 5000);
    pcl_trace_free(t);
}

static void what_a_folio_waiter_sleeps_on_is_in_its_stack(void **state)
{
    static const char text[] =
        P "1: sched:sched_switch: prev_comm=gt prev_pid=7 prev_prio=120 prev_state=D ==> "
          "next_comm=swapper/0 next_pid=0 next_prio=120\n"
          "\tffffffff81000001 __schedule+0x1 ([kernel.kallsyms])\n"
          "\tffffffff81000002 folio_wait_bit_common+0x9 ([kernel.kallsyms])\n"
          "\tffffffff81000003 filemap_fault+0x9 ([kernel.kallsyms])\n\n"
          "swapper 0 [000] 1.000008: sched:sched_switch: prev_comm=swapper/0 prev_pid=0 "
          "prev_prio=120 prev_state=R ==> next_comm=gt next_pid=7 next_prio=120\n";
    struct pcl_trace *t = parse_ok(text, sizeof(text) - 1);

    (void)state;
    assert_true(lock_of(t, "page", 'X')->contentions == 1);
    assert_true(lock_of(t, "page", 'X')->wait_total == 7000);
    assert_false(lock_of(t, "page", 'X')->all);
    pcl_trace_free(t);
}

/* What a hole swallowed is not made up. */
static void lost_events_end_nothing(void **state)
{
    static const char text[] =
        ILOCK("00", "7", "ilock", "IOLOCK_EXCL") BEGIN("01", "7", "a1", "WRITE")
        "CPU:0 [99 EVENTS DROPPED]\n"
        END("50", "7", "a1") ILOCK("60", "7", "iunlock", "IOLOCK_EXCL");
    struct pcl_trace *t = parse_ok(text, sizeof(text) - 1);
    const struct pcl_trace_lock *l = lock_of(t, "iolock", 'X');

    (void)state;
    assert_true(l->contentions == 0 && l->holds == 0 && l->acquisitions == 1);
    pcl_trace_free(t);
}

static void recordings_are_accounted_for(void **state)
{
    struct pcl_trace *t = read_sample("read-write.ftrace.txt.gz");
    char *skips = render(t, RENDER_SKIPS);

    (void)state;
    assert_string_equal(skips, "34 effect, simulated anew: page cache\n"
                               "16 madvise of memory whose file is not known\n12 header\n"
                               "2 call without a file\n");
    free(skips);
    assert_true(t->lines_read == 18052 && t->n_ops == 4481 && t->guessed_offsets == 0);
    assert_true(inode_of(t, "dev 7:1 ino 132", 0)->n_ops == 4473);
    assert_true(lock_of(t, "iolock", 'S')->acquisitions == 4454);
    assert_true(lock_of(t, "iolock", 'S')->contentions == 8);
    assert_true(lock_of(t, "iolock", 'X')->acquisitions == 20);
    pcl_trace_free(t);

    t = read_sample("fault-punch.trace-cmd.txt.gz");
    skips = render(t, RENDER_SKIPS);
    assert_string_equal(skips, "104 effect, simulated anew: page cache\n"
                               "12 madvise of memory whose file is not known\n"
                               "2 call without a file\n");
    free(skips);
    assert_true(t->lines_read == 3053 && t->n_ops == 835 && t->guessed_offsets == 558);
    for (size_t i = 0; i < t->n_ops; i++) { /* the program dropped pages of one 64 KiB only */
        if (t->ops[i].op == PCL_OP_DONTNEED)
            assert_true(t->ops[i].off < 65536 && t->ops[i].len == 4096 &&
                        strcmp(t->inodes[t->ops[i].inode].path, "dev 7:1 ino 131") == 0);
    }
    assert_true(lock_of(t, "invalidate", 'S')->contentions == 20);
    assert_true(lock_of(t, "invalidate", 'X')->contentions == 11);
    assert_true(lock_of(t, "spinlock", 'X')->contentions == 573);
    pcl_trace_free(t);

    t = read_sample("read-write.perf-script.txt.gz");
    assert_true(t->lines_read == 32337 && t->n_ops == 0 && t->n_skips == 2);
    assert_true(lock_of(t, "iolock", 'S')->acquisitions == 1229);
    assert_true(lock_of(t, "mmap", 'S')->contentions == 3); /* the stacks say which rwsem */
    pcl_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_printers_and_many_columns),
        cmocka_unit_test(which_file_a_call_is_on),
        cmocka_unit_test(faults_are_told_by_several_events),
        cmocka_unit_test(what_is_dropped_shows_in_the_faults),
        cmocka_unit_test(every_line_has_a_place),
        cmocka_unit_test(a_hold_begins_where_the_wait_ends),
        cmocka_unit_test(one_event_may_take_several_locks),
        cmocka_unit_test(tries_mutexes_and_interrupts),
        cmocka_unit_test(what_a_folio_waiter_sleeps_on_is_in_its_stack),
        cmocka_unit_test(lost_events_end_nothing),
        cmocka_unit_test(recordings_are_accounted_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
