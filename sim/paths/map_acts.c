/*
 * Actions on mappings: install a page-table entry (and its neighbours by fault-around), unmap a
 * range or a folio everywhere with the TLB shootdowns that this takes.
 */
#include "step.h"

enum {
    AROUND_PAGES = 16, /* fault_around_bytes, 64 KiB */
    TABLE_SHIFT = 9,   /* a page table has 512 entries */
    MANY_MMS = 64
};

/* fault-around: present, uptodate, unlocked, unmapped neighbours of the window get entries too. */
static void map_around(struct pcl_kernel *k, const struct pcl_call *c)
{
    uint64_t first = c->cur & ~(uint64_t)(AROUND_PAGES - 1);
    struct pcl_cache *ca = k->cache;

    for (uint64_t p = first; p < first + AROUND_PAGES; p++) {
        if (p == c->cur || pcl_map_get(ca, c->inode, c->mm, p, NULL) != PCL_NONE)
            continue;
        uint32_t f = pcl_cache_find(ca, c->inode, p, NULL);

        if (f == PCL_NONE || !(ca->flags[f] & PCL_FOLIO_UPTODATE) ||
            (ca->flags[f] & PCL_FOLIO_LOCKED) || p >= pcl_inode_pages(ca, c->inode))
            continue;
        pcl_map_set(ca, c->inode, c->mm, p, f, false);
        pcl_rmw(k->m, folio_line(k, f));
        pcl_burn(k->m, k->m->p->fault_around);
    }
}

/* Which of its address space's page-table locks guards page cur: a file is mapped at a multiple of
 * what a table spans. */
static uint32_t pte_lock(const struct pcl_kernel *k, const struct pcl_call *c)
{
    return k->n_pte_locks == 1 ? 0 : (uint32_t)((c->cur >> TABLE_SHIFT) + c->inode) % k->n_pte_locks;
}

/* Under the page-table lock: the entry of page cur. A VMA that has changed under a fault that only
 * speculated: to[0]. */
enum pcl_flow act_map(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint32_t table = pte_lock(k, c), spin = k->mm_spin[(size_t)c->mm * k->n_pte_locks + table];
    pcl_line line = PCL_LINE(PTE, (uint64_t)table << 40 | c->mm);
    bool writable = c->op == PCL_OP_FAULT_WRITE, changed = c->phase == 3;
    bool dax = k->option[PCL_OPTION_DAX] == PCL_YES;

    if (c->phase == 0) {
        c->phase = 1;
        pcl_spin_lock(k->m, spin, line, false);
        return FLOW_STEP;
    }
    if (c->phase == 1) {
        pcl_touch(k->m, line);
        if (pcl_vma_changed(k, c)) {
            c->phase = 3;
            return FLOW_STEP;
        }
        pcl_rmw(k->m, folio_line(k, c->folio)); /* mapcount and reference */
        pcl_burn(k->m, k->m->p->pte);
        pcl_map_set(k->cache, c->inode, c->mm, c->cur, c->folio, writable);
        pcl_oracle_mapped(k->cache->oracle, writable, c->folio, c->inode, c->cur);
        if (!c->tried && !dax)
            pcl_ra_hit(k, c);
        if (!writable && !k->m->explore && !dax)
            map_around(k, c);
        c->phase = 2;
        return FLOW_STEP;
    }
    pcl_spin_unlock(k->m, spin, line, false);
    return changed ? flow_to(k, c, s->to[0], FLOW_STEP) : flow_next(c, FLOW_STEP);
}

/* The address spaces that lost entries, for the shootdowns. */
struct flush {
    uint32_t mm[MANY_MMS];
    uint64_t pages[MANY_MMS];
    uint32_t n;
};

static void note_flush(void *arg, const struct pcl_pte *pte)
{
    struct flush *f = arg;
    uint32_t i = 0;

    while (i < f->n && f->mm[i] != pte->mm)
        i++;
    if (i == f->n) {
        if (f->n == MANY_MMS)
            i = pte->mm % MANY_MMS; /* more than the list holds: their flushes go together */
        else
            f->n++;
        f->pages[i] = 0;
    }
    f->mm[i] = pte->mm;
    f->pages[i]++;
}

static void shoot(struct pcl_kernel *k, const struct flush *f, uint64_t ptes)
{
    pcl_burn(k->m, k->m->p->pte * (pcl_ns)ptes);
    for (uint32_t i = 0; i < f->n; i++)
        pcl_shootdown(k->m, f->mm[i], f->pages[i]);
}

