/*
 * How fast recordings are read, by CPU time on one core: records of the canonical forms as a stream, lines of
 * strace and ftrace text into a trace in memory. The recording is made here: some threads that
 * read and write one file.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pclsim/trace_canon.h>

enum { MAX_REPEAT = 101, THREADS = 4 };

struct values {
    int64_t ops, repeat;
    bool json;
};

struct text {
    char *data;
    size_t size;
    uint64_t lines;
};

/* Of this process: what else runs on the machine does not count. */
static double cpu_seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct text make_strace(int64_t ops)
{
    struct text t = {NULL, 0, (uint64_t)ops};
    FILE *f = open_memstream(&t.data, &t.size);

    for (int64_t i = 0; i < ops; i++)
        fprintf(f, "%d 1700000000.%06d p%s64(3</data/f>, \"\"..., 4096, %lld) = 4096 <0.000010>\n",
                100 + (int)(i % THREADS), (int)(i % 1000000), i % 3 ? "read" : "write",
                (long long)(i % 1024 * 4096));
    (void)fclose(f);
    return t;
}

static struct text make_ftrace(int64_t ops)
{
    struct text t = {NULL, 0, (uint64_t)ops * 4};
    FILE *f = open_memstream(&t.data, &t.size);

    for (int64_t i = 0; i < ops; i++) {
        const char *mode = i % 3 ? "SHARED" : "EXCL", *call = i % 3 ? "read" : "write";
        char head[64];
        (void)snprintf(head, sizeof(head), "  gt-%d  [00%d] .....  %lld.%06d: ",
                       100 + (int)(i % THREADS), (int)(i % 2), 100 + (long long)i / 1000000,
                       (int)(i % 1000000));
        fprintf(f, "%ssys_p%s64(fd: 3, buf: 0x7faa40000b20, count: 0x1000, pos: 0x%llx)\n", head,
                call, (unsigned long long)(i % 1024 * 4096));
        fprintf(f, "%sxfs_ilock: dev 7:1 ino 0x84 flags IOLOCK_%s caller xfs_x+0x1/0x2\n", head,
                mode);
        fprintf(f, "%sxfs_iunlock: dev 7:1 ino 0x84 flags IOLOCK_%s caller xfs_x+0x1/0x2\n", head,
                mode);
        fprintf(f, "%ssys_p%s64 -> 0x1000\n", head, call);
    }
    (void)fclose(f);
    return t;
}

/* Lines a second; frees the text. */
static double parse_rate(struct text t, int64_t repeat)
{
    double seconds[MAX_REPEAT], rate;

    for (int64_t k = 0; k < repeat; k++) {
        struct pcl_trace *trace = NULL;
        double t0 = cpu_seconds();
        if (pcl_trace_parse("bench", t.data, t.size, &trace, NULL) != PCL_OK)
            exit(BENCH_FAILED);
        seconds[k] = cpu_seconds() - t0;
        pcl_trace_free(trace);
    }
    rate = (double)t.lines / bench_median(seconds, (size_t)repeat);
    free(t.data);
    return rate;
}

static void write_canonical(const char *path, bool binary, int64_t ops)
{
    FILE *f = fopen(path, "wb");
    struct pcl_trace_sink *k;
    struct pcl_trace_record r = {.type = PCL_RECORD_FILE, .size = -1, .path = "/f", .path_len = 2};

    if (!f)
        exit(BENCH_FAILED);
    k = pcl_trace_sink_new(f, binary);
    pcl_trace_put(k, &r);
    r.type = PCL_RECORD_THREAD;
    for (r.id = 0; r.id < THREADS; r.id++)
        pcl_trace_put(k, &r);
    r.type = PCL_RECORD_OP;
    for (int64_t i = 0; i < ops; i++) {
        r.op = (struct pcl_trace_op){.t_ns = i * 1000,
                                     .dur_ns = 900,
                                     .thread = (uint32_t)(i % THREADS),
                                     .op = i % 3 ? PCL_OP_READ : PCL_OP_WRITE,
                                     .off = i % 1024 * 4096,
                                     .len = 4096};
        pcl_trace_put(k, &r);
    }
    if (pcl_trace_sink_end(k, true) != PCL_OK || fclose(f) != 0)
        exit(BENCH_FAILED);
}

/* Records a second. */
static double stream_rate(bool binary, const struct values *v)
{
    double seconds[MAX_REPEAT];
    char path[] = "/tmp/pclsim-bench-XXXXXX";
    int fd = mkstemp(path);

    if (fd < 0)
        exit(BENCH_FAILED);
    (void)close(fd);
    write_canonical(path, binary, v->ops);
    for (int64_t n = 0; n < v->repeat; n++) {
        struct pcl_trace_stream *s;
        struct pcl_trace_record r;
        int64_t ops = 0;
        bool more = true;
        double t0 = cpu_seconds();
        if (pcl_trace_stream_open(path, &s, NULL) != PCL_OK)
            exit(BENCH_FAILED);
        while (pcl_trace_stream_next(s, &r, &more, NULL) == PCL_OK && more)
            ops += r.type == PCL_RECORD_OP;
        seconds[n] = cpu_seconds() - t0;
        pcl_trace_stream_close(s);
        if (ops != v->ops)
            exit(BENCH_FAILED);
    }
    (void)unlink(path);
    return (double)v->ops / bench_median(seconds, (size_t)v->repeat);
}

int main(int argc, char **argv)
{
    struct values v = {.ops = 1000000, .repeat = 3};
    const struct bench_option options[] = {
        {"ops", BENCH_INT, &v.ops, 1, 100000000, "N", "operations; else 1000000"},
        {"repeat", BENCH_INT, &v.repeat, 1, MAX_REPEAT, "N",
         "measurements, the median counts; else 3"},
        {"json", BENCH_FLAG, &v.json, 0, 0, NULL, "print one flat JSON object"},
        {.name = NULL},
    };
    const struct bench_program program = {
        .name = "trace",
        .summary = "Measures how fast recordings are read, on one core.",
        .options = options};
    double rate[4];
    static const char *const what[] = {"binary_records_per_s", "text_records_per_s",
                                       "strace_lines_per_s", "ftrace_lines_per_s"};
    struct bench_json j;
    bool help;
    int code = bench_options(&program, argc, argv, &help);

    if (code || help)
        return code;
    rate[0] = stream_rate(true, &v);
    rate[1] = stream_rate(false, &v);
    rate[2] = parse_rate(make_strace(v.ops), v.repeat);
    rate[3] = parse_rate(make_ftrace((v.ops + 3) / 4), v.repeat);
    if (!v.json) {
        for (unsigned i = 0; i < 4; i++)
            printf("%-22s %6.2f million\n", what[i], rate[i] / 1e6);
        return BENCH_DONE;
    }
    bench_json_begin(&j, stdout);
    bench_json_text(&j, "bench", "trace");
    bench_json_int(&j, "ops", v.ops);
    bench_json_int(&j, "repeat", v.repeat);
    for (unsigned i = 0; i < 4; i++)
        bench_json_real(&j, what[i], rate[i]);
    bench_json_end(&j);
    return BENCH_DONE;
}
