/*
 * The index against a model that cannot be wrong: an unsorted list of folios. Same random
 * operations on both, same answers, and the structure stays sound.
 */
#include "cache_test.h"

#define MAX_MODEL 600

struct naive_folio {
    uint64_t pgoff;
    uint32_t inode;
    unsigned order;
    unsigned flags;
};

struct naive {
    struct naive_folio f[MAX_MODEL];
    unsigned n;
};

static uint64_t last_of(const struct naive_folio *f)
{
    return f->pgoff + (UINT64_C(1) << f->order) - 1;
}

/* Index of the first folio of [first, last] with one of the flags (0: any), or -1. */
static int naive_next(const struct naive *m, uint32_t inode, uint64_t first, uint64_t last,
                      unsigned flag)
{
    int best = -1;

    for (unsigned i = 0; i < m->n; i++) {
        const struct naive_folio *f = &m->f[i];

        if (f->inode != inode || f->pgoff > last || last_of(f) < first)
            continue;
        if (flag != 0 && !(f->flags & flag))
            continue;
        if (best < 0 || f->pgoff < m->f[best].pgoff)
            best = (int)i;
    }
    return best;
}

static void assert_same(const struct pcl_cache *c, uint32_t id, const struct naive *m, int i)
{
    if (i < 0) {
        assert_int_equal(id, PCL_NONE);
        return;
    }
    assert_int_not_equal(id, PCL_NONE);
    assert_true(c->folio[id].pgoff == m->f[i].pgoff);
    assert_int_equal(c->folio[id].order, m->f[i].order);
    assert_int_equal(c->folio[id].inode, m->f[i].inode);
    assert_int_equal(c->flags[id] & (PCL_FOLIO_DIRTY | PCL_FOLIO_WRITEBACK), m->f[i].flags);
}

/* Places where things happen: the file's start, a middle, and the very end of 8 EiB. */
static uint64_t some_page(struct rnd *r)
{
    static const uint64_t base[] = {0, 60, 4096 - 512, UINT64_C(1) << 30, PCL_PAGE_LAST - 4095};
    uint64_t at = base[rnd_below(r, 5)];

    return at + rnd_below(r, rnd_below(r, 3) == 0 ? 8 : 4096 - 512);
}

struct world {
    struct pcl_cache *c;
    struct naive m;
    struct rnd r;
    unsigned inodes;
};

static void do_insert(struct world *w)
{
    unsigned order = rnd_below(&w->r, 3) == 0 ? (unsigned)rnd_below(&w->r, 10) : 0;
    uint64_t pgoff = some_page(&w->r) >> order << order;
    uint32_t inode = (uint32_t)rnd_below(&w->r, w->inodes);
    struct naive_folio f = {pgoff, inode, order, 0};
    uint32_t id;

    if (w->m.n == MAX_MODEL)
        return;
    if (rnd_below(&w->r, 4) == 0)
        f.flags = PCL_FOLIO_DIRTY;
    id = add(w->c, inode, pgoff, order, f.flags);
    assert_int_equal(id == PCL_NONE, naive_next(&w->m, inode, pgoff, last_of(&f), 0) >= 0);
    if (id != PCL_NONE)
        w->m.f[w->m.n++] = f;
}

static void do_find(struct world *w)
{
    uint64_t pgoff = some_page(&w->r);
    uint32_t inode = (uint32_t)rnd_below(&w->r, w->inodes);

    assert_same(w->c, pcl_cache_find(w->c, inode, pgoff, NULL), &w->m,
                naive_next(&w->m, inode, pgoff, pgoff, 0));
}

static void do_next(struct world *w)
{
    uint64_t a = some_page(&w->r), b = some_page(&w->r);
    uint32_t inode = (uint32_t)rnd_below(&w->r, w->inodes);
    unsigned flag = rnd_below(&w->r, 2) ? PCL_FOLIO_DIRTY : PCL_FOLIO_WRITEBACK;

    if (rnd_below(&w->r, 4) == 0)
        b = UINT64_MAX;
    if (a > b) {
        uint64_t t = a;

        a = b;
        b = t;
    }
    assert_same(w->c, pcl_cache_next(w->c, inode, a, b, NULL), &w->m,
                naive_next(&w->m, inode, a, b, 0));
    assert_same(w->c, pcl_cache_next_tagged(w->c, inode, a, b, (enum pcl_folio_flag)flag, NULL),
                &w->m, naive_next(&w->m, inode, a, b, flag));
}

static void do_batch(struct world *w)
{
    uint64_t first = some_page(&w->r), at = first,
             last = rnd_below(&w->r, 2) ? first + 300 : UINT64_MAX;
    uint32_t inode = (uint32_t)rnd_below(&w->r, w->inodes), id[31];
    unsigned flag = rnd_below(&w->r, 2) ? PCL_FOLIO_DIRTY : 0, n;

    n = pcl_cache_batch(w->c, inode, &first, last, flag, id, 31, NULL);
    for (unsigned i = 0; i < n; i++) {
        int k = naive_next(&w->m, inode, at, last, flag);

        assert_same(w->c, id[i], &w->m, k);
        at = last_of(&w->m.f[k]) + 1;
        pcl_folio_put(w->c, id[i]);
    }
    if (n < 31 && at <= last)
        assert_int_equal(naive_next(&w->m, inode, at, last, flag), -1);
    if (n > 0)
        assert_true(first == at);
}

