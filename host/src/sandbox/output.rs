//! What a plugin prints or logs, on its way into the host's log: cut into lines, bounded in length and number.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use super::imports::log::Level;

/// Longer messages are cut; the log says so.
const MAX_MESSAGE: usize = 4096;
/// Messages of one call; the rest is counted and dropped.
const MAX_MESSAGES_PER_CALL: u32 = 200;

/// The log of one instance.
#[derive(Clone, Debug)]
pub(super) struct PluginLog {
    plugin: Arc<str>,
    system: Arc<str>,
    said: Arc<AtomicU32>,
}

impl PluginLog {
    pub(super) fn new(plugin: &str, system: &str) -> Self {
        Self { plugin: plugin.into(), system: system.into(), said: Arc::default() }
    }

    pub(super) fn say(&self, level: Level, message: &str, entity: Option<&str>) {
        match self.said.fetch_add(1, Ordering::Relaxed) {
            n if n < MAX_MESSAGES_PER_CALL => self.emit(level, cut(message), message.len() > MAX_MESSAGE, entity),
            _ => {}
        }
    }

    /// A call has ended: say what was dropped, and let the next one speak again.
    pub(super) fn end_of_call(&self) {
        let said = self.said.swap(0, Ordering::Relaxed);
        if let Some(dropped @ 1..) = said.checked_sub(MAX_MESSAGES_PER_CALL) {
            self.emit(Level::Warn, &format!("{dropped} more messages of this call were dropped"), false, None);
        }
    }

    fn emit(&self, level: Level, message: &str, was_cut: bool, entity: Option<&str>) {
        let (plugin, system) = (&*self.plugin, &*self.system);
        let more = if was_cut { " [cut]" } else { "" };
        let entity = entity.map(|id| format!(" entity={}", cut(id))).unwrap_or_default();
        // What a plugin says is text of strangers: control characters could repaint the operator's terminal.
        let message: String = message.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
        match level {
            Level::Debug => tracing::debug!(target: "provisor::plugin", plugin, system, "{message}{more}{entity}"),
            Level::Info => tracing::info!(target: "provisor::plugin", plugin, system, "{message}{more}{entity}"),
            Level::Warn => tracing::warn!(target: "provisor::plugin", plugin, system, "{message}{more}{entity}"),
            Level::Error => tracing::error!(target: "provisor::plugin", plugin, system, "{message}{more}{entity}"),
        }
    }
}

fn cut(message: &str) -> &str {
    &message[..message.floor_char_boundary(MAX_MESSAGE)]
}

/// Standard output (`info`) or standard error (`warn`) of an instance.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) log: PluginLog,
    pub(super) level: Level,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines { output: self.clone(), line: Vec::new(), overlong: false })
    }
}

/// Collects bytes into lines; never holds more than one message's worth.
struct Lines {
    output: Output,
    line: Vec<u8>,
    overlong: bool,
}

impl Lines {
    fn end_line(&mut self) {
        if !self.line.is_empty() {
            let text = String::from_utf8_lossy(&self.line);
            let more = if self.overlong { " [cut]" } else { "" };
            self.output.log.say(self.output.level, &format!("{}{more}", text.trim_end()), None);
        }
        self.line.clear();
        self.overlong = false;
    }
}

impl AsyncWrite for Lines {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        for &byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                _ if self.line.len() < MAX_MESSAGE - 8 => self.line.push(byte),
                _ => self.overlong = true,
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.end_line();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_line();
    }
}
