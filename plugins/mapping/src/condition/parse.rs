//! From a condition's text to its tree.

use super::literal::strict_json;
use super::predicate::Predicate;
use super::{AND, Compiler, Filter, NOT, OR, Operand, Operator, ParseError, Pattern};
use crate::json::number;
use crate::nearest::nearest;
use crate::path::{closing, unescape_java, unescaped};
use crate::variables::Template;

/// How many operands one condition may have: together with the nesting bound this bounds the work of one evaluation.
const DEPTH: u32 = 48;

pub(crate) fn compile(compiler: &mut Compiler<'_>, text: &str) -> Result<Filter, ParseError> {
    let mut parser = Parser { compiler, text, at: 0, depth: 0 };
    let filter = parser.or()?;
    parser.blanks();
    if parser.at < text.len() {
        let rest = parser.rest();
        let what = match rest.bytes().next() {
            Some(b'&') => "and is written &&".to_owned(),
            Some(b'|') => "or is written ||".to_owned(),
            Some(b')') => "this parenthesis was not opened".to_owned(),
            _ => match rest.bytes().take_while(u8::is_ascii_alphabetic).count() {
                0 => "an operator, && or || is expected".to_owned(),
                length => unknown_word(&rest[..length]),
            },
        };
        return Err(parser.error(what));
    }
    Ok(filter)
}

/// A word where an operator is expected.
fn unknown_word(word: &str) -> String {
    let hint = match &*word.to_ascii_lowercase() {
        "and" => "did you mean &&?".to_owned(),
        "or" => "did you mean ||?".to_owned(),
        "is" | "eq" | "equals" => "did you mean ==?".to_owned(),
        "ne" | "not" => "did you mean != (or NIN for `not in`)?".to_owned(),
        "matches" | "like" => "did you mean =~?".to_owned(),
        _ => match nearest(word, Operator::WORDS.map(|(known, _)| known)) {
            Some(known) => format!("did you mean {known}?"),
            None => format!("there are {}, && and ||", Operator::WORDS.map(|(known, _)| known).join(", ")),
        },
    };
    format!("`{word}` is no operator; {hint}")
}

struct Parser<'p, 'c> {
    compiler: &'p mut Compiler<'c>,
    text: &'p str,
    at: usize,
    depth: u32,
}

