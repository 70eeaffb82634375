/*
 * Calls on descriptors: data, positions, sizes. Offsets that a call does not show come from the
 * open file description, which dup, fork and threads share; appends go to the end of the file.
 */
#include "strace.h"

#include <string.h>

static const char BAD_OFFSET[] = "offset out of range";
static const char BAD_LENGTH[] = "length out of range";

/* The regular file of the call's descriptor, or NULL and why there is none. */
static struct file *data_file(struct strace *s, const struct call *c, const char **why)
{
    struct file *f = strace_file(s, c->ofd->file);

    *why = files_reason(f->kind);
    return *why ? NULL : f;
}

/* Argument i as a byte number in [0, 2^63). NULL when it is one. */
static const char *byte_arg(const struct call *c, unsigned i, int64_t *out, const char *range)
{
    enum number got = i < c->args.n ? text_int(c->args.v[i], out) : NUMBER_BAD;

    if (got == NUMBER_BAD)
        return STRACE_BAD_ARGS;
    return got == NUMBER_RANGE || *out < 0 ? range : NULL;
}

/* Errors that are found before any lock of the file is asked for. */
static bool took_a_lock(const struct call *c)
{
    static const char *const before[] = {"EBADF",  "ENOSYS", "EOPNOTSUPP", "ESPIPE",
                                         "EISDIR", "ENODEV", "EPERM",      "ENXIO"};

    if (c->ret.kind != RESULT_ERROR)
        return false; /* "? ERESTARTSYS": it comes again */
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        if (text_is(c->ret.error, before[i]))
            return false;
    }
    return true;
}

/* How much was transferred, and PCL_OPF_FAILED if it failed on the way. */
static const char *transferred(struct strace *s, const struct call *c, int64_t *len,
                               unsigned *flags)
{
    *len = 0;
    if (!strace_ok(c)) {
        *flags |= PCL_OPF_FAILED;
        return took_a_lock(c) ? NULL : strace_failed(s, c);
    }
    *len = c->ret.value;
    return *len < 0 ? BAD_LENGTH : NULL;
}

static bool past_the_end(int64_t off, int64_t len)
{
    int64_t end;

    return __builtin_add_overflow(off, len, &end);
}

/* Where a read or write happens: its argument, or the position. */
static const char *place(const struct call *c, int64_t *off, bool *explicit_off)
{
    unsigned arg = c->def->arg;

    *explicit_off = (arg & STRACE_POSITION) != 0;
    if ((arg & STRACE_POSITION) && (arg & STRACE_FLAGS) && c->args.n > 3 &&
        text_is(c->args.v[3], "-1"))
        *explicit_off = false;
    *off = c->ofd->pos;
    return *explicit_off ? byte_arg(c, 3, off, BAD_OFFSET) : NULL;
}

/* A read that comes back short has seen the end of the file. */
static void learn_from_read(struct file *f, const struct call *c, int64_t off, int64_t len)
{
    int64_t want;

    if (f->size >= 0 || (c->def->arg & (STRACE_VECTOR | STRACE_FLAGS)) ||
        byte_arg(c, 2, &want, BAD_LENGTH) != NULL || len >= want)
        return;
    if (len > 0 || off == 0 || off == f->read_to)
        file_seen_size(f, off + len);
}

const char *strace_read(struct strace *s, struct call *c)
{
    const char *why;
    struct file *f = data_file(s, c, &why);
    struct ofd *o = c->ofd;
    bool explicit_off;
    int64_t off, len;
    unsigned flags = 0;

    if (!f || (why = place(c, &off, &explicit_off)) != NULL ||
        (why = transferred(s, c, &len, &flags)) != NULL)
        return why;
    if (past_the_end(off, len))
        return BAD_OFFSET;
    if (!explicit_off && o->guessed)
        flags |= PCL_OPF_GUESSED;
    if (!(flags & (PCL_OPF_GUESSED | PCL_OPF_FAILED)))
        learn_from_read(f, c, off, len);
    if (len > 0 && off + len > f->read_to)
        f->read_to = off + len;
    if (!explicit_off)
        o->pos = off + len;
    return strace_op(s, c, o->flags & OFD_DIRECT ? PCL_OP_DREAD : PCL_OP_READ, o->file, off,
                     len, flags);
}

