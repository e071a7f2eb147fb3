//! The letters there are, what each is told, and their texts: shipped ones and the operator's own.
//!
//! A text is a file: the subject on the first line, an empty line, the body. The whole set is
//! checked before anything is sent. What surprises: a text that leaves out the link of its letter
//! is refused, because nobody could do what such a letter asks for.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use super::{render::Renderer, words::Language};

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// One line.
    Text,
    /// Words of a person, several lines; shown with `| quoted`.
    Note,
    /// Several lines that are ours, like an address; shown with `| lines`.
    Lines,
    /// Microseconds UTC; shown with `| date` or `| moment`.
    Time,
    /// A URL, or a path of the portal that begins with `/`; shown with `button(label, link)`.
    Link,
    /// A day like `2026-11-21`; shown with `| day`.
    Day,
    Count,
    Flag,
    /// A word of the code; shown with `| word`.
    Word,
    /// A list of such words; shown with `| words`.
    Words,
}

/// One thing that a letter is told.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    pub name: &'static str,
    pub holds: Type,
    /// May be null or absent.
    pub is_optional: bool,
    /// What a test or a preview shows.
    pub sample: &'static str,
}

/// One letter.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub variables: &'static [Variable],
    /// The shipped texts, Polish and English.
    texts: [&'static str; 2],
}

macro_rules! kinds {
    ($( $name:ident { $( $variable:ident: $type:ident $(? $optional:literal)? = $sample:literal, )* } )+) => {
        /// Every letter with every variable; `?` marks those that may be absent.
        pub const KINDS: &[Kind] = &[$( Kind {
            name: stringify!($name),
            variables: &[$( Variable {
                name: stringify!($variable),
                holds: Type::$type,
                is_optional: kinds!(@optional $($optional)?),
                sample: $sample,
            } ),*],
            texts: [
                include_str!(concat!("../../config/letters/", stringify!($name), ".pl.txt")),
                include_str!(concat!("../../config/letters/", stringify!($name), ".en.txt")),
            ],
        } ),+];
    };
    (@optional) => { false };
    (@optional $optional:literal) => { $optional };
}

