/*
 * Laws fire when something is broken on purpose, and stay silent on everything that is shipped:
 * all scenarios, under several schemes and every filesystem, checked and with the oracle. Where
 * nothing but page locks protects a file, the oracle finds what that costs.
 */
#include "rig.h"

#include "sim.h"

/* --- broken on purpose
 * --------------------------------------------------------------------------- */

#define HOT                                                                                    \
    "[scenario]\ntitle = t\nfs = xfs\nmachine = guest-2vcpu\nduration = 5ms\n[file f]\n"       \
    "size = 64k\ncached = all\n[group a]\ntasks = 6\nmix = pagelock:1 write:1\noffsets = "     \
    "hot\n"                                                                                    \
    "hold = 3us\nthink = 1us\n"

static void broken(const char *what, const char *scheme, void (*harm)(struct pcl_sim *s))
{
    struct setting set;
    struct pcl_sim s;
    struct pcl_result r;
    struct pcl_err err;

    setting_text(&set, HOT, scheme, NULL, 0);
    set.job.check = true;
    pcl_result_init(&r);
    struct pcl_span span = sim_span(&set.job);
    must(sim_init(&s, &set.job, &span, &r, &err), &err);
    sim_measure(&s);
    assert_int_equal(pcl_machine_run(&s.m, 1000000, NULL), PCL_OK);
    laws_look(&s);
    assert_false(s.laws.broken);
    harm(&s);
    if (!s.laws.broken)
        assert_int_equal(pcl_machine_run(&s.m, 200000000, NULL), PCL_OK);
    laws_end(&s);
    sim_collect(&s);
    if (!r.failed || r.code != PCL_ELAW || !strstr(r.error, what))
        fail_msg("%s: %s", what, r.failed ? r.error : "no law fired");
    assert_non_null(strstr(r.error, "seed 1"));
    sim_fini(&s);
    pcl_result_fini(&r);
    setting_fini(&set);
}

static void two_hold_one_range(struct pcl_sim *s)
{
    struct pcl_range_locks *R = &s->k.range[PCL_ROLE_IOLOCK];
    struct pcl_range_node *a = R->node, *b = &R->node[R->n_nodes - 1];

    while (a->used)
        a++;
    while (b->used)
        b--;
    assert_true(a < b);
    *a = (struct pcl_range_node){.used = 1, .held = 1, .mode = PCL_EXCLUSIVE, .last = 100};
    *b = *a;
    b->start = 50;
    laws_look(s);
}

/* The one in conflict is not the neighbour: a shared range that began earlier reaches further. */
static void a_short_range_hides_a_long_one(struct pcl_sim *s)
{
    struct pcl_range_locks *R = &s->k.range[PCL_ROLE_IOLOCK];
    static const struct pcl_range_node held[] = {
        {.start = 1000, .last = 9000, .mode = PCL_SHARED, .inst = 7},
        {.start = 2000, .last = 3000, .mode = PCL_SHARED, .inst = 7},
        {.start = 4000, .last = 9999, .mode = PCL_EXCLUSIVE, .inst = 8},
        {.start = 4000, .last = 5000, .mode = PCL_EXCLUSIVE, .inst = 7},
    };
    struct pcl_range_node *n = R->node;

    for (size_t i = 0; i < LENGTH(held); i++) {
        assert_false(s->laws.broken); /* other instance, both shared: no conflict */
        while (n->used)
            n++;
        assert_true(n < R->node + R->n_nodes);
        *n = held[i];
        n->used = n->held = 1;
        if (i + 1 == LENGTH(held) || i == 2)
            laws_look(s);
    }
}

static void a_waiter_is_miscounted(struct pcl_sim *s)
{
    s->k.page.stats.waiters++;
    laws_look(s);
}

static void an_operation_takes_no_time(struct pcl_sim *s)
{
    s->laws.times++;
    laws_look(s);
}

/* A page lock that forgets to wake: unlock clears the bit and walks nowhere. */
static const struct pcl_page_lock_ops *whole;
static struct pcl_page_lock_ops forgetful;

