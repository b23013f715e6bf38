//! What one system may reach. Empty = deny all.
//!
//! | manifest key in `[systems.NAME.grants]` | a value | grants |
//! | --- | --- | --- |
//! | `http` | `https://api.example.com`, `http://10.1.2.3:8080` | HTTP requests to exactly this origin |
//! | `dial` | `dir.example.com:389`, `ldaps://dir.example.com`, `[::1]:636` | a byte stream to exactly this endpoint |
//! | `networks` | `127.0.0.1`, `10.0.0.0/8`, `fd00::/8` | addresses that are refused otherwise |
//!
//! The first two name a place, the third says where names may lead. Both must hold: a granted name that resolves to a private address is
//! refused until its network is granted, and a granted network alone opens nothing. Public addresses need no network.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::address::AddressClass;
use super::error::GrantError;
use super::origin::{Endpoint, Origin};

/// The grants of one system. The default grants nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub origins: Vec<Origin>,
    pub endpoints: Vec<Endpoint>,
    pub networks: Vec<IpNet>,
}

impl Policy {
    pub fn allows_origin(&self, origin: &Origin) -> bool {
        self.origins.contains(origin)
    }

    pub fn allows_endpoint(&self, endpoint: &Endpoint) -> bool {
        self.endpoints.contains(endpoint)
    }

    /// Whether a connection to this address may be opened; if not, the class that forbids it.
    ///
    /// A mapped address (`::ffff:10.0.0.1`) is looked up as the IPv4 address the kernel connects to.
    pub fn check_address(&self, address: IpAddr) -> Result<(), AddressClass> {
        let address = address.to_canonical();
        match AddressClass::of(address) {
            AddressClass::Public => Ok(()),
            _ if self.networks.iter().any(|network| network.contains(&address)) => Ok(()),
            class => Err(class),
        }
    }
}

/// Read a network: an address, which stands for itself alone, or an address and the length of its prefix.
///
/// Bits after the prefix are an error (`10.1.2.3/8`): the text says less than it seems to.
pub fn parse_network(text: &str) -> Result<IpNet, GrantError> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text
            .parse::<IpNet>()
            .map_err(|_| GrantError::new(text, "write a network as 10.0.0.0/8 or fd00::/8, or a single address as 127.0.0.1"))?,
    };
    if network.addr() != network.network() {
        return Err(GrantError::new(text, &format!("the address has bits after the prefix: write {}", network.trunc())));
    }
    Ok(unmapped(network))
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`: addresses are compared in their IPv4 form.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    match v4.map(|(address, prefix)| Ipv4Net::new(address, prefix)) {
        Some(Ok(v4)) => IpNet::V4(v4),
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(networks: &[&str]) -> Policy {
        Policy { networks: networks.iter().map(|text| parse_network(text).expect(text)).collect(), ..Policy::default() }
    }

    #[test]
    fn the_empty_policy_denies() {
        let policy = Policy::default();
        assert!(!policy.allows_origin(&"https://example.com".parse().unwrap()));
        assert!(!policy.allows_endpoint(&"example.com:389".parse().unwrap()));
        assert_eq!(policy.check_address("127.0.0.1".parse().unwrap()), Err(AddressClass::Loopback));
        assert_eq!(policy.check_address("8.8.8.8".parse().unwrap()), Ok(()));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let policy = Policy { origins: vec!["https://api.example.com".parse().unwrap()], ..Policy::default() };
        assert!(policy.allows_origin(&"https://API.example.com:443".parse().unwrap()));
        for other in ["http://api.example.com", "https://api.example.com:444", "https://example.com", "https://x.api.example.com"] {
            assert!(!policy.allows_origin(&other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn a_network_opens_what_it_contains_and_nothing_else() {
        let policy = policy(&["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
        for open in ["127.0.0.1", "::ffff:127.0.0.1", "10.200.1.1", "fd00::1", "fd00:ec2::254"] {
            assert_eq!(policy.check_address(open.parse().unwrap()), Ok(()), "{open}");
        }
        for closed in ["127.0.0.2", "::1", "192.168.0.1", "169.254.169.254", "64:ff9b::10.0.0.1", "2002:0a00:0001::1"] {
            assert!(policy.check_address(closed.parse().unwrap()).is_err(), "{closed}");
        }
    }

    #[test]
    fn networks() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1/32"),
            ("::1", "::1/128"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("fd00::/8", "fd00::/8"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:127.0.0.1", "127.0.0.1/32"),
        ] {
            assert_eq!(parse_network(text).expect(text).to_string(), expected);
        }
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "fd00::/129", "10.0.0.0-10.0.0.9"] {
            assert!(parse_network(text).is_err(), "{text}");
        }
        assert!(parse_network("10.1.2.3/8").unwrap_err().to_string().contains("10.0.0.0/8"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}|[0-9a-f:./]{0,24}") {
            if let Ok(network) = parse_network(&text) {
                prop_assert_eq!(parse_network(&network.to_string()).unwrap(), network);
            }
        }
    }
}
