/*
 * The bench programs from the outside: closed-lock simulates exactly what `pclsim run` does
 * with the same scenario, and both print one flat object with the promised keys. Nothing here
 * depends on how fast anything is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <pclsim/run.h>

/* --- running programs ----------------------------------------------------------------------
 */

/* What a command printed (standard error too) and its exit code. */
static char *output_of(const char *command, int *code)
{
    char *text = NULL;
    size_t size = 0, n;
    char buf[4096];
    FILE *p = popen(command, "r"), *f = open_memstream(&text, &size);

    assert_non_null(p);
    while ((n = fread(buf, 1, sizeof(buf), p)) > 0)
        (void)fwrite(buf, 1, n, f);
    int status = pclose(p);

    (void)fclose(f);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return text;
}

static json_t *json_of(const char *command)
{
    int code;
    char *text = output_of(command, &code);
    json_error_t e;
    json_t *o = json_loads(text, 0, &e);

    if (code != 0 || !o)
        print_error("%s: exit %d\n%s\n", command, code, text);
    assert_int_equal(code, 0);
    assert_non_null(o);
    free(text);
    return o;
}

static void assert_flat(json_t *o)
{
    static const char *const wanted[] = {"ops_per_s", "ns_per_op", "bytes_per_task",
                                         "fingerprint"};
    const char *key;
    json_t *value;
    size_t rates = 0;

    json_object_foreach(o, key, value)
    {
        assert_false(json_is_object(value) || json_is_array(value));
        rates += strlen(key) > 6 && strcmp(key + strlen(key) - 6, "_per_s") == 0;
    }
    assert_int_equal(rates, 1);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_non_null(json_object_get(o, wanted[i]));
    assert_int_equal(strlen(json_string_value(json_object_get(o, "fingerprint"))), 16);
}

/* --- the same run, three ways --------------------------------------------------------------
 */

struct input {
    int tasks, locks, seed, ops;
};

static const struct input inputs[] = {{1, 1, 1, 2000},
                                      {2, 1, 7, 5000},
                                      {64, 1, 1, 20000},
                                      {64, 16, 3, 20000},
                                      {500, 125, 2, 20000}};

static void fingerprint_of_library(const struct input *in, char out[20])
{
    char tasks[40], size[40], ops[40];
    const char *set[] = {tasks, size, ops};
    struct pcl_scenario *sc = NULL;
    struct pcl_schemes known = {0};
    struct pcl_scheme scheme;
    struct pcl_profile machine;
    struct pcl_result r;
    struct pcl_err err = {0};

    (void)snprintf(tasks, sizeof(tasks), "tasks=%d", in->tasks);
    (void)snprintf(size, sizeof(size), "locks.size=%dk", in->locks * 4);
    (void)snprintf(ops, sizeof(ops), "ops=%d", in->ops);
    assert_int_equal(
        pcl_scenario_load(PCLSIM_SOURCE_DIR "/workloads/closed-lock.ini", set, 3, &sc, &err),
        0);
    assert_int_equal(pcl_schemes_load(PCLSIM_SOURCE_DIR "/workloads/schemes.ini", &known, &err),
                     0);
    assert_int_equal(pcl_scheme_resolve(&known, sc->schemes[0], &scheme, &err), 0);
    assert_int_equal(pcl_profile_load(sc->machine, &machine, &err), 0);
    struct pcl_job job = {
        .scenario = sc, .scheme = &scheme, .machine = &machine, .seed = (uint64_t)in->seed};

    pcl_result_init(&r);
    assert_int_equal(pcl_run(&job, &r, NULL, &err), 0);
    (void)snprintf(out, 20, "%016llx", (unsigned long long)r.fingerprint);
    pcl_result_fini(&r);
    pcl_schemes_fini(&known);
    pcl_scenario_free(sc);
}

