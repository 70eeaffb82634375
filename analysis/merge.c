/*
 * One store into another. The other file is attached and its rows are copied by a few
 * statements in one transaction, so that a million runs take seconds and half a merge does not
 * exist. What must not be mixed (other models, other scenarios of the same name, results that
 * contradict each other) is looked for before anything is written.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_internal.h"

/* What each side calls the same configuration. */
#define SAME_NAMES                                                                             \
    " m.label=c.label AND m.params=c.params AND m.scheme=c.scheme AND m.machine=c.machine"     \
    " AND m.replay=c.replay AND m.trace_sha256=c.trace_sha256 "

/* A query that finds a row when something is wrong, and what then is to be said: up to three
 * columns of the row, after the names of both files. */
static const struct check {
    const char *sql, *what;
} checks[] = {
    {"SELECT t.build, (SELECT group_concat(DISTINCT build) FROM main.study), '' FROM src.study "
     "t"
     " WHERE EXISTS(SELECT 1 FROM main.study) AND NOT EXISTS(SELECT 1 FROM main.study"
     " WHERE build=t.build)",
     "its runs are of model build %s, those of the other store of build %s"},
    {"SELECT t.workload, (SELECT group_concat(DISTINCT workload) FROM main.study), '' FROM"
     " src.study t WHERE EXISTS(SELECT 1 FROM main.study) AND NOT EXISTS(SELECT 1 FROM"
     " main.study WHERE workload=t.workload AND kind=t.kind AND title=t.title)",
     "it is about another scenario, '%s', than the other store (%s)"},
    {"SELECT t.workload, substr(c.source,1,12), substr(m.source,1,12) FROM src.config c JOIN"
     " src.study t USING(study_id) JOIN main.study u ON u.workload=t.workload AND u.kind=t.kind"
     " AND u.title=t.title JOIN main.config m ON m.study_id=u.study_id WHERE c.source<>'' AND"
     " m.source<>'' AND c.source NOT IN (SELECT source FROM main.config) LIMIT 1",
     "the scenario '%s' was changed between them: %s.. here, %s.. in the other store"},
    {"SELECT t.workload, c.scheme, c.machine FROM src.config c JOIN src.study t USING(study_id)"
     " JOIN main.study u ON u.workload=t.workload AND u.kind=t.kind AND u.title=t.title AND"
     " u.build=t.build JOIN main.config m ON m.study_id=u.study_id AND" SAME_NAMES
     "WHERE c.hash NOT IN (SELECT hash FROM main.config) LIMIT 1",
     "'%s' under scheme %s on machine %s is not what it is in the other store: the "
     "scenario, the scheme or the machine was changed between them"},
    {"SELECT substr(r.key,1,12), c.scheme, r.rep FROM src.run r JOIN main.run o USING(key) JOIN"
     " src.config c ON c.config_id=r.config_id WHERE r.state=o.state AND (r.fingerprint,r.ops,"
     "r.events,r.sim_ns,r.warmup_ns,r.violations,r.code)<>(o.fingerprint,o.ops,o.events,"
     "o.sim_ns,o.warmup_ns,o.violations,o.code) LIMIT 1",
     "run %s.. (scheme %s, replication %s) has another result in the other store: equal inputs "
     "must give equal results"},
    {"SELECT substr(r.key,1,12), c.scheme, r.rep FROM src.run r JOIN main.run o USING(key) JOIN"
     " src.config c ON c.config_id=r.config_id JOIN src.scalar x ON x.run_id=r.run_id JOIN"
     " src.metric n ON n.metric_id=x.metric_id JOIN main.metric q ON q.name=n.name AND"
     " q.unit=n.unit AND q.better=n.better JOIN main.scalar y ON y.run_id=o.run_id AND"
     " y.metric_id=q.metric_id AND y.object=x.object WHERE r.state=o.state AND x.value IS NOT"
     " y.value LIMIT 1",
     "run %s.. (scheme %s, replication %s) has another number in the other store: equal inputs "
     "must give equal results"},
};

