/*
 * A scenario as a source of operations. Every draw is keyed by task and operation number, so
 * what a task does is the same under every scheme.
 */
#include <stdlib.h>

#include <pclsim/source.h>

enum { MAX_TASKS = 1 << 22 };

static struct pcl_stream stream(const struct pcl_source *s, uint32_t task,
                                enum pcl_purpose what)
{
    return pcl_stream_of(s->draw[what], task);
}

/* One value of a distribution; a constant needs no stream. */
static int64_t draw(const struct pcl_source *s, const struct pcl_dist *d, uint32_t task,
                    enum pcl_purpose what, uint64_t i)
{
    return d->kind == PCL_DIST_CONST ? d->a : pcl_dist_draw(d, stream(s, task, what), i);
}

static enum pcl_op pick_op(const struct pcl_source *s, uint32_t task, uint64_t i)
{
    const struct pcl_group *g = &s->scenario->groups[s->group_of[task]];
    const struct pcl_group_plan *p = &s->plan[s->group_of[task]];
    uint64_t at;
    unsigned op = 0;

    if (p->only != PCL_N_OPS)
        return p->only;
    at = pcl_below(stream(s, task, PCL_DRAW_MIX), i, 0, p->weights);
    while (at >= g->weight[op])
        at -= g->weight[op++];
    return (enum pcl_op)op;
}

static uint64_t count_places(const struct pcl_group *g, int64_t len, int64_t size)
{
    return (uint64_t)((len > size ? len - size : 0) / g->align) + 1;
}

/* Offset inside a region of len bytes at at, so that size bytes fit if they can. */
static int64_t pick_offset(const struct pcl_source *s, const struct pcl_group *g, uint32_t task,
                           uint64_t i, int64_t size)
{
    const struct pcl_group_plan *p = &s->plan[s->group_of[task]];
    int64_t at = g->region_at, len = g->region_len;
    /* those of the mix's one size; an operation on one page finds room at any */
    uint64_t places = size == g->size.a || g->offsets == PCL_OFF_ZIPF ? p->places : 0, place;

    if (g->offsets == PCL_OFF_HOT)
        return at;
    if (g->offsets == PCL_OFF_PARTITION) {
        int64_t share = len / (int64_t)g->tasks / g->align * g->align;

        if (share > 0) {
            at += share * (int64_t)s->index_in[task];
            len = share;
        }
        places = 0;
    }
    if (places == 0)
        places = count_places(g, len, size);
    if (g->offsets == PCL_OFF_SEQUENTIAL)
        place = i % places;
    else if (g->offsets == PCL_OFF_ZIPF)
        /* ranks are scattered: neighbours in popularity are no neighbours in the file */
        place =
            (uint64_t)((pcl_u128)pcl_zipf_draw(&p->zipf, stream(s, task, PCL_DRAW_OFFSET), i) *
                       p->scatter % places);
    else
        place = places > 1 ? pcl_below(stream(s, task, PCL_DRAW_OFFSET), i, 0, places) : 0;
    return at + (int64_t)place * g->align;
}

static bool one_page(enum pcl_op op)
{
    return op == PCL_OP_FAULT_READ || op == PCL_OP_FAULT_WRITE || op == PCL_OP_PAGE_LOCK ||
           op == PCL_OP_PAGE_PAIR || op == PCL_OP_PAGE_WAIT || op == PCL_OP_PAGE_WAIT_DROP ||
           op == PCL_OP_KHUGEPAGED || op == PCL_OP_PAGE_LOCK_KILLABLE ||
           op == PCL_OP_WRITEBACK_WAIT;
}

static bool holds(enum pcl_op op)
{
    return op == PCL_OP_PAGE_LOCK || op == PCL_OP_PAGE_PAIR || op == PCL_OP_RANGE_LOCK ||
           op == PCL_OP_RANGE_LOCK_SHARED;
}

