/*
 * A scenario file as a whole: which sections there may be, in which order they are understood
 * (groups speak of files, a grid of both), and the canonical text that says the same again.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

static const char *const fs_names[PCL_N_FS] = {
    [PCL_FS_XFS] = "xfs",
    [PCL_FS_EXT4] = "ext4",
    [PCL_FS_TMPFS] = "tmpfs",
    [PCL_FS_PAGE_ONLY] = "page-only",
    [PCL_FS_EXT4_HALF_SHARED] = "ext4-half-shared",
    [PCL_FS_EXT4_EXCLUSIVE_DIO] = "ext4-exclusive-dio",
};

const char *pcl_fs_name(enum pcl_fs fs)
{
    PCL_ASSERT((unsigned)fs < PCL_N_FS);
    return fs_names[fs];
}

enum pcl_fs pcl_fs_find(const char *name)
{
    for (int i = 0; i < PCL_N_FS; i++)
        if (strcmp(fs_names[i], name) == 0)
            return (enum pcl_fs)i;
    return PCL_N_FS;
}

/* --- sections ---------------------------------------------------------------------------- */

/* Also words that an override could not tell from a section's kind. */
static const char *const kinds[] = {"scenario", "file",  "group",   "scheme",
                                    "grid",     "claim", "explore", "machine"};

#define N_KINDS 7 /* machine is none: it is set on the command line */

static int check_name(struct pcl_reader *r, const struct pcl_ini_section *sec)
{
    if (!*sec->name)
        return pcl_fail_section(r, sec, "want [%s NAME]", sec->kind);
    if (!pcl_name_ok(sec->name))
        return pcl_fail_section(r, sec,
                                "want a name of at most %d letters, digits and . _ - +, found "
                                "'%s'",
                                PCL_NAME_MAX - 1, sec->name);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i], sec->name) == 0)
            return pcl_fail_section(r, sec, "'%s' has a meaning of its own and is no name",
                                    sec->name);
    return PCL_OK;
}

static int check_sections(struct pcl_reader *r)
{
    for (size_t i = 0; i < r->ini->n_sections; i++) {
        const struct pcl_ini_section *sec = &r->ini->section[i];
        bool known = false, named;
        int rc = PCL_OK;

        for (size_t k = 0; k < N_KINDS; k++)
            known = known || strcmp(kinds[k], sec->kind) == 0;
        named = strcmp(sec->kind, "file") == 0 || strcmp(sec->kind, "group") == 0 ||
                strcmp(sec->kind, "scheme") == 0;
        if (!known) {
            (void)pcl_fail_section(r, sec, "unknown section [%s%s%s]", sec->kind,
                                   *sec->name ? " " : "", sec->name);
            return pcl_hint_nearest(r->err, sec->kind, kinds, N_KINDS);
        }
        if (named)
            rc = check_name(r, sec);
        else if (*sec->name)
            rc = pcl_fail_section(r, sec, "[%s] has no name, found '%s'", sec->kind, sec->name);
        if (rc != PCL_OK)
            return rc;
    }
    return PCL_OK;
}

static int read_own_scheme(struct pcl_reader *r, struct pcl_ini_section *sec)
{
    struct pcl_scheme s = {.title = ""};
    int rc = pcl_scheme_read_section(r, sec, sec->name, &s);

    if (rc == PCL_OK)
        (void)pcl_schemes_add(&r->s->own, &s);
    return rc;
}

static int read_named(struct pcl_reader *r, struct pcl_ini_section *sec)
{
    struct pcl_scenario *s = r->s;
    int rc;

    if (strcmp(sec->kind, "file") == 0) {
        rc = pcl_read_file_spec(r, sec, &s->files[s->n_files]);
        s->n_files += rc == PCL_OK;
    } else if (strcmp(sec->kind, "group") == 0) {
        rc = pcl_read_group(r, sec, &s->groups[s->n_groups]);
        s->n_groups += rc == PCL_OK;
    } else {
        rc = read_own_scheme(r, sec);
    }
    return rc;
}

