//! A breakpoint on an instruction, and whether it was hit.

use std::fs::File;
use std::io::{self, Read};

use super::breakpoint::{self, On};
use crate::Tid;

#[derive(Debug)]
pub(crate) struct Wire {
    event: File,
}

impl Wire {
    pub(crate) fn lay(tid: Tid, address: u64) -> io::Result<Self> {
        let event = breakpoint::open(tid, address, On::Execution)?;
        breakpoint::enable_once(&event)?;
        Ok(Self { event })
    }

    pub(crate) fn is_tripped(&self) -> io::Result<bool> {
        let mut count = [0; 8];
        match (&self.event).read(&mut count)? {
            8 => Ok(u64::from_ne_bytes(count) > 0),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::{Arc, mpsc};

    use super::*;

    #[inline(never)]
    extern "C" fn stepped_on(count: &AtomicU64) {
        count.fetch_add(1, Ordering::SeqCst);
    }

    #[test]
    fn a_wire_is_tripped_by_its_thread_alone_and_only_there() {
        let (count, walks, ends) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let (tell, tid) = mpsc::channel();
        let walker = std::thread::spawn({
            let (count, walks, ends) = (count.clone(), walks.clone(), ends.clone());
            move || {
                tell.send(Tid::current()).expect("the test waits");
                while !ends.load(Ordering::SeqCst) {
                    if walks.load(Ordering::SeqCst) {
                        stepped_on(&count);
                    }
                    std::hint::spin_loop();
                }
            }
        });
        let tid = tid.recv().expect("it sends").expect("Linux");
        let here = stepped_on as extern "C" fn(&AtomicU64) as usize as u64;
        let wire = match Wire::lay(tid, here) {
            Ok(wire) => wire,
            Err(refused) => {
                eprintln!("not tested, as breakpoints are not to be had here: {refused}");
                ends.store(true, Ordering::SeqCst);
                walker.join().expect("it ends");
                return;
            }
        };
        stepped_on(&count); // by another thread than the one it was laid for
        assert!(!wire.is_tripped().expect("readable"));
        walks.store(true, Ordering::SeqCst);
        let before = count.load(Ordering::SeqCst);
        while count.load(Ordering::SeqCst) < before + 1000 {
            std::thread::yield_now();
        }
        assert!(wire.is_tripped().expect("readable"));
        let mut hits = [0; 8];
        (&wire.event).read_exact(&mut hits).expect("readable");
        assert_eq!(u64::from_ne_bytes(hits), 1, "after the first hit it is off");
        ends.store(true, Ordering::SeqCst);
        walker.join().expect("it ends");
    }

    #[test]
    fn a_thread_that_does_not_exist_cannot_be_wired() {
        let nobody = Tid::new(i32::MAX >> 4).expect("positive");
        assert!(Wire::lay(nobody, 0x1000).is_err());
    }
}
