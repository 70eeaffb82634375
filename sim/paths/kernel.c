/*
 * The kernel of a run: its inodes and address spaces with their locks, and the interpreter that
 * carries a call from step to step.
 */
#include <stdlib.h>
#include <string.h>

#include "step.h"

enum {
    MAX_SKIPS = 10000, /* steps without an access in a row: a path that loops */
    NO_STEP = UINT16_MAX
};

/* --- set-up ------------------------------------------------------------------------------------ */

static uint32_t folio_pfn(void *arg, uint32_t folio)
{
    const struct pcl_kernel *k = arg;

    return k->cache->folio[folio].pfn;
}

static void drop_reference(void *arg, uint32_t folio)
{
    struct pcl_kernel *k = arg;

    pcl_folio_put(k->cache, folio);
}

/* Page tables of an address space that are told apart: those of files further on share locks. */
enum { PTE_LOCKS = 64 };

/* Finds the labels of each path once, so that a jump is a look-up, and what is to be done next. */
void pcl_kernel_path(struct pcl_kernel *k, enum pcl_op op, const struct pcl_step *steps)
{
    struct pcl_path *p = &k->path[op];
    uint16_t n = 0;

    p->steps = steps;
    while (steps[n].act)
        n++;
    p->next = pcl_xrealloc(p->next, n + 1u, sizeof(*p->next));
    p->next[n] = n;
    for (uint16_t i = n; i-- > 0;)
        p->next[i] = steps[i].act == act_label ? p->next[i + 1] : i;
    for (int l = 0; l < PCL_MAX_LABELS; l++)
        p->at[l] = NO_STEP;
    for (uint16_t i = 0; p->steps[i].act; i++)
        if (p->steps[i].act == act_label) {
            PCL_ASSERT(p->steps[i].arg < PCL_MAX_LABELS);
            PCL_ASSERT(p->at[p->steps[i].arg] == NO_STEP); /* a label stands once */
            p->at[p->steps[i].arg] = i;
        }
}

static void init_paths(struct pcl_kernel *k)
{
    for (int op = 0; op <= PCL_N_OPS; op++) {
        const struct pcl_step *dax = pcl_dax_steps((enum pcl_op)op);
        bool use = dax && k->option[PCL_OPTION_DAX] == PCL_YES;

        pcl_kernel_path(k, (enum pcl_op)op, use ? dax : pcl_path_steps(k->fs, (enum pcl_op)op));
    }
}

static const enum pcl_role range_roles[] = {PCL_ROLE_MMAP, PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                            PCL_ROLE_ILOCK, PCL_ROLE_IMAP};

enum {
    N_RANGE_ROLES = sizeof(range_roles) / sizeof(range_roles[0])
};

static int init_locks(struct pcl_kernel *k, const struct pcl_scheme *scheme, struct pcl_err *err)
{
    int rc = pcl_page_locks_init(&k->page, k->m, &scheme->role[PCL_ROLE_PAGE],
                                 (uint8_t *const *)&k->cache->flags, folio_pfn, k, err);

    k->page.drop = drop_reference;
    k->page.cleared = PCL_PG_WRITEBACK; /* by end_folio() */
    for (int i = 0; i < N_RANGE_ROLES && rc == PCL_OK; i++) {
        enum pcl_role r = range_roles[i];

        rc = pcl_range_locks_init(&k->range[r], k->m, r, &scheme->role[r], err);
        if (rc == PCL_OK)
            rc = pcl_resident_init(k, r, err);
    }
    return rc;
}

static uint32_t frame_new(struct pcl_kernel *k)
{
    if (k->n_frames == k->cap_frames) {
        k->cap_frames = k->cap_frames ? 2 * k->cap_frames : 16;
        k->calls = pcl_xrealloc(k->calls, k->cap_frames, sizeof(*k->calls));
        k->call_times = pcl_xrealloc(k->call_times, k->cap_frames, sizeof(*k->call_times));
        k->free_frame = pcl_xrealloc(k->free_frame, k->cap_frames, sizeof(*k->free_frame));
    }
    k->calls[k->n_frames] = (struct pcl_call){.op = 0};
    k->call_times[k->n_frames] = (struct pcl_call_times){0};
    return k->n_frames++;
}

/* In the explorer every body has its own, with the same number; else frame 0 stands for all who
 * are in no call. */
