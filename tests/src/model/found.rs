//! Sequences in which the host and the reference once differed.

use provisor::manifest::Policy;

use super::{
    host::{Trouble, Work},
    steps::{Plan, Setup, Step},
    world::{Mappings, Rules, TargetFault},
};

const RULES: Rules = Rules {
    gone: Policy::Delete,
    left_scope: Policy::Delete,
    existed_before: false,
    max_count: 500,
    max_percent: 10,
    most_users: None,
    most_groups: None,
    protected: None,
};

/// What each is about, and the sequence.
pub(super) fn all() -> Vec<(&'static str, Plan)> {
    let stay = Rules { left_scope: Policy::Keep, ..RULES };
    vec![
        (
            "a doubt about somebody who left the scope of the read mapping and is kept",
            plan(stay.clone(), doubted_and_back(Mappings { not_read: Some(1), ..Mappings::new() })),
        ),
        (
            "a doubt about somebody who left the scope of the write mapping and is kept",
            plan(stay, doubted_and_back(Mappings { not_written: Some(1), ..Mappings::new() })),
        ),
        (
            "a simulation of disabling somebody who is not there any more",
            plan(
                Rules { gone: Policy::Disable, ..RULES },
                vec![
                    job(Work::Read),
                    Step::Struck { target: 0, number: 0 },
                    Step::Leavers { from: 0, count: 1, told: true },
                    job(Work::Simulate),
                ],
            ),
        ),
    ]
}

fn plan(rules: Rules, steps: Vec<Step>) -> Plan {
    Plan { setup: Setup { page_size: 3, attempts: 0, delta: false, members_whole: 100, people: 2, rules: vec![rules] }, steps }
}

fn job(work: Work) -> Step {
    Step::Job { work, trouble: Trouble::default() }
}

/// An update reaches the target and nobody notes it; then its entity is out of scope for a while, and comes back as it was before the update.
fn doubted_and_back(narrow: Mappings) -> Vec<Step> {
    let is = |title, site| Step::People { from: 0, count: 1, title, site, renamed: false };
    let fault = TargetFault { call: "change", from: 0, length: 1, what: "lost-hang" };
    vec![
        job(Work::Read),
        is(1, 0),
        Step::Job { work: Work::Read, trouble: Trouble { targets: vec![vec![fault]], ..Trouble::default() } },
        is(1, 1),
        Step::Mapped { mappings: narrow },
        job(Work::Read),
        is(0, 0),
        Step::Mapped { mappings: Mappings::new() },
        job(Work::Read),
    ]
}
