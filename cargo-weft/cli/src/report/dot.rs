//! The judged graph in DOT, the language of Graphviz.

use std::fmt::Write;

use weft_gate::Inventory;

use crate::escape::dot;

/// Writes the judged packages and edges; members are boxes, and edges that are not normal dependencies are dashed.
pub fn render(inventory: &Inventory) -> String {
    let mut out = String::from("digraph weft {\n  node [shape=ellipse]\n");
    for (index, package) in inventory.packages.iter().enumerate().filter(|(_, p)| p.selected) {
        let shape = if package.member { ", shape=box" } else { "" };
        _ = writeln!(out, "  n{index} [label={}{shape}]", dot(&package.spec()));
    }
    for edge in inventory.edges.iter().filter(|e| e.selected) {
        let kinds = super::graphml::kinds(edge);
        let style =
            if kinds.is_empty() || kinds.contains(&"normal") { "" } else { " [style=dashed]" };
        _ = writeln!(out, "  n{} -> n{}{style}", edge.from, edge.to);
    }
    out.push_str("}\n");
    out
}
