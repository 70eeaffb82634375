/*
 * The ftrace reader: text as the tracefs file, trace-cmd and perf script print it. A line is
 * the end or the beginning of a system call, a piece of a page fault, a lock event, or an
 * effect that the simulation makes by itself. Every line ends in exactly one place of the
 * account.
 */
#include "ftrace.h"
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LINE (1u << 20) /* the kernel ends lines of the trace file at some KiB */
#define LOOK_LINES 200

/* --- threads ----------------------------------------------------------------------------- */

static struct ftrace_thread *thread_of(struct ftrace *r, const struct ftrace_line *l)
{
    /* all idle tasks bear the number 0, one runs on each CPU */
    int64_t key = l->tid > 0 ? l->tid : (INT64_C(1) << 40) + (l->cpu >= 0 ? l->cpu : 0);
    struct ftrace_thread *t;
    uint64_t v;

    if (map_get(&r->by_key, (uint64_t)key, &v))
        return (struct ftrace_thread *)(uintptr_t)v;
    if (r->by_key.n >= TASKS_MAX)
        return NULL;
    t = pcl_xcalloc(1, sizeof(*t));
    t->key = key;
    t->last_ns = INT64_MIN;
    t->pos = -1;
    locks_thread_init(&t->lock);
    map_put(&r->by_key, (uint64_t)key, (uint64_t)(uintptr_t)t);
    return t;
}

struct task *ftrace_task(struct ftrace *r, struct ftrace_thread *t, int64_t tgid)
{
    struct tasks *ts = &r->s.tasks;
    bool known = t->task || tasks_find(ts, t->key);
    struct task *leader;

    if (t->task)
        return t->task;
    t->task = tasks_of_line(ts, true, t->key, false);
    if (!t->task || tgid < 0)
        return t->task;
    r->tgids = true;
    if (tgid == t->key) {
        tasks_set_pid(ts, t->task, tgid);
    } else if (!known) {
        leader = tasks_of_line(ts, true, tgid, false);
        if (leader) {
            tasks_set_pid(ts, leader, tgid);
            tasks_clone_ends(ts, leader, t->key, TASK_VM | TASK_FS | TASK_FILES | TASK_THREAD);
        }
    }
    return t->task;
}

/* The end of a thread: its number may come again. */
static void thread_exits(struct ftrace *r, struct ftrace_thread *t)
{
    ftrace_flush_fault(r, t);
    ftrace_no_exit(r, t);
    if (t->task)
        tasks_exit(&r->s.tasks, t->task);
    t->task = NULL;
    locks_forget(&r->locks, &t->lock);
}

/* --- lines ------------------------------------------------------------------------------- */

static void set_time(struct ftrace *r, struct ftrace_thread *t, const struct ftrace_line *l)
{
    pcl_ns now;

    if (!r->started)
        r->first_ns = l->t_ns;
    r->started = true;
    r->counter = r->counter || l->counter;
    r->nameless = r->nameless || l->nameless;
    now = l->t_ns - r->first_ns; /* both are below 2^63 and not negative */
    if (now < t->last_ns) {
        r->b.t->time_backwards++;
        now = t->last_ns;
    }
    t->last_ns = now;
    if (now > r->latest_ns)
        r->latest_ns = now;
}

/* Events of one CPU are missing: what its threads had begun may have ended meanwhile. */
static void lost(struct ftrace *r, int64_t cpu)
{
    for (size_t i = 0; i < r->by_key.cap; i++) {
        struct ftrace_thread *t;
        if (r->by_key.slots[i].tag == 0)
            continue;
        t = (struct ftrace_thread *)(uintptr_t)r->by_key.slots[i].value;
        if (t->cpu != cpu && t->cpu >= 0)
            continue;
        locks_forget(&r->locks, &t->lock);
        ftrace_no_exit(r, t);
    }
}

