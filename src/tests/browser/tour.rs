//! Every page behind the log-in, looked at once: those that only have to be opened, and the errands
//! that make the others.

use bramka::{
    demo::esme::mt,
    domain::{MessageId, MessageState},
};

use super::driver::Human;
use crate::world::{World, operator, service};

/// What an administrator of a partner can open.
pub(super) async fn of_partner(admin: &Human<'_>) {
    let pages = [
        ("partner-home", "/home"),
        ("partner-people", "/people"),
        ("partner-people-none", "/people?q=nobody"),
        ("partner-new-person", "/people/new"),
        ("partner-person", "/people/3"),
        ("partner-company", "/company"),
        ("partner-agreements", "/agreements"),
        ("partner-agreement", "/agreements/2"),
        ("partner-terms", "/terms"),
        ("partner-specifications", "/specifications"),
        ("partner-smpp-profile", "/specifications/smpp-profile"),
        ("partner-credentials", "/credentials"),
        ("partner-keys", "/keys"),
        ("partner-listeners", "/listeners"),
        ("partner-sandbox", "/sandbox"),
        ("partner-live", "/live"),
        ("partner-no-traffic", "/traffic"),
        ("partner-account", "/account"),
        ("partner-password", "/account/password"),
        ("partner-confirm", "/account/confirm"),
        ("partner-second-factor", "/account/second-factor"),
        ("partner-recovery-codes", "/account/recovery-codes"),
        ("partner-sessions", "/sessions"),
        ("partner-bank", "/bank-changes"),
        ("partner-bank-new", "/company/bank"),
        ("partner-no-reservations", "/reservations"),
        ("partner-no-orders", "/orders"),
        ("partner-no-faults", "/faults"),
        ("partner-fault-area", "/faults/new"),
        ("partner-fault-new", "/faults/new?area=sms"),
        ("partner-no-incidents", "/incidents"),
        ("partner-no-complaints", "/complaints"),
        ("partner-complaint-new", "/complaints/new"),
        ("public-no-incidents", "/incidents/public"),
    ];
    for (name, path) in pages {
        admin.look_at(name, path).await;
    }
}

/// What an administrator of the operator can open.
pub(super) async fn of_operator(desk: &Human<'_>) {
    let pages = [
        ("operator-home", "/home"),
        ("operator-listeners", "/listeners"),
        ("operator-desk", "/desk"),
        ("operator-applications", "/applications"),
        ("operator-partners", "/partners"),
        ("operator-agreements", "/agreements"),
        ("operator-terms", "/terms"),
        ("operator-specification-new", "/specifications/new"),
        ("operator-people", "/people"),
        ("operator-new-person", "/people/new"),
        ("operator-audit", "/audit"),
        ("operator-links", "/live/links"),
        ("operator-no-traffic", "/traffic"),
        ("operator-letters", "/mails"),
        ("operator-letter", "/mails/1"),
        ("operator-account", "/account"),
        ("operator-sessions", "/sessions"),
        ("operator-notices", "/notices"),
        ("operator-new-terms", "/terms/new"),
        ("operator-bank", "/bank-changes"),
        ("operator-import", "/numbers/import"),
        ("operator-numbers-none", "/numbers"),
        ("operator-number-rules", "/numbers/rules"),
        ("operator-no-faults", "/faults"),
        ("operator-no-incidents", "/incidents"),
        ("operator-no-complaints", "/complaints"),
        ("operator-complaint-rates", "/complaints/rates"),
    ];
    for (name, path) in pages {
        desk.look_at(name, path).await;
    }
}

/// An SMPP account and an API key, whose secrets are on one page only.
pub(super) async fn access(admin: &Human<'_>) {
    admin.go("/credentials").await;
    admin.press("Utwórz").await;
    admin.reads(&["Coś się nie zgadza"]).await;
    admin.fill(&[("#system_id", "zolw-main"), ("#addresses", "192.0.2.0/24")]).await;
    admin.press("Utwórz").await;
    admin.reads(&["zolw-main", "Widzisz to tylko teraz."]).await;
    admin.look_here("partner-credential-secret").await;
    admin.follow("Mam je zapisane").await;
    admin.follow("zolw-main").await;
    admin.look("partner-credential").await;
    admin.go("/keys").await;
    admin.press("Utwórz").await;
    admin.reads(&["Widzisz to tylko teraz."]).await;
    admin.look_here("partner-key-secret").await;
    admin.follow("Mam je zapisane").await;
    admin.look("partner-keys-one").await;
}

