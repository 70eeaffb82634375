/*
 * Ranks over MPI. Rank 0 keeps two runs under way at each of the others, so that nobody waits
 * for an answer between two runs, and whoever is faster gets more. Waiting looks for messages
 * and sleeps in between: a rank that has nothing to do leaves its CPU to those that have.
 */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pclsim/ranks.h>

#include "study_internal.h"

enum { AHEAD = 2, TEXT = 72, COMMIT_S = 1 };
enum tag { TAG_RUN = 1, TAG_GO_HOME, TAG_ENDED, TAG_FAILED, TAG_GONE };

struct pcl_ranks {
    int number, count;
};

/* Messages are plain bytes: all ranks run the same program. */
struct order {
    uint64_t at, job; /* at: rank 0's own number for it */
};

struct ended {
    uint64_t at;
    struct pcl_study_outcome outcome;
};

struct report {
    int code;
    char msg[512], hint[256];
};

int pcl_ranks_start(struct pcl_ranks **out, struct pcl_err *err)
{
    struct pcl_ranks *r = pcl_xcalloc(1, sizeof(*r));

    if (MPI_Init(NULL, NULL) != MPI_SUCCESS) {
        free(r);
        return pcl_fail(err, PCL_EFAIL, "MPI does not start");
    }
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &r->number);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &r->count);
    *out = r;
    return PCL_OK;
}

void pcl_ranks_end(struct pcl_ranks *r)
{
    if (!r)
        return;
    (void)MPI_Finalize();
    free(r);
}

int pcl_ranks_number(const struct pcl_ranks *r)
{
    return r ? r->number : 0;
}

int pcl_ranks_count(const struct pcl_ranks *r)
{
    return r ? r->count : 1;
}

/* --- agreement -------------------------------------------------------------------------------
 */

struct opinion {
    int code;
    char text[TEXT], msg[512], hint[256];
};

int pcl_ranks_agree(struct pcl_ranks *r, int code, const char *text, struct pcl_err *err)
{
    struct opinion mine = {.code = code}, *all;
    int rc = PCL_OK;

    (void)snprintf(mine.text, sizeof(mine.text), "%s", text);
    if (code != PCL_OK) {
        (void)snprintf(mine.msg, sizeof(mine.msg), "%.500s", err->msg);
        (void)snprintf(mine.hint, sizeof(mine.hint), "%s", err->hint);
    }
    all = pcl_xcalloc((size_t)r->count, sizeof(*all));
    (void)MPI_Allgather(&mine, (int)sizeof(mine), MPI_BYTE, all, (int)sizeof(mine), MPI_BYTE,
                        MPI_COMM_WORLD);
    for (int i = 0; rc == PCL_OK && i < r->count; i++) {
        if (all[i].code != PCL_OK)
            rc = i == r->number ? code /* err says it, with its place */
                                : pcl_fail(err, all[i].code, "rank %d: %s", i, all[i].msg);
        else if (strcmp(all[i].text, all[0].text) != 0)
            rc = pcl_fail(err, PCL_EINVAL,
                          "rank %d read another scenario, scheme or machine than rank 0: "
                          "all hosts need the same files",
                          i);
        if (rc != PCL_OK && i != r->number && all[i].hint[0])
            (void)pcl_hint(err, "%s", all[i].hint);
    }
    free(all);
    return rc;
}

/* --- waiting ---------------------------------------------------------------------------------
 */

static bool message(int from, MPI_Status *status)
{
    int there = 0;

    (void)MPI_Iprobe(from, MPI_ANY_TAG, MPI_COMM_WORLD, &there, status);
    return there;
}

static void doze(void)
{
    const struct timespec t = {0, 500 * 1000};

    (void)nanosleep(&t, NULL);
}

/* --- rank 0 ----------------------------------------------------------------------------------
 */

