/*
 * A script's word is one lock operation, carried out micro-step by micro-step, or one step of
 * its own. After each micro-step of the timed machine the rig checks: nobody holds what
 * conflicts with another's hold, the lock's validator agrees, sleepers of a FIFO lock were
 * served in order. The explorer gets the first two as its check.
 */
#include "rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct pcl_lock_entry *rig_lock(const char *name)
{
    for (size_t i = 0; i < pcl_n_locks; i++) {
        const struct pcl_lock_entry *e = &pcl_lock_list[i];

        if (strcmp(e->kind == PCL_LOCK_PAGE ? e->page->name : e->range->name, name) == 0)
            return e;
    }
    fail_msg("no lock named %s", name);
    return NULL;
}

unsigned rig_props(const struct pcl_lock_entry *e)
{
    return e->kind == PCL_LOCK_PAGE ? e->page->props : e->range->props;
}

const struct pcl_lock_param_info *rig_params(const struct pcl_lock_entry *e)
{
    return e->kind == PCL_LOCK_PAGE ? e->page->params : e->range->params;
}

void rig_small_machine(struct pcl_profile *p, int64_t cpus)
{
    pcl_profile_ideal(p);
    (void)snprintf(p->name, sizeof p->name, "small-%d", (int)cpus);
    p->cpus_per_llc = cpus < 4 ? cpus : 4;
    p->sockets = cpus / p->cpus_per_llc;
    p->llc_bytes = 1 << 20;
    p->hz = 250;
    p->preempt = PCL_PREEMPT_VOLUNTARY;
    p->sched = PCL_SCHED_CFS;
    p->l1_hit = 1;
    p->rmw = 5;
    p->line_llc = 20;
    p->line_socket = 80;
    p->line_remote = 150;
    p->dram = 100;
    p->spin_handoff = 20;
    p->ctx_switch = 1200;
    p->wake_call = 700;
    p->wake_idle_shallow = 3000;
    p->wake_idle_deep = 50000;
    p->idle_deep_after = 500000;
    p->tick_cost = 1000;
    p->slice = 3000000;
    p->wake_gran = 1000000;
    p->sleeper_credit = 3000000;
    p->migrate = 2000;
    p->irq_entry = 300;
    p->node_visit = 8;
    p->list_visit = 4;
}

/* --- what must hold --------------------------------------------------------------------------
 */

static bool clash(const struct rig *r, const struct rig_hold *a, const struct rig_hold *b)
{
    if (!a->held || !b->held || a->object != b->object)
        return false;
    if (a->mode == PCL_SHARED && b->mode == PCL_SHARED && (r->props & PCL_PROP_SHARED))
        return (r->props & PCL_PROP_CLASSES) && a->class != b->class;
    if (r->kind == PCL_LOCK_PAGE)
        return true;
    return !(r->props & (PCL_PROP_EXACT | PCL_PROP_COARSE)) || (a->start <= b->last && b->start <= a->last);
}

static bool exclusion(const struct rig *r, const char **why)
{
    *why = "two tasks hold what only one may hold";
    if (r->props & PCL_PROP_NULL)
        return true;
    for (uint32_t i = 0; i < r->n_tasks * RIG_SLOTS; i++)
        for (uint32_t k = 0; k < i; k++)
            if (clash(r, &r->actor[i / RIG_SLOTS].hold[i % RIG_SLOTS],
                      &r->actor[k / RIG_SLOTS].hold[k % RIG_SLOTS]))
                return false;
    return true;
}

/* When everybody has ended nothing is left behind. */
static bool nothing_left(const struct rig *r, const char **why)
{
    for (uint32_t b = 0; b < r->n_tasks; b++)
        if (r->m.model[b].run != PCL_RUN_DEAD)
            return true;
    *why = "the end leaves a lock held";
    if (r->kind == PCL_LOCK_PAGE) {
        for (uint32_t f = 0; f < r->n_folios; f++)
            if (pcl_page_taken(&r->L, f, PCL_PG_LOCKED))
                return false;
        *why = "the end leaves a waiter queued";
        for (uint32_t w = 0; w < r->L.n_waiters; w++)
            if (r->L.waiter[w].queued)
                return false;
        return true;
    }
    for (uint32_t i = 0; i < r->R.n_nodes; i++)
        if (r->R.node[i].used)
            return false;
    *why = "the end leaves a page locked";
    for (uint32_t f = 0; f < r->n_folios; f++)
        if (r->flags[f] & PCL_PG_LOCKED)
            return false;
    for (uint32_t f = 0; f < r->pages.n_holds; f++)
        if (r->pages.hold[f].owner)
            return false;
    return true;
}

