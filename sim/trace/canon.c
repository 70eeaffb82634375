/*
 * The canonical forms as a format like any other, and as a stream: a canonical file is read
 * record by record, any other trace is read to its end first and handed out as if it were one.
 */
#include "canon.h"
#include "build.h"
#include "reader.h"

#include <stdlib.h>
#include <string.h>

/* --- as a reader ------------------------------------------------------------------------- */

static void take(struct tb *b, struct pcl_trace_record *r, uint32_t line)
{
    char *path;
    uint32_t id;

    switch (r->type) {
    case PCL_RECORD_OP:
        r->op.line = line;
        if (r->op.t_ns > b->last_ns)
            b->last_ns = r->op.t_ns;
        b->t->guessed_offsets += (r->op.flags & PCL_OPF_GUESSED) != 0;
        b->t->synthesised += (r->op.flags & PCL_OPF_SYNTHETIC) != 0;
        tb_op(b, &r->op, 1);
        return;
    case PCL_RECORD_FILE:
        path = pcl_xcalloc(r->path_len + 1, 1);
        memcpy(path, r->path, r->path_len);
        id = tb_file(b, path);
        free(path);
        b->files[id].size = r->size;
        b->files[id].created = r->created;
        break;
    case PCL_RECORD_THREAD:
        (void)tb_thread(b, r->tid, r->pid);
        b->n_tasks++;
        break;
    case PCL_RECORD_META:
        b->t->evidence |= r->evidence & 0x7f;
        if (r->span_ns > b->last_ns)
            b->last_ns = r->span_ns;
        if (r->start_ns > 0)
            b->t->start_ns = r->start_ns;
        break;
    }
    tb_skip(b, "declaration", 1);
}

static struct pcl_trace *parse(const char *name, struct source *src)
{
    struct pcl_trace_record r = {.type = PCL_RECORD_META};
    struct canon *c;
    struct tb b;
    enum canon_got got;
    uint32_t line = 1;

    c = pcl_xcalloc(1, sizeof(*c));
    if (!canon_begin(c, src)) {
        free(c);
        return NULL;
    }
    tb_init(&b, c->binary ? "pclsim binary" : "pclsim text", name);
    b.t->lines_read = 1;
    tb_skip(&b, "header", 1);
    do {
        got = canon_next(c, &r);
        b.t->lines_read++;
        line += line < UINT32_MAX;
        if (got == CANON_GOT)
            take(&b, &r, line);
        else
            tb_skip(&b,
                    got == CANON_END   ? "end"
                    : got == CANON_BAD ? "record not understood"
                                       : "cut short or damaged from here",
                    1);
    } while (got == CANON_GOT || got == CANON_BAD);
    if (got == CANON_DAMAGED)
        b.t->evidence |= PCL_LOSSY;
    b.t->clock = "since the trace's beginning";
    b.t->tracer_note = "not kept in a converted trace";
    free(c);
    return tb_finish(&b);
}

static void look(const char *data, size_t size, size_t *hits, size_t *lines)
{
    bool binary;

    *hits = canon_is(data, size, &binary) ? 1000 : 0;
    *lines = 1;
}

const struct trace_reader pcl_trace_reader_canon = {
    .name = "canon", .known = "pclsim's own", .look = look, .parse = parse};

/* --- as a stream ------------------------------------------------------------------------- */

struct pcl_trace_stream {
    struct pcl_trace_input *in;
    uint64_t records;
    struct canon canon;      /* when trace is NULL */
    struct pcl_trace *trace; /* of another format */
    size_t next_file, next_thread, next_op;
    bool told;
};

int pcl_trace_stream_open(const char *path, struct pcl_trace_stream **out, struct pcl_err *err)
{
    struct pcl_trace_input *in;
    int rc = pcl_trace_input_open(path, &in, err);

    return rc == PCL_OK ? pcl_trace_stream_from(in, out, err) : rc;
}

int pcl_trace_stream_from(struct pcl_trace_input *in, struct pcl_trace_stream **out,
                          struct pcl_err *err)
{
    struct pcl_trace_stream *s = pcl_xcalloc(1, sizeof(*s));
    int rc = PCL_OK;

    s->in = in;
    if (!canon_begin(&s->canon, trace_input_source(s->in)))
        rc = pcl_trace_input_trace(s->in, &s->trace, err);
    if (rc == PCL_OK)
        *out = s;
    else
        pcl_trace_stream_close(s);
    return rc;
}

/* The next record of a trace in memory: all declarations first. */
static bool from_memory(struct pcl_trace_stream *s, struct pcl_trace_record *r)
{
    const struct pcl_trace *t = s->trace;

    if (!s->told) {
        s->told = true;
        *r = (struct pcl_trace_record){.type = PCL_RECORD_META,
                                       .evidence = t->evidence,
                                       .span_ns = t->span_ns,
                                       .start_ns = t->start_ns};
    } else if (s->next_file < t->n_inodes) {
        const struct pcl_trace_inode *i = &t->inodes[s->next_file];
        *r = (struct pcl_trace_record){.type = PCL_RECORD_FILE,
                                       .id = (uint32_t)s->next_file++,
                                       .size = i->size,
                                       .created = i->created,
                                       .path = i->path,
                                       .path_len = strlen(i->path)};
    } else if (s->next_thread < t->n_threads) {
        *r = (struct pcl_trace_record){.type = PCL_RECORD_THREAD,
                                       .id = (uint32_t)s->next_thread,
                                       .tid = t->threads[s->next_thread].tid,
                                       .pid = t->threads[s->next_thread].pid};
        s->next_thread++;
    } else if (s->next_op < t->n_ops) {
        r->type = PCL_RECORD_OP;
        r->op = t->ops[s->next_op++];
        if (s->next_op % PCL_BIG_STRIDE == 0)
            pcl_big_relax(&t->store);
    } else {
        return false;
    }
    return true;
}

int pcl_trace_stream_next(struct pcl_trace_stream *s, struct pcl_trace_record *r, bool *more,
                          struct pcl_err *err)
{
    const struct source *src;

    *more = true;
    if (s->trace) {
        *more = from_memory(s, r);
        return PCL_OK;
    }
    s->records++;
    src = trace_input_source(s->in);
    switch (canon_next(&s->canon, r)) {
    case CANON_GOT:
        return PCL_OK;
    case CANON_END:
        *more = false;
        return PCL_OK;
    case CANON_BAD:
        return pcl_fail_at(err, src->name, 0, 0, "record %llu is none of this format",
                           (unsigned long long)s->records);
    case CANON_DAMAGED:
        break;
    }
    if (source_failed(src)) {
        *err = src->err;
        return err->code;
    }
    return pcl_fail_at(err, src->name, 0, 0, "cut short or damaged at record %llu",
                       (unsigned long long)s->records);
}

void pcl_trace_stream_close(struct pcl_trace_stream *s)
{
    if (!s)
        return;
    pcl_trace_free(s->trace);
    pcl_trace_input_close(s->in);
    free(s);
}
