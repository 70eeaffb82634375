/*
 * Runs many jobs on several threads. Workers take the next job from a counter; results wait in
 * slots and are handed over in plan order by the calling thread, so that neither their order nor
 * their content depends on the number of workers.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <pclsim/run.h>

struct slot {
    struct pcl_result result;
    struct pcl_err err;
    int rc;
    bool done;
};

struct plan {
    const struct pcl_job *jobs;
    size_t n, next, limit; /* limit: jobs from here on wait until results were handed over */
    struct slot *slots;
    const volatile int *cancel;
    volatile int stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

enum {
    AHEAD = 64 /* finished results that may wait for an earlier one, per worker */
};

static void *work(void *arg)
{
    struct plan *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->next < p->n && p->next >= p->limit && !p->stop)
            pthread_cond_wait(&p->changed, &p->lock);
        if (p->next >= p->n || p->stop || (p->cancel && *p->cancel))
            break;
        size_t i = p->next++;
        struct slot *s = &p->slots[i];

        pthread_mutex_unlock(&p->lock);
        pcl_result_init(&s->result);
        s->rc = pcl_run(&p->jobs[i], &s->result, p->cancel, &s->err);
        pthread_mutex_lock(&p->lock);
        s->done = true;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Waits for result i; false when it will not come. */
static bool await(struct plan *p, size_t i, unsigned *running)
{
    pthread_mutex_lock(&p->lock);
    while (!p->slots[i].done && !(p->cancel && *p->cancel && p->next <= i)) {
        struct timespec t;

        (void)clock_gettime(CLOCK_REALTIME, &t);
        t.tv_sec += 1; /* the cancel flag is set by a signal, which wakes nobody */
        (void)pthread_cond_timedwait(&p->changed, &p->lock, &t);
    }
    bool done = p->slots[i].done;

    p->limit = i + 1 + (size_t)AHEAD * *running;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return done;
}

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Hands the results over in order. */
static int deliver(struct plan *p, unsigned workers,
                   int (*sink)(size_t i, struct pcl_result *r, void *arg),
                   void (*progress)(const struct pcl_progress *p, void *arg), void *arg,
                   struct pcl_err *err)
{
    double began = seconds();

    for (size_t i = 0; i < p->n; i++) {
        struct slot *s = &p->slots[i];

        if (!await(p, i, &workers))
            return pcl_fail(err, PCL_EINTR, "interrupted");
        if (s->rc) {
            if (err)
                *err = s->err;
            return s->rc;
        }
        int rc = sink(i, &s->result, arg);

        pcl_result_fini(&s->result);
        s->done = false;
        if (rc < 0)
            return rc;
        if (progress)
            progress(&(struct pcl_progress){i + 1, p->n, seconds() - began}, arg);
    }
    return PCL_OK;
}

int pcl_run_plan(const struct pcl_job *jobs, size_t n, unsigned workers,
                 int (*sink)(size_t i, struct pcl_result *r, void *arg),
                 void (*progress)(const struct pcl_progress *p, void *arg), void *arg,
                 const volatile int *cancel, struct pcl_err *err)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct plan p = {.jobs = jobs, .n = n, .cancel = cancel};

    if (workers == 0)
        workers = cpus > 0 ? (unsigned)cpus : 1;
    if (workers > n)
        workers = n ? (unsigned)n : 1;
    p.limit = (size_t)AHEAD * workers;
    p.slots = pcl_xcalloc(n ? n : 1, sizeof(*p.slots));
    pthread_t *threads = pcl_xcalloc(workers, sizeof(*threads));
    unsigned started = 0;

    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.changed, NULL);
    while (started < workers && pthread_create(&threads[started], NULL, work, &p) == 0)
        started++;
    int rc = started ? deliver(&p, started, sink, progress, arg, err)
                     : pcl_fail(err, PCL_EFAIL, "cannot start a worker thread");

    pthread_mutex_lock(&p.lock);
    p.stop = 1;
    pthread_cond_broadcast(&p.changed);
    pthread_mutex_unlock(&p.lock);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < n; i++)
        if (p.slots[i].done)
            pcl_result_fini(&p.slots[i].result);
    pthread_cond_destroy(&p.changed);
    pthread_mutex_destroy(&p.lock);
    free(threads);
    free(p.slots);
    return rc;
}
