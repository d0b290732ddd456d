#[path = "../tests/data.rs"]
mod data;
