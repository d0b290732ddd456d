use std::net::TcpStream;

fn main() {
    _ = TcpStream::connect("192.0.2.1:9");
}
