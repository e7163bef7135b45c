//! `http.max_list`: a list has the newest requests, and says when there are more.

use gathering_tests::{CLUSTER, Message, TestDatabase, TestServer};
use serde_json::{Value, json};

use crate::fixture::requests;

fn ids(list: &Value) -> Vec<&str> {
    list["requests"].as_array().unwrap().iter().map(|entry| entry["requestID"].as_str().unwrap()).collect()
}

#[test]
fn a_list_that_was_cut_says_so() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let server = TestServer::builder(database).set("http.max_list=3").start();
        let list = || server.get(&requests(CLUSTER)).bearer(&server.token(42)).send().json();
        let message = |id: &str, minute: u32| {
            Message::new(42, CLUSTER, id).gathered(&format!("2026-03-01T12:{minute:02}:00Z"))
        };
        server.import(&[message("a", 3), message("b", 1), message("c", 2)]);
        assert_eq!(ids(&list()), ["a", "c", "b"]);
        assert!(list().get("truncated").is_none(), "clients of today see what they know");
        server.import(&[message("d", 4)]);
        assert_eq!(ids(&list()), ["d", "a", "c"]);
        assert_eq!(list()["truncated"], json!(true));
        assert_eq!(list()["status"], "ok");
        // Who asks for single ones gets them, however many there are.
        let asked = server.post(&requests(CLUSTER), "[\"b\",\"a\",\"c\",\"d\"]").bearer(&server.token(42));
        let selected = asked.send().json();
        assert!(selected["requests"].as_array().unwrap().iter().all(|entry| entry["valid"] == true));
        assert!(selected.get("truncated").is_none());
    }
}

#[test]
fn a_long_list_arrives_whole() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let server = TestServer::builder(database).set("http.max_list=0").start();
        let messages: Vec<_> =
            (0..2500).map(|number| Message::new(42, CLUSTER, &format!("{number:032x}"))).collect();
        server.import(&messages);
        let answer = server.get(&requests(CLUSTER)).bearer(&server.token(42)).send();
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        let list = answer.json();
        let listed = ids(&list);
        assert_eq!(listed.len(), 2500);
        assert!(listed.is_sorted() && list.get("truncated").is_none());
        let head = server.call("HEAD", &requests(CLUSTER)).bearer(&server.token(42)).send();
        assert_eq!(
            (head.header("content-length"), head.body.as_str()),
            (answer.header("content-length"), "")
        );
    }
}
