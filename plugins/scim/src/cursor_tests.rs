//! Lists that change while they are read, by number and by cursor.

use crate::{
    connection::Connection,
    http::{Answer, Request},
    read::{Scope, page},
    resource::Resource,
    scripted::{Scripted, connection, json, parameter},
};
use proptest::prelude::*;
use sdk::{Failure, Kind};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

/// The users of a server, in its order.
type Users = Rc<RefCell<Vec<u32>>>;

fn users(numbers: impl IntoIterator<Item = u32>) -> Users {
    Rc::new(RefCell::new(numbers.into_iter().collect()))
}

fn answer(total: usize, more: &str, ids: &[u32]) -> Result<Answer, Failure> {
    let resources: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    json(200, format!(r#"{{"totalResults":{total}{more},"Resources":[{}]}}"#, resources.join(",")))
}

fn by_index(users: Users, cap: usize) -> impl FnMut(&Request) -> Result<Answer, Failure> {
    move |request| {
        let (start, count) = (parameter(&request.url, "startIndex").unwrap(), parameter(&request.url, "count").unwrap());
        let users = users.borrow();
        let page: Vec<u32> = users.iter().skip(start - 1).take(count.min(cap)).copied().collect();
        answer(users.len(), "", &page)
    }
}

/// A server whose cursor names the last id that was sent; ids only grow.
fn by_cursor(users: Users) -> impl FnMut(&Request) -> Result<Answer, Failure> {
    move |request| {
        let (_, query) = request.url.split_once('?').unwrap();
        let after = parameter(&request.url, "cursor").unwrap_or_default();
        assert!(query.starts_with("cursor=") && !query.contains("startIndex"), "{query}");
        let (users, count) = (users.borrow(), parameter(&request.url, "count").unwrap());
        let rest: Vec<u32> = users.iter().copied().filter(|id| *id as usize > after).collect();
        let page = &rest[..count.min(rest.len())];
        let next = if rest.len() > count { format!(r#","nextCursor":"{}""#, page.last().unwrap()) } else { String::new() };
        answer(users.len(), &next, page)
    }
}

struct Read {
    ids: BTreeSet<u32>,
    doubts: Vec<String>,
}

/// Read all; before each page but the first, `between` changes the users.
fn read(
    connection: &Connection,
    serve: impl FnMut(&Request) -> Result<Answer, Failure>,
    limit: u32,
    mut between: impl FnMut(),
) -> Result<Read, Failure> {
    let mut http = Scripted::new(serve);
    let (mut read, mut cursor) = (Read { ids: BTreeSet::new(), doubts: vec![] }, None);
    for turn in 0..2000 {
        if turn > 0 {
            between();
        }
        let page = page(connection, &mut http, Resource::User, &Scope::All, cursor.as_deref(), limit)?;
        assert!(page.entities.len() <= limit as usize);
        read.ids.extend(page.entities.iter().map(|entity| entity.id.parse::<u32>().unwrap()));
        read.doubts.extend(page.unreadable.into_iter().map(|(_, failure)| failure.message));
        assert!(read.doubts.is_empty() || page.delta_token.is_none());
        cursor = page.next;
        if cursor.is_none() {
            return Ok(read);
        }
    }
    panic!("the read does not end");
}

/// Read by number with one change after the first page.
fn changed(numbers: impl IntoIterator<Item = u32>, change: impl FnOnce(&mut Vec<u32>)) -> (Vec<u32>, Vec<String>) {
    let there = users(numbers);
    let mut change = Some(change);
    let between = || {
        if let Some(change) = change.take() {
            change(&mut there.borrow_mut());
        }
    };
    let read = read(&connection(&[]), by_index(there.clone(), 100), 4, between).unwrap();
    (read.ids.into_iter().collect(), read.doubts)
}

#[test]
fn deletions_in_the_part_already_read_lose_nobody() {
    // Everybody moves up; read on by number alone, user 5 would never be seen.
    assert_eq!(changed(1..=10, |users| _ = users.remove(0)), ((1..=10).collect(), vec![]));
    // The anchor itself, and others with it.
    assert_eq!(changed(1..=10, |users| _ = users.drain(2..4)), ((1..=10).collect(), vec![]));
    // So many that nobody is left to go on behind: all are read, but that cannot be known.
    let (ids, doubts) = changed(1..=10, |users| _ = users.drain(1..4));
    assert_eq!((ids, doubts.len()), ((1..=10).collect(), 1));
    // Hidden from the count by a new user at the end.
    let hidden = |users: &mut Vec<u32>| {
        users.remove(0);
        users.push(11);
    };
    assert_eq!(changed(1..=10, hidden), ((1..=11).collect(), vec![]));
    // In the unread part, nothing moves.
    assert_eq!(changed(1..=10, |users| _ = users.pop()), ((1..=9).collect(), vec![]));
    // Most of them: that is not believed.
    let (ids, doubts) = changed(1..=10, |users| _ = users.drain(1..));
    assert_eq!((ids, doubts.len()), ((1..=4).collect(), 1));
}

#[test]
fn who_moves_into_the_part_already_read_is_missed_and_that_is_said() {
    let to_the_front = |users: &mut Vec<u32>| {
        let last = users.pop().unwrap();
        users.insert(0, last);
    };
    let (ids, doubts) = changed(1..=10, to_the_front);
    assert_eq!(ids, (1..=9).collect::<Vec<_>>());
    assert!(doubts.len() == 1 && doubts[0].contains("moved to the part of the list that was already read"), "{doubts:?}");
    // A new one in front is only new.
    assert_eq!(changed(1..=10, |users| users.insert(0, 11)), ((1..=10).collect(), vec![]));
}

#[test]
fn a_list_that_is_turned_over_is_in_doubt() {
    let (_, doubts) = changed(1..=30, |users| *users = (101..=130).collect());
    assert!(doubts.len() == 1 && doubts[0].contains("was not found again"), "{doubts:?}");
}

#[test]
fn cursors_lead_through_the_list() {
    let connection = connection(&[("scim.paging", "cursor")]);
    let there = users(1..=10);
    let read = read(&connection, by_cursor(there.clone()), 3, || _ = there.borrow_mut().remove(0)).unwrap();
    assert_eq!((read.ids, read.doubts), ((1..=10).collect(), vec![]));
}

#[test]
fn auto_asks_what_the_server_offers_once() {
    for (config, place) in [
        (r#"{"patch":{"supported":true},"pagination":{"cursor":true,"index":true}}"#, "cursor="),
        (r#"{"patch":{"supported":true},"pagination":{"cursor":false,"index":true}}"#, "startIndex=1"),
        (r#"{"patch":{"supported":true}}"#, "startIndex=1"),
        ("<html>", "startIndex=1"),
    ] {
        let connection = connection(&[("scim.paging", "auto")]);
        let mut http = Scripted::new(|request: &Request| match request.url.as_str() {
            "https://h/v2/ServiceProviderConfig" => json(200, config),
            _ => answer(1, "", &[1]),
        });
        for _ in 0..2 {
            page(&connection, &mut http, Resource::User, &Scope::All, None, 5).unwrap();
        }
        let list = format!("GET /Users?{place}&count=5");
        assert_eq!(http.lines(), ["GET /ServiceProviderConfig", &list, &list]);
    }
}

#[test]
fn a_server_that_ignores_cursors_is_read_by_number() {
    let connection = connection(&[("scim.paging", "cursor")]);
    let serve = |request: &Request| {
        let start = parameter(&request.url, "startIndex").unwrap_or(1);
        answer(10, "", &(u32::try_from(start).unwrap()..=10).take(4).collect::<Vec<_>>())
    };
    assert_eq!(read(&connection, serve, 4, || {}).unwrap().ids, (1..=10).collect());
}

#[test]
fn cursors_that_lead_nowhere_end_the_read() {
    let connection = connection(&[("scim.paging", "cursor")]);
    let mut page = 0;
    let failures = [
        read(&connection, |_: &Request| answer(9, r#","nextCursor":"x""#, &[1]), 4, || {}),
        read(
            &connection,
            |_: &Request| {
                page += 1;
                answer(9, &format!(r#","nextCursor":"{page}""#), &[])
            },
            4,
            || {},
        ),
        read(&connection, |_: &Request| answer(9, r#","nextCursor":"x""#, &[1, 2, 3, 4, 5]), 4, || {}),
    ];
    for failure in failures {
        assert!(matches!(failure.err().unwrap().kind, Kind::Unsupported));
    }
}

#[test]
fn cursors_that_end_before_the_total_leave_a_doubt() {
    let connection = connection(&[("scim.paging", "cursor")]);
    let serve = |request: &Request| {
        if request.url.contains("cursor=x") { answer(9, "", &[3]) } else { answer(9, r#","nextCursor":"x""#, &[1, 2]) }
    };
    let read = read(&connection, serve, 4, || {}).unwrap();
    assert!(read.doubts.len() == 1 && read.doubts[0].contains("counts 9 resources but its cursors led to 3"), "{:?}", read.doubts);
}

#[derive(Clone, Debug)]
enum Change {
    Insert(prop::sample::Index),
    Delete(prop::sample::Index),
    Move(prop::sample::Index, prop::sample::Index),
}

fn come_and_go() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![any::<prop::sample::Index>().prop_map(Change::Insert), any::<prop::sample::Index>().prop_map(Change::Delete)];
    prop::collection::vec(prop::collection::vec(change, 0..4), 0..12)
}

/// One move, after some page. Of two, one may hide the other.
fn a_move() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let places = any::<(prop::sample::Index, prop::sample::Index)>();
    (places, 0usize..12).prop_map(|((from, to), page)| [vec![vec![]; page], vec![vec![Change::Move(from, to)]]].concat())
}

/// Read while all this happens. Who was there all the time, and what was read.
fn disturbed(total: u32, cap: usize, limit: u32, changes: Vec<Vec<Change>>) -> (BTreeSet<u32>, Read) {
    let there = users(1..=total);
    let stayed = RefCell::new((1..=total).collect::<BTreeSet<_>>());
    let (mut next, mut changes) = (1000, changes.into_iter());
    let between = || {
        for change in changes.next().unwrap_or_default() {
            let mut users = there.borrow_mut();
            match change {
                Change::Insert(at) => {
                    let at = at.index(users.len() + 1);
                    users.insert(at, next);
                    next += 1;
                }
                Change::Delete(at) if !users.is_empty() => {
                    let at = at.index(users.len());
                    stayed.borrow_mut().remove(&users.remove(at));
                }
                Change::Move(from, to) if !users.is_empty() => {
                    let (from, to) = (from.index(users.len()), to.index(users.len()));
                    let moved = users.remove(from);
                    users.insert(to, moved);
                }
                _ => {}
            }
        }
    };
    let read = read(&connection(&[]), by_index(there.clone(), cap), limit, between).unwrap();
    (stayed.into_inner(), read)
}

proptest! {
    #[test]
    fn who_stays_is_read_whoever_comes_and_goes(total in 1u32..60, cap in 2usize..20, limit in 3u32..20, changes in come_and_go()) {
        let (stayed, read) = disturbed(total, cap, limit, changes);
        prop_assert!(stayed.is_subset(&read.ids) || !read.doubts.is_empty(), "lost {:?}", stayed.difference(&read.ids).collect::<Vec<_>>());
    }

    #[test]
    fn who_moves_is_read_or_there_is_a_doubt(total in 1u32..60, cap in 2usize..20, limit in 3u32..20, changes in a_move()) {
        let (stayed, read) = disturbed(total, cap, limit, changes);
        prop_assert!(stayed.is_subset(&read.ids) || !read.doubts.is_empty(), "lost {:?}", stayed.difference(&read.ids).collect::<Vec<_>>());
    }
}
