/*
 * A log-linear histogram: a value's highest bit picks the block, the seven bits below it the
 * bucket.
 *
 *     block 0: 0..127        each bucket one value
 *     block k: 128..255 << (k - 1)        each bucket 2^(k-1) values, k up to 56
 *
 * A block is a kilobyte and comes to life with its first value; waits of one lock touch a few.
 *
 * Encoded: a format byte, then numbers of seven bits a byte, lowest first (LEB128):
 *
 *     count | min | max | sum, sum_sq (8 bytes each) | used buckets | (buckets skipped, n) ...
 *
 * and nothing after count when that is 0.
 */
#include <pclsim/hist.h>

#include <stdlib.h>
#include <string.h>

#include "varint.h"

#define SUB_BITS 7
#define SUB (1u << SUB_BITS)
#define BLOCKS 57u /* bit 62 is the highest of an int64_t: 62 - 6 and block 0 */
#define FORMAT 1

_Static_assert(BLOCKS <= sizeof(((struct pcl_hist *)0)->block) / sizeof(uint64_t *),
               "a block for every value");

void pcl_hist_init(struct pcl_hist *h)
{
    *h = (struct pcl_hist){0};
}

void pcl_hist_fini(struct pcl_hist *h)
{
    for (size_t k = 0; k < BLOCKS; k++)
        free(h->block[k]);
    pcl_hist_init(h);
}

static uint64_t *block_of(struct pcl_hist *h, unsigned k)
{
    if (!h->block[k])
        h->block[k] = pcl_xcalloc(SUB, sizeof(uint64_t));
    return h->block[k];
}

/* The first value of a block; apart, so that the usual way needs no call. */
__attribute__((noinline, cold)) static void add_first(struct pcl_hist *h, int64_t v, unsigned k)
{
    (void)block_of(h, k);
    pcl_hist_add(h, v);
}

void pcl_hist_add(struct pcl_hist *h, int64_t v)
{
    v = v < 0 ? 0 : v;

    unsigned k = 63 - SUB_BITS + 1 - (unsigned)__builtin_clzll((uint64_t)v | (SUB - 1));
    unsigned shift = k - (k > 0);
    uint64_t *block = h->block[k];
    double x = (double)v;

    if (!block) {
        add_first(h, v, k);
        return;
    }
    block[((uint64_t)v >> shift) & (SUB - 1)]++;
    if (h->count++ == 0)
        h->min = h->max = v;
    else if (v < h->min)
        h->min = v;
    else if (v > h->max)
        h->max = v;
    h->sum += x;
    h->sum_sq += x * x;
}

void pcl_hist_merge(struct pcl_hist *into, const struct pcl_hist *from)
{
    if (from->count == 0)
        return;
    for (unsigned k = 0; k < BLOCKS; k++) {
        if (!from->block[k])
            continue;
        uint64_t *to = block_of(into, k);
        for (size_t i = 0; i < SUB; i++)
            to[i] += from->block[k][i];
    }
    if (into->count == 0 || from->min < into->min)
        into->min = from->min;
    if (into->count == 0 || from->max > into->max)
        into->max = from->max;
    into->count += from->count;
    into->sum += from->sum;
    into->sum_sq += from->sum_sq;
}

double pcl_hist_mean(const struct pcl_hist *h)
{
    return h->count ? h->sum / (double)h->count : 0;
}

/* --- reading ----------------------------------------------------------------------------- */

struct bucket {
    size_t at; /* number of the bucket, over all blocks */
    int64_t lo, hi;
    uint64_t n;
};

/* Moves on to the next non-empty bucket at or after b->at; false when there is none. */
static bool next_used(const struct pcl_hist *h, struct bucket *b)
{
    for (; b->at < BLOCKS * SUB; b->at++) {
        size_t k = b->at / SUB, i = b->at % SUB;

        if (!h->block[k]) {
            b->at += SUB - 1 - i; /* the whole block; the loop takes the last step */
            continue;
        }
        if (h->block[k][i] == 0)
            continue;

        size_t shift = k - (k > 0);
        b->lo = (int64_t)((k > 0 ? SUB + i : i) << shift);
        b->hi = (int64_t)((uint64_t)b->lo + (UINT64_C(1) << shift) - 1);
        b->n = h->block[k][i];
        return true;
    }
    return false;
}

/* The sample with this share at or below it, counted from 1. The product is lowered by a hair:
 * 0.07 * 100 is a little over 7 in doubles, and must not become the eighth sample. */
static uint64_t rank_of(double q, uint64_t count)
{
    double x = q * (double)count * (1 - 1e-13);

    if (!(x > 1))
        return 1;
    if (x >= (double)count)
        return count;

    uint64_t rank = (uint64_t)x;
    rank += (double)rank < x;
    return rank < count ? rank : count;
}