/* "# entries-in-buffer/entries-written: 18040/20000": the older ones were written over. */
static void header(struct ftrace *r, struct text t)
{
    const char *p = text_find(t, "entries-written:"), *end = t.p + t.n;
    uint64_t n[2] = {0, 0};

    if (!p)
        return;
    p += strlen("entries-written:");
    for (unsigned i = 0; i < 2; i++) {
        while (p < end && (*p == ' ' || *p == '/'))
            p++;
        for (; p < end && *p >= '0' && *p <= '9' && n[i] < UINT64_MAX / 20; p++)
            n[i] = n[i] * 10 + (uint64_t)(*p - '0');
    }
    if (n[1] > n[0])
        r->lost_events += n[1] - n[0];
}

static void event_line(struct ftrace *r, const struct ftrace_line *l, uint32_t number)
{
    struct ftrace_thread *t = thread_of(r, l);
    const char *why;

    r->last = t;
    if (!t) {
        tb_skip(&r->b, "more threads than Linux allows", 1);
        return;
    }
    t->cpu = l->cpu;
    set_time(r, t, l);
    locks_runs(&r->locks, &t->lock, t->last_ns);
    if (l->kind == FTRACE_ENTER || l->kind == FTRACE_EXIT) {
        ftrace_flush_fault(r, t);
        t->lock.asked_bits = 0;
        t->lock.faults = false;
        if (l->kind == FTRACE_ENTER)
            ftrace_enter(r, t, l, number);
        else
            ftrace_exit(r, t, l);
        return;
    }
    why = ftrace_event(r, t, l, number);
    if (!why)
        tb_used(&r->b, 1);
    else if (why != FTRACE_LATER)
        tb_skip(&r->b, why, 1);
    if (text_is(l->event, "sched_process_exit"))
        thread_exits(r, t);
}

static void one_line(struct ftrace *r, struct text line, uint32_t number)
{
    struct ftrace_line l;

    r->b.t->lines_read++;
    if (line.n > MAX_LINE) {
        r->lost_events++;
        tb_skip(&r->b, "line too long", 1);
        return;
    }
    ftrace_parse_line(line, &l);
    switch (l.kind) {
    case FTRACE_EVENT:
    case FTRACE_ENTER:
    case FTRACE_EXIT:
        r->recognised++;
        event_line(r, &l, number);
        return;
    case FTRACE_STACK:
        if (r->last && l.event.n > 0)
            locks_frame(&r->locks, &r->last->lock, l.event);
        tb_skip(&r->b, "stack trace", 1);
        return;
    case FTRACE_LOST:
        r->lost_events += l.lost > 0 ? l.lost : 1;
        lost(r, l.cpu);
        tb_skip(&r->b, "events lost here", 1);
        break;
    case FTRACE_HEADER:
        header(r, l.rest);
        tb_skip(&r->b, "header", 1);
        break;
    case FTRACE_BLANK:
        tb_skip(&r->b, "blank", 1);
        break;
    case FTRACE_OTHER:
        tb_skip(&r->b, "not an ftrace line", 1);
        break;
    }
}

/* --- the end ----------------------------------------------------------------------------- */

static void remarks(struct ftrace *r)
{
    struct tb *b = &r->b;
    struct pcl_trace *t = b->t;
    bool measured = t->n_locks > 0;

    if (!r->counter && r->first_ns > 0)
        t->start_ns = r->first_ns;
    t->clock = r->counter ? "a counter, taken as ns" : "trace clock";
    t->evidence = (r->nameless ? 0 : (unsigned)PCL_HAS_THREADS) |
                  (r->durations ? (unsigned)PCL_HAS_DURATIONS : 0) |
                  (measured ? (unsigned)PCL_HAS_LOCKS : 0) |
                  (r->faults ? (unsigned)PCL_HAS_FAULTS : 0) |
                  (r->writeback ? (unsigned)PCL_HAS_WRITEBACK : 0) |
                  (r->lost_events ? (unsigned)PCL_LOSSY : 0);
    t->tracer_note = "events cost time that a recording of them does not show";
    if (!r->calls)
        tb_note(b,
                "no system calls in the recording (syscalls:sys_enter_*, sys_exit_*): there is "
                "little to replay");
    if (!measured)
        tb_note(b, "no lock events in the recording (lock:contention_*, xfs:xfs_ilock*)");
    if (r->calls && !r->tgids)
        tb_note(b,
                "lines bear no process ids (option record-tgid): descriptors are followed by "
                "thread, and by events inside each call");
    if (r->nameless)
        tb_note(b, "lines bear no thread ids (perf script -F +tid): one thread is assumed");
    if (t->time_backwards > 0)
        tb_note(b, "time goes back within a thread: record with the clock mono, not local");
    if (r->lost_events > 0)
        tb_note(b, "events were lost: use a larger ring buffer");
}

