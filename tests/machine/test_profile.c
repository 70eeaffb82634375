/* Machine files: value, range and source of each constant, bases, and every refusal with its
 * place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/profile.h>

#include <sys/stat.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* The head of a file in which every constant is known, so that a case shows one thing. */
#define HEAD "[machine]\nname = m\ntitle = t\nbase = ideal\n[lines]\n"

static int parse(const char *text, struct pcl_profile *p, struct pcl_err *err)
{
    return pcl_profile_parse("m.ini", text, strlen(text), p, err);
}

static void assert_message(const struct pcl_err *err, const char *want)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    pcl_err_print(f, err);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, want);
    free(text);
}

static void the_table_names_every_field_once(void **state)
{
    (void)state;
    for (int i = 0; i < PCL_N_CONSTS; i++) {
        assert_int_equal(pcl_const_find(pcl_consts[i].name), i);
        assert_true(strlen(pcl_consts[i].what) > 0);
        assert_true((strlen(pcl_consts[i].choices) > 0) ==
                    (pcl_consts[i].kind == PCL_KIND_WORD));
        for (int j = 0; j < i; j++)
            assert_true(pcl_consts[i].offset != pcl_consts[j].offset);
    }
    assert_int_equal(pcl_const_find("rmv"), -1);
    assert_int_equal(pcl_consts[PCL_C_rmw].offset, offsetof(struct pcl_profile, rmw));
}

static void a_constant_has_value_range_and_source(void **state)
{
    struct pcl_profile p;
    struct pcl_err err;

    (void)state;
    assert_int_equal(parse(HEAD "rmw = 5ns (2ns..8ns) 20 cycles (measured)\n"
                                "[device]\n"
                                "dev_read_bw = 2G/s (1G/s..3G/s) a drive\n"
                                "dev_channels=64\t(1..128)\tassumed\n"
                                "[kernel]\n"
                                "preempt = full a desktop # and a comment\n"
                                "[writeback]\n"
                                "ram = 256G (4k..max) any section may hold any constant\n",
                           &p, &err),
                     PCL_OK);
    assert_int_equal(p.rmw, 5);
    assert_int_equal(p.lo[PCL_C_rmw], 2);
    assert_int_equal(p.hi[PCL_C_rmw], 8);
    assert_int_equal(p.typical[PCL_C_rmw], 5);
    assert_string_equal(p.source[PCL_C_rmw], "20 cycles (measured)");
    assert_true(p.dev_read_bw == INT64_C(2) << 30);
    assert_int_equal(p.dev_channels, 64);
    assert_string_equal(p.source[PCL_C_dev_channels], "assumed");
    assert_int_equal(p.preempt, PCL_PREEMPT_FULL);
    assert_string_equal(p.source[PCL_C_preempt], "a desktop");
    assert_true(p.hi[PCL_C_ram] == INT64_MAX);
    assert_string_equal(p.name, "m");
    assert_string_equal(p.title, "t");
    assert_string_equal(p.base, "ideal");
    assert_string_equal(p.path, "m.ini");
    assert_int_equal(p.l1_hit, 0); /* from the base */
    assert_string_equal(p.source[PCL_C_l1_hit], "by definition");
}

struct refusal {
    const char *text, *want;
};

