/*
 * What a search remembers of the states that it has met. Private to the explorer.
 *
 *   seen     hash of a state's code -> its number, in order of discovery
 *   found    by number: the state it was first reached from and by which move, so that a schedule
 *            can be read backwards; not the state itself
 *   edges    all moves between states, for the questions about for ever
 *   level    copies of the states at one depth, each as its difference from the root
 *
 * Two states with the same 64-bit hash are taken for one; among ten million states that happens
 * once in three hundred thousand searches.
 */
#ifndef PCLSIM_EXPLORE_STORE_H
#define PCLSIM_EXPLORE_STORE_H

#include <pclsim/explore.h>

/* A move: a body, the answer that it got, and the micro-steps that were taken together. */
struct move {
    uint16_t body;
    uint8_t yes;
    uint8_t asked; /* with the answer no, another move has the answer yes */
    uint32_t steps;
};

struct origin {
    uint32_t from;
    uint32_t preemptions; /* fewest known that lead here */
    uint32_t task;        /* that moved last; interrupts come and go on top of it */
    struct move by;
};

struct edge {
    uint32_t from, to;
    uint16_t body;
    uint8_t yes, asked;
    uint32_t pad;
};

struct bytes {
    unsigned char *p;
    size_t used, cap;
};

struct level {
    struct bytes codes; /* one after the other */
    size_t *at;         /* [n] where each begins */
    uint32_t *number;     /* [n] */
    uint32_t n, cap_n;
};

struct store {
    const struct pcl_state *st; /* the machine's */
    uint64_t *slot_hash;
    uint32_t *slot_number;
    uint32_t n_slots; /* a power of two */
    struct origin *found;
    uint32_t n_found, cap_found;
    struct edge *edge;
    size_t n_edges, cap_edges;
    uint32_t *end; /* numbers of the states where all have ended */
    uint32_t n_ends, cap_ends;
    struct bytes *root; /* [n_regions] the state that the search began with */
    size_t n_regions;
    bool *differs; /* [n_regions] what is in memory now from the root, if that is known */
    bool known;    /* nothing has moved since it was looked at or put back */
    struct bytes code;  /* the state looked at last, as its difference from the root */
    struct level level, next;
};

/** Looks at the machine's state: works out its difference from the root, and a hash of that. */
uint64_t store_look(struct store *s);

/** The number of the state with that hash; *fresh when it was not known. */
uint32_t store_number(struct store *s, uint64_t hash, bool *fresh);
void store_edge(struct store *s, uint32_t from, uint32_t to, const struct move *by);
void store_end(struct store *s, uint32_t number);

/** Keeps the state that was looked at last as state number of the next level. */
void store_keep(struct store *s, uint32_t number);
/** Puts the i-th state of the present level back. */
void store_restore(struct store *s, uint32_t i);
/** The next level becomes the present one. */
void store_descend(struct store *s);

/** What is left of the present level from the i-th state on, and then the next level, become the
 * present one. */
void store_join(struct store *s, uint32_t i);

void store_begin(struct store *s, const struct pcl_state *st);
/** The root again; frees everything. */
void store_fini(struct store *s);

/** The moves that led to a state, as text; malloc'ed. */
char *store_schedule(const struct store *s, uint32_t number);

/** Writes what is remembered, between two levels, and reads it back; PCL_ENOENT: there is no such
 * file. */
int store_save(const struct store *s, const char *path, uint64_t key,
               const struct pcl_explore_result *r, struct pcl_err *err);
int store_load(struct store *s, const char *path, uint64_t key, struct pcl_explore_result *r,
               struct pcl_err *err);

/* explore_sample.c */
/** Moves (body * 2 + answer) as text, malloc'ed: "0.1x3.0+". */
char *schedule_text(const uint32_t *move, size_t n);

/* explore_live.c */
/** Looks for states from which no end can be reached, and for cycles that can go on for ever
 * although everybody gets a turn. Returns the number of such a state, or PCL_NONE. */
uint32_t store_find_endless(const struct store *s);
uint32_t store_find_livelock(const struct store *s, uint32_t n_bodies);

#endif
