//! What the administrator set, checked and typed.

use crate::attribute::AttributePath;
use crate::description::{self, GROUP_PATH, TARGET_PATH, USER_PATH};
use crate::failure::{Failure, Kind};

/// Names and values as the host hands them over. A property that is absent has its described default.
pub struct Properties<'a> {
    values: Vec<(&'a str, &'a str)>,
}

impl<'a> Properties<'a> {
    pub fn new(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { values: values.into_iter().collect() }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let set = self.values.iter().find(|(set, _)| *set == name).map(|(_, value)| *value);
        set.or_else(|| description::default_of(name)).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> Result<&'a str, Failure> {
        self.get(name).ok_or_else(|| invalid(name, "is not set"))
    }

    fn list(&self, name: &str) -> Vec<String> {
        let text = self.get(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}

fn invalid(name: &str, problem: &str) -> Failure {
    Failure::new(Kind::InvalidSettings, format!("property {name} {problem}"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
    Ndjson,
    Ldif,
}

/// The two entity types of this connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityType {
    User,
    Group,
}

impl EntityType {
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    pub fn named(name: &str) -> Result<Self, Failure> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == name)
            .ok_or_else(|| Failure::new(Kind::Unsupported, format!("the connector file knows the entity types user and group, not {name}")))
    }
}

/// How cells become JSON.
#[derive(Clone, Debug)]
pub struct CsvLayout {
    pub delimiter: u8,
    /// Column names of a file without a header row.
    pub header: Option<Vec<String>>,
    pub nested: bool,
    pub list_columns: Vec<String>,
    pub list_separator: String,
}

#[derive(Clone, Debug)]
pub struct LdifLayout {
    /// A record with one of these object classes is an entity of the type that is read.
    pub object_classes: Vec<String>,
    pub binary_attributes: Vec<String>,
}

/// One file to read and how.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub path: String,
    pub format: Format,
    /// The column or attribute with the id, and the property that says so.
    pub id: String,
    pub id_property: &'static str,
    /// Bytes.
    pub record_limit: usize,
    pub csv: CsvLayout,
    pub ldif: LdifLayout,
}

/// The settings of a source: a file per entity type, at least one.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    pub user: Option<SourceFile>,
    pub group: Option<SourceFile>,
}

impl SourceSettings {
    pub fn read(properties: &Properties<'_>) -> Result<Self, Failure> {
        let user = SourceFile::read(properties, EntityType::User)?;
        let group = SourceFile::read(properties, EntityType::Group)?;
        if user.is_none() && group.is_none() {
            return Err(invalid(USER_PATH, &format!("is not set, and neither is {GROUP_PATH}: at least one file is needed")));
        }
        Ok(Self { user, group })
    }

    pub fn file(&self, entity_type: EntityType) -> Option<&SourceFile> {
        match entity_type {
            EntityType::User => self.user.as_ref(),
            EntityType::Group => self.group.as_ref(),
        }
    }
}

impl SourceFile {
    fn read(properties: &Properties<'_>, entity_type: EntityType) -> Result<Option<Self>, Failure> {
        let (path, id_property, header, classes) = match entity_type {
            EntityType::User => (USER_PATH, "file.user.id", "file.csv.user.header", "file.ldif.user.object.class"),
            EntityType::Group => (GROUP_PATH, "file.group.id", "file.csv.group.header", "file.ldif.group.object.class"),
        };
        let Some(path) = properties.get(path) else { return Ok(None) };
        let id = properties.required(id_property)?.to_owned();
        let format = format(properties.required("file.format")?, path)?;
        if matches!(format, Format::Json | Format::Ndjson) && AttributePath::parse(&id).is_none() {
            return Err(invalid(id_property, &format!("is no path such as id or name.id: {id:?}")));
        }
        let header = properties.list(header);
        Ok(Some(Self {
            path: path.to_owned(),
            format,
            id,
            id_property,
            record_limit: record_limit(properties.required("file.record.limit")?)?,
            csv: CsvLayout {
                delimiter: delimiter(properties.required("file.csv.delimiter")?)?,
                header: (!header.is_empty()).then_some(header),
                nested: properties.required("file.csv.nested")? == "true",
                list_columns: properties.list("file.csv.list.columns"),
                list_separator: properties.required("file.csv.list.separator")?.to_owned(),
            },
            ldif: LdifLayout {
                object_classes: properties.list(classes),
                binary_attributes: properties.list("file.ldif.binary.attributes"),
            },
        }))
    }
}

