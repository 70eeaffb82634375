/*
 * What waits are spent on and who is in whose way: the parts add up to the waits, on a machine
 * without costs nothing but the conflict is left, and the one who is named is the one who held
 * the lock.
 */
#include "rig.h"

static pcl_ns all_of(const struct pcl_wait_split *w)
{
    return w->line + w->spinlock + w->optimistic + w->conflict + w->wakeup + w->cpu;
}

static pcl_ns blocked_total(const struct pcl_result *r, const char *lock, uint64_t *count)
{
    pcl_ns total = 0;

    *count = 0;
    for (size_t i = 0; i < r->n_blocked; i++)
        if (strcmp(r->blocked[i].lock, lock) == 0) {
            total += r->blocked[i].total;
            *count += r->blocked[i].count;
        }
    return total;
}

/* Every class: modes, pairs and metrics tell of the same waits. */
static void assert_adds_up(const struct pcl_result *r)
{
    for (size_t i = 0; i < r->n_locks; i++) {
        const struct pcl_lock_row *l = &r->locks[i],
                                  *x = lock_row(r, l->name, l->mode == 'S' ? 'X' : 'S');
        uint64_t count;

        assert_true(all_of(&l->split) == l->wait_total);
        assert_true(blocked_total(r, l->name, &count) ==
                    l->wait_total + (x ? x->wait_total : 0));
        assert_int_equal(count, l->contentions + (x ? x->contentions : 0));
        assert_true(metric(r, "wait_total", l->name) ==
                    (double)(l->wait_total + (x ? x->wait_total : 0)));
        assert_true(metric(r, "wait_line", l->name) ==
                    (double)(l->split.line + (x ? x->split.line : 0)));
        assert_true(metric(r, "longest_wait", l->name) >= (double)l->wait_max);
    }
}

static void the_parts_of_the_waits_are_the_waits(void **state)
{
    static const char *const names[] = {"hot-page", "mixed-rw", "fault-punch", "fsync-writers"};
    static const char *const schemes[] = {
        "v5.8", "v5.9-rc1", "v5.9", "range-tree", "v5.9:page=mcs-page", "v5.9:page=spin-sleep"};
    static const char *const set[] = {"scenario.warmup=1ms", "scenario.duration=4ms"};
    double contended = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++)
        for (size_t k = 0; k < LENGTH(schemes); k++) {
            struct setting s;
            struct pcl_result r;

            setting_shipped(&s, names[i], schemes[k], set, LENGTH(set));
            s.job.check = true;
            run_ok(&s.job, &r);
            assert_adds_up(&r);
            contended += metric(&r, "contentions", "page");
            pcl_result_fini(&r);
            setting_fini(&s);
        }
    assert_true(contended > 100);
}

#define HEAD(machine)                                                                          \
    "[scenario]\ntitle = t\nfs = xfs\nmachine = " machine "\nduration = 20ms\n"                \
    "[file f]\nsize = 4m\ncached = all\n"

static void without_costs_a_wait_is_a_conflict(void **state)
{
    static const char text[] = HEAD("ideal") "[group g]\ntasks = 10\nmix = pagelock:1\n"
                                             "region = 0..4k\nhold = 20us\nthink = exp:10us\n";
    struct setting s;
    struct pcl_result r;

    (void)state;
    setting_text(&s, text, "fifo", NULL, 0);
    run_ok(&s.job, &r);
    assert_true(metric(&r, "wait_total", "page") > 0);
    assert_true(metric(&r, "wait_conflict", "page") == metric(&r, "wait_total", "page"));
    assert_true(metric(&r, "runnable_mean", "all") > 0);
    assert_true(metric(&r, "runnable_mean", "all") < 10);
    assert_true(metric(&r, "runnable_min", "all") <= metric(&r, "runnable_mean", "all"));
    assert_true(metric(&r, "fairness", "page") > 0.9);
    pcl_result_fini(&r);
    setting_fini(&s);
}

static const struct pcl_blocked_row *pair(const struct pcl_result *r, const char *waiter,
                                          const char *holder, const char *behind)
{
    for (size_t i = 0; i < r->n_blocked; i++) {
        const struct pcl_blocked_row *b = &r->blocked[i];

        if (strcmp(b->lock, "iolock") == 0 && strcmp(b->waiter, waiter) == 0 &&
            strcmp(b->holder, holder) == 0 && strcmp(b->behind, behind) == 0)
            return b;
    }
    return NULL;
}

