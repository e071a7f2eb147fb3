//! Octets to PDUs and back.
//!
//! A frame is cut off first and decoded alone, so a bad PDU never takes the next one with it. A
//! field that is wrong is answered with that field's own status; a length that is wrong ends the
//! stream, because nobody knows where the next PDU begins.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{
    pdu::{
        Address, AlertNotification, Bind, BindResp, CancelSm, Command, DataSm, Destination,
        MessageResp, Outbind, Pdu, QuerySm, QuerySmResp, ReplaceSm, ShortMessage, SubmitMulti,
        SubmitMultiResp, Unsuccess,
    },
    tlv::{Tlvs, tag},
    values::{BindKind, CommandId, CommandStatus, Version},
};

/// Octets of the header. [34 s3.2]
pub const HEADER: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub length: u32,
    pub id: CommandId,
    pub status: CommandStatus,
    pub sequence: u32,
}

/// What went wrong with a PDU, and whether the stream goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The frame was whole. Answer with this status and carry on with the next PDU.
    #[error("{} {status}: {reason}", header.id.name())]
    Recoverable { header: Header, status: CommandStatus, reason: &'static str },
    /// Nobody knows where the next PDU starts. Answer `generic_nack` and close (K021, K022).
    #[error("command_length {length} is not between 16 and {max}")]
    BadLength { length: u32, max: usize, sequence: u32 },
}

/// Cuts one PDU off the front of what was read. None: more octets are needed.
///
/// Nothing is allocated for a length that was not checked.
pub fn frame(buffer: &mut BytesMut, octets_max: usize) -> Result<Option<Bytes>, Error> {
    let Some(head) = buffer.get(..4) else { return Ok(None) };
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if !(HEADER..=octets_max).contains(&size) {
        let sequence = buffer
            .get(12..16)
            .map_or(0, |raw| u32::from_be_bytes([raw[0], raw[1], raw[2], raw[3]]));
        return Err(Error::BadLength { length, max: octets_max, sequence });
    }
    if buffer.len() < size {
        return Ok(None);
    }
    Ok(Some(buffer.split_to(size).freeze()))
}

/// Reads the header of a whole frame made by [`frame()`].
pub fn header(frame: &Bytes) -> Header {
    let mut head = &frame[..HEADER];
    Header {
        length: head.get_u32(),
        id: CommandId(head.get_u32()),
        status: CommandStatus(head.get_u32()),
        sequence: head.get_u32(),
    }
}

/// Decodes one whole frame made by [`frame`].
pub fn decode(frame: &Bytes, version: Version) -> Result<Command, Error> {
    if frame.len() < HEADER {
        let length = u32::try_from(frame.len()).unwrap_or(0);
        return Err(Error::BadLength { length, max: usize::MAX, sequence: 0 });
    }
    let header = header(frame);
    let reader = Reader { rest: frame.slice(HEADER..), version };
    match body(header, reader) {
        Ok(pdu) => Ok(Command { status: header.status, sequence: header.sequence, pdu }),
        Err((status, reason)) => Err(Error::Recoverable { header, status, reason }),
    }
}

