/*
 * CPUs and run queues: which task runs where. Modelled are the placement of a woken task, wake-up
 * preemption, the tick and its slice, the pull of a CPU that falls idle, the cost of a switch, and
 * shallow and deep idle. Run queues are heaps by virtual time.
 *
 * Virtual times of different CPUs are compared relative to each CPU's minimum. Under cfs a sleeper
 * keeps its virtual time while the minimum moves on, so sleep earns a lead; under eevdf it keeps its
 * lag, which sleep does not change.
 *
 * Each CPU writes its own run queue's line: in schedule(), at the tick, when it comes out of idle; and
 * the line of the task that it puts on. So a waker on another CPU takes both away from it, and it takes
 * them back. The queue's spinlock is held through a switch; a waker of the same cache domain waits for
 * that. Wakers from afar leave the task in a list for the CPU instead and take its line only.
 *
 * cfs:   a sleeper is placed up to sleeper_credit behind the minimum and preempts the current
 *        task when it leads by wake_gran; at a tick the current task yields when it has run its
 *        share of the latency period or leads the first in the queue by that much.
 * eevdf: no credit; the current task is protected until its slice is used up, then yields at the
 *        next tick or wake-up.
 */
#include <stdlib.h>

#include "internal.h"

enum {
    LLC_WORDS = 4,     /* 256 CPUs in a cache domain */
    LATENCY_SLICES = 8 /* cfs: sched_latency is 8 minimum granularities */
};

void pcl_sched_init(struct pcl_machine *m)
{
    const struct pcl_profile *p = m->p;

    if (m->ideal)
        return;
    m->cpus_per_llc = (uint32_t)p->cpus_per_llc;
    m->n_llcs = (m->n_cpus + m->cpus_per_llc - 1) / m->cpus_per_llc;
    m->idle = pcl_xcalloc((size_t)m->n_llcs * LLC_WORDS, sizeof(*m->idle));
    for (uint32_t c = 0; c < m->n_cpus; c++) {
        uint32_t in_llc = c % m->cpus_per_llc;

        m->cpu[c].llc = (uint16_t)(c / m->cpus_per_llc);
        m->cpu[c].socket = (uint16_t)(c / (m->cpus_per_llc * (uint32_t)p->llcs_per_socket));
        m->idle[m->cpu[c].llc * LLC_WORDS + in_llc / 64] |= 1ull << (in_llc % 64);
    }
}

void pcl_sched_fini(struct pcl_machine *m)
{
    for (uint32_t c = 0; c < m->n_cpus; c++)
        free(m->cpu[c].rq);
    free(m->idle);
    m->idle = NULL;
}

static void set_idle(struct pcl_machine *m, uint32_t cpu, bool idle)
{
    uint32_t in_llc = cpu % m->cpus_per_llc;
    uint64_t *w = &m->idle[m->cpu[cpu].llc * LLC_WORDS + in_llc / 64];
    uint64_t bit = 1ull << (in_llc % 64);

    *w = idle ? *w | bit : *w & ~bit;
}

/* An idle CPU of cpu's cache domain, the first one from cpu upwards; PCL_NONE: none. */
static uint32_t idle_near(const struct pcl_machine *m, uint32_t cpu)
{
    const uint64_t *w = &m->idle[m->cpu[cpu].llc * LLC_WORDS];
    uint32_t base = cpu - cpu % m->cpus_per_llc, in = cpu % m->cpus_per_llc;
    uint64_t high = w[in / 64] & (~0ull << (in % 64));

    if (high)
        return base + in / 64 * 64 + (uint32_t)__builtin_ctzll(high);
    for (uint32_t k = 1; k <= LLC_WORDS; k++) {
        uint32_t i = (in / 64 + k) % LLC_WORDS;

        if (w[i])
            return base + i * 64 + (uint32_t)__builtin_ctzll(w[i]);
    }
    return PCL_NONE;
}

/* --- run queue: a binary heap by (vruntime, task) ----------------------------------------- */

