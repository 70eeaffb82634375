/* Private to sim/cache: the oracle's parts. */
#ifndef PCLSIM_CACHE_ORACLE_H
#define PCLSIM_CACHE_ORACLE_H

#include "extent.h"
#include "internal.h"

#include <pclsim/oracle.h>

#define PCL_ALIVE UINT64_MAX

/* One content in the history of an extent, or contents that nobody can tell apart any more. */
struct pcl_truth {
    uint64_t done; /* end of the operation that brought it, 0 while it runs or when long ago */
    uint64_t dead; /* right until then, PCL_ALIVE */
    uint32_t next; /* in its list, or next free */
    uint32_t id;   /* content id */
    uint32_t id_last; /* with id: a range of them */
    uint32_t op;      /* operation in flight, PCL_NONE */
    uint32_t shift;   /* page it was written for minus page it is at, modulo 2^32 */
    uint32_t pad;
};

/* The history of an extent. */
struct pcl_past {
    uint32_t alive;          /* newest first; never empty */
    uint32_t oldest, newest; /* the dead, a queue by death */
    uint32_t next_free;
};

struct pcl_oracle_op {
    uint64_t begin; /* 0: free */
    uint64_t since; /* it has had no effect before: begin, or pcl_oracle_shift() */
    uint64_t first, last;
    uint32_t inode;
    uint32_t content;     /* id */
    uint32_t block_epoch; /* direct write: blocks looked up before that are its own */
    uint32_t prev, next;  /* operations in flight by begin; next free */
    uint16_t shown;       /* its content stands in the history */
    uint16_t whole;       /* enum pcl_whole_state */
    uint16_t what;        /* enum pcl_truth_op */
    uint16_t direct;      /* a direct write that has begun its transfer */
    uint32_t peer;        /* EXCHANGE: the file that its contents come from */
};

enum pcl_whole_state {
    PCL_WHOLE_NO,
    PCL_WHOLE_YES, /* promises to be seen, or to see, as one */
    PCL_WHOLE_TOLD /* and has been found torn */
};

/* A whole write. */
struct pcl_whole {
    uint64_t begin, end; /* end 0: in flight */
    uint64_t first, last;
    uint32_t inode;
    uint32_t content; /* id */
    uint32_t op;      /* PCL_NONE: has ended */
    uint32_t pad;
};

/* Contents of a folio: "own" what is cached, "sent" what a write-back under way writes. A value
 * is content id << 32 | shift, like an extent's, but over the folio's own pages 0, 1, ..., so
 * that it stays with the folio wherever that goes or is mapped. Pages of a large folio that
 * differ stand in the map odd. */
struct pcl_folio_data {
    uint64_t val[2];
    uint32_t block_epoch;
    uint32_t inode;  /* write-back under way belongs to it */
    uint32_t odd[2]; /* pages in the map odd */
};

enum { PCL_DATA_OWN, PCL_DATA_SENT };

struct pcl_oracle_meta {
    uint64_t seq; /* calls so far: the oracle's clock */
    uint32_t next_content, next_block;
    uint32_t first_op, last_op; /* in flight, oldest first */
    uint32_t free_op, n_ops;
    uint32_t free_truth, n_truths, live_truths;
    uint32_t free_past, n_pasts, live_pasts;
    uint32_t sweep_at; /* tidy the whole history when so many truths live */
    uint32_t n_data;
    uint32_t moves; /* of the operations in flight, those that have moved parts of the history */
    uint32_t n_wholes, wholes_ended; /* the latter since the last sweep of them */
    uint32_t whole_reads;            /* in flight */
};

struct pcl_oracle {
    struct pcl_cache *c;
    struct pcl_oracle_conf conf;
    struct pcl_oracle_meta *m;
    struct pcl_oracle_op *op;
    struct pcl_truth *truth;
    struct pcl_past *past;
    struct pcl_folio_data *data; /* [folio] */
    struct pcl_whole *whole;     /* by content */
    uint32_t cap_ops, cap_truths, cap_pasts, cap_data, cap_wholes;
    struct pcl_btree *history; /* extents: past + 1; 0: zeroes since ever */
    struct pcl_btree *disk;    /* extents: content value */
    struct pcl_btree *block;   /* extents: number of the block's allocation, 0: hole */
    struct pcl_btree *met;     /* (whole call in flight, page or content), see oracle_torn.c */
    struct pcl_btree *odd;     /* (folio, own or sent, its page) -> content value */
    uint64_t count[PCL_N_WRONGS];
};

static inline uint64_t pcl_value(uint32_t id, uint32_t shift)
{
    return id == 0 ? 0 : (uint64_t)id << 32 | shift;
}

/* The same contents seen from a place that lies delta pages nearer to the start. */
static inline uint64_t pcl_value_moved(uint64_t val, uint64_t delta)
{
    return pcl_value((uint32_t)(val >> 32), (uint32_t)(val + delta));
}

/* What a content value shows at a page: of the file, or of the folio. */
static inline pcl_content pcl_content_at(uint64_t val, uint64_t page)
{
    return pcl_value_moved(val, page);
}

static inline uint64_t pcl_range_end(uint64_t last)
{
    return last < PCL_PAGE_LAST ? last : PCL_PAGE_LAST;
}

