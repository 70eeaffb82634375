/*
 * Private to the ftrace reader: its state, what a thread is in the middle of, and the parts
 * that turn system calls, page faults and lock events into operations and measurements.
 */
#ifndef PCLSIM_TRACE_FTRACE_H
#define PCLSIM_TRACE_FTRACE_H

#include "ftrace_line.h"
#include "ftrace_lock.h"
#include "strace.h"

/* The text of one call's arguments where a number has to be written anew. */
#define FTRACE_ARG 24

struct ftrace_thread {
    int64_t key; /* its tid; the idle tasks, which share tid 0, by CPU */
    int64_t cpu; /* where it was seen last */
    pcl_ns last_ns;
    struct task *task; /* NULL before its first call or fault */
    struct lock_thread lock;
    /* the call that it is in */
    char *text; /* its line's, which name and arguments point into */
    size_t text_cap;
    char args[STRACE_MAX_ARGS][FTRACE_ARG];
    struct lock_inode inode; /* which file the call is on, by events inside it */
    bool proven, likely;     /* by an event of the file system, of the page cache */
    bool direct;             /* and how */
    int64_t pos;             /* and where, -1 unknown */
    uint64_t dropped; /* address of its last MADV_DONTNEED on an unknown mapping, 0 none */
    /* a page fault that may not be told to its end */
    struct {
        struct lock_inode inode;
        pcl_ns t_ns;
        int64_t off; /* -1 unknown */
        uint32_t line;
        unsigned lines; /* 0: none */
        bool write, around;
    } fault;
};

/* How a file without a path is known. */
enum ftrace_guess {
    GUESS_INODE = 1, /* by device and inode number */
    GUESS_CALL, /* by a descriptor that was read, written ... and nothing showed its inode */
    GUESS_MAP   /* by a descriptor that was mapped: nothing can show */
};

/* ftrace_infer.c: what MADV_DONTNEED was on, and where files seem to be mapped. */
#define FTRACE_DROP (PCL_NONE - 1) /* in place of a file: off is an address */

struct ftrace_place {
    uint64_t base, lo, hi; /* the file's first byte; addresses that spoke for it */
    uint64_t votes;
    uint32_t file;
};

struct ftrace_infer {
    size_t n_places;
    struct ftrace_place *places;
    struct map by_place;
};

struct ftrace {
    struct strace s; /* files, tasks and calls are the same thing here as there */
    struct tb b;
    struct locks locks;
    struct ftrace_infer infer;
    struct map by_key;          /* thread key -> struct ftrace_thread * */
    struct map by_inode;        /* hashed (dev, ino) -> file */
    struct map alias;           /* file that turned out to be another one -> that one */
    struct map guessed;         /* files without a path -> enum ftrace_guess */
    struct map last_fault;      /* file and task -> where it faulted last */
    struct ftrace_thread *last; /* of the line before: a stack belongs to it */
    uint64_t recognised, lost_events, serial;
    pcl_ns first_ns, latest_ns;
    bool nameless, counter, started, tgids, calls, faults, writeback, durations;
};

/* ftrace.c */
struct task *ftrace_task(struct ftrace *r, struct ftrace_thread *t, int64_t tgid);

/* ftrace_call.c */
void ftrace_enter(struct ftrace *r, struct ftrace_thread *t, const struct ftrace_line *l,
                  uint32_t number);
void ftrace_exit(struct ftrace *r, struct ftrace_thread *t, const struct ftrace_line *l);
void ftrace_no_exit(struct ftrace *r, struct ftrace_thread *t);

/* ftrace_event.c */

/** What an event other than a system call says. NULL: the line is used; FTRACE_LATER: it
 * belongs to an operation that is not told to its end; else why it is skipped. */
const char *ftrace_event(struct ftrace *r, struct ftrace_thread *t, const struct ftrace_line *l,
                         uint32_t number);
void ftrace_flush_fault(struct ftrace *r, struct ftrace_thread *t);
extern const char FTRACE_LATER[];

/* ftrace_infer.c */
void ftrace_dropped(struct ftrace *r, struct ftrace_thread *t, const struct call *c,
                    uint64_t addr, uint64_t len);
void ftrace_faulted(struct ftrace *r, struct ftrace_thread *t, uint32_t file, int64_t off);
void ftrace_elect(struct ftrace *r); /* when everything has been read */
/** The file of an operation on FTRACE_DROP, or why it has none. */
const char *ftrace_concluded(struct ftrace *r, struct pcl_trace_op *op);
void ftrace_infer_fini(struct ftrace_infer *f);

/** The file of an inode. */
uint32_t ftrace_file(struct ftrace *r, struct lock_inode i);
/** The descriptor o turns out to refer to that inode. certain: the file system said so, which
 * it does in every call on its files. */
void ftrace_bind(struct ftrace *r, struct ofd *o, struct lock_inode i, bool certain);
/** The file that it is in the end. */
uint32_t ftrace_settled(const struct ftrace *r, uint32_t file);

#endif