static bool before(const struct pcl_machine *m, uint32_t a, uint32_t b)
{
    pcl_ns va = m->task[a].vruntime, vb = m->task[b].vruntime;

    return va != vb ? va < vb : a < b;
}

static void place(struct pcl_machine *m, struct pcl_cpu *c, uint32_t i, uint32_t task)
{
    c->rq[i] = task;
    m->task[task].heap_at = i;
}

static void sift(struct pcl_machine *m, struct pcl_cpu *c, uint32_t i, uint32_t task)
{
    while (i > 0 && before(m, task, c->rq[(i - 1) / 2])) {
        place(m, c, i, c->rq[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        uint32_t kid = 2 * i + 1;

        if (kid + 1 < c->n_rq && before(m, c->rq[kid + 1], c->rq[kid]))
            kid++;
        if (kid >= c->n_rq || !before(m, c->rq[kid], task))
            break;
        place(m, c, i, c->rq[kid]);
        i = kid;
    }
    place(m, c, i, task);
}

static void rq_add(struct pcl_machine *m, struct pcl_cpu *c, uint32_t task)
{
    if (c->n_rq == c->cap_rq) {
        c->cap_rq = c->cap_rq ? c->cap_rq * 2 : 8;
        c->rq = pcl_xrealloc(c->rq, c->cap_rq, sizeof(*c->rq));
    }
    c->n_rq++;
    m->n_queued++;
    sift(m, c, c->n_rq - 1, task);
}

static void rq_remove(struct pcl_machine *m, struct pcl_cpu *c, uint32_t task)
{
    uint32_t i = m->task[task].heap_at, last = c->rq[--c->n_rq];

    m->n_queued--;
    if (last != task)
        sift(m, c, i, last);
}

/* --- virtual time ------------------------------------------------------------------------- */

static void advance_min(struct pcl_machine *m, struct pcl_cpu *c)
{
    pcl_ns low = PCL_NS_MAX;

    if (c->curr != PCL_NONE)
        low = m->task[c->curr].vruntime;
    if (c->n_rq && m->task[c->rq[0]].vruntime < low)
        low = m->task[c->rq[0]].vruntime;
    if (low != PCL_NS_MAX && low > c->min_vruntime)
        c->min_vruntime = low;
}

void pcl_sched_charge(struct pcl_machine *m, uint32_t cpu)
{
    struct pcl_cpu *c = &m->cpu[cpu];

    if (c->curr == PCL_NONE || m->eng.now <= c->run_since)
        return;
    pcl_ns ran = m->eng.now - c->run_since;

    m->task[c->curr].vruntime += ran;
    c->slice_used += ran;
    c->busy_ns += ran;
    c->run_since = m->eng.now;
    advance_min(m, c);
}

static pcl_ns clamp(pcl_ns v, pcl_ns lo, pcl_ns hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Gives a task that slept its place on a CPU. */
static pcl_ns placed(const struct pcl_machine *m, const struct pcl_cpu *c,
                     const struct pcl_task *t)
{
    const struct pcl_profile *p = m->p;

    if (p->sched == PCL_SCHED_CFS) {
        pcl_ns rel = t->vruntime - m->cpu[t->cpu].min_vruntime;

        return c->min_vruntime + (rel < -p->sleeper_credit ? -p->sleeper_credit : rel);
    }
    return c->min_vruntime + clamp(t->vruntime, -p->slice, p->slice);
}

/* --- who runs ------------------------------------------------------------------------------ */

static void tick_start(struct pcl_machine *m, uint32_t cpu)
{
    struct pcl_cpu *c = &m->cpu[cpu];

    if (c->tick_on || m->p->hz == 0)
        return;
    pcl_ns period = 1000000000 / m->p->hz;

    c->tick_on = true;
    pcl_event_set(&m->eng, tick_entity(m, cpu), (m->eng.now / period + 1) * period);
}

/* Takes the line of a CPU's run queue for another CPU or its own; returns when it is there. */
static pcl_ns rq_line(struct pcl_machine *m, uint32_t rq, uint32_t cpu, pcl_ns t)
{
    return pcl_line_take(m, PCL_LINE(RQ, rq), cpu, t, 0);
}

void pcl_sched_arrive(struct pcl_machine *m)
{
    struct pcl_task *t = &m->task[m->cur];
    pcl_ns at = m->at;

    if (t->arriving == PCL_ARRIVES_FROM_IDLE)
        at = rq_line(m, m->cur_cpu, m->cur_cpu, at);
    at = pcl_line_take(m, PCL_LINE(TASK, m->cur), m->cur_cpu, at, 0);
    t->arriving = 0;
    pcl_line_waited(m, at - m->at);
    m->at = at;
}

/* Puts task on an idle CPU; it goes on delay after the CPU is free. */
static void run_on(struct pcl_machine *m, uint32_t cpu, uint32_t task, pcl_ns delay)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    struct pcl_task *t = &m->task[task];
    pcl_ns start = m->eng.now > c->blocked_until ? m->eng.now : c->blocked_until;

    if (start < t->since) /* the wake-up takes effect inside the waker's step */
        start = t->since;
    if (t->migrated) {
        delay += m->p->migrate;
        t->migrated = false;
    }
    c->curr = task;
    c->run_since = m->eng.now;
    c->slice_used = 0;
    c->need_resched = false;
    c->last_mm = t->mm != PCL_NONE ? t->mm : c->last_mm;
    t->on_cpu = true;
    pcl_observe(&m->eng, PCL_SEEN_ON_CPU, task, cpu);
    t->arriving = m->has_lines ? PCL_ARRIVES_FROM_IDLE : 0;
    set_idle(m, cpu, false);
    m->cause_ns[PCL_T_QUEUE] += start + delay - t->since;
    t->spent[PCL_SPENT_QUEUE] += start + delay - t->since;
    pcl_sched_resume(m, task, pcl_ns_add(start, delay));
    tick_start(m, cpu);
}

/* The end of schedule(), which has the run queue's line and holds its lock until it is over. */
static void switch_to(struct pcl_machine *m, uint32_t cpu, uint32_t task)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    pcl_ns start = m->eng.now > c->blocked_until ? m->eng.now : c->blocked_until;

    c->rq_held = start + m->p->ctx_switch;
    run_on(m, cpu, task, m->p->ctx_switch);
    if (m->has_lines)
        m->task[task].arriving = PCL_ARRIVES;
}

static void enqueue(struct pcl_machine *m, uint32_t cpu, uint32_t task)
{
    struct pcl_task *t = &m->task[task];

    t->migrated = t->cpu != cpu;
    t->cpu = (uint16_t)cpu;
    rq_add(m, &m->cpu[cpu], task);
}

/* A CPU that falls idle pulls a waiting task from the longest run queue, near ones first. */
static uint32_t pull(struct pcl_machine *m, uint32_t cpu)
{
    uint32_t best = PCL_NONE;

    if (m->n_queued == 0)
        return PCL_NONE;
    for (uint32_t i = 1; i < m->n_cpus; i++) {
        uint32_t c = (cpu + i) % m->n_cpus;

        if (m->cpu[c].n_rq == 0)
            continue;
        if (best == PCL_NONE || pcl_distance(m, cpu, c) < pcl_distance(m, cpu, best) ||
            (m->cpu[c].n_rq > m->cpu[best].n_rq &&
             pcl_distance(m, cpu, c) == pcl_distance(m, cpu, best)))
            best = c;
    }
    if (best == PCL_NONE)
        return PCL_NONE;
    uint32_t task = m->cpu[best].rq[0];
    struct pcl_task *t = &m->task[task];

    rq_remove(m, &m->cpu[best], task);
    if (m->cpu[cpu].blocked_until < m->eng.now)
        m->cpu[cpu].blocked_until = m->eng.now;
    m->cpu[cpu].blocked_until = rq_line(m, best, cpu, m->cpu[cpu].blocked_until);
    t->vruntime += m->cpu[cpu].min_vruntime - m->cpu[best].min_vruntime;
    t->migrated = true;
    t->cpu = (uint16_t)cpu;
    return task;
}

static void pick_next(struct pcl_machine *m, uint32_t cpu)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    uint32_t next;

    c->need_resched = false;
    if (c->n_rq) {
        next = c->rq[0];
        rq_remove(m, c, next);
    } else {
        next = pull(m, cpu);
    }
    if (next != PCL_NONE) {
        switch_to(m, cpu, next);
        return;
    }
    c->curr = PCL_NONE;
    c->idle_since = m->eng.now > c->blocked_until ? m->eng.now : c->blocked_until;
    set_idle(m, cpu, true);
}

