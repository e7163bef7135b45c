//! The OpenAPI document.

use std::collections::BTreeSet;
use std::path::Path;

use gathering_tests::{TestDatabase, TestServer};
use serde_json::{Value, json};

fn served() -> String {
    TestServer::start(TestDatabase::sqlite()).get("/openapi.json").send().body
}

#[test]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let without_servers = |text: &str| {
        let mut document: Value = serde_json::from_str(text).unwrap();
        document.as_object_mut().unwrap().remove("servers").unwrap();
        document
    };
    assert!(
        without_servers(&std::fs::read_to_string(path).unwrap()) == without_servers(&served()),
        "docs/openapi.json is not what the code says; run `make openapi` and look at it"
    );
}

#[test]
fn the_endpoints_are_where_the_document_is() {
    let server =
        TestServer::builder(TestDatabase::sqlite()).set("http.base_paths=[\"/\",\"/api/v2\"]").start();
    for (path, expected) in [
        ("/openapi.json", "."),
        ("/openapi.json/", ".."),
        ("/api/v2/openapi.json", "."),
        ("/api/v2/openapi.json/", ".."),
    ] {
        assert_eq!(server.get(path).send().json()["servers"], json!([{"url": expected}]), "{path}");
    }
}

#[test]
fn what_the_document_says_of_bodies_is_what_is_taken() {
    let server = TestServer::builder(TestDatabase::sqlite())
        .set("http.max_request_ids=2")
        .set("auth.mode=\"disabled\"");
    let server = server.start();
    let document = server.get("/openapi.json").send().json();
    let schema = |path: &str| {
        document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"].clone()
    };
    let list = schema("/cluster/{clusterID}/requests");
    assert_eq!((&list["type"], &list["maxItems"]), (&json!("array"), &json!(2)));
    let referred = |schema: &Value| {
        document.pointer(schema["$ref"].as_str().unwrap().strip_prefix('#').unwrap()).unwrap()
    };
    let item = referred(&list["items"]);
    let in_path = &document["paths"]["/cluster/{clusterID}/request/{requestID}/status"]["get"]["parameters"];
    let in_path =
        in_path.as_array().unwrap().iter().find(|parameter| parameter["name"] == "requestID").unwrap();
    for constraint in ["type", "pattern", "minLength", "maxLength"] {
        assert_eq!(item[constraint], in_path["schema"][constraint], "{constraint}");
        assert!(!item[constraint].is_null(), "{constraint}");
    }
    // Whatever JSON a message is, it has an outcome of its own.
    for path in ["/ingest/results", "/ingest/announcements"] {
        let described = schema(path);
        let described = referred(&described);
        let properties = described["properties"].as_object().unwrap();
        let keys: BTreeSet<&str> = described.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(["description", "properties"]), "{path} demands nothing");
        for (name, property) in properties {
            assert_eq!(
                property.as_object().unwrap().keys().collect::<Vec<_>>(),
                ["description"],
                "{path} {name}"
            );
        }
        for message in ["{}", "[]", "null", "1", "\"text\""] {
            let answer = server.post(path, message).header("Content-Type", "application/json").send();
            assert_eq!((answer.status, &answer.json()["rejected"]), (200, &1.into()), "{path} {message}");
        }
    }
}

#[test]
fn what_is_left_out_is_not_described_as_null() {
    let document: Value = serde_json::from_str(&served()).unwrap();
    for schema in ["RequestStatus", "RequestReport"] {
        let described = &document["components"]["schemas"][schema];
        assert_eq!(described["properties"]["reason"]["type"], "string", "{schema}");
        assert!(!described["required"].as_array().unwrap().contains(&json!("reason")), "{schema}");
    }
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    for parameter in operations.filter_map(|operation| operation["parameters"].as_array()).flatten() {
        assert_eq!(parameter["schema"]["type"], "string", "{parameter}");
    }
}

