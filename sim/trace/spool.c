/*
 * A merge sort with the runs on disk; see spool.h. A recording is nearly sorted as it stands,
 * but a call is told when it ends: one that slept for hours belongs far in front.
 *
 *   put:   [ chunk ] full -> sorted, appended to the file as a run
 *   take:  a heap over the runs, each with a small buffer; the last chunk is a run in memory
 */
#include "spool.h"

#include <pclsim/big.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFERS 262144 /* operations in the buffers of all runs */

void spool_init(struct spool *s, size_t chunk)
{
    *s = (struct spool){.chunk = chunk, .fd = -1};
}

static int order(const void *a, const void *b)
{
    const struct pcl_trace_op *x = a, *y = b;

    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->op > y->op) - (x->op < y->op); /* a copy reads before it writes */
}

static void sort_chunk(struct spool *s)
{
    size_t i = 1;

    while (i < s->n && order(&s->ops[i - 1], &s->ops[i]) <= 0)
        i++;
    if (i < s->n)
        qsort(s->ops, s->n, sizeof(*s->ops), order);
}

static bool write_all(int fd, const void *data, size_t n, off_t at)
{
    const char *p = data;

    while (n > 0) {
        ssize_t put = pwrite(fd, p, n, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        p += put;
        at += put;
        n -= (size_t)put;
    }
    return true;
}

static struct spool_run *add_run(struct spool *s)
{
    if (s->n_runs == s->cap_runs) {
        s->cap_runs = s->cap_runs ? s->cap_runs * 2 : 16;
        s->runs = pcl_xrealloc(s->runs, s->cap_runs, sizeof(*s->runs));
    }
    s->runs[s->n_runs] = (struct spool_run){0};
    return &s->runs[s->n_runs++];
}

/* The full chunk goes to the file; where that fails it stays, and grows. */
static void spill(struct spool *s)
{
    struct spool_run *r;

    if (!s->has_file) {
        s->fd = pcl_temp_file();
        s->has_file = s->fd >= 0;
    }
    sort_chunk(s);
    s->failed = !s->has_file || !write_all(s->fd, s->ops, s->n * sizeof(*s->ops),
                                           (off_t)(s->in_file * sizeof(*s->ops)));
    if (s->failed)
        return;
    r = add_run(s);
    r->at = s->in_file;
    r->end = s->in_file += s->n;
    s->n = 0;
}

void spool_put(struct spool *s, const struct pcl_trace_op *op)
{
    if (s->n == s->chunk && !s->failed)
        spill(s);
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        if (s->cap > s->chunk && !s->failed)
            s->cap = s->chunk;
        s->ops = pcl_xrealloc(s->ops, s->cap, sizeof(*s->ops));
    }
    s->ops[s->n++] = *op;
    s->total++;
}

/* --- merging ----------------------------------------------------------------------------- */

static void refill(struct spool *s, struct spool_run *r)
{
    size_t want = r->end - r->at < r->cap ? (size_t)(r->end - r->at) : r->cap, done = 0;

    while (done < want * sizeof(*r->buf)) {
        ssize_t got = pread(s->fd, (char *)r->buf + done, want * sizeof(*r->buf) - done,
                            (off_t)(r->at * sizeof(*r->buf) + done));
        PCL_ASSERT(got > 0 || (got < 0 && errno == EINTR)); /* it was written a moment ago */
        if (got > 0)
            done += (size_t)got;
    }
    r->at += want;
    r->first = 0;
    r->n = want;
}

static bool before(const struct spool *s, size_t a, size_t b)
{
    const struct spool_run *x = &s->runs[a], *y = &s->runs[b];
    int c = order(&x->buf[x->first], &y->buf[y->first]);

    return c < 0 || (c == 0 && a < b);
}

static void sink(struct spool *s, size_t i)
{
    for (;;) {
        size_t least = i, kid = 2 * i + 1, was = s->heap[i];
        for (size_t k = kid; k < kid + 2 && k < s->n_heap; k++) {
            if (before(s, s->heap[k], s->heap[least]))
                least = k;
        }
        if (least == i)
            return;
        s->heap[i] = s->heap[least];
        s->heap[least] = was;
        i = least;
    }
}

void spool_turn(struct spool *s)
{
    struct spool_run *r;

    sort_chunk(s);
    if (s->n > 0) {
        r = add_run(s);
        r->buf = s->ops;
        r->n = s->n;
        s->ops = NULL;
    }
    s->heap = pcl_xcalloc(s->n_runs, sizeof(*s->heap));
    for (size_t i = 0; i < s->n_runs; i++) {
        r = &s->runs[i];
        if (!r->buf) {
            r->cap = BUFFERS / s->n_runs + 64;
            r->buf = pcl_xcalloc(r->cap, sizeof(*r->buf));
            refill(s, r);
        }
        s->heap[s->n_heap++] = i;
    }
    for (size_t i = s->n_heap / 2; i-- > 0;)
        sink(s, i);
}

bool spool_next(struct spool *s, struct pcl_trace_op *out)
{
    struct spool_run *r;

    if (s->n_heap == 0)
        return false;
    r = &s->runs[s->heap[0]];
    *out = r->buf[r->first++];
    if (r->first == r->n && r->at < r->end)
        refill(s, r);
    if (r->first == r->n) {
        free(r->buf);
        r->buf = NULL;
        r->n = r->first = 0;
        s->heap[0] = s->heap[--s->n_heap];
    }
    sink(s, 0);
    return true;
}

void spool_fini(struct spool *s)
{
    for (size_t i = 0; i < s->n_runs; i++)
        free(s->runs[i].buf);
    free(s->runs);
    free(s->heap);
    free(s->ops);
    if (s->has_file)
        (void)close(s->fd);
    *s = (struct spool){.fd = -1};
}
