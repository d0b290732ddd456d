//! Every metric against answers worked out by hand, by brute force and by other libraries.

mod brute;
mod cascade;
mod enumeration;
mod extreme;
mod foreign;
mod golden;
mod lockfile;
mod metamorphic;
mod oracle;
mod planner;
mod property;
mod python;
mod sample;
mod thread;
