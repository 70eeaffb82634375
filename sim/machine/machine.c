/*
 * The machine's loop: takes the earliest event, runs the body that it belongs to for one or more
 * micro-steps, and does what each micro-step's end asks for (go on, spin, sleep, end).
 *
 * A body runs ahead without the queue as long as its next step would be the earliest event anyway.
 */
#include <stdlib.h>

#include "internal.h"

static void init_bodies(struct pcl_machine *m)
{
    m->model = pcl_xcalloc(m->n_bodies, sizeof(*m->model));
    m->task = pcl_xcalloc(m->n_bodies, sizeof(*m->task));
    for (uint32_t b = 0; b < m->n_bodies; b++) {
        bool irq = is_irq(m, b);

        m->model[b].run = irq ? PCL_RUN_ASLEEP : PCL_RUN_DEAD;
        m->model[b].spin = m->model[b].spin_next = PCL_NONE;
        m->task[b].mm = m->task[b].watchers = m->task[b].watching = PCL_NONE;
        m->task[b].is_irq = irq;
        m->task[b].mark = irq ? PCL_MARK_ATOMIC : PCL_MARK_USER;
        m->task[b].cpu = (uint16_t)(irq ? b - m->n_tasks : b % m->n_cpus);
    }
}

void pcl_machine_init(struct pcl_machine *m, const struct pcl_machine_conf *conf,
                      struct pcl_state *state)
{
    int64_t cpus = pcl_profile_cpus(conf->profile);

    *m = (struct pcl_machine){.p = conf->profile,
                              .step = conf->step,
                              .owner = conf->owner,
                              .n_tasks = conf->n_tasks,
                              .explore = conf->explore,
                              .seed = conf->seed,
                              .replication = conf->replication,
                              .state = state,
                              .cur = PCL_NONE,
                              .free_work = PCL_NONE};
    if (conf->cpus > 0 && (cpus == 0 || conf->cpus < cpus))
        cpus = conf->cpus;
    m->ideal = cpus == 0 || conf->profile->sched == PCL_SCHED_IDEAL || conf->explore;
    m->n_cpus = m->ideal ? 1 : (uint32_t)cpus;
    m->n_bodies = m->n_tasks + m->n_cpus;
    pcl_engine_init(&m->eng, m->n_bodies + m->n_cpus + 1,
                    pcl_stream(conf->seed, conf->replication, 0, PCL_DRAW_RANK));
    m->eng.run_ahead = conf->run_ahead;
    m->cpu = pcl_xcalloc(m->n_cpus, sizeof(*m->cpu));
    for (uint32_t c = 0; c < m->n_cpus; c++) {
        m->cpu[c].curr = m->cpu[c].last_mm = PCL_NONE;
        m->cpu[c].irq_head = m->cpu[c].irq_tail = PCL_NONE;
    }
    init_bodies(m);
    pcl_sched_init(m);
    pcl_lines_init(m);
    pcl_device_init(m);
    if (state) {
        pcl_state_register(state, (void **)&m->model, sizeof(*m->model), &m->n_bodies);
        pcl_state_register(state, (void **)&m->spin, sizeof(*m->spin), &m->n_spins);
        pcl_irq_register(m);
    }
}

void pcl_machine_fini(struct pcl_machine *m)
{
    pcl_device_fini(m);
    pcl_irq_fini(m);
    pcl_lines_fini(m);
    pcl_sched_fini(m);
    free(m->cpu);
    free(m->model);
    free(m->task);
    free(m->spin);
    free(m->spin_kind);
    pcl_engine_fini(&m->eng);
}

void pcl_task_start(struct pcl_machine *m, uint32_t task, pcl_ns t)
{
    m->model[task].run = m->explore ? PCL_RUN_RUNNABLE : PCL_RUN_ASLEEP;
    m->model[task].state = m->explore ? PCL_TASK_RUNNING : PCL_TASK_UNINTERRUPTIBLE;
    m->task[task].since = t;
    if (!m->explore)
        pcl_event_set(&m->eng, task, t);
}

/* --- the ends of micro-steps --------------------------------------------------------------- */

void pcl_schedule(struct pcl_machine *m)
{
    if (m->model[m->cur].state == PCL_TASK_RUNNING)
        return; /* woken before it slept */
    m->disp = DISP_SLEEP;
    if (m->explore)
        m->model[m->cur].run = PCL_RUN_ASLEEP;
}

void pcl_sleep_until(struct pcl_machine *m, pcl_ns t)
{
    if (m->explore)
        return;
    m->model[m->cur].state = PCL_TASK_UNINTERRUPTIBLE;
    m->disp = DISP_TIMED;
    m->disp_until = t;
}

void pcl_exit(struct pcl_machine *m)
{
    m->disp = DISP_EXIT;
    if (m->explore)
        m->model[m->cur].run = PCL_RUN_DEAD;
}

