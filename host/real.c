/*
 * One real run: files, then a thread or a process for each task, all let go at once, stopped
 * after warm-up and duration. Tasks of one address space are threads of one process: the first
 * address space is this process, each other one a child, which sends its counts back through a
 * pipe.
 */
#ifndef _GNU_SOURCE
#error "CPU affinity needs _GNU_SOURCE"
#endif
#include "clock.h"
#include "real.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_TASKS 4096
#define STACK_BYTES (256 << 10)

struct real {
    const struct pcl_real_opts *o;
    struct pcl_source source;
    struct real_file *file;
    struct real_board *board;
    struct real_worker *worker; /* [n_tasks] */
    pid_t *child;               /* [n_mms], 0: none */
    int *pipe;                  /* [n_mms], reading end, -1 */
    pthread_t *thread;
    bool *threaded; /* [n_tasks] thread is to be joined */
};

double pcl_real_clock_ns(void)
{
    uint64_t t0 = host_now();

    for (int i = 0; i < 100000; i++)
        (void)host_now();
    return (double)(host_now() - t0) / 100000.0;
}

int pcl_real_can(const struct pcl_scenario *s, enum pcl_fs fs, struct pcl_err *err)
{
    uint64_t tasks = 0;

    for (size_t i = 0; i < s->n_groups; i++) {
        const struct pcl_group *g = &s->groups[i];

        tasks += g->tasks;
        for (int op = 0; op < PCL_N_OPS; op++) {
            bool used = g->weight[op] > 0;

            for (size_t k = 0; k < g->n_list; k++)
                used |= (int)g->list[k].op == op;
            if (used && real_lacks((enum pcl_op)op, fs))
                return pcl_fail(err, PCL_EINVAL, "%s cannot be done for real on %s: %s",
                                pcl_op_name((enum pcl_op)op), pcl_fs_name(fs),
                                real_lacks((enum pcl_op)op, fs));
        }
    }
    if (tasks > MAX_TASKS)
        return pcl_fail(err, PCL_EINVAL, "want at most %d tasks to be run for real, found %llu",
                        MAX_TASKS, (unsigned long long)tasks);
    if (s->duration <= 0)
        return pcl_fail(err, PCL_EINVAL,
                        "want a scenario with a duration, not with a number of "
                        "operations");
    return PCL_OK;
}

/* --- an address space
 * ------------------------------------------------------------------------------ */

static void *worker_thread(void *arg)
{
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    real_work(arg);
    return NULL;
}

static char **map_files(const struct real *r)
{
    char **map = pcl_xcalloc(r->source.n_files, sizeof(*map));

    for (uint32_t i = 0; i < r->source.n_files; i++) {
        const struct real_file *f = &r->file[i];
        void *m = MAP_FAILED;

        if (f->map_len > 0)
            m = mmap(NULL, (size_t)f->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd,
                     f->map_at);
        if (m == MAP_FAILED)
            continue;
        map[i] = m;
        (void)madvise(m, (size_t)f->map_len, MADV_RANDOM);
    }
    return map;
}

static void unmap_files(const struct real *r, char **map)
{
    for (uint32_t i = 0; i < r->source.n_files; i++)
        if (map[i])
            (void)munmap(map[i], (size_t)r->file[i].map_len);
    free(map);
}

/* Starts the threads of an address space; those that cannot be started are missed by the
 * caller. */
static void start_threads(struct real *r, uint32_t mm, char **map)
{
    pthread_attr_t attr;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (uint32_t t = 0; t < r->source.n_tasks; t++) {
        if (r->source.mm_of[t] != mm)
            continue;
        r->worker[t].map = map;
        r->threaded[t] =
            pthread_create(&r->thread[t], &attr, worker_thread, &r->worker[t]) == 0;
    }
    (void)pthread_attr_destroy(&attr);
}

static void join_threads(struct real *r, uint32_t mm)
{
    for (uint32_t t = 0; t < r->source.n_tasks; t++)
        if (r->source.mm_of[t] == mm && r->threaded[t]) {
            (void)pthread_join(r->thread[t], NULL);
            r->threaded[t] = false;
        }
}

/* --- counts through a pipe
 * --------------------------------------------------------------------------- */

