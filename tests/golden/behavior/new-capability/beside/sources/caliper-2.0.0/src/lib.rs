extern "C" {
    fn a();
}
