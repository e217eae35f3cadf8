// Raw data cannot be printed or copied.
use netdpsyn_formats::Sensitive;
use netdpsyn_trace::Trace;

fn printed(trace: &Sensitive<Trace>) -> String {
    format!("{trace:?}")
}

fn twice(trace: &Sensitive<Trace>) -> (Sensitive<Trace>, Sensitive<Trace>) {
    (trace.clone(), trace.clone())
}

fn main() {}
