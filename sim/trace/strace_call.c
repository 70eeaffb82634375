/*
 * What each system call means, as one table. A call that is not in it and works on a descriptor
 * that -y annotates is a plain system call on that file; any other is a call without a file.
 */
#include "strace.h"

#include <stdlib.h>
#include <string.h>

/* --- help for handlers ------------------------------------------------------------------- */

const char *strace_reason(struct strace *s, const char *head, struct text tail)
{
    (void)snprintf(s->reason, sizeof(s->reason), "%s%.*s", head,
                   (int)(tail.n < 40 ? tail.n : 40), tail.p);
    return s->reason;
}

const char *strace_failed(struct strace *s, const struct call *c)
{
    if (c->ret.error.n == 0)
        return "failed call";
    return strace_reason(s, "failed call: ", c->ret.error);
}

bool strace_ok(const struct call *c)
{
    return c->ret.kind == RESULT_VALUE;
}

struct file *strace_file(struct strace *s, uint32_t file)
{
    return &s->files.files[file];
}

/* The file that an annotation shows; *kept is left alone unless another must take its place. */
static uint32_t annotated_file(struct strace *s, const struct fdref *r, const struct ofd *known,
                               bool *same)
{
    uint32_t name, file;
    enum file_kind kind;
    struct text path = r->path;

    *same = false;
    if (path.n == 0 || (path.p[0] != '/' && path.p[0] != '\\')) {
        kind = files_kind_of(path);
        file = files_unnamed(&s->files, kind);
        *same = known && strace_file(s, known->file)->kind == kind;
        return file;
    }
    name = files_path(&s->files, path, PCL_NONE);
    if (known && files_shown_as(&s->files, known->file, name, r->deleted)) {
        *same = true;
        file = known->file;
    } else {
        file = r->deleted ? files_deleted_at(&s->files, name) : files_at(&s->files, name);
    }
    if (text_starts(r->device, "char") || text_starts(r->device, "block"))
        strace_file(s, file)->kind = FILE_DEVICE;
    return file;
}

struct ofd *strace_fd(struct strace *s, struct task *t, struct text arg)
{
    struct fdref r = text_fdref(arg);
    struct ofd *o;
    uint32_t file;
    bool same;

    if (!r.ok || r.fd < 0)
        return NULL;
    o = task_fd(t, r.fd);
    if (!r.annotated && o)
        return o;
    if (!r.annotated) {
        o = ofd_new(files_unnamed(&s->files, FILE_UNKNOWN), 0);
        task_set_fd(t, r.fd, o, false);
        return o;
    }
    s->annotated = true;
    file = annotated_file(s, &r, o, &same);
    if (same)
        return o;
    o = ofd_new(file, 0);
    o->guessed = true; /* somebody else moved it before the recording */
    task_set_fd(t, r.fd, o, false);
    return o;
}

const char *strace_op(struct strace *s, struct call *c, enum pcl_op op, uint32_t file,
                      int64_t off, int64_t len, unsigned flags)
{
    struct task *t = c->task;
    struct pcl_trace_op out = {.t_ns = c->t_ns,
                               .dur_ns = c->dur_ns,
                               .thread = tasks_thread(&s->tasks, t),
                               .inode = file,
                               .op = (uint8_t)op,
                               .flags = (uint8_t)flags,
                               .line = c->line,
                               .off = off,
                               .len = len};

    if (out.t_ns < t->last_op_ns)
        out.t_ns = t->last_op_ns;
    t->last_op_ns = out.t_ns;
    if (flags & PCL_OPF_GUESSED)
        s->b->t->guessed_offsets++;
    tb_op(s->b, &out, c->emitted++ == 0 ? c->lines : 0);
    return NULL;
}

const char *strace_syscall(struct strace *s, struct call *c, uint32_t file)
{
    const char *why = files_reason(strace_file(s, file)->kind);

    if (why)
        return why;
    if (!strace_ok(c))
        return strace_failed(s, c);
    return strace_op(s, c, PCL_OP_SYSCALL, file, 0, 0, 0);
}

