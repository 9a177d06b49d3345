//! Typed access to the attributes that protoflow uses.
use cloudevents::Event;
/// Attributes that protoflow uses.
pub trait EventExt {
    /// Returns the number of this run, from 1.
    fn attempt(&self) -> u32;
}
impl EventExt for Event {
    fn attempt(&self) -> u32 {
        todo!()
    }
}
