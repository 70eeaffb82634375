/*
 * A B+ tree without rebalancing: leaves split when full and go when empty; nothing is merged in
 * between. Keys come and go over the same ranges here, so half-empty leaves fill up again, and
 * the code stays small.
 *
 * In an inner node, key[i] is a lower bound of what lies below child i; key[0] is not looked
 * at: the first child takes whatever is smaller than key[1]. Leaves are chained in key order.
 */
#include "btree.h"
#include "internal.h"

#include <stdlib.h>

#define FAN 16u
#define DEPTH 16 /* FAN/2 entries per node: 8^16 entries */

struct node {
    pcl_u128 key[FAN];
    uint64_t val[FAN]; /* a leaf's values, an inner node's children */
    uint32_t next, prev;
    uint32_t n;
    uint32_t leaf;
};

struct meta {
    uint64_t count;
    uint32_t root, free_node, n_nodes, pad;
};

struct pcl_btree {
    struct node *node;
    struct meta *m;
    uint32_t cap;
};

/* The way down to a leaf. */
struct path {
    uint32_t node[DEPTH], i[DEPTH];
    unsigned depth;
};

static uint32_t node_new(struct pcl_btree *t, bool leaf)
{
    uint32_t id = t->m->free_node;

    if (id != PCL_NONE) {
        t->m->free_node = t->node[id].next;
    } else {
        id = t->m->n_nodes++;
        PCL_GROW(t->node, t->cap, t->m->n_nodes);
    }
    memset(&t->node[id], 0, sizeof t->node[id]);
    t->node[id].next = t->node[id].prev = PCL_NONE;
    t->node[id].leaf = leaf;
    return id;
}

static void node_drop(struct pcl_btree *t, uint32_t id)
{
    memset(&t->node[id], 0, sizeof t->node[id]);
    t->node[id].next = t->m->free_node;
    t->m->free_node = id;
}

struct pcl_btree *pcl_btree_new(struct pcl_state *state)
{
    struct pcl_btree *t = pcl_xcalloc(1, sizeof *t);

    t->m = pcl_xcalloc(1, sizeof *t->m);
    t->m->free_node = PCL_NONE;
    t->m->root = node_new(t, true);
    if (state != NULL) {
        pcl_state_register(state, (void **)&t->m, sizeof *t->m, NULL);
        pcl_state_register(state, (void **)&t->node, sizeof *t->node, &t->m->n_nodes);
    }
    return t;
}

void pcl_btree_free(struct pcl_btree *t)
{
    if (t == NULL)
        return;
    free(t->node);
    free(t->m);
    free(t);
}

/* Number of keys <= key among the sorted ones from i on. A search by halves without branches
 * that depend on the keys. */
static uint32_t rank_from(const struct node *x, uint32_t i, pcl_u128 key)
{
    uint32_t r = i;

    for (uint32_t step = FAN / 2; step > 0; step /= 2) {
        uint32_t probe = r + step - 1;

        r += probe < x->n && x->key[probe & (FAN - 1)] <= key ? step : 0;
    }
    return r + (r < x->n && x->key[r] <= key); /* FAN answers need one step more */
}

static uint32_t rank_le(const struct node *x, pcl_u128 key)
{
    return rank_from(x, 0, key);
}

/* The last child whose bound is <= key; the first one takes whatever is smaller. */
static uint32_t child_index(const struct node *x, pcl_u128 key)
{
    return rank_from(x, 1, key) - 1;
}

static uint32_t leaf_of(const struct pcl_btree *t, pcl_u128 key)
{
    uint32_t id = t->m->root;

    while (!t->node[id].leaf) {
        const struct node *x = &t->node[id];

        id = (uint32_t)x->val[child_index(x, key)];
    }
    return id;
}

static uint32_t descend(const struct pcl_btree *t, pcl_u128 key, struct path *p)
{
    uint32_t id = t->m->root;

    p->depth = 0;
    while (!t->node[id].leaf) {
        const struct node *x = &t->node[id];
        uint32_t i = child_index(x, key);

        PCL_ASSERT(p->depth < DEPTH);
        p->node[p->depth] = id;
        p->i[p->depth++] = i;
        id = (uint32_t)x->val[i];
    }
    return id;
}

/* A leaf is never empty unless it is the root, so the neighbour has the entry. */
static struct pcl_bt_at at_or_next(const struct pcl_btree *t, uint32_t leaf, uint32_t i)
{
    if (i < t->node[leaf].n)
        return (struct pcl_bt_at){leaf, i};
    return (struct pcl_bt_at){t->node[leaf].next, 0};
}

struct pcl_bt_at pcl_bt_ge(const struct pcl_btree *t, pcl_u128 key)
{
    uint32_t leaf = leaf_of(t, key);
    uint32_t r = rank_le(&t->node[leaf], key);

    if (r > 0 && t->node[leaf].key[r - 1] == key)
        r--;
    return at_or_next(t, leaf, r);
}

struct pcl_bt_at pcl_bt_le(const struct pcl_btree *t, pcl_u128 key)
{
    uint32_t leaf = leaf_of(t, key);
    uint32_t r = rank_le(&t->node[leaf], key);

    return pcl_bt_back(t, (struct pcl_bt_at){leaf, r});
}

struct pcl_bt_at pcl_bt_step(const struct pcl_btree *t, struct pcl_bt_at at)
{
    return at_or_next(t, at.leaf, at.i + 1);
}

struct pcl_bt_at pcl_bt_back(const struct pcl_btree *t, struct pcl_bt_at at)
{
    if (at.i > 0)
        return (struct pcl_bt_at){at.leaf, at.i - 1};
    at.leaf = t->node[at.leaf].prev;
    at.i = at.leaf == PCL_NONE ? 0 : t->node[at.leaf].n - 1;
    return at;
}