uint32_t strace_path(struct strace *s, struct call *c, int dir, int path)
{
    struct task *t = c->task;
    uint32_t base = task_cwd(t);
    struct text inside;
    struct fdref r = {.ok = false};

    if (dir >= 0 && (unsigned)dir < c->args.n)
        r = text_fdref(c->args.v[dir]);
    if (r.ok && r.annotated) {
        base = files_path(&s->files, r.path, PCL_NONE);
        s->annotated = true;
        if (r.path.n > 0 && (r.path.p[0] == '/' || r.path.p[0] == '\\') && r.fd == FD_CWD) {
            files_set_directory(&s->files, base);
            task_set_cwd(t, base);
        }
    } else if (r.ok && r.fd >= 0) {
        const struct ofd *o = task_fd(t, r.fd);
        base = o ? strace_file(s, o->file)->name : PCL_NONE;
    }
    if ((unsigned)path >= c->args.n || !text_quoted(c->args.v[path], &inside) || inside.n == 0)
        return PCL_NONE;
    return files_path(&s->files, inside, base);
}

uint64_t strace_words(struct text t, const struct strace_word *words, size_t n)
{
    uint64_t bits = 0, number;

    if (t.n > 0 && t.p[0] >= '0' && t.p[0] <= '9' && text_u64(t, &number))
        return number;
    for (size_t i = 0; i < n; i++) {
        if (text_has_word(t, words[i].name))
            bits |= words[i].bits;
    }
    return bits;
}

/* --- calls about processes --------------------------------------------------------------- */

/* Nothing to learn and nothing to replay. */
static const char *no_file(struct strace *s, struct call *c)
{
    (void)s;
    (void)c;
    return STRACE_NO_FILE;
}

static const char *not_modelled(struct strace *s, struct call *c)
{
    if (!strace_ok(c))
        return strace_failed(s, c);
    if (text_starts(c->name, "io_"))
        tb_note(s->b, "io_uring and aio requests are invisible to strace");
    return strace_reason(s, "not modelled yet: ", c->name);
}

static unsigned clone_flags(const struct call *c)
{
    static const struct strace_word words[] = {{"CLONE_VM", 0x100},
                                               {"CLONE_FS", 0x200},
                                               {"CLONE_FILES", 0x400},
                                               {"CLONE_THREAD", 0x10000}};
    uint64_t bits = 0;

    if (text_is(c->name, "vfork"))
        return TASK_VM;
    for (unsigned i = 0; i < c->args.n; i++) {
        struct text t = c->args.v[i], flags = text_field(t, "flags");
        if (flags.n > 0)
            bits |= strace_words(flags, words, 4);
        else if (t.n > 0 && t.p[0] >= 'A' && t.p[0] <= 'Z') /* strace before 5: no field name */
            bits |= strace_words(t, words, 4);
    }
    return ((bits & 0x100) ? (unsigned)TASK_VM : 0) | ((bits & 0x200) ? (unsigned)TASK_FS : 0) |
           ((bits & 0x400) ? (unsigned)TASK_FILES : 0) |
           ((bits & 0x10000) ? (unsigned)TASK_THREAD : 0);
}

static const char *clone_call(struct strace *s, struct call *c)
{
    if (strace_ok(c))
        tasks_clone_ends(&s->tasks, c->task, c->ret.value, clone_flags(c));
    return STRACE_NO_FILE;
}

static const char *exec_call(struct strace *s, struct call *c)
{
    if (!strace_ok(c))
        return strace_failed(s, c);
    tasks_exec(&s->tasks, c->task);
    return STRACE_NO_FILE;
}

static const char *unshare_call(struct strace *s, struct call *c)
{
    if (strace_ok(c) && c->args.n > 0 && text_has_word(c->args.v[0], "CLONE_FILES"))
        tasks_unshare_fds(&s->tasks, c->task);
    return STRACE_NO_FILE;
}

