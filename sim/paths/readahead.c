/*
 * Read-ahead: which pages a miss reads besides its own (mm/readahead.c, ondemand_readahead(), and
 * mm/filemap.c, do_sync_mmap_readahead()). Each task has a window per file, as an open file has in
 * Linux:
 *
 *        start                marker                    start + size
 *   ......|--------------------|---- async pages -------|......
 *
 * A read from the start of a file, behind the one before it, or larger than any window begins a
 * window of two or four times its size. A read that comes to the marker has the next window read,
 * twice as large, up to 128 KiB, and does not wait for it. Any other read that misses is random
 * and reads its own pages. A fault that misses reads 128 KiB around it, unless faults of this task
 * on this file have mostly missed.
 */
#include "step.h"

enum {
    MOST_PAGES = 32, /* 128 KiB, the default of a block device */
    LOTS_OF_MISSES = 100
};

void pcl_ra_make(struct pcl_kernel *k)
{
    k->n_ra = k->n_bodies * PCL_RA_FILES;
    k->ra = pcl_xcalloc(k->n_ra, sizeof(*k->ra));
}

static struct pcl_ra *state(struct pcl_kernel *k, const struct pcl_call *c)
{
    if (!k->ra)
        pcl_ra_make(k);
    struct pcl_ra *ra = &k->ra[k->m->cur * PCL_RA_FILES + c->inode % PCL_RA_FILES];

    if (ra->inode != c->inode || !ra->used)
        *ra = (struct pcl_ra){.inode = c->inode, .used = 1, .prev = PCL_PAGE_LAST};
    return ra;
}

static uint32_t first_size(uint64_t pages)
{
    uint32_t n = 1;

    while (n < pages && n < MOST_PAGES)
        n *= 2;
    return n <= MOST_PAGES / 32 ? n * 4 : n <= MOST_PAGES / 4 ? n * 2 : MOST_PAGES;
}

static uint32_t next_size(uint32_t n)
{
    return n < MOST_PAGES / 16 ? n * 4 : n <= MOST_PAGES / 2 ? n * 2 : MOST_PAGES;
}

static uint64_t marker(const struct pcl_ra *ra)
{
    return ra->start + ra->size - ra->async;
}

/* The window behind this one; all of it is read before it is needed, in larger folios. */
static void ramp_up(struct pcl_ra *ra)
{
    if (ra->order < PCL_MAX_ORDER)
        ra->order += 2;
    ra->start += ra->size;
    ra->size = ra->async = next_size(ra->size);
}

static void begin_window(struct pcl_ra *ra, uint64_t page, uint64_t pages)
{
    ra->start = page;
    ra->order = 0;
    ra->size = first_size(pages);
    ra->async = ra->size > pages ? ra->size - (uint32_t)pages : ra->size;
    if (ra->async == ra->size) { /* it would meet its own marker at once */
        uint32_t more = next_size(ra->size);
        bool fits = ra->size + more <= MOST_PAGES;

        ra->async = fits ? more : MOST_PAGES / 2;
        ra->size = fits ? ra->size + more : MOST_PAGES;
    }
}

/* False: a random read. */
static bool plan_read(struct pcl_ra *ra, uint64_t page, uint64_t pages)
{
    if (ra->size && page != 0 && (page == marker(ra) || page == ra->start + ra->size)) {
        ramp_up(ra);
        if (page < ra->start) /* the marked page itself has gone: from there on */
            begin_window(ra, page, pages);
        return true;
    }
    if (page != 0 && pages <= MOST_PAGES && page - ra->prev > 1)
        return false;
    begin_window(ra, page, pages);
    return true;
}

static bool is_fault(const struct pcl_call *c)
{
    return c->op == PCL_OP_FAULT_READ || c->op == PCL_OP_FAULT_WRITE;
}

/* What is read ends with the file. */
static void set_ahead(const struct pcl_kernel *k, struct pcl_call *c, uint64_t first, uint64_t n)
{
    uint64_t end = pcl_inode_pages(k->cache, c->inode);

    c->n = 0;
    c->ahead = first;
    c->ahead_end = first + n < end ? first + n : end;
}

/* tmpfs has no device; the explorer does without. */
static bool reads_ahead(const struct pcl_kernel *k)
{
    return k->fs != PCL_FS_TMPFS && !k->m->explore;
}

/* What the miss of page cur reads. */
enum pcl_flow act_plan_ahead(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint64_t pages = c->last - c->cur + 1;
    struct pcl_ra *ra;

    (void)s;
    if (!reads_ahead(k)) {
        set_ahead(k, c, c->cur, pages < MOST_PAGES ? pages : MOST_PAGES);
        return flow_next(c, flow_looked(k, inode_line(c))); /* the end of file */
    }
    ra = state(k, c);
    if (!is_fault(c)) {
        if (pages > MOST_PAGES)
            pages = MOST_PAGES;
        if (plan_read(ra, c->cur, pages))
            set_ahead(k, c, ra->start, ra->size);
        else
            set_ahead(k, c, c->cur, pages);
    } else if (ra->misses > LOTS_OF_MISSES) {
        set_ahead(k, c, c->cur, 1);
    } else {
        ra->misses++;
        ra->start = c->cur > MOST_PAGES / 2 ? c->cur - MOST_PAGES / 2 : 0;
        ra->size = MOST_PAGES;
        ra->async = MOST_PAGES / 4;
        set_ahead(k, c, ra->start, ra->size);
    }
    return flow_next(c, FLOW_SKIP);
}

/* A read has come to the marker, and the page is there: to[0]. */
enum pcl_flow act_if_marker(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_ra *ra;

    if (!reads_ahead(k))
        return flow_next(c, FLOW_SKIP);
    ra = state(k, c);
    if (ra->size == 0 || c->cur != marker(ra))
        return flow_next(c, FLOW_SKIP);
    pcl_load(k->m, mapping_line(c));
    if (pcl_cache_find(k->cache, c->inode, c->cur, NULL) == PCL_NONE)
        return flow_next(c, FLOW_STEP);
    return flow_to(k, c, s->to[0], FLOW_STEP);
}

enum pcl_flow act_plan_async(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_ra *ra = state(k, c);

    (void)s;
    ramp_up(ra);
    set_ahead(k, c, ra->start, ra->size);
    return flow_next(c, FLOW_SKIP);
}

/* Pages of the window are left: to[0]. */
enum pcl_flow act_more_ahead(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)k;
    return c->ahead < c->ahead_end ? flow_to(k, c, s->to[0], FLOW_SKIP) : flow_next(c, FLOW_SKIP);
}

unsigned pcl_ra_order(struct pcl_kernel *k, const struct pcl_call *c)
{
    unsigned max = k->inode[c->inode].max_order, order;

    if (max == 0 || is_fault(c) || !reads_ahead(k))
        return 0;
    order = state(k, c)->order;
    return order < max ? order : max;
}

void pcl_ra_hit(struct pcl_kernel *k, const struct pcl_call *c)
{
    struct pcl_ra *ra;

    if (!reads_ahead(k))
        return;
    ra = state(k, c);
    if (!is_fault(c))
        ra->prev = c->cur;
    else if (ra->misses > 0)
        ra->misses--;
}
