//! What is measured.

/// Where the entities go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A target that keeps nothing: what the host itself costs.
    Null,
    /// A folder with one JSON document per entity.
    Documents,
    /// A SCIM server over loopback, in this process.
    Scim,
}

impl Route {
    const ALL: [Self; 3] = [Self::Null, Self::Documents, Self::Scim];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Documents => "documents",
            Self::Scim => "scim",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Arguments {
    /// Users; a hundredth of them is the number of groups.
    pub sizes: Vec<u64>,
    pub routes: Vec<Route>,
    /// How often each; the median is printed.
    pub repeat: usize,
    all: bool,
}

const HELP: &str =
    "usage: cargo bench -p tests --bench end_to_end -- [--sizes 10k,100k,1M] [--paths null,documents,scim] [--repeat N] [--all]";
/// From this many users on a target that keeps something is measured only when asked for.
const LARGE: u64 = 1_000_000;

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut this = Self { sizes: vec![10_000, 100_000, LARGE], routes: Route::ALL.to_vec(), repeat: 1, all: false };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{HELP}"));
            match word.as_str() {
                "--sizes" => this.sizes = value()?.split(',').map(size).collect::<Result<_, _>>()?,
                "--paths" => this.routes = value()?.split(',').map(route).collect::<Result<_, _>>()?,
                "--repeat" => this.repeat = value()?.parse().ok().filter(|times| *times > 0).ok_or("--repeat needs a number from 1")?,
                "--all" => this.all = true,
                // Said by cargo.
                "--bench" => {}
                _ => return Err(format!("{word} is not understood\n{HELP}")),
            }
        }
        Ok(this)
    }

    pub(crate) fn leaves_out(&self, route: Route, users: u64) -> bool {
        !self.all && route != Route::Null && users >= LARGE
    }
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1000),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    digits.parse::<u64>().ok().map(|number| number * unit).filter(|size| *size > 0).ok_or_else(|| format!("{text:?} is no size\n{HELP}"))
}

fn route(text: &str) -> Result<Route, String> {
    Route::ALL.into_iter().find(|route| route.name() == text).ok_or_else(|| format!("there is no path {text:?}\n{HELP}"))
}
