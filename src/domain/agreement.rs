//! Agreements: their life from a draft to the end, step by step, and whose turn it is.
//!
//! What a kind of agreement asks for is data (`agreement_kind`); which steps exist is code, and no
//! file can add one or leave one out. What surprises: a kind that only the partner signs is in
//! force with the partner's signature, without a step of the operator (R4.11).

/// Words of an enum in the store, the API and the files.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$about])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                Self::parse(&word).ok_or_else(|| {
                    let known = [$($word),+].join(", ");
                    serde::de::Error::custom(format!("`{word}` is none of {known}"))
                })
            }
        }
    };
}

pub(crate) use words;

words! {
    /// One of the two who agree.
    Side { Partner = "partner", Operator = "operator" }
}

words! {
    /// How a signed copy comes back (Q4.5).
    ReturnWay {
        Paper = "paper",
        Upload = "upload",
        QualifiedSignature = "qualified_signature",
    }
}

words! {
    AgreementState {
        Draft = "draft",
        Sent = "sent",
        SignedByPartner = "signed_by_partner",
        InForce = "in_force",
        Suspended = "suspended",
        Terminated = "terminated",
        Expired = "expired",
        /// A newer agreement of its kind came into force.
        Superseded = "superseded",
        /// It never came back.
        Lapsed = "lapsed",
        Declined = "declined",
    }
}

words! {
    /// What can happen to an agreement.
    AgreementEvent {
        Send = "send",
        /// The partner's copy came back, and another signature or a look at it is wanted.
        Sign = "sign",
        /// The partner's copy came back, and nothing else is wanted.
        SignLast = "sign_last",
        Countersign = "countersign",
        /// The copy is not what was sent, or not signed: the partner sends another one.
        RejectCopy = "reject_copy",
        Decline = "decline",
        Lapse = "lapse",
        Suspend = "suspend",
        Resume = "resume",
        Terminate = "terminate",
        Expire = "expire",
        Supersede = "supersede",
    }
}

impl AgreementState {
    /// Where an event leads; none if it is no legal step from here.
    pub fn after(self, event: AgreementEvent) -> Option<Self> {
        use AgreementEvent as E;
        Some(match (self, event) {
            (Self::Draft, E::Send) | (Self::SignedByPartner, E::RejectCopy) => Self::Sent,
            (Self::Sent, E::Sign) => Self::SignedByPartner,
            (Self::Sent, E::SignLast)
            | (Self::SignedByPartner, E::Countersign)
            | (Self::Suspended, E::Resume) => Self::InForce,
            (Self::Sent, E::Decline) => Self::Declined,
            (Self::Sent, E::Lapse) => Self::Lapsed,
            (Self::InForce, E::Suspend) => Self::Suspended,
            (Self::InForce, E::Terminate) => Self::Terminated,
            (Self::InForce, E::Expire) => Self::Expired,
            (Self::InForce, E::Supersede) => Self::Superseded,
            _ => return None,
        })
    }

    /// Only in force while what it builds on is: the guard of these steps (B.4 rule 4).
    pub fn needs_prerequisites(event: AgreementEvent) -> bool {
        use AgreementEvent as E;
        matches!(event, E::Send | E::SignLast | E::Countersign | E::Resume)
    }

    /// Prepared and neither in force nor over.
    pub fn is_on_its_way(self) -> bool {
        matches!(self, Self::Draft | Self::Sent | Self::SignedByPartner)
    }

    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Terminated | Self::Expired | Self::Superseded | Self::Lapsed | Self::Declined
        )
    }

    /// Who must act; none if nobody must (D13). `has_replied`: the operator's reply is complete.
    pub fn turn(self, has_replied: bool) -> Option<Side> {
        match self {
            Self::Draft | Self::SignedByPartner => Some(Side::Operator),
            Self::Sent => Some(Side::Partner),
            Self::InForce if !has_replied => Some(Side::Operator),
            _ => None,
        }
    }

    /// The word in the TMF651 view: camelCase, as the other APIs of that family have it.
    pub fn tmf_status(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sent => "sent",
            Self::SignedByPartner => "partnerSigned",
            Self::InForce => "inForce",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Lapsed => "lapsed",
            Self::Declined => "rejected",
        }
    }
}

