/*
 * A recording as a source of operations: each recorded thread becomes a task that makes its calls
 * in order. Between two calls lies what the thread did elsewhere; in mode think it is replayed as
 * it was (a gap shorter than a millisecond as computing, a longer one as sleep), so that a faster
 * lock makes the whole faster. Clones replay the same calls on the same files.
 *
 * Files hold at the start what the recording did not create, and that is resident: a recording does
 * not say what was cached.
 */
#include <stdlib.h>

#include <pclsim/source.h>

enum {
    COMPUTE_BELOW = 1000000, /* ns */
    CLONE_JITTER = 1000000   /* ns: clones start within this, so that they do not march in step */
};

static pcl_ns gap(const struct pcl_source *s, const struct pcl_trace_op *prev,
                  const struct pcl_trace_op *op)
{
    pcl_ns end = prev ? prev->t_ns + (prev->dur_ns > 0 ? prev->dur_ns : 0) : 0;
    pcl_ns think = op->t_ns > end ? op->t_ns - end : 0;

    switch (s->replay.mode) {
    case PCL_REPLAY_ASAP:
        return 0;
    case PCL_REPLAY_OPEN:
        return prev ? op->t_ns - prev->t_ns : op->t_ns;
    case PCL_REPLAY_SCALED:
        think = (pcl_ns)((double)think / s->replay.factor);
        break;
    case PCL_REPLAY_THINK:
        break;
    }
    return s->replay.max_think > 0 && think > s->replay.max_think ? s->replay.max_think : think;
}

static bool next(const struct pcl_source *s, uint32_t task, uint64_t i, struct pcl_action *out)
{
    uint32_t thread = task % (uint32_t)s->trace->n_threads;
    size_t at = s->first_op[thread] + i;

    if (at >= s->first_op[thread + 1])
        return false;
    const uint32_t *order = s->order.p;
    const struct pcl_trace_op *op = &s->trace->ops[order[at]];
    const struct pcl_trace_op *prev = i ? &s->trace->ops[order[at - 1]] : NULL;

    if (i % PCL_BIG_STRIDE == PCL_BIG_STRIDE - 1) { /* of a recording that lies in a file */
        pcl_big_relax(&s->order);
        pcl_big_relax(&s->trace->store);
    }

    out->first = out->last = true;
    out->open = s->replay.mode == PCL_REPLAY_OPEN;
    out->think = gap(s, prev, op);
    out->on_cpu = !out->open && out->think < COMPUTE_BELOW;
    out->req = (struct pcl_request){.op = op->op,
                                    .flags = op->flags,
                                    .inode = op->inode,
                                    .mm = s->mm_of[task],
                                    .off = op->off,
                                    .len = op->len};
    if (op->inode == PCL_NONE)
        out->req.op = PCL_OP_SYSCALL;
    return true;
}

/* Address spaces: one per recorded process and clone. */
static void set_up_tasks(struct pcl_source *s, uint32_t threads)
{
    for (uint32_t t = 0; t < s->n_tasks; t++) {
        uint32_t thread = t % threads, first = 0;
        int64_t pid = s->trace->threads[thread].pid;

        while (first < thread && (pid < 0 || s->trace->threads[first].pid != pid))
            first++;
        s->mm_of[t] = t - thread + first;
        if (t >= threads) /* all threads of a clone start together */
            s->start[t] = (pcl_ns)pcl_below(
                pcl_stream(s->seed, s->replication, t / threads, PCL_DRAW_START), 0, 0,
                CLONE_JITTER);
    }
    s->n_mms = s->n_tasks;
}

static void sort_by_thread(struct pcl_source *s)
{
    const struct pcl_trace *t = s->trace;
    uint32_t *order;
    size_t *fill = pcl_xcalloc(t->n_threads + 1, sizeof(*fill));

    s->first_op = pcl_xcalloc(t->n_threads + 1, sizeof(*s->first_op));
    pcl_big_alloc(&s->order, t->n_ops, sizeof(*order));
    order = s->order.p;
    for (size_t i = 0; i < t->n_ops; i++) {
        s->first_op[t->ops[i].thread + 1]++;
        if (i % PCL_BIG_STRIDE == 0)
            pcl_big_relax(&t->store);
    }
    for (size_t i = 0; i < t->n_threads; i++) {
        s->first_op[i + 1] += s->first_op[i];
        fill[i + 1] = s->first_op[i + 1];
    }
    for (size_t i = 0; i < t->n_ops; i++) {
        order[fill[t->ops[i].thread]++] = (uint32_t)i;
        if (i % PCL_BIG_STRIDE == 0) {
            pcl_big_relax(&t->store);
            pcl_big_relax(&s->order);
        }
    }
    free(fill);
}

int pcl_source_replay(struct pcl_source *s, const struct pcl_trace *t,
                      const struct pcl_replay_opts *opts, uint64_t seed, uint32_t replication,
                      struct pcl_err *err)
{
    uint32_t clones = opts->clone ? opts->clone : 1;

    *s = (struct pcl_source){
        .next = next, .trace = t, .replay = *opts, .seed = seed, .replication = replication};
    if (t->n_ops == 0 || t->n_threads == 0)
        return pcl_fail(err, PCL_EINVAL, "%s: no operation to replay (see pclsim trace info)",
                        t->path ? t->path : "trace");
    if ((uint64_t)clones * t->n_threads > 1u << 20)
        return pcl_fail(err, PCL_EINVAL, "--clone: want at most %u threads in all, found %llu",
                        1u << 20, (unsigned long long)clones * t->n_threads);
    s->n_tasks = clones * (uint32_t)t->n_threads;
    s->mm_of = pcl_xcalloc(s->n_tasks, sizeof(*s->mm_of));
    s->start = pcl_xcalloc(s->n_tasks, sizeof(*s->start));
    set_up_tasks(s, (uint32_t)t->n_threads);
    sort_by_thread(s);
    s->files = pcl_xcalloc(t->n_inodes ? t->n_inodes : 1, sizeof(*s->files));
    s->n_files = (uint32_t)t->n_inodes;
    for (size_t i = 0; i < t->n_inodes; i++) {
        const struct pcl_trace_inode *n = &t->inodes[i];
        int64_t size = n->created ? 0 : n->size >= 0 ? n->size : n->extent;

        s->files[i] = (struct pcl_source_file){.size = size, .cached = size, .mapped = true};
    }
    return PCL_OK;
}
