//! Family `maintainer`: whose hands the graph is in.

mod single_point;

pub use single_point::SinglePoint;
