//! How a runner reads a log: which lines it obeys (actions/runner, `ActionCommand` and `ActionCommandManager`).

use std::collections::BTreeMap;

/// What a runner knows; it compares names without their case.
const KNOWN: [&str; 14] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "internal-set-repo-path",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "warning",
];

/// What a runner obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) data: String,
}

/// Returns the commands of a log, and whether commands are stopped at its end.
pub(crate) fn obeyed(log: &str) -> (Vec<Command>, bool) {
    let mut commands = Vec::new();
    let mut stopped: Option<String> = None;
    // Lines end as .NET has it.
    for line in log.split(['\n', '\r']) {
        let is_known = |name: &str| {
            let name = name.to_lowercase();
            KNOWN.contains(&&*name)
                || ["set-output", "stop-commands"].contains(&&*name)
                || stopped.as_ref().is_some_and(|token| token.to_lowercase() == name)
        };
        let Some(command) = second(line, is_known).or_else(|| first(line, is_known)) else {
            continue;
        };
        match &stopped {
            Some(token) if command.name.eq_ignore_ascii_case(token) => stopped = None,
            Some(_) => continue,
            None if command.name.eq_ignore_ascii_case("stop-commands") => {
                stopped = Some(command.data.clone());
            }
            None => (),
        }
        commands.push(command);
    }
    (commands, stopped.is_some())
}

/// Reads `::name property=value,…::data`, before which there may be spaces.
fn second(line: &str, is_known: impl Fn(&str) -> bool) -> Option<Command> {
    let line = compared(line);
    let (info, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
    let escapes = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
    is_known(name).then(|| Command {
        name: name.to_owned(),
        properties: pairs(properties.trim(), ',', &escapes),
        data: unescaped(data, &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]),
    })
}

/// Reads `##[name property=value;…]data`, anywhere.
fn first(line: &str, is_known: impl Fn(&str) -> bool) -> Option<Command> {
    let line = compared(line);
    let (_, rest) = line.split_once("##[")?;
    let (info, data) = rest.split_once(']')?;
    let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
    let escapes = [("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")];
    is_known(name).then(|| Command {
        name: name.to_owned(),
        properties: pairs(properties, ';', &escapes),
        data: unescaped(data, &escapes),
    })
}

/// Leaves out what a comparison by culture, as .NET makes it, does not see.
fn compared(line: &str) -> String {
    let is_seen = |c: &char| {
        let is_format = matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        );
        let is_control = c.is_control() && !matches!(c, '\t'..='\r' | '\u{85}');
        !is_format && !is_control
    };
    line.chars().filter(is_seen).collect()
}

fn pairs(text: &str, separator: char, escapes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = text.split(separator).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), unescaped(value, escapes))).collect()
}

fn unescaped(text: &str, escapes: &[(&str, &str)]) -> String {
    escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn a_runner_obeys_what_stands_where_it_looks() {
    for (log, expected) in [
        ("::error::x", &["error"][..]),
        (" \u{a0}\t::Error file=a,line=3::x", &["Error"]),
        ("x ::error::y", &[]),
        ("x ##[error]y", &["error"]),
        ("a\r::set-output name=b::c", &["set-output"]),
        ("\u{feff}:\u{ad}:add-mask::x", &["add-mask"]),
        ("::nothing::x", &[]),
        ("::error", &[]),
        (
            "::stop-commands::t\n::error::x\n##[error]y\n::T::\n::notice::z",
            &["stop-commands", "T", "notice"],
        ),
    ] {
        let (commands, _) = obeyed(log);
        let names: Vec<&str> = commands.iter().map(|command| &*command.name).collect();
        assert_eq!(names, expected, "{log}");
    }
    let (commands, is_stopped) =
        obeyed("::error file=a%2Cb%3A%25,line=3::x%0Ay%250A\n::stop-commands::t");
    assert!(is_stopped);
    assert_eq!(commands[0].properties["file"], "a,b:%");
    assert_eq!(commands[0].properties["line"], "3");
    assert_eq!(commands[0].data, "x\ny%0A");
}
