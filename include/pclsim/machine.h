/*
 * The machine: tasks on CPUs, cache lines, spinlocks, wakes, interrupts, a storage device. Locks
 * and paths are written as micro-steps; a micro-step calls the primitives below, which say what
 * happens ("one atomic on this line", "wake this task"); the profile turns that into time.
 *
 * A micro-step runs at its start time: the state changes then, and the task goes on at the
 * step's completion. A task that spins on a spinlock or sleeps has no event until somebody else
 * gives it one. In the explorer the same micro-steps run without time: whoever drives it picks
 * the next runnable task, and every timeout is a choice.
 *
 *   task states (model)     RUNNABLE --sleep--> ASLEEP --wake--> RUNNABLE
 *                           RUNNABLE --spinlock taken by another--> SPINNING --granted--> RUNNABLE
 */
#ifndef PCLSIM_MACHINE_H
#define PCLSIM_MACHINE_H

#include <pclsim/engine.h>
#include <pclsim/hist.h>
#include <pclsim/profile.h>
#include <pclsim/state.h>

struct pcl_machine;

/* Where a task's body (path, lock micro-steps) lets the CPU be taken away. Set by the step. */
enum pcl_mark {
    PCL_MARK_USER,   /* user mode: always */
    PCL_MARK_KERNEL, /* kernel code: only under full preemption */
    PCL_MARK_COND,   /* kernel; a cond_resched() stands at the step's end */
    PCL_MARK_SLEEPY, /* kernel; a might_sleep() stands there: a point of voluntary preemption */
    PCL_MARK_ATOMIC  /* preemption off */
};

enum pcl_run_state {
    PCL_RUN_RUNNABLE, /* on a CPU or in a run queue */
    PCL_RUN_SPINNING, /* on its CPU, waiting for a spinlock: granted by the holder's release */
    PCL_RUN_WATCHING, /* on its CPU, optimistic spinning: ends by notice, owner off CPU, limit */
    PCL_RUN_ASLEEP,
    PCL_RUN_DEAD
};

/* What the task has said about itself before schedule(). */
enum pcl_task_state {
    PCL_TASK_RUNNING,
    PCL_TASK_UNINTERRUPTIBLE,
    PCL_TASK_KILLABLE
};

/* The half of a task that is model state: copied and hashed by the explorer. */
struct pcl_task_model {
    uint8_t run;        /* enum pcl_run_state */
    uint8_t state;      /* enum pcl_task_state */
    uint8_t killed;     /* a fatal signal is pending */
    uint8_t spin_depth; /* spinlocks held: preemption is off */
    uint8_t irq_depth;  /* of those, with interrupts off */
    uint8_t choice;     /* explorer: answer of the next pcl_expired(), pcl_need_resched() */
    uint8_t may_end;    /* watching: the watch has a limit, the explorer may end it */
    uint8_t pad;
    uint32_t spin;      /* spinlock waited for, PCL_NONE */
    uint32_t spin_next; /* next waiter of that spinlock */
};

/* Where a task's time went: each instant of a task's life has one cause. Interrupts on an idle CPU
 * are nobody's time; those that stop a task are its kernel time. */
enum pcl_cause {
    PCL_T_USER,
    PCL_T_KERNEL,
    PCL_T_LINE,  /* waiting for cache lines */
    PCL_T_SPIN,  /* waiting for spinlocks, optimistic spinning included */
    PCL_T_QUEUE, /* runnable, waiting for a CPU; context switches and wake-up latency */
    PCL_T_SLEEP, /* asleep */
    PCL_N_CAUSES
};

/* What a task waited for since pcl_spent_begin(); what is left of that time is its own instructions
 * and the interrupts that stopped it. */
enum pcl_spent {
    PCL_SPENT_LINE,  /* cache lines */
    PCL_SPENT_SPIN,  /* spinlocks */
    PCL_SPENT_WATCH, /* optimistic spinning */
    PCL_SPENT_SLEEP, /* asleep, until it was chosen to be woken */
    PCL_SPENT_QUEUE, /* from then on, or preempted, until it runs */
    PCL_N_SPENT
};

