/*
 * Random bits as a function: key and counter in, 64 bits out, no state. The key names a stream
 * (seed, replication, entity, purpose), the counter a draw in it (index, lane).
 */
#include "philox.h"

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* For one seed no two (replication, purpose) share a base, and below one base no two entities
 * share a key. The entity is mixed before it meets the base: two bases that are neighbours by
 * chance would otherwise share a whole block of keys, not one. */
struct pcl_stream pcl_stream(uint64_t seed, uint32_t replication, uint64_t entity,
                             enum pcl_purpose purpose)
{
    uint64_t what = (uint64_t)replication << 32 | (uint32_t)purpose;
    uint64_t base = mix(mix(seed) ^ what);

    return (struct pcl_stream){mix(base ^ mix(entity))};
}

uint64_t pcl_bits(struct pcl_stream s, uint64_t index, uint64_t lane)
{
    return pcl_philox(s, index, lane).w[0];
}

uint64_t pcl_below(struct pcl_stream s, uint64_t index, uint64_t lane, uint64_t n)
{
    return pcl_philox_below(pcl_philox(s, index, lane), n);
}
