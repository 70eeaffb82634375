/*
 * Cases of right and wrong, one by one: reads inside and outside the window of a change, and
 * each class of violation once.
 */
#include "cache_test.h"

#include <pclsim/oracle.h>

struct log {
    struct pcl_wrong_info last;
    unsigned n;
};

static void note(void *arg, const struct pcl_wrong_info *info)
{
    struct log *l = arg;

    l->last = *info;
    l->n++;
}

/* A file of 1000 pages with data on disk; holes behind. */
struct rig {
    struct pcl_cache *c;
    struct pcl_oracle *o;
    struct log log;
};

static void rig_up(struct rig *g, bool fold)
{
    struct pcl_cache_conf conf = {.seed = 1, .fold = fold};
    struct pcl_oracle_conf oc = {.report = note, .arg = &g->log};

    memset(g, 0, sizeof *g);
    g->c = pcl_cache_new(&conf, NULL);
    g->o = pcl_oracle_new(g->c, &oc, NULL);
    (void)pcl_inode_new(g->c, 1000 * PCL_PAGE_SIZE);
    pcl_oracle_initial(g->o, 0, 0, 999);
}

static void rig_down(struct rig *g)
{
    assert_sound(g->c);
    pcl_cache_free(g->c);
}

static uint32_t read_page(struct rig *g, uint64_t p)
{
    uint32_t f = pcl_cache_insert(g->c, 0, p, 0, PCL_FOLIO_UPTODATE, NULL);

    pcl_oracle_read_in(g->o, f);
    pcl_folio_put(g->c, f);
    return f;
}

static uint32_t begin(struct rig *g, enum pcl_truth_op what, uint64_t first, uint64_t last)
{
    return pcl_oracle_begin(g->o, what, 0, first, last);
}

static enum pcl_wrong load(struct rig *g, uint32_t op, uint32_t f, uint64_t p)
{
    return pcl_oracle_load(g->o, op, f, 0, p);
}

static void plain_reads_and_writes_are_right(void **state)
{
    struct rig g;
    uint32_t f, w, r;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    r = begin(&g, PCL_TRUTH_READ, 5, 5);
    assert_int_equal(load(&g, r, f, 5), PCL_WRONG_RIGHT);
    pcl_oracle_end(g.o, r);
    w = begin(&g, PCL_TRUTH_WRITE, 5, 5);
    pcl_oracle_store(g.o, w, f, 5);
    assert_int_equal(load(&g, PCL_NONE, f, 5), PCL_WRONG_RIGHT);
    pcl_oracle_end(g.o, w);
    assert_int_equal(load(&g, PCL_NONE, f, 5), PCL_WRONG_RIGHT);
    assert_int_equal(g.log.n, 0);
    rig_down(&g);
}

static void a_read_may_see_either_side_of_a_write_beside_it(void **state)
{
    struct rig g;
    uint32_t old, new_page, w, r, late;

    (void)state;
    rig_up(&g, false);
    old = read_page(&g, 5);
    r = begin(&g, PCL_TRUTH_READ, 5, 5);
    w = begin(&g, PCL_TRUTH_WRITE, 5, 5);
    assert_int_equal(load(&g, r, old, 5), PCL_WRONG_RIGHT);
    new_page = pcl_cache_insert(g.c, 0, 2000, 0, 0, NULL); /* a buffer to show content with */
    pcl_oracle_store(g.o, w, new_page, 5);
    assert_int_equal(load(&g, r, new_page, 5), PCL_WRONG_RIGHT);
    pcl_oracle_end(g.o, w);
    /* the old content died inside r, before late */
    late = begin(&g, PCL_TRUTH_READ, 5, 5);
    assert_int_equal(load(&g, r, old, 5), PCL_WRONG_RIGHT);
    assert_int_equal(load(&g, late, old, 5), PCL_WRONG_STALE);
    assert_int_equal(load(&g, late, new_page, 5), PCL_WRONG_RIGHT);
    assert_int_equal(load(&g, PCL_NONE, old, 5), PCL_WRONG_STALE);
    pcl_oracle_end(g.o, r);
    pcl_oracle_end(g.o, late);
    assert_int_equal(pcl_oracle_count(g.o, PCL_WRONG_STALE), 2);
    rig_down(&g);
}