/// The number of an agreement: its series, the year of its preparation, its place in both.
pub fn number(series: &str, year: i16, ordinal: i64) -> String {
    format!("{series}/{year}/{ordinal:04}")
}

/// The number of a partner, given when its framework agreement comes into force (INP).
pub fn partner_number(ordinal: i64) -> String {
    format!("P-{ordinal:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every legal step [B.3]; everything that is not here is no step.
    const STEPS: &[(&str, &str, &str)] = &[
        ("draft", "send", "sent"),
        ("sent", "sign", "signed_by_partner"),
        ("sent", "sign_last", "in_force"),
        ("sent", "decline", "declined"),
        ("sent", "lapse", "lapsed"),
        ("signed_by_partner", "countersign", "in_force"),
        ("signed_by_partner", "reject_copy", "sent"),
        ("in_force", "suspend", "suspended"),
        ("suspended", "resume", "in_force"),
        ("in_force", "terminate", "terminated"),
        ("in_force", "expire", "expired"),
        ("in_force", "supersede", "superseded"),
    ];

    #[test]
    fn an_agreement_takes_exactly_the_listed_steps() {
        let mut taken = 0;
        for &state in AgreementState::ALL {
            for &event in AgreementEvent::ALL {
                let listed = STEPS
                    .iter()
                    .find(|(from, what, _)| (*from, *what) == (state.as_str(), event.as_str()));
                let to = state.after(event).map(AgreementState::as_str);
                assert_eq!(to, listed.map(|(.., to)| *to), "{state} {event}");
                taken += usize::from(to.is_some());
            }
        }
        assert_eq!(taken, STEPS.len());
    }

    #[test]
    fn nothing_leads_out_of_an_agreement_that_is_over() {
        for &state in AgreementState::ALL {
            let leads_on = AgreementEvent::ALL.iter().any(|event| state.after(*event).is_some());
            assert_eq!(leads_on, !state.is_over(), "{state}");
        }
    }

    #[test]
    fn every_way_into_force_asks_for_the_prerequisites_and_no_way_out_does() {
        for &event in AgreementEvent::ALL {
            let enters = AgreementState::ALL
                .iter()
                .any(|state| state.after(event) == Some(AgreementState::InForce));
            let sends = event == AgreementEvent::Send;
            assert_eq!(AgreementState::needs_prerequisites(event), enters || sends, "{event}");
        }
    }

    #[test]
    fn it_is_the_turn_of_who_can_take_the_next_step() {
        use AgreementState as S;
        assert_eq!(S::Draft.turn(true), Some(Side::Operator));
        assert_eq!(S::Sent.turn(true), Some(Side::Partner));
        assert_eq!(S::SignedByPartner.turn(true), Some(Side::Operator));
        assert_eq!(S::InForce.turn(false), Some(Side::Operator), "the reply is not whole");
        assert_eq!(S::InForce.turn(true), None);
        for &state in S::ALL {
            assert!(!state.is_over() || state.turn(false).is_none(), "{state}");
        }
    }

    #[test]
    fn words_are_read_back_as_what_they_were_written_from() {
        for &state in AgreementState::ALL {
            assert_eq!(AgreementState::parse(state.as_str()), Some(state));
        }
        assert_eq!(AgreementState::parse("countersigned"), None);
        let side: Result<Side, _> = serde_json::from_str("\"nobody\"");
        assert!(side.unwrap_err().to_string().contains("partner, operator"));
    }

    #[test]
    fn numbers_have_four_and_six_digits_and_grow_beyond() {
        assert_eq!(number("NDA", 2026, 7), "NDA/2026/0007");
        assert_eq!(number("NDA", 2026, 12_345), "NDA/2026/12345");
        assert_eq!(partner_number(123), "P-000123");
    }
}
