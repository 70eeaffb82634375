/*
 * System calls of ftrace text. They become calls as strace shows them, so that one set of
 * handlers says what a call does. Two things differ: numbers stand where strace prints names,
 * and a descriptor's file is known only from what happens inside the call.
 */
#include "ftrace.h"

#include <stdlib.h>
#include <string.h>

/* The form in which the handlers expect an argument that is a name in strace's text. */
enum form { FORM_HEX, FORM_DECIMAL };

static const struct {
    const char *call;
    unsigned char arg;
    enum form form;
} named[] = {{"lseek", 2, FORM_DECIMAL}, {"fcntl", 1, FORM_DECIMAL}, {"madvise", 2, FORM_HEX},
             {"fadvise64", 3, FORM_HEX}, {"msync", 2, FORM_HEX},     {"fcntl", 2, FORM_HEX}};

/* Linux' error numbers, those that handlers tell apart or that people look for. */
static const struct {
    int64_t number;
    const char *name;
} errors[] = {{1, "EPERM"},       {2, "ENOENT"},      {4, "EINTR"},       {5, "EIO"},
              {6, "ENXIO"},       {9, "EBADF"},       {11, "EAGAIN"},     {12, "ENOMEM"},
              {13, "EACCES"},     {14, "EFAULT"},     {16, "EBUSY"},      {17, "EEXIST"},
              {19, "ENODEV"},     {20, "ENOTDIR"},    {21, "EISDIR"},     {22, "EINVAL"},
              {25, "ENOTTY"},     {26, "ETXTBSY"},    {27, "EFBIG"},      {28, "ENOSPC"},
              {29, "ESPIPE"},     {30, "EROFS"},      {32, "EPIPE"},      {38, "ENOSYS"},
              {95, "EOPNOTSUPP"}, {110, "ETIMEDOUT"}, {112, "EHOSTDOWN"}, {122, "EDQUOT"}};

static struct text error_name(int64_t number)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].number == number)
            return (struct text){errors[i].name, strlen(errors[i].name)};
    }
    return (struct text){"other error", 11};
}

/* --- arguments --------------------------------------------------------------------------- */

static bool is_call(struct text name, const char *call)
{
    return text_starts(name, call) && name.n == strlen(call);
}

static struct text first_word(struct text t)
{
    size_t n = 0;

    t = text_trim(t);
    while (n < t.n && t.p[n] != ' ' && t.p[n] != '\t')
        n++;
    return (struct text){t.p, n};
}

/* A value as the handlers want it: what newer kernels append as text, negative numbers with a
 * sign, named constants in strace's raw form. */
static struct text argument(struct text call, unsigned i, struct text value, char *buf)
{
    const char *quote = memchr(value.p, '"', value.n);
    uint64_t v;

    if (quote)
        return (struct text){quote, (size_t)(value.p + value.n - quote)};
    value = first_word(value); /* perf may add an address and its symbol */
    if (!ftrace_number(value, 10, &v))
        return value;
    for (size_t k = 0; k < sizeof(named) / sizeof(named[0]); k++) {
        if (named[k].arg == i && is_call(call, named[k].call)) {
            (void)snprintf(buf, FTRACE_ARG, named[k].form == FORM_HEX ? "0x%llx" : "%llu",
                           (unsigned long long)v);
            return (struct text){buf, strlen(buf)};
        }
    }
    if (v <= (uint64_t)INT64_MAX)
        return value;
    (void)snprintf(buf, FTRACE_ARG, "%lld", (long long)(int64_t)v);
    return (struct text){buf, strlen(buf)};
}

/* "3, 7ffc, 310": as the values above, but bare. */
static void read_raw_args(struct ftrace_thread *t, struct text call, struct text rest,
                          struct strace_args *out)
{
    const char *p = rest.p, *end = rest.p + rest.n;

    *out = (struct strace_args){.readable = true};
    while (p < end && out->n < STRACE_MAX_ARGS) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        struct text value = text_trim((struct text){p, (size_t)((comma ? comma : end) - p)});
        char buf[FTRACE_ARG];
        uint64_t v;
        if (!ftrace_number(value, 16, &v)) {
            out->readable = false;
            return;
        }
        (void)snprintf(buf, sizeof(buf), "0x%llx", (unsigned long long)v);
        value = argument(call, out->n, (struct text){buf, strlen(buf)}, t->args[out->n]);
        if (value.p == buf) {
            memcpy(t->args[out->n], buf, sizeof(buf));
            value.p = t->args[out->n];
        }
        out->v[out->n++] = value;
        p = comma ? comma + 1 : end;
    }
}

