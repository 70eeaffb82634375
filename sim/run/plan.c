/*
 * Runs many jobs on several threads. Workers take the next job from a counter and lay their
 * results down; the calling thread picks up what lies there, all at once, so that a slow
 * consumer (a disk) sees few large helpings rather than many small ones. Nothing of a result
 * depends on the number of workers; only the order in which they arrive does.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <pclsim/run.h>

/* A finished run on its way to the calling thread. */
struct done {
    struct pcl_result result;
    size_t at;
    struct done *next;
};

struct pool {
    const struct pcl_plan *plan;
    size_t next;  /* first job that nobody has taken */
    size_t first; /* first job whose result was not laid down */
    size_t window;
    bool *laid;            /* [window], of jobs from first on, at their number modulo window */
    struct done *finished; /* newest first */
    size_t n_finished;
    unsigned working; /* workers that have not ended */
    bool stop;        /* nobody begins another run */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* for workers: there may be room */
    pthread_cond_t arrived; /* for the caller: a result, or a worker's end */
};

enum {
    AHEAD = 64, /* finished runs that may lie before an unfinished one, per worker */
    POLL_NS = 50 * 1000 * 1000
};

static bool has_room(const struct pool *p)
{
    return p->next < p->first + p->window && p->n_finished < p->window;
}

/* Marks job d->at as over and moves on to the first that is not. Locked. */
static void lay_down(struct pool *p, struct done *d)
{
    p->laid[d->at % p->window] = true;
    while (p->laid[p->first % p->window]) {
        p->laid[p->first % p->window] = false;
        p->first++;
    }
    d->next = p->finished;
    p->finished = d;
    p->n_finished++;
    pthread_cond_signal(&p->arrived);
    pthread_cond_broadcast(&p->changed);
}

static struct done *run_one(struct pool *p, size_t i)
{
    struct done *d = pcl_xcalloc(1, sizeof(*d));
    struct pcl_err err = {0};
    struct pcl_job job;
    int rc;

    d->at = i;
    pcl_result_init(&d->result);
    p->plan->job(i, &job, p->plan->arg);
    rc = pcl_run(&job, &d->result, p->plan->cancel, &err);
    if (rc == PCL_OK)
        return d;
    if (rc == PCL_EINTR) { /* not over */
        pcl_result_fini(&d->result);
        free(d);
        return NULL;
    }
    d->result.failed = true;
    d->result.code = rc;
    (void)snprintf(d->result.scheme, sizeof(d->result.scheme), "%s", job.scheme->name);
    d->result.seed = job.seed;
    d->result.replication = job.replication;
    (void)snprintf(d->result.error, sizeof(d->result.error), "%.500s", err.msg);
    return d;
}

static void *work(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct done *d;
        size_t i;

        while (p->next < p->plan->n && !has_room(p) && !p->stop)
            pthread_cond_wait(&p->changed, &p->lock);
        if (p->next >= p->plan->n || p->stop)
            break;
        i = p->next++;
        pthread_mutex_unlock(&p->lock);
        d = run_one(p, i);
        pthread_mutex_lock(&p->lock);
        if (d)
            lay_down(p, d);
    }
    p->working--;
    pthread_cond_signal(&p->arrived);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* The workers end after the runs that are under way, which look at the caller's flag too. */
static void halt(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

/* A signal sets the flag of the caller and wakes nobody, so this looks now and then. Locked. */
static void wait_a_while(struct pool *p)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += POLL_NS;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&p->arrived, &p->lock, &t);
}

/* Everything that lies there, the oldest first; waits until there is something. NULL: the
 * workers have ended. */
static struct done *pick_up(struct pool *p)
{
    struct done *all = NULL;

    pthread_mutex_lock(&p->lock);
    while (!p->finished && p->working) {
        if (p->plan->cancel && *p->plan->cancel && !p->stop) {
            p->stop = true;
            pthread_cond_broadcast(&p->changed);
        }
        wait_a_while(p);
    }
    while (p->finished) {
        struct done *d = p->finished;

        p->finished = d->next;
        d->next = all;
        all = d;
    }
    p->n_finished = 0;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return all;
}

/* Hands results over until the workers have ended; returns the first failure. */
static int deliver(struct pool *p)
{
    const struct pcl_plan *plan = p->plan;
    struct done *d;
    int rc = PCL_OK;

    while ((d = pick_up(p))) {
        while (d) {
            struct done *next = d->next;

            if (rc == PCL_OK)
                rc = plan->sink(d->at, &d->result, plan->arg);
            pcl_result_fini(&d->result);
            free(d);
            d = next;
        }
        if (rc == PCL_OK && plan->rest)
            rc = plan->rest(plan->arg);
        if (rc != PCL_OK || (plan->cancel && *plan->cancel))
            halt(p);
    }
    return rc;
}

/* Workers get no signals: those are for the thread that looks for them. */
static unsigned start(struct pool *p, pthread_t *threads, unsigned n)
{
    sigset_t all, old;
    unsigned started = 0;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_mutex_lock(&p->lock); /* the count is right before the first one ends */
    while (started < n && pthread_create(&threads[started], NULL, work, p) == 0)
        started++;
    p->working = started;
    pthread_mutex_unlock(&p->lock);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return started;
}

int pcl_run_plan(const struct pcl_plan *plan, struct pcl_err *err)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = plan->workers ? plan->workers : cpus > 0 ? (unsigned)cpus : 1, started;
    struct pool p = {.plan = plan};
    pthread_t *threads;
    int rc;

    if (workers > plan->n)
        workers = plan->n ? (unsigned)plan->n : 1;
    p.window = (size_t)AHEAD * workers;
    p.laid = pcl_xcalloc(p.window, sizeof(*p.laid));
    threads = pcl_xcalloc(workers, sizeof(*threads));
    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.changed, NULL);
    pthread_cond_init(&p.arrived, NULL);
    started = start(&p, threads, workers);
    rc = started ? deliver(&p) : pcl_fail(err, PCL_EFAIL, "cannot start a worker thread");
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (rc == PCL_OK && p.first < plan->n)
        rc = pcl_fail(err, PCL_EINTR, "interrupted");
    pthread_cond_destroy(&p.arrived);
    pthread_cond_destroy(&p.changed);
    pthread_mutex_destroy(&p.lock);
    free(threads);
    free(p.laid);
    return rc;
}
