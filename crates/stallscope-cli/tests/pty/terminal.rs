//! A terminal in memory with a program in it: keys in, screen out, and how it was left behind.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{
    Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system,
};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Kept open: the settings of a terminal nobody has open cannot be read.
    _slave: Box<dyn SlavePty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Screen>,
    /// How the terminal was set before the program started.
    before: String,
}

struct Screen {
    parser: Mutex<vt100::Parser>,
    changed: Condvar,
}

impl Terminal {
    pub(crate) fn start(mut command: CommandBuilder, columns: u16, lines: u16) -> Self {
        command.env("TERM", "xterm-256color");
        let size = PtySize {
            rows: lines,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal");
        let before = settings(&*pair.master);
        let child = pair
            .slave
            .spawn_command(command)
            .expect("the program starts");
        let mut output = pair.master.try_clone_reader().expect("the other end");
        let screen = Arc::new(Screen {
            parser: Mutex::new(vt100::Parser::new(lines, columns, 1_000)),
            changed: Condvar::new(),
        });
        let shown = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown
                    .parser
                    .lock()
                    .expect("no panic")
                    .process(&bytes[..count]);
                shown.changed.notify_all();
            }
        });
        Self {
            keyboard: pair.master.take_writer().expect("one keyboard"),
            master: pair.master,
            _slave: pair.slave,
            child,
            screen,
            before,
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("the program reads");
        self.keyboard.flush().expect("the program reads");
    }

    pub(crate) fn resize(&mut self, columns: u16, lines: u16) {
        let size = PtySize {
            rows: lines,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.screen
            .parser
            .lock()
            .expect("no panic")
            .screen_mut()
            .set_size(lines, columns);
        self.master.resize(size).expect("a terminal can be resized");
    }

    /// Waits until the screen shows this text.
    #[track_caller]
    pub(crate) fn expect(&self, text: &str) {
        self.wait(&format!("{text:?} on the screen"), |screen| {
            screen.contents().contains(text)
        });
    }

    #[track_caller]
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut parser = self.screen.parser.lock().expect("no panic");
        while !holds(parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no {what}:\n{}",
                parser.screen().contents()
            );
            parser = self
                .screen
                .changed
                .wait_timeout(parser, left)
                .expect("no panic")
                .0;
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Waits for the program's end.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(Instant::now() < deadline, "it runs on");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The alternate screen was left, the cursor is shown, and the settings are those from before.
    #[track_caller]
    pub(crate) fn expect_restored(&self) {
        self.wait("end of the alternate screen", |screen| {
            !screen.alternate_screen()
        });
        self.wait("cursor", |screen| !screen.hide_cursor());
        assert_eq!(settings(&*self.master), self.before, "raw mode was left");
    }

    #[track_caller]
    pub(crate) fn expect_taken_over(&self) {
        self.wait("alternate screen", vt100::Screen::alternate_screen);
        assert_ne!(settings(&*self.master), self.before, "raw mode was entered");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves it running; one that went well has nothing to end.
        let _ = self.child.kill();
    }
}

fn settings(master: &dyn MasterPty) -> String {
    format!(
        "{:?}",
        master.get_termios().expect("a terminal has settings")
    )
}