/* What the scheduler has to do yet for a task that it has put on a CPU. */
enum pcl_arrival {
    PCL_ARRIVES = 1,      /* takes the task's line */
    PCL_ARRIVES_FROM_IDLE /* and that of the run queue */
};

/* The other half: times and statistics. */
struct pcl_task {
    uint16_t cpu;       /* where it runs, or ran last */
    uint8_t on_cpu;     /* it is its CPU's current task */
    uint8_t mark;       /* enum pcl_mark of the step under way or next */
    uint8_t is_irq;
    uint8_t migrated;
    uint8_t arriving;   /* enum pcl_arrival; 0: it has begun to run */
    uint32_t mm;        /* address space, PCL_NONE: kernel thread */
    pcl_ns left;        /* rest of an interrupted step */
    pcl_ns vruntime;
    pcl_ns since;       /* start of the present state, for the time account */
    pcl_ns stamp;       /* pcl_stamp() */
    uint32_t watchers;  /* tasks that spin while this one is on a CPU */
    uint32_t watch_next, watching;
    uint32_t heap_at;   /* place in its run queue */
    uint32_t voluntary, involuntary;
    pcl_ns spent[PCL_N_SPENT];
    pcl_ns chosen; /* asleep: when somebody chose to wake it, 0: nobody has */
    uint32_t site; /* where its caller stands, in a numbering of the owner's */
};

/* Spinlocks are told apart by what they belong to, a number below this; the last one is that of
 * spinlocks of which nothing was said. */
#define PCL_SPIN_KINDS 16

struct pcl_spin {
    uint32_t holder, head, tail; /* task ids, PCL_NONE */
};

struct pcl_cpu {
    uint32_t curr;     /* task, PCL_NONE: idle */
    uint32_t *rq;      /* heap of waiting tasks by (vruntime, id) */
    uint32_t n_rq, cap_rq;
    uint32_t last_mm;  /* address space loaded */
    uint16_t llc, socket;
    bool need_resched, in_irq, tick_on;
    pcl_ns idle_since;
    pcl_ns run_since;  /* when curr was put on */
    pcl_ns slice_used; /* of curr since it was picked */
    pcl_ns min_vruntime;
    pcl_ns rq_held;    /* schedule() holds the run queue's lock until then */
    pcl_ns blocked_until; /* interrupts have taken the CPU until then (curr has no event) */
    pcl_ns resume_at;     /* in an interrupt: when curr would go on without it */
    pcl_ns irqs_off_since;
    pcl_ns off_since;   /* the spinlock under way that wants interrupts off: since when, */
    pcl_ns off_in_irq;  /* all of its kind in the interrupt under way, */
    uint8_t off_kind;   /* and its kind */
    uint32_t irq_head, irq_tail; /* pending work items */
    pcl_ns busy_ns;
};

/* Work for an interrupt: told to the owner's step function by work item. */
struct pcl_irq_work {
    uint32_t next;
    uint32_t kind;
    uint64_t arg;
};

struct pcl_io {
    uint32_t next;
    uint32_t cpu; /* completion interrupt goes there */
    uint32_t kind;
    uint64_t arg;
    pcl_ns due;
};

/* Cache lines are named, not stored: class and number. */
enum pcl_line_class {
    PCL_LINE_TASK = 1, /* a task's scheduling state, written by wakers */
    PCL_LINE_RQ,       /* a CPU's run-queue lock and head */
    PCL_LINE_SPIN,     /* a spinlock word on its own line */
    PCL_LINE_FOLIO,    /* flags, mapping, refcount of a folio */
    PCL_LINE_BUCKET,   /* 64 bytes of the wait table */
    PCL_LINE_WAITER,   /* a wait-queue entry on its task's stack */
    PCL_LINE_INODE,    /* i_rwsem and what shares its line */
    PCL_LINE_MAPPING,  /* i_pages lock, tree root, invalidate_lock */
    PCL_LINE_IMAP,     /* i_mmap_rwsem */
    PCL_LINE_ILOCK,
    PCL_LINE_MM,       /* mmap_lock */
    PCL_LINE_PTE,      /* page-table lock */
    PCL_LINE_NODE,     /* a node of a range-lock tree or list */
    PCL_LINE_XNODE,    /* a node of the page-cache index */
    PCL_LINE_LOCK,     /* further lines of a lock instance */
    PCL_LINE_DIO,
    PCL_LINE_VMTREE,   /* tree of an address space's VMAs, count of mmap_lock's writers */
    PCL_LINE_VMA       /* reference count and sequence of a VMA */
};

