/*
 * Which file MADV_DONTNEED drops, when the mmap lies before the recording. A thread that drops
 * an address and then faults on a file most likely touches what it dropped: the address less
 * the fault's offset is where the file would be mapped. Often enough the same place, and it is.
 *
 *   madvise(0x7f066a442000, 4096, DONTNEED)
 *   mm_filemap_fault ino=83 ofs=12288            a vote for ino 83 at 0x7f066a43f000
 *
 * What is concluded in this way counts as guessed, and only addresses between those that were
 * voted for are.
 */
#include "ftrace.h"

#include <stdlib.h>

#define MAX_PLACES 4096
#define ENOUGH 3 /* votes */

void ftrace_dropped(struct ftrace *r, struct ftrace_thread *t, const struct call *c,
                    uint64_t addr, uint64_t len)
{
    struct pcl_trace_op op = {.t_ns = c->t_ns,
                              .dur_ns = c->dur_ns,
                              .thread = tasks_thread(&r->s.tasks, c->task),
                              .inode = FTRACE_DROP,
                              .line = c->line,
                              .op = PCL_OP_DONTNEED,
                              .flags = PCL_OPF_GUESSED,
                              .off = (int64_t)addr,
                              .len = (int64_t)len};

    r->b.t->guessed_offsets++;
    tb_op(&r->b, &op, 2);
    t->dropped = addr;
}

void ftrace_faulted(struct ftrace *r, struct ftrace_thread *t, uint32_t file, int64_t off)
{
    struct ftrace_infer *f = &r->infer;
    uint64_t base = t->dropped - (uint64_t)off, key, i;
    struct ftrace_place *p;

    if (t->dropped == 0 || (uint64_t)off > t->dropped)
        return;
    key = map_mix(map_mix(base) + file) >> 1;
    if (!map_get(&f->by_place, key, &i)) {
        if (f->n_places == MAX_PLACES)
            return;
        if (!f->places)
            f->places = pcl_xcalloc(MAX_PLACES, sizeof(*f->places));
        i = f->n_places++;
        f->places[i] = (struct ftrace_place){
            .base = base, .file = file, .lo = t->dropped, .hi = t->dropped};
        map_put(&f->by_place, key, i);
    }
    p = &f->places[i];
    p->votes++;
    if (t->dropped < p->lo)
        p->lo = t->dropped;
    if (t->dropped > p->hi)
        p->hi = t->dropped;
    t->dropped = 0;
}

static const struct ftrace_place *place_of(const struct ftrace_infer *f, uint64_t addr)
{
    const struct ftrace_place *best = NULL;

    for (size_t i = 0; i < f->n_places; i++) {
        const struct ftrace_place *p = &f->places[i];
        if (p->votes >= ENOUGH && p->lo <= addr && addr <= p->hi &&
            (!best || p->votes > best->votes))
            best = p;
    }
    return best;
}

/* Places without enough votes never win: they are thrown out before all drops look at the rest.
 */
void ftrace_elect(struct ftrace *r)
{
    struct ftrace_infer *f = &r->infer;
    size_t kept = 0;

    for (size_t i = 0; i < f->n_places; i++) {
        if (f->places[i].votes >= ENOUGH)
            f->places[kept++] = f->places[i];
    }
    f->n_places =
        kept < 64 ? kept : 64; /* mappings that are dropped in turn; bounds the search */
}

const char *ftrace_concluded(struct ftrace *r, struct pcl_trace_op *op)
{
    const struct ftrace_place *p = place_of(&r->infer, (uint64_t)op->off);

    if (!p || (uint64_t)op->len > (uint64_t)INT64_MAX - ((uint64_t)op->off - p->base))
        return "madvise of memory whose file is not known";
    op->inode = p->file;
    op->off = (int64_t)((uint64_t)op->off - p->base);
    tb_note(&r->b, "what madvise drops was concluded from the page faults that follow: record "
                   "sys_enter_mmap to know it");
    return NULL;
}

void ftrace_infer_fini(struct ftrace_infer *f)
{
    free(f->places);
    map_fini(&f->by_place);
}