type Fault = (CommandStatus, &'static str);

fn body(header: Header, mut reader: Reader) -> Result<Pdu, Fault> {
    use CommandId as C;
    if header.id.is_response() {
        return Ok(response(header, reader));
    }
    Ok(match header.id {
        C::BIND_RECEIVER => Pdu::Bind(BindKind::Receiver, reader.bind()?),
        C::BIND_TRANSMITTER => Pdu::Bind(BindKind::Transmitter, reader.bind()?),
        C::BIND_TRANSCEIVER => Pdu::Bind(BindKind::Transceiver, reader.bind()?),
        C::OUTBIND => Pdu::Outbind(Outbind {
            system_id: reader.text(16, CommandStatus::RINVSYSID, "system_id")?,
            password: reader.text(9, CommandStatus::RINVPASWD, "password")?,
        }),
        C::UNBIND => Pdu::Unbind,
        C::ENQUIRE_LINK => Pdu::EnquireLink,
        C::SUBMIT_SM => Pdu::SubmitSm(Box::new(reader.short_message(false)?)),
        C::DELIVER_SM => Pdu::DeliverSm(Box::new(reader.short_message(true)?)),
        C::SUBMIT_MULTI => Pdu::SubmitMulti(Box::new(reader.submit_multi()?)),
        C::DATA_SM => Pdu::DataSm(Box::new(reader.data_sm()?)),
        C::QUERY_SM => Pdu::QuerySm(QuerySm {
            message_id: reader.text(65, CommandStatus::RINVMSGID, "message_id")?,
            source: reader.address(21, Side::Source)?,
        }),
        C::CANCEL_SM => Pdu::CancelSm(Box::new(CancelSm {
            service_type: reader.text(6, CommandStatus::RINVSERTYP, "service_type")?,
            message_id: reader.text(65, CommandStatus::RINVMSGID, "message_id")?,
            source: reader.address(21, Side::Source)?,
            destination: reader.address(21, Side::Destination)?,
        })),
        C::REPLACE_SM => Pdu::ReplaceSm(Box::new(reader.replace_sm()?)),
        C::ALERT_NOTIFICATION => Pdu::AlertNotification(Box::new(AlertNotification {
            source: reader.address(65, Side::Source)?,
            esme: reader.address(65, Side::Destination)?,
            tlvs: reader.tlvs(true)?,
        })),
        id => Pdu::Other(id, reader.rest),
    })
}

/// Responses are read as far as they go: an error answer may have a body or none (K024), and a
/// wrong one must not end a session that works.
fn response(header: Header, mut reader: Reader) -> Pdu {
    use CommandId as C;
    let message_resp = |reader: &mut Reader| MessageResp {
        message_id: reader.lenient_text(),
        tlvs: reader.lenient_tlvs(),
    };
    match header.id {
        C::BIND_RECEIVER_RESP | C::BIND_TRANSMITTER_RESP | C::BIND_TRANSCEIVER_RESP => {
            let kind = BindKind::of(CommandId(header.id.0 & 0x7fff_ffff))
                .expect("one of the three bind answers");
            let system_id = reader.lenient_text();
            Pdu::BindResp(kind, BindResp { system_id, tlvs: reader.lenient_tlvs() })
        }
        C::UNBIND_RESP => Pdu::UnbindResp,
        C::ENQUIRE_LINK_RESP => Pdu::EnquireLinkResp,
        C::GENERIC_NACK => Pdu::GenericNack,
        C::SUBMIT_SM_RESP => Pdu::SubmitSmResp(message_resp(&mut reader)),
        C::DELIVER_SM_RESP => Pdu::DeliverSmResp(message_resp(&mut reader)),
        C::DATA_SM_RESP => Pdu::DataSmResp(message_resp(&mut reader)),
        C::SUBMIT_MULTI_RESP => Pdu::SubmitMultiResp(reader.submit_multi_resp()),
        C::QUERY_SM_RESP => Pdu::QuerySmResp(QuerySmResp {
            message_id: reader.lenient_text(),
            final_date: reader.lenient_text(),
            message_state: reader.lenient_octet(),
            error_code: reader.lenient_octet(),
        }),
        C::CANCEL_SM_RESP => Pdu::CancelSmResp,
        C::REPLACE_SM_RESP => Pdu::ReplaceSmResp,
        id => Pdu::Other(id, reader.rest),
    }
}

/// Octets of a text in an answer that are kept; a `message_id` has at most 64.
const LENIENT_TEXT_MAX: usize = 255;

#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

/// Takes fields off the front of a body.
struct Reader {
    rest: Bytes,
    version: Version,
}

impl Reader {
    /// A C-Octet String; `max` counts its NUL (K002). Without a NUL it is an error of that field
    /// even at the very end of a PDU (K003).
    fn text(
        &mut self,
        max: usize,
        status: CommandStatus,
        field: &'static str,
    ) -> Result<Bytes, Fault> {
        let window = &self.rest[..self.rest.len().min(max)];
        match memchr::memchr(0, window) {
            Some(end) => {
                let text = self.rest.split_to(end);
                self.rest.advance(1);
                Ok(text)
            }
            None if self.rest.is_empty() => {
                Err((CommandStatus::RINVCMDLEN, "the body is too short"))
            }
            None => Err((status, field)),
        }
    }

    fn octet(&mut self) -> Result<u8, Fault> {
        if self.rest.is_empty() {
            return Err((CommandStatus::RINVCMDLEN, "the body is too short"));
        }
        Ok(self.rest.get_u8())
    }

    fn address(&mut self, max: usize, side: Side) -> Result<Address, Fault> {
        let (status, field) = match side {
            Side::Source => (CommandStatus::RINVSRCADR, "source_addr"),
            Side::Destination => (CommandStatus::RINVDSTADR, "destination_addr"),
        };
        Ok(Address {
            ton: self.octet()?,
            npi: self.octet()?,
            digits: self.text(max, status, field)?,
        })
    }

    /// A time: nothing, or 16 characters and a NUL (K005).
    fn time(&mut self, status: CommandStatus, field: &'static str) -> Result<Bytes, Fault> {
        let text = self.text(17, status, field)?;
        if text.is_empty() || text.len() == 16 { Ok(text) } else { Err((status, field)) }
    }

    fn tlvs(&mut self, is_lenient: bool) -> Result<Tlvs, Fault> {
        Tlvs::decode(std::mem::take(&mut self.rest), is_lenient)
    }

    fn checked_tlvs(&mut self) -> Result<Tlvs, Fault> {
        let tlvs = self.tlvs(false)?;
        tlvs.check()?;
        Ok(tlvs)
    }

    fn bind(&mut self) -> Result<Box<Bind>, Fault> {
        Ok(Box::new(Bind {
            system_id: self.text(16, CommandStatus::RINVSYSID, "system_id")?,
            password: self.text(9, CommandStatus::RINVPASWD, "password")?,
            system_type: self.text(13, CommandStatus::RINVSYSTYP, "system_type")?,
            interface_version: self.octet()?,
            address_range: Address {
                ton: self.octet()?,
                npi: self.octet()?,
                digits: self.text(41, CommandStatus::RINVSRCADR, "address_range")?,
            },
        }))
    }

    fn short_message(&mut self, is_delivery: bool) -> Result<ShortMessage, Fault> {
        let service_type = self.text(6, CommandStatus::RINVSERTYP, "service_type")?;
        let source = self.address(21, Side::Source)?;
        let destination = self.address(21, Side::Destination)?;
        self.message_tail(service_type, source, destination, is_delivery)
    }

    /// From `esm_class` to the end: shared by `submit_sm`, `deliver_sm` and
    /// `submit_multi`.
    fn message_tail(
        &mut self,
        service_type: Bytes,
        source: Address,
        destination: Address,
        is_delivery: bool,
    ) -> Result<ShortMessage, Fault> {
        let mut message = ShortMessage {
            service_type,
            source,
            destination,
            esm_class: self.octet()?,
            protocol_id: self.octet()?,
            priority: self.octet()?,
            schedule_delivery_time: self.time(
                CommandStatus::RINVSCHED,
                "schedule_delivery_time must have 1 or 17 octets",
            )?,
            validity_period: self
                .time(CommandStatus::RINVEXPIRY, "validity_period must have 1 or 17 octets")?,
            registered_delivery: self.octet()?,
            replace_if_present: self.octet()?,
            data_coding: self.octet()?,
            default_message_id: self.octet()?,
            ..ShortMessage::default()
        };
        message.short_message = self.counted()?;
        message.tlvs = if is_delivery { self.tlvs(true)? } else { self.checked_tlvs()? };
        Ok(message)
    }

    /// `sm_length` and that many octets (K006, K007).
    fn counted(&mut self) -> Result<Bytes, Fault> {
        let length = usize::from(self.octet()?);
        let most = if self.version >= Version::V50 { 255 } else { 254 };
        if length > most {
            return Err((CommandStatus::RINVMSGLEN, "sm_length 255 needs a 5.0 session"));
        }
        if length > self.rest.len() {
            return Err((CommandStatus::RINVMSGLEN, "sm_length is more than what follows"));
        }
        Ok(self.rest.split_to(length))
    }

    fn submit_multi(&mut self) -> Result<SubmitMulti, Fault> {
        let service_type = self.text(6, CommandStatus::RINVSERTYP, "service_type")?;
        let source = self.address(21, Side::Source)?;
        let count = self.octet()?;
        let most = if self.version >= Version::V50 { 255 } else { 254 };
        if count == 0 || count > most {
            return Err((CommandStatus::RINVNUMDESTS, "number_of_dests must be 1 to 254"));
        }
        // At most 255, and each takes octets that are there: the length was checked.
        let mut destinations = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            destinations.push(match self.octet()? {
                1 => Destination::Sme(self.address(21, Side::Destination)?),
                2 => Destination::List(self.text(21, CommandStatus::RINVDLNAME, "dl_name")?),
                _ => return Err((CommandStatus::RINVDESTFLAG, "dest_flag must be 1 or 2")),
            });
        }
        let message = self.message_tail(service_type, source, Address::default(), false)?;
        Ok(SubmitMulti { destinations, message })
    }

    fn data_sm(&mut self) -> Result<DataSm, Fault> {
        Ok(DataSm {
            service_type: self.text(6, CommandStatus::RINVSERTYP, "service_type")?,
            source: self.address(65, Side::Source)?,
            destination: self.address(65, Side::Destination)?,
            esm_class: self.octet()?,
            registered_delivery: self.octet()?,
            data_coding: self.octet()?,
            tlvs: self.checked_tlvs()?,
        })
    }

    fn replace_sm(&mut self) -> Result<ReplaceSm, Fault> {
        Ok(ReplaceSm {
            message_id: self.text(65, CommandStatus::RINVMSGID, "message_id")?,
            source: self.address(21, Side::Source)?,
            schedule_delivery_time: self.time(
                CommandStatus::RINVSCHED,
                "schedule_delivery_time must have 1 or 17 octets",
            )?,
            validity_period: self
                .time(CommandStatus::RINVEXPIRY, "validity_period must have 1 or 17 octets")?,
            registered_delivery: self.octet()?,
            default_message_id: self.octet()?,
            short_message: self.counted()?,
            tlvs: self.checked_tlvs()?,
        })
    }

    fn submit_multi_resp(&mut self) -> SubmitMultiResp {
        let message_id = self.lenient_text();
        let count = self.lenient_octet();
        let mut unsuccess = Vec::new();
        for _ in 0..count {
            let Ok(address) = self.address(21, Side::Destination) else { break };
            if self.rest.len() < 4 {
                break;
            }
            unsuccess.push(Unsuccess { address, status: CommandStatus(self.rest.get_u32()) });
        }
        SubmitMultiResp { message_id, unsuccess, tlvs: self.lenient_tlvs() }
    }

    /// A text of an answer: it may be longer than allowed or end without a NUL, but not without
    /// a limit, for ids are stored.
    fn lenient_text(&mut self) -> Bytes {
        let end = memchr::memchr(0, &self.rest).unwrap_or(self.rest.len());
        let mut text = self.rest.split_to(end);
        text.truncate(LENIENT_TEXT_MAX);
        if !self.rest.is_empty() {
            self.rest.advance(1);
        }
        text
    }

    fn lenient_octet(&mut self) -> u8 {
        if self.rest.is_empty() { 0 } else { self.rest.get_u8() }
    }

    fn lenient_tlvs(&mut self) -> Tlvs {
        self.tlvs(true).unwrap_or_default()
    }
}

