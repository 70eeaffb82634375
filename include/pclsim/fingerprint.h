/*
 * A fingerprint of a sequence of 64-bit words, built while the sequence happens: one multiplication
 * per word. It tells two trajectories apart; it is no defence against somebody who wants a
 * collision. {0, 0} is the empty sequence, so zeroed memory is ready for use.
 *
 * Sequences of equal length that differ in one word never collide: each step is a bijection of the
 * word for a given state, and of the state for a given word.
 */
#ifndef PCLSIM_FINGERPRINT_H
#define PCLSIM_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

struct pcl_fp {
    uint64_t a; /* what was added, in order */
    uint64_t b; /* the number of words times an odd constant: a position counts, zeros too */
};

static inline void pcl_fp_add(struct pcl_fp *fp, uint64_t word)
{
    uint64_t x;

    fp->b += UINT64_C(0x9E3779B97F4A7C15);
    x = ((fp->a + fp->b) ^ word) * UINT64_C(0xD6E8FEB86659FD93);
    fp->a = x ^ (x >> 32);
}

/** Adds bytes, for instance a name: their number, then eight at a time, the first one lowest. */
void pcl_fp_add_bytes(struct pcl_fp *fp, const void *data, size_t size);

/** The fingerprint so far; more words may follow. */
uint64_t pcl_fp_value(const struct pcl_fp *fp);

#endif
