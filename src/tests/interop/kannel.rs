//! Debian's Kannel as the software of a partner: its application speaks HTTP to Kannel, and Kannel
//! SMPP to the gateway.

use std::{collections::HashMap, net::SocketAddr, path::Path, process::Stdio, time::Duration};

use axum::{
    Router,
    extract::{Query, State},
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use super::{
    super::tools,
    Overheard,
    foreign::script,
    text::{POLISH, long, pieces, text_of},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What Kannel asks of its application: `/mo` or `/dlr`, and the parameters.
type Call = (String, HashMap<String, String>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kannel_as_a_partner_sends_receives_and_gets_its_receipts() {
    tools::debian(&[("bearerbox", "kannel")]);
    let heard = Box::pin(Overheard::new()).await;
    let mut application = Application::new().await;
    let mut kannel = Kannel::start(&heard, application.address).await;

    // Coding 0 is GSM, 2 is UCS-2; Kannel cuts the long one by itself.
    let long = long();
    for (name, text, coding) in
        [("short", "Hello from Kannel", 0), ("polish", POLISH, 2), ("long", &long, 0)]
    {
        let (status, answer) = kannel.send("7455", name, text, coding, application.address).await;
        assert_eq!(status, 202, "{answer}");
    }
    let sent = heard.world.smsc.wait_for_submits(5).await.unwrap();
    let texts: Vec<String> = sent.iter().map(|submit| text_of(submit).1).collect();
    assert!(texts.iter().any(|text| text == "Hello from Kannel"), "{texts:?}");
    assert!(texts.iter().any(|text| text == POLISH), "{texts:?}");
    assert_eq!(pieces(&sent).concat(), long);

    // 8 is accepted by the gateway, 1 is delivered; both of the same message. Of a long one Kannel
    // asks for the receipt of one part.
    let mut accepted = HashMap::new();
    let mut delivered = HashMap::new();
    while delivered.len() < 3 {
        let call = application.called("dlr").await;
        let of_type = match call["type"].as_str() {
            "8" => &mut accepted,
            "1" => &mut delivered,
            _ => panic!("{call:?}"),
        };
        assert_eq!(of_type.insert(call["name"].clone(), call["id"].clone()), None, "{call:?}");
    }
    assert_eq!(accepted, delivered);

    // A sender that is not the partner's: refused for good, and the next one still goes.
    kannel.send("9999", "refused", "no", 0, application.address).await;
    let call = application.called("dlr").await;
    assert_eq!((&*call["name"], &*call["type"]), ("refused", "16"), "{call:?}");
    kannel.send("7455", "after", "still here", 0, application.address).await;
    heard.world.smsc.wait_for_submits(6).await.unwrap();

    let long = format!("win {long}");
    for text in ["win please", "win Zażółć gęślą jaźń", &long] {
        assert!(heard.world.smsc.mo("48600100200", "7455", text).await.unwrap().is_ok());
        let call = application.called("mo").await;
        assert_eq!(call["text"], text);
        assert!(call["from"].ends_with("48600100200"), "{call:?}");
        assert_eq!(call["to"], "7455");
    }
    kannel.stop().await;
    heard.end("kannel").await;
}

/// The partner's own program, which Kannel calls.
struct Application {
    address: SocketAddr,
    calls: mpsc::Receiver<Call>,
    waiting: Vec<Call>,
    _server: JoinSet<()>,
}

impl Application {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, calls) = mpsc::channel(100);
        let note = async |State(tell): State<mpsc::Sender<Call>>,
                          uri: axum::http::Uri,
                          Query(asked): Query<HashMap<String, String>>| {
            tell.send((uri.path().to_owned(), asked)).await.unwrap();
        };
        let router = Router::new().fallback(note).with_state(tell);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, calls, waiting: Vec::new(), _server: server }
    }

    /// The next call of `/mo` or `/dlr`; the others are kept for later.
    async fn called(&mut self, what: &str) -> HashMap<String, String> {
        let path = format!("/{what}");
        if let Some(at) = self.waiting.iter().position(|(called, _)| *called == path) {
            return self.waiting.remove(at).1;
        }
        loop {
            let call = timeout(PATIENCE, self.calls.recv()).await;
            let Ok(Some(call)) = call else { panic!("no {what}; waiting: {:?}", self.waiting) };
            if call.0 == path {
                return call.1;
            }
            self.waiting.push(call);
        }
    }
}

