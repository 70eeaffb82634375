/*
 * B-trees of held ranges: the nodes, what is done with them, and what it costs. Who may do it
 * when is the lock's business.
 *
 *                 root: always the same node          an entry of an inner node: the least key
 * of [ . 90 | 4096 4200 ]                     a child (of the first: none), the highest / \
 * last byte below, the child [0 9 | 10 90 | 60 61]   [4096 4100 | 4200 4200]   an entry of a
 * leaf: start, last byte, the request, its mode
 *
 * Keys are (start, request). A full node splits in two; an empty one is taken out of its parent
 * (nodes that are merely sparse are not merged). Entries are 24 bytes behind a head of 24, so a
 * node of 16 takes seven cache lines; a visit reads the head's line and the entries' up to
 * where the search ends, a change writes the lines of the entries that move.
 */
#ifndef PCLSIM_LOCKS_RANGE_BTREE_H
#define PCLSIM_LOCKS_RANGE_BTREE_H

#include "holder_waiters.h"

enum { BT_FAN_MIN = 8, BT_FAN_MAX = 16 };

struct bt_entry {
    int64_t start, last;
    uint32_t tie; /* leaf: the request */
    uint32_t to;  /* inner node: the child; leaf: the mode */
};

struct bt_node {
    uint32_t version;    /* for locks with node versions: odd while locked */
    uint32_t owner;      /* body that has locked it, + 1 */
    uint32_t spinners;   /* found it locked since it was last free */
    uint32_t next;       /* in a list: of free nodes, of those that one body has locked */
    uint8_t inner, dead; /* dead: out of the tree, its owner will free it */
    uint16_t n;
    uint32_t pad;
    struct bt_entry e[BT_FAN_MAX];
};

/* First in the instance's state of a lock that has such a tree. */
struct bt_tree {
    uint32_t root;
    uint32_t free; /* first free node */
    uint32_t len;  /* ranges held */
    uint32_t n_nodes;
};

static inline struct bt_node *bt_at(const struct pcl_range_locks *R, uint32_t node)
{
    return pcl_range_cell(R, node);
}

/* The line of a byte of a node; the head is in the first. */
static inline pcl_line bt_line(const struct pcl_range_locks *R, uint32_t node, size_t offset)
{
    return PCL_LINE(NODE, (uint64_t)R->role << 40 | (uint64_t)node << 3 | offset / 64);
}

static inline size_t bt_offset(uint32_t entry)
{
    return offsetof(struct bt_node, e) + entry * sizeof(struct bt_entry);
}

static inline bool bt_before(const struct bt_entry *e, int64_t start, uint32_t tie)
{
    return e->start != start ? e->start < start : e->tie < tie;
}

void bt_init(struct pcl_range_locks *R, struct bt_tree *t);

/** Reads a node up to an entry: its lines, and a visit for each. */
void bt_read(struct pcl_range_locks *R, uint32_t node, uint32_t upto);

/** The entry of an inner node whose child has or would have the key. */
uint32_t bt_child(const struct bt_node *b, int64_t start, uint32_t tie);

/** Does this child have to be searched for overlaps with [start, last]? */
bool bt_may_overlap(const struct bt_node *b, uint32_t entry, int64_t start, int64_t last);

/** The first range below node that conflicts with the request: its node number, or PCL_NONE. */
uint32_t bt_conflict(struct pcl_range_locks *R, uint32_t node, uint32_t request);

/** The entry of a leaf that has the key, or PCL_NONE. */
uint32_t bt_find(const struct bt_node *leaf, int64_t start, uint32_t tie);

/** Puts a request into the tree. */
void bt_insert(struct pcl_range_locks *R, struct bt_tree *t, uint32_t request);

/** Puts a request into a leaf that has room and whose highest last byte it does not raise,
 * unless the leaf is the root. */
void bt_leaf_insert(struct pcl_range_locks *R, struct bt_tree *t, uint32_t leaf,
                    uint32_t request);

/** Takes the range at this entry out of a leaf that it leaves neither empty nor with another
 * highest last byte, unless the leaf is the root. */
void bt_leaf_remove(struct pcl_range_locks *R, struct bt_tree *t, uint32_t leaf,
                    uint32_t entry);

/** The highest last byte below a node; -1: none. skip: leave this entry out (b->n: none). */
int64_t bt_max_last(const struct bt_node *b, uint32_t skip);

/** True when the leaf has no room. */
bool bt_full(const struct pcl_range_locks *R, const struct bt_node *b);

/** Takes a range out. Nodes that fall out of the tree are marked dead when keep is true, else
 * freed. */
void bt_remove(struct pcl_range_locks *R, struct bt_tree *t, int64_t start, uint32_t tie,
               bool keep);

/** Puts a node on the free list; its version stays. */
void bt_free(struct pcl_range_locks *R, struct bt_tree *t, uint32_t node);

/** The leaf that has or would have a key, read on the way down. */
uint32_t bt_leaf(struct pcl_range_locks *R, const struct bt_tree *t, int64_t start,
                 uint32_t tie);

/** Makes the range at this entry of a leaf shared. */
void bt_downgrade(struct pcl_range_locks *R, uint32_t leaf, uint32_t entry);

/** Order, highest last bytes, and that the entries are the requests held. */
bool bt_valid(const struct pcl_range_locks *R, uint32_t inst, const struct bt_tree *t,
              const char **why);

#endif
