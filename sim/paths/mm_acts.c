/*
 * Actions of memory management: migration, reclaim, khugepaged, the split of large folios. What
 * they do to the index they do under the i_pages lock, with reference counts frozen, which fails
 * when somebody else holds a reference.
 */
#include "step.h"

enum {
    MIGRATE_TRIES = 10,   /* NR_MAX_MIGRATE_PAGES_RETRY */
    HUGE_PAGES = 1 << PCL_MAX_ORDER,
    WINDOW_PAGES = 32 /* read ahead at once, 128 KiB */
};

/* One change of the index under the i_pages lock: true when it is to be made now. Afterwards the
 * phase is TREE_UNLOCK. */
enum tree_phase {
    TREE_LOCK,
    TREE_CHANGE,
    TREE_UNLOCK
};

static bool tree_locked(struct pcl_kernel *k, struct pcl_call *c)
{
    if (c->phase == TREE_LOCK) {
        c->phase = TREE_CHANGE;
        pcl_spin_lock(k->m, k->inode[c->inode].tree_spin, mapping_line(c), true);
        return false;
    }
    c->phase = TREE_UNLOCK;
    pcl_touch(k->m, mapping_line(c));
    return true;
}

static void tree_unlock(struct pcl_kernel *k, const struct pcl_call *c)
{
    pcl_spin_unlock(k->m, k->inode[c->inode].tree_spin, mapping_line(c), true);
}

/* The next folio of [cur, last] that is at least that large, referenced; cur goes behind it. */
static bool next_folio(struct pcl_kernel *k, struct pcl_call *c, unsigned order)
{
    unsigned nodes = 0;
    uint64_t at = c->cur;

    pcl_load(k->m, mapping_line(c));
    do {
        c->folio = at > c->last ? PCL_NONE
                                : pcl_cache_next(k->cache, c->inode, at, c->last, &nodes);
        if (c->folio != PCL_NONE)
            at = pcl_folio_last(k->cache, c->folio) + 1;
    } while (c->folio != PCL_NONE && k->cache->folio[c->folio].order < order);
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (c->folio == PCL_NONE)
        return false;
    pcl_folio_get(k->cache, c->folio);
    pcl_rmw(k->m, folio_line(k, c->folio));
    c->cur = k->cache->folio[c->folio].pgoff;
    return true;
}

/* Gives the folio's reference away and goes on behind it. */
enum pcl_flow act_put_behind(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint64_t behind = pcl_folio_last(k->cache, c->folio) + 1;

    if (behind > c->cur)
        c->cur = behind;
    return act_put(k, c, s);
}

/* The new folio takes the place of the old one in what the next steps unlock and put, and the
 * other way round. */
enum pcl_flow act_swap_folios(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint32_t f = c->folio;

    (void)k, (void)s;
    c->folio = c->other;
    c->other = f;
    return flow_next(c, FLOW_SKIP);
}

/* --- migration ------------------------------------------------------------------------------- */

/* path.migrate-invalidate = yes: the invalidate lock, shared, over the whole call. */
enum pcl_flow act_migrate_invalidate(struct pcl_kernel *k, struct pcl_call *c,
                                     const struct pcl_step *s)
{
    static const struct pcl_step invalidate = {.role = PCL_ROLE_INVALIDATE};

    (void)s;
    if (k->option[PCL_OPTION_MIGRATE_INVALIDATE] != PCL_YES)
        return flow_next(c, FLOW_SKIP);
    return act_lock(k, c, &invalidate);
}

enum pcl_flow act_migrate_next(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    c->tried = 0;
    if (next_folio(k, c, 0))
        return flow_next(c, FLOW_STEP);
    if (k->option[PCL_OPTION_MIGRATE_BATCH] == PCL_YES)
        c->cur = c->last + 1; /* there is no more to put into a batch */
    return flow_to(k, c, s->to[0], FLOW_STEP);
}

/* A trylock; sync modes then wait, sync-light only for a folio that is not being read. Busy:
 * to[0]. */
enum pcl_flow act_migrate_lock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool waits = c->op == PCL_OP_MIGRATE_SYNC ||
                 (c->op == PCL_OP_MIGRATE && (k->cache->flags[c->folio] & PCL_FOLIO_UPTODATE));

    if (c->phase != 0)
        waits = k->page.op[k->m->cur].what == PCL_PAGE_LOCK;
    return waits ? act_page_lock(k, c, s) : act_page_trylock(k, c, s);
}

