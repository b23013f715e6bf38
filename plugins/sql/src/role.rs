//! Roles of the database, and what is granted to them (connectors.md section 4.4, with PostgreSQL's words).
//!
//! The server takes no parameters in these statements, so their text is made here, of three things only: words of this file, names quoted as identifiers, and literals whose characters are
//! all harmless (a time, a SCRAM verifier).

use crate::identifier::{quoted, table};
use postgres_protocol::password::scram_sha_256;
use sdk::Failure;
use serde_json::Value;

/// A user or a group as a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    /// May log in; `None`: as it is.
    pub login: Option<bool>,
    /// What the server keeps of the password. The password itself is not sent, so it is in no log of the server.
    verifier: Option<String>,
    /// `VALID UNTIL`.
    pub until: Option<String>,
    permissions: Vec<Permission>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Permission {
    /// Up to `TO` or `FROM`: `"accounting"`, `SELECT ON TABLE "hr"."person"`.
    what: String,
    revoke: bool,
    /// `WITH ADMIN OPTION`, `WITH GRANT OPTION`, or nothing.
    option: &'static str,
}

/// What can be granted on an object.
const PRIVILEGES: &[&str] =
    &["ALL", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "USAGE", "CREATE", "CONNECT", "TEMPORARY"];

impl Role {
    /// A user: `username` (or `userName`), `password_option.password`, `deactivate` (or `active`), `valid_to`, `catalog_permissions`.
    /// A document without a name is one of the role with this id.
    pub fn of_user(document: &Value, id: Option<&str>) -> Result<Self, Failure> {
        let flag = |name: &str| match document.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(Some(text == "true")),
            Some(_) => Err(Failure::rejected(format!("{name} is neither true nor false"))),
        };
        let password = document.pointer("/password_option/password").or_else(|| document.get("password")).filter(|value| !value.is_null());
        let verifier = match password {
            None => None,
            Some(Value::String(password)) => Some(scram_sha_256(password.as_bytes())),
            Some(_) => return Err(Failure::rejected("the password is not text")),
        };
        let permissions = match document.get("catalog_permissions") {
            None | Some(Value::Null) => vec![],
            Some(Value::Array(list)) => list.iter().map(Permission::of).collect::<Result<_, _>>()?,
            Some(_) => return Err(Failure::rejected("catalog_permissions is not a list")),
        };
        let repository = document.get("repository_permissions").and_then(Value::as_array);
        if repository.is_some_and(|list| !list.is_empty()) {
            return Err(Failure::rejected("PostgreSQL has no repository_permissions; grant with catalog_permissions"));
        }
        let login = match flag("deactivate")? {
            Some(deactivate) => Some(!deactivate),
            None => flag("active")?,
        };
        let until = document.get("valid_to").filter(|value| !value.is_null()).map(time).transpose()?;
        Ok(Self { name: name(document, &["username", "userName"], id)?, login, verifier, until, permissions })
    }

    /// A group: a role that nobody logs in as.
    pub fn of_group(document: &Value, id: Option<&str>) -> Result<Self, Failure> {
        Ok(Self {
            name: name(document, &["name", "displayName"], id)?,
            login: Some(false),
            verifier: None,
            until: None,
            permissions: vec![],
        })
    }

    /// `CREATE ROLE`. A user may log in unless it is said otherwise.
    pub fn create(&self) -> Result<String, Failure> {
        Ok(format!("CREATE ROLE {}{}", quoted(&self.name)?, self.options(Some(self.login.unwrap_or(true)), self.until.as_deref())))
    }

    /// `ALTER ROLE`, if there is something to alter.
    pub fn alter(&self, login: Option<bool>, until: Option<&str>) -> Result<Option<String>, Failure> {
        let options = self.options(login, until);
        if options.is_empty() { Ok(None) } else { Ok(Some(format!("ALTER ROLE {}{options}", quoted(&self.name)?))) }
    }

    fn options(&self, login: Option<bool>, until: Option<&str>) -> String {
        let mut options = String::new();
        if let Some(login) = login {
            options.push_str(if login { " LOGIN" } else { " NOLOGIN" });
        }
        for (word, value) in [("PASSWORD", self.verifier.as_deref()), ("VALID UNTIL", until)] {
            if let Some(value) = value {
                options = format!("{options} {word} '{value}'");
            }
        }
        options
    }

    /// `GRANT` and `REVOKE`, in the order of the document.
    pub fn grants(&self) -> Result<Vec<String>, Failure> {
        let role = quoted(&self.name)?;
        let statement = |permission: &Permission| match permission {
            Permission { what, revoke: true, .. } => format!("REVOKE {what} FROM {role}"),
            Permission { what, option, .. } => format!("GRANT {what} TO {role}{option}"),
        };
        Ok(self.permissions.iter().map(statement).collect())
    }
}

