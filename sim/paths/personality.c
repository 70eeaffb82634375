/*
 * Personalities: which role each operation takes in which mode, after what the filesystems do in
 * Linux since 5.15 (invalidate_lock; no lock on hits). A capital X or S is a lock held over the
 * whole call as far as its path says, '-' is none.
 *
 * page-only takes page locks and nothing else: what the thread of September 2020 argued about.
 *
 * Two are ext4 as it was in 2019, when its direct I/O was argued about. Overwrites take the iolock
 * exclusive and let it go before their transfer (other direct writes keep it). ext4-half-shared
 * (Linux 4.9 to 5.4): reads share it for their whole transfer. ext4-exclusive-dio (before, and
 * with those commits reverted): reads take it exclusive until they have submitted, and do not hold
 * it while the device works.
 */
#include "step.h"

/* Columns of a mode: mmap, iolock, invalidate, ilock, imap. An operation that is not listed takes
 * none of them. */
static const char modes[PCL_N_OPS][PCL_N_FS][6] = {
    /*                        xfs      ext4     tmpfs */
    [PCL_OP_READ] =          {"-SSS-", "--SS-", "-----"},
    [PCL_OP_WRITE] =         {"-X-X-", "-X-X-", "-X---"},
    [PCL_OP_DREAD] =         {"-S-SS", "-S-SS", "-----"},
    [PCL_OP_DWRITE] =        {"-S-SS", "-S-SS", "-X---"},
    [PCL_OP_FAULT_READ] =    {"S-SS-", "S-SS-", "S-S--"},
    [PCL_OP_FAULT_WRITE] =   {"S-SS-", "S-SS-", "S-S--"},
    [PCL_OP_FSYNC] =         {"---S-", "---S-", "-----"},
    [PCL_OP_TRUNCATE] =      {"-XXXS", "-XXXS", "-X--S"},
    [PCL_OP_PUNCH] =         {"-XXXS", "-XXXS", "-XX-S"},
    [PCL_OP_ZERO] =          {"-XXXS", "-XXXS", "-----"},
    [PCL_OP_COLLAPSE] =      {"-XXXS", "-XXXS", "-----"},
    [PCL_OP_INSERT] =        {"-XXXS", "-XXXS", "-----"},
    [PCL_OP_EXCHANGE] =      {"-XXXS", "-XXXS", "-----"},
    [PCL_OP_ALLOCATE] =      {"-XXX-", "-X-X-", "-X---"},
    [PCL_OP_PAGE_LOCK] =     {"--S--", "--S--", "-----"}, /* of an absent page */
    [PCL_OP_DONTNEED] =      {"S----", "S----", "S----"},
    [PCL_OP_MMAP] =          {"X---X", "X---X", "X---X"},
    [PCL_OP_MUNMAP] =        {"X---X", "X---X", "X---X"},
    [PCL_OP_MPROTECT] =      {"X---X", "X---X", "X---X"},
    [PCL_OP_MIGRATE] =       {"--S-S", "--S-S", "--S-S"}, /* invalidate: if the scheme says so */
    [PCL_OP_MIGRATE_ASYNC] = {"--S-S", "--S-S", "--S-S"},
    [PCL_OP_MIGRATE_SYNC] =  {"--S-S", "--S-S", "--S-S"},
    [PCL_OP_RECLAIM] =       {"----S", "----S", "----S"},
    [PCL_OP_KHUGEPAGED] =    {"--SSS", "--SSS", "----S"},
    [PCL_OP_SPLIT] =         {"----S", "----S", "----S"},
};

static int column(enum pcl_role role)
{
    static const enum pcl_role roles[] = {PCL_ROLE_MMAP, PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                          PCL_ROLE_ILOCK, PCL_ROLE_IMAP};

    for (int i = 0; i < 5; i++)
        if (roles[i] == role)
            return i;
    return -1;
}

/* The filesystem that a personality is but for the locks of direct I/O. */
static enum pcl_fs base_fs(enum pcl_fs fs)
{
    return fs == PCL_FS_EXT4_HALF_SHARED || fs == PCL_FS_EXT4_EXCLUSIVE_DIO ? PCL_FS_EXT4 : fs;
}

char pcl_personality_mode(enum pcl_fs fs, enum pcl_op op, enum pcl_role role)
{
    int col = column(role);
    const char *mode = modes[op][base_fs(fs)];

    if (role == PCL_ROLE_PAGE)
        return 'X';
    if (op == PCL_OP_RANGE_LOCK || op == PCL_OP_RANGE_LOCK_SHARED) /* under any of them */
        return role != PCL_ROLE_IOLOCK ? '-' : op == PCL_OP_RANGE_LOCK ? 'X' : 'S';
    if (role == PCL_ROLE_IOLOCK && base_fs(fs) != fs &&
        (op == PCL_OP_DWRITE || (op == PCL_OP_DREAD && fs == PCL_FS_EXT4_EXCLUSIVE_DIO)))
        return 'X';
    return col < 0 || !mode[0] ? '-' : mode[col];
}

