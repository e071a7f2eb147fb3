//! `seed`: partners, numbers, tariffs and services from one file.
//!
//! What exists already is left as it is, whatever the file says of it: a file that is read again
//! must not take back what was changed since. What surprises: nothing is written before the whole
//! file is understood, yet it is no single transaction; run it again after a failure.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure,
    args::{CredentialAdd, PartnerAdd, ServiceAdd, StandardArgs, TariffAdd},
    credential::{Password, check_system_id, new_credential},
    desk::Desk,
    failure::Outcome,
    partner::{check_name, new_partner},
    service::{check_references, new_service, new_tariff},
};
use crate::{
    config::Limits,
    domain::ShortCode,
    store::{NewTariff, Store},
};

const FILE_OCTETS_MAX: u64 = 8 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    #[serde(default)]
    numbers: Vec<String>,
    #[serde(default)]
    tariff: Vec<SeedTariff>,
    #[serde(default)]
    partner: Vec<SeedPartner>,
    #[serde(default)]
    service: Vec<SeedService>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedTariff {
    code: String,
    net: String,
    #[serde(default = "vat")]
    vat: String,
    gross: String,
    /// From ever, unless said: a seeded price must not depend on when the file was read.
    #[serde(default)]
    from: Option<jiff::Timestamp>,
    #[serde(default = "currency")]
    currency: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPartner {
    name: String,
    rate: Option<u32>,
    burst: Option<u32>,
    backlog_max: Option<u64>,
    waiting_max: Option<u64>,
    /// Names that it may send under.
    #[serde(default)]
    sender_names: Vec<String>,
    #[serde(default)]
    credential: Vec<SeedCredential>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedCredential {
    system_id: String,
    /// Relative names belong to the seed file's folder.
    password_file: Option<PathBuf>,
    #[serde(default)]
    addresses: Vec<ipnet::IpNet>,
    #[serde(default)]
    tls_only: bool,
    binds_max: Option<u32>,
    #[serde(default = "window")]
    window: u32,
    default_sender: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedService {
    partner: String,
    name: String,
    number: String,
    #[serde(default)]
    keywords: Vec<String>,
    billing: Billing,
    tariff: Option<String>,
    #[serde(default)]
    tariffs_allowed: Vec<String>,
    link_group: String,
    #[serde(default)]
    state: State,
    callback_url: Option<String>,
    #[serde(default)]
    on_unknown: OnUnknown,
    #[serde(default)]
    charge_at: ChargeAt,
    charges_per_minute: Option<u32>,
    charges_per_day: Option<u32>,
    #[serde(default = "nothing")]
    spend_per_day: String,
    #[serde(default)]
    validity_max_seconds: u32,
    #[serde(default)]
    test_numbers: Vec<String>,
    #[serde(default)]
    standard: StandardArgs,
}

/// A word of a fixed list, so that a slip is found with its line.
macro_rules! words {
    ($name:ident: $default:literal $(| $word:literal)*) => {
        #[derive(Debug, Deserialize)]
        #[serde(try_from = "String")]
        struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let words = [$default $(, $word)*];
                if words.contains(&text.as_str()) {
                    Ok(Self(text))
                } else {
                    Err(format!("must be one of {}", words.join(", ")))
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default.to_owned())
            }
        }
    };
}

words!(Billing: "free" | "mo" | "mt");
words!(State: "testing" | "live" | "suspended" | "closed");
words!(OnUnknown: "resend" | "park");
words!(ChargeAt: "delivered" | "submitted");

fn vat() -> String {
    "23".to_owned()
}

fn currency() -> String {
    "PLN".to_owned()
}

fn nothing() -> String {
    "0".to_owned()
}

const fn window() -> u32 {
    10
}

/// What became of the file.
#[derive(Debug, Default)]
struct Report {
    added: Vec<Value>,
    kept: usize,
    secrets: Vec<String>,
}

impl Report {
    fn added(&mut self, what: &str, name: &str) {
        self.added.push(json!({ "what": what, "name": name }));
    }

    /// What holds for the thing that was added last, said or by default.
    fn limits(&mut self, limits: Value) {
        if let Some(last) = self.added.last_mut() {
            last["limits"] = limits;
        }
    }
}

pub(crate) async fn seed(desk: &mut Desk<'_>, file: &Path) -> Outcome {
    let mut seed = read(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    for credential in seed.partner.iter_mut().flat_map(|partner| &mut partner.credential) {
        credential.password_file = credential.password_file.take().map(|path| folder.join(path));
    }
    let tariffs = understand(&seed, &desk.config.limits)?;
    let store = desk.store().await?;
    let mut report = Report::default();
    let done = write(desk, &store, &seed, tariffs, &mut report).await;
    if !report.added.is_empty() {
        desk.tell_daemon().await;
    }
    store.close().await;
    // What was added before a failure is told too: its secrets are shown only here.
    tell(desk, &report);
    done
}

fn read(file: &Path) -> Result<Seed, Failure> {
    let problem = |text: String| Failure::usage(format!("{}: {text}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| problem(error.to_string()))?.len();
    if size > FILE_OCTETS_MAX {
        return Err(problem(format!("{size} octets are too many")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| problem(error.to_string()))?;
    toml::from_str(&text).map_err(|error| problem(error.to_string().trim_end().to_owned()))
}

/// Everything that can be wrong without the store.
fn understand(seed: &Seed, limits: &Limits) -> Result<Vec<NewTariff>, Failure> {
    for number in &seed.numbers {
        ShortCode::parse(number).map_err(|error| Failure::usage(error.to_string()))?;
    }
    for partner in &seed.partner {
        check_name(&partner.name)?;
        for credential in &partner.credential {
            check_system_id(&credential.system_id)?;
        }
    }
    for service in &seed.service {
        new_service(&service_wish(service), limits)?;
    }
    let tariffs = seed.tariff.iter().map(|tariff| {
        let from = tariff.from.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let wish = TariffAdd {
            code: tariff.code.clone(),
            net: tariff.net.clone(),
            vat: tariff.vat.clone(),
            gross: tariff.gross.clone(),
            from: Some(from),
            currency: tariff.currency.clone(),
        };
        new_tariff(&wish, 0)
    });
    tariffs.collect()
}

async fn write(
    desk: &mut Desk<'_>,
    store: &Store,
    seed: &Seed,
    tariffs: Vec<NewTariff>,
    report: &mut Report,
) -> Outcome {
    let (by, now) = (desk.by(), desk.now());
    let known = store.short_codes().await?;
    for number in &seed.numbers {
        if known.iter().any(|line| line.digits == *number) {
            report.kept += 1;
        } else {
            store.add_short_code(&by, now, number).await?;
            report.added("number", number);
        }
    }
    let known = store.tariff_versions().await?;
    for new in tariffs {
        if known.iter().any(|line| line.code == new.code && line.valid_from == new.valid_from) {
            report.kept += 1;
        } else {
            store.add_tariff(&by, now, &new).await?;
            report.added("tariff", &new.code);
        }
    }
    for partner in &seed.partner {
        write_partner(desk, store, partner, report).await?;
    }
    write_services(desk, store, &seed.service, report).await
}

async fn write_partner(
    desk: &mut Desk<'_>,
    store: &Store,
    partner: &SeedPartner,
    report: &mut Report,
) -> Outcome {
    let (by, now) = (desk.by(), desk.now());
    let catalog = store.load_catalog().await?;
    if catalog.partner_named(&partner.name).is_some() {
        report.kept += 1;
    } else {
        let wish = PartnerAdd {
            name: partner.name.clone(),
            rate: partner.rate,
            burst: partner.burst,
            backlog_max: partner.backlog_max,
            waiting_max: partner.waiting_max,
        };
        let new = new_partner(wish, &desk.config.limits);
        store.add_partner(&by, now, &new).await?;
        for name in &partner.sender_names {
            store.add_sender_name(&by, now, &partner.name, name).await?;
        }
        report.added("partner", &partner.name);
        report.limits(json!({
            "rate": new.rate, "burst": new.burst, "backlog_max": new.backlog_max,
            "waiting_max": new.waiting_max,
        }));
    }
    for credential in &partner.credential {
        if catalog.credential(&credential.system_id).is_some() {
            report.kept += 1;
            continue;
        }
        let password = Password::obtain(credential.password_file.as_deref())?;
        let wish = CredentialAdd {
            system_id: credential.system_id.clone(),
            partner: partner.name.clone(),
            addresses: credential.addresses.clone(),
            tls_only: credential.tls_only,
            binds_max: credential.binds_max,
            window: credential.window,
            default_sender: credential.default_sender.clone(),
            password_file: None,
        };
        let new = new_credential(&wish, &password, &desk.pepper(), &desk.config.limits)?;
        store.add_credential(&by, now, &new).await?;
        report.added("credential", &new.system_id);
        report.limits(json!({ "binds_max": new.binds_max, "window": new.window }));
        if password.is_generated {
            let text = format!("password of {}: {}", new.system_id, password.text.as_str());
            report.secrets.push(text);
        }
    }
    Ok(())
}

async fn write_services(
    desk: &mut Desk<'_>,
    store: &Store,
    services: &[SeedService],
    report: &mut Report,
) -> Outcome {
    let catalog = store.load_catalog().await?;
    for service in services {
        let owner = catalog.partner_named(&service.partner).map(|partner| partner.id);
        let is_known = catalog
            .services()
            .any(|known| Some(known.partner) == owner && known.name == service.name.as_str());
        if is_known {
            report.kept += 1;
            continue;
        }
        let new = new_service(&service_wish(service), &desk.config.limits)?;
        check_references(store, &new).await?;
        store.add_service(&desk.by(), desk.now(), &new).await?;
        report.added("service", &new.name);
        report.limits(json!({
            "charges_per_minute": new.charges_per_minute,
            "charges_per_day": new.charges_per_day,
        }));
        if let Some((_, secrets)) = &new.callback {
            let of = format!("callback secret of {}/{}", new.partner, new.name);
            report.secrets.push(format!("{of}: {}", secrets.join(", ")));
        }
    }
    Ok(())
}

fn service_wish(service: &SeedService) -> ServiceAdd {
    ServiceAdd {
        name: service.name.clone(),
        partner: service.partner.clone(),
        number: service.number.clone(),
        keywords: service.keywords.clone(),
        billing: service.billing.0.clone(),
        tariff: service.tariff.clone(),
        tariffs_allowed: service.tariffs_allowed.clone(),
        link_group: service.link_group.clone(),
        state: service.state.0.clone(),
        callback_url: service.callback_url.clone(),
        on_unknown: service.on_unknown.0.clone(),
        charge_at: service.charge_at.0.clone(),
        charges_per_minute: service.charges_per_minute,
        charges_per_day: service.charges_per_day,
        spend_per_day: service.spend_per_day.clone(),
        validity_max_seconds: service.validity_max_seconds,
        test_numbers: service.test_numbers.clone(),
        standard: service.standard.clone(),
    }
}

fn tell(desk: &mut Desk<'_>, report: &Report) {
    let mut text = format!("{} added, {} there already", report.added.len(), report.kept);
    for secret in &report.secrets {
        text.push('\n');
        text.push_str(secret);
    }
    if !report.secrets.is_empty() {
        text.push_str("\nSecrets are not shown again.");
        desk.remark_on_pepper();
    }
    let value = json!({ "added": report.added, "kept": report.kept, "secrets": report.secrets });
    desk.out.show(&value, &text);
}
