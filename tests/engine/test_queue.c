/*
 * The event queue does what a plain list of (time, rank) would do: random schedules with ties,
 * moves and cancels are played against such a list; ranks are a permutation that replications
 * draw anew.
 */
#include "stat.h"

#include <stdbool.h>

#include <pclsim/engine.h>

enum { OPS_PER_SIZE = 6000 };

/* The list: a time per entity; the rank of an entity is the one that the queue gave it. */
struct list {
    const struct pcl_engine *e;
    pcl_ns *t;
    uint32_t n;
};

static uint32_t rank(const struct pcl_engine *e, uint32_t entity)
{
    return e->rank_of[entity] & ~PCL_IS_NEAR;
}

static uint32_t list_first(const struct list *l)
{
    uint32_t best = PCL_NONE;

    for (uint32_t i = 0; i < l->n; i++) {
        if (l->t[i] == PCL_NS_MAX)
            continue;
        if (best == PCL_NONE || l->t[i] < l->t[best] ||
            (l->t[i] == l->t[best] && rank(l->e, i) < rank(l->e, best)))
            best = i;
    }
    return best;
}

static uint64_t next_bits(uint64_t *i)
{
    return pcl_bits(pcl_stream(7, 0, 0, PCL_DRAW_PICK), (*i)++, 0);
}

/* A time from now on: half of them near, so that many are equal; some far away. */
static pcl_ns some_time(const struct pcl_engine *e, uint64_t *draw)
{
    uint64_t b = next_bits(draw);

    if (b % 97 == 0)
        return e->now + INT64_C(1000000000000);
    return e->now + (pcl_ns)(b % 2 ? b / 2 % 4 : b / 2 % 1000);
}

static void take_both(struct pcl_engine *e, struct list *l, pcl_ns limit)
{
    uint32_t want = list_first(l);
    pcl_ns before = e->now;

    if (want != PCL_NONE && l->t[want] > limit)
        want = PCL_NONE;
    uint32_t got = pcl_event_take(e, limit);

    assert_int_equal(got, want);
    if (want == PCL_NONE) {
        assert_true(e->now == before);
        return;
    }
    assert_true(e->now == l->t[want]);
    l->t[want] = PCL_NS_MAX;
}

static void play(uint32_t n, uint64_t *draw)
{
    struct pcl_engine e;
    struct list l = {.e = &e, .n = n, .t = pcl_xcalloc(n, sizeof(pcl_ns))};

    pcl_engine_init(&e, n, pcl_stream(n, 0, 0, PCL_DRAW_RANK));
    for (uint32_t i = 0; i < n; i++)
        l.t[i] = PCL_NS_MAX;
    for (uint32_t op = 0; op < OPS_PER_SIZE / (n > 1000 ? 4 : 1); op++) {
        uint64_t b = next_bits(draw);
        uint32_t who = (uint32_t)(b >> 8) % n;

        if (b % 8 < 4) { /* set, or move earlier or later */
            l.t[who] = some_time(&e, draw);
            pcl_event_set(&e, who, l.t[who]);
        } else if (b % 8 == 4) {
            l.t[who] = PCL_NS_MAX;
            pcl_event_cancel(&e, who);
        } else if (b % 8 == 5) {
            uint32_t first = list_first(&l);

            assert_true(pcl_event_next(&e) == (first == PCL_NONE ? PCL_NS_MAX : l.t[first]));
        } else {
            uint32_t first = list_first(&l);
            pcl_ns due = first == PCL_NONE ? e.now : l.t[first];

            take_both(&e, &l, b % 8 == 6 ? due : due - (due > e.now));
        }
        assert_true(pcl_event_time(&e, who) == l.t[who]);
    }
    while (list_first(&l) != PCL_NONE)
        take_both(&e, &l, PCL_NS_MAX - 1);
    assert_int_equal(pcl_event_take(&e, PCL_NS_MAX), PCL_NONE);
    pcl_engine_fini(&e);
    free(l.t);
}

static void it_equals_a_sorted_list(void **unused)
{
    static const uint32_t sizes[] = {1,  2,  3,  4,  5,   7,   8,    9,    15,   16,
                                     17, 31, 33, 63, 100, 257, 1000, 1024, 1025, 5000};
    uint64_t draw = 0;

    (void)unused;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        play(sizes[i], &draw);
}

/* Begun events: while entity x runs, others may be set, moved and cancelled; then x asks
 * whether it may go on at time t. A yes must be true; without any change in between a no must
 * be true as well. */
