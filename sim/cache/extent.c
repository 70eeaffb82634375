/*
 * Extents over an ordered map. Every range operation cuts at its two ends and then deals with
 * whole extents, so it costs what is known about the range.
 */
#include "extent.h"

#include "internal.h"

struct pcl_extent pcl_extent_at(const struct pcl_btree *t, uint32_t inode, uint64_t pgoff)
{
    struct pcl_extent e = {.first = 0, .last = PCL_PAGE_LAST};
    struct pcl_bt_at at = pcl_bt_le(t, pcl_extent_key(inode, pgoff)), next;

    if (pcl_bt_valid(at) && (uint32_t)(pcl_bt_key(t, at) >> 64) == inode) {
        e.first = (uint64_t)pcl_bt_key(t, at);
        e.val = pcl_bt_val(t, at);
        e.stored = true;
        next = pcl_bt_step(t, at);
    } else {
        next = pcl_bt_ge(t, pcl_extent_key(inode, 0));
    }
    if (pcl_bt_valid(next) && (uint32_t)(pcl_bt_key(t, next) >> 64) == inode)
        e.last = (uint64_t)pcl_bt_key(t, next) - 1;
    return e;
}

uint64_t pcl_extent_val(const struct pcl_btree *t, uint32_t inode, uint64_t pgoff)
{
    struct pcl_bt_at at = pcl_bt_le(t, pcl_extent_key(inode, pgoff));

    if (!pcl_bt_valid(at) || (uint32_t)(pcl_bt_key(t, at) >> 64) != inode)
        return 0;
    return pcl_bt_val(t, at);
}

bool pcl_extent_split(struct pcl_btree *t, uint32_t inode, uint64_t pgoff, uint64_t *val)
{
    struct pcl_extent e;

    if (pgoff > PCL_PAGE_LAST)
        return false;
    e = pcl_extent_at(t, inode, pgoff);
    if (e.stored && e.first == pgoff)
        return false;
    (void)pcl_bt_set(t, pcl_extent_key(inode, pgoff), e.val);
    *val = e.val;
    return e.stored;
}

void pcl_extent_put(struct pcl_btree *t, uint32_t inode, uint64_t first, uint64_t last,
                    uint64_t val)
{
    pcl_u128 end = pcl_extent_key(inode, last);
    struct pcl_bt_at at;
    uint64_t ignored;

    (void)pcl_extent_split(t, inode, last + 1, &ignored);
    at = pcl_bt_ge(t, pcl_extent_key(inode, first));
    while (pcl_bt_valid(at) && pcl_bt_key(t, at) <= end) {
        (void)pcl_bt_del(t, pcl_bt_key(t, at));
        at = pcl_bt_ge(t, pcl_extent_key(inode, first));
    }
    if (pcl_extent_at(t, inode, first).val != val)
        (void)pcl_bt_set(t, pcl_extent_key(inode, first), val);
    /* the extent behind may now repeat the value */
    if (last < PCL_PAGE_LAST) {
        struct pcl_extent e = pcl_extent_at(t, inode, last + 1);

        if (e.stored && e.first == last + 1 && e.val == val)
            (void)pcl_bt_del(t, pcl_extent_key(inode, last + 1));
    }
}

struct pcl_extent_list pcl_extent_copy(const struct pcl_btree *t, uint32_t inode,
                                       uint64_t first, uint64_t last)
{
    struct pcl_extent_list l = {.n = 0};

    while (first <= last) {
        struct pcl_extent e = pcl_extent_at(t, inode, first);

        e.first = first;
        e.last = e.last < last ? e.last : last;
        PCL_GROW(l.v, l.cap, l.n + 1);
        l.v[l.n++] = e;
        first = e.last + 1;
    }
    return l;
}
