/*
 * The hold model of an event queue: every entity has one pending event; take the earliest, set
 * it again one exponential later. The number pending stays the same, so a run measures one
 * size. The queue is the simulator's own (pclsim/engine.h), by the calls of the machine's loop,
 * and so are the draws.
 *
 * The draws and the loop without the queue are measured too, to be subtracted.
 */
#include "bench.h"

#include <stdlib.h>

#include <pclsim/engine.h>

enum {
    MEAN_NS = 1000000, /* mean time to the next event; long against 1 ns, so ties are rare */
    MAX_REPEAT = 101
};

struct values {
    int64_t size, ops, repeat, seed;
    bool json;
};

struct measured {
    double seconds[MAX_REPEAT], draw_seconds[MAX_REPEAT];
    uint64_t fingerprint;
};

/* Takes and sets ops times. The fingerprint is over who came when. */
static uint64_t hold(struct pcl_engine *e, struct pcl_stream s, uint64_t from, uint64_t ops)
{
    struct pcl_fp fp = {0, 0};

    for (uint64_t i = from; i < from + ops; i++) {
        uint32_t who = pcl_event_take(e, PCL_NS_MAX);

        pcl_fp_add(&fp, (uint64_t)e->now ^ (uint64_t)who << 40);
        pcl_event_set(e, who, e->now + pcl_exp_from_bits(pcl_bits(s, i, 0), MEAN_NS));
    }
    return pcl_fp_value(&fp);
}

/* The same without a queue: what the draw and the fingerprint cost by themselves. */
static uint64_t draws(struct pcl_stream s, uint64_t from, uint64_t ops)
{
    struct pcl_fp fp = {0, 0};
    uint64_t now = 0;

    for (uint64_t i = from; i < from + ops; i++) {
        pcl_fp_add(&fp, now);
        now += (uint64_t)pcl_exp_from_bits(pcl_bits(s, i, 0), MEAN_NS);
    }
    return pcl_fp_value(&fp);
}

static size_t measure(const struct values *v, struct measured *r)
{
    uint64_t size = (uint64_t)v->size, ops = (uint64_t)v->ops, seed = (uint64_t)v->seed;
    struct pcl_stream s = pcl_stream(seed, 0, 0, PCL_DRAW_THINK);
    struct pcl_engine e;
    volatile uint64_t sink = 0;
    size_t bytes;

    pcl_engine_init(&e, (uint32_t)size, pcl_stream(seed, 0, 0, PCL_DRAW_RANK));
    bytes = pcl_engine_bytes(&e);
    for (uint64_t i = 0; i < size; i++)
        pcl_event_set(&e, (uint32_t)i, pcl_exp_from_bits(pcl_bits(s, i, 1), MEAN_NS));
    hold(&e, s, 0, size); /* every event has been one of the steady state */
    for (int64_t k = 0; k < v->repeat; k++) {
        uint64_t from = size + (uint64_t)k * ops;
        double t0 = bench_seconds(), t1;

        r->fingerprint ^= hold(&e, s, from, ops);
        t1 = bench_seconds();
        sink += draws(s, from, ops);
        r->draw_seconds[k] = bench_seconds() - t1;
        r->seconds[k] = t1 - t0;
    }
    (void)sink;
    pcl_engine_fini(&e);
    return bytes;
}

static void print(const struct values *v, struct measured *r, size_t bytes)
{
    double ops = (double)v->ops;
    double ns = bench_median(r->seconds, (size_t)v->repeat) / ops * 1e9;
    double draw = bench_median(r->draw_seconds, (size_t)v->repeat) / ops * 1e9;
    double per_task = (double)bytes / (double)v->size;
    struct bench_json j;

    if (!v->json) {
        printf("pending    %lld\n", (long long)v->size);
        printf("operation  %.1f ns (take the earliest, set it again), %.2f million a second\n",
               ns, 1e3 / ns);
        printf("  of that  %.1f ns are the draw and the loop\n", draw);
        printf("memory     %.1f bytes a task\n", per_task);
        printf("fingerprint %016llx\n", (unsigned long long)r->fingerprint);
        return;
    }
    bench_json_begin(&j, stdout);
    bench_json_text(&j, "bench", "hold");
    bench_json_int(&j, "size", v->size);
    bench_json_int(&j, "ops", v->ops);
    bench_json_int(&j, "repeat", v->repeat);
    bench_json_int(&j, "seed", v->seed);
    bench_json_real(&j, "ops_per_s", 1e9 / ns);
    bench_json_real(&j, "ns_per_op", ns);
    bench_json_real(&j, "ns_per_draw", draw);
    bench_json_real(&j, "bytes_per_task", per_task);
    bench_json_hex(&j, "fingerprint", r->fingerprint);
    bench_json_end(&j);
}

int main(int argc, char **argv)
{
    struct values v = {.size = 1024, .ops = 2000000, .repeat = 5, .seed = 1};
    const struct bench_option options[] = {
        {"size", BENCH_INT, &v.size, 1, 1 << 24, "N",
         "entities, each with one pending event; else 1024"},
        {"ops", BENCH_INT, &v.ops, 1, INT64_C(1000000000), "N",
         "operations of each measurement; else 2000000"},
        {"repeat", BENCH_INT, &v.repeat, 1, MAX_REPEAT, "N",
         "measurements, the median counts; else 5"},
        {"seed", BENCH_INT, &v.seed, 0, INT64_MAX, "N", "seed of the draws; else 1"},
        {"json", BENCH_FLAG, &v.json, 0, 0, NULL, "print one flat JSON object"},
        {.name = NULL},
    };
    const struct bench_program program = {
        .name = "hold",
        .summary = "Measures the event queue: take the earliest event, set it again later.",
        .options = options};
    struct measured r = {.fingerprint = 0};
    bool help;
    int code = bench_options(&program, argc, argv, &help);

    if (code || help)
        return code;
    print(&v, &r, measure(&v, &r));
    return BENCH_DONE;
}
