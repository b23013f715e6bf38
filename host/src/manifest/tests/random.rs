//! Whatever stands in the file: no panic; and what is right comes out as it went in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::resolve_text;

/// Pieces that are near to a manifest, so that the checker is reached and not only the parser.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[systems.hr]\n",
        "[systems.x.properties]\n",
        "[systems.x.auth]\n",
        "[systems.x.grants]\n",
        "[[systems]]\n",
        "[systems",
        "]\n",
        "[systems.\"ä\"]\n",
        "role = ",
        "connector = ",
        "sources = ",
        "\"source\"\n",
        "\"target\"\n",
        "\"file\"\n",
        "\"scim\"\n",
        "\"ldap\"\n",
        "[\"hr\"]\n",
        "URL = ",
        "\"https://a.example\"\n",
        "\"file.user.path\" = ",
        "file.user.path = ",
        "\"people.csv\"\n",
        "token = ",
        "{ env = \"A\" }\n",
        "{ file = 3 }\n",
        "transformation = ",
        "{ plugin = \"names\" }",
        "{ default = true, properties = { x = 1 } }",
        "\"mapping.json\", ",
        "type = ",
        "\"bearer\"\n",
        "page-size = ",
        "3\n",
        "true\n",
        "1.5\n",
        "1979-05-27\n",
        "[",
        "{",
        "}",
        "=",
        "\n",
        "\"\"\"",
        "'",
        "a.b.c = ",
        "\u{feff}",
        "99999999999999999999\n",
        "http = ",
        "[\"https://b.example\"]\n",
        "\"ips.http.header.X\" = ",
        "memory = ",
        "\"1 GiB\"\n",
        "[systems.hr.limits]\n",
    ];
    prop_oneof![8 => proptest::sample::select(words.map(str::to_owned).to_vec()), 1 => any::<String>()]
}

fn never_panics(text: &str) -> Result<(), TestCaseError> {
    let lines = text.split('\n').count();
    let problems = match resolve_text(text).1 {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    prop_assert!(problems.is_sorted_by_key(|problem| problem.line));
    for problem in problems {
        prop_assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{problem}");
        prop_assert!(problem.code.starts_with("manifest.") && !problem.message.is_empty(), "{problem}");
    }
    Ok(())
}

#[test]
fn depth_is_bounded() {
    let dotted = ["a"; 70].join(".");
    for text in [
        format!("systems = {}", "[".repeat(100_000)),
        format!("systems = {}1{}", "[".repeat(70), "]".repeat(70)),
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        format!("[{dotted}]\n{dotted} = {}1{}", format!("{{{dotted} = ").repeat(75), "}".repeat(75)),
    ] {
        let problems = resolve_text(&text).1.unwrap_err();
        assert!(problems.iter().any(|problem| problem.code == "manifest.syntax"), "{problems:#?}");
        assert!(problems.len() < 10, "{problems:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        never_panics(&text)?;
    }

    #[test]
    fn any_pieces(pieces in proptest::collection::vec(piece(), 0..30)) {
        never_panics(&pieces.concat())?;
    }

    #[test]
    fn what_is_right_comes_out_as_it_went_in(
        sources in proptest::collection::btree_map("[A-Za-z0-9._-]{1,12}", (1_u32..=10_000, any::<bool>(), any::<i64>(), "[a-z]{1,8}\\.csv"), 1..5),
        targets in proptest::collection::btree_map("[A-Za-z0-9. _-]{0,10}x", (0_u64..1000, 0_u8..=100, 16_u64..4096, 1_u64..3600), 0..4),
        tenant in "\\PC{0,20}",
    ) {
        let targets: BTreeMap<_, _> = targets.into_iter().filter(|(name, _)| !sources.contains_key(name)).collect();
        let mut text = String::new();
        for (name, (page_size, enabled, lines, path)) in &sources {
            write!(text, "[systems.\"{name}\"]\nrole = \"source\"\nconnector = \"file\"\ntransformation = \"mapping.json\"\n")?;
            write!(text, "page-size = {page_size}\nenabled = {enabled}\n[systems.\"{name}\".properties]\n")?;
            write!(text, "\"file.user.path\" = \"{path}\"\n\"file.lines\" = {lines}\ntenant = {}\n", toml::Value::from(tenant.as_str()))?;
        }
        let names: Vec<&String> = sources.keys().collect();
        for (name, (count, percent, memory, seconds)) in &targets {
            write!(text, "[systems.\"{name}\"]\nrole = \"target\"\nconnector = \"scim\"\nsources = {names:?}\nproperties = {{ URL = \"http://h:{seconds}\" }}\n")?;
            write!(text, "deletions = {{ max-count = {count}, max-percent = {percent} }}\nlimits = {{ memory = \"{memory} MiB\", call-timeout = \"{seconds} s\" }}\n")?;
        }
        let (_folder, resolved) = resolve_text(&text);
        let (manifest, _) = resolved.map_err(|problems| TestCaseError::fail(format!("{problems:#?}\n{text}")))?;
        prop_assert_eq!(manifest.systems.len(), sources.len() + targets.len());
        for (name, (page_size, enabled, lines, path)) in &sources {
            let system = manifest.system(name).ok_or_else(|| TestCaseError::fail("missing"))?;
            prop_assert_eq!((system.page_size, system.enabled), (*page_size, *enabled));
            prop_assert_eq!((&system.properties["file.lines"], &system.properties["file.user.path"]), (&lines.to_string(), path));
            prop_assert_eq!(&system.transformation[0].properties["tenant"], &tenant);
        }
        for (name, (count, percent, memory, seconds)) in &targets {
            let system = manifest.system(name).ok_or_else(|| TestCaseError::fail("missing"))?;
            prop_assert_eq!((system.deletions.max_count, system.deletions.max_percent), (*count, *percent));
            prop_assert_eq!((system.limits.memory_bytes, system.limits.call_timeout.as_secs()), (memory << 20, *seconds));
            let expected = if *seconds == 80 { "http://h".to_owned() } else { format!("http://h:{seconds}") };
            prop_assert_eq!(&system.origins, &vec![expected]);
            prop_assert_eq!(system.sources.iter().collect::<Vec<_>>(), names.clone());
        }
    }
}
