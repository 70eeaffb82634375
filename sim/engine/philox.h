/*
 * Philox2x64 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3; SC
 * 2011): a keyed bijection of 128-bit counters. Private to sim/engine so that the samplers
 * inline it.
 *
 * 6 rounds pass BigCrush in the paper; we take 7, one for safety, because the rounds are a
 * chain of dependent multiplications and most of the price of a draw.
 */
#ifndef PCLSIM_ENGINE_PHILOX_H
#define PCLSIM_ENGINE_PHILOX_H

#include <pclsim/dist.h>

#define PCL_PHILOX_ROUNDS 7

struct pcl_philox {
    uint64_t w[2];
};

static inline uint64_t pcl_mul_high(uint64_t a, uint64_t b)
{
    return (uint64_t)(((pcl_u128)a * b) >> 64);
}

static inline struct pcl_philox pcl_philox2x64(uint64_t key, uint64_t c0, uint64_t c1,
                                               int rounds)
{
    for (int i = 0; i < rounds; i++) {
        pcl_u128 product = (pcl_u128)UINT64_C(0xD2B74407B1CE6E93) * c0;

        c0 = (uint64_t)(product >> 64) ^ key ^ c1;
        c1 = (uint64_t)product;
        key += UINT64_C(0x9E3779B97F4A7C15);
    }
    return (struct pcl_philox){{c0, c1}};
}

static inline struct pcl_philox pcl_philox(struct pcl_stream s, uint64_t index, uint64_t lane)
{
    return pcl_philox2x64(s.key, index, lane, PCL_PHILOX_ROUNDS);
}

/* 128 random bits as a fraction of 1, times n: no value's probability is off by more than 2^-64
 * of itself, for any n, and nothing is ever drawn again. */
static inline uint64_t pcl_philox_below(struct pcl_philox r, uint64_t n)
{
    return (uint64_t)(((pcl_u128)r.w[0] * n + pcl_mul_high(r.w[1], n)) >> 64);
}

#endif