bool pcl_wake(struct pcl_machine *m, uint32_t task)
{
    struct pcl_task_model *t = &m->model[task];

    m->wakes++;
    pcl_touch(m, PCL_LINE(TASK, task));
    if (m->has_lines)
        pcl_rmw_slow(m, PCL_LINE(TASK, task));
    if (t->run != PCL_RUN_ASLEEP)
        m->task[task].chosen = 0;
    if (t->state == PCL_TASK_RUNNING)
        return false;
    t->state = PCL_TASK_RUNNING;
    if (t->run != PCL_RUN_ASLEEP)
        return true; /* on its way into schedule(), which will return at once */
    t->run = PCL_RUN_RUNNABLE;
    if (m->explore)
        return true;
    pcl_observe(&m->eng, PCL_SEEN_WOKEN, task, m->cur);
    pcl_burn(m, m->p->wake_call + (m->has_lines ? m->p->rmw : 0));
    pcl_event_cancel(&m->eng, task);
    pcl_ns done = pcl_sched_wake(m, task, m->at, m->cur_cpu);

    pcl_line_waited(m, done - m->at);
    m->at = done;
    return true;
}

bool pcl_expired(struct pcl_machine *m, uint32_t task, pcl_ns limit)
{
    if (m->explore) {
        m->asked = true;
        return m->model[m->cur].choice;
    }
    return m->eng.now - m->task[task].stamp >= limit;
}

pcl_ns pcl_jiffies(const struct pcl_machine *m, pcl_ns at_least)
{
    if (m->p->hz == 0)
        return at_least;
    pcl_ns tick = 1000000000 / m->p->hz;

    return (at_least + tick - 1) / tick * tick;
}

void pcl_shootdown(struct pcl_machine *m, uint32_t mm, uint64_t pages)
{
    const struct pcl_profile *p = m->p;
    uint32_t n = 0;
    enum {
        FULL_FLUSH = 33 /* tlb_single_page_flush_ceiling */
    };

    pcl_burn(m, p->tlb_flush * (pcl_ns)(pages > FULL_FLUSH ? 1 : pages));
    if (m->explore || m->ideal || mm == PCL_NONE)
        return;
    for (uint32_t c = 0; c < m->n_cpus; c++) {
        if (c == m->cur_cpu || m->cpu[c].curr == PCL_NONE || m->cpu[c].last_mm != mm)
            continue;
        pcl_sched_steal(m, c, p->ipi_handler);
        n++;
    }
    m->ipis += n;
    if (n)
        pcl_burn(m, p->ipi + p->ipi_per_cpu * (n - 1));
}

/* --- the loop ------------------------------------------------------------------------------ */

static void account(struct pcl_machine *m, uint32_t b)
{
    pcl_ns spent = m->at - m->eng.now - (m->cause_ns[PCL_T_LINE] - m->lines_before);

    if (is_irq(m, b)) /* booked at its end, as far as it stopped a task */
        m->cause_ns[PCL_T_LINE] = m->lines_before;
    else
        m->cause_ns[m->task[b].mark == PCL_MARK_USER ? PCL_T_USER : PCL_T_KERNEL] += spent;
}

/* The body stops being current, to sleep or for good. */
static void leave_cpu(struct pcl_machine *m, uint32_t b)
{
    m->task[b].since = m->at;
    now_asleep(m, m->at);
    if (m->ideal) {
        m->task[b].on_cpu = false;
        m->task[b].voluntary++;
        pcl_watch_owner_off(m, b);
        return;
    }
    pcl_sched_leave(m, m->task[b].cpu, m->at);
}

/* Does what the end of a micro-step asks for; true when the body may run ahead at m->at. */
static bool dispose(struct pcl_machine *m, uint32_t b)
{
    switch ((enum pcl_disposition)m->disp) {
    case DISP_RUN:
        if (!m->stop && pcl_event_ahead(&m->eng, b, m->at))
            return true;
        pcl_event_set(&m->eng, b, m->at);
        return false;
    case DISP_SPIN:
        return false;
    case DISP_WATCH:
        pcl_event_set(&m->eng, b, m->disp_until); /* PCL_NS_MAX: none */
        return false;
    case DISP_SLEEP:
        m->model[b].run = PCL_RUN_ASLEEP;
        leave_cpu(m, b);
        return false;
    case DISP_TIMED:
        m->model[b].run = PCL_RUN_ASLEEP;
        leave_cpu(m, b);
        pcl_event_set(&m->eng, b, m->disp_until > m->at ? m->disp_until : m->at);
        return false;
    case DISP_EXIT:
        m->model[b].run = PCL_RUN_DEAD;
        leave_cpu(m, b);
        return false;
    case DISP_IRQ_END:
        m->model[b].run = PCL_RUN_ASLEEP;
        pcl_irq_end(m, b - m->n_tasks);
        return false;
    }
    return false;
}

/* Between two micro-steps: interrupts that waited, and whoever wants the CPU. True when the body
 * must not go on now. */
