/*
 * Cutting, multiplying and merging traces, record by record: what is kept grows with the files
 * and threads that were declared, never with the operations.
 */
#include "map.h"

#include <pclsim/trace_canon.h>

#include <stdlib.h>
#include <string.h>

/* What became of each declared number. */
struct numbers {
    uint32_t *v;
    size_t n, cap;
};

static void add(struct numbers *k, uint32_t v)
{
    if (k->n == k->cap) {
        k->cap = k->cap ? k->cap * 2 : 64;
        k->v = pcl_xrealloc(k->v, k->cap, sizeof(*k->v));
    }
    k->v[k->n++] = v;
}

static uint64_t hash_path(const char *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
    return map_mix(h) >> 2;
}

/* --- slice ------------------------------------------------------------------------------- */

static bool contains(const char *p, size_t n, const char *part)
{
    size_t len = strlen(part);

    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp(p + i, part, len) == 0)
            return true;
    }
    return false;
}

static bool keeps_file(const struct pcl_slice *how, const struct pcl_trace_record *r)
{
    bool keep = how->n_files == 0;

    for (size_t i = 0; i < how->n_files; i++)
        keep = keep || contains(r->path, r->path_len, how->files[i]);
    return keep && (how->sample < 2 || hash_path(r->path, r->path_len) % how->sample == 0);
}

static bool keeps_thread(const struct pcl_slice *how, int64_t tid)
{
    bool keep = how->n_tids == 0;

    for (size_t i = 0; i < how->n_tids; i++)
        keep = keep || how->tids[i] == tid;
    return keep;
}

int pcl_trace_slice(struct pcl_trace_stream *in, const struct pcl_slice *how,
                    struct pcl_trace_sink *out, struct pcl_err *err)
{
    struct numbers files = {0}, threads = {0};
    bool of_files = how->n_files > 0 || how->sample > 1, more = true;
    struct pcl_trace_record r;
    uint32_t n_files = 0, n_threads = 0;
    int rc;

    while ((rc = pcl_trace_stream_next(in, &r, &more, err)) == PCL_OK && more) {
        if (r.type == PCL_RECORD_FILE) {
            r.id = keeps_file(how, &r) ? n_files++ : PCL_NONE;
            add(&files, r.id);
        } else if (r.type == PCL_RECORD_THREAD) {
            r.id = keeps_thread(how, r.tid) ? n_threads++ : PCL_NONE;
            add(&threads, r.id);
        } else if (r.type == PCL_RECORD_OP) {
            if (r.op.t_ns < how->from || r.op.t_ns >= how->until ||
                (of_files && r.op.inode == PCL_NONE))
                continue;
            r.op.thread = threads.v[r.op.thread];
            r.id = r.op.thread;
            if (r.op.inode != PCL_NONE) {
                r.op.inode = files.v[r.op.inode];
                if (r.op.inode == PCL_NONE)
                    continue;
            }
        }
        if (r.type == PCL_RECORD_META || r.id != PCL_NONE)
            pcl_trace_put(out, &r);
    }
    free(files.v);
    free(threads.v);
    return rc;
}

/* --- scale ------------------------------------------------------------------------------- */

static void scale_file(const struct pcl_scale *how, struct pcl_trace_record *r,
                       struct pcl_trace_sink *out)
{
    uint32_t first = how->own_files ? r->id * how->clones : r->id;
    const char *path = r->path;
    size_t len = r->path_len;
    char *name;

    r->id = first;
    pcl_trace_put(out, r);
    for (uint32_t k = 1; how->own_files && k < how->clones; k++) {
        name = pcl_xcalloc(len + 32, 1);
        memcpy(name, path, len);
        r->path = name;
        r->path_len = len + (size_t)snprintf(name + len, 32, " (copy %u)", k);
        r->id = first + k;
        pcl_trace_put(out, r);
        free(name);
    }
}

static pcl_ns divided(pcl_ns t, double speed)
{
    double v = (double)t / speed;

    return t < 0 || v >= (double)(PCL_NS_MAX / 2) ? (t < 0 ? t : PCL_NS_MAX / 2) : (pcl_ns)v;
}

static void scale_op(const struct pcl_scale *how, struct pcl_trace_record *r,
                     struct pcl_trace_sink *out)
{
    const struct pcl_trace_op op = r->op;

    for (uint32_t k = 0; k < how->clones; k++) {
        int64_t by, end;
        r->op = op;
        if (how->speed < 1.0 || how->speed > 1.0) {
            r->op.t_ns = divided(op.t_ns, how->speed);
            r->op.dur_ns = divided(op.dur_ns, how->speed);
        }
        r->op.thread = op.thread * how->clones + k;
        if (op.inode != PCL_NONE && how->own_files)
            r->op.inode = op.inode * how->clones + k;
        if (op.op != PCL_OP_SYSCALL && !(op.op == PCL_OP_FSYNC && op.len == 0) && k > 0 &&
            (__builtin_mul_overflow((int64_t)k, how->shift, &by) ||
             __builtin_add_overflow(op.off, by, &r->op.off) ||
             __builtin_add_overflow(r->op.off, op.len, &end)))
            continue; /* beyond the largest file */
        pcl_trace_put(out, r);
    }
}

int pcl_trace_scale(struct pcl_trace_stream *in, const struct pcl_scale *how,
                    struct pcl_trace_sink *out, struct pcl_err *err)
{
    struct pcl_trace_record r;
    bool more = true;
    int rc;

