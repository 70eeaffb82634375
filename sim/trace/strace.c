/*
 * The strace reader: goes through the lines, joins the halves of calls that were interrupted by
 * other threads' lines, and gives each whole call to its handler. Every line ends in exactly
 * one place of the account: an operation, or a skip reason.
 */
#include "strace.h"
#include "clock.h"
#include "reader.h"

#include <stdlib.h>
#include <string.h>

/* Longer lines are no calls: strace -s of the largest write it would decode stays below. */
#define MAX_LINE (16u << 20)

/* What look() reads: enough to get past a program's own output on the same terminal. */
#define LOOK_LINES 200

struct reader {
    struct strace s;
    struct tb b;
    struct clock clock;
    struct task *cut; /* its last line broke off; the next may go on with it */
    uint64_t recognised;
    bool tids, durations, lost;
};

static bool of_strace(enum strace_kind kind)
{
    return kind == STRACE_CALL || kind == STRACE_UNFINISHED || kind == STRACE_RESUMED ||
           kind == STRACE_SIGNAL || kind == STRACE_EXIT;
}

/* --- calls ------------------------------------------------------------------------------- */

static void free_call(struct call *c)
{
    ofd_unref(c->ofd);
    free(c->own);
    free(c);
}

/* A call that waits for its end outlives its line: it gets a copy of what it points at. */
static void keep_text(struct call *c)
{
    size_t n = c->name.n;
    char *to, *own;

    for (unsigned i = 0; i < c->args.n; i++)
        n += c->args.v[i].n;
    to = own = pcl_xcalloc(n, 1);
    for (unsigned i = 0; i <= c->args.n; i++) {
        struct text *t = i < c->args.n ? &c->args.v[i] : &c->name;
        if (t->n > 0)
            memcpy(to, t->p, t->n);
        t->p = to;
        to += t->n;
    }
    free(c->own);
    c->own = own;
}

/* The second half never came. */
static void drop_pending(struct reader *r, struct task *t)
{
    struct call *c = t->pending;

    if (!c)
        return;
    t->pending = NULL;
    if (r->cut == t)
        r->cut = NULL;
    if (c->cut) {
        r->lost = true;
        tb_skip(&r->b, "line cut short", c->lines);
    } else {
        tb_skip(&r->b, strace_no_end(&r->s, c), c->lines);
    }
    free_call(c);
}

static pcl_ns time_of(struct reader *r, struct task *t, const struct strace_line *l,
                      uint32_t line)
{
    pcl_ns now = clock_read(&r->clock, l, line);

    if (now < t->last_ns) {
        r->b.t->time_backwards++;
        now = clock_step_back(&r->clock, now, t->last_ns);
    }
    t->last_ns = now;
    return now;
}

static void finish(struct reader *r, struct call *c, const struct strace_line *l)
{
    c->ret = l->ret;
    c->dur_ns = r->clock.kind == CLOCK_ORDER ? -1 : l->dur_ns;
    r->durations = r->durations || c->dur_ns >= 0;
    strace_end(&r->s, c);
}

static void start_call(struct reader *r, struct task *t, const struct strace_line *l,
                       uint32_t line)
{
    struct call c = {.task = t,
                     .name = l->name,
                     .args = l->args,
                     .t_ns = t->last_ns,
                     .dur_ns = -1,
                     .line = line,
                     .lines = 1,
                     .cut = l->kind == STRACE_CUT};

    drop_pending(r, t);
    strace_begin(&r->s, &c);
    if (l->kind == STRACE_CALL) {
        finish(r, &c, l);
        return;
    }
    t->pending = pcl_xcalloc(1, sizeof(*t->pending));
    *t->pending = c;
    keep_text(t->pending);
    if (c.cut)
        r->cut = t;
    strace_begin_clone(&r->s, t->pending);
}

/* More of a pending call: its end, or another interruption. */
static void resume(struct reader *r, struct task *t, const struct strace_line *l)
{
    struct call *c = t->pending;

    c->lines++;
    strace_join_args(&c->args, &l->args);
    if (l->kind == STRACE_UNFINISHED) {
        c->cut = false;
        keep_text(c);
        return;
    }
    t->pending = NULL;
    finish(r, c, l);
    free(c->own);
    free(c);
}