static enum pcl_more forgetful_step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->what == PCL_PAGE_UNLOCK && op->pc == 0) {
        (*L->flags)[op->folio] &= (uint8_t)~op->bit;
        pcl_burn(L->m, 10);
        return PCL_DONE;
    }
    return whole->step(L, op);
}

/* A page lock that excludes nobody. */
static enum pcl_more generous_step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    (void)L;
    op->result = PCL_PAGE_GOT;
    return PCL_DONE;
}

static void everybody_owns_the_page(struct pcl_sim *s)
{
    forgetful = *s->k.page.ops;
    forgetful.step = generous_step;
    s->k.page.ops = &forgetful;
}

static void unlocks_wake_nobody(struct pcl_sim *s)
{
    whole = s->k.page.ops;
    forgetful = *whole;
    forgetful.step = forgetful_step;
    s->k.page.ops = &forgetful;
}

/* An rwsem instance whose state says writer-owned although nobody is. */
static void a_lock_is_never_given_back(struct pcl_sim *s)
{
    struct pcl_range_locks *R = &s->k.range[PCL_ROLE_IOLOCK];

    memset(pcl_range_state(R, 0), 0xff, R->ops->state_size);
    laws_look(s);
}

static void broken_things_break_laws(void **unused)
{
    (void)unused;
    broken("conflicting ranges", "v5.9", two_hold_one_range);
    broken("conflicting ranges", "range-tree", two_hold_one_range);
    broken("conflicting ranges", "range-tree", a_short_range_hides_a_long_one);
    broken("another owner", "v5.9", everybody_owns_the_page);
    broken("queued", "v5.9", a_waiter_is_miscounted);
    broken("Little", "v5.9", an_operation_takes_no_time);
    broken("wake-up", "v5.8", unlocks_wake_nobody);
    broken("wake-up", "v5.9-rc1", unlocks_wake_nobody);
    broken("wake-up", "v5.9", unlocks_wake_nobody);
    broken("iolock", "v5.9", a_lock_is_never_given_back);
}

/* Looking must not cost more than simulating: with many tasks a look waits until it is paid for,
 * and the instances take turns; but each has its turn. */
static void looks_are_paid_for_and_instances_take_turns(void **unused)
{
    static const char text[] =
        "[scenario]\ntitle = t\nfs = xfs\nmachine = guest-2vcpu\nduration = 1s\n[file f]\n"
        "size = 64k\ncached = all\n[group a]\ntasks = 300\ntasks_are = processes\n"
        "mix = fault:1\nthink = 1us\n";
    struct setting set;
    struct pcl_sim s;
    struct pcl_result r;
    struct pcl_err err;
    uint32_t *turn = &s.laws.turn[PCL_ROLE_MMAP], n = 300;
    uint64_t looks = 0;

    (void)unused;
    setting_text(&set, text, "v5.9", NULL, 0);
    set.job.check = true;
    pcl_result_init(&r);
    struct pcl_span span = sim_span(&set.job);
    must(sim_init(&s, &set.job, &span, &r, &err), &err);
    sim_measure(&s);
    laws_look_if_paid(&s);
    assert_int_equal(*turn, 0); /* nothing has happened, nothing is paid for */
    struct pcl_range_locks *R = &s.k.range[PCL_ROLE_MMAP];

    assert_int_equal(R->n_inst, n);
    memset(pcl_range_state(&s.k.range[PCL_ROLE_MMAP], n - 1), 0xff, R->ops->state_size);
    for (pcl_ns t = 0; !s.laws.broken && t < 1000000000; t += 100000) {
        uint32_t before = *turn;

        assert_int_equal(pcl_machine_run(&s.m, t, NULL), PCL_OK);
        laws_look_if_paid(&s);
        assert_true(*turn >= before);
        looks += *turn != before;
    }
    assert_true(s.laws.broken);
    assert_int_equal(*turn, n); /* it was found when its turn had come */
    assert_true(looks > 1);
    sim_fini(&s);
    pcl_result_fini(&r);
    setting_fini(&set);
}

