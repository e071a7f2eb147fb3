//! The log: one line for each event, JSON for machines or text for a terminal.
//!
//! It writes to standard error and nowhere else; files, rotation and shipping are the journal's
//! work. The surprise: fields of spans are put beside those of the event, the innermost winning,
//! so that `session.id` is found under one name on every line of a session.

use std::fmt::{self, Write as _};
use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::reload;

use crate::clock::Clock;
use crate::config::{Log, LogFormat};

/// The log of this process, to change its level.
#[derive(Clone, Debug)]
pub struct LogHandle {
    filter: reload::Handle<EnvFilter, Registry>,
}

impl LogHandle {
    /// Takes a new level or filter; the old one stays when the new one is not one.
    pub fn set_level(&self, level: &str) -> anyhow::Result<()> {
        self.filter.reload(filter(level)?).context("changing the log level")
    }
}

/// Starts the log of this process. Once; a second call is an error.
pub fn init(config: &Log) -> anyhow::Result<LogHandle> {
    let (filter, handle) = reload::Layer::new(filter(&config.level)?);
    let is_json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let lines = Lines {
        is_json,
        text_octets_max: config.field_octets_max.as_usize(),
        clock: Clock::System,
        writer: std::io::stderr,
    };
    // `filter` must be the outermost: a plain `with` lets it decide for the whole registry.
    let registry = tracing_subscriber::registry().with(filter).with(lines);
    tracing::subscriber::set_global_default(registry).context("starting the log")?;
    Ok(LogHandle { filter: handle })
}

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder().parse(level).with_context(|| format!("`{level}` is no log level"))
}

/// A subscriber's number for a log line (S-44): enough to recognise, too little to dial.
///
/// At least three digits are hidden, whatever the length; what is too short is hidden whole.
pub fn mask_msisdn(msisdn: &str) -> String {
    let digits: Vec<char> = msisdn.chars().collect();
    let count = digits.len();
    if count < 6 {
        return "***".into();
    }
    let shown = (count - 6).min(5);
    let head = digits.iter().take(shown);
    let tail = digits.iter().skip(count - 3);
    let stars = std::iter::repeat_n(&'*', count - 3 - shown);
    head.chain(stars).chain(tail).map(|c| if c.is_control() { '*' } else { *c }).collect()
}

enum Value {
    /// Anything that came from outside, still as it came.
    Text(String),
    /// Already JSON: a number or a truth value.
    Bare(String),
}

/// Fields in the order they were given; a repeated one replaces the earlier.
struct Fields {
    list: Vec<(&'static str, Value)>,
    text_octets_max: usize,
}

impl Fields {
    fn new(text_octets_max: usize) -> Self {
        Self { list: Vec::new(), text_octets_max }
    }

    fn set(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match self.list.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => self.list.push((name, value)),
        }
    }

    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        let mut capped = Capped { text: String::new(), room: self.text_octets_max };
        // The error is the cap's way to stop a large Debug early.
        if capped.write_fmt(text).is_err() {
            capped.text.push_str("...");
        }
        self.set(field, Value::Text(capped.text));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Bare(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::Bare(value.to_string()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bare(value.to_string()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for infinity.
        if value.is_finite() {
            self.set(field, Value::Bare(value.to_string()));
        } else {
            self.text(field, format_args!("{value}"));
        }
    }
}

struct Capped {
    text: String,
    room: usize,
}

impl fmt::Write for Capped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = text.floor_char_boundary(self.room);
        self.text.push_str(&text[..fits]);
        self.room -= fits;
        if fits == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The layer that writes lines.
struct Lines<W> {
    is_json: bool,
    text_octets_max: usize,
    clock: Clock,
    writer: W,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
        let mut fields = Fields::new(self.text_octets_max);
        attributes.record(&mut fields);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = Fields::new(self.text_octets_max);
        event.record(&mut fields);
        let mut line = Line::new(self.is_json, self.clock.timestamp(), event.metadata());
        line.fields(&fields);
        // Innermost first: what is nearer to the event says more about it.
        for span in ctx.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.fields(fields);
            }
        }
        // One write for one line, or lines of two threads would mix. There is nobody to tell
        // when the log itself fails.
        let _unheard = self.writer.make_writer().write_all(line.finish().as_bytes());
    }
}

/// One line on its way.
struct Line {
    is_json: bool,
    head: String,
    message: String,
    rest: String,
    names: Vec<&'static str>,
}

impl Line {
    fn new(is_json: bool, now: jiff::Timestamp, metadata: &tracing::Metadata<'_>) -> Self {
        let (level, target) = (metadata.level(), metadata.target());
        let mut head = String::with_capacity(256);
        let _infallible = if is_json {
            write!(head, "{{\"time\":\"{now:.6}\",\"level\":\"{level}\",\"target\":\"{target}\"")
        } else {
            write!(head, "{now:.6} {level:<5} {target}:")
        };
        // Names of the line itself cannot be taken by a field.
        let names = vec!["time", "level", "target"];
        Self { is_json, head, message: String::new(), rest: String::new(), names }
    }

    fn fields(&mut self, fields: &Fields) {
        for (name, value) in &fields.list {
            if self.names.contains(name) {
                continue;
            }
            self.names.push(name);
            let is_message = *name == "message";
            let out = if is_message { &mut self.message } else { &mut self.rest };
            match (self.is_json, value) {
                (true, value) => {
                    let _infallible = write!(out, ",\"{name}\":");
                    json(out, value);
                }
                (false, Value::Text(text)) if is_message => {
                    out.push(' ');
                    escape(out, text, false);
                }
                (false, value) => {
                    let _infallible = write!(out, " {name}=");
                    plain(out, value);
                }
            }
        }
    }

