//! The workflows that `cargo weft init --github` writes, and `action.yml`: what each may do, and that it does no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use saphyr::YamlOwned;

use super::runner::{load, members, parse, repository, sequence, text};

/// A workflow's events, the permissions of its job, and what the job uses and passes to the action.
struct Workflow {
    name: &'static str,
    events: &'static [&'static str],
    permissions: &'static [(&'static str, &'static str)],
    uses: &'static [&'static str],
    inputs: &'static [&'static str],
}

const WORKFLOWS: [Workflow; 3] = [
    Workflow {
        name: "weft.yml",
        events: &["merge_group", "pull_request", "push"],
        permissions: &[
            ("checks", "write"),
            ("contents", "read"),
            ("pull-requests", "write"),
            ("security-events", "write"),
        ],
        uses: &["actions/checkout", "cargo-weft/cargo-weft", "actions/upload-artifact"],
        inputs: &["fetch", "mode", "sarif-upload", "working-directory"],
    },
    Workflow {
        name: "weft-report.yml",
        events: &["workflow_run"],
        permissions: &[("actions", "read"), ("contents", "read"), ("pull-requests", "write")],
        uses: &["cargo-weft/cargo-weft"],
        inputs: &["mode"],
    },
    Workflow {
        name: "weft-release.yml",
        events: &["workflow_dispatch"],
        permissions: &[("attestations", "read"), ("contents", "write")],
        uses: &["actions/checkout", "cargo-weft/cargo-weft"],
        inputs: &[
            "fetch",
            "mode",
            "publish",
            "release-id",
            "tag",
            "trusted-roles",
            "working-directory",
        ],
    },
];

/// Returns a workflow as `init` fills it.
fn filled(name: &str) -> String {
    let template = fs::read_to_string(repository().join("templates/github").join(name)).unwrap();
    template.replace("WEFT_ACTION_SHA", &"a".repeat(40)).replace("WEFT_DIRECTORY", ".")
}

/// Returns the only job of a workflow.
fn job(workflow: &YamlOwned) -> YamlOwned {
    let jobs: Vec<YamlOwned> = members(&workflow["jobs"]).into_values().collect();
    <[YamlOwned; 1]>::try_from(jobs).unwrap()[0].clone()
}

fn steps(workflow: &YamlOwned) -> Vec<BTreeMap<String, YamlOwned>> {
    sequence(&job(workflow)["steps"]).iter().map(members).collect()
}

/// Returns the step that uses this, by its name without the commit.
fn step(workflow: &YamlOwned, uses: &str) -> BTreeMap<String, YamlOwned> {
    let mut steps = steps(workflow).into_iter();
    steps.find(|step| text(&step["uses"]).starts_with(&format!("{uses}@"))).unwrap()
}

/// Returns what a workflow gives to the step that runs the action, as it is written there.
pub(crate) fn weft_step(text: &str) -> BTreeMap<String, String> {
    let with = step(&parse(text), "cargo-weft/cargo-weft")["with"].clone();
    let scalar = |value: &YamlOwned| match value.as_bool() {
        Some(flag) => flag.to_string(),
        None => super::runner::text(value),
    };
    members(&with).into_iter().map(|(name, value)| (name, scalar(&value))).collect()
}

/// Calls for each member of each mapping, however deep.
fn walk(node: &YamlOwned, found: &mut impl FnMut(&str, &YamlOwned)) {
    if let Some(mapping) = node.as_mapping() {
        for (name, value) in mapping {
            found(name.as_str().unwrap_or_default(), value);
            walk(value, found);
        }
    }
    for item in node.as_sequence().into_iter().flatten() {
        walk(item, found);
    }
}

/// Counts the scripts of a document, and those with an expression.
fn scripts(document: &YamlOwned) -> (usize, usize) {
    let (mut all, mut with) = (0, 0);
    walk(document, &mut |name, value| {
        if name == "run" {
            all += 1;
            with += usize::from(text(value).contains("${{"));
        }
    });
    (all, with)
}

#[test]
fn no_expression_is_in_a_script() {
    assert_eq!(scripts(&load(&repository().join("action.yml"))), (2, 0));
    for Workflow { name, .. } in WORKFLOWS {
        assert_eq!(scripts(&parse(&filled(name))), (0, 0), "{name}");
    }
    // It would be seen.
    let bad =
        "jobs:\n  a:\n    steps:\n      - run: |\n          echo\n          echo ${{ github.x }}\n";
    assert_eq!(scripts(&parse(bad)), (1, 1));
}

#[test]
fn every_template_has_a_row() {
    let entries = fs::read_dir(repository().join("templates/github")).unwrap();
    let found = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let rows = WORKFLOWS.iter().map(|workflow| workflow.name.to_owned());
    assert_eq!(found.collect::<BTreeSet<_>>(), rows.collect());
}

