/* Lock roles by name: one table, made from the list in scheme.h. */
#include <pclsim/scheme.h>

#include <string.h>

static const struct {
    const char *name, *what;
} roles[PCL_N_ROLES] = {
#define X(id, name, what) {name, what},
    PCL_ROLES(X)
#undef X
};

const char *pcl_role_name(enum pcl_role r)
{
    PCL_ASSERT((unsigned)r < PCL_N_ROLES);
    return roles[r].name;
}

const char *pcl_role_what(enum pcl_role r)
{
    PCL_ASSERT((unsigned)r < PCL_N_ROLES);
    return roles[r].what;
}

enum pcl_role pcl_role_find(const char *name)
{
    for (unsigned i = 0; i < PCL_N_ROLES; i++)
        if (strcmp(roles[i].name, name) == 0)
            return (enum pcl_role)i;
    return PCL_N_ROLES;
}
