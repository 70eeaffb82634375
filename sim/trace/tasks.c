/*
 * Tasks. A fork copies tables, a thread shares them. Copies are paid from a budget in
 * proportion to the input: when a hostile recording has spent it, children share with their
 * parents, which is wrong but ends.
 */
#include "tasks.h"

#include <stdlib.h>

/* --- what tasks share -------------------------------------------------------------------- */

static struct ofd *ofd_of(uint64_t value)
{
    return (struct ofd *)(uintptr_t)(value & ~UINT64_C(1)); /* bit 0 is close-on-exec */
}

static void fdtab_unref(struct fdtab *f)
{
    if (!f || --f->refs > 0)
        return;
    for (size_t i = 0; i < f->fds.cap; i++) {
        if (f->fds.slots[i].tag != 0)
            ofd_unref(ofd_of(f->fds.slots[i].value));
    }
    map_fini(&f->fds);
    free(f);
}

static struct fdtab *fdtab_of(struct task *t)
{
    if (!t->fds) {
        t->fds = pcl_xcalloc(1, sizeof(*t->fds));
        t->fds->refs = 1;
    }
    return t->fds;
}

struct space *task_space(struct task *t)
{
    if (!t->space)
        t->space = space_new();
    return t->space;
}

static void cwd_unref(struct cwd *c)
{
    if (c && --c->refs == 0)
        free(c);
}

uint32_t task_cwd(const struct task *t)
{
    return t->cwd ? t->cwd->name : PCL_NONE;
}

void task_set_cwd(struct task *t, uint32_t name)
{
    if (!t->cwd) {
        t->cwd = pcl_xcalloc(1, sizeof(*t->cwd));
        t->cwd->refs = 1;
    }
    t->cwd->name = name;
}

static bool pay(struct tasks *ts, size_t n)
{
    if (n > ts->copy_budget)
        return false;
    ts->copy_budget -= n;
    return true;
}

static struct fdtab *copy_fds(const struct fdtab *from)
{
    struct fdtab *f = pcl_xcalloc(1, sizeof(*f));

    f->refs = 1;
    for (size_t i = 0; i < from->fds.cap; i++) {
        const struct map_slot *s = &from->fds.slots[i];
        if (s->tag != 0) {
            (void)ofd_ref(ofd_of(s->value));
            map_put(&f->fds, s->tag - 1, s->value);
        }
    }
    return f;
}

static void release(struct task *t)
{
    fdtab_unref(t->fds);
    space_unref(t->space);
    cwd_unref(t->cwd);
    t->fds = NULL;
    t->space = NULL;
    t->cwd = NULL;
}

/* Gives the child what clone with these flags gives it. */
static void inherit(struct tasks *ts, struct task *child, struct task *parent, unsigned flags)
{
    release(child);
    if ((flags & TASK_FILES) || !pay(ts, fdtab_of(parent)->fds.cap)) {
        child->fds = fdtab_of(parent);
        child->fds->refs++;
    } else {
        child->fds = copy_fds(parent->fds);
    }
    if ((flags & TASK_VM) || !pay(ts, task_space(parent)->n)) {
        child->space = task_space(parent);
        child->space->refs++;
    } else {
        space_copy(task_space(child), parent->space);
    }
    if (flags & TASK_FS) {
        if (!parent->cwd)
            task_set_cwd(parent, PCL_NONE);
        child->cwd = parent->cwd;
        child->cwd->refs++;
    } else if (parent->cwd) {
        task_set_cwd(child, parent->cwd->name);
    }
    tasks_set_pid(ts, child, (flags & TASK_THREAD) ? parent->pid : child->tid);
}

/* --- descriptors ------------------------------------------------------------------------- */

struct ofd *task_fd(struct task *t, int64_t fd)
{
    uint64_t v;

    if (fd < 0 || !t->fds || !map_get(&t->fds->fds, (uint64_t)fd, &v))
        return NULL;
    return ofd_of(v);
}

