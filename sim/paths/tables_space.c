/*
 * Paths of calls that change an address space: the mappings, not what is mapped.
 */
#include "tables.h"

/* madvise_dontneed_free(), zap_page_range_single(): of a file mapping */
const struct pcl_step pcl_dontneed_path[] = {
    S_ENTER(syscall), S_LOCK(MMAP), S_CPU(madvise), S_DO(dontneed), S_UNLOCK(MMAP), S_EXIT, S_END,
};

/* mmap_region(): a VMA comes, or a neighbour grows */
const struct pcl_step pcl_mmap_path[] = {
    S_ENTER(syscall),
    S_LOCK(MMAP),
    S_LOCK(IMAP),
    S_DO(change_vmas),
    S_UNLOCK(IMAP),
    S_UNLOCK(MMAP),
    S_EXIT,
    S_END,
};

/* do_vmi_align_munmap(): once the VMA is out of the tree, the entries go under mmap_lock shared
 * (since 4.20), with the flush; then the file forgets the VMA */
const struct pcl_step pcl_munmap_path[] = {
    S_ENTER(syscall),
    S_LOCK(MMAP),
    S_SLEEPY(vma_write),
    S_DO(change_vmas),
    S_DO(vma_write_end),
    S_DOWNGRADE(MMAP),
    S_DO(dontneed),
    S_LOCK(IMAP),
    S_UNLOCK(IMAP),
    S_UNLOCK(MMAP),
    S_EXIT,
    S_END,
};

/* mprotect_fixup(): of a part of a VMA, which is split, or joined again */
const struct pcl_step pcl_mprotect_path[] = {
    S_ENTER(syscall),
    S_LOCK(MMAP),
    S_SLEEPY(vma_write),
    S_LOCK(IMAP),
    S_DO(change_vmas),
    S_UNLOCK(IMAP),
    S_DO(protect),
    S_DO(vma_write_end),
    S_UNLOCK(MMAP),
    S_EXIT,
    S_END,
};
