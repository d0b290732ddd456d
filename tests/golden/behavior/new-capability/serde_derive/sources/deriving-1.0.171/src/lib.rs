pub fn derive() {}
