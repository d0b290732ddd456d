//! What to block, harden or look at first: cuts, plans, packings and covers.

mod block;
mod cover;
mod cut;
mod knapsack;
mod saving;
