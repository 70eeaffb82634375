/*
 * The strict INI form that scenarios, schemes and machine files share: sections in brackets,
 * `key = value` lines, comments after # or ; at line start or after blank space. Every value keeps
 * its position. Duplicate keys in a section, duplicate sections, lines that are neither, control
 * characters and text that is not UTF-8 are errors. No limit on line length.
 */
#ifndef PCLSIM_INI_H
#define PCLSIM_INI_H

#include <pclsim/base.h>

struct pcl_ini_entry {
    const char *key, *value; /* blanks trimmed; value may be "" */
    unsigned line, key_col, value_col;
    bool used; /* set by whoever understood it */
};

struct pcl_ini_section {
    const char *kind, *name; /* "[group writers]": kind "group", name "writers"; "[v5.9]": kind
                                "v5.9", name "" */
    unsigned line, col;
    struct pcl_ini_entry *entry;
    size_t n_entries;
};

struct pcl_ini {
    char *file;
    struct pcl_arena arena;
    struct pcl_ini_section *section;
    size_t n_sections;
    char **lines; /* for messages */
    size_t n_lines;
};

int pcl_ini_parse(const char *file, const char *text, size_t size, struct pcl_ini **out,
                  struct pcl_err *err);
int pcl_ini_load(const char *path, struct pcl_ini **out, struct pcl_err *err);
void pcl_ini_free(struct pcl_ini *ini);

/** First section of that kind and name (name may be NULL: any), or NULL. */
struct pcl_ini_section *pcl_ini_section(struct pcl_ini *ini, const char *kind, const char *name);
struct pcl_ini_entry *pcl_ini_entry(struct pcl_ini_section *s, const char *key);

/** Fails at an entry's value (or its key), with the source line set for the caret. */
int pcl_ini_fail(const struct pcl_ini *ini, const struct pcl_ini_entry *e, bool at_key,
                 struct pcl_err *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/** As pcl_ini_fail, offset bytes into the value: for values with parts. */
int pcl_ini_fail_in(const struct pcl_ini *ini, const struct pcl_ini_entry *e, size_t offset,
                    struct pcl_err *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/** Fails at a section's bracket. */
int pcl_ini_fail_section(const struct pcl_ini *ini, const struct pcl_ini_section *s,
                         struct pcl_err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** Applies "[section.]key=value": replaces the value of an existing or known key. section may be
 * "kind" or "kind name" or just "name"; without a section the key must be unique in the file.
 * A key that is not in the file needs its section. Positions of overridden values are line 0. */
int pcl_ini_set(struct pcl_ini *ini, const char *assignment, struct pcl_err *err);

#endif
