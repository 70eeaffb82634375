/*
 * The price of a sweep: one task locks 2^N units of 4 KiB one after another and unlocks them again,
 * another gets in its way so many times: it locks a unit shortly ahead of the sweep and holds it
 * until the sweep sleeps for it. The host's time should follow the conflicts and not the units.
 */
#include "bench.h"

#include <stdlib.h>

#include <pclsim/locks.h>

enum {
    MAX_REPEAT = 101,
    SWEEP = 0, /* tasks */
    OTHER = 1,
    AHEAD = 1000, /* units, between the sweep and what gets in its way */
    UNIT = 4096
};

struct values {
    int64_t units, conflicts, seed, repeat;
    bool single, json;
};

struct bench {
    struct pcl_profile profile;
    struct pcl_machine m;
    struct pcl_range_locks R;
    const struct values *v;
    uint32_t phase[2], node[2];
    int64_t left;  /* conflicts to come */
    pcl_ns period; /* between two of them */
    pcl_ns hold;
};

struct measured {
    double seconds[MAX_REPEAT];
    uint64_t steps, leapt, leaps, waits, fingerprint;
    pcl_ns sim_ns;
    size_t bytes;
};

static int64_t last_byte(const struct values *v)
{
    return v->units == 51 ? PCL_OFF_MAX : ((INT64_C(1) << v->units) * UNIT) - 1;
}

static void sweep_step(struct bench *b)
{
    switch (b->phase[SWEEP]) {
    case 0:
        b->node[SWEEP] = pcl_range_begin(&b->R, PCL_RANGE_ACQUIRE, 0, PCL_EXCLUSIVE, 0,
                                         last_byte(b->v), false);
        break;
    case 2:
        pcl_transition(&b->m.eng, PCL_TR_GRANT, SWEEP, 0);
        pcl_range_begin_release(&b->R, PCL_RANGE_RELEASE, b->node[SWEEP]);
        break;
    case 4:
        pcl_transition(&b->m.eng, PCL_TR_RELEASE, SWEEP, 0);
        pcl_exit(&b->m);
        return;
    default:
        break;
    }
    b->phase[SWEEP] |= 1; /* an operation is under way */
    if (pcl_range_step(&b->R) == PCL_DONE)
        b->phase[SWEEP]++;
}

/* One unit of the way; when the sweep has come so far that there is none, the end. */
static bool next_unit(const struct bench *b, int64_t *start)
{
    uint64_t own = (uint64_t)(b->v->conflicts - b->left), unit = b->R.sweep.taken - own + AHEAD;

    *start = (int64_t)(unit * UNIT);
    return b->left > 0 && unit < (UINT64_C(1) << b->v->units) - AHEAD;
}

static void other_step(struct bench *b)
{
    int64_t start;

    switch (b->phase[OTHER]) {
    case 0:
        b->phase[OTHER] = 1;
        pcl_sleep_until(&b->m, pcl_ns_add(pcl_now(&b->m), b->period));
        return;
    case 1:
        if (!next_unit(b, &start)) {
            pcl_exit(&b->m);
            return;
        }
        b->left--;
        b->node[OTHER] = pcl_range_begin(&b->R, PCL_RANGE_ACQUIRE, 0, PCL_EXCLUSIVE, start,
                                         start, false);
        b->phase[OTHER] = 2;
        /* fall through */
    case 2:
        if (pcl_range_step(&b->R) == PCL_MORE)
            return;
        b->phase[OTHER] = 3;
        return;
    case 3:
        b->phase[OTHER] = 4;
        pcl_sleep_until(&b->m, pcl_ns_add(pcl_now(&b->m), b->hold));
        return;
    case 4:
        pcl_range_begin_release(&b->R, PCL_RANGE_RELEASE, b->node[OTHER]);
        b->phase[OTHER] = 5;
        /* fall through */
    default:
        if (pcl_range_step(&b->R) == PCL_DONE)
            b->phase[OTHER] = 0;
        return;
    }
}

static void step(struct pcl_machine *m, uint32_t body)
{
    struct bench *b = m->owner;

    pcl_mark_set(m, PCL_MARK_KERNEL);
    (body == SWEEP ? sweep_step : other_step)(b);
}

