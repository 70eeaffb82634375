/*
 * What address spaces cost: mapping and unmapping, and flushing the translations of one page
 * when one, two or all CPUs run threads of the process.
 */
#include "probe.h"

#include <stdlib.h>
#include <sys/mman.h>

#define FLUSHES 1500

struct spinner {
    const struct host *h;
    int cpu;
    _Atomic bool ready, stop;
    double *gap; /* samples, NULL: not wanted */
    int n, cap;
};

/* Keeps the process's memory in use on its CPU, and notes what is taken from it. */
static void *spin(void *arg)
{
    struct spinner *s = arg;
    uint64_t last, t;

    host_pin(s->h, s->cpu);
    atomic_store(&s->ready, true);
    last = host_now();
    while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
        t = host_now();
        if (t - last > 300 && s->n < s->cap)
            s->gap[s->n++] = (double)(t - last);
        last = t;
    }
    return NULL;
}

static void flushes(struct host *h, char *page, enum host_reading r)
{
    for (int i = 0; i < FLUSHES; i++) {
        uint64_t t0;

        *(volatile char *)page = 1;
        t0 = host_now();
        (void)madvise(page, HOST_PAGE, MADV_DONTNEED);
        host_add(h, r, (double)(host_now() - t0));
    }
}

static void with_others(struct host *h, char *page, int others, enum host_reading r)
{
    struct spinner *s = pcl_xcalloc((size_t)others, sizeof(*s));
    pthread_t *t = pcl_xcalloc((size_t)others, sizeof(*t));
    static double gap[2 * FLUSHES];
    int n = 0;

    for (; n < others; n++) {
        s[n] = (struct spinner){.h = h, .cpu = n + 1};
        if (n == 0 && r == HOST_R_unmap_2cpu) {
            s[n].gap = gap;
            s[n].cap = 2 * FLUSHES;
        }
        if (pthread_create(&t[n], NULL, spin, &s[n]) != 0)
            break;
    }
    for (int i = 0; i < n; i++)
        while (!atomic_load(&s[i].ready))
            ;
    if (n == others)
        flushes(h, page, r);
    for (int i = 0; i < n; i++) {
        atomic_store(&s[i].stop, true);
        (void)pthread_join(t[i], NULL);
    }
    for (int i = 0; n == others && i < s[0].n; i++)
        host_add(h, HOST_R_ipi_gap, s[0].gap[i]);
    free(s);
    free(t);
}

void host_probe_memory(struct host *h)
{
    char *page =
        mmap(NULL, HOST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    host_pin(h, 0);
    for (int i = 0; i < FLUSHES; i++) {
        uint64_t t0 = host_now();
        void *m = mmap(NULL, HOST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (m != MAP_FAILED)
            (void)munmap(m, HOST_PAGE);
        host_add(h, HOST_R_vma, (double)(host_now() - t0) / 2);
    }
    if (page == MAP_FAILED)
        return;
    flushes(h, page, HOST_R_unmap_1cpu);
    if (h->n_cpus > 1)
        with_others(h, page, 1, HOST_R_unmap_2cpu);
    if (h->n_cpus > 2)
        with_others(h, page, h->n_cpus - 1, HOST_R_unmap_all);
    (void)munmap(page, HOST_PAGE);
}
