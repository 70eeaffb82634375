/*
 * unit-2m: a lock for each 2 MiB of the range, present in the cache or not. See units.c.
 */
#include "units.h"

const struct pcl_range_lock_ops pcl_lock_unit_2m =
    UNITS_LOCK("unit-2m", INT64_C(1) << 21,
               "an entry lock for each 2 MiB of the range, one after another");
