/*
 * Deliberately broken variants: each is found by the explorer, with the kind of wrong that it is,
 * and what it was made from by leaving something out is exhausted without anything. Broken locks
 * (PG_waiters cleared too early, a wake-up swallowed on a signal) stand beside the locks' own
 * tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/race.h>

#include "tables.h"

#define HEAD "[scenario]\ntitle = t\nfs = xfs\nduration = 1ms\nmachine = ideal\n"
#define SHARED_HEAD \
    "[scenario]\ntitle = t\nfs = ext4-half-shared\nduration = 1ms\nmachine = ideal\n"

struct variant {
    const char *text, *scheme;
    void (*alter)(struct pcl_kernel *k);
};

/* What a search with up to two preemptions says: a kind, "" when it has exhausted them. */
static void finds(const struct variant *v, const char *kind)
{
    struct pcl_schemes known = {0};
    struct pcl_scheme scheme;
    struct pcl_scenario *scenario;
    struct pcl_profile *machine = pcl_xcalloc(1, sizeof *machine);
    struct pcl_race_result r;
    struct pcl_err err = {0};

    assert_int_equal(pcl_scenario_parse("t.ini", v->text, NULL, 0, &scenario, &err), PCL_OK);
    assert_int_equal(pcl_schemes_default(&known, &err), PCL_OK);
    assert_int_equal(pcl_scheme_resolve(&known, v->scheme, &scheme, &err), PCL_OK);
    pcl_profile_ideal(machine);
    struct pcl_job job = {.scenario = scenario, .scheme = &scheme, .machine = machine, .seed = 1};
    struct pcl_race_conf conf = {
        .job = &job, .each = 1, .preemptions = 2, .states = 4000000, .alter = v->alter};

    assert_int_equal(pcl_race_search(&conf, &r, &err), PCL_OK);
    if (strcmp(r.kind, kind) != 0)
        fail_msg("%s: '%s' (%s) instead of '%s'", v->scheme, r.kind, r.text, kind);
    if (!*kind)
        assert_int_equal(r.exhausted, 2);
    pcl_race_fini(&r);
    pcl_schemes_fini(&known);
    pcl_scenario_free(scenario);
    free(machine);
}

/* --- no recheck after lock ------------------------------------------------------------------- */

static const char fault_beside_a_punch[] = HEAD
    "[file f]\nsize = 8k\ncached = all\n"
    "[group f]\ndo = fault 4k\ntasks_are = processes\n"
    "[group p]\ndo = punch 4k 4k\ntasks_are = processes\n";

static void who_does_not_ask_again_maps_what_is_gone(void **state)
{
    (void)state;
    finds(&(struct variant){fault_beside_a_punch, "v6.7:path.recheck=none", NULL},
          pcl_wrong_name(PCL_WRONG_MAPPING));
    finds(&(struct variant){fault_beside_a_punch, "v6.7", NULL}, "");
}

/* --- the invalidate lock dropped too early --------------------------------------------------- */

/* A punch that takes pages out as they are, and trusts that its unmapping of the range has left no
 * mapping; OPEN is what it does in between. */
#define PUNCH_UNMAP_ONCE(OPEN, BEFORE_FREE)                                                     \
    {                                                                                           \
        S_ENTER(syscall), S_LOCK(IOLOCK), S_LOCK(INVALIDATE), S_LOCK(IMAP), S_DO(unmap_range),  \
            S_UNLOCK(IMAP), OPEN S_DO(to_start), S_AT(I_LOOP), S_IF(next_present, I_DONE),      \
            S_SLEEPY(page_lock), S_IF(if_gone, I_GONE), S_DO(remove), S_AT(I_GONE),             \
            S_DO(page_unlock), S_IF(skip_folio, I_LOOP), S_AT(I_DONE), BEFORE_FREE              \
            S_LOCK(ILOCK), S_DO(free_blocks), S_UNLOCK(ILOCK), S_UNLOCK(INVALIDATE),            \
            S_UNLOCK(IOLOCK), S_EXIT, S_END                                                     \
    }
#define LET_GO S_UNLOCK(INVALIDATE), S_LOCK(INVALIDATE),

static const struct pcl_step once[] = PUNCH_UNMAP_ONCE(, );
static const struct pcl_step once_let_go[] = PUNCH_UNMAP_ONCE(LET_GO, );
static const struct pcl_step let_go_before_free[] = PUNCH_UNMAP_ONCE(, LET_GO);

static void punch_once(struct pcl_kernel *k)
{
    pcl_kernel_path(k, PCL_OP_PUNCH, once);
}

