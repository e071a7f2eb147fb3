//! Stories of the library: published, read, looked at, changed, withdrawn; on both engines.

use super::{
    agree_tests::{World, refused, world},
    *,
};
use crate::{
    documents::{Language, Texts, Values, specification::SHIPPED},
    domain::{PartnerId, Refusal, Right, Role, UserId, application::Area},
};

fn staff() -> Signed {
    Signed { person: UserId(3), ..Signed::try_out(Role::OperatorProvisioning, None) }
}

fn of(partner: i64, level: i64) -> Signed {
    let person = UserId(100 + partner);
    Signed { person, level, ..Signed::try_out(Role::PartnerDeveloper, Some(PartnerId(partner))) }
}

fn wish() -> SpecificationWish {
    let pair = |pl: &str, en: &str| [pl.to_owned(), en.to_owned()];
    SpecificationWish {
        name: "voice".to_owned(),
        area: Some(Area::Number),
        label: "1.0".to_owned(),
        title: pair("Numery głosowe", "Voice numbers"),
        text: pair("## Numery\n\nTak.", ""),
        ..SpecificationWish::default()
    }
}

impl World {
    /// What somebody sees of the operator's own library: names, and whether they were looked at.
    async fn library(&self, signed: &Signed) -> Vec<(String, Seen)> {
        let all = self.verbs.specifications(signed).await.unwrap();
        let own = all.into_iter().filter(|line| line.published_at.is_some());
        own.map(|line| (line.name, line.seen)).collect()
    }

    async fn publish(&self, wish: &SpecificationWish) -> Specification {
        self.verbs.publish_specification(&staff(), wish).await.unwrap().unwrap();
        let at = (wish.name.as_str(), None);
        self.verbs.specification(&staff(), at, Language::Polish).await.unwrap().line
    }
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = world(on_postgres).await;
                $body
                let chain = $world.verbs.store.verify_audit().await.unwrap();
                assert!(chain.is_ok(), "{chain:?}");
            }
        }
    };
}

on_both!(what_was_published_is_new_then_looked_at_then_changed_since, world => {
    let own = |seen| vec![("voice".to_owned(), seen)];
    let first = world.publish(&wish()).await;
    let (jan, ewa) = (of(1, 0), of(2, 0));
    assert_eq!(world.library(&jan).await, own(Seen::Never));
    world.verbs.look_at_specification(&jan, "voice").await.unwrap();
    assert_eq!(world.library(&jan).await, own(Seen::Now));
    assert_eq!(world.library(&ewa).await, own(Seen::Never), "each person for herself");

    let next = SpecificationWish {
        label: "1.1".to_owned(),
        version: first.version,
        news: ["Nowy zakres".to_owned(), String::new()],
        text: ["## Numery\n\nNie.".to_owned(), "## Numbers\n\nNo.".to_owned()],
        ..wish()
    };
    world.publish(&next).await;
    assert_eq!(world.library(&jan).await, own(Seen::Before));
    let at = |number| ("voice", number);
    let now = world.verbs.specification(&jan, at(None), Language::English).await.unwrap();
    assert_eq!((now.number, now.text.as_str(), now.line.label.as_str()), (2, "## Numbers\n\nNo.", "1.1"));
    assert_eq!(now.editions[0].news_en, "Nowy zakres", "an empty English text is the Polish one");
    let then = world.verbs.specification(&jan, at(Some(1)), Language::English).await.unwrap();
    assert_eq!((then.text.as_str(), then.line.label.as_str()), ("## Numery\n\nTak.", "1.0"));

    // From the version that was read, not over what somebody else published meanwhile.
    let late = world.verbs.publish_specification(&staff(), &next).await;
    assert_eq!(refused(late), Refusal::VersionConflict);
    let anew = world.verbs.publish_specification(&staff(), &wish()).await;
    assert_eq!(refused(anew), Refusal::Taken("name"));
    let written = "select what from audit where subject = 'specification:voice' order by seq";
    assert_eq!(world.all(written).await, ["specification.publish"; 2]);
});