static bool in_order(void *arg, const char **why)
{
    const struct rig *r = arg;

    if (!exclusion(r, why))
        return false;
    if (r->kind == PCL_LOCK_PAGE) {
        if (!r->L.ops->validate(&r->L, why))
            return false;
    } else {
        for (uint32_t i = 0; i < r->R.n_inst; i++)
            if (!r->R.ops->validate(&r->R, i, why))
                return false;
    }
    return nothing_left(r, why);
}

/* Is body b in a queue, waiting to be served? */
static bool waits(const struct rig *r, uint32_t b)
{
    if (!r->actor[b].busy)
        return false;
    if (r->kind == PCL_LOCK_PAGE)
        return r->L.waiter[b].queued && !(r->L.waiter[b].flags & PCL_W_WOKEN);
    const struct pcl_range_op *op = &r->R.op[b];

    return op->what == PCL_RANGE_ACQUIRE && op->contended && r->R.node[op->node].used &&
           !r->R.node[op->node].held;
}

static bool compete(const struct rig *r, uint32_t a, uint32_t b)
{
    if (r->kind == PCL_LOCK_PAGE)
        return r->L.waiter[a].folio == r->L.waiter[b].folio &&
               r->L.waiter[a].bit == r->L.waiter[b].bit;
    const struct pcl_range_node *x = &r->R.node[r->R.op[a].node],
                                *y = &r->R.node[r->R.op[b].node];

    return x->inst == y->inst && pcl_range_conflict(x, y);
}

/* Sleepers of a FIFO lock: whoever has just been served had nobody before it. A killed one
 * leaves without being served. */
static void watch_order(struct rig *r)
{
    for (uint32_t b = 0; b < r->n_tasks; b++) {
        bool now = waits(r, b), before = r->looked_waiting[b];

        r->looked_waiting[b] = now;
        if (now && !before)
            r->arrival[b] = ++r->n_arrivals;
        if (now || !before)
            continue;
        bool served = r->kind == PCL_LOCK_RANGE ? r->R.node[r->R.op[b].node].held
                      : r->actor[b].busy        ? (r->L.waiter[b].flags & PCL_W_WOKEN) != 0
                                                : r->L.op[b].result == PCL_PAGE_GOT;

        for (uint32_t o = 0; o < r->n_tasks && served; o++)
            if (r->looked_waiting[o] && waits(r, o) && r->arrival[o] < r->arrival[b] &&
                compete(r, o, b) && !r->why) {
                r->why = "a sleeper was served before an earlier one";
                r->why_at = r->m.eng.now;
            }
    }
}

static void look(struct rig *r)
{
    const char *why;

    if (!in_order(r, &why) && !r->why) {
        r->why = why;
        r->why_at = r->m.eng.now;
    }
    if (r->props & PCL_PROP_FIFO)
        watch_order(r);
    if (r->why)
        r->m.stop = true;
}

/* --- scripts ---------------------------------------------------------------------------------
 */

static void note(struct rig *r, uint32_t body, uint32_t object, enum pcl_transition what)
{
    pcl_transition(&r->m.eng, what, body, object);
    if (r->m.explore)
        return;
    if (r->n_log == r->cap_log) {
        r->cap_log = r->cap_log ? r->cap_log * 2 : 256;
        r->log = pcl_xrealloc(r->log, r->cap_log, sizeof *r->log);
    }
    r->log[r->n_log++] = (struct rig_event){r->m.eng.now, body, object, what};
}

static bool shares_page(unsigned what)
{
    return what == PCL_PAGE_LOCK_SHARED || what == PCL_PAGE_TRYLOCK_SHARED;
}

