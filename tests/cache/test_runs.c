/*
 * Runs are storage only: a cache with runs and one without answer everything alike, node counts
 * included; and they cost next to nothing.
 */
#include "cache_test.h"

static struct pcl_cache *new_cache(bool literal, bool fold, bool explore)
{
    struct pcl_cache_conf conf = {
        .seed = 3, .literal = literal, .fold = fold, .explore = explore};
    struct pcl_cache *c = pcl_cache_new(&conf, NULL);

    (void)pcl_inode_new(c, INT64_MAX);
    (void)pcl_inode_new(c, INT64_MAX);
    return c;
}

static void assert_same_folio(const struct pcl_cache *a, uint32_t x, const struct pcl_cache *b,
                              uint32_t y)
{
    assert_int_equal(x == PCL_NONE, y == PCL_NONE);
    if (x == PCL_NONE)
        return;
    assert_true(a->folio[x].pgoff == b->folio[y].pgoff);
    assert_int_equal(a->folio[x].order, b->folio[y].order);
    assert_int_equal(a->folio[x].inode, b->folio[y].inode);
    assert_int_equal(a->folio[x].pfn, b->folio[y].pfn);
    assert_int_equal(a->folio[x].refs, b->folio[y].refs);
    assert_int_equal(a->flags[x], b->flags[y]);
}

static void assert_same_totals(const struct pcl_cache *a, const struct pcl_cache *b)
{
    assert_true(a->t->nr_pages == b->t->nr_pages);
    assert_true(a->t->nr_folios == b->t->nr_folios);
    assert_true(a->t->nr_nodes == b->t->nr_nodes);
    assert_true(a->t->nr_dirty == b->t->nr_dirty);
    assert_true(a->peak_nodes == b->peak_nodes);
    assert_true(a->peak_pages == b->peak_pages);
}

/* The same on all three: without runs, with runs, with runs that come back. */
struct trio {
    struct pcl_cache *c[3];
    struct rnd r;
};

static uint64_t some_page(struct rnd *r)
{
    static const uint64_t base[] = {0, UINT64_C(1) << 18, PCL_PAGE_LAST - 9999};

    return base[rnd_below(r, 3)] + rnd_below(r, 9000);
}

static void populate(struct trio *t)
{
    uint64_t first = some_page(&t->r), n = rnd_below(&t->r, 900);
    unsigned order = rnd_below(&t->r, 2) ? (unsigned)rnd_below(&t->r, 10) : 0;
    uint32_t inode = (uint32_t)rnd_below(&t->r, 2);

    for (unsigned i = 0; i < 3; i++)
        pcl_cache_populate(t->c[i], inode, first, n, order, 0);
}

static void look(struct trio *t)
{
    uint64_t pgoff = some_page(&t->r), last = pgoff + rnd_below(&t->r, 500);
    uint32_t inode = (uint32_t)rnd_below(&t->r, 2), id[3];
    unsigned nodes[3] = {0}, what = (unsigned)rnd_below(&t->r, 8);

    for (unsigned i = 0; i < 3; i++) {
        struct pcl_cache *c = t->c[i];

        id[i] = what < 5 ? pcl_cache_get(c, inode, pgoff, &nodes[i])
                         : pcl_cache_next(c, inode, pgoff, last, &nodes[i]);
        if (id[i] == PCL_NONE)
            continue;
        if (what >= 5)
            pcl_folio_get(c, id[i]);
        if (what == 4)
            (void)pcl_folio_set_dirty(c, id[i]);
        if (what >= 6)
            pcl_cache_remove(c, id[i], &nodes[i]);
    }
    for (unsigned i = 1; i < 3; i++) {
        assert_same_folio(t->c[0], id[0], t->c[i], id[i]);
        assert_int_equal(nodes[0], nodes[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        if (id[i] != PCL_NONE)
            pcl_folio_put(t->c[i], id[i]);
}

static void batch(struct trio *t)
{
    uint64_t first[3] = {some_page(&t->r)}, last = first[0] + rnd_below(&t->r, 400);
    uint32_t inode = (uint32_t)rnd_below(&t->r, 2), id[3][31];
    unsigned nodes[3] = {0}, n[3];

    first[1] = first[2] = first[0];
    for (unsigned i = 0; i < 3; i++)
        n[i] = pcl_cache_batch(t->c[i], inode, &first[i], last, 0, id[i], 31, &nodes[i]);
    for (unsigned i = 1; i < 3; i++) {
        assert_int_equal(n[0], n[i]);
        assert_int_equal(nodes[0], nodes[i]);
        assert_true(first[0] == first[i]);
    }
    for (unsigned k = 0; k < n[0]; k++) {
        assert_same_folio(t->c[0], id[0][k], t->c[1], id[1][k]);
        assert_same_folio(t->c[0], id[0][k], t->c[2], id[2][k]);
    }
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < n[i]; k++)
            pcl_folio_put(t->c[i], id[i][k]);
}

static void clean_up(struct trio *t)
{
    for (unsigned i = 0; i < 3; i++)
        for (uint32_t inode = 0; inode < 2; inode++)
            for (;;) {
                uint32_t f = pcl_cache_next(t->c[i], inode, 0, PCL_PAGE_LAST, NULL);

                if (f == PCL_NONE)
                    break;
                pcl_cache_remove(t->c[i], f, NULL);
            }
}

/* explore: struct pages come back, so that runs can be made where folios were removed. */
static void compare(bool explore)
{
    static struct trio t;

    t.r.x = 77;
    t.c[0] = new_cache(true, false, explore);
    t.c[1] = new_cache(false, false, explore);
    t.c[2] = new_cache(false, true, explore);
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 4000; i++) {
            if (i % 100 == 0)
                populate(&t);
            if (i % 4 == 0)
                batch(&t);
            else
                look(&t);
            if (i % 400 == 0)
                for (unsigned k = 0; k < 3; k++) {
                    assert_sound(t.c[k]);
                    assert_same_totals(t.c[0], t.c[k]);
                }
        }
        clean_up(&t);
    }
    for (unsigned k = 0; k < 3; k++) {
        assert_sound(t.c[k]);
        assert_true(t.c[k]->t->nr_nodes == 0 && t.c[k]->t->nr_run == 0);
        pcl_cache_free(t.c[k]);
    }
}

