//! Listening sockets: given by systemd, or bound here before anything starts.
//!
//! It accepts no connections. The surprise: a socket that systemd passed wins over the configured
//! address, because during an upgrade it is the one that partners are already waiting on (P39).

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::Context as _;
use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// Connections the kernel holds until they are accepted; a bind storm must fit (P34).
const BACKLOG: i32 = 1024;
/// Sent data unacknowledged for this long ends a connection (P32).
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Names of the sockets, the same in the units: `FileDescriptorName=smpp-tls`.
pub const NAMES: [&str; 5] = ["smpp", "smpp-tls", "http", "http-tls", "admin"];

/// Sockets that systemd passed, by name.
#[derive(Debug, Default)]
pub struct Listeners {
    passed: Vec<(String, TcpListener)>,
}

impl Listeners {
    /// Takes what systemd passed. Once, before any thread is started: it clears the variables.
    pub fn from_env() -> anyhow::Result<Self> {
        // Names before sockets: taking the sockets clears the variables that hold the names.
        let names: Vec<String> = sd_notify::listen_fds_with_names()
            .map(|fds| fds.map(|(_, name)| name).collect())
            .unwrap_or_default();
        let mut sockets = ListenFd::from_env();
        let mut passed = Vec::new();
        for index in 0..sockets.len() {
            let name = names.get(index).cloned().unwrap_or_else(|| "unknown".into());
            let socket = sockets
                .take_tcp_listener(index)
                .with_context(|| format!("taking socket {index} (`{name}`) from systemd"))?;
            passed.extend(socket.map(|socket| (name, socket)));
        }
        Ok(Self { passed })
    }

    pub fn of(passed: Vec<(String, TcpListener)>) -> Self {
        Self { passed }
    }

    /// The sockets of one name: those passed, else new ones on the configured addresses.
    pub fn take(
        &mut self,
        name: &str,
        configured: &[SocketAddr],
    ) -> anyhow::Result<Vec<TcpListener>> {
        let is_named = |(passed, _): &mut (String, TcpListener)| passed == name;
        let passed: Vec<TcpListener> =
            self.passed.extract_if(.., is_named).map(|(_, socket)| socket).collect();
        if passed.is_empty() {
            return configured
                .iter()
                .map(|address| bind(*address).with_context(|| format!("opening the `{name}` port")))
                .collect();
        }
        for socket in &passed {
            // Not every sender sets it, and a blocking socket would stop a whole worker.
            socket.set_nonblocking(true).context("a socket passed by systemd")?;
            let address = socket.local_addr().context("a socket passed by systemd")?;
            tracing::info!(name, %address, "listening on a socket of systemd");
        }
        Ok(passed)
    }

    /// Names that nobody took: the units and the daemon do not agree about them.
    pub fn left(&self) -> Vec<&str> {
        self.passed.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// A listening socket, ready for `tokio::net::TcpListener::from_std`.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    open(address).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => "; another process has it, perhaps a second daemon",
            std::io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
            std::io::ErrorKind::PermissionDenied => {
                "; ports below 1024 need CAP_NET_BIND_SERVICE, use a port above"
            }
            _ => "",
        };
        anyhow::anyhow!("cannot listen on {address}: {error}{hint}")
    })
}

fn open(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Old connections in TIME_WAIT must not keep a restarted daemon from its port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Sets what every connection needs, accepted or dialled: no delay, and a dead peer is noticed.
pub fn tune(stream: &impl AsFd) -> std::io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    // Without traffic the user timeout never starts; keepalive makes some.
    socket.set_tcp_keepalive(
        &TcpKeepalive::new().with_time(USER_TIMEOUT).with_interval(Duration::from_secs(10)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }

    #[test]
    fn a_port_is_bound_once_and_the_second_try_says_why_not() {
        let first = bind(loopback()).unwrap();
        let address = first.local_addr().unwrap();
        let error = bind(address).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
        assert!(error.contains("another process has it"), "{error}");
    }

    #[test]
    fn a_passed_socket_wins_over_the_configured_address_and_leaves_other_names_alone() {
        let (smpp, http) = (bind(loopback()).unwrap(), bind(loopback()).unwrap());
        let address = smpp.local_addr().unwrap();
        let mut listeners = Listeners::of(vec![("smpp".into(), smpp), ("http".into(), http)]);
        let taken = listeners.take("smpp", &[loopback(), loopback()]).unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].local_addr().unwrap(), address);
        assert_eq!(listeners.left(), ["http"]);
        assert_eq!(listeners.take("admin", &[loopback(), loopback()]).unwrap().len(), 2);
        assert!(listeners.take("smpp-tls", &[]).unwrap().is_empty());
    }

    #[tokio::test]
    async fn accepted_and_dialled_connections_notice_a_dead_peer() {
        let listener = tokio::net::TcpListener::from_std(bind(loopback()).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (dialled, accepted) =
            tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
        for stream in [&dialled.unwrap(), &accepted.unwrap().0] {
            tune(stream).unwrap();
            assert!(stream.nodelay().unwrap());
            let socket = SockRef::from(stream);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
            assert!(socket.keepalive().unwrap());
        }
    }
}