pcl_u128 pcl_bt_key(const struct pcl_btree *t, struct pcl_bt_at at)
{
    return t->node[at.leaf].key[at.i];
}

uint64_t pcl_bt_val(const struct pcl_btree *t, struct pcl_bt_at at)
{
    return t->node[at.leaf].val[at.i];
}

void pcl_bt_put(struct pcl_btree *t, struct pcl_bt_at at, uint64_t val)
{
    t->node[at.leaf].val[at.i] = val;
}

static void insert_at(struct node *x, uint32_t i, pcl_u128 key, uint64_t val)
{
    memmove(&x->key[i + 1], &x->key[i], (x->n - i) * sizeof x->key[0]);
    memmove(&x->val[i + 1], &x->val[i], (x->n - i) * sizeof x->val[0]);
    x->key[i] = key;
    x->val[i] = val;
    x->n++;
}

static void remove_at(struct node *x, uint32_t i)
{
    x->n--;
    memmove(&x->key[i], &x->key[i + 1], (x->n - i) * sizeof x->key[0]);
    memmove(&x->val[i], &x->val[i + 1], (x->n - i) * sizeof x->val[0]);
    x->key[x->n] = 0; /* leftovers would make equal states hash differently */
    x->val[x->n] = 0;
}

/* Splits a full node; returns the new right half. At the right end of the tree keys mostly
 * rise, so the left half stays nearly full. */
static uint32_t split(struct pcl_btree *t, uint32_t id, bool at_end)
{
    uint32_t right = node_new(t, t->node[id].leaf), keep = at_end ? FAN - 1 : FAN / 2;
    struct node *x = &t->node[id], *y = &t->node[right];

    y->n = x->n - keep;
    memcpy(y->key, &x->key[keep], y->n * sizeof x->key[0]);
    memcpy(y->val, &x->val[keep], y->n * sizeof x->val[0]);
    memset(&x->key[keep], 0, y->n * sizeof x->key[0]);
    memset(&x->val[keep], 0, y->n * sizeof x->val[0]);
    x->n = keep;
    if (x->leaf) {
        y->next = x->next;
        y->prev = id;
        x->next = right;
        if (y->next != PCL_NONE)
            t->node[y->next].prev = right;
    }
    return right;
}

static void new_root(struct pcl_btree *t, uint32_t left, uint32_t right)
{
    uint32_t root = node_new(t, false);
    struct node *x = &t->node[root];

    x->n = 2;
    x->key[0] = t->node[left].key[0];
    x->val[0] = left;
    x->key[1] = t->node[right].key[0];
    x->val[1] = right;
    t->m->root = root;
}

/* Inserts into node id at i; what overflows goes up the path. */
static void insert_up(struct pcl_btree *t, struct path *p, uint32_t id, uint32_t i,
                      pcl_u128 key, uint64_t val)
{
    for (;;) {
        uint32_t right;

        if (t->node[id].n < FAN) {
            insert_at(&t->node[id], i, key, val);
            return;
        }
        right = split(t, id, i == FAN);
        if (i > t->node[id].n)
            insert_at(&t->node[right], i - t->node[id].n, key, val);
        else
            insert_at(&t->node[id], i, key, val);
        if (p->depth == 0) {
            new_root(t, id, right);
            return;
        }
        p->depth--;
        id = p->node[p->depth];
        i = p->i[p->depth] + 1;
        key = t->node[right].key[0];
        val = right;
    }
}

bool pcl_bt_set(struct pcl_btree *t, pcl_u128 key, uint64_t val)
{
    struct path p;
    uint32_t leaf = descend(t, key, &p);
    uint32_t r = rank_le(&t->node[leaf], key);

    if (r > 0 && t->node[leaf].key[r - 1] == key) {
        t->node[leaf].val[r - 1] = val;
        return false;
    }
    insert_up(t, &p, leaf, r, key, val);
    t->m->count++;
    return true;
}

static void unchain(struct pcl_btree *t, uint32_t leaf)
{
    uint32_t next = t->node[leaf].next, prev = t->node[leaf].prev;

    if (next != PCL_NONE)
        t->node[next].prev = prev;
    if (prev != PCL_NONE)
        t->node[prev].next = next;
}

static void shrink_root(struct pcl_btree *t)
{
    uint32_t root = t->m->root;

    while (!t->node[root].leaf && t->node[root].n == 1) {
        t->m->root = (uint32_t)t->node[root].val[0];
        node_drop(t, root);
        root = t->m->root;
    }
}

bool pcl_bt_del(struct pcl_btree *t, pcl_u128 key)
{
    struct path p;
    uint32_t id = descend(t, key, &p);
    uint32_t r = rank_le(&t->node[id], key);

    if (r == 0 || t->node[id].key[r - 1] != key)
        return false;
    t->m->count--;
    remove_at(&t->node[id], r - 1);
    while (t->node[id].n == 0 && p.depth > 0) {
        if (t->node[id].leaf)
            unchain(t, id);
        node_drop(t, id);
        p.depth--;
        id = p.node[p.depth];
        remove_at(&t->node[id], p.i[p.depth]);
    }
    shrink_root(t);
    return true;
}

uint64_t pcl_btree_count(const struct pcl_btree *t)
{
    return t->m->count;
}

uint64_t pcl_btree_bytes(const struct pcl_btree *t)
{
    return sizeof *t + sizeof *t->m + (uint64_t)t->cap * sizeof *t->node;
}