typedef uint64_t pcl_line;
#define PCL_LINE(cls, id) (((pcl_line)PCL_LINE_##cls << 56) | (uint64_t)(id))

struct pcl_linedir; /* directory of lines in caches: lines.c */

struct pcl_machine_conf {
    const struct pcl_profile *profile;
    uint32_t n_tasks;   /* without the interrupt contexts */
    int64_t cpus;       /* confine tasks to the first so many; 0 all */
    uint64_t seed;
    uint32_t replication;
    bool explore;       /* no time: the explorer drives */
    bool run_ahead;
    /* One micro-step of a task (or interrupt context: ids n_tasks..n_tasks + cpus - 1). */
    void (*step)(struct pcl_machine *m, uint32_t task);
    void *owner;        /* of the step function */
};

#define PCL_PROMISES 32 /* bodies that may leap beside each other */

struct pcl_machine {
    struct pcl_engine eng;
    const struct pcl_profile *p;
    void (*step)(struct pcl_machine *m, uint32_t task);
    void *owner;
    uint32_t n_tasks, n_cpus, n_bodies; /* bodies: tasks and interrupt contexts */
    bool ideal, explore, has_lines;
    uint64_t seed;
    uint32_t replication;

    struct pcl_task_model *model; /* [n_bodies] */
    struct pcl_task *task;        /* [n_bodies] */
    struct pcl_spin *spin;        /* [n_spins] */
    uint32_t n_spins, cap_spins;
    uint8_t *spin_kind;           /* [n_spins], for statistics */
    struct pcl_state *state;      /* model state of everybody above too */

    struct pcl_cpu *cpu;
    uint64_t *idle;               /* [n_llcs * 4] idle CPUs by last-level cache */
    uint32_t n_llcs, cpus_per_llc;
    uint32_t n_queued;            /* tasks waiting in run queues, machine-wide */
    struct pcl_linedir *lines;

    struct pcl_irq_work *work;    /* pool */
    uint32_t n_work, cap_work, free_work;

    struct pcl_io *io;            /* pool; dev_heap holds those in flight by due time */
    uint32_t n_io, cap_io, free_io;
    uint32_t *dev_heap;
    uint32_t n_flight;
    pcl_ns *channel_free;         /* [dev_channels] */
    pcl_ns read_bus_free, write_bus_free;
    uint64_t unprogrammed;        /* bytes in the device's buffer that fill no program yet */
    uint32_t next_die;

    /* the micro-step under way */
    uint32_t cur;     /* body */
    uint32_t cur_cpu; /* its CPU */
    pcl_ns at;        /* completion so far */
    uint8_t disp;     /* what becomes of the task: enum in machine.c */
    pcl_ns disp_until;
    pcl_ns lines_before; /* time spent on lines when the micro-step began */
    pcl_ns limit;     /* end of the run: nobody runs ahead of it */
    bool asked;       /* explorer: the micro-step asked pcl_expired() or pcl_need_resched() */
    uint32_t n_access; /* explorer: accesses to shared state in this micro-step */
    uint64_t access[4];

    /* statistics */
    uint64_t steps, line_transfers, wakes, ipis, ticks, ios;
    uint64_t leapt; /* of the steps, those in leaps */
    struct pcl_promise {
        uint32_t body;
        pcl_ns until;
    } promise[PCL_PROMISES]; /* [n_promises] */
    uint32_t n_promises;
    pcl_ns irqs_off_max;
    pcl_ns irqs_off_by[PCL_SPIN_KINDS][2]; /* longest under a kind of spinlock: [0] in a task, [1]
                                              all such intervals of one interrupt */
    uint32_t runnable, runnable_min;       /* tasks that are not asleep: now, at least */
    int64_t runnable_sum; /* times of going to sleep less times of waking: see pcl_runnable_area() */
    pcl_ns cause_ns[PCL_N_CAUSES];
    pcl_ns outside[PCL_N_SPENT]; /* pcl_spent_outside() */
    bool stop; /* set by the owner: leave pcl_machine_run() */
};

