//! Programs that nobody here wrote, installed when they are absent and found when they are not.
//!
//! What is installed by a test goes below `target/tools` and carries a mark, so that a second run
//! needs no network; only Debian's packages go to the machine. Registries, proxies and certificates
//! are those of the machine: the environment is inherited and no host is named here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

/// Package managers do not like company, and tests run side by side.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Where a program is; `sbin` is looked into as well, which not every `PATH` names.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|at| at.join(name)).find(|at| at.is_file())
}

/// Makes sure of programs, each with the Debian package that has it.
pub(crate) fn debian(programs: &[(&str, &str)]) {
    let lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let absent = programs.iter().filter(|(name, _)| program(name).is_none());
    let packages: Vec<&str> = absent.map(|(_, package)| *package).collect();
    if !packages.is_empty() {
        apt(&packages);
    }
    drop(lock);
}

fn apt(packages: &[&str]) {
    let id = Command::new("id").arg("-u").output();
    let is_root = id.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let by_hand = format!("sudo apt-get install {}", packages.join(" "));
    assert!(
        is_root || program("sudo").is_some(),
        "the tests need {packages:?}, and only root may install them; run `{by_hand}`"
    );
    let apt_get = |words: &[&str]| {
        let mut command = Command::new(if is_root { "env" } else { "sudo" });
        if !is_root {
            // Asks for no password: a test has nobody to ask.
            command.args(["-n", "env"]);
        }
        // A service that comes with a package must not be started by a test (RUNLEVEL).
        command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]);
        command.args(["-y", "-q", "-o", "DPkg::Lock::Timeout=300"]).args(words);
        command
    };
    let mut install = vec!["install", "--no-install-recommends"];
    install.extend(packages);
    // The list of packages may be old or absent, which only the second try can know.
    if run(&mut apt_get(&install)).is_err() {
        let updated = run(&mut apt_get(&["update"]));
        if let Err(wrong) = updated.and_then(|()| run(&mut apt_get(&install))) {
            panic!("{packages:?} could not be installed; run `{by_hand}`\n{wrong}");
        }
    }
}

/// A virtual environment that has these packages, each written as `name==version`.
pub(crate) fn python(packages: &[&str]) -> PathBuf {
    debian(&[("python3", "python3")]);
    let folder = folder("python", packages);
    let has_venv = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    if !is_ready(&folder, packages) && !has_venv.is_ok_and(|output| output.status.success()) {
        // Debian cuts this part of Python's library off.
        let lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        apt(&["python3-venv"]);
        drop(lock);
    }
    once(&folder, packages, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(pip.args(packages))
    });
    folder
}

/// A folder whose `node_modules` has these packages, each written as `name@version`.
pub(crate) fn npm(packages: &[&str]) -> PathBuf {
    debian(&[("node", "nodejs"), ("npm", "npm")]);
    let folder = folder("npm", packages);
    once(&folder, packages, || {
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        run(npm.arg(&folder).args(packages))
    });
    folder
}

/// `target/tools/npm-smpp` for `smpp@0.5.1`.
fn folder(manager: &str, packages: &[&str]) -> PathBuf {
    let name = |package: &str| package.split(['=', '@']).next().unwrap_or_default().to_owned();
    let names: Vec<String> = packages.iter().map(|package| name(package)).collect();
    Path::new(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("target/tmp"))
        .with_file_name("tools")
        .join(format!("{manager}-{}", names.join("-")))
}

fn mark(folder: &Path) -> PathBuf {
    folder.join("installed.txt")
}

/// The mark holds the versions, so that another version is installed anew.
fn is_ready(folder: &Path, packages: &[&str]) -> bool {
    fs::read_to_string(mark(folder)).is_ok_and(|text| text == packages.join("\n"))
}

fn once(folder: &Path, packages: &[&str], install: impl FnOnce() -> Result<(), String>) {
    let lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if !is_ready(folder, packages) {
        if let Err(wrong) = install() {
            panic!("{packages:?} could not be installed into {}\n{wrong}", folder.display());
        }
        fs::write(mark(folder), packages.join("\n")).expect("a mark of what is installed");
    }
    drop(lock);
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let out = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            Err(format!("{command:?}: {}\n{out}\n{errors}", output.status))
        }
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