/* The window of the classic race: a page read into the cache before a punch survives it. */
static void a_folio_that_survives_a_punch_is_stale(void **state)
{
    struct rig g;
    uint32_t f, p;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 7);
    p = begin(&g, PCL_TRUTH_ZERO, 0, UINT64_MAX);
    pcl_oracle_free_blocks(g.o, 0, 0, UINT64_MAX);
    assert_int_equal(load(&g, PCL_NONE, f, 7), PCL_WRONG_RIGHT); /* not returned yet */
    pcl_oracle_end(g.o, p);
    assert_int_equal(load(&g, PCL_NONE, f, 7), PCL_WRONG_STALE);
    assert_true(g.log.last.pgoff == 7 && g.log.last.folio == f);
    assert_true(g.log.last.right == PCL_CONTENT_ZERO);
    pcl_cache_remove(g.c, f, NULL);
    f = read_page(&g, 7);
    assert_int_equal(load(&g, PCL_NONE, f, 7), PCL_WRONG_RIGHT);
    rig_down(&g);
}

static void overlapping_writes_may_land_in_any_order(void **state)
{
    struct rig g;
    uint32_t a, b, c, fa, fb, fc;

    (void)state;
    rig_up(&g, false);
    fa = read_page(&g, 1);
    fb = read_page(&g, 2);
    fc = read_page(&g, 3);
    a = begin(&g, PCL_TRUTH_WRITE, 9, 9);
    b = begin(&g, PCL_TRUTH_WRITE, 9, 9);
    pcl_oracle_store(g.o, a, fa, 9);
    pcl_oracle_store(g.o, b, fb, 9);
    pcl_oracle_end(g.o, a);
    c = begin(&g, PCL_TRUTH_WRITE, 9, 9); /* after a, beside b */
    pcl_oracle_store(g.o, c, fc, 9);
    pcl_oracle_end(g.o, b);
    assert_int_equal(load(&g, PCL_NONE, fa, 9), PCL_WRONG_RIGHT); /* b, then a; c to come */
    assert_int_equal(load(&g, PCL_NONE, fb, 9), PCL_WRONG_RIGHT);
    pcl_oracle_end(g.o, c);
    assert_int_equal(load(&g, PCL_NONE, fa, 9), PCL_WRONG_STALE); /* c began after a's end */
    assert_int_equal(load(&g, PCL_NONE, fb, 9), PCL_WRONG_RIGHT);
    assert_int_equal(load(&g, PCL_NONE, fc, 9), PCL_WRONG_RIGHT);
    rig_down(&g);
}

static void content_of_another_page_is_a_wrong_index(void **state)
{
    struct rig g;
    uint32_t f, w;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    assert_int_equal(load(&g, PCL_NONE, f, 6), PCL_WRONG_INDEX);
    w = begin(&g, PCL_TRUTH_WRITE, 5, 6);
    pcl_oracle_store(g.o, w, f, 5);
    pcl_oracle_end(g.o, w);
    assert_int_equal(load(&g, PCL_NONE, f, 5), PCL_WRONG_RIGHT);
    assert_int_equal(load(&g, PCL_NONE, f, 6),
                     PCL_WRONG_INDEX); /* the same write, another page */
    rig_down(&g);
}

static void an_unfilled_folio_is_never_right(void **state)
{
    struct rig g;
    uint32_t f;

    (void)state;
    rig_up(&g, false);
    f = pcl_cache_insert(g.c, 0, 5, 0, 0, NULL);
    assert_int_equal(load(&g, PCL_NONE, f, 5), PCL_WRONG_STALE);
    rig_down(&g);
}

