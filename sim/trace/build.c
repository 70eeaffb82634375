/*
 * From a reader's findings to the finished trace. Operations are put in the order in which they
 * were understood; at the end they are gone through by time, once: those on what turned out to
 * be no regular file are thrown out, threads and files get their numbers.
 */
#include "build.h"

#include <stdlib.h>
#include <string.h>

void tb_init(struct tb *b, const char *format, const char *name)
{
    *b = (struct tb){.t = pcl_xcalloc(1, sizeof(*b->t))};
    b->t->format = format;
    b->t->path = pcl_xstrdup(name);
    b->t->tracer_ns_per_call = -1.0;
    b->t->tracer_note = "not estimated";
    b->t->not_modelled = "not modelled yet";
    spool_init(&b->spool, SPOOL_CHUNK);
}

/* Room for one more: doubling. */
static void *room(void *old, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return old;
    *cap = *cap ? *cap * 2 : 64;
    return pcl_xrealloc(old, *cap, size);
}

uint32_t tb_thread(struct tb *b, int64_t tid, int64_t pid)
{
    struct pcl_trace *t = b->t;

    t->threads = room(t->threads, t->n_threads, &b->thread_cap, sizeof(*t->threads));
    t->threads[t->n_threads] = (struct pcl_trace_thread){.tid = tid, .pid = pid};
    return (uint32_t)t->n_threads++;
}

uint32_t tb_file(struct tb *b, const char *path)
{
    b->files = room(b->files, b->n_files, &b->file_cap, sizeof(*b->files));
    b->files[b->n_files] = (struct tb_file){.path = pcl_xstrdup(path), .size = -1};
    return (uint32_t)b->n_files++;
}

void tb_op(struct tb *b, const struct pcl_trace_op *op, unsigned lines)
{
    struct pcl_trace_op put = *op;

    put.lines = (uint8_t)lines;
    spool_put(&b->spool, &put);
}

void tb_skip(struct tb *b, const char *reason, uint64_t lines)
{
    static const char others[] = "other reasons";
    struct pcl_trace *t = b->t;
    size_t i;

    if (lines == 0)
        return;
    for (i = 0; i < t->n_skips; i++) {
        if (strncmp(t->skips[i].reason, reason, sizeof(t->skips[i].reason) - 1) == 0) {
            t->skips[i].lines += lines;
            return;
        }
    }
    if (t->n_skips + 1 >= TB_MAX_REASONS && strcmp(reason, others) != 0) {
        tb_skip(b, others, lines);
        return;
    }
    t->skips = room(t->skips, i, &b->skip_cap, sizeof(*t->skips));
    t->skips[i].lines = lines;
    (void)snprintf(t->skips[i].reason, sizeof(t->skips[i].reason), "%s", reason);
    t->n_skips++;
}

void tb_used(struct tb *b, uint64_t lines)
{
    b->t->lines_used += lines;
}

void tb_note(struct tb *b, const char *text)
{
    struct pcl_trace *t = b->t;

    for (size_t i = 0; i < t->n_notes; i++) {
        if (strcmp(t->notes[i], text) == 0)
            return;
    }
    t->notes = room(t->notes, t->n_notes, &b->note_cap, sizeof(*t->notes));
    t->notes[t->n_notes++] = text;
}

static pcl_ns end_of(const struct pcl_trace_op *op)
{
    pcl_ns end;

    if (op->dur_ns <= 0)
        return op->t_ns;
    return __builtin_add_overflow(op->t_ns, op->dur_ns, &end) ? PCL_NS_MAX : end;
}

static int64_t reach(const struct pcl_trace_op *op)
{
    int64_t end;

    if (op->op == PCL_OP_SYSCALL || op->op == PCL_OP_MMAP || op->op == PCL_OP_MUNMAP ||
        op->op == PCL_OP_MPROTECT || (op->flags & PCL_OPF_FAILED))
        return 0; /* a mapping may go on behind the end of the file */
    return __builtin_add_overflow(op->off, op->len, &end) ? PCL_OFF_MAX : end;
}

/* What numbering by first use has to remember. */
struct numbers {
    uint32_t *thread_of, *inode_of;
    struct pcl_trace_thread *threads;
    size_t n_threads;
    struct map pairs; /* (inode, thread) that have met */
};

static void count_thread(struct tb *b, struct numbers *n, struct pcl_trace_op *op)
{
    uint32_t *now = &n->thread_of[op->thread];
    struct pcl_trace_thread *th;

    if (*now == PCL_NONE) {
        *now = (uint32_t)n->n_threads++;
        n->threads[*now] = b->t->threads[op->thread];
        n->threads[*now].n_ops = 0;
        n->threads[*now].first_ns = op->t_ns;
    }
    op->thread = *now;
    th = &n->threads[*now];
    th->n_ops++;
    if (end_of(op) > th->last_ns)
        th->last_ns = end_of(op);
}

