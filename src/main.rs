//! bramka: command line.

fn main() {}
