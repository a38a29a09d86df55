//! What the program does about events and jobs: reactions, kinds of jobs, schedules. Filled once at start, from one list.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use pawbase_engine::{Session, Tx};
use serde_json::Value as Json;

use super::event::matches;
use super::job::Job;
use super::patterns::Patterns;
use super::policy::Policy;
use super::turn::{Attempted, Failure, Turn};
use crate::context::Ctx;
use crate::kernel::Result;

/// An effect in the database: `async fn do_it(turn: &Turn<'_>) -> Attempted`.
pub trait Effect<'a>: Send + Sync {
    /// What it returns when it is called.
    type Attempt: Future<Output = Attempted> + Send + 'a;
    /// Calls it.
    fn call(&self, turn: &'a Turn<'a>) -> Self::Attempt;
}

impl<'a, F, A> Effect<'a> for F
where
    F: Fn(&'a Turn<'a>) -> A + Send + Sync,
    A: Future<Output = Attempted> + Send + 'a,
{
    type Attempt = A;

    fn call(&self, turn: &'a Turn<'a>) -> A {
        self(turn)
    }
}

/// Any effect.
pub(super) type AnyEffect = Arc<dyn for<'a> Fn(&'a Turn<'a>) -> BoxFuture<'a, Attempted> + Send + Sync>;

fn boxed<E>(effect: E) -> AnyEffect
where
    E: for<'a> Effect<'a> + 'static,
{
    Arc::new(move |turn| Box::pin(effect.call(turn)))
}

/// Work outside the database, such as sending a mail: it is done first and kept afterwards, so it may happen more than once.
/// Whoever is called can tell by the job's id.
#[async_trait]
pub trait Outside: Send + Sync + 'static {
    /// Which service it calls, such as `mail`. While a service fails again and again its jobs wait without being tried.
    fn service(&self, job: &Job) -> String;

    /// Does it. Nothing in the database is changed here.
    async fn call(&self, ctx: &Ctx, job: &Job) -> Attempted<Json>;

    /// Keeps what came of the attempt, in the transaction that closes the job or puts it back.
    async fn keep(&self, _turn: &Turn<'_>, _outcome: std::result::Result<&Json, &Failure>) -> Result<()> {
        Ok(())
    }
}

/// How a kind of job is done.
#[derive(Clone)]
pub(super) enum Doing {
    /// In the transaction that closes the job.
    Effect(AnyEffect),
    /// Outside.
    Outside(Arc<dyn Outside>),
}

/// A kind of job.
#[derive(Clone)]
pub struct Kind {
    /// Its name, `<module>.<what it does>`.
    pub name: &'static str,
    /// How often and how long it is tried.
    pub policy: Policy,
    pub(super) doing: Doing,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind").field("name", &self.name).field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Kind {
    /// A kind whose effect is in the database.
    pub fn effect<E>(name: &'static str, effect: E) -> Self
    where
        E: for<'a> Effect<'a> + 'static,
    {
        Self { name, policy: Policy::EFFECT, doing: Doing::Effect(boxed(effect)) }
    }

    /// A kind that works outside the database.
    pub fn outside(name: &'static str, outside: impl Outside) -> Self {
        Self { name, policy: Policy::OUTSIDE, doing: Doing::Outside(Arc::new(outside)) }
    }

    /// The same with another policy.
    pub fn with(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }
}

/// What is done about an event.
#[derive(Debug, Clone)]
pub struct Reaction {
    /// Which events: a name, `domain.*` or `*`.
    pub pattern: &'static str,
    /// The kind of the jobs that do it.
    pub kind: &'static str,
    /// Which of them, where the database says so.
    pub patterns: Option<Arc<Patterns>>,
}

/// What is waited for while one batch of events is relayed: for each reaction, the patterns read for it.
pub(super) type Waited = Vec<Option<Vec<String>>>;

impl Reaction {
    /// Whether the event makes a job. `waited` are the patterns read just now, else what is known counts.
    fn takes(&self, event: &str, waited: Option<&Vec<String>>) -> bool {
        let is_waited_for = || match (waited, &self.patterns) {
            (Some(patterns), _) => patterns.iter().any(|pattern| matches(pattern, event)),
            (None, Some(known)) => known.name(event),
            (None, None) => true,
        };
        matches(self.pattern, event) && is_waited_for()
    }
}

/// A job that comes again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name; also the key of its row.
    pub name: &'static str,
    /// Minute, hour, day of month, month, day of week.
    pub cron: &'static str,
    /// IANA name of the zone whose clock that is.
    pub timezone: &'static str,
    /// The kind of job that each tick makes.
    pub kind: &'static str,
}

