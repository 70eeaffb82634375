/*
 * What a study says in words: what a recording is, how it is replayed, and what differs between
 * the replications. A table without the last is not worth much: intervals are about exactly
 * that.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "study_internal.h"

static char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *fmt, ...)
{
    char buf[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    return pcl_xstrdup(buf);
}

/* --- what varies -----------------------------------------------------------------------------
 */

struct list {
    char text[400];
    size_t n;
};

static void add(struct list *l, bool varies, const char *what)
{
    size_t at = strlen(l->text);

    if (!varies)
        return;
    (void)snprintf(l->text + at, sizeof(l->text) - at, "%s%s", l->n ? ", " : "", what);
    l->n++;
}

static bool spread(const struct pcl_dist *d)
{
    return d->kind != PCL_DIST_CONST && !(d->kind == PCL_DIST_UNIFORM && d->a == d->b);
}

static bool device_varies(const struct pcl_profile *m)
{
    return m->dev_read_cv > 0 || m->dev_write_cv > 0;
}

/* More than one place to choose from? */
static bool places(const struct pcl_scenario *s, const struct pcl_group *g)
{
    int64_t len = g->region_len;

    if (g->offsets == PCL_OFF_SEQUENTIAL || g->offsets == PCL_OFF_HOT)
        return false;
    if (len < 0 && g->file < s->n_files)
        len = s->files[g->file].size - g->region_at;
    return g->align <= 0 || len / g->align > 1;
}

static bool may_do_io(enum pcl_op op)
{
    return op != PCL_OP_PAGE_LOCK && op != PCL_OP_PAGE_PAIR && op != PCL_OP_PAGE_WAIT && op != PCL_OP_PAGE_WAIT_DROP &&
           op != PCL_OP_SYSCALL && op != PCL_OP_DONTNEED && op != PCL_OP_KILL &&
           op != PCL_OP_PAGE_LOCK_KILLABLE && op != PCL_OP_WRITEBACK_WAIT &&
           op != PCL_OP_RANGE_LOCK && op != PCL_OP_RANGE_LOCK_SHARED;
}

char *pcl_varies_scenario(const struct pcl_scenario *s, const struct pcl_profile *m)
{
    bool think = false, arrivals = false, mix = false, offsets = false, sizes = false;
    bool hold = false, start = false, io = false;
    struct list l = {.n = 0};

    for (size_t g = 0; g < s->n_groups; g++) {
        const struct pcl_group *p = &s->groups[g];
        size_t ops = 0;

        for (size_t i = 0; i < p->n_list; i++)
            io = io || may_do_io(p->list[i].op);
        for (size_t o = 0; o < PCL_N_OPS; o++) {
            ops += p->weight[o] > 0;
            io = io || (p->weight[o] > 0 && may_do_io((enum pcl_op)o));
        }
        arrivals = arrivals || (p->open && spread(&p->think));
        think = think || (!p->open && spread(&p->think));
        mix = mix || ops > 1;
        offsets = offsets || (!p->n_list && places(s, p));
        sizes = sizes || spread(&p->size);
        hold = hold || (p->weight[PCL_OP_PAGE_LOCK] > 0 && spread(&p->hold));
        start = start || p->start_jitter > 0;
    }
    add(&l, think, "think times");
    add(&l, arrivals, "arrivals");
    add(&l, mix, "order of operations");
    add(&l, offsets, "offsets");
    add(&l, sizes, "sizes");
    add(&l, hold, "hold times");
    add(&l, start, "start times");
    add(&l, io && device_varies(m), "device latencies");
    add(&l, m->wake_cv > 0 && m->sched != PCL_SCHED_IDEAL, "wake-up latencies");
    add(&l, true, "page addresses (hash buckets)");
    add(&l, true, "order of simultaneous events");
    return pcl_xstrdup(l.text);
}

char *pcl_varies_trace(const struct pcl_profile *m)
{
    struct list l = {.n = 0};

    add(&l, true, "start times of clones");
    add(&l, device_varies(m), "device latencies");
    add(&l, m->wake_cv > 0 && m->sched != PCL_SCHED_IDEAL, "wake-up latencies");
    add(&l, true, "page addresses (hash buckets)");
    add(&l, true, "order of simultaneous events");
    return pcl_xstrdup(l.text);
}

/* --- a recording and its replay --------------------------------------------------------------
 */

const char *pcl_trace_name(const struct pcl_trace *t)
{
    const char *slash = strrchr(t->path, '/');

    return slash && slash[1] ? slash + 1 : t->path;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

char *pcl_trace_title(const struct pcl_trace *t)
{
    char span[32];

    return text("%s recording: %zu thread%s, %zu file%s, %zu operation%s in %s", t->format,
                t->n_threads, plural(t->n_threads), t->n_inodes, plural(t->n_inodes), t->n_ops,
                plural(t->n_ops), pcl_format_ns(t->span_ns, span, sizeof(span)));
}

const char *pcl_replay_word(const struct pcl_replay_opts *o, char *buf, size_t n)
{
    switch (o->mode) {
    case PCL_REPLAY_THINK:
        return "think";
    case PCL_REPLAY_OPEN:
        return "open";
    case PCL_REPLAY_ASAP:
        return "asap";
    case PCL_REPLAY_SCALED:
        break;
    }
    (void)snprintf(buf, n, "scaled:%.10g", o->factor);
    return buf;
}

char *pcl_replay_text(const struct pcl_replay_opts *o)
{
    char word[40], most[32];

    if (o->max_think > 0 && o->mode != PCL_REPLAY_OPEN && o->mode != PCL_REPLAY_ASAP)
        return text("%s, at most %s of think time, fs %s",
                    pcl_replay_word(o, word, sizeof(word)),
                    pcl_format_ns(o->max_think, most, sizeof(most)), pcl_fs_name(o->fs));
    return text("%s, fs %s", pcl_replay_word(o, word, sizeof(word)), pcl_fs_name(o->fs));
}

char *pcl_replay_label(const struct pcl_replay_opts *o, const struct pcl_trace *t)
{
    unsigned long long threads = (unsigned long long)o->clone * t->n_threads;
    char word[40], how[80] = "";

    if (o->mode != PCL_REPLAY_THINK)
        (void)snprintf(how, sizeof(how), ", %s", pcl_replay_word(o, word, sizeof(word)));
    if (o->fs != PCL_FS_XFS)
        (void)snprintf(how + strlen(how), sizeof(how) - strlen(how), ", %s",
                       pcl_fs_name(o->fs));
    return o->clone <= 1 ? text("as recorded: %llu thread%s%s", threads, plural(threads), how)
                         : text("cloned to %llu threads%s", threads, how);
}
