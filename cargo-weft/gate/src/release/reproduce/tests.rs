use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use weft_verify::canonical;

use super::*;

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn allowed() -> BTreeSet<String> {
    ["RUSTFLAGS", "CARGO_PROFILE_*", "CARGO_BUILD_TARGET"].map(str::to_owned).into()
}

fn environment(line: &str) -> Environment {
    Environment {
        build: Build {
            command: words(line),
            directory: String::new(),
            profile: "release".into(),
            target: "x".into(),
        },
        cargo: "1".into(),
        linker: None,
        rustc: Rustc {
            commit_hash: "c".into(),
            host: "x".into(),
            llvm: "1".into(),
            release: "1".into(),
        },
        schema: SCHEMA,
        settings: None,
        variables: BTreeMap::new(),
    }
}

#[test]
fn a_command_says_what_is_built_and_nothing_else() {
    for line in [
        "cargo build --release",
        "cargo build --release --locked -p app --features a,b/c",
        "cargo package -p app --no-verify --profile=release",
    ] {
        let command = Command::parse(&words(line)).unwrap();
        assert_eq!(command.profile(), "release", "{line}");
    }
    for line in [
        "cargo",
        "cargo run --release",
        "sh -c evil",
        "./cargo build",
        "cargo +nightly build",
        "cargo build --config build.rustc='evil'",
        "cargo build -Zunstable-options",
        "cargo build --target-dir /tmp",
        "cargo build --manifest-path ../other/Cargo.toml",
        "cargo build --target ../evil.json",
        "cargo build --target",
        "cargo build --profile --config",
        "cargo build --profile ..",
        "cargo build --profile a/b",
        "cargo build --target a/b",
        "cargo build -p /tmp/evil",
        "cargo build --release --profile dev",
        "cargo build --release -- evil",
        "cargo build @file",
    ] {
        assert!(Command::parse(&words(line)).is_err(), "{line}");
    }
}

#[test]
fn a_build_is_locked_and_offline_unless_connections_are_allowed() {
    let command = Command::parse(&words("cargo build --release --frozen")).unwrap();
    assert_eq!(
        command.arguments(false),
        ["build", "--release", "--frozen", "--locked", "--offline"]
    );
    assert_eq!(command.arguments(true), ["build", "--release", "--locked"]);
}

#[test]
fn each_command_leaves_its_artifacts_in_one_place() {
    let variable = BTreeMap::from([("CARGO_BUILD_TARGET".to_owned(), "v".to_owned())]);
    for (line, plain, with_variable) in [
        ("cargo build", "debug", "v/debug"),
        ("cargo build --release", "release", "v/release"),
        ("cargo build --release --target t", "t/release", "t/release"),
        ("cargo package", "package", "package"),
        ("cargo package --target t", "package", "package"),
    ] {
        let command = Command::parse(&words(line)).unwrap();
        assert_eq!(command.output(&BTreeMap::new()), plain, "{line}");
        assert_eq!(command.output(&variable), with_variable, "{line}");
    }
}

#[test]
fn an_environment_is_obeyed_within_its_bounds() {
    assert!(environment("cargo build --release").command(&allowed()).is_ok());
    let refused = |change: &dyn Fn(&mut Environment)| {
        let mut environment = environment("cargo build --release");
        change(&mut environment);
        environment.command(&allowed()).unwrap_err()
    };
    for name in
        ["PATH", "LD_PRELOAD", "RUSTC_WRAPPER", "RUSTFLAGSX", "CARGO_PROFILE_", "CARGO_PROFILE_A=B"]
    {
        let found = refused(&|e| _ = e.variables.insert(name.into(), "1".into()));
        assert_eq!(found, Unfit::Variable(name.into()));
    }
    for directory in ["/etc", "..", "a/../b", "a//b", "a\\b", "/"] {
        let found = refused(&|e| e.build.directory = directory.into());
        assert_eq!(found, Unfit::Directory(directory.into()));
    }
    assert!(matches!(refused(&|e| e.build.profile = "dev".into()), Unfit::NotAsCommand { .. }));
    assert!(matches!(refused(&|e| e.build.target = "y".into()), Unfit::NotAsCommand { .. }));
    assert!(matches!(refused(&|e| e.schema = 2), Unfit::Schema { found: 2, .. }));
    let mut other = environment("cargo build --release");
    other.variables.insert("CARGO_BUILD_TARGET".into(), "y".into());
    other.build.target = "y".into();
    assert!(other.command(&allowed()).is_ok());
    for value in ["../y", "/y", "a/b", "y.json", ""] {
        other.variables.insert("CARGO_BUILD_TARGET".into(), value.into());
        other.build.target = value.into();
        assert!(matches!(other.command(&allowed()), Err(Unfit::Command(_))), "{value}");
    }
}

