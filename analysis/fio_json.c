/*
 * A run as fio would have reported it, so that scripts made for fio's JSON+ read simulations.
 * What a simulation has no counterpart of (disk utilisation, submission latency, times of day)
 * is there and 0.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/forms.h>

struct pcl_fio {
    json_t *jobs;
};

/* A direction of fio's, and the operations that go into it. */
static const struct {
    const char *name;
    const char *ops[3];
} directions[] = {{"read", {"read", "dread", "fault"}},
                  {"write", {"write", "dwrite", "wfault"}},
                  {"trim", {"punch", NULL, NULL}},
                  {"sync", {"fsync", NULL, NULL}}};

enum { N_DIRECTIONS = 4, SYNC = 3 };

static const double percentiles[] = {1,  5,  10, 20, 30,   40,   50,    60,   70,
                                     80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99};

static double value(const struct pcl_result *r, const char *name, const char *object)
{
    const struct pcl_metric *m = pcl_result_find(r, name, object);

    return m && isfinite(m->value) ? m->value : 0.0;
}

static const struct pcl_hist *latency(const struct pcl_result *r, const char *object)
{
    for (size_t i = 0; i < r->n_hists; i++) {
        if (strcmp(r->hists[i].name, "latency") == 0 && strcmp(r->hists[i].object, object) == 0)
            return &r->hists[i].h;
    }
    return NULL;
}

/* A run of one kind of operation has no histogram but that of all; its bandwidth says which it
 * is. */
static const struct pcl_hist *latency_of(const struct pcl_result *r, const char *op)
{
    const struct pcl_hist *h = latency(r, op);
    size_t kinds = 0;

    for (size_t i = 0; i < r->n_hists; i++)
        kinds += strcmp(r->hists[i].name, "latency") == 0;
    return !h && kinds == 1 && pcl_result_find(r, "bandwidth", op) ? latency(r, "all") : h;
}

static void set(json_t *o, const char *key, json_t *v)
{
    int rc = json_object_set_new(o, key, v);

    PCL_ASSERT(rc == 0);
}

/* fio writes whole numbers; beyond 2^53 readers of JSON would not. */
static json_t *whole(double v)
{
    return json_integer((json_int_t)(v < 9e15 ? v : 9e15));
}

static double deviation(const struct pcl_hist *h)
{
    double n = (double)h->count, mean = pcl_hist_mean(h), var;

    var = n > 1 ? (h->sum_sq - n * mean * mean) / (n - 1) : 0.0;
    return var > 0 ? sqrt(var) : 0.0;
}

static json_t *moments(const struct pcl_hist *h)
{
    json_t *o = json_object();

    set(o, "min", json_integer(h->count ? h->min : 0));
    set(o, "max", json_integer(h->count ? h->max : 0));
    set(o, "mean", json_real(pcl_hist_mean(h)));
    set(o, "stddev", json_real(deviation(h)));
    set(o, "N", whole((double)h->count));
    return o;
}

static void add_bin(int64_t lo, int64_t hi, uint64_t n, void *arg)
{
    char key[24];

    (void)snprintf(key, sizeof(key), "%lld", (long long)(lo + (hi - lo) / 2));
    set(arg, key, whole((double)n));
}

static json_t *latencies(const struct pcl_hist *h)
{
    json_t *o = moments(h), *of = json_object(), *bins = json_object();

    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%.6f", percentiles[i]);
        set(of, key, json_integer(pcl_hist_quantile(h, percentiles[i] / 100.0)));
    }
    if (h->count) {
        pcl_hist_each(h, add_bin, bins);
        set(o, "percentile", of);
        set(o, "bins", bins);
    } else {
        json_decref(of);
        json_decref(bins);
    }
    return o;
}