/* "fd: 3, buf: 0x7ffc, count: 0x310": the values, in order. */
static void read_args(struct ftrace_thread *t, struct text call, struct text rest,
                      struct strace_args *out)
{
    const char *p = rest.p, *end = rest.p + rest.n;

    *out = (struct strace_args){.readable = true};
    while (p < end && out->n < STRACE_MAX_ARGS) {
        struct text value;
        bool quoted = false;
        const char *colon = memchr(p, ':', (size_t)(end - p));
        if (!colon)
            break;
        value.p = colon + 1;
        for (p = value.p; p < end && (quoted || *p != ','); p++) {
            if (*p == '\\' && quoted && p + 1 < end)
                p++;
            else if (*p == '"')
                quoted = !quoted;
        }
        value.n = (size_t)(p - value.p);
        out->v[out->n] = argument(call, out->n, value, t->args[out->n]);
        out->n++;
        p += p < end;
    }
}

/* --- the file ---------------------------------------------------------------------------- */

/* A call that makes sense on a file with positions only. */
static bool of_a_file(const struct call *c)
{
    const struct call_def *d = c->def;

    if (d->fn == strace_read || d->fn == strace_write)
        return (d->arg & STRACE_POSITION) != 0;
    return d->fn == strace_fsync || d->fn == strace_fallocate || d->fn == strace_ftruncate ||
           d->fn == strace_mmap || d->fn == strace_fadvise;
}

static bool on_one_file(const struct call *c)
{
    return c->def->fn == strace_read || c->def->fn == strace_write ||
           c->def->fn == strace_fsync || c->def->fn == strace_fallocate ||
           c->def->fn == strace_ftruncate || c->def->fn == strace_fadvise ||
           c->def->fn == strace_not_modelled_fd;
}

/* A regular file of which nothing is known but who has it open. */
static void name_by_descriptor(struct ftrace *r, struct call *c)
{
    const struct task *t = c->task;
    int64_t fd = text_fdref(c->args.v[c->def->fd]).fd;
    char path[96];
    int n = snprintf(path, sizeof(path), "fd %lld of %lld", (long long)fd,
                     (long long)(t->pid >= 0 ? t->pid : t->tid));
    uint32_t name = files_name(&r->s.files, path, (size_t)n);

    if (files_find(&r->s.files, name) != PCL_NONE) {
        n = snprintf(path, sizeof(path), "fd %lld of %lld, opened anew (%llu)", (long long)fd,
                     (long long)(t->pid >= 0 ? t->pid : t->tid),
                     (unsigned long long)++r->serial);
        name = files_name(&r->s.files, path, (size_t)n);
    }
    c->ofd->file = files_at(&r->s.files, name);
    map_put(&r->guessed, c->ofd->file, c->def->fn == strace_mmap ? GUESS_MAP : GUESS_CALL);
}

static void find_file(struct ftrace *r, struct ftrace_thread *t, struct call *c)
{
    struct ofd *o = c->ofd;

    if (!c->def || !o || c->def->fd < 0)
        return;
    if ((t->proven || t->likely) && on_one_file(c))
        ftrace_bind(r, o, t->inode, t->proven);
    else if (o->file == files_unnamed(&r->s.files, FILE_UNKNOWN) && of_a_file(c))
        name_by_descriptor(r, c);
    if (c->def->fn != strace_read && c->def->fn != strace_write)
        return;
    if (t->direct)
        o->flags |= OFD_DIRECT;
    if (t->pos >= 0 && !(c->def->arg & STRACE_POSITION)) {
        o->pos = t->pos;
        o->guessed = false;
    }
}

/* --- both ends --------------------------------------------------------------------------- */

static bool maps(struct text call)
{
    static const char *const mm[] = {"mmap", "munmap", "mprotect", "madvise", "mremap", "brk"};

    for (size_t i = 0; i < sizeof(mm) / sizeof(mm[0]); i++) {
        if (is_call(call, mm[i]))
            return true;
    }
    return false;
}

void ftrace_no_exit(struct ftrace *r, struct ftrace_thread *t)
{
    struct call *c = t->task ? t->task->pending : NULL;

    t->lock.maps = false;
    if (!c)
        return;
    t->task->pending = NULL;
    tb_skip(&r->b, strace_no_end(&r->s, c), c->lines);
    ofd_unref(c->ofd);
    free(c);
}

/* The call outlives its line: name and arguments, copied. */
static struct text keep_text(struct ftrace_thread *t, struct text name, struct text rest,
                             struct text *kept_rest)
{
    if (name.n + rest.n >= t->text_cap) { /* never NULL, even for nothing */
        t->text_cap = (name.n + rest.n) * 2 + 64;
        t->text = pcl_xrealloc(t->text, t->text_cap, 1);
    }
    memcpy(t->text, name.p, name.n);
    if (rest.n > 0)
        memcpy(t->text + name.n, rest.p, rest.n);
    *kept_rest = (struct text){t->text + name.n, rest.n};
    return (struct text){t->text, name.n};
}