impl Permission {
    /// `{"type": "role", "name": "accounting"}`, `{"type": "table_privilege", "name": "SELECT", "on": "hr.person", "option": true}`.
    fn of(value: &Value) -> Result<Self, Failure> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let flag = |name: &str| matches!(value.get(name), Some(Value::Bool(true))) || text(name) == "true";
        let (kind, name, on) = (text("type"), text("name"), text("on"));
        let wrong = |why: &str| Failure::rejected(format!("catalog_permissions: {why}"));
        let name_of = |name: &str| quoted(name).map_err(|failure| wrong(&failure.message));
        let table_of = |name: &str| table(name).map_err(|failure| wrong(&failure.message));
        if kind == "role" {
            let option = if flag("option") { " WITH ADMIN OPTION" } else { "" };
            return Ok(Self { what: name_of(name)?, revoke: flag("revoke"), option });
        }
        let object = match kind {
            "object_privilege" | "table_privilege" => format!("TABLE {}", table_of(on)?),
            "sequence_privilege" => format!("SEQUENCE {}", table_of(on)?),
            "schema_privilege" => format!("SCHEMA {}", name_of(on)?),
            "database_privilege" => format!("DATABASE {}", name_of(on)?),
            _ => {
                return Err(wrong(
                    "the type is role, object_privilege, table_privilege, sequence_privilege, schema_privilege or database_privilege",
                ));
            }
        };
        let privilege = PRIVILEGES.iter().find(|privilege| privilege.eq_ignore_ascii_case(name));
        let privilege = privilege.ok_or_else(|| wrong(&format!("the name of a privilege is one of {}", PRIVILEGES.join(", "))))?;
        let option = if flag("option") { " WITH GRANT OPTION" } else { "" };
        Ok(Self { what: format!("{privilege} ON {object}"), revoke: flag("revoke"), option })
    }
}

/// Give a role to others, or take it from them.
pub fn membership(role: &str, members: &[String], grant: bool) -> Result<String, Failure> {
    let members: Result<Vec<String>, Failure> = members.iter().map(|member| checked(member)).collect();
    let (verb, to) = if grant { ("GRANT", "TO") } else { ("REVOKE", "FROM") };
    Ok(format!("{verb} {} {to} {}", checked(role)?, members?.join(", ")))
}

/// The name of a role as an SQL name; what comes with an entity is no mistake of the configuration.
pub fn checked(name: &str) -> Result<String, Failure> {
    quoted(name).map_err(|failure| Failure::rejected(failure.message))
}

fn name(document: &Value, names: &[&str], id: Option<&str>) -> Result<String, Failure> {
    let found = names.iter().find_map(|name| document.get(name).and_then(Value::as_str)).or(id);
    let found = found.ok_or_else(|| Failure::rejected(format!("the role has no name: the document has no {}", names.join(" and no "))))?;
    checked(found)?;
    Ok(found.to_owned())
}

