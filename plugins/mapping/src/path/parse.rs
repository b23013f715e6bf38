//! From a path's text to its tokens.

use super::quoted::{closing, split_arguments, unescape_java, unescaped};
use super::{Argument, Function, Path, Token};
use crate::condition::Filter;
use crate::json::{Doc, Name, Node, Slot, Source, parse};
use crate::variables::Names;

/// How many tokens a path may have, and how deep filters and brackets may be nested: a bound on recursion.
const TOKENS: usize = 128;
const NESTING: u32 = 24;

/// Why a text is no path or no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("{}: {what}", place(text, *at))]
    Syntax { text: String, at: usize, what: String },
    /// A `${variable}` stands where only the text of the moment can tell what it means; the condition is compiled anew when it is evaluated.
    #[error("a variable stands where none can: `{0}`")]
    Variable(String),
}

impl ParseError {
    /// The same error as one of the text that `text` is a part of; the part starts at this byte.
    pub(crate) fn within(self, whole: &str, from: usize) -> Self {
        match self {
            Self::Syntax { at, what, .. } => Self::Syntax { text: whole.to_owned(), at: from + at, what },
            variable @ Self::Variable(_) => variable,
        }
    }
}

/// Where in a text: the text and what stands at the place, both cut to what a person takes in.
fn place(text: &str, at: usize) -> String {
    let cut = |text: &str, most: usize| {
        let cut: String = text.chars().take(most).collect();
        if cut.len() < text.len() { cut + "..." } else { cut }
    };
    match text.get(at..).map(str::trim_start) {
        _ if at == 0 => format!("at the start of `{}`", cut(text, 100)),
        None | Some("") => format!("at the end of `{}`", cut(text, 100)),
        Some(rest) => format!("at `{}` in `{}`", cut(rest, 20), cut(text, 100)),
    }
}

/// JSON that was known when the transformation was compiled: constants, default values, literals of conditions, quoted key names.
#[derive(Debug, Default)]
pub struct Constants {
    pub text: String,
    pub nodes: Vec<Node>,
}

impl Constants {
    /// Add a JSON text and answer its address.
    pub fn add(&mut self, json: &str) -> Result<Slot, crate::json::Error> {
        let (mut at, duplicates) = self.parse(json)?;
        if duplicates {
            // Parsed once more and no oftener: a key with an escape in it is taken for a possible duplicate every time.
            let clean = crate::json::without_duplicates(crate::json::Value { doc: &self.doc(), at });
            at = self.parse(&clean)?.0;
        }
        Ok(Slot { source: Source::Constants, at })
    }

    fn parse(&mut self, json: &str) -> Result<(u32, bool), crate::json::Error> {
        let from = self.text.len();
        self.text.push_str(json);
        parse(&self.text, from, &mut self.nodes)
    }

    pub fn doc(&self) -> Doc<'_> {
        Doc { source: Source::Constants, text: &self.text, nodes: &self.nodes }
    }
}

/// What paths and conditions are compiled with.
pub struct Compiler<'c> {
    pub constants: &'c mut Constants,
    /// Where `${name}` is looked up; nothing: `${` is plain text.
    pub variables: Option<&'c mut Names>,
    /// The system's properties, for the predicates that take a property's name.
    pub properties: &'c [(String, String)],
    /// Functions in paths that do not exist. They fail when they are read, so whoever loads a transformation should look here.
    pub unknown_functions: Vec<String>,
    nesting: u32,
}

impl<'c> Compiler<'c> {
    pub fn new(constants: &'c mut Constants, variables: Option<&'c mut Names>, properties: &'c [(String, String)]) -> Self {
        Self { constants, variables, properties, unknown_functions: Vec::new(), nesting: 0 }
    }

    /// Compile a path. `name.givenName` means `$.name.givenName`; trailing blanks do not count.
    pub fn path(&mut self, text: &str) -> Result<Path, ParseError> {
        let trimmed = text.trim_end();
        if trimmed.starts_with(['$', '@']) {
            return self.full_path(trimmed);
        }
        self.full_path(&format!("$.{trimmed}")).map_err(|error| match error {
            ParseError::Syntax { at, what, .. } => ParseError::Syntax { text: trimmed.to_owned(), at: at.saturating_sub(2), what },
            variable @ ParseError::Variable(_) => variable,
        })
    }

