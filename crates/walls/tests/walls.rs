//! Each file of `forbidden/` is a program that would break the promise; beside it stands what the compiler says to it.

#[test]
fn the_compiler_refuses_whatever_would_break_the_promise() {
    trybuild::TestCases::new().compile_fail("tests/forbidden/*.rs");
}