#[test]
fn another_toolchain_is_told_by_what_differs() {
    let recorded = environment("cargo build --release");
    assert!(recorded.differences(&recorded).is_empty());
    let mut found = recorded.clone();
    found.rustc.release = "2".into();
    found.settings = Some(Sha256::of(b""));
    found.linker = Some("ld".into());
    let names: Vec<&str> = recorded.differences(&found).iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, ["rustc", "Cargo's configuration"], "a linker that is not recorded is any");
    assert_eq!(found.differences(&recorded).len(), 3);
}

#[test]
fn artifacts_are_plain_files_in_order_each_once() {
    let fit = |names: &[&str]| {
        let artifacts = names.iter().map(|name| BuiltArtifact::of(name, b"x")).collect();
        Built { artifacts, schema: SCHEMA }.demand_fit()
    };
    assert_eq!(fit(&["a", "a.exe", "b-1.0.0.crate"]), Ok(()));
    assert_eq!(fit(&[]), Err(Unfit::NoArtifact));
    for name in ["", ".", "..", "a/b", "../a", "/etc/passwd", "a\\b", "c:a", "a\0", "a\n"] {
        assert_eq!(fit(&[name]), Err(Unfit::ArtifactName(name.into())));
    }
    assert_eq!(fit(&["b", "a"]), Err(Unfit::ArtifactOrder("a".into())));
    assert_eq!(fit(&["a", "a"]), Err(Unfit::ArtifactOrder("a".into())));
}

#[test]
fn a_lock_names_both_records() {
    let lock = Lock {
        commit: "a".repeat(40),
        environment: Sha256::of(b"e"),
        lockfile: Sha256::of(b"l"),
        manifest: Sha256::of(b"m"),
        packages: Vec::new(),
        schema: SCHEMA,
        tree: "b".repeat(64),
    };
    assert_eq!(lock.demand_fit(b"e", b"m"), Ok(()));
    assert!(matches!(lock.demand_fit(b"E", b"m"), Err(Unfit::Digest { file: "env.json", .. })));
    assert!(matches!(
        lock.demand_fit(b"e", b"M"),
        Err(Unfit::Digest { file: "manifest.json", .. })
    ));
    for id in ["HEAD", "--help", "A", &"g".repeat(40)] {
        let lock = Lock { commit: id.to_owned(), ..lock.clone() };
        assert_eq!(lock.demand_fit(b"e", b"m"), Err(Unfit::ObjectId(id.to_owned())));
    }
    let bytes = canonical::to_vec(&lock).unwrap();
    assert_eq!(canonical::from_slice::<Lock>(&bytes), Ok(lock));
}

/// Packs files as Cargo does.
fn packed(files: &[(&str, &[u8], u64)], level: u32) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::new(level)));
    for (path, content, mtime) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mtime(*mtime);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// Returns the name of the first part of one file that is not as in another.
fn first(recorded: &[u8], built: &[u8]) -> Option<String> {
    let recorded = Built::of([("a", recorded)]);
    let built = BTreeMap::from([("a".to_owned(), Ok(BuiltArtifact::of("a", built)))]);
    match compare(&recorded, &built).remove(0).difference? {
        Difference::Bytes { section, .. } => Some(section.name),
        Difference::Missing { why } => Some(why),
    }
}

#[test]
fn the_first_entry_of_an_archive_that_differs_is_named() {
    let long = "d/".repeat(100) + "f";
    let sound = packed(&[("a", b"1", 0), ("b", b"2", 0), (&long, b"3", 0)], 6);
    assert_eq!(first(&sound, &sound), None);
    for (other, name) in [
        (packed(&[("a", b"1", 0), ("b", b"x", 0), (&long, b"y", 0)], 6), "b"),
        (packed(&[("a", b"1", 0), ("b", b"2", 1), (&long, b"3", 0)], 6), "b (description)"),
        (packed(&[("a", b"1", 0), ("b", b"2", 0), (&long, b"4", 0)], 6), &*long),
        (packed(&[("a", b"1", 0), (&long, b"3", 0)], 6), "b"),
        (packed(&[("a", b"1", 0), ("b", b"2", 0), (&long, b"3", 0)], 0), "(compressed form)"),
    ] {
        assert_eq!(first(&sound, &other).as_deref(), Some(name));
    }
}

