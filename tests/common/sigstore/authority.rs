//! Fulcio: a root, an authority below it, and short-lived certificates that say who signs and what is built.
//!
//! The extensions are those of Fulcio's `docs/oid-info.md`, as a workflow on GitHub gets them, and the certificate
//! transparency log's promise (RFC 6962) is embedded.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::der::asn1::{
    BitString, GeneralizedTime, Ia5String, OctetString, UtcTime, Utf8StringRef,
};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{DateTime, Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use super::key::{Key, sha256};
use super::{YEAR, now};

pub(crate) const ECDSA_WITH_SHA256: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const SCT_LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");

/// Who asks for a certificate, and what of it the certificate says; nothing is left out that is not empty.
#[derive(Clone)]
pub(crate) struct Workflow {
    /// Who vouches for it.
    pub(crate) issuer: String,
    /// The workflow that signs, with its ref: the name in the certificate.
    pub(crate) signer: String,
    /// What is built.
    pub(crate) repository: String,
    pub(crate) reference: String,
    pub(crate) commit: String,
    pub(crate) runner: String,
}

impl Workflow {
    /// Returns a release of a project by its own workflow, on a hosted runner.
    pub(crate) fn honest() -> Self {
        Self {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            signer: "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1.0.0"
                .to_owned(),
            repository: "https://github.com/example/app".to_owned(),
            reference: "refs/tags/v1.0.0".to_owned(),
            commit: "4d329c75e7ec1725f7c9ce917a8799d408d06be3".to_owned(),
            runner: "github-hosted".to_owned(),
        }
    }

    pub(crate) fn owner(&self) -> &str {
        self.repository.rsplit_once('/').unwrap().0
    }

    fn extensions(&self) -> Vec<Extension> {
        let short = self.repository.strip_prefix("https://github.com/").unwrap_or_default();
        let plain = [
            (1, &*self.issuer),
            (2, "push"),
            (3, &*self.commit),
            (4, "release"),
            (5, short),
            (6, &*self.reference),
        ];
        let wrapped = [
            (8, &*self.issuer),
            (9, &*self.signer),
            (10, &*self.commit),
            (11, &*self.runner),
            (12, &*self.repository),
            (13, &*self.commit),
            (14, &*self.reference),
            (15, "1000001"),
            (16, self.owner()),
            (17, "1000002"),
            (18, &*self.signer),
            (19, &*self.commit),
            (20, "push"),
            (22, "public"),
        ];
        let oid =
            |number: u32| ObjectIdentifier::new(&format!("1.3.6.1.4.1.57264.1.{number}")).unwrap();
        let plain = plain.into_iter().map(|(n, text)| raw(oid(n), false, text.as_bytes().to_vec()));
        let wrapped = wrapped
            .into_iter()
            .map(|(n, text)| extension(oid(n), false, &Utf8StringRef::new(text).unwrap()));
        plain.chain(wrapped).collect()
    }
}

/// A root and an authority below it, which issues certificates to sign code or to stamp times.
pub(crate) struct Authority {
    pub(crate) root: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    key: Key,
    name: Name,
}

/// From and until when something holds, in seconds since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Window(pub(crate) i64, pub(crate) i64);

impl Authority {
    /// Makes one that issues certificates to sign code with, as Fulcio does.
    pub(crate) fn of_code() -> Self {
        Self::new("fulcio.test", CODE_SIGNING)
    }

    /// Makes one that issues certificates to stamp times with.
    pub(crate) fn of_times() -> Self {
        Self::new("timestamp.test", TIME_STAMPING)
    }

    fn new(organization: &str, usage: ObjectIdentifier) -> Self {
        let (root_key, key) = (Key::p256(), Key::p256());
        let of = |name: &str| Name::from_str(&format!("CN={name},O={organization}")).unwrap();
        let (root_name, name) = (of("root"), of("intermediate"));
        let window = Window(now() - YEAR, now() + 9 * YEAR);
        let root = tbs(&root_name, &root_name, root_key.spki(), window, ca(None, &root_key, None));
        let mut issuer = ca(Some(0), &key, Some(&root_key));
        issuer.push(extension(oid("2.5.29.37"), false, &ExtendedKeyUsage(vec![usage])));
        let issuer = tbs(&root_name, &name, key.spki(), window, issuer);
        Self { root: signed(root, &root_key), issuer: signed(issuer, &root_key), key, name }
    }

    /// Issues a certificate to sign code with, in which a certificate transparency log promises to list it.
    pub(crate) fn issue(
        &self,
        workflow: &Workflow,
        spki: &[u8],
        window: Window,
        log: Option<&Key>,
    ) -> Vec<u8> {
        let name = Ia5String::new(&workflow.signer).unwrap();
        let name = SubjectAltName(vec![GeneralName::UniformResourceIdentifier(name)]);
        let mut extensions = self.leaf(spki, CODE_SIGNING, false);
        extensions.push(extension(oid("2.5.29.17"), true, &name));
        extensions.extend(workflow.extensions());
        let mut unlisted = tbs(&self.name, &Name::default(), spki, window, extensions);
        if let Some(log) = log {
            let list = self.promise(&unlisted, window, log);
            let list = extension(SCT_LIST, false, &OctetString::new(list).unwrap());
            unlisted.extensions.as_mut().unwrap().push(list);
        }
        signed(unlisted, &self.key)
    }

    /// Issues a certificate to stamp times with.
    pub(crate) fn issue_stamp(&self, spki: &[u8]) -> Vec<u8> {
        let name = Name::from_str("CN=timestamp authority").unwrap();
        let window = Window(now() - YEAR, now() + 9 * YEAR);
        let extensions = self.leaf(spki, TIME_STAMPING, true);
        signed(tbs(&self.name, &name, spki, window, extensions), &self.key)
    }

    fn leaf(&self, spki: &[u8], usage: ObjectIdentifier, is_critical: bool) -> Vec<Extension> {
        let usage = ExtendedKeyUsage(vec![usage]);
        vec![
            extension(oid("2.5.29.15"), true, &KeyUsage(KeyUsages::DigitalSignature.into())),
            extension(oid("2.5.29.37"), is_critical, &usage),
            subject_key(spki),
            authority_key(self.key.spki()),
        ]
    }

    /// Makes a list of one signed certificate timestamp (RFC 6962, 3.2 and 3.3).
    fn promise(&self, unlisted: &TbsCertificate, window: Window, log: &Key) -> Vec<u8> {
        let time = u64::try_from(window.0).unwrap() * 1000;
        let body = unlisted.to_der().unwrap();
        let mut message = vec![0, 0];
        message.extend(time.to_be_bytes());
        message.extend([0, 1]);
        message.extend(sha256(self.key.spki()));
        message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
        message.extend(body);
        message.extend([0, 0]);
        let mut promise = vec![0];
        promise.extend(sha256(log.spki()));
        promise.extend(time.to_be_bytes());
        promise.extend([0, 0, 4, 3]);
        promise.extend(prefixed(&log.sign(&message)));
        prefixed(&prefixed(&promise))
    }
}

/// Puts a length of two bytes before bytes, as TLS does.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}

fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new(text).unwrap()
}

