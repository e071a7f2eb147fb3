//! What others send: looked at before anything keeps it.
/// What was found.
pub struct Upload;
/// Why not.
pub enum UploadFault {}
