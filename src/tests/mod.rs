//! Stories: a real daemon, real sockets, and peers that know nothing of its insides.

mod end_to_end;
mod world;
