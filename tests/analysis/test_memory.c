/*
 * The bill for a machine: exact sums, also beyond 64 bits; what does not fit is refused; the
 * table fits a mail and the JSON keeps every digit.
 */
#include <pclsim/memory.h>

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct pcl_memory_rates rates = {
    .fixed = 6144, .page = 24, .inode = 160, .waiter = 56, .range = 144, .range_waiter = 72};

static void a_bill_is_rates_times_numbers(void **state)
{
    static const struct pcl_fleet fleet = {
        .ram = INT64_C(1) << 40, .inodes = 1000, .waiters = 10, .ranges = 3};
    struct pcl_memory_bill b;
    struct pcl_err err = {0};

    (void)state;
    assert_int_equal(pcl_memory_bill(&rates, &fleet, &b, &err), PCL_OK);
    assert_true(b.fixed == 6144);
    assert_true(b.pages == UINT64_C(24) << 28);
    assert_true(b.inodes == 160000);
    assert_true(b.waiters == 560);
    assert_true(b.ranges == 432000); /* three in each inode */
    assert_true(b.rest == b.fixed + b.pages + b.inodes);
    assert_true(b.total == b.rest + b.waiters + b.ranges);
}

static void what_does_not_fit_is_refused(void **state)
{
    static const struct pcl_memory_rates most = {
        .inode = INT64_MAX, .waiter = INT64_MAX, .range = INT64_MAX};
    struct pcl_fleet fleet = {.inodes = INT64_MAX};
    struct pcl_memory_bill b;
    struct pcl_err err = {0};

    (void)state;
    assert_int_equal(pcl_memory_bill(&most, &fleet, &b, &err), PCL_OK);
    assert_true(b.total == (pcl_u128)INT64_MAX * INT64_MAX);
    fleet.waiters = INT64_MAX;
    assert_int_equal(pcl_memory_bill(&most, &fleet, &b, &err), PCL_OK);
    fleet.ranges = INT64_MAX;
    assert_int_equal(pcl_memory_bill(&most, &fleet, &b, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "memory: more than 2^127 bytes");
    fleet.ranges = -1;
    assert_int_equal(pcl_memory_bill(&most, &fleet, &b, &err), PCL_EINVAL);
}

static void choose(struct pcl_scheme *s, enum pcl_role role, const char *lock)
{
    (void)snprintf(s->role[role].lock, sizeof(s->role[role].lock), "%s", lock);
}

static void a_schemes_rates_are_its_locks(void **state)
{
    static const struct pcl_fleet fleet = {.ram = 1 << 20, .inodes = 1};
    struct pcl_scheme s = {.name = "mine"};
    struct pcl_memory_row row, other;
    struct pcl_err err = {0};

    (void)state;
    assert_int_equal(pcl_memory_row(&s, &fleet, &row, &err), PCL_OK);
    assert_int_equal(row.rates[0].fixed, 256 * 24);
    assert_int_equal(row.rates[1].fixed, 256 * 80);
    assert_int_equal(row.rates[0].inode, 4 * 40);
    assert_int_equal(row.rates[1].inode, 4 * 144);
    assert_int_equal(row.rates[0].waiter, 56);
    choose(&s, PCL_ROLE_IOLOCK, "interval-tree");
    assert_int_equal(pcl_memory_row(&s, &fleet, &other, &err), PCL_OK);
    assert_int_equal(other.rates[0].inode, row.rates[0].inode - 40 + 32);
    assert_int_equal(other.rates[0].range, 72);
    choose(&s, PCL_ROLE_IOLOCK, "interval-tee");
    assert_int_equal(pcl_memory_row(&s, &fleet, &other, &err), PCL_ENOENT);
    assert_string_equal(err.hint, "did you mean 'interval-tree'?");
}

static char *print(bool json, const struct pcl_memory_row *rows, size_t n,
                   const struct pcl_fleet *f)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    if (json)
        pcl_memory_json(out, rows, n, f);
    else
        pcl_memory_text(out, rows, n, f, true);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_table_says_which_direction_is_better(void **state)
{
    static const struct pcl_fleet fleet = {
        .ram = INT64_C(64) << 30, .inodes = 1000000, .waiters = 1000, .ranges = 10};
    struct pcl_memory_row rows[2] = {{.scheme = "one"}, {.scheme = "v5.9:page=fifo"}};
    struct pcl_err err = {0};
    char *text;

    (void)state;
    rows[0].rates[0] = rates;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pcl_memory_bill(&rows[i].rates[0], &fleet, &rows[i].bill[0], &err),
                         PCL_OK);
    text = print(false, rows, 2, &fleet);
    assert_string_equal(
        text, "Memory of the locks: 64 GiB of RAM in 16777216 pages of 4 KiB, 1000000\n"
              "  inodes. At rest nothing is held; at the peak 10 ranges of each inode\n"
              "  are, and 1000 tasks wait for pages. Lower is better in all columns.\n"
              "\n"
              "lockdep off, bytes                held   page  range\n"
              "scheme              page  inode  range waiter waiter   at rest   at peak\n"
              "one                   24    160    144     56     72   537 MiB  1.87 GiB\n"
              "v5.9:page=fifo         0      0      0      0      0       0 B       0 B\n"
              "\n"
              "lockdep on, bytes                 held   page  range\n"
              "scheme              page  inode  range waiter waiter   at rest   at peak\n"
              "one                    0      0      0      0      0       0 B       0 B\n"
              "v5.9:page=fifo         0      0      0      0      0       0 B       0 B\n");
    free(text);
}

