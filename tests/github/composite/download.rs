//! The program that is downloaded: only one with the digest that stands beside `action.yml`, or none.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::PathBuf;

use weft_verify::Sha256;

use super::runner::{Job, repository};
use crate::runner::TOKEN;

const URL: &str = "https://releases.invalid/v1/weft-action-linux-x64";

/// What a release of the program would be.
const PROGRAM: &str = "#!/usr/bin/env bash\nprintf 'verdict=passed\\n' >>\"$GITHUB_OUTPUT\"\n";

/// A `curl` that notes how it was called, and has for any URL what lies in `served`.
const CURL: &str = r#"
printf '%s\n' "$@" >"${0%/*}/arguments"
env >"${0%/*}/variables"
while (($#)); do
  [[ $1 != --output ]] || to=$2
  shift
done
[[ -e ${0%/*}/served ]] || { cat "${0%/*}/said" >&2; exit 22; }
cp "${0%/*}/served" "$to"
"#;

/// Makes a job whose action has this manifest of digests, and whose `curl` serves the program.
fn job(manifest: &str) -> Job {
    let job = Job::new();
    fs::create_dir_all(job.path("action/action")).unwrap();
    for name in ["action.yml", "action/resolve.sh"] {
        fs::copy(repository().join(name), job.path("action").join(name)).unwrap();
    }
    fs::write(job.path("action/action/digests"), manifest).unwrap();
    job.program("programs/curl", CURL);
    fs::write(job.path("programs/served"), PROGRAM).unwrap();
    // What would build it.
    for name in ["cargo", "rustc", "git", "wget", "gh"] {
        job.program(&format!("programs/{name}"), ": >\"${0%/*}/built\"");
    }
    let (action, programs) = (job.path("action"), job.path("programs"));
    job.action(action).programs(&programs)
}

fn line(target: &str, program: &str) -> String {
    format!("{target} {} {URL}\n", Sha256::of(program.as_bytes()))
}

/// Asserts that no program is run, with one line of the log that has this phrase, and names what to do.
#[track_caller]
fn check_refused(job: &Job, phrase: &str) {
    let done = job.done().exits(2);
    assert_eq!(done.steps.len(), 1, "{phrase}");
    let log = done.log();
    let said = log.strip_prefix("::error title=cargo weft::").unwrap_or_else(|| panic!("{log}"));
    assert!(said.contains(phrase) && said.contains("`binary:`"), "{phrase}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(done.steps[0].outputs.is_empty() && done.outputs["verdict"].is_empty(), "{phrase}");
    assert!(!job.path("programs/built").exists(), "{phrase}");
}

fn was_called(job: &Job) -> bool {
    job.path("programs/arguments").exists()
}

#[test]
fn a_program_with_the_digest_is_run() {
    let others = line("linux-arm64", "other") + &line("macos-x64", "other");
    for manifest in [
        line("linux-x64", PROGRAM),
        format!("# a comment\n\n{others}{}", line("linux-x64", PROGRAM)),
        format!("{}{others}", line("linux-x64", PROGRAM)),
    ] {
        let job = job(&manifest);
        let done = job.done().exits(0);
        assert_eq!(done.outputs["verdict"], "passed");
        let program = PathBuf::from(&done.steps[0].outputs["binary"]);
        assert!(program.starts_with(job.path("temp")), "{program:?}");
        assert_eq!(done.log(), "");
    }
}

#[test]
fn every_kind_of_runner_has_its_own_program() {
    let targets = [
        ("Linux", "X64", "linux-x64"),
        ("Linux", "ARM64", "linux-arm64"),
        ("macOS", "X64", "macos-x64"),
        ("macOS", "ARM64", "macos-arm64"),
        ("Windows", "X64", "windows-x64"),
    ];
    for (os, architecture, target) in targets {
        let manifest = targets
            .map(|(.., other)| line(other, if other == target { PROGRAM } else { "another" }));
        let job = job(&manifest.concat());
        let job = job.variable("RUNNER_OS", os).variable("RUNNER_ARCH", architecture);
        let done = job.done().exits(0);
        let is_exe = done.steps[0].outputs["binary"].ends_with(".exe");
        assert_eq!(is_exe, os == "Windows", "{target}");
        let others = targets.into_iter().filter(|(.., other)| *other != target);
        let others: String = others.map(|(.., other)| line(other, PROGRAM)).collect();
        let job = self::job(&others);
        let job = job.variable("RUNNER_OS", os).variable("RUNNER_ARCH", architecture);
        check_refused(&job, &format!("no released program for {target}"));
        assert!(!was_called(&job));
    }
    for (os, architecture) in [("Linux", "X86"), ("Linux", "ARM"), ("Plan9", "X64"), ("", "")] {
        let job = job(&line("linux-x64", PROGRAM));
        let job = job.variable("RUNNER_OS", os).variable("RUNNER_ARCH", architecture);
        check_refused(&job, "no program is released for this kind of runner");
        assert!(!was_called(&job));
    }
}

#[test]
fn a_program_without_the_digest_is_refused() {
    for served in [String::new(), format!("{PROGRAM} "), PROGRAM[..PROGRAM.len() - 1].to_owned()] {
        let job = job(&line("linux-x64", PROGRAM));
        fs::write(job.path("programs/served"), served).unwrap();
        check_refused(&job, "has not the digest");
        assert!(was_called(&job));
    }
}

#[test]
fn a_manifest_that_does_not_name_one_program_is_refused() {
    let digest = Sha256::of(PROGRAM.as_bytes()).to_string();
    let upper = digest.to_uppercase();
    let short = &digest[1..];
    for (manifest, phrase) in [
        (String::new(), "has no released program for linux-x64"),
        (format!("#linux-x64 {digest} {URL}\n"), "has no released program"),
        (format!("linux-x64-2 {digest} {URL}\n"), "has no released program"),
        ("linux-x64\n".to_owned(), "faulty line"),
        (format!("linux-x64 {digest}\n"), "faulty line"),
        (format!("linux-x64  {URL}\n"), "faulty line"),
        (format!("linux-x64 {short} {URL}\n"), "faulty line"),
        (format!("linux-x64 {digest}0 {URL}\n"), "faulty line"),
        (format!("linux-x64 {upper} {URL}\n"), "faulty line"),
        (format!("linux-x64 {digest} {URL} more\n"), "faulty line"),
        (format!("linux-x64 {digest} {URL}\r\n"), "faulty line"),
        (format!("linux-x64 {digest} http://releases.invalid/a\n"), "faulty line"),
        (format!("linux-x64 {digest} file:///etc/passwd\n"), "faulty line"),
        (format!("linux-x64 {digest} --config=/etc/passwd\n"), "faulty line"),
        (line("linux-x64", PROGRAM).repeat(2), "faulty line"),
        (line("linux-x64", "other") + &line("linux-x64", PROGRAM), "faulty line"),
    ] {
        let job = job(&manifest);
        check_refused(&job, phrase);
        assert!(!was_called(&job), "{manifest:?}");
    }
}

#[test]
fn the_manifest_of_this_commit_is_sound() {
    let manifest = fs::read_to_string(repository().join("action/digests")).unwrap();
    let lines = manifest.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut targets: Vec<&str> = Vec::new();
    for line in lines {
        let [target, digest, url] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let known = ["linux-x64", "linux-arm64", "macos-x64", "macos-arm64", "windows-x64"];
        assert!(known.contains(&target) && !targets.contains(&target), "{line}");
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(digest.len() == 64 && digest.chars().all(is_hex), "{line}");
        let repository = env!("CARGO_PKG_REPOSITORY");
        assert!(url.starts_with(&format!("{repository}/releases/download/")), "{line}");
        targets.push(target);
    }
    assert_eq!(targets.is_empty(), manifest.contains("No release has been made yet"));
}

#[test]
fn a_download_that_fails_is_refused_and_cannot_command_the_runner() {
    for said in [
        "curl: (22) The requested URL returned error: 404\n",
        "::add-mask::a\n  ::error::b\n##[add-path]/tmp\r::stop-commands::x\n%0A::debug::y\n",
        "",
    ] {
        let job = job(&line("linux-x64", PROGRAM));
        fs::remove_file(job.path("programs/served")).unwrap();
        fs::write(job.path("programs/said"), said).unwrap();
        check_refused(&job, "was not downloaded");
        let log = job.done().log();
        assert_eq!(log.matches("::").count(), 2, "{log}");
        assert!(!log.contains("##[") && !log.contains('%') && !log.contains('\r'), "{log}");
        assert_eq!(log.contains("404"), said.contains("404"), "{log}");
    }
}

#[test]
fn a_runner_without_curl_is_told_so() {
    let job = job(&line("linux-x64", PROGRAM));
    fs::remove_file(job.path("programs/curl")).unwrap();
    for name in ["bash", "env", "mktemp", "dirname", "tr", "head", "cat"] {
        let real = format!("/usr/bin/{name}");
        std::os::unix::fs::symlink(real, job.path("programs").join(name)).unwrap();
    }
    let programs = job.path("programs");
    let job = job.variable("PATH", programs.to_str().unwrap());
    check_refused(&job, "curl  command not found");
}

#[test]
fn whatever_fails_it_is_2() {
    for name in ["mktemp", "chmod", "sha256sum", "realpath", "dirname"] {
        let job = job(&line("linux-x64", PROGRAM));
        job.program(&format!("programs/{name}"), "exit 1");
        let program = job.program("outside/weft-action", "");
        let is_of_named = ["realpath", "dirname"].contains(&name);
        let job = if is_of_named { job.input("binary", program.to_str().unwrap()) } else { job };
        assert_eq!(job.done().exits(2).steps.len(), 1, "{name}");
    }
}

#[test]
fn nothing_is_downloaded_where_that_is_not_wanted() {
    for (offline, phrase) in [
        ("true", "nothing is downloaded with `offline: true`"),
        ("True", "neither `true` nor `false`"),
        ("yes", "neither `true` nor `false`"),
        ("false ", "neither `true` nor `false`"),
    ] {
        let job = job(&line("linux-x64", PROGRAM)).input("offline", offline);
        let done = job.done().exits(2);
        assert!(done.log().contains(phrase), "{offline}: {}", done.log());
        assert_eq!(done.steps.len(), 1);
        assert!(!was_called(&job), "{offline}");
    }
    for offline in ["", "false"] {
        job(&line("linux-x64", PROGRAM)).input("offline", offline).done().exits(0);
    }
    let job = job("").input("offline", "true");
    let program = job.program("outside/weft-action", "");
    job.input("binary", program.to_str().unwrap()).done().exits(0);
}

#[test]
fn the_download_has_no_token_and_the_proxies() {
    let job = job(&line("linux-x64", PROGRAM)).variable("HTTPS_PROXY", "http://proxy.invalid:3128");
    job.done().exits(0);
    let read = |name: &str| fs::read_to_string(job.path("programs").join(name)).unwrap();
    let (arguments, variables) = (read("arguments"), read("variables"));
    assert!(!arguments.contains(TOKEN) && !variables.contains(TOKEN));
    assert!(variables.contains("HTTPS_PROXY=http://proxy.invalid:3128"));
    assert!(arguments.contains(&format!("--url\n{URL}\n")), "{arguments}");
    for flag in ["--fail", "--location", "--connect-timeout", "--max-time", "--max-filesize"] {
        assert!(arguments.lines().any(|line| line == flag), "{flag}: {arguments}");
    }
}

/// The real curl, called as the action calls it but for the URL, does not even connect without TLS.
#[test]
fn curl_is_called_so_that_it_refuses_everything_but_https() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let real = std::env::var("PATH").unwrap();
    for (url, phrase) in [
        (format!("http://{address}/"), "Protocol"),
        (format!("ftp://{address}/"), "Protocol"),
        ("file:///etc/hostname".to_owned(), "Protocol"),
    ] {
        let job = job(&line("linux-x64", PROGRAM));
        let script = format!("PATH={real:?} exec curl \"${{@:1:$#-1}}\" {url:?}");
        job.program("programs/curl", &script);
        check_refused(&job, phrase);
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{url}");
    }
}
