//! Reading settings. The host has checked them against `describe`, so a wrong type here is a mistake in the plugin's own description and is reported as such.

use crate::{Failure, Settings};

impl Settings {
    /// The property's text, if it is set (or has a default).
    pub fn text(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|p| p.name == name).map(|p| p.value.as_str())
    }

    /// The property's text; `invalid-settings` naming the property where it is absent or empty.
    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Failure::invalid_settings(format!("property {name} of system {} is not set", self.system)))
    }

    /// A boolean property; `false` where it is absent.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// An integer property.
    pub fn integer(&self, name: &str) -> Result<Option<u64>, Failure> {
        self.text(name)
            .map(|value| value.parse().map_err(|_| Failure::invalid_settings(format!("property {name} must be a number, not {value:?}"))))
            .transpose()
    }
}
