//! What there is beside the host: the people and teams of a source, the operator's rules and mappings, and everything that may happen to them.

use std::collections::BTreeMap;

use provisor::manifest::{Deletions, Policies, Policy, Threshold};
use serde_json::{Value, json};

/// An entity type. Deletions go the other way round: teams first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    User,
    Group,
}

impl Kind {
    pub(super) const BOTH: [Self; 2] = [Self::User, Self::Group];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// What is wrong with an entity of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// The source cannot give it.
    Unreadable,
    /// The read mapping misses something.
    NoTitle,
    /// The write mapping misses something.
    NoMail,
}

/// An entity of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entity {
    pub kind: Kind,
    pub number: u8,
    pub title: u8,
    /// What conditions look at.
    pub site: u8,
    pub renamed: bool,
    pub flaw: Flaw,
    /// Numbers of users.
    pub members: Vec<u8>,
    version: u64,
}

/// The id in the source.
pub(super) fn id_of(kind: Kind, number: u8) -> String {
    format!("{}{number}", if kind == Kind::User { "u" } else { "g" })
}

impl Entity {
    pub(super) fn id(&self) -> String {
        id_of(self.kind, self.number)
    }

    /// What it is called in targets.
    pub(super) fn name(&self) -> String {
        format!("{}{}{}", if self.kind == Kind::User { "name" } else { "team" }, self.number, if self.renamed { "b" } else { "" })
    }

    fn json(&self) -> Value {
        let mut json = json!({ "id": self.id(), "version": self.version, "site": format!("s{}", self.site) });
        match self.kind {
            Kind::User => {
                json["userName"] = self.name().into();
                json["badge"] = format!("b{}", self.number).into();
            }
            Kind::Group => {
                json["displayName"] = self.name().into();
                json["members"] = self.members.iter().map(|number| json!({ "value": id_of(Kind::User, *number) })).collect();
            }
        }
        if self.flaw != Flaw::NoTitle {
            json["title"] = format!("title {}", self.title).into();
        }
        if self.flaw != Flaw::NoMail {
            json["mail"] = "a@b.c".into();
        }
        if self.flaw == Flaw::Unreadable {
            json["unreadable"] = true.into();
        }
        json
    }
}

/// A fault of the source for one job: reading a page of a type fails so many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceFault {
    pub kind: Kind,
    pub page: u64,
    pub what: &'static str,
    pub times: u64,
}

/// The source.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    /// In the order in which they are read.
    pub entities: Vec<Entity>,
    /// Kind, id, version.
    deleted: Vec<(Kind, String, u64)>,
    pub version: u64,
    pub forgotten: u64,
    /// It gives nothing, and says nothing of it.
    pub silent: bool,
}

impl Source {
    /// Add or change an entity.
    pub(super) fn put(&mut self, kind: Kind, number: u8, change: impl FnOnce(&mut Entity)) {
        self.version += 1;
        let version = self.version;
        let at = self.entities.iter().position(|entity| (entity.kind, entity.number) == (kind, number)).unwrap_or_else(|| {
            let new = Entity { kind, number, title: 0, site: 0, renamed: false, flaw: Flaw::None, members: Vec::new(), version };
            self.entities.push(new);
            self.entities.len() - 1
        });
        change(&mut self.entities[at]);
        self.entities[at].version = version;
    }

    /// Remove an entity; `told` leaves a tombstone.
    pub(super) fn remove(&mut self, kind: Kind, number: u8, told: bool) {
        let before = self.entities.len();
        self.entities.retain(|entity| (entity.kind, entity.number) != (kind, number));
        if self.entities.len() == before {
            return;
        }
        self.version += 1;
        if told {
            self.deleted.push((kind, id_of(kind, number), self.version));
        }
        if kind == Kind::User {
            let teams: Vec<u8> = self.entities.iter().filter(|team| team.members.contains(&number)).map(|team| team.number).collect();
            for team in teams {
                self.put(Kind::Group, team, |team| team.members.retain(|member| *member != number));
            }
        }
    }

    /// What a read gives, in its order: everything, or what changed since a version; and who is reported as deleted.
    pub(super) fn read(&self, kind: Kind, since: Option<u64>) -> (Vec<&Entity>, Vec<&str>) {
        let newer = |version: u64| since.is_none_or(|since| version > since);
        let entities = self.entities.iter().filter(|entity| entity.kind == kind && newer(entity.version) && !self.silent).collect();
        let deleted = self.deleted.iter().filter(|(of, _, version)| since.is_some() && *of == kind && newer(*version));
        (entities, deleted.map(|(_, id, _)| id.as_str()).collect())
    }