kinds! {
    application_saved { link: Link = "/applications/12?key=abc", valid_until: Time = "1795262400000000", }
    application_link { reference: Text = "W/2026/12", link: Link = "/applications/12?key=abc", }
    application_received { reference: Text = "W/2026/12", company: Text = "Żółw i Spółka sp. z o.o.", promised_at: Time = "1795262400000000", link: Link = "/applications/12?key=abc", }
    application_question { reference: Text = "W/2026/12", question: Note = "Jaki przychód planują Państwo?\nProsimy o kwotę na obszar.", answer_by: Time ? true = "1795262400000000", link: Link = "/applications/12?key=abc", }
    application_accepted { reference: Text = "W/2026/12", company: Text = "Żółw i Spółka sp. z o.o.", return_address: Lines = "Operator S.A.\nul. Przykładowa 1\n00-001 Warszawa", return_by: Time ? true = "1795262400000000", link: Link = "/applications/12?key=abc", }
    application_declined { reference: Text = "W/2026/12", company: Text = "Żółw i Spółka sp. z o.o.", reason: Note = "Plan marketingowy jest niepełny.", may_apply_from: Time ? true = "1795262400000000", link: Link = "/applications/12?key=abc", }
    application_overdue { reference: Text = "W/2026/12", company: Text = "Żółw i Spółka sp. z o.o.", promised_at: Time = "1795262400000000", link: Link = "/desk/applications/12", }
    agreement_sent { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", return_by: Time = "1795262400000000", copies: Count = "2", stamp: Flag = "true", return_ways: Words = "paper,upload,qualified_signature", enclosures: Words = "register_certificate,nip_certificate", return_address: Lines ? true = "Operator S.A.\nul. Przykładowa 1\n00-001 Warszawa", }
    agreement_reminder { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", return_by: Time = "1795262400000000", lapse_at: Time ? true = "1795262400000000", }
    agreement_copy_rejected { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", reason: Note = "Brakuje drugiej strony.", return_by: Time = "1795262400000000", }
    agreement_in_force { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", admits: Flag = "true", partner_number: Text ? true = "P-000123", }
    agreement_lapsed { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", }
    agreement_declined { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", reason: Note = "Wybraliśmy inną drogę.", }
    agreement_suspended { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", reason: Note = "refused_terms", label: Text ? true = "Warunki 2026/2", }
    agreement_resumed { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", }
    agreement_terminated { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", reason: Note = "Naruszenie regulaminu.", }
    agreement_expired { kind: Word = "framework", number: Text = "UR/2026/0007", title: Text = "Umowa ramowa", link: Link = "/agreements/7", }
    invitation { company: Text = "Żółw i Spółka sp. z o.o.", login: Text = "anna@zolw.example", link: Link = "/invitation?key=abc", valid_until: Time = "1795262400000000", }
    password_reset { login: Text = "anna@zolw.example", link: Link = "/reset?key=abc", valid_until: Time = "1795262400000000", }
    account_locked { login: Text = "anna@zolw.example", locked_until: Time = "1795262400000000", link: Link = "/reset", }
    new_device { login: Text = "anna@zolw.example", at: Time = "1795262400000000", device: Text = "Firefox, Linux", address: Text = "192.0.2.7", link: Link = "/sessions", }
    terms_changed { terms: Count = "3", label: Text = "Warunki 2026/2", kind: Word = "framework", summary: Note = "Nowe stawki za SMS specjalny.", effective_day: Day = "2026-11-21", consent: Word = "silent", link: Link = "/terms/3", }
    terms_refused_confirmed { label: Text = "Warunki 2026/2", refused_at: Time = "1795262400000000", ends_at: Time ? true = "1795262400000000", link: Link = "/terms/3", }
    password_changed { login: Text = "anna@zolw.example", at: Time = "1795262400000000", }
    second_factor_set { login: Text = "anna@zolw.example", at: Time = "1795262400000000", }
    second_factor_removed { login: Text = "anna@zolw.example", at: Time = "1795262400000000", }
    role_changed { login: Text = "anna@zolw.example", at: Time = "1795262400000000", role: Word = "developer", }
    account_disabled { company: Text = "Żółw i Spółka sp. z o.o.", login: Text = "anna@zolw.example", at: Time = "1795262400000000", }
    bank_change_asked { company: Text = "Żółw i Spółka sp. z o.o.", ending: Text = "2874", asked_by: Text = "Anna Żółw", lapses_at: Time = "1795262400000000", link: Link = "/bank-changes", }
    bank_changed { company: Text = "Żółw i Spółka sp. z o.o.", ending: Text = "2874", at: Time = "1795262400000000", link: Link = "/company", }
    bank_change_ended { company: Text = "Żółw i Spółka sp. z o.o.", ending: Text = "2874", at: Time = "1795262400000000", reason: Word = "refused", link: Link = "/company", }
    number_expires { number: Text = "7455", keyword: Text ? true = "QUIZ", expires_at: Time = "1795262400000000", link: Link = "/reservations/7", }
    number_expired { number: Text = "7455", keyword: Text ? true = "QUIZ", link: Link = "/reservations/7", }
    number_waited { number: Text = "7455", keyword: Text ? true = "QUIZ", expires_at: Time = "1795262400000000", link: Link = "/reservations/7", }
    number_ordered { number: Text = "7455", keyword: Text ? true = "QUIZ", partner: Text = "zolw", link: Link = "/reservations/7", }
    number_active { number: Text = "7455", keyword: Text ? true = "QUIZ", link: Link = "/reservations/7", }
    number_refused { number: Text = "7455", keyword: Text ? true = "QUIZ", reason: Note = "Brak wpisu w rejestrze.", link: Link = "/reservations/7", }
    number_suspended { number: Text = "7455", keyword: Text ? true = "QUIZ", reason: Note = "Brak wpisu w rejestrze.", link: Link = "/reservations/7", }
    number_resumed { number: Text = "7455", keyword: Text ? true = "QUIZ", link: Link = "/reservations/7", }
    number_closed { number: Text = "7455", keyword: Text ? true = "QUIZ", reason: Note = "Brak wpisu w rejestrze.", link: Link = "/reservations/7", }
    number_release_asked { number: Text = "7455", keyword: Text ? true = "QUIZ", partner: Text = "zolw", reason: Note = "Koniec konkursu.", link: Link = "/reservations/7", }
    service_close_asked { service: Text = "win", partner: Text = "zolw", reason: Note = "Koniec konkursu.", link: Link = "/services/7", }
    order_note { reference: Text = "Z-000012", title: Text = "Uruchomienie usługi: win", note: Note = "Kiedy zaczniemy testy?", link: Link = "/orders/12", }
    order_turn { reference: Text = "Z-000012", title: Text = "Rezygnacja z numeru: 7455", step: Text = "Zakończenie reklamy numeru", due_at: Time = "1795262400000000", link: Link = "/orders/12", }
    order_late { reference: Text = "Z-000012", title: Text = "Uruchomienie usługi: win", step: Text = "Zatwierdzenie opisu", due_at: Time = "1795262400000000", link: Link = "/orders/12", }
    order_ended { reference: Text = "Z-000012", title: Text = "Rezygnacja z numeru: 7455", state: Word = "rejected", reason: Note ? true = "Konkurs jeszcze trwa.", link: Link = "/orders/12", }
    service_submitted { service: Text = "win", partner: Text = "zolw", link: Link = "/services/7", }
    service_returned { service: Text = "win", reason: Note = "Brak ceny z VAT.", link: Link = "/services/7", }
    service_approved { service: Text = "win", link: Link = "/services/7", }
    service_live { service: Text = "win", link: Link = "/services/7", }
    service_suspended { service: Text = "win", reason: Note = "Skargi subskrybentów.", link: Link = "/services/7", }
    service_closed { service: Text = "win", reason: Note = "Koniec konkursu.", link: Link = "/services/7", }
    fault_received { reference: Text = "F-000012", title: Text = "Brak potwierdzeń", severity: Word = "major", due_at: Time = "1795262400000000", link: Link = "/faults/12", }
    fault_filed { reference: Text = "F-000012", title: Text = "Brak potwierdzeń", severity: Word = "major", due_at: Time = "1795262400000000", link: Link = "/faults/12", }
    fault_question { reference: Text = "F-000012", title: Text = "Brak potwierdzeń", question: Note = "Od której godziny?", link: Link = "/faults/12", }
    fault_note { reference: Text = "F-000012", title: Text = "Brak potwierdzeń", note: Note = "Sprawdzamy łącze.", link: Link = "/faults/12", }
    fault_resolved { reference: Text = "F-000012", title: Text = "Brak potwierdzeń", answer: Note = "Łącze działa.", until: Time = "1795262400000000", link: Link = "/faults/12", }
    fault_reopened { reference: Text = "F-000012", title: Text = "Brak potwierdzeń", reason: Note = "Nadal nie przychodzą.", link: Link = "/faults/12", }
    fault_ended { reference: Text = "F-000012", title: Text = "Brak potwierdzeń", state: Word = "closed", reason: Note ? true = "To samo zgłoszenie.", link: Link = "/faults/12", }
    fault_escalated { reference: Text = "F-000012", title: Text = "Brak potwierdzeń", severity: Word = "major", share: Count = "80", due_at: Time = "1795262400000000", link: Link = "/faults/12", }
    complaint_received { reference: Text = "R-000012", subject: Word = "not_ordered", received_at: Time = "1795262400000000", due_at: Time = "1797854399999999", }
    complaint_forwarded { reference: Text = "R-000012", subject: Word = "not_ordered", due_at: Time = "1797854399999999", link: Link = "/complaints/12", }
    complaint_asked { reference: Text = "R-000012", subject: Word = "not_ordered", question: Note ? true = "Kiedy abonent zamówił usługę?", answer_by: Time = "1795694399999999", link: Link = "/complaints/12", }
    complaint_answered { reference: Text = "R-000012", partner: Text = "zolw", says: Word = "accept", answer: Note = "Nie znaleźliśmy zamówienia.", link: Link = "/complaints/12", }
    complaint_note { reference: Text = "R-000012", note: Note = "Sprawdzamy przebieg.", link: Link = "/complaints/12", }
    complaint_step { reference: Text = "R-000012", days: Count = "21", state: Word = "asked_partner", due_at: Time = "1797854399999999", link: Link = "/complaints/12", }
    complaint_lapsed { reference: Text = "R-000012", due_at: Time = "1797854399999999", link: Link = "/complaints/12", }
    complaint_outcome { reference: Text = "R-000012", decision: Word = "accepted", reason: Note ? true = "Nie znaleźliśmy zamówienia.", refund: Text ? true = "4,92 zł", link: Link = "/complaints/12", }
    complaint_answer { reference: Text = "R-000012", decision: Word = "accepted", }
    complaint_alarm { service: Text = "quiz", partner: Text = "zolw", complaints: Count = "12", charges: Count = "800", link: Link = "/complaints/rates", }
    callback_disabled { service: Text = "quiz", is_gone: Flag = "true", link: Link = "/services", }
    listener_disabled { address: Text = "https://tickets.example", is_gone: Flag = "true", link: Link = "/listeners", }
    incident_news { title: Text = "Opóźnienia SMS", text: Note = "Przełączamy ruch na drugie łącze.", is_over: Flag = "true", link: Link = "/incidents/3", }
    idea_received { reference: Text = "P/2026/3", title: Text = "Quiz w autobusie", promised_at: Time = "1795262400000000", link: Link = "/ideas/3", }
    idea_answered { reference: Text = "P/2026/3", title: Text = "Quiz w autobusie", answer: Note = "Dziękujemy, zapraszamy na rozmowę.", link: Link = "/ideas/3", }
}

/// What stands below every letter; it has no subject.
const FOOTER: [&str; 2] = [
    include_str!("../../config/letters/footer.pl.txt"),
    include_str!("../../config/letters/footer.en.txt"),
];
const TEXT_OCTETS_MAX: u64 = 64 * 1024;

impl Kind {
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Data with a sample for every variable.
    pub fn sample(&self) -> Value {
        let value = |variable: &Variable| match variable.holds {
            Type::Time | Type::Count => json!(variable.sample.parse::<i64>().unwrap_or_default()),
            Type::Flag => json!(variable.sample == "true"),
            Type::Words => json!(variable.sample.split(',').collect::<Vec<_>>()),
            _ => json!(variable.sample),
        };
        self.variables.iter().map(|one| (one.name.to_owned(), value(one))).collect()
    }

    /// Whether this is what the letter is told, no less and no more; the text says what is wrong.
    pub fn accepts(&self, data: &Value) -> Result<(), String> {
        self.suffices(data)?;
        let mut keys = data.as_object().into_iter().flat_map(|data| data.keys());
        let stranger = keys.find(|key| !self.variables.iter().any(|one| one.name == **key));
        stranger.map_or(Ok(()), |key| Err(format!("`{key}` is not known to this letter")))
    }

    /// Whether a letter can be made of this data, whatever else is in it.
    pub(super) fn suffices(&self, data: &Value) -> Result<(), String> {
        let data = data.as_object().ok_or("the data is no object")?;
        for variable in self.variables {
            let name = variable.name;
            let fits = match (data.get(name), variable.holds) {
                (None | Some(Value::Null), _) => variable.is_optional,
                (Some(value), Type::Time | Type::Count) => value.is_i64() || value.is_u64(),
                (Some(value), Type::Flag) => value.is_boolean(),
                (Some(value), Type::Words) => {
                    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
                }
                (Some(value), _) => value.is_string(),
            };
            if !fits {
                return Err(format!("`{name}` is missing or of another type"));
            }
        }
        Ok(())
    }
}

/// A text in its parts, not filled in yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
}

impl Text {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        let (subject, body) = text.split_once('\n').unwrap_or((&text, ""));
        if subject.trim().is_empty() {
            return Err("the first line must be the subject".into());
        }
        let Some(body) = body.strip_prefix('\n').filter(|body| !body.trim().is_empty()) else {
            return Err("an empty line and the letter must follow the subject".into());
        };
        Ok(Self { subject: subject.trim().to_owned(), body: body.trim_end().to_owned() })
    }
}

/// Every text in both languages, checked.
#[derive(Debug, Clone)]
pub struct Templates {
    texts: BTreeMap<(&'static str, &'static str), Text>,
    footers: BTreeMap<&'static str, String>,
}

impl Templates {
    /// The texts that ship.
    pub fn shipped() -> Result<Self, Vec<String>> {
        Self::load(None)
    }

    /// The shipped texts under those of a folder. All that is wrong comes back together.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<String>> {
        let mut found = Self { texts: BTreeMap::new(), footers: BTreeMap::new() };
        let mut wrong = folder.map_or_else(Vec::new, strangers);
        for (place, language) in Language::ALL.into_iter().enumerate() {
            let code = language.code();
            let mut read = |name: &str, shipped: &str| match own_text(folder, name, code) {
                Ok(text) => text.unwrap_or_else(|| shipped.to_owned()),
                Err(text) => {
                    wrong.push(text);
                    shipped.to_owned()
                }
            };
            found.footers.insert(code, read("footer", FOOTER[place]).trim().to_owned());
            let texts: Vec<(&Kind, String)> =
                KINDS.iter().map(|kind| (kind, read(kind.name, kind.texts[place]))).collect();
            for (kind, text) in texts {
                match Text::parse(&text) {
                    Ok(text) => drop(found.texts.insert((kind.name, code), text)),
                    Err(text) => wrong.push(format!("{}.{code}.txt: {text}", kind.name)),
                }
            }
        }
        wrong.extend(Renderer::complaints(&found));
        if wrong.is_empty() { Ok(found) } else { Err(wrong) }
    }

    pub(super) fn text(&self, name: &str, language: Language) -> Option<&Text> {
        // The key borrows from a table that lives for ever, the name does not.
        let kind = Kind::named(name)?;
        self.texts.get(&(kind.name, language.code()))
    }

    pub(super) fn footer(&self, language: Language) -> &str {
        self.footers.get(language.code()).map_or("", String::as_str)
    }
}

/// The operator's own text, if there is one.
fn own_text(folder: Option<&Path>, name: &str, code: &str) -> Result<Option<String>, String> {
    let Some(folder) = folder else { return Ok(None) };
    let file = folder.join(format!("{name}.{code}.txt"));
    match std::fs::metadata(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(meta) if meta.len() > TEXT_OCTETS_MAX => {
            return Err(format!("{}: is longer than 64 KiB", file.display()));
        }
        Ok(_) | Err(_) => {}
    }
    let text = std::fs::read_to_string(&file);
    text.map(Some).map_err(|error| format!("{}: {error}", file.display()))
}

/// What lies in the folder and is no letter, and letters with only one of their languages.
fn strangers(folder: &Path) -> Vec<String> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return vec![format!("{}: {error}", folder.display())],
    };
    let names = entries.flatten().take(1000).map(|entry| entry.file_name());
    let names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    let mut wrong = Vec::new();
    for name in &names {
        let Some(stem) = name.strip_suffix(".txt") else { continue };
        let known = stem.rsplit_once('.').filter(|(kind, code)| {
            (*kind == "footer" || Kind::named(kind).is_some()) && ["pl", "en"].contains(code)
        });
        let Some((kind, code)) = known else {
            wrong.push(format!("{name}: no letter is called so"));
            continue;
        };
        let other = format!("{kind}.{}.txt", if code == "pl" { "en" } else { "pl" });
        if !names.contains(&other) {
            wrong.push(format!("{other}: missing beside {name}"));
        }
    }
    wrong
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
