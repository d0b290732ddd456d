//! What a check may look at, with the derived graph computed once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use weft_graph::{Graph, ShortestPaths};

/// A longer path is shown by its ends.
const LONGEST_PATH: usize = 40;

use crate::claim::Claims;
use crate::claim::standing::{self, Standing};
use crate::facts::{Facts, LockfileState};
use crate::inventory::Inventory;
use crate::place::Place;
use crate::policy::Policy;
use crate::publisher::Publishers;
use crate::topology::Topology;

/// Facts, and what follows from them.
pub struct Context<'f> {
    facts: &'f Facts,
    topology: OnceLock<Result<Topology, String>>,
    judged_paths: OnceLock<ShortestPaths>,
    locked_paths: OnceLock<Option<ShortestPaths>>,
    standings: OnceLock<BTreeMap<&'f str, Standing>>,
    used_exemptions: Vec<bool>,
    not_evaluated: Vec<String>,
}

/// How a package comes to be in the graph.
pub struct Introduction {
    /// `name@version` from a member to the package; the package alone if nothing leads to it.
    pub path: Vec<String>,
    /// The manifest line that introduces it, or its entry in the lockfile.
    pub place: Place,
}

impl<'f> Context<'f> {
    /// Prepares to look at `facts`.
    pub fn new(facts: &'f Facts) -> Self {
        Self {
            facts,
            topology: OnceLock::new(),
            judged_paths: OnceLock::new(),
            locked_paths: OnceLock::new(),
            standings: OnceLock::new(),
            used_exemptions: Vec::new(),
            not_evaluated: Vec::new(),
        }
    }

    /// Adds what the checks of exemptions look at: which are used, and the codes of checks that did not look
    /// everywhere.
    pub(crate) fn with_results(
        self,
        used_exemptions: Vec<bool>,
        not_evaluated: Vec<String>,
    ) -> Self {
        Self { used_exemptions, not_evaluated, ..self }
    }

    /// Says for each exemption whether a finding is its own; empty until the other checks were evaluated.
    pub(crate) fn used_exemptions(&self) -> &[bool] {
        &self.used_exemptions
    }

    /// Says whether a check was evaluated, and over everything.
    pub(crate) fn looked_everywhere(&self, code: &str) -> bool {
        !self.not_evaluated.iter().any(|other| other == code)
    }

    /// Returns the facts.
    pub fn facts(&self) -> &'f Facts {
        self.facts
    }

    /// Returns the policy.
    pub fn policy(&self) -> &'f Policy {
        &self.facts.policy
    }

    /// Returns the path of the lockfile.
    pub fn lockfile(&self) -> &'f str {
        match &self.facts.lockfile {
            LockfileState::Missing(path) | LockfileState::Present(path) => path,
        }
    }

    /// Returns what is known of claims, and how each stands.
    ///
    /// # Errors
    ///
    /// Why they are not known.
    pub fn claims(&self) -> Result<(&'f Claims, &BTreeMap<&'f str, Standing>), String> {
        let claims = self.facts.claims.as_ref().map_err(str::to_owned)?;
        let signed = self.policy().claims.signed_evidence;
        Ok((claims, self.standings.get_or_init(|| standing::judge(claims, signed))))
    }

    /// Returns the inventory.
    ///
    /// # Errors
    ///
    /// Why it is not known.
    pub fn inventory(&self) -> Result<&'f Inventory, String> {
        self.facts.inventory.as_ref().map_err(str::to_owned)
    }

    /// Returns the inventory and its topology.
    ///
    /// # Errors
    ///
    /// Why they are not known.
    pub fn graph(&self) -> Result<(&'f Inventory, &Topology), String> {
        let inventory = self.inventory()?;
        let measure =
            || Topology::of(inventory).map_err(|e| format!("the topology cannot be measured: {e}"));
        let topology = self.topology.get_or_init(measure).as_ref().map_err(Clone::clone)?;
        Ok((inventory, topology))
    }

    /// Returns who publishes the judged packages from elsewhere.
    ///
    /// # Errors
    ///
    /// Why that is not known of any.
    pub fn publishers(&self) -> Result<Publishers<'f>, String> {
        let inventory = self.inventory()?;
        let Some(known) = &self.facts.publishers else {
            return Err("it was not asked who publishes the packages".to_owned());
        };
        Ok(Publishers::of(inventory, known.as_ref().map_err(str::to_owned)?))
    }

    /// Finds how a package comes to be in the graph: by judged edges if it is judged, by any if it is not.
    pub fn introduction(&self, index: u32) -> Introduction {
        let Ok((inventory, topology)) = self.graph() else {
            return Introduction { path: Vec::new(), place: Place::whole(self.lockfile()) };
        };
        let judged = || ShortestPaths::new(&topology.graph, &topology.roots);
        let judged = self.judged_paths.get_or_init(judged).to(index);
        let path =
            judged.or_else(|| self.locked_path(inventory, index)).unwrap_or_else(|| vec![index]);
        let place = match path[..] {
            [member, first, ..] => declared(inventory, member, first),
            _ => None,
        };
        Introduction {
            place: place.unwrap_or_else(|| inventory.package(index).place.clone()),
            path: ends(&path)
                .map(|part| part.map_or("…".to_owned(), |p| inventory.package(p).spec()))
                .collect(),
        }
    }

    fn locked_path(&self, inventory: &Inventory, index: u32) -> Option<Vec<u32>> {
        let find = || {
            let edges: Vec<_> = inventory.edges.iter().map(|e| (e.from, e.to)).collect();
            let graph = Graph::from_edges(inventory.packages.len(), &edges).ok()?;
            let members = (0u32..).zip(&inventory.packages).filter(|(_, p)| p.member);
            Some(ShortestPaths::new(&graph, &members.map(|(i, _)| i).collect::<Vec<u32>>()))
        };
        self.locked_paths.get_or_init(find).as_ref()?.to(index)
    }
}

/// Iterates over a path, with `None` once for the middle of a long one.
fn ends(path: &[u32]) -> impl Iterator<Item = Option<u32>> {
    let half = LONGEST_PATH / 2;
    let (head, tail) = match path.len() > LONGEST_PATH {
        true => (&path[..half], &path[path.len() - half..]),
        false => (path, &[][..]),
    };
    let gap = (!tail.is_empty()).then_some(None);
    head.iter().copied().map(Some).chain(gap).chain(tail.iter().copied().map(Some))
}

/// Returns the place of the first declaration of an edge.
fn declared(inventory: &Inventory, from: u32, to: u32) -> Option<Place> {
    inventory.edge(from, to)?.declared.iter().filter_map(|d| d.place.clone()).min()
}
