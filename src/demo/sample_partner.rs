//! placeholder
#[derive(Debug)]
pub struct PartnerApp;
