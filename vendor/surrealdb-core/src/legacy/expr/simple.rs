//! PAWBASE: expressions that read nothing but values already at hand.
//!
//! Most clauses of a schema are such: `string::len($value) >= 1`, `$value = /…/`, `business IN $session.data.businesses`.
//! Evaluating one on the asynchronous stack moves the state of a large future for each of its nodes, and a clause of a field
//! builds a context for it; both cost far more than the comparison itself.
//!
//! **Invariant:** an answer is what [`crate::legacy::expr_compute`] would answer. Whatever might need the store, a
//! parameter that is not set, or any function that is not listed here gives `None`, and the caller evaluates as before. Nothing
//! here has an effect, so evaluating again is harmless.

use std::borrow::Cow;

use anyhow::Result;
use reblessive::tree::Stk;

use crate::ctx::FrozenContext;
use crate::dbs::Options;
use crate::doc::CursorDoc;
use crate::expr::function::Function;
use crate::expr::literal::Literal;
use crate::expr::{BinaryOperator, ControlFlow, Expr, FlowResult, Idiom, Part, PrefixOperator};
use crate::fnc;
use crate::val::{Array, Value};

/// Values that a clause sees under these names before anything of its context.
pub(crate) type Locals<'a> = &'a [(&'a str, &'a Value)];

/// Deeper expressions are left to the general evaluator, which counts its depth.
const DEPTH_MAX: u32 = 16;

/// Functions of their arguments alone (and of the time).
const FUNCTIONS: [&str; 17] = [
	"array::len",
	"math::abs",
	"math::ceil",
	"math::floor",
	"math::round",
	"record::id",
	"record::tb",
	"record::table",
	"string::contains",
	"string::ends_with",
	"string::len",
	"string::lowercase",
	"string::starts_with",
	"string::trim",
	"string::uppercase",
	"time::floor",
	"time::now",
];

/// Evaluates an expression: at once if it is simple, else on the stack.
pub(crate) async fn compute(
	expr: &Expr,
	stk: &mut Stk,
	ctx: &FrozenContext,
	opt: &Options,
	doc: Option<&CursorDoc>,
) -> FlowResult<Value> {
	if let Some(value) = simple(expr, ctx, opt, doc, &[]) {
		return value.map(Cow::into_owned).map_err(ControlFlow::Err);
	}
	stk.run(|stk| crate::legacy::expr_compute(expr, stk, ctx, opt, doc)).await
}

/// The value of a simple expression; None when it is not simple.
pub(crate) fn simple<'a>(
	expr: &'a Expr,
	ctx: &'a FrozenContext,
	opt: &Options,
	doc: Option<&'a CursorDoc>,
	locals: Locals<'a>,
) -> Option<Result<Cow<'a, Value>>> {
	if opt.dive <= DEPTH_MAX {
		return None;
	}
	Scope {
		ctx,
		doc,
		locals,
	}
	.value(expr, DEPTH_MAX)
}

/// The value of a simple path; None when it is not simple.
pub(crate) fn simple_idiom<'a>(
	idiom: &'a Idiom,
	ctx: &'a FrozenContext,
	opt: &Options,
	doc: &'a CursorDoc,
) -> Option<&'a Value> {
	if opt.dive <= DEPTH_MAX || !matches!(idiom.0.first(), Some(Part::Field(_))) {
		return None;
	}
	let scope = Scope {
		ctx,
		doc: Some(doc),
		locals: &[],
	};
	match scope.path(idiom, DEPTH_MAX)? {
		Ok(Cow::Borrowed(value)) => Some(value),
		_ => None,
	}
}

#[derive(Clone, Copy)]
struct Scope<'a> {
	ctx: &'a FrozenContext,
	doc: Option<&'a CursorDoc>,
	locals: Locals<'a>,
}

/// Takes the value out of an answer, or answers that there is none or why.
macro_rules! known {
	($value:expr) => {
		match $value? {
			Ok(value) => value,
			Err(error) => return Some(Err(error)),
		}
	};
}

