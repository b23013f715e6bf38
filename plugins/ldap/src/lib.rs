//! The connector for LDAP directories: what it does is in the crate `directory`.

#[cfg(target_family = "wasm")]
#[path = "../../directory/src/component.rs"]
mod component;

#[cfg(target_family = "wasm")]
const PROFILE: directory::description::Profile = directory::description::Profile::Ldap;

#[cfg(target_family = "wasm")]
sdk::world!("connector");
#[cfg(target_family = "wasm")]
export!(Component);
#[cfg(target_family = "wasm")]
use component::Component;
