//! Documents to read and to transform.

use mapping::json::{Doc, Node, Source, Value, parse, without_duplicates};

/// A user as a SCIM server has it, with what makes paths interesting: lists, empty things, odd keys, numbers.
pub const USER: &str = r#"{"id":"7","userName":"ada","active":true,"age":36,"score":1.50e1,"nothing":null,"none":[],"empty":{},"title":"","name":{"familyName":"Lovelace","givenName":"Ada","a.b":{"it's":["x"]}},"emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"a@example.org"},{"type":"home"}],"groups":[{"value":"g1","display":"SAC_Admins"},{"value":"g2","display":"b"}],"numbers":[3,1,2,10],"meta":{"created":"2024-02-29T23:59:59Z","Date":1709251199000},"matrix":[[1,[2,{"deep":{"deep":{"deep":0}}}]],[]],"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"1"}}}"#;

/// A group whose members are resolved.
pub const GROUP: &str = r#"{"id":"g1","displayName":"SAC_Admins","members":[{"value":"7","type":"User"},{"value":"unknown"},{"value":"g2","type":"Group"},{}]}"#;

/// A text with its tape, no key twice.
pub struct Document {
    text: String,
    nodes: Vec<Node>,
    root: u32,
}

impl Document {
    /// Nothing for a text that is no JSON.
    pub fn parse(text: &str) -> Option<Self> {
        let mut nodes = Vec::new();
        let (root, duplicates) = parse(text, 0, &mut nodes).ok()?;
        if !duplicates {
            return Some(Self { text: text.to_owned(), nodes, root });
        }
        let text = without_duplicates(Value { doc: &Doc { source: Source::Input, text, nodes: &nodes }, at: root });
        let mut nodes = Vec::new();
        let (root, _) = parse(&text, 0, &mut nodes).expect("what was parsed can be parsed again");
        Some(Self { text, nodes, root })
    }

    pub fn with<R>(&self, use_it: impl FnOnce(Value<'_>) -> R) -> R {
        use_it(Value { doc: &Doc { source: Source::Input, text: &self.text, nodes: &self.nodes }, at: self.root })
    }
}

/// Whether the text is one JSON value.
pub fn is_json(text: &str) -> bool {
    parse(text, 0, &mut Vec::new()).is_ok()
}
