//! What a reload changes at once and what waits for a restart; and what is insecure.

use std::collections::BTreeMap;

use super::Config;

/// The difference between two configurations, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadDiff {
    /// In force as soon as the reload is done.
    pub changed_now: Vec<String>,
    pub needs_restart: Vec<String>,
}

impl ReloadDiff {
    pub fn is_empty(&self) -> bool {
        self.changed_now.is_empty() && self.needs_restart.is_empty()
    }
}

impl std::fmt::Display for ReloadDiff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing changed");
        }
        let parts = [("changed", &self.changed_now), ("needs a restart", &self.needs_restart)];
        let parts = parts.iter().filter(|(_, paths)| !paths.is_empty());
        let parts: Vec<_> =
            parts.map(|(what, paths)| format!("{what}: {}", paths.join(", "))).collect();
        f.write_str(&parts.join("; "))
    }
}

impl Config {
    /// What is different in `new`.
    ///
    /// Links are compared by name, not by place: one put first in the file must not look as if
    /// every other link had changed.
    pub fn reload_diff(old: &Self, new: &Self) -> ReloadDiff {
        let (before, after) = (by_name(old), by_name(new));
        let mut diff = ReloadDiff::default();
        for path in before.keys().chain(after.keys().filter(|path| !before.contains_key(*path))) {
            match (before.get(path), after.get(path)) {
                (Some(was), Some(is)) if was == is => {}
                (Some((_, true)), Some(_)) => diff.changed_now.push(path.clone()),
                (Some(_), Some(_)) => diff.needs_restart.push(path.clone()),
                // A whole link came or went: one line says so, not sixty.
                _ => {
                    let link = path.split('.').next().unwrap_or(path).to_owned();
                    if !diff.needs_restart.contains(&link) {
                        diff.needs_restart.push(link);
                    }
                }
            }
        }
        for (path, is_new) in secrets_changed(old, new) {
            if is_new {
                diff.needs_restart.push(path);
            }
        }
        diff
    }

    /// Everything that is on although it is insecure (S-78): printed at start, and a metric.
    pub fn insecure(&self) -> Vec<String> {
        self.entries()
            .into_iter()
            .filter(|entry| {
                let is_on = entry.key.starts_with("insecure_") && entry.value == "true";
                is_on || entry.value.starts_with("\"insecure_")
            })
            .map(|entry| entry.path)
            .collect()
    }
}

fn by_name(config: &Config) -> BTreeMap<String, (String, bool)> {
    let name = |path: &str| {
        let (index, rest) = path.strip_prefix("smsc_link[")?.split_once(']')?;
        let link = config.smsc_link.get(index.parse::<usize>().ok()?)?;
        Some(format!("smsc_link[{}]{rest}", link.name))
    };
    config
        .entries()
        .into_iter()
        .map(|entry| (name(&entry.path).unwrap_or(entry.path), (entry.value, entry.live)))
        .collect()
}

/// Secrets whose file kept its name and got other contents.
fn secrets_changed(old: &Config, new: &Config) -> Vec<(String, bool)> {
    let mut changed = vec![
        ("store.url_file".into(), old.store.url_file.secret != new.store.url_file.secret),
        (
            "mail.password_file".into(),
            old.mail.password_file.secret != new.mail.password_file.secret,
        ),
        (
            "smpp_server.pepper_file".into(),
            old.smpp_server.pepper_file.secret != new.smpp_server.pepper_file.secret,
        ),
    ];
    for link in &new.smsc_link {
        let before = old.smsc_link.iter().find(|before| before.name == link.name);
        let is_new =
            before.is_some_and(|before| before.password_file.secret != link.password_file.secret);
        changed.push((format!("smsc_link[{}].password_file", link.name), is_new));
    }
    changed
}
