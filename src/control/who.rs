//! Who somebody is on this host: user numbers and their names.
//!
//! Names come from `/etc/passwd` alone; a user of a directory service is shown by number. What
//! surprises: nobody is asked for a name that the kernel knows. Root and the daemon's own account
//! may say on whose behalf they act, because several people share these two.

use std::os::unix::fs::MetadataExt;

/// The name of a user, or `uid:NUMBER`.
pub fn name_of(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    find_name(&passwd, uid).unwrap_or_else(|| format!("uid:{uid}"))
}

fn find_name(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid && is_name(name)).then(|| name.to_owned())
    })
}

/// The user number of this process.
pub fn own_uid() -> u32 {
    std::fs::metadata("/proc/self").map_or(u32::MAX, |meta| meta.uid())
}

/// Who runs this command: behind `sudo`, the person and not root.
pub fn myself() -> String {
    let uid = own_uid();
    let person = std::env::var("SUDO_USER").ok().filter(|name| uid == 0 && is_name(name));
    person.unwrap_or_else(|| name_of(uid))
}

/// Whom to believe: the kernel, unless a shared account names a person.
pub(crate) fn believed(uid: u32, claimed: Option<&str>) -> String {
    let is_shared = uid == 0 || uid == own_uid();
    match claimed.filter(|name| is_shared && is_name(name)) {
        Some(name) => name.to_owned(),
        None => name_of(uid),
    }
}

/// Whether a text can stand as a person's name in the audit trail.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@:".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_number_is_named_from_the_passwd_file() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbroken\nanna:x:1001:1001::/:/bin/sh\n";
        assert_eq!(find_name(passwd, 1001).as_deref(), Some("anna"));
        assert_eq!(find_name(passwd, 7), None);
        assert_eq!(name_of(4_000_000_001), "uid:4000000001");
    }

    #[test]
    fn only_a_shared_account_may_act_for_somebody() {
        assert_eq!(believed(0, Some("anna")), "anna");
        assert_eq!(believed(own_uid(), Some("anna")), "anna");
        let stranger = 4_000_000_001;
        assert_eq!(believed(stranger, Some("anna")), "uid:4000000001");
        assert_eq!(believed(0, Some("anna\u{1b}[2J")), name_of(0), "not a name");
    }
}
