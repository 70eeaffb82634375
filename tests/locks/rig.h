/*
 * The test rig of the locks: tasks that carry out small scripts on one kind of lock, on a timed
 * machine or under the explorer, and somebody who looks after every micro-step whether all is
 * well.
 */
#ifndef PCLSIM_TESTS_LOCKS_RIG_H
#define PCLSIM_TESTS_LOCKS_RIG_H

#include <pclsim/explore.h>
#include <pclsim/locks.h>
#include <pclsim/pages.h>

enum rig_act {
    RIG_END,  /* the task ends */
    RIG_TAKE, /* lock, try or wait; when it fails, all up to the slot's RIG_DROP is skipped */
    RIG_DROP, /* unlock */
    RIG_DOWNGRADE, /* a range held exclusive becomes shared */
    RIG_CLEAR,     /* end of write-back of a folio: clears the bit and wakes */
    RIG_BURN,      /* ns on the CPU */
    RIG_SLEEP,     /* ns asleep, not for the lock */
    RIG_KILL       /* a fatal signal for another task */
};

struct rig_op {
    enum rig_act act;
    unsigned what; /* of RIG_TAKE: enum pcl_page_what or enum pcl_range_what */
    enum pcl_mode mode;
    enum pcl_class class;
    bool killable;
    uint8_t bit;     /* of a folio; 0: PCL_PG_LOCKED */
    uint32_t slot;   /* two locks may be held at a time */
    uint32_t object; /* folio or instance; of RIG_KILL: the task */
    int64_t start, last;
    pcl_ns ns;
};

enum { RIG_SLOTS = 2, RIG_FOLIOS = 8, RIG_INSTANCES = 4, RIG_MAX_TASKS = 16 };

/* Locks that hold present pages find two in each instance, unless they are said to be absent. */
enum { RIG_PAGES = 2 };
#define RIG_FOLIO(inst, page) ((inst) * RIG_PAGES + (page))

/* Model state of a task's script. */
struct rig_hold {
    int64_t start, last;
    uint32_t object, node;
    uint8_t held, mode, class, pad[5];
};

struct rig_actor {
    struct rig_hold hold[RIG_SLOTS];
    uint32_t at; /* in the script */
    uint32_t
        round;    /* counts takes that failed; keeps equal states apart as little as possible */
    uint8_t busy; /* in the middle of a lock operation */
    uint8_t waits; /* has been seen waiting */
    uint8_t pad[6];
};

/* What happened, in order. */
struct rig_event {
    pcl_ns t;
    uint32_t body, object;
    enum pcl_transition what;
};

struct rig {
    enum pcl_lock_kind kind;
    unsigned props;
    struct pcl_profile profile;
    struct pcl_state state;
    struct pcl_machine m;
    struct pcl_page_locks L;
    struct pcl_range_locks R;
    struct pcl_pages pages; /* of R, if it holds them; L guards them */
    unsigned absent;        /* folios, a bit each */
    uint8_t *flags; /* [RIG_FOLIOS] */
    uint32_t n_folios;
    struct rig_actor *actor;
    const struct rig_op **script; /* [n_tasks], each ends with RIG_END */
    uint32_t n_tasks;
    bool blind;
    /* results */
    uint64_t granted, busy, killed;
    struct rig_event *log;
    size_t n_log, cap_log;
    uint64_t arrival[RIG_MAX_TASKS], n_arrivals;
    bool looked_waiting[RIG_MAX_TASKS];
    const char *why; /* the first thing that was wrong; NULL: nothing */
    pcl_ns why_at;
};

struct rig_conf {
    const char *lock; /* name, as in a scheme: "rwsem" */
    const struct pcl_lock_param *param;
    unsigned n_params;
    uint32_t n_tasks;
    const struct rig_op **script;
    const struct pcl_profile *profile; /* NULL: ideal */
    uint64_t seed;
    bool explore;
    bool no_run_ahead;
    bool blind; /* nobody looks whether all is well: for long runs that are compared */
    unsigned absent; /* see RIG_PAGES */
    const struct pcl_page_lock_ops *page_ops; /* instead of the named lock's */
    const struct pcl_range_lock_ops *range_ops;
};

void rig_init(struct rig *r, const struct rig_conf *conf);
void rig_fini(struct rig *r);

/** Runs the timed machine to its end; fails the test with the reason if anything went wrong. */
void rig_run(struct rig *r);

/** The same without failing: NULL, or what was wrong. */
const char *rig_try_run(struct rig *r);

/** When a task was granted its first lock, -1: never. */
pcl_ns rig_granted(const struct rig *r, uint32_t body);

/** Explores; fills result. */
void rig_explore(struct rig *r, uint64_t max_states, struct pcl_explore_result *result);

/** Explores and fails the test unless everything was looked at and nothing found. */
void rig_explore_all(const struct rig_conf *conf);

/** A machine with n CPUs, costs like those of a server, cache domains of at most four CPUs. */
void rig_small_machine(struct pcl_profile *p, int64_t cpus);

/** The kind and the properties of a lock, by name. */
const struct pcl_lock_entry *rig_lock(const char *name);
unsigned rig_props(const struct pcl_lock_entry *e);
const struct pcl_lock_param_info *rig_params(const struct pcl_lock_entry *e);

/* Script words. */
#define TAKE_PAGE(w, folio)                                                                    \
    {                                                                                          \
        .act = RIG_TAKE, .what = PCL_PAGE_##w, .object = (folio)                               \
    }
#define TAKE_RANGE(m, a, b)                                                                    \
    {                                                                                          \
        .act = RIG_TAKE, .what = PCL_RANGE_ACQUIRE, .mode = PCL_##m, .start = (a), .last = (b) \
    }
#define DROP                                                                                   \
    {                                                                                          \
        .act = RIG_DROP                                                                        \
    }
#define END                                                                                    \
    {                                                                                          \
        .act = RIG_END                                                                         \
    }
#define KILL(task)                                                                             \
    {                                                                                          \
        .act = RIG_KILL, .object = (task)                                                      \
    }

/* Of timed scripts on one lock. */
#define AT(t)                                                                                  \
    {                                                                                          \
        .act = RIG_SLEEP, .ns = (t)                                                            \
    }
#define HOLD_ASLEEP(t)                                                                         \
    {                                                                                          \
        .act = RIG_SLEEP, .ns = (t)                                                            \
    }
#define HOLD_RUNNING(t)                                                                        \
    {                                                                                          \
        .act = RIG_BURN, .ns = (t)                                                             \
    }
#define READ TAKE_RANGE(SHARED, 0, 9)
#define WRITE TAKE_RANGE(EXCLUSIVE, 0, 9)

#endif