static void write_back_carries_data_over_an_eviction(void **state)
{
    struct rig g;
    uint32_t f, w;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    w = begin(&g, PCL_TRUTH_WRITE, 5, 5);
    pcl_oracle_store(g.o, w, f, 5);
    (void)pcl_folio_set_dirty(g.c, f);
    pcl_oracle_end(g.o, w);
    (void)pcl_folio_clear_dirty(g.c, f);
    pcl_oracle_wb_begin(g.o, f);
    assert_int_equal(pcl_oracle_wb_end(g.o, f), PCL_WRONG_RIGHT);
    pcl_cache_remove(g.c, f, NULL);
    f = read_page(&g, 5);
    assert_int_equal(load(&g, PCL_NONE, f, 5), PCL_WRONG_RIGHT);
    assert_int_equal(g.log.n, 0);
    rig_down(&g);
}

static void dropped_dirty_data_are_lost(void **state)
{
    struct rig g;
    uint32_t f, w;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    w = begin(&g, PCL_TRUTH_WRITE, 5, 5);
    pcl_oracle_store(g.o, w, f, 5);
    (void)pcl_folio_set_dirty(g.c, f);
    pcl_oracle_end(g.o, w);
    pcl_cache_remove(g.c, f, NULL);
    assert_int_equal(g.log.last.what, PCL_WRONG_LOST);
    assert_int_equal(pcl_oracle_count(g.o, PCL_WRONG_LOST), 1);
    f = read_page(&g, 5);
    assert_int_equal(load(&g, PCL_NONE, f, 5), PCL_WRONG_STALE);
    rig_down(&g);
}

static void a_truncate_may_drop_dirty_data(void **state)
{
    struct rig g;
    uint32_t f, w;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    w = begin(&g, PCL_TRUTH_WRITE, 5, 5);
    pcl_oracle_store(g.o, w, f, 5);
    (void)pcl_folio_set_dirty(g.c, f);
    pcl_oracle_end(g.o, w);
    w = begin(&g, PCL_TRUTH_ZERO, 3, UINT64_MAX);
    pcl_cache_remove(g.c, f, NULL);
    pcl_oracle_free_blocks(g.o, 0, 3, UINT64_MAX);
    pcl_oracle_end(g.o, w);
    assert_int_equal(g.log.n, 0);
    f = read_page(&g, 5);
    assert_int_equal(load(&g, PCL_NONE, f, 5), PCL_WRONG_RIGHT);
    rig_down(&g);
}

static void write_back_into_freed_blocks_is_seen(void **state)
{
    struct rig g;
    uint32_t f, p;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    pcl_oracle_wb_begin(g.o, f);
    p = begin(&g, PCL_TRUTH_ZERO, 5, 5);
    pcl_oracle_free_blocks(g.o, 0, 5, 5);
    pcl_oracle_end(g.o, p);
    assert_int_equal(pcl_oracle_wb_end(g.o, f), PCL_WRONG_FREED);
    /* freed and given away again: still not the block that was looked up */
    pcl_oracle_wb_begin(g.o, f);
    pcl_oracle_free_blocks(g.o, 0, 5, 5);
    pcl_oracle_allocate(g.o, 0, 0, 10);
    assert_int_equal(pcl_oracle_wb_end(g.o, f), PCL_WRONG_FREED);
    assert_true(pcl_oracle_disk_content(g.o, 0, 5) == PCL_CONTENT_ZERO);
    rig_down(&g);
}

