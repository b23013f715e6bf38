//! Bytes as texts: base32 and base64 (RFC 4648).

use std::borrow::Cow;

use data_encoding::{BASE32, BASE32_NOPAD, BASE64, BASE64_NOPAD};

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Base32,
    Base64,
}

impl Algorithm {
    pub const NAMES: [(&'static str, Self); 2] = [("base32", Self::Base32), ("base64", Self::Base64)];

    pub fn encode(self, bytes: &[u8], padding: bool) -> String {
        match (self, padding) {
            (Self::Base32, true) => BASE32.encode(bytes),
            (Self::Base32, false) => BASE32_NOPAD.encode(bytes),
            (Self::Base64, true) => BASE64.encode(bytes),
            (Self::Base64, false) => BASE64_NOPAD.encode(bytes),
        }
    }

    /// With or without padding; base32 also in small letters, base64 also with the alphabet for URLs. Nothing for what encodes no bytes, or not in the one way it
    /// would be encoded: two texts must not stand for one id.
    pub fn decode(self, text: &str) -> Option<Vec<u8>> {
        let bare = text.trim_end_matches('=');
        let plain: Cow<'_, str> = match self {
            Self::Base32 if bare.bytes().any(|byte| byte.is_ascii_lowercase()) => Cow::Owned(bare.to_ascii_uppercase()),
            Self::Base64 if bare.contains(['-', '_']) => Cow::Owned(bare.replace('-', "+").replace('_', "/")),
            _ => Cow::Borrowed(bare),
        };
        match self {
            Self::Base32 => BASE32_NOPAD.decode(plain.as_bytes()).ok(),
            Self::Base64 => BASE64_NOPAD.decode(plain.as_bytes()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_vectors_of_the_standard() {
        for (text, base32, base64) in [
            ("", "", ""),
            ("f", "MY======", "Zg=="),
            ("fo", "MZXQ====", "Zm8="),
            ("foo", "MZXW6===", "Zm9v"),
            ("foob", "MZXW6YQ=", "Zm9vYg=="),
            ("fooba", "MZXW6YTB", "Zm9vYmE="),
            ("foobar", "MZXW6YTBOI======", "Zm9vYmFy"),
        ] {
            for (algorithm, expected) in [(Algorithm::Base32, base32), (Algorithm::Base64, base64)] {
                assert_eq!(algorithm.encode(text.as_bytes(), true), expected);
                assert_eq!(algorithm.encode(text.as_bytes(), false), expected.trim_end_matches('='));
                for form in [expected, expected.trim_end_matches('=')] {
                    assert_eq!(algorithm.decode(form).as_deref(), Some(text.as_bytes()), "{form}");
                }
            }
        }
        assert_eq!(Algorithm::Base32.decode("mzxw6ytb").as_deref(), Some(&b"fooba"[..]));
        assert_eq!(Algorithm::Base64.decode("-_8").as_deref(), Some(&[0xFB, 0xFF][..]));
    }

    #[test]
    fn what_encodes_nothing_is_refused() {
        for text in ["M", "M1", "MZ", "ü", "MY======x", "M Y", "MZXW6YTB\n"] {
            assert_eq!(Algorithm::Base32.decode(text), None, "{text}");
        }
        for text in ["A", "Zh==", "Zg=a", "Z g", "ü"] {
            assert_eq!(Algorithm::Base64.decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..100), padding: bool) {
            for (_, algorithm) in Algorithm::NAMES {
                let text = algorithm.encode(&bytes, padding);
                prop_assert_eq!(algorithm.decode(&text), Some(bytes.clone()));
            }
        }

        #[test]
        fn any_text_is_decoded_or_refused(text in ".{0,40}") {
            for (_, algorithm) in Algorithm::NAMES {
                let _ = algorithm.decode(&text);
            }
        }
    }
}
