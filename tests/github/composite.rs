//! `action.yml` and the script beside it, run as GitHub's runner would, with a stand-in for the program.
#![cfg(unix)]

mod download;
mod named;
mod real;
pub(crate) mod runner;
pub(crate) mod workflow;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use runner::Job;

use crate::runner::TOKEN;

/// Every input, and what it is if a workflow does not give it.
const INPUTS: [(&str, &str); 35] = [
    ("advisory-db", ""),
    ("annotations", "true"),
    ("api-url", "https://api.github.com"),
    ("artifact", "weft-report"),
    ("base", ""),
    ("binary", ""),
    ("category", "cargo-weft"),
    ("check-run", "true"),
    ("comment", "on-change"),
    ("comment-author", "github-actions[bot]"),
    ("evidence", ""),
    ("fail-on", "deny"),
    ("fetch", "false"),
    ("head", ""),
    ("manifest", ""),
    ("mode", "audit"),
    ("newest-revocation", ""),
    ("offline", "false"),
    ("policy", ""),
    ("policy-ref", ""),
    ("precision", "lock"),
    ("previous", ""),
    ("publish", "false"),
    ("release-id", ""),
    ("report-file", ""),
    ("roles", ""),
    ("sarif-file", ""),
    ("sarif-upload", "false"),
    ("summary", "true"),
    ("tag", ""),
    ("token", TOKEN),
    ("trusted-roles", ""),
    ("verdict", ""),
    ("warn-only", "false"),
    ("working-directory", "."),
];

/// Every output.
const OUTPUTS: [&str; 11] = [
    "audited-sha",
    "base-sha",
    "comment-url",
    "counts",
    "merge-tree",
    "missing",
    "published",
    "report-json",
    "report-markdown",
    "sarif",
    "verdict",
];

/// Notes its arguments and its variables beside itself, once it is asked to run.
const STAND_IN: &str = r#"
[[ $1 = run ]] || exit 0
printf '%s\0' "$@" >"${0%/*}/arguments"
env -0 >"${0%/*}/variables"
"#;

/// Makes a job whose program is a stand-in that does this, too.
fn job(script: &str) -> Job {
    let job = Job::new();
    let program = job.program("tools/weft-action", &format!("{STAND_IN}{script}"));
    job.input("binary", program.to_str().unwrap())
}

/// Returns the variables that the stand-in was given.
fn variables(job: &Job) -> BTreeMap<String, String> {
    let noted = fs::read_to_string(job.path("tools/variables")).unwrap();
    let pairs = noted.split_terminator('\0').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn variable(input: &str) -> String {
    format!("WEFT_INPUT_{}", input.replace('-', "_").to_uppercase())
}

/// Texts that would do something if a shell, or the runner, took them for its own; `P` is the path of a sentinel.
fn hostile(sentinel: &Path) -> Vec<String> {
    [
        "$(touch P)",
        "`touch P`",
        "'; touch P; '",
        "\"; touch P; \"",
        "a\ntouch P\n",
        "a\r\ntouch P",
        "|touch P&",
        "&& touch${IFS}P",
        "{touch,P}",
        "a[$(touch P)]",
        "-e $(touch P)",
        "<(touch P)",
        "\\\n$(touch P)",
        "x\nBASH_ENV=P\nGITHUB_ENV<<E\nE\n",
        "::set-output name=verdict::passed\n::add-mask::a",
        "##[add-path]P",
        "${{ github.token }}",
        "%0Aa=b",
        "\u{1b}[2J\u{202e}\u{200b}ß",
        "  leading and trailing  ",
        "*",
        "~",
        "--help",
    ]
    .into_iter()
    .map(|text| text.replace('P', sentinel.to_str().unwrap()))
    .collect()
}

#[test]
fn the_inputs_and_outputs_are_those_of_the_program() {
    let action = runner::load(&runner::repository().join("action.yml"));
    let inputs: Vec<String> = runner::members(&action["inputs"]).into_keys().collect();
    assert_eq!(inputs, INPUTS.map(|(name, _)| name));
    let outputs: Vec<String> = runner::members(&action["outputs"]).into_keys().collect();
    assert_eq!(outputs, OUTPUTS);
    for part in ["inputs", "outputs"] {
        for (name, declared) in runner::members(&action[part]) {
            assert!(runner::text(&declared["description"]).ends_with('.'), "{name}");
        }
    }
}

#[test]
fn what_is_not_given_is_its_default() {
    let job = job("");
    job.done().exits(0);
    let found = variables(&job);
    for (name, default) in INPUTS.into_iter().filter(|(name, _)| *name != "binary") {
        assert_eq!(found[&variable(name)], default, "{name}");
    }
    let known: BTreeSet<String> = INPUTS.into_iter().map(|(name, _)| variable(name)).collect();
    let passed = found.into_keys().filter(|name| name.starts_with("WEFT_INPUT_"));
    assert_eq!(passed.collect::<BTreeSet<_>>(), known);
}

#[test]
fn a_server_of_ones_own_is_asked_at_its_own_address() {
    let job = job("").github("api_url", "https://ghes.example/api/v3");
    job.done().exits(0);
    assert_eq!(variables(&job)["WEFT_INPUT_API_URL"], "https://ghes.example/api/v3");
}

#[test]
fn no_shell_takes_an_input_for_its_own() {
    let sentinel = tempfile::tempdir().unwrap();
    let sentinel = sentinel.path().join("sentinel");
    for text in hostile(&sentinel) {
        let given = INPUTS.into_iter().filter(|(name, _)| !["binary", "offline"].contains(name));
        let job = given.clone().fold(job(""), |job, (name, _)| job.input(name, &*text));
        // Names that whoever opens a pull request chooses.
        let names = ["GITHUB_HEAD_REF", "GITHUB_REF_NAME", "GITHUB_ACTOR", "GITHUB_EVENT_NAME"];
        let job = names.into_iter().fold(job, |job, name| job.variable(name, &*text));
        let done = job.done().exits(0);
        let found = variables(&job);
        for name in given.map(|(name, _)| variable(name)).chain(names.map(str::to_owned)) {
            assert_eq!(found[&name], text, "{name}");
        }
        assert_eq!(fs::read(job.path("tools/arguments")).unwrap(), b"run\0");
        assert!(!sentinel.exists(), "{text:?} was run");
        assert_eq!(done.log(), "", "{text:?} reached the log");
        assert!(done.steps.iter().all(|step| step.left.is_empty()), "{text:?}");
        assert_eq!(fs::read_dir(job.path("workspace")).unwrap().count(), 0, "{text:?}");
    }
}

/// The test above sees what it looks for.
#[test]
fn a_shell_that_is_given_such_a_text_in_its_script_runs_it() {
    let directory = tempfile::tempdir().unwrap();
    let sentinel = directory.path().join("sentinel");
    let runs = |text: &String| {
        ["echo T", "echo 'T'", "echo \"T\""].into_iter().any(|script| {
            let mut bash = Command::new("bash");
            bash.args(["-c", &script.replace('T', text)]).current_dir(directory.path());
            bash.output().unwrap();
            fs::remove_file(&sentinel).is_ok()
        })
    };
    let texts = hostile(&sentinel);
    assert!(texts.iter().filter(|text| runs(text)).count() >= 10);
}

#[test]
fn a_script_with_an_expression_is_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let action = |script: &str| {
        format!(
            "inputs: {{x: {{default: a}}}}\noutputs: {{}}\nruns:\n  using: composite\n  steps:\n    \
             - {{id: a, shell: bash, env: {{X: \"${{{{ inputs.x }}}}\"}}, run: '{script}'}}\n"
        )
    };
    let run = |script: &str| {
        fs::write(directory.path().join("action.yml"), action(script)).unwrap();
        let job = Job::new().action(directory.path());
        catch_unwind(AssertUnwindSafe(|| job.done().log())).ok()
    };
    assert_eq!(run("printf %s \"$X\""), Some("a".to_owned()));
    assert_eq!(run("printf %s ${{ inputs.x }}"), None);
}