/* What is copied, in this order. take pairs the numbers of runs there with those here. */
static const char *const copies[] = {
    "CREATE TEMP TABLE take(src INTEGER PRIMARY KEY, dst INTEGER NOT NULL);",
    "INSERT INTO take SELECT run_id, row_number() OVER (ORDER BY run_id) +"
    " (SELECT coalesce(max(run_id),0) FROM main.run) FROM src.run r WHERE NOT EXISTS"
    " (SELECT 1 FROM main.run o WHERE o.key=r.key AND (o.state='done' OR r.state='failed'));",
    "DELETE FROM main.run WHERE state='failed' AND key IN"
    " (SELECT key FROM src.run JOIN take ON src=run_id);",
    "INSERT OR IGNORE INTO main.study(workload,kind,title,build)"
    " SELECT workload,kind,title,build FROM src.study ORDER BY study_id;",
    "CREATE TEMP TABLE fresh AS SELECT c.config_id AS src, c.hash FROM src.config c"
    " WHERE c.hash NOT IN (SELECT hash FROM main.config);",
    "INSERT INTO main.config(study_id,hash,label,params,scheme,scheme_text,machine,"
    "machine_text,scenario_text,trace_sha256,replay,varies,source)"
    " SELECT u.study_id,c.hash,c.label,c.params,c.scheme,c.scheme_text,c.machine,"
    "c.machine_text,c.scenario_text,c.trace_sha256,c.replay,c.varies,c.source"
    " FROM src.config c JOIN src.study t USING(study_id) JOIN main.study u"
    " ON u.workload=t.workload AND u.kind=t.kind AND u.title=t.title AND u.build=t.build"
    " JOIN fresh ON fresh.src=c.config_id ORDER BY c.config_id;",
    "INSERT INTO main.param(config_id,name,value) SELECT m.config_id,p.name,p.value"
    " FROM src.param p JOIN fresh ON fresh.src=p.config_id"
    " JOIN main.config m ON m.hash=fresh.hash;",
    "INSERT OR IGNORE INTO main.metric(name,unit,better)"
    " SELECT name,unit,better FROM src.metric ORDER BY metric_id;",
    "INSERT INTO main.run(run_id,config_id,rep,seed,key,state,code,error,fingerprint,sim_ns,"
    "warmup_ns,ops,events,violations) SELECT dst,m.config_id,r.rep,r.seed,r.key,r.state,r.code,"
    "r.error,r.fingerprint,r.sim_ns,r.warmup_ns,r.ops,r.events,r.violations FROM take"
    " JOIN src.run r ON r.run_id=take.src JOIN src.config c ON c.config_id=r.config_id"
    " JOIN main.config m ON m.hash=c.hash ORDER BY dst;",
    "INSERT INTO main.scalar(run_id,metric_id,object,value)"
    " SELECT dst,q.metric_id,x.object,x.value FROM take JOIN src.scalar x ON x.run_id=take.src"
    " JOIN src.metric n ON n.metric_id=x.metric_id JOIN main.metric q"
    " ON q.name=n.name AND q.unit=n.unit AND q.better=n.better ORDER BY dst;",
};

/* Tables that follow a run and name nothing else by number. */
static const char *const followers[] = {"hist",      "course",    "lockstat", "blocked",
                                        "lockpoint", "violation", "run_host"};

static const char drop_temp[] =
    "DROP TABLE IF EXISTS temp.take; DROP TABLE IF EXISTS temp.fresh;";

static int run_check(struct pcl_store *s, const char *path, const struct check *c,
                     struct pcl_err *err)
{
    sqlite3_stmt *st = NULL;
    char what[512];
    int rc;