static void begun_entities_go_on_only_when_they_are_next(void **unused)
{
    static const uint32_t sizes[] = {1, 2, 3, 5, 8, 17, 64, 300};
    uint64_t draw = 1u << 20, yes = 0;

    (void)unused;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        uint32_t n = sizes[s];
        struct pcl_engine e;
        struct list l = {.e = &e, .n = n, .t = pcl_xcalloc(n, sizeof(pcl_ns))};

        pcl_engine_init(&e, n, pcl_stream(n, 1, 0, PCL_DRAW_RANK));
        for (uint32_t i = 0; i < n; i++)
            pcl_event_set(&e, i, l.t[i] = (pcl_ns)(next_bits(&draw) % 50));
        for (int round = 0; round < 6000; round++) {
            uint32_t x = pcl_event_take(&e, PCL_NS_MAX - 1), first = list_first(&l);
            unsigned changes = (unsigned)(next_bits(&draw) % 4);
            bool cancelled = false;

            assert_int_equal(x, first);
            if (x == PCL_NONE) {
                pcl_event_set(&e, 0, l.t[0] = e.now);
                continue;
            }
            assert_true(e.now == l.t[x]);
            l.t[x] = PCL_NS_MAX;
            for (unsigned c = 0; c < changes && n > 1; c++) {
                uint32_t other = (x + 1 + (uint32_t)(next_bits(&draw) % (n - 1))) % n;

                if (next_bits(&draw) % 4 == 0) {
                    pcl_event_cancel(&e, other);
                    l.t[other] = PCL_NS_MAX;
                    cancelled = true;
                } else {
                    cancelled |= l.t[other] != PCL_NS_MAX;
                    pcl_event_set(&e, other, l.t[other] = some_time(&e, &draw));
                }
            }
            pcl_ns t = some_time(&e, &draw);
            uint32_t rival = list_first(&l);
            bool want = rival == PCL_NONE || t < l.t[rival] ||
                        (t == l.t[rival] && rank(&e, x) < rank(&e, rival));
            bool ahead = pcl_event_ahead(&e, x, t);

            assert_true(!ahead || want);
            assert_true(ahead || !want || cancelled);
            yes += ahead;
            if (next_bits(&draw) % 16) {
                pcl_event_set(&e, x, l.t[x] = t);
            } else {
                pcl_event_cancel(&e, x);
            }
        }
        pcl_engine_fini(&e);
        free(l.t);
    }
    assert_true(yes > 1000);
}

static void ranks_are_a_permutation(void **unused)
{
    (void)unused;
    for (uint32_t n = 1; n < 70; n++) {
        struct pcl_engine e;
        uint8_t seen[70] = {0};

        pcl_engine_init(&e, n, pcl_stream(1, n, 0, PCL_DRAW_RANK));
        for (uint32_t i = 0; i < n; i++) {
            assert_true(e.rank_of[i] < n);
            assert_int_equal(e.entity_of[e.rank_of[i]], i);
            assert_int_equal(seen[e.rank_of[i]]++, 0);
        }
        pcl_engine_fini(&e);
    }
}

/* Over replications every order of four entities comes up equally often. */
static void equal_times_favour_nobody_for_ever(void **unused)
{
    enum { N = 4, ORDERS = 256, REPS = 24000 };
    uint64_t seen[24];
    double expected[24];
    uint64_t by_code[ORDERS] = {0};
    size_t kinds = 0;

    (void)unused;
    for (uint32_t rep = 0; rep < REPS; rep++) {
        struct pcl_engine e;
        unsigned code = 0;

        pcl_engine_init(&e, N, pcl_stream(3, rep, 0, PCL_DRAW_RANK));
        for (uint32_t i = 0; i < N; i++)
            pcl_event_set(&e, i, 10);
        for (int i = 0; i < N; i++)
            code = code * N + pcl_event_take(&e, 10);
        by_code[code]++;
        pcl_engine_fini(&e);
    }
    for (int c = 0; c < ORDERS; c++)
        if (by_code[c]) {
            assert_true(kinds < 24);
            expected[kinds] = REPS / 24.0;
            seen[kinds++] = by_code[c];
        }
    assert_int_equal(kinds, 24);
    assert_chi_square(seen, expected, kinds);
}

static void times_that_do_not_fit_are_the_end_of_time(void **unused)
{
    (void)unused;
    assert_true(pcl_ns_add(PCL_NS_MAX - 1, 1) == PCL_NS_MAX);
    assert_true(pcl_ns_add(PCL_NS_MAX - 1, 2) == PCL_NS_MAX);
    assert_true(pcl_ns_add(PCL_NS_MAX, PCL_NS_MAX) == PCL_NS_MAX);
    assert_true(pcl_ns_add(5, 7) == 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_equals_a_sorted_list),
        cmocka_unit_test(begun_entities_go_on_only_when_they_are_next),
        cmocka_unit_test(ranks_are_a_permutation),
        cmocka_unit_test(equal_times_favour_nobody_for_ever),
        cmocka_unit_test(times_that_do_not_fit_are_the_end_of_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
