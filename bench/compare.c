/*
 * Is this build faster than another one? Times of a shared machine drift by more than most changes
 * are worth, so the two builds' closed-lock run by turns, and what counts is the ratio within each
 * pair: base, this, this, base, base, this ... The interval is that of the median of the ratios by
 * order statistics, which asks nothing of their distribution. Time is the processor time of the
 * programs as a whole, whatever they say themselves.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    MAX_PAIRS = 199
};

struct values {
    const char *base; /* directory of the other build's bench programs */
    int64_t tasks, locks, ops, pairs;
    bool json;
};

struct sample {
    double ns, bytes;
    char fingerprint[24];
};

/* The value of a key in a flat object that a bench program has printed; NULL: it has none. */
static const char *value_of(const char *text, const char *key)
{
    char quoted[40];
    const char *p;

    (void)snprintf(quoted, sizeof(quoted), "\"%s\":", key);
    p = strstr(text, quoted);
    return p ? p + strlen(quoted) + strspn(p + strlen(quoted), " \"") : NULL;
}

/* Processor time of all children that have ended. */
static double children_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int take(const struct values *v, const char *dir, struct sample *out)
{
    char command[600], text[4096];
    double began = children_seconds();
    int used = snprintf(command, sizeof(command),
                        "exec '%s/closed-lock' --tasks %lld --locks %lld --ops %lld --repeat 1 "
                        "--json",
                        dir, (long long)v->tasks, (long long)v->locks, (long long)v->ops);
    FILE *p = used < (int)sizeof(command) ? popen(command, "r") : NULL;

    if (!p) {
        fprintf(stderr, "compare: cannot run closed-lock in %s\n", dir);
        return BENCH_FAILED;
    }
    text[fread(text, 1, sizeof(text) - 1, p)] = '\0';
    if (pclose(p) != 0) {
        fprintf(stderr, "compare: failed: %s\n", command);
        return BENCH_FAILED;
    }
    const char *done = value_of(text, "acquisitions"), *bytes = value_of(text, "bytes_per_task");
    const char *fp = value_of(text, "fingerprint");

    if (!done || !bytes || !fp) {
        fprintf(stderr, "compare: no such output was expected: %s\n", command);
        return BENCH_FAILED;
    }
    out->ns = (children_seconds() - began) / strtod(done, NULL) * 1e9;
    out->bytes = strtod(bytes, NULL);
    (void)snprintf(out->fingerprint, sizeof(out->fingerprint), "%.16s", fp);
    return BENCH_DONE;
}

/* The largest k for which the k-th smallest and the k-th largest of n values enclose the median
 * with a probability of 95 % at least; 1 when no k does. */
static size_t bound(size_t n)
{
    double term = 1, below = 0; /* probability of so many below the median */
    size_t k = 0;

    for (size_t i = 0; i < n; i++)
        term /= 2;
    while (below + term <= 0.025) {
        below += term;
        term *= (double)(n - k) / (double)(k + 1);
        k++;
    }
    return k ? k : 1;
}

static void print(const struct values *v, double *ratio, const double *base, const double *this,
                  const struct sample *last)
{
    size_t n = (size_t)v->pairs, k = bound(n);
    double sorted_base[MAX_PAIRS], sorted_this[MAX_PAIRS];

    memcpy(sorted_base, base, n * sizeof(*base));
    memcpy(sorted_this, this, n * sizeof(*this));
    double median = bench_median(ratio, n), low = ratio[k - 1], high = ratio[n - k];
    double b = bench_median(sorted_base, n), t = bench_median(sorted_this, n);
    struct bench_json j;

    if (!v->json) {
        printf("base  %.1f ns an acquisition, this build %.1f (medians of %zu)\n", b, t, n);
        printf("ratio %.3f [%.3f, %.3f] of the time, %s\n", median, low, high,
               high < 1  ? "faster"
               : low > 1 ? "slower"
                         : "no difference seen");
        return;
    }
    bench_json_begin(&j, stdout);
    bench_json_text(&j, "bench", "compare");
    bench_json_text(&j, "base", v->base);
    bench_json_int(&j, "tasks", v->tasks);
    bench_json_int(&j, "locks", v->locks);
    bench_json_int(&j, "ops", v->ops);
    bench_json_int(&j, "pairs", v->pairs);
    bench_json_real(&j, "ratio", median);
    bench_json_real(&j, "ratio_low", low);
    bench_json_real(&j, "ratio_high", high);
    bench_json_real(&j, "base_ns_per_op", b);
    bench_json_real(&j, "ns_per_op", t);
    bench_json_real(&j, "ops_per_s", 1e9 / t);
    bench_json_real(&j, "bytes_per_task", last->bytes);
    bench_json_text(&j, "fingerprint", last->fingerprint);
    bench_json_end(&j);
}

static int measure(const struct values *v, const char *own)
{
    double ratio[MAX_PAIRS], base[MAX_PAIRS], this[MAX_PAIRS];
    struct sample s[2]; /* of the base, of this build */

    for (int64_t k = 0; k < v->pairs; k++) {
        for (int turn = 0; turn < 2; turn++) {
            bool which = (k + turn) % 2; /* both orders equally often */
            int code = take(v, which ? own : v->base, &s[which]);

            if (code)
                return code;
        }
        if (strcmp(s[0].fingerprint, s[1].fingerprint) != 0) {
            fprintf(stderr, "compare: the builds simulate different things: %s, %s\n",
                    s[0].fingerprint, s[1].fingerprint);
            return BENCH_BROKEN;
        }
        base[k] = s[0].ns;
        this[k] = s[1].ns;
        ratio[k] = s[1].ns / s[0].ns;
    }
    print(v, ratio, base, this, &s[1]);
    return BENCH_DONE;
}

int main(int argc, char **argv)
{
    struct values v = {.tasks = 64, .locks = 1, .ops = 200000, .pairs = 15};
    const struct bench_option options[] = {
        {"tasks", BENCH_INT, &v.tasks, 1, 1 << 20, "N", "tasks; else 64"},
        {"locks", BENCH_INT, &v.locks, 1, 1 << 24, "L", "locks; else 1"},
        {"ops", BENCH_INT, &v.ops, 1, INT64_C(1000000000000), "N",
         "acquisitions of a run; else 200000"},
        {"pairs", BENCH_INT, &v.pairs, 1, MAX_PAIRS, "N", "pairs of runs; else 15"},
        {"json", BENCH_FLAG, &v.json, 0, 0, NULL, "print one flat JSON object"},
        {.name = NULL},
    };
    const struct bench_program program = {
        .name = "compare",
        .summary = "Compares this build with the one whose bench programs lie in BASE: both run\n"
                   "closed-lock by turns; the ratio of the times, with its 95 % interval.",
        .options = options,
        .operand = "BASE",
        .to = &v.base};
    char own[512];
    const char *slash = strrchr(argv[0], '/');
    bool help;
    int code = bench_options(&program, argc, argv, &help);

    if (code || help)
        return code;
    (void)snprintf(own, sizeof(own), "%.*s", slash ? (int)(slash - argv[0]) : 1,
                   slash ? argv[0] : ".");
    return measure(&v, own);
}
