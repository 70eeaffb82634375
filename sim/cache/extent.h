/*
 * Files as extents: the map key is (inode, first page), an extent reaches to the next key of
 * the same inode or to the last page. An inode without keys, and pages before its first key,
 * have value 0.
 */
#ifndef PCLSIM_CACHE_EXTENT_H
#define PCLSIM_CACHE_EXTENT_H

#include "btree.h"

#include <pclsim/cache.h>

struct pcl_extent {
    uint64_t first, last;
    uint64_t val;
    bool stored; /* false: the default value before the first key */
};

static inline pcl_u128 pcl_extent_key(uint32_t inode, uint64_t pgoff)
{
    return (pcl_u128)inode << 64 | pgoff;
}

/** The extent that holds a page. */
struct pcl_extent pcl_extent_at(const struct pcl_btree *t, uint32_t inode, uint64_t pgoff);

/** Its value alone. */
uint64_t pcl_extent_val(const struct pcl_btree *t, uint32_t inode, uint64_t pgoff);

/** Makes an extent begin at a page (beyond the last page: does nothing); true when it cut one
 * in two, which then both have its value *val. */
bool pcl_extent_split(struct pcl_btree *t, uint32_t inode, uint64_t pgoff, uint64_t *val);

/** Gives [first, last] one value; neighbours with that value become one extent with it. */
void pcl_extent_put(struct pcl_btree *t, uint32_t inode, uint64_t first, uint64_t last,
                    uint64_t val);

/* Extents of one inode, copied out in rising order: to look at while the map changes. */
struct pcl_extent_list {
    struct pcl_extent *v;
    uint32_t n, cap;
};

/** Those of [first, last], cut at its ends. Free v. */
struct pcl_extent_list pcl_extent_copy(const struct pcl_btree *t, uint32_t inode,
                                       uint64_t first, uint64_t last);

#endif
