//! The plainest HTTP client there is, so that what a server says is not seen through the code under test.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any server here needs for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request on a connection of its own (HTTP/1.0, so the answer ends with the connection): the status and the body.
pub(crate) fn exchange(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let nonsense = || std::io::Error::other(format!("{method} {path} was answered with no HTTP: {answer:?}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(nonsense)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(nonsense)?;
    Ok((status, body.to_owned()))
}