static const struct refusal refusals[] = {
    {"", "m.ini: error: want a section [machine] with name and title\n"},
    {"[machine]\ntitle = t\nbase = ideal\n",
     "m.ini:1:1: error: want a key 'name' in [machine]\n"
     "    1 | [machine]\n"
     "      | ^\n"},
    {"[machine]\nname = m\nbase = ideal\n",
     "m.ini:1:1: error: want a key 'title' in [machine]\n"
     "    1 | [machine]\n"
     "      | ^\n"},
    {"[machine]\nname =\ntitle = t\nbase = ideal\n",
     "m.ini:2:7: error: name: want a text, found nothing\n"
     "    2 | name =\n"
     "      |       ^\n"},
    {"[machine]\nname = m\ntitle = t\nbase = ideal\nram = 4G\n",
     "m.ini:5:1: error: [machine] has the keys name, title and base, found 'ram'\n"
     "    5 | ram = 4G\n"
     "      | ^\n"},
    {HEAD "[liens]\n", "m.ini:6:1: error: no section [liens] in a machine file\n"
                       "    6 | [liens]\n"
                       "      | ^ did you mean [lines]?\n"},
    {HEAD "[lines x]\n", "m.ini:6:1: error: no section [lines x] in a machine file\n"
                         "    6 | [lines x]\n"
                         "      | ^ did you mean [lines]?\n"},
    {HEAD "line_sockt = 5ns (2ns..8ns) x\n",
     "m.ini:6:1: error: no machine constant 'line_sockt'\n"
     "    6 | line_sockt = 5ns (2ns..8ns) x\n"
     "      | ^ did you mean 'line_socket'?\n"},
    {HEAD "think = 5ns (2ns..8ns) x\n", "m.ini:6:1: error: no machine constant 'think'\n"
                                        "    6 | think = 5ns (2ns..8ns) x\n"
                                        "      | ^\n"},
    {HEAD "rmw = 5 (2ns..8ns) x\n",
     "m.ini:6:7: error: rmw: want a unit: ns, us, ms, s, m or h, found '5'\n"
     "    6 | rmw = 5 (2ns..8ns) x\n"
     "      |       ^\n"},
    {HEAD "rmw =\n",
     "m.ini:6:6: error: rmw: want a time such as 250ns, 1.5us, 4ms or 2s, found ''\n"
     "    6 | rmw =\n"
     "      |      ^\n"},
    {HEAD "rmw = 5ns\n",
     "m.ini:6:10: error: rmw: want a plausible range such as (2ns..8ns) after the value\n"
     "    6 | rmw = 5ns\n"
     "      |          ^\n"},
    {HEAD "rmw = 5ns measured\n",
     "m.ini:6:11: error: rmw: want a plausible range such as (2ns..8ns) after the value\n"
     "    6 | rmw = 5ns measured\n"
     "      |           ^\n"},
    {HEAD "rmw = 5ns (2ns-8ns) x\n", "m.ini:6:11: error: rmw: want a range such as (2ns..8ns)\n"
                                     "    6 | rmw = 5ns (2ns-8ns) x\n"
                                     "      |           ^\n"},
    {HEAD "rmw = 5ns (2ns..8ns x\n", "m.ini:6:11: error: rmw: want a range such as (2ns..8ns)\n"
                                     "    6 | rmw = 5ns (2ns..8ns x\n"
                                     "      |           ^\n"},
    {HEAD "rmw = 5ns (2..8ns) x\n",
     "m.ini:6:12: error: rmw: want a unit: ns, us, ms, s, m or h, found '2'\n"
     "    6 | rmw = 5ns (2..8ns) x\n"
     "      |            ^\n"},
    {HEAD "rmw = 5ns (2ns..8) x\n",
     "m.ini:6:17: error: rmw: want a unit: ns, us, ms, s, m or h, found '8'\n"
     "    6 | rmw = 5ns (2ns..8) x\n"
     "      |                 ^\n"},
    {HEAD "rmw = 5ns (8ns..2ns) x\n",
     "m.ini:6:11: error: rmw: the range ends before it begins: 8ns..2ns\n"
     "    6 | rmw = 5ns (8ns..2ns) x\n"
     "      |           ^\n"},
    {HEAD "rmw = 9ns (2ns..8ns) x\n", "m.ini:6:7: error: rmw: 9ns lies outside its range\n"
                                      "    6 | rmw = 9ns (2ns..8ns) x\n"
                                      "      |       ^\n"},
    {HEAD "rmw = 1ns (2ns..8ns) x\n", "m.ini:6:7: error: rmw: 1ns lies outside its range\n"
                                      "    6 | rmw = 1ns (2ns..8ns) x\n"
                                      "      |       ^\n"},
    {HEAD "rmw = 5ns (2ns..8ns)\n",
     "m.ini:6:21: error: rmw: want the source of the figure at the end\n"
     "    6 | rmw = 5ns (2ns..8ns)\n"
     "      |                     ^\n"},
    {HEAD "preempt = full\n",
     "m.ini:6:15: error: preempt: want the source of the figure at the end\n"
     "    6 | preempt = full\n"
     "      |               ^\n"},
    {HEAD "preempt = lazy x\n",
     "m.ini:6:11: error: preempt: want one of none|voluntary|full, found 'lazy'\n"
     "    6 | preempt = lazy x\n"
     "      |           ^\n"},
    {HEAD "rmw = 2h (0..3h) x\n", "m.ini:6:7: error: rmw: time above an hour, found '2h'\n"
                                  "    6 | rmw = 2h (0..3h) x\n"
                                  "      |       ^\n"},
    {HEAD "sockets = 0 (0..3) x\n", "m.ini:6:11: error: sockets: number too small, found '0'\n"
                                    "    6 | sockets = 0 (0..3) x\n"
                                    "      |           ^\n"},
    {HEAD "hz = 1000000 (1..1000000) x\n",
     "m.ini:6:6: error: hz: number too large, found '1000000'\n"
     "    6 | hz = 1000000 (1..1000000) x\n"
     "      |      ^\n"},
    {HEAD "ram = 8E (1G..8E) x\n", "m.ini:6:7: error: ram: size above 2^63 - 1 bytes; the "
                                   "largest is written max, found '8E'\n"
                                   "    6 | ram = 8E (1G..8E) x\n"
                                   "      |       ^\n"},
    {HEAD "dev_read_bw = 2G (1G/s..3G/s) x\n",
     "m.ini:6:15: error: dev_read_bw: want bytes per second such as 2G/s, found '2G'\n"
     "    6 | dev_read_bw = 2G (1G/s..3G/s) x\n"
     "      |               ^\n"},
    {HEAD "rmw = 5ns (2ns..8ns) x\n[paths]\nrmw = 5ns (2ns..8ns) x\n",
     "m.ini:8:1: error: rmw appears twice, first in line 6\n"
     "    8 | rmw = 5ns (2ns..8ns) x\n"
     "      | ^\n"},
    {HEAD
     "sockets = 100 (1..100) x\nllcs_per_socket = 100 (1..100) x\ncpus_per_llc = 1 (1..1) x\n",
     "m.ini:1:1: error: more than 8192 CPUs\n"
     "    1 | [machine]\n"
     "      | ^\n"},
    {HEAD "sched = cfs x\n",
     "m.ini:1:1: error: a CPU per task (cpus_per_llc = 0) needs sched = ideal\n"
     "    1 | [machine]\n"
     "      | ^\n"},
    {HEAD "dirty_limit = 5 (1..9) x\n",
     "m.ini:1:1: error: dirty_background is above dirty_limit\n"
     "    1 | [machine]\n"
     "      | ^\n"},
    {HEAD "rmw\n", "m.ini:6:1: error: want [section] or key = value, found 'rmw'\n"
                   "    6 | rmw\n"
                   "      | ^\n"},
};

