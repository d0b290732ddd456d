//! Proof that something was verified, which nothing outside this crate can make.

use std::ops::Deref;

/// A value that a verification of this crate let through.
///
/// There is no other way to make one, so a function that takes a `Verified<T>` cannot be given anything unproven:
///
/// ```compile_fail
/// let forged = weft_verify::Verified { value: 1 };
/// ```
///
/// ```compile_fail
/// let forged = weft_verify::Verified::new(1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
}

impl<T> Verified<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value }
    }

    /// Returns the value, and gives up the proof.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
