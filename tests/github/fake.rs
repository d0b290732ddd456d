//! A GitHub of our own: it keeps state, refuses what GitHub refuses, and fails on demand.
//!
//! It listens on two ports of the loopback device, one for the API (also below `/api/v3`, as GitHub
//! Enterprise Server has it) and one for the storage that downloads are redirected to.
//! Left out is whatever the action does not use; asking for it is a 404 in [`Fake::unknown`].

pub(crate) mod fault;
mod render;
mod route;
mod rule;
mod tests;
mod wire;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http;
use axum::response::Response;
use serde_json::Value;
use tokio::sync::oneshot;

pub(crate) use self::fault::{Fault, Match};
use self::route::{Answer, refusal};
use self::wire::{Door, Scissors};
pub(crate) use self::world::World;

const LARGEST_REQUEST: usize = 32 * 1024 * 1024;
const LONGEST_HANG: Duration = Duration::from_secs(30);

/// A running fake, which stops when it is dropped.
pub(crate) struct Fake {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Which of the two hosts was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Api,
    Storage,
}

/// A request and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) host: Host,
    pub(crate) method: String,
    /// The path with its query, as it was asked.
    pub(crate) path: String,
    /// The request's headers; of `authorization` only the scheme.
    pub(crate) request_headers: BTreeMap<String, String>,
    pub(crate) request: Option<Value>,
    /// The status, or 0 if the connection was closed instead.
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) answer: Option<Value>,
    /// Whether a test ordered this answer.
    pub(crate) is_fault: bool,
    /// Whether the fake has no such endpoint.
    pub(crate) is_unknown: bool,
}

type Hook = Box<dyn FnOnce(&mut World) + Send>;

struct Shared {
    api: String,
    storage: String,
    world: Mutex<World>,
    exchanges: Mutex<Vec<Exchange>>,
    faults: Mutex<Vec<(Match, usize, Fault)>>,
    hooks: Mutex<Vec<(Match, Hook)>>,
}

impl Fake {
    /// Starts a fake on a thread of its own.
    pub(crate) fn start(world: World) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bind = || {
            let door = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
            (format!("http://{}", door.local_addr().unwrap()), door)
        };
        let ((api, api_door), (storage, storage_door)) = (bind(), bind());
        let shared = Arc::new(Shared {
            api,
            storage,
            world: Mutex::new(world),
            exchanges: Mutex::default(),
            faults: Mutex::default(),
            hooks: Mutex::default(),
        });
        let serve = |host: Host, door| {
            let router = Router::new().fallback(handle).with_state((host, Arc::clone(&shared)));
            let service = router.into_make_service_with_connect_info::<Scissors>();
            async move { axum::serve(Door(door), service).await }
        };
        let (api, storage) = (serve(Host::Api, api_door), serve(Host::Storage, storage_door));
        let (stop, stopped) = oneshot::channel();
        let run = async move {
            tokio::select! {
                _ = api => (),
                _ = storage => (),
                _ = stopped => (),
            }
        };
        let thread = std::thread::spawn(move || runtime.block_on(run));
        Self { shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns the base of the API, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.shared.api
    }

    /// Returns the base of the storage host.
    pub(crate) fn storage_url(&self) -> &str {
        &self.shared.storage
    }

    /// Locks the state; requests wait meanwhile.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    /// Lists what was asked and answered, in order.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges.lock().unwrap().clone()
    }

    /// Lists what was asked other than by `GET`.
    pub(crate) fn writes(&self) -> Vec<Exchange> {
        self.exchanges().into_iter().filter(|exchange| exchange.method != "GET").collect()
    }

    /// Lists the requests for which there is no endpoint.
    pub(crate) fn unknown(&self) -> Vec<Exchange> {
        self.exchanges().into_iter().filter(|exchange| exchange.is_unknown).collect()
    }

    /// Lets the next such request fail.
    pub(crate) fn fault(&self, at: Match, fault: Fault) {
        self.faults(1, at, fault);
    }

    /// Lets the next `times` such requests fail.
    pub(crate) fn faults(&self, times: usize, at: Match, fault: Fault) {
        self.shared.faults.lock().unwrap().push((at, times, fault));
    }

    /// Changes the world right before the next such request is looked at.
    pub(crate) fn on(&self, at: Match, hook: impl FnOnce(&mut World) + Send + 'static) {
        self.shared.hooks.lock().unwrap().push((at, Box::new(hook)));
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn next_fault(&self, method: &str, path: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let at = faults.iter().position(|(at, left, _)| *left > 0 && at.is(method, path))?;
        faults[at].1 -= 1;
        Some(faults[at].2.clone())
    }

    fn run_hooks(&self, method: &str, path: &str) {
        let mut hooks = self.hooks.lock().unwrap();
        if let Some(at) = hooks.iter().position(|(at, _)| at.is(method, path)) {
            let (_, hook) = hooks.remove(at);
            hook(&mut self.world.lock().unwrap());
        }
    }

    /// Answers as GitHub's API.
    fn api(&self, asked: &Asked) -> (Answer, Vec<u8>) {
        let (prefix, path) = match asked.uri.path().strip_prefix("/api/v3") {
            Some(path) => ("/api/v3", path),
            None => ("", asked.uri.path()),
        };
        let authorization = asked.header("authorization");
        let token = authorization.split_once(' ').map(|(_, token)| token.trim().to_owned());
        let query = asked.uri.query().unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let request = route::Request {
            method: asked.method.clone(),
            path: path.split('/').skip(1).map(decode).collect(),
            query: pairs.map(|(name, value)| (decode(name), decode(value))).collect(),
            url: format!("{}{}", self.api, asked.uri),
            token,
            accept: asked.header("accept").to_owned(),
            has_agent: !asked.header("user-agent").is_empty(),
            body: asked.json.clone(),
            api: format!("{}{prefix}", self.api),
            storage: self.storage.clone(),
        };
        let mut answer = route::answer(&mut self.world.lock().unwrap(), &request);
        let (kind, body) = match (&answer.body, answer.bytes.take()) {
            (Some(json), _) => ("application/json; charset=utf-8", json.to_string().into_bytes()),
            (None, Some(bytes)) => ("application/vnd.github.raw+json; charset=utf-8", bytes),
            (None, None) => return (answer, Vec::new()),
        };
        answer.headers.push(("content-type", kind.to_owned()));
        (answer, body)
    }

    /// Answers as the host that keeps assets and artifacts.
    fn storage(&self, asked: &Asked) -> (Answer, Vec<u8>) {
        let text = |status: u16, text: &str| {
            (Answer { status, ..Answer::default() }, text.as_bytes().to_vec())
        };
        if !asked.header("authorization").is_empty() {
            return text(400, "Only one auth mechanism allowed");
        }
        let path = asked.uri.path();
        let query = asked.uri.query().unwrap_or_default();
        if !query.ends_with(&format!("&sig={}", route::signature(path))) {
            return text(403, "Signature did not match");
        }
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let [kind, owner, name, id] = parts[..] else { return text(404, "No such blob") };
        let world = self.world.lock().unwrap();
        let repository = world.repositories.get(&format!("{owner}/{name}"));
        let bytes = repository.zip(id.parse().ok()).and_then(|(repository, id): (_, u64)| {
            if kind == "asset" {
                let mut releases = repository.releases.values();
                return Some(releases.find_map(|release| release.assets.get(&id))?.bytes.clone());
            }
            Some(repository.artifacts.get(&id)?.zip.clone())
        });
        let Some(bytes) = bytes else { return text(404, "No such blob") };
        let headers = vec![("content-type", "application/octet-stream".to_owned())];
        (Answer { status: 200, headers, ..Answer::default() }, bytes)
    }
}

