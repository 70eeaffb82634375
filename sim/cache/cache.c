/*
 * The cache as a set of growing arrays: what is in use lies in [0, n), freed entries are
 * chained through themselves. Indices, not pointers, so that a state can be copied and hashed
 * whole.
 */
#include "btree.h"
#include "internal.h"

#include <stdlib.h>

void *pcl_grown(void *old, uint32_t *cap, uint32_t need, size_t elem)
{
    uint64_t want = *cap;

    if (need <= *cap)
        return old;
    /* by halves, not doubles: at a million entries the slack is memory that nobody uses */
    want += want / 2 + 16;
    if (want < need)
        want = need;
    PCL_ASSERT(want < PCL_NONE);
    *cap = (uint32_t)want;
    return pcl_xrealloc(old, (size_t)want, elem);
}

static void register_arrays(struct pcl_cache *c, struct pcl_state *state)
{
    /* the totals hold the counts, which restore needs before the arrays */
    pcl_state_register(state, (void **)&c->t, sizeof *c->t, NULL);
    pcl_state_register(state, (void **)&c->folio, sizeof *c->folio, &c->t->n_folios);
    pcl_state_register(state, (void **)&c->flags, sizeof *c->flags, &c->t->n_folios);
    pcl_state_register(state, (void **)&c->inode, sizeof *c->inode, &c->t->n_inodes);
    pcl_state_register(state, (void **)&c->node, sizeof *c->node, &c->t->n_nodes);
    if (c->n_generations > 0)
        pcl_state_register(state, (void **)&c->generation, sizeof *c->generation,
                           &c->n_generations);
}

struct pcl_cache *pcl_cache_new(const struct pcl_cache_conf *conf, struct pcl_state *state)
{
    struct pcl_cache *c = pcl_xcalloc(1, sizeof *c);

    c->conf = *conf;
    c->t = pcl_xcalloc(1, sizeof *c->t);
    c->t->free_folio = c->t->free_node = PCL_NONE;
    for (unsigned l = 0; l < PCL_N_LRU; l++)
        c->t->lru_head[l] = c->t->lru_tail[l] = PCL_NONE;
    if (!conf->explore) {
        c->n_generations = 1u << PCL_GENERATIONS_SHIFT;
        c->generation = pcl_xcalloc(c->n_generations, sizeof *c->generation);
    }
    if (state != NULL)
        register_arrays(c, state);
    c->pte = pcl_btree_new(state);
    return c;
}

void pcl_cache_free(struct pcl_cache *c)
{
    if (c == NULL)
        return;
    if (c->oracle != NULL)
        pcl_oracle_free(c->oracle);
    pcl_btree_free(c->pte);
    free(c->folio);
    free(c->flags);
    free(c->inode);
    free(c->node);
    free(c->generation);
    free(c->t);
    free(c);
}

uint32_t pcl_inode_new(struct pcl_cache *c, int64_t size)
{
    uint32_t id = c->t->n_inodes++;
    struct pcl_stream pfns = pcl_stream(c->conf.seed, c->conf.replication, id, PCL_DRAW_PFN);

    PCL_ASSERT(size >= 0);
    PCL_GROW(c->inode, c->cap_inodes, c->t->n_inodes);
    c->inode[id] = (struct pcl_inode){.size = size, .pfn_key = pfns.key};
    return id;
}

/* --- folio and node ids --------------------------------------------------------------------
 */

/* What a free id looks like: always the same, so that equal states hash alike. */
static const struct pcl_folio free_folio = {
    .inode = PCL_NONE, .node = PCL_NONE, .lru_next = PCL_NONE, .lru_prev = PCL_NONE};

uint32_t pcl_folio_alloc(struct pcl_cache *c)
{
    uint32_t id = c->t->free_folio;

    if (id != PCL_NONE) {
        c->t->free_folio = c->folio[id].lru_next;
    } else {
        id = c->t->n_folios++;
        PCL_ASSERT(id <= PCL_SLOT_ID_MASK);
        PCL_GROW(c->folio, c->cap_folios, c->t->n_folios);
        PCL_GROW(c->flags, c->cap_flags, c->t->n_folios);
    }
    c->folio[id] = free_folio;
    c->flags[id] = 0;
    if (c->oracle != NULL)
        pcl_oracle_folio_new(c->oracle, id);
    return id;
}

void pcl_folio_release(struct pcl_cache *c, uint32_t folio)
{
    if (c->oracle != NULL)
        pcl_oracle_folio_gone(c->oracle, folio);
    c->folio[folio] = free_folio;
    c->folio[folio].lru_next = c->t->free_folio;
    c->flags[folio] = 0;
    c->t->free_folio = folio;
}

