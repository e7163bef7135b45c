-- Two roles for gathering on PostgreSQL: one that owns the schema and migrates it, and one that the service runs as, which reads
-- and writes rows and can do nothing else. To be run once, in the database that the service is to use, by a superuser or the
-- owner of the database with CREATEROLE:
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

-- Neither role looks into schemas of others, public among them.
ALTER ROLE gathering_owner SET search_path = gathering;
ALTER ROLE gathering_app SET search_path = gathering;
