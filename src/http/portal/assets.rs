//! The stylesheet, the script and the icon, embedded.
//!
//! The name of each holds a part of its hash, so that browsers may keep it for ever: another
//! content has another name. The surprise: an old name is answered with today's content but may
//! not be kept, because a page rendered by the node before an upgrade still asks for it.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};

use crate::{
    domain::secret::hex,
    http::error::{Fault, Problem},
};

/// One embedded file.
pub struct Asset {
    stem: &'static str,
    ending: &'static str,
    kind: &'static str,
    content: &'static str,
    name: LazyLock<String>,
}

macro_rules! asset {
    ($name:ident, $stem:literal, $ending:literal, $kind:literal) => {
        pub static $name: Asset = Asset {
            stem: $stem,
            ending: $ending,
            kind: $kind,
            content: include_str!(concat!("static/", $stem, ".", $ending)),
            name: LazyLock::new(|| $name.hashed()),
        };
    };
}

asset!(STYLE, "portal", "css", "text/css; charset=utf-8");
asset!(SCRIPT, "portal", "js", "text/javascript; charset=utf-8");
asset!(ICON, "icon", "svg", "image/svg+xml");

impl Asset {
    fn hashed(&self) -> String {
        let hash = hex(&Sha256::digest(self.content.as_bytes())[..6]);
        format!("{}.{hash}.{}", self.stem, self.ending)
    }

    /// The address for pages.
    pub fn path(&self) -> String {
        format!("/static/{}", *self.name)
    }

    /// Whether a name is that of this file, of any version.
    fn is_named(&self, name: &str) -> bool {
        let mut pieces = name.split('.');
        pieces.next() == Some(self.stem) && pieces.next_back() == Some(self.ending)
    }
}

pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.is_named(&name))
    else {
        return Problem::from(Fault::NotFound).into_response();
    };
    let caching =
        if name == *asset.name { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, caching)];
    (headers, asset.content).into_response()
}