/* Under write-back: a failure but for migrate-sync, which waits; to[0]. */
enum pcl_flow act_migrate_writeback(struct pcl_kernel *k, struct pcl_call *c,
                                    const struct pcl_step *s)
{
    if (c->op == PCL_OP_MIGRATE_SYNC)
        return act_wait_writeback(k, c, s);
    return act_if_writeback(k, c, s);
}

/* folio_migrate_mapping(): a new folio in the old one's place; it is `other` then. Somebody holds
 * a reference: to[0]. */
enum pcl_flow act_replace(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    unsigned nodes = 0;

    if (c->phase != TREE_UNLOCK) {
        if (!tree_locked(k, c))
            return FLOW_STEP;
        c->other = pcl_cache_replace(k->cache, c->folio, &nodes);
        pcl_burn(k->m, k->m->p->folio_insert + k->m->p->node_visit * nodes);
        if (c->other != PCL_NONE)
            pcl_page_fresh(&k->page, c->other, false);
        return FLOW_STEP;
    }
    tree_unlock(k, c);
    if (c->other == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    k->migrated++;
    return flow_next(c, FLOW_STEP);
}

/* The data, page by page, with both folios locked. */
enum pcl_flow act_migrate_copy(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->n == pcl_folio_pages(k->cache, c->other)) {
        c->n = 0;
        return flow_next(c, FLOW_SKIP);
    }
    c->n++;
    pcl_burn(k->m, k->m->p->copy_page);
    return FLOW_STEP;
}

/* Ten tries in all: to[0] for one more. */
enum pcl_flow act_migrate_again(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (++c->tried < MIGRATE_TRIES)
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    k->not_migrated++;
    return flow_next(c, FLOW_SKIP);
}

/* --- reclaim --------------------------------------------------------------------------------- */

/* The folio that reclaim tries next, of whatever file: its oldest one, len bytes' worth of them in
 * all. No more: to[0]. */
