//! Certificates and private keys in PEM files: read, and judged before they are used.
//!
//! | in the text | is |
//! | --- | --- |
//! | `CERTIFICATE` | a certificate; the first one is the client's own, those after it lead to its authority |
//! | `PRIVATE KEY`, `RSA PRIVATE KEY`, `EC PRIVATE KEY` | a private key |
//! | `ENCRYPTED PRIVATE KEY`, `Proc-Type: 4,ENCRYPTED` | refused: the host knows no passphrases |
//!
//! Other sections are skipped. Messages name what is wrong and what to do, never the content.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::zeroize::Zeroizing;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};
use x509_cert::Certificate as Document;
use x509_cert::der::Decode as _;

/// Who a certificate is for, and from when to when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// RFC 4514: `CN=provisor,O=Example`.
    pub subject: String,
    pub not_before: SystemTime,
    pub not_after: SystemTime,
}

impl Certificate {
    fn read(der: &CertificateDer<'_>) -> Result<Self, String> {
        let read = Document::from_der(der).map_err(|error| format!("it cannot be read as a certificate: {error}"))?;
        let certificate = read.tbs_certificate();
        let validity = certificate.validity();
        Ok(Self {
            subject: certificate.subject().to_string(),
            not_before: SystemTime::UNIX_EPOCH + validity.not_before.to_unix_duration(),
            not_after: SystemTime::UNIX_EPOCH + validity.not_after.to_unix_duration(),
        })
    }

    /// Whether it is valid at this moment; else what to do.
    pub(super) fn check(&self, now: SystemTime) -> Result<(), String> {
        let Self { subject, not_before, not_after } = self;
        if now > *not_after {
            return Err(format!("the certificate of {subject} expired on {}; put a new one there", date(*not_after)));
        }
        if now < *not_before {
            return Err(format!("the certificate of {subject} is valid from {} on; check the clock of this machine", date(*not_before)));
        }
        Ok(())
    }

    /// The day it ends, UTC: `2027-01-31`.
    pub fn last_day(&self) -> String {
        date(self.not_after)
    }

    /// How long it is valid from this moment on.
    pub fn left(&self, now: SystemTime) -> Duration {
        self.not_after.duration_since(now).unwrap_or_default()
    }
}

/// All certificates of a PEM text; an error if there is none.
pub(super) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let read = read.map_err(|error| format!("its PEM text cannot be read: {error}"))?;
    if read.is_empty() {
        let what = if pem.contains("PRIVATE KEY-----") { "holds a private key and no certificate" } else { "holds no certificate" };
        return Err(format!("it {what}; a PEM text is expected, with -----BEGIN CERTIFICATE-----"));
    }
    Ok(read)
}

/// What the first certificate of a chain says.
pub(super) fn leaf(chain: &[CertificateDer<'_>]) -> Result<Certificate, String> {
    let first = chain.first().ok_or("there is no certificate")?;
    Certificate::read(first)
}

/// The private key of a PEM text.
///
/// Two other spellings are read, too: line breaks written as `\n`, as in the JSON files of service accounts, and the Base64 text of a PKCS #8 key without the
/// lines around it, as it is entered in the reference.
pub(super) fn private_key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    if text.contains("ENCRYPTED") {
        return Err("the private key is encrypted, and the host knows no passphrases; decrypt it (openssl pkey -in KEY -out NEW) and keep it where only the user \
                    running provisor may read it"
            .into());
    }
    let mut pem = Zeroizing::new(text.replace("\\n", "\n"));
    if !text.contains("-----BEGIN") {
        pem = Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", pem.trim()));
    }
    // Whatever it is a key for, it is a SEQUENCE.
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(key) if key.secret_der().first() == Some(&0x30) => Ok(key),
        _ => {
            let certificate = text.contains("-----BEGIN CERTIFICATE");
            let what = if certificate { "it holds a certificate and no private key" } else { "it holds no private key" };
            Err(format!("{what}; a PEM text is expected, with -----BEGIN PRIVATE KEY-----"))
        }
    }
}

/// A chain with its key, which has to be that of the first certificate.
pub(super) fn certified(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'_>) -> Result<CertifiedKey, String> {
    let key = ring::sign::any_supported_type(key)
        .map_err(|_| "its private key is of a kind that cannot be used; RSA from 2048 bits, ECDSA on P-256 or P-384, and Ed25519 can")?;
    let certified = CertifiedKey::new(chain, Arc::clone(&key));
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err("the private key does not fit the certificate; put both there as they were made together".into()),
    }
}

/// `2027-01-31`, UTC.
pub(super) fn date(time: SystemTime) -> String {
    let moment = time::OffsetDateTime::from(time);
    format!("{:04}-{:02}-{:02}", moment.year(), u8::from(moment.month()), moment.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(from: i32, to: i32) -> (rcgen::Certificate, rcgen::KeyPair) {
        let mut parameters = rcgen::CertificateParams::new([]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "provisor");
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
        let pair = rcgen::KeyPair::generate().unwrap();
        (parameters.self_signed(&pair).unwrap(), pair)
    }

    #[test]
    fn who_and_when() {
        let (made, _) = made(2020, 2030);
        let certificate = leaf(&certificates(&made.pem()).unwrap()).unwrap();
        assert_eq!((certificate.subject.as_str(), date(certificate.not_after).as_str()), ("CN=provisor", "2030-01-01"));
        let at = |year: u64| SystemTime::UNIX_EPOCH + Duration::from_hours((year - 1970) * 8766);
        assert_eq!(certificate.check(at(2025)), Ok(()));
        assert!(certificate.check(at(2031)).unwrap_err().contains("expired on 2030-01-01"));
        assert!(certificate.check(at(2019)).unwrap_err().contains("from 2020-01-01"));
        assert_eq!(certificate.left(at(2031)), Duration::ZERO);
    }

    #[test]
    fn what_is_no_certificate_and_no_key() {
        let (made, pair) = made(2020, 2030);
        for text in ["", "hello", "-----BEGIN CERTIFICATE-----\nAA", &pair.serialize_pem()] {
            assert!(certificates(text).is_err(), "{text}");
        }
        let garbage = certificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(leaf(&garbage).unwrap_err().contains("cannot be read as a certificate"));
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        for text in [encrypted, legacy] {
            assert!(private_key(text).unwrap_err().contains("encrypted"));
        }
        assert!(private_key(&made.pem()).unwrap_err().contains("a certificate and no private key"));
        assert!(private_key("").unwrap_err().contains("no private key"));
    }

    #[test]
    fn keys_fit_or_not_however_they_are_written() {
        let ((own, pair), (_, other)) = (made(2020, 2030), made(2020, 2030));
        let chain = || certificates(&own.pem()).unwrap();
        let pem = pair.serialize_pem();
        let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        for text in [pem.clone(), pem.replace('\n', "\\n"), bare] {
            assert!(certified(chain(), &private_key(&text).unwrap()).is_ok(), "{text}");
        }
        let error = certified(chain(), &private_key(&other.serialize_pem()).unwrap()).unwrap_err();
        assert!(error.contains("does not fit"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(-----BEGIN (CERTIFICATE|PRIVATE KEY|EC PRIVATE KEY)-----\n)?[A-Za-z0-9+/=\n]{0,200}(\n-----END (CERTIFICATE|PRIVATE KEY)-----\n)?") {
            if let Ok(chain) = certificates(&text) {
                let _ = leaf(&chain);
            }
            let _ = private_key(&text);
        }
    }
}
