/*
 * Split, merge and replace: what each keeps, what it makes new, what forbids it; content and
 * counts follow, literal and run storage agree.
 */
#include "cache_test.h"

#include <pclsim/oracle.h>

#define LOCKED (PCL_FOLIO_LOCKED | PCL_FOLIO_UPTODATE)

static struct pcl_cache *new_cache(bool literal)
{
    struct pcl_cache_conf conf = {.seed = 7, .literal = literal, .fold = true};
    struct pcl_cache *c = pcl_cache_new(&conf, NULL);

    (void)pcl_oracle_new(c, NULL, NULL);
    (void)pcl_inode_new(c, INT64_MAX);
    pcl_oracle_initial(c->oracle, 0, 0, 1 << 20);
    return c;
}

/* Finds, references and locks, as a path would. */
static uint32_t hold(struct pcl_cache *c, uint64_t pgoff)
{
    uint32_t f = pcl_cache_get(c, 0, pgoff, NULL);

    assert_int_not_equal(f, PCL_NONE);
    c->flags[f] |= PCL_FOLIO_LOCKED;
    return f;
}

static void let_go(struct pcl_cache *c, uint32_t f)
{
    c->flags[f] &= (uint8_t)~PCL_FOLIO_LOCKED;
    pcl_folio_put(c, f);
}

static void store(struct pcl_cache *c, uint64_t pgoff)
{
    uint32_t op = pcl_oracle_begin(c->oracle, PCL_TRUTH_WRITE, 0, pgoff, pgoff), f = hold(c, pgoff);

    pcl_oracle_store(c->oracle, op, f, pgoff);
    pcl_folio_set_dirty(c, f);
    pcl_oracle_end(c->oracle, op);
    let_go(c, f);
}

/* Every page shows what is right there. */
static void assert_right(struct pcl_cache *c, uint64_t first, uint64_t last)
{
    for (uint64_t p = first; p <= last; p++) {
        uint32_t f = pcl_cache_get(c, 0, p, NULL);

        assert_true(pcl_folio_holds(c, f, 0, p));
        assert_int_equal(pcl_oracle_load(c->oracle, PCL_NONE, f, 0, p), PCL_WRONG_RIGHT);
        pcl_folio_put(c, f);
    }
    assert_sound(c);
}

static void a_split_keeps_the_head_and_all_data(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 9; order++) {
        struct pcl_cache *c = new_cache(false);
        uint32_t f, tail;

        pcl_cache_populate(c, 0, 512, 512, 9, 0);
        store(c, 512);
        store(c, 512 + 300);
        f = hold(c, 700);
        c->flags[f] |= PCL_FOLIO_WAITERS;
        assert_true(pcl_cache_split(c, f, order, NULL));
        assert_int_equal(c->t->nr_folios, 512u >> order);
        assert_int_equal(c->t->nr_pages, 512);
        assert_int_equal(c->t->nr_dirty, 512); /* all tails inherit it */
        assert_int_equal(pcl_cache_find(c, 0, 512, NULL), f);
        assert_int_equal(c->folio[f].order, order);
        assert_true(c->flags[f] & PCL_FOLIO_WAITERS);
        tail = pcl_cache_find(c, 0, 1000, NULL);
        assert_int_not_equal(tail, f);
        assert_int_equal(c->flags[tail] & ~PCL_FOLIO_REFERENCED,
                         PCL_FOLIO_UPTODATE | PCL_FOLIO_DIRTY);
        assert_int_equal(c->folio[tail].pfn, c->folio[f].pfn + (488u >> order << order));
        c->flags[f] &= (uint8_t)~PCL_FOLIO_WAITERS;
        let_go(c, f);
        assert_right(c, 512, 1023);
        pcl_cache_free(c);
    }
}

static void a_split_makes_the_nodes_that_small_folios_need(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = pcl_cache_insert(c, 0, PCL_PAGE_LAST - 511, 9, LOCKED, NULL);
    unsigned nodes = 0;

    (void)state;
    assert_int_equal(c->t->nr_nodes, 8);
    assert_true(pcl_cache_split(c, f, 6, &nodes));
    assert_int_equal(c->t->nr_nodes, 8);
    assert_int_equal(nodes, 8); /* eight slots of one node in place of eight */
    assert_true(pcl_cache_split(c, f, 0, &nodes));
    assert_int_equal(c->t->nr_nodes, 9);
    assert_sound(c);
    let_go(c, f);
    pcl_cache_free(c);
}

