/*
 * Transfers between folios and the device: reads that fill locked folios, write-back, direct I/O,
 * the cache flush; and the completion interrupts that end them. Reads and write-back are ended
 * page by page from the interrupt, with the page lock's own unlock and wake walk.
 */
#include "step.h"

enum bio_kind {
    BIO_READ,      /* fills and unlocks the folios of its range */
    BIO_WRITEBACK, /* ends their write-back */
    BIO_SYNC       /* somebody waits for it: direct I/O, read-modify-write, flush */
};

enum {
    WB_PAGES = 256 /* pages of one write-back transfer */
};

uint32_t pcl_bio_new(struct pcl_kernel *k)
{
    uint32_t b = k->free_bio;

    if (b != PCL_NONE) {
        k->free_bio = k->bio[b].next;
    } else {
        if (k->n_bios == k->cap_bios) {
            k->cap_bios = k->cap_bios ? k->cap_bios * 2 : 16;
            k->bio = pcl_xrealloc(k->bio, k->cap_bios, sizeof(*k->bio));
        }
        b = k->n_bios++;
    }
    k->bio[b] = (struct pcl_bio){.used = 1, .task = PCL_NONE, .next = PCL_NONE};
    return b;
}

static void bio_free(struct pcl_kernel *k, uint32_t b)
{
    k->bio[b] = (struct pcl_bio){.next = k->free_bio};
    k->free_bio = b;
}

/* The latency's key: inode, first page, and how often the device was visited for it. Visits are
 * counted by a hash of the page, so that other pages' visits leave its latencies alone. */
static uint64_t io_key(struct pcl_kernel *k, uint32_t inode, uint64_t page)
{
    uint64_t mix = page * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t visit = k->visit[inode].n[mix >> (64 - PCL_VISIT_BITS)]++;

    return (mix ^ ((uint64_t)inode << 32) ^ visit) * UINT64_C(0xd1342543de82ef95) + inode;
}

static void submit(struct pcl_kernel *k, uint32_t b)
{
    const struct pcl_bio *bio = &k->bio[b];

    pcl_burn(k->m, k->m->p->direct_io);
    pcl_device_io(k->m, bio->kind == BIO_WRITEBACK, bio->n << PCL_PAGE_SHIFT,
                  io_key(k, bio->inode, bio->first), bio->kind, b);
}

/* --- reads ----------------------------------------------------------------------------------- */

/* Pages ahead .. ahead + n - 1 of a hole, inserted and locked: zero, mark and unlock each. */
enum pcl_flow act_fill_hole(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (!c->hole)
        return flow_next(c, FLOW_SKIP);
    if (c->phase == 0) {
        if (c->n == 0)
            return flow_next(c, FLOW_SKIP);
        uint32_t f = pcl_cache_find(k->cache, c->inode, c->ahead, NULL);

        pcl_store(k->m, folio_line(k, f));
        pcl_burn(k->m, k->m->p->zero_page * (pcl_ns)pcl_folio_pages(k->cache, f));
        k->cache->flags[f] |= PCL_FOLIO_UPTODATE;
        pcl_oracle_read_in(k->cache->oracle, f);
        pcl_folio_get(k->cache, f);
        c->folio = f;
        pcl_page_begin(&k->page, PCL_PAGE_UNLOCK, f, PCL_PG_LOCKED, false);
        c->phase = 1;
        return FLOW_STEP;
    }
    if (pcl_page_step(&k->page) == PCL_MORE)
        return FLOW_STEP;
    uint64_t pages = pcl_folio_pages(k->cache, c->folio);

    pcl_folio_put(k->cache, c->folio);
    c->folio = PCL_NONE;
    c->n = (uint16_t)(c->n - pages);
    c->ahead += pages;
    c->phase = 0;
    return FLOW_STEP;
}

/* The same pages, of an extent: one read, ended by its interrupt. */
enum pcl_flow act_read_ahead(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->hole || c->n == 0)
        return flow_next(c, FLOW_SKIP);
    uint32_t b = pcl_bio_new(k);

    k->bio[b].kind = BIO_READ;
    k->bio[b].inode = c->inode;
    k->bio[b].first = c->ahead;
    k->bio[b].n = c->n;
    c->ahead += c->n;
    c->n = 0;
    if (k->bio[b].first <= c->cur && c->cur < c->ahead)
        k->major_faults += c->op == PCL_OP_FAULT_READ || c->op == PCL_OP_FAULT_WRITE;
    submit(k, b);
    return flow_next(c, FLOW_STEP);
}

