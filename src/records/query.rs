//! Reading the query of a list: filters in both forms, sort, paging, projection, expansion, text search.
//!
//! Every problem of every parameter is collected, so that the caller mends them at once.

use pawbase_engine::Value;

use super::convert;
use super::cursor;
use super::fields::{self, FieldRef};
use super::filter::{Filter, OPERATORS, Test};
use super::filter_text;
use crate::context::Ctx;
use crate::kernel::error::{INVALID_QUERY, QUERY_TOO_COSTLY};
use crate::kernel::{Error, FieldError, Result};
use crate::schema::{KeyKind, Kind, Table};

/// Parameters that are not filters.
const RESERVED: [&str; 9] = ["limit", "cursor", "offset", "count", "sort", "fields", "expand", "q", "filter"];
/// Parameters that an aggregate does not take.
pub const LIST_ONLY: [&str; 7] = ["limit", "cursor", "offset", "count", "sort", "fields", "expand"];
/// Longest text search.
pub const SEARCH_LENGTH_MAX: usize = 200;
/// Most keys of a sort.
pub const SORT_KEYS_MAX: usize = 5;
/// Most functions of one aggregate.
pub const MEASURES_MAX: usize = 10;
/// Most fields to group by.
pub const GROUP_FIELDS_MAX: usize = 3;

/// A key of the order of a list.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// The field.
    pub field: FieldRef,
    /// Whether larger values come first.
    pub is_descending: bool,
}

/// Which fields of the answer the caller wants; all when empty.
pub type Selection = Vec<String>;

/// A checked query of a list.
#[derive(Debug)]
pub struct ListQuery {
    /// Condition.
    pub filter: Filter,
    /// Full-text words.
    pub search: Option<String>,
    /// Order; always ends with the id.
    pub sort: Vec<SortKey>,
    /// Rows per page.
    pub limit: usize,
    /// Rows to skip.
    pub offset: usize,
    /// Values of the sort keys of the last row of the page before.
    pub after: Option<Vec<Value>>,
    /// What the cursor is for: a digest of sort and condition.
    pub cursor_scope: String,
    /// Whether to count all matching rows.
    pub is_counted: bool,
    /// Wanted fields.
    pub selection: Selection,
    /// Links to expand.
    pub expand: Vec<String>,
}

/// The projection and expansion of a single record.
#[derive(Debug, Default)]
pub struct ViewQuery {
    /// Wanted fields.
    pub selection: Selection,
    /// Links to expand.
    pub expand: Vec<String>,
}

/// Collects problems while reading parameters.
#[derive(Default)]
struct Problems {
    fields: Vec<FieldError>,
    /// A failure of another kind, such as a cost limit: it goes first.
    other: Option<Error>,
}

impl Problems {
    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) if error.entry() == INVALID_QUERY => {
                self.fields.extend(error.fields().iter().cloned());
                None
            }
            Err(error) => {
                self.other.get_or_insert(error);
                None
            }
        }
    }

    fn finish(self) -> Result<()> {
        if let Some(other) = self.other {
            return Err(other);
        }
        match self.fields.as_slice() {
            [] => Ok(()),
            [one] => Err(Error::new(INVALID_QUERY, "").rephrased(one.message.clone(), self.fields)),
            many => {
                let message = format!("{} parameters are not valid.", many.len());
                Err(Error::new(INVALID_QUERY, "").rephrased(message, self.fields))
            }
        }
    }
}

/// Reads the query of a list over `table`.
pub fn parse_list(ctx: &Ctx, table: &Table, pairs: &[(String, String)]) -> Result<ListQuery> {
    let limits = &ctx.platform.config.limits;
    let mut problems = Problems::default();
    problems.note(once_each(pairs, &RESERVED));
    let get = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let limit = problems.note(number(get("limit"), "limit", limits.page_default, 1, limits.page_max));
    let offset = problems.note(number(get("offset"), "offset", 0, 0, limits.offset_max));
    let is_counted = problems.note(flag(get("count"), "count"));
    let filter = problems.note(parse_filter(ctx, table, pairs));
    let sort = problems.note(parse_sort(ctx, table, get("sort")));
    let selection = problems.note(parse_selection(ctx, table, get("fields")));
    let expand = problems.note(parse_expand(ctx, table, get("expand")));
    let search = problems.note(parse_search(ctx, table, get("q")));
    let sort = sort.unwrap_or_default();
    let scope = cursor::scope(pairs, &sort);
    let after = problems.note(match get("cursor") {
        Some(_) if get("offset").is_some() => Err(contradiction("offset", "Use cursor or offset, not both.")),
        Some(text) => cursor::decode(text, &scope, &sort, &ctx.platform.schema, table).map(Some),
        None => Ok(None),
    });
    problems.finish()?;
    Ok(ListQuery {
        filter: filter.unwrap_or_else(Filter::all),
        search: search.unwrap_or_default(),
        sort,
        limit: limit.unwrap_or(limits.page_default),
        offset: offset.unwrap_or_default(),
        after: after.unwrap_or_default(),
        cursor_scope: scope,
        is_counted: is_counted.unwrap_or_default(),
        selection: selection.unwrap_or_default(),
        expand: expand.unwrap_or_default(),
    })
}

