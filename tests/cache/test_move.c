/*
 * Folios that move: against a list of what must be where, with and without runs, at both ends of
 * the largest file; and everything that forbids a move.
 */
#include "cache_test.h"

#include <pclsim/oracle.h>

#define LAST PCL_PAGE_LAST

static struct pcl_cache *new_cache(bool literal)
{
    struct pcl_cache_conf conf = {.seed = 7, .literal = literal, .fold = true};
    struct pcl_cache *c = pcl_cache_new(&conf, NULL);

    (void)pcl_oracle_new(c, NULL, NULL);
    (void)pcl_inode_new(c, INT64_MAX);
    return c;
}

static void a_folio_moves_with_all_that_it_is(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = pcl_cache_insert(c, 0, 8, 2, PCL_FOLIO_LOCKED | PCL_FOLIO_UPTODATE, NULL), pfn;
    unsigned nodes = 0;

    (void)state;
    pcl_folio_set_dirty(c, f);
    c->flags[f] |= PCL_FOLIO_WAITERS;
    pfn = c->folio[f].pfn;
    assert_int_equal(pcl_cache_move(c, 0, 5, 100, 4096, &nodes), PCL_NONE);
    assert_sound(c);
    assert_int_equal(pcl_cache_find(c, 0, 8, NULL), PCL_NONE);
    assert_int_equal(pcl_cache_find(c, 0, 4107, NULL), f);
    assert_true(pcl_folio_holds(c, f, 0, 4106) && !pcl_folio_holds(c, f, 0, 8));
    assert_int_equal(c->folio[f].pfn, pfn);
    assert_int_equal(c->folio[f].refs, 2);
    assert_int_equal(c->flags[f], PCL_FOLIO_LOCKED | PCL_FOLIO_UPTODATE | PCL_FOLIO_WAITERS |
                                      PCL_FOLIO_DIRTY);
    assert_int_equal(pcl_cache_next_tagged(c, 0, 0, LAST, PCL_FOLIO_DIRTY, NULL), f);
    assert_int_equal(nodes, 1 + 3);
    /* whoever comes to the old place has a struct page of its own */
    assert_int_not_equal(c->folio[add(c, 0, 8, 2, 0)].pfn, pfn);
    pcl_cache_free(c);
}

/* Folios of one page or of four, moved by random multiples of four; the list says where they
 * are. */
#define N 200u

struct model {
    uint64_t at[N];
    uint32_t id[N];
    unsigned order[N], n;
};

static bool model_free(const struct model *m, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < m->n; i++)
        if (m->at[i] <= last && m->at[i] + (UINT64_C(1) << m->order[i]) - 1 >= first)
            return false;
    return true;
}

static void random_moves_end_where_they_should(void **state)
{
    struct pcl_cache *c = small_cache();
    struct rnd r = {3};
    struct model m = {.n = 0};
    unsigned moved = 0, refused = 0;

    (void)state;
    while (m.n < N) {
        uint64_t base = rnd_below(&r, 2) ? 0 : LAST - 4095;
        unsigned order = rnd_below(&r, 4) ? 0 : 2;
        uint64_t at = (base + rnd_below(&r, 4096)) >> order << order;

        if (!model_free(&m, at, at + (UINT64_C(1) << order) - 1))
            continue;
        m.at[m.n] = at;
        m.order[m.n] = order;
        m.id[m.n++] = add(c, 0, at, order, rnd_below(&r, 3) ? 0 : PCL_FOLIO_DIRTY);
    }
    for (unsigned round = 0; round < 4000; round++) {
        uint64_t n = 4 * (1 + rnd_below(&r, rnd_below(&r, 2) ? 40 : LAST / 8)), first, last;
        bool down = rnd_below(&r, 2) != 0, right = true;
        uint32_t got;

        first = m.at[rnd_below(&r, N)] & ~UINT64_C(3);
        last = rnd_below(&r, 2) ? LAST : (first + rnd_below(&r, 2000)) | 3;
        if (down && n > first)
            continue;
        /* what stays must not be met, what goes must not leave the file */
        for (unsigned i = 0; i < N; i++) {
            uint64_t to = down ? m.at[i] - n : m.at[i] + n, far = down ? last - n : last + n;

            if (m.at[i] >= first && m.at[i] <= last)
                right = right && to <= LAST - 3;
            else if (m.at[i] >= (down ? first - n : first + n) && m.at[i] <= far)
                right = false;
        }
        got = pcl_cache_move(c, 0, first, last, down ? -(int64_t)n : (int64_t)n, NULL);
        assert_int_equal(got == PCL_NONE, right);
        moved += right;
        refused += !right;
        for (unsigned i = 0; i < N; i++) {
            if (right && m.at[i] >= first && m.at[i] <= last)
                m.at[i] += down ? 0 - n : n;
            assert_int_equal(pcl_cache_find(c, 0, m.at[i], NULL), m.id[i]);
        }
        if (round % 16 == 0)
            assert_sound(c);
    }
    assert_true(moved > 100 && refused > 100);
    pcl_cache_free(c);
}

struct counts {
    uint64_t pages, folios, tree;
    unsigned nodes;
};

