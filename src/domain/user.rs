//! People: the operator's staff, a partner's administrator and its staff, and the life of an
//! account.
//!
//! It knows no password and no session. The surprise: a role alone does not say whose side it is
//! on in the store, where both sides have an `admin`; [`Role::parse`] asks for the side.

/// A person who logs in to the portal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct UserId(pub i64);

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "person:{}", self.0)
    }
}

/// What somebody is, on one of the two sides (S-22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    PartnerAdmin,
    PartnerDeveloper,
    PartnerFinance,
    PartnerViewer,
    OperatorSupport,
    OperatorProvisioning,
    OperatorFinance,
    OperatorAuditor,
    OperatorAdmin,
}

impl Role {
    pub const ALL: [Self; 9] = [
        Self::PartnerAdmin,
        Self::PartnerDeveloper,
        Self::PartnerFinance,
        Self::PartnerViewer,
        Self::OperatorSupport,
        Self::OperatorProvisioning,
        Self::OperatorFinance,
        Self::OperatorAuditor,
        Self::OperatorAdmin,
    ];

    /// The word in the store, in the API and on the command line; the side is not part of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PartnerAdmin | Self::OperatorAdmin => "admin",
            Self::PartnerDeveloper => "developer",
            Self::PartnerFinance | Self::OperatorFinance => "finance",
            Self::PartnerViewer => "viewer",
            Self::OperatorSupport => "support",
            Self::OperatorProvisioning => "provisioning",
            Self::OperatorAuditor => "auditor",
        }
    }

    pub fn is_operator(self) -> bool {
        matches!(
            self,
            Self::OperatorSupport
                | Self::OperatorProvisioning
                | Self::OperatorFinance
                | Self::OperatorAuditor
                | Self::OperatorAdmin
        )
    }

    pub fn is_admin(self) -> bool {
        matches!(self, Self::PartnerAdmin | Self::OperatorAdmin)
    }

    /// The role of that word on one side; none if that side has no such role.
    pub fn parse(is_operator: bool, word: &str) -> Option<Self> {
        let mut roles = Self::ALL.into_iter();
        roles.find(|role| role.is_operator() == is_operator && role.as_str() == word)
    }

    /// The words of one side, for messages and forms.
    pub fn words(is_operator: bool) -> Vec<&'static str> {
        let roles = Self::ALL.into_iter().filter(|role| role.is_operator() == is_operator);
        roles.map(Self::as_str).collect()
    }
}

/// The life of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonState {
    /// A link was mailed; there is no password or no second factor yet.
    Invited,
    Active,
    /// Kept out for a while by an administrator. Guessing never does this (S-05).
    Locked,
    Disabled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonEvent {
    /// Password and second factor are set.
    Enrolled,
    Locked,
    Unlocked,
    Disabled,
    /// Lets in somebody again who had enrolled before.
    Enabled,
    /// Sends a new invitation to somebody who never enrolled.
    Invited,
}

impl PersonState {
    pub const ALL: [Self; 4] = [Self::Invited, Self::Active, Self::Locked, Self::Disabled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Every legal move; none for all others.
    pub fn after(self, event: PersonEvent) -> Option<Self> {
        use PersonEvent as E;
        match (self, event) {
            (Self::Invited, E::Enrolled)
            | (Self::Locked, E::Unlocked)
            | (Self::Disabled, E::Enabled) => Some(Self::Active),
            (Self::Active, E::Locked) => Some(Self::Locked),
            (Self::Invited | Self::Active | Self::Locked, E::Disabled) => Some(Self::Disabled),
            (Self::Invited | Self::Disabled, E::Invited) => Some(Self::Invited),
            _ => None,
        }
    }
}

impl PersonEvent {
    pub const ALL: [Self; 6] = [
        Self::Enrolled,
        Self::Locked,
        Self::Unlocked,
        Self::Disabled,
        Self::Enabled,
        Self::Invited,
    ];

    /// The word in the audit trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enrolled => "person.enrol",
            Self::Locked => "person.lock",
            Self::Unlocked => "person.unlock",
            Self::Disabled => "person.disable",
            Self::Enabled => "person.enable",
            Self::Invited => "person.invite",
        }
    }
}

/// The longest mail address. [RFC 5321 s4.5.3.1.3]
pub const MAIL_OCTETS_MAX: usize = 254;

/// A mail address as it is kept: lower case, one `@`, no spaces. None if it cannot be one.
///
/// It is not a full RFC 5322 parser on purpose: quoted local parts exist only to hurt.
pub fn mail_address(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > MAIL_OCTETS_MAX {
        return None;
    }
    let (local, domain) = text.split_once('@')?;
    let is_word = |word: &str, more: &[u8]| {
        !word.is_empty()
            && !word.starts_with('.')
            && !word.ends_with('.')
            && !word.contains("..")
            && word.bytes().all(|octet| octet.is_ascii_alphanumeric() || more.contains(&octet))
    };
    let is_good = local.len() <= 64
        && is_word(local, b".!#$%&'*+-/=?^_`{|}~")
        && is_word(domain, b".-")
        && domain.contains('.');
    is_good.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_lives_as_this_table_says() {
        let mut table = String::new();
        for state in PersonState::ALL {
            for event in PersonEvent::ALL {
                if let Some(next) = state.after(event) {
                    let row = [state.as_str(), event.as_str(), next.as_str()];
                    table.push_str(&row.join(" "));
                    table.push('\n');
                }
            }
        }
        let expected = "invited person.enrol active\n\
                        invited person.disable disabled\n\
                        invited person.invite invited\n\
                        active person.lock locked\n\
                        active person.disable disabled\n\
                        locked person.unlock active\n\
                        locked person.disable disabled\n\
                        disabled person.enable active\n\
                        disabled person.invite invited\n";
        assert_eq!(table, expected);
    }

    #[test]
    fn the_words_of_roles_and_states_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.is_operator(), role.as_str()), Some(role));
        }
        assert_eq!(Role::parse(true, "developer"), None, "that is a partner's role");
        assert_eq!(Role::parse(false, "auditor"), None);
        for state in PersonState::ALL {
            assert_eq!(PersonState::parse(state.as_str()), Some(state));
        }
    }

    #[test]
    fn a_mail_address_is_kept_in_lower_case_or_refused() {
        for (text, kept) in [
            ("Anna.Nowak@Example.PL", Some("anna.nowak@example.pl")),
            (" o'neil+x@a.example ", Some("o'neil+x@a.example")),
            ("anna@localhost", None),
            ("anna", None),
            ("@example.pl", None),
            ("a@b@example.pl", None),
            ("a b@example.pl", None),
            ("a..b@example.pl", None),
            ("anna@example.pl\r\nBcc: x@y.pl", None),
            ("\u{105}@example.pl", None),
        ] {
            assert_eq!(mail_address(text).as_deref(), kept, "{text}");
        }
        assert_eq!(mail_address(&format!("{}@example.pl", "a".repeat(65))), None);
    }
}