/* A page lock whose unlock does nothing at all. */
static enum pcl_more stuck_step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    return op->what == PCL_PAGE_UNLOCK && op->pc == 0 ? PCL_DONE : whole->step(L, op);
}

/* Without a flusher and with one: a deadlock ends the run and is told. */
/* The flusher has the only CPU, and everybody else waits for it. */
static void waiting_for_the_cpu_is_no_deadlock(void **unused)
{
    static const char text[] =
        "[scenario]\ntitle = t\nfs = page-only\nmachine = guest-2vcpu\ncpus = 1\n"
        "duration = 30ms\n[file f]\nsize = 4k\ncached = all\n[group a]\ntasks = 2\n"
        "mix = pagelock:1\noffsets = hot\nthink = 50us\nthink_on = cpu\n";
    static const char *const often[] = {"machine.writeback_interval=2ms"};
    struct setting s;
    struct pcl_result r;

    (void)unused;
    setting_text(&s, text, "v5.9", often, 1);
    run_ok(&s.job, &r);
    assert_int_equal(r.sim_ns, 30000000);
    pcl_result_fini(&r);
    setting_fini(&s);
}

/* Two tasks take two pages in opposite order: told as a ring, or counted where it is the subject. */
static void a_ring_of_waiters_is_told(void **unused)
{
    static const char text[] =
        "[scenario]\ntitle = t\nfs = page-only\nmachine = guest-2vcpu\nduration = 20ms\n"
        "[file f]\nsize = 8k\ncached = all\n"
        "[group ab]\nmix = pagepair:1\noffsets = hot\nhold = 1us\nthink = 1us\n"
        "[group ba]\nmix = pagepair:1\noffsets = hot\nregion = 4k..8k\nhold = 1us\nthink = "
        "1us\n[group third]\nmix = pagelock:1\noffsets = hot\nthink = 1us\n";
    static const char *const subject[] = {"violations=expected"};

    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        struct setting s;
        struct pcl_result r;
        struct pcl_err err;
        const char *told;

        setting_text(&s, text, "v5.9-rc1", subject, i);
        pcl_result_init(&r);
        must(pcl_run(&s.job, &r, NULL, &err), &err);
        assert_int_equal(r.failed, i == 0);
        told = i == 0 ? r.error : r.violations[0].text;
        assert_non_null(strstr(told, "(pagepair) waits for page 0 of inode 0, which task "));
        assert_non_null(strstr(told, "(pagepair) waits for page 1 of inode 0, which task "));
        assert_null(strstr(told, "pagelock")); /* it waits too, but nobody waits for it */
        assert_int_equal(r.total_violations, 1);
        pcl_result_fini(&r);
        setting_fini(&s);
    }
}

static void a_deadlock_ends_the_run(void **unused)
{
    static const char *const machines[] = {"scenario.machine=guest-2vcpu",
                                           "scenario.machine=ideal"};

    (void)unused;
    for (size_t i = 0; i < LENGTH(machines); i++) {
        struct setting st;
        struct pcl_sim s;
        struct pcl_result r;
        struct pcl_err err;

        setting_text(&st, HOT, "v5.9", &machines[i], 1);
        pcl_result_init(&r);
        struct pcl_span span = sim_span(&st.job);
        must(sim_init(&s, &st.job, &span, &r, &err), &err);
        sim_measure(&s);
        whole = s.k.page.ops;
        forgetful = *whole;
        forgetful.step = stuck_step;
        s.k.page.ops = &forgetful;
        assert_int_equal(pcl_machine_run(&s.m, INT64_C(3600000000000), NULL), PCL_OK);
        laws_end(&s);
        assert_true(s.laws.broken);
        assert_non_null(strstr(s.laws.text, "wait for ever"));
        assert_true(s.m.eng.now < INT64_C(60000000000));
        sim_fini(&s);
        pcl_result_fini(&r);
        setting_fini(&st);
    }
}

/* --- whole
 * ------------------------------------------------------------------------------------------ */

