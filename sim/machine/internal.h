/*
 * What the machine's files share and nobody else sees.
 */
#ifndef PCLSIM_MACHINE_INTERNAL_H
#define PCLSIM_MACHINE_INTERNAL_H

#include <pclsim/machine.h>

/* What becomes of the running body after its micro-step. */
enum pcl_disposition {
    DISP_RUN,   /* goes on at m->at */
    DISP_SPIN,  /* waits for a spinlock, on its CPU */
    DISP_WATCH, /* spins optimistically, on its CPU */
    DISP_SLEEP, /* sleeps until woken */
    DISP_TIMED, /* sleeps until m->disp_until */
    DISP_IRQ_END,
    DISP_EXIT
};

static inline uint32_t tick_entity(const struct pcl_machine *m, uint32_t cpu)
{
    return m->n_bodies + cpu;
}

static inline uint32_t device_entity(const struct pcl_machine *m)
{
    return m->n_bodies + m->n_cpus;
}

static inline struct pcl_cpu *cpu_of(struct pcl_machine *m, uint32_t body)
{
    return &m->cpu[m->task[body].cpu];
}

static inline bool is_irq(const struct pcl_machine *m, uint32_t body)
{
    return body >= m->n_tasks;
}

/* lines.c */
void pcl_lines_init(struct pcl_machine *m);
void pcl_lines_fini(struct pcl_machine *m);
/* Transfer time of a line between two CPUs; 0 for the same one. */
pcl_ns pcl_distance(const struct pcl_machine *m, uint32_t a, uint32_t b);

/* A CPU takes a line exclusive, for work that costs own once it is there; returns when that is done. */
pcl_ns pcl_line_take(struct pcl_machine *m, pcl_line tag, uint32_t cpu, pcl_ns at, pcl_ns own);
/* The running body has waited for lines. */
void pcl_line_waited(struct pcl_machine *m, pcl_ns ns);
/* Does this CPU own the line, and nobody's request for it is under way? */
bool pcl_line_mine(const struct pcl_machine *m, pcl_line tag);
/* n accesses to a line that is mine, the last of them now. */
void pcl_line_touches(struct pcl_machine *m, pcl_line tag, uint64_t n);
/* Who owns the line, until when it is busy and how fast it was granted; false when it is shared or
 * in no cache. */
bool pcl_line_look(const struct pcl_machine *m, pcl_line tag, uint16_t *owner, pcl_ns *busy,
                   uint32_t *pace);
/* Uses of lines so far, and as many more of this one, which is busy so much later. */
uint32_t pcl_lines_stamp(const struct pcl_machine *m);
void pcl_lines_shift(struct pcl_machine *m, pcl_line tag, pcl_ns later, uint32_t uses);

/* sched.c */
void pcl_sched_init(struct pcl_machine *m);
void pcl_sched_fini(struct pcl_machine *m);
/* Makes a sleeping or new task runnable at time t, on the CPU that the placement rule picks; the
 * waker's CPU is by. Returns when the waker is done with that CPU's run queue. */
pcl_ns pcl_sched_wake(struct pcl_machine *m, uint32_t task, pcl_ns t, uint32_t by);
/* The current task of a CPU stops being current (asleep, dead): the next one is chosen. The CPU
 * is free from time t on. */
void pcl_sched_leave(struct pcl_machine *m, uint32_t cpu, pcl_ns t);
/* The running body, just put on its CPU, takes what lines the scheduler writes for it there. */
void pcl_sched_arrive(struct pcl_machine *m);
/* Takes the CPU from its current task at time t; the task stays runnable. Its event, if any, becomes
 * rest. */
void pcl_sched_preempt(struct pcl_machine *m, uint32_t cpu, pcl_ns t);
/* Is the end of a step with this mark (mid: somewhere inside it) a place to reschedule? */
bool pcl_sched_may_preempt(const struct pcl_machine *m, uint32_t task, bool mid);
void pcl_sched_tick(struct pcl_machine *m, uint32_t cpu);
/* An interrupt takes ns from whatever the CPU does. */
void pcl_sched_steal(struct pcl_machine *m, uint32_t cpu, pcl_ns ns);
/* The current task goes on at time t (spinlock granted, watch over), or when the interrupt that
 * runs on its CPU is over. */
void pcl_sched_resume(struct pcl_machine *m, uint32_t task, pcl_ns t);
void pcl_sched_charge(struct pcl_machine *m, uint32_t cpu);

/* spin.c */
void pcl_watch_end(struct pcl_machine *m, uint32_t task, pcl_ns t);
/* The owner left its CPU: everybody who watches it looks again. */
void pcl_watch_owner_off(struct pcl_machine *m, uint32_t owner);

/* irq.c */
void pcl_irq_register(struct pcl_machine *m);
void pcl_irq_fini(struct pcl_machine *m);
void pcl_irq_raise(struct pcl_machine *m, uint32_t cpu, uint32_t kind, uint64_t arg);
/* Starts pending interrupts of a CPU if its state allows; true when one was started. */
bool pcl_irq_start(struct pcl_machine *m, uint32_t cpu);
void pcl_irq_end(struct pcl_machine *m, uint32_t cpu);
/* Bookkeeping of intervals with interrupts off, because of a kind of spinlock. */
void pcl_irqs_off(struct pcl_machine *m, uint32_t cpu, uint8_t kind, pcl_ns t);
void pcl_irqs_on(struct pcl_machine *m, uint32_t cpu, pcl_ns t);

/* A task has gone to sleep (or ended), or is awake, from t on. */
static inline void now_asleep(struct pcl_machine *m, pcl_ns t)
{
    m->runnable_sum += t;
    if (--m->runnable < m->runnable_min)
        m->runnable_min = m->runnable;
}

static inline void now_awake(struct pcl_machine *m, pcl_ns t)
{
    m->runnable_sum -= t;
    m->runnable++;
}

/* device.c */
void pcl_device_init(struct pcl_machine *m);
void pcl_device_fini(struct pcl_machine *m);
void pcl_device_event(struct pcl_machine *m);

#endif
