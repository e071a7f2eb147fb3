//! What is seen of the demo: the addresses, a table that is drawn again each second on a terminal,
//! one line now and then elsewhere, and the summary.
//!
//! What surprises: the screen is not cleared before it is drawn but overwritten, line by line,
//! because clearing flickers.

use std::{collections::VecDeque, fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use super::{
    business::{GUEST, GUEST_NUMBER, GUEST_TEST, STAFF},
    folder::{Folder, Ports, Secrets},
};
use crate::{cli::Output, demo::Tally, domain::Fate};

const HOME: &str = "\u{1b}[H";
const CLEAR: &str = "\u{1b}[2J";
const END_OF_LINE: &str = "\u{1b}[K\r\n";
const END_OF_SCREEN: &str = "\u{1b}[J";
/// Where no terminal is, a line comes so often.
const LINE_EVERY: u64 = 5;
/// The rates are those of so many seconds.
const LOOKS: usize = 6;

/// One look at the world.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    pub(super) passed: Duration,
    pub(super) tally: Tally,
    /// Ledger rows and their sum in grosze, since the demo began.
    pub(super) charged: (i64, i64),
    /// Messages whose fate the gateway does not know.
    pub(super) unknown: i64,
    pub(super) queue: Option<u64>,
    pub(super) p99: Option<Duration>,
    pub(super) rate: u32,
    pub(super) kills: u32,
    /// Times the gateway ended without being killed.
    pub(super) falls: u32,
    /// How long the gateway was away at its last kill, and at the worst.
    pub(super) away: Option<Duration>,
    pub(super) away_max: Duration,
    pub(super) gateway: Option<u32>,
    pub(super) is_ready: bool,
}

pub(super) struct Screen {
    head: String,
    has_keys: bool,
    is_drawn: bool,
    looks: VecDeque<(Duration, [u64; 3])>,
}

impl Screen {
    pub(super) fn new(
        (ports, secrets, way_in): (&Ports, &Secrets, Option<&str>),
        folder: &Folder,
        has_keys: bool,
    ) -> Self {
        let (http, admin) = (ports.http, ports.admin);
        // A link works once. Who has a password already, from an earlier demo in this folder, logs
        // in with it, and no second link is made that could change it.
        let known = format!("http://{http}/login as {STAFF}");
        let way_in = way_in.unwrap_or(&known);
        let head = format!(
            "  bind your own client  {}   system_id {GUEST}   password {}\n  \
               and send as           {GUEST_NUMBER}, to any number like 48500100200\n  \
               or over HTTP          curl http://{http}/api/v1/messages \\\n                          \
               -H 'Authorization: Bearer {}' \\\n                          \
               --json '{{\"from\":\"{GUEST_NUMBER}\",\"to\":\"48500100200\",\
               \"text\":\"hello\"}}'\n  \
               or in the sandbox     system_id {GUEST_TEST}, the same password; what becomes of\n                          \
               a text is chosen by its number, {} to {}\n  \
               portal                http://{http}/   letters it caught: http://{http}/mails\n  \
               the operator's desk   {way_in}\n  \
               API and problems      http://{http}/api/v1/openapi.json   http://{http}/problems\n  \
               monitoring            http://{admin}/metrics   http://{admin}/readyz?verbose\n  \
               fake SMSC             {}\n  \
               folder                {}\n  \
               commands              bramka --config {} status\n",
            ports.gateway,
            secrets.guest,
            secrets.key,
            Fate::ALL[0].number(),
            Fate::ALL[Fate::ALL.len() - 1].number(),
            ports.smsc,
            folder.path().display(),
            folder.config().display(),
        );
        Self { head, has_keys, is_drawn: false, looks: VecDeque::new() }
    }

    /// The addresses, once, where nothing is drawn again. The link to the desk stands here in clear:
    /// it opens a world that ends with this process, on this machine alone.
    pub(super) fn begin(&self, out: &mut Output) {
        if out.is_json() || out.is_terminal() {
            return;
        }
        out.line("The demo is running.");
        out.raw(&self.head);
    }

    pub(super) fn show(&mut self, out: &mut Output, look: &Look) {
        if out.is_json() {
            return;
        }
        if out.is_terminal() {
            let text = self.drawing(look).replace('\n', END_OF_LINE);
            let clear = if self.is_drawn { "" } else { CLEAR };
            self.is_drawn = true;
            out.raw(&format!("{HOME}{clear}{text}{END_OF_SCREEN}"));
        } else if look.passed.as_secs().is_multiple_of(LINE_EVERY) {
            out.line(&line(look));
        }
    }

