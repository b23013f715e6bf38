//! From Java's regular expressions to those of `fancy-regex`.
//!
//! The expression is read as `java.util.regex.Pattern` reads it and written anew: flags are resolved here, classes become plain lists of code points (see
//! [`super::class`]), so that nothing depends on what the other engine takes a letter, a line end or a flag to be. What has no counterpart is an error.

use std::fmt::Write as _;

use super::class::{self, Set};
use super::tokens::{Flags, Token, Tokens};

/// Groups within groups; the reading is recursive.
const DEPTH: u32 = 100;
/// Atoms an expression may have once its counted repetitions are written out.
const ATOMS: u64 = 20_000;

/// A translated expression.
pub(super) struct Translated {
    pub text: String,
    /// It needs an engine that goes back and tries again; everything else takes time in proportion to the text.
    pub backtracks: bool,
    /// It continues where the last match ended (`\G`).
    pub continues: bool,
}

/// The characters of `\w` without `U`.
const WORD: &str = "[0-9A-Za-z_]";

struct Java {
    tokens: Tokens,
    flags: Flags,
    out: String,
    groups: u32,
    names: Vec<String>,
    depth: u32,
    /// It has to match a whole text, so that a `$` at its end says nothing new.
    whole: bool,
    backtracks: bool,
    continues: bool,
}

/// Translate an expression. `letters` are its flags, `whole`: it has to match the whole text.
pub(super) fn translate(body: &str, letters: &str, whole: bool) -> Result<Translated, String> {
    let mut flags = Flags::default();
    for letter in letters.chars() {
        if !flags.set(letter, true) {
            return Err(format!("there is no flag {letter}"));
        }
    }
    let mut java = Java {
        tokens: Tokens::of(body),
        flags,
        out: String::with_capacity(body.len() + 16),
        groups: 0,
        names: Vec::new(),
        depth: 0,
        whole,
        backtracks: false,
        continues: false,
    };
    java.alternatives()?;
    if java.tokens.peek(java.flags).is_some() {
        return Err("a closing parenthesis has no opening one".to_owned());
    }
    Ok(Translated { text: java.out, backtracks: java.backtracks, continues: java.continues })
}

impl Java {
    /// Up to the end of the group; how many atoms there are.
    fn alternatives(&mut self) -> Result<u64, String> {
        let mut atoms = 0u64;
        loop {
            let flags = self.flags;
            let Some(token) = self.tokens.peek(flags) else { break };
            match token {
                Token { char: ')', quoted: false } => break,
                Token { char: '|', quoted: false } => {
                    self.tokens.next(flags);
                    self.out.push('|');
                }
                _ => {
                    let start = self.out.len();
                    let cost = self.atom()?;
                    atoms = atoms.saturating_add(self.repeated(start, cost)?);
                }
            }
            if atoms > ATOMS {
                return Err(format!("it is too large: written out it has more than {ATOMS} parts"));
            }
        }
        Ok(atoms)
    }

    /// What a quantifier can stand behind.
    fn atom(&mut self) -> Result<u64, String> {
        let flags = self.flags;
        let Some(token) = self.tokens.next(flags) else { return Ok(0) };
        if token.quoted {
            self.literal(token.char);
            return Ok(1);
        }
        match token.char {
            '(' => return self.group(),
            '[' => {
                let set = class::read(&mut self.tokens, flags)?;
                self.set(&set);
            }
            '.' => self.out.push_str(match (flags.dot_all, flags.unix_lines) {
                (true, _) => "(?s:.)",
                (false, true) => r"[^\n]",
                (false, false) => r"[^\n\r\x{85}\x{2028}\x{2029}]",
            }),
            '^' if !flags.multiline => self.out.push_str(r"(?:\A)"),
            // Not at the end of the text, not even behind a line end; not between the two characters of one line end.
            '^' => self.looks(if flags.unix_lines {
                r"(?:(?!\z)(?:\A|(?<=\n)))"
            } else {
                r"(?:(?!\z)(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n)))"
            }),
            '$' => self.dollar(flags.multiline),
            '*' | '+' | '?' => return Err(format!("{} repeats nothing", token.char)),
            '{' => return Err("{ repeats nothing; a brace itself is written \\{".to_owned()),
            '\\' => self.escape()?,
            other => self.literal(other),
        }
        Ok(1)
    }

