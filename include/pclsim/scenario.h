/*
 * A scenario: files, groups of tasks and what they do. It holds no machine constant; the parser
 * refuses them by name. Reading is strict: file:line:col, what was expected, what was found.
 */
#ifndef PCLSIM_SCENARIO_H
#define PCLSIM_SCENARIO_H

#include <pclsim/base.h>
#include <pclsim/dist.h>
#include <pclsim/op.h>
#include <pclsim/scheme.h>

#define PCL_NAME_MAX 64
#define PCL_WARMUP_AUTO (-1) /* what a run of its own finds out */

enum pcl_fs {
    PCL_FS_XFS,
    PCL_FS_EXT4,
    PCL_FS_TMPFS,
    PCL_FS_PAGE_ONLY,
    PCL_FS_EXT4_HALF_SHARED, /* ext4 with other locks around direct I/O: personality.c */
    PCL_FS_EXT4_EXCLUSIVE_DIO,
    PCL_N_FS
};

const char *pcl_fs_name(enum pcl_fs fs); /* "xfs", "ext4", "tmpfs", "page-only" */
enum pcl_fs pcl_fs_find(const char *name); /* PCL_N_FS: none */

enum pcl_offsets {
    PCL_OFF_UNIFORM,    /* any aligned offset of the region */
    PCL_OFF_ZIPF,       /* zipf:S over the aligned offsets of the region, scattered */
    PCL_OFF_SEQUENTIAL, /* each task walks the region, wrapping around */
    PCL_OFF_HOT,        /* the region's first byte, always */
    PCL_OFF_PARTITION   /* uniform inside an equal share of the region per task: disjoint */
};

/* [file NAME] */
struct pcl_file_spec {
    char name[PCL_NAME_MAX];
    int64_t size;   /* bytes, to 2^63 - 1 */
    int64_t cached; /* bytes resident at the start, from offset cached_at on; inside the file */
    int64_t cached_at;
    int order;      /* of the resident folios, 0 to 9 */
    int max_order;  /* of folios that reads and writes make, 0 to 9 */
    bool dirty;     /* resident folios are dirty */
    bool mapped;    /* blocks are allocated on disk below size (false: a hole) */
    unsigned line;
};

/* One operation of a list. */
struct pcl_do {
    enum pcl_op op;
    int64_t off, len; /* bytes; off + len is at most 2^63 - 1 */
};

/* [group NAME]. Operations are drawn from the mix, or they are those of the list, in order. */
struct pcl_group {
    char name[PCL_NAME_MAX];
    uint32_t tasks;
    bool processes; /* each task has its own address space; else threads of one */
    uint32_t file;  /* index into files */
    char *file2_name;   /* of exchanges, "" */
    uint32_t file2;     /* PCL_NONE: none */
    bool private_files; /* file = each: every task works on its own copy of the file */
    uint32_t weight[PCL_N_OPS]; /* mix; relative */
    struct pcl_do *list;        /* do; NULL: there is a mix */
    size_t n_list;
    enum pcl_offsets offsets;
    double zipf_s;
    int64_t region_at, region_len; /* inside the file; region_len >= 1 */
    int64_t align;                 /* of offsets, and of region_at */
    struct pcl_dist size;          /* bytes per operation; a constant or uniform one fits the
                                      region, with PARTITION a task's share; others are cut there */
    struct pcl_dist think;         /* ns between transactions */
    bool think_on_cpu;             /* think = compute (holds a CPU) or sleep */
    bool open;                     /* open arrivals: think is the interarrival time, mean > 0 */
    struct pcl_dist hold;          /* ns: compute while the page is locked (PAGE_LOCK) */
    uint32_t ops_per_transaction;  /* passes; >= 1 */
    bool refault;                  /* a DONTNEED of the page before each fault */
    pcl_ns start_jitter;           /* tasks start uniformly in [0, start_jitter] */
    unsigned line;
};

/* [explore]: tasks are few and do little; all interleavings are looked at. */
struct pcl_explore_spec {
    bool on;
    int64_t each;        /* transactions of each task */
    int64_t preemptions; /* at most so many; -1: any number */
    int64_t quick;       /* the same for a first impression */
    int64_t states;      /* give up beyond that many */
    int64_t overtaken;   /* a waiter whom more later requests overtake is starved; 0: nobody is */
};

#define PCL_GRID_MAX 6

