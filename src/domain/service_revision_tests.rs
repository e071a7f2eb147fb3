//! What a description of a service must have, field by field.

use super::*;

pub(crate) fn good() -> ServiceForm {
    let text = str::to_owned;
    ServiceForm {
        kind: text("one_off"),
        short_code: text("7455"),
        billing: text("mo"),
        tariff: text("T4"),
        answer: text("Dziekujemy! Koszt 4,92 zl z VAT."),
        contact_mail: text("pomoc@acme.pl"),
        contact_phone: text("22 555 44 33"),
        rules_url: text("https://acme.pl/regulamin"),
        register_entry: text("UKE 1234/2026"),
        register_date: text("2026-01-10"),
        test_numbers: text("48600100200"),
        ..ServiceForm::usual()
    }
}

fn wrong(form: &ServiceForm) -> Vec<(String, &'static str)> {
    let errors = form.check().err().unwrap_or_default();
    errors.iter().map(|error| (error.field.clone(), error.code)).collect()
}

#[test]
fn a_whole_description_is_right() {
    let form = ServiceForm { keywords: "win, Łoś;win".to_owned(), ..good() };
    let revision = form.check().unwrap();
    let words: Vec<_> = revision.keywords.iter().map(Keyword::as_str).collect();
    assert_eq!(words, ["WIN", "LOS"], "folded, and each once");
    assert_eq!(revision.validity_max_us, 24 * 3_600_000_000);
    assert_eq!(revision.register.unwrap().1.to_string(), "2026-01-10");
}

#[test]
fn an_empty_form_names_everything_that_is_missing_at_once() {
    let wrong = wrong(&ServiceForm::default());
    assert!(wrong.iter().all(|(_, code)| *code == "missing"), "{wrong:?}");
    let fields: Vec<_> = wrong.iter().map(|(field, _)| field.as_str()).collect();
    for field in ["area", "kind", "short_code", "billing", "answer", "age", "rules_url", "rate"] {
        assert!(fields.contains(&field), "{field}");
    }
}

#[test]
fn each_field_says_what_is_wrong_with_it() {
    let long = "a".repeat(161);
    let polish = "ż".repeat(71);
    for (field, value, code) in [
        ("area", "fax", "choice"),
        ("kind", "lottery", "choice"),
        ("short_code", "74a5", "number_form"),
        // Nine digits are a voice number, and this is none.
        ("short_code", "700123456", "number_form"),
        ("keywords", "WI?N", "keyword_form"),
        ("keywords", "*", "keyword_form"),
        ("tariff", "", "missing"),
        ("billing", "free", "tariff_of_free"),
        ("answer", &long, "text_parts"),
        // One letter that GSM does not have halves the room.
        ("answer", &polish, "text_parts"),
        ("help", &long, "text_parts"),
        ("rules_url", "http://acme.pl/", "address_form"),
        ("rules_url", "https://a@b/", "address_form"),
        ("register_date", "tomorrow", "date_form"),
        ("register_entry", "", "missing"),
        ("parts_max", "11", "figure"),
        ("rate", "0", "figure"),
        ("test_numbers", "600 100 20x", "msisdn_form"),
        ("on_unknown", "forget", "choice"),
        ("delivery", "pigeon", "choice"),
        ("delivery", "callback", "missing"),
        ("coding", "latin1", "choice"),
        ("retry", "10 soon", "retry_form"),
        ("retry", "0", "retry_form"),
        ("retry", "86401", "retry_form"),
        ("retry", "1 2 3 4 5 6 7 8 9 10 11", "retry_form"),
        ("tlvs", "5377", "tlv_form"),
        // The specification's own tags are not a vendor's.
        ("tlvs", "0x0424", "tlv_form"),
        ("tlvs", "0x4000", "tlv_form"),
    ] {
        let mut form = good();
        assert!(form.set(field, value));
        let wrong = wrong(&form);
        assert!(wrong.iter().any(|(_, found)| *found == code), "{field}: {value}: {wrong:?}");
        assert_eq!(wrong.len(), 1, "{field}: {value}: {wrong:?}");
    }
}

#[test]
fn a_subscription_says_how_it_is_stopped() {
    let form = ServiceForm { kind: "subscription".to_owned(), ..good() };
    let fields: Vec<_> = wrong(&form).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["help", "stop"]);
}