    if (sqlite3_prepare_v2(s->db, c->sql, -1, &st, NULL) != SQLITE_OK)
        return pcl_store_error(s, err, "cannot compare");
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(what, sizeof(what), c->what, pcl_column(st, 0), pcl_column(st, 1),
                       pcl_column(st, 2));
#pragma GCC diagnostic pop
        rc = pcl_fail(err, PCL_EINVAL, "%s cannot be merged into %s: %s; nothing was merged",
                      path, s->path, what);
    } else {
        rc = rc == SQLITE_DONE ? PCL_OK : pcl_store_error(s, err, "cannot compare");
    }
    (void)sqlite3_finalize(st);
    return rc;
}

static int64_t count(struct pcl_store *s, const char *table)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
    return pcl_store_int(s, text);
}

static int copy_followers(struct pcl_store *s, struct pcl_err *err)
{
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < sizeof(followers) / sizeof(followers[0]); i++) {
        sqlite3_stmt *st = NULL;
        char text[2048];

        if (sqlite3_prepare_v2(s->db,
                               "SELECT group_concat(name) FROM pragma_table_info(?1,'main')"
                               " WHERE name<>'run_id'",
                               -1, &st, NULL) != SQLITE_OK)
            return pcl_store_error(s, err, "cannot read the tables");
        pcl_store_bind(st, "s", followers[i]);
        (void)sqlite3_step(st);
        (void)snprintf(text, sizeof(text),
                       "INSERT INTO main.%s(run_id,%s) SELECT dst,%s FROM take JOIN src.%s x"
                       " ON x.run_id=take.src ORDER BY dst;",
                       followers[i], pcl_column(st, 0), pcl_column(st, 0), followers[i]);
        (void)sqlite3_finalize(st);
        rc = pcl_store_exec(s, text, err);
    }
    return rc;
}

static int copy(struct pcl_store *s, struct pcl_store_merged *out, struct pcl_err *err)
{
    int64_t before = pcl_store_runs(s), all = count(s, "src.run");
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < sizeof(copies) / sizeof(copies[0]); i++)
        rc = pcl_store_exec(s, copies[i], err);
    if (rc == PCL_OK)
        rc = copy_followers(s, err);
    if (rc != PCL_OK)
        return rc;
    out->added = pcl_store_runs(s) - before;
    out->replaced = count(s, "temp.take") - out->added;
    out->present = all - out->added - out->replaced;
    return PCL_OK;
}

/* The attached file is of this schema. */
static int merge_attached(struct pcl_store *s, const char *path, struct pcl_store_merged *out,
                          struct pcl_err *err)
{
    int rc = pcl_store_exec(s, "BEGIN IMMEDIATE", err);

    if (rc != PCL_OK)
        return rc;
    for (size_t i = 0; rc == PCL_OK && i < sizeof(checks) / sizeof(checks[0]); i++)
        rc = run_check(s, path, &checks[i], err);
    if (rc == PCL_OK)
        rc = copy(s, out, err);
    if (rc == PCL_OK)
        rc = pcl_store_exec(s, drop_temp, err);
    if (rc == PCL_OK)
        rc = pcl_store_exec(s, "COMMIT", err);
    if (!sqlite3_get_autocommit(s->db))
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int attach(struct pcl_store *s, const char *path, struct pcl_store_merged *out,
                  struct pcl_err *err)
{
    sqlite3_stmt *st = NULL;
    int rc;

