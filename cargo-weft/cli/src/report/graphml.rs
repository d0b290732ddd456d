//! The judged graph in GraphML, for graph tools.

use std::fmt::Write;

use weft_gate::Inventory;
use weft_gate::inventory::{DependencyKind, Edge};

use crate::escape::xml;

const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="purl" for="node" attr.name="purl" attr.type="string"/>
  <key id="name" for="node" attr.name="name" attr.type="string"/>
  <key id="version" for="node" attr.name="version" attr.type="string"/>
  <key id="member" for="node" attr.name="member" attr.type="boolean"/>
  <key id="kinds" for="edge" attr.name="kinds" attr.type="string"/>
  <graph id="weft" edgedefault="directed">
"#;

/// Writes the judged packages and edges.
pub fn render(inventory: &Inventory) -> String {
    let mut out = HEADER.to_owned();
    for (index, package) in inventory.packages.iter().enumerate().filter(|(_, p)| p.selected) {
        _ = writeln!(
            out,
            "    <node id=\"n{index}\"><data key=\"purl\">{}</data><data key=\"name\">{}</data>\
             <data key=\"version\">{}</data><data key=\"member\">{}</data></node>",
            xml(&package.id),
            xml(&package.name),
            xml(&package.version.to_string()),
            package.member,
        );
    }
    for edge in inventory.edges.iter().filter(|e| e.selected) {
        _ = writeln!(
            out,
            "    <edge source=\"n{}\" target=\"n{}\"><data key=\"kinds\">{}</data></edge>",
            edge.from,
            edge.to,
            kinds(edge).join(" "),
        );
    }
    out.push_str("  </graph>\n</graphml>\n");
    out
}

/// Returns the kinds of an edge, each once; none are known where no manifest was read.
pub(super) fn kinds(edge: &Edge) -> Vec<&'static str> {
    let mut kinds: Vec<_> = edge
        .declared
        .iter()
        .map(|declaration| match declaration.kind {
            DependencyKind::Build => "build",
            DependencyKind::Dev => "dev",
            DependencyKind::Normal => "normal",
        })
        .collect();
    kinds.dedup();
    kinds
}
