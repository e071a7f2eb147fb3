//! Addresses that a hostile or careless partner types.

use super::*;

const STRICT: Guard = guard(false, false);
const LABORATORY: Guard = guard(true, true);

const fn guard(insecure_http: bool, insecure_private_addresses: bool) -> Guard {
    Guard { insecure_http, insecure_private_addresses, refused_networks: Vec::new() }
}

#[test]
fn plain_https_addresses_are_taken_as_they_are() {
    for (url, authority, target) in [
        ("https://partner.example.com", "partner.example.com", "/"),
        ("HTTPS://Partner.Example.COM/", "partner.example.com", "/"),
        (
            "https://partner.example.com/mo?token=a%20b&x=1",
            "partner.example.com",
            "/mo?token=a%20b&x=1",
        ),
        ("https://partner.example.com?x=1", "partner.example.com", "/?x=1"),
        ("https://partner.example.com:443/mo", "partner.example.com", "/mo"),
        ("https://partner.example.com:8443/mo", "partner.example.com:8443", "/mo"),
        ("https://partner.example.com//twice", "partner.example.com", "//twice"),
        ("https://partner.example.com/a@b:c", "partner.example.com", "/a@b:c"),
        ("https://xn--d1acufc.xn--p1ai/", "xn--d1acufc.xn--p1ai", "/"),
        ("https://1.1.1.1/mo", "1.1.1.1", "/mo"),
        ("https://[2606:4700::1111]:8443/mo", "[2606:4700::1111]:8443", "/mo"),
        ("https://127.0.0.1.example.com/", "127.0.0.1.example.com", "/"),
    ] {
        let endpoint = STRICT.parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(endpoint.origin().authority(), authority, "{url}");
        assert_eq!(endpoint.target().to_string(), target, "{url}");
        assert!(endpoint.origin().is_tls);
    }
}

#[test]
fn crooked_urls_and_names_are_refused_each_for_its_own_reason() {
    use BadAddress as Bad;
    let long = format!("https://partner.example.com/{}", "a".repeat(2048));
    let long_label = format!("https://{}.example.com/", "a".repeat(64));
    let long_name = format!("https://{}com/", "abcdefg.".repeat(32));
    for (url, expected) in [
        // Schemes.
        ("http://partner.example.com/", Bad::Scheme),
        ("ftp://partner.example.com/", Bad::Scheme),
        ("file:///etc/passwd", Bad::Scheme),
        ("gopher://127.0.0.1:6379/_x", Bad::Scheme),
        ("//partner.example.com/", Bad::Scheme),
        ("https:/partner.example.com/", Bad::Scheme),
        ("partner.example.com", Bad::Scheme),
        ("", Bad::Scheme),
        // Characters that parsers disagree about, and header injection.
        (" https://partner.example.com/", Bad::Character),
        ("https:\\\\partner.example.com/", Bad::Character),
        ("https://partner.example.com\\@127.0.0.1/", Bad::Character),
        ("https://partner.example.com/\r\nhost: x", Bad::Character),
        ("https://partner.exa\tmple.com/", Bad::Character),
        ("https://partner\u{3002}example\u{3002}com/", Bad::Character),
        ("https://\u{ff11}27.0.0.1/", Bad::Character),
        ("https://partner.example.com/\0", Bad::Character),
        ("https://partner.example.com/ą", Bad::Character),
        (long.as_str(), Bad::TooLong),
        // Credentials and fragments.
        ("https://user:password@partner.example.com/", Bad::UserInfo),
        ("https://partner.example.com@127.0.0.1/", Bad::UserInfo),
        ("https://@partner.example.com/", Bad::UserInfo),
        ("https://partner.example.com/#x", Bad::Fragment),
        ("https://127.0.0.1#@partner.example.com/", Bad::Fragment),
        // Hosts.
        ("https://", Bad::Host),
        ("https:///mo", Bad::Host),
        ("https://?x", Bad::Host),
        ("https://partner.example.com./", Bad::Host),
        ("https://127.0.0.1./", Bad::Host),
        ("https://partner..example.com/", Bad::Host),
        ("https://-partner.example.com/", Bad::Host),
        ("https://partner%2eexample.com/", Bad::Host),
        ("https://part_ner.example.com/", Bad::Host),
        (long_label.as_str(), Bad::Host),
        (long_name.as_str(), Bad::Host),
        ("https://[::1", Bad::Host),
        ("https://[fe80::1%25eth0]/", Bad::Host),
        ("https://[::1]x/", Bad::Host),
        ("https://[127.0.0.1]/", Bad::Host),
        ("https://::1/", Bad::Host),
        // Local names.
        ("https://localhost/", Bad::LocalName),
        ("https://LOCALHOST:8443/", Bad::LocalName),
        ("https://metadata/", Bad::LocalName),
        ("https://metadata.google.internal/", Bad::LocalName),
        ("https://x.localhost/", Bad::LocalName),
        ("https://printer.local/", Bad::LocalName),
        ("https://1.0.0.127.in-addr.arpa/", Bad::LocalName),
        // Ports.
        ("https://partner.example.com:0/", Bad::Port),
        ("https://partner.example.com:22/", Bad::Port),
        ("https://partner.example.com:80/", Bad::Port),
        ("https://partner.example.com:65536/", Bad::Port),
        ("https://partner.example.com:+443/", Bad::Port),
        ("https://partner.example.com:/", Bad::Port),
        ("https://partner.example.com:443:443/", Bad::Port),
        ("https://partner.example.com:99999999999999999999/", Bad::Port),
        // Targets.
        ("https://partner.example.com/a<b>", Bad::Target),
    ] {
        assert_eq!(STRICT.parse(url), Err(expected), "{url:?}");
    }
}

