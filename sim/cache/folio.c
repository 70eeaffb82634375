/*
 * What changes on a folio by itself: references, and the two flags that the index marks. Marks
 * and counts follow the flags of folios in the index; a removed folio has left both behind.
 */
#include "internal.h"

void pcl_folio_put(struct pcl_cache *c, uint32_t folio)
{
    struct pcl_folio *f = &c->folio[folio];

    PCL_ASSERT(f->refs > 0);
    f->refs--;
    if (f->refs > 1)
        return;
    if (f->refs == 0) {
        PCL_ASSERT(f->inode == PCL_NONE); /* the index holds a reference */
        pcl_folio_release(c, folio);
    } else if (c->conf.fold && !c->conf.literal && c->conf.memory_limit == 0 &&
               f->inode != PCL_NONE) {
        pcl_run_fold(c, folio);
    }
}

struct tally {
    uint64_t *inode, *total;
};

static struct tally tally(struct pcl_cache *c, uint32_t inode, enum pcl_mark_bit mark)
{
    struct pcl_inode *ino = &c->inode[inode];

    if (mark == PCL_MARK_BIT_DIRTY)
        return (struct tally){&ino->nr_dirty, &c->t->nr_dirty};
    return (struct tally){&ino->nr_writeback, &c->t->nr_writeback};
}

static bool set(struct pcl_cache *c, uint32_t folio, unsigned flag, enum pcl_mark_bit mark)
{
    uint32_t inode = c->folio[folio].inode;
    struct tally t;

    if (c->flags[folio] & flag)
        return false;
    c->flags[folio] |= (uint8_t)flag;
    if (inode == PCL_NONE)
        return true;
    t = tally(c, inode, mark);
    *t.inode += pcl_folio_pages(c, folio);
    *t.total += pcl_folio_pages(c, folio);
    pcl_mark_set_at(c, pcl_folio_place(c, folio), mark);
    return true;
}

static bool clear(struct pcl_cache *c, uint32_t folio, unsigned flag, enum pcl_mark_bit mark)
{
    uint32_t inode = c->folio[folio].inode;
    struct tally t;

    if (!(c->flags[folio] & flag))
        return false;
    c->flags[folio] &= (uint8_t)~flag;
    if (inode == PCL_NONE)
        return true;
    t = tally(c, inode, mark);
    *t.inode -= pcl_folio_pages(c, folio);
    *t.total -= pcl_folio_pages(c, folio);
    pcl_mark_clear_at(c, pcl_folio_place(c, folio), mark);
    return true;
}

bool pcl_folio_set_dirty(struct pcl_cache *c, uint32_t folio)
{
    return set(c, folio, PCL_FOLIO_DIRTY, PCL_MARK_BIT_DIRTY);
}

bool pcl_folio_clear_dirty(struct pcl_cache *c, uint32_t folio)
{
    return clear(c, folio, PCL_FOLIO_DIRTY, PCL_MARK_BIT_DIRTY);
}

bool pcl_folio_set_writeback(struct pcl_cache *c, uint32_t folio)
{
    return set(c, folio, PCL_FOLIO_WRITEBACK, PCL_MARK_BIT_WRITEBACK);
}

bool pcl_folio_clear_writeback(struct pcl_cache *c, uint32_t folio)
{
    return clear(c, folio, PCL_FOLIO_WRITEBACK, PCL_MARK_BIT_WRITEBACK);
}
