/*
 * The truth of collapse and insert: against an array that is moved by hand when operations do
 * not overlap, and case by case when they do.
 */
#include "cache_test.h"

#include <pclsim/oracle.h>

#define LAST PCL_PAGE_LAST
#define PAGES 48u

static struct pcl_oracle *new_oracle(struct pcl_cache **c)
{
    struct pcl_cache_conf conf = {.seed = 1};

    *c = pcl_cache_new(&conf, NULL);
    (void)pcl_oracle_new(*c, NULL, NULL);
    (void)pcl_inode_new(*c, INT64_MAX);
    (void)pcl_inode_new(*c, INT64_MAX);
    return (*c)->oracle;
}

/* A folio of the second file that shows what is on disk there, taken for any page of the first. */
static uint32_t showing(struct pcl_cache *c, pcl_content content, uint64_t at)
{
    uint32_t f = pcl_cache_insert(c, 1, at, 0, 0, NULL), op;

    if (content == PCL_CONTENT_ZERO) {
        pcl_oracle_read_in(c->oracle, f);
        return f;
    }
    op = pcl_oracle_begin(c->oracle, PCL_TRUTH_WRITE, 1, at, at);
    pcl_oracle_store(c->oracle, op, f, at);
    pcl_oracle_end(c->oracle, op);
    return f;
}

/* Writes [first, last] by a direct write: disk and truth. */
static void write_pages(struct pcl_oracle *o, uint64_t first, uint64_t last)
{
    uint32_t op = pcl_oracle_begin(o, PCL_TRUTH_WRITE, 0, first, last);

    pcl_oracle_direct_begin(o, op, 0, first, last);
    assert_int_equal(pcl_oracle_direct_end(o, op, 0, first, last), PCL_WRONG_RIGHT);
    pcl_oracle_end(o, op);
}

static void shift(struct pcl_oracle *o, enum pcl_truth_op what, uint64_t first, uint64_t last)
{
    uint32_t op = pcl_oracle_begin(o, what, 0, first, last);

    pcl_oracle_shift(o, op);
    pcl_oracle_shift_blocks(o, op);
    pcl_oracle_end(o, op);
}

static pcl_content disk(const struct pcl_oracle *o, uint64_t page)
{
    return pcl_oracle_disk_content(o, 0, page);
}

static void disk_and_truth_move_as_an_array_does(void **state)
{
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c);
    struct rnd r = {17};
    pcl_content a[2 * PAGES] = {0};

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        uint64_t first = rnd_below(&r, PAGES), n = 1 + rnd_below(&r, PAGES - first);

        switch (rnd_below(&r, 4)) {
        case 0:
            memmove(&a[first], &a[first + n], (PAGES - first - n) * sizeof a[0]);
            memset(&a[PAGES - n], 0, n * sizeof a[0]);
            shift(o, PCL_TRUTH_COLLAPSE, first, first + n - 1);
            break;
        case 1:
            memmove(&a[first + n], &a[first], (PAGES - first) * sizeof a[0]);
            memset(&a[first], 0, n * sizeof a[0]);
            shift(o, PCL_TRUTH_INSERT, first, first + n - 1);
            /* cut what has grown */
            memset(&a[PAGES], 0, PAGES * sizeof a[0]);
            uint32_t op = pcl_oracle_begin(o, PCL_TRUTH_ZERO, 0, PAGES, LAST);

            pcl_oracle_free_blocks(o, 0, PAGES, LAST);
            pcl_oracle_end(o, op);
            break;
        default:
            write_pages(o, first, first + n - 1);
            for (uint64_t p = first; p < first + n; p++)
                a[p] = disk(o, p);
            break;
        }
        for (unsigned p = 0; p < PAGES; p++)
            assert_true(disk(o, p) == a[p]);
        uint32_t rd = pcl_oracle_begin(o, PCL_TRUTH_READ, 0, 0, 0);

        assert_int_equal(pcl_oracle_direct_read(o, rd, 0, 0, LAST), PCL_WRONG_RIGHT);
        pcl_oracle_end(o, rd);
        if (round % 64 == 0)
            pcl_oracle_normalise(o);
    }
    /* settled truths join again: no more extents than the contents have */
    assert_true(pcl_oracle_bytes(o) < 200000);
    pcl_cache_free(c);
}

/* The same a page off: what the truth holds is not just everything. */
static void a_shift_that_did_not_happen_is_noticed(void **state)
{
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c);
    uint32_t op, f;

    (void)state;
    write_pages(o, 0, 9);
    f = pcl_cache_insert(c, 0, 7, 0, 0, NULL);
    pcl_oracle_read_in(o, f);
    op = pcl_oracle_begin(o, PCL_TRUTH_COLLAPSE, 0, 2, 4);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 4), PCL_WRONG_INDEX); /* not yet */
    pcl_oracle_shift(o, op);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 7), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 4), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 5), PCL_WRONG_INDEX);
    pcl_oracle_shift_blocks(o, op);
    pcl_oracle_end(o, op);
    /* the cached page was left at its old index */
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 7), PCL_WRONG_STALE);
    assert_int_equal(pcl_cache_move(c, 0, 5, LAST, -3, NULL), PCL_NONE);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 4), PCL_WRONG_RIGHT);
    pcl_cache_free(c);
}

