/*
 * The timeline of a run keeps the rules of Chrome trace-event JSON that viewers rely on, shows
 * what happened, and changes nothing.
 */
#include "rig.h"

#include <pclsim/timeline.h>

#include <jansson.h>

static char *timeline(const struct pcl_job *job, const struct pcl_timeline_opts *opts,
                      uint64_t *fingerprint, struct pcl_timeline_info *info)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    struct pcl_timeline *t = pcl_timeline_new(f, opts);
    struct pcl_result r;
    struct pcl_err err;

    pcl_result_init(&r);
    must(pcl_timeline_run(t, job, "a \"title\" \xff", &r, NULL, &err), &err);
    if (fingerprint)
        *fingerprint = r.fingerprint;
    pcl_result_fini(&r);
    assert_int_equal(pcl_timeline_end(t, info), PCL_OK);
    assert_int_equal(fclose(f), 0);
    assert_true(n <= opts->max_bytes && info->bytes >= n - 8 && info->bytes <= n + 8);
    return text;
}

/* --- the schema -------------------------------------------------------------------------- */

struct event {
    char ph;
    int64_t pid, tid;
    int64_t ts, dur; /* ns */
    const char *name, *cat;
    int64_t id;
    json_t *args;
    size_t at; /* place in the file */
};

struct events {
    json_t *root;
    struct event *v;
    size_t n;
};

/* Microseconds with three decimals are exact ns. */
static int64_t ns_of(json_t *v)
{
    double us = json_number_value(v);

    assert_true(json_is_number(v) && us >= 0 && us < 1e9);
    return llround(us * 1000.0);
}

static void read_event(json_t *j, struct event *e)
{
    const char *ph = json_string_value(json_object_get(j, "ph"));
    json_t *id = json_object_get(j, "id");

    assert_true(json_is_object(j) && ph && strlen(ph) == 1 && strchr("MXbesfi", *ph));
    e->ph = *ph;
    e->pid = json_integer_value(json_object_get(j, "pid"));
    e->tid = json_integer_value(json_object_get(j, "tid"));
    e->name = json_string_value(json_object_get(j, "name"));
    e->cat = json_string_value(json_object_get(j, "cat"));
    e->args = json_object_get(j, "args");
    assert_true(json_is_integer(json_object_get(j, "pid")) && e->pid > 0);
    assert_true(json_is_integer(json_object_get(j, "tid")) && e->name && *e->name);
    if (e->ph == 'M') {
        assert_non_null(e->args);
        return;
    }
    assert_non_null(e->cat);
    e->ts = ns_of(json_object_get(j, "ts"));
    e->dur = e->ph == 'X' ? ns_of(json_object_get(j, "dur")) : 0;
    if (strchr("sfbe", e->ph)) {
        assert_non_null(id);
        e->id = json_is_string(id) ? atoll(json_string_value(id)) : json_integer_value(id);
        assert_true(e->id > 0);
    }
    if (e->ph == 'f')
        assert_string_equal(json_string_value(json_object_get(j, "bp")), "e");
}

static struct events read_events(const char *text)
{
    json_error_t error;
    struct events e = {.root = json_loads(text, 0, &error)};
    json_t *list;

    if (!e.root)
        fail_msg("line %d: %s", error.line, error.text);
    assert_string_equal(json_string_value(json_object_get(e.root, "displayTimeUnit")), "ns");
    list = json_object_get(e.root, "traceEvents");
    assert_true(json_is_array(list));
    e.n = json_array_size(list);
    e.v = calloc(e.n + 1, sizeof(*e.v));
    for (size_t i = 0; i < e.n; i++) {
        read_event(json_array_get(list, i), &e.v[i]);
        e.v[i].at = i;
    }
    return e;
}

static void drop_events(struct events *e)
{
    json_decref(e->root);
    free(e->v);
}

