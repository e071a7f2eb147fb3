//! Accepting a message, and telling the gateway whether its sender learnt of it.
//!
//! The surprise: the answer's body carries the message's fate. Dropped before the connection
//! took it, the message is `unanswered`, exactly as over SMPP: a charged one is then sent only
//! when its sender asks again (P5).

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body as HttpBody,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::{
    asked::placed,
    shapes::{AcceptedMessage, price, price_of_item},
};
use crate::{
    domain::{Item, MessageId},
    gateway::{self, Gateway, likeness::Likeness, mt::NewMt},
    http::auth::ApiCaller,
};

/// Takes a message and keeps its fate. Run it to its end: see `App::finish`.
pub(super) async fn accept(
    gateway: Gateway,
    from: ApiCaller,
    new: NewMt,
) -> Result<Fresh, gateway::Error> {
    if let Some(mo) = &new.answers {
        gateway.check_answers(from.whose(), mo, &new.recipient).await?;
    }
    let is_planned = new.deliver_after.is_some();
    let (parts, is_keyed) = (new.parts, new.idempotency.is_some());
    let accepted = gateway.accept_mt(&from.submitter(), new).await?;
    let mut fresh = Fresh {
        answer: AcceptedMessage {
            id: accepted.visible_id.to_string(),
            parts,
            price: accepted.held.as_ref().and_then(price_of_item),
            state: "accepted",
        },
        is_replay: accepted.is_replay,
        fate: Fate {
            gateway: gateway.clone(),
            message: accepted.id,
            likeness: accepted.likeness,
            held: accepted.held,
            is_keyed,
            is_answered: false,
        },
    };
    // A message that goes at once and is charged is held, so its price is known without a read.
    if accepted.is_replay || is_planned {
        let status = gateway.query(from.whose(), &accepted.visible_id, None).await?;
        fresh.answer.price = price(&status.message);
        fresh.answer.parts = status.message.parts;
        fresh.answer.state = status.state.as_str();
    }
    Ok(fresh)
}

/// A message that was accepted and whose sender does not know it yet.
pub(super) struct Fresh {
    answer: AcceptedMessage,
    is_replay: bool,
    fate: Fate,
}

/// Tells the gateway, whatever happens, whether the answer left.
struct Fate {
    gateway: Gateway,
    message: MessageId,
    likeness: Likeness,
    held: Option<Item>,
    is_keyed: bool,
    is_answered: bool,
}

impl Drop for Fate {
    fn drop(&mut self) {
        let held = self.held.take();
        // A key recognises the repeat by itself. A doubt would also catch another key with the
        // same text, so it is left only where money waits for the repeat.
        if self.is_answered || (self.is_keyed && held.is_none()) {
            self.gateway.answered(held);
        } else {
            self.gateway.unanswered(self.message, self.likeness, held);
        }
    }
}

impl Fresh {
    pub(super) fn into_response(self) -> Response {
        let text =
            serde_json::to_vec(&self.answer).expect("an answer has only strings and numbers");
        let body = Answer { octets: Some(text.into()), fate: self.fate };
        let mut response = (StatusCode::ACCEPTED, HttpBody::new(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.is_replay {
            headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        placed(response, &format!("/api/v1/messages/{}", self.answer.id))
    }
}

/// A body that knows whether the connection took it.
///
/// "Took" is one step before "is with the kernel" (P5): the octets are in the connection's write
/// buffer, which is written at once. Only a failure of that very write is missed, and there the
/// client still has its Idempotency-Key.
struct Answer {
    octets: Option<Bytes>,
    fate: Fate,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let octets = self.octets.take();
        self.fate.is_answered = true;
        Poll::Ready(octets.map(|octets| Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.octets.as_ref().map_or(0, |octets| octets.len() as u64))
    }
}
