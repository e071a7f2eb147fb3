//! The texts of every page of problems, as data: what it means, where it comes from, what to do.
//!
//! English first, Polish second. A test asks for a page for every code that a refusal or the
//! API itself can have. The surprise: the SMPP names are shown only; the edge decides them,
//! and a test compares both.

use super::{NO_HTTP, Page};

/// What the business says no to; each code is that of a `Refusal`.
pub(super) const REFUSALS: &[Page] = &[
    Page {
        code: "not_your_number",
        status: 403,
        smpp: Some("ESME_RINVSRCADR"),
        title: ["Not your number", "To nie jest Twój numer"],
        meaning: [
            "The sender is a number or name that none of your services has.",
            "Nadawca to numer albo nazwa, której nie ma żadna z Twoich usług.",
        ],
        example: "\"from\": \"7456\", while your service has 7455",
        cure: [
            "Send from a short code of one of your live services, or from a name that was registered for you.",
            "Wysyłaj z numeru jednej ze swoich aktywnych usług albo z nazwy, którą dla Ciebie zarejestrowano.",
        ],
    },
    Page {
        code: "no_sender",
        status: 422,
        smpp: Some("ESME_RINVSRCADR"),
        title: ["No sender", "Brak nadawcy"],
        meaning: [
            "The message names no sender and no service, and the account has no default sender.",
            "Wiadomość nie podaje nadawcy ani usługi, a konto nie ma nadawcy domyślnego.",
        ],
        example: "{\"to\": \"48600100200\", \"text\": \"Hello\"}",
        cure: [
            "Give `from`, or `service`: its short code is then the sender.",
            "Podaj `from` albo `service`: nadawcą będzie wtedy jej numer.",
        ],
    },
    Page {
        code: "bad_sender",
        status: 422,
        smpp: Some("ESME_RINVSRCADR"),
        title: ["Bad sender", "Zły nadawca"],
        meaning: [
            "The sender is neither a short code, a number nor a name of 1 to 11 characters.",
            "Nadawca nie jest numerem krótkim, numerem ani nazwą o długości od 1 do 11 znaków.",
        ],
        example: "\"from\": \"Acme Quiz 2026\"",
        cure: [
            "Use 3 to 8 digits, an international number, or a shorter name.",
            "Użyj od 3 do 8 cyfr, numeru międzynarodowego albo krótszej nazwy.",
        ],
    },
    Page {
        code: "bad_recipient",
        status: 422,
        smpp: Some("ESME_RINVDSTADR"),
        title: ["Bad recipient", "Zły odbiorca"],
        meaning: [
            "The recipient is not an international number.",
            "Odbiorca nie jest numerem w postaci międzynarodowej.",
        ],
        example: "\"to\": \"600100200\"",
        cure: [
            "Use 7 to 15 digits with the country code: 48600100200.",
            "Użyj od 7 do 15 cyfr z kierunkowym kraju: 48600100200.",
        ],
    },
    Page {
        code: "recipient_barred",
        status: 403,
        smpp: Some("ESME_RSUBMITFAIL"),
        title: ["Recipient barred", "Odbiorca zablokowany"],
        meaning: [
            "This number may not receive the service: the subscriber or the operator barred it.",
            "Ten numer nie może otrzymywać tej usługi: zablokował ją abonent albo operator.",
        ],
        example: "\"to\": \"48600100200\", and the number is on the operator's list",
        cure: [
            "Take the number off your lists. Asking again does not help.",
            "Usuń numer ze swoich list. Ponawianie nie pomoże.",
        ],
    },
    Page {
        code: "subscriber_stopped",
        status: 403,
        smpp: Some("ESME_RSUBMITFAIL"),
        title: ["Subscriber ended the service", "Abonent zakończył usługę"],
        meaning: [
            "The subscriber sent STOP, so nothing of this service may be charged to this number.",
            "Abonent wysłał STOP, więc za tę usługę nie wolno obciążyć tego numeru.",
        ],
        example: "\"to\": \"48600100200\", and that number sent STOP yesterday",
        cure: [
            "Take the number off the subscribers of the service. It may be charged again after the subscriber texts START or the keyword alone.",
            "Usuń numer z listy abonentów usługi. Obciążenie będzie możliwe, gdy abonent wyśle START albo samo słowo kluczowe.",
        ],
    },
    Page {
        code: "throttled",
        status: 429,
        smpp: Some("ESME_RTHROTTLED"),
        title: ["Over your rate", "Za szybko"],
        meaning: [
            "You sent more messages a second than your agreement allows.",
            "Wysłano więcej wiadomości na sekundę, niż pozwala umowa.",
        ],
        example: "51 messages in a second, while the rate is 50",
        cure: [
            "Wait for the time in Retry-After, then send the same message again with the same Idempotency-Key.",
            "Odczekaj czas podany w Retry-After i wyślij tę samą wiadomość z tym samym Idempotency-Key.",
        ],
    },
    Page {
        code: "backlog_full",
        status: 503,
        smpp: Some("ESME_RMSGQFUL"),
        title: ["Backlog full", "Kolejka pełna"],
        meaning: [
            "As many of your messages as your account allows are waiting to be sent.",
            "Na wysłanie czeka tyle Twoich wiadomości, ile dopuszcza konto.",
        ],
        example: "100000 messages wait, and the limit is 100000",
        cure: [
            "Wait until some are final, then send again.",
            "Zaczekaj, aż część z nich się zakończy, i wyślij ponownie.",
        ],
    },
    Page {
        code: "store_full",
        status: 503,
        smpp: Some("ESME_RMSGQFUL"),
        title: ["The gateway is nearly full", "Bramka jest prawie pełna"],
        meaning: [
            "The gateway has almost no space left and accepts nothing that it could lose.",
            "Bramce prawie skończyło się miejsce, więc nie przyjmuje tego, co mogłaby zgubić.",
        ],
        example: "Any message, until the operator makes space",
        cure: [
            "Send again later. The operator is told by an alarm.",
            "Wyślij ponownie później. Operator dostał alarm.",
        ],
    },
    Page {
        code: "draining",
        status: 503,
        smpp: Some("ESME_RSYSERR"),
        title: ["The gateway is stopping", "Bramka się zatrzymuje"],
        meaning: [
            "The gateway is about to restart and takes nothing new.",
            "Bramka zaraz się zrestartuje i nie przyjmuje nic nowego.",
        ],
        example: "A message during an upgrade",
        cure: [
            "Connect again in a few seconds and send the same message with the same Idempotency-Key.",
            "Połącz się ponownie za kilka sekund i wyślij tę samą wiadomość z tym samym Idempotency-Key.",
        ],
    },
    Page {
        code: "bad_validity",
        status: 422,
        smpp: Some("ESME_RINVEXPIRY"),
        title: ["Bad validity", "Zły termin ważności"],
        meaning: [
            "The time until which the message may be delivered is over, or comes before the delivery time.",
            "Czas, do którego wolno doręczyć wiadomość, minął albo wypada przed czasem wysłania.",
        ],
        example: "\"valid_until\": \"2020-01-01T00:00:00Z\"",
        cure: [
            "Give a moment in the future, or `validity` in seconds, or neither.",
            "Podaj chwilę w przyszłości, `validity` w sekundach albo nic.",
        ],
    },
    Page {
        code: "bad_schedule",
        status: 422,
        smpp: Some("ESME_RINVSCHED"),
        title: ["Bad delivery time", "Zły czas wysłania"],
        meaning: [
            "The delivery time is in the past or too far ahead.",
            "Czas wysłania już minął albo jest zbyt odległy.",
        ],
        example: "\"deliver_after\": \"2035-01-01T00:00:00Z\"",
        cure: [
            "Give a moment within the next 30 days, or leave it out to send at once.",
            "Podaj chwilę w ciągu najbliższych 30 dni albo pomiń to pole, żeby wysłać od razu.",
        ],
    },
    Page {
        code: "bad_length",
        status: 422,
        smpp: Some("ESME_RINVMSGLEN"),
        title: ["Bad length", "Zła długość"],
        meaning: [
            "The text or the octets do not fit into the parts that a message may have.",
            "Tekst albo oktety nie mieszczą się w dozwolonej liczbie części.",
        ],
        example: "A text of 3000 letters",
        cure: [
            "Shorten it. A part has 160 characters of the GSM alphabet or 70 of any other; in a long message 153 and 67.",
            "Skróć ją. Część ma 160 znaków alfabetu GSM albo 70 innych; w długiej wiadomości 153 i 67.",
        ],
    },
    Page {
        code: "bad_data_coding",
        status: 422,
        smpp: Some("ESME_RINVDCS"),
        title: ["Bad data coding", "Złe kodowanie"],
        meaning: [
            "The data coding is not one that the gateway carries.",
            "Bramka nie przenosi takiego kodowania.",
        ],
        example: "\"data_coding\": 245",
        cure: [
            "Use 0 (GSM alphabet), 3 (Latin 1), 4 (binary) or 8 (UCS-2).",
            "Użyj 0 (alfabet GSM), 3 (Latin 1), 4 (binarne) albo 8 (UCS-2).",
        ],
    },
    Page {
        code: "alphabet_not_allowed",
        status: 422,
        smpp: Some("ESME_RINVDCS"),
        title: ["Alphabet not allowed", "Alfabet niedozwolony"],
        meaning: [
            "The service's description says that its texts are in one alphabet, and this one is in another. No letter is changed to make it fit.",
            "Opis usługi mówi, że jej teksty są w jednym alfabecie, a ten jest w innym. Żadnej litery nie zmieniamy po to, żeby pasowała.",
        ],
        example: "data_coding 0x08 for a service of GSM 7-bit texts",
        cure: [
            "Send the text in the alphabet that the reason names, or change the alphabet in the service's description.",
            "Wyślij tekst w alfabecie, który podano w powodzie, albo zmień alfabet w opisie usługi.",
        ],
    },
    Page {
        code: "tlv_not_allowed",
        status: 403,
        smpp: Some("ESME_RTLVNOTALLWD"),
        title: ["TLV not allowed", "TLV niedozwolony"],
        meaning: [
            "The service's description lists the vendor's TLVs that it sends, and this one is not among them.",
            "Opis usługi wymienia TLV dostawców, które usługa wysyła, a tego wśród nich nie ma.",
        ],
        example: "TLV 0x1501, while the description names 0x1500",
        cure: [
            "Leave the TLV out, or add it to the service's description.",
            "Pomiń ten TLV albo dopisz go do opisu usługi.",
        ],
    },
    Page {
        code: "bad_user_data",
        status: 422,
        smpp: Some("ESME_RINVESMCLASS"),
        title: ["Bad user data", "Złe dane wiadomości"],
        meaning: [
            "The user data header or the octets contradict themselves.",
            "Nagłówek UDH albo oktety przeczą same sobie.",
        ],
        example: "A header whose first octet says 5 and that has 3 more",
        cure: [
            "Let the gateway split long texts, or count the header again.",
            "Pozwól bramce dzielić długie teksty albo policz nagłówek jeszcze raz.",
        ],
    },
    Page {
        code: "bad_service_type",
        status: 422,
        smpp: Some("ESME_RINVSERTYP"),
        title: ["Bad service type", "Zły typ usługi"],
        meaning: [
            "The service type is not on the list of your account.",
            "Typu usługi nie ma na liście Twojego konta.",
        ],
        example: "service_type \"WAP\", while the list has only CMT",
        cure: [
            "Use a type from your list, or leave it empty.",
            "Użyj typu z listy albo zostaw pole puste.",
        ],
    },
    Page {
        code: "service_not_live",
        status: 409,
        smpp: Some("ESME_RSUBMITFAIL"),
        title: ["Service is not live", "Usługa nieaktywna"],
        meaning: [
            "The service is suspended, closed, or open to its test numbers only.",
            "Usługa jest zawieszona, zamknięta albo dostępna tylko dla numerów testowych.",
        ],
        example: "A message from a service in testing to a number that is not on its list",
        cure: [
            "Finish the technical test, or send to a test number.",
            "Dokończ test techniczny albo wysyłaj na numer testowy.",
        ],
    },
    Page {
        code: "unknown_service",
        status: 422,
        smpp: Some("ESME_RINVTLVVAL"),
        title: ["Unknown service", "Nieznana usługa"],
        meaning: ["You have no service of this name.", "Nie masz usługi o tej nazwie."],
        example: "\"service\": \"wni\"",
        cure: ["Use the name from your list of services.", "Użyj nazwy z listy swoich usług."],
    },
    Page {
        code: "ambiguous_service",
        status: 422,
        smpp: Some("ESME_RINVTLVVAL"),
        title: ["Which service?", "Która usługa?"],
        meaning: [
            "Several of your services that charge the subscriber share this sender, and a charge must never be a guess.",
            "Tego nadawcę ma kilka Twoich płatnych usług, a opłaty nie wolno zgadywać.",
        ],
        example: "\"from\": \"7455\" without `service`",
        cure: ["Name the service in `service`.", "Podaj nazwę usługi w polu `service`."],
    },
    Page {
        code: "tariff_missing",
        status: 422,
        smpp: Some("ESME_RMISSINGTLV"),
        title: ["Tariff missing", "Brak taryfy"],
        meaning: [
            "The service charges the subscriber, but has no tariff of its own, and the message names none.",
            "Usługa obciąża abonenta, ale nie ma swojej taryfy i wiadomość jej nie podaje.",
        ],
        example: "A service billed by MT without a default tariff",
        cure: [
            "Name a tariff of your agreement in `tariff`.",
            "Podaj w polu `tariff` taryfę ze swojej umowy.",
        ],
    },
    Page {
        code: "tariff_unknown",
        status: 422,
        smpp: Some("ESME_RINVTLVVAL"),
        title: ["Tariff unknown", "Nieznana taryfa"],
        meaning: ["There is no tariff of this code.", "Nie ma taryfy o tym kodzie."],
        example: "\"tariff\": \"T99\"",
        cure: ["Use a code from your agreement.", "Użyj kodu ze swojej umowy."],
    },
    Page {
        code: "tariff_not_allowed",
        status: 403,
        smpp: Some("ESME_RPROHIBITED"),
        title: ["Tariff not allowed", "Taryfa niedozwolona"],
        meaning: [
            "The tariff exists, but is not in your agreement for this service.",
            "Taryfa istnieje, ale nie ma jej w umowie na tę usługę.",
        ],
        example: "\"tariff\": \"T25\", while the service has T4",
        cure: [
            "Use a tariff of the service, or ask for an annex.",
            "Użyj taryfy tej usługi albo poproś o aneks.",
        ],
    },
    Page {
        code: "unknown_mo",
        status: 422,
        smpp: Some("ESME_RINVTLVVAL"),
        title: ["Unknown MO", "Nieznana wiadomość MO"],
        meaning: [
            "The message that this one answers is not known, is too old, or came from another number.",
            "Wiadomość, na którą ta odpowiada, jest nieznana, zbyt stara albo przyszła z innego numeru.",
        ],
        example: "\"answers\": \"1\", and no such MO came",
        cure: [
            "Give the id that came with the MO, and send to the number that it came from.",
            "Podaj identyfikator otrzymany z MO i wysyłaj na numer, z którego przyszła.",
        ],
    },
    Page {
        code: "receipts_not_allowed",
        status: 403,
        smpp: Some("ESME_RINVREGDLVFLG"),
        title: ["No receipts", "Bez raportów"],
        meaning: [
            "Receipts are not part of your account.",
            "Twoje konto nie obejmuje raportów doręczenia.",
        ],
        example: "\"receipts\": \"final\"",
        cure: [
            "Use \"none\", or ask for receipts in your agreement.",
            "Użyj \"none\" albo poproś o raporty w umowie.",
        ],
    },
    Page {
        code: "replace_not_allowed",
        status: 403,
        smpp: Some("ESME_RINVSUBREP"),
        title: ["Replacing is not possible", "Zamiana niemożliwa"],
        meaning: [
            "This message cannot take the place of an earlier one.",
            "Ta wiadomość nie może zastąpić wcześniejszej.",
        ],
        example: "replace_if_present with a message in several parts",
        cure: [
            "Cancel the earlier message, then send a new one.",
            "Anuluj wcześniejszą wiadomość i wyślij nową.",
        ],
    },
    Page {
        code: "unknown_stored_text",
        status: 422,
        smpp: Some("ESME_RINVDFTMSGID"),
        title: ["No stored text", "Brak gotowego tekstu"],
        meaning: [
            "The message asks for a text kept by the gateway, and the gateway keeps none.",
            "Wiadomość prosi o tekst przechowywany w bramce, a bramka żadnych nie ma.",
        ],
        example: "sm_default_msg_id 1",
        cure: ["Send the text itself.", "Wyślij sam tekst."],
    },
    Page {
        code: "unknown_message",
        status: 404,
        smpp: Some("ESME_RINVMSGID"),
        title: ["Unknown message", "Nieznana wiadomość"],
        meaning: [
            "None of your messages has this id.",
            "Żadna z Twoich wiadomości nie ma tego identyfikatora.",
        ],
        example: "GET /api/v1/messages/1",
        cure: [
            "Use the id of the answer 202. Messages are forgotten after the time that your agreement names.",
            "Użyj identyfikatora z odpowiedzi 202. Wiadomości są usuwane po czasie podanym w umowie.",
        ],
    },
    Page {
        code: "too_late_to_cancel",
        status: 409,
        smpp: Some("ESME_RCANCELFAIL"),
        title: ["Too late to cancel", "Za późno na anulowanie"],
        meaning: [
            "The message is already on its way, or final.",
            "Wiadomość jest już w drodze albo zakończona.",
        ],
        example: "DELETE of a delivered message",
        cure: [
            "Nothing; its state tells what became of it.",
            "Nic nie rób; stan powie, co się z nią stało.",
        ],
    },
    Page {
        code: "nothing_to_cancel",
        status: 404,
        smpp: Some("ESME_RCANCELFAIL"),
        title: ["Nothing to cancel", "Nie ma czego anulować"],
        meaning: [
            "No waiting message is between these numbers.",
            "Między tymi numerami nie czeka żadna wiadomość.",
        ],
        example: "cancel_sm with an empty message_id after all were sent",
        cure: [
            "Nothing; everything is already on its way or final.",
            "Nic nie rób; wszystko jest już w drodze albo zakończone.",
        ],
    },
    Page {
        code: "cannot_replace",
        status: 409,
        smpp: Some("ESME_RREPLACEFAIL"),
        title: ["Cannot be replaced", "Nie można zamienić"],
        meaning: [
            "The message is unknown, long, or no longer waiting.",
            "Wiadomość jest nieznana, długa albo już nie czeka.",
        ],
        example: "replace_sm of a delivered message",
        cure: ["Send a new message.", "Wyślij nową wiadomość."],
    },
    Page {
        code: "idempotency_conflict",
        status: 422,
        smpp: Some("ESME_RX_P_APPN"),
        title: ["Key used twice", "Klucz użyty dwa razy"],
        meaning: [
            "The same Idempotency-Key came within 24 hours with another sender, recipient or content.",
            "Ten sam Idempotency-Key przyszedł w ciągu 24 godzin z innym nadawcą, odbiorcą albo treścią.",
        ],
        example: "Key \"order-17\" for two different texts",
        cure: [
            "Use a new key for each new message, and the same key only to repeat the same one.",
            "Każdej nowej wiadomości daj nowy klucz; ten sam tylko przy powtórzeniu tej samej.",
        ],
    },
    Page {
        code: "bad_idempotency_id",
        status: 422,
        smpp: Some("ESME_RINVTLVVAL"),
        title: ["Bad idempotency id", "Zły klucz powtórzeń"],
        meaning: [
            "The id that tells repeats apart is empty, too long, or not printable.",
            "Klucz rozpoznający powtórzenia jest pusty, za długi albo niedrukowalny.",
        ],
        example: "A vendor TLV of 65 octets",
        cure: [
            "Use 1 to 64 printable characters, such as a UUID.",
            "Użyj od 1 do 64 znaków drukowalnych, na przykład UUID.",
        ],
    },
    Page {
        code: "spend_limit",
        status: 403,
        smpp: Some("ESME_RSUBMITFAIL"),
        title: ["Subscriber's limit reached", "Limit abonenta wyczerpany"],
        meaning: [
            "The subscriber reached the limit of charged messages or of money that the service has for a minute or a day.",
            "Abonent wyczerpał limit płatnych wiadomości albo kwoty na minutę lub dzień w tej usłudze.",
        ],
        example: "The 11th charged message to one number in a day",
        cure: [
            "Stop charging this subscriber until the limit starts anew.",
            "Nie obciążaj tego abonenta, dopóki limit nie zacznie się od nowa.",
        ],
    },
    Page {
        code: "too_many_recipients",
        status: 422,
        smpp: Some("ESME_RINVNUMDESTS"),
        title: ["Too many recipients", "Za dużo odbiorców"],
        meaning: [
            "One request names more recipients than it may.",
            "Jedno żądanie podaje więcej odbiorców, niż wolno.",
        ],
        example: "submit_multi with 300 numbers",
        cure: ["Send several requests.", "Wyślij kilka żądań."],
    },
    Page {
        code: "partner_suspended",
        status: 403,
        smpp: Some("ESME_RSUBMITFAIL"),
        title: ["Account suspended", "Konto zawieszone"],
        meaning: [
            "Your account carries no traffic at the moment.",
            "Twoje konto obecnie nie przenosi ruchu.",
        ],
        example: "Any message while the agreement is suspended",
        cure: ["Talk to the operator.", "Skontaktuj się z operatorem."],
    },
    Page {
        code: "bad_field",
        status: 422,
        smpp: Some("ESME_RINVTLVVAL"),
        title: ["Bad field", "Złe pole"],
        meaning: [
            "A field has a value that it cannot have; the detail names it.",
            "Pole ma wartość, której mieć nie może; opis mówi które.",
        ],
        example: "priority 9",
        cure: ["Correct the field that the detail names.", "Popraw pole podane w opisie."],
    },
];

