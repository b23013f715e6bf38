//! Reading a source page by page, and the proof that a read was complete.

use std::sync::Arc;

use tokio::{sync::mpsc, time::Instant};

use super::{
    clock::StageClock,
    common::Unidentified,
    delta::DeltaReads,
    page::RawPage,
    retry::{Again, Retry},
    stop::Stop,
};
use crate::{
    report::{Counts, Failure, Stage},
    sandbox::{
        Authority, Fault, Plugin, Settings, Source,
        contract::{self, Query, Scope, Unreadable, failure_code},
    },
};

/// Pages without entities in a row, after which a source is not believed to come to an end.
const MAX_EMPTY_PAGES: u32 = 10_000;

/// Everything needed to open a source.
#[derive(Clone)]
pub struct SourceSpec {
    pub name: Arc<str>,
    pub plugin: Plugin,
    pub authority: Authority,
    pub settings: Settings,
    pub page_size: u32,
    pub retry: Retry,
    pub stop: Stop,
    pub delta: DeltaReads,
}

/// Why a source could not be opened or a page could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{}", .0.message)]
    Refused(contract::Failure),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the source goes round in circles (cursor {cursor:?}): reading on would never end")]
    Loop { cursor: String },
    #[error("reading was stopped because a later stage ended")]
    Stopped,
    #[error("the run was asked to stop, and has; what is committed stays, and the next run does the rest")]
    Asked,
}

impl ReadError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(failure) => failure_code(&failure.kind),
            Self::Fault(fault) => fault.code(),
            Self::Loop { .. } => "read.cursor-repeats",
            Self::Stopped => "read.stopped",
            Self::Asked => "run.stopped",
        }
    }
}

/// Proof that everything of one entity type was read: every page arrived, nothing failed on the way, and the source was not empty by surprise. Only
/// [`certify`] makes one, and without one nothing is deleted.
#[derive(Debug)]
pub struct CompleteRead {
    _only_made_here: (),
}

/// Everything there was to read came in.
#[derive(Debug)]
pub struct AllPages {
    /// The most entities the source counted; 0 where it does not tell.
    told: u64,
    /// Entities it gave, or said it could not give. One that came twice counts twice.
    given: u64,
    /// Changes since this token were read, and not everything.
    pub since: Option<String>,
    /// What the source said of a token it does not take; everything was read instead.
    pub refused: Option<String>,
    /// Where the next delta read begins.
    pub token: Option<String>,
    /// Ids the source reports as deleted. Only a delta read has any.
    pub deleted: Vec<String>,
    _only_made_here: (),
}

/// The read of one entity type, as far as it came.
#[derive(Debug)]
pub struct TypeRead {
    pub entity_type: Arc<str>,
    /// Absent: it did not come to its end.
    pub pages: Option<AllPages>,
    /// The source's counts.
    pub counts: Counts,
    pub unidentified: Unidentified,
}

impl TypeRead {
    /// Whether changes were read, and not everything.
    pub fn is_delta(&self) -> bool {
        self.pages.as_ref().is_some_and(|pages| pages.since.is_some())
    }
}

/// Why a read proves nothing about who is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// Somebody may be missing who was simply not read. The sentence says why.
    Incomplete(String),
    /// Everything was read, and there was nothing although this many entities are known.
    Empty { known: u64 },
}

/// Weigh what was read of one entity type, `known` being how many relations the target has and `twice` how many entities of a type came more than once: in a list that
/// moves while it is read, whoever comes twice stands for somebody who does not come. A failure at the source in any type of the run stands in the way of every
/// deletion (spec section 2.5, step 4); failures at a target do not. A delta read proves what it reports as deleted or left out, and of that alone deletions are made.
pub fn certify(read: &TypeRead, all: &[TypeRead], known: u64, twice: impl Fn(&str) -> u64) -> Result<CompleteRead, Unproven> {
    let incomplete = |why: String| Err(Unproven::Incomplete(why));
    for TypeRead { entity_type, pages, counts, .. } in all {
        let Some(AllPages { told, given, .. }) = pages else {
            return incomplete(format!("reading {entity_type}s did not come to its end"));
        };
        let missing = told.saturating_sub(given.saturating_sub(twice(entity_type)));
        if missing > 0 {
            return incomplete(format!("the source counted {missing} {entity_type}s more than it gave"));
        }
        if counts.failed > 0 {
            return incomplete(format!("{} {entity_type}s failed at the source", counts.failed));
        }
    }
    if read.unidentified.left_alone > 0 {
        let (count, entity_type) = (read.unidentified.left_alone, &read.entity_type);
        return incomplete(format!("the read transformation left {count} {entity_type}s alone without telling their ids"));
    }
    if read.counts.read == 0 && known > 0 && !read.is_delta() {
        return Err(Unproven::Empty { known });
    }
    Ok(CompleteRead { _only_made_here: () })
}

/// Open an instance of the source.
pub async fn open(spec: &SourceSpec) -> Result<Source, ReadError> {
    let mut source = spec.plugin.source(spec.authority.clone()).await?;
    source.open(&spec.settings).await?.map_err(ReadError::Refused)?;
    Ok(source)
}

