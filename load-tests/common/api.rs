//! A client of the daemon's HTTP interface: one connection, one request at a time.
//!
//! It is written here and not taken from a library, because a load test must cost the machine less
//! than what it measures. It reads what the daemon answers, and no other server.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// The header that says whose session it is.
pub(crate) fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

pub(crate) struct Api {
    stream: BufReader<TcpStream>,
    /// A line of each request that says who asks; none for what is open to everybody.
    header: String,
}

impl Api {
    pub(crate) async fn connect(address: SocketAddr, header: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the daemon listens");
        stream.set_nodelay(true).expect("a setting");
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        Self { stream: BufReader::new(stream), header }
    }

    /// The status of a page.
    pub(crate) async fn look(&mut self, page: &str) -> u16 {
        self.get(page).await.0
    }

    /// A page as text.
    pub(crate) async fn read(&mut self, page: &str) -> String {
        let (status, body) = self.get(page).await;
        assert_eq!(status, 200, "GET {page}");
        String::from_utf8(body).expect("text")
    }

    async fn get(&mut self, page: &str) -> (u16, Vec<u8>) {
        let request =
            format!("GET {page} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n{}\r\n", self.header);
        self.stream.write_all(request.as_bytes()).await.expect("a request");
        self.answer().await
    }

    /// Changes a version of something; the answer is what it is like now.
    pub(crate) async fn change(&mut self, way: &str, path: &str, of: i64, body: &Value) -> Value {
        let body = body.to_string();
        let request = format!(
            "{way} {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n{}if-match: \"{of}\"\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.header,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.expect("a request");
        let (status, answer) = self.answer().await;
        let text = String::from_utf8_lossy(&answer);
        assert!(status == 200, "{way} {path} {body} answered {status}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Reads one answer to its end.
    async fn answer(&mut self) -> (u16, Vec<u8>) {
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).await.expect("a line");
            let text = line.trim().to_ascii_lowercase();
            if let Some(rest) = text.strip_prefix("http/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
            } else if let Some(value) = text.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            } else if text.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.expect("the body");
        (status, body)
    }
}
