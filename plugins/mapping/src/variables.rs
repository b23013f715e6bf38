//! The names of variables, and texts with `${name}` in them.

/// Variables that are set from outside. A mapping that reads one of them while it is not set is left out without a word: the published write
/// transformations read `entityIdTargetSystem` also on create, where there is none yet.
pub(crate) const BUILT_IN: [&str; 5] =
    ["entityIdSourceSystem", "entityIdTargetSystem", "entityBaseLocation", "entityLocationSourceSystem", "currentDate"];

/// Variables the host takes over when the entity has been mapped.
pub(crate) const HOST_TAKES: [&str; 3] = ["entityIdSourceSystem", "entityIdTargetSystem", "entityLocationSourceSystem"];

/// Every variable a transformation names, numbered.
#[derive(Debug, Default)]
pub struct Names {
    names: Vec<Box<str>>,
}

impl Names {
    /// The number of this name, a new one if need be.
    pub fn number(&mut self, name: &str) -> u32 {
        let at = self.find(name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| &**known == name)
    }

    pub fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }

    /// All names, in the order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// A text with `${name}` in it, taken apart.
#[derive(Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    Variable(u32),
}

impl Template {
    /// Nothing if the text names no variable.
    pub fn parse(text: &str, names: &mut Names) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut from = 0;
        while let Some(open) = rest[from..].find("${").map(|at| from + at) {
            let Some(close) = rest[open..].find('}').map(|at| open + at) else { break };
            let name = &rest[open + 2..close];
            if !is_name(name) {
                from = open + 2;
                continue;
            }
            if open > 0 {
                parts.push(Part::Text(rest[..open].into()));
            }
            parts.push(Part::Variable(names.number(name)));
            rest = &rest[close + 1..];
            from = 0;
        }
        if parts.is_empty() {
            return None;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Some(Self { parts })
    }

    /// The text of the moment. A variable that is not there reads as `null`.
    pub fn render(&self, variables: &[String]) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(number) => out.push_str(variables.get(*number as usize).map_or("null", |text| text)),
            }
        }
        out
    }

    /// The numbers of the variables in it.
    pub fn variables(&self) -> impl Iterator<Item = u32> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(number) => Some(*number),
            Part::Text(_) => None,
        })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_in() {
        let mut names = Names::default();
        assert!(Template::parse("plain $x {y} ${ ${a b}", &mut names).is_none());
        let template = Template::parse("a${x}b${y}${x}", &mut names).expect("a template");
        assert_eq!(template.render(&["1".into(), "2".into()]), "a1b21");
        assert_eq!(template.render(&["1".into()]), "a1bnull1");
        assert_eq!(template.variables().collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(names.name(1), "y");
    }
}