/* One counter serves all pages of a hash class: a page's number of removals would be exact, but
 * a counter for every page that was ever evicted has no bound. */
static uint32_t *generation(const struct pcl_cache *c, uint32_t inode, uint64_t pgoff)
{
    uint64_t h = (pgoff ^ (uint64_t)inode << 40) * UINT64_C(0x9E3779B97F4A7C15);

    return &c->generation[h >> (64 - PCL_GENERATIONS_SHIFT)];
}

unsigned pcl_folio_generation(const struct pcl_cache *c, uint32_t inode, uint64_t pgoff)
{
    if (c->n_generations == 0 || !c->inode[inode].aged)
        return 0;
    return *generation(c, inode, pgoff) & UINT16_MAX;
}

void pcl_folio_age(struct pcl_cache *c, uint32_t inode, uint64_t pgoff)
{
    if (c->n_generations == 0)
        return;
    c->inode[inode].aged = 1;
    ++*generation(c, inode, pgoff);
}

/* A permutation of the page numbers below 2^32 for each (inode, generation, upper half), so
 * that the folios of a file have struct pages of their own. Two rounds of xor-shift and
 * multiply (the finaliser of MurmurHash3, public domain): each is a bijection. */
static uint32_t permuted(uint64_t key, uint64_t n, uint32_t age)
{
    uint32_t x = (uint32_t)n + (uint32_t)key + age * 0x9E3779B9u;

    x = (x ^ x >> 16) * 0x85EBCA6Bu;
    x ^= (uint32_t)(key >> 32) + (uint32_t)(n >> 32) * 0x9E3779B9u;
    x = (x ^ x >> 13) * 0xC2B2AE35u;
    return x ^ x >> 16;
}

uint32_t pcl_folio_pfn(const struct pcl_cache *c, uint32_t inode, uint64_t pgoff,
                       unsigned order, unsigned age)
{
    /* the buddy allocator aligns */
    return permuted(c->inode[inode].pfn_key, pgoff >> order, age) << order;
}

void pcl_folio_settle(struct pcl_cache *c, uint32_t folio, struct pcl_place p, uint64_t pgoff,
                      unsigned order, unsigned age)
{
    struct pcl_folio *f = &c->folio[folio];

    f->pgoff = pgoff;
    f->inode = p.inode;
    f->node = p.node;
    f->order = (uint8_t)order;
    f->generation = (uint16_t)age;
    f->pfn = pcl_folio_pfn(c, p.inode, pgoff, order, age);
}

uint32_t pcl_cnode_alloc(struct pcl_cache *c)
{
    uint32_t id = c->t->free_node;

    if (id != PCL_NONE) {
        c->t->free_node = c->node[id].parent;
    } else {
        id = c->t->n_nodes++;
        PCL_ASSERT(id <= PCL_SLOT_ID_MASK);
        PCL_GROW(c->node, c->cap_nodes, c->t->n_nodes);
    }
    memset(&c->node[id], 0, sizeof c->node[id]);
    return id;
}

void pcl_cnode_release(struct pcl_cache *c, uint32_t node)
{
    memset(&c->node[node], 0, sizeof c->node[node]);
    c->node[node].parent = c->t->free_node;
    c->t->free_node = node;
}

/* --- account -------------------------------------------------------------------------------
 */

static uint64_t host_bytes(const struct pcl_cache *c)
{
    return sizeof *c + sizeof *c->t + pcl_btree_bytes(c->pte) +
           (uint64_t)c->cap_folios * sizeof *c->folio + c->cap_flags +
           (uint64_t)c->cap_inodes * sizeof *c->inode +
           (uint64_t)c->cap_nodes * sizeof *c->node +
           (uint64_t)c->n_generations * sizeof *c->generation;
}

void pcl_cache_memory(const struct pcl_cache *c, struct pcl_cache_memory *out)
{
    out->nodes = c->t->nr_nodes;
    out->node_bytes = c->t->nr_nodes * PCL_KERNEL_NODE_BYTES;
    out->peak_node_bytes = c->peak_nodes * PCL_KERNEL_NODE_BYTES;
    out->page_bytes = c->t->nr_pages * PCL_KERNEL_PAGE_BYTES;
    out->peak_page_bytes = c->peak_pages * PCL_KERNEL_PAGE_BYTES;
    out->inode_bytes = (uint64_t)c->t->n_inodes * PCL_KERNEL_INODE_BYTES;
    out->host_bytes = host_bytes(c);
}