static void each_fault_is_refused_where_it_is(void **state)
{
    struct pcl_profile p;
    struct pcl_err err;

    (void)state;
    for (size_t i = 0; i < LENGTH(refusals); i++) {
        assert_int_equal(parse(refusals[i].text, &p, &err), PCL_EINVAL);
        assert_message(&err, refusals[i].want);
        assert_int_equal(parse(refusals[i].text, &p, NULL), PCL_EINVAL);
    }
}

static void without_a_base_every_constant_is_needed(void **state)
{
    struct pcl_profile p;
    struct pcl_err err;
    char want[300];

    (void)state;
    assert_int_equal(
        parse("[machine]\nname = m\ntitle = t\n[lines]\nrmw = 5ns (2ns..8ns) x\n", &p, &err),
        PCL_EINVAL);
    (void)snprintf(want, sizeof want,
                   "m.ini:1:1: error: %d constants are missing, first 'sockets' (sockets (NUMA "
                   "nodes)); a machine without base gives every one\n"
                   "    1 | [machine]\n"
                   "      | ^\n",
                   PCL_N_CONSTS - 1);
    assert_message(&err, want);
}

static void texts_that_do_not_fit_are_refused(void **state)
{
    char text[1200], longer[300];
    struct pcl_profile p;
    struct pcl_err err;

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)snprintf(text, sizeof text, HEAD "rmw = 5ns (2ns..8ns) %s\n", longer);
    assert_int_equal(parse(text, &p, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "rmw: want a source of at most 199 bytes");
    assert_int_equal(err.col, 22);
    (void)snprintf(text, sizeof text, "[machine]\nname = %s\n", longer);
    assert_int_equal(parse(text, &p, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "name: want at most 63 bytes");
    (void)snprintf(text, sizeof text, HEAD "rmw = %s (2ns..8ns) x\n", longer);
    assert_int_equal(parse(text, &p, &err), PCL_EINVAL);
    assert_int_equal(err.col, 7);
    (void)snprintf(text, sizeof text, HEAD "rmw = 5ns (2ns..%s) x\n", longer);
    assert_int_equal(parse(text, &p, &err), PCL_EINVAL);
    assert_int_equal(err.col, 11);
}

static void a_constant_is_set_from_outside(void **state)
{
    struct pcl_profile p;
    struct pcl_err err;

    (void)state;
    assert_int_equal(parse(HEAD "rmw = 5ns (2ns..8ns) x\n", &p, &err), PCL_OK);
    assert_int_equal(pcl_profile_set(&p, "rmw", "low", NULL, 0, 0, &err), PCL_OK);
    assert_int_equal(p.rmw, 2);
    assert_int_equal(pcl_profile_set(&p, "rmw", "high", NULL, 0, 0, &err), PCL_OK);
    assert_int_equal(p.rmw, 8);
    assert_int_equal(pcl_profile_set(&p, "rmw", "typical", NULL, 0, 0, &err), PCL_OK);
    assert_int_equal(p.rmw, 5);
    /* a question of what if may leave the plausible range */
    assert_int_equal(pcl_profile_set(&p, "rmw", "1us", NULL, 0, 0, &err), PCL_OK);
    assert_int_equal(p.rmw, 1000);
    assert_int_equal(p.hi[PCL_C_rmw], 8);
    assert_int_equal(pcl_profile_set(&p, "rmw", "typical", NULL, 0, 0, &err), PCL_OK);
    assert_int_equal(p.rmw, 5);
    assert_int_equal(pcl_profile_set(&p, "preempt", "full", NULL, 0, 0, &err), PCL_OK);
    assert_int_equal(p.preempt, PCL_PREEMPT_FULL);
    assert_int_equal(pcl_profile_set(&p, "preempt", "typical", NULL, 0, 0, &err), PCL_OK);
    assert_int_equal(p.preempt, PCL_PREEMPT_NONE);
}

static void a_refused_setting_changes_nothing(void **state)
{
    static const struct {
        const char *key, *value, *want;
    } cases[] = {
        {"rmv", "5ns",
         "--set machine.rmv=5ns: error: no machine constant 'rmv'\n"
         "  did you mean 'rmw'?\n"},
        {"rmw", "5",
         "--set machine.rmw=5: error: rmw: want a unit: ns, us, ms, s, m or h, "
         "found '5'\n"},
        {"preempt", "low",
         "--set machine.preempt=low: error: preempt: want one of "
         "none|voluntary|full, found 'low'\n"},
        {"dirty_limit", "5",
         "--set machine.dirty_limit=5: error: dirty_limit: dirty_background is above "
         "dirty_limit\n"},
        {"sched", "cfs",
         "--set machine.sched=cfs: error: sched: a CPU per task (cpus_per_llc = 0) needs "
         "sched = ideal\n"},
    };
    struct pcl_profile p;
    struct pcl_err err;
    char *before, *after;

    (void)state;
    pcl_profile_ideal(&p);
    before = pcl_profile_text(&p);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(pcl_profile_set(&p, cases[i].key, cases[i].value, NULL, 0, 0, &err),
                         PCL_EINVAL);
        assert_message(&err, cases[i].want);
    }
    after = pcl_profile_text(&p);
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_int_equal(pcl_profile_set(&p, "rmw", "x", "s.ini", 3, 9, &err), PCL_EINVAL);
    assert_message(&err, "s.ini:3:9: error: rmw: want a time such as 250ns, 1.5us, 4ms or 2s, "
                         "found 'x'\n");
}

