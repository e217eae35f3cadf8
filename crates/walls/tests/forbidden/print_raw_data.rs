// Raw data cannot be printed or copied.
use netdpsyn_formats::Sensitive;
use netdpsyn_trace::Trace;

// The trait alone: how a macro of formatting names itself differs between compilers.
fn print<T: std::fmt::Debug>(_: &T) {}

fn printed(trace: &Sensitive<Trace>) {
    print(trace)
}

fn twice(trace: &Sensitive<Trace>) -> (Sensitive<Trace>, Sensitive<Trace>) {
    (trace.clone(), trace.clone())
}

fn main() {}