static inline bool pcl_oracle_is_shift(const struct pcl_oracle_op *p)
{
    return p->what == PCL_TRUTH_COLLAPSE || p->what == PCL_TRUTH_INSERT;
}

/* A COLLAPSE or an INSERT as a move of one range: what is right at page p of [from, last] of
 * the new file was right at page p + delta (modulo 2^64) of the old one; [zero, zero_last] of
 * the new one is zeroes. */
struct pcl_shift {
    uint64_t from, last, delta;
    uint64_t zero, zero_last;
};

static inline struct pcl_shift pcl_shift_of(const struct pcl_oracle_op *p)
{
    uint64_t n = p->last - p->first + 1;

    PCL_ASSERT(n <= PCL_PAGE_LAST);
    if (p->what == PCL_TRUTH_COLLAPSE)
        return (struct pcl_shift){p->first, PCL_PAGE_LAST - n, n, PCL_PAGE_LAST - n + 1,
                                  PCL_PAGE_LAST};
    return (struct pcl_shift){p->last + 1, PCL_PAGE_LAST, 0 - n, p->first, p->last};
}

/* history.c */
/** From now on the content of op may be seen in its range. */
void pcl_history_show(struct pcl_oracle *o, uint32_t op);
/** The same of a COLLAPSE or an INSERT: what is right behind its first page may be seen where it
 * moves to. */
void pcl_history_shift(struct pcl_oracle *o, uint32_t op);
/** The same of two EXCHANGEs: what is right in the one's range may be seen in the other's. */
void pcl_history_exchange(struct pcl_oracle *o, uint32_t op, uint32_t peer);
/** The content of op, just shown, may be seen where moves under way take it to as well. */
void pcl_history_moved(struct pcl_oracle *o, uint32_t op);
/** op returns: what had its end before op began is not right any more. */
void pcl_history_end(struct pcl_oracle *o, uint32_t op);
/** Content is right at page pgoff as if somebody had just brought it. */
void pcl_history_stays(struct pcl_oracle *o, uint32_t inode, uint64_t pgoff, pcl_content content);
/** [first, last] has had that content since ever. */
void pcl_history_init(struct pcl_oracle *o, uint32_t inode, uint64_t first, uint64_t last,
                      uint32_t id);
/** Whether content was right at page pgoff at some instant since the begin; if not, *right is
 * one that is, and *moved says that it belongs to another page. */
bool pcl_history_check(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff,
                       pcl_content seen, uint64_t begin, pcl_content *right, bool *moved);
/** Whether all that shows this content at the page had been done before a moment. */
bool pcl_history_before(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff,
                        pcl_content seen, uint64_t moment);
/** True when some operation in flight changes the page. */
bool pcl_history_in_flux(const struct pcl_oracle *o, uint32_t inode, uint64_t pgoff);
/** Drops what no operation in flight can see any more, everywhere. */
void pcl_history_sweep(struct pcl_oracle *o);
/** Numbers all entries in the order of their extents. */
void pcl_history_compact(struct pcl_oracle *o);

/* for history_shift.c */
void pcl_history_cut(struct pcl_oracle *o, uint32_t inode, uint64_t pgoff);
/** Adds a content of op to the extent's history. */
void pcl_history_add(struct pcl_oracle *o, struct pcl_bt_at at, uint32_t op,
                     const struct pcl_truth *content);
/** Does op bring that content to the extent with that value already? */
bool pcl_history_has(const struct pcl_oracle *o, uint64_t val, uint32_t op,
                     const struct pcl_truth *content);
/** First of the contents that are right in an extent with that value, PCL_NONE: zeroes since
 * ever. */
uint32_t pcl_history_alive(const struct pcl_oracle *o, uint64_t val);

/** Numbers allocations of blocks anew, by what those who have looked blocks up can tell apart. */
void pcl_oracle_number_blocks(struct pcl_oracle *o);

/* oracle_torn.c */
/** A whole read takes a page's content, which may rightly be seen. */
enum pcl_wrong pcl_torn_load(struct pcl_oracle *o, uint32_t op, uint32_t folio, uint64_t pgoff,
                             pcl_content seen);
/** A whole write is about to store over a content of a page. */
enum pcl_wrong pcl_torn_store(struct pcl_oracle *o, uint32_t op, uint32_t folio, uint64_t pgoff,
                              pcl_content before);
/** An operation returns. */
void pcl_torn_end(struct pcl_oracle *o, uint32_t op);
/** Pages of the file have moved: what was written before is not looked for. */
void pcl_torn_moved(struct pcl_oracle *o, uint32_t inode);
/** Drops what no read in flight can see torn. */
void pcl_torn_sweep(struct pcl_oracle *o);

/* oracle.c */
/** The operation's content can be seen from now on. */
void pcl_oracle_show(struct pcl_oracle *o, uint32_t op);
enum pcl_wrong pcl_oracle_report(struct pcl_oracle *o, const struct pcl_wrong_info *info);
/** Checks one page's content; reports what is wrong. */
enum pcl_wrong pcl_oracle_check(struct pcl_oracle *o, uint32_t op, uint32_t folio,
                                uint32_t inode, uint64_t pgoff, pcl_content seen);

#endif
