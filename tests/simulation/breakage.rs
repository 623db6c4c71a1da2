//! Deliberate faults of the worker, each breaking one promise. They live in the ports, so that the worker needs no
//! switch for them; a simulation that did not notice them would be worth nothing.

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breakage {
    /// Nothing.
    #[default]
    Nothing,
    /// G1: creations lose their client-chosen id, so that doing it again makes another event.
    AnonymousCreations,
    /// G1: a hold is reserved without looking at the others, and every calendar looks free.
    BlindReservations,
    /// G1: an expiry also takes confirmed holds.
    GreedyExpiry,
    /// G1: an event remembers only the last change, so that an earlier one is made again.
    ForgetfulEvents,
    /// G2: results are written without their notification.
    DroppedOutbox,
    /// G2: messages count as dealt with once they are delivered.
    EarlyAcknowledgement,
    /// G2: notifications get a new id each time they are sent.
    RestlessNotifications,
    /// G2: what is sent anew while the database is away is lost.
    LostInTheDark,
    /// G4: refresh tokens are stored as they are.
    OpenVault,
    /// G4: the requests to the provider are logged whole.
    TalkativeLog,
    /// G5: each wish for a token begins a refresh of its own.
    ManyFlights,
    /// G5: a rotated refresh token is stored a while after its access token is handed out.
    LateRotation,
    /// G6: a state can be used again.
    ReusableState,
    /// G6: an attempt does not expire.
    EternalState,
    /// G7: every admission is granted.
    NoBudget,
    /// G7: waiting counts as an attempt.
    CostlyWaiting,
    /// G8: a lost grant is not marked.
    UnmarkedGrant,
    /// G8: each finds out alone that a grant is gone, and announces it anew.
    RepeatedAlarm,
    /// G9: lists are not limited to the caller's own.
    UnscopedLists,
    /// G10: a task that is being run may be claimed again and ended by both.
    SharedClaims,
}
