/*
 * Builds a simulation from a job: machine, kernel, files with what they hold at the start, tasks.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "wrong.h"

/* A violation of the running task; the steps of all who lately had to do with the page go with it. */
static struct pcl_violation *violation(struct pcl_sim *s, enum pcl_wrong what, uint32_t inode,
                                       uint64_t page)
{
    struct pcl_violation *v = pcl_result_add_violation(s->out);
    struct parties p;

    pcl_transition(&s->m.eng, PCL_TR_VIOLATION, s->m.cur, what);
    if (!v)
        return NULL;
    (void)snprintf(v->kind, sizeof(v->kind), "%s", pcl_wrong_name(what));
    v->at = s->m.eng.now;
    parties_of_page(&s->k, s->n_work, s->m.cur, inode, page, &p);
    v->steps = parties_steps(&s->k, &p, s->m.at);
    return v;
}

static void report(void *arg, const struct pcl_wrong_info *w)
{
    struct pcl_sim *s = arg;
    struct pcl_violation *v = violation(s, w->what, w->inode, w->pgoff);
    char who[48];

    if (!v)
        return;
    wrong_who(&s->k, s->n_work, s->m.cur, who, sizeof(who));
    wrong_text(w, who, v->text, sizeof(v->text));
}

void sim_starved(void *arg, const struct pcl_starved *w)
{
    struct pcl_sim *s = arg;
    struct pcl_violation *v = violation(s, PCL_WRONG_STARVED, w->inode, w->page);
    char who[48], lock[80], wait[32];

    if (!v)
        return;
    wrong_who(&s->k, s->n_work, w->task, who, sizeof(who));
    if (w->page == PCL_NO_PAGE)
        (void)snprintf(lock, sizeof(lock), "the %s of %s %u", w->lock,
                       strcmp(w->lock, "mmap") == 0 ? "address space" : "file", w->inode);
    else
        (void)snprintf(lock, sizeof(lock), "the lock of page %llu of file %u",
                       (unsigned long long)w->page, w->inode);
    (void)snprintf(v->text, sizeof(v->text), "%s %s %s for %s, passed by %llu later requests", who,
                   w->waits ? "has waited" : "waited",
                   pcl_format_ns(w->wait, wait, sizeof(wait)), lock,
                   (unsigned long long)w->passed);
}

static void set_up_files(struct pcl_sim *s)
{
    for (uint32_t i = 0; i < s->src.n_files; i++) {
        const struct pcl_source_file *f = &s->src.files[i];
        uint32_t inode = pcl_kernel_inode(&s->k, f->size, f->mapped);

        s->k.inode[inode].max_order = (unsigned)f->max_order;
        s->k.inode[inode].lock_order =
            (unsigned)(f->cached > 0 && f->order > f->max_order ? f->order : f->max_order);
        if (f->cached <= 0)
            continue;
        uint64_t first = (uint64_t)f->cached_at >> PCL_PAGE_SHIFT;
        uint64_t end = ((uint64_t)f->cached_at + (uint64_t)f->cached +
                        (uint64_t)PCL_PAGE_SIZE - 1) >> PCL_PAGE_SHIFT;

        pcl_cache_populate(s->k.cache, inode, first, end - first, (unsigned)f->order,
                           f->dirty ? PCL_FOLIO_DIRTY : 0);
        if (f->dirty)
            s->k.inode[inode].dirtied = 0;
    }
}

static int init_source(struct pcl_sim *s, struct pcl_err *err)
{
    const struct pcl_job *job = s->job;

    if (job->scenario)
        return pcl_source_scenario(&s->src, job->scenario, job->seed, job->replication, err);
    return pcl_source_replay(&s->src, job->trace, &job->replay, job->seed, job->replication, err);
}

struct pcl_span sim_span(const struct pcl_job *job)
{
    const struct pcl_scenario *sc = job->scenario;
    struct pcl_span span = {.end = PCL_NS_MAX - 1};

    if (!sc)
        return span;
    span.warmup = sc->warmup == PCL_WARMUP_AUTO ? 0 : sc->warmup;
    if (sc->duration > 0)
        span.end = pcl_ns_add(span.warmup, sc->duration);
    span.ops = (uint64_t)sc->ops;
    return span;
}

static void init_times(struct pcl_sim *s, const struct pcl_span *span)
{
    s->seen = -1;
    s->measure_from = span->warmup;
    s->end = span->end;
    s->stop_after = span->ops;
    s->warmup_found = span->found;
    if (s->job->scenario)
        pcl_windows_init(&s->windows, span->warmup);
}

int sim_init(struct pcl_sim *s, const struct pcl_job *job, const struct pcl_span *span,
             struct pcl_result *out, struct pcl_err *err)
{
    const struct pcl_scenario *sc = job->scenario;

