//! A renewed catalog is the one that is read whole, whatever people change and on both engines.

use super::*;
use crate::{
    domain::{Caller, Msisdn, Sender, catalog::Route},
    store::{
        Error, NewPartner, NewService, audit,
        db::execute,
        tests::{NOON, any_postgres, on_both, sqlite},
    },
};

const NUMBERS: [&str; 3] = ["7455", "7466", "7477"];

/// Word and subject of a record of the trail.
type Record = (&'static str, &'static str);
/// SQL with one number in it.
type Statement = (&'static str, i64);

fn by() -> Caller {
    Caller::Operator { name: "anna".into() }
}

/// Everything that traffic asks of a catalog, in words.
fn answers(catalog: &Catalog) -> Vec<String> {
    let subscriber = Msisdn::parse("48600100200").unwrap();
    let mut told = Vec::new();
    for number in NUMBERS {
        let code = ShortCode::parse(number).unwrap();
        for text in ["WIN", "quiz one", "GO", "anything"] {
            told.push(match catalog.route(&code, text, &subscriber) {
                Route::To { service, keyword } => {
                    format!("{number} {text}: {keyword:?} {service:?}")
                }
                Route::Unrouted(why) => format!("{number} {text}: {why:?}"),
            });
        }
        for partner in catalog.partners() {
            let sender = Sender::ShortCode(code.clone());
            let found = catalog.service_for(partner.id, &sender, None, None);
            told.push(format!("{} from {number}: {found:?}", partner.name));
        }
    }
    told.sort();
    told
}

/// Two partners, a described service each, and a shared number with a keyword of the first.
async fn described(store: &Store) {
    for (id, name, word) in [(1, "acme", "WIN"), (2, "beta", "QUIZ")] {
        store.add_partner(&by(), NOON, &NewPartner::unhurried(name, 1)).await.unwrap();
        let service = NewService::free(name, "main", "7455", &[word], "main");
        if id == 1 {
            for number in NUMBERS {
                store.add_short_code(&by(), NOON, number).await.unwrap();
            }
        }
        store.add_service(&by(), NOON, &service).await.unwrap();
        for sql in [
            "insert into offering (id, partner_id, name, state, service_id, link_group, reason, \
             made_at, version) values (cast($1 as bigint) + 40, $1, 'main', 'live', $1, 'main', '', 0, 1)",
            "insert into number (id, digits, class, is_shared, pool, is_withdrawn, made_at, \
             version) values (cast($1 as bigint) + 70, case $1 when 1 then '7455' else '7466' end, 'sms', 1, '', \
             0, 0, 1)",
        ] {
            write(store, ("bank.ask", "bank:1"), &[(sql, id)]).await;
        }
    }
}

/// Statements in one transaction with their record of the trail.
async fn write(store: &Store, (what, subject): Record, statements: &[Statement]) {
    let mut pen = store.pen().await.unwrap();
    let mut tx = pen.begin().await.unwrap();
    audit::append(&mut tx, NOON, &by(), what, subject, &serde_json::json!({})).await.unwrap();
    for (sql, id) in statements {
        let done: Result<u64, Error> = execute!(&mut tx, *sql, *id);
        assert!(done.unwrap() > 0, "{sql}");
    }
    tx.commit().await.unwrap();
}

const RESERVED: &str = "insert into reservation (id, number_id, keyword, look, slot, partner_id, \
     state, reserved_at, expires_at, extensions, reason, version) \
     values ($1, 71, 'WIN', 'WIN', 'WIN', 1, 'active', 0, 0, 0, '', 1)";

on_both!(a_renewed_catalog_answers_like_one_that_is_read_whole, engine => {
    let store = &engine.store;
    described(store).await;
    let (mut seen, news) = store.catalog_news(-1).await.unwrap();
    assert_eq!(news, CatalogNews::Everything);
    let mut catalog = store.load_catalog().await.unwrap();
    let steps: [(Record, &[Statement]); 9] = [
        // The keyword goes from one service to the other.
        (("service.approve", "service:41"), &[
            ("delete from keyword where service_id = $1", 1),
            ("update service set version = version + 1 where id = $1", 1),
            ("insert into keyword (short_code, word, service_id) values ('7455', 'GO', $1)", 1),
        ]),
        (("service.approve", "service:42"), &[
            ("insert into keyword (short_code, word, service_id) values ('7455', 'WIN', $1)", 2),
            ("update service set version = version + 1 where id = $1", 2),
        ]),
        (("service.suspend", "service:41"), &[
            ("update service set state = 'suspended' where id = $1", 1),
        ]),
        (("service.resume", "service:41"), &[
            ("update service set state = 'live', test_numbers = '48600100200' where id = $1", 1),
        ]),
        // To a number that no service used: what is held of it is read as well.
        (("service.approve", "service:41"), &[
            ("delete from keyword where service_id = $1", 1),
            ("update service set short_code = '7466' where id = $1", 1),
            ("insert into keyword (short_code, word, service_id) values ('7466', '*', $1)", 1),
        ]),
        (("number.withdraw", "number:72"), &[
            ("update number set is_withdrawn = 1 where id = $1", 72),
        ]),
        // Acme holds the keyword that beta's service answers.
        (("number.reserve", "number:71"), &[(RESERVED, 5)]),
        // And it holds it no more.
        (("number.release", "reservation:5"), &[
            ("update reservation set state = 'free', slot = null where id = $1", 5),
        ]),
        (("service.approve", "service:42"), &[
            ("delete from keyword where service_id = $1", 2),
            ("update service set short_code = '7477' where id = $1", 2),
            ("insert into standard_text (service_id, help, stop, contact, rules_url) \
              values ($1, 'h', 's', 'c', 'r')", 2),
        ]),
    ];
    for (record, statements) in steps {
        write(store, record, statements).await;
        let before = answers(&catalog);
        let (last, news) = store.catalog_news(seen).await.unwrap();
        let CatalogNews::These { services, numbers } = &news else { panic!("{record:?}: {news:?}") };
        catalog = store.renew_catalog(&catalog, services, numbers).await.unwrap();
        assert_eq!(answers(&catalog), answers(&store.load_catalog().await.unwrap()), "{record:?}");
        assert_ne!(answers(&catalog), before, "{record:?} changes something");
        seen = last;
    }
    let (_, none) = store.catalog_news(seen).await.unwrap();
    assert!(none.is_nothing());
});

#[test]
fn a_record_that_is_not_understood_means_that_everything_may_have_changed() {
    for (what, subject, about) in [
        ("session.begin", "7", About::Nothing),
        ("order.step", "order:3", About::Nothing),
        ("service.approve", "service:42", About::Offering(42)),
        ("service.set", "42", About::Service(42)),
        // Made from the host, and named; a secret of a callback likewise.
        ("service.add", "win", About::Anything),
        ("service.callback", "42", About::Anything),
        ("number.reserve", "number:7", About::Number(7)),
        ("number.activate", "reservation:7", About::Reservation(7)),
        ("number.wait_end", "wait:7", About::Nothing),
        ("number.import", "numbers", About::Anything),
        ("number.bar", "48600***200", About::Anything),
        ("partner.set", "acme", About::Anything),
        ("tariff.add", "T4", About::Anything),
        ("something", "new", About::Anything),
    ] {
        assert_eq!(About::of(what, subject), about, "{what} {subject}");
    }
}