static void begin(struct rig *r, struct rig_actor *a, const struct rig_op *op)
{
    struct rig_hold *h = &a->hold[op->slot];

    a->busy = true;
    if (op->act == RIG_TAKE) {
        *h = (struct rig_hold){.start = op->start,
                               .last = op->last,
                               .object = op->object,
                               .mode = (uint8_t)op->mode,
                               .class = (uint8_t)op->class};
        if (r->kind == PCL_LOCK_PAGE) {
            h->mode = shares_page(op->what) ? PCL_SHARED : PCL_EXCLUSIVE;
            pcl_page_begin(&r->L, op->what, op->object, op->bit ? op->bit : PCL_PG_LOCKED,
                           op->killable);
        } else {
            h->node = pcl_range_begin(&r->R, op->what, op->object, op->mode, op->start,
                                      op->last, op->killable);
            r->R.node[h->node].class = h->class;
        }
        return;
    }
    if (op->act == RIG_CLEAR) {
        pcl_page_begin(&r->L, PCL_PAGE_UNLOCK, op->object, PCL_PG_WRITEBACK, false);
        return;
    }
    if (op->act == RIG_DROP) /* from here on the lock may let others in */
        h->held = false;
    else
        h->mode = PCL_SHARED;
    if (r->kind == PCL_LOCK_PAGE)
        pcl_page_begin(&r->L,
                       h->mode == PCL_SHARED ? PCL_PAGE_UNLOCK_SHARED : PCL_PAGE_UNLOCK,
                       h->object, PCL_PG_LOCKED, false);
    else
        pcl_range_begin_release(
            &r->R, op->act == RIG_DROP ? PCL_RANGE_RELEASE : PCL_RANGE_DOWNGRADE, h->node);
}

static bool owns_page(unsigned what)
{
    return what == PCL_PAGE_LOCK || what == PCL_PAGE_TRYLOCK || shares_page(what);
}

/* A take is over: on to the next word, or past the slot's release. */
static void taken(struct rig *r, uint32_t body, struct rig_actor *a, const struct rig_op *op)
{
    unsigned result = r->kind == PCL_LOCK_PAGE ? r->L.op[body].result : r->R.op[body].result;
    bool owns = r->kind == PCL_LOCK_RANGE || owns_page(op->what);

    if (result == 0) {
        a->hold[op->slot].held = owns;
        r->granted++;
        note(r, body, op->object, PCL_TR_GRANT);
        a->at++;
        return;
    }
    r->busy += result == 1;
    r->killed += result == 2;
    r->m.model[body].killed = false; /* the signal has been dealt with */
    while (owns &&
           (r->script[body][a->at].act != RIG_DROP || r->script[body][a->at].slot != op->slot))
        a->at++;
    a->at++;
}

static void lock_step(struct rig *r, uint32_t body, struct rig_actor *a,
                      const struct rig_op *op)
{
    if (!a->busy)
        begin(r, a, op);
    if ((r->kind == PCL_LOCK_PAGE ? pcl_page_step(&r->L) : pcl_range_step(&r->R)) == PCL_MORE)
        return;
    a->busy = false;
    if (op->act == RIG_TAKE) {
        taken(r, body, a, op);
        return;
    }
    if (op->act == RIG_DROP)
        note(r, body, a->hold[op->slot].object, PCL_TR_RELEASE);
    a->at++;
}

static void kill_task(struct rig *r, uint32_t task)
{
    struct pcl_task_model *t = &r->m.model[task];

    pcl_touch(&r->m, PCL_LINE(TASK, task));
    if (t->run == PCL_RUN_DEAD)
        return;
    t->killed = true;
    if (t->state == PCL_TASK_KILLABLE)
        pcl_wake(&r->m, task);
}

static void rig_step(struct pcl_machine *m, uint32_t body)
{
    struct rig *r = m->owner;
    struct rig_actor *a = &r->actor[body];
    const struct rig_op *op = &r->script[body][a->at];

    switch (op->act) {
    case RIG_TAKE:
    case RIG_DROP:
    case RIG_DOWNGRADE:
    case RIG_CLEAR:
        pcl_mark_set(m, PCL_MARK_KERNEL);
        lock_step(r, body, a, op);
        break;
    case RIG_BURN:
        pcl_mark_set(m, PCL_MARK_USER);
        pcl_burn(m, op->ns);
        a->at++;
        break;
    case RIG_SLEEP:
        a->at++;
        pcl_sleep_until(m, m->eng.now + op->ns);
        break;
    case RIG_KILL:
        kill_task(r, op->object);
        a->at++;
        break;
    case RIG_END:
        pcl_exit(m);
        break;
    }
    if (!m->explore && !r->blind)
        look(r);
}

