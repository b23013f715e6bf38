//! `provisor simulate --out FILE` and `provisor run --plan FILE`: what was looked at is what is done, or nothing is.

use std::{
    fmt::Write as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Exit,
    run::{self, Order},
};
use crate::{
    pipeline::{Approval, Simulation},
    report::{
        JobType,
        plan_file::{Plan, PlanError, PlanOf, PlanWriter, SystemOf},
    },
    setup::Setup,
};

/// Simulate, and write the plan.
pub(super) async fn write(setup: &Setup, cache: &Path, mut order: Order, path: &Path) -> Result<u8, Exit> {
    let of = PlanOf::new(order.job_type.word(), order.system.clone(), setup.now(), systems(setup, order.system.as_deref())?);
    let writer = Arc::new(Mutex::new(Some(PlanWriter::create(path, &of).map_err(exit)?)));
    let told = writer.clone();
    let listener = move |source: &str, change: &_| {
        if let Some(writer) = &mut *told.lock().unwrap_or_else(PoisonError::into_inner) {
            writer.add(source, change);
        }
    };
    order.simulation = Some(Arc::new(Simulation::telling(Box::new(listener))));
    let code = run::carry_out(setup, cache, &order).await?;
    if code == 1 {
        eprintln!("no plan was written: the simulation did not come to its end");
        return Ok(code);
    }
    let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
    let changes = writer.map_or(Ok(0), PlanWriter::finish).map_err(exit)?;
    if !order.json {
        println!(
            "plan       {changes} changes in {}; provisor run --plan {} MANIFEST makes them and no others",
            path.display(),
            path.display()
        );
    }
    Ok(code)
}

/// Simulate again, compare with the plan, and run if it says the same.
pub(super) async fn run(mut setup: Setup, cache: &Path, path: &Path, moved: Vec<String>, json: bool) -> Result<u8, Exit> {
    let plan = Plan::read(path).map_err(exit)?;
    let job_type = match plan.of.job.as_str() {
        "read" => JobType::Read,
        "resync" => JobType::Resync,
        other => return Err(Exit::input(format!("error[plan.invalid]: {}: there is no job {other:?} to be planned", path.display()))),
    };
    setup.set_now(plan.of.moment());
    let system = plan.of.system.clone();
    if let Some(what) = changed(&plan.of.systems, &systems(&setup, system.as_deref())?) {
        return Err(moved_since(path, &what));
    }
    let approval = Arc::<Approval>::default();
    let comparison = Arc::new(Mutex::new(plan.compare()));
    let told = comparison.clone();
    let listener = move |source: &str, change: &_| told.lock().unwrap_or_else(PoisonError::into_inner).meet(source, change);
    let mut order = Order {
        job_type,
        simulation: Some(Arc::new(Simulation::telling(Box::new(listener)))),
        approval: Some(approval.clone()),
        silent: true,
        full: true,
        scheduled: false,
        system,
        moved,
        json,
    };
    let code = run::carry_out(&setup, cache, &order).await?;
    if code == 1 {
        return Ok(code);
    }
    if let Some(difference) = comparison.lock().unwrap_or_else(PoisonError::into_inner).difference() {
        return Err(moved_since(path, &difference));
    }
    approval.close();
    order.simulation = None;
    order.silent = false;
    run::carry_out(&setup, cache, &order).await
}

/// The systems that take part.
fn systems(setup: &Setup, source: Option<&str>) -> Result<Vec<SystemOf>, Exit> {
    let manifest = &setup.manifest;
    let hex = |digest: [u8; 32]| {
        digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    let sources = run::sources(setup, source)?;
    let mut systems: Vec<SystemOf> = Vec::new();
    for source in sources {
        for (system, place) in
            std::iter::once((source, None)).chain(manifest.targets_of(&source.name).map(|target| (target, Some(setup.place(target)))))
        {
            let of = SystemOf { name: system.name.clone(), transformation: hex(setup.mapping(system, None).version()), place };
            // A source that is a target of another one stands there with its place, too.
            if !systems.contains(&of) {
                systems.push(of);
            }
        }
    }
    Ok(systems)
}

fn changed(planned: &[SystemOf], now: &[SystemOf]) -> Option<String> {
    if let Some(gone) = planned.iter().find(|one| now.iter().all(|other| other.name != one.name)) {
        return Some(format!("the system {:?} of the plan takes no part any more", gone.name));
    }
    let different = now.iter().find(|one| !planned.contains(one))?;
    Some(match planned.iter().find(|one| one.name == different.name) {
        None => format!("the system {:?} takes part and was not planned for", different.name),
        Some(one) if one.transformation != different.transformation => format!("the transformation of {:?} is another one", different.name),
        Some(_) => format!("{:?} is at another place", different.name),
    })
}

fn moved_since(path: &Path, what: &str) -> Exit {
    Exit::input(format!(
        "error[plan.moved]: this is not what was planned in {}, and nothing was written: {what}\n  help: simulate again with --out, and look at the new plan",
        path.display()
    ))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn exit(error: PlanError) -> Exit {
    let text = format!("error[{}]: {error}", error.code());
    if matches!(error, PlanError::Write { .. }) { Exit::environment(text) } else { Exit::input(text) }
}
