-- One row: how often something was erased. Processes forget what they remember of requests when it changes.
CREATE TABLE erasures (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    generation BIGINT  NOT NULL
);
INSERT INTO erasures (id, generation) VALUES (1, 0);
