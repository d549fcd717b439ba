//! The handshake: who is there, and which version of the protocol both speak.
//!
//! The client sends [`hello`]; the agent judges it with [`answer`] and sends `Welcome` or `Refused`; the client judges
//! that with [`accept`]. Nothing else is sent before.

use std::fmt;

use crate::message::{
    AgentMessage, ClientMessage, Hello, Refused, Welcome, agent_message, client_message,
};
use crate::{MAGIC, PROTOCOL};

/// The package version of this build, for sentences that say what to install. All stallscope packages share it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The client's first message. `token` is needed over TCP only.
pub fn hello(client_version: impl Into<String>, token: Option<&str>) -> ClientMessage {
    ClientMessage {
        body: Some(client_message::Body::Hello(Hello {
            magic: MAGIC,
            protocol_min: PROTOCOL,
            protocol_max: PROTOCOL,
            client_version: client_version.into(),
            token: token.unwrap_or_default().to_owned(),
        })),
    }
}

/// What the agent makes of the first message of a connection: the version of the protocol both sides use from here on.
///
/// `require_token` is `None` where the kernel vouches for the peer (a Unix socket); whatever token came is ignored then.
/// An empty required token lets nobody in.
///
/// # Errors
///
/// The message to send before closing. A peer without the token learns nothing else.
pub fn answer(first: &ClientMessage, require_token: Option<&str>) -> Result<u32, Refused> {
    let Some(client_message::Body::Hello(hello)) = &first.body else {
        return Err(refused(
            "the first message is no Hello: connect with stallscope-cli",
        ));
    };
    if hello.magic != MAGIC {
        return Err(refused(&format!(
            "Hello has the magic {:#010x}, expected {MAGIC:#010x}: connect with stallscope-cli",
            hello.magic
        )));
    }
    if let Some(token) = require_token
        && !same_secret(&hello.token, token)
    {
        return Err(refused(if hello.token.is_empty() {
            "this agent wants a token: give the one the application was started with"
        } else {
            "wrong token: give the one the application was started with"
        }));
    }
    agree(hello)
}

/// What the client makes of the agent's first message.
///
/// # Errors
///
/// The connection is of no use; the error says why and what to do.
pub fn accept(first: AgentMessage) -> Result<Welcome, HandshakeError> {
    match first.body {
        Some(agent_message::Body::Welcome(welcome)) if welcome.protocol == PROTOCOL => Ok(welcome),
        Some(agent_message::Body::Welcome(welcome)) => Err(HandshakeError::Protocol {
            chosen: welcome.protocol,
        }),
        Some(agent_message::Body::Refused(refused)) => Err(HandshakeError::Refused(refused)),
        Some(_) | None => Err(HandshakeError::Unexpected),
    }
}

/// The newest version in both ranges; ours is [`PROTOCOL`] alone.
fn agree(hello: &Hello) -> Result<u32, Refused> {
    let (min, max) = (hello.protocol_min, hello.protocol_max);
    if (min..=max).contains(&PROTOCOL) {
        return Ok(PROTOCOL);
    }
    let range = if min < max {
        format!("{min} to {max}")
    } else {
        max.to_string()
    };
    let remedy = if max < PROTOCOL {
        format!("install stallscope-cli {VERSION}")
    } else {
        format!("install stallscope-cli {VERSION} or upgrade stallscope in the application")
    };
    Err(Refused {
        reason: format!("agent speaks protocol {PROTOCOL}, this client {range}: {remedy}"),
        protocol: PROTOCOL,
    })
}

fn refused(reason: &str) -> Refused {
    Refused {
        reason: reason.to_owned(),
        protocol: 0,
    }
}

/// Whether the secrets are the same, in a time that tells nothing about where they differ.
fn same_secret(given: &str, wanted: &str) -> bool {
    let differences = given
        .bytes()
        .zip(wanted.bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    !wanted.is_empty() && given.len() == wanted.len() && std::hint::black_box(differences) == 0
}

/// Shows that there is a token, not which: a logged message must not let its reader in.
impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hello")
            .field("magic", &format_args!("{:#010x}", self.magic))
            .field("protocol_min", &self.protocol_min)
            .field("protocol_max", &self.protocol_max)
            .field("client_version", &self.client_version)
            .field("token", &if self.token.is_empty() { "" } else { "…" })
            .finish()
    }
}

/// Why a client cannot use the agent it has reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// The agent said no. Its sentence is the error's text.
    Refused(Refused),
    /// The agent chose a version that this client did not offer.
    Protocol {
        /// The version it chose.
        chosen: u32,
    },
    /// The first message is neither `Welcome` nor `Refused`.
    Unexpected,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Refused(refused) => f.write_str(&refused.reason),
            HandshakeError::Protocol { chosen } => write!(
                f,
                "agent chose protocol {chosen}, this client speaks {PROTOCOL}: install the stallscope-cli that belongs to \
                 the application's stallscope"
            ),
            HandshakeError::Unexpected => f.write_str(
                "agent answered with something other than Welcome or Refused: check that the socket belongs to stallscope",
            ),
        }
    }
}

