//! Base64 in one spelling: padded, without white space, with zero trailing bits (RFC 4648 §3.5).

use base64ct::{Base64, Base64Url, Encoding};

/// Decodes the standard alphabet.
pub(crate) fn standard(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// Decodes the standard or the URL-safe alphabet, both of which DSSE allows.
pub(crate) fn either(text: &str) -> Option<Vec<u8>> {
    standard(text).or_else(|| Base64Url::decode_vec(text).ok())
}

/// Encodes in the standard alphabet.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(standard("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(either("-_8="), Some(vec![0xfb, 0xff]));
        for text in ["+/8", "+/9=", "+/8=\n", " +/8=", "+_8=", "+/8==", "=", "-_9="] {
            assert_eq!(either(text), None, "{text:?}");
        }
        assert_eq!(standard("-_8="), None);
        assert_eq!(encode(&[0xfb, 0xff]), "+/8=");
    }
}
