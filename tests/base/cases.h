/* What every test of this folder includes: CMocka with what it wants before it, and the printed
 * form of a message, which is what users see. */
#ifndef PCLSIM_TESTS_BASE_CASES_H
#define PCLSIM_TESTS_BASE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/base.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/** The message as it is printed; the caller frees it. */
static inline char *printed(const struct pcl_err *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    pcl_err_print(f, err);
    assert_int_equal(fclose(f), 0);
    return text;
}

#define assert_prints(err, want)                                                               \
    do {                                                                                       \
        char *text_ = printed(err);                                                            \
        assert_string_equal(text_, want);                                                      \
        free(text_);                                                                           \
    } while (0)

#endif
