//! A filter cut into terms: negation, field, operator and value, each with its column.

use super::FilterError;

/// One term as it was typed.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) negated: bool,
    /// `None` for a plain word.
    pub(super) subject: Option<Subject>,
    pub(super) value: Value,
}

/// What a value is compared with.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) column: usize,
    pub(super) name: String,
    pub(super) operator: char,
    pub(super) operator_column: usize,
}

#[derive(Debug)]
pub(super) struct Value {
    pub(super) column: usize,
    pub(super) text: String,
    pub(super) quoted: bool,
}

const OPERATORS: [char; 4] = [':', '=', '>', '<'];

pub(super) struct Scanner {
    text: Vec<char>,
    at: usize,
}

impl Scanner {
    pub(super) fn new(text: &str) -> Self {
        Scanner {
            text: text.chars().collect(),
            at: 0,
        }
    }

    /// `None` at the end.
    pub(super) fn next_token(&mut self) -> Result<Option<Token>, FilterError> {
        self.skip(char::is_whitespace);
        if self.peek().is_none() {
            return Ok(None);
        }
        let negated = self.take('!');
        if self.peek().is_none_or(char::is_whitespace) {
            return Err(self.expected("a word or a field after `!`"));
        }
        Ok(Some(Token {
            negated,
            subject: self.subject(),
            value: self.value()?,
        }))
    }

    /// A name with an operator behind it. Not every colon makes a field: `db::pool` and `main.rs:63` are words.
    fn subject(&mut self) -> Option<Subject> {
        let start = self.at;
        self.skip(|c| c.is_ascii_alphabetic() || c == '-');
        let end = self.at;
        let operator = self
            .peek()
            .filter(|c| end > start && OPERATORS.contains(c))
            .filter(|c| *c != ':' || self.text.get(end + 1) != Some(&':'));
        let Some(operator) = operator else {
            self.at = start;
            return None;
        };
        self.at += 1;
        Some(Subject {
            column: start + 1,
            name: self.text[start..end].iter().collect(),
            operator,
            operator_column: end + 1,
        })
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        let start = self.at;
        let quoted = self.take('"');
        let text = if quoted {
            self.until_quote()?
        } else {
            self.skip(|c| !c.is_whitespace());
            self.text[start..self.at].iter().collect()
        };
        Ok(Value {
            column: start + 1,
            text,
            quoted,
        })
    }

    /// The rest of a quoted text; `\` takes the next character as it is.
    fn until_quote(&mut self) -> Result<String, FilterError> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') if self.peek().is_none_or(char::is_whitespace) => return Ok(text),
                Some('"') => return Err(self.expected("a space after the closing `\"`")),
                Some('\\') => match self.next() {
                    Some(c) => text.push(c),
                    None => return Err(self.expected("a closing `\"`")),
                },
                Some(c) => text.push(c),
                None => return Err(self.expected("a closing `\"`")),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&skipped) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &str) -> FilterError {
        FilterError {
            column: self.at + 1,
            message: format!("expected {what}"),
        }
    }
}