static const char *getpid_call(struct strace *s, struct call *c)
{
    if (strace_ok(c) && c->task->pid < 0)
        tasks_set_pid(&s->tasks, c->task, c->ret.value);
    return STRACE_NO_FILE;
}

static const char *gettid_call(struct strace *s, struct call *c)
{
    if (strace_ok(c))
        tasks_set_own_tid(&s->tasks, c->task, c->ret.value);
    return STRACE_NO_FILE;
}

/* --- the table --------------------------------------------------------------------------- */

#define FD(n, f, a)                                                                            \
    {                                                                                          \
        .name = n, .fn = f, .fd = 0, .path = -1, .arg = a                                      \
    }
#define PATH(n, f, a)                                                                          \
    {                                                                                          \
        .name = n, .fn = f, .fd = -1, .path = 0, .arg = a                                      \
    }
#define AT(n, f, a)                                                                            \
    {                                                                                          \
        .name = n, .fn = f, .fd = -1, .path = 1, .dir = true, .arg = a                         \
    }
#define BARE(n, f, a, fl)                                                                      \
    {                                                                                          \
        .name = n, .fn = f, .fd = -1, .path = -1, .arg = a, .flags = fl                        \
    }

static const struct call_def defs[] = {
    FD("read", strace_read, 0),
    FD("readv", strace_read, STRACE_VECTOR),
    FD("pread64", strace_read, STRACE_POSITION),
    FD("pread", strace_read, STRACE_POSITION),
    FD("preadv", strace_read, STRACE_POSITION | STRACE_VECTOR),
    FD("preadv2", strace_read, STRACE_POSITION | STRACE_VECTOR | STRACE_FLAGS),
    FD("write", strace_write, 0),
    FD("writev", strace_write, STRACE_VECTOR),
    FD("pwrite64", strace_write, STRACE_POSITION),
    FD("pwrite", strace_write, STRACE_POSITION),
    FD("pwritev", strace_write, STRACE_POSITION | STRACE_VECTOR),
    FD("pwritev2", strace_write, STRACE_POSITION | STRACE_VECTOR | STRACE_FLAGS),
    FD("copy_file_range", strace_copy, 0),
    FD("splice", strace_copy, 0),
    FD("sendfile", strace_copy, 1),
    FD("sendfile64", strace_copy, 1),
    FD("lseek", strace_lseek, 0),
    FD("_llseek", strace_lseek, 1),
    FD("fsync", strace_fsync, 0),
    FD("fdatasync", strace_fsync, 1),
    FD("fallocate", strace_fallocate, 0),
    FD("ftruncate", strace_ftruncate, 0),
    FD("ftruncate64", strace_ftruncate, 0),
    FD("fcntl", strace_fcntl, 0),
    FD("fcntl64", strace_fcntl, 0),
    FD("dup", strace_dup, 0),
    FD("dup2", strace_dup, 0),
    FD("dup3", strace_dup, 0),
    {.name = "close",
     .fn = strace_close,
     .fd = 0,
     .path = -1,
     .flags = CALL_CLOSES | CALL_TRIVIAL},
    BARE("close_range", strace_close_range, 0, 0),
    FD("fadvise64", strace_fadvise, 3),
    FD("fadvise64_64", strace_fadvise, 3),
    FD("sync_file_range", strace_not_modelled_fd, 0),
    FD("sync_file_range2", strace_not_modelled_fd, 0),
    FD("readahead", strace_not_modelled_fd, 0),
    FD("cachestat", strace_not_modelled_fd, 0),
    FD("ioctl", strace_ioctl, 0),
    FD("getdents", strace_getdents, 0),
    FD("getdents64", strace_getdents, 0),
    FD("fchdir", strace_fchdir, 0),
    FD("fchmod", strace_on_fd, 0),
    FD("fchown", strace_on_fd, 0),
    FD("flock", strace_on_fd, 0),
    FD("fgetxattr", strace_on_fd, 0),
    FD("fsetxattr", strace_on_fd, 0),
    FD("flistxattr", strace_on_fd, 0),
    FD("fremovexattr", strace_on_fd, 0),
    FD("fstatfs", strace_on_fd, 0),
    FD("tee", strace_on_fd, 0),
    FD("vmsplice", strace_on_fd, 0),
    FD("bind", strace_on_fd, 0),
    FD("connect", strace_on_fd, 0),
    FD("listen", strace_on_fd, 0),
    FD("shutdown", strace_on_fd, 0),
    FD("sendto", strace_on_fd, 0),
    FD("sendmsg", strace_on_fd, 0),
    FD("sendmmsg", strace_on_fd, 0),
    FD("recvfrom", strace_on_fd, 0),
    FD("recvmsg", strace_on_fd, 0),
    FD("recvmmsg", strace_on_fd, 0),
    FD("setsockopt", strace_on_fd, 0),
    FD("getsockopt", strace_on_fd, 0),
    FD("getsockname", strace_on_fd, 0),
    FD("getpeername", strace_on_fd, 0),
    FD("epoll_wait", strace_on_fd, 0),
    FD("epoll_pwait", strace_on_fd, 0),
    FD("epoll_ctl", strace_on_fd, 0),
    FD("timerfd_settime", strace_on_fd, 0),
    FD("timerfd_gettime", strace_on_fd, 0),
    FD("fstat", strace_stat, 1),
    FD("fstat64", strace_stat, 1),
    PATH("stat", strace_stat, 1),
    PATH("stat64", strace_stat, 1),
    PATH("lstat", strace_stat, 1),
    PATH("lstat64", strace_stat, 1),
    AT("newfstatat", strace_stat, 2),
    AT("fstatat64", strace_stat, 2),
    AT("statx", strace_stat, 4),
    PATH("open", strace_open, 1),
    PATH("creat", strace_open, 0),
    AT("openat", strace_open, 2),
    AT("openat2", strace_open, 2),
    BARE("open_by_handle_at", strace_open, 2, 0),
    BARE("memfd_create", strace_new_fd, FILE_REGULAR, 0),
    BARE("socket", strace_new_fd, FILE_SOCKET, 0),
    BARE("accept", strace_new_fd, FILE_SOCKET, 0),
    BARE("accept4", strace_new_fd, FILE_SOCKET, 0),
    BARE("eventfd", strace_new_fd, FILE_ANON, 0),
    BARE("eventfd2", strace_new_fd, FILE_ANON, 0),
    BARE("epoll_create", strace_new_fd, FILE_ANON, 0),
    BARE("epoll_create1", strace_new_fd, FILE_ANON, 0),
    BARE("timerfd_create", strace_new_fd, FILE_ANON, 0),
    BARE("signalfd", strace_new_fd, FILE_ANON, 0),
    BARE("signalfd4", strace_new_fd, FILE_ANON, 0),
    BARE("inotify_init", strace_new_fd, FILE_ANON, 0),
    BARE("inotify_init1", strace_new_fd, FILE_ANON, 0),
    BARE("userfaultfd", strace_new_fd, FILE_ANON, 0),
    BARE("perf_event_open", strace_new_fd, FILE_ANON, 0),
    BARE("pidfd_open", strace_new_fd, FILE_ANON, 0),
    BARE("io_uring_setup", strace_new_fd, FILE_ANON, 0),
    BARE("memfd_secret", strace_new_fd, FILE_ANON, 0),
    PATH("pipe", strace_new_pair, FILE_PIPE),
    PATH("pipe2", strace_new_pair, FILE_PIPE),
    {.name = "socketpair", .fn = strace_new_pair, .fd = -1, .path = 3, .arg = FILE_SOCKET},
    PATH("truncate", strace_truncate, 1),
    PATH("truncate64", strace_truncate, 1),
    PATH("rename", strace_rename, 1),
    AT("renameat", strace_rename, 3),
    AT("renameat2", strace_rename, 3),
    PATH("link", strace_link, 1),
    AT("linkat", strace_link, 3),
    PATH("unlink", strace_unlink, 0),
    AT("unlinkat", strace_unlink, 0),
    PATH("rmdir", strace_unlink, 0),
    PATH("access", strace_on_path, 0),
    AT("faccessat", strace_on_path, 0),
    AT("faccessat2", strace_on_path, 0),
    PATH("readlink", strace_on_path, 0),
    AT("readlinkat", strace_on_path, 0),
    PATH("chmod", strace_on_path, 0),
    AT("fchmodat", strace_on_path, 0),
    AT("fchmodat2", strace_on_path, 0),
    PATH("chown", strace_on_path, 0),
    PATH("lchown", strace_on_path, 0),
    AT("fchownat", strace_on_path, 0),
    PATH("utime", strace_on_path, 0),
    PATH("utimes", strace_on_path, 0),
    AT("futimesat", strace_on_path, 0),
    AT("utimensat", strace_on_path, 0),
    PATH("getxattr", strace_on_path, 0),
    PATH("lgetxattr", strace_on_path, 0),
    PATH("setxattr", strace_on_path, 0),
    PATH("lsetxattr", strace_on_path, 0),
    PATH("listxattr", strace_on_path, 0),
    PATH("llistxattr", strace_on_path, 0),
    PATH("removexattr", strace_on_path, 0),
    PATH("statfs", strace_on_path, 0),
    PATH("mkdir", strace_on_path, 0),
    AT("mkdirat", strace_on_path, 0),
    PATH("symlink", strace_on_path, 0),
    PATH("symlinkat", strace_on_path, 0),
    PATH("chdir", strace_chdir, 0),
    PATH("getcwd", strace_getcwd, 0),
    {.name = "mmap", .fn = strace_mmap, .fd = 4, .path = -1},
    {.name = "mmap2", .fn = strace_mmap, .fd = 4, .path = -1},
    BARE("munmap", strace_munmap, 0, 0),
    BARE("mprotect", strace_mprotect, 0, 0),
    BARE("pkey_mprotect", strace_mprotect, 0, 0),
    BARE("mremap", strace_mremap, 0, 0),
    BARE("msync", strace_msync, 0, 0),
    BARE("madvise", strace_madvise, 0, 0),
    BARE("io_uring_enter", not_modelled, 0, 0),
    BARE("io_submit", not_modelled, 0, 0),
    BARE("sync", not_modelled, 0, 0),
    BARE("syncfs", not_modelled, 0, 0),
    BARE("process_madvise", not_modelled, 0, 0),
    BARE("remap_file_pages", not_modelled, 0, 0),
    BARE("clone", clone_call, 0, CALL_CLONES),
    BARE("clone2", clone_call, 0, CALL_CLONES),
    BARE("clone3", clone_call, 0, CALL_CLONES),
    BARE("fork", clone_call, 0, CALL_CLONES),
    BARE("vfork", clone_call, 0, CALL_CLONES),
    BARE("execve", exec_call, 0, CALL_ENDS),
    BARE("execveat", exec_call, 0, CALL_ENDS),
    BARE("unshare", unshare_call, 0, 0),
    BARE("exit", no_file, 0, CALL_ENDS),
    BARE("exit_group", no_file, 0, CALL_ENDS),
    BARE("rt_sigreturn", no_file, 0, CALL_ENDS),
    BARE("getpid", getpid_call, 0, CALL_TRIVIAL),
    BARE("gettid", gettid_call, 0, CALL_TRIVIAL),
    BARE("set_tid_address", gettid_call, 0, CALL_TRIVIAL),
    BARE("set_robust_list", no_file, 0, CALL_TRIVIAL),
    BARE("getppid", no_file, 0, CALL_TRIVIAL),
    BARE("getuid", no_file, 0, CALL_TRIVIAL),
    BARE("geteuid", no_file, 0, CALL_TRIVIAL),
    BARE("getgid", no_file, 0, CALL_TRIVIAL),
    BARE("getegid", no_file, 0, CALL_TRIVIAL),
    BARE("umask", no_file, 0, CALL_TRIVIAL),
    BARE("rt_sigprocmask", no_file, 0, CALL_TRIVIAL),
    BARE("rt_sigaction", no_file, 0, CALL_TRIVIAL),
    BARE("brk", no_file, 0, CALL_TRIVIAL),
};

