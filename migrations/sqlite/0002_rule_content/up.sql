CREATE TABLE rule_content (
    module     TEXT    NOT NULL,
    error_key  TEXT    NOT NULL,
    generic    TEXT    NOT NULL,
    summary    TEXT    NOT NULL,
    total_risk INTEGER NOT NULL,
    PRIMARY KEY (module, error_key)
);

-- One row: how often the rule content was replaced.
CREATE TABLE content_revision (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    revision BIGINT  NOT NULL
);
INSERT INTO content_revision (id, revision) VALUES (1, 0);