static void abandon_call(struct call *c)
{
    ofd_unref(c->ofd);
    free(c);
}

static void end_threads(struct ftrace *r)
{
    for (size_t i = 0; i < r->by_key.cap; i++) {
        struct ftrace_thread *t;
        if (r->by_key.slots[i].tag == 0)
            continue;
        t = (struct ftrace_thread *)(uintptr_t)r->by_key.slots[i].value;
        ftrace_flush_fault(r, t);
        ftrace_no_exit(r, t);
        free(t->text);
        free(t);
    }
}

/* Operations on files that turned out to be others go to those; so do sizes. */
static void settle_sizes(struct ftrace *r)
{
    struct file *files = r->s.files.files;

    for (uint32_t old = 0; old < r->s.files.n_files; old++) {
        uint32_t now = ftrace_settled(r, old);
        if (now != old && files[now].begin < 0)
            files[now].begin = files[old].begin;
    }
}

static const char *settle(void *arg, struct pcl_trace_op *op)
{
    struct ftrace *r = arg;
    const char *why = NULL;

    if (op->inode == FTRACE_DROP)
        why = ftrace_concluded(r, op);
    if (!why && op->inode != PCL_NONE)
        op->inode = ftrace_settled(r, op->inode);
    return why;
}

static struct pcl_trace *parse(const char *name, struct source *src)
{
    struct ftrace *r = pcl_xcalloc(1, sizeof(*r));
    struct pcl_trace *t = NULL;
    struct text line;
    uint32_t number = 0;

    tb_init(&r->b, "ftrace", name);
    r->s.b = &r->b;
    files_init(&r->s.files, &r->b);
    tasks_init(&r->s.tasks, &r->b);
    strace_index_calls(&r->s);
    while (source_line(src, &line)) {
        number += number < UINT32_MAX;
        r->s.tasks.copy_budget += 16;
        one_line(r, line, number);
    }
    end_threads(r);
    settle_sizes(r);
    ftrace_elect(r);
    r->b.settle = settle;
    r->b.settle_arg = r;
    r->b.t->locks = locks_table(&r->locks, &r->b.t->n_locks);
    remarks(r);
    r->b.last_ns = r->latest_ns;
    r->b.n_tasks = r->s.tasks.n_seen;
    tasks_fini(&r->s.tasks, abandon_call);
    files_fini(&r->s.files);
    locks_fini(&r->locks);
    map_fini(&r->by_key);
    map_fini(&r->by_inode);
    map_fini(&r->guessed);
    map_fini(&r->last_fault);
    free(r->s.trivial);
    if (r->recognised > 0)
        t = tb_finish(&r->b);
    else
        tb_abandon(&r->b);
    map_fini(&r->alias);
    ftrace_infer_fini(&r->infer);
    free(r);
    return t;
}

static void look(const char *data, size_t size, size_t *hits, size_t *lines)
{
    const char *p = data, *end = data + size;

    *hits = *lines = 0;
    while (p < end && *lines < LOOK_LINES) {
        struct ftrace_line l;
        ftrace_parse_line(text_line(&p, end), &l);
        *hits += l.kind == FTRACE_EVENT || l.kind == FTRACE_ENTER || l.kind == FTRACE_EXIT;
        /* headers, and the frames of stacks, say nothing for or against */
        *lines += l.kind != FTRACE_BLANK && l.kind != FTRACE_STACK && l.kind != FTRACE_HEADER;
    }
}

const struct trace_reader pcl_trace_reader_ftrace = {
    .name = "ftrace",
    .known = "ftrace, trace-cmd or perf script text",
    .look = look,
    .parse = parse};
