#[cfg(all(test, unix))]
mod tests { use std::process::Command; }
#[cfg_attr(unix, path = "../tests/a.rs")]
mod a;
include!("b/c.in");
use std::{env::*, net::{self as n, TcpStream}};
unsafe extern "C" { fn d<A, B>() -> u8; }
const E: &[u8] = br#"00ff"#;
