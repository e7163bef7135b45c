-- Times are microseconds since 1970-01-01T00:00:00Z; see docs/adr/0004-times-as-microseconds.md.
CREATE TABLE clusters (
    org_id     BIGINT NOT NULL,
    cluster_id UUID   NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    PRIMARY KEY (org_id, cluster_id)
);
CREATE INDEX clusters_last_seen ON clusters (last_seen);

-- state: 0 received, 1 failed, 2 processed. rule_hits: module|KEY, separated by commas.
CREATE TABLE requests (
    org_id       BIGINT   NOT NULL,
    cluster_id   UUID     NOT NULL,
    request_id   TEXT     COLLATE "C" NOT NULL,
    state        SMALLINT NOT NULL CHECK (state IN (0, 1, 2)),
    received_at  BIGINT   NOT NULL,
    processed_at BIGINT,
    expires_at   BIGINT   NOT NULL,
    rule_hits    TEXT     NOT NULL,
    failure      TEXT,
    PRIMARY KEY (org_id, cluster_id, request_id),
    CHECK ((state = 2) = (processed_at IS NOT NULL)),
    CHECK ((state = 1) = (failure IS NOT NULL))
);
CREATE INDEX requests_expires_at ON requests (expires_at);
