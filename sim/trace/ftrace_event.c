/*
 * Events other than system calls. The table says what each is good for; the base in which it
 * prints inode numbers is part of it, since one inode reads "ino 83" (filemap: hexadecimal
 * without 0x), "ino 0x83" (XFS) and "ino=131" (writeback, ext4).
 */
#include "ftrace.h"

#include <string.h>

const char FTRACE_LATER[] = "";

enum what {
    W_FAULT,      /* filemap: the fault's own event, with the offset */
    W_MAP,        /* filemap: pages mapped around a fault */
    W_FS_FAULT,   /* XFS: a fault begins */
    W_CACHE,      /* a page came or went: says which file a call is on */
    W_FILE,       /* the file system at work on a file: says so with certainty */
    W_LOCK, W_TRYLOCK, W_UNLOCK, W_DEMOTE,
    W_BEGIN, W_END,
    W_SWITCH,
    W_NEWTASK, W_EXIT,
    W_SCHED,
    W_EFFECT      /* what the simulation makes by itself */
};

enum flag { F_WRITE = 1, F_DIRECT = 2 };

static const struct event_def {
    const char *name;
    unsigned char what, base, flags;
} defs[] = {
    {"mm_filemap_fault", W_FAULT, 16, 0},
    {"mm_filemap_map_pages", W_MAP, 16, 0},
    {"mm_filemap_get_pages", W_CACHE, 16, 0},
    {"mm_filemap_add_to_page_cache", W_CACHE, 16, 0},
    {"mm_filemap_delete_from_page_cache", W_EFFECT, 16, 0},
    {"xfs_ilock", W_LOCK, 16, 0},
    {"xfs_ilock_nowait", W_TRYLOCK, 16, 0},
    {"xfs_iunlock", W_UNLOCK, 16, 0},
    {"xfs_ilock_demote", W_DEMOTE, 16, 0},
    {"contention_begin", W_BEGIN, 16, 0},
    {"contention_end", W_END, 16, 0},
    {"xfs_read_fault", W_FS_FAULT, 16, 0},
    {"xfs_write_fault", W_FS_FAULT, 16, F_WRITE},
    {"xfs_filemap_fault", W_FS_FAULT, 16, 0}, /* older: a field says whether it writes */
    {"xfs_filemap_page_mkwrite", W_FS_FAULT, 16, F_WRITE},
    {"xfs_file_buffered_read", W_FILE, 16, 0},
    {"xfs_file_buffered_write", W_FILE, 16, F_WRITE},
    {"xfs_file_direct_read", W_FILE, 16, F_DIRECT},
    {"xfs_file_direct_write", W_FILE, 16, F_DIRECT | F_WRITE},
    {"xfs_file_dax_read", W_FILE, 16, F_DIRECT},
    {"xfs_file_dax_write", W_FILE, 16, F_DIRECT | F_WRITE},
    {"xfs_file_splice_read", W_FILE, 16, 0},
    {"xfs_file_read", W_FILE, 16, 0},
    {"xfs_file_fsync", W_FILE, 16, 0},
    {"xfs_alloc_file_space", W_FILE, 16, 0},
    {"xfs_free_file_space", W_FILE, 16, 0},
    {"xfs_zero_file_space", W_FILE, 16, 0},
    {"xfs_collapse_file_space", W_FILE, 16, 0},
    {"xfs_insert_file_space", W_FILE, 16, 0},
    {"xfs_setattr", W_FILE, 16, 0},
    {"ext4_write_begin", W_FILE, 10, F_WRITE},
    {"ext4_da_write_begin", W_FILE, 10, F_WRITE},
    {"ext4_sync_file_enter", W_FILE, 10, 0},
    {"ext4_fallocate_enter", W_FILE, 10, 0},
    {"ext4_punch_hole", W_FILE, 10, 0},
    {"ext4_zero_range", W_FILE, 10, 0},
    {"ext4_truncate_enter", W_FILE, 10, 0},
    {"sched_switch", W_SWITCH, 10, 0},
    {"task_newtask", W_NEWTASK, 16, 0},
    {"sched_process_exit", W_EXIT, 10, 0},
    {"sched_process_fork", W_SCHED, 10, 0},
    {"sched_process_exec", W_SCHED, 10, 0},
    {"sched_process_free", W_SCHED, 10, 0},
    {"sched_process_wait", W_SCHED, 10, 0},
    {"sched_wakeup", W_SCHED, 10, 0},
    {"sched_wakeup_new", W_SCHED, 10, 0},
    {"sched_waking", W_SCHED, 10, 0},
    {"sched_migrate_task", W_SCHED, 10, 0},
    {"sched_stat_blocked", W_SCHED, 10, 0},
    {"sched_stat_iowait", W_SCHED, 10, 0},
    {"sched_stat_runtime", W_SCHED, 10, 0},
    {"sched_stat_sleep", W_SCHED, 10, 0},
    {"sched_stat_wait", W_SCHED, 10, 0},
};

