fn main() {
    _ = std::process::Command::new("true").status();
}
