/*
 * A watcher of one run who writes down what he sees. The engine tells him of transitions,
 * wake-ups and changes of CPUs, the kernel of requests for locks; he changes nothing, so the
 * run is the same as without him.
 *
 *   task    op      |---- pwrite ---------------------------|      X, told when it ends
 *                        |- wait i_rwsem X -|                      X, inside, told behind it
 *           hold                            b----- hold -----e     async: holds need not nest
 *   waker        s ------------------------>f                      flow into the wait
 *
 * What is still open at the end of the window ends there.
 */
#include <pclsim/timeline.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "steady.h"

enum process { TASKS = 1, CPUS, IRQS, N_PROCESSES = 3 };

#define INSTANCE 0xfffff /* of a transition's object; its role stands above */
#define RESERVE 256      /* bytes kept for each thing that is open, to close it */

struct wait {
    pcl_ns from, to;
    uint32_t object;
    uint8_t role;
    char mode;
};

struct hold {
    pcl_ns since;
    uint64_t id;
    int64_t start, last; /* bytes of the file, 0 and PCL_OFF_MAX: all */
    uint32_t object;
    uint8_t role;
    char mode;
};

/* What is known of a body. */
struct seen {
    struct wait asked; /* to is 0 while there is no request */
    bool asking, named;
    struct wait *waits; /* of the operation under way */
    uint32_t n_waits, cap_waits;
    struct hold *holds;
    uint32_t n_holds, cap_holds;
};

struct on_cpu {
    uint32_t task; /* PCL_NONE */
    pcl_ns since, until;
    bool named;
};

struct pcl_timeline {
    FILE *out;
    struct pcl_timeline_opts opts;
    struct pcl_timeline_info info;
    bool failed;
    uint64_t open; /* operations, waits, holds, CPUs that will have to be closed */
    uint64_t next_id;
    uint32_t runs;
    /* of the run under way */
    struct pcl_sim *s;
    struct seen *seen;   /* [n_bodies] */
    struct on_cpu *cpu;  /* [n_cpus] */
    uint32_t *page_held; /* folio -> body + 1 */
    uint32_t n_pages;
    bool closing;
    pcl_ns latest; /* instant that was told of: CPUs run ahead of each other by a micro-step */
};

/* --- writing ----------------------------------------------------------------------------- */

struct line {
    char text[1024];
    size_t n;
};

static void add(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *l, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(l->text + l->n, sizeof(l->text) - l->n, format, ap);
    va_end(ap);
    PCL_ASSERT(n >= 0 && l->n + (size_t)n < sizeof(l->text));
    l->n += (size_t)n;
}

/* Text inside a JSON string: ASCII as it is, the rest as a question mark. */
static void add_text(struct line *l, const char *s)
{
    for (size_t i = 0; s[i] && i < 200; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\')
            add(l, "\\%c", c);
        else
            add(l, "%c", c >= 32 && c < 127 ? c : '?');
    }
}

static void add_us(struct line *l, const char *key, pcl_ns ns)
{
    add(l, ",\"%s\":%" PRId64 ".%03d", key, ns / 1000, (int)(ns % 1000));
}

/* Ends events that belong together; they are dropped where there is no room for all of them.
 * What is open has room kept for it, at most a half. */
static void put_all(struct pcl_timeline *t, struct line *l, unsigned n)
{
    uint64_t reserve = t->closing ? 0 : t->open * RESERVE, size = 8;

    if (reserve > t->opts.max_bytes / 2)
        reserve = t->opts.max_bytes / 2;
    for (unsigned i = 0; i < n; i++) {
        add(&l[i], "}");
        size += l[i].n + 2;
    }
    if (t->info.bytes + size + reserve > t->opts.max_bytes) {
        t->info.full = true; /* what others are in the middle of still fits */
        t->s->m.stop = true;
        if (t->info.bytes + size > t->opts.max_bytes)
            return;
    }
    for (unsigned i = 0; i < n; i++)
        t->failed =
            fprintf(t->out, "%s\n%s", t->info.events++ ? "," : "", l[i].text) < 0 || t->failed;
    t->info.bytes += size - 8;
}

