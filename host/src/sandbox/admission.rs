//! What a file must be before its code is compiled, and what a description must say before its code is used.
//!
//! | a component may import | because |
//! | --- | --- |
//! | `wasi:{cli,clocks,filesystem,http,io,random,sockets}/*@0.2.x` | language runtimes do, used or not; the base sandbox gives them empty hands |
//! | `provisor:connector/{failure,settings,entity,log}@0.1.x` | the contract's types and the log |
//! | `provisor:connector/{secret,dial}@0.1.x` | only if it asks for the capability in `describe` |
//! | `provisor:connector/relations@0.1.x` | only if it is a transformation |
//!
//! Everything else is refused by name. Nothing is ignored.

use std::fmt;

use wasmparser::{Encoding, Parser, Payload};

use super::SandboxError;
use crate::registry::description::{Capability, Description, Reference, Role};

/// The version of `wit/` this host speaks.
pub const CONTRACT_VERSION: (u64, u64, u64) = (0, 1, 0);
const CONTRACT: &str = "provisor:connector/";
const WASI_PACKAGES: [&str; 7] = ["cli", "clocks", "filesystem", "http", "io", "random", "sockets"];
/// Larger than any language runtime seen so far (Python: 21 MB) and small enough to refuse a file that was put there by mistake.
const MAX_BYTES: usize = 256 << 20;

/// What a component file says of itself without being run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Top-level imports as written, e.g. `wasi:io/poll@0.2.6`.
    pub imports: Vec<String>,
    /// Top-level exports as written.
    pub exports: Vec<String>,
    /// What the exports make it.
    pub roles: Vec<Role>,
}

impl Shape {
    fn imports_interface(&self, interface: &str) -> bool {
        self.imports.iter().any(|name| contract_interface(name).is_some_and(|(found, _)| found == interface))
    }
}

/// Look at a file's bytes: is it a component, of this contract, importing only what the table above allows?
pub fn inspect(bytes: &[u8]) -> Result<Shape, SandboxError> {
    if bytes.is_empty() {
        return Err(SandboxError::NotWasm("the file is empty".into()));
    }
    if bytes.len() > MAX_BYTES {
        return Err(SandboxError::NotWasm(format!("{} MiB is more than the {} MiB a plugin may have", bytes.len() >> 20, MAX_BYTES >> 20)));
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(SandboxError::NotWasm("it does not begin like WebAssembly".into()));
    }
    let (imports, exports) = top_level(bytes)?;
    for name in &imports {
        admit_import(name)?;
    }
    let mut roles = Vec::new();
    let mut described = false;
    for name in &exports {
        let Some((interface, version)) = contract_interface(name) else { continue };
        admit_version(name, version)?;
        match interface {
            "descriptor" => described = true,
            "source" => roles.push(Role::Source),
            "target" => roles.push(Role::Target),
            "transform" => roles.push(Role::Transformation),
            _ => {}
        }
    }
    if !described || roles.is_empty() {
        let has = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        return Err(SandboxError::NotAPlugin { exports: has });
    }
    roles.sort_unstable();
    Ok(Shape { imports, exports, roles })
}

/// Check the description against the file it came from: capability interfaces that were not asked for, roles that are not exported, names nobody described.
pub fn check_description(shape: &Shape, description: &Description) -> Result<(), SandboxError> {
    let refuse = |message: String| Err(SandboxError::Description { message });
    let mut roles = description.roles.clone();
    roles.sort_unstable();
    roles.dedup();
    if roles != shape.roles {
        return refuse(format!("it describes the roles {} and exports {}", Names(&description.roles), Names(&shape.roles)));
    }
    let id_is_fine = !description.id.is_empty()
        && description.id.len() <= 64
        && description.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !id_is_fine {
        return refuse(format!("the id {:?} is not made of 1 to 64 lower-case letters, digits and -", description.id));
    }
    let asks = |wanted: fn(&Capability) -> bool| description.capabilities.iter().any(wanted);
    if shape.imports_interface("dial") && !asks(|c| matches!(c, Capability::Dial(_))) {
        return Err(SandboxError::NotAsked { interface: "dial" });
    }
    if shape.imports_interface("secret") && !asks(|c| matches!(c, Capability::Secret(_))) {
        return Err(SandboxError::NotAsked { interface: "secret" });
    }
    if shape.imports_interface("relations") && !shape.roles.contains(&Role::Transformation) {
        return refuse("it imports relations, which only transformations have".into());
    }
    let mut names: Vec<_> = description.properties.iter().map(|property| property.name.as_str()).collect();
    names.sort_unstable();
    if let Some((twice, _)) = names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next) {
        return refuse(format!("it describes the property {twice} twice"));
    }
    for capability in &description.capabilities {
        let property = match capability {
            Capability::Http(Reference::Property(name)) | Capability::Dial(Reference::Property(name)) => name,
            Capability::Files { property, .. } => property,
            Capability::Http(Reference::Literal(_)) | Capability::Dial(Reference::Literal(_)) | Capability::Secret(_) => continue,
        };
        if description.property(property).is_none() {
            return refuse(format!("a capability points at the property {property}, which is not described"));
        }
    }
    Ok(())
}