static const struct event_def *find_def(struct text name)
{
    for (size_t i = 0; i < sizeof(defs) / sizeof(defs[0]); i++) {
        if (defs[i].name[0] == name.p[0] && text_is(name, defs[i].name))
            return &defs[i];
    }
    return NULL;
}

/* --- fields ------------------------------------------------------------------------------ */

/* "dev 7:1", "dev=254:0", "dev 7,1" (ext4) */
static bool read_inode(struct text rest, unsigned base, struct lock_inode *out)
{
    struct text dev = ftrace_field(rest, "dev"), ino = ftrace_field(rest, "ino");
    const char *end = rest.p + rest.n, *p = dev.p;
    uint64_t part[2] = {0, 0};

    for (unsigned i = 0; i < 2 && dev.n > 0; i++) {
        for (; p < end && *p >= '0' && *p <= '9' && part[i] < UINT32_MAX / 10; p++)
            part[i] = part[i] * 10 + (uint64_t)(*p - '0');
        if (i == 0 && (p == end || (*p != ':' && *p != ',')))
            return false;
        p++;
    }
    out->dev = part[0] << 32 | part[1];
    return dev.n > 0 && ftrace_number(ino, base, &out->ino);
}

/* A byte offset, decimal or 0x; -1 when there is none below 2^63. "4096-8191" is its first. */
static int64_t read_offset(struct text rest, const char *key)
{
    struct text t = ftrace_field(rest, key);
    const char *dash = memchr(t.p, '-', t.n);
    uint64_t v;

    if (dash)
        t.n = (size_t)(dash - t.p);
    return ftrace_number(t, 10, &v) && v <= (uint64_t)INT64_MAX - 4096 ? (int64_t)v : -1;
}

static bool same(struct lock_inode a, struct lock_inode b)
{
    return a.dev == b.dev && a.ino == b.ino;
}

/* --- files ------------------------------------------------------------------------------- */

static uint64_t inode_key(struct lock_inode i)
{
    return map_mix(map_mix(i.ino) + i.dev) >> 1;
}

uint32_t ftrace_settled(const struct ftrace *r, uint32_t file)
{
    uint64_t to;

    for (unsigned steps = 0; steps < 16 && map_get(&r->alias, file, &to); steps++)
        file = (uint32_t)to;
    return file;
}

uint32_t ftrace_file(struct ftrace *r, struct lock_inode i)
{
    uint64_t file;
    char path[96];
    int n;

    if (map_get(&r->by_inode, inode_key(i), &file))
        return ftrace_settled(r, (uint32_t)file);
    n = snprintf(path, sizeof(path), "dev %u:%u ino %llu", (unsigned)(i.dev >> 32),
                 (unsigned)i.dev, (unsigned long long)i.ino);
    file = files_at(&r->s.files, files_name(&r->s.files, path, (size_t)n));
    map_put(&r->by_inode, inode_key(i), file);
    map_put(&r->guessed, file, GUESS_INODE);
    return (uint32_t)file;
}

/* A path beats an inode's number, and that beats a descriptor's. What a call was on whose inode
 * did not show cannot be a file whose file system shows it each time. */
