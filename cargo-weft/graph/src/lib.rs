//! Exact, deterministic topology metrics on a plain directed graph.
//!
//! An edge goes from a dependent to what it depends on, so "reachable from the roots" means
//! "part of what the roots are built from".
//! The crate has never heard of Cargo: nodes are numbers, and names, versions and features stay
//! with the caller.
//!
//! It reads no clock, no file and no environment, and it adds up integers only, never floating
//! point numbers.
//! Equal inputs therefore give equal results on every machine and with any number of threads.
//!
//! Roots are passed as a slice of nodes, and metrics that pass through cycles take the
//! [`Condensation`], which a caller computes once.
//! Except where a function returns an error, naming a node the graph does not have, or passing a
//! slice that is not as long as the graph, is a mistake in the calling code and panics as slice
//! indexing does.
//!
//! ```
//! use weft_graph::{Condensation, Graph, dominators, reach_from_roots};
//!
//! // r → a, r → b, a → c, b → c, c → d, b → e
//! let [r, a, b, c, d, e] = [0, 1, 2, 3, 4, 5];
//! let graph = Graph::from_edges(6, &[(r, a), (r, b), (a, c), (b, c), (c, d), (b, e)])?;
//! let condensation = Condensation::of(&graph);
//!
//! // Every path to d passes through c, so both leave if c goes.
//! let dominators = dominators(&condensation, &[r], &[1; 6]);
//! assert_eq!(dominators.retained(c), 2);
//!
//! let reach = reach_from_roots(&condensation, &[r]);
//! assert_eq!(reach.roots(d).collect::<Vec<_>>(), [0]);
//! # Ok::<(), weft_graph::GraphError>(())
//! ```

mod articulation;
mod betweenness;
mod bits;
mod block;
mod bound;
mod cascade;
mod closure;
mod condensation;
mod cover;
mod csr;
mod cut;
mod depth;
mod dominator;
mod error;
mod graph;
mod host;
mod knapsack;
mod path;
mod path_count;
mod percolation;
mod probability;
mod random;
mod reach;
mod share;

pub use articulation::articulation_points;
pub use betweenness::{Betweenness, betweenness};
pub use block::{Objective, Plan, plan};
pub use bound::{Bounds, bounds};
pub use cascade::{Cascade, Drawn, Hits, Savings, Stakes, Tally, Tie, Worlds};
pub use closure::closure_sizes;
pub use condensation::Condensation;
pub use cover::{Cover, Fewest, fewest_cover, greedy_cover};
pub use cut::{Cut, CutFault, FlowPath, Separation, UNCUTTABLE, minimum_cut};
pub use depth::{Depth, depths};
pub use dominator::{Dominators, dominators};
pub use error::GraphError;
pub use graph::{Graph, Node};
pub use host::{HostCode, host_reach};
pub use knapsack::{Item, Packing, knapsack};
pub use path::{ShortestPaths, shortest_path, shortest_path_avoiding};
pub use path_count::{PathCount, path_counts};
pub use percolation::{Percolation, percolation};
pub use probability::Probability;
pub use random::mix;
pub use reach::{Reach, reach_from_roots};
pub use share::blocking_shares;
