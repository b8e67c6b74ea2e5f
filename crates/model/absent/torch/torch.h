// Found only where no libtorch is: the last folder the C++ compiler looks into (see `.cargo/config.toml`). What cannot be
// included ends the compilation at once, where `#error` would let thousands of other errors follow.
#include "libtorch is not set up, run `cargo xtask libtorch`"