const char *strace_write(struct strace *s, struct call *c)
{
    const char *why;
    struct file *f = data_file(s, c, &why);
    struct ofd *o = c->ofd;
    bool explicit_off;
    int64_t off, len;
    unsigned flags = 0;

    if (!f || (why = place(c, &off, &explicit_off)) != NULL ||
        (why = transferred(s, c, &len, &flags)) != NULL)
        return why;
    if (!explicit_off && o->guessed)
        flags |= PCL_OPF_GUESSED;
    /* Linux appends with O_APPEND even where pwrite names an offset */
    if ((o->flags & OFD_APPEND) || ((c->def->arg & STRACE_FLAGS) && c->args.n > 4 &&
                                    text_has_word(c->args.v[4], "RWF_APPEND"))) {
        flags = (flags & ~(unsigned)PCL_OPF_GUESSED) | PCL_OPF_APPEND;
        if (f->size < 0)
            flags |= PCL_OPF_GUESSED;
        off = f->size >= 0 ? f->size : f->grown;
    }
    if (past_the_end(off, len))
        return BAD_OFFSET;
    file_written(f, off, len);
    if (!explicit_off && !(flags & PCL_OPF_FAILED)) {
        o->pos = off + len;
        o->guessed = (flags & PCL_OPF_GUESSED) != 0;
    }
    return strace_op(s, c, o->flags & OFD_DIRECT ? PCL_OP_DWRITE : PCL_OP_WRITE, o->file, off,
                     len, flags);
}

/* --- copies inside the kernel ------------------------------------------------------------ */

/* One side of a copy: its descriptor, its place. */
struct side {
    struct ofd *ofd;
    bool explicit_off;
    int64_t off;
    const char *why; /* not NULL: this side makes no operation */
};

static struct side side_of(struct strace *s, const struct call *c, unsigned fd, unsigned off)
{
    struct side k = {.ofd = NULL};
    struct text t;

    if (fd < c->args.n)
        k.ofd = fd == 0 ? c->ofd : strace_fd(s, c->task, c->args.v[fd]);
    if (!k.ofd) {
        k.why = STRACE_BAD_ARGS;
        return k;
    }
    k.why = files_reason(strace_file(s, k.ofd->file)->kind);
    k.off = k.ofd->pos;
    if (off >= c->args.n || c->args.v[off].n == 0 || c->args.v[off].p[0] != '[')
        return k;
    t = (struct text){c->args.v[off].p + 1, 0}; /* "[0] => [4096]": before and after */
    while (t.p + t.n < c->args.v[off].p + c->args.v[off].n && t.p[t.n] != ']')
        t.n++;
    if (text_int(t, &k.off) != NUMBER_OK || k.off < 0)
        k.why = BAD_OFFSET;
    k.explicit_off = true;
    return k;
}

const char *strace_copy(struct strace *s, struct call *c)
{
    bool sendfile = c->def->arg == 1;
    struct side in = side_of(s, c, sendfile ? 1 : 0, sendfile ? 2 : 1);
    struct side out = side_of(s, c, sendfile ? 0 : 2, sendfile ? STRACE_MAX_ARGS : 3);
    struct file *to = out.why ? NULL : strace_file(s, out.ofd->file);
    int64_t len = c->ret.value;
    pcl_ns whole = c->dur_ns;
    unsigned flags = 0;

    if (in.why && out.why)
        return in.why;
    if (in.why == BAD_OFFSET || out.why == BAD_OFFSET)
        return BAD_OFFSET;
    if (!strace_ok(c))
        return strace_failed(s, c);
    if (to && (out.ofd->flags & OFD_APPEND)) {
        flags = PCL_OPF_APPEND | (to->size < 0 ? (unsigned)PCL_OPF_GUESSED : 0);
        out.off = to->size < 0 ? to->grown : to->size;
    } else if (to && !out.explicit_off && out.ofd->guessed) {
        flags = PCL_OPF_GUESSED;
    }
    if (len < 0)
        return BAD_LENGTH;
    if ((!in.why && past_the_end(in.off, len)) || (to && past_the_end(out.off, len)))
        return BAD_OFFSET;
    if (!in.why) {
        if (to && whole > 0) /* the read gets one half of the time, the write the other */
            c->dur_ns = whole / 2;
        (void)strace_op(s, c, PCL_OP_READ, in.ofd->file, in.off, len,
                        !in.explicit_off && in.ofd->guessed ? (unsigned)PCL_OPF_GUESSED : 0);
        if (!in.explicit_off)
            in.ofd->pos = in.off + len;
    }
    if (to) {
        file_written(to, out.off, len);
        if (!out.explicit_off) {
            out.ofd->pos = out.off + len;
            out.ofd->guessed = (flags & PCL_OPF_GUESSED) != 0;
        }
        if (!in.why && whole > 0) {
            c->t_ns += c->dur_ns;
            c->dur_ns = whole - c->dur_ns;
        }
        (void)strace_op(s, c, PCL_OP_WRITE, out.ofd->file, out.off, len, flags);
    }
    return NULL;
}

