//! The way to the server in the component: the host's `dial` for the bytes, its `secret` for the password.

use crate::{connection::Door, description::PASSWORD, wire::Stream};
use sdk::{
    Failure, Kind,
    capabilities::provisor::connector::{dial, secret},
};

/// The host.
#[derive(Clone, Copy)]
pub(crate) struct Host;

/// A connection the host keeps; closed when dropped.
pub(crate) struct Dialled(u32);

impl Door for Host {
    type Stream = Dialled;

    fn connect(&mut self, endpoint: &str) -> Result<Dialled, Failure> {
        dial::connect(endpoint, dial::Security::Plain).map(Dialled)
    }

    fn password(&mut self) -> Result<String, Failure> {
        secret::get(PASSWORD).map_err(|failure| match failure.kind {
            Kind::Forbidden => Failure::invalid_settings(format!("the server asks for a password; set {PASSWORD}")),
            _ => failure,
        })
    }
}

impl Stream for Dialled {
    fn read(&mut self, most: u32) -> Result<Vec<u8>, Failure> {
        dial::read(self.0, most)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        dial::write(self.0, bytes)
    }

    fn start_tls(&mut self) -> Result<(), Failure> {
        dial::start_tls(self.0)
    }
}

impl Drop for Dialled {
    fn drop(&mut self) {
        dial::close(self.0);
    }
}
