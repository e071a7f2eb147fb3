//! Letters out: a worker takes what verbs wrote into the outbox and hands it to a mail server.
//!
//! Nothing is sent inside a request, and no letter is written outside the transaction of what it
//! tells. What surprises: a letter may go out twice when the server's answer is lost; it is never
//! lost itself.