/// The company asks for another bank account, and somebody else confirms it.
pub(super) async fn bank(admin: &Human<'_>, finance: &Human<'_>, desk: &Human<'_>) {
    admin.go("/company/bank").await;
    admin.fill(&[("#account", "PL61 1090 1014 0000 0712 1981 2875")]).await;
    admin.press("Poproś o zmianę").await;
    admin.reads(&["To nie jest numer rachunku"]).await;
    admin.fill(&[("#account", "PL61 1090 1014 0000 0712 1981 2874")]).await;
    admin.press("Poproś o zmianę").await;
    admin.reads(&["Prośba przyjęta."]).await;
    admin.look("partner-bank-asked").await;
    desk.go("/bank-changes/1").await;
    desk.look("operator-bank-change").await;
    // The company has somebody else, who knows better than the operator.
    desk.reads(&["Another person must answer."]).await;
    finance.go("/bank-changes/1").await;
    finance.look("partner-bank-change").await;
    finance.press("Potwierdź nowy rachunek").await;
    finance.reads(&["Nowy rachunek obowiązuje"]).await;
}

/// A message goes its way, and the desk reads what became of it.
pub(super) async fn messages(world: &World, admin: &Human<'_>, desk: &Human<'_>) {
    admin.go("/messages").await;
    admin.reads(&["Nie ma jeszcze żadnej wiadomości."]).await;
    admin.look("partner-no-messages").await;
    world.link_up().await;
    let acme = world.bind("acme").await;
    let sent = acme.submit(mt("7455", "48600100200", "Hello")).await.expect("accepted");
    let id = String::from_utf8_lossy(&sent.message_id).into_owned();
    world.becomes(MessageId(id.parse().expect("a number")), MessageState::Delivered).await;
    world.gateway().write_traffic(world.gateway().now()).await;
    desk.look_at("operator-traffic", "/traffic").await;
    desk.go("/live").await;
    desk.look("operator-live").await;
    desk.follow("Disconnect acme").await;
    desk.look("operator-bind-end").await;
    desk.go("/messages").await;
    desk.reads(&["48600***200", "Delivered"]).await;
    desk.look("operator-messages").await;
    desk.follow(&id).await;
    desk.reads(&["reached the subscriber", "The SMSC took it", "48600***200"]).await;
    desk.look("operator-message").await;
    desk.press("Show number and text").await;
    desk.reads(&["48600100200"]).await;
    desk.look_here("operator-message-shown").await;
    admin.go(&format!("/messages?q={id}")).await;
    admin.does_not_read(&["48600***200"]).await;
    admin.look("partner-messages-none").await;
    admin.go("/replays").await;
    admin.reads(&["Niczego jeszcze nie przekazano ponownie."]).await;
    admin.look("partner-replays").await;
    admin.go("/replays/new").await;
    admin.look("partner-replay-new").await;
}

/// Numbers come in, one is reserved, ordered and activated.
pub(super) async fn numbers(admin: &Human<'_>, desk: &Human<'_>) {
    desk.go("/numbers/import").await;
    desk.upload("#file", "pool.csv", "digits\n7455\n7477\n12\n").await;
    desk.press("Only check").await;
    desk.reads(&["2 numbers would be taken, 1 refused."]).await;
    desk.look_here("operator-import-checked").await;
    desk.upload("#file", "pool.csv", "digits\n7455\n7477\n").await;
    desk.press("Import").await;
    desk.reads(&["2 numbers were taken, 0 refused."]).await;
    desk.look_at("operator-numbers", "/numbers").await;
    admin.go("/numbers?q=*77").await;
    admin.reads(&["7477"]).await;
    admin.does_not_read(&["7455"]).await;
    admin.look("partner-numbers").await;
    admin.follow("7477").await;
    admin.look("partner-number").await;
    admin.press("Zarezerwuj").await;
    admin.reads(&["Zarezerwowano.", "7477"]).await;
    admin.look("partner-reservation").await;
    admin.press("Zamów aktywację").await;
    admin.reads(&["Gotowe.", "Aktywacja zamówiona"]).await;
    admin.look_at("partner-reservations", "/reservations").await;
    desk.go("/reservations").await;
    desk.follow("7477").await;
    desk.look("operator-reservation").await;
    desk.press("Activate").await;
    desk.reads(&["Done.", "Active"]).await;
    desk.look_at("operator-number", "/numbers/2").await;
    orders(admin, desk).await;
}

