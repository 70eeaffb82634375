/*
 * Per-segment locks as in pNOVA (APSys 2019) and NOVA-SRL (IEEE Access 2021): the file is cut
 * into segments of equal size, each with a word of four bytes: a writer bit and a count of
 * readers. A request takes the words of all its segments in ascending order.
 *
 *   [ W | readers ] [ W | readers ] ...     16 words to a cache line: neighbours bounce it
 * although they do not conflict
 *
 * The papers size the table by the file. Here it has a fixed number of words and the segments
 * go round it (segment number modulo words), so that a file of 2^63 bytes has an end: a request
 * with as many segments as there are words, or more, takes each word once. That costs an atomic
 * a word, 512 of them by default; there is no word for the whole file, as a reader would have
 * to touch that as well, and all would meet there again.
 *
 * Readers may starve a writer: nobody queues for a word before it is seen taken.
 */
#include "range_words.h"

enum { P_SPIN, P_SEGMENT, P_WORDS };

enum { PER_CELL = 16 };

static const struct pcl_lock_param_info params[] = {
    RANGE_WORDS_PARAM,
    {"segment", 65536, 1, INT64_C(1) << 50, "bytes of a segment"},
    {"words", 512, 16, 1 << 20, "words of the table, a multiple of 16"},
    {NULL, 0, 0, 0, NULL},
};

#define WRITER UINT32_C(0x80000000)

struct segments {
    struct words_state w;
    uint32_t table; /* its first cell */
    uint32_t taken; /* words that are not zero, for the laws */
};

struct words16 {
    uint32_t word[PER_CELL];
};

static uint64_t n_words(const struct pcl_range_locks *R)
{
    return (uint64_t)R->param[P_WORDS] / PER_CELL * PER_CELL;
}

/* Segments of a range, and the word of the first. */
static uint64_t count_of(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                         uint64_t *first)
{
    int64_t size = R->param[P_SEGMENT];
    uint64_t from = (uint64_t)(n->start / size), to = (uint64_t)(n->last / size);

    *first = from % n_words(R);
    return to - from + 1;
}

/* Is the word at this place one of the range's? */
static bool has(const struct pcl_range_locks *R, const struct pcl_range_node *n, uint64_t at)
{
    uint64_t first, count = count_of(R, n, &first), words = n_words(R);

    return (at + words - first) % words < count;
}

static bool next(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place *p)
{
    uint64_t first, count = count_of(R, n, &first), words = n_words(R), at = p->at + 1;

    if (at < words && !has(R, n, at))
        at = first > p->at && count < words ? first
                                            : words; /* over the gap of a row that goes round */
    if (at >= words)
        return false;
    p->at = at;
    return true;
}

static bool first_place(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                        struct word_place *p)
{
    uint64_t first;

    (void)count_of(R, n, &first);
    *p = (struct word_place){has(R, n, 0) ? 0 : first, 0};
    return true;
}

static bool prev(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place *p)
{
    uint64_t first, count = count_of(R, n, &first), words = n_words(R), at = p->at - 1;

    if (p->at == 0)
        return false;
    if (!has(R, n, at)) {
        if (p->at != first || first + count <= words)
            return false;
        at = first + count - words - 1; /* the end of the part that went round */
    }
    p->at = at;
    return true;
}

static pcl_line line(const struct pcl_range_locks *R, uint32_t inst, struct word_place p)
{
    return PCL_LINE(LOCK, (uint64_t)R->role << 48 | (uint64_t)inst << 20 | p.at / PER_CELL);
}

static uint32_t *word(const struct pcl_range_locks *R, uint32_t inst, struct word_place p)
{
    const struct segments *s = pcl_range_state(R, inst);
    struct words16 *w = pcl_range_cell(R, s->table + (uint32_t)(p.at / PER_CELL));

    return &w->word[p.at % PER_CELL];
}

static bool can(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                struct word_place p)
{
    uint32_t w = *word(R, n->inst, p);

    return n->mode == PCL_SHARED ? !(w & WRITER) : w == 0;
}

static void take(struct pcl_range_locks *R, const struct pcl_range_node *n, struct word_place p)
{
    uint32_t *w = word(R, n->inst, p);

    ((struct segments *)pcl_range_state(R, n->inst))->taken += *w == 0;
    *w += n->mode == PCL_SHARED ? 1 : WRITER;
}

static void give(struct pcl_range_locks *R, const struct pcl_range_node *n, struct word_place p)
{
    uint32_t *w = word(R, n->inst, p);

    *w -= n->mode == PCL_SHARED ? 1 : WRITER;
    ((struct segments *)pcl_range_state(R, n->inst))->taken -= *w == 0;
}

static void share(struct pcl_range_locks *R, const struct pcl_range_node *n,
                  struct word_place p)
{
    *word(R, n->inst, p) = 1;
}

static const struct range_words places = {
    .first = first_place,
    .next = next,
    .prev = prev,
    .line = line,
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
    struct segments *s = pcl_range_state(R, inst);

    words_init(R, inst);
    s->table = pcl_range_cells(R, (uint32_t)(n_words(R) / PER_CELL));
}

static bool validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    const struct segments *s = pcl_range_state(R, inst);

    return words_valid(R, inst, &places, why) &&
           range_law(!s->taken || !words_idle(R, inst), "a word stays taken by nobody", why);
}

/* The table, the queue's head (24 bytes; 80 under lockdep); a waiter's entry is 40 bytes, with
 * its place 56. */
static void memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    int64_t table = (int64_t)n_words(R) * 4;

    *out = (struct pcl_lock_memory){.per_inode = table + 24,
                                    .per_waiter = 56,
                                    .per_inode_dbg = table + 80,
                                    .per_waiter_dbg = 56};
}

const struct pcl_range_lock_ops pcl_lock_segments = {
    .name = "segments",
    .summary = "a word with writer bit and reader count for each segment of the file",
    .source = "pNOVA, APSys 2019; NOVA-SRL, IEEE Access 2021",
    .props = PCL_PROP_STEALS | PCL_PROP_SPINS | PCL_PROP_SHARED | PCL_PROP_COARSE,
    .params = params,
    .state_size = sizeof(struct segments),
    .cell_size = sizeof(struct words16),
    .init = init,
    .step = step,
    .validate = validate,
    .memory = memory,
};
