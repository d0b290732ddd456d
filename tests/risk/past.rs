//! The test on the past: its arithmetic, and that it can be repeated where its data is.

use std::io::Write;
use std::path::Path;

use jiff::civil::date;

use crate::backtest::{Known, backtest, months, read, report};
use crate::real;

/// Makes crates of which every fourth has a vulnerability each year if `is_steady`, and otherwise others each year.
fn made_up(is_steady: bool) -> Known {
    let mut known = Known { until: Some(date(2026, 8, 20)), ..Known::default() };
    for number in 0..400_u64 {
        let name = format!("c{number}");
        known.published.insert(name.clone(), vec![date(2015, 1, 1)]);
        for year in 2018..=2026 {
            let turn = u64::try_from(year).unwrap();
            let drawn = if is_steady { number } else { weft_graph::mix(number * 10_000 + turn) };
            if drawn.is_multiple_of(4) {
                known.vulnerable.entry(name.clone()).or_default().push(date(year, 3, 1));
            }
        }
    }
    known
}

#[test]
fn a_score_that_knows_is_better_than_the_base_rate_and_one_that_does_not_is_not() {
    let found = backtest(&made_up(true));
    assert_eq!(found.counts, [(400 * 7, 100 * 7), (400, 100)]);
    assert!((found.base_rate - 0.25).abs() < 1e-9 && (found.base_brier - 0.1875).abs() < 1e-9);
    let past = &found.rows[0];
    assert!(past.brier < 0.001 && past.gain.0 > past.gain.1, "{past:?}");
    assert_eq!(past.reliability[&0].2, 0);
    assert_eq!((past.reliability[&2].0, past.reliability[&2].2), (100, 100));
    // All are as old, so this is the base rate again.
    let age = &found.rows[3];
    assert!(age.gain.0.abs() < 1e-3 && age.gain.0 <= age.gain.1 + 1e-9, "{age:?}");

    let found = backtest(&made_up(false));
    for row in &found.rows {
        assert!(row.gain.0 <= row.gain.1 + 1e-9, "{row:?}");
    }
}

#[test]
fn what_came_after_the_known_part_of_the_year_does_not_count_in_any_year() {
    let mut known = made_up(true);
    known.vulnerable.insert("c1".to_owned(), vec![date(2024, 8, 21), date(2025, 12, 1)]);
    let found = backtest(&known);
    assert_eq!(found.counts, [(400 * 7, 100 * 7), (400, 100)]);
    known.vulnerable.insert("c1".to_owned(), vec![date(2024, 8, 20)]);
    assert_eq!(backtest(&known).counts[0], (400 * 7, 100 * 7 + 1));
}

#[test]
fn months_are_foretold_by_the_rate_and_by_their_share() {
    let mut known = made_up(true);
    known.malicious = vec![date(2023, 1, 1); 48];
    known.malicious.push(date(2026, 2, 1));
    let (of, came, [by_rate, by_share]) = months(&known);
    assert_eq!((of, came), (8, 1));
    assert!((by_rate.0 - 0.632_120_558).abs() < 1e-6 && (by_share.0 - 1.0 / 48.0).abs() < 1e-9);
    let brier = (7.0 * by_share.0.powi(2) + (1.0 - by_share.0).powi(2)) / 8.0;
    assert!((by_share.1 - brier).abs() < 1e-9);
}

#[test]
fn the_past_is_asked_where_it_is_at_hand() {
    let database = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/advisory-db");
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap();
    let is_there = database.join("crates").is_dir() && home.join("registry/index").is_dir();
    let said = match is_there {
        false => "\nNOT TESTED: there is no advisory database beside the repository, or no index in Cargo's \
                  home, so nothing is asked of the past\n\n"
            .to_owned(),
        true => {
            let lockfiles = real::lockfiles().into_iter();
            let small: Vec<_> = lockfiles.filter(|(name, _)| name == "ripgrep" || name == "cargo").collect();
            let paths: Vec<_> = small.into_iter().map(|(_, path)| path).collect();
            let known = read(&database, &home, &paths, false);
            let found = backtest(&known);
            let [(of, count), (of_last, _)] = found.counts;
            assert!(of > 1000 && of_last > 100 && count > 0, "{found:?}");
            for row in &found.rows {
                let cases: u64 = row.reliability.values().map(|step| step.0).sum();
                assert_eq!(cases, of_last, "{row:?}");
                assert!((0.0..0.25).contains(&row.brier), "{row:?}");
            }
            report(&known)
        }
    };
    std::io::stderr().write_all(said.as_bytes()).unwrap();
}
