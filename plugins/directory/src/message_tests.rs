use super::*;
use proptest::prelude::*;

/// `SEQUENCE { 7, <operation>, <controls> }`.
fn message(operation: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.nested(SEQUENCE, |message| {
        message.integer(INTEGER, 7);
        operation(message);
    });
    writer.finish()
}

fn put_result(writer: &mut Writer, code: i64, text: &[u8]) {
    writer.integer(ENUMERATED, code);
    writer.bytes(OCTET_STRING, "");
    writer.bytes(OCTET_STRING, text);
}

#[test]
fn a_search_as_the_rfc_writes_it() {
    let search =
        Search { base: "dc=x".into(), scope: Scope::Subtree, size_limit: 0, filter: Filter::everything(), attributes: vec!["cn".into()] };
    let control = Control { oid: "1.2.840.113556.1.4.319".into(), critical: true, value: Some(vec![1]) };
    let bytes = encode(2, &Request::Search(search), &[control]);
    let expected = "304f020102 6328 040464633d78 0a0102 0a0100 020100 020100 010100 870b6f626a656374436c617373 3004 0402636e\
        a020 301e 0416312e322e3834302e3131333535362e312e342e333139 0101ff 040101";
    let hex: String = bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let expected: String = expected.split_whitespace().collect();
    assert_eq!(hex, expected);
}

#[test]
fn an_entry_with_controls() {
    let bytes = message(|message| {
        message.nested(0x64, |entry| {
            entry.bytes(OCTET_STRING, "uid=a,dc=x");
            entry.nested(SEQUENCE, |list| {
                write_attribute(list, &Attribute { name: "cn;lang-de".into(), values: vec![b"A".to_vec(), vec![0xff]] });
                write_attribute(list, &Attribute { name: "mail".into(), values: vec![] });
            });
        });
        message.nested(context_constructed(0), |list| write_control(list, &Control { oid: "1.2".into(), critical: true, value: None }));
    });
    let Message { id: 7, response: Response::Entry(entry), .. } = decode(&bytes).unwrap() else { panic!("an entry") };
    assert_eq!(entry.dn, "uid=a,dc=x");
    assert_eq!(entry.attribute("CN;LANG-DE").unwrap().values, [b"A".to_vec(), vec![0xff]]);
    assert_eq!(entry.text("cn;lang-de"), Some("A"));
    assert_eq!(entry.texts("cn;lang-de").count(), 1, "the other is no text");
    assert_eq!(entry.text("mail"), None);
    assert_eq!(entry.controls.len(), 1);
}

#[test]
fn results_of_every_kind() {
    let referral = message(|message| {
        message.nested(0x65, |done| {
            put_result(done, 10, b"elsewhere\0");
            done.nested(context_constructed(3), |list| list.bytes(OCTET_STRING, "ldap://other/dc=x"));
        });
    });
    let result = LdapResult { code: 10, message: "elsewhere".into(), referrals: vec!["ldap://other/dc=x".into()] };
    assert_eq!(decode(&referral).unwrap().response, Response::Done { result, name: None });

    let notice = message(|message| {
        message.nested(0x78, |done| {
            put_result(done, 52, b"going down \xff");
            done.bytes(context(10), "1.3.6.1.4.1.1466.20036");
        });
    });
    let Response::Done { result, name } = decode(&notice).unwrap().response else { panic!("an end") };
    assert_eq!((result.code, name.as_deref()), (52, Some("1.3.6.1.4.1.1466.20036")));
    assert!(result.message.starts_with("going down"));

    let bind = message(|message| {
        message.nested(0x61, |done| {
            put_result(done, 14, b"");
            done.bytes(context(7), "more");
        });
    });
    assert!(matches!(decode(&bind).unwrap().response, Response::Done { result: LdapResult { code: 14, .. }, .. }));
}

#[test]
fn what_is_no_message() {
    let unknown = message(|message| message.bytes(0x7f & 0x63, "search"));
    for bytes in [&[][..], &[0x30, 0], &[0x30, 3, 2, 1, 1], &unknown, b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        assert!(decode(bytes).is_err(), "{bytes:?}");
    }
    let mut behind = message(|message| message.nested(0x65, |done| put_result(done, 0, b"")));
    behind.push(0);
    assert_eq!(decode(&behind), Err(Malformed("bytes behind a message")));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        let _ = decode(&bytes);
    }

    /// Damage in the middle of something that was right reaches further than noise.
    #[test]
    fn damaged_messages_are_read_or_refused(at in 0usize..80, to in any::<u8>()) {
        let mut bytes = message(|message| {
            message.nested(0x64, |entry| {
                entry.bytes(OCTET_STRING, "uid=a,dc=x");
                entry.nested(SEQUENCE, |list| write_attribute(list, &Attribute { name: "cn".into(), values: vec![b"Ada".to_vec()] }));
            });
            message.nested(context_constructed(0), |list| write_control(list, &Control { oid: "1.2".into(), critical: false, value: Some(vec![]) }));
        });
        let at = at % bytes.len();
        bytes[at] = to;
        let _ = decode(&bytes);
    }

    #[test]
    fn requests_are_whole_elements(dn in ".{0,40}", value in any::<Vec<u8>>(), id in 1i32..) {
        let attribute = Attribute { name: "cn".into(), values: vec![value.clone()] };
        for request in [
            Request::SimpleBind { dn: dn.clone(), password: dn.clone() },
            Request::ExternalBind,
            Request::Add { dn: dn.clone(), attributes: vec![attribute.clone()] },
            Request::Modify { dn: dn.clone(), changes: vec![(Change::Delete, attribute.clone())] },
            Request::ModifyDn { dn: dn.clone(), new_rdn: dn.clone(), new_superior: Some(dn.clone()) },
            Request::Delete { dn: dn.clone() },
            Request::Extended { name: "1.2", value: Some(value.clone()) },
            Request::Unbind,
        ] {
            let bytes = encode(id, &request, &[]);
            prop_assert_eq!(crate::ber::length(&bytes), Ok(Some(bytes.len())));
            let (rest, _) = lber::parse::parse_tag(&bytes).unwrap();
            prop_assert!(rest.is_empty());
        }
    }
}
