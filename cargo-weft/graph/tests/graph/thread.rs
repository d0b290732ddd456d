//! The number of threads shows in no result.

use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use weft_graph::{betweenness, percolation};

use crate::sample::{any_graph, ladder};

/// Returns a result computed by one thread and by eight.
fn by_one_and_eight<T: Send>(compute: impl Fn() -> T + Sync) -> [T; 2] {
    [1, 8].map(|threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be started").install(&compute)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn betweenness_is_the_same_with_one_thread_and_eight(sample in any_graph(200, 800)) {
        let graph = sample.graph();
        let [one, eight] = by_one_and_eight(|| betweenness(&graph));
        prop_assert_eq!(one, eight);
    }

    #[test]
    fn percolation_is_the_same_with_one_thread_and_eight(
        sample in any_graph(100, 300),
        trials in 1..2000_u32,
    ) {
        let condensation = sample.condensation();
        let keys: Vec<u64> = sample.nodes().map(u64::from).collect();
        let [one, eight] =
            by_one_and_eight(|| percolation(&condensation, &sample.roots, &keys, trials, 1));
        prop_assert_eq!(one, eight);
    }
}

#[test]
fn an_overflow_is_found_with_one_thread_and_eight() {
    let graph = ladder(130, 2).graph();
    let [one, eight] = by_one_and_eight(|| betweenness(&graph));
    assert!(one.is_err());
    assert_eq!(one, eight);
}
