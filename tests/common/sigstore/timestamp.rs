//! A timestamp authority (RFC 3161): tokens in CMS, with a nonce where one was asked for.

use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, GeneralizedTime, Int, OctetString, SetOfVec};
use der::oid::ObjectIdentifier;
use der::{Decode, Encode, EncodeValue, Sequence, Tag, Tagged};
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::authority::{Authority, ECDSA_WITH_SHA256, date};
use super::key::{Key, sha256};

const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.2");

#[derive(Clone, Sequence)]
struct Imprint {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

/// `TimeStampReq` without extensions.
#[derive(Sequence)]
struct Request {
    version: u8,
    imprint: Imprint,
    #[asn1(optional = "true")]
    policy: Option<ObjectIdentifier>,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(default = "Default::default")]
    certificates: bool,
}

/// `TSTInfo` without what is optional but the nonce.
#[derive(Sequence)]
struct Info {
    version: u8,
    policy: ObjectIdentifier,
    imprint: Imprint,
    serial: u64,
    time: GeneralizedTime,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
}

#[derive(Sequence)]
struct Status {
    status: u8,
}

#[derive(Sequence)]
struct Response {
    status: Status,
    token: ContentInfo,
}

/// An authority that stamps times.
pub(crate) struct TimestampAuthority {
    key: Key,
    leaf: Vec<u8>,
    authority: Authority,
}

impl TimestampAuthority {
    pub(crate) fn new() -> Self {
        let (authority, key) = (Authority::of_times(), Key::p256());
        let leaf = authority.issue_stamp(key.spki());
        Self { key, leaf, authority }
    }

    /// Returns its certificate and those above it.
    pub(crate) fn chain(&self) -> [&[u8]; 3] {
        [&self.leaf, &self.authority.issuer, &self.authority.root]
    }

    /// Says that these bytes were there at that time.
    pub(crate) fn stamp(&self, bytes: &[u8], time: i64) -> Vec<u8> {
        let digest = OctetString::new(sha256(bytes)).unwrap();
        self.token(Imprint { algorithm: algorithm(SHA256), digest }, None, time)
    }

    /// Answers a request over HTTP.
    pub(crate) fn answer(&self, request: &[u8], time: i64) -> Option<Vec<u8>> {
        let request = Request::from_der(request).ok()?;
        Some(self.token(request.imprint, request.nonce, time))
    }

    fn token(&self, imprint: Imprint, nonce: Option<Int>, time: i64) -> Vec<u8> {
        let time = GeneralizedTime::from_date_time(date(time));
        let info = Info { version: 1, policy: POLICY, imprint, serial: 7, time, nonce };
        let info = info.to_der().unwrap();
        let attributes = SetOfVec::try_from(vec![
            attribute(CONTENT_TYPE, &TST_INFO),
            attribute(MESSAGE_DIGEST, &OctetString::new(sha256(&info)).unwrap()),
        ]);
        let attributes = attributes.unwrap();
        let signature = self.key.sign(&attributes.to_der().unwrap());
        let leaf = Certificate::from_der(&self.leaf).unwrap().tbs_certificate;
        let sid = IssuerAndSerialNumber { issuer: leaf.issuer, serial_number: leaf.serial_number };
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(sid),
            digest_alg: algorithm(SHA256),
            signed_attrs: Some(attributes),
            signature_algorithm: algorithm(ECDSA_WITH_SHA256),
            signature: OctetString::new(signature).unwrap(),
            unsigned_attrs: None,
        };
        let data = SignedData {
            version: CmsVersion::V3,
            digest_algorithms: SetOfVec::try_from(vec![algorithm(SHA256)]).unwrap(),
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: TST_INFO,
                econtent: Some(Any::new(Tag::OctetString, info).unwrap()),
            },
            certificates: None,
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer]).unwrap()),
        };
        let token =
            ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&data).unwrap() };
        Response { status: Status { status: 0 }, token }.to_der().unwrap()
    }
}

fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

fn attribute<T: EncodeValue + Tagged>(oid: ObjectIdentifier, value: &T) -> Attribute {
    let value = Any::encode_from(value).unwrap();
    Attribute { oid, values: SetOfVec::try_from(vec![value]).unwrap() }
}
