/* The explorer's memory. */
#include "explore_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_SLOTS = 1 << 12,
    WORD = sizeof(uint64_t)
};

/* Grows an array so that index n is valid. */
static void *room(void *array, uint64_t n, uint64_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    while (n >= *cap)
        *cap = *cap ? *cap * 2 : 256;
    return pcl_xrealloc(array, (size_t)*cap, size);
}

#define ROOM(array, n, cap, type)                                                               \
    do {                                                                                        \
        uint64_t cap_ = (cap);                                                                  \
        (array) = room((array), (n), &cap_, sizeof *(array));                                   \
        (cap) = (type)cap_;                                                                     \
    } while (0)

/* --- seen states --------------------------------------------------------------------------- */

static uint32_t *slot_of(struct store *s, uint64_t hash, uint64_t **key)
{
    uint32_t i = (uint32_t)(hash ^ hash >> 32) & (s->n_slots - 1);

    while (s->slot_hash[i] != 0 && s->slot_hash[i] != hash)
        i = (i + 1) & (s->n_slots - 1);
    *key = &s->slot_hash[i];
    return &s->slot_number[i];
}

static void grow_slots(struct store *s)
{
    uint64_t *old_hash = s->slot_hash, *key;
    uint32_t *old_number = s->slot_number, old_n = s->n_slots;

    s->n_slots = old_n ? old_n * 2 : FIRST_SLOTS;
    s->slot_hash = pcl_xcalloc(s->n_slots, sizeof *s->slot_hash);
    s->slot_number = pcl_xcalloc(s->n_slots, sizeof *s->slot_number);
    for (uint32_t i = 0; i < old_n; i++)
        if (old_hash[i]) {
            *slot_of(s, old_hash[i], &key) = old_number[i];
            *key = old_hash[i];
        }
    free(old_hash);
    free(old_number);
}

uint32_t store_number(struct store *s, uint64_t hash, bool *fresh)
{
    uint64_t *key;

    hash += hash == 0; /* 0 marks a free slot */
    if ((s->n_found + 1) * (uint64_t)2 > s->n_slots)
        grow_slots(s);
    uint32_t *number = slot_of(s, hash, &key);

    *fresh = *key == 0;
    if (*fresh) {
        *key = hash;
        *number = s->n_found;
        ROOM(s->found, s->n_found, s->cap_found, uint32_t);
        s->found[s->n_found++] = (struct origin){.from = 0};
    }
    return *number;
}

void store_edge(struct store *s, uint32_t from, uint32_t to, const struct move *by)
{
    ROOM(s->edge, s->n_edges, s->cap_edges, size_t);
    s->edge[s->n_edges++] = (struct edge){
        .from = from, .to = to, .body = by->body, .yes = by->yes, .asked = by->asked};
}

void store_end(struct store *s, uint32_t number)
{
    ROOM(s->end, s->n_ends, s->cap_ends, uint32_t);
    s->end[s->n_ends++] = number;
}

/* --- codes: for each region that differs from the root's, its number and size, runs of (words
 * alike, words that follow) to its last whole word, and the odd bytes ---------------------------- */

struct part {
    uint32_t region;
    uint32_t bytes;
};

struct run {
    uint32_t alike, other;
};

static void put(struct bytes *b, const void *p, size_t n)
{
    if (b->used + n > b->cap) {
        b->cap = (b->used + n) * 2;
        b->p = pcl_xrealloc(b->p, b->cap, 1);
    }
    if (n > 0)
        memcpy(b->p + b->used, p, n);
    b->used += n;
}

static bool same_word(const unsigned char *a, const unsigned char *b, size_t i)
{
    uint64_t x, y;

    memcpy(&x, a + i * WORD, WORD);
    memcpy(&y, b + i * WORD, WORD);
    return x == y;
}

/* The first word from i on, below end, in which they differ. */
static size_t skip_same(const unsigned char *a, const unsigned char *b, size_t i, size_t end)
{
    enum {
        BLOCK = 32 /* words compared at a time */
    };

    while (i + BLOCK <= end && !memcmp(a + i * WORD, b + i * WORD, BLOCK * WORD))
        i += BLOCK;
    while (i < end && same_word(a, b, i))
        i++;
    return i;
}

