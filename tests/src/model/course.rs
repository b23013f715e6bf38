//! One sequence, from the first step to a target that is as it must be.

use std::collections::BTreeMap;

use provisor::{
    report::{Report, Status},
    state::DeltaToken,
};

use super::{
    check,
    host::{Host, Outcome, Remembered, SOURCE, Trouble, Work},
    reference::{Expected, Held, Key, Known, Read, Target, source_counts},
    steps::{Plan, Setup, Step},
    world::{Backend, Entity, Flaw, Kind, Mappings, Rules, Source},
};

pub(super) type Verdict = Result<(), String>;

/// Runs at the end of a sequence in which something may still be settled: a member that was deleted leaves its groups with the next run.
const LAST_RUNS: u32 = 4;

pub(super) struct Course {
    host: Host,
    source: Source,
    mappings: Mappings,
    rules: Vec<Rules>,
    targets: Vec<Target>,
    /// What the host remembers as sent, by its digest.
    digests: Vec<BTreeMap<Key, Option<[u8; 32]>>>,
    /// Where delta reads begin, and the mappings they are good for.
    token: Option<(u64, Mappings)>,
    /// As the host remembers them.
    tokens: Vec<DeltaToken>,
    /// Run -> target -> what it held back.
    held: BTreeMap<i64, Vec<Vec<Held>>>,
}

pub(super) fn follow(plan: &Plan) -> Verdict {
    let mut course = Course::new(&plan.setup);
    for (number, step) in plan.steps.iter().enumerate() {
        course.step(step).map_err(|why| format!("step {} {step:?}: {why}", number + 1))?;
    }
    course.last().map_err(|why| format!("after the last step: {why}"))
}