static int once(const struct values *v, struct measured *out, int64_t k)
{
    struct bench *b = pcl_xcalloc(1, sizeof(*b));
    struct pcl_lock_choice choice = {
        .lock = "unit-4k", .param = {{"leap", !v->single}}, .n_params = 1};
    struct pcl_err err = {0};
    double began = bench_seconds();
    int code = BENCH_DONE;

    pcl_profile_ideal(&b->profile); /* and a price for an index node, so that time passes */
    b->profile.node_visit = 5;
    b->profile.dram = 100;
    pcl_machine_init(&b->m,
                     &(struct pcl_machine_conf){.profile = &b->profile,
                                                .n_tasks = 2,
                                                .seed = (uint64_t)v->seed,
                                                .run_ahead = true,
                                                .step = step,
                                                .owner = b},
                     NULL);
    if (pcl_range_locks_init(&b->R, &b->m, PCL_ROLE_INVALIDATE, &choice, &err) != PCL_OK) {
        pcl_err_print(stderr, &err);
        code = BENCH_FAILED;
    }
    pcl_range_instance(&b->R);
    b->v = v;
    b->left = v->conflicts;
    b->hold = 100 * 2 * AHEAD;
    /* 25 ns a unit at least; a conflict takes the time of 2 * AHEAD units of the dearest kind */
    b->period = (pcl_ns)(25.0 * (double)(INT64_C(1) << v->units) / (double)(v->conflicts + 1));
    for (uint32_t t = 0; t < 2; t++)
        pcl_task_start(&b->m, t, 0);
    (void)pcl_machine_run(&b->m, PCL_NS_MAX - 1, NULL);
    out->seconds[k] = bench_seconds() - began;
    if (k > 0 && out->fingerprint != pcl_fp_value(&b->m.eng.fp)) {
        fprintf(stderr, "frontier: equal runs have different fingerprints\n");
        code = BENCH_BROKEN;
    }
    out->steps = b->m.steps;
    out->leapt = b->m.leapt;
    out->leaps = b->R.sweep.leaps;
    out->waits = b->R.stats.walks;
    out->fingerprint = pcl_fp_value(&b->m.eng.fp);
    out->sim_ns = b->m.eng.now;
    out->bytes = sizeof(*b->R.op) + PCL_RANGE_SLOTS * sizeof(*b->R.node) +
                 sizeof(*b->m.task) + sizeof(*b->m.model);
    pcl_range_locks_fini(&b->R);
    pcl_machine_fini(&b->m);
    free(b);
    return code;
}

static void print_json(const struct values *v, const struct measured *m, double seconds)
{
    double n = (double)(v->conflicts + 1);
    struct bench_json j;

    bench_json_begin(&j, stdout);
    bench_json_text(&j, "bench", "frontier");
    bench_json_int(&j, "log2_units", v->units);
    bench_json_int(&j, "conflicts", v->conflicts);
    bench_json_int(&j, "seed", v->seed);
    bench_json_bool(&j, "single_steps", v->single);
    bench_json_int(&j, "repeat", v->repeat);
    bench_json_real(&j, "seconds", seconds);
    bench_json_real(&j, "ops_per_s", n / seconds);
    bench_json_real(&j, "ns_per_op", seconds / n * 1e9);
    bench_json_real(&j, "micro_steps", (double)m->steps);
    bench_json_int(&j, "steps_taken", (int64_t)(m->steps - m->leapt));
    bench_json_int(&j, "leaps", (int64_t)m->leaps);
    bench_json_int(&j, "queue_walks", (int64_t)m->waits);
    bench_json_real(&j, "simulated_s", (double)m->sim_ns / 1e9);
    bench_json_int(&j, "bytes_per_task", (int64_t)m->bytes);
    bench_json_hex(&j, "fingerprint", m->fingerprint);
    bench_json_end(&j);
}

static void print_table(const struct values *v, const struct measured *m, double seconds)
{
    char sim[32];

    printf("units         2^%lld, locked and unlocked\n", (long long)v->units);
    printf("conflicts     %lld asked for, %llu wake-up walks\n", (long long)v->conflicts,
           (unsigned long long)m->waits);
    printf("host time     %.6f s (median of %lld)\n", seconds, (long long)v->repeat);
    printf("micro-steps   %.4g, of them %llu taken one by one, the rest in %llu leaps\n",
           (double)m->steps, (unsigned long long)(m->steps - m->leapt),
           (unsigned long long)m->leaps);
    printf("simulated     %s\n", pcl_format_ns(m->sim_ns, sim, sizeof(sim)));
    printf("fingerprint   %016llx\n", (unsigned long long)m->fingerprint);
}

int main(int argc, char **argv)
{
    struct values v = {.units = 51, .conflicts = 100, .seed = 1, .repeat = 5};
    const struct bench_option options[] = {
        {"units", BENCH_INT, &v.units, 12, 51, "N", "2^N units of 4 KiB; else 51, 8 EiB"},
        {"conflicts", BENCH_INT, &v.conflicts, 0, 10000000, "N",
         "times that another task gets in the way; else 100"},
        {"seed", BENCH_INT, &v.seed, 0, INT64_MAX, "N", "seed of all draws; else 1"},
        {"repeat", BENCH_INT, &v.repeat, 1, MAX_REPEAT, "N",
         "runs, all alike; the median wall time counts; else 5"},
        {"single-steps", BENCH_FLAG, &v.single, 0, 0, NULL,
         "no leaps: same fingerprint, and a time that follows the units"},
        {"json", BENCH_FLAG, &v.json, 0, 0, NULL, "print one flat JSON object"},
        {.name = NULL},
    };
    const struct bench_program program = {
        .name = "frontier",
        .summary = "Measures what a lock of 2^N units costs to simulate: with the units, and with "
                   "the\n"
                   "number of times that somebody gets in its way.",
        .options = options};
    struct measured m = {.steps = 0};
    bool help;
    int code = bench_options(&program, argc, argv, &help);

    if (code || help)
        return code;
    for (int64_t k = 0; k < v.repeat && code == BENCH_DONE; k++)
        code = once(&v, &m, k);
    if (code == BENCH_DONE)
        (v.json ? print_json : print_table)(&v, &m, bench_median(m.seconds, (size_t)v.repeat));
    return code;
}
