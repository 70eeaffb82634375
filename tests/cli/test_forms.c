/*
 * Forms of the result beside table and JSON: lock statistics as the kernel and perf show them;
 * and the bill for memory.
 */
#include "command.h"

#include <jansson.h>
#include <stdlib.h>

static struct said s, t;

static void lockstat_prints_every_run_under_its_name(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--scheme", "v5.8,v5.9", "--reps", "2", "--format",
           "lockstat", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "scheme v5.8, replication 0\nlock_stat version 0.4\n-----");
    assert_says(s.out, "scheme v5.9, replication 1\nlock_stat version 0.4\n-----");
    assert_says(s.out, "class name    con-bounces    contentions   waittime-min");
    assert_says(s.out, " iolock-R:");
}

static void perf_prints_contended_locks(void **state)
{
    (void)state;
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--scheme", "v5.8", "--reps", "1",
           "--format", "perf", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "scheme v5.8, replication 0\n contended   total wait");
    assert_says(s.out, " unfair   page\n");
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--scheme", "v5.8", "--reps", "1",
           "--format", "perf-csv", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "# output: contended, total wait, max wait, avg wait, type, caller\n");
    assert_says(s.out, ", unfair, page\n");
}

static void fio_json_has_what_fio_s_scripts_read(void **state)
{
    static const char *const keys[] = {"\"fio version\"", "\"jobs\"",       "\"jobname\"",
                                       "\"job options\"", "\"clat_ns\"",    "\"bins\"",
                                       "\"99.000000\"",   "\"io_bytes\"",   "\"bw_bytes\"",
                                       "\"iops\"",        "\"latency_us\"", "\"disk_util\""};
    double read_ns = 0, sum = 0, of_bins = 0;
    json_t *doc, *jobs, *bins, *v;
    const char *key;

    (void)state;
    pclsim(&s, "run", "mixed-rw", "--set", "duration=50ms", "--set", "warmup=0", "--reps", "2",
           "--scheme", "v5.9", "--format", "fio-json", NULL);
    assert_code(&s, 0);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_says(s.out, keys[i]);
    doc = json_loads(s.out, 0, NULL);
    jobs = json_object_get(doc, "jobs");
    assert_int_equal(json_array_size(jobs), 2);
    v = json_object_get(json_object_get(json_array_get(jobs, 0), "read"), "clat_ns");
    bins = json_object_get(v, "bins");
    json_object_foreach(bins, key, v)
    {
        of_bins += json_number_value(v);
        sum += atof(key) * json_number_value(v);
    }
    v = json_object_get(json_array_get(jobs, 0), "read");
    assert_true(of_bins == json_number_value(json_object_get(v, "total_ios")) && of_bins > 10);
    read_ns = json_number_value(json_object_get(json_object_get(v, "clat_ns"), "mean"));
    assert_true(sum / of_bins > 0.99 * read_ns && sum / of_bins < 1.01 * read_ns);
    assert_true(json_integer_value(json_object_get(v, "io_bytes")) >=
                (json_int_t)of_bins * 4096);
    json_decref(doc);
}

static void hgrm_rises_to_all_samples(void **state)
{
    double us, at, last_us = 0, last_at = -1;
    unsigned long long n, all = 0;
    int lines = 0;

    (void)state;
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--reps", "2", "--scheme", "v5.8",
           "--format", "hgrm", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "       Value   Percentile   TotalCount 1/(1-Percentile)\n\n");
    for (char *p = strstr(s.out, "\n\n"); p && *(p += strspn(p, "\n")) != '#';
         p = strchr(p, '\n')) {
        assert_int_equal(sscanf(p, "%lf %lf %llu", &us, &at, &n), 3);
        assert_true(us >= last_us && at > last_at && n >= all);
        last_us = us;
        last_at = at;
        all = n;
        lines++;
    }
    assert_true(lines > 20 && last_at == 1.0 && all > 1000);
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--reps", "1", "--scheme", "v5.8",
           "--format", "hgrm", "--histogram", "wiat:page", NULL);
    assert_says(s.err, "no run has a sample of wiat of page");
}

static void csv_has_a_line_for_each_metric(void **state)
{
    (void)state;
    pclsim(&s, "run", "hot-page", "--set", "tasks=4", "--reps", "2", "--scheme", "v5.8",
           "--format", "csv", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "workload,scheme,replication,metric,object,unit,value\n");
    assert_says(s.out, "\"v5.8\",1,throughput,all,op/s,");
    assert_null(strstr(s.out, "nan"));
    assert_null(strstr(s.out, "\n\n"));
}

static void stored_runs_give_the_same_rows(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--reps", "2", "--db", "forms.db", "--format", "lockstat",
           NULL);
    assert_code(&s, 0);
    pclsim(&t, "run", "tiny.ini", "--reps", "2", "--db", "forms.db", "--format", "lockstat",
           NULL);
    assert_code(&t, 0);
    assert_string_equal(s.out, t.out);
}

static void a_misspelt_lock_is_recognised(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--scheme", "v5.9:page=hybird", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "did you mean 'hybrid'?");
}

static void memory_needs_no_run(void **state)
{
    (void)state;
    pclsim(&s, "memory", "--ram", "1T", "--scheme", "v5.9,v5.9:page=fifo", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "1 TiB of RAM in 268435456 pages of 4 KiB");
    assert_says(s.out, "v5.9:page=fifo        24    160");
    assert_says(s.out, "Lower is better");
    pclsim(&t, "memory", "--ram", "1T", "--scheme", "v5.9", "--lockdep", NULL);
    assert_code(&t, 0);
    assert_says(t.out, "lockdep on");
    pclsim(&s, "memory", "--ram", "8E", "--json", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "\"ram\": \"9223372036854775807\"");
}

static void wrong_sizes_and_schemes_are_explained(void **state)
{
    (void)state;
    pclsim(&s, "memory", "--ram", "1X", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--ram: want a size");
    pclsim(&s, "memory", "--scheme", "v5.99", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "unknown scheme 'v5.99'");
    pclsim(&s, "memory", "--inodes", "-1", NULL);
    assert_code(&s, 1);
    pclsim(&s, "memory", "--waiters", "100kB", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "--waiters: want a number such as 64, 100k or 1M, found '100kB'");
    pclsim(&s, "memory", "--ranges", "10000000000G", NULL);
    assert_code(&s, 1);
    pclsim(&s, "memory", "--inodes", "2M", "--ranges", "3k", "--scheme", "v5.9", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "2000000");
    assert_says(s.out, "3000 ranges");
}

static int clean_up(void **state)
{
    forget(&s);
    forget(&t);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lockstat_prints_every_run_under_its_name),
        cmocka_unit_test(perf_prints_contended_locks),
        cmocka_unit_test(fio_json_has_what_fio_s_scripts_read),
        cmocka_unit_test(hgrm_rises_to_all_samples),
        cmocka_unit_test(csv_has_a_line_for_each_metric),
        cmocka_unit_test(stored_runs_give_the_same_rows),
        cmocka_unit_test(a_misspelt_lock_is_recognised),
        cmocka_unit_test(memory_needs_no_run),
        cmocka_unit_test(wrong_sizes_and_schemes_are_explained),
    };

    return cmocka_run_group_tests_name("forms", tests, make_folder, clean_up);
}