/* By track, then time, the longer slice first: as viewers nest them. */
static int by_track(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    if ((x->ph == 'X') != (y->ph == 'X'))
        return x->ph == 'X' ? -1 : 1;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    if (x->tid != y->tid)
        return x->tid < y->tid ? -1 : 1;
    if (x->ts != y->ts)
        return x->ts < y->ts ? -1 : 1;
    if (x->dur != y->dur)
        return x->dur > y->dur ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Slices of a track nest; returns how many there are. All events are sorted afterwards. */
static size_t check_slices(struct events *e)
{
    size_t n = 0, depth = 0;
    int64_t ends[8];

    qsort(e->v, e->n, sizeof(*e->v), by_track);
    for (; n < e->n && e->v[n].ph == 'X'; n++) {
        const struct event *x = &e->v[n];
        if (n == 0 || x->pid != x[-1].pid || x->tid != x[-1].tid)
            depth = 0;
        while (depth > 0 && ends[depth - 1] <= x->ts)
            depth--;
        if (depth > 0 && x->ts + x->dur > ends[depth - 1])
            fail_msg("%s at %lld of %lld/%lld sticks out", x->name, (long long)x->ts,
                     (long long)x->pid, (long long)x->tid);
        assert_true(depth < 8);
        ends[depth++] = x->ts + x->dur;
    }
    return n;
}

/* Some slice of the track holds the instant. */
static bool inside(const struct events *e, size_t slices, const struct event *f)
{
    for (size_t i = 0; i < slices; i++) {
        const struct event *x = &e->v[i];
        if (x->pid == f->pid && x->tid == f->tid && x->ts <= f->ts && f->ts <= x->ts + x->dur)
            return true;
    }
    return false;
}

static int by_id(const void *a, const void *b)
{
    const struct event *const *x = a, *const *y = b;

    if ((*x)->id != (*y)->id)
        return (*x)->id < (*y)->id ? -1 : 1;
    return ((*x)->at > (*y)->at) - ((*x)->at < (*y)->at);
}

/* Events that come in pairs: begin before end, nothing else of this id. Returns the pairs. */
static size_t check_pairs(const struct events *e, size_t slices, char begin, char end)
{
    const struct event **v = calloc(e->n + 1, sizeof(struct event *));
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++) {
        if (e->v[i].ph == begin || e->v[i].ph == end)
            v[n++] = &e->v[i];
    }
    qsort(v, n, sizeof(*v), by_id);
    assert_true(n % 2 == 0);
    for (size_t i = 0; i < n; i += 2) {
        assert_true(v[i]->ph == begin && v[i + 1]->ph == end && v[i]->id == v[i + 1]->id);
        assert_true(i == 0 || v[i]->id != v[i - 1]->id);
        assert_true(v[i]->ts <= v[i + 1]->ts);
        assert_string_equal(v[i]->name, v[i + 1]->name);
        assert_string_equal(v[i]->cat, v[i + 1]->cat);
        for (size_t k = i; begin == 's' && k < i + 2; k++) {
            if (!inside(e, slices, v[k]))
                fail_msg("%c %lld at %lld of %lld/%lld is in no slice", v[k]->ph,
                         (long long)v[k]->id, (long long)v[k]->ts, (long long)v[k]->pid,
                         (long long)v[k]->tid);
        }
    }
    free(v);
    return n / 2;
}

static size_t count(const struct events *e, const char *cat)
{
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++)
        n += e->v[i].cat && strcmp(e->v[i].cat, cat) == 0;
    return n;
}

/* --- claims ------------------------------------------------------------------------------ */

static const struct pcl_timeline_opts all = {.to = PCL_NS_MAX, .max_bytes = 64 << 20};

static void the_rules_of_the_format_are_kept(void **state)
{
    char **paths;
    size_t n = shipped_names(&paths);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct setting s;
        struct pcl_timeline_info info;
        struct pcl_timeline_opts opts = {.to = 1000000, .max_bytes = 400000};
        struct events e;
        size_t slices;
        char *text;
        setting_shipped(&s, paths[i], "v5.9", NULL, 0);
        text = timeline(&s.job, &opts, NULL, &info);
        e = read_events(text);
        assert_int_equal(e.n, info.events);
        slices = check_slices(&e);
        (void)check_pairs(&e, slices, 's', 'f');
        assert_true(check_pairs(&e, slices, 'b', 'e') > 0 || count(&e, "op") > 0);
        drop_events(&e);
        free(text);
        setting_fini(&s);
        free(paths[i]);
    }
    free(paths);
}

