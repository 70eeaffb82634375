/*
 * Calls on paths: what makes, finds, renames and removes files, and what tells their size.
 * Under -y an open shows the path that it really reached; without, paths are joined to the
 * working directory as far as that is known.
 */
#include "strace.h"

#include <string.h>

static const char PATH_ONLY[] = "call on a path only";

/* A path turned out not to exist. */
static void missing(struct strace *s, const struct call *c, uint32_t name)
{
    if (name != PCL_NONE && text_is(c->ret.error, "ENOENT"))
        files_unlink(&s->files, name);
}

/* A plain call on a file that the trace knows; paths of strangers carry no file data. */
static const char *on_known_file(struct strace *s, struct call *c, uint32_t file)
{
    if (!strace_ok(c))
        return strace_failed(s, c);
    if (file == PCL_NONE || strace_file(s, file)->kind != FILE_REGULAR)
        return PATH_ONLY;
    return strace_op(s, c, PCL_OP_SYSCALL, file, 0, 0, 0);
}

/* --- open -------------------------------------------------------------------------------- */

enum {
    O_CREAT_BIT = 0x40,
    O_EXCL_BIT = 0x80,
    O_TRUNC_BIT = 0x200,
    O_APPEND_BIT = 0x400,
    O_DIRECT_BIT = 0x4000,
    O_DIRECTORY_BIT = 0x10000,
    O_CLOEXEC_BIT = 0x80000,
    O_TMPFILE_BITS = 0x410000
};

static uint64_t open_flags(const struct call *c)
{
    static const struct strace_word words[] = {
        {"O_CREAT", O_CREAT_BIT},     {"O_EXCL", O_EXCL_BIT},
        {"O_TRUNC", O_TRUNC_BIT},     {"O_APPEND", O_APPEND_BIT},
        {"O_DIRECT", O_DIRECT_BIT},   {"O_DIRECTORY", O_DIRECTORY_BIT},
        {"O_CLOEXEC", O_CLOEXEC_BIT}, {"O_TMPFILE", O_TMPFILE_BITS},
    };
    struct text t, field;

    if (text_is(c->name, "creat"))
        return O_CREAT_BIT | O_TRUNC_BIT;
    if (c->def->arg >= c->args.n)
        return 0;
    t = c->args.v[c->def->arg];
    field = text_field(t, "flags"); /* openat2 */
    return strace_words(field.n > 0 && field.p[0] == '0' ? field : t, words,
                        sizeof(words) / sizeof(words[0]));
}

/* The file that an open reached. */
static uint32_t opened_file(struct strace *s, uint32_t given, uint32_t reached, uint64_t flags)
{
    struct files *fs = &s->files;
    bool absent = fs->names[reached].absent || (given != PCL_NONE && fs->names[given].absent);
    uint32_t known = files_find(fs, reached);

    if (flags & O_CREAT_BIT) {
        if ((flags & O_EXCL_BIT) || known == PCL_NONE)
            return files_create(fs, reached,
                                absent || (flags & (O_EXCL_BIT | O_TRUNC_BIT)) != 0);
    }
    return known != PCL_NONE ? known : files_at(fs, reached);
}

/* Without -y nothing, with it the path that the new descriptor shows. */
static uint32_t shown_file(struct strace *s, const struct fdref *r, uint32_t given,
                           uint64_t flags)
{
    uint32_t reached = given, file;

    if (r->annotated && (r->path.n == 0 || (r->path.p[0] != '/' && r->path.p[0] != '\\')))
        return files_unnamed(&s->files, files_kind_of(r->path));
    if (r->annotated)
        reached = files_path(&s->files, r->path, PCL_NONE);
    if (reached == PCL_NONE)
        return PCL_NONE;
    if (r->deleted || (flags & O_TMPFILE_BITS) == O_TMPFILE_BITS) { /* it never had a name */
        file = files_create(&s->files, reached, true);
        files_unlink(&s->files, reached);
        return file;
    }
    file = opened_file(s, given, reached, flags);
    if (given != PCL_NONE && given != reached) { /* by way of a symbolic link */
        s->files.names[given].file = file;
        s->files.names[given].absent = false;
    }
    if (text_starts(r->device, "char") || text_starts(r->device, "block"))
        strace_file(s, file)->kind = FILE_DEVICE;
    return file;
}

