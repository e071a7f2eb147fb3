//! The form of an application: what each section must say, and what is said when it does not.

use super::*;

const TODAY: Date = jiff::civil::date(2026, 11, 21);

fn rules() -> FormRules<'static> {
    FormRules {
        purpose: Purpose::Join,
        today: TODAY,
        documents: &[DocumentKind::RegisterEntry, DocumentKind::NipCertificate],
        document_days_max: 90,
        privacy_notice: "2026-01",
    }
}

fn plan() -> PlanForm {
    PlanForm {
        revenue: vec!["1 200,50".into(); MONTHS],
        marketing_plan: "Television and the press, every week.".into(),
        idea: "A quiz in which the audience votes.".into(),
        novelty: "Nobody has it yet.".into(),
    }
}

fn document(kind: &str, issued_on: &str) -> DocumentForm {
    DocumentForm { kind: kind.into(), file: "0f".repeat(16), issued_on: issued_on.into() }
}

fn whole() -> Form {
    Form {
        company: super::super::company::tests::acme(),
        contacts: vec![ContactForm {
            name: "Jan Nowak".into(),
            mail: "jan@acme.pl".into(),
            ..ContactForm::default()
        }],
        areas: vec!["special_wap".into()],
        plans: BTreeMap::from([("special_wap".to_owned(), plan())]),
        documents: vec![
            document("register_entry", "2026-11-02"),
            document("nip_certificate", "2026-08-23"),
        ],
        consent: ConsentForm { privacy_notice: "2026-01".into(), accepted: true },
    }
}

fn found(form: &Form) -> Vec<(String, &'static str)> {
    let errors = form.check(&rules()).unwrap_err();
    errors.iter().map(|error| (error.field.clone(), error.code)).collect()
}

#[test]
fn a_whole_form_is_read_with_its_figures_in_grosze() {
    let complete = whole().check(&rules()).unwrap();
    assert_eq!(complete.plans[0].revenue, [120_050; MONTHS]);
    assert_eq!(complete.plans[0].area, Area::Wap);
    assert_eq!(complete.contacts[0].mail.as_str(), "jan@acme.pl");
    assert_eq!(complete.company.unwrap().nip.as_str(), "5261040828");
    assert_eq!(complete.documents.len(), 2);
}

#[test]
fn the_task_list_tells_what_is_untouched_wrong_and_done() {
    let empty = Form::default().tasks(&rules());
    assert_eq!(empty.len(), 6);
    assert!(empty.iter().all(|task| task.progress == Progress::Empty && !task.errors.is_empty()));

    let mut form = whole();
    form.company.nip = "5261040829".into();
    form.documents.clear();
    let progress: Vec<_> =
        form.tasks(&rules()).iter().map(|task| (task.section, task.progress)).collect();
    let expected = [
        (Section::Company, Progress::Incomplete),
        (Section::Contacts, Progress::Complete),
        (Section::Areas, Progress::Complete),
        (Section::Plans, Progress::Complete),
        (Section::Documents, Progress::Empty),
        (Section::Consent, Progress::Complete),
    ];
    assert_eq!(progress, expected);
}

#[test]
fn every_mistake_has_its_own_place_and_code() {
    type Case = (fn(&mut Form), &'static str, &'static str);
    let table: [Case; 14] = [
        (|form| form.company.nip = "1".into(), "company.nip", "nip_form"),
        (|form| form.contacts.clear(), "contacts", "contact_missing"),
        (|form| form.contacts[0].mail = "jan".into(), "contacts.0.mail", "mail_form"),
        (|form| form.contacts[0].mail.clear(), "contacts.0.mail", "missing"),
        (|form| form.areas.push("tv".into()), "areas", "area_unknown"),
        (
            |form| form.plans.get_mut("special_wap").unwrap().revenue[3] = "many".into(),
            "plans.special_wap.revenue.3",
            "amount_form",
        ),
        (
            |form| form.plans.get_mut("special_wap").unwrap().revenue.truncate(11),
            "plans.special_wap.revenue.11",
            "missing",
        ),
        (
            |form| form.plans.get_mut("special_wap").unwrap().revenue = vec!["0".into(); MONTHS],
            "plans.special_wap.revenue",
            "revenue_zero",
        ),
        (
            |form| form.plans.get_mut("special_wap").unwrap().novelty = "new".into(),
            "plans.special_wap.novelty",
            "length",
        ),
        (|form| form.documents.truncate(1), "documents.nip_certificate", "document_missing"),
        (
            |form| form.documents[0].issued_on = "2026-08-22".into(),
            "documents.0.issued_on",
            "document_old",
        ),
        (
            |form| form.documents[0].issued_on = "2026-11-22".into(),
            "documents.0.issued_on",
            "date_in_future",
        ),
        (|form| form.consent.accepted = false, "consent.privacy_notice", "consent_missing"),
        (
            |form| form.consent.privacy_notice = "2025-01".into(),
            "consent.privacy_notice",
            "notice_outdated",
        ),
    ];
    for (spoil, field, code) in table {
        let mut form = whole();
        spoil(&mut form);
        assert_eq!(found(&form), [(field.to_owned(), code)]);
    }
}

