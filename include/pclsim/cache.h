/*
 * The modelled page cache: inodes, an index of present folios shaped like the XArray, folio
 * state, LRU lists, mappings. A pure data structure: it knows no time. Operations tell how many
 * index nodes they visited, and whoever called them has the machine price that.
 *
 *   inode --head--> node (64 slots) --> node --> folio    a slot at level L spans 64^L pages
 *                                  \--> run               many like, untouched folios in a slot
 *
 * Page numbers (pgoff) go up to 2^51 - 1, the last page of a file of 2^63 - 1 bytes. Ranges are
 * [first, last], both included; a last beyond the end is cut.
 *
 * Folios are 32-bit ids, good while the folio is in the index or referenced; then ids are used
 * again. An id that must survive the micro-step that found it needs a reference.
 *
 * Runs. Folios that nothing tells apart (uptodate, clean, unlocked, unmapped, referenced by the
 * cache only) need no id. pcl_cache_populate() stores them as runs; a look-up turns the one
 * that it meets into a folio, and with conf.fold the last pcl_folio_put() turns it back.
 * Counts, the kernel's nodes included, and all answers are the same as without runs.
 */
#ifndef PCLSIM_CACHE_H
#define PCLSIM_CACHE_H

#include <pclsim/base.h>
#include <pclsim/dist.h>
#include <pclsim/state.h>

#define PCL_PAGE_SHIFT 12
#define PCL_PAGE_SIZE (INT64_C(1) << PCL_PAGE_SHIFT)
#define PCL_PAGE_LAST ((UINT64_C(1) << 51) - 1)
#define PCL_MAX_ORDER 9
#define PCL_FANOUT_SHIFT 6u /* slots of an index node: 64 */

/* Sizes of the kernel's structures, x86-64 without lockdep. */
#define PCL_KERNEL_NODE_BYTES 576
#define PCL_KERNEL_PAGE_BYTES 64
#define PCL_KERNEL_INODE_BYTES 984 /* xfs_inode */

/* The flags byte of a folio; LOCKED, WAITERS and WRITEBACK are PCL_PG_* in pclsim/locks.h.
 * LOCKED and WAITERS belong to the page locks. DIRTY and WRITEBACK change by the calls below
 * only, which keep marks and counts; UPTODATE may be set and cleared directly. */
enum pcl_folio_flag {
    PCL_FOLIO_LOCKED = 1u << 0,
    PCL_FOLIO_WAITERS = 1u << 1,
    PCL_FOLIO_UPTODATE = 1u << 2,
    PCL_FOLIO_DIRTY = 1u << 3,
    PCL_FOLIO_WRITEBACK = 1u << 4,
    PCL_FOLIO_REFERENCED = 1u << 5,
    PCL_FOLIO_ACTIVE = 1u << 6,
    PCL_FOLIO_MAPPED = 1u << 7 /* some address space maps it */
};

struct pcl_folio {
    uint64_t pgoff;    /* first page; stays when the folio leaves the index */
    uint32_t inode;    /* PCL_NONE: removed (folio->mapping is NULL) */
    uint32_t pfn;      /* number of its struct page */
    uint32_t refs;     /* one for being in the index, one per mapping, one per holder */
    uint32_t mapcount; /* mappings of its pages */
    uint32_t node;     /* index node that holds it, PCL_NONE: the inode's head */
    uint32_t lru_next, lru_prev;
    uint8_t order;
    uint8_t list;        /* enum pcl_lru */
    uint16_t generation; /* removals of its page before it came: part of pfn's key */
};

enum pcl_lru {
    PCL_LRU_NONE,
    PCL_LRU_INACTIVE,
    PCL_LRU_ACTIVE,
    PCL_N_LRU
};

struct pcl_inode {
    int64_t size;      /* i_size, bytes */
    uint64_t pfn_key;  /* stream of its struct-page numbers */
    uint64_t nr_pages; /* present, runs included */
    uint64_t nr_dirty; /* pages */
    uint64_t nr_writeback;
    uint64_t nr_run; /* pages in runs */
    uint32_t head;   /* slot value: empty, node, folio or run */
    uint8_t height;  /* the head spans 64^height pages */
    uint8_t marks;   /* of the head: bit per mark */
    uint8_t aged;    /* folios were removed: generations may differ from 0 */
    uint8_t pad;
};