void ftrace_bind(struct ftrace *r, struct ofd *o, struct lock_inode i, bool certain)
{
    uint32_t old = ftrace_settled(r, o->file), inode;
    uint64_t guess = 0, known;
    bool by_path;

    if (r->s.files.files[old].kind != FILE_REGULAR) {
        o->file = ftrace_file(r, i);
        return;
    }
    by_path = !map_get(&r->guessed, old, &guess);
    if (by_path && !map_get(&r->by_inode, inode_key(i), &known)) {
        map_put(&r->by_inode, inode_key(i), old);
        return;
    }
    inode = ftrace_file(r, i);
    if (by_path && inode != old && map_get(&r->guessed, inode, &known)) {
        map_put(&r->alias, inode, old);
        map_put(&r->by_inode, inode_key(i), old);
        return;
    }
    if (guess == GUESS_MAP || (guess == GUESS_CALL && !certain))
        map_put(&r->alias, old, inode);
    o->file = inode; /* else it was closed and opened out of sight */
}

static void tell(struct ftrace_thread *t, struct lock_inode i, bool certain)
{
    if (t->proven || (t->likely && !certain))
        return;
    t->inode = i;
    t->proven = certain;
    t->likely = !certain;
}

/* --- faults ------------------------------------------------------------------------------ */

void ftrace_flush_fault(struct ftrace *r, struct ftrace_thread *t)
{
    struct pcl_trace_op op = {.dur_ns = -1, .len = 4096};
    uint64_t last, key;

    if (t->fault.lines == 0)
        return;
    op.t_ns = t->fault.t_ns;
    op.line = t->fault.line;
    op.inode = ftrace_file(r, t->fault.inode);
    op.op = t->fault.write ? PCL_OP_FAULT_WRITE : PCL_OP_FAULT_READ;
    key = map_mix((uint64_t)op.inode << 32 | tasks_thread(&r->s.tasks, t->task)) >> 1;
    op.thread = t->task->thread;
    if (t->fault.off < 0) { /* a write to a page that is mapped for reading: the last one? */
        op.off = map_get(&r->last_fault, key, &last) ? (int64_t)last : 0;
        op.flags = PCL_OPF_GUESSED;
    } else {
        op.off = t->fault.off;
        op.flags = t->fault.around ? PCL_OPF_GUESSED : 0;
        map_put(&r->last_fault, key, (uint64_t)op.off);
        if (!t->fault.around)
            ftrace_faulted(r, t, op.inode, op.off);
    }
    if (op.t_ns < t->task->last_op_ns)
        op.t_ns = t->task->last_op_ns;
    t->task->last_op_ns = op.t_ns;
    r->b.t->guessed_offsets += (op.flags & PCL_OPF_GUESSED) != 0;
    tb_op(&r->b, &op, t->fault.lines);
    t->fault.lines = 0;
    r->faults = true;
}

/* One more line about a fault: of the one that is being told, or of the next. */
static const char *fault(struct ftrace *r, struct ftrace_thread *t, const struct ftrace_line *l,
                         const struct event_def *d, struct lock_inode i, uint32_t number)
{
    int64_t off = d->what == W_FS_FAULT ? -1 : read_offset(l->rest, "ofs");
    bool write = (d->flags & F_WRITE) != 0;
    struct text field = ftrace_field(l->rest, "write_fault");
    bool goes_on = t->fault.lines > 0 && t->fault.lines < 200 && same(t->fault.inode, i);

    if (off < 0 && d->what != W_FS_FAULT)
        return STRACE_BAD_ARGS;
    write = write || text_is(field, "1");
    if (off >= 0) /* an offset goes to a fault that has none, or only that of its surroundings */
        goes_on = goes_on && (t->fault.off < 0 || (t->fault.around && d->what == W_FAULT));
    else /* the file system speaks first, or of a write behind the read */
        goes_on = goes_on && write && !t->fault.write;
    if (!ftrace_task(r, t, l->tgid))
        return "more threads than Linux allows";
    if (!goes_on) {
        ftrace_flush_fault(r, t);
        t->fault.inode = i;
        t->fault.t_ns = t->last_ns;
        t->fault.line = number;
        t->fault.off = -1;
        t->fault.write = t->fault.around = false;
    }
    t->fault.lines++;
    t->fault.write = t->fault.write || write;
    if (off >= 0) {
        t->fault.off = off - off % 4096;
        t->fault.around = d->what == W_MAP;
    }
    return FTRACE_LATER;
}

