//! Idempotency-Key: a request that makes something makes it once, however often it is sent.
//!
//! What is kept of a request is a hash of its key, a hash of its body and the id of what it made,
//! for a day; never an answer, for answers have secrets in them. What surprises: a repeat is
//! answered with the thing as it is now, and a repeat of what showed a secret is refused, because
//! the secret is nowhere to be shown again.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::Response,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    asked::{one_wrong, placed},
    fields,
    messages::idempotency_key,
};
use crate::{
    domain::secret::hex,
    http::{App, error::Problem, signed::SignedCaller},
    partnership::{self, RequestKey},
};

/// A body that was read, and what makes a repeat of it known.
pub(super) async fn read<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<(T, Option<RequestKey>), Problem> {
    let object = fields::object(headers, body, app.limits.body_octets_max.as_usize()).await?;
    let key = key(headers, &object)?;
    Ok((super::asked::shaped(object)?, key))
}

/// What makes a repeat of a request known; none if its client does not ask for it.
pub(super) fn key(
    headers: &HeaderMap,
    body: &serde_json::Map<String, Value>,
) -> Result<Option<RequestKey>, Problem> {
    let key = idempotency_key(headers).map_err(one_wrong)?;
    let hashed = |text: &str| hex(&Sha256::digest(text.as_bytes()));
    Ok(key.map(|key| RequestKey {
        key_hash: hashed(&key),
        body_hash: hashed(&Value::Object(body.clone()).to_string()),
        shown: key.to_string(),
    }))
}

/// The id of what a request made, now or the first time.
pub(super) enum Once {
    Made(String),
    Again(String),
}

impl Once {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Made(id) | Self::Again(id) => id,
        }
    }

    /// 201 with the place of what was made.
    pub(super) fn placed(&self, mut response: Response, place: &str) -> Response {
        *response.status_mut() = StatusCode::CREATED;
        response = placed(response, place);
        if matches!(self, Self::Again(_)) {
            let replayed = HeaderValue::from_static("true");
            response.headers_mut().insert("idempotency-replayed", replayed);
        }
        response
    }
}

/// Runs `work`, which makes something and answers its id, unless it was run before.
pub(super) async fn once(
    app: &App,
    caller: &SignedCaller,
    repeat: Option<RequestKey>,
    what: &'static str,
    work: impl Future<Output = Result<String, partnership::Error>> + Send + 'static,
) -> Result<Once, Problem> {
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let whole = async move {
        let Some(key) = repeat else { return Ok(Once::Made(work.await?)) };
        if let Some(id) = partnership.begin_request(&signed, &key, what).await? {
            return Ok(Once::Again(id));
        }
        match work.await {
            Ok(id) => {
                partnership.end_request(&signed, &key, Some(&id)).await?;
                Ok(Once::Made(id))
            }
            Err(refused @ partnership::Error::Refused(_)) => {
                // Nothing was made: the same request may be right later.
                partnership.end_request(&signed, &key, None).await?;
                Err(refused)
            }
            // Whether it was made is not known, and so it is not made again.
            Err(error) => Err(error),
        }
    };
    Ok(app.finish(whole).await??)
}
