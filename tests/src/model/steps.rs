//! What may happen, and how a sequence of it is drawn.

use proptest::prelude::*;
use provisor::manifest::Policy;

use super::{
    host::{Trouble, Work},
    mortal::End,
    world::{Flaw, Kind, Mappings, Rules, SourceFault, TargetFault},
};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Users `from` and the `count - 1` after it come, or change.
    People {
        from: u8,
        count: u8,
        title: u8,
        site: u8,
        renamed: bool,
    },
    Flawed {
        number: u8,
        flaw: Flaw,
    },
    /// They go; `told` leaves tombstones.
    Leavers {
        from: u8,
        count: u8,
        told: bool,
    },
    Team {
        number: u8,
        title: u8,
        site: u8,
        members: Vec<u8>,
    },
    NoTeam {
        number: u8,
        told: bool,
    },
    /// The source gives its entities in another order.
    Turned {
        by: u8,
    },
    /// The source gives nothing, or is itself again.
    Silent {
        silent: bool,
    },
    /// The source does not take older tokens any more.
    Forgetful,
    /// Somebody deletes an entity in a target.
    Struck {
        target: u8,
        number: u8,
    },
    /// Somebody changes a user in a target.
    Touched {
        target: u8,
        number: u8,
    },
    /// Somebody else makes an entity with a user's name.
    Stranger {
        target: u8,
        number: u8,
    },
    Mapped {
        mappings: Mappings,
    },
    Ruled {
        target: u8,
        rules: Rules,
    },
    Reset {
        target: Option<u8>,
    },
    Job {
        work: Work,
        trouble: Trouble,
    },
    /// Carry out the newest list of what was held back.
    Accept {
        trouble: Trouble,
    },
}

/// How the systems are set up.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub page_size: u32,
    pub attempts: u32,
    pub delta: bool,
    pub members_whole: usize,
    pub people: u8,
    /// Of each target.
    pub rules: Vec<Rules>,
}

/// A sequence.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub setup: Setup,
    pub steps: Vec<Step>,
}

pub(super) fn plan() -> impl Strategy<Value = Plan> {
    let setup = (
        1..6_u32,
        0..3_u32,
        any::<bool>(),
        prop_oneof![Just(0_usize), Just(1), Just(100)],
        people(),
        proptest::collection::vec(rules(), 1..3),
    );
    let setup = setup.prop_map(|(page_size, attempts, delta, members_whole, people, rules)| Setup {
        page_size,
        attempts,
        delta,
        members_whole,
        people,
        rules,
    });
    (setup, proptest::collection::vec(step(), 3..14)).prop_map(|(setup, steps)| Plan { setup, steps })
}

/// Mostly a handful, sometimes enough for percentages to count.
fn people() -> impl Strategy<Value = u8> {
    prop_oneof![4 => 2..6_u8, 1 => 13..26_u8]
}

fn step() -> impl Strategy<Value = Step> {
    let number = || prop_oneof![4 => 0..5_u8, 1 => 0..25_u8];
    let count = || prop_oneof![6 => Just(1_u8), 2 => 2..4_u8, 1 => 12..25_u8];
    let title = || 0..3_u8;
    let site = || prop_oneof![3 => Just(0_u8), 1 => Just(1_u8), 1 => Just(2_u8)];
    let target = || 0..2_u8;
    let people = (number(), count(), title(), site(), proptest::bool::weighted(0.1))
        .prop_map(|(from, count, title, site, renamed)| Step::People { from, count, title, site, renamed });
    let flaw = prop_oneof![Just(Flaw::None), Just(Flaw::Unreadable), Just(Flaw::NoTitle), Just(Flaw::NoMail)];
    let team = (0..3_u8, title(), site(), proptest::collection::vec(number(), 0..4)).prop_map(|(number, title, site, mut members)| {
        members.sort_unstable();
        members.dedup();
        Step::Team { number, title, site, members }
    });
    prop_oneof![
        6 => people,
        1 => (number(), flaw).prop_map(|(number, flaw)| Step::Flawed { number, flaw }),
        4 => (number(), count(), proptest::bool::weighted(0.7)).prop_map(|(from, count, told)| Step::Leavers { from, count, told }),
        4 => team,
        1 => (0..3_u8, any::<bool>()).prop_map(|(number, told)| Step::NoTeam { number, told }),
        1 => (0..6_u8).prop_map(|by| Step::Turned { by }),
        1 => any::<bool>().prop_map(|silent| Step::Silent { silent }),
        1 => Just(Step::Forgetful),
        1 => (target(), number()).prop_map(|(target, number)| Step::Struck { target, number }),
        1 => (target(), number()).prop_map(|(target, number)| Step::Touched { target, number }),
        1 => (target(), number()).prop_map(|(target, number)| Step::Stranger { target, number }),
        3 => mappings().prop_map(|mappings| Step::Mapped { mappings }),
        2 => (target(), rules()).prop_map(|(target, rules)| Step::Ruled { target, rules }),
        1 => proptest::option::of(target()).prop_map(|target| Step::Reset { target }),
        9 => work().prop_map(|work| Step::Job { work, trouble: Trouble::default() }),
        9 => (prop_oneof![4 => Just(Work::Read), 1 => Just(Work::Full), 1 => Just(Work::Resync)], trouble())
            .prop_map(|(work, trouble)| Step::Job { work, trouble }),
        2 => prop_oneof![3 => Just(Trouble::default()), 1 => trouble()].prop_map(|trouble| Step::Accept { trouble }),
    ]
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![6 => Just(Work::Read), 1 => Just(Work::Full), 2 => Just(Work::Resync), 1 => Just(Work::Simulate), 1 => Just(Work::SimulateResync)]
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![3 => Just(Policy::Delete), 1 => Just(Policy::Disable), 1 => Just(Policy::Keep)]
}

