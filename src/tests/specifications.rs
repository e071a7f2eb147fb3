//! What ships in the library is true: its tables of codes, TLVs, limits, states and requests are
//! those of the program, in both languages.

use std::collections::{BTreeMap, BTreeSet};

use bramka::{
    callback::body::EventType,
    config::Config,
    documents::{Language, specification::shipped},
    http::{api::openapi, problems},
};

/// The cells of the table under a heading, without marks of code and links.
fn table(name: &str, language: Language, heading: &str) -> Vec<Vec<String>> {
    let text = shipped(name, language).unwrap().text;
    let at = text.find(&format!("{{#{heading}}}")).unwrap_or_else(|| panic!("{name}: {heading}"));
    let section = text[at..].split("\n## ").next().unwrap();
    let plain = |cell: &str| {
        let cell = cell.trim().replace('`', "");
        match cell.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((shown, address)) => {
                assert!(address.ends_with(&format!("/{shown})")), "{cell} leads elsewhere");
                shown.to_owned()
            }
            None => cell,
        }
    };
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(plain).collect()).collect()
}

fn in_both(name: &str, heading: &str, check: impl Fn(Vec<Vec<String>>)) {
    for language in Language::ALL {
        let rows = table(name, language, heading);
        assert!(!rows.is_empty(), "{name}.{}: no table under {heading}", language.code());
        check(rows);
    }
}

#[test]
fn every_code_of_a_message_stands_in_the_profile_and_the_reference_as_it_is_answered() {
    let answered: BTreeSet<(String, String, String)> = problems::of_messages()
        .map(|page| {
            let http = if page.status == problems::NO_HTTP {
                String::new()
            } else {
                page.status.to_string()
            };
            (page.code.to_owned(), page.smpp.unwrap_or_default().to_owned(), http)
        })
        .collect();
    for (name, heading) in [("smpp-profile", "refusals"), ("api-reference", "errors")] {
        in_both(name, heading, |rows| {
            let told: BTreeSet<_> = rows
                .into_iter()
                .map(|row| (row[0].clone(), row[1].clone(), row[2].clone()))
                .collect();
            assert_eq!(told, answered, "{name}");
        });
    }
}

#[test]
fn the_tlvs_of_our_own_stand_with_their_tags() {
    let config = Config::default();
    let tags = &config.smpp_server.vendor_tlv;
    let real = [
        (tags.tariff, "tariff"),
        (tags.service_ref, "service_ref"),
        (tags.charge_session, "charge_session"),
        (tags.charge_result, "charge_result"),
        (tags.operator, "operator"),
        (tags.idempotency, "idempotency"),
        (tags.redelivery, "redelivery"),
        (tags.reason, "reason"),
        (tags.message_id, "message_id"),
    ];
    let real: Vec<_> =
        real.map(|(tag, name)| (format!("0x{:04X}", tag.0), name.to_owned())).to_vec();
    in_both("smpp-profile", "tlvs", |rows| {
        let told: Vec<_> = rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        assert_eq!(told, real);
    });
}

#[test]
fn the_limits_are_the_defaults_of_the_gateway() {
    let config = Config::default();
    let server = &config.smpp_server;
    let seconds = |time: std::time::Duration| format!("{} s", time.as_secs());
    let real = BTreeMap::from([
        ("window", server.window.to_string()),
        ("window_in", server.window_in.to_string()),
        ("enquire_link", seconds(server.enquire_link)),
        ("enquire_link_misses", server.enquire_link_misses.to_string()),
        ("response", seconds(server.response)),
        ("session_init", seconds(server.session_init)),
        ("pdu_octets_max", server.pdu_octets_max.to_string()),
        ("write_stall", seconds(server.write_stall)),
        ("bind_rate", server.bind_rate.to_string()),
        ("connections_per_address", server.connections_per_address.to_string()),
    ]);
    in_both("smpp-profile", "limits", |rows| {
        for row in &rows {
            assert_eq!(real.get(row[0].as_str()), Some(&row[1]), "{}", row[0]);
        }
        assert_eq!(rows.len(), real.len());
    });
}

#[test]
fn the_tries_of_a_callback_and_its_events_are_those_of_the_guide() {
    let config = Config::default();
    let in_words = |pause: &std::time::Duration| match pause.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    };
    let mut pauses: Vec<_> = config.callback.schedule.iter().skip(1).map(in_words).collect();
    let last = pauses.pop().unwrap();
    let real = EventType::ALL.map(|kind| vec![kind.as_str().to_owned()]);
    for (language, and, within) in [
        (Language::English, "and", "within 15 seconds"),
        (Language::Polish, "i", "w ciągu 15 sekund"),
    ] {
        let text = shipped("integration-guide", language).unwrap().text;
        let tries = format!("{} {and} {last}", pauses.join(", "));
        assert!(text.contains(&tries), "the guide says other pauses than {tries}");
        assert!(text.contains(within) && config.callback.timeout.as_secs() == 15);
        let told = table("integration-guide", language, "callbacks");
        assert_eq!(told.into_iter().map(|row| row[..1].to_vec()).collect::<Vec<_>>(), real);
    }
}

#[test]
fn the_reference_names_every_request_that_a_key_can_make_and_no_other() {
    let document: serde_json::Value = serde_json::from_str(openapi::json_text()).unwrap();
    let mut real = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let ways = operation["security"].as_array().into_iter().flatten();
            if ways.filter_map(|way| way.as_object()).any(|way| way.contains_key("api_key")) {
                real.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    in_both("api-reference", "keys", |rows| {
        let told: BTreeSet<_> = rows.into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(told, real);
    });
}

#[test]
fn the_numbers_of_the_sandbox_stand_in_the_guide() {
    use bramka::domain::Fate;
    let real: Vec<_> = Fate::ALL.iter().map(|fate| fate.number().to_owned()).collect();
    in_both("integration-guide", "sandbox", |rows| {
        let told: Vec<_> = rows.into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(told, real);
    });
}

#[test]
fn the_parameters_of_a_service_stand_in_the_guide_as_the_form_has_them() {
    use bramka::domain::service_revision::{ServiceForm, ServiceSection};
    let kept = [ServiceSection::Technical, ServiceSection::Schedule];
    let fields = ServiceForm::FIELDS.iter().filter(|(section, _)| kept.contains(section));
    let real: BTreeSet<_> = fields.map(|(_, name)| (*name).to_owned()).collect();
    in_both("integration-guide", "parameters", |rows| {
        let told: BTreeSet<_> = rows.into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(told, real);
    });
}

#[test]
fn every_state_of_a_receipt_stands_in_the_profile() {
    use bramka::smpp::receipt::word_of_state;
    use bramka::smpp::values::message_state as state;
    let finals = [
        (state::DELIVERED, "delivered"),
        (state::EXPIRED, "expired"),
        (state::DELETED, "deleted"),
        (state::UNDELIVERABLE, "undeliverable"),
        (state::REJECTED, "rejected"),
        (state::UNKNOWN, "unknown"),
    ];
    let real: BTreeSet<_> =
        finals.map(|(state, name)| (word_of_state(state).to_owned(), name.to_owned())).into();
    in_both("smpp-profile", "receipts", |rows| {
        let told: BTreeSet<_> =
            rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        assert_eq!(told, real);
    });
}
