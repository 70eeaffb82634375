/*
 * Operation lists of fsx, the file system exerciser of xfstests (--record-ops, --replay-ops): one
 * operation a line, its numbers, then flags.
 *
 *   write 0x1000 0x2000 0x3000              offset, length, size of the file then
 *   skip punch_hole 0x0 0x1000 0x3000 keep_size
 *
 * One thread on one file that begins empty; no times.
 */
#include "plain.h"
#include "reader.h"

#include <string.h>

#define PAGE 4096
#define MAX_PAGES 1024 /* of one mapped access; fsx' own longest is 64 */

enum special { PLAIN_OP, SIZE_OP, FAULTS, COPY, NOT_MODELLED };

static const struct op_def {
    const char *name;
    enum special special;
    enum pcl_op op;
    unsigned numbers; /* at least */
} defs[] = {{"read", PLAIN_OP, PCL_OP_READ, 2},
            {"write", PLAIN_OP, PCL_OP_WRITE, 2},
            {"mapread", FAULTS, PCL_OP_FAULT_READ, 2},
            {"mapwrite", FAULTS, PCL_OP_FAULT_WRITE, 2},
            {"truncate", SIZE_OP, PCL_OP_TRUNCATE, 2},
            {"fallocate", PLAIN_OP, PCL_OP_ALLOCATE, 2},
            {"punch_hole", PLAIN_OP, PCL_OP_PUNCH, 2},
            {"zero_range", PLAIN_OP, PCL_OP_ZERO, 2},
            {"collapse_range", PLAIN_OP, PCL_OP_COLLAPSE, 2},
            {"insert_range", PLAIN_OP, PCL_OP_INSERT, 2},
            {"fsync", SIZE_OP, PCL_OP_FSYNC, 0},
            {"copy_range", COPY, PCL_OP_READ, 3},
            {"clone_range", NOT_MODELLED, PCL_N_OPS, 3},
            {"dedupe_range", NOT_MODELLED, PCL_N_OPS, 3},
            {"exchange_range", NOT_MODELLED, PCL_N_OPS, 3}};

#define MAX_WORDS 12

struct fsx_line {
    const struct op_def *def;
    bool skip, keep_size;
    int64_t v[4];
    unsigned n; /* numbers */
    bool range; /* one of them is no byte number */
};

static bool read_line(struct text line, struct fsx_line *out)
{
    struct text w[MAX_WORDS];
    unsigned n = plain_split(line, ' ', w, MAX_WORDS), i = 0;

    *out = (struct fsx_line){.def = NULL};
    if (n > 0 && text_is(w[0], "skip")) {
        out->skip = true;
        i++;
    }
    for (size_t k = 0; i < n && k < sizeof(defs) / sizeof(defs[0]); k++) {
        if (text_is(w[i], defs[k].name))
            out->def = &defs[k];
    }
    if (!out->def)
        return false;
    for (i++; i < n && out->n < 4; i++) {
        enum number got = text_int(w[i], &out->v[out->n]);
        if (got == NUMBER_BAD)
            break;
        out->range = out->range || got == NUMBER_RANGE || out->v[out->n] < 0;
        out->n++;
    }
    for (; i < n; i++) {
        if (!text_is(w[i], "keep_size") && !text_is(w[i], "close_open") &&
            !text_is(w[i], "unshare") && !text_is(w[i], "*"))
            return false;
        out->keep_size = out->keep_size || text_is(w[i], "keep_size");
    }
    return out->n >= out->def->numbers;
}

static const char *faults(struct plain *p, struct pcl_trace_op op)
{
    int64_t first = op.off / PAGE, last, end;

    if (__builtin_add_overflow(op.off, op.len, &end))
        return PLAIN_BAD_RANGE;
    last = op.len > 0 ? (end - 1) / PAGE : first;
    if (last - first >= MAX_PAGES)
        return "mapped access longer than fsx makes";
    op.len = PAGE;
    for (int64_t i = first; i <= last; i++) {
        const char *why;
        op.off = i * PAGE;
        why = plain_op(p, op, i == first);
        if (why)
            return i == first ? why : NULL;
    }
    return NULL;
}

static const char *line(struct plain *p, struct text t)
{
    struct fsx_line l;
    struct pcl_trace_op op = {.dur_ns = -1, .t_ns = p->now};
    const char *why;

    t = text_trim(t);
    if (t.p[0] == '#')
        return "comment";
    if (!read_line(t, &l))
        return "not an fsx operation";
    p->recognised++;
    if (l.skip)
        return "marked skip by fsx";
    if (l.range)
        return PLAIN_BAD_RANGE;
    op.inode = plain_file(p, "", (struct text){"file of fsx", 11});
    p->b.files[op.inode].created = true;
    p->b.files[op.inode].size = 0;
    op.thread = plain_thread(p, 0);
    op.op = (uint8_t)l.def->op;
    op.off = l.v[0];
    op.len = l.v[1];
    op.flags = l.keep_size ? PCL_OPF_KEEPSIZE : 0;
    p->now += 1000;
    switch (l.def->special) {
    case NOT_MODELLED:
        return "not modelled yet: clone, dedupe, exchange";
    case SIZE_OP:
        op.off = l.def->op == PCL_OP_FSYNC ? 0 : l.v[1];
        op.len = 0;
        break;
    case FAULTS:
        return faults(p, op);
    case COPY:
        if ((why = plain_op(p, op, 1)) != NULL)
            return why;
        op.op = PCL_OP_WRITE;
        op.off = l.v[2];
        if (plain_op(p, op, 0) != NULL)
            tb_note(&p->b, "a copy leads beyond the largest file: its write is left out");
        return NULL;
    case PLAIN_OP:
        break;
    }
    return plain_op(p, op, 1);
}

static struct pcl_trace *parse(const char *name, struct source *src)
{
    return plain_parse("fsx operations", name, src, line, NULL, NULL);
}

static void look(const char *data, size_t size, size_t *hits, size_t *lines)
{
    const char *p = data, *end = data + size;

    *hits = *lines = 0;
    while (p < end && *lines < 200) {
        struct fsx_line l;
        struct text t = text_trim(text_line(&p, end));
        bool whole = p < end || data[size - 1] == '\n';
        if (t.n == 0 || t.p[0] == '#' || !whole)
            continue;
        *hits += read_line(t, &l);
        ++*lines;
    }
}

const struct trace_reader pcl_trace_reader_fsx = {
    .name = "fsx", .known = "fsx operations", .look = look, .parse = parse};