static void the_table_fits_a_mail(void **state)
{
    static const struct pcl_fleet fleet = {
        .ram = INT64_MAX, .inodes = INT64_MAX, .waiters = INT64_MAX, .ranges = 1};
    struct pcl_memory_row rows[9] = {{.scheme = "v5.9:page=hybrid:page.unfairness=1000000"}};
    struct pcl_err err = {0};
    char *text, *rest = NULL;

    (void)state;
    for (size_t i = 0; i < 9; i++) {
        rows[i].rates[0] = rates;
        assert_int_equal(pcl_memory_bill(&rates, &fleet, &rows[i].bill[0], &err), PCL_OK);
    }
    text = print(false, rows, 9, &fleet);
    for (char *l = strtok_r(text, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest))
        if (strlen(l) > 72)
            fail_msg("a line of %zu columns: %s", strlen(l), l);
    free(text);
}

static void json_keeps_every_digit(void **state)
{
    static const struct pcl_fleet fleet = {.inodes = INT64_MAX, .waiters = 7};
    struct pcl_memory_row row = {.scheme = "one", .rates = {rates, rates}};
    struct pcl_err err = {0};
    json_t *o, *bytes;
    char *text;

    (void)state;
    assert_int_equal(pcl_memory_bill(&rates, &fleet, &row.bill[0], &err), PCL_OK);
    text = print(true, &row, 1, &fleet);
    o = json_loads(text, 0, NULL);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(o, "inodes")), "9223372036854775807");
    assert_int_equal(json_integer_value(json_object_get(o, "page_waiters")), 7);
    bytes = json_object_get(
        json_object_get(json_array_get(json_object_get(o, "schemes"), 0), "lockdep_off"),
        "bytes");
    assert_string_equal(json_string_value(json_object_get(bytes, "inodes")),
                        "1475739525896764129120");
    assert_int_equal(json_integer_value(json_object_get(bytes, "page_waiters")), 392);
    assert_string_equal(json_string_value(json_object_get(bytes, "total")),
                        "1475739525896764135656");
    json_decref(o);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bill_is_rates_times_numbers),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_schemes_rates_are_its_locks),
        cmocka_unit_test(the_table_says_which_direction_is_better),
        cmocka_unit_test(the_table_fits_a_mail),
        cmocka_unit_test(json_keeps_every_digit),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
