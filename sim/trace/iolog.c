/*
 * fio's I/O logs, versions 2 and 3. One log is one job; fio appends, so a second header begins
 * the log of another job, with a clock of its own: each header begins a thread.
 *
 *   fio version 3 iolog
 *   137 /data/t1 write 0 4096        microseconds, file, action, offset, length
 *
 * Version 2 lacks the time, and has "wait N": sleep until N milliseconds after the start. (The
 * manual says otherwise; this is what fio 3.33 does.)
 */
#include "plain.h"
#include "reader.h"

#include <string.h>

struct iolog {
    int version; /* 0: before the first header */
    int64_t job;
};

static const struct {
    const char *name;
    enum pcl_op op;
    unsigned flags;
} actions[] = {{"read", PCL_OP_READ, 0},
               {"write", PCL_OP_WRITE, 0},
               {"trim", PCL_OP_PUNCH, 0},
               {"sync", PCL_OP_FSYNC, 0},
               {"datasync", PCL_OP_FSYNC, PCL_OPF_DATASYNC}};

static int header(struct text t)
{
    if (text_is(t, "fio version 2 iolog"))
        return 2;
    return text_is(t, "fio version 3 iolog") ? 3 : 0;
}

static const char *file_action(struct plain *p, const struct text *w, struct pcl_trace_op op)
{
    if (text_is(w[1], "add")) {
        p->recognised++;
        return "names a file";
    }
    if (!text_is(w[1], "open") && !text_is(w[1], "close"))
        return PLAIN_BAD_FIELDS;
    p->recognised++;
    op.inode = plain_file(p, "", w[0]);
    op.op = PCL_OP_SYSCALL;
    return plain_op(p, op, 1);
}

static const char *io_action(struct plain *p, const struct text *w, struct pcl_trace_op op)
{
    enum number a = text_int(w[2], &op.off), b = text_int(w[3], &op.len);

    if (a == NUMBER_BAD || b == NUMBER_BAD)
        return PLAIN_BAD_FIELDS;
    if (a == NUMBER_RANGE || b == NUMBER_RANGE)
        return PLAIN_BAD_RANGE;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (!text_is(w[1], actions[i].name))
            continue;
        op.inode = plain_file(p, "", w[0]);
        op.op = (uint8_t)actions[i].op;
        op.flags = (uint8_t)actions[i].flags;
        if (actions[i].op == PCL_OP_FSYNC) /* their numbers are those of the last write */
            op.off = op.len = 0;
        return plain_op(p, op, 1);
    }
    if (text_is(w[1], "sync_file_range") || text_is(w[1], "syncfs"))
        return "not modelled yet: sync_file_range, syncfs";
    return "unknown action";
}

static const char *line(struct plain *p, struct text t)
{
    struct iolog *s = p->state;
    struct pcl_trace_op op = {.dur_ns = -1};
    struct text w[6], *v = w;
    unsigned n = plain_split(t, ' ', w, 6);
    int64_t us;
    int version = header(text_trim(t));

    if (version) {
        s->version = version;
        s->job++;
        p->now = 0;
        p->recognised++;
        p->times = p->times || version == 3;
        return "header";
    }
    if (s->version == 0)
        return "before the header";
    if (s->version == 3) {
        if (n < 3 || text_int(w[0], &us) != NUMBER_OK || us < 0 || us > PCL_NS_MAX / 1000)
            return PLAIN_BAD_FIELDS;
        p->now = us * 1000;
        v++;
        n--;
    }
    if (s->version == 2 && n >= 3 && text_is(v[1], "wait")) {
        if (text_int(v[2], &us) != NUMBER_OK || us < 0 || us > PCL_NS_MAX / 1000000)
            return PLAIN_BAD_FIELDS;
        if (us * 1000000 > p->now)
            p->now = us * 1000000;
        p->times = true;
        tb_note(&p->b, "wait lines: until so many ms after the start, as fio does");
        return "wait";
    }
    op.t_ns = p->now;
    op.thread = plain_thread(p, s->job);
    if (s->version == 2)
        p->now += 1000;
    if (n == 2)
        return file_action(p, v, op);
    return n == 4 ? io_action(p, v, op) : PLAIN_BAD_FIELDS;
}

static void end(struct plain *p)
{
    const struct iolog *s = p->state;

    p->b.t->evidence |= s->job > 1 ? (unsigned)PCL_HAS_THREADS : 0;
    tb_note(&p->b, "a log of fio shows neither durations nor results, nor whether reads and "
                   "writes are buffered, direct or mapped: buffered is assumed");
}

static struct pcl_trace *parse(const char *name, struct source *src)
{
    struct iolog s = {0};

    return plain_parse("fio iolog", name, src, line, end, &s);
}

/* The header is unmistakable: one is enough. */
static void look(const char *data, size_t size, size_t *hits, size_t *lines)
{
    const char *p = data, *end_p = data + size;

    *hits = *lines = 0;
    while (p < end_p && *lines == 0) {
        struct text t = text_trim(text_line(&p, end_p));
        if (t.n > 0 && t.p[t.n - 1] == '\r')
            t.n--;
        *lines = t.n > 0;
        *hits = header(t) ? 1000 : 0;
    }
}

const struct trace_reader pcl_trace_reader_iolog = {
    .name = "iolog", .known = "fio iolog", .look = look, .parse = parse};