int64_t pcl_hist_quantile(const struct pcl_hist *h, double q)
{
    if (h->count == 0)
        return 0;

    uint64_t rank = rank_of(q, h->count), seen = 0;
    if (rank == 1)
        return h->min;
    if (rank == h->count)
        return h->max;
    for (struct bucket b = {0}; next_used(h, &b); b.at++) {
        seen += b.n;
        if (seen >= rank) {
            int64_t middle = b.lo + (b.hi - b.lo) / 2;

            return middle < h->min ? h->min : middle > h->max ? h->max : middle;
        }
    }
    PCL_ASSERT(seen == h->count); /* and rank is at most count */
    return h->max;
}

void pcl_hist_each(const struct pcl_hist *h,
                   void (*fn)(int64_t lo, int64_t hi, uint64_t n, void *arg), void *arg)
{
    for (struct bucket b = {0}; next_used(h, &b); b.at++)
        fn(b.lo, b.hi, b.n, arg);
}

/* --- encoding ---------------------------------------------------------------------------- */

static unsigned char *put_double(unsigned char *p, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    for (int i = 0; i < 8; i++)
        *p++ = (unsigned char)(bits >> (8 * i));
    return p;
}

void *pcl_hist_encode(const struct pcl_hist *h, size_t *size)
{
    size_t used = 0, next = 0;

    for (struct bucket b = {0}; next_used(h, &b); b.at++)
        used++;

    unsigned char *data = pcl_xcalloc(17 + VARINT_MAX * (4 + 2 * used), 1), *p = data;
    *p++ = FORMAT;
    p = put_varint(p, h->count);
    if (h->count > 0) {
        p = put_varint(p, (uint64_t)h->min);
        p = put_varint(p, (uint64_t)h->max);
        p = put_double(p, h->sum);
        p = put_double(p, h->sum_sq);
        p = put_varint(p, used);
        for (struct bucket b = {0}; next_used(h, &b); b.at++) {
            p = put_varint(p, b.at - next);
            p = put_varint(p, b.n);
            next = b.at + 1;
        }
    }
    *size = (size_t)(p - data);
    return pcl_xrealloc(data, *size, 1);
}

/* --- decoding: the bytes may come from anywhere ------------------------------------------- */

static double get_double(struct reader *r)
{
    uint64_t bits = 0;
    double v;

    if (r->end - r->p < 8) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)*r->p++ << (8 * i);
    memcpy(&v, &bits, sizeof(v));
    return v;
}

/* True when a sum of n values between lo and hi can be v, but for rounding; NaN cannot. */
static bool plausible(double v, double n, double lo, double hi)
{
    return v >= n * lo * (1 - 1e-6) && v <= n * hi * (1 + 1e-6);
}

static void get_buckets(struct reader *r, struct pcl_hist *h)
{
    uint64_t used = get_varint(r), left = h->count;
    struct bucket b = {0};
    size_t next = 0;

    for (uint64_t i = 0; i < used && !r->bad; i++) {
        uint64_t skip = get_varint(r), n = get_varint(r);

        if (r->bad || skip >= BLOCKS * SUB - next || n == 0 || n > left) {
            r->bad = true;
            return;
        }
        next += skip;
        block_of(h, (unsigned)(next / SUB))[next % SUB] = n;
        left -= n;
        next++;
    }
    /* All samples accounted for, and the extremes where they say they are. */
    if (r->bad || left > 0 || !next_used(h, &b) || h->min < b.lo || h->min > b.hi) {
        r->bad = true;
        return;
    }
    b.at = next - 1;
    r->bad = !next_used(h, &b) || h->max < b.lo || h->max > b.hi || h->min > h->max;
}

int pcl_hist_decode(struct pcl_hist *h, const void *data, size_t size)
{
    struct reader r = {.p = data, .end = (const unsigned char *)data + size};

    pcl_hist_init(h);
    if (size == 0 || *r.p++ != FORMAT)
        return PCL_EINVAL;
    h->count = get_varint(&r);
    if (h->count > 0) {
        uint64_t min = get_varint(&r), max = get_varint(&r);

        h->min = (int64_t)(min & INT64_MAX);
        h->max = (int64_t)(max & INT64_MAX);
        h->sum = get_double(&r);
        h->sum_sq = get_double(&r);
        r.bad |= min > INT64_MAX || max > INT64_MAX;

        double n = (double)h->count, lo = (double)h->min, hi = (double)h->max;
        r.bad |= !plausible(h->sum, n, lo, hi) || !plausible(h->sum_sq, n, lo * lo, hi * hi);
        get_buckets(&r, h);
    }
    if (!r.bad && r.p == r.end)
        return PCL_OK;
    pcl_hist_fini(h);
    return PCL_EINVAL;
}