/* Multipliers: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 29) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 32;
}

static uint64_t hash_of(const unsigned char *p, size_t n)
{
    uint64_t h = mix(UINT64_C(0x9e3779b97f4a7c15), n), word;

    for (; n >= WORD; n -= WORD, p += WORD) {
        memcpy(&word, p, WORD);
        h = mix(h, word);
    }
    word = 0;
    if (n > 0)
        memcpy(&word, p, n);
    return mix(h, word);
}

static void encode(struct store *s, size_t region, const unsigned char *p, size_t bytes)
{
    const struct bytes *root = &s->root[region];
    size_t words = bytes / WORD, common = (bytes < root->used ? bytes : root->used) / WORD;
    struct part part = {(uint32_t)region, (uint32_t)bytes};

    put(&s->code, &part, sizeof part);
    for (size_t i = 0; i < words;) {
        size_t from = i, other = skip_same(p, root->p, i, common);

        for (i = other; i < words && (i >= common || !same_word(p, root->p, i));)
            i++;
        struct run r = {(uint32_t)(other - from), (uint32_t)(i - other)};

        put(&s->code, &r, sizeof r);
        put(&s->code, p + other * WORD, (i - other) * WORD);
    }
    put(&s->code, p + words * WORD, bytes - words * WORD);
}

uint64_t store_look(struct store *s)
{
    s->code.used = 0;
    for (size_t i = 0; i < s->n_regions; i++) {
        size_t bytes;
        const unsigned char *p = pcl_state_region(s->st, i, &bytes);

        s->differs[i] =
            bytes != s->root[i].used || (bytes && memcmp(p, s->root[i].p, bytes) != 0);
        if (s->differs[i])
            encode(s, i, p, bytes);
    }
    s->known = true;
    return hash_of(s->code.p, s->code.used);
}

void store_keep(struct store *s, uint32_t number)
{
    struct level *l = &s->next;

    if (l->n == l->cap_n) {
        l->cap_n = l->cap_n ? l->cap_n * 2 : 64;
        l->at = pcl_xrealloc(l->at, l->cap_n, sizeof *l->at);
        l->number = pcl_xrealloc(l->number, l->cap_n, sizeof *l->number);
    }
    l->at[l->n] = l->codes.used;
    l->number[l->n++] = number;
    put(&l->codes, s->code.p, s->code.used);
}

static const unsigned char *decode(const struct bytes *root, const unsigned char *code,
                                   unsigned char *to, size_t bytes)
{
    size_t words = bytes / WORD;

    for (size_t done = 0; done < words;) {
        struct run r;

        memcpy(&r, code, sizeof r);
        code += sizeof r;
        if (r.alike)
            memcpy(to + done * WORD, root->p + done * WORD, r.alike * WORD);
        done += r.alike;
        memcpy(to + done * WORD, code, r.other * WORD);
        done += r.other;
        code += r.other * WORD;
    }
    if (bytes > words * WORD)
        memcpy(to + words * WORD, code, bytes - words * WORD);
    return code + (bytes - words * WORD);
}

/* The counts are among the regions: where an array lies and how long it is now does not matter, it
 * has room for what it held once. */
void store_restore(struct store *s, uint32_t i)
{
    const struct level *l = &s->level;
    const unsigned char *p = l->codes.p + l->at[i];
    const unsigned char *end = l->codes.p + (i + 1 < l->n ? l->at[i + 1] : l->codes.used);
    struct part part = {.region = UINT32_MAX};
    size_t now;

    for (size_t k = 0; k < s->n_regions; k++) {
        bool was = !s->known || s->differs[k]; /* else it is as the root's */

        if (part.region == UINT32_MAX && p < end) {
            memcpy(&part, p, sizeof part);
            p += sizeof part;
        }
        s->differs[k] = part.region == k;
        if (s->differs[k]) {
            p = decode(&s->root[k], p, pcl_state_region(s->st, k, &now), part.bytes);
            part.region = UINT32_MAX;
        } else if (was && s->root[k].used) {
            memcpy(pcl_state_region(s->st, k, &now), s->root[k].p, s->root[k].used);
        }
    }
    s->known = true;
}

void store_descend(struct store *s)
{
    struct level l = s->level;

    s->level = s->next;
    s->next = l;
    s->next.n = 0;
    s->next.codes.used = 0;
}

static void level_fini(struct level *l)
{
    free(l->codes.p);
    free(l->at);
    free(l->number);
}