/* --- threads ----------------------------------------------------------------------------- */

/* "prev_state=D ==>", or as trace-cmd's plugin prints it: "gt:16540 [120] D ==> ..." */
static bool sleeps_in_d(struct text rest)
{
    struct text state = ftrace_field(rest, "prev_state");
    const char *arrow = text_find(rest, " ==> ");

    if (state.n == 0 && arrow) {
        struct text head = {rest.p, (size_t)(arrow - rest.p)};
        while (state.n < head.n && head.p[head.n - 1 - state.n] != ' ')
            state.n++;
        state.p = head.p + head.n - state.n;
    }
    return text_starts(state, "D");
}

static int64_t next_tid(struct text rest)
{
    struct text t = ftrace_field(rest, "next_pid");
    const char *arrow = text_find(rest, " ==> ");
    uint64_t v;

    if (t.n == 0 && arrow) {
        const char *end = rest.p + rest.n, *p;
        for (p = arrow; p < end && *p != '['; p++)
            if (*p == ':')
                t.p = p + 1;
        for (p = t.p; p < end && *p >= '0' && *p <= '9'; p++)
            t.n++;
    }
    return ftrace_number(t, 10, &v) && v < INT32_MAX ? (int64_t)v : -1;
}

static const char *switched(struct ftrace *r, struct ftrace_thread *t,
                            const struct ftrace_line *l)
{
    int64_t next = next_tid(l->rest);
    uint64_t v;

    if (sleeps_in_d(l->rest) && t->lock.n_waits == 0) {
        t->lock.asleep = t->last_ns;
        t->lock.waits_for = LOCK_NO_CLASS;
    }
    if (next > 0 && map_get(&r->by_key, (uint64_t)next, &v)) {
        struct ftrace_thread *n = (struct ftrace_thread *)(uintptr_t)v;
        if (n != t)
            locks_runs(&r->locks, &n->lock, t->last_ns);
    }
    return "scheduler event";
}

static const char *new_task(struct ftrace *r, struct ftrace_thread *t,
                            const struct ftrace_line *l)
{
    uint64_t pid, flags;
    unsigned f;

    if (!ftrace_number(ftrace_field(l->rest, "pid"), 10, &pid) || pid > INT32_MAX ||
        !ftrace_number(ftrace_field(l->rest, "clone_flags"), 16, &flags))
        return STRACE_BAD_ARGS;
    f = ((flags & 0x100) ? (unsigned)TASK_VM : 0) | ((flags & 0x200) ? (unsigned)TASK_FS : 0) |
        ((flags & 0x400) ? (unsigned)TASK_FILES : 0) |
        ((flags & 0x10000) ? (unsigned)TASK_THREAD : 0);
    if (!ftrace_task(r, t, l->tgid))
        return "more threads than Linux allows";
    if (t->task->pid < 0 && !(f & TASK_THREAD))
        tasks_set_pid(&r->s.tasks, t->task, t->task->tid);
    tasks_clone_ends(&r->s.tasks, t->task, (int64_t)pid, f);
    return "scheduler event";
}

/* --- the dispatch ------------------------------------------------------------------------ */

static const char *skip_unknown(struct ftrace *r, struct text name)
{
    if (text_starts(name, "writeback_") || text_starts(name, "folio_wait_") ||
        text_starts(name, "balance_dirty_") || text_starts(name, "global_dirty_"))
        r->writeback = true;
    else
        return strace_reason(&r->s, "event not used: ", name);
    return "effect, simulated anew: writeback";
}

