/*
 * The tables, how older ones become these, and the answer to "is this file ours?". A new store gets all its tables in one
 * transaction, so that a file either is a store or is empty.
 */
#include <string.h>

#include "store_internal.h"

/* Schema 1; the steps below add the rest. docs/store.md describes each column. STRICT: a number stays a number. 64-bit seeds and
 * fingerprints are hexadecimal text, since SQLite's integers are signed. */
static const char tables[] =
    "CREATE TABLE study("
    " study_id INTEGER PRIMARY KEY, workload TEXT NOT NULL,"
    " kind TEXT NOT NULL CHECK(kind IN('scenario','trace')), title TEXT NOT NULL,"
    " build TEXT NOT NULL, UNIQUE(workload, kind, title, build)) STRICT;"

    "CREATE TABLE config("
    " config_id INTEGER PRIMARY KEY, study_id INTEGER NOT NULL REFERENCES study,"
    " hash TEXT NOT NULL UNIQUE, label TEXT NOT NULL,"
    " params TEXT NOT NULL CHECK(json_valid(params)),"
    " scheme TEXT NOT NULL, scheme_text TEXT NOT NULL,"
    " machine TEXT NOT NULL, machine_text TEXT NOT NULL, scenario_text TEXT NOT NULL,"
    " trace_sha256 TEXT NOT NULL, replay TEXT NOT NULL, varies TEXT NOT NULL) STRICT;"
    "CREATE INDEX config_study ON config(study_id);"

    "CREATE TABLE param("
    " config_id INTEGER NOT NULL REFERENCES config, name TEXT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY(config_id, name)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE run("
    " run_id INTEGER PRIMARY KEY, config_id INTEGER NOT NULL REFERENCES config,"
    " rep INTEGER NOT NULL, seed TEXT NOT NULL, key TEXT NOT NULL UNIQUE,"
    " state TEXT NOT NULL CHECK(state IN('done','failed')), code INTEGER NOT NULL,"
    " error TEXT NOT NULL, fingerprint TEXT NOT NULL, sim_ns INTEGER NOT NULL,"
    " warmup_ns INTEGER NOT NULL, ops INTEGER NOT NULL, events INTEGER NOT NULL,"
    " violations INTEGER NOT NULL) STRICT;"
    "CREATE INDEX run_config ON run(config_id, seed, rep);"

    "CREATE TABLE metric("
    " metric_id INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL,"
    " better TEXT NOT NULL CHECK(better IN('lower','higher','none')),"
    " UNIQUE(name, unit, better)) STRICT;"

    "CREATE TABLE scalar("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " metric_id INTEGER NOT NULL REFERENCES metric, object TEXT NOT NULL, value REAL,"
    " PRIMARY KEY(run_id, metric_id, object)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE hist("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL,"
    " object TEXT NOT NULL, count INTEGER NOT NULL, enc BLOB NOT NULL,"
    " PRIMARY KEY(run_id, name, object)) STRICT;"

    "CREATE TABLE lockstat("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, lock TEXT NOT NULL,"
    " mode TEXT NOT NULL CHECK(mode IN('S','X')), acquisitions INTEGER NOT NULL,"
    " contentions INTEGER NOT NULL, con_bounces INTEGER NOT NULL,"
    " acq_bounces INTEGER NOT NULL, wait_min_ns INTEGER NOT NULL,"
    " wait_max_ns INTEGER NOT NULL, wait_total_ns INTEGER NOT NULL,"
    " hold_min_ns INTEGER NOT NULL, hold_max_ns INTEGER NOT NULL,"
    " hold_total_ns INTEGER NOT NULL, steals INTEGER NOT NULL, handoffs INTEGER NOT NULL,"
    " lost_retries INTEGER NOT NULL, trylock_failures INTEGER NOT NULL,"
    " walk_visits INTEGER NOT NULL, walk_foreign INTEGER NOT NULL, walks INTEGER NOT NULL,"
    " walk_max INTEGER NOT NULL, walk_foreign_max INTEGER NOT NULL,"
    " wasted_wakes INTEGER NOT NULL, sleeps INTEGER NOT NULL,"
    " line_transfers INTEGER NOT NULL, bypass_max INTEGER NOT NULL,"
    " PRIMARY KEY(run_id, lock, mode)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE violation("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, seq INTEGER NOT NULL,"
    " kind TEXT NOT NULL, at_ns INTEGER NOT NULL, text TEXT NOT NULL, steps TEXT,"
    " PRIMARY KEY(run_id, seq)) STRICT;"

    "CREATE TABLE run_host("
    " run_id INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE, wall_s REAL,"
    " stored_at TEXT NOT NULL, host TEXT NOT NULL, kernel TEXT NOT NULL,"
    " cpu TEXT NOT NULL) STRICT;"

    "CREATE VIEW v_scalar AS"
    " SELECT s.workload, c.params, c.scheme, c.machine, r.seed, r.rep, m.name, x.object,"
    "  m.unit, m.better, x.value, r.key"
    " FROM scalar x JOIN metric m USING(metric_id) JOIN run r USING(run_id)"
    "  JOIN config c USING(config_id) JOIN study s USING(study_id) WHERE r.state='done';"

    "CREATE VIEW v_mean AS"
    " SELECT workload, params, scheme, machine, name, object, unit, better,"
    "  count(value) AS n, avg(value) AS mean,"
    "  sqrt(max(0, avg(value*value) - avg(value)*avg(value))"
    "   * count(value) / nullif(count(value)-1, 0)) AS sd"
    " FROM v_scalar GROUP BY workload, params, scheme, machine, name, object, unit, better;";

