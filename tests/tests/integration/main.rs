//! The command line from outside: a process, its arguments, what it says, what it leaves on disk. The models are n-grams
//! (`src/bin/duologue-without-torch`), so everything here runs without libtorch and in seconds.
//!
//! ```text
//!  program.rs   runs the binary                 training.rs  a small run, and what two folders have in common
//!  usage.rs     help, `check`, wrong flags      errors.rs    each mistake: what is said, exit code 2, nothing changed on disk
//!  eval.rs      `eval --json`, the contract     metrics.rs   `metrics.jsonl`, the contract; the gate
//!  twice.rs     one seed, one end               killed.rs    kill -9 at addressed moments, `--resume`, the same end
//!  mix.rs       several scenarios in one run  collected.rs  a cold start from records
//!  cotrain.rs   who learns when and from whom: frozen roles, moving baselines, what survives a death
//!  seats.rs     one set of weights for both seats, and the cold start beside GRPO
//!  monitors.rs  runs that collapse, stopped by what they are watched for
//!  rules.rs     learning rules: in words, in numbers, refused
//!  replay.rs    re-driving and forking          account.rs   each episode once; masks; drift; log-probabilities
//!  export.rs    models and episodes for other tools
//!  stress.rs    `stress`: families told apart, thresholds
//!  study.rs     `study` against `eval` and by hand, killed, changed, failed
//!  privacy.rs   what a seat is shown, with honest models and with ones that leak
//!  canaries.rs  nothing private crosses in a talk: models that leak, and servers
//!  documented.rs  `docs/ERRORS.md`: every mistake in it is made, and what it says is said
//!  tokens.rs    prices and held-out words as the quickstart's tokenizer sees them
//!  data.rs      releases imported, and played from what an import leaves
//!  published.rs UserRL's own requests, where they are at hand
//!  remote.rs    other people's models           server.rs    a server of them that misbehaves
//!  from_folder.rs  models that start from a folder
//!  thinking.rs  models whose earlier thoughts are stripped
//!  tools.rs     models whose acts are calls of a tool
//!  serve.rs     a model behind OpenAI's protocol
//!  opponents.rs  whom a model meets, if not its gym's own
//!  forks.rs     talks played on from the middle: alternatives to a turn, and their futures
//!  overlap.rs   playing beside learning: which weights play, kills, going on from each commit
//!  engine.rs    searches in an engine outside
//!  gyms.rs      UserRL's gyms out of their files
//!  upstream.rs  the faults of UserRL's release, each with the test of its fix
//!  degenerate.rs  acts that nobody should make, in all gyms
//!  new_gym.rs   `docs/NEW_GYM.md`: what it shows is what is compiled, and its commands work
//!  held_out.rs  what is measured was never learned from; what people say of talks
//!  judges.rs    judges by a rubric, asked of a server
//!  talk.rs      scenarios made of files alone, from check to training
//!  packs.rs     the packs with a user and judges on servers, good and bad
//!  bring.rs     a service procedure of one's own, and every command of `docs/TUTORIAL.md`
//!  tau.rs       tau-bench's tasks and recorded dialogues, where they are at hand
//! ```

mod account;
mod bring;
mod canaries;
mod collected;
mod cotrain;
mod data;
mod degenerate;
mod documented;
mod engine;
mod errors;
mod eval;
mod export;
mod forks;
mod from_folder;
mod gyms;
mod held_out;
mod judges;
mod killed;
mod lent;
mod metrics;
mod mix;
mod monitors;
mod new_gym;
mod opponents;
mod overlap;
mod packs;
mod plan;
mod play;
mod privacy;
mod program;
mod published;
mod remote;
mod replay;
mod rules;
mod seats;
mod serve;
mod server;
mod stress;
mod study;
mod talk;
mod tau;
mod thinking;
mod tokens;
mod tools;
mod training;
mod twice;
mod upstream;
mod usage;