static void count_inode(struct tb *b, struct numbers *n, struct pcl_trace_op *op)
{
    struct pcl_trace *t = b->t;
    uint32_t *now = &n->inode_of[op->inode];
    struct pcl_trace_inode *i;
    uint64_t pair, seen;

    if (*now == PCL_NONE) {
        struct tb_file *f = &b->files[op->inode];
        *now = (uint32_t)t->n_inodes;
        t->inodes[t->n_inodes++] =
            (struct pcl_trace_inode){.path = f->path, .size = f->size, .created = f->created};
        f->path = NULL;
    }
    op->inode = *now;
    i = &t->inodes[*now];
    i->n_ops++;
    if (reach(op) > i->extent)
        i->extent = reach(op);
    pair = (uint64_t)op->inode << 32 | op->thread;
    if (!map_get(&n->pairs, pair, &seen)) {
        map_put(&n->pairs, pair, 1);
        i->n_threads++;
    }
}

/* Why an operation is none after all: what it was on is a pipe, a directory ... */
static const char *refused(struct tb *b, struct pcl_trace_op *op)
{
    const char *why = b->settle ? b->settle(b->settle_arg, op) : NULL;

    if (!why && op->inode != PCL_NONE)
        why = b->files[op->inode].skip;
    if (why && (op->flags & PCL_OPF_GUESSED))
        b->t->guessed_offsets--;
    if (why && (op->flags & PCL_OPF_SYNTHETIC))
        b->t->synthesised--;
    return why;
}

/* All operations in order of time. Times are counted from the first line; a line that lies
 * before it moves the beginning. The lines of a refused first of two operations of one line
 * pass to the second. */
static void place_all(struct tb *b, struct numbers *n)
{
    struct pcl_trace *t = b->t;
    struct pcl_trace_op *out = t->store.p, ahead, op;
    pcl_ns first = 0, last = b->last_ns;
    bool more = spool_next(&b->spool, &ahead);

    while (more) {
        const char *why;
        op = ahead;
        more = spool_next(&b->spool, &ahead);
        why = refused(b, &op);
        if (why && more && ahead.lines == 0 && ahead.line == op.line && ahead.t_ns == op.t_ns) {
            ahead.lines = op.lines;
            continue;
        }
        if (why) {
            tb_skip(b, why, op.lines);
            continue;
        }
        t->lines_used += op.lines;
        if (t->n_ops == 0 && op.t_ns < 0)
            first = op.t_ns;
        if (end_of(&op) > last)
            last = end_of(&op);
        if (__builtin_sub_overflow(op.t_ns, first, &op.t_ns))
            op.t_ns = PCL_NS_MAX;
        count_thread(b, n, &op);
        if (op.inode != PCL_NONE)
            count_inode(b, n, &op);
        out[t->n_ops++] = op;
        if (t->n_ops % PCL_BIG_STRIDE == 0)
            pcl_big_relax(&t->store);
    }
    if (__builtin_sub_overflow(last, first, &t->span_ns))
        t->span_ns = PCL_NS_MAX;
    if (t->start_ns > -first)
        t->start_ns += first;
}

/* Numbers threads and files by first use, so that two recordings of one thing read alike. */
static void place(struct tb *b)
{
    struct pcl_trace *t = b->t;
    struct numbers n = {.thread_of = pcl_xcalloc(t->n_threads, sizeof(uint32_t)),
                        .inode_of = pcl_xcalloc(b->n_files, sizeof(uint32_t)),
                        .threads = pcl_xcalloc(t->n_threads, sizeof(*n.threads))};

    memset(n.thread_of, 0xff, t->n_threads * sizeof(*n.thread_of));
    memset(n.inode_of, 0xff, b->n_files * sizeof(*n.inode_of));
    t->inodes = pcl_xcalloc(b->n_files, sizeof(*t->inodes));
    pcl_big_alloc(&t->store, (size_t)b->spool.total, sizeof(*t->ops));
    t->ops = t->store.p;
    spool_turn(&b->spool);
    place_all(b, &n);
    map_fini(&n.pairs);
    free(n.thread_of);
    free(n.inode_of);
    free(t->threads);
    t->threads = n.threads;
    t->n_threads = n.n_threads;
    t->idle_threads = b->n_tasks > n.n_threads ? b->n_tasks - n.n_threads : 0;
}

static int by_lines(const void *a, const void *b)
{
    const struct pcl_trace_skip *x = a, *y = b;

    if (x->lines != y->lines)
        return x->lines > y->lines ? -1 : 1;
    return strcmp(x->reason, y->reason);
}

static void free_files(struct tb *b)
{
    for (size_t i = 0; i < b->n_files; i++)
        free(b->files[i].path);
    free(b->files);
    spool_fini(&b->spool);
}

struct pcl_trace *tb_finish(struct tb *b)
{
    struct pcl_trace *t = b->t;
    uint64_t accounted;

    place(b);
    if (t->n_inodes > 0)
        t->evidence |= PCL_HAS_INODES;
    if (t->n_skips > 0)
        qsort(t->skips, t->n_skips, sizeof(*t->skips), by_lines);
    accounted = t->lines_used;
    for (size_t i = 0; i < t->n_skips; i++)
        accounted += t->skips[i].lines;
    PCL_ASSERT(accounted == t->lines_read);
    free_files(b);
    *b = (struct tb){0};
    return t;
}

void tb_abandon(struct tb *b)
{
    pcl_trace_free(b->t);
    free_files(b);
    *b = (struct tb){0};
}