void pcl_sched_leave(struct pcl_machine *m, uint32_t cpu, pcl_ns t)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    struct pcl_task *old = &m->task[c->curr];
    uint32_t owner = c->curr;

    pcl_sched_charge(m, cpu);
    if (m->p->sched != PCL_SCHED_CFS)
        old->vruntime -= c->min_vruntime; /* its lag */
    old->on_cpu = false;
    pcl_observe(&m->eng, PCL_SEEN_OFF_CPU, owner, cpu);
    old->voluntary++;
    c->curr = PCL_NONE;
    t = rq_line(m, cpu, cpu, t);
    if (t > c->blocked_until)
        c->blocked_until = t;
    pick_next(m, cpu);
    pcl_watch_owner_off(m, owner);
    pcl_irq_start(m, cpu); /* what waited for this task to turn interrupts on */
}

void pcl_sched_preempt(struct pcl_machine *m, uint32_t cpu, pcl_ns at)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    uint32_t task = c->curr;
    struct pcl_task *t = &m->task[task];
    pcl_ns due = pcl_event_time(&m->eng, task);

    if (c->n_rq == 0) { /* whoever wanted the CPU has been pulled away meanwhile */
        c->need_resched = false;
        return;
    }
    pcl_sched_charge(m, cpu);
    if (due != PCL_NS_MAX) /* else stopped by an interrupt, which has noted the rest */
        t->left = due - m->eng.now;
    pcl_event_cancel(&m->eng, task);
    t->on_cpu = false;
    pcl_observe(&m->eng, PCL_SEEN_OFF_CPU, task, cpu);
    t->involuntary++;
    t->since = at;
    c->curr = PCL_NONE;
    at = rq_line(m, cpu, cpu, at);
    if (at > c->blocked_until)
        c->blocked_until = at;
    uint32_t next = c->rq[0];

    rq_remove(m, c, next);
    rq_add(m, c, task);
    switch_to(m, cpu, next);
    pcl_watch_owner_off(m, task);
}

