//! The network of a component: wasi:http 0.2. Time limits and credentials are set by the host and deliberately not here.

use crate::{
    address,
    http::{Answer, Http, MAX_ANSWER, MAX_ERROR, Method, Request},
};
use sdk::{Failure, Kind};
use std::{collections::VecDeque, time::SystemTime};
use wasip2::{
    http::{
        outgoing_handler,
        types::{ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, OutgoingBody, OutgoingRequest, Scheme},
    },
    io::{
        poll::{self, Pollable},
        streams::{InputStream, StreamError},
    },
};

/// How much of a body is read in one call.
const CHUNK: u64 = 64 << 10;

/// Requests under way. One value serves one call of the connector.
#[derive(Default)]
pub(crate) struct WasiHttp {
    under_way: Vec<UnderWay>,
    done: VecDeque<(usize, Result<Answer, Failure>)>,
}

/// A request whose answer has not arrived in full. The order of fields is the order in which resources are dropped: a pollable before what it polls,
/// a stream before its body.
struct UnderWay {
    number: usize,
    /// For messages.
    what: String,
    pollable: Pollable,
    state: State,
}

enum State {
    Head(FutureIncomingResponse),
    Body(Box<Body>),
}

struct Body {
    answer: Answer,
    limit: usize,
    stream: InputStream,
    /// What the stream is read from; held until the stream is gone.
    _origin: (IncomingBody, IncomingResponse),
}

impl Http for WasiHttp {
    fn start(&mut self, number: usize, request: Request) {
        match begin(&request) {
            Ok((what, future)) => {
                let pollable = future.subscribe();
                self.under_way.push(UnderWay { number, what, pollable, state: State::Head(future) });
            }
            Err(failure) => self.done.push_back((number, Err(failure))),
        }
    }

    fn finished(&mut self) -> Option<(usize, Result<Answer, Failure>)> {
        loop {
            if let Some(done) = self.done.pop_front() {
                return Some(done);
            }
            if self.under_way.is_empty() {
                return None;
            }
            let pollables: Vec<&Pollable> = self.under_way.iter().map(|request| &request.pollable).collect();
            let mut ready = poll::poll(&pollables);
            // From the back, so that taking one out leaves the other positions right.
            ready.sort_unstable_by(|a, b| b.cmp(a));
            for index in ready {
                let request = self.under_way.swap_remove(index as usize);
                let number = request.number;
                match advance(request) {
                    Ok(Step::More(request)) => self.under_way.push(request),
                    Ok(Step::Done(answer)) => self.done.push_back((number, Ok(answer))),
                    Err(failure) => self.done.push_back((number, Err(failure))),
                }
            }
        }
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

enum Step {
    More(UnderWay),
    Done(Answer),
}

/// Send head and body; the answer is awaited elsewhere.
fn begin(request: &Request) -> Result<(String, FutureIncomingResponse), Failure> {
    let what = crate::failure::name(request.method, &request.url);
    let refused = |piece: &str| Failure::rejected(format!("{what} cannot be sent: wasi:http takes no such {piece}"));
    let parts = address::parts(&request.url).ok_or_else(|| refused("URL"))?;
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes())).collect();
    let outgoing = OutgoingRequest::new(Fields::from_list(&headers).map_err(|_| refused("header"))?);
    let method = match request.method {
        Method::Get => wasip2::http::types::Method::Get,
        Method::Post => wasip2::http::types::Method::Post,
        Method::Put => wasip2::http::types::Method::Put,
        Method::Patch => wasip2::http::types::Method::Patch,
        Method::Delete => wasip2::http::types::Method::Delete,
    };
    outgoing.set_method(&method).map_err(|()| refused("method"))?;
    outgoing.set_scheme(Some(if parts.https { &Scheme::Https } else { &Scheme::Http })).map_err(|()| refused("scheme"))?;
    outgoing.set_authority(Some(parts.authority)).map_err(|()| refused("host"))?;
    outgoing.set_path_with_query(Some(&parts.path_with_query)).map_err(|()| refused("path"))?;

    let body = match &request.body {
        Some(_) => Some(outgoing.body().map_err(|()| refused("body"))?),
        None => None,
    };
    let future = outgoing_handler::handle(outgoing, None).map_err(|code| transport(&what, &code))?;
    if let (Some(body), Some(bytes)) = (body, &request.body)
        && send(&body, bytes).is_ok()
    {
        // A server may answer before it has read everything, and the host may refuse the request altogether; either way the answer tells more than
        // the stream that broke.
        let _ = OutgoingBody::finish(body, None);
    }
    Ok((what, future))
}

