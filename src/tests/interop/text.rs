//! What was really sent: texts and parts as a handset would read them.

use bramka::{
    demo::fake_smsc::Submitted,
    payload::{Alphabet, Udh, alphabet, udh},
    smpp::values::esm_class,
};

pub(crate) const POLISH: &str = "Zażółć gęślą jaźń";

/// Three parts in GSM 7-bit; the scripts have the same.
pub(crate) fn long() -> String {
    "A long text that a client cuts into parts by itself. ".repeat(6)
}

pub(crate) fn text_of(submit: &Submitted) -> (Option<Udh>, String) {
    let octets = submit.message.content();
    let (udh, body) = if submit.message.esm_class & esm_class::UDHI == 0 {
        (None, &octets[..])
    } else {
        let (udh, body) = udh::split(octets).unwrap();
        (Some(udh), body)
    };
    let alphabet = Alphabet::of(submit.message.data_coding, Alphabet::Gsm7).unwrap();
    (udh, alphabet::decode_lenient(body, alphabet))
}

/// The texts of all parts of long messages, in their order.
pub(crate) fn pieces(sent: &[Submitted]) -> Vec<String> {
    let mut pieces: Vec<(u16, u8, String)> = sent
        .iter()
        .filter_map(|submit| {
            let (udh, text) = text_of(submit);
            let concat = udh?.concat()?;
            Some((concat.reference, concat.number, text))
        })
        .collect();
    pieces.sort();
    pieces.into_iter().map(|(_, _, text)| text).collect()
}
