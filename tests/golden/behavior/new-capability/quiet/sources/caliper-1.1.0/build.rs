use std::process::Command;

fn main() {
    Command::new("false").status().unwrap();
}