#[test]
fn no_area_chosen_is_refused() {
    let mut form = whole();
    form.areas.clear();
    assert_eq!(
        found(&form),
        [("areas".to_owned(), "area_missing"), ("plans".to_owned(), "area_missing")]
    );
}

#[test]
fn a_plan_is_asked_for_each_chosen_area_and_for_no_other() {
    let mut form = whole();
    form.plans.insert("special_number".to_owned(), PlanForm::default());
    assert!(form.check(&rules()).is_ok(), "the area was taken back");
    form.areas.push("special_number".into());
    // Twelve figures and three texts.
    assert_eq!(found(&form).len(), 15);
}

#[test]
fn a_new_area_of_a_partner_needs_no_company() {
    let form = Form { company: CompanyForm::default(), ..whole() };
    let new_area = FormRules { purpose: Purpose::NewArea, ..rules() };
    assert_eq!(form.tasks(&new_area).len(), 5);
    assert_eq!(form.check(&new_area).unwrap().company, None);
    assert!(form.check(&rules()).is_err());
}

#[test]
fn amounts_are_read_as_people_write_them() {
    let table = [
        ("0", Some(0)),
        ("1200", Some(120_000)),
        ("1 200,5", Some(120_050)),
        ("1\u{a0}200.05", Some(120_005)),
        ("1000000000", Some(100_000_000_000)),
        ("1000000000.01", None),
        ("99999999999999999999", None),
        ("-1", None),
        ("+1", None),
        (",5", None),
        ("1.234.5", None),
        ("1,234", None),
        ("1e3", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(amount(text).ok(), expected, "{text}");
    }
}

#[test]
fn a_draft_keeps_what_is_wrong_and_cuts_what_is_endless() {
    let mut form = Form::default();
    let nip = CompanyForm { nip: "not yet known".into(), ..CompanyForm::default() };
    form.put(SectionForm::Company(nip));
    assert_eq!(form.company.nip, "not yet known");
    form.put(SectionForm::Contacts(vec![ContactForm::default(); 1000]));
    form.put(SectionForm::Areas(vec!["ł".repeat(100_000); 1000]));
    let endless = PlanForm {
        revenue: vec!["1".repeat(100_000); 1000],
        idea: "ż".repeat(100_000),
        ..PlanForm::default()
    };
    form.put(SectionForm::Plans(BTreeMap::from([
        ("special_wap".to_owned(), endless.clone()),
        ("unheard_of".to_owned(), endless),
    ])));
    form.put(SectionForm::Documents(vec![document("x", "y"); 1000]));
    let text = serde_json::to_string(&form).unwrap();
    assert!(text.len() < 40_000, "{}", text.len());
    assert_eq!(serde_json::from_str::<Form>(&text).unwrap(), form);
    assert!(!form.plans.contains_key("unheard_of"));
}

#[test]
fn a_section_reads_from_what_a_page_sends_and_unknown_fields_are_refused() {
    let good = r#"{"section": "company", "data": {"nip": "5261040828"}}"#;
    let SectionForm::Company(company) = serde_json::from_str(good).unwrap() else {
        panic!("it is the company");
    };
    assert_eq!(company.nip, "5261040828");
    assert!(
        serde_json::from_str::<SectionForm>(r#"{"section": "company", "data": {"vat": ""}}"#)
            .is_err()
    );
}