static void runs_change_no_answer(void **state)
{
    (void)state;
    compare(false);
    compare(true);
}

static void sixty_four_gigabytes_fit_in_a_few_kilobytes(void **state)
{
    const uint64_t pages = UINT64_C(1) << 24;
    struct pcl_cache *c = new_cache(false, true, false);
    struct pcl_cache_memory m;
    uint32_t f;

    (void)state;
    pcl_cache_populate(c, 0, 0, pages, 0, 0);
    assert_true(c->t->nr_pages == pages);
    assert_true(c->t->nr_folios == pages);
    /* 2^18 leaves, 2^12 and 2^6 above them, the root */
    assert_true(c->t->nr_nodes == (1u << 18) + (1u << 12) + (1u << 6) + 1);
    pcl_cache_memory(c, &m);
    assert_true(m.host_bytes < 64 << 10);
    assert_true(m.page_bytes == pages * 64);
    f = pcl_cache_get(c, 0, 12345678, NULL);
    assert_true(c->folio[f].pgoff == 12345678);
    assert_int_equal(c->flags[f], PCL_FOLIO_UPTODATE);
    assert_true(c->t->nr_run == pages - 1);
    pcl_folio_put(c, f);
    assert_true(c->t->nr_run == pages);
    pcl_cache_free(c);
}

/* In steady state, every page touched once at least, a clean page costs a slot and its share of
 * a node. */
static void touched_pages_fold_to_a_slot_each(void **state)
{
    const uint64_t pages = 1 << 18;
    struct pcl_cache *c = new_cache(false, true, false);
    struct pcl_cache_memory m;
    struct rnd r = {9};

    (void)state;
    pcl_cache_populate(c, 0, 0, pages, 0, 0);
    for (uint64_t i = 0; i < 4 * pages; i++) {
        uint32_t f = pcl_cache_get(c, 0, i < pages ? i : rnd_below(&r, pages), NULL);

        pcl_folio_put(c, f);
    }
    pcl_cache_memory(c, &m);
    assert_true(m.host_bytes < 8 * pages);
    assert_true(c->t->nr_run == pages);
    pcl_cache_free(c);
}

static void a_folio_that_differs_stays_a_folio(void **state)
{
    struct pcl_cache *c = new_cache(false, true, false);
    uint32_t f;

    (void)state;
    pcl_cache_populate(c, 0, 0, 128, 0, 0);
    f = pcl_cache_get(c, 0, 5, NULL);
    c->flags[f] |= PCL_FOLIO_LOCKED;
    pcl_folio_put(c, f);
    assert_true(c->t->nr_run == 127);
    assert_int_equal(pcl_cache_find(c, 0, 5, NULL), f);
    pcl_folio_get(c, f);
    (void)pcl_folio_set_dirty(c, f);
    c->flags[f] &= (uint8_t)~PCL_FOLIO_LOCKED;
    pcl_folio_put(c, f);
    assert_true(c->t->nr_run == 127);
    pcl_folio_get(c, f);
    (void)pcl_folio_clear_dirty(c, f);
    pcl_map_set(c, 0, 1, 5, f, false);
    pcl_folio_put(c, f);
    assert_true(c->t->nr_run == 127);
    (void)pcl_map_clear(c, 0, 1, 5); /* drops the mapping's reference: the last one */
    assert_true(c->t->nr_run == 128);
    assert_sound(c);
    pcl_cache_free(c);
}

static void unaligned_ends_get_smaller_folios(void **state)
{
    struct pcl_cache *c = new_cache(false, false, false);
    unsigned orders = 0;

    (void)state;
    pcl_cache_populate(c, 0, 3, 600, 6, 0);
    assert_true(c->t->nr_pages == 600);
    for (uint64_t p = 3; p < 603;) {
        uint32_t f = pcl_cache_find(c, 0, p, NULL);

        assert_true(c->folio[f].pgoff == p);
        orders |= 1u << c->folio[f].order;
        p = pcl_folio_last(c, f) + 1;
    }
    assert_int_equal(pcl_cache_find(c, 0, 2, NULL), PCL_NONE);
    assert_int_equal(pcl_cache_find(c, 0, 603, NULL), PCL_NONE);
    assert_true(orders & 1u << 6);
    assert_sound(c);
    pcl_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_change_no_answer),
        cmocka_unit_test(sixty_four_gigabytes_fit_in_a_few_kilobytes),
        cmocka_unit_test(touched_pages_fold_to_a_slot_each),
        cmocka_unit_test(a_folio_that_differs_stays_a_folio),
        cmocka_unit_test(unaligned_ends_get_smaller_folios),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