bool pcl_sched_may_preempt(const struct pcl_machine *m, uint32_t task, bool mid)
{
    const struct pcl_task_model *mod = &m->model[task];

    if (mod->spin_depth || mod->run == PCL_RUN_SPINNING)
        return false;
    switch ((enum pcl_mark)m->task[task].mark) {
    case PCL_MARK_USER:
        return true;
    case PCL_MARK_ATOMIC:
        return false;
    case PCL_MARK_COND:
        return m->p->preempt == PCL_PREEMPT_FULL || !mid;
    case PCL_MARK_SLEEPY:
        return m->p->preempt == PCL_PREEMPT_FULL ||
               (!mid && m->p->preempt == PCL_PREEMPT_VOLUNTARY);
    case PCL_MARK_KERNEL:
        return m->p->preempt == PCL_PREEMPT_FULL;
    }
    return false;
}

/* The CPU is wanted: at once where the step under way allows it, else at its end. */
static void resched(struct pcl_machine *m, uint32_t cpu)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    uint32_t task = c->curr;

    c->need_resched = true;
    if (c->in_irq || task == m->cur)
        return; /* looked at when the interrupt or the present micro-step is over */
    if (m->model[task].run == PCL_RUN_WATCHING) {
        pcl_watch_end(m, task, m->eng.now);
        return;
    }
    if (pcl_sched_may_preempt(m, task, true) &&
        pcl_event_time(&m->eng, task) != PCL_NS_MAX)
        pcl_sched_preempt(m, cpu, m->eng.now);
}

