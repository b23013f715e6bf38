//! Builds the plugins and the guests, all in one nested cargo, and tells the tests where the components are. Every guest becomes a constant, so that one without a
//! test does not compile (`dead_code` is denied).

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const TARGET: &str = "wasm32-wasip2";

fn main() -> Result<(), Box<dyn Error>> {
    let tests = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = tests.parent().ok_or("the tests have no folder around them")?;
    let plugins = root.join("plugins");
    watch(root, &plugins)?;
    add_target()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let (plugin_folder, guest_folder) = (out.join("plugins"), out.join("guests"));
    for folder in [&plugin_folder, &guest_folder] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
    }
    let mut guests = Vec::new();
    for component in build(&plugins)? {
        let name = component.file.file_name().ok_or("a component without a name")?;
        let is_guest = component.manifest.components().any(|part| part.as_os_str() == "guests");
        let place = if is_guest { &guest_folder } else { &plugin_folder }.join(name);
        fs::copy(&component.file, &place)?;
        if is_guest {
            guests.push(place);
        }
    }
    guests.sort();
    fs::write(out.join("guests.rs"), constants(&guests)?)?;
    println!("cargo::rustc-env=PLUGINS={}", plugin_folder.display());
    Ok(())
}

/// What a component is made of.
fn watch(root: &Path, plugins: &Path) -> Result<(), Box<dyn Error>> {
    for path in
        [root.join("wit"), root.join("tests/guests"), plugins.join("Cargo.toml"), plugins.join("Cargo.lock"), plugins.join(".cargo")]
    {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    for entry in fs::read_dir(plugins)? {
        let folder = entry?.path();
        if folder.join("Cargo.toml").is_file() {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
    }
    Ok(())
}

/// Make sure the toolchain can compile for WASI 0.2; rustup adds what is missing.
fn add_target() -> Result<(), Box<dyn Error>> {
    let missing =
        format!("the Rust target {TARGET} is missing and there is no rustup to add it; install it with your toolchain's own means");
    let sysroot = Command::new(env::var("RUSTC")?).args(["--print", "sysroot"]).output()?;
    let sysroot = String::from_utf8(sysroot.stdout)?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib").is_dir() {
        return Ok(());
    }
    println!("cargo::warning=adding the Rust target {TARGET} with rustup");
    match Command::new("rustup").args(["target", "add", TARGET]).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(missing.into()),
    }
}

struct Component {
    /// Of the crate it was made from.
    manifest: PathBuf,
    file: PathBuf,
}

fn build(plugins: &Path) -> Result<Vec<Component>, Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.args(["build", "--release", "--workspace", "--locked", "--target", TARGET]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    // In the folder, so that its own .cargo/config.toml applies.
    cargo.current_dir(plugins).stdin(Stdio::null()).stderr(Stdio::inherit());
    for (name, _) in env::vars_os() {
        if name.to_str().is_none_or(belongs_to_the_outer_build) {
            cargo.env_remove(name);
        }
    }
    let built = cargo.output()?;
    if !built.status.success() {
        return Err("the plugins and guests do not build; cargo's messages are above".into());
    }
    let mut components = Vec::new();
    for line in String::from_utf8(built.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        let manifest = message["manifest_path"].as_str().unwrap_or_default();
        for file in message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if Path::new(file).extension().is_some_and(|extension| extension == "wasm") {
                components.push(Component { manifest: manifest.into(), file: file.into() });
            }
        }
    }
    Ok(components)
}

/// What cargo and its user set for the crate at hand, and what has no place in a component. How cargo reaches a registry stays.
fn belongs_to_the_outer_build(name: &str) -> bool {
    const OURS: [&str; 6] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_TERM_"];
    const THEIRS: [&str; 12] =
        ["CARGO", "CLIPPY_", "DEBUG", "HOST", "NUM_JOBS", "OPT_LEVEL", "OUT_DIR", "PROFILE", "RUSTC", "RUSTDOC", "RUSTFLAGS", "TARGET"];
    THEIRS.iter().any(|prefix| name.starts_with(prefix)) && !OURS.iter().any(|prefix| name.starts_with(prefix))
}

fn constants(guests: &[PathBuf]) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    for path in guests {
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or("a guest without a name")?;
        let file = path.to_str().ok_or("the build's folder has a name that is no text")?;
        writeln!(code, "pub(crate) const {}: Guest = Guest {{ name: {name:?}, file: {file:?} }};", name.to_uppercase())?;
    }
    Ok(code)
}
