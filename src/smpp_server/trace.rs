//! A PDU as a line of `bramka trace session`.

use crate::{
    gateway::registry::TraceLine,
    smpp::{Command, trace::summary},
};

pub(crate) fn line(at: i64, direction: &'static str, command: &Command) -> TraceLine {
    TraceLine {
        at,
        direction,
        command: command.pdu.name(),
        status: command.status.to_string(),
        sequence: command.sequence,
        summary: summary(command),
    }
}
