//! The keys of `[systems.X.deletions]`.

use super::{Choice, Form, Key, Kind, Literal, Presence, Table};

const POLICIES: &[Choice] = &[
    Choice { value: "delete", help: "It is deleted in the target." },
    Choice { value: "disable", help: "One attribute of it is changed, see disable; users only. It is enabled again when it comes back." },
    Choice { value: "keep", help: "It stays as it is." },
];

const fn policy(name: &'static str, presence: Presence, help: &'static str, example: &'static str) -> Key {
    Key { name, kind: Kind::Choice { values: POLICIES, reserved: &[] }, presence, only: None, help, example }
}

pub(in super::super) static DELETIONS: Table = Table {
    name: "deletions",
    help: "What becomes of entities that are gone from the source or left the scope, and when a run holds deletions back: one that would delete or disable more than \
           this does nothing of it and says so.",
    discriminator: None,
    keys: &[
        Key {
            name: "max-count",
            kind: Kind::Integer { min: 0, max: 1_000_000_000 },
            presence: Presence::Default(Literal::Integer(500)),
            only: None,
            help: "The most entities of one type a run may delete or disable.",
            example: "500",
        },
        Key {
            name: "max-percent",
            kind: Kind::Integer { min: 0, max: 100 },
            presence: Presence::Default(Literal::Integer(10)),
            only: None,
            help: "The largest part of the known entities of one type a run may delete or disable. Up to ten are never held back by it.",
            example: "10",
        },
        policy(
            "gone",
            Presence::Default(Literal::Text("delete")),
            "What becomes of an entity that the source does not have any more.",
            "\"disable\"",
        ),
        policy(
            "left-scope",
            Presence::Default(Literal::Text("delete")),
            "What becomes of an entity that the source still has and that does not fulfil the condition of a transformation any more.",
            "\"keep\"",
        ),
        Key {
            name: "groups",
            kind: Kind::Table(&GROUPS),
            presence: Presence::Optional,
            only: None,
            help: "The policies for groups where they differ. Without it, groups are kept where users are disabled.",
            example: "{ \"gone\": \"delete\" }",
        },
        Key {
            name: "disable",
            kind: Kind::Table(&DISABLE),
            presence: Presence::Optional,
            only: None,
            help: "The attribute that disables a user.",
            example: "{ \"attribute\": \"active\", \"value\": false }",
        },
        Key {
            name: "protected",
            kind: Kind::Texts { form: Form::NotEmpty, at_least: 0 },
            presence: Presence::Optional,
            only: None,
            help: "Entities that are never deleted nor disabled, by their id in the source or in the target: a pattern with * and ?, in which case does not matter, or \
                   id: and exactly that id.",
            example: "[\"admin*\", \"id:4711\"]",
        },
    ],
};

static GROUPS: Table = Table {
    name: "group-deletions",
    help: "What becomes of groups that are gone from the source or left the scope.",
    discriminator: None,
    keys: &[
        policy("gone", Presence::Optional, "What becomes of a group that the source does not have any more.", "\"delete\""),
        policy(
            "left-scope",
            Presence::Optional,
            "What becomes of a group that does not fulfil the condition of a transformation any more.",
            "\"keep\"",
        ),
    ],
};

pub(in super::super) static DISABLE: Table = Table {
    name: "disable",
    help: "The attribute that disables a user, and the value that does.",
    discriminator: None,
    keys: &[
        Key {
            name: "attribute",
            kind: Kind::Text(Form::NotEmpty),
            presence: Presence::Default(Literal::Text("active")),
            only: None,
            help: "The attribute, as SCIM names it in the path of a patch.",
            example: "\"active\"",
        },
        Key {
            name: "value",
            kind: Kind::Boolean,
            presence: Presence::Default(Literal::Boolean(false)),
            only: None,
            help: "Its value in a disabled user. An enabled one has the opposite.",
            example: "false",
        },
    ],
};
