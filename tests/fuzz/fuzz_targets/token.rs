//! `make fuzz TARGET=token`. Built without cargo-fuzz, it tries the files that it is given.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| gathering_fuzz::token(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    gathering_fuzz::replay(gathering_fuzz::token)
}