static void set_rates(json_t *o, double iops, double bandwidth)
{
    static const char *const bw[] = {"bw_min", "bw_max", "bw_mean"}, *const io[] = {
                                                                         "iops_min", "iops_max",
                                                                         "iops_mean"};

    for (unsigned i = 0; i < 3; i++)
        set(o, bw[i], i < 2 ? whole(bandwidth / 1024) : json_real(bandwidth / 1024));
    set(o, "bw_agg", json_real(bandwidth > 0 ? 100.0 : 0.0));
    set(o, "bw_dev", json_real(0.0));
    set(o, "bw_samples", json_integer(bandwidth > 0 ? 1 : 0));
    for (unsigned i = 0; i < 3; i++)
        set(o, io[i], i < 2 ? whole(iops) : json_real(iops));
    set(o, "iops_stddev", json_real(0.0));
    set(o, "iops_samples", json_integer(iops > 0 ? 1 : 0));
}

/* What the operations of a direction did, together; h is to be freed. */
static double gather(const struct pcl_result *r, int d, struct pcl_hist *h)
{
    double bandwidth = 0;

    pcl_hist_init(h);
    for (unsigned i = 0; i < 3 && directions[d].ops[i]; i++) {
        const struct pcl_hist *one = latency_of(r, directions[d].ops[i]);
        if (one)
            pcl_hist_merge(h, one);
        bandwidth += value(r, "bandwidth", directions[d].ops[i]);
    }
    return bandwidth;
}

static json_t *direction(const struct pcl_result *r, int d)
{
    struct pcl_hist h, none;
    double bandwidth = gather(r, d, &h), seconds = (double)r->sim_ns / 1e9;
    double iops = seconds > 0 ? (double)h.count / seconds : 0.0;
    json_t *o = json_object();

    pcl_hist_init(&none);
    if (d == SYNC) {
        set(o, "total_ios", whole((double)h.count));
        set(o, "lat_ns", latencies(&h));
    } else {
        set(o, "io_bytes", whole(bandwidth * seconds + 0.5));
        set(o, "io_kbytes", whole(bandwidth * seconds / 1024));
        set(o, "bw_bytes", whole(bandwidth));
        set(o, "bw", whole(bandwidth / 1024));
        set(o, "iops", json_real(iops));
        set(o, "runtime", h.count ? whole(ceil(seconds * 1000)) : json_integer(0));
        set(o, "total_ios", whole((double)h.count));
        set(o, "short_ios", json_integer(0));
        set(o, "drop_ios", json_integer(0));
        set(o, "slat_ns", moments(&none));
        set(o, "clat_ns", latencies(&h));
        set(o, "lat_ns", latencies(&h));
        set_rates(o, iops, bandwidth);
    }
    pcl_hist_fini(&h);
    pcl_hist_fini(&none);
    return o;
}

/* --- the coarse table of latencies: latency_ns, latency_us, latency_ms --- */

static const struct {
    const char *key;
    int64_t unit;
    int upto[12]; /* a row counts what lies below this, and not in the row before */
} coarse[] = {{"latency_ns", 1, {2, 4, 10, 20, 50, 100, 250, 500, 750, 1000}},
              {"latency_us", 1000, {2, 4, 10, 20, 50, 100, 250, 500, 750, 1000}},
              {"latency_ms", 1000000, {2, 4, 10, 20, 50, 100, 250, 500, 750, 1000, 2000}}};

struct below {
    int64_t limit;
    uint64_t n;
};

static void count_below(int64_t lo, int64_t hi, uint64_t n, void *arg)
{
    struct below *b = arg;

    (void)hi;
    b->n += lo < b->limit ? n : 0;
}

static void set_coarse(json_t *job, const struct pcl_hist *h)
{
    uint64_t before = 0;
    double all = h->count ? (double)h->count : 1.0;

    for (unsigned k = 0; k < 3; k++) {
        json_t *o = json_object();
        for (unsigned i = 0; i < 12 && coarse[k].upto[i]; i++) {
            struct below b = {coarse[k].upto[i] * coarse[k].unit, 0};
            char key[16];
            pcl_hist_each(h, count_below, &b);
            (void)snprintf(key, sizeof(key), "%d", coarse[k].upto[i]);
            set(o, key, json_real(100.0 * (double)(b.n - before) / all));
            before = b.n;
        }
        if (k == 2)
            set(o, ">=2000", json_real(100.0 * (double)(h->count - before) / all));
        set(job, coarse[k].key, o);
    }
}