static void init_frames(struct pcl_kernel *k)
{
    const struct pcl_machine *m = k->m;

    k->frame = pcl_xcalloc(k->n_bodies, sizeof(*k->frame));
    if (!m->explore)
        (void)frame_new(k);
    for (uint32_t b = m->explore ? 0 : m->n_tasks; b < k->n_bodies; b++)
        k->frame[b] = frame_new(k);
    for (uint32_t b = 0; b < k->n_bodies; b++)
        pcl_call_forget(k, b);
}

/* The one freed last is the one whose cache lines are near. */
static struct pcl_call *take_frame(struct pcl_kernel *k)
{
    uint32_t *frame = &k->frame[k->m->cur];

    if (!k->m->explore)
        *frame = k->n_free ? k->free_frame[--k->n_free] : frame_new(k);
    return &k->calls[*frame];
}

static void give_frame(struct pcl_kernel *k)
{
    uint32_t *frame = &k->frame[k->m->cur];

    if (k->m->explore)
        return;
    k->free_frame[k->n_free++] = *frame;
    *frame = 0;
}

int pcl_kernel_init(struct pcl_kernel *k, struct pcl_machine *m,
                    const struct pcl_kernel_conf *conf, struct pcl_err *err)
{
    struct pcl_cache_conf cc = {.seed = m->seed,
                                .replication = m->replication,
                                .memory_limit = conf->memory_limit,
                                .fold = conf->memory_limit == 0,
                                .explore = m->explore};
    bool dax = pcl_scheme_option(conf->scheme, PCL_OPTION_DAX) == PCL_YES;
    struct pcl_oracle_conf oc = {.report = conf->violation, .arg = conf->arg, .dax = dax};
    int64_t ram = conf->memory_limit ? conf->memory_limit : m->p->ram;

    *k = (struct pcl_kernel){.m = m,
                             .fs = conf->fs,
                             .n_bodies = m->n_bodies,
                             .free_bio = PCL_NONE,
                             .flusher = PCL_NONE};
    for (int o = 0; o < PCL_N_OPTIONS; o++)
        k->option[o] = pcl_scheme_option(conf->scheme, (enum pcl_option)o);
    k->starvation = conf->starvation;
    k->starved = conf->starved;
    k->lock_event = conf->lock_event;
    k->told_arg = conf->arg;
    k->n_pte_locks = k->option[PCL_OPTION_PTE_LOCK] == PCL_PTE_LOCK_TABLE ? PTE_LOCKS : 1;
    pcl_lock_stats_init(&k->writeback_stats);
    pcl_lock_stats_init(&k->drain_stats);
    pcl_lock_stats_init(&k->entry_stats);
    init_paths(k);
    k->cache = pcl_cache_new(&cc, m->state);
    if (conf->oracle)
        pcl_oracle_new(k->cache, &oc, m->state);
    k->dirty_background = (uint64_t)(ram / 100 * m->p->dirty_background) >> PCL_PAGE_SHIFT;
    k->dirty_limit = (uint64_t)(ram / 100 * m->p->dirty_limit) >> PCL_PAGE_SHIFT;
    init_frames(k);
    if (dax && (k->fs == PCL_FS_TMPFS || k->fs == PCL_FS_PAGE_ONLY))
        return pcl_fail(err, PCL_EINVAL, "path.dax: want fs xfs or ext4, found %s",
                        k->fs == PCL_FS_TMPFS ? "tmpfs" : "page-only");
    return init_locks(k, conf->scheme, err);
}

void pcl_kernel_fini(struct pcl_kernel *k)
{
    pcl_page_locks_fini(&k->page);
    pcl_lock_stats_fini(&k->writeback_stats);
    pcl_lock_stats_fini(&k->drain_stats);
    pcl_lock_stats_fini(&k->entry_stats);
    for (int i = 0; i < N_RANGE_ROLES; i++)
        pcl_range_locks_fini(&k->range[range_roles[i]]);
    pcl_pages_fini(&k->pages);
    for (int op = 0; op <= PCL_N_OPS; op++)
        free(k->path[op].next);
    for (uint32_t i = 0; i < k->n_inodes; i++)
        free(k->ext[i].v);
    free(k->inode);
    free(k->ext);
    free(k->visit);
    free(k->mm_spin);
    free(k->vma);
    free(k->vma_slot);
    free(k->calls);
    free(k->call_times);
    free(k->free_frame);
    free(k->frame);
    free(k->ra);
    free(k->bio);
    free(k->batch);
    pcl_last_fini(k);
    if (k->cache)
        pcl_cache_free(k->cache);
}