/** Sets up a machine. All memory is released by fini. */
void pcl_machine_init(struct pcl_machine *m, const struct pcl_machine_conf *conf,
                      struct pcl_state *state);
void pcl_machine_fini(struct pcl_machine *m);

/** Makes a task runnable for the first time at time t. */
void pcl_task_start(struct pcl_machine *m, uint32_t task, pcl_ns t);

/** Runs until nothing is pending, until the time limit, until m->stop, or until *cancel is
 * non-zero (looked at every few thousand steps; may be NULL). Returns PCL_OK, PCL_EINTR, or
 * PCL_EFAIL when some 16 million steps and more have been made at one instant. */
int pcl_machine_run(struct pcl_machine *m, pcl_ns limit, const volatile int *cancel);

/** Explorer: runs one micro-step of a runnable body. */
void pcl_machine_step(struct pcl_machine *m, uint32_t body);

/** Explorer: true when the body can take a micro-step now. */
bool pcl_machine_can_step(const struct pcl_machine *m, uint32_t body);

/* --- primitives of micro-steps ----------------------------------------------------------- */

static inline pcl_ns pcl_now(const struct pcl_machine *m)
{
    return m->eng.now;
}

/** Spends CPU time. */
static inline void pcl_burn(struct pcl_machine *m, pcl_ns ns)
{
    m->at = pcl_ns_add(m->at, ns);
}

/* Steps between looks at whether the user wants to stop. */
#define PCL_LOOK_EVERY 4096u

/** For a step function that has carried out one micro-step of the running task, in kernel code:
 * true when the next one may follow at once, since nobody else comes first and nothing waits for
 * its end; it has then begun. False: set the task's mark and return to the machine, which looks
 * closer. Return to it after PCL_LOOK_EVERY micro-steps in any case. */
static inline bool pcl_go_on(struct pcl_machine *m)
{
    struct pcl_engine *e = &m->eng;
    const struct pcl_cpu *c = &m->cpu[m->cur_cpu];

    /* the time limit and the ablation of run-ahead are rivals too */
    if (m->disp || m->stop || !pcl_event_ahead(e, m->cur, m->at))
        return false;
    if (c->need_resched || c->irq_head != PCL_NONE)
        return false;
    m->cause_ns[PCL_T_KERNEL] += m->at - e->now - (m->cause_ns[PCL_T_LINE] - m->lines_before);
    m->lines_before = m->cause_ns[PCL_T_LINE];
    e->now = m->at;
    e->ahead++;
    m->steps++;
    return true;
}

/* Micro-steps that are carried out at once, since nobody could tell: a leap. */
struct pcl_leap {
    uint64_t steps;
    pcl_ns ns;       /* what they take */
    pcl_line line;   /* the one that they touch, so many times; this CPU owns it */
    uint64_t touches;
    uint32_t spin;   /* the spinlock that they take and release */
    pcl_ns irqs_off; /* the longest interval with interrupts off under it */
};

/** Time that the running body has before anybody else can observe or disturb it, if it accesses no
 * line but this one; -1 when the next micro-step must be taken by itself. */
pcl_ns pcl_leap_room(const struct pcl_machine *m, pcl_line line);

/** Leaps, at the beginning of a micro-step, which then goes on at the new time. The caller has
 * changed the state as the micro-steps would have; l->ns fits into pcl_leap_room(). */
void pcl_leap(struct pcl_machine *m, const struct pcl_leap *l);

/** The running body promises: before this time it touches nothing but what is its own alone, and
 * whatever happens to others of its kind is nothing to it. Breaking: from now on it may. */
void pcl_promise(struct pcl_machine *m, pcl_ns until);
void pcl_promise_break(struct pcl_machine *m, uint32_t body);
bool pcl_promised(const struct pcl_machine *m, uint32_t body);

/** As pcl_leap_room(), for a body that has promised; others who have are no rivals to it before they
 * may do something else. What it does takes it to a time that they have not come to, so its
 * micro-step ends there: with pcl_leap_beside(), one of the steps being this one. -1 also when
 * nobody else has promised. */
