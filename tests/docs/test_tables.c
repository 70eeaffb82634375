/*
 * The tables of docs/paths.md, docs/locks.md, docs/schemes.md and docs/machines.md are what the
 * code says. Each stands between the lines
 *
 *     <!-- table NAME: made by tests/docs/test_tables.c -->
 *     <!-- end -->
 *
 * PCLSIM_RENEW=1 in the environment writes them anew; the diff is then reviewed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/paths.h>

/* --- comparing -------------------------------------------------------------------------------
 */

static void compare(const char *page, const char *name, const char *want)
{
    char path[600], mark[120];
    char *text = NULL;
    size_t size;
    struct pcl_err err = {0};

    (void)snprintf(path, sizeof(path), "%s/docs/%s", PCLSIM_SOURCE_DIR, page);
    (void)snprintf(mark, sizeof(mark), "<!-- table %s: made by tests/docs/test_tables.c -->\n",
                   name);
    if (pcl_read_file(path, 1 << 20, &text, &size, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    char *from = strstr(text, mark);

    if (!from)
        fail_msg("%s: no line %s", page, mark);
    from += strlen(mark);
    char *to = strstr(from, "<!-- end -->");

    assert_non_null(to);
    bool same = strlen(want) == (size_t)(to - from) && strncmp(from, want, strlen(want)) == 0;

    if (!same && getenv("PCLSIM_RENEW")) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        (void)fwrite(text, 1, (size_t)(from - text), f);
        (void)fputs(want, f);
        (void)fputs(to, f);
        assert_int_equal(fclose(f), 0);
        same = true;
    }
    if (!same)
        print_error("docs/%s, table %s: not what the code says; PCLSIM_RENEW=1 renews it\n%s",
                    page, name, want);
    free(text);
    assert_true(same);
}

/* --- paths -----------------------------------------------------------------------------------
 */

static const enum pcl_role roles[] = {PCL_ROLE_MMAP, PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                      PCL_ROLE_ILOCK, PCL_ROLE_IMAP};

enum { N_ROLES = sizeof(roles) / sizeof(roles[0]) };

static void modes(FILE *f)
{
    fprintf(f, "| operation |");
    for (int fs = 0; fs < PCL_FS_PAGE_ONLY; fs++)
        fprintf(f, " %s |", pcl_fs_name((enum pcl_fs)fs));
    fprintf(f, "\n|---|---|---|---|\n");
    for (int op = 0; op < PCL_N_OPS; op++) {
        fprintf(f, "| %s |", pcl_op_name((enum pcl_op)op));
        for (int fs = 0; fs < PCL_FS_PAGE_ONLY; fs++) {
            bool any = false;

            for (int r = 0; r < N_ROLES; r++) {
                char m = pcl_personality_mode((enum pcl_fs)fs, (enum pcl_op)op, roles[r]);

                if (m == '-')
                    continue;
                fprintf(f, "%s%s %c", any ? ", " : " ", pcl_role_name(roles[r]), m);
                any = true;
            }
            fprintf(f, "%s |", any ? "" : " none");
        }
        fprintf(f, "\n");
    }
}

/* The steps without the modes: two blanks of indentation less, "lock IOLOCK X" is "lock
 * IOLOCK". */
static char *steps_of(enum pcl_fs fs, enum pcl_op op, bool dax)
{
    char *raw = NULL, *text = NULL;
    size_t n = 0, m = 0;
    FILE *f = open_memstream(&raw, &n), *out;

    if (dax)
        (void)pcl_path_print_dax(f, op);
    else
        pcl_path_print(f, fs, op);
    (void)fclose(f);
    out = open_memstream(&text, &m);
    for (char *line = raw, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        size_t len = (size_t)(end - line);

        if (strncmp(line, "    lock ", 9) == 0 && line[len - 2] == ' ')
            len -= 2;
        fprintf(out, "%.*s\n", (int)len, line);
    }
    (void)fclose(out);
    free(raw);
    return text;
}

/* Those that go another way on DAX; the same tables stand together. */
static void dax_steps(FILE *f)
{
    char *text[PCL_N_OPS];

    for (int op = 0; op < PCL_N_OPS; op++)
        text[op] = steps_of(PCL_FS_XFS, (enum pcl_op)op, true);
    for (int a = 0; a < PCL_N_OPS; a++) {
        bool first = text[a][0] != '\0';

        for (int b = 0; b < a; b++)
            first &= strcmp(text[a], text[b]) != 0;
        if (!first)
            continue;
        fprintf(f, "### %s", pcl_op_name((enum pcl_op)a));
        for (int b = a + 1; b < PCL_N_OPS; b++)
            if (strcmp(text[a], text[b]) == 0)
                fprintf(f, ", %s", pcl_op_name((enum pcl_op)b));
        fprintf(f, " on DAX\n\n```\n%s```\n\n", text[a]);
    }
    for (int op = 0; op < PCL_N_OPS; op++)
        free(text[op]);
}

/* Each operation's tables; personalities whose steps are the same stand together. */
static void steps(FILE *f)
{
    for (int op = 0; op < PCL_N_OPS; op++) {
        char *text[PCL_N_FS];

        fprintf(f, "### %s\n\n%s.\n\n", pcl_op_name((enum pcl_op)op),
                pcl_op_what((enum pcl_op)op));
        for (int fs = 0; fs < PCL_N_FS; fs++)
            text[fs] = steps_of((enum pcl_fs)fs, (enum pcl_op)op, false);
        for (int a = 0; a < PCL_N_FS; a++) {
            bool first = true, all = true;

            for (int b = 0; b < a; b++)
                first &= strcmp(text[a], text[b]) != 0;
            if (!first)
                continue;
            for (int b = 0; b < PCL_N_FS; b++)
                all &= strcmp(text[a], text[b]) == 0;
            if (!all) {
                bool any = false;

                for (int b = a; b < PCL_N_FS; b++)
                    if (strcmp(text[a], text[b]) == 0) {
                        fprintf(f, "%s%s", any ? ", " : "", pcl_fs_name((enum pcl_fs)b));
                        any = true;
                    }
                fprintf(f, ":\n\n");
            }
            fprintf(f, "```\n%s```\n\n", text[a]);
        }
        for (int fs = 0; fs < PCL_N_FS; fs++)
            free(text[fs]);
    }
}

/* --- locks -----------------------------------------------------------------------------------
 */

static void params(FILE *f, const struct pcl_lock_param_info *p)
{
    bool any = false;

    for (; p && p->name; p++) {
        fprintf(f, "%s`%s` = %lld (%lld to %lld): %s", any ? "; " : "", p->name,
                (long long)p->def, (long long)p->lo, (long long)p->hi, p->what);
        any = true;
    }
    fprintf(f, "%s |\n", any ? "" : "none");
}

static void locks(FILE *f)
{
    char props[200];

    fprintf(f, "| lock | for | promises | parameters: default, range |\n|---|---|---|---|\n");
    for (size_t i = 0; i < pcl_n_locks; i++) {
        const struct pcl_lock_entry *e = &pcl_lock_list[i];
        bool page = e->kind == PCL_LOCK_PAGE;

        fprintf(f, "| `%s` | %s | %s | ", page ? e->page->name : e->range->name,
                page ? "page" : "range",
                pcl_lock_props(page ? e->page->props : e->range->props, props, sizeof(props)));
        params(f, page ? e->page->params : e->range->params);
    }
}

static void memory(FILE *f)
{
    struct pcl_machine m;
    struct pcl_profile p;
    uint8_t *flags = NULL;

    if (pcl_profile_load(PCLSIM_SOURCE_DIR "/workloads/machines/server-2s.ini", &p, NULL) !=
        PCL_OK)
        fail();
    pcl_machine_init(&m, &(struct pcl_machine_conf){.profile = &p, .n_tasks = 1}, NULL);

    fprintf(f, "| lock | once | per page | per inode | per holder | per waiter | with lockdep: "
               "once, per page, per inode |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < pcl_n_locks; i++) {
        const struct pcl_lock_entry *e = &pcl_lock_list[i];
        struct pcl_lock_memory mem = {0};

        if (e->kind == PCL_LOCK_PAGE) {
            struct pcl_lock_choice choice = {.n_params = 0};
            struct pcl_page_locks L;

            (void)snprintf(choice.lock, sizeof(choice.lock), "%s", e->page->name);
            assert_int_equal(pcl_page_locks_init(&L, &m, &choice, &flags, NULL, NULL, NULL),
                             PCL_OK);
            e->page->memory(&L, &mem);
            pcl_page_locks_fini(&L);
        } else {
            struct pcl_lock_choice choice = {.n_params = 0};
            struct pcl_range_locks R;

            (void)snprintf(choice.lock, sizeof(choice.lock), "%s", e->range->name);
            assert_int_equal(pcl_range_locks_init(&R, &m, PCL_ROLE_IOLOCK, &choice, NULL),
                             PCL_OK);
            e->range->memory(&R, &mem);
            pcl_range_locks_fini(&R);
        }
        fprintf(f, "| `%s` | %lld | %lld | %lld | %lld | %lld | %lld, %lld, %lld |\n",
                e->kind == PCL_LOCK_PAGE ? e->page->name : e->range->name, (long long)mem.fixed,
                (long long)mem.per_page, (long long)mem.per_inode, (long long)mem.per_held,
                (long long)mem.per_waiter, (long long)mem.fixed_dbg,
                (long long)mem.per_page_dbg, (long long)mem.per_inode_dbg);
    }
    pcl_machine_fini(&m);
}

/* --- path options ----------------------------------------------------------------------------
 */

static void options(FILE *f)
{
    fprintf(f, "| option | values | default | what it is about |\n|---|---|---|---|\n");
    for (int i = 0; i < PCL_N_OPTIONS; i++) {
        const struct pcl_option_info *o = &pcl_options[i];
        char def[PCL_OPTION_TEXT];
        bool flags = o->kind == PCL_OPTION_FLAGS;

        fprintf(f, "| `%s` | ", o->name);
        for (const char *p = o->words; *p; p++)
            if (*p == '|')
                fputs(flags ? ", " : " or ", f);
            else
                fputc(*p, f);
        fprintf(f, "%s | %s | %s |\n", flags ? ", joined by +; or none" : "",
                pcl_option_text((enum pcl_option)i, o->def, def, sizeof(def)), o->what);
    }
}

/* --- machines --------------------------------------------------------------------------------
 */

static void constants(FILE *f)
{
    static const char *const kinds[] = {"time", "number", "size", "rate", "word"};

    fprintf(f, "| constant | kind | what it is |\n|---|---|---|\n");
    for (int id = 0; id < PCL_N_CONSTS; id++) {
        const struct pcl_const_info *c = &pcl_consts[id];
        char choices[100];
        size_t n = 0;

        for (const char *p = c->choices; *p && n + 3 < sizeof(choices); p++) {
            if (*p == '|')
                choices[n++] = ',';
            choices[n++] = *p == '|' ? ' ' : *p;
        }
        choices[n] = '\0';
        fprintf(f, "| `%s` | %s%s%s | %s |\n", c->name, kinds[c->kind], n ? ": " : "", choices,
                c->what);
    }
}

/* --- tests -----------------------------------------------------------------------------------
 */

static void check(const char *page, const char *name, void (*make)(FILE *f))
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    make(f);
    (void)fclose(f);
    compare(page, name, text);
    free(text);
}