impl<'a> Scope<'a> {
	fn value(self, expr: &'a Expr, depth: u32) -> Option<Result<Cow<'a, Value>>> {
		let depth = depth.checked_sub(1)?;
		match expr {
			Expr::Literal(Literal::Array(items)) => {
				let mut values = Vec::with_capacity(items.len());
				for item in items {
					values.push(known!(self.value(item, depth)).into_owned());
				}
				Some(Ok(Cow::Owned(Value::Array(Array(values)))))
			}
			Expr::Literal(literal) => literal.as_static_value().map(|value| Ok(Cow::Owned(value))),
			Expr::Param(param) => match param.as_str() {
				"this" | "self" => Some(Ok(Cow::Borrowed(self.doc?.doc.as_ref()))),
				name => {
					let local = self.locals.iter().find(|(local, _)| *local == name);
					Some(Ok(Cow::Borrowed(match local {
						Some((_, value)) => value,
						None => self.ctx.value(name)?,
					})))
				}
			},
			Expr::Idiom(idiom) => self.path(idiom, depth),
			Expr::Prefix {
				op: PrefixOperator::Not,
				expr,
			} => {
				let value = known!(self.value(expr, depth));
				Some(fnc::operate::not(value.into_owned()).map(Cow::Owned))
			}
			Expr::Binary {
				left,
				op,
				right,
			} => self.binary(left, op, right, depth),
			Expr::FunctionCall(call) => {
				let Function::Normal(name) = &call.receiver else {
					return None;
				};
				if !FUNCTIONS.contains(&name.as_str()) {
					return None;
				}
				let mut args = Vec::with_capacity(call.arguments.len());
				for argument in &call.arguments {
					args.push(known!(self.value(argument, depth)).into_owned());
				}
				if let Err(error) = self.ctx.check_allowed_function(name) {
					return Some(Err(error));
				}
				Some(fnc::synchronous(self.ctx, self.doc, name, args).map(Cow::Owned))
			}
			_ => None,
		}
	}

	/// A path of fields through objects.
	fn path(self, idiom: &'a Idiom, depth: u32) -> Option<Result<Cow<'a, Value>>> {
		let (start, fields) = match idiom.0.split_first()? {
			(Part::Start(start), fields) => (known!(self.value(start, depth)), fields),
			(Part::Field(_), _) => (Cow::Borrowed(self.doc?.doc.as_ref()), idiom.0.as_slice()),
			_ => return None,
		};
		if fields.is_empty() {
			return Some(Ok(start));
		}
		let Cow::Borrowed(mut value) = start else {
			return None;
		};
		for (at, part) in fields.iter().enumerate() {
			let (Part::Field(field), Value::Object(object)) = (part, value) else {
				return None;
			};
			value = match object.get(field.as_str()) {
				Some(value) => value,
				None if at + 1 == fields.len() => &Value::None,
				None => return None,
			};
		}
		Some(Ok(Cow::Borrowed(value)))
	}

	fn binary(
		self,
		left: &'a Expr,
		op: &BinaryOperator,
		right: &'a Expr,
		depth: u32,
	) -> Option<Result<Cow<'a, Value>>> {
		let left = known!(self.value(left, depth));
		match op {
			BinaryOperator::And if !left.is_truthy() => return Some(Ok(left)),
			BinaryOperator::Or if left.is_truthy() => return Some(Ok(left)),
			BinaryOperator::And | BinaryOperator::Or => return self.value(right, depth),
			// A clone of a pattern begins without the memory of earlier matches, which makes it slow.
			BinaryOperator::Equal => {
				if let (Value::String(text), Expr::Literal(Literal::Regex(pattern))) = (&*left, right) {
					let is_match = pattern.inner().is_match(text.as_str());
					return Some(Ok(Cow::Owned(Value::Bool(is_match))));
				}
			}
			_ => {}
		}
		let right = known!(self.value(right, depth));
		let answer = match op {
			BinaryOperator::Equal => fnc::operate::equal(&left, &right),
			BinaryOperator::ExactEqual => fnc::operate::exact(&left, &right),
			BinaryOperator::NotEqual => fnc::operate::not_equal(&left, &right),
			BinaryOperator::LessThan => fnc::operate::less_than(&left, &right),
			BinaryOperator::LessThanEqual => fnc::operate::less_than_or_equal(&left, &right),
			BinaryOperator::MoreThan => fnc::operate::more_than(&left, &right),
			BinaryOperator::MoreThanEqual => fnc::operate::more_than_or_equal(&left, &right),
			BinaryOperator::Inside => fnc::operate::inside(&left, &right),
			BinaryOperator::NotInside => fnc::operate::not_inside(&left, &right),
			BinaryOperator::Contain => fnc::operate::contain(&left, &right),
			BinaryOperator::NotContain => fnc::operate::not_contain(&left, &right),
			BinaryOperator::AllInside => fnc::operate::inside_all(&left, &right),
			BinaryOperator::AnyInside => fnc::operate::inside_any(&left, &right),
			BinaryOperator::NoneInside => fnc::operate::inside_none(&left, &right),
			_ => return None,
		};
		Some(answer.map(Cow::Owned))
	}
}