    fn finish(self) -> String {
        let end = if self.is_json { "}\n" } else { "\n" };
        self.head + &self.message + &self.rest + end
    }
}

fn json(out: &mut String, value: &Value) {
    match value {
        Value::Bare(bare) => out.push_str(bare),
        Value::Text(text) => {
            out.push('"');
            escape(out, text, true);
            out.push('"');
        }
    }
}

fn plain(out: &mut String, value: &Value) {
    match value {
        Value::Bare(bare) => out.push_str(bare),
        Value::Text(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
            out.push('"');
            escape(out, text, true);
            out.push('"');
        }
        Value::Text(text) => escape(out, text, false),
    }
}

/// Writes text so that it can end no line and command no terminal (S-42).
///
/// JSON itself asks only for the controls below 0x20. The C1 range holds one-character forms of
/// the ANSI escapes, and the direction marks can show a line as another one than it is.
fn escape(out: &mut String, text: &str, is_quoted: bool) {
    for c in text.chars() {
        match c {
            '"' if is_quoted => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_deceptive(c) => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// Line separators and marks of direction; all of them lie below 0x10000.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::clock::SetClock;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(is_json: bool, work: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let clock = Clock::Set(Arc::new(SetClock::at(1_700_000_000_000_001)));
        let lines = Lines { is_json, text_octets_max: 64, clock, writer: move || writer.clone() };
        let (filter, _handle) = reload::Layer::new(filter("info").unwrap());
        let registry = tracing_subscriber::registry().with(filter).with(lines);
        tracing::subscriber::with_default(registry, work);
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_flat_json_with_the_fields_of_its_spans() {
        let text = logged(true, || {
            let session = tracing::info_span!("session", session.id = 7, partner = "acme");
            let _in_session = session.enter();
            let inner = tracing::info_span!("mt", partner = "inner", late = tracing::field::Empty);
            inner.record("late", true);
            let _in_inner = inner.enter();
            tracing::warn!(message.id = %"01ABC", rate = 0.5, "refused {}", "it");
        });
        assert_eq!(
            text,
            "{\"time\":\"2023-11-14T22:13:20.000001Z\",\"level\":\"WARN\",\
             \"target\":\"bramka::log::tests\",\"message\":\"refused it\",\
             \"message.id\":\"01ABC\",\"rate\":0.5,\"partner\":\"inner\",\"late\":true,\
             \"session.id\":7}\n"
        );
    }

    #[test]
    fn text_from_outside_can_end_no_line_and_command_no_terminal() {
        let evil = "a\r\nINFO forged\u{1b}[2J\u{9b}31m\"\\\u{0}\u{7f}\u{202e}\u{2028}";
        for is_json in [true, false] {
            let text = logged(is_json, || {
                tracing::info!(system_id = evil, debug = ?evil, "bind by {evil}");
            });
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.ends_with('\n'));
            let body = text.trim_end_matches('\n');
            assert!(!body.chars().any(|c| c.is_control() || is_deceptive(c)), "{text:?}");
        }
    }

    #[test]
    fn json_escapes_are_those_of_json() {
        let mut out = String::new();
        escape(&mut out, "\"\\\n\u{1b}\u{9b}ż", true);
        assert_eq!(out, "\\\"\\\\\\n\\u001b\\u009bż");
    }

    #[test]
    fn a_terminal_gets_text_with_quotes_only_where_they_help() {
        let text = logged(false, || tracing::info!(link = "a", why = "went away", n = 3, "down"));
        assert_eq!(
            text,
            "2023-11-14T22:13:20.000001Z INFO  bramka::log::tests: down link=a why=\"went away\" n=3\n"
        );
    }

    #[test]
    fn a_long_text_is_cut_and_a_field_cannot_pose_as_the_level() {
        let text = logged(true, || {
            tracing::info!(level = "ERROR", long = "ż".repeat(1000), "x");
        });
        assert!(text.contains("\"level\":\"INFO\"") && !text.contains("ERROR"), "{text}");
        assert!(text.contains(&format!("\"{}...\"", "ż".repeat(32))), "{text}");
    }

    #[test]
    fn the_level_can_change_while_it_runs() {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = Lines {
            is_json: true,
            text_octets_max: 64,
            clock: Clock::System,
            writer: move || writer.clone(),
        };
        let (layer, handle) = reload::Layer::new(filter("info").unwrap());
        let handle = LogHandle { filter: handle };
        let registry = tracing_subscriber::registry().with(layer).with(lines);
        tracing::subscriber::with_default(registry, || {
            tracing::debug!("unheard");
            handle.set_level("debug").unwrap();
            tracing::debug!("heard");
            assert!(handle.set_level("=debug,[").is_err());
            tracing::debug!("still");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("unheard") && text.contains("\"heard\"") && text.contains("still"));
    }

    #[test]
    fn a_masked_number_hides_at_least_three_digits() {
        for (msisdn, masked) in [
            ("48600100200", "48600***200"),
            ("+48600100200", "+4860****200"),
            ("600100200", "600***200"),
            ("123456", "***456"),
            ("71234", "***"),
            ("", "***"),
            ("486001002003004", "48600*******004"),
        ] {
            assert_eq!(mask_msisdn(msisdn), masked, "{msisdn}");
        }
    }
}
