//! Places of one machine in the values of variables, written so that another machine can put its own there.

use std::collections::BTreeMap;

/// Why a value is not recorded or not obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It holds `${` already, or a place that nobody knows.
    #[error("holds `${{`, which stands for a place, and not for one that is known")]
    Unknown,
}

/// Writes a value with names instead of places, the longest place first.
///
/// # Errors
///
/// [`PlaceError`], if what comes of it could not be read back.
///
/// ```
/// use weft_gate::release::reproduce::{named, placed};
///
/// let here = [("SOURCE".to_owned(), vec!["/home/a/app".to_owned()])].into();
/// let recorded = named("--remap-path-prefix=/home/a/app=/app", &here).unwrap();
/// assert_eq!(recorded, "--remap-path-prefix=${SOURCE}=/app");
/// let there = [("SOURCE".to_owned(), vec!["/tmp/x".to_owned()])].into();
/// assert_eq!(placed(&recorded, &there).unwrap(), "--remap-path-prefix=/tmp/x=/app");
/// ```
pub fn named(value: &str, places: &BTreeMap<String, Vec<String>>) -> Result<String, PlaceError> {
    if value.contains("${") {
        return Err(PlaceError::Unknown);
    }
    let mut all: Vec<(&str, &str)> = places
        .iter()
        .flat_map(|(name, places)| places.iter().map(move |place| (&**place, &**name)))
        .filter(|(place, _)| place.len() > 1)
        .collect();
    all.sort_by_key(|(place, name)| (std::cmp::Reverse(place.len()), *name));
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(next) = rest.chars().next() {
        let found = all.iter().find(|(place, _)| {
            rest.strip_prefix(place).is_some_and(|behind| !behind.starts_with(is_of_a_name))
        });
        match found {
            Some((place, name)) if !out.ends_with(is_of_a_name) => {
                out += &format!("${{{name}}}");
                rest = &rest[place.len()..];
            }
            _ => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    Ok(out)
}

/// Puts places where names stand; of several for one name the first.
///
/// # Errors
///
/// [`PlaceError`] for a name that is not among them.
pub fn placed(value: &str, places: &BTreeMap<String, Vec<String>>) -> Result<String, PlaceError> {
    let mut parts = value.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, behind) = part.split_once('}').ok_or(PlaceError::Unknown)?;
        let place = places.get(name).and_then(|places| places.first());
        out += place.ok_or(PlaceError::Unknown)?;
        out += behind;
    }
    Ok(out)
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> BTreeMap<String, Vec<String>> {
        let at = |name: &str, places: &[&str]| {
            (name.to_owned(), places.iter().map(|place| (*place).to_owned()).collect())
        };
        [at("SOURCE", &["/s/app", "/real/app"]), at("TARGET_DIR", &["/s/app/target"])].into()
    }

    #[test]
    fn a_place_is_named_by_its_whole_path_and_the_longest_first() {
        for (value, expected) in [
            ("-A=/s/app=/x", "-A=${SOURCE}=/x"),
            ("-A=/s/app/target/o=/x -B=/s/app", "-A=${TARGET_DIR}/o=/x -B=${SOURCE}"),
            ("/real/app/src", "${SOURCE}/src"),
            ("/s/app2 /s/app-x /s/application", "/s/app2 /s/app-x /s/application"),
            ("mnt/s/app", "mnt/s/app"),
            ("-C opt-level=3", "-C opt-level=3"),
        ] {
            assert_eq!(named(value, &places()).as_deref(), Ok(expected));
        }
        assert_eq!(named("${HOME}", &places()), Err(PlaceError::Unknown));
    }

    #[test]
    fn only_known_places_are_put_in() {
        assert_eq!(placed("${SOURCE}/a", &places()).as_deref(), Ok("/s/app/a"));
        for value in ["${HOME}", "${SOURCE", "${}"] {
            assert_eq!(placed(value, &places()), Err(PlaceError::Unknown), "{value}");
        }
    }
}
