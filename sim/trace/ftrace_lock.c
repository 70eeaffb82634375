/*
 * Waits and holds from lock events; see ftrace_lock.h.
 */
#include "ftrace_lock.h"

#include <stdlib.h>
#include <string.h>

/* enough for every rwsem of a large recording; the waits at further ones count as "other" */
#define MAX_ADDRS (1u << 20)

enum { XFS_BITS = 0x3f, XFS_EXCL = 0x15 }; /* EXCL and SHARED of each lock alternate */
enum { C_SPIN = 1, C_READ = 2, C_WRITE = 4, C_RT = 8, C_PERCPU = 16, C_MUTEX = 32 };

static const struct {
    const char *name;
    unsigned bit;
} xfs_names[] = {{"IOLOCK_EXCL", 1},    {"IOLOCK_SHARED", 2},   {"ILOCK_EXCL", 4},
                 {"ILOCK_SHARED", 8},   {"MMAPLOCK_EXCL", 16},  {"MMAPLOCK_SHARED", 32}},
  contention_names[] = {{"SPIN", C_SPIN}, {"READ", C_READ},     {"WRITE", C_WRITE},
                        {"RT", C_RT},     {"PERCPU", C_PERCPU}, {"MUTEX", C_MUTEX}};

static enum lock_class class_of_bit(unsigned bit)
{
    return bit & 3 ? LOCK_IOLOCK : bit & 0x30 ? LOCK_INVALIDATE : LOCK_ILOCK;
}

static unsigned exclusive(unsigned bit)
{
    return bit & XFS_EXCL ? 1 : 0;
}

unsigned locks_xfs_flags(struct text t)
{
    unsigned bits = 0;

    while (t.n > 0) {
        const char *bar = memchr(t.p, '|', t.n);
        struct text word = {t.p, bar ? (size_t)(bar - t.p) : t.n};
        for (size_t i = 0; i < sizeof(xfs_names) / sizeof(xfs_names[0]); i++)
            bits |= text_is(word, xfs_names[i].name) ? xfs_names[i].bit : 0;
        t = (struct text){t.p + word.n + (bar ? 1 : 0), t.n - word.n - (bar ? 1 : 0)};
    }
    return bits;
}

unsigned locks_contention_flags(struct text t)
{
    unsigned bits = 0;
    uint64_t number;

    if (text_u64(t, &number))
        return (unsigned)(number & 0x3f);
    for (size_t i = 0; i < sizeof(contention_names) / sizeof(contention_names[0]); i++)
        bits |= text_has_word(t, contention_names[i].name) ? contention_names[i].bit : 0;
    return bits;
}

/* --- counting ---------------------------------------------------------------------------- */

static void add_time(pcl_ns t, uint64_t n_before, pcl_ns *min, pcl_ns *max, pcl_ns *total)
{
    if (t < 0)
        t = 0;
    if (n_before == 0 || t < *min)
        *min = t;
    if (t > *max)
        *max = t;
    if (__builtin_add_overflow(*total, t, total))
        *total = PCL_NS_MAX;
}

static void count_wait(struct lock_stat *s, pcl_ns t)
{
    add_time(t, s->contentions++, &s->wait_min, &s->wait_max, &s->wait_total);
}

static void count_hold(struct lock_stat *s, pcl_ns t)
{
    add_time(t, s->holds++, &s->hold_min, &s->hold_max, &s->hold_total);
}

static void merge_waits(struct lock_stat *to, const struct lock_stat *from)
{
    if (from->contentions == 0)
        return;
    if (to->contentions == 0 || from->wait_min < to->wait_min)
        to->wait_min = from->wait_min;
    if (from->wait_max > to->wait_max)
        to->wait_max = from->wait_max;
    to->contentions += from->contentions;
    if (__builtin_add_overflow(to->wait_total, from->wait_total, &to->wait_total))
        to->wait_total = PCL_NS_MAX;
}

void locks_thread_init(struct lock_thread *t)
{
    *t = (struct lock_thread){.asleep = -1, .waits_for = LOCK_NO_CLASS};
}

void locks_fini(struct locks *l)
{
    map_fini(&l->by_addr);
    free(l->addrs);
    l->addrs = NULL;
}

/* --- XFS --------------------------------------------------------------------------------- */

static bool same(struct lock_inode a, struct lock_inode b)
{
    return a.dev == b.dev && a.ino == b.ino;
}