#[test]
fn a_workflow_may_do_what_its_row_says() {
    for row in WORKFLOWS {
        let workflow = parse(&filled(row.name));
        assert_eq!(members(&workflow["on"]).into_keys().collect::<Vec<_>>(), row.events);
        assert!(members(&workflow["permissions"]).is_empty(), "{}", row.name);
        let permissions = members(&job(&workflow)["permissions"]);
        let permissions: Vec<(String, String)> =
            permissions.into_iter().map(|(scope, access)| (scope, text(&access))).collect();
        let expected = row.permissions.iter();
        let expected: Vec<(String, String)> =
            expected.map(|(scope, access)| ((*scope).into(), (*access).into())).collect();
        assert_eq!(permissions, expected, "{}", row.name);
        let inputs = step(&workflow, "cargo-weft/cargo-weft");
        assert_eq!(members(&inputs["with"]).into_keys().collect::<Vec<_>>(), row.inputs);
    }
}

#[test]
fn everything_used_is_pinned_to_a_commit() {
    let is_commit = |id: &str| {
        id.len() == 40 && id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
    };
    for row in WORKFLOWS {
        let text = filled(row.name);
        let mut used = Vec::new();
        walk(&parse(&text), &mut |name, value| {
            if name == "uses" {
                used.push(self::text(value));
            }
        });
        let names = used.iter().map(|used| used.split_once('@').unwrap());
        assert!(names.clone().all(|(_, id)| is_commit(id)), "{used:?}");
        assert_eq!(names.map(|(name, _)| name).collect::<Vec<_>>(), row.uses);
        // A person sees which version a commit is.
        for line in text.lines().filter(|line| line.contains("uses: actions/")) {
            let version = line.split_once(" # v").unwrap().1;
            assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{line}");
        }
    }
}

#[test]
fn the_action_is_that_of_this_repository() {
    let repository = env!("CARGO_PKG_REPOSITORY");
    for row in WORKFLOWS {
        let uses = text(&step(&parse(&filled(row.name)), "cargo-weft/cargo-weft")["uses"]);
        let name = uses.split_once('@').unwrap().0;
        assert_eq!(format!("https://github.com/{name}"), repository);
    }
}

#[test]
fn a_checkout_is_whole_and_leaves_no_token() {
    for name in ["weft.yml", "weft-release.yml"] {
        let with = step(&parse(&filled(name)), "actions/checkout")["with"].clone();
        assert_eq!(with["fetch-depth"].as_integer(), Some(0), "{name}");
        assert_eq!(with["persist-credentials"].as_bool(), Some(false), "{name}");
    }
}

#[test]
fn no_condition_skips_the_required_job() {
    let workflow = parse(&filled("weft.yml"));
    let job = members(&job(&workflow));
    for absent in ["if", "needs", "strategy", "continue-on-error"] {
        assert!(!job.contains_key(absent), "{absent}");
    }
    let action = step(&workflow, "cargo-weft/cargo-weft");
    assert!(!action.contains_key("if") && !action.contains_key("continue-on-error"));
    for (event, filters) in members(&workflow["on"]) {
        // A run that a filter of branches or paths skips stays pending.
        let filters = filters.as_mapping().map(|_| members(&filters).into_keys().collect());
        let filters: Vec<String> = filters.unwrap_or_default();
        let expected: &[&str] = match &*event {
            "push" => &["branches"],
            // Led to another branch, a pull request has other rules.
            "pull_request" => &["types"],
            _ => &[],
        };
        assert_eq!(filters, expected, "{event}");
    }
    let types = sequence(&workflow["on"]["pull_request"]["types"]);
    let types: Vec<String> = types.iter().map(text).collect();
    assert_eq!(types, ["opened", "synchronize", "reopened", "edited"]);
}

#[test]
fn the_report_is_of_the_workflow_that_leaves_it() {
    let (weft, report) = (parse(&filled("weft.yml")), parse(&filled("weft-report.yml")));
    let names = sequence(&report["on"]["workflow_run"]["workflows"]);
    assert_eq!(names.iter().map(text).collect::<Vec<_>>(), [text(&weft["name"])]);
    let left = step(&weft, "actions/upload-artifact");
    let action = load(&repository().join("action.yml"));
    assert_eq!(text(&left["with"]["name"]), text(&action["inputs"]["artifact"]["default"]));
    let path = text(&left["with"]["path"]);
    assert_eq!(path, "${{ steps.weft.outputs.report-json }}");
    assert_eq!(text(&step(&weft, "cargo-weft/cargo-weft")["id"]), "weft");
}

#[test]
fn modes_and_inputs_are_known() {
    let action = load(&repository().join("action.yml"));
    let known = members(&action["inputs"]);
    let modes = ["audit", "gate-merge", "gate-release", "report"];
    for row in WORKFLOWS {
        assert!(row.inputs.iter().all(|input| known.contains_key(*input)), "{}", row.name);
        let mode = text(&step(&parse(&filled(row.name)), "cargo-weft/cargo-weft")["with"]["mode"]);
        let quoted: Vec<&str> = match mode.contains("${{") {
            true => mode.split('\'').skip(3).step_by(2).collect(),
            false => vec![&mode],
        };
        assert!(quoted.iter().all(|mode| modes.contains(mode)) && !quoted.is_empty(), "{mode}");
    }
}