/// `FOREVER`, `NOW` or a time. Only characters that times are made of.
fn time(value: &Value) -> Result<String, Failure> {
    match value.as_str() {
        Some("FOREVER") => Ok("infinity".into()),
        Some("NOW") => Ok("now".into()),
        Some(text) if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || " :.+-TZ".contains(c)) => Ok(text.to_owned()),
        _ => Err(Failure::rejected("valid_to is NOW, FOREVER or a time such as 2027-12-31T00:00:00Z")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn documents_as_statements() {
        let role = Role::of_user(
            &json!({
                "username": "a\"b", "deactivate": true, "valid_to": "FOREVER", "password_option": { "password": "pencil'" },
                "catalog_permissions": [
                    { "type": "role", "name": "x\"; DROP ROLE y", "option": true },
                    { "type": "object_privilege", "name": "select", "on": "hr.person", "option": "true" },
                    { "type": "schema_privilege", "name": "USAGE", "on": "hr", "revoke": true },
                ],
            }),
            None,
        )
        .unwrap();
        let create = role.create().unwrap();
        assert!(
            create.starts_with("CREATE ROLE \"a\"\"b\" NOLOGIN PASSWORD 'SCRAM-SHA-256$4096:")
                && create.ends_with("' VALID UNTIL 'infinity'"),
            "{create}"
        );
        assert!(!create.contains("pencil"));
        assert_eq!(
            role.grants().unwrap(),
            [
                r#"GRANT "x""; DROP ROLE y" TO "a""b" WITH ADMIN OPTION"#,
                r#"GRANT SELECT ON TABLE "hr"."person" TO "a""b" WITH GRANT OPTION"#,
                r#"REVOKE USAGE ON SCHEMA "hr" FROM "a""b""#,
            ]
        );
        assert_eq!(Role::of_group(&json!({ "displayName": "g" }), None).unwrap().create().unwrap(), "CREATE ROLE \"g\" NOLOGIN");
        assert_eq!(
            Role::of_user(&json!({ "deactivate": true }), Some("a")).unwrap().alter(Some(false), None).unwrap().as_deref(),
            Some("ALTER ROLE \"a\" NOLOGIN")
        );
        assert_eq!(membership("g", &["a".into(), "b\"".into()], false).unwrap(), r#"REVOKE "g" FROM "a", "b""""#);
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for document in [
            json!({}),
            json!({ "username": "" }),
            json!({ "username": "a\u{0}" }),
            json!({ "username": "a", "valid_to": "x' SUPERUSER" }),
            json!({ "username": "a", "deactivate": 7 }),
            json!({ "username": "a", "password": {} }),
            json!({ "username": "a", "catalog_permissions": [{ "type": "system_privilege", "name": "SUPERUSER" }] }),
            json!({ "username": "a", "catalog_permissions": [{ "type": "table_privilege", "name": "SELECT, DELETE", "on": "t" }] }),
            json!({ "username": "a", "catalog_permissions": [{ "type": "table_privilege", "name": "SELECT", "on": "" }] }),
            json!({ "username": "a", "repository_permissions": [{}] }),
        ] {
            assert!(matches!(Role::of_user(&document, None).unwrap_err().kind, sdk::Kind::Rejected), "{document}");
        }
    }

    proptest! {
        #[test]
        fn outside_of_quotes_there_are_only_words_of_ours(user in "[^\0]{1,15}", role in "[^\0]{1,15}", until in ".{0,10}") {
            let document = json!({ "username": user, "valid_to": until, "catalog_permissions": [{ "type": "role", "name": role }] });
            if let Ok(role) = Role::of_user(&document, None) {
                for statement in role.grants().unwrap().into_iter().chain([role.create().unwrap()]) {
                    // Without the quoted pieces, nothing but upper case words is left.
                    let outside: String = statement.split('"').step_by(2).flat_map(|piece| piece.split('\'').step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect();
                    prop_assert!(outside.chars().all(|c| c.is_ascii_uppercase() || c == ' '), "{statement}");
                }
            }
        }
    }
}
