fn main() {
    // std::net::TcpStream
    std::process::Command::new("cc").status().unwrap();
}
