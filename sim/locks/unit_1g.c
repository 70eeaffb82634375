/*
 * unit-1g: a lock for each 1 GiB of the range, present in the cache or not. See units.c.
 */
#include "units.h"

const struct pcl_range_lock_ops pcl_lock_unit_1g =
    UNITS_LOCK("unit-1g", INT64_C(1) << 30,
               "an entry lock for each 1 GiB of the range, one after another");