enum pcl_flow act_reclaim_next(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint64_t pages = ((uint64_t)c->len + (uint64_t)PCL_PAGE_SIZE - 1) >> PCL_PAGE_SHIFT;

    if (k->fs == PCL_FS_TMPFS) /* its pages have nowhere to go: there is no swap here */
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    c->folio = c->n >= pages || c->n == UINT16_MAX ? PCL_NONE : pcl_lru_oldest(k->cache);
    if (c->folio == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    c->n++;
    c->inode = k->cache->folio[c->folio].inode;
    c->cur = k->cache->folio[c->folio].pgoff;
    pcl_folio_get(k->cache, c->folio);
    pcl_rmw(k->m, folio_line(k, c->folio));
    return flow_next(c, FLOW_STEP);
}

/* __remove_mapping(): the locked folio goes unless somebody else holds a reference: to[0]. */
enum pcl_flow act_remove_frozen(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_folio *f = &k->cache->folio[c->folio];
    unsigned nodes = 0;

    if (c->phase != TREE_UNLOCK) {
        if (!tree_locked(k, c))
            return FLOW_STEP;
        if (f->refs == 2 && f->mapcount == 0 && !(k->cache->flags[c->folio] & PCL_FOLIO_DIRTY)) {
            pcl_cache_remove(k->cache, c->folio, &nodes);
            pcl_burn(k->m, k->m->p->folio_remove + k->m->p->node_visit * nodes);
        }
        return FLOW_STEP;
    }
    tree_unlock(k, c);
    if (f->inode != PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    k->reclaimed++;
    return flow_next(c, FLOW_STEP);
}

/* It stays: back to the young end of its list. */
enum pcl_flow act_keep(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    pcl_lru_rotate(k->cache, c->folio);
    return act_put(k, c, s);
}

/* --- khugepaged and split -------------------------------------------------------------------- */

/* The pages of the large folio to be. */
enum pcl_flow act_huge_range(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)k, (void)s;
    c->first = ((uint64_t)c->off >> PCL_PAGE_SHIFT) & ~(uint64_t)(HUGE_PAGES - 1);
    c->last = c->first + HUGE_PAGES - 1;
    c->cur = c->first;
    return flow_next(c, FLOW_SKIP);
}

/* The folio of page cur, referenced: to[1] when all have been seen, to[0] when it is absent, to[2] when
 * it is large enough already, dirty (but on tmpfs, where all are) or under write-back. */
enum pcl_flow act_huge_next(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    unsigned busy = PCL_FOLIO_WRITEBACK | (k->fs == PCL_FS_TMPFS ? 0 : PCL_FOLIO_DIRTY);
    unsigned nodes = 0;

    if (c->cur > c->last)
        return flow_to(k, c, s->to[1], FLOW_SKIP);
    if (c->phase != TREE_UNLOCK) {
        if (!tree_locked(k, c))
            return FLOW_STEP;
        c->folio = pcl_cache_get(k->cache, c->inode, c->cur, &nodes);
        pcl_burn(k->m, k->m->p->node_visit * nodes);
        return FLOW_STEP;
    }
    tree_unlock(k, c);
    if (c->folio == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    unsigned flags = k->cache->flags[c->folio];

    if (k->cache->folio[c->folio].order == PCL_MAX_ORDER || (flags & busy))
        return flow_to(k, c, s->to[2], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

/* page_cache_sync_readahead() from the next absent page on. None before the end of file, or on tmpfs:
 * to[0], with cur back at the first. */
enum pcl_flow act_huge_absent(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint64_t end = pcl_inode_pages(k->cache, c->inode);
    unsigned nodes = 0;

    if (end > c->last + 1)
        end = c->last + 1;
    pcl_load(k->m, mapping_line(c));
    while (c->cur < end && k->fs != PCL_FS_TMPFS) {
        uint32_t f = pcl_cache_find(k->cache, c->inode, c->cur, &nodes);

        if (f == PCL_NONE)
            break;
        c->cur = pcl_folio_last(k->cache, f) + 1;
    }
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (c->cur >= end || k->fs == PCL_FS_TMPFS) {
        c->cur = c->first;
        return flow_to(k, c, s->to[0], FLOW_STEP);
    }
    c->ahead = c->cur;
    c->ahead_end = c->cur + (k->m->explore ? 1 : WINDOW_PAGES);
    c->ahead_end = c->ahead_end < end ? c->ahead_end : end;
    c->cur = c->ahead_end; /* asked for once */
    return flow_next(c, FLOW_STEP);
}

/* A trylock, but who is being read is waited for. Busy: to[0]. */
enum pcl_flow act_huge_lock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool waits = !(k->cache->flags[c->folio] & PCL_FOLIO_UPTODATE);

    if (c->phase != 0)
        waits = k->page.op[k->m->cur].what == PCL_PAGE_LOCK;
    return waits ? act_page_lock(k, c, s) : act_page_trylock(k, c, s);
}

/* The locked folio has not been filled: to[0]. */
enum pcl_flow act_if_not_read(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    pcl_load(k->m, folio_line(k, c->folio));
    if (!(k->cache->flags[c->folio] & PCL_FOLIO_UPTODATE))
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

/* All data into the new folio, page by page, with all small ones locked. */
enum pcl_flow act_huge_copy(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->n == HUGE_PAGES) {
        c->n = 0;
        return flow_next(c, FLOW_SKIP);
    }
    c->n++;
    pcl_burn(k->m, k->m->p->copy_page);
    return FLOW_STEP;
}

/* The large folio takes the places of the small ones; it is `other` then. Somebody has got a
 * reference meanwhile: to[0]. */
enum pcl_flow act_merge(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    unsigned nodes = 0;

    if (c->phase != TREE_UNLOCK) {
        if (!tree_locked(k, c))
            return FLOW_STEP;
        c->other = pcl_cache_merge(k->cache, c->inode, c->first, PCL_MAX_ORDER, &nodes);
        if (c->other != PCL_NONE) {
            pcl_page_fresh(&k->page, c->other, false);
            pcl_burn(k->m, k->m->p->folio_remove * HUGE_PAGES + k->m->p->folio_insert);
        }
        pcl_burn(k->m, k->m->p->node_visit * nodes);
        return FLOW_STEP;
    }
    tree_unlock(k, c);
    if (c->other == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    k->merged++;
    return flow_next(c, FLOW_STEP);
}

/* The large folio, if there is one now, is what the next steps unlock. None: to[0]. */
enum pcl_flow act_take_other(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (c->other == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    return act_swap_folios(k, c, s);
}

enum pcl_flow act_next_large(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    if (!next_folio(k, c, 1))
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

/* Splits the locked, unmapped folio into pages. Somebody holds a reference: to[0]. Each new
 * folio's struct page and slot are written. */
enum pcl_flow act_split(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    unsigned nodes = 0;
    uint64_t pages = pcl_folio_pages(k->cache, c->folio);

    if (c->phase != TREE_UNLOCK) {
        if (!tree_locked(k, c))
            return FLOW_STEP;
        if (pcl_cache_split(k->cache, c->folio, 0, &nodes)) {
            pcl_burn(k->m, k->m->p->folio_insert * (pcl_ns)pages);
            k->splits++;
            c->cur += pages;
        }
        pcl_burn(k->m, k->m->p->node_visit * nodes);
        return FLOW_STEP;
    }
    tree_unlock(k, c);
    if (pages > 1)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}
