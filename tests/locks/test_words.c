/*
 * Range locks made of words: which ranges meet in a word and which do not, what a request for
 * the whole of the largest file takes, and that everything taken is given back.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct rig_op nothing[] = {END};
static const struct rig_op *script[RIG_MAX_TASKS];

static void init(struct rig *r, const char *lock, const struct pcl_lock_param *param,
                 unsigned n)
{
    for (int i = 0; i < RIG_MAX_TASKS; i++)
        script[i] = nothing;
    rig_init(r, &(struct rig_conf){.lock = lock,
                                   .param = param,
                                   .n_params = n,
                                   .n_tasks = RIG_MAX_TASKS,
                                   .script = script,
                                   .explore = true});
}

static uint32_t try_take(struct rig *r, uint32_t body, enum pcl_mode mode, int64_t start,
                         int64_t last)
{
    uint32_t node;

    r->m.cur = body;
    node = pcl_range_begin(&r->R, PCL_RANGE_TRY, 0, mode, start, last, false);
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
    return r->R.op[body].result == PCL_RANGE_GOT ? node : PCL_NONE;
}

static void give(struct rig *r, enum pcl_range_what what, uint32_t node)
{
    r->m.cur = r->R.node[node].owner;
    pcl_range_begin_release(&r->R, what, node);
    while (pcl_range_step(&r->R) == PCL_MORE)
        continue;
}

static void assert_valid(const struct rig *r)
{
    const char *why = "";

    if (!r->R.ops->validate(&r->R, 0, &why))
        fail_msg("%s", why);
}

/* Do two ranges meet that somebody goes by? */
struct geometry {
    const char *lock;
    struct pcl_lock_param param[2];
    int64_t unit, units; /* units 0: they do not go round */
    bool shares;
};

static const struct geometry geometries[] = {
    {"segments", {{"segment", 10}, {"words", 32}}, 10, 32, true},
    {"segment-bitmap", {{"segment", 10}, {"words", 2}}, 10, 128, false},
    {"segment-tree", {{"unit", 2}, {"fan_bits", 2}}, 4, 0, true},
    {"segment-tree", {{"unit", 0}, {"fan_bits", 1}}, 1, 0, true},
    {"segment-tree", {{"unit", 12}, {"fan_bits", 6}}, 4096, 0, true},
};

static bool has_unit(const struct geometry *g, const struct pcl_range_node *n, int64_t i)
{
    int64_t from = n->start / g->unit, count = n->last / g->unit - from + 1;

    return count >= g->units || (i - from % g->units + g->units) % g->units < count;
}

static bool meet(const struct geometry *g, const struct pcl_range_node *a,
                 const struct pcl_range_node *b)
{
    if (g->shares && a->mode == PCL_SHARED && b->mode == PCL_SHARED)
        return false;
    if (!g->units)
        return a->start / g->unit <= b->last / g->unit &&
               b->start / g->unit <= a->last / g->unit;
    for (int64_t i = 0; i < g->units; i++)
        if (has_unit(g, a, i) && has_unit(g, b, i))
            return true;
    return false;
}

static uint64_t bits(uint64_t i, uint64_t lane, uint64_t n)
{
    return pcl_below(pcl_stream(29, 0, 0, PCL_DRAW_ANALYSIS), i, lane, n);
}

static struct pcl_range_node some_range(const struct geometry *g, uint64_t i)
{
    int64_t a = (int64_t)bits(i, 3, (uint64_t)g->unit * 150);
    int64_t len =
        (int64_t)bits(i, 4, bits(i, 5, 9) ? 2 * (uint64_t)g->unit : 90 * (uint64_t)g->unit);
    bool far = bits(i, 6, 5) == 0, whole = bits(i, 8, 50) == 0;

    return (struct pcl_range_node){.start = whole ? 0
                                            : far ? PCL_OFF_MAX - a - len
                                                  : a,
                                   .last =
                                       whole || far ? PCL_OFF_MAX - (whole ? 0 : a) : a + len,
                                   .mode = bits(i, 7, 3) ? PCL_EXCLUSIVE : PCL_SHARED};
}

