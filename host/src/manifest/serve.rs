//! `[serve]` and `[directories.X]`.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use super::fields::Fields;
use super::nearest;
use super::problem::Problems;
use super::raw::Raw;
use super::secret_reference::anchored;
use crate::scim::Schema;
use crate::secret::SecretSource;

/// A directory of Provisor's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Directory {
    pub name: String,
    /// Absolute.
    pub file: PathBuf,
    /// Extensions of users beside the enterprise schema.
    pub user_schemas: Vec<Arc<Schema>>,
    pub group_schemas: Vec<Arc<Schema>>,
}

/// What `provisor serve` listens on and who may ask what.
#[derive(Clone, Debug)]
pub struct Serve {
    pub listen: SocketAddr,
    /// How clients reach it, without a slash at its end; absent: at the address it listens on.
    pub url: Option<String>,
    pub tls: Option<ServeTls>,
    /// Of one request, in bytes.
    pub max_body: u64,
    pub max_connections: usize,
    pub request_timeout: Duration,
    pub tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
pub struct ServeTls {
    /// PEM, absolute.
    pub certificate: PathBuf,
    pub key: SecretSource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub name: String,
    pub sha256: [u8; 32],
    pub role: TokenRole,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRole {
    /// Reads and writes these directories and proxy systems.
    ScimClient { systems: Vec<String> },
    /// Reads metrics.
    Operator,
}

pub(super) fn directories(raw: &Raw, problems: &mut Problems) -> Vec<Directory> {
    let (systems, tables) = (raw.fields.tables("systems"), raw.fields.tables("directories"));
    // A text that is no manifest at all has been told so.
    let is_a_manifest = raw.readable && !raw.fields.title.is_empty();
    let is_silent = |key| !raw.fields.is_wrong(key) && !raw.fields.is_written(key);
    if is_a_manifest && tables.is_empty() && is_silent("systems") && is_silent("directories") {
        let message = "key \"systems\" is missing in the manifest";
        problems.error(
            "manifest.missing-key",
            raw.fields.at,
            message,
            "add [systems.hr], a system entities are read from, or [directories.people]",
        );
    }
    let mut directories: Vec<Directory> = Vec::new();
    for (name, fields) in tables {
        if systems.iter().any(|(system, _)| system == name) {
            let message = format!("{} has the name of a system", fields.title);
            problems.error("manifest.wrong-name", fields.at, message, "both are found by their name: choose another one");
        }
        let Some(file) = fields.text("file").map(|file| raw.directory.join(file)) else { continue };
        let own = [("the manifest", raw.path.clone()), ("the state", raw.state())];
        if let Some((what, _)) = own.iter().find(|(_, path)| *path == file) {
            problems.error(
                "manifest.wrong-value",
                fields.place("file"),
                format!("the file of {} is {what}", fields.title),
                "name a file of its own",
            );
        }
        if directories.iter().any(|other| other.file == file) {
            problems.error(
                "manifest.wrong-value",
                fields.place("file"),
                format!("the file of {} is that of another one", fields.title),
                "",
            );
        }
        let user_schemas = schemas(raw, fields, "user-schemas", problems);
        let group_schemas = schemas(raw, fields, "group-schemas", problems);
        directories.push(Directory { name: name.clone(), file, user_schemas, group_schemas });
    }
    directories
}

fn schemas(raw: &Raw, fields: &Fields, key: &str, problems: &mut Problems) -> Vec<Arc<Schema>> {
    let mut schemas: Vec<Arc<Schema>> = Vec::new();
    for item in fields.texts(key) {
        let read = std::fs::read_to_string(raw.directory.join(&item.text)).map_err(|error| error.to_string());
        match read.and_then(|text| Schema::parse(&text)) {
            Ok(schema) if schemas.iter().any(|known| known.id == schema.id) || schema.id.starts_with("urn:ietf:params:scim:schemas:") => {
                let message = format!("the schema {} of {} is there already", schema.id, item.text);
                problems.error("manifest.wrong-schema", item.at, message, "give it an id of its own");
            }
            Ok(schema) => schemas.push(Arc::new(schema)),
            Err(why) => {
                let message = format!("the schema {} cannot be used: {why}", item.text);
                problems.error("manifest.wrong-schema", item.at, message, "it has the form of SCIM's /Schemas (RFC 7643 section 7)");
            }
        }
    }
    schemas
}

pub(super) fn of(raw: &Raw, problems: &mut Problems) -> Option<Serve> {
    let fields = raw.fields.table("serve")?;
    let text = fields.text("listen").unwrap_or_default();
    let tls = fields.table("tls").and_then(|tls| {
        Some(ServeTls { certificate: raw.directory.join(tls.text("certificate")?), key: anchored(tls.secret("key")?, &raw.directory) })
    });
    let Ok(listen) = text.parse::<SocketAddr>() else {
        let message = format!("listen = \"{text}\" is no address with a port");
        problems.error(
            "manifest.wrong-value",
            fields.place("listen"),
            message,
            "write an address, such as \"127.0.0.1:8765\" or \"[::]:8443\"",
        );
        return None;
    };
    if !listen.ip().is_loopback() && tls.is_none() && !fields.boolean("plain-http") {
        let message =
            format!("tokens would cross the network in the clear: {listen} is no address of this machine alone and there is no tls");
        let help = "add tls = { certificate = \"server.pem\", key = { file = \"server.key\" } }, or plain-http = true if something in front speaks TLS";
        problems.error("manifest.plain-http", fields.place("listen"), message, help);
    }
    Some(Serve {
        listen,
        url: fields.text("url").and_then(|url| Url::parse(url).ok()).map(|url| url.as_str().trim_end_matches('/').to_owned()),
        tls,
        max_body: fields.memory("max-body"),
        max_connections: fields.integer::<u32>("max-connections") as usize,
        request_timeout: fields.time("request-timeout"),
        tokens: tokens(raw, fields, problems),
    })
}

fn tokens(raw: &Raw, fields: &Fields, problems: &mut Problems) -> Vec<Token> {
    let proxies = raw.fields.tables("systems").iter().filter(|(_, fields)| fields.text("role") == Some("proxy"));
    let names: Vec<&str> = raw.fields.tables("directories").iter().chain(proxies).map(|(name, _)| name.as_str()).collect();
    let mut tokens: Vec<Token> = Vec::new();
    for (name, fields) in fields.tables("tokens") {
        for item in fields.texts("systems").iter().filter(|item| !names.contains(&item.text.as_str())) {
            let message = format!("there is no directory and no proxy system \"{}\" for {}", item.text, fields.title);
            problems.error("manifest.missing-directory", item.at, message, nearest::suggestion_or_list(&item.text, names.clone()));
        }
        let Some(sha256) = fields.text("sha256").and_then(digest) else { continue };
        if let Some(other) = tokens.iter().find(|other| other.sha256 == sha256) {
            let message = format!("{} is the same token as {}", fields.title, other.name);
            problems.error(
                "manifest.wrong-value",
                fields.place("sha256"),
                message,
                "every client has a token of its own: provisor token makes one",
            );
        }
        let role = match fields.text("role") {
            Some("operator") => TokenRole::Operator,
            _ => TokenRole::ScimClient { systems: fields.texts("systems").iter().map(|item| item.text.clone()).collect() },
        };
        tokens.push(Token { name: name.clone(), sha256, role });
    }
    tokens
}

fn digest(hexadecimal: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hexadecimal.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{resolve_text, short};
    use super::*;

    const DIRECTORY: &str = "[directories.people]\nfile = \"people.db\"\n";
    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_directory_is_enough() {
        let (folder, resolved) = resolve_text(DIRECTORY);
        let (manifest, warnings) = resolved.unwrap();
        assert!(warnings.is_empty() && manifest.systems.is_empty() && manifest.serve.is_none());
        assert_eq!(manifest.directories[0].file, folder.path().join("people.db"));
    }

    #[test]
    fn what_is_served() {
        let text = format!(
            "{DIRECTORY}[serve]\nlisten = \"0.0.0.0:8443\"\nurl = \"https://id.example/x/\"\ntls = {{ certificate = \"s.pem\", key = {{ file = \"s.key\" }} }}\n\
             [serve.tokens.idm]\nsha256 = \"{DIGEST}\"\nrole = \"scim-client\"\nsystems = [\"people\"]\n"
        );
        let (folder, resolved) = resolve_text(&text);
        let serve = resolved.unwrap().0.serve.unwrap();
        assert_eq!((serve.listen.to_string(), serve.url.as_deref()), ("0.0.0.0:8443".to_owned(), Some("https://id.example/x")));
        assert_eq!(serve.tls.unwrap().certificate, folder.path().join("s.pem"));
        assert_eq!((serve.max_body, serve.request_timeout), (16 << 20, Duration::from_mins(1)));
        assert_eq!(serve.tokens[0].sha256[..2], [0x9f, 0x86]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let token = |more: &str| format!("{DIRECTORY}[serve]\n[serve.tokens.idm]\nsha256 = \"{DIGEST}\"\nrole = \"scim-client\"\n{more}");
        for (text, expected) in [
            (format!("{DIRECTORY}[serve]\nlisten = \"0.0.0.0:80\"\n"), vec!["4 manifest.plain-http"]),
            (format!("{DIRECTORY}[serve]\nlisten = \"localhost:80\"\n"), vec!["4 manifest.wrong-value"]),
            (token("systems = [\"persons\"]\n"), vec!["7 manifest.missing-directory"]),
            (token(""), vec!["4 manifest.missing-key"]),
            (
                format!("{DIRECTORY}[serve.tokens.idm]\nsha256 = \"secret-token\"\nrole = \"scim-client\"\nsystems = [\"people\"]\n"),
                vec!["4 manifest.wrong-value"],
            ),
            ("[directories.people]\nfile = \"provisor.db\"\n".to_owned(), vec!["2 manifest.wrong-value"]),
            (
                format!("{DIRECTORY}user-schemas = [\"none.json\", \"mapping.json\"]\n"),
                vec!["3 manifest.wrong-schema", "3 manifest.wrong-schema"],
            ),
            ("state = \"x.db\"\n".to_owned(), vec!["1 manifest.missing-key"]),
        ] {
            let problems = resolve_text(&text).1.unwrap_err();
            assert_eq!(short(&problems), expected, "{text}\n{problems:?}");
            assert!(!format!("{problems:?}").contains("secret-token"));
        }
    }
}
