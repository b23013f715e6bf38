//! BER as LDAP restricts it (RFC 4511 section 5.1): definite lengths, primitive strings, tags of one byte.
//!
//! The bytes come from a server nobody here vouches for. So nothing is copied before it is looked at, nothing recurses - an element is read into the next one's
//! reader by whoever knows what belongs there - and every length is checked against what is there. Lengths of more bytes than needed are accepted: Active Directory
//! writes them. `lber` would copy every value twice and recurse as deep as the input says; the tests hold the two against each other.

use std::fmt;

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const OCTET_STRING: u8 = 0x04;
pub const ENUMERATED: u8 = 0x0a;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// A context-specific tag with a primitive value.
pub const fn context(number: u8) -> u8 {
    0x80 | number
}

/// A context-specific tag with elements inside.
pub const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// The bytes are not what they should be; the text says what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The tag at the beginning, and where the content lies. Nothing where the header itself is not all there yet.
fn header(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, Malformed> {
    let [tag, first, rest @ ..] = bytes else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(Malformed("a tag of more than one byte"));
    }
    if *first < 0x80 {
        return Ok(Some((*tag, 2, usize::from(*first))));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 {
        return Err(Malformed("an indefinite length"));
    }
    if count > 8 {
        return Err(Malformed("a length of more than eight bytes"));
    }
    let Some(length) = rest.get(..count) else { return Ok(None) };
    let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    let length = u32::try_from(length).map_err(|_| Malformed("a length of more than four gigabytes"))?;
    Ok(Some((*tag, 2 + count, length as usize)))
}

/// How long the element at the beginning is, header included; nothing where too little is there to say.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    Ok(header(bytes)?.and_then(|(_, start, length)| start.checked_add(length)))
}

/// Elements one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element.
    pub fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Tag and content of the next element.
    pub fn any(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (tag, start, length) = header(self.0)?.ok_or(Malformed("an element is missing"))?;
        let end = start.checked_add(length).filter(|end| *end <= self.0.len()).ok_or(Malformed("an element longer than what it is in"))?;
        let content = &self.0[start..end];
        self.0 = &self.0[end..];
        Ok((tag, content))
    }

    /// The content of the next element, which has this tag.
    pub fn take(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.any()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed("an element of another type than expected")),
        }
    }

    /// The content of the next element if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.peek() == Some(tag) { self.take(tag).map(Some) } else { Ok(None) }
    }

    /// What is in the next element, which has this tag.
    pub fn inside(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.take(tag).map(Self)
    }

    /// An integer or an enumerated value of at most eight bytes.
    pub fn integer(&mut self, tag: u8) -> Result<i64, Malformed> {
        let content = self.take(tag)?;
        let (Some(first), true) = (content.first(), content.len() <= 8) else {
            return Err(Malformed("an integer of no or too many bytes"));
        };
        let sign = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(content.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte)))
    }

    /// The next element, which has this tag and holds UTF-8.
    pub fn text(&mut self, tag: u8) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.take(tag)?).map_err(|_| Malformed("a text that is not UTF-8"))
    }
}

/// Writes elements one after the other.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    pub fn bytes(&mut self, tag: u8, content: impl AsRef<[u8]>) {
        let content = content.as_ref();
        self.0.push(tag);
        write_length(content.len(), |bytes| self.0.extend_from_slice(bytes));
        self.0.extend_from_slice(content);
    }

    /// In as few bytes as hold it.
    pub fn integer(&mut self, tag: u8, value: i64) {
        let bytes = value.to_be_bytes();
        let needless = |i: &usize| (bytes[*i] == 0 && bytes[i + 1] & 0x80 == 0) || (bytes[*i] == 0xff && bytes[i + 1] & 0x80 != 0);
        let start = (0..7).take_while(needless).count();
        self.bytes(tag, &bytes[start..]);
    }

    pub fn boolean(&mut self, tag: u8, value: bool) {
        self.bytes(tag, [if value { 0xff } else { 0 }]);
    }

    /// An element with what `inside` writes in it.
    pub fn nested(&mut self, tag: u8, inside: impl FnOnce(&mut Self)) {
        self.0.push(tag);
        let start = self.0.len();
        inside(self);
        let length = self.0.len() - start;
        write_length(length, |bytes| _ = self.0.splice(start..start, bytes.iter().copied()));
    }
}