/* Removes or changes one folio of the model. */
static void do_change(struct world *w)
{
    unsigned i;
    struct naive_folio *f;
    uint32_t id;

    if (w->m.n == 0)
        return;
    i = (unsigned)rnd_below(&w->r, w->m.n);
    f = &w->m.f[i];
    id = pcl_cache_find(w->c, f->inode, f->pgoff, NULL);
    assert_same(w->c, id, &w->m, (int)i);
    switch (rnd_below(&w->r, 6)) {
    case 0:
        assert_int_equal(pcl_folio_set_dirty(w->c, id), !(f->flags & PCL_FOLIO_DIRTY));
        f->flags |= PCL_FOLIO_DIRTY;
        break;
    case 1:
        assert_int_equal(pcl_folio_clear_dirty(w->c, id), (f->flags & PCL_FOLIO_DIRTY) != 0);
        f->flags &= ~(unsigned)PCL_FOLIO_DIRTY;
        break;
    case 2:
        (void)pcl_folio_set_writeback(w->c, id);
        f->flags |= PCL_FOLIO_WRITEBACK;
        break;
    case 3:
        (void)pcl_folio_clear_writeback(w->c, id);
        f->flags &= ~(unsigned)PCL_FOLIO_WRITEBACK;
        break;
    default:
        pcl_cache_remove(w->c, id, NULL);
        *f = w->m.f[--w->m.n];
        break;
    }
}

static void check_world(const struct world *w)
{
    uint64_t pages = 0, dirty = 0;

    assert_sound(w->c);
    for (unsigned i = 0; i < w->m.n; i++) {
        pages += UINT64_C(1) << w->m.f[i].order;
        if (w->m.f[i].flags & PCL_FOLIO_DIRTY)
            dirty += UINT64_C(1) << w->m.f[i].order;
    }
    assert_true(w->c->t->nr_pages == pages);
    assert_true(w->c->t->nr_dirty == dirty);
    assert_true(w->c->t->nr_folios == w->m.n);
}

static void random_operations_agree_with_a_list(void **state)
{
    static struct world w;

    (void)state;
    w = (struct world){.r = {20200921}, .inodes = 3};
    w.c = small_cache();
    (void)pcl_inode_new(w.c, 0);
    (void)pcl_inode_new(w.c, 4096);
    for (unsigned i = 0; i < 60000; i++) {
        /* fill up and empty in turn */
        unsigned grow = i / 5000 % 2 == 0 ? 5 : 2;
        uint64_t k = rnd_below(&w.r, 10);

        if (k < grow)
            do_insert(&w);
        else if (k < 7)
            do_change(&w);
        else if (k == 7)
            do_find(&w);
        else if (k == 8)
            do_next(&w);
        else
            do_batch(&w);
        if (i % 500 == 0)
            check_world(&w);
    }
    while (w.m.n > 0)
        do_change(&w);
    check_world(&w);
    assert_true(w.c->t->nr_nodes == 0);
    pcl_cache_free(w.c);
}

static void a_removed_folio_lives_while_referenced(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = pcl_cache_insert(c, 0, 77, 0, PCL_FOLIO_LOCKED, NULL), g;

    (void)state;
    assert_true(pcl_folio_holds(c, f, 0, 77));
    pcl_cache_remove(c, f, NULL);
    assert_int_equal(c->folio[f].inode, PCL_NONE);
    assert_true(c->folio[f].pgoff == 77);
    assert_true(c->flags[f] & PCL_FOLIO_LOCKED);
    assert_false(pcl_folio_holds(c, f, 0, 77));
    g = add(c, 0, 77, 0, 0);
    assert_int_not_equal(f, g);
    pcl_folio_put(c, f);
    assert_int_equal(add(c, 0, 78, 0, 0), f); /* the id is free again */
    assert_sound(c);
    pcl_cache_free(c);
}

static void a_large_folio_answers_for_all_its_pages(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = add(c, 0, 512, 9, 0);

    (void)state;
    assert_int_equal(pcl_cache_find(c, 0, 511, NULL), PCL_NONE);
    assert_int_equal(pcl_cache_find(c, 0, 512, NULL), f);
    assert_int_equal(pcl_cache_find(c, 0, 700, NULL), f);
    assert_int_equal(pcl_cache_find(c, 0, 1023, NULL), f);
    assert_int_equal(pcl_cache_find(c, 0, 1024, NULL), PCL_NONE);
    assert_int_equal(pcl_cache_next(c, 0, 1000, 1000, NULL), f);
    assert_int_equal(add(c, 0, 600, 0, 0), PCL_NONE);
    assert_true(pcl_folio_holds(c, f, 0, 1023));
    assert_false(pcl_folio_holds(c, f, 0, 1024));
    assert_true(pcl_folio_last(c, f) == 1023);
    pcl_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_a_list),
        cmocka_unit_test(a_removed_folio_lives_while_referenced),
        cmocka_unit_test(a_large_folio_answers_for_all_its_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
