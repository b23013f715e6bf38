//! Tests of the whole: the real command, real components, real files. `tests/README.md` says how to add one.
//!
//! The binary is two things. Started by cargo it runs the tests; started by a test, with [`place::AS_COMMAND`] set, it is the command `provisor` itself. So the
//! command under test is always the one of this very build.

#![deny(dead_code)]

#[cfg(feature = "real-servers")]
mod active_directory;
mod admission;
mod big_groups;
mod cache;
mod cases;
mod cli;
mod company;
#[cfg(feature = "real-servers")]
mod counterparts;
mod delta;
mod export;
mod failures;
mod full_disk;
mod generate;
mod group_assignments;
mod guests;
mod history;
mod http;
mod isolation;
#[cfg(feature = "real-servers")]
mod javascript_component;
mod kill;
#[cfg(feature = "real-servers")]
mod ldap_server;
mod matching;
mod model;
mod place;
mod plan_file;
#[cfg(feature = "real-servers")]
mod postgresql;
mod proxy;
#[cfg(feature = "real-servers")]
mod python_component;
mod registry;
#[cfg(feature = "real-servers")]
mod samba;
mod sandbox;
mod scim_defaults;
mod scim_dialects;
#[cfg(feature = "real-servers")]
mod scim_expected;
mod scim_kept;
mod scim_lists;
#[cfg(feature = "real-servers")]
mod scim_server;
mod scim_sink;
#[cfg(feature = "real-servers")]
mod scim_tester;
mod serve;
mod serve_clients;
mod serve_operator;
mod serving;
mod simulate;
#[cfg(feature = "real-servers")]
mod slapd;
#[cfg(feature = "real-servers")]
mod sql_source;
#[cfg(feature = "real-servers")]
mod sql_target;
mod template;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::var_os(place::AS_COMMAND).is_some() {
        return provisor::cli::main_with_args(std::env::args_os());
    }
    let arguments = libtest_mimic::Arguments::from_args();
    let suites = [
        #[cfg(feature = "real-servers")]
        active_directory::trials(),
        admission::trials(),
        big_groups::trials(),
        cache::trials(),
        cases::trials(),
        cli::trials(),
        company::trials(),
        delta::trials(),
        failures::trials(),
        group_assignments::trials(),
        full_disk::trials(),
        history::trials(),
        isolation::trials(),
        #[cfg(feature = "real-servers")]
        javascript_component::trials(),
        kill::trials(),
        model::trials(),
        #[cfg(feature = "real-servers")]
        ldap_server::trials(),
        #[cfg(feature = "real-servers")]
        python_component::trials(),
        plan_file::trials(),
        proxy::trials(),
        registry::trials(),
        scim_defaults::trials(),
        scim_dialects::trials(),
        scim_lists::trials(),
        sandbox::trials(),
        serve::trials(),
        serve_clients::trials(),
        serve_operator::trials(),
        simulate::trials(),
        #[cfg(feature = "real-servers")]
        scim_server::trials(),
        #[cfg(feature = "real-servers")]
        sql_source::trials(),
        #[cfg(feature = "real-servers")]
        sql_target::trials(),
        #[cfg(feature = "real-servers")]
        scim_tester::trials(),
    ];
    libtest_mimic::run(&arguments, suites.into_iter().flatten().collect()).exit_code()
}

/// The functions of a module that are tests. A function that is not named here is dead code, which does not compile.
macro_rules! trials {
    ($($test:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            let module = module_path!().trim_start_matches("tests::");
            let trial = |name: &str, test: fn()| {
                libtest_mimic::Trial::test(format!("{module}::{name}"), move || {
                    test();
                    Ok(())
                })
            };
            vec![$(trial(stringify!($test), $test)),+]
        }
    };
}
use trials;