static void a_write_beside_a_shift_may_be_on_either_side(void **state)
{
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c);
    uint32_t op, w, f, reader, old = showing(c, 1, 900), zero = showing(c, PCL_CONTENT_ZERO, 901);

    (void)state;
    write_pages(o, 0, 9);
    f = pcl_cache_insert(c, 0, 6, 0, 0, NULL);
    op = pcl_oracle_begin(o, PCL_TRUTH_INSERT, 0, 4, 5);
    pcl_oracle_shift(o, op);
    w = pcl_oracle_begin(o, PCL_TRUTH_WRITE, 0, 6, 6);
    pcl_oracle_store(o, w, f, 6);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 6), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 8), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 7), PCL_WRONG_INDEX);
    reader = pcl_oracle_begin(o, PCL_TRUTH_READ, 0, 0, 0);
    pcl_oracle_end(o, w);
    pcl_oracle_end(o, op);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 6), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 8), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, zero, 0, 5), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, zero, 0, 6), PCL_WRONG_STALE);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, old, 0, 6), PCL_WRONG_INDEX);
    /* one more shift, alone: what may have been at 6 or 8 may be at 5 or 7 */
    op = pcl_oracle_begin(o, PCL_TRUTH_COLLAPSE, 0, 0, 0);
    pcl_oracle_shift(o, op);
    pcl_oracle_end(o, op);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 7), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 5), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 6), PCL_WRONG_STALE);
    /* who began before may have seen it there */
    assert_int_equal(pcl_oracle_load(o, reader, f, 0, 6), PCL_WRONG_RIGHT);
    pcl_oracle_end(o, reader);
    pcl_cache_free(c);
}

static void the_shift_waits_for_its_call(void **state)
{
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c);
    uint32_t op, f;

    (void)state;
    f = pcl_cache_insert(c, 0, 3, 0, 0, NULL);
    op = pcl_oracle_begin(o, PCL_TRUTH_COLLAPSE, 0, 1, 1); /* and waits for its locks */
    uint32_t w = pcl_oracle_begin(o, PCL_TRUTH_WRITE, 0, 3, 3);

    pcl_oracle_store(o, w, f, 3);
    pcl_oracle_end(o, w);
    pcl_oracle_shift(o, op);
    pcl_oracle_end(o, op);
    /* the write was over when the first page moved */
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 2), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, PCL_NONE, f, 0, 3), PCL_WRONG_STALE);
    pcl_cache_free(c);
}

static void a_transfer_that_a_shift_overtakes_is_noticed(void **state)
{
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c);
    uint32_t w;

    (void)state;
    write_pages(o, 0, 20);
    w = pcl_oracle_begin(o, PCL_TRUTH_WRITE, 0, 8, 9);
    pcl_oracle_direct_begin(o, w, 0, 8, 9);
    shift(o, PCL_TRUTH_COLLAPSE, 1, 2);
    assert_int_equal(pcl_oracle_direct_end(o, w, 0, 8, 9), PCL_WRONG_FREED);
    pcl_oracle_end(o, w);
    pcl_cache_free(c);
}

static void the_ends_of_the_largest_file_shift(void **state)
{
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c);
    pcl_content was;

    (void)state;
    write_pages(o, LAST, LAST);
    was = disk(o, LAST);
    shift(o, PCL_TRUTH_COLLAPSE, 0, LAST - 1);
    assert_true(disk(o, 0) == was && disk(o, LAST) == PCL_CONTENT_ZERO);
    shift(o, PCL_TRUTH_INSERT, 0, LAST - 1);
    assert_true(disk(o, LAST) == was && disk(o, 0) == PCL_CONTENT_ZERO);
    shift(o, PCL_TRUTH_INSERT, LAST, LAST);
    assert_true(disk(o, LAST) == PCL_CONTENT_ZERO);
    assert_int_equal(pcl_oracle_direct_read(o, PCL_NONE, 0, 0, LAST), PCL_WRONG_RIGHT);
    pcl_cache_free(c);
}

/* Four callers whom nobody excludes collapse and insert for ever: one begins before another ends. */
static void shifts_beside_shifts_do_not_double_the_truth(void **state)
{
    enum { AT_ONCE = 4, ROUNDS = 200 };
    uint32_t op[AT_ONCE] = {0};
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c);

    (void)state;
    for (uint64_t p = 0; p < PAGES; p++)
        write_pages(o, p, p);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t page = 3 + i % 7;

        if (i >= AT_ONCE)
            pcl_oracle_end(o, op[i % AT_ONCE]);
        op[i % AT_ONCE] = pcl_oracle_begin(o, i % 3 == 0 ? PCL_TRUTH_INSERT : PCL_TRUTH_COLLAPSE, 0,
                                           page, page);
        pcl_oracle_shift(o, op[i % AT_ONCE]);
        assert_true(pcl_oracle_bytes(o) < 1 << 20);
    }
    for (unsigned i = 0; i < AT_ONCE; i++)
        pcl_oracle_end(o, op[i]);
    pcl_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disk_and_truth_move_as_an_array_does),
        cmocka_unit_test(a_shift_that_did_not_happen_is_noticed),
        cmocka_unit_test(a_write_beside_a_shift_may_be_on_either_side),
        cmocka_unit_test(the_shift_waits_for_its_call),
        cmocka_unit_test(a_transfer_that_a_shift_overtakes_is_noticed),
        cmocka_unit_test(the_ends_of_the_largest_file_shift),
        cmocka_unit_test(shifts_beside_shifts_do_not_double_the_truth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