/* What is counted over all inodes: model state. */
struct pcl_cache_totals {
    uint64_t nr_pages, nr_folios; /* present, runs included */
    uint64_t nr_run;              /* pages in runs */
    uint64_t nr_nodes; /* index nodes the kernel would have, those of runs included */
    uint64_t nr_dirty, nr_writeback; /* pages */
    uint64_t nr_mapped;              /* PTEs */
    uint32_t lru_head[PCL_N_LRU], lru_tail[PCL_N_LRU];
    uint32_t lru_len[PCL_N_LRU];
    uint32_t free_folio, free_node;       /* heads of the free lists */
    uint32_t run_inode;                   /* no inode before this one holds a run */
    uint32_t n_folios, n_inodes, n_nodes; /* of the arrays below */
    uint32_t nr_migrating;                /* migration entries */
};

struct pcl_cache_conf {
    uint64_t seed;
    uint32_t replication;
    int64_t memory_limit; /* bytes of page cache, 0 none */
    bool literal;         /* ablation: no runs, every folio is stored by itself */
    bool fold;            /* untouched folios return into runs; only without a memory limit,
                             since a run has no place in the LRU order */
    bool explore; /* a page that returns gets its old struct page, so that states recur */
};

struct pcl_oracle;

/* folio and flags move when they grow: do not keep pointers over calls that may insert, look up
 * or populate. */
struct pcl_cache {
    struct pcl_folio *folio; /* [t->n_folios], free ones included */
    uint8_t *flags;          /* [t->n_folios] enum pcl_folio_flag */
    struct pcl_inode *inode; /* [t->n_inodes] */
    struct pcl_cnode *node;  /* [t->n_nodes] */
    struct pcl_cache_totals *t;
    uint32_t cap_folios, cap_flags, cap_inodes, cap_nodes;
    uint32_t *generation; /* [n_generations] removals, by hash of (inode, pgoff) */
    uint32_t n_generations;
    struct pcl_cache_conf conf;
    struct pcl_btree *pte;
    struct pcl_oracle *oracle;       /* NULL: off */
    uint64_t peak_nodes, peak_pages; /* statistics */
};

/** A cache for one run; state may be NULL (nobody copies or hashes it). */
struct pcl_cache *pcl_cache_new(const struct pcl_cache_conf *conf, struct pcl_state *state);
void pcl_cache_free(struct pcl_cache *c);

/** A new inode: 0, 1, 2 ... */
uint32_t pcl_inode_new(struct pcl_cache *c, int64_t size);

static inline int64_t pcl_inode_size(const struct pcl_cache *c, uint32_t inode)
{
    return c->inode[inode].size;
}

static inline void pcl_inode_set_size(struct pcl_cache *c, uint32_t inode, int64_t size)
{
    c->inode[inode].size = size;
}

/** Pages below EOF: ceil(i_size / page size). A fault at this page or later is a SIGBUS. */
static inline uint64_t pcl_inode_pages(const struct pcl_cache *c, uint32_t inode)
{
    return ((uint64_t)c->inode[inode].size + (uint64_t)PCL_PAGE_SIZE - 1) >> PCL_PAGE_SHIFT;
}

/* --- index ---------------------------------------------------------------------------------
 */

/* Each call adds the index nodes that it visited to *nodes; nodes may be NULL. */

/** The folio that holds page pgoff, or PCL_NONE. Takes no reference. */
uint32_t pcl_cache_find(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned *nodes);

/** The same with a reference taken: the lockless look-up (load, try_get, reload) as one step.
 */
uint32_t pcl_cache_get(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned *nodes);

/** Inserts a new folio of 2^order pages at pgoff (aligned to that). flags: any of LOCKED,
 * UPTODATE, DIRTY, WRITEBACK. It has two references, the index's and the caller's. PCL_NONE
 * when a page of the range is present. */
uint32_t pcl_cache_insert(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned order,
                          unsigned flags, unsigned *nodes);

/** Takes a folio out of the index: inode becomes PCL_NONE, DIRTY is cleared, the index's
 * reference goes. It lives on while it is referenced. */
void pcl_cache_remove(struct pcl_cache *c, uint32_t folio, unsigned *nodes);

/** First present folio with any page in [first, last], or PCL_NONE. Visits present subtrees
 * only. */
uint32_t pcl_cache_next(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last,
                        unsigned *nodes);

/** The same over the subtrees that hold a folio with that flag; flag is PCL_FOLIO_DIRTY or
 * PCL_FOLIO_WRITEBACK. */
uint32_t pcl_cache_next_tagged(struct pcl_cache *c, uint32_t inode, uint64_t first,
                               uint64_t last, enum pcl_folio_flag flag, unsigned *nodes);

/** Up to max folios of [*first, last] in rising order, with a reference each, by one walk; flag
 * 0 is any folio, else as above. Sets *first behind the last one found. (find_get_entries
 * takes 31.) */
