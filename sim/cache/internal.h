/* Private to sim/cache: the index's nodes, what a slot may hold, and calls between its files.
 */
#ifndef PCLSIM_CACHE_INTERNAL_H
#define PCLSIM_CACHE_INTERNAL_H

#include <pclsim/cache.h>

#include <string.h>

#define PCL_FANOUT 64u
#define PCL_GENERATIONS_SHIFT 12u

/* Bit maps of a node, one bit per slot. The first three are marks as the XArray has them: set
 * when anything below the slot has them. */
enum pcl_mark_bit {
    PCL_MARK_BIT_DIRTY,
    PCL_MARK_BIT_WRITEBACK,
    PCL_MARK_BIT_RUN,     /* below the slot lies a run */
    PCL_MARK_BIT_PRESENT, /* the slot is used, siblings included */
    PCL_N_MARK_BITS
};

struct pcl_cnode {
    uint64_t bits[PCL_N_MARK_BITS];
    uint32_t parent; /* PCL_NONE: the inode's head points here; next free node when free */
    uint32_t inode;
    uint8_t level;  /* a slot spans 64^level pages */
    uint8_t offset; /* slot in the parent */
    uint16_t pad;
    uint32_t pad2;
    uint32_t slot[PCL_FANOUT];
};

/*
 * A slot: 0 is empty; otherwise two bits say what the rest is.
 *   node     index of a child
 *   folio    id; one of 2^(order mod 6) > 1 slots is the first, the others are siblings
 *   sibling  offset of the first slot
 *   run      generation and order of its folios: with 2^order pages less than the slot spans,
 * everything below is such folios and the kernel's nodes below are counted, not stored; else
 * one folio that starts here
 */
enum pcl_slot_kind {
    PCL_SLOT_PLAIN = 0, /* empty, sibling or run */
    PCL_SLOT_NODE = 1,
    PCL_SLOT_FOLIO = 2
};

#define PCL_SLOT_ID_MASK 0x3fffffffu
#define PCL_SLOT_EMPTY 0u
#define PCL_SLOT_SIBLING 0x100u
#define PCL_SLOT_RUN 0x200u

static inline unsigned pcl_slot_kind(uint32_t v)
{
    return v >> 30;
}

static inline uint32_t pcl_slot_id(uint32_t v)
{
    return v & PCL_SLOT_ID_MASK;
}

static inline uint32_t pcl_slot_node(uint32_t id)
{
    return (uint32_t)PCL_SLOT_NODE << 30 | id;
}

static inline uint32_t pcl_slot_folio(uint32_t id)
{
    return (uint32_t)PCL_SLOT_FOLIO << 30 | id;
}

static inline bool pcl_slot_is_sibling(uint32_t v)
{
    return (v & ~(PCL_FANOUT - 1)) == PCL_SLOT_SIBLING;
}

static inline bool pcl_slot_is_run(uint32_t v)
{
    return pcl_slot_kind(v) == PCL_SLOT_PLAIN && (v & PCL_SLOT_RUN) != 0;
}

static inline uint32_t pcl_slot_run(unsigned order, unsigned generation)
{
    return PCL_SLOT_RUN | generation << 10 | order;
}

static inline unsigned pcl_run_generation(uint32_t v)
{
    return v >> 10 & 0xffffu;
}

static inline unsigned pcl_run_order(uint32_t v)
{
    return v & 0xfu;
}

/* A run that stands for a whole subtree, at a slot of that level. */
static inline bool pcl_run_is_subtree(uint32_t v, unsigned level)
{
    return pcl_slot_is_run(v) && pcl_run_order(v) < PCL_FANOUT_SHIFT * level;
}

/* Level of the slots that hold folios of an order, and how many of them one folio takes. */
static inline unsigned pcl_order_level(unsigned order)
{
    return order / PCL_FANOUT_SHIFT;
}

static inline unsigned pcl_order_width(unsigned order)
{
    return 1u << order % PCL_FANOUT_SHIFT;
}

static inline unsigned pcl_slot_offset(uint64_t pgoff, unsigned level)
{
    return (unsigned)(pgoff >> PCL_FANOUT_SHIFT * level) & (PCL_FANOUT - 1);
}

/* A slot's place: node PCL_NONE is the inode's head. */
struct pcl_place {
    uint32_t inode, node;
    unsigned off;
};

static inline uint32_t *pcl_place_slot(struct pcl_cache *c, struct pcl_place p)
{
    return p.node == PCL_NONE ? &c->inode[p.inode].head : &c->node[p.node].slot[p.off];
}

static inline unsigned pcl_place_level(const struct pcl_cache *c, struct pcl_place p)
{
    return p.node == PCL_NONE ? c->inode[p.inode].height : c->node[p.node].level;
}