    fn dollar(&mut self, multiline: bool) {
        let flags = self.flags;
        if self.whole && self.depth == 0 && self.tokens.peek(flags).is_none() {
            return self.out.push_str("(?:)");
        }
        self.looks(match (multiline, flags.unix_lines) {
            (false, false) => r"(?=(?:\r\n|(?<!\r)\n|[\r\x{85}\x{2028}\x{2029}])?\z)",
            (false, true) => r"(?=\n?\z)",
            (true, false) => r"(?=\z|(?<!\r)\n|[\r\x{85}\x{2028}\x{2029}])",
            (true, true) => r"(?=\z|\n)",
        });
    }

    /// Something that looks around.
    fn looks(&mut self, text: &str) {
        self.backtracks = true;
        self.out.push_str(text);
    }

    fn literal(&mut self, char: char) {
        let flags = self.flags;
        if flags.ignore_case && flags.unicode_case {
            self.out.push_str("(?i:");
            push_char(char, &mut self.out);
            self.out.push(')');
        } else if flags.ignore_case && char.is_ascii_alphabetic() {
            let _ = write!(self.out, "[{}{}]", char.to_ascii_lowercase(), char.to_ascii_uppercase());
        } else {
            push_char(char, &mut self.out);
        }
    }

    fn set(&mut self, set: &Set) {
        set.write(&mut self.out);
    }

    fn escape(&mut self) -> Result<(), String> {
        let flags = self.flags;
        let Some(token) = self.tokens.next_raw() else { return Err("a backslash stands at the end".to_owned()) };
        let word = if flags.unicode_classes { r"\w" } else { WORD };
        match token.char {
            'A' => self.out.push_str(r"(?:\A)"),
            'z' => self.out.push_str(r"(?:\z)"),
            'Z' => self.dollar(false),
            'G' => {
                self.continues = true;
                self.looks(r"(?:\G)");
            }
            'b' if self.tokens.sees('{', Flags::default()) => return Err("\\b{g} is not supported".to_owned()),
            'b' => self.looks(&format!("(?:(?<={word})(?!{word})|(?<!{word})(?={word}))")),
            'B' => self.looks(&format!("(?:(?<={word})(?={word})|(?<!{word})(?!{word}))")),
            'R' => self.out.push_str(r"(?:\r\n|[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}])"),
            'X' => return Err("\\X is not supported".to_owned()),
            'N' => return Err("\\N{name} is not supported; \\x{h..h} names a character by its number".to_owned()),
            'k' => {
                if !self.tokens.takes('<', Flags::default()) {
                    return Err("\\k is not followed by <name>".to_owned());
                }
                let name = self.tokens.until('>').ok_or("\\k<name> is not closed")?;
                let Some(number) = self.names.iter().position(|known| *known == name) else {
                    return Err(format!("there is no group <{name}> before \\k<{name}>"));
                };
                // Names are kept at the places of their groups' numbers.
                self.back_reference(u32::try_from(number).unwrap_or(u32::MAX))?;
            }
            '1'..='9' => {
                let mut number = token.char.to_digit(10).unwrap_or(0);
                // A further digit belongs to it as long as there are that many groups.
                while let Some(digit) = self.tokens.peek(Flags::default()).and_then(|token| token.char.to_digit(10))
                    && number * 10 + digit <= self.groups
                {
                    number = number * 10 + digit;
                    self.tokens.next_raw();
                }
                self.back_reference(number)?;
            }
            other => match class::escaped(other, &mut self.tokens, flags)? {
                Some(set) => self.set(&set),
                None => match self.tokens.escaped_char(other)? {
                    Some(char) => self.literal(char),
                    None => return Err(format!("\\{other} means nothing")),
                },
            },
        }
        Ok(())
    }

    fn back_reference(&mut self, number: u32) -> Result<(), String> {
        self.backtracks = true;
        if number > self.groups {
            // Java: a reference to a group there is none (yet) of never matches.
            self.out.push_str("(?!)");
        } else if !self.flags.ignore_case {
            let _ = write!(self.out, r"(?:\{number})");
        } else if self.flags.unicode_case {
            let _ = write!(self.out, r"(?i:\{number})");
        } else {
            return Err(r"a back reference that ignores case is supported with (?iu) only".to_owned());
        }
        Ok(())
    }

