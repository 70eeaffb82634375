/*
 * A course has a bounded number of steps. When time runs past the last one, neighbours are
 * added up in pairs and the width doubles, so a step's numbers are exact whatever the run's
 * length.
 *
 * Encoded: a format byte, then LEB128 numbers: shift | n | held shared [n] | held exclusive [n]
 * | waited [n] | used cells | (cells skipped, count) ... ; cells are step by step, by length.
 */
#include <pclsim/course.h>

#include <stdlib.h>
#include <string.h>

#include "varint.h"

#define FORMAT 1
#define MAX_SHIFT 55u /* 128 steps end at 2^62 ns */

void pcl_course_init(struct pcl_course *t, pcl_ns from)
{
    *t = (struct pcl_course){.from = from, .shift = PCL_COURSE_SHIFT};
}

void pcl_course_fini(struct pcl_course *t)
{
    free(t->step);
    pcl_course_init(t, 0);
}

static void add_step(struct pcl_course_step *a, const struct pcl_course_step *b)
{
    a->held[0] += b->held[0];
    a->held[1] += b->held[1];
    a->waited += b->waited;
    for (int k = 0; k < PCL_COURSE_LENGTHS; k++)
        a->waits[k] += b->waits[k];
}

static void widen(struct pcl_course *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        struct pcl_course_step s = t->step[i];

        t->step[i] = (struct pcl_course_step){0};
        add_step(&t->step[i / 2], &s);
    }
    t->n = (t->n + 1) / 2;
    t->shift++;
}

/* Makes room for a time since from; returns its step. */
static uint32_t step_at(struct pcl_course *t, pcl_ns since)
{
    uint32_t i;

    if (!t->step)
        t->step = pcl_xcalloc(PCL_COURSE_STEPS, sizeof(*t->step));
    while (since >> t->shift >= PCL_COURSE_STEPS)
        widen(t);
    i = (uint32_t)(since >> t->shift);
    if (i >= t->n)
        t->n = i + 1;
    return i;
}

/* Spreads an interval over the steps that it touches. field: which of held[0], held[1], waited.
 */
static void spread(struct pcl_course *t, size_t field, pcl_ns begin, pcl_ns end)
{
    begin = begin > t->from ? begin - t->from : 0;
    end = end > t->from ? end - t->from : 0;
    if (end <= begin)
        return;
    uint32_t last = step_at(t, end - 1);

    for (uint32_t i = (uint32_t)(begin >> t->shift); i <= last; i++) {
        pcl_ns lo = (pcl_ns)i << t->shift, hi = (pcl_ns)(i + 1) << t->shift;
        int64_t *to = field < 2 ? &t->step[i].held[field] : &t->step[i].waited;

        *to += (end < hi ? end : hi) - (begin > lo ? begin : lo);
    }
}

void pcl_course_hold(struct pcl_course *t, int mode, pcl_ns begin, pcl_ns end)
{
    spread(t, (size_t)mode, begin, end);
}

void pcl_course_wait(struct pcl_course *t, pcl_ns begin, pcl_ns end, bool over)
{
    unsigned k = end > begin ? 64 - (unsigned)__builtin_clzll((uint64_t)(end - begin)) : 0;
    uint32_t at;

    spread(t, 2, begin, end);
    if (!over || end < t->from)
        return;
    at = step_at(t, end > t->from ? end - t->from - 1 : 0);
    t->step[at].waits[k < PCL_COURSE_LENGTHS ? k : PCL_COURSE_LENGTHS - 1]++;
}

void pcl_course_add(struct pcl_course *a, const struct pcl_course *b)
{
    if (b->n == 0)
        return;
    (void)step_at(a, ((pcl_ns)b->n << b->shift) - 1);
    while (a->shift < b->shift)
        widen(a);
    for (uint32_t i = 0; i < b->n; i++)
        add_step(&a->step[i >> (a->shift - b->shift)], &b->step[i]);
}

void pcl_course_limit(struct pcl_course *t, uint32_t most)
{
    while (t->n > most)
        widen(t);
}

/* --- encoding -------------------------------------------------------------------------------
 */

static int64_t field_of(const struct pcl_course_step *s, size_t field)
{
    return field < 2 ? s->held[field] : s->waited;
}

static unsigned char *put_cells(unsigned char *p, const struct pcl_course *t)
{
    size_t skipped = 0;

    for (uint32_t i = 0; i < t->n; i++)
        for (int k = 0; k < PCL_COURSE_LENGTHS; k++) {
            if (t->step[i].waits[k] == 0) {
                skipped++;
                continue;
            }
            p = put_varint(p, skipped);
            p = put_varint(p, t->step[i].waits[k]);
            skipped = 0;
        }
    return p;
}

void *pcl_course_encode(const struct pcl_course *t, size_t *size)
{
    size_t used = 0;
    unsigned char *data, *p;

    for (uint32_t i = 0; i < t->n; i++)
        for (int k = 0; k < PCL_COURSE_LENGTHS; k++)
            used += t->step[i].waits[k] > 0;
    data = p = pcl_xcalloc(1 + VARINT_MAX * (3 + 3 * (size_t)t->n + 2 * used), 1);
    *p++ = FORMAT;
    p = put_varint(p, t->shift);
    p = put_varint(p, t->n);
    for (size_t f = 0; f < 3; f++)
        for (uint32_t i = 0; i < t->n; i++)
            p = put_varint(p, (uint64_t)field_of(&t->step[i], f));
    p = put_varint(p, used);
    p = put_cells(p, t);
    *size = (size_t)(p - data);
    return pcl_xrealloc(data, *size, 1);
}

static void get_cells(struct reader *r, struct pcl_course *t)
{
    uint64_t used = get_varint(r), at = 0, cells = (uint64_t)t->n * PCL_COURSE_LENGTHS;

    for (uint64_t i = 0; i < used && !r->bad; i++) {
        uint64_t skip = get_varint(r), n = get_varint(r);

        if (skip >= cells - at || n == 0 || n > UINT32_MAX) {
            r->bad = true;
            return;
        }
        at += skip;
        t->step[at / PCL_COURSE_LENGTHS].waits[at % PCL_COURSE_LENGTHS] = (uint32_t)n;
        at++;
        if (at == cells && i + 1 < used)
            r->bad = true;
    }
}

int pcl_course_decode(struct pcl_course *t, const void *data, size_t size)
{
    struct reader r = {.p = data, .end = (const unsigned char *)data + size};
    uint64_t shift, n;

    pcl_course_init(t, 0);
    r.bad = size == 0 || *r.p++ != FORMAT;
    shift = get_varint(&r);
    n = get_varint(&r);
    r.bad |= shift > MAX_SHIFT || n > PCL_COURSE_STEPS;
    if (!r.bad) {
        t->shift = (unsigned)shift;
        t->n = (uint32_t)n;
        t->step = pcl_xcalloc(PCL_COURSE_STEPS, sizeof(*t->step));
        for (size_t f = 0; f < 3; f++)
            for (uint32_t i = 0; i < t->n; i++) {
                uint64_t v = get_varint(&r);
                int64_t *to = f < 2 ? &t->step[i].held[f] : &t->step[i].waited;

                r.bad |= v > INT64_MAX;
                *to = (int64_t)v;
            }
        get_cells(&r, t);
    }
    r.bad |= r.p != r.end;
    if (r.bad)
        pcl_course_fini(t);
    return r.bad ? PCL_EINVAL : PCL_OK;
}