static void a_written_value_reads_back(void **state)
{
    static const struct {
        enum pcl_const_id id;
        int64_t value;
        const char *text;
    } cases[] = {
        {PCL_C_rmw, 0, "0ns"},
        {PCL_C_rmw, 999, "999ns"},
        {PCL_C_rmw, 1500, "1.5us"},
        {PCL_C_rmw, 1001, "1.001us"},
        {PCL_C_rmw, 1234567, "1234.567us"},
        {PCL_C_rmw, 2000000, "2ms"},
        {PCL_C_rmw, INT64_C(2500000000), "2.5s"},
        {PCL_C_hz, 250, "250"},
        {PCL_C_ram, 0, "0"},
        {PCL_C_ram, INT64_C(256) << 30, "256G"},
        {PCL_C_ram, 1536, "1536"},
        {PCL_C_ram, INT64_MAX, "9223372036854775807"},
        {PCL_C_dev_read_bw, INT64_C(2) << 30, "2G/s"},
        {PCL_C_sched, PCL_SCHED_EEVDF, "eevdf"},
        {PCL_C_sched, PCL_SCHED_IDEAL, "ideal"},
    };
    struct pcl_profile p;
    char buf[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *key = pcl_consts[cases[i].id].name;

        assert_string_equal(pcl_const_format(cases[i].id, cases[i].value, buf, sizeof buf),
                            cases[i].text);
        pcl_profile_ideal(&p);
        p.cpus_per_llc = 1;
        assert_int_equal(pcl_profile_set(&p, key, buf, NULL, 0, 0, NULL), PCL_OK);
        assert_true(pcl_profile_get(&p, cases[i].id) == cases[i].value);
    }
}

