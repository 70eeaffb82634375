/*
 * The ground floor: simulated time, result codes, messages with a position, and the arena.
 *
 * Three kinds of failure (CONTRIBUTING.md): the user's input returns a negative code and fills a
 * struct pcl_err; our own bugs stop at PCL_ASSERT; exhausted memory stops too.
 */
#ifndef PCLSIM_BASE_H
#define PCLSIM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef int64_t pcl_ns; /* simulated time, nanoseconds; 292 years at most */

#define PCL_NS_MAX INT64_MAX
#define PCL_OFF_MAX INT64_MAX /* the largest file size, 2^63 - 1 bytes */
#define PCL_NONE UINT32_MAX   /* "no index" wherever an index is 32 bits */

__extension__ typedef unsigned __int128 pcl_u128;

/* Result codes. 0 is success, all failures are negative. */
enum pcl_code {
    PCL_OK = 0,
    PCL_EINVAL = -1, /* the user's input or an argument is wrong */
    PCL_EIO = -2,    /* the operating system refused: file, disk, pipe */
    PCL_ENOENT = -3, /* a name was not found */
    PCL_ELAW = -4,   /* a law of the simulation or the oracle was broken */
    PCL_EINTR = -5,  /* interrupted by the user */
    PCL_EFAIL = -6,  /* something failed while running */
    PCL_EPREC = -7,  /* the asked precision was not reached */
    PCL_EWORSE = -8  /* --fail-if-worse found a regression */
};

/* One message for the user. file is "" when no input file is concerned; line and col (in bytes)
 * count from 1, 0 means unknown; text is the offending source line, or a window of it, for the
 * caret display, may be ""; caret is the column of the caret in text, 0 for none. */
struct pcl_err {
    int code;
    unsigned line, col, caret;
    char file[512];
    char msg[768];
    char hint[256];
    char text[256];
};