/// The number that was activated is given back: its partner asks, says what it did, is answered.
async fn orders(admin: &Human<'_>, desk: &Human<'_>) {
    admin.go("/reservations/1").await;
    admin.fill(&[("#reason", "Konkurs się skończył.")]).await;
    admin.press("Poproś o wyłączenie").await;
    admin.follow("Z-000002 Rezygnacja z numeru: Czeka na partnera").await;
    admin.reads(&["Konkurs się skończył.", "Zakończenie reklamy numeru", "Teraz"]).await;
    admin.look("partner-order").await;
    admin.press("Zrobione: Zakończenie reklamy numeru").await;
    admin.reads(&["Zapisano.", "W toku"]).await;
    desk.go("/orders").await;
    desk.look("operator-orders").await;
    desk.follow("Z-000002 Release of a number: 7477").await;
    desk.look("operator-order").await;
    desk.press("Ask the partner").await;
    desk.reads(&["Write a text"]).await;
    desk.look_here("operator-order-wrong").await;
    desk.fill(&[("#words", "Since when?")]).await;
    desk.press("Ask the partner").await;
    desk.reads(&["Waiting for the partner", "Since when?"]).await;
    admin.look_at("partner-orders", "/orders").await;
}

/// A service is begun, left unfinished and remarked upon.
pub(super) async fn services(admin: &Human<'_>, desk: &Human<'_>) {
    admin.go("/services").await;
    admin.look("partner-services").await;
    admin.fill(&[("#name", "quiz-2026")]).await;
    admin.press("Zacznij").await;
    admin.reads(&["Opis rozpoczęty.", "Usługa i cena"]).await;
    admin.look("partner-service").await;
    admin.follow("Usługa i cena").await;
    admin.look("partner-service-offer").await;
    admin.press("Zapisz i przejdź dalej").await;
    admin.reads(&["Rodzaj: uzupełnij to pole"]).await;
    admin.look_here("partner-service-wrong").await;
    admin.look_at("partner-service-texts", "/services/1/section/texts").await;
    admin.look_at("partner-service-technical", "/services/1/section/technical").await;
    desk.go("/services").await;
    desk.look("operator-services").await;
    desk.follow("quiz-2026").await;
    desk.look("operator-service").await;
}

/// Three texts of a subscriber to the partner, and their ids as its own search shows them.
async fn three_texts(world: &World, admin: &Human<'_>) -> [String; 3] {
    let gateway = world.gateway();
    let catalog = gateway.catalog();
    let partner = catalog.partners().find(|partner| partner.name != "acme").expect("a newcomer");
    let (store, by) = (gateway.store(), operator());
    store.add_short_code(&by, 0, "7498").await.unwrap();
    let quiz = service(&partner.name, "texts-2026", "7498", &["QUIZ"]);
    store.add_service(&by, 0, &quiz).await.unwrap();
    gateway.reload_catalog().await.unwrap();
    for place in 1..=3 {
        let status = world.smsc.mo("48600100200", "7498", &format!("QUIZ {place}")).await.unwrap();
        assert!(status.is_ok());
    }
    admin.go("/messages").await;
    admin.look("partner-messages").await;
    let mut ids = [const { String::new() }; 3];
    for (row, id) in (1..).zip(&mut ids) {
        *id = admin.text(&format!("tbody tr:nth-child({row}) a")).await;
    }
    ids
}

/// A fault about three messages is reported, taken, solved, opened again and closed; an incident is
/// told and ends.
pub(super) async fn faults(world: &World, admin: &Human<'_>, desk: &Human<'_>) {
    let messages = three_texts(world, admin).await;
    desk.go("/incidents").await;
    desk.choose("#area", "sms").await;
    desk.fill(&[
        ("#title_pl", "Opóźnienia SMS"),
        ("#title_en", "Delays of SMS"),
        ("#text_pl", "Przełączamy ruch."),
        ("#text_en", "We switch the traffic over."),
    ])
    .await;
    desk.check("#public").await;
    desk.press("Announce").await;
    desk.reads(&["Delays of SMS", "Going on"]).await;
    desk.look("operator-incident").await;
    admin.go("/faults/new").await;
    admin.reads(&["Znane awarie", "Opóźnienia SMS"]).await;
    admin.follow("SMS i MMS").await;
    admin.fill(&[("#title", "Brak potwierdzeń"), ("#story", "Od rana nie przychodzą.")]).await;
    admin.press("Wyślij zgłoszenie").await;
    admin.reads(&["Wybierz wagę"]).await;
    admin.look_here("partner-fault-wrong").await;
    admin.check("#severity-2").await;
    admin.fill(&[("#messages", &messages.join("\n"))]).await;
    admin.press("Wyślij zgłoszenie").await;
    admin.reads(&["Zgłoszenie zostało przyjęte.", "Brak potwierdzeń", "Przyjęte"]).await;
    admin.reads(&messages.each_ref().map(String::as_str)).await;
    admin.look("partner-fault").await;
    desk.go("/faults").await;
    desk.look("operator-faults").await;
    desk.follow("F-000001 Brak potwierdzeń").await;
    desk.press("Take it").await;
    desk.reads(&["Saved.", "In progress"]).await;
    desk.reads(&messages.each_ref().map(String::as_str)).await;
    desk.look("operator-fault").await;
    desk.fill(&[("#words", "The link works again.")]).await;
    desk.press("Solved").await;
    admin.go("/faults/1").await;
    admin.reads(&["Rozwiązane", "The link works again."]).await;
    admin.fill(&[("#words", "Nadal nie przychodzą.")]).await;
    admin.press("Otwórz ponownie").await;
    desk.go("/faults/1").await;
    desk.fill(&[("#words", "Now it does.")]).await;
    desk.press("Solved").await;
    admin.go("/faults/1").await;
    admin.press("Zamknij").await;
    admin.reads(&["Zamknięte"]).await;
    admin.look_at("partner-faults", "/faults").await;
    desk.go("/incidents/1").await;
    desk.fill(&[("#text_pl", "Koniec."), ("#text_en", "Over.")]).await;
    desk.press("Tell and end the incident").await;
    desk.look_at("public-incidents", "/incidents/public").await;
}

