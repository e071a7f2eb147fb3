//! Reading every layer of a configuration: the file, its drop-ins, the environment.
//!
//! The surprise: the environment is an argument. A test must not set variables of its process,
//! and neither must anything else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, Mistakes};
use super::secret::{Folders, why};
use super::suggest::nearest;
use super::walk::{Origin, Section, Walk, line_of, take_section};
use super::{Config, Settings, check};

const PREFIX: &str = "BRAMKA__";
const FILE_OCTETS_MAX: u64 = 1024 * 1024;
const DROP_INS_MAX: usize = 64;

/// What a configuration is put together from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub file: PathBuf,
    /// Name and value of every variable; those that are not ours are passed over.
    pub environment: Vec<(String, String)>,
    /// systemd's `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<PathBuf>,
    /// systemd's `$STATE_DIRECTORY`.
    pub state: Option<PathBuf>,
}

impl Sources {
    /// A file, with the environment of this process.
    pub fn of_process(file: &Path) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        // A unit with several state folders lists them with colons; the first is the data's.
        let state = std::env::var("STATE_DIRECTORY").ok();
        let state = state.and_then(|list| list.split(':').next().map(PathBuf::from));
        Self { file: file.to_owned(), environment, credentials, state }
    }
}

impl Config {
    /// Reads, parses and validates; all mistakes come back together.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Mistakes> {
        Self::read(&Sources::of_process(path.as_ref()))
    }

    /// As [`Config::load`], from named sources.
    pub fn read(sources: &Sources) -> Result<Self, Mistakes> {
        let mut layers = Layers::default();
        let folder = sources.file.parent().unwrap_or(Path::new(""));
        layers.file(&sources.file);
        for drop_in in layers.drop_ins(&folder.join("conf.d")) {
            layers.file(&drop_in);
        }
        for (name, value) in &sources.environment {
            layers.variable(name, value);
        }
        let credentials = sources.credentials.clone();
        let mut config = layers.finish(Folders { config: folder.to_owned(), credentials })?;
        config.state.clone_from(&sources.state);
        Ok(config)
    }

    /// Reads one text without files beside it; `folder` is where relative names belong.
    pub fn from_text(text: &str, folder: &Path) -> Result<Self, Mistakes> {
        let mut layers = Layers::default();
        layers.text("configuration", text);
        layers.finish(Folders { config: folder.to_owned(), credentials: None })
    }
}

#[derive(Default)]
struct Layers {
    settings: Settings,
    origins: BTreeMap<String, Origin>,
    mistakes: Vec<Mistake>,
    files: Vec<PathBuf>,
    /// Set after a syntax error: what spans sections would only be guesses then.
    is_broken: bool,
}

impl Layers {
    fn whole_file(&mut self, source: &str, text: String) {
        let source = source.to_owned();
        self.mistakes.push(Mistake { source, line: None, path: String::new(), value: None, text });
        self.is_broken = true;
    }

    fn file(&mut self, path: &Path) {
        let source = path.display().to_string();
        let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
        if size > FILE_OCTETS_MAX {
            return self.whole_file(&source, format!("has {size} octets, more than 1 MiB"));
        }
        match std::fs::read_to_string(path) {
            Ok(text) => {
                self.files.push(path.to_owned());
                self.text(&source, &text);
            }
            Err(error) => self.whole_file(&source, format!("cannot be read: {}", why(&error))),
        }
    }

