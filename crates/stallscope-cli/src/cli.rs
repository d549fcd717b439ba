//! The command line: what can be typed, and how a mistake in it is told in one line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::attach::Source;
use crate::failure::Failure;
use crate::filter::{self, Filter, PlaceFilter};
use crate::headless::finding::fail_on::FailOn;
use crate::headless::sort::Sort;
use crate::locks::LocksSort;
use crate::places::PlaceSort;
use crate::rules;
use crate::target::TcpAddress;
use crate::time;

/// Shows what a tokio program is doing, while it does it.
///
/// Without a command: the terminal view of the tasks.
#[derive(Debug, Parser)]
#[command(
    name = "stallscope",
    version,
    disable_help_subcommand = true,
    after_help = EXIT_STATUS
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXIT_STATUS: &str = "\
With none of --pid, --socket, --connect, --attach and --core: the only process with stallscope there is.

Exit status: 0 fine, 1 findings (`report --fail-on`) or a task that lives on (`cancel`), 2 usage, 3 no such target (or it did not answer).";

/// Which process to ask; at most one of them.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TargetArgs {
    /// The process with this number, as `stallscope list` shows it
    #[arg(long, value_name = "N", global = true)]
    pub(crate) pid: Option<u32>,
    /// The agent that listens at this Unix socket
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) socket: Option<PathBuf>,
    /// The agent that listens at this address; its token is read from `STALLSCOPE_TOKEN`
    #[arg(long, value_name = "tcp://HOST:PORT", global = true)]
    pub(crate) connect: Option<TcpAddress>,
    /// Any tokio process with this number, with stallscope in it or without: read from outside, by its debug information (`ps`,
    /// `where`, `stacks`, `findings`)
    #[arg(long, value_name = "PID", global = true)]
    pub(crate) attach: Option<u32>,
    /// The tokio process that this core file was written of (`ps`, `where`, `stacks`)
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) core: Option<PathBuf>,
    /// With --core: the program's file, if it is not where it was
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) program: Option<PathBuf>,
}

impl TargetArgs {
    /// Whether the command line names a process.
    pub(crate) fn is_given(&self) -> bool {
        self.given() > 0
    }

    /// What is to be read from outside.
    pub(crate) fn outside(&self) -> Option<Source<'_>> {
        let core = self.core.as_deref();
        self.attach
            .map(Source::Process)
            .or_else(|| core.map(|file| Source::Core(file, self.program.as_deref())))
    }

    fn given(&self) -> usize {
        [
            self.pid.is_some(),
            self.socket.is_some(),
            self.connect.is_some(),
            self.attach.is_some(),
            self.core.is_some(),
        ]
        .into_iter()
        .filter(|is_given| *is_given)
        .count()
    }

    /// For a command that has no use for one: it would look as if it had been heeded.
    pub(crate) fn must_not_be_given(&self, command: &str) -> Result<(), Failure> {
        if self.is_given() {
            return Err(Failure::Usage(format!(
                "`stallscope {command}` takes none of --pid, --socket, --connect, --attach and --core: leave them out"
            )));
        }
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The processes of this user that can be looked at
    List(ListArgs),
    /// Live tasks, a line each; with --ended those that have ended
    Ps(PsArgs),
    /// Live tasks below the task that spawned them
    Tree(TreeArgs),
    /// The places that spawn tasks, the one that looks most like a leak first
    #[command(visible_alias = "places")]
    Sites(SitesArgs),
    /// Who holds the locks of `stallscope::sync` and who waits for them, the longest queue first
    Locks(LocksArgs),
    /// One task, its times and its ancestors; of one that has ended lately also how
    Where(WhereArgs),
    /// Abort a task, where the program allows it (`STALLSCOPE_CONTROL=on`)
    Cancel(CancelArgs),
    /// What every worker and blocking thread does now, with its stack
    Stacks(StacksArgs),
    /// What was found wrong since the program started, the most harmful first
    Findings(FindingsArgs),
    /// What is wrong within a time from now on; its exit status can fail a script
    Report(ReportArgs),
    /// What can be seen in this process, what cannot, and what to do about it
    Doctor(DoctorArgs),
    /// Start a program and open the terminal view on it; leaving the view ends the program
    Run(RunArgs),
    /// Open the terminal view on any tokio process that has debug information: it needs no stallscope and is not stopped
    Attach(AttachArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// Its number
    // Named so because an argument is known by the name of its field, and `pid` is that of --pid.
    #[arg(value_name = "PID")]
    pub(crate) process: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = filter::reference())]