/// Parameters that are good each by itself, but not together: no schema says so, hence the code.
fn contradiction(parameter: &str, message: &str) -> Error {
    Error::new(INVALID_QUERY, message).at(format!("?{parameter}"), "rule", message)
}

/// Reads the query of a single record.
pub fn parse_view(ctx: &Ctx, table: &Table, pairs: &[(String, String)]) -> Result<ViewQuery> {
    let mut problems = Problems::default();
    problems.note(once_each(pairs, &["fields", "expand"]));
    let mut query = ViewQuery::default();
    for (name, value) in pairs {
        match name.as_str() {
            "fields" => query.selection = problems.note(parse_selection(ctx, table, Some(value))).unwrap_or_default(),
            "expand" => query.expand = problems.note(parse_expand(ctx, table, Some(value))).unwrap_or_default(),
            other => problems
                .note(Err(Error::query(other, format!("There is no parameter {other:?} here."))))
                .unwrap_or_default(),
        }
    }
    problems.finish()?;
    Ok(query)
}

/// Refuses parameters of `names` that are given more than once.
pub fn once_each(pairs: &[(String, String)], names: &[&str]) -> Result<()> {
    let is_again = |name: &&&str| pairs.iter().filter(|(given, _)| given == **name).count() > 1;
    let mut problems = Problems::default();
    for name in names.iter().filter(is_again) {
        problems.note::<()>(Err(Error::query(name, format!("{name} is given more than once."))));
    }
    problems.finish()
}

/// The entries of a list parameter; 400 when one is there twice.
pub fn entries<'a>(text: &'a str, parameter: &str) -> Result<Vec<&'a str>> {
    let found: Vec<&str> = text.split(',').collect();
    match found.iter().enumerate().find(|(at, entry)| found[..*at].contains(entry)) {
        Some((_, twice)) => Err(Error::query(parameter, format!("{twice} is named twice."))),
        None => Ok(found),
    }
}

/// The condition of both forms together, within the cost limit.
pub fn parse_filter(ctx: &Ctx, table: &Table, pairs: &[(String, String)]) -> Result<Filter> {
    let mut problems = Problems::default();
    let mut parts = Vec::new();
    for (name, value) in pairs {
        if name == "filter" {
            parts.extend(problems.note(filter_text::parse(ctx, table, value)));
        } else if !RESERVED.contains(&name.as_str()) {
            parts.extend(problems.note(bracket_form(ctx, table, name, value)));
        }
    }
    problems.finish()?;
    let filter = Filter::And(parts);
    let limit = ctx.platform.config.limits.filter_cost_max;
    if filter.cost() > limit {
        return Err(Error::new(QUERY_TOO_COSTLY, format!("The filter costs {}, the limit is {limit}.", filter.cost())));
    }
    Ok(filter)
}

/// `field=value` or `field[op]=value`.
fn bracket_form(ctx: &Ctx, table: &Table, name: &str, value: &str) -> Result<Filter> {
    let (path, operator) = match name.split_once('[') {
        Some((path, rest)) => match rest.split_once(']') {
            Some((operator, "")) => (path, operator),
            _ => return Err(Error::query(name, format!("{name:?} is not a field or field[operator]."))),
        },
        None => (name, "eq"),
    };
    if !OPERATORS.contains(&operator) {
        return Err(Error::query(
            name,
            format!("There is no operator {operator:?}; use one of {}.", OPERATORS.join(", ")),
        ));
    }
    let field = fields::resolve(ctx, table, path, name)?;
    let convert = |text: &str| {
        convert::from_text(&ctx.platform.schema, operand_kind(&field, operator), text)
            .map_err(|m| Error::query(name, m))
    };
    let test = match operator {
        "null" => Test::Null(flag(Some(value), name)?),
        "in" => Test::In(value.split(',').map(convert).collect::<Result<_>>()?),
        _ => build_test(&field, operator, convert(value)?, name)?,
    };
    Ok(Filter::Test(field, test))
}

