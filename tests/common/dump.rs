//! A dump of crates.io's database, as small as one can be.

use flate2::Compression;
use flate2::write::GzEncoder;

/// The day it was made.
pub(crate) const DAY: &str = "2026-11-19";

/// The tables, in the layout of the public dumps.
const FILES: [(&str, &str); 7] = [
    ("README.md", "# crates.io Database Dump\n"),
    (
        "data/crate_owners.csv",
        "crate_id,created_at,created_by,owner_id,owner_kind\n\
         1,2020-01-02 03:04:05.678,,11,0\n1,2021-01-02 03:04:05,11,21,1\n\
         2,2022-01-02 03:04:05,,12,0\n3,2023-01-02 03:04:05,,11,0\n",
    ),
    (
        "data/crates.csv",
        "created_at,description,documentation,homepage,id,max_features,max_upload_size,name,readme,repository,updated_at\n\
         2020-01-02 03:04:05,\"of two, and\nmore\",,,1,,,gauge,,,2020-01-02 03:04:05\n\
         2020-01-02 03:04:05,,,,2,,,tinlog,,,2020-01-02 03:04:05\n\
         2020-01-02 03:04:05,,,,3,,,elsewhere,,,2020-01-02 03:04:05\n",
    ),
    (
        "data/teams.csv",
        "avatar,github_id,id,login,name,org_id\n,1,21,github:gauges:publish,publish,1\n",
    ),
    ("data/users.csv", "gh_avatar,gh_id,gh_login,id,name\n,1,Alice,11,Alice\n,2,bob,12,Bob\n"),
    ("data/versions.csv", "crate_id,id,num,published_by\n1,1,1.0.0,11\n"),
    (
        "metadata.json",
        "{\"timestamp\":\"2026-11-19T02:00:17.3Z\",\"crates_io_commit\":\"x\",\"format_version\":\"1.0\"}",
    ),
];

/// Packs it; equal bytes each time.
pub(crate) fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, text) in FILES {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let path = format!("{DAY}-020017/{name}");
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}
