//! The key of a message, hidden in a header from the store: it then keeps no order.

use crate::event::Message;

/// The header that carries the key.
pub(super) const KEY: &str = "x-faulty-key";

/// Puts a key back where it belongs.
pub(super) fn restore_key(message: &mut Message) {
    let carried = message.headers.iter().find(|(name, _)| *name == KEY);
    if let Some((_, key)) = carried {
        message.key = key.cloned();
    }
    message.headers.retain(|name| name != KEY);
}
