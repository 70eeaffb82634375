/* Operations by name: one table, made from the list in op.h. */
#include <pclsim/op.h>

#include <pclsim/base.h>

#include <string.h>

static const struct {
    const char *name, *what;
} ops[PCL_N_OPS] = {
#define X(id, name, what) {name, what},
    PCL_OPS(X)
#undef X
};

const char *pcl_op_name(enum pcl_op op)
{
    PCL_ASSERT((unsigned)op < PCL_N_OPS);
    return ops[op].name;
}

const char *pcl_op_what(enum pcl_op op)
{
    PCL_ASSERT((unsigned)op < PCL_N_OPS);
    return ops[op].what;
}

enum pcl_op pcl_op_find(const char *name)
{
    for (unsigned i = 0; i < PCL_N_OPS; i++)
        if (strcmp(ops[i].name, name) == 0)
            return (enum pcl_op)i;
    return PCL_N_OPS;
}