static void closed_lock_is_a_run_of_the_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        const struct input *in = &inputs[i];
        char command[400], expected[20];

        fingerprint_of_library(in, expected);
        (void)snprintf(command, sizeof(command),
                       BENCH_DIR "/closed-lock --tasks %d --locks %d --seed %d --ops %d "
                                 "--repeat 2 --json",
                       in->tasks, in->locks, in->seed, in->ops);
        json_t *o = json_of(command);

        assert_string_equal(json_string_value(json_object_get(o, "fingerprint")), expected);
        assert_int_equal(json_integer_value(json_object_get(o, "tasks")), in->tasks);
        assert_int_equal(json_integer_value(json_object_get(o, "locks")), in->locks);
        assert_int_equal(json_integer_value(json_object_get(o, "seed")), in->seed);
        assert_true(json_integer_value(json_object_get(o, "acquisitions")) >= in->ops);
        assert_flat(o);
        json_decref(o);
    }
}

#ifdef PCLSIM_COMMAND
static void closed_lock_is_a_run_of_the_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) { /* as the file has it, and with overrides */
        const char *options = i ? " --tasks 20 --locks 5 --seed 4 --ops 5000" : "";
        const char *sets =
            i ? " --seed 4 --set tasks=20 --set locks.size=20k --set ops=5000" : "";
        char command[400];

        (void)snprintf(command, sizeof(command), BENCH_DIR "/closed-lock --repeat 1 --json%s",
                       options);
        json_t *bench = json_of(command);

        (void)snprintf(command, sizeof(command),
                       PCLSIM_COMMAND " run " PCLSIM_SOURCE_DIR "/workloads/closed-lock.ini "
                                      "--reps 1 --json%s",
                       sets);
        json_t *run = json_of(command);
        json_t *first = json_array_get(json_object_get(run, "runs"), 0);

        assert_string_equal(json_string_value(json_object_get(bench, "fingerprint")),
                            json_string_value(json_object_get(first, "fingerprint")));
        json_decref(bench);
        json_decref(run);
    }
}
#endif

static void running_ahead_and_checking_change_nothing(void **state)
{
    static const char *const variants[] = {"", " --no-run-ahead", " --check"};
    char first[20] = "";

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char command[400];

        (void)snprintf(command, sizeof(command),
                       BENCH_DIR
                       "/closed-lock --tasks 32 --locks 4 --ops 5000 --repeat 1 --json%s",
                       variants[i]);
        json_t *o = json_of(command);
        const char *fp = json_string_value(json_object_get(o, "fingerprint"));

        if (i == 0)
            (void)snprintf(first, sizeof(first), "%s", fp);
        assert_string_equal(fp, first);
        json_decref(o);
    }
}

/* --- hold ----------------------------------------------------------------------------------
 */

static void hold_prints_a_flat_object_for_any_size(void **state)
{
    static const int sizes[] = {1, 16, 1000, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char command[200];

        (void)snprintf(command, sizeof(command),
                       BENCH_DIR "/hold --size %d --ops 10000 --repeat 2 --json", sizes[i]);
        json_t *o = json_of(command);

        assert_int_equal(json_integer_value(json_object_get(o, "size")), sizes[i]);
        assert_flat(o);
        json_decref(o);
    }
}

/* --- frontier ------------------------------------------------------------------------------- */

static int64_t steps_of_frontier(const char *options, char fingerprint[20])
{
    char command[200];

    (void)snprintf(command, sizeof(command), BENCH_DIR "/frontier --repeat 2 --json %s", options);
    json_t *o = json_of(command);
    int64_t steps = json_integer_value(json_object_get(o, "steps_taken"));

    assert_flat(o);
    (void)snprintf(fingerprint, 20, "%s",
                   json_string_value(json_object_get(o, "fingerprint")));
    json_decref(o);
    return steps;
}

/* Steps, not times: they are what leaps save. */
static void a_frontier_costs_its_conflicts_and_not_its_units(void **state)
{
    char leaps[20], single[20];
    int64_t small = steps_of_frontier("--units 32 --conflicts 100", leaps);
    int64_t large = steps_of_frontier("--units 51 --conflicts 100", leaps);
    int64_t tenfold = steps_of_frontier("--units 51 --conflicts 1000", leaps);

    (void)state;
    assert_true(large < small * 11 / 10 && small < large * 11 / 10);
    assert_true(tenfold < large * 11);
    (void)steps_of_frontier("--units 17 --conflicts 30", leaps);
    assert_true(steps_of_frontier("--units 17 --conflicts 30 --single-steps", single) > 800000);
    assert_string_equal(leaps, single);
}

/* --- scale and compare -----------------------------------------------------------------------
 */

