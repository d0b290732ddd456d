#![no_main]

#[path = "../target.rs"]
#[allow(dead_code, reason = "each target uses one of the functions")]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::publishers(data));