struct Kannel {
    bearer_box: Process,
    sms_box: Process,
    send_sms: u16,
}

/// One of its boxes, and who copies its log into `target/tmp`: an unread pipe would stop it.
struct Process {
    child: Child,
    _reader: JoinSet<()>,
}

impl Kannel {
    async fn start(heard: &Overheard, application: SocketAddr) -> Self {
        let [admin, boxes, send_sms] = free_ports().await;
        let mut text = std::fs::read_to_string(script("kannel.conf")).unwrap();
        for (word, port) in [
            ("@ADMIN@", admin),
            ("@BOX@", boxes),
            ("@SENDSMS@", send_sms),
            ("@SMPP@", heard.partners.address().port()),
            ("@APP@", application.port()),
        ] {
            text = text.replace(word, &port.to_string());
        }
        let folder = heard.world.folder.path();
        let config = folder.join("kannel.conf");
        std::fs::write(&config, text).unwrap();
        let bearer_box = start("bearerbox", &config, folder, "Start-up done").await;
        let sms_box = start("smsbox", &config, folder, "Connected to bearerbox").await;
        super::super::world::eventually("Kannel is bound", async || {
            (!heard.world.gateway().registry().sessions().is_empty()).then_some(())
        })
        .await;
        Self { bearer_box, sms_box, send_sms }
    }

    /// Kannel's HTTP interface, as its users know it.
    async fn send(
        &mut self,
        from: &str,
        name: &str,
        text: &str,
        coding: u8,
        application: SocketAddr,
    ) -> (u16, String) {
        let called = format!("http://{application}/dlr?name={name}&type=%d&id=%F");
        let path = format!(
            "/cgi-bin/sendsms?username=app&password=secret&from={from}&to=%2B48600100200\
             &charset=UTF-8&coding={coding}&dlr-mask=31&dlr-url={}&text={}",
            escaped(&called),
            escaped(text)
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.send_sms)).await.unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        (status, answer)
    }

    /// Both boxes end when they are asked to, and unbind before.
    async fn stop(&mut self) {
        for Process { child, .. } in [&mut self.sms_box, &mut self.bearer_box] {
            // Not the program `kill`: a small machine does not have it.
            let id = i32::try_from(child.id().expect("it still runs")).unwrap();
            kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
            timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
        }
    }
}

/// Starts a box and waits until its log says that it is there.
async fn start(name: &str, config: &Path, folder: &Path, ready: &str) -> Process {
    let program = tools::program(name).expect("it was installed above");
    let mut command = Command::new(program);
    command.args(["-v", "0"]).arg(config).current_dir(folder).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().expect("piped above")).lines();
    let mut said = String::new();
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else { panic!("{name} did not start:\n{said}") };
        said.push_str(&line);
        said.push('\n');
        if line.contains(ready) {
            break;
        }
    }
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.log"));
    let mut log = tokio::fs::File::create(log).await.unwrap();
    let mut reader = JoinSet::new();
    reader.spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            log.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        }
    });
    Process { child, _reader: reader }
}

/// Ports that were free a moment ago; Kannel cannot take port 0.
async fn free_ports<const N: usize>() -> [u16; N] {
    let mut ports = [0; N];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        *port = listener.local_addr().unwrap().port();
        held.push(listener);
    }
    ports
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, octet| escaped + &format!("%{octet:02X}"))
}
