//! Classes of characters: `[a-z&&[^b]]`, `\w`, `\p{L}`. They are worked out here into sets of code points.

use std::fmt::Write as _;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use super::property;
use super::tokens::{Flags, Token, Tokens};

/// Classes in classes; the reading is recursive.
const DEPTH: u32 = 50;

/// A set of code points.
#[derive(Clone, Debug)]
pub(super) struct Set(ClassUnicode);

impl Set {
    pub fn of(ranges: &[(char, char)]) -> Self {
        Self(ClassUnicode::new(ranges.iter().map(|(from, to)| ClassUnicodeRange::new(*from, *to))))
    }

    /// What `regex-syntax` knows under an expression like `\p{Lu}`; nothing if there is no such thing.
    pub fn named(expression: &str) -> Option<Self> {
        let hir = regex_syntax::Parser::new().parse(expression).ok()?;
        match hir.into_kind() {
            HirKind::Class(Class::Unicode(class)) => Some(Self(class)),
            HirKind::Literal(literal) => {
                let char = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
                Some(Self::of(&[(char, char)]))
            }
            _ => None,
        }
    }

    pub fn all() -> Self {
        Self::of(&[('\0', char::MAX)])
    }

    pub fn union(&mut self, other: &Self) {
        self.0.union(&other.0);
    }

    pub fn intersect(&mut self, other: &Self) {
        self.0.intersect(&other.0);
    }

    pub fn without(mut self, other: &Self) -> Self {
        self.0.difference(&other.0);
        self
    }

    pub fn negate(&mut self) {
        self.0.negate();
    }

    pub fn negated(mut self, negated: bool) -> Self {
        if negated {
            self.negate();
        }
        self
    }

    /// Both cases of every letter in it, as far as the flags want it.
    fn fold(&mut self, flags: Flags) {
        if !flags.ignore_case {
            return;
        }
        if flags.unicode_case {
            self.0.case_fold_simple();
            return;
        }
        let mut other_case = Vec::new();
        for range in self.0.ranges() {
            for (from, to, shift) in [(u32::from('a'), u32::from('z'), -32), (u32::from('A'), u32::from('Z'), 32)] {
                let (start, end) = (u32::from(range.start()).max(from), u32::from(range.end()).min(to));
                if start <= end {
                    let shifted = |code: u32| code.checked_add_signed(shift).and_then(char::from_u32);
                    other_case.extend(shifted(start).zip(shifted(end)));
                }
            }
        }
        self.union(&Self::of(&other_case));
    }

    /// As an expression of its own.
    pub fn write(&self, out: &mut String) {
        if self.0.ranges().is_empty() {
            out.push_str(r"[^\x{0}-\x{10ffff}]");
            return;
        }
        out.push('[');
        for range in self.0.ranges() {
            let _ = write!(out, r"\x{{{:x}}}", u32::from(range.start()));
            if range.end() > range.start() {
                let _ = write!(out, r"-\x{{{:x}}}", u32::from(range.end()));
            }
        }
        out.push(']');
    }
}

/// Behind an opening bracket, up to and past the closing one.
pub(super) fn read(tokens: &mut Tokens, flags: Flags) -> Result<Set, String> {
    class(tokens, flags, 0)
}

fn class(tokens: &mut Tokens, flags: Flags, depth: u32) -> Result<Set, String> {
    const OPEN: &str = "a class is not closed: [ without ]";
    if depth > DEPTH {
        return Err(format!("more than {DEPTH} classes stand one in another"));
    }
    let negated = tokens.takes('^', flags);
    // The intersection of what was read so far; nothing before the first `&&`.
    let mut whole: Option<Set> = None;
    let mut part = Set::of(&[]);
    let mut empty = true;
    loop {
        let token = tokens.next(flags).ok_or(OPEN)?;
        let item = match token {
            // At the beginning it stands for itself.
            Token { char: ']', quoted: false } if !empty || whole.is_some() => break,
            Token { char: '[', quoted: false } => class(tokens, flags, depth + 1)?,
            Token { char: '&', quoted: false } if tokens.sees('&', flags) => {
                tokens.next(flags);
                if tokens.sees('&', flags) {
                    return Err("&&& in a class means nothing clear; an ampersand itself is written \\&".to_owned());
                }
                if empty && whole.is_none() {
                    return Err("nothing stands before && in a class".to_owned());
                }
                meet(&mut whole, &mut part, empty);
                empty = true;
                continue;
            }
            token => match single(token, tokens, flags)? {
                Item::Set(set) => set,
                Item::Char(from) => {
                    let to = if tokens.sees('-', flags) { range_end(tokens, flags)? } else { None };
                    if to.is_some_and(|to| to < from) {
                        return Err(format!("the range {from}-{} ends before it begins", to.unwrap_or(from)));
                    }
                    let mut set = Set::of(&[(from, to.unwrap_or(from))]);
                    set.fold(flags);
                    set
                }
            },
        };
        part.union(&item);
        empty = false;
    }
    meet(&mut whole, &mut part, empty);
    Ok(whole.unwrap_or_else(Set::all).negated(negated))
}

