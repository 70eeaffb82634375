/*
 * A static tree over the whole file, as in Citron (FAST 2023): the root stands for all of it,
 * each node for an equal part of its parent's, the leaves for pages. A range is the few nodes
 * that together make it up exactly (its canonical nodes); whoever locks a node conflicts with
 * whoever has locked a node above or below it. So a request leaves its mark on the way: it
 * announces itself on every ancestor of its nodes.
 *
 *                   root  word: writer | readers | announced writers | announced readers
 *            /        |        \
 *        announce     X     announce          a range from the middle of the first part to
 *        /  |  \            /  |  \           the middle of the third: one node whole, some
 *           X  X           X  X               below its neighbours
 *
 *   announce  no writer here, and for a writer no reader here: count it
 *   lock      a writer: the word is 0. A reader: no writer here or announced from below
 *
 * Each is one atomic on the node's word, and what is above or below need not be looked at: who
 * is below has announced itself here. Nodes are taken in the order root, left to right
 * (range_words.h). `fan_bits` is the fan-out (6: 64 children, nine levels for pages of 4 KiB;
 * 1: binary, 51 levels): few levels cost few announcements, but a range can be up to 63
 * siblings on each side of each level.
 *
 * The array of words exists where somebody has been; eight words share a cache line. The
 * paper's nodes lie in the memory of another machine and are reached by RDMA; its exact
 * protocol was not available, this is the plain one (multiple granularity locking).
 */
#include "range_words.h"

#include <stdlib.h>
#include <string.h>

enum { P_SPIN, P_BITS, P_UNIT };

enum { EMPTY_SLOTS = 64 };

static const struct pcl_lock_param_info params[] = {
    RANGE_WORDS_PARAM,
    {"fan_bits", 6, 1, 6, "log2 of a node's children"},
    {"unit", 12, 0, 57, "log2 of the bytes of a leaf"},
    {NULL, 0, 0, 0, NULL},
};

#define WRITER (UINT64_C(1) << 63)
#define READER (UINT64_C(1) << 40)
#define WRITER_BELOW (UINT64_C(1) << 20)
#define READER_BELOW UINT64_C(1)
#define FIELD ((UINT64_C(1) << 20) - 1)
#define READERS (FIELD << 40)
#define WRITERS_BELOW (FIELD << 20)

/* A slot of the table of words that are not zero, all instances of the role: open addressing.
 * The first cell is its head: the number of slots taken in at. */
struct slot {
    uint64_t at, word;
    uint32_t inst, level;
};

/* --- the words ------------------------------------------------------------------------------
 */

static struct slot *slots(const struct pcl_range_locks *R)
{
    return (struct slot *)pcl_range_cell(R, 0) + 1;
}

static uint32_t home(uint32_t inst, struct word_place p, uint32_t n)
{
    uint64_t h =
        (p.at ^ (uint64_t)p.level << 58 ^ (uint64_t)inst << 40) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(h >> 32) & (n - 1);
}

/* Where the word stands, or the free slot where it would. */
static uint32_t slot_of(const struct pcl_range_locks *R, uint32_t inst, struct word_place p)
{
    const struct slot *v = slots(R);
    uint32_t n = R->n_cells - 1, i = home(inst, p, n);

    while (v[i].word && (v[i].at != p.at || v[i].level != p.level || v[i].inst != inst))
        i = (i + 1) & (n - 1);
    return i;
}

static uint64_t word(const struct pcl_range_locks *R, uint32_t inst, struct word_place p)
{
    return slots(R)[slot_of(R, inst, p)].word;
}

static void grow(struct pcl_range_locks *R)
{
    uint32_t n = R->n_cells - 1;
    struct slot *old = pcl_xcalloc(n, sizeof(*old));

    memcpy(old, slots(R), n * sizeof(*old));
    pcl_range_cells(R, n);
    memset(slots(R), 0, n * sizeof(*old));
    for (uint32_t i = 0; i < n; i++)
        if (old[i].word)
            slots(R)[slot_of(R, old[i].inst, (struct word_place){old[i].at, old[i].level})] =
                old[i];
    free(old);
}

