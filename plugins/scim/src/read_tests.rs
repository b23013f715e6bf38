//! Reading against servers of all kinds, good and bad.

use super::{Page, Scope, page};
use crate::{
    http::{Answer, Http, Request},
    resource::Resource,
    scripted::{Scripted, bare, connection, json, parameter},
};
use sdk::{AttributeValue, Failure, Kind};

fn user(number: usize) -> String {
    format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u{number}","userName":"user{number}","x" : 1.0}}"#)
}

fn list(total: Option<usize>, users: impl IntoIterator<Item = String>) -> Result<Answer, Failure> {
    let total = total.map_or_else(String::new, |total| format!(r#""totalResults": {total}, "#));
    json(200, format!(r#"{{{total}"Resources": [{}]}}"#, users.into_iter().collect::<Vec<_>>().join(", ")))
}

/// A server as it should be, with `total` users and at most `cap` a page.
fn paging(total: usize, cap: usize) -> impl FnMut(&Request) -> Result<Answer, Failure> {
    move |request| {
        let (start, count) = (parameter(&request.url, "startIndex").unwrap(), parameter(&request.url, "count").unwrap());
        list(Some(total), (start..=total).take(count.min(cap)).map(user))
    }
}

/// Read all pages, as the host does.
fn read_all(http: &mut impl Http, page_size: &str, limit: u32) -> Result<(Vec<String>, Vec<String>), Failure> {
    let connection = connection(&[("scim.page.size", page_size)]);
    let (mut ids, mut doubts, mut cursor) = (vec![], vec![], None);
    for _ in 0..100 {
        let Page { entities, unreadable, next, .. } = page(&connection, http, Resource::User, &Scope::All, cursor.as_deref(), limit)?;
        assert!(entities.len() + unreadable.len() <= limit as usize + 1);
        ids.extend(entities.into_iter().map(|entity| entity.id));
        doubts.extend(unreadable.into_iter().map(|(_, failure)| failure.message));
        match next {
            Some(next) => cursor = Some(next),
            None => return Ok((ids, doubts)),
        }
    }
    panic!("the read does not end");
}

fn expected(total: usize) -> Vec<String> {
    (1..=total).map(|number| format!("u{number}")).collect()
}

fn by(attribute: &str, value: &str) -> Vec<AttributeValue> {
    vec![AttributeValue { attribute: attribute.into(), value: value.into() }]
}

#[test]
fn pages_advance_by_what_came_and_stop_at_the_total() {
    let mut http = Scripted::new(paging(7, 2));
    assert_eq!(read_all(&mut http, "100", 3).unwrap().0, expected(7));
    // Each page begins with the last resource of the one before.
    let asked = [1, 2, 3, 4, 5, 6].map(|start| format!("GET /Users?startIndex={start}&count=3"));
    assert_eq!(http.lines(), asked);
    let accept = &http.seen[0].headers;
    assert_eq!(accept, &[("accept", "application/scim+json, application/json".to_owned())]);
}

#[test]
fn the_page_size_is_the_smaller_of_limit_and_property() {
    let mut http = Scripted::new(paging(0, 9));
    read_all(&mut http, "50", 1000).unwrap();
    read_all(&mut http, "50", 20).unwrap();
    assert_eq!(http.lines(), ["GET /Users?startIndex=1&count=50", "GET /Users?startIndex=1&count=20"]);
}

#[test]
fn documents_pass_through_as_they_are() {
    let mut http = Scripted::new(paging(1, 1));
    let page = page(&connection(&[]), &mut http, Resource::User, &Scope::All, None, 10).unwrap();
    assert_eq!((page.entities[0].document.as_str(), page.total, page.next), (user(1).as_str(), Some(1), None));
}

#[test]
fn without_a_total_the_empty_page_is_the_end() {
    let mut http = Scripted::new(|request: &Request| {
        let start = parameter(&request.url, "startIndex").unwrap();
        list(None, (start..=5).take(2).map(user))
    });
    assert_eq!(read_all(&mut http, "100", 2).unwrap(), (expected(5), vec![]));
    assert_eq!(http.seen.len(), 6);
}

#[test]
fn a_server_that_ignores_paging_is_read_once_through() {
    let mut http = Scripted::new(|_: &Request| list(Some(7), (1..=7).map(user)));
    assert_eq!(read_all(&mut http, "3", 100).unwrap(), (expected(7), vec![]));
}

#[test]
fn a_server_that_ignores_only_the_count_is_cut_to_the_limit() {
    let mut http = Scripted::new(paging_without_count(7));
    assert_eq!(read_all(&mut http, "100", 3).unwrap(), (expected(7), vec![]));
}

fn paging_without_count(total: usize) -> impl FnMut(&Request) -> Result<Answer, Failure> {
    move |request| list(Some(total), (parameter(&request.url, "startIndex").unwrap()..=total).map(user))
}

#[test]
fn a_server_that_repeats_a_page_ends_the_read() {
    for total in [None, Some(100)] {
        let mut http = Scripted::new(move |_: &Request| list(total, (1..=3).map(user)));
        let failure = read_all(&mut http, "3", 3).unwrap_err();
        assert!(matches!(failure.kind, Kind::Unsupported) && failure.message.contains("earlier page again"), "{}", failure.message);
    }
    // Begins again after its end instead of sending an empty page.
    let mut http = Scripted::new(|request: &Request| {
        let start = (parameter(&request.url, "startIndex").unwrap() - 1) % 6;
        list(None, (start + 1..=start + 3).map(user))
    });
    assert!(matches!(read_all(&mut http, "3", 3).unwrap_err().kind, Kind::Unsupported));
}

#[test]
fn a_list_that_ends_before_its_total_is_in_doubt() {
    let mut http = Scripted::new(|request: &Request| {
        let start = parameter(&request.url, "startIndex").unwrap();
        list(Some(10), (start..=4).take(2).map(user))
    });
    let (ids, doubts) = read_all(&mut http, "2", 2).unwrap();
    assert_eq!(ids, expected(4));
    assert!(doubts.len() == 1 && doubts[0].contains("counts 10 resources but sends none from number 5"), "{doubts:?}");
}

#[test]
fn a_resource_without_an_id_spoils_only_itself() {
    let resources = [user(1), r#"{"userName":"x"}"#.into(), "null".into(), r#"{"id":7}"#.into()];
    let mut http = Scripted::new(move |_: &Request| list(Some(4), resources.clone()));
    let page = page(&connection(&[]), &mut http, Resource::User, &Scope::All, None, 10).unwrap();
    assert_eq!(page.entities.iter().map(|entity| entity.id.as_str()).collect::<Vec<_>>(), ["u1", "7"]);
    assert_eq!(page.unreadable.len(), 2);
}

#[test]
fn what_is_not_a_list_is_no_empty_directory() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        "null",
        r#"{"detail":"x"}"#,
        r#"{"totalResults":-1}"#,
        r#"{"totalResults":1,"Resources":{}}"#,
        r#"{"totalResults":1"#,
    ] {
        let mut http = Scripted::new(move |_: &Request| json(200, body));
        assert!(read_all(&mut http, "9", 9).is_err(), "{body}");
    }
    for (body, count) in [
        (r#"{"totalResults":0}"#, 0),
        (r#"{"totalResults":"0","Resources":null}"#, 0),
        (r#"{"Resources":[]}"#, 0),
        ("\u{feff}{\"totalResults\":1,\"Resources\":[{\"id\":\"a\"}]}", 1),
    ] {
        let mut http = Scripted::new(move |_: &Request| json(200, body));
        assert_eq!(read_all(&mut http, "9", 9).unwrap().0.len(), count, "{body}");
    }
}

#[test]
fn one_id_or_nothing() {
    let mut http = Scripted::new(|request: &Request| match request.url.as_str() {
        "https://h/v2/Users/a%2Fb" => json(200, r#"{"id":"a/b"}"#),
        _ => json(404, r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"User 'nope' not found"}"#),
    });
    let connection = connection(&[("scim.user.filter", "x pr")]);
    let mut ids = |id: &str| {
        let page = page(&connection, &mut http, Resource::User, &Scope::ById(id.into()), None, 1).unwrap();
        page.entities.into_iter().map(|entity| entity.id).collect::<Vec<_>>()
    };
    assert_eq!((ids("a/b"), ids("nope")), (vec!["a/b".to_owned()], vec![]));
}

#[test]
fn attributes_become_a_filter_behind_the_configured_one() {
    let mut http = Scripted::new(|_: &Request| list(Some(2), [user(1), user(2)]));
    let connection = connection(&[("scim.user.filter", r#"timezone eq "US""#), ("scim.group.filter", "x pr")]);
    let scope = Scope::ByAttributes(by("userName", r#""USER2""#));
    let page = page(&connection, &mut http, Resource::User, &scope, None, 10).unwrap();
    assert_eq!(page.entities.iter().map(|entity| entity.id.as_str()).collect::<Vec<_>>(), ["u2"], "a server that ignores the filter");
    let filter = "timezone%20eq%20%22US%22%20and%20userName%20eq%20%22USER2%22";
    assert_eq!(http.lines(), [format!("GET /Users?startIndex=1&count=10&filter={filter}")]);
}

#[test]
fn redirects_are_followed_five_times() {
    let mut http = Scripted::new(|request: &Request| match request.url.as_str() {
        "https://h/v2/Users?startIndex=1&count=9" => bare(308, &[("location", "/v3/Users?startIndex=1&count=9")]),
        "https://h/v3/Users?startIndex=1&count=9" => list(Some(1), [user(1)]),
        other => panic!("{other}"),
    });
    assert_eq!(read_all(&mut http, "9", 9).unwrap().0, expected(1));
    let mut http = Scripted::new(|request: &Request| bare(302, &[("location", request.url.as_str())]));
    assert!(read_all(&mut http, "9", 9).unwrap_err().message.contains("more than 5 times"));
    assert_eq!(http.seen.len(), 6);
}

#[test]
fn cursors_of_others_are_refused() {
    for cursor in ["", "x", "{}", r#"{"start":0,"total":null,"first":null,"previous":null}"#] {
        let mut http = Scripted::new(paging(1, 1));
        assert!(page(&connection(&[]), &mut http, Resource::User, &Scope::All, Some(cursor), 1).is_err(), "{cursor}");
        assert!(http.seen.is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn every_server_that_pages_is_read_whole(total in 0usize..60, cap in 1usize..20, size in 2u32..20) {
        let mut http = Scripted::new(paging(total, cap));
        // A single id at both ends of every page would look like no progress only if it were the same id.
        let (ids, doubts) = read_all(&mut http, "100", size).unwrap();
        proptest::prop_assert_eq!(ids, expected(total));
        proptest::prop_assert!(doubts.is_empty());
    }

    #[test]
    fn any_body_is_read_or_refused(body in proptest::prelude::any::<Vec<u8>>()) {
        let mut http = Scripted::new(move |_: &Request| Ok(Answer { status: 200, headers: vec![], body: body.clone() }));
        let _ = read_all(&mut http, "9", 9);
    }

    #[test]
    fn any_list_response_ends(total in proptest::option::of(0u64..200), ids in proptest::collection::vec(proptest::option::of("[a-c]"), 0..5)) {
        let mut http = Scripted::new(move |_: &Request| {
            list(total.map(|t| usize::try_from(t).unwrap()), ids.iter().map(|id| id.as_ref().map_or("{}".to_owned(), |id| format!(r#"{{"id":"{id}"}}"#))))
        });
        let connection = connection(&[]);
        let mut cursor = None;
        for turn in 0.. {
            proptest::prop_assert!(turn < 250);
            match page(&connection, &mut http, Resource::User, &Scope::All, cursor.as_deref(), 3) {
                Ok(Page { next: Some(next), .. }) => cursor = Some(next),
                _ => break,
            }
        }
    }
}