/* --- positions and sizes ----------------------------------------------------------------- */

const char *strace_lseek(struct strace *s, struct call *c)
{
    bool llseek = c->def->arg == 1;
    unsigned whence_arg = llseek ? 3 : 2;
    struct text whence = {"", 0}, place_text = {"", 0};
    int64_t pos = c->ret.value, by;
    const char *why;
    struct file *f = data_file(s, c, &why);

    if (!f || !strace_ok(c))
        return strace_syscall(s, c, c->ofd->file);
    if (whence_arg < c->args.n)
        whence = c->args.v[whence_arg];
    if (llseek) {
        if (c->args.n > 2 && c->args.v[2].n > 2)
            place_text = (struct text){c->args.v[2].p + 1, c->args.v[2].n - 2};
        if (text_int(place_text, &pos) != NUMBER_OK)
            return STRACE_BAD_ARGS;
    }
    if (pos < 0)
        return BAD_OFFSET;
    c->ofd->pos = pos;
    c->ofd->guessed = false;
    if ((text_has_word(whence, "SEEK_END") || text_is(whence, "2")) && c->args.n > 1 &&
        text_int(c->args.v[1], &by) == NUMBER_OK && !__builtin_sub_overflow(pos, by, &pos))
        file_seen_size(f, pos);
    return strace_syscall(s, c, c->ofd->file);
}

const char *strace_fsync(struct strace *s, struct call *c)
{
    unsigned flags = c->def->arg ? PCL_OPF_DATASYNC : 0;
    const char *why;

    if (!data_file(s, c, &why))
        return why;
    if (!strace_ok(c)) {
        if (!took_a_lock(c))
            return strace_failed(s, c);
        flags |= PCL_OPF_FAILED;
    }
    return strace_op(s, c, PCL_OP_FSYNC, c->ofd->file, 0, 0, flags);
}

enum { KEEP_SIZE = 1, PUNCH = 2, COLLAPSE = 8, ZERO = 0x10, INSERT = 0x20, UNSHARE = 0x40 };

/* Modes other than punching and preallocating. UNSHARE has no operation here, but moves the end of the
 * file like the others. */
static const char *other_fallocate(struct strace *s, struct call *c, struct file *f,
                                   uint64_t mode, int64_t off, int64_t len)
{
    if (!strace_ok(c))
        return strace_failed(s, c);
    if (mode & COLLAPSE) {
        file_shifted(f, -len);
        return strace_op(s, c, PCL_OP_COLLAPSE, c->ofd->file, off, len, 0);
    }
    if (mode & INSERT) {
        file_shifted(f, len);
        return strace_op(s, c, PCL_OP_INSERT, c->ofd->file, off, len, 0);
    }
    if (!(mode & KEEP_SIZE) && (mode & (ZERO | UNSHARE)))
        file_allocated(f, off + len);
    if (mode & ZERO)
        return strace_op(s, c, PCL_OP_ZERO, c->ofd->file, off, len,
                         mode & KEEP_SIZE ? PCL_OPF_KEEPSIZE : 0);
    return mode & UNSHARE ? "not modelled yet: fallocate UNSHARE_RANGE"
                          : strace_reason(s, "not modelled yet: fallocate ", c->args.v[1]);
}