/// Writes an object file with code, data and one section more.
fn object_file(format: object::BinaryFormat, data: &[u8], more: &[u8]) -> Vec<u8> {
    use object::write::{Object, StandardSection};
    let mut file = Object::new(format, object::Architecture::X86_64, object::Endianness::Little);
    for (section, bytes) in
        [(StandardSection::Text, &b"\xc3"[..]), (StandardSection::ReadOnlyData, data)]
    {
        let section = file.section_id(section);
        file.append_section_data(section, bytes, 1);
    }
    let segment = if format == object::BinaryFormat::MachO { &b"__DATA"[..] } else { b"" };
    let section = file.add_section(segment.to_vec(), b"more".to_vec(), object::SectionKind::Data);
    file.append_section_data(section, more, 1);
    file.write().unwrap()
}

#[test]
fn the_first_section_of_a_program_that_differs_is_named() {
    for (format, kind, data, more) in [
        (object::BinaryFormat::Elf, Kind::Elf, ".rodata", "more"),
        (object::BinaryFormat::MachO, Kind::MachO, "__TEXT,__const", "__DATA,more"),
    ] {
        let sound = object_file(format, b"1", b"2");
        assert_eq!(sections(&sound).0, kind);
        assert_eq!(first(&sound, &object_file(format, b"1", b"2")), None);
        assert_eq!(first(&sound, &object_file(format, b"x", b"y")).as_deref(), Some(data));
        assert_eq!(first(&sound, &object_file(format, b"1", b"y")).as_deref(), Some(more));
        // A byte behind the last section is in none, and is seen.
        let rest = first(&sound, &[&sound[..], b"x"].concat()).unwrap();
        assert!(rest.starts_with("(headers"), "{rest}");
        // Cut off anywhere, it is blocks or a program, and never a panic.
        for end in 0..sound.len() {
            assert!(!sections(&sound[..end]).1.is_empty() || end == 0);
        }
    }
}

#[test]
fn sections_that_overlap_are_not_hashed_one_by_one() {
    let mut file = object_file(object::BinaryFormat::Elf, &[1; 64], &[2; 64]);
    let table = usize::try_from(u64::from_le_bytes(file[40..48].try_into().unwrap())).unwrap();
    let count = usize::from(u16::from_le_bytes(file[60..62].try_into().unwrap()));
    // Every header but the first names the same bytes.
    let place: Vec<u8> = file[table + 64 + 24..table + 64 + 40].to_vec();
    for index in 2..count {
        let at = table + index * 64 + 24;
        file[at..at + 16].copy_from_slice(&place);
    }
    assert_eq!(sections(&file).0, Kind::Blocks);
}

#[test]
fn what_cannot_be_taken_apart_is_cut_into_blocks() {
    let mut large = vec![0; (1 << 20) + 1];
    let whole = large.clone();
    large[1 << 20] = 1;
    assert_eq!(first(&whole, &large).as_deref(), Some("bytes 1048576..1048577"));
    assert_eq!(first(b"", b"a").as_deref(), Some("bytes 0..1"));
    // A gzip file that is no archive, one that is cut off, and one that unpacks to more than is looked at.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"text").unwrap();
    let gzip = gzip.finish().unwrap();
    let cut = &packed(&[("a", b"1", 0)], 6)[..20];
    for bytes in [
        &gzip[..],
        cut,
        &[0x1f, 0x8b],
        b"\x7fELF",
        b"MZ",
        b"\x7fELF\x02\x01\x01 and no more than this",
    ] {
        assert_eq!(sections(bytes).0, Kind::Blocks);
    }
}

/// An entry of a few bytes that says it has a gibibyte of holes.
#[test]
fn holes_of_an_archive_are_not_filled() {
    let mut header = tar::Header::new_gnu();
    header.set_path("a").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(0);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(b"10000000000\0");
    gnu.sparse[0].offset.copy_from_slice(b"10000000000\0");
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    header.set_cksum();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(header.as_bytes()).unwrap();
    gzip.write_all(&[0; 1024]).unwrap();
    assert_eq!(sections(&gzip.finish().unwrap()).0, Kind::Blocks);
}

#[test]
fn what_the_build_did_not_make_is_missing() {
    assert!(first(b"a", b"a").is_none());
    let recorded = Built::of([("a", &b"x"[..]), ("b", b"y")]);
    let built = BTreeMap::from([("b".to_owned(), Err("is no regular file".to_owned()))]);
    let missing = compare(&recorded, &built);
    assert!(missing.iter().all(|c| matches!(c.difference, Some(Difference::Missing { .. }))));
}
