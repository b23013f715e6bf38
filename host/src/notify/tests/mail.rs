//! Mails: through a small SMTP server that says what it is told to say.

use super::*;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

const PASSWORD: &str = "s3cret of the mailbox";

/// What a server answers to a command instead of the usual, and how often it has been asked.
type Whim = fn(&str, usize) -> Option<&'static str>;

struct Server {
    acceptor: Option<TlsAcceptor>,
    security: MailSecurity,
    whim: Whim,
    seen: Seen,
}

impl Server {
    /// Answers `localhost:port`.
    async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                match (&self.acceptor, self.security) {
                    (Some(acceptor), MailSecurity::Tls) => {
                        if let Ok(mut tls) = acceptor.accept(tcp).await {
                            self.talk(&mut tls, true, true).await;
                        }
                    }
                    (Some(acceptor), _) => {
                        if self.talk(&mut tcp, true, false).await
                            && let Ok(mut tls) = acceptor.accept(tcp).await
                        {
                            self.talk(&mut tls, false, true).await;
                        }
                    }
                    (None, _) => _ = self.talk(&mut tcp, true, false).await,
                }
            }
        });
        format!("localhost:{port}")
    }

    /// Until the client leaves or TLS begins; whether it does.
    async fn talk(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin), greeting: bool, secured: bool) -> bool {
        let mut stream = BufReader::new(stream);
        if greeting {
            let greeting = self.answer("CONNECT", "220 test ESMTP\r\n");
            stream.write_all(greeting.as_bytes()).await.unwrap_or_default();
        }
        let (mut line, mut data) = (String::new(), false);
        while {
            line.clear();
            stream.read_line(&mut line).await.is_ok_and(|read| read > 0)
        } {
            let text = line.trim_end().to_owned();
            if data && text != "." {
                self.seen.lock().unwrap().push(format!("> {text}"));
                continue;
            }
            data = text == "DATA";
            let usual = match text.split(' ').next().unwrap_or_default() {
                "EHLO" if secured => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
                "EHLO" if self.acceptor.is_some() => "250-test\r\n250 STARTTLS\r\n",
                "EHLO" => "250 test\r\n",
                "AUTH" => "235 welcome\r\n",
                "STARTTLS" => "220 go on\r\n",
                "DATA" => "354 go on\r\n",
                "QUIT" => "221 bye\r\n",
                _ => "250 fine\r\n",
            };
            let answer = self.answer(&text, usual);
            stream.write_all(answer.as_bytes()).await.unwrap_or_default();
            if text == "STARTTLS" && answer.starts_with("220") {
                return true;
            }
        }
        false
    }

    fn answer(&self, command: &str, usual: &'static str) -> &'static str {
        let mut seen = self.seen.lock().unwrap();
        let before = seen.iter().filter(|known| *known == command).count();
        seen.push(command.to_owned());
        (self.whim)(command, before).unwrap_or(usual)
    }
}

fn usual(_: &str, _: usize) -> Option<&'static str> {
    None
}

fn telling(server: &str, security: MailSecurity, login: bool, files: &Files, authorities: Vec<PathBuf>) -> Notifier {
    let mail = Mail {
        server: server.to_owned(),
        security,
        from: "provisor@example.com".parse().unwrap(),
        to: vec!["iam@example.com".parse().unwrap(), "ops@example.com".parse().unwrap()],
        login: login.then(|| ("robot".to_owned(), files.secret(PASSWORD))),
    };
    Notifier { mail: Some(mail), ..notifier(&[], &[server], authorities) }
}

async fn told(notifier: &Notifier) -> Notified {
    let (origin, report) = (origin(), report(Status::FinishedWithError, true));
    notifier.tell(&message(Event::Failed, &origin, &report)).await.remove(0)
}

