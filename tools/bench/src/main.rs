//! The program `bench`; everything is in the library, which `count-allocations` shares.

use std::process::ExitCode;

fn main() -> ExitCode {
    bench::main()
}
