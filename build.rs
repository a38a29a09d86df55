//! Tells cargo which folders are embedded, so that a new file in them is noticed.

fn main() {
    println!("cargo:rerun-if-changed=schemas");
    println!("cargo:rerun-if-changed=assets");
    // The program is one file to copy: without symbols it is a third smaller.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bins=-Wl,--strip-all");
    }
}