/* XFS keeps what POSIX asks of buffered reads and writes, by its iolock; ext4 and tmpfs, where reads
 * take no lock of the inode, promise nothing. Direct I/O promises nothing anywhere. */
bool pcl_personality_whole(enum pcl_fs fs, enum pcl_op op)
{
    return fs == PCL_FS_XFS && (op == PCL_OP_READ || op == PCL_OP_WRITE);
}

static bool faults(enum pcl_op op)
{
    return op == PCL_OP_FAULT_READ || op == PCL_OP_FAULT_WRITE;
}

static bool extends(const struct pcl_kernel *k, const struct pcl_call *c)
{
    return c->off + c->len > pcl_inode_size(k->cache, c->inode);
}

bool pcl_dio_partial(const struct pcl_call *c)
{
    return c->off % PCL_PAGE_SIZE || c->len % PCL_PAGE_SIZE;
}

static bool allocates(const struct pcl_kernel *k, const struct pcl_call *c)
{
    const struct pcl_extents *e = &k->ext[c->inode];
    uint64_t first = c->cur, last = c->last;

    if (c->op != PCL_OP_DWRITE)
        pcl_written_pages(k, c, &first, &last);
    return !pcl_ext_mapped(e, first) || pcl_ext_same(e, first) < last;
}

bool pcl_dio_overwrites(const struct pcl_kernel *k, const struct pcl_call *c)
{
    const struct pcl_extents *e = &k->ext[c->inode];

    return !extends(k, c) && pcl_ext_mapped(e, c->first) && pcl_ext_same(e, c->first) >= c->last;
}

/* The iolock of a direct write. XFS shares it, unless zeroes must be written from the end of file
 * to the write's start, or where parts of blocks may have to be zeroed: at the end of file, or,
 * once it has been found out, in a block to allocate. */
static int direct_write_mode(const struct pcl_kernel *k, const struct pcl_call *c)
{
    int64_t size = pcl_inode_size(k->cache, c->inode);
    bool partial = pcl_dio_partial(c);

    if (k->fs != PCL_FS_XFS)
        return extends(k, c) || partial ? PCL_EXCLUSIVE : PCL_SHARED;
    if (c->off > size || c->forced)
        return PCL_EXCLUSIVE;
    if (!partial)
        return PCL_SHARED;
    return c->off + c->len >= size || k->option[PCL_OPTION_UNALIGNED_DIO] == PCL_DIO_EXCLUSIVE
               ? PCL_EXCLUSIVE
               : PCL_SHARED;
}

/* With the iolock exclusive: does a direct write wait for others in flight? One of parts of blocks
 * does, lest two of them zero the rest of one block; and on XFS one behind the end of file, before
 * the zeroes up to it. */
bool pcl_dio_alone(const struct pcl_kernel *k, const struct pcl_call *c)
{
    return pcl_dio_partial(c) ||
           (k->fs == PCL_FS_XFS && c->off > pcl_inode_size(k->cache, c->inode));
}

bool pcl_dio_rejected(const struct pcl_kernel *k, const struct pcl_call *c)
{
    uint32_t held = c->held[PCL_ROLE_IOLOCK];

    return k->fs == PCL_FS_XFS && held && pcl_dio_partial(c) && allocates(k, c) &&
           k->range[PCL_ROLE_IOLOCK].node[held - 1].mode == PCL_SHARED;
}

int pcl_call_mode(const struct pcl_kernel *k, const struct pcl_call *c, enum pcl_role role)
{
    enum pcl_op op = (enum pcl_op)c->op;
    bool dax = k->option[PCL_OPTION_DAX] == PCL_YES;

    if (role == PCL_ROLE_IMAP && (op == PCL_OP_FSYNC || op == PCL_OP_WRITE || op == PCL_N_OPS))
        return PCL_SHARED; /* on DAX only: entries are made read-only, holes unmapped */
    /* on DAX reads share the iolock on ext4 too */
    char mode = pcl_personality_mode(k->fs, dax && op == PCL_OP_READ ? PCL_OP_DREAD : op, role);
    const struct pcl_kinode *ki = &k->inode[c->inode];

    if (mode == '-')
        return -1;
    if (!dax && op == PCL_OP_WRITE && role == PCL_ROLE_IOLOCK && !(c->flags & PCL_OPF_APPEND) &&
        (k->range[role].ops->props & PCL_PROP_CLASSES))
        return extends(k, c) ? PCL_EXCLUSIVE : PCL_SHARED; /* page locks order what it changes */
    if (op == PCL_OP_DWRITE && role == PCL_ROLE_IOLOCK && mode == 'S')
        return direct_write_mode(k, c);
    if (k->fs == PCL_FS_TMPFS && role == PCL_ROLE_INVALIDATE && faults(op) &&
        !(ki->punching && c->cur >= ki->punch_first && c->cur <= ki->punch_last))
        return -1;
    if (role == PCL_ROLE_ILOCK && c->n == 0 && /* n: it only reads in what a fault misses */
        (op == PCL_OP_WRITE || op == PCL_OP_DWRITE || op == PCL_OP_FAULT_WRITE))
        return allocates(k, c) ? PCL_EXCLUSIVE : PCL_SHARED;
    return mode == 'X' ? PCL_EXCLUSIVE : PCL_SHARED;
}

