/*
 * The oracle: beside the modelled kernel state every inode carries the truth as a history. For
 * each page it lists the contents that it may rightly show: an operation's effect may take
 * place at any instant between its begin and its end, so a new content is right from its begin
 * on, and an older one stays right until an operation ends that began after the older one's
 * end.
 *
 *   write A  |--------|                 A right from its begin ...
 *   write B      |--------|             (B overlaps A: either may be the last)
 *   punch            .      |------|    ... to the end of the punch, which ends B likewise
 *
 * A read is wrong only if it returns content that was right at no instant of its own duration.
 * Order is the order of the calls, not the clock: with costs of zero much happens at one time.
 *
 * Paths say what happens to data: pcl_oracle_store() where bytes enter a cached page,
 * pcl_oracle_load() where they leave it, read_in and wb_begin/wb_end around device transfers.
 * Every call accepts a NULL oracle and then does nothing. Ranges are pages, both ends included,
 * and cost what is known about them, not their length.
 */
#ifndef PCLSIM_ORACLE_H
#define PCLSIM_ORACLE_H

#include <pclsim/cache.h>

/*      id          name */
#define PCL_WRONGS(X)                                                                          \
    X(RIGHT, "right")                                                                          \
    X(STALE, "stale data")  /* content that was not right during the read */                   \
    X(INDEX, "wrong index") /* content of another page of the file */                          \
    X(MAPPING, "mapping left to a removed folio")                                              \
    X(LOST, "lost dirty data") /* dropped, or marked nowhere, and the disk does not have it */                    \
    X(FREED, "write to a freed block")                                                         \
    X(TORN, "torn access") /* a call of several pages that promises to be one is not */        \
    X(DEADLOCK, "deadlock")                                                                    \
    X(STARVED, "starvation")

enum pcl_wrong {
#define X(id, name) PCL_WRONG_##id,
    PCL_WRONGS(X)
#undef X
        PCL_N_WRONGS
};

const char *pcl_wrong_name(enum pcl_wrong w);

/* Content of one page: who wrote it (an operation's content id) in the upper half, the page
 * number it was written for, modulo 2^32, in the lower. Zeroes are 0, wherever they are. */
typedef uint64_t pcl_content;

#define PCL_CONTENT_ZERO UINT64_C(0)
#define PCL_CONTENT_ID_INITIAL 1u         /* what was on disk at the start */
#define PCL_CONTENT_ID_DROPPED (UINT32_MAX - 1) /* of a folio: zeroes that are not written back */
#define PCL_CONTENT_ID_GARBAGE UINT32_MAX /* a new folio that nobody has filled */

struct pcl_wrong_info {
    enum pcl_wrong what;
    uint32_t inode;
    uint64_t pgoff;
    uint32_t folio;    /* PCL_NONE: direct I/O */
    pcl_content seen;  /* what the access got, or what was lost */
    pcl_content right; /* one content that would have been right; TORN: what the call met at
                          page other, which cannot be together with seen */
    uint64_t other;
};

struct pcl_oracle_conf {
    /* Told of each violation at once, in the micro-step that shows it; may be NULL. */
    void (*report)(void *arg, const struct pcl_wrong_info *info);
    void *arg;
    bool dax; /* folios stand for the disk: what is stored is there, what is there is seen */
};

struct pcl_oracle;

/** Sets c->oracle; call it before the first inode. state may be NULL. Freed with the cache. */
struct pcl_oracle *pcl_oracle_new(struct pcl_cache *c, const struct pcl_oracle_conf *conf,
                                  struct pcl_state *state);

/** Pages [first, last] have blocks with data on disk at the start; other pages are holes. Call
 * it before pcl_cache_populate(). */
void pcl_oracle_initial(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last);

/** Violations so far, by class. */
uint64_t pcl_oracle_count(const struct pcl_oracle *o, enum pcl_wrong what);

/* --- operations ---------------------------------------------------------------------- */

enum pcl_truth_op {
    PCL_TRUTH_READ,  /* reads of any pages; the range is not looked at */
    PCL_TRUTH_WRITE, /* new content for [first, last], partly written end pages included; one
                        that ends before it has put any anywhere changes nothing */
    PCL_TRUTH_ZERO,  /* [first, last] becomes zeroes: punch, zero range, truncate (last is
                        PCL_PAGE_LAST); partly zeroed end pages are a WRITE of their own */
    PCL_TRUTH_COLLAPSE, /* [first, last] goes, what is behind it moves up to first */
    PCL_TRUTH_INSERT,   /* zeroes come at [first, last], what was there moves behind them */
    PCL_TRUTH_EXCHANGE  /* [first, last] becomes what another file has there: one for each file */
};

/** An operation begins: call it before the path takes its first lock; the handle is good until
 * pcl_oracle_end(), when the call returns to the user. */
uint32_t pcl_oracle_begin(struct pcl_oracle *o, enum pcl_truth_op what, uint32_t inode,
                          uint64_t first, uint64_t last);
void pcl_oracle_end(struct pcl_oracle *o, uint32_t op);