impl Course {
    fn new(setup: &Setup) -> Self {
        let mut source = Source::default();
        for number in 0..setup.people {
            source.put(Kind::User, number, |_| ());
        }
        let targets = vec![Target::default(); setup.rules.len()];
        Self {
            host: Host::new(setup.page_size, setup.attempts, setup.delta, setup.members_whole),
            source,
            mappings: Mappings::new(),
            rules: setup.rules.clone(),
            digests: vec![BTreeMap::new(); targets.len()],
            targets,
            token: None,
            tokens: Vec::new(),
            held: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) -> Verdict {
        match step {
            Step::People { from, count, title, site, renamed } => {
                for number in *from..from + count {
                    self.source.put(Kind::User, number, |user| (user.title, user.site, user.renamed) = (*title, *site, *renamed));
                }
            }
            Step::Flawed { number, flaw } => {
                if self.source.entities.iter().any(|entity| (entity.kind, entity.number) == (Kind::User, *number)) {
                    self.source.put(Kind::User, *number, |user| user.flaw = *flaw);
                }
            }
            Step::Leavers { from, count, told } => (*from..from + count).for_each(|number| self.source.remove(Kind::User, number, *told)),
            Step::Team { number, title, site, members } => {
                let is_user = |number: &&u8| self.source.entities.iter().any(|user| (user.kind, user.number) == (Kind::User, **number));
                let members: Vec<u8> = members.iter().filter(is_user).copied().collect();
                self.source.put(Kind::Group, *number, |team| (team.title, team.site, team.members) = (*title, *site, members));
            }
            Step::NoTeam { number, told } => self.source.remove(Kind::Group, *number, *told),
            Step::Turned { by } => {
                let by = usize::from(*by) % self.source.entities.len().max(1);
                self.source.entities.rotate_left(by);
            }
            Step::Silent { silent } => self.source.silent = *silent,
            Step::Forgetful => {
                self.source.version += 1;
                self.source.forgotten = self.source.version;
            }
            Step::Struck { target, number } => self.behind(*target, *number, |backend, at| _ = backend.entities.remove(&at)),
            Step::Touched { target, number } => self.behind(*target, *number, |backend, at| {
                if let Some(user) = backend.entities.get_mut(&at) {
                    user["title"] = "by hand".into();
                }
            }),
            Step::Stranger { target, number } => {
                let name = format!("name{number}");
                if let Some(target) = self.targets.get_mut(usize::from(*target))
                    && target.backend.named(Kind::User, &name).is_none()
                {
                    target.backend.create(Kind::User, &name, serde_json::json!({ "userName": name, "title": "stranger" }));
                }
            }
            Step::Mapped { mappings } => self.mappings = mappings.clone(),
            Step::Ruled { target, rules } => {
                if let Some(of) = self.rules.get_mut(usize::from(*target)) {
                    *of = rules.clone();
                }
            }
            Step::Reset { target } => self.reset(*target),
            Step::Job { work, trouble } => return self.job(*work, trouble).map(|_| ()),
            Step::Accept { trouble } => return self.accept(trouble),
        }
        Ok(())
    }

    /// Somebody works on a user of a target.
    fn behind(&mut self, target: u8, number: u8, work: impl FnOnce(&mut Backend, (Kind, String))) {
        if let Some(target) = self.targets.get_mut(usize::from(target))
            && let Some(id) = target.backend.named(Kind::User, &format!("name{number}")).map(str::to_owned)
        {
            work(&mut target.backend, (Kind::User, id));
        }
    }

    fn reset(&mut self, target: Option<u8>) {
        let forget = |target: &mut Target| *target = Target { backend: std::mem::take(&mut target.backend), ..Target::default() };
        let concerned: Vec<usize> = match target {
            None => (0..self.targets.len()).collect(),
            Some(number) if usize::from(number) < self.targets.len() => vec![usize::from(number)],
            Some(_) => return,
        };
        self.host.reset(&target.map_or_else(|| SOURCE.to_owned(), |number| Host::target_name(usize::from(number))));
        for number in concerned {
            forget(&mut self.targets[number]);
            self.digests[number].clear();
            for lists in self.held.values_mut() {
                lists[number].clear();
            }
        }
        self.held.retain(|_, lists| lists.iter().any(|list| !list.is_empty()));
        self.token = None;
        self.tokens = self.host.tokens();
    }

    /// A job. Answers whether the reference says that it changes something.
    fn job(&mut self, work: Work, trouble: &Trouble) -> Result<bool, String> {
        let backends: Vec<Backend> = self.targets.iter().map(|target| target.backend.clone()).collect();
        let (source, mappings, rules) = (self.source.clone(), self.mappings.clone(), self.rules.clone());
        let token = self.token.clone().filter(|(version, basis)| *basis == mappings && *version >= source.forgotten);
        let since = token.filter(|_| self.host.delta && work == Work::Read).map(|(version, _)| version);
        let read = Read {
            entities: Kind::BOTH.into_iter().map(|kind| (kind, source.read(kind, since))).collect(),
            delta: since.is_some(),
            incomplete: trouble.certainly_stops_the_read(since.is_some()),
        };
        let write_all = matches!(work, Work::Resync | Work::SimulateResync);
        let outcome = self.host.job(work, &source, &backends, &mappings, &rules, trouble);
        let mut after = self.targets.clone();
        let expected: Vec<Expected> =
            after.iter_mut().zip(&rules).map(|(target, rules)| target.run(&read, &mappings, rules, write_all)).collect();
        let relations =
            |target: &Target| target.known.iter().map(|(key, known)| format!("{key:?} {:?}", known.relation())).collect::<Vec<_>>();
        let moves = self.targets.iter().zip(&after).any(|(old, new)| old.backend != new.backend || relations(old) != relations(new));
        if trouble.is_none() {
            let report = outcome.report()?;
            check::source(&report, &source_counts(&read, &mappings))?;
            let failed = source_counts(&read, &mappings).values().any(|counts| counts.failed > 0);
            check::status(&report, failed, &expected)?;
            for (number, expected) in expected.iter().enumerate() {
                check::report(&report, &Host::target_name(number), expected)?;
            }
            if matches!(work, Work::Simulate | Work::SimulateResync) {
                check::untouched(&backends, &self.host.backends(backends.len()))?;
                return Ok(moves);
            }
            self.targets = after;
            self.same(&mappings)?;
            self.remember(&report, &expected, &source, &mappings)?;
            return Ok(moves);
        }
        self.survive(&outcome, &expected, &belonging(&source, &mappings), &mappings)?;
        Ok(moves)
    }

    /// After a job that nothing disturbed: lists, tokens.
    fn remember(&mut self, report: &Report, expected: &[Expected], source: &Source, mappings: &Mappings) -> Verdict {
        if self.host.delta && report.status == Status::Success {
            self.token = Some((source.version, mappings.clone()));
        }
        self.tokens = self.host.tokens();
        for lists in self.held.values_mut() {
            for (list, expected) in lists.iter_mut().zip(expected) {
                for held in list.iter_mut() {
                    let is_back = expected.met.contains(&held.key) || (!held.left_scope && expected.left_scope.contains(&held.key));
                    held.open &= !is_back;
                }
            }
        }
        let lists: Vec<Vec<Held>> = expected.iter().map(|expected| expected.held.clone()).collect();
        for (number, list) in lists.iter().enumerate() {
            for kind in Kind::BOTH {
                check::held(list, kind, &self.host.held(report.run, number, kind))?;
            }
        }
        if lists.iter().any(|list| !list.is_empty()) {
            self.held.insert(report.run, lists);
        }
        Ok(())
    }

    /// The targets and what the host remembers of them are as the reference says.
    fn same(&mut self, mappings: &Mappings) -> Verdict {
        let found = self.host.backends(self.targets.len());
        for (number, (backend, calls)) in found.into_iter().enumerate() {
            let target = &self.targets[number];
            check::backend(&target.backend, &backend).map_err(|why| format!("target {number}: {why}\n  calls: {calls:#?}"))?;
            self.targets[number].backend = backend;
            for kind in Kind::BOTH {
                let remembered = self.host.remembered(number, kind);
                check::relations(&self.targets[number], kind, &remembered).map_err(|why| format!("target {number}: {why}"))?;
                let badges = self.targets[number].identity.get(&kind).copied();
                let identity = badges.map(|badges| Host::identity_of(&Mappings { badges, ..mappings.clone() }, kind));
                if kind == Kind::User && remembered.identity != identity {
                    return Err(format!("target {number}: what the ids are made by is not as it should be (badges: {badges:?})"));
                }
                self.note_digests(number, kind, &remembered);
            }
        }
        Ok(())
    }

    fn note_digests(&mut self, number: usize, kind: Kind, remembered: &Remembered) {
        self.digests[number].retain(|key, _| key.0 != kind);
        for relation in &remembered.relations {
            self.digests[number].insert((kind, relation.source_id.clone()), relation.target_digest);
        }
    }

    /// After a job that was disturbed: nothing happened that must not, and what happened without being noted is in doubt. From there the reference goes on.
    fn survive(&mut self, outcome: &Outcome, expected: &[Expected], belonging: &[&Entity], mappings: &Mappings) -> Verdict {
        let report = if let Outcome::Reported(report) = outcome { Some(report) } else { None };
        let found = self.host.backends(self.targets.len());
        for (number, (backend, calls)) in found.into_iter().enumerate() {
            let before = self.targets[number].clone();
            let label = |why: String| format!("target {number}: {why}\n  calls: {calls:#?}");
            check::calls(&before, &calls, &expected[number], belonging, mappings).map_err(label)?;
            if let Some(report) = report {
                check::honest(report, &Host::target_name(number), &calls).map_err(label)?;
            }
            let mut after = Target { backend, ..before.clone() };
            for kind in Kind::BOTH {
                let remembered = self.host.remembered(number, kind);
                let survived =
                    check::Survived { before: &before, calls: &calls, expected: &expected[number], digests: &self.digests[number] };
                survived.adopt(&mut after, kind, &remembered).map_err(label)?;
                if kind == Kind::User {
                    let of = |badges: bool| Host::identity_of(&Mappings { badges, ..mappings.clone() }, kind);
                    match remembered.identity {
                        None => _ = after.identity.remove(&kind),
                        Some(digest) => _ = after.identity.insert(kind, digest == of(true)),
                    }
                } else if remembered.identity.is_some() {
                    after.identity.insert(kind, false);
                }
                self.note_digests(number, kind, &remembered);
            }
            self.targets[number] = after;
        }
        let tokens = self.host.tokens();
        if tokens != self.tokens {
            if report.is_some_and(|report| report.status != Status::Success) {
                return Err("a token was kept by a run that did not succeed".into());
            }
            let newest = tokens.iter().filter_map(|token| token.token.parse::<u64>().ok()).max();
            self.token = newest.map(|version| (version, mappings.clone()));
            self.tokens = tokens;
        }
        self.adopt_lists(expected)
    }

    /// What a disturbed run held back must have been due.
    fn adopt_lists(&mut self, expected: &[Expected]) -> Verdict {
        // Whom it met is not known, so older lists are no more.
        self.held.clear();
        let run = self.host.last_run();
        for (number, expected) in expected.iter().enumerate() {
            for kind in Kind::BOTH {
                for held in self.host.held(run, number, kind) {
                    let key = (kind, held.source_id.clone());
                    if expected.met.contains(&key) {
                        return Err(format!("target {number}: {key:?} is on a list and was met"));
                    }
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self, trouble: &Trouble) -> Verdict {
        let Some((&run, _)) = self.held.last_key_value() else { return Ok(()) };
        let backends: Vec<Backend> = self.targets.iter().map(|target| target.backend.clone()).collect();
        let (mappings, rules) = (self.mappings.clone(), self.rules.clone());
        let outcome = self.host.accept(run, &backends, &mappings, &rules, trouble);
        let lists = self.held.get_mut(&run).expect("it is there");
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err("deletions.already-accepted") if lists.iter().flatten().all(|held| !held.open) => return Ok(()),
            Err(code) => return Err(format!("the list of run {run} is refused: {code}")),
        };
        if lists.iter().flatten().all(|held| !held.open) {
            return Err("a list on which nothing is open was accepted".into());
        }
        let mut after = self.targets.clone();
        let concerned = after.iter_mut().zip(lists).zip(&rules);
        let expected: Vec<Expected> = concerned.map(|((target, list), rules)| target.accept(list, &mappings, rules)).collect();
        if !trouble.is_none() {
            return self.survive(&outcome, &expected, &[], &mappings);
        }
        let report = outcome.report()?;
        for (number, expected) in expected.iter().enumerate() {
            check::report(&report, &Host::target_name(number), expected)?;
        }
        self.targets = after;
        self.same(&mappings)
    }

    /// Undisturbed runs bring every target to what the source says, and then there is nothing to do.
    fn last(&mut self) -> Verdict {
        self.source.silent = false;
        self.job(Work::Full, &Trouble::default())?;
        self.job(Work::Resync, &Trouble::default())?;
        self.complete()?;
        for _ in 0..LAST_RUNS {
            if !self.job(Work::Full, &Trouble::default())? {
                return Ok(());
            }
        }
        Err(format!("{LAST_RUNS} runs, and there is still something to do"))
    }

    /// Said from the source alone: who belongs is there, once, and as the source has it.
    fn complete(&self) -> Verdict {
        for target in &self.targets {
            for entity in belonging(&self.source, &self.mappings) {
                let key = (entity.kind, self.mappings.source_id(entity));
                let Some(Known { target_id, .. }) = target.known.get(&key) else {
                    // Somebody else's entity has its name: the run has said so.
                    let taken = target.known.iter().any(|((kind, _), known)| {
                        *kind == entity.kind && target.backend.named(entity.kind, &entity.name()) == Some(known.target_id.as_str())
                    });
                    if taken {
                        continue;
                    }
                    return Err(format!("{key:?} belongs into a target and is not there"));
                };
                let there = &target.backend.entities.get(&(entity.kind, target_id.clone())).ok_or("a relation leads nowhere")?;
                if there["title"] != format!("title {}", entity.title) || there["edition"] != self.mappings.edition {
                    let somebody_has_the_name = target.backend.named(entity.kind, &entity.name()) != Some(target_id.as_str());
                    if !somebody_has_the_name {
                        return Err(format!("{key:?} is not as the source has it: {there}"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Who belongs into every target.
fn belonging<'s>(source: &'s Source, mappings: &Mappings) -> Vec<&'s Entity> {
    let belongs = |entity: &&Entity| entity.flaw == Flaw::None && mappings.is_read(entity) && mappings.is_written(entity) && !source.silent;
    source.entities.iter().filter(belongs).collect()
}