enum pcl_class pcl_call_class(const struct pcl_call *c)
{
    return c->op == PCL_OP_DREAD || c->op == PCL_OP_DWRITE ? PCL_CLASS_DIRECT
                                                           : PCL_CLASS_BUFFERED;
}

static void range_of_pages(const struct pcl_kernel *k, const struct pcl_call *c,
                           enum pcl_role role, int64_t *start, int64_t *last)
{
    bool io = role == PCL_ROLE_IOLOCK || role == PCL_ROLE_INVALIDATE;
    int64_t size = pcl_inode_size(k->cache, c->inode), mask = PCL_PAGE_SIZE - 1;

    *start = 0;
    *last = PCL_OFF_MAX - 1;
    if (!io)
        return;
    *start = c->off & ~mask; /* whole pages, those of the ends included */
    if (c->len < PCL_OFF_MAX - mask - c->off)
        *last = c->off + (c->len > 0 ? c->len - 1 : 0);
    if (*last < PCL_OFF_MAX - 1)
        *last |= mask;
    if (role == PCL_ROLE_INVALIDATE && c->ahead < c->ahead_end) {
        /* what a miss brings in, be it around or ahead of what was asked for */
        int64_t from = (int64_t)(c->ahead << PCL_PAGE_SHIFT);
        int64_t page = (int64_t)((c->ahead_end - 1) << PCL_PAGE_SHIFT);

        *start = from < *start ? from : *start;
        *last = page > *last ? page | mask : *last;
        if (*last == PCL_OFF_MAX)
            *last = PCL_OFF_MAX - 1;
        return;
    }
    bool grows = c->op == PCL_OP_WRITE || c->op == PCL_OP_DWRITE || c->op == PCL_OP_ALLOCATE ||
                 c->op == PCL_OP_ZERO;

    if (c->op == PCL_OP_COLLAPSE || c->op == PCL_OP_INSERT) {
        /* all that moves, and the block before it, whose extent may be joined or cut */
        *start -= *start > 0 ? PCL_PAGE_SIZE : 0;
        *last = PCL_OFF_MAX - 1;
        return;
    }
    if (c->op == PCL_OP_TRUNCATE || (c->flags & PCL_OPF_APPEND) || (grows && extends(k, c))) {
        /* the size changes: everything from the lower end of the change on. Of an append the
         * position is known only under the lock; should it be before the present size by then,
         * the lock is asked for again */
        if (c->flags & PCL_OPF_APPEND)
            *start = size;
        if (size < *start)
            *start = size;
        *last = PCL_OFF_MAX - 1;
    }
}

/* Folios begin at multiples of their size: one that is made inside a range of whole folios of the
 * largest size never reaches over its ends, so none need be refused that would. */
void pcl_call_range(const struct pcl_kernel *k, const struct pcl_call *c, enum pcl_role role,
                    int64_t *start, int64_t *last)
{
    int64_t mask = (PCL_PAGE_SIZE << k->inode[c->inode].lock_order) - 1;

    if (c->op == PCL_OP_RANGE_LOCK || c->op == PCL_OP_RANGE_LOCK_SHARED) { /* bytes, no pages */
        *start = c->off;
        *last = c->len < PCL_OFF_MAX - c->off ? c->off + c->len - 1 : PCL_OFF_MAX - 1;
        return;
    }
    range_of_pages(k, c, role, start, last);
    *start &= ~mask;
    *last |= mask;
    if (*last > PCL_OFF_MAX - 1)
        *last = PCL_OFF_MAX - 1;
}

pcl_ns pcl_fs_cost(const struct pcl_kernel *k, enum pcl_fs_cost which)
{
    const struct pcl_profile *p = k->m->p;
    bool x = k->fs == PCL_FS_XFS, e = base_fs(k->fs) == PCL_FS_EXT4, t = k->fs == PCL_FS_TMPFS;

    switch (which) {
    case FS_COST_READ:
        return x ? p->xfs_read : e ? p->ext4_read : t ? p->tmpfs_read : 0;
    case FS_COST_WRITE:
        return x ? p->xfs_write : e ? p->ext4_write : t ? p->tmpfs_write : 0;
    case FS_COST_FALLOCATE:
        return x ? p->xfs_fallocate : e ? p->ext4_fallocate : t ? p->tmpfs_fallocate : 0;
    case FS_COST_EXTENT:
        return x ? p->xfs_extent : e ? p->ext4_extent : 0;
    case FS_COST_MAP: /* the iteration over the mapping costs what a read's own code costs */
        return x ? p->xfs_read : e ? p->ext4_read : 0;
    case FS_COST_MKWRITE:
        return x ? p->xfs_mkwrite : e ? p->ext4_mkwrite : 0;
    case FS_COST_BUFFERS:
        return e ? p->ext4_buffers : 0;
    }
    return 0;
}
