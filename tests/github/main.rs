//! The action, against a GitHub of our own.