/* Runs of schema 1 did not record the columns and tables that have been added: NULL, no rows. */
static const char from_1_to_2[] =
    "ALTER TABLE lockstat ADD COLUMN wait_line_ns INTEGER;"
    "ALTER TABLE lockstat ADD COLUMN wait_spinlock_ns INTEGER;"
    "ALTER TABLE lockstat ADD COLUMN wait_optimistic_ns INTEGER;"
    "ALTER TABLE lockstat ADD COLUMN wait_conflict_ns INTEGER;"
    "ALTER TABLE lockstat ADD COLUMN wait_wakeup_ns INTEGER;"
    "ALTER TABLE lockstat ADD COLUMN wait_cpu_ns INTEGER;"
    "ALTER TABLE lockstat ADD COLUMN irqs_off_max_ns INTEGER;"
    "ALTER TABLE lockstat ADD COLUMN irqs_off_in_irq_ns INTEGER;"
    "CREATE TABLE blocked("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, lock TEXT NOT NULL,"
    " waiter TEXT NOT NULL, waiter_mode TEXT NOT NULL, holder TEXT NOT NULL,"
    " holder_mode TEXT NOT NULL, behind TEXT NOT NULL, behind_mode TEXT NOT NULL,"
    " count INTEGER NOT NULL, total_ns INTEGER NOT NULL, longest_ns INTEGER NOT NULL,"
    " PRIMARY KEY(run_id, lock, waiter, waiter_mode, holder, holder_mode, behind, behind_mode)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE lockpoint("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, lock TEXT NOT NULL,"
    " who TEXT NOT NULL CHECK(who IN('waits','holds')), at TEXT NOT NULL, what TEXT NOT NULL,"
    " count INTEGER NOT NULL, PRIMARY KEY(run_id, lock, who, at)) STRICT, WITHOUT ROWID;";

/* Which file a configuration came from was not recorded before. */
static const char from_2_to_3[] =
    "ALTER TABLE config ADD COLUMN source TEXT NOT NULL DEFAULT '';";

static const char from_3_to_4[] =
    "CREATE TABLE course("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, lock TEXT NOT NULL,"
    " enc BLOB NOT NULL, PRIMARY KEY(run_id, lock)) STRICT;";

/* For a reader, who must not touch the file, names of its own stand before those of the file. */
static const char cover_1[] =
    "CREATE TEMP TABLE blocked(run_id, lock, waiter, waiter_mode, holder, holder_mode,"
    " behind, behind_mode, count, total_ns, longest_ns);"
    "CREATE TEMP TABLE lockpoint(run_id, lock, who, at, what, count);"
    "CREATE TEMP VIEW lockstat AS SELECT *, NULL AS wait_line_ns, NULL AS wait_spinlock_ns,"
    " NULL AS wait_optimistic_ns, NULL AS wait_conflict_ns, NULL AS wait_wakeup_ns,"
    " NULL AS wait_cpu_ns, NULL AS irqs_off_max_ns, NULL AS irqs_off_in_irq_ns"
    " FROM main.lockstat;";
static const char cover_2[] =
    "CREATE TEMP VIEW config AS SELECT *, '' AS source FROM main.config;";
static const char cover_3[] = "CREATE TEMP TABLE course(run_id, lock, enc);";