static void shipped_scenarios_keep_the_laws(void **unused)
{
    static const char *const schemes[] = {"v5.8", "v5.9-rc1", "v5.9", "range-tree", "fifo"};
    char **names;
    size_t n = shipped_names(&names);

    (void)unused;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < LENGTH(schemes); k++)
            for (int fs = PCL_FS_XFS; fs <= PCL_FS_TMPFS; fs++) {
                struct setting s;
                struct pcl_result r;

                setting_shipped(&s, names[i], schemes[k], NULL, 0);
                cut_short(s.scenario);
                s.scenario->duration /= 2;
                if (s.scenario->fs != PCL_FS_PAGE_ONLY)
                    s.scenario->fs = (enum pcl_fs)fs;
                else if (fs > 0) {
                    setting_fini(&s);
                    continue;
                }
                s.job.check = true;
                run_ok(&s.job, &r);
                if (r.total_violations) /* all of these schemes are right ones */
                    fail_msg("%s, %s, %s: %llu violations, first: %s", names[i], schemes[k],
                             pcl_fs_name(s.scenario->fs),
                             (unsigned long long)r.total_violations, r.violations[0].text);
                pcl_result_fini(&r);
                setting_fini(&s);
            }
    pcl_free_list(names, n);
}

#define RACE                                                                                   \
    "[scenario]\ntitle = t\nfs = xfs\nmachine = server-2s\ncpus = 16\nduration = 20ms\n"       \
    "[file f]\nsize = 1M\ncached = all\n[group r]\ntasks = 6\nmix = read:3 fault:1\n"          \
    "size = 4k\n[group w]\ntasks = 3\nmix = write:2 punch:1 truncate:1\nsize = 16k\nthink = "  \
    "5us\n"                                                                                    \
    "[group s]\nmix = fsync:1\nthink = 50us\n"

static uint64_t violations(const char *scheme, const char *fs, char kinds[200])
{
    char set_fs[32];
    const char *set[] = {set_fs};
    struct setting s;
    struct pcl_result r;
    uint64_t n;

    (void)snprintf(set_fs, sizeof(set_fs), "fs=%s", fs);
    setting_text(&s, RACE, scheme, set, 1);
    s.job.check = true;
    run_ok(&s.job, &r);
    n = r.total_violations;
    kinds[0] = '\0';
    for (size_t i = 0; i < r.n_violations; i++)
        if (!strstr(kinds, r.violations[i].kind))
            (void)snprintf(kinds + strlen(kinds), 200 - strlen(kinds), "%s, ",
                           r.violations[i].kind);
    print_message("    %-24s %-10s %6llu violations: %s\n", scheme, fs, (unsigned long long)n,
                  kinds);
    pcl_result_fini(&r);
    setting_fini(&s);
    return n;
}

static void only_page_locks_are_not_enough(void **unused)
{
    char kinds[200];

    (void)unused;
    for (int i = 0; i < 3; i++) {
        static const char *const safe[] = {"v5.9", "v5.8", "range-tree"};

        assert_int_equal(violations(safe[i], "xfs", kinds), 0);
        assert_int_equal(violations(safe[i], "ext4", kinds), 0);
        assert_int_equal(violations(safe[i], "tmpfs", kinds), 0);
    }
    assert_true(violations("page-only", "xfs", kinds) > 0);
    assert_true(violations("v5.9", "page-only", kinds) > 0);
    (void)violations("v5.9:iolock=none", "xfs", kinds);
    (void)violations("v5.9:invalidate=none", "xfs", kinds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_things_break_laws),
        cmocka_unit_test(looks_are_paid_for_and_instances_take_turns),
        cmocka_unit_test(a_deadlock_ends_the_run),
        cmocka_unit_test(waiting_for_the_cpu_is_no_deadlock),
        cmocka_unit_test(a_ring_of_waiters_is_told),
        cmocka_unit_test(shipped_scenarios_keep_the_laws),
        cmocka_unit_test(only_page_locks_are_not_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
