//! Agreements, statements and letters: Markdown in, HTML and PDF out; and what may be uploaded.
//!
//! It knows no business: a document is a text with values put in. What surprises: the same input
//! gives the same octets, always, so that the hash of an agreement proves its wording.
