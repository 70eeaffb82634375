/*
 * What has been found wrong, in words, and as columns of steps: for timed runs and for the
 * explorer. Private to sim/run.
 */
#ifndef PCLSIM_WRONG_H
#define PCLSIM_WRONG_H

#include <stdio.h>

#include <pclsim/paths.h>

/** One line: which page, who, what he met and what would be right. who: "task 3 (read)". */
void wrong_text(const struct pcl_wrong_info *w, const char *who, char *buf, size_t n);

/** "task 3 (read)", "the flusher" or "an interrupt". */
void wrong_who(const struct pcl_kernel *k, uint32_t n_tasks, uint32_t body, char *buf,
               size_t n);

/* Columns beside each other, a blank, a bar and a blank between two of them. */
struct columns {
    FILE *out;
    uint32_t n, width; /* of each */
    const char *lead;  /* printed before each row, may be NULL */
    int lead_width;
};

/** A row with a text in one column; what is too long goes on in the next line. */
void columns_row(const struct columns *c, uint32_t column, const char *text);
/** A line between the heads and the rows. */
void columns_rule(const struct columns *c);

/* Who takes part in what is found wrong. */
#define PCL_PARTIES 3

struct parties {
    uint32_t body[PCL_PARTIES];
    uint32_t n;
};

/** Who has lately had to do with a page: the body given first (unless it is an interrupt), then
 * those of the latest steps. */
void parties_of_page(const struct pcl_kernel *k, uint32_t n_tasks, uint32_t body,
                     uint32_t inode, uint64_t page, struct parties *out);

/** The last steps of the parties as columns in 72 characters, time before now to their left;
 * malloc'ed, NULL when none were noted. */
char *parties_steps(const struct pcl_kernel *k, const struct parties *p, pcl_ns now);

#endif
