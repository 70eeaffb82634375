/*
 * The list of locks: names, look-up, parameters of a choice with their messages, and the text
 * of properties.
 */
#include <pclsim/locks.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *name_of(const struct pcl_lock_entry *e)
{
    return e->kind == PCL_LOCK_PAGE ? e->page->name : e->range->name;
}

static void names_are_unique_and_found(void **state)
{
    (void)state;
    assert_true(pcl_n_locks >= 7);
    for (size_t i = 0; i < pcl_n_locks; i++) {
        const struct pcl_lock_entry *e = &pcl_lock_list[i];

        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(name_of(e), name_of(&pcl_lock_list[k]));
        if (e->kind == PCL_LOCK_PAGE) {
            assert_ptr_equal(pcl_page_lock_find(e->page->name), e->page);
            assert_null(pcl_range_lock_find(e->page->name));
        } else {
            assert_ptr_equal(pcl_range_lock_find(e->range->name), e->range);
            assert_null(pcl_page_lock_find(e->range->name));
        }
    }
    assert_null(pcl_page_lock_find("rwsem-of-nowhere"));
    assert_null(pcl_range_lock_find(""));
}

static const struct pcl_lock_param_info info[] = {
    {"spin", 1, 0, 1, "spin before sleeping"},
    {"reader_batch", 256, 1, 1000, "readers a wake"},
    {NULL, 0, 0, 0, NULL},
};

static void parameters_default_and_override(void **state)
{
    struct pcl_lock_choice choice = {.n_params = 1, .param = {{"reader_batch", 8}}};
    int64_t param[PCL_MAX_LOCK_PARAMS] = {0};
    struct pcl_err err = {0};

    (void)state;
    assert_int_equal(pcl_lock_params(info, &choice, "rwsem", param, &err), PCL_OK);
    assert_int_equal(param[0], 1);
    assert_int_equal(param[1], 8);
    choice.n_params = 0;
    assert_int_equal(pcl_lock_params(NULL, &choice, "none", param, &err), PCL_OK);
}

static void wrong_parameters_are_explained(void **state)
{
    static const struct {
        struct pcl_lock_param param;
        const char *msg, *hint;
    } cases[] = {
        {{"reader-batch", 8},
         "lock rwsem has no parameter 'reader-batch'",
         "did you mean 'reader_batch'?"},
        {{"zzz", 8}, "lock rwsem has no parameter 'zzz'", ""},
        {{"reader_batch", 0}, "lock rwsem: reader_batch: want 1 to 1000, found 0", ""},
        {{"spin", 2}, "lock rwsem: spin: want 0 to 1, found 2", ""},
        {{"spin", -1}, "lock rwsem: spin: want 0 to 1, found -1", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pcl_lock_choice choice = {.n_params = 1};
        int64_t param[PCL_MAX_LOCK_PARAMS];
        struct pcl_err err = {0};

        choice.param[0] = cases[i].param;
        assert_int_equal(pcl_lock_params(info, &choice, "rwsem", param, &err), PCL_EINVAL);
        assert_string_equal(err.msg, cases[i].msg);
        assert_string_equal(err.hint, cases[i].hint);
    }
    struct pcl_lock_choice choice = {.n_params = 1, .param = {{"spin", 1}}};
    int64_t param[PCL_MAX_LOCK_PARAMS];
    struct pcl_err err = {0};

    assert_int_equal(pcl_lock_params(NULL, &choice, "none", param, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "lock none has no parameter 'spin'");
}

static void a_role_refuses_a_lock_of_the_other_kind(void **state)
{
    struct pcl_lock_choice page = {.lock = "hybrid"}, range = {.lock = "rwsem"};
    struct pcl_profile p;
    struct pcl_machine m;
    struct pcl_err err = {0};
    struct pcl_range_locks R;
    struct pcl_page_locks L;
    uint8_t *flags = NULL;

    (void)state;
    pcl_profile_ideal(&p);
    pcl_machine_init(&m, &(struct pcl_machine_conf){.profile = &p, .n_tasks = 1}, NULL);
    assert_int_equal(pcl_range_locks_init(&R, &m, PCL_ROLE_INVALIDATE, &page, &err),
                     PCL_ENOENT);
    assert_string_equal(err.msg, "role invalidate: want a range lock, found 'hybrid'");
    assert_string_equal(err.hint, "'hybrid' is a page lock; see pclsim schemes --locks");
    assert_int_equal(pcl_page_locks_init(&L, &m, &range, &flags, NULL, NULL, &err), PCL_ENOENT);
    assert_string_equal(err.msg, "role page: want a page lock, found 'rwsem'");
    pcl_machine_fini(&m);
}

static void a_misspelt_lock_is_recognised(void **state)
{
    static const struct pcl_lock_choice page = {.lock = "hybird"}, range = {.lock = "rw_sem"},
                                        unknown = {.lock = "qqqqqqqq"};
    struct pcl_err err = {0};
    struct pcl_machine m = {0};
    struct pcl_range_locks R;
    struct pcl_page_locks L;

    (void)state;
    assert_int_equal(pcl_page_locks_init(&L, &m, &page, NULL, NULL, NULL, &err), PCL_ENOENT);
    assert_string_equal(err.hint, "did you mean 'hybrid'?");
    assert_int_equal(pcl_range_locks_init(&R, &m, PCL_ROLE_IOLOCK, &range, &err), PCL_ENOENT);
    assert_string_equal(err.hint, "did you mean 'rwsem'?");
    assert_int_equal(pcl_range_locks_init(&R, &m, PCL_ROLE_IOLOCK, &unknown, &err), PCL_ENOENT);
    assert_string_equal(err.hint, "see pclsim schemes --locks");
}

static void properties_have_names(void **state)
{
    char buf[128], tiny[6];

    (void)state;
    assert_string_equal(pcl_lock_props(PCL_PROP_FIFO | PCL_PROP_STEALS, buf, sizeof buf),
                        "fifo, steals");
    assert_string_equal(pcl_lock_props(0, buf, sizeof buf), "");
    assert_string_equal(pcl_lock_props(PCL_PROP_TRY_ONLY | PCL_PROP_BOUNDED, buf, sizeof buf),
                        "try-only, bounded");
    assert_true(strlen(pcl_lock_props(0xff, tiny, sizeof tiny)) < sizeof tiny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_found),
        cmocka_unit_test(parameters_default_and_override),
        cmocka_unit_test(wrong_parameters_are_explained),
        cmocka_unit_test(a_role_refuses_a_lock_of_the_other_kind),
        cmocka_unit_test(a_misspelt_lock_is_recognised),
        cmocka_unit_test(properties_have_names),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
