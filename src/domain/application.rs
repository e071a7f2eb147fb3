//! What a company asks for, how it is judged and what became of it.
//!
//! The form itself is `application_form`; whose turn it is is `turn`. A decision falls for each
//! area by itself (Q4.3), and never before every criterion has its score (R4.08).
//!
//! What surprises: "overdue" is no state. It is the promise that is late, and an application in
//! any state can have one.

use jiff::civil::Date;

use super::{
    company::{line, paragraphs},
    fields::{BadValue, FieldErrors},
};

/// A closed list whose members have the same word in code, SQL, API and pages.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$why:meta])* $member:ident = $word:literal,)+ })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$why])* $member,)+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$member,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$member => $word,)+ }
            }

            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$member),)+ _ => None }
            }

            /// Every word, for a message that says what would be right.
            pub fn words() -> String {
                Self::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ")
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    )+ };
}
pub(crate) use words;

words! {
    /// Why it was sent (Q4.7).
    Purpose {
        Join = "join",
        /// A partner wants one more area.
        NewArea = "new_area",
        /// An idea for a new service; a company behind it is not needed (R4.20).
        Idea = "idea",
    }

    /// What a partner may do business in: exactly three (R4.02).
    Area {
        SmsMms = "special_sms_mms",
        Wap = "special_wap",
        Number = "special_number",
    }

    /// What an area is judged by (R4.05 to R4.07).
    Criterion {
        Revenue = "revenue",
        MarketingPlan = "marketing_plan",
        Innovation = "innovation",
    }

    ApplicationState {
        /// Being written; only the applicant sees it.
        Draft = "draft",
        Submitted = "submitted",
        InReview = "in_review",
        NeedsInformation = "needs_information",
        Decided = "decided",
        Withdrawn = "withdrawn",
    }

    ApplicationEvent {
        Submit = "submit",
        /// Somebody of the operator begins to read it.
        TakeUp = "take_up",
        Ask = "ask",
        Answer = "answer",
        Decide = "decide",
        Withdraw = "withdraw",
    }

    /// Why an area was declined (Q4.2); the words of a person come beside it.
    DeclineReason {
        RevenueTooLow = "revenue_too_low",
        MarketingPlanWeak = "marketing_plan_weak",
        NotInnovative = "not_innovative",
        DocumentsMissing = "documents_missing",
        NotAllowed = "not_allowed",
        /// Small services go to a named integrator (X4.7).
        BetterWithIntegrator = "better_with_integrator",
        Other = "other",
    }
}

impl ApplicationState {
    /// The state after an event; none if the event is not legal now. Every legal move is here.
    pub fn after(self, event: ApplicationEvent) -> Option<Self> {
        use ApplicationEvent as E;
        Some(match (self, event) {
            (Self::Draft, E::Submit) => Self::Submitted,
            (Self::Submitted, E::TakeUp) | (Self::NeedsInformation, E::Answer) => Self::InReview,
            (Self::InReview, E::Ask) => Self::NeedsInformation,
            (Self::InReview, E::Decide) => Self::Decided,
            (Self::Draft | Self::Submitted | Self::InReview, E::Withdraw) => Self::Withdrawn,
            _ => return None,
        })
    }

    pub fn is_final(self) -> bool {
        matches!(self, Self::Decided | Self::Withdrawn)
    }
}

/// The number by which people call it, like `A-2026-000123`.
pub fn reference(id: i64, made_on: Date) -> String {
    format!("A-{}-{id:06}", made_on.year())
}

/// What one area got for its criteria, 1 (poor) to 5 (excellent); none is not yet scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Scores {
    pub revenue: Option<u8>,
    pub marketing_plan: Option<u8>,
    pub innovation: Option<u8>,
}

impl Scores {
    pub const LEAST: u8 = 1;
    pub const MOST: u8 = 5;

    pub fn of(&self, criterion: Criterion) -> Option<u8> {
        match criterion {
            Criterion::Revenue => self.revenue,
            Criterion::MarketingPlan => self.marketing_plan,
            Criterion::Innovation => self.innovation,
        }
    }

    pub fn set(&mut self, criterion: Criterion, score: u8) -> Result<(), BadValue> {
        if !(Self::LEAST..=Self::MOST).contains(&score) {
            let detail = format!("score {score} is not one; scores are 1 to 5");
            return Err(BadValue::new("score_range", detail).with("value", score.to_string()));
        }
        *match criterion {
            Criterion::Revenue => &mut self.revenue,
            Criterion::MarketingPlan => &mut self.marketing_plan,
            Criterion::Innovation => &mut self.innovation,
        } = Some(score);
        Ok(())
    }