#[test]
fn info_says_what_runs() {
    let server = TestServer::start(TestDatabase::sqlite());
    let unimported = server.get("/info").send();
    assert_eq!((unimported.status, &unimported.json()["status"]), (200, &json!("ok")));
    let gathering = &unimported.json()["info"]["Gathering"];
    assert_eq!(gathering["BuildVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(gathering["OCPRulesVersion"], "0", "nothing was imported");
    for member in ["BuildCommit", "BuildTime", "status"] {
        assert!(gathering[member].as_str().is_some_and(|value| !value.is_empty()), "{member}");
    }
}

#[test]
fn every_status_is_described_with_an_example() {
    let document: Value = serde_json::from_str(&served()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearerToken"]["scheme"], "bearer");
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            let responses = operation["responses"].as_object().unwrap();
            let statuses: BTreeSet<&str> = responses.keys().map(String::as_str).collect();
            if path == "/info" {
                assert_eq!(statuses, BTreeSet::from(["200", "405"]), "{method} {path}");
                assert_eq!(operation["security"], json!([]), "no credentials are needed");
                continue;
            }
            let mut expected = BTreeSet::from(["200", "400", "401", "403", "405", "429", "500", "503"]);
            expected.extend(match (method.as_str(), path.starts_with("/ingest/")) {
                ("post", true) => vec!["408", "413", "415"],
                ("post", false) => vec!["408", "413"],
                _ if path.ends_with("/status") => vec!["404"],
                _ => vec!["304", "404"],
            });
            assert_eq!(statuses, expected, "{method} {path}");
            for (status, response) in responses.iter().filter(|(status, _)| *status != "304") {
                let example = &response["content"]["application/json"]["example"];
                assert!(example["status"].is_string(), "{method} {path} {status} has no example");
                assert!(
                    response["headers"]["x-rh-insights-request-id"].is_object(),
                    "{method} {path} {status}"
                );
            }
        }
    }
    assert_eq!(operations, 7);
}

#[test]
fn headers_of_waiting_and_of_tags_are_described_where_they_are_sent() {
    let document: Value = serde_json::from_str(&served()).unwrap();
    let request = "/cluster/{clusterID}/request/{requestID}";
    for (path, parameters, headers) in [
        (
            format!("{request}/status"),
            vec!["Prefer", "x-rh-insights-request-id"],
            vec![
                ("200", "Preference-Applied"),
                ("200", "Retry-After"),
                ("404", "Preference-Applied"),
                ("404", "Retry-After"),
            ],
        ),
        (
            format!("{request}/report"),
            vec!["If-None-Match", "Prefer", "x-rh-insights-request-id"],
            vec![
                ("200", "ETag"),
                ("200", "Preference-Applied"),
                ("304", "ETag"),
                ("304", "Preference-Applied"),
                ("404", "Preference-Applied"),
            ],
        ),
        (
            "/cluster/{clusterID}/requests".to_owned(),
            vec!["If-None-Match", "x-rh-insights-request-id"],
            vec![("200", "ETag"), ("304", "ETag")],
        ),
    ] {
        let operation = &document["paths"][&path]["get"];
        let described = operation["parameters"].as_array().unwrap().iter();
        let mut described: Vec<_> = described
            .filter(|parameter| parameter["in"] == "header" && parameter["required"] == false)
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        described.sort_unstable();
        assert_eq!(described, parameters, "{path}");
        let mut described: Vec<(&str, &str)> = Vec::new();
        for status in ["200", "304", "404"] {
            let of_status = operation["responses"][status]["headers"].as_object();
            let names = of_status.into_iter().flat_map(|headers| headers.keys().map(String::as_str));
            described
                .extend(names.filter(|name| *name != "x-rh-insights-request-id").map(|name| (status, name)));
        }
        described.sort_unstable();
        assert_eq!(described, headers, "{path}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(array) => array.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document: Value = serde_json::from_str(&served()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
