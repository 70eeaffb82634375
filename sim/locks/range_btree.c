/*
 * One walk down for each change; on the way back up the highest last bytes are made right
 * again. Nodes are named by number, as the pool may move when one is made.
 */
#include "range_btree.h"

#include <string.h>

/* Nodes of an explored tree, the root included; it cannot grow beyond them. */
enum { EXPLORED_NODES = 4 };

static uint32_t fan_out(const struct pcl_range_locks *R)
{
    return (uint32_t)R->param[0];
}

static uint32_t make_node(struct pcl_range_locks *R, struct bt_tree *t, bool inner)
{
    uint32_t i = t->free;

    if (i == PCL_NONE)
        i = pcl_range_cells(R, 1);
    else
        t->free = bt_at(R, i)->next;
    bt_at(R, i)->next = PCL_NONE;
    bt_at(R, i)->inner = inner;
    t->n_nodes++;
    return i;
}

void bt_free(struct pcl_range_locks *R, struct bt_tree *t, uint32_t node)
{
    struct bt_node *b = bt_at(R, node);

    *b = (struct bt_node){.version = b->version, .next = t->free};
    t->free = node;
    t->n_nodes--;
}

void bt_init(struct pcl_range_locks *R, struct bt_tree *t)
{
    *t = (struct bt_tree){.free = PCL_NONE};
    for (int i = 0; i < EXPLORED_NODES && R->m->explore; i++) {
        bt_free(R, t, pcl_range_cells(R, 1));
        t->n_nodes++;
    }
    t->root = make_node(R, t, false);
}

/* --- lines ----------------------------------------------------------------------------------
 */

void bt_read(struct pcl_range_locks *R, uint32_t node, uint32_t upto)
{
    const struct bt_node *b = bt_at(R, node);
    uint32_t entry = upto < b->n ? upto + 1 : b->n;
    size_t end = entry ? bt_offset(entry) : 1;

    for (size_t at = 0; at < end; at += 64) {
        pcl_load(R->m, bt_line(R, node, at));
        pcl_burn(R->m, R->m->p->node_visit);
    }
}

/* Entries from one on to the end have moved; n in the head has changed. */
static void write_from(struct pcl_range_locks *R, uint32_t node, uint32_t from, uint32_t n)
{
    size_t first = bt_offset(from) / 64, last = (bt_offset(n) - 1) / 64;

    pcl_store(R->m, bt_line(R, node, 0));
    for (size_t line = first ? first : 1; line <= last; line++)
        pcl_store(R->m, bt_line(R, node, line * 64));
}

static void put(struct pcl_range_locks *R, uint32_t node, uint32_t at, struct bt_entry e)
{
    struct bt_node *b = bt_at(R, node);

    memmove(&b->e[at + 1], &b->e[at], (b->n - at) * sizeof(b->e[0]));
    b->e[at] = e;
    b->n++;
    write_from(R, node, at, b->n);
}

static void take(struct pcl_range_locks *R, uint32_t node, uint32_t at)
{
    struct bt_node *b = bt_at(R, node);

    write_from(R, node, at, b->n);
    b->n--;
    memmove(&b->e[at], &b->e[at + 1], (b->n - at) * sizeof(b->e[0]));
    b->e[b->n] = (struct bt_entry){0};
}

/* --- search ---------------------------------------------------------------------------------
 */

uint32_t bt_child(const struct bt_node *b, int64_t start, uint32_t tie)
{
    uint32_t k = b->n - 1u;

    while (k && !bt_before(&b->e[k], start, tie) &&
           !(b->e[k].start == start && b->e[k].tie == tie))
        k--;
    return k;
}

/* The first child's key says nothing. */
static bool begins_behind(const struct bt_node *b, uint32_t k, int64_t last)
{
    return b->e[k].start > last && (k || !b->inner);
}

bool bt_may_overlap(const struct bt_node *b, uint32_t entry, int64_t start, int64_t last)
{
    return b->e[entry].last >= start && !begins_behind(b, entry, last);
}

uint32_t bt_conflict(struct pcl_range_locks *R, uint32_t node, uint32_t request)
{
    const struct bt_node *b = bt_at(R, node);
    const struct pcl_range_node *n = &R->node[request];
    uint32_t k = 0, found = PCL_NONE;

    for (; k < b->n && found == PCL_NONE && !begins_behind(b, k, n->last); k++) {
        if (b->e[k].last < n->start)
            continue;
        if (b->inner)
            found = bt_conflict(R, b->e[k].to, request);
        else if (n->mode == PCL_EXCLUSIVE || b->e[k].to == PCL_EXCLUSIVE)
            found = b->e[k].tie;
    }
    bt_read(R, node, k);
    return found;
}

/* Where the key stands or would stand in a leaf. */
static uint32_t place(const struct bt_node *leaf, int64_t start, uint32_t tie)
{
    uint32_t k = 0;

    while (k < leaf->n && bt_before(&leaf->e[k], start, tie))
        k++;
    return k;
}

