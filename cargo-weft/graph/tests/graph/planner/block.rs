//! Plans against all sets, for losses that reach the roots along any path.

use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use weft_graph::{
    Node, Objective, Plan, Separation, UNCUTTABLE, blocking_shares, minimum_cut, plan,
};

use crate::brute;
use crate::sample::Sample;

/// A loss at each node, which each root that reaches it suffers in full.
#[derive(Debug, Clone)]
struct PathCut {
    sample: Sample,
    loss: Vec<u64>,
    /// The nodes that can be blocked.
    candidates: Vec<Node>,
    cost: Vec<u64>,
}

impl PathCut {
    fn loss(&self, blocked: &[Node]) -> u64 {
        let reached_by = |&root: &Node| brute::reached(&self.sample, &[root], blocked);
        let reached = self.sample.roots.iter().flat_map(reached_by);
        reached.map(|n| self.loss[n as usize]).sum()
    }

    fn cost_of(&self, chosen: &[usize]) -> u64 {
        chosen.iter().map(|&c| self.cost[c]).sum()
    }

    /// Returns the best of all sets: with the largest fall, then the least cost.
    fn best(&self, budget: u64) -> (u64, u64) {
        let sets = (0..1_u32 << self.candidates.len())
            .map(|set| (0..self.candidates.len()).filter(|c| set >> c & 1 == 1).collect::<Vec<_>>())
            .filter(|chosen| self.cost_of(chosen) <= budget);
        let best = sets.map(|chosen| (self.fall(&chosen), u64::MAX - self.cost_of(&chosen))).max();
        best.map(|(fall, rest)| (fall, u64::MAX - rest)).expect("the empty set costs nothing")
    }
}

impl Objective for PathCut {
    fn candidates(&self) -> usize {
        self.candidates.len()
    }

    fn cost(&self, candidate: usize) -> u64 {
        self.cost[candidate]
    }

    fn fall(&self, chosen: &[usize]) -> u64 {
        let blocked: Vec<Node> = chosen.iter().map(|&c| self.candidates[c]).collect();
        self.loss(&[]) - self.loss(&blocked)
    }
}

/// The same objective with a bound that knows the paths.
///
/// A loss is only kept from a root if what is left of the budget pays for cutting all ways to it.
struct WithCuts<'a>(&'a PathCut);

impl Objective for WithCuts<'_> {
    fn candidates(&self) -> usize {
        self.0.candidates()
    }

    fn cost(&self, candidate: usize) -> u64 {
        self.0.cost(candidate)
    }

    fn fall(&self, chosen: &[usize]) -> u64 {
        self.0.fall(chosen)
    }

    fn bound(&self, chosen: &[usize], undecided: &[usize], left: u64) -> u64 {
        let PathCut { sample, loss, candidates, cost } = self.0;
        let mut to_cut = vec![UNCUTTABLE; sample.len];
        chosen.iter().for_each(|&c| to_cut[candidates[c] as usize] = 0);
        undecided.iter().for_each(|&c| to_cut[candidates[c] as usize] = cost[c]);
        let graph = sample.graph();
        let is_avoidable = |root: Node, n: Node| {
            let cut = minimum_cut(&graph, &[root], &[n], &to_cut).expect("all fit the graph");
            matches!(cut, Separation::Possible(cut) if cut.cost <= left)
        };
        let mut bound = 0;
        for &root in &sample.roots {
            for n in brute::reached(sample, &[root], &[]) {
                bound += if is_avoidable(root, n) { loss[n as usize] } else { 0 };
            }
        }
        bound
    }
}

/// The same objective with shares from the paths.
struct WithShares<'a> {
    objective: &'a PathCut,
    shares: Vec<u64>,
}

impl WithShares<'_> {
    fn new(objective: &PathCut, budget: u64, rounds: u16) -> WithShares<'_> {
        let PathCut { sample, loss, candidates, cost } = objective;
        let mut cost_of = vec![UNCUTTABLE; sample.len];
        candidates.iter().zip(cost).for_each(|(&n, &cost)| cost_of[n as usize] = cost);
        let roots: Vec<(Node, u64)> = sample.roots.iter().map(|&root| (root, 1)).collect();
        let shares = blocking_shares(&sample.graph(), &roots, loss, &cost_of, budget, rounds);
        let shares = candidates.iter().map(|&n| shares[n as usize]).collect();
        WithShares { objective, shares }
    }
}

