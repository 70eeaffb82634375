/*
 * The histogram keeps its promise (a quantile is off by at most 0.4 %) on data that broke
 * running quantile estimators, merges as a union, and survives any bytes that it is asked to
 * decode.
 */
#include "stat.h"

#include <pclsim/hist.h>

#include <string.h>

#define N 100000

static const double shares[] = {0,    0.001, 0.01,  0.1,    0.25,    0.5,      0.75, 0.9,
                                0.95, 0.99,  0.999, 0.9999, 0.99999, 0.999999, 1};

static int by_int(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* --- the mixtures ------------------------------------------------------------------------ */

static int64_t fast_and_slow(struct pcl_stream s, uint64_t i) /* 95 % 1 us, 5 % 10 ms */
{
    return pcl_exp_from_bits(pcl_bits(s, i, 0), pcl_below(s, i, 1, 20) ? 1000 : 10000000);
}

static int64_t two_points(struct pcl_stream s, uint64_t i)
{
    return pcl_below(s, i, 0, 100) ? 7 : 123456789012;
}

static int64_t around_powers_of_two(struct pcl_stream s, uint64_t i)
{
    int64_t power = INT64_C(1) << pcl_below(s, i, 0, 62);

    return power + (int64_t)pcl_below(s, i, 1, 3) - 1;
}

static int64_t heavy_tail(struct pcl_stream s, uint64_t i)
{
    return pcl_dist_draw(&(struct pcl_dist){PCL_DIST_LOGNORMAL, 100000, 0, 30}, s, i);
}

static int64_t tiny(struct pcl_stream s, uint64_t i)
{
    return (int64_t)pcl_below(s, i, 0, 300);
}

static int64_t constant(struct pcl_stream s, uint64_t i)
{
    (void)s;
    (void)i;
    return 1000003;
}

static int64_t all_magnitudes(struct pcl_stream s, uint64_t i)
{
    return (int64_t)(pcl_bits(s, i, 0) >> (1 + pcl_below(s, i, 1, 63)));
}

static int64_t (*const mixtures[])(struct pcl_stream s, uint64_t i) = {
    fast_and_slow, two_points, around_powers_of_two, heavy_tail,
    tiny,          constant,   all_magnitudes};

#define N_MIXTURES (sizeof(mixtures) / sizeof(mixtures[0]))

static int64_t *samples(size_t mixture, struct pcl_hist *h)
{
    struct pcl_stream s = pcl_stream(1, 0, mixture, PCL_DRAW_HOLD);
    int64_t *x = pcl_xcalloc(N, sizeof(*x));

    pcl_hist_init(h);
    for (size_t i = 0; i < N; i++) {
        x[i] = mixtures[mixture](s, i);
        pcl_hist_add(h, x[i]);
    }
    qsort(x, N, sizeof(*x), by_int);
    return x;
}

static void assert_equal_hist(const struct pcl_hist *a, const struct pcl_hist *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->min, b->min);
    assert_int_equal(a->max, b->max);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        assert_int_equal(pcl_hist_quantile(a, shares[i]), pcl_hist_quantile(b, shares[i]));
    for (size_t k = 0; k < sizeof(a->block) / sizeof(a->block[0]); k++) {
        assert_int_equal(a->block[k] != NULL, b->block[k] != NULL);
        if (a->block[k])
            assert_memory_equal(a->block[k], b->block[k], 128 * sizeof(uint64_t));
    }
}

/* --- claims ------------------------------------------------------------------------------ */

static void quantiles_are_off_by_less_than_half_a_percent(void **unused)
{
    (void)unused;
    for (size_t m = 0; m < N_MIXTURES; m++) {
        struct pcl_hist h;
        int64_t *x = samples(m, &h);

        for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
            size_t rank = (size_t)ceil(shares[i] * (double)N - 1e-6);
            double want = (double)x[rank ? rank - 1 : 0];

            assert_near((double)pcl_hist_quantile(&h, shares[i]), want, want * 0.004);
        }
        assert_int_equal(pcl_hist_quantile(&h, 0), x[0]);
        assert_int_equal(pcl_hist_quantile(&h, 1), x[N - 1]);
        assert_int_equal(h.min, x[0]);
        assert_int_equal(h.max, x[N - 1]);
        assert_int_equal(h.count, N);

        double sum = 0;
        for (size_t i = 0; i < N; i++)
            sum += (double)x[i];
        assert_near(pcl_hist_mean(&h), sum / (double)N, sum / (double)N * 1e-12);
        free(x);
        pcl_hist_fini(&h);
    }
}

