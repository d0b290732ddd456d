//! What a policy can ask of a gate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a gate must have; `gate.merge.require` and `gate.release.require` name them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// The advisory checks were evaluated, and deny nothing.
    Advisories,
    /// The checks of claims and of wording were evaluated, and deny nothing.
    Claims,
    /// Every claim has its evidence, and no check of evidence denies anything.
    Evidence,
    /// The graph is known, and the inventory checks deny nothing.
    Inventory,
    /// A verdict of the merge gate passed, on this tree and inventory and by this policy.
    MergeVerdict,
    /// Each artifact has provenance by whom the policy expects.
    Provenance,
    /// A manifest that enough keys signed names everything that is published.
    ReleaseManifest,
    /// Each artifact has a bill of materials that is the inventory.
    Sbom,
    /// Enough keys of the role `release` signed the manifest.
    Signatures,
}

impl Requirement {
    /// Every requirement, by name.
    pub const ALL: [Self; 9] = [
        Self::Advisories,
        Self::Claims,
        Self::Evidence,
        Self::Inventory,
        Self::MergeVerdict,
        Self::Provenance,
        Self::ReleaseManifest,
        Self::Sbom,
        Self::Signatures,
    ];

    /// What can be asked of a merge, which has no artifacts yet.
    pub const OF_MERGE: [Self; 4] =
        [Self::Advisories, Self::Claims, Self::Evidence, Self::Inventory];

    /// Returns the name in policies and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Advisories => "advisories",
            Self::Claims => "claims",
            Self::Evidence => "evidence",
            Self::Inventory => "inventory",
            Self::MergeVerdict => "merge-verdict",
            Self::Provenance => "provenance",
            Self::ReleaseManifest => "release-manifest",
            Self::Sbom => "sbom",
            Self::Signatures => "signatures",
        }
    }
}
