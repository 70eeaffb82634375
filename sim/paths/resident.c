/*
 * Range locks that hold present pages, in the roles that have a range of a file: which pages are
 * present, and what a call does that comes to a page lock which its own range holds.
 *
 *   lock INVALIDATE    locks folios 3 and 5      no path has a page locked here
 *   page-lock 3        has it: nothing to do     4 has come meanwhile: page-lock 4 is a lock
 *   remove, unlock 3   gone: unlocked, forgotten
 *   unlock INVALIDATE  unlocks 5; what the path still has locked stays with the path
 */
#include "step.h"

static uint32_t next_present(void *arg, uint32_t inode, uint64_t first, uint64_t last)
{
    struct pcl_kernel *k = arg;
    unsigned nodes = 0;
    uint32_t f;

    if (last > PCL_PAGE_LAST)
        last = PCL_PAGE_LAST;
    pcl_load(k->m, PCL_LINE(MAPPING, inode));
    f = first > last ? PCL_NONE : pcl_cache_next(k->cache, inode, first, last, &nodes);
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (f == PCL_NONE)
        return f;
    pcl_folio_get(k->cache, f);
    pcl_rmw(k->m, folio_line(k, f));
    return f;
}

static bool still_there(void *arg, uint32_t folio, uint32_t inode, uint64_t first, uint64_t last,
                        uint64_t *end)
{
    struct pcl_kernel *k = arg;
    const struct pcl_folio *f = &k->cache->folio[folio];

    pcl_load(k->m, folio_line(k, folio));
    *end = pcl_folio_last(k->cache, folio);
    return f->inode == inode && f->pgoff <= last && *end >= first;
}

static void put(void *arg, uint32_t folio)
{
    struct pcl_kernel *k = arg;

    pcl_rmw(k->m, folio_line(k, folio));
    pcl_folio_put(k->cache, folio);
}

static uint64_t pages(void *arg, uint32_t folio)
{
    const struct pcl_kernel *k = arg;

    return pcl_folio_pages(k->cache, folio);
}

int pcl_resident_init(struct pcl_kernel *k, enum pcl_role role, struct pcl_err *err)
{
    struct pcl_range_locks *R = &k->range[role];

    if (!(R->ops->props & PCL_PROP_RESIDENT))
        return PCL_OK;
    if (k->option[PCL_OPTION_DAX] == PCL_YES)
        return pcl_fail(err, PCL_EINVAL,
                        "role %s: want a lock that needs no pages, found '%s': with path.dax = yes there are "
                        "none",
                        pcl_role_name(role), R->ops->name);
    if (role != PCL_ROLE_IOLOCK && role != PCL_ROLE_INVALIDATE)
        return pcl_fail(err, PCL_EINVAL,
                        "role %s: want a lock that needs no pages, found '%s', which fits iolock "
                        "and invalidate",
                        pcl_role_name(role), R->ops->name);
    k->pages.lock = &k->page;
    k->pages.next = next_present;
    k->pages.there = still_there;
    k->pages.put = put;
    k->pages.pages = pages;
    k->pages.arg = k;
    pcl_pages_use(&k->pages, R);
    return PCL_OK;
}

bool pcl_resident_enter(struct pcl_kernel *k, uint32_t folio, bool shared)
{
    struct pcl_page_hold *h = pcl_pages_own(&k->pages, folio);

    if (!h)
        return false;
    PCL_ASSERT(h->inner == PCL_INNER_NONE);
    h->inner = shared ? PCL_INNER_SHARED : PCL_INNER_LOCK;
    return true;
}

bool pcl_resident_leave(struct pcl_kernel *k, uint32_t folio)
{
    struct pcl_page_hold *h = pcl_pages_own(&k->pages, folio);

    if (!h)
        return false;
    PCL_ASSERT(h->inner != PCL_INNER_NONE);
    h->inner = PCL_INNER_NONE;
    if (k->cache->folio[folio].inode != PCL_NONE)
        return true;
    pcl_pages_remove(&k->pages, folio);
    pcl_folio_put(k->cache, folio); /* together with the call's own reference, behind the unlock */
    return false;
}