static void small_values_are_exact(void **unused)
{
    struct pcl_hist h;
    int64_t *x = samples(4, &h);

    (void)unused;
    for (size_t i = 0; i < 1000; i++) {
        size_t rank = (i * N + 999) / 1000;

        if (x[rank ? rank - 1 : 0] < 256)
            assert_int_equal(pcl_hist_quantile(&h, (double)i / 1000), x[rank ? rank - 1 : 0]);
    }
    free(x);
    pcl_hist_fini(&h);
}

static void an_empty_histogram_answers_0(void **unused)
{
    struct pcl_hist h;

    (void)unused;
    pcl_hist_init(&h);
    assert_int_equal(pcl_hist_quantile(&h, 0.5), 0);
    assert_near(pcl_hist_mean(&h), 0, 0);
    pcl_hist_fini(&h);
}

static void the_ends_of_the_range_fit(void **unused)
{
    struct pcl_hist h;

    (void)unused;
    pcl_hist_init(&h);
    pcl_hist_add(&h, -5);
    pcl_hist_add(&h, INT64_MIN);
    assert_int_equal(h.max, 0);
    pcl_hist_add(&h, INT64_MAX);
    assert_int_equal(h.min, 0);
    assert_int_equal(pcl_hist_quantile(&h, 0.5), 0);
    assert_int_equal(pcl_hist_quantile(&h, 1), INT64_MAX);
    assert_int_equal(pcl_hist_quantile(&h, 1.5), INT64_MAX);
    assert_int_equal(pcl_hist_quantile(&h, -1), 0);
    pcl_hist_fini(&h);
}

static void quantile_ranks_are_not_shifted_by_rounding(void **unused)
{
    struct pcl_hist h;

    (void)unused;
    pcl_hist_init(&h);
    for (int64_t v = 1; v <= 100; v++)
        pcl_hist_add(&h, v);
    for (int i = 1; i <= 100; i++)
        assert_int_equal(pcl_hist_quantile(&h, i / 100.0), i);
    pcl_hist_fini(&h);
}

struct sum {
    uint64_t n;
    int64_t last;
};

static void add_up(int64_t lo, int64_t hi, uint64_t n, void *arg)
{
    struct sum *s = arg;

    assert_true(lo > s->last && hi >= lo && n > 0);
    s->last = hi;
    s->n += n;
}

static void each_visits_all_samples_in_order(void **unused)
{
    (void)unused;
    for (size_t m = 0; m < N_MIXTURES; m++) {
        struct pcl_hist h;
        struct sum s = {0, -1};

        free(samples(m, &h));
        pcl_hist_each(&h, add_up, &s);
        assert_int_equal(s.n, N);
        pcl_hist_fini(&h);
    }
}

static void merging_is_adding_all(void **unused)
{
    for (size_t m = 0; m < N_MIXTURES; m++) {
        struct pcl_hist a, b, both;
        int64_t *x = samples(m, &both);

        (void)unused;
        pcl_hist_init(&a);
        pcl_hist_init(&b);
        for (size_t i = 0; i < N; i++)
            pcl_hist_add(i % 3 ? &a : &b, x[i]);
        pcl_hist_merge(&a, &b);
        assert_equal_hist(&a, &both);
        assert_near(a.sum, both.sum, both.sum * 1e-12);
        assert_near(a.sum_sq, both.sum_sq, both.sum_sq * 1e-9);
        free(x);
        pcl_hist_fini(&a);
        pcl_hist_fini(&b);
        pcl_hist_fini(&both);
    }
}

static void merging_with_nothing_changes_nothing(void **unused)
{
    struct pcl_hist a, empty, copy;

    (void)unused;
    free(samples(0, &a));
    pcl_hist_init(&empty);
    pcl_hist_init(&copy);
    pcl_hist_merge(&copy, &a);
    pcl_hist_merge(&copy, &empty);
    assert_equal_hist(&copy, &a);
    pcl_hist_fini(&a);
    pcl_hist_fini(&copy);
    pcl_hist_fini(&empty);
}

/* --- encoding ---------------------------------------------------------------------------- */