impl Objective for WithShares<'_> {
    fn candidates(&self) -> usize {
        self.objective.candidates()
    }

    fn cost(&self, candidate: usize) -> u64 {
        self.objective.cost(candidate)
    }

    fn fall(&self, chosen: &[usize]) -> u64 {
        self.objective.fall(chosen)
    }

    fn share(&self, candidate: usize) -> u64 {
        self.shares[candidate]
    }
}

/// Graphs in which each node has up to three dependents before it, and one loss in three nodes.
fn any_path_cut(max_nodes: usize) -> impl Strategy<Value = PathCut> {
    let dependents = prop::collection::vec(any::<prop::sample::Index>(), 1..=3);
    prop::collection::vec(dependents, 3..max_nodes).prop_flat_map(|dependents| {
        let len = dependents.len() + 1;
        let nodes: Vec<Node> = (0..).take(len).collect();
        let before = |n: usize, dependents: Vec<prop::sample::Index>| {
            let (n, earlier) = (nodes[n], &nodes[..n]);
            dependents.into_iter().map(|d| (*d.get(earlier), n)).collect::<Vec<_>>()
        };
        let edges: Vec<(Node, Node)> =
            (1..).zip(dependents).flat_map(|(n, dependents)| before(n, dependents)).collect();
        let roots = prop_oneof![3 => Just(vec![0]), 1 => Just(vec![0, 1])];
        let loss = prop_oneof![2 => Just(0), 1 => 1..9_u64];
        let loss = prop::collection::vec(loss, len);
        let cost = prop_oneof![1 => Just(0), 9 => 1..5_u64];
        let cost = prop::collection::vec(cost, len);
        (roots, loss, cost).prop_map(move |(roots, loss, cost)| {
            let sample = Sample::new(len, &edges, &roots);
            let candidates = sample.nodes().filter(|n| !sample.roots.contains(n)).collect();
            PathCut { sample, loss, candidates, cost }
        })
    })
}

/// Returns what is wrong with a plan, whatever the limit was.
fn fault(objective: &PathCut, budget: u64, limit: u64, plan: &Plan) -> Option<&'static str> {
    let faults = [
        (plan.chosen.is_sorted_by(|a, b| a < b), "the set is not in order"),
        (plan.cost == objective.cost_of(&plan.chosen), "the cost is not that of the set"),
        (plan.cost <= budget, "the cost is over the budget"),
        (plan.fall == objective.fall(&plan.chosen), "the fall is not that of the set"),
        (plan.bound >= objective.best(budget).0, "the bound is below the best"),
        (plan.is_exact() == (plan.bound == plan.fall), "exactness is not what the gap says"),
        (plan.evaluations <= limit, "evaluations are over the limit"),
    ];
    faults.into_iter().find_map(|(is_right, fault)| (!is_right).then_some(fault))
}

proptest! {
    #[test]
    fn a_plan_without_a_limit_is_the_best_of_all_sets(
        objective in any_path_cut(10),
        budget in 0..14_u64,
    ) {
        let plan = plan(&objective, budget, u64::MAX);
        prop_assert_eq!(fault(&objective, budget, u64::MAX, &plan), None);
        prop_assert!(plan.is_exact());
        prop_assert_eq!(plan.fall, objective.best(budget).0);
        for &candidate in &plan.chosen {
            let mut rest = plan.chosen.clone();
            rest.retain(|&c| c != candidate);
            prop_assert!(objective.fall(&rest) < plan.fall);
        }
    }

    #[test]
    fn a_plan_with_a_limit_says_no_more_than_it_knows(
        objective in any_path_cut(10),
        budget in 0..14_u64,
        limit in 0..80_u64,
    ) {
        let plan = plan(&objective, budget, limit);
        prop_assert_eq!(fault(&objective, budget, limit, &plan), None);
    }

    #[test]
    fn a_plan_by_a_bound_from_cuts_is_the_best_of_all_sets(
        objective in any_path_cut(10),
        budget in 0..14_u64,
        limit in prop_oneof![Just(u64::MAX), 0..80_u64],
    ) {
        let plan = plan(&WithCuts(&objective), budget, limit);
        prop_assert_eq!(fault(&objective, budget, limit, &plan), None);
        prop_assert!(plan.is_exact() || limit < u64::MAX);
    }

    #[test]
    fn no_set_saves_more_than_its_shares(
        objective in any_path_cut(10),
        budget in 0..14_u64,
        rounds in 0..9_u16,
    ) {
        let shares = WithShares::new(&objective, budget, rounds).shares;
        for set in 0..1_u32 << shares.len() {
            let chosen: Vec<_> = (0..shares.len()).filter(|c| set >> c & 1 == 1).collect();
            let sum: u64 = chosen.iter().map(|&c| shares[c]).sum();
            prop_assert!(objective.fall(&chosen) <= sum, "{chosen:?} of {shares:?}");
        }
    }

    #[test]
    fn a_plan_by_shares_is_the_best_of_all_sets(
        objective in any_path_cut(10),
        budget in 0..14_u64,
        rounds in 0..9_u16,
        limit in prop_oneof![Just(u64::MAX), 0..80_u64],
    ) {
        let plan = plan(&WithShares::new(&objective, budget, rounds), budget, limit);
        prop_assert_eq!(fault(&objective, budget, limit, &plan), None);
        prop_assert!(plan.is_exact() || limit < u64::MAX);
    }

    #[test]
    fn a_plan_is_the_same_with_one_thread_and_eight(
        objective in any_path_cut(13),
        budget in 0..14_u64,
        limit in 0..400_u64,
    ) {
        let [one, eight] = [1, 8].map(|threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads can be started").install(|| plan(&objective, budget, limit))
        });
        prop_assert_eq!(one, eight);
    }
}