struct hand_out {
    const struct pcl_ranks *r;
    size_t n, next, under_way;
    size_t *at; /* by rank: runs that it has */
    bool *gone; /* by rank: it failed and takes no more */
    size_t (*job)(size_t i, void *arg);
    void (*ended)(size_t i, const struct pcl_study_outcome *o, void *arg);
    void *arg;
    struct pcl_err *err;
    int rc;
};

/* Gives a rank more, up to depth runs. */
static void feed(struct hand_out *h, int rank, size_t depth)
{
    while (h->rc == PCL_OK && !h->gone[rank] && h->at[rank] < depth && h->next < h->n) {
        struct order o = {h->next, h->job(h->next, h->arg)};

        (void)MPI_Send(&o, (int)sizeof(o), MPI_BYTE, rank, TAG_RUN, MPI_COMM_WORLD);
        h->at[rank]++;
        h->under_way++;
        h->next++;
    }
}

static void hear(struct hand_out *h, const MPI_Status *from)
{
    int rank = from->MPI_SOURCE;

    if (from->MPI_TAG == TAG_ENDED) {
        struct ended e;

        (void)MPI_Recv(&e, (int)sizeof(e), MPI_BYTE, rank, TAG_ENDED, MPI_COMM_WORLD,
                       MPI_STATUS_IGNORE);
        h->at[rank]--;
        h->under_way--;
        h->ended(e.at, &e.outcome, h->arg);
        feed(h, rank, AHEAD);
    } else {
        struct report p;

        (void)MPI_Recv(&p, (int)sizeof(p), MPI_BYTE, rank, TAG_FAILED, MPI_COMM_WORLD,
                       MPI_STATUS_IGNORE);
        h->under_way -= h->at[rank];
        h->at[rank] = 0;
        h->gone[rank] = true;
        if (h->rc == PCL_OK)
            h->rc = pcl_fail(h->err, p.code, "rank %d: %s", rank, p.msg);
    }
}

int pcl_ranks_run(struct pcl_ranks *r, size_t n, size_t (*job)(size_t i, void *arg),
                  void (*ended)(size_t i, const struct pcl_study_outcome *o, void *arg),
                  void *arg, const volatile int *cancel, struct pcl_err *err)
{
    struct hand_out h = {.r = r,
                         .n = n,
                         .at = pcl_xcalloc((size_t)r->count, sizeof(size_t)),
                         .gone = pcl_xcalloc((size_t)r->count, sizeof(bool)),
                         .job = job,
                         .ended = ended,
                         .arg = arg,
                         .err = err};

    for (size_t depth = 1; depth <= AHEAD; depth++) /* one each before anybody has two */
        for (int rank = 1; rank < r->count; rank++)
            feed(&h, rank, depth);
    while (h.under_way > 0) {
        MPI_Status from;

        if (message(MPI_ANY_SOURCE, &from))
            hear(&h, &from);
        else
            doze();
        if (cancel && *cancel && h.rc == PCL_OK)
            h.rc = pcl_fail(err, PCL_EINTR, "interrupted");
    }
    free(h.at);
    free(h.gone);
    return h.rc;
}

int pcl_ranks_dismiss(struct pcl_ranks *r, struct pcl_err *err)
{
    int rc = PCL_OK;

    for (int rank = 1; rank < r->count; rank++)
        (void)MPI_Send(NULL, 0, MPI_BYTE, rank, TAG_GO_HOME, MPI_COMM_WORLD);
    for (int rank = 1; rank < r->count; rank++) {
        union {
            struct ended unread; /* what it said before it heard this */
            struct report last;
        } m = {0};
        MPI_Status from;

        do
            (void)MPI_Recv(&m, (int)sizeof(m), MPI_BYTE, rank, MPI_ANY_TAG, MPI_COMM_WORLD,
                           &from);
        while (from.MPI_TAG != TAG_GONE);
        if (m.last.code != PCL_OK && rc == PCL_OK)
            rc = pcl_fail(err, m.last.code, "rank %d: %s", rank, m.last.msg);
    }
    return rc;
}

/* --- the others ------------------------------------------------------------------------------
 */

