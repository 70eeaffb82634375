/*
 * Random bits as a function: key and counter in, 64 bits out, no state. The key names a stream
 * (seed, replication, entity, purpose), the counter a draw in it (index, lane).
 */
#include "philox.h"

/* For one seed no two (replication, purpose) share a base, and below one base no two entities
 * share a key. */
struct pcl_streams pcl_streams(uint64_t seed, uint32_t replication, enum pcl_purpose purpose)
{
    uint64_t what = (uint64_t)replication << 32 | (uint32_t)purpose;

    return (struct pcl_streams){pcl_mix64(pcl_mix64(seed) ^ what)};
}

struct pcl_stream pcl_stream(uint64_t seed, uint32_t replication, uint64_t entity,
                             enum pcl_purpose purpose)
{
    return pcl_stream_of(pcl_streams(seed, replication, purpose), entity);
}

uint64_t pcl_bits(struct pcl_stream s, uint64_t index, uint64_t lane)
{
    return pcl_philox(s, index, lane).w[0];
}

uint64_t pcl_below(struct pcl_stream s, uint64_t index, uint64_t lane, uint64_t n)
{
    return pcl_philox_below(pcl_philox(s, index, lane), n);
}