#[test]
fn addresses_in_disguise_or_out_of_bounds_are_refused_each_for_its_own_reason() {
    use BadAddress as Bad;
    let not_public = |name| Bad::NotPublic(name);
    for (url, expected) in [
        // IPv4 in forms that resolvers take and people do not write.
        ("https://2130706433/", Bad::UnusualAddress),
        ("https://0x7f000001/", Bad::UnusualAddress),
        ("https://0x7f.0x0.0x0.0x1/", Bad::UnusualAddress),
        ("https://0X7F.1/", Bad::UnusualAddress),
        ("https://0177.0.0.1/", Bad::UnusualAddress),
        ("https://017700000001/", Bad::UnusualAddress),
        ("https://127.1/", Bad::UnusualAddress),
        ("https://127.0.1/", Bad::UnusualAddress),
        ("https://127.0.0.01/", Bad::UnusualAddress),
        ("https://127.0.0.256/", Bad::UnusualAddress),
        ("https://1.1.1.1.1/", Bad::UnusualAddress),
        ("https://partner.example.0x1/", Bad::UnusualAddress),
        // Addresses that are not public.
        ("https://127.0.0.1/", not_public("loopback")),
        ("https://0.0.0.0/", not_public("unspecified")),
        ("https://10.1.2.3/", not_public("private")),
        ("https://172.20.0.1/", not_public("private")),
        ("https://192.168.1.1:8443/", not_public("private")),
        ("https://100.64.0.1/", not_public("carrier-grade NAT")),
        ("https://169.254.169.254/latest/meta-data/", not_public("link-local")),
        ("https://168.63.129.16/", not_public("metadata service")),
        ("https://198.18.0.1/", not_public("benchmark")),
        ("https://203.0.113.7/", not_public("documentation")),
        ("https://224.0.0.1/", not_public("multicast")),
        ("https://255.255.255.255/", not_public("broadcast")),
        ("https://[::1]/", not_public("loopback")),
        ("https://[::]/", not_public("unspecified")),
        ("https://[::ffff:127.0.0.1]/", not_public("IPv4 in IPv6")),
        ("https://[::ffff:7f00:1]/", not_public("IPv4 in IPv6")),
        ("https://[::ffff:8.8.8.8]/", not_public("IPv4 in IPv6")),
        ("https://[::127.0.0.1]/", not_public("not global")),
        ("https://[64:ff9b::7f00:1]/", not_public("NAT64")),
        ("https://[2002:7f00:1::]/", not_public("6to4")),
        ("https://[2001::1]/", not_public("protocol assignment")),
        ("https://[fe80::1]/", not_public("link-local")),
        ("https://[fd00:ec2::254]/", not_public("metadata service")),
        ("https://[fd12:3456::1]/", not_public("unique local")),
        ("https://[ff02::1]/", not_public("multicast")),
    ] {
        assert_eq!(STRICT.parse(url), Err(expected), "{url:?}");
    }
}