/* Closes the gap at i: entries behind it move up where their search would have met it. */
static void empty(const struct pcl_range_locks *R, uint32_t i)
{
    struct slot *v = slots(R);
    uint32_t mask = R->n_cells - 2;

    for (uint32_t k = (i + 1) & mask; v[k].word; k = (k + 1) & mask) {
        uint32_t h = home(v[k].inst, (struct word_place){v[k].at, v[k].level}, mask + 1);

        if (((k - h) & mask) < ((k - i) & mask))
            continue;
        v[i] = v[k];
        i = k;
    }
    v[i] = (struct slot){0};
}

static void add(struct pcl_range_locks *R, uint32_t inst, struct word_place p, uint64_t diff)
{
    uint32_t i = slot_of(R, inst, p);
    uint64_t *taken = &((struct slot *)pcl_range_cell(R, 0))->at;
    uint64_t w = slots(R)[i].word + diff;

    if (w == 0) {
        --*taken;
        empty(R, i);
        return;
    }
    *taken += slots(R)[i].word == 0;
    slots(R)[i] = (struct slot){p.at, w, inst, p.level};
    if (*taken > (R->n_cells - 1) / 2)
        grow(R);
}

/* --- the tree -------------------------------------------------------------------------------
 */

static uint32_t bits(const struct pcl_range_locks *R)
{
    return (uint32_t)R->param[P_BITS];
}

static uint32_t depth(const struct pcl_range_locks *R)
{
    return (63 - (uint32_t)R->param[P_UNIT] + bits(R) - 1) / bits(R);
}

/* First and last leaf of a node. */
static uint64_t leaf_from(const struct pcl_range_locks *R, struct word_place p)
{
    return p.level ? p.at << (depth(R) - p.level) * bits(R) : 0;
}

static uint64_t leaf_to(const struct pcl_range_locks *R, struct word_place p)
{
    uint64_t last = (uint64_t)INT64_MAX >> R->param[P_UNIT], to;

    if (p.level == 0)
        return last;
    to = leaf_from(R, p) + ((UINT64_C(1) << (depth(R) - p.level) * bits(R)) - 1);
    return to < last ? to : last;
}

static uint64_t range_from(const struct pcl_range_locks *R, const struct pcl_range_node *n)
{
    return (uint64_t)n->start >> R->param[P_UNIT];
}

static uint64_t range_to(const struct pcl_range_locks *R, const struct pcl_range_node *n)
{
    return (uint64_t)n->last >> R->param[P_UNIT];
}

/* Does the range cover the whole node? */
static bool canonical(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                      struct word_place p)
{
    return range_from(R, n) <= leaf_from(R, p) && leaf_to(R, p) <= range_to(R, n);
}

static bool meets(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                  struct word_place p)
{
    return range_from(R, n) <= leaf_to(R, p) && leaf_from(R, p) <= range_to(R, n);
}

/* The node of a level that has a leaf. */
static struct word_place node_with(const struct pcl_range_locks *R, uint64_t leaf,
                                   uint32_t level)
{
    return (struct word_place){leaf >> (depth(R) - level) * bits(R), level};
}

static bool first_place(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                        struct word_place *p)
{
    (void)R;
    (void)n;
    *p = (struct word_place){0, 0};
    return true;
}

static bool next(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place *p)
{
    if (!canonical(R, n, *p)) {
        uint64_t from = leaf_from(R, *p), a = range_from(R, n);

        *p = node_with(R, a > from ? a : from, p->level + 1);
        return true;
    }
    for (struct word_place q = *p; q.level;
         q = (struct word_place){q.at >> bits(R), q.level - 1}) {
        struct word_place sibling = {q.at + 1, q.level};

        if (sibling.at >> bits(R) == q.at >> bits(R) && meets(R, n, sibling)) {
            *p = sibling;
            return true;
        }
    }
    return false;
}

static bool prev(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place *p)
{
    struct word_place q = {p->at - 1, p->level};

    if (p->level == 0)
        return false;
    if (p->at == 0 || q.at >> bits(R) != p->at >> bits(R) || !meets(R, n, q)) {
        *p = (struct word_place){p->at >> bits(R), p->level - 1};
        return true;
    }
    while (!canonical(R, n, q)) {
        uint64_t to = leaf_to(R, q), b = range_to(R, n);

        q = node_with(R, b < to ? b : to, q.level + 1);
    }
    *p = q;
    return true;
}