#[tokio::test]
async fn a_mail_with_starttls_with_tls_and_without() {
    for security in [MailSecurity::StartTls, MailSecurity::Tls, MailSecurity::None] {
        let (files, seen, (pem, acceptor)) = (Files::new(), Seen::default(), tls());
        let secured = security != MailSecurity::None;
        let server = Server { acceptor: secured.then_some(acceptor), security, whim: usual, seen: seen.clone() }.start().await;
        let notifier = telling(&server, security, secured, &files, vec![files.put("ca.pem", &pem)]);
        let outcome = told(&notifier).await;
        assert_eq!((outcome.attempts, &outcome.error), (1, &None), "{security:?}");
        let seen = seen.lock().unwrap().clone();
        let login = format!("AUTH PLAIN {}", STANDARD.encode(format!("\0robot\0{PASSWORD}")));
        assert_eq!(seen.contains(&login), secured);
        assert!(seen.iter().any(|line| line.starts_with("MAIL FROM:<provisor@example.com>")), "{seen:#?}");
        for line in [
            "RCPT TO:<iam@example.com>",
            "RCPT TO:<ops@example.com>",
            "> Subject: Provisor: read hr: finished with error",
            "> Auto-Submitted: auto-generated",
            "QUIT",
        ] {
            assert!(seen.iter().any(|known| known == line), "{line} in {seen:#?}");
        }
        let whole = seen.join("\n");
        assert!(
            whole.contains("multipart/mixed") && whole.contains("notification.json") && whole.contains("--accept-deletions 7"),
            "{whole}"
        );
        assert!(!whole.contains(PRIVATE));
        assert_eq!(notifier.check().await.unwrap(), "mail to iam@example.com, ops@example.com");
    }
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_that_should_be_secured() {
    let files = Files::new();
    // A server without STARTTLS, and one whose certificate nobody knows.
    let (plain, unknown) = (Seen::default(), Seen::default());
    let first = Server { acceptor: None, security: MailSecurity::StartTls, whim: usual, seen: plain.clone() }.start().await;
    let second = Server { acceptor: Some(tls().1), security: MailSecurity::StartTls, whim: usual, seen: unknown.clone() }.start().await;
    for (server, seen, code, said) in
        [(first, plain, "notify.mail", "offers no STARTTLS"), (second, unknown, "egress.tls", "authorities in [notifications.tls]")]
    {
        let outcome = told(&telling(&server, MailSecurity::StartTls, true, &files, vec![])).await;
        let (known, text) = outcome.error.unwrap();
        assert_eq!((known, outcome.attempts), (code, 1), "{text}");
        assert!(text.contains(said), "{text}");
        assert!(!seen.lock().unwrap().iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn servers_that_refuse() {
    let cases: [(Whim, u32, Option<&str>); 5] = [
        // Grey-listed once.
        (|command, before| (command.starts_with("RCPT TO:<iam") && before == 0).then_some("451 later\r\n"), 2, None),
        (
            |command, _| (command.starts_with("RCPT TO:<ops")).then_some("550 nobody here\r\n"),
            1,
            Some("did not take the mail: permanent error (550)"),
        ),
        (
            |command, _| (command.starts_with("AUTH")).then_some("535 wrong password\r\n"),
            1,
            Some("did not take the login: permanent error (535)"),
        ),
        (|command, _| (command == "CONNECT").then_some("421 busy\r\n"), 3, Some("refused the connection: 421 busy")),
        (|command, _| (command == "STARTTLS").then_some("454 not now\r\n"), 3, Some("refused STARTTLS: 454 not now")),
    ];
    for (whim, attempts, said) in cases {
        let (files, (pem, acceptor)) = (Files::new(), tls());
        let security = MailSecurity::StartTls;
        let server = Server { acceptor: Some(acceptor), security, whim, seen: Seen::default() }.start().await;
        let outcome = told(&telling(&server, security, true, &files, vec![files.put("ca.pem", &pem)])).await;
        assert_eq!(outcome.attempts, attempts, "{outcome:?}");
        assert_eq!(outcome.error.as_ref().map(|(code, _)| *code), said.map(|_| "notify.mail"), "{outcome:?}");
        if let Some(said) = said {
            let line = outcome.line();
            assert!(line.contains(said) && !line.contains(PASSWORD), "{line}");
        }
    }
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let files = Files::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(accepted) = listener.accept().await {
            kept.push(accepted);
        }
    });
    for security in [MailSecurity::StartTls, MailSecurity::Tls, MailSecurity::None] {
        let mut notifier = telling(&server, security, false, &files, vec![]);
        notifier.patience.attempt = Duration::from_millis(100);
        let outcome = told(&notifier).await;
        assert_eq!((outcome.attempts, outcome.error.unwrap().0), (3, "notify.timed-out"));
    }
}
