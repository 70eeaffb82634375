/*
 * Mappings against a table of every place they can be in.
 */
#include "cache_test.h"

#define MMS 5
#define PAGES 200

static void random_mappings_agree_with_a_table(void **state)
{
    static uint32_t table[MMS][PAGES];
    static bool writable[MMS][PAGES];
    struct pcl_cache *c = small_cache();
    struct rnd r = {11};
    uint64_t base = PCL_PAGE_LAST - PAGES + 1, n;

    (void)state;
    memset(table, 0xff, sizeof table);
    for (uint64_t p = 0; p < PAGES; p++)
        (void)add(c, 0, base + p, 0, 0);
    for (unsigned i = 0; i < 40000; i++) {
        uint32_t mm = (uint32_t)rnd_below(&r, MMS);
        uint64_t p = rnd_below(&r, PAGES), last = p + rnd_below(&r, 20), want = 0;
        uint32_t f = pcl_cache_find(c, 0, base + p, NULL);
        bool w = rnd_below(&r, 2) != 0, got = false, all = rnd_below(&r, 2) != 0;

        switch (rnd_below(&r, 10)) {
        case 0: /* one address space, or all, over a range */
            for (uint64_t q = p; q <= last && q < PAGES; q++)
                for (uint32_t k = 0; k < MMS; k++)
                    if ((all || k == mm) && table[k][q] != PCL_NONE) {
                        want++;
                        table[k][q] = PCL_NONE;
                    }
            n = pcl_unmap_range(c, 0, all ? PCL_NONE : mm, base + p, base + last, NULL, NULL);
            assert_true(n == want);
            break;
        case 1:
            for (uint32_t k = 0; k < MMS; k++)
                want += table[k][p] != PCL_NONE && writable[k][p];
            assert_true(pcl_folio_wrprotect(c, f, NULL, NULL) == want);
            for (uint32_t k = 0; k < MMS; k++)
                writable[k][p] = false;
            break;
        case 2:
            assert_int_equal(pcl_map_clear(c, 0, mm, base + p), table[mm][p] != PCL_NONE);
            table[mm][p] = PCL_NONE;
            break;
        case 3:
        case 4:
        case 5:
        case 6:
            pcl_map_set(c, 0, mm, base + p, f, w);
            table[mm][p] = f;
            writable[mm][p] = w;
            break;
        default:
            assert_int_equal(pcl_map_get(c, 0, mm, base + p, &got), table[mm][p]);
            if (table[mm][p] != PCL_NONE)
                assert_int_equal(got, writable[mm][p]);
            break;
        }
        if (i % 1000 == 0)
            assert_sound(c);
    }
    (void)pcl_unmap_range(c, 0, PCL_NONE, 0, UINT64_MAX, NULL, NULL);
    assert_true(c->t->nr_mapped == 0);
    assert_sound(c);
    pcl_cache_free(c);
}

static void a_mapping_keeps_a_removed_folio(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = add(c, 0, 9, 0, 0);

    (void)state;
    pcl_map_set(c, 0, 3, 9, f, true);
    assert_int_equal(c->folio[f].mapcount, 1);
    assert_true(c->flags[f] & PCL_FOLIO_MAPPED);
    pcl_cache_remove(c, f, NULL);
    assert_int_equal(pcl_map_get(c, 0, 3, 9, NULL), f);
    assert_int_equal(pcl_map_get(c, 0, 4, 9, NULL), PCL_NONE);
    assert_true(pcl_folio_unmap(c, f, NULL, NULL) == 0); /* rmap starts from folio->mapping */
    assert_true(pcl_unmap_range(c, 0, PCL_NONE, 9, 9, NULL, NULL) == 1);
    assert_int_equal(add(c, 0, 10, 0, 0), f);
    pcl_cache_free(c);
}

static void count(void *arg, const struct pcl_pte *pte)
{
    uint64_t *sum = arg;

    *sum += pte->pgoff * 100 + pte->mm;
}

static void unmap_tells_what_it_unmapped(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = add(c, 0, 0, 3, 0), g;
    uint64_t sum = 0;

    (void)state;
    g = add(c, 0, 8, 0, 0);
    pcl_map_set(c, 0, 1, 2, f, true);
    pcl_map_set(c, 0, 2, 7, f, false);
    pcl_map_set(c, 0, 2, 8, g, false);
    assert_int_equal(c->folio[f].mapcount, 2);
    assert_true(pcl_folio_unmap(c, f, count, &sum) == 2);
    assert_true(sum == 201 + 702);
    assert_true(pcl_unmap_range(c, 0, 2, 0, UINT64_MAX, count, &sum) == 1);
    assert_true(sum == 201 + 702 + 802);
    pcl_cache_free(c);
}

static void files_do_not_mix(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = add(c, 0, 5, 0, 0), g;

    (void)state;
    (void)pcl_inode_new(c, INT64_MAX);
    g = add(c, 1, 5, 0, 0);
    pcl_map_set(c, 0, 0, 5, f, true);
    pcl_map_set(c, 1, 0, 5, g, true);
    assert_true(pcl_unmap_range(c, 0, PCL_NONE, 0, UINT64_MAX, NULL, NULL) == 1);
    assert_int_equal(pcl_map_get(c, 1, 0, 5, NULL), g);
    pcl_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_mappings_agree_with_a_table),
        cmocka_unit_test(a_mapping_keeps_a_removed_folio),
        cmocka_unit_test(unmap_tells_what_it_unmapped),
        cmocka_unit_test(files_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