/* Long direct reads share the rwsem, a write wants it alone: reads queue behind the write for
 * other reads. Under a range lock a write elsewhere is in nobody's way. */
static void a_reader_waits_behind_a_writer_for_readers(void **state)
{
    static const char text[] =
        HEAD("server-2s") "[group r]\ntasks = 6\nmix = dread:1\nsize = 64k\nregion = 0..1m\n"
                          "[group w]\nmix = write:1\nsize = 4k\nregion = 2m..3m\n"
                          "think = 200us\n";
    struct setting s;
    struct pcl_result r;

    (void)state;
    setting_text(&s, text, "v5.9", NULL, 0);
    run_ok(&s.job, &r);
    const struct pcl_blocked_row *b = pair(&r, "dread", "dread", "write");

    assert_non_null(b);
    assert_true(b->waiter_mode == 'S' && b->holder_mode == 'S' && b->behind_mode == 'X');
    assert_non_null(pair(&r, "write", "dread", ""));
    assert_true(metric(&r, "wait_behind", "iolock") >= (double)b->total);
    pcl_result_fini(&r);
    setting_use(&s, "range-tree", NULL, 0);
    run_ok(&s.job, &r);
    assert_true(metric(&r, "contentions", "iolock") == 0);
    assert_null(pair(&r, "write", "dread", ""));
    pcl_result_fini(&r);
    setting_fini(&s);
}

/* Reads of what is not cached end in interrupts, whose walks take the buckets' locks. */
static void irqs_off_is_counted_for_the_lock_that_causes_it(void **state)
{
    static const char text[] = "[scenario]\ntitle = t\nfs = page-only\nmachine = server-2s\n"
                               "duration = 20ms\n[file f]\nsize = 1g\n"
                               "[group g]\ntasks = 64\nmix = read:1\nsize = 4k\n";
    struct setting s;
    struct pcl_result r;
    double in_irq;

    (void)state;
    setting_text(&s, text, "v5.9:page.bits=0", NULL, 0);
    run_ok(&s.job, &r);
    in_irq = metric(&r, "irqs_off_in_irq", "page");
    assert_true(in_irq > 0);
    assert_true(metric(&r, "irqs_off_max", "page") >= in_irq);
    assert_true(metric(&r, "irqs_off_max", "all") >= metric(&r, "irqs_off_max", "page"));
    assert_true(metric(&r, "irqs_off_max", "mapping-tree") > 0);
    pcl_result_fini(&r);
    setting_fini(&s);
}

/* The longest wait for the iolock, exclusive, of a buffered writer beside a direct reader of
 * the same range, whose device takes 60 us and more. */
static pcl_ns longest_beside_direct(const char *scheme)
{
    static const char text[] =
        "[scenario]\ntitle = t\nfs = xfs\nmachine = guest-2vcpu\nduration = 20ms\n"
        "[file f]\nsize = 1M\n[group d]\nmix = dread:1\noffsets = hot\n"
        "[group w]\nmix = write:1\noffsets = hot\nthink = 300us\nthink_on = sleep\n";
    struct setting s;
    struct pcl_result r;
    pcl_ns longest = 0;

    setting_text(&s, text, scheme, NULL, 0);
    run_ok(&s.job, &r);
    for (size_t i = 0; i < r.n_locks; i++)
        if (strcmp(r.locks[i].name, "iolock") == 0 && r.locks[i].mode == 'X')
            longest = r.locks[i].wait_max;
    pcl_result_fini(&r);
    setting_fini(&s);
    return longest;
}

static void
asynchronous_direct_io_holds_a_range_to_its_end_and_an_rwsem_until_it_is_sent(void **unused)
{
    pcl_ns sync = longest_beside_direct("v6.7");
    pcl_ns async = longest_beside_direct("v6.7:path.dio=async");
    pcl_ns range = longest_beside_direct("range-tree:path.dio=async");

    (void)unused;
    assert_true(sync > 30000);  /* half of the device's time, at least */
    assert_true(async < 10000); /* that of the submission */
    assert_true(range > 30000); /* the range is held until the answer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            asynchronous_direct_io_holds_a_range_to_its_end_and_an_rwsem_until_it_is_sent),
        cmocka_unit_test(the_parts_of_the_waits_are_the_waits),
        cmocka_unit_test(without_costs_a_wait_is_a_conflict),
        cmocka_unit_test(a_reader_waits_behind_a_writer_for_readers),
        cmocka_unit_test(irqs_off_is_counted_for_the_lock_that_causes_it),
    };

    return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
