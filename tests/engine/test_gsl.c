/*
 * GSL draws from our generator, gets all 64 bits of it, and no longer aborts the program.
 */
#include "stat.h"

#include <pclsim/gsl.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_vector.h>

#define N 400000

static const struct pcl_stream stream = {UINT64_C(0xA11CE)};

static void it_yields_the_draws_of_the_stream(void **unused)
{
    gsl_rng *r = pcl_gsl_rng_new(stream);

    (void)unused;
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(gsl_rng_get(r), pcl_bits(stream, i, 0));
    assert_near(gsl_rng_uniform(r), unit(pcl_bits(stream, 100, 0)), 0);
    assert_int_equal(gsl_rng_min(r), 0);
    assert_int_equal(gsl_rng_max(r), UINT64_MAX);
    assert_string_equal(gsl_rng_name(r), "pclsim-philox2x64");
    gsl_rng_free(r);
}

static void a_clone_goes_on_where_its_original_was(void **unused)
{
    gsl_rng *r = pcl_gsl_rng_new(stream);

    (void)unused;
    (void)gsl_rng_get(r);
    gsl_rng *copy = gsl_rng_clone(r);
    for (int i = 0; i < 10; i++)
        assert_int_equal(gsl_rng_get(r), gsl_rng_get(copy));
    gsl_rng_free(copy);
    gsl_rng_free(r);
}

/* GSL's own generators cut a seed to 32 bits; 2^32 + 5 would be 5. */
static void a_seed_counts_in_full(void **unused)
{
    gsl_rng *r = gsl_rng_alloc(pcl_gsl_rng_type());

    (void)unused;
    gsl_rng_set(r, 5);
    assert_int_equal(gsl_rng_get(r), pcl_bits(pcl_stream(5, 0, 0, PCL_DRAW_ANALYSIS), 0, 0));
    unsigned long second = gsl_rng_get(r);
    gsl_rng_set(r, 5);
    (void)gsl_rng_get(r);
    assert_int_equal(gsl_rng_get(r), second);
    gsl_rng_set(r, (UINT64_C(1) << 32) + 5);
    (void)gsl_rng_get(r);
    assert_true(gsl_rng_get(r) != second);
    gsl_rng_free(r);
}

static void randist_works_on_it(void **unused)
{
    gsl_rng *r = pcl_gsl_rng_new(stream);
    double *x = pcl_xcalloc(N, sizeof(*x));

    (void)unused;
    for (size_t i = 0; i < N; i++)
        x[i] = gsl_ran_exponential(r, 2);
    struct moments m = moments_of(x, N);
    assert_near(m.mean, 2, 4 * 2 / sqrt(N));
    assert_near(m.var, 4, 4 * 4 * sqrt(8.0 / N));
    for (size_t i = 0; i < N; i++)
        x[i] = gsl_ran_gaussian_ziggurat(r, 1);
    m = moments_of(x, N);
    assert_near(m.mean, 0, 4 / sqrt(N));
    assert_near(m.var, 1, 4 * sqrt(2.0 / N));
    free(x);
    gsl_rng_free(r);
}

static void uniform_int_takes_64_bits(void **unused)
{
    gsl_rng *r = pcl_gsl_rng_new(stream);
    unsigned long n = 1UL << 63;
    uint64_t seen[16] = {0};
    double expected[16];

    (void)unused;
    for (size_t i = 0; i < 16; i++)
        expected[i] = N / 16.0;
    for (size_t i = 0; i < N; i++) {
        unsigned long v = gsl_rng_uniform_int(r, n);

        assert_true(v < n);
        seen[v >> 59]++;
    }
    assert_chi_square(seen, expected, 16);
    for (size_t i = 0; i < 1000; i++)
        assert_true(gsl_rng_uniform_int(r, UINT64_MAX) < UINT64_MAX);
    gsl_rng_free(r);
}

/* With GSL's handler this test would end the program. */
static void errors_come_back_as_values(void **unused)
{
    (void)unused;
    pcl_gsl_init();
    pcl_gsl_init();
    gsl_vector *v = gsl_vector_alloc(2), *w = gsl_vector_alloc(3);
    assert_int_equal(gsl_vector_memcpy(v, w), GSL_EBADLEN);
    gsl_vector_free(v);
    gsl_vector_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_come_back_as_values),
        cmocka_unit_test(it_yields_the_draws_of_the_stream),
        cmocka_unit_test(a_clone_goes_on_where_its_original_was),
        cmocka_unit_test(a_seed_counts_in_full),
        cmocka_unit_test(randist_works_on_it),
        cmocka_unit_test(uniform_int_takes_64_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
