//! `provisor run --accept-deletions RUN`: what a run held back, and nothing else.

use std::path::Path;

use super::{Exit, run, signals};
use crate::{
    pipeline::{AcceptError, Acceptable, TargetSpec, accept_deletions},
    registry::description::Role,
    setup::Setup,
    state::Link,
};

pub(super) async fn accept(setup: &Setup, cache: &Path, held_by: i64, moved: &[String], json: bool) -> Result<u8, Exit> {
    let manifest = &setup.manifest;
    run::check(setup, moved).await?;
    // Asking for a list must not make a state.
    if !manifest.state.exists() {
        return Err(refused(&AcceptError::UnknownRun(held_by)));
    }
    let state = run::state(setup, false)?;
    let links = |link: &Link| {
        let is_enabled = manifest.system(&link.source).is_some_and(|source| source.enabled && source.role == Role::Source);
        is_enabled && manifest.targets_of(&link.source).any(|target| target.name == link.target)
    };
    let acceptable = Acceptable::find(&*state, held_by, links).await.map_err(|error| refused(&error))?;
    let Some(source) = manifest.system(acceptable.source()) else {
        return Err(refused(&AcceptError::OtherManifest { run: held_by, what: acceptable.source().to_owned() }));
    };
    let stop = signals::stop();
    let _locks = run::locks(setup, cache, &[source])?;
    let targets = manifest
        .targets_of(&source.name)
        .filter(|target| acceptable.concerns(&target.name))
        .map(|target| {
            let spec = setup.target(target, &source.name, state.clone(), moved.contains(&target.name));
            TargetSpec { stop: stop.clone(), ..spec }
        })
        .collect();
    let report = accept_deletions(acceptable, &setup.mapping(source, None), targets, state)
        .await
        .map_err(|error| Exit::environment(format!("error[{}]: {error}", error.code())))?;
    run::print(&report, json);
    Ok(report.status.exit_code())
}

fn refused(error: &AcceptError) -> Exit {
    let message = format!("error[{}]: {error}\n  help: {}", error.code(), error.help());
    if matches!(error, AcceptError::State(_)) { Exit::environment(message) } else { Exit::input(message) }
}
