/*
 * Identity of files. strace shows paths, locks live in inodes; so a path is followed through
 * open, rename, link and unlink, and what a descriptor refers to is remembered from its open.
 */
#include "files.h"

#include <stdlib.h>
#include <string.h>

/* Linux paths end at 4096 bytes; longer ones are cut. */
#define MAX_PATH 8192

void files_init(struct files *fs, struct tb *b)
{
    *fs = (struct files){.b = b};
    pcl_arena_init(&fs->text);
    for (int i = 0; i < FILE_N_KINDS; i++)
        fs->unnamed[i] = PCL_NONE;
}

void files_fini(struct files *fs)
{
    for (size_t i = 0; i < fs->n_files; i++) {
        const struct file *f = &fs->files[i];
        struct tb_file *out = &fs->b->files[i];
        out->size = f->created ? 0 : f->begin;
        out->created = f->created;
        out->skip = files_reason(f->kind);
    }
    map_fini(&fs->by_hash);
    free(fs->names);
    free(fs->files);
    free(fs->buf);
    pcl_arena_fini(&fs->text);
    *fs = (struct files){0};
}

/* --- names ------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *s, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
    return map_mix(h) >> 1; /* any but the reserved key */
}

static uint32_t find_name(struct files *fs, const char *s, size_t n, uint64_t hash)
{
    uint64_t first;

    if (!map_get(&fs->by_hash, hash, &first))
        return PCL_NONE;
    for (uint32_t i = (uint32_t)first; i != PCL_NONE; i = fs->names[i].next) {
        if (fs->names[i].len == n && memcmp(fs->names[i].s, s, n) == 0)
            return i;
    }
    return PCL_NONE;
}

uint32_t files_name(struct files *fs, const char *s, size_t n)
{
    uint64_t hash, first = PCL_NONE;
    uint32_t found;
    char *copy;

    if (n > MAX_PATH)
        n = MAX_PATH;
    hash = hash_of(s, n);
    found = find_name(fs, s, n, hash);
    if (found != PCL_NONE)
        return found;
    if (fs->n_names == fs->cap_names) {
        fs->cap_names = fs->cap_names ? fs->cap_names * 2 : 64;
        fs->names = pcl_xrealloc(fs->names, fs->cap_names, sizeof(*fs->names));
    }
    (void)map_get(&fs->by_hash, hash, &first);
    copy = pcl_arena_alloc(&fs->text, n + 1, 1);
    memcpy(copy, s, n);
    fs->names[fs->n_names] = (struct name){.s = copy,
                                           .len = (uint32_t)n,
                                           .next = (uint32_t)first,
                                           .file = PCL_NONE,
                                           .deleted = PCL_NONE};
    map_put(&fs->by_hash, hash, fs->n_names);
    return (uint32_t)fs->n_names++;
}

static char *buffer(struct files *fs, size_t n)
{
    if (fs->buf_cap < n) {
        fs->buf_cap = n * 2;
        fs->buf = pcl_xrealloc(fs->buf, fs->buf_cap, 1);
    }
    return fs->buf;
}

/* Takes "//", "/." and "/.." out of the n bytes at s; returns what is left of n. */
static size_t normalise(char *s, size_t n)
{
    bool absolute = n > 0 && s[0] == '/';
    size_t out = 0, i = 0;

    while (i < n) {
        size_t from, len;
        while (i < n && s[i] == '/')
            i++;
        from = i;
        while (i < n && s[i] != '/')
            i++;
        len = i - from;
        if (len == 0 || (len == 1 && s[from] == '.'))
            continue;
        if (len == 2 && s[from] == '.' && s[from + 1] == '.' && (absolute || out > 0)) {
            while (out > 0 && s[out - 1] != '/')
                out--;
            if (out > 0)
                out--;
            continue;
        }
        if (absolute || out > 0)
            s[out++] = '/';
        memmove(s + out, s + from, len);
        out += len;
    }
    if (out == 0 && n > 0) {
        s[0] = absolute ? '/' : '.';
        return 1;
    }
    return out;
}

uint32_t files_path(struct files *fs, struct text escaped, uint32_t base)
{
    size_t n = 0, base_len = base == PCL_NONE ? 0 : fs->names[base].len;
    char *s;

    if (escaped.n > (size_t)MAX_PATH * 4) /* every byte may be four: \x2f */
        escaped.n = (size_t)MAX_PATH * 4;
    s = buffer(fs, base_len + 1 + escaped.n);
    if (escaped.n > 0) {
        n = text_unescape(escaped, s + base_len + 1);
        if (s[base_len + 1] == '/' || base_len == 0) {
            memmove(s, s + base_len + 1, n);
        } else {
            memcpy(s, fs->names[base].s, base_len);
            s[base_len] = '/';
            n += base_len + 1;
        }
    }
    return files_name(fs, s, normalise(s, n));
}

