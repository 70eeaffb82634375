/*
 * Zipf ranks have the probabilities k^-s / sum, for exponents on both sides of 1 and at it,
 * from one rank to as many as a file has pages.
 */
#include "stat.h"

#define N 500000

static double zeta(uint64_t n, double s) /* smallest terms first */
{
    double sum = 0;

    for (uint64_t k = n; k >= 1; k--)
        sum += pow((double)k, -s);
    return sum;
}

/* Counts the first ranks one by one and the rest in one class. */
static void assert_zipf(uint64_t n, double s)
{
    enum { HEAD = 20 };
    size_t head = n > HEAD ? HEAD : (size_t)n, classes = head + (n > HEAD);
    double total = zeta(n, s), expected[HEAD + 1], left = N;
    uint64_t seen[HEAD + 1] = {0};
    struct pcl_stream st = pcl_stream(n, 0, 0, PCL_DRAW_OFFSET);
    struct pcl_zipf_law z;

    pcl_zipf_init(&z, n, s);
    for (size_t k = 0; k < head; k++) {
        expected[k] = N * pow((double)k + 1, -s) / total;
        left -= expected[k];
    }
    expected[head < HEAD + 1 ? head : HEAD] = left;
    for (uint64_t i = 0; i < N; i++) {
        uint64_t k = pcl_zipf_draw(&z, st, i);

        assert_true(k < n);
        seen[k < head ? k : head]++;
    }
    assert_chi_square(seen, expected, classes);
}

static void ranks_have_the_exact_probabilities(void **unused)
{
    static const double exponents[] = {0.2, 0.5, 0.99, 1, 1.0000001, 1.1, 1.5, 2.5};

    (void)unused;
    for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
        assert_zipf(2, exponents[i]);
        assert_zipf(10, exponents[i]);
        assert_zipf(1000, exponents[i]);
    }
    assert_zipf(1000000, 1.1);
    assert_zipf(1000000, 0.8);
}

/* n = 2^51 pages at s = 1: the harmonic number is ln n + 0.5772, and ranks up to sqrt n get
 * half. */
static void a_file_of_8_eib_has_enough_ranks(void **unused)
{
    uint64_t n = UINT64_C(1) << 51, root = UINT64_C(1) << 25;
    double share = (log((double)root) + 0.5772) / (log((double)n) + 0.5772);
    struct pcl_stream st = pcl_stream(1, 0, 0, PCL_DRAW_OFFSET);
    struct pcl_zipf_law z;
    size_t low = 0;

    (void)unused;
    pcl_zipf_init(&z, n, 1);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t k = pcl_zipf_draw(&z, st, i);

        assert_true(k < n);
        low += k < root;
    }
    assert_near((double)low, N * share, 4 * sqrt(N * share * (1 - share)));
}

static void extremes_stay_in_range(void **unused)
{
    static const double exponents[] = {1e-9, 0.01, 1, 5, 50, 1000};
    static const uint64_t sizes[] = {1, 2, 3, UINT64_C(1) << 53, UINT64_MAX};

    (void)unused;
    for (size_t e = 0; e < sizeof(exponents) / sizeof(exponents[0]); e++)
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
            for (uint64_t i = 0; i < 500; i++)
                assert_true(pcl_zipf((struct pcl_stream){99}, i, sizes[j], exponents[e]) <
                            sizes[j]);
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(pcl_zipf((struct pcl_stream){99}, i, 1000, 50), 0);
}

static void ranks_never_change(void **unused)
{
    static const uint64_t want[] = {5100369343, 43, 2652371, 228821645115, 14860318, 0},
                          want08[] = {691030, 10180, 366377, 814272, 446550, 28};
    struct pcl_stream st = {UINT64_C(0x5EED)};

    (void)unused;
    for (uint64_t i = 0; i < 6; i++) {
        assert_int_equal(pcl_zipf(st, i, UINT64_C(1) << 51, 1.1), want[i]);
        assert_int_equal(pcl_zipf(st, i, 1000000, 0.8), want08[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_have_the_exact_probabilities),
        cmocka_unit_test(a_file_of_8_eib_has_enough_ranks),
        cmocka_unit_test(extremes_stay_in_range),
        cmocka_unit_test(ranks_never_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
