//! Stories: a real daemon, real sockets, and peers that know nothing of its insides. And the house
//! rules, which read the source tree.

mod end_to_end;
mod tidy;
mod world;