static int read_kind(struct pcl_reader *r, const char *kind)
{
    for (size_t i = 0; i < r->ini->n_sections; i++) {
        struct pcl_ini_section *sec = &r->ini->section[i];
        int rc = PCL_OK;

        if (strcmp(sec->kind, kind) != 0)
            continue;
        if (strcmp(kind, "scenario") == 0)
            rc = pcl_read_scenario(r, sec);
        else if (strcmp(kind, "grid") == 0)
            rc = pcl_read_grid(r, sec);
        else if (strcmp(kind, "claim") == 0)
            rc = pcl_read_claim(r, sec);
        else if (strcmp(kind, "explore") == 0)
            rc = pcl_read_explore(r, sec);
        else
            rc = read_named(r, sec);
        if (rc != PCL_OK)
            return rc;
    }
    return PCL_OK;
}

/* The task limit of a group holds for all groups together: ids are 32 bits, arrays are dense.
 */
static int check_total(struct pcl_reader *r, struct pcl_ini_section *first)
{
    uint64_t total = 0;

    for (size_t i = 0; i < r->s->n_groups; i++)
        total += r->s->groups[i].tasks;
    if (total > 16777216)
        return pcl_fail_section(r, first, "the groups have more than 16777216 tasks in all");
    return PCL_OK;
}

static int read_all(struct pcl_reader *r)
{
    struct pcl_scenario *s = r->s;
    struct pcl_ini_section *first = pcl_ini_section(r->ini, "scenario", NULL);
    int rc = check_sections(r);

    if (rc != PCL_OK)
        return rc;
    if (!first)
        return pcl_fail_at(r->err, r->ini->file, 1, 1, "there is no [scenario] section");
    if (!pcl_ini_section(r->ini, "file", NULL))
        return pcl_fail_section(r, first, "there is no [file NAME] section: want at least one");
    if (!pcl_ini_section(r->ini, "group", NULL))
        return pcl_fail_section(r, first,
                                "there is no [group NAME] section: want at least one");
    s->files = pcl_arena_alloc(&s->arena, r->ini->n_sections, sizeof *s->files);
    s->groups = pcl_arena_alloc(&s->arena, r->ini->n_sections, sizeof *s->groups);
    s->explore = (struct pcl_explore_spec){.each = 1, .preemptions = -1, .quick = 2, .states = 20000000};
    s->claim.proposition = s->claim.source = s->claim.note = s->claim.front =
        pcl_arena_strdup(&s->arena, "");
    for (size_t k = 0; k < N_KINDS && rc == PCL_OK; k++)
        rc = read_kind(r, kinds[k]);
    return rc == PCL_OK ? check_total(r, first) : rc;
}

/* --- the canonical text ------------------------------------------------------------------ */

static char *keep(struct pcl_scenario *s, char *text)
{
    char *kept = pcl_arena_strdup(&s->arena, text);

    free(text);
    return kept;
}

static void write_places(FILE *out, const struct pcl_scenario *s)
{
    for (size_t i = 0; i < s->n_files; i++) {
        (void)fprintf(out, "\n[file %s]\n", s->files[i].name);
        pcl_key_write(out, &pcl_file_keys, s, &s->files[i]);
    }
    for (size_t i = 0; i < s->n_groups; i++) {
        (void)fprintf(out, "\n[group %s]\n", s->groups[i].name);
        pcl_key_write(out, &pcl_group_keys, s, &s->groups[i]);
    }
}

static void write_texts(struct pcl_scenario *s)
{
    static const char *const of_run[] = {"fs",  "cpus",         "duration",  "warmup",
                                         "ops", "memory_limit", "starvation", "violations"};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    PCL_ASSERT(out != NULL);
    (void)fputs("[scenario]\n", out);
    pcl_key_write(out, &pcl_scenario_keys, s, s);
    write_places(out, s);
    for (size_t i = 0; i < s->own.n; i++) {
        (void)fprintf(out, "\n[scheme %s]\n", s->own.v[i].name);
        pcl_scheme_write(out, &s->own.v[i]);
    }
    if (s->n_grid > 0 || s->repeat > 0)
        pcl_write_grid(out, s);
    if (s->claim.id[0])
        pcl_write_claim(out, s);
    if (s->explore.on)
        pcl_write_explore(out, s);
    (void)fclose(out);
    s->text = keep(s, text);

    out = open_memstream(&text, &n);
    PCL_ASSERT(out != NULL);
    (void)fputs("[scenario]\n", out);
    for (size_t i = 0; i < sizeof of_run / sizeof of_run[0]; i++)
        pcl_key_write_one(out, &pcl_scenario_keys, of_run[i], s, s);
    write_places(out, s);
    if (s->explore.on)
        pcl_write_explore(out, s);
    (void)fclose(out);
    s->run_text = keep(s, text);
}

