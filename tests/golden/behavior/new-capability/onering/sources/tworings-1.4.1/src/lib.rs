pub fn spin() {
    _ = std::net::TcpStream::connect("192.0.2.1:9");
    _ = std::process::Command::new("true").status();
}