static void fill_request(const struct pcl_source *s, const struct pcl_group *g, uint32_t task,
                         uint64_t i, struct pcl_request *r)
{
    int64_t size = draw(s, &g->size, task, PCL_DRAW_SIZE, i);

    enum pcl_op op = pick_op(s, task, i);

    if (one_page(op))
        size = 1;
    if (size > g->region_len)
        size = g->region_len;
    *r = (struct pcl_request){.op = (uint8_t)op,
                              .inode = s->inode_of[task],
                              .mm = s->mm_of[task],
                              .inode2 = g->file2,
                              .off = pick_offset(s, g, task, i, size),
                              .len = size};
    if (r->op == PCL_OP_FSYNC)
        r->off = r->len = 0; /* the whole file */
    if (holds(op))
        r->hold = draw(s, &g->hold, task, PCL_DRAW_HOLD, i);
}

/* An operation of a list is as it says; the rest is as in a mix. */
static void fill_listed(const struct pcl_source *s, const struct pcl_group *g, uint32_t task,
                        uint64_t i, const struct pcl_do *d, struct pcl_request *r)
{
    *r = (struct pcl_request){.op = (uint8_t)d->op,
                              .inode = s->inode_of[task],
                              .mm = s->mm_of[task],
                              .inode2 = g->file2,
                              .off = d->off,
                              .len = one_page(d->op) ? 1 : d->len};
    if (holds(d->op))
        r->hold = draw(s, &g->hold, task, PCL_DRAW_HOLD, i);
}

/* The mapping of the page that the request would fault on is dropped. */
static void drop_mapping(struct pcl_request *r)
{
    r->op = PCL_OP_DONTNEED;
    r->off &= ~(int64_t)(PCL_PAGE_SIZE - 1);
    r->len = PCL_PAGE_SIZE;
}

static bool next(const struct pcl_source *s, uint32_t task, uint64_t i, struct pcl_action *out)
{
    const struct pcl_group *g = &s->scenario->groups[s->group_of[task]];
    bool drops = g->refault && i % 2 == 0;
    uint64_t transaction, pass = 0, ops = g->n_list ? g->n_list : g->ops_per_transaction;

    i = g->refault ? i / 2 : i;
    transaction = i;

    if (ops > 1) {
        transaction = i / ops;
        pass = i % ops;
    }
    out->first = pass == 0 && (drops || !g->refault);
    out->last = pass + 1 == ops && !drops;
    out->on_cpu = g->think_on_cpu;
    out->open = g->open;
    out->think = 0;
    if (out->first)
        out->think =
            draw(s, &g->think, task, g->open ? PCL_DRAW_ARRIVAL : PCL_DRAW_THINK, transaction);
    if (g->n_list)
        fill_listed(s, g, task, i, &g->list[pass], &out->req);
    else
        fill_request(s, g, task, i, &out->req);
    if (drops)
        drop_mapping(&out->req);
    return true;
}

static struct pcl_source_file file_of(const struct pcl_file_spec *f)
{
    return (struct pcl_source_file){.size = f->size,
                                    .cached = f->cached,
                                    .cached_at = f->cached_at,
                                    .order = f->order,
                                    .max_order = f->max_order,
                                    .dirty = f->dirty,
                                    .mapped = f->mapped};
}

/* The shared files first, then one copy per task of the groups that have private ones. */
static void set_up_files(struct pcl_source *s, const struct pcl_scenario *sc)
{
    uint32_t n = (uint32_t)sc->n_files;

    for (size_t g = 0; g < sc->n_groups; g++)
        n += sc->groups[g].private_files ? sc->groups[g].tasks : 0;
    s->files = pcl_xcalloc(n ? n : 1, sizeof(*s->files));
    for (size_t f = 0; f < sc->n_files; f++)
        s->files[f] = file_of(&sc->files[f]);
    s->n_files = (uint32_t)sc->n_files;
    for (uint32_t t = 0; t < s->n_tasks; t++) {
        const struct pcl_group *g = &sc->groups[s->group_of[t]];

        s->inode_of[t] = g->file;
        if (g->private_files) {
            s->inode_of[t] = s->n_files;
            s->files[s->n_files++] = file_of(&sc->files[g->file]);
        }
    }
}

