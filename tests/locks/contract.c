/*
 * What every lock promises, by its declared properties: `contract NAME` runs one lock's cases,
 * and CMake makes one test of each line of locks.def.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct pcl_lock_entry *entry;
static const char *name;

/* --- timed: random scripts on several machines -----------------------------------------------
 */

enum { TASKS = 8, ROUNDS = 60, WORDS = ROUNDS * 6 + 1 };

struct scripts {
    struct rig_op *word[TASKS];
    const struct rig_op *script[TASKS];
    uint64_t takes;
};

static uint64_t draw(uint64_t seed, uint32_t task, uint32_t index, uint64_t lane, uint64_t n)
{
    return pcl_below(pcl_stream(seed, 0, task, PCL_DRAW_MIX), index, lane, n);
}

static struct rig_op random_take(uint64_t seed, uint32_t task, uint32_t i)
{
    struct rig_op op = {.act = RIG_TAKE, .killable = draw(seed, task, i, 1, 4) == 0};
    uint64_t what = draw(seed, task, i, 2, 16);
    int64_t a = (int64_t)draw(seed, task, i, 3, 24), len = (int64_t)draw(seed, task, i, 4, 8);

    if (entry->kind == PCL_LOCK_PAGE) {
        op.object = (uint32_t)draw(seed, task, i, 5, 2);
        op.what = what == 0   ? PCL_PAGE_TRYLOCK
                  : what == 1 ? PCL_PAGE_WAIT
                  : what == 2 ? PCL_PAGE_WAIT_DROP
                              : PCL_PAGE_LOCK;
        if (rig_props(entry) & PCL_PROP_SHARED && draw(seed, task, i, 6, 2))
            op.what = op.what == PCL_PAGE_LOCK      ? PCL_PAGE_LOCK_SHARED
                      : op.what == PCL_PAGE_TRYLOCK ? PCL_PAGE_TRYLOCK_SHARED
                                                    : op.what;
        return op;
    }
    op.what = what == 0 ? PCL_RANGE_TRY : PCL_RANGE_ACQUIRE;
    op.mode = rig_props(entry) & PCL_PROP_SHARED && draw(seed, task, i, 6, 2) ? PCL_SHARED
                                                                              : PCL_EXCLUSIVE;
    if (rig_props(entry) & PCL_PROP_CLASSES)
        op.class = draw(seed, task, i, 13, 2) ? PCL_CLASS_DIRECT : PCL_CLASS_BUFFERED;
    op.object = draw(seed, task, i, 5, 6) == 0;
    op.start = a;
    op.last = a + len;
    return op;
}

static bool needs_drop(const struct rig_op *take)
{
    return entry->kind == PCL_LOCK_RANGE ||
           (take->what != PCL_PAGE_WAIT && take->what != PCL_PAGE_WAIT_DROP);
}

static void make_scripts(struct scripts *s, uint64_t seed, uint32_t n_tasks, bool kills)
{
    s->takes = 0;
    for (uint32_t t = 0; t < n_tasks; t++) {
        struct rig_op *w = s->word[t] = pcl_xcalloc(WORDS, sizeof *w);

        s->script[t] = w;
        for (uint32_t i = 0; i < ROUNDS; i++) {
            struct rig_op take = random_take(seed, t, i);
            bool burn = draw(seed, t, i, 7, 3) != 0;

            *w++ = (struct rig_op){.act = RIG_SLEEP, .ns = (pcl_ns)draw(seed, t, i, 8, 9000)};
            *w++ = take;
            s->takes++;
            if (needs_drop(&take)) {
                *w++ = (struct rig_op){.act = burn ? RIG_BURN : RIG_SLEEP,
                                       .ns = (pcl_ns)draw(seed, t, i, 9, 4000)};
                if (take.mode == PCL_EXCLUSIVE && entry->kind == PCL_LOCK_RANGE &&
                    (rig_props(entry) & PCL_PROP_SHARED) && draw(seed, t, i, 10, 6) == 0)
                    *w++ = (struct rig_op){.act = RIG_DOWNGRADE};
                *w++ = (struct rig_op){.act = RIG_DROP};
            }
            if (kills && draw(seed, t, i, 11, 8) == 0)
                *w++ = (struct rig_op){.act = RIG_KILL,
                                       .object = (uint32_t)draw(seed, t, i, 12, n_tasks)};
        }
    }
}

static void free_scripts(struct scripts *s, uint32_t n_tasks)
{
    for (uint32_t t = 0; t < n_tasks; t++)
        free(s->word[t]);
}

