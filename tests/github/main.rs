//! The action, against a GitHub of our own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod composite;
mod contract;
mod event;
mod fake;
mod fault;
mod fetch;
mod inert;
mod life;
mod payload;
mod pitfall;
mod relay;
mod release;
mod runner;
mod sample;
mod sink;
mod speed;