pcl_ns pcl_leap_room_beside(struct pcl_machine *m, pcl_line line);
void pcl_leap_beside(struct pcl_machine *m, const struct pcl_leap *l);

#define PCL_CHORUS_MOST 8

/* Several bodies whose micro-steps touch one line and one spinlock and nothing else, each on its CPU:
 * a chorus. When they stand to each other as they stood before, all of them do again what they
 * have done since: they leap together, by whole periods. */
struct pcl_chorus {
    const uint32_t *body; /* [n], the running one among them */
    uint32_t n;           /* PCL_CHORUS_MOST at most */
    uint32_t spin;
    pcl_line line;
};

/* Counters at the beginning of a period. */
struct pcl_tally {
    pcl_ns at;
    uint64_t steps, events, ahead, transfers;
    uint64_t others; /* wake-ups, ticks, interrupts: none of a chorus */
    uint32_t stamp;
    uint64_t fp; /* no transition either */
    pcl_ns cause_ns[PCL_N_CAUSES];
    pcl_ns spent[PCL_CHORUS_MOST][PCL_N_SPENT]; /* by body */
};

/** Adds to fp how the bodies stand to each other, at the beginning of a micro-step of one; false when
 * they are no chorus just now. */
bool pcl_chorus_look(const struct pcl_machine *m, const struct pcl_chorus *c, struct pcl_fp *fp);
void pcl_chorus_tally(const struct pcl_machine *m, const struct pcl_chorus *c,
                      struct pcl_tally *t);

/** Time until the first event of anybody else. */
pcl_ns pcl_chorus_room(struct pcl_machine *m, const struct pcl_chorus *c);

/** Repeats the period since from so many times, at the beginning of a micro-step; they end before
 * pcl_chorus_room(). The caller changes the state accordingly. */
void pcl_chorus_leap(struct pcl_machine *m, const struct pcl_chorus *c,
                     const struct pcl_tally *from, uint64_t times);

/** Declares an access to shared state without a line of its own (a structure under a modelled
 * lock). The line primitives declare theirs themselves. Explorer only; free otherwise. */
static inline void pcl_touch(struct pcl_machine *m, pcl_line line)
{
    if (m->explore && m->n_access < 4)
        m->access[m->n_access++] = line;
}

void pcl_load_slow(struct pcl_machine *m, pcl_line line);
void pcl_rmw_slow(struct pcl_machine *m, pcl_line line);
void pcl_store_slow(struct pcl_machine *m, pcl_line line);

/** Reads a cache line: a hit when this CPU shares it. */
static inline void pcl_load(struct pcl_machine *m, pcl_line line)
{
    pcl_touch(m, line);
    if (m->has_lines)
        pcl_load_slow(m, line);
}

/** One atomic read-modify-write: takes the line exclusive, in request order. */
static inline void pcl_rmw(struct pcl_machine *m, pcl_line line)
{
    pcl_touch(m, line);
    if (m->has_lines)
        pcl_rmw_slow(m, line);
}

/** A plain store: takes the line exclusive, without the atomic's own cost. */
static inline void pcl_store(struct pcl_machine *m, pcl_line line)
{
    pcl_touch(m, line);
    if (m->has_lines)
        pcl_store_slow(m, line);
}

/** A new spinlock, free. */
uint32_t pcl_spin_new(struct pcl_machine *m);

/** Spinlocks from this one on belong to what kind stands for. */
void pcl_spin_kind(struct pcl_machine *m, uint32_t from, uint8_t kind);

/** Takes a qspinlock whose word lies in line. The micro-step ends with it: set the next pc before
 * or after, the task goes on there with the lock held, at once or when it is granted. irq: with
 * interrupts off from the request on. */
void pcl_spin_lock(struct pcl_machine *m, uint32_t spin, pcl_line line, bool irq);

/** Releases it and grants it to the first spinner. */
void pcl_spin_unlock(struct pcl_machine *m, uint32_t spin, pcl_line line, bool irq);

/** True when the running body holds it. */
static inline bool pcl_spin_held(const struct pcl_machine *m, uint32_t spin)
{
    return m->spin[spin].holder == m->cur;
}

/** set_current_state(). */
static inline void pcl_set_state(struct pcl_machine *m, enum pcl_task_state s)
{
    m->model[m->cur].state = (uint8_t)s;
}

