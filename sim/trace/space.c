/*
 * Address spaces: intervals in the C library's balanced tree, compared so that two intervals
 * are "equal" when they overlap. A lookup of a range then finds any mapping in it, and the
 * invariant that mappings never overlap is what makes the order total.
 */
#include "space.h"

#include <search.h>
#include <stdlib.h>

static int by_address(const void *a, const void *b)
{
    const struct mapping *x = a, *y = b;

    if (x->to <= y->from)
        return -1;
    return x->from >= y->to;
}

static struct mapping range(uint64_t from, uint64_t len)
{
    uint64_t to;

    if (__builtin_add_overflow(from, len, &to))
        to = UINT64_MAX;
    return (struct mapping){.from = from, .to = to};
}

struct space *space_new(void)
{
    struct space *s = pcl_xcalloc(1, sizeof(*s));

    s->refs = 1;
    return s;
}

static void insert(struct space *s, struct mapping m)
{
    struct mapping *p = pcl_xcalloc(1, sizeof(*p));

    *p = m;
    p->prev = NULL;
    p->next = s->list;
    if (s->list)
        s->list->prev = p;
    s->list = p;
    s->n++;
    PCL_ASSERT(tsearch(p, &s->tree, by_address) != NULL);
}

static void drop(struct space *s, struct mapping *p)
{
    (void)tdelete(p, &s->tree, by_address);
    if (p->prev)
        p->prev->next = p->next;
    else
        s->list = p->next;
    if (p->next)
        p->next->prev = p->prev;
    s->n--;
    free(p);
}

static struct mapping *overlap(const struct space *s, const struct mapping *key)
{
    struct mapping *const *node = tfind(key, &s->tree, by_address);

    return node ? *node : NULL;
}

void space_unref(struct space *s)
{
    if (!s || --s->refs > 0)
        return;
    while (s->list)
        drop(s, s->list);
    free(s);
}

void space_unmap(struct space *s, uint64_t from, uint64_t len)
{
    struct mapping key = range(from, len), *hit;

    if (key.from == key.to)
        return;
    while ((hit = overlap(s, &key)) != NULL) {
        struct mapping left = *hit, right = *hit;
        drop(s, hit);
        if (left.from < key.from) {
            left.to = key.from;
            insert(s, left);
        }
        if (right.to > key.to) {
            right.off += (int64_t)(key.to - right.from); /* inside a mapping: cannot overflow */
            right.from = key.to;
            insert(s, right);
        }
    }
}

void space_map(struct space *s, uint64_t from, uint64_t len, uint32_t file, int64_t off,
               bool shared)
{
    struct mapping m = range(from, len);
    int64_t end;

    if (m.from == m.to || m.to - m.from > (uint64_t)INT64_MAX ||
        __builtin_add_overflow(off, (int64_t)(m.to - m.from), &end))
        return;
    m.file = file;
    m.off = off;
    m.shared = shared;
    space_unmap(s, from, len);
    insert(s, m);
}

const struct mapping *space_find(const struct space *s, uint64_t from, uint64_t len)
{
    struct mapping first = range(from, 1), all = range(from, len ? len : 1);
    const struct mapping *m = overlap(s, &first);

    return m ? m : overlap(s, &all);
}

void space_copy(struct space *to, const struct space *from)
{
    for (const struct mapping *m = from->list; m; m = m->next)
        insert(to, *m);
}
