fn main() {
    // std::net::TcpStream
    (
}