impl Parser<'_, '_> {
    fn error(&self, what: impl Into<String>) -> ParseError {
        ParseError::Syntax { text: self.text.to_owned(), at: self.at, what: what.into() }
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn blanks(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    fn or(&mut self) -> Result<Filter, ParseError> {
        let mut operands = vec![self.and()?];
        while self.take(OR) {
            operands.push(self.and()?);
        }
        Ok(if operands.len() == 1 { operands.remove(0) } else { Filter::Or(operands) })
    }

    fn and(&mut self) -> Result<Filter, ParseError> {
        let mut operands = vec![self.operand()?];
        while self.take(AND) {
            operands.push(self.operand()?);
        }
        Ok(if operands.len() == 1 { operands.remove(0) } else { Filter::And(operands) })
    }

    fn operand(&mut self) -> Result<Filter, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error("nested too deep"));
        }
        self.blanks();
        let filter = match self.peek() {
            NOT => {
                let from = self.at;
                self.at += 1;
                self.blanks();
                // Before a path the sign belongs to the exists test.
                if matches!(self.peek(), b'$' | b'@') {
                    self.at = from;
                    self.comparison()?
                } else {
                    Filter::Not(Box::new(self.operand()?))
                }
            }
            b'(' => {
                self.at += 1;
                let inner = self.or()?;
                if !self.take(")") {
                    return Err(self.error("a closing parenthesis is missing"));
                }
                inner
            }
            byte if byte.is_ascii_alphabetic() && self.called().is_some() => self.predicate()?,
            _ => self.comparison()?,
        };
        self.depth -= 1;
        Ok(filter)
    }

    /// The length of a name that an opening parenthesis follows.
    fn called(&self) -> Option<usize> {
        let rest = self.rest();
        let end = rest.find(|char: char| !char.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest[end..].trim_start().starts_with('(').then_some(end)
    }

    fn predicate(&mut self) -> Result<Filter, ParseError> {
        let name = self.rest()[..self.called().unwrap_or(0)].to_owned();
        let open = self.at + self.rest().find('(').unwrap_or(0);
        let Some(close) = closing(self.text, open, b'(', b')', false) else {
            return Err(self.error("a closing parenthesis is missing"));
        };
        let arguments = &self.text[open + 1..close];
        let predicate = match Predicate::compile(self.compiler, &name, arguments) {
            Ok(predicate) => predicate,
            Err(Ok(what)) => return Err(self.error(what)),
            Err(Err(error)) => {
                let from = if let ParseError::Syntax { text, .. } = &error { arguments.find(&**text).unwrap_or(0) } else { 0 };
                return Err(error.within(self.text, open + 1 + from));
            }
        };
        self.at = close + 1;
        Ok(Filter::Predicate(predicate))
    }

    fn comparison(&mut self) -> Result<Filter, ParseError> {
        self.blanks();
        let negated = self.peek() == b'!';
        if negated {
            self.at += 1;
            self.blanks();
        }
        let left = self.value()?;
        self.blanks();
        match self.operator()? {
            Some(operator) => Ok(Filter::Compare(left, operator, self.value()?)),
            None => match left {
                Operand::Path(path) => Ok(Filter::Exists(path, !negated)),
                _ => Err(self.error("a value alone is no condition: an operator is missing")),
            },
        }
    }

    fn operator(&mut self) -> Result<Option<Operator>, ParseError> {
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| matches!(byte, b'<' | b'>' | b'=' | b'~' | b'!')).count();
        if length > 0 {
            let sign = &rest[..length];
            let Some((_, operator)) = Operator::SIGNS.iter().find(|(known, _)| *known == sign) else {
                let hint = match sign {
                    "=" => "did you mean ==?",
                    "<>" | "!" => "did you mean !=?",
                    "=<" => "did you mean <=?",
                    "=>" => "did you mean >=?",
                    "~" | "~=" | "==~" => "did you mean =~?",
                    _ => "there are == != === !== < <= > >= =~",
                };
                return Err(self.error(format!("`{sign}` is no operator; {hint}")));
            };
            self.at += length;
            return Ok(Some(*operator));
        }
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if length == 0 {
            return Ok(None);
        }
        let word = &rest[..length];
        let Some((_, operator)) = Operator::WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) else {
            return Err(self.error(unknown_word(word)));
        };
        self.at += length;
        Ok(Some(*operator))
    }

    fn value(&mut self) -> Result<Operand, ParseError> {
        self.blanks();
        match self.peek() {
            b'$' | b'@' => self.path().map(Operand::Path),
            quote @ (b'\'' | b'"') => {
                let from = self.at + 1;
                let end = unescaped(self.text, from, quote).ok_or_else(|| self.error("the quote is not closed"))?;
                let content = unescape_java(&self.text[from..end]);
                self.at = end + 1;
                let template = self.compiler.variables.as_deref_mut().and_then(|names| Template::parse(&content, names));
                Ok(template.map_or_else(|| Operand::Text(content.into()), Operand::Template))
            }
            b'/' => self.pattern(),
            opening @ (b'[' | b'{') => {
                let end = closing(self.text, self.at, opening, if opening == b'[' { b']' } else { b'}' }, false);
                let end = end.ok_or_else(|| self.error("the bracket is not closed"))?;
                let text = &self.text[self.at..=end];
                self.without_variable(text)?;
                let json = strict_json(text).ok_or_else(|| self.error("this is no JSON"))?;
                let slot = self.compiler.constants.add(&json).map_err(|error| self.error(format!("this is no JSON: {error}")))?;
                self.at = end + 1;
                Ok(Operand::Json(slot))
            }
            b'-' | b'0'..=b'9' => {
                let length = self.rest().bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'.' | b'e' | b'E')).count();
                let text = &self.rest()[..length];
                let canonical = number::canonical(text).ok_or_else(|| self.error("this is no number"))?;
                self.at += length;
                Ok(Operand::Number(canonical.into()))
            }
            _ => {
                for (word, operand) in [("true", Operand::Bool(true)), ("false", Operand::Bool(false)), ("null", Operand::Null)] {
                    if self.rest().starts_with(word) {
                        self.at += word.len();
                        return Ok(operand);
                    }
                }
                let rest = self.rest();
                if let Some(quote) = rest.chars().next().filter(|char| "\u{2018}\u{2019}\u{201c}\u{201d}`\u{b4}".contains(*char)) {
                    return Err(self.error(format!("{quote} is no quote here; a text stands in straight quotes, 'text'")));
                }
                let word: String = rest.chars().take_while(|char| char.is_alphanumeric() || "_-.".contains(*char)).collect();
                Err(self.error(if word.is_empty() {
                    "a value is expected: a $path, an @path, 'text', a number, true, false, null, [list] or /regular expression/".to_owned()
                } else {
                    format!("a text stands in quotes and a path starts with $ or @: '{word}' or $.{word}")
                }))
            }
        }
    }

    fn without_variable(&mut self, text: &str) -> Result<(), ParseError> {
        let template = self.compiler.variables.as_deref_mut().and_then(|names| Template::parse(text, names));
        if template.is_some() { Err(ParseError::Variable(text.to_owned())) } else { Ok(()) }
    }

    /// A path ends at a blank, at a comparison sign or at a parenthesis it did not open; what stands in brackets belongs to it.
    fn path(&mut self) -> Result<crate::path::Path, ParseError> {
        let from = self.at;
        let bytes = self.text.as_bytes();
        let mut at = from + 1;
        if bytes.get(at) == Some(&b'{') && self.compiler.variables.is_some() {
            return Err(ParseError::Variable(self.rest().to_owned()));
        }
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'[' => {
                    let Some(end) = closing(self.text, at, b'[', b']', true) else {
                        self.at = at;
                        return Err(self.error("the bracket is not closed"));
                    };
                    at = end;
                }
                b'(' => {
                    let Some(end) = closing(self.text, at, b'(', b')', false) else {
                        self.at = at;
                        return Err(self.error("the parenthesis is not closed"));
                    };
                    at = end;
                }
                b')' | b'<' | b'>' | b'=' | b'~' | b'!' => break,
                _ if byte.is_ascii_whitespace() => break,
                _ => {}
            }
            at += 1;
        }
        let path = self.compiler.path(&self.text[from..at]).map_err(|error| error.within(self.text, from))?;
        self.at = at;
        Ok(path)
    }

    fn pattern(&mut self) -> Result<Operand, ParseError> {
        let from = self.at + 1;
        let end = unescaped(self.text, from, b'/').ok_or_else(|| self.error("the regular expression is not closed"))?;
        let flags = self.text[end + 1..].bytes().take_while(|byte| b"dixmsuU".contains(byte)).count();
        let body = &self.text[from..end];
        self.without_variable(body)?;
        let pattern = Pattern::compile(body, &self.text[end + 1..end + 1 + flags]).map_err(|what| self.error(what))?;
        self.at = end + 1 + flags;
        Ok(Operand::Pattern(Box::new(pattern)))
    }
}