static void direct_io_goes_past_the_cache(void **state)
{
    struct rig g;
    uint32_t f, w, r;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 8);
    w = begin(&g, PCL_TRUTH_WRITE, 4, 11);
    pcl_oracle_direct_begin(g.o, w, 0, 4, 11);
    assert_int_equal(pcl_oracle_direct_end(g.o, w, 0, 4, 11), PCL_WRONG_RIGHT);
    pcl_oracle_end(g.o, w);
    r = begin(&g, PCL_TRUTH_READ, 0, 20);
    assert_int_equal(pcl_oracle_direct_read(g.o, r, 0, 0, 20), PCL_WRONG_RIGHT);
    pcl_oracle_end(g.o, r);
    assert_int_equal(load(&g, PCL_NONE, f, 8), PCL_WRONG_STALE); /* not invalidated */
    w = begin(&g, PCL_TRUTH_WRITE, 20, 20);
    pcl_oracle_store(g.o, w, f, 8);
    pcl_oracle_end(g.o, w);
    r = begin(&g, PCL_TRUTH_READ, 0, 0);
    assert_int_equal(pcl_oracle_direct_read(g.o, r, 0, 0, UINT64_MAX), PCL_WRONG_STALE);
    assert_true(g.log.last.pgoff == 20 && g.log.last.folio == PCL_NONE);
    rig_down(&g);
}

static void a_direct_write_must_keep_its_blocks(void **state)
{
    struct rig g;
    uint32_t w;

    (void)state;
    rig_up(&g, false);
    w = begin(&g, PCL_TRUTH_WRITE, 4, 11);
    pcl_oracle_direct_begin(g.o, w, 0, 4, 11);
    pcl_oracle_free_blocks(g.o, 0, 6, 6);
    assert_int_equal(pcl_oracle_direct_end(g.o, w, 0, 4, 11), PCL_WRONG_FREED);
    assert_true(g.log.last.pgoff == 6);
    rig_down(&g);
}

/* Runs show what is on disk; when that changes below them they keep what they had. */
static void runs_keep_their_content(void **state)
{
    struct rig g;
    uint32_t f, w;

    (void)state;
    rig_up(&g, true);
    pcl_cache_populate(g.c, 0, 0, 1000, 0, 0);
    f = pcl_cache_get(g.c, 0, 8, NULL);
    assert_int_equal(load(&g, PCL_NONE, f, 8), PCL_WRONG_RIGHT);
    pcl_folio_put(g.c, f);
    assert_true(g.c->t->nr_run == 1000);
    w = begin(&g, PCL_TRUTH_WRITE, 4, 11);
    pcl_oracle_direct_begin(g.o, w, 0, 4, 11);
    (void)pcl_oracle_direct_end(g.o, w, 0, 4, 11);
    pcl_oracle_end(g.o, w);
    f = pcl_cache_get(g.c, 0, 8, NULL);
    assert_int_equal(load(&g, PCL_NONE, f, 8), PCL_WRONG_STALE);
    pcl_folio_put(g.c, f);
    assert_true(g.c->t->nr_run == 992); /* it differs from the disk: it cannot go back */
    f = pcl_cache_get(g.c, 0, 12, NULL);
    assert_int_equal(load(&g, PCL_NONE, f, 12), PCL_WRONG_RIGHT);
    pcl_folio_put(g.c, f);
    rig_down(&g);
}

static void pages_of_a_large_folio_have_their_own_content(void **state)
{
    struct rig g;
    uint32_t f, w;

    (void)state;
    rig_up(&g, false);
    w = begin(&g, PCL_TRUTH_WRITE, 520, 520);
    pcl_oracle_direct_begin(g.o, w, 0, 520, 520);
    (void)pcl_oracle_direct_end(g.o, w, 0, 520, 520);
    pcl_oracle_end(g.o, w);
    f = pcl_cache_insert(g.c, 0, 512, 9, PCL_FOLIO_UPTODATE, NULL);
    pcl_oracle_read_in(g.o, f); /* data, one page of other data, data, a hole behind page 999 */
    for (uint64_t p = 512; p < 1024; p++)
        assert_int_equal(load(&g, PCL_NONE, f, p), PCL_WRONG_RIGHT);
    w = begin(&g, PCL_TRUTH_WRITE, 600, 601);
    pcl_oracle_store(g.o, w, f, 600);
    pcl_oracle_end(g.o, w);
    assert_int_equal(load(&g, PCL_NONE, f, 600), PCL_WRONG_RIGHT);
    assert_int_equal(load(&g, PCL_NONE, f, 601), PCL_WRONG_STALE);
    pcl_oracle_wb_begin(g.o, f);
    assert_int_equal(pcl_oracle_wb_end(g.o, f), PCL_WRONG_RIGHT);
    assert_true(pcl_oracle_disk_content(g.o, 0, 600) == pcl_oracle_folio_content(g.o, f, 600));
    assert_true(pcl_oracle_disk_content(g.o, 0, 520) != pcl_oracle_disk_content(g.o, 0, 521));
    assert_true(pcl_oracle_disk_content(g.o, 0, 1001) == PCL_CONTENT_ZERO);
    pcl_folio_put(g.c, f);
    pcl_cache_remove(g.c, f, NULL);
    rig_down(&g);
}

