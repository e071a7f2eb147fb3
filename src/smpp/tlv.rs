//! Optional parameters. Unknown ones are kept as octets and can be passed on byte-exact (K011,
//! K018); known ones are checked in requests, where a wrong one is the sender's mistake.

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use super::values::CommandStatus;

/// Tags of the specifications, with the lengths they may have.
macro_rules! tags {
    ($($name:ident = $tag:literal, $min:literal..=$max:literal;)*) => {
        /// Tags by name. [34 s5.3] [50 s4.8]
        pub mod tag {
            $(pub const $name: u16 = $tag;)*
        }

        /// Least and most octets of a known tag's value.
        fn lengths(tag: u16) -> Option<(usize, usize)> {
            match tag {
                $($tag => Some(($min, $max)),)*
                _ => None,
            }
        }

        /// The specification's name of a tag.
        pub fn name(tag: u16) -> Option<&'static str> {
            match tag {
                $($tag => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

tags! {
    DEST_ADDR_SUBUNIT = 0x0005, 1..=1;
    DEST_NETWORK_TYPE = 0x0006, 1..=1;
    DEST_BEARER_TYPE = 0x0007, 1..=1;
    DEST_TELEMATICS_ID = 0x0008, 2..=2;
    SOURCE_ADDR_SUBUNIT = 0x000d, 1..=1;
    SOURCE_NETWORK_TYPE = 0x000e, 1..=1;
    SOURCE_BEARER_TYPE = 0x000f, 1..=1;
    SOURCE_TELEMATICS_ID = 0x0010, 1..=2;
    QOS_TIME_TO_LIVE = 0x0017, 4..=4;
    PAYLOAD_TYPE = 0x0019, 1..=1;
    ADDITIONAL_STATUS_INFO_TEXT = 0x001d, 1..=256;
    RECEIPTED_MESSAGE_ID = 0x001e, 1..=65;
    MS_MSG_WAIT_FACILITIES = 0x0030, 1..=1;
    PRIVACY_INDICATOR = 0x0201, 1..=1;
    SOURCE_SUBADDRESS = 0x0202, 2..=23;
    DEST_SUBADDRESS = 0x0203, 2..=23;
    USER_MESSAGE_REFERENCE = 0x0204, 2..=2;
    USER_RESPONSE_CODE = 0x0205, 1..=1;
    SOURCE_PORT = 0x020a, 2..=2;
    DESTINATION_PORT = 0x020b, 2..=2;
    SAR_MSG_REF_NUM = 0x020c, 2..=2;
    LANGUAGE_INDICATOR = 0x020d, 1..=1;
    SAR_TOTAL_SEGMENTS = 0x020e, 1..=1;
    SAR_SEGMENT_SEQNUM = 0x020f, 1..=1;
    SC_INTERFACE_VERSION = 0x0210, 1..=1;
    CALLBACK_NUM_PRES_IND = 0x0302, 1..=1;
    CALLBACK_NUM_ATAG = 0x0303, 1..=65;
    NUMBER_OF_MESSAGES = 0x0304, 1..=1;
    CALLBACK_NUM = 0x0381, 4..=19;
    DPF_RESULT = 0x0420, 1..=1;
    SET_DPF = 0x0421, 1..=1;
    MS_AVAILABILITY_STATUS = 0x0422, 1..=1;
    NETWORK_ERROR_CODE = 0x0423, 3..=3;
    MESSAGE_PAYLOAD = 0x0424, 0..=65535;
    DELIVERY_FAILURE_REASON = 0x0425, 1..=1;
    MORE_MESSAGES_TO_SEND = 0x0426, 1..=1;
    MESSAGE_STATE = 0x0427, 1..=1;
    CONGESTION_STATE = 0x0428, 1..=1;
    USSD_SERVICE_OP = 0x0501, 1..=1;
    BROADCAST_CHANNEL_INDICATOR = 0x0600, 1..=1;
    BROADCAST_CONTENT_TYPE = 0x0601, 3..=3;
    BROADCAST_CONTENT_TYPE_INFO = 0x0602, 1..=255;
    BROADCAST_MESSAGE_CLASS = 0x0603, 1..=1;
    BROADCAST_REP_NUM = 0x0604, 2..=2;
    BROADCAST_FREQUENCY_INTERVAL = 0x0605, 3..=3;
    BROADCAST_AREA_IDENTIFIER = 0x0606, 1..=101;
    BROADCAST_ERROR_STATUS = 0x0607, 4..=4;
    BROADCAST_AREA_SUCCESS = 0x0608, 1..=1;
    BROADCAST_END_TIME = 0x0609, 16..=17;
    BROADCAST_SERVICE_GROUP = 0x060a, 1..=255;
    BILLING_IDENTIFICATION = 0x060b, 1..=1024;
    SOURCE_NETWORK_ID = 0x060d, 7..=65;
    DEST_NETWORK_ID = 0x060e, 7..=65;
    SOURCE_NODE_ID = 0x060f, 6..=6;
    DEST_NODE_ID = 0x0610, 6..=6;
    DEST_ADDR_NP_RESOLUTION = 0x0611, 1..=1;
    DEST_ADDR_NP_INFORMATION = 0x0612, 10..=10;
    DEST_ADDR_NP_COUNTRY = 0x0613, 1..=5;
    DISPLAY_TIME = 0x1201, 1..=1;
    SMS_SIGNAL = 0x1203, 2..=2;
    MS_VALIDITY = 0x1204, 1..=4;
    ALERT_ON_MESSAGE_DELIVERY = 0x130c, 0..=1;
    ITS_REPLY_TYPE = 0x1380, 1..=1;
    ITS_SESSION_INFO = 0x1383, 2..=2;
}

/// Tags that an MC's vendor may define. [34 s5.3.1]
pub fn is_vendor(tag: u16) -> bool {
    (0x1400..=0x3fff).contains(&tag)
}

/// TLVs in one PDU, at most; more is an attack on memory, not a message.
pub const TLVS_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlv {
    pub tag: u16,
    pub value: Bytes,
}

/// The optional parameters of one PDU, in the order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tlvs(SmallVec<[Tlv; 2]>);

/// A TLV that cannot stand, with the status it is answered with.
pub type Fault = (CommandStatus, &'static str);

impl Tlvs {
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what follows the mandatory fields. In a lenient reading (responses, receipts) a
    /// broken tail is dropped; in a request it is an error (K009, K010).
    pub fn decode(mut rest: Bytes, is_lenient: bool) -> Result<Self, Fault> {
        let mut tlvs = Self::default();
        while !rest.is_empty() {
            let whole = read_one(&rest);
            let Some((tlv, size)) = whole else {
                if is_lenient {
                    break;
                }
                return Err((
                    CommandStatus::RINVTLVSTREAM,
                    "octets after the last TLV, or a TLV longer than the PDU",
                ));
            };
            if tlvs.0.len() >= TLVS_MAX {
                if is_lenient {
                    break;
                }
                return Err((CommandStatus::RINVTLVSTREAM, "more than 64 TLVs"));
            }
            rest = rest.slice(size..);
            tlvs.0.push(tlv);
        }
        Ok(tlvs)
    }

    /// Checks known tags of a request: length, content, repetition (K013 to K017).
    pub fn check(&self) -> Result<(), Fault> {
        for (index, tlv) in self.0.iter().enumerate() {
            if !is_length_legal(tlv) {
                return Err((CommandStatus::RINVTLVLEN, "a known TLV has a wrong length"));
            }
            if !is_content_legal(tlv) {
                return Err((CommandStatus::RINVTLVVAL, "a known TLV has an illegal value"));
            }
            let repeats = self.0[..index].iter().any(|earlier| earlier.tag == tlv.tag);
            if repeats && lengths(tlv.tag).is_some() && !may_repeat(tlv.tag) {
                return Err((CommandStatus::RTLVNOTALLWD, "a TLV is given twice"));
            }
        }
        self.check_callbacks()
    }

    /// Repeated call-back numbers and their companions come in equal numbers (K016).
    fn check_callbacks(&self) -> Result<(), Fault> {
        let numbers = self.all(tag::CALLBACK_NUM).count();
        for companion in [tag::CALLBACK_NUM_PRES_IND, tag::CALLBACK_NUM_ATAG] {
            let count = self.all(companion).count();
            if count != 0 && count != numbers {
                return Err((
                    CommandStatus::RINVTLVVAL,
                    "callback_num and its companions must come in equal numbers",
                ));
            }
        }
        Ok(())
    }

    pub fn encode(&self, out: &mut BytesMut) {
        for tlv in &self.0 {
            out.put_u16(tlv.tag);
            // The codec refuses a longer value before it comes here.
            out.put_u16(u16::try_from(tlv.value.len()).unwrap_or(u16::MAX));
            out.put_slice(&tlv.value[..tlv.value.len().min(usize::from(u16::MAX))]);
        }
    }

    pub fn push(&mut self, tag: u16, value: impl Into<Bytes>) {
        self.0.push(Tlv { tag, value: value.into() });
    }

    #[must_use]
    pub fn with(mut self, tag: u16, value: impl Into<Bytes>) -> Self {
        self.push(tag, value);
        self
    }

    #[must_use]
    pub fn with_u8(self, tag: u16, value: u8) -> Self {
        self.with(tag, vec![value])
    }

    #[must_use]
    pub fn with_u16(self, tag: u16, value: u16) -> Self {
        self.with(tag, value.to_be_bytes().to_vec())
    }

    /// A text with its closing NUL.
    #[must_use]
    pub fn with_text(self, tag: u16, text: &str) -> Self {
        let mut value = Vec::with_capacity(text.len() + 1);
        value.extend_from_slice(text.as_bytes());
        value.push(0);
        self.with(tag, value)
    }

    pub fn get(&self, tag: u16) -> Option<&Bytes> {
        self.0.iter().find(|tlv| tlv.tag == tag).map(|tlv| &tlv.value)
    }

    pub fn all(&self, tag: u16) -> impl Iterator<Item = &Bytes> {
        self.0.iter().filter(move |tlv| tlv.tag == tag).map(|tlv| &tlv.value)
    }

    pub fn u8(&self, tag: u16) -> Option<u8> {
        self.get(tag).filter(|value| value.len() == 1).map(|value| value[0])
    }

    pub fn u16(&self, tag: u16) -> Option<u16> {
        let value = self.get(tag)?;
        Some(u16::from_be_bytes(value.as_ref().try_into().ok()?))
    }

    pub fn u32(&self, tag: u16) -> Option<u32> {
        let value = self.get(tag)?;
        Some(u32::from_be_bytes(value.as_ref().try_into().ok()?))
    }

    /// A text, with or without its closing NUL: peers do both.
    pub fn text(&self, tag: u16) -> Option<&[u8]> {
        let value = self.get(tag)?;
        Some(value.strip_suffix(b"\0").unwrap_or(value))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Tlv> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn read_one(rest: &Bytes) -> Option<(Tlv, usize)> {
    let head = rest.get(..4)?;
    let tag = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    if rest.len() < 4 + length {
        return None;
    }
    Some((Tlv { tag, value: rest.slice(4..4 + length) }, 4 + length))
}

/// Unknown tags may have any length.
fn is_length_legal(tlv: &Tlv) -> bool {
    let length = tlv.value.len();
    // [50 s4.8.4.37] One octet, or four for a relative time; nothing between.
    let is_hole = tlv.tag == tag::MS_VALIDITY && (length == 2 || length == 3);
    !is_hole && lengths(tlv.tag).is_none_or(|(least, most)| (least..=most).contains(&length))
}

fn may_repeat(tag: u16) -> bool {
    matches!(
        tag,
        tag::CALLBACK_NUM
            | tag::CALLBACK_NUM_PRES_IND
            | tag::CALLBACK_NUM_ATAG
            | tag::BROADCAST_AREA_IDENTIFIER
            | tag::BROADCAST_AREA_SUCCESS
    )
}

/// Values that a specification calls illegal rather than reserved with a default (K014).
fn is_content_legal(tlv: &Tlv) -> bool {
    let Some(&first) = tlv.value.first() else { return true };
    match tlv.tag {
        tag::PAYLOAD_TYPE | tag::SET_DPF | tag::MORE_MESSAGES_TO_SEND => first <= 1,
        tag::PRIVACY_INDICATOR => first <= 3,
        tag::NUMBER_OF_MESSAGES => first <= 99,
        tag::DISPLAY_TIME => first <= 2,
        _ => true,
    }
}