impl std::error::Error for HandshakeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Process;

    /// A client's first message with its fields changed by `change`.
    fn first(change: impl FnOnce(&mut Hello)) -> ClientMessage {
        let mut message = hello("0.1.0", None);
        if let Some(client_message::Body::Hello(hello)) = &mut message.body {
            change(hello);
        }
        message
    }

    fn reason(first: &ClientMessage, require_token: Option<&str>) -> String {
        answer(first, require_token).unwrap_err().reason
    }

    #[test]
    fn our_own_client_is_let_in() {
        assert_eq!(answer(&hello("0.1.0", None), None), Ok(PROTOCOL));
    }

    #[test]
    fn a_client_that_also_speaks_newer_versions_gets_ours() {
        let client = first(|hello| hello.protocol_max = 7);
        assert_eq!(answer(&client, None), Ok(PROTOCOL));
    }

    #[test]
    fn versions_without_overlap_are_told_what_to_install() {
        let newer = first(|hello| (hello.protocol_min, hello.protocol_max) = (3, 4));
        assert_eq!(
            answer(&newer, None),
            Err(Refused {
                reason: format!(
                    "agent speaks protocol 1, this client 3 to 4: install stallscope-cli {VERSION} or upgrade \
                     stallscope in the application"
                ),
                protocol: 1,
            })
        );
        let older = first(|hello| (hello.protocol_min, hello.protocol_max) = (0, 0));
        assert_eq!(
            reason(&older, None),
            format!("agent speaks protocol 1, this client 0: install stallscope-cli {VERSION}")
        );
    }

    #[test]
    fn a_range_the_wrong_way_round_holds_no_version() {
        let confused = first(|hello| (hello.protocol_min, hello.protocol_max) = (2, 1));
        assert!(answer(&confused, None).is_err());
    }

    #[test]
    fn whoever_does_not_begin_with_our_hello_is_turned_away() {
        let stranger = first(|hello| hello.magic = 0x2054_4547);
        assert_eq!(
            reason(&stranger, None),
            "Hello has the magic 0x20544547, expected 0x5374616c: connect with stallscope-cli"
        );
        for impatient in [
            ClientMessage { body: None },
            ClientMessage {
                body: Some(client_message::Body::Unsubscribe(
                    crate::message::Unsubscribe { subscription: 1 },
                )),
            },
        ] {
            assert_eq!(
                reason(&impatient, None),
                "the first message is no Hello: connect with stallscope-cli"
            );
        }
    }

    #[test]
    fn only_the_right_token_opens() {
        let wanted = Some("correct horse");
        assert_eq!(answer(&hello("0.1.0", wanted), wanted), Ok(PROTOCOL));
        for wrong in ["correct hors", "correct horsf", "correct horse ", "x"] {
            assert!(reason(&hello("0.1.0", Some(wrong)), wanted).starts_with("wrong token"));
        }
        assert!(reason(&hello("0.1.0", None), wanted).starts_with("this agent wants a token"));
    }

    #[test]
    fn an_empty_required_token_lets_nobody_in() {
        assert!(answer(&hello("0.1.0", None), Some("")).is_err());
        assert!(answer(&hello("0.1.0", Some("x")), Some("")).is_err());
    }

    #[test]
    fn a_token_nobody_asked_for_is_ignored() {
        assert_eq!(answer(&hello("0.1.0", Some("x")), None), Ok(PROTOCOL));
    }

    #[test]
    fn a_stranger_without_the_token_does_not_learn_the_version() {
        let probe = first(|hello| (hello.protocol_min, hello.protocol_max) = (8, 9));
        assert_eq!(answer(&probe, Some("secret")).unwrap_err().protocol, 0);
    }

    #[test]
    fn the_token_is_not_in_the_debug_text() {
        let text = format!("{:?}", hello("0.1.0", Some("correct horse")));
        assert!(
            text.contains("0x5374616c") && !text.contains("horse"),
            "{text}"
        );
    }

    #[test]
    fn a_welcome_in_our_version_is_accepted() {
        let welcome = Welcome {
            protocol: PROTOCOL,
            process: Some(Process::default()),
        };
        let first = AgentMessage {
            body: Some(agent_message::Body::Welcome(welcome.clone())),
        };
        assert_eq!(accept(first), Ok(welcome));
    }

    #[test]
    fn a_welcome_in_a_version_not_offered_is_not() {
        let first = AgentMessage {
            body: Some(agent_message::Body::Welcome(Welcome {
                protocol: 9,
                process: None,
            })),
        };
        assert_eq!(
            accept(first).unwrap_err().to_string(),
            "agent chose protocol 9, this client speaks 1: install the stallscope-cli that belongs to the \
             application's stallscope"
        );
    }

    #[test]
    fn a_refusal_speaks_for_itself() {
        let first = AgentMessage {
            body: Some(agent_message::Body::Refused(refused("no room: try later"))),
        };
        assert_eq!(accept(first).unwrap_err().to_string(), "no room: try later");
    }

    #[test]
    fn an_unknown_first_message_is_no_welcome() {
        assert_eq!(
            accept(AgentMessage { body: None }),
            Err(HandshakeError::Unexpected)
        );
    }
}
