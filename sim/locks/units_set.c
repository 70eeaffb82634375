/*
 * The set of locked units of a file: the requests that have some, in a treap ordered by their
 * first locked unit. Their intervals are disjoint, so a request may grow at its upper end and
 * shrink at its lower one without moving in the tree. Priorities are a hash of the request's
 * number: the same requests make the same tree, in whatever order they came.
 *
 * The kernel's index is not stored: how many nodes it has follows from the set. It is an XArray
 * of 64 slots a node, whose root covers [0, 64^height) and is as low as the last entry allows; an
 * entry 0 alone needs no node at all. A node exists where an entry lies below it:
 *
 *     level 2           [0 ............ 4095]
 *     level 1     [0..63] [64..127]     [192..255]        nodes = distinct u / 64, + u / 4096 ..
 *     entries      1..63   64..100       200
 */
#include "units.h"

static uint64_t lo(const struct pcl_range_locks *R, uint32_t i)
{
    return R->node[i].word[LO];
}

static uint32_t priority(uint32_t i)
{
    uint32_t h = (i + 1) * UINT32_C(2654435761);

    return h ^ h >> 15;
}

/* --- the tree ------------------------------------------------------------------------------ */

/* Parts a tree into what begins before unit u and the rest. */
static void split(struct pcl_range_locks *R, uint32_t root, uint64_t u, uint32_t *l, uint32_t *r)
{
    if (root == PCL_NONE) {
        *l = *r = PCL_NONE;
    } else if (lo(R, root) < u) {
        split(R, R->node[root].link[RIGHT], u, &R->node[root].link[RIGHT], r);
        *l = root;
    } else {
        split(R, R->node[root].link[LEFT], u, l, &R->node[root].link[LEFT]);
        *r = root;
    }
}

static uint32_t merge(struct pcl_range_locks *R, uint32_t l, uint32_t r)
{
    if (l == PCL_NONE || r == PCL_NONE)
        return l == PCL_NONE ? r : l;
    if (priority(l) > priority(r)) {
        R->node[l].link[RIGHT] = merge(R, R->node[l].link[RIGHT], r);
        return l;
    }
    R->node[r].link[LEFT] = merge(R, l, R->node[r].link[LEFT]);
    return r;
}

void units_join(struct pcl_range_locks *R, uint32_t inst, uint32_t node)
{
    struct units *s = pcl_range_state(R, inst);
    uint32_t l, r;

    split(R, s->root, lo(R, node), &l, &r);
    R->node[node].link[LEFT] = R->node[node].link[RIGHT] = PCL_NONE;
    s->root = merge(R, merge(R, l, node), r);
    s->len++;
}

void units_leave(struct pcl_range_locks *R, uint32_t inst, uint32_t node)
{
    struct units *s = pcl_range_state(R, inst);
    uint32_t l, mid, r;

    split(R, s->root, lo(R, node), &l, &r);
    split(R, r, lo(R, node) + 1, &mid, &r);
    PCL_ASSERT(mid == node);
    s->root = merge(R, l, r);
    s->len--;
    R->node[node].link[LEFT] = R->node[node].link[RIGHT] = PCL_NONE;
}

/* --- looking ------------------------------------------------------------------------------- */

/* The request with the last interval that begins before unit u. */
static uint32_t floor_of(const struct pcl_range_locks *R, uint32_t inst, uint64_t u)
{
    const struct units *s = pcl_range_state(R, inst);
    uint32_t at = s->root, best = PCL_NONE;

    while (at != PCL_NONE) {
        bool before = lo(R, at) < u;

        best = before ? at : best;
        at = R->node[at].link[before ? RIGHT : LEFT];
    }
    return best;
}

uint64_t units_before(const struct pcl_range_locks *R, uint32_t inst, uint64_t u)
{
    uint32_t f = floor_of(R, inst, u);

    if (f == PCL_NONE)
        return NO_UNIT;
    return (R->node[f].word[HI] < u ? R->node[f].word[HI] : u) - 1;
}

uint64_t units_from(const struct pcl_range_locks *R, uint32_t inst, uint64_t u)
{
    const struct units *s = pcl_range_state(R, inst);
    uint32_t f = floor_of(R, inst, u), at = s->root;
    uint64_t best = NO_UNIT;

    if (f != PCL_NONE && R->node[f].word[HI] > u)
        return u;
    while (at != PCL_NONE) {
        bool behind = lo(R, at) >= u;

        best = behind ? lo(R, at) : best;
        at = R->node[at].link[behind ? LEFT : RIGHT];
    }
    return best;
}

uint64_t units_top(const struct pcl_range_locks *R, uint32_t inst)
{
    const struct units *s = pcl_range_state(R, inst);
    uint32_t at = s->root;

    if (at == PCL_NONE)
        return NO_UNIT;
    while (R->node[at].link[RIGHT] != PCL_NONE)
        at = R->node[at].link[RIGHT];
    return R->node[at].word[HI] - 1;
}

/* --- the index ----------------------------------------------------------------------------- */

unsigned units_height(uint64_t top)
{
    unsigned h = 0;

    for (; top != NO_UNIT && top; top >>= 6)
        h++;
    return h;
}

uint64_t units_nodes(uint64_t before, uint64_t after, uint64_t top, uint64_t a, uint64_t b)
{
    unsigned old = units_height(top);
    unsigned height = units_height(top == NO_UNIT || top < b - 1 ? b - 1 : top);
    uint64_t sum = 0;

    for (unsigned level = 1; level <= height; level++) {
        uint64_t first = a >> 6 * level, last = (b - 1) >> 6 * level;
        bool low = before != NO_UNIT && before >> 6 * level == first;
        bool high = after != NO_UNIT && after >> 6 * level == last;

        sum += last - first + 1;
        if (level > old) /* the root moves up: what was there gets a node above it */
            sum += top != NO_UNIT && first != 0;
        else
            sum -= (low || high) + (uint64_t)(low && high && first != last);
    }
    return sum;
}

/* --- laws ---------------------------------------------------------------------------------- */

static bool valid_below(const struct pcl_range_locks *R, uint32_t inst, uint32_t i,
                        uint64_t *end, uint32_t *len, const char **why)
{
    const struct pcl_range_node *n;

    if (i == PCL_NONE)
        return true;
    n = &R->node[i];
    if (!range_law(n->used && n->inst == inst && *len < R->n_nodes,
                   "a node of the tree is not a request", why) ||
        !valid_below(R, inst, n->link[LEFT], end, len, why))
        return false;
    if (!range_law(n->word[LO] >= *end, "a unit is locked twice", why) ||
        !range_law(n->word[LO] < n->word[HI], "a request without units is in the tree", why) ||
        !range_law(n->word[LO] >= unit_of(R, n->start) && n->word[HI] <= units_end(R, n),
                   "a unit outside of the range is locked", why))
        return false;
    *end = n->word[HI];
    ++*len;
    return valid_below(R, inst, n->link[RIGHT], end, len, why);
}

bool units_valid(const struct pcl_range_locks *R, uint32_t inst, uint32_t *len, const char **why)
{
    const struct units *s = pcl_range_state(R, inst);
    uint64_t end = 0;

    *len = 0;
    return valid_below(R, inst, s->root, &end, len, why) &&
           range_law(*len == s->len, "the tree has lost a request", why);
}
