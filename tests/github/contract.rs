//! Whether what the fake and the action say to each other is what GitHub's OpenAPI document allows.
//!
//! The document comes from npm (`@octokit/openapi`, MIT) and is not committed.
//! `WEFT_OPENAPI` is the path of its `api.github.com.json`; without it nothing is checked, and that
//! is said on stderr.
//! Answers that a test ordered are not checked, only the requests that led to them.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::Write;
use std::sync::{LazyLock, Mutex};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::fake::{Exchange, Host};

/// Panics with each violation of the contract, if there is one.
pub(crate) fn check(exchanges: &[Exchange]) {
    let Some(contract) = &*CONTRACT else {
        say("WEFT_OPENAPI is unset: GitHub's contract was NOT checked");
        return;
    };
    let api = exchanges.iter().filter(|exchange| exchange.host == Host::Api);
    let violations: Vec<_> = api.flat_map(|exchange| contract.violations(exchange)).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// Lists where an event's payload is not as the document has it; without a document, nothing.
pub(crate) fn deviations(event: &str, payload: &Value) -> BTreeSet<String> {
    let Some(contract) = &*CONTRACT else {
        say("WEFT_OPENAPI is unset: payloads of events were NOT checked");
        return BTreeSet::new();
    };
    // One payload has two names, and the document knows it by the first.
    let event = if event == "pull_request_target" { "pull_request" } else { event };
    let name = match payload["action"].as_str() {
        Some(action) => format!("{event}-{action}").replace('_', "-"),
        None => event.replace('_', "-"),
    };
    let body = "post/requestBody/content/application~1json/schema";
    let errors = contract.errors(&format!("/x-webhooks/{name}/{body}"), payload);
    errors.into_iter().map(|(at, _)| at).collect()
}

/// Says once what is not checked, where no harness swallows it.
pub(crate) fn say(what: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap().insert(what.to_owned()) {
        std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
    }
}

/// Whether there is a document to check against.
pub(crate) fn is_there() -> bool {
    CONTRACT.is_some()
}

static CONTRACT: LazyLock<Option<Contract>> = LazyLock::new(|| {
    let path = env::var_os("WEFT_OPENAPI")?;
    let text = fs::read(&path).unwrap_or_else(|error| panic!("WEFT_OPENAPI is set: {error}"));
    let document = serde_json::from_slice(&text).unwrap();
    Some(Contract { document, validators: Mutex::default() })
});

/// Statuses that GitHub documents once for the whole API.
const GENERAL: [u16; 5] = [401, 403, 404, 422, 429];

struct Contract {
    document: Value,
    /// Validators by the pointer to their schema.
    validators: Mutex<BTreeMap<String, Validator>>,
}

impl Contract {
    fn violations(&self, exchange: &Exchange) -> Vec<String> {
        let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
        let path = path.strip_prefix("/api/v3").unwrap_or(path);
        let method = exchange.method.to_lowercase();
        let named = |what: String| format!("{} {}: {what}", exchange.method, exchange.path);
        let Some((template, operation)) = self.operation(&method, path) else {
            return vec![named("there is no such operation".to_owned())];
        };
        let at = format!("/paths/{}/{method}", escape(template));
        let mut found = self.query(operation, query);
        found.extend(self.request(&at, operation, exchange));
        if !exchange.is_fault {
            found.extend(self.answer(&at, operation, exchange));
        }
        found.into_iter().map(named).collect()
    }

    /// Finds the operation with the most literal template.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let paths = self.document["paths"].as_object()?;
        let fitting = paths
            .iter()
            .filter(|(template, item)| item.get(method).is_some() && fits(template, path));
        let literal =
            |template: &str| template.split('/').filter(|part| !part.starts_with('{')).count();
        let (template, item) = fitting.max_by_key(|(template, _)| literal(template))?;
        Some((template, &item[method]))
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(at) => self.document.pointer(at.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    fn query(&self, operation: &Value, query: &str) -> Vec<String> {
        let mut found = Vec::new();
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let parameters: Vec<_> =
            parameters.iter().map(|parameter| self.resolve(parameter)).collect();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let is_it = |p: &&&Value| p["in"] == "query" && p["name"] == name;
            let Some(parameter) = parameters.iter().find(is_it) else {
                found.push(format!("there is no query parameter {name}"));
                continue;
            };
            let schema = self.resolve(&parameter["schema"]);
            let is_number = schema["type"] == "integer";
            if is_number && value.parse::<u64>().is_err() {
                found.push(format!("{name} is no number: {value}"));
            }
            let is_allowed = |all: &Vec<Value>| all.iter().any(|one| one == value);
            if !schema["enum"].as_array().is_none_or(is_allowed) {
                found.push(format!("{name} is not allowed: {value}"));
            }
            if name == "per_page" && value.parse::<u64>().is_ok_and(|size| size > 100) {
                found.push(format!("per_page is more than 100: {value}"));
            }
        }
        found
    }

    fn request(&self, at: &str, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let is_taken = operation.get("requestBody").is_some();
        // What was refused as invalid may be invalid.
        let is_refused = [400, 413, 422].contains(&exchange.status) && !exchange.is_fault;
        match &exchange.request {
            Some(body) if is_taken && !is_refused => {
                let schema = format!("{at}/requestBody/content/application~1json/schema");
                let errors = self.errors(&schema, body).into_iter();
                errors.map(|(at, why)| format!("request{at}: {why}")).collect()
            }
            Some(_) if !is_taken => vec!["the operation takes no body".to_owned()],
            _ => Vec::new(),
        }
    }

    fn answer(&self, at: &str, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let status = exchange.status;
        let is_general = GENERAL.contains(&status) || status >= 500;
        let documented = &operation["responses"][status.to_string()];
        if documented.is_null() {
            let what = format!("the status {status} is not documented");
            return if is_general { Vec::new() } else { vec![what] };
        }
        let at = match documented["$ref"].as_str() {
            Some(at) => at.trim_start_matches('#').to_owned(),
            None => format!("{at}/responses/{status}"),
        };
        // Raw content has no schema.
        if exchange.headers.get("content-type").is_some_and(|kind| kind.contains("github.raw")) {
            return Vec::new();
        }
        let content = &self.resolve(documented)["content"]["application/json"];
        match (&exchange.answer, content.is_null()) {
            (Some(body), false) => {
                let schema = format!("{at}/content/application~1json/schema");
                let errors = self.errors(&schema, body).into_iter();
                errors.map(|(at, why)| format!("{status}{at}: {why}")).collect()
            }
            (None, false) if status < 300 => vec![format!("{status} has no body")],
            _ => Vec::new(),
        }
    }

    /// Returns where an instance breaks a schema, and how.
    fn errors(&self, pointer: &str, instance: &Value) -> Vec<(String, String)> {
        let mut validators = self.validators.lock().unwrap();
        let validator =
            validators.entry(pointer.to_owned()).or_insert_with(|| self.validator(pointer));
        let errors = validator.iter_errors(instance);
        errors.map(|error| (error.instance_path().to_string(), error.to_string())).collect()
    }

    /// Compiles a schema together with those it leads to, in the words of JSON Schema.
    fn validator(&self, pointer: &str) -> Validator {
        let mut root = plain(self.document.pointer(pointer).unwrap());
        let mut schemas = Map::new();
        let mut open: BTreeSet<String> = references(&root);
        while let Some(name) = open.pop_first() {
            let schema = plain(&self.document["components"]["schemas"][&name]);
            open.extend(references(&schema).into_iter().filter(|name| !schemas.contains_key(name)));
            schemas.insert(name.clone(), schema);
            open.remove(&name);
        }
        // The repository of a head that was deleted is null, whatever the document says.
        for name in ["pull-request", "pull-request-simple"] {
            if let Some(schema) = schemas.get_mut(name) {
                let repo = &mut schema["properties"]["head"]["properties"]["repo"];
                *repo = json!({ "anyOf": [repo.take(), { "type": "null" }] });
            }
        }
        root = json!({ "allOf": [root], "components": { "schemas": schemas } });
        let options = jsonschema::options();
        options.with_draft(Draft::Draft4).should_validate_formats(true).build(&root).unwrap()
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            // These may have slashes in them.
            (Some("{path}" | "{ref}" | "{tag}"), Some(_)) => {
                let rest: Vec<_> = wanted.clone().collect();
                let left: Vec<_> = given.clone().collect();
                return left.len() >= rest.len() && left[left.len() - rest.len()..] == rest[..];
            }
            (Some(wanted), Some(given)) if wanted.starts_with('{') || wanted == given => (),
            _ => return false,
        }
    }
}

fn escape(pointer: &str) -> String {
    pointer.replace('~', "~0").replace('/', "~1")
}

fn references(schema: &Value) -> BTreeSet<String> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            let own = own.and_then(|at| at.strip_prefix("#/components/schemas/"));
            own.map(str::to_owned)
                .into_iter()
                .chain(members.values().flat_map(references))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

/// Says `nullable` as JSON Schema does, and leaves out what says nothing about values.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let is_nullable = members.get("nullable") == Some(&Value::Bool(true));
            let said = |name: &str| {
                matches!(name, "nullable" | "example" | "examples" | "discriminator" | "xml")
            };
            // The names of properties are nobody's keywords.
            let members = members.iter().filter(|(name, value)| !said(name) || value.is_object());
            let plain: Map<_, _> =
                members.map(|(name, value)| (name.clone(), plain(value))).collect();
            if is_nullable {
                json!({ "anyOf": [plain, { "type": "null" }] })
            } else {
                Value::Object(plain)
            }
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}