#[test]
fn the_token_is_given_to_the_program_alone() {
    let job = job("");
    let done = job.done().exits(0);
    let holders: Vec<usize> = (0..done.steps.len())
        .filter(|step| done.steps[*step].env.values().any(|value| value.contains(TOKEN)))
        .collect();
    assert_eq!(holders, [1]);
    assert_eq!(variables(&job)["WEFT_INPUT_TOKEN"], TOKEN);
    assert_eq!(fs::read(job.path("tools/arguments")).unwrap(), b"run\0");
    assert!(!done.log().contains(TOKEN));
}

#[test]
fn the_step_ends_as_the_program_does() {
    for status in [0, 1, 2, 3, 70] {
        job(&format!("exit {status}")).done().exits(status);
    }
    for signal in [9, 15] {
        job(&format!("kill -{signal} $$")).done().exits(128 + signal);
    }
}

#[test]
fn a_program_that_cannot_be_started_is_2() {
    for content in ["\u{7f}ELF of another machine", "#!/nowhere/ld.so\n"] {
        let job = Job::new();
        let program = job.program("tools/weft-action", "");
        fs::write(&program, content).unwrap();
        let done = job.input("binary", program.to_str().unwrap()).done().exits(2);
        assert!(done.log().contains("does not start on this machine"), "{}", done.log());
        assert_eq!((done.steps.len(), done.log().lines().count()), (1, 1), "{}", done.log());
    }
}

#[test]
fn outputs_arrive_as_they_were_written() {
    let text = "a=b<<c\n::error::d\n${{ github.token }}";
    let script = OUTPUTS
        .map(|name| {
            format!("printf '{name}<<E\\n%s\\n%s\\nE\\n' {name} \"$TEXT\" >>\"$GITHUB_OUTPUT\"\n")
        })
        .concat();
    let job = job(&script).variable("TEXT", text);
    let done = job.done().exits(0);
    let expected = OUTPUTS.map(|name| (name.to_owned(), format!("{name}\n{text}")));
    assert_eq!(done.outputs, BTreeMap::from(expected));
    // Of a program that says nothing, there is nothing.
    let done = self::job("exit 2").done().exits(2);
    assert_eq!(done.outputs, OUTPUTS.map(|name| (name.to_owned(), String::new())).into());
}

#[test]
fn the_summary_is_the_programs() {
    let done = job("echo '# weft' >>\"$GITHUB_STEP_SUMMARY\"").done().exits(0);
    assert_eq!(done.steps[0].summary, "");
    assert_eq!(done.steps[1].summary, "# weft\n");
}