static void equal_machines_have_equal_text(void **state)
{
    struct pcl_profile a, b;
    char *s, *t;

    (void)state;
    assert_int_equal(parse(HEAD "rmw = 5ns (2ns..8ns) x\n", &a, NULL), PCL_OK);
    assert_int_equal(parse("[machine]\nname = other\ntitle = other\nbase = ideal\n[paths]\n"
                           "rmw = 0.005us (1ns..9ns) y\n",
                           &b, NULL),
                     PCL_OK);
    s = pcl_profile_text(&a);
    t = pcl_profile_text(&b);
    assert_string_equal(s, t);
    assert_non_null(strstr(s, "rmw = 5\n"));
    assert_non_null(strstr(s, "sched = ideal\n"));
    free(t);
    b.rmw = 6;
    t = pcl_profile_text(&b);
    assert_string_not_equal(s, t);
    free(s);
    free(t);
}

static void the_ideal_machine_costs_nothing(void **state)
{
    struct pcl_profile p;

    (void)state;
    assert_int_equal(pcl_profile_load("ideal", &p, NULL), PCL_OK);
    assert_string_equal(p.name, "ideal");
    assert_int_equal(pcl_profile_cpus(&p), 0);
    assert_int_equal(p.sched, PCL_SCHED_IDEAL);
    for (int i = 0; i < PCL_N_CONSTS; i++) {
        if (pcl_consts[i].kind == PCL_KIND_NS)
            assert_int_equal(pcl_profile_get(&p, (enum pcl_const_id)i), 0);
        assert_true(pcl_profile_get(&p, (enum pcl_const_id)i) == p.typical[i]);
    }
}

/* --- bases
 * ------------------------------------------------------------------------------------ */