    while ((rc = pcl_trace_stream_next(in, &r, &more, err)) == PCL_OK && more) {
        if (r.type != PCL_RECORD_META && r.type != PCL_RECORD_OP &&
            r.id > (PCL_NONE - 2) / how->clones)
            return pcl_fail(err, PCL_EINVAL,
                            "%u clones of so many threads or files are more than "
                            "2^32",
                            how->clones);
        if (r.type == PCL_RECORD_FILE) {
            scale_file(how, &r, out);
        } else if (r.type == PCL_RECORD_THREAD) {
            uint32_t id = r.id * how->clones;
            for (r.id = id; r.id - id < how->clones; r.id++)
                pcl_trace_put(out, &r);
        } else if (r.type == PCL_RECORD_OP) {
            scale_op(how, &r, out);
        } else {
            r.span_ns = divided(r.span_ns, how->speed);
            pcl_trace_put(out, &r);
        }
    }
    return rc;
}

/* --- merge ------------------------------------------------------------------------------- */

struct input {
    struct numbers files, threads;
    struct pcl_trace_record next; /* an operation, renumbered */
    bool more;
    pcl_ns start, span, shift; /* start: 0 unknown */
};

struct merge {
    struct pcl_trace_sink *out;
    struct map by_path; /* hash -> new number */
    bool separate;
    uint32_t n_files, n_threads;
};

static void merge_file(struct merge *m, struct input *k, struct pcl_trace_record *r)
{
    uint64_t hash = hash_path(r->path, r->path_len), known;

    if (!m->separate && map_get(&m->by_path, hash, &known)) {
        add(&k->files, (uint32_t)known);
        return;
    }
    map_put(&m->by_path, hash, m->n_files);
    add(&k->files, m->n_files);
    r->id = m->n_files++;
    pcl_trace_put(m->out, r);
}

/* Reads on to the next operation, declaring what comes before it. */
static int advance(struct merge *m, struct input *k, struct pcl_trace_stream *in,
                   struct pcl_err *err)
{
    struct pcl_trace_record *r = &k->next;
    int rc;

    while ((rc = pcl_trace_stream_next(in, r, &k->more, err)) == PCL_OK && k->more) {
        if (r->type == PCL_RECORD_FILE) {
            merge_file(m, k, r);
        } else if (r->type == PCL_RECORD_THREAD) {
            add(&k->threads, m->n_threads);
            r->id = m->n_threads++;
            pcl_trace_put(m->out, r);
        } else if (r->type == PCL_RECORD_META) {
            k->start = r->start_ns;
            k->span = r->span_ns;
            r->start_ns = 0;
            pcl_trace_put(m->out, r); /* evidence adds up */
        } else {
            if (__builtin_add_overflow(r->op.t_ns, k->shift, &r->op.t_ns))
                r->op.t_ns = PCL_NS_MAX;
            r->op.thread = k->threads.v[r->op.thread];
            if (r->op.inode != PCL_NONE)
                r->op.inode = k->files.v[r->op.inode];
            return PCL_OK;
        }
    }
    return rc;
}

#define DAY_NS INT64_C(86400000000000)

/* Where all starts are known, inputs keep their distances. Their first operations have been
 * read already. */
static void align(struct input *k, size_t n, struct pcl_trace_sink *out)
{
    struct pcl_trace_record meta = {.type = PCL_RECORD_META, .start_ns = PCL_NS_MAX};
    pcl_ns latest = 0;

    for (size_t i = 0; i < n; i++) {
        meta.start_ns = k[i].start < meta.start_ns ? k[i].start : meta.start_ns;
        latest = k[i].start > latest ? k[i].start : latest;
    }
    if (meta.start_ns <= 0 || latest - meta.start_ns > DAY_NS)
        return;
    for (size_t i = 0; i < n; i++) {
        pcl_ns end;
        k[i].shift = k[i].start - meta.start_ns;
        if (k[i].more &&
            __builtin_add_overflow(k[i].next.op.t_ns, k[i].shift, &k[i].next.op.t_ns))
            k[i].next.op.t_ns = PCL_NS_MAX;
        if (__builtin_add_overflow(k[i].span, k[i].shift, &end))
            end = PCL_NS_MAX;
        meta.span_ns = end > meta.span_ns ? end : meta.span_ns;
    }
    pcl_trace_put(out, &meta);
}

int pcl_trace_merge(struct pcl_trace_stream *const *in, size_t n, bool separate,
                    struct pcl_trace_sink *out, struct pcl_err *err)
{
    struct merge m = {.out = out, .separate = separate};
    struct input *k = pcl_xcalloc(n, sizeof(*k));
    const struct pcl_trace_record several = {.type = PCL_RECORD_META,
                                             .evidence = PCL_HAS_THREADS};
    int rc = PCL_OK;

    pcl_trace_put(out, &several);
    for (size_t i = 0; i < n && rc == PCL_OK; i++)
        rc = advance(&m, &k[i], in[i], err);
    align(k, n, out);
    while (rc == PCL_OK) {
        size_t first = n;
        for (size_t i = 0; i < n; i++) {
            if (k[i].more && (first == n || k[i].next.op.t_ns < k[first].next.op.t_ns))
                first = i;
        }
        if (first == n)
            break;
        pcl_trace_put(out, &k[first].next);
        rc = advance(&m, &k[first], in[first], err);
    }
    for (size_t i = 0; i < n; i++) {
        free(k[i].files.v);
        free(k[i].threads.v);
    }
    free(k);
    map_fini(&m.by_path);
    return rc;
}
