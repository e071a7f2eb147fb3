//! Numbers of a company as people type them, right and wrong.

use super::*;

#[test]
fn a_nip_is_taken_as_people_write_it() {
    // [poland s3] computed vectors.
    for good in ["5261040828", "1234563218", "5260250995"] {
        assert_eq!(Nip::parse(good).unwrap().as_str(), good);
    }
    for written in ["526-104-08-28", "PL5261040828", " 526 10 40 828 ", "pl 526-10-40-828"] {
        assert_eq!(Nip::parse(written).unwrap().as_str(), "5261040828", "{written}");
    }
}

#[test]
fn a_wrong_nip_is_told_what_is_wrong_with_it() {
    let table = [
        ("89500218498", "nip_form"), // seed 002 prints eleven digits
        ("526104082", "nip_form"),
        ("526104082X", "nip_form"),
        ("", "nip_form"),
        ("٥261040828", "nip_form"), // a digit, but not of ours
        ("5261040829", "nip_checksum"),
        ("5621040828", "nip_checksum"), // two digits swapped
        // The sum of 1234567890 is 10 mod 11 with weights 6 5 7 2 3 4 5 6 7: never given out.
        ("0000000010", "nip_checksum"),
    ];
    for (text, code) in table {
        let bad = Nip::parse(text).unwrap_err();
        assert_eq!(bad.code, code, "{text}");
        assert!(bad.detail.starts_with("NIP `"), "{}", bad.detail);
    }
}

#[test]
fn no_single_wrong_digit_of_a_nip_goes_unseen() {
    let good = "5261040828";
    for place in 0..10 {
        for digit in '0'..='9' {
            let mut bent: Vec<char> = good.chars().collect();
            bent[place] = digit;
            let bent: String = bent.into_iter().collect();
            assert_eq!(Nip::parse(&bent).is_ok(), bent == good, "{bent}");
        }
    }
}

#[test]
fn a_nip_whose_sum_is_ten_does_not_exist() {
    // 6*0+5*0+7*0+2*0+3*0+4*0+5*2+6*0+7*0 = 10
    for last in 0..10 {
        assert_eq!(Nip::parse(&format!("000000200{last}")).unwrap_err().code, "nip_checksum");
    }
}

#[test]
fn a_regon_has_nine_or_fourteen_digits_with_their_checks() {
    for good in ["123456785", "930310841", "12345678512347"] {
        assert_eq!(Regon::parse(good).unwrap().as_str(), good);
    }
    let table = [
        ("123456784", "regon_checksum"),
        ("12345678512348", "regon_checksum"),
        ("12345678412347", "regon_checksum"), // the first nine are wrong
        ("1234567851", "regon_form"),
        ("12345678A", "regon_form"),
    ];
    for (text, code) in table {
        assert_eq!(Regon::parse(text).unwrap_err().code, code, "{text}");
    }
}

#[test]
fn a_krs_number_keeps_its_leading_zeros() {
    assert_eq!(Krs::parse("0000218498").unwrap().as_str(), "0000218498");
    for bad in ["218498", "0000000000", "00002184981", "000021849X"] {
        assert_eq!(Krs::parse(bad).unwrap_err().code, "krs_form", "{bad}");
    }
}

#[test]
fn an_account_is_kept_with_its_country_and_without_spaces() {
    let good = "PL61109010140000071219812874";
    for written in [good, "61 1090 1014 0000 0712 1981 2874", "pl61 1090 1014 0000 0712 1981 2874"]
    {
        assert_eq!(Iban::parse(written).unwrap().as_str(), good, "{written}");
    }
    // [ISO 13616] the registry's own example of another country.
    assert!(Iban::parse("GB29 NWBK 6016 1331 9268 19").is_ok());
    let table = [
        ("PL61109010140000071219812875", "iban_checksum"),
        ("PL6110901014000007121981287", "iban_form"),
        ("6110901014000007121981287", "iban_form"),
        ("PL6110901014000007121981287A", "iban_form"),
        ("ąćęłńóśźżąćęłńó", "iban_form"),
        ("", "iban_form"),
    ];
    for (text, code) in table {
        assert_eq!(Iban::parse(text).unwrap_err().code, code, "{text}");
    }
}