void task_set_fd(struct task *t, int64_t fd, struct ofd *o, bool cloexec)
{
    if (fd < 0) {
        ofd_unref(o);
        return;
    }
    task_close_fd(t, fd);
    map_put(&fdtab_of(t)->fds, (uint64_t)fd, (uint64_t)(uintptr_t)o | (cloexec ? 1 : 0));
}

void task_close_fd(struct task *t, int64_t fd)
{
    struct ofd *o = task_fd(t, fd);

    if (o) {
        (void)map_del(&t->fds->fds, (uint64_t)fd);
        ofd_unref(o);
    }
}

void task_cloexec(struct task *t, int64_t fd, bool on)
{
    struct ofd *o = task_fd(t, fd);

    if (o)
        map_put(&t->fds->fds, (uint64_t)fd, (uint64_t)(uintptr_t)o | (on ? 1 : 0));
}

/* Closes, or marks, all descriptors in a range; with drop set, those that exec closes. */
static void sweep(struct tasks *ts, struct task *t, int64_t first, int64_t last, bool only_mark,
                  bool drop)
{
    struct map *fds = t->fds ? &t->fds->fds : NULL;
    uint64_t *hits;
    size_t n = 0;

    if (!fds || fds->n == 0 || !pay(ts, fds->cap / 8)) /* a look at a slot is cheap */
        return;
    hits = pcl_xcalloc(fds->n, sizeof(*hits));
    for (size_t i = 0; i < fds->cap; i++) {
        struct map_slot *s = &fds->slots[i];
        int64_t fd = (int64_t)(s->tag - 1);
        if (s->tag == 0 || (drop ? !(s->value & 1) : fd < first || fd > last))
            continue;
        if (only_mark)
            s->value |= 1;
        else
            hits[n++] = (uint64_t)fd;
    }
    while (n > 0)
        task_close_fd(t, (int64_t)hits[--n]);
    free(hits);
}

void tasks_close_range(struct tasks *ts, struct task *t, int64_t first, int64_t last,
                       bool only_mark)
{
    if (first == last && !only_mark)
        task_close_fd(t, first);
    else
        sweep(ts, t, first, last, only_mark, false);
}

void tasks_unshare_fds(struct tasks *ts, struct task *t)
{
    struct fdtab *shared = t->fds;

    if (!shared || shared->refs == 1 || !pay(ts, shared->fds.cap))
        return;
    t->fds = copy_fds(shared);
    shared->refs--;
}

/* --- tasks ------------------------------------------------------------------------------- */

void tasks_init(struct tasks *ts, struct tb *b)
{
    *ts = (struct tasks){.b = b, .copy_budget = 1000000};
}

static uint64_t key_of(int64_t tid)
{
    return (uint64_t)tid;
}

struct task *tasks_find(struct tasks *ts, int64_t tid)
{
    uint64_t v;

    if (tid < 0 || !map_get(&ts->by_tid, key_of(tid), &v))
        return NULL;
    return (struct task *)(uintptr_t)v;
}

static struct task *new_task(struct tasks *ts, int64_t tid)
{
    struct task *t;

    if (ts->n >= TASKS_MAX)
        return NULL;
    t = pcl_xcalloc(1, sizeof(*t));
    *t = (struct task){.tid = tid,
                       .own_tid = -1,
                       .pid = -1,
                       .thread = PCL_NONE,
                       .last_ns = INT64_MIN,
                       .last_op_ns = INT64_MIN,
                       .next = ts->all};
    if (ts->all)
        ts->all->prev = t;
    ts->all = t;
    ts->n++;
    ts->n_seen++;
    if (tid >= 0)
        map_put(&ts->by_tid, key_of(tid), (uint64_t)(uintptr_t)t);
    return t;
}

static void leave_clones(struct tasks *ts, struct task *t)
{
    if (!t->in_clones)
        return;
    if (t->clone_prev)
        t->clone_prev->clone_next = t->clone_next;
    else
        ts->clones = t->clone_next;
    if (t->clone_next)
        t->clone_next->clone_prev = t->clone_prev;
    else
        ts->clones_last = t->clone_prev;
    t->in_clones = false;
}

