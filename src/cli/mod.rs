//! The command line: one program that is the daemon and every tool around it.
//!
//! Business data is written straight to the store, which works while the daemon is down, and the
//! daemon is then told to read it again. What lives only in the daemon is asked of it over the
//! control socket.
//!
//! What surprises: nothing here ends the process or prints by itself. [`main_with`] takes the
//! arguments and an [`Output`] and gives back the exit code, so tests run whole commands.

pub mod args;
mod changes;
mod check;
mod complaint;
mod credential;
mod desk;
mod doctor;
mod document;
mod failure;
mod fault;
mod letters;
mod live;
mod message;
mod money;
mod number_base;
mod order;
mod output;
mod partner;
mod privacy;
mod receipt;
mod replay;
mod seed;
mod seen;
mod service;
#[cfg(test)]
mod tests;
mod top;
mod traffic;
mod user;

use std::ffi::OsString;

use clap::Parser as _;

use args::{Cli, Command};
use desk::Desk;
use failure::Outcome;
pub use failure::{Exit, Failure};
pub use output::Output;

use crate::config::Config;

/// Runs one command; gives back the exit code of the process.
pub fn main_with<I, T>(arguments: I, out: &mut Output) -> i32
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come as errors that are none.
            let is_help = !error.use_stderr();
            let text = error.render();
            if is_help {
                out.raw(&text.to_string());
            } else {
                out.remark(text.to_string().trim_end());
            }
            return if is_help { Exit::Done as i32 } else { Exit::Usage as i32 };
        }
    };
    out.use_json(cli.json);
    match runtime(&cli.command).and_then(|runtime| runtime.block_on(run(cli, out))) {
        Ok(()) => Exit::Done as i32,
        Err(failure) => {
            let exit = failure.exit as i32;
            out.complain(&failure.text, exit);
            exit
        }
    }
}

/// The daemon uses every core; a command has no use for more than the one it has.
fn runtime(command: &Command) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = match command {
        Command::Run { .. } | Command::Demo(_) | Command::DemoPeer => {
            tokio::runtime::Builder::new_multi_thread()
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let built = builder.enable_all().build();
    built.map_err(|error| Failure::failed(format!("starting the runtime: {error}")))
}

async fn run(cli: Cli, out: &mut Output) -> Outcome {
    // These need no configuration, and must work when it is broken.
    match cli.command {
        Command::Check => return check::check(&cli.config, out),
        Command::Demo(options) => return crate::demo::run(options, out).await,
        Command::DemoPeer => return Ok(crate::demo::peer().await?),
        Command::Config(args::ConfigCommand::Sample) => {
            out.raw(&Config::sample());
            return Ok(());
        }
        Command::Doctor => return doctor::doctor(&cli.config, out).await,
        _ => {}
    }
    let config = Config::load(&cli.config)?;
    if let Command::Run { die_with_stdin } = cli.command {
        if die_with_stdin {
            crate::demo::die_with_stdin();
        }
        let listeners = crate::listen::Listeners::from_env()?;
        let log = crate::log::init(&config.log)?;
        return Ok(crate::daemon::run(config, listeners, Some(log)).await?);
    }
    let desk = &mut Desk::new(config, out);
    match cli.command {
        Command::Config(command) => {
            check::show(desk, &command);
            Ok(())
        }
        Command::Migrate => check::migrate(desk).await,
        Command::Partner(command) => partner::partner(desk, command).await,
        Command::Credential(command) => credential::credential(desk, command).await,
        Command::Key(command) => credential::key(desk, command).await,
        Command::User(command) => user::user(desk, command).await,
        Command::Number(command) => service::number(desk, command).await,
        Command::Tariff(command) => service::tariff(desk, command).await,
        Command::Service(command) => service::service(desk, command).await,
        Command::Document(command) => document::document(desk, command),
        Command::Seed { file } => seed::seed(desk, &file).await,
        Command::Status => live::status(desk).await,
        Command::Top(wish) => top::top(desk, &wish).await,
        Command::Queue(args::QueueCommand::Summary { all }) => live::queues(desk, all).await,
        Command::Message(command) => message::message(desk, command).await,
        Command::Link(command) => live::link(desk, command).await,
        Command::Bind(command) => live::bind(desk, command).await,
        Command::Trace(command) => live::trace(desk, command).await,
        Command::Unknown(command) => message::unknown(desk, command).await,
        Command::Replay(command) => replay::replay(desk, command).await,
        Command::Receipt(command) => receipt::receipt(desk, command).await,
        Command::Audit(command) => message::audit(desk, command).await,
        Command::Privacy(command) => privacy::privacy(desk, command).await,
        Command::Complaint(command) => complaint::complaint(desk, command).await,
        Command::Traffic(wish) => traffic::traffic(desk, &wish).await,
        Command::Order(command) => order::order(desk, command).await,
        Command::Fault(command) => fault::fault(desk, command).await,
        Command::Mail(command) => letters::mail(desk, command).await,
        Command::Clock(args::ClockCommand::Confirm) => live::confirm_clock(desk).await,
        Command::Log(args::LogCommand::Level { level }) => live::log_level(desk, &level).await,
        // Ended above.
        Command::Run { .. }
        | Command::Check
        | Command::Demo(_)
        | Command::DemoPeer
        | Command::Doctor => Ok(()),
    }
}
