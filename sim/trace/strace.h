/*
 * Private to the strace reader: a call in flight, and the three files that say what calls do.
 */
#ifndef PCLSIM_TRACE_STRACE_H
#define PCLSIM_TRACE_STRACE_H

#include "strace_line.h"
#include "tasks.h"

struct strace;
struct call;

/* Says what a completed call does: emits operations and returns NULL, or returns why its lines
 * are skipped. */
typedef const char *strace_call_fn(struct strace *s, struct call *c);

enum call_flag {
    CALL_TRIVIAL = 1u << 0, /* does next to nothing: its duration is the tracer's */
    CALL_CLONES = 1u << 1,
    CALL_CLOSES = 1u << 2, /* gives its descriptor back at its start */
    CALL_ENDS = 1u << 3    /* need not return */
};

struct call_def {
    const char *name;
    strace_call_fn *fn;
    signed char fd;   /* argument that is the descriptor it works on, -1 none */
    signed char path; /* argument that is a path; the directory descriptor is the one before
                       * when dir is set */
    bool dir;
    unsigned char flags; /* enum call_flag */
    unsigned char arg;   /* for fn */
};

struct call {
    struct task *task;
    const struct call_def *def; /* NULL: a call of which nothing is known */
    struct text name;
    char *own; /* of one in two halves: what name and args point into */
    struct strace_args args;
    struct strace_ret ret;
    struct ofd *ofd; /* of def->fd at the start of the call; holds a reference */
    pcl_ns t_ns, dur_ns;
    uint32_t line;
    unsigned lines;   /* source lines: 1, 2, rarely 3 */
    bool cut;         /* its line broke off */
    unsigned emitted; /* operations so far */
};

/* Skip reasons that several files give. */
#define STRACE_NO_FILE "call without a file"
#define STRACE_BAD_ARGS "arguments not understood"

/* struct call_def.arg of reads and writes. */
enum { STRACE_POSITION = 1, STRACE_VECTOR = 2, STRACE_FLAGS = 4 };

#define STRACE_DEFS 192       /* room in the index */
#define STRACE_SAMPLES 100000 /* durations of trivial calls that are kept */

struct strace {
    struct tb *b;
    struct files files;
    struct tasks tasks;
    const struct call_def *index[STRACE_DEFS]; /* by name */
    size_t n_defs;
    char reason[64];
    bool annotated;   /* -y was on */
    bool synthesise;  /* page faults, from mappings */
    int64_t *trivial; /* recorded durations of trivial calls */
    size_t n_trivial, cap_trivial;
};

/* strace_call.c */
void strace_index_calls(struct strace *s);
void strace_begin(struct strace *s, struct call *c);
void strace_begin_clone(struct strace *s,
                        struct call *c); /* one that does not return at once */
void strace_end(struct strace *s, struct call *c);
const char *strace_no_end(struct strace *s, const struct call *c);

/* Shared by the files of handlers. */
const char *strace_reason(struct strace *s, const char *head, struct text tail);
const char *strace_failed(struct strace *s, const struct call *c);
bool strace_ok(const struct call *c); /* it returned, and no error */

/** A descriptor argument of the call's task; NULL when it is none. One of which nothing is
 * known gets a file of kind FILE_UNKNOWN, so that its copies are unknown too. The reference
 * stays with the table. */
struct ofd *strace_fd(struct strace *s, struct task *t, struct text arg);

/** Emits; returns NULL, for `return strace_op(...)`. Not for files that are known to be
 * irregular. */
const char *strace_op(struct strace *s, struct call *c, enum pcl_op op, uint32_t file,
                      int64_t off, int64_t len, unsigned flags);

/** SYSCALL on a file, or the reason why not. */
const char *strace_syscall(struct strace *s, struct call *c, uint32_t file);

struct file *strace_file(struct strace *s, uint32_t file);
uint32_t strace_path(struct strace *s, struct call *c, int dir, int path);

/* One bit per word of a flags argument, names or the numbers of -X raw. */
struct strace_word {
    const char *name;
    uint64_t bits;
};
uint64_t strace_words(struct text t, const struct strace_word *words, size_t n);

/* strace_file.c: calls on descriptors */
strace_call_fn strace_read, strace_write, strace_copy, strace_lseek, strace_fsync,
    strace_fallocate, strace_ftruncate, strace_fcntl, strace_dup, strace_close,
    strace_close_range, strace_on_fd, strace_fadvise, strace_not_modelled_fd, strace_ioctl,
    strace_getdents;

/* strace_path.c: calls on paths */
strace_call_fn strace_open, strace_new_fd, strace_new_pair, strace_stat, strace_truncate,
    strace_rename, strace_link, strace_unlink, strace_on_path, strace_chdir, strace_fchdir,
    strace_getcwd;

/* strace_mem.c: calls on memory */
strace_call_fn strace_mmap, strace_munmap, strace_mprotect, strace_mremap, strace_msync,
    strace_madvise;

#endif
