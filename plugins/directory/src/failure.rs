//! What a result that is not success means (RFC 4511 appendix A), in the kinds of the contract.

use crate::{ber::Malformed, message::LdapResult};
use sdk::{Failure, Kind};

/// The most characters of the server's own words that go into a message.
const MAX_DETAIL: usize = 300;

pub const SUCCESS: i64 = 0;
pub const NO_SUCH_ATTRIBUTE: i64 = 16;
pub const NO_SUCH_OBJECT: i64 = 32;

/// What the request was for, where the same code means different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// `entryAlreadyExists` means: there is one already.
    Add,
    Other,
}

/// The name of a code in RFC 4511, and the kind and advice that go with it.
fn meaning(code: i64) -> (&'static str, Kind, &'static str) {
    match code {
        1 => ("operationsError", Kind::Rejected, ""),
        2 => ("protocolError", Kind::Unsupported, ""),
        3 => ("timeLimitExceeded", Kind::TimedOut, "the server's time limit for this account is too low"),
        4 => ("sizeLimitExceeded", Kind::Rejected, "the server's size limit for this account is too low: what came is not everything"),
        7 => ("authMethodNotSupported", Kind::Unauthenticated, "the server does not offer this kind of bind"),
        8 => ("strongerAuthRequired", Kind::Unauthenticated, "use ldaps:// or ldap.startTls"),
        10 => ("referral", Kind::Rejected, "referrals are not followed; set ldap.url to the server that has it"),
        11 => ("adminLimitExceeded", Kind::Rejected, "a limit of the server is too low for this account, perhaps that of paged searches"),
        12 => (
            "unavailableCriticalExtension",
            Kind::Unsupported,
            "the server lacks a control that was asked for; without paging set ldap.page.size to 0",
        ),
        13 => ("confidentialityRequired", Kind::Unauthenticated, "use ldaps:// or ldap.startTls"),
        NO_SUCH_ATTRIBUTE => ("noSuchAttribute", Kind::Conflict, ""),
        17 => ("undefinedAttributeType", Kind::Rejected, "the server's schema does not know an attribute"),
        18 => ("inappropriateMatching", Kind::Rejected, ""),
        19 => ("constraintViolation", Kind::Rejected, ""),
        20 => ("attributeOrValueExists", Kind::Conflict, ""),
        21 => ("invalidAttributeSyntax", Kind::Rejected, ""),
        NO_SUCH_OBJECT => ("noSuchObject", Kind::NotFound, ""),
        34 => ("invalidDNSyntax", Kind::Rejected, ""),
        48 => ("inappropriateAuthentication", Kind::Unauthenticated, "check ldap.authentication"),
        49 => ("invalidCredentials", Kind::Unauthenticated, "check ldap.user and ldap.password"),
        50 => ("insufficientAccessRights", Kind::Forbidden, "check what the account may do"),
        51 => ("busy", Kind::Unavailable, ""),
        52 => ("unavailable", Kind::Unavailable, ""),
        53 => ("unwillingToPerform", Kind::Rejected, ""),
        54 => ("loopDetect", Kind::Rejected, ""),
        64 => ("namingViolation", Kind::Rejected, ""),
        65 => ("objectClassViolation", Kind::Rejected, "an attribute that the object class demands is missing, or one is not allowed"),
        66 => ("notAllowedOnNonLeaf", Kind::Rejected, "there are entries below it"),
        67 => ("notAllowedOnRDN", Kind::Rejected, ""),
        68 => ("entryAlreadyExists", Kind::Conflict, ""),
        69 => ("objectClassModsProhibited", Kind::Rejected, ""),
        71 => ("affectsMultipleDSAs", Kind::Rejected, ""),
        118 => ("canceled", Kind::Unavailable, ""),
        4096 => ("e-syncRefreshRequired", Kind::Conflict, ""),
        _ => ("", Kind::Rejected, ""),
    }
}

/// The failure a result stands for. `what` names the request without personal data, e.g. `a search below ou=people`.
pub fn of_result(what: &str, intent: Intent, result: &LdapResult) -> Failure {
    let (name, mut kind, advice) = meaning(result.code);
    if intent == Intent::Add && result.code == 68 {
        kind = Kind::AlreadyExists;
    }
    // Active Directory's way to say that nobody is bound.
    if result.code == 1 && result.message.contains("bind must be completed") {
        kind = Kind::Unauthenticated;
    }
    let mut message = match name {
        "" => format!("{what} was answered with {}", result.code),
        name => format!("{what} was answered with {} ({name})", result.code),
    };
    for (between, words) in [(": ", shortened(&result.message)), (": ", shortened(&result.referrals.join(" "))), ("; ", advice.to_owned())]
    {
        if !words.is_empty() {
            message = message + between + &words;
        }
    }
    Failure { kind, message }
}

/// The server does not speak LDAP, or not properly.
pub fn malformed(what: &Malformed) -> Failure {
    Failure::rejected(format!("the server's answer is no LDAP: {what}"))
}

/// Some text of the server's on one line, with an end.
pub fn shortened(text: &str) -> String {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_DETAIL) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(intent: Intent, code: i64, words: &str) -> Failure {
        of_result("the request", intent, &LdapResult { code, message: words.into(), referrals: vec![] })
    }

    #[test]
    fn codes_have_kinds() {
        for (code, kind) in [
            (4, Kind::Rejected),
            (10, Kind::Rejected),
            (12, Kind::Unsupported),
            (20, Kind::Conflict),
            (32, Kind::NotFound),
            (49, Kind::Unauthenticated),
            (50, Kind::Forbidden),
            (51, Kind::Unavailable),
            (65, Kind::Rejected),
            (68, Kind::Conflict),
            (4096, Kind::Conflict),
            (9999, Kind::Rejected),
        ] {
            let failure = of(Intent::Other, code, "");
            assert_eq!(format!("{:?}", failure.kind), format!("{kind:?}"), "{code}");
            assert!(failure.message.starts_with(&format!("the request was answered with {code}")), "{}", failure.message);
        }
        assert!(matches!(of(Intent::Add, 68, "").kind, Kind::AlreadyExists));
        assert!(matches!(
            of(Intent::Other, 1, "000004DC: In order to perform this operation a successful bind must be completed").kind,
            Kind::Unauthenticated
        ));
    }

    #[test]
    fn the_servers_words_are_bounded() {
        let failure = of(Intent::Other, 53, &"é \n".repeat(10_000));
        assert!(failure.message.chars().count() < 400 && !failure.message.contains('\n'));
        assert_eq!(
            of(Intent::Other, 49, "no").message,
            "the request was answered with 49 (invalidCredentials): no; check ldap.user and ldap.password"
        );
    }
}
