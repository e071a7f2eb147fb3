//! The shipped plan against the rules it was copied from, and files that cannot work.

use super::*;

const LEAST: &str = r#"
    tariffs = [{ code = "T4", prices = [{ from = "2011-01-01", net = 400, vat = 2300, gross = 492 }] }]
    ranges = [{ class = "sms", from = "7400", to = "7499", tariff = "T4" }]
    [[class]]
    name = "sms"
    area = "sms"
    title = { pl = "a", en = "b" }
    lengths = [4]
    hold_days = 30
    warn_days = 1
    extensions = 1
    quota = 10
    rest_days = 7
    cool_off_days = 90
    [words]
    reserved = ["STOP"]
    forbidden = ["KURWA"]
"#;

fn price(plan: &NumberPlan, digits: &str, at: i64) -> Option<(i64, i64)> {
    let code = plan.range_of(digits)?.tariff.as_deref()?;
    plan.tariff(code)?.at(at).map(|price| (price.net, price.gross))
}

const NOW: i64 = 1_795_262_400_000_000;

/// [poland.md 1]: of four or five digits from 7 the second is the price in zlotys, from 9 the
/// second and third; 70 is half a zloty. The published gross has 23 % VAT.
#[test]
fn the_digits_of_a_premium_number_are_its_price() {
    let plan = NumberPlan::shipped();
    let gross = |net: i64| (net * 123 + 50) / 100;
    for second in 0..=9 {
        let net = if second == 0 { 50 } else { second * 100 };
        for digits in [format!("7{second}55"), format!("7{second}550")] {
            assert_eq!(price(&plan, &digits, NOW), Some((net, gross(net))), "{digits}");
        }
    }
    for net in 10..=25 {
        let sms = format!("9{net}55");
        assert_eq!(price(&plan, &sms, NOW), Some((net * 100, gross(net * 100))), "{sms}");
    }
    for net in 1..=25 {
        let mms = format!("9{net:02}555");
        assert_eq!(price(&plan, &mms, NOW), Some((net * 100, gross(net * 100))), "{mms}");
        assert_eq!(plan.range_of(&mms).unwrap().class, "premium_mms");
    }
}

#[test]
fn the_cheap_ranges_are_as_published_and_one_is_not_what_arithmetic_says() {
    let plan = NumberPlan::shipped();
    for (digits, net, gross) in [
        ("81000", 10, 12),
        ("81599", 15, 18),
        ("82050", 20, 24),
        ("82500", 25, 31),
        ("83000", 30, 37),
        ("83500", 35, 43),
        ("84000", 40, 49),
        ("84500", 45, 55),
        ("85099", 50, 62),
        ("900123", 50, 62),
    ] {
        assert_eq!(price(&plan, digits, NOW), Some((net, gross)), "{digits}");
    }
    for free in ["8000", "8099", "80425", "80999"] {
        assert_eq!(plan.range_of(free).unwrap().class, "free_sms");
        assert_eq!(price(&plan, free, NOW), None);
    }
    for (digits, class) in [("55001", "subscription_sms"), ("701234567", "voice_70x")] {
        assert_eq!(plan.range_of(digits).unwrap().class, class);
    }
    for unplanned in ["8100", "81100", "709000000", "926000", "123", "7455555"] {
        assert_eq!(plan.range_of(unplanned), None, "{unplanned}");
    }
}

#[test]
fn a_price_begins_with_its_day_in_warsaw() {
    let text = LEAST.replace(
        "gross = 492 }]",
        "gross = 492 }, { from = \"2026-12-01\", net = 500, vat = 2300, gross = 615 }]",
    );
    let plan = NumberPlan::parse(&text).unwrap();
    // 2026-12-01T00:00 in Warsaw is 23:00 UTC of the day before.
    let midnight = 1_796_079_600_000_000;
    assert_eq!(price(&plan, "7455", midnight - 1), Some((400, 492)));
    assert_eq!(price(&plan, "7455", midnight), Some((500, 615)));
}

#[test]
fn nobody_has_a_word_that_every_subscriber_must_be_able_to_send() {
    let plan = NumberPlan::shipped();
    for (word, bar) in [
        ("STOP", Some(WordBar::Reserved)),
        ("ST0P", Some(WordBar::Reserved)),
        ("S.T.O.P", Some(WordBar::Reserved)),
        ("pomoc", Some(WordBar::Reserved)),
        ("STOPER", None),
        ("KURWAQUIZ", Some(WordBar::Forbidden)),
        ("GOL", None),
    ] {
        assert_eq!(plan.bar(word), bar, "{word}");
    }
}

#[test]
fn a_file_that_cannot_work_is_refused_with_the_reason() {
    assert!(NumberPlan::parse(LEAST).is_ok());
    for (from, to, why) in [
        ("quota = 10", "quota = 0", "quota 1 to"),
        ("quota = 10", "quotas = 10", "quotas"),
        ("warn_days = 1", "warn_days = 30", "warn_days less"),
        ("lengths = [4]", "lengths = [9]", "3 to 8 digits"),
        ("lengths = [4]", "lengths = [5]", "another length"),
        ("area = \"sms\"", "area = \"fax\"", "`fax` is none of"),
        ("\"7499\"", "\"7399\"", "not less"),
        ("\"7499\"", "\"74999\"", "not less"),
        ("tariff = \"T4\" }", "tariff = \"T5\" }", "`T5` does not exist"),
        ("vat = 2300", "vat = 2305", "in tens"),
        ("gross = 492", "gross = 399", "the gross not less"),
        ("\"2011-01-01\"", "\"2011-02-30\"", "2011-02-30"),
        ("\"STOP\"", "\"S T\"", "no keyword"),
        (
            "tariff = \"T4\" }]",
            "tariff = \"T4\" }, { class = \"sms\", from = \"7450\", to = \"7460\" }]",
            "overlaps",
        ),
    ] {
        let told = NumberPlan::parse(&LEAST.replace(from, to)).unwrap_err().0;
        assert!(told.contains(why), "{to}: {told}");
    }
}

#[test]
fn a_range_is_written_with_x_where_it_is_all_numbers_of_a_beginning() {
    let range = |from: &str, to: &str| NumberRange {
        class: "sms".into(),
        from: from.into(),
        to: to.into(),
        tariff: None,
    };
    assert_eq!(range("7400", "7499").pattern(), "74xx");
    assert_eq!(range("700000000", "708999999").pattern(), "700000000\u{2013}708999999");
    assert_eq!(range("7410", "7420").pattern(), "7410\u{2013}7420");
    assert_eq!(range("7455", "7455").pattern(), "7455");
}