fn write_length(length: usize, mut put: impl FnMut(&[u8])) {
    if let Ok(short @ ..0x80) = u8::try_from(length) {
        return put(&[short]);
    }
    let bytes = (length as u64).to_be_bytes();
    let start = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut all = vec![0x80 | (8 - start).to_le_bytes()[0]];
    all.extend_from_slice(&bytes[start..]);
    put(&all);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_ber_of_ldap() {
        for (bytes, why) in [
            (&[0x1f, 0x81, 0x00][..], "a tag of more than one byte"),
            (&[0x30, 0x80, 0, 0], "an indefinite length"),
            (&[0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1], "a length of more than eight bytes"),
            (&[0x30, 0x85, 1, 0, 0, 0, 0], "a length of more than four gigabytes"),
        ] {
            assert_eq!(length(bytes), Err(Malformed(why)));
            assert!(Reader::new(bytes).any().is_err());
        }
        assert_eq!(length(&[0x30, 0x82, 1]), Ok(None), "not all of the length is there");
        assert_eq!(length(&[0x30, 0x84, 0, 0, 0, 3]), Ok(Some(9)), "as Active Directory writes it");
        assert!(Reader::new(&[0x04, 3, 1, 2]).take(OCTET_STRING).is_err());
        assert!(Reader::new(&[0x02, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]).integer(INTEGER).is_err());
        assert!(Reader::new(&[0x02, 0]).integer(INTEGER).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let mut reader = Reader::new(&bytes);
            while let Ok((_, content)) = reader.any() {
                prop_assert!(content.len() < bytes.len());
            }
            let _ = length(&bytes);
        }

        #[test]
        fn integers_come_back_and_another_library_reads_them(value in any::<i64>(), small in -300i64..300) {
            for value in [value, small] {
                let mut writer = Writer::default();
                writer.integer(INTEGER, value);
                let bytes = writer.finish();
                prop_assert_eq!(Reader::new(&bytes).integer(INTEGER), Ok(value));
                let (rest, tag) = lber::parse::parse_tag(&bytes).unwrap();
                prop_assert!(rest.is_empty());
                prop_assert_eq!(tag.expect_primitive().unwrap().len(), bytes.len() - 2);
            }
        }

        #[test]
        fn strings_of_any_length_come_back_and_another_library_agrees(content in prop::collection::vec(any::<u8>(), 0..70_000), depth in 0..20usize) {
            fn nest(writer: &mut Writer, depth: usize, content: &[u8]) {
                if depth == 0 { writer.bytes(OCTET_STRING, content) } else { writer.nested(SEQUENCE, |inside| nest(inside, depth - 1, content)) }
            }
            let mut writer = Writer::default();
            nest(&mut writer, depth, &content);
            let bytes = writer.finish();
            prop_assert_eq!(length(&bytes), Ok(Some(bytes.len())));
            let mut reader = Reader::new(&bytes);
            for _ in 0..depth {
                let inside = reader.inside(SEQUENCE).unwrap();
                prop_assert!(reader.is_empty());
                reader = inside;
            }
            prop_assert_eq!(reader.take(OCTET_STRING), Ok(&content[..]));
            let (rest, mut tag) = lber::parse::parse_tag(&bytes).unwrap();
            prop_assert!(rest.is_empty());
            for _ in 0..depth {
                tag = tag.expect_constructed().unwrap().remove(0);
            }
            prop_assert_eq!(tag.expect_primitive().unwrap(), content);
        }
    }
}
