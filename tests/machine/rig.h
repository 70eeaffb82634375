/*
 * Small programs for the machine: each task carries out a list of instructions, one micro-step
 * each, and the rig notes when each of them began. Interrupt contexts do what their work items
 * say.
 */
#ifndef PCLSIM_TEST_MACHINE_RIG_H
#define PCLSIM_TEST_MACHINE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/machine.h>

enum ins {
    EXIT, /* what a program ends with: the zeroed rest */
    BURN,
    LOAD,
    RMW,
    STORE,
    LOCK,
    UNLOCK,
    LOCK_IRQ,
    UNLOCK_IRQ,
    SLEEP,
    WAKE,
    TIMED,
    WATCH, /* a: owner, b: limit */
    NOTICE,
    IO,     /* a: bytes, b: what its interrupt does */
    WRITES, /* the same, a write */
    FLUSH,
    AWAIT, /* sleeps until its own I/O of kind IRQ_DONE is over */
    SHOOT, /* a: mm, b: pages */
    MARK,
    AGAIN /* a: back to that instruction, b: so many times */
};

/* What an interrupt does. */
enum {
    IRQ_BURN, /* so many ns */
    IRQ_WAKE, /* that task */
    IRQ_DONE  /* ends the wait of the task that submitted it */
};

struct instruction {
    uint8_t ins;
    uint64_t a, b;
};

enum { RIG_TASKS = 40, RIG_STEPS = 48 };

struct rig {
    struct pcl_machine m;
    struct pcl_profile p;
    struct instruction prog[RIG_TASKS][RIG_STEPS];
    pcl_ns at[RIG_TASKS][RIG_STEPS]; /* when each instruction began, the last time */
    uint16_t cpu[RIG_TASKS][RIG_STEPS];
    uint32_t pc[RIG_TASKS], count[RIG_TASKS];
    uint8_t done[RIG_TASKS], slept[RIG_TASKS];
    pcl_ns irq_at[64], died[RIG_TASKS], born[RIG_TASKS];
    uint32_t n_irqs, spin[8];
    uint64_t log; /* hash of who did what when */
};

#define LINE_OF(i) PCL_LINE(LOCK, (i) + 1)

static inline void rig_irq(struct rig *r)
{
    uint32_t kind;
    uint64_t arg;

    if (!pcl_irq_next(&r->m, &kind, &arg))
        return;
    if (r->n_irqs < 64)
        r->irq_at[r->n_irqs++] = pcl_now(&r->m);
    if (kind == IRQ_BURN)
        pcl_burn(&r->m, (pcl_ns)arg);
    else
        pcl_wake(&r->m, (uint32_t)arg);
    if (kind == IRQ_DONE)
        r->done[arg] = 1;
}

static inline void rig_io(struct rig *r, const struct instruction *i, uint32_t t)
{
    uint64_t key = ((uint64_t)t << 32) + r->pc[t];

    if (i->ins == FLUSH)
        pcl_device_flush(&r->m, IRQ_BURN, 0);
    else
        pcl_device_io(&r->m, i->ins == WRITES, i->a, key, (uint32_t)(i->b >> 32),
                      i->b >> 32 == IRQ_DONE ? t : i->b & UINT32_MAX);
}

#define DO_BURN(ns) (((uint64_t)IRQ_BURN << 32) | (ns))
#define DO_WAKE(task) (((uint64_t)IRQ_WAKE << 32) | (task))
#define DO_DONE ((uint64_t)IRQ_DONE << 32)

static inline void rig_await(struct rig *r, uint32_t t)
{
    if (r->done[t]) {
        pcl_set_state(&r->m, PCL_TASK_RUNNING);
        r->done[t] = 0;
        r->pc[t]++;
    } else if (r->m.model[t].state == PCL_TASK_RUNNING) {
        pcl_set_state(&r->m, PCL_TASK_UNINTERRUPTIBLE);
    } else {
        pcl_schedule(&r->m);
    }
}

