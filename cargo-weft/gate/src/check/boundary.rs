//! Family `boundary`: which members may reach which packages.

mod direction;

pub use direction::Direction;
