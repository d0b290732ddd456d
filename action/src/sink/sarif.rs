//! SARIF for code scanning, within what it takes ("SARIF support for code scanning").

use std::io::Write;

use base64ct::{Base64, Encoding};
use cargo_weft::Error;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use serde_json::{Value, json};

use crate::github::{Failure, GitHub, encoded};
use crate::report::Report;

/// The most results that code scanning keeps of a run.
const MOST_RESULTS: usize = 5_000;

/// The largest upload, in bytes, once it is packed.
const MAX_PACKED: usize = 10_000_000;

/// Writes the report as SARIF: with its category, and with paths from the top of the repository.
///
/// # Errors
///
/// [`Error::Bug`].
pub fn render(report: &Report) -> Result<String, Error> {
    let text = cargo_weft::report::sarif::render(&report.verdict)?;
    let mut sarif: Value = serde_json::from_str(&text).map_err(|e| Error::Bug(e.to_string()))?;
    let run = sarif.pointer_mut("/runs/0");
    let run = run.ok_or_else(|| Error::Bug("a SARIF file has no run".to_owned()))?;
    run["automationDetails"] = json!({"id": format!("{}/", report.category)});
    if let Some(results) = run.get_mut("results").and_then(Value::as_array_mut) {
        // The worst stand first.
        results.truncate(MOST_RESULTS);
        let places = results.iter_mut().filter_map(|result| result.get_mut("locations"));
        for place in places.filter_map(Value::as_array_mut).flatten() {
            let uri = place.pointer_mut("/physicalLocation/artifactLocation/uri");
            if let (Some(uri), false) = (uri, report.prefix.is_empty()) {
                let below = uri.as_str().unwrap_or_default();
                *uri = format!("{}/{below}", cargo_weft::report::sarif::uri(&report.prefix)).into();
            }
        }
    }
    cargo_weft::report::json::render(&sarif)
}

/// Uploads a SARIF file about a commit of a ref.
///
/// # Errors
///
/// A [`Failure`].
pub fn upload(github: &GitHub, sarif: &str, commit: &str, reference: &str) -> Result<(), Failure> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packer.write_all(sarif.as_bytes()).and_then(|()| packer.finish());
    let packed = packed.map_err(|e| Failure::Fault(e.to_string()))?;
    if packed.len() > MAX_PACKED {
        let size = packed.len();
        return Err(Failure::Refused(format!(
            "the SARIF file is {size} bytes when packed, and code scanning takes {MAX_PACKED}"
        )));
    }
    let body = json!({
        "commit_sha": commit,
        "ref": reference,
        "sarif": Base64::encode_string(&packed),
        "tool_name": "cargo-weft",
    });
    // Two uploads of one category on one commit are one analysis: the second takes the first one's place.
    let taken = github.write(Method::POST, "/code-scanning/sarifs", &body, || Ok(None))?;
    let Some(id) = taken.get("id").and_then(Value::as_str) else { return Ok(()) };
    // It is taken first and looked at later; what is refused by then is told, and what is still waiting is theirs.
    let state = github.get(&format!("/code-scanning/sarifs/{}", encoded(id)))?;
    match state.get("processing_status").and_then(Value::as_str) {
        Some("failed") => {
            let errors = state.get("errors").and_then(Value::as_array).into_iter().flatten();
            let errors: Vec<&str> = errors.filter_map(Value::as_str).collect();
            Err(Failure::Refused(cargo_weft::escape::terminal(&errors.join("; "))))
        }
        _ => Ok(()),
    }
}
