//! What the certificates and keys of a system are worth, told before anything is tried with them.

use std::time::{Duration, SystemTime};

use crate::{egress::CertificateInUse, manifest::System, setup::Setup};

/// A certificate that ends sooner is told (the reference sends mails from then on, spec section 2.16).
const SOON: Duration = Duration::from_hours(30 * 24);

/// A certificate in a line, and whether it ends soon.
fn line(used: &CertificateInUse, now: SystemTime) -> (String, bool) {
    let left = used.certificate.left(now);
    let days = left.as_secs() / (24 * 3600);
    let soon = if left < SOON { format!(", in {days} days: replace it in time") } else { String::new() };
    (format!("{} of {}, valid until {}{soon}", used.what, used.certificate.subject, used.certificate.last_day()), left < SOON)
}

/// A line of what is in use, nothing where nothing is; or the code and the message of what is wrong.
pub(super) async fn judge(setup: &Setup, system: &System) -> Option<Result<String, (String, String)>> {
    let (used, wrong) = setup.certificates(system).await;
    if let Some(first) = wrong.first() {
        let texts: Vec<String> = wrong.iter().map(|error| without_code(error.code(), &error.to_string())).collect();
        return Some(Err((first.code().to_owned(), texts.join("\n    "))));
    }
    let now = SystemTime::now();
    let lines: Vec<String> = used.iter().map(|used| line(used, now).0).collect();
    (!lines.is_empty()).then(|| Ok(lines.join("\n    ")))
}

/// At the start of a run: what is wrong, and what ends soon, on standard error. Nothing stops here; what cannot be connected to is a failure of the run, and
/// other systems are none the worse for it.
pub(super) async fn tell(setup: &Setup, system: &System) {
    let (used, wrong) = setup.certificates(system).await;
    for error in wrong {
        eprintln!("error[{}]: {}", error.code(), without_code(error.code(), &error.to_string()));
    }
    let now = SystemTime::now();
    for used in used {
        if let (line, true) = line(&used, now) {
            eprintln!("warning[egress.certificate]: system {:?}: {line}", system.name);
        }
    }
}

/// The text of an error begins with its code, which stands in brackets here.
fn without_code(code: &str, text: &str) -> String {
    text.strip_prefix(code).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(text).to_owned()
}