static void check_wake_preempt(struct pcl_machine *m, uint32_t cpu, uint32_t task)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    const struct pcl_profile *p = m->p;

    pcl_sched_charge(m, cpu);
    if (p->sched == PCL_SCHED_CFS) {
        if (m->task[c->curr].vruntime - m->task[task].vruntime > p->wake_gran)
            resched(m, cpu);
    } else if (c->slice_used >= p->slice) {
        resched(m, cpu);
    }
}

/* Where a woken task goes: its previous CPU if that is idle, an idle one in its cache domain, one
 * in the waker's, else the shorter queue of its own and the waker's. */
static uint32_t choose_cpu(const struct pcl_machine *m, uint32_t prev, uint32_t by)
{
    uint32_t c = idle_near(m, prev);

    if (c != PCL_NONE)
        return c;
    if (m->cpu[by].llc != m->cpu[prev].llc) {
        c = idle_near(m, by);
        if (c != PCL_NONE)
            return c;
    }
    return m->cpu[by].n_rq < m->cpu[prev].n_rq ? by : prev;
}

/* Wake-up latencies scatter; without that, tasks with constant costs fall into step with each other
 * and meet a lock in the same phase for ever. The draw is the task's own, numbered by its sleeps. */
static pcl_ns idle_exit(const struct pcl_machine *m, const struct pcl_cpu *c, uint32_t task)
{
    const struct pcl_profile *p = m->p;
    bool deep = m->eng.now - c->idle_since > p->idle_deep_after;
    struct pcl_dist d = {.kind = PCL_DIST_LOGNORMAL,
                         .a = deep ? p->wake_idle_deep : p->wake_idle_shallow,
                         .s = (double)p->wake_cv / 100.0};

    if (d.a == 0 || p->wake_cv == 0)
        return d.a;
    return pcl_dist_draw(&d, pcl_stream(m->seed, m->replication, task, PCL_DRAW_SCHED),
                         m->task[task].voluntary);
}

/* A waker on CPU by locks the run queue, or leaves the task in its list; returns when that is done. */
static pcl_ns lock_rq(struct pcl_machine *m, uint32_t rq, uint32_t by, pcl_ns t)
{
    struct pcl_cpu *c = &m->cpu[rq];

    if (m->has_lines && rq != by && c->llc == m->cpu[by].llc && t < c->rq_held)
        t = c->rq_held;
    return rq_line(m, rq, by, t);
}

pcl_ns pcl_sched_wake(struct pcl_machine *m, uint32_t task, pcl_ns t, uint32_t by)
{
    struct pcl_task *tk = &m->task[task];
    uint32_t cpu = m->ideal ? 0 : choose_cpu(m, tk->cpu, by);
    pcl_ns done = m->ideal ? t : lock_rq(m, cpu, by, t);

    t = done;
    if (t < tk->since) /* woken inside the last step before its sleep */
        t = tk->since;
    m->cause_ns[PCL_T_SLEEP] += t - tk->since;
    pcl_ns chosen = tk->chosen ? clamp(tk->chosen, tk->since, t) : t;

    tk->spent[PCL_SPENT_SLEEP] += chosen - tk->since;
    tk->spent[PCL_SPENT_QUEUE] += t - chosen;
    tk->chosen = 0;
    now_awake(m, t);
    tk->since = t;
    if (m->ideal) {
        tk->on_cpu = true;
        pcl_event_set(&m->eng, task, pcl_ns_add(t, tk->left));
        tk->left = 0;
        return done;
    }
    struct pcl_cpu *c = &m->cpu[cpu];

    pcl_sched_charge(m, cpu);
    if (tk->cpu != cpu)
        pcl_sched_charge(m, tk->cpu);
    tk->vruntime = placed(m, c, tk);
    if (c->curr == PCL_NONE) {
        tk->migrated = tk->cpu != cpu;
        tk->cpu = (uint16_t)cpu;
        run_on(m, cpu, task, idle_exit(m, c, task));
        return done;
    }
    enqueue(m, cpu, task);
    check_wake_preempt(m, cpu, task);
    return done;
}

