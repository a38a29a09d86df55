//! The types a setting may have, and how each is read from and written to TOML.
//!
//! Text of the environment is first turned into TOML of the setting's kind, so that there is one way in.
//! Deliberately elsewhere: ranges of numbers (`setting.rs`) and rules on a value's content (`rules.rs`).

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

use ipnet::IpNet;
use toml_edit::{Array, Value};

/// What kind of value a setting takes. Its `Display` fits after "must be".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Boolean,
    /// A whole number.
    Number,
    /// Any text.
    Text,
    /// A path in the file system.
    Path,
    /// An IP address and a port.
    Address,
    /// A network in CIDR form.
    Network,
    /// Text that is never shown.
    Secret,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any number of values of that kind.
    List(&'static Kind),
}

impl Kind {
    /// Turns text of the environment into TOML of this kind; lists are separated by commas.
    pub(super) fn read(&self, text: &str) -> Result<Value, Problem> {
        let found = |_| Problem { message: format!("must be {self}, found {text:?}"), span: None };
        match self {
            Self::Boolean => text.trim().parse::<bool>().map(Value::from).map_err(|_| found(())),
            Self::Number => text.trim().parse::<i64>().map(Value::from).map_err(|_| found(())),
            Self::List(_) if text.trim().is_empty() => Ok(Array::new().into()),
            Self::List(kind) => {
                text.split(',').map(|item| kind.read(item.trim())).collect::<Result<Array, _>>().map(Value::from)
            }
            _ => Ok(text.into()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Boolean => "true or false",
            Self::Number => "a whole number",
            Self::Text | Self::Secret => "text in quotes",
            Self::Path => "a path in quotes",
            Self::Address => "an address (host:port) in quotes",
            Self::Network => "a network (such as 10.0.0.0/8) in quotes",
            Self::Word(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                return write!(formatter, "one of {}", words.join(", "));
            }
            Self::List(_) => "a list in brackets",
        })
    }
}

/// What is wrong with a value, and where in the file, in bytes, if it came from one.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) span: Option<Range<usize>>,
}

impl Problem {
    /// A problem of this value.
    pub(super) fn at(value: &Value, message: String) -> Self {
        Self { message, span: value.span() }
    }

    /// The value has another type than its setting.
    fn wrong_type(value: &Value, kind: Kind) -> Self {
        Self::at(value, format!("must be {kind}, found {}", value.type_name()))
    }
}

/// A type that a setting may have.
pub(super) trait SettingValue: Sized {
    /// What the type is called in errors and documentation.
    const KIND: Kind;
    /// Reads it; numbers have passed their range before.
    fn from_value(value: &Value) -> Result<Self, Problem>;
    /// Writes it as it may be shown.
    fn to_value(&self) -> Value;
}

/// The text of a value, or that it is none.
fn text(value: &Value, kind: Kind) -> Result<&str, Problem> {
    value.as_str().ok_or_else(|| Problem::wrong_type(value, kind))
}

impl SettingValue for bool {
    const KIND: Kind = Kind::Boolean;

    fn from_value(value: &Value) -> Result<Self, Problem> {
        value.as_bool().ok_or_else(|| Problem::wrong_type(value, Self::KIND))
    }

    fn to_value(&self) -> Value {
        (*self).into()
    }
}

/// Number types differ in nothing but their name.
macro_rules! number {
    ($($type:ty),*) => {$(
        impl SettingValue for $type {
            const KIND: Kind = Kind::Number;

            fn from_value(value: &Value) -> Result<Self, Problem> {
                let number = value.as_integer().ok_or_else(|| Problem::wrong_type(value, Self::KIND))?;
                Self::try_from(number).map_err(|_| Problem::at(value, format!("is out of range, found {number}")))
            }

            fn to_value(&self) -> Value {
                i64::try_from(*self).unwrap_or(i64::MAX).into()
            }
        }
    )*};
}
number!(u32, u64, usize);

impl SettingValue for String {
    const KIND: Kind = Kind::Text;