const char *strace_open(struct strace *s, struct call *c)
{
    int path = c->def->path;
    uint32_t given = strace_path(s, c, c->def->dir ? path - 1 : -1, path), file;
    uint64_t flags = open_flags(c);
    struct fdref r;
    struct file *f;
    struct ofd *o;

    if (!strace_ok(c)) {
        missing(s, c, given);
        return strace_failed(s, c);
    }
    r = text_fdref(c->ret.text);
    if (!r.ok || r.fd < 0)
        return STRACE_BAD_ARGS;
    s->annotated = s->annotated || r.annotated;
    file = shown_file(s, &r, given, flags);
    if (file == PCL_NONE) {
        task_close_fd(c->task, r.fd);
        return "file descriptor of unknown file";
    }
    f = strace_file(s, file);
    if ((flags & O_DIRECTORY_BIT) && (flags & O_TMPFILE_BITS) != O_TMPFILE_BITS &&
        f->name != PCL_NONE)
        files_set_directory(&s->files, f->name);
    o = ofd_new(file, ((flags & O_APPEND_BIT) ? (unsigned)OFD_APPEND : 0) |
                          ((flags & O_DIRECT_BIT) ? (unsigned)OFD_DIRECT : 0));
    task_set_fd(c->task, r.fd, o, (flags & O_CLOEXEC_BIT) != 0);
    if ((flags & O_TRUNC_BIT) && f->kind == FILE_REGULAR && f->size != 0) {
        bool known = f->size > 0;
        file_truncated(f, 0);
        if (known)
            return strace_op(s, c, PCL_OP_TRUNCATE, file, 0, 0, 0);
    }
    return strace_syscall(s, c, file);
}

/* Descriptors of something that is no file, and memfd, which is one without a path. */
const char *strace_new_fd(struct strace *s, struct call *c)
{
    struct fdref r;
    uint32_t file, name;
    struct text inside;
    char path[256];

    if (!strace_ok(c))
        return strace_failed(s, c);
    r = text_fdref(c->ret.text);
    if (!r.ok || r.fd < 0)
        return STRACE_BAD_ARGS;
    if (c->def->arg == FILE_REGULAR) {
        if (c->args.n == 0 || !text_quoted(c->args.v[0], &inside))
            return STRACE_BAD_ARGS;
        (void)snprintf(path, sizeof(path), "/memfd:%.*s",
                       (int)(inside.n < 240 ? inside.n : 240), inside.p);
        name = files_path(&s->files, (struct text){path, strlen(path)}, PCL_NONE);
        file = files_create(&s->files, name, true);
        files_unlink(&s->files, name);
    } else {
        file = files_unnamed(&s->files, r.annotated && r.path.n > 0 && r.path.p[0] != '/'
                                            ? files_kind_of(r.path)
                                            : (enum file_kind)c->def->arg);
    }
    task_set_fd(c->task, r.fd, ofd_new(file, 0), false);
    return strace_syscall(s, c, file);
}

/* pipe([3, 4]), socketpair(..., [3<socket:[1]>, 4<socket:[2]>]) */
const char *strace_new_pair(struct strace *s, struct call *c)
{
    enum file_kind kind = (enum file_kind)c->def->arg;
    uint32_t file = files_unnamed(&s->files, kind);
    unsigned i = (unsigned)c->def->path;
    struct text t;

    if (!strace_ok(c))
        return strace_failed(s, c);
    if (i >= c->args.n || c->args.v[i].n < 2 || c->args.v[i].p[0] != '[')
        return files_reason(kind);
    t = (struct text){c->args.v[i].p + 1, c->args.v[i].n - 2};
    for (int side = 0; side < 2; side++) {
        struct fdref r = text_fdref(t);
        const char *comma = text_find(t, ", ");
        if (r.ok && r.fd >= 0)
            task_set_fd(c->task, r.fd, ofd_new(file, 0), false);
        if (!comma)
            break;
        t = (struct text){comma + 2, (size_t)(t.p + t.n - comma - 2)};
    }
    return files_reason(kind);
}

/* --- stat -------------------------------------------------------------------------------- */

