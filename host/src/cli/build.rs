//! `--build`: the plugins from source, with the toolchain's own cargo, and the components beside their sources.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::Exit;

const TARGET: &str = "wasm32-wasip2";

/// Build the Cargo workspace in the plugins folder and copy its components into the folder. Answers the files.
pub(super) fn build(folder: &Path) -> Result<Vec<PathBuf>, Exit> {
    if !folder.join("Cargo.toml").is_file() {
        let message = format!(
            "error[build.no-source]: {} holds no Cargo workspace to build; leave out --build to use the .wasm files that are there",
            folder.display()
        );
        return Err(Exit::input(message));
    }
    add_target()?;
    let failed = |what: &str, error: &dyn std::fmt::Display| Exit::environment(format!("error[build.failed]: {what}: {error}"));
    let built = Command::new("cargo")
        .args(["build", "--release", "--locked", "--target", TARGET, "--message-format", "json-render-diagnostics"])
        .current_dir(folder)
        // Settings of the host's own build do not belong into a component.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed("cargo does not start; install a Rust toolchain", &error))?;
    if !built.status.success() {
        return Err(failed("the plugins do not build; see cargo's messages above", &built.status));
    }
    let mut files = Vec::new();
    for path in components(&built.stdout) {
        if let Some(name) = path.file_name() {
            // Aside and renamed: a run that starts meanwhile sees the old file or the new one.
            let aside = folder.join(format!(".{}.building", name.display()));
            let copied = std::fs::copy(&path, &aside).and_then(|_| std::fs::rename(&aside, folder.join(name)));
            copied.map_err(|error| failed(&path.display().to_string(), &error))?;
            files.push(folder.join(name));
        }
    }
    Ok(files)
}

/// The `.wasm` files cargo says it made, among them those that were up to date.
fn components(messages: &[u8]) -> Vec<PathBuf> {
    String::from_utf8_lossy(messages)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .flat_map(|artifact| artifact["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .filter(|file| file.extension().is_some_and(|extension| extension == "wasm"))
        .collect()
}

/// Make sure the toolchain can compile for WASI 0.2; rustup adds what is missing.
fn add_target() -> Result<(), Exit> {
    let missing = || {
        Exit::environment(format!(
            "error[build.no-target]: the Rust target {TARGET} is missing and there is no rustup to add it; install it with your toolchain's own means"
        ))
    };
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().map_err(|_| missing())?;
    let library = Path::new(String::from_utf8_lossy(&sysroot.stdout).trim()).join("lib/rustlib").join(TARGET).join("lib");
    if library.is_dir() {
        return Ok(());
    }
    eprintln!("adding the Rust target {TARGET} with rustup");
    let status = Command::new("rustup").args(["target", "add", TARGET]).stdin(Stdio::null()).status().map_err(|_| missing())?;
    if status.success() { Ok(()) } else { Err(missing()) }
}
