/*
 * The history of truth against one that forgets nothing: all operations ever, and the rule
 * applied to each page and content by brute force. And what forgetting is for: bounded memory.
 */
#include "cache_test.h"

#include <pclsim/oracle.h>

#define PAGES 40u
#define MAX_OPS 20000u
#define IN_FLIGHT 6u

/* Two stretches of pages: at the start, and up to the very last one. */
static uint64_t page_at(unsigned i)
{
    return i < PAGES / 2 ? i : PCL_PAGE_LAST - (PAGES - 1 - i);
}

struct op {
    uint64_t begin, end;  /* end UINT64_MAX: in flight */
    unsigned first, last; /* of PAGES */
    uint32_t folio;       /* shows its content; PCL_NONE: zeroes */
    uint32_t handle;
    enum pcl_truth_op what;
};

struct world {
    struct pcl_cache *c;
    struct pcl_oracle *o;
    struct rnd r;
    struct op op[MAX_OPS];
    unsigned n;
    unsigned flight[IN_FLIGHT];
    unsigned n_flight;
    uint64_t now;
    uint32_t zero_folio;
};

static struct world w;

/* Right at some instant since the begin: no later operation has ended before that. */
static bool naive_right(const struct op *x, unsigned page, uint64_t begin)
{
    for (unsigned i = 0; i < w.n; i++) {
        const struct op *y = &w.op[i];

        if (y->what != PCL_TRUTH_READ && y->first <= page && page <= y->last &&
            y->begin > x->end && y->end < begin)
            return false;
    }
    return true;
}

static bool naive_zero_right(unsigned page, uint64_t begin)
{
    static const struct op ever = {.what = PCL_TRUTH_ZERO};

    if (naive_right(&ever, page, begin))
        return true;
    for (unsigned i = 0; i < w.n; i++) {
        const struct op *x = &w.op[i];

        if (x->what == PCL_TRUTH_ZERO && x->first <= page && page <= x->last &&
            naive_right(x, page, begin))
            return true;
    }
    return false;
}

static void begin_one(void)
{
    struct op *x = &w.op[w.n];
    unsigned a = (unsigned)rnd_below(&w.r, PAGES), b = (unsigned)rnd_below(&w.r, PAGES);

    if (w.n_flight == IN_FLIGHT || w.n == MAX_OPS)
        return;
    *x = (struct op){.begin = ++w.now, .end = UINT64_MAX, .folio = PCL_NONE};
    x->first = a < b ? a : b;
    x->last = rnd_below(&w.r, 3) == 0 ? (a > b ? a : b) : x->first;
    x->what = (enum pcl_truth_op)rnd_below(&w.r, 3);
    if (x->last == PAGES - 1 && rnd_below(&w.r, 2))
        x->handle = pcl_oracle_begin(w.o, x->what, 0, page_at(x->first), UINT64_MAX);
    else
        x->handle = pcl_oracle_begin(w.o, x->what, 0, page_at(x->first), page_at(x->last));
    if (x->what == PCL_TRUTH_WRITE) {
        /* one folio per operation shows its content of page 0, relabelled when it is looked at
         */
        x->folio = pcl_cache_insert(w.c, 1, 1000 + w.n, 0, 0, NULL);
    }
    w.flight[w.n_flight++] = w.n++;
}

static void end_one(void)
{
    unsigned k;
    struct op *x;

    if (w.n_flight == 0)
        return;
    k = (unsigned)rnd_below(&w.r, w.n_flight);
    x = &w.op[w.flight[k]];
    w.flight[k] = w.flight[--w.n_flight];
    if (x->what == PCL_TRUTH_WRITE) /* keep a page of its content to show later */
        pcl_oracle_store(w.o, x->handle, x->folio, page_at(x->first));
    x->end = ++w.now;
    pcl_oracle_end(w.o, x->handle);
}

/* An operation in flight, or an access of one instant, looks at a page for the content of some
 * recent operation. */
static void look(void)
{
    unsigned k = (unsigned)rnd_below(&w.r, w.n_flight + 1), back, page;
    uint32_t reader = k < w.n_flight ? w.op[w.flight[k]].handle : PCL_NONE;
    uint64_t begin = k < w.n_flight ? w.op[w.flight[k]].begin : w.now + 1;
    const struct op *x;
    enum pcl_wrong got;

    if (w.n == 0)
        return;
    back = (unsigned)rnd_below(&w.r, w.n < 15 ? w.n : 15);
    x = &w.op[w.n - 1 - back];
    if (x->what == PCL_TRUTH_WRITE && x->end != UINT64_MAX) {
        page = x->first;
        got = pcl_oracle_load(w.o, reader, x->folio, 0, page_at(page));
        assert_int_equal(got == PCL_WRONG_RIGHT, naive_right(x, page, begin));
        assert_true(got == PCL_WRONG_RIGHT || got == PCL_WRONG_STALE);
    }
    page = (unsigned)rnd_below(&w.r, PAGES);
    got = pcl_oracle_load(w.o, reader, w.zero_folio, 0, page_at(page));
    assert_int_equal(got == PCL_WRONG_RIGHT, naive_zero_right(page, begin));
}

static void random_histories_agree_with_brute_force(void **state)
{
    struct pcl_cache_conf conf = {.seed = 1};

    (void)state;
    w.r.x = 99;
    w.c = pcl_cache_new(&conf, NULL);
    w.o = pcl_oracle_new(w.c, NULL, NULL);
    (void)pcl_inode_new(w.c, INT64_MAX);
    (void)pcl_inode_new(w.c, INT64_MAX);
    w.zero_folio = pcl_cache_insert(w.c, 1, 0, 0, 0, NULL);
    pcl_oracle_read_in(w.o, w.zero_folio); /* from a hole */
    for (unsigned i = 0; i < 12000; i++) {
        switch (rnd_below(&w.r, 5)) {
        case 0:
            begin_one();
            break;
        case 1:
            end_one();
            break;
        default:
            look();
            break;
        }
        if (rnd_below(&w.r, 50) == 0)
            pcl_oracle_normalise(w.o);
        if (rnd_below(&w.r, 200) == 0)
            while (w.n_flight > 0)
                end_one();
    }
    pcl_cache_free(w.c);
}

