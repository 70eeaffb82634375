/*
 * Distributions as plain data, and draws from them that do not depend on the C library.
 *
 * A draw is keyed by (seed, replication, entity, purpose, index): never by the number of draws so
 * far, so that two schemes in one replication see the same arrivals, think times and offsets
 * even when one of them retries more (common random numbers).
 */
#ifndef PCLSIM_DIST_H
#define PCLSIM_DIST_H

#include <pclsim/base.h>

enum pcl_dist_kind {
    PCL_DIST_CONST,    /* a */
    PCL_DIST_UNIFORM,  /* integers a..b, both included */
    PCL_DIST_EXP,      /* exponential of mean a, rounded to the nearest integer */
    PCL_DIST_LOGNORMAL /* mean a, coefficient of variation s */
};

struct pcl_dist {
    enum pcl_dist_kind kind;
    int64_t a, b;
    double s;
};

/** Mean of d, in its own unit. */
double pcl_dist_mean(const struct pcl_dist *d);

/** Writes d as the parser reads it, times if is_time, sizes otherwise: "exp:5us", "4k-16k". */
const char *pcl_dist_format(const struct pcl_dist *d, bool is_time, char *buf, size_t n);

/** Reads "5us", "2us-8us", "exp:5us", "lognormal:80us,50%", "const:4k", "uniform:4k-16k"; times if
 * is_time, sizes otherwise. On failure returns PCL_EINVAL and sets *why (may be NULL) to a static
 * text; out is set on success only. */
int pcl_dist_parse(const char *s, bool is_time, struct pcl_dist *out, const char **why);

/* What a draw is for; part of its key. */
enum pcl_purpose {
    PCL_DRAW_RANK,
    PCL_DRAW_THINK,
    PCL_DRAW_ARRIVAL,
    PCL_DRAW_MIX,
    PCL_DRAW_OFFSET,
    PCL_DRAW_SIZE,
    PCL_DRAW_HOLD,
    PCL_DRAW_DEVICE,
    PCL_DRAW_PFN,
    PCL_DRAW_START,
    PCL_DRAW_PICK,
    PCL_DRAW_SCHED,
    PCL_DRAW_ANALYSIS
};

/* A stream: all draws of one entity for one purpose in one replication. */
struct pcl_stream {
    uint64_t key;
};

struct pcl_stream pcl_stream(uint64_t seed, uint32_t replication, uint64_t entity,
                             enum pcl_purpose purpose);

/* What the streams of all entities for one purpose have in common, worked out once:
 * pcl_stream_of(pcl_streams(seed, rep, purpose), entity) is pcl_stream(seed, rep, entity, purpose). */
struct pcl_streams {
    uint64_t base;
};

struct pcl_streams pcl_streams(uint64_t seed, uint32_t replication, enum pcl_purpose purpose);

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits. */
static inline uint64_t pcl_mix64(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* The entity is mixed before it meets the base: two bases that are neighbours by chance would
 * otherwise share a whole block of keys, not one. */
static inline struct pcl_stream pcl_stream_of(struct pcl_streams all, uint64_t entity)
{
    return (struct pcl_stream){pcl_mix64(all.base ^ pcl_mix64(entity))};
}

/** 64 random bits for draw number index; lane tells apart several draws of one index. */
uint64_t pcl_bits(struct pcl_stream s, uint64_t index, uint64_t lane);

/** Uniform in [0, n), n >= 1; no value's probability is off by more than 2^-64 of itself. */
uint64_t pcl_below(struct pcl_stream s, uint64_t index, uint64_t lane, uint64_t n);

/** One value of d; never negative. */
int64_t pcl_dist_draw(const struct pcl_dist *d, struct pcl_stream s, uint64_t index);

/** Exponential of the given mean from 64 random bits; integers only. */
int64_t pcl_exp_from_bits(uint64_t bits, int64_t mean);

/** Zipf rank in [0, n) with exponent s > 0 by rejection-inversion (Hoermann and Derflinger). Rank k
 * has the weight (k + 1)^-s. Uses as many lanes of the index as it needs attempts. */
uint64_t pcl_zipf(struct pcl_stream st, uint64_t index, uint64_t n, double s);

/* The same with what depends on n and s alone worked out once. */
struct pcl_zipf_law {
    uint64_t n;
    double s;
    double first, last; /* the hat's integral up to rank 1 and up to rank n */
    double sure;        /* a point this near below its rank is under the weights */
};

void pcl_zipf_init(struct pcl_zipf_law *z, uint64_t n, double s);
uint64_t pcl_zipf_draw(const struct pcl_zipf_law *z, struct pcl_stream st, uint64_t index);

/* Correct to about 1e-15 relative, same bytes on every machine: plain IEEE arithmetic. */
double pcl_ln(double x);                  /* x > 0 */
double pcl_exp(double x);                 /* |x| < 700 */
double pcl_normal_quantile(double p);     /* 0 < p < 1; Wichura AS 241 */

#endif