uint32_t pcl_kernel_inode(struct pcl_kernel *k, int64_t size, bool mapped)
{
    uint32_t i = pcl_inode_new(k->cache, size);

    if (k->n_inodes == k->cap_inodes) {
        k->cap_inodes = k->cap_inodes ? k->cap_inodes * 2 : 8;
        k->inode = pcl_xrealloc(k->inode, k->cap_inodes, sizeof(*k->inode));
        k->ext = pcl_xrealloc(k->ext, k->cap_inodes, sizeof(*k->ext));
        k->visit = pcl_xrealloc(k->visit, k->cap_inodes, sizeof(*k->visit));
    }
    PCL_ASSERT(i == k->n_inodes);
    k->inode[i] = (struct pcl_kinode){.tree_spin = pcl_spin_new(k->m), .dirtied = -1};
    k->ext[i] = (struct pcl_extents){0};
    k->visit[i] = (struct pcl_visits){0};
    pcl_spin_kind(k->m, k->inode[i].tree_spin, PCL_ROLE_MAPPING_TREE);
    k->n_inodes++;
    for (int r = 1; r < N_RANGE_ROLES; r++)
        PCL_ASSERT(pcl_range_instance(&k->range[range_roles[r]]) == i);
    if (mapped && size > 0 && k->fs != PCL_FS_TMPFS) {
        pcl_ext_map(&k->ext[i], 0, pcl_inode_pages(k->cache, i) - 1);
        pcl_oracle_initial(k->cache->oracle, i, 0, pcl_inode_pages(k->cache, i) - 1);
    }
    return i;
}

uint32_t pcl_kernel_mm(struct pcl_kernel *k)
{
    if (k->n_mms == k->cap_mms) {
        k->cap_mms = k->cap_mms ? k->cap_mms * 2 : 8;
        k->mm_spin = pcl_xrealloc(k->mm_spin, (size_t)k->cap_mms * k->n_pte_locks,
                                  sizeof(*k->mm_spin));
    }
    for (uint32_t i = 0; i < k->n_pte_locks; i++) {
        uint32_t *spin = &k->mm_spin[(size_t)k->n_mms * k->n_pte_locks + i];

        *spin = pcl_spin_new(k->m);
        pcl_spin_kind(k->m, *spin, PCL_ROLE_PTE);
    }
    PCL_ASSERT(pcl_range_instance(&k->range[PCL_ROLE_MMAP]) == k->n_mms);
    return k->n_mms++;
}

const char *pcl_call_error_name(enum pcl_call_error e)
{
    static const char *const names[] = {
#define X(id, name) name,
        PCL_CALL_ERRORS(X)
#undef X
    };

    return (unsigned)e < PCL_N_CALL_ERRORS ? names[e] : "?";
}

void pcl_call_forget(struct pcl_kernel *k, uint32_t body)
{
    *pcl_call_of(k, body) = (struct pcl_call){.folio = PCL_NONE,
                                      .other = PCL_NONE,
                                      .outer = PCL_NONE,
                                      .batch = PCL_NONE,
                                      .later = PCL_NONE,
                                      .bio = PCL_NONE,
                                      .truth = PCL_NONE,
                                      .truth2 = PCL_NONE};
}

void pcl_kernel_register(struct pcl_kernel *k)
{
    struct pcl_state *st = k->m->state;

    pcl_ra_make(k);
    pcl_state_register(st, (void **)&k->calls, sizeof(*k->calls), &k->n_frames);
    pcl_state_register(st, (void **)&k->inode, sizeof(*k->inode), &k->n_inodes);
    pcl_state_register_value(st, &k->n_bios, sizeof(k->n_bios));
    pcl_state_register_value(st, &k->free_bio, sizeof(k->free_bio));
    pcl_state_register(st, (void **)&k->bio, sizeof(*k->bio), &k->n_bios);
    pcl_state_register_value(st, &k->n_batches, sizeof(k->n_batches));
    pcl_state_register(st, (void **)&k->batch, sizeof(*k->batch), &k->n_batches);
    for (uint32_t i = 0; i < k->n_inodes; i++) {
        pcl_state_register_value(st, &k->ext[i].n, sizeof(k->ext[i].n));
        pcl_state_register(st, (void **)&k->ext[i].v, sizeof(*k->ext[i].v), &k->ext[i].n);
    }
    for (uint32_t mm = 0; mm < k->n_mms; mm++)
        for (uint32_t i = 0; i < k->n_inodes; i++)
            (void)pcl_vma(k, mm, i); /* all that there will be */
    pcl_state_register(st, (void **)&k->vma, sizeof(*k->vma), &k->n_vmas);
}

