/*
 * A log-linear latency histogram: 128 buckets per power of two, so that a reported quantile is off
 * by less than 1 % (0.4 %); bounded memory; mergeable. Blocks of buckets are allocated on first use.
 */
#ifndef PCLSIM_HIST_H
#define PCLSIM_HIST_H

#include <pclsim/base.h>

struct pcl_hist {
    uint64_t count;
    int64_t min, max; /* exact; undefined while count is 0 */
    double sum;       /* exact up to 2^53 ns */
    double sum_sq;
    uint64_t *block[58]; /* block[k]: values of one power of two; NULL until used */
};

void pcl_hist_init(struct pcl_hist *h);
void pcl_hist_fini(struct pcl_hist *h);
void pcl_hist_add(struct pcl_hist *h, int64_t v); /* negative values count as 0 */
void pcl_hist_merge(struct pcl_hist *into, const struct pcl_hist *from);
double pcl_hist_mean(const struct pcl_hist *h); /* 0 when empty */

/** The value below which a share q in [0, 1] of the samples lies; 0 when empty. Middle of its
 * bucket, but never outside [min, max]. */
int64_t pcl_hist_quantile(const struct pcl_hist *h, double q);

/** Calls fn for each non-empty bucket in rising order; [lo, hi] both included. */
void pcl_hist_each(const struct pcl_hist *h,
                   void (*fn)(int64_t lo, int64_t hi, uint64_t n, void *arg), void *arg);

/** Compact encoding for the store: malloc'ed, caller frees. */
void *pcl_hist_encode(const struct pcl_hist *h, size_t *size);

/** Fills h, which need not be initialised. Bytes that pcl_hist_encode did not write give PCL_EINVAL
 * and leave h empty; whatever they are, the counts of an accepted h agree with each other. */
int pcl_hist_decode(struct pcl_hist *h, const void *data, size_t size);

#endif
