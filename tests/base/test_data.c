/*
 * Data files: which root wins, what an installed binary sees, and what a miss says. The test
 * copies itself to play a binary elsewhere: called as `test --find KIND NAME EXT` it prints the
 * path it finds.
 */
#include "tmpdir.h"

static char dir[] = "/tmp/pclsim-test-XXXXXX";

static void put(const char *name)
{
    tmp_write(dir, name, "x", 1);
}

static int make_dirs(void **state)
{
    char home[512], config[512];

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    put("data/things/a.ini");
    put("data/things/both.ini");
    put("config/pclsim/things/b.ini");
    put("config/pclsim/things/both.ini");
    put("home/.config/pclsim/things/c.ini");
    put("app/share/pclsim/things/d.ini");
    put("app/share/pclsim/things/both.ini");
    put("app/share/pclsim/things/sub/e.ini");
    put("cwd/local.ini");
    put("cwd/things/near.ini");
    put("cwd/a/in-a-folder-called-a");
    (void)tmp_path(home, sizeof home, dir, "home");
    (void)tmp_path(config, sizeof config, dir, "config");
    return setenv("HOME", home, 1) || setenv("XDG_CONFIG_HOME", config, 1) ||
           unsetenv("PCLSIM_DATA");
}

static int drop_dirs(void **state)
{
    (void)state;
    tmp_remove(dir);
    return 0;
}

/* The path that a copy of this program at bin finds, without dir before it. */
static void found_by(const char *bin, const char *env, const char *name, const char *want)
{
    char command[2048], got[1024] = "", *text = got;
    size_t n;
    FILE *p;

    (void)snprintf(command, sizeof command,
                   "mkdir -p \"$(dirname '%s')\" && cp -f /proc/%d/exe '%s' && cd '%s/cwd' && "
                   "%s '%s' --find things '%s' .ini",
                   bin, (int)getpid(), bin, dir, env, bin, name);
    p = popen(command, "r");
    assert_non_null(p);
    n = fread(got, 1, sizeof got - 1, p);
    got[n] = '\0';
    assert_int_equal(pclose(p), 0);
    if (strncmp(text, dir, strlen(dir)) == 0)
        text += strlen(dir);
    assert_string_equal(text, want);
}

static void the_first_root_wins(void **state)
{
    char bin[512], data[600], home[64] = "env -u XDG_CONFIG_HOME HOME=/nowhere";

    (void)state;
    (void)tmp_path(bin, sizeof bin, dir, "app/bin/tool");
    (void)snprintf(data, sizeof data, "PCLSIM_DATA='%s/data'", dir);
    found_by(bin, data, "a", "/data/things/a.ini");
    found_by(bin, data, "a.ini", "/data/things/a.ini");
    found_by(bin, data, "both", "/data/things/both.ini");
    found_by(bin, "", "both", "/config/pclsim/things/both.ini");
    found_by(bin, "", "b", "/config/pclsim/things/b.ini");
    found_by(bin, "", "c", "none");
    found_by(bin, "env -u XDG_CONFIG_HOME", "c", "/home/.config/pclsim/things/c.ini");
    found_by(bin, "XDG_CONFIG_HOME=relative", "c", "/home/.config/pclsim/things/c.ini");
    found_by(bin, home, "both", "/app/share/pclsim/things/both.ini");
}

static void an_installation_may_be_moved(void **state)
{
    char bin[512];

    (void)state;
    found_by(tmp_path(bin, sizeof bin, dir, "app/bin/tool"), "", "d",
             "/app/share/pclsim/things/d.ini");
    found_by(tmp_path(bin, sizeof bin, dir, "elsewhere/bin/tool"), "", "d", "none");
}

static void a_path_is_a_path(void **state)
{
    char bin[512], absolute[512];

    (void)state;
    (void)tmp_path(bin, sizeof bin, dir, "app/bin/tool");
    found_by(bin, "", "local.ini", "local.ini");
    found_by(bin, "", "local", "local.ini");
    found_by(bin, "", "./local", "./local.ini");
    found_by(bin, "", "things/near", "things/near.ini");
    found_by(bin, "", "../data/things/a", "../data/things/a.ini");
    found_by(bin, "", "./d", "none"); /* not looked up elsewhere */
    found_by(bin, "", tmp_path(absolute, sizeof absolute, dir, "data/things/a.ini"),
             "/data/things/a.ini");
    found_by(bin, "", "sub/e", "/app/share/pclsim/things/sub/e.ini");
    /* a folder of that name in the way hides nothing */
    (void)snprintf(absolute, sizeof absolute, "PCLSIM_DATA='%s/data'", dir);
    found_by(bin, absolute, "a", "/data/things/a.ini");
}

