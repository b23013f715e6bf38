//! Manifests that are right, and what comes out of them.

use std::path::PathBuf;
use std::time::Duration;

use super::{resolve_text, short};
use crate::manifest::{Auth, ClientAuthentication, Deletions, Grant, MAPPING, Manifest, OAuth2, Policies, Policy, System, Threshold};
use crate::registry::description::Role;
use crate::secret::SecretSource;

fn right(text: &str) -> (tempfile::TempDir, Manifest) {
    let (folder, resolved) = resolve_text(text);
    let (manifest, _) = resolved.unwrap_or_else(|problems| panic!("{problems:#?}"));
    (folder, manifest)
}

fn pairs(map: &std::collections::BTreeMap<String, String>) -> Vec<(&str, &str)> {
    map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn the_defaults_are_filled_in() {
    let (folder, manifest) =
        right("[systems.hr]\nrole = \"source\"\nconnector = \"file\"\nproperties = { \"file.user.path\" = \"people.csv\" }\n");
    assert_eq!(manifest.path, folder.path().join("provisor.toml"));
    assert_eq!((manifest.directory.as_path(), manifest.plugins), (folder.path(), folder.path().join("plugins")));
    assert_eq!(manifest.state, folder.path().join("provisor.db"));
    let [hr] = &manifest.systems[..] else { panic!("one system") };
    assert_eq!((hr.name.as_str(), hr.role, hr.connector.as_str(), hr.enabled, hr.page_size), ("hr", Role::Source, "file", true, 500));
    assert_eq!(pairs(&hr.properties), [("file.format", "auto"), ("file.user.path", "people.csv")]);
    assert_eq!(hr.properties, hr.transformation[0].properties);
    assert_eq!(hr.transformation[0].origin, "default of plugin file");
    assert!(matches!(hr.auth, Auth::None));
    assert_eq!((hr.limits.memory_bytes, hr.limits.call_timeout), (256 << 20, Duration::from_mins(5)));
    assert_eq!(hr.deletions, Deletions::default());
    assert_eq!((hr.deletions.max_count, hr.deletions.max_percent), (500, 10));
    assert_eq!((hr.files.len(), hr.files[0].guest.as_str(), hr.files[0].write), (1, ".", false));
    assert_eq!(hr.files[0].host, folder.path());
    assert!(hr.origins.is_empty() && hr.endpoints.is_empty() && hr.grants.secrets.is_empty() && hr.headers.is_empty());
}

#[test]
fn each_element_of_a_chain_has_its_own_properties() {
    let (_folder, manifest) = right(
        r#"
[systems.hr]
role = "source"
connector = "file"
properties = { "file.user.path" = "people.csv", tenant = 7, "ips.application.id" = "app" }
transformation = [
    { file = "mapping.json", properties = { tenant = "eight" } },
    { plugin = "names", properties = { "names.pattern" = "{x}" } },
    { plugin = "names", file = "mapping.json", properties = { "names.pattern" = "{y}", "names.length" = "5", tenant = "nine" } },
    { default = true },
    "mapping.json",
]
"#,
    );
    let [own, names, text, default, last] = &manifest.systems[0].transformation[..] else { panic!("five elements") };
    let system = [("file.format", "auto"), ("file.user.path", "people.csv"), ("ips.application.id", "app"), ("tenant", "7")];
    assert_eq!(pairs(&last.properties), system);
    assert_eq!(pairs(&default.properties), system);
    assert_eq!((default.plugin.as_str(), default.origin.as_str()), (MAPPING, "default of plugin file"));
    assert_eq!(own.properties["tenant"], "eight");
    assert_eq!(own.properties.len(), system.len());
    assert_eq!(pairs(&names.properties), [("names.length", "20"), ("names.pattern", "{x}")], "nothing of the system's");
    assert_eq!((names.plugin.as_str(), names.text.as_str(), names.origin.as_str()), ("names", "", "plugin names"));
    assert_eq!(pairs(&text.properties), [("names.length", "5"), ("names.pattern", "{y}"), ("tenant", "nine")]);
    assert!(text.text.contains("%tenant%") && text.origin.starts_with("plugin names (") && text.origin.ends_with("mapping.json)"));
}

#[test]
fn editors_of_other_systems_are_fine() {
    let (_folder, manifest) =
        right("\u{feff}[ systems . hr ]\r\nrole = 'source'\r\nconnector = \"file\"\r\nproperties.\"file.user.path\" = 'people.csv'\r\n");
    assert_eq!(manifest.systems[0].properties["file.user.path"], "people.csv");
}

#[test]
fn everything_can_be_said() {
    let (folder, manifest) = right(
        r#"
plugins = "/opt/plugins"
state = "var/state.db"

[systems.z]
role = "source"
connector = "file"
transformation = "mapping.json"
page-size = 10
[systems.z.properties]
"file.user.path" = "data/users.csv"
"file.group.path" = "data/groups.csv"
"file.lines" = "12"
"file.header" = true
tenant = 7
"ips.application.id" = "app"

[systems."A directory"]
role = "target"
connector = "scim"
sources = ["z"]
enabled = false
[systems."A directory".properties]
URL = "https://Directory.example.com:443/scim/v2"
"scim.support.patch.operation" = "true"
"ips.delete.existedbefore.entities" = "true"
"ips.delete.threshold.users" = "20"
"ips.delete.threshold.groups" = 3
"ips.delete.threshold.roles" = 4
"ips.http.header.X-Two" = "2"
"ips.http.header.X-One" = "1"
[systems."A directory".auth]
type = "bearer"
token = { file = "token" }
[systems."A directory".grants]
http = ["https://schemas.example.com/"]
networks = ["127.0.0.1", "10.0.0.0/8"]
[systems."A directory".deletions]
max-count = 5
max-percent = 50
[systems."A directory".limits]
memory = "1 GiB"
call-timeout = "30 s"

[systems.ldap]
role = "target"
connector = "ldap"
sources = ["z"]
[systems.ldap.properties]
"ldap.url" = "ldaps://LDAP.example.com"
"ldap.password" = { command = ["bin/secret", "ldap"] }
[systems.ldap.grants]
secrets = { second = { env = "SECOND" } }
"#,
    );
    let here = |path: &str| folder.path().join(path);
    assert_eq!((manifest.plugins.clone(), manifest.state.clone()), (PathBuf::from("/opt/plugins"), here("var/state.db")));
    let names: Vec<_> = manifest.systems.iter().map(|system| system.name.as_str()).collect();
    assert_eq!(names, ["z", "A directory", "ldap"], "the order of the text");
    let [z, directory, ldap] = &manifest.systems[..] else { panic!("three systems") };

    assert_eq!(z.properties["file.lines"], "12");
    assert_eq!(z.properties["file.header"], "true");
    assert!(!z.properties.contains_key("tenant"), "a parameter is not for the connector");
    assert_eq!(
        (z.transformation[0].properties["tenant"].as_str(), z.transformation[0].properties["ips.application.id"].as_str()),
        ("7", "app")
    );
    assert_eq!(z.files.len(), 1, "both files are in one folder");
    assert_eq!((z.files[0].guest.as_str(), &z.files[0].host), ("data", &here("data")));
    assert!(z.transformation[0].origin.ends_with("mapping.json") && z.transformation[0].text.contains("%tenant%"));

    assert!(!directory.enabled);
    assert_eq!(
        pairs(&directory.properties),
        [("URL", "https://Directory.example.com:443/scim/v2"), ("scim.support.patch.operation", "true")]
    );
    assert_eq!(directory.origins, ["https://directory.example.com", "https://schemas.example.com"]);
    assert_eq!(directory.grants.http, ["https://schemas.example.com"]);
    assert_eq!(directory.grants.networks, ["127.0.0.1/32", "10.0.0.0/8"]);
    assert!(matches!(&directory.auth, Auth::Bearer { token: SecretSource::File(path) } if *path == here("token")));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(directory.headers, [header("X-One", "1"), header("X-Two", "2")]);
    let deletions = Deletions {
        max_count: 5,
        max_percent: 50,
        delete_existed_before: true,
        threshold_users: Threshold::Above(20),
        threshold_groups: Threshold::Above(3),
        threshold_roles: Threshold::Above(4),
        ..Deletions::default()
    };
    assert_eq!(directory.deletions, deletions);
    assert_eq!((deletions.threshold("user"), deletions.threshold("group"), deletions.threshold("role")), (Some(20), Some(3), Some(4)));
    assert_eq!((directory.limits.memory_bytes, directory.limits.call_timeout), (1 << 30, Duration::from_secs(30)));

    assert_eq!(ldap.endpoints, ["ldap.example.com:636"]);
    assert_eq!(pairs(&ldap.properties), [("ldap.url", "ldaps://LDAP.example.com")], "a credential is no setting");
    assert_eq!(ldap.transformation[0].properties, ldap.properties);
    let program = here("bin/secret").display().to_string();
    assert_eq!(ldap.grants.secrets["ldap.password"], SecretSource::Command(vec![program, "ldap".to_owned()]));
    assert_eq!(ldap.grants.secrets["second"], SecretSource::Environment("SECOND".to_owned()));
    assert_eq!(manifest.targets_of("z").map(|system| system.name.as_str()).collect::<Vec<_>>(), ["ldap"], "the other is not enabled");
}

/// A SCIM source with these lines under `properties`.
fn scim(lines: &str) -> (System, Vec<String>) {
    let text = format!(
        "[systems.x]\nrole = \"source\"\nconnector = \"scim\"\ngrants = {{ http = [\"https://schemas.example.com\"] }}\n[systems.x.properties]\nURL = \"https://a.example\"\n{lines}"
    );
    let (_folder, resolved) = resolve_text(&text);
    let (mut manifest, warnings) = resolved.unwrap_or_else(|problems| panic!("{problems:#?}"));
    (manifest.systems.remove(0), short(&warnings))
}

#[test]
fn the_names_of_the_reference_say_the_same_as_auth() {
    let secret = SecretSource::Environment("P".to_owned());
    let basic = "Type = \"HTTP\"\nProxyType = \"Internet\"\nTrustAll = false\nUser = \"u\"\nPassword = { env = \"P\" }\n";
    for lines in [basic.to_owned(), format!("{basic}Authentication = \"BasicAuthentication\"\n")] {
        let (system, warnings) = scim(&lines);
        assert!(matches!(&system.auth, Auth::Basic { user, password } if user == "u" && *password == secret), "{:?}", system.auth);
        assert_eq!(warnings, [""; 0]);
        assert_eq!(pairs(&system.properties), [("URL", "https://a.example")], "the connection's properties are the host's");
        assert_eq!(system.transformation[0].properties["User"], "u");
        assert!(!system.transformation[0].properties.contains_key("Password"));
    }
    let token = "OAuth2TokenServiceURL = \"https://login.example/token\"\n";
    for (more, expected_scope, form) in [("", None, false), ("AuthType = \"Form\"\nOAuth2TokenScope = \"a b\"\n", Some("a b"), true)] {
        let (system, warnings) = scim(&format!("{basic}{token}{more}"));
        let Auth::OAuth2(oauth2) = system.auth else { panic!("{:?}", system.auth) };
        let OAuth2 { token_url, scope, grant: Grant::ClientCredentials { client_id, client } } = *oauth2 else { panic!("{oauth2:?}") };
        assert_eq!((token_url.as_str(), client_id.as_str(), scope.as_deref()), ("https://login.example/token", "u", expected_scope));
        match client {
            ClientAuthentication::BasicHeader(known) => assert!(!form && known == secret),
            ClientAuthentication::FormBody(known) => assert!(form && known == secret),
            other => panic!("{other:?}"),
        }
        assert_eq!(warnings, [""; 0]);
    }
    let (system, warnings) = scim("Authentication = \"NoAuthentication\"\nPassword = { env = \"P\" }\n");
    assert!(matches!(system.auth, Auth::None));
    assert_eq!(warnings, ["8 manifest.without-effect"]);
    let (_, warnings) = scim(&format!("{basic}AuthType = \"Form\"\n"));
    assert_eq!(warnings, ["12 manifest.without-effect"]);
}

#[test]
fn an_authorization_header_gives_way_to_credentials_and_reaches_no_transformation() {
    let header = "\"ips.http.header.Authorization\" = \"Basic abc\"\n";
    let (system, warnings) = scim(header);
    assert_eq!((system.headers.len(), warnings), (1, vec!["7 manifest.plain-header".to_owned()]));
    assert!(!system.transformation[0].properties.values().any(|value| value.contains("abc")));
    let (system, warnings) = scim(&format!("{header}User = \"u\"\nPassword = {{ env = \"P\" }}\n"));
    assert_eq!((system.headers.len(), warnings), (0, vec!["7 manifest.without-effect".to_owned()]));
}

#[test]
fn a_plain_secret_is_never_repeated() {
    let (_folder, resolved) = resolve_text(
        "[systems.x]\nrole = \"target\"\nconnector = \"ldap\"\nsources = [\"x\"]\n[systems.x.properties]\n\"ldap.password\" = \"hunter2\"\nPassword = \"hunter2\"\n\
         [systems.x.auth]\ntype = \"bearer\"\ntoken = { env = \"hunter2 or so\" }\n[systems.x.grants.secrets]\nsecond = \"hunter2\"\nthird = [\"hunter2\"]\n",
    );
    let problems = resolved.unwrap_err();
    assert!(problems.len() >= 5, "{problems:#?}");
    assert!(problems.iter().all(|problem| !problem.to_string().contains("hunter2")), "{problems:#?}");
}

#[test]
fn a_plugin_cannot_write_where_the_host_keeps_its_own() {
    for (path, fine) in
        [("out/", true), ("./", false), ("x.json", false), ("var/", false), ("plugins/x", false), ("../", false), ("/", false)]
    {
        let text = format!(
            "state = \"var/state.db\"\n[systems.hr]\nrole = \"source\"\nconnector = \"scim\"\nproperties = {{ URL = \"https://a.example\" }}\n\
             [systems.out]\nrole = \"target\"\nconnector = \"file\"\nsources = [\"hr\"]\ntransformation = \"mapping.json\"\nproperties = {{ \"file.target.path\" = \"{path}\" }}\n"
        );
        match resolve_text(&text).1 {
            Ok((manifest, _)) => {
                assert!(fine, "{path}");
                let folder = &manifest.systems[1].files[0];
                assert_eq!((folder.guest.as_str(), folder.write), ("out", true));
            }
            Err(problems) => {
                assert_eq!((fine, short(&problems).last().unwrap().as_str()), (false, "11 manifest.folder-too-wide"), "{path}");
            }
        }
    }
}

#[test]
fn who_is_deleted_is_the_operators_to_say() {
    let deletions = |text: &str| {
        let (_folder, manifest) = right(&format!(
            "[systems.a]\nrole = \"source\"\nconnector = \"file\"\ntransformation = \"mapping.json\"\nproperties = {{ \"file.user.path\" = \"a.csv\", tenant = \"7\", \
             \"ips.application.id\" = \"x\" }}\n[systems.b]\nrole = \"target\"\nconnector = \"scim\"\nsources = [\"a\"]\nproperties = {{ URL = \"https://a.example\" }}\n\
             [systems.b.deletions]\n{text}\n"
        ));
        manifest.system("b").expect("a target").deletions.clone()
    };
    let policies = |gone, left_scope| Policies { gone, left_scope };
    let both = |deletions: &Deletions| (deletions.policies("user"), deletions.policies("group"));
    let (delete, keep, disable) = (Policy::Delete, Policy::Keep, Policy::Disable);
    assert_eq!(both(&deletions("")), (policies(delete, delete), policies(delete, delete)));
    assert_eq!(both(&deletions("left-scope = \"keep\"")), (policies(delete, keep), policies(delete, keep)));
    assert_eq!(both(&deletions("gone = \"disable\"")), (policies(disable, delete), policies(keep, delete)), "a group cannot be disabled");
    let groups = deletions("gone = \"disable\"\ngroups = { gone = \"delete\" }\ndisable = { attribute = \"locked\", value = true }");
    assert_eq!(both(&groups), (policies(disable, delete), policies(delete, delete)));
    assert_eq!((groups.disable.attribute.as_str(), groups.disable.value), ("locked", true));
    let protected = deletions("protected = [\"admin*\", \"id:7\"]");
    assert!(protected.protects("Admin", "x") && protected.protects("x", "7") && !protected.protects("77", "x"));

    let (_folder, refused) = resolve_text(
        "[systems.a]\nrole = \"source\"\nconnector = \"file\"\nproperties = { \"file.user.path\" = \"a.csv\" }\n[systems.b]\nrole = \"target\"\nconnector = \"ldap\"\n\
         sources = [\"a\"]\nproperties = { \"ldap.url\" = \"ldaps://a.example\", \"ldap.password\" = { env = \"P\" } }\ngrants = { secrets = { second = { env = \"S\" } } }\n\
         deletions = { left-scope = \"disable\" }\n",
    );
    assert_eq!(short(&refused.expect_err("a plugin that cannot")), ["11 manifest.cannot-disable"]);
}
