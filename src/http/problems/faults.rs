//! The texts of the problems that only HTTP knows, as data: what it means, where it comes from, what to do.
//!
//! English first, Polish second. A test asks for a page for every code that a refusal or the
//! API itself can have. The surprise: most of them are safe to repeat
//! with the same Idempotency-Key, and every text says so where it is true.

use super::Page;

/// What only the HTTP edge says no to; each code is that of a `Fault`.
pub(super) const FAULTS: &[Page] = &[
    Page {
        code: "malformed_json",
        status: 400,
        smpp: None,
        title: ["Malformed JSON", "Błędny JSON"],
        meaning: ["The body is not a JSON object.", "Treść żądania nie jest obiektem JSON."],
        example: "{\"to\": \"48600100200\",}",
        cure: ["Send one JSON object in UTF-8.", "Wyślij jeden obiekt JSON w UTF-8."],
    },
    Page {
        code: "bad_request",
        status: 400,
        smpp: None,
        title: ["Bad request", "Błędne żądanie"],
        meaning: [
            "The request ended before its body was whole, or is not HTTP as it should be.",
            "Żądanie urwało się przed końcem treści albo nie jest poprawnym HTTP.",
        ],
        example: "A connection that breaks in the middle of the body",
        cure: [
            "Send the request again with the same Idempotency-Key.",
            "Wyślij żądanie ponownie z tym samym Idempotency-Key.",
        ],
    },
    Page {
        code: "invalid_fields",
        status: 422,
        smpp: None,
        title: ["Invalid fields", "Błędne pola"],
        meaning: [
            "Some fields are missing, unknown or wrong; `errors` names every one of them.",
            "Niektórych pól brakuje, są nieznane albo błędne; `errors` wymienia wszystkie.",
        ],
        example: "{\"too\": \"48600100200\", \"text\": 5}",
        cure: [
            "Correct each field in `errors`; the OpenAPI document describes them.",
            "Popraw każde pole z `errors`; opisuje je dokument OpenAPI.",
        ],
    },
    Page {
        code: "unauthorized",
        status: 401,
        smpp: None,
        title: ["API key needed", "Potrzebny klucz API"],
        meaning: [
            "The request has no API key, or one that is not known or no longer valid.",
            "Żądanie nie ma klucza API albo klucz jest nieznany lub nieważny.",
        ],
        example: "A request without the header Authorization",
        cure: [
            "Send `Authorization: Bearer bk_...` with a key of your account.",
            "Wyślij `Authorization: Bearer bk_...` z kluczem swojego konta.",
        ],
    },
    Page {
        code: "too_many_failures",
        status: 429,
        smpp: None,
        title: ["Too many wrong keys", "Za dużo błędnych kluczy"],
        meaning: [
            "Too many requests with a wrong API key came from your address.",
            "Z Twojego adresu przyszło za dużo żądań z błędnym kluczem API.",
        ],
        example: "30 wrong keys within a minute",
        cure: [
            "Correct the key; the count starts anew after the time in Retry-After.",
            "Popraw klucz; licznik zacznie od nowa po czasie podanym w Retry-After.",
        ],
    },
    Page {
        code: "too_many_requests",
        status: 429,
        smpp: None,
        title: ["Too many requests", "Za dużo żądań"],
        meaning: [
            "More requests came in a minute than one API key, or one address without a key, may make.",
            "W ciągu minuty przyszło więcej żądań, niż wolno jednemu kluczowi API albo adresowi bez klucza.",
        ],
        example: "61 requests without a key within a minute",
        cure: [
            "Repeat the request after the time in Retry-After; nothing was done.",
            "Powtórz żądanie po czasie podanym w Retry-After; nic nie zostało wykonane.",
        ],
    },
    Page {
        code: "foreign_page",
        status: 403,
        smpp: None,
        title: ["The form is not ours or too old", "Formularz jest obcy albo za stary"],
        meaning: [
            "What was sent did not come from a page that was opened here, or that page was opened before you logged in or out, or cookies are off.",
            "To, co wysłano, nie pochodzi ze strony otwartej tutaj, strona była otwarta jeszcze przed zalogowaniem lub wylogowaniem albo pliki cookie są wyłączone.",
        ],
        example: "a form that stood open in another tab while you logged in",
        cure: [
            "Go back, reload the page and send the form again; nothing was done.",
            "Wróć, odśwież stronę i wyślij formularz jeszcze raz; nic nie zostało wykonane.",
        ],
    },
    Page {
        code: "not_found",
        status: 404,
        smpp: None,
        title: ["Not found", "Nie znaleziono"],
        meaning: ["There is nothing at this address.", "Pod tym adresem niczego nie ma."],
        example: "GET /api/v1/mesages",
        cure: [
            "Check the address, or begin at the start page. The paths of the API are in the OpenAPI document.",
            "Sprawdź adres albo zacznij od strony głównej. Ścieżki API są w dokumencie OpenAPI.",
        ],
    },
    Page {
        code: "method_not_allowed",
        status: 405,
        smpp: None,
        title: ["Method not allowed", "Niedozwolona metoda"],
        meaning: [
            "The address exists, but not with this method; Allow names those it has.",
            "Adres istnieje, ale nie z tą metodą; dozwolone wymienia Allow.",
        ],
        example: "PUT /api/v1/messages",
        cure: ["Use a method named in Allow.", "Użyj metody wymienionej w Allow."],
    },
    Page {
        code: "request_timeout",
        status: 408,
        smpp: None,
        title: ["Request took too long", "Żądanie trwało za długo"],
        meaning: [
            "The request was not whole, or not done, within the time that one may take.",
            "Żądanie nie dotarło w całości albo nie zostało wykonane w dozwolonym czasie.",
        ],
        example: "A body that comes one octet a second",
        cure: [
            "Send it again with the same Idempotency-Key: it may have been accepted.",
            "Wyślij je ponownie z tym samym Idempotency-Key: mogło zostać przyjęte.",
        ],
    },
    Page {
        code: "body_too_large",
        status: 413,
        smpp: None,
        title: ["Body too large", "Zbyt duża treść"],
        meaning: [
            "The body has more octets than a request may have.",
            "Treść ma więcej oktetów, niż wolno.",
        ],
        example: "A body of 5 MiB",
        cure: ["Send one message in each request.", "Wysyłaj jedną wiadomość w każdym żądaniu."],
    },
    Page {
        code: "unsupported_media_type",
        status: 415,
        smpp: None,
        title: ["Not JSON", "To nie JSON"],
        meaning: [
            "The header Content-Type does not say that the body is JSON.",
            "Nagłówek Content-Type nie mówi, że treść to JSON.",
        ],
        example: "Content-Type: text/plain",
        cure: [
            "Send `Content-Type: application/json`, without compression.",
            "Wyślij `Content-Type: application/json`, bez kompresji.",
        ],
    },
    Page {
        code: "internal",
        status: 500,
        smpp: None,
        title: ["The gateway made a mistake", "Błąd bramki"],
        meaning: [
            "Something went wrong that should not; the operator finds it by the request id.",
            "Stało się coś, co nie powinno; operator znajdzie to po identyfikatorze żądania.",
        ],
        example: "A bug",
        cure: [
            "Tell the operator the `request_id`. Repeat only with the same Idempotency-Key.",
            "Podaj operatorowi `request_id`. Powtarzaj tylko z tym samym Idempotency-Key.",
        ],
    },
    Page {
        code: "unavailable",
        status: 503,
        smpp: Some("ESME_RSYSERR"),
        title: ["Store unavailable", "Magazyn niedostępny"],
        meaning: [
            "The gateway cannot write at the moment, so it accepts nothing.",
            "Bramka nie może teraz zapisywać, więc niczego nie przyjmuje.",
        ],
        example: "The database restarts",
        cure: [
            "Wait for the time in Retry-After and repeat with the same Idempotency-Key: the message may have been accepted.",
            "Odczekaj czas z Retry-After i powtórz z tym samym Idempotency-Key: wiadomość mogła zostać przyjęta.",
        ],
    },
    Page {
        code: "busy",
        status: 503,
        smpp: None,
        title: ["Too many requests at once", "Za dużo żądań naraz"],
        meaning: [
            "As many requests as the gateway works on at once are in progress.",
            "Trwa już tyle żądań, ile bramka obsługuje naraz.",
        ],
        example: "More parallel requests than the limit",
        cure: [
            "Wait a second and repeat with the same Idempotency-Key.",
            "Odczekaj sekundę i powtórz z tym samym Idempotency-Key.",
        ],
    },
];