fn top_level(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), SandboxError> {
    let broken = |error: wasmparser::BinaryReaderError| SandboxError::NotWasm(format!("it is damaged: {error}"));
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    // A component holds modules and components; only what stands at depth one is its own.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    return Err(SandboxError::CoreModule);
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(broken)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export.map_err(broken)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// `provisor:connector/log@0.1.0` -> (`log`, `0.1.0`).
fn contract_interface(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix(CONTRACT)?;
    Some(rest.split_once('@').unwrap_or((rest, "")))
}

fn admit_import(name: &str) -> Result<(), SandboxError> {
    let refused = || Err(SandboxError::ImportRefused { import: name.to_owned() });
    if let Some((interface, version)) = contract_interface(name) {
        admit_version(name, version)?;
        let known = ["failure", "settings", "entity", "log", "secret", "dial", "relations"];
        return if known.contains(&interface) { Ok(()) } else { refused() };
    }
    let Some((package, rest)) = name.strip_prefix("wasi:").and_then(|rest| rest.split_once('/')) else { return refused() };
    let version = rest.split_once('@').map_or("", |(_, version)| version);
    let preview_2 = version.strip_prefix("0.2.").is_some_and(|patch| patch.parse::<u32>().is_ok());
    if WASI_PACKAGES.contains(&package) && preview_2 { Ok(()) } else { refused() }
}

fn admit_version(name: &str, version: &str) -> Result<(), SandboxError> {
    let (major, minor, patch) = CONTRACT_VERSION;
    let mut parts = version.split('.').map(str::parse::<u64>);
    let fits = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(a)), Some(Ok(b)), Some(Ok(c)), None) => a == major && b == minor && c <= patch,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(SandboxError::ContractVersion { name: name.to_owned(), speaks: format!("{major}.{minor}.{patch}") })
}

struct Names<'a>(&'a [Role]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(none)");
        }
        for (index, role) in self.0.iter().enumerate() {
            write!(f, "{}{role}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_wasi_0_2_or_the_contract() {
        for name in ["wasi:io/poll@0.2.6", "wasi:http/types@0.2.12", "provisor:connector/log@0.1.0"] {
            assert!(admit_import(name).is_ok(), "{name}");
        }
        for name in ["wasi:io/poll@0.3.0", "wasi:keyvalue/store@0.2.0", "wasi:io/poll", "evil:corp/steal@1.0.0", "read-everything", ""] {
            assert!(matches!(admit_import(name), Err(SandboxError::ImportRefused { .. })), "{name}");
        }
        assert!(matches!(admit_import("provisor:connector/log@0.2.0"), Err(SandboxError::ContractVersion { .. })));
        assert!(matches!(admit_import("provisor:connector/log@0.1.7"), Err(SandboxError::ContractVersion { .. })));
    }

    #[test]
    fn what_is_no_component_is_refused_by_what_it_is() {
        assert!(matches!(inspect(b""), Err(SandboxError::NotWasm(_))));
        assert!(matches!(inspect(b"hello"), Err(SandboxError::NotWasm(_))));
        assert!(matches!(inspect(b"\0asm\x01\0\0\0"), Err(SandboxError::CoreModule)));
        assert!(matches!(inspect(b"\0asm\x0d\0\x01\0"), Err(SandboxError::NotAPlugin { .. })));
        assert!(matches!(inspect(b"\0asm\x0d\0\x01\0\x07\xff"), Err(SandboxError::NotWasm(_))));
    }
}
