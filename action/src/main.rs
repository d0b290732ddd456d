//! The program that `action.yml` runs.

fn main() -> std::process::ExitCode {
    weft_action::main()
}