    /// `source.json` of the ledger.
    pub(super) fn json(&self, faults: &[SourceFault], short: u64) -> Value {
        let list = |kind| self.read(kind, None).0.into_iter().map(Entity::json).collect::<Value>();
        json!({
            "version": self.version, "forgotten": self.forgotten, "short": short, "user": list(Kind::User), "group": list(Kind::Group),
            "deleted": self.deleted.iter().map(|(kind, id, version)| json!([kind.word(), id, version])).collect::<Vec<_>>(),
            "faults": faults.iter().map(|fault| {
                json!({ "type": fault.kind.word(), "page": fault.page, "what": fault.what, "times": fault.times })
            }).collect::<Vec<_>>(),
        })
    }
}

/// The operator's mappings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mappings {
    /// Entities of this site are out of the read mapping's scope.
    pub not_read: Option<u8>,
    /// Entities of this site are out of the write mapping's scope.
    pub not_written: Option<u8>,
    /// Users have another id.
    pub badges: bool,
    /// Something that changes all documents.
    pub edition: u8,
    /// `skipOperations: ["delete"]`
    pub skip_delete: bool,
}

impl Mappings {
    pub(super) fn new() -> Self {
        Self { not_read: None, not_written: None, badges: false, edition: 0, skip_delete: false }
    }

    /// `entityIdSourceSystem`
    pub(super) fn source_id(&self, entity: &Entity) -> String {
        if self.badges && entity.kind == Kind::User { format!("b{}", entity.number) } else { entity.id() }
    }

    pub(super) fn is_read(&self, entity: &Entity) -> bool {
        self.not_read != Some(entity.site)
    }

    pub(super) fn is_written(&self, entity: &Entity) -> bool {
        self.not_written != Some(entity.site)
    }

    pub(super) fn read_text(&self) -> String {
        let condition = self.not_read.map_or("true".into(), |site| format!("$.site != 's{site}'"));
        let condition = if condition == "true" { json!("$.id != 'nobody'") } else { json!(condition) };
        let copy = |name: &str, optional: bool| json!({ "sourcePath": format!("$.{name}"), "targetPath": format!("$.{name}"), "optional": optional, "preserveArrayWithSingleElement": true });
        let id = |path: &str| json!({ "sourcePath": path, "targetVariable": "entityIdSourceSystem" });
        json!({
            "user": { "condition": condition, "mappings":
                [id(if self.badges { "$.badge" } else { "$.id" }), copy("userName", false), copy("title", false), copy("mail", true), copy("site", false)] },
            "group": { "condition": condition, "mappings":
                [id("$.id"), copy("displayName", false), copy("title", false), copy("mail", true), copy("site", false), copy("members", true)] },
        })
        .to_string()
    }

    pub(super) fn write_text(&self) -> String {
        let condition = self.not_written.map_or("$.site != 'nowhere'".into(), |site| format!("$.site != 's{site}'"));
        let skip: &[&str] = if self.skip_delete { &["delete"] } else { &[] };
        let copy = |name: &str| json!({ "sourcePath": format!("$.{name}"), "targetPath": format!("$.{name}") });
        let edition = json!({ "constant": self.edition, "targetPath": "$.edition" });
        let members = json!({
            "sourcePath": "$.members[*].value", "preserveArrayWithSingleElement": true, "optional": true, "targetPath": "$.members[?(@.value)]",
            "functions": [{ "type": "resolveEntityIds" }]
        });
        json!({
            "user": { "condition": condition, "skipOperations": skip, "mappings": [copy("userName"), copy("title"), copy("mail"), edition] },
            "group": { "condition": condition, "skipOperations": skip, "mappings": [copy("displayName"), copy("title"), copy("mail"), edition, members] },
        })
        .to_string()
    }

    /// What a target is sent of an entity whose members are these there.
    pub(super) fn document(&self, entity: &Entity, members: &[String]) -> Value {
        let name = if entity.kind == Kind::User { "userName" } else { "displayName" };
        let mut document =
            json!({ name: entity.name(), "title": format!("title {}", entity.title), "mail": "a@b.c", "edition": self.edition });
        if entity.kind == Kind::Group && !entity.members.is_empty() {
            document["members"] = members.iter().map(|id| json!({ "value": id })).collect();
        }
        document
    }
}

