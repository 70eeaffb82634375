/*
 * A hash table from 64-bit keys to 64-bit values: open addressing, linear probing, deletion by
 * moving back, so that no input can fill it with tombstones. Zero-initialised is empty. Keys
 * below UINT64_MAX only.
 */
#ifndef PCLSIM_TRACE_MAP_H
#define PCLSIM_TRACE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t tag; /* key + 1; 0 is a free slot */
    uint64_t value;
};

struct map {
    struct map_slot *slots;
    size_t cap, n; /* cap is 0 or a power of two */
};

bool map_get(const struct map *m, uint64_t key, uint64_t *value);
void map_put(struct map *m, uint64_t key, uint64_t value);
bool map_del(struct map *m, uint64_t key);
void map_fini(struct map *m);

uint64_t map_mix(uint64_t x);

#endif
