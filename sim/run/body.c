/*
 * A task between its operations: think, ask for the next operation, carry it through, note how long
 * it took. The machine calls sim_step() once per micro-step.
 */
#include "sim.h"

/* An open arrival is due at a fixed time: what it waits for its turn counts. */
static void think_open(struct pcl_sim *s, struct pcl_body *b)
{
    pcl_ns now = pcl_now(&s->m);

    b->arrival = pcl_ns_add(b->arrival, b->action.think);
    b->phase = BODY_THINK;
    if (b->arrival > now)
        pcl_sleep_until(&s->m, b->arrival);
}

static void fetch(struct pcl_sim *s, struct pcl_body *b)
{
    struct pcl_machine *m = &s->m;

    if (m->model[m->cur].killed || !s->src.next(&s->src, m->cur, b->i, &b->action)) {
        pcl_exit(m);
        if (--s->n_alive == 0)
            m->stop = true;
        return;
    }
    b->i++;
    pcl_mark_set(m, PCL_MARK_USER);
    if (b->action.open) {
        think_open(s, b);
        return;
    }
    b->phase = BODY_THINK;
    if (b->action.think == 0)
        return;
    if (b->action.on_cpu)
        pcl_burn(m, b->action.think);
    else
        pcl_sleep_until(m, pcl_ns_add(pcl_now(m), b->action.think));
}

static void begin(struct pcl_sim *s, struct pcl_body *b)
{
    b->called = pcl_now(&s->m);
    b->begin = b->action.open && b->action.first ? b->arrival : pcl_now(&s->m);
    if (b->action.first)
        b->tx_begin = b->begin;
    pcl_spent_begin(&s->m);
    pcl_call_begin(&s->k, &b->action.req);
    b->phase = BODY_CALL;
    if (s->laws.on)
        laws_op_begin(s);
}

static void done(struct pcl_sim *s, struct pcl_body *b)
{
    pcl_ns took = s->m.at - b->begin;
    enum pcl_op op = (enum pcl_op)b->action.req.op;

    pcl_transition(&s->m.eng, PCL_TR_DONE, s->m.cur, op);
    b->phase = BODY_NEXT;
    if (s->laws.on)
        laws_op_end(s);
    s->last_done = s->m.at;
    s->run_ops++;
    if (!s->measuring)
        return;
    s->ops++;
    s->late += b->called - b->begin;
    pcl_spent_outside(&s->m);
    pcl_hist_add(&s->latency[op], took);
    pcl_hist_add(&s->all, took);
    if (s->windows.w)
        pcl_windows_add(&s->windows, s->m.at, took, b->action.last);
    s->bytes[op] += (double)b->action.req.len;
    if (!b->action.last)
        return;
    pcl_hist_add(&s->tx, s->m.at - b->tx_begin);
    b->done++;
    s->transactions++;
    if (s->stop_after && s->transactions >= s->stop_after)
        s->m.stop = true;
}

/* Bodies that are no tasks of the workload. */
static void other_step(struct pcl_sim *s, uint32_t body)
{
    if (body >= s->m.n_tasks)
        pcl_kernel_irq_step(&s->k);
    else if (laws_stuck(s)) /* only the flusher's timer would go on, for ever */
        s->m.stop = true;
    else
        pcl_flusher_step(&s->k);
}

void sim_step(struct pcl_machine *m, uint32_t body)
{
    struct pcl_sim *s = m->owner;
    struct pcl_body *b = &s->body[body];

    if (body >= s->n_work) {
        other_step(s, body);
        return;
    }
    switch ((enum pcl_body_phase)b->phase) {
    case BODY_NEXT:
        break;
    case BODY_THINK:
        begin(s, b);
        /* fall through */
    case BODY_CALL:
        if (pcl_call_step(&s->k) == PCL_MORE)
            return;
        done(s, b);
        if (!pcl_go_on(m))
            return;
        break;
    }
    fetch(s, b);
}