static struct pcl_oracle *new_oracle(struct pcl_cache **c, struct pcl_state *s)
{
    struct pcl_cache_conf conf = {.seed = 1, .explore = true};
    struct pcl_oracle *o;

    *c = pcl_cache_new(&conf, s);
    o = pcl_oracle_new(*c, NULL, s);
    (void)pcl_inode_new(*c, INT64_MAX);
    return o;
}

static void old_history_is_forgotten(void **state)
{
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c, NULL);
    struct rnd r = {3};
    uint64_t early = 0;
    uint32_t flight[8] = {0}, f = add(c, 0, 0, 0, 0);

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        flight[i] = pcl_oracle_begin(o, PCL_TRUTH_READ, 0, 0, 0);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t p = rnd_below(&r, 256);
        unsigned k = (unsigned)rnd_below(&r, 8);

        pcl_oracle_end(o, flight[k]);
        if (rnd_below(&r, 1000) == 0)
            flight[k] = pcl_oracle_begin(o, PCL_TRUTH_ZERO, 0, 0, UINT64_MAX);
        else
            flight[k] = pcl_oracle_begin(o, PCL_TRUTH_WRITE, 0, p, p + rnd_below(&r, 4));
        pcl_oracle_store(o, flight[k], f, p);
        if (i == 20000)
            early = pcl_oracle_bytes(o);
    }
    assert_true(pcl_oracle_bytes(o) <= 2 * early);
    assert_true(early < 1 << 20);
    pcl_cache_free(c);
}

/* One operation that takes for ever: what dies while it runs stays right for it, but nobody
 * else can tell those contents apart, so they are one entry. */
static void one_slow_reader_does_not_keep_everything(void **state)
{
    struct pcl_cache *c;
    struct pcl_oracle *o = new_oracle(&c, NULL);
    uint32_t f = add(c, 0, 5, 0, 0), first = add(c, 0, 6, 0, 0), slow, late, op;

    (void)state;
    slow = pcl_oracle_begin(o, PCL_TRUTH_READ, 0, 0, 0);
    for (unsigned i = 0; i < 100000; i++) {
        op = pcl_oracle_begin(o, PCL_TRUTH_WRITE, 0, 5, 5);
        pcl_oracle_store(o, op, i == 50000 ? first : f, 5);
        pcl_oracle_end(o, op);
    }
    assert_true(pcl_oracle_bytes(o) < 256 << 10);
    late = pcl_oracle_begin(o, PCL_TRUTH_READ, 0, 0, 0);
    assert_int_equal(pcl_oracle_load(o, slow, first, 0, 5), PCL_WRONG_RIGHT);
    assert_int_equal(pcl_oracle_load(o, late, first, 0, 5), PCL_WRONG_STALE);
    assert_int_equal(pcl_oracle_load(o, late, f, 0, 5), PCL_WRONG_RIGHT);
    pcl_oracle_end(o, slow);
    pcl_oracle_end(o, late);
    pcl_cache_free(c);
}

/* A punch of 8 EiB leaves one extent of zeroes behind, whatever was there. */
static void a_punch_of_everything_forgets_everything(void **state)
{
    struct pcl_state s;
    struct pcl_cache *c;
    struct pcl_oracle *o;
    uint64_t h;
    uint32_t op;

    (void)state;
    pcl_state_init(&s);
    o = new_oracle(&c, &s);
    op = pcl_oracle_begin(o, PCL_TRUTH_ZERO, 0, 0, UINT64_MAX);
    pcl_oracle_end(o, op);
    pcl_oracle_normalise(o);
    h = pcl_state_hash(&s);
    for (unsigned i = 0; i < 3; i++) {
        op = pcl_oracle_begin(o, PCL_TRUTH_ZERO, 0, 7 * i, UINT64_MAX - i);
        assert_true(pcl_state_hash(&s) != h);
        pcl_oracle_end(o, op);
        pcl_oracle_normalise(o);
    }
    pcl_cache_free(c);
    pcl_state_fini(&s);
}

static void normal_form_forgets_the_way(void **state)
{
    struct pcl_state s;
    struct pcl_cache *c;
    struct pcl_oracle *o;
    uint64_t h;
    uint32_t a, b;

    (void)state;
    pcl_state_init(&s);
    o = new_oracle(&c, &s);
    a = pcl_oracle_begin(o, PCL_TRUTH_ZERO, 0, 0, 9);
    pcl_oracle_normalise(o);
    h = pcl_state_hash(&s);
    for (unsigned i = 0; i < 5; i++) {
        b = pcl_oracle_begin(o, PCL_TRUTH_READ, 0, 0, 0);
        assert_true(pcl_state_hash(&s) != h);
        pcl_oracle_end(o, b);
        pcl_oracle_normalise(o);
        assert_true(pcl_state_hash(&s) == h);
    }
    pcl_oracle_end(o, a);
    pcl_cache_free(c);
    pcl_state_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_agree_with_brute_force),
        cmocka_unit_test(old_history_is_forgotten),
        cmocka_unit_test(one_slow_reader_does_not_keep_everything),
        cmocka_unit_test(a_punch_of_everything_forgets_everything),
        cmocka_unit_test(normal_form_forgets_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