static bool below(const struct name *n, const struct name *dir)
{
    return n->len > dir->len && n->s[dir->len] == '/' && memcmp(n->s, dir->s, dir->len) == 0;
}

/* A file whose directory was renamed has a new name of which no call told. */
static uint32_t find_moved(struct files *fs, uint32_t name)
{
    for (size_t i = fs->n_moves; i-- > 0 && i + FILES_MOVES >= fs->n_moves;) {
        const struct name *n = &fs->names[name];
        const struct name *to = &fs->names[fs->moves[i % FILES_MOVES].to];
        const struct name *from = &fs->names[fs->moves[i % FILES_MOVES].from];
        size_t len;
        uint32_t old;
        char *s;

        if (!below(n, to))
            continue;
        len = from->len + (n->len - to->len);
        s = buffer(fs, len);
        memcpy(s, from->s, from->len);
        memcpy(s + from->len, n->s + to->len, n->len - to->len);
        old = find_name(fs, s, len, hash_of(s, len));
        if (old != PCL_NONE && fs->names[old].file != PCL_NONE) {
            files_rename(fs, old, name);
            return fs->names[name].file;
        }
    }
    return PCL_NONE;
}

/* --- files ------------------------------------------------------------------------------- */

static bool under(const struct name *n, const char *dir)
{
    size_t len = strlen(dir);

    return n->len >= len && memcmp(n->s, dir, len) == 0 && (n->len == len || n->s[len] == '/');
}

static enum file_kind kind_by_path(const struct name *n)
{
    if (n->directory)
        return FILE_DIRECTORY;
    if (under(n, "/proc") || under(n, "/sys"))
        return FILE_KERNEL;
    if (under(n, "/dev") && !under(n, "/dev/shm") && !under(n, "/dev/hugepages"))
        return FILE_DEVICE;
    return FILE_REGULAR;
}

static uint32_t new_file(struct files *fs, uint32_t name, enum file_kind kind)
{
    uint32_t i;

    if (fs->n_files == fs->cap_files) {
        fs->cap_files = fs->cap_files ? fs->cap_files * 2 : 64;
        fs->files = pcl_xrealloc(fs->files, fs->cap_files, sizeof(*fs->files));
    }
    i = tb_file(fs->b, name == PCL_NONE ? files_reason(kind) : fs->names[name].s);
    PCL_ASSERT(i == fs->n_files); /* files and the builder's drafts share their index */
    fs->files[fs->n_files++] =
        (struct file){.kind = kind, .name = name, .begin = -1, .size = -1};
    return i;
}

uint32_t files_find(struct files *fs, uint32_t name)
{
    if (fs->names[name].file != PCL_NONE)
        return fs->names[name].file;
    return find_moved(fs, name);
}

uint32_t files_at(struct files *fs, uint32_t name)
{
    uint32_t f = files_find(fs, name);

    if (f == PCL_NONE) {
        f = new_file(fs, name, kind_by_path(&fs->names[name]));
        fs->names[name].file = f;
        fs->names[name].absent = false;
    }
    return f;
}

uint32_t files_create(struct files *fs, uint32_t name, bool certain)
{
    uint32_t f;

    certain = certain || fs->names[name].absent;
    files_unlink(fs, name);
    f = files_at(fs, name);
    fs->files[f].created = fs->files[f].regular = true;
    fs->files[f].maybe = !certain;
    fs->files[f].begin = 0;
    if (certain)
        fs->files[f].size = 0;
    return f;
}

uint32_t files_deleted_at(struct files *fs, uint32_t name)
{
    if (fs->names[name].file != PCL_NONE) /* somebody outside the trace unlinked it */
        files_unlink(fs, name);
    if (fs->names[name].deleted == PCL_NONE)
        fs->names[name].deleted = new_file(fs, name, kind_by_path(&fs->names[name]));
    return fs->names[name].deleted;
}

uint32_t files_unnamed(struct files *fs, enum file_kind kind)
{
    if (fs->unnamed[kind] == PCL_NONE)
        fs->unnamed[kind] = new_file(fs, PCL_NONE, kind);
    return fs->unnamed[kind];
}

void files_unlink(struct files *fs, uint32_t name)
{
    struct name *n = &fs->names[name];

    if (n->file != PCL_NONE)
        n->deleted = n->file;
    n->file = PCL_NONE;
    n->absent = true;
}

