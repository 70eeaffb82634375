/*
 * The generator: it is Philox (published vectors), its bits are uniform, and streams that
 * differ in any part of their name have nothing to do with each other.
 */
#include "stat.h"

#include "philox.h"

/* kat_vectors of the Random123 distribution, philox2x64: rounds, counter, key, result. */
static void philox_gives_the_published_vectors(void **unused)
{
    static const struct {
        int rounds;
        uint64_t c0, c1, key, w0, w1;
    } cases[] = {
        {7, 0, 0, 0, 0xb41da69fbfefc666, 0x511e9ce1a5534056},
        {7, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0xa4696cc04462015d, 0x724782dae17169e9},
        {7, 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x98ed1534392bf372,
         0x67528b1568882fd5},
        {10, 0, 0, 0, 0xca00a0459843d731, 0x66c24222c9a845b5},
        {10, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0x65b021d60cd8310f, 0x4d02f3222f86df20},
        {10, 0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x0a5e742c2997341c,
         0xb0f883d38000de5d},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pcl_philox r =
            pcl_philox2x64(cases[i].key, cases[i].c0, cases[i].c1, cases[i].rounds);

        assert_int_equal(r.w[0], cases[i].w0);
        assert_int_equal(r.w[1], cases[i].w1);
    }
    struct pcl_stream pi = {0xa4093822299f31d0};
    assert_int_equal(pcl_bits(pi, 0x243f6a8885a308d3, 0x13198a2e03707344), 0x98ed1534392bf372);
}

static void keys_and_bits_never_change(void **unused)
{
    struct pcl_stream s = pcl_stream(42, 7, 123456789, PCL_DRAW_OFFSET);

    (void)unused;
    assert_int_equal(s.key, UINT64_C(0xb7f0e080a40d2505));
    assert_int_equal(pcl_bits(s, 0, 0), UINT64_C(0x8b89dc41bf56c66d));
    assert_int_equal(pcl_bits(s, 1, 2), UINT64_C(0xb9b1783c69b336ea));
    assert_int_equal(pcl_below(s, 3, 0, 1000), 680);
    assert_int_equal(pcl_below(s, 3, 0, UINT64_MAX), UINT64_C(0xae4d8360ecb8b63f));
}

static void every_byte_is_uniform(void **unused)
{
    enum { N = 1 << 18 };
    struct pcl_stream s = pcl_stream(1, 0, 0, PCL_DRAW_THINK);

    (void)unused;
    for (unsigned byte = 0; byte < 8; byte++) {
        uint64_t seen[256] = {0};
        double expected[256];

        for (size_t i = 0; i < 256; i++)
            expected[i] = N / 256.0;
        for (uint64_t i = 0; i < N; i++)
            seen[pcl_bits(s, i, 0) >> (8 * byte) & 255]++;
        assert_chi_square(seen, expected, 256);
    }
}

static double uniform_cdf(double x, const double *arg)
{
    (void)arg;
    return x;
}

static void fractions_are_uniform(void **unused)
{
    enum { N = 1000000 };
    double *x = pcl_xcalloc(N, sizeof(*x));
    struct pcl_stream s = pcl_stream(2, 0, 0, PCL_DRAW_THINK);

    (void)unused;
    for (uint64_t i = 0; i < N; i++)
        x[i] = unit(pcl_bits(s, i, 0));
    struct moments m = moments_of(x, N);
    assert_near(m.mean, 0.5, 4 * sqrt(1 / 12.0 / N));
    assert_near(m.var, 1 / 12.0, 4 * sqrt(1 / 180.0 / N));
    assert_between(0, ks_distance(x, N, uniform_cdf, NULL), ks_bound(N));
    free(x);
}

static void one_flipped_bit_of_the_counter_flips_half_the_bits(void **unused)
{
    enum { N = 2000 };
    struct pcl_stream s = pcl_stream(3, 0, 0, PCL_DRAW_THINK);

    (void)unused;
    for (unsigned bit = 0; bit < 128; bit++) {
        uint64_t flip0 = bit < 64 ? UINT64_C(1) << bit : 0;
        uint64_t flip1 = bit < 64 ? 0 : UINT64_C(1) << (bit - 64);
        int flipped = 0;

        for (uint64_t i = 0; i < N; i++)
            flipped += __builtin_popcountll(pcl_bits(s, i, i % 3) ^
                                            pcl_bits(s, i ^ flip0, (i % 3) ^ flip1));
        /* 64 N fair coins: standard deviation 4 sqrt(N); 128 cases are looked at */
        assert_near(flipped, 32.0 * N, 5 * 4 * sqrt(N));
    }
}

