//! What happens to a request while an operator asks for it.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use gathering_tests::{Answer, CLUSTER, Call, Message, Outage, TestServer};

use crate::operator::{REQUEST, Surroundings};

/// When something happens, by polls counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Before(usize),
    /// While the poll is held; where polls are not held, right after it.
    During(usize),
    BeforeReport,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Announced,
    Failed,
    Processed,
    DatabaseAway,
    DatabaseBack,
    ContentLoaded,
    Unreachable,
    Reachable,
}

/// How long a held poll waits.
pub(crate) const HOLD: Duration = Duration::from_secs(25);

pub(crate) struct Steps<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) events: Vec<(When, What)>,
    pub(crate) is_held: bool,
    pub(crate) outage: Option<Outage<'a>>,
    pub(crate) is_unreachable: bool,
}

/// Hits with content, without any, with a name that is as short as there are, and with one that is too long.
pub(crate) const HITS: [&str; 3] = ["rules.known.module|KEY", "rules.unknown|KEY", "a.b|K"];
pub(crate) const CONTENT: [(&str, &str, i32); 2] =
    [("rules.known.module|KEY", "A text for the rule.", 3), ("a.b|K", "short", 9)];

impl Steps<'_> {
    fn happen(&mut self, when: When) {
        for (_, what) in self.events.iter().filter(|(at, _)| *at == when).copied().collect::<Vec<_>>() {
            let message = || Message::new(42, CLUSTER, REQUEST);
            match what {
                What::Announced => self.server.announce(42, CLUSTER, REQUEST),
                What::Failed => drop(self.server.import(&[message().failed()])),
                What::Processed => {
                    let too_long = format!("{}|K", "m".repeat(2000));
                    let message = HITS.iter().fold(message(), |message, hit| message.hit(hit)).hit(&too_long);
                    self.server.import(&[message]);
                }
                What::DatabaseAway => self.outage = Some(self.server.outage()),
                What::DatabaseBack => self.outage = None,
                What::ContentLoaded => {
                    self.server.database().execute("ALTER TABLE rule_content RENAME COLUMN away TO generic");
                    self.server.content(&CONTENT);
                }
                What::Unreachable => self.is_unreachable = true,
                What::Reachable => self.is_unreachable = false,
            }
        }
    }
}

impl Surroundings for Steps<'_> {
    fn before(&mut self, poll: usize) {
        self.happen(When::Before(poll));
    }

    fn send(&mut self, poll: usize, call: Call) -> Answer {
        if !self.is_held {
            let answer = call.send();
            self.happen(When::During(poll));
            return answer;
        }
        let (sender, answered) = channel();
        let thread = std::thread::spawn(move || drop(sender.send(call.send())));
        let answer = loop {
            match answered.recv_timeout(Duration::from_millis(5)) {
                Ok(answer) => break answer,
                Err(RecvTimeoutError::Disconnected) => panic!("the call failed"),
                Err(RecvTimeoutError::Timeout) if self.server.metric("gathering_waiting_calls") == 0 => {}
                Err(RecvTimeoutError::Timeout) => {
                    let now = When::During(poll);
                    if self.events.iter().any(|(when, _)| *when == now) {
                        self.happen(now);
                        // The time is not over before what happened is noticed.
                        break answered.recv().expect("an answer");
                    }
                    self.server.advance(HOLD);
                    break answered.recv().expect("an answer");
                }
            }
        };
        thread.join().unwrap();
        answer
    }

    fn before_report(&mut self) {
        self.happen(When::BeforeReport);
    }

    fn is_unreachable(&self) -> bool {
        self.is_unreachable
    }
}
