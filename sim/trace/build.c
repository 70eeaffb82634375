/*
 * From a reader's findings to the finished trace. Operations lie in one vector in the order in
 * which they were understood; the end sorts them by time, throws out those on what turned out
 * to be no regular file, and renumbers threads and files by first use, so that two recordings
 * of one thing read alike.
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
    struct pcl_trace *t = b->t;

    if (t->n_ops == b->op_cap) {
        t->ops = room(t->ops, t->n_ops, &b->op_cap, sizeof(*t->ops));
        b->op_lines = pcl_xrealloc(b->op_lines, b->op_cap, sizeof(*b->op_lines));
    }
    b->op_lines[t->n_ops] = (uint8_t)lines;
    t->ops[t->n_ops++] = *op;
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

/* Operations on pipes and directories become skipped lines. The lines of a dropped first half
 * of a pair of operations pass to the second. */
static void drop_irregular(struct tb *b)
{
    struct pcl_trace *t = b->t;
    size_t kept = 0;

    for (size_t i = 0; i < t->n_ops; i++) {
        const char *skip = NULL;
        if (t->ops[i].inode != PCL_NONE)
            skip = b->files[t->ops[i].inode].skip;
        if (skip && i + 1 < t->n_ops && b->op_lines[i + 1] == 0) {
            b->op_lines[i + 1] = b->op_lines[i];
        } else if (skip) {
            tb_skip(b, skip, b->op_lines[i]);
        } else {
            b->op_lines[kept] = b->op_lines[i];
            t->ops[kept++] = t->ops[i];
            continue;
        }
        if (t->ops[i].flags & PCL_OPF_GUESSED)
            t->guessed_offsets--;
    }
    t->n_ops = kept;
    for (size_t i = 0; i < kept; i++)
        t->lines_used += b->op_lines[i];
}

static int by_time(const void *a, const void *b)
{
    const struct pcl_trace_op *x = a, *y = b;

    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->op > y->op) - (x->op < y->op); /* a copy reads before it writes */
}

static pcl_ns end_of(const struct pcl_trace_op *op)
{
    pcl_ns end;

    if (op->dur_ns <= 0)
        return op->t_ns;
    return __builtin_add_overflow(op->t_ns, op->dur_ns, &end) ? PCL_NS_MAX : end;
}

/* Times are counted from the first line; a line that lies before it moves the beginning. */
static void settle_times(struct tb *b)
{
    struct pcl_trace *t = b->t;
    pcl_ns first = 0, last = b->last_ns;

    if (t->n_ops > 0)
        qsort(t->ops, t->n_ops, sizeof(*t->ops), by_time);
    if (t->n_ops > 0 && t->ops[0].t_ns < 0)
        first = t->ops[0].t_ns;
    for (size_t i = 0; i < t->n_ops; i++) {
        if (end_of(&t->ops[i]) > last)
            last = end_of(&t->ops[i]);
        if (__builtin_sub_overflow(t->ops[i].t_ns, first, &t->ops[i].t_ns))
            t->ops[i].t_ns = PCL_NS_MAX;
    }
    if (__builtin_sub_overflow(last, first, &t->span_ns))
        t->span_ns = PCL_NS_MAX;
}

static int64_t reach(const struct pcl_trace_op *op)
{
    int64_t end;

    if (op->op == PCL_OP_SYSCALL || (op->flags & PCL_OPF_FAILED))
        return 0;
    return __builtin_add_overflow(op->off, op->len, &end) ? PCL_OFF_MAX : end;
}

/* Numbers threads and files by first use and counts what happens to them. */
static void renumber(struct tb *b)
{
    struct pcl_trace *t = b->t;
    uint32_t *thread_of = pcl_xcalloc(t->n_threads, sizeof(*thread_of));
    uint32_t *inode_of = pcl_xcalloc(b->n_files, sizeof(*inode_of));
    struct pcl_trace_thread *threads = pcl_xcalloc(t->n_threads, sizeof(*threads));
    size_t n_threads = 0;
    struct map pairs = {0};

    memset(thread_of, 0xff, t->n_threads * sizeof(*thread_of));
    memset(inode_of, 0xff, b->n_files * sizeof(*inode_of));
    t->inodes = pcl_xcalloc(b->n_files, sizeof(*t->inodes));
    for (size_t i = 0; i < t->n_ops; i++) {
        struct pcl_trace_op *op = &t->ops[i];
        struct pcl_trace_thread *th;
        uint64_t seen;

        if (thread_of[op->thread] == PCL_NONE) {
            thread_of[op->thread] = (uint32_t)n_threads;
            threads[n_threads] = t->threads[op->thread];
            threads[n_threads].n_ops = 0;
            threads[n_threads++].first_ns = op->t_ns;
        }
        op->thread = thread_of[op->thread];
        th = &threads[op->thread];
        th->n_ops++;
        if (end_of(op) > th->last_ns)
            th->last_ns = end_of(op);
        if (op->inode == PCL_NONE)
            continue;
        if (inode_of[op->inode] == PCL_NONE) {
            struct tb_file *f = &b->files[op->inode];
            inode_of[op->inode] = (uint32_t)t->n_inodes;
            t->inodes[t->n_inodes++] = (struct pcl_trace_inode){
                .path = f->path, .size = f->size, .created = f->created};
            f->path = NULL;
        }
        op->inode = inode_of[op->inode];
        t->inodes[op->inode].n_ops++;
        if (reach(op) > t->inodes[op->inode].extent)
            t->inodes[op->inode].extent = reach(op);
        if (!map_get(&pairs, (uint64_t)op->inode << 32 | op->thread, &seen)) {
            map_put(&pairs, (uint64_t)op->inode << 32 | op->thread, 1);
            t->inodes[op->inode].n_threads++;
        }
    }
    map_fini(&pairs);
    free(thread_of);
    free(inode_of);
    free(t->threads);
    t->threads = threads;
    t->n_threads = n_threads;
    t->idle_threads = b->n_tasks > n_threads ? b->n_tasks - n_threads : 0;
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
    free(b->op_lines);
}

struct pcl_trace *tb_finish(struct tb *b)
{
    struct pcl_trace *t = b->t;
    uint64_t accounted;

    drop_irregular(b);
    settle_times(b);
    renumber(b);
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