static void take_out(struct lock_thread *t, unsigned i)
{
    t->n_held--;
    memmove(&t->held[i], &t->held[i + 1], (t->n_held - i) * sizeof(t->held[0]));
}

static int find_held(const struct lock_thread *t, struct lock_inode i, unsigned bit)
{
    for (int k = (int)t->n_held - 1; k >= 0; k--) {
        if (t->held[k].bit == bit && same(t->held[k].inode, i))
            return k;
    }
    return -1;
}

static void hold(struct locks *l, struct lock_thread *t, struct lock_inode i, unsigned bit,
                 bool nowait, pcl_ns now)
{
    int k = find_held(t, i, bit);

    if (k >= 0 && t->held[k].tried) { /* it asks again: the try had failed */
        l->stat[class_of_bit(bit)][exclusive(bit)].trylock_failures++;
        take_out(t, (unsigned)k);
    }
    if (t->n_held == LOCK_MAX_HELD) {
        l->dropped++;
        take_out(t, 0);
    }
    t->held[t->n_held].inode = i;
    t->held[t->n_held].bit = bit;
    t->held[t->n_held].tried = nowait;
    t->held[t->n_held++].since = now;
    if (!nowait)
        l->stat[class_of_bit(bit)][exclusive(bit)].acquisitions++;
}

void locks_request(struct locks *l, struct lock_thread *t, struct lock_inode i, unsigned flags,
                   bool nowait, pcl_ns now)
{
    l->xfs = true;
    for (unsigned bit = 1; bit <= XFS_BITS; bit <<= 1) {
        if (flags & bit)
            hold(l, t, i, bit, nowait, now);
    }
    t->asked = i;
    t->asked_bits = nowait ? 0 : flags & XFS_BITS;
    t->faults = false;
}

static void release_bit(struct locks *l, struct lock_thread *t, struct lock_inode i,
                        unsigned bit, pcl_ns now)
{
    struct lock_stat *s = &l->stat[class_of_bit(bit)][exclusive(bit)];
    int k = find_held(t, i, bit);

    if (k < 0) {
        l->unmatched++;
        return;
    }
    if (t->held[k].tried)
        s->acquisitions++; /* the release shows that the try had succeeded */
    count_hold(s, now - t->held[k].since);
    take_out(t, (unsigned)k);
}

void locks_release(struct locks *l, struct lock_thread *t, struct lock_inode i, unsigned flags,
                   pcl_ns now)
{
    l->xfs = true;
    for (unsigned bit = 1; bit <= XFS_BITS; bit <<= 1) {
        if (flags & bit)
            release_bit(l, t, i, bit, now);
    }
    t->asked_bits = 0;
    t->faults = false;
}

void locks_demote(struct locks *l, struct lock_thread *t, struct lock_inode i, unsigned flags,
                  pcl_ns now)
{
    for (unsigned bit = 1; bit <= XFS_BITS; bit <<= 2) { /* the exclusive ones */
        if (flags & bit) {
            release_bit(l, t, i, bit, now);
            hold(l, t, i, bit << 1, false, now);
        }
    }
    t->asked_bits = 0;
}

/* --- contention -------------------------------------------------------------------------- */

static struct lock_addr *addr_of(struct locks *l, uint64_t addr)
{
    uint64_t i;

    if (addr == UINT64_MAX)
        return NULL;
    if (map_get(&l->by_addr, addr, &i))
        return &l->addrs[i];
    if (l->n_addrs >= MAX_ADDRS)
        return NULL;
    if (l->n_addrs == l->cap_addrs) {
        l->cap_addrs = l->cap_addrs ? l->cap_addrs * 2 : 16;
        l->addrs = pcl_xrealloc(l->addrs, l->cap_addrs, sizeof(*l->addrs));
    }
    map_put(&l->by_addr, addr, l->n_addrs);
    memset(&l->addrs[l->n_addrs], 0, sizeof(*l->addrs));
    return &l->addrs[l->n_addrs++];
}

/* What most waiters at the address were about to take. */
static enum lock_class elected(const struct lock_addr *a)
{
    unsigned best = LOCK_NO_CLASS;

    for (unsigned c = 0; c < LOCK_N_CLASSES; c++) {
        if (a->votes[c] > a->votes[best])
            best = c;
    }
    return (enum lock_class)best;
}

static bool plain_rwsem(unsigned flags)
{
    return flags == C_READ || flags == C_WRITE;
}

