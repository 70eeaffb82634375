/*
 * Node for node what the kernel's XArray would have: the figures of its layout (64 slots, 576
 * bytes, 9 levels for 2^51 pages), and what walks visit.
 */
#include "cache_test.h"

static uint64_t node_bytes(const struct pcl_cache *c)
{
    struct pcl_cache_memory m;

    pcl_cache_memory(c, &m);
    return m.node_bytes;
}

static void a_lone_page_at_the_top_costs_nine_nodes(void **state)
{
    struct pcl_cache *c = small_cache();
    unsigned nodes = 0;
    uint32_t f = add(c, 0, PCL_PAGE_LAST, 0, 0);

    (void)state;
    assert_true(c->t->nr_nodes == 9);
    assert_true(node_bytes(c) == 5184);
    assert_int_equal(pcl_cache_find(c, 0, PCL_PAGE_LAST, &nodes), f);
    assert_int_equal(nodes, 9);
    nodes = 0;
    pcl_cache_remove(c, f, &nodes);
    assert_int_equal(nodes, 9);
    assert_true(c->t->nr_nodes == 0);
    assert_sound(c);
    pcl_cache_free(c);
}

/* A file of one page keeps it in the tree's head. */
static void a_lone_first_page_costs_no_node(void **state)
{
    struct pcl_cache *c = small_cache();
    unsigned nodes = 0;
    uint32_t f = add(c, 0, 0, 0, 0), g;

    (void)state;
    assert_true(c->t->nr_nodes == 0);
    assert_int_equal(pcl_cache_find(c, 0, 0, &nodes), f);
    assert_int_equal(nodes, 0);
    g = add(c, 0, 1, 0, 0);
    assert_true(c->t->nr_nodes == 1);
    pcl_cache_remove(c, g, NULL);
    assert_true(c->t->nr_nodes == 0);
    assert_sound(c);
    pcl_cache_free(c);
}

static void the_tree_shrinks_as_it_grew(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t far;

    (void)state;
    (void)add(c, 0, 0, 0, 0);
    (void)add(c, 0, 3, 0, 0);
    assert_true(c->t->nr_nodes == 1);
    far = add(c, 0, UINT64_C(1) << 40, 0, 0);
    /* the root, six nodes down to the far page and as many down to the near ones */
    assert_true(c->t->nr_nodes == 13);
    assert_sound(c);
    pcl_cache_remove(c, far, NULL);
    assert_true(c->t->nr_nodes == 1);
    assert_sound(c);
    pcl_cache_free(c);
}

/* An entry of order o takes 2^(o mod 6) slots at level o / 6: a 2 MiB folio 8 slots of a node
 * whose slots span 64 pages. */
static void large_folios_sit_at_their_level(void **state)
{
    struct pcl_cache *c = small_cache();
    unsigned nodes = 0;

    (void)state;
    for (uint64_t i = 0; i < 8; i++)
        (void)add(c, 0, i * 512, 9, 0);
    assert_true(c->t->nr_nodes == 1);
    (void)pcl_cache_find(c, 0, 4095, &nodes);
    assert_int_equal(nodes, 1);
    (void)add(c, 0, 4096, 9, 0);
    assert_true(c->t->nr_nodes == 3);
    assert_true(c->t->nr_pages == 9 * 512);
    assert_sound(c);
    pcl_cache_free(c);
}

static void a_full_file_has_a_node_per_64_pages(void **state)
{
    struct pcl_cache *c = small_cache();

    (void)state;
    for (uint64_t i = 0; i < 4096; i++)
        (void)add(c, 0, i, 0, 0);
    assert_true(c->t->nr_nodes == 65);
    pcl_cache_free(c);
}

/* Work over [0, 2^63 - 1) is that of what is present: at least a 64th of the entries, at most
 * nine nodes for each. */
static void a_walk_of_8_EiB_visits_what_is_present(void **state)
{
    struct pcl_cache *c = small_cache();
    struct rnd r = {5};
    uint64_t first = 0;
    uint32_t id[31];
    unsigned n, found = 0, nodes = 0, descents = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        (void)add(c, 0, rnd_bits(&r) & PCL_PAGE_LAST, 0, i % 10 == 0 ? PCL_FOLIO_DIRTY : 0);
    while ((n = pcl_cache_batch(c, 0, &first, PCL_PAGE_LAST, 0, id, 31, &nodes)) > 0) {
        for (unsigned i = 0; i < n; i++)
            pcl_folio_put(c, id[i]);
        found += n;
        descents++;
    }
    assert_int_equal(found, 1000);
    assert_true(nodes <= c->t->nr_nodes + 9 * (descents + 1));
    nodes = 0;
    first = 0;
    found = 0;
    while ((n = pcl_cache_batch(c, 0, &first, PCL_PAGE_LAST, PCL_FOLIO_DIRTY, id, 31, &nodes)) >
           0) {
        for (unsigned i = 0; i < n; i++)
            pcl_folio_put(c, id[i]);
        found += n;
    }
    assert_int_equal(found, 100);
    assert_true(nodes <= 100 * 9 + 5 * 9);
    pcl_cache_free(c);
}

static void a_punch_of_everything_removes_what_is_present(void **state)
{
    struct pcl_cache *c = small_cache();
    unsigned nodes = 0, n = 0;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        (void)add(c, 0, i * 1000003, 0, 0);
    for (;;) {
        uint32_t f = pcl_cache_next(c, 0, 0, (uint64_t)INT64_MAX >> PCL_PAGE_SHIFT, &nodes);

        if (f == PCL_NONE)
            break;
        pcl_cache_remove(c, f, NULL);
        n++;
    }
    assert_int_equal(n, 1000);
    assert_true(nodes <= 9 * 1001);
    assert_true(c->t->nr_nodes == 0 && c->t->nr_pages == 0);
    pcl_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_page_at_the_top_costs_nine_nodes),
        cmocka_unit_test(a_lone_first_page_costs_no_node),
        cmocka_unit_test(the_tree_shrinks_as_it_grew),
        cmocka_unit_test(large_folios_sit_at_their_level),
        cmocka_unit_test(a_full_file_has_a_node_per_64_pages),
        cmocka_unit_test(a_walk_of_8_EiB_visits_what_is_present),
        cmocka_unit_test(a_punch_of_everything_removes_what_is_present),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
