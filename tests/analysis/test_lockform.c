/*
 * Lock statistics as the kernel and perf print them: golden text, to the column.
 */
#include <pclsim/lockform.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULE                                                                                   \
    "--------------------------------------------------------------------------------"         \
    "--------------------------------------------------------------------------------"         \
    "-------------------------------------------------------------"

static struct pcl_result result;
static struct pcl_scheme scheme;

static void add(const char *name, char mode, uint64_t acquisitions, uint64_t contentions,
                pcl_ns wait_max, pcl_ns wait_total)
{
    struct pcl_lock_row *l = pcl_result_add_lock(&result, name, mode);

    l->acquisitions = acquisitions;
    l->contentions = contentions;
    l->con_bounces = contentions / 2;
    l->acq_bounces = acquisitions / 4;
    l->wait_min = contentions ? 125 : 0;
    l->wait_max = wait_max;
    l->wait_total = wait_total;
    l->hold_min = 90;
    l->hold_max = 1999996;
    l->hold_total = (pcl_ns)acquisitions * 1004;
}

static int make_result(void **state)
{
    (void)state;
    pcl_result_init(&result);
    (void)snprintf(result.scheme, sizeof(result.scheme), "v5.9");
    result.replication = 3;
    add("iolock", 'S', 1000, 10, 769270, 2450000);
    add("iolock", 'X', 400, 40, 2450000, 7384999);
    add("page", 'X', 123456789012, 7000, INT64_C(61500000000), INT64_C(3 * 3600000000000));
    add("writeback", 'S', 5, 5, 980, 4004);
    add("ilock", 'X', 77, 0, 0, 0);
    (void)snprintf(scheme.role[PCL_ROLE_IOLOCK].lock, sizeof(scheme.role[0].lock),
                   "interval-tree");
    return 0;
}

static int drop_result(void **state)
{
    (void)state;
    pcl_result_fini(&result);
    return 0;
}

static void assert_prints(pcl_lockform_print print, const struct pcl_lockform *f,
                          const char *want)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    print(out, &result, f);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, want);
    free(text);
}

static void lockstat_has_the_kernels_columns(void **state)
{
    (void)state;
    assert_prints(
        pcl_lockstat_print, &(struct pcl_lockform){.title = "hot-page, tasks = 9"},
        "# hot-page, tasks = 9, scheme v5.9, replication 3\n"
        "lock_stat version 0.4\n" RULE "\n"
        "                              class name    con-bounces    contentions   waittim"
        "e-min   waittime-max waittime-total   waittime-avg    acq-bounces   acquisitions"
        "   holdtime-min   holdtime-max holdtime-total   holdtime-avg\n" RULE "\n"
        "\n"
        "                                    page:          3500           7000          "
        " 0.13    61500000.00 10800000000.00     1542857.14    30864197253   123456789012"
        "           0.09        2000.00 123950616168.05           1.00\n"
        "                                iolock-W:            20             40          "
        " 0.13        2450.00        7385.00         184.62            100            400"
        "           0.09        2000.00         401.60           1.00\n"
        "                                iolock-R:             5             10          "
        " 0.13         769.27        2450.00         245.00            250           1000"
        "           0.09        2000.00        1004.00           1.00\n"
        "                             writeback-R:             2              5          "
        " 0.13           0.98           4.00           0.80              1              5"
        "           0.09        2000.00           5.02           1.00\n"
        "                                   ilock:             0              0          "
        " 0.00           0.00           0.00           0.00             19             77"
        "           0.09        2000.00          77.31           1.00\n");
}

static void perf_has_adaptive_units(void **state)
{
    (void)state;
    assert_prints(
        pcl_perf_lock_print, NULL,
        "# scheme v5.9, replication 3\n"
        " contended   total wait     max wait     avg wait         type   caller\n"
        "\n"
        "      7000      3.00 h       1.02 m       1.54 s        hybrid   page\n"
        "        40      7.38 ms      2.45 ms    184.62 us      rwsem:W   iolock\n"
        "        10      2.45 ms    769.27 us    245.00 us      rwsem:R   iolock\n"
        "         5      4.00 us       980 ns       800 ns    writeback   writeback\n");
}

static void a_schemes_locks_give_the_types(void **state)
{
    (void)state;
    assert_prints(
        pcl_perf_lock_print, &(struct pcl_lockform){.scheme = &scheme},
        "# scheme v5.9, replication 3\n"
        " contended   total wait     max wait     avg wait            type   caller\n"
        "\n"
        "      7000      3.00 h       1.02 m       1.54 s           hybrid   page\n"
        "        40      7.38 ms      2.45 ms    184.62 us interval-tree:W   iolock\n"
        "        10      2.45 ms    769.27 us    245.00 us interval-tree:R   iolock\n"
        "         5      4.00 us       980 ns       800 ns       writeback   writeback\n");
}

static void perf_csv_has_plain_nanoseconds(void **state)
{
    (void)state;
    assert_prints(pcl_perf_lock_csv, NULL,
                  "# scheme v5.9, replication 3\n"
                  "# output: contended, total wait, max wait, avg wait, type, caller\n"
                  "7000, 10800000000000, 61500000000, 1542857142, hybrid, page\n"
                  "40, 7384999, 2450000, 184624, rwsem:W, iolock\n"
                  "10, 2450000, 769270, 245000, rwsem:R, iolock\n"
                  "5, 4004, 980, 800, writeback, writeback\n");
}

static void a_run_without_locks_has_headers_only(void **state)
{
    struct pcl_result full = result;

    (void)state;
    pcl_result_init(&result);
    result.failed = true;
    assert_prints(pcl_perf_lock_csv, NULL,
                  "# scheme , replication 0, failed\n"
                  "# output: contended, total wait, max wait, avg wait, type, caller\n");
    result = full;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lockstat_has_the_kernels_columns),
        cmocka_unit_test(perf_has_adaptive_units),
        cmocka_unit_test(a_schemes_locks_give_the_types),
        cmocka_unit_test(perf_csv_has_plain_nanoseconds),
        cmocka_unit_test(a_run_without_locks_has_headers_only),
    };

    return cmocka_run_group_tests_name("lockform", tests, make_result, drop_result);
}