static char dir[] = "/tmp/pclsim-test-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int load(const char *name, struct pcl_profile *p, struct pcl_err *err)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return pcl_profile_load(path, p, err);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    char command[64];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static void a_base_gives_what_a_file_leaves_out(void **state)
{
    struct pcl_profile p;
    struct pcl_err err;

    (void)state;
    put("a.ini", HEAD "rmw = 5ns (2ns..8ns) from a\nl1_hit = 1ns (1ns..2ns) from a\n");
    put("b.ini", "[machine]\nname = b\ntitle = the second\nbase = a\n[lines]\n"
                 "rmw = 7ns (6ns..9ns) from b\n");
    put("c.ini", "[machine]\nname = c\ntitle = the third\nbase = b\n");
    assert_int_equal(load("c.ini", &p, &err), PCL_OK);
    assert_string_equal(p.name, "c");
    assert_string_equal(p.title, "the third");
    assert_string_equal(p.base, "b");
    assert_int_equal(p.rmw, 7);
    assert_int_equal(p.lo[PCL_C_rmw], 6);
    assert_string_equal(p.source[PCL_C_rmw], "from b");
    assert_int_equal(p.l1_hit, 1);
    assert_string_equal(p.source[PCL_C_l1_hit], "from a");
    assert_int_equal(load("b", &p, &err), PCL_OK); /* .ini may be left out */
    assert_string_equal(p.name, "b");
}

static void a_base_that_is_wrong_is_refused(void **state)
{
    struct pcl_profile p;
    struct pcl_err err;

    (void)state;
    put("self.ini", "[machine]\nname = self\ntitle = t\nbase = self\n");
    assert_int_equal(load("self.ini", &p, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "base: 'self' leads back to this file or is too deep");
    assert_int_equal(err.line, 4);
    assert_int_equal(err.col, 8);

    put("one.ini", "[machine]\nname = one\ntitle = t\nbase = two\n");
    put("two.ini", "[machine]\nname = two\ntitle = t\nbase = one\n");
    assert_int_equal(load("one.ini", &p, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "base: 'one' leads back to this file or is too deep");
    assert_non_null(strstr(err.file, "/two.ini"));

    put("orphan.ini", "[machine]\nname = o\ntitle = t\nbase = sever-2s\n");
    assert_int_equal(load("orphan.ini", &p, &err), PCL_EINVAL);
    assert_non_null(strstr(err.msg, "base: no 'sever-2s' in workloads/machines; looked in: "));
    assert_string_equal(err.hint, "did you mean 'server-2s'?");
    assert_int_equal(err.line, 4);

    /* a fault in the base is shown there */
    put("bad.ini", HEAD "rmw = 5\n");
    put("child.ini", "[machine]\nname = c\ntitle = t\nbase = bad\n");
    assert_int_equal(load("child.ini", &p, &err), PCL_EINVAL);
    assert_non_null(strstr(err.file, "/bad.ini"));
    assert_int_equal(err.line, 6);
}

static void a_missing_machine_is_named(void **state)
{
    struct pcl_profile p;
    struct pcl_err err;

    (void)state;
    assert_int_equal(pcl_profile_load("lptop", &p, &err), PCL_ENOENT);
    assert_non_null(strstr(err.msg, "no 'lptop' in workloads/machines; looked in: "));
    assert_string_equal(err.hint, "did you mean 'laptop'?");
    assert_int_equal(pcl_profile_load("./lptop", &p, &err), PCL_ENOENT);
    assert_string_equal(err.msg, "no file './lptop'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_names_every_field_once),
        cmocka_unit_test(a_constant_has_value_range_and_source),
        cmocka_unit_test(each_fault_is_refused_where_it_is),
        cmocka_unit_test(without_a_base_every_constant_is_needed),
        cmocka_unit_test(texts_that_do_not_fit_are_refused),
        cmocka_unit_test(a_constant_is_set_from_outside),
        cmocka_unit_test(a_refused_setting_changes_nothing),
        cmocka_unit_test(a_written_value_reads_back),
        cmocka_unit_test(equal_machines_have_equal_text),
        cmocka_unit_test(the_ideal_machine_costs_nothing),
        cmocka_unit_test(a_base_gives_what_a_file_leaves_out),
        cmocka_unit_test(a_base_that_is_wrong_is_refused),
        cmocka_unit_test(a_missing_machine_is_named),
    };

    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
