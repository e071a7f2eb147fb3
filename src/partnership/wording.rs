//! Reasons of a decline as sentences of a letter, in the applicant's language.
//!
//! It is not a template: which reasons there are is a list of the code, and a reason without its
//! sentence must not compile.

use crate::domain::application::{DeclineReason, Declined};

/// The reason, the words of the desk, and the integrator that may help instead.
pub(super) fn declined(declined: &Declined, language: &str) -> String {
    let [polish, english] = sentence(declined.reason);
    let is_english = language == "en";
    let mut text = if is_english { english } else { polish }.to_owned();
    if !declined.text.is_empty() {
        text.push('\n');
        text.push_str(&declined.text);
    }
    if let Some(integrator) = &declined.refer_to {
        text.push('\n');
        text.push_str(if is_english { "Please turn to " } else { "Prosimy zwrócić się do: " });
        text.push_str(integrator);
        text.push('.');
    }
    text
}

fn sentence(reason: DeclineReason) -> [&'static str; 2] {
    match reason {
        DeclineReason::RevenueTooLow => {
            ["Planowany przychód jest zbyt niski.", "The planned revenue is too low."]
        }
        DeclineReason::MarketingPlanWeak => {
            ["Plan marketingowy nie jest wystarczający.", "The marketing plan is not sufficient."]
        }
        DeclineReason::NotInnovative => {
            ["Usługa nie jest wystarczająco nowa.", "The service is not new enough."]
        }
        DeclineReason::DocumentsMissing => {
            ["Brakuje wymaganych dokumentów.", "Required documents are missing."]
        }
        DeclineReason::NotAllowed => [
            "Takiej usługi nie oferujemy ze względu na przepisy lub nasze zasady.",
            "We do not offer such a service because of the law or our rules.",
        ],
        DeclineReason::BetterWithIntegrator => [
            "Usługę tej wielkości lepiej poprowadzi integrator.",
            "An integrator is a better home for a service of this size.",
        ],
        DeclineReason::Other => ["Nie możemy przyjąć zgłoszenia.", "We cannot accept it."],
    }
}
