/*
 * Wrong input: every verb says what is wrong and where, on standard error, with exit code 1,
 * and prints no result.
 */
#include "command.h"

#include <stdlib.h>
#include <sys/stat.h>

static struct said s;

static void assert_refused(const char *part)
{
    assert_code(&s, 1);
    assert_says(s.err, part);
    assert_string_equal(s.out, "");
}

static void missing_files_are_named(void **state)
{
    (void)state;
    pclsim(&s, "run", "./no-such.ini", NULL);
    assert_refused("no-such.ini");
    pclsim(&s, "trace", "info", "./no-such.strace", NULL);
    assert_refused("no-such.strace");
    pclsim(&s, "compare", "./no-such.db", NULL);
    assert_refused("no-such.db");
    pclsim(&s, "plot", "./no-such.db", "-o", "x.png", NULL);
    assert_refused("no-such.db");
    pclsim(&s, "run", "tiny.ini", "--machine", "./no-such.ini", NULL);
    assert_refused("no-such.ini");
    pclsim(&s, "run", "tiny.ini", "--schemes", "./no-such.ini", NULL);
    assert_refused("no-such.ini");
}

static void unknown_names_get_a_suggestion(void **state)
{
    (void)state;
    pclsim(&s, "run", "hot-pgae", NULL);
    assert_refused("hot-page");
    pclsim(&s, "run", "tiny.ini", "--scheme", "v5.9-rc2", NULL);
    assert_refused("v5.9-rc1");
    pclsim(&s, "run", "tiny.ini", "--scheme", "v5.9:page=handof", NULL);
    assert_refused("handof");
    pclsim(&s, "run", "tiny.ini", "--machine", "server-2", NULL);
    assert_refused("server-2s");
    pclsim(&s, "schemes", "show", "v5.8x", NULL);
    assert_refused("v5.8");
    pclsim(&s, "machines", "show", "laptpo", NULL);
    assert_refused("laptop");
    pclsim(&s, "workloads", "show", "hot-pgae", NULL);
    assert_refused("hot-page");
    pclsim(&s, "claims", "S99", NULL);
    assert_refused("S99");
}

static void an_empty_file_is_no_input(void **state)
{
    (void)state;
    write_text("empty", "");
    pclsim(&s, "run", "empty", NULL);
    assert_refused("empty");
    pclsim(&s, "trace", "info", "empty", NULL);
    assert_refused("empty");
    pclsim(&s, "compare", "empty", NULL);
    assert_refused("empty");
}

static void a_folder_is_no_input(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder(0, "folder"), 0755), 0);
    pclsim(&s, "run", "./folder", NULL);
    assert_refused("folder");
    pclsim(&s, "trace", "info", "./folder", NULL);
    assert_refused("folder");
    pclsim(&s, "compare", "./folder", NULL);
    assert_refused("folder");
    pclsim(&s, "run", "tiny.ini", "--db", "./folder", NULL);
    assert_refused("folder");
}

static void binary_rubbish_is_no_input(void **state)
{
    FILE *f = fopen(in_folder(0, "rubbish"), "w");

    (void)state;
    assert_non_null(f);
    for (int i = 0; i < 4096; i++)
        (void)fputc(i * 37 % 251, f);
    assert_int_equal(fclose(f), 0);
    pclsim(&s, "run", "rubbish", NULL);
    assert_refused("rubbish");
    pclsim(&s, "trace", "info", "rubbish", NULL);
    assert_refused("rubbish");
    pclsim(&s, "compare", "rubbish", NULL);
    assert_refused("rubbish");
}

/* Replaces one line of the tiny scenario and expects the message at that place. */
static void refuse_line(const char *line, const char *by, const char *says)
{
    char text[1024], *at, place[64];
    unsigned number = 1;

    at = strstr(tiny_scenario, line);
    assert_non_null(at);
    for (const char *p = tiny_scenario; p < at; p++)
        number += *p == '\n';
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - tiny_scenario), tiny_scenario, by,
                   at + strlen(line));
    write_text("wrong.ini", text);
    pclsim(&s, "run", "wrong.ini", NULL);
    assert_refused(says);
    (void)snprintf(place, sizeof(place), "wrong.ini:%u:", number);
    assert_says(s.err, place);
}

static void scenario_errors_have_a_position(void **state)
{
    (void)state;
    refuse_line("think = 5us", "think = 5 parsecs", "think");
    refuse_line("think = 5us", "think = 5", "think");
    refuse_line("size = 64k", "size = 99999999999E", "size");
    refuse_line("size = 64k", "size = 64q", "size");
    refuse_line("tasks = 2", "tasks = many", "tasks");
    refuse_line("tasks = 2", "taks = 2", "did you mean");
    refuse_line("mix = read:1", "mix = raed:1", "raed");
    refuse_line("duration = 1ms", "wake_call = 1us", "wake_call");
}

static void overrides_are_checked(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--set", "tasks", NULL);
    assert_refused("tasks");
    pclsim(&s, "run", "tiny.ini", "--set", "tsaks=3", NULL);
    assert_refused("tsaks");
    pclsim(&s, "run", "tiny.ini", "--set", "tasks=-3", NULL);
    assert_refused("tasks");
    pclsim(&s, "run", "tiny.ini", "--set", "machine.wake_cal=1us", NULL);
    assert_refused("wake_cal");
}

static void options_of_traces_do_not_fit_scenarios(void **state)
{
    (void)state;
    pclsim(&s, "run", "tiny.ini", "--clone", "4", NULL);
    assert_refused("--clone is for traces");
    pclsim(&s, "run", "tiny.ini", "--replay", "asap", NULL);
    assert_refused("--replay is for traces");
}

static void replay_options_are_checked(void **state)
{
    static const char trace[] = "fio-falloc.strace.gz";

    (void)state;
    pclsim(&s, "run", trace, "--replay", "backwards", NULL);
    assert_refused("think, open, asap or scaled:F");
    pclsim(&s, "run", trace, "--replay", "scaled:0", NULL);
    assert_refused("above 0");
    pclsim(&s, "run", trace, "--clone", "0", NULL);
    assert_refused("--clone");
    pclsim(&s, "run", trace, "--max-think", "5", NULL);
    assert_refused("--max-think");
}

static int end(void **state)
{
    forget(&s);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(unknown_names_get_a_suggestion),
        cmocka_unit_test(an_empty_file_is_no_input),
        cmocka_unit_test(a_folder_is_no_input),
        cmocka_unit_test(binary_rubbish_is_no_input),
        cmocka_unit_test(scenario_errors_have_a_position),
        cmocka_unit_test(overrides_are_checked),
        cmocka_unit_test(options_of_traces_do_not_fit_scenarios),
        cmocka_unit_test(replay_options_are_checked),
    };

    return cmocka_run_group_tests(tests, make_folder, end);
}