/// r → a, r → b, a → c, b → c, c → d, b → e; the loss is at c alone, which cannot be blocked.
fn w() -> PathCut {
    let [r, a, b, c, d, e] = [0, 1, 2, 3, 4, 5];
    PathCut {
        sample: Sample::new(6, &[(r, a), (r, b), (a, c), (b, c), (c, d), (b, e)], &[r]),
        loss: vec![0, 0, 0, 1, 0, 0],
        candidates: vec![a, b, d, e],
        cost: vec![1; 4],
    }
}

#[test]
fn in_w_two_save_together_what_neither_saves_alone() {
    let objective = w();
    assert_eq!([0, 1].map(|c| objective.fall(&[c])), [0, 0]);
    assert_eq!(objective.fall(&[0, 1]), 1);

    let one = plan(&objective, 1, 100);
    assert_eq!((one.chosen, one.fall, one.bound), (vec![], 0, 0));
    let two = plan(&objective, 2, 100);
    assert_eq!((two.chosen, two.fall, two.bound), (vec![0, 1], 1, 1));
}

#[test]
fn greedy_choice_of_pairs_finds_the_pair_of_w_in_few_evaluations() {
    // One bound, four alone and six pairs, of which half of the limit has room for all.
    let plan = plan(&w(), 2, 40);
    assert_eq!((plan.chosen.as_slice(), plan.gap()), (&[0, 1][..], 0));
    assert_eq!(plan.evaluations, 1 + 4 + 6 + 2);
}

#[test]
fn a_bound_from_cuts_takes_fewer_evaluations() {
    // Five losses, to each of which two ways lead.
    let mut edges = Vec::new();
    for way in 0..5 {
        let [first, second, loss] = [1, 2, 3].map(|step| 3 * way + step);
        edges.extend([(0, first), (first, loss), (0, second), (second, loss)]);
    }
    let objective = PathCut {
        sample: Sample::new(16, &edges, &[0]),
        loss: (0..16).map(|n| if n > 0 && n % 3 == 0 { 40 + n } else { 0 }).collect(),
        candidates: (1..16).filter(|n| n % 3 != 0).collect(),
        cost: vec![2; 10],
    };
    let plain = plan(&objective, 6, u64::MAX);
    assert_eq!((plain.chosen.as_slice(), plain.fall, plain.gap()), (&[8, 9][..], 55, 0));
    let with_cuts = plan(&WithCuts(&objective), 6, u64::MAX);
    assert_eq!((with_cuts.chosen, with_cuts.fall), (plain.chosen, plain.fall));
    assert!(with_cuts.evaluations < plain.evaluations);
}

#[test]
fn shares_prove_a_greedy_choice_that_is_the_best() {
    // Thirty losses, to each of which one way leads.
    let edges: Vec<(Node, Node)> = (1..31).map(|n| (0, n)).collect();
    let objective = PathCut {
        sample: Sample::new(31, &edges, &[0]),
        loss: (0..31).collect(),
        candidates: (1..31).collect(),
        cost: vec![2; 30],
    };
    let plain = plan(&objective, 6, 2000);
    assert_eq!((plain.chosen.as_slice(), plain.fall), (&[27, 28, 29][..], 87));
    assert!(plain.gap() > 0);
    let with_shares = plan(&WithShares::new(&objective, 6, 1), 6, 2000);
    assert!(with_shares.is_exact());
    assert_eq!((with_shares.chosen, with_shares.fall), (plain.chosen, plain.fall));
}
