//! Rejections: every reason for which the verifier says no, one variant each.
//!
//! A rejection can be compared, says what was expected and what was found, and has a stable code that no other variant
//! has. [`Code::ALL`] lists the codes; `tests/vectors` holds at least one case for each.

use crate::layout::UncountedLinks;
use crate::threshold::Tallies;

/// Defines [`Rejection`] and [`Code`] from one list, so that a variant without a code cannot be written.
macro_rules! rejections {
    ($(
        $(#[doc = $meaning:literal])+
        $variant:ident $({ $($(#[doc = $about:literal])+ $field:ident: $type:ty,)+ })?
            = $code:literal, $message:literal, $remedy:literal;
    )+) => {
        /// Says why the verifier refused.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum Rejection {
            $(
                $(#[doc = $meaning])+
                #[error($message)]
                $variant $({ $($(#[doc = $about])+ $field: $type,)+ })?,
            )+
        }

        impl Rejection {
            /// Returns the stable code of this reason.
            pub fn code(&self) -> Code {
                match self {
                    $(Self::$variant { .. } => Code::$variant,)+
                }
            }
        }

        $crate::codes! {
            /// The code of a [`Rejection`], without what was found.
            pub enum Code {
                $($(#[doc = $meaning])+ $variant = $code, $remedy;)+
            }
        }
    };
}

rejections! {
    /// The text is not JSON (RFC 8259).
    JsonSyntax {
        /// The first byte at fault.
        offset: usize,
        /// What could have stood there.
        expected: &'static str,
    } = "json/syntax", "byte {offset}: not JSON: expected {expected}",
        "Write the file again with the tool that made it.";
    /// The text ends before its value does.
    JsonTruncated {
        /// The length of the text in bytes.
        offset: usize,
    } = "json/truncated", "byte {offset}: the text ends before its value does",
        "Fetch the whole file again.";
    /// Something follows the value.
    JsonTrailing {
        /// The first byte that is too much.
        offset: usize,
    } = "json/trailing-bytes", "byte {offset}: something follows the value",
        "Keep one value in a file, and nothing behind it.";
    /// The text is not UTF-8.
    JsonNotUtf8 {
        /// The first byte at fault.
        offset: usize,
    } = "json/not-utf8", "byte {offset}: not UTF-8",
        "Write the file in UTF-8.";
    /// An escape names half of a surrogate pair, which is no character.
    JsonLoneSurrogate {
        /// Where the escape begins.
        offset: usize,
    } = "json/lone-surrogate", "byte {offset}: half of a surrogate pair",
        "Escape characters beyond U+FFFF as a pair, or write them in UTF-8.";
    /// An object has two members of one name, and readers disagree which counts.
    JsonDuplicateMember {
        /// Where the second one begins.
        offset: usize,
        /// The name.
        name: String,
    } = "json/duplicate-member", "byte {offset}: the member {name:?} stands twice",
        "Keep one of the two, and be wary of who wrote the other.";
    /// Arrays and objects are nested deeper than the bound.
    JsonTooDeep {
        /// Where the bound is passed.
        offset: usize,
        /// The bound.
        limit: usize,
    } = "json/too-deep", "byte {offset}: nested more than {limit} deep",
        "No real file is nested this deep; ask where this one comes from.";
    /// The text is larger than the bound for its format.
    JsonTooLarge {
        /// Its size in bytes.
        found: usize,
        /// The bound in bytes.
        limit: usize,
    } = "json/too-large", "{found} bytes, and at most {limit} are read",
        "Split it, or keep large content in a file that is named by its digest.";
    /// A number is not an integer where the format allows integers alone.
    JsonFloat {
        /// Where the number begins.
        offset: usize,
        /// The number as written.
        found: String,
    } = "json/float", "byte {offset}: {found} is not an integer",
        "Write an integer, without fraction, exponent or negative zero.";
    /// An integer is beyond ±(2^53−1), where JSON readers stop to agree (RFC 7493 §2.2).
    JsonIntegerRange {
        /// Where the integer begins.
        offset: usize,
        /// The integer as written.
        found: String,
    } = "json/integer-range", "byte {offset}: {found} is beyond ±(2^53−1)",
        "Write large numbers as strings.";
    /// A number is too large for a double.
    JsonNumberRange {
        /// Where the number begins.
        offset: usize,
        /// The number as written.
        found: String,
    } = "json/number-range", "byte {offset}: {found} is too large for a double",
        "Write large numbers as strings.";
    /// The text is of the right shape, but not in canonical form (RFC 8785).
    NotCanonical {
        /// The first byte that differs from the canonical form.
        offset: usize,
    } = "json/not-canonical", "byte {offset}: not in canonical form from here on",
        "Write the file again with the tool that made it; do not format it.";

    /// A member that the format demands is absent.
    MemberMissing {
        /// The member, as `a.b[0].c`.
        path: String,
    } = "record/member-missing", "{path}: missing",
        "Add the member; the specification of the format says what it holds.";
    /// A member is there that the format does not know.
    MemberUnknown {
        /// The member, as `a.b[0].c`.
        path: String,
    } = "record/member-unknown", "{path}: unknown member",
        "Correct its name, take it out, or update weft if a newer one wrote it.";
    /// A member holds something else than the format says.
    MemberInvalid {
        /// The member, as `a.b[0].c`.
        path: String,
        /// What is wrong.
        message: String,
    } = "record/member-invalid", "{path}: {message}",
        "Correct the member; the specification of the format says what it holds.";
    /// The record is of a version that this release does not know.
    SchemaUnknown {
        /// The version found.
        found: u64,
        /// The version that is known.
        known: u64,
    } = "record/schema-unknown", "schema {found} is unknown; this release reads {known}",
        "Update weft.";

    /// A text is not base64 in its one canonical, padded spelling (RFC 4648 §3.5).
    Base64 {
        /// The member, as `a.b[0].c`.
        path: String,
    } = "envelope/base64", "{path}: not padded, canonical base64",
        "Encode it again with padding and without line breaks.";
    /// The envelope's payload is of another type than the one expected.
    PayloadType {
        /// The type expected.
        expected: String,
        /// The type found.
        found: String,
    } = "envelope/payload-type", "the payload is of type {found:?}, expected {expected:?}",
        "Sign an in-toto statement, and verify what was signed.";
    /// The envelope has no signature.
    NoSignatures = "envelope/no-signatures", "the envelope has no signature",
        "Sign it: `cargo weft sign FILE --role ROLE --key KEY`.";
    /// The envelope has more signatures than are read.
    TooManySignatures {
        /// How many there are.
        found: usize,
        /// How many are read.
        limit: usize,
    } = "envelope/too-many-signatures", "{found} signatures, and at most {limit} are read",
        "Keep one signature of each signer.";
    /// A signature does not name its key, which weft's own bundles must.
    KeyIdMissing {
        /// The number of the signature, from 0.
        index: usize,
    } = "envelope/key-id-missing", "signatures[{index}].keyid: missing or empty",
        "Sign with `cargo weft sign`, which names the key.";

    /// The statement is of a type that is not in-toto's Statement v1 or v0.1.
    StatementType {
        /// The type found.
        found: String,
    } = "statement/type", "the statement is of type {found:?}",
        "Write an in-toto Statement v1.";
    /// The statement's predicate is of another type than the one expected.
    PredicateType {
        /// The type expected.
        expected: String,
        /// The type found.
        found: String,
    } = "statement/predicate-type", "the predicate is of type {found:?}, expected {expected:?}",
        "Verify with the predicate type that was meant, or have the right statement signed.";
    /// The statement names no subject.
    NoSubject = "statement/no-subject", "the statement names no subject",
        "Name what the statement is about, by digest.";

    /// A subject has no digest: a name says nothing about bytes.
    SubjectNameOnly {
        /// The number of the subject, from 0.
        index: usize,
    } = "subject/name-only", "subject[{index}] has no digest",
        "Name the SHA-256 digest of the artifact.";
    /// A subject's digest does not have the length of its algorithm, or is not lower-case hexadecimal.
    SubjectDigestMalformed {
        /// The number of the subject, from 0.
        index: usize,
        /// The algorithm.
        algorithm: String,
    } = "subject/digest-malformed", "subject[{index}].digest.{algorithm} is not a whole digest",
        "Write the whole digest in lower-case hexadecimal digits.";
    /// A subject's digests contradict each other: one is the artifact's, another is not.
    SubjectConflicting {
        /// The number of the subject, from 0.
        index: usize,
        /// The algorithm that disagrees.
        algorithm: String,
    } = "subject/conflicting", "subject[{index}] is the artifact by one digest and not by {algorithm}",
        "Have the statement made again; two artifacts are mixed up in it.";
    /// No subject matches, and one of them has none but weak digests.
    SubjectWeak {
        /// The number of that subject, from 0.
        index: usize,
    } = "subject/weak-digest", "no subject is the artifact, and subject[{index}] has no strong digest",
        "Name the SHA-256 digest of the artifact; SHA-1 and MD5 do not bind.";
    /// No subject is the artifact.
    SubjectMismatch {
        /// How many subjects there are.
        subjects: usize,
    } = "subject/mismatch", "none of {subjects} subjects is the artifact",
        "Verify the file that was signed, or sign this one.";

    /// The text is not a public key.
    KeyMalformed {
        /// What is wrong.
        message: &'static str,
    } = "key/malformed", "not a public key: {message}",
        "Write it as `cargo weft key show` does: `ed25519:` and 64 hexadecimal digits.";
    /// The key is of a scheme that is not accepted.
    KeyScheme {
        /// The scheme found, as far as it can be told.
        found: String,
    } = "key/scheme", "a key of scheme {found}, and only ed25519 is accepted",
        "Make an Ed25519 key: `cargo weft key new`.";
    /// The key is a point of small order: anyone can make a signature that fits it.
    KeyWeak = "key/weak", "a weak key: a point of small order, under which anyone can sign",
        "Replace the key, and ask who proposed it.";
    /// The file is not an encrypted PKCS#8 private key.
    PrivateKeyMalformed {
        /// What is wrong.
        message: String,
    } = "key/private-malformed", "not an encrypted PKCS#8 private key: {message}",
        "Name a key that `cargo weft key new` wrote, or convert it: `openssl pkcs8 -topk8 -scrypt`.";
    /// The private key is not encrypted.
    PrivateKeyPlain = "key/private-plain", "the private key is not encrypted",
        "Encrypt it: `openssl pkcs8 -topk8 -scrypt -in KEY -out NEW`, and destroy the plain one.";
    /// Deriving the encryption key would take more work or memory than the bound.
    PrivateKeyCost {
        /// What is asked for.
        message: String,
    } = "key/private-cost", "the key file asks for too much: {message}",
        "Encrypt it again: `openssl pkcs8 -topk8 -scrypt`.";
    /// The passphrase does not open the private key, or the file was changed.
    PrivateKeyLocked = "key/private-locked", "the passphrase does not open the key, or the file was changed",
        "Give the passphrase that the key was made with.";

    /// No trusted key has the id that the signature names.
    SignatureUnknownKey = "signature/unknown-key", "no trusted key has this id",
        "Have it signed by a key of the roles file, or add the key there.";
    /// The signature does not have 64 bytes.
    SignatureLength {
        /// The bytes found.
        found: usize,
    } = "signature/length", "{found} bytes; an Ed25519 signature has 64",
        "Have it signed again.";
    /// The signature is not one of the key over these bytes (RFC 8032, strictly).
    SignatureInvalid = "signature/invalid", "not a signature by this key over these bytes",
        "Have it signed again, and find out what was changed.";
    /// The key does not have the role that is asked for.
    SignatureWrongRole {
        /// The role asked for.
        required: String,
        /// The roles of the key.
        found: Vec<String>,
    } = "signature/wrong-role", "the key has no role {required}, but {found:?}",
        "Have it signed by a key of that role.";
    /// The key was not valid yet.
    SignatureNotYetValid {
        /// The first second of its validity.
        not_before: u64,
    } = "signature/not-yet-valid", "the key is valid from {not_before} on",
        "Sign with a key that is valid, or judge as of a day when it is.";
    /// The key was not valid any more.
    SignatureExpired {
        /// The last second of its validity.
        not_after: u64,
    } = "signature/expired", "the key was valid until {not_after}",
        "Rotate the key: `cargo weft key rotate`, and sign again.";
    /// The key is revoked.
    SignatureRevoked {
        /// From this second on.
        revoked_at: u64,
    } = "signature/revoked", "the key is revoked from {revoked_at} on",
        "Have it signed by another key; do not trust what this one signed lately.";
    /// The key has signed already: it counts once, however often and under whatever id it signs.
    SignatureRepeated {
        /// The number of the signature that counts, from 0.
        first: usize,
    } = "signature/repeated", "the same key as signatures[{first}], which counts once",
        "Have another person sign.";
    /// Fewer distinct keys than the threshold signed.
    ThresholdNotMet {
        /// One count for each quorum that is asked for.
        tallies: Tallies,
    } = "signature/threshold-not-met", "{tallies}",
        "Gather the missing signatures: `cargo weft sign` or `cargo weft role attest` by a key of that role.";
    /// A threshold of zero would be met by nobody.
    ThresholdZero {
        /// The role.
        role: String,
    } = "role/threshold-zero", "role {role}: a threshold of 0 is met by nobody",
        "Write the number of people who have to agree, 1 or more.";
    /// A threshold is higher than the number of keys, so nothing could ever meet it.
    ThresholdUnreachable {
        /// The role.
        role: String,
        /// The threshold.
        threshold: u32,
        /// The number of distinct keys.
        keys: usize,
    } = "role/threshold-unreachable", "role {role}: {threshold} keys have to sign, and {keys} are there",
        "Add keys to the role, or lower its threshold.";
    /// A role is asked for that is not there.
    RoleUnknown {
        /// The role.
        role: String,
    } = "role/unknown", "there is no role {role}",
        "Name one of the roles that `cargo weft role show` lists, or add it to the roles file.";
    /// A signed record was made for another role.
    RoleBinding {
        /// The role asked for.
        expected: String,
        /// The role in the record.
        found: String,
    } = "role/binding", "signed for role {found}, asked for {expected}",
        "Verify by the role it was signed for, or have it signed for this one.";

    /// Two keys of the roles record are the same public key.
    KeyRepeated {
        /// The second one, as `keys[1]`.
        path: String,
        /// The name of the first one.
        first: String,
    } = "roles/key-repeated", "{path}: the same public key as that of {first}",
        "Keep it once, with all its roles.";
    /// Two keys or witnesses of the roles record have one name.
    NameRepeated {
        /// The second one, as `keys[1].name`.
        path: String,
        /// The name.
        name: String,
    } = "roles/name-repeated", "{path}: the name {name} stands twice",
        "Give each key and each witness a name of its own.";
    /// A key's validity ends before it begins.
    ValidityEmpty {
        /// The key, as `keys[1]`.
        path: String,
    } = "roles/validity-empty", "{path}: its validity ends before it begins",
        "Put `not-after` behind `not-before`.";
    /// A witness has a public key that is also a signer's or another witness's.
    WitnessKeyReused {
        /// The witness, as `witnesses[0]`.
        path: String,
        /// Who has that key, too.
        other: String,
    } = "roles/witness-key-reused", "{path}: {other} has the same public key",
        "A witness has a key of its own, which nobody else uses.";
    /// The update has the version that is in force, or an older one.
    RolesRollback {
        /// The version in force.
        current: u64,
        /// The version found.
        found: u64,
    } = "roles/rollback", "version {found} would follow version {current}",
        "Propose the version after the one in force: `cargo weft role propose`.";
    /// The update skips a version.
    RolesGap {
        /// The version in force.
        current: u64,
        /// The version found.
        found: u64,
    } = "roles/gap", "version {found} would follow version {current}",
        "Fetch the versions in between; each has to be accepted by the one before.";
    /// The update names another predecessor than the record in force.
    RolesChain {
        /// The digest of the record in force, or nothing where there should be none.
        expected: String,
        /// The digest named.
        found: String,
    } = "roles/broken-chain", "it follows {found}, and {expected} is in force",
        "Propose the change anew on top of what is in force: `cargo weft role propose`.";
    /// The first record is not the one that is trusted.
    RolesAnchor {
        /// The digest that is trusted.
        expected: String,
    } = "roles/anchor", "no version of the roles is the trusted one, {expected}",
        "Compare the digest with its source; somebody may have exchanged the roles.";
    /// The roles file holds something else than what was committed.
    RolesUncommitted {
        /// The version of the file.
        file: u64,
        /// The newest version that was committed.
        committed: u64,
    } = "roles/uncommitted", "the roles file (version {file}) is not what was committed (version {committed})",
        "Have the change accepted: `cargo weft role propose`, `attest`, `commit`.";

    /// The revocation number fell.
    RevocationFell {
        /// The number in force.
        current: u64,
        /// The number found.
        found: u64,
    } = "revocation/number-fell", "revocation number {found} would follow {current}",
        "Keep the number, or raise it with each revocation.";
    /// A revocation was taken back or changed.
    RevocationDropped {
        /// The key.
        key: String,
    } = "revocation/dropped", "the revocation of {key} is gone or was changed",
        "Leave it: a revoked key stays revoked. Add a new key instead.";
    /// The list grew, and its number did not.
    RevocationUnnumbered {
        /// The number of both lists.
        number: u64,
    } = "revocation/unnumbered", "the list has grown, and its number is still {number}",
        "Raise the number by one with each revocation: `cargo weft key revoke` does.";
    /// The list at hand is further behind the newest number known than the action allows.
    RevocationStale {
        /// The tier of the action.
        tier: String,
        /// The number at hand.
        held: u64,
        /// The newest number known.
        newest: u64,
        /// How far behind the tier may be.
        allowed: u64,
    } = "revocation/stale",
        "revocation list {held} is behind {newest}, and a {tier} action may be {allowed} behind",
        "Fetch the newest roles; or, where the roles allow it, act in degraded mode with `--degraded-record FILE`.";

    /// An attestation is about something else than the proposal.
    ProposalMismatch {
        /// The digest of the proposal.
        expected: String,
        /// The digest of what was attested.
        found: String,
    } = "proposal/mismatch", "it attests {found}, and the proposal is {expected}",
        "Attest this proposal: `cargo weft role attest`.";

    /// Signed metadata is of another type than the one expected.
    MetadataType {
        /// The type expected.
        expected: &'static str,
        /// The type found.
        found: String,
    } = "metadata/type", "metadata of type {found:?}, expected {expected:?}",
        "Name the file that was meant; newer in-toto attestations are verified as statements.";
    /// Signed metadata is not valid any more.
    MetadataExpired {
        /// When it was valid for the last time, as it says.
        expires: String,
    } = "metadata/expired", "it was valid until {expires}",
        "Have its owners sign a new one, or judge as of a day when it was valid.";

    /// A trusted key has not signed the layout.
    LayoutUnsigned {
        /// The key.
        key: String,
    } = "layout/unsigned", "no signature by {key}",
        "Have the layout signed by all of its owners, or trust the keys that it is really signed by.";
    /// A layout without steps would be met by nobody.
    LayoutEmpty = "layout/no-steps", "the layout has no step",
        "Write the steps that have to be performed.";
    /// Two steps or inspections of a layout have one name.
    LayoutNameRepeated {
        /// The second one, as `steps[1].name`.
        path: String,
        /// The name.
        name: String,
    } = "layout/name-repeated", "{path}: the name {name:?} stands twice",
        "Give each step and each inspection a name of its own, and have the layout signed again.";
    /// The layout has a parameter, and parameters are not substituted.
    LayoutParameter {
        /// Where it is, as `steps[0].expected_command[1]`.
        path: String,
        /// The name of the parameter.
        name: String,
    } = "layout/parameter", "{path}: the parameter {name} has no value",
        "Have a layout signed that holds the value itself.";
    /// Layouts are nested deeper than the bound.
    LayoutTooDeep {
        /// The bound.
        limit: usize,
    } = "layout/too-deep", "layouts are nested more than {limit} deep",
        "No real supply chain is nested this deep; ask where this one comes from.";
    /// There are more links than are read.
    LayoutTooManyLinks {
        /// How many there are.
        found: usize,
        /// How many are read.
        limit: usize,
    } = "layout/too-many-links", "{found} links, and at most {limit} are read",
        "Keep the links of the layout's steps, and no other files.";
    /// Links of a step are missing: all that are there count.
    LinkMissing {
        /// The step.
        step: String,
        /// How many functionaries have to perform it.
        threshold: u32,
        /// How many links are there.
        found: usize,
    } = "layout/link-missing", "step {step}: {threshold} functionaries have to perform it, and {found} links are there",
        "Gather the missing links, named `STEP.KEYID.link` with the first eight characters of the key's id.";
    /// Too few functionaries performed a step, and there are links that do not count.
    StepUnmet {
        /// The step.
        step: String,
        /// How many functionaries have to perform it.
        threshold: u32,
        /// How many did.
        counted: usize,
        /// The links that do not count.
        uncounted: UncountedLinks,
    } = "layout/step-unmet", "step {step}: {counted} of {threshold} functionaries performed it; {uncounted}",
        "Have the step performed by those whom the layout names, and gather their links as they signed them.";
    /// The name of a link says a key that may not perform the step.
    LinkUnauthorised {
        /// The step.
        step: String,
    } = "layout/link-unauthorised", "no functionary of step {step} has a key id that begins so",
        "Have the step performed by one of its functionaries, or add the key to the step.";
    /// A functionary performed a step twice: a key counts once, under whatever ids.
    LinkRepeated {
        /// The file of the link that counts.
        first: String,
    } = "layout/link-repeated", "by the same key as {first}, which counts once",
        "Have another functionary perform the step.";
    /// A link was signed for another step.
    LinkName {
        /// The step asked for.
        expected: String,
        /// The step that the link is of.
        found: String,
    } = "layout/link-name", "a link of step {found:?}, expected {expected:?}",
        "Keep each link under the name of its own step, and ask who renamed this one.";
    /// Two functionaries of a step do not agree about its materials or products.
    LinksDisagree {
        /// The step.
        step: String,
        /// The file of one link.
        first: String,
        /// The file of the other link.
        second: String,
        /// The first artifact that they do not agree about.
        path: String,
    } = "layout/links-disagree", "step {step}: {first} and {second} do not agree about {path:?} by a strong digest",
        "Find out which of the two is wrong; a build that is not reproducible cannot have a threshold above 1.";
    /// A path is absolute, leads out of its directory, or is one of several spellings.
    ArtifactPath {
        /// The path.
        path: String,
    } = "layout/artifact-path", "{path:?} is not a plain relative path",
        "Record artifacts by paths relative to the project, without `.`, `..`, backslashes and empty parts.";
    /// An artifact's digest does not have the length of its algorithm, or is not lower-case hexadecimal.
    ArtifactDigest {
        /// The path of the artifact.
        path: String,
        /// The algorithm.
        algorithm: String,
    } = "layout/artifact-digest", "{path:?}: its {algorithm} is not a whole digest",
        "Write the whole digest in lower-case hexadecimal digits.";
    /// An artifact is there that a rule of the layout forbids.
    ArtifactDisallowed {
        /// The step.
        step: String,
        /// `materials` or `products`.
        list: &'static str,
        /// The pattern behind DISALLOW.
        pattern: String,
        /// The artifact.
        artifact: String,
    } = "layout/artifact-disallowed", "step {step}: DISALLOW {pattern} forbids {artifact:?} among its {list}",
        "Find out where the artifact comes from; no rule before this one matches it, by path and digest.";
    /// An artifact is not there that a rule of the layout asks for.
    ArtifactRequired {
        /// The step.
        step: String,
        /// `materials` or `products`.
        list: &'static str,
        /// The artifact.
        artifact: String,
    } = "layout/artifact-required", "step {step}: REQUIRE {artifact:?} is not met by its {list}",
        "Find out why the artifact is missing, or why an earlier rule takes it.";

    /// The text is not a signed note (C2SP signed-note).
    NoteMalformed {
        /// 1-based line.
        line: usize,
        /// What is wrong.
        message: &'static str,
    } = "note/malformed", "line {line}: not a signed note: {message}",
        "Fetch the note again, byte for byte.";
    /// A signature by a known key does not verify, which spoils the note.
    NoteSignature {
        /// The name of the key.
        name: String,
    } = "note/signature", "the signature of {name} is not one over this note",
        "Fetch the note again; if it stays so, somebody changed it.";
    /// No signature is by a known key.
    NoteUnsigned {
        /// The name of the key that should have signed.
        name: String,
    } = "note/unsigned", "no signature by {name}",
        "Fetch the note from the log itself, or correct its key.";
    /// The text is not a verifier key (C2SP signed-note).
    VkeyMalformed {
        /// What is wrong.
        message: &'static str,
    } = "note/vkey-malformed", "not a verifier key: {message}",
        "Copy it whole: `name+hash+base64`.";
    /// The note is signed, and is not a checkpoint (C2SP tlog-checkpoint).
    CheckpointMalformed {
        /// 1-based line.
        line: usize,
        /// What is wrong.
        message: &'static str,
    } = "checkpoint/malformed", "line {line}: not a checkpoint: {message}",
        "Fetch the checkpoint again, byte for byte.";
    /// The checkpoint is of another log.
    CheckpointOrigin {
        /// The origin expected.
        expected: String,
        /// The origin found.
        found: String,
    } = "checkpoint/origin", "a checkpoint of {found:?}, expected {expected:?}",
        "Name the log it is of, or fetch that of the right log.";
    /// A witness says it has seen the checkpoint later than now.
    CosignatureFuture {
        /// The witness.
        name: String,
        /// When it says it has seen it.
        at: u64,
    } = "checkpoint/future-cosignature", "{name} says it will have seen it at {at}",
        "Check the clock here and there, and fetch the checkpoint again.";
    /// The witnesses that have seen the checkpoint are not those that the policy asks for.
    QuorumUnmet {
        /// The witness or group that has to have seen it, or how many witnesses.
        quorum: String,
        /// The witnesses that have, by their names in the policy.
        seen_by: Vec<String>,
    } = "checkpoint/quorum-unmet", "{quorum} has to have seen it, and these witnesses have: {seen_by:?}",
        "Fetch the checkpoint again when more witnesses have seen it, or ask who runs the log why they have not.";
    /// The text is not a policy of logs and witnesses (C2SP tlog-policy).
    WitnessPolicyMalformed {
        /// 1-based line.
        line: usize,
        /// What is wrong.
        message: String,
    } = "tlog-policy/malformed", "line {line}: {message}",
        "Correct the line: `log VKEY`, `witness NAME VKEY`, `group NAME any|all|K MEMBER…` or `quorum NAME|none`.";
    /// A Merkle proof is not one for this place in this tree (RFC 9162 §2.1).
    ProofShape {
        /// What is wrong.
        message: &'static str,
    } = "proof/shape", "not a proof for this tree: {message}",
        "Fetch the proof for these sizes and this index.";
    /// A Merkle proof leads to another root.
    ProofRoot = "proof/root", "the proof leads to another root",
        "Treat the log as suspect: keep both, and ask its witnesses.";
    /// A tile of a log is needed and not there.
    TileMissing {
        /// Its path.
        path: String,
    } = "tile/missing", "{path}: not there, and needed",
        "Fetch it from the log, and verify again.";
    /// The bytes are not the tile that they should be (C2SP tlog-tiles).
    TileMalformed {
        /// Its path.
        path: String,
        /// What is wrong.
        message: &'static str,
    } = "tile/malformed", "{path}: {message}",
        "Fetch it from the log again.";
    /// A tile hashes to something else than the level above says, or entries to something else than their leaves.
    TileHash {
        /// Its path.
        path: String,
    } = "tile/hash", "{path}: it hashes to something else than the tile above says",
        "Fetch it from the log again; if it stays so, treat the log as suspect.";
    /// The tiles make another root than the checkpoint says.
    TileRoot {
        /// The size of the tree.
        size: u64,
    } = "tile/root", "the tree of {size} entries has another root than the checkpoint says",
        "Compare with other checkpoints of the log, and keep both: somebody may be shown another tree.";
    /// A record says that two checkpoints cannot both be true, and they can.
    ForkUnproven {
        /// Why they can.
        message: &'static str,
    } = "fork/unproven", "the record shows no fork: {message}",
        "Ask who wrote the record; the log is not to blame.";
}
