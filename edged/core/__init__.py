"""The state machines of the door: values in, new state and effects out."""
