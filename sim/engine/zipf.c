/*
 * Zipf ranks by rejection-inversion (Hoermann and Derflinger, ACM TOMACS 6, 1996): the weights
 * k^-s lie below a hat whose integral has a closed inverse, and nearly all points under the hat
 * are taken. No memory in proportion to n, so a file may have 2^51 pages.
 *
 * An attempt is a lane of the draw's index, so a rejection moves no other draw.
 */
#include <pclsim/dist.h>

/* exp(x) - 1 and ln(1 + x) without cancellation near 0, by Kahan's quotients: the rounding
 * errors of numerator and denominator are the same one. */
static double exp_minus_1(double x)
{
    if (x < -40)
        return -1;

    double u = pcl_exp(x);
    return u == 1 ? x : (u - 1) * (x / pcl_ln(u));
}

static double ln_plus_1(double x)
{
    double u = 1 + x;

    return u == 1 ? x : pcl_ln(u) * (x / (u - 1));
}

static double exp_or_0(double x)
{
    return x < -690 ? 0 : pcl_exp(x);
}

/* x^-s */
static double hat(double s, double x)
{
    return exp_or_0(-s * pcl_ln(x));
}

/* The integral of the hat, (x^(1-s) - 1) / (1 - s), and ln x where s is 1. */
static double hat_integral(double s, double x)
{
    double l = pcl_ln(x), t = (1 - s) * l;

    return t == 0 ? l : exp_minus_1(t) / t * l;
}

static double hat_integral_inverse(double s, double y, double largest)
{
    double t = y * (1 - s);

    if (t <= -1) /* the integral stays below 1 / (s - 1); rounding got past it */
        return largest;

    double l = t == 0 ? y : ln_plus_1(t) / t * y;
    return l > 44 ? largest : exp_or_0(l);
}

void pcl_zipf_init(struct pcl_zipf_law *z, uint64_t n, double s)
{
    PCL_ASSERT(n >= 1 && s > 0);
    double largest = (double)n + 0.5;

    *z = (struct pcl_zipf_law){.n = n, .s = s};
    z->first = hat_integral(s, 1.5) - 1;
    z->last = hat_integral(s, largest);
    z->sure = 2 - hat_integral_inverse(s, hat_integral(s, 2.5) - hat(s, 2), largest);
}

static uint64_t nearest_rank(double x, uint64_t n)
{
    if (x >= (double)n)
        return n;
    return x < 1.5 ? 1 : (uint64_t)(x + 0.5);
}

uint64_t pcl_zipf_draw(const struct pcl_zipf_law *z, struct pcl_stream st, uint64_t index)
{
    if (z->n == 1)
        return 0;
    for (uint64_t attempt = 0;; attempt++) {
        double share = (double)(pcl_bits(st, index, attempt) >> 11) * 0x1p-53;
        double u = z->last + share * (z->first - z->last);
        double x = hat_integral_inverse(z->s, u, (double)z->n);
        uint64_t rank = nearest_rank(x, z->n); /* 1 .. n */
        double k = (double)rank;

        if (k - x <= z->sure || u >= hat_integral(z->s, k + 0.5) - hat(z->s, k))
            return rank - 1;
    }
}

uint64_t pcl_zipf(struct pcl_stream st, uint64_t index, uint64_t n, double s)
{
    struct pcl_zipf_law z;

    pcl_zipf_init(&z, n, s);
    return pcl_zipf_draw(&z, st, index);
}
