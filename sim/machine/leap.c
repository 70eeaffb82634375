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
#include <stdlib.h>
#include <string.h>

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
    pcl_ns *longest = &m->irqs_off_by[m->spin_kind[l->spin]][0];

    if (l->irqs_off > m->irqs_off_max)
        m->irqs_off_max = l->irqs_off;
    if (l->irqs_off > *longest)
        *longest = l->irqs_off;
    pcl_line_touches(m, l->line, l->touches);
}

/* --- beside others that leap ----------------------------------------------------------------
 *
 * Sweeps of different files are rivals at every unit and have nothing to do with each other. Each
 * promises until when it touches nothing but its own; up to the first promise that ends, and to the
 * first event of anybody else, the order of their steps is nobody's business:
 *
 *      A   now |--u--|--u--|--u--|--u--|--u--| goes on here, by an event
 *      B     :   |--u--|--u--|--u--|--u--|--u--| and here
 *      others                                      : tick
 */

/* Its place in the list; n_promises: it has promised nothing. */
static uint32_t place_of(const struct pcl_machine *m, uint32_t body)
{
    uint32_t i = 0;

    while (i < m->n_promises && m->promise[i].body != body)
        i++;
    return i;
}

bool pcl_promised(const struct pcl_machine *m, uint32_t body)
{
    uint32_t i = place_of(m, body);

    return i < m->n_promises && m->promise[i].until > m->at;
}

static void forget_expired(struct pcl_machine *m)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->n_promises; i++)
        if (m->promise[i].until > m->eng.now)
            m->promise[n++] = m->promise[i];
    m->n_promises = n;
}

void pcl_promise(struct pcl_machine *m, pcl_ns until)
{
    uint32_t i = place_of(m, m->cur);

    if (i == m->n_promises) {
        forget_expired(m);
        i = m->n_promises;
        if (i == PCL_PROMISES)
            return;
        m->n_promises++;
    }
    m->promise[i] = (struct pcl_promise){m->cur, until};
}

void pcl_promise_break(struct pcl_machine *m, uint32_t body)
{
    uint32_t i = place_of(m, body);

    if (i < m->n_promises)
        m->promise[i] = m->promise[--m->n_promises];
}

/* The first event of a body that is neither the running one nor has promised. */
static pcl_ns first_stranger(struct pcl_machine *m)
{
    struct pcl_engine *e = &m->eng;
    pcl_ns due[PCL_PROMISES + 1], first;
    uint32_t body[PCL_PROMISES + 1], n = 0;

    body[n++] = m->cur;
    for (uint32_t i = 0; i < m->n_promises; i++)
        if (m->promise[i].body != m->cur)
            body[n++] = m->promise[i].body;
    for (uint32_t i = 0; i < n; i++) {
        due[i] = pcl_event_time(e, body[i]);
        pcl_event_cancel(e, body[i]);
    }
    first = pcl_event_next(e);
    for (uint32_t i = 0; i < n; i++)
        pcl_event_set(e, body[i], due[i]);
    return first;
}

pcl_ns pcl_leap_room_beside(struct pcl_machine *m, pcl_line line)
{
    const struct pcl_cpu *c = &m->cpu[m->cur_cpu];
    pcl_ns until;

    if (m->explore || !m->eng.run_ahead || m->stop || is_irq(m, m->cur) || c->need_resched ||
        c->irq_head != PCL_NONE || m->at != m->eng.now || !pcl_line_mine(m, line))
        return -1;
    forget_expired(m);
    if (m->n_promises < 2 || place_of(m, m->cur) == m->n_promises)
        return -1;
    until = first_stranger(m);
    until = until < m->limit ? until : m->limit;
    for (uint32_t i = 0; i < m->n_promises; i++)
        until = m->promise[i].until < until ? m->promise[i].until : until;
    return until - 1 - m->at;
}

void pcl_leap_beside(struct pcl_machine *m, const struct pcl_leap *l)
{
    pcl_ns *longest = &m->irqs_off_by[m->spin_kind[l->spin]][0];

    m->at += l->ns; /* booked at the micro-step's end */
    m->steps += l->steps - 1;
    m->leapt += l->steps - 1;
    if (l->irqs_off > m->irqs_off_max)
        m->irqs_off_max = l->irqs_off;
    if (l->irqs_off > *longest)
        *longest = l->irqs_off;
    pcl_line_touches(m, l->line, l->touches);
}

/* --- several at once ------------------------------------------------------------------------ */

static bool member(const uint32_t *body, uint32_t n, uint32_t b)
{
    for (uint32_t i = 0; i < n; i++)
        if (body[i] == b)
            return true;
    return false;
}

/* How one of them stands, relative to now; false: something about it is not of the chorus. */
static bool add_body(const struct pcl_machine *m, const struct pcl_chorus *c, uint32_t b,
                     struct pcl_fp *fp)
{
    const struct pcl_task_model *mod = &m->model[b];
    const struct pcl_task *t = &m->task[b];
    const struct pcl_cpu *cpu = &m->cpu[m->ideal ? 0 : t->cpu];
    pcl_ns now = m->eng.now, due = pcl_event_time(&m->eng, b);

