/*
 * The hash table of the trace readers; see map.h.
 */
#include "map.h"

#include <pclsim/base.h>

#include <stdlib.h>

/* SplitMix64's finaliser: descriptors and thread ids are small and dense. */
uint64_t map_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The slot of a key, or the free slot where it would go. */
static size_t slot_of(const struct map *m, uint64_t key)
{
    size_t mask = m->cap - 1, i = (size_t)map_mix(key) & mask;

    while (m->slots[i].tag != 0 && m->slots[i].tag != key + 1)
        i = (i + 1) & mask;
    return i;
}

bool map_get(const struct map *m, uint64_t key, uint64_t *value)
{
    size_t i;

    if (m->n == 0)
        return false;
    i = slot_of(m, key);
    if (m->slots[i].tag == 0)
        return false;
    *value = m->slots[i].value;
    return true;
}

static void grow(struct map *m)
{
    struct map old = *m;

    m->cap = old.cap ? old.cap * 2 : 8;
    m->slots = pcl_xcalloc(m->cap, sizeof(*m->slots));
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].tag != 0)
            m->slots[slot_of(m, old.slots[i].tag - 1)] = old.slots[i];
    }
    free(old.slots);
}

void map_put(struct map *m, uint64_t key, uint64_t value)
{
    size_t i;

    PCL_ASSERT(key != UINT64_MAX);
    if ((m->n + 1) * 4 > m->cap * 3)
        grow(m);
    i = slot_of(m, key);
    if (m->slots[i].tag == 0)
        m->n++;
    m->slots[i] = (struct map_slot){key + 1, value};
}

bool map_del(struct map *m, uint64_t key)
{
    size_t mask = m->cap - 1, hole, i;

    if (m->n == 0)
        return false;
    hole = slot_of(m, key);
    if (m->slots[hole].tag == 0)
        return false;
    m->slots[hole].tag = 0;
    m->n--;
    for (i = (hole + 1) & mask; m->slots[i].tag != 0; i = (i + 1) & mask) {
        size_t home = (size_t)map_mix(m->slots[i].tag - 1) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) { /* may move back to the hole */
            m->slots[hole] = m->slots[i];
            m->slots[i].tag = 0;
            hole = i;
        }
    }
    return true;
}

void map_fini(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}