#define N_DEFS (sizeof(defs) / sizeof(defs[0]))

static int by_name(const void *a, const void *b)
{
    const struct call_def *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

void strace_index_calls(struct strace *s)
{
    PCL_ASSERT(N_DEFS <= STRACE_DEFS);
    for (size_t i = 0; i < N_DEFS; i++)
        s->index[i] = &defs[i];
    s->n_defs = N_DEFS;
    qsort(s->index, s->n_defs, sizeof(s->index[0]), by_name);
}

static const struct call_def *find_def(const struct strace *s, struct text name)
{
    size_t lo = 0, hi = s->n_defs;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2, n = strlen(s->index[mid]->name);
        int order = memcmp(s->index[mid]->name, name.p, n < name.n ? n : name.n);
        if (order == 0)
            order = (n > name.n) - (n < name.n);
        if (order == 0)
            return s->index[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* --- a call's two ends ------------------------------------------------------------------- */

void strace_begin(struct strace *s, struct call *c)
{
    int fd = -1;

    c->def = find_def(s, c->name);
    if (c->def)
        fd = c->def->fd;
    else if (c->args.n > 0 && text_fdref(c->args.v[0]).annotated)
        fd = 0;
    /* now: by the time the call ends, the number may mean another file */
    if (fd >= 0 && (unsigned)fd < c->args.n)
        c->ofd = ofd_ref(strace_fd(s, c->task, c->args.v[fd]));
    if (c->def && (c->def->flags & CALL_CLOSES) && c->args.n > 0) {
        struct fdref r = text_fdref(c->args.v[0]);
        if (r.ok)
            task_close_fd(c->task, r.fd);
    }
}

void strace_begin_clone(struct strace *s, struct call *c)
{
    if (c->def && (c->def->flags & CALL_CLONES))
        tasks_clone_begins(&s->tasks, c->task, clone_flags(c));
}

static void sample(struct strace *s, const struct call *c)
{
    if (c->dur_ns < 0 || c->lines != 1 || !c->def || !(c->def->flags & CALL_TRIVIAL) ||
        s->n_trivial >= STRACE_SAMPLES)
        return;
    if (s->n_trivial == s->cap_trivial) {
        s->cap_trivial = s->cap_trivial ? s->cap_trivial * 2 : 64;
        s->trivial = pcl_xrealloc(s->trivial, s->cap_trivial, sizeof(*s->trivial));
    }
    s->trivial[s->n_trivial++] = c->dur_ns;
}

static const char *outcome(struct strace *s, struct call *c)
{
    if (c->ret.kind == RESULT_UNKNOWN && c->ret.error.n == 0 &&
        !(c->def && (c->def->flags & CALL_ENDS)))
        return strace_no_end(s, c);
    if (!c->def)
        return c->ofd ? strace_syscall(s, c, c->ofd->file) : STRACE_NO_FILE;
    if (c->def->fn != no_file && !c->args.readable)
        return STRACE_BAD_ARGS;
    if (c->def->fd == 0 && text_is(c->ret.error, "EBADF")) {
        task_close_fd(c->task, text_fdref(c->args.n > 0 ? c->args.v[0] : c->name).fd);
        return strace_failed(s, c);
    }
    if (c->def->fd == 0 && !c->ofd)
        return STRACE_BAD_ARGS;
    return c->def->fn(s, c);
}

const char *strace_no_end(struct strace *s, const struct call *c)
{
    if (c->def && (c->def->flags & CALL_ENDS))
        return STRACE_NO_FILE;
    s->b->t->unmatched_unfinished++;
    return "unfinished without end";
}

void strace_end(struct strace *s, struct call *c)
{
    const char *why;

    sample(s, c);
    why = outcome(s, c);
    PCL_ASSERT((why != NULL) == (c->emitted == 0));
    if (why)
        tb_skip(s->b, why, c->lines);
    ofd_unref(c->ofd);
    c->ofd = NULL;
}
