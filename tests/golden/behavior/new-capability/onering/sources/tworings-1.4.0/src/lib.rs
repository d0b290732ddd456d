pub fn spin() {}