struct pcl_place pcl_folio_place(const struct pcl_cache *c, uint32_t folio);

/* cache.c */
uint32_t pcl_folio_alloc(struct pcl_cache *c);
void pcl_folio_release(struct pcl_cache *c, uint32_t folio);
/** Fills in what follows from where and when a folio came: place, generation, struct page. */
void pcl_folio_settle(struct pcl_cache *c, uint32_t folio, struct pcl_place p, uint64_t pgoff,
                      unsigned order, unsigned generation);
/** Struct page of the folio that comes to a page with that generation. */
uint32_t pcl_folio_pfn(const struct pcl_cache *c, uint32_t inode, uint64_t pgoff,
                       unsigned order, unsigned age);
/** Generation of a page that comes now. */
unsigned pcl_folio_generation(const struct pcl_cache *c, uint32_t inode, uint64_t pgoff);
/** The next folio of that page gets another struct page. */
void pcl_folio_age(struct pcl_cache *c, uint32_t inode, uint64_t pgoff);
uint32_t pcl_cnode_alloc(struct pcl_cache *c);
void pcl_cnode_release(struct pcl_cache *c, uint32_t node);

/** Makes room for need elements; what is new is not cleared. Use it as PCL_GROW. */
void *pcl_grown(void *old, uint32_t *cap, uint32_t need, size_t elem);
#define PCL_GROW(array, cap, need)                                                             \
    ((array) = pcl_grown((array), &(cap), (need), sizeof *(array)))

/* index.c */
void pcl_mark_set_at(struct pcl_cache *c, struct pcl_place p, enum pcl_mark_bit mark);
void pcl_mark_clear_at(struct pcl_cache *c, struct pcl_place p, enum pcl_mark_bit mark);
/** Makes the nodes that lead to the slot of that level for page pgoff. False when something
 * present is in the way. *made counts the nodes visited. */
bool pcl_index_path(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned level,
                    struct pcl_place *at, unsigned *made);
/** Makes the head span page last. */
void pcl_index_expand(struct pcl_cache *c, uint32_t inode, uint64_t last);
/** Fills a slot and its siblings, which are empty, with a value. */
void pcl_index_fill(struct pcl_cache *c, struct pcl_place p, uint32_t value, unsigned width);
/** Empties a slot and its siblings; nodes without entries go. */
void pcl_index_clear(struct pcl_cache *c, struct pcl_place p, unsigned width);
/** Counts a folio that stands in the index in or out. */
void pcl_index_count(struct pcl_cache *c, uint32_t folio, bool in);

/* run.c */
/** The folio of page pgoff, whose slot (or one above it) is a run; *p becomes its place, *nodes
 * counts the nodes below the first place. */
uint32_t pcl_run_take(struct pcl_cache *c, struct pcl_place *p, uint64_t pgoff,
                      unsigned *nodes);
/** Turns a run for a subtree into one node of runs. */
void pcl_run_explode(struct pcl_cache *c, struct pcl_place p);
/** Turns a run of one folio into the folio. */
uint32_t pcl_run_materialise(struct pcl_cache *c, struct pcl_place p, uint64_t pgoff);
/** Back from a folio to a run, when nothing tells it apart. */
void pcl_run_fold(struct pcl_cache *c, uint32_t folio);
/** Turns all runs of the range into folios, since what is below them is about to differ. */
void pcl_run_break(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last);
/** Kernel nodes below a run's slot of that level. */
uint64_t pcl_run_nodes(unsigned order, unsigned level);

/* walk.c */
uint32_t pcl_walk_first(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last,
                        enum pcl_mark_bit mark, unsigned *nodes);

/* lru.c */
void pcl_lru_add(struct pcl_cache *c, uint32_t folio, enum pcl_lru list, bool oldest);
void pcl_lru_del(struct pcl_cache *c, uint32_t folio);

/* oracle: hooks, called only when c->oracle is set */
void pcl_oracle_folio_new(struct pcl_oracle *o, uint32_t folio);
void pcl_oracle_folio_gone(struct pcl_oracle *o, uint32_t folio);
void pcl_oracle_folio_removed(struct pcl_oracle *o, uint32_t folio);
/** n pages of `from` are copied to pages of `to`, a new folio: in rising order from page 0 on. */
void pcl_oracle_folio_copy(struct pcl_oracle *o, uint32_t from, uint64_t from_page, uint32_t to,
                           uint64_t page, uint64_t n);
/** The folio is about to keep its first 2^order pages only. */
void pcl_oracle_folio_cut(struct pcl_oracle *o, uint32_t folio, unsigned order);
bool pcl_oracle_folio_is_disk(const struct pcl_oracle *o, uint32_t folio);
void pcl_oracle_free(struct pcl_oracle *o);

#endif