/// Write the body as fast as the host takes it.
fn send(body: &OutgoingBody, mut bytes: &[u8]) -> Result<(), StreamError> {
    let Ok(stream) = body.write() else { return Err(StreamError::Closed) };
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX).min(bytes.len());
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        stream.write(&bytes[..room])?;
        bytes = &bytes[room..];
    }
    stream.flush()
}

/// Take what has arrived of an answer.
fn advance(request: UnderWay) -> Result<Step, Failure> {
    let UnderWay { number, what, pollable, state } = request;
    match state {
        State::Head(future) => {
            drop(pollable);
            let response = match future.get() {
                Some(Ok(Ok(response))) => response,
                Some(Ok(Err(code))) => return Err(transport(&what, &code)),
                Some(Err(())) => return Err(Failure::unavailable(format!("{what}: the answer was taken before"))),
                None => {
                    let pollable = future.subscribe();
                    return Ok(Step::More(UnderWay { number, what, pollable, state: State::Head(future) }));
                }
            };
            let status = response.status();
            let headers = response.headers().entries();
            let headers =
                headers.into_iter().filter_map(|(name, value)| Some((name.to_ascii_lowercase(), String::from_utf8(value).ok()?))).collect();
            let answer = Answer { status, headers, body: Vec::new() };
            let limit = if answer.is_success() { MAX_ANSWER } else { MAX_ERROR };
            let gone = |()| Failure::unavailable(format!("{what}: the answer has no body to read"));
            let body = response.consume().map_err(gone)?;
            let stream = body.stream().map_err(gone)?;
            let pollable = stream.subscribe();
            let state = State::Body(Box::new(Body { answer, limit, stream, _origin: (body, response) }));
            Ok(Step::More(UnderWay { number, what, pollable, state }))
        }
        State::Body(mut body) => match body.stream.read(CHUNK) {
            Ok(bytes) => {
                let room = body.limit - body.answer.body.len();
                if bytes.len() > room {
                    drop(pollable);
                    if body.answer.is_success() {
                        return Err(Failure::rejected(format!(
                            "{what}: the answer is larger than {} MiB; ask for smaller pages",
                            MAX_ANSWER >> 20
                        )));
                    }
                    body.answer.body.extend_from_slice(&bytes[..room]);
                    return Ok(Step::Done(std::mem::take(&mut body.answer)));
                }
                body.answer.body.extend_from_slice(&bytes);
                Ok(Step::More(UnderWay { number, what, pollable, state: State::Body(body) }))
            }
            Err(StreamError::Closed) => {
                drop(pollable);
                Ok(Step::Done(std::mem::take(&mut body.answer)))
            }
            Err(StreamError::LastOperationFailed(error)) => {
                drop(pollable);
                Err(match wasip2::http::types::http_error_code(&error) {
                    Some(code) => transport(&what, &code),
                    None => Failure::unavailable(format!("{what}: the connection broke while the answer was read")),
                })
            }
        },
    }
}

/// What kept an answer from arriving.
fn transport(what: &str, code: &ErrorCode) -> Failure {
    use ErrorCode as E;
    match code {
        E::HttpRequestDenied | E::DestinationIpProhibited => Failure::new(
            Kind::Forbidden,
            format!("{what}: the host refused the request; its log says why and which lines of the manifest would grant it"),
        ),
        E::DnsTimeout | E::ConnectionTimeout | E::ConnectionReadTimeout | E::ConnectionWriteTimeout | E::HttpResponseTimeout => {
            Failure::new(Kind::TimedOut, format!("{what}: no answer in time ({code:?})"))
        }
        E::HttpResponseBodySize(_) | E::HttpResponseHeaderSectionSize(_) | E::HttpResponseHeaderSize(_) => {
            Failure::rejected(format!("{what}: the host takes no answer of this size; ask for smaller pages"))
        }
        E::HttpRequestBodySize(_) => Failure::rejected(format!("{what}: the host sends no request of this size")),
        _ => Failure::unavailable(format!("{what}: {}", words(code))),
    }
}

/// The error in words, where it is one that an administrator meets; else its name in wasi:http.
fn words(code: &ErrorCode) -> String {
    use ErrorCode as E;
    match code {
        E::DnsError(_) | E::DestinationNotFound => "the host name of URL is not known".into(),
        E::ConnectionRefused => "the server refused the connection".into(),
        E::ConnectionTerminated | E::HttpResponseIncomplete => "the connection broke off".into(),
        E::DestinationUnavailable | E::DestinationIpUnroutable => "the server cannot be reached".into(),
        E::TlsCertificateError => "the server's certificate is not trusted".into(),
        E::TlsProtocolError | E::TlsAlertReceived(_) => "no TLS connection came about; is URL right about https?".into(),
        E::HttpProtocolError => "the server's answer is no HTTP, or it hung up before one".into(),
        E::InternalError(Some(text)) => text.chars().take(200).collect(),
        other => format!("{other:?}"),
    }
}
