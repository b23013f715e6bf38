//! From what a document calls members to DNs.
//!
//! | a member is written as | it is |
//! | --- | --- |
//! | `<id attribute>=<id>,<path>`, what the default transformations make | the user or group with this id, wherever below the path; the DN itself where nobody has it |
//! | any other DN | that DN |
//! | no DN | the user, else the group, with this id |
//!
//! An id that nobody has is left out and said, as the reference does with members it cannot resolve (provisioning.md section 10, 11).

use crate::{
    client::Client,
    dn::{self, Dn},
    read::by_id,
    session::{Host, Reply},
    settings::{Directory, Identifier, Sort},
};
use sdk::Failure;
use std::collections::HashMap;

/// Names that are remembered; then they are forgotten.
const MOST_KNOWN: usize = 200_000;

/// DNs of ids that were looked for.
#[derive(Debug, Default)]
pub struct Members(HashMap<(Sort, String), Option<Dn>>);

#[derive(Debug)]
enum Form {
    /// An id; the DN it would have right below the path, if it was written so.
    Id {
        sorts: &'static [Sort],
        id: String,
        literal: Option<Dn>,
    },
    Dn(Dn),
}

fn form(directory: &Directory, text: &str) -> Result<Form, Failure> {
    let typed: [(&'static [Sort], Sort); 2] = [(&[Sort::User], Sort::User), (&[Sort::Group], Sort::Group)];
    for (sorts, sort) in typed {
        let entity_type = directory.entity_type(sort);
        let Identifier::Attribute(name) = &entity_type.id else { continue };
        let Some((attribute, _)) = text.split_once('=') else { continue };
        if !attribute.trim().eq_ignore_ascii_case(name) {
            continue;
        }
        let Some(dn) = dn::composed(text, &entity_type.base, None) else { continue };
        let direct = dn.depth() == entity_type.base.depth() + 1;
        if let Some(value) = dn.rdn().and_then(|rdn| rdn.value(name)).filter(|_| direct) {
            let id = crate::binary::to_text(directory, name, value);
            return Ok(Form::Id { sorts, id, literal: Some(dn) });
        }
    }
    if !text.contains('=') {
        return Ok(Form::Id { sorts: &[Sort::User, Sort::Group], id: text.to_owned(), literal: None });
    }
    let dn = [Sort::User, Sort::Group].into_iter().find_map(|sort| dn::composed(text, &directory.entity_type(sort).base, None));
    dn.or_else(|| Dn::parse(text)).map(Form::Dn).ok_or_else(|| Failure::rejected("a member is neither an id nor a DN"))
}

impl Members {
    /// The DNs of these members, each list for itself. A failure concerns the list it stands in.
    pub fn resolve(&mut self, client: &mut Client<impl Host>, lists: &[&[String]]) -> Vec<Result<Vec<Dn>, Failure>> {
        if self.0.len() > MOST_KNOWN {
            self.0.clear();
        }
        let forms: Vec<Result<Vec<Form>, Failure>> =
            lists.iter().map(|list| list.iter().map(|text| form(&client.directory, text)).collect()).collect();
        let failure = self.look_up(client, forms.iter().flatten().flatten()).err();
        let dns = |forms: Vec<Form>, host: &mut dyn FnMut(&str)| {
            let dn = |form| match form {
                Form::Dn(dn) => Some(dn),
                Form::Id { sorts, id, literal } => {
                    let known = sorts.iter().find_map(|sort| self.0.get(&(*sort, id.clone())).cloned().flatten()).or(literal);
                    if known.is_none() {
                        host(&id);
                    }
                    known
                }
            };
            forms.into_iter().filter_map(dn).collect::<Vec<Dn>>()
        };
        let mut unknown = Vec::new();
        let resolved = forms
            .into_iter()
            .map(|forms| match (&failure, forms) {
                (_, Err(failure)) => Err(failure),
                (Some(failure), Ok(_)) => Err(failure.clone()),
                (None, Ok(forms)) => Ok(dns(forms, &mut |id: &str| unknown.push(id.to_owned()))),
            })
            .collect();
        for id in unknown {
            client.session.host.warn(&format!("a member is left out: there is no user or group with the id {id:?}"));
        }
        resolved
    }

    /// Remember where an id is.
    pub fn is_at(&mut self, sort: Sort, id: &str, dn: &Dn) {
        self.0.insert((sort, id.to_owned()), Some(dn.clone()));
    }

    /// Forget an id: it has another place now, or none.
    pub fn forget(&mut self, sort: Sort, id: &str) {
        self.0.remove(&(sort, id.to_owned()));
    }

    fn look_up<'f>(&mut self, client: &mut Client<impl Host>, forms: impl Iterator<Item = &'f Form>) -> Result<(), Failure> {
        let mut unknown: Vec<(Sort, String)> = Vec::new();
        for form in forms {
            let Form::Id { sorts, id, .. } = form else { continue };
            unknown.extend(sorts.iter().map(|sort| (*sort, id.clone())).filter(|key| self.0.get(key).is_none_or(Option::is_none)));
        }
        unknown.sort_by(|a, b| (a.0.name(), &a.1).cmp(&(b.0.name(), &b.1)));
        unknown.dedup();
        let mut asked = Vec::new();
        let mut requests = Vec::new();
        for (sort, id) in unknown {
            let search = by_id(client.directory.entity_type(sort), client, &id)?;
            if let Some(mut search) = search {
                search.attributes = vec!["1.1".to_owned()];
                requests.push(crate::message::Request::Search(search));
                asked.push((sort, id));
            }
        }
        let replies = client.all(requests);
        for (key, reply) in asked.into_iter().zip(replies) {
            let dn = the_only(reply?)?.and_then(|dn| Dn::parse(&dn));
            self.0.insert(key, dn);
        }
        Ok(())
    }
}

/// The DN of the only hit; nothing where there is none. An error where there are several, or where the server does not know everything.
pub fn the_only(reply: Reply) -> Result<Option<String>, Failure> {
    if reply.result.code == crate::failure::NO_SUCH_OBJECT {
        return Ok(None);
    }
    let mut reply = reply.success(|| "the search for an id".to_owned())?;
    match (reply.entries.pop(), reply.entries.is_empty()) {
        (Some(entry), true) => Ok(Some(entry.dn)),
        (Some(_), false) => Err(Failure::rejected("more than one entry has this id")),
        (None, _) if reply.references.is_empty() => Ok(None),
        (None, _) => Err(Failure::new(sdk::Kind::Unsupported, "the entry may be in the part of the subtree that is on another server")),
    }
}
