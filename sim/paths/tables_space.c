/*
 * Paths of calls that change an address space: the mappings, not what is mapped.
 */
#include "tables.h"

/* madvise_dontneed_free(), zap_page_range_single(): of a file mapping */
const struct pcl_step pcl_dontneed_path[] = {
    S_ENTER(syscall), S_LOCK(MMAP), S_CPU(madvise), S_DO(dontneed), S_UNLOCK(MMAP), S_EXIT, S_END,
};
