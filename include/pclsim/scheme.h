/*
 * A scheme names a lock, with its parameters, for each role, and chooses between variants of
 * the code paths. Plain data: whether the locks exist is checked against the registry when the
 * scheme is resolved.
 */
#ifndef PCLSIM_SCHEME_H
#define PCLSIM_SCHEME_H

#include <pclsim/base.h>

/*       id            name            what it guards */
#define PCL_ROLES(X)                                                                            \
    X(MMAP, "mmap", "mmap_lock of an address space")                                            \
    X(IOLOCK, "iolock", "i_rwsem, XFS_IOLOCK: whole calls on a file")                           \
    X(INVALIDATE, "invalidate", "invalidate_lock, XFS_MMAPLOCK: instantiation against removal")  \
    X(ILOCK, "ilock", "XFS_ILOCK, i_data_sem: the extent map")                                  \
    X(IMAP, "imap", "i_mmap_rwsem: the file's mappings")                                        \
    X(PTE, "pte", "page-table lock")                                                            \
    X(MAPPING_TREE, "mapping-tree", "i_pages lock: the page-cache index")                       \
    X(PAGE, "page", "the page or folio lock")                                                   \
    X(DIO, "dio", "i_dio_count: direct I/O in flight")

enum pcl_role {
#define X(id, name, what) PCL_ROLE_##id,
    PCL_ROLES(X)
#undef X
        PCL_N_ROLES
};

const char *pcl_role_name(enum pcl_role r);
const char *pcl_role_what(enum pcl_role r);
enum pcl_role pcl_role_find(const char *name); /* PCL_N_ROLES: none */

/* What the code does differently around the locks: keys `path.NAME = VALUE`. A CHOICE is one of
 * its words, and its value that word's place; FLAGS are words joined by +, or "none", and the
 * value has a bit for each. The default is what Linux has today, of
 * vma-lock what all but the newest have. A line stands here once it
 * does something.
 *       id               name               kind    words      default   what */
#define PCL_OPTIONS(X)                                                                         \
    X(FAULT_PAGE_LOCK, "fault-page-lock", CHOICE, "no|yes", PCL_YES,                           \
      "faults lock the folio that they map")                                                   \
    X(RECHECK, "recheck", FLAGS, "mapping|index|eof", PCL_RECHECK_ALL,                         \
      "what faults and buffered writes ask again once they have the folio")                    \
    X(FAULT_INVALIDATE, "fault-invalidate", CHOICE, "miss|always", PCL_FAULT_INVALIDATE_MISS,  \
      "which faults take the invalidate lock: XFS and ext4 before 5.15 took it on every one")   \
    X(VMA_LOCK, "vma-lock", CHOICE, "no|yes|speculative", PCL_VMA_LOCK_NO,                     \
      "faults take mmap_lock, or since 6.4 their VMA's lock, or none and ask again whether the " \
      "VMA has changed (proposed 2017 to 2019)")                                               \
    X(COLLAPSE, "collapse", CHOICE, "invalidate|move", PCL_COLLAPSE_INVALIDATE,                \
      "what becomes of cached folios that a collapse or an insert shifts: they are dropped, or " \
      "move with their pages")                                                                 \
    X(DIO_DRAIN, "dio-drain", CHOICE, "auto|yes|no", PCL_DIO_DRAIN_AUTO,                       \
      "truncate and fallocate wait until no direct I/O is in flight, as inode_dio_wait() does; "  \
      "auto: unless there is no iolock or it is a range lock, which direct I/O holds to the end")    \
    X(DIO, "dio", CHOICE, "sync|async", PCL_DIO_SYNC,                                          \
      "direct I/O that does not extend the file lets the iolock go when the device has its answer, "   \
      "or, as through io_uring or libaio, when the request is on its way; a range lock stays until "   \
      "the answer. A task is then a request in flight: as many as the queue is deep")          \
    X(UNALIGNED_DIO, "unaligned-dio", CHOICE, "shared-first|exclusive", PCL_DIO_SHARED_FIRST,  \
      "XFS, direct writes of parts of blocks: shared unless they allocate, or exclusive, as "   \
      "before 5.12")  \
    X(MIGRATE_INVALIDATE, "migrate-invalidate", CHOICE, "no|yes", PCL_NO,                      \
      "migration holds the invalidate lock, shared, over its call")                           \
    X(PTE_LOCK, "pte-lock", CHOICE, "mm|table", PCL_PTE_LOCK_MM,                               \
      "a page-table lock guards an address space, or, as with split page-table locks, the 512 pages " \
      "of one page table")                                                                     \
    X(DAX, "dax", CHOICE, "no|yes", PCL_NO,                                                    \
      "files are memory of the device, mapped without a page cache (mount -o dax; XFS, ext4): faults " \
      "take entry locks, reads and writes none")                                               \
    X(MIGRATE_BATCH, "migrate-batch", CHOICE, "no|yes", PCL_NO,                                \
      "migration locks and unmaps up to 512 pages, flushes TLBs once, then moves them, as since " \
      "6.3")                                                                                   \
    X(WRITEBACK, "writeback", CHOICE, "gather|submit", PCL_WRITEBACK_GATHER,                   \
      "write-back that has to sleep for a page keeps what it has gathered for one transfer, or " \
      "submits it first, as btrfs and f2fs do")                                                \
    X(LOCK_ORDER, "lock-order", CHOICE, "iolock-first|invalidate-first", PCL_ORDER_IOLOCK,     \
      "truncate and fallocate take the iolock and then the invalidate lock, or, against the "  \
      "order of all others, the other way round")

