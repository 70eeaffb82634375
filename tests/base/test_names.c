/* Operations and roles: each has a name of its own that finds it again. */
#include "cases.h"

#include <pclsim/op.h>
#include <pclsim/scheme.h>

static void operations_are_found_by_their_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PCL_N_OPS; i++) {
        assert_int_equal(pcl_op_find(pcl_op_name((enum pcl_op)i)), i);
        assert_true(strlen(pcl_op_what((enum pcl_op)i)) > 0);
    }
    assert_int_equal(pcl_op_find("Read"), PCL_N_OPS);
    assert_int_equal(pcl_op_find(""), PCL_N_OPS);
    assert_string_equal(pcl_op_name(PCL_OP_FAULT_WRITE), "wfault");
}

static void roles_are_found_by_their_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PCL_N_ROLES; i++) {
        assert_int_equal(pcl_role_find(pcl_role_name((enum pcl_role)i)), i);
        assert_true(strlen(pcl_role_what((enum pcl_role)i)) > 0);
    }
    assert_int_equal(pcl_role_find("pages"), PCL_N_ROLES);
    assert_string_equal(pcl_role_name(PCL_ROLE_MAPPING_TREE), "mapping-tree");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_found_by_their_names),
        cmocka_unit_test(roles_are_found_by_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