/* --- calls -------------------------------------------------------------------------------------- */

/* What an operation does to the truth, and to which pages; false: nothing. */
static bool truth_of(const struct pcl_call *c, enum pcl_truth_op *what, uint64_t *first,
                     uint64_t *last)
{
    uint64_t mask = (uint64_t)PCL_PAGE_SIZE - 1;
    uint64_t end = (uint64_t)c->off + (uint64_t)c->len;

    *first = c->first;
    *last = c->last;
    switch (c->op) {
    case PCL_OP_READ:
    case PCL_OP_DREAD:
        *what = PCL_TRUTH_READ;
        return true;
    case PCL_OP_WRITE:
    case PCL_OP_DWRITE:
        *what = PCL_TRUTH_WRITE;
        return c->len > 0;
    case PCL_OP_EXCHANGE:
        *what = PCL_TRUTH_EXCHANGE;
        return c->len > 0;
    case PCL_OP_ZERO:
    case PCL_OP_PUNCH: /* whole pages; the zeroed parts of edge pages are below the grain */
        *what = PCL_TRUTH_ZERO;
        *first = ((uint64_t)c->off + mask) >> PCL_PAGE_SHIFT;
        *last = end >= (uint64_t)PCL_OFF_MAX ? PCL_PAGE_LAST : (end >> PCL_PAGE_SHIFT) - 1;
        return end >= (uint64_t)PCL_OFF_MAX || end >> PCL_PAGE_SHIFT > *first;
    case PCL_OP_TRUNCATE:
        *what = PCL_TRUTH_ZERO;
        return true;
    case PCL_OP_COLLAPSE:
    case PCL_OP_INSERT: /* with parts of blocks it fails */
        *what = c->op == PCL_OP_COLLAPSE ? PCL_TRUTH_COLLAPSE : PCL_TRUTH_INSERT;
        return (((uint64_t)c->off | (uint64_t)c->len) & mask) == 0;
    default:
        return false;
    }
}

/* Pages that the call works on. Truncate drops from the first whole page behind the new size on;
 * a punch or a zeroing on XFS writes and drops edge pages too, elsewhere whole pages only. */
static void set_pages(const struct pcl_kernel *k, struct pcl_call *c)
{
    uint64_t mask = (uint64_t)PCL_PAGE_SIZE - 1;
    uint64_t end = (uint64_t)c->off + (uint64_t)(c->len > 0 ? c->len : 1); /* below 2^64 */

    c->first = (uint64_t)c->off >> PCL_PAGE_SHIFT;
    c->last = (end - 1) >> PCL_PAGE_SHIFT;
    if (c->op == PCL_OP_FSYNC && c->len == 0) {
        c->first = 0;
        c->last = PCL_PAGE_LAST;
    } else if (c->op == PCL_OP_TRUNCATE) {
        c->first = ((uint64_t)c->off + mask) >> PCL_PAGE_SHIFT;
        c->last = PCL_PAGE_LAST;
    } else if ((c->op == PCL_OP_PUNCH || c->op == PCL_OP_ZERO) && k->fs != PCL_FS_XFS) {
        c->first = ((uint64_t)c->off + mask) >> PCL_PAGE_SHIFT;
        if (end >= (uint64_t)PCL_OFF_MAX)
            c->last = PCL_PAGE_LAST;
        else if (end >> PCL_PAGE_SHIFT > c->first)
            c->last = (end >> PCL_PAGE_SHIFT) - 1;
        else { /* no whole page */
            c->first = 1;
            c->last = 0;
        }
    }
    if (c->last > PCL_PAGE_LAST)
        c->last = PCL_PAGE_LAST;
    c->cur = c->first;
}

void pcl_call_pages(struct pcl_kernel *k, struct pcl_call *c)
{
    enum pcl_truth_op what;
    uint64_t first, last;

    set_pages(k, c);
    if (!k->cache->oracle || c->truth != PCL_NONE || !truth_of(c, &what, &first, &last))
        return;
    c->truth = pcl_oracle_begin(k->cache->oracle, what, c->inode, first, last);
    if (pcl_personality_whole(k->fs, (enum pcl_op)c->op))
        pcl_oracle_whole(k->cache->oracle, c->truth);
    if (c->op == PCL_OP_EXCHANGE)
        c->truth2 = pcl_oracle_begin(k->cache->oracle, what, c->inode2, first, last);
}