fn format(value: &str, path: &str) -> Result<Format, Failure> {
    let extension =
        path.rsplit(['/', '\\']).next().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension.to_ascii_lowercase());
    match (value, extension.as_deref()) {
        ("csv", _) | ("auto", Some("csv")) => Ok(Format::Csv),
        ("json", _) | ("auto", Some("json")) => Ok(Format::Json),
        ("ndjson", _) | ("auto", Some("ndjson" | "jsonl")) => Ok(Format::Ndjson),
        ("ldif", _) | ("auto", Some("ldif" | "ldf")) => Ok(Format::Ldif),
        ("auto", _) => {
            Err(invalid("file.format", &format!("is auto, and the extension of {path} is not known: set it to csv, json, ndjson or ldif")))
        }
        _ => Err(invalid("file.format", &format!("is {value:?}; it can be auto, csv, json, ndjson or ldif"))),
    }
}

fn delimiter(value: &str) -> Result<u8, Failure> {
    match value.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [one] if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n') => Ok(*one),
        _ => Err(invalid("file.csv.delimiter", &format!("is {value:?}; it is one ASCII character other than a quote, or the word tab"))),
    }
}

fn record_limit(value: &str) -> Result<usize, Failure> {
    let limit = value.parse::<usize>().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| invalid("file.record.limit", &format!("is {value:?}; it is a number of bytes above zero")))
}

/// The settings of a target.
#[derive(Clone, Debug)]
pub struct TargetSettings {
    pub folder: String,
    pub user_attribute: AttributePath,
    pub group_attribute: AttributePath,
}

impl TargetSettings {
    pub fn read(properties: &Properties<'_>) -> Result<Self, Failure> {
        let attribute = |name: &'static str| {
            let text = properties.required(name)?;
            let path = AttributePath::parse(text).filter(|_| !text.contains(','));
            path.ok_or_else(|| invalid(name, &format!("is {text:?}; it is one attribute such as userName or emails[0].value")))
        };
        Ok(Self {
            folder: properties.required(TARGET_PATH)?.to_owned(),
            user_attribute: attribute("file.user.unique.attribute")?,
            group_attribute: attribute("file.group.unique.attribute")?,
        })
    }

    /// The attribute that is an entity's id.
    pub fn attribute(&self, entity_type: EntityType) -> &AttributePath {
        match entity_type {
            EntityType::User => &self.user_attribute,
            EntityType::Group => &self.group_attribute,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(values: &[(&'static str, &'static str)]) -> Result<SourceSettings, Failure> {
        SourceSettings::read(&Properties::new(values.iter().copied()))
    }

    #[test]
    fn the_format_goes_by_the_extension() {
        for (path, format) in
            [("a/people.CSV", Format::Csv), ("p.json", Format::Json), ("p.jsonl", Format::Ndjson), ("x.ldif", Format::Ldif)]
        {
            assert_eq!(source(&[(USER_PATH, path)]).unwrap().user.unwrap().format, format);
        }
        assert_eq!(source(&[(USER_PATH, "p.csv"), ("file.format", "ldif")]).unwrap().user.unwrap().format, Format::Ldif);
        let failure = source(&[(USER_PATH, "v1.2/people")]).unwrap_err();
        assert_eq!(failure.kind, Kind::InvalidSettings);
        assert!(failure.message.contains("file.format"), "{failure}");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let path = (USER_PATH, "people.csv");
        for (values, named) in [
            (vec![], "file.user.path"),
            (vec![path, ("file.csv.delimiter", ";;")], "file.csv.delimiter"),
            (vec![path, ("file.csv.delimiter", "\"")], "file.csv.delimiter"),
            (vec![path, ("file.record.limit", "0")], "file.record.limit"),
            (vec![path, ("file.format", "xml")], "file.format"),
            (vec![(USER_PATH, "p.json"), ("file.user.id", "a[")], "file.user.id"),
        ] {
            let failure = source(&values).unwrap_err();
            assert_eq!(failure.kind, Kind::InvalidSettings);
            assert!(failure.message.contains(named), "{failure}");
        }
        let target = Properties::new([(TARGET_PATH, "out/"), ("file.user.unique.attribute", "userName,externalId")]);
        assert!(TargetSettings::read(&target).unwrap_err().message.contains("file.user.unique.attribute"));
        assert!(TargetSettings::read(&Properties::new([])).unwrap_err().message.contains(TARGET_PATH));
    }

    #[test]
    fn a_tab_can_be_written_in_three_ways() {
        for value in ["tab", "\\t", "\t"] {
            let settings = source(&[(USER_PATH, "people.csv"), ("file.csv.delimiter", value)]).unwrap();
            assert_eq!(settings.user.unwrap().csv.delimiter, b'\t');
        }
    }
}