static bool held_up(struct pcl_machine *m, uint32_t b)
{
    struct pcl_cpu *c = cpu_of(m, b);

    if (is_irq(m, b) || (c->irq_head == PCL_NONE && !c->need_resched))
        return false;
    if (c->irq_head != PCL_NONE && pcl_irq_start(m, m->task[b].cpu))
        return true; /* its event is set when the interrupt is over */
    if (c->need_resched && pcl_sched_may_preempt(m, b, false)) {
        pcl_sched_preempt(m, m->task[b].cpu, m->eng.now);
        return c->curr != b;
    }
    return false;
}

static void run_body(struct pcl_machine *m, uint32_t b)
{
    for (;;) {
        if (!m->ideal && held_up(m, b))
            return;
        m->lines_before = m->cause_ns[PCL_T_LINE];
        m->cur = b;
        m->cur_cpu = m->task[b].cpu;
        m->at = m->eng.now;
        m->disp = DISP_RUN;
        if (m->task[b].arriving) {
            pcl_sched_arrive(m);
        } else {
            m->steps++;
            m->step(m, b);
        }
        account(m, b);
        bool ahead = dispose(m, b);

        m->cur = PCL_NONE;
        if (!ahead)
            return;
        m->eng.now = m->at;
        m->eng.ahead++;
        if (m->eng.ahead % PCL_LOOK_EVERY == 0) {
            pcl_event_set(&m->eng, b, m->eng.now);
            return;
        }
    }
}

/* An event of a body that sleeps is its timer; of one that watches, the watch's limit. */
static void body_event(struct pcl_machine *m, uint32_t b)
{
    struct pcl_task_model *mod = &m->model[b];

    if (mod->run == PCL_RUN_WATCHING) {
        pcl_watch_end(m, b, m->eng.now);
        return;
    }
    if (mod->run == PCL_RUN_ASLEEP && !is_irq(m, b)) {
        mod->run = PCL_RUN_RUNNABLE;
        mod->state = PCL_TASK_RUNNING;
        if (!m->ideal) {
            (void)pcl_sched_wake(m, b, m->eng.now, m->task[b].cpu);
            return;
        }
        m->cause_ns[PCL_T_SLEEP] += m->eng.now - m->task[b].since;
        m->task[b].on_cpu = true;
        now_awake(m, m->eng.now);
    }
    run_body(m, b);
}

/* More steps at one instant than any start of so many tasks takes: where nothing costs anything a
 * closed loop without think time goes round for ever. */
static uint64_t standstill(const struct pcl_machine *m)
{
    return (UINT64_C(1) << 24) + 1024 * (uint64_t)m->n_bodies;
}

/* What the host has done so far: leaps are one step. */
static uint64_t work_done(const struct pcl_machine *m)
{
    return m->steps - m->leapt + m->eng.events;
}

int pcl_machine_run(struct pcl_machine *m, pcl_ns limit, const volatile int *cancel)
{
    uint64_t looked = work_done(m), since = looked;
    pcl_ns now = m->eng.now;

    m->limit = limit;
    while (!m->stop) {
        uint32_t e = pcl_event_take(&m->eng, limit);

        if (e == PCL_NONE)
            break;
        if (e < m->n_bodies)
            body_event(m, e);
        else if (e < m->n_bodies + m->n_cpus)
            pcl_sched_tick(m, e - m->n_bodies);
        else
            pcl_device_event(m);
        if (work_done(m) - looked >= PCL_LOOK_EVERY) {
            looked = work_done(m);
            if (cancel && *cancel)
                return PCL_EINTR;
            if (m->eng.now != now) {
                now = m->eng.now;
                since = looked;
            } else if (looked - since > standstill(m)) {
                return PCL_EFAIL;
            }
        }
    }
    return cancel && *cancel ? PCL_EINTR : PCL_OK;
}

/* --- the explorer's hand ------------------------------------------------------------------- */

void pcl_machine_step(struct pcl_machine *m, uint32_t b)
{
    m->cur = b;
    m->cur_cpu = m->task[b].cpu;
    m->at = m->eng.now;
    m->disp = DISP_RUN;
    m->n_access = 0;
    m->asked = false;
    m->model[b].run = PCL_RUN_RUNNABLE;
    m->steps++;
    m->step(m, b);
    if (m->disp == DISP_IRQ_END)
        m->model[b].run = PCL_RUN_ASLEEP;
    m->model[b].choice = 0;
    m->model[b].may_end &= m->model[b].run == PCL_RUN_WATCHING;
    m->cur = PCL_NONE;
}

bool pcl_machine_can_step(const struct pcl_machine *m, uint32_t b)
{
    const struct pcl_task_model *mod = &m->model[b];

    if (is_irq(m, b))
        return mod->run == PCL_RUN_RUNNABLE ||
               (mod->run == PCL_RUN_ASLEEP && m->cpu[b - m->n_tasks].irq_head != PCL_NONE);
    return mod->run == PCL_RUN_RUNNABLE ||
           (mod->run == PCL_RUN_WATCHING && mod->may_end);
}