/// Everything that is done about events and jobs.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Kind>,
    reactions: Vec<Reaction>,
    schedules: Vec<Schedule>,
}

impl Registry {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reaction: each event that `pattern` names runs `effect` once, in the order of the events about one record. `name` is
    /// `<module>.<what it does>` and stays the same for ever, since jobs in the database carry it.
    pub fn on<E>(self, pattern: &'static str, name: &'static str, effect: E) -> Self
    where
        E: for<'a> Effect<'a> + 'static,
    {
        self.reaction(pattern, Kind::effect(name, effect))
    }

    /// Adds a reaction of any kind, such as one that works outside. A kind may react to several patterns.
    pub fn reaction(mut self, pattern: &'static str, kind: Kind) -> Self {
        self.reactions.push(Reaction { pattern, kind: kind.name, patterns: None });
        self.job(kind)
    }

    /// Adds a reaction to those events that rows of the database name: `statement` selects lists of patterns. Whoever changes such
    /// rows calls [`Registry::patterns_changed`] after the commit.
    pub fn reaction_if(mut self, pattern: &'static str, kind: Kind, statement: &'static str) -> Self {
        let patterns = Some(Arc::new(Patterns::new(statement)));
        self.reactions.push(Reaction { pattern, kind: kind.name, patterns });
        self.job(kind)
    }

    /// Adds a kind of job.
    pub fn job(mut self, kind: Kind) -> Self {
        self.kinds.insert(kind.name, kind);
        self
    }

    /// Adds a schedule: five fields of cron in the zone's own time, and the kind of job to make.
    pub fn every(mut self, cron: &'static str, timezone: &'static str, name: &'static str, kind: Kind) -> Self {
        self.schedules.push(Schedule { name, cron, timezone, kind: kind.name });
        self.job(kind)
    }

    /// The kind of that name.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// All kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    /// All reactions, in the order of the list.
    pub fn reactions(&self) -> &[Reaction] {
        &self.reactions
    }

    /// All schedules, in the order of the list.
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    /// Whether anything reacts to an event of this name, as far as is known; yes when in doubt.
    pub fn wants(&self, event: &str) -> bool {
        self.reactions.iter().any(|reaction| reaction.takes(event, None))
    }

    /// Says that rows which name events have changed: they are read again before they count for anything.
    pub fn patterns_changed(&self) {
        self.reactions.iter().filter_map(|reaction| reaction.patterns.as_ref()).for_each(|patterns| patterns.changed());
    }

    /// Reads what has changed of the rows that name events, where nobody but this process changes them.
    pub(super) async fn look_again(&self, session: &Session) -> Result<()> {
        for patterns in self.reactions.iter().filter_map(|reaction| reaction.patterns.as_ref()) {
            patterns.look_again(session).await?;
        }
        Ok(())
    }

    /// What is waited for, in the relay's transaction. Where other processes change the rows they are read each time.
    pub(super) async fn waited(&self, tx: &Tx, is_alone: bool) -> Result<Waited> {
        let mut waited = Vec::with_capacity(self.reactions.len());
        for reaction in &self.reactions {
            waited.push(match &reaction.patterns {
                Some(patterns) if !is_alone => Some(patterns.read(tx).await?),
                _ => None,
            });
        }
        Ok(waited)
    }

    /// The kinds of the jobs that an event makes, each once.
    pub(super) fn kinds_for(&self, event: &str, waited: &Waited) -> Vec<&'static str> {
        let mut kinds: Vec<&'static str> = Vec::new();
        let taking =
            self.reactions.iter().zip(waited).filter(|(reaction, waited)| reaction.takes(event, waited.as_ref()));
        for (reaction, _) in taking {
            if !kinds.contains(&reaction.kind) {
                kinds.push(reaction.kind);
            }
        }
        kinds
    }
}