/* Reads the locked folio itself and waits: a partial write into a page that is not uptodate. */
enum pcl_flow act_read_one(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool whole = c->off <= (int64_t)(c->cur << PCL_PAGE_SHIFT) &&
                 c->off + c->len - 1 >= (int64_t)(c->cur << PCL_PAGE_SHIFT) + PCL_PAGE_SIZE - 1;

    (void)s;
    if (whole || (k->cache->flags[c->folio] & PCL_FOLIO_UPTODATE))
        return flow_next(c, FLOW_SKIP);
    bool behind = (int64_t)(c->cur << PCL_PAGE_SHIFT) >= pcl_inode_size(k->cache, c->inode);

    if (c->hole || behind || !pcl_ext_mapped(&k->ext[c->inode], c->cur)) {
        pcl_burn(k->m, k->m->p->zero_page);
        pcl_oracle_read_in(k->cache->oracle, c->folio);
        return flow_next(c, FLOW_STEP);
    }
    c->bio = pcl_bio_new(k);
    k->bio[c->bio].kind = BIO_SYNC;
    k->bio[c->bio].inode = c->inode;
    k->bio[c->bio].first = c->cur;
    k->bio[c->bio].n = 1;
    k->bio[c->bio].task = k->m->cur;
    submit(k, c->bio);
    return flow_next(c, FLOW_STEP);
}

/* --- waiting for a transfer -------------------------------------------------------------------- */

enum pcl_flow act_io_wait(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->bio == PCL_NONE)
        return flow_next(c, FLOW_SKIP);
    if (c->phase == 0) {
        pcl_set_state(k->m, PCL_TASK_UNINTERRUPTIBLE);
        c->phase = 1;
        return FLOW_STEP;
    }
    if (!k->bio[c->bio].done) {
        c->phase = 0;
        pcl_schedule(k->m);
        return FLOW_STEP;
    }
    pcl_set_state(k->m, PCL_TASK_RUNNING);
    if (c->op == PCL_OP_WRITE && c->folio != PCL_NONE)
        pcl_oracle_read_in(k->cache->oracle, c->folio);
    bio_free(k, c->bio);
    c->bio = PCL_NONE;
    return flow_next(c, FLOW_STEP);
}

/* The device's cache flush at the end of fsync. */
enum pcl_flow act_flush(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (!c->wrote)
        return flow_next(c, FLOW_SKIP);
    c->bio = pcl_bio_new(k);
    k->bio[c->bio].kind = BIO_SYNC;
    k->bio[c->bio].inode = c->inode;
    k->bio[c->bio].task = k->m->cur;
    pcl_device_flush(k->m, BIO_SYNC, c->bio);
    return flow_next(c, FLOW_STEP);
}

/* Submits the direct transfer of the whole request. */
enum pcl_flow act_direct(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    bool write = c->op == PCL_OP_DWRITE;
    uint32_t b;

    (void)s;
    if (!write && !pcl_ext_mapped(&k->ext[c->inode], c->first) &&
        pcl_ext_same(&k->ext[c->inode], c->first) >= c->last) {
        pcl_burn(k->m, k->m->p->zero_page * (pcl_ns)(c->last - c->first + 1));
        return flow_next(c, FLOW_STEP);
    }
    b = c->bio = pcl_bio_new(k);
    k->bio[b].kind = BIO_SYNC;
    k->bio[b].inode = c->inode;
    k->bio[b].first = c->first;
    k->bio[b].n = c->last - c->first + 1;
    k->bio[b].task = k->m->cur;
    if (write) {
        pcl_oracle_direct_begin(k->cache->oracle, c->truth, c->inode, c->first, c->last);
        pcl_ext_map(&k->ext[c->inode], c->first, c->last);
    }
    (void)flow_looked(k, PCL_LINE(ILOCK, c->inode));
    pcl_burn(k->m, k->m->p->direct_io);
    pcl_device_io(k->m, write, (uint64_t)c->len, io_key(k, c->inode, c->first), BIO_SYNC, b);
    return flow_next(c, FLOW_STEP);
}

