//! The network and the password, from the host.

use crate::session::Host;
use sdk::{
    Failure,
    capabilities::provisor::connector::{
        dial::{self, Security},
        secret,
    },
    log,
};

/// The capabilities `dial` and `secret`.
#[derive(Debug)]
pub struct Dial;

impl Host for Dial {
    fn connect(&mut self, endpoint: &str, tls: bool) -> Result<u32, Failure> {
        dial::connect(endpoint, if tls { Security::Tls } else { Security::Plain })
    }

    fn read(&mut self, connection: u32, most: u32) -> Result<Vec<u8>, Failure> {
        dial::read(connection, most)
    }

    fn write(&mut self, connection: u32, bytes: &[u8]) -> Result<(), Failure> {
        dial::write(connection, bytes)
    }

    fn start_tls(&mut self, connection: u32) -> Result<(), Failure> {
        dial::start_tls(connection)
    }

    fn close(&mut self, connection: u32) {
        dial::close(connection);
    }

    fn password(&mut self) -> Result<String, Failure> {
        secret::get("ldap.password")
    }

    fn warn(&mut self, message: &str) {
        log::write(log::Level::Warn, message, None);
    }
}
