/*
 * DAX: a file's pages are the device's own memory. The index holds entries in place of folios,
 * each with a lock bit that only changes under the i_pages lock; who finds it set queues by its
 * key and sleeps. An unlock wakes the first of them, who looks again, and may find that another
 * was faster; then he queues behind. A removal wakes them all: the key may never come back.
 *
 *   entry 5 locked           waiting for 5: task 2 (turn 1), task 4 (turn 2)
 *   unlock: bit cleared      task 2 is woken, task 7 takes the bit first: task 2 gets turn 3
 *
 * Linux keys 4096 queues by a hash of index and address; who meets a foreign key in its queue
 * passes it over. Here the waiters of a key are those calls whose turn is not 0. An entry has
 * one page or, in a file whose max_order is 9, 2 MiB where blocks, alignment and the index
 * allow it; a page that is asked for in a larger entry locks that.
 *
 * Source: Linux 6.15, fs/dax.c.
 */
#include "step.h"

enum { GRAB_LOCK, GRAB_LOOK, GRAB_UNLOCK, GRAB_ASLEEP, GRAB_BLOCKED, GRAB_AWAKE };

static bool waits_for(const struct pcl_call *c, uint32_t inode, uint64_t first, uint64_t last)
{
    return c->active && c->turn != 0 && c->inode == inode && c->cur >= first && c->cur <= last;
}

/* A place behind all who wait for the entry. */
static uint32_t next_turn(const struct pcl_kernel *k, uint32_t inode, uint64_t first,
                          uint64_t last)
{
    uint32_t turn = 0;

    for (uint32_t b = 0; b < k->n_bodies; b++)
        if (waits_for(pcl_call_of(k, b), inode, first, last) && pcl_call_of(k, b)->turn > turn)
            turn = pcl_call_of(k, b)->turn;
    return turn + 1;
}

/* dax_wake_entry(): the first, or all, of those who wait for the pages of an entry. */
static void wake(struct pcl_kernel *k, uint32_t inode, uint64_t first, uint64_t last, bool all)
{
    uint32_t who;

    do {
        who = PCL_NONE;
        for (uint32_t b = 0; b < k->n_bodies; b++)
            if (waits_for(pcl_call_of(k, b), inode, first, last) &&
                (who == PCL_NONE || pcl_call_of(k, b)->turn < pcl_call_of(k, who)->turn))
                who = b;
        if (who == PCL_NONE)
            return;
        pcl_call_of(k, who)->turn = 0; /* out of the queue */
        pcl_wake(k->m, who);
    } while (all);
}

static bool fits_2m(const struct pcl_kernel *k, const struct pcl_call *c, uint64_t first)
{
    const uint64_t n = UINT64_C(1) << PCL_MAX_ORDER;

    return k->inode[c->inode].max_order == PCL_MAX_ORDER &&
           first + n <= pcl_inode_pages(k->cache, c->inode) &&
           pcl_ext_mapped(&k->ext[c->inode], first) &&
           pcl_ext_same(&k->ext[c->inode], first) >= first + n - 1;
}

/* A new locked entry, of 2 MiB if no smaller one is in the way. */
static uint32_t insert(struct pcl_kernel *k, const struct pcl_call *c)
{
    uint64_t first = c->cur & ~((UINT64_C(1) << PCL_MAX_ORDER) - 1);
    unsigned nodes = 0, flags = PCL_FOLIO_LOCKED | PCL_FOLIO_UPTODATE;
    uint32_t f = PCL_NONE;

    if (fits_2m(k, c, first))
        f = pcl_cache_insert(k->cache, c->inode, first, PCL_MAX_ORDER, flags, &nodes);
    if (f == PCL_NONE)
        f = pcl_cache_insert(k->cache, c->inode, c->cur, 0, flags, &nodes);
    pcl_burn(k->m, k->m->p->folio_insert + k->m->p->node_visit * nodes);
    return f;
}

