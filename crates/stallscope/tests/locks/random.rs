//! Whatever a program does with a lock, in whatever order: it sees the same as with tokio's.

use proptest::prelude::*;

use crate::polls::{Boxed, poll};

/// What a program does next. The number is one of those who use the lock.
#[derive(Clone, Copy, Debug)]
enum Step {
    Read(usize),
    Write(usize),
    Try(usize),
    TryRead(usize),
    Poll(usize),
    Drop(usize),
    Downgrade(usize),
}

const USERS: usize = 5;

fn step() -> impl Strategy<Value = Step> {
    (0..7, 0..USERS).prop_map(|(step, user)| match step {
        0 => Step::Read(user),
        1 => Step::Write(user),
        2 => Step::Try(user),
        3 => Step::TryRead(user),
        4 => Step::Poll(user),
        5 => Step::Drop(user),
        _ => Step::Downgrade(user),
    })
}

/// What one sees who takes these steps: who has the lock after each, and the value.
macro_rules! story {
    ($sync:path, $steps:expr) => {{
        use $sync as sync;
        enum User<'a> {
            Away,
            Waits(Boxed<'a, User<'a>>),
            Reads(sync::RwLockReadGuard<'a, u64>),
            Writes(sync::RwLockWriteGuard<'a, u64>),
        }
        fn waits<'a>(future: Boxed<'a, User<'a>>) -> User<'a> {
            let mut future = future;
            match poll(&mut future) {
                std::task::Poll::Ready(user) => user,
                std::task::Poll::Pending => User::Waits(future),
            }
        }
        let lock = sync::RwLock::with_max_readers(0_u64, 3);
        let mut users: Vec<User<'_>> = (0..USERS).map(|_| User::Away).collect();
        let mut story = Vec::new();
        for step in $steps {
            let (Step::Read(number)
            | Step::Write(number)
            | Step::Try(number)
            | Step::TryRead(number)
            | Step::Poll(number)
            | Step::Drop(number)
            | Step::Downgrade(number)) = *step;
            let user = std::mem::replace(&mut users[number], User::Away);
            users[number] = match (*step, user) {
                (Step::Read(_), User::Away) => {
                    waits(Box::pin(async { User::Reads(lock.read().await) }))
                }
                (Step::Write(_), User::Away) => {
                    waits(Box::pin(async { User::Writes(lock.write().await) }))
                }
                (Step::Try(_), User::Away) => lock.try_write().map_or(User::Away, User::Writes),
                (Step::TryRead(_), User::Away) => lock.try_read().map_or(User::Away, User::Reads),
                (Step::Poll(_), User::Waits(future)) => waits(future),
                (Step::Poll(_), User::Writes(mut guard)) => {
                    *guard += 1;
                    User::Writes(guard)
                }
                (Step::Drop(_), _) => User::Away,
                (Step::Downgrade(_), User::Writes(guard)) => User::Reads(guard.downgrade()),
                (_, user) => user,
            };
            let seen: String = users
                .iter()
                .map(|user| match user {
                    User::Away => "- ".to_owned(),
                    User::Waits(_) => "? ".to_owned(),
                    User::Reads(guard) => format!("r{} ", **guard),
                    User::Writes(guard) => format!("w{} ", **guard),
                })
                .collect();
            story.push(seen);
        }
        story
    }};
}

/// The same of a mutex, whose only way is alone.
macro_rules! mutex_story {
    ($sync:path, $steps:expr) => {{
        use $sync as sync;
        enum User<'a> {
            Away,
            Waits(Boxed<'a, sync::MutexGuard<'a, u64>>),
            Holds(sync::MutexGuard<'a, u64>),
        }
        fn waits<'a>(mut future: Boxed<'a, sync::MutexGuard<'a, u64>>) -> User<'a> {
            match poll(&mut future) {
                std::task::Poll::Ready(guard) => User::Holds(guard),
                std::task::Poll::Pending => User::Waits(future),
            }
        }
        let lock = sync::Mutex::new(0_u64);
        let mut users: Vec<User<'_>> = (0..USERS).map(|_| User::Away).collect();
        let mut story = Vec::new();
        for step in $steps {
            let (number, user) = match *step {
                Step::Read(number) | Step::Write(number) => {
                    let away = matches!(users[number], User::Away);
                    (number, away.then(|| waits(Box::pin(lock.lock()))))
                }
                Step::Try(number) | Step::TryRead(number) => {
                    let away = matches!(users[number], User::Away);
                    let guard = away.then(|| lock.try_lock().ok()).flatten();
                    (number, guard.map(User::Holds))
                }
                Step::Poll(number) => {
                    let user = match std::mem::replace(&mut users[number], User::Away) {
                        User::Waits(future) => waits(future),
                        User::Holds(mut guard) => {
                            *guard += 1;
                            User::Holds(guard)
                        }
                        User::Away => User::Away,
                    };
                    (number, Some(user))
                }
                Step::Drop(number) | Step::Downgrade(number) => (number, Some(User::Away)),
            };
            if let Some(user) = user {
                users[number] = user;
            }
            let seen: String = users
                .iter()
                .map(|user| match user {
                    User::Away => "- ".to_owned(),
                    User::Waits(_) => "? ".to_owned(),
                    User::Holds(guard) => format!("h{} ", **guard),
                })
                .collect();
            story.push(seen);
        }
        story
    }};
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_reader_writer_lock_tells_the_same_story(steps in prop::collection::vec(step(), 1..80)) {
        crate::tracked::begin();
        prop_assert_eq!(story!(stallscope::sync, &steps), story!(tokio::sync, &steps));
    }

    #[test]
    fn a_mutex_tells_the_same_story(steps in prop::collection::vec(step(), 1..80)) {
        crate::tracked::begin();
        prop_assert_eq!(mutex_story!(stallscope::sync, &steps), mutex_story!(tokio::sync, &steps));
    }
}