uint32_t bt_find(const struct bt_node *leaf, int64_t start, uint32_t tie)
{
    uint32_t k = place(leaf, start, tie);

    return k < leaf->n && leaf->e[k].tie == tie && leaf->e[k].start == start ? k : PCL_NONE;
}

/* --- change ---------------------------------------------------------------------------------
 */

int64_t bt_max_last(const struct bt_node *b, uint32_t skip)
{
    int64_t max = -1;

    for (uint32_t k = 0; k < b->n; k++)
        if (k != skip && b->e[k].last > max)
            max = b->e[k].last;
    return max;
}

static int64_t max_last(const struct bt_node *b)
{
    return bt_max_last(b, b->n);
}

bool bt_full(const struct pcl_range_locks *R, const struct bt_node *b)
{
    return b->n >= fan_out(R);
}

static void renew_max(struct pcl_range_locks *R, uint32_t node, uint32_t k)
{
    struct bt_node *b = bt_at(R, node);
    int64_t max = max_last(bt_at(R, b->e[k].to));

    if (b->e[k].last == max)
        return;
    b->e[k].last = max;
    pcl_store(R->m, bt_line(R, node, bt_offset(k)));
}

/* The upper half of a full node becomes its right neighbour. */
static uint32_t split(struct pcl_range_locks *R, struct bt_tree *t, uint32_t node)
{
    uint32_t right = make_node(R, t, bt_at(R, node)->inner);
    struct bt_node *b = bt_at(R, node), *r = bt_at(R, right);
    uint32_t half = b->n / 2u;

    r->n = (uint16_t)(b->n - half);
    b->n = (uint16_t)half;
    memcpy(r->e, &b->e[half], r->n * sizeof(r->e[0]));
    memset(&b->e[half], 0, r->n * sizeof(b->e[0]));
    pcl_store(R->m, bt_line(R, node, 0));
    write_from(R, right, 0, r->n);
    return right;
}

/* Puts e into a node at a place; returns the right neighbour that a split has made, or
 * PCL_NONE. */
static uint32_t put_or_split(struct pcl_range_locks *R, struct bt_tree *t, uint32_t node,
                             uint32_t at, struct bt_entry e)
{
    uint32_t right;

    if (!bt_full(R, bt_at(R, node))) {
        put(R, node, at, e);
        return PCL_NONE;
    }
    right = split(R, t, node);

    uint32_t half = bt_at(R, node)->n;

    if (at <= half)
        put(R, node, at, e);
    else
        put(R, right, at - half, e);
    return right;
}

static struct bt_entry entry_of(const struct pcl_range_locks *R, uint32_t node)
{
    const struct bt_node *b = bt_at(R, node);

    return (struct bt_entry){b->e[0].start, max_last(b), b->e[0].tie, node};
}

static uint32_t insert_below(struct pcl_range_locks *R, struct bt_tree *t, uint32_t node,
                             struct bt_entry e)
{
    const struct bt_node *b = bt_at(R, node);
    uint32_t k = b->inner ? bt_child(b, e.start, e.tie) : place(b, e.start, e.tie), right;

    bt_read(R, node, k);
    if (!b->inner)
        return put_or_split(R, t, node, k, e);
    right = insert_below(R, t, b->e[k].to, e);
    renew_max(R, node, k);
    return right == PCL_NONE ? right : put_or_split(R, t, node, k + 1, entry_of(R, right));
}

static struct bt_entry entry_for(const struct pcl_range_locks *R, uint32_t request)
{
    const struct pcl_range_node *n = &R->node[request];

    return (struct bt_entry){n->start, n->last, request, n->mode};
}

void bt_leaf_insert(struct pcl_range_locks *R, struct bt_tree *t, uint32_t leaf,
                    uint32_t request)
{
    struct bt_entry e = entry_for(R, request);

    put(R, leaf, place(bt_at(R, leaf), e.start, e.tie), e);
    t->len++;
}

void bt_leaf_remove(struct pcl_range_locks *R, struct bt_tree *t, uint32_t leaf, uint32_t entry)
{
    take(R, leaf, entry);
    t->len--;
}

void bt_insert(struct pcl_range_locks *R, struct bt_tree *t, uint32_t request)
{
    uint32_t right = insert_below(R, t, t->root, entry_for(R, request));

    t->len++;
    if (right == PCL_NONE)
        return;
    uint32_t left = make_node(R, t, bt_at(R, t->root)->inner); /* the root keeps its number */
    struct bt_node *root = bt_at(R, t->root), *l = bt_at(R, left);

    l->n = root->n;
    memcpy(l->e, root->e, sizeof(l->e));
    memset(root->e, 0, sizeof(root->e));
    root->inner = 1;
    root->n = 2;
    root->e[0] = entry_of(R, left);
    root->e[1] = entry_of(R, right);
    write_from(R, left, 0, l->n);
    write_from(R, t->root, 0, root->n);
}

static void drop_node(struct pcl_range_locks *R, struct bt_tree *t, uint32_t node, bool keep)
{
    if (keep)
        bt_at(R, node)->dead = 1;
    else
        bt_free(R, t, node);
}

