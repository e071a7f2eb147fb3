//! What the gateway says of itself in `/metrics`, read as any monitoring would.
//!
//! Only the queue and the time of acceptance come from here. What was lost or doubled comes from
//! the journals of its peers: a gateway cannot be its own witness.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, StatusCode, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

const ANSWER_OCTETS_MAX: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_millis(800);
/// The p99 is that of so many seconds.
const LOOKS: usize = 10;

/// Cumulative counts of one histogram by their upper bounds.
type Buckets = Vec<(f64, f64)>;

#[derive(Debug, Default)]
pub(super) struct Figures {
    looks: VecDeque<Buckets>,
    /// Messages that wait in the gateway; none while it does not answer.
    pub(super) queue: Option<u64>,
    pub(super) p99: Option<Duration>,
}

impl Figures {
    /// Reads them; a gateway that does not answer has none.
    pub(super) async fn look(&mut self, admin: SocketAddr) {
        match get(admin, "/metrics").await {
            Ok((StatusCode::OK, text)) => self.take(&text),
            _ => self.queue = None,
        }
    }

    fn take(&mut self, text: &str) {
        let waiting: f64 = samples(text, "bramka_queue_messages").map(|(_, value)| value).sum();
        self.queue = Some(whole(waiting));
        let mut now = Buckets::new();
        for (labels, value) in samples(text, "bramka_accept_seconds_bucket") {
            if !labels.contains("side=\"server\"") {
                continue;
            }
            let bound = labels.split("le=\"").nth(1).and_then(|rest| rest.split('"').next());
            let bound = bound.and_then(|bound| bound.parse().ok()).unwrap_or(f64::INFINITY);
            now.push((bound, value));
        }
        now.sort_by(|one, other| one.0.total_cmp(&other.0));
        let total = |buckets: &Buckets| buckets.last().map_or(0.0, |(_, count)| *count);
        // A gateway that was started again counts from 0.
        if self.looks.back().is_some_and(|last| total(last) > total(&now)) {
            self.looks.clear();
        }
        if let Some(p99) = p99(self.looks.front(), &now) {
            self.p99 = Some(p99);
        }
        self.looks.push_back(now);
        if self.looks.len() > LOOKS {
            self.looks.pop_front();
        }
    }
}

/// 99 of 100 took at most so long between two looks, within the bounds of the histogram.
fn p99(before: Option<&Buckets>, now: &Buckets) -> Option<Duration> {
    let earlier =
        |place: usize| before.and_then(|before| before.get(place)).map_or(0.0, |(_, count)| *count);
    let counts: Vec<(f64, f64)> = now
        .iter()
        .enumerate()
        .map(|(place, (bound, count))| (*bound, count - earlier(place)))
        .collect();
    let total = counts.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
    let wanted = total * 0.99;
    let (mut low, mut below) = (0.0, 0.0);
    for (bound, count) in counts {
        if count >= wanted {
            // Beyond the last bound nothing is known.
            let high = if bound.is_finite() { bound } else { low };
            let share = if count > below { (wanted - below) / (count - below) } else { 1.0 };
            return Duration::try_from_secs_f64(low + (high - low) * share).ok();
        }
        (low, below) = (bound, count);
    }
    None
}

/// The lines of one series: its labels and value.
fn samples<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = (&'t str, f64)> {
    text.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        (labels.is_empty() || labels.starts_with('{')).then_some((labels, value.parse().ok()?))
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of rows: the cast saturates"
)]
const fn whole(count: f64) -> u64 {
    count as u64
}

/// The gateway can take messages.
pub(super) async fn is_ready(admin: SocketAddr) -> bool {
    matches!(get(admin, "/readyz").await, Ok((StatusCode::OK, _)))
}

/// One request; nothing is spawned, the connection is driven beside it.
async fn get(address: SocketAddr, target: &str) -> anyhow::Result<(StatusCode, String)> {
    let asking = async {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request =
            Request::get(target).header("host", address.to_string()).body(Empty::<Bytes>::new())?;
        let talk = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_OCTETS_MAX).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        tokio::pin!(talk, connection);
        tokio::select! {
            answer = &mut talk => answer,
            // The answer may be whole although the connection has ended.
            _ = &mut connection => talk.await,
        }
    };
    timeout(PATIENCE, asking).await.context("no answer")?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(counts: [u64; 3]) -> String {
        let [first, second, all] = counts;
        format!(
            "# TYPE bramka_queue_messages gauge\n\
             bramka_queue_messages{{lane_class=\"mt\",partner=\"acme\"}} 3\n\
             bramka_queue_messages{{lane_class=\"mo\",partner=\"acme\"}} 4\n\
             bramka_accept_seconds_bucket{{side=\"server\",le=\"0.01\"}} {first}\n\
             bramka_accept_seconds_bucket{{side=\"server\",le=\"0.02\"}} {second}\n\
             bramka_accept_seconds_bucket{{side=\"server\",le=\"+Inf\"}} {all}\n\
             bramka_accept_seconds_bucket{{side=\"link\",le=\"+Inf\"}} 9999\n"
        )
    }

    #[test]
    fn the_p99_is_that_of_the_last_seconds_and_survives_a_restart() {
        let mut figures = Figures::default();
        figures.take(&page([100, 100, 100]));
        assert_eq!(figures.queue, Some(7));
        assert_eq!(figures.p99, Some(Duration::from_micros(9900)));
        // All that came since took longer.
        figures.take(&page([100, 200, 200]));
        assert_eq!(figures.p99, Some(Duration::from_micros(19_900)));
        // Started again: what was counted before is gone.
        figures.take(&page([10, 10, 10]));
        assert_eq!(figures.p99, Some(Duration::from_micros(9900)));
    }

    #[test]
    fn beyond_the_last_bound_the_bound_is_all_that_is_known() {
        let mut figures = Figures::default();
        figures.take(&page([0, 0, 100]));
        assert_eq!(figures.p99, Some(Duration::from_millis(20)));
    }
}
