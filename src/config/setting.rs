//! What the table knows of each setting, and the macro that makes structs, defaults and table from the list.
//!
//! Deliberately elsewhere: the list itself (`list.rs`) and how each type is read and written (`value.rs`).

use std::ops::RangeInclusive;

use toml_edit::Value;

use super::list::{Config, SECTIONS};
use super::value::{Kind, Problem};

/// A section of the settings file.
#[derive(Debug)]
pub struct Section {
    /// Its name, such as `limits`.
    pub name: &'static str,
    /// One line on what it is about.
    pub doc: &'static str,
    /// Its settings, in the order of the file.
    pub settings: &'static [Setting],
}

/// One setting: what it is called, what it may be, what it is for.
#[derive(Debug)]
pub struct Setting {
    /// The dotted key, such as `limits.page_max`.
    pub key: &'static str,
    /// The name within its section, such as `page_max`.
    pub name: &'static str,
    /// What kind of value it takes.
    pub kind: Kind,
    /// The least and the greatest value of a number.
    pub range: Option<RangeInclusive<i64>>,
    /// One line on what it is for.
    pub doc: &'static str,
    pub(super) get: fn(&Config) -> Value,
    pub(super) set: fn(&mut Config, &Value) -> Result<(), Problem>,
}

impl Setting {
    /// The environment variable that overrides it, such as `PAWBASE_LIMITS__PAGE_MAX`.
    pub fn environment_name(&self) -> String {
        format!("PAWBASE_{}", self.key.replace('.', "__").to_uppercase())
    }

    /// Its value as TOML, secrets masked.
    pub fn shown(&self, config: &Config) -> String {
        (self.get)(config).to_string()
    }

    /// Whether its value must never be shown.
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// Puts a value into the settings. Fails when type or range do not fit, and changes nothing then.
    pub(super) fn assign(&self, config: &mut Config, value: &Value) -> Result<(), Problem> {
        if let (Some(range), Some(number)) = (&self.range, value.as_integer())
            && !range.contains(&number)
        {
            let (least, greatest) = (range.start(), range.end());
            return Err(Problem::at(value, format!("must be between {least} and {greatest}, found {number}")));
        }
        (self.set)(config, value)
    }
}

/// All sections with their settings, in the order of the file.
pub(super) fn sections() -> &'static [Section] {
    SECTIONS
}

/// Makes `Config`, one struct per section, their defaults and the table `SECTIONS` from a list of
/// `[section] Struct { /// one line on it, then name: Type = default, least..=greatest; }`.
macro_rules! settings {
    ($(
        #[doc = $section_doc:literal]
        [$section:ident] $struct:ident {
            $( #[doc = $doc:literal] $name:ident: $type:ty = $default:expr $(, $range:expr)?; )*
        }
    )*) => {
        /// All settings of a process. Every value in it has passed its type, its range and the rules.
        #[derive(Clone, Debug, Default)]
        pub struct Config {
            $( #[doc = $section_doc] pub $section: $struct, )*
        }

        $(
            #[doc = $section_doc]
            #[derive(Clone, Debug)]
            pub struct $struct {
                $( #[doc = $doc] pub $name: $type, )*
            }

            impl Default for $struct {
                fn default() -> Self {
                    Self { $( $name: $default, )* }
                }
            }
        )*

        /// The table of all settings.
        pub(super) static SECTIONS: &[Section] = &[$(
            Section {
                name: stringify!($section),
                doc: $section_doc.trim_ascii(),
                settings: &[$(
                    Setting {
                        key: concat!(stringify!($section), ".", stringify!($name)),
                        name: stringify!($name),
                        kind: <$type as SettingValue>::KIND,
                        range: settings!(@range $($range)?),
                        doc: $doc.trim_ascii(),
                        get: |config| config.$section.$name.to_value(),
                        set: |config, value| {
                            config.$section.$name = SettingValue::from_value(value)?;
                            Ok(())
                        },
                    },
                )*],
            },
        )*];
    };
    (@range) => { None };
    (@range $range:expr) => { Some($range) };
}
pub(super) use settings;