#[test]
fn a_mail_address_can_neither_hold_a_second_one_nor_end_a_line() {
    assert_eq!(MailAddress::parse(" Jan.K+x@Firma.PL ").unwrap().as_str(), "Jan.K+x@firma.pl");
    let long = format!("{}@firma.pl", "a".repeat(65));
    let bad = [
        "",
        "jan",
        "jan@",
        "@firma.pl",
        "jan@firma",
        "jan@@firma.pl",
        "a b@firma.pl",
        "jan@firma.pl,eve@evil.pl",
        "jan@firma.pl\r\nBcc: x@y.pl",
        "<jan@firma.pl>",
        ".a@firma.pl",
        "a..b@firma.pl",
        "jan@-firma.pl",
        "jan@firma..pl",
        "\"a b\"@firma.pl",
        &long,
    ];
    for text in bad {
        assert_eq!(MailAddress::parse(text).unwrap_err().code, "mail_form", "{text}");
    }
}

#[test]
fn a_telephone_number_is_kept_in_international_form() {
    for written in ["600100200", "+48 600 100 200", "0048600100200", "(600) 100-200"] {
        assert_eq!(Phone::parse(written).unwrap().as_str(), "+48600100200", "{written}");
    }
    assert_eq!(Phone::parse("+44 20 7946 0958").unwrap().as_str(), "+442079460958");
    for bad in ["", "12345", "+4860010020", "+48 6001002000", "+0600100200", "six"] {
        assert_eq!(Phone::parse(bad).unwrap_err().code, "phone_form", "{bad}");
    }
}

#[test]
fn a_polish_postal_code_gets_its_dash() {
    assert_eq!(PostalCode::parse("00950", "PL").unwrap().as_str(), "00-950");
    assert_eq!(PostalCode::parse("00-950", "PL").unwrap().as_str(), "00-950");
    assert_eq!(PostalCode::parse("0095", "PL").unwrap_err().code, "postal_code_form");
    assert_eq!(PostalCode::parse("SW1A 1AA", "GB").unwrap().as_str(), "SW1A 1AA");
}

pub(crate) fn acme() -> CompanyForm {
    CompanyForm {
        legal_name: "Acme Media sp. z o.o.".into(),
        nip: "526-104-08-28".into(),
        regon: "123456785".into(),
        krs: "0000218498".into(),
        street: "Prosta 1".into(),
        postal_code: "00-950".into(),
        city: "Warszawa".into(),
        country: String::new(),
        bank_account: "61 1090 1014 0000 0712 1981 2874".into(),
    }
}

#[test]
fn a_company_is_whole_or_all_its_mistakes_are_named_at_once() {
    let company = Company::check(&acme(), "company").unwrap();
    assert_eq!((company.nip.as_str(), company.country.as_str()), ("5261040828", "PL"));

    let form = CompanyForm { nip: "5261040829".into(), city: " ".into(), ..acme() };
    let errors = Company::check(&form, "company").unwrap_err();
    let found: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.code)).collect();
    assert_eq!(found, [("company.nip", "nip_checksum"), ("company.city", "missing")]);
    assert_eq!(errors.iter().next().unwrap().params, [("value", "5261040829".to_owned())]);

    let all = Company::check(&CompanyForm::default(), "company").unwrap_err();
    assert_eq!(all.iter().count(), 6, "{all:?}");
}

#[test]
fn a_partner_gets_a_short_name_from_its_company() {
    let table = [
        ("Acme Media sp. z o.o.", "acme-media"),
        ("Żółta Łódź S.A.", "zolta-lodz"),
        ("  ", "partner"),
        ("日本", "partner"),
        ("A&B", "a-b"),
        ("Nadzwyczaj Długa Nazwa Pewnej Firmy", "nadzwyczaj-dluga-nazwa"),
        ("Pneumonoultramicroscopicsilicovolcanoconiosis", "pneumonoultramicroscopic"),
    ];
    for (name, expected) in table {
        assert_eq!(slug(name), expected, "{name}");
    }
}