struct outcome {
    uint64_t fingerprint, granted;
};

static struct outcome run_once(const struct pcl_profile *p, uint64_t seed, uint32_t n_tasks,
                               bool no_run_ahead, bool kills)
{
    struct scripts s;
    struct rig r;
    struct outcome out;

    make_scripts(&s, seed, n_tasks, kills);
    rig_init(&r, &(struct rig_conf){.lock = name,
                                    .n_tasks = n_tasks,
                                    .script = s.script,
                                    .profile = p,
                                    .seed = seed,
                                    .no_run_ahead = no_run_ahead});
    rig_run(&r);
    assert_int_equal(r.granted + r.busy + r.killed, s.takes);
    out = (struct outcome){pcl_fp_value(&r.m.eng.fp), r.granted};
    rig_fini(&r);
    free_scripts(&s, n_tasks);
    return out;
}

static void on_machines(void (*fn)(const struct pcl_profile *p))
{
    struct pcl_profile p;

    pcl_profile_ideal(&p);
    fn(&p);
    rig_small_machine(&p, 2);
    fn(&p);
    rig_small_machine(&p, 8);
    fn(&p);
    p.preempt = PCL_PREEMPT_FULL;
    p.sched = PCL_SCHED_EEVDF;
    p.slice = 20000; /* so that holders and spinners lose their CPU in a short run */
    p.hz = 100000;
    p.tick_cost = 50;
    fn(&p);
}

static void serve(const struct pcl_profile *p)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        run_once(p, seed, TASKS, false, false);
}

static void excludes_and_serves_everyone(void **state)
{
    (void)state;
    on_machines(serve);
}

static void serve_the_rest(const struct pcl_profile *p)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        run_once(p, seed, TASKS, false, true);
}

static void killed_waiters_leave_nothing_behind(void **state)
{
    (void)state;
    on_machines(serve_the_rest);
}

static void same_seed(const struct pcl_profile *p)
{
    struct outcome a = run_once(p, 3, TASKS, false, false),
                   b = run_once(p, 3, TASKS, false, false),
                   other = run_once(p, 4, TASKS, false, false);

    assert_int_equal(a.fingerprint, b.fingerprint);
    assert_int_not_equal(a.fingerprint, other.fingerprint);
}

static void same_seed_same_trajectory(void **state)
{
    (void)state;
    on_machines(same_seed);
}

static void ahead(const struct pcl_profile *p)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        assert_int_equal(run_once(p, seed, TASKS, false, true).fingerprint,
                         run_once(p, seed, TASKS, true, true).fingerprint);
}

static void running_ahead_changes_nothing(void **state)
{
    (void)state;
    on_machines(ahead);
}

/* --- explored: all interleavings of small scripts
 * --------------------------------------------- */

#define MAX_BODIES 4

/* Parameters that keep the state small, where a lock has them. */
static unsigned small_params(struct pcl_lock_param *out)
{
    static const struct pcl_lock_param small[] = {
        {"bits", 0}, {"unfairness", 1}, {"break", 1}, {"reader_batch", 1}, {"words", 16}, {"unit", 50}};
    const struct pcl_lock_param_info *info = rig_params(entry);
    unsigned n = 0;

    for (; info && info->name; info++)
        for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
            if (strcmp(info->name, small[i].name) == 0)
                out[n++] = small[i];
    return n;
}

static void explore(const struct rig_op *a, const struct rig_op *b, const struct rig_op *c,
                    const struct rig_op *d)
{
    struct pcl_lock_param param[PCL_MAX_LOCK_PARAMS];
    const struct rig_op *script[MAX_BODIES] = {a, b, c, d};
    uint32_t n = 0;

    while (n < MAX_BODIES && script[n])
        n++;
    rig_explore_all(&(struct rig_conf){.lock = name,
                                       .param = param,
                                       .n_params = small_params(param),
                                       .n_tasks = n,
                                       .script = script,
                                       .explore = true});
}

static const struct rig_op r_excl[] = {TAKE_RANGE(EXCLUSIVE, 0, 9), DROP, END};
static const struct rig_op r_excl2[] = {TAKE_RANGE(EXCLUSIVE, 0, 9), DROP,
                                        TAKE_RANGE(EXCLUSIVE, 5, 14), DROP, END};
static const struct rig_op r_shared[] = {TAKE_RANGE(SHARED, 0, 9), DROP, END};
static const struct rig_op r_shared2[] = {TAKE_RANGE(SHARED, 0, 9), DROP,
                                          TAKE_RANGE(SHARED, 5, 14), DROP, END};