static void decoding_gives_back_what_was_encoded(void **unused)
{
    (void)unused;
    for (size_t m = 0; m < N_MIXTURES; m++) {
        struct pcl_hist h, back;
        size_t size, again;

        free(samples(m, &h));
        void *data = pcl_hist_encode(&h, &size);
        assert_int_equal(pcl_hist_decode(&back, data, size), PCL_OK);
        assert_equal_hist(&back, &h);
        assert_near(back.sum, h.sum, 0);
        assert_near(back.sum_sq, h.sum_sq, 0);

        void *data2 = pcl_hist_encode(&back, &again);
        assert_int_equal(again, size);
        assert_memory_equal(data2, data, size);
        free(data);
        free(data2);
        pcl_hist_fini(&h);
        pcl_hist_fini(&back);
    }
}

static void an_empty_one_is_two_bytes(void **unused)
{
    struct pcl_hist h, back;
    size_t size;

    (void)unused;
    pcl_hist_init(&h);
    void *data = pcl_hist_encode(&h, &size);
    assert_int_equal(size, 2);
    assert_int_equal(pcl_hist_decode(&back, data, size), PCL_OK);
    assert_int_equal(back.count, 0);
    free(data);
}

/* What is accepted must be sound: the rest of the program trusts it. */
static void decode_hostile(const unsigned char *data, size_t size)
{
    /* a copy of the exact size, so that the address sanitizer sees a read past the end */
    unsigned char *copy = pcl_xcalloc(size + !size, 1);
    struct pcl_hist h;
    struct sum s = {0, -1};

    memcpy(copy, data, size);
    if (pcl_hist_decode(&h, copy, size) == PCL_OK) {
        pcl_hist_each(&h, add_up, &s);
        assert_int_equal(s.n, h.count);
        int64_t median = pcl_hist_quantile(&h, 0.5);
        assert_true(h.count == 0 || (h.min <= median && median <= h.max));
        pcl_hist_fini(&h);
    }
    assert_int_equal(h.count, 0);
    for (size_t k = 0; k < sizeof(h.block) / sizeof(h.block[0]); k++)
        assert_null(h.block[k]);
    free(copy);
}

static void truncated_input_is_refused(void **unused)
{
    struct pcl_hist h, back;
    size_t size;

    (void)unused;
    free(samples(0, &h));
    unsigned char *data = pcl_hist_encode(&h, &size);
    for (size_t n = 0; n < size; n++) {
        decode_hostile(data, n);
        assert_int_equal(pcl_hist_decode(&back, data, n), PCL_EINVAL);
    }
    free(data);
    data = pcl_xcalloc(size + 1, 1); /* and so is a byte too many */
    assert_int_equal(pcl_hist_decode(&back, data, size + 1), PCL_EINVAL);
    free(data);
    pcl_hist_fini(&h);
}

static void damaged_input_never_crashes(void **unused)
{
    struct pcl_stream s = pcl_stream(9, 0, 0, PCL_DRAW_PICK);

    (void)unused;
    for (size_t m = 0; m < N_MIXTURES; m++) {
        struct pcl_hist h;
        size_t size;

        free(samples(m, &h));
        unsigned char *data = pcl_hist_encode(&h, &size);
        size_t flips = size < 400 ? size * 8 : 3200;
        for (size_t i = 0; i < flips; i++) {
            size_t bit = size < 400 ? i : (size_t)pcl_below(s, i, 0, size * 8);

            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            decode_hostile(data, size);
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        free(data);
        pcl_hist_fini(&h);
    }
    for (uint64_t i = 0; i < 20000; i++) { /* noise behind a good first byte */
        unsigned char noise[64] = {1};

        for (size_t j = 1; j < sizeof(noise); j++)
            noise[j] = (unsigned char)(pcl_bits(s, i, j + 1) & (i & 1 ? 255 : 15));
        decode_hostile(noise, (size_t)pcl_below(s, i, 1, sizeof(noise) + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_off_by_less_than_half_a_percent),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(an_empty_histogram_answers_0),
        cmocka_unit_test(the_ends_of_the_range_fit),
        cmocka_unit_test(quantile_ranks_are_not_shifted_by_rounding),
        cmocka_unit_test(each_visits_all_samples_in_order),
        cmocka_unit_test(merging_is_adding_all),
        cmocka_unit_test(merging_with_nothing_changes_nothing),
        cmocka_unit_test(decoding_gives_back_what_was_encoded),
        cmocka_unit_test(an_empty_one_is_two_bytes),
        cmocka_unit_test(truncated_input_is_refused),
        cmocka_unit_test(damaged_input_never_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
