/*
 * ln, exp and the normal quantile from additions, multiplications, divisions and square roots
 * only: IEEE 754 defines those to the last bit, a C library's log and exp it does not. Built
 * with -ffp-contract=off, so that no compiler fuses two of them.
 */
#include <pclsim/dist.h>

#include <float.h>
#include <math.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "doubles must be computed as doubles");

/* ln 2 in two parts: the first has 32 bits, so that k * LN2_HI is exact for every exponent k.
 */
#define LN2_HI 0x1.62e42feep-1
#define LN2_LO 0x1.a39ef35793c76p-33
#define INV_LN2 0x1.71547652b82fep+0

#define FRACTION UINT64_C(0x000FFFFFFFFFFFFF)

static uint64_t bits_of(double x)
{
    uint64_t b;

    memcpy(&b, &x, sizeof(b));
    return b;
}

static double from_bits(uint64_t b)
{
    double x;

    memcpy(&x, &b, sizeof(x));
    return x;
}

/* c[0] + x (c[1] + x (... c[n - 1])). */
static double horner(double x, const double *c, int n)
{
    double y = c[n - 1];

    for (int i = n - 2; i >= 0; i--)
        y = y * x + c[i];
    return y;
}

/*
 * x = 2^k (1 + f) with 1 + f in [0.707, 1.414], and s = f / (2 + f):
 *
 *     ln(1 + f) = 2 artanh s = f - (f^2/2 - s (f^2/2 + R)),   R = 2 s^2/3 + 2 s^4/5 + ...
 *
 * s^2 < 0.0295, so ten terms of R reach past the last bit. The right form keeps the exact f in
 * front and lets only the small correction be rounded.
 */
double pcl_ln(double x)
{
    static const double r[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11,
                               2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
    int k = 0;

    PCL_ASSERT(x > 0 && x <= DBL_MAX);
    if (x < DBL_MIN) { /* subnormal */
        x *= 0x1p54;
        k = -54;
    }

    uint64_t b = bits_of(x);
    k += (int)(b >> 52) - 1023;
    double m = from_bits((b & FRACTION) | UINT64_C(1023) << 52); /* [1, 2) */
    if (m > 0x1.6a09e667f3bcdp+0) {                              /* square root of 2 */
        m *= 0.5;
        k++;
    }

    double f = m - 1, half = 0.5 * f * f, s = f / (2 + f), z = s * s;
    double rest = z * horner(z, r, (int)(sizeof(r) / sizeof(r[0])));
    return k * LN2_HI - ((half - (s * (half + rest) + k * LN2_LO)) - f);
}

/* x = k ln 2 + r with |r| <= 0.347; the Taylor series of exp(r) to r^13 reaches past the last
 * bit. */
double pcl_exp(double x)
{
    static const double c[] = {1.0,
                               1.0,
                               1.0 / 2,
                               1.0 / 6,
                               1.0 / 24,
                               1.0 / 120,
                               1.0 / 720,
                               1.0 / 5040,
                               1.0 / 40320,
                               1.0 / 362880,
                               1.0 / 3628800,
                               1.0 / 39916800,
                               1.0 / 479001600,
                               1.0 / 6227020800};

    PCL_ASSERT(x > -700 && x < 700);
    int k = (int)(x * INV_LN2 + (x < 0 ? -0.5 : 0.5));
    double r = (x - k * LN2_HI) - k * LN2_LO;
    double y = horner(r, c, (int)(sizeof(c) / sizeof(c[0])));

    return y * from_bits((uint64_t)(1023 + k) << 52);
}

/* Wichura, Algorithm AS 241 (Applied Statistics 37, 1988), routine PPND16: three ratios of
 * polynomials, for the middle, the near tails and the far tails. */
double pcl_normal_quantile(double p)
{
    static const double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                               1.9715909503065514427e+3, 1.3731693765509461125e+4,
                               4.5921953931549871457e+4, 6.7265770927008700853e+4,
                               3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[] = {1.0,
                               4.2313330701600911252e+1,
                               6.8718700749205790830e+2,
                               5.3941960214247511077e+3,
                               2.1213794301586595867e+4,
                               3.9307895800092710610e+4,
                               2.8729085735721942674e+4,
                               5.2264952788528545610e+3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                               5.76949722146069140550e0,  3.64784832476320460504e0,
                               1.27045825245236838258e0,  2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    PCL_ASSERT(p > 0 && p < 1);
    double q = p - 0.5;

    if (q >= -0.425 && q <= 0.425) {
        double r = 0.180625 - q * q;

        return q * horner(r, a, 8) / horner(r, b, 8);
    }

    double r = sqrt(-pcl_ln(q < 0 ? p : 1 - p));
    double z = r <= 5 ? horner(r - 1.6, c, 8) / horner(r - 1.6, d, 8)
                      : horner(r - 5, e, 8) / horner(r - 5, f, 8);
    return q < 0 ? -z : z;
}
