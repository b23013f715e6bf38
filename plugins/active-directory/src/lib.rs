//! The connector for Microsoft Active Directory: what it does is in the crate `directory`.

#[cfg(target_family = "wasm")]
#[path = "../../directory/src/component.rs"]
mod component;

#[cfg(target_family = "wasm")]
const PROFILE: directory::description::Profile = directory::description::Profile::ActiveDirectory;

#[cfg(target_family = "wasm")]
sdk::world!("connector");
#[cfg(target_family = "wasm")]
export!(Component);
#[cfg(target_family = "wasm")]
use component::Component;