/* A step near the golden section of n and without a common divisor: its multiples meet every
 * place once, and near ranks far apart. */
static uint64_t scatter_step(uint64_t n)
{
    uint64_t step = (uint64_t)((pcl_u128)n * 618034 / 1000000) | 1;

    for (;; step += 2) {
        uint64_t a = n, b = step;

        while (b) {
            uint64_t r = a % b;

            a = b;
            b = r;
        }
        if (a == 1)
            return step;
    }
}

static void set_up_plan(const struct pcl_group *g, struct pcl_group_plan *p)
{
    unsigned kinds = 0;

    for (unsigned op = 0; op < PCL_N_OPS; op++)
        if (g->weight[op]) {
            p->weights += g->weight[op];
            p->only = (enum pcl_op)op;
            kinds++;
        }
    if (kinds != 1)
        p->only = PCL_N_OPS;
    if (g->size.kind == PCL_DIST_CONST)
        p->places = count_places(g, g->region_len, g->size.a);
    if (g->offsets == PCL_OFF_ZIPF) {
        uint64_t n = count_places(g, g->region_len, (int64_t)pcl_dist_mean(&g->size));

        pcl_zipf_init(&p->zipf, n, g->zipf_s);
        p->scatter = scatter_step(n);
    }
}

static void set_up_group(struct pcl_source *s, size_t gi, uint32_t *task)
{
    const struct pcl_group *g = &s->scenario->groups[gi];
    uint32_t mm = s->n_mms;

    for (uint32_t i = 0; i < g->tasks; i++, (*task)++) {
        s->group_of[*task] = (uint32_t)gi;
        s->index_in[*task] = i;
        s->mm_of[*task] = g->processes ? mm + i : mm;
        if (g->start_jitter > 0)
            s->start[*task] = (pcl_ns)pcl_below(stream(s, *task, PCL_DRAW_START), 0, 0,
                                                (uint64_t)g->start_jitter + 1);
    }
    s->n_mms += g->processes ? g->tasks : 1;
}

int pcl_source_scenario(struct pcl_source *s, const struct pcl_scenario *sc, uint64_t seed,
                        uint32_t replication, struct pcl_err *err)
{
    uint64_t n = 0;
    uint32_t task = 0;

    *s = (struct pcl_source){
        .next = next, .scenario = sc, .seed = seed, .replication = replication};
    for (size_t g = 0; g < sc->n_groups; g++)
        n += sc->groups[g].tasks;
    if (n > MAX_TASKS)
        return pcl_fail(err, PCL_EINVAL, "%s: want at most %d tasks in all, found %llu",
                        sc->name, MAX_TASKS, (unsigned long long)n);
    s->n_tasks = (uint32_t)n;
    s->group_of = pcl_xcalloc(n, sizeof(*s->group_of));
    s->index_in = pcl_xcalloc(n, sizeof(*s->index_in));
    s->inode_of = pcl_xcalloc(n, sizeof(*s->inode_of));
    s->mm_of = pcl_xcalloc(n, sizeof(*s->mm_of));
    s->start = pcl_xcalloc(n, sizeof(*s->start));
    s->plan = pcl_xcalloc(sc->n_groups, sizeof(*s->plan));
    for (int what = 0; what < PCL_DRAW_ANALYSIS; what++)
        s->draw[what] = pcl_streams(seed, replication, (enum pcl_purpose)what);
    for (size_t g = 0; g < sc->n_groups; g++) {
        set_up_plan(&sc->groups[g], &s->plan[g]);
        set_up_group(s, g, &task);
    }
    set_up_files(s, sc);
    return PCL_OK;
}

void pcl_source_fini(struct pcl_source *s)
{
    free(s->files);
    free(s->mm_of);
    free(s->start);
    free(s->group_of);
    free(s->index_in);
    free(s->inode_of);
    free(s->plan);
    free(s->first_op);
    pcl_big_free(&s->order);
    *s = (struct pcl_source){0};
}