/* Under the i_pages lock: the entry, locked and referenced, or a place in its queue. */
static void look(struct pcl_kernel *k, struct pcl_call *c, bool make)
{
    struct pcl_cache *ca = k->cache;
    unsigned nodes = 0;
    uint32_t f = pcl_cache_find(ca, c->inode, c->cur, &nodes);

    pcl_touch(k->m, mapping_line(c));
    pcl_burn(k->m, k->m->p->node_visit * nodes);
    if (f == PCL_NONE) {
        c->other = make ? insert(k, c) : PCL_NONE;
    } else if (ca->flags[f] & PCL_FOLIO_LOCKED) {
        c->turn = next_turn(k, c->inode, ca->folio[f].pgoff, pcl_folio_last(ca, f));
    } else {
        ca->flags[f] |= PCL_FOLIO_LOCKED;
        pcl_folio_get(ca, f);
        c->other = f;
    }
}

/* The entry of page cur gets locked; it is `folio` then, with a reference of the lock. Absent:
 * made, or, as make says, none. */
static enum pcl_flow grab(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s,
                          bool make)
{
    uint32_t spin = k->inode[c->inode].tree_spin;

    switch (c->phase) {
    case GRAB_LOCK:
        if (!c->slept) {
            note_site(k, c);
            pcl_note_begin(k);
            pcl_times_of(k, k->m->cur)->lock_begin = pcl_now(k->m);
        }
        c->other = PCL_NONE;
        c->phase = GRAB_LOOK;
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    case GRAB_LOOK:
        look(k, c, make);
        c->phase = c->turn ? GRAB_BLOCKED : GRAB_UNLOCK;
        return FLOW_STEP;
    case GRAB_BLOCKED: /* prepare_to_wait_exclusive() is inside the lock */
        c->slept = 1;
        pcl_set_state(k->m, PCL_TASK_UNINTERRUPTIBLE);
        pcl_spin_unlock(k->m, spin, mapping_line(c), true);
        c->phase = GRAB_ASLEEP;
        return FLOW_STEP;
    case GRAB_ASLEEP:
        c->phase = GRAB_AWAKE;
        if (c->turn)
            pcl_schedule(k->m);
        else
            pcl_set_state(k->m, PCL_TASK_RUNNING);
        return FLOW_STEP;
    case GRAB_AWAKE:
        c->phase = c->turn ? GRAB_ASLEEP : GRAB_LOCK;
        if (c->turn)
            pcl_set_state(k->m, PCL_TASK_UNINTERRUPTIBLE);
        else
            pcl_set_state(k->m, PCL_TASK_RUNNING);
        return FLOW_STEP;
    default:
        break;
    }
    pcl_spin_unlock(k->m, spin, mapping_line(c), true);
    pcl_note_wait(k, &k->entry_stats, c->slept);
    if (c->other == PCL_NONE) {
        if (c->slept) /* put_unlocked_entry(): the wake-up is for whoever comes next */
            wake(k, c->inode, c->cur, c->cur, false);
        c->slept = 0;
        return flow_to(k, c, s->to[0], FLOW_STEP);
    }
    c->slept = 0;
    if (c->folio !=
        PCL_NONE) /* of who found it before he locked it, be it still the same or not */
        pcl_folio_put(k->cache, c->folio);
    c->folio = c->other;
    c->other = PCL_NONE;
    return flow_next(c, FLOW_STEP);
}

/* grab_mapping_entry() */
enum pcl_flow act_entry_grab(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return grab(k, c, s, true);
}

/* get_next_unlocked_entry() of one that was found before; gone: to[0], with its reference. */
enum pcl_flow act_entry_lock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    return grab(k, c, s, false);
}