static void resume_line(struct reader *r, struct task *t, const struct strace_line *l)
{
    const struct call *c = t->pending;
    bool same = c && !c->cut &&
                ((c->name.n == l->name.n && memcmp(c->name.p, l->name.p, l->name.n) == 0) ||
                 text_is(l->name, "????"));

    if (same) {
        resume(r, t, l);
        return;
    }
    drop_pending(r, t);
    r->b.t->unmatched_resumed++;
    r->lost = true;
    tb_skip(&r->b, "resumed without begin", 1);
}

static void exit_line(struct reader *r, struct task *t, const struct strace_line *l)
{
    struct task *other = tasks_find(&r->s.tasks, l->other_tid);

    drop_pending(r, t);
    if (l->other_tid < 0) {
        tasks_exit(&r->s.tasks, t);
    } else if (other && other != t) { /* its execve returns under this number */
        t->pending = other->pending;
        other->pending = NULL;
        if (t->pending)
            t->pending->task = t;
        if (r->cut == other)
            r->cut = NULL;
        tasks_exit(&r->s.tasks, other);
    }
    tb_skip(&r->b, "exit", 1);
}

/* --- lines ------------------------------------------------------------------------------- */

static const char *skip_reason(enum strace_kind kind)
{
    switch (kind) {
    case STRACE_BLANK:
        return "blank";
    case STRACE_MESSAGE:
        return "message of strace";
    case STRACE_STACK:
        return "stack trace";
    case STRACE_SIGNAL:
        return "signal";
    case STRACE_CALL:
    case STRACE_UNFINISHED:
    case STRACE_CUT:
    case STRACE_RESUMED:
    case STRACE_EXIT:
    case STRACE_OTHER:
        break;
    }
    return "not a strace line";
}

/* Without -o other output may break a line in two; true when this is the second part. */
static bool goes_on(struct reader *r, const struct strace_line *l, struct text line)
{
    struct strace_line rest;
    struct task *t = r->cut;

    if (!t || l->kind != STRACE_OTHER || l->has_tid || l->stamp != STAMP_NONE ||
        !strace_parse_rest(line, &rest))
        return false;
    r->cut = NULL;
    resume(r, t, &rest);
    return true;
}

static void one_line(struct reader *r, struct text line, uint32_t number)
{
    struct strace_line l;
    struct task *t;

    r->b.t->lines_read++;
    r->s.tasks.copy_budget += 16;
    if (line.n > MAX_LINE) {
        r->lost = true;
        tb_skip(&r->b, "line too long", 1);
        return;
    }
    strace_parse_line(line, &l);
    if (goes_on(r, &l, line))
        return;
    r->recognised += of_strace(l.kind);
    if (!of_strace(l.kind) && l.kind != STRACE_CUT) {
        tb_skip(&r->b, skip_reason(l.kind), 1);
        return;
    }
    r->tids = r->tids || l.has_tid;
    t = tasks_of_line(&r->s.tasks, l.has_tid, l.tid, l.bracketed);
    if (!t) {
        tb_skip(&r->b, "more threads than Linux allows", 1);
        return;
    }
    (void)time_of(r, t, &l, number);
    if (l.kind == STRACE_SIGNAL)
        tb_skip(&r->b, skip_reason(l.kind), 1);
    else if (l.kind == STRACE_EXIT)
        exit_line(r, t, &l);
    else if (l.kind == STRACE_RESUMED)
        resume_line(r, t, &l);
    else
        start_call(r, t, &l, number);
}

/* --- the end ----------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* A system call that does next to nothing takes 0.1 to 0.3 us untraced; whatever a recording
 * shows above that is the tracer's two stops. */
