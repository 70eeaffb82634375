/*
 * blkparse's default text: what the block layer did. It lies below the page cache, so it holds no
 * operation to replay; it says how fast the device was, from issue (D) to completion (C).
 *
 *   7,2    0        1     0.000000000 13774  D   R 223490 + 8 [fio]
 *   dev   cpu      seq    time        pid   action RWBS  sector + sectors
 */
#include "plain.h"
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SAMPLES (1u << 20) /* of each kind; further ones are counted only */
#define MAX_OPEN (1u << 20)

enum kind { READS, WRITES, DISCARDS, N_KINDS };

struct blk {
    struct map open; /* (device, sector) -> index of requests */
    struct {
        pcl_ns since;
        uint64_t sectors;
        enum kind kind;
    } * requests;
    size_t n_requests, cap_requests;
    uint32_t *unused; /* indices free again */
    size_t n_unused;
    struct {
        pcl_ns *latency;
        size_t n, cap;
        uint64_t all, bytes;
    } done[N_KINDS];
    size_t most_open;
    pcl_ns first;
    bool started, ended;
};

struct blk_line {
    uint64_t dev, sector, sectors;
    pcl_ns t_ns;
    char action;
    struct text rwbs;
    bool has_range;
};

static bool seconds(struct text t, pcl_ns *out)
{
    const char *dot = memchr(t.p, '.', t.n);
    uint64_t whole, frac;

    if (!dot || t.p + t.n - dot != 10 ||
        !text_u64((struct text){t.p, (size_t)(dot - t.p)}, &whole) ||
        !text_u64((struct text){dot + 1, 9}, &frac) || whole > 4000000000u)
        return false;
    *out = (pcl_ns)(whole * 1000000000u + frac);
    return true;
}

static bool read_line(struct text line, struct blk_line *out)
{
    struct text w[10];
    unsigned n = plain_split(line, ' ', w, 10);
    const char *comma;
    uint64_t major, minor, number;

    *out = (struct blk_line){.action = 0};
    if (n < 6 || !(comma = memchr(w[0].p, ',', w[0].n)) ||
        !text_u64((struct text){w[0].p, (size_t)(comma - w[0].p)}, &major) ||
        !text_u64((struct text){comma + 1, (size_t)(w[0].p + w[0].n - comma - 1)}, &minor) ||
        !text_u64(w[1], &number) || !text_u64(w[2], &number) || !seconds(w[3], &out->t_ns) ||
        !text_u64(w[4], &number) || w[5].n == 0 || w[5].n > 2)
        return false;
    out->dev = major << 32 | (minor & UINT32_MAX);
    out->action = w[5].n == 1 ? w[5].p[0] : '-';
    out->rwbs = n > 6 ? w[6] : w[5];
    out->has_range = n >= 10 && text_is(w[8], "+") && text_u64(w[7], &out->sector) &&
                     text_u64(w[9], &out->sectors) && out->sectors > 0 &&
                     out->sectors < UINT64_C(1) << 54;
    return true;
}

/* --- requests ---------------------------------------------------------------------------- */

static enum kind kind_of(struct text rwbs)
{
    if (memchr(rwbs.p, 'D', rwbs.n))
        return DISCARDS;
    return memchr(rwbs.p, 'W', rwbs.n) ? WRITES : READS;
}

static uint64_t key_of(const struct blk_line *l)
{
    return map_mix(map_mix(l->sector) + l->dev) >> 1;
}

static const char *issue(struct blk *s, const struct blk_line *l)
{
    uint64_t i;

    if (!map_get(&s->open, key_of(l), &i)) { /* else issued again: it had been put back */
        if (s->n_unused > 0) {
            i = s->unused[--s->n_unused];
        } else if (s->n_requests < MAX_OPEN) {
            if (s->n_requests == s->cap_requests) {
                s->cap_requests = s->cap_requests ? s->cap_requests * 2 : 64;
                s->requests = pcl_xrealloc(s->requests, s->cap_requests, sizeof(*s->requests));
                s->unused = pcl_xrealloc(s->unused, s->cap_requests, sizeof(*s->unused));
            }
            i = s->n_requests++;
        } else {
            return "more requests at a time than are followed";
        }
        map_put(&s->open, key_of(l), i);
    }
    s->requests[i].since = l->t_ns;
    s->requests[i].sectors = l->sectors;
    s->requests[i].kind = kind_of(l->rwbs);
    if (s->open.n > s->most_open)
        s->most_open = s->open.n;
    return NULL;
}

