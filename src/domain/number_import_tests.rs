//! Files of numbers: good ones, spreadsheets, and every way a row can be wrong.

use super::*;

const NOW: i64 = 1_795_262_400_000_000;

fn read_text(text: &str) -> NumberFile {
    read(text.as_bytes(), &NumberPlan::shipped(), NOW).unwrap()
}

fn refusals(file: &NumberFile) -> Vec<(u64, &'static str)> {
    file.refused.iter().map(|row| (row.line, row.code)).collect()
}

#[test]
fn digits_alone_will_do_and_the_plan_says_the_rest() {
    let file = read_text("digits\n7455\n80425\n");
    let seen: Vec<_> = file
        .numbers
        .iter()
        .map(|n| (n.line, n.digits.as_str(), n.class.as_str(), n.tariff.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [(2, "7455", "premium_sms", Some("SMS-4.00")), (3, "80425", "free_sms", None)]
    );
    assert!(file.refused.is_empty());
}

#[test]
fn a_row_may_stand_for_a_pool_and_a_spreadsheet_is_read_as_well() {
    let file =
        read_text("\u{feff}Digits;To;Shared;Pool;Net\n74550;74559;tak;A-1;4,00\n\n7455;;;;\n");
    assert_eq!((file.numbers.len(), file.rows), (11, 2));
    assert!(file.numbers[..10].iter().all(|number| number.is_shared && number.pool == "A-1"));
    assert_eq!(file.numbers[9].digits, "74559");
    assert_eq!(file.numbers[10].line, 4);
}

#[test]
fn each_wrong_row_is_named_by_its_line_and_spoils_no_other() {
    let file = read_text(
        "digits,to,class,shared,pool,net\n\
         7455,,,,,\n\
         74x5,,,,,\n\
         12,,,,,\n\
         7455,,,,,\n\
         7456,7450,,,,\n\
         7456,74560,,,,\n\
         700000000,708999999,,,,\n\
         8100,,,,,\n\
         7457,,gold,,,\n\
         7458,,premium_mms,,,\n\
         745555,,wap_service,perhaps,,\n\
         7459,,,,,5.00\n\
         7460,,,,,4.0\n\
         7461,,,,,4.00,extra\n\
         81000,,wap_service,,,\n\
         123456789,,wap_service,,,\n\
         7462,,,yes,main,4.00\n",
    );
    assert_eq!(
        refusals(&file),
        [
            (3, "digits"),
            (4, "digits"),
            (5, "twice"),
            (6, "range"),
            (7, "range"),
            (8, "range"),
            (9, "unplanned"),
            (10, "class"),
            (11, "class"),
            (12, "flag"),
            (13, "price"),
            (14, "price"),
            (15, "columns"),
            (16, "class"),
            (17, "length"),
        ]
    );
    let good: Vec<_> = file.numbers.iter().map(|number| number.digits.as_str()).collect();
    assert_eq!(good, ["7455", "7462"]);
    assert_eq!(file.rows, 17);
}

#[test]
fn what_is_no_list_of_numbers_is_refused_whole() {
    for (octets, why) in [
        (&b""[..], "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"number\n7455\n", "`number` is none of"),
        (b"to,pool\n", "`digits` is missing"),
    ] {
        let told = read(octets, &NumberPlan::shipped(), NOW).unwrap_err().0;
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn a_file_stands_for_so_many_numbers_and_not_more() {
    let file =
        read_text("digits,to\n71000,79999\n600000,609999\n50000,59999\n60000,69999\n9000,\n");
    assert_eq!(file.numbers.len(), 19_000);
    assert_eq!(refusals(&file), [(3, "unplanned"), (5, "too_many"), (6, "unplanned")]);
}
