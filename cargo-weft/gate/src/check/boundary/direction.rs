#![doc = include_str!("direction.md")]

use weft_graph::{Graph, shortest_path, shortest_path_avoiding};

use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Inventory;
use crate::place::Place;
use crate::policy::Boundary;

/// See the module's page.
pub struct Direction;

/// A path that a rule forbids.
struct Crossing {
    path: Vec<u32>,
    sentence: String,
    rule: String,
}

impl Check for Direction {
    fn code(&self) -> &'static str {
        "boundary/direction"
    }

    fn page(&self) -> &'static str {
        include_str!("direction.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (inventory, topology) = context.graph()?;
        let view = View { inventory, graph: &topology.graph };
        let mut crossings = Vec::new();
        for boundary in &context.policy().boundaries {
            match boundary {
                Boundary::Only { name, only } => crossings.extend(view.only(name, only)?),
                Boundary::Deny { from, deny } => crossings.extend(view.deny(from, deny)?),
                Boundary::Layers { layers } => {
                    let layers: Vec<&[String]> = layers.iter().map(|l| l.members()).collect();
                    crossings.extend(view.layers(&layers)?);
                }
            }
        }
        Ok(each(crossings, |crossing| {
            let (member, last) = (crossing.path[0], crossing.path[crossing.path.len() - 1]);
            let subject =
                format!("{} -> {}", inventory.package(member).name, inventory.package(last).name);
            let path: Vec<String> =
                crossing.path.iter().map(|i| inventory.package(*i).spec()).collect();
            Finding::new(self.code(), &subject, place(inventory, &crossing.path), crossing.sentence)
                .path(path)
                .remedy(
                    "Cut the path at its cheapest edge, or move what needs it across the boundary.",
                )
                .field("rule", &*crossing.rule)
        }))
    }
}

/// The judged graph, asked by name.
struct View<'g> {
    inventory: &'g Inventory,
    graph: &'g Graph,
}

impl View<'_> {
    /// Finds the members that reach a crate other than through those that may depend on it.
    fn only(&self, name: &str, only: &[String]) -> Result<Vec<Crossing>, String> {
        let allowed = self.members(only)?;
        let mut crossings = Vec::new();
        for target in self.named(name) {
            for member in self.inventory.roots() {
                if allowed.contains(&member) || member == target {
                    continue;
                }
                if let Some(path) = shortest_path_avoiding(self.graph, &[member], target, &allowed)
                {
                    let sentence = format!(
                        "{} reaches {} without {}, and no other member may.",
                        self.inventory.package(member).name,
                        self.inventory.package(target).spec(),
                        only.join(" or ")
                    );
                    crossings.push(Crossing {
                        path,
                        sentence,
                        rule: format!("only {}", only.join(", ")),
                    });
                }
            }
        }
        Ok(crossings)
    }

    fn deny(&self, from: &[String], deny: &[String]) -> Result<Vec<Crossing>, String> {
        let from = match from.iter().any(|member| member == "*") {
            true => self.inventory.roots(),
            false => self.members(from)?,
        };
        let targets: Vec<u32> = deny.iter().flat_map(|name| self.named(name)).collect();
        let mut crossings = Vec::new();
        for target in targets {
            for member in from.iter().copied().filter(|member| *member != target) {
                crossings.extend(self.crossing(member, target, "and the policy does not let it"));
            }
        }
        Ok(crossings)
    }

    /// Finds members that reach members of an earlier layer.
    fn layers(&self, layers: &[&[String]]) -> Result<Vec<Crossing>, String> {
        let layers: Vec<Vec<u32>> =
            layers.iter().map(|layer| self.members(layer)).collect::<Result<_, _>>()?;
        let mut crossings = Vec::new();
        for (number, layer) in layers.iter().enumerate() {
            for member in layer {
                for target in layers[..number].iter().flatten() {
                    crossings.extend(self.crossing(*member, *target, "which is in an outer layer"));
                }
            }
        }
        Ok(crossings)
    }

    fn crossing(&self, member: u32, target: u32, why: &str) -> Option<Crossing> {
        let path = shortest_path(self.graph, &[member], target)?;
        let sentence = format!(
            "{} reaches {}, {why}.",
            self.inventory.package(member).name,
            self.inventory.package(target).spec()
        );
        let rule = format!(
            "{} may not reach {}",
            self.inventory.package(member).name,
            self.inventory.package(target).name
        );
        Some(Crossing { path, sentence, rule })
    }

    /// Returns the judged members with these names; a rule about a member that is not there guards nothing.
    fn members(&self, names: &[String]) -> Result<Vec<u32>, String> {
        let roots = self.inventory.roots();
        let member = |name: &String| {
            let found = roots.iter().find(|i| self.inventory.package(**i).name == *name);
            found.copied().ok_or_else(|| {
                format!(
                    "a boundary in the policy names `{}`, which is no member",
                    name.escape_debug()
                )
            })
        };
        names.iter().map(member).collect()
    }

    /// Returns the judged packages with a name.
    fn named(&self, name: &str) -> Vec<u32> {
        let packages = (0u32..).zip(&self.inventory.packages);
        packages.filter(|(_, p)| p.selected && p.name == name).map(|(i, _)| i).collect()
    }
}

/// Returns where the first edge of a path is declared.
fn place(inventory: &Inventory, path: &[u32]) -> Place {
    let declared = match path {
        [member, first, ..] => inventory
            .edge(*member, *first)
            .and_then(|edge| edge.declared.iter().filter_map(|d| d.place.clone()).min()),
        _ => None,
    };
    declared.unwrap_or_else(|| inventory.package(path[0]).place.clone())
}