static const struct rig_op r_downgrade[] = {
    TAKE_RANGE(EXCLUSIVE, 0, 9), {.act = RIG_DOWNGRADE}, DROP, END};
static const struct rig_op r_try[] = {
    {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_EXCLUSIVE, .last = 9}, DROP, END};
static const struct rig_op r_try_shared[] = {
    {.act = RIG_TAKE, .what = PCL_RANGE_TRY, .mode = PCL_SHARED, .last = 9}, DROP, END};
static const struct rig_op r_killable[] = {{.act = RIG_TAKE,
                                            .what = PCL_RANGE_ACQUIRE,
                                            .mode = PCL_EXCLUSIVE,
                                            .last = 9,
                                            .killable = true},
                                           DROP,
                                           END};
static const struct rig_op r_killable_shared[] = {{.act = RIG_TAKE,
                                                   .what = PCL_RANGE_ACQUIRE,
                                                   .mode = PCL_SHARED,
                                                   .last = 9,
                                                   .killable = true},
                                                  DROP,
                                                  END};
static const struct rig_op r_direct2[] = {
    {.act = RIG_TAKE, .mode = PCL_SHARED, .class = PCL_CLASS_DIRECT, .last = 9},
    DROP,
    {.act = RIG_TAKE, .mode = PCL_SHARED, .class = PCL_CLASS_DIRECT, .last = 9},
    DROP,
    END};
static const struct rig_op p_lock[] = {TAKE_PAGE(LOCK, 0), DROP, END};
static const struct rig_op p_lock2[] = {TAKE_PAGE(LOCK, 0), DROP, TAKE_PAGE(LOCK, 0), DROP,
                                        END};
static const struct rig_op p_try[] = {TAKE_PAGE(TRYLOCK, 0), DROP, END};
static const struct rig_op p_wait[] = {TAKE_PAGE(WAIT, 0), END};
static const struct rig_op p_drop[] = {TAKE_PAGE(WAIT_DROP, 0), END};
static const struct rig_op p_killable[] = {
    {.act = RIG_TAKE, .what = PCL_PAGE_LOCK, .killable = true}, DROP, END};
static const struct rig_op p_killable_wait[] = {
    {.act = RIG_TAKE, .what = PCL_PAGE_WAIT, .killable = true}, END};
static const struct rig_op p_shared[] = {TAKE_PAGE(LOCK_SHARED, 0), DROP, END};
static const struct rig_op p_shared2[] = {TAKE_PAGE(LOCK_SHARED, 0), DROP,
                                          TAKE_PAGE(LOCK_SHARED, 0), DROP, END};
static const struct rig_op p_try_shared[] = {TAKE_PAGE(TRYLOCK_SHARED, 0), DROP, END};
static const struct rig_op p_killable_shared[] = {
    {.act = RIG_TAKE, .what = PCL_PAGE_LOCK_SHARED, .killable = true}, DROP, END};
static const struct rig_op p_other[] = {TAKE_PAGE(LOCK, 1), DROP, END};
static const struct rig_op kill_1[] = {KILL(1), END};

static bool is_page(void)
{
    return entry->kind == PCL_LOCK_PAGE;
}

static bool shares(void)
{
    return rig_props(entry) & PCL_PROP_SHARED;
}

/* Of the kernel's own locks hybrid and what followed it lose a wake-up when a waiter is killed;
 * test_page.c shows how. */
static bool swallows_a_wake(void)
{
    static const char *const locks[] = {"hybrid", "folio", "page-queue", "page-alloc-queue",
                                        "lockdep-page", "spin-sleep"};

    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++)
        if (strcmp(name, locks[i]) == 0)
            return true;
    return false;
}