/* Step i leads from schema i + 1 to the next, in the file or for a reader's eyes only. */
static const struct {
    const char *change, *cover;
} steps[PCL_STORE_SCHEMA - 1] = {{from_1_to_2, cover_1}, {from_2_to_3, cover_2}, {from_3_to_4, cover_3}};

static int set_version(struct pcl_store *s, struct pcl_err *err)
{
    char text[48];

    (void)snprintf(text, sizeof(text), "PRAGMA user_version=%d", PCL_STORE_SCHEMA);
    return pcl_store_exec(s, text, err);
}

/* Ends a transaction, with a commit if all went well. */
static int end(struct pcl_store *s, int rc, struct pcl_err *err)
{
    if (rc == PCL_OK)
        rc = pcl_store_exec(s, "COMMIT", err);
    if (rc != PCL_OK && !sqlite3_get_autocommit(s->db))
        (void)pcl_store_exec(s, "ROLLBACK", NULL);
    return rc;
}

/* Takes the tables of a schema to those of this one. */
static int change(struct pcl_store *s, int64_t from, struct pcl_err *err)
{
    int rc = PCL_OK;

    for (int64_t i = from; rc == PCL_OK && i < PCL_STORE_SCHEMA; i++)
        rc = pcl_store_exec(s, steps[i - 1].change, err);
    return rc == PCL_OK ? set_version(s, err) : rc;
}

static int create(struct pcl_store *s, struct pcl_err *err)
{
    char id[48];
    int rc;

    /* the page size counts only before the first table, and not inside a transaction */
    rc = pcl_store_exec(s, "PRAGMA page_size=8192", err);
    if (rc == PCL_OK)
        rc = pcl_store_exec(s, "BEGIN IMMEDIATE", err);
    if (rc != PCL_OK)
        return rc;
    if (pcl_store_int(s, "SELECT count(*) FROM sqlite_master") > 0)
        return pcl_store_exec(s, "ROLLBACK", err); /* another process was faster */
    (void)snprintf(id, sizeof(id), "PRAGMA application_id=%d", PCL_STORE_APPLICATION_ID);
    rc = pcl_store_exec(s, id, err);
    if (rc == PCL_OK)
        rc = pcl_store_exec(s, tables, err);
    if (rc == PCL_OK)
        rc = change(s, 1, err);
    return end(s, rc, err);
}

static int upgrade(struct pcl_store *s, struct pcl_err *err)
{
    int rc = pcl_store_exec(s, "BEGIN IMMEDIATE", err);

    if (rc != PCL_OK)
        return rc;
    /* asked again: another process may have been faster */
    return end(s, change(s, pcl_store_int(s, "PRAGMA user_version"), err), err);
}

static int cover(struct pcl_store *s, int64_t from, struct pcl_err *err)
{
    int rc = PCL_OK;

    for (int64_t i = from; rc == PCL_OK && i < PCL_STORE_SCHEMA; i++)
        rc = pcl_store_exec(s, steps[i - 1].cover, err);
    return rc;
}

int pcl_schema_check(struct pcl_store *s, struct pcl_err *err)
{
    int64_t n = pcl_store_int(s, "SELECT count(*) FROM sqlite_master");
    int64_t id, version;

    if (n < 0)
        return pcl_store_error(s, err, "cannot read");
    id = pcl_store_int(s, "PRAGMA application_id");
    if (n == 0 && (id == 0 || id == PCL_STORE_APPLICATION_ID)) {
        int rc;

        if (!s->write)
            return pcl_fail(err, PCL_EINVAL, "%s is empty: no results were stored in it",
                            s->path);
        rc = create(s, err);
        if (rc != PCL_OK)
            return rc;
        id = pcl_store_int(s, "PRAGMA application_id");
    }
    if (id != PCL_STORE_APPLICATION_ID)
        return pcl_fail(err, PCL_EINVAL,
                        "%s is a database of another program (application id 0x%08x); "
                        "nothing was changed",
                        s->path, (unsigned)id);
    version = pcl_store_int(s, "PRAGMA user_version");
    if (version > PCL_STORE_SCHEMA)
        return pcl_fail(err, PCL_EINVAL,
                        "%s was written by a newer pclsim (schema %lld, this one knows %d)",
                        s->path, (long long)version, PCL_STORE_SCHEMA);
    if (version < 1)
        return pcl_fail(err, PCL_EINVAL, "%s has an unknown schema (%lld)", s->path,
                        (long long)version);
    if (version == PCL_STORE_SCHEMA)
        return PCL_OK;
    return s->write ? upgrade(s, err) : cover(s, version, err);
}
