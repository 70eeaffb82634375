/*
 * Whole reads and writes: each way of being torn, what is not torn although it looks so, and at
 * random: calls that take effect at one instant are never found torn.
 */
#include "cache_test.h"

#include <pclsim/oracle.h>

enum { PAGES = 12, FLIGHT = 6 };

struct rig {
    struct pcl_cache *c;
    struct pcl_oracle *o;
    uint32_t folio[PAGES];
    unsigned torn, other;
    struct pcl_wrong_info last;
};

static void note(void *arg, const struct pcl_wrong_info *info)
{
    struct rig *g = arg;

    g->last = *info;
    g->torn += info->what == PCL_WRONG_TORN;
    g->other += info->what != PCL_WRONG_TORN;
}

static void rig_up(struct rig *g)
{
    struct pcl_cache_conf conf = {.seed = 1};
    struct pcl_oracle_conf oc = {.report = note, .arg = g};

    memset(g, 0, sizeof *g);
    g->c = pcl_cache_new(&conf, NULL);
    g->o = pcl_oracle_new(g->c, &oc, NULL);
    (void)pcl_inode_new(g->c, PAGES * PCL_PAGE_SIZE);
    pcl_oracle_initial(g->o, 0, 0, PAGES - 1);
    for (unsigned p = 0; p < PAGES; p++) {
        g->folio[p] =
            pcl_cache_insert(g->c, 0, p, 0, PCL_FOLIO_UPTODATE | PCL_FOLIO_DIRTY, NULL);
        pcl_oracle_read_in(g->o, g->folio[p]);
    }
}

static void rig_down(struct rig *g)
{
    assert_int_equal(g->other, 0);
    pcl_cache_free(g->c);
}

static uint32_t begin(struct rig *g, enum pcl_truth_op what, uint64_t first, uint64_t last)
{
    uint32_t op = pcl_oracle_begin(g->o, what, 0, first, last);

    pcl_oracle_whole(g->o, op);
    return op;
}

static void load(struct rig *g, uint32_t op, uint64_t p)
{
    (void)pcl_oracle_load(g->o, op, g->folio[p], 0, p);
}

static void store(struct rig *g, uint32_t op, uint64_t p)
{
    pcl_oracle_store(g->o, op, g->folio[p], p);
}

static void a_read_between_two_pages_of_a_write_is_torn(void **state)
{
    (void)state;
    for (int later = 0; later < 2; later++) {
        struct rig g;
        uint32_t w, r;

        rig_up(&g);
        w = begin(&g, PCL_TRUTH_WRITE, 2, 3);
        r = begin(&g, PCL_TRUTH_READ, 1, 4);
        if (!later) /* new, old */
            store(&g, w, 2);
        load(&g, r, 1);
        load(&g, r, 2);
        if (later) { /* old, new */
            store(&g, w, 2);
            store(&g, w, 3);
        }
        assert_int_equal(g.torn, 0);
        load(&g, r, 3);
        assert_int_equal(g.torn, 1);
        assert_int_equal(g.last.pgoff, 3);
        assert_int_equal(g.last.other, 2);
        load(&g, r, 4);
        assert_int_equal(g.torn, 1); /* told once */
        pcl_oracle_end(g.o, w);
        pcl_oracle_end(g.o, r);
        rig_down(&g);
    }
}

static void a_read_of_all_or_nothing_is_not(void **state)
{
    struct rig g;
    uint32_t w, r, none;

    (void)state;
    rig_up(&g);
    none = begin(&g, PCL_TRUTH_READ, 1, 4);
    for (uint64_t p = 1; p <= 4; p++)
        load(&g, none, p);
    w = begin(&g, PCL_TRUTH_WRITE, 2, 3);
    r = begin(&g, PCL_TRUTH_READ, 1, 4);
    store(&g, w, 2);
    store(&g, w, 3);
    for (uint64_t p = 1; p <= 4; p++)
        load(&g, r, p);
    pcl_oracle_end(g.o, r);
    pcl_oracle_end(g.o, w);
    pcl_oracle_end(g.o, none);
    assert_int_equal(g.torn, 0);
    rig_down(&g);
}