unsigned pcl_cache_batch(struct pcl_cache *c, uint32_t inode, uint64_t *first, uint64_t last,
                         unsigned flag, uint32_t *folio, unsigned max, unsigned *nodes);

/** Makes [first, first + n_pages) present in folios of that order, smaller ones at unaligned
 * ends, uptodate and with the flags given (0 or PCL_FOLIO_DIRTY); pages that are present stay.
 */
void pcl_cache_populate(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t n_pages,
                        unsigned order, unsigned flags);

/* --- folios that change --------------------------------------------------------------------
 */

/** Moves all present folios of [first, last] by a number of pages, negative ones towards the
 * file's start: what a collapse or an insert does that keeps cached pages. Each stays the folio
 * that it is (id, struct page, lock, waiters, references, flags, content); its pgoff and its
 * place in the index change, under one hold of the i_pages lock. PTEs are not touched: unmap
 * the range first. Returns PCL_NONE when done.
 *
 * Otherwise nothing has been changed and it returns a folio that forbids it:
 *   it lies in the part of the target that is outside [first, last]       drop it
 *   it lies across first or last, or is larger than `by` is a multiple of  split or drop it
 *   it would come to lie beyond the last page                             drop it
 *   it is under write-back, or locked and not uptodate: a transfer to its
 *   old place is under way                                                 wait for that
 * The caller must lock that one, deal with it, and try again. Folios of order 0 can only be met
 * in the first and the last two ways. by is not 0; first + by is not negative. */
uint32_t pcl_cache_move(struct pcl_cache *c, uint32_t inode, uint64_t first, uint64_t last,
                        int64_t by, unsigned *nodes);

/* Split, merge and replace are what the kernel does with the i_pages lock held and reference
 * counts frozen. They want folios that the caller has locked and holds one reference of, that
 * are not mapped, not under write-back, and that nobody else holds a reference of; otherwise
 * they change nothing and fail. Waiters who hold a reference make them fail; those who have given
 * theirs away do not: they sleep on, keyed by the old folio, wake when it is unlocked, and must
 * look up anew. */

/** Splits a folio into folios of a smaller order. It keeps its id, lock, waiters and its first
 * 2^order pages; the others are new: not locked, in the index, referenced by it alone. */
bool pcl_cache_split(struct pcl_cache *c, uint32_t folio, unsigned order, unsigned *nodes);

/** A new folio of that order takes the places of smaller ones that fill its range, all uptodate
 * and as above. It comes locked, with the index's reference and one of the caller; it is dirty
 * if one of them was. They leave the index, still locked, with the caller's references. PCL_NONE:
 * a page is absent, or a folio is not fit for it. */
uint32_t pcl_cache_merge(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned order,
                         unsigned *nodes);

/** A new folio with the same data takes the place of one (migration): another struct page. It
 * comes locked, with the index's reference and one of the caller; the old one leaves the index,
 * still locked. PCL_NONE: failed. */
uint32_t pcl_cache_replace(struct pcl_cache *c, uint32_t folio, unsigned *nodes);

/* --- folios ------------------------------------------------------------------------------------
 */

static inline uint64_t pcl_folio_pages(const struct pcl_cache *c, uint32_t folio)
{
    return UINT64_C(1) << c->folio[folio].order;
}

static inline uint64_t pcl_folio_last(const struct pcl_cache *c, uint32_t folio)
{
    return c->folio[folio].pgoff + pcl_folio_pages(c, folio) - 1;
}

/** Number of the folio's struct page, in the form in which page locks ask for it; arg is the
 * cache. Unlike the id it stays a page's own while other pages come and go: name cache lines by
 * it. */
static inline uint32_t pcl_cache_pfn(void *arg, uint32_t folio)
{
    const struct pcl_cache *c = arg;

    return c->folio[folio].pfn;
}

/** The recheck after locking a folio that was looked up: still in this mapping, with this page.
 */
static inline bool pcl_folio_holds(const struct pcl_cache *c, uint32_t folio, uint32_t inode,
                                   uint64_t pgoff)
{
    const struct pcl_folio *f = &c->folio[folio];

    return f->inode == inode && pgoff >> f->order == f->pgoff >> f->order;
}

static inline void pcl_folio_get(struct pcl_cache *c, uint32_t folio)
{
    c->folio[folio].refs++;
}

/** Drops a reference; with the last one the id is free, and an untouched folio may become part
 * of a run. */
void pcl_folio_put(struct pcl_cache *c, uint32_t folio);

/** Each returns false when the flag was that way already. On a removed folio they change the
 * flag alone. */