static void remove_below(struct pcl_range_locks *R, struct bt_tree *t, uint32_t node,
                         int64_t start, uint32_t tie, bool keep)
{
    struct bt_node *b = bt_at(R, node);
    uint32_t k = b->inner ? bt_child(b, start, tie) : bt_find(b, start, tie);

    PCL_ASSERT(k != PCL_NONE);
    bt_read(R, node, k);
    if (!b->inner) {
        take(R, node, k);
        return;
    }
    uint32_t child = b->e[k].to;

    remove_below(R, t, child, start, tie, keep);
    if (bt_at(R, child)->n) {
        renew_max(R, node, k);
        return;
    }
    take(R, node, k);
    drop_node(R, t, child, keep);
}

/* A root with one child takes its entries over; one without any is a leaf again. */
static void shrink(struct pcl_range_locks *R, struct bt_tree *t, bool keep)
{
    struct bt_node *root = bt_at(R, t->root);

    while (root->inner && root->n == 1) {
        uint32_t child = root->e[0].to;
        const struct bt_node *c = bt_at(R, child);

        if (keep && c->owner != R->m->cur + 1)
            break; /* somebody else's; the next one who changes the root will have it */
        bt_read(R, child, c->n);
        root->inner = c->inner;
        root->n = c->n;
        memcpy(root->e, c->e, sizeof(root->e));
        write_from(R, t->root, 0, root->n);
        drop_node(R, t, child, keep);
    }
    if (root->n == 0)
        root->inner = 0;
}

void bt_remove(struct pcl_range_locks *R, struct bt_tree *t, int64_t start, uint32_t tie,
               bool keep)
{
    remove_below(R, t, t->root, start, tie, keep);
    shrink(R, t, keep);
    t->len--;
}

uint32_t bt_leaf(struct pcl_range_locks *R, const struct bt_tree *t, int64_t start,
                 uint32_t tie)
{
    uint32_t at = t->root;

    while (bt_at(R, at)->inner) {
        uint32_t k = bt_child(bt_at(R, at), start, tie);

        bt_read(R, at, k);
        at = bt_at(R, at)->e[k].to;
    }
    bt_read(R, at, bt_at(R, at)->n);
    return at;
}

void bt_downgrade(struct pcl_range_locks *R, uint32_t leaf, uint32_t entry)
{
    pcl_store(R->m, bt_line(R, leaf, bt_offset(entry)));
    bt_at(R, leaf)->e[entry].to = PCL_SHARED;
}

/* --- laws -----------------------------------------------------------------------------------
 */

struct tour {
    const struct pcl_range_locks *R;
    uint32_t inst, ranges, nodes, tie;
    int64_t start;
    const char **why;
};

static bool valid_below(struct tour *v, uint32_t node, uint32_t deep);

static bool entry_valid(struct tour *v, const struct bt_node *b, uint32_t k, uint32_t deep)
{
    const struct bt_entry *e = &b->e[k];
    const struct pcl_range_node *n;

    if (b->inner)
        return range_law(k == 0 || !bt_before(e, v->start, v->tie), "a key is out of order",
                         v->why) &&
               valid_below(v, e->to, deep + 1) &&
               range_law(e->last == max_last(bt_at(v->R, e->to)),
                         "a highest last byte is wrong", v->why);
    if (!range_law(e->tie < v->R->n_nodes, "an entry of the tree is no request", v->why))
        return false;
    n = &v->R->node[e->tie];
    bool order = v->ranges == 0 ||
                 bt_before(&(struct bt_entry){v->start, 0, v->tie, 0}, e->start, e->tie);

    v->start = e->start;
    v->tie = e->tie;
    v->ranges++;
    return range_law(n->used && n->held && n->inst == v->inst && n->start == e->start &&
                         n->last == e->last && n->mode == e->to,
                     "an entry of the tree is not a range held", v->why) &&
           range_law(order, "the tree is out of order", v->why);
}

static bool valid_below(struct tour *v, uint32_t node, uint32_t deep)
{
    const struct bt_node *b = bt_at(v->R, node);

    v->nodes++;
    if (!range_law(deep < 64 && b->n <= fan_out(v->R) && !b->dead &&
                       (b->n || (!b->inner && deep == 0)),
                   "a node of the tree is too full, empty or dead", v->why))
        return false;
    for (uint32_t k = 0; k < b->n; k++)
        if (!entry_valid(v, b, k, deep))
            return false;
    return true;
}

bool bt_valid(const struct pcl_range_locks *R, uint32_t inst, const struct bt_tree *t,
              const char **why)
{
    struct tour v = {.R = R, .inst = inst, .start = -1, .why = why};
    uint64_t shared, exclusive;

    range_count_held(R, inst, &shared, &exclusive);
    return valid_below(&v, t->root, 0) &&
           range_law(v.ranges == t->len && t->len == shared + exclusive,
                     "the tree has lost a range", why);
}
