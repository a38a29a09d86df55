//! Tells cargo which folders are embedded, so that a new file in them is noticed.

fn main() {
    println!("cargo:rerun-if-changed=schemas");
    println!("cargo:rerun-if-changed=assets");
    println!("cargo:rerun-if-env-changed=PAWBASE_KEEP_SYMBOLS");
    // The program is one file to copy: without symbols it is a fifth smaller. A profiler wants them kept.
    let is_linux = std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux");
    if is_linux && std::env::var_os("PAWBASE_KEEP_SYMBOLS").is_none() {
        println!("cargo:rustc-link-arg-bins=-Wl,--strip-all");
    }
    // Rust's own linker on this target (lld) folds functions whose code is the same and packs relocations.
    if std::env::var("TARGET").as_deref() == Ok("x86_64-unknown-linux-gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
