//! A mail, handed to an SMTP server. `lettre` makes the message and speaks SMTP; the connection and its TLS are those of the door.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use lettre::{
    Address,
    message::{Attachment, Mailbox, MultiPart, SinglePart, header},
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, AsyncTokioStream},
        extension::ClientId,
    },
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Message, Refused};
use crate::{
    egress::{Door, Security, Stream},
    secret::{Secret, SecretSource},
};

/// The longest reply to EHLO or STARTTLS that is read.
const LONGEST_REPLY: usize = 8 * 1024;

/// How the connection to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// RFC 3207, always: a server that does not offer it gets no mail.
    StartTls,
    /// RFC 8314.
    Tls,
    None,
}

/// Who gets mails, and through which server.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `host:port`.
    pub server: String,
    pub security: MailSecurity,
    pub from: Address,
    pub to: Vec<Address>,
    pub login: Option<(String, SecretSource)>,
}

/// One mail, as it goes over the wire.
pub(super) struct Delivery {
    made: Result<(lettre::address::Envelope, Vec<u8>), String>,
}

impl Delivery {
    pub(super) fn of(mail: &Mail, message: &Message<'_>) -> Self {
        Self { made: make(mail, message) }
    }
}

fn make(mail: &Mail, message: &Message<'_>) -> Result<(lettre::address::Envelope, Vec<u8>), String> {
    let mut builder = lettre::Message::builder()
        .from(Mailbox::new(Some("Provisor".into()), mail.from.clone()))
        .subject(message.subject())
        .date(SystemTime::now())
        .message_id(None)
        // RFC 3834: no absence notes in answer.
        .raw_header(header::HeaderValue::new(header::HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()));
    for to in &mail.to {
        builder = builder.to(Mailbox::new(None, to.clone()));
    }
    let json = header::ContentType::parse("application/json").map_err(|error| error.to_string())?;
    let parts = MultiPart::mixed()
        .singlepart(SinglePart::plain(message.text()))
        .singlepart(Attachment::new("notification.json".into()).body(format!("{:#}\n", message.json()), json));
    let made = builder.multipart(parts).map_err(|error| error.to_string())?;
    Ok((made.envelope().clone(), made.formatted()))
}

impl Mail {
    /// The password of the login, if there is one.
    pub(super) async fn password(&self) -> Result<Option<Secret>, Refused> {
        match &self.login {
            Some((_, source)) => {
                let password = source.resolve().await;
                password.map(Some).map_err(|error| Refused::finally("notify.secret", format!("the mail server's password: {error}")))
            }
            None => Ok(None),
        }
    }

    pub(super) async fn send(&self, door: &Door, delivery: &Delivery) -> Result<(), Refused> {
        let (envelope, bytes) = delivery.made.as_ref().map_err(|reason| Refused::finally("notify.mail", reason.clone()))?;
        let password = self.password().await?;
        let security = if self.security == MailSecurity::Tls { Security::Tls } else { Security::Plain };
        let mut stream = door.connect(&self.server, security).await?;
        let mut greeting: &[u8] = b"";
        if self.security == MailSecurity::StartTls {
            self.start_tls(&mut stream).await?;
            // The server greets once, before TLS; whoever takes over from here waits for it.
            greeting = b"220 secured\r\n";
        }
        let wire = Box::new(MailStream { greeting, stream });
        let hello = ClientId::Ipv4(Ipv4Addr::LOCALHOST);
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(wire, &hello).await.map_err(|error| self.refused("the greeting", &error))?;
        if let (Some((user, _)), Some(password)) = (&self.login, password) {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            let login = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            login.map_err(|error| self.refused("the login", &error))?;
        }
        connection.send(envelope, bytes).await.map_err(|error| self.refused("the mail", &error))?;
        // It has the mail; how the goodbye goes does not matter.
        let _ = connection.quit().await;
        Ok(())
    }

    /// RFC 3207: the greeting, EHLO, STARTTLS, and then TLS. What was said before is forgotten; bytes that came too early are refused by the door.
    async fn start_tls(&self, stream: &mut Stream) -> Result<(), Refused> {
        let refused = |what: &str, reply: &str| {
            let passes = reply.starts_with('4');
            Refused { code: "notify.mail", message: format!("{} refused {what}: {}", self.server, first_line(reply)), passes }
        };
        let greeting = read_reply(stream).await?;
        if !greeting.starts_with("220") {
            return Err(refused("the connection", &greeting));
        }
        stream.write_all(b"EHLO [127.0.0.1]\r\n").await?;
        let offers = read_reply(stream).await?;
        if !offers.starts_with("250") {
            return Err(refused("EHLO", &offers));
        }
        if !offers.lines().any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))) {
            let message = format!("{} offers no STARTTLS; write security = \"tls\" or \"none\" under [notifications.mail]", self.server);
            return Err(Refused::finally("notify.mail", message));
        }
        stream.write_all(b"STARTTLS\r\n").await?;
        let consent = read_reply(stream).await?;
        if !consent.starts_with("220") {
            return Err(refused("STARTTLS", &consent));
        }
        Ok(stream.start_tls().await?)
    }

    /// What the server says goes along: it is about the mail, and no entity is in it.
    fn refused(&self, what: &str, error: &lettre::transport::smtp::Error) -> Refused {
        let passes = !error.is_permanent() && !error.is_client();
        Refused { code: "notify.mail", message: format!("{} did not take {what}: {}", self.server, first_line(&error.to_string())), passes }
    }
}

fn first_line(text: &str) -> String {
    crate::report::printable(text.trim().lines().next().unwrap_or_default()).chars().take(200).collect()
}

/// A reply of one or several lines (RFC 5321 section 4.2.1).
async fn read_reply(stream: &mut Stream) -> Result<String, Refused> {
    let broken = |what: &str| Refused { code: "notify.mail", message: format!("the mail server {what}"), passes: true };
    let mut reply = Vec::new();
    loop {
        let last = reply.strip_suffix(b"\r\n").map(|text: &[u8]| text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default());
        if last.is_some_and(|line| line.get(3) != Some(&b'-')) {
            return Ok(String::from_utf8_lossy(&reply).into_owned());
        }
        if reply.len() >= LONGEST_REPLY {
            return Err(broken("talks without end"));
        }
        let bytes = stream.read(LONGEST_REPLY).await?;
        if bytes.is_empty() {
            return Err(broken("closed the connection"));
        }
        reply.extend_from_slice(&bytes);
    }
}

/// A connection as `lettre` takes it, with a greeting in front.
struct MailStream {
    greeting: &'static [u8],
    stream: Stream,
}

impl fmt::Debug for MailStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailStream")
    }
}

impl AsyncTokioStream for MailStream {
    /// Nobody asks, and a door does not tell.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl AsyncRead for MailStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, later) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for MailStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