static void same_counts_with_and_without_runs(void **state)
{
    struct counts x[2];
    uint32_t pfn[2];

    (void)state;
    for (int literal = 0; literal < 2; literal++) {
        struct pcl_cache *c = new_cache(literal != 0);
        struct counts *n = &x[literal];
        uint32_t f;

        *n = (struct counts){0};
        pcl_oracle_initial(c->oracle, 0, 0, 1 << 20);
        pcl_cache_populate(c, 0, 0, 300, 0, 0);
        pcl_cache_populate(c, 0, 8192, 20000, 0, 0);
        assert_int_equal(pcl_cache_move(c, 0, 8192, LAST, -5000, &n->nodes), PCL_NONE);
        assert_int_equal(pcl_cache_move(c, 0, 100, LAST, 1000003, &n->nodes), PCL_NONE);
        assert_sound(c);
        n->pages = c->t->nr_pages;
        n->folios = c->t->nr_folios;
        n->tree = c->t->nr_nodes;
        assert_int_equal(pcl_cache_find(c, 0, 100, NULL), PCL_NONE);
        f = pcl_cache_get(c, 0, 1000003 + 3192 + 7, NULL);
        pfn[literal] = c->folio[f].pfn;
        assert_true(pcl_oracle_folio_content(c->oracle, f, c->folio[f].pgoff) ==
                    ((uint64_t)PCL_CONTENT_ID_INITIAL << 32 | (8192 + 7)));
        pcl_folio_put(c, f); /* it may not go back into a run: that would forget its page */
        f = pcl_cache_find(c, 0, 1000003 + 3192 + 7, NULL);
        assert_int_equal(c->folio[f].pfn, pfn[literal]);
        pcl_cache_free(c);
    }
    assert_int_equal(pfn[0], pfn[1]);
    assert_memory_equal(&x[0], &x[1], sizeof x[0]);
}

static void the_last_page_of_the_largest_file_moves(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t f = add(c, 0, LAST, 0, 0), g = add(c, 0, LAST - 1, 0, 0);
    unsigned nodes = 0;

    (void)state;
    /* one descent through nine nodes to both; the new places need none to be entered */
    assert_int_equal(pcl_cache_move(c, 0, LAST - 1, UINT64_MAX, 1 - (int64_t)LAST, &nodes),
                     PCL_NONE);
    assert_sound(c);
    assert_int_equal(pcl_cache_find(c, 0, 0, NULL), g);
    assert_int_equal(pcl_cache_find(c, 0, 1, NULL), f);
    assert_int_equal(nodes, 9);
    assert_int_equal(pcl_cache_move(c, 0, 1, LAST, (int64_t)LAST, NULL), f); /* beyond the end */
    assert_int_equal(pcl_cache_move(c, 0, 0, 1, (int64_t)LAST - 1, NULL), PCL_NONE);
    assert_int_equal(pcl_cache_find(c, 0, LAST, NULL), f);
    assert_int_equal(c->t->nr_nodes, 9);
    assert_sound(c);
    pcl_cache_free(c);
}

static void whoever_forbids_a_move_is_named(void **state)
{
    struct pcl_cache *c = small_cache();
    uint32_t there = add(c, 0, 10, 0, 0), big = add(c, 0, 64, 4, 0), f = add(c, 0, 100, 0, 0);

    (void)state;
    assert_int_equal(pcl_cache_move(c, 0, 100, LAST, -90, NULL), there);
    assert_int_equal(pcl_cache_move(c, 0, 10, 10, 90, NULL), f);
    assert_int_equal(pcl_cache_move(c, 0, 70, LAST, 16, NULL), big); /* across its start */
    assert_int_equal(pcl_cache_move(c, 0, 20, 70, 16, NULL), big);
    assert_int_equal(pcl_cache_move(c, 0, 20, LAST, -8, NULL), big); /* not aligned then */
    pcl_folio_set_writeback(c, f);
    assert_int_equal(pcl_cache_move(c, 0, 90, LAST, -8, NULL), f);
    pcl_folio_clear_writeback(c, f);
    c->flags[f] = PCL_FOLIO_LOCKED; /* being read */
    assert_int_equal(pcl_cache_move(c, 0, 90, LAST, -8, NULL), f);
    assert_int_equal(c->folio[f].pgoff, 100);
    c->flags[f] = PCL_FOLIO_LOCKED | PCL_FOLIO_UPTODATE;
    assert_int_equal(pcl_cache_move(c, 0, 90, LAST, -8, NULL), PCL_NONE);
    assert_int_equal(pcl_cache_move(c, 0, 40, LAST, -16, NULL), PCL_NONE);
    assert_int_equal(c->folio[big].pgoff, 48);
    assert_sound(c);
    pcl_cache_free(c);
}

static void a_mapping_stays_behind(void **state)
{
    struct pcl_cache *c = new_cache(false);
    uint32_t f;

    (void)state;
    pcl_oracle_initial(c->oracle, 0, 0, 20);
    pcl_cache_populate(c, 0, 12, 1, 0, 0);
    f = pcl_cache_find(c, 0, 12, NULL);
    pcl_map_set(c, 0, 0, 12, f, false);
    assert_int_equal(pcl_cache_move(c, 0, 12, LAST, -4, NULL), PCL_NONE);
    assert_sound(c);
    /* the C1 race: the same mapping, another index, and no recheck of the user's load */
    assert_int_equal(pcl_oracle_mapped(c->oracle, false, f, 0, 12), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(c->oracle, PCL_NONE, f, 0, 8), PCL_WRONG_INDEX);
    pcl_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folio_moves_with_all_that_it_is),
        cmocka_unit_test(random_moves_end_where_they_should),
        cmocka_unit_test(same_counts_with_and_without_runs),
        cmocka_unit_test(the_last_page_of_the_largest_file_moves),
        cmocka_unit_test(whoever_forbids_a_move_is_named),
        cmocka_unit_test(a_mapping_stays_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