/* dax_unlock_entry() */
enum pcl_flow act_entry_unlock(struct pcl_kernel *k, struct pcl_call *c,
                               const struct pcl_step *s)
{
    const struct pcl_folio *f = &k->cache->folio[c->folio];
    uint32_t spin = k->inode[c->inode].tree_spin;

    (void)s;
    switch (c->phase++) {
    case 0:
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    case 1:
        pcl_touch(k->m, mapping_line(c));
        k->cache->flags[c->folio] &= (uint8_t)~PCL_FOLIO_LOCKED;
        return FLOW_STEP;
    case 2:
        pcl_spin_unlock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    default:
        wake(k, c->inode, f->pgoff, pcl_folio_last(k->cache, c->folio), false);
        return flow_next(c, flow_looked(k, mapping_line(c)));
    }
}

/* dax_delete_mapping_entry(): the locked entry goes, and all who wait for it look again. */
enum pcl_flow act_entry_remove(struct pcl_kernel *k, struct pcl_call *c,
                               const struct pcl_step *s)
{
    uint32_t spin = k->inode[c->inode].tree_spin;
    uint64_t first = k->cache->folio[c->folio].pgoff, last = pcl_folio_last(k->cache, c->folio);
    unsigned nodes = 0;

    (void)s;
    switch (c->phase++) {
    case 0:
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    case 1:
        pcl_touch(k->m, mapping_line(c));
        pcl_cache_remove(k->cache, c->folio, &nodes);
        k->cache->flags[c->folio] &= (uint8_t)~PCL_FOLIO_LOCKED;
        pcl_burn(k->m, k->m->p->folio_remove + k->m->p->node_visit * nodes);
        c->cur = last + 1;
        return FLOW_STEP;
    case 2:
        pcl_spin_unlock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    default:
        wake(k, c->inode, first, last, true);
        return flow_next(c, flow_looked(k, mapping_line(c)));
    }
}

/* --- data ------------------------------------------------------------------------------------
 */

static void copy_page(struct pcl_kernel *k, const struct pcl_call *c)
{
    int64_t from = (int64_t)(c->cur << PCL_PAGE_SHIFT), end = from + PCL_PAGE_SIZE;

    from = from > c->off ? from : c->off;
    end = end < c->off + c->len ? end : c->off + c->len;
    pcl_burn(k->m, k->m->p->copy_page * (end - from) / PCL_PAGE_SIZE);
    (void)flow_looked(k, PCL_LINE(DIO, c->inode));
}

/* dax_iomap_iter(): straight from the device's memory to the user's, and the other way. */
enum pcl_flow act_entry_read(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    copy_page(k, c);
    pcl_oracle_direct_read(k->cache->oracle, c->truth, c->inode, c->cur, c->cur);
    return flow_next(c, FLOW_STEP);
}

enum pcl_flow act_entry_write(struct pcl_kernel *k, struct pcl_call *c,
                              const struct pcl_step *s)
{
    (void)s;
    copy_page(k, c);
    pcl_oracle_put(k->cache->oracle, c->truth, c->inode, c->cur);
    return flow_next(c, FLOW_STEP);
}