static void two_tasks_all_interleavings(void **state)
{
    (void)state;
    if (is_page()) {
        explore(p_lock, p_lock, NULL, NULL);
        explore(p_lock2, p_lock2, NULL, NULL);
        explore(p_lock2, p_try, NULL, NULL);
        explore(p_lock2, p_wait, NULL, NULL);
        explore(p_lock2, p_drop, NULL, NULL);
        explore(p_lock, p_other, NULL, NULL);
        if (!shares())
            return;
        explore(p_lock2, p_shared2, NULL, NULL);
        explore(p_shared2, p_shared2, NULL, NULL);
        explore(p_lock2, p_try_shared, NULL, NULL);
        explore(p_shared2, p_try, NULL, NULL);
        explore(p_shared2, p_wait, NULL, NULL);
        return;
    }
    explore(r_excl, r_excl, NULL, NULL);
    explore(r_excl2, r_excl2, NULL, NULL);
    explore(r_excl2, r_try, NULL, NULL);
    if (!shares())
        return;
    explore(r_excl2, r_shared2, NULL, NULL);
    explore(r_shared2, r_shared2, NULL, NULL);
    explore(r_excl2, r_try_shared, NULL, NULL);
    explore(r_shared2, r_try, NULL, NULL);
    explore(r_downgrade, r_shared2, NULL, NULL);
    explore(r_downgrade, r_excl2, NULL, NULL);
    if (!(rig_props(entry) & PCL_PROP_CLASSES))
        return;
    explore(r_direct2, r_direct2, NULL, NULL);
    explore(r_direct2, r_shared2, NULL, NULL);
    explore(r_direct2, r_downgrade, NULL, NULL);
}

static void three_tasks_all_interleavings(void **state)
{
    (void)state;
    if (is_page()) {
        explore(p_lock, p_lock, p_lock, NULL);
        explore(p_lock, p_wait, p_lock, NULL);
        explore(p_lock, p_lock, p_other, NULL);
        if (!shares())
            return;
        explore(p_lock, p_shared, p_shared, NULL);
        explore(p_lock, p_lock, p_shared, NULL);
        explore(p_lock, p_shared, p_wait, NULL);
        explore(p_shared2, p_lock, p_shared, NULL);
        return;
    }
    explore(r_excl, r_excl, r_excl, NULL);
    if (!shares())
        return;
    explore(r_excl, r_shared, r_shared, NULL);
    explore(r_excl, r_excl, r_shared, NULL);
    explore(r_downgrade, r_shared, r_shared, NULL);
    explore(r_downgrade, r_excl, r_shared, NULL);
    if (rig_props(entry) & PCL_PROP_CLASSES) {
        explore(r_direct2, r_shared2, r_excl, NULL);
        explore(r_direct2, r_shared2, r_downgrade, NULL);
    }
}

static void a_kill_at_any_instant_strands_nobody(void **state)
{
    (void)state;
    if (is_page()) {
        explore(p_lock, p_killable, kill_1, NULL);
        explore(p_lock, p_killable_wait, kill_1, NULL);
        if (!swallows_a_wake())
            explore(p_lock, p_killable, kill_1, p_lock);
        if (!shares())
            return;
        explore(p_shared, p_killable, kill_1, p_shared);
        explore(p_lock, p_killable_shared, kill_1, NULL);
        return;
    }
    explore(r_excl, r_killable, kill_1, NULL);
    explore(r_excl, r_killable, kill_1, r_excl);
    if (!shares())
        return;
    explore(r_excl, r_killable_shared, kill_1, NULL);
    explore(r_shared, r_killable, kill_1, NULL);
    explore(r_excl, r_killable, kill_1, r_shared);
    if (rig_props(entry) & PCL_PROP_CLASSES)
        explore(r_direct2, r_killable, kill_1, r_direct2);
}

/* --- the declaration itself
 * -------------------------------------------------------------------- */

static void declares_what_a_reader_needs(void **state)
{
    char buf[128];
    bool page = is_page();

    (void)state;
    assert_true(strlen(page ? entry->page->summary : entry->range->summary) > 10);
    assert_true(strlen(page ? entry->page->source : entry->range->source) > 5);
    assert_true(page ? entry->page->validate != NULL : entry->range->validate != NULL);
    assert_true(strlen(pcl_lock_props(rig_props(entry), buf, sizeof buf)) > 0);
    for (const struct pcl_lock_param_info *i = rig_params(entry); i && i->name; i++)
        assert_true(i->lo <= i->def && i->def <= i->hi && i->what[0]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declares_what_a_reader_needs),
        cmocka_unit_test(excludes_and_serves_everyone),
        cmocka_unit_test(killed_waiters_leave_nothing_behind),
        cmocka_unit_test(same_seed_same_trajectory),
        cmocka_unit_test(running_ahead_changes_nothing),
        cmocka_unit_test(two_tasks_all_interleavings),
        cmocka_unit_test(three_tasks_all_interleavings),
        cmocka_unit_test(a_kill_at_any_instant_strands_nobody),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: contract LOCK\n");
        return 1;
    }
    name = argv[1];
    entry = rig_lock(name);
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
