//! Proving who we are: SCRAM-SHA-256 (RFC 7677) without channel binding, MD5, and the password in clear text where TLS hides it.

use crate::{
    connection::{Connection, Tls},
    failure::ServerError,
    wire::{Stream, Wire, broken},
};
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    },
    message::{backend::Message, frontend},
};
use sdk::{Failure, Kind};

/// From the start message to the first `ReadyForQuery`.
pub(crate) fn authenticate<S: Stream>(
    wire: &mut Wire<S>,
    connection: &Connection,
    password: impl FnOnce() -> Result<String, Failure>,
) -> Result<(), Failure> {
    let what = format!("logging in to database {} as {}", connection.database, connection.username);
    let refused = |why: &str| Failure::new(Kind::Unauthenticated, format!("{what}: {why}"));
    let mut password = Some(password);
    let mut secret = || password.take().ok_or_else(|| broken("it asks for the password twice"))?();
    let mut scram: Option<ScramSha256> = None;
    let mut authenticated = false;
    loop {
        let message = wire.receive()?;
        let out = &mut wire.outbox;
        let sent = match message {
            Message::AuthenticationOk if scram.is_some() => return Err(refused("the server did not prove that it knows the password")),
            Message::AuthenticationOk => {
                authenticated = true;
                continue;
            }
            Message::AuthenticationCleartextPassword if connection.tls == Tls::Disable => {
                return Err(refused(
                    "the server wants the password in clear text, which is sent over TLS only; set sql.sslmode to verify-full",
                ));
            }
            Message::AuthenticationCleartextPassword => frontend::password_message(secret()?.as_bytes(), out),
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(connection.username.as_bytes(), secret()?.as_bytes(), body.salt());
                frontend::password_message(hash.as_bytes(), out)
            }
            Message::AuthenticationSasl(body) => {
                let offered = body.mechanisms().any(|name| Ok(name == SCRAM_SHA_256)).map_err(|error| broken(&error.to_string()))?;
                if !offered {
                    return Err(refused("the server offers no SCRAM-SHA-256"));
                }
                let exchange = ScramSha256::new(secret()?.as_bytes(), ChannelBinding::unsupported());
                let sent = frontend::sasl_initial_response(SCRAM_SHA_256, exchange.message(), out);
                scram = Some(exchange);
                sent
            }
            Message::AuthenticationSaslContinue(body) => {
                let exchange = scram.as_mut().ok_or_else(|| broken("SCRAM goes on before it began"))?;
                exchange.update(body.data()).map_err(|error| refused(&error.to_string()))?;
                frontend::sasl_response(exchange.message(), out)
            }
            Message::AuthenticationSaslFinal(body) => {
                let mut exchange = scram.take().ok_or_else(|| broken("SCRAM ends before it began"))?;
                exchange.finish(body.data()).map_err(|error| refused(&error.to_string()))?;
                continue;
            }
            Message::BackendKeyData(_) => continue,
            Message::ErrorResponse(body) => return Err(ServerError::of(&body).failure(&what)),
            Message::ReadyForQuery(_) if authenticated => return Ok(()),
            Message::ReadyForQuery(_) => return Err(broken("it is ready before anybody logged in")),
            _ => return Err(refused("the server wants a way of logging in that is not supported (SCRAM-SHA-256, MD5 and passwords are)")),
        };
        sent.map_err(|error| refused(&error.to_string()))?;
        wire.flush()?;
    }
}