fn raw(extn_id: ObjectIdentifier, critical: bool, value: Vec<u8>) -> Extension {
    Extension { extn_id, critical, extn_value: OctetString::new(value).unwrap() }
}

fn extension(id: ObjectIdentifier, critical: bool, value: &impl Encode) -> Extension {
    raw(id, critical, value.to_der().unwrap())
}

fn subject_key(spki: &[u8]) -> Extension {
    let id = OctetString::new(&sha256(spki)[..20]).unwrap();
    extension(oid("2.5.29.14"), false, &SubjectKeyIdentifier(id))
}

fn authority_key(spki: &[u8]) -> Extension {
    let id = OctetString::new(&sha256(spki)[..20]).unwrap();
    let id =
        AuthorityKeyIdentifier { key_identifier: Some(id), ..AuthorityKeyIdentifier::default() };
    extension(oid("2.5.29.35"), false, &id)
}

fn ca(below: Option<u8>, key: &Key, above: Option<&Key>) -> Vec<Extension> {
    let constraints = BasicConstraints { ca: true, path_len_constraint: below };
    let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
    let mut extensions = vec![
        extension(oid("2.5.29.15"), true, &usage),
        extension(oid("2.5.29.19"), true, &constraints),
        subject_key(key.spki()),
    ];
    extensions.extend(above.map(|key| authority_key(key.spki())));
    extensions
}

fn tbs(
    issuer: &Name,
    subject: &Name,
    spki: &[u8],
    window: Window,
    extensions: Vec<Extension>,
) -> TbsCertificate {
    static SERIAL: AtomicU32 = AtomicU32::new(1);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&[&[1], &serial[..]].concat()).unwrap(),
        signature: AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA256, parameters: None },
        issuer: issuer.clone(),
        validity: Validity { not_before: time(window.0), not_after: time(window.1) },
        subject: subject.clone(),
        subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(spki).unwrap(),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    }
}

fn time(seconds: i64) -> Time {
    let time = date(seconds);
    match UtcTime::from_date_time(time) {
        Ok(time) => Time::UtcTime(time),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_date_time(time)),
    }
}

pub(crate) fn date(seconds: i64) -> DateTime {
    DateTime::from_unix_duration(Duration::from_secs(u64::try_from(seconds).unwrap())).unwrap()
}

fn signed(tbs_certificate: TbsCertificate, key: &Key) -> Vec<u8> {
    let signature = key.sign(&tbs_certificate.to_der().unwrap());
    let signature_algorithm = tbs_certificate.signature.clone();
    let signature = BitString::from_bytes(&signature).unwrap();
    Certificate { tbs_certificate, signature_algorithm, signature }.to_der().unwrap()
}