/* What vfs_fallocate() and the filesystem's first look refuse, before any lock. */
static enum pcl_call_error refused(const struct pcl_kernel *k, const struct pcl_request *r)
{
    bool shifts = r->op == PCL_OP_ZERO || r->op == PCL_OP_COLLAPSE || r->op == PCL_OP_INSERT;

    bool two = r->op == PCL_OP_EXCHANGE;

    if (!shifts && !two && r->op != PCL_OP_PUNCH && r->op != PCL_OP_ALLOCATE)
        return PCL_CALL_E_NONE;
    if (r->len == 0 || (two && (r->inode2 == r->inode || r->inode2 >= k->n_inodes)))
        return PCL_CALL_E_INVAL;
    if (r->len > PCL_OFF_MAX - r->off)
        return PCL_CALL_E_FBIG;
    if (two && k->option[PCL_OPTION_DAX] == PCL_YES)
        return PCL_CALL_E_NOTSUPP;
    return (shifts || two) && k->fs == PCL_FS_TMPFS ? PCL_CALL_E_NOTSUPP : PCL_CALL_E_NONE;
}

void pcl_call_begin(struct pcl_kernel *k, const struct pcl_request *r)
{
    PCL_ASSERT(!pcl_call_of(k, k->m->cur)->active && r->off >= 0 && r->len >= 0);
    struct pcl_call *c = take_frame(k);

    *c = (struct pcl_call){.op = r->op,
                           .flags = r->flags,
                           .active = 1,
                           .inode = r->inode,
                           .mm = r->mm,
                           .off = r->off,
                           .len = r->len > PCL_OFF_MAX - r->off ? PCL_OFF_MAX - r->off : r->len,
                           .folio = PCL_NONE,
                           .other = PCL_NONE,
                           .batch = PCL_NONE,
                           .later = PCL_NONE,
                           .outer = PCL_NONE,
                           .bio = PCL_NONE,
                           .inode2 = r->inode2,
                           .truth = PCL_NONE,
                           .truth2 = PCL_NONE};
    pcl_times_of(k, k->m->cur)->hold = r->hold;
    if (r->inode == PCL_NONE) {
        PCL_ASSERT(r->op == PCL_OP_SYSCALL);
        return;
    }
    if ((r->op == PCL_OP_WRITE || r->op == PCL_OP_DWRITE) && r->len == 0)
        c->op = PCL_OP_SYSCALL; /* writes nothing, takes nothing */
    if (k->option[PCL_OPTION_DAX] == PCL_YES) { /* O_DIRECT makes no difference */
        c->op = c->op == PCL_OP_DREAD ? PCL_OP_READ : c->op;
        c->op = c->op == PCL_OP_DWRITE ? PCL_OP_WRITE : c->op;
    }
    c->error = (uint8_t)refused(k, r);
    if (c->error)
        c->op = PCL_OP_SYSCALL;
    k->page_faults += r->op == PCL_OP_FAULT_READ || r->op == PCL_OP_FAULT_WRITE;
    if (c->flags & PCL_OPF_APPEND)
        set_pages(k, c); /* for the range lock; the position is known under the lock */
    else
        pcl_call_pages(k, c);
}

/* --- the interpreter --------------------------------------------------------------------------------- */

enum pcl_flow flow_to(struct pcl_kernel *k, struct pcl_call *c, uint16_t label, enum pcl_flow f)
{
    uint16_t at = k->path[c->op].at[label];

    PCL_ASSERT(at != NO_STEP);
    c->pc = at;
    c->phase = 0;
    return f;
}

/* How preemptible the task is where it stands: what the next step begins with. */
static enum pcl_mark mark_at(const struct pcl_step *s, const struct pcl_call *c)
{
    while (s->act == act_label)
        s++;
    if (c->phase == 0 && s->point == POINT_SLEEPY)
        return PCL_MARK_SLEEPY;
    return c->phase == 0 && s->point == POINT_COND ? PCL_MARK_COND : PCL_MARK_KERNEL;
}

/* False when it is the step that was noted last. */
static bool note_last(struct pcl_kernel *k, const struct pcl_call *c)
{
    struct pcl_last_step at = {
        .page = c->first, .last = c->last, .inode = c->inode, .pc = c->pc, .op = c->op};

    if (c->pc != 0)
        at.page = c->folio == PCL_NONE ? c->cur : k->cache->folio[c->folio].pgoff;
    return pcl_last_note(k, k->m->cur, &at);
}

