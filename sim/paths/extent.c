/*
 * Which pages of an inode have blocks on disk: a sorted array of disjoint page ranges. It only
 * decides what an operation costs (a hole is zero-filled, an extent is a transaction); what the
 * blocks contain is the oracle's business.
 */
#include <string.h>

#include "step.h"

/* First extent whose last page is not before page. */
static uint32_t find(const struct pcl_extents *e, uint64_t page)
{
    uint32_t lo = 0, hi = e->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (e->v[mid].last < page)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool pcl_ext_mapped(const struct pcl_extents *e, uint64_t page)
{
    uint32_t i = find(e, page);

    return i < e->n && e->v[i].first <= page;
}

uint64_t pcl_ext_same(const struct pcl_extents *e, uint64_t page)
{
    uint32_t i = find(e, page);

    if (i == e->n)
        return PCL_PAGE_LAST;
    return e->v[i].first <= page ? e->v[i].last : e->v[i].first - 1;
}

/* Replaces extents [at, at + old) by n empty ones. */
static void splice(struct pcl_extents *e, uint32_t at, uint32_t old, uint32_t n)
{
    if (e->n - old + n > e->cap) {
        e->cap = e->cap ? e->cap * 2 : 4;
        e->v = pcl_xrealloc(e->v, e->cap, sizeof(*e->v));
    }
    memmove(&e->v[at + n], &e->v[at + old], (e->n - at - old) * sizeof(*e->v));
    e->n = e->n - old + n;
}

void pcl_ext_map(struct pcl_extents *e, uint64_t first, uint64_t last)
{
    uint32_t i = find(e, first ? first - 1 : 0), j = i;

    while (j < e->n && (last == PCL_PAGE_LAST || e->v[j].first <= last + 1)) {
        first = e->v[j].first < first ? e->v[j].first : first;
        last = e->v[j].last > last ? e->v[j].last : last;
        j++;
    }
    splice(e, i, j - i, 1);
    e->v[i].first = first;
    e->v[i].last = last;
}

uint32_t pcl_ext_unmap(struct pcl_extents *e, uint64_t first, uint64_t last)
{
    uint32_t i = find(e, first), j = i;

    while (j < e->n && e->v[j].first <= last)
        j++;
    if (i == j)
        return 0;
    uint64_t left = e->v[i].first, right = e->v[j - 1].last;
    uint32_t keep = (uint32_t)(left < first) + (uint32_t)(right > last), cut = j - i;

    splice(e, i, cut, keep);
    if (left < first) {
        e->v[i].first = left;
        e->v[i].last = first - 1;
    }
    if (right > last) {
        e->v[i + keep - 1].first = last + 1;
        e->v[i + keep - 1].last = right;
    }
    return cut;
}

uint32_t pcl_ext_collapse(struct pcl_extents *e, uint64_t page, uint64_t n)
{
    (void)pcl_ext_unmap(e, page - n, page - 1); /* where nothing keeps fillers out */
    uint32_t from = find(e, page), moved = e->n - from;

    for (uint32_t i = from; i < e->n; i++) {
        e->v[i].first -= n;
        e->v[i].last -= n;
    }
    if (from > 0 && moved > 0 && e->v[from - 1].last + 1 == e->v[from].first) {
        e->v[from - 1].last = e->v[from].last;
        splice(e, from, 1, 0);
    }
    return moved;
}

uint32_t pcl_ext_insert(struct pcl_extents *e, uint64_t page, uint64_t n)
{
    uint32_t from = find(e, page);

    if (from < e->n && e->v[from].first < page) {
        uint64_t last = e->v[from].last;

        e->v[from].last = page - 1;
        from++;
        splice(e, from, 0, 1);
        e->v[from].first = page;
        e->v[from].last = last;
    }
    for (uint32_t i = from; i < e->n; i++) {
        e->v[i].first += n;
        e->v[i].last += n;
    }
    return e->n - from;
}
