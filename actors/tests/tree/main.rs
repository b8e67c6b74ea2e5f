//! The whole tree at work and under fire, with dummy policies and scripted seats. Nothing sleeps: deadlines run on paused time, and whoever
//! has to wait for somebody watches the play's progress.
//!
//! Where a new test goes: `flow` plays without models; `lockstep` the barrier and its rounds; `deaths` one death each; `kills` many at
//! random; `deadlines` time; `engine` look-ups outside; `learning` loans of weights, `overlap` those beside a play; `thinking` what a policy goes on
//! from; `reruns` what is played again; `calls` wrong or broken-off calls. Who plays in them is in `company`.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, and their helpers are no different")]

mod calls;
mod company;
mod deadlines;
mod deaths;
mod engine;
mod flow;
mod kills;
mod learning;
mod lockstep;
mod overlap;
mod reruns;
mod thinking;
