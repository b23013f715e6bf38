//! The contract of `wit/` as Rust types and calls. The exports of a plugin are bound one interface at a time, because a component has any subset of
//! them; the shared types are generated once, with the imports.

#![allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, reason = "generated")]

pub(super) mod imports {
    wasmtime::component::bindgen!({
        inline: "
            package provisor:host;
            world provides {
                include provisor:connector/capabilities@0.1.0;
                import provisor:connector/settings@0.1.0;
                import provisor:connector/entity@0.1.0;
                import provisor:connector/failure@0.1.0;
            }
        ",
        path: "../wit",
        world: "provisor:host/provides",
        imports: { default: async },
    });
}

macro_rules! exported {
    ($module:ident, $world:literal, $inline:literal, { $($name:literal : $shared:path),* }) => {
        pub(super) mod $module {
            wasmtime::component::bindgen!({
                inline: $inline,
                path: "../wit",
                world: $world,
                exports: { default: async },
                with: { $($name: $shared),* },
            });
        }
    };
}

exported!(
    descriptor,
    "provisor:host/describes",
    "package provisor:host; world describes { export provisor:connector/descriptor@0.1.0; }",
    {}
);
exported!(source, "provisor:host/reads", "package provisor:host; world reads { export provisor:connector/source@0.1.0; }", {
    "provisor:connector/settings": crate::sandbox::bindings::imports::provisor::connector::settings,
    "provisor:connector/entity": crate::sandbox::bindings::imports::provisor::connector::entity,
    "provisor:connector/failure": crate::sandbox::bindings::imports::provisor::connector::failure
});
exported!(target, "provisor:host/writes", "package provisor:host; world writes { export provisor:connector/target@0.1.0; }", {
    "provisor:connector/settings": crate::sandbox::bindings::imports::provisor::connector::settings,
    "provisor:connector/entity": crate::sandbox::bindings::imports::provisor::connector::entity,
    "provisor:connector/failure": crate::sandbox::bindings::imports::provisor::connector::failure
});
exported!(transform, "provisor:host/transforms", "package provisor:host; world transforms { export provisor:connector/transform@0.1.0; }", {
    "provisor:connector/settings": crate::sandbox::bindings::imports::provisor::connector::settings
});
