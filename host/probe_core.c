/*
 * What a CPU does by itself, and a cache line between two: loads, locked adds, copies, system
 * calls, and a line that two CPUs write in turn.
 */
#include "probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BATCHES 60
#define LINE 128 /* adjacent lines come in pairs */

struct line {
    _Alignas(LINE) _Atomic uint32_t x;
};

/* BATCHES batches of n times what; a sample is a batch's mean. */
#define BATCH(h, reading, n, what)                                                             \
    do {                                                                                       \
        for (int i_ = 0; i_ < BATCHES; i_++) {                                                 \
            uint64_t t_ = host_now();                                                          \
            for (int j_ = 0; j_ < (n); j_++) {                                                 \
                what;                                                                          \
            }                                                                                  \
            host_add((h), (reading), (double)(host_now() - t_) / (n));                         \
        }                                                                                      \
    } while (0)

#define KEEP() __asm__ volatile("" ::: "memory")

/* A ring of pointers through all lines of a block, in random order: each load waits for the one
 * before. */
static void **ring(char *block, size_t bytes)
{
    size_t n = bytes / 64;
    uint32_t *order = pcl_xcalloc(n, sizeof(*order));
    uint64_t r = 88172645463325252u;

    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n - 1; i > 0; i--) {
        r ^= r << 13;
        r ^= r >> 7;
        r ^= r << 17;
        size_t j = r % (i + 1);
        uint32_t t = order[i];

        order[i] = order[j];
        order[j] = t;
    }
    for (size_t i = 0; i < n; i++) {
        void *next = block + (size_t)order[(i + 1) % n] * 64;

        memcpy(block + (size_t)order[i] * 64, &next, sizeof(next));
    }
    free(order);
    return (void **)(void *)block;
}

static void loads(struct host *h, enum host_reading reading, size_t bytes)
{
    char *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void **volatile at;

    if (block == MAP_FAILED)
        return;
    (void)madvise(block, bytes, MADV_HUGEPAGE);
    at = ring(block, bytes);
    BATCH(h, reading, 2000, at = (void **)*at);
    (void)munmap(block, bytes);
}

void host_probe_core(struct host *h)
{
    static _Alignas(64) char page[2][16 * HOST_PAGE];
    struct line own = {0};
    int k = 0;

    host_pin(h, 0);
    memset(page, 1, sizeof(page));
    BATCH(h, HOST_R_clock, 1000, (void)host_now());
    loads(h, HOST_R_l1_load, 16 << 10);
    loads(h, HOST_R_dram_load, 256u << 20);
    BATCH(h, HOST_R_atomic, 1000, atomic_fetch_add(&own.x, 1));
    BATCH(h, HOST_R_syscall, 200, (void)syscall(SYS_getppid));
    BATCH(h, HOST_R_copy_hot, 64,
          memcpy(page[0] + k % 16 * HOST_PAGE, page[1] + k % 16 * HOST_PAGE, HOST_PAGE);
          k++; KEEP());
    BATCH(h, HOST_R_zero_hot, 64, memset(page[0] + k++ % 16 * HOST_PAGE, 0, HOST_PAGE); KEEP());
}

/* --- lines between two CPUs ------------------------------------------------------------------
 */

struct pair {
    const struct host *h;
    int cpu;
    struct line ball, shared, ready;
    _Atomic bool stop;
};

static void *answer(void *arg)
{
    struct pair *p = arg;
    uint32_t want = 1;

    host_pin(p->h, p->cpu);
    while (!atomic_load_explicit(&p->stop, memory_order_relaxed))
        if (atomic_load_explicit(&p->ball.x, memory_order_acquire) == want) {
            atomic_store_explicit(&p->ball.x, want + 1, memory_order_release);
            want += 2;
        }
    return NULL;
}

static void *hammer(void *arg)
{
    struct pair *p = arg;

    host_pin(p->h, p->cpu);
    atomic_store(&p->ready.x, 1);
    while (!atomic_load_explicit(&p->stop, memory_order_relaxed))
        atomic_fetch_add(&p->shared.x, 1);
    return NULL;
}

/* One throw of the ball, there and back; false when the other has not answered for a second. */
static bool throw_ball(struct pair *p, uint32_t k)
{
    uint64_t end = 0;

    atomic_store_explicit(&p->ball.x, k, memory_order_release);
    for (unsigned spins = 1; atomic_load_explicit(&p->ball.x, memory_order_acquire) != k + 1;
         spins++)
        if (spins % 4096 == 0) {
            end = end ? end : host_now() + UINT64_C(1000000000);
            if (host_now() > end)
                return false;
        }
    return true;
}

static void transfers(struct host *h, int from, int to, enum host_reading reading)
{
    struct pair p = {.h = h, .cpu = to};
    pthread_t t;
    uint32_t k = 1;
    bool well = true;

    host_pin(h, from);
    if (pthread_create(&t, NULL, answer, &p) != 0)
        return;
    well = throw_ball(&p, k); /* it runs */
    for (int i = 0; i < 2 * BATCHES && well; i++) {
        uint64_t t0 = host_now();

        for (int j = 0; j < 100 && well; j++)
            well = throw_ball(&p, k += 2);
        if (well)
            host_add(h, reading, (double)(host_now() - t0) / 200.0);
    }
    atomic_store(&p.stop, true);
    (void)pthread_join(t, NULL);
}

static void contended(struct host *h, int from, int to)
{
    struct pair p = {.h = h, .cpu = to};
    pthread_t t;

    host_pin(h, from);
    if (pthread_create(&t, NULL, hammer, &p) != 0)
        return;
    while (!atomic_load(&p.ready.x))
        ;
    BATCH(h, HOST_R_atomic_shared, 1000, atomic_fetch_add(&p.shared.x, 1));
    atomic_store(&p.stop, true);
    (void)pthread_join(t, NULL);
}

void host_probe_lines(struct host *h)
{
    static const enum host_reading reading[] = {HOST_R_line_llc, HOST_R_line_socket,
                                                HOST_R_line_remote};
    int last = -1;

    for (int d = 0; d < 3; d++)
        if (h->pairs.a[d] >= 0) {
            transfers(h, h->pairs.a[d], h->pairs.b[d], reading[d]);
            last = d;
        }
    if (last >= 0)
        contended(h, h->pairs.a[last], h->pairs.b[last]);
    host_pin(h, 0);
}
