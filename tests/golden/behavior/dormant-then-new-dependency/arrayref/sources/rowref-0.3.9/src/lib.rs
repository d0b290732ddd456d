//! Rows by reference.