    /// Behind an opening parenthesis.
    fn group(&mut self) -> Result<u64, String> {
        let outer = self.flags;
        if self.tokens.takes('?', outer) {
            let none = Flags::default();
            let Some(token) = self.tokens.next_raw() else { return Err("a parenthesis is not closed".to_owned()) };
            match token.char {
                ':' => self.out.push_str("(?:"),
                '=' => self.looks("(?="),
                '!' => self.looks("(?!"),
                '>' => self.looks("(?>"),
                '<' if self.tokens.takes('=', none) => self.looks("(?<="),
                '<' if self.tokens.takes('!', none) => self.looks("(?<!"),
                '<' => {
                    let name = self.tokens.until('>').ok_or("the name of a group is not closed")?;
                    if !name.starts_with(|char: char| char.is_ascii_alphabetic()) || !name.chars().all(|char| char.is_ascii_alphanumeric())
                    {
                        return Err(format!("<{name}> is no name of a group: it has letters and digits only"));
                    }
                    if self.names.contains(&name) {
                        return Err(format!("there are two groups <{name}>"));
                    }
                    self.open(Some(name));
                }
                _ => return self.flag_group(token.char, outer),
            }
        } else {
            self.open(None);
        }
        self.rest_of_group(outer)
    }

    /// A group that is numbered.
    fn open(&mut self, name: Option<String>) {
        self.groups += 1;
        let number = self.groups as usize;
        if let Some(name) = name {
            self.names.resize(number, String::new());
            self.names.push(name);
        }
        self.out.push('(');
    }

    fn rest_of_group(&mut self, outer: Flags) -> Result<u64, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("more than {DEPTH} groups stand one in another"));
        }
        let atoms = self.alternatives()?;
        self.depth -= 1;
        if !self.tokens.takes(')', self.flags) {
            return Err("a parenthesis is not closed".to_owned());
        }
        self.out.push(')');
        self.flags = outer;
        Ok(atoms.saturating_add(1))
    }

    /// `(?i-s)` for what follows, `(?i-s:...)` for what is in it.
    fn flag_group(&mut self, first: char, outer: Flags) -> Result<u64, String> {
        let mut flags = outer;
        let mut on = true;
        let mut letter = first;
        loop {
            match letter {
                '-' if on => on = false,
                ')' => {
                    self.flags = flags;
                    self.out.push_str("(?:)");
                    return Ok(0);
                }
                ':' => {
                    self.flags = flags;
                    self.out.push_str("(?:");
                    return self.rest_of_group(outer);
                }
                _ if flags.set(letter, on) => {}
                _ => return Err(format!("(?{letter} is no group and no flag of Java")),
            }
            letter = self.tokens.next_raw().ok_or("a parenthesis is not closed")?.char;
        }
    }

    /// The quantifier behind an atom that was written from `start` on; how many atoms this makes.
    fn repeated(&mut self, start: usize, cost: u64) -> Result<u64, String> {
        let flags = self.flags;
        let (text, times) = if self.tokens.takes('*', flags) {
            ("*".to_owned(), 1)
        } else if self.tokens.takes('+', flags) {
            ("+".to_owned(), 1)
        } else if self.tokens.takes('?', flags) {
            ("?".to_owned(), 1)
        } else if self.tokens.takes('{', flags) {
            self.counts()?
        } else {
            return Ok(cost);
        };
        self.out.push_str(&text);
        if self.tokens.takes('?', flags) {
            self.out.push('?');
        } else if self.tokens.takes('+', flags) {
            self.out.insert_str(start, "(?>");
            self.out.push(')');
            self.backtracks = true;
        }
        if let Some(Token { char: char @ ('*' | '+' | '?' | '{'), quoted: false }) = self.tokens.peek(flags) {
            return Err(format!("{char} repeats nothing"));
        }
        Ok(cost.saturating_mul(times))
    }

    /// Behind the opening brace of `{2,3}`.
    fn counts(&mut self) -> Result<(String, u64), String> {
        let wrong = || "a repetition is written {n}, {n,} or {n,m}; a brace itself is written \\{".to_owned();
        let none = Flags::default();
        let least = self.tokens.digits(10, 1, 9).ok_or_else(wrong)?;
        let most = if self.tokens.takes(',', none) {
            if self.tokens.sees('}', none) { None } else { Some(self.tokens.digits(10, 1, 9).ok_or_else(wrong)?) }
        } else {
            Some(least)
        };
        if !self.tokens.takes('}', none) {
            return Err(wrong());
        }
        match most {
            Some(most) if most < least => Err(format!("the repetition {{{least},{most}}} ends before it begins")),
            Some(most) => Ok((format!("{{{least},{most}}}"), u64::from(most.max(1)))),
            None => Ok((format!("{{{least},}}"), u64::from(least.max(1)))),
        }
    }
}

/// A character that stands for itself.
fn push_char(char: char, out: &mut String) {
    if char.is_alphanumeric() || matches!(char, '_' | '@' | '%' | '=' | ':' | ';' | ',' | '`' | '!' | '\'' | '"' | '/') {
        out.push(char);
    } else {
        let _ = write!(out, r"\x{{{:x}}}", u32::from(char));
    }
}
