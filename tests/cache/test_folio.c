/*
 * Flags and counts, the LRU lists, struct-page numbers, and the cache as copyable state.
 */
#include "cache_test.h"

static void counts_follow_the_flags(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = pcl_cache_insert(c, 0, 64, 4, PCL_FOLIO_DIRTY, NULL);

    (void)state;
    assert_true(c->t->nr_dirty == 16 && c->inode[0].nr_dirty == 16);
    assert_false(pcl_folio_set_dirty(c, f));
    assert_true(pcl_folio_clear_dirty(c, f));
    assert_true(pcl_folio_set_writeback(c, f));
    assert_true(c->t->nr_dirty == 0 && c->t->nr_writeback == 16);
    assert_int_equal(pcl_cache_next_tagged(c, 0, 0, 79, PCL_FOLIO_WRITEBACK, NULL), f);
    assert_int_equal(pcl_cache_next_tagged(c, 0, 80, 99, PCL_FOLIO_WRITEBACK, NULL), PCL_NONE);
    (void)pcl_folio_set_dirty(c, f);
    pcl_cache_remove(c, f, NULL);
    assert_true(c->t->nr_dirty == 0 && c->t->nr_writeback == 0);
    assert_int_equal(c->flags[f] & PCL_FOLIO_DIRTY, 0);
    assert_true(pcl_folio_clear_writeback(c, f)); /* its I/O ends after it was removed */
    assert_true(c->t->nr_writeback == 0);
    pcl_folio_put(c, f);
    assert_sound(c);
    pcl_cache_free(c);
}

static void reclaim_takes_the_oldest_untouched_page(void **state)
{
    struct pcl_cache_conf conf = {.seed = 1, .memory_limit = 4 * PCL_PAGE_SIZE};
    struct pcl_cache *c = pcl_cache_new(&conf, NULL);
    uint32_t f[6];

    (void)state;
    (void)pcl_inode_new(c, 1 << 20);
    for (uint64_t i = 0; i < 6; i++) {
        assert_int_equal(pcl_cache_over_limit(c, 0), i > 4);
        f[i] = add(c, 0, i, 0, 0);
    }
    pcl_lru_touch(c, f[0]);
    pcl_lru_touch(c, f[0]); /* active now */
    pcl_lru_touch(c, f[1]);
    assert_int_equal(pcl_lru_oldest(c), f[1]);
    pcl_lru_rotate(c, f[1]);
    assert_int_equal(pcl_lru_oldest(c), f[2]);
    while (pcl_cache_over_limit(c, 0))
        pcl_cache_remove(c, pcl_lru_oldest(c), NULL);
    assert_true(c->t->nr_pages == 4);
    assert_int_equal(pcl_cache_find(c, 0, 0, NULL), f[0]);
    assert_int_equal(pcl_cache_find(c, 0, 2, NULL), PCL_NONE);
    assert_sound(c);
    pcl_cache_free(c);
}

static void the_active_list_refills_the_inactive_one(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f[8];

    (void)state;
    for (uint64_t i = 0; i < 8; i++) {
        f[i] = add(c, 0, i, 0, 0);
        pcl_lru_touch(c, f[i]);
        pcl_lru_touch(c, f[i]);
    }
    assert_int_equal(c->t->lru_len[PCL_LRU_ACTIVE], 8);
    assert_int_equal(pcl_lru_oldest(c), f[0]);
    assert_int_equal(c->t->lru_len[PCL_LRU_ACTIVE], 4);
    assert_int_equal(c->flags[f[0]] & PCL_FOLIO_ACTIVE, 0);
    assert_sound(c);
    pcl_cache_free(c);
}

static void reclaim_knows_untouched_runs(void **state)
{
    struct pcl_cache_conf conf = {.seed = 1, .memory_limit = 100 * PCL_PAGE_SIZE, .fold = true};
    struct pcl_cache *c = pcl_cache_new(&conf, NULL);
    uint32_t touched;
    uint64_t n = 0;

    (void)state;
    (void)pcl_inode_new(c, INT64_MAX);
    (void)pcl_inode_new(c, INT64_MAX);
    pcl_cache_populate(c, 1, 1000, 500, 0, 0);
    touched = pcl_cache_get(c, 1, 1000, NULL);
    pcl_folio_put(c, touched); /* under a limit it keeps its place in the LRU order */
    assert_true(c->t->nr_run == 499);
    while (pcl_cache_over_limit(c, 0)) {
        uint32_t f = pcl_lru_oldest(c);

        assert_true(c->folio[f].pgoff == 1001 + n);
        pcl_cache_remove(c, f, NULL);
        n++;
    }
    assert_true(n == 400 && c->t->nr_pages == 100);
    assert_int_equal(pcl_cache_find(c, 1, 1000, NULL), touched);
    while (c->t->nr_pages > 0)
        pcl_cache_remove(c, pcl_lru_oldest(c), NULL);
    assert_int_equal(pcl_lru_oldest(c), PCL_NONE);
    assert_sound(c);
    pcl_cache_free(c);
}