#[test]
fn what_costs_nothing_needs_no_entry_in_the_register() {
    let empty = String::new;
    let form = ServiceForm {
        billing: "free".to_owned(),
        tariff: empty(),
        register_entry: empty(),
        register_date: empty(),
        ..good()
    };
    assert_eq!(form.check().unwrap().register, None);
}

#[test]
fn a_service_does_not_end_before_it_begins() {
    let mut form = good();
    form.set("starts_on", "2026-12-02");
    form.set("ends_on", "2026-12-01");
    assert_eq!(wrong(&form), [("ends_on".to_owned(), "order")]);
}

#[test]
fn what_it_may_send_and_when_is_in_the_limits() {
    let mut form = good();
    for (field, value) in
        [("rate", "5"), ("parts_max", "2"), ("starts_on", "2026-10-24"), ("ends_on", "2026-10-25")]
    {
        form.set(field, value);
    }
    let limits = form.check().unwrap().limits;
    assert_eq!((limits.rate, limits.parts_max), (5, 2));
    // Warsaw's midnights; the last day has 25 hours.
    let hours = (limits.ends_at - limits.begins_at) / HOUR_US;
    assert_eq!(hours, 24 + 25);
    assert_eq!(limits.is_off(limits.begins_at - 1), Some("not begun"));
    assert_eq!(limits.is_off(limits.begins_at), None);
    assert_eq!(limits.is_off(limits.ends_at - 1), None);
    assert_eq!(limits.is_off(limits.ends_at), Some("over"));
    let always = good().check().unwrap().limits;
    assert_eq!((always.is_off(0), always.is_off(i64::MAX)), (None, None));
}

#[test]
fn a_text_in_gsm_letters_is_not_rewritten_to_fit() {
    let mut form = ServiceForm { answer: "Dziękujemy".to_owned(), ..good() };
    assert!(form.check().is_ok());
    form.set("coding", "gsm7");
    assert_eq!(wrong(&form), [("answer".to_owned(), "text_alphabet")]);
}

#[test]
fn the_tries_of_a_service_end_after_its_last_pause() {
    use super::super::service::Pause;
    let mut form = good();
    let usual = form.check().unwrap().limits;
    assert_eq!(usual.pause_after(1), Pause::Usual);
    assert_eq!(usual.pause_after(u32::MAX), Pause::Usual);
    form.set("retry", "10, 60");
    form.set("tlvs", "0x1501 0X3fff");
    let limits = form.check().unwrap().limits;
    assert_eq!(limits.tlvs, [0x1501, 0x3fff]);
    let pauses = [1, 2, 3, u32::MAX].map(|tries| limits.pause_after(tries));
    assert_eq!(pauses, [Pause::Seconds(10), Pause::Seconds(60), Pause::NoMore, Pause::NoMore]);
}

#[test]
fn only_a_subscription_has_answers_of_the_gateway() {
    assert_eq!(good().check().unwrap().standard, None);
    let mut form = good();
    for (field, value) in [("kind", "subscription"), ("help", " Pomoc "), ("stop", "Koniec")] {
        form.set(field, value);
    }
    let texts = form.check().unwrap().standard.unwrap();
    assert_eq!((texts.help.as_str(), texts.stop.as_str()), ("Pomoc", "Koniec"));
    assert_eq!(texts.contact, "22 555 44 33, pomoc@acme.pl");
}

#[test]
fn a_name_is_a_word_that_logs_can_carry() {
    assert_eq!(service_name(" win-2.x_y ").unwrap(), "win-2.x_y");
    for odd in ["", "-win", "wi n", "żółw", &"a".repeat(33)] {
        assert!(service_name(odd).is_err(), "{odd}");
    }
}

#[test]
fn whatever_is_typed_is_kept_within_a_limit() {
    let mut form = ServiceForm::default();
    assert!(form.set("answer", &"ż".repeat(KEPT_MAX)));
    assert!(form.answer.len() <= KEPT_MAX);
    assert!(!form.set("price", "1"));
    for (_, field) in ServiceForm::FIELDS {
        assert!(form.get(field).is_some(), "{field}");
    }
}