/// The kind that a comparison's value has: the field's, or its item's for `contains` on a list.
pub fn operand_kind<'a>(field: &'a FieldRef, operator: &str) -> &'a Kind {
    match (field.kind.required(), operator) {
        (Kind::Array(item) | Kind::Set(item), "contains") => item.required(),
        (kind, _) => kind,
    }
}

/// A comparison by operator name, if it makes sense for the field.
pub fn build_test(field: &FieldRef, operator: &str, value: Value, parameter: &str) -> Result<Test> {
    let kind = field.kind.required();
    let is_text = matches!(kind, Kind::String | Kind::Enum(_));
    let is_list = matches!(kind, Kind::Array(_) | Kind::Set(_));
    let refuse =
        || Err(Error::query(parameter, format!("{operator} does not go with {}, which is {kind}.", field.path)));
    Ok(match operator {
        "contains" if is_list || is_text => Test::Contains(value),
        "starts" if is_text => Test::Starts(value),
        "contains" | "starts" => return refuse(),
        _ if is_list || matches!(kind, Kind::Object | Kind::Geometry(_)) => return refuse(),
        "eq" => Test::Eq(value),
        "ne" => Test::Ne(value),
        _ if !field.is_sortable() => return refuse(),
        "lt" => Test::Lt(value),
        "lte" => Test::Lte(value),
        "gt" => Test::Gt(value),
        "gte" => Test::Gte(value),
        _ => return refuse(),
    })
}

fn number(text: Option<&str>, name: &str, default: usize, min: usize, max: usize) -> Result<usize> {
    let Some(text) = text else { return Ok(default) };
    match text.parse::<usize>() {
        // Neither +5 nor 05.
        Ok(value) if (min..=max).contains(&value) && value.to_string() == text => Ok(value),
        _ => Err(Error::query(name, format!("{name} must be a whole number from {min} to {max}."))),
    }
}

fn flag(text: Option<&str>, name: &str) -> Result<bool> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Error::query(name, format!("{name} must be true or false."))),
    }
}

fn parse_sort(ctx: &Ctx, table: &Table, text: Option<&str>) -> Result<Vec<SortKey>> {
    let default = if table.key == KeyKind::Uuid { "-id" } else { "id" };
    let mut keys: Vec<SortKey> = Vec::new();
    for part in text.unwrap_or(default).split(',') {
        let (is_descending, path) = part.strip_prefix('-').map_or((false, part), |path| (true, path));
        let field = fields::resolve(ctx, table, path, "sort")?;
        if !field.is_sortable() {
            return Err(Error::query("sort", format!("{path} has no order.")));
        }
        if keys.iter().any(|key| key.field.path == field.path) {
            return Err(contradiction("sort", &format!("{path} is named twice.")));
        }
        keys.push(SortKey { field, is_descending });
    }
    if keys.len() > SORT_KEYS_MAX {
        return Err(Error::query("sort", format!("At most {SORT_KEYS_MAX} keys.")));
    }
    match keys.iter().position(|key| key.field.path == "id") {
        // What follows a unique key orders nothing.
        Some(at) => keys.truncate(at + 1),
        None => {
            let is_descending = keys.last().is_some_and(|key| key.is_descending);
            keys.push(SortKey { field: fields::resolve(ctx, table, "id", "sort")?, is_descending });
        }
    }
    Ok(keys)
}

fn parse_selection(ctx: &Ctx, table: &Table, text: Option<&str>) -> Result<Selection> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let paths = entries(text, "fields")?;
    paths.into_iter().map(|path| fields::resolve(ctx, table, path, "fields").map(|field| field.path)).collect()
}

fn parse_expand(ctx: &Ctx, table: &Table, text: Option<&str>) -> Result<Vec<String>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let depth_max = ctx.platform.config.limits.expand_depth_max;
    let mut paths = Vec::new();
    for path in entries(text, "expand")? {
        if path.split('.').count() > depth_max {
            return Err(Error::query("expand", format!("{path} goes deeper than {depth_max} links.")));
        }
        super::expand::check_path(ctx, table, path)?;
        paths.push(path.to_owned());
    }
    paths.sort();
    Ok(paths)
}

fn parse_search(ctx: &Ctx, table: &Table, text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    let has_text = table.text_fields().any(|path| fields::resolve(ctx, table, path, "q").is_ok());
    if !has_text {
        return Err(Error::query("q", format!("{} has no text to search.", table.name)));
    }
    if text.trim().is_empty() || text.chars().count() > SEARCH_LENGTH_MAX {
        return Err(Error::query("q", format!("q must have 1 to {SEARCH_LENGTH_MAX} characters.")));
    }
    Ok(Some(text.trim().to_owned()))
}
