//! Who is told, and of what.

use super::{resolve_text, short};
use crate::manifest::{MailSecurity, NotificationRules};
use crate::secret::SecretSource;

const SOURCE: &str =
    "[systems.hr]\nrole = \"source\"\nconnector = \"file\"\n[systems.hr.properties]\n\"file.user.path\" = \"people.csv\"\n";

#[test]
fn a_webhook_and_mails() {
    let (folder, resolved) = resolve_text(&format!(
        "{SOURCE}\"ips.job.notification.repeat.on.failure\" = true\n\"ips.job.notification.ignored.consecutive.failures\" = 2\n\
         [notifications]\nnetworks = [\"10.0.0.0/8\"]\ntls = {{ authorities = [\"ca.pem\"] }}\n\
         [notifications.webhook]\nurl = \"https://hooks.example/x?y=z\"\nsecret = {{ env = \"S\" }}\n\
         [notifications.mail]\nserver = \"SMTP.example:465\"\nsecurity = \"tls\"\nfrom = \"a@b.example\"\nto = [\"c@d.example\"]\nuser = \"u\"\npassword = {{ file = \"p\" }}\n"
    ));
    let (manifest, warnings) = resolved.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert!(!warnings.iter().any(|warning| warning.message.contains("notification")), "{warnings:#?}");
    assert_eq!(manifest.systems[0].notify, NotificationRules { repeat: true, ignored: 2 });
    let told = manifest.notifications.unwrap();
    let (webhook, mail) = (told.webhook.unwrap(), told.mail.unwrap());
    assert_eq!((webhook.url.as_str(), webhook.secret), ("https://hooks.example/x?y=z", SecretSource::Environment("S".into())));
    assert_eq!((mail.server.as_str(), mail.security, mail.from.as_str()), ("smtp.example:465", MailSecurity::Tls, "a@b.example"));
    assert_eq!((mail.to, mail.login.unwrap().1), (vec!["c@d.example".to_owned()], SecretSource::File(folder.path().join("p"))));
    assert_eq!((told.networks, told.tls.authorities), (vec!["10.0.0.0/8".to_owned()], vec![folder.path().join("ca.pem")]));
}

#[test]
fn what_is_missing_or_unsafe() {
    let mail = "[notifications.mail]\nserver = \"smtp.example:587\"\nfrom = \"a@b.example\"\nto = [\"c@d.example\"]\n";
    for (lines, expected) in [
        ("[notifications]\nnetworks = []\n".to_owned(), vec!["6 manifest.missing-key"]),
        ("[notifications.webhook]\nurl = \"http://hooks.example\"\nsecret = { env = \"S\" }\n".to_owned(), vec!["7 manifest.plain-http"]),
        ("[notifications.webhook]\nurl = \"https://hooks.example\"\n".to_owned(), vec!["6 manifest.missing-key"]),
        (format!("{mail}user = \"u\"\n"), vec!["10 manifest.missing-key"]),
        (format!("{mail}security = \"none\"\nuser = \"u\"\npassword = {{ env = \"P\" }}\n"), vec!["10 manifest.wrong-value"]),
        (mail.replace("c@d.example", "Anna <c@d.example>"), vec!["9 manifest.wrong-value"]),
    ] {
        let problems = match resolve_text(&format!("{SOURCE}{lines}")).1 {
            Ok((_, warnings)) => warnings,
            Err(problems) => problems,
        };
        let about: Vec<_> = problems.into_iter().filter(|problem| problem.line > 5).collect();
        assert_eq!(short(&about), expected, "{lines}: {about:#?}");
    }
}
