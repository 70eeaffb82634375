/*
 * Interrupts: completions run as bodies of their own, one context per CPU, on top of whatever the
 * CPU does. The interrupted task keeps the rest of its step. Interrupts wait while the current
 * task has them off (the wait table's spinlocks), and every interval with interrupts off is
 * measured: the longest one is a result.
 */
#include <stdlib.h>

#include "internal.h"

void pcl_irq_fini(struct pcl_machine *m)
{
    free(m->work);
    m->work = NULL;
}

/* What interrupts are pending is model state; the explorer's machine has one CPU. */
void pcl_irq_register(struct pcl_machine *m)
{
    pcl_state_register_value(m->state, &m->n_work, sizeof(m->n_work));
    pcl_state_register_value(m->state, &m->free_work, sizeof(m->free_work));
    pcl_state_register(m->state, (void **)&m->work, sizeof(*m->work), &m->n_work);
    for (uint32_t c = 0; c < m->n_cpus; c++) {
        pcl_state_register_value(m->state, &m->cpu[c].irq_head, sizeof(m->cpu[c].irq_head));
        pcl_state_register_value(m->state, &m->cpu[c].irq_tail, sizeof(m->cpu[c].irq_tail));
    }
}

void pcl_irqs_off(struct pcl_machine *m, uint32_t cpu, uint8_t kind, pcl_ns t)
{
    struct pcl_cpu *c = &m->cpu[cpu];

    if (m->explore)
        return;
    if (!c->in_irq)
        c->irqs_off_since = t;
    else if (kind != c->off_kind)
        c->off_in_irq = 0;
    c->off_since = t;
    c->off_kind = kind;
}

/* Interrupts are off in an interrupt anyway: there, what a kind of spinlock adds to it counts. */
void pcl_irqs_on(struct pcl_machine *m, uint32_t cpu, pcl_ns t)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    pcl_ns *longest = &m->irqs_off_by[c->off_kind][c->in_irq], off = t - c->off_since;

    if (m->explore)
        return;
    if (c->in_irq)
        off = c->off_in_irq += off;
    else if (t - c->irqs_off_since > m->irqs_off_max)
        m->irqs_off_max = t - c->irqs_off_since;
    if (off > *longest)
        *longest = off;
}

static uint32_t work_new(struct pcl_machine *m)
{
    if (m->free_work != PCL_NONE) {
        uint32_t w = m->free_work;

        m->free_work = m->work[w].next;
        return w;
    }
    if (m->n_work == m->cap_work) {
        m->cap_work = m->cap_work ? m->cap_work * 2 : 16;
        m->work = pcl_xrealloc(m->work, m->cap_work, sizeof(*m->work));
    }
    return m->n_work++;
}

void pcl_irq_raise(struct pcl_machine *m, uint32_t cpu, uint32_t kind, uint64_t arg)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    uint32_t w = work_new(m);

    m->work[w] = (struct pcl_irq_work){.next = PCL_NONE, .kind = kind, .arg = arg};
    if (c->irq_head == PCL_NONE)
        c->irq_head = w;
    else
        m->work[c->irq_tail].next = w;
    c->irq_tail = w;
    pcl_irq_start(m, cpu);
}

bool pcl_irq_start(struct pcl_machine *m, uint32_t cpu)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    uint32_t body = m->n_tasks + cpu, curr = c->curr;
    pcl_ns start = m->eng.now;

    if (c->in_irq || c->irq_head == PCL_NONE)
        return false;
    if (curr != PCL_NONE) {
        if (curr == m->cur || m->model[curr].irq_depth)
            return false; /* at the end of its step, or when interrupts are on again */
        pcl_ns due = pcl_event_time(&m->eng, curr);

        /* a step under way keeps its rest; the limit of a watch stays where it is */
        if (due != PCL_NS_MAX && m->model[curr].run == PCL_RUN_RUNNABLE) {
            m->task[curr].left = due - start;
            pcl_event_cancel(&m->eng, curr);
        }
    } else if (c->blocked_until > start) {
        start = c->blocked_until; /* the last step of who ran here */
    }
    c->in_irq = true;
    c->off_in_irq = 0;
    c->irqs_off_since = c->resume_at = start;
    m->model[body].run = PCL_RUN_RUNNABLE;
    pcl_event_set(&m->eng, body, pcl_ns_add(start, m->p->irq_entry));
    return true;
}

bool pcl_irq_next(struct pcl_machine *m, uint32_t *kind, uint64_t *arg)
{
    struct pcl_cpu *c = &m->cpu[m->cur - m->n_tasks];
    uint32_t w = c->irq_head;

    if (w == PCL_NONE) {
        m->disp = DISP_IRQ_END;
        return false;
    }
    *kind = m->work[w].kind;
    *arg = m->work[w].arg;
    c->irq_head = m->work[w].next;
    m->work[w].next = m->free_work;
    m->free_work = w;
    return true;
}

/* The interrupted task gets its CPU back, unless somebody woken meanwhile wants it and the place
 * where it was stopped lets it go. */
static void go_on(struct pcl_machine *m, uint32_t cpu)
{
    struct pcl_cpu *c = &m->cpu[cpu];
    pcl_ns t = m->at > c->resume_at ? m->at : c->resume_at;

    m->cause_ns[PCL_T_KERNEL] += t - c->resume_at;
    if (c->need_resched && c->n_rq && m->task[c->curr].left > 0 &&
        pcl_sched_may_preempt(m, c->curr, true))
        pcl_sched_preempt(m, cpu, t);
    else
        pcl_sched_resume(m, c->curr, t);
}

void pcl_irq_end(struct pcl_machine *m, uint32_t cpu)
{
    struct pcl_cpu *c = &m->cpu[cpu];

    c->in_irq = false;
    if (m->at - c->irqs_off_since > m->irqs_off_max)
        m->irqs_off_max = m->at - c->irqs_off_since;
    if (c->curr == PCL_NONE) {
        if (c->idle_since < m->at)
            c->idle_since = m->at;
        return;
    }
    if (m->model[c->curr].run == PCL_RUN_WATCHING && c->need_resched)
        pcl_watch_end(m, c->curr, m->at);
    else if (m->model[c->curr].run == PCL_RUN_RUNNABLE)
        go_on(m, cpu);
}