/* The kind in st_mode, FILE_N_KINDS when there is none. */
static enum file_kind mode_kind(struct text mode)
{
    static const struct {
        const char *name;
        unsigned bits;
        enum file_kind kind;
    } kinds[] = {{"S_IFREG", 0100000, FILE_REGULAR}, {"S_IFDIR", 0040000, FILE_DIRECTORY},
                 {"S_IFLNK", 0120000, FILE_LINK},    {"S_IFIFO", 0010000, FILE_PIPE},
                 {"S_IFSOCK", 0140000, FILE_SOCKET}, {"S_IFCHR", 0020000, FILE_DEVICE},
                 {"S_IFBLK", 0060000, FILE_DEVICE}};
    unsigned raw = 0;

    for (size_t i = 0; i < mode.n && mode.p[i] >= '0' && mode.p[i] <= '7'; i++)
        raw = (raw << 3 | (unsigned)(mode.p[i] - '0')) & 07777777;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (text_has_word(mode, kinds[i].name) || (raw & 0170000) == kinds[i].bits)
            return kinds[i].kind;
    }
    return FILE_N_KINDS;
}

static struct text either_field(struct text t, const char *a, const char *b)
{
    struct text v = text_field(t, a);

    return v.n > 0 ? v : text_field(t, b);
}

/* The file of a descriptor of which stat tells the kind. When that contradicts the books, the
 * descriptor was changed unseen and is another file. */
static uint32_t descriptor_kind(struct strace *s, const struct call *c, const struct ofd *o,
                                enum file_kind kind)
{
    const struct file *f = strace_file(s, o->file);
    uint32_t other;
    bool changed = f->kind == FILE_REGULAR && f->regular;

    if (kind == FILE_N_KINDS || kind == FILE_REGULAR || kind == FILE_LINK ||
        (!changed && f->kind != FILE_UNKNOWN))
        return o->file;
    other = files_unnamed(&s->files, kind);
    task_set_fd(c->task, text_fdref(c->args.v[0]).fd, ofd_new(other, 0), false);
    return other;
}

const char *strace_stat(struct strace *s, struct call *c)
{
    struct text st = c->def->arg < c->args.n ? c->args.v[c->def->arg] : (struct text){"", 0};
    int path = c->def->path, dir = c->def->dir ? path - 1 : -1;
    uint32_t name = PCL_NONE, file;
    enum file_kind kind;
    int64_t size;
    struct file *f;

    if (path >= 0)
        name = strace_path(s, c, dir, path);
    if (!strace_ok(c)) {
        missing(s, c, name);
        return strace_failed(s, c);
    }
    kind = mode_kind(either_field(st, "st_mode", "stx_mode"));
    if (name != PCL_NONE) {
        if (kind == FILE_LINK) /* its target bears this name in our books */
            return files_reason(kind);
        if (kind == FILE_DIRECTORY)
            files_set_directory(&s->files, name);
        file = kind == FILE_N_KINDS ? files_find(&s->files, name) : files_at(&s->files, name);
    } else {
        const struct ofd *o = c->ofd;
        if (!o && dir >= 0 && c->args.n > 0) /* an empty path: the descriptor itself */
            o = strace_fd(s, c->task, c->args.v[dir]);
        if (!o)
            return STRACE_BAD_ARGS;
        file = descriptor_kind(s, c, o, kind);
    }
    if (file == PCL_NONE)
        return PATH_ONLY;
    f = strace_file(s, file);
    if (f->kind == FILE_REGULAR && kind != FILE_N_KINDS && !f->regular)
        f->kind = kind;
    f->regular = f->regular || kind == FILE_REGULAR;
    if (f->kind == FILE_REGULAR &&
        text_int(either_field(st, "st_size", "stx_size"), &size) == NUMBER_OK)
        file_seen_size(f, size);
    return strace_syscall(s, c, file);
}

/* --- names ------------------------------------------------------------------------------- */