static double real_of(json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* Counted bytes, not times. A run with a memory limit keeps each page by itself, others do not. */
static void cached_pages_cost_next_to_nothing(void **state)
{
    (void)state;
    for (int size = 16; size <= 4096; size *= 16) {
        char command[200];

        (void)snprintf(command, sizeof(command),
                       BENCH_DIR "/scale --size %d --rounds 2 --repeat 1 --json", size);
        json_t *o = json_of(command);

        assert_flat(o);
        assert_int_equal(json_integer_value(json_object_get(o, "size")), size);
        assert_in_range(json_integer_value(json_object_get(o, "acquisitions")), 2 * size - 1,
                        2 * size + 1);
        assert_true(real_of(o, "mib_of_64_gib") < 1024);
        if (size == 4096) {
            assert_true(real_of(o, "bytes_per_clean_page") <= 16);
            assert_true(real_of(o, "bytes_per_folio") > real_of(o, "bytes_per_clean_page"));
        }
        json_decref(o);
    }
}

/* The ratio of a build to itself is what it is; but it lies in its interval, and a base that
 * simulates something else is found out. */
static void compare_runs_two_builds_by_turns(void **state)
{
    int code;
    char *text;
    json_t *o = json_of(BENCH_DIR "/compare " BENCH_DIR " --ops 2000 --pairs 6 --json");

    (void)state;
    assert_flat(o);
    assert_true(real_of(o, "ratio_low") <= real_of(o, "ratio"));
    assert_true(real_of(o, "ratio") <= real_of(o, "ratio_high"));
    json_decref(o);
    text = output_of(BENCH_DIR "/compare /nowhere --pairs 1 2>&1", &code);
    assert_int_equal(code, 2);
    free(text);
}

/* --- options -------------------------------------------------------------------------------
 */

static void wrong_options_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *command, *text;
    } cases[] = {
        {"closed-lock --taks 3", "unknown option '--taks', did you mean --tasks?"},
        {"closed-lock --tasks many",
         "--tasks: want a whole number from 1 to 1048576, found 'many'"},
        {"closed-lock --tasks 0", "--tasks: want a whole number from 1"},
        {"closed-lock --locks=-1", "--locks: want a whole number from 1"},
        {"closed-lock --seed", "wants a value"},
        {"closed-lock --json=yes", "takes no value"},
        {"closed-lock --duration soon", "--duration: want a time"},
        {"closed-lock 64", "takes options only, found '64'"},
        {"hold --size 1e6", "--size: want a whole number from 1 to 16777216, found '1e6'"},
        {"hold --sizes 3", "did you mean --size?"},
        {"compare --pairs 3", "wants an operand: 'BASE'"},
        {"compare a b", "one too many: 'b'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char command[300];
        int code;

        (void)snprintf(command, sizeof(command), BENCH_DIR "/%s 2>&1", cases[i].command);
        char *text = output_of(command, &code);

        assert_int_equal(code, 1);
        if (!strstr(text, cases[i].text))
            print_error("%s: %s", cases[i].command, text);
        assert_non_null(strstr(text, cases[i].text));
        free(text);
    }
}

static void help_names_every_option(void **state)
{
    int code;
    char *text = output_of(BENCH_DIR "/closed-lock --help", &code);

    (void)state;
    assert_int_equal(code, 0);
    assert_non_null(strstr(text, "--tasks N"));
    assert_non_null(strstr(text, "--json"));
    free(text);
    text = output_of(BENCH_DIR "/hold -h", &code);
    assert_int_equal(code, 0);
    assert_non_null(strstr(text, "--size N"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_lock_is_a_run_of_the_library),
#ifdef PCLSIM_COMMAND
        cmocka_unit_test(closed_lock_is_a_run_of_the_command),
#endif
        cmocka_unit_test(running_ahead_and_checking_change_nothing),
        cmocka_unit_test(hold_prints_a_flat_object_for_any_size),
        cmocka_unit_test(a_frontier_costs_its_conflicts_and_not_its_units),
        cmocka_unit_test(cached_pages_cost_next_to_nothing),
        cmocka_unit_test(compare_runs_two_builds_by_turns),
        cmocka_unit_test(wrong_options_are_refused_with_a_reason),
        cmocka_unit_test(help_names_every_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