/// Take in what stood between two `&&`; nothing between them changes nothing.
fn meet(whole: &mut Option<Set>, part: &mut Set, empty: bool) {
    if empty {
        return;
    }
    let part = std::mem::replace(part, Set::of(&[]));
    match whole {
        Some(whole) => whole.intersect(&part),
        None => *whole = Some(part),
    }
}

/// At the hyphen behind a character: what the range ends with. Nothing, and still before the hyphen, where that stands for itself.
fn range_end(tokens: &mut Tokens, flags: Flags) -> Result<Option<char>, String> {
    let mark = tokens.mark();
    tokens.next(flags);
    match tokens.next(flags) {
        Some(Token { char: ']' | '[', quoted: false }) | None => {
            tokens.back(mark);
            Ok(None)
        }
        Some(token) => match single(token, tokens, flags)? {
            Item::Char(char) => Ok(Some(char)),
            Item::Set(_) => Err("a range in a class ends with a character, not with a class".to_owned()),
        },
    }
}

enum Item {
    Char(char),
    Set(Set),
}

fn single(token: Token, tokens: &mut Tokens, flags: Flags) -> Result<Item, String> {
    if token.quoted || token.char != '\\' {
        return Ok(Item::Char(token.char));
    }
    let Some(token) = tokens.next_raw() else { return Err("a backslash stands at the end".to_owned()) };
    if let Some(set) = escaped(token.char, tokens, flags)? {
        return Ok(Item::Set(set));
    }
    match tokens.escaped_char(token.char)? {
        Some(char) => Ok(Item::Char(char)),
        None => Err(format!("\\{} means nothing in a class", token.char)),
    }
}

/// The class behind a backslash and this letter; nothing if the letter begins none.
pub(super) fn escaped(letter: char, tokens: &mut Tokens, flags: Flags) -> Result<Option<Set>, String> {
    let unicode = flags.unicode_classes;
    let named = |expression: &str| Set::named(expression).ok_or_else(|| format!("{expression} is not known"));
    let set = match letter.to_ascii_lowercase() {
        'd' if unicode => named(r"\d")?,
        'w' if unicode => named(r"\w")?,
        's' if unicode => named(r"\s")?,
        'd' => Set::of(&[('0', '9')]),
        'w' => Set::of(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        's' => Set::of(&[('\t', '\r'), (' ', ' ')]),
        'h' => Set::of(&[
            ('\t', '\t'),
            (' ', ' '),
            ('\u{A0}', '\u{A0}'),
            ('\u{1680}', '\u{1680}'),
            ('\u{180E}', '\u{180E}'),
            ('\u{2000}', '\u{200A}'),
            ('\u{202F}', '\u{202F}'),
            ('\u{205F}', '\u{205F}'),
            ('\u{3000}', '\u{3000}'),
        ]),
        'v' => Set::of(&[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')]),
        'p' => {
            let name = if tokens.takes('{', Flags::default()) {
                tokens.until('}').ok_or("\\p{ is not closed")?
            } else {
                tokens.next_raw().ok_or("behind \\p stands the name of a property")?.char.to_string()
            };
            let mut set = property::named(&name, unicode).ok_or_else(|| format!("the property \\p{{{name}}} is not known"))?;
            // Ignoring case, a property of one case is that of both.
            if flags.ignore_case && property::is_of_case(&name) {
                for other in property::CASES {
                    set.union(&property::named(&property::like(&name, other), unicode).unwrap_or_else(|| Set::of(&[])));
                }
            }
            set
        }
        _ => return Ok(None),
    };
    Ok(Some(set.negated(letter.is_ascii_uppercase())))
}