static const char *xfs_lock(struct ftrace *r, struct ftrace_thread *t,
                            const struct ftrace_line *l, const struct event_def *d,
                            struct lock_inode i)
{
    unsigned flags = locks_xfs_flags(ftrace_field(l->rest, "flags"));

    if (flags == 0)
        return STRACE_BAD_ARGS;
    if (d->what == W_UNLOCK)
        locks_release(&r->locks, &t->lock, i, flags, t->last_ns);
    else if (d->what == W_DEMOTE)
        locks_demote(&r->locks, &t->lock, i, flags, t->last_ns);
    else
        locks_request(&r->locks, &t->lock, i, flags, d->what == W_TRYLOCK, t->last_ns);
    if ((flags & 3) && d->what == W_LOCK)
        tell(t, i, true);
    return NULL;
}

static const char *contention(struct ftrace *r, struct ftrace_thread *t,
                              const struct ftrace_line *l, bool begins)
{
    struct text addr = {l->rest.p, 0};
    uint64_t v;

    while (addr.n < l->rest.n && addr.p[addr.n] != ' ')
        addr.n++;
    if (text_starts(l->rest, "lock_addr=")) /* as perf prints it without the format */
        addr = ftrace_field(l->rest, "lock_addr");
    if (!ftrace_number(addr, 16, &v))
        return STRACE_BAD_ARGS;
    if (begins)
        locks_wait(&r->locks, &t->lock, v,
                   locks_contention_flags(ftrace_field(l->rest, "flags")), t->last_ns);
    else
        locks_waited(&r->locks, &t->lock, v, t->last_ns);
    return NULL;
}

/* Events of one inode. */
static const char *on_inode(struct ftrace *r, struct ftrace_thread *t,
                            const struct ftrace_line *l, const struct event_def *d,
                            uint32_t number)
{
    struct lock_inode i;

    if (!read_inode(l->rest, d->base, &i))
        return STRACE_BAD_ARGS;
    switch ((enum what)d->what) {
    case W_LOCK:
    case W_TRYLOCK:
    case W_UNLOCK:
    case W_DEMOTE:
        return xfs_lock(r, t, l, d, i);
    case W_FAULT:
    case W_MAP:
    case W_FS_FAULT:
        t->lock.asked_bits = 0;
        t->lock.faults = true;
        return fault(r, t, l, d, i, number);
    case W_CACHE:
        if (t->fault.lines == 0) /* else it may be the fault's, on a buffer of the call */
            tell(t, i, false);
        break;
    case W_FILE:
        tell(t, i, true);
        t->lock.asked_bits = 0;
        if (d->flags & F_DIRECT)
            t->direct = true;
        if (t->pos < 0)
            t->pos = read_offset(l->rest, "pos");
        return NULL;
    case W_BEGIN:
    case W_END:
    case W_SWITCH:
    case W_NEWTASK:
    case W_EXIT:
    case W_SCHED:
    case W_EFFECT:
        break;
    }
    t->lock.asked_bits = 0;
    t->lock.faults = false;
    return "effect, simulated anew: page cache";
}

const char *ftrace_event(struct ftrace *r, struct ftrace_thread *t, const struct ftrace_line *l,
                         uint32_t number)
{
    const struct event_def *d = find_def(l->event);

    if (!d)
        return skip_unknown(r, l->event);
    switch ((enum what)d->what) {
    case W_BEGIN:
    case W_END:
        return contention(r, t, l, d->what == W_BEGIN);
    case W_SWITCH:
        return switched(r, t, l);
    case W_NEWTASK:
        return new_task(r, t, l);
    case W_SCHED:
    case W_EXIT:
        return "scheduler event";
    case W_EFFECT:
        return "effect, simulated anew: page cache";
    case W_FAULT:
    case W_MAP:
    case W_FS_FAULT:
    case W_CACHE:
    case W_FILE:
    case W_LOCK:
    case W_TRYLOCK:
    case W_UNLOCK:
    case W_DEMOTE:
        break;
    }
    return on_inode(r, t, l, d, number);
}