static void a_reference_a_mapping_or_writeback_forbids_all_three(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = pcl_cache_insert(c, 0, 4, 2, LOCKED, NULL);
    uint32_t g = pcl_cache_insert(c, 0, 0, 2, LOCKED, NULL), big;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        if (i == 0)
            pcl_folio_get(c, f);
        else if (i == 1)
            pcl_map_set(c, 0, 0, 5, f, true);
        else
            pcl_folio_set_writeback(c, f);
        assert_false(pcl_cache_split(c, f, 0, NULL));
        assert_int_equal(pcl_cache_replace(c, f, NULL), PCL_NONE);
        assert_int_equal(pcl_cache_merge(c, 0, 0, 3, NULL), PCL_NONE);
        assert_int_equal(pcl_cache_find(c, 0, 7, NULL), f);
        assert_int_equal(c->t->nr_folios, 2);
        if (i == 0)
            pcl_folio_put(c, f);
        else if (i == 1)
            (void)pcl_map_clear(c, 0, 0, 5);
        else
            pcl_folio_clear_writeback(c, f);
    }
    big = pcl_cache_merge(c, 0, 0, 3, NULL);
    assert_int_not_equal(big, PCL_NONE);
    let_go(c, f);
    let_go(c, g);
    assert_true(pcl_cache_split(c, big, 0, NULL));
    let_go(c, big);
    assert_sound(c);
    pcl_cache_free(c);
}

static void a_replaced_folio_has_no_mapping_and_stays_locked(void **state)
{
    struct pcl_cache *c = new_cache(false);
    uint32_t old, now, pfn;

    (void)state;
    pcl_cache_populate(c, 0, 8, 8, 3, 0);
    store(c, 11);
    old = hold(c, 8);
    pfn = c->folio[old].pfn;
    pcl_folio_get(c, old); /* a waiter's */
    assert_int_equal(pcl_cache_replace(c, old, NULL), PCL_NONE);
    pcl_folio_put(c, old); /* who gives it away before sleeping does not stand in the way */
    now = pcl_cache_replace(c, old, NULL);
    assert_int_not_equal(now, PCL_NONE);
    assert_int_equal(c->folio[old].inode, PCL_NONE);
    assert_int_equal(c->folio[old].refs, 1);
    assert_true(c->flags[old] & PCL_FOLIO_LOCKED);
    assert_false(pcl_folio_holds(c, old, 0, 8)); /* trap 7: the recheck says so */
    assert_true(c->flags[now] & PCL_FOLIO_LOCKED && c->flags[now] & PCL_FOLIO_DIRTY);
    assert_int_equal(c->t->nr_dirty, 8);
    assert_int_not_equal(c->folio[now].pfn, pfn);
    let_go(c, old);
    let_go(c, now);
    assert_int_equal(pcl_oracle_count(c->oracle, PCL_WRONG_LOST), 0);
    assert_right(c, 8, 15);
    pcl_cache_free(c);
}

static void a_merge_takes_small_folios_of_any_order(void **state)
{
    struct pcl_cache *c = new_cache(false);
    uint32_t f[20], n = 0, big;

    (void)state;
    pcl_cache_populate(c, 0, 64, 4, 2, 0);
    pcl_cache_populate(c, 0, 68, 12, 0, 0);
    store(c, 66);
    store(c, 70);
    for (uint64_t p = 64; p < 80; p = pcl_folio_last(c, f[n++]) + 1)
        f[n] = hold(c, p);
    assert_int_equal(n, 13);
    assert_int_equal(pcl_cache_merge(c, 0, 64, 5, NULL), PCL_NONE); /* half of it is absent */
    c->flags[f[3]] &= (uint8_t)~PCL_FOLIO_LOCKED;
    assert_int_equal(pcl_cache_merge(c, 0, 64, 4, NULL), PCL_NONE);
    c->flags[f[3]] |= PCL_FOLIO_LOCKED;
    big = pcl_cache_merge(c, 0, 64, 4, NULL);
    assert_int_not_equal(big, PCL_NONE);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(c->folio[f[i]].inode, PCL_NONE);
        let_go(c, f[i]);
    }
    assert_int_equal(c->t->nr_folios, 1);
    assert_int_equal(c->t->nr_pages, 16);
    assert_int_equal(c->t->nr_dirty, 16);
    let_go(c, big);
    assert_right(c, 64, 79);
    pcl_cache_free(c);
}

struct counts {
    uint64_t pages, folios, tree, dirty;
    unsigned nodes;
    uint32_t pfn;
};