void pcl_sched_resume(struct pcl_machine *m, uint32_t task, pcl_ns t)
{
    struct pcl_task *tk = &m->task[task];
    struct pcl_cpu *c = m->ideal || is_irq(m, task) ? NULL : cpu_of(m, task);

    if (m->model[task].run != PCL_RUN_RUNNABLE)
        return; /* put on a CPU while it spins: the grant will do it */
    if (c && t < c->blocked_until) {
        m->cause_ns[PCL_T_KERNEL] += c->blocked_until - t;
        t = c->blocked_until;
    }
    if (c && c->in_irq) {
        c->resume_at = t; /* the interrupt's end lets it go on */
        return;
    }
    pcl_event_set(&m->eng, task, pcl_ns_add(t, tk->left));
    tk->left = 0;
}

void pcl_sched_steal(struct pcl_machine *m, uint32_t cpu, pcl_ns ns)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    uint32_t body = c->in_irq ? m->n_tasks + cpu : c->curr;

    if (body == PCL_NONE)
        return;
    pcl_ns due = pcl_event_time(&m->eng, body);

    if (due != PCL_NS_MAX && m->model[body].run == PCL_RUN_RUNNABLE) {
        pcl_event_set(&m->eng, body, pcl_ns_add(due, ns));
        if (!c->in_irq)
            m->cause_ns[PCL_T_KERNEL] += ns;
    } else { /* it spins: the time is lost if the lock comes before it is over */
        c->blocked_until = (c->blocked_until > m->eng.now ? c->blocked_until : m->eng.now) + ns;
    }
}

/* Tasks wait here: an idle CPU, the nearest one, comes and gets one (idle load balancing, which
 * Linux kicks from the tick of a busy CPU). */
static void kick_idle(struct pcl_machine *m, uint32_t cpu)
{
    for (uint32_t i = 0, llc = m->cpu[cpu].llc; i < m->n_llcs; i++, llc = (llc + 1) % m->n_llcs) {
        uint32_t c = idle_near(m, llc * m->cpus_per_llc);

        if (c == PCL_NONE)
            continue;
        uint32_t task = pull(m, c);

        run_on(m, c, task, idle_exit(m, &m->cpu[c], task));
        return;
    }
}

void pcl_sched_tick(struct pcl_machine *m, uint32_t cpu)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    const struct pcl_profile *p = m->p;

    if (c->curr == PCL_NONE) {
        c->tick_on = false;
        return;
    }
    m->ticks++;
    pcl_event_set(&m->eng, tick_entity(m, cpu), m->eng.now + 1000000000 / p->hz);
    pcl_sched_charge(m, cpu);
    pcl_sched_steal(m, cpu, p->tick_cost + rq_line(m, cpu, cpu, m->eng.now) - m->eng.now);
    if (c->n_rq == 0)
        return;
    kick_idle(m, cpu);
    if (c->n_rq == 0)
        return;
    pcl_ns share = p->slice;

    if (p->sched == PCL_SCHED_CFS) {
        share = p->slice * LATENCY_SLICES / (c->n_rq + 1);
        if (share < p->slice)
            share = p->slice;
        pcl_ns lead = m->task[c->curr].vruntime - m->task[c->rq[0]].vruntime;

        if (c->slice_used >= p->slice && lead > share)
            share = 0;
    }
    if (c->slice_used >= share)
        resched(m, cpu);
}

bool pcl_need_resched(struct pcl_machine *m)
{
    if (m->explore) {
        m->asked = true;
        return m->model[m->cur].choice;
    }
    return !m->ideal && m->cpu[m->cur_cpu].need_resched;
}

bool pcl_on_cpu(const struct pcl_machine *m, uint32_t task)
{
    if (m->explore || m->ideal)
        return m->model[task].run != PCL_RUN_ASLEEP && m->model[task].run != PCL_RUN_DEAD;
    return m->task[task].on_cpu;
}
