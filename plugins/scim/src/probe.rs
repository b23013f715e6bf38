//! Is the server there, is it a SCIM server, and does it take the credentials?

use crate::{config::Config, connection::Connection, exchange, http::Http, list::List, resource::Resource};
use sdk::{Failure, Kind};

/// One line about the server. `ServiceProviderConfig` says what it can do but may be open to everyone, so a single user is asked for as well: that
/// is what shows whether the credentials work. Either may be missing; a server that answers neither is a failure.
pub fn probe(connection: &Connection, http: &mut impl Http) -> Result<String, Failure> {
    let users = connection.base.list(Resource::User, &[("startIndex", "1"), ("count", "1")]);
    let mut answers =
        exchange::get_all(http, vec![connection.base.endpoint("ServiceProviderConfig"), users], &connection.headers(None)).into_iter();
    let config = answers.next().unwrap_or_else(|| Err(Failure::unavailable("no answer")));
    let users = answers.next().unwrap_or_else(|| Err(Failure::unavailable("no answer")));

    let config =
        config.and_then(|answer| Config::read(&answer.body).ok_or_else(|| Failure::rejected("ServiceProviderConfig cannot be read")));
    let users = users.and_then(|answer| List::read(&answer.body).map(|list| list.total));
    match (config, users) {
        (Ok(config), Ok(Some(total))) => Ok(format!("SCIM 2.0 server, {}, {total} users", config.words())),
        (Ok(config), Ok(None)) => Ok(format!("SCIM 2.0 server, {}", config.words())),
        (Err(_), Ok(total)) => {
            let total = total.map_or_else(String::new, |total| format!(", {total} users"));
            Ok(format!("SCIM 2.0 server without a readable ServiceProviderConfig{total}"))
        }
        // A server for groups alone, or an account that may write and not list.
        (Ok(config), Err(failure)) if matches!(failure.kind, Kind::NotFound | Kind::Forbidden | Kind::Unsupported) => {
            Ok(format!("SCIM 2.0 server, {}; users cannot be listed: {}", config.words(), failure.message))
        }
        (_, Err(failure)) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::probe;
    use crate::{
        http::{Answer, Request},
        scripted::{Scripted, connection, json},
    };
    use sdk::{Failure, Kind};

    const CONFIG: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"], "patch": {"supported": true}, "bulk": {"supported": true, "maxOperations": 1000, "maxPayloadSize": 1048576}, "filter": {"supported": true, "maxResults": 1000}, "authenticationSchemes": []}"#;
    const USERS: &str = r#"{"totalResults": 2, "Resources": [{"id": "1"}]}"#;

    fn probed(config: (u16, &'static str), users: (u16, &'static str)) -> Result<String, Failure> {
        let serve = move |request: &Request| -> Result<Answer, Failure> {
            let (status, body) = if request.url.ends_with("/ServiceProviderConfig") { config } else { users };
            json(status, body)
        };
        let mut http = Scripted::new(serve);
        let answer = probe(&connection(&[]), &mut http);
        assert_eq!(http.lines(), ["GET /ServiceProviderConfig", "GET /Users?startIndex=1&count=1"]);
        answer
    }

    #[test]
    fn one_line_about_the_server() {
        assert_eq!(probed((200, CONFIG), (200, USERS)).unwrap(), "SCIM 2.0 server, patch yes, filter yes, 2 users");
        assert_eq!(probed((404, ""), (200, USERS)).unwrap(), "SCIM 2.0 server without a readable ServiceProviderConfig, 2 users");
        let words = probed((200, CONFIG), (403, "")).unwrap();
        assert!(words.contains("users cannot be listed: GET /v2/Users answered 403"), "{words}");
    }

    #[test]
    fn an_open_configuration_does_not_hide_wrong_credentials() {
        assert!(matches!(probed((200, CONFIG), (401, "")).unwrap_err().kind, Kind::Unauthenticated));
        assert!(matches!(probed((404, ""), (404, "")).unwrap_err().kind, Kind::NotFound));
        assert!(matches!(probed((200, "<html>"), (200, "<html>")).unwrap_err().kind, Kind::Rejected));
    }
}