static void put(struct pcl_timeline *t, struct line *l)
{
    put_all(t, l, 1);
}

static uint32_t pid(const struct pcl_timeline *t, enum process p)
{
    return (t->runs - 1) * N_PROCESSES + (uint32_t)p;
}

static struct line begin(const struct pcl_timeline *t, const char *ph, enum process p,
                         uint32_t tid)
{
    struct line l = {.n = 0};

    add(&l, "{\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32, ph, pid(t, p), tid);
    return l;
}

static void name_process(struct pcl_timeline *t, enum process p, const char *what,
                         const char *title)
{
    struct line l = begin(t, "M", p, 0);

    add(&l, ",\"name\":\"process_name\",\"args\":{\"name\":\"%s: ", what);
    add_text(&l, title);
    add(&l, "\"}");
    put(t, &l);
    l = begin(t, "M", p, 0);
    add(&l, ",\"name\":\"process_sort_index\",\"args\":{\"sort_index\":%" PRIu32 "}",
        pid(t, p));
    put(t, &l);
}

static void name_thread(struct pcl_timeline *t, enum process p, uint32_t tid, const char *what,
                        uint32_t number)
{
    struct line l = begin(t, "M", p, tid);

    add(&l, ",\"name\":\"thread_name\",\"args\":{\"name\":\"%s %" PRIu32 "\"}", what, number);
    put(t, &l);
    l = begin(t, "M", p, tid);
    add(&l, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%" PRIu32 "}", tid);
    put(t, &l);
}

/* --- places ------------------------------------------------------------------------------ */

static bool is_irq(const struct pcl_timeline *t, uint32_t body)
{
    return body >= t->s->m.n_tasks;
}

static enum process process_of(const struct pcl_timeline *t, uint32_t body)
{
    return is_irq(t, body) ? IRQS : TASKS;
}

static uint32_t tid_of(const struct pcl_timeline *t, uint32_t body)
{
    return 1 + (is_irq(t, body) ? body - t->s->m.n_tasks : body);
}

static void name_body(struct pcl_timeline *t, uint32_t body)
{
    if (t->seen[body].named)
        return;
    t->seen[body].named = true;
    if (is_irq(t, body))
        name_thread(t, IRQS, tid_of(t, body), "interrupts of CPU", body - t->s->m.n_tasks);
    else
        name_thread(t, TASKS, tid_of(t, body), body == t->s->k.flusher ? "flusher" : "task",
                    body);
}

/* Cuts an interval to the window; false when nothing is left. */
static bool clip(struct pcl_timeline *t, pcl_ns *from, pcl_ns *to)
{
    if (*to < t->opts.from || *from > t->opts.to)
        return false;
    *from = *from < t->opts.from ? t->opts.from : *from;
    *to = *to > t->opts.to ? t->opts.to : *to;
    t->latest = *to > t->latest ? *to : t->latest;
    return true;
}

/* "iolock" of file 3, "page" 17 of file 3, "mmap" of address space 0 */
static void add_lock(struct pcl_timeline *t, struct line *l, unsigned role, uint32_t object)
{
    const struct pcl_cache *c = t->s->k.cache;

    if (role == PCL_ROLE_PAGE)
        add(l, "\"inode\":%" PRIu32 ",\"page\":%" PRIu64, c->folio[object].inode,
            (uint64_t)c->folio[object].pgoff);
    else
        add(l, "\"%s\":%" PRIu32, role == PCL_ROLE_MMAP ? "mm" : "inode", object);
}

/* --- slices ------------------------------------------------------------------------------ */

static void put_wait(struct pcl_timeline *t, uint32_t body, const struct wait *w)
{
    pcl_ns from = w->from, to = w->to;
    struct line l;

    if (!clip(t, &from, &to))
        return;
    name_body(t, body);
    l = begin(t, "X", process_of(t, body), tid_of(t, body));
    add_us(&l, "ts", from);
    add_us(&l, "dur", to - from);
    add(&l, ",\"cat\":\"wait\",\"name\":\"wait %s %c\",\"args\":{",
        pcl_role_name((enum pcl_role)w->role), w->mode);
    add_lock(t, &l, w->role, w->object);
    add(&l, "}");
    put(t, &l);
}

static void put_op(struct pcl_timeline *t, uint32_t body, pcl_ns to)
{
    const struct pcl_body *b = &t->s->body[body];
    const struct pcl_request *r = &b->action.req;
    struct seen *k = &t->seen[body];
    pcl_ns from = b->called;
    struct line l;

    if (clip(t, &from, &to)) {
        name_body(t, body);
        l = begin(t, "X", TASKS, tid_of(t, body));
        add_us(&l, "ts", from);
        add_us(&l, "dur", to - from);
        add(&l,
            ",\"cat\":\"op\",\"name\":\"%s\",\"args\":{\"inode\":%" PRIu32 ",\"off\":\"%" PRId64
            "\",\"len\":\"%" PRId64 "\",\"n\":%" PRIu64 "}",
            pcl_op_name((enum pcl_op)r->op), r->inode, r->off, r->len, b->i);
        put(t, &l);
    }
    for (uint32_t i = 0; i < k->n_waits; i++)
        put_wait(t, body, &k->waits[i]);
    t->open -= k->n_waits;
    k->n_waits = 0;
}

static void put_hold(struct pcl_timeline *t, uint32_t body, const struct hold *h, pcl_ns to)
{
    pcl_ns from = h->since;
    struct line l[2];

    if (!clip(t, &from, &to))
        return;
    name_body(t, body);
    for (unsigned end = 0; end < 2; end++) {
        l[end] = begin(t, end ? "e" : "b", process_of(t, body), tid_of(t, body));
        add_us(&l[end], "ts", end ? to : from);
        add(&l[end], ",\"cat\":\"hold\",\"id\":\"%" PRIu64 "\",\"name\":\"hold %s %c\"", h->id,
            pcl_role_name((enum pcl_role)h->role), h->mode);
    }
    add(&l[0], ",\"args\":{\"task\":%" PRIu32 ",", body);
    add_lock(t, &l[0], h->role, h->object);
    if (h->last != PCL_OFF_MAX || h->start != 0)
        add(&l[0], ",\"first_byte\":\"%" PRId64 "\",\"last_byte\":\"%" PRId64 "\"", h->start,
            h->last);
    add(&l[0], "}");
    put_all(t, l, 2);
}

static void put_cpu(struct pcl_timeline *t, uint32_t cpu, pcl_ns to)
{
    struct on_cpu *c = &t->cpu[cpu];
    pcl_ns from = c->since;
    struct line l;

    c->until = to;
    if (!clip(t, &from, &to) || from == to)
        return;
    if (!c->named)
        name_thread(t, CPUS, cpu + 1, "CPU", cpu);
    c->named = true;
    l = begin(t, "X", CPUS, cpu + 1);
    add_us(&l, "ts", from);
    add_us(&l, "dur", to - from);
    add(&l, ",\"cat\":\"cpu\",\"name\":\"%s %" PRIu32 "\",\"args\":{}",
        c->task == t->s->k.flusher ? "flusher" : "task", c->task);
    put(t, &l);
}

/* An arrow from who wakes to who is woken, inside what both are doing. */
static void put_wake(struct pcl_timeline *t, uint32_t woken, uint32_t waker, pcl_ns at)
{
    pcl_ns from = at, to = at;
    struct line l[3];
    unsigned n = 0;

    if (!clip(t, &from, &to) ||
        (!is_irq(t, woken) && woken < t->s->n_work && t->s->body[woken].phase != BODY_CALL))
        return;
    if (!is_irq(t, waker) && (waker >= t->s->n_work || t->s->body[waker].phase != BODY_CALL))
        return;
    name_body(t, waker);
    name_body(t, woken);
    t->next_id++;
    if (is_irq(t, waker)) {
        l[n] = begin(t, "X", IRQS, tid_of(t, waker));
        add_us(&l[n], "ts", at);
        add_us(&l[n], "dur", 1);
        add(&l[n++], ",\"cat\":\"irq\",\"name\":\"wakes\",\"args\":{\"task\":%" PRIu32 "}",
            woken);
    }
    for (unsigned end = 0; end < 2; end++) {
        uint32_t body = end ? woken : waker;
        l[n] = begin(t, end ? "f" : "s", process_of(t, body), tid_of(t, body));
        add_us(&l[n], "ts", at);
        add(&l[n++], ",\"cat\":\"wake\",\"name\":\"wake\",\"id\":%" PRIu64 "%s", t->next_id,
            end ? ",\"bp\":\"e\"" : "");
    }
    put_all(t, l, n);
}

static void put_violation(struct pcl_timeline *t, uint32_t body, enum pcl_wrong what)
{
    pcl_ns at = t->s->m.at, to = at;
    struct line l;

    if (!clip(t, &at, &to))
        return;
    name_body(t, body);
    l = begin(t, "i", process_of(t, body), tid_of(t, body));
    add_us(&l, "ts", at);
    add(&l, ",\"s\":\"g\",\"cat\":\"violation\",\"name\":\"%s\"", pcl_wrong_name(what));
    put(t, &l);
}

/* --- watching ---------------------------------------------------------------------------- */

static void *room(void *old, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return old;
    *cap = *cap ? *cap * 2 : 4;
    return pcl_xrealloc(old, *cap, size);
}

static void granted(struct pcl_timeline *t, uint32_t body, unsigned role, uint32_t object)
{
    struct pcl_kernel *k = &t->s->k;
    struct seen *b = &t->seen[body];
    const struct pcl_range_op *op = role == PCL_ROLE_PAGE ? NULL : &k->range[role].op[body];
    const struct pcl_range_node *n = op ? &k->range[role].node[op->node] : NULL;
    bool contended = op ? op->contended : k->page.op[body].contended;
    bool shared = n ? n->mode == PCL_SHARED : k->page.op[body].shared;
    char mode = shared ? 'S' : 'X';

    if (contended && b->asking) {
        b->asked.to = t->s->m.at;
        b->asked.mode = mode;
        b->waits = room(b->waits, b->n_waits, &b->cap_waits, sizeof(*b->waits));
        b->waits[b->n_waits++] = b->asked;
        t->open++;
    }
    b->asking = false;
    b->holds = room(b->holds, b->n_holds, &b->cap_holds, sizeof(*b->holds));
    b->holds[b->n_holds++] =
        (struct hold){.since = t->s->m.at,
                      .id = ++t->next_id,
                      .object = role == PCL_ROLE_PAGE ? object : object & INSTANCE,
                      .start = n ? n->start : 0,
                      .last = n ? n->last : PCL_OFF_MAX,
                      .role = (uint8_t)role,
                      .mode = mode};
    t->open += 2;
    if (role != PCL_ROLE_PAGE)
        return;
    while (object >= t->n_pages) {
        uint32_t more = t->n_pages ? t->n_pages * 2 : 1024;
        t->page_held = pcl_xrealloc(t->page_held, more, sizeof(*t->page_held));
        memset(t->page_held + t->n_pages, 0, (more - t->n_pages) * sizeof(*t->page_held));
        t->n_pages = more;
    }
    t->page_held[object] = body + 1;
}

/* True when the body held it. */
static bool let_go(struct pcl_timeline *t, uint32_t body, unsigned role, uint32_t object)
{
    struct seen *b = &t->seen[body];

    for (uint32_t i = b->n_holds; i-- > 0;) {
        if (b->holds[i].role != role || b->holds[i].object != object)
            continue;
        t->open -= 2;
        put_hold(t, body, &b->holds[i], t->s->m.at);
        b->holds[i] = b->holds[--b->n_holds];
        return true;
    }
    return false;
}

/* A page's lock may be given back by an interrupt. */
static void unlocked(struct pcl_timeline *t, uint32_t body, uint32_t folio)
{
    uint32_t holder = folio < t->n_pages ? t->page_held[folio] : 0;

    if (!let_go(t, body, PCL_ROLE_PAGE, folio) && holder)
        (void)let_go(t, holder - 1, PCL_ROLE_PAGE, folio);
}

static void on_lock(void *arg, enum pcl_lock_event what, enum pcl_role role, uint32_t object)
{
    struct pcl_sim *s = arg;
    struct pcl_timeline *t = s->timeline;
    uint32_t body = s->m.cur;
    struct seen *b = &t->seen[body];

    switch (what) {
    case PCL_LOCK_ASKED:
        b->asked = (struct wait){.from = s->m.at, .object = object, .role = (uint8_t)role};
        b->asking = true;
        break;
    case PCL_LOCK_GRANTED:
        granted(t, body, role, object);
        break;
    case PCL_LOCK_SEEN_FREE:
        b->asking = false;
        break;
    }
}

/* A scheduler's event takes effect behind what the task and the CPU are still busy with. */
static pcl_ns switch_time(const struct pcl_timeline *t, uint32_t task, uint32_t cpu)
{
    const struct pcl_machine *m = &t->s->m;
    pcl_ns at = m->eng.now > m->task[task].since ? m->eng.now : m->task[task].since;

    return at > t->cpu[cpu].until ? at : t->cpu[cpu].until;
}

static void on_switch(struct pcl_timeline *t, uint32_t task, uint32_t cpu, bool on)
{
    struct on_cpu *c = &t->cpu[cpu];
    pcl_ns at = t->s->m.eng.now;

    if (on) {
        *c = (struct on_cpu){task, switch_time(t, task, cpu), c->until, c->named};
    } else if (c->task == task) {
        if (t->s->m.cur == task && t->s->m.at > at)
            at = t->s->m.at;
        put_cpu(t, cpu, at > c->since ? at : c->since);
        c->task = PCL_NONE;
    }
}

static void on_transition(void *arg, unsigned what, uint32_t who, uint64_t object)
{
    struct pcl_timeline *t = arg;
    struct pcl_sim *s = t->s;

    t->closing = t->info.full; /* the micro-step under way may end what was begun */
    if (t->info.full && what != PCL_TR_DONE && what != PCL_TR_RELEASE)
        return;
    switch ((enum pcl_transition)what) {
    case PCL_TR_RELEASE:
        if (object >> 20 != PCL_ROLE_PAGE)
            (void)let_go(t, who, (unsigned)(object >> 20), (uint32_t)object & INSTANCE);
        break;
    case PCL_TR_DONE:
        t->seen[who].asking = false;
        put_op(t, who, s->m.at);
        break;
    case PCL_SEEN_WOKEN:
        put_wake(t, who, (uint32_t)object, s->m.at);
        break;
    case PCL_SEEN_ON_CPU:
    case PCL_SEEN_OFF_CPU:
        on_switch(t, who, (uint32_t)object, what == PCL_SEEN_ON_CPU);
        break;
    case PCL_SEEN_UNLOCK:
        unlocked(t, who, (uint32_t)object);
        break;
    case PCL_TR_VIOLATION:
        put_violation(t, who, (enum pcl_wrong)object);
        break;
    case PCL_TR_GRANT:
    case PCL_TR_BLOCK:
    case PCL_TR_WAKE:
        break;
    }
}

/* --- a run ------------------------------------------------------------------------------- */

/* Everything that is still under way ends here, waits inside their operations. */
static void close_all(struct pcl_timeline *t, pcl_ns at)
{
    struct pcl_sim *s = t->s;

    t->closing = true;
    for (uint32_t b = 0; b < s->m.n_bodies; b++) {
        struct seen *k = &t->seen[b];
        if (k->asking && k->asked.from < at) {
            k->asked.to = at;
            k->asked.mode = '?';
            k->waits = room(k->waits, k->n_waits, &k->cap_waits, sizeof(*k->waits));
            k->waits[k->n_waits++] = k->asked;
            t->open++;
        }
        if (b < s->n_work && s->body[b].phase == BODY_CALL && s->body[b].called < at)
            put_op(t, b, at);
        for (uint32_t i = 0; i < k->n_waits; i++) /* of the flusher */
            put_wait(t, b, &k->waits[i]);
        for (uint32_t i = 0; i < k->n_holds; i++)
            put_hold(t, b, &k->holds[i], at > k->holds[i].since ? at : k->holds[i].since);
    }
    for (uint32_t c = 0; c < s->m.n_cpus; c++) {
        if (t->cpu[c].task != PCL_NONE && t->cpu[c].since < at)
            put_cpu(t, c, at);
    }
    t->closing = false;
}

static void watch(struct pcl_timeline *t, struct pcl_sim *s, const char *title)
{
    t->s = s;
    t->runs++;
    t->seen = pcl_xcalloc(s->m.n_bodies, sizeof(*t->seen));
    t->cpu = pcl_xcalloc(s->m.n_cpus, sizeof(*t->cpu));
    for (uint32_t c = 0; c < s->m.n_cpus; c++)
        t->cpu[c].task = PCL_NONE;
    t->open = s->m.n_cpus + s->n_work;
    t->latest = 0;
    s->timeline = t;
    s->k.lock_event = on_lock;
    s->m.eng.watch = on_transition;
    s->m.eng.watch_arg = t;
    if (s->end > t->opts.to)
        s->end = t->opts.to;
    name_process(t, TASKS, "tasks", title);
    name_process(t, CPUS, "CPUs", title);
    name_process(t, IRQS, "interrupts", title);
}

static void look_away(struct pcl_timeline *t)
{
    for (uint32_t b = 0; b < t->s->m.n_bodies; b++) {
        free(t->seen[b].waits);
        free(t->seen[b].holds);
    }
    free(t->seen);
    free(t->cpu);
    free(t->page_held);
    t->page_held = NULL;
    t->n_pages = 0;
    t->s = NULL;
}

int pcl_timeline_run(struct pcl_timeline *t, const struct pcl_job *job, const char *title,
                     struct pcl_result *out, const volatile int *cancel, struct pcl_err *err)
{
    struct pcl_span span;
    struct pcl_sim s;
    int rc = sim_find_span(job, &span, cancel, err);
    pcl_ns end;

    if (rc != PCL_OK)
        return rc;
    rc = sim_init(&s, job, &span, out, err);

    if (rc == PCL_OK) {
        watch(t, &s, title);
        rc = sim_run(&s, cancel, err);
        end = s.m.stop ? s.m.eng.now : sim_end(&s);
        end = end > t->latest ? end : t->latest;
        end = end > t->opts.to ? t->opts.to : end;
        close_all(t, end);
        t->info.to = end > t->info.to ? end : t->info.to;
        if (rc == PCL_OK)
            sim_collect(&s);
        look_away(t);
    }
    sim_fini(&s);
    return rc;
}

struct pcl_timeline *pcl_timeline_new(FILE *out, const struct pcl_timeline_opts *opts)
{
    struct pcl_timeline *t = pcl_xcalloc(1, sizeof(*t));
    static const char head[] =
        "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"clock\":\"simulated\"},"
        "\"traceEvents\":[";

    t->out = out;
    t->opts = *opts;
    t->info.from = opts->from;
    t->failed = fputs(head, out) == EOF;
    t->info.bytes = sizeof(head) + 4;
    return t;
}

int pcl_timeline_end(struct pcl_timeline *t, struct pcl_timeline_info *info)
{
    bool failed = fputs("\n]}\n", t->out) == EOF || t->failed;

    *info = t->info;
    free(t);
    return failed ? PCL_EIO : PCL_OK;
}