enum pcl_option {
#define X(id, name, kind, words, def, what) PCL_OPTION_##id,
    PCL_OPTIONS(X)
#undef X
        PCL_N_OPTIONS
};

enum pcl_option_kind { PCL_OPTION_CHOICE, PCL_OPTION_FLAGS };

enum { PCL_NO, PCL_YES };

enum {
    PCL_RECHECK_MAPPING = 1, /* the folio is still this file's */
    PCL_RECHECK_INDEX = 2,   /* and has this page */
    PCL_RECHECK_EOF = 4,     /* the page is before the end of file */
    PCL_RECHECK_ALL = 7
};

enum { PCL_FAULT_INVALIDATE_MISS, PCL_FAULT_INVALIDATE_ALWAYS };
enum { PCL_VMA_LOCK_NO, PCL_VMA_LOCK_YES, PCL_VMA_LOCK_SPECULATIVE };
enum { PCL_COLLAPSE_INVALIDATE, PCL_COLLAPSE_MOVE };
enum { PCL_DIO_DRAIN_AUTO, PCL_DIO_DRAIN_YES, PCL_DIO_DRAIN_NO };

enum { PCL_DIO_SYNC, PCL_DIO_ASYNC };
enum { PCL_DIO_SHARED_FIRST, PCL_DIO_EXCLUSIVE };
enum { PCL_PTE_LOCK_MM, PCL_PTE_LOCK_TABLE };
enum { PCL_WRITEBACK_GATHER, PCL_WRITEBACK_SUBMIT };
enum { PCL_ORDER_IOLOCK, PCL_ORDER_INVALIDATE };

struct pcl_option_info {
    const char *name;
    enum pcl_option_kind kind;
    const char *words; /* between bars */
    uint8_t def;
    const char *what;
};

extern const struct pcl_option_info pcl_options[PCL_N_OPTIONS];

enum pcl_option pcl_option_find(const char *name); /* PCL_N_OPTIONS: none */

/** Reads a value of an option. On failure err says what was expected, with a hint. */
int pcl_option_parse(enum pcl_option o, const char *text, uint8_t *value, struct pcl_err *err);

/** Writes a value as it is read ("yes", "mapping+eof", "none"); returns buf. */
const char *pcl_option_text(enum pcl_option o, uint8_t value, char *buf, size_t n);

#define PCL_OPTION_TEXT 64 /* room for it */

#define PCL_MAX_LOCK_PARAMS 8

struct pcl_lock_param {
    char name[32];
    int64_t value;
};

struct pcl_lock_choice {
    char lock[32]; /* "" : what Linux has */
    struct pcl_lock_param param[PCL_MAX_LOCK_PARAMS];
    unsigned n_params;
};

struct pcl_scheme {
    char name[128];  /* as the user wrote it: "v5.9:page.unfairness=1" */
    char title[160];
    struct pcl_lock_choice role[PCL_N_ROLES];
    uint8_t option[PCL_N_OPTIONS]; /* 1 + value; 0: the default */
    char path[512];                /* file of the base scheme */
    unsigned line;
};

static inline uint8_t pcl_scheme_option(const struct pcl_scheme *s, enum pcl_option o)
{
    return s->option[o] ? (uint8_t)(s->option[o] - 1) : pcl_options[o].def;
}

/* A list of schemes, by value. */
struct pcl_schemes {
    struct pcl_scheme *v;
    size_t n;
};

/** Reads a schemes file; later entries of a known name replace it. Sections are scheme names,
 * keys `title`, ROLE, ROLE.PARAM and path.OPTION. s starts as {0}. */
int pcl_schemes_load(const char *path, struct pcl_schemes *s, struct pcl_err *err);

/** The shipped schemes.ini, then those of the user's data folders, which add to it. */
int pcl_schemes_default(struct pcl_schemes *s, struct pcl_err *err);
void pcl_schemes_fini(struct pcl_schemes *s);

/** Appends, or replaces one of that name; returns its place. */
struct pcl_scheme *pcl_schemes_add(struct pcl_schemes *list, const struct pcl_scheme *s);
const struct pcl_scheme *pcl_schemes_find(const struct pcl_schemes *s, const char *name);

/** Resolves "NAME[:role=lock][:role.param=value][:path.option=value]..." against s. Another
 * lock in a role drops the parameters that the scheme gave the old one. */
int pcl_scheme_resolve(const struct pcl_schemes *s, const char *spec, struct pcl_scheme *out,
                       struct pcl_err *err);

/** Canonical text of what the scheme chooses, name and title left out; malloc'ed. Lines
 * "role = lock" and "role.param = value", roles in the order of PCL_ROLES, parameters by name;
 * then "path.option = value" for what differs from the default, so that a new option changes no
 * text. */
char *pcl_scheme_text(const struct pcl_scheme *s);

#endif
