//! Who may do what: one table for both sides, everything else is no (S-22).
//!
//! It does not know whose thing it is: a right says that a role may do such things at all, and the
//! verb sees to it that a partner's person only reaches the partner's own (S-20). The surprise:
//! seeing is a right as well, so that a bank account or a text stays hidden from most (S-23).

use super::user::Role;

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $word:literal),* $(,)?) => {
        /// One thing that a role may do or see.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Right { $($(#[$doc])* $name),* }

        impl Right {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in the API, in the matrix and in the log.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }
        }
    };
}

impl Right {
    /// Writing on a fault or a complaint: a partner files, the staff works.
    pub fn on_tickets(is_partner: bool) -> Self {
        if is_partner { Self::FileTickets } else { Self::WorkTickets }
    }

    /// The same of an order.
    pub fn on_orders(is_partner: bool) -> Self {
        if is_partner { Self::FileOrders } else { Self::WorkOrders }
    }

    /// It changes nothing.
    pub fn is_reading(self) -> bool {
        self.as_str().starts_with("see_")
    }
}

rights! {
    SeeApplications = "see_applications",
    /// Take one up, ask for more information.
    ReviewApplications = "review_applications",
    DecideApplications = "decide_applications",
    /// A partner files an idea or asks for a new area.
    FileApplications = "file_applications",
    SeeAgreements = "see_agreements",
    PrepareAgreements = "prepare_agreements",
    SendAgreements = "send_agreements",
    /// The partner returns its signed copy, or rejects.
    SignAgreements = "sign_agreements",
    CountersignAgreements = "countersign_agreements",
    TerminateAgreements = "terminate_agreements",
    PublishTerms = "publish_terms",
    SeeCompany = "see_company",
    EditCompany = "edit_company",
    /// The account number in full.
    SeeBank = "see_bank",
    EditBank = "edit_bank",
    /// A second person of the operator confirms a changed account (S-25).
    ApproveBank = "approve_bank",
    /// Suspend, resume, close a partner; change its level.
    ManagePartners = "manage_partners",
    SeePeople = "see_people",
    ManagePeople = "manage_people",
    /// Names and limits of SMPP accounts and API keys; never a secret.
    SeeCredentials = "see_credentials",
    ManageCredentials = "manage_credentials",
    SeeNumbers = "see_numbers",
    ReserveNumbers = "reserve_numbers",
    ApproveNumbers = "approve_numbers",
    SeeServices = "see_services",
    EditServices = "edit_services",
    ApproveServices = "approve_services",
    SeeOrders = "see_orders",
    FileOrders = "file_orders",
    WorkOrders = "work_orders",
    SeeTickets = "see_tickets",
    FileTickets = "file_tickets",
    WorkTickets = "work_tickets",
    SeeSpecifications = "see_specifications",
    /// Publish and withdraw those that are the operator's own.
    PublishSpecifications = "publish_specifications",
    /// Decide about a subscriber's complaint, and give charges back.
    DecideComplaints = "decide_complaints",
    SeeTraffic = "see_traffic",
    /// A subscriber's number in full.
    SeeFullNumbers = "see_full_numbers",
    /// The text of a message.
    SeeTexts = "see_texts",
    /// A callback is given once more what it took.
    RedeliverMessages = "redeliver_messages",
    /// End a bind, take a link down or up.
    ManageBinds = "manage_binds",
    ReleaseUnknown = "release_unknown",
    SeeMoney = "see_money",
    EditTariffs = "edit_tariffs",
    ApproveSettlement = "approve_settlement",
    SeeMail = "see_mail",
    ResendMail = "resend_mail",
    SeeAudit = "see_audit",
    /// Templates of letters and documents, the calendar, deadlines.
    EditSettings = "edit_settings",
    /// Look at the portal as a partner sees it; read only (S-27).
    ViewAsPartner = "view_as_partner",
    EraseData = "erase_data",
}

