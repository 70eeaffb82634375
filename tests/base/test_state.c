/* Model state: a copy restores it, counts included, and the hash sees every byte. */
#include "cases.h"

#include <pclsim/state.h>

struct thing {
    uint32_t a, b;
};

struct model {
    uint32_t *count; /* one number, registered before the array it counts */
    struct thing *thing;
    uint8_t *odd; /* 3 bytes per element: no multiple of a word */
    uint32_t n_odd;
};

static void fill(struct model *m, struct pcl_state *s)
{
    m->count = pcl_xcalloc(1, sizeof *m->count);
    m->thing = pcl_xcalloc(8, sizeof *m->thing);
    m->odd = pcl_xcalloc(8, 3);
    m->n_odd = 3;
    *m->count = 5;
    for (uint32_t i = 0; i < 5; i++)
        m->thing[i] = (struct thing){i, 10 * i};
    for (uint8_t i = 0; i < 9; i++)
        m->odd[i] = i;
    pcl_state_init(s);
    pcl_state_register(s, (void **)&m->count, sizeof *m->count, NULL);
    pcl_state_register(s, (void **)&m->thing, sizeof *m->thing, m->count);
    pcl_state_register(s, (void **)&m->odd, 3, &m->n_odd);
}

static void drop(struct model *m, struct pcl_state *s)
{
    free(m->count);
    free(m->thing);
    free(m->odd);
    pcl_state_fini(s);
}

static void a_copy_restores_values_and_counts(void **state)
{
    struct model m;
    struct pcl_state s;
    unsigned char buf[200];
    uint64_t before;

    (void)state;
    fill(&m, &s);
    assert_int_equal(pcl_state_size(&s), 4 + 5 * 8 + 9);
    before = pcl_state_hash(&s);
    pcl_state_save(&s, buf);
    *m.count = 2;
    m.thing[1].b = 99;
    m.odd[8] = 99;
    assert_true(pcl_state_hash(&s) != before);
    pcl_state_restore(&s, buf);
    assert_int_equal(*m.count, 5);
    assert_int_equal(m.thing[1].b, 10);
    assert_int_equal(m.thing[4].b, 40);
    assert_int_equal(m.odd[8], 8);
    assert_true(pcl_state_hash(&s) == before);
    drop(&m, &s);
}

static void an_array_may_move(void **state)
{
    struct model m;
    struct pcl_state s;
    uint64_t before;

    (void)state;
    fill(&m, &s);
    before = pcl_state_hash(&s);
    m.thing = pcl_xrealloc(m.thing, 10000, sizeof *m.thing);
    assert_true(pcl_state_hash(&s) == before);
    drop(&m, &s);
}

static void every_single_bit_changes_the_hash(void **state)
{
    struct model m;
    struct pcl_state s;
    uint64_t before;

    (void)state;
    fill(&m, &s);
    before = pcl_state_hash(&s);
    for (unsigned i = 0; i < 9 * 8; i++) {
        m.odd[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_true(pcl_state_hash(&s) != before);
        m.odd[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (unsigned i = 0; i < 5 * 32; i++) {
        m.thing[i / 32].a ^= 1u << i % 32;
        assert_true(pcl_state_hash(&s) != before);
        m.thing[i / 32].a ^= 1u << i % 32;
    }
    drop(&m, &s);
}

static void where_an_array_ends_is_part_of_the_state(void **state)
{
    uint8_t bytes[4] = {0};
    uint8_t *a = bytes, *b = bytes + 1;
    uint32_t one = 1, two = 2;
    struct pcl_state s, t;

    (void)state;
    pcl_state_init(&s);
    pcl_state_init(&t);
    pcl_state_register(&s, (void **)&a, 1, &one);
    pcl_state_register(&s, (void **)&b, 1, &two);
    pcl_state_register(&t, (void **)&a, 1, &two);
    pcl_state_register(&t, (void **)&b, 1, &one);
    assert_int_equal(pcl_state_size(&s), pcl_state_size(&t));
    assert_true(pcl_state_hash(&s) != pcl_state_hash(&t));
    pcl_state_fini(&s);
    pcl_state_fini(&t);
}

static void an_empty_array_needs_no_memory(void **state)
{
    void *none = NULL;
    uint32_t zero = 0;
    struct pcl_state s;
    unsigned char buf[1];

    (void)state;
    pcl_state_init(&s);
    pcl_state_register(&s, &none, 8, &zero);
    assert_int_equal(pcl_state_size(&s), 0);
    pcl_state_save(&s, buf);
    pcl_state_restore(&s, buf);
    (void)pcl_state_hash(&s);
    pcl_state_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_restores_values_and_counts),
        cmocka_unit_test(an_array_may_move),
        cmocka_unit_test(every_single_bit_changes_the_hash),
        cmocka_unit_test(where_an_array_ends_is_part_of_the_state),
        cmocka_unit_test(an_empty_array_needs_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