/* --- a job ------------------------------------------------------------------------------- */

/* Shares of the tasks' time. */
static void set_cpu(json_t *job, const struct pcl_result *r)
{
    static const char *const causes[] = {"user", "kernel", "line", "spin", "queue", "sleep"};
    double part[6], all = 0;

    for (unsigned i = 0; i < 6; i++)
        all += part[i] = value(r, "time_per_op", causes[i]);
    all = all > 0 ? all : 1;
    set(job, "usr_cpu", json_real(100 * part[0] / all));
    set(job, "sys_cpu", json_real(100 * (part[1] + part[2] + part[3]) / all));
    set(job, "ctx", whole(value(r, "voluntary", "all") + value(r, "involuntary", "all")));
    set(job, "majf", json_integer(0));
    set(job, "minf", json_integer(0));
}

static json_t *depths(void)
{
    static const char *const keys[] = {"1", "2", "4", "8", "16", "32", ">=64"};
    json_t *o = json_object();

    for (unsigned i = 0; i < 7; i++)
        set(o, keys[i], json_real(i == 0 ? 100.0 : 0.0));
    return o;
}

struct pcl_fio *pcl_fio_new(void)
{
    struct pcl_fio *f = pcl_xcalloc(1, sizeof(*f));

    f->jobs = json_array();
    return f;
}

void pcl_fio_add(struct pcl_fio *f, const struct pcl_result *r, const char *jobname,
                 uint32_t group)
{
    json_t *job = json_object(), *options = json_object();
    double ms = ceil((double)r->sim_ns / 1e6);
    struct pcl_hist all, h;

    set(options, "name", json_string(jobname));
    set(options, "ioengine", json_string("psync"));
    set(options, "iodepth", json_string("1"));
    set(job, "jobname", json_string(jobname));
    set(job, "groupid", json_integer((json_int_t)group));
    set(job, "error", json_integer(r->failed ? 5 : 0)); /* EIO */
    set(job, "eta", json_integer(0));
    set(job, "elapsed", whole(ceil(ms / 1000)));
    set(job, "job options", options);
    pcl_hist_init(&all);
    for (int d = 0; d < N_DIRECTIONS; d++) {
        set(job, directions[d].name, direction(r, d));
        (void)gather(r, d, &h);
        pcl_hist_merge(&all, &h);
        pcl_hist_fini(&h);
    }
    set(job, "job_runtime", whole(ms));
    set_cpu(job, r);
    set(job, "iodepth_level", depths());
    set(job, "iodepth_submit", depths());
    set(job, "iodepth_complete", depths());
    set_coarse(job, &all);
    pcl_hist_fini(&all);
    set(job, "latency_depth", json_integer(1));
    set(job, "latency_target", json_integer(0));
    set(job, "latency_percentile", json_real(100.0));
    set(job, "latency_window", json_integer(0));
    (void)json_array_append_new(f->jobs, job);
}

int pcl_fio_print(FILE *out, const struct pcl_fio *f)
{
    json_t *root = json_object();
    int rc;

    set(root, "fio version", json_string("pclsim"));
    set(root, "timestamp", json_integer(0));
    set(root, "timestamp_ms", json_integer(0));
    set(root, "time", json_string("Thu Jan  1 00:00:00 1970"));
    set(root, "global options", json_object());
    set(root, "jobs", json_incref(f->jobs));
    set(root, "disk_util", json_array());
    rc = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(root);
    return rc != 0 || fputc('\n', out) == EOF ? PCL_EIO : PCL_OK;
}

void pcl_fio_free(struct pcl_fio *f)
{
    if (!f)
        return;
    json_decref(f->jobs);
    free(f);
}