/// The operator's rules for deletions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub gone: Policy,
    pub left_scope: Policy,
    pub existed_before: bool,
    pub max_count: u64,
    pub max_percent: u8,
    pub most_users: Option<u64>,
    pub most_groups: Option<u64>,
    /// The user of this number.
    pub protected: Option<u8>,
}

impl Rules {
    pub(super) fn policies(&self, kind: Kind) -> Policies {
        // A group cannot be disabled.
        let of = |policy| if kind == Kind::Group && policy == Policy::Disable { Policy::Keep } else { policy };
        Policies { gone: of(self.gone), left_scope: of(self.left_scope) }
    }

    pub(super) fn protects(&self, source_id: &str) -> bool {
        self.protected.is_some_and(|number| source_id == id_of(Kind::User, number))
    }

    pub(super) fn deletions(&self) -> Deletions {
        let threshold = |most: Option<u64>| most.map_or(Threshold::Off, Threshold::Above);
        let protected = self.protected.map(|number| format!("id:{}", id_of(Kind::User, number)));
        let mut deletions = Deletions::default().protecting(protected.as_deref());
        deletions.max_count = self.max_count;
        deletions.max_percent = self.max_percent;
        deletions.delete_existed_before = self.existed_before;
        deletions.threshold_users = threshold(self.most_users);
        deletions.threshold_groups = threshold(self.most_groups);
        deletions.users = self.policies(Kind::User);
        deletions.others = self.policies(Kind::Group);
        deletions
    }
}

/// What a target has: `target.json` of the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Backend {
    pub entities: BTreeMap<(Kind, String), Value>,
    /// Name -> how often an id was made of it.
    pub given: BTreeMap<String, u64>,
}

/// One thing that was asked of a target.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub kind: Kind,
    pub operation: String,
    pub id: String,
    pub document: Value,
    pub acted: bool,
}

impl Call {
    /// Of the entity in its document.
    pub(super) fn name(&self) -> Option<&str> {
        self.document[if self.kind == Kind::User { "userName" } else { "displayName" }].as_str()
    }
}

/// A fault of a target for one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetFault {
    pub call: &'static str,
    pub from: u64,
    pub length: u64,
    pub what: &'static str,
}

impl Backend {
    pub(super) fn json(&self, faults: &[TargetFault]) -> Value {
        let list = |kind: Kind| {
            let of = self.entities.iter().filter(move |((of, _), _)| *of == kind);
            of.map(|((_, id), document)| (id.clone(), document.clone())).collect::<serde_json::Map<_, _>>()
        };
        let faults: Value = faults
            .iter()
            .map(|fault| json!({ "call": fault.call, "from": fault.from, "to": fault.from + fault.length, "what": fault.what }))
            .collect();
        json!({ "user": list(Kind::User), "group": list(Kind::Group), "given": self.given, "changes": 0, "finds": 0, "faults": faults, "calls": [] })
    }

    pub(super) fn of(file: &Value) -> (Self, Vec<Call>) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind_of = |word: &Value| if word == "user" { Kind::User } else { Kind::Group };
        let mut backend = Self::default();
        for kind in Kind::BOTH {
            for (id, document) in file[kind.word()].as_object().expect("a list of the ledger") {
                backend.entities.insert((kind, id.clone()), document.clone());
            }
        }
        for (name, times) in file["given"].as_object().expect("a list of the ledger") {
            backend.given.insert(name.clone(), times.as_u64().unwrap_or(0));
        }
        let call = |call: &Value| Call {
            kind: kind_of(&call["type"]),
            operation: text(&call["operation"]),
            id: text(&call["id"]),
            document: call["document"].clone(),
            acted: call["acted"] == true,
        };
        (backend, file["calls"].as_array().expect("a list of the ledger").iter().map(call).collect())
    }

    pub(super) fn named(&self, kind: Kind, name: &str) -> Option<&str> {
        let unique = if kind == Kind::User { "userName" } else { "displayName" };
        self.entities.iter().find(|((of, _), document)| *of == kind && document[unique] == name).map(|((_, id), _)| id.as_str())
    }

    /// A new entity.
    pub(super) fn create(&mut self, kind: Kind, name: &str, document: Value) -> String {
        let times = self.given.entry(name.to_owned()).or_default();
        let id = format!("{name}#{times}");
        *times += 1;
        self.entities.insert((kind, id.clone()), document);
        id
    }
}

/// The order of members means nothing in a target, and in the source it is always that of their numbers.
pub(super) fn sorted(mut document: Value) -> Value {
    if let Some(members) = document.get_mut("members").and_then(Value::as_array_mut) {
        members.sort_by_key(Value::to_string);
    }
    document
}