fn rules() -> impl Strategy<Value = Rules> {
    let most = || proptest::option::weighted(0.2, 0..3_u64);
    let limits = (prop_oneof![1 => 0..3_u64, 3 => Just(500)], prop_oneof![Just(10_u8), Just(60)], most(), most());
    (policy(), policy(), proptest::bool::weighted(0.3), limits, proptest::option::weighted(0.3, 0..3_u8)).prop_map(
        |(gone, left_scope, existed_before, (max_count, max_percent, most_users, most_groups), protected)| Rules {
            gone,
            left_scope,
            existed_before,
            max_count,
            max_percent,
            // The reference has no threshold of nothing.
            most_users: most_users.filter(|most| *most > 0),
            most_groups: most_groups.filter(|most| *most > 0),
            protected,
        },
    )
}

fn mappings() -> impl Strategy<Value = Mappings> {
    let site = || proptest::option::weighted(0.4, 1..3_u8);
    (site(), site(), proptest::bool::weighted(0.15), 0..2_u8, proptest::bool::weighted(0.15))
        .prop_map(|(not_read, not_written, badges, edition, skip_delete)| Mappings { not_read, not_written, badges, edition, skip_delete })
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let source_what = prop_oneof![Just("rejected"), Just("unavailable"), Just("rate-limited"), Just("trap")];
    let source = (prop_oneof![Just(Kind::User), Just(Kind::Group)], 0..3_u64, source_what, 1..4_u64)
        .prop_map(|(kind, page, what, times)| SourceFault { kind, page, what, times });
    let target_what = prop_oneof![
        Just("rejected"),
        Just("conflict"),
        Just("unavailable"),
        Just("lost-unavailable"),
        Just("timed-out"),
        Just("lost-timed-out"),
        Just("rate-limited"),
        Just("trap"),
        Just("lost-trap"),
        Just("hang"),
        Just("lost-hang"),
    ];
    let change = (0..8_u64, prop_oneof![3 => Just(1_u64), 1 => 2..30_u64], target_what).prop_map(|(from, length, what)| TargetFault {
        call: "change",
        from,
        length,
        what,
    });
    let find = (0..3_u64, prop_oneof![Just("unavailable"), Just("rejected"), Just("trap")]).prop_map(|(from, what)| TargetFault {
        call: "find",
        from,
        length: 1,
        what,
    });
    let other = (prop_oneof![Just("open"), Just("probe")], prop_oneof![Just("unavailable"), Just("rejected"), Just("trap")])
        .prop_map(|(call, what)| TargetFault { call, from: 0, length: 1, what });
    let target = || proptest::collection::vec(prop_oneof![6 => change.clone(), 2 => find.clone(), 1 => other.clone()], 0..3);
    let end = prop_oneof![
        (0..40_u64).prop_map(End::KilledBefore),
        (0..40_u64).prop_map(End::KilledAfter),
        (0..30_u64, 1..4_u64).prop_map(|(at, count)| End::Full(at, count)),
        (0..30_u64).prop_map(End::Stopped),
    ];
    let targets = (target(), target()).prop_map(|(one, other)| vec![one, other]);
    prop_oneof![
        2 => source.prop_map(|fault| Trouble { source: vec![fault], ..Trouble::default() }),
        1 => Just(Trouble { short: 1, ..Trouble::default() }),
        6 => targets.clone().prop_map(|targets| Trouble { targets, ..Trouble::default() }),
        5 => end.clone().prop_map(|end| Trouble { end: Some(end), ..Trouble::default() }),
        1 => (targets, end).prop_map(|(targets, end)| Trouble { targets, end: Some(end), ..Trouble::default() }),
    ]
}