/// A complaint is handed over, the partner asked and heard, the evidence gathered, and accepted.
pub(super) async fn complaints(admin: &Human<'_>, desk: &Human<'_>) {
    admin.go("/complaints/new").await;
    admin.press("Zapisz reklamację").await;
    admin.reads(&["Wybierz jedno", "Wypełnij to pole"]).await;
    admin.look_here("partner-complaint-wrong").await;
    admin.fill(&[("#msisdn", "+48 600 100 200"), ("#story", "Niczego nie zamawiałem.")]).await;
    admin.check("#subject-2").await;
    admin.check("#demand").await;
    admin.press("Zapisz reklamację").await;
    admin.reads(&["Reklamacja została przyjęta.", "R-000001 Nie zamówiono", "Przyjęta"]).await;
    admin.look("partner-complaint").await;
    desk.go("/complaints").await;
    desk.look("operator-complaints").await;
    desk.follow("R-000001").await;
    desk.reads(&["the law accepts this complaint"]).await;
    desk.fill(&[("#words", "When was it ordered?")]).await;
    desk.press("Ask the partner").await;
    desk.reads(&["Saved.", "Partner asked"]).await;
    desk.look("operator-complaint").await;
    admin.go("/complaints/1").await;
    admin.reads(&["Potem zdecydujemy bez Ciebie."]).await;
    admin.look("partner-complaint-asked").await;
    admin.check("#says").await;
    admin.fill(&[("#words", "Nie znaleźliśmy zamówienia.")]).await;
    admin.press("Wyślij odpowiedź").await;
    admin.reads(&["Zapisano.", "Partner odpowiedział"]).await;
    desk.go("/complaints/1").await;
    desk.press("Gather the evidence").await;
    desk.reads(&["Saved.", "SHA-256 of the evidence", "dowody-R-000001.json"]).await;
    desk.fill(&[("#words", "Nie znaleźliśmy zamówienia.")]).await;
    desk.press("Accept and give back").await;
    desk.reads(&["Saved.", "Accepted", "odpowiedz-R-000001.pdf"]).await;
    desk.look("operator-complaint-accepted").await;
    admin.go("/complaints/1").await;
    admin.reads(&["Uznana"]).await;
    admin.does_not_read(&["odpowiedz-R-000001.pdf"]).await;
    admin.look_at("partner-complaints", "/complaints").await;
}

/// New terms are drafted; a second person would have to approve them.
pub(super) async fn terms(desk: &Human<'_>) {
    desk.go("/terms/new").await;
    desk.choose("#kind", "framework").await;
    desk.fill(&[
        ("#label", "2027-01"),
        ("#summary_pl", "Wypłata raz w miesiącu."),
        ("#summary_en", "Paid once a month."),
        ("#text_pl", "1. Wypłata następuje raz w miesiącu.\n\n2. Reszta bez zmian."),
        ("#text_en", "1. Commissions are paid once a month.\n\n2. The rest stays."),
    ])
    .await;
    desk.press("Save and compare").await;
    desk.reads(&["Draft saved", "2027-01", "Anna Lis"]).await;
    desk.does_not_read(&["Approve as the second person"]).await;
    desk.look("operator-terms-draft").await;
    desk.follow("Edit the draft").await;
    desk.look("operator-terms-edit").await;
}

/// The operator looks as the partner, and can change nothing meanwhile.
pub(super) async fn view(desk: &Human<'_>, company: &str) {
    desk.go("/partners").await;
    desk.follow(company).await;
    desk.fill(&[("#view_reason", "The partner asked on the telephone what it sees")]).await;
    desk.press("View as this partner").await;
    desk.reads(&["You look at the portal as"]).await;
    desk.look("operator-view").await;
    desk.press("End the view").await;
    desk.reads(&["The view has ended"]).await;
}
