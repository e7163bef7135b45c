//! How a wait ends.

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitEnd {
    /// Something was recorded of the request.
    Woken,
    /// Its time was over.
    TimedOut,
    /// Others needed the place, or the service ends.
    CutShort,
}