pub(crate) struct PsArgs {
    /// Only tasks that match, for instance 'busy>50ms !state:idle db'; see --help
    #[arg(long, short, value_name = "FILTER", value_parser = filter::parse, default_value = "", hide_default_value = true)]
    pub(crate) filter: Filter,
    /// Ages, times and counts sort largest first, everything else smallest first
    #[arg(long, short, value_enum, value_name = "COLUMN", default_value_t = Sort::Id)]
    pub(crate) sort: Sort,
    /// Turn the order around
    #[arg(long, short)]
    pub(crate) reverse: bool,
    /// At most this many tasks
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Tasks that have ended instead, the latest first, with how they ended; known of tasks spawned through stallscope
    #[arg(long, conflicts_with_all = ["filter", "sort", "reverse"])]
    pub(crate) ended: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// One JSON object on standard output, tasks nested under "children"
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SitesArgs {
    /// Only places that match: words, which are looked for in the file and its line, and `site:` or `site=`, as for `ps`
    #[arg(long, short, value_name = "FILTER", value_parser = PlaceFilter::parse, default_value = "", hide_default_value = true)]
    pub(crate) filter: PlaceFilter,
    /// Figures sort largest first, places by name
    #[arg(long, short, value_enum, value_name = "COLUMN", default_value_t = PlaceSort::Growth)]
    pub(crate) sort: PlaceSort,
    /// Turn the order around
    #[arg(long, short)]
    pub(crate) reverse: bool,
    /// At most this many places
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LocksArgs {
    /// Only locks with this text in a place, in the name of a task or thread that holds them or waits, or in their kind
    #[arg(
        long,
        short,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) filter: String,
    /// Figures sort largest first, places by name
    #[arg(long, short, value_enum, value_name = "COLUMN", default_value_t = LocksSort::Queue)]
    pub(crate) sort: LocksSort,
    /// Turn the order around
    #[arg(long, short)]
    pub(crate) reverse: bool,
    /// At most this many locks
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WhereArgs {
    /// The task's id, as `stallscope ps` shows it
    pub(crate) task: u64,
    /// Also the values of the locals that it saved; they can hold secrets. Only of a task that is read from outside
    #[arg(long)]
    pub(crate) locals: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The task's id, as `stallscope ps` shows it
    pub(crate) task: u64,
    /// How long to wait for its end, for instance 500ms; a task that lives longer is reported, with status 1
    #[arg(long, value_name = "TIME", value_parser = patience, default_value = "5s")]
    pub(crate) wait: Duration,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// How long an aborted task is waited for.
fn patience(text: &str) -> Result<Duration, String> {
    match time::parse(text) {
        Some(0) => Err("no task ends in no time: wait for some".to_owned()),
        Some(ns) => Ok(Duration::from_nanos(ns)),
        None => Err("expected a time with its unit, for instance 5s or 500ms".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct StacksArgs {
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// With --attach: stop each thread that runs, for some 100 µs, to read its stack
    #[arg(long)]
    pub(crate) stop: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FindingsArgs {
    /// Also those of severity info, which blame no line
    #[arg(long)]
    pub(crate) all: bool,
    /// With --attach: how long to watch, for instance 5s
    #[arg(long = "for", value_name = "TIME", value_parser = watching)]
    pub(crate) window: Option<Duration>,
    /// With --attach: stop threads that compute for too long, for some 100 µs and a few times a second, to read their stacks
    #[arg(long)]
    pub(crate) stop: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// How long a process is watched from outside.
fn watching(text: &str) -> Result<Duration, String> {
    match time::parse(text) {
        Some(0) => Err("one look proves little: watch for some time".to_owned()),
        Some(ns) => Ok(Duration::from_nanos(ns)),
        None => Err("expected a time with its unit, for instance 5s or 500ms".to_owned()),
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = rules::reference())]
pub(crate) struct ReportArgs {
    /// How long to watch, for instance 10s; what was found before and still holds is reported too
    #[arg(long = "for", value_name = "TIME", value_parser = window)]
    pub(crate) window: Duration,
    /// End with status 1 if there is such a finding: a kind, a rule, or kind/rule, several with commas; see --help
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = FailOn::parse)]
    pub(crate) fail_on: Vec<FailOn>,
    /// Also findings of severity info, which blame no line and never fail
    #[arg(long)]
    pub(crate) all: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// The time a report watches.
fn window(text: &str) -> Result<Duration, String> {
    match time::parse(text) {
        Some(0) => Err(
            "a report watches for some time: `stallscope findings` shows what is known now"
                .to_owned(),
        ),
        Some(ns) => Ok(Duration::from_nanos(ns)),
        None => Err("expected a time with its unit, for instance 10s or 500ms".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The program and its arguments
    #[arg(
        value_name = "CMD",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,
}

/// The command line, or what to print instead of doing something: help and version go to standard output, a mistake
/// becomes one line.
pub(crate) fn parse() -> Result<Cli, Instead> {
    parse_from(std::env::args_os())
}

fn parse_from(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, Instead> {
    let cli = Cli::try_parse_from(line).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Instead::Show(error),
        _ => Instead::Mistake(one_line(&error.to_string())),
    })?;
    // clap sees a conflict only between flags on the same side of the command's name.
    if cli.target.given() > 1 {
        return Err(Instead::Mistake(
            "more than one target: keep one of --pid, --socket, --connect, --attach and --core"
                .to_owned(),
        ));
    }
    if cli.target.program.is_some() && cli.target.core.is_none() {
        return Err(Instead::Mistake(
            "--program goes with --core: it says which program wrote the core file".to_owned(),
        ));
    }
    let stop = match &cli.command {
        Some(Command::Stacks(args)) => args.stop,
        Some(Command::Findings(args)) => args.stop,
        _ => false,
    };
    if stop && cli.target.attach.is_none() {
        let because = if cli.target.core.is_some() {
            "in a core file no thread runs"
        } else {
            "stallscope in the program reads the stack of a running thread without it"
        };
        return Err(Instead::Mistake(format!(
            "--stop goes with --attach: {because}"
        )));
    }
    if let (Some(Command::Findings(args)), None) = (&cli.command, cli.target.attach)
        && args.window.is_some()
    {
        return Err(Instead::Mistake(
            "--for goes with --attach: `stallscope report --for TIME` watches a process with stallscope in it"
                .to_owned(),
        ));
    }
    Ok(cli)
}

pub(crate) enum Instead {
    Show(clap::Error),
    Mistake(String),
}

/// clap explains a mistake in paragraphs. The first says what is wrong, a tip what was probably meant; the usage that follows
/// is a call of `--help` away.
fn one_line(explained: &str) -> String {
    let mut parts: Vec<String> = explained
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter_map(|paragraph| {
            let told = paragraph
                .strip_prefix("error: ")
                .or_else(|| paragraph.strip_prefix("tip: "))?;
            Some(told.to_owned())
        })
        .collect();
    parts.push("see `stallscope --help`".to_owned());
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Cli, Instead, parse_from};

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    fn mistake(line: &str) -> String {
        match parse_from(line.split_whitespace()) {
            Err(Instead::Mistake(told)) => told,
            Err(Instead::Show(_)) => panic!("{line} shows something"),
            Ok(cli) => panic!("{line} is no mistake: {cli:?}"),
        }
    }

    #[test]
    fn a_mistake_is_one_line_with_the_tip() {
        assert_eq!(
            mistake("stallscope ps --jsn"),
            "unexpected argument '--jsn' found; a similar argument exists: '--json'; see `stallscope --help`"
        );
    }

    #[test]
    fn a_missing_argument_is_named_on_that_line() {
        assert_eq!(
            mistake("stallscope where"),
            "the following required arguments were not provided: <TASK>; see `stallscope --help`"
        );
    }

    #[test]
    fn the_process_to_attach_to_is_no_target_of_an_agent() {
        let line = ["stallscope", "attach", "4711"];
        let Ok(cli) = parse_from(line) else {
            panic!("`attach` takes a number");
        };
        assert!(!cli.target.is_given());
        assert!(matches!(cli.command, Some(super::Command::Attach(args)) if args.process == 4711));
    }

    #[test]
    fn only_who_looks_from_outside_has_to_stop_a_thread() {
        for command in ["stacks", "findings"] {
            assert_eq!(
                mistake(&format!("stallscope {command} --stop")),
                "--stop goes with --attach: stallscope in the program reads the stack of a running thread without it"
            );
        }
    }

    #[test]
    fn only_one_target_can_be_named() {
        for two in [
            "stallscope --pid=1 --socket=/a ps",
            "stallscope --pid=1 ps --connect=tcp://a:1",
            "stallscope ps --socket=/a --connect=tcp://a:1",
            "stallscope --attach=1 ps --pid=1",
        ] {
            assert_eq!(
                mistake(two),
                "more than one target: keep one of --pid, --socket, --connect, --attach and --core"
            );
        }
    }
}
