//! A big group: every member's id is looked up.

/// What the connector `scim` does with a group by default, without the target's own id.
pub(crate) const TRANSFORMATION: &str = r#"{
  "group": {
    "mappings": [
      { "sourcePath": "$", "targetPath": "$" },
      { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" },
      { "type": "remove", "targetPath": "$.id" },
      { "type": "remove", "targetPath": "$.members" },
      {
        "sourcePath": "$.members[*].value",
        "targetPath": "$.members[?(@.value)]",
        "optional": true,
        "preserveArrayWithSingleElement": true,
        "functions": [{ "type": "resolveEntityIds" }]
      }
    ]
  }
}"#;

/// A SCIM group with so many members.
pub(crate) fn group(members: usize) -> String {
    let member =
        |n| format!(r#"{{"value":"2819c223-7f76-453a-919d-{n:012}","$ref":"https://example.com/v2/Users/{n}","display":"B. Jensen {n}"}}"#);
    let members: Vec<String> = (0..members).map(member).collect();
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"e9e30dba-f08f-4109-8486-d5c6a331660a","displayName":"Tour Guides","members":[{}]}}"#,
        members.join(",")
    )
}