/* --- from text, from a file --------------------------------------------------------------- */

/* "workloads/hot-page.ini" is called hot-page. */
static void name_of(const char *file, char *out, size_t n)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    size_t len = strlen(base);

    if (len > 4 && strcmp(base + len - 4, ".ini") == 0)
        len -= 4;
    (void)snprintf(out, n, "%.*s", (int)(len < n ? len : n - 1), base);
}

/* Tasks are often called threads. */
static void take_other_names(struct pcl_ini *ini)
{
    for (size_t i = 0; i < ini->n_sections; i++) {
        struct pcl_ini_section *sec = &ini->section[i];
        struct pcl_ini_entry *e =
            strcmp(sec->kind, "group") == 0 ? pcl_ini_entry(sec, "threads") : NULL;

        if (e && !pcl_ini_entry(sec, "tasks"))
            e->key = "tasks";
    }
}

static int understand(struct pcl_ini *ini, const char *const *set, size_t n_set,
                      struct pcl_scenario **out, struct pcl_err *err)
{
    struct pcl_scenario *s = pcl_xcalloc(1, sizeof *s);
    struct pcl_reader r = {.ini = ini, .s = s, .err = err};
    int rc = PCL_OK;

    pcl_arena_init(&s->arena);
    s->path = pcl_arena_strdup(&s->arena, ini->file);
    name_of(ini->file, s->name, sizeof s->name);
    s->where = pcl_arena_strdup(&s->arena, "");
    take_other_names(ini);
    pcl_find_variables(&r);
    for (size_t i = 0; i < n_set && rc == PCL_OK; i++)
        rc = pcl_apply_override(&r, set[i]);
    if (rc == PCL_OK)
        rc = pcl_expand_varied(&r);
    if (rc == PCL_OK)
        rc = read_all(&r);
    if (rc != PCL_OK) {
        pcl_scenario_free(s);
        return rc;
    }
    write_texts(s);
    *out = s;
    return PCL_OK;
}

int pcl_scenario_parse(const char *file, const char *text, const char *const *set, size_t n_set,
                       struct pcl_scenario **out, struct pcl_err *err)
{
    struct pcl_err unseen;
    struct pcl_ini *ini = NULL;
    int rc;

    if (!err)
        err = &unseen;
    rc = pcl_ini_parse(file, text, strlen(text), &ini, err);
    if (rc != PCL_OK)
        return rc;
    rc = understand(ini, set, n_set, out, err);
    pcl_ini_free(ini);
    return rc;
}

int pcl_scenario_load(const char *name_or_path, const char *const *set, size_t n_set,
                      struct pcl_scenario **out, struct pcl_err *err)
{
    struct pcl_err unseen;
    struct pcl_ini *ini = NULL;
    char *path = NULL;
    int rc;

    if (!err)
        err = &unseen;
    rc = strcmp(name_or_path, "-") == 0
             ? PCL_OK
             : pcl_find_data("workloads", name_or_path, ".ini", &path, err);
    if (rc == PCL_OK)
        rc = pcl_ini_load(path ? path : "-", &ini, err);
    free(path);
    if (rc != PCL_OK)
        return rc;
    rc = understand(ini, set, n_set, out, err);
    pcl_ini_free(ini);
    return rc;
}

void pcl_scenario_free(struct pcl_scenario *s)
{
    if (!s)
        return;
    pcl_schemes_fini(&s->own);
    free(s->bind);
    pcl_arena_fini(&s->arena);
    free(s);
}