void store_join(struct store *s, uint32_t i)
{
    struct level joined = {.n = 0}, *l[2] = {&s->level, &s->next};

    for (int k = 0; k < 2; k++, i = 0) {
        size_t from = i < l[k]->n ? l[k]->at[i] : l[k]->codes.used;
        size_t shift = joined.codes.used - from;

        for (uint32_t j = i; j < l[k]->n; j++) {
            if (joined.n == joined.cap_n) {
                joined.cap_n = joined.cap_n ? joined.cap_n * 2 : 64;
                joined.at = pcl_xrealloc(joined.at, joined.cap_n, sizeof *joined.at);
                joined.number = pcl_xrealloc(joined.number, joined.cap_n, sizeof *joined.number);
            }
            joined.at[joined.n] = l[k]->at[j] + shift;
            joined.number[joined.n++] = l[k]->number[j];
        }
        if (l[k]->codes.used > from)
            put(&joined.codes, l[k]->codes.p + from, l[k]->codes.used - from);
    }
    level_fini(&s->level);
    s->level = joined;
    s->next.n = 0;
    s->next.codes.used = 0;
}

void store_begin(struct store *s, const struct pcl_state *st)
{
    *s = (struct store){.st = st, .n_regions = st->n};
    s->root = pcl_xcalloc(st->n + 1, sizeof *s->root);
    s->differs = pcl_xcalloc(st->n + 1, sizeof *s->differs);
    for (size_t i = 0; i < st->n; i++) {
        size_t bytes;
        const unsigned char *p = pcl_state_region(st, i, &bytes);

        put(&s->root[i], p, bytes);
    }
}

void store_fini(struct store *s)
{
    for (size_t i = 0; i < s->n_regions; i++) {
        size_t bytes;
        void *p = pcl_state_region(s->st, i, &bytes);

        if (s->root[i].used)
            memcpy(p, s->root[i].p, s->root[i].used);
        free(s->root[i].p);
    }
    free(s->root);
    free(s->differs);
    free(s->code.p);
    free(s->slot_hash);
    free(s->slot_number);
    free(s->found);
    free(s->edge);
    free(s->end);
    level_fini(&s->level);
    level_fini(&s->next);
}

char *store_schedule(const struct store *s, uint32_t number)
{
    size_t n = 0, steps = 0, at = 0;

    for (uint32_t i = number; i != 0; i = s->found[i].from, n++)
        steps += s->found[i].by.steps;
    uint32_t *state = pcl_xcalloc(n + 1, sizeof *state), *move = pcl_xcalloc(steps + 1, sizeof *move);

    for (uint32_t i = number, k = 0; i != 0; i = s->found[i].from)
        state[n - ++k] = i;
    for (size_t i = 0; i < n; i++) {
        const struct move *by = &s->found[state[i]].by;

        for (uint32_t k = 0; k < by->steps; k++)
            move[at++] = by->body * 2u + (by->yes && k == 0);
    }
    char *text = schedule_text(move, steps);

    free(state);
    free(move);
    return text;
}

/* --- a place to go on from ------------------------------------------------------------------- */

struct header {
    char magic[16];
    uint64_t key, root_hash;
    uint64_t n_found, n_edges, n_ends, n_level, level_bytes;
    uint64_t steps;
    uint64_t depth;
};

static const char magic[16] = "pclsim explore1";

static uint64_t root_hash(const struct store *s)
{
    uint64_t h = s->n_regions;

    for (size_t i = 0; i < s->n_regions; i++)
        h = mix(h, hash_of(s->root[i].p, s->root[i].used));
    return h;
}

static bool give(FILE *f, const void *array, size_t n, size_t size)
{
    return n == 0 || fwrite(array, size, n, f) == n;
}

static bool write_all(FILE *f, const struct header *h, const struct store *s)
{
    return give(f, h, 1, sizeof *h) && give(f, s->found, s->n_found, sizeof *s->found) &&
           give(f, &s->n_slots, 1, sizeof s->n_slots) &&
           give(f, s->slot_hash, s->n_slots, sizeof *s->slot_hash) &&
           give(f, s->slot_number, s->n_slots, sizeof *s->slot_number) &&
           give(f, s->edge, s->n_edges, sizeof *s->edge) &&
           give(f, s->end, s->n_ends, sizeof *s->end) &&
           give(f, s->level.at, s->level.n, sizeof *s->level.at) &&
           give(f, s->level.number, s->level.n, sizeof *s->level.number) &&
           give(f, s->level.codes.p, s->level.codes.used, 1);
}