/* The transfer is over: what the device did becomes true. */
enum pcl_flow act_direct_done(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->op == PCL_OP_DWRITE)
        pcl_oracle_direct_end(k->cache->oracle, c->truth, c->inode, c->first, c->last);
    else
        pcl_oracle_direct_read(k->cache->oracle, c->truth, c->inode, c->first, c->last);
    return flow_next(c, flow_looked(k, PCL_LINE(DIO, c->inode)));
}

/* inode_dio_begin() and inode_dio_end(): one counter, one line. */
enum pcl_flow act_dio_begin(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_rmw(k->m, PCL_LINE(DIO, c->inode));
    k->inode[c->inode].dio++;
    c->in_flight = 1;
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_dio_end(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_rmw(k->m, PCL_LINE(DIO, c->inode));
    c->in_flight = 0;
    if (--k->inode[c->inode].dio == 0)
        for (uint32_t b = 0; b < k->n_bodies; b++)
            if (pcl_call_of(k, b)->drains && pcl_call_of(k, b)->inode == c->inode)
                pcl_wake(k->m, b);
    return flow_next(c, FLOW_STEP);
}

/* EAGAIN from the mapping: a write of parts of blocks that took the lock shared, and is no
 * overwrite, starts over with the lock exclusive: to[0]. */
enum pcl_flow act_if_rejected(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    c->cur = c->first;
    if (!pcl_dio_rejected(k, c))
        return flow_next(c, flow_looked(k, PCL_LINE(ILOCK, c->inode)));
    c->forced = 1;
    c->tried = 0;
    return flow_to(k, c, s->to[0], flow_looked(k, PCL_LINE(ILOCK, c->inode)));
}

/* The invalidation met a page that is dirty again: EBUSY. After the transfer the folio stays, and
 * with it pages beside the one that somebody has stored to. */
enum pcl_flow act_note_busy(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->tried && k->cache->folio[c->folio].order > 0)
        pcl_oracle_stays(k->cache->oracle, c->folio, c->first, c->last);
    c->busy = 1;
    return flow_next(c, FLOW_SKIP);
}

enum pcl_flow act_if_busy(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return c->busy ? flow_to(k, c, s->to[0], FLOW_SKIP) : flow_next(c, FLOW_SKIP);
}

/* ENOTBLK: the rest of the call is a buffered write, without entering the kernel again. */
enum pcl_flow act_as_buffered(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    k->fallbacks++;
    c->op = PCL_OP_WRITE;
    c->cur = c->first;
    c->pc = 1;
    c->phase = 0;
    return FLOW_SKIP;
}

/* --- write-back ---------------------------------------------------------------------------------- */

static enum pcl_flow next_tagged(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s,
                                 enum pcl_folio_flag flag)
{
    unsigned nodes = 0;
    uint64_t from = c->cur;