/// What only SMPP can ask for and is told no.
pub(super) const SMPP_ONLY: &[Page] = &[
    Page {
        code: "prohibited",
        status: NO_HTTP,
        smpp: Some("ESME_RPROHIBITED"),
        title: ["Not offered", "Niedostępne"],
        meaning: [
            "The operation exists in SMPP and is not part of this service: cell broadcast.",
            "Operacja istnieje w SMPP, ale nie wchodzi w skład tej usługi: cell broadcast.",
        ],
        example: "broadcast_sm",
        cure: [
            "Send to subscribers with `submit_sm` or `submit_multi`.",
            "Wysyłaj do abonentów przez `submit_sm` albo `submit_multi`.",
        ],
    },
    Page {
        code: "no_distribution_lists",
        status: NO_HTTP,
        smpp: Some("ESME_RCNTSUBDL"),
        title: ["No distribution lists", "Brak list dystrybucyjnych"],
        meaning: [
            "A destination is the name of a distribution list, and the gateway keeps none.",
            "Odbiorcą jest nazwa listy dystrybucyjnej, a bramka żadnych nie ma.",
        ],
        example: "submit_multi with dest_flag 2",
        cure: [
            "Name the subscribers themselves, 254 in one request at most.",
            "Podaj samych abonentów, najwyżej 254 w jednym żądaniu.",
        ],
    },
];