void files_rename(struct files *fs, uint32_t from, uint32_t to)
{
    uint32_t f = fs->names[from].file;

    if (from == to)
        return;
    files_unlink(fs, to);
    fs->names[to].absent = false;
    fs->names[to].file = f;
    fs->names[to].directory = fs->names[from].directory;
    if (f != PCL_NONE)
        fs->files[f].name = to;
    if (f == PCL_NONE || fs->files[f].kind == FILE_DIRECTORY) {
        fs->moves[fs->n_moves % FILES_MOVES].from = from;
        fs->moves[fs->n_moves % FILES_MOVES].to = to;
        fs->n_moves++;
    }
    fs->names[from].file = PCL_NONE;
    fs->names[from].absent = true;
    fs->names[from].directory = false;
}

void files_exchange(struct files *fs, uint32_t a, uint32_t b)
{
    uint32_t fa = fs->names[a].file, fb = fs->names[b].file;

    fs->names[a].file = fb;
    fs->names[b].file = fa;
    if (fa != PCL_NONE)
        fs->files[fa].name = b;
    if (fb != PCL_NONE)
        fs->files[fb].name = a;
}

void files_link(struct files *fs, uint32_t from, uint32_t to)
{
    uint32_t f = files_at(fs, from);

    fs->names[to].file = f;
    fs->names[to].absent = false;
}

void files_set_directory(struct files *fs, uint32_t name)
{
    fs->names[name].directory = true;
    if (fs->names[name].file != PCL_NONE)
        fs->files[fs->names[name].file].kind = FILE_DIRECTORY;
}

bool files_shown_as(struct files *fs, uint32_t f, uint32_t name, bool deleted)
{
    uint32_t now;

    if (deleted) {
        if (fs->names[name].file == f)
            files_unlink(fs, name);
        return fs->files[f].name == name || fs->names[name].deleted == f;
    }
    now = files_find(fs, name);
    return now == f || (now == PCL_NONE && fs->files[f].name == name);
}

/* --- kinds ------------------------------------------------------------------------------- */

enum file_kind files_kind_of(struct text annotation)
{
    static const char *const sockets[] = {"socket:", "TCP",    "UDP",  "UNIX", "NETLINK", "RAW",
                                          "PING",    "PACKET", "SCTP", "DCCP", "VSOCK"};

    if (text_starts(annotation, "pipe:"))
        return FILE_PIPE;
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        if (text_starts(annotation, sockets[i]))
            return FILE_SOCKET;
    }
    return FILE_ANON;
}

const char *files_reason(enum file_kind kind)
{
    static const char *const reasons[FILE_N_KINDS] = {
        [FILE_REGULAR] = NULL,
        [FILE_DIRECTORY] = "not a regular file: directory",
        [FILE_PIPE] = "not a regular file: pipe",
        [FILE_SOCKET] = "not a regular file: socket",
        [FILE_DEVICE] = "not a regular file: device",
        [FILE_KERNEL] = "not a regular file: proc or sys",
        [FILE_ANON] = "not a regular file: anonymous inode",
        [FILE_LINK] = "not a regular file: symbolic link",
        [FILE_UNKNOWN] = "file descriptor of unknown file",
    };

    return reasons[kind];
}

/* --- sizes ------------------------------------------------------------------------------- */

void file_seen_size(struct file *f, int64_t size)
{
    if (size < 0)
        return;
    if (f->maybe && !f->resized && size > f->grown) { /* it was there before, after all */
        f->created = false;
        f->begin = size;
    }
    f->maybe = false;
    /* a file longer than anything written to it had that length before */
    if (f->begin < 0 && !f->resized && (size > f->grown || f->grown == 0))
        f->begin = size;
    f->size = size;
}

void file_written(struct file *f, int64_t off, int64_t len)
{
    int64_t end;

    if (len <= 0 || __builtin_add_overflow(off, len, &end))
        return;
    if (end > f->grown)
        f->grown = end;
    if (f->size >= 0 && end > f->size)
        f->size = end;
}

void file_truncated(struct file *f, int64_t size)
{
    f->resized = true;
    f->size = size;
}

void file_allocated(struct file *f, int64_t end)
{
    if (f->size < 0 || end > f->size) {
        f->resized = true;
        f->size = f->size < 0 ? -1 : end;
    }
}

void file_shifted(struct file *f, int64_t by)
{
    f->resized = true;
    if (f->size >= 0 && (__builtin_add_overflow(f->size, by, &f->size) || f->size < 0))
        f->size = -1;
}

/* --- open file descriptions -------------------------------------------------------------- */

struct ofd *ofd_new(uint32_t file, unsigned flags)
{
    struct ofd *o = pcl_xcalloc(1, sizeof(*o));

    *o = (struct ofd){.refs = 1, .file = file, .flags = flags};
    return o;
}

struct ofd *ofd_ref(struct ofd *o)
{
    if (o)
        o->refs++;
    return o;
}

void ofd_unref(struct ofd *o)
{
    if (o && --o->refs == 0)
        free(o);
}
