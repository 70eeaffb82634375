/*
 * What the parts of the scenario reader share. Every key is one row of a table; reading, range
 * checks, defaults, the canonical text and the tables of docs/scenario.md come from that row.
 */
#ifndef PCLSIM_WORKLOAD_READER_H
#define PCLSIM_WORKLOAD_READER_H

#include <pclsim/ini.h>
#include <pclsim/scenario.h>

struct pcl_reader {
    struct pcl_ini *ini;
    struct pcl_scenario *s;
    struct pcl_err *err;
};

enum pcl_key_kind {
    PCL_KEY_TEXT,  /* char *, one line; "" when optional and absent */
    PCL_KEY_NAME,  /* char [width] */
    PCL_KEY_COUNT, /* integer of width 4 or 8, in [lo, hi] */
    PCL_KEY_SIZE,  /* int64_t bytes, in [lo, hi] */
    PCL_KEY_LIMIT, /* as SIZE, and 8E means 2^63 - 1 */
    PCL_KEY_TIME,  /* pcl_ns, in [lo, hi] */
    PCL_KEY_WORD,  /* bool or enum of width 1 or 4: the word's place in words */
    PCL_KEY_SIZES, /* struct pcl_dist of bytes, its ends in [lo, hi] */
    PCL_KEY_TIMES, /* struct pcl_dist of nanoseconds, its ends in [lo, hi] */
    PCL_KEY_OWN    /* parse and write say how */
};

struct pcl_key {
    const char *name;
    enum pcl_key_kind kind;
    size_t offset, width;
    int64_t lo, hi;
    const char *words;    /* WORD: "a|b"; OWN: the form, for the documentation */
    const char *fallback; /* value when absent; NULL: the key is required */
    const char *help;
    int (*parse)(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj);
    void (*write)(FILE *out, const struct pcl_scenario *s, const void *obj);
};

/* Where a row's value lies in its struct. */
#define PCL_AT(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

struct pcl_key_table {
    const char *kind;    /* of the section: "group" */
    bool named;          /* "[group NAME]" */
    const char *summary; /* one sentence for the documentation */
    const struct pcl_key *key;
    size_t n;
    size_t size; /* of the struct that the rows fill */
};

extern const struct pcl_key_table pcl_scenario_keys, pcl_file_keys, pcl_group_keys,
    pcl_claim_keys, pcl_explore_keys;

/** The table of a section kind, or NULL ([grid] and [scheme] have keys of their own). */
const struct pcl_key_table *pcl_key_table(const char *kind);
const struct pcl_key *pcl_key_find(const struct pcl_key_table *t, const char *name);

/** Reads one value into obj, a struct of the table's type. */
int pcl_key_read(struct pcl_reader *r, const struct pcl_key *k, const struct pcl_ini_entry *e,
                 void *obj);

/** Reads all entries of a section into obj, then the defaults of absent keys. other (may be
 * NULL) is asked about keys that the table does not know; it returns 1 when it took the entry.
 */
int pcl_key_read_section(struct pcl_reader *r, const struct pcl_key_table *t,
                         struct pcl_ini_section *sec, void *obj,
                         int (*other)(struct pcl_reader *r, const struct pcl_ini_entry *e));

/** Writes the canonical lines of obj: every key, exact; empty texts are left out. */
void pcl_key_write(FILE *out, const struct pcl_key_table *t, const struct pcl_scenario *s,
                   const void *obj);

/** One of these lines. */
void pcl_key_write_one(FILE *out, const struct pcl_key_table *t, const char *name,
                       const struct pcl_scenario *s, const void *obj);

/** Fails for a key that its section does not know: nearest key, or a machine constant. */
int pcl_fail_unknown_key(struct pcl_reader *r, const struct pcl_ini_entry *e,
                         const char *const *names, size_t n);

/* The names in profile.def: what a scenario must not set. */
bool pcl_is_machine_constant(const char *name);
const char *const *pcl_machine_constants(size_t *n);

