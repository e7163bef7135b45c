//! The tables, as the migrations of both dialects make them. Column types are those that both have.

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    clusters (org_id, cluster_id) {
        org_id -> BigInt,
        cluster_id -> crate::connection::cluster_uuid::ClusterUuid,
        first_seen -> BigInt,
        last_seen -> BigInt,
    }
}

table! {
    requests (org_id, cluster_id, request_id) {
        org_id -> BigInt,
        cluster_id -> crate::connection::cluster_uuid::ClusterUuid,
        request_id -> Text,
        state -> SmallInt,
        received_at -> BigInt,
        processed_at -> Nullable<BigInt>,
        expires_at -> BigInt,
        rule_hits -> Text,
        failure -> Nullable<Text>,
    }
}

table! {
    rule_content (module, error_key) {
        module -> Text,
        error_key -> Text,
        generic -> Text,
        summary -> Text,
        total_risk -> Integer,
    }
}

table! {
    content_revision (id) {
        id -> Integer,
        revision -> BigInt,
    }
}

table! {
    erasures (id) {
        id -> Integer,
        generation -> BigInt,
    }
}

allow_tables_to_appear_in_same_query!(clusters, requests);