static void a_mapping_to_a_removed_folio_is_seen(void **state)
{
    struct rig g;
    uint32_t f, p;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    pcl_map_set(g.c, 0, 0, 5, f, true);
    assert_int_equal(pcl_oracle_mapped(g.o, false, f, 0, 5), PCL_WRONG_RIGHT);
    pcl_folio_set_dirty(g.c, f);
    assert_int_equal(pcl_oracle_mapped(g.o, true, f, 0, 5), PCL_WRONG_RIGHT);
    p = begin(&g, PCL_TRUTH_ZERO, 0, 100);
    pcl_cache_remove(g.c, f, NULL);
    assert_int_equal(pcl_oracle_mapped(g.o, false, f, 0, 5), PCL_WRONG_RIGHT);
    pcl_oracle_end(g.o, p);
    assert_int_equal(pcl_oracle_mapped(g.o, false, f, 0, 5), PCL_WRONG_MAPPING);
    assert_int_equal(pcl_oracle_mapped(g.o, true, f, 0, 5), PCL_WRONG_MAPPING);
    assert_int_equal(pcl_oracle_count(g.o, PCL_WRONG_MAPPING), 3); /* the removal itself, too */
    (void)pcl_map_clear(g.c, 0, 0, 5);
    rig_down(&g);
}

/* Writable and clean: what is stored there is marked nowhere. */
static void a_store_into_a_clean_folio_is_lost(void **state)
{
    struct rig g;
    uint32_t f;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    pcl_map_set(g.c, 0, 0, 5, f, true);
    pcl_folio_set_dirty(g.c, f);
    assert_int_equal(pcl_oracle_mapped(g.o, true, f, 0, 5), PCL_WRONG_RIGHT);
    pcl_folio_clear_dirty(g.c, f);
    assert_int_equal(pcl_oracle_mapped(g.o, false, f, 0, 5), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_mapped(g.o, true, f, 0, 5), PCL_WRONG_LOST);
    (void)pcl_map_clear(g.c, 0, 0, 5);
    rig_down(&g);
}

static void a_mapping_to_another_page_is_a_wrong_index(void **state)
{
    struct rig g;
    uint32_t f;

    (void)state;
    rig_up(&g, false);
    f = read_page(&g, 5);
    pcl_map_set(g.c, 0, 0, 6, f, true);
    assert_int_equal(pcl_oracle_mapped(g.o, false, f, 0, 6), PCL_WRONG_INDEX);
    assert_int_equal(pcl_oracle_mapped(g.o, true, f, 0, 6), PCL_WRONG_INDEX);
    (void)pcl_map_clear(g.c, 0, 0, 6);
    rig_down(&g);
}