    if (sqlite3_prepare_v2(s->db, "ATTACH ?1 AS src", -1, &st, NULL) != SQLITE_OK)
        return pcl_store_error(s, err, "cannot open the other store");
    pcl_store_bind(st, "s", path);
    rc = sqlite3_step(st) == SQLITE_DONE
             ? PCL_OK
             : pcl_store_error(s, err, "cannot open the other store");
    (void)sqlite3_finalize(st);
    if (rc == PCL_OK) {
        rc = merge_attached(s, path, out, err);
        (void)sqlite3_exec(s->db, "DETACH src", NULL, NULL, NULL);
    }
    return rc;
}

/* Leaves a copy of from at to, of this schema. */
static int upgraded_copy(struct pcl_store *from, const char *to, struct pcl_err *err)
{
    struct pcl_store *now = NULL;
    sqlite3 *db = NULL;
    sqlite3_backup *b = NULL;
    int rc = PCL_OK;

    if (sqlite3_open(to, &db) == SQLITE_OK)
        b = sqlite3_backup_init(db, "main", from->db, "main");
    if (!b || sqlite3_backup_step(b, -1) != SQLITE_DONE)
        rc = pcl_fail(err, PCL_EIO, "%s: cannot copy %s: %s", to, from->path,
                      sqlite3_errmsg(db));
    (void)sqlite3_backup_finish(b);
    (void)sqlite3_close(db);
    if (rc == PCL_OK)
        rc = pcl_store_open(to, PCL_STORE_WRITE, &now, err);
    pcl_store_close(now);
    return rc;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int pcl_store_merge(struct pcl_store *s, const char *path, struct pcl_store_merged *out,
                    struct pcl_err *err)
{
    struct pcl_store *from;
    char copied[4096];
    int rc;

    *out = (struct pcl_store_merged){0};
    if (same_file(s->path, path))
        return pcl_fail(err, PCL_EINVAL, "%s: a store cannot be merged into itself", path);
    rc = pcl_store_open(path, PCL_STORE_READ, &from, err); /* says what is wrong with it */
    if (rc != PCL_OK)
        return rc;
    if (pcl_store_int(from, "PRAGMA main.user_version") == PCL_STORE_SCHEMA) {
        pcl_store_close(from);
        return attach(s, path, out, err);
    }
    if (snprintf(copied, sizeof(copied), "%s.merge-%ld", s->path, (long)getpid()) >=
        (int)sizeof(copied)) {
        pcl_store_close(from);
        return pcl_fail(err, PCL_EINVAL, "%s: the name is too long", s->path);
    }
    rc = upgraded_copy(from, copied, err);
    pcl_store_close(from);
    if (rc == PCL_OK)
        rc = attach(s, copied, out, err);
    (void)unlink(copied);
    return rc;
}

/* --- what ranks leave ------------------------------------------------------------------------
 */

void pcl_store_rank_path(const char *path, int n, char *out, size_t size)
{
    (void)snprintf(out, size, "%s.rank%d", path, n);
}

static void remove_store(const char *path)
{
    static const char *const beside[] = {"", "-wal", "-shm", "-journal"};
    char name[4200];

    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, beside[i]);
        (void)unlink(name);
    }
}

/* "[" in a path is no pattern. */
static void escape(const char *path, char *out, size_t size)
{
    size_t n = 0;

    for (; *path && n + 3 < size; path++) {
        if (strchr("*?[\\", *path))
            out[n++] = '\\';
        out[n++] = *path;
    }
    out[n] = '\0';
}

static bool is_rank(const char *path, size_t stem)
{
    const char *digits = path + stem;

    return *digits && strspn(digits, "0123456789") == strlen(digits);
}

int pcl_store_collect(struct pcl_store *s, struct pcl_err *err)
{
    char pattern[4200];
    glob_t g = {0};
    int rc = PCL_OK;

    escape(s->path, pattern, sizeof(pattern) - 8);
    (void)strcat(pattern, ".rank*");
    if (glob(pattern, 0, NULL, &g) != 0)
        return PCL_OK;
    for (size_t i = 0; rc == PCL_OK && i < g.gl_pathc; i++) {
        struct pcl_store_merged m;
        struct pcl_store *w;

        if (!is_rank(g.gl_pathv[i], strlen(s->path) + strlen(".rank")))
            continue;
        rc = pcl_store_open(g.gl_pathv[i], PCL_STORE_WRITE, &w, err); /* nobody writes it */
        if (rc != PCL_OK)
            break;
        pcl_store_close(w);
        rc = pcl_store_merge(s, g.gl_pathv[i], &m, err);
        if (rc == PCL_OK)
            remove_store(g.gl_pathv[i]);
    }
    globfree(&g);
    return rc;
}
