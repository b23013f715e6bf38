//! The conversions of codes and dates, on a value in hand.

use super::codes::{Country, Region};
use super::date::{DateFormat, Shift};
use super::{Format, Function, Kind};
use crate::apply::{Fault, Run};
use crate::output::{Id, Key};

impl Run<'_> {
    /// `convertCountryCode` and `convertCountryRegion` on an object. What is missing or empty is left as it is.
    pub(super) fn convert_attributes(&mut self, function: &Function, object: Id) -> Result<(), Fault> {
        match &function.kind {
            Kind::CountryCode { format, input, output } => {
                let Some(text) = input.iter().find_map(|key| self.attribute(object, *key)) else { return Ok(()) };
                let country = Country::find(&text).ok_or_else(|| self.no_country(function))?;
                self.put(object, *output, country.written(*format));
            }
            Kind::CountryRegion { format, region, country, output } => {
                let Some(text) = self.attribute(object, *region) else { return Ok(()) };
                let country = country.and_then(|key| self.attribute(object, key)).unwrap_or_default();
                let found = Region::find(&text, Country::find(&country)).ok_or_else(|| self.no_region(function))?;
                self.put(object, *output, &found.written(*format));
            }
            _ => {}
        }
        Ok(())
    }

    /// An attribute's text, unless it is blank.
    fn attribute(&mut self, object: Id, key: Key) -> Option<String> {
        let member = self.member(object, key)?;
        self.content(member).filter(|text| !text.trim().is_empty())
    }

    fn put(&mut self, object: Id, key: Key, text: &str) {
        let value = self.arena.string(text);
        self.set_member(object, key, value);
    }

    pub(super) fn no_country(&self, function: &Function) -> Fault {
        // Messages are kept by the host, values are not: `explain` shows them.
        self.function_fault(function, "knows no country by the value in hand")
    }

    pub(super) fn no_region(&self, function: &Function) -> Fault {
        self.function_fault(function, "knows no subdivision of the country by the value in hand")
    }

    /// `manipulateDate` on a text.
    pub(super) fn manipulate_date(
        &mut self,
        function: &Function,
        (source, target, shift): (&Format, &Format, Shift),
        text: &str,
        result: &mut String,
    ) -> Result<(), Fault> {
        let mut made = Vec::new();
        for format in [source, target] {
            made.push(match format {
                Format::Fixed(_) => None,
                Format::Template(template) => {
                    let variables = self.variable_texts(template.variables());
                    let format = DateFormat::compile(&template.render(&variables));
                    Some(format.map_err(|what| {
                        self.function_fault(function, &format!("has a wrong format once its variables are filled in: {what}"))
                    })?)
                }
            });
        }
        let [source, target] = [(source, &made[0]), (target, &made[1])].map(|(format, made)| match (format, made) {
            (Format::Fixed(format), _) => Some(format),
            (Format::Template(_), made) => made.as_ref(),
        });
        let (Some(source), Some(target)) = (source, target) else { return Ok(()) };
        let moved = source.parse(text).and_then(|mut moment| {
            moment.shift(shift)?;
            target.format(&moment, result)
        });
        moved.map_err(|what| self.function_fault(function, &format!("cannot work on the value in hand: it {what}")))
    }
}