enum pcl_more pcl_call_step(struct pcl_kernel *k)
{
    struct pcl_machine *m = k->m;
    struct pcl_call *c = pcl_call_of(k, m->cur);

    for (unsigned n = 0, skips = 0; skips < MAX_SKIPS; skips++) {
        const struct pcl_path *p = &k->path[c->op];
        const struct pcl_step *s = &p->steps[c->pc = p->next[c->pc]];

        if (m->explore)
            pcl_told(k, c, s);
        bool begins = c->pc == 0, noted = k->last.step && note_last(k, c);

        if (s->act(k, c, s) == FLOW_SKIP) {
            if (noted && !begins)
                pcl_last_undo(k, k->m->cur);
            continue;
        }
        if (!c->active) {
            pcl_mark_set(m, PCL_MARK_USER);
            give_frame(k);
            return PCL_DONE;
        }
        skips = 0;
        if (++n < PCL_LOOK_EVERY && pcl_go_on(m))
            continue;
        pcl_mark_set(m, mark_at(&k->path[c->op].steps[c->pc], c));
        return PCL_MORE;
    }
    PCL_NEVER("a path loops without an access");
    return PCL_DONE;
}

/* --- the flusher --------------------------------------------------------------------------------------- */

static bool wants_writeback(const struct pcl_kernel *k, const struct pcl_kinode *ki)
{
    bool many = k->cache->t->nr_dirty > k->dirty_background;

    return ki->dirtied >= 0 && (many || pcl_now(k->m) - ki->dirtied >= k->m->p->dirty_expire);
}

void pcl_flusher_step(struct pcl_kernel *k)
{
    struct pcl_call *c = pcl_call_of(k, k->m->cur);

    if (c->active) {
        pcl_call_step(k);
        pcl_mark_set(k->m, PCL_MARK_COND);
        return;
    }
    for (uint32_t i = 0; i < k->n_inodes; i++) {
        if (!wants_writeback(k, &k->inode[i]) || k->fs == PCL_FS_TMPFS)
            continue;
        k->inode[i].dirtied = -1;
        c = take_frame(k);
        *c = (struct pcl_call){.op = PCL_N_OPS,
                               .active = 1,
                               .inode = i,
                               .folio = PCL_NONE,
                               .other = PCL_NONE,
                               .batch = PCL_NONE,
                               .later = PCL_NONE,
                               .outer = PCL_NONE,
                               .bio = PCL_NONE,
                               .truth = PCL_NONE,
                               .truth2 = PCL_NONE,
                               .last = PCL_PAGE_LAST};
        return;
    }
    pcl_sleep_until(k->m, pcl_ns_add(pcl_now(k->m), k->m->p->writeback_interval));
}

const char *pcl_site_step(const struct pcl_kernel *k, uint32_t site)
{
    uint32_t op = site >> PCL_SITE_STEP_BITS;

    PCL_ASSERT(op <= PCL_N_OPS);
    return k->path[op].steps[site & ((1u << PCL_SITE_STEP_BITS) - 1)].name;
}

static const char *label_name(const struct pcl_step *steps, uint16_t label)
{
    while (steps->act && !(steps->act == act_label && steps->arg == label))
        steps++;
    return steps->act ? steps->name : "?";
}

static void print_steps(FILE *out, const struct pcl_step *steps, enum pcl_fs fs, enum pcl_op op)
{
    for (const struct pcl_step *s = steps; s->act; s++) {
        char mode = s->act == act_lock ? pcl_personality_mode(fs, op, (enum pcl_role)s->role) : 0;

        if (s->act == act_label) {
            fprintf(out, "%s\n", s->name);
            continue;
        }
        fprintf(out, "    %s", s->name);
        if (mode)
            fprintf(out, " %c", mode);
        const char *before = s->act == act_goto ? " " : " -> ";

        for (int i = 0; i < 3 && s->to[i]; i++, before = ", ") {
            const char *name = label_name(steps, s->to[i]);

            fprintf(out, "%s%.*s", before, (int)strcspn(name, ":"), name);
        }
        fprintf(out, "\n");
    }
}

void pcl_path_print(FILE *out, enum pcl_fs fs, enum pcl_op op)
{
    print_steps(out, pcl_path_steps(fs, op), fs, op);
}

bool pcl_path_print_dax(FILE *out, enum pcl_op op)
{
    const struct pcl_step *steps = pcl_dax_steps(op);

    if (steps)
        print_steps(out, steps, PCL_FS_XFS, op);
    return steps != NULL;
}