static void random_reshaping_is_the_same_with_and_without_runs(void **state)
{
    struct counts x[2];

    (void)state;
    memset(x, 0, sizeof x);
    for (int literal = 0; literal < 2; literal++) {
        struct pcl_cache *c = new_cache(literal != 0);
        struct counts *n = &x[literal];
        struct rnd r = {23};

        pcl_cache_populate(c, 0, 0, 2048, 4, 0);
        for (unsigned i = 0; i < 1500; i++) {
            uint64_t p = rnd_below(&r, 2048);
            unsigned what = (unsigned)rnd_below(&r, 4);
            uint32_t f = hold(c, p), order = c->folio[f].order, got = PCL_NONE;

            if (what == 0 && order > 0) {
                assert_true(pcl_cache_split(c, f, (unsigned)rnd_below(&r, order), &n->nodes));
            } else if (what == 1) {
                got = pcl_cache_replace(c, f, &n->nodes);
                assert_int_not_equal(got, PCL_NONE);
            } else if (what == 2 && order < 6) {
                uint64_t base = p >> (order + 1) << (order + 1), last = base + (2u << order) - 1;
                uint32_t held[64], m = 0;

                let_go(c, f);
                for (uint64_t q = base; q <= last; q = pcl_folio_last(c, held[m++]) + 1)
                    held[m] = hold(c, q);
                f = pcl_cache_merge(c, 0, base, order + 1, &n->nodes);
                assert_int_not_equal(f, PCL_NONE);
                while (m > 0)
                    let_go(c, held[--m]);
            } else if (what == 3) {
                let_go(c, f);
                store(c, p);
                f = hold(c, p);
            }
            let_go(c, f);
            if (got != PCL_NONE)
                let_go(c, got);
            if (i % 100 == 0)
                assert_right(c, 0, 2047);
        }
        n->pages = c->t->nr_pages;
        n->folios = c->t->nr_folios;
        n->tree = c->t->nr_nodes;
        n->dirty = c->t->nr_dirty;
        for (uint64_t p = 0; p < 2048; p++)
            n->pfn ^= c->folio[pcl_cache_find(c, 0, p, NULL)].pfn * (uint32_t)(2 * p + 1);
        assert_int_equal(pcl_oracle_count(c->oracle, PCL_WRONG_LOST), 0);
        pcl_cache_free(c);
    }
    assert_memory_equal(&x[0], &x[1], sizeof x[0]);
}

static void migration_entries_come_and_go(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = pcl_cache_insert(c, 0, 4, 0, LOCKED, NULL), now;
    bool writable = false;

    (void)state;
    pcl_map_set(c, 0, 0, 4, f, true);
    pcl_map_set(c, 0, 1, 4, f, false);
    pcl_map_set(c, 0, 2, 4, f, false);
    assert_int_equal(pcl_folio_migrate_ptes(c, f, NULL, NULL), 3);
    assert_int_equal(c->folio[f].mapcount, 0);
    assert_int_equal(c->folio[f].refs, 2);
    assert_int_equal(pcl_map_get(c, 0, 0, 4, NULL), PCL_NONE);
    assert_int_equal(pcl_map_migrating(c, 0, 0, 4), f);
    assert_int_equal(pcl_map_migrating(c, 0, 0, 5), PCL_NONE);
    assert_int_equal(pcl_folio_unmap(c, f, NULL, NULL), 0);
    assert_int_equal(pcl_unmap_range(c, 0, 2, 0, 9, NULL, NULL), 1);
    now = pcl_cache_replace(c, f, NULL);
    assert_int_equal(pcl_folio_restore_ptes(c, f, now), 2);
    assert_int_equal(pcl_map_get(c, 0, 0, 4, &writable), now);
    assert_true(writable);
    assert_int_equal(pcl_map_get(c, 0, 1, 4, &writable), now);
    assert_false(writable);
    assert_int_equal(pcl_map_migrating(c, 0, 0, 4), PCL_NONE);
    assert_int_equal(c->folio[now].refs, 4);
    assert_int_equal(c->t->nr_mapped, 2);
    let_go(c, f);
    let_go(c, now);
    assert_sound(c);
    pcl_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_keeps_the_head_and_all_data),
        cmocka_unit_test(a_split_makes_the_nodes_that_small_folios_need),
        cmocka_unit_test(a_reference_a_mapping_or_writeback_forbids_all_three),
        cmocka_unit_test(a_replaced_folio_has_no_mapping_and_stays_locked),
        cmocka_unit_test(a_merge_takes_small_folios_of_any_order),
        cmocka_unit_test(random_reshaping_is_the_same_with_and_without_runs),
        cmocka_unit_test(migration_entries_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
