//! Which texts are standard words, and whom they are about.

use super::*;
use crate::domain::{
    Catalog, Currency, Delivery, OnUnknown, PartnerId, ServiceId,
    catalog::Parts,
    service::{Brakes, ChargeAt, ServiceLimits},
};

fn texts() -> StandardTexts {
    StandardTexts {
        help: "Pomoc".to_owned(),
        stop: "Koniec".to_owned(),
        contact: "225554433, pomoc@acme.pl".to_owned(),
        rules_url: "https://acme.pl/r".to_owned(),
    }
}

/// A subscription, unless it has no texts.
fn service(id: i64, number: &str, keywords: &[&str], is_subscription: bool) -> Service {
    Service {
        id: ServiceId(id),
        version: 1,
        partner: PartnerId(1),
        name: format!("s{id}").into(),
        state: ServiceState::Live,
        short_code: ShortCode::parse(number).unwrap(),
        keywords: keywords.iter().map(|word| Keyword::parse(word).unwrap()).collect(),
        billing: Billing::Mt,
        tariff: None,
        tariffs_allowed: Vec::new(),
        link_group: "main".into(),
        delivery: Delivery::Smpp,
        on_unknown: OnUnknown::Park,
        charge_at: ChargeAt::Delivered,
        brakes: Brakes::default(),
        validity_max_us: 0,
        test_numbers: Vec::new(),
        limits: ServiceLimits::default(),
        standard: is_subscription.then(texts),
    }
}

fn found(services: Vec<Service>, number: &str, text: &str) -> Option<(StandardWord, i64)> {
    let catalog = Catalog::new(Parts { services, ..Parts::default() });
    let number = ShortCode::parse(number).unwrap();
    let sender = Msisdn::parse("48600100200").unwrap();
    let turn = catalog.standard_word(&number, text, &sender)?;
    Some((turn.word, turn.service.id.0))
}

#[test]
fn a_word_is_understood_before_and_behind_the_keyword_and_in_any_dress() {
    use StandardWord::{Help, Info, Start, Stop};
    for (text, word) in [
        ("STOP SPORT", Some(Stop)),
        ("stop sport", Some(Stop)),
        ("SPORT STOP", Some(Stop)),
        ("Sport. Stop!", Some(Stop)),
        ("STOPP SPORT", Some(Stop)),
        ("stop", Some(Stop)),
        ("Stop.", Some(Stop)),
        ("STOP prosze juz nie pisac", Some(Stop)),
        ("Rezygnuję", Some(Stop)),
        ("KONIEC", Some(Stop)),
        ("POMOC", Some(Help)),
        ("pomóc sport", Some(Help)),
        ("HELP SPORT", Some(Help)),
        ("SPORT INFO", Some(Info)),
        ("info", Some(Info)),
        ("SPORT", Some(Start)),
        ("SPORT TAK", Some(Start)),
        ("START SPORT", Some(Start)),
        // Texts for the partner.
        ("SPORT wyniki", None),
        ("SPORT INFO o meczu", None),
        ("INFO SPORT and weather", None),
        ("pomoc drogowa", None),
        ("STOPKA", None),
        ("SPORTSTOP", None),
        ("", None),
    ] {
        let sport = service(1, "7455", &["SPORT"], true);
        assert_eq!(found(vec![sport], "7455", text), word.map(|word| (word, 1)), "{text}");
    }
}

#[test]
fn a_word_alone_is_about_the_only_subscription_of_the_number_or_about_none() {
    let on = |number, id, words: &[&str], sub| service(id, number, words, sub);
    let two = || vec![on("7455", 1, &["SPORT"], true), on("7455", 2, &["FILM"], true)];
    assert_eq!(found(two(), "7455", "STOP"), None);
    assert_eq!(found(two(), "7455", "STOP FILM"), Some((StandardWord::Stop, 2)));
    let one_of_two = vec![on("7455", 1, &["SPORT"], true), on("7455", 2, &["FILM"], false)];
    assert_eq!(found(one_of_two, "7455", "STOP"), Some((StandardWord::Stop, 1)));
    // Whoever takes every text of a number is asked first.
    let all = vec![on("7455", 1, &["SPORT"], true), on("7455", 2, &["*"], true)];
    assert_eq!(found(all, "7455", "POMOC"), Some((StandardWord::Help, 2)));
    let plain = vec![on("7455", 1, &["SPORT"], true), on("7455", 2, &["*"], false)];
    assert_eq!(found(plain, "7455", "POMOC"), None);
    assert_eq!(found(two(), "7466", "STOP SPORT"), None, "another number");
}

#[test]
fn a_stop_for_one_service_never_ends_another() {
    let services =
        || vec![service(1, "7455", &["SPORT"], true), service(2, "7455", &["FILM"], false)];
    assert_eq!(found(services(), "7455", "STOP FILM"), None);
    assert_eq!(found(services(), "7455", "FILM STOP"), None);
}

#[test]
fn a_keyword_that_somebody_has_goes_before_the_word() {
    let services = vec![service(1, "7455", &["SPORT"], true), service(2, "7455", &["INFO"], false)];
    assert_eq!(found(services, "7455", "INFO SPORT"), None);
}

#[test]
fn a_suspended_service_can_still_be_ended_and_a_closed_one_is_gone() {
    for (state, is_served) in [
        (ServiceState::Live, true),
        (ServiceState::Suspended, true),
        (ServiceState::Testing, false),
        (ServiceState::Closed, false),
    ] {
        let sport = Service { state, ..service(1, "7455", &["SPORT"], true) };
        assert_eq!(found(vec![sport], "7455", "STOP SPORT").is_some(), is_served, "{state:?}");
    }
    let listed = Service {
        state: ServiceState::Testing,
        test_numbers: vec![Msisdn::parse("48600100200").unwrap()],
        ..service(1, "7455", &["SPORT"], true)
    };
    assert!(found(vec![listed], "7455", "STOP SPORT").is_some());
}

#[test]
fn info_names_the_price_the_way_out_and_whom_to_ask() {
    let gross = Some(Money { amount_minor: 492, currency: Currency::parse("PLN").unwrap() });
    let sport = service(1, "7455", &["SPORT"], true);
    let keyword = Keyword::parse("SPORT").unwrap();
    let info = |service: &Service, keyword: &Keyword, gross| {
        texts().answer(StandardWord::Info, (service, keyword), gross).unwrap()
    };
    assert_eq!(
        info(&sport, &keyword, gross),
        "Usluga s1: 4.92 PLN z VAT za otrzymany SMS. Rezygnacja: STOP SPORT na 7455. \
         Kontakt: 225554433, pomoc@acme.pl. Regulamin: https://acme.pl/r"
    );
    let all = Keyword::parse("*").unwrap();
    let free = Service { billing: Billing::Free, ..service(1, "7455", &["*"], true) };
    assert!(info(&free, &all, None).starts_with("Usluga s1: bezplatna. Rezygnacja: STOP na 7455."));
    let paid = Service { billing: Billing::Mo, ..sport };
    assert!(info(&paid, &keyword, gross).contains("za wyslany SMS"));
    assert_eq!(texts().answer(StandardWord::Start, (&paid, &keyword), gross), None);
}