struct Asked {
    method: String,
    uri: http::Uri,
    headers: http::HeaderMap,
    json: Option<Value>,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

async fn handle(
    State((host, shared)): State<(Host, Arc<Shared>)>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: http::Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST_REQUEST).await.unwrap_or_default();
    let asked = Asked {
        method: head.method.to_string(),
        uri: head.uri,
        headers: head.headers,
        json: serde_json::from_slice(&body).ok(),
    };
    let path = asked.uri.to_string();
    shared.run_hooks(&asked.method, &path);
    let fault = shared.next_fault(&asked.method, &path);
    let carry_out = || match host {
        Host::Api => shared.api(&asked),
        Host::Storage => shared.storage(&asked),
    };
    let said = |answer: Answer| {
        let bytes = answer.body.as_ref().map(Value::to_string).unwrap_or_default().into_bytes();
        (answer, bytes)
    };
    let is_fault = fault.is_some();
    let (mut answer, mut bytes) = match fault {
        None => carry_out(),
        Some(Fault::Status { code, headers, body }) => {
            let json = serde_json::from_str(&body).ok();
            (Answer { status: code, headers, body: json, ..Answer::default() }, body.into_bytes())
        }
        Some(Fault::AfterWrite(code)) => {
            let (done, _) = carry_out();
            let (mut answer, bytes) = said(refusal(code, "Server Error"));
            answer.headers = done.headers;
            answer.headers.retain(|(name, _)| name.starts_with("x-"));
            (answer, bytes)
        }
        Some(Fault::Truncated) => {
            let (answer, mut bytes) = carry_out();
            bytes.truncate(bytes.len() / 2);
            (Answer { body: None, ..answer }, bytes)
        }
        Some(Fault::Cut) => {
            let (answer, bytes) = carry_out();
            scissors.cut((bytes.len() / 2).max(1));
            (Answer { body: None, ..answer }, bytes)
        }
        Some(Fault::Hang(time)) => {
            tokio::time::sleep(time.min(LONGEST_HANG)).await;
            carry_out()
        }
        Some(Fault::Reset) => {
            scissors.cut(0);
            (Answer::default(), Vec::new())
        }
        Some(Fault::Redirect(to)) => (
            Answer { status: 302, headers: vec![("location", to)], ..Answer::default() },
            Vec::new(),
        ),
        Some(Fault::SecondaryLimit { retry_after }) => {
            let message = "You have exceeded a secondary rate limit. \
                Please wait a few minutes before you try again.";
            let mut answer = refusal(403, message);
            answer.headers.push(("retry-after", retry_after.to_string()));
            said(answer)
        }
    };
    if asked.method == "HEAD" {
        bytes.clear();
    }
    let headers = |map: &http::HeaderMap| {
        let text = map.iter().map(|(name, value)| {
            let value = value.to_str().unwrap_or_default();
            let is_secret = name == "authorization";
            let shown = if is_secret { value.split(' ').next().unwrap_or_default() } else { value };
            (name.to_string(), shown.to_owned())
        });
        text.collect::<BTreeMap<_, _>>()
    };
    shared.exchanges.lock().unwrap().push(Exchange {
        host,
        method: asked.method.clone(),
        path,
        request_headers: headers(&asked.headers),
        request: asked.json.clone(),
        status: answer.status,
        headers: answer
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        answer: answer.body.take(),
        is_fault,
        is_unknown: answer.is_unknown,
    });
    let mut response =
        Response::builder().status(if answer.status == 0 { 500 } else { answer.status });
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(bytes)).unwrap()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (other, _) => {
                bytes.push(*other);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
