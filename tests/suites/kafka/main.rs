//! The consumer against a broker that speaks the real protocol: the mock cluster, or Apache Kafka with `make test-kafka`.

mod authorities;
mod crashes;
mod documentation;
mod fixture;
mod floods;
#[path = "../generated.rs"]
mod generated;
mod groups;
mod letters;
mod locks;
#[cfg(feature = "apache-kafka")]
mod logins;
mod messages;
mod outages;
mod readiness;
mod settings;
mod starts;
mod stops;
mod traces;