static void no_oracle_costs_no_care(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = add(c, 0, 5, 0, 0), op = pcl_oracle_begin(NULL, PCL_TRUTH_WRITE, 0, 1, 2);

    (void)state;
    pcl_oracle_store(NULL, op, f, 5);
    pcl_oracle_read_in(NULL, f);
    pcl_oracle_wb_begin(NULL, f);
    pcl_oracle_direct_begin(NULL, op, 0, 0, 1);
    pcl_oracle_free_blocks(NULL, 0, 0, 1);
    pcl_oracle_allocate(NULL, 0, 0, 1);
    pcl_oracle_initial(NULL, 0, 0, 1);
    pcl_oracle_normalise(NULL);
    assert_int_equal(pcl_oracle_load(NULL, op, f, 0, 5), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_mapped(NULL, true, f, 0, 5), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_wb_end(NULL, f), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_direct_end(NULL, op, 0, 0, 1), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_direct_read(NULL, op, 0, 0, 1), PCL_WRONG_RIGHT);
    assert_true(pcl_oracle_count(NULL, PCL_WRONG_STALE) == 0 && pcl_oracle_bytes(NULL) == 0);
    pcl_oracle_end(NULL, op);
    pcl_cache_free(c);
}

/* How often blocks were looked up before is nothing that anybody can tell. */
static void block_numbers_have_a_normal_form(void **state)
{
    uint64_t hash[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pcl_state st;
        struct pcl_cache_conf conf = {.seed = 1};

        pcl_state_init(&st);
        struct pcl_cache *c = pcl_cache_new(&conf, &st);
        struct pcl_oracle *o = pcl_oracle_new(c, NULL, &st);

        (void)pcl_inode_new(c, 1 << 20);
        for (int n = 0; n <= 3 * i; n++)
            pcl_oracle_allocate(o, 0, 0, i ? (uint64_t)n : 3);
        uint32_t op = pcl_oracle_begin(o, PCL_TRUTH_WRITE, 0, 2, 5);

        pcl_oracle_direct_begin(o, op, 0, 2, 5);
        pcl_oracle_normalise(o);
        hash[i] = pcl_state_hash(&st);
        pcl_oracle_free_blocks(o, 0, 3, 3); /* freed and allocated again: not the one looked up */
        pcl_oracle_allocate(o, 0, 3, 3);
        assert_int_equal(pcl_oracle_direct_end(o, op, 0, 2, 5), PCL_WRONG_FREED);
        pcl_oracle_end(o, op);
        pcl_cache_free(c);
        pcl_state_fini(&st);
    }
    assert_true(hash[0] == hash[1]);
}

static void classes_have_names(void **state)
{
    (void)state;
    assert_string_equal(pcl_wrong_name(PCL_WRONG_STALE), "stale data");
    assert_string_equal(pcl_wrong_name(PCL_WRONG_STARVED), "starvation");
    assert_string_equal(pcl_wrong_name(PCL_N_WRONGS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_reads_and_writes_are_right),
        cmocka_unit_test(a_read_may_see_either_side_of_a_write_beside_it),
        cmocka_unit_test(a_folio_that_survives_a_punch_is_stale),
        cmocka_unit_test(overlapping_writes_may_land_in_any_order),
        cmocka_unit_test(content_of_another_page_is_a_wrong_index),
        cmocka_unit_test(an_unfilled_folio_is_never_right),
        cmocka_unit_test(write_back_carries_data_over_an_eviction),
        cmocka_unit_test(dropped_dirty_data_are_lost),
        cmocka_unit_test(a_truncate_may_drop_dirty_data),
        cmocka_unit_test(write_back_into_freed_blocks_is_seen),
        cmocka_unit_test(direct_io_goes_past_the_cache),
        cmocka_unit_test(a_direct_write_must_keep_its_blocks),
        cmocka_unit_test(runs_keep_their_content),
        cmocka_unit_test(pages_of_a_large_folio_have_their_own_content),
        cmocka_unit_test(a_mapping_to_a_removed_folio_is_seen),
        cmocka_unit_test(a_store_into_a_clean_folio_is_lost),
        cmocka_unit_test(a_mapping_to_another_page_is_a_wrong_index),
        cmocka_unit_test(no_oracle_costs_no_care),
        cmocka_unit_test(block_numbers_have_a_normal_form),
        cmocka_unit_test(classes_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