static bool put(int fd, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        ssize_t k = write(fd, p, n);

        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool take(int fd, void *data, size_t n)
{
    char *p = data;

    while (n > 0) {
        ssize_t k = read(fd, p, n);

        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool put_hist(int fd, const struct pcl_hist *h)
{
    size_t n;
    void *data = pcl_hist_encode(h, &n);
    bool well = put(fd, &n, sizeof(n)) && put(fd, data, n);

    free(data);
    return well;
}

static bool take_hist(int fd, struct pcl_hist *h)
{
    size_t n;
    void *data;
    bool well;

    if (!take(fd, &n, sizeof(n)) || n > (size_t)64 << 20)
        return false;
    data = pcl_xcalloc(1, n + 1);
    well = take(fd, data, n) && pcl_hist_decode(h, data, n) == PCL_OK;
    free(data);
    return well;
}

struct counts {
    uint64_t transactions, failed;
    int error;
    enum pcl_op error_op;
};

static bool put_worker(int fd, const struct real_worker *w)
{
    struct counts c = {w->transactions, w->failed, w->error, w->error_op};
    bool well = put(fd, &c, sizeof(c)) && put_hist(fd, &w->all);

    for (int op = 0; op < PCL_N_OPS && well; op++)
        well = put_hist(fd, &w->latency[op]);
    return well;
}

static bool take_worker(int fd, struct real_worker *w)
{
    struct counts c;
    bool well = take(fd, &c, sizeof(c)) && take_hist(fd, &w->all);

    for (int op = 0; op < PCL_N_OPS && well; op++)
        well = take_hist(fd, &w->latency[op]);
    if (!well)
        return false;
    w->transactions = c.transactions;
    w->failed = c.failed;
    w->error = c.error;
    w->error_op = c.error_op;
    return true;
}

/* --- children
 * ---------------------------------------------------------------------------------------- */

static _Noreturn void live_as_child(struct real *r, uint32_t mm, int out)
{
    bool well = true;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody is left behind */
    (void)signal(SIGINT, SIG_IGN);          /* the parent says when to stop */
    (void)signal(SIGTERM, SIG_DFL);
    start_threads(r, mm, map_files(r));
    join_threads(r, mm);
    for (uint32_t t = 0; t < r->source.n_tasks && well; t++)
        if (r->source.mm_of[t] == mm)
            well = put_worker(out, &r->worker[t]);
    _exit(well ? 0 : 1);
}

static int start_child(struct real *r, uint32_t mm, struct pcl_err *err)
{
    int ends[2];

    if (pipe(ends) != 0)
        return pcl_fail(err, PCL_EIO, "pipe: %s", strerror(errno));
    r->child[mm] = fork();
    if (r->child[mm] == 0)
        live_as_child(r, mm, ends[1]);
    (void)close(ends[1]);
    r->pipe[mm] = ends[0];
    if (r->child[mm] > 0)
        return PCL_OK;
    r->child[mm] = 0;
    return pcl_fail(err, PCL_EIO, "fork: %s", strerror(errno));
}

static bool collect_child(struct real *r, uint32_t mm)
{
    bool well = true;

    for (uint32_t t = 0; t < r->source.n_tasks && well; t++)
        if (r->source.mm_of[t] == mm)
            well = take_worker(r->pipe[mm], &r->worker[t]);
    (void)waitpid(r->child[mm], NULL, 0);
    r->child[mm] = 0;
    return well;
}

/* --- the run
 * -------------------------------------------------------------------------------------------
 */

static int set_up(struct real *r, struct pcl_err *err)
{
    size_t size = (size_t)real_most_bytes(r->o->scenario);
    int rc =
        pcl_source_scenario(&r->source, r->o->scenario, r->o->seed, r->o->replication, err);
    uint32_t n = r->source.n_tasks;

    if (rc != PCL_OK)
        return rc;
    r->file = pcl_xcalloc(r->source.n_files, sizeof(*r->file));
    r->worker = pcl_xcalloc(n, sizeof(*r->worker));
    r->thread = pcl_xcalloc(n, sizeof(*r->thread));
    r->threaded = pcl_xcalloc(n, sizeof(*r->threaded));
    r->child = pcl_xcalloc(r->source.n_mms, sizeof(*r->child));
    r->pipe = pcl_xcalloc(r->source.n_mms, sizeof(*r->pipe));
    for (uint32_t i = 0; i < r->source.n_mms; i++)
        r->pipe[i] = -1;
    r->board = mmap(NULL, sizeof(*r->board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0);
    if (r->board == MAP_FAILED)
        return pcl_fail(err, PCL_EIO, "%s", strerror(errno));
    for (uint32_t t = 0; t < n; t++) {
        struct real_worker *w = &r->worker[t];

        *w = (struct real_worker){.source = &r->source,
                                  .file = r->file,
                                  .board = r->board,
                                  .task = t,
                                  .buf_size = size};
        if (posix_memalign((void **)&w->buf, 4096, size) != 0)
            return pcl_fail(err, PCL_EIO, "no memory for the buffers");
        memset(w->buf, 'w', size);
        pcl_hist_init(&w->all);
        for (int op = 0; op < PCL_N_OPS; op++)
            pcl_hist_init(&w->latency[op]);
    }
    return real_files_open(r->file, r->o, &r->source, err);
}

static void tear_down(struct real *r)
{
    for (uint32_t t = 0; r->worker && t < r->source.n_tasks; t++) {
        free(r->worker[t].buf);
        pcl_hist_fini(&r->worker[t].all);
        for (int op = 0; op < PCL_N_OPS; op++)
            pcl_hist_fini(&r->worker[t].latency[op]);
    }
    for (uint32_t i = 0; r->pipe && i < r->source.n_mms; i++)
        if (r->pipe[i] >= 0)
            (void)close(r->pipe[i]);
    if (r->board && r->board != MAP_FAILED)
        (void)munmap(r->board, sizeof(*r->board));
    free(r->file);
    free(r->worker);
    free(r->thread);
    free(r->threaded);
    free(r->child);
    free(r->pipe);
    pcl_source_fini(&r->source);
}

static bool cancelled(const struct real *r)
{
    return r->o->cancel && *r->o->cancel;
}

/* All are there, or a second has passed and they never will be. */
static bool all_ready(const struct real *r)
{
    uint64_t give_up = host_now() + UINT64_C(10000000000);

    while (atomic_load(&r->board->ready) < r->source.n_tasks) {
        struct timespec wait = {0, 200000};

        if (host_now() > give_up || cancelled(r))
            return false;
        (void)nanosleep(&wait, NULL);
    }
    return true;
}

static void let_run(struct real *r)
{
    const struct pcl_scenario *s = r->o->scenario;
    uint64_t t0 = host_now(), end = t0 + (uint64_t)s->warmup + (uint64_t)s->duration;

    atomic_store(&r->board->measure_from, t0 + (uint64_t)s->warmup);
    atomic_store(&r->board->end, end);
    atomic_store(&r->board->go, true);
    while (host_now() < end && !cancelled(r)) {
        struct timespec wait = {0, 20000000};

        (void)nanosleep(&wait, NULL);
    }
}

/* Only the first CPUs, when the scenario says so. Threads and children inherit it. */
static void confine(int64_t cpus, cpu_set_t *before)
{
    cpu_set_t set;
    int64_t n = 0;

    (void)sched_getaffinity(0, sizeof(*before), before);
    if (cpus == 0)
        return;
    CPU_ZERO(&set);
    for (size_t i = 0; i < CPU_SETSIZE && n < cpus; i++)
        if (CPU_ISSET(i, before)) {
            CPU_SET(i, &set);
            n++;
        }
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static int carry_out(struct real *r, struct pcl_err *err)
{
    char **map = NULL;
    bool well = true;
    int rc = PCL_OK;

    for (uint32_t mm = 1; mm < r->source.n_mms && rc == PCL_OK; mm++)
        rc = start_child(r, mm, err);
    if (rc == PCL_OK) {
        map = map_files(r);
        start_threads(r, 0, map);
        if (all_ready(r))
            let_run(r);
        else if (!cancelled(r))
            rc = pcl_fail(err, PCL_EIO, "the threads of the scenario could not all be started");
    }
    atomic_store(&r->board->stop, true);
    atomic_store(&r->board->go, true);
    join_threads(r, 0);
    for (uint32_t mm = 1; mm < r->source.n_mms; mm++)
        if (r->child[mm] > 0)
            well &= collect_child(r, mm);
    if (map)
        unmap_files(r, map);
    if (cancelled(r))
        return pcl_fail(err, PCL_EINTR, "interrupted");
    if (rc == PCL_OK && !well)
        return pcl_fail(err, PCL_EIO, "a process of the scenario died");
    return rc;
}

/* --- what came out
 * ------------------------------------------------------------------------------------- */

static void add_latency(struct pcl_result *out, const char *object, const struct pcl_hist *h)
{
    const struct {
        const char *name;
        double v;
    } row[] = {{"latency_mean", pcl_hist_mean(h)},
               {"latency_p50", (double)pcl_hist_quantile(h, 0.5)},
               {"latency_p99", (double)pcl_hist_quantile(h, 0.99)},
               {"latency_p999", (double)pcl_hist_quantile(h, 0.999)},
               {"latency_max", (double)h->max}};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        pcl_result_add(out, row[i].name, object, "ns", PCL_BETTER_LOWER,
                       h->count ? row[i].v : (double)NAN);
    pcl_hist_merge(pcl_result_add_hist(out, "latency", object), h);
}

static void add_op(const struct real *r, int op, double seconds, struct pcl_result *out)
{
    struct pcl_hist h;
    const char *name = pcl_op_name((enum pcl_op)op);

    pcl_hist_init(&h);
    for (uint32_t t = 0; t < r->source.n_tasks; t++)
        pcl_hist_merge(&h, &r->worker[t].latency[op]);
    if (h.count) {
        pcl_result_add(out, "throughput", name, "op/s", PCL_BETTER_HIGHER,
                       (double)h.count / seconds);
        add_latency(out, name, &h);
    }
    pcl_hist_fini(&h);
}

static int sum_up(const struct real *r, struct pcl_result *out, struct pcl_err *err)
{
    double seconds = (double)r->o->scenario->duration / 1e9;
    struct pcl_hist all;
    uint64_t n = 0, failed = 0;
    const struct real_worker *bad = NULL;

    pcl_hist_init(&all);
    for (uint32_t t = 0; t < r->source.n_tasks; t++) {
        pcl_hist_merge(&all, &r->worker[t].all);
        n += r->worker[t].transactions;
        failed += r->worker[t].failed;
        bad = r->worker[t].error && !bad ? &r->worker[t] : bad;
    }
    out->ops = n;
    out->sim_ns = r->o->scenario->duration;
    out->warmup_ns = r->o->scenario->warmup;
    out->replication = r->o->replication;
    out->seed = r->o->seed;
    (void)snprintf(out->scheme, sizeof(out->scheme), "measured");
    pcl_result_add(out, "throughput", "all", "op/s", PCL_BETTER_HIGHER, (double)n / seconds);
    add_latency(out, "all", &all);
    for (int op = 0; op < PCL_N_OPS; op++)
        add_op(r, op, seconds, out);
    if (failed)
        pcl_result_add(out, "failed_calls", strerror(bad->error), "count", PCL_BETTER_LOWER,
                       (double)failed);
    pcl_hist_fini(&all);
    if (n == 0 && failed)
        return pcl_fail(err, PCL_EIO, "%s: %s failed each time: %s", r->o->dir,
                        pcl_op_name(bad->error_op), strerror(bad->error));
    return PCL_OK;
}

int pcl_real_run(const struct pcl_real_opts *o, struct pcl_result *out, struct pcl_err *err)
{
    struct real r = {.o = o};
    cpu_set_t before;
    int rc;

    real_guard_faults();
    confine(o->scenario->cpus, &before);
    rc = set_up(&r, err);
    if (rc == PCL_OK)
        rc = carry_out(&r, err);
    if (rc == PCL_OK)
        rc = sum_up(&r, out, err);
    if (r.file)
        real_files_close(r.file, r.source.n_files);
    tear_down(&r);
    (void)sched_setaffinity(0, sizeof(before), &before);
    return rc;
}
