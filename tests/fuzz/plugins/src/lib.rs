//! What must hold whatever comes in, one check per place where foreign bytes enter a plugin. A check panics where something does not hold.

pub mod condition;
pub mod date;
mod document;
pub mod file;
pub mod json;
pub mod ldap;
pub mod mapping;
pub mod path;
pub mod regex;
pub mod scim;
#[cfg(test)]
#[path = "../../seeds.rs"]
mod seeds;
pub mod sql;
#[path = "../../target.rs"]
pub mod target;
mod twice;

#[cfg(test)]
mod tests {
    crate::seeds! {
        mapping: crate::mapping::check,
        path: crate::path::check,
        condition: crate::condition::check,
        date: crate::date::check,
        regex: crate::regex::check,
        json: crate::json::check,
        csv: crate::file::csv,
        ldif: crate::file::ldif,
        array: crate::file::array,
        ndjson: crate::file::ndjson,
        scim: crate::scim::check,
        sql: crate::sql::check,
        ldap: crate::ldap::check,
    }
}