enum pcl_flow act_unmap_range(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct flush f = {.n = 0};

    (void)s;
    if (k->cache->t->nr_mapped == 0)
        return flow_next(c, flow_looked(k, mapping_line(c)));
    pcl_touch(k->m, mapping_line(c));
    shoot(k, &f, pcl_unmap_range(k->cache, c->inode, PCL_NONE, c->first, c->last, note_flush, &f));
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_unmap_folio(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct flush f = {.n = 0};

    (void)s;
    if (!(k->cache->flags[c->folio] & PCL_FOLIO_MAPPED))
        return flow_next(c, flow_looked(k, folio_line(k, c->folio)));
    pcl_load(k->m, folio_line(k, c->folio));
    shoot(k, &f, pcl_folio_unmap(k->cache, c->folio, note_flush, &f));
    return flow_next(c, FLOW_STEP);
}

/* madvise(DONTNEED): this address space only. */
enum pcl_flow act_dontneed(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct flush f = {.n = 0};

    (void)s;
    pcl_touch(k->m, PCL_LINE(PTE, c->mm));
    uint64_t n = pcl_unmap_range(k->cache, c->inode, c->mm, c->first, c->last, note_flush, &f);

    shoot(k, &f, n);
    if (n == 0)
        pcl_burn(k->m, k->m->p->pte);
    return flow_next(c, FLOW_STEP);
}

/* mprotect(): the entries of this address space become read-only. */
enum pcl_flow act_protect(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct flush f = {.n = 0};

    (void)s;
    pcl_touch(k->m, PCL_LINE(PTE, c->mm));
    shoot(k, &f, pcl_wrprotect_range(k->cache, c->inode, c->mm, c->first, c->last, note_flush, &f));
    return flow_next(c, FLOW_STEP);
}

/* A fault that has to sleep drops mmap_lock once; the second time it keeps it: to[0]. */
enum pcl_flow act_if_tried(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (c->tried)
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    c->tried = 1;
    return flow_next(c, FLOW_SKIP);
}

/* A fault at or behind the end of file is a SIGBUS: to[0]. */
enum pcl_flow act_if_eof(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    pcl_load(k->m, inode_line(c));
    if (c->cur >= pcl_inode_pages(k->cache, c->inode))
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

/* --- migration entries ----------------------------------------------------------------------- */

/* try_to_migrate(): the locked folio's mappings become migration entries. */
enum pcl_flow act_migrate_unmap(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct flush f = {.n = 0};

    (void)s;
    pcl_load(k->m, folio_line(k, c->folio));
    shoot(k, &f, pcl_folio_migrate_ptes(k->cache, c->folio, note_flush, &f));
    return flow_next(c, FLOW_STEP);
}

static void note_mm(void *arg, const struct pcl_pte *pte)
{
    uint64_t *mms = arg;

    *mms |= UINT64_C(1) << pte->mm % 64;
}

/* The same with TTU_BATCH_FLUSH: the TLBs are flushed when the whole batch has been unmapped. */
enum pcl_flow act_migrate_unmap_later(struct pcl_kernel *k, struct pcl_call *c,
                                      const struct pcl_step *s)
{
    (void)s;
    pcl_load(k->m, folio_line(k, c->folio));
    pcl_burn(k->m, k->m->p->pte *
                       (pcl_ns)pcl_folio_migrate_ptes(k->cache, c->folio, note_mm, &c->mms));
    return flow_next(c, FLOW_STEP);
}

/* try_to_unmap_flush(): all of the TLB, on every CPU that runs one of the address spaces. */
enum pcl_flow act_migrate_flush(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    enum { ALL_PAGES = 1 << 20 };
    uint32_t mm;

    (void)s;
    if (c->mms == 0)
        return flow_next(c, FLOW_SKIP);
    mm = (uint32_t)__builtin_ctzll(c->mms);
    c->mms &= c->mms - 1;
    for (; mm < k->n_mms; mm += 64)
        pcl_shootdown(k->m, mm, ALL_PAGES);
    return FLOW_STEP;
}

/* remove_migration_ptes(): they map the new folio, or the old one again when it was not moved. */
enum pcl_flow act_migrate_restore(struct pcl_kernel *k, struct pcl_call *c,
                                  const struct pcl_step *s)
{
    uint32_t now = c->other == PCL_NONE ? c->folio : c->other;

    (void)s;
    if (k->cache->t->nr_migrating == 0)
        return flow_next(c, FLOW_SKIP);
    pcl_rmw(k->m, folio_line(k, now));
    pcl_burn(k->m, k->m->p->pte * (pcl_ns)pcl_folio_restore_ptes(k->cache, c->folio, now));
    return flow_next(c, FLOW_STEP);
}

/* A fault on a migration entry sleeps until the folio that it names is unlocked, with mmap_lock
 * held, and faults again: to[0]. */
enum pcl_flow act_migration_wait(struct pcl_kernel *k, struct pcl_call *c,
                                 const struct pcl_step *s)
{
    enum pcl_flow flow;

    if (c->folio == PCL_NONE) {
        if (k->cache->t->nr_migrating == 0)
            return flow_next(c, flow_looked(k, PCL_LINE(PTE, c->mm)));
        pcl_touch(k->m, PCL_LINE(PTE, c->mm));
        c->folio = pcl_map_migrating(k->cache, c->inode, c->mm, c->cur);
        if (c->folio == PCL_NONE)
            return flow_next(c, FLOW_STEP);
        pcl_folio_get(k->cache, c->folio); /* until it is queued */
        return FLOW_STEP;
    }
    flow = act_page_wait_drop(k, c, s);
    return c->folio == PCL_NONE ? flow_to(k, c, s->to[0], flow) : flow;
}
