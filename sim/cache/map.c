/*
 * Mappings: which address space maps which folio at which page of a file. One ordered map over
 * (inode, page, address space) answers a fault's question, an unmap of a range and the walk
 * over all mappings of a folio; what is not mapped costs nothing.
 */
#include "btree.h"
#include "internal.h"

#define WRITABLE (UINT64_C(1) << 32)
#define MIGRATING (UINT64_C(1) << 33) /* maps nothing, holds no reference */

static pcl_u128 key_of(uint32_t inode, uint64_t pgoff, uint32_t mm)
{
    return (pcl_u128)inode << 96 | (pcl_u128)pgoff << 32 | mm;
}

static struct pcl_pte pte_of(pcl_u128 key, uint64_t val)
{
    return (struct pcl_pte){.pgoff = (uint64_t)(key >> 32),
                            .inode = (uint32_t)(key >> 96),
                            .mm = (uint32_t)key,
                            .folio = (uint32_t)val,
                            .writable = (val & WRITABLE) != 0};
}

static void attach(struct pcl_cache *c, uint32_t folio)
{
    c->folio[folio].mapcount++;
    c->folio[folio].refs++;
    c->flags[folio] |= PCL_FOLIO_MAPPED;
    c->t->nr_mapped++;
}

static void detach(struct pcl_cache *c, uint32_t folio)
{
    PCL_ASSERT(c->folio[folio].mapcount > 0);
    if (--c->folio[folio].mapcount == 0)
        c->flags[folio] &= (uint8_t)~PCL_FOLIO_MAPPED;
    c->t->nr_mapped--;
    pcl_folio_put(c, folio);
}

static struct pcl_bt_at lookup(const struct pcl_cache *c, pcl_u128 key)
{
    struct pcl_bt_at at = pcl_bt_le(c->pte, key);

    if (pcl_bt_valid(at) && pcl_bt_key(c->pte, at) != key)
        at.leaf = PCL_NONE;
    return at;
}

void pcl_map_set(struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t pgoff,
                 uint32_t folio, bool writable)
{
    pcl_u128 key = key_of(inode, pgoff, mm);
    struct pcl_bt_at at = lookup(c, key);
    uint32_t old = PCL_NONE;

    PCL_ASSERT(pgoff <= PCL_PAGE_LAST);
    if (pcl_bt_valid(at)) {
        uint64_t val = pcl_bt_val(c->pte, at);

        if (val & MIGRATING)
            c->t->nr_migrating--;
        else
            old = (uint32_t)val;
    }
    attach(c, folio);
    (void)pcl_bt_set(c->pte, key, folio | (writable ? WRITABLE : 0));
    if (old != PCL_NONE)
        detach(c, old);
}

uint32_t pcl_map_get(const struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t pgoff,
                     bool *writable)
{
    struct pcl_bt_at at = lookup(c, key_of(inode, pgoff, mm));
    uint64_t val;

    if (!pcl_bt_valid(at))
        return PCL_NONE;
    val = pcl_bt_val(c->pte, at);
    if (val & MIGRATING)
        return PCL_NONE;
    if (writable != NULL)
        *writable = (val & WRITABLE) != 0;
    return (uint32_t)val;
}

bool pcl_map_clear(struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t pgoff)
{
    pcl_u128 key = key_of(inode, pgoff, mm);
    struct pcl_bt_at at = lookup(c, key);
    uint64_t val;

    if (!pcl_bt_valid(at))
        return false;
    val = pcl_bt_val(c->pte, at);
    (void)pcl_bt_del(c->pte, key);
    if (val & MIGRATING)
        c->t->nr_migrating--;
    else
        detach(c, (uint32_t)val);
    return true;
}

enum sweep_what {
    SWEEP_UNMAP,
    SWEEP_PROTECT, /* writable ones become read-only */
    SWEEP_MIGRATE, /* present ones become migration entries */
    SWEEP_RESTORE  /* and those the PTEs of folio `now` */
};

/* Which PTEs of a range, and what to do with them. */
struct sweep {
    uint32_t inode, mm, folio; /* PCL_NONE: any */
    uint64_t first, last;
    enum sweep_what what;
    uint32_t now;
    void (*fn)(void *arg, const struct pcl_pte *pte);
    void *arg;
};

/* A migration entry: an unmap of the range takes it away, a walk over the folio's mappings does
 * not see it. */
static bool visit_migrating(struct pcl_cache *c, const struct sweep *s, struct pcl_bt_at at,
                            const struct pcl_pte *pte)
{
    if (s->what == SWEEP_RESTORE && pte->folio == s->folio) {
        pcl_bt_put(c->pte, at, s->now | (pte->writable ? WRITABLE : 0));
        c->t->nr_migrating--;
        attach(c, s->now);
        return true;
    }
    if (s->what != SWEEP_UNMAP || s->folio != PCL_NONE)
        return false;
    (void)pcl_bt_del(c->pte, pcl_bt_key(c->pte, at));
    c->t->nr_migrating--;
    return true;
}

