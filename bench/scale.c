/*
 * What size costs: N tasks, each with an event pending, on N locks of a file of N pages, in the
 * model of closed-lock. Two runs that differ in the number of acquisitions alone: their difference
 * is free of the set-up, which for a million tasks takes longer than many a run. Beside it the
 * memory of idle tasks and of cached pages, counted by the allocated sizes of the structures.
 *
 *   clean page   looked up once and let go again, in a run without a memory limit
 *   folio        the same in a run with a limit, which keeps every page in its LRU list
 */
#include "bench.h"

#include <stdlib.h>

#include <pclsim/cache.h>
#include <pclsim/run.h>

enum {
    MAX_REPEAT = 101,
    GIB64 = 16 << 20 /* pages */
};

struct values {
    int64_t size, rounds, repeat, seed;
    bool json;
};

struct run {
    double seconds;
    uint64_t acquisitions, steps, fingerprint;
    double bytes_per_task;
};

struct measured {
    double ns_per_op[MAX_REPEAT];
    uint64_t acquisitions, steps, fingerprint; /* between the two runs; of the longer one */
    double bytes_per_task, bytes_per_clean_page, bytes_per_folio, mib_of_64_gib;
};

/* --- runs ---------------------------------------------------------------------------------- */

static int run_once(const struct values *v, int64_t rounds, struct run *out,
                    struct pcl_err *err)
{
    char tasks[40], pages[40], ops[40];
    const char *set[] = {tasks, pages, ops, "warmup=0"};
    struct pcl_scenario *scenario = NULL;
    struct pcl_schemes known = {0};
    struct pcl_scheme scheme;
    struct pcl_profile machine;
    struct pcl_result r;

    (void)snprintf(tasks, sizeof(tasks), "tasks=%lld", (long long)v->size);
    (void)snprintf(pages, sizeof(pages), "locks.size=%lldk", (long long)v->size * 4);
    (void)snprintf(ops, sizeof(ops), "ops=%lld", (long long)(v->size * rounds));
    pcl_result_init(&r);
    int rc = pcl_scenario_load("closed-lock", set, 4, &scenario, err);

    if (rc == PCL_OK)
        rc = pcl_schemes_default(&known, err);
    if (rc == PCL_OK)
        rc = pcl_scheme_resolve(&known, "fifo", &scheme, err);
    if (rc == PCL_OK)
        rc = pcl_profile_load("ideal", &machine, err);
    if (rc == PCL_OK) {
        struct pcl_job job = {.scenario = scenario,
                              .scheme = &scheme,
                              .machine = &machine,
                              .seed = (uint64_t)v->seed};

        double began = bench_seconds();

        rc = pcl_run(&job, &r, NULL, err);
        *out = (struct run){.seconds = bench_seconds() - began,
                            .acquisitions = r.run_ops,
                            .steps = r.events,
                            .fingerprint = r.fingerprint,
                            .bytes_per_task = r.bytes_per_task};
    }
    pcl_result_fini(&r);
    pcl_schemes_fini(&known);
    if (scenario)
        pcl_scenario_free(scenario);
    return rc;
}

static int measure_runs(const struct values *v, struct measured *m, struct pcl_err *err)
{
    struct run brief, full;

    for (int64_t k = 0; k < v->repeat; k++) {
        int rc = run_once(v, 1, &brief, err);

        if (rc == PCL_OK)
            rc = run_once(v, 1 + v->rounds, &full, err);
        if (rc != PCL_OK)
            return rc;
        m->acquisitions = full.acquisitions - brief.acquisitions;
        m->steps = full.steps - brief.steps;
        m->ns_per_op[k] = (full.seconds - brief.seconds) / (double)m->acquisitions * 1e9;
    }
    m->fingerprint = full.fingerprint;
    m->bytes_per_task = full.bytes_per_task;
    return PCL_OK;
}

/* --- pages --------------------------------------------------------------------------------- */