/** Fills err (may be NULL) and returns code, so that `return pcl_fail(...)` reads well. */
int pcl_fail(struct pcl_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** As pcl_fail with code PCL_EINVAL and a position in an input file. */
int pcl_fail_at(struct pcl_err *err, const char *file, unsigned line, unsigned col,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** Sets the source line of a filled err (n bytes, no line end). Of a long line a window around
 * err->col is kept; control characters become blanks and bytes that are not UTF-8 become '?'. */
void pcl_err_source(struct pcl_err *err, const char *line, size_t n);

/** Sets the hint ("did you mean ...") of a filled err; returns err->code. */
int pcl_hint(struct pcl_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Prints `file:line:col: error: msg`, the source line with a caret, and the hint; without a file
 * `pclsim: error: msg`. */
void pcl_err_print(FILE *out, const struct pcl_err *err);

/** The candidate nearest to word by edit distance (case and - against _ do not count), or NULL
 * when none is near (more than a third of its letters wrong). A word that begins exactly one
 * candidate is near to it. names has n entries; the result points into names. */
const char *pcl_nearest(const char *word, const char *const *names, size_t n);

/** Adds "did you mean 'X'?" to a filled err when a candidate is near; returns err's code. */
int pcl_hint_nearest(struct pcl_err *err, const char *word, const char *const *names, size_t n);

/* --- our own bugs ----------------------------------------------------------------------- */

/* Prints where, and what pcl_assert_context() last said, then aborts. */
_Noreturn void pcl_assert_failed(const char *file, int line, const char *cond);

/** Says for this thread what runs, to be printed by a failing assertion; NULL clears it. The
 * pointers must stay valid until cleared. */
void pcl_assert_context(const pcl_ns *now, const uint32_t *task, uint64_t seed);

/* A place that cannot be reached. */
#define PCL_NEVER(what) pcl_assert_failed(__FILE__, __LINE__, "never: " what)

#define PCL_ASSERT(cond) ((cond) ? (void)0 : pcl_assert_failed(__FILE__, __LINE__, #cond))

/* --- memory ------------------------------------------------------------------------------ */

/* Never NULL: exhausted memory prints how much was asked for and stops with exit code 2. */
void *pcl_xcalloc(size_t n, size_t size);
void *pcl_xrealloc(void *old, size_t n, size_t size);
char *pcl_xstrdup(const char *s);

/* An arena: zeroed on allocation, never NULL, dropped whole. Allocations are 16-byte aligned. */
struct pcl_arena {
    struct pcl_arena_block *head;
    size_t total; /* bytes handed out */
};

void pcl_arena_init(struct pcl_arena *a);
void pcl_arena_fini(struct pcl_arena *a);
void *pcl_arena_alloc(struct pcl_arena *a, size_t n, size_t size);
char *pcl_arena_strdup(struct pcl_arena *a, const char *s);

/* --- numbers in text --------------------------------------------------------------------- */

/* Each parses the whole of s (no blanks around). On failure returns PCL_EINVAL and sets *why to a
 * static text such as "want a size such as 4k or 1G" (why may be NULL); out is set on success
 * only. */

/** Sizes: digits, then k m g t p e, optional i, optional B (either case); powers of 1024; exact to
 * 2^63 - 1. "max" is 2^63 - 1. "8E" (2^63 in any spelling) is an error unless end is true; then it
 * means 2^63 - 1. */
int pcl_parse_size(const char *s, bool end, int64_t *out, const char **why);

/** Times: a decimal number with a unit ns us ms s m h; a bare 0 needs none. Exact integer ns
 * (fractions of a nanosecond are an error). */
int pcl_parse_time(const char *s, pcl_ns *out, const char **why);

/** An integer in [lo, hi], no suffix. */
int pcl_parse_int(const char *s, int64_t lo, int64_t hi, int64_t *out, const char **why);

/** A finite decimal number, optional % suffix (divides by 100). Locale-independent. */
int pcl_parse_real(const char *s, double *out, const char **why);

/** Writes ns in a fitting unit, ns to years, with 3 significant digits ("18.3 us"); returns buf. */
const char *pcl_format_ns(pcl_ns ns, char *buf, size_t n);

/** Writes a size: whole units exactly ("4 KiB"), else 3 digits ("20.6 PiB"); returns buf. */
const char *pcl_format_size(int64_t bytes, char *buf, size_t n);

/** Writes a count or rate with k M G suffix and 3 significant digits ("81.2k"); whole numbers
 * below 1000 stay whole ("12"); returns buf. */
const char *pcl_format_count(double v, char *buf, size_t n);

/* --- files ------------------------------------------------------------------------------- */

/** Reads a whole file ("-" is standard input) into a malloc'ed, 0-terminated buffer that the
 * caller frees. Directories, missing files and unreadable ones fail with a message that names the
 * path. max_bytes bounds the size. */
int pcl_read_file(const char *path, size_t max_bytes, char **data, size_t *size,
                  struct pcl_err *err);

/** SHA-256 as 64 hex digits and a 0; out has room for 65. */
void pcl_sha256_hex(const void *data, size_t size, char out[65]);

/* The same piece by piece. A copy of the state goes on from where it was taken, so that a common
 * beginning is hashed once. */
struct pcl_sha256 {
    uint64_t state[32]; /* private */
};

void pcl_sha256_init(struct pcl_sha256 *h);
void pcl_sha256_add(struct pcl_sha256 *h, const void *data, size_t size);
void pcl_sha256_end(struct pcl_sha256 *h, char out[65]);

/** Finds a data file by the rule of docs (path as given, $PCLSIM_DATA, $XDG_CONFIG_HOME/pclsim,
 * <binary>/../share/pclsim, the source tree for a binary in a build tree). kind is a folder below
 * the data root such as "workloads/machines", ext such as ".ini" is appended to a bare name. A
 * name that begins with / ./ or ../ is a path only; "claims/c1" may be either.
 * On success *path is malloc'ed. On failure err lists the places that were looked at. */
int pcl_find_data(const char *kind, const char *name, const char *ext, char **path,
                  struct pcl_err *err);

/** One file of a kind in all data roots that have it, in the order of lookup: for files that add to
 * each other, as schemes.ini does. *paths as below. */
size_t pcl_find_all_data(const char *kind, const char *file, char ***paths);

/** All entries of a kind over all data roots, in the order of lookup, first wins; sorted by name.
 * *paths is malloc'ed, as is each entry; free with pcl_free_list. */
size_t pcl_list_data(const char *kind, const char *ext, char ***paths);
void pcl_free_list(char **list, size_t n);

#endif