    fn drawing(&mut self, look: &Look) -> String {
        let tally = &look.tally;
        let rates = self.rates(look);
        let rows = [
            ("MO", "subscriber to partner", tally.mos_sent, tally.mos_acked, tally.mos_seen),
            ("MT", "partner to subscriber", tally.mts_sent, tally.mts_accepted, tally.mts_taken),
            (
                "receipts",
                "SMSC to partner",
                tally.receipts_acked,
                tally.receipts_acked,
                tally.receipts_seen,
            ),
        ];
        let mut text = format!(
            "\n  BRAMKA DEMO   subscribers > fake SMSC > gateway > partner, and back{:>15}\n\n{}\n",
            clock(look.passed),
            self.head
        );
        let mut add = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        add(format!(
            "  {:<34}{:>10}{:>12}{:>12}{:>10}",
            "", "sent", "taken over", "delivered", "a second"
        ));
        for ((name, what, sent, accepted, arrived), rate) in rows.into_iter().zip(rates) {
            add(format!("  {name:<10}{what:<24}{sent:>10}{accepted:>12}{arrived:>12}{rate:>10.1}"));
        }
        add(format!(
            "\n  {:<34}{:>10}   {}",
            "charged, when delivered",
            look.charged.0,
            money(look.charged.1)
        ));
        add(format!("  {:<34}{:>10}", "waiting in the gateway", shown(look.queue)));
        add(format!(
            "  {:<34}{:>10}   p99, from submit_sm to its answer",
            "time to take a message over",
            look.p99.map_or_else(|| "-".to_owned(), millis)
        ));
        add(format!("  {:<34}{}", "gateway", gateway(look)));
        add(format!(
            "\n  LOST {:<6}DOUBLED {:<6}fate unknown {:<6}given up and told {}",
            tally.lost(),
            tally.doubled(),
            look.unknown,
            tally.mts_given_up
        ));
        add(if self.has_keys {
            format!(
                "\n  p  pull the plug     + -  rate ({}/s)     m  text to {GUEST_NUMBER}     q  end",
                look.rate
            )
        } else {
            "\n  `bramka demo --pull-plug` kills the gateway; Ctrl-C ends".to_owned()
        });
        text
    }

    fn rates(&mut self, look: &Look) -> [f64; 3] {
        let tally = &look.tally;
        let now = [tally.mos_sent, tally.mts_accepted, tally.receipts_seen];
        let (then, before) = self.looks.front().copied().unwrap_or((Duration::ZERO, [0; 3]));
        self.looks.push_back((look.passed, now));
        if self.looks.len() > LOOKS {
            self.looks.pop_front();
        }
        let passed = look.passed.saturating_sub(then).as_secs_f64().max(0.1);
        #[expect(clippy::cast_precision_loss, reason = "a rate for eyes; counts stay below 2^52")]
        std::array::from_fn(|place| now[place].saturating_sub(before[place]) as f64 / passed)
    }
}

