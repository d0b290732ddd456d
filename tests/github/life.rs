//! The life of one repository, from its first pull request to its release.