static void punch_and_let_go(struct pcl_kernel *k)
{
    pcl_kernel_path(k, PCL_OP_PUNCH, once_let_go);
}

static void punch_and_free_later(struct pcl_kernel *k)
{
    pcl_kernel_path(k, PCL_OP_PUNCH, let_go_before_free);
}

/* Every fault takes the lock here, so that the lock alone keeps it out. */
static void a_lock_dropped_between_unmap_and_remove_is_seen(void **state)
{
    static const char i1[] = "v6.7:path.fault-invalidate=always";

    (void)state;
    finds(&(struct variant){fault_beside_a_punch, i1, punch_once}, "");
    finds(&(struct variant){fault_beside_a_punch, i1, punch_and_let_go},
          pcl_wrong_name(PCL_WRONG_MAPPING));
}

/* The fault comes a second time when the punch has returned. */
static void a_lock_dropped_between_remove_and_free_is_seen(void **state)
{
    static const char text[] = HEAD
        "[file f]\nsize = 8k\ncached = all\n"
        "[group f]\ndo = fault 4k; fault 4k\ntasks_are = processes\n"
        "[group p]\ndo = punch 4k 4k\ntasks_are = processes\n";
    static const char i1[] = "v6.7:path.fault-invalidate=always";

    (void)state;
    finds(&(struct variant){text, i1, punch_once}, "");
    finds(&(struct variant){text, i1, punch_and_free_later}, pcl_wrong_name(PCL_WRONG_STALE));
}

/* --- a collapse that forgets the tail -------------------------------------------------------- */

static const struct pcl_step headless[] = {
    S_ENTER(syscall), S_LOCK(IOLOCK), S_LOCK(INVALIDATE), S_IF(check_shift, L_OUT),
    WRITE_AND_WAIT,   DROP_PAGES,     S_LOCK(ILOCK),      S_DO(free_blocks),
    S_DO(shift_extents), S_UNLOCK(ILOCK), S_DO(set_size), S_AT(L_OUT),
    S_UNLOCK(INVALIDATE), S_UNLOCK(IOLOCK), S_EXIT, S_END,
};

static void collapse_the_head(struct pcl_kernel *k)
{
    pcl_kernel_path(k, PCL_OP_COLLAPSE, headless);
}

static void a_collapse_that_forgets_the_tail_is_seen(void **state)
{
    static const char text[] = HEAD
        "[file f]\nsize = 16k\ncached = all\n"
        "[group c]\ndo = collapse 0 4k; read 4k 4k\n";

    (void)state;
    finds(&(struct variant){text, "v6.7", NULL}, "");
    finds(&(struct variant){text, "v6.7", collapse_the_head}, pcl_wrong_name(PCL_WRONG_INDEX));
}

/* --- direct I/O in flight -------------------------------------------------------------------- */

static const char write_beside_a_punch[] = HEAD
    "[file f]\nsize = 8k\n"
    "[group w]\ndo = dwrite 4k 4k\n"
    "[group p]\ndo = punch 4k 4k\n";

/* i_dio_count waits for those that it counts, and stops nobody who comes later: it is a barrier
 * with the iolock held alone only. */
static void a_drain_without_the_lock_is_no_barrier(void **state)
{
    (void)state;
    finds(&(struct variant){write_beside_a_punch,
                            "v6.7:iolock=none:path.dio-drain=yes", NULL},
          pcl_wrong_name(PCL_WRONG_FREED));
    finds(&(struct variant){write_beside_a_punch, "v6.7", NULL}, "");
}

/* And the lock alone is none where writes let go of it before their transfer is done. */
static void a_lock_without_the_drain_is_no_barrier(void **state)
{
    static const char text[] = SHARED_HEAD
        "[file f]\nsize = 8k\n"
        "[group w]\ndo = dwrite 4k 4k\n"
        "[group p]\ndo = punch 4k 4k\n";

    (void)state;
    finds(&(struct variant){text, "v6.7:path.dio-drain=no", NULL}, pcl_wrong_name(PCL_WRONG_FREED));
    finds(&(struct variant){text, "v6.7", NULL}, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_does_not_ask_again_maps_what_is_gone),
        cmocka_unit_test(a_lock_dropped_between_unmap_and_remove_is_seen),
        cmocka_unit_test(a_lock_dropped_between_remove_and_free_is_seen),
        cmocka_unit_test(a_collapse_that_forgets_the_tail_is_seen),
        cmocka_unit_test(a_drain_without_the_lock_is_no_barrier),
        cmocka_unit_test(a_lock_without_the_drain_is_no_barrier),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
