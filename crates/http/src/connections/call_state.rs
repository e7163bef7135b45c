//! What a connection's transport and the handler of its present call know of each other.

use std::cell::Cell;

use super::connection::Connection;
use super::framing::BodyFraming;
use super::registry::ConnectionGuard;
use super::shared::Held;

/// The state of the call that a connection is at, on the one thread that serves the connection.
#[derive(Debug)]
pub(crate) struct CallState {
    guard: ConnectionGuard,
    /// How the body is framed, until the transport has asked for it.
    framing: Cell<Option<BodyFraming>>,
    is_active: Cell<bool>,
    is_being_answered: Cell<bool>,
    wants_body: Cell<bool>,
    /// Whether there is more of the body to come.
    has_body_left: Cell<bool>,
    /// Whether the transport waits for a change.
    is_awaited: Cell<bool>,
}

impl CallState {
    pub(super) const fn new(guard: ConnectionGuard) -> Self {
        Self {
            guard,
            framing: Cell::new(None),
            is_active: Cell::new(false),
            is_being_answered: Cell::new(false),
            wants_body: Cell::new(false),
            has_body_left: Cell::new(false),
            is_awaited: Cell::new(false),
        }
    }

    pub(super) const fn guard(&self) -> &ConnectionGuard {
        &self.guard
    }

    pub(super) fn connection(&self) -> &Connection {
        self.guard.connection()
    }

    pub(super) fn begin(&self, framing: BodyFraming) {
        self.framing.set(Some(framing));
        self.is_active.set(true);
        self.wants_body.set(false);
        self.has_body_left.set(matches!(framing, BodyFraming::Length(_) | BodyFraming::Chunked));
        self.connection().set_serving(true);
    }

    /// An answer is there, of which `held` bytes count as held until they are handed over.
    pub(super) fn answer_begins(&self, held: usize) {
        self.is_being_answered.set(true);
        if held > 0 {
            self.connection().write_begins();
            self.guard.hold(Held::Answers, held);
        }
    }

    /// The call was answered or given up.
    pub(super) fn end(&self) {
        self.is_active.set(false);
        self.is_being_answered.set(false);
        self.connection().set_serving(false);
        self.guard.hold(Held::Answers, 0);
        if self.has_body_left.get() {
            self.connection().discard_begins();
        }
        self.wake_transport();
    }

    pub(super) fn take_framing(&self) -> Option<BodyFraming> {
        self.framing.take()
    }

    /// Whether there is a call that is neither answered nor given up.
    pub(super) const fn is_active(&self) -> bool {
        self.is_active.get()
    }

    pub(super) const fn is_being_answered(&self) -> bool {
        self.is_being_answered.get()
    }

    /// Whether somebody reads the body, or nobody ever will.
    pub(super) const fn wants_body(&self) -> bool {
        self.wants_body.get() || !self.is_active.get()
    }

    /// Has the transport go on with the body.
    pub(super) fn request_body(&self) {
        if !self.wants_body.replace(true) {
            self.wake_transport();
        }
    }

    pub(super) fn body_ends(&self) {
        self.has_body_left.set(false);
        self.connection().set_awaits_body(false);
        self.connection().discard_ends();
    }

    /// Has the next change wake the transport.
    pub(super) fn await_change(&self) {
        self.is_awaited.set(true);
    }

    pub(super) fn wake_transport(&self) {
        if self.is_awaited.replace(false) {
            self.connection().wake();
        }
    }
}