    if (is_irq(m, b) || mod->killed || (mod->run == PCL_RUN_SPINNING && mod->spin != c->spin) ||
        (mod->run != PCL_RUN_SPINNING && mod->run != PCL_RUN_RUNNABLE))
        return false;
    if (!m->ideal && (!t->on_cpu || cpu->need_resched || cpu->in_irq ||
                      cpu->irq_head != PCL_NONE || cpu->blocked_until > now))
        return false;
    pcl_fp_add(fp, (uint64_t)mod->run << 32 | (uint64_t)mod->spin_depth << 16 | mod->irq_depth);
    pcl_fp_add(fp, mod->spin_next);
    pcl_fp_add(fp, b == m->cur || due == PCL_NS_MAX ? UINT64_MAX : (uint64_t)(due - now));
    pcl_fp_add(fp, (uint64_t)t->left);
    pcl_fp_add(fp, mod->run == PCL_RUN_SPINNING ? (uint64_t)(now - t->since) : 0);
    pcl_fp_add(fp, mod->irq_depth && !m->ideal ? (uint64_t)(now - cpu->irqs_off_since) : 0);
    return true;
}

bool pcl_chorus_look(const struct pcl_machine *m, const struct pcl_chorus *c, struct pcl_fp *fp)
{
    const struct pcl_spin *s = &m->spin[c->spin];
    uint16_t owner = 0;
    uint32_t pace = 0;
    pcl_ns busy = 0;

    if (m->explore || !m->eng.run_ahead || m->stop || m->ideal ||
        !pcl_line_look(m, c->line, &owner, &busy, &pace))
        return false;
    if (s->holder != PCL_NONE && !member(c->body, c->n, s->holder))
        return false;
    for (uint32_t b = s->head; b != PCL_NONE; b = m->model[b].spin_next)
        if (!member(c->body, c->n, b))
            return false;
    pcl_fp_add(fp, (uint64_t)s->holder << 32 | s->head);
    pcl_fp_add(fp, (uint64_t)owner << 32 | s->tail);
    pcl_fp_add(fp, busy > m->at ? (uint64_t)(busy - m->at) : 0);
    pcl_fp_add(fp, pace);
    pcl_fp_add(fp, m->cur);
    for (uint32_t i = 0; i < c->n; i++)
        if (!add_body(m, c, c->body[i], fp))
            return false;
    return true;
}

void pcl_chorus_tally(const struct pcl_machine *m, const struct pcl_chorus *c,
                      struct pcl_tally *t)
{
    *t = (struct pcl_tally){.at = m->eng.now,
                            .steps = m->steps,
                            .events = m->eng.events,
                            .ahead = m->eng.ahead,
                            .transfers = m->line_transfers,
                            .others = m->wakes + m->ipis + m->ticks + m->ios,
                            .stamp = pcl_lines_stamp(m),
                            .fp = pcl_fp_value(&m->eng.fp)};
    for (int i = 0; i < PCL_N_CAUSES; i++)
        t->cause_ns[i] = m->cause_ns[i];
    for (uint32_t i = 0; i < c->n; i++)
        memcpy(t->spent[i], m->task[c->body[i]].spent, sizeof(t->spent[i]));
}

pcl_ns pcl_chorus_room(struct pcl_machine *m, const struct pcl_chorus *c)
{
    pcl_ns *due = pcl_xcalloc(c->n, sizeof(*due)), first;
    struct pcl_engine *e = &m->eng;

    for (uint32_t i = 0; i < c->n; i++) {
        due[i] = pcl_event_time(e, c->body[i]);
        pcl_event_cancel(e, c->body[i]);
    }
    first = pcl_event_next(e) <= m->limit ? pcl_event_next(e) : m->limit;
    for (uint32_t i = 0; i < c->n; i++)
        pcl_event_set(e, c->body[i], due[i]);
    free(due);
    return first - e->now;
}

/* What comes next for the running body after the others' events have moved. */
static void find_rival(struct pcl_machine *m)
{
    struct pcl_engine *e = &m->eng;
    pcl_ns first = pcl_event_next(e);

    e->rival = first <= m->limit ? first : pcl_ns_add(m->limit, 1);
    e->rival_rank = 0;
}

void pcl_chorus_leap(struct pcl_machine *m, const struct pcl_chorus *c,
                     const struct pcl_tally *from, uint64_t times)
{
    struct pcl_tally to;
    pcl_ns shift;

    PCL_ASSERT(m->at == m->eng.now);
    pcl_chorus_tally(m, c, &to);
    shift = (to.at - from->at) * (pcl_ns)times;
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t b = c->body[i];
        pcl_ns due = pcl_event_time(&m->eng, b);

        if (b != m->cur && due != PCL_NS_MAX)
            pcl_event_set(&m->eng, b, due + shift);
        m->task[b].since += m->model[b].run == PCL_RUN_SPINNING ? shift : 0;
        if (m->model[b].irq_depth) {
            m->cpu[m->task[b].cpu].irqs_off_since += shift;
            m->cpu[m->task[b].cpu].off_since += shift;
        }
        for (int w = 0; w < PCL_N_SPENT; w++)
            m->task[b].spent[w] += (to.spent[i][w] - from->spent[i][w]) * (pcl_ns)times;
    }
    pcl_lines_shift(m, c->line, shift, (uint32_t)((to.stamp - from->stamp) * times));
    m->at = m->eng.now = m->at + shift;
    find_rival(m);
    m->steps += (to.steps - from->steps) * times;
    m->leapt += (to.steps - from->steps) * times;
    m->eng.events += (to.events - from->events) * times;
    m->eng.ahead += (to.ahead - from->ahead) * times;
    m->line_transfers += (to.transfers - from->transfers) * times;
    for (int i = 0; i < PCL_N_CAUSES; i++)
        m->cause_ns[i] += (to.cause_ns[i] - from->cause_ns[i]) * (pcl_ns)times;
    m->lines_before = m->cause_ns[PCL_T_LINE];
}