struct server {
    const struct pcl_study *study;
    const struct pcl_study_precision *precision;
    struct pcl_store *store;
    const volatile int *cancel;
    bool open; /* a transaction is, since: */
    time_t since;
    int rc; /* the first failure */
    struct pcl_err err;
};

static time_t seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void report(const struct server *v, enum tag tag)
{
    struct report p = {.code = v->rc};

    if (v->rc != PCL_OK)
        (void)snprintf(p.msg, sizeof(p.msg), "%.500s", v->err.msg);
    (void)MPI_Send(&p, (int)sizeof(p), MPI_BYTE, 0, tag, MPI_COMM_WORLD);
}

/* Says so at once; from then on it waits to be dismissed. */
static void fail(struct server *v, int code)
{
    if (v->rc != PCL_OK)
        return;
    v->rc = code;
    report(v, TAG_FAILED);
}

static int commit(struct server *v)
{
    if (!v->open)
        return PCL_OK;
    v->open = false;
    return pcl_store_commit(v->store, &v->err);
}

static int keep(struct server *v, size_t job, const struct pcl_result *res)
{
    int rc = PCL_OK;

    if (!v->open) {
        rc = pcl_store_begin(v->store, &v->err);
        v->open = rc == PCL_OK;
        v->since = seconds();
    }
    if (rc == PCL_OK)
        rc = pcl_study_keep(v->study, job, res, v->store, &v->err);
    if (rc != PCL_OK)
        v->open = false;
    else if (seconds() - v->since >= COMMIT_S)
        rc = commit(v);
    return rc;
}

static void serve_one(struct server *v, const struct order *o)
{
    struct ended e = {.at = o->at};
    struct pcl_result res;
    struct pcl_job job;
    int rc;

    pcl_result_init(&res);
    pcl_study_job(v->study, o->job, &job);
    rc = pcl_run(&job, &res, v->cancel, &v->err);
    if (rc != PCL_OK && rc != PCL_EINTR) {
        res.failed = true;
        res.code = rc;
        (void)snprintf(res.error, sizeof(res.error), "%.500s", v->err.msg);
        rc = PCL_OK;
    }
    if (rc == PCL_OK)
        rc = keep(v, o->job, &res);
    if (rc == PCL_OK) {
        e.outcome = pcl_study_outcome_of(&res, v->precision);
        (void)MPI_Send(&e, (int)sizeof(e), MPI_BYTE, 0, TAG_ENDED, MPI_COMM_WORLD);
    } else {
        fail(v, rc);
    }
    pcl_result_fini(&res);
}

/* Until rank 0 says that it is over. */
static void serve(struct server *v)
{
    for (;;) {
        MPI_Status from;
        struct order o;

        if (!message(0, &from)) {
            int rc = commit(v); /* there is time */

            if (rc != PCL_OK)
                fail(v, rc);
            doze();
            continue;
        }
        (void)MPI_Recv(&o, (int)sizeof(o), MPI_BYTE, 0, from.MPI_TAG, MPI_COMM_WORLD,
                       MPI_STATUS_IGNORE);
        if (from.MPI_TAG == TAG_GO_HOME)
            return;
        if (v->rc == PCL_OK)
            serve_one(v, &o);
    }
}

int pcl_ranks_serve(struct pcl_ranks *r, const struct pcl_study *s,
                    const struct pcl_study_precision *precision, const char *path,
                    const volatile int *cancel)
{
    struct server v = {.study = s, .precision = precision, .cancel = cancel};
    char own[4200];
    int rc;

    pcl_store_rank_path(path, r->number, own, sizeof(own));
    rc = pcl_store_open(own, PCL_STORE_WRITE, &v.store, &v.err);
    if (rc != PCL_OK)
        fail(&v, rc);
    serve(&v);
    rc = commit(&v);
    if (v.rc == PCL_OK)
        v.rc = rc;
    pcl_store_close(v.store);
    report(&v, TAG_GONE);
    return v.rc;
}