    pcl_load(k->m, mapping_line(c));
    if (from > c->last || pcl_cache_batch(k->cache, c->inode, &from, c->last, flag, &c->folio, 1,
                                          &nodes) == 0)
        c->folio = PCL_NONE;
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (c->folio == PCL_NONE) {
        c->cur = c->first;
        return flow_to(k, c, s->to[0], FLOW_STEP);
    }
    c->cur = k->cache->folio[c->folio].pgoff;
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_next_dirty(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return next_tagged(k, c, s, PCL_FOLIO_DIRTY);
}

enum pcl_flow act_next_writeback(struct pcl_kernel *k, struct pcl_call *c,
                                 const struct pcl_step *s)
{
    return next_tagged(k, c, s, PCL_FOLIO_WRITEBACK);
}

struct count_mm {
    struct pcl_kernel *k;
    uint64_t n;
    uint32_t last;
};

static void protect(void *arg, const struct pcl_pte *pte)
{
    struct count_mm *x = arg;

    if (pte->mm != x->last)
        pcl_shootdown(x->k->m, pte->mm, 1);
    x->last = pte->mm;
    x->n++;
}

void pcl_wrprotect_folio(struct pcl_kernel *k, uint32_t folio)
{
    struct count_mm x = {.k = k, .last = PCL_NONE};

    if (k->cache->flags[folio] & PCL_FOLIO_MAPPED)
        pcl_folio_wrprotect(k->cache, folio, protect, &x);
    pcl_burn(k->m, k->m->p->pte * (pcl_ns)x.n);
}

/* The locked, dirty folio: clean it (its mappings become read-only) and mark it under write-back. */
enum pcl_flow act_wb_start(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint32_t spin = k->inode[c->inode].tree_spin;

    (void)s;
    if (c->phase == 0) {
        pcl_rmw(k->m, folio_line(k, c->folio));
        pcl_wrprotect_folio(k, c->folio);
        c->phase = 1;
        return FLOW_STEP;
    }
    if (c->phase == 1) {
        c->phase = 2;
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    }
    if (c->phase == 2) {
        pcl_touch(k->m, mapping_line(c));
        pcl_folio_clear_dirty(k->cache, c->folio);
        pcl_folio_set_writeback(k->cache, c->folio);
        pcl_oracle_wb_begin(k->cache->oracle, c->folio);
        pcl_burn(k->m, k->m->p->folio_write);
        c->phase = 3;
        return FLOW_STEP;
    }
    pcl_spin_unlock(k->m, spin, mapping_line(c), true);
    return flow_next(c, FLOW_STEP);
}

/* Adds the unlocked folio to the transfer under construction; one that does not fit behind it
 * starts the next one. */
enum pcl_flow act_wb_add(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_folio *f = &k->cache->folio[c->folio];
    uint64_t pages = pcl_folio_pages(k->cache, c->folio);
    enum pcl_flow flow = FLOW_SKIP;

    (void)s;
    if (c->bio != PCL_NONE && (k->bio[c->bio].first + k->bio[c->bio].n != f->pgoff ||
                               k->bio[c->bio].n + pages > WB_PAGES)) {
        submit(k, c->bio);
        c->bio = PCL_NONE;
        flow = FLOW_STEP;
    }
    if (c->bio == PCL_NONE) {
        c->bio = pcl_bio_new(k);
        k->bio[c->bio].kind = BIO_WRITEBACK;
        k->bio[c->bio].inode = c->inode;
        k->bio[c->bio].first = f->pgoff;
        if (!k->m->explore)
            k->bio[c->bio].who = ((uint32_t)c->op << PCL_SITE_STEP_BITS | c->pc) << PCL_WHO_SITE;
    }
    k->bio[c->bio].n += pages;
    c->wrote = 1;
    c->cur = f->pgoff + pages;
    return flow_next(c, flow);
}

/* Who sleeps with a transfer under construction has pages under write-back that nobody writes: whoever
 * waits for one of them, with the page locked that this one sleeps for, waits for ever. With this
 * option what has been gathered goes to the device before that: to[0]. */
enum pcl_flow act_if_submits(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return k->option[PCL_OPTION_WRITEBACK] == PCL_WRITEBACK_SUBMIT && c->bio != PCL_NONE
               ? flow_to(k, c, s->to[0], FLOW_SKIP)
               : flow_next(c, FLOW_SKIP);
}

enum pcl_flow act_wb_submit_early(struct pcl_kernel *k, struct pcl_call *c,
                                  const struct pcl_step *s)
{
    if (k->option[PCL_OPTION_WRITEBACK] != PCL_WRITEBACK_SUBMIT ||
        !(k->cache->flags[c->folio] & PCL_FOLIO_WRITEBACK))
        return flow_next(c, FLOW_SKIP);
    return act_wb_submit(k, c, s);
}

uint32_t pcl_writeback_gatherer(const struct pcl_kernel *k, uint32_t folio)
{
    const struct pcl_folio *f = &k->cache->folio[folio];

    for (uint32_t b = 0; b < k->m->n_tasks; b++) {
        const struct pcl_call *c = pcl_call_of(k, b);
        const struct pcl_bio *bio = c->bio == PCL_NONE ? NULL : &k->bio[c->bio];

        if (bio && bio->kind == BIO_WRITEBACK && bio->inode == f->inode &&
            bio->first <= f->pgoff && f->pgoff - bio->first < bio->n)
            return b;
    }
    return PCL_NONE;
}

uint32_t pcl_writeback_who(const struct pcl_kernel *k, uint32_t folio)
{
    const struct pcl_folio *f = &k->cache->folio[folio];
    uint32_t gatherer = pcl_writeback_gatherer(k, folio);

    if (gatherer != PCL_NONE)
        return k->bio[pcl_call_of(k, gatherer)->bio].who;
    for (uint32_t b = 0; b < k->n_bios; b++) {
        const struct pcl_bio *bio = &k->bio[b];

        if (bio->used && bio->kind == BIO_WRITEBACK && bio->inode == f->inode &&
            bio->first <= f->pgoff && f->pgoff - bio->first < bio->n)
            return bio->who | PCL_WHO_DEVICE;
    }
    for (uint32_t b = 0; b < k->m->n_tasks; b++) /* just marked: about to be gathered */
        if (b != k->m->cur && pcl_call_of(k, b)->active && pcl_call_of(k, b)->folio == folio)
            return k->m->task[b].site << PCL_WHO_SITE;
    return PCL_NONE;
}

enum pcl_flow act_wb_submit(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    if (c->bio == PCL_NONE)
        return flow_next(c, FLOW_SKIP);
    submit(k, c->bio);
    c->bio = PCL_NONE;
    return flow_next(c, FLOW_STEP);
}

/* balance_dirty_pages(): above the background limit the flusher is woken; above the limit the
 * writer pauses, with no lock held. */
enum pcl_flow act_throttle(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    uint64_t dirty = k->cache->t->nr_dirty + k->cache->t->nr_writeback;
    const pcl_ns pause = 10000000; /* the pause that balance_dirty_pages() aims at */

    (void)s;
    if (dirty <= k->dirty_background || k->flusher == PCL_NONE || k->fs == PCL_FS_TMPFS)
        return flow_next(c, FLOW_SKIP); /* tmpfs has nowhere to write to */
    if (c->phase == 0) {
        pcl_wake(k->m, k->flusher);
        c->phase = 1;
        return FLOW_STEP;
    }
    if (dirty <= k->dirty_limit)
        return flow_next(c, FLOW_SKIP);
    k->throttled++;
    pcl_sleep_until(k->m, pcl_now(k->m) + pause);
    return FLOW_STEP;
}

/* --- interrupts ------------------------------------------------------------------------------------ */

/* Ends one folio of a read or write-back: state first (by the time of the walk somebody may have
 * begun the next write-back), then the page lock's unlock and walk. Where
 * a broken scheme has let the folio go meanwhile, there is nothing to end. */
static void end_folio(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_bio *bio)
{
    uint32_t f = pcl_cache_find(k->cache, bio->inode, c->cur, NULL);
    uint8_t bit = bio->kind == BIO_READ ? PCL_PG_LOCKED : PCL_PG_WRITEBACK;

    if (f == PCL_NONE || !(k->cache->flags[f] & bit)) {
        c->cur++;
        return;
    }
    pcl_load(k->m, folio_line(k, f));
    if (bio->kind == BIO_READ) {
        k->cache->flags[f] |= PCL_FOLIO_UPTODATE;
        pcl_oracle_read_in(k->cache->oracle, f);
    } else {
        pcl_oracle_wb_end(k->cache->oracle, f);
        pcl_folio_clear_writeback(k->cache, f);
    }
    pcl_folio_get(k->cache, f); /* after the clear it may be freed before the wake runs */
    c->folio = f;
    pcl_page_begin(&k->page, PCL_PAGE_UNLOCK, f, bit, false);
    c->phase = 1;
}

static void irq_begin(struct pcl_kernel *k, struct pcl_call *c)
{
    uint32_t kind;
    uint64_t arg;

    if (!pcl_irq_next(k->m, &kind, &arg))
        return;
    struct pcl_bio *bio = &k->bio[arg];

    if (kind == BIO_SYNC) {
        bio->done = 1;
        if (bio->task != PCL_NONE)
            pcl_wake(k->m, bio->task);
        return;
    }
    c->bio = (uint32_t)arg;
    c->cur = bio->first;
    c->last = bio->first + bio->n - 1;
}

void pcl_kernel_irq_step(struct pcl_kernel *k)
{
    struct pcl_call *c = pcl_call_of(k, k->m->cur);

    if (c->bio == PCL_NONE) {
        irq_begin(k, c);
        return;
    }
    if (c->phase == 0) {
        if (c->cur <= c->last) {
            end_folio(k, c, &k->bio[c->bio]);
            return;
        }
        bio_free(k, c->bio);
        c->bio = PCL_NONE;
        return;
    }
    if (pcl_page_step(&k->page) == PCL_MORE)
        return;
    c->cur = pcl_folio_last(k->cache, c->folio) + 1;
    pcl_folio_put(k->cache, c->folio);
    c->folio = PCL_NONE;
    c->phase = 0;
}
