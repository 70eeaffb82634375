/*
 * The fingerprint tells sequences apart: by content, by order, by length, by zeros; and it
 * never changes, since stores compare fingerprints of different days.
 */
#include "stat.h"

#include <pclsim/fingerprint.h>

static uint64_t of(const uint64_t *words, size_t n)
{
    struct pcl_fp fp = {0};

    for (size_t i = 0; i < n; i++)
        pcl_fp_add(&fp, words[i]);
    return pcl_fp_value(&fp);
}

static uint64_t of_bytes(const char *a, size_t n, const char *b, size_t m)
{
    struct pcl_fp fp = {0};

    pcl_fp_add_bytes(&fp, a, n);
    pcl_fp_add_bytes(&fp, b, m);
    return pcl_fp_value(&fp);
}

static void it_never_changes(void **unused)
{
    (void)unused;
    assert_int_equal(of(NULL, 0), UINT64_C(0));
    assert_int_equal(of((const uint64_t[]){1, 2, 3}, 3), UINT64_C(0x2940d44721572743));
    assert_int_equal(of_bytes("xfs", 3, "page lock", 9), UINT64_C(0xec84d9bccb97a5df));
}

static void order_counts(void **unused)
{
    (void)unused;
    assert_true(of((const uint64_t[]){1, 2}, 2) != of((const uint64_t[]){2, 1}, 2));
    assert_true(of((const uint64_t[]){0, 1}, 2) != of((const uint64_t[]){1, 0}, 2));
}

static void looking_does_not_change_it(void **unused)
{
    struct pcl_fp fp = {0};

    (void)unused;
    pcl_fp_add(&fp, 1);
    (void)pcl_fp_value(&fp);
    pcl_fp_add(&fp, 2);
    (void)pcl_fp_value(&fp);
    pcl_fp_add(&fp, 3);
    assert_int_equal(pcl_fp_value(&fp), of((const uint64_t[]){1, 2, 3}, 3));
}

static void bytes_keep_their_borders(void **unused)
{
    (void)unused;
    assert_true(of_bytes("ab", 2, "c", 1) != of_bytes("a", 1, "bc", 2));
    assert_true(of_bytes("a", 1, "", 0) != of_bytes("", 0, "a", 1));
    assert_true(of_bytes("a\0", 2, "", 0) != of_bytes("a", 1, "", 0));
}

static int by_value64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void assert_all_differ(uint64_t *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value64);
    for (size_t i = 1; i < n; i++)
        assert_true(v[i - 1] < v[i]);
}

/* Every single-bit change of every word, runs of equal words of all lengths, small values: the
 * sequences that a simulator makes. None may collide. */
static void similar_sequences_differ(void **unused)
{
    enum { WORDS = 32, RUNS = 20000, SMALL = 64 };
    size_t n = 0;
    uint64_t *v = pcl_xcalloc(WORDS * 64 + 2 * RUNS + SMALL * SMALL, sizeof(*v));
    uint64_t words[WORDS] = {0};
    struct pcl_fp zeros = {0}, ones = {0};

    (void)unused;
    for (size_t i = 0; i < WORDS; i++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            words[i] = UINT64_C(1) << bit;
            v[n++] = of(words, WORDS);
        }
        words[i] = 0;
    }
    for (size_t i = 0; i < RUNS; i++) {
        pcl_fp_add(&zeros, 0);
        pcl_fp_add(&ones, UINT64_MAX);
        v[n++] = pcl_fp_value(&zeros);
        v[n++] = pcl_fp_value(&ones);
    }
    for (uint64_t a = 0; a < SMALL; a++)
        for (uint64_t b = 0; b < SMALL; b++)
            v[n++] = of((const uint64_t[]){a + 1, b, 7}, 3);
    assert_all_differ(v, n);
    free(v);
}

/* A state that cancels the next word must not get stuck there. */
static void no_word_traps_it(void **unused)
{
    struct pcl_fp fp = {0};

    (void)unused;
    for (int i = 0; i < 1000; i++) {
        struct pcl_fp before = fp;

        pcl_fp_add(&fp, fp.a + fp.b + UINT64_C(0x9E3779B97F4A7C15)); /* a becomes 0 */
        assert_int_equal(fp.a, 0);
        assert_true(pcl_fp_value(&fp) != pcl_fp_value(&before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_never_changes),
        cmocka_unit_test(order_counts),
        cmocka_unit_test(looking_does_not_change_it),
        cmocka_unit_test(bytes_keep_their_borders),
        cmocka_unit_test(similar_sequences_differ),
        cmocka_unit_test(no_word_traps_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
