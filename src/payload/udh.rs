//! The user data header: which part of which message this is, and for which port.
//!
//! It is read from user data whose UDH indicator is set; whether it is set the caller knows.
//! National shift tables and EMS elements are kept as they came and given no meaning.
//!
//! The surprise: an element that is well framed but makes no sense (part 0, part 4 of 3, a port of
//! three octets) is not an error. The receiver has to ignore it and show the text. [3GPP 23.040
//! s9.2.3.24]

/// Longest header that can be built: one short message of octets.
pub const OCTETS_MAX: usize = 140;

const CONCAT_8: u8 = 0x00;
const PORTS_8: u8 = 0x04;
const PORTS_16: u8 = 0x05;
const CONCAT_16: u8 = 0x08;

/// A header, element by element, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Udh {
    pub elements: Vec<Element>,
}

/// One information element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    Concat(Concat),
    Ports(Ports),
    /// Unknown here, or without sense. Built again exactly as it came.
    Other {
        id: u8,
        data: Vec<u8>,
    },
}

/// Part `number` of `total`. From a parsed header `1 <= number <= total` always holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concat {
    pub reference: u16,
    pub total: u8,
    pub number: u8,
    /// An 8-bit and a 16-bit reference of the same value are different messages.
    pub is_16_bit: bool,
}

/// Application ports, as in UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    pub destination: u16,
    pub source: u16,
    pub is_16_bit: bool,
}

/// Why octets are not a header, or a header cannot become octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUdh {
    #[error("user data is empty; a user data header was announced")]
    Missing,
    #[error("user data header says {said} octets; {there} follow")]
    Overruns { said: u8, there: usize },
    #[error("element 0x{id:02X} of the user data header runs over its end")]
    ElementOverruns { id: u8 },
    #[error("user data header would have {octets} octets; at most {OCTETS_MAX} fit")]
    TooLong { octets: usize },
    #[error("value {0} does not fit an 8-bit element of the user data header")]
    TooWide(u16),
}

/// Takes the header off user data and hands back what follows it.
pub fn split(user_data: &[u8]) -> Result<(Udh, &[u8]), BadUdh> {
    let (&said, rest) = user_data.split_first().ok_or(BadUdh::Missing)?;
    let (header, body) = rest
        .split_at_checked(usize::from(said))
        .ok_or(BadUdh::Overruns { said, there: rest.len() })?;
    Ok((Udh::parse(header)?, body))
}

impl Udh {
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Reads the elements, without the length octet. At most 127 can come out of 255 octets.
    fn parse(mut header: &[u8]) -> Result<Self, BadUdh> {
        let mut elements = Vec::new();
        while let Some((&id, rest)) = header.split_first() {
            let (&len, rest) = rest.split_first().ok_or(BadUdh::ElementOverruns { id })?;
            let (data, rest) =
                rest.split_at_checked(usize::from(len)).ok_or(BadUdh::ElementOverruns { id })?;
            elements.push(Element::read(id, data));
            header = rest;
        }
        Ok(Self { elements })
    }

    /// Where the part belongs. The last of several counts. [3GPP 23.040 s9.2.3.24]
    pub fn concat(&self) -> Option<Concat> {
        self.elements.iter().rev().find_map(|element| match element {
            Element::Concat(concat) => Some(*concat),
            _ => None,
        })
    }

    /// The ports. The last of several counts.
    pub fn ports(&self) -> Option<Ports> {
        self.elements.iter().rev().find_map(|element| match element {
            Element::Ports(ports) => Some(*ports),
            _ => None,
        })
    }

    /// The header with its length octet, or nothing for a header without elements.
    pub fn to_octets(&self) -> Result<Vec<u8>, BadUdh> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let mut octets = vec![0];
        for element in &self.elements {
            element.write(&mut octets)?;
            if octets.len() > OCTETS_MAX {
                return Err(BadUdh::TooLong { octets: octets.len() });
            }
        }
        octets[0] = u8::try_from(octets.len() - 1).expect("checked against OCTETS_MAX");
        Ok(octets)
    }
}

impl Element {
    fn read(id: u8, data: &[u8]) -> Self {
        match (id, data) {
            (CONCAT_8, &[reference, total, number]) if is_part(number, total) => {
                let reference = reference.into();
                Self::Concat(Concat { reference, total, number, is_16_bit: false })
            }
            (CONCAT_16, &[high, low, total, number]) if is_part(number, total) => {
                let reference = u16::from_be_bytes([high, low]);
                Self::Concat(Concat { reference, total, number, is_16_bit: true })
            }
            (PORTS_8, &[destination, source]) => Self::Ports(Ports {
                destination: destination.into(),
                source: source.into(),
                is_16_bit: false,
            }),
            (PORTS_16, &[d1, d0, s1, s0]) => Self::Ports(Ports {
                destination: u16::from_be_bytes([d1, d0]),
                source: u16::from_be_bytes([s1, s0]),
                is_16_bit: true,
            }),
            _ => Self::Other { id, data: data.to_vec() },
        }
    }

