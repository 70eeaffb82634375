/*
 * File mappings of one address space: what an address given to msync or madvise means.
 */
#ifndef PCLSIM_TRACE_SPACE_H
#define PCLSIM_TRACE_SPACE_H

#include <pclsim/base.h>

struct mapping {
    uint64_t from, to; /* addresses [from, to) */
    uint32_t file;
    int64_t off; /* of the byte at from */
    bool shared;
    struct mapping *prev, *next;
};

struct space {
    unsigned refs;
    void *tree; /* by address; mappings never overlap */
    struct mapping *list;
    size_t n;
};

struct space *space_new(void);
void space_unref(struct space *s);

/** Maps [from, from + len) to the file, over whatever was there. */
void space_map(struct space *s, uint64_t from, uint64_t len, uint32_t file, int64_t off,
               bool shared);

/** Removes what is mapped in [from, from + len). */
void space_unmap(struct space *s, uint64_t from, uint64_t len);

/** A mapping that overlaps [from, from + len), the one that holds from if there is one; NULL.
 */
const struct mapping *space_find(const struct space *s, uint64_t from, uint64_t len);

void space_copy(struct space *to, const struct space *from);

#endif
