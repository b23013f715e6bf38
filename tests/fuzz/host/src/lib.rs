//! What must hold whatever comes in, one check per text that the host reads. A check panics where something does not hold.

pub mod filter;
pub mod manifest;
pub mod origin;
#[cfg(test)]
#[path = "../../seeds.rs"]
mod seeds;
#[path = "../../target.rs"]
pub mod target;

#[cfg(test)]
mod tests {
    crate::seeds! {
        filter: crate::filter::check,
        manifest: crate::manifest::check,
        origin: crate::origin::check,
    }
}
