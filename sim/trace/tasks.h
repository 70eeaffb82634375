/*
 * The tasks of a recording and what they share: descriptor tables, address spaces, working
 * directories. A task appears when a line bears its number, or when clone returns it.
 */
#ifndef PCLSIM_TRACE_TASKS_H
#define PCLSIM_TRACE_TASKS_H

#include "files.h"
#include "space.h"

struct call;

struct fdtab {
    unsigned refs;
    struct map fds; /* descriptor -> struct ofd *, lowest bit: close on exec */
};

struct cwd {
    unsigned refs;
    uint32_t name; /* PCL_NONE: unknown */
};

struct task {
    int64_t tid;     /* as lines show it; -1: its lines bear no number */
    int64_t own_tid; /* as it sees itself (gettid), -1 unknown; a container makes it differ */
    int64_t pid;     /* -1: unknown */
    uint32_t thread; /* builder's index, PCL_NONE before its first operation */
    struct fdtab *fds;
    struct space *space;
    struct cwd *cwd;
    struct call *pending; /* between <unfinished ...> and resumed */
    /* a clone that has not returned and whose child has not appeared: in tasks.clones */
    struct task *clone_prev, *clone_next;
    bool in_clones;
    unsigned clone_flags;
    uint64_t clone_serial; /* of its last clone */
    uint64_t born_of;      /* serial of the clone that made it, 0 unknown */
    pcl_ns last_ns, last_op_ns;
    struct task *prev, *next; /* all live tasks */
};

enum clone_flag {
    TASK_VM = 1u << 0,
    TASK_FS = 1u << 1,
    TASK_FILES = 1u << 2,
    TASK_THREAD = 1u << 3
};

/* Linux has no more threads than this at a time (PID_MAX_LIMIT). */
#define TASKS_MAX 4194304

struct tasks {
    struct tb *b;
    struct map by_tid;
    struct task *all, *nameless;
    size_t n;
    struct task *clones, *clones_last; /* oldest first */
    uint64_t copy_budget; /* descriptors and mappings that may still be copied or swept */
    uint64_t n_seen, n_clones;
};

void tasks_init(struct tasks *ts, struct tb *b);
void tasks_fini(struct tasks *ts, void (*drop_call)(struct call *));

/** The task of a line. bracketed: the line shows `[pid N]`, a form that leaves N out as long as
 * there is only one. NULL when there are too many. */
struct task *tasks_of_line(struct tasks *ts, bool has_tid, int64_t tid, bool bracketed);

/** t has called clone and waits: its child may be seen before it returns. */
void tasks_clone_begins(struct tasks *ts, struct task *t, unsigned flags);

/** clone returned in t. */
void tasks_clone_ends(struct tasks *ts, struct task *t, int64_t child, unsigned flags);

void tasks_exec(struct tasks *ts, struct task *t);

/** The task has ended; it must have no pending call. */
void tasks_exit(struct tasks *ts, struct task *t);

/** unshare(CLONE_FILES) */
void tasks_unshare_fds(struct tasks *ts, struct task *t);

struct task *tasks_find(struct tasks *ts, int64_t tid);

/** The builder's index of the task's thread. */
uint32_t tasks_thread(struct tasks *ts, struct task *t);
void tasks_set_pid(struct tasks *ts, struct task *t, int64_t pid);
void tasks_set_own_tid(struct tasks *ts, struct task *t, int64_t tid);

/* Descriptors. set takes over the reference. */
struct ofd *task_fd(struct task *t, int64_t fd);
void task_set_fd(struct task *t, int64_t fd, struct ofd *o, bool cloexec);
void task_close_fd(struct task *t, int64_t fd);
void tasks_close_range(struct tasks *ts, struct task *t, int64_t first, int64_t last,
                       bool only_mark);
void task_cloexec(struct task *t, int64_t fd, bool on);

struct space *task_space(struct task *t);
uint32_t task_cwd(const struct task *t);
void task_set_cwd(struct task *t, uint32_t name);

#endif
