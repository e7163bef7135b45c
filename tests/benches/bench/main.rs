//! How fast everything is, with everything on: tokens of RS256, 1,000 different ones, metrics, request IDs, limits, the
//! default log. Each row is a ratio to a reference that is measured next to it, round by round, so that what else the machine
//! does weighs on both. `make bench` runs it with release builds; `make bench QUICK=1` takes under two minutes once it is
//! built, and leaves out what takes long: Kafka, other work beside, ten million records.
//!
//! Words after `--` choose chapters: `reads`, `writes`, `beside`, `scale`.

mod beside;
mod fixture;
mod reads;
mod scale;
mod sqlite_loop;
mod table;
mod writes;

use std::time::Instant;

use fixture::{Bench, Ceiling};

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let bench = Bench::new();
    let wanted = |chapter: &str| {
        if chosen.is_empty() {
            !bench.is_quick || ["reads", "writes"].contains(&chapter)
        } else {
            chosen.iter().any(|word| word == chapter)
        }
    };
    println!(
        "{} rounds of {} s, {} connections; medians, and the lowest and highest",
        bench.rounds, bench.load.seconds, bench.load.connections
    );
    let measure = |chapter: &str, work: &dyn Fn(&Bench)| {
        if wanted(chapter) {
            let began = Instant::now();
            eprintln!("measuring {chapter}");
            work(&bench);
            eprintln!("{chapter} took {} s", began.elapsed().as_secs());
        }
    };
    measure("reads", &|bench| reads::measure(bench, &Ceiling::start()));
    measure("writes", &writes::measure);
    measure("beside", &beside::measure);
    measure("scale", &scale::measure);
}
