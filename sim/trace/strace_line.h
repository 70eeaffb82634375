/*
 * The grammar of one line of strace's text. Nothing here knows what a call means or remembers
 * the line before.
 */
#ifndef PCLSIM_TRACE_STRACE_LINE_H
#define PCLSIM_TRACE_STRACE_LINE_H

#include "text.h"

#include <pclsim/base.h>

#define STRACE_MAX_ARGS 8

enum strace_kind {
    STRACE_BLANK,
    STRACE_CALL,       /* name(args) = ret */
    STRACE_UNFINISHED, /* name(args <unfinished ...> */
    STRACE_CUT,        /* name(args and then something else: a message, the end of the file */
    STRACE_RESUMED,    /* <... name resumed>args) = ret */
    STRACE_SIGNAL,
    STRACE_EXIT,
    STRACE_MESSAGE, /* strace speaks for itself */
    STRACE_STACK,   /* -k */
    STRACE_OTHER
};

enum strace_stamp {
    STAMP_NONE,
    STAMP_SECONDS, /* -ttt or -r: a number of seconds */
    STAMP_DAY      /* -t, -tt: HH:MM:SS */
};

struct strace_args {
    struct text v[STRACE_MAX_ARGS];
    unsigned n;
    bool open;     /* the text ended behind a comma: what resumes starts a new argument */
    bool readable; /* brackets and quotes closed where they should */
};

enum strace_result { RESULT_NONE, RESULT_VALUE, RESULT_ERROR, RESULT_UNKNOWN /* "?" */ };

struct strace_ret {
    enum strace_result kind;
    int64_t value;     /* RESULT_VALUE; addresses as their bits */
    struct text text;  /* the whole of it, for descriptors and flags */
    struct text error; /* ENOENT; also behind "?" */
};

struct strace_line {
    enum strace_kind kind;
    bool has_tid, bracketed; /* bracketed: "[pid N]" */
    int64_t tid;
    int64_t other_tid; /* EXIT: superseded by execve in this one; else -1 */
    enum strace_stamp stamp;
    pcl_ns stamp_ns;
    bool whole_seconds;
    struct text name;
    struct strace_args args;
    struct strace_ret ret;
    pcl_ns dur_ns; /* -1: none */
    bool killed;   /* "<unfinished ...>) = ?": it never returned */
};

/** Reads one line, without its newline. Anything at all is accepted; what is no line of strace
 * becomes STRACE_OTHER. */
void strace_parse_line(struct text line, struct strace_line *out);

/** Reads what follows a STRACE_CUT on the next line: the rest of the arguments with the result
 * (then kind is STRACE_RESUMED) or with another interruption (STRACE_UNFINISHED). */
bool strace_parse_rest(struct text line, struct strace_line *out);

/** Appends the arguments of a resumed half to those of the first half. */
void strace_join_args(struct strace_args *first, const struct strace_args *rest);

#endif
