//! What it tries. An outcome that begins with `refused` is good news; every other one says what was had.

use std::fmt::Display;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::path::Path;

use sdk::Settings;
use sdk::capabilities::provisor::connector::{dial, secret};

use crate::{http, memory};

type Attempt = (&'static str, String);

pub(crate) fn all(settings: &Settings) -> Vec<Attempt> {
    let mut attempts = surroundings();
    attempts.extend(files(settings));
    attempts.extend(network(settings));
    attempts.extend(requests(settings));
    attempts
}

fn surroundings() -> Vec<Attempt> {
    let mut input = String::new();
    let input = std::io::stdin().read_to_string(&mut input).map(|_| input);
    vec![
        ("environment", had(&std::env::vars().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())),
        ("arguments", had(&std::env::args().collect::<Vec<_>>())),
        ("standard-input", had(&input.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>())),
        ("working-directory", outcome(std::env::current_dir().map(|path| path.display().to_string()))),
        ("process", outcome(std::process::Command::new("sh").arg("-c").arg("id").output().map(|output| format!("{output:?}")))),
        ("thread", outcome(std::thread::Builder::new().spawn(|| ()).map(|_| "a thread".to_owned()))),
    ]
}

fn files(settings: &Settings) -> Vec<Attempt> {
    let folder = settings.text("snoop.folder").unwrap_or(".");
    let outside = settings.text("snoop.outside").unwrap_or("/etc/hostname");
    let folder = Path::new(folder);
    let climbed = folder.join("..").join(Path::new(outside).file_name().unwrap_or_default());
    vec![
        ("granted-file", outcome(fs::read_to_string(folder.join("inside.txt")))),
        ("list-root", outcome(fs::read_dir("/").map(|entries| format!("{} entries", entries.count())))),
        ("list-here", outcome(fs::read_dir(".").map(|entries| format!("{} entries", entries.count())))),
        ("read-passwd", outcome(fs::read_to_string("/etc/passwd"))),
        ("read-outside", outcome(fs::read_to_string(outside))),
        ("read-parent", outcome(fs::read_to_string(climbed))),
        ("read-link", outcome(fs::read_to_string(folder.join("link.txt")))),
        ("link-outside", outcome(fs::hard_link(outside, folder.join("made.txt")).map(|()| "a link".to_owned()))),
        ("rename-file", outcome(fs::rename(folder.join("inside.txt"), folder.join("made.txt")).map(|()| "renamed".to_owned()))),
        ("write-file", outcome(fs::write(folder.join("made.txt"), "made").map(|()| "written".to_owned()))),
        ("change-file", outcome(fs::write(folder.join("inside.txt"), "changed").map(|()| "written".to_owned()))),
        ("remove-file", outcome(fs::remove_file(folder.join("inside.txt")).map(|()| "removed".to_owned()))),
        ("make-folder", outcome(fs::create_dir(folder.join("made")).map(|()| "made".to_owned()))),
    ]
}

fn network(settings: &Settings) -> Vec<Attempt> {
    let elsewhere = settings.text("snoop.elsewhere").unwrap_or("127.0.0.1:1");
    let udp = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"hello", elsewhere));
    let dialled = dial::connect(elsewhere, dial::Security::Plain);
    let named = dial::connect("elsewhere.example:389", dial::Security::Plain);
    vec![
        ("tcp", outcome(TcpStream::connect(elsewhere).map(|_| "connected".to_owned()))),
        ("listen", outcome(TcpListener::bind("127.0.0.1:0").map(|_| "listening".to_owned()))),
        ("udp", outcome(udp.map(|sent| format!("sent {sent}")))),
        ("lookup", outcome(("localhost", 80).to_socket_addrs().map(|found| format!("{:?}", found.collect::<Vec<_>>())))),
        ("dial-address", outcome(dialled.map(|_| "connected".to_owned()).map_err(|failure| failure.message))),
        ("dial-asked", outcome(named.map(|_| "connected".to_owned()).map_err(|failure| failure.message))),
        ("secret-asked", outcome(secret::get("snoop-password").map_err(|failure| failure.message))),
        ("secret-other", outcome(secret::get("PATH").map_err(|failure| failure.message))),
    ]
}

fn requests(settings: &Settings) -> Vec<Attempt> {
    let elsewhere = settings.text("snoop.elsewhere").unwrap_or("127.0.0.1:1");
    let mut attempts = vec![
        ("http-elsewhere", outcome(http::get("http", elsewhere, "/", &[]))),
        ("http-asked", outcome(http::get("https", "elsewhere.example", "/", &[]))),
        ("http-metadata", outcome(http::get("http", "169.254.169.254", "/latest/meta-data/", &[]))),
    ];
    let Some(url) = settings.text("snoop.url") else { return attempts };
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    attempts.push(("http-granted", outcome(http::get("http", authority, "/granted", &[]))));
    attempts.push(("http-redirect", outcome(http::get("http", authority, "/redirect", &[]))));
    attempts.push(("http-own-credentials", outcome(http::get("http", authority, "/own", &[("authorization", "Bearer mine")]))));
    attempts.push(("http-other-host", outcome(http::get("http", authority, "/host", &[("host", elsewhere)]))));
    if let Some(reversed) = settings.text("snoop.needle.reversed") {
        let places = memory::find_reversed(reversed.as_bytes());
        attempts.push(("memory", format!("{places} places in {} bytes", memory::size())));
        let itself: String = reversed.chars().rev().collect();
        attempts.push(("memory-search-works", format!("{} places", memory::find_reversed(reversed.as_bytes()))));
        drop(std::hint::black_box(itself));
    }
    attempts
}

fn outcome<E: Display>(tried: Result<String, E>) -> String {
    match tried {
        Ok(had) => format!("got {had}"),
        Err(error) => format!("refused: {error}"),
    }
}

fn had(things: &[String]) -> String {
    if things.is_empty() { "refused: nothing there".to_owned() } else { format!("got {}", things.join(" ")) }
}