    *s = (struct pcl_sim){.job = job, .out = out};
    int rc = init_source(s, err);

    if (rc)
        return rc;
    bool flusher = job->machine->writeback_interval > 0;
    struct pcl_machine_conf mc = {.profile = job->machine,
                                  .n_tasks = s->src.n_tasks + flusher,
                                  .cpus = sc ? sc->cpus : 0,
                                  .seed = job->seed,
                                  .replication = job->replication,
                                  .run_ahead = !job->no_runahead,
                                  .step = sim_step,
                                  .owner = s};
    struct pcl_kernel_conf kc = {.fs = sc ? sc->fs : job->replay.fs,
                                 .scheme = job->scheme,
                                 .memory_limit = sc ? sc->memory_limit : 0,
                                 .oracle = job->check || (sc && sc->expect_violations),
                                 .violation = report,
                                 .starvation = sc ? sc->starvation : 0,
                                 .starved = sim_starved,
                                 .arg = s};

    pcl_machine_init(&s->m, &mc, NULL);
    rc = pcl_kernel_init(&s->k, &s->m, &kc, err);
    if (rc)
        return rc;
    if (kc.oracle)
        pcl_last_init(&s->k);
    s->n_work = s->n_alive = s->src.n_tasks;
    s->body = pcl_xcalloc(s->n_work, sizeof(*s->body));
    for (int i = 0; i < PCL_N_OPS; i++)
        pcl_hist_init(&s->latency[i]);
    pcl_hist_init(&s->all);
    pcl_hist_init(&s->tx);
    for (uint32_t i = 0; i < s->src.n_mms; i++)
        (void)pcl_kernel_mm(&s->k);
    set_up_files(s);
    init_times(s, span);
    laws_init(s);
    for (uint32_t t = 0; t < s->n_work; t++) {
        s->m.task[t].mm = s->src.mm_of[t];
        s->body[t].arrival = s->src.start[t];
        pcl_task_start(&s->m, t, s->src.start[t]);
    }
    if (flusher) {
        s->k.flusher = s->n_work;
        pcl_task_start(&s->m, s->n_work, job->machine->writeback_interval);
    }
    return PCL_OK;
}

void sim_fini(struct pcl_sim *s)
{
    pcl_kernel_fini(&s->k);
    pcl_machine_fini(&s->m);
    pcl_source_fini(&s->src);
    free(s->body);
    for (int i = 0; i < PCL_N_OPS; i++)
        pcl_hist_fini(&s->latency[i]);
    pcl_hist_fini(&s->all);
    pcl_hist_fini(&s->tx);
    pcl_windows_fini(&s->windows);
}

/* Forgets the numbers, keeps what is: who waits and what is held now. */
static void forget(struct pcl_lock_stats *st, pcl_ns from)
{
    struct pcl_lock_stats fresh;

    pcl_lock_stats_init(&fresh);
    pcl_course_init(&fresh.line, from);
    fresh.waiters = fresh.waiters_max = st->waiters;
    fresh.held = fresh.held_max = st->held;
    fresh.overlaps = st->overlaps;
    fresh.unbalanced = st->unbalanced;
    pcl_lock_stats_fini(st);
    *st = fresh;
}

void sim_measure(struct pcl_sim *s)
{
    forget(&s->k.page.stats, s->measure_from);
    pcl_lock_notes_measure(s->k.page.notes);
    forget(&s->k.writeback_stats, s->measure_from);
    forget(&s->k.drain_stats, s->measure_from);
    forget(&s->k.entry_stats, s->measure_from);
    pcl_pages_measure(&s->k.pages);
    for (int r = 0; r < PCL_N_ROLES; r++)
        if (s->k.range[r].ops) {
            forget(&s->k.range[r].stats, s->measure_from);
            pcl_lock_notes_measure(s->k.range[r].notes);
        }
    for (uint32_t b = 0; b < s->n_work; b++) {
        s->voluntary0 += s->m.task[b].voluntary;
        s->involuntary0 += s->m.task[b].involuntary;
    }
    s->transfers0 = s->m.line_transfers;
    s->wakes0 = s->m.wakes;
    for (int c = 0; c < PCL_N_CAUSES; c++)
        s->cause0[c] = s->m.cause_ns[c];
    memset(s->m.outside, 0, sizeof(s->m.outside));
    s->k.waited = s->late = 0;
    s->m.irqs_off_max = 0;
    memset(s->m.irqs_off_by, 0, sizeof(s->m.irqs_off_by));
    s->runnable0 = pcl_runnable_area(&s->m, s->measure_from);
    /* at the very start nobody has begun */
    s->m.runnable_min = s->measure_from > 0 ? s->m.runnable : UINT32_MAX;
    s->measuring = true;
}
