/*
 * Machine profiles: one table of constants made from profile.def, and everything that can be
 * done with it: read a file, set one value, write the canonical text. A constant is an int64_t
 * in struct pcl_profile, found by its offset.
 */
#include <pclsim/profile.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/ini.h>

#define NS PCL_KIND_NS
#define COUNT PCL_KIND_COUNT
#define BYTES PCL_KIND_BYTES
#define RATE PCL_KIND_RATE
#define WORD PCL_KIND_WORD

const struct pcl_const_info pcl_consts[PCL_N_CONSTS] = {
#define PCL_CONST(field, kind, choices, what)                                                  \
    {#field, kind, choices, what, offsetof(struct pcl_profile, field)},
#include <pclsim/profile.def>
#undef PCL_CONST
};

#undef NS
#undef COUNT
#undef BYTES
#undef RATE
#undef WORD

#define MAX_BYTES ((size_t)1 << 20)
#define MAX_CPUS 8192 /* CONFIG_NR_CPUS of x86-64 at most; CPU numbers are 16 bits */
#define MAX_BASES 8
#define MAX_COST INT64_C(3600000000000) /* an hour: longer is a mistake in a unit */

int pcl_const_find(const char *name)
{
    for (int id = 0; id < PCL_N_CONSTS; id++)
        if (strcmp(pcl_consts[id].name, name) == 0)
            return id;
    return -1;
}

int64_t pcl_profile_get(const struct pcl_profile *p, enum pcl_const_id id)
{
    int64_t v;

    memcpy(&v, (const char *)p + pcl_consts[id].offset, sizeof v);
    return v;
}

static void put(struct pcl_profile *p, enum pcl_const_id id, int64_t v)
{
    memcpy((char *)p + pcl_consts[id].offset, &v, sizeof v);
}

int64_t pcl_profile_cpus(const struct pcl_profile *p)
{
    return p->sockets * p->llcs_per_socket * p->cpus_per_llc;
}

/* --- values as text -------------------------------------------------------------------------
 */

/* What no machine exceeds, so that arithmetic on constants needs no checks. */
static void bounds(enum pcl_const_id id, int64_t *lo, int64_t *hi)
{
    *lo = 0;
    *hi = pcl_consts[id].kind == PCL_KIND_NS ? MAX_COST : INT64_MAX;
    if (pcl_consts[id].kind != PCL_KIND_COUNT)
        return;
    *hi = MAX_CPUS;
    if (id == PCL_C_sockets || id == PCL_C_llcs_per_socket || id == PCL_C_dev_channels)
        *lo = 1;
    if (id == PCL_C_hz || id == PCL_C_dev_read_cv || id == PCL_C_dev_write_cv)
        *hi = 10000;
    if (id == PCL_C_dirty_background || id == PCL_C_dirty_limit)
        *hi = 100;
}

static int parse_word(const char *choices, const char *s, int64_t *out)
{
    size_t n = strlen(s);

    for (int64_t i = 0; *choices; i++) {
        size_t len = strcspn(choices, "|");

        if (len == n && memcmp(choices, s, n) == 0) {
            *out = i;
            return PCL_OK;
        }
        choices += len + (choices[len] == '|');
    }
    return PCL_EINVAL;
}

static int parse_rate(const char *s, int64_t *out, const char **why)
{
    size_t n = strlen(s);
    char size[32];

    *why = "want bytes per second such as 2G/s";
    if (n < 3 || n - 2 >= sizeof size || strcmp(s + n - 2, "/s") != 0)
        return PCL_EINVAL;
    memcpy(size, s, n - 2);
    size[n - 2] = '\0';
    return pcl_parse_size(size, false, out, why);
}

/* Reads the value of a constant; *why is a static text, or the choices of a word. */
static int parse_value(enum pcl_const_id id, const char *s, int64_t *out, const char **why)
{
    const struct pcl_const_info *c = &pcl_consts[id];
    int64_t lo, hi, v = 0;
    int rc = PCL_OK;

    bounds(id, &lo, &hi);
    switch (c->kind) {
    case PCL_KIND_NS:
        rc = pcl_parse_time(s, &v, why);
        break;
    case PCL_KIND_COUNT:
        rc = pcl_parse_int(s, lo, hi, &v, why);
        break;
    case PCL_KIND_BYTES:
        rc = pcl_parse_size(s, false, &v, why);
        break;
    case PCL_KIND_RATE:
        rc = parse_rate(s, &v, why);
        break;
    case PCL_KIND_WORD:
        *why = c->choices;
        rc = parse_word(c->choices, s, &v);
        break;
    }
    if (rc == PCL_OK && (v < lo || v > hi)) {
        *why = v < lo ? "number too small" : "time above an hour";
        rc = PCL_EINVAL;
    }
    if (rc == PCL_OK)
        *out = v;
    return rc;
}

/* The largest unit that leaves at most three decimals. */
static void format_time(int64_t v, char *buf, size_t n)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    size_t i = 0;
    int64_t thousandths;
    int decimals = 3;

    while (units[i].ns > 1 && (v < units[i].ns || v % (units[i].ns / 1000) != 0))
        i++;
    if (v % units[i].ns == 0) {
        (void)snprintf(buf, n, "%" PRId64 "%s", v / units[i].ns, units[i].name);
        return;
    }
    for (thousandths = v / (units[i].ns / 1000) % 1000; thousandths % 10 == 0; decimals--)
        thousandths /= 10;
    (void)snprintf(buf, n, "%" PRId64 ".%0*" PRId64 "%s", v / units[i].ns, decimals,
                   thousandths, units[i].name);
}

