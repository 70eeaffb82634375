/*
 * The ordered map against a sorted array.
 */
#include "cache_test.h"

#include "btree.h"

#define KEYS 3000

struct sorted {
    pcl_u128 key[KEYS];
    uint64_t val[KEYS];
    unsigned n;
};

/* Number of keys < key. */
static unsigned rank_of(const struct sorted *s, pcl_u128 key)
{
    unsigned r = 0;

    while (r < s->n && s->key[r] < key)
        r++;
    return r;
}

static void sorted_set(struct sorted *s, pcl_u128 key, uint64_t val)
{
    unsigned r = rank_of(s, key);

    if (r == s->n || s->key[r] != key) {
        memmove(&s->key[r + 1], &s->key[r], (s->n - r) * sizeof s->key[0]);
        memmove(&s->val[r + 1], &s->val[r], (s->n - r) * sizeof s->val[0]);
        s->key[r] = key;
        s->n++;
    }
    s->val[r] = val;
}

static bool sorted_del(struct sorted *s, pcl_u128 key)
{
    unsigned r = rank_of(s, key);

    if (r == s->n || s->key[r] != key)
        return false;
    s->n--;
    memmove(&s->key[r], &s->key[r + 1], (s->n - r) * sizeof s->key[0]);
    memmove(&s->val[r], &s->val[r + 1], (s->n - r) * sizeof s->val[0]);
    return true;
}

static void assert_at(const struct pcl_btree *t, struct pcl_bt_at at, const struct sorted *s,
                      unsigned r)
{
    assert_int_equal(pcl_bt_valid(at), r < s->n);
    if (r < s->n) {
        assert_true(pcl_bt_key(t, at) == s->key[r]);
        assert_true(pcl_bt_val(t, at) == s->val[r]);
    }
}

static pcl_u128 some_key(struct rnd *r, uint64_t range)
{
    uint64_t k = rnd_below(r, range);

    return (pcl_u128)(k % 7) << 96 | k;
}

static void check_walk(const struct pcl_btree *t, const struct sorted *s)
{
    struct pcl_bt_at at = pcl_bt_ge(t, 0);

    for (unsigned i = 0; i < s->n; i++, at = pcl_bt_step(t, at))
        assert_at(t, at, s, i);
    assert_false(pcl_bt_valid(at));
    assert_true(pcl_btree_count(t) == s->n);
}

static void random_operations_agree_with_a_sorted_array(void **state)
{
    static struct sorted s;
    struct pcl_btree *t = pcl_btree_new(NULL);
    struct rnd r = {13};

    (void)state;
    s.n = 0;
    for (unsigned i = 0; i < 60000; i++) {
        /* phases that grow, shrink to nothing, and churn */
        unsigned phase = i / 6000 % 3;
        pcl_u128 key = some_key(&r, 2500);
        unsigned k = (unsigned)rnd_below(&r, 10), rank;

        if (k < (phase == 1 ? 0u : phase == 0 ? 6u : 3u)) {
            (void)pcl_bt_set(t, key, i);
            sorted_set(&s, key, i);
        } else if (k < 8) {
            if (phase == 1 && s.n > 0 && k < 6)
                key = s.key[rnd_below(&r, s.n)];
            assert_int_equal(pcl_bt_del(t, key), sorted_del(&s, key));
        } else {
            rank = rank_of(&s, key);
            assert_at(t, pcl_bt_ge(t, key), &s, rank);
            if (rank < s.n && s.key[rank] == key)
                rank++;
            assert_at(t, pcl_bt_le(t, key), &s, rank == 0 ? s.n : rank - 1);
        }
        if (i % 1000 == 0)
            check_walk(t, &s);
    }
    pcl_btree_free(t);
}

static void rising_keys_fill_their_leaves(void **state)
{
    struct pcl_btree *t = pcl_btree_new(NULL);

    (void)state;
    for (uint64_t i = 0; i < 100000; i++)
        assert_true(pcl_bt_set(t, i, i));
    assert_true(pcl_btree_bytes(t) < 100000 * 45);
    for (uint64_t i = 0; i < 100000; i++)
        assert_true(pcl_bt_del(t, i));
    assert_true(pcl_btree_count(t) == 0);
    assert_false(pcl_bt_valid(pcl_bt_ge(t, 0)));
    assert_false(pcl_bt_valid(pcl_bt_le(t, ~(pcl_u128)0)));
    pcl_btree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_a_sorted_array),
        cmocka_unit_test(rising_keys_fill_their_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