    fn full_path(&mut self, written: &str) -> Result<Path, ParseError> {
        let mut reader = Reader { text: written, at: 1 };
        if written == "$." {
            return Err(reader.error("an empty path"));
        }
        if self.variables.is_some() && written.contains("${") {
            // In a filter's string literal a variable is fine; those are looked at when the filter is read.
            let outside = written.split("[?").next().unwrap_or("");
            if outside.contains("${") {
                return Err(ParseError::Variable(written.to_owned()));
            }
        }
        if written.len() > 1 && written.ends_with('.') {
            return Err(reader.error("a path must not end with a dot"));
        }
        self.nest(&reader)?;
        let tokens = self.tokens(&mut reader);
        self.nesting -= 1;
        Ok(Path::new(written, written.starts_with('$'), tokens?))
    }

    fn nest(&mut self, reader: &Reader<'_>) -> Result<(), ParseError> {
        self.nesting += 1;
        if self.nesting > NESTING {
            self.nesting -= 1;
            return Err(reader.error("nested too deep"));
        }
        Ok(())
    }

    fn tokens(&mut self, reader: &mut Reader<'_>) -> Result<Vec<Token>, ParseError> {
        let mut tokens = Vec::new();
        if !reader.done() && !matches!(reader.peek(), b'.' | b'[') {
            return Err(reader.error("after $ or @ comes a dot or a bracket"));
        }
        while !reader.done() {
            if tokens.len() >= TOKENS {
                return Err(reader.error("a path of more than 128 parts"));
            }
            match reader.peek() {
                b'[' => tokens.push(self.bracket(reader)?),
                b'.' => {
                    reader.at += 1;
                    if reader.peek() == b'.' {
                        tokens.push(Token::Scan);
                        reader.at += 1;
                    }
                    if matches!(reader.peek(), b'.' | b' ' | 0) {
                        return Err(reader.error("a name is missing behind the dot"));
                    }
                }
                b'*' => {
                    reader.at += 1;
                    tokens.push(Token::Wildcard);
                }
                _ => tokens.push(self.name(reader)?),
            }
        }
        if matches!(tokens.last(), Some(Token::Scan)) {
            return Err(reader.error("a path must not end with .."));
        }
        Ok(tokens)
    }

    /// `name` or `name(...)`.
    fn name(&mut self, reader: &mut Reader<'_>) -> Result<Token, ParseError> {
        let rest = reader.rest();
        let end = rest.find(['.', '[', '(', ' ']).unwrap_or(rest.len());
        let name = &rest[..end];
        match rest.as_bytes().get(end) {
            Some(b' ') => {
                reader.at += end;
                return Err(reader.error("a blank in a name: write ['my name']"));
            }
            Some(b'(') => {}
            _ => {
                reader.at += end;
                return Ok(Token::Key(Name::new(name.into())));
            }
        }
        reader.at += end;
        let Some(close) = closing(reader.text, reader.at, b'(', b')', false) else {
            return Err(reader.error("the arguments of the function are not closed"));
        };
        let inside = &reader.text[reader.at + 1..close];
        let arguments = self.arguments(inside, reader)?;
        reader.at = close + 1;
        let function = Function::named(name, arguments);
        if let Function::Unknown(name) = &function {
            self.unknown_functions.push(name.to_string());
        }
        Ok(Token::Function(function))
    }

    fn arguments(&mut self, inside: &str, reader: &Reader<'_>) -> Result<Vec<Argument>, ParseError> {
        let mut arguments = Vec::new();
        for piece in split_arguments(inside) {
            let piece = piece.trim();
            if piece.is_empty() {
                continue;
            }
            arguments.push(if piece.starts_with(['$', '@']) {
                let from = reader.at + 1 + inside.find(piece).unwrap_or(0);
                Argument::Path(self.path(piece).map_err(|error| error.within(reader.text, from))?)
            } else {
                Argument::Json(self.constants.add(piece).map_err(|_| reader.error("an argument that is neither a path nor JSON"))?)
            });
        }
        Ok(arguments)
    }