/* Both streams cut into 16 classes, side by side: 256 equally likely cells. */
static double p_value_of_pair(struct pcl_stream s, struct pcl_stream t, uint64_t shift,
                              uint64_t lane)
{
    enum { N = 20000 };
    double expected = N / 256.0, x = 0;
    uint64_t seen[256] = {0};

    for (uint64_t i = 0; i < N; i++)
        seen[(pcl_bits(s, i, 0) >> 60) * 16 + (pcl_bits(t, i + shift, lane) >> 60)]++;
    for (size_t i = 0; i < 256; i++)
        x += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
    return gsl_cdf_chisq_Q(x, 255);
}

/* The p-values of many pairs must be uniform themselves: that sees a small dependence which
 * each pair alone would pass, and does not trip over the one odd pair that chance brings. */
static void streams_and_lanes_are_independent(void **unused)
{
    enum { PAIRS = 40, WAYS = 7 };
    double p[WAYS][PAIRS];

    (void)unused;
    for (uint32_t k = 0; k < PAIRS; k++) {
        struct pcl_stream s = pcl_stream(k, 1, 1, PCL_DRAW_MIX);

        p[0][k] = p_value_of_pair(s, pcl_stream(k + 1, 1, 1, PCL_DRAW_MIX), 0, 0);
        p[1][k] = p_value_of_pair(s, pcl_stream(k, 2, 1, PCL_DRAW_MIX), 0, 0);
        p[2][k] = p_value_of_pair(s, pcl_stream(k, 1, 2, PCL_DRAW_MIX), 0, 0);
        p[3][k] = p_value_of_pair(s, pcl_stream(k, 1, 1, PCL_DRAW_OFFSET), 0, 0);
        p[4][k] = p_value_of_pair(s, s, 1, 0);
        p[5][k] = p_value_of_pair(s, s, 0, 1);
        p[6][k] = p_value_of_pair(s, s, UINT64_C(1) << 40, 0);
    }
    for (size_t way = 0; way < WAYS; way++)
        assert_between(0, ks_distance(p[way], PAIRS, uniform_cdf, NULL), ks_bound(PAIRS));
}

/* The first draws of many entities are a random sequence, too: that is how ranks are drawn. */
static void draws_across_entities_are_uniform(void **unused)
{
    enum { N = 200000 };
    uint64_t seen[1000] = {0};
    double expected[1000];

    (void)unused;
    for (size_t i = 0; i < 1000; i++)
        expected[i] = N / 1000.0;
    for (uint64_t i = 0; i < N; i++)
        seen[pcl_below(pcl_stream(5, 0, i, PCL_DRAW_START), 0, 0, 1000)]++;
    assert_chi_square(seen, expected, 1000);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void no_two_names_share_a_key(void **unused)
{
    enum { SEEDS = 3, REPLICATIONS = 20, ENTITIES = 400, PURPOSES = PCL_DRAW_ANALYSIS + 1 };
    size_t n = 0, all = (size_t)SEEDS * REPLICATIONS * ENTITIES * PURPOSES;
    uint64_t *key = pcl_xcalloc(all, sizeof(*key));

    (void)unused;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (uint32_t rep = 0; rep < REPLICATIONS; rep++)
            for (uint64_t entity = 0; entity < ENTITIES; entity++)
                for (unsigned p = 0; p < PURPOSES; p++)
                    key[n++] = pcl_stream(seed, rep, entity, (enum pcl_purpose)p).key;
    qsort(key, n, sizeof(*key), by_key);
    for (size_t i = 1; i < n; i++)
        assert_true(key[i - 1] < key[i]);
    free(key);
}

static void below_stays_below_and_is_fair(void **unused)
{
    enum { N = 300000 };
    struct pcl_stream s = pcl_stream(6, 0, 0, PCL_DRAW_PICK);
    uint64_t seen[7] = {0}, rest[3] = {0};
    double sevenths[7], thirds[3];

    (void)unused;
    for (size_t i = 0; i < 7; i++)
        sevenths[i] = N / 7.0;
    for (size_t i = 0; i < 3; i++)
        thirds[i] = N / 3.0;
    for (uint64_t i = 0; i < N; i++) {
        assert_int_equal(pcl_below(s, i, 0, 1), 0);
        assert_true(pcl_below(s, i, 0, UINT64_MAX) < UINT64_MAX);
        seen[pcl_below(s, i, 0, 7)]++;
        /* with 64 bits alone every second value here would be a multiple of three */
        rest[pcl_below(s, i, 0, UINT64_C(3) << 62) % 3]++;
    }
    assert_chi_square(seen, sevenths, 7);
    assert_chi_square(rest, thirds, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_vectors),
        cmocka_unit_test(keys_and_bits_never_change),
        cmocka_unit_test(every_byte_is_uniform),
        cmocka_unit_test(fractions_are_uniform),
        cmocka_unit_test(one_flipped_bit_of_the_counter_flips_half_the_bits),
        cmocka_unit_test(streams_and_lanes_are_independent),
        cmocka_unit_test(draws_across_entities_are_uniform),
        cmocka_unit_test(no_two_names_share_a_key),
        cmocka_unit_test(below_stays_below_and_is_fair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