    pub fn unscored(&self) -> impl Iterator<Item = Criterion> + '_ {
        Criterion::ALL.iter().copied().filter(|criterion| self.of(*criterion).is_none())
    }
}

/// What becomes of one area.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Verdict {
    Accepted,
    Declined(Declined),
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Declined {
    pub reason: DeclineReason,
    /// Words for the applicant; needed for the reason `other`.
    pub text: String,
    /// From when on the company may ask again.
    pub reapply_on: Option<Date>,
    /// The integrator that takes small services (X4.7).
    pub refer_to: Option<String>,
}

impl Declined {
    pub fn because(reason: DeclineReason) -> Self {
        Self { reason, text: String::new(), reapply_on: None, refer_to: None }
    }
}

/// One area of an application as the desk sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct JudgedArea {
    pub area: Area,
    pub scores: Scores,
    pub verdict: Option<Verdict>,
}

/// A decision that was checked: every area, each with all of its scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision(Vec<(Area, Verdict)>);

impl Decision {
    /// Checks a decision against what is to be decided. Each area needs all three scores, whether
    /// it is accepted or declined (R4.08), and no area may be left over.
    pub fn check(
        areas: &[JudgedArea],
        verdicts: Vec<(Area, Verdict)>,
        today: Date,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        for judged in areas {
            let field = format!("areas.{}", judged.area.as_str());
            for criterion in judged.scores.unscored() {
                let detail = "has no score; every criterion is scored before the decision";
                errors.push(
                    format!("{field}.scores.{}", criterion.as_str()),
                    BadValue::new("unscored", detail),
                );
            }
            let count = verdicts.iter().filter(|(area, _)| *area == judged.area).count();
            if count != 1 {
                let detail = "needs exactly one decision";
                errors.push(field, BadValue::new("one_decision", detail));
            }
        }
        for (area, verdict) in &verdicts {
            let field = format!("areas.{}", area.as_str());
            if !areas.iter().any(|judged| judged.area == *area) {
                let detail = "was not applied for";
                errors.push(field.clone(), BadValue::new("not_applied_for", detail));
            }
            if let Verdict::Declined(declined) = verdict {
                errors.append(check_declined(&field, declined, today));
            }
        }
        errors.into_result().map(|()| Self(verdicts))
    }

    /// The company becomes a prospect with one accepted area (Q4.3).
    pub fn accepts_any(&self) -> bool {
        self.0.iter().any(|(_, verdict)| *verdict == Verdict::Accepted)
    }

    pub fn verdicts(&self) -> &[(Area, Verdict)] {
        &self.0
    }

    pub fn accepted(&self) -> impl Iterator<Item = Area> + '_ {
        self.0.iter().filter(|(_, verdict)| *verdict == Verdict::Accepted).map(|(area, _)| *area)
    }
}

