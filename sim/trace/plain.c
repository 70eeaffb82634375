/*
 * Formats in which each line stands for itself; see plain.h.
 */
#include "plain.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LINE (1u << 20)
#define MAX_NAME 4096
#define MAX_THREADS 4194304

uint32_t plain_file(struct plain *p, const char *prefix, struct text name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), found;
    size_t head = strlen(prefix), n = name.n < MAX_NAME ? name.n : MAX_NAME;
    char path[MAX_NAME + 64];
    uint32_t file;

    PCL_ASSERT(head < 64);
    memcpy(path, prefix, head);
    memcpy(path + head, name.p, n);
    path[head + n] = '\0';
    for (size_t i = 0; i < head + n; i++) {
        if (path[i] == '\0')
            path[i] = '?';
        hash = (hash ^ (unsigned char)path[i]) * UINT64_C(0x100000001b3);
    }
    for (hash >>= 2; map_get(&p->by_name, hash, &found); hash++) { /* never the reserved key */
        if (strcmp(p->b.files[found].path, path) == 0)
            return (uint32_t)found;
    }
    file = tb_file(&p->b, path);
    map_put(&p->by_name, hash, file);
    return file;
}

uint32_t plain_thread(struct plain *p, int64_t tid)
{
    uint64_t found;
    uint32_t thread;

    if (tid < 0 || p->b.t->n_threads >= MAX_THREADS)
        tid = 0;
    if (map_get(&p->by_thread, (uint64_t)tid, &found))
        return (uint32_t)found;
    thread = tb_thread(&p->b, tid, -1);
    if (thread >= p->cap_last) {
        p->cap_last = p->cap_last ? p->cap_last * 2 : 16;
        p->last = pcl_xrealloc(p->last, p->cap_last, sizeof(*p->last));
    }
    p->last[thread] = INT64_MIN;
    map_put(&p->by_thread, (uint64_t)tid, thread);
    p->b.n_tasks++;
    return thread;
}

const char *plain_op(struct plain *p, struct pcl_trace_op op, unsigned lines)
{
    int64_t end;

    if (op.off < 0 || op.len < 0 || __builtin_add_overflow(op.off, op.len, &end))
        return PLAIN_BAD_RANGE;
    if (op.t_ns < p->last[op.thread]) {
        p->b.t->time_backwards++;
        op.t_ns = p->last[op.thread];
    }
    p->last[op.thread] = op.t_ns;
    if (op.t_ns > p->latest)
        p->latest = op.t_ns;
    if (op.dur_ns < 0)
        op.dur_ns = -1;
    p->durations = p->durations || op.dur_ns >= 0;
    op.line = p->number;
    tb_op(&p->b, &op, lines);
    return NULL;
}

unsigned plain_split(struct text line, char sep, struct text *out, unsigned max)
{
    const char *p = line.p, *end = line.p + line.n;
    unsigned n = 0;

    while (n < max && p <= end) {
        const char *from;
        while (sep == ' ' && p < end && (*p == ' ' || *p == '\t'))
            p++;
        if (sep == ' ' && p == end)
            break;
        for (from = p; p < end && *p != sep && !(sep == ' ' && *p == '\t'); p++)
            continue;
        out[n++] = text_trim((struct text){from, (size_t)(p - from)});
        p++;
    }
    return n;
}

struct pcl_trace *plain_parse(const char *format, const char *name, struct source *src,
                              plain_line_fn *line_fn, void (*end_fn)(struct plain *),
                              void *state)
{
    struct plain p = {.state = state, .latest = 0};
    struct pcl_trace *t = NULL;
    struct text line;

    tb_init(&p.b, format, name);
    while (source_line(src, &line)) {
        const char *why;
        p.number += p.number < UINT32_MAX;
        p.b.t->lines_read++;
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (text_trim(line).n == 0)
            why = "blank";
        else
            why = line.n > MAX_LINE ? "line too long" : line_fn(&p, line);
        if (why)
            tb_skip(&p.b, why, 1);
    }
    p.b.last_ns = p.latest;
    p.b.t->clock = p.times ? "the recording's own" : "none, 1 us per line assumed";
    p.b.t->evidence = p.durations ? (unsigned)PCL_HAS_DURATIONS : 0;
    p.b.t->tracer_note = "not a recording of the calls";
    if (!p.times)
        tb_note(&p.b, "no times in the recording: 1 us per line is assumed");
    if (end_fn)
        end_fn(&p);
    if (p.recognised > 0)
        t = tb_finish(&p.b);
    else
        tb_abandon(&p.b);
    map_fini(&p.by_name);
    map_fini(&p.by_thread);
    free(p.last);
    return t;
}