int store_save(const struct store *s, const char *path, uint64_t key,
               const struct pcl_explore_result *r, struct pcl_err *err)
{
    struct header h = {.key = key,
                       .root_hash = root_hash(s),
                       .n_found = s->n_found,
                       .n_edges = s->n_edges,
                       .n_ends = s->n_ends,
                       .n_level = s->level.n,
                       .level_bytes = s->level.codes.used,
                       .steps = r->steps,
                       .depth = r->depth};
    size_t n = strlen(path) + 5;
    char *part = pcl_xcalloc(n, 1);

    memcpy(h.magic, magic, sizeof magic);
    (void)snprintf(part, n, "%s.new", path); /* the old place is good until the new one is whole */
    FILE *f = fopen(part, "wb");
    bool ok = f && write_all(f, &h, s);

    if (f && fclose(f) != 0)
        ok = false;
    ok = ok && rename(part, path) == 0;
    if (!ok) {
        (void)pcl_fail(err, PCL_EIO, "cannot write '%s': %s", path, strerror(errno));
        (void)remove(part);
    }
    free(part);
    return ok ? PCL_OK : PCL_EIO;
}

/* Reads n elements into a new array that has room for one more. */
static void *take(FILE *f, uint64_t n, size_t size, bool *ok)
{
    *ok = *ok && n < SIZE_MAX / size / 2;
    void *array = pcl_xcalloc(*ok ? (size_t)n + 1 : 1, size);

    *ok = *ok && fread(array, size, (size_t)n, f) == n;
    return array;
}

static bool read_all(FILE *f, const struct header *h, struct store *s)
{
    bool ok = true;

    s->found = take(f, h->n_found, sizeof *s->found, &ok);
    ok = ok && fread(&s->n_slots, sizeof s->n_slots, 1, f) == 1;
    s->slot_hash = take(f, s->n_slots, sizeof *s->slot_hash, &ok);
    s->slot_number = take(f, s->n_slots, sizeof *s->slot_number, &ok);
    s->edge = take(f, h->n_edges, sizeof *s->edge, &ok);
    s->end = take(f, h->n_ends, sizeof *s->end, &ok);
    s->level.at = take(f, h->n_level, sizeof *s->level.at, &ok);
    s->level.number = take(f, h->n_level, sizeof *s->level.number, &ok);
    s->level.codes.p = take(f, h->level_bytes, 1, &ok);
    s->n_found = (uint32_t)h->n_found;
    s->cap_found = s->n_found + 1;
    s->n_edges = (size_t)h->n_edges;
    s->cap_edges = s->n_edges + 1;
    s->n_ends = (uint32_t)h->n_ends;
    s->cap_ends = s->n_ends + 1;
    s->level.n = (uint32_t)h->n_level;
    s->level.cap_n = s->level.n + 1;
    s->level.codes.used = (size_t)h->level_bytes;
    s->level.codes.cap = s->level.codes.used + 1;
    return ok;
}

int store_load(struct store *s, const char *path, uint64_t key, struct pcl_explore_result *r,
               struct pcl_err *err)
{
    struct header h;
    FILE *f = fopen(path, "rb");
    int rc = PCL_OK;

    if (!f)
        return errno == ENOENT ? PCL_ENOENT
                               : pcl_fail(err, PCL_EIO, "cannot read '%s': %s", path,
                                          strerror(errno));
    if (fread(&h, sizeof h, 1, f) != 1 || memcmp(h.magic, magic, sizeof magic) != 0)
        rc = pcl_fail(err, PCL_EINVAL, "%s: want the place of a search, found something else", path);
    else if (h.key != key || h.root_hash != root_hash(s))
        rc = pcl_fail(err, PCL_EINVAL,
                      "%s: want the place of this search, found that of another scenario, scheme, "
                      "bound or build", path);
    else if (h.n_found >= UINT32_MAX / 2 || h.n_level > h.n_found || !read_all(f, &h, s))
        rc = pcl_fail(err, PCL_EINVAL, "%s: want a whole file, found one that is cut off", path);
    (void)fclose(f);
    if (rc == PCL_OK) {
        r->steps = h.steps;
        r->depth = (uint32_t)h.depth;
        r->resumed = true;
    }
    return rc;
}