static double cache_bytes(uint64_t pages, bool limit, bool touch)
{
    struct pcl_cache_conf conf = {.seed = 1,
                                  .fold = !limit,
                                  .memory_limit =
                                      limit ? (int64_t)(pages << PCL_PAGE_SHIFT) : 0};
    struct pcl_cache *c = pcl_cache_new(&conf, NULL);
    struct pcl_cache_memory mem;
    uint32_t inode = pcl_inode_new(c, (int64_t)(pages << PCL_PAGE_SHIFT));

    pcl_cache_populate(c, inode, 0, pages, 0, 0);
    for (uint64_t p = 0; p < pages && touch; p++)
        pcl_folio_put(c, pcl_cache_get(c, inode, p, NULL));
    pcl_cache_memory(c, &mem);
    pcl_cache_free(c);
    return (double)mem.host_bytes;
}

/* --- printing ------------------------------------------------------------------------------ */

static void print(const struct values *v, struct measured *m)
{
    double ns = bench_median(m->ns_per_op, (size_t)v->repeat);
    double steps = (double)m->steps / (double)m->acquisitions;
    struct bench_json j;

    if (!v->json) {
        printf("tasks, pages  %lld\n", (long long)v->size);
        printf("acquisition   %.1f ns, %.2f micro-steps, %.1f ns a micro-step\n", ns, steps,
               ns / steps);
        printf("memory        %.0f bytes a task, %.1f a clean page, %.1f a folio\n",
               m->bytes_per_task, m->bytes_per_clean_page, m->bytes_per_folio);
        printf("64 GiB cached %.3f MiB\n", m->mib_of_64_gib);
        printf("fingerprint   %016llx\n", (unsigned long long)m->fingerprint);
        return;
    }
    bench_json_begin(&j, stdout);
    bench_json_text(&j, "bench", "scale");
    bench_json_int(&j, "size", v->size);
    bench_json_int(&j, "rounds", v->rounds);
    bench_json_int(&j, "repeat", v->repeat);
    bench_json_int(&j, "seed", v->seed);
    bench_json_int(&j, "acquisitions", (int64_t)m->acquisitions);
    bench_json_real(&j, "ops_per_s", 1e9 / ns);
    bench_json_real(&j, "ns_per_op", ns);
    bench_json_real(&j, "ns_per_event", ns / steps);
    bench_json_real(&j, "bytes_per_task", m->bytes_per_task);
    bench_json_real(&j, "bytes_per_clean_page", m->bytes_per_clean_page);
    bench_json_real(&j, "bytes_per_folio", m->bytes_per_folio);
    bench_json_real(&j, "mib_of_64_gib", m->mib_of_64_gib);
    bench_json_hex(&j, "fingerprint", m->fingerprint);
    bench_json_end(&j);
}

int main(int argc, char **argv)
{
    struct values v = {.size = 1024, .rounds = 4, .repeat = 3, .seed = 1};
    const struct bench_option options[] = {
        {"size", BENCH_INT, &v.size, 1, 1 << 20, "N", "tasks, and pages; else 1024"},
        {"rounds", BENCH_INT, &v.rounds, 1, 1000000, "N",
         "acquisitions of each task that are measured; else 4"},
        {"repeat", BENCH_INT, &v.repeat, 1, MAX_REPEAT, "N",
         "measurements, the median counts; else 3"},
        {"seed", BENCH_INT, &v.seed, 0, INT64_MAX, "N", "seed of all draws; else 1"},
        {"json", BENCH_FLAG, &v.json, 0, 0, NULL, "print one flat JSON object"},
        {.name = NULL},
    };
    const struct bench_program program = {
        .name = "scale",
        .summary = "Measures what size costs: N tasks on N pages; time an event, bytes a task "
                   "and a page.",
        .options = options};
    struct measured m = {.acquisitions = 0};
    struct pcl_err err = {0};
    bool help;
    int code = bench_options(&program, argc, argv, &help);

    if (code || help)
        return code;
    if (measure_runs(&v, &m, &err) != PCL_OK) {
        pcl_err_print(stderr, &err);
        return BENCH_FAILED;
    }
    m.bytes_per_clean_page = cache_bytes((uint64_t)v.size, false, true) / (double)v.size;
    m.bytes_per_folio = cache_bytes((uint64_t)v.size, true, true) / (double)v.size;
    m.mib_of_64_gib = cache_bytes(GIB64, false, false) / (1 << 20);
    print(&v, &m);
    return BENCH_DONE;
}
