/*
 * Recording the series. Windows are a power of two long; when the run outgrows the array,
 * neighbours are added up and the windows are twice as long: a run of any length is between 512
 * and 1024 windows, and recording costs a shift and three additions.
 */
#include <pclsim/windows.h>

#include <stdlib.h>

#include "windows_read.h"

#define FIRST_SHIFT 7 /* 128 ns */

void pcl_windows_init(struct pcl_windows *s, pcl_ns from)
{
    *s = (struct pcl_windows){.from = from, .shift = FIRST_SHIFT};
    s->w = pcl_xcalloc(PCL_WINDOWS, sizeof(*s->w));
}

void pcl_windows_fini(struct pcl_windows *s)
{
    free(s->w);
    *s = (struct pcl_windows){0};
}

void pcl_windows_widen(struct pcl_windows *s, pcl_ns at)
{
    while ((uint64_t)(at - s->from) >> s->shift >= PCL_WINDOWS) {
        for (size_t i = 0; i < PCL_WINDOWS / 2; i++) {
            const struct pcl_window *a = &s->w[2 * i], *b = a + 1;

            s->w[i] = (struct pcl_window){a->transactions + b->transactions, a->ops + b->ops,
                                          a->time + b->time};
        }
        for (size_t i = PCL_WINDOWS / 2; i < PCL_WINDOWS; i++)
            s->w[i] = (struct pcl_window){0};
        s->n = (s->n + 1) / 2;
        s->shift++;
    }
}

void pcl_windows_end(struct pcl_windows *s, pcl_ns end)
{
    uint64_t whole = end > s->from ? (uint64_t)(end - s->from) >> s->shift : 0;

    s->n = whole < PCL_WINDOWS ? whole : PCL_WINDOWS;
}

const char *pcl_output_name(enum pcl_output o)
{
    static const char *const names[] = {"throughput", "latency_mean", "in_flight"};

    return names[o];
}

const char *pcl_output_unit(enum pcl_output o)
{
    static const char *const units[] = {"op/s", "ns", "count"};

    return units[o];
}

struct pcl_ratio pcl_windows_sum(const struct pcl_windows *s, enum pcl_output o, size_t from,
                                 size_t to)
{
    uint64_t transactions = 0, ops = 0, time = 0;
    double length = (double)(to - from) * (double)(UINT64_C(1) << s->shift);

    for (size_t i = from; i < to; i++) {
        transactions += s->w[i].transactions;
        ops += s->w[i].ops;
        time += s->w[i].time;
    }
    switch (o) {
    case PCL_OUTPUT_THROUGHPUT:
        return (struct pcl_ratio){(double)transactions * 1e9, length};
    case PCL_OUTPUT_LATENCY:
        return (struct pcl_ratio){(double)time, (double)ops};
    case PCL_OUTPUT_IN_FLIGHT:
    case PCL_N_OUTPUTS:
        break;
    }
    return (struct pcl_ratio){(double)time, length};
}
