//! Parts of long MO that wait for their sisters, read back at the start.

use super::{
    Error, Store,
    change::{MoPart, unpack_tlvs},
    db::fetch_all,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    link: String,
    link_group: String,
    sender: String,
    recipient: String,
    reference: i64,
    total: i64,
    number: i64,
    data_coding: i64,
    body: Vec<u8>,
    tlvs: Option<Vec<u8>>,
    received_at: i64,
}

impl Store {
    /// At most `max` parts, oldest first.
    pub async fn mo_parts(&self, max: usize) -> Result<Vec<MoPart>, Error> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let rows = fetch_all!(
            &self.db,
            Row,
            "select id, link, link_group, sender, recipient, reference, total, number, \
             data_coding, body, tlvs, received_at from mo_part order by id limit $1",
            max
        )?;
        rows.into_iter().map(Row::into_part).collect()
    }
}

impl Row {
    fn into_part(self) -> Result<MoPart, Error> {
        let id = self.id;
        let corrupt = |column| Error::Corrupt {
            table: "mo_part",
            column,
            id: id.to_string(),
            why: "out of its range".to_owned(),
        };
        let small = |value: i64, column| u8::try_from(value).map_err(|_| corrupt(column));
        Ok(MoPart {
            reference: u16::try_from(self.reference).map_err(|_| corrupt("reference"))?,
            total: small(self.total, "total")?,
            number: small(self.number, "number")?,
            data_coding: small(self.data_coding, "data_coding")?,
            id: self.id,
            link: self.link.into(),
            link_group: self.link_group.into(),
            sender: self.sender.into(),
            recipient: self.recipient.into(),
            body: self.body.into(),
            tlvs: unpack_tlvs(self.tlvs).ok_or_else(|| corrupt("tlvs"))?,
            received_at: self.received_at,
        })
    }
}
