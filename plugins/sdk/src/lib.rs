//! The contract in Rust: bindings of `wit/` and the few lines every connector would otherwise write itself. No business logic.
//!
//! A plugin names its world, implements the traits and ends with `export!`:
//!
//! ```ignore
//! sdk::world!("connector");
//! use exports::provisor::connector::{descriptor, source, target};
//!
//! struct MyConnector;
//! impl descriptor::Guest for MyConnector { /* describe */ }
//! impl source::Guest for MyConnector { /* open, probe, read_page */ }
//! impl target::Guest for MyConnector { /* open, probe, write, find */ }
//! export!(MyConnector);
//! ```
//!
//! A transformation has the world `transformation` and implements `descriptor` and `transform`; `plugins/unique-user-name` is one.
//!
//! The types that interfaces share (`Failure`, `Settings`, `Entity`) are generated once, here, and are the same in every plugin.

mod failure;
mod settings;

/// What a plugin may import: [`log`](capabilities::provisor::connector::log), `secret`, `dial`, `relations`, and the shared types. An import nobody
/// calls is not in the component.
pub mod capabilities {
    #![allow(clippy::all, clippy::pedantic, unreachable_pub, missing_docs, reason = "generated")]
    wit_bindgen::generate!({
        inline: "
            package provisor:sdk;
            world shared {
                include provisor:connector/capabilities@0.1.0;
                import provisor:connector/settings@0.1.0;
                import provisor:connector/entity@0.1.0;
                import provisor:connector/failure@0.1.0;
            }
        ",
        path: "../../wit",
        world: "provisor:sdk/shared",
        generate_all,
    });
}

/// The bindings of one world of the contract, in the crate that calls it: the module `exports` with the traits to implement and the macro `export!`. The second
/// argument is the path from that crate to `wit/` where it is not `../../wit`; use it at the crate's root.
#[macro_export]
macro_rules! world {
    ("transformation" $(, $wit:literal)?) => {
        $crate::world!(@ "provisor:connector/transformation", $($wit)?, "provisor:connector/settings@0.1.0" = settings, "provisor:connector/log@0.1.0" = log, "provisor:connector/relations@0.1.0" = relations);
    };
    ($world:literal $(, $wit:literal)?) => {
        $crate::world!(@ $world, $($wit)?, "provisor:connector/failure@0.1.0" = failure, "provisor:connector/settings@0.1.0" = settings, "provisor:connector/entity@0.1.0" = entity, "provisor:connector/log@0.1.0" = log);
    };
    (@ $world:literal, , $($rest:tt)+) => { $crate::world!(@ $world, "../../wit", $($rest)+); };
    (@ $world:literal, $wit:literal, $($name:literal = $shared:ident),+) => {
        // A module, because an attribute in front of a macro's call would not reach what it makes.
        #[allow(clippy::same_length_and_capacity, reason = "generated")]
        mod bindings {
            $crate::wit_bindgen::generate!({
                path: $wit,
                world: $world,
                runtime_path: "sdk::wit_bindgen::rt",
                pub_export_macro: false,
                with: { $($name: sdk::capabilities::provisor::connector::$shared),+ },
            });
        }
        pub(crate) use bindings::{export, exports};
    };
}

#[doc(hidden)]
pub use wit_bindgen;

pub use capabilities::provisor::connector::{
    entity::{AttributeValue, Entity},
    failure::{Failure, Kind},
    log, relations,
    settings::{Setting, Settings},
};
