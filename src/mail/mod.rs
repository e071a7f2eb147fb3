//! Letters out: a worker takes what verbs wrote into the outbox and hands it to a mail server.
//!
//! Nothing is sent inside a request, and no letter is written outside the transaction of what it
//! tells. What surprises: a letter may go out twice when the server's answer is lost; it is never
//! lost itself. The repeat has the same Message-ID.

mod html;
mod letter;
mod pool;
mod render;
mod server;
mod sink;
mod template;
mod words;
mod worker;

pub use letter::{Attachment, Attachments, NoAttachment};
pub use render::{Rendered, Renderer};
pub use server::Server;
pub use sink::{Sink, SunkLetter};
pub use template::{KINDS, Kind, Templates, Type, Variable};
pub use words::Language;
pub use worker::Post;