static void estimate_tracer(struct reader *r)
{
    struct strace *s = &r->s;
    struct pcl_trace *t = r->b.t;
    double median;

    if (s->n_trivial == 0) {
        t->tracer_note = r->durations ? "no call that is quick by itself was recorded"
                                      : "no durations were recorded (strace -T)";
        return;
    }
    qsort(s->trivial, s->n_trivial, sizeof(*s->trivial), by_value);
    median = (double)s->trivial[s->n_trivial / 2];
    t->tracer_ns_per_call = median > 200.0 ? median - 200.0 : 0.0;
    t->tracer_note = "median duration of calls that do next to nothing, less 0.2 us";
}

static void remarks(struct reader *r)
{
    struct tb *b = &r->b;
    struct pcl_trace *t = b->t;

    t->clock = clock_name(&r->clock);
    if (r->clock.kind == CLOCK_EPOCH && r->clock.start > 0)
        t->start_ns = r->clock.start;
    t->evidence = (r->tids ? (unsigned)PCL_HAS_THREADS : 0) |
                  (r->durations ? (unsigned)PCL_HAS_DURATIONS : 0) |
                  (r->lost ? (unsigned)PCL_LOSSY : 0);
    if (r->clock.kind == CLOCK_ORDER)
        tb_note(b, "no times in the recording (strace -ttt): 1 us per line is assumed");
    else if (r->clock.whole_seconds)
        tb_note(b, "times are whole seconds: think times are not known");
    if (!r->durations && r->clock.kind != CLOCK_ORDER)
        tb_note(b, "no durations (strace -T): think times include the calls themselves");
    if (!r->tids)
        tb_note(b, "lines bear no thread ids (strace -f -o FILE): one thread is assumed");
    if (!r->s.annotated)
        tb_note(b, "descriptors bear no paths (strace -y): files are known by their open only");
    if (t->time_backwards > 0)
        tb_note(b, "the clock was set back while recording: the step was taken out");
}

/* strace -ff -o NAME writes NAME.TID for each thread, without the number in the lines. */
static void number_by_name(struct reader *r)
{
    const char *dot = strrchr(r->b.t->path, '.');
    size_t n = dot ? strspn(dot + 1, "0123456789") : 0;

    if (r->tids || n == 0 || n > 10 || dot[1 + n] != '\0')
        return;
    for (size_t i = 0; i < r->b.t->n_threads; i++) {
        if (r->b.t->threads[i].tid == -1)
            r->b.t->threads[i].tid = atoll(dot + 1);
    }
}

static void abandon_call(struct call *c)
{
    free_call(c);
}

static struct pcl_trace *parse(const char *name, struct source *src)
{
    struct reader *r = pcl_xcalloc(1, sizeof(*r));
    struct pcl_trace *t = NULL;
    struct text line;
    uint32_t number = 0;

    tb_init(&r->b, "strace", name);
    r->s.b = &r->b;
    files_init(&r->s.files, &r->b);
    tasks_init(&r->s.tasks, &r->b);
    strace_index_calls(&r->s);
    r->s.synthesise = src->synthesise;
    while (source_line(src, &line)) {
        number += number < UINT32_MAX;
        one_line(r, line, number);
    }
    for (struct task *k = r->s.tasks.all; k; k = k->next)
        drop_pending(r, k);
    estimate_tracer(r);
    remarks(r);
    number_by_name(r);
    r->b.last_ns = r->clock.latest;
    r->b.n_tasks = r->s.tasks.n_seen;
    tasks_fini(&r->s.tasks, abandon_call);
    files_fini(&r->s.files);
    free(r->s.trivial);
    if (r->recognised > 0)
        t = tb_finish(&r->b);
    else
        tb_abandon(&r->b);
    free(r);
    return t;
}

static void look(const char *data, size_t size, size_t *hits, size_t *lines)
{
    const char *p = data, *end = data + size;

    *hits = *lines = 0;
    while (p < end && *lines < LOOK_LINES) {
        struct strace_line l;
        strace_parse_line(text_line(&p, end), &l);
        *hits += of_strace(l.kind);
        *lines += l.kind != STRACE_BLANK;
    }
}

const struct trace_reader pcl_trace_reader_strace = {
    .name = "strace", .known = "strace text", .look = look, .parse = parse};
