//! SPDX 2.3 in JSON: the judged packages and the edges between them.
//!
//! The format demands a time of creation; unless one is given it is the beginning of 1970, so that equal inventories
//! give equal bytes.

use serde_json::{Value, json};
use weft_gate::Inventory;
use weft_gate::inventory::{DependencyKind, Edge, Package, Source};
use weft_verify::Sha256;
use weft_verify::canonical::Unwritable;

use super::sbom::{self, License};

const NAMESPACE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/spdx/");

const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// Writes the document; `timestamp` is RFC 3339, in UTC.
///
/// # Errors
///
/// [`Unwritable`], which no inventory made by weft is.
pub fn render(inventory: &Inventory, timestamp: Option<&str>) -> Result<Value, Unwritable> {
    let digest = Sha256::of(&inventory.to_canonical()?);
    let name = sbom::whole(inventory).map_or("workspace", |root| &inventory.package(root).name);
    let judged = sbom::judged(inventory);
    let packages: Vec<Value> = judged.iter().map(|i| package(inventory.package(*i))).collect();
    let described = inventory.roots().into_iter().map(|root| {
        relationship("SPDXRef-DOCUMENT", "DESCRIBES", &reference(inventory.package(root)))
    });
    let mut relationships: Vec<Value> = described.collect();
    relationships.extend(sbom::edges(inventory).map(|edge| dependency(inventory, edge)));
    Ok(json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": format!("{NAMESPACE}{digest}"),
        "creationInfo": {
            "created": timestamp.unwrap_or(NO_TIME),
            "creators": [concat!("Tool: cargo-weft-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    }))
}

fn package(package: &Package) -> Value {
    let declared = match sbom::license(package) {
        License::Expression(text) => text,
        License::Name(_) | License::Unknown => "NOASSERTION".to_owned(),
    };
    let mut value = json!({
        "SPDXID": reference(package),
        "name": package.name,
        "versionInfo": package.version.to_string(),
        "downloadLocation": location(package),
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": declared,
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": if package.member { "APPLICATION" } else { "LIBRARY" },
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package.id,
        }],
    });
    if let Some(checksum) = &package.checksum {
        let checksum = json!({"algorithm": "SHA256", "checksumValue": checksum.to_string()});
        value["checksums"] = json!([checksum]);
    }
    value
}

/// Returns an identifier that does not change when other packages come and go.
fn reference(package: &Package) -> String {
    format!("SPDXRef-Package-{}", &Sha256::of(package.id.as_bytes()).to_string()[..20])
}

fn location(package: &Package) -> String {
    match &package.source {
        Source::Registry { .. } if package.source.is_crates_io() => format!(
            "https://static.crates.io/crates/{name}/{name}-{}.crate",
            package.version,
            name = package.name
        ),
        Source::Git { url, commit: Some(commit), .. } => format!("git+{url}@{commit}"),
        Source::Registry { .. } | Source::Git { .. } | Source::Path { .. } => {
            "NOASSERTION".to_owned()
        }
    }
}

/// A dependency that is needed for building or testing alone is one of that kind.
fn dependency(inventory: &Inventory, edge: &Edge) -> Value {
    let (from, to) =
        (reference(inventory.package(edge.from)), reference(inventory.package(edge.to)));
    let all = |kind| !edge.declared.is_empty() && edge.declared.iter().all(|d| d.kind == kind);
    if all(DependencyKind::Build) {
        relationship(&to, "BUILD_DEPENDENCY_OF", &from)
    } else if all(DependencyKind::Dev) {
        relationship(&to, "DEV_DEPENDENCY_OF", &from)
    } else {
        relationship(&from, "DEPENDS_ON", &to)
    }
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}