/* The source tree serves binaries of the build tree, and only those. */
static void only_a_binary_in_the_build_tree_sees_the_source_tree(void **state)
{
    char bin[1024], want[1024], command[4096];
    char *path = NULL;
    struct pcl_err err;

    (void)state;
    (void)snprintf(want, sizeof want, "%s/tests/base/CMakeLists.txt", PCLSIM_SOURCE_DIR);
    assert_int_equal(pcl_find_data("tests/base", "CMakeLists", ".txt", &path, &err), PCL_OK);
    assert_string_equal(path, want);
    free(path);
    (void)tmp_path(bin, sizeof bin, dir, "app/bin/tool");
    (void)snprintf(command, sizeof command,
                   "cp -f /proc/%d/exe '%s' && cd / && test \"$('%s' --find tests/base "
                   "CMakeLists .txt)\" = none",
                   (int)getpid(), bin, bin);
    assert_int_equal(system(command), 0);
}

static void a_miss_names_the_places_and_suggests(void **state)
{
    struct pcl_err err;
    char data[512], *path = NULL, *text;

    (void)state;
    (void)setenv("PCLSIM_DATA", tmp_path(data, sizeof data, dir, "data"), 1);
    assert_int_equal(pcl_find_data("things", "bohh", ".ini", &path, &err), PCL_ENOENT);
    text = printed(&err);
    assert_non_null(
        strstr(text, "pclsim: error: no 'bohh' in things; looked in: ., /tmp/pclsim"));
    assert_non_null(strstr(text, "/data/things, "));
    assert_non_null(strstr(text, "/config/pclsim/things, "));
    assert_non_null(strstr(text, "did you mean 'both'?"));
    free(text);
    assert_int_equal(pcl_find_data("things", "./x", ".ini", &path, &err), PCL_ENOENT);
    assert_prints(&err, "pclsim: error: no file './x'\n");
    assert_int_equal(pcl_find_data("things", "", ".ini", &path, &err), PCL_EINVAL);
    assert_prints(&err, "pclsim: error: want a name from things, found nothing\n");
    assert_int_equal(pcl_find_data("things", "zzz", ".ini", &path, NULL), PCL_ENOENT);
    assert_null(path);
    (void)unsetenv("PCLSIM_DATA");
}

static void a_list_has_each_name_once_in_order(void **state)
{
    static const char *const want[] = {"/data/things/a.ini", "/config/pclsim/things/b.ini",
                                       "/data/things/both.ini"};
    char data[512], **paths;
    size_t n;

    (void)state;
    (void)setenv("PCLSIM_DATA", tmp_path(data, sizeof data, dir, "data"), 1);
    n = pcl_list_data("things", ".ini", &paths);
    assert_int_equal(n, LENGTH(want));
    for (size_t i = 0; i < n; i++)
        assert_string_equal(paths[i] + strlen(dir), want[i]);
    pcl_free_list(paths, n);
    assert_int_equal(pcl_list_data("no-such-kind", ".ini", &paths), 0);
    pcl_free_list(paths, 0);
    (void)unsetenv("PCLSIM_DATA");
}

static void files_that_add_to_each_other_are_all_found(void **state)
{
    char data[512], **paths;
    size_t n;

    (void)state;
    (void)setenv("PCLSIM_DATA", tmp_path(data, sizeof data, dir, "data"), 1);
    n = pcl_find_all_data("things", "both.ini", &paths);
    assert_int_equal(n, 2);
    assert_string_equal(paths[0] + strlen(dir), "/data/things/both.ini");
    assert_string_equal(paths[1] + strlen(dir), "/config/pclsim/things/both.ini");
    pcl_free_list(paths, n);
    n = pcl_find_all_data("things", "none.ini", &paths);
    assert_int_equal(n, 0);
    pcl_free_list(paths, n);
    (void)unsetenv("PCLSIM_DATA");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_root_wins),
        cmocka_unit_test(an_installation_may_be_moved),
        cmocka_unit_test(a_path_is_a_path),
        cmocka_unit_test(only_a_binary_in_the_build_tree_sees_the_source_tree),
        cmocka_unit_test(a_miss_names_the_places_and_suggests),
        cmocka_unit_test(a_list_has_each_name_once_in_order),
        cmocka_unit_test(files_that_add_to_each_other_are_all_found),
    };

    if (argc == 5 && strcmp(argv[1], "--find") == 0) {
        char *path;

        if (pcl_find_data(argv[2], argv[3], argv[4], &path, NULL) != PCL_OK) {
            (void)fputs("none", stdout);
            return 0;
        }
        (void)fputs(path, stdout);
        free(path);
        return 0;
    }
    return cmocka_run_group_tests(tests, make_dirs, drop_dirs);
}