/// Whether a role has a right. What is not written here is no.
#[expect(clippy::match_same_arms, reason = "read by subject, not by who has the same rights")]
pub fn allows(role: Role, right: Right) -> bool {
    use Right as R;
    use Role::{
        OperatorAdmin as OA, OperatorAuditor as OAud, OperatorFinance as OF,
        OperatorProvisioning as OP, OperatorSupport as OS, PartnerAdmin as PA,
        PartnerDeveloper as PD, PartnerFinance as PF, PartnerViewer as PV,
    };
    let roles: &[Role] = match right {
        R::SeeApplications => &[PA, PD, PF, PV, OS, OP, OF, OAud, OA],
        R::ReviewApplications | R::DecideApplications => &[OP, OA],
        R::FileApplications => &[PA],
        R::SeeAgreements => &[PA, PF, OS, OP, OF, OAud, OA],
        R::PrepareAgreements | R::SendAgreements => &[OP, OA],
        R::SignAgreements => &[PA],
        R::CountersignAgreements
        | R::TerminateAgreements
        | R::PublishTerms
        | R::ManagePartners
        | R::EraseData
        | R::EditSettings => &[OA],
        R::SeeCompany => &[PA, PD, PF, PV, OS, OP, OF, OAud, OA],
        R::EditCompany => &[PA, OP, OA],
        R::SeeBank => &[PA, PF, OF, OA],
        R::EditBank => &[PA, PF],
        R::ApproveBank => &[OF, OA],
        R::SeePeople => &[PA, OS, OP, OAud, OA],
        R::ManagePeople => &[PA, OA],
        R::SeeCredentials => &[PA, PD, OS, OP, OAud, OA],
        R::ManageCredentials => &[PA, PD, OP, OA],
        R::SeeNumbers | R::SeeServices | R::SeeOrders | R::SeeTickets | R::SeeSpecifications => {
            &[PA, PD, PF, PV, OS, OP, OF, OAud, OA]
        }
        R::ReserveNumbers | R::EditServices => &[PA, PD],
        R::ApproveNumbers | R::ApproveServices | R::WorkOrders | R::PublishSpecifications => {
            &[OP, OA]
        }
        R::FileOrders => &[PA, PD],
        R::FileTickets => &[PA, PD, PF, OS],
        R::WorkTickets => &[OS, OP, OA],
        R::DecideComplaints => &[OS, OA],
        R::SeeTraffic => &[PA, PD, PV, OS, OP, OAud, OA],
        R::SeeFullNumbers => &[PA, PD, OS, OA],
        R::SeeTexts => &[PA, PD, OS],
        R::RedeliverMessages => &[PA, PD, OS, OA],
        R::ManageBinds | R::ReleaseUnknown => &[OS, OA],
        R::SeeMoney => &[PA, PF, OF, OAud, OA],
        R::EditTariffs | R::ApproveSettlement => &[OF, OA],
        R::SeeMail => &[OS, OP, OAud, OA],
        R::ResendMail => &[OS, OP, OA],
        R::SeeAudit => &[OAud, OA],
        R::ViewAsPartner => &[OS, OA],
    };
    roles.contains(&role)
}

/// The lowest level of a partner from which its people have a right. Every level has all of them
/// today; the programme of levels raises single rights here.
pub fn least_level(_right: Right) -> i64 {
    0
}

/// What must be confirmed with a fresh code (S-10).
pub fn needs_step_up(right: Right) -> bool {
    matches!(
        right,
        Right::EditBank
            | Right::ApproveBank
            | Right::ManageCredentials
            | Right::ManagePeople
            | Right::ReleaseUnknown
            | Right::ApproveSettlement
            | Right::EraseData
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reviewed whenever it changes: rows are rights, columns are roles in the order of
    /// `Role::ALL` (partner admin, developer, finance, viewer; operator support, provisioning,
    /// finance, auditor, admin).
    const MATRIX: &str = "\
see_applications        xxxx xxxxx
review_applications     ---- -x--x
decide_applications     ---- -x--x
file_applications       x--- -----
see_agreements          x-x- xxxxx
prepare_agreements      ---- -x--x
send_agreements         ---- -x--x
sign_agreements         x--- -----
countersign_agreements  ---- ----x
terminate_agreements    ---- ----x
publish_terms           ---- ----x
see_company             xxxx xxxxx
edit_company            x--- -x--x
see_bank                x-x- --x-x
edit_bank               x-x- -----
approve_bank            ---- --x-x
manage_partners         ---- ----x
see_people              x--- xx-xx
manage_people           x--- ----x
see_credentials         xx-- xx-xx
manage_credentials      xx-- -x--x
see_numbers             xxxx xxxxx
reserve_numbers         xx-- -----
approve_numbers         ---- -x--x
see_services            xxxx xxxxx
edit_services           xx-- -----
approve_services        ---- -x--x
see_orders              xxxx xxxxx
file_orders             xx-- -----
work_orders             ---- -x--x
see_tickets             xxxx xxxxx
file_tickets            xxx- x----
work_tickets            ---- xx--x
see_specifications      xxxx xxxxx
publish_specifications  ---- -x--x
decide_complaints       ---- x---x
see_traffic             xx-x xx-xx
see_full_numbers        xx-- x---x
see_texts               xx-- x----
redeliver_messages      xx-- x---x
manage_binds            ---- x---x
release_unknown         ---- x---x
see_money               x-x- --xxx
edit_tariffs            ---- --x-x
approve_settlement      ---- --x-x
see_mail                ---- xx-xx
resend_mail             ---- xx--x
see_audit               ---- ---xx
edit_settings           ---- ----x
view_as_partner         ---- x---x
erase_data              ---- ----x
";

    #[test]
    fn each_role_may_do_what_this_table_says_and_nothing_else() {
        let mut table = String::new();
        for right in Right::ALL {
            let word = right.as_str();
            table.push_str(word);
            table.push_str(&" ".repeat(24 - word.len()));
            for (place, role) in Role::ALL.into_iter().enumerate() {
                if place == 4 {
                    table.push(' ');
                }
                table.push(if allows(role, *right) { 'x' } else { '-' });
            }
            table.push('\n');
        }
        assert_eq!(table, MATRIX);
    }

    #[test]
    fn the_auditor_changes_nothing() {
        for right in Right::ALL {
            if allows(Role::OperatorAuditor, *right) {
                assert!(right.as_str().starts_with("see_"), "{right:?}");
            }
        }
    }
}