on_both!(a_partner_reads_what_is_for_its_areas_and_its_level_and_the_rest_is_unknown, world => {
    world.publish(&wish()).await;
    world.publish(&SpecificationWish { name: "gold".to_owned(), area: None, level: 2, ..wish() }).await;
    let names = async |signed: &Signed| -> Vec<String> {
        world.library(signed).await.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&of(1, 0)).await, ["voice"], "nobody decided about its areas: all of them");
    assert_eq!(names(&of(1, 2)).await, ["gold", "voice"]);
    assert_eq!(names(&staff()).await, ["gold", "voice"]);
    let strange = ("gold", None);
    let hidden = world.verbs.specification(&of(1, 1), strange, Language::Polish).await;
    let unknown = world.verbs.specification(&of(1, 1), ("none", None), Language::Polish).await;
    assert_eq!(refused(hidden), refused(unknown));

    let line = world.publish(&SpecificationWish { name: "own".to_owned(), area: None, ..wish() }).await;
    world.verbs.withdraw_specification(&staff(), ("own", line.version)).await.unwrap();
    assert_eq!(names(&of(1, 0)).await, ["voice"]);
    assert_eq!(names(&staff()).await, ["gold", "own", "voice"]);
    let again = world.verbs.withdraw_specification(&staff(), ("own", line.version + 1)).await;
    assert!(matches!(refused(again), Refusal::WrongState(_)));
    let by_partner = world.verbs.publish_specification(&of(1, 0), &wish()).await;
    assert_eq!(refused(by_partner), Refusal::NotAllowed);
});

on_both!(what_ships_with_the_gateway_is_read_by_everybody_and_belongs_to_nobody, world => {
    let all = world.verbs.specifications(&of(1, 0)).await.unwrap();
    let names: Vec<_> = all.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let (name, _) = SHIPPED[0];
    world.verbs.look_at_specification(&of(1, 0), name).await.unwrap();
    let all = world.verbs.specifications(&of(1, 0)).await.unwrap();
    assert_eq!((all[0].seen, all[1].seen), (Seen::Now, Seen::Never));
    let view = world.verbs.specification(&of(1, 0), (name, None), Language::English).await.unwrap();
    assert!(view.text.contains("## ") && view.editions.is_empty());
    let no = world.verbs.withdraw_specification(&staff(), (name, 0)).await;
    assert!(matches!(refused(no), Refusal::WrongState(_)));
    let taken = world.verbs.publish_specification(&staff(), &SpecificationWish { name: name.to_owned(), ..wish() }).await;
    let Refusal::FieldErrors(faults) = refused(taken) else { panic!() };
    assert_eq!((faults[0].field.as_str(), faults[0].code), ("name", "taken"));
});

on_both!(all_that_is_wrong_with_one_is_named_at_once_and_nothing_is_written, world => {
    let wrong = SpecificationWish {
        name: "Voice numbers".to_owned(),
        label: String::new(),
        level: 10,
        title: [String::new(), String::new()],
        text: ["a\n\n<script>".to_owned(), String::new()],
        news: ["a".repeat(1001), String::new()],
        ..wish()
    };
    let Refusal::FieldErrors(faults) = refused(world.verbs.publish_specification(&staff(), &wrong).await) else {
        panic!()
    };
    let mut named: Vec<_> = faults.iter().map(|fault| (fault.field.as_str(), fault.code)).collect();
    named.sort_unstable();
    assert_eq!(named, [
        ("label", "invalid"), ("level", "invalid"), ("name", "invalid"), ("news_pl", "too_long"), ("text_pl", "markdown"), ("title_pl", "missing"),
    ]);
    let told = &faults.iter().find(|fault| fault.field == "text_pl").unwrap().detail;
    assert!(told.contains("line 3"), "{told}");
    assert!(world.library(&staff()).await.is_empty());
});

#[tokio::test]
async fn a_file_goes_with_its_edition_and_to_those_who_read_it_only() {
    let world = world(false).await;
    let values = Values::sample(Language::Polish);
    let texts = Texts::shipped();
    let pdf =
        crate::documents::pdf(&texts.render("nda", Language::Polish, &values).unwrap()).unwrap();
    let file = Some(("zakres.pdf".to_owned(), pdf.clone()));
    let empty = [String::new(), String::new()];
    world.publish(&SpecificationWish { file, text: empty, level: 1, ..wish() }).await;
    let got = world.verbs.specification_file(&of(1, 1), ("voice", 1)).await.unwrap().unwrap();
    assert_eq!((got.line.name.as_str(), got.octets == pdf), ("zakres.pdf", true));
    let unknown = Refusal::UnknownId("specification");
    assert_eq!(refused(world.verbs.specification_file(&of(1, 0), ("voice", 1)).await), unknown);
    assert_eq!(refused(world.verbs.specification_file(&of(1, 1), ("voice", 2)).await), unknown);
    let id = got.line.id.clone();
    let direct = world.verbs.open_file(&of(1, 1).caller(), &id).await;
    assert!(matches!(direct, Err(FileFault::Unknown)), "not past its specification");
    let right = world.verbs.right_to_file(&staff().caller(), &id).await.unwrap();
    assert_eq!(right, Right::SeeSpecifications);
}
