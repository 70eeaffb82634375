/*
 * A scheme names a lock, with its parameters, for each role. Plain data: whether the locks exist
 * is checked against the registry when the scheme is resolved.
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
    char path[512]; /* file of the base scheme */
    unsigned line;
};

/* A list of schemes, by value. */
struct pcl_schemes {
    struct pcl_scheme *v;
    size_t n;
};

/** Reads a schemes file; later entries of a known name replace it. Sections are scheme names, keys
 * `title`, ROLE and ROLE.PARAM. s starts as {0}. */
int pcl_schemes_load(const char *path, struct pcl_schemes *s, struct pcl_err *err);

/** The shipped schemes.ini, then those of the user's data folders, which add to it. */
int pcl_schemes_default(struct pcl_schemes *s, struct pcl_err *err);
void pcl_schemes_fini(struct pcl_schemes *s);
const struct pcl_scheme *pcl_schemes_find(const struct pcl_schemes *s, const char *name);

/** Resolves "NAME[:role=lock][:role.param=value]..." against s. Another lock in a role drops the
 * parameters that the scheme gave the old one. */
int pcl_scheme_resolve(const struct pcl_schemes *s, const char *spec, struct pcl_scheme *out,
                       struct pcl_err *err);

/** Canonical text of what the scheme chooses, name and title left out; malloc'ed. Lines
 * "role = lock" and "role.param = value", roles in the order of PCL_ROLES, parameters by name. */
char *pcl_scheme_text(const struct pcl_scheme *s);

#endif