/* A write to new blocks: is there an entry for what was a hole? No: to[0]. */
enum pcl_flow act_if_entry_new(struct pcl_kernel *k, struct pcl_call *c,
                               const struct pcl_step *s)
{
    if (!c->hole)
        return flow_to(k, c, s->to[0], FLOW_SKIP);
    pcl_load(k->m, mapping_line(c));
    if (pcl_cache_find(k->cache, c->inode, c->cur, NULL) == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    return flow_next(c, FLOW_STEP);
}

/* dax_writeback_one(): the locked entry's mappings become read-only, its cache lines go to the
 * device, and it is clean. */
enum pcl_flow act_entry_clean(struct pcl_kernel *k, struct pcl_call *c,
                              const struct pcl_step *s)
{
    uint32_t spin = k->inode[c->inode].tree_spin;

    (void)s;
    switch (c->phase++) {
    case 0:
        pcl_load(k->m, folio_line(k, c->folio));
        pcl_wrprotect_folio(k, c->folio);
        return FLOW_STEP;
    case 1: /* a page costs what its copy does */
        pcl_burn(k->m, k->m->p->copy_page * (pcl_ns)pcl_folio_pages(k->cache, c->folio));
        return FLOW_STEP;
    case 2:
        pcl_spin_lock(k->m, spin, mapping_line(c), true);
        return FLOW_STEP;
    case 3:
        pcl_touch(k->m, mapping_line(c));
        pcl_folio_clear_dirty(k->cache, c->folio);
        return FLOW_STEP;
    default:
        pcl_spin_unlock(k->m, spin, mapping_line(c), true);
        return flow_next(c, FLOW_STEP);
    }
}

/* --- pins and layouts ------------------------------------------------------------------------
 */

/* get_user_pages() of a page that is mapped: for a transfer of somebody else's, to or from it.
 * Not mapped: to[0]. */
enum pcl_flow act_entry_pin(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    pcl_touch(k->m, PCL_LINE(PTE, c->mm));
    c->folio = pcl_map_get(k->cache, c->inode, c->mm, c->cur, NULL);
    if (c->folio == PCL_NONE)
        return flow_to(k, c, s->to[0], FLOW_STEP);
    pcl_folio_get(k->cache, c->folio);
    return flow_next(c, FLOW_STEP);
}

/* The transfer is over. The page must still be the file's. */
enum pcl_flow act_entry_unpin(struct pcl_kernel *k, struct pcl_call *c,
                              const struct pcl_step *s)
{
    uint32_t f = c->folio;

    (void)s;
    pcl_rmw(k->m, folio_line(k, f));
    pcl_oracle_mapped(k->cache->oracle, false, f, c->inode, c->cur);
    c->folio = PCL_NONE;
    pcl_folio_put(k->cache, f);
    for (uint32_t b = 0; b < k->n_bodies; b++)
        if (pcl_call_of(k, b)->active && pcl_call_of(k, b)->awaits == f + 1)
            pcl_wake(k->m, b);
    return flow_next(c, FLOW_STEP);
}

static bool pinned(const struct pcl_kernel *k, uint32_t folio)
{
    for (uint32_t b = 0; b < k->n_bodies; b++)
        if (pcl_call_of(k, b)->active && pcl_call_of(k, b)->folio == folio &&
            (pcl_call_of(k, b)->op == PCL_OP_PAGE_LOCK ||
             pcl_call_of(k, b)->op == PCL_OP_PAGE_LOCK_KILLABLE))
            return true;
    return false;
}

/* dax_layout_busy_page_range(): is the entry's page in use by a device? Yes: to[0]. */
enum pcl_flow act_if_pinned(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    const struct pcl_folio *f = &k->cache->folio[c->folio];

    pcl_load(k->m, folio_line(k, c->folio));
    if (f->refs <= 2 + f->mapcount || !pinned(k, c->folio))
        return flow_next(c, FLOW_STEP);
    c->awaits = c->folio + 1;
    return flow_to(k, c, s->to[0], FLOW_STEP);
}

/* wait_page_idle(), with the invalidate lock let go: what was found may not hold any more. */
enum pcl_flow act_await_unpinned(struct pcl_kernel *k, struct pcl_call *c,
                                 const struct pcl_step *s)
{
    (void)s;
    switch (c->phase) {
    case 0:
        pcl_set_state(k->m, PCL_TASK_UNINTERRUPTIBLE);
        c->phase = 1;
        return FLOW_STEP;
    case 1:
        pcl_load(k->m, folio_line(k, c->awaits - 1));
        c->phase = 2;
        if (pinned(k, c->awaits - 1))
            return FLOW_STEP;
        pcl_set_state(k->m, PCL_TASK_RUNNING);
        c->awaits = 0;
        return flow_next(c, FLOW_STEP);
    default:
        c->phase = 0;
        pcl_schedule(k->m);
        return FLOW_STEP;
    }
}