static void they_agree_with_a_list_of_their_units(void **state)
{
    (void)state;
    for (size_t g = 0; g < sizeof geometries / sizeof geometries[0]; g++) {
        const struct geometry *geo = &geometries[g];
        uint32_t n_got = 0, n_busy = 0;
        struct rig r;

        init(&r, geo->lock, geo->param, 2);
        for (uint64_t i = 0; i < 1500; i++) {
            uint32_t node = (uint32_t)bits(i, 1, r.R.n_nodes);
            struct pcl_range_node want = some_range(geo, i);
            bool busy = false;

            if (r.R.node[node].used) {
                bool down =
                    r.R.node[node].mode == PCL_EXCLUSIVE && geo->shares && bits(i, 2, 4) == 0;

                give(&r, down ? PCL_RANGE_DOWNGRADE : PCL_RANGE_RELEASE, node);
            } else if (!r.R.node[node / PCL_RANGE_SLOTS * PCL_RANGE_SLOTS + 3].used) {
                for (uint32_t k = 0; k < r.R.n_nodes; k++)
                    busy = busy || (r.R.node[k].used && meet(geo, &r.R.node[k], &want));
                uint32_t got = try_take(&r, node / PCL_RANGE_SLOTS, (enum pcl_mode)want.mode,
                                        want.start, want.last);

                if ((got == PCL_NONE) != busy)
                    fail_msg("%s (%zu): [%lld, %lld]", geo->lock, g, (long long)want.start,
                             (long long)want.last);
                n_got += !busy;
                n_busy += busy;
            }
            assert_valid(&r);
        }
        for (uint32_t k = 0; k < r.R.n_nodes; k++)
            if (r.R.node[k].used)
                give(&r, PCL_RANGE_RELEASE, k);
        assert_valid(&r); /* nobody is left: all words are zero */
        assert_true(n_got > 100 && n_busy > 100);
        rig_fini(&r);
    }
}

/* --- many words, all interleavings
 * --------------------------------------------------------------- */

static const struct rig_op low[] = {TAKE_RANGE(EXCLUSIVE, 0, 19), DROP, END};
static const struct rig_op mid[] = {TAKE_RANGE(EXCLUSIVE, 10, 29), DROP, END};
static const struct rig_op mid_shared[] = {TAKE_RANGE(SHARED, 10, 29), DROP, END};
static const struct rig_op round_trip[] = {TAKE_RANGE(EXCLUSIVE, 310, 335), DROP, END};
static const struct rig_op downgrade[] = {
    TAKE_RANGE(EXCLUSIVE, 10, 29), {.act = RIG_DOWNGRADE}, DROP, END};
static const struct rig_op killable[] = {
    {.act = RIG_TAKE, .mode = PCL_EXCLUSIVE, .killable = true, .start = 0, .last = 29},
    DROP,
    END};
static const struct rig_op kill_1[] = {KILL(1), END};

static void explore(const struct geometry *g, const struct rig_op *a, const struct rig_op *b,
                    const struct rig_op *c)
{
    const struct rig_op *s[] = {a, b, c};

    rig_explore_all(&(struct rig_conf){.lock = g->lock,
                                       .param = g->param,
                                       .n_params = 2,
                                       .n_tasks = c ? 3 : 2,
                                       .script = s,
                                       .explore = true});
}

static void rows_of_words_neither_lock_up_nor_lose_anybody(void **state)
{
    static const struct geometry rows[] = {
        {"segments", {{"segment", 10}, {"words", 32}}, 10, 32, true},
        {"segment-bitmap", {{"segment", 1}, {"words", 2}}, 1, 128, false},
        {"segment-tree", {{"unit", 50}, {"fan_bits", 6}}, 0, 0, true},
    };

    (void)state;
    for (size_t g = 0; g < sizeof rows / sizeof rows[0]; g++) {
        explore(&rows[g], low, mid, NULL);
        explore(&rows[g], low, round_trip, NULL);
        explore(&rows[g], mid, killable, kill_1);
        if (!rows[g].shares)
            continue;
        explore(&rows[g], low, mid_shared, NULL);
        explore(&rows[g], downgrade, mid_shared, NULL);
    }
}

/* --- false conflicts
 * ------------------------------------------------------------------------------- */

static void waits_for_strangers_are_counted(void **state)
{
    static const struct rig_op holder[] = {
        TAKE_RANGE(EXCLUSIVE, 0, 3), {.act = RIG_SLEEP, .ns = 50000}, DROP, END};
    static const struct rig_op stranger[] = {
        {.act = RIG_SLEEP, .ns = 1000}, TAKE_RANGE(EXCLUSIVE, 5, 9), DROP, END};
    static const struct rig_op rival[] = {
        {.act = RIG_SLEEP, .ns = 1000}, TAKE_RANGE(EXCLUSIVE, 3, 3), DROP, END};
    static const struct pcl_lock_param ten[] = {{"segment", 10}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct rig_op *s[] = {holder, i ? rival : stranger};
        struct rig r;

        rig_init(
            &r,
            &(struct rig_conf){
                .lock = "segments", .param = ten, .n_params = 1, .n_tasks = 2, .script = s});
        rig_run(&r);
        assert_int_equal(r.R.stats.false_conflicts, i ? 0 : 1);
        assert_true(rig_granted(&r, 1) >= 50000);
        rig_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_agree_with_a_list_of_their_units),
        cmocka_unit_test(rows_of_words_neither_lock_up_nor_lose_anybody),
        cmocka_unit_test(waits_for_strangers_are_counted),
    };

    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