/* Which lock of its request a thread waits for: the first whose mode fits, unless the address is
 * known to be a later one. The bits from it on, 0 when the wait is for something else. */
static unsigned waiting_bits(const struct lock_thread *t, const struct lock_addr *a,
                             unsigned flags)
{
    static const unsigned order[] = {0x03, 0x30, 0x0c};
    unsigned fit = t->asked_bits & (flags == C_READ ? 0x2au : (unsigned)XFS_EXCL), from = 0;
    enum lock_class known = a ? elected(a) : LOCK_NO_CLASS;

    if (!plain_rwsem(flags) || fit == 0)
        return 0;
    for (unsigned i = 0; i < 3; i++) {
        if (!(fit & order[i]) || (i < 2 && known == (enum lock_class)(i + 1) &&
                                  (fit & order[i + 1])))
            continue;
        for (unsigned k = i; k < 3; k++)
            from |= t->asked_bits & order[k];
        return from;
    }
    return 0;
}

/* The first lock of those that are still to be taken. */
static unsigned first_group(unsigned bits)
{
    return bits & 0x03 ? 0x03 : bits & 0x30 ? 0x30 : 0x0c;
}

static enum lock_class vote(const struct lock_thread *t, unsigned bits, unsigned flags)
{
    if (bits)
        return class_of_bit(first_group(bits));
    if (t->maps)
        return LOCK_MMAP;
    if (t->faults && flags == C_READ) /* filemap_fault() takes it without xfs_ilock() */
        return LOCK_INVALIDATE;
    return LOCK_NO_CLASS;
}

void locks_wait(struct locks *l, struct lock_thread *t, uint64_t addr, unsigned flags,
                pcl_ns now)
{
    struct lock_addr *a = NULL;
    unsigned bits = 0;

    for (unsigned i = 0; i < t->n_waits; i++) {
        if (t->wait[i].addr == addr)
            return; /* a mutex that spun first and now sleeps: still the same wait */
    }
    if (plain_rwsem(flags)) {
        a = addr_of(l, addr);
        bits = waiting_bits(t, a, flags);
        if (a)
            a->votes[vote(t, bits, flags)]++;
        t->asked_bits &= ~bits;
    }
    l->last_addr = a ? addr : UINT64_MAX;
    if (t->n_waits == LOCK_MAX_WAITS) {
        l->dropped++;
        t->n_waits--;
        memmove(&t->wait[0], &t->wait[1], t->n_waits * sizeof(t->wait[0]));
    }
    t->wait[t->n_waits].addr = addr;
    t->wait[t->n_waits].flags = flags;
    t->wait[t->n_waits].bits = bits;
    t->wait[t->n_waits++].since = now;
}

static enum lock_class class_of_flags(unsigned flags)
{
    if (flags & C_PERCPU)
        return LOCK_PERCPU;
    if (flags & C_MUTEX)
        return LOCK_MUTEX;
    if (flags & C_SPIN)
        return flags & (C_READ | C_WRITE) ? LOCK_QRWLOCK : LOCK_SPIN;
    return flags & (C_READ | C_WRITE) ? LOCK_RWSEM : LOCK_SEMAPHORE;
}

void locks_waited(struct locks *l, struct lock_thread *t, uint64_t addr, pcl_ns now)
{
    unsigned i = t->n_waits, flags, bits, mode;
    struct lock_addr *a;

    while (i > 0 && t->wait[i - 1].addr != addr)
        i--;
    if (i == 0) {
        l->unmatched++;
        return;
    }
    i--;
    flags = t->wait[i].flags;
    bits = t->wait[i].bits;
    mode = flags & C_READ ? 0 : 1;
    a = plain_rwsem(flags) ? addr_of(l, addr) : NULL;
    count_wait(a ? &a->stat[mode] : &l->stat[class_of_flags(flags)][mode],
               now - t->wait[i].since);
    t->n_waits--;
    memmove(&t->wait[i], &t->wait[i + 1], (t->n_waits - i) * sizeof(t->wait[0]));
    for (unsigned k = 0; bits && k < t->n_held; k++) {
        if ((t->held[k].bit & bits) && same(t->held[k].inode, t->asked))
            t->held[k].since = now; /* taken only now, and so are those behind it */
    }
    t->asked_bits = bits & ~first_group(bits); /* it may wait for those too */
}

/* --- stacks and sleep -------------------------------------------------------------------- */