    fn from_value(value: &Value) -> Result<Self, Problem> {
        text(value, Self::KIND).map(str::to_owned)
    }

    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

impl SettingValue for PathBuf {
    const KIND: Kind = Kind::Path;

    fn from_value(value: &Value) -> Result<Self, Problem> {
        text(value, Self::KIND).map(Self::from)
    }

    fn to_value(&self) -> Value {
        self.to_string_lossy().as_ref().into()
    }
}

impl SettingValue for SocketAddr {
    const KIND: Kind = Kind::Address;

    fn from_value(value: &Value) -> Result<Self, Problem> {
        let text = text(value, Self::KIND)?;
        let names_host = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let hint = if names_host { "; the host must be an IP address such as 127.0.0.1" } else { "" };
        text.parse().map_err(|_| Problem::at(value, format!("not an address (host:port): {text:?}{hint}")))
    }

    fn to_value(&self) -> Value {
        self.to_string().into()
    }
}

impl SettingValue for IpNet {
    const KIND: Kind = Kind::Network;

    fn from_value(value: &Value) -> Result<Self, Problem> {
        let text = text(value, Self::KIND)?;
        text.parse().map_err(|_| Problem::at(value, format!("not a network (such as 10.0.0.0/8): {text:?}")))
    }

    fn to_value(&self) -> Value {
        self.to_string().into()
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    fn from_value(value: &Value) -> Result<Self, Problem> {
        let list = value.as_array().ok_or_else(|| Problem::wrong_type(value, Self::KIND))?;
        list.iter().map(T::from_value).collect()
    }

    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect::<Array>().into()
    }
}

/// Text that neither logs nor `config print` show.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Secret {
    /// Stars, however long the text is; nothing when it is empty.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_empty() { "" } else { "***" })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret({self})")
    }
}

impl SettingValue for Secret {
    const KIND: Kind = Kind::Secret;

    fn from_value(value: &Value) -> Result<Self, Problem> {
        text(value, Self::KIND).map(|text| Self(text.to_owned()))
    }

    fn to_value(&self) -> Value {
        self.to_string().into()
    }
}

/// Makes enums whose values are written as fixed words.
macro_rules! words {
    ($(
        #[doc = $doc:literal]
        $name:ident { $( #[doc = $word_doc:literal] $variant:ident = $word:literal, )* }
    )*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $( #[doc = $word_doc] $variant, )* }

        impl SettingValue for $name {
            const KIND: Kind = Kind::Word(&[$($word),*]);

            fn from_value(value: &Value) -> Result<Self, Problem> {
                match text(value, Self::KIND)? {
                    $( $word => Ok(Self::$variant), )*
                    other => Err(Problem::at(value, format!("must be {}, found {other:?}", Self::KIND))),
                }
            }

            fn to_value(&self) -> Value {
                match self { $( Self::$variant => $word.into(), )* }
            }
        }
    )*};
}

words! {
    /// What a process does.
    ServerRole {
        /// Answers customers and apps.
        Public = "public",
        /// Answers the people who run the shop.
        Admin = "admin",
        /// Runs jobs.
        Worker = "worker",
    }

    /// Where mails go.
    MailTransport {
        /// Into files.
        File = "file",
        /// To a mail server.
        Smtp = "smtp",
        /// Nowhere.
        Off = "off",
    }

    /// How the connection to a mail server is secured.
    SmtpTls {
        /// It begins in the clear and must become TLS before anything is said.
        Starttls = "starttls",
        /// TLS from the first byte.
        Tls = "tls",
        /// Not at all.
        None = "none",
    }

    /// Where files are kept.
    FilesBackend {
        /// In a folder of this machine.
        Local = "local",
        /// In a bucket of S3, or of a server that speaks like it.
        S3 = "s3",
    }

    /// How a log line is written.
    LogFormat {
        /// For people.
        Text = "text",
        /// For machines: one JSON object a line.
        Json = "json",
    }
}
