-- Spreads the tables of gathering over the servers of a Citus cluster, by cluster ID.
--
-- Run it with psql on the coordinator, as the owner of the tables, in the database and schema of the service, after
-- `gathering migrate` and after the workers were added (citus_add_node):
--
--     psql --set ON_ERROR_STOP=1 --set shards=2 "$URL" --file distribute.sql
--
-- `shards` is how many pieces each table is cut into: one for each worker is what to begin with; it is how many workers there
-- are if it is left out. A table that is spread already is left as it is, whatever `shards` says; so it may be run again.
-- Rows that are there are moved; stop the processes that write meanwhile (--role ingest and --role all).
-- See docs/DATABASES.md, "A distributed PostgreSQL (Citus)".

\set ON_ERROR_STOP 1
\if :{?shards}
\else
    \set shards 0
\endif

SELECT NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS no_citus \gset
\if :no_citus
    \warn 'This database has no extension "citus": nothing was changed. A PostgreSQL of one server needs nothing of this.'
    DO $$ BEGIN RAISE EXCEPTION 'no extension "citus" in this database'; END $$;
\endif

SELECT count(*) < 4 AS no_tables FROM unnest(ARRAY['requests', 'clusters', 'rule_content', 'content_revision']) AS name
WHERE to_regclass(name) IS NOT NULL \gset
\if :no_tables
    \warn 'The tables of gathering are not in the search path: nothing was changed. Run "gathering migrate" first.'
    DO $$ BEGIN RAISE EXCEPTION 'no tables of gathering in the search path'; END $$;
\endif

SELECT set_config('gathering.shards', :'shards', false) \g /dev/null

-- All of it or nothing.
BEGIN;
DO $$
DECLARE
    workers integer := (SELECT count(*) FROM pg_dist_node WHERE noderole = 'primary' AND isactive AND shouldhaveshards);
    shards integer := current_setting('gathering.shards')::integer;
    name text;
BEGIN
    IF workers = 0 THEN
        RAISE EXCEPTION 'no server takes shards: add workers with citus_add_node first';
    END IF;
    IF shards = 0 THEN
        shards := workers;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'requests'::regclass) THEN
        PERFORM create_distributed_table('requests', 'cluster_id', colocate_with => 'none', shard_count => shards);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'clusters'::regclass) THEN
        PERFORM create_distributed_table('clusters', 'cluster_id', colocate_with => 'requests');
    END IF;
    FOREACH name IN ARRAY ARRAY['rule_content', 'content_revision'] LOOP
        IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = name::regclass) THEN
            PERFORM create_reference_table(name);
        END IF;
    END LOOP;
END $$;
COMMIT;

-- What there is now: a line for each table, with the number of its shards.
SELECT logicalrelid AS table_name, partmethod = 'n' AS is_reference, colocationid, count(shardid) AS shards
FROM pg_dist_partition LEFT JOIN pg_dist_shard USING (logicalrelid)
WHERE logicalrelid IN ('requests'::regclass, 'clusters'::regclass, 'rule_content'::regclass, 'content_revision'::regclass)
GROUP BY logicalrelid, partmethod, colocationid ORDER BY 1;