bool pcl_folio_set_dirty(struct pcl_cache *c, uint32_t folio);
bool pcl_folio_clear_dirty(struct pcl_cache *c, uint32_t folio);
bool pcl_folio_set_writeback(struct pcl_cache *c, uint32_t folio);
bool pcl_folio_clear_writeback(struct pcl_cache *c, uint32_t folio);

/* --- reclaim -------------------------------------------------------------------------------
 */

/** True while the page cache, with so many pages more, holds more than the memory limit. */
static inline bool pcl_cache_over_limit(const struct pcl_cache *c, uint64_t more)
{
    return c->conf.memory_limit > 0 &&
           c->t->nr_pages + more > (uint64_t)c->conf.memory_limit >> PCL_PAGE_SHIFT;
}

/** mark_page_accessed(): the first touch sets REFERENCED, the second moves to the active list.
 */
void pcl_lru_touch(struct pcl_cache *c, uint32_t folio);

/** The folio that reclaim should try next, without a reference: an untouched run's, else the
 * oldest inactive one; the active list's tail refills a short inactive list. PCL_NONE: nothing
 * left. */
uint32_t pcl_lru_oldest(struct pcl_cache *c);

/** Reclaim could not free it (locked, dirty, mapped): back to the young end of its list. */
void pcl_lru_rotate(struct pcl_cache *c, uint32_t folio);

/* --- mappings ------------------------------------------------------------------------------
 */

struct pcl_pte {
    uint64_t pgoff;
    uint32_t inode;
    uint32_t mm;
    uint32_t folio;
    bool writable;
};

/** Maps page pgoff of inode in address space mm to a folio, which gets a reference and a
 * mapcount. Replaces what was mapped there. */
void pcl_map_set(struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t pgoff,
                 uint32_t folio, bool writable);

/** The folio mapped there, or PCL_NONE; writable may be NULL. It need not be in the index any
 * more. */
uint32_t pcl_map_get(const struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t pgoff,
                     bool *writable);

/** Unmaps one page; false when nothing was mapped. */
bool pcl_map_clear(struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t pgoff);

/** Unmaps [first, last] in all address spaces (mm = PCL_NONE) or one; fn (may be NULL) is told
 * of each PTE after it is gone and must not change mappings. Returns their number. */
uint64_t pcl_unmap_range(struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t first,
                         uint64_t last, void (*fn)(void *arg, const struct pcl_pte *pte),
                         void *arg);

/** Turns the PTEs of a folio into migration entries: they hold no reference, map nothing, and
 * name the folio whose lock a fault on them waits for. Returns their number. */
uint64_t pcl_folio_migrate_ptes(struct pcl_cache *c, uint32_t folio,
                                void (*fn)(void *arg, const struct pcl_pte *pte), void *arg);

/** Back into PTEs, of the folio itself or of the one that has replaced it in the index. */
uint64_t pcl_folio_restore_ptes(struct pcl_cache *c, uint32_t old, uint32_t now);

/** The folio that a migration entry names, or PCL_NONE. */
uint32_t pcl_map_migrating(const struct pcl_cache *c, uint32_t inode, uint32_t mm,
                           uint64_t pgoff);

/** Write-protects [first, last] in one address space; the rest as above. */
uint64_t pcl_wrprotect_range(struct pcl_cache *c, uint32_t inode, uint32_t mm, uint64_t first,
                             uint64_t last, void (*fn)(void *arg, const struct pcl_pte *pte),
                             void *arg);

/** Unmaps or write-protects all mappings of one folio (rmap walk). Returns the PTEs changed. */
uint64_t pcl_folio_unmap(struct pcl_cache *c, uint32_t folio,
                         void (*fn)(void *arg, const struct pcl_pte *pte), void *arg);
uint64_t pcl_folio_wrprotect(struct pcl_cache *c, uint32_t folio,
                             void (*fn)(void *arg, const struct pcl_pte *pte), void *arg);

/* --- memory account ------------------------------------------------------------------------
 */

struct pcl_cache_memory {
    uint64_t nodes, node_bytes, peak_node_bytes; /* in the kernel */
    uint64_t page_bytes, peak_page_bytes;        /* struct page of cached pages */
    uint64_t inode_bytes;
    uint64_t host_bytes; /* what this model takes on the host */
};

void pcl_cache_memory(const struct pcl_cache *c, struct pcl_cache_memory *out);

/** False, with a reason, when the structure contradicts itself. Visits everything: for tests.
 */
bool pcl_cache_validate(const struct pcl_cache *c, const char **why);

#endif
