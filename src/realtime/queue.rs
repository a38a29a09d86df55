//! What waits to be sent to one connection: bounded in messages and bytes, filled without waiting, taken by its transport.
//!
//! **Invariant:** filling never waits, so a client that takes nothing holds up nobody. One that is too far behind loses all that
//! waits, is told so, and is closed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::frames::{Closing, Message};

/// What a transport does next.
#[derive(Debug)]
pub enum Next {
    /// Sends this.
    Send(Message),
    /// Shows that the connection is still there.
    Heartbeat,
    /// Says why, and closes.
    Close(Closing),
}

/// What came of putting a message in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It waits to be sent.
    Waits,
    /// It was one too many: all that waited is gone, and the connection ends.
    TooMany,
    /// The connection ends anyway.
    Ended,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Message>,
    bytes: usize,
    is_heartbeat_due: bool,
    closing: Option<Closing>,
    waker: Option<Waker>,
}

/// The messages that wait for one connection.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    messages_max: usize,
    bytes_max: usize,
}

impl Queue {
    /// Room for so many messages of so many bytes together.
    pub fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self { state: Mutex::default(), messages_max, bytes_max }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message in.
    pub fn put(&self, message: Message) -> Put {
        let mut state = self.state();
        if state.closing.is_some() {
            return Put::Ended;
        }
        state.bytes += message.len();
        state.waiting.push_back(message);
        let is_too_many = state.waiting.len() > self.messages_max || state.bytes > self.bytes_max;
        if is_too_many {
            state.forget();
            state.closing = Some(Closing::TooSlow);
        }
        wake(state);
        if is_too_many { Put::TooMany } else { Put::Waits }
    }

    /// Asks for a sign of life.
    pub fn heartbeat(&self) {
        let mut state = self.state();
        state.is_heartbeat_due = true;
        wake(state);
    }

    /// Ends the connection; the first reason counts. What waits is sent before a gentle end, and not at all before another.
    pub fn close(&self, why: Closing) {
        let mut state = self.state();
        if state.closing.is_none() {
            state.closing = Some(why);
            if !why.is_gentle() {
                state.forget();
            }
        }
        wake(state);
    }

    /// Whether the connection ends.
    pub fn is_closing(&self) -> bool {
        self.state().closing.is_some()
    }

    /// What to do next.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Next> {
        let mut state = self.state();
        if let Some(message) = state.waiting.pop_front() {
            state.bytes -= message.len();
            // Whatever is sent is a sign of life.
            state.is_heartbeat_due = false;
            if state.waiting.is_empty() {
                state.waiting.shrink_to(8);
            }
            return Poll::Ready(Next::Send(message));
        }
        if let Some(why) = state.closing {
            return Poll::Ready(Next::Close(why));
        }
        if std::mem::take(&mut state.is_heartbeat_due) {
            return Poll::Ready(Next::Heartbeat);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// What to do next, waited for.
    pub async fn next(&self) -> Next {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// A message that waits already, without waiting for one.
    pub fn ready(&self) -> Option<Message> {
        let mut state = self.state();
        let message = state.waiting.pop_front()?;
        state.bytes -= message.len();
        Some(message)
    }
}

impl State {
    fn forget(&mut self) {
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}

/// Wakes the transport, after the lock is given back.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn message(text: &str) -> Message {
        Message::own(text.to_owned())
    }

    fn now(queue: &Queue) -> Option<Next> {
        queue.next().now_or_never()
    }

    #[test]
    fn messages_come_in_order_before_heartbeats() {
        let queue = Queue::new(10, 1000);
        assert!(now(&queue).is_none());
        queue.heartbeat();
        assert!(matches!(now(&queue), Some(Next::Heartbeat)));
        assert!(now(&queue).is_none());
        queue.heartbeat();
        assert_eq!(queue.put(message("a")), Put::Waits);
        assert_eq!(queue.put(message("b")), Put::Waits);
        for expected in ["a", "b"] {
            assert!(matches!(now(&queue), Some(Next::Send(found)) if found.tail == expected));
        }
        assert!(now(&queue).is_none(), "what was sent is a sign of life");
    }

    #[test]
    fn who_is_too_far_behind_is_told_and_gets_nothing_else() {
        for (messages_max, bytes_max) in [(2, 1000), (100, 2)] {
            let queue = Queue::new(messages_max, bytes_max);
            assert_eq!(queue.put(message("a")), Put::Waits);
            assert_eq!(queue.put(message("b")), Put::Waits);
            assert_eq!(queue.put(message("c")), Put::TooMany);
            assert_eq!(queue.put(message("d")), Put::Ended);
            assert!(matches!(now(&queue), Some(Next::Close(Closing::TooSlow))));
        }
    }

    #[test]
    fn a_gentle_end_sends_what_waits_and_another_does_not() {
        let queue = Queue::new(10, 1000);
        queue.put(message("a"));
        queue.close(Closing::Shutdown);
        queue.close(Closing::SignedOut);
        assert!(matches!(now(&queue), Some(Next::Send(_))));
        assert!(matches!(now(&queue), Some(Next::Close(Closing::Shutdown))));
        let queue = Queue::new(10, 1000);
        queue.put(message("secret"));
        queue.close(Closing::SignedOut);
        assert!(matches!(now(&queue), Some(Next::Close(Closing::SignedOut))));
    }
}