/* --- set-up ----------------------------------------------------------------------------------
 */

static uint32_t pfn(void *arg, uint32_t folio)
{
    (void)arg;
    return folio * 37;
}

/* --- pages for locks that hold them */

static uint32_t next_page(void *arg, uint32_t inst, uint64_t first, uint64_t last)
{
    struct rig *r = arg;

    pcl_load(&r->m, PCL_LINE(MAPPING, inst));
    for (uint64_t p = first; p <= last && p < RIG_PAGES; p++) {
        uint32_t f = RIG_FOLIO(inst, (uint32_t)p);

        if (!(r->absent & 1u << f))
            return f;
    }
    return PCL_NONE;
}

static bool page_there(void *arg, uint32_t folio, uint32_t inst, uint64_t first, uint64_t last,
                       uint64_t *end)
{
    struct rig *r = arg;
    uint64_t page = folio % RIG_PAGES;

    pcl_load(&r->m, PCL_LINE(FOLIO, pfn(NULL, folio)));
    *end = page;
    return folio / RIG_PAGES == inst && first <= page && page <= last;
}

static void page_put(void *arg, uint32_t folio)
{
    struct rig *r = arg;

    pcl_rmw(&r->m, PCL_LINE(FOLIO, pfn(NULL, folio)));
}

static uint64_t one_page(void *arg, uint32_t folio)
{
    (void)arg, (void)folio;
    return 1;
}

/* The lock of each page is one of which no killed waiter takes a wake-up along. */
static void init_pages(struct rig *r)
{
    struct pcl_lock_choice choice = {.lock = "fifo"};
    struct pcl_err err = {0};

    if (pcl_page_locks_init(&r->L, &r->m, &choice, &r->flags, pfn, NULL, &err))
        fail_msg("%s", err.msg);
    r->pages = (struct pcl_pages){
        .lock = &r->L, .next = next_page, .there = page_there, .put = page_put,
        .pages = one_page, .arg = r};
    pcl_pages_use(&r->pages, &r->R);
}

static void init_lock(struct rig *r, const struct rig_conf *conf,
                      const struct pcl_lock_choice *choice)
{
    struct pcl_err err = {0};
    int rc;

    if (r->kind == PCL_LOCK_PAGE)
        rc = pcl_page_locks_init(&r->L, &r->m, choice, &r->flags, pfn, NULL, &err);
    else
        rc = pcl_range_locks_init(&r->R, &r->m, PCL_ROLE_IOLOCK, choice, &err);
    if (rc)
        fail_msg("%s", err.msg);
    if (conf->page_ops)
        r->L.ops = conf->page_ops;
    if (conf->range_ops)
        r->R.ops = conf->range_ops;
    if (r->props & PCL_PROP_RESIDENT)
        init_pages(r);
    if (r->kind == PCL_LOCK_RANGE)
        for (int i = 0; i < RIG_INSTANCES; i++)
            pcl_range_instance(&r->R);
}

/* Tables that grow on demand are grown before the explorer takes its first copy. */
static void warm_up(struct rig *r)
{
    r->m.cur = 0;
    for (int i = 0; i < 2; i++) {
        pcl_page_begin(&r->L, i ? PCL_PAGE_UNLOCK : PCL_PAGE_TRYLOCK, RIG_FOLIOS - 1,
                       PCL_PG_LOCKED, false);
        while (pcl_page_step(&r->L) == PCL_MORE)
            continue;
    }
    r->m.cur = PCL_NONE;
}

/* The explorer's states stay small: short tables, trees of few levels. */
static void small_tables(const struct pcl_lock_entry *e, struct pcl_lock_choice *choice)
{
    static const struct pcl_lock_param small[] = {{"words", 16}, {"unit", 50}};
    const struct pcl_lock_param_info *info = rig_params(e);

    for (; info && info->name; info++)
        for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
            if (strcmp(info->name, small[i].name) == 0)
                choice->param[choice->n_params++] = small[i];
}