/// One page, tried again where the failure is of a kind that passes, and waited for while the source is away.
pub(crate) async fn page(source: &mut Source, spec: &SourceSpec, query: &Query) -> Result<contract::Page, ReadError> {
    let (mut attempt, mut looks, mut away) = (0, 0, None::<Instant>);
    loop {
        if spec.stop.is_asked() {
            return Err(ReadError::Asked);
        }
        let failure = match source.read_page(query).await? {
            Ok(page) => return Ok(page),
            Err(failure) => failure,
        };
        let pause = match Again::of(failure.kind) {
            Again::After(asked) if attempt < spec.retry.attempts => {
                attempt += 1;
                spec.retry.pause(attempt, asked)
            }
            // Reading changes nothing, so a source that is away is simply asked again until it is back.
            Again::Unknown if spec.retry.attempts > 0 && away.get_or_insert_with(Instant::now).elapsed() < spec.retry.max_outage => {
                let pause = spec.retry.look(looks);
                looks += 1;
                pause
            }
            _ => return Err(ReadError::Refused(failure)),
        };
        tracing::warn!(system = %spec.name, code = failure_code(&failure.kind), ?pause, "reading is tried again: {}", failure.message);
        spec.stop.sleep(pause).await;
    }
}

/// Whether the answer to the first page of a delta read means that its token is of no use.
fn refuses_token(error: &ReadError) -> Option<&str> {
    use contract::Kind;
    match error {
        ReadError::Refused(failure) if matches!(failure.kind, Kind::NotFound | Kind::Conflict | Kind::Rejected | Kind::Unsupported) => {
            Some(&failure.message)
        }
        _ => None,
    }
}

/// Read all pages of one entity type into the channel, or those with what changed `since` a token. Entities that could not be read go to `unreadable` at once.
pub async fn read(
    source: &mut Source,
    spec: &SourceSpec,
    entity_type: &str,
    mut since: Option<String>,
    pages: mpsc::Sender<RawPage>,
    clock: &StageClock,
    mut unreadable: impl FnMut(Vec<Unreadable>),
) -> Result<AllPages, ReadError> {
    let mut cursor: Option<String> = None;
    // Brent's cycle detection: the cursor of the last page whose number is a power of two.
    let mut remembered: Option<String> = None;
    let (mut given, mut told, mut empty) = (0_u64, 0_u64, 0_u32);
    let (mut refused, mut deleted, mut token) = (None, Vec::new(), None);
    for number in 1_u64.. {
        let scope = |since: &Option<String>| since.clone().map_or(Scope::All, Scope::ChangedSince);
        let mut query = Query { entity_type: entity_type.to_owned(), scope: scope(&since), cursor: cursor.clone(), limit: spec.page_size };
        let mut answer = clock.time(Stage::Read, page(source, spec, &query)).await;
        if let (Err(error), Some(_), None) = (&answer, &since, &cursor)
            && let Some(message) = refuses_token(error)
        {
            tracing::warn!(system = %spec.name, entity_type, "the delta token is refused, everything is read: {message}");
            refused = Some(message.to_owned());
            since = None;
            query.scope = Scope::All;
            answer = clock.time(Stage::Read, page(source, spec, &query)).await;
        }
        let page = answer?;
        if since.is_some() {
            deleted.extend(page.deleted);
        }
        if page.next.is_none() {
            token = page.delta_token;
        }
        let unreadable_count = page.unreadable.len();
        if !page.unreadable.is_empty() {
            unreadable(page.unreadable);
        }
        // A list that shrinks while it is read moves up, and somebody may have passed from a page to come to one that was read.
        told = told.max(page.total.unwrap_or(0));
        given += (page.entities.len() + unreadable_count) as u64;
        empty = if page.entities.is_empty() { empty + 1 } else { 0 };
        let entities = page.entities.into_iter().map(|entity| (entity.id, entity.document)).collect();
        if pages.send(RawPage { number, next: page.next.clone(), entities, total: page.total }).await.is_err() {
            return Err(ReadError::Stopped);
        }
        match page.next {
            None => break,
            Some(next) if cursor.as_ref() == Some(&next) || remembered.as_ref() == Some(&next) || empty > MAX_EMPTY_PAGES => {
                return Err(ReadError::Loop { cursor: next });
            }
            Some(next) => {
                if number.is_power_of_two() {
                    remembered = Some(next.clone());
                }
                cursor = Some(next);
            }
        }
    }
    Ok(AllPages { told, given, since, refused, token, deleted, _only_made_here: () })
}

/// An entity that could not be read, as the report shows it.
pub fn unreadable_failure(system: &str, entity_type: &str, unreadable: Unreadable) -> Failure {
    Failure {
        entity: unreadable.id.unwrap_or_default(),
        entity_type: entity_type.to_owned(),
        system: system.to_owned(),
        stage: "read",
        code: failure_code(&unreadable.failure.kind).to_owned(),
        message: unreadable.failure.message,
    }
}
