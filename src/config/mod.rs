//! Settings of a process: one typed [`Config`], read from `config.toml` and the environment, whole or not at all.
//!
//! * `list.rs` is the one list of settings: a new setting is two lines there, then `UPDATE=1 cargo test`
//! * `setting.rs` turns that list into structs and a table; `value.rs` has the types a setting may have
//! * `rules.rs` has what one value's type and range cannot say
//! * `load.rs` reads, `print.rs` writes, `error.rs` is what can be wrong
//!
//! Deliberately elsewhere: command line flags (`cli`), and the meaning of each setting (the module that uses it).

mod error;
mod list;
mod load;
mod print;
mod rules;
mod setting;
#[cfg(test)]
mod tests;
mod value;

pub use self::error::*;
pub use self::list::*;
pub use self::print::render_default_file;
pub use self::value::*;

/// All settings, in the order of the file: name, kind, range and a line on what each is for.
pub fn reference() -> impl Iterator<Item = &'static setting::Setting> {
    setting::sections().iter().flat_map(|section| section.settings)
}