/* Keyed by (inode, index, generation): what other pages do, and when, is of no consequence. */
static void struct_pages_do_not_depend_on_order(void **state)
{
    struct pcl_cache *a = small_cache(), *b = small_cache();
    uint32_t pfn, f;

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        (void)add(a, 0, i, 0, 0);
        (void)add(b, 0, 99 - i, 0, 0);
    }
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(a->folio[pcl_cache_find(a, 0, i, NULL)].pfn,
                         b->folio[pcl_cache_find(b, 0, i, NULL)].pfn);
    f = pcl_cache_find(a, 0, 7, NULL);
    pfn = pcl_cache_pfn(a, f);
    pcl_cache_remove(a, f, NULL);
    assert_int_not_equal(pcl_cache_pfn(a, add(a, 0, 7, 0, 0)), pfn); /* another generation */
    assert_int_equal(pcl_cache_pfn(a, add(a, 0, 512, 3, 0)) % 8, 0);
    pcl_cache_free(a);
    pcl_cache_free(b);
}

static void churn(struct pcl_cache *c, struct rnd *r, unsigned n)
{
    while (n-- > 0) {
        uint64_t p = rnd_below(r, 3000);
        uint32_t f = pcl_cache_find(c, 0, p, NULL);

        if (f == PCL_NONE)
            (void)add(c, 0, p, 0, rnd_below(r, 2) ? PCL_FOLIO_DIRTY : 0);
        else if (rnd_below(r, 3) == 0)
            pcl_map_set(c, 0, (uint32_t)rnd_below(r, 3), p, f, true);
        else if (c->folio[f].mapcount == 0)
            pcl_cache_remove(c, f, NULL);
        else
            (void)pcl_unmap_range(c, 0, PCL_NONE, p, p, NULL, NULL);
    }
}

static void a_copy_restores_the_whole_state(void **state)
{
    struct pcl_cache_conf conf = {.seed = 1};
    struct pcl_state s;
    struct pcl_cache *c;
    struct rnd r = {4}, again;
    uint64_t before, after;
    void *copy;

    (void)state;
    pcl_state_init(&s);
    c = pcl_cache_new(&conf, &s);
    (void)pcl_inode_new(c, INT64_MAX);
    pcl_cache_populate(c, 0, 0, 2000, 0, 0);
    churn(c, &r, 3000);
    before = pcl_state_hash(&s);
    copy = malloc(pcl_state_size(&s));
    pcl_state_save(&s, copy);
    again = r;
    churn(c, &r, 5000);
    after = pcl_state_hash(&s);
    assert_true(after != before);
    pcl_state_restore(&s, copy);
    assert_true(pcl_state_hash(&s) == before);
    assert_sound(c);
    churn(c, &again, 5000); /* and it goes on as it did the first time */
    assert_true(pcl_state_hash(&s) == after);
    free(copy);
    pcl_cache_free(c);
    pcl_state_fini(&s);
}

/* Without generations a cycle of the model is a cycle of states. */
static void equal_situations_are_equal_states(void **state)
{
    struct pcl_cache_conf conf = {.seed = 1, .explore = true};
    struct pcl_state s;
    struct pcl_cache *c;
    uint64_t h;

    (void)state;
    pcl_state_init(&s);
    c = pcl_cache_new(&conf, &s);
    (void)pcl_inode_new(c, INT64_MAX);
    (void)add(c, 0, 1, 0, 0);
    (void)add(c, 0, 100, 0, 0);
    pcl_cache_remove(c, pcl_cache_find(c, 0, 100, NULL), NULL);
    h = pcl_state_hash(&s);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t f = add(c, 0, 100, 0, PCL_FOLIO_DIRTY);

        pcl_map_set(c, 0, 0, 100, f, true);
        assert_true(pcl_state_hash(&s) != h);
        (void)pcl_folio_unmap(c, f, NULL, NULL);
        pcl_cache_remove(c, f, NULL);
        assert_true(pcl_state_hash(&s) == h);
    }
    pcl_cache_free(c);
    pcl_state_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_follow_the_flags),
        cmocka_unit_test(reclaim_takes_the_oldest_untouched_page),
        cmocka_unit_test(the_active_list_refills_the_inactive_one),
        cmocka_unit_test(reclaim_knows_untouched_runs),
        cmocka_unit_test(struct_pages_do_not_depend_on_order),
        cmocka_unit_test(a_copy_restores_the_whole_state),
        cmocka_unit_test(equal_situations_are_equal_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
