/*
 * What is shipped: every scenario reads, says where it comes from, reads back from its
 * canonical text and names schemes that exist; and the documentation shows the tables that the
 * parser uses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pclsim/scenario.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT PCLSIM_SOURCE_DIR

static const char *const dirs[] = {"workloads", "workloads/published", "workloads/claims",
                                   "workloads/studies"};

static struct pcl_scenario *load(const char *path, const char *const *set, size_t n)
{
    struct pcl_scenario *s = NULL;
    struct pcl_err e;

    if (pcl_scenario_load(path, set, n, &s, &e) != PCL_OK) {
        pcl_err_print(stderr, &e);
        fail();
    }
    return s;
}

static void check_schemes(const struct pcl_scenario *s)
{
    struct pcl_schemes known = {0};

    assert_int_equal(pcl_schemes_load(ROOT "/workloads/schemes.ini", &known, NULL), PCL_OK);
    known.v = pcl_xrealloc(known.v, known.n + s->own.n, sizeof *known.v);
    for (size_t i = 0; i < s->own.n; i++)
        known.v[known.n++] = s->own.v[i];
    for (size_t i = 0; i < s->n_schemes; i++) {
        struct pcl_scheme x;
        struct pcl_err e;

        if (pcl_scheme_resolve(&known, s->schemes[i], &x, &e) != PCL_OK) {
            pcl_err_print(stderr, &e);
            fail();
        }
    }
    pcl_schemes_fini(&known);
}

static void check_machine(const struct pcl_scenario *s)
{
    char path[1024];
    FILE *f;

    if (strcmp(s->machine, "ideal") == 0) /* built in */
        return;
    (void)snprintf(path, sizeof path, "%s/workloads/machines/%s.ini", ROOT, s->machine);
    f = fopen(path, "r");
    assert_non_null(f);
    (void)fclose(f);
}

static void check_one(const char *path)
{
    struct pcl_scenario *s = load(path, NULL, 0), *again = NULL;
    struct pcl_err e;

    assert_true(s->title[0] != '\0');
    assert_true(s->source[0] != '\0');
    check_schemes(s);
    check_machine(s);
    if (pcl_scenario_parse(path, s->text, NULL, 0, &again, &e) != PCL_OK) {
        pcl_err_print(stderr, &e);
        fail();
    }
    assert_string_equal(again->text, s->text);
    pcl_scenario_free(again);
    for (size_t i = 0; i < s->n_grid; i++)
        for (size_t j = 0; j < s->grid[i].n_values; j++) {
            char set[256];
            const char *one = set;

            (void)snprintf(set, sizeof set, "%s=%s", s->grid[i].key, s->grid[i].value[j]);
            pcl_scenario_free(load(path, &one, 1));
        }
    pcl_scenario_free(s);
}

static void every_shipped_scenario_reads_and_reads_back(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        char path[1024];
        struct dirent *d;
        DIR *dir;

        (void)snprintf(path, sizeof path, "%s/%s", ROOT, dirs[i]);
        dir = opendir(path);
        while (dir && (d = readdir(dir))) {
            const char *dot = strrchr(d->d_name, '.');

            if (!dot || strcmp(dot, ".ini") != 0 || strcmp(d->d_name, "schemes.ini") == 0)
                continue;
            (void)snprintf(path, sizeof path, "%s/%s/%s", ROOT, dirs[i], d->d_name);
            check_one(path);
            n++;
        }
        if (dir)
            (void)closedir(dir);
    }
    assert_true(n >= 10);
}

static void a_shipped_name_is_enough(void **state)
{
    struct pcl_scenario *s;

    (void)state;
    assert_int_equal(setenv("PCLSIM_DATA", ROOT, 1), 0);
    s = load("hot-page", NULL, 0);
    assert_string_equal(s->name, "hot-page");
    pcl_scenario_free(s);
    s = load("published/s1", NULL, 0);
    assert_string_equal(s->claim.id, "S1");
    pcl_scenario_free(s);
}

static void a_wrong_name_is_an_error(void **state)
{
    struct pcl_scenario *s = NULL;
    struct pcl_err e;

    (void)state;
    assert_int_equal(setenv("PCLSIM_DATA", ROOT, 1), 0);
    assert_int_not_equal(pcl_scenario_load("hot-pgae", NULL, 0, &s, &e), PCL_OK);
    assert_non_null(strstr(e.hint, "hot-page"));
    assert_int_not_equal(pcl_scenario_load(ROOT "/workloads", NULL, 0, &s, &e), PCL_OK);
}

