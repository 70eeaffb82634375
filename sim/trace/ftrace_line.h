/*
 * The grammar of one line of ftrace's text, which three tools print in three ways:
 *
 *   tracefs    gt-16550  (16548) [000] d..1.  2215.245235: sys_pread64(fd: 3, ..., pos: 0)
 *   trace-cmd  gt-16538 [001]  2214.646131: sys_enter_pread64:    fd: 0x00000004, ...
 *   perf       gt 16548/16550 [000]  2215.492325:   xfs:xfs_ilock: dev 7:1 ino 0x80 flags ...
 *
 * A command's name may hold anything, so a line is read from its time stamp towards both ends.
 */
#ifndef PCLSIM_TRACE_FTRACE_LINE_H
#define PCLSIM_TRACE_FTRACE_LINE_H

#include "text.h"

#include <pclsim/base.h>

enum ftrace_kind {
    FTRACE_BLANK,
    FTRACE_EVENT,
    FTRACE_ENTER,  /* a system call begins: event is its name, rest its arguments */
    FTRACE_EXIT,   /* and returns: rest is the value */
    FTRACE_STACK,  /* one frame; event is the function */
    FTRACE_LOST,   /* events of cpu are missing from here; lost says how many */
    FTRACE_HEADER, /* comments, and what trace-cmd prints before the events */
    FTRACE_OTHER
};

struct ftrace_line {
    enum ftrace_kind kind;
    int64_t tid, tgid; /* tgid: -1 unknown */
    int64_t cpu;       /* -1 unknown */
    pcl_ns t_ns;
    bool counter; /* t_ns is a bare number: a counter or the TSC, no time */
    bool perf;
    bool nameless; /* the line bears no thread: tid is 0 */
    bool raw; /* ENTER and EXIT of raw_syscalls: by number, arguments bare and hexadecimal */
    struct text event, rest;
    uint64_t lost;
};

/** Reads one line, without its newline. Anything at all is accepted. */
void ftrace_parse_line(struct text line, struct ftrace_line *out);

/** The value of `key: value` or `key=value` or `key value` in an event's text; empty if none.
 */
struct text ftrace_field(struct text rest, const char *key);

/** A number in the base that the event prints in: 16 with or without 0x, or 10. Values that
 * bear 0x are hexadecimal always. */
bool ftrace_number(struct text t, unsigned base, uint64_t *out);

#endif