    /// Drop-ins in the order of their names; a folder that does not exist holds none.
    fn drop_ins(&mut self, folder: &Path) -> Vec<PathBuf> {
        let source = folder.display().to_string();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.whole_file(&source, format!("cannot be read: {}", why(&error)));
                return Vec::new();
            }
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        files.sort();
        if files.len() > DROP_INS_MAX {
            self.whole_file(&source, format!("has {} files; 64 is the most", files.len()));
            files.truncate(DROP_INS_MAX);
        }
        files
    }

    fn text(&mut self, source: &str, text: &str) {
        let (document, errors) = DeTable::parse_recoverable(text);
        let mut walk = Walk::new(source, text, &mut self.mistakes, &mut self.origins);
        let mut header_is_broken = false;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let line = line_of(text, span.start);
            // One slip often makes several errors on its line; the first says most.
            if walk.broken_lines.contains(&line) {
                continue;
            }
            let of_line = text.lines().nth(line - 1).unwrap_or_default();
            header_is_broken |= of_line.trim_start().starts_with('[');
            let what = error.message().lines().next().unwrap_or("syntax error").to_owned();
            walk.mistake(&span, None, format!("not TOML: {what}"));
            walk.broken_lines.push(line);
        }
        self.is_broken |= !walk.broken_lines.is_empty();
        // After a broken header keys stand in the wrong table: every one would look unknown.
        if !header_is_broken {
            take_section(&mut self.settings, document.get_ref(), &mut walk);
        }
    }

    /// `BRAMKA__SECTION__KEY`; the value is TOML, or text when it is not.
    fn variable(&mut self, name: &str, value: &str) {
        let Some(rest) = name.strip_prefix(PREFIX) else { return };
        let words: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
        let problem = variable_problem(&words);
        let mut attempt = |value: &Spanned<DeValue<'_>>, text: &str| {
            let mut mistakes = Vec::new();
            let mut walk = Walk::new("environment", text, &mut mistakes, &mut self.origins);
            walk.variable = Some(name.to_owned());
            let table = nest(&words, value.clone());
            take_section(&mut self.settings, &table, &mut walk);
            mistakes
        };
        let mistakes = if let Some(text) = problem {
            let (source, path) = ("environment".into(), name.to_owned());
            vec![Mistake { source, line: None, path, value: None, text }]
        } else {
            // As TOML first, so that numbers are numbers; what only fits as text is text.
            let as_text = Spanned::new(0..value.len(), DeValue::String(value.into()));
            match DeValue::parse(value) {
                Ok(parsed) if !parsed.get_ref().is_table() => {
                    let first = attempt(&parsed, value);
                    if first.is_empty() || parsed.get_ref().is_str() {
                        first
                    } else if attempt(&as_text, value).is_empty() {
                        Vec::new()
                    } else {
                        first
                    }
                }
                _ => attempt(&as_text, value),
            }
        };
        self.mistakes.extend(mistakes);
    }

    fn finish(self, folders: Folders) -> Result<Config, Mistakes> {
        let Self { settings, origins, mut mistakes, files, is_broken } = self;
        let mut config = Config { settings, origins, files, folders, state: None };
        if !is_broken {
            mistakes.extend(check::check(&mut config));
        }
        if mistakes.is_empty() { Ok(config) } else { Err(Mistakes(mistakes)) }
    }
}

/// What cannot be overridden by a variable, whatever its value.
fn variable_problem(words: &[String]) -> Option<String> {
    let section = words.first().map_or("", String::as_str);
    if section == "smsc_link" {
        return Some("lists of tables are not overridden; use a file in conf.d".into());
    }
    if !Settings::KEYS.iter().any(|key| key.name == section) {
        let meant = nearest(section, Settings::KEYS.iter().map(|key| key.name));
        let meant =
            meant.map(|meant| format!("; did you mean `{PREFIX}{}`?", meant.to_uppercase()));
        return Some(format!("unknown section{}", meant.unwrap_or_default()));
    }
    if !(2..=3).contains(&words.len()) {
        return Some(format!("must be {PREFIX}SECTION__KEY"));
    }
    let is_secret = words.last().is_some_and(|key| check::SECRET_KEYS.contains(&key.as_str()));
    is_secret.then(|| "secrets and their files are not overridden; name them in the file".into())
}

/// The document that one variable stands for.
fn nest<'i>(words: &[String], value: Spanned<DeValue<'i>>) -> DeTable<'i> {
    let span = value.span();
    let mut table = DeTable::new();
    if let [word, rest @ ..] = words {
        let inner = if rest.is_empty() {
            value
        } else {
            Spanned::new(span.clone(), DeValue::Table(nest(rest, value)))
        };
        table.insert(Spanned::new(span, word.clone().into()), inner);
    }
    table
}