fn check_declined(field: &str, declined: &Declined, today: Date) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let least = usize::from(declined.reason == DeclineReason::Other);
    errors.keep(&format!("{field}.text"), paragraphs(&declined.text, least, 2000));
    if declined.reapply_on.is_some_and(|day| day <= today) {
        let detail = "must be a day to come";
        errors.push(format!("{field}.reapply_on"), BadValue::new("not_in_future", detail));
    }
    let needed = declined.reason == DeclineReason::BetterWithIntegrator;
    let refer_to = declined.refer_to.as_deref().unwrap_or_default();
    errors.keep(&format!("{field}.refer_to"), line(refer_to, usize::from(needed), 120));
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_moves_are_legal() {
        use ApplicationEvent as E;
        use ApplicationState as S;
        let legal = [
            (S::Draft, E::Submit, S::Submitted),
            (S::Draft, E::Withdraw, S::Withdrawn),
            (S::Submitted, E::TakeUp, S::InReview),
            (S::Submitted, E::Withdraw, S::Withdrawn),
            (S::InReview, E::Ask, S::NeedsInformation),
            (S::InReview, E::Decide, S::Decided),
            (S::InReview, E::Withdraw, S::Withdrawn),
            (S::NeedsInformation, E::Answer, S::InReview),
        ];
        for state in S::ALL {
            for event in E::ALL {
                let listed = legal.iter().find(|(from, by, _)| (from, by) == (state, event));
                let expected = listed.map(|(_, _, to)| *to);
                assert_eq!(state.after(*event), expected, "{state:?} {event:?}");
                assert!(!state.is_final() || expected.is_none());
            }
        }
    }

    #[test]
    fn every_word_reads_back_as_what_it_stands_for() {
        for state in ApplicationState::ALL {
            assert_eq!(ApplicationState::parse(state.as_str()), Some(*state));
        }
        assert_eq!(Area::words(), "special_sms_mms, special_wap, special_number");
        assert_eq!(Area::parse("special"), None);
        assert_eq!(Criterion::ALL.len(), 3);
    }

    fn judged(area: Area, scores: [Option<u8>; 3]) -> JudgedArea {
        let [revenue, marketing_plan, innovation] = scores;
        JudgedArea { area, scores: Scores { revenue, marketing_plan, innovation }, verdict: None }
    }

    fn codes(result: Result<Decision, FieldErrors>) -> Vec<(String, &'static str)> {
        let errors = result.unwrap_err();
        errors.iter().map(|error| (error.field.clone(), error.code)).collect()
    }

    const TODAY: Date = jiff::civil::date(2026, 11, 21);

    #[test]
    fn nothing_is_decided_while_a_criterion_has_no_score() {
        let areas = [judged(Area::Wap, [Some(5), None, Some(1)])];
        for verdict in
            [Verdict::Accepted, Verdict::Declined(Declined::because(DeclineReason::NotInnovative))]
        {
            let found = codes(Decision::check(&areas, vec![(Area::Wap, verdict)], TODAY));
            let field = "areas.special_wap.scores.marketing_plan".to_owned();
            assert_eq!(found, [(field, "unscored")]);
        }
    }

    #[test]
    fn every_area_gets_exactly_one_decision_and_no_other_area_does() {
        let areas = [judged(Area::Wap, [Some(3); 3]), judged(Area::Number, [Some(3); 3])];
        let verdicts = vec![
            (Area::Wap, Verdict::Accepted),
            (Area::Wap, Verdict::Accepted),
            (Area::SmsMms, Verdict::Accepted),
        ];
        let expected = [
            ("areas.special_wap".to_owned(), "one_decision"),
            ("areas.special_number".to_owned(), "one_decision"),
            ("areas.special_sms_mms".to_owned(), "not_applied_for"),
        ];
        assert_eq!(codes(Decision::check(&areas, verdicts, TODAY)), expected);
    }

    #[test]
    fn one_accepted_area_is_enough_to_become_a_prospect() {
        let areas = [judged(Area::Wap, [Some(3); 3]), judged(Area::Number, [Some(1); 3])];
        let no = Verdict::Declined(Declined::because(DeclineReason::RevenueTooLow));
        let verdicts = vec![(Area::Wap, Verdict::Accepted), (Area::Number, no.clone())];
        let decision = Decision::check(&areas, verdicts, TODAY).unwrap();
        assert!(decision.accepts_any());
        assert_eq!(decision.accepted().collect::<Vec<_>>(), [Area::Wap]);
        let verdicts = vec![(Area::Wap, no.clone()), (Area::Number, no)];
        assert!(!Decision::check(&areas, verdicts, TODAY).unwrap().accepts_any());
    }

    #[test]
    fn a_decline_says_what_its_reason_needs() {
        let areas = [judged(Area::Wap, [Some(3); 3])];
        let check = |declined: Declined| {
            Decision::check(&areas, vec![(Area::Wap, Verdict::Declined(declined))], TODAY)
        };
        let other = Declined::because(DeclineReason::Other);
        assert_eq!(codes(check(other)), [("areas.special_wap.text".to_owned(), "missing")]);
        let referred = Declined::because(DeclineReason::BetterWithIntegrator);
        let expected = [("areas.special_wap.refer_to".to_owned(), "missing")];
        assert_eq!(codes(check(referred.clone())), expected);
        assert!(check(Declined { refer_to: Some("Integrator S.A.".into()), ..referred }).is_ok());
        let early =
            Declined { reapply_on: Some(TODAY), ..Declined::because(DeclineReason::NotInnovative) };
        let expected = [("areas.special_wap.reapply_on".to_owned(), "not_in_future")];
        assert_eq!(codes(check(early)), expected);
    }

    #[test]
    fn a_score_is_one_to_five() {
        let mut scores = Scores::default();
        assert_eq!(scores.set(Criterion::Revenue, 0).unwrap_err().code, "score_range");
        assert_eq!(scores.set(Criterion::Revenue, 6).unwrap_err().code, "score_range");
        scores.set(Criterion::Revenue, 5).unwrap();
        assert_eq!(scores.unscored().count(), 2);
    }

    #[test]
    fn a_reference_holds_the_year_and_the_number() {
        assert_eq!(reference(123, TODAY), "A-2026-000123");
        assert_eq!(reference(1_234_567, TODAY), "A-2026-1234567");
    }
}