const char *strace_fallocate(struct strace *s, struct call *c)
{
    static const struct strace_word words[] = {
        {"FALLOC_FL_KEEP_SIZE", KEEP_SIZE},     {"FALLOC_FL_PUNCH_HOLE", PUNCH},
        {"FALLOC_FL_COLLAPSE_RANGE", COLLAPSE}, {"FALLOC_FL_ZERO_RANGE", ZERO},
        {"FALLOC_FL_INSERT_RANGE", INSERT},     {"FALLOC_FL_UNSHARE_RANGE", UNSHARE},
        {"FALLOC_FL_UNSHARE", UNSHARE}};
    const char *why;
    struct file *f = data_file(s, c, &why);
    int64_t off, len;
    unsigned flags = 0;
    uint64_t mode;

    if (!f || (why = byte_arg(c, 2, &off, BAD_OFFSET)) != NULL ||
        (why = byte_arg(c, 3, &len, BAD_LENGTH)) != NULL)
        return why;
    mode = strace_words(c->args.v[1], words, sizeof(words) / sizeof(words[0]));
    if (past_the_end(off, len))
        return BAD_OFFSET;
    if (mode > KEEP_SIZE && mode != (PUNCH | KEEP_SIZE))
        return other_fallocate(s, c, f, mode, off, len);
    if (!strace_ok(c)) {
        if (!took_a_lock(c))
            return strace_failed(s, c);
        flags |= PCL_OPF_FAILED;
    }
    if (mode & PUNCH)
        return strace_op(s, c, PCL_OP_PUNCH, c->ofd->file, off, len, flags);
    if (mode & KEEP_SIZE)
        flags |= PCL_OPF_KEEPSIZE;
    else if (!(flags & PCL_OPF_FAILED))
        file_allocated(f, off + len);
    return strace_op(s, c, PCL_OP_ALLOCATE, c->ofd->file, off, len, flags);
}

const char *strace_ftruncate(struct strace *s, struct call *c)
{
    const char *why;
    struct file *f = data_file(s, c, &why);
    int64_t size;

    if (!f || (why = byte_arg(c, 1, &size, BAD_OFFSET)) != NULL)
        return why;
    if (!strace_ok(c)) {
        if (!took_a_lock(c))
            return strace_failed(s, c);
        return strace_op(s, c, PCL_OP_TRUNCATE, c->ofd->file, size, 0, PCL_OPF_FAILED);
    }
    file_truncated(f, size);
    return strace_op(s, c, PCL_OP_TRUNCATE, c->ofd->file, size, 0, 0);
}

/* --- descriptors ------------------------------------------------------------------------- */

static const char *duplicate(struct strace *s, struct call *c, bool cloexec)
{
    if (strace_ok(c) && c->ret.value >= 0 && c->ret.value <= INT32_MAX)
        task_set_fd(c->task, c->ret.value, ofd_ref(c->ofd), cloexec);
    return strace_syscall(s, c, c->ofd->file);
}

const char *strace_dup(struct strace *s, struct call *c)
{
    return duplicate(s, c, c->args.n > 2 && text_has_word(c->args.v[2], "O_CLOEXEC"));
}

static void set_status(struct ofd *o, struct text flags)
{
    static const struct strace_word words[] = {{"O_APPEND", 0x400}, {"O_DIRECT", 0x4000}};
    uint64_t bits = strace_words(flags, words, 2);

    o->flags = ((bits & 0x400) ? (unsigned)OFD_APPEND : 0) |
               ((bits & 0x4000) ? (unsigned)OFD_DIRECT : 0);
}

