/* A lock over time: what is put in comes out, however far time goes, and through the store's
 * bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <pclsim/course.h>

struct sums {
    int64_t held[2], waited;
    uint64_t waits;
};

static struct sums sums(const struct pcl_course *c)
{
    struct sums s = {0};

    for (uint32_t i = 0; i < c->n; i++) {
        s.held[0] += c->step[i].held[0];
        s.held[1] += c->step[i].held[1];
        s.waited += c->step[i].waited;
        for (int k = 0; k < PCL_COURSE_LENGTHS; k++)
            s.waits += c->step[i].waits[k];
    }
    return s;
}

static void nothing_is_lost_when_steps_widen(void **state)
{
    struct pcl_course c;
    struct sums s;

    (void)state;
    pcl_course_init(&c, 1000);
    pcl_course_wait(&c, 1000, 1000, true); /* the first thing that happens: nothing waited */
    pcl_course_hold(&c, 1, 0, 1500);       /* half of it lies before */
    pcl_course_hold(&c, 0, 1100, 1200);
    pcl_course_wait(&c, 1200, 5200, true);
    for (pcl_ns t = 10000; t < INT64_C(1) << 40; t *= 3)
        pcl_course_hold(&c, 1, t, t + 700);
    s = sums(&c);
    assert_int_equal(s.held[0], 100);
    assert_int_equal(s.held[1] % 700, 500);
    assert_int_equal(s.waited, 4000);
    assert_int_equal(s.waits, 2);
    assert_in_range(c.n, PCL_COURSE_STEPS / 2, PCL_COURSE_STEPS);
    assert_int_equal(c.step[0].waits[12], 1); /* 2048 <= 4000 < 4096 */
    pcl_course_fini(&c);
}

static void time_stands_where_it_was_spent(void **state)
{
    struct pcl_course c;

    (void)state;
    pcl_course_init(&c, 0);
    pcl_course_hold(&c, 1, 200, 600); /* steps are 256 ns */
    assert_int_equal(c.n, 3);
    assert_int_equal(c.step[0].held[1], 56);
    assert_int_equal(c.step[1].held[1], 256);
    assert_int_equal(c.step[2].held[1], 88);
    pcl_course_limit(&c, 2);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.step[0].held[1], 312);
    pcl_course_fini(&c);
}

static void courses_of_any_width_add_up(void **state)
{
    struct pcl_course a, b;
    struct sums s;

    (void)state;
    pcl_course_init(&a, 0);
    pcl_course_init(&b, 0);
    pcl_course_wait(&a, 0, 300, true);
    pcl_course_wait(&b, 900000, 1000000, true);
    pcl_course_add(&a, &b);
    s = sums(&a);
    assert_int_equal(s.waited, 100300);
    assert_int_equal(s.waits, 2);
    assert_int_equal(a.shift, b.shift);
    pcl_course_fini(&a);
    pcl_course_fini(&b);
}

static void bytes_come_back_and_others_are_refused(void **state)
{
    struct pcl_course c, d;
    size_t size;
    unsigned char *data;

    (void)state;
    pcl_course_init(&c, 0);
    pcl_course_wait(&c, 5, 70000, true);
    pcl_course_hold(&c, 0, 70000, 90000);
    data = pcl_course_encode(&c, &size);
    assert_int_equal(pcl_course_decode(&d, data, size), PCL_OK);
    assert_int_equal(d.n, c.n);
    assert_int_equal(d.shift, c.shift);
    assert_memory_equal(d.step, c.step, c.n * sizeof(*c.step));
    pcl_course_fini(&d);
    for (size_t n = 0; n < size; n++)
        assert_int_equal(pcl_course_decode(&d, data, n), PCL_EINVAL);
    data[0] ^= 1;
    assert_int_equal(pcl_course_decode(&d, data, size), PCL_EINVAL);
    free(data);
    pcl_course_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_when_steps_widen),
        cmocka_unit_test(time_stands_where_it_was_spent),
        cmocka_unit_test(courses_of_any_width_add_up),
        cmocka_unit_test(bytes_come_back_and_others_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