static const char *complete(struct blk *s, const struct blk_line *l)
{
    uint64_t i;
    enum kind k;

    if (!map_get(&s->open, key_of(l), &i))
        return "completion without issue";
    (void)map_del(&s->open, key_of(l));
    s->unused[s->n_unused++] = (uint32_t)i;
    k = s->requests[i].kind;
    if (l->t_ns < s->requests[i].since)
        return "completion before its issue";
    if (s->done[k].n == s->done[k].cap && s->done[k].cap < MAX_SAMPLES) {
        s->done[k].cap = s->done[k].cap ? s->done[k].cap * 2 : 64;
        s->done[k].latency =
            pcl_xrealloc(s->done[k].latency, s->done[k].cap, sizeof(*s->done[k].latency));
    }
    if (s->done[k].n < s->done[k].cap)
        s->done[k].latency[s->done[k].n++] = l->t_ns - s->requests[i].since;
    s->done[k].all++;
    if (__builtin_add_overflow(s->done[k].bytes, s->requests[i].sectors * 512,
                               &s->done[k].bytes))
        s->done[k].bytes = UINT64_MAX;
    return NULL;
}

static const char *line(struct plain *p, struct text t)
{
    struct blk *s = p->state;
    struct blk_line l;
    const char *why;

    if (s->ended || text_starts(t, "CPU")) { /* what blkparse sums up in the end */
        s->ended = true;
        return "summary of blkparse";
    }
    if (!read_line(t, &l))
        return "not a blkparse line";
    p->recognised++;
    p->times = true;
    if (!s->started)
        s->first = l.t_ns;
    s->started = true;
    if (l.t_ns - s->first > p->latest)
        p->latest = l.t_ns - s->first;
    if (l.action != 'D' && l.action != 'C')
        return "neither issue nor completion";
    if (!l.has_range)
        return "request without sectors";
    why = l.action == 'D' ? issue(s, &l) : complete(s, &l);
    if (!why)
        tb_used(&p->b, 1);
    return why;
}

/* --- the end ----------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const pcl_ns *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static pcl_ns rank(const pcl_ns *v, size_t n, unsigned per_mille)
{
    return v[(n - 1) * per_mille / 1000];
}

static void end(struct plain *p)
{
    static const char *const names[N_KINDS] = {"read", "write", "discard"};
    struct blk *s = p->state;
    struct pcl_trace *t = p->b.t;

    t->device = pcl_xcalloc(N_KINDS, sizeof(*t->device));
    t->device_most_open = s->most_open;
    for (unsigned k = 0; k < N_KINDS; k++) {
        size_t n = s->done[k].n;
        pcl_ns *v = s->done[k].latency;
        double sum = 0.0;
        if (n == 0)
            continue;
        qsort(v, n, sizeof(*v), by_value);
        for (size_t i = 0; i < n; i++)
            sum += (double)v[i];
        t->device[t->n_device++] = (struct pcl_trace_device){.what = names[k],
                                                             .requests = s->done[k].all,
                                                             .bytes = s->done[k].bytes,
                                                             .mean_ns = sum / (double)n,
                                                             .min = v[0],
                                                             .p50 = rank(v, n, 500),
                                                             .p90 = rank(v, n, 900),
                                                             .p99 = rank(v, n, 990),
                                                             .p999 = rank(v, n, 999),
                                                             .max = v[n - 1]};
    }
    tb_note(&p->b, "a block trace: it lies below the page cache and holds nothing to replay");
}

static struct pcl_trace *parse(const char *name, struct source *src)
{
    struct blk s = {.started = false};
    struct pcl_trace *t = plain_parse("blkparse", name, src, line, end, &s);

    for (unsigned k = 0; k < N_KINDS; k++)
        free(s.done[k].latency);
    map_fini(&s.open);
    free(s.requests);
    free(s.unused);
    return t;
}

static void look(const char *data, size_t size, size_t *hits, size_t *lines)
{
    const char *p = data, *end_p = data + size;

    *hits = *lines = 0;
    while (p < end_p && *lines < 200) {
        struct blk_line l;
        struct text t = text_line(&p, end_p);
        *hits += read_line(t, &l);
        *lines += text_trim(t).n > 0;
    }
}

const struct trace_reader pcl_trace_reader_blkparse = {
    .name = "blkparse", .known = "blkparse text", .look = look, .parse = parse};