/* [grid] key = values. Keys as --set takes them, or variables; "machine.KEY" only with
 * low/typical/high. Ranges (1..8, 16..64 step 16, 1,2,4..64) are written out. */
struct pcl_grid_axis {
    char key[PCL_NAME_MAX];
    char **value; /* each as --set KEY=VALUE takes it */
    size_t n_values;
    unsigned line;
};

#define PCL_EXPECT_MAX 32

/* [claim] */
struct pcl_claim {
    char id[16]; /* "" : the scenario states no claim */
    char *proposition, *source, *note; /* never NULL; the last two may be "" */
    char *front; /* columns of a table, "": none */
    struct {
        char name[PCL_NAME_MAX];
        char *expr;         /* not looked into here */
        unsigned line, col; /* of expr in path; 0 when an override set it */
    } expect[PCL_EXPECT_MAX];
    size_t n_expect;
    int64_t reps;       /* replications of a full claim run */
    int64_t quick_reps; /* of --quick */
};

struct pcl_scenario {
    char name[PCL_NAME_MAX];
    char *title;    /* one line for figures and tables */
    char *source;   /* where the numbers of the scenario come from; may be "" */
    char *path;     /* file that it was read from */
    char *text;     /* effective configuration, canonical: every key, exact, file order; reads back
                       to the same text; equal text is an equal scenario */
    char *run_text; /* the part of it that a single run depends on: no title, machine, seed, reps,
                       schemes, grid, claim. What a run's key is made of */
    enum pcl_fs fs;
    char machine[PCL_NAME_MAX]; /* default machine profile, a name */
    int64_t cpus;               /* tasks are confined to the first so many CPUs; 0 all */
    pcl_ns duration, warmup;    /* simulated; the run ends after warmup + duration, with
                                   PCL_WARMUP_AUTO after duration or a multiple of it */
    int64_t ops;                /* 0, or: stop after so many completed transactions */
    int64_t memory_limit;       /* page cache bytes, 0 none */
    pcl_ns starvation;          /* longer waits for one lock are violations; 0: none is */
    bool expect_violations;     /* violations are the subject, not a failure */
    struct pcl_file_spec *files;
    size_t n_files;
    struct pcl_group *groups;
    size_t n_groups;
    char **schemes; /* default schemes, as --scheme takes them */
    size_t n_schemes;
    struct pcl_schemes own; /* [scheme NAME] sections */
    struct pcl_grid_axis grid[PCL_GRID_MAX];
    size_t n_grid;
    struct pcl_binding { /* a key in which variables of the grid stand */
        char *key, *value;  /* as in [grid]: "think", "exp:${gap}" */
    } * bind;
    size_t n_bind;
    char **var; /* names of variables in the file */
    size_t n_var;
    char *where;    /* the condition that a point of the grid must meet; "" */
    int64_t repeat; /* replications of a sweep; 0: reps */
    struct pcl_claim claim;
    struct pcl_explore_spec explore;
    uint64_t seed;
    int64_t reps;
    struct pcl_arena arena; /* holds all of the above */
};

/** Reads a scenario file (path, shipped name such as "hot-page" or "published/s1", or "-") and
 * applies the overrides in order: "[section.]key=value", section being a kind, a name or
 * "kind name". "machine.KEY=..." overrides are left for pcl_profile_set. Messages about an
 * override have the file "--set" and no line. The caller frees *out. */
int pcl_scenario_load(const char *name_or_path, const char *const *set, size_t n_set,
                      struct pcl_scenario **out, struct pcl_err *err);

/** The same from memory. */
int pcl_scenario_parse(const char *file, const char *text, const char *const *set, size_t n_set,
                       struct pcl_scenario **out, struct pcl_err *err);

void pcl_scenario_free(struct pcl_scenario *s);

/** Is there a point with these values of the axes? On a mistake in the condition PCL_EINVAL, *at (may
 * be NULL) being its place in s->where. */
int pcl_grid_allows(const struct pcl_scenario *s, const char *const *value, bool *allowed,
                    size_t *at, struct pcl_err *err);

/** Do two keys mean one axis? With a section in only one of them, its last part counts. */
bool pcl_same_axis(const char *a, const char *b);

/** What follows "machine." when set (a key, or a whole --set) belongs to the machine, else NULL. */
const char *pcl_set_machine_key(const char *set);

/** The key tables of docs/scenario.md, as Markdown; malloc'ed. */
char *pcl_scenario_keys_markdown(void);

#endif