/* Who promises nothing, or has one page, cannot be torn. */
static void what_promises_nothing_is_not_torn(void **state)
{
    struct rig g;

    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        uint32_t w, r;

        rig_up(&g);
        w = pcl_oracle_begin(g.o, PCL_TRUTH_WRITE, 0, 2, 3);
        r = pcl_oracle_begin(g.o, PCL_TRUTH_READ, 0, 2, 3);
        if (plain)
            pcl_oracle_whole(g.o, w);
        else
            pcl_oracle_whole(g.o, r);
        store(&g, w, 2);
        load(&g, r, 2);
        load(&g, r, 3);
        pcl_oracle_end(g.o, r);
        pcl_oracle_end(g.o, w);
        assert_int_equal(g.torn, 0);
        rig_down(&g);
    }
}

/* The later write covers one of the two pages only, and comes in between. */
static void a_page_that_was_written_again_is_no_tear(void **state)
{
    struct rig g;
    uint32_t w, x, r;

    (void)state;
    rig_up(&g);
    r = begin(&g, PCL_TRUTH_READ, 2, 3);
    w = begin(&g, PCL_TRUTH_WRITE, 2, 3);
    x = begin(&g, PCL_TRUTH_WRITE, 3, 4);
    store(&g, w, 2);
    store(&g, w, 3);
    store(&g, x, 3);
    store(&g, x, 4);
    load(&g, r, 2);
    load(&g, r, 3);
    assert_int_equal(g.torn, 0);
    pcl_oracle_end(g.o, w);
    pcl_oracle_end(g.o, x);
    pcl_oracle_end(g.o, r);
    rig_down(&g);
}

static void writes_that_cross_are_torn(void **state)
{
    struct rig g;
    uint32_t a, b;

    (void)state;
    rig_up(&g);
    a = begin(&g, PCL_TRUTH_WRITE, 2, 3);
    b = begin(&g, PCL_TRUTH_WRITE, 2, 5);
    store(&g, a, 2);
    store(&g, b, 2);
    store(&g, b, 3);
    assert_int_equal(g.torn, 0);
    store(&g, a, 3);
    assert_int_equal(g.torn, 1);
    assert_int_equal(g.last.pgoff, 3);
    assert_int_equal(g.last.other, 2);
    pcl_oracle_end(g.o, a);
    pcl_oracle_end(g.o, b);
    rig_down(&g);
}

/* --- at random
 * -------------------------------------------------------------------------------- */

struct flight {
    uint32_t op;
    enum pcl_truth_op what;
    uint64_t first, last;
    bool done;
};

static void take_effect(struct rig *g, struct flight *f)
{
    for (uint64_t p = f->first; p <= f->last && !f->done; p++)
        if (f->what == PCL_TRUTH_READ)
            load(g, f->op, p);
        else
            store(g, f->op, p);
    f->done = true;
}

static void calls_of_one_instant_are_never_torn(void **state)
{
    struct rig g;
    struct flight f[FLIGHT];
    struct rnd r = {7};
    unsigned n = 0;

    (void)state;
    rig_up(&g);
    for (unsigned i = 0; i < 60000; i++) {
        unsigned k = n ? (unsigned)rnd_below(&r, n) : 0;

        switch (rnd_below(&r, 3)) {
        case 0:
            if (n < FLIGHT) {
                uint64_t a = rnd_below(&r, PAGES), b = rnd_below(&r, PAGES);

                f[n] =
                    (struct flight){.what = rnd_below(&r, 2) ? PCL_TRUTH_READ : PCL_TRUTH_WRITE,
                                    .first = a < b ? a : b,
                                    .last = a < b ? b : a};
                f[n].op = pcl_oracle_begin(g.o, f[n].what, 0, f[n].first, f[n].last);
                if (rnd_below(&r, 4) || f[n].what == PCL_TRUTH_READ)
                    pcl_oracle_whole(g.o, f[n].op);
                n++;
            }
            break;
        case 1:
            if (n)
                take_effect(&g, &f[k]);
            break;
        default:
            if (n && f[k].done) {
                pcl_oracle_end(g.o, f[k].op);
                f[k] = f[--n];
            }
        }
        if (i % 1000 == 999)
            pcl_oracle_normalise(g.o); /* what it forgets must not matter */
        assert_int_equal(g.torn, 0);
    }
    rig_down(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_between_two_pages_of_a_write_is_torn),
        cmocka_unit_test(a_read_of_all_or_nothing_is_not),
        cmocka_unit_test(what_promises_nothing_is_not_torn),
        cmocka_unit_test(a_page_that_was_written_again_is_no_tear),
        cmocka_unit_test(writes_that_cross_are_torn),
        cmocka_unit_test(calls_of_one_instant_are_never_torn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
