//! Writing a configuration down: what is in force, where it was said, and the shipped sample.

use std::fmt::Write as _;

use super::smsc_link::SmscLink;
use super::visit::{Entry, Place, visit};
use super::{Config, Settings};

impl Settings {
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        visit(self, &Place::default(), &mut entries);
        entries
    }
}

impl Config {
    /// Every value in force, as TOML. Secrets are named by their files, never shown.
    pub fn effective(&self) -> String {
        self.write(|_| String::new())
    }

    /// As [`Config::effective`], each line with where its value was said.
    pub fn effective_with_origin(&self) -> String {
        self.write(|path| match self.origin(path) {
            Some(origin) => match origin.line {
                Some(line) => format!("  # {}:{line}", origin.source),
                None => format!("  # {} {}", origin.source, origin.path),
            },
            None => "  # default".into(),
        })
    }

    /// Path and value of every setting, for `--json`.
    pub fn values(&self) -> Vec<(String, String)> {
        self.entries().into_iter().map(|entry| (entry.path, entry.value)).collect()
    }

    fn write(&self, note: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        let mut table = None;
        for entry in self.entries() {
            if table.as_ref() != Some(&entry.table) {
                let gap = if out.is_empty() { "" } else { "\n" };
                line(&mut out, format_args!("{gap}{}", entry.header));
                table = Some(entry.table);
            }
            line(&mut out, format_args!("{} = {}{}", entry.key, entry.value, note(&entry.path)));
        }
        out
    }

    /// The sample that ships: every key with its default and the reason it exists.
    pub fn sample() -> String {
        let mut settings = Settings::default();
        settings.smsc_link.push(SmscLink::example());
        let mut out = SAMPLE_HEAD.to_owned();
        let mut table = None;
        for entry in settings.entries() {
            let is_link = entry.header.contains("smsc_link");
            if table.as_ref() != Some(&entry.table) {
                out.push('\n');
                for about in entry.about {
                    line(&mut out, format_args!("#{about}"));
                }
                let mark = if is_link { "#" } else { "" };
                line(&mut out, format_args!("{mark}{}", entry.header));
                table = Some(entry.table.clone());
            }
            for why in entry.why {
                line(&mut out, format_args!("#{why}"));
            }
            line(&mut out, format_args!("#{} = {}", entry.key, entry.value));
        }
        out
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes every text");
}

const SAMPLE_HEAD: &str = "\
# Bramka: every setting with its default, and the reason it exists.
#
# A line `#key = value` shows the default: take the # away to change it. An empty file is a valid
# one. Files in conf.d/*.toml beside this file are read after it, in the order of their names, and
# the environment after those: BRAMKA__HTTP__BODY_OCTETS_MAX=2MiB.
# Durations: \"5ms\" \"30s\" \"2m\" \"24h\" \"7d\". Sizes: \"512B\" \"64KiB\" \"16MiB\" \"1GiB\".
# \"\" is \"not set\". Secrets are never written here: name a file, which is looked for among the
# systemd credentials, or beside this file.
# SIGHUP reloads the log level, [limits], certificates, and the rates and windows of links; anything
# else needs a restart. `bramka check` finds every mistake.
";
