fn a() {
    std::net::TcpStream::connect("192.0.2.1:9").unwrap();
}
