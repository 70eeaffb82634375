/*
 * A trace as one short text, so that a rule is a line of input and a line of expectation:
 *
 *   read /f 0+10            an operation: name, path, offset+length, flags
 *   1 signal                a skip reason with its lines
 */
#ifndef PCLSIM_TEST_TRACE_RENDER_H
#define PCLSIM_TEST_TRACE_RENDER_H

#include <pclsim/trace.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum render { RENDER_OPS = 1, RENDER_TIDS = 2, RENDER_TIMES = 4, RENDER_SKIPS = 8 };

static const struct {
    unsigned flag;
    const char *name;
} render_flags[] = {{PCL_OPF_APPEND, " append"},     {PCL_OPF_GUESSED, " guessed"},
                    {PCL_OPF_KEEPSIZE, " keepsize"}, {PCL_OPF_FAILED, " failed"},
                    {PCL_OPF_DATASYNC, " datasync"}};

/* Parses text, which must be a trace, and checks what holds for every trace. */
static inline struct pcl_trace *parse_ok(const char *text, size_t n)
{
    struct pcl_trace *t = NULL;
    struct pcl_err err;
    uint64_t lines = 0, used = 0;

    if (pcl_trace_parse("test", text, n, &t, &err) != PCL_OK)
        fail_msg("%s in:\n%.300s", err.msg, text);
    for (size_t i = 0; i < t->n_skips; i++)
        lines += t->skips[i].lines;
    assert_true(t->lines_read == t->lines_used + lines);
    for (size_t i = 0; i < t->n_ops; i++) {
        const struct pcl_trace_op *op = &t->ops[i];
        int64_t end;
        assert_true(op->t_ns >= 0 && op->dur_ns >= -1 && op->t_ns <= t->span_ns);
        assert_true(i == 0 || t->ops[i - 1].t_ns <= op->t_ns);
        assert_true(op->thread < t->n_threads);
        assert_true(op->inode == PCL_NONE || op->inode < t->n_inodes);
        assert_true(op->op < PCL_N_OPS);
        assert_true(op->line >= 1 && op->line <= t->lines_read);
        assert_true(op->off >= 0 && op->len >= 0);
        assert_false(__builtin_add_overflow(op->off, op->len, &end));
        used += op->inode == PCL_NONE ? 0 : 1;
    }
    for (size_t i = 0; i < t->n_inodes; i++) {
        assert_true(t->inodes[i].n_ops > 0 && t->inodes[i].n_threads > 0);
        assert_true(t->inodes[i].size >= -1 && t->inodes[i].extent >= 0);
        used -= t->inodes[i].n_ops;
    }
    assert_true(used == 0);
    return t;
}

static inline char *render(const struct pcl_trace *t, unsigned what)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);

    for (size_t i = 0; i < t->n_ops && (what & RENDER_OPS); i++) {
        const struct pcl_trace_op *op = &t->ops[i];
        if (what & RENDER_TIMES)
            (void)fprintf(f, "%lld+%lld ", (long long)op->t_ns, (long long)op->dur_ns);
        if (what & RENDER_TIDS)
            (void)fprintf(f, "%lld/%lld ", (long long)t->threads[op->thread].tid,
                          (long long)t->threads[op->thread].pid);
        (void)fprintf(f, "%s %s", pcl_op_name((enum pcl_op)op->op),
                      op->inode == PCL_NONE ? "-" : t->inodes[op->inode].path);
        if (op->op != PCL_OP_SYSCALL)
            (void)fprintf(f, " %lld+%lld", (long long)op->off, (long long)op->len);
        for (size_t k = 0; k < sizeof(render_flags) / sizeof(render_flags[0]); k++) {
            if (op->flags & render_flags[k].flag)
                (void)fputs(render_flags[k].name, f);
        }
        (void)fputc('\n', f);
    }
    for (size_t i = 0; i < t->n_skips && (what & RENDER_SKIPS); i++)
        (void)fprintf(f, "%llu %s\n", (unsigned long long)t->skips[i].lines,
                      t->skips[i].reason);
    (void)fclose(f);
    return out;
}

struct rule {
    const char *says; /* the rule, for the message */
    const char *text, *want;
};

static inline void check_rules(const struct rule *rules, size_t n, unsigned what)
{
    for (size_t i = 0; i < n; i++) {
        struct pcl_trace *t = parse_ok(rules[i].text, strlen(rules[i].text));
        char *got = render(t, what);
        if (strcmp(got, rules[i].want) != 0)
            fail_msg("%s\n--- want\n%s--- got\n%s", rules[i].says, rules[i].want, got);
        free(got);
        pcl_trace_free(t);
    }
}

#define CHECK_RULES(rules, what) check_rules(rules, sizeof(rules) / sizeof(rules[0]), what)

/* The inode of a path; there must be one. nth counts the identities that bore it, from 0. */
static inline const struct pcl_trace_inode *inode_of(const struct pcl_trace *t,
                                                     const char *path, size_t nth)
{
    for (size_t i = 0; i < t->n_inodes; i++) {
        if (strcmp(t->inodes[i].path, path) == 0 && nth-- == 0)
            return &t->inodes[i];
    }
    fail_msg("no inode %s", path);
    return NULL;
}

#endif
