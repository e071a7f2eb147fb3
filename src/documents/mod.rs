//! Agreements, statements and letters: Markdown in, HTML and PDF out; and what may be uploaded.
//!
//! It knows no business: a document is a text with values put in. What surprises: the same input
//! gives the same octets, always, so that the hash of an agreement proves its wording.
//!
//! The way of a text: `texts` finds it, `template` puts the values in, `parse` makes the tree of
//! `tree` from it, `html` and `pdf` show that. `upload` looks at what others send.

pub mod answer;
mod directive;
pub mod html;
mod number;
mod parse;
pub mod pdf;
pub mod specification;
pub mod template;
pub mod texts;
pub mod tree;
pub mod upload;
pub mod values;

pub use pdf::{PdfFault, pdf};
pub use template::DocumentFault;
pub use texts::{KINDS, TextMistake, Texts};
pub use tree::{Document, Language};
pub use upload::{Upload, UploadFault};
pub use values::Values;
