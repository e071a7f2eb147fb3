//! placeholder
#[derive(Debug)]
pub struct Tally;
