/*
 * Large folios, of which a part is something else than the rest: a part whose blocks were given
 * up, a part that a direct write has overtaken.
 */
#include "cache_test.h"

#include <pclsim/oracle.h>

static unsigned reports;

static void note(void *arg, const struct pcl_wrong_info *info)
{
    (void)arg, (void)info;
    reports++;
}

/* A file of 16 pages with data on disk, and a folio of the first four, read in and dirty. */
static struct pcl_cache *large(uint32_t *folio)
{
    struct pcl_cache_conf conf = {.seed = 1};
    struct pcl_oracle_conf oc = {.report = note, .arg = NULL};
    struct pcl_cache *c = pcl_cache_new(&conf, NULL);

    reports = 0;
    (void)pcl_oracle_new(c, &oc, NULL);
    (void)pcl_inode_new(c, 16 * PCL_PAGE_SIZE);
    pcl_oracle_initial(c->oracle, 0, 0, 15);
    *folio = pcl_cache_insert(c, 0, 0, 2, PCL_FOLIO_UPTODATE, NULL);
    pcl_oracle_read_in(c->oracle, *folio);
    pcl_folio_set_dirty(c, *folio);
    pcl_folio_put(c, *folio);
    return c;
}

static uint32_t punch(struct pcl_cache *c, uint32_t folio, uint64_t first, uint64_t last)
{
    uint32_t op = pcl_oracle_begin(c->oracle, PCL_TRUTH_ZERO, 0, first, last);

    for (uint64_t p = first; p <= last; p++)
        pcl_oracle_zero(c->oracle, folio, p);
    return op;
}

/* The punch has zeroed pages 2 and 3 and lets the folio go; the write-back that comes then
 * knows better than to write blocks that are about to be freed. */
static void what_was_zeroed_in_a_folio_is_not_written_back(void **state)
{
    uint32_t f, op;
    struct pcl_cache *c = large(&f);

    (void)state;
    op = punch(c, f, 2, 3);
    pcl_oracle_wb_begin(c->oracle, f);
    pcl_oracle_free_blocks(c->oracle, 0, 2, 3);
    pcl_oracle_end(c->oracle, op);
    assert_int_equal(pcl_oracle_wb_end(c->oracle, f), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(c->oracle, PCL_NONE, f, 0, 1), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(c->oracle, PCL_NONE, f, 0, 3), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_disk_content(c->oracle, 0, 3), PCL_CONTENT_ZERO);
    assert_true(pcl_oracle_disk_content(c->oracle, 0, 1) != PCL_CONTENT_ZERO);
    assert_int_equal(reports, 0);
    pcl_cache_free(c);
}

/* Stored to again, or made dirty as a whole by page_mkwrite, it is written like any other page.
 */
static void what_is_dirty_again_is_written_back(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        uint32_t f, op, w;
        struct pcl_cache *c = large(&f);

        op = punch(c, f, 2, 3);
        w = pcl_oracle_begin(c->oracle, PCL_TRUTH_WRITE, 0, 2, 2);
        if (whole)
            pcl_oracle_dirtied(c->oracle, f);
        else
            pcl_oracle_store(c->oracle, w, f, 2);
        pcl_oracle_wb_begin(c->oracle, f);
        pcl_oracle_free_blocks(c->oracle, 0, 2, 3);
        assert_int_equal(pcl_oracle_wb_end(c->oracle, f), PCL_WRONG_FREED);
        pcl_oracle_end(c->oracle, w);
        pcl_oracle_end(c->oracle, op);
        pcl_cache_free(c);
    }
}

/* A store to page 1 makes the whole folio dirty, so a direct write of pages 0 to 3 cannot drop
 * it: what it shows of page 3 may be seen from then on, and so may what was written. */
static void a_dirty_folio_outlives_a_direct_write(void **state)
{
    (void)state;
    for (int stays = 0; stays < 2; stays++) {
        uint32_t f, op, r;
        struct pcl_cache *c = large(&f);

        op = pcl_oracle_begin(c->oracle, PCL_TRUTH_WRITE, 0, 0, 3);
        pcl_oracle_direct_begin(c->oracle, op, 0, 0, 3);
        (void)pcl_oracle_direct_end(c->oracle, op, 0, 0, 3);
        if (stays)
            pcl_oracle_stays(c->oracle, f, 2, 15);
        pcl_oracle_end(c->oracle, op);
        assert_int_equal(pcl_oracle_load(c->oracle, PCL_NONE, f, 0, 3),
                         stays ? PCL_WRONG_RIGHT : PCL_WRONG_STALE);
        assert_int_equal(pcl_oracle_load(c->oracle, PCL_NONE, f, 0, 1), PCL_WRONG_STALE);
        r = pcl_oracle_begin(c->oracle, PCL_TRUTH_READ, 0, 0, 3);
        assert_int_equal(pcl_oracle_direct_read(c->oracle, r, 0, 0, 3), PCL_WRONG_RIGHT);
        pcl_oracle_end(c->oracle, r);
        pcl_cache_free(c);
    }
}

/* The same folio, written back beside the direct write and dropped after it. */
static void so_does_what_was_written_back_beside_it(void **state)
{
    uint32_t f, op, r;
    struct pcl_cache *c = large(&f);

    (void)state;
    op = pcl_oracle_begin(c->oracle, PCL_TRUTH_WRITE, 0, 2, 3);
    pcl_oracle_direct_begin(c->oracle, op, 0, 2, 3);
    pcl_oracle_wb_begin(c->oracle, f);
    (void)pcl_oracle_direct_end(c->oracle, op, 0, 2, 3);
    assert_int_equal(pcl_oracle_wb_end(c->oracle, f), PCL_WRONG_RIGHT);
    pcl_oracle_end(c->oracle, op);
    r = pcl_oracle_begin(c->oracle, PCL_TRUTH_READ, 0, 0, 3);
    assert_int_equal(pcl_oracle_direct_read(c->oracle, r, 0, 0, 3), PCL_WRONG_RIGHT);
    pcl_oracle_end(c->oracle, r);
    assert_int_equal(reports, 0);
    pcl_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_zeroed_in_a_folio_is_not_written_back),
        cmocka_unit_test(what_is_dirty_again_is_written_back),
        cmocka_unit_test(a_dirty_folio_outlives_a_direct_write),
        cmocka_unit_test(so_does_what_was_written_back_beside_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
