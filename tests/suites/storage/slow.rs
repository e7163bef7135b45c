//! An event that takes long without waiting for a lock keeps nobody out, and is refused at last.

use std::time::Duration;

use gathering_domain::event::EventOutcome;
use gathering_domain::store::EventSink;

use crate::fixture::{event, key, processed};
use crate::passing::{Subject, is_passing, of_another_tenant, on_postgres};

impl Subject {
    /// Makes each write of this request take so long, in seconds.
    fn slow_down(&self, seconds: f64) {
        self.database.execute(&format!(
            "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.request_id = 'slow' THEN PERFORM pg_sleep({seconds}); END IF;
                 RETURN NEW;
             END $$;
             CREATE OR REPLACE TRIGGER slow BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION slow()"
        ));
    }

    /// Sends it once, and somebody else's after it.
    async fn sends_slow(&self) -> Option<EventOutcome> {
        let slow = self.writer.store(vec![event(key("slow"), processed(&[]))]).await;
        while self.writer.store(vec![of_another_tenant("good")]).await.is_err() {}
        self.clock.advance(Duration::from_secs(60));
        match slow {
            Ok(outcomes) => outcomes.first().copied(),
            Err(error) => {
                assert!(is_passing(&error), "{error:?}");
                None
            }
        }
    }
}

const ROUNDS: usize = 60;

#[test]
fn one_that_is_too_slow_is_refused_at_last() {
    on_postgres("", Duration::from_secs(2), async |subject| {
        subject.slow_down(60.0);
        for _ in 0..ROUNDS {
            if let Some(outcome) = subject.sends_slow().await {
                assert_eq!(outcome, EventOutcome::Refused);
                return;
            }
        }
        panic!("it was never refused");
    });
}

#[test]
fn one_that_is_slow_has_the_time_it_needs_now_and_then() {
    on_postgres("", Duration::from_secs(4), async |subject| {
        subject.slow_down(60.0);
        assert_eq!(subject.sends_slow().await, None);
        // Longer than an isolated attempt usually has.
        subject.slow_down(1.5);
        for _ in 0..ROUNDS {
            if let Some(outcome) = subject.sends_slow().await {
                assert_eq!(outcome, EventOutcome::Applied);
                return;
            }
        }
        panic!("it never had the time");
    });
}