/** The READ or WRITE that has just begun promises to be one with all others that do: it sees all
 * or nothing of what another writes, and is before or after it in all pages. */
void pcl_oracle_whole(struct pcl_oracle *o, uint32_t op);

/** A COLLAPSE or an INSERT begins to have effects: call it when the path holds its locks and
 * before it moves the first page or block. From now to the end of op each page of the file
 * behind first may show what it did before or what moves there. Of two such operations on one
 * file that are both between here and their end, only the order of these calls is thought of. */
void pcl_oracle_shift(struct pcl_oracle *o, uint32_t op);

/** The extent map changes as a COLLAPSE or an INSERT says: blocks and what is on disk move,
 * blocks of a collapsed range are free. Whoever looked blocks up before finds them gone. */
void pcl_oracle_shift_blocks(struct pcl_oracle *o, uint32_t op);

/** The same for two EXCHANGEs of equal ranges, op and peer: from now to their ends each page of
 * either file may show what it did before or what the other file's page does. */
void pcl_oracle_exchange(struct pcl_oracle *o, uint32_t op, uint32_t peer);

/** The extent maps change sides: blocks and what is on disk. */
void pcl_oracle_exchange_blocks(struct pcl_oracle *o, uint32_t op, uint32_t peer);

/* --- data in the page cache ---------------------------------------------------------- */

/** The operation puts its content into page pgoff of a folio. */
void pcl_oracle_store(struct pcl_oracle *o, uint32_t op, uint32_t folio, uint64_t pgoff);

/** DAX: a call puts its content into page pgoff of the file's blocks; wrong if there are none. */
void pcl_oracle_put(struct pcl_oracle *o, uint32_t op, uint32_t inode, uint64_t pgoff);

/** Page pgoff of a folio is zeroed: the part of a folio that a removal leaves in the cache. No
 * write-back writes it until the page is stored to, or the folio is made dirty as a whole. */
void pcl_oracle_zero(struct pcl_oracle *o, uint32_t folio, uint64_t pgoff);
void pcl_oracle_dirtied(struct pcl_oracle *o, uint32_t folio);

/** A direct write leaves a dirty folio in the cache (dio_warn_stale_pagecache()): what it shows in
 * [first, last] stays right, beside what was written. */
void pcl_oracle_stays(struct pcl_oracle *o, uint32_t folio, uint64_t first, uint64_t last);

/** The operation (PCL_NONE: an access of one instant) takes page pgoff of inode out of a folio.
 * Says whether what is there may rightly be seen. */
enum pcl_wrong pcl_oracle_load(struct pcl_oracle *o, uint32_t op, uint32_t folio,
                               uint32_t inode, uint64_t pgoff);

/** A load or a store by user code through a mapping of page pgoff of inode to that folio. A store
 * into a clean folio is lost: no write-back looks for it. */
enum pcl_wrong pcl_oracle_mapped(struct pcl_oracle *o, bool store, uint32_t folio,
                                 uint32_t inode, uint64_t pgoff);

/* --- data on disk -------------------------------------------------------------------- */

/** The device has read all pages of the folio. */
void pcl_oracle_read_in(struct pcl_oracle *o, uint32_t folio);

/** Write-back of a folio: begin where its blocks are looked up (holes are allocated) and the
 * data are fixed, end where the device has them. The end says whether the blocks are still the
 * same. */
void pcl_oracle_wb_begin(struct pcl_oracle *o, uint32_t folio);
enum pcl_wrong pcl_oracle_wb_end(struct pcl_oracle *o, uint32_t folio);

/** Direct write of [first, last] by op: begin where the blocks are looked up, end at
 * completion. */
void pcl_oracle_direct_begin(struct pcl_oracle *o, uint32_t op, uint32_t inode, uint64_t first,
                             uint64_t last);
enum pcl_wrong pcl_oracle_direct_end(struct pcl_oracle *o, uint32_t op, uint32_t inode,
                                     uint64_t first, uint64_t last);

/** Direct read of [first, last] by op: the device has read them. */
enum pcl_wrong pcl_oracle_direct_read(struct pcl_oracle *o, uint32_t op, uint32_t inode,
                                      uint64_t first, uint64_t last);

/** Blocks of [first, last] are freed (they read as zeroes), or holes in it allocated. */
void pcl_oracle_free_blocks(struct pcl_oracle *o, uint32_t inode, uint64_t first,
                            uint64_t last);
void pcl_oracle_allocate(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last);

/* --- for reports and tests ----------------------------------------------------------- */

pcl_content pcl_oracle_folio_content(const struct pcl_oracle *o, uint32_t folio,
                                     uint64_t pgoff);
pcl_content pcl_oracle_disk_content(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff);

/** Host bytes of the history. */
uint64_t pcl_oracle_bytes(const struct pcl_oracle *o);

/** Explorer: renumbers the order of calls, so that equal situations are equal states whatever
 * happened before them. */
void pcl_oracle_normalise(struct pcl_oracle *o);

#endif
