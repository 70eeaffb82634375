/*
 * One "[section.]key=value" from the command line. Keys and section names may both contain dots
 * (page.unfairness, v5.9), so every split of the left side is tried and the file decides which
 * one was meant.
 */
#include <pclsim/ini.h>

#include <stdlib.h>
#include <string.h>

/* Does "kind name", "name" or "kind" (n bytes) mean this section? */
static bool means(const struct pcl_ini_section *s, const char *text, size_t n)
{
    size_t k = strlen(s->kind), m = strlen(s->name);

    if (n == k && memcmp(text, s->kind, n) == 0)
        return true;
    if (m == 0)
        return false;
    if (n == m && memcmp(text, s->name, n) == 0)
        return true;
    return n == k + 1 + m && memcmp(text, s->kind, k) == 0 && text[k] == ' ' &&
           memcmp(text + k + 1, s->name, m) == 0;
}

struct match {
    struct pcl_ini_section *section;
    struct pcl_ini_entry *entry; /* NULL: the key is not there yet */
    const char *key;
    size_t n_section; /* length of the section's text, 0 without one */
    unsigned n;       /* how many fit equally well */
};

/* A key that exists beats one that does not, then the longer section text does. */
static void offer(struct match *best, struct match m)
{
    int better = (m.entry != NULL) - (best->entry != NULL);

    if (best->n == 0 || better > 0 || (better == 0 && m.n_section > best->n_section)) {
        *best = m;
        best->n = 1;
    } else if (better == 0 && m.n_section == best->n_section) {
        best->n++;
    }
}

static struct match find(struct pcl_ini *ini, const char *left)
{
    struct match best = {0};

    for (size_t i = 0; i < ini->n_sections; i++) {
        struct pcl_ini_section *s = &ini->section[i];
        struct pcl_ini_entry *whole = pcl_ini_entry(s, left);

        if (whole)
            offer(&best, (struct match){.section = s, .entry = whole, .key = whole->key});
        for (const char *dot = strchr(left, '.'); dot; dot = strchr(dot + 1, '.'))
            if (dot[1] && means(s, left, (size_t)(dot - left)))
                offer(&best, (struct match){.section = s,
                                            .entry = pcl_ini_entry(s, dot + 1),
                                            .key = dot + 1,
                                            .n_section = (size_t)(dot - left)});
    }
    return best;
}

/* Keys and sections of the file by name, to suggest one. */
static void suggest(struct pcl_ini *ini, const char *left, struct pcl_err *err)
{
    const char *dot = strrchr(left, '.'), *near;
    const char **names;
    size_t n = 0, room = 0;
    char word[128];

    if (!err)
        return;
    for (size_t i = 0; i < ini->n_sections; i++)
        room += 2 + ini->section[i].n_entries;
    names = pcl_xcalloc(room, sizeof *names);
    (void)snprintf(word, sizeof word, "%.*s", dot ? (int)(dot - left) : 127, left);
    for (size_t i = 0; i < ini->n_sections; i++) {
        struct pcl_ini_section *s = &ini->section[i];

        if (dot) {
            names[n++] = s->kind;
            if (*s->name)
                names[n++] = s->name;
        } else {
            for (size_t j = 0; j < s->n_entries; j++)
                names[n++] = s->entry[j].key;
        }
    }
    near = pcl_nearest(word, names, n);
    if (near && dot)
        (void)pcl_hint(err, "did you mean '%s%s'?", near, dot);
    else if (near)
        (void)pcl_hint(err, "did you mean '%s'?", near);
    else if (!dot)
        (void)pcl_hint(err, "a key that is not in the file needs its section: SECTION.%s=...",
                       left);
    free(names);
}

static struct pcl_ini_entry *append(struct pcl_ini *ini, struct pcl_ini_section *s,
                                    const char *key)
{
    struct pcl_ini_entry *more =
        pcl_arena_alloc(&ini->arena, s->n_entries + 1, sizeof *s->entry);

    if (s->n_entries > 0)
        memcpy(more, s->entry, s->n_entries * sizeof *more);
    more[s->n_entries].key = pcl_arena_strdup(&ini->arena, key);
    s->entry = more;
    return &more[s->n_entries++];
}

static char *trimmed(struct pcl_ini *ini, const char *s, size_t n)
{
    for (; n > 0 && (*s == ' ' || *s == '\t'); n--)
        s++;
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    return memcpy(pcl_arena_alloc(&ini->arena, n + 1, 1), s, n);
}

int pcl_ini_set(struct pcl_ini *ini, const char *assignment, struct pcl_err *err)
{
    const char *equals = strchr(assignment, '=');
    struct pcl_ini_entry *e;
    struct match m;
    char *left;

    if (!equals)
        return pcl_fail(err, PCL_EINVAL, "--set %s: want [section.]key=value", assignment);
    left = trimmed(ini, assignment, (size_t)(equals - assignment));
    if (!*left)
        return pcl_fail(err, PCL_EINVAL, "--set %s: want a key before '='", assignment);
    for (const char *c = assignment; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\t')
            return pcl_fail(err, PCL_EINVAL, "--set %s: want text, found a control character",
                            left);

    m = find(ini, left);
    if (m.n == 0) {
        (void)pcl_fail(err, PCL_EINVAL, "--set %s: no such key or section in %s", assignment,
                       ini->file);
        suggest(ini, left, err);
        return PCL_EINVAL;
    }
    if (m.n > 1)
        return pcl_fail(err, PCL_EINVAL,
                        "--set %s: %u sections of %s fit; say which: '%s%s%s.%s'", assignment,
                        m.n, ini->file, m.section->kind, *m.section->name ? " " : "",
                        m.section->name, m.key);
    e = m.entry ? m.entry : append(ini, m.section, m.key);
    e->value = trimmed(ini, equals + 1, strlen(equals + 1));
    e->line = e->key_col = e->value_col = 0;
    e->used = false;
    return PCL_OK;
}
