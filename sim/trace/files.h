/*
 * Which file a path or a descriptor means, and what is known of its size.
 *
 *   name   an interned path            name -> file that bears it now, file last deleted there
 *   file   one inode of the trace      survives renames; unlink ends its name, not the file
 *   ofd    an open file description    position and flags, shared by dup, fork and threads
 */
#ifndef PCLSIM_TRACE_FILES_H
#define PCLSIM_TRACE_FILES_H

#include "build.h"
#include "text.h"

enum file_kind {
    FILE_REGULAR,
    FILE_DIRECTORY,
    FILE_PIPE,
    FILE_SOCKET,
    FILE_DEVICE,
    FILE_KERNEL, /* /proc and /sys */
    FILE_ANON,   /* epoll, eventfd, io_uring, namespaces ... */
    FILE_LINK,
    FILE_UNKNOWN, /* opened before the recording, and nothing shows its path */
    FILE_N_KINDS
};

enum ofd_flag { OFD_APPEND = 1u << 0, OFD_DIRECT = 1u << 1 };

struct ofd {
    unsigned refs;
    uint32_t file;
    int64_t pos;
    bool guessed; /* pos: opened before the trace began */
    unsigned flags;
};

struct name {
    const char *s;
    uint32_t len, next; /* next name with the same hash */
    uint32_t file;      /* PCL_NONE */
    uint32_t deleted;   /* the file that bore this name last and lost it */
    bool absent;        /* known not to exist */
    bool directory;
};

struct file {
    enum file_kind kind;
    uint32_t name;   /* the last it was known by, PCL_NONE for unnamed kinds */
    int64_t begin;   /* size when the trace begins, -1 unknown */
    int64_t size;    /* size now, -1 unknown */
    int64_t grown;   /* the highest end of a write so far */
    int64_t read_to; /* the highest end of a read so far */
    bool regular;    /* proven: stat said so, or the trace made it */
    bool resized;    /* other than by writes: the past cannot be told from the present */
    bool created;
    bool maybe; /* created is a guess: O_CREAT on a path nobody looked at before */
};

#define FILES_MOVES 64 /* directory renames remembered */

struct files {
    struct tb *b;
    struct pcl_arena text;
    struct map by_hash;
    struct name *names;
    size_t n_names, cap_names;
    struct file *files;
    size_t n_files, cap_files;
    uint32_t unnamed[FILE_N_KINDS];
    struct {
        uint32_t from, to;
    } moves[FILES_MOVES];
    size_t n_moves;
    char *buf;
    size_t buf_cap;
};

void files_init(struct files *fs, struct tb *b);

/** Hands sizes and kinds to the builder and drops everything. */
void files_fini(struct files *fs);

/** The interned name of a path (any bytes). */
uint32_t files_name(struct files *fs, const char *s, size_t n);

/** A path as strace escapes it, joined to the directory base (PCL_NONE: unknown) if relative,
 * without doubled slashes and dots. */
uint32_t files_path(struct files *fs, struct text escaped, uint32_t base);

/** The file that bears a name now, or PCL_NONE. */
uint32_t files_find(struct files *fs, uint32_t name);

/** The same, taking a file that existed before the trace when none is known. */
uint32_t files_at(struct files *fs, uint32_t name);

/** A new file of that name; what bore it before is deleted. */
uint32_t files_create(struct files *fs, uint32_t name, bool certain);

/** A file known only as deleted under that name. */
uint32_t files_deleted_at(struct files *fs, uint32_t name);

/** A pipe, socket and the like: no name, no identity. */
uint32_t files_unnamed(struct files *fs, enum file_kind kind);

void files_unlink(struct files *fs, uint32_t name);
void files_rename(struct files *fs, uint32_t from, uint32_t to);
void files_exchange(struct files *fs, uint32_t a, uint32_t b);
void files_link(struct files *fs, uint32_t from, uint32_t to);
void files_set_directory(struct files *fs, uint32_t name);

/** True when a descriptor that holds f may be shown with this name. */
bool files_shown_as(struct files *fs, uint32_t f, uint32_t name, bool deleted);

/** The kind that an annotation without a path names: "pipe:[17]". */
enum file_kind files_kind_of(struct text annotation);

/** Why operations on such a file are skipped; NULL for regular files. */
const char *files_reason(enum file_kind kind);

/* What calls tell about sizes. */
void file_seen_size(struct file *f, int64_t size); /* stat, SEEK_END, a read up to the end */
void file_written(struct file *f, int64_t off, int64_t len);
void file_truncated(struct file *f, int64_t size);
void file_allocated(struct file *f, int64_t end);
void file_shifted(struct file *f, int64_t by); /* COLLAPSE_RANGE, INSERT_RANGE */

struct ofd *ofd_new(uint32_t file, unsigned flags);
struct ofd *ofd_ref(struct ofd *o);
void ofd_unref(struct ofd *o);

#endif
