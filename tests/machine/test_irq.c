/*
 * Interrupts, IPIs and the device: who is stopped, for how long, and when a request is done.
 */
#include "rig.h"

static struct rig *with_irqs(int64_t cpus)
{
    struct rig *r = rig_new(1, 1, cpus);

    r->p.irq_entry = 50;
    r->p.dev_read = 300;
    return r;
}

static void an_interrupt_pauses_the_running_task_by_exactly_its_time(void **unused)
{
    struct rig *r = with_irqs(2);

    (void)unused;
    rig_open(r, 2, true);
    START(r, 0, 0, {IO, 0, DO_BURN(70)}, {BURN, 1000, 0}, {BURN, 10, 0});
    START(r, 1, 0, {BURN, 1000, 0}, {BURN, 10, 0});
    rig_run(r);
    assert_int_equal(r->n_irqs, 1);
    assert_int_equal(r->irq_at[0], 350);
    assert_int_equal(r->at[0][2], 1000 + 50 + 70);
    assert_int_equal(r->at[1][1], 1000); /* the other CPU is not concerned */
    assert_int_equal(r->m.cause_ns[PCL_T_KERNEL], 120);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void interrupts_wait_while_they_are_off(void **unused)
{
    struct rig *r = with_irqs(1);

    (void)unused;
    rig_open(r, 1, true);
    START(r, 0, 0, {IO, 0, DO_BURN(70)}, {LOCK_IRQ, 0, 0}, {BURN, 1000, 0}, {LOCK, 1, 0},
          {BURN, 500, 0}, {UNLOCK, 1, 0}, {UNLOCK_IRQ, 0, 0}, {BURN, 10, 0});
    rig_run(r);
    assert_int_equal(r->irq_at[0], 1500 + 50);
    assert_int_equal(r->at[0][7], 1500 + 120);
    assert_int_equal(r->m.irqs_off_max, 1500);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void a_spinner_granted_inside_an_interrupt_goes_on_at_its_end(void **unused)
{
    struct rig *r = with_irqs(2);

    (void)unused;
    rig_open(r, 2, true);
    START(r, 1, 0, {LOCK, 0, 0}, {BURN, 320, 0}, {UNLOCK, 0, 0});
    START(r, 0, 1, {IO, 0, DO_BURN(100)}, {LOCK, 0, 0}, {BURN, 1, 0});
    rig_run(r);
    assert_int_equal(r->irq_at[0], 351);
    assert_int_equal(r->at[0][2], 451); /* granted at 320, interrupted from 301 on */
    assert_int_equal(r->m.cause_ns[PCL_T_SPIN], 319);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void a_watch_keeps_its_limit_through_an_interrupt(void **unused)
{
    struct rig *r = with_irqs(1);

    (void)unused;
    rig_open(r, 1, true);
    START(r, 0, 0, {IO, 0, DO_BURN(100)}, {WATCH, PCL_NONE, 1000}, {BURN, 7, 0});
    rig_run(r);
    assert_int_equal(r->irq_at[0], 350);
    assert_int_equal(r->at[0][2], 1000);
    assert_int_equal(r->died[0], 1007);
    assert_time_is_conserved(r);
    rig_free(r);
}

/* Full preemption, cfs: who is woken by an interrupt takes the CPU from a task inside its step
 * when the interrupt returns, and that task later has exactly the rest of its step left. */
static void a_task_woken_by_an_interrupt_preempts_at_its_end(void **unused)
{
    struct rig *r = with_irqs(1);

    (void)unused;
    r->p.wake_gran = 10;
    r->p.sleeper_credit = 1000000;
    r->p.wake_call = 20;
    rig_open(r, 2, true);
    START(r, 1, 0, {SLEEP, 0, 0}, {BURN, 200, 0});
    START(r, 0, 1, {IO, 0, DO_WAKE(1)}, {BURN, 10000, 0});
    rig_run(r);
    assert_int_equal(r->at[1][1], 301 + 50 + 20);
    assert_int_equal(r->died[1], 371 + 200);
    assert_int_equal(r->died[0], 10001 + 70 + 200);
    assert_int_equal(r->m.task[0].involuntary, 1);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void a_task_woken_by_an_interrupt_pays_the_idle_exit(void **unused)
{
    struct rig *r = with_irqs(1);

    (void)unused;
    r->p.wake_idle_shallow = 3000;
    rig_open(r, 1, true);
    START(r, 0, 0, {IO, 0, DO_DONE}, {AWAIT, 0, 0}, {BURN, 1, 0});
    rig_run(r);
    assert_int_equal(r->at[0][2], 3000 + 300 + 50 + 3000);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void a_shootdown_interrupts_the_cpus_that_run_the_address_space(void **unused)
{
    struct rig *r = rig_new(1, 1, 8);

    (void)unused;
    r->p.ipi = 1500;
    r->p.ipi_per_cpu = 200;
    r->p.ipi_handler = 800;
    r->p.tlb_flush = 10;
    rig_open(r, 6, true);
    for (uint32_t t = 0; t < 6; t++)
        r->m.task[t].mm = t < 3 || t == 5 ? 0 : t == 3 ? 1 : PCL_NONE;
    START(r, 0, 0, {BURN, 1000, 0}, {SHOOT, 0, 3}, {SHOOT, 1, 100}, {SHOOT, 2, 1},
          {BURN, 1, 0});
    START(r, 1, 0, {BURN, 9000, 0});
    START(r, 2, 0, {BURN, 9000, 0});
    START(r, 3, 0, {BURN, 9000, 0});
    START(r, 4, 0, {BURN, 9000, 0});
    START(r, 5, 0, {BURN, 10, 0}, {TIMED, 9000, 0}); /* asleep: its CPU is idle */
    rig_run(r);
    assert_int_equal(r->at[0][2], 1000 + 3 * 10 + 1500 + 200);
    assert_int_equal(r->at[0][3], 2730 + 10 + 1500); /* beyond 33 pages: one full flush */
    assert_int_equal(r->at[0][4], 4240 + 10);        /* nobody runs it */
    assert_int_equal(r->died[1], 9800);
    assert_int_equal(r->died[2], 9800);
    assert_int_equal(r->died[3], 9800);
    assert_int_equal(r->died[4], 9000);
    assert_int_equal(r->died[5], 9010);
    assert_int_equal(r->m.ipis, 3);
    assert_time_is_conserved(r);
    rig_free(r);
}

static void the_device_serves_as_many_at_once_as_it_has_channels(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);

    (void)unused;
    r->p.dev_channels = 2;
    r->p.dev_read = 100;
    r->p.dev_write = 30;
    r->p.dev_flush = 5;
    rig_open(r, 1, true);
    START(r, 0, 0, {IO, 0, 0}, {IO, 0, 0}, {IO, 0, 0}, {IO, 0, 0}, {WRITES, 0, 0},
          {FLUSH, 0, 0});
    rig_run(r);
    static const pcl_ns want[] = {5, 100, 100, 200, 200, 230};

    assert_int_equal(r->n_irqs, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(r->irq_at[i], want[i]);
    rig_free(r);
}

static void transfers_share_the_bandwidth_of_their_direction(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);

    (void)unused;
    r->p.dev_channels = 8;
    r->p.dev_read = 100;
    r->p.dev_write = 10;
    r->p.dev_read_bw = 1000000000; /* a byte a ns */
    r->p.dev_write_bw = 500000000;
    rig_open(r, 1, true);
    START(r, 0, 0, {IO, 1000, 0}, {WRITES, 1000, 0}, {IO, 1000, 0}, {IO, 50, 0},
          {WRITES, 10, 0});
    rig_run(r);
    static const pcl_ns want[] = {1000, 2000, 2000, 2020, 2050};

    for (int i = 0; i < 5; i++)
        assert_int_equal(r->irq_at[i], want[i]);
    rig_free(r);
}

/* One die, units of 1300 bytes. */
static void reads_wait_for_programs_of_their_die(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);

    (void)unused;
    r->p.dev_channels = 1;
    r->p.dev_read = 100;
    r->p.dev_write = 10;
    r->p.dev_write_bw = 1000000000; /* a byte a ns */
    r->p.dev_program = 1300;
    rig_open(r, 1, true);
    START(r, 0, 0, {WRITES, 1000, 0}, /* in the buffer */
          {IO, 1, 0},                 /* nothing is programmed yet */
          {WRITES, 300, 0},           /* moved at 1300, and the unit is full */
          {IO, 1, 0},                 /* after the program, that begins at 1300 */
          {WRITES, 2600, 0});         /* moved at 3900; its second unit follows the first */
    rig_run(r);
    static const pcl_ns want[] = {100, 1000, 1300, 2700, 5200};

    assert_int_equal(r->n_irqs, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(r->irq_at[i], want[i]);
    rig_free(r);
}

/* As many dies as the write bandwidth needs: writes alone are not slower than with a pool. */
static void programs_keep_up_with_the_write_bandwidth(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);

    (void)unused;
    r->p.dev_channels = 4;
    r->p.dev_write = 10;
    r->p.dev_write_bw = 1000000000;
    r->p.dev_program = 1000;
    rig_open(r, 1, true);
    START(r, 0, 0, {WRITES, 100, DO_DONE}, {AWAIT, 0, 0}, {AGAIN, 0, 99});
    rig_run(r);
    assert_int_equal(r->died[0], 100 * 100);
    rig_free(r);
}

static void giant_transfers_do_not_overflow(void **unused)
{
    struct rig *r = rig_new(1, 1, 1);

    (void)unused;
    r->p.dev_read_bw = 1;
    rig_open(r, 1, true);
    START(r, 0, 0, {IO, INT64_MAX, 0}, {BURN, 1, 0});
    assert_int_equal(pcl_machine_run(&r->m, PCL_NS_MAX - 1, NULL), PCL_OK);
    assert_int_equal(r->died[0], 1);
    assert_int_equal(r->n_irqs, 0); /* not in 292 years */
    rig_free(r);
}

static void latencies_depend_on_the_key_alone(void **unused)
{
    pcl_ns first[2];

    (void)unused;
    for (int round = 0; round < 2; round++) {
        struct rig *r = rig_new(1, 1, 1);

        r->p.dev_channels = 64;
        r->p.dev_read = 80000;
        r->p.dev_read_cv = 50;
        rig_open(r, 2, true);
        START(r, 1, 0, {BURN, 0, 0}, {IO, 4096, DO_DONE}, {AWAIT, 0, 0});
        if (round) /* others before it change nothing */
            START(r, 0, 0, {IO, 1, 0}, {IO, 1, 0}, {IO, 1, 0});
        rig_run(r);
        first[round] = r->died[1];
        rig_free(r);
    }
    assert_true(first[0] > 1000);
    assert_int_equal(first[0], first[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupt_pauses_the_running_task_by_exactly_its_time),
        cmocka_unit_test(interrupts_wait_while_they_are_off),
        cmocka_unit_test(a_spinner_granted_inside_an_interrupt_goes_on_at_its_end),
        cmocka_unit_test(a_watch_keeps_its_limit_through_an_interrupt),
        cmocka_unit_test(a_task_woken_by_an_interrupt_preempts_at_its_end),
        cmocka_unit_test(a_task_woken_by_an_interrupt_pays_the_idle_exit),
        cmocka_unit_test(a_shootdown_interrupts_the_cpus_that_run_the_address_space),
        cmocka_unit_test(the_device_serves_as_many_at_once_as_it_has_channels),
        cmocka_unit_test(transfers_share_the_bandwidth_of_their_direction),
        cmocka_unit_test(reads_wait_for_programs_of_their_die),
        cmocka_unit_test(programs_keep_up_with_the_write_bandwidth),
        cmocka_unit_test(giant_transfers_do_not_overflow),
        cmocka_unit_test(latencies_depend_on_the_key_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