static void free_task(struct tasks *ts, struct task *t)
{
    leave_clones(ts, t);
    release(t);
    if (t->prev)
        t->prev->next = t->next;
    else
        ts->all = t->next;
    if (t->next)
        t->next->prev = t->prev;
    if (t->tid >= 0)
        (void)map_del(&ts->by_tid, key_of(t->tid));
    if (ts->nameless == t)
        ts->nameless = NULL;
    ts->n--;
    free(t);
}

void tasks_fini(struct tasks *ts, void (*drop_call)(struct call *))
{
    while (ts->all) {
        if (ts->all->pending)
            drop_call(ts->all->pending);
        free_task(ts, ts->all);
    }
    map_fini(&ts->by_tid);
}

/* A number never seen: the child of a clone that has not returned yet, or somebody who was
 * there before the recording. */
static struct task *appear(struct tasks *ts, int64_t tid)
{
    struct task *parent = ts->clones, *t = new_task(ts, tid);

    if (parent && t) {
        leave_clones(ts, parent);
        t->born_of = parent->clone_serial;
        inherit(ts, t, parent, parent->clone_flags);
    }
    return t;
}

struct task *tasks_of_line(struct tasks *ts, bool has_tid, int64_t tid, bool bracketed)
{
    struct task *t;

    if (!has_tid) {
        if (ts->nameless)
            return ts->nameless;
        if (ts->n == 1) /* all others have ended: the last one lost its number again */
            return ts->all;
        ts->nameless = new_task(ts, -1);
        return ts->nameless;
    }
    t = tasks_find(ts, tid);
    if (t)
        return t;
    if (bracketed && ts->nameless && ts->nameless->tid < 0 && !ts->clones) {
        t = ts->nameless; /* it stays the one that loses its number when alone again */
        t->tid = tid;
        map_put(&ts->by_tid, key_of(tid), (uint64_t)(uintptr_t)t);
        if (t->thread != PCL_NONE)
            ts->b->t->threads[t->thread].tid = tid;
        return t;
    }
    return appear(ts, tid);
}

void tasks_clone_begins(struct tasks *ts, struct task *t, unsigned flags)
{
    leave_clones(ts, t);
    t->clone_flags = flags;
    t->clone_serial = ++ts->n_clones;
    t->clone_next = NULL;
    t->clone_prev = ts->clones_last;
    if (ts->clones_last)
        ts->clones_last->clone_next = t;
    else
        ts->clones = t;
    ts->clones_last = t;
    t->in_clones = true;
}

void tasks_clone_ends(struct tasks *ts, struct task *t, int64_t child, unsigned flags)
{
    struct task *c = tasks_find(ts, child);

    leave_clones(ts, t);
    if (child < 0 || c == t || (c && c->born_of == t->clone_serial))
        return;
    if (!c)
        c = new_task(ts, child);
    if (c) {
        c->born_of = t->clone_serial;
        inherit(ts, c, t, flags);
    }
}

void tasks_exec(struct tasks *ts, struct task *t)
{
    tasks_unshare_fds(ts, t);
    sweep(ts, t, 0, 0, false, true);
    space_unref(t->space);
    t->space = NULL;
    if (t->pid < 0)
        tasks_set_pid(ts, t, t->tid);
}

void tasks_exit(struct tasks *ts, struct task *t)
{
    free_task(ts, t);
}

uint32_t tasks_thread(struct tasks *ts, struct task *t)
{
    if (t->thread == PCL_NONE)
        t->thread = tb_thread(ts->b, t->tid >= 0 ? t->tid : t->own_tid, t->pid);
    return t->thread;
}

void tasks_set_own_tid(struct tasks *ts, struct task *t, int64_t tid)
{
    t->own_tid = tid;
    if (t->thread != PCL_NONE && t->tid < 0)
        ts->b->t->threads[t->thread].tid = tid;
}

void tasks_set_pid(struct tasks *ts, struct task *t, int64_t pid)
{
    t->pid = pid;
    if (t->thread != PCL_NONE)
        ts->b->t->threads[t->thread].pid = pid;
}
