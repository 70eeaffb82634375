/*
 * Draws. Each takes its bits from the counter, not from a sequence, so the i-th think time is
 * the same whatever was drawn before it. The exponential, which every think time and many holds
 * go through, needs integers and one small table only; the lognormal goes by inversion.
 */
#include <pclsim/dist.h>

#include <math.h>

#include "philox.h"

/* --- exponential ------------------------------------------------------------------------- */

struct exp_segment {
    uint64_t neg_ln; /* -ln c, 2^-58 */
    uint64_t inv;    /* 1 / c, 2^-63 */
};

#include "exp_table.inc"

/*
 * The bits as a fraction u of 1 are 2^-z v with z leading zeros and v in [1/2, 1). Let c be the
 * upper end of v's segment, 1/512 wide, and r = (c - v) / c, which is at most 2^-8:
 *
 *     -ln u = z ln 2 - ln c - ln(1 - r),     -ln(1 - r) = r + r^2 (1/2 + r/3) + ...
 *
 * All terms are positive, and for u near 1 only the last is left: so small values are as exact
 * in proportion (2e-8) as large ones, which a short hold time needs. The left-out r^4/4 is
 * below 6e-11.
 */
static inline int64_t exp_from_bits(uint64_t bits, int64_t mean)
{
    unsigned z = (unsigned)__builtin_clzll(bits | 1);
    uint64_t v = (bits | 1) << z;
    const struct exp_segment *seg = &exp_table[v >> 55 & 255];
    uint64_t below = (UINT64_C(1) << 55) - (v & ((UINT64_C(1) << 55) - 1)); /* c - v, 2^-64 */
    uint64_t r = pcl_mul_high(below << 8, seg->inv);                        /* 2^-71 */
    uint64_t r2 = pcl_mul_high(r, r);                                       /* 2^-78 */
    uint64_t q = (UINT64_C(1) << 62) + (pcl_mul_high(r, UINT64_C(0x5555555555555555)) >> 8);
    uint64_t e =
        z * EXP_LN2 + seg->neg_ln + (r >> 13) + (pcl_mul_high(r2, q) >> 19); /* 2^-58 */
    pcl_u128 x = ((pcl_u128)e * (uint64_t)mean + (UINT64_C(1) << 57)) >> 58;

    return x > INT64_MAX ? INT64_MAX : (int64_t)x;
}

int64_t pcl_exp_from_bits(uint64_t bits, int64_t mean)
{
    return mean > 0 ? exp_from_bits(bits, mean) : 0;
}

/* --- lognormal --------------------------------------------------------------------------- */

static int64_t lognormal(uint64_t bits, int64_t mean, double cv)
{
    if (mean <= 0)
        return 0;

    /* 52 bits and a half: both ends of (0, 1) are as far away as a double can tell. That is 8.3
     * standard deviations sd, so y is at most 8.3 sd - sd^2 / 2 < 35, whatever the spread. */
    double p = ((double)(bits >> 12) + 0.5) * 0x1p-52;
    double var = pcl_ln(1 + cv * cv); /* of the logarithm */
    double y = sqrt(var) * pcl_normal_quantile(p) - 0.5 * var;
    double x = (double)mean * pcl_exp(y) + 0.5;
    return x >= 0x1p63 ? INT64_MAX : (int64_t)x;
}

/* --- any --------------------------------------------------------------------------------- */

double pcl_dist_mean(const struct pcl_dist *d)
{
    if (d->kind == PCL_DIST_UNIFORM)
        return 0.5 * (double)d->a + 0.5 * (double)d->b;
    return (double)d->a;
}

int64_t pcl_dist_draw(const struct pcl_dist *d, struct pcl_stream s, uint64_t index)
{
    struct pcl_philox r;

    switch (d->kind) {
    case PCL_DIST_CONST:
        return d->a;
    case PCL_DIST_UNIFORM:
        r = pcl_philox(s, index, 0);
        return d->a + (int64_t)pcl_philox_below(r, (uint64_t)(d->b - d->a) + 1);
    case PCL_DIST_EXP:
        r = pcl_philox(s, index, 0);
        return exp_from_bits(r.w[0], d->a);
    case PCL_DIST_LOGNORMAL:
        r = pcl_philox(s, index, 0);
        return lognormal(r.w[0], d->a, d->s);
    }
    PCL_ASSERT(d->kind <= PCL_DIST_LOGNORMAL);
    return 0;
}