static void format_size(int64_t v, const char *end, char *buf, size_t n)
{
    static const char *const letters[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t i = 0;

    for (; i < 6 && v != 0 && v % 1024 == 0; i++)
        v /= 1024;
    (void)snprintf(buf, n, "%" PRId64 "%s%s", v, letters[i], end);
}

const char *pcl_const_format(enum pcl_const_id id, int64_t value, char *buf, size_t n)
{
    const char *word = pcl_consts[id].choices;

    switch (pcl_consts[id].kind) {
    case PCL_KIND_NS:
        format_time(value, buf, n);
        break;
    case PCL_KIND_COUNT:
        (void)snprintf(buf, n, "%" PRId64, value);
        break;
    case PCL_KIND_BYTES:
        format_size(value, "", buf, n);
        break;
    case PCL_KIND_RATE:
        format_size(value, "/s", buf, n);
        break;
    case PCL_KIND_WORD:
        for (; value > 0 && strchr(word, '|'); value--)
            word = strchr(word, '|') + 1;
        (void)snprintf(buf, n, "%.*s", (int)strcspn(word, "|"), word);
        break;
    }
    return buf;
}

char *pcl_profile_text(const struct pcl_profile *p)
{
    char *text = NULL, value[64];
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    PCL_ASSERT(f);
    for (unsigned id = 0; id < PCL_N_CONSTS; id++) {
        int64_t v = pcl_profile_get(p, (enum pcl_const_id)id);

        (void)snprintf(value, sizeof value, "%" PRId64, v);
        if (pcl_consts[id].kind == PCL_KIND_WORD)
            (void)pcl_const_format((enum pcl_const_id)id, v, value, sizeof value);
        (void)fprintf(f, "%s = %s\n", pcl_consts[id].name, value);
    }
    PCL_ASSERT(fclose(f) == 0);
    return text;
}

/* --- one constant set from outside
 * -------------------------------------------------------------- */

static void suggest_const(const char *key, struct pcl_err *err)
{
    const char *names[PCL_N_CONSTS], *near;

    for (unsigned id = 0; id < PCL_N_CONSTS; id++)
        names[id] = pcl_consts[id].name;
    near = pcl_nearest(key, names, PCL_N_CONSTS);
    if (near)
        (void)pcl_hint(err, "did you mean '%s'?", near);
}

/* What belongs together: said of the whole machine. NULL when all is well. */
static const char *misfit(const struct pcl_profile *p)
{
    if (p->llcs_per_socket * p->cpus_per_llc > MAX_CPUS || pcl_profile_cpus(p) > MAX_CPUS)
        return "more than 8192 CPUs";
    if (p->dirty_background > p->dirty_limit)
        return "dirty_background is above dirty_limit";
    if (p->cpus_per_llc == 0 && p->sched != PCL_SCHED_IDEAL)
        return "a CPU per task (cpus_per_llc = 0) needs sched = ideal";
    return NULL;
}

int pcl_profile_set(struct pcl_profile *p, const char *key, const char *value, const char *file,
                    unsigned line, unsigned col, struct pcl_err *err)
{
    int found = pcl_const_find(key);
    enum pcl_const_id id = (enum pcl_const_id)found;
    char place[256];
    const char *why = "";
    int64_t before, v;

    if (!file || !*file) {
        (void)snprintf(place, sizeof place, "--set machine.%s=%s", key, value);
        file = place;
    }
    if (found < 0) {
        (void)pcl_fail_at(err, file, line, col, "no machine constant '%s'", key);
        suggest_const(key, err);
        return PCL_EINVAL;
    }
    if (strcmp(value, "typical") == 0)
        v = p->typical[id];
    else if (pcl_consts[id].kind != PCL_KIND_WORD && strcmp(value, "low") == 0)
        v = p->lo[id];
    else if (pcl_consts[id].kind != PCL_KIND_WORD && strcmp(value, "high") == 0)
        v = p->hi[id];
    else if (parse_value(id, value, &v, &why) != PCL_OK)
        return pcl_fail_at(err, file, line, col, "%s: %s%s, found '%s'", key,
                           pcl_consts[id].kind == PCL_KIND_WORD ? "want one of " : "", why,
                           value);
    before = pcl_profile_get(p, id);
    put(p, id, v);
    why = misfit(p);
    if (why) {
        put(p, id, before);
        return pcl_fail_at(err, file, line, col, "%s: %s", key, why);
    }
    return PCL_OK;
}

/* --- files
 * -------------------------------------------------------------------------------------- */

static const char *const sections[] = {"machine",   "topology",   "kernel", "lines",
                                       "scheduler", "interrupts", "paths",  "filesystems",
                                       "device",    "writeback"};
#define N_SECTIONS (sizeof sections / sizeof sections[0])

/* The bases that lead to the file being read, to notice a circle. */
struct chain {
    const char *path;
    const struct chain *from;
    unsigned depth;
};

struct reader {
    struct pcl_ini *ini;
    struct pcl_profile *p;
    struct pcl_err *err;
    unsigned line[PCL_N_CONSTS]; /* where this file gives a constant, 0: it does not */
    bool known[PCL_N_CONSTS];    /* by this file or its base */
    const struct chain *chain;
};

/* The next blank-separated word of *s; returns its length and moves *s to its start. */
static size_t next_word(const char **s)
{
    *s += strspn(*s, " \t");
    return strcspn(*s, " \t");
}

static int bad_part(struct reader *r, const struct pcl_ini_entry *e, size_t at,
                    enum pcl_const_id id, const char *why, const char *part)
{
    return pcl_ini_fail_in(r->ini, e, at, r->err, "%s: %s%s, found '%s'", e->key,
                           pcl_consts[id].kind == PCL_KIND_WORD ? "want one of " : "", why,
                           part);
}

/* s is "(LO..HI)" and what follows; *rest is set behind it. */
static int read_range(struct reader *r, const struct pcl_ini_entry *e, enum pcl_const_id id,
                      const char *s, const char **rest)
{
    size_t at = (size_t)(s - e->value);
    const char *close = strchr(s, ')'), *dots = strstr(s, "..");
    char text[2][64];
    int64_t end[2];
    const char *why;

    if (*s != '(')
        return pcl_ini_fail_in(r->ini, e, at, r->err,
                               "%s: want a plausible range such as (2ns..8ns) after the value",
                               e->key);
    if (!close || !dots || dots > close || dots - s - 1 >= 64 || close - dots - 2 >= 64)
        return pcl_ini_fail_in(r->ini, e, at, r->err, "%s: want a range such as (2ns..8ns)",
                               e->key);
    (void)snprintf(text[0], sizeof text[0], "%.*s", (int)(dots - s - 1), s + 1);
    (void)snprintf(text[1], sizeof text[1], "%.*s", (int)(close - dots - 2), dots + 2);
    for (int i = 0; i < 2; i++)
        if (parse_value(id, text[i], &end[i], &why) != PCL_OK)
            return bad_part(r, e, i ? (size_t)(dots + 2 - e->value) : at + 1, id, why, text[i]);
    if (end[0] > end[1])
        return pcl_ini_fail_in(r->ini, e, at, r->err,
                               "%s: the range ends before it begins: %s..%s", e->key, text[0],
                               text[1]);
    r->p->lo[id] = end[0];
    r->p->hi[id] = end[1];
    *rest = close + 1;
    return PCL_OK;
}

static int read_const(struct reader *r, const struct pcl_ini_entry *e, enum pcl_const_id id)
{
    struct pcl_profile *p = r->p;
    const char *s = e->value, *why = "";
    size_t n = next_word(&s);
    char word[64];
    int64_t v;

    if (r->line[id] != 0)
        return pcl_ini_fail(r->ini, e, true, r->err, "%s appears twice, first in line %u",
                            e->key, r->line[id]);
    (void)snprintf(word, sizeof word, "%.*s", n < sizeof word ? (int)n : 63, s);
    if (parse_value(id, word, &v, &why) != PCL_OK)
        return bad_part(r, e, 0, id, why, word);
    s += n;
    (void)next_word(&s);
    p->lo[id] = p->hi[id] = v;
    if (pcl_consts[id].kind != PCL_KIND_WORD) {
        if (read_range(r, e, id, s, &s) != PCL_OK)
            return PCL_EINVAL;
        if (v < p->lo[id] || v > p->hi[id])
            return pcl_ini_fail(r->ini, e, false, r->err, "%s: %s lies outside its range",
                                e->key, word);
        (void)next_word(&s);
    }
    if (!*s)
        return pcl_ini_fail_in(r->ini, e, strlen(e->value), r->err,
                               "%s: want the source of the figure at the end", e->key);
    if (strlen(s) >= sizeof p->source[id])
        return pcl_ini_fail_in(r->ini, e, (size_t)(s - e->value), r->err,
                               "%s: want a source of at most %zu bytes", e->key,
                               sizeof p->source[id] - 1);
    put(p, id, v);
    p->typical[id] = v;
    (void)snprintf(p->source[id], sizeof p->source[id], "%s", s);
    r->line[id] = e->line;
    r->known[id] = true;
    return PCL_OK;
}

/* A text of [machine] into a field of the profile. */
static int read_text(struct reader *r, const char *key, bool needed, char *to, size_t n)
{
    struct pcl_ini_section *s = pcl_ini_section(r->ini, "machine", "");
    struct pcl_ini_entry *e = pcl_ini_entry(s, key);

    *to = '\0';
    if (!e)
        return needed ? pcl_ini_fail_section(r->ini, s, r->err, "want a key '%s' in [machine]",
                                             key)
                      : PCL_OK;
    e->used = true;
    if (!*e->value)
        return pcl_ini_fail(r->ini, e, false, r->err, "%s: want a text, found nothing", key);
    if (strlen(e->value) >= n)
        return pcl_ini_fail(r->ini, e, false, r->err, "%s: want at most %zu bytes", key, n - 1);
    (void)snprintf(to, n, "%s", e->value);
    return PCL_OK;
}

static int parse_file(const char *file, const char *text, size_t size, struct pcl_profile *p,
                      const struct chain *from, struct pcl_err *err);

static int load_file(const char *path, struct pcl_profile *p, const struct chain *from,
                     struct pcl_err *err)
{
    char *text;
    size_t size;
    int rc = pcl_read_file(path, MAX_BYTES, &text, &size, err);

    if (rc != PCL_OK)
        return rc;
    rc = parse_file(path, text, size, p, from, err);
    free(text);
    return rc;
}

/* The file of a base: beside the file that names it, else as any machine is found. */
static int find_base(const char *file, const char *name, char **path, struct pcl_err *err)
{
    const char *slash = strrchr(file, '/');
    char beside[1024];
    FILE *f;

    (void)snprintf(beside, sizeof beside, "%.*s%s.ini", slash ? (int)(slash - file + 1) : 0,
                   file, name);
    f = fopen(beside, "r");
    if (f) {
        (void)fclose(f);
        *path = pcl_xstrdup(beside);
        return PCL_OK;
    }
    return pcl_find_data("workloads/machines", name, ".ini", path, err);
}

static int read_base(struct reader *r)
{
    struct pcl_ini_entry *e = pcl_ini_entry(pcl_ini_section(r->ini, "machine", ""), "base");
    char name[sizeof r->p->base], *path = NULL;
    int rc;

    if (read_text(r, "base", false, name, sizeof name) != PCL_OK)
        return PCL_EINVAL;
    if (!*name) {
        memset(r->p, 0, sizeof *r->p);
        return PCL_OK;
    }
    if (strcmp(name, "ideal") == 0) {
        pcl_profile_ideal(r->p);
    } else {
        struct pcl_err why = {0};

        rc = find_base(r->ini->file, name, &path, &why);
        if (rc != PCL_OK) {
            (void)pcl_ini_fail(r->ini, e, false, r->err, "base: %s", why.msg);
            if (why.hint[0])
                (void)pcl_hint(r->err, "%s", why.hint);
            return PCL_EINVAL;
        }
        for (const struct chain *c = r->chain; c; c = c->from)
            if (strcmp(c->path, path) == 0 || r->chain->depth >= MAX_BASES) {
                free(path);
                return pcl_ini_fail(r->ini, e, false, r->err,
                                    "base: '%s' leads back to this file or is too deep", name);
            }
        rc = load_file(path, r->p, r->chain, r->err);
        free(path);
        if (rc != PCL_OK)
            return rc;
    }
    for (unsigned id = 0; id < PCL_N_CONSTS; id++)
        r->known[id] = true;
    (void)snprintf(r->p->base, sizeof r->p->base, "%s", name);
    return PCL_OK;
}

static int read_section(struct reader *r, struct pcl_ini_section *s)
{
    bool machine = strcmp(s->kind, "machine") == 0, known = false;

    for (size_t i = 0; i < N_SECTIONS; i++)
        known |= strcmp(s->kind, sections[i]) == 0;
    if (!known || *s->name) {
        const char *near = pcl_nearest(s->kind, sections, N_SECTIONS);

        (void)pcl_ini_fail_section(r->ini, s, r->err, "no section [%s%s%s] in a machine file",
                                   s->kind, *s->name ? " " : "", s->name);
        if (near)
            (void)pcl_hint(r->err, "did you mean [%s]?", near);
        return PCL_EINVAL;
    }
    for (size_t i = 0; i < s->n_entries; i++) {
        struct pcl_ini_entry *e = &s->entry[i];
        int id = machine ? -1 : pcl_const_find(e->key);

        if (e->used)
            continue;
        if (id < 0) {
            (void)pcl_ini_fail(r->ini, e, true, r->err,
                               machine
                                   ? "[machine] has the keys name, title and base, found '%s'"
                                   : "no machine constant '%s'",
                               e->key);
            if (!machine)
                suggest_const(e->key, r->err);
            return PCL_EINVAL;
        }
        if (read_const(r, e, (enum pcl_const_id)id) != PCL_OK)
            return PCL_EINVAL;
    }
    return PCL_OK;
}

static int check_complete(struct reader *r, const struct pcl_ini_section *machine)
{
    unsigned first = 0, missing = 0;
    const char *why = misfit(r->p);

    for (unsigned id = PCL_N_CONSTS; id-- > 0;)
        if (!r->known[id]) {
            first = id;
            missing++;
        }
    if (missing > 0)
        return pcl_ini_fail_section(r->ini, machine, r->err,
                                    "%u constant%s missing, first '%s' (%s); a machine without "
                                    "base gives every one",
                                    missing, missing > 1 ? "s are" : " is",
                                    pcl_consts[first].name, pcl_consts[first].what);
    return why ? pcl_ini_fail_section(r->ini, machine, r->err, "%s", why) : PCL_OK;
}

static int parse_file(const char *file, const char *text, size_t size, struct pcl_profile *p,
                      const struct chain *from, struct pcl_err *err)
{
    struct chain chain = {.path = file, .from = from, .depth = from ? from->depth + 1 : 0};
    struct reader r = {.p = p, .err = err, .chain = &chain};
    struct pcl_ini_section *machine;
    int rc = pcl_ini_parse(file, text, size, &r.ini, err);

    if (rc != PCL_OK)
        return rc;
    machine = pcl_ini_section(r.ini, "machine", "");
    if (!machine)
        rc = pcl_fail_at(err, file, 0, 0, "want a section [machine] with name and title");
    if (rc == PCL_OK)
        rc = read_base(&r); /* first: it fills the whole profile */
    if (rc == PCL_OK)
        rc = read_text(&r, "name", true, p->name, sizeof p->name);
    if (rc == PCL_OK)
        rc = read_text(&r, "title", true, p->title, sizeof p->title);
    for (size_t i = 0; i < r.ini->n_sections && rc == PCL_OK; i++)
        rc = read_section(&r, &r.ini->section[i]);
    if (rc == PCL_OK)
        rc = check_complete(&r, machine);
    if (rc == PCL_OK)
        (void)snprintf(p->path, sizeof p->path, "%s", file);
    pcl_ini_free(r.ini);
    return rc;
}

int pcl_profile_parse(const char *file, const char *text, size_t size, struct pcl_profile *p,
                      struct pcl_err *err)
{
    return parse_file(file, text, size, p, NULL, err);
}

int pcl_profile_load(const char *name_or_path, struct pcl_profile *p, struct pcl_err *err)
{
    char *path;
    int rc;

    if (strcmp(name_or_path, "ideal") == 0) {
        pcl_profile_ideal(p);
        return PCL_OK;
    }
    rc = pcl_find_data("workloads/machines", name_or_path, ".ini", &path, err);
    if (rc != PCL_OK)
        return rc;
    rc = load_file(path, p, NULL, err);
    free(path);
    return rc;
}