/** schedule(): sleeps unless somebody has set the state back to RUNNING. Ends the micro-step. */
void pcl_schedule(struct pcl_machine *m);

/** try_to_wake_up(): false when the task was not asleep in a matching state. The waker pays the
 * call and touches the target's task and run-queue lines; the target runs when the scheduler
 * lets it. */
bool pcl_wake(struct pcl_machine *m, uint32_t task);

/** For statistics: the task will be woken, by whoever has this to do next. */
static inline void pcl_chosen(struct pcl_machine *m, uint32_t task)
{
    m->task[task].chosen = m->at;
}

/** For statistics: what the running body waits for is counted from here on. */
static inline void pcl_spent_begin(struct pcl_machine *m)
{
    struct pcl_task *t = &m->task[m->cur];

    for (int i = 0; i < PCL_N_SPENT; i++)
        t->spent[i] = 0;
    t->chosen = 0;
}

/** For statistics: what the running body waited for since the last call belonged to no wait for a
 * lock. */
static inline void pcl_spent_outside(struct pcl_machine *m)
{
    for (int i = 0; i < PCL_N_SPENT; i++)
        m->outside[i] += m->task[m->cur].spent[i];
    pcl_spent_begin(m);
}

/** Time times runnable tasks, from the start to t. */
static inline int64_t pcl_runnable_area(const struct pcl_machine *m, pcl_ns t)
{
    return m->runnable_sum + (int64_t)m->runnable * t;
}

/** Sleeps until an absolute time (think time, arrival). Ends the micro-step. */
void pcl_sleep_until(struct pcl_machine *m, pcl_ns t);

/** Spins on the CPU without a spinlock until pcl_notice() names this task, the owner (PCL_NONE:
 * none) leaves its CPU, limit ns have passed (PCL_NS_MAX: none) or the CPU is wanted. Ends the
 * micro-step; the caller looks again what is the case. */
void pcl_watch(struct pcl_machine *m, uint32_t owner, pcl_ns limit);

/** Ends a watch; no effect on a task that does not watch. The line transfer is the watcher's. */
void pcl_notice(struct pcl_machine *m, uint32_t task);

/** True when another task wants this CPU. The explorer tries both answers; one micro-step's
 * questions all get the same one. */
bool pcl_need_resched(struct pcl_machine *m);

/** True when the task runs on a CPU just now (what owner spinning looks at). */
bool pcl_on_cpu(const struct pcl_machine *m, uint32_t task);

/** Notes the present time for pcl_expired(). */
static inline void pcl_stamp(struct pcl_machine *m)
{
    m->task[m->cur].stamp = m->eng.now;
}

/** True when limit ns have passed since that task's stamp. The explorer tries both answers. */
bool pcl_expired(struct pcl_machine *m, uint32_t task, pcl_ns limit);

/** Ends the task. */
void pcl_exit(struct pcl_machine *m);

/** Says how preemptible the task is from now on. */
static inline void pcl_mark_set(struct pcl_machine *m, enum pcl_mark mark)
{
    m->task[m->cur].mark = (uint8_t)mark;
}

/** TLB shootdown of an address space: interrupts the other CPUs that run it. pages: entries
 * flushed. */
void pcl_shootdown(struct pcl_machine *m, uint32_t mm, uint64_t pages);

/** Submits a device request; its completion interrupt runs as (kind, arg) on this CPU's interrupt
 * context. key draws the latency: (inode, page, visit) as 64 bits, never the number of draws. */
void pcl_device_io(struct pcl_machine *m, bool write, uint64_t bytes, uint64_t key,
                   uint32_t kind, uint64_t arg);

/** The device's cache flush, likewise. */
void pcl_device_flush(struct pcl_machine *m, uint32_t kind, uint64_t arg);

/** The work item that an interrupt context has to do: false when there is none left (the context
 * then ends its step and the interrupted task goes on). */
bool pcl_irq_next(struct pcl_machine *m, uint32_t *kind, uint64_t *arg);

/** HZ-dependent: n jiffies in ns, rounded up as the kernel's timeouts are. */
pcl_ns pcl_jiffies(const struct pcl_machine *m, pcl_ns at_least);

#endif
