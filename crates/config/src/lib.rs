//! Files to checked values: scenario and run files.
