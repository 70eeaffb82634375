/*
 * Model state as a list of arrays: one walk over the regions serves copy, restore and hash.
 *
 * An array's address lives in a typed pointer (struct folio *) that is registered as a void **;
 * it is read with memcpy, since reading it through the wrong pointer type is undefined.
 */
#include <pclsim/state.h>

#include <stdlib.h>
#include <string.h>

void pcl_state_init(struct pcl_state *s)
{
    memset(s, 0, sizeof *s);
}

void pcl_state_fini(struct pcl_state *s)
{
    free(s->region);
    pcl_state_init(s);
}

static void add(struct pcl_state *s, struct pcl_region r)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->region = pcl_xrealloc(s->region, s->cap, sizeof *s->region);
    }
    s->region[s->n++] = r;
}

void pcl_state_register(struct pcl_state *s, void **base, size_t elem, const uint32_t *count)
{
    add(s, (struct pcl_region){.base = base, .elem = elem, .count = count});
}

void pcl_state_register_value(struct pcl_state *s, void *value, size_t bytes)
{
    add(s, (struct pcl_region){.value = value, .elem = bytes});
}

static size_t region_bytes(const struct pcl_region *r)
{
    return r->count ? r->elem * *r->count : r->elem;
}

static unsigned char *region_data(const struct pcl_region *r)
{
    unsigned char *p;

    if (r->value)
        return r->value;
    memcpy(&p, r->base, sizeof p);
    return p;
}

void *pcl_state_region(const struct pcl_state *s, size_t i, size_t *bytes)
{
    *bytes = region_bytes(&s->region[i]);
    return region_data(&s->region[i]);
}

size_t pcl_state_size(const struct pcl_state *s)
{
    size_t sum = 0;

    for (size_t i = 0; i < s->n; i++)
        sum += region_bytes(&s->region[i]);
    return sum;
}

void pcl_state_save(const struct pcl_state *s, void *buf)
{
    unsigned char *to = buf;

    for (size_t i = 0; i < s->n; i++) {
        size_t n = region_bytes(&s->region[i]);

        if (n > 0)
            memcpy(to, region_data(&s->region[i]), n);
        to += n;
    }
}

void pcl_state_restore(const struct pcl_state *s, const void *buf)
{
    const unsigned char *from = buf;

    for (size_t i = 0; i < s->n; i++) {
        /* read the size only now: an earlier region may have restored the count */
        size_t n = region_bytes(&s->region[i]);

        if (n > 0)
            memcpy(region_data(&s->region[i]), from, n);
        from += n;
    }
}

/* Each step is a bijection of h for a given word and of the word for a given h, so two states
 * that differ in one word never meet. Multipliers: SplitMix64 (Steele, Lea, Flood, OOPSLA
 * 2014). */
static uint64_t mix(uint64_t h, uint64_t word)
{
    h ^= word;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    h ^= h >> 29;
    h *= UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 32;
}

static uint64_t hash_bytes(uint64_t h, const unsigned char *p, size_t n)
{
    uint64_t word, lane[4] = {h, 1, 2, 3};

    /* four lanes, as each step waits for the product of the one before */
    for (; n >= sizeof lane; n -= sizeof lane, p += sizeof lane)
        for (size_t i = 0; i < 4; i++) {
            memcpy(&word, p + i * sizeof word, sizeof word);
            lane[i] = mix(lane[i], word);
        }
    h = mix(mix(mix(lane[0], lane[1]), lane[2]), lane[3]);
    for (; n >= sizeof word; n -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        h = mix(h, word);
    }
    if (n > 0) {
        word = 0;
        memcpy(&word, p, n);
        h = mix(h, word);
    }
    return h;
}

uint64_t pcl_state_hash(const struct pcl_state *s)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i < s->n; i++) {
        size_t n = region_bytes(&s->region[i]);

        h = mix(h, n); /* where one array ends and the next begins is part of the state */
        if (n > 0)
            h = hash_bytes(h, region_data(&s->region[i]), n);
    }
    return mix(h, s->n);
}
