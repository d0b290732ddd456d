//! Every metric against answers worked out by hand, by brute force and by other libraries.

mod brute;
mod cascade;
mod extreme;
mod foreign;
mod golden;
mod oracle;
mod planner;
mod property;
mod sample;
mod thread;
