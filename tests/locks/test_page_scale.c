/*
 * A hundred thousand tasks on one page: what it costs to simulate them grows with their number,
 * not with its square, and the walks are as long as they would be.
 */
#include "rig.h"
#include "wait_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TASKS = 100000, STEPS_PER_TASK = 60 };

/* Each task takes the page once; the first keeps it until all others sleep. A shared one waits
 * for it to be free. */
struct crowd {
    struct pcl_machine m;
    struct pcl_page_locks L;
    uint8_t *flags;
    uint8_t *at; /* [TASKS] */
    enum pcl_page_what what;
    uint32_t served, second_folio;
};

enum { COME, TAKE, KEEP, GIVE, GIVING, GO };

static uint32_t folio_of(const struct crowd *c, uint32_t body)
{
    return body == 0 || body >= c->second_folio;
}

static uint32_t pfn(void *arg, uint32_t folio)
{
    (void)arg;
    return folio;
}

static void step(struct pcl_machine *m, uint32_t body)
{
    struct crowd *c = m->owner;
    enum pcl_page_what what = body == 0 ? PCL_PAGE_LOCK : c->what;

    switch (c->at[body]) {
    case COME:
        c->at[body] = TAKE;
        pcl_sleep_until(m, 1 + body);
        break;
    case TAKE:
        if (!m->task[body].stamp) {
            pcl_stamp(m);
            pcl_page_begin(&c->L, what, folio_of(c, body), PCL_PG_LOCKED, false);
        }
        if (pcl_page_step(&c->L) == PCL_MORE)
            break;
        c->served++;
        c->at[body] = body == 0 ? KEEP : what == PCL_PAGE_LOCK ? GIVE : GO;
        break;
    case KEEP:
        c->at[body] = GIVE;
        pcl_sleep_until(m, 2 * TASKS);
        break;
    case GIVE:
        pcl_page_begin(&c->L, PCL_PAGE_UNLOCK, folio_of(c, body), PCL_PG_LOCKED, false);
        c->at[body] = GIVING;
        break;
    case GIVING:
        if (pcl_page_step(&c->L) == PCL_DONE)
            c->at[body] = GO;
        break;
    default:
        pcl_exit(m);
    }
}

static void come(struct crowd *c, const char *lock, enum pcl_page_what what, uint32_t second,
                 bool locked)
{
    struct pcl_lock_choice choice = {.n_params = 0};
    struct pcl_profile p;
    struct pcl_err err;

    pcl_profile_ideal(&p);
    *c = (struct crowd){.what = what, .second_folio = second};
    pcl_machine_init(&c->m,
                     &(struct pcl_machine_conf){.profile = &p,
                                                .n_tasks = TASKS,
                                                .seed = 1,
                                                .run_ahead = true,
                                                .step = step,
                                                .owner = c},
                     NULL);
    c->flags = pcl_xcalloc(8, 1);
    c->flags[0] = locked ? PCL_PG_LOCKED : 0;
    c->at = pcl_xcalloc(TASKS, 1);
    (void)snprintf(choice.lock, sizeof choice.lock, "%s", lock);
    for (const struct pcl_lock_param_info *i = rig_params(rig_lock(lock)); i && i->name; i++)
        if (strcmp(i->name, "bits") == 0)
            choice.param[choice.n_params++] = (struct pcl_lock_param){"bits", 0};
    assert_int_equal(pcl_page_locks_init(&c->L, &c->m, &choice, &c->flags, pfn, NULL, &err), 0);
    for (uint32_t b = 0; b < TASKS; b++)
        pcl_task_start(&c->m, b, 0);
    assert_int_equal(pcl_machine_run(&c->m, PCL_NS_MAX, NULL), PCL_OK);
}

static void leave(struct crowd *c)
{
    pcl_page_locks_fini(&c->L);
    pcl_machine_fini(&c->m);
    free(c->flags);
    free(c->at);
}

static void for_each_page_lock(void (*fn)(const char *lock))
{
    for (size_t i = 0; i < pcl_n_locks; i++)
        if (pcl_lock_list[i].kind == PCL_LOCK_PAGE)
            fn(pcl_lock_list[i].page->name);
}

static void one_after_the_other(const char *lock)
{
    struct crowd c;

    come(&c, lock, PCL_PAGE_LOCK, 0, false);
    if (c.served != TASKS || c.m.steps > (uint64_t)STEPS_PER_TASK * TASKS)
        fail_msg("%s: %u served in %llu steps", lock, c.served, (unsigned long long)c.m.steps);
    leave(&c);
}

static void owners_are_served_in_linear_work(void **state)
{
    (void)state;
    for_each_page_lock(one_after_the_other);
}

static void all_at_once(const char *lock)
{
    struct crowd c;

    come(&c, lock, PCL_PAGE_WAIT, 0, false);
    if (c.served != TASKS || c.m.steps > (uint64_t)STEPS_PER_TASK * TASKS)
        fail_msg("%s: %u served in %llu steps", lock, c.served, (unsigned long long)c.m.steps);
    if (c.L.stats.walks && c.L.stats.walk_max != TASKS - 1)
        fail_msg("%s: the walk visits %llu", lock, (unsigned long long)c.L.stats.walk_max);
    leave(&c);
}

static void one_walk_wakes_a_crowd_in_linear_work(void **state)
{
    (void)state;
    for_each_page_lock(all_at_once);
}

/* All but two sleep on a page of the same bucket that nobody unlocks. */
static void behind_strangers(const char *lock)
{
    struct crowd c;

    come(&c, lock, PCL_PAGE_LOCK, TASKS - 1, true);
    if (c.served != 2 || c.m.steps > (uint64_t)STEPS_PER_TASK * TASKS)
        fail_msg("%s: %u served in %llu steps", lock, c.served, (unsigned long long)c.m.steps);
    if (c.L.stats.walks && c.L.n_buckets == 1 && c.L.stats.walk_foreign < TASKS - 2)
        fail_msg("%s: the walk passes %llu strangers", lock,
                 (unsigned long long)c.L.stats.walk_foreign);
    leave(&c);
}

static void a_walk_past_a_crowd_of_strangers_is_as_long_as_they_are_many(void **state)
{
    (void)state;
    for_each_page_lock(behind_strangers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_are_served_in_linear_work),
        cmocka_unit_test(one_walk_wakes_a_crowd_in_linear_work),
        cmocka_unit_test(a_walk_past_a_crowd_of_strangers_is_as_long_as_they_are_many),
    };

    return cmocka_run_group_tests_name("page-scale", tests, NULL, NULL);
}