/* Changes one PTE; where the next one is to be sought does not depend on it. */
static bool visit(struct pcl_cache *c, const struct sweep *s, struct pcl_bt_at at,
                  const struct pcl_pte *pte)
{
    if (pcl_bt_val(c->pte, at) & MIGRATING)
        return visit_migrating(c, s, at, pte);
    if ((s->folio != PCL_NONE && pte->folio != s->folio) || s->what == SWEEP_RESTORE)
        return false;
    if (s->what == SWEEP_PROTECT && !pte->writable)
        return false;
    if (s->what == SWEEP_PROTECT) {
        pcl_bt_put(c->pte, at, pte->folio);
    } else if (s->what == SWEEP_MIGRATE) {
        pcl_bt_put(c->pte, at, pcl_bt_val(c->pte, at) | MIGRATING);
        c->t->nr_migrating++;
    } else {
        (void)pcl_bt_del(c->pte, pcl_bt_key(c->pte, at));
    }
    if (s->fn != NULL)
        s->fn(s->arg, pte);
    if (s->what != SWEEP_PROTECT)
        detach(c, pte->folio);
    return true;
}

static uint64_t sweep(struct pcl_cache *c, const struct sweep *s)
{
    uint64_t changed = 0, last = s->last < PCL_PAGE_LAST ? s->last : PCL_PAGE_LAST;
    pcl_u128 from = key_of(s->inode, s->first, s->mm == PCL_NONE ? 0 : s->mm);
    pcl_u128 end = key_of(s->inode, last, UINT32_MAX);

    if (s->first > last)
        return 0;
    for (;;) {
        struct pcl_bt_at at = pcl_bt_ge(c->pte, from);
        struct pcl_pte pte;

        if (!pcl_bt_valid(at) || pcl_bt_key(c->pte, at) > end)
            return changed;
        pte = pte_of(pcl_bt_key(c->pte, at), pcl_bt_val(c->pte, at));
        if (s->mm != PCL_NONE && pte.mm != s->mm) {
            /* on to this address space's place, on this page or the next */
            from = key_of(s->inode, pte.pgoff + (pte.mm > s->mm), s->mm);
            continue;
        }
        from = pcl_bt_key(c->pte, at) + 1;
        changed += visit(c, s, at, &pte);
    }
}

uint64_t pcl_unmap_range(struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t first,
                         uint64_t last, void (*fn)(void *arg, const struct pcl_pte *pte),
                         void *arg)
{
    struct sweep s = {inode, mm, PCL_NONE, first, last, SWEEP_UNMAP, PCL_NONE, fn, arg};

    return sweep(c, &s);
}

uint64_t pcl_wrprotect_range(struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t first,
                             uint64_t last, void (*fn)(void *arg, const struct pcl_pte *pte),
                             void *arg)
{
    struct sweep s = {.inode = inode,
                      .mm = mm,
                      .folio = PCL_NONE,
                      .first = first,
                      .last = last,
                      .what = SWEEP_PROTECT,
                      .fn = fn,
                      .arg = arg};

    return sweep(c, &s);
}

static uint64_t rmap(struct pcl_cache *c, uint32_t folio, enum sweep_what what,
                     void (*fn)(void *arg, const struct pcl_pte *pte), void *arg)
{
    const struct pcl_folio *f = &c->folio[folio];
    struct sweep s = {f->inode, PCL_NONE, folio, f->pgoff, pcl_folio_last(c, folio),
                      what,     PCL_NONE, fn,    arg};
    uint64_t changed;

    if (f->inode == PCL_NONE || f->mapcount == 0)
        return 0; /* the walk starts from folio->mapping, so a removed folio has none */
    pcl_folio_get(c, folio);
    changed = sweep(c, &s);
    pcl_folio_put(c, folio);
    return changed;
}

uint64_t pcl_folio_unmap(struct pcl_cache *c, uint32_t folio,
                         void (*fn)(void *arg, const struct pcl_pte *pte), void *arg)
{
    return rmap(c, folio, SWEEP_UNMAP, fn, arg);
}

uint64_t pcl_folio_wrprotect(struct pcl_cache *c, uint32_t folio,
                             void (*fn)(void *arg, const struct pcl_pte *pte), void *arg)
{
    return rmap(c, folio, SWEEP_PROTECT, fn, arg);
}

uint64_t pcl_folio_migrate_ptes(struct pcl_cache *c, uint32_t folio,
                                void (*fn)(void *arg, const struct pcl_pte *pte), void *arg)
{
    return rmap(c, folio, SWEEP_MIGRATE, fn, arg);
}

uint64_t pcl_folio_restore_ptes(struct pcl_cache *c, uint32_t old, uint32_t now)
{
    const struct pcl_folio *f = &c->folio[now];
    struct sweep s = {f->inode,      PCL_NONE, old,  f->pgoff, pcl_folio_last(c, now),
                      SWEEP_RESTORE, now,      NULL, NULL};

    return f->inode == PCL_NONE ? 0 : sweep(c, &s);
}

uint32_t pcl_map_migrating(const struct pcl_cache *c, uint32_t inode, uint32_t mm,
                           uint64_t pgoff)
{
    struct pcl_bt_at at = lookup(c, key_of(inode, pgoff, mm));
    uint64_t val = pcl_bt_valid(at) ? pcl_bt_val(c->pte, at) : 0;

    return val & MIGRATING ? (uint32_t)val : PCL_NONE;
}
