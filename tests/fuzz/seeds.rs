//! The seeds as tests, and the findings that became seeds.

use std::path::Path;

pub fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds").join(target);
    let mut count = 0;
    for seed in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = seed.expect("an entry").path();
        println!("{}", path.display());
        check(&std::fs::read(&path).expect("a seed"));
        count += 1;
    }
    assert!(count > 0, "{target} has no seeds");
}

/// A test for each target: its name, and its check.
#[macro_export]
macro_rules! seeds {
    ($($name:ident: $check:path),+ $(,)?) => {
        $(#[test]
        fn $name() {
            $crate::seeds::replay(stringify!($name), $check);
        })+
    };
}