static void docs_paths_shows_the_step_tables(void **state)
{
    (void)state;
    check("paths.md", "modes", modes);
    check("paths.md", "steps", steps);
    check("paths.md", "dax", dax_steps);
}

static void docs_locks_shows_the_registry(void **state)
{
    (void)state;
    check("locks.md", "locks", locks);
    check("locks.md", "memory", memory);
}

static void docs_schemes_shows_every_path_option(void **state)
{
    (void)state;
    check("schemes.md", "options", options);
}

static void docs_machines_shows_every_constant(void **state)
{
    (void)state;
    check("machines.md", "constants", constants);
}

/* What stands between backticks in the second column of the table of variants is a scheme. */
static void docs_schemes_names_schemes_that_are(void **state)
{
    struct pcl_schemes known = {0};
    struct pcl_err err;
    char *text = NULL;
    size_t size;
    int n = 0;

    (void)state;
    assert_int_equal(pcl_schemes_default(&known, &err), PCL_OK);
    assert_int_equal(
        pcl_read_file(PCLSIM_SOURCE_DIR "/docs/schemes.md", 1 << 20, &text, &size, &err),
        PCL_OK);
    char *line = strstr(text, "| what | how |\n");

    assert_non_null(line);
    for (line = strtok(line, "\n"); line && line[0] == '|'; line = strtok(NULL, "\n"))
        for (char *at = strrchr(line, '|'), *end; (end = strchr(line, '`')) && end < at;) {
            char spec[200];
            struct pcl_scheme scheme;
            size_t len = strcspn(end + 1, "`");

            (void)snprintf(spec, sizeof(spec), "%.*s", (int)len, end + 1);
            line = end + 2 + len;
            if (spec[0] == '=') /* another value of the one before */
                continue;
            if (pcl_scheme_resolve(&known, spec, &scheme, &err) != PCL_OK)
                fail_msg("docs/schemes.md: '%s': %s", spec, err.msg);
            n++;
        }
    assert_true(n >= 12);
    free(text);
    pcl_schemes_fini(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(docs_paths_shows_the_step_tables),
        cmocka_unit_test(docs_locks_shows_the_registry),
        cmocka_unit_test(docs_schemes_shows_every_path_option),
        cmocka_unit_test(docs_schemes_names_schemes_that_are),
        cmocka_unit_test(docs_machines_shows_every_constant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
