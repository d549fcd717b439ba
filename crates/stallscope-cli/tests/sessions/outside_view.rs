//! The terminal view of a program of plain tokio: what is found comes up by itself, as it does of an instrumented one.

use portable_pty::CommandBuilder;

use crate::outside::{LIVES, Zoo, line_of};
use crate::terminal::Terminal;

fn view(zoo: &Zoo) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_stallscope"));
    command.args(["attach", &zoo.pid().to_string()]);
    Terminal::start(command, 80, 24)
}

#[test]
fn stalls_come_up_above_the_tasks_and_key_1_leads_to_the_line() {
    let zoo = Zoo::start(&["--busy", "--stumble"]);
    let line = |mark: &str| format!("lives.rs:{}", line_of(LIVES, mark));
    let mut terminal = view(&zoo);
    terminal.expect("read from outside");
    terminal.expect(&line("blocked"));
    terminal.expect(&line("stumbling"));
    terminal.expect(&line("unwakeable"));
    // The one that goes on for longest is the first.
    terminal.press("1\r");
    terminal.expect("zoo::lives::blocked");
    terminal.expect("has been in one poll for at least");
    terminal.expect(&format!("{}:", line("blocked")));
    terminal.press("q");
    assert!(terminal.ended().success());
    terminal.expect_restored();
}