static inline void rig_step(struct pcl_machine *m, uint32_t t)
{
    struct rig *r = m->owner;

    if (t >= m->n_tasks) {
        rig_irq(r);
        return;
    }
    const struct instruction *i = &r->prog[t][r->pc[t]];

    r->at[t][r->pc[t]] = pcl_now(m);
    r->cpu[t][r->pc[t]] = m->task[t].cpu;
    r->log = (r->log ^ (uint64_t)pcl_now(m) ^ ((uint64_t)t << 48) ^ r->pc[t]) *
             UINT64_C(0x9e3779b97f4a7c15);
    if (i->ins != AWAIT && i->ins != AGAIN)
        r->pc[t]++;
    switch ((enum ins)i->ins) {
    case EXIT:
        r->died[t] = pcl_now(m);
        pcl_exit(m);
        break;
    case BURN:
        pcl_burn(m, (pcl_ns)i->a);
        break;
    case LOAD:
        pcl_load(m, LINE_OF(i->a));
        break;
    case RMW:
        pcl_rmw(m, LINE_OF(i->a));
        break;
    case STORE:
        pcl_store(m, LINE_OF(i->a));
        break;
    case LOCK:
    case LOCK_IRQ:
        pcl_spin_lock(m, r->spin[i->a], PCL_LINE(SPIN, i->a), i->ins == LOCK_IRQ);
        break;
    case UNLOCK:
    case UNLOCK_IRQ:
        pcl_spin_unlock(m, r->spin[i->a], PCL_LINE(SPIN, i->a), i->ins == UNLOCK_IRQ);
        break;
    case SLEEP:
        pcl_set_state(m, PCL_TASK_UNINTERRUPTIBLE);
        pcl_burn(m, (pcl_ns)i->a);
        pcl_schedule(m);
        break;
    case WAKE:
        pcl_wake(m, (uint32_t)i->a);
        break;
    case TIMED:
        pcl_sleep_until(m, pcl_now(m) + (pcl_ns)i->a);
        break;
    case WATCH:
        pcl_watch(m, (uint32_t)i->a, i->b ? (pcl_ns)i->b : PCL_NS_MAX);
        break;
    case NOTICE:
        pcl_notice(m, (uint32_t)i->a);
        break;
    case IO:
    case WRITES:
    case FLUSH:
        rig_io(r, i, t);
        break;
    case AWAIT:
        rig_await(r, t);
        break;
    case SHOOT:
        pcl_shootdown(m, (uint32_t)i->a, i->b);
        break;
    case MARK:
        pcl_mark_set(m, (enum pcl_mark)i->a);
        break;
    case AGAIN:
        r->pc[t] = r->count[t]++ < i->b ? (uint32_t)i->a : r->pc[t] + 1;
        break;
    }
}

/* A machine on which nothing costs anything: sockets x llcs x cpus, cfs, no tick. */
static inline struct rig *rig_new(int64_t sockets, int64_t llcs, int64_t cpus)
{
    struct rig *r = pcl_xcalloc(1, sizeof(*r));

    pcl_profile_ideal(&r->p);
    r->p.sockets = sockets;
    r->p.llcs_per_socket = llcs;
    r->p.cpus_per_llc = cpus;
    r->p.sched = PCL_SCHED_CFS;
    r->p.wake_gran = 1000000000000;
    r->p.slice = 1000000000000;
    r->p.idle_deep_after = PCL_NS_MAX;
    r->p.dev_channels = 1;
    return r;
}

/* After the profile is set: n tasks, all dead until they are started. */
static inline void rig_open(struct rig *r, uint32_t n, bool run_ahead)
{
    struct pcl_machine_conf c = {.profile = &r->p,
                                 .n_tasks = n,
                                 .seed = 1,
                                 .run_ahead = run_ahead,
                                 .step = rig_step,
                                 .owner = r};

    pcl_machine_init(&r->m, &c, NULL);
    for (int i = 0; i < 8; i++)
        r->spin[i] = pcl_spin_new(&r->m);
}

static inline void rig_start(struct rig *r, uint32_t task, pcl_ns t,
                             const struct instruction *prog, size_t n)
{
    assert_true(n < RIG_STEPS);
    memcpy(r->prog[task], prog, n * sizeof(*prog));
    r->born[task] = t;
    pcl_task_start(&r->m, task, t);
}

#define START(r, task, t, ...)                                                                 \
    do {                                                                                       \
        static const struct instruction prog_[] = {__VA_ARGS__};                               \
        rig_start((r), (task), (t), prog_, sizeof(prog_) / sizeof(prog_[0]));                  \
    } while (0)

static inline void rig_run(struct rig *r)
{
    assert_int_equal(pcl_machine_run(&r->m, PCL_NS_MAX - 1, NULL), PCL_OK);
}

static inline void rig_free(struct rig *r)
{
    pcl_machine_fini(&r->m);
    free(r);
}

/* Every instant of every task's life has one cause. */
static inline void assert_time_is_conserved(const struct rig *r)
{
    pcl_ns causes = 0, lives = 0;

    for (int c = 0; c < PCL_N_CAUSES; c++) {
        assert_true(r->m.cause_ns[c] >= 0);
        causes += r->m.cause_ns[c];
    }
    for (uint32_t t = 0; t < r->m.n_tasks; t++)
        lives += r->died[t] - r->born[t];
    assert_int_equal(causes, lives);
}

#endif
