/*
 * One table says what options a bench program has; reading, ranges, suggestions and --help come
 * from it.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_OPTIONS = 16 };

/* --- options ----------------------------------------------------------------------------- */

static void print_help(const struct bench_program *p)
{
    printf("usage: %s [options]%s%s\n\n%s\n\n", p->name, p->operand ? " " : "",
           p->operand ? p->operand : "", p->summary);
    for (const struct bench_option *o = p->options; o->name; o++) {
        char left[40];

        (void)snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "",
                       o->arg ? o->arg : "");
        printf("  %-18s %s\n", left, o->what);
    }
    printf("  %-18s %s\n", "--help", "print this text");
}

static int complain(const struct bench_program *p, const char *what, const char *word)
{
    fprintf(stderr, "%s: %s '%s'\ntry: %s --help\n", p->name, what, word, p->name);
    return BENCH_USAGE;
}

static const struct bench_option *find(const struct bench_program *p, const char *name,
                                       size_t len)
{
    for (const struct bench_option *o = p->options; o->name; o++)
        if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static int unknown(const struct bench_program *p, const char *word)
{
    const char *names[MAX_OPTIONS + 1] = {"help"}, *near;
    size_t n = 1;

    for (const struct bench_option *o = p->options; o->name && n <= MAX_OPTIONS; o++)
        names[n++] = o->name;
    near = strncmp(word, "--", 2) == 0 ? pcl_nearest(word + 2, names, n) : NULL;
    fprintf(stderr, "%s: unknown option '%s'", p->name, word);
    if (near)
        fprintf(stderr, ", did you mean --%s?", near);
    fprintf(stderr, "\ntry: %s --help\n", p->name);
    return BENCH_USAGE;
}

static int set(const struct bench_program *p, const struct bench_option *o, const char *value)
{
    const char *why = "";
    int64_t v;
    int rc = o->kind == BENCH_TIME ? pcl_parse_time(value, &v, &why)
                                   : pcl_parse_int(value, o->lo, o->hi, &v, &why);

    if (rc == PCL_OK && v >= o->lo && v <= o->hi) {
        *(int64_t *)o->to = v;
        return BENCH_DONE;
    }
    if (o->kind == BENCH_TIME)
        fprintf(stderr, "%s: --%s: want a time above 0 such as 5ms, found '%s'\n", p->name,
                o->name, value);
    else
        fprintf(stderr, "%s: --%s: want a whole number from %lld to %lld, found '%s'\n",
                p->name, o->name, (long long)o->lo, (long long)o->hi, value);
    fprintf(stderr, "try: %s --help\n", p->name);
    return BENCH_USAGE;
}

int bench_options(const struct bench_program *p, int argc, char **argv, bool *help)
{
    *help = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *equals = strchr(word, '=');
        size_t len = equals ? (size_t)(equals - word) : strlen(word);
        int code = BENCH_DONE;

        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            print_help(p);
            *help = true;
            return BENCH_DONE;
        }
        if (word[0] != '-' && p->operand && !*p->to) {
            *p->to = word;
            continue;
        }
        if (word[0] != '-')
            return complain(p, p->operand ? "one too many:" : "takes options only, found", word);
        const struct bench_option *o =
            strncmp(word, "--", 2) == 0 ? find(p, word + 2, len - 2) : NULL;

        if (!o)
            return unknown(p, word);
        if (o->kind == BENCH_FLAG && equals)
            return complain(p, "this option takes no value:", word);
        if (o->kind == BENCH_FLAG)
            *(bool *)o->to = true;
        else if (equals)
            code = set(p, o, equals + 1);
        else if (i + 1 < argc)
            code = set(p, o, argv[++i]);
        else
            return complain(p, "this option wants a value:", word);
        if (code)
            return code;
    }
    if (p->operand && !*p->to)
        return complain(p, "wants an operand:", p->operand);
    return BENCH_DONE;
}

/* --- time -------------------------------------------------------------------------------- */

double bench_seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* --- JSON -------------------------------------------------------------------------------- */

static void key(struct bench_json *j, const char *name)
{
    fprintf(j->out, "%s\n  \"%s\": ", j->any ? "," : "", name);
    j->any = true;
}

void bench_json_begin(struct bench_json *j, FILE *out)
{
    *j = (struct bench_json){.out = out};
    fputc('{', out);
}

void bench_json_text(struct bench_json *j, const char *name, const char *value)
{
    key(j, name);
    fputc('"', j->out);
    for (; *value; value++)
        if (*value == '"' || *value == '\\')
            fprintf(j->out, "\\%c", *value);
        else
            fputc((unsigned char)*value < ' ' ? ' ' : *value, j->out);
    fputc('"', j->out);
}

void bench_json_int(struct bench_json *j, const char *name, int64_t value)
{
    key(j, name);
    fprintf(j->out, "%lld", (long long)value);
}

void bench_json_real(struct bench_json *j, const char *name, double value)
{
    key(j, name);
    fprintf(j->out, "%.6g", value);
}

void bench_json_bool(struct bench_json *j, const char *name, bool value)
{
    key(j, name);
    fputs(value ? "true" : "false", j->out);
}

void bench_json_hex(struct bench_json *j, const char *name, uint64_t value)
{
    key(j, name);
    fprintf(j->out, "\"%016llx\"", (unsigned long long)value);
}

void bench_json_end(struct bench_json *j)
{
    fputs("\n}\n", j->out);
}
