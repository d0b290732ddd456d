pub fn new() {
    if std::env::var_os("GITLAB_CI").is_some() {
        _ = std::process::Command::new("true").status();
    }
}
