//! What a person changes of a partner: its limits and habits. Each change is one statement with its
//! audit row.

use serde_json::json;
use smol_str::SmolStr;

use super::{Error, Store, audit, db::execute};
use crate::domain::Caller;

/// What a person may change of a partner.
#[derive(Debug, Clone)]
pub enum PartnerSetting {
    Rate {
        rate: u32,
        burst: u32,
    },
    Backlog {
        backlog_max: u64,
        waiting_max: u64,
    },
    HexIds(bool),
    SplitsLong(bool),
    TakesDataSm(bool),
    PrefersRxTAppn(bool),
    StripsTrailingNul(bool),
    VendorTlvs(bool),
    ReceiptSeconds(bool),
    /// IANA name of a time zone.
    ReceiptZone(SmolStr),
    DefaultAlphabet(&'static str),
}

/// What a statement binds before the partner's name.
enum Bound {
    Number(i64),
    Text(SmolStr),
    Numbers(i64, i64),
}

impl PartnerSetting {
    /// The word of the audit trail, the statement, and its values.
    fn written(self) -> (&'static str, &'static str, Bound) {
        let flag = |is_on: bool| Bound::Number(i64::from(is_on));
        match self {
            Self::Rate { rate, burst } => (
                "rate",
                "update partner set rate = $1, burst = $2 where name = $3",
                Bound::Numbers(rate.into(), burst.into()),
            ),
            Self::Backlog { backlog_max, waiting_max } => (
                "backlog",
                "update partner set backlog_max = $1, waiting_max = $2 where name = $3",
                Bound::Numbers(super::admin::clamp(backlog_max), super::admin::clamp(waiting_max)),
            ),
            Self::HexIds(hex) => (
                "message_id_form",
                "update partner set message_id_form = $1 where name = $2",
                Bound::Text(if hex { "hex" } else { "decimal" }.into()),
            ),
            Self::SplitsLong(is_on) => {
                ("splits_long", "update partner set splits_long = $1 where name = $2", flag(is_on))
            }
            Self::TakesDataSm(is_on) => (
                "takes_data_sm",
                "update partner set takes_data_sm = $1 where name = $2",
                flag(is_on),
            ),
            Self::PrefersRxTAppn(is_on) => (
                "prefers_rx_t_appn",
                "update partner set prefers_rx_t_appn = $1 where name = $2",
                flag(is_on),
            ),
            Self::StripsTrailingNul(is_on) => (
                "strip_trailing_nul",
                "update partner set strip_trailing_nul = $1 where name = $2",
                flag(is_on),
            ),
            Self::VendorTlvs(is_on) => {
                ("vendor_tlvs", "update partner set vendor_tlvs = $1 where name = $2", flag(is_on))
            }
            Self::ReceiptSeconds(is_on) => (
                "receipt_seconds",
                "update partner set receipt_seconds = $1 where name = $2",
                flag(is_on),
            ),
            Self::ReceiptZone(zone) => (
                "receipt_zone",
                "update partner set receipt_zone = $1 where name = $2",
                Bound::Text(zone),
            ),
            Self::DefaultAlphabet(alphabet) => (
                "default_alphabet",
                "update partner set default_alphabet = $1 where name = $2",
                Bound::Text(alphabet.into()),
            ),
        }
    }
}

impl Store {
    /// Changes one limit or habit of a partner. False: there is no such partner.
    pub async fn set_partner(
        &self,
        by: &Caller,
        at: i64,
        name: &str,
        setting: PartnerSetting,
    ) -> Result<bool, Error> {
        let (what, text, bound) = setting.written();
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let (found, value) = match bound {
            Bound::Number(value) => (execute!(&mut tx, text, value, name)?, json!(value)),
            Bound::Text(value) => {
                (execute!(&mut tx, text, value.as_str(), name)?, json!(value.as_str()))
            }
            Bound::Numbers(one, two) => (
                execute!(&mut tx, text, one, two, name)?,
                if what == "rate" {
                    json!({ "rate": one, "burst": two })
                } else {
                    json!({ "backlog_max": one, "waiting_max": two })
                },
            ),
        };
        if found == 0 {
            return Ok(false);
        }
        // Both, so that the trail alone tells what was in force when.
        let detail = json!({ "what": what, "to": value });
        audit::append(&mut tx, at, by, "partner.set", name, &detail).await?;
        tx.commit().await?;
        Ok(true)
    }
}