const char *strace_truncate(struct strace *s, struct call *c)
{
    uint32_t name = strace_path(s, c, -1, 0), file;
    const char *why;
    int64_t size;
    enum number got = c->args.n > 1 ? text_int(c->args.v[1], &size) : NUMBER_BAD;

    if (!strace_ok(c)) {
        missing(s, c, name);
        return strace_failed(s, c);
    }
    if (name == PCL_NONE || got == NUMBER_BAD)
        return STRACE_BAD_ARGS;
    if (got == NUMBER_RANGE || size < 0)
        return "offset out of range";
    file = files_at(&s->files, name);
    why = files_reason(strace_file(s, file)->kind);
    if (why)
        return why;
    file_truncated(strace_file(s, file), size);
    return strace_op(s, c, PCL_OP_TRUNCATE, file, size, 0, 0);
}

const char *strace_rename(struct strace *s, struct call *c)
{
    int path = c->def->path, to_path = c->def->arg;
    uint32_t from = strace_path(s, c, c->def->dir ? path - 1 : -1, path);
    uint32_t to = strace_path(s, c, c->def->dir ? to_path - 1 : -1, to_path);
    uint32_t file;

    if (!strace_ok(c)) {
        missing(s, c, from);
        return strace_failed(s, c);
    }
    if (from == PCL_NONE || to == PCL_NONE)
        return STRACE_BAD_ARGS;
    file = files_find(&s->files, from);
    if (c->args.n > 4 && text_has_word(c->args.v[4], "RENAME_EXCHANGE"))
        files_exchange(&s->files, from, to);
    else
        files_rename(&s->files, from, to);
    return on_known_file(s, c, file);
}

const char *strace_link(struct strace *s, struct call *c)
{
    int path = c->def->path, to_path = c->def->arg;
    uint32_t from = strace_path(s, c, c->def->dir ? path - 1 : -1, path);
    uint32_t to = strace_path(s, c, c->def->dir ? to_path - 1 : -1, to_path);
    uint32_t file;

    if (!strace_ok(c))
        return strace_failed(s, c);
    if (from == PCL_NONE || to == PCL_NONE)
        return PATH_ONLY;
    file = files_find(&s->files, from);
    files_link(&s->files, from, to);
    return on_known_file(s, c, file);
}

const char *strace_unlink(struct strace *s, struct call *c)
{
    int path = c->def->path;
    uint32_t name = strace_path(s, c, c->def->dir ? path - 1 : -1, path);
    uint32_t file = name == PCL_NONE ? PCL_NONE : files_find(&s->files, name);

    if (!strace_ok(c)) {
        missing(s, c, name);
        return strace_failed(s, c);
    }
    if (name != PCL_NONE)
        files_unlink(&s->files, name);
    return on_known_file(s, c, file);
}

const char *strace_on_path(struct strace *s, struct call *c)
{
    int path = c->def->path;
    uint32_t name = strace_path(s, c, c->def->dir ? path - 1 : -1, path);

    if (name == PCL_NONE) {
        const struct ofd *o = NULL; /* utimensat(3</f>, NULL, ...) */
        if (c->def->dir && c->args.n > 0)
            o = strace_fd(s, c->task, c->args.v[path - 1]);
        return on_known_file(s, c, o ? o->file : PCL_NONE);
    }
    missing(s, c, name);
    if (strace_ok(c) && text_starts(c->name, "mkdir"))
        files_set_directory(&s->files, name);
    return on_known_file(s, c, files_find(&s->files, name));
}

const char *strace_chdir(struct strace *s, struct call *c)
{
    uint32_t name = strace_path(s, c, -1, 0);

    if (!strace_ok(c))
        return strace_failed(s, c);
    if (name != PCL_NONE) {
        task_set_cwd(c->task, name);
        files_set_directory(&s->files, name);
    }
    return PATH_ONLY;
}

const char *strace_fchdir(struct strace *s, struct call *c)
{
    struct file *f = strace_file(s, c->ofd->file);

    if (strace_ok(c) && f->name != PCL_NONE) {
        task_set_cwd(c->task, f->name);
        files_set_directory(&s->files, f->name);
        if (f->kind == FILE_REGULAR)
            f->kind = FILE_DIRECTORY;
    }
    return strace_syscall(s, c, c->ofd->file);
}

const char *strace_getcwd(struct strace *s, struct call *c)
{
    uint32_t name = strace_path(s, c, -1, 0);

    if (strace_ok(c) && name != PCL_NONE)
        task_set_cwd(c->task, name);
    return STRACE_NO_FILE;
}
