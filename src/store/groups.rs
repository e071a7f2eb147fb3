//! Numbers of link groups, which lanes are made of.
//!
//! The surprise: reading may write. A group that nobody named before gets a number for ever.

use smol_str::SmolStr;

use super::{
    Error, Store,
    change::Groups,
    db::{execute, fetch_all},
    load::corrupt,
};
use crate::domain::GroupId;

/// Link groups by name; a new name gets the next free number.
pub(super) async fn group_ids(store: &Store, names: &[SmolStr]) -> Result<Groups, Error> {
    let known = async || -> Result<Vec<(i64, String)>, Error> {
        fetch_all!(&store.db, (i64, String), "select id, name from link_group")
    };
    let mut rows = known().await?;
    if names.iter().any(|name| !rows.iter().any(|(_, known)| known == name)) {
        let mut pen = store.pen().await?;
        let mut tx = pen.begin().await?;
        for name in names {
            execute!(
                &mut tx,
                "insert into link_group (id, name) values \
                 ((select coalesce(max(id), 0) + 1 from link_group), $1) on conflict do nothing",
                name.as_str()
            )?;
        }
        tx.commit().await?;
        rows = known().await?;
    }
    rows.into_iter()
        .map(|(id, name)| {
            let id = u16::try_from(id)
                .map_err(|_| corrupt("link_group", "id", &id.to_string(), "above 65535"))?;
            Ok((GroupId(id), name.into()))
        })
        .collect()
}
