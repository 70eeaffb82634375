/*
 * Waiting on the CPU: spinlocks and optimistic spinning.
 *
 * A spinlock is a qspinlock: one word that everybody takes with an atomic, then a queue in which
 * each waiter spins on its own line. The release grants it to the first waiter, one line transfer
 * and a hand-off later; nobody else's line moves. So a wait costs one event, the grant.
 *
 * A watch is the spinning of a sleeping lock: it ends by notice from whoever changed the lock,
 * when the watched owner leaves its CPU, at a limit, or when the CPU is wanted.
 */
#include "internal.h"

uint32_t pcl_spin_new(struct pcl_machine *m)
{
    if (m->n_spins == m->cap_spins) {
        m->cap_spins = m->cap_spins ? m->cap_spins * 2 : 64;
        m->spin = pcl_xrealloc(m->spin, m->cap_spins, sizeof(*m->spin));
        m->spin_kind = pcl_xrealloc(m->spin_kind, m->cap_spins, sizeof(*m->spin_kind));
    }
    m->spin_kind[m->n_spins] = PCL_SPIN_KINDS - 1;
    m->spin[m->n_spins] = (struct pcl_spin){PCL_NONE, PCL_NONE, PCL_NONE};
    return m->n_spins++;
}

void pcl_spin_kind(struct pcl_machine *m, uint32_t from, uint8_t kind)
{
    PCL_ASSERT(kind < PCL_SPIN_KINDS);
    while (from < m->n_spins)
        m->spin_kind[from++] = kind;
}

void pcl_spin_lock(struct pcl_machine *m, uint32_t spin, pcl_line line, bool irq)
{
    struct pcl_spin *s = &m->spin[spin];
    struct pcl_task_model *mod = &m->model[m->cur];

    mod->spin_depth++;
    if (irq && mod->irq_depth++ == 0)
        pcl_irqs_off(m, m->cur_cpu, m->spin_kind[spin], m->at);
    pcl_rmw(m, line);
    if (s->holder == PCL_NONE) {
        s->holder = m->cur;
        return;
    }
    PCL_ASSERT(s->holder != m->cur);
    mod->spin = spin;
    mod->spin_next = PCL_NONE;
    if (s->head == PCL_NONE)
        s->head = m->cur;
    else
        m->model[s->tail].spin_next = m->cur;
    s->tail = m->cur;
    mod->run = PCL_RUN_SPINNING;
    m->task[m->cur].since = m->at;
    m->disp = DISP_SPIN;
}

void pcl_spin_unlock(struct pcl_machine *m, uint32_t spin, pcl_line line, bool irq)
{
    struct pcl_spin *s = &m->spin[spin];
    struct pcl_task_model *mod = &m->model[m->cur];

    PCL_ASSERT(s->holder == m->cur);
    pcl_store(m, line);
    mod->spin_depth--;
    s->holder = s->head;
    if (s->head != PCL_NONE) {
        uint32_t next = s->head;
        struct pcl_task_model *n = &m->model[next];

        s->head = n->spin_next;
        n->spin = n->spin_next = PCL_NONE;
        n->run = PCL_RUN_RUNNABLE;
        if (!m->explore) {
            pcl_ns t = m->at;

            if (!m->ideal)
                t += pcl_distance(m, m->cur_cpu, m->task[next].cpu) + m->p->spin_handoff;
            if (t < m->task[next].since) /* released while its request was on the way */
                t = m->task[next].since;
            if (next < m->n_tasks) {
                m->cause_ns[PCL_T_SPIN] += t - m->task[next].since;
                m->task[next].spent[PCL_SPENT_SPIN] += t - m->task[next].since;
            }
            pcl_sched_resume(m, next, t);
        }
    }
    if (irq && --mod->irq_depth == 0)
        pcl_irqs_on(m, m->cur_cpu, m->at);
}

void pcl_watch(struct pcl_machine *m, uint32_t owner, pcl_ns limit)
{
    struct pcl_task_model *mod = &m->model[m->cur];
    struct pcl_task *t = &m->task[m->cur];

    if (m->explore) {
        mod->run = PCL_RUN_WATCHING;
        mod->may_end = limit != PCL_NS_MAX || (owner != PCL_NONE && !pcl_on_cpu(m, owner));
        return;
    }
    if (pcl_need_resched(m) || (owner != PCL_NONE && !pcl_on_cpu(m, owner)))
        return; /* there is nothing to spin for: the caller looks again */
    mod->run = PCL_RUN_WATCHING;
    t->since = m->at;
    t->watching = owner;
    if (owner != PCL_NONE) {
        t->watch_next = m->task[owner].watchers;
        m->task[owner].watchers = m->cur;
    }
    m->disp = DISP_WATCH;
    m->disp_until = limit == PCL_NS_MAX ? PCL_NS_MAX : pcl_ns_add(m->at, limit);
}

static void unlink_watcher(struct pcl_machine *m, uint32_t task)
{
    struct pcl_task *t = &m->task[task];

    if (t->watching == PCL_NONE)
        return;
    uint32_t *at = &m->task[t->watching].watchers;

    while (*at != task)
        at = &m->task[*at].watch_next;
    *at = t->watch_next;
    t->watching = PCL_NONE;
}

void pcl_watch_end(struct pcl_machine *m, uint32_t task, pcl_ns t)
{
    if (m->model[task].run != PCL_RUN_WATCHING)
        return;
    unlink_watcher(m, task);
    m->model[task].run = PCL_RUN_RUNNABLE;
    pcl_event_cancel(&m->eng, task);
    if (t < m->task[task].since)
        t = m->task[task].since;
    m->cause_ns[PCL_T_SPIN] += t - m->task[task].since;
    m->task[task].spent[PCL_SPENT_WATCH] += t - m->task[task].since;
    if (m->ideal || m->task[task].on_cpu)
        pcl_sched_resume(m, task, t);
}

void pcl_watch_owner_off(struct pcl_machine *m, uint32_t owner)
{
    while (m->task[owner].watchers != PCL_NONE)
        pcl_watch_end(m, m->task[owner].watchers, m->eng.now);
}

void pcl_notice(struct pcl_machine *m, uint32_t task)
{
    if (m->model[task].run != PCL_RUN_WATCHING)
        return;
    if (m->explore) {
        m->model[task].run = PCL_RUN_RUNNABLE;
        m->model[task].may_end = false;
        return;
    }
    pcl_ns t = m->at;

    if (!m->ideal)
        t += pcl_distance(m, m->cur_cpu, m->task[task].cpu);
    pcl_watch_end(m, task, t);
}
