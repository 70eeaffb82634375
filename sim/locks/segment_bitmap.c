/*
 * A bit for each segment of the file: the poor man's range lock that was talked about for
 * buffered writes (Dave Chinner and Goldstein, January 2025), one 64-bit word by
 * default. One compare-and-swap takes up to 64 segments at once. No reader counts: readers
 * exclude each other.
 *
 *   word 0 [ 63 ... 1 0 ]   word 1 [ 127 ... 64 ]   ...      8 words to a cache line
 *
 * Segments go round the bitmap (segment number modulo bits), so that every file has an end.
 * With one word, whoever locks anything writes the same line; what is disjoint and has the same
 * bit conflicts all the same (false_conflicts).
 */
#include "range_words.h"

enum { P_SPIN, P_SEGMENT, P_WORDS };

static const struct pcl_lock_param_info params[] = {
    RANGE_WORDS_PARAM,
    {"segment", 65536, 1, INT64_C(1) << 50, "bytes of a segment"},
    {"words", 1, 1, 4096, "words of 64 bits"},
    {NULL, 0, 0, 0, NULL},
};

struct bitmap {
    struct words_state w;
    uint32_t table; /* its first cell */
};

/* The bits of word at that the range has. */
static uint64_t mask(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                     uint64_t at)
{
    int64_t size = R->param[P_SEGMENT];
    uint64_t bits = (uint64_t)R->param[P_WORDS] * 64, m = 0;
    uint64_t from = (uint64_t)(n->start / size), count = (uint64_t)(n->last / size) - from + 1;
    uint64_t first = from % bits;

    if (count >= bits)
        return UINT64_MAX;
    for (uint64_t b = 0; b < 64; b++)
        if ((at * 64 + b + bits - first) % bits < count)
            m |= UINT64_C(1) << b;
    return m;
}

static bool next(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place *p)
{
    for (uint64_t at = p->at + 1; at < (uint64_t)R->param[P_WORDS]; at++)
        if (mask(R, n, at)) {
            p->at = at;
            return true;
        }
    return false;
}

static bool first_place(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                        struct word_place *p)
{
    *p = (struct word_place){0, 0};
    return mask(R, n, 0) || next(R, n, p);
}

static bool prev(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place *p)
{
    for (uint64_t at = p->at; at-- > 0;)
        if (mask(R, n, at)) {
            p->at = at;
            return true;
        }
    return false;
}

static pcl_line line(const struct pcl_range_locks *R, uint32_t inst, struct word_place p)
{
    return PCL_LINE(LOCK, (uint64_t)R->role << 48 | (uint64_t)inst << 20 | p.at / 8);
}

static uint64_t *word(const struct pcl_range_locks *R, uint32_t inst, struct word_place p)
{
    const struct bitmap *s = pcl_range_state(R, inst);

    return pcl_range_cell(R, s->table + (uint32_t)p.at);
}

static bool can(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                struct word_place p)
{
    return !(*word(R, n->inst, p) & mask(R, n, p.at));
}

static void take(struct pcl_range_locks *R, const struct pcl_range_node *n, struct word_place p)
{
    *word(R, n->inst, p) |= mask(R, n, p.at);
}

static void give(struct pcl_range_locks *R, const struct pcl_range_node *n, struct word_place p)
{
    *word(R, n->inst, p) &= ~mask(R, n, p.at);
}

static const struct range_words places = {
    .first = first_place,
    .next = next,
    .prev = prev,
    .line = line,
    .can = can,
    .take = take,
    .give = give,
};

static enum pcl_more step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    return words_step(R, op, &places);
}

static void init(struct pcl_range_locks *R, uint32_t inst)
{
    struct bitmap *s = pcl_range_state(R, inst);

    words_init(R, inst);
    s->table = pcl_range_cells(R, (uint32_t)R->param[P_WORDS]);
}

static bool validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    struct word_place p = {0, 0};

    if (!words_valid(R, inst, &places, why))
        return false;
    if (!words_idle(R, inst))
        return true;
    for (; p.at < (uint64_t)R->param[P_WORDS]; p.at++)
        if (!range_law(*word(R, inst, p) == 0, "a bit stays taken by nobody", why))
            return false;
    return true;
}

static void memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    int64_t table = R->param[P_WORDS] * 8;

    *out = (struct pcl_lock_memory){.per_inode = table + 24,
                                    .per_waiter = 56,
                                    .per_inode_dbg = table + 80,
                                    .per_waiter_dbg = 56};
}

const struct pcl_range_lock_ops pcl_lock_segment_bitmap = {
    .name = "segment-bitmap",
    .summary = "a bit for each segment of the file, all in one word by default, exclusive",
    .source = "idea: Dave Chinner and Goldstein, January 2025",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_COARSE,
    .params = params,
    .state_size = sizeof(struct bitmap),
    .cell_size = sizeof(uint64_t),
    .init = init,
    .step = step,
    .validate = validate,
    .memory = memory,
};
