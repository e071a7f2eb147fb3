//! The stories: everything that is told of the whole program rather than of one module. One
//! binary, so that the library is linked once.

mod tidy;
