//! Many conversations with the server at once: a sliding window of requests, outcomes in the order of the conversations.

use crate::{
    address,
    failure::{self, Intent},
    http::{Answer, Http, Method, Request},
};
use sdk::{Failure, Kind};
use std::time::SystemTime;

/// How many requests are under way at once.
pub const WINDOW: usize = 16;
/// How many requests in a row may fail to reach the server before it counts as gone and the rest is not tried.
const GONE: usize = WINDOW;
/// How many redirects of one GET are followed.
const MAX_REDIRECTS: usize = 5;

/// What comes next in a conversation.
#[derive(Debug)]
pub enum Next<T> {
    Send(Request),
    Done(T),
}

/// One conversation: a request, and after each answer either another request or the outcome. Requests of one conversation never overlap.
pub trait Exchange {
    type Outcome;

    fn first(&mut self) -> Next<Self::Outcome>;
    fn answered(&mut self, answer: Result<Answer, Failure>, now: SystemTime) -> Next<Self::Outcome>;
    /// The server is gone and `first` was never called.
    fn abandoned(&self, failure: Failure) -> Self::Outcome;
}

/// Hold all conversations, at most [`WINDOW`] at a time, and return one outcome for each, in order.
///
/// After [`GONE`] requests in a row that did not reach the server, conversations that have not begun are abandoned as `unavailable`.
pub fn run<E: Exchange>(http: &mut impl Http, mut exchanges: Vec<E>) -> Vec<E::Outcome> {
    let mut outcomes: Vec<Option<E::Outcome>> = exchanges.iter().map(|_| None).collect();
    let mut waiting = 0..exchanges.len();
    let mut under_way = 0;
    let mut unreached = 0;
    loop {
        while under_way < WINDOW && unreached < GONE {
            let Some(number) = waiting.next() else { break };
            match exchanges[number].first() {
                Next::Send(request) => {
                    http.start(number, request);
                    under_way += 1;
                }
                Next::Done(outcome) => outcomes[number] = Some(outcome),
            }
        }
        if under_way == 0 {
            break;
        }
        let Some((number, answer)) = http.finished() else { break };
        match &answer {
            Err(failure) if matches!(failure.kind, Kind::Unavailable | Kind::TimedOut) => unreached += 1,
            _ => unreached = 0,
        }
        match exchanges[number].answered(answer, http.now()) {
            Next::Send(request) => http.start(number, request),
            Next::Done(outcome) => {
                outcomes[number] = Some(outcome);
                under_way -= 1;
            }
        }
    }
    let gone = || Failure::unavailable("not tried: the requests before it did not reach the server");
    exchanges.iter().zip(outcomes).map(|(exchange, outcome)| outcome.unwrap_or_else(|| exchange.abandoned(gone()))).collect()
}

/// One GET. Redirects are followed, each as a request of its own, so the host checks each target against the grants.
struct Get {
    request: Request,
    redirects: usize,
}

impl Exchange for Get {
    type Outcome = Result<Answer, Failure>;

    fn first(&mut self) -> Next<Self::Outcome> {
        Next::Send(self.request.clone())
    }

    fn answered(&mut self, answer: Result<Answer, Failure>, now: SystemTime) -> Next<Self::Outcome> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return Next::Done(Err(failure)),
        };
        if answer.is_success() {
            return Next::Done(Ok(answer));
        }
        if matches!(answer.status, 301 | 302 | 303 | 307 | 308)
            && let Some(url) = answer.header("location").and_then(|location| address::redirected(&self.request.url, location))
        {
            if self.redirects == MAX_REDIRECTS {
                let what = failure::name(self.request.method, &self.request.url);
                return Next::Done(Err(Failure::rejected(format!("{what} was redirected more than {MAX_REDIRECTS} times; check URL"))));
            }
            self.redirects += 1;
            self.request.url = url;
            return self.first();
        }
        Next::Done(Err(failure::of_answer(self.request.method, &self.request.url, Intent::Other, &answer, now)))
    }

    fn abandoned(&self, failure: Failure) -> Self::Outcome {
        Err(failure)
    }
}

/// Several GETs at once: the answers with status 2xx, or failures.
pub fn get_all(http: &mut impl Http, urls: Vec<String>, headers: &[(&'static str, String)]) -> Vec<Result<Answer, Failure>> {
    let get = |url| Get { request: Request { method: Method::Get, url, headers: headers.to_vec(), body: None }, redirects: 0 };
    run(http, urls.into_iter().map(get).collect())
}

/// One GET: the answer with status 2xx, or a failure.
pub fn get(http: &mut impl Http, url: String, headers: &[(&'static str, String)]) -> Result<Answer, Failure> {
    get_all(http, vec![url], headers).pop().unwrap_or_else(|| Err(Failure::unavailable("no answer")))
}
