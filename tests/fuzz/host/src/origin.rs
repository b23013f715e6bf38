//! What names a place in the network: an origin, an endpoint, a network.

use std::str::FromStr;

use provisor::egress::{Endpoint, Origin, parse_network};
use url::Url;

use crate::target::parts;

pub fn check(data: &[u8]) {
    let Some([text]) = parts(data) else { return };
    if let Ok(origin) = text.parse::<Origin>() {
        assert_eq!(origin.to_string().parse::<Origin>().as_ref(), Ok(&origin), "what is printed reads as the same origin");
        assert_eq!(Origin::of_url(text).as_ref(), Ok(&origin), "a grant is the origin of itself");
    }
    if let Ok(origin) = Origin::of_url(text)
        && let Ok(url) = Url::parse(text)
    {
        // Whoever follows the URL standard connects to the host that was compared.
        let host = origin.host.to_string();
        assert_eq!((Some(host.as_str()), Some(origin.port)), (url.host_str(), url.port_or_known_default()), "{text:?}");
        assert!(url.username().is_empty() && url.password().is_none(), "{text:?}");
    }
    for endpoint in [text.parse::<Endpoint>(), Endpoint::of_url(text)].into_iter().flatten() {
        assert_eq!(Endpoint::from_str(&endpoint.to_string()).as_ref(), Ok(&endpoint), "what is printed reads as the same endpoint");
    }
    if let Ok(network) = parse_network(text) {
        assert_eq!(parse_network(&network.to_string()).ok(), Some(network));
    }
}