static const char fight[] =
    "[scenario]\ntitle = t\nfs = page-only\nmachine = server-2s\nduration = 2ms\n"
    "[file f]\nsize = 4k\ncached = 4k\n"
    "[group a]\ntasks = 8\nfile = f\nmix = pagelock:1\nhold = 3us\n";

static void nobody_holds_what_another_holds_alone(void **state)
{
    struct setting s;
    struct pcl_timeline_info info;
    struct events e;
    char *text;
    int64_t free_from = 0, at = -1;

    (void)state;
    setting_text(&s, fight, "v5.9", NULL, 0);
    text = timeline(&s.job, &all, NULL, &info);
    e = read_events(text);
    assert_false(info.full);
    assert_true(count(&e, "wait") > 20 && count(&e, "wake") > 20 && count(&e, "cpu") > 8);
    for (size_t i = 0; i < e.n; i++) { /* one page; holds are told when they end */
        if (e.v[i].ph == 'b') {
            at = e.v[i].ts;
            assert_string_equal(e.v[i].name, "hold page X");
            assert_true(at >= free_from);
        } else if (e.v[i].ph == 'e') {
            assert_true(e.v[i].ts >= at);
            free_from = e.v[i].ts;
        }
    }
    assert_true(free_from > 1900000);
    drop_events(&e);
    free(text);
    setting_fini(&s);
}

static void watching_changes_nothing_and_equal_runs_give_equal_bytes(void **state)
{
    struct setting s;
    struct pcl_timeline_info info;
    struct pcl_result r;
    uint64_t seen[2];
    char *text[2];

    (void)state;
    setting_text(&s, fight, "v5.9", NULL, 0);
    run_ok(&s.job, &r);
    for (int i = 0; i < 2; i++)
        text[i] = timeline(&s.job, &all, &seen[i], &info);
    assert_string_equal(text[0], text[1]);
    assert_true(seen[0] == r.fingerprint && seen[1] == r.fingerprint);
    pcl_result_fini(&r);
    free(text[0]);
    free(text[1]);
    setting_fini(&s);
}

static void a_window_shows_what_overlaps_it_cut_to_it(void **state)
{
    struct setting s;
    struct pcl_timeline_info info;
    struct pcl_timeline_opts opts = {.from = 500000, .to = 600000, .max_bytes = 1 << 20};
    struct events e;
    char *text;

    (void)state;
    setting_text(&s, fight, "v5.9", NULL, 0);
    text = timeline(&s.job, &opts, NULL, &info);
    e = read_events(text);
    assert_true(info.to == 600000 && count(&e, "op") > 10);
    for (size_t i = 0; i < e.n; i++) {
        if (e.v[i].ph != 'M')
            assert_true(e.v[i].ts >= 500000 && e.v[i].ts + e.v[i].dur <= 600000);
    }
    drop_events(&e);
    free(text);
    setting_fini(&s);
}

static void a_full_timeline_ends_early_and_whole(void **state)
{
    struct setting s;
    struct pcl_timeline_info info;
    struct pcl_timeline_opts opts = {.to = PCL_NS_MAX, .max_bytes = 65536};
    struct events e;
    char *text;
    size_t slices;

    (void)state;
    setting_text(&s, fight, "v5.9", NULL, 0);
    text = timeline(&s.job, &opts, NULL, &info);
    e = read_events(text);
    slices = check_slices(&e);
    assert_true(info.full && info.to < 2000000 && info.bytes > 32768);
    assert_true(check_pairs(&e, slices, 'b', 'e') > 10);
    drop_events(&e);
    free(text);
    setting_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rules_of_the_format_are_kept),
        cmocka_unit_test(nobody_holds_what_another_holds_alone),
        cmocka_unit_test(watching_changes_nothing_and_equal_runs_give_equal_bytes),
        cmocka_unit_test(a_window_shows_what_overlaps_it_cut_to_it),
        cmocka_unit_test(a_full_timeline_ends_early_and_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
