/* What the page-cache tests share: CMocka, a small generator with a fixed seed, short cuts. */
#ifndef PCLSIM_TEST_CACHE_H
#define PCLSIM_TEST_CACHE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/cache.h>

/* xorshift64*: any sequence will do, as long as it is the same each time. */
struct rnd {
    uint64_t x;
};

static inline uint64_t rnd_bits(struct rnd *r)
{
    r->x ^= r->x >> 12;
    r->x ^= r->x << 25;
    r->x ^= r->x >> 27;
    return r->x * UINT64_C(0x2545F4914F6CDD1D);
}

static inline uint64_t rnd_below(struct rnd *r, uint64_t n)
{
    return (rnd_bits(r) >> 11) % n;
}

static inline struct pcl_cache *small_cache(void)
{
    struct pcl_cache_conf conf = {.seed = 1};
    struct pcl_cache *c = pcl_cache_new(&conf, NULL);

    (void)pcl_inode_new(c, INT64_MAX);
    return c;
}

static inline void assert_sound(const struct pcl_cache *c)
{
    const char *why = NULL;

    if (!pcl_cache_validate(c, &why))
        fail_msg("cache is not sound: %s", why);
}

/* Inserts and keeps no reference. */
static inline uint32_t add(struct pcl_cache *c, uint32_t inode, uint64_t pgoff, unsigned order,
                           unsigned flags)
{
    uint32_t f = pcl_cache_insert(c, inode, pgoff, order, flags | PCL_FOLIO_UPTODATE, NULL);

    if (f != PCL_NONE)
        pcl_folio_put(c, f);
    return f;
}

#endif