void rig_init(struct rig *r, const struct rig_conf *conf)
{
    const struct pcl_lock_entry *e = rig_lock(conf->lock);
    struct pcl_lock_choice choice = {.n_params = conf->n_params};

    *r = (struct rig){.kind = e->kind, .props = rig_props(e), .n_tasks = conf->n_tasks,
                      .blind = conf->blind};
    if (conf->page_ops)
        r->props = conf->page_ops->props;
    if (conf->range_ops)
        r->props = conf->range_ops->props;
    (void)snprintf(choice.lock, sizeof choice.lock, "%s", conf->lock);
    for (unsigned i = 0; i < conf->n_params; i++)
        choice.param[i] = conf->param[i];
    if (conf->explore && !conf->n_params && e->kind == PCL_LOCK_RANGE)
        small_tables(e, &choice);
    if (conf->profile)
        r->profile = *conf->profile;
    else
        pcl_profile_ideal(&r->profile);
    pcl_state_init(&r->state);
    pcl_machine_init(&r->m,
                     &(struct pcl_machine_conf){.profile = &r->profile,
                                                .n_tasks = conf->n_tasks,
                                                .seed = conf->seed,
                                                .explore = conf->explore,
                                                .run_ahead = !conf->no_run_ahead,
                                                .step = rig_step,
                                                .owner = r},
                     &r->state);
    r->n_folios = RIG_FOLIOS;
    r->absent = conf->absent;
    r->flags = pcl_xcalloc(r->n_folios, 1);
    r->actor = pcl_xcalloc(conf->n_tasks, sizeof *r->actor);
    r->script = conf->script;
    pcl_state_register(&r->state, (void **)&r->flags, 1, &r->n_folios);
    pcl_state_register(&r->state, (void **)&r->actor, sizeof *r->actor, &r->n_tasks);
    init_lock(r, conf, &choice);
    if ((r->kind == PCL_LOCK_PAGE || r->pages.lock) && conf->explore)
        warm_up(r);
    for (uint32_t b = 0; b < conf->n_tasks; b++)
        pcl_task_start(&r->m, b, 0);
}

void rig_fini(struct rig *r)
{
    if (r->kind == PCL_LOCK_PAGE || r->pages.lock)
        pcl_page_locks_fini(&r->L);
    if (r->kind == PCL_LOCK_RANGE)
        pcl_range_locks_fini(&r->R);
    pcl_pages_fini(&r->pages);
    pcl_machine_fini(&r->m);
    pcl_state_fini(&r->state);
    free(r->flags);
    free(r->actor);
    free(r->log);
}

const char *rig_try_run(struct rig *r)
{
    pcl_machine_run(&r->m, 3600 * (pcl_ns)1000000000, NULL);
    for (uint32_t b = 0; b < r->n_tasks && !r->why; b++)
        if (r->m.model[b].run != PCL_RUN_DEAD)
            r->why = "a task never came to its end";
    return r->why;
}

void rig_run(struct rig *r)
{
    if (rig_try_run(r))
        fail_msg("at %lld ns: %s", (long long)r->why_at, r->why);
}

pcl_ns rig_granted(const struct rig *r, uint32_t body)
{
    for (size_t i = 0; i < r->n_log; i++)
        if (r->log[i].body == body && r->log[i].what == PCL_TR_GRANT)
            return r->log[i].t;
    return -1;
}

void rig_explore(struct rig *r, uint64_t max_states, struct pcl_explore_result *result)
{
    pcl_explore(
        &(struct pcl_explore_conf){
            .m = &r->m, .check = in_order, .arg = r, .max_states = max_states},
        result);
}

void rig_explore_all(const struct rig_conf *conf)
{
    struct pcl_explore_result res;
    struct rig r;

    rig_init(&r, conf);
    rig_explore(&r, 0, &res);
    if (getenv("PCLSIM_EXPLORE_STATS"))
        print_message("%s: %llu states, %llu steps, depth %u, %llu ends\n", conf->lock,
                      (unsigned long long)res.states, (unsigned long long)res.steps, res.depth,
                      (unsigned long long)res.ends);
    if (res.verdict != PCL_EXPLORE_OK || !res.exhausted)
        fail_msg("%s: %s (%llu states), schedule %s", conf->lock,
                 res.exhausted || res.why[0] ? res.why : "not exhausted",
                 (unsigned long long)res.states, res.schedule);
    assert_true(res.ends > 0);
    pcl_explore_fini(&res);
    rig_fini(&r);
}
