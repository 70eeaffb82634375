/*
 * The operations that a task can ask for. Traces and scenarios speak of them, paths carry them
 * out. An operation is the user's call; what it locks is said by the paths and the personality.
 */
#ifndef PCLSIM_OP_H
#define PCLSIM_OP_H

/*      id           name          what it is */
#define PCL_OPS(X)                                                                              \
    X(SYSCALL, "syscall", "a call that takes none of the modelled locks (open, lseek, ...)")     \
    X(READ, "read", "buffered read of [off, off + len)")                                        \
    X(WRITE, "write", "buffered write of [off, off + len)")                                     \
    X(DREAD, "dread", "direct read")                                                            \
    X(DWRITE, "dwrite", "direct write")                                                         \
    X(FAULT_READ, "fault", "read fault on the page at off")                                     \
    X(FAULT_WRITE, "wfault", "write fault (page_mkwrite) on the page at off")                    \
    X(FSYNC, "fsync", "write back [off, off + len) and wait; len 0 is the whole file")           \
    X(TRUNCATE, "truncate", "set the file size to off")                                         \
    X(PUNCH, "punch", "fallocate PUNCH_HOLE of [off, off + len)")                               \
    X(ALLOCATE, "allocate", "plain preallocation of [off, off + len)")                          \
    X(PAGE_LOCK, "pagelock", "lock the page at off, hold it, unlock it: the bare page lock")     \
    X(DONTNEED, "dontneed", "madvise DONTNEED: drop this address space's mapping of the range")   \
    X(PAGE_WAIT, "pagewait", "wait until the page at off is unlocked, own nothing, hold a reference") \
    X(PAGE_WAIT_DROP, "pagewaitdrop", "the same without a reference while waiting")            \
    X(PAGE_PAIR, "pagepair", "lock the page at off and, while it is locked, its neighbour in an even-odd pair") \
    X(ZERO, "zero", "fallocate ZERO_RANGE of [off, off + len)")                                 \
    X(COLLAPSE, "collapse", "fallocate COLLAPSE_RANGE: cut [off, off + len) out of the file")   \
    X(INSERT, "insert", "fallocate INSERT_RANGE: a hole of len bytes at off, the rest moves up") \
    X(MMAP, "mmap", "map [off, off + len): a VMA comes; nothing is mapped in yet")               \
    X(MUNMAP, "munmap", "unmap [off, off + len) from this address space")                       \
    X(MPROTECT, "mprotect", "make [off, off + len) of this address space read-only, by a split VMA") \
    X(MIGRATE, "migrate", "move the data of the range's folios to other pages; sync-light: wait for locks, not for write-back") \
    X(MIGRATE_ASYNC, "migrate-async", "the same, waiting for nothing (compaction)")            \
    X(MIGRATE_SYNC, "migrate-sync", "the same, waiting for write-back too")                    \
    X(RECLAIM, "reclaim", "direct reclaim of len bytes of page cache, of whatever file: trylock only") \
    X(KHUGEPAGED, "khugepaged", "make the 512 folios of the 2 MiB around off one large folio")  \
    X(SPLIT, "split", "split the large folios of the range into pages") \
    X(EXCHANGE, "exchange", "exchange [off, off + len) of two files, by their blocks")         \
    X(PAGE_LOCK_KILLABLE, "pagelock-killable", "pagelock whose wait a fatal signal ends; the page is present") \
    X(KILL, "kill", "a fatal signal to task number off, counted from 0 in the order of the groups: its killable waits end, and so does it") \
    X(SYNC_START, "sync-start", "start write-back of [off, off + len) and wait for none (sync_file_range)") \
    X(WRITEBACK_WAIT, "wbwait", "wait until the page at off is not under write-back")           \
    X(RANGE_LOCK, "rangelock", "take the iolock of [off, off + len) exclusive, work, give it back: the bare range lock") \
    X(RANGE_LOCK_SHARED, "rangelock-shared", "the same, shared")

enum pcl_op {
#define X(id, name, what) PCL_OP_##id,
    PCL_OPS(X)
#undef X
        PCL_N_OPS
};

/* Flags of one operation. */
enum pcl_op_flag {
    PCL_OPF_APPEND = 1u << 0,   /* write goes to the end of file, off is where that was */
    PCL_OPF_GUESSED = 1u << 1,  /* off was guessed by the trace reader */
    PCL_OPF_KEEPSIZE = 1u << 2, /* ALLOCATE, ZERO with FALLOC_FL_KEEP_SIZE */
    PCL_OPF_FAILED = 1u << 3,   /* the recorded call returned an error */
    PCL_OPF_DATASYNC = 1u << 4, /* fdatasync, not fsync */
    PCL_OPF_SYNTHETIC = 1u << 5 /* no recorded call: made by a model on request */
};

/** The name of an operation ("read"); never NULL for a valid op. */
const char *pcl_op_name(enum pcl_op op);

/** The operation of a name, or PCL_N_OPS. */
enum pcl_op pcl_op_find(const char *name);

/** One sentence on an operation. */
const char *pcl_op_what(enum pcl_op op);

#endif
