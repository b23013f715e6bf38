//! The characters of an expression, one after the other, and the flags in force.

/// The flags in force at a place.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are Java's seven flags")]
pub(super) struct Flags {
    /// `i`: of ASCII letters, unless `unicode_case`.
    pub ignore_case: bool,
    /// `u`
    pub unicode_case: bool,
    /// `d`: only `\n` ends a line.
    pub unix_lines: bool,
    /// `m`: `^` and `$` also at the ends of lines.
    pub multiline: bool,
    /// `s`: the dot takes line ends too.
    pub dot_all: bool,
    /// `x`: white space and `#` comments are left out.
    pub comments: bool,
    /// `U`: `\w`, `\d`, `\s` and the POSIX classes are those of Unicode.
    pub unicode_classes: bool,
}

impl Flags {
    /// Set or clear the flag of a letter; false if there is none.
    pub fn set(&mut self, letter: char, on: bool) -> bool {
        match letter {
            'i' => self.ignore_case = on,
            'u' => self.unicode_case = on,
            'd' => self.unix_lines = on,
            'm' => self.multiline = on,
            's' => self.dot_all = on,
            'x' => self.comments = on,
            'U' => {
                self.unicode_classes = on;
                self.unicode_case = on;
            }
            _ => return false,
        }
        true
    }
}

/// A character of the expression; one from between `\Q` and `\E` stands for itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub char: char,
    pub quoted: bool,
}

/// The characters of an expression and where the reading is.
pub(super) struct Tokens {
    all: Vec<Token>,
    at: usize,
}

impl Tokens {
    pub fn of(body: &str) -> Self {
        let mut all = Vec::with_capacity(body.len());
        let mut rest = body;
        let plain = |all: &mut Vec<Token>, text: &str, quoted| all.extend(text.chars().map(|char| Token { char, quoted }));
        // An escaped backslash before a Q does not quote.
        let mut from = 0;
        while let Some(at) = rest[from..].find('\\').map(|at| from + at) {
            if rest[at + 1..].starts_with('Q') {
                plain(&mut all, &rest[..at], false);
                let quoted = &rest[at + 2..];
                let end = quoted.find("\\E");
                plain(&mut all, &quoted[..end.unwrap_or(quoted.len())], true);
                rest = end.map_or("", |end| &quoted[end + 2..]);
                from = 0;
            } else {
                from = at + 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8);
            }
        }
        plain(&mut all, rest, false);
        Self { all, at: 0 }
    }

    /// Where the reading is, to come back to.
    pub fn mark(&self) -> usize {
        self.at
    }

    pub fn back(&mut self, mark: usize) {
        self.at = mark;
    }

    /// The next character, whatever it is.
    pub fn next_raw(&mut self) -> Option<Token> {
        let token = self.all.get(self.at).copied();
        self.at += usize::from(token.is_some());
        token
    }

    /// In comment mode past white space and comments.
    fn skip(&mut self, flags: Flags) {
        while flags.comments
            && let Some(Token { char, quoted: false }) = self.all.get(self.at)
        {
            match char {
                ' ' | '\t' | '\n' | '\x0B' | '\x0C' | '\r' => self.at += 1,
                '#' => {
                    let rest = &self.all[self.at..];
                    self.at += rest.iter().position(|token| ends_line(token.char, flags.unix_lines)).unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    pub fn peek(&mut self, flags: Flags) -> Option<Token> {
        self.skip(flags);
        self.all.get(self.at).copied()
    }

    pub fn next(&mut self, flags: Flags) -> Option<Token> {
        self.skip(flags);
        self.next_raw()
    }

    /// Whether this character follows, not quoted.
    pub fn sees(&mut self, char: char, flags: Flags) -> bool {
        self.peek(flags) == Some(Token { char, quoted: false })
    }

    /// The same, and past it.
    pub fn takes(&mut self, char: char, flags: Flags) -> bool {
        let sees = self.sees(char, flags);
        self.at += usize::from(sees);
        sees
    }

    /// Up to this character and past it.
    pub fn until(&mut self, end: char) -> Option<String> {
        let length = self.all[self.at..].iter().position(|token| token.char == end)?;
        let text = self.all[self.at..self.at + length].iter().map(|token| token.char).collect();
        self.at += length + 1;
        Some(text)
    }

    /// A number of `least` to `most` digits.
    pub fn digits(&mut self, radix: u32, least: usize, most: usize) -> Option<u32> {
        let found = self.all[self.at..].iter().take(most).take_while(|token| !token.quoted && token.char.is_digit(radix)).count();
        if found < least {
            return None;
        }
        let value = self.all[self.at..self.at + found]
            .iter()
            .try_fold(0u32, |sum, token| sum.checked_mul(radix)?.checked_add(token.char.to_digit(radix)?))?;
        self.at += found;
        Some(value)
    }

    /// What stands for a character behind a backslash: `t`, `x41`, `u00e9`, `cA`, `012`. Nothing if it is none of these; it is behind the first letter then.
    pub fn escaped_char(&mut self, first: char) -> Result<Option<char>, String> {
        let code = match first {
            't' => 9,
            'n' => 10,
            'r' => 13,
            'f' => 12,
            'a' => 7,
            'e' => 0x1B,
            'c' => match self.next_raw() {
                Some(token) if token.char.is_ascii() => u32::from(token.char) ^ 64,
                _ => return Err("behind \\c stands the letter of a control character".to_owned()),
            },
            '0' => {
                let most = if self.all.get(self.at).is_some_and(|token| ('0'..='3').contains(&token.char)) { 3 } else { 2 };
                self.digits(8, 1, most).ok_or("behind \\0 stands an octal number")?
            }
            'x' => {
                if self.all.get(self.at).is_some_and(|token| token.char == '{' && !token.quoted) {
                    self.at += 1;
                    let text = self.until('}').ok_or("\\x{ is not closed")?;
                    u32::from_str_radix(&text, 16).map_err(|_| format!("\\x{{{text}}} is no hexadecimal number"))?
                } else {
                    self.digits(16, 2, 2).ok_or("behind \\x stand two hexadecimal digits")?
                }
            }
            'u' => {
                let unit = self.digits(16, 4, 4).ok_or("behind \\u stand four hexadecimal digits")?;
                if (0xD800..0xDC00).contains(&unit) && self.all[self.at..].iter().map(|token| token.char).take(2).eq(['\\', 'u']) {
                    self.at += 2;
                    match self.digits(16, 4, 4) {
                        Some(low) if (0xDC00..0xE000).contains(&low) => 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00),
                        _ => return Err("half a character stands alone: \\u of two halves gives one".to_owned()),
                    }
                } else {
                    unit
                }
            }
            other if other.is_ascii_alphanumeric() => return Ok(None),
            other => u32::from(other),
        };
        char::from_u32(code).map(Some).ok_or_else(|| format!("there is no character {code:X}"))
    }
}

/// Whether this character ends a line.
fn ends_line(char: char, unix: bool) -> bool {
    if unix { char == '\n' } else { matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}') }
}
