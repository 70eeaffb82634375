/*
 * An ordered map from 128-bit keys to 64-bit values, in one array of nodes: private to
 * sim/cache. Mappings, the truth, what is on disk: all are ranges ordered by (inode, page ...).
 */
#ifndef PCLSIM_CACHE_BTREE_H
#define PCLSIM_CACHE_BTREE_H

#include <pclsim/base.h>
#include <pclsim/state.h>

struct pcl_btree;

/* A place in the map; good until the map changes. leaf PCL_NONE: no entry. */
struct pcl_bt_at {
    uint32_t leaf;
    uint32_t i;
};

struct pcl_btree *pcl_btree_new(struct pcl_state *state); /* state may be NULL */
void pcl_btree_free(struct pcl_btree *t);

/** The entry with the smallest key >= key, or the largest key <= key. */
struct pcl_bt_at pcl_bt_ge(const struct pcl_btree *t, pcl_u128 key);
struct pcl_bt_at pcl_bt_le(const struct pcl_btree *t, pcl_u128 key);
/** The entry behind it, and the one before. */
struct pcl_bt_at pcl_bt_step(const struct pcl_btree *t, struct pcl_bt_at at);
struct pcl_bt_at pcl_bt_back(const struct pcl_btree *t, struct pcl_bt_at at);

static inline bool pcl_bt_valid(struct pcl_bt_at at)
{
    return at.leaf != PCL_NONE;
}

pcl_u128 pcl_bt_key(const struct pcl_btree *t, struct pcl_bt_at at);
uint64_t pcl_bt_val(const struct pcl_btree *t, struct pcl_bt_at at);
void pcl_bt_put(struct pcl_btree *t, struct pcl_bt_at at, uint64_t val);

/** Inserts, or replaces the value of a key that is there (false). */
bool pcl_bt_set(struct pcl_btree *t, pcl_u128 key, uint64_t val);
/** False when the key is not there. */
bool pcl_bt_del(struct pcl_btree *t, pcl_u128 key);

uint64_t pcl_btree_count(const struct pcl_btree *t);
uint64_t pcl_btree_bytes(const struct pcl_btree *t);

#endif
