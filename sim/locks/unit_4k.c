/*
 * unit-4k: a lock for each 4 KiB of the range, present in the cache or not. See units.c.
 */
#include "units.h"

const struct pcl_range_lock_ops pcl_lock_unit_4k =
    UNITS_LOCK("unit-4k", INT64_C(1) << 12,
               "an entry lock for each 4 KiB of the range, one after another");