    fn write(&self, octets: &mut Vec<u8>) -> Result<(), BadUdh> {
        match self {
            Self::Concat(Concat { reference, total, number, is_16_bit: true }) => {
                let [high, low] = reference.to_be_bytes();
                octets.extend([CONCAT_16, 4, high, low, *total, *number]);
            }
            Self::Concat(Concat { reference, total, number, is_16_bit: false }) => {
                octets.extend([CONCAT_8, 3, narrow(*reference)?, *total, *number]);
            }
            Self::Ports(Ports { destination, source, is_16_bit: true }) => {
                let ([d1, d0], [s1, s0]) = (destination.to_be_bytes(), source.to_be_bytes());
                octets.extend([PORTS_16, 4, d1, d0, s1, s0]);
            }
            Self::Ports(Ports { destination, source, is_16_bit: false }) => {
                octets.extend([PORTS_8, 2, narrow(*destination)?, narrow(*source)?]);
            }
            Self::Other { id, data } => {
                let too_long = BadUdh::TooLong { octets: octets.len() + 2 + data.len() };
                let len = u8::try_from(data.len()).map_err(|_| too_long)?;
                octets.extend([*id, len]);
                octets.extend(data);
            }
        }
        Ok(())
    }
}

fn is_part(number: u8, total: u8) -> bool {
    (1..=total).contains(&number)
}

fn narrow(value: u16) -> Result<u8, BadUdh> {
    u8::try_from(value).map_err(|_| BadUdh::TooWide(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn concat(reference: u16, total: u8, number: u8, is_16_bit: bool) -> Concat {
        Concat { reference, total, number, is_16_bit }
    }

    const PUSH: Ports = Ports { destination: 2948, source: 9200, is_16_bit: true };

    #[test]
    fn known_headers_are_read_and_built() {
        for (octets, elements) in [
            // length, concat 8-bit: reference AB, part 1 of 2
            (&b"\x05\x00\x03\xAB\x02\x01"[..], vec![Element::Concat(concat(0xAB, 2, 1, false))]),
            // length, concat 16-bit: reference 1234, part 3 of 3
            (b"\x06\x08\x04\x12\x34\x03\x03", vec![Element::Concat(concat(0x1234, 3, 3, true))]),
            // length, ports 16-bit: 2948 from 9200, the header of a single WAP push
            (b"\x06\x05\x04\x0B\x84\x23\xF0", vec![Element::Ports(PUSH)]),
            // length, ports 8-bit
            (
                b"\x04\x04\x02\xF5\xF0",
                vec![Element::Ports(Ports { destination: 0xF5, source: 0xF0, is_16_bit: false })],
            ),
            // The same with a part: 12 octets, 128 left.
            (
                b"\x0B\x05\x04\x0B\x84\x23\xF0\x00\x03\x7F\x02\x01",
                vec![Element::Ports(PUSH), Element::Concat(concat(0x7F, 2, 1, false))],
            ),
            // Turkish single shift, not understood, kept.
            (b"\x03\x24\x01\x01", vec![Element::Other { id: 0x24, data: vec![1] }]),
        ] {
            let mut user_data = octets.to_vec();
            user_data.extend(b"body");
            let (udh, body) = split(&user_data).expect("a good header");
            assert_eq!(udh.elements, elements, "{octets:02X?}");
            assert_eq!(body, b"body");
            assert_eq!(udh.to_octets().as_deref(), Ok(octets));
        }
    }

    #[test]
    fn elements_without_sense_are_ignored_and_kept() {
        for octets in [
            &b"\x05\x00\x03\xAB\x02\x00"[..], // part 0
            b"\x05\x00\x03\xAB\x02\x03",      // part 3 of 2
            b"\x05\x00\x03\xAB\x00\x00",      // no parts at all
            b"\x04\x00\x02\xAB\x02",          // too short
            b"\x05\x05\x03\x0B\x84\x23",      // half a port
        ] {
            let (udh, body) = split(octets).expect("well framed");
            assert_eq!((udh.concat(), udh.ports(), body), (None, None, &b""[..]));
            assert_eq!(udh.to_octets().as_deref(), Ok(octets));
        }
    }

    #[test]
    fn the_last_of_two_equal_elements_counts() {
        let (udh, _) = split(b"\x0A\x00\x03\x01\x02\x01\x00\x03\x02\x02\x02").expect("well framed");
        assert_eq!(udh.concat(), Some(concat(2, 2, 2, false)));
    }

    #[test]
    fn a_header_that_runs_over_is_an_error() {
        for (octets, error) in [
            (&b""[..], BadUdh::Missing),
            (b"\x05\x00\x03", BadUdh::Overruns { said: 5, there: 2 }),
            (b"\xFF", BadUdh::Overruns { said: 255, there: 0 }),
            (b"\x01\x00", BadUdh::ElementOverruns { id: 0 }),
            (b"\x03\x05\x04\x0B", BadUdh::ElementOverruns { id: 5 }),
        ] {
            assert_eq!(split(octets), Err(error), "{octets:02X?}");
        }
        assert_eq!(split(b"\x00text"), Ok((Udh::default(), &b"text"[..])));
    }

    #[test]
    fn a_header_that_cannot_travel_is_not_built() {
        let built = |element| Udh { elements: vec![element] }.to_octets();
        let long = |data| Element::Other { id: 0x70, data };
        assert_eq!(built(long(vec![0; 137])).map(|octets| octets.len()), Ok(140));
        assert_eq!(built(long(vec![0; 138])), Err(BadUdh::TooLong { octets: 141 }));
        assert_eq!(built(long(vec![0; 300])), Err(BadUdh::TooLong { octets: 303 }));
        let wide = Element::Concat(concat(0x100, 2, 1, false));
        assert_eq!(built(wide), Err(BadUdh::TooWide(0x100)));
    }

    proptest! {
        #[test]
        fn a_header_that_was_read_is_built_octet_for_octet(
            octets in prop::collection::vec(0_u8..8, 0..40),
        ) {
            if let Ok((udh, body)) = split(&octets) && !udh.is_empty() {
                let mut again = udh.to_octets().expect("short enough");
                again.extend(body);
                prop_assert_eq!(again, octets);
            }
        }
    }
}
