//! The texts of the problems that people meet: rights, versions, log-in. As data.
//!
//! The surprise: a wrong mail address, password and code share one page, as they share one
//! answer.

use super::Page;

/// What the partnership says no to; each code is that of a `Refusal`.
pub(super) const PARTNERSHIP: &[Page] = &[
    Page {
        code: "not_allowed",
        status: 403,
        smpp: None,
        title: ["Not allowed", "Brak uprawnień"],
        meaning: [
            "Your role does not have the right to do or see this.",
            "Twoja rola nie ma prawa tego zrobić ani zobaczyć.",
        ],
        example: "A viewer invites somebody",
        cure: [
            "Ask an administrator of your company; `rights` in `GET /api/v1/me` shows what you may do.",
            "Poproś administratora swojej firmy; `rights` w `GET /api/v1/me` pokazuje, co Ci wolno.",
        ],
    },
    Page {
        code: "step_up_needed",
        status: 403,
        smpp: None,
        title: ["Fresh code needed", "Potrzebny świeży kod"],
        meaning: [
            "This is sensitive and opens only for some minutes after a code of your second factor.",
            "To czynność wrażliwa, dostępna tylko przez kilka minut po podaniu kodu drugiego składnika.",
        ],
        example: "A new API key an hour after the log-in",
        cure: [
            "Send a fresh code to `POST /api/v1/session/step-up` and go on with the token of its answer.",
            "Wyślij świeży kod do `POST /api/v1/session/step-up` i dalej używaj tokenu z odpowiedzi.",
        ],
    },
    Page {
        code: "view_only",
        status: 403,
        smpp: None,
        title: ["You only look", "Tylko podgląd"],
        meaning: [
            "You look at the portal as a partner sees it. Nothing can be changed meanwhile.",
            "Oglądasz portal tak, jak widzi go partner. W tym czasie niczego nie można zmienić.",
        ],
        example: "Support looks as a partner and sends a form",
        cure: [
            "End the view with the button at the top of each page, or wait until it ends by itself.",
            "Zakończ podgląd przyciskiem u góry strony albo poczekaj, aż skończy się sam.",
        ],
    },
    Page {
        code: "wrong_state",
        status: 409,
        smpp: None,
        title: ["Not in this state", "Nie w tym stanie"],
        meaning: [
            "The step is not possible from where the thing is now; `detail` says where that is.",
            "Tego kroku nie da się wykonać w obecnym stanie; `detail` mówi, jaki on jest.",
        ],
        example: "Disabling the last administrator",
        cure: [
            "Look at the thing again; its page shows which steps are possible.",
            "Sprawdź stan jeszcze raz; strona pokazuje możliwe kroki.",
        ],
    },
    Page {
        code: "version_conflict",
        status: 412,
        smpp: None,
        title: ["Changed in between", "Zmienione w międzyczasie"],
        meaning: [
            "Somebody changed the same thing after you read it; nothing was written.",
            "Ktoś zmienił to samo po Twoim odczycie; nic nie zapisano.",
        ],
        example: "If-Match: \"3\", while the version is 4",
        cure: [
            "Read it again, look at what is new, and repeat the change with the new ETag.",
            "Odczytaj ponownie, sprawdź, co się zmieniło, i powtórz zmianę z nowym ETag.",
        ],
    },
    Page {
        code: "unknown_id",
        status: 404,
        smpp: None,
        title: ["Unknown", "Nieznane"],
        meaning: [
            "There is nothing of yours under this number or name.",
            "Pod tym numerem ani nazwą nie ma nic Twojego.",
        ],
        example: "GET /api/v1/people/999",
        cure: ["Take the number from the list.", "Weź numer z listy."],
    },
    Page {
        code: "quota_reached",
        status: 409,
        smpp: None,
        title: ["Quota used up", "Limit wykorzystany"],
        meaning: [
            "Your company has reserved or ordered as much of this class as it may at a time.",
            "Państwa firma zarezerwowała lub zamówiła już tyle numerów tej klasy, ile może naraz.",
        ],
        example: "The eleventh premium number while ten are reserved",
        cure: [
            "Give up what you do not need, wait for an activation, or ask the operator for more.",
            "Zrezygnuj z tego, co niepotrzebne, poczekaj na aktywację albo poproś operatora o więcej.",
        ],
    },
    Page {
        code: "taken",
        status: 409,
        smpp: None,
        title: ["Taken already", "Już zajęte"],
        meaning: [
            "Somebody else has this name or address.",
            "Ktoś inny ma już tę nazwę albo ten adres.",
        ],
        example: "Inviting a mail address that has an account",
        cure: ["Choose another one.", "Wybierz inną."],
    },
    Page {
        code: "wrong_log_in",
        status: 401,
        smpp: None,
        title: ["Log-in failed", "Logowanie nieudane"],
        meaning: [
            "Mail address, password or code is wrong, the code was used before, or the account is not open. Which of them is not said.",
            "Adres, hasło albo kod jest błędny, kod był już użyty albo konto jest zamknięte. Nie mówimy, co z tego.",
        ],
        example: "A code that was typed twice",
        cure: [
            "Wait for the next code and try again; a forgotten password is set anew by mail.",
            "Poczekaj na następny kod i spróbuj ponownie; zapomniane hasło ustawisz na nowo pocztą.",
        ],
    },
    Page {
        code: "too_many_tries",
        status: 429,
        smpp: None,
        title: ["Too many wrong tries", "Za dużo błędnych prób"],
        meaning: [
            "The account or your address had too many wrong tries; each further one waits longer, a quarter of an hour at most.",
            "Na koncie albo z Twojego adresu było za dużo błędnych prób; każda następna czeka dłużej, najwyżej kwadrans.",
        ],
        example: "The sixth wrong password",
        cure: [
            "Try again after the time in Retry-After.",
            "Spróbuj ponownie po czasie podanym w Retry-After.",
        ],
    },
    Page {
        code: "link_invalid",
        status: 410,
        smpp: None,
        title: ["Link no longer valid", "Odnośnik nieważny"],
        meaning: [
            "The link was used, is too old, or a newer one was sent.",
            "Odnośnik był użyty, jest za stary albo wysłano nowszy.",
        ],
        example: "An invitation after eight days",
        cure: [
            "Ask for a new one: the administrator sends an invitation again, `/reset` a new password.",
            "Poproś o nowy: zaproszenie wysyła administrator, nowe hasło ustawisz przez `/reset`.",
        ],
    },
];
