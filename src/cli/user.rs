//! `user`: people of the portal, as the host makes and unmakes them (S-07).
//!
//! What surprises: there is no password here. A person sets it under a link that works once, so
//! that nobody else ever knows it.

use serde_json::{Value, json};

use super::{
    Failure,
    args::{UserAdd, UserCommand},
    desk::{Desk, partner_named},
    failure::Outcome,
};
use crate::{
    clock::Clock,
    control::view::moment,
    domain::{PersonEvent, Refusal, seal::Seal, user::mail_address},
    partnership::{Error, Invited, NewPerson, Partnership},
    store::{Person, Store},
};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(Refusal::UnknownId(what)) => Self::not_found(format!("no such {what}")),
            Error::Refused(Refusal::FieldErrors(faults)) => {
                let faults =
                    faults.iter().map(|fault| format!("--{} {}", fault.field, fault.detail));
                Self::usage(faults.collect::<Vec<_>>().join("; "))
            }
            other => Self::failed(other.to_string()),
        }
    }
}

pub(crate) async fn user(desk: &mut Desk<'_>, command: UserCommand) -> Outcome {
    let store = desk.store().await?;
    let secret = desk.config.smpp_server.pepper_file.secret.reveal().as_bytes();
    let partnership = Partnership::new(store.clone(), Clock::system(), Seal::new([secret]))
        .with_portal(desk.config.portal.clone());
    let done = match command {
        UserCommand::Add(wish) => add(desk, &partnership, wish).await,
        UserCommand::List { partner } => list(desk, &store, partner.as_deref()).await,
        UserCommand::Disable { mail } => {
            set(desk, &partnership, &mail, PersonEvent::Disabled).await
        }
        UserCommand::Enable { mail } => set(desk, &partnership, &mail, PersonEvent::Enabled).await,
        UserCommand::Reset { mail, second_factor } => {
            reset(desk, &partnership, &mail, second_factor).await
        }
    };
    store.close().await;
    done
}

/// `user add`: the one way to the first administrator, which asks for no right. Whoever can run it
/// can read the database file as well (S-07).
async fn add(desk: &mut Desk<'_>, partnership: &Partnership, wish: UserAdd) -> Outcome {
    let partner = match &wish.partner {
        Some(name) => Some(partner_named(&partnership.store().load_catalog().await?, name)?.id),
        None => None,
    };
    desk.remark_on_pepper();
    let new = NewPerson {
        partner,
        mail: wish.mail,
        name: wish.name,
        role: wish.role,
        language: wish.language,
        company: String::new(),
    };
    let invited = partnership.invite_by(&desk.by(), &new, wish.send).await?;
    tell_link(desk, &invited, wish.send, &format!("{} is invited as {}", new.mail, new.role));
    Ok(())
}

/// Shows the link, unless a letter carries it: then it must not stand in a shell's history too.
fn tell_link(desk: &mut Desk<'_>, invited: &Invited, was_sent: bool, what: &str) {
    let until = moment(invited.valid_until);
    let link = desk.config.portal.link(&invited.path);
    let shown = if was_sent { Value::Null } else { link.as_str().into() };
    let value = json!({ "person": invited.person.0, "link": shown, "valid_until": until });
    let text = if was_sent {
        format!("{what}; a letter with the link is on its way")
    } else {
        format!(
            "{what}\nlink: {link}\nIt works once, until {}, and is not shown again.",
            until.as_str().unwrap_or("later")
        )
    };
    desk.out.show(&value, &text);
}

async fn list(desk: &mut Desk<'_>, store: &Store, partner: Option<&str>) -> Outcome {
    let partner = match partner {
        Some(name) => Some(partner_named(&store.load_catalog().await?, name)?.id),
        None => None,
    };
    let people = store.people(partner).await?;
    let rows: Vec<Value> = people
        .iter()
        .map(|person| {
            json!({
                "person": person.id.0,
                "mail": person.mail,
                "name": person.name,
                "role": person.role.as_str(),
                "state": person.state.as_str(),
                "second_factor": person.secrets.totp.is_some(),
                "last_login_at": person.last_login_at.map(moment),
            })
        })
        .collect();
    let columns = ["person", "mail", "name", "role", "state", "second_factor", "last_login_at"];
    desk.out.rows(&rows, &columns);
    Ok(())
}

/// Somebody by mail address, whichever side it is on.
async fn person(partnership: &Partnership, mail: &str) -> Result<Person, Failure> {
    let found = match mail_address(mail) {
        Some(address) => partnership.store().person_by_mail(&address).await?,
        None => None,
    };
    found.ok_or_else(|| Failure::not_found(format!("nobody has the mail address `{mail}`")))
}

async fn set(
    desk: &mut Desk<'_>,
    partnership: &Partnership,
    mail: &str,
    event: PersonEvent,
) -> Outcome {
    let before = person(partnership, mail).await?;
    // Sessions are read from the store at each click: a running daemon need not be told.
    let after = partnership.set_person_by(&desk.by(), &before, before.version, event).await?;
    let state = after.state.as_str();
    desk.out.show(&json!({ "mail": after.mail, "state": state }), &format!("{mail} is {state}"));
    Ok(())
}

async fn reset(
    desk: &mut Desk<'_>,
    partnership: &Partnership,
    mail: &str,
    second_factor: bool,
) -> Outcome {
    let mut found = person(partnership, mail).await?;
    // The factor goes first: a link made for the version before would not be written.
    if second_factor {
        let (by, version) = (desk.by(), found.version);
        found = partnership.remove_second_factor_by(&by, &found, version).await?;
    }
    let invited = partnership.send_link_by(&desk.by(), &found, false).await?;
    tell_link(desk, &invited, false, &format!("{mail} may set a new password"));
    Ok(())
}