void locks_frame(struct locks *l, struct lock_thread *t, struct text f)
{
    static const char *const mm[] = {"lock_mm_and_find_vma", "do_mprotect_pkey", "vm_mmap_pgoff",
                                     "__vm_munmap", "do_madvise", "mmap_write_lock_killable",
                                     "mmap_read_lock", "vma_start_write", "__vma_start_write"};
    struct lock_addr *a;
    uint64_t i;

    if (t->asleep >= 0) {
        if (text_is(f, "folio_wait_writeback") || text_is(f, "wait_on_page_writeback")) {
            t->waits_for = LOCK_WRITEBACK;
        } else if (t->waits_for == LOCK_NO_CLASS &&
                   (text_starts(f, "folio_wait_bit") || text_starts(f, "__folio_lock") ||
                    text_starts(f, "__lock_page") || text_starts(f, "wait_on_page_bit"))) {
            t->waits_for = LOCK_PAGE;
        }
        return;
    }
    if (l->last_addr == UINT64_MAX || !map_get(&l->by_addr, l->last_addr, &i))
        return;
    a = &l->addrs[i];
    for (size_t k = 0; k < sizeof(mm) / sizeof(mm[0]); k++)
        a->votes[LOCK_MMAP] += text_is(f, mm[k]) ? 2 : 0; /* a frame is no guess */
    a->votes[LOCK_INVALIDATE] += text_is(f, "filemap_fault") ? 2 : 0;
}

void locks_runs(struct locks *l, struct lock_thread *t, pcl_ns now)
{
    if (t->asleep < 0)
        return;
    if (t->waits_for != LOCK_NO_CLASS) {
        l->folios = true;
        count_wait(&l->stat[t->waits_for][1], now - t->asleep);
    }
    t->asleep = -1;
    t->waits_for = LOCK_NO_CLASS;
}

void locks_forget(struct locks *l, struct lock_thread *t)
{
    l->dropped += t->n_held + t->n_waits;
    t->n_held = t->n_waits = t->asked_bits = 0;
    t->asleep = -1;
    t->waits_for = LOCK_NO_CLASS;
}

/* --- the table --------------------------------------------------------------------------- */

static const char *const class_names[LOCK_N_CLASSES] = {
    [LOCK_IOLOCK] = "iolock",      [LOCK_INVALIDATE] = "invalidate",
    [LOCK_ILOCK] = "ilock",        [LOCK_MMAP] = "mmap",
    [LOCK_PAGE] = "page",          [LOCK_WRITEBACK] = "writeback",
    [LOCK_RWSEM] = "other rwsem",  [LOCK_MUTEX] = "mutex",
    [LOCK_SPIN] = "spinlock",      [LOCK_QRWLOCK] = "qrwlock",
    [LOCK_PERCPU] = "percpu", [LOCK_SEMAPHORE] = "semaphore"};

struct pcl_trace_lock *locks_table(struct locks *l, size_t *n)
{
    struct pcl_trace_lock *out = pcl_xcalloc(LOCK_N_CLASSES * 2, sizeof(*out));

    for (size_t i = 0; i < l->n_addrs; i++) {
        enum lock_class c = elected(&l->addrs[i]);
        for (unsigned mode = 0; mode < 2; mode++)
            merge_waits(&l->stat[c == LOCK_NO_CLASS ? LOCK_RWSEM : c][mode],
                        &l->addrs[i].stat[mode]);
    }
    l->n_addrs = 0;
    *n = 0;
    for (unsigned c = 0; c < LOCK_N_CLASSES; c++) {
        for (unsigned mode = 2; mode-- > 0;) {
            const struct lock_stat *s = &l->stat[c][mode];
            if (s->acquisitions == 0 && s->contentions == 0 && s->trylock_failures == 0)
                continue;
            out[(*n)++] = (struct pcl_trace_lock){
                .name = class_names[c],
                .mode = mode ? 'X' : 'S',
                .all = c < LOCK_N_XFS && s->acquisitions >= s->contentions && s->acquisitions > 0,
                .acquisitions = s->acquisitions > s->contentions ? s->acquisitions
                                                                 : s->contentions,
                .contentions = s->contentions,
                .holds = s->holds,
                .trylock_failures = s->trylock_failures,
                .wait_min = s->wait_min,
                .wait_max = s->wait_max,
                .wait_total = s->wait_total,
                .hold_min = s->hold_min,
                .hold_max = s->hold_max,
                .hold_total = s->hold_total};
        }
    }
    return out;
}