/** Fails at an entry's value, skip bytes into it. Overridden values are shown as "--set". */
int pcl_fail_value(struct pcl_reader *r, const struct pcl_ini_entry *e, size_t skip,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int pcl_fail_key(struct pcl_reader *r, const struct pcl_ini_entry *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int pcl_fail_section(struct pcl_reader *r, const struct pcl_ini_section *sec, const char *fmt,
                     ...) __attribute__((format(printf, 3, 4)));
/** At the key's value if it is in the section, else at the section's head. */
int pcl_fail_in(struct pcl_reader *r, struct pcl_ini_section *sec, const char *key,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** A name of letters, digits and . _ - + , at most PCL_NAME_MAX - 1 of them. */
bool pcl_name_ok(const char *name);

/** "key =#x" gives a value that "key = #x" would not: free text must not begin like that, or
 * the canonical text would lose it. */
bool pcl_is_comment(const char *value);

/* A list: items between separators, blanks around them do not count. Start with {.text = s}. */
struct pcl_list {
    const char *text;
    size_t next;  /* where to go on */
    bool done;    /* the last item was given out */
    size_t start; /* of the current item in text */
    char *item;   /* in the scenario's arena; may be "" */
};

/** The next item; an empty text has one empty item. False at the end. */
bool pcl_list_next(struct pcl_reader *r, struct pcl_list *l, char separator);

/* Exact and short: "4k", "131us", "0.9". */
void pcl_write_size(FILE *out, int64_t bytes);
void pcl_write_time(FILE *out, pcl_ns ns);
void pcl_write_real(FILE *out, double v);

/* --- sections ---------------------------------------------------------------------------- */

int pcl_read_scenario(struct pcl_reader *r, struct pcl_ini_section *sec);
int pcl_read_file_spec(struct pcl_reader *r, struct pcl_ini_section *sec,
                       struct pcl_file_spec *f);
int pcl_read_group(struct pcl_reader *r, struct pcl_ini_section *sec, struct pcl_group *g);
int pcl_read_claim(struct pcl_reader *r, struct pcl_ini_section *sec);
int pcl_read_grid(struct pcl_reader *r, struct pcl_ini_section *sec);
int pcl_read_explore(struct pcl_reader *r, struct pcl_ini_section *sec);

/* The list of operations of a group. */
int pcl_read_do(struct pcl_reader *r, const struct pcl_ini_entry *e, void *obj);
void pcl_write_do(FILE *out, const struct pcl_scenario *s, const void *obj);

void pcl_write_claim(FILE *out, const struct pcl_scenario *s);
void pcl_write_explore(FILE *out, const struct pcl_scenario *s);
void pcl_write_grid(FILE *out, const struct pcl_scenario *s);

/* --- overrides --------------------------------------------------------------------------- */

/* Where "[section.]key" points to. */
struct pcl_target {
    struct pcl_ini_section *section;
    const char *key; /* a part of what was asked for */
};

/** Finds the section that "[section.]key" means. On failure err holds a message without a
 * position. */
int pcl_find_target(struct pcl_reader *r, const char *spec, struct pcl_target *out,
                    struct pcl_err *err);
int pcl_apply_override(struct pcl_reader *r, const char *set);

/** Could only one section of the file have this key? */
bool pcl_only_place(struct pcl_reader *r, const char *key);

/** Puts a line into [grid], which is made when there is none. */
void pcl_grid_add(struct pcl_reader *r, const struct pcl_ini_entry *e);
/** Adds an entry to a section; returns it. Earlier pointers into the section become stale. */
struct pcl_ini_entry *pcl_section_add(struct pcl_reader *r, struct pcl_ini_section *sec,
                                      const struct pcl_ini_entry *e);

/** Turns every ${...} into lines of [grid] and the first value. */
int pcl_expand_varied(struct pcl_reader *r);
/** Notes the names that stand in ${...}. */
void pcl_find_variables(struct pcl_reader *r);
/** Is this such a name? Does a key still have it, after what --set replaced? */
bool pcl_is_variable(const struct pcl_scenario *s, const char *name);
bool pcl_is_bound(const struct pcl_scenario *s, const char *name);
/** An override that replaces a list in place leaves an axis of one value. */
void pcl_keep_axis(struct pcl_reader *r, const struct pcl_target *t, const char *value);

/* --- schemes ----------------------------------------------------------------------------- */

/** Sets "title", "ROLE" or "ROLE.PARAM" of a scheme. On failure err holds message and hint
 * without a position, and *at_key says whether the key (else the value) is wrong. */
int pcl_scheme_put(struct pcl_scheme *s, const char *key, const char *value, bool *at_key,
                   struct pcl_err *err);

/** Applies the ":role=lock..." part of a spec. *at: bytes from spec to the offending item. */
int pcl_scheme_apply(struct pcl_scheme *s, const char *spec, size_t *at, struct pcl_err *err);

/** Reads a section's keys into a scheme of that name. */
int pcl_scheme_read_section(struct pcl_reader *r, struct pcl_ini_section *sec, const char *name,
                            struct pcl_scheme *s);

void pcl_scheme_write(FILE *out, const struct pcl_scheme *s);

#endif
