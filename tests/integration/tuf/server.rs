//! A web server on this machine that answers what it is told, for a while.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long it lives, whatever happens to the test.
const LIFETIME: Duration = Duration::from_secs(60);

/// What is answered.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A part of what is announced.
    Truncated(Vec<u8>),
    /// As many bytes as anybody reads, without saying how many.
    Endless,
    /// A status, and nothing else.
    Status(u16),
}

#[derive(Default)]
struct Shared {
    answers: Mutex<BTreeMap<String, Answer>>,
    requests: AtomicUsize,
    is_over: AtomicBool,
}

/// A server that ends with its owner, or after its lifetime.
pub(super) struct Server {
    shared: Arc<Shared>,
    url: String,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(&listener, &seen));
        Self { shared, url, thread: Some(thread) }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Answers these paths from now on, and 404 to others.
    pub(super) fn answer(&self, answers: BTreeMap<String, Answer>) {
        *self.shared.answers.lock().unwrap() = answers;
    }

    pub(super) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(listener: &TcpListener, shared: &Shared) {
    let started = Instant::now();
    while started.elapsed() < LIFETIME && !shared.is_over.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => _ = reply(stream, shared),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn reply(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 8192 {
        match stream.read(&mut buffer)? {
            0 => break,
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let answer = shared.answers.lock().unwrap().get(path).cloned();
    let (status, body, length) = match answer.unwrap_or(Answer::Status(404)) {
        Answer::Bytes(body) => (200, body.clone(), Some(body.len())),
        Answer::Truncated(body) => (200, body[..body.len() / 2].to_vec(), Some(body.len())),
        Answer::Endless => (200, vec![b' '; 16 << 20], None),
        Answer::Status(status) => (status, Vec::new(), Some(0)),
    };
    let length = length.map(|length| format!("content-length: {length}\r\n")).unwrap_or_default();
    let location = if status / 100 == 3 { "location: /timestamp.json\r\n" } else { "" };
    let head = format!("HTTP/1.1 {status} x\r\n{length}{location}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}
