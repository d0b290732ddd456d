pub use unitary::convert;
