/*
 * Leaps. A body that runs ahead of the queue carries out its micro-steps one after another, and
 * until the first rival is due nobody can tell whether they were taken one by one or all at
 * once:
 *
 *      now                                          rival
 *       |--u--|--u--|--u--|--u--|--u--|--u--|--u--|--:--        u: equal pieces of work
 *       `------------------- leap ----------------'  by steps
 *
 * So whoever knows what many steps amount to may say so and be where they lead. What is counted
 * is counted as if they had been taken. Ticks, wake-ups, the device, other tasks and the end of
 * the run are all rivals; spinners have no event, but to be spun on, a lock must be held.
 */
#include "internal.h"

pcl_ns pcl_leap_room(const struct pcl_machine *m, pcl_line line)
{
    const struct pcl_engine *e = &m->eng;
    const struct pcl_cpu *c = &m->cpu[m->cur_cpu];
    pcl_ns until = e->rival;

    if (m->explore || !e->run_ahead || m->stop || is_irq(m, m->cur) || c->need_resched ||
        c->irq_head != PCL_NONE || !pcl_line_mine(m, line))
        return -1;
    if (!pcl_event_surely_ahead(e, m->cur, until))
        until--;
    return until - m->at;
}

void pcl_leap(struct pcl_machine *m, const struct pcl_leap *l)
{
    PCL_ASSERT(m->at == m->eng.now);
    m->at = m->eng.now = m->at + l->ns;
    m->steps += l->steps;
    m->leapt += l->steps;
    m->eng.ahead += l->steps;
    m->cause_ns[PCL_T_KERNEL] += l->ns;
    if (l->irqs_off > m->irqs_off_max)
        m->irqs_off_max = l->irqs_off;
    pcl_line_touches(m, l->line, l->touches);
}
