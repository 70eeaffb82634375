/*
 * Feeds any bytes to one trace reader, TRACE_READER: whatever they are, the result is no trace or one
 * whose account of lines adds up, and the reports on it can be printed. The front, which finds
 * the format and unpacks, gets the same bytes.
 */
#include "../sim/trace/reader.h"

#include <pclsim/trace_info.h>

#include <stdlib.h>

extern const struct trace_reader TRACE_READER;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct pcl_trace *t)
{
    uint64_t lines = t->lines_used;

    for (size_t i = 0; i < t->n_skips; i++)
        lines += t->skips[i].lines;
    PCL_ASSERT(lines == t->lines_read);
    for (size_t i = 0; i < t->n_ops; i++) {
        const struct pcl_trace_op *op = &t->ops[i];
        int64_t end;
        PCL_ASSERT(op->op < PCL_N_OPS && op->thread < t->n_threads);
        PCL_ASSERT(op->inode == PCL_NONE || op->inode < t->n_inodes);
        PCL_ASSERT(op->off >= 0 && op->len >= 0 &&
                   !__builtin_add_overflow(op->off, op->len, &end));
        PCL_ASSERT(op->t_ns >= 0 && op->dur_ns >= -1 && op->t_ns <= t->span_ns);
        PCL_ASSERT(i == 0 || t->ops[i - 1].t_ns <= op->t_ns);
    }
}

static void report(struct pcl_trace *t)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    check(t);
    if (f) {
        pcl_trace_info_text(f, t);
        (void)pcl_trace_info_json(f, t);
        pcl_trace_locks_text(f, t);
        (void)fclose(f);
    }
    free(text);
    pcl_trace_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pcl_trace *t = NULL;
    struct pcl_err err;
    struct source src;
    size_t hits, lines;

    (void)pcl_trace_recognise((const char *)data, size);
    TRACE_READER.look((const char *)data, size, &hits, &lines);
    if (source_memory(&src, "fuzz", (const char *)data, size, &err) == PCL_OK)
        t = TRACE_READER.parse("fuzz", &src);
    source_close(&src);
    if (t)
        report(t);
    t = NULL;
    if (pcl_trace_parse("fuzz", (const char *)data, size, &t, &err) == PCL_OK)
        report(t);
    return 0;
}
