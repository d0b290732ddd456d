//! CycloneDX 1.6 in JSON (ECMA-424): the judged packages and the edges between them.
//!
//! Equal inventories give equal bytes: the serial number is made of the inventory's digest, and there is no time in it
//! unless one is given.

use serde_json::{Value, json};
use weft_gate::Inventory;
use weft_gate::inventory::{Package, Source};
use weft_verify::Sha256;
use weft_verify::canonical::Unwritable;

use super::sbom::{self, License};

/// Writes the document; `timestamp` is RFC 3339.
///
/// # Errors
///
/// [`Unwritable`], which no inventory made by weft is.
pub fn render(inventory: &Inventory, timestamp: Option<&str>) -> Result<Value, Unwritable> {
    let digest = Sha256::of(&inventory.to_canonical()?);
    let whole = sbom::whole(inventory);
    let mut metadata = json!({
        "tools": {"components": [
            {"type": "application", "name": "cargo-weft", "version": env!("CARGO_PKG_VERSION")}
        ]},
    });
    if let Some(timestamp) = timestamp {
        metadata["timestamp"] = timestamp.into();
    }
    metadata["component"] = match whole {
        Some(root) => component(inventory.package(root)),
        None => json!({"type": "application", "bom-ref": WORKSPACE, "name": "workspace"}),
    };
    let judged = sbom::judged(inventory);
    let listed = judged.iter().filter(|index| Some(**index) != whole);
    let components: Vec<Value> = listed.map(|index| component(inventory.package(*index))).collect();
    let mut dependencies: Vec<Value> = judged
        .iter()
        .map(|index| {
            let on = sbom::edges(inventory).filter(|edge| edge.from == *index);
            let mut on: Vec<&str> = on.map(|edge| &*inventory.package(edge.to).id).collect();
            on.sort_unstable();
            json!({"ref": inventory.package(*index).id, "dependsOn": on})
        })
        .collect();
    if whole.is_none() {
        let mut members: Vec<&str> =
            inventory.roots().iter().map(|index| &*inventory.package(*index).id).collect();
        members.sort_unstable();
        dependencies.push(json!({"ref": WORKSPACE, "dependsOn": members}));
    }
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(&digest),
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": dependencies,
    }))
}

/// The reference of a workspace that is no package itself.
const WORKSPACE: &str = "workspace";

fn component(package: &Package) -> Value {
    let mut component = json!({
        "type": if package.member { "application" } else { "library" },
        "bom-ref": package.id,
        "name": package.name,
        "version": package.version.to_string(),
        "purl": package.id,
    });
    match sbom::license(package) {
        License::Expression(text) => component["licenses"] = json!([{"expression": text}]),
        License::Name(text) => component["licenses"] = json!([{"license": {"name": text}}]),
        License::Unknown => {}
    }
    if let Some(checksum) = &package.checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum.to_string()}]);
    }
    if let Source::Git { url, commit: Some(commit), .. } = &package.source {
        let reference = json!({"type": "vcs", "url": url, "comment": format!("commit {commit}")});
        component["externalReferences"] = json!([reference]);
    }
    component
}

/// Makes a UUID of version 8 (RFC 9562 §5.8) of a digest's first 128 bits.
fn serial_number(digest: &Sha256) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
