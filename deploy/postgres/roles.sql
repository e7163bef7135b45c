-- Two roles for gathering on PostgreSQL: one that owns the schema and migrates it, and one that the service runs as, which reads
-- and writes rows and can do nothing else. To be run once, in the database that the service is to use and before its first
-- migration, by a superuser or the owner of the database with CREATEROLE:
--
--     psql -d DATABASE -f deploy/postgres/roles.sql
--     psql -d DATABASE -c '\password gathering_owner' -c '\password gathering_app'

CREATE ROLE gathering_owner LOGIN;
CREATE ROLE gathering_app LOGIN;

-- A role that is no superuser may give a schema only to a role that it is a member of.
GRANT gathering_owner TO CURRENT_USER;
CREATE SCHEMA gathering AUTHORIZATION gathering_owner;
GRANT USAGE ON SCHEMA gathering TO gathering_app;

-- Whatever a migration makes, now or later, can be used at once.
ALTER DEFAULT PRIVILEGES FOR ROLE gathering_owner IN SCHEMA gathering
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO gathering_app;

-- But for the record of migrations, which the service only reads. It is made here as a migration would make it, so that those
-- privileges do not come to it.
CREATE TABLE gathering.__diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL,
    run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
ALTER TABLE gathering.__diesel_schema_migrations OWNER TO gathering_owner;
REVOKE ALL ON gathering.__diesel_schema_migrations FROM gathering_app;
GRANT SELECT ON gathering.__diesel_schema_migrations TO gathering_app;

-- Neither role looks into schemas of others, public among them.
ALTER ROLE gathering_owner SET search_path = gathering;
ALTER ROLE gathering_app SET search_path = gathering;

-- Every role may make temporary tables, and until PostgreSQL 14 tables in public, unless that is taken from all of them. Other
-- applications in this database that need it are to be granted it by name.
DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    IF to_regnamespace('public') IS NOT NULL THEN
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    END IF;
END $$;