#[test]
fn a_laboratory_may_use_http_and_private_addresses_but_no_disguise() {
    for url in [
        "http://127.0.0.1:8080/mo",
        "http://localhost/mo",
        "https://10.0.0.7/",
        "http://[::1]:8080/",
        "http://partner-app:8080/",
    ] {
        assert!(LABORATORY.parse(url).is_ok(), "{url}");
    }
    for url in [
        "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://0x7f.1/",
        "http://user@localhost/",
        "http://localhost:25/",
        "ftp://localhost/",
    ] {
        assert!(LABORATORY.parse(url).is_err(), "{url}");
    }
}

#[test]
fn each_exception_lifts_only_its_own_rule() {
    let http = Guard { insecure_http: true, ..STRICT };
    assert!(http.parse("http://partner.example.com/").is_ok());
    assert_eq!(http.parse("http://127.0.0.1/"), Err(BadAddress::NotPublic("loopback")));
    let private = Guard { insecure_private_addresses: true, ..STRICT };
    assert!(private.parse("https://127.0.0.1/").is_ok());
    assert_eq!(private.parse("http://127.0.0.1/"), Err(BadAddress::Scheme));
}

#[test]
fn one_private_address_among_public_ones_refuses_the_whole_name() {
    let addresses = |texts: &[&str]| -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let public = addresses(&["1.1.1.1", "2606:4700::1111"]);
    assert_eq!(
        STRICT.admit_all(&public, 8443),
        Ok(vec!["1.1.1.1:8443".parse().unwrap(), "[2606:4700::1111]:8443".parse().unwrap()])
    );
    for (texts, name) in [
        (&["1.1.1.1", "127.0.0.1"], "loopback"),
        (&["10.0.0.1", "1.1.1.1"], "private"),
        (&["1.1.1.1", "::ffff:10.0.0.1"], "IPv4 in IPv6"),
        (&["2606:4700::1111", "fd00::1"], "unique local"),
    ] {
        let refused = STRICT.admit_all(&addresses(texts), 443);
        assert_eq!(refused, Err(BadAddress::NotPublic(name)), "{texts:?}");
    }
    assert_eq!(STRICT.admit_all(&[], 443), Err(BadAddress::NoAddress));
    let many = vec![IpAddr::from([1, 1, 1, 1]); 33];
    assert_eq!(STRICT.admit_all(&many, 443), Err(BadAddress::TooManyAddresses));
}

#[test]
fn an_endpoint_prints_without_its_path() {
    let endpoint = STRICT.parse("https://partner.example.com:8443/mo?token=secret").unwrap();
    assert_eq!(endpoint.to_string(), "https://partner.example.com:8443");
    assert_eq!(format!("{endpoint:?}"), "Endpoint(https://partner.example.com:8443)");
}

#[test]
fn the_networks_of_the_operator_are_refused_although_they_are_public() {
    let refused_networks = vec!["8.8.0.0/16".parse().unwrap(), "2606:4700::/32".parse().unwrap()];
    let guard = Guard { refused_networks, ..LABORATORY };
    for url in ["https://8.8.8.8/", "https://[2606:4700::1111]/"] {
        assert_eq!(guard.parse(url), Err(BadAddress::NotPublic("refused network")), "{url}");
    }
    assert!(guard.parse("https://1.1.1.1/").is_ok());
    let both = ["1.1.1.1".parse().unwrap(), "8.8.4.4".parse().unwrap()];
    assert!(guard.admit_all(&both, 443).is_err());
}