void ftrace_enter(struct ftrace *r, struct ftrace_thread *t, const struct ftrace_line *l,
                  uint32_t number)
{
    struct text rest, name;
    struct call *c;

    if (!ftrace_task(r, t, l->tgid)) {
        tb_skip(&r->b, "more threads than Linux allows", 1);
        return;
    }
    ftrace_no_exit(r, t);
    r->calls = true;
    t->proven = t->likely = t->direct = false;
    t->pos = -1;
    t->lock.maps = maps(l->event);
    name = keep_text(t, l->event, l->rest, &rest);
    c = pcl_xcalloc(1, sizeof(*c));
    *c = (struct call){.task = t->task,
                       .name = name,
                       .t_ns = t->last_ns,
                       .dur_ns = -1,
                       .line = number,
                       .lines = 1};
    if (text_starts(c->name, "new") && text_ends(c->name, "stat")) /* newfstat is fstat */
        c->name = (struct text){c->name.p + 3, c->name.n - 3};
    if (l->raw)
        read_raw_args(t, c->name, rest, &c->args);
    else
        read_args(t, c->name, rest, &c->args);
    strace_begin(&r->s, c);
    if (c->ofd && c->ofd->file == files_unnamed(&r->s.files, FILE_UNKNOWN))
        c->ofd->guessed = true; /* opened before the recording: its position is not known */
    t->task->pending = c;
}

static void read_result(struct call *c, struct text value)
{
    uint64_t v;

    value = first_word(value);
    if (text_starts(value, "-")) { /* older perf prints these with a sign */
        struct text digits = {value.p + 1, value.n - 1};
        if (ftrace_number(digits, 10, &v) && v > 0 && v < 4096)
            v = UINT64_MAX - v + 1;
        else
            v = UINT64_MAX;
    } else if (!ftrace_number(value, 10, &v)) {
        c->ret.kind = RESULT_NONE;
        return;
    }
    c->ret.text = value;
    if (v > UINT64_MAX - 4096) {
        c->ret.kind = RESULT_ERROR;
        c->ret.error = error_name((int64_t)(UINT64_MAX - v) + 1);
    } else {
        c->ret.kind = RESULT_VALUE;
        c->ret.value = (int64_t)v;
    }
}

/* MADV_DONTNEED of memory that was mapped before the recording began. */
static bool drops_unknown(struct ftrace *r, struct ftrace_thread *t, struct call *c)
{
    uint64_t addr, len;

    if (!is_call(c->name, "madvise") || !strace_ok(c) || c->args.n < 3 ||
        !text_is(c->args.v[2], "0x4") || !text_u64(c->args.v[0], &addr) ||
        !text_u64(c->args.v[1], &len) || addr == 0 || len == 0 || addr % 4096 != 0 ||
        addr > (uint64_t)INT64_MAX || len > (uint64_t)INT64_MAX - addr ||
        space_find(task_space(c->task), addr, len))
        return false;
    ftrace_dropped(r, t, c, addr, len);
    return true;
}

static bool same_call(struct text begun, struct text ended)
{
    if (text_starts(ended, "new") && text_ends(ended, "stat"))
        ended = (struct text){ended.p + 3, ended.n - 3};
    return begun.n == ended.n && memcmp(begun.p, ended.p, begun.n) == 0;
}

void ftrace_exit(struct ftrace *r, struct ftrace_thread *t, const struct ftrace_line *l)
{
    struct call *c = t->task ? t->task->pending : NULL;

    t->lock.maps = false;
    if (!c || !same_call(c->name, l->event)) {
        ftrace_no_exit(r, t);
        r->b.t->unmatched_resumed++;
        tb_skip(&r->b, "end of a call without begin", 1);
        return;
    }
    t->task->pending = NULL;
    c->lines++;
    c->dur_ns = r->counter ? -1 : t->last_ns - c->t_ns;
    r->durations = r->durations || c->dur_ns >= 0;
    read_result(c, l->rest);
    if (c->ret.kind == RESULT_NONE) {
        tb_skip(&r->b, STRACE_BAD_ARGS, c->lines);
        ofd_unref(c->ofd);
    } else if (drops_unknown(r, t, c)) {
        ofd_unref(c->ofd);
    } else {
        find_file(r, t, c);
        strace_end(&r->s, c);
    }
    free(c);
}
