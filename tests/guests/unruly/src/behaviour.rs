//! What goes wrong, and where.

use sdk::{Failure, Settings, log};

/// One kind of misbehaviour, in one call, perhaps only where a certain text occurs.
#[derive(Clone, Default)]
pub(crate) struct Behaviour {
    name: String,
    call: String,
    only: String,
}

impl Behaviour {
    pub(crate) const NAMES: [&'static str; 14] = [
        "none",
        "panic",
        "trap",
        "overflow",
        "loop",
        "sleep",
        "allocate",
        "exit",
        "flood",
        "large-page",
        "same-cursor",
        "few-outcomes",
        "many-outcomes",
        "rejected",
    ];

    pub(crate) fn of(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            name: settings.required("unruly.behaviour")?.to_owned(),
            call: settings.required("unruly.call")?.to_owned(),
            only: settings.text("unruly.only").unwrap_or_default().to_owned(),
        })
    }

    /// The behaviour in this call, if it is the one that was named; else good manners.
    pub(crate) fn in_call(&self, call: &str, concerned: impl FnOnce() -> bool) -> Self {
        if self.call == call && concerned() { self.clone() } else { Self::default() }
    }

    pub(crate) fn concerns(&self, text: &str) -> bool {
        text.contains(&self.only)
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// Do it, where it is something to do and not a wrong answer.
    pub(crate) fn act(&self) -> Result<(), Failure> {
        match self.name.as_str() {
            "panic" => panic!("this was to be expected"),
            "trap" => core::arch::wasm32::unreachable(),
            "overflow" => {
                std::hint::black_box(deeper(1));
            }
            "loop" => loop {
                std::hint::spin_loop();
            },
            "sleep" => std::thread::sleep(std::time::Duration::from_hours(1)),
            "allocate" => allocate(),
            "exit" => std::process::exit(1),
            "flood" => flood(),
            "rejected" => return Err(Failure::rejected("refused on purpose")),
            _ => {}
        }
        Ok(())
    }
}

#[expect(unconditional_recursion, reason = "the point of it")]
fn deeper(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 64]);
    deeper(depth + 1) + here[usize::try_from(depth % 64).unwrap_or_default()]
}

fn allocate() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&kept);
    }
}

fn flood() {
    for line in 0..10_000 {
        println!("line {line} on standard output");
        eprintln!("line {line} on standard error");
        log::write(log::Level::Warn, &format!("line {line} in the log"), None);
    }
    // One message without end, and one that would repaint a terminal.
    print!("{}", "x".repeat(1 << 20));
    log::write(log::Level::Error, "\u{1b}[2Jgone\u{7}", Some("\u{1b}]0;title\u{7}"));
}