/* S1 is about the workload of hot-page, whose file gives the reason for each number. */
static void claim_s1_runs_the_hot_page_as_it_is(void **state)
{
    struct pcl_scenario *hot = load(ROOT "/workloads/hot-page.ini", NULL, 0);
    struct pcl_scenario *s1 = load(ROOT "/workloads/published/s1.ini", NULL, 0);

    (void)state;
    assert_string_equal(hot->run_text, s1->run_text);
    assert_int_equal(s1->n_grid, 1);
    assert_string_equal(s1->grid[0].key, "tasks");
    assert_int_equal(s1->n_schemes, 10);
    assert_int_equal(s1->claim.n_expect, 12);
    pcl_scenario_free(s1);
    pcl_scenario_free(hot);
}

/* 7,685 transactions a second at one user, however the work is split. */
static void a_hot_page_transaction_takes_the_published_time(void **state)
{
    struct pcl_scenario *s = load(ROOT "/workloads/hot-page.ini", NULL, 0);
    const struct pcl_group *g = &s->groups[0];

    (void)state;
    assert_int_equal(g->think.a + g->ops_per_transaction * g->hold.a, 130100);
    assert_true(g->think.a / g->ops_per_transaction / g->hold.a >= 50);
    assert_true(g->think.a / g->ops_per_transaction / g->hold.a <= 200);
    pcl_scenario_free(s);
}

/* --- documentation ----------------------------------------------------------------------- */

static const char begin[] = "<!-- keys: begin (made from the parser's tables) -->\n";
static const char end[] = "<!-- keys: end -->\n";

/* PCLSIM_RENEW=1 writes the tables into the document. */
static void renew(const char *path, const char *doc, const char *from, const char *to,
                  const char *tables)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    (void)fwrite(doc, 1, (size_t)(from - doc), f);
    (void)fprintf(f, "\n%s", tables);
    (void)fputs(to, f);
    assert_int_equal(fclose(f), 0);
}

static void the_documentation_shows_the_parsers_tables(void **state)
{
    static const char path[] = ROOT "/docs/scenario.md";
    char *doc = NULL, *tables = pcl_scenario_keys_markdown(), *from, *to;
    size_t n;

    (void)state;
    assert_int_equal(pcl_read_file(path, 1 << 20, &doc, &n, NULL), PCL_OK);
    from = strstr(doc, begin);
    to = strstr(doc, end);
    assert_true(from && to && from < to);
    from += sizeof begin - 1;
    if (getenv("PCLSIM_RENEW"))
        renew(path, doc, from, to, tables);
    else if ((size_t)(to - from) != strlen(tables) + 1 ||
             strncmp(from + 1, tables, strlen(tables)) != 0) {
        print_error("docs/scenario.md is not up to date: run this test with PCLSIM_RENEW=1\n");
        fail();
    }
    free(doc);
    free(tables);
}

/* The first example of the document is one that works. */
static void the_documented_example_reads(void **state)
{
    static const char fence[] = "```ini\n";
    struct pcl_scenario *s = NULL;
    char *doc = NULL, *from, *to;
    struct pcl_err e;
    size_t n;

    (void)state;
    assert_int_equal(pcl_read_file(ROOT "/docs/scenario.md", 1 << 20, &doc, &n, NULL), PCL_OK);
    from = strstr(doc, fence);
    assert_non_null(from);
    from += sizeof fence - 1;
    to = strstr(from, "```");
    assert_non_null(to);
    *to = '\0';
    if (pcl_scenario_parse("docs/scenario.md", from, NULL, 0, &s, &e) != PCL_OK) {
        pcl_err_print(stderr, &e);
        fail();
    }
    check_schemes(s);
    pcl_scenario_free(s);
    free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shipped_scenario_reads_and_reads_back),
        cmocka_unit_test(a_shipped_name_is_enough),
        cmocka_unit_test(a_wrong_name_is_an_error),
        cmocka_unit_test(claim_s1_runs_the_hot_page_as_it_is),
        cmocka_unit_test(a_hot_page_transaction_takes_the_published_time),
        cmocka_unit_test(the_documentation_shows_the_parsers_tables),
        cmocka_unit_test(the_documented_example_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
