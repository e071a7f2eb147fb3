//! The parts of the tests that the load tests use too: `#[path]` makes them one module there.

#[path = "kill.rs"]
pub(crate) mod kill;
#[path = "laws.rs"]
pub(crate) mod laws;
#[path = "load.rs"]
pub(crate) mod load;
#[path = "process.rs"]
pub(crate) mod process;
#[path = "world.rs"]
pub(crate) mod world;
