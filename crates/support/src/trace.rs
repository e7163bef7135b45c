//! Spans of what is sampled: when one begins, whom it belongs to, and where it goes at its end.
//!
//! Nothing here knows OpenTelemetry. Without a [`Tracer`] nothing is measured, and what is not sampled costs a decision.
#![allow(missing_docs, reason = "the names of fields say what they are")]

use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::SystemTime;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// How many traces a second callers may ask for with `traceparent`; beyond it they are traced as if nobody had asked.
const ASKED_FOR: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The header of calls and messages that says which span they are a part of.
pub const TRACEPARENT: &str = "traceparent";

tokio::task_local! {
    static CURRENT: Option<ActiveSpan>;
}

/// Does this as a part of a span, if there is one.
pub fn within<F: Future>(span: Option<ActiveSpan>, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(span, work)
}

/// The span that this task works on, if it is sampled.
pub fn current() -> Option<ActiveSpan> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

/// A span that is sampled, by the IDs of its trace and of itself. Neither is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanContext {
    pub trace: u128,
    pub span: u64,
}

/// What a `traceparent` says: the span of the caller, and whether it is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parent {
    context: SpanContext,
    is_sampled: bool,
}

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// A call that was answered.
    Server,
    /// A message that was taken.
    Consumer,
    /// Work of this process alone.
    Internal,
}

/// A span that is over.
#[derive(Debug, Clone)]
pub struct Span {
    pub context: SpanContext,
    /// The span that it is a part of.
    pub parent: Option<u64>,
    pub name: &'static str,
    pub kind: SpanKind,
    pub began: SystemTime,
    pub ended: SystemTime,
    /// Few and short: they are held until they are sent.
    pub attributes: Vec<(&'static str, String)>,
    pub is_failed: bool,
}

/// Where spans go. Has to return at once, whatever becomes of them.
pub trait SpanSink: Send + Sync {
    fn take(&self, span: Span);
}

/// Decides what is sampled. Clones share their limits.
#[derive(Clone)]
pub struct Tracer(Arc<Inner>);

struct Inner {
    /// Out of 2^32 calls without a parent, how many are sampled.
    threshold: u64,
    asked_for: DefaultDirectRateLimiter,
    sink: Arc<dyn SpanSink>,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("threshold", &self.0.threshold).finish_non_exhaustive()
    }
}

/// A span that has begun.
#[derive(Debug, Clone)]
pub struct ActiveSpan {
    tracer: Tracer,
    pub context: SpanContext,
    parent: Option<u64>,
    pub began: SystemTime,
}

impl Tracer {
    /// One that samples this share of what has no parent, from 0 to 1.
    pub fn new(share: f64, sink: Arc<dyn SpanSink>) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share from 0 to 1 of 2^32"
        )]
        let threshold = (share.clamp(0.0, 1.0) * 4_294_967_296.0) as u64;
        let asked_for = RateLimiter::direct(Quota::per_second(ASKED_FOR));
        Self(Arc::new(Inner { threshold, asked_for, sink }))
    }

    /// Begins a span if it is sampled: with a parent if that one is, within limits, else by chance.
    pub fn begin(&self, traceparent: Option<&[u8]>) -> Option<ActiveSpan> {
        let parent = traceparent.and_then(Parent::parse);
        let parent = match parent {
            Some(Parent { is_sampled: false, .. }) => return None,
            Some(parent) if self.0.asked_for.check().is_ok() => Some(parent.context),
            _ => None,
        };
        if parent.is_none() && u64::from(rand::random::<u32>()) >= self.0.threshold {
            return None;
        }
        let trace = parent.map_or_else(|| rand::random::<u128>().max(1), |parent| parent.trace);
        Some(self.span(trace, parent.map(|parent| parent.span)))
    }

    fn span(&self, trace: u128, parent: Option<u64>) -> ActiveSpan {
        let context = SpanContext { trace, span: rand::random::<u64>().max(1) };
        ActiveSpan { tracer: self.clone(), context, parent, began: SystemTime::now() }
    }
}

impl ActiveSpan {
    /// The same, begun at another time.
    #[must_use]
    pub fn since(self, began: SystemTime) -> Self {
        Self { began, ..self }
    }

    /// A part of this span that begins now.
    #[must_use]
    pub fn child(&self) -> Self {
        self.tracer.span(self.context.trace, Some(self.context.span))
    }

    /// Ends the span now.
    pub fn end(
        self,
        name: &'static str,
        kind: SpanKind,
        attributes: Vec<(&'static str, String)>,
        is_failed: bool,
    ) {
        let Self { tracer, context, parent, began } = self;
        let ended = SystemTime::now().max(began);
        tracer.0.sink.take(Span { context, parent, name, kind, began, ended, attributes, is_failed });
    }

    /// The value of [`TRACEPARENT`] for those who are asked or told something as a part of this span.
    pub fn traceparent(&self) -> String {
        format!("00-{:032x}-{:016x}-01", self.context.trace, self.context.span)
    }
}

impl Parent {
    /// Reads a header of version 00, or the beginning of a later one, as the W3C says.
    fn parse(header: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(header).ok()?;
        let mut parts = text.splitn(5, '-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        hex(version, 2)?;
        let context = SpanContext { trace: hex(trace, 32)?, span: u64::try_from(hex(span, 16)?).ok()? };
        let is_sampled = hex(flags, 2)? & 1 == 1;
        (context.trace != 0 && context.span != 0).then_some(Self { context, is_sampled })
    }
}

/// A number of exactly so many digits, in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == digits && text.bytes().all(is_digit)).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Span>>);

    impl SpanSink for Kept {
        fn take(&self, span: Span) {
            self.0.lock().unwrap().push(span);
        }
    }

    const SAMPLED: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_parent_that_is_sampled_is_followed_within_limits() {
        let kept = Arc::new(Kept::default());
        let tracer = Tracer::new(0.0, kept.clone());
        let span = tracer.begin(Some(SAMPLED)).unwrap();
        let child = span.child();
        child.end("lookup", SpanKind::Internal, Vec::new(), false);
        let context = span.context;
        assert!(span.traceparent().starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        span.end("call", SpanKind::Server, Vec::new(), false);
        let spans = kept.0.lock().unwrap();
        assert_eq!((spans[0].parent, spans[0].context.trace), (Some(context.span), context.trace));
        assert_eq!(spans[1].parent, Some(0xb7ad_6b71_6920_3331));
        drop(spans);
        let more = (0..1000).filter(|_| tracer.begin(Some(SAMPLED)).is_some()).count();
        assert!(more < 20, "callers cannot have all of their calls traced: {more}");
        assert!(tracer.begin(Some(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")).is_none());
        assert!(tracer.begin(None).is_none());
    }

    #[test]
    fn without_a_parent_the_share_counts() {
        let all = Tracer::new(1.0, Arc::new(Kept::default()));
        assert!((0..1000).all(|_| all.begin(None).is_some()));
        let none = Tracer::new(0.0, Arc::new(Kept::default()));
        assert!((0..1000).all(|_| none.begin(None).is_none()));
        let half = Tracer::new(0.5, Arc::new(Kept::default()));
        let sampled = (0..10_000).filter(|_| half.begin(None).is_some()).count();
        assert!((4_000..6_000).contains(&sampled), "{sampled}");
    }

    #[test]
    fn what_is_no_traceparent_is_ignored() {
        for header in [
            "",
            "00",
            "00-0-0-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Parent::parse(header.as_bytes()), None, "{header}");
        }
        assert_eq!(Parent::parse(b"\xff"), None);
        assert!(Parent::parse(b"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
    }
}
