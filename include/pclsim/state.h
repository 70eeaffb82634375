/*
 * Model state that can be copied and hashed: the list of arrays that together are the state of a
 * simulated kernel. Whoever owns such an array registers it once; the explorer then saves, restores
 * and hashes the whole without knowing what is in it. Arrays hold indices, never pointers, and
 * their padding is zero. Statistics, times and random streams stay out.
 */
#ifndef PCLSIM_STATE_H
#define PCLSIM_STATE_H

#include <pclsim/base.h>

struct pcl_region {
    void **base;           /* the array may move: its address is read anew each time */
    void *value;           /* or this: something that stays where it is */
    size_t elem;           /* bytes per element */
    const uint32_t *count; /* elements in use; NULL: exactly one */
};

struct pcl_state {
    struct pcl_region *region;
    size_t n, cap;
};

void pcl_state_init(struct pcl_state *s);
void pcl_state_fini(struct pcl_state *s);
void pcl_state_register(struct pcl_state *s, void **base, size_t elem, const uint32_t *count);

/** Something of that many bytes that never moves: a count, a list's head. Register a count that
 * changes before the array that it counts. */
void pcl_state_register_value(struct pcl_state *s, void *value, size_t bytes);

/** Bytes that a copy takes now. */
size_t pcl_state_size(const struct pcl_state *s);
/** Copies the state out; buf has pcl_state_size() bytes. */
void pcl_state_save(const struct pcl_state *s, void *buf);
/** Copies it back. Counts must be as they were when it was saved (they are part of the state if
 * they are registered themselves and precede their array; arrays never shrink their memory). */
void pcl_state_restore(const struct pcl_state *s, const void *buf);
/** Where region i lies now, and how many bytes it has. */
void *pcl_state_region(const struct pcl_state *s, size_t i, size_t *bytes);
/** 64-bit hash of the state. */
uint64_t pcl_state_hash(const struct pcl_state *s);

#endif