const char *strace_fcntl(struct strace *s, struct call *c)
{
    static const struct strace_word words[] = {{"F_DUPFD_CLOEXEC", 1030}};
    struct text cmd = c->args.n > 1 ? c->args.v[1] : (struct text){"", 0};
    struct text arg = c->args.n > 2 ? c->args.v[2] : (struct text){"", 0};

    if (text_has_word(cmd, "F_DUPFD") || text_is(cmd, "0"))
        return duplicate(s, c, false);
    if (strace_words(cmd, words, 1) == 1030)
        return duplicate(s, c, true);
    if (!strace_ok(c))
        return strace_syscall(s, c, c->ofd->file);
    if (text_has_word(cmd, "F_SETFL") || text_is(cmd, "4"))
        set_status(c->ofd, arg);
    else if (text_has_word(cmd, "F_GETFL") || text_is(cmd, "3"))
        set_status(c->ofd, c->ret.text);
    else if (text_has_word(cmd, "F_SETFD") || text_is(cmd, "2"))
        task_cloexec(c->task, text_fdref(c->args.v[0]).fd,
                     text_has_word(arg, "FD_CLOEXEC") || text_is(arg, "0x1"));
    return strace_syscall(s, c, c->ofd->file);
}

const char *strace_close(struct strace *s, struct call *c)
{
    return strace_syscall(s, c, c->ofd->file);
}

const char *strace_close_range(struct strace *s, struct call *c)
{
    uint64_t first, last;

    if (!strace_ok(c))
        return strace_failed(s, c);
    if (c->args.n > 1 && text_u64(c->args.v[0], &first) && text_u64(c->args.v[1], &last) &&
        first <= (uint64_t)INT32_MAX) {
        if (last > (uint64_t)INT32_MAX)
            last = INT32_MAX;
        if (c->args.n > 2 && text_has_word(c->args.v[2], "CLOSE_RANGE_UNSHARE"))
            tasks_unshare_fds(&s->tasks, c->task);
        tasks_close_range(&s->tasks, c->task, (int64_t)first, (int64_t)last,
                          c->args.n > 2 && text_has_word(c->args.v[2], "CLOSE_RANGE_CLOEXEC"));
    }
    return STRACE_NO_FILE;
}

const char *strace_on_fd(struct strace *s, struct call *c)
{
    return strace_syscall(s, c, c->ofd->file);
}

const char *strace_getdents(struct strace *s, struct call *c)
{
    struct file *f = strace_file(s, c->ofd->file);

    if (strace_ok(c) && f->kind == FILE_REGULAR)
        f->kind = FILE_DIRECTORY;
    return strace_syscall(s, c, c->ofd->file);
}

const char *strace_not_modelled_fd(struct strace *s, struct call *c)
{
    const char *why;

    if (!data_file(s, c, &why))
        return why;
    if (!strace_ok(c))
        return strace_failed(s, c);
    return strace_reason(s, "not modelled yet: ", c->name);
}

const char *strace_fadvise(struct strace *s, struct call *c)
{
    struct text advice = c->args.n > 3 ? c->args.v[3] : (struct text){"", 0};
    const char *why;

    if (!data_file(s, c, &why))
        return why;
    if (strace_ok(c) &&
        (text_has_word(advice, "POSIX_FADV_WILLNEED") || text_is(advice, "0x3")))
        return "not modelled yet: fadvise WILLNEED";
    if (strace_ok(c) &&
        (text_has_word(advice, "POSIX_FADV_DONTNEED") || text_is(advice, "0x4")))
        return "not modelled yet: fadvise DONTNEED";
    return strace_syscall(s, c, c->ofd->file);
}

const char *strace_ioctl(struct strace *s, struct call *c)
{
    static const char *const clones[] = {"FICLONE", "FICLONERANGE", "FIDEDUPERANGE",
                                         "BTRFS_IOC_CLONE", "BTRFS_IOC_CLONE_RANGE"};
    struct text cmd = c->args.n > 1 ? c->args.v[1] : (struct text){"", 0};
    const char *why;
    struct file *f = data_file(s, c, &why);

    if (!f || !strace_ok(c))
        return strace_syscall(s, c, c->ofd->file);
    for (size_t i = 0; i < sizeof(clones) / sizeof(clones[0]); i++) {
        if (text_has_word(cmd, clones[i])) {
            f->resized = true; /* the copy has the length of its source, known or not */
            f->size = -1;
            return strace_reason(s, "not modelled yet: ioctl ",
                                 (struct text){clones[i], strlen(clones[i])});
        }
    }
    return strace_syscall(s, c, c->ofd->file);
}
