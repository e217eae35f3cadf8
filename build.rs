//! What cargo cannot see for itself: embedded migrations.

fn main() {
    // They are embedded by a macro: rebuild when one is added.
    println!("cargo:rerun-if-changed=migrations");
}
