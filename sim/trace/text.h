/*
 * Slices of the input and the few readings of them that every line needs. A slice points into
 * the trace's bytes, is not 0-terminated and may hold any byte.
 */
#ifndef PCLSIM_TRACE_TEXT_H
#define PCLSIM_TRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *p;
    size_t n;
};

enum number { NUMBER_OK, NUMBER_BAD, NUMBER_RANGE };

/* A file descriptor as strace prints it: `3`, `3</path>`, `3</path>(deleted)`, `3<pipe:[17]>`,
 * `0</dev/null<char 1:3>>`, `AT_FDCWD</dir>`, `-100 / * AT_FDCWD * /</dir>`. */
struct fdref {
    bool ok;        /* it is a descriptor at all */
    bool annotated; /* -y: path is set */
    bool deleted;
    int64_t fd;         /* FD_CWD for AT_FDCWD */
    struct text path;   /* still escaped */
    struct text device; /* -yy: "char 1:3", else empty */
};

#define FD_CWD (-100)

/** The line at *p without its newline; *p goes to the next one. */
struct text text_line(const char **p, const char *end);

bool text_is(struct text t, const char *word);
bool text_starts(struct text t, const char *head);
bool text_ends(struct text t, const char *tail);
struct text text_trim(struct text t);

/** The place of the first needle in t, or NULL. */
const char *text_find(struct text t, const char *needle);

/** True when word stands in t as a whole identifier: "O_CREAT" in "O_RDWR|O_CREAT". */
bool text_has_word(struct text t, const char *word);

/** The value of `key=` in a printed structure, up to the next comma or bracket; empty if none.
 */
struct text text_field(struct text t, const char *key);

/** A decimal or 0x number with optional sign, blanks and a comment around allowed. RANGE when
 * it is a number that 63 bits and a sign cannot hold. */
enum number text_int(struct text t, int64_t *out);

/** An unsigned address or bit mask of up to 64 bits, decimal or 0x. */
bool text_u64(struct text t, uint64_t *out);

struct fdref text_fdref(struct text t);

/** The inside of a leading "quoted string"; false when t does not start with one. */
bool text_quoted(struct text t, struct text *inside);

/** Undoes strace's escapes; out has room for t.n bytes; returns the bytes written. */
size_t text_unescape(struct text t, char *out);

/** For p just behind a '<' that annotates a number: the place of the '>' that closes it, or
 * NULL when this is no annotation. Sockets print '>' inside brackets, devices nest a pair. */
const char *text_annotation_end(const char *p, const char *end);

#endif
