//! One GET over raw wasi:http.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

/// The status, the headers and the body, as text.
pub(crate) fn get(scheme: &str, authority: &str, path: &str, headers: &[(&str, &str)]) -> Result<String, String> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let headers = Fields::from_list(&headers).map_err(|error| format!("{error:?}"))?;
    let request = OutgoingRequest::new(headers);
    let wrong = |()| "not a request".to_owned();
    request.set_method(&Method::Get).map_err(wrong)?;
    request.set_scheme(Some(if scheme == "https" { &Scheme::Https } else { &Scheme::Http })).map_err(wrong)?;
    request.set_authority(Some(authority)).map_err(wrong)?;
    request.set_path_with_query(Some(path)).map_err(wrong)?;
    let code = |code: ErrorCode| format!("{code:?}");
    let future = outgoing_handler::handle(request, None).map_err(code)?;
    future.subscribe().block();
    let response = future.get().ok_or("no answer")?.map_err(|()| "taken before".to_owned())?.map_err(code)?;
    let head: Vec<_> =
        response.headers().entries().into_iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(&value))).collect();
    Ok(format!("{} {} {}", response.status(), head.join(", "), body(&response)?))
}

fn body(response: &IncomingResponse) -> Result<String, String> {
    let body = response.consume().map_err(|()| "no body".to_owned())?;
    let stream = body.stream().map_err(|()| "no stream".to_owned())?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}
