//! `wasi:http` through the door. There is no other way out: the trait's own way of sending is not compiled in.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::egress::{Door, EgressError, ErrorKind, Patience};

/// The hook of one instance. Without a door every request is refused.
pub(super) struct Hooks {
    pub(super) door: Option<Arc<Door>>,
}

type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Done,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Done), Error>> + Send> {
        let door = self.door.clone();
        let patience = Patience {
            first_byte: options.as_ref().and_then(|options| options.first_byte_timeout),
            between_bytes: options.as_ref().and_then(|options| options.between_bytes_timeout),
        };
        Box::new(async move {
            let Some(door) = door else { return Err(Error::HttpRequestDenied) };
            let response = door.send_within(request, patience).await.map_err(|error| refused(&error))?;
            let response = response.map(|body| body.map_err(|error| refused(&error)).boxed_unsync());
            Ok((response, Box::new(async { Ok(()) }) as Done))
        })
    }
}

fn refused(error: &EgressError) -> Error {
    match error.kind() {
        ErrorKind::Denied => Error::HttpRequestDenied,
        ErrorKind::AddressDenied => Error::DestinationIpProhibited,
        ErrorKind::Invalid => Error::HttpRequestUriInvalid,
        ErrorKind::Dns => Error::DnsError { rcode: None, info_code: None },
        ErrorKind::Refused => Error::ConnectionRefused,
        ErrorKind::Unreachable => Error::DestinationUnavailable,
        ErrorKind::Tls => Error::TlsCertificateError,
        ErrorKind::ConnectTimeout => Error::ConnectionTimeout,
        ErrorKind::ResponseTimeout => Error::HttpResponseTimeout,
        ErrorKind::RequestSize => Error::HttpRequestBodySize(None),
        ErrorKind::ResponseSize => Error::HttpResponseBodySize(None),
        ErrorKind::Limit => Error::ConnectionLimitReached,
        ErrorKind::Protocol => Error::HttpProtocolError,
        ErrorKind::Credentials => Error::InternalError(Some(error.to_string())),
    }
}