fn gateway(look: &Look) -> String {
    let mut text = match (look.gateway, look.is_ready) {
        (Some(id), true) => format!("up, process {id}"),
        (Some(id), false) => format!("STARTING, process {id}"),
        (None, _) => "DOWN".to_owned(),
    };
    if look.kills > 0 {
        let last = look.away.map_or_else(|| "-".to_owned(), millis);
        let most = millis(look.away_max);
        // Writing to a String cannot fail.
        let _infallible =
            write!(text, "; plug pulled {}, away for {last} (at most {most})", times(look.kills));
    }
    if look.falls > 0 {
        let _infallible = write!(text, "; FELL {}", times(look.falls));
    }
    text
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

fn line(look: &Look) -> String {
    let tally = &look.tally;
    format!(
        "{} MO {}/{}/{} MT {}/{}/{} receipts {} charged {} queue {} p99 {} kills {} unknown {} \
         lost {} doubled {}",
        clock(look.passed),
        tally.mos_sent,
        tally.mos_acked,
        tally.mos_seen,
        tally.mts_sent,
        tally.mts_accepted,
        tally.mts_taken,
        tally.receipts_seen,
        look.charged.0,
        shown(look.queue),
        look.p99.map_or_else(|| "-".to_owned(), millis),
        look.kills,
        look.unknown,
        tally.lost(),
        tally.doubled(),
    )
}

/// How it ended, for people and for programs.
pub(super) fn summary(out: &mut Output, look: &Look, is_settled: bool, kept: Option<&str>) {
    if out.is_json() {
        out.document(&summary_for_programs(look, is_settled, kept));
    } else {
        out.raw(&summary_for_people(look, is_settled, kept));
    }
}

fn summary_for_programs(look: &Look, is_settled: bool, kept: Option<&str>) -> Value {
    let tally = &look.tally;
    json!({
        "seconds": look.passed.as_secs(),
        "kills": look.kills,
        "falls": look.falls,
        "away_max_ms": u64::try_from(look.away_max.as_millis()).unwrap_or(u64::MAX),
        "settled": is_settled,
        "mo": { "sent": tally.mos_sent, "accepted": tally.mos_acked, "refused": tally.mos_refused,
                "delivered": tally.mos_seen, "delivered_again": tally.mos_seen_again,
                "lost": tally.mos_lost },
        "mt": { "sent": tally.mts_sent, "sent_again": tally.mts_sent_again,
                "accepted": tally.mts_accepted, "refused": tally.mts_refused,
                "delivered": tally.mts_taken, "given_up": tally.mts_given_up,
                "lost": tally.mts_lost, "doubled": tally.mts_doubled },
        "receipts": { "accepted": tally.receipts_acked, "delivered": tally.receipts_seen,
                      "delivered_again": tally.receipts_seen_again,
                      "lost": tally.receipts_lost },
        "charged": look.charged.0,
        "charges_due": tally.charges_due,
        "charged_minor": look.charged.1,
        "unknown": look.unknown,
        "lost": tally.lost(),
        "doubled": tally.doubled(),
        "folder": kept,
    })
}

fn summary_for_people(look: &Look, is_settled: bool, kept: Option<&str>) -> String {
    let tally = &look.tally;
    let mut text = format!(
        "\nAfter {}, with the plug pulled {}:\n\n{:<12}{:>10}{:>12}{:>12}{:>8}{:>9}\n",
        clock(look.passed),
        times(look.kills),
        "",
        "sent",
        "taken over",
        "delivered",
        "lost",
        "doubled",
    );
    let receipts = tally.receipts_acked;
    let rows = [
        ("MO", [tally.mos_sent, tally.mos_acked, tally.mos_seen, tally.mos_lost]),
        ("MT", [tally.mts_sent, tally.mts_accepted, tally.mts_taken, tally.mts_lost]),
        ("receipts", [receipts, receipts, tally.receipts_seen, tally.receipts_lost]),
    ];
    let mut add = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for (name, [sent, taken, delivered, lost]) in rows {
        // The gateway may repeat an MO or a receipt, which costs nobody anything.
        let doubled = if name == "MT" { tally.mts_doubled.to_string() } else { "-".to_owned() };
        add(format!("{name:<12}{sent:>10}{taken:>12}{delivered:>12}{lost:>8}{doubled:>9}"));
    }
    let (rows, due) = (look.charged.0, tally.charges_due);
    add(format!("\ncharged {rows} of {due} delivered charged MT: {}", money(look.charged.1)));
    if tally.mts_given_up > 0 {
        add(format!(
            "given up {}: on their way out when the plug was pulled, so perhaps sent; never sent \
             again,\nnever charged, and the partner was told",
            tally.mts_given_up
        ));
    }
    if look.unknown > 0 {
        add(format!("{} have a fate that the gateway does not know yet", look.unknown));
    }
    if look.falls > 0 {
        add(format!("the gateway ended {} by itself", times(look.falls)));
    }
    if !is_settled {
        add("not everything had come to its end when the time was over".to_owned());
    }
    if let Some(kept) = kept {
        add(format!("everything is in {kept}"));
    }
    add(format!("\nlost {}, doubled {}", tally.lost(), tally.doubled()));
    text
}

fn clock(passed: Duration) -> String {
    let seconds = passed.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn millis(time: Duration) -> String {
    let micros = time.as_micros();
    if micros < 10_000 {
        format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
    } else {
        format!("{} ms", micros / 1000)
    }
}

fn money(minor: i64) -> String {
    format!("{}.{:02} PLN", minor / 100, minor % 100)
}

fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| count.to_string())
}