/// A PDU that cannot be written, because a field does not fit (K030).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} does not fit: it has a NUL, a wrong length or more than {max} octets")]
pub struct Unfit {
    pub field: &'static str,
    pub max: usize,
}

/// Appends a PDU to `out` for a peer of this version: no TLVs and no 5.0 statuses for older
/// peers; an error answer is the header alone (S051) unless it carries TLVs of its own.
pub fn encode(command: &Command, version: Version, out: &mut BytesMut) -> Result<(), Unfit> {
    let start = out.len();
    out.put_u32(0);
    out.put_u32(command.pdu.command_id().0);
    out.put_u32(command.status.for_version(version).0);
    out.put_u32(command.sequence);
    let written = Writer { out, version }.body(command);
    if written.is_err() {
        out.truncate(start);
        return written;
    }
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

struct Writer<'o> {
    out: &'o mut BytesMut,
    version: Version,
}

impl Writer<'_> {
    fn body(&mut self, command: &Command) -> Result<(), Unfit> {
        let is_error = !command.status.is_ok();
        match &command.pdu {
            Pdu::Bind(_, bind) => self.bind(bind),
            Pdu::BindResp(_, _) | Pdu::QuerySmResp(_) if is_error => Ok(()),
            Pdu::BindResp(_, resp) => {
                self.text(&resp.system_id, 16, "system_id")?;
                self.tlvs(&resp.tlvs)
            }
            Pdu::Outbind(outbind) => {
                self.text(&outbind.system_id, 16, "system_id")?;
                self.text(&outbind.password, 9, "password")
            }
            Pdu::SubmitSm(message) | Pdu::DeliverSm(message) => self.short_message(message),
            Pdu::SubmitSmResp(resp) | Pdu::DataSmResp(resp) | Pdu::DeliverSmResp(resp) => {
                self.message_resp(resp, is_error)
            }
            Pdu::SubmitMulti(multi) => self.submit_multi(multi),
            Pdu::SubmitMultiResp(resp) => self.submit_multi_resp(resp, is_error),
            Pdu::DataSm(data) => self.data_sm(data),
            Pdu::QuerySm(query) => {
                self.text(&query.message_id, 65, "message_id")?;
                self.address(&query.source, 21, "source_addr")
            }
            Pdu::QuerySmResp(resp) => {
                self.text(&resp.message_id, 65, "message_id")?;
                self.text(&resp.final_date, 17, "final_date")?;
                self.out.put_u8(resp.message_state);
                self.out.put_u8(resp.error_code);
                Ok(())
            }
            Pdu::CancelSm(cancel) => {
                self.text(&cancel.service_type, 6, "service_type")?;
                self.text(&cancel.message_id, 65, "message_id")?;
                self.address(&cancel.source, 21, "source_addr")?;
                self.address(&cancel.destination, 21, "destination_addr")
            }
            Pdu::ReplaceSm(replace) => self.replace_sm(replace),
            Pdu::AlertNotification(alert) => {
                self.address(&alert.source, 65, "source_addr")?;
                self.address(&alert.esme, 65, "esme_addr")?;
                self.tlvs(&alert.tlvs)
            }
            Pdu::Other(_, body) => {
                self.out.put_slice(body);
                Ok(())
            }
            Pdu::Unbind
            | Pdu::UnbindResp
            | Pdu::EnquireLink
            | Pdu::EnquireLinkResp
            | Pdu::GenericNack
            | Pdu::CancelSmResp
            | Pdu::ReplaceSmResp => Ok(()),
        }
    }

    fn text(&mut self, text: &[u8], max: usize, field: &'static str) -> Result<(), Unfit> {
        if text.len() >= max || memchr::memchr(0, text).is_some() {
            return Err(Unfit { field, max: max - 1 });
        }
        self.out.put_slice(text);
        self.out.put_u8(0);
        Ok(())
    }

    fn address(&mut self, address: &Address, max: usize, field: &'static str) -> Result<(), Unfit> {
        self.out.put_u8(address.ton);
        self.out.put_u8(address.npi);
        self.text(&address.digits, max, field)
    }

    fn tlvs(&mut self, tlvs: &Tlvs) -> Result<(), Unfit> {
        if !self.version.takes_tlvs() {
            return Ok(());
        }
        let max = usize::from(u16::MAX);
        if tlvs.iter().any(|tlv| tlv.value.len() > max) {
            return Err(Unfit { field: "the value of a TLV", max });
        }
        tlvs.encode(self.out);
        Ok(())
    }

    /// A time: nothing, or 16 characters and a NUL (K005).
    fn time(&mut self, time: &[u8], field: &'static str) -> Result<(), Unfit> {
        if !time.is_empty() && time.len() != 16 {
            return Err(Unfit { field, max: 16 });
        }
        self.text(time, 17, field)
    }

    fn bind(&mut self, bind: &Bind) -> Result<(), Unfit> {
        self.text(&bind.system_id, 16, "system_id")?;
        self.text(&bind.password, 9, "password")?;
        self.text(&bind.system_type, 13, "system_type")?;
        self.out.put_u8(bind.interface_version);
        self.address(&bind.address_range, 41, "address_range")
    }

    fn short_message(&mut self, message: &ShortMessage) -> Result<(), Unfit> {
        self.text(&message.service_type, 6, "service_type")?;
        self.address(&message.source, 21, "source_addr")?;
        self.address(&message.destination, 21, "destination_addr")?;
        self.message_tail(message)
    }

    fn message_tail(&mut self, message: &ShortMessage) -> Result<(), Unfit> {
        self.out.put_u8(message.esm_class);
        self.out.put_u8(message.protocol_id);
        self.out.put_u8(message.priority);
        self.time(&message.schedule_delivery_time, "schedule_delivery_time")?;
        self.time(&message.validity_period, "validity_period")?;
        self.out.put_u8(message.registered_delivery);
        self.out.put_u8(message.replace_if_present);
        self.out.put_u8(message.data_coding);
        self.out.put_u8(message.default_message_id);
        self.counted(&message.short_message)?;
        self.tlvs(&message.tlvs)
    }

    fn counted(&mut self, octets: &[u8]) -> Result<(), Unfit> {
        let most = if self.version >= Version::V50 { 255 } else { 254 };
        let length = u8::try_from(octets.len()).ok().filter(|length| *length <= most);
        let Some(length) = length else {
            return Err(Unfit { field: "short_message", max: usize::from(most) });
        };
        self.out.put_u8(length);
        self.out.put_slice(octets);
        Ok(())
    }

    fn message_resp(&mut self, resp: &MessageResp, is_error: bool) -> Result<(), Unfit> {
        // [50 s3.2.1.3] An error answer has no body, unless it has something to say: then the
        // empty message_id keeps the TLVs where a reader looks for them.
        if is_error && (resp.tlvs.is_empty() || !self.version.takes_tlvs()) {
            return Ok(());
        }
        let max = if self.version == Version::V33 { 9 } else { 65 };
        self.text(&resp.message_id, max, "message_id")?;
        self.tlvs(&resp.tlvs)
    }

    fn submit_multi(&mut self, multi: &SubmitMulti) -> Result<(), Unfit> {
        self.text(&multi.message.service_type, 6, "service_type")?;
        self.address(&multi.message.source, 21, "source_addr")?;
        let most = if self.version >= Version::V50 { 255 } else { 254 };
        let count = u8::try_from(multi.destinations.len())
            .ok()
            .filter(|count| (1..=most).contains(count))
            .ok_or(Unfit { field: "number_of_dests", max: usize::from(most) })?;
        self.out.put_u8(count);
        for destination in &multi.destinations {
            match destination {
                Destination::Sme(address) => {
                    self.out.put_u8(1);
                    self.address(address, 21, "destination_addr")?;
                }
                Destination::List(name) => {
                    self.out.put_u8(2);
                    self.text(name, 21, "dl_name")?;
                }
            }
        }
        self.message_tail(&multi.message)
    }

    fn submit_multi_resp(&mut self, resp: &SubmitMultiResp, is_error: bool) -> Result<(), Unfit> {
        if is_error && resp.unsuccess.is_empty() && resp.tlvs.is_empty() {
            return Ok(());
        }
        self.text(&resp.message_id, 65, "message_id")?;
        let count = u8::try_from(resp.unsuccess.len())
            .map_err(|_| Unfit { field: "no_unsuccess", max: 255 })?;
        self.out.put_u8(count);
        for unsuccess in &resp.unsuccess {
            self.address(&unsuccess.address, 21, "destination_addr")?;
            self.out.put_u32(unsuccess.status.for_version(self.version).0);
        }
        self.tlvs(&resp.tlvs)
    }

    fn data_sm(&mut self, data: &DataSm) -> Result<(), Unfit> {
        self.text(&data.service_type, 6, "service_type")?;
        self.address(&data.source, 65, "source_addr")?;
        self.address(&data.destination, 65, "destination_addr")?;
        self.out.put_u8(data.esm_class);
        self.out.put_u8(data.registered_delivery);
        self.out.put_u8(data.data_coding);
        self.tlvs(&data.tlvs)
    }

    fn replace_sm(&mut self, replace: &ReplaceSm) -> Result<(), Unfit> {
        self.text(&replace.message_id, 65, "message_id")?;
        self.address(&replace.source, 21, "source_addr")?;
        self.time(&replace.schedule_delivery_time, "schedule_delivery_time")?;
        self.time(&replace.validity_period, "validity_period")?;
        self.out.put_u8(replace.registered_delivery);
        self.out.put_u8(replace.default_message_id);
        self.counted(&replace.short_message)?;
        self.tlvs(&replace.tlvs)
    }
}

/// Whether a `message_payload` or the `short_message` holds the content, and which.
impl ShortMessage {
    pub fn content(&self) -> &Bytes {
        match self.tlvs.get(tag::MESSAGE_PAYLOAD) {
            Some(payload) => payload,
            None => &self.short_message,
        }
    }
}