/* --- what is done with a node ---------------------------------------------------------------
 */

static pcl_line line(const struct pcl_range_locks *R, uint32_t inst, struct word_place p)
{
    uint64_t h = (p.at / 8 ^ (uint64_t)p.level << 58 ^ (uint64_t)inst << 36) *
                 UINT64_C(0xbf58476d1ce4e5b9);

    return PCL_LINE(NODE, (uint64_t)R->role << 52 | h >> 12);
}

static void visit(struct pcl_range_locks *R, struct word_place p)
{
    (void)p;
    pcl_burn(R->m, R->m->p->node_visit);
}

static bool can(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                struct word_place p)
{
    uint64_t w = word(R, n->inst, p);

    if (n->mode == PCL_SHARED)
        return !(w & (canonical(R, n, p) ? WRITER | WRITERS_BELOW : WRITER));
    return canonical(R, n, p) ? w == 0 : !(w & (WRITER | READERS));
}

static uint64_t mark(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                     struct word_place p, unsigned mode)
{
    if (canonical(R, n, p))
        return mode == PCL_SHARED ? READER : WRITER;
    return mode == PCL_SHARED ? READER_BELOW : WRITER_BELOW;
}

static void take(struct pcl_range_locks *R, const struct pcl_range_node *n, struct word_place p)
{
    add(R, n->inst, p, mark(R, n, p, n->mode));
}

static void give(struct pcl_range_locks *R, const struct pcl_range_node *n, struct word_place p)
{
    add(R, n->inst, p, -mark(R, n, p, n->mode));
}

static void share(struct pcl_range_locks *R, const struct pcl_range_node *n,
                  struct word_place p)
{
    add(R, n->inst, p, mark(R, n, p, PCL_SHARED) - mark(R, n, p, PCL_EXCLUSIVE));
}

static const struct range_words places = {
    .first = first_place,
    .next = next,
    .prev = prev,
    .line = line,
    .visit = visit,
    .can = can,
    .take = take,
    .give = give,
    .share = share,
};

static enum pcl_more step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    return words_step(R, op, &places);
}

static void init(struct pcl_range_locks *R, uint32_t inst)
{
    words_init(R, inst);
    if (R->n_cells == 0)
        pcl_range_cells(R, 1 + EMPTY_SLOTS);
}

static bool validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    uint64_t taken = 0;

    if (!words_valid(R, inst, &places, why))
        return false;
    bool idle = words_idle(R, inst);

    for (uint32_t i = 0; i + 1 < R->n_cells; i++) {
        const struct slot *v = &slots(R)[i];

        taken += v->word != 0;
        if (!range_law(!v->word || v->inst != inst || !idle, "a node stays taken by nobody",
                       why) ||
            !range_law(!(v->word & WRITER) || !(v->word & (READERS | WRITERS_BELOW)),
                       "a writer shares a node", why))
            return false;
    }
    return range_law(taken == ((const struct slot *)pcl_range_cell(R, 0))->at,
                     "the table of nodes is miscounted", why);
}

/* The queue's head and the root's array; a held page has a word in an array of its own on each
 * level in the worst case, half of them shared with a neighbour's. */
static void memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    int64_t array = INT64_C(8) << bits(R), held = array * depth(R) / 2;

    *out = (struct pcl_lock_memory){.per_inode = 24 + 8 + array,
                                    .per_held = held,
                                    .per_waiter = 56,
                                    .per_inode_dbg = 80 + 8 + array,
                                    .per_held_dbg = held,
                                    .per_waiter_dbg = 56};
}

const struct pcl_range_lock_ops pcl_lock_segment_tree = {
    .name = "segment-tree",
    .summary = "static tree over the file: canonical nodes locked, ancestors told",
    .source = "Citron, FAST 2023; protocol unverified",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_SHARED | PCL_PROP_COARSE,
    .params = params,
    .state_size = sizeof(struct words_state),
    .cell_size = sizeof(struct slot),
    .init = init,
    .step = step,
    .validate = validate,
    .memory = memory,
};