    fn bracket(&mut self, reader: &mut Reader<'_>) -> Result<Token, ParseError> {
        match reader.significant(reader.at + 1) {
            b'\'' | b'"' => reader.keys(),
            b'*' => {
                let star = reader.skip_blanks(reader.at + 1);
                let close = reader.skip_blanks(star + 1);
                if reader.byte(close) != b']' {
                    return Err(reader.error("[*] is not closed"));
                }
                reader.at = close + 1;
                Ok(Token::Wildcard)
            }
            b'?' => self.filter(reader),
            b'0'..=b'9' | b'-' | b':' => reader.numbers(),
            _ => Err(reader.error("in brackets stands a 'name' in quotes, a number, a slice, * or ?(filter)")),
        }
    }

    fn filter(&mut self, reader: &mut Reader<'_>) -> Result<Token, ParseError> {
        let question = reader.skip_blanks(reader.at + 1);
        let open = reader.skip_blanks(question + 1);
        if reader.byte(open) != b'(' {
            return Err(reader.error("a filter is written [?(...)]"));
        }
        let Some(close) = closing(reader.text, open, b'(', b')', true) else {
            return Err(reader.error("the filter is not closed"));
        };
        let bracket = reader.skip_blanks(close + 1);
        if reader.byte(bracket) != b']' {
            return Err(reader.error("the filter's bracket is not closed"));
        }
        let filter = self.condition(&reader.text[open + 1..close]).map_err(|error| error.within(reader.text, open + 1))?;
        reader.at = bracket + 1;
        Ok(Token::Filter(Box::new(filter)))
    }

    /// Compile a condition: what stands in a filter's parentheses, or a mapping's `condition`.
    pub fn condition(&mut self, text: &str) -> Result<Filter, ParseError> {
        self.nest(&Reader { text, at: 0 })?;
        let filter = crate::condition::compile(self, text);
        self.nesting -= 1;
        filter
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn error(&self, what: impl Into<String>) -> ParseError {
        ParseError::Syntax { text: self.text.to_owned(), at: self.at, what: what.into() }
    }

    fn done(&self) -> bool {
        self.at >= self.text.len()
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn peek(&self) -> u8 {
        self.byte(self.at)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_blanks(&self, mut at: usize) -> usize {
        while self.byte(at) == b' ' {
            at += 1;
        }
        at
    }

    fn significant(&self, at: usize) -> u8 {
        self.byte(self.skip_blanks(at))
    }

    /// `['a']`, `["a"]`, `['a','b']`; all with the same kind of quote.
    fn keys(&mut self) -> Result<Token, ParseError> {
        let mut names: Vec<Box<str>> = Vec::new();
        let mut at = self.skip_blanks(self.at + 1);
        let quote = self.byte(at);
        loop {
            if self.byte(at) != quote {
                self.at = at;
                return Err(self.error("a name in quotes is missing"));
            }
            let start = at + 1;
            let Some(end) = unescaped(self.text, start, quote) else {
                return Err(self.error("the name's quote is not closed"));
            };
            names.push(unescape_java(&self.text[start..end]).into());
            at = self.skip_blanks(end + 1);
            match self.byte(at) {
                b',' => at = self.skip_blanks(at + 1),
                b']' => break,
                _ => {
                    self.at = at;
                    return Err(self.error("behind a name in brackets comes a comma or ]"));
                }
            }
        }
        self.at = at + 1;
        Ok(match <[Box<str>; 1]>::try_from(names) {
            Ok([name]) => Token::Key(Name::new(name)),
            Err(names) => Token::Keys(names.into()),
        })
    }

    /// `[1]`, `[1,2]`, `[1:2]`. A third part of a slice (the step) is ignored, as Jayway does.
    fn numbers(&mut self) -> Result<Token, ParseError> {
        let Some(length) = self.rest().find(']') else {
            return Err(self.error("the bracket is not closed"));
        };
        let inside = &self.text[self.at + 1..self.at + length];
        let integer = |part: &str| part.parse::<i32>().map_err(|_| self.error(format!("`{part}` is no index")));
        let token = if inside.contains(':') {
            let mut parts = inside.trim().split(':');
            let mut bound = || parts.next().filter(|part| !part.is_empty()).map(integer).transpose();
            match (bound()?, bound()?) {
                (None, None) => return Err(self.error("a slice needs a start or an end")),
                (from, to) => Token::Slice(from, to),
            }
        } else {
            let indexes = inside.split(',').map(|part| integer(part.trim())).collect::<Result<Vec<i32>, _>>()?;
            if let [index] = indexes[..] { Token::Index(index) } else { Token::Indexes(indexes.into()) }
        };
        self.at += length + 1;
        Ok(token)
    }
}
