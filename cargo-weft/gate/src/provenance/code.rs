//! The codes under which an attestation does not count, each with its meaning and what to do.

use serde::{Serialize, Serializer};

weft_verify::codes! {
    /// The code of a [`Refusal`](super::Refusal), without what was found; in the order of the steps that find them.
    pub enum Code {
        /// The bytes are no bundle as the format has it, or are JSON that can be read in two ways.
        Bundle = "provenance/bundle",
            "Fetch the bundle again, or have the artifact attested again.";
        /// The trusted root cannot be read, or has no authority that could have signed.
        TrustedRoot = "provenance/trusted-root",
            "Name a trusted root in the format of Sigstore's `trusted_root.json`.";
        /// A public key was expected and the bundle has a certificate, or the other way round.
        Means = "provenance/means",
            "Name the public key with --public-key, or the signer with --identity.";
        /// The signature is over something else, or by another key.
        Signature = "provenance/signature",
            "Do not use the artifact; ask its publisher for an attestation that verifies.";
        /// No authority of the trusted root issued the certificate, or not for the time of signing.
        Certificate = "provenance/certificate",
            "Name the trusted root of the instance that signed it: --trusted-root.";
        /// The entry of the transparency log is missing, wrong, or of something else.
        Log = "provenance/log",
            "Name the trusted root of the instance that signed it: --trusted-root.";
        /// No authority of the trusted root says when it was signed.
        Timestamp = "provenance/timestamp",
            "Name the trusted root of the instance that signed it: --trusted-root.";
        /// A proof is demanded that the bundle does not carry.
        ProofMissing = "provenance/proof-missing",
            "Ask for a bundle with the proof, or demand less: --require.";
        /// Fewer witnesses than are asked for have seen the checkpoint of the log, or what they say cannot be.
        Witness = "provenance/witness",
            "Ask for a bundle with a checkpoint that these witnesses have seen, or demand less: --require, --tlog-policy.";
        /// What was signed is no in-toto statement, or not one that can be read.
        Statement = "provenance/statement",
            "Do not use the artifact; ask its publisher for an attestation that verifies.";
        /// The artifact is another than the one the attestation is about.
        Subject = "provenance/subject",
            "Compare the artifact's digest with the publisher's; another file was attested.";
        /// Nothing says who is to have signed, and a valid signature of anybody proves nothing.
        NobodyExpected = "provenance/nobody-expected",
            "Say who is to have signed: --issuer with --identity or --source-repo, or --public-key.";
        /// The signer is another than the one that is expected.
        Signer = "provenance/signer",
            "If this is who should have signed, expect it; otherwise do not use the artifact.";
        /// The repository, the ref, the commit or the workflow is another than the one that is expected.
        Source = "provenance/source",
            "If this is what it should be built from, expect it; otherwise do not use the artifact.";
        /// The attestation says something of another kind than what is asked for.
        PredicateType = "provenance/predicate-type",
            "Name the attestation that says this, with --bundle.";
        /// The predicate cannot be read as its type has it, or says otherwise than the certificate.
        Predicate = "provenance/predicate",
            "Do not trust what it says: the certificate is what is proven.";
        /// The builder is another than the one that is expected.
        Builder = "provenance/builder",
            "If this builder may build it, expect it with --builder; otherwise do not use the artifact.";
        /// The build is less protected than is asked for.
        BuildLevel = "provenance/build-level",
            "Say that this builder is trusted with --trusted-builder, or ask for less with --min-build-level.";
        /// What went into the build, or what a bill of materials lists, is not what the lockfile has.
        Material = "provenance/material",
            "Build again with `--locked` from the commit that is released, and attest that.";
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
