//! The run folder: log of records, manifest, metrics, ledger, checkpoints.
